//! cargo itself: manifests, lock files and dependencies. Layer 1.

use super::{Diagnostic, Output};
use crate::model::Kind;

pub(super) fn read(output: &Output<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (at, row) in output.rows.iter().enumerate() {
        let Some(message) = row.raw.strip_prefix("error: ") else { continue };
        let kind = kind(message);
        if let Some(kind) = kind {
            let mut one = Diagnostic::at(at, "cargo", kind, message);
            let more = output.rows[at + 1..].iter().take(12).take_while(|row| !row.raw.starts_with("error"));
            one.rows.end = at + 1 + more.count();
            if let Some(file) = message.strip_prefix("failed to parse manifest at `").and_then(|r| r.split('`').next())
            {
                one = one.in_file(file, None, None);
            }
            found.push(one);
        } else if message.starts_with("could not compile `") || message.starts_with("process didn't exit successfully")
        {
            found.push(Diagnostic::at(at, "cargo", Kind::Build, message).vaguely());
        }
    }
    found
}

fn kind(message: &str) -> Option<Kind> {
    const DEPENDENCY: [&str; 11] = [
        "failed to select a version",
        "no matching package",
        "failed to resolve",
        "failed to load source for dependency",
        "failed to get `",
        "failed to download",
        "package collision in the lockfile",
        "the lock file ",
        "cannot update the lock file",
        "checksum for `",
        "package `",
    ];
    const BUILD: [&str; 8] = [
        "failed to parse manifest",
        "failed to load manifest",
        "failed to run custom build command",
        "no such command:",
        "could not find `Cargo.toml`",
        "invalid table header",
        "virtual manifests must",
        "no bin target named",
    ];
    if DEPENDENCY.iter().any(|lead| message.starts_with(lead)) {
        Some(Kind::Dependency)
    } else {
        BUILD.iter().any(|lead| message.starts_with(lead)).then_some(Kind::Build)
    }
}
