//! rustc and clippy: `error[E0425]: …` with `--> file:line:column` below; clippy by the lint's name. Layer 1.

use super::{Diagnostic, Output, place};
use crate::model::Kind;

/// How far below an error its place stands.
const NEAR: usize = 6;
/// How far below an error its lint is named.
const FAR: usize = 40;

/// What cargo and rustc say about errors that were told before.
const REPEATS: [&str; 8] = [
    "aborting due to",
    "could not compile",
    "could not document",
    "test failed, to rerun",
    "doctest failed",
    "build failed",
    "process didn't exit successfully",
    "target failed",
];

pub(super) fn read(output: &Output<'_>) -> Vec<Diagnostic> {
    let rows = output.rows;
    let mut found = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let text = row.line.text;
        let Some((code, message)) = header(text) else { continue };
        if REPEATS.iter().any(|repeat| message.starts_with(repeat)) {
            continue;
        }
        let below = rows[at + 1..].iter().take(NEAR);
        // The message may have several lines; the next error has a place of its own.
        let place = below
            .take_while(|row| header(row.line.text).is_none())
            .find_map(|row| row.line.text.strip_prefix("--> "))
            .and_then(crate::intake::scan::position);
        let Some((file, line, column)) = place.filter(|(file, ..)| place::is_file(file)) else {
            if code.is_some() || message.starts_with("linking with ") {
                found.push(Diagnostic::at(at, "rustc", Kind::Build, message).with_code(code));
            }
            continue;
        };
        let end = rows[at + 1..]
            .iter()
            .take(FAR)
            .position(|row| row.raw.trim().is_empty() || header(row.line.text).is_some())
            .map_or((at + 1 + FAR).min(rows.len()), |n| at + 1 + n);
        let lint = rows[at + 1..end].iter().find_map(|row| lint(row.line.text));
        let (tool, kind) = match lint.as_deref() {
            _ if file.ends_with("Cargo.toml") => ("cargo", Kind::Build),
            Some(lint) if lint.starts_with("clippy::") => ("clippy", Kind::Lint),
            Some(_) => ("rustc", Kind::Lint),
            None => ("rustc", Kind::Build),
        };
        let mut one = Diagnostic::at(at, tool, kind, message).in_file(file, Some(line), column);
        one.rows.end = end;
        one.code = code.map(str::to_owned).or(lint);
        found.push(one);
    }
    found
}

/// `error[E0425]: cannot find …`, `error: expected …`.
fn header(text: &str) -> Option<(Option<&str>, &str)> {
    let rest = text.strip_prefix("error")?;
    if let Some(inner) = rest.strip_prefix('[') {
        let (code, message) = inner.split_once("]: ")?;
        let is_code = code.len() == 5 && code.starts_with('E') && code[1..].bytes().all(|b| b.is_ascii_digit());
        return is_code.then_some((Some(code), message));
    }
    Some((None, rest.strip_prefix(": ")?))
}

/// Reads the lint from `= note: `-D clippy::needless-return` implied by …`, `#[deny(unused)]` or the link to it.
///
/// The note stands below the first of a lint's errors only, the link below each.
fn lint(text: &str) -> Option<String> {
    if let Some((_, name)) = text.split_once("rust-clippy/").and_then(|(_, rest)| rest.rsplit_once('#')) {
        return Some(format!("clippy::{name}"));
    }
    let rest = text.strip_prefix("= note: `")?;
    let name = rest
        .strip_prefix("-D ")
        .and_then(|rest| rest.split('`').next())
        .or_else(|| rest.strip_prefix("#[deny(").and_then(|rest| rest.split(')').next()))?;
    (!name.is_empty() && name != "warnings").then(|| name.replace('-', "_"))
}
