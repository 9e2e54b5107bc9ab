//! `isort --check`: `ERROR: FILE Imports are incorrectly sorted and/or formatted.` Layer 1.

use super::{Diagnostic, Output};
use crate::model::Kind;

pub(super) fn read(output: &Output<'_>) -> Vec<Diagnostic> {
    let rows = output.rows.iter().enumerate();
    let read = rows.filter_map(|(at, row)| {
        let (file, _) = row.raw.strip_prefix("ERROR: ")?.split_once(" Imports are incorrectly sorted")?;
        Some(Diagnostic::at(at, "isort", Kind::Format, "imports are not sorted").in_file(file, None, None))
    });
    read.collect()
}
