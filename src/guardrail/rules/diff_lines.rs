//! `diff-lines`: added plus removed lines stay within `limits.max_diff_lines`. Layer 1.
//!
//! Refuses to count a rename as nothing: it is all lines away and all lines new (V-59).

use crate::guardrail::change::{Change, LineKind};
use crate::guardrail::rule::{Context, Findings, Rule};
use crate::model::Reason;

pub(super) struct DiffLines;

impl Rule for DiffLines {
    fn id(&self) -> Reason {
        Reason::DiffLines
    }

    fn check(&self, change: &Change, context: &Context<'_>, findings: &mut Findings) {
        let lines = change.files.iter().flat_map(|file| &file.hunks).flat_map(|hunk| &hunk.lines);
        let count = lines.filter(|line| line.kind != LineKind::Context).count() as u64;
        let limit = context.policy.limits.max_diff_lines;
        findings.measure(count, limit);
        if count > limit {
            findings.change(format!(
                "The change has {count} added and removed lines; limits.max_diff_lines allows {limit}. Make it smaller or raise the limit."
            ));
        } else if change.files.iter().any(super::super::change::FileDiff::is_partial) {
            findings.not_checked();
        }
    }
}
