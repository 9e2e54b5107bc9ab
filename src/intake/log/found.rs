//! What a runner's reader hands back, and the small scanners that readers share. Layer 1.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::intake::clean::Line;
use crate::model::{Counts, Failure, TestOutcome};

/// The longest name that is put together; deep nesting must not make much of little.
const MAX_NAME: usize = 1000;

/// A failing test's own output.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// The test, by the runner's name; nothing for what the runner does not name.
    pub(super) test: Option<String>,
    /// What the runner calls it where it is no test: a hook, a file that does not load.
    pub(super) label: Option<String>,
    /// The lines, which later readers do not see.
    pub(super) spans: Vec<Range<usize>>,
    /// The failure, where the reader knows it better than the trace automata.
    pub(super) failure: Option<Failure>,
    /// A line that the automata need above the block.
    pub(super) title: Option<String>,
}

/// What a runner's output says.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Outcome of each named test.
    pub(super) tests: BTreeMap<String, TestOutcome>,
    /// The runner's own counts, where it prints them.
    pub(super) own: Option<Counts>,
    /// Outcomes as they were added, the same name as often as it was seen.
    seen: Counts,
    /// What failed without being a test with a name; counted on top.
    pub(super) unnamed: u64,
    /// Tests that ran and passed without being named; counted on top.
    pub(super) anonymous: u64,
    /// Output of failing tests.
    pub(super) blocks: Vec<Block>,
    /// Other lines that later readers do not see: repetitions, and tests that were expected to fail.
    pub(super) hidden: Vec<Range<usize>>,
}

impl Found {
    /// Adds a test's outcome.
    pub(super) fn add(&mut self, name: &str, outcome: TestOutcome) {
        let name = name.trim();
        if name.is_empty() {
            return;
        }
        match outcome {
            TestOutcome::Passed => self.seen.run += 1,
            TestOutcome::Failed => {
                self.seen.run += 1;
                self.seen.failed += 1;
            }
            TestOutcome::Skipped => self.seen.skipped += 1,
        }
        put(&mut self.tests, name.to_owned(), outcome);
    }

    /// Adds the lines of a failing test.
    pub(super) fn block(&mut self, test: Option<String>, span: Range<usize>) {
        self.blocks.push(Block { test, spans: vec![span], ..Block::default() });
    }

    /// Adds counts that the runner prints.
    pub(super) fn count(&mut self, counts: Counts) {
        super::add(self.own.get_or_insert_with(Counts::default), counts);
    }

    /// Returns the numbers as the runner prints them, else what was seen.
    pub(super) fn printed(&self) -> Counts {
        self.own.unwrap_or(self.seen)
    }

    /// Returns the runner's counts, else what was seen, with what has no name.
    pub(super) fn counts(&self) -> Counts {
        let mut counts = self.own.unwrap_or(self.seen);
        counts.run = counts.run.saturating_add(self.unnamed).saturating_add(self.anonymous);
        counts.failed = counts.failed.saturating_add(self.unnamed);
        counts
    }
}

/// Adds an outcome; of a name seen twice, a failure stays before a pass, a pass before a skip.
pub(super) fn put(tests: &mut BTreeMap<String, TestOutcome>, name: String, outcome: TestOutcome) {
    let rank = |outcome| match outcome {
        TestOutcome::Failed => 2,
        TestOutcome::Passed => 1,
        TestOutcome::Skipped => 0,
    };
    tests
        .entry(name)
        .and_modify(|old| *old = if rank(outcome) > rank(*old) { outcome } else { *old })
        .or_insert(outcome);
}

/// Joins a test's name with those of the suites around it.
pub(super) fn join<'a>(parts: impl Iterator<Item = &'a str>, between: &str) -> String {
    let mut whole = String::new();
    for part in parts {
        if whole.len() + part.len() > MAX_NAME && !whole.is_empty() {
            break;
        }
        if !whole.is_empty() {
            whole.push_str(between);
        }
        whole.push_str(part);
    }
    whole
}

/// Reads `3 failed, 2 passed` as numbers and words, between commas, semicolons or bars.
pub(super) fn amounts(text: &str) -> impl Iterator<Item = (u64, &str)> {
    text.split([',', ';', '|']).filter_map(|part| {
        let (number, word) = part.trim().split_once(' ')?;
        Some((digits(number)?, word.trim()))
    })
}

/// Reads a number that can be added up.
pub(super) fn digits(text: &str) -> Option<u64> {
    ((1..=12).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// Cuts ` (12ms)`, ` (1.5 s)` off the end.
pub(super) fn cut_duration(text: &str) -> Option<&str> {
    let (name, time) = text.strip_suffix(')')?.rsplit_once(" (")?;
    is_duration(time).then_some(name)
}

/// Returns whether the text is `12ms`, `1.5 s` or the like.
pub(super) fn is_duration(text: &str) -> bool {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ' || c == 'µ');
    let unit = text[number.len()..].trim();
    number.starts_with(|c: char| c.is_ascii_digit())
        && number.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && matches!(unit, "ms" | "s" | "m" | "µs" | "sec")
}

/// Finds the first line at or after `from` for which the test holds, else the end.
pub(super) fn until(lines: &[Line<'_>], from: usize, stop: impl Fn(&Line<'_>) -> bool) -> usize {
    lines.iter().enumerate().skip(from).find(|(_, line)| stop(line)).map_or(lines.len(), |(at, _)| at)
}
