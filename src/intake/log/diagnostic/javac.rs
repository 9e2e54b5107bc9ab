//! javac, alone and below ant, maven and gradle. Layer 1.

use std::collections::BTreeSet;

use super::{Diagnostic, Output, place};
use crate::model::Kind;

pub(super) fn read(output: &Output<'_>) -> Vec<Diagnostic> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for (at, row) in output.rows.iter().enumerate() {
        // Maven writes warnings in the same shape, below another level.
        let maven = row.raw.strip_prefix("[ERROR] ");
        let ant = || row.raw.trim_start().strip_prefix("[javac] ").map(str::trim_start);
        let text = maven.or_else(ant).unwrap_or(row.raw.trim_start());
        let place = match maven.and_then(place::square) {
            Some(place) => Some(place).filter(|place| !text.contains("warning:") && !place.rest.starts_with('(')),
            None => place::colons(text).filter(|place| place.rest.starts_with("error: ")),
        };
        let Some(place) = place.filter(|place| place::has_extension(place.file, &["java", "groovy"])) else { continue };
        let message = place.rest.strip_prefix("error: ").unwrap_or(place.rest);
        // Maven tells every error again at the end.
        if !message.is_empty() && seen.insert((place.file, place.line, place.column, message)) {
            let mut one = Diagnostic::at(at, "javac", Kind::Build, message);
            let symbol = output.rows[at + 1..].iter().take(6).take_while(|row| {
                let text = row.line.text;
                let inner = text.strip_prefix("[javac] ").unwrap_or(text).trim_start();
                !inner.is_empty() && place::colons(inner).is_none()
            });
            for (below, row) in symbol.enumerate() {
                let text = row.line.text;
                let inner = text.strip_prefix("[javac] ").unwrap_or(text).trim_start();
                if let Some(symbol) = inner.strip_prefix("symbol:") {
                    one.message = format!("{message}: {}", symbol.split_whitespace().collect::<Vec<_>>().join(" "));
                    one.rows.end = at + 2 + below;
                }
            }
            found.push(one.in_file(place.file, Some(place.line), place.column));
        }
    }
    found
}
