//! Stack traces: one line automaton a language, all run over the same lines, the best spans kept.
//!
//! An automaton reads each line a bounded number of times, never reads files, and keeps names as they are written;
//! making them comparable is the business of `fingerprint`. Layer 1.

mod csharp;
mod gecko;
mod go;
mod java;
mod javascript;
pub(super) mod php;
mod pytest;
mod python;
mod ruby;
mod rust;
mod tap;

use crate::intake::clean::Line;
use crate::model::{Exception, Failure, Language};

/// A trace with its place: lines `start..end` of what was searched.
#[derive(Debug, Clone)]
pub(crate) struct Trace {
    /// The first line.
    pub(crate) start: usize,
    /// The line after the last.
    pub(crate) end: usize,
    /// How sure the reading is: frames, and a bonus for a header.
    pub(crate) score: usize,
    /// What was read; its chain is never empty.
    pub(crate) failure: Failure,
}

impl Trace {
    /// Makes a trace of a chain, the root cause first.
    fn new(language: Language, start: usize, end: usize, chain: Vec<Exception>) -> Self {
        let frames: usize = chain.iter().map(|e| e.frames.len()).sum();
        let headers = chain.iter().filter(|e| !e.type_name.is_empty()).count();
        Self {
            start,
            end,
            score: frames + 2 * headers,
            failure: Failure { language: Some(language), chain, ..Failure::default() },
        }
    }
}

type Scanner = fn(&[Line<'_>]) -> Vec<Trace>;

/// Every automaton, the most particular shapes first: on a tie the earlier one wins.
const SCANNERS: [Scanner; 11] = [
    python::scan,
    pytest::scan,
    rust::scan,
    go::scan,
    java::scan,
    csharp::scan,
    php::scan,
    ruby::scan,
    javascript::scan,
    tap::scan,
    gecko::scan,
];

/// Finds all traces that do not overlap, in order of their lines.
pub(crate) fn find(lines: &[Line<'_>]) -> Vec<Trace> {
    let mut all: Vec<Trace> = SCANNERS.iter().flat_map(|scan| scan(lines)).collect();
    // A stable sort: automata stay in their order, and each reports from top to bottom.
    all.sort_by(|a, b| b.score.cmp(&a.score).then(a.start.cmp(&b.start)));
    let mut taken = vec![false; lines.len()];
    let mut kept: Vec<Trace> = Vec::new();
    for trace in all {
        let span = trace.start..trace.end.min(lines.len());
        if span.is_empty() || taken[span.clone()].contains(&true) {
            continue;
        }
        taken[span].fill(true);
        kept.push(trace);
    }
    kept.sort_by_key(|trace| trace.start);
    kept
}

/// Chooses the trace with the deepest chain of causes, else the first that has frames, else the first.
pub(crate) fn primary(traces: &[Trace]) -> Option<&Trace> {
    let depth = traces.iter().map(|t| t.failure.chain.len()).max()?;
    if depth > 1 {
        return traces.iter().find(|t| t.failure.chain.len() == depth);
    }
    traces.iter().find(|t| !t.failure.frames().is_empty()).or_else(|| traces.first())
}
