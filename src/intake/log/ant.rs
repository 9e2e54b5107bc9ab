//! ant's junit task: suites with their counts, and the details of its formatters. Layer 1.

use crate::intake::clean::Line;
use crate::intake::log::block;
use crate::intake::log::found::{Found, digits};
use crate::model::{Counts, TestOutcome};

pub(super) fn read(lines: &[Line<'_>]) -> Option<Found> {
    let mut found = Found::default();
    let mut class: Option<&str> = None;
    let mut counted = false;
    let mut recognised = false;
    let mut case: Option<(String, usize)> = None;
    for (at, line) in lines.iter().enumerate() {
        let Some(text) = bare(line.text) else { continue };
        if let Some(name) = text.strip_prefix("Testsuite: ").or_else(|| text.strip_prefix("Running ")) {
            (class, counted) = (Some(name), false);
            case = None;
        } else if let Some(counts) = counts(text) {
            // Two formatters print it twice.
            recognised = true;
            if !std::mem::replace(&mut counted, true) {
                found.count(counts);
            }
        } else if let Some((name, failed)) = text.strip_prefix("Testcase: ").map(|rest| testcase(rest, class)) {
            if let Some(block) = failed.then(|| name.clone()) {
                found.add(&name, TestOutcome::Failed);
                found.block(Some(block), at..at + 1);
            }
            case = (!failed).then_some((name, at));
        } else if matches!(text, "FAILED" | "Caused an ERROR")
            && let Some((name, start)) = case.take()
        {
            found.add(&name, TestOutcome::Failed);
            found.block(Some(name), start..at + 1);
        } else if let Some(span) = found.blocks.last_mut().and_then(|block| block.spans.last_mut())
            && span.end == at
        {
            span.end = at + 1;
        }
    }
    for block in &mut found.blocks {
        let own: Vec<Line<'_>> = block.spans.iter().flat_map(|span| &lines[span.clone()]).filter_map(inner).collect();
        block.failure = block::of_lines(&own);
    }
    recognised.then_some(found)
}

/// Takes off the task's name; the newer task has a name of its own.
fn bare(text: &str) -> Option<&str> {
    text.strip_prefix("[junit] ").or_else(|| text.strip_prefix("[junitlauncher] ")).map(str::trim)
}

fn inner<'a>(line: &Line<'a>) -> Option<Line<'a>> {
    let text = bare(line.text)?;
    (!text.starts_with("Testcase: ") && text != "FAILED" && text != "Caused an ERROR").then(|| Line::new(text))
}

/// `Tests run: 5, Failures: 1, Errors: 0, Skipped: 0, Time elapsed: 0.1 sec`; older versions skip nothing.
fn counts(text: &str) -> Option<Counts> {
    let rest = text.strip_prefix("Tests run: ")?;
    let (total, rest) = rest.split_once(", ")?;
    let mut counts = Counts { run: digits(total)?, ..Counts::default() };
    for part in rest.split(", ") {
        let (word, number) = part.split_once(": ")?;
        match (word, digits(number)) {
            ("Failures" | "Errors" | "Aborted", Some(number)) => counts.failed += number,
            ("Skipped", Some(number)) => counts.skipped += number,
            _ => {}
        }
    }
    counts.run = counts.run.saturating_sub(counts.skipped);
    Some(counts)
}

/// `total(com.acme.CartTest): FAILED`, `total took 0.1 sec`; returns whether it failed already.
fn testcase(rest: &str, class: Option<&str>) -> (String, bool) {
    let (name, failed) = match rest.split_once("):") {
        Some((name, outcome)) => (name, matches!(outcome.trim(), "FAILED" | "Caused an ERROR")),
        None => (rest.rsplit_once(" took ").map_or(rest, |(name, _)| name), false),
    };
    let whole = match name.rsplit_once('(') {
        Some((method, class)) if rest.contains("):") => format!("{class}.{method}"),
        _ => class.map_or_else(|| name.to_owned(), |class| format!("{class}.{name}")),
    };
    (whole, failed)
}
