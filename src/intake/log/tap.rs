//! The Test Anything Protocol: its lines, and programs that print it without more. Layer 1.

use crate::intake::clean::Line;
use crate::intake::log::found::{Found, digits};
use crate::intake::log::node;
use crate::model::TestOutcome;

/// One `ok` or `not ok` line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point<'a> {
    pub(super) number: Option<u64>,
    pub(super) name: &'a str,
    pub(super) outcome: TestOutcome,
}

pub(super) fn read(lines: &[Line<'_>]) -> Option<Found> {
    if node::is_tap(lines) {
        return None;
    }
    let mut found = Found::default();
    let mut recognised = false;
    let mut points = 0_u64;
    for line in lines.iter().filter(|line| line.indent == 0) {
        if line.text.starts_with("TAP version ") || plan(line.text).is_some() {
            recognised = true;
        }
        let Some(point) = point(line.text) else { continue };
        // Lines that begin with `ok` are numbered from one, or a plan stands before or after them.
        recognised |= point.number == Some(1) && points == 0;
        points += 1;
        let unnamed;
        let name = if point.name.is_empty() {
            unnamed = point.number.map_or_else(String::new, |number| number.to_string());
            &unnamed
        } else {
            point.name
        };
        found.add(&unescape(name), point.outcome);
    }
    (recognised && points > 0).then_some(found)
}

/// `1..4`.
fn plan(text: &str) -> Option<u64> {
    digits(text.strip_prefix("1..")?.split(' ').next()?)
}

/// Reads `ok 1 - name # SKIP reason`.
pub(super) fn point(text: &str) -> Option<Point<'_>> {
    let (passed, rest) = match text.strip_prefix("not ok") {
        Some(rest) => (false, rest),
        None => (true, text.strip_prefix("ok")?),
    };
    if !rest.is_empty() && !rest.starts_with(' ') {
        return None;
    }
    let rest = rest.trim_start();
    let (first, after) = rest.split_once(' ').unwrap_or((rest, ""));
    // `ok then` is prose, and so is a line without a number.
    let number = Some(digits(first)?);
    let rest = after.trim_start();
    let rest = rest.strip_prefix("- ").unwrap_or(rest);
    let (name, directive) = match rest.rfind("# ") {
        Some(at) if at == 0 || rest[..at].ends_with(' ') => (rest[..at].trim_end(), &rest[at + 2..]),
        _ => (rest, ""),
    };
    let is = |word: &str| directive.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    let (name, outcome) = if is("skip") || is("todo") {
        (name, TestOutcome::Skipped)
    } else {
        (if is("time=") { name } else { rest }, if passed { TestOutcome::Passed } else { TestOutcome::Failed })
    };
    Some(Point { number, name, outcome })
}

/// Takes the backslashes off `\#` and `\\`.
pub(super) fn unescape(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\\' && matches!(chars.peek(), Some('#' | '\\')) {
            out.extend(chars.next());
        } else {
            out.push(c);
        }
    }
    out
}
