//! flake8 and pycodestyle: `file.py:line:column: E501 message`. Layer 1.

use super::{Diagnostic, Output, place};
use crate::model::Kind;

pub(super) fn read(output: &Output<'_>) -> Vec<Diagnostic> {
    let rows = output.rows.iter().enumerate();
    let read = rows.filter_map(|(at, row)| {
        let raw = row.raw.strip_prefix("##[error]").unwrap_or(row.raw);
        let place = place::colons(raw).filter(|place| place::has_extension(place.file, &["py", "pyi"]))?;
        let (code, message) = place.rest.split_once(' ')?;
        let letters = code.bytes().take_while(u8::is_ascii_uppercase).count();
        let digits = code.get(letters..)?;
        let is_code =
            (1..=4).contains(&letters) && (3..=4).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        let one = Diagnostic::at(at, "flake8", Kind::Lint, message.trim()).with_code(Some(code));
        is_code.then(|| one.in_file(place.file, Some(place.line), place.column))
    });
    read.collect()
}
