//! `black --check`: `would reformat FILE`, and files that it cannot read. Layer 1.

use super::{Diagnostic, Output, place};
use crate::model::Kind;

pub(super) fn read(output: &Output<'_>) -> Vec<Diagnostic> {
    let rows = output.rows.iter().enumerate();
    let read = rows.filter_map(|(at, row)| {
        if let Some(file) = row.raw.strip_prefix("would reformat ").filter(|file| place::is_file(file)) {
            return Some(Diagnostic::at(at, "black", Kind::Format, "not formatted").in_file(file, None, None));
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
