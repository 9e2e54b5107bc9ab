//! The TypeScript compiler: `file(line,column): error TS2304: …`, and `file:line:column - error TS2304: …`. Layer 1.

use super::{Diagnostic, Output, place};
use crate::intake::scan;
use crate::model::Kind;

pub(super) fn read(output: &Output<'_>) -> Vec<Diagnostic> {
    let rows = output.rows.iter().enumerate();
    let read = rows.filter_map(|(at, row)| {
        let text = row.line.text;
        let (before, rest) = match text.split_once("error TS") {
            Some((before, rest)) if before.is_empty() || before.ends_with([' ', ':']) => (before, rest),
            _ => return None,
        };
        let (digits, message) = rest.split_once(':')?;
        if digits.is_empty() || digits.len() > 6 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let code = format!("TS{digits}");
        let one = Diagnostic::at(at, "tsc", Kind::Type, message.trim()).with_code(Some(&code));
        if let Some(place) = place::brackets(before) {
            return Some(one.in_file(place.file, Some(place.line), place.column));
        }
        match before.trim_end().strip_suffix('-').map(str::trim_end).and_then(scan::position) {
            Some((file, line, column)) => Some(one.in_file(file, Some(line), column)),
            None => before.trim().is_empty().then_some(one),
        }
    });
    read.collect()
}
