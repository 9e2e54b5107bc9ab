//! Which of all that was read of a log is the reason: the order of trust, in one list. Layer 1.
//!
//! Refuses to call something an error that only repeats that something failed, as long as anything else is there.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::intake::log::Reading;
use crate::intake::log::diagnosis::MOST_TESTS;
use crate::intake::log::diagnostic::Diagnostic;
use crate::intake::log::signal::{self, Hit, Weight};
use crate::intake::log::step::{self, Row, Step};
use crate::intake::{scan, trace};
use crate::model::{Exception, Failure, Kind, Lane, Untrusted};

/// What was chosen as the reason.
pub(super) struct Chosen {
    pub(super) failure: Failure,
    pub(super) rows: Option<Range<usize>>,
}

/// Everything that was read.
pub(super) struct View<'a> {
    pub(super) rows: &'a [Row<'a>],
    pub(super) step: &'a Step,
    pub(super) reading: &'a Reading<'a>,
    /// The row of the reading's first line.
    pub(super) offset: usize,
    pub(super) failed: &'a [String],
    pub(super) complaints: &'a [Diagnostic],
    pub(super) hits: &'a [Hit],
}

/// Chooses the reason, from what decides by itself to what is left when nothing else is.
pub(super) fn choose(view: &View<'_>) -> Option<Chosen> {
    if let Some(hit) = signal::heaviest(view.hits, Weight::Stop) {
        return Some(signalled(view, hit));
    }
    // Failing tests of a step that passed were meant to fail.
    if view.step.passed {
        return None;
    }
    if !view.failed.is_empty() {
        return Some(test(view));
    }
    if let Some(hit) = signal::heaviest(view.hits, Weight::Strong) {
        return Some(signalled(view, hit));
    }
    if let Some(one) = first(view.complaints.iter().filter(|one| !one.vague && one.tool != "actions")) {
        if one.kind == Kind::Dependency
            && let Some(hit) = view.hits.iter().find(|hit| hit.signal.kind == Kind::Network && near(hit.row, one))
        {
            return Some(signalled(view, *hit));
        }
        return Some(complaint(one));
    }
    if let Some(chosen) = unnamed(view) {
        return Some(chosen);
    }
    let ends = view.step.exit == Some(137);
    if ends {
        return Some(plain(view, Lane::Infra, Kind::Memory, "killed", "The process was killed (exit code 137)."));
    }
    if let Some(hit) = signal::heaviest(view.hits, Weight::Hint) {
        return Some(signalled(view, hit));
    }
    if let Some(chosen) = crash(view) {
        return Some(chosen);
    }
    if let Some(one) = first(view.complaints.iter().filter(|one| !one.vague)) {
        return Some(complaint(one));
    }
    if let Some(chosen) = last_error(view) {
        return Some(chosen);
    }
    if let Some(one) = view.complaints.last().filter(|one| one.tool != "npm") {
        return Some(complaint(one));
    }
    exited(view)
}

/// Nothing but an exit code: the last words before it are all there is.
fn exited(view: &View<'_>) -> Option<Chosen> {
    let exit = view.step.exit.filter(|code| *code != 0)?;
    let noise = |raw: &str| raw.is_empty() || step::is_verdict(raw) || raw.starts_with("travis_") || is_repeat(raw);
    let end = view.step.verdict.unwrap_or(view.step.rows.end).min(view.step.rows.end);
    let last = (view.step.rows.start..end).rev().take(40).find(|at| !noise(view.rows[*at].raw.trim()));
    let words = last.map_or("", |at| view.rows[at].line.text);
    let message = format!("exit code {exit} after: {words}");
    let mut chosen = plain(view, Lane::Code, Kind::Build, "exit", message.trim_end_matches([' ', ':']));
    chosen.rows = last.map(|at| at..at + 1).or(chosen.rows);
    Some(chosen)
}

/// Returns whether a build tool only says there that something failed.
fn is_repeat(raw: &str) -> bool {
    ["make: ***", "make[", "gmake: ***", "ninja: build stopped", "npm ERR!", "npm error", "error Command failed"]
        .iter()
        .any(|lead| raw.starts_with(lead))
}

/// Chooses the first complaint; formatting only where nothing else is wrong.
fn first<'a>(complaints: impl Iterator<Item = &'a Diagnostic>) -> Option<&'a Diagnostic> {
    complaints.min_by_key(|one| (one.kind == Kind::Format, one.rows.start))
}

/// Returns whether a row stands where a complaint's cause would.
fn near(row: usize, one: &Diagnostic) -> bool {
    (one.rows.start.saturating_sub(60)..one.rows.end + 20).contains(&row)
}

fn complaint(one: &Diagnostic) -> Chosen {
    Chosen { failure: one.failure(), rows: Some(one.rows.clone()) }
}

fn signalled(view: &View<'_>, hit: Hit) -> Chosen {
    let text = view.rows[hit.row].raw.trim();
    let message = text.strip_prefix("##[error]").unwrap_or(text).trim();
    let failure = Failure {
        chain: vec![Exception {
            type_name: hit.signal.code.to_owned(),
            message: scan::message(message),
            frames: Vec::new(),
        }],
        tool: Some("runner".to_owned()),
        code: Some(hit.signal.code.to_owned()),
        lane: Some(hit.signal.lane),
        kind: Some(hit.signal.kind),
        ..Failure::default()
    };
    Chosen { failure, rows: Some(hit.row..hit.row + 1) }
}

fn plain(view: &View<'_>, lane: Lane, kind: Kind, code: &str, message: &str) -> Chosen {
    let exception = Exception { type_name: code.to_owned(), message: scan::message(message), frames: Vec::new() };
    let failure = Failure {
        chain: vec![exception],
        tool: Some("runner".to_owned()),
        code: Some(code.to_owned()),
        lane: Some(lane),
        kind: Some(kind),
        ..Failure::default()
    };
    Chosen { failure, rows: view.step.verdict.map(|at| at..at + 1) }
}

/// Failing tests: the failure of the one whose output stands first, with the names of all.
fn test(view: &View<'_>) -> Chosen {
    let reading = view.reading;
    let mut spans: BTreeMap<&str, &Range<usize>> = BTreeMap::new();
    for (test, span) in &reading.blocks {
        spans.entry(test.as_deref().unwrap_or("")).or_insert(span);
    }
    let own = reading.failures.iter().filter_map(|(test, failure)| Some((spans.get(test.as_deref()?), failure)));
    let first = own.min_by_key(|(span, _)| span.map_or(usize::MAX, |span| span.start));
    let (span, mut failure) = match first {
        Some((span, failure)) => (span.map(|span| (*span).clone()), failure.clone()),
        None => reading.failures.first().map_or_else(
            || (None, nameless(view.failed)),
            |(_, failure)| (reading.blocks.first().map(|(_, span)| span.clone()), failure.clone()),
        ),
    };
    failure.tool = failure.tool.or_else(|| reading.tools.first().map(|tool| (*tool).to_owned()));
    failure.tests = of_one_cause(view, &failure);
    failure.kind = Some(Kind::Test);
    let flaky = !reading.failures.is_empty()
        && reading.failures.iter().filter(|(test, _)| test.is_some()).all(|(_, failure)| comes_and_goes(failure))
        && reading.failures.iter().any(|(test, _)| test.is_some());
    failure.lane = Some(if flaky { Lane::Flaky } else { Lane::Code });
    // The row above names the test.
    let rows = span.map(|span| (view.offset + span.start).saturating_sub(1)..view.offset + span.end);
    Chosen { failure, rows }
}

/// Returns the tests that fail the same way: another test that fails as well must not make another failure of this one.
fn of_one_cause(view: &View<'_>, failure: &Failure) -> Vec<String> {
    let same = |other: &Failure| other.error_type() == failure.error_type() && other.message() == failure.message();
    let own = view.reading.failures.iter().filter(|(_, other)| same(other)).filter_map(|(test, _)| test.clone());
    let own: BTreeSet<String> = own.take(MOST_TESTS).collect();
    if own.is_empty() { view.failed.to_vec() } else { own.into_iter().collect() }
}

/// A test that failed, and nothing says why.
fn nameless(failed: &[String]) -> Failure {
    let message = format!("{} failed", failed.first().map_or("", String::as_str));
    let exception = Exception { type_name: "failed".to_owned(), message: Untrusted::new(message), frames: Vec::new() };
    Failure { chain: vec![exception], ..Failure::default() }
}

/// Returns whether a test failed by time or network alone, which another run may not show.
fn comes_and_goes(failure: &Failure) -> bool {
    const WORDS: [&str; 13] = [
        "not invoked within",
        "Exceeded timeout of",
        "Timeout of ",
        "timed out after",
        "Test timed out",
        "ECONNREFUSED",
        "ECONNRESET",
        "ETIMEDOUT",
        "Connection refused",
        "Connection reset",
        "Read timed out",
        "Temporary failure in name resolution",
        "Max retries exceeded",
    ];
    let message = failure.message();
    WORDS.iter().any(|word| message.contains(word))
}

/// What a runner counts and does not name: files that do not load, classes that are not set up.
fn unnamed(view: &View<'_>) -> Option<Chosen> {
    if view.reading.unnamed == 0 && view.reading.run.counts.failed == 0 {
        return None;
    }
    let span = view.reading.blocks.iter().find(|(test, _)| test.is_none()).map(|(_, span)| span.clone());
    let (_, failure) = view.reading.failures.first()?;
    let mut failure = failure.clone();
    failure.tool = failure.tool.or_else(|| view.reading.tools.first().map(|tool| (*tool).to_owned()));
    failure.kind = Some(Kind::Test);
    failure.lane = Some(Lane::Code);
    Some(Chosen { failure, rows: span.map(|span| view.offset + span.start..view.offset + span.end) })
}

/// A program that ended with a trace.
fn crash(view: &View<'_>) -> Option<Chosen> {
    let from = view.step.rows.start;
    // What a runner claims as its own is not there any more.
    let lines = view.reading.rest.get(from - view.offset..view.step.rows.end - view.offset)?;
    // The last one ended the step; those above it may have been survived.
    let found = trace::find(lines).into_iter().rfind(|trace| {
        !trace.failure.frames().is_empty() && trace.failure.root().is_some_and(|root| !root.type_name.is_empty())
    })?;
    let mut failure = found.failure;
    failure.kind = Some(Kind::Runtime);
    failure.lane = Some(Lane::Code);
    Some(Chosen { failure, rows: Some(from + found.start..from + found.end) })
}

/// The last line that calls itself an error, where no tool is known by its shape.
fn last_error(view: &View<'_>) -> Option<Chosen> {
    let end = view.step.verdict.unwrap_or(view.step.rows.end).min(view.step.rows.end);
    let start = view.step.rows.start.max(end.saturating_sub(400));
    let calls = |row: &Row<'_>| {
        let text = row.line.text;
        let lower = text.get(..text.len().min(12)).unwrap_or("").to_ascii_lowercase();
        let leads =
            ["error:", "error ", "fatal:", "fatal ", "err!", "failed:", "e: "].iter().any(|w| lower.starts_with(w));
        (leads || scan::error_header(text).is_some() || text.contains(" error: "))
            && !step::is_verdict(row.raw)
            && !is_repeat(row.raw.trim_start())
    };
    let at = (start..end).rev().find(|at| calls(&view.rows[*at]))?;
    // Of several in a row the first says what, the others what follows from it.
    let mut first = at;
    while first > start && calls(&view.rows[first - 1]) {
        first -= 1;
    }
    let text = view.rows[first].line.text;
    let header = scan::error_header(text).unwrap_or_else(|| scan::Header {
        type_name: "error".to_owned(),
        message: text.trim_start_matches("error:").trim().to_owned(),
        code: None,
    });
    let failure = Failure {
        code: header.code.clone(),
        chain: vec![header.into_exception()],
        lane: Some(Lane::Code),
        kind: Some(Kind::Build),
        ..Failure::default()
    };
    Some(Chosen { failure, rows: Some(first..at + 1) })
}
