//! Numbers of people in free text: payment cards, social security numbers, telephones. Layer 1.
//!
//! Refuses long numbers whose checksum or grouping says that they are something else.

use crate::redact::finding::{Finding, Label, begins_word};

/// A run of digits.
#[derive(Debug, Clone, Copy)]
struct Group {
    start: usize,
    end: usize,
}

impl Group {
    const fn len(self) -> usize {
        self.end - self.start
    }
}

/// Finds cards, social security numbers and telephones.
pub(crate) fn find(text: &str, found: &mut Vec<Finding>) {
    let groups = groups(text);
    let mut next = 0;
    while next < groups.len() {
        let hit = card(text, &groups[next..])
            .map(|(count, end)| (count, Finding::new("card", Label::Card, groups[next].start, end)))
            .or_else(|| social_security(text, &groups[next..]).map(|finding| (3, finding)))
            .or_else(|| telephone(text, &groups[next..]));
        match hit {
            Some((count, finding)) => {
                found.push(finding);
                next += count;
            }
            None => next += 1,
        }
    }
}

fn groups(text: &str) -> Vec<Group> {
    let bytes = text.as_bytes();
    let mut all = Vec::new();
    let mut at = 0;
    while let Some(start) = bytes[at..].iter().position(u8::is_ascii_digit).map(|n| at + n) {
        let end = start + bytes[start..].iter().take_while(|b| b.is_ascii_digit()).count();
        all.push(Group { start, end });
        at = end;
    }
    all
}

fn ends_number(text: &str, at: usize) -> bool {
    let mut rest = text[at..].chars();
    match rest.next() {
        None => true,
        Some('-' | '.' | ':' | '+') => rest.next().is_none_or(|c| !c.is_ascii_digit()),
        Some(c) => !(c.is_alphanumeric() || c == '_'),
    }
}

fn begins_number(text: &str, at: usize) -> bool {
    begins_word(text, at) && !text[..at].ends_with(['-', '.', '+', ',', '$'])
}

/// Returns how many groups make a card number, and where it ends.
fn card(text: &str, groups: &[Group]) -> Option<(usize, usize)> {
    let first = groups.first()?;
    let before = &text[..first.start];
    if !begins_word(text, first.start) && !before.ends_with('_') || before.ends_with(['.', '+']) {
        return None;
    }
    let mut digits = Vec::with_capacity(19);
    let mut best = None;
    for (i, group) in groups.iter().enumerate().take(8) {
        if i > 0 {
            let between = &text[groups[i - 1].end..group.start];
            let broken = between.contains('\n');
            if !(matches!(between, " " | "-" | "\u{a0}") || broken && is_log_prefix(between)) {
                break;
            }
            // A number is set in groups of three to six, unless a line's end cut it anywhere.
            if !broken && !(3..=7).contains(&group.len()) || i == 1 && !broken && !(3..=7).contains(&first.len()) {
                break;
            }
        }
        if digits.len() + group.len() > 19 {
            break;
        }
        digits.extend(text.as_bytes()[group.start..group.end].iter().map(|b| b - b'0'));
        if digits.len() >= 13 && ends_number(text, group.end) && is_card(&digits) {
            best = Some((i + 1, group.end));
        }
    }
    best
}

/// Returns whether only a line's end and the beginning of a log line lie between two halves of a number.
fn is_log_prefix(between: &str) -> bool {
    between.len() <= 64 && {
        let rest = between.trim_start_matches([' ', '-', '\r']);
        rest.starts_with('\n') && rest.matches('\n').count() == 1 && rest.ends_with(['\n', ' ', '|', '>', '\t', ']'])
    }
}

fn is_card(digits: &[u8]) -> bool {
    let head = digits[..4].iter().fold(0_u32, |n, d| n * 10 + u32::from(*d));
    let length = digits.len();
    let issued = match head {
        4000..=4999 => matches!(length, 13 | 16 | 18 | 19),
        5100..=5599 | 2221..=2720 => length == 16,
        3400..=3499 | 3700..=3799 => length == 15,
        3000..=3059 | 3095 | 3600..=3699 | 3800..=3999 => (14..=19).contains(&length),
        3528..=3589 => (16..=19).contains(&length),
        5000..=5099 | 5600..=6999 => (13..=19).contains(&length),
        _ => false,
    };
    issued && luhn(digits)
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, d)| {
            let d = u32::from(*d);
            if i.is_multiple_of(2) {
                d
            } else if d > 4 {
                2 * d - 9
            } else {
                2 * d
            }
        })
        .sum();
    sum.is_multiple_of(10) && digits.iter().any(|d| *d != digits[0])
}

fn social_security(text: &str, groups: &[Group]) -> Option<Finding> {
    let [area, group, serial, ..] = groups else { return None };
    let joined = |a: &Group, b: &Group| &text[a.end..b.start] == "-";
    let value = |g: &Group| &text[g.start..g.end];
    let shaped = (area.len(), group.len(), serial.len()) == (3, 2, 4) && joined(area, group) && joined(group, serial);
    let issued = shaped
        && !matches!(value(area), "000" | "666")
        && !value(area).starts_with('9')
        && value(group) != "00"
        && value(serial) != "0000";
    (issued && begins_number(text, area.start) && ends_number(text, serial.end))
        .then(|| Finding::new("ssn", Label::Ssn, area.start, serial.end))
}

/// Returns how many groups make a telephone number, in the international or the North American shape.
fn telephone(text: &str, groups: &[Group]) -> Option<(usize, Finding)> {
    let first = groups.first()?;
    let between = |i: usize| &text[groups[i - 1].end..groups[i].start];
    let before = &text[..first.start];
    if before.ends_with('+') && !text[first.start..].starts_with('0') {
        let plus = first.start - 1;
        if !begins_word(text, plus) {
            return None;
        }
        let mut digits = 0;
        let mut best = None;
        for (i, group) in groups.iter().enumerate().take(7) {
            if i > 0 && !matches!(between(i), " " | "-" | "." | " (" | ") " | ")" | "(" | "-(" | ")-") {
                break;
            }
            digits += group.len();
            if digits > 15 {
                break;
            }
            let separated = i > 0 && digits >= 8 && groups[..=i].iter().all(|g| g.len() <= 8);
            if (separated || i == 0 && digits >= 10) && ends_number(text, group.end) {
                best = Some((i + 1, group.end));
            }
        }
        return best.map(|(count, end)| (count, Finding::new("phone", Label::Phone, plus, end)));
    }
    let [area, exchange, line, ..] = groups else { return None };
    let shaped = (area.len(), exchange.len(), line.len()) == (3, 3, 4)
        && matches!(between(1), "-" | "." | ") " | ")" | ") -" | " ")
        && matches!(between(2), "-" | "." | " ")
        // Spaces alone are a column of figures.
        && (between(1), between(2)) != (" ", " ");
    let possible = |g: &Group| matches!(text.as_bytes()[g.start], b'2'..=b'9');
    let start = if before.ends_with('(') { area.start - 1 } else { area.start };
    let fits = shaped
        && possible(area)
        && possible(exchange)
        && (between(1).contains(')') == before.ends_with('('))
        && begins_number(text, start)
        && ends_number(text, line.end);
    fits.then(|| (3, Finding::new("phone", Label::Phone, start, line.end)))
}
