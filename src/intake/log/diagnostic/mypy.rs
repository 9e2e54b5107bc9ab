//! mypy: `file.py:line: error: message  [code]`. Layer 1.

use super::{Diagnostic, Output, place};
use crate::model::Kind;

pub(super) fn read(output: &Output<'_>) -> Vec<Diagnostic> {
    let rows = output.rows.iter().enumerate();
    let read = rows.filter_map(|(at, row)| {
        let raw = row.raw.strip_prefix("##[error]").unwrap_or(row.raw);
        let place = place::colons(raw).filter(|place| place::has_extension(place.file, &["py", "pyi"]))?;
        let (message, code) = place::code_behind(place.rest.strip_prefix("error: ")?);
        let one = Diagnostic::at(at, "mypy", Kind::Type, message).with_code(code);
        Some(one.in_file(place.file, Some(place.line), place.column))
    });
    read.collect()
}
