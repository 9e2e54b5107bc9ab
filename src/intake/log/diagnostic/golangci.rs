//! golangci-lint: `file.go:line:column: message (linter)`. Layer 1.

use super::{Diagnostic, Output, place};
use crate::model::Kind;

pub(super) fn read(output: &Output<'_>) -> Vec<Diagnostic> {
    let rows = output.rows.iter().enumerate();
    let read = rows.filter_map(|(at, row)| {
        let raw = row.raw.strip_prefix("##[error]").unwrap_or(row.raw);
        let (_, linter) = raw.strip_suffix(')')?.rsplit_once(" (")?;
        let place = place::colons(raw).filter(|place| place.file.ends_with(".go"))?;
        let plain = !linter.is_empty()
            && linter.len() <= 24
            && linter.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let (message, _) = place.rest.rsplit_once(" (")?;
        // A type checker's words are the compiler's.
        let kind = if linter == "typecheck" {
            Kind::Build
        } else if matches!(linter, "gofmt" | "goimports" | "gofumpt" | "gci") {
            Kind::Format
        } else {
            Kind::Lint
        };
        let one = Diagnostic::at(at, "golangci-lint", kind, message).with_code(Some(linter));
        plain.then(|| one.in_file(place.file, Some(place.line), place.column))
    });
    read.collect()
}
