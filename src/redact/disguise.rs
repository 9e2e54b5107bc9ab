//! Secrets that somebody hid from a search: encoded, cut in pieces, spelled backwards (V-18). Layer 1.
//!
//! Refuses to guess: what is undone must show a token's own shape, or a part of a value that the program holds. Every
//! look is linear in the text; nothing is decoded twice over.

use std::borrow::Cow;

use crate::redact::finding::Finding;
use crate::redact::known::{Known, is_glue};
use crate::redact::view::View;
use crate::redact::{Redactor, token};

/// A longer text is looked at up to here; no change so large is let through by its size.
const LONGEST: usize = 8 << 20;
/// Shorter runs of base64 decode to less than a part that counts.
const SHORTEST_BASE64: usize = 16;
/// The same for hexadecimal digits.
const SHORTEST_HEX: usize = 24;
/// How much may lie between two strings that are written side by side.
const WIDEST_GLUE: usize = 64;

/// A place of the text that hides a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Disguise {
    /// Where it begins, in bytes.
    pub start: usize,
    /// Where it ends, exclusive.
    pub end: usize,
    /// The rule's id.
    pub rule: &'static str,
}

/// Returns every place that hides a token or a part of a known value, in order; and whether the whole text was looked at.
pub fn disguised(text: &str, known: Option<&Redactor>) -> (Vec<Disguise>, bool) {
    let whole = text.len() <= LONGEST;
    let text = &text[..text.floor_char_boundary(LONGEST)];
    let known = known.map(|redactor| &redactor.known);
    let plain = Look { text: Cow::Borrowed(text), origins: None };
    let unescaped = Look::unescaped(text);
    let base = unescaped.as_ref().unwrap_or(&plain);
    let joined = base.joined();
    let mut found = Vec::new();
    // As it stands it is the common search's business; only parts of known values are not.
    plain.parts(known, &mut found);
    for look in [unescaped.as_ref(), joined.as_ref()].into_iter().flatten() {
        look.tokens(&mut found);
        look.parts(known, &mut found);
    }
    for look in [Some(&plain), joined.as_ref()].into_iter().flatten() {
        look.backwards(known, &mut found);
        for decoded in look.base64_decoded().into_iter().chain(look.hex_decoded()) {
            decoded.tokens(&mut found);
            decoded.parts(known, &mut found);
        }
    }
    if known.is_some() {
        base.squeezed().parts(known, &mut found);
    }
    found.sort_unstable();
    found.dedup();
    (found, whole)
}

/// A text made of another; every byte knows which bytes of the first it came from.
#[derive(Debug, Default)]
struct Look<'a> {
    text: Cow<'a, str>,
    /// `None` where it is the first text itself.
    origins: Option<Vec<(u32, u32)>>,
}

impl Look<'_> {
    /// Undoes escapes; `None` where there are none.
    fn unescaped(text: &str) -> Option<Look<'static>> {
        View::of(text).map(|view| {
            let (text, origins) = view.into_parts();
            Look { text: Cow::Owned(text), origins: Some(origins) }
        })
    }

    /// Puts strings together that are written side by side, as compilers and readers do; `None` where there are none.
    fn joined(&self) -> Option<Look<'static>> {
        let mut look = Look::default();
        let mut done = 0;
        for (at, b) in self.text.bytes().enumerate() {
            let gap = match b {
                _ if at < done => 0,
                b'"' | b'\'' | b'`' => between_strings(&self.text[at..]),
                b'\\' => continued_line(&self.text[at..]),
                _ => 0,
            };
            if gap > 0 {
                look.copy(self, done..at);
                done = at + gap;
            }
        }
        if done == 0 {
            return None;
        }
        look.copy(self, done..self.text.len());
        Some(look)
    }

    /// Leaves out all that could stand between the letters of a value.
    fn squeezed(&self) -> Look<'static> {
        let mut look = Look::default();
        for (at, c) in self.text.char_indices().filter(|(_, c)| !is_glue(*c)) {
            look.push(c, self.origin(at));
        }
        look
    }

    /// Looks for what is spelled backwards.
    fn backwards(&self, known: Option<&Known>, found: &mut Vec<Disguise>) {
        let text: String = self.text.chars().rev().collect();
        let length = text.len();
        let turned = Look { text: Cow::Owned(text), origins: None };
        let mut seen = Vec::new();
        turned.tokens(&mut seen);
        turned.parts(known, &mut seen);
        found.extend(seen.into_iter().filter_map(|one| self.told(one.rule, length - one.end, length - one.start)));
    }

    /// Decodes runs of base64 at each alignment that a glued prefix could cause.
    fn base64_decoded(&self) -> Vec<Look<'static>> {
        let digit = |b: u8| match b {
            b'A'..=b'Z' => Some(b - b'A'),
            b'a'..=b'z' => Some(b - b'a' + 26),
            b'0'..=b'9' => Some(b - b'0' + 52),
            b'+' | b'-' => Some(62),
            b'/' | b'_' => Some(63),
            _ => None,
        };
        self.decoded(SHORTEST_BASE64, 6, 4, &digit)
    }

    fn hex_decoded(&self) -> Vec<Look<'static>> {
        let digit = |b: u8| char::from(b).to_digit(16).and_then(|value| u8::try_from(value).ok());
        self.decoded(SHORTEST_HEX, 4, 2, &digit)
    }

    /// Decodes every long enough run of digits of `bits` each, once for each number of digits left out at its beginning.
    fn decoded(
        &self,
        shortest: usize,
        bits: u32,
        group: usize,
        digit: &dyn Fn(u8) -> Option<u8>,
    ) -> Vec<Look<'static>> {
        let bytes = self.text.as_bytes();
        let mut looks: Vec<Look<'static>> = (0..group).map(|_| Look::default()).collect();
        let mut at = 0;
        while at < bytes.len() {
            let run = bytes[at..].iter().take_while(|b| digit(**b).is_some()).count();
            if run >= shortest {
                for (skipped, look) in looks.iter_mut().enumerate() {
                    look.decode(self, at + skipped..at + run, &|n| digit(bytes[n]).unwrap_or(0), bits);
                }
            }
            at += run.max(1);
        }
        looks
    }

    fn decode(&mut self, from: &Look<'_>, run: std::ops::Range<usize>, digit: &dyn Fn(usize) -> u8, bits: u32) {
        let (mut held, mut count, mut first) = (0_u32, 0, run.start);
        for n in run.clone() {
            if count == 0 {
                first = n;
            }
            held = held << bits | u32::from(digit(n));
            count += bits;
            if count >= 8 {
                count -= 8;
                let byte = u8::try_from(held >> count & 0xff).unwrap_or_default();
                held &= (1 << count) - 1;
                // No token has anything else, and every byte stays one byte.
                let c = if byte.is_ascii() { char::from(byte) } else { ' ' };
                self.push(c, (from.origin(first).0, from.origin(n).1));
                first = n;
            }
        }
        self.push('\n', from.origin(run.end - 1));
    }

    fn push(&mut self, c: char, origin: (u32, u32)) {
        self.text.to_mut().push(c);
        self.origins.get_or_insert_default().extend(std::iter::repeat_n(origin, c.len_utf8()));
    }

    fn copy(&mut self, from: &Look<'_>, range: std::ops::Range<usize>) {
        self.text.to_mut().push_str(&from.text[range.clone()]);
        self.origins.get_or_insert_default().extend(range.map(|at| from.origin(at)));
    }

    /// Returns which bytes of the first text a byte of this one came from.
    fn origin(&self, at: usize) -> (u32, u32) {
        self.origins.as_ref().map_or_else(|| (place(at), place(at + 1)), |origins| origins[at])
    }

    fn tokens(&self, found: &mut Vec<Disguise>) {
        let mut seen: Vec<Finding> = Vec::new();
        token::find(&self.text, &mut seen);
        found.extend(seen.iter().filter(|one| one.certain).filter_map(|one| self.told(one.rule, one.start, one.end)));
    }

    fn parts(&self, known: Option<&Known>, found: &mut Vec<Disguise>) {
        let Some(known) = known else { return };
        let parts = known.parts(&self.text);
        found.extend(parts.into_iter().filter_map(|(start, end)| self.told("known-secret", start, end)));
    }

    /// Returns the place in the first text that a place in this one came from, whichever way round.
    fn told(&self, rule: &'static str, start: usize, end: usize) -> Option<Disguise> {
        if end <= start || end > self.text.len() {
            return None;
        }
        let (first, last) = (self.origin(start), self.origin(end - 1));
        Some(Disguise { rule, start: first.0.min(last.0) as usize, end: first.1.max(last.1) as usize })
    }
}

fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Returns how many bytes lie from the end of one string to the inside of the next, or zero where that is none.
fn between_strings(rest: &str) -> usize {
    let mut glued = false;
    let mut letter = false;
    for (at, c) in rest.char_indices().skip(1).take(WIDEST_GLUE) {
        match c {
            '"' | '\'' | '`' => return at + 1,
            _ if letter => return 0,
            c if c.is_whitespace() || matches!(c, ',' | '+' | '.' | '&' | '\\' | '(' | ')' | '[' | ']' | '~') => {
                glued = true;
            }
            // What some languages write before a string of another kind.
            'b' | 'f' | 'r' | 'u' | 'B' | 'F' | 'R' | 'U' if glued => letter = true,
            _ => return 0,
        }
    }
    0
}

/// Returns how many bytes a backslash at a line's end takes with it, the next line's indent included.
fn continued_line(rest: &str) -> usize {
    let after = &rest[1..];
    let Some(next) = after.strip_prefix("\r\n").or_else(|| after.strip_prefix('\n')) else { return 0 };
    rest.len() - next.trim_start_matches([' ', '\t', '+']).len()
}
