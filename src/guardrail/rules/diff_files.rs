//! `diff-files`: touched files stay within `limits.max_files`. Layer 1.
//!
//! Refuses to count a rename as one file: it is two.

use crate::guardrail::change::Change;
use crate::guardrail::rule::{Context, Findings, Rule};
use crate::model::Reason;

pub(super) struct DiffFiles;

impl Rule for DiffFiles {
    fn id(&self) -> Reason {
        Reason::DiffFiles
    }

    fn check(&self, change: &Change, context: &Context<'_>, findings: &mut Findings) {
        let (count, limit) = (change.files.len() as u64, context.policy.limits.max_files);
        findings.measure(count, limit);
        if count > limit {
            findings.change(format!(
                "The change touches {count} files; limits.max_files allows {limit}. Make it smaller or raise the limit."
            ));
        }
    }
}
