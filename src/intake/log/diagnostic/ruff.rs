//! ruff: `check` in its concise and full form, and `format --check`. Layer 1.

use super::{Diagnostic, Output, place};
use crate::intake::scan;
use crate::model::Kind;

pub(super) fn read(output: &Output<'_>) -> Vec<Diagnostic> {
    let rows = output.rows;
    let closes = |raw: &str| raw.starts_with("[*] ") && raw.contains(" fixable with ");
    let ours = output.ran("ruff") || rows.iter().any(|row| closes(row.raw) || row.raw.contains(" [*] "));
    let mut found = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let raw = row.raw.strip_prefix("##[error]").unwrap_or(row.raw);
        let below = rows.get(at + 1).and_then(|row| row.line.text.strip_prefix("--> ")).and_then(scan::position);
        if let Some(((file, line, _), _)) = below.zip(raw.strip_prefix("unformatted: ")) {
            let mut one = Diagnostic::at(at, "ruff", Kind::Format, "not formatted").in_file(file, Some(line), None);
            one.rows.end = at + 2;
            found.push(one);
        } else if let Some(file) = raw.strip_prefix("Would reformat: ") {
            found.push(Diagnostic::at(at, "ruff", Kind::Format, "not formatted").in_file(file.trim(), None, None));
        } else if let Some((code, message)) = rule(raw)
            && let Some((file, line, column)) = below
        {
            let mut one = Diagnostic::at(at, "ruff", Kind::Lint, message).in_file(file, Some(line), column);
            one.rows.end = at + 2;
            found.push(coded(one, code));
        } else if ours
            && let Some(place) = place::colons(raw).filter(|place| place.column.is_some())
            && let Some((code, message)) = rule(place.rest)
        {
            let one = Diagnostic::at(at, "ruff", Kind::Lint, message);
            found.push(coded(one.in_file(place.file, Some(place.line), place.column), code));
        } else if let Some(rest) = raw.strip_prefix("error: Failed to parse ")
            && let Some(place) = place::colons(rest)
        {
            let one = Diagnostic::at(at, "ruff", Kind::Build, place.rest).with_code(Some("invalid-syntax"));
            found.push(one.in_file(place.file, Some(place.line), place.column));
        }
    }
    found
}

fn coded(one: Diagnostic, code: &str) -> Diagnostic {
    if code == "invalid-syntax" {
        return Diagnostic { kind: Kind::Build, ..one }.with_code(Some(code));
    }
    one.with_code(Some(code))
}

/// `F401 [*] message`, `invalid-syntax: message`.
fn rule(text: &str) -> Option<(&str, &str)> {
    if let Some(message) = text.strip_prefix("invalid-syntax: ").or_else(|| text.strip_prefix("SyntaxError: ")) {
        return Some(("invalid-syntax", message));
    }
    let (code, message) = text.split_once(' ')?;
    let letters = code.bytes().take_while(u8::is_ascii_uppercase).count();
    let digits = code.len() - letters;
    let is_code =
        (1..=6).contains(&letters) && (3..=4).contains(&digits) && code[letters..].bytes().all(|b| b.is_ascii_digit());
    let message = message.trim_start();
    is_code.then(|| (code, message.strip_prefix("[*] ").unwrap_or(message)))
}
