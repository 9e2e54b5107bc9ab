//! vitest: verbose lines, `FAIL` blocks and the counts. Names begin with the file, as vitest writes them. Layer 1.

use crate::intake::clean::Line;
use crate::intake::log::found::{Block, Found, amounts, is_duration};
use crate::model::{Counts, TestOutcome};

pub(super) fn read(lines: &[Line<'_>]) -> Option<Found> {
    let mut found = Found::default();
    let ours = lines.iter().any(|line| line.text.starts_with("Test Files  "));
    let mut open: Option<Block> = None;
    for (at, line) in lines.iter().enumerate() {
        let text = line.text;
        if let Some(rest) = text.strip_prefix("FAIL  ").or_else(|| text.strip_prefix("FAIL ")).filter(|_| ours) {
            found.blocks.extend(open.take());
            let name = rest.trim();
            let test = name.contains(" > ").then(|| name.to_owned());
            if let Some(name) = &test {
                found.add(name, TestOutcome::Failed);
            } else {
                found.unnamed += 1;
            }
            open = Some(Block { test, ..Block::default() });
        } else if text.starts_with("⎯⎯") {
            found.blocks.extend(open.take());
        } else if let Some(rest) = text.strip_prefix("Tests  ") {
            found.blocks.extend(open.take());
            if ours && let Some(counts) = counts(rest) {
                found.count(counts);
            }
        } else if text.starts_with("Test Files  ") {
            found.blocks.extend(open.take());
        } else if let Some(block) = &mut open {
            // Excerpts of the source stand between the frames.
            if !is_excerpt(text) {
                match block.spans.last_mut() {
                    Some(last) if last.end == at => last.end = at + 1,
                    _ => block.spans.push(at..at + 1),
                }
            }
        } else if let Some((name, outcome)) = verbose(text) {
            // What fails is added with its block.
            if outcome != TestOutcome::Failed {
                found.add(name, outcome);
            }
        }
    }
    found.blocks.extend(open);
    found.own.map(|_| found)
}

/// `✓ src/a.test.ts > cart > adds 2ms`.
fn verbose(text: &str) -> Option<(&str, TestOutcome)> {
    let (mark, rest) = text.split_once(' ')?;
    let outcome = match mark {
        "✓" | "√" => TestOutcome::Passed,
        "×" => TestOutcome::Failed,
        "↓" | "□" => TestOutcome::Skipped,
        _ => return None,
    };
    let name = rest.rsplit_once(' ').filter(|(_, time)| is_duration(time)).map_or(rest, |(name, _)| name);
    name.contains(" > ").then_some((name, outcome))
}

/// `  4|     return x;` and the mark below it.
fn is_excerpt(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0 && text[digits..].starts_with('|') || !text.is_empty() && text.bytes().all(|b| b == b'^')
}

/// `3 failed | 2 passed | 1 skipped | 1 todo (7)`.
fn counts(text: &str) -> Option<Counts> {
    let mut counts = Counts::default();
    let mut known = false;
    for (number, word) in amounts(text) {
        known = true;
        match word.split(' ').next().unwrap_or("") {
            "passed" => counts.run += number,
            "failed" => {
                counts.run += number;
                counts.failed += number;
            }
            "skipped" | "todo" => counts.skipped += number,
            _ => {}
        }
    }
    (known || text.trim() == "no tests").then_some(counts)
}
