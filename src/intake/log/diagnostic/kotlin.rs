//! The Kotlin compiler: `e: file:///x.kt:3:5 message`, older `e: /x.kt: (3, 5): message`. Layer 1.

use super::{Diagnostic, Output, place};
use crate::intake::scan;
use crate::model::Kind;

pub(super) fn read(output: &Output<'_>) -> Vec<Diagnostic> {
    let rows = output.rows.iter().enumerate();
    let read = rows.filter_map(|(at, row)| {
        let rest = row.raw.strip_prefix("e: ").or_else(|| row.raw.strip_prefix("[ERROR] "))?;
        let rest = rest.strip_prefix("file://").unwrap_or(rest);
        let (file, line, column, message) = if let Some((file, inner)) = rest.split_once(": (") {
            let (place, message) = inner.split_once("): ")?;
            let (line, column) = place.split_once(", ")?;
            (file, scan::number(line)?, scan::number(column), message)
        } else {
            let (place, message) = rest.split_once(' ')?;
            let (file, line, column) = scan::position(place.trim_end_matches(':'))?;
            (file, line, column, message)
        };
        let one = Diagnostic::at(at, "kotlinc", Kind::Build, message).in_file(file, Some(line), column);
        place::has_extension(file, &["kt", "kts"]).then_some(one)
    });
    read.collect()
}
