//! `file:line:column` and its kin, as tools write them before a message. Layer 1.

use crate::intake::scan;

/// A place and what stands behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place<'a> {
    pub(super) file: &'a str,
    pub(super) line: u32,
    pub(super) column: Option<u32>,
    pub(super) rest: &'a str,
}

/// Reads `file:line:column: rest` or `file:line: rest`; a drive's colon belongs to the file.
pub(super) fn colons(text: &str) -> Option<Place<'_>> {
    let skip = usize::from(text.as_bytes().get(1) == Some(&b':')) * 2;
    let at = skip + text.get(skip..)?.find(':')?;
    let file = &text[..at];
    let (line, rest) = number(&text[at + 1..])?;
    let rest = rest.strip_prefix(':')?;
    let (column, rest) = match number(rest) {
        Some((column, after)) if after.is_empty() || after.starts_with([':', ' ']) => (Some(column), after),
        _ => (None, rest),
    };
    let rest = rest.strip_prefix(':').unwrap_or(rest).trim();
    is_file(file).then_some(Place { file, line, column, rest })
}

/// Reads `file(line,column): rest` or `file(line): rest`.
pub(super) fn brackets(text: &str) -> Option<Place<'_>> {
    let open = text.find('(')?;
    let file = &text[..open];
    let (inner, rest) = text[open + 1..].split_once(')')?;
    let (line, column) = match inner.split_once(',') {
        Some((line, column)) => (scan::number(line.trim())?, Some(scan::number(column.trim())?)),
        None => (scan::number(inner)?, None),
    };
    let rest = rest.strip_prefix(':')?.trim();
    is_file(file).then_some(Place { file, line, column, rest })
}

/// Reads `file:[line,column] rest`, as maven's compilers write it.
pub(super) fn square(text: &str) -> Option<Place<'_>> {
    let open = text.find(":[")?;
    let file = &text[..open];
    let (inner, rest) = text[open + 2..].split_once(']')?;
    let (line, column) = inner.split_once(',')?;
    let (line, column) = (scan::number(line.trim())?, scan::number(column.trim())?);
    is_file(file).then_some(Place { file, line, column: Some(column), rest: rest.trim() })
}

/// Returns whether the text can be a file's name: an extension, and nothing that a sentence has.
pub(super) fn is_file(text: &str) -> bool {
    let name = text.rsplit(['/', '\\']).next().unwrap_or(text);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    text.len() <= 500
        && (1..=8).contains(&extension.len())
        && extension.bytes().all(|b| b.is_ascii_alphanumeric())
        && !text.contains("://")
        && !text.contains(['"', '\'', '`', '<', '>', '|', '*', '?', '\t'])
        && !text.contains(": ")
        && !text.starts_with(' ')
}

/// Returns whether the file has one of the extensions.
pub(super) fn has_extension(file: &str, extensions: &[&str]) -> bool {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    name.rsplit_once('.').is_some_and(|(_, extension)| extensions.contains(&extension))
}

/// Reads a number and returns what stands behind it.
pub(super) fn number(text: &str) -> Option<(u32, &str)> {
    let digits = text.bytes().take(10).take_while(u8::is_ascii_digit).count();
    Some((scan::number(text.get(..digits)?)?, &text[digits..]))
}

/// Splits `message [code]` at the last bracket.
pub(super) fn code_behind(text: &str) -> (&str, Option<&str>) {
    let split = text.strip_suffix(']').and_then(|inner| inner.rsplit_once('['));
    match split {
        Some((message, code)) if !code.is_empty() && !code.contains(' ') && !message.trim().is_empty() => {
            (message.trim_end(), Some(code))
        }
        _ => (text, None),
    }
}
