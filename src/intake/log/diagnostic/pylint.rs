//! pylint: `file.py:line:column: E1101: message (rule)`; conventions and warnings fail its run as well. Layer 1.

use super::{Diagnostic, Output, place};
use crate::model::Kind;

pub(super) fn read(output: &Output<'_>) -> Vec<Diagnostic> {
    let rows = output.rows.iter().enumerate();
    let read = rows.filter_map(|(at, row)| {
        let place = place::colons(row.raw).filter(|place| place.file.ends_with(".py"))?;
        let (code, rest) = place.rest.split_once(": ")?;
        let is_code = code.len() == 5
            && code.starts_with(['C', 'R', 'W', 'E', 'F'])
            && code[1..].bytes().all(|b| b.is_ascii_digit());
        let message = rest.rsplit_once(" (").filter(|(_, rule)| rule.ends_with(')')).map_or(rest, |(m, _)| m);
        let one = Diagnostic::at(at, "pylint", Kind::Lint, message).with_code(Some(code));
        is_code.then(|| one.in_file(place.file, Some(place.line), place.column))
    });
    read.collect()
}
