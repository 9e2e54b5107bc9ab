//! gcc and clang: `file.c:line:column: error: message`, and what the linker does not find. Layer 1.

use super::{Diagnostic, Output, place};
use crate::model::Kind;

const FILES: [&str; 14] = ["c", "h", "cc", "hh", "cpp", "hpp", "cxx", "hxx", "m", "mm", "swift", "pyx", "inc", "cu"];

pub(super) fn read(output: &Output<'_>) -> Vec<Diagnostic> {
    let rows = output.rows.iter().enumerate();
    let read = rows.filter_map(|(at, row)| {
        let raw = row.raw.strip_prefix("##[error]").unwrap_or(row.raw).trim_start();
        if let Some((_, symbol)) = raw.split_once(": undefined reference to ") {
            let message = format!("undefined reference to {symbol}");
            return Some(Diagnostic::at(at, "ld", Kind::Build, &message));
        }
        let place = place::colons(raw)?;
        let message = place.rest.strip_prefix("error: ").or_else(|| place.rest.strip_prefix("fatal error: "))?;
        let (message, code) = place::code_behind(message);
        let one = Diagnostic::at(at, "cc", Kind::Build, message).with_code(code.filter(|code| code.starts_with("-W")));
        place::has_extension(place.file, &FILES).then(|| one.in_file(place.file, Some(place.line), place.column))
    });
    read.collect()
}
