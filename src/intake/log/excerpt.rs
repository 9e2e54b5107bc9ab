//! At most forty lines of a log that hold the first error and the name of every failing test. Layer 1.
//!
//! Lines are the log's own, in their order. Names that stand on no line of their own, or on more lines than there is
//! room for, are joined on lines of ours. Refuses lines that are longer than anybody reads.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::intake::log::step::Row;

/// The most lines.
const MOST: usize = 40;
/// Lines for names, at most.
const FOR_NAMES: usize = 22;
/// Names that are looked for line by line.
const MOST_NAMES: usize = 400;
/// Rows of the first error that are looked through for its message.
const MOST_LOOKED: usize = 5000;
/// The longest line of the log that is shown whole.
const WIDTH: usize = 320;
/// What names on lines of ours may weigh together.
const NAMES_WEIGHT: usize = 64 * 1024;

/// What an excerpt is made of.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    /// Rows of the first error.
    pub(super) first: Option<Range<usize>>,
    /// How its message begins.
    pub(super) said: &'a str,
    /// The failing tests.
    pub(super) tests: &'a [String],
    /// Rows where output of failing tests begins.
    pub(super) starts: Vec<usize>,
    /// Rows that close the matter: counts, the exit.
    pub(super) closing: Vec<usize>,
    /// Rows of further complaints.
    pub(super) more: Vec<usize>,
    /// The rows of the step.
    pub(super) step: Range<usize>,
}

/// The text, and the first and last row that it shows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Excerpt {
    pub(super) text: String,
    pub(super) rows: Option<(usize, usize)>,
}

/// Makes an excerpt.
pub(super) fn make(rows: &[Row<'_>], wanted: &Wanted<'_>) -> Excerpt {
    let placed = places(rows, wanted);
    let distinct: BTreeSet<usize> = placed.values().copied().collect();
    let mut chosen: BTreeSet<usize> = BTreeSet::new();
    let mut joined: Vec<String> = Vec::new();
    if distinct.len() > FOR_NAMES {
        joined = join(wanted.tests.iter());
    } else {
        chosen.extend(&distinct);
        let homeless = wanted.tests.iter().enumerate().filter(|(index, _)| !placed.contains_key(index));
        joined.extend(join(homeless.map(|(_, name)| name)));
    }
    let room = MOST - joined.len();
    let closing: Vec<usize> = wanted.closing.iter().copied().filter(|at| *at < rows.len()).collect();
    let mut add = |at: usize, keep: usize| {
        if chosen.len() + keep < room && rows.get(at).is_some_and(|row| !row.raw.trim().is_empty()) {
            chosen.insert(at);
        }
    };
    if let Some(first) = &wanted.first {
        add(first.start, 0);
        // A test may print much before it says what is wrong.
        if let Some(said) = said(rows, wanted) {
            for at in said..(said + 5).min(first.end) {
                add(at, 0);
            }
        }
        for at in first.clone().skip(1).take(14) {
            add(at, closing.len().min(4));
        }
    }
    for at in closing.iter().rev().take(6) {
        add(*at, 0);
    }
    for at in &wanted.more {
        add(*at, 0);
    }
    for at in &wanted.starts {
        let end = if wanted.step.contains(at) { wanted.step.end } else { rows.len() };
        for below in (at + 1..at + 4).take_while(|below| *below < end) {
            add(below, 4);
        }
    }
    if let Some(first) = &wanted.first {
        for at in first.end..(first.end + 6).min(wanted.step.end) {
            add(at, 2);
        }
    }
    // Where little else is known, the end of the step tells people most.
    if wanted.starts.is_empty() && wanted.more.is_empty() {
        for at in wanted.step.clone().rev().take(16) {
            add(at, 2);
        }
    }
    write(rows, &chosen, &joined, MOST)
}

/// Finds the row of the first error that holds the beginning of its message.
fn said(rows: &[Row<'_>], wanted: &Wanted<'_>) -> Option<usize> {
    let first = wanted.first.clone()?;
    let line = wanted.said.lines().find(|line| !line.trim().is_empty())?.trim();
    let start = line.char_indices().nth(40).map_or(line, |(end, _)| &line[..end]);
    first.take(MOST_LOOKED).find(|at| rows.get(*at).is_some_and(|row| row.raw.contains(start)))
}

fn write(rows: &[Row<'_>], chosen: &BTreeSet<usize>, joined: &[String], most: usize) -> Excerpt {
    let mut gaps = most.saturating_sub(chosen.len() + joined.len());
    let mut lines: Vec<String> = joined.to_vec();
    let mut before: Option<usize> = None;
    for at in chosen {
        let hides = |before: usize| rows[before + 1..*at].iter().any(|row| !row.raw.trim().is_empty());
        if gaps > 0 && before.is_some_and(hides) {
            lines.push("…".to_owned());
            gaps -= 1;
        }
        lines.push(cut(rows[*at].raw));
        before = Some(*at);
    }
    let ends = chosen.first().copied().zip(chosen.last().copied());
    Excerpt { text: lines.join("\n"), rows: ends }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Finds for each test the row that names it best: one that speaks of failing before any other.
fn places(rows: &[Row<'_>], wanted: &Wanted<'_>) -> BTreeMap<usize, usize> {
    let mut best: BTreeMap<usize, (u8, usize)> = BTreeMap::new();
    let names: Vec<&str> = wanted.tests.iter().take(MOST_NAMES).map(String::as_str).collect();
    let Ok(finder) = AhoCorasick::builder().match_kind(MatchKind::Standard).build(&names) else {
        return BTreeMap::new();
    };
    if names.is_empty() {
        return BTreeMap::new();
    }
    let starts: BTreeSet<usize> = wanted.starts.iter().flat_map(|at| [*at, at.saturating_sub(1)]).collect();
    for (at, row) in rows.iter().enumerate() {
        let mut weight = None;
        for hit in finder.find_overlapping_iter(row.raw).take(1000) {
            if hit.end() > WIDTH {
                continue;
            }
            let weight = *weight
                .get_or_insert_with(|| u8::from(speaks_of_failing(row.raw)) * 2 + u8::from(starts.contains(&at)));
            let entry = best.entry(hit.pattern().as_usize()).or_insert((weight, at));
            if weight > entry.0 {
                *entry = (weight, at);
            }
        }
    }
    // A runner may write a name in parts, or the other way round, where the test's output begins or in a list.
    let near: BTreeSet<usize> = starts.iter().take(1000).flat_map(|at| at.saturating_sub(3)..at + 2).collect();
    let mut loose: Vec<usize> = Vec::new();
    for (index, name) in names.iter().enumerate() {
        if best.get(&index).is_some_and(|(weight, _)| *weight > 0) {
            continue;
        }
        match near.iter().copied().find(|at| rows.get(*at).is_some_and(|row| has_words(row.raw, name))) {
            Some(at) => {
                best.insert(index, (1, at));
            }
            None => loose.push(index),
        }
    }
    for (index, at) in listed(rows, &names, &loose) {
        best.insert(index, (1, at));
    }
    best.into_iter().map(|(index, (_, at))| (index, at)).collect()
}

/// Finds the last row that has all words of a name and is no frame of a trace.
fn listed(rows: &[Row<'_>], names: &[&str], loose: &[usize]) -> BTreeMap<usize, usize> {
    let lasts: Vec<&str> = loose.iter().map(|index| words(names[*index]).last().unwrap_or("")).collect();
    let mut found = BTreeMap::new();
    if lasts.iter().any(|last| last.is_empty()) || lasts.is_empty() {
        return found;
    }
    let Ok(finder) = AhoCorasick::new(&lasts) else { return found };
    for (at, row) in rows.iter().enumerate() {
        if row.line.text.starts_with("at ") || !finder.is_match(row.raw) {
            continue;
        }
        for index in loose.iter().take(64) {
            if has_words(row.raw, names[*index]) {
                found.insert(*index, at);
            }
        }
    }
    found
}

/// Returns whether the shown part of a row has all words of a name.
fn has_words(raw: &str, name: &str) -> bool {
    let head = raw.char_indices().nth(WIDTH).map_or(raw, |(end, _)| &raw[..end]);
    words(name).all(|part| head.contains(part))
}

/// Returns the words of a name.
fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty())
}

fn speaks_of_failing(text: &str) -> bool {
    ["FAIL", "ERROR", "✕", "✖", "×", "● ", "not ok", "failed", "Failed"].iter().any(|word| text.contains(word))
}

/// Joins names on few lines.
fn join<'a>(names: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut weight = 0;
    let names: Vec<&str> = names
        .map(String::as_str)
        .take_while(|name| {
            weight += name.len() + 2;
            weight <= NAMES_WEIGHT
        })
        .collect();
    let total: usize = names.iter().map(|name| name.len() + 2).sum();
    let width = (total / (FOR_NAMES - 6) + 1).max(160);
    let mut lines: Vec<String> = Vec::new();
    for name in names {
        match lines.last_mut() {
            Some(line) if line.len() + name.len() + 2 <= width => {
                line.push_str(", ");
                line.push_str(name);
            }
            _ => lines.push(format!("failing: {name}")),
        }
    }
    // One long name a line can make more of them than there is room for.
    if lines.len() > FOR_NAMES {
        let rest = lines.split_off(FOR_NAMES - 1);
        lines.push(rest.join(", "));
    }
    lines
}
