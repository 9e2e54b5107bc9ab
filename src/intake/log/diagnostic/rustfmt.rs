//! `cargo fmt --check`: `Diff in FILE:LINE:`, and `at line N:` in older versions. Layer 1.

use super::{Diagnostic, Output};
use crate::intake::scan;
use crate::model::Kind;

pub(super) fn read(output: &Output<'_>) -> Vec<Diagnostic> {
    let rows = output.rows.iter().enumerate();
    let read = rows.filter_map(|(at, row)| {
        let rest = row.raw.strip_prefix("Diff in ")?;
        let (file, line) = if let Some((file, number)) = rest.split_once(" at line ") {
            (file, scan::number(number.trim_end_matches(':')))
        } else {
            let (file, line, _) = scan::position(rest.trim_end_matches(':'))?;
            (file, Some(line))
        };
        let one = Diagnostic::at(at, "rustfmt", Kind::Format, "not formatted").in_file(file, line, None);
        file.ends_with(".rs").then_some(one)
    });
    read.collect()
}
