//! `line-endings`: a change does not hide an edit among lines that differ in their ends only (V-63). Layer 1.
//!
//! Refuses to look at style: a few ends may change where the lines around them do.

use std::collections::HashMap;

use crate::guardrail::change::Change;
use crate::guardrail::rule::{Context, Findings, Rule};
use crate::model::Reason;

/// More lines of a change than this that differ in their ends only are a conversion.
const MOST: usize = 10;

pub(super) struct LineEndings;

impl Rule for LineEndings {
    fn id(&self) -> Reason {
        Reason::LineEndings
    }

    fn check(&self, change: &Change, _: &Context<'_>, findings: &mut Findings) {
        let mut all = 0;
        let mut worst = 0;
        for file in &change.files {
            let bare = |line: &[u8]| -> usize { line.len() - line.iter().rev().take_while(|b| **b == b'\r').count() };
            let mut gone: HashMap<(&[u8], &[u8]), usize> = HashMap::new();
            let mut by_text: HashMap<&[u8], Vec<&[u8]>> = HashMap::new();
            for (_, line) in file.removed() {
                let (text, end) = line.split_at(bare(line));
                let count = gone.entry((text, end)).or_default();
                if *count == 0 {
                    by_text.entry(text).or_default().push(end);
                }
                *count += 1;
            }
            let mut converted = 0;
            for (_, line) in file.added() {
                let (text, end) = line.split_at(bare(line));
                let other = by_text.get(text).and_then(|ends| {
                    ends.iter().find(|e| **e != end && gone.get(&(text, **e)).is_some_and(|n| *n > 0))
                });
                if let Some(count) = other.and_then(|e| gone.get_mut(&(text, *e))) {
                    *count -= 1;
                    converted += 1;
                }
            }
            all += converted;
            worst = worst.max(converted);
            if converted > MOST {
                findings.file(file, format!("{converted} lines differ in their line ends only; at most {MOST} may. Keep the file's own line ends."));
            }
        }
        if all > MOST && worst <= MOST {
            findings.change(format!("{all} lines of several files differ in their line ends only; at most {MOST} may. Keep the files' own line ends."));
        }
    }
}
