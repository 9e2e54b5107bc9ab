//! `##[error]` lines that no tool's reader knows: what actions say about themselves. Layer 1.

use super::{Diagnostic, Output};
use crate::model::Kind;

pub(super) fn read(output: &Output<'_>) -> Vec<Diagnostic> {
    let rows = output.rows.iter().enumerate();
    let read = rows.filter_map(|(at, row)| {
        let message = row.raw.strip_prefix("##[error]").or_else(|| row.raw.strip_prefix("::error::"))?.trim();
        let repeats = message.is_empty()
            || message.starts_with("Process completed with exit code")
            || message.contains(" failed with exit code ");
        let one = Diagnostic::at(at, "actions", Kind::Runtime, message);
        (!repeats).then_some(one)
    });
    read.collect()
}
