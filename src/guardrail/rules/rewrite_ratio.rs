//! `rewrite-ratio`: a fix changes a part of a file, not most of it. Layer 1.
//!
//! Refuses to judge short files, where one line is half of them.

use crate::guardrail::change::Change;
use crate::guardrail::rule::{Context, Findings, Rule};
use crate::model::Reason;

/// Files with fewer lines are not judged.
const SHORTEST: usize = 20;
/// The largest share of a file's old lines that may go, in percent.
const MOST: u64 = 50;

pub(super) struct RewriteRatio;

impl Rule for RewriteRatio {
    fn id(&self) -> Reason {
        Reason::RewriteRatio
    }

    fn check(&self, change: &Change, _: &Context<'_>, findings: &mut Findings) {
        let mut largest = 0;
        for file in &change.files {
            if file.is_created() || file.binary {
                continue;
            }
            let Some(before) = file.whole.as_ref().and_then(|whole| whole.before.as_ref()) else {
                // A deletion tells all its lines; any other part could be all or nothing of the file.
                if !file.is_deleted() || file.untold {
                    findings.not_checked();
                    continue;
                }
                let lines = file.removed().count();
                if lines >= SHORTEST {
                    largest = 100;
                    findings.file(file, format!("The change deletes the whole file of {lines} lines."));
                }
                continue;
            };
            let lines = before.split_inclusive(|b| *b == b'\n').count();
            if lines < SHORTEST {
                continue;
            }
            let share = file.removed().count() as u64 * 100 / lines as u64;
            largest = largest.max(share);
            if share > MOST {
                findings.file(
                    file,
                    format!("The change rewrites {share} % of the file's {lines} lines; a fix needs {MOST} % at most."),
                );
            }
        }
        findings.measure(largest, MOST);
    }
}
