//! mocha: the spec and the dot reporter. Suites and tests are joined with ` > `. Layer 1.

use std::collections::BTreeMap;

use crate::intake::clean::Line;
use crate::intake::log::found::{Found, cut_duration, digits, join};
use crate::model::{Counts, TestOutcome};

/// How many lines a failing test's suites and name may take.
const MAX_TITLE: usize = 32;

pub(super) fn read(lines: &[Line<'_>]) -> Option<Found> {
    let mut found = Found::default();
    let mut stack: Vec<(usize, &str)> = Vec::new();
    // Names of failing tests by the number that leads to their details.
    let mut numbered: BTreeMap<u64, String> = BTreeMap::new();
    let mut counts: Option<Counts> = None;
    let mut tree: Vec<(String, TestOutcome)> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let Line { text, indent } = lines[at];
        if let Some(passing) = passing(text) {
            // What was taken for a tree was one.
            for (name, outcome) in tree.drain(..) {
                found.add(&name, outcome);
            }
            found.count(Counts { run: passing, ..Counts::default() });
            counts = Some(Counts::default());
        } else if counts.is_some()
            && let Some(number) = amount(text, "pending")
        {
            found.count(Counts { skipped: number, ..Counts::default() });
        } else if counts.is_some()
            && let Some(number) = amount(text, "failing")
        {
            found.count(Counts { run: number, failed: number, skipped: 0 });
            at = details(lines, at + 1, number, &numbered, &mut found);
            numbered.clear();
            stack.clear();
            counts = None;
            continue;
        } else if !text.is_empty() {
            while stack.pop_if(|(depth, _)| *depth >= indent).is_some() {}
            let whole = |name| join(stack.iter().map(|(_, part)| *part).chain([name]), " > ");
            if let Some((number, name)) = point(text) {
                let name = whole(name);
                if !is_hook(&name) {
                    tree.push((name.clone(), TestOutcome::Failed));
                }
                numbered.insert(number, name);
            } else if let Some((name, outcome)) = test(text) {
                tree.push((whole(name), outcome));
            } else if indent > 0 && stack.len() < 64 {
                stack.push((indent, text));
            }
        }
        at += 1;
    }
    found.own.map(|_| found)
}

/// Reads the numbered failures; returns the line after the last.
fn details(lines: &[Line<'_>], from: usize, total: u64, numbered: &BTreeMap<u64, String>, found: &mut Found) -> usize {
    let mut starts: Vec<(usize, u64)> = Vec::new();
    let mut indent = None;
    let mut end = lines.len();
    for (at, line) in lines.iter().enumerate().skip(from) {
        if passing(line.text).is_some() {
            end = at;
            break;
        }
        let Some((number, _)) = point(line.text) else { continue };
        if number == starts.len() as u64 + 1 && number <= total && indent.is_none_or(|indent| indent == line.indent) {
            indent = Some(line.indent);
            starts.push((at, number));
        }
    }
    for (index, (start, number)) in starts.iter().copied().enumerate() {
        let stop = starts.get(index + 1).map_or(end, |(next, _)| *next);
        let mut title: Vec<&str> = Vec::new();
        for line in lines[start..stop].iter().take(MAX_TITLE) {
            let part = point(line.text).filter(|_| title.is_empty()).map_or(line.text, |(_, name)| name);
            title.push(part.strip_suffix(':').unwrap_or(part));
            if part.ends_with(':') {
                break;
            }
        }
        let mut name = numbered.get(&number).cloned().unwrap_or_else(|| title.join(" > "));
        if is_hook(&name) || title.last().is_some_and(|last| last.contains("\" hook")) {
            found.block(None, start + title.len()..stop);
            let label = title.join(" > ");
            found.blocks.last_mut().into_iter().for_each(|block| block.label = Some(label.clone()));
            continue;
        }
        // What runs on while the next suite's name is printed stands below the wrong one in the tree.
        if title.len() > 1 && title.last().is_some_and(|last| name.rsplit(" > ").next() == Some(*last)) {
            let whole = join(title.iter().copied(), " > ");
            if whole != name && found.tests.get(&name) == Some(&TestOutcome::Failed) {
                found.tests.remove(&name);
            }
            name = whole;
        }
        if found.tests.get(&name) != Some(&TestOutcome::Failed) {
            found.add(&name, TestOutcome::Failed);
        }
        found.block(Some(name), (start + title.len()).min(stop)..stop);
    }
    end
}

/// A hook is no test.
fn is_hook(name: &str) -> bool {
    let last = name.rsplit(" > ").next().unwrap_or(name);
    ["before all", "before each", "after all", "after each"]
        .iter()
        .any(|hook| last.strip_prefix('"').is_some_and(|l| l.starts_with(hook)))
}

/// `3 passing (9ms)`.
fn passing(text: &str) -> Option<u64> {
    amount(cut_duration(text)?, "passing")
}

fn amount(text: &str, word: &str) -> Option<u64> {
    let (number, rest) = text.split_once(' ')?;
    if rest == word { digits(number) } else { None }
}

/// `1) adds`.
fn point(text: &str) -> Option<(u64, &str)> {
    let (number, name) = text.split_once(") ")?;
    Some((digits(number)?, name))
}

/// `✔ adds (12ms)`, `- later`.
fn test(text: &str) -> Option<(&str, TestOutcome)> {
    let (mark, rest) = text.split_once(' ')?;
    let name = cut_duration(rest).unwrap_or(rest);
    match mark {
        "✔" | "✓" | "√" => Some((name, TestOutcome::Passed)),
        "-" => Some((name, TestOutcome::Skipped)),
        _ => None,
    }
}
