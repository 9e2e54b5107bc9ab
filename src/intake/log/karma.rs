//! karma: the mocha reporter's summary and list, and the lines of the reporter that it has from the start. Layer 1.

use std::collections::BTreeSet;

use crate::intake::clean::Line;
use crate::intake::log::found::{Block, Found, amounts, digits, join};
use crate::model::{Counts, TestOutcome};

pub(super) fn read(lines: &[Line<'_>]) -> Option<Found> {
    let mut found = Found::default();
    let mut stack: Vec<(usize, &str)> = Vec::new();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut executed: Option<Counts> = None;
    let (mut summary, mut listing) = (false, false);
    for (at, line) in lines.iter().enumerate() {
        let text = line.text;
        if text == "SUMMARY:" {
            (summary, listing) = (true, false);
        } else if text == "FAILED TESTS:" {
            (summary, listing) = (false, true);
            stack.clear();
        } else if summary && let Some(counts) = summed(text) {
            found.count(counts);
        } else if listing && !text.is_empty() {
            while stack.pop_if(|(depth, _)| *depth >= line.indent).is_some() {}
            if let Some(name) = text.strip_prefix("✖ ") {
                let whole = join(stack.iter().map(|(_, part)| *part).chain([name]), " > ");
                found.add(&whole, TestOutcome::Failed);
                found.block(Some(whole), at..at + 1);
            } else if let Some(span) = found.blocks.last_mut().and_then(|block| block.spans.last_mut())
                && span.end == at
            {
                span.end = at + 1;
            }
            if line.indent > 0 && stack.len() < 64 && !text.starts_with("✖ ") {
                stack.push((line.indent, text));
            }
            if line.indent == 0 {
                listing = false;
            }
        } else if let Some(counts) = text.rfind("Executed ").and_then(|at| progress(&text[at..])) {
            executed = Some(counts);
        } else if let Some(name) = browser_failed(text).filter(|name| seen.insert(name)) {
            found.add(name, TestOutcome::Failed);
            let title = lines.get(at + 1).map(|line| format!("Error: {}", line.text));
            let block = Block { test: Some(name.to_owned()), title, ..Block::default() };
            found.blocks.push(Block { spans: std::iter::once(at + 2..at + 2).collect(), ..block });
        } else if !listing
            && let Some(span) = found.blocks.last_mut().and_then(|block| block.spans.last_mut())
            && span.end == at
            && line.indent > 0
        {
            span.end = at + 1;
        }
    }
    if found.own.is_none()
        && let Some(counts) = executed
    {
        found.count(counts);
    }
    found.own.map(|_| found)
}

/// `✔ 1536 tests completed`, `ℹ 7 tests skipped`, `✖ 30 tests failed`.
fn summed(text: &str) -> Option<Counts> {
    let (mark, rest) = text.split_once(' ')?;
    let (number, word) = amounts(rest).next()?;
    Some(match (mark, word) {
        ("✔", "tests completed" | "test completed") => Counts { run: number, ..Counts::default() },
        ("ℹ", "tests skipped" | "test skipped") => Counts { skipped: number, ..Counts::default() },
        ("✖", "tests failed" | "test failed") => Counts { run: number, failed: number, skipped: 0 },
        _ => return None,
    })
}

/// `Executed 5 of 7 (1 FAILED) (skipped 2) (0.1 secs / 0.05 secs)`.
fn progress(text: &str) -> Option<Counts> {
    let rest = text.strip_prefix("Executed ")?;
    let (ran, rest) = rest.split_once(" of ")?;
    let mut counts = Counts { run: digits(ran)?, ..Counts::default() };
    for part in rest.split('(').skip(1) {
        let part = part.trim_end().trim_end_matches(')');
        if let Some(number) = part.strip_suffix(" FAILED") {
            counts.failed = digits(number)?;
        } else if let Some(number) = part.strip_prefix("skipped ") {
            counts.skipped = digits(number)?;
        }
    }
    Some(counts)
}

/// `Chrome 90.0.1 (Linux x86_64) cart adds up FAILED`.
fn browser_failed(text: &str) -> Option<&str> {
    const BROWSERS: [&str; 8] =
        ["Chrome ", "HeadlessChrome ", "Chrome Headless ", "Firefox ", "PhantomJS ", "Safari ", "Edge ", "Electron "];
    let rest = text.strip_suffix(" FAILED")?;
    BROWSERS.iter().find(|browser| rest.starts_with(**browser))?;
    let (_, name) = rest.split_once(") ")?;
    (!name.contains("Executed ")).then_some(name)
}
