//! The Scala compiler below sbt: `[error] /x/A.scala:3:5: message`. Layer 1.

use super::{Diagnostic, Output, place};
use crate::model::Kind;

pub(super) fn read(output: &Output<'_>) -> Vec<Diagnostic> {
    let rows = output.rows.iter().enumerate();
    let read = rows.filter_map(|(at, row)| {
        let rest = row.raw.strip_prefix("[error] ").or_else(|| row.raw.strip_prefix("[ERROR] "))?;
        let place = place::colons(rest.trim_start())?;
        let message = place.rest.strip_prefix("error: ").unwrap_or(place.rest);
        let one =
            Diagnostic::at(at, "scalac", Kind::Build, message).in_file(place.file, Some(place.line), place.column);
        (place::has_extension(place.file, &["scala", "java", "html"]) && !message.is_empty()).then_some(one)
    });
    read.collect()
}
