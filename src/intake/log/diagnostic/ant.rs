//! ant itself: the target that failed, where no other tool says it better. Layer 1.

use super::{Diagnostic, Output, place};
use crate::model::Kind;

pub(super) fn read(output: &Output<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (at, row) in output.rows.iter().enumerate() {
        let below = output.rows.get(at + 1).and_then(|row| place::colons(row.raw));
        if row.raw == "BUILD FAILED"
            && let Some(place) = below.filter(|place| place.file.ends_with(".xml"))
        {
            let one = Diagnostic::at(at + 1, "ant", Kind::Build, place.rest).vaguely();
            found.push(one.in_file(place.file, Some(place.line), place.column));
        }
    }
    found
}
