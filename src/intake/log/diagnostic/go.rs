//! `go build` and `go vet`: `./file.go:line:column: …` below `# package`; modules that are not there. Layer 1.

use super::{Diagnostic, Output, place};
use crate::model::Kind;

pub(super) fn read(output: &Output<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    // `# [package]` below `# package` tells the vetter.
    let ran_vet = output.ran("go vet");
    let mut vetting = ran_vet;
    for (at, row) in output.rows.iter().enumerate() {
        let raw = row.raw;
        if let Some(package) = raw.strip_prefix("# ") {
            vetting = package.starts_with('[') || ran_vet;
            continue;
        }
        if let Some(message) = missing(raw) {
            let one = Diagnostic::at(at, "go", Kind::Dependency, message);
            found.push(match place::colons(raw) {
                Some(place) => one.in_file(place.file, Some(place.line), place.column),
                None => one,
            });
            continue;
        }
        let text = raw.strip_prefix("vet: ").unwrap_or(raw);
        if !text.starts_with(char::is_whitespace)
            && let Some(place) = place::colons(text)
            && place.file.ends_with(".go")
            && place.column.is_some()
            && !place.rest.is_empty()
        {
            // What vet reports as `vet: ` does not compile.
            let vet = vetting && text.len() == raw.len();
            let (tool, kind) = if vet { ("go-vet", Kind::Lint) } else { ("go-build", Kind::Build) };
            found.push(Diagnostic::at(at, tool, kind, place.rest).in_file(place.file, Some(place.line), place.column));
        }
    }
    found
}

/// What a module's graph lacks.
fn missing(raw: &str) -> Option<&str> {
    const WORDS: [&str; 7] = [
        "no required module provides package",
        "missing go.sum entry",
        "cannot find module providing package",
        "updates to go.mod needed",
        "inconsistent vendoring",
        "is not in std",
        "invalid version: unknown revision",
    ];
    if !raw.contains("go") && !raw.contains("module") && !raw.contains("package") {
        return None;
    }
    let message = place::colons(raw).map_or(raw, |place| place.rest);
    let message = message.strip_prefix("go: ").unwrap_or(message);
    WORDS.iter().any(|word| message.contains(word)).then_some(message)
}
