//! `patch-bytes`: the diff and every file after it stay within `limits.max_patch_bytes` and `limits.max_file_bytes`. Layer 1.
//!
//! Refuses to believe a header: what is measured is what is there.

use crate::guardrail::change::{Change, FileDiff};
use crate::guardrail::rule::{Context, Findings, Rule};
use crate::model::Reason;

pub(super) struct PatchBytes;

impl Rule for PatchBytes {
    fn id(&self) -> Reason {
        Reason::PatchBytes
    }

    fn check(&self, change: &Change, context: &Context<'_>, findings: &mut Findings) {
        let limits = &context.policy.limits;
        let size = change.files.iter().map(size).sum();
        findings.measure(size, limits.max_patch_bytes);
        if size > limits.max_patch_bytes {
            findings.change(format!(
                "The diff has {size} bytes; limits.max_patch_bytes allows {}. Make it smaller or raise the limit.",
                limits.max_patch_bytes
            ));
        }
        for file in &change.files {
            let whole = file.whole.as_ref().and_then(|whole| whole.after.as_ref());
            let size = whole.map_or_else(|| file.added().map(|(_, line)| line.len() + 1).sum(), Vec::len) as u64;
            if size > limits.max_file_bytes {
                findings.file(
                    file,
                    format!(
                        "The file would have {size} bytes; limits.max_file_bytes allows {}.",
                        limits.max_file_bytes
                    ),
                );
            }
        }
        if change.files.iter().any(FileDiff::is_partial) {
            findings.not_checked();
        }
    }
}

/// Returns about how many bytes a file has in the diff: its lines with their marks, and its name twice.
fn size(file: &FileDiff) -> u64 {
    let lines: usize = file.hunks.iter().flat_map(|hunk| &hunk.lines).map(|line| line.text.len() + 2).sum();
    let binary = if file.binary { file.whole.as_ref().and_then(|w| w.after.as_ref()).map_or(0, Vec::len) } else { 0 };
    (lines + binary + 2 * file.path.len()) as u64
}
