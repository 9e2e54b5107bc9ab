//! The marks that stand in place of what was taken out: `<EMAIL_1>`. Layer 1.
//!
//! Refuses to reuse a number that the text already has, so that a planted mark is never taken for ours.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;

use crate::redact::finding::{Finding, Label};

static MARK: LazyLock<Regex> = LazyLock::new(|| {
    let labels: Vec<&str> = Label::ALL.iter().map(|label| label.as_str()).collect();
    Regex::new(&format!("<({})(?:_([0-9]{{1,5}}))?>", labels.join("|")))
        .expect("internal error: the placeholder's shape does not compile")
});

/// The largest number of a mark; beyond it a mark has none, so that no card number passes for one.
const MOST: u32 = 99_999;

/// Returns whether a text has marks and nothing else that says something.
pub(crate) fn is_only_placeholders(text: &str) -> bool {
    if !text.contains('<') {
        return false;
    }
    let mut rest = 0;
    let mut seen = false;
    for mark in MARK.find_iter(text) {
        if text[rest..mark.start()].chars().any(char::is_alphanumeric) {
            return false;
        }
        rest = mark.end();
        seen = true;
    }
    seen && !text[rest..].chars().any(char::is_alphanumeric)
}

/// Widens findings that would cut a mark in two.
pub(crate) fn keep_whole(text: &str, found: &mut [Finding]) {
    if !text.contains('<') {
        return;
    }
    let marks: Vec<(usize, usize)> = MARK.find_iter(text).map(|mark| (mark.start(), mark.end())).collect();
    let around = |at: usize| {
        let after = marks.partition_point(|(start, _)| *start < at);
        after.checked_sub(1).map(|i| marks[i]).filter(|(_, end)| at < *end)
    };
    for finding in found {
        finding.start = around(finding.start).map_or(finding.start, |(start, _)| start);
        finding.end = around(finding.end).map_or(finding.end, |(_, end)| end);
    }
}

/// Gives each different value of a text its mark.
pub(crate) struct Marks<'a> {
    taken: BTreeSet<(Label, u32)>,
    given: BTreeMap<(Label, &'a str), String>,
    next: BTreeMap<Label, u32>,
}

impl<'a> Marks<'a> {
    pub(crate) fn for_text(text: &str) -> Self {
        let mut taken = BTreeSet::new();
        if text.contains('<') {
            for captures in MARK.captures_iter(text) {
                let label =
                    Label::ALL.into_iter().find(|label| captures.get(1).is_some_and(|m| m.as_str() == label.as_str()));
                let number = captures.get(2).and_then(|m| m.as_str().parse().ok());
                if let (Some(label), Some(number)) = (label, number) {
                    taken.insert((label, number));
                }
            }
        }
        Self { taken, given: BTreeMap::new(), next: BTreeMap::new() }
    }

    pub(crate) fn of(&mut self, label: Label, value: &'a str) -> &str {
        let (taken, next) = (&self.taken, self.next.entry(label).or_insert(1));
        self.given.entry((label, value)).or_insert_with(|| {
            while taken.contains(&(label, *next)) {
                *next += 1;
            }
            let number = *next;
            if number > MOST {
                return format!("<{}>", label.as_str());
            }
            *next += 1;
            format!("<{}_{number}>", label.as_str())
        })
    }
}
