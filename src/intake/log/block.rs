//! From a failing test's output to its failures, and from traces that stand elsewhere to the tests that they belong to.
//! Layer 1.

use std::collections::{BTreeMap, BTreeSet};

use crate::intake::clean::{self, Line};
use crate::intake::log::found::Block;
use crate::intake::trace::{self, Trace};
use crate::intake::{scan, settle};
use crate::model::{Exception, Failure, Frame, Language};

/// The most different failures that one test's output gives.
const MAX_OF_ONE: usize = 8;

type Whose = (Option<String>, Failure);

/// Reads the failures of a block: the one that ended the test first, then others that its output shows.
pub(super) fn read(block: &Block, tool: &str, lines: &[Line<'_>]) -> Vec<Whose> {
    let own = |failure| (block.test.clone(), finish(failure, block.test.as_deref(), Some(tool)));
    if let Some(failure) = &block.failure {
        return vec![own(failure.clone())];
    }
    let title = block.title.iter().map(|title| Line::new(title));
    let body: Vec<Line<'_>> =
        title.chain(block.spans.iter().flat_map(|span| lines[span.clone()].iter().copied())).collect();
    let traces = trace::find(&body);
    let Some(first) = choose(&traces) else {
        return headed(&body).map(own).into_iter().collect();
    };
    let mut seen = BTreeSet::new();
    let ordered = std::iter::once(first).chain(traces.iter());
    let distinct = ordered.filter(|trace| seen.insert((trace.failure.error_type(), trace.failure.message())));
    distinct.take(MAX_OF_ONE).map(|trace| own(trace.failure.clone())).collect()
}

/// Reads the failure of lines that stand for themselves.
pub(super) fn of_lines(lines: &[Line<'_>]) -> Option<Failure> {
    let traces = trace::find(lines);
    choose(&traces).map(|trace| trace.failure.clone()).or_else(|| headed(lines))
}

/// Reads the first error that stands without a trace.
fn headed(lines: &[Line<'_>]) -> Option<Failure> {
    let header = lines.iter().find_map(|line| scan::error_header(line.text))?;
    Some(Failure { code: header.code.clone(), chain: vec![header.into_exception()], ..Failure::default() })
}

/// Chooses what ended the test: a crash before a complaint, else as for any other text.
fn choose(traces: &[Trace]) -> Option<&Trace> {
    let first = trace::primary(traces)?;
    let crash = |trace: &&Trace| trace.failure.error_type() != "FAIL" && !trace.failure.frames().is_empty();
    if first.failure.error_type() == "FAIL" { traces.iter().find(crash).or(Some(first)) } else { Some(first) }
}

/// Fills what every failure of a test says.
fn finish(mut failure: Failure, test: Option<&str>, tool: Option<&str>) -> Failure {
    if let Some(tool) = tool {
        failure.tool = Some(tool.to_owned());
    }
    failure.tests = test.map(str::to_owned).into_iter().collect();
    // How node prints an error that came from another realm says nothing.
    failure.code = failure.code.filter(|code| code != "Error");
    settle(&mut failure);
    failure
}

/// Reads traces outside every block, and says whose they are where only one test can be meant.
///
/// Where every failing test has its failure already they are noise, and left out.
pub(super) fn loose(
    lines: &[Line<'_>],
    failing: &[&str],
    known: &[Whose],
    unnamed: bool,
    tool: Option<&str>,
) -> Vec<Whose> {
    let covered: BTreeSet<&str> = known.iter().filter_map(|(test, _)| test.as_deref()).collect();
    let open: Vec<&str> = failing.iter().filter(|name| !covered.contains(**name)).copied().collect();
    if !failing.is_empty() && open.is_empty() && !unnamed {
        return Vec::new();
    }
    let bare: Vec<Line<'_>> = lines.iter().map(uncomment).collect();
    let mut by_method: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for name in failing {
        by_method.entry(method(name)).or_default().push(name);
    }
    let mut found = Vec::new();
    for trace in trace::find(&bare) {
        let test = owner(&trace.failure, &by_method).or(match failing {
            [only] if !unnamed => Some(*only),
            _ => None,
        });
        let tool = test.and(tool);
        found.push((test.map(str::to_owned), finish(trace.failure, test, tool)));
    }
    found
}

/// Finds the one failing test whose method stands in a frame.
fn owner<'a>(failure: &Failure, by_method: &BTreeMap<&str, Vec<&'a str>>) -> Option<&'a str> {
    let mut found: BTreeSet<&'a str> = BTreeSet::new();
    for frame in failure.chain.iter().flat_map(|exception| &exception.frames) {
        let Some(function) = frame.function.as_deref() else { continue };
        let Some(names) = by_method.get(method(function)) else { continue };
        match names.as_slice() {
            [only] => {
                found.insert(only);
            }
            several => found.extend(several.iter().take(64).filter(|name| is_in_class(name, frame))),
        }
    }
    if found.len() == 1 { found.first().copied() } else { None }
}

/// Returns whether the frame's module or file is the class that the test's name gives.
fn is_in_class(name: &str, frame: &Frame) -> bool {
    let scope = name[..name.len() - method(name).len()].trim_end_matches(['.', ':', '#', '/', '>', ' ']);
    let class = method(scope);
    let module = frame.module.as_deref().map(|m| m.rsplit(['.', ':', '$']).next().unwrap_or(m));
    !class.is_empty() && module == Some(class)
}

/// Returns the last part of a name that a frame could show too.
fn method(name: &str) -> &str {
    let name = name.strip_suffix("()").unwrap_or(name);
    name.rsplit(['.', ':', '#', '/']).next().unwrap_or(name)
}

/// TAP shows what a program wrote as comments.
fn uncomment<'a>(line: &Line<'a>) -> Line<'a> {
    match line.text.strip_prefix("# ") {
        Some(rest) => {
            let inner = Line::new(rest);
            Line { indent: line.indent + 2 + inner.indent, ..inner }
        }
        None => *line,
    }
}

/// Reads frames of JavaScript that stand without their `at`.
pub(super) fn bare_frames(entries: &[&str]) -> Option<Failure> {
    let mut text = String::from("Error: x\n");
    for entry in entries {
        text.push_str("    at ");
        text.push_str(entry);
        text.push('\n');
    }
    let lines = clean::lines(&text);
    let mut traces = trace::find(&lines).into_iter();
    let mut first = traces.next()?.failure;
    if let Some(exception) = first.chain.first_mut() {
        for more in traces {
            exception.frames.extend(more.failure.chain.into_iter().flat_map(|e| e.frames));
        }
    }
    Some(first)
}

/// Tells the language from the file of an exception's innermost frame.
pub(super) fn language_of(exception: &Exception) -> Option<Language> {
    Language::of_path(exception.frames.first()?.path.as_deref()?)
}

/// Reads exceptions of one chain that stand one below the other, each under the same title; `links` tell whether a part
/// is the direct cause of the next.
pub(super) fn chained(title: &str, parts: &[&[Line<'_>]], links: &[bool]) -> Option<Failure> {
    let mut whole: Option<Failure> = None;
    for (index, part) in parts.iter().enumerate() {
        let body: Vec<Line<'_>> = std::iter::once(Line::new(title)).chain(part.iter().copied()).collect();
        let Some(trace) = trace::find(&body).into_iter().next() else { continue };
        match &mut whole {
            // What was being handled is no cause of what broke meanwhile.
            Some(chain) if index > 0 && links.get(index - 1) == Some(&true) => chain.chain.extend(trace.failure.chain),
            _ => whole = Some(trace.failure),
        }
        if whole.as_ref().is_some_and(|failure| failure.chain.len() >= scan::MAX_CHAIN) {
            break;
        }
    }
    whole
}
