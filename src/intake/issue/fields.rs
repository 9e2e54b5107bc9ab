//! Reads named values out of sections: `- Key: value`, `**Key:** value`, tables, issue forms. Layer 1.

use crate::intake::issue::markdown::{Piece, Section, simple};
use crate::intake::scan;
use crate::model::Frame;

/// The most other fields that are kept.
const MAX_OTHER: usize = 40;
/// The longest other value that is kept.
const MAX_VALUE: usize = 500;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Type,
    Message,
    Trace,
    Job,
    Location,
    Function,
    Commit,
    Fingerprint,
    Test,
    Breadcrumbs,
    Language,
    /// A section whose text is for people.
    Prose,
}

impl Field {
    /// Reads a simple name.
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "error type" | "type" | "exception" | "exception type" | "exception class" | "error class"
            | "error name" | "error" => Self::Type,
            "error message" | "message" | "exception message" | "panic message" | "error text" => Self::Message,
            "stack trace"
            | "stacktrace"
            | "stack"
            | "traceback"
            | "trace"
            | "backtrace"
            | "call stack"
            | "logs"
            | "log"
            | "log output"
            | "relevant log output"
            | "error output"
            | "output"
            | "full trace"
            | "full traceback"
            | "error log"
            | "console output" => Self::Trace,
            "job" | "job name" | "service" | "workflow job" | "worker" | "task" | "cron job" => Self::Job,
            "location" | "file" | "source" | "source file" | "file path" | "path" | "where" | "culprit" => {
                Self::Location
            }
            "function" | "method" | "function name" => Self::Function,
            "commit" | "commit sha" | "sha" | "revision" | "git sha" | "git commit" => Self::Commit,
            "fingerprint" | "error fingerprint" => Self::Fingerprint,
            "failing test" | "failing tests" | "failed test" | "failed tests" | "test" | "tests" | "test name"
            | "failing test s" => Self::Test,
            "breadcrumbs" | "breadcrumb" => Self::Breadcrumbs,
            "language" | "runtime language" => Self::Language,
            "description" | "what happened" | "steps to reproduce" | "expected behavior" | "expected behaviour"
            | "actual behavior" | "actual behaviour" | "expected" | "actual" | "to reproduce" | "summary" | "notes"
            | "additional context" | "screenshots" | "reproduction" | "note" | "e g" | "https" | "http" | "todo" => {
                Self::Prose
            }
            _ => return None,
        })
    }
}

/// All values that an issue names.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) known: Vec<(Field, String)>,
    /// Other names in their simple form, and their values.
    pub(super) other: Vec<(String, String)>,
    pub(super) breadcrumbs: Vec<String>,
}

impl Fields {
    /// Returns the first value of a field.
    pub(super) fn get(&self, field: Field) -> Option<&str> {
        self.known.iter().find(|(found, _)| *found == field).map(|(_, value)| value.as_str())
    }
}

/// Reads every section.
pub(super) fn read(sections: &[Section<'_>]) -> Fields {
    let mut fields = Fields::default();
    for section in sections {
        let known = Field::of(&section.key);
        if known == Some(Field::Breadcrumbs) {
            fields.breadcrumbs.extend(breadcrumbs(section));
            continue;
        }
        let before = fields.known.len() + fields.other.len();
        if known != Some(Field::Trace) {
            lines(section, known, &mut fields);
        }
        let named_inside = fields.known.len() + fields.other.len() > before;
        match known {
            None | Some(Field::Trace | Field::Prose) => {
                // An issue form asks for a short answer under each heading.
                if known.is_none() && !named_inside && !section.key.is_empty() && fields.other.len() < MAX_OTHER {
                    let value = text(section);
                    if !value.is_empty() && !value.contains('\n') && value.len() <= 120 && !has_code(section) {
                        fields.other.push((section.key.clone(), value));
                    }
                }
            }
            Some(field) => {
                let value = text(section);
                let is_error = matches!(field, Field::Type | Field::Message);
                if !value.is_empty() && (!named_inside || is_error && has_code(section)) {
                    fields.known.push((field, value));
                }
            }
        }
    }
    fields
}

fn has_code(section: &Section<'_>) -> bool {
    section.pieces.iter().any(|piece| matches!(piece, Piece::Code(..)))
}

/// Reads the lines of a section that name a value.
fn lines(section: &Section<'_>, known: Option<Field>, fields: &mut Fields) {
    // In these sections every `Key: value` counts; elsewhere a plain one only if its name is known.
    let structured = [
        "error details",
        "details",
        "context",
        "environment",
        "error",
        "metadata",
        "info",
        "error info",
        "error context",
        "system info",
    ]
    .contains(&section.key.as_str());
    for piece in &section.pieces {
        let Piece::Text(line) = piece else { continue };
        let Some((marked, name, value)) = pair(line) else { continue };
        let name = simple(name);
        let Some(value) = value_of(value) else { continue };
        if name.is_empty() || name.len() > 40 {
            continue;
        }
        match Field::of(&name) {
            Some(Field::Prose | Field::Trace) => {}
            Some(Field::Breadcrumbs) => fields.breadcrumbs.push(value),
            // A bare `Error: text` or `File: text` in prose says little; marked, or in its section, it does.
            Some(field) if marked || structured => fields.known.push((field, value)),
            Some(field @ (Field::Job | Field::Commit | Field::Fingerprint | Field::Location)) if known.is_none() => {
                fields.known.push((field, value));
            }
            None if (marked || structured) && fields.other.len() < MAX_OTHER => {
                fields.other.push((name, cut(&value, MAX_VALUE)));
            }
            _ => {}
        }
    }
}

/// Splits a line into whether its name is marked as one, the name and the value.
fn pair(line: &str) -> Option<(bool, &str, &str)> {
    let text = line.trim();
    if let Some(inner) = text.strip_prefix('|') {
        let mut cells = inner.split('|');
        let (name, value) = (cells.next()?, cells.next()?);
        let two = cells.next().is_some_and(|rest| rest.trim().is_empty()) && cells.next().is_none();
        // The row of column titles names no value.
        let titles = value.trim().eq_ignore_ascii_case("value");
        return (two && !name.contains("--") && !titles).then(|| (true, name.trim(), value));
    }
    let (listed, text) =
        match text.strip_prefix("- ").or_else(|| text.strip_prefix("* ")).or_else(|| text.strip_prefix("+ ")) {
            Some(inner) => (true, inner.trim_start()),
            None => (false, text),
        };
    for mark in ["**", "__"] {
        if let Some(inner) = text.strip_prefix(mark) {
            let (name, value) = inner.split_once(mark)?;
            let (name, value) = match name.trim_end().strip_suffix(':') {
                Some(name) => (name, value),
                None => (name, value.trim_start().strip_prefix(':')?),
            };
            return Some((true, name, value));
        }
    }
    let (name, value) = text.split_once(": ").or_else(|| Some((text.strip_suffix(':')?, "")))?;
    let words = name.split_whitespace().count();
    // A trace's header is no field of a list, and neither is a sentence.
    let plain =
        (1..=4).contains(&words) && !scan::is_error_type(name) && !name.contains(['(', ')', '"', '/', '\\', '=']);
    plain.then_some((listed && Field::of(&simple(name)).is_some(), name.trim_matches('`'), value))
}

/// Trims a value; the answers that mean nothing are none.
fn value_of(text: &str) -> Option<String> {
    let text = text.trim();
    let text = match text.strip_prefix('`').and_then(|inner| inner.strip_suffix('`')) {
        Some(inner) if !inner.contains('`') => inner.trim(),
        _ => text,
    };
    let nothing =
        ["", "_No response_", "No response", "N/A", "n/a", "none", "None", "-", "unknown", "null", "undefined"];
    (!nothing.contains(&text)).then(|| text.to_owned())
}

/// Returns a section's text and code as one value.
fn text(section: &Section<'_>) -> String {
    let mut all = String::new();
    for piece in &section.pieces {
        match piece {
            Piece::Text(line) => scan::extend(&mut all, line.trim()),
            Piece::Code(_, lines) => lines.iter().for_each(|line| scan::extend(&mut all, line.trim_end())),
        }
    }
    value_of(&all).unwrap_or_default()
}

/// Reads breadcrumbs as list items, lines, or JSON as error reporters export it; oldest first as written.
fn breadcrumbs(section: &Section<'_>) -> Vec<String> {
    let mut all = Vec::new();
    for piece in &section.pieces {
        match piece {
            Piece::Text(line) => all.extend(crumb(line)),
            Piece::Code(_, lines) => {
                let joined = lines.join("\n");
                match serde_json::from_str::<Vec<serde_json::Value>>(&joined) {
                    Ok(values) => all.extend(values.iter().filter_map(json_crumb)),
                    Err(_) => all.extend(lines.iter().filter_map(|line| crumb(line))),
                }
            }
        }
    }
    // The last ones lie nearest to the failure.
    let from = all.len().saturating_sub(100);
    all.split_off(from)
}

fn crumb(line: &str) -> Option<String> {
    let text = line.trim();
    let digits = text.bytes().take(4).take_while(u8::is_ascii_digit).count();
    let text = match text[digits..].strip_prefix(". ").filter(|_| digits > 0) {
        Some(rest) => rest,
        None => text.strip_prefix("- ").or_else(|| text.strip_prefix("* ")).unwrap_or(text),
    };
    value_of(text).map(|value| cut(&value, MAX_VALUE))
}

fn json_crumb(value: &serde_json::Value) -> Option<String> {
    if let Some(text) = value.as_str() {
        return crumb(text);
    }
    let part = |name: &str| value.get(name).and_then(serde_json::Value::as_str).unwrap_or("");
    let text = match (part("category"), part("message")) {
        ("", message) => message.to_owned(),
        (category, "") => category.to_owned(),
        (category, message) => format!("{category}: {message}"),
    };
    crumb(&text)
}

/// Cuts a value at a character.
pub(super) fn cut(text: &str, most: usize) -> String {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

/// Reads `src/a.js:12:5`, `total (src/a.js:12)`, `src/a.js, line 12`, `src/a.js#L12`, `src/a.js:12 in total`.
pub(super) fn location(value: &str) -> Option<Frame> {
    let value = value.lines().next()?.trim();
    let clean = |word: &str| {
        word.trim_matches(|c: char| matches!(c, '`' | '(' | ')' | '[' | ']' | ',' | ';' | '"' | '\'')).to_owned()
    };
    let words: Vec<String> = value.split_whitespace().take(40).map(clean).collect();
    let mut frame = Frame::default();
    for (at, word) in words.iter().enumerate() {
        let (path, line, column) = match word.split_once("#L") {
            Some((path, line)) => (path, scan::number(line.split('-').next().unwrap_or(line)), None),
            None => {
                if let Some((path, line, column)) = scan::position(word) {
                    (path, Some(line), column)
                } else {
                    let next = words.get(at + 1).is_some_and(|w| w.eq_ignore_ascii_case("line"));
                    (
                        word.as_str(),
                        words.get(at + 2).filter(|_| next).and_then(|n| scan::number(n.trim_end_matches('.'))),
                        None,
                    )
                }
            }
        };
        let is_file = path.rsplit(['/', '\\']).next().is_some_and(|name| {
            name.rsplit_once('.').is_some_and(|(stem, end)| {
                !stem.is_empty() && (1..=6).contains(&end.len()) && end.chars().all(char::is_alphanumeric)
            })
        });
        if !is_file {
            continue;
        }
        frame.path = Some(path.to_owned());
        frame.line = line;
        frame.column = column;
        let function = match words.iter().position(|w| w == "in") {
            Some(found) if found > at => words.get(found + 1),
            _ if at > 0 && value.contains('(') => words.get(at - 1),
            _ => None,
        };
        frame.function = function
            .map(|name| scan::cut_arguments(name).trim_end_matches("()").trim_end_matches('(').to_owned())
            .filter(|name| scan::is_name(name));
        return Some(frame);
    }
    None
}
