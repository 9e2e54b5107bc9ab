//! The same text with its escapes undone, for matching only; every byte knows where it came from. Layer 1.
//!
//! Refuses to be shown: what is redacted is always the original.

use unicode_normalization::UnicodeNormalization as _;

use crate::redact::controls::is_invisible;

/// Text with escapes of JSON, URLs and HTML undone once, compatibility forms folded, sequences and invisibles gone.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) text: String,
    /// For each byte of `text`, where its origin begins and ends.
    origins: Vec<(u32, u32)>,
}

impl View {
    /// Makes the view of a text, or nothing where it would be the text itself.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let special = |b: &u8| !b.is_ascii() || matches!(b, b'%' | b'&' | b'\\' | 0x1b);
        if !text.bytes().any(|b| special(&b)) || u32::try_from(text.len()).is_err() {
            return None;
        }
        let mut view = Self { text: String::with_capacity(text.len()), origins: Vec::with_capacity(text.len()) };
        let mut at = 0;
        while let Some(c) = text[at..].chars().next() {
            let length = match c {
                '%' | '&' | '\\' => view.escape(text, at, c),
                '\u{1b}' => view.sequence(text, at),
                c if c.is_ascii() => {
                    view.push(c, at, 1);
                    1
                }
                c => {
                    let length = c.len_utf8();
                    if !is_invisible(c) {
                        for folded in std::iter::once(c).nfkc() {
                            view.push(folded, at, length);
                        }
                    }
                    length
                }
            };
            at += length;
        }
        Some(view)
    }

    /// Returns the place in the original that a place in the view came from.
    pub(crate) fn origin(&self, start: usize, end: usize) -> Option<(usize, usize)> {
        let (first, last) = (self.origins.get(start)?, self.origins.get(end.checked_sub(1)?)?);
        Some((first.0 as usize, last.1 as usize))
    }

    /// Returns the text and, for each of its bytes, where its origin begins and ends.
    pub(crate) fn into_parts(self) -> (String, Vec<(u32, u32)>) {
        (self.text, self.origins)
    }

    fn push(&mut self, c: char, at: usize, length: usize) {
        let place = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        self.text.push(c);
        self.origins.extend(std::iter::repeat_n((place(at), place(at + length)), c.len_utf8()));
    }

    fn escape(&mut self, text: &str, at: usize, kind: char) -> usize {
        let rest = &text[at..];
        let decoded = match kind {
            '%' => percent(rest),
            '&' => entity(rest),
            _ => backslash(rest),
        };
        let (c, length) = decoded.unwrap_or((kind, 1));
        if !is_invisible(c) {
            self.push(c, at, length);
        }
        length
    }

    /// Leaves out a control sequence; other sequences are rare enough to be matched as they are.
    fn sequence(&mut self, text: &str, at: usize) -> usize {
        let bytes = &text.as_bytes()[at..];
        if bytes.get(1) != Some(&b'[') {
            self.push(' ', at, 1);
            return 1;
        }
        let parameters = bytes[2..].iter().take(64).take_while(|b| matches!(b, 0x20..=0x3f)).count();
        match bytes.get(2 + parameters) {
            Some(0x40..=0x7e) => 3 + parameters,
            _ => 2,
        }
    }
}

fn percent(rest: &str) -> Option<(char, usize)> {
    let byte = u8::from_str_radix(rest.get(1..3)?, 16).ok()?;
    (0x20..0x7f).contains(&byte).then(|| (char::from(byte), 3))
}

fn entity(rest: &str) -> Option<(char, usize)> {
    let end = rest.bytes().take(12).position(|b| b == b';')?;
    let name = &rest[1..end];
    let c = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "commat" => '@',
        "period" => '.',
        "colon" => ':',
        "nbsp" => ' ',
        _ => {
            let digits = name.strip_prefix('#')?;
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => digits.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some((c, end + 1))
}

fn backslash(rest: &str) -> Option<(char, usize)> {
    let hex = |from: usize, to: usize| char::from_u32(u32::from_str_radix(rest.get(from..to)?, 16).ok()?);
    Some(match rest.as_bytes().get(1)? {
        b'n' | b'r' => ('\n', 2),
        b't' => ('\t', 2),
        b'"' => ('"', 2),
        b'\'' => ('\'', 2),
        b'/' => ('/', 2),
        b'\\' => ('\\', 2),
        b'x' => (hex(2, 4)?, 4),
        b'u' if rest.as_bytes().get(2) == Some(&b'{') => {
            let end = rest.bytes().take(12).position(|b| b == b'}')?;
            (hex(3, end)?, end + 1)
        }
        b'u' => (hex(2, 6)?, 6),
        _ => return None,
    })
}
