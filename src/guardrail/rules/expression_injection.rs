//! `expression-injection`: no file gains an expression that a workflow would expand (V-17). Layer 1.
//!
//! Refuses it in any file and in every spelling that a parser of YAML or JSON would undo: templates and scripts end up in
//! workflows, too. What the file had may stay and move; an expression over several lines is one expression.

use std::collections::HashMap;

use crate::guardrail::change::{Change, FileDiff, LineKind};
use crate::guardrail::rule::{Context, Findings, Rule, text};
use crate::model::Reason;

/// So much of an expression tells it from others; the rest of one that nobody closes is the rest of the file.
const LONGEST: usize = 4096;

pub(super) struct ExpressionInjection;

impl Rule for ExpressionInjection {
    fn id(&self) -> Reason {
        Reason::ExpressionInjection
    }

    fn check(&self, change: &Change, _: &Context<'_>, findings: &mut Findings) {
        for file in &change.files {
            let after = side(file, LineKind::Removed);
            let found: Vec<_> = after.iter().flat_map(expressions).collect();
            if found.is_empty() {
                continue;
            }
            let mut known: HashMap<String, usize> = HashMap::new();
            for (_, inside) in side(file, LineKind::Added).iter().flat_map(expressions) {
                *known.entry(inside).or_default() += 1;
            }
            for (line, inside) in found {
                match known.get_mut(&inside).filter(|count| **count > 0) {
                    Some(count) => *count -= 1,
                    None => findings.new_line(
                        file,
                        line,
                        "The change adds an expression of the form ${{ … }}, which a workflow would expand with its secrets at hand.",
                    ),
                }
            }
        }
    }
}

/// Neighbouring lines of one side, with the number of the first.
struct Part {
    first: u32,
    text: String,
}

/// Returns one side of a file: the whole where it is known, else what the hunks show of it.
fn side(file: &FileDiff, without: LineKind) -> Vec<Part> {
    if let Some(whole) = &file.whole {
        let bytes = if without == LineKind::Removed { &whole.after } else { &whole.before };
        let bytes = bytes.as_deref().unwrap_or_default();
        return vec![Part { first: 1, text: text(bytes).into_owned() }];
    }
    let hunks = file.hunks.iter().map(|hunk| {
        let mut part = String::new();
        for line in hunk.lines.iter().filter(|line| line.kind != without) {
            part.push_str(&text(&line.text));
            part.push('\n');
        }
        let start = if without == LineKind::Removed { hunk.new_start } else { hunk.old_start };
        Part { first: u32::try_from(start).unwrap_or(u32::MAX), text: part }
    });
    hunks.collect()
}

/// Returns the line and the inside of each expression, white space aside; one that nothing closes counts to the end.
fn expressions(part: &Part) -> Vec<(u32, String)> {
    // Most texts have not even a dollar, in any spelling.
    let dollar = |b: &u8| matches!(b, b'$' | b'\\');
    if !part.text.bytes().any(|b| dollar(&b)) {
        return Vec::new();
    }
    let (plain, lines) = undone(&part.text);
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = plain[at..].find("${{") {
        let from = at + next + 3;
        let near = &plain[from..plain.floor_char_boundary(from + LONGEST)];
        let end = [near.find("}}"), near.find("${{")].into_iter().flatten().min().unwrap_or(near.len());
        let line = lines.partition_point(|start| *start < from) - 1;
        let line = part.first.saturating_add(u32::try_from(line).unwrap_or(u32::MAX));
        found.push((line, near[..end].split_whitespace().collect()));
        at = from + end;
    }
    found
}

/// Undoes the escapes that could hide the three signs, and lines that a backslash continues; says where lines begin.
fn undone(text: &str) -> (String, Vec<usize>) {
    let mut plain = String::with_capacity(text.len());
    let mut lines = vec![0];
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        at += match c {
            '\n' => {
                plain.push(c);
                lines.push(plain.len());
                1
            }
            '\\' => match escape(rest) {
                Some((sign, length)) => {
                    plain.push(sign);
                    length
                }
                None if rest[1..].starts_with('\n') || rest[1..].starts_with("\r\n") => {
                    let next = rest[1..].trim_start_matches('\r').strip_prefix('\n').unwrap_or_default();
                    lines.push(plain.len());
                    rest.len() - next.trim_start_matches([' ', '\t']).len()
                }
                None => {
                    plain.push(c);
                    1
                }
            },
            c => {
                plain.push(c);
                c.len_utf8()
            }
        };
    }
    (plain, lines)
}

/// Reads `\x24`, `\u0024`, `\u{24}` and `\U00000024`, where it is one of the signs of an expression.
fn escape(rest: &str) -> Option<(char, usize)> {
    let digits = |from: usize, to: usize| u32::from_str_radix(rest.get(from..to)?, 16).ok();
    let (code, length) = match rest.as_bytes().get(1)? {
        b'x' => (digits(2, 4)?, 4),
        b'u' if rest.as_bytes().get(2) == Some(&b'{') => {
            let end = rest.bytes().take(12).position(|b| b == b'}')?;
            (digits(3, end)?, end + 1)
        }
        b'u' => (digits(2, 6)?, 6),
        b'U' => (digits(2, 10)?, 10),
        _ => return None,
    };
    char::from_u32(code).filter(|c| matches!(c, '$' | '{' | '}')).map(|c| (c, length))
}
