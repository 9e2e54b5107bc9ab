//! `cargo nextest`: names are the binary's id and the test's path, as it prints them. Layer 1.

use std::collections::BTreeMap;

use crate::intake::clean::Line;
use crate::intake::log::found::{Block, Found, amounts, digits};
use crate::model::{Counts, TestOutcome};

pub(super) fn read(lines: &[Line<'_>]) -> Option<Found> {
    let mut found = Found::default();
    let mut outcomes: BTreeMap<&str, TestOutcome> = BTreeMap::new();
    let mut output: BTreeMap<&str, Vec<std::ops::Range<usize>>> = BTreeMap::new();
    let mut current: Option<(&str, usize)> = None;
    for (at, line) in lines.iter().enumerate() {
        let text = line.text;
        if let Some(counts) = summary(text) {
            found.count(counts);
            current = None;
        } else if let Some((name, outcome)) = status(text) {
            current = None;
            if let Some(outcome) = outcome {
                // A test that is tried again has ended only with its last try.
                outcomes.insert(name, outcome);
                if outcome == TestOutcome::Failed {
                    current = Some((name, line.indent));
                }
            }
        } else if let Some(name) = old_header(text) {
            current = Some((name, 0));
        } else if is_rule(text) || matches!(text, "Canceling due to test failure:") {
            current = None;
        } else if let Some((name, _)) = current {
            let spans = output.entry(name).or_default();
            match spans.last_mut() {
                Some(last) if last.end == at => last.end = at + 1,
                _ => spans.push(at..at + 1),
            }
        }
    }
    found.own?;
    for (name, outcome) in &outcomes {
        found.add(name, *outcome);
        if *outcome == TestOutcome::Failed {
            let spans = output.remove(name).unwrap_or_default();
            found.blocks.push(Block { test: Some((*name).to_owned()), spans, ..Block::default() });
        }
    }
    found.hidden.extend(output.into_values().flatten());
    Some(found)
}

/// `Summary [   0.195s] 4 tests run: 2 passed, 2 failed, 1 skipped`.
fn summary(text: &str) -> Option<Counts> {
    let (_, rest) = text.strip_prefix("Summary [")?.split_once("] ")?;
    let (ran, rest) = rest.split_once(" run: ")?;
    let (ran, _) = ran.split_once(' ')?;
    // `3/4` when the run was cut short.
    let mut counts = Counts { run: digits(ran.split('/').next()?)?, ..Counts::default() };
    for (number, word) in amounts(rest) {
        match word.split(' ').next().unwrap_or("") {
            "failed" | "timed" | "exec" => counts.failed += number,
            "skipped" => counts.skipped += number,
            _ => {}
        }
    }
    Some(counts)
}

/// `FAIL [   0.106s] (1/4) shop::api tests::works`, `TRY 1 FAIL [..] ..`.
fn status(text: &str) -> Option<(&str, Option<TestOutcome>)> {
    let (word, rest) = text.split_once(" [")?;
    let (time, rest) = rest.split_once(']')?;
    if !time.trim().trim_start_matches('>').ends_with('s') {
        return None;
    }
    let outcome = match word.rsplit(' ').next()? {
        "PASS" | "LEAK" => Some(TestOutcome::Passed),
        "FAIL" | "TIMEOUT" | "ABORT" | "LEAK-FAIL" | "FAIL+LEAK" => Some(TestOutcome::Failed),
        "SKIP" => Some(TestOutcome::Skipped),
        "SLOW" => None,
        _ if word.starts_with("SIG") => Some(TestOutcome::Failed),
        _ if word.starts_with("FLAKY ") => Some(TestOutcome::Passed),
        _ => return None,
    };
    let rest = rest.trim();
    let name = match rest.strip_prefix('(') {
        Some(inner) => inner.split_once(") ")?.1.trim(),
        None => rest,
    };
    name.contains(' ').then_some((name, outcome))
}

/// `--- STDERR:   shop::api tests::works ---`, as older versions write it.
fn old_header(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("--- STDERR:").or_else(|| text.strip_prefix("--- STDOUT:"))?;
    Some(rest.strip_suffix("---")?.trim())
}

fn is_rule(text: &str) -> bool {
    text.chars().count() >= 8 && text.chars().all(|c| c == '─')
}
