//! Takes terminal sequences and control characters out of text, and makes invisible characters visible. Layer 1.
//!
//! Refuses to interpret anything: no cursor moves, no colours; what a terminal would have hidden is removed or shown.

use std::fmt::Write as _;

/// Returns text without terminal sequences and control characters; what would be invisible is written as `\u{202E}`.
///
/// Line ends become `\n`; tabs stay. The result is stable under a second call (V-31, V-32, V-35, V-46).
pub fn strip_controls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut strings = Terminators::new(text);
    let mut previous = None;
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let next = at + c.len_utf8();
        at = match c {
            '\u{1b}' => escape(text, next, &mut strings),
            '\u{9b}' => control_sequence(text, next),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => strings.end_of_string(next),
            '\r' => {
                // `\r\n` is one line end, and so is a lone `\r` that would have painted over the line.
                if !text[next..].starts_with('\n') {
                    out.push('\n');
                }
                next
            }
            '\u{2028}' | '\u{2029}' | '\u{85}' => {
                out.push('\n');
                next
            }
            '\n' | '\t' => {
                out.push(c);
                next
            }
            c if c.is_control() => next,
            c if is_invisible(c) && !is_joined(previous, c, text[next..].chars().next()) => {
                let _ = write!(out, "\\u{{{:X}}}", u32::from(c));
                next
            }
            c => {
                out.push(c);
                next
            }
        };
        previous = Some(c);
    }
    out
}

/// Returns the byte offsets of invisible and bidirectional characters that no emoji needs.
pub fn invisible(text: &str) -> impl Iterator<Item = (usize, char)> + '_ {
    let mut previous = None;
    text.char_indices().filter(move |&(at, c)| {
        let before = previous.replace(c);
        is_invisible(c) && !is_joined(before, c, text[at + c.len_utf8()..].chars().next())
    })
}

/// Returns whether a character shows nothing, or changes the direction of what follows.
pub(crate) const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Returns whether a joiner or a presentation selector belongs to the emoji that it stands in.
fn is_joined(previous: Option<char>, c: char, next: Option<char>) -> bool {
    let pictured = |c: char| {
        matches!(c, '\u{a9}' | '\u{ae}' | '\u{203c}'..='\u{3299}' | '\u{1f000}'..='\u{1faff}') && !is_invisible(c)
    };
    match c {
        '\u{fe0e}' | '\u{fe0f}' => previous.is_some_and(|p| pictured(p) || matches!(p, '0'..='9' | '#' | '*')),
        '\u{200d}' => previous.is_some_and(|p| pictured(p) || p == '\u{fe0f}') && next.is_some_and(pictured),
        _ => false,
    }
}

/// Returns where an escape sequence ends whose ESC lies just before `at`.
fn escape(text: &str, at: usize, strings: &mut Terminators<'_>) -> usize {
    let bytes = text.as_bytes();
    match bytes.get(at) {
        Some(b'[') => control_sequence(text, at + 1),
        Some(b']' | b'P' | b'X' | b'^' | b'_') => strings.end_of_string(at + 1),
        Some(0x20..=0x2f) => {
            let end = at + bytes[at..].iter().take_while(|b| matches!(b, 0x20..=0x2f)).count();
            if matches!(bytes.get(end), Some(0x30..=0x7e)) { end + 1 } else { end }
        }
        Some(0x30..=0x7e) => at + 1,
        _ => at,
    }
}

/// Returns where a control sequence ends whose introducer lies just before `at`.
fn control_sequence(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    let parameters = at + bytes[at..].iter().take_while(|b| matches!(b, 0x30..=0x3f)).count();
    let end = parameters + bytes[parameters..].iter().take_while(|b| matches!(b, 0x20..=0x2f)).count();
    if matches!(bytes.get(end), Some(0x40..=0x7e)) { end + 1 } else { end }
}

/// Finds the ends of control strings, each part of the text once.
struct Terminators<'a> {
    text: &'a str,
    /// The next terminator's start and end at or after the last question, or nothing more to come.
    next: Option<(usize, usize)>,
    searched_from: usize,
}

/// A control string longer than this is no title and no link; its text stays visible.
const LONGEST_STRING: usize = 4096;

impl<'a> Terminators<'a> {
    fn new(text: &'a str) -> Self {
        let mut this = Self { text, next: None, searched_from: 0 };
        this.advance(0);
        this
    }

    fn advance(&mut self, from: usize) {
        self.searched_from = from;
        let mut chars = self.text[from..].char_indices().peekable();
        self.next = None;
        while let Some((at, c)) = chars.next() {
            let found = match c {
                '\u{7}' | '\u{9c}' => Some(at + c.len_utf8()),
                '\u{1b}' if chars.peek().is_some_and(|(_, c)| *c == '\\') => Some(at + 2),
                _ => None,
            };
            if let Some(end) = found {
                self.next = Some((from + at, from + end));
                return;
            }
        }
    }

    fn end_of_string(&mut self, at: usize) -> usize {
        if self.next.is_some_and(|(start, _)| start < at) {
            self.advance(at);
        }
        match self.next {
            Some((start, end)) if start - at <= LONGEST_STRING => end,
            _ => at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v_46_terminal_sequences_of_every_kind_are_gone() {
        let cases = [
            ("\x1b[2Jclear", "clear"),
            ("\x1b[31;1mred\x1b[0m", "red"),
            ("\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x07 end", "link end"),
            ("\x1b]52;c;aGk=\x07after", "after"),
            ("\x1bPq#0\x1b\\x", "x"),
            ("\u{9b}31mred", "red"),
            ("\u{9d}0;title\u{9c}x", "x"),
            ("\x1b(Bx\x1b=y\x1b", "xy"),
            ("a\x08b\x7fc", "abc"),
            ("10%\r20%\r\ndone", "10%\n20%\ndone"),
            ("\x1b]0;never ends", "0;never ends"),
            ("\x1b[12;", ""),
            ("\x1b\x1b[31m[2J", "[2J"),
        ];
        for (input, wanted) in cases {
            assert_eq!(strip_controls(input), wanted, "{input:?}");
        }
    }

    #[test]
    fn v_31_v_32_what_cannot_be_seen_is_shown() {
        assert_eq!(strip_controls("a\u{202e}b\u{2066}c\u{200f}\u{61c}"), "a\\u{202E}b\\u{2066}c\\u{200F}\\u{61C}");
        assert_eq!(
            strip_controls("g\u{200b}it\u{feff}\u{ad}\u{e0041}\u{3164}"),
            "g\\u{200B}it\\u{FEFF}\\u{AD}\\u{E0041}\\u{3164}"
        );
        assert_eq!(
            strip_controls("\u{26a0}\u{fe0f} \u{1f469}\u{200d}\u{1f4bb}"),
            "\u{26a0}\u{fe0f} \u{1f469}\u{200d}\u{1f4bb}"
        );
        assert_eq!(strip_controls("\u{26a0}\u{fe0f}\u{fe0f}"), "\u{26a0}\u{fe0f}\\u{FE0F}");
    }

    #[test]
    fn v_35_controls_and_odd_line_ends_are_normalised() {
        assert_eq!(strip_controls("a\0b\x0bc\x0cd\u{85}e\u{2028}f\tg\n"), "abcd\ne\nf\tg\n");
    }

    #[test]
    fn stripping_twice_changes_nothing_and_takes_linear_time() {
        for text in ["\x1b]", "\x1b[", "\u{9d}\u{202e}", "\x1b]x\x07", "\r"] {
            let long = text.repeat(200_000);
            let once = strip_controls(&long);
            assert_eq!(strip_controls(&once), once);
        }
    }
}
