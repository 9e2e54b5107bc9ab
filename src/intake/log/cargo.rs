//! `cargo test`: every binary and the doc tests, as libtest prints them. Layer 1.

use std::collections::{BTreeMap, BTreeSet};

use crate::intake::clean::Line;
use crate::intake::log::found::{Block, Found, amounts, digits};
use crate::intake::scan;
use crate::model::{Counts, Exception, Failure, Language, TestOutcome};

pub(super) fn read(lines: &[Line<'_>]) -> Option<Found> {
    let mut outcomes: Vec<(&str, TestOutcome)> = Vec::new();
    let mut blocks: Vec<(&str, usize, usize)> = Vec::new();
    let mut found = Found::default();
    // A test whose own output stands between its name and its outcome.
    let mut pending: Option<&str> = None;
    let mut block: Option<(&str, usize)> = None;
    // How many outcomes stood there when the binary that runs now began.
    let mut running: Option<usize> = None;
    for (at, line) in lines.iter().enumerate() {
        let text = line.text;
        let header = block_header(text);
        if let Some((name, start)) = block {
            if header.is_none() && text != "failures:" && !text.starts_with("test result: ") {
                continue;
            }
            blocks.push((name, start, at));
            block = None;
        }
        if let Some(name) = header {
            block = Some((name, at));
        } else if let Some(rest) = text.strip_prefix("test result: ") {
            if let Some(counts) = result(rest) {
                found.count(counts);
                running = None;
                pending = None;
            }
        } else if is_start(text) {
            died(running.take(), &outcomes, &mut found);
            running = Some(outcomes.len());
        } else if text.starts_with("error: test failed, to rerun") || text.starts_with("error: doctest failed") {
            died(running.take(), &outcomes, &mut found);
        } else if let Some((name, rest)) = text.strip_prefix("test ").and_then(|rest| rest.split_once(" ... ")) {
            match outcome(rest) {
                Some(outcome) => outcomes.push((name, outcome)),
                None => pending = Some(name),
            }
        } else if let Some(name) = text.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ...")) {
            pending = Some(name);
        } else if let Some(name) = overflowed(text) {
            outcomes.push((name, TestOutcome::Failed));
            found.blocks.push(Block {
                test: Some(name.to_owned()),
                failure: Some(overflow(text)),
                spans: std::iter::once(at..at + 1).collect(),
                ..Block::default()
            });
        } else if pending.is_some()
            && let Some(outcome) = outcome(text)
            && let Some(name) = pending.take()
        {
            outcomes.push((name, outcome));
        }
    }
    if let Some((name, start)) = block {
        blocks.push((name, start, lines.len()));
    }
    died(running, &outcomes, &mut found);
    found.own?;
    let names = Names::new(outcomes.iter().map(|(name, _)| *name));
    for (name, outcome) in outcomes {
        found.add(&names.of(name), outcome);
    }
    for (name, start, end) in blocks {
        found.block(Some(names.of(name)), start..end);
    }
    Some(found)
}

/// A binary that never said its result was ended from outside, or ended itself, in a test.
fn died(running: Option<usize>, outcomes: &[(&str, TestOutcome)], found: &mut Found) {
    let Some(from) = running else { return };
    let count = |wanted: TestOutcome| outcomes[from..].iter().filter(|(_, seen)| *seen == wanted).count() as u64;
    let failed = count(TestOutcome::Failed);
    found.count(Counts { run: count(TestOutcome::Passed) + failed, failed, skipped: count(TestOutcome::Skipped) });
    if failed == 0 {
        found.unnamed += 1;
    }
}

/// `running 3 tests`.
fn is_start(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("running ") else { return false };
    rest.strip_suffix(" tests").or_else(|| rest.strip_suffix(" test")).and_then(digits).is_some()
}

fn outcome(text: &str) -> Option<TestOutcome> {
    let text = text.split(" <").next().unwrap_or(text);
    match text {
        "ok" => Some(TestOutcome::Passed),
        "FAILED" => Some(TestOutcome::Failed),
        "ignored" => Some(TestOutcome::Skipped),
        _ if text.starts_with("ignored, ") => Some(TestOutcome::Skipped),
        _ if text.starts_with("bench: ") => Some(TestOutcome::Passed),
        _ if text.starts_with("FAILED (") => Some(TestOutcome::Failed),
        _ => None,
    }
}

/// `ok. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s`.
fn result(text: &str) -> Option<Counts> {
    let (_, rest) = text.split_once(". ")?;
    let mut counts = Counts::default();
    let mut known = false;
    for (number, word) in amounts(rest) {
        match word {
            "passed" | "measured" => counts.run += number,
            "failed" => {
                counts.run += number;
                counts.failed += number;
                known = true;
            }
            "ignored" => counts.skipped += number,
            _ => {}
        }
    }
    known.then_some(counts)
}

/// `---- tests::adds stdout ----`.
fn block_header(text: &str) -> Option<&str> {
    text.strip_prefix("---- ")?.strip_suffix(" stdout ----")
}

/// A stack that ran over leaves no trace.
fn overflow(text: &str) -> Failure {
    let exception =
        Exception { type_name: "stack overflow".to_owned(), message: scan::message(text), frames: Vec::new() };
    Failure { language: Some(Language::Rust), chain: vec![exception], ..Failure::default() }
}

/// `thread 'tests::deep' (12) has overflowed its stack`.
fn overflowed(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("thread '")?.strip_suffix(" has overflowed its stack")?;
    let name = rest.split('\'').next()?;
    (name != "main" && name != "<unnamed>").then_some(name)
}

/// Names of tests, those of doc tests without their line: a patch above them moves it.
///
/// Several examples of one item are told apart by their order.
struct Names<'a> {
    lines: BTreeMap<&'a str, BTreeSet<u64>>,
}

impl<'a> Names<'a> {
    fn new(all: impl Iterator<Item = &'a str>) -> Self {
        let mut lines: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
        for (item, line) in all.filter_map(doc) {
            lines.entry(item).or_default().insert(line);
        }
        Self { lines }
    }

    fn of(&self, name: &str) -> String {
        if let Some((item, line)) = doc(name) {
            let before = self.lines.get(item).map_or(0, |lines| lines.range(..line).count());
            return if before == 0 { item.to_owned() } else { format!("{item} ({})", before + 1) };
        }
        name.strip_suffix(" - should panic").unwrap_or(name).to_owned()
    }
}

/// `src/lib.rs - Cart::total (line 12)`, perhaps with ` - compile fail` behind it.
fn doc(name: &str) -> Option<(&str, u64)> {
    let (item, rest) = name.rsplit_once(" (line ")?;
    let (line, _) = rest.split_once(')')?;
    (item.contains(".rs - ") || item.contains(".md - ") || item.ends_with(" -")).then_some(())?;
    Some((item.trim_end_matches(" -"), digits(line)?))
}
