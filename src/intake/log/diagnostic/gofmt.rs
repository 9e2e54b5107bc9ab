//! `gofmt -l` and `-d`: names of files alone, where the step ran it, and headers of diffs. Layer 1.

use std::collections::BTreeSet;

use super::{Diagnostic, Output, place};
use crate::model::Kind;

pub(super) fn read(output: &Output<'_>) -> Vec<Diagnostic> {
    let ran = ["gofmt", "goimports", "gofumpt", "go fmt"].iter().any(|word| output.ran(word));
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for (at, row) in output.rows.iter().enumerate() {
        let file = match row.raw.strip_prefix("diff ") {
            // `diff -u a.go.orig a.go`, `diff a.go.orig a.go`.
            Some(rest) => rest.rsplit_once(' ').filter(|(before, file)| before.ends_with(&format!("{file}.orig"))),
            None => Some(("", row.raw)).filter(|_| ran),
        };
        let Some((_, file)) = file else { continue };
        if file.ends_with(".go") && !file.contains(' ') && place::is_file(file) && seen.insert(file) {
            found.push(Diagnostic::at(at, "gofmt", Kind::Format, "not formatted").in_file(file, None, None));
        }
    }
    found
}
