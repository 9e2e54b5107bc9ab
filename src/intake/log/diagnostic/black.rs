//! `black --check`: `would reformat FILE`, and files that it cannot read. Layer 1.

use super::{Diagnostic, Output, place};
use crate::intake::scan;
use crate::model::Kind;

pub(super) fn read(output: &Output<'_>) -> Vec<Diagnostic> {
    let rows = output.rows.iter().enumerate();
    let read = rows.filter_map(|(at, row)| {
        if let Some(file) = row.raw.strip_prefix("would reformat ").filter(|file| place::is_file(file)) {
            return Some(Diagnostic::at(at, "black", Kind::Format, "not formatted").in_file(file, None, None));
        }
        if let Some((file, line, column)) = row.raw.strip_prefix("error: cannot parse: ").and_then(scan::position) {
            let below = output.rows[at + 1..].iter().take(4).find_map(|row| row.raw.split_once("Error: "));
            let message = below.map_or("cannot be parsed", |(_, message)| message);
            let mut one = Diagnostic::at(at, "black", Kind::Build, message).with_code(Some("cannot-parse"));
            one.rows.end = (at + 4).min(output.rows.len());
            return Some(one.in_file(file, Some(line), column));
        }
        let rest = row.raw.strip_prefix("error: cannot format ")?;
        let (file, message) = rest.split_once(": ")?;
        // `Cannot parse: 3:5: def f(`, with the target version in newer releases.
        let line = message.split(": ").nth(1).and_then(|place| place::number(place)).map(|(line, _)| line);
        let one = Diagnostic::at(at, "black", Kind::Build, message).with_code(Some("cannot-parse"));
        place::is_file(file).then(|| one.in_file(file, line, None))
    });
    read.collect()
}
