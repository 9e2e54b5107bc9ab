//! jest: the tree of a file's tests, `●` blocks and the counts. Names are joined with ` › ` as jest does. Layer 1.

use crate::intake::clean::Line;
use crate::intake::log::block;
use crate::intake::log::found::{Block, Found, amounts, cut_duration, join, until};
use crate::model::{Counts, Failure, TestOutcome};

pub(super) fn read(lines: &[Line<'_>]) -> Option<Found> {
    let mut found = Found::default();
    let mut stack: Vec<(usize, &str)> = Vec::new();
    let mut in_tree = false;
    let mut at = 0;
    while at < lines.len() {
        let Line { text, indent } = lines[at];
        at += 1;
        if let Some(name) = text.strip_prefix("● ") {
            in_tree = false;
            let end = until(lines, at, ends_block);
            if name.starts_with("Test suite failed to run") {
                found.block(None, at - 1..end);
                found.unnamed += 1;
            } else if !name.starts_with("Console") {
                found.blocks.push(Block {
                    test: Some(name.trim().to_owned()),
                    failure: caused(&lines[at - 1..end]),
                    spans: std::iter::once(at - 1..end).collect(),
                    ..Block::default()
                });
            }
            at = end;
        } else if let Some(rest) = text.strip_prefix("Tests: ") {
            if let Some(counts) = counts(rest) {
                found.count(counts);
            }
            in_tree = false;
        } else if text.starts_with("Summary of all failing tests") {
            // What follows was shown already.
            let end = until(lines, at, |line| line.text.starts_with("Test Suites: "));
            found.hidden.push(at..end);
            at = end;
        } else if file(text) {
            in_tree = true;
            stack.clear();
        } else if in_tree && !text.is_empty() {
            while stack.pop_if(|(depth, _)| *depth >= indent).is_some() {}
            match test(text) {
                Some((name, outcome)) => {
                    let whole = join(stack.iter().map(|(_, part)| *part).chain([name]), " › ");
                    found.add(&whole, outcome);
                }
                None if stack.len() < 64 => stack.push((indent, text)),
                None => {}
            }
        }
    }
    found.own?;
    let blamed: Vec<String> = found.blocks.iter().filter_map(|block| block.test.clone()).collect();
    for name in blamed {
        if !found.tests.contains_key(&name) {
            found.add(&name, TestOutcome::Failed);
        }
    }
    Some(found)
}

/// Reads a block whose error has causes; any other is left to the automata.
fn caused(block: &[Line<'_>]) -> Option<Failure> {
    let title = block.first()?.text;
    // Excerpts of the source stand between a cause's message and its frames.
    let body: Vec<Line<'_>> = block[1..].iter().filter(|line| !is_excerpt(line.text)).copied().collect();
    let mut parts: Vec<&[Line<'_>]> = body.split(|line| line.text == "Cause:").collect();
    if parts.len() < 2 {
        return None;
    }
    parts.reverse();
    block::chained(title, &parts, &vec![true; parts.len()])
}

/// `> 4 |     return x;` and the mark below it; the cleaner has taken `>` and a leading bar.
fn is_excerpt(text: &str) -> bool {
    let text = text.trim_start_matches(['>', ' ']);
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0 && text[digits..].trim_start().starts_with('|') || !text.is_empty() && text.bytes().all(|b| b == b'^')
}

fn ends_block(line: &Line<'_>) -> bool {
    line.text.starts_with("● ")
        || line.text.starts_with("Test Suites: ")
        || line.text.starts_with("Summary of all failing tests")
        || line.indent == 0 && file(line.text)
}

/// `PASS src/a.test.js`, `FAIL src/b.test.ts (5.1 s)`.
fn file(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("PASS ").or_else(|| text.strip_prefix("FAIL ")) else { return false };
    let rest = cut_duration(rest).unwrap_or(rest);
    rest.contains('.') && !rest.contains(" > ")
}

/// `✓ adds (3 ms)`, `✕ breaks`, `○ skipped later`, `✎ todo more`.
fn test(text: &str) -> Option<(&str, TestOutcome)> {
    let (mark, rest) = text.split_once(' ')?;
    let name = cut_duration(rest).unwrap_or(rest);
    match mark {
        "✓" | "√" => Some((name, TestOutcome::Passed)),
        "✕" | "×" => Some((name, TestOutcome::Failed)),
        "○" => Some((name.strip_prefix("skipped ").unwrap_or(name), TestOutcome::Skipped)),
        "✎" => Some((name.strip_prefix("todo ").unwrap_or(name), TestOutcome::Skipped)),
        _ => None,
    }
}

/// `1 failed, 1 skipped, 1 todo, 2 passed, 5 total`.
fn counts(text: &str) -> Option<Counts> {
    let mut counts = Counts::default();
    let mut known = false;
    for (number, word) in amounts(text) {
        match word {
            "passed" => counts.run += number,
            "failed" => {
                counts.run += number;
                counts.failed += number;
            }
            "skipped" | "todo" => counts.skipped += number,
            "total" => known = true,
            _ => {}
        }
    }
    known.then_some(counts)
}
