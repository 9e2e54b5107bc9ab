//! Gradle's test task. Passing tests have names only where its logging shows them. Layer 1.

use crate::intake::clean::Line;
use crate::intake::log::block;
use crate::intake::log::found::{Block, Found, amounts, until};
use crate::intake::scan;
use crate::model::{Counts, Exception, Failure, Frame, TestOutcome};

pub(super) fn read(lines: &[Line<'_>]) -> Option<Found> {
    let mut found = Found::default();
    let mut own: Option<Counts> = None;
    let mut recognised = false;
    let mut at = 0;
    while at < lines.len() {
        let Line { text, indent } = lines[at];
        at += 1;
        if let Some(counts) = completed(text) {
            recognised = true;
            super::add(own.get_or_insert_with(Counts::default), counts);
        } else if let Some((name, outcome)) = test(text).or_else(|| titled(text, indent, lines.get(at))) {
            recognised = true;
            found.add(name, outcome);
            if outcome == TestOutcome::Failed {
                let end =
                    until(lines, at, |line| line.indent <= indent && !line.is_blank() || test(line.text).is_some());
                found.blocks.push(Block {
                    test: Some(name.to_owned()),
                    failure: short(&lines[at..end]).or_else(|| caused(&lines[at..end])),
                    spans: std::iter::once(at..end).collect(),
                    ..Block::default()
                });
                at = end;
            }
        }
    }
    if let Some(counts) = own {
        found.count(counts);
    }
    recognised.then_some(found)
}

/// `com.acme.CartTest > total() FAILED`.
fn test(text: &str) -> Option<(&str, TestOutcome)> {
    let (name, word) = text.rsplit_once(' ')?;
    let outcome = match word {
        "PASSED" => TestOutcome::Passed,
        "FAILED" => TestOutcome::Failed,
        "SKIPPED" => TestOutcome::Skipped,
        _ => return None,
    };
    // Newer versions name the process that ran it.
    let name = match name.strip_prefix("Gradle Test Run ").and_then(|rest| rest.split_once(" > Gradle Test Executor "))
    {
        Some((_, rest)) => rest.split_once(" > ")?.1,
        None => name,
    };
    let (class, method) = name.split_once(" > ")?;
    let is_class = scan::is_name(class) && !class.contains(':');
    (is_class && !method.is_empty()).then_some((name, outcome))
}

/// `A cart with prices > adds them FAILED`: a title may be a sentence where the failure stands below it.
fn titled<'a>(text: &'a str, indent: usize, below: Option<&Line<'_>>) -> Option<(&'a str, TestOutcome)> {
    let name = text.strip_suffix(" FAILED").filter(|name| name.contains(" > ") && !name.starts_with("> "))?;
    let below = below.filter(|line| line.indent > indent)?;
    let error = below.text.split([':', ' ']).next().is_some_and(scan::is_error_type);
    (error || short(std::slice::from_ref(below)).is_some()).then_some((name, TestOutcome::Failed))
}

/// `3 tests completed, 1 failed, 1 skipped`.
fn completed(text: &str) -> Option<Counts> {
    let mut counts = Counts::default();
    let mut known = false;
    for (number, word) in amounts(text) {
        match word {
            "tests completed" | "test completed" => {
                counts.run += number;
                known = true;
            }
            "failed" => counts.failed += number,
            "skipped" => counts.skipped += number,
            _ => return None,
        }
    }
    counts.run = counts.run.saturating_sub(counts.skipped);
    known.then_some(counts)
}

/// Reads the full form of an error with causes, which stand below a line of their own.
fn caused(lines: &[Line<'_>]) -> Option<Failure> {
    let mut parts: Vec<&[Line<'_>]> = lines.split(|line| line.text == "Caused by:").collect();
    parts.reverse();
    (parts.len() > 1).then(|| block::chained("", &parts, &vec![true; parts.len()])).flatten()
}

/// Reads the short form: `java.lang.X at CartTest.java:12`, with `Caused by: ` lines below.
fn short(lines: &[Line<'_>]) -> Option<Failure> {
    let mut chain: Vec<Exception> = Vec::new();
    for line in lines.iter().filter(|line| !line.is_blank()).take(scan::MAX_CHAIN) {
        let text = line.text.strip_prefix("Caused by: ").unwrap_or(line.text).trim();
        let Some((header, place)) = text.rsplit_once(" at ") else {
            if line.text.starts_with("at ") {
                return None;
            }
            continue;
        };
        let Some((path, number, None)) = scan::position(place) else { continue };
        let header = scan::header(header)?;
        let frame = Frame { path: Some(path.to_owned()), line: Some(number), ..Frame::default() };
        chain.push(Exception { frames: vec![frame], ..header.into_exception() });
    }
    chain.reverse();
    let language = block::language_of(chain.first()?);
    Some(Failure { language, chain, ..Failure::default() })
}
