//! ESLint and its kin: stylish, unix and compact output, `standard`'s, and stylelint's mark. Layer 1.

use super::{Diagnostic, Output, place};
use crate::model::Kind;

const FILES: [&str; 13] =
    ["js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts", "vue", "svelte", "css", "scss", "json"];

pub(super) fn read(output: &Output<'_>) -> Vec<Diagnostic> {
    let mut file: Option<&str> = None;
    let mut found = Vec::new();
    for (at, row) in output.rows.iter().enumerate() {
        let text = row.line.text;
        if let Some(name) = file
            && let Some((line, column, message, rule, tool)) = stylish(text)
        {
            let one = Diagnostic::at(at, tool, Kind::Lint, message);
            found.push(one.with_code(rule).in_file(name, Some(line), Some(column)));
            continue;
        }
        if stylish_warning(text) {
            continue;
        }
        if let Some(one) = unix(at, text).or_else(|| compact(at, text)).or_else(|| standard(at, text)) {
            found.push(one);
        } else if place::is_file(text) && place::has_extension(text, &FILES) {
            file = Some(text);
        } else if !text.is_empty() {
            file = None;
        }
    }
    found
}

/// `3:5  error  'x' is not defined  no-undef`; Next writes `3:5  Error: message  rule`.
fn stylish(text: &str) -> Option<(u32, u32, &str, Option<&str>, &'static str)> {
    let (line, rest) = place::number(text)?;
    let (column, rest) = place::number(rest.strip_prefix(':')?)?;
    let rest = rest.trim_start();
    let (tool, rest) = if let Some(rest) = rest.strip_prefix("error ").or_else(|| rest.strip_prefix("Error: ")) {
        ("eslint", rest)
    } else {
        ("stylelint", rest.strip_prefix("✖ ")?)
    };
    let rest = rest.trim();
    let (message, rule) = match rest.rsplit_once("  ") {
        Some((message, rule)) if !rule.contains(' ') => (message.trim_end(), Some(rule)),
        _ => (rest, None),
    };
    // A file that cannot be parsed breaks no rule.
    let rule = rule.or_else(|| message.starts_with("Parsing error").then_some("parsing-error"));
    Some((line, column, message, rule, tool))
}

fn stylish_warning(text: &str) -> bool {
    let rest = place::number(text).and_then(|(_, rest)| place::number(rest.strip_prefix(':')?)).map(|(_, rest)| rest);
    rest.is_some_and(|rest| rest.trim_start().starts_with("warning ") || rest.trim_start().starts_with("Warning: "))
}

/// `file:3:5: message [Error/rule]`.
fn unix(at: usize, text: &str) -> Option<Diagnostic> {
    let (before, rule) = text.strip_suffix(']')?.rsplit_once(" [Error")?;
    let place = place::colons(before)?;
    let rule = rule.strip_prefix('/');
    let one = Diagnostic::at(at, "eslint", Kind::Lint, place.rest).with_code(rule);
    Some(one.in_file(place.file, Some(place.line), place.column))
}

/// `file: line 3, col 5, Error - message (rule)`.
fn compact(at: usize, text: &str) -> Option<Diagnostic> {
    let (file, rest) = text.split_once(": line ")?;
    let (line, rest) = place::number(rest)?;
    let (column, rest) = place::number(rest.strip_prefix(", col ")?)?;
    let rest = rest.strip_prefix(", Error - ")?;
    let split = rest.strip_suffix(')').and_then(|inner| inner.rsplit_once(" ("));
    let (message, rule) = split.map_or((rest, None), |(message, rule)| (message, Some(rule)));
    let one = Diagnostic::at(at, "eslint", Kind::Lint, message).with_code(rule);
    place::is_file(file).then(|| one.in_file(file, Some(line), Some(column)))
}

/// `file.js:3:5: Extra semicolon. (semi)`.
fn standard(at: usize, text: &str) -> Option<Diagnostic> {
    let (_, rule) = text.strip_suffix(')')?.rsplit_once(" (")?;
    let place = place::colons(text)?;
    let is_rule = rule.contains('-') || matches!(rule, "semi" | "quotes" | "indent" | "eqeqeq" | "curly");
    let sound = place.column.is_some() && is_rule && !rule.contains(' ') && place::has_extension(place.file, &FILES);
    let message = place.rest.rsplit_once(" (").map_or(place.rest, |(message, _)| message);
    let one = Diagnostic::at(at, "eslint", Kind::Lint, message).with_code(Some(rule));
    sound.then(|| one.in_file(place.file, Some(place.line), place.column))
}
