//! webpack: `ERROR in FILE`, with the message below. Layer 1.

use super::{Diagnostic, Output, place};
use crate::model::Kind;

pub(super) fn read(output: &Output<'_>) -> Vec<Diagnostic> {
    let rows = output.rows;
    let mut found = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let Some(rest) = row.raw.strip_prefix("ERROR in ") else { continue };
        let file = rest.split(' ').next().unwrap_or(rest);
        let file = file.split(':').next().unwrap_or(file);
        let message = rows.get(at + 1).map_or("", |row| row.line.text);
        if message.is_empty() || message.contains("error TS") {
            continue;
        }
        let mut one = Diagnostic::at(at, "webpack", Kind::Build, message);
        one.rows.end = at + 2;
        if message.starts_with("Module not found") {
            one.code = Some("module-not-found".to_owned());
        }
        found.push(if place::is_file(file) { one.in_file(file, None, None) } else { one });
    }
    found
}
