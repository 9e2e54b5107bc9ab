//! `secret`: nothing that is added looks like a key, a token or a password, in disguise or not (V-18). Layer 1.
//!
//! Refuses to repeat what it found: a message names the rule and the line. A secret that the file had before is not new.

use std::collections::BTreeSet;

use crate::guardrail::change::{Change, FileDiff};
use crate::guardrail::rule::{Context, Findings, Rule, text};
use crate::model::Reason;
use crate::redact;

pub(super) struct Secret;

impl Rule for Secret {
    fn id(&self) -> Reason {
        Reason::Secret
    }

    fn check(&self, change: &Change, context: &Context<'_>, findings: &mut Findings) {
        for file in &change.files {
            if !redact::secrets(&file.path).is_empty() {
                findings.file(file, "The path has what looks like a secret.");
            }
            let (added, numbers) = joined(file.added());
            let found = redact::secrets(&added);
            let (hidden, whole) = redact::disguised(&added, context.known);
            if !whole {
                findings.not_checked();
            }
            if found.is_empty() && hidden.is_empty() {
                continue;
            }
            let (removed, _) = joined(file.removed());
            let before: BTreeSet<&str> = redact::secrets(&removed).iter().map(|s| &removed[s.start..s.end]).collect();
            let mut told: BTreeSet<u32> = BTreeSet::new();
            for secret in found.iter().filter(|secret| !before.contains(&added[secret.start..secret.end])) {
                let line = numbers.get(secret.line as usize - 1).copied().unwrap_or(1);
                told.insert(line);
                report(findings, file, line, secret.rule);
            }
            if hidden.is_empty() {
                continue;
            }
            let before: BTreeSet<&str> =
                redact::disguised(&removed, context.known).0.iter().map(|one| &removed[one.start..one.end]).collect();
            let ends: Vec<usize> = memchr::memchr_iter(b'\n', added.as_bytes()).collect();
            for one in hidden.iter().filter(|one| !before.contains(&added[one.start..one.end])) {
                let line = numbers.get(ends.partition_point(|end| *end < one.start)).copied().unwrap_or(1);
                // Several looks see the same thing; one word on a line is enough.
                if told.insert(line) {
                    report(findings, file, line, one.rule);
                }
            }
        }
    }
}

fn report(findings: &mut Findings, file: &FileDiff, line: u32, rule: &str) {
    findings.new_line(
        file,
        line,
        format!("The line has what looks like a secret ({rule}). Take it out; if it is real, revoke it."),
    );
}

fn joined<'a>(lines: impl Iterator<Item = (u32, &'a [u8])>) -> (String, Vec<u32>) {
    let mut whole = String::new();
    let mut numbers = Vec::new();
    for (number, line) in lines {
        whole.push_str(&text(line));
        whole.push('\n');
        numbers.push(number);
    }
    (whole, numbers)
}
