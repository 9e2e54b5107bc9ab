//! The end of a log, whatever its size: what failed stands there.
//!
//! It reads bytes in pieces of any size, keeps the last of them on a line boundary, cuts lines that are too long and
//! reads UTF-16 where a byte-order mark or the bytes themselves say so. Refuses to keep more than a bounded amount, and
//! says from which line on it kept. Linear in what it reads. Layer 1.

use memchr::{memchr, memchr2};

use crate::intake::clean::MAX_LINE;

/// What is kept at least of a longer log, in bytes; up to twice that lies in memory.
const KEEP: usize = 12 << 20;

/// How much is looked at before the encoding and the ends of lines are told.
const FIRST: usize = 16 << 10;

/// How the log's bytes are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    /// Too few bytes were seen.
    Unknown,
    Utf8,
    Utf16 {
        big: bool,
    },
}

/// Collects the end of a log.
#[derive(Debug)]
pub struct Tail {
    encoding: Encoding,
    /// Bytes that are no whole unit yet: the first ones, or half of a UTF-16 unit.
    pending: Vec<u8>,
    /// The first half of a surrogate pair.
    high: Option<u16>,
    kept: Vec<u8>,
    /// Where the line that is being read begins in `kept`.
    line: usize,
    /// The line is too long, and a carriage return ended what was read of it.
    returned: bool,
    /// Lines end with a carriage return alone, as a log without its line feeds has them.
    classic: bool,
    dropped: usize,
    keep: usize,
}

/// A log as far as it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogText {
    /// The text; what could not be read is replaced.
    pub text: String,
    /// Lines of the log that stood before it.
    pub dropped: usize,
}

impl Default for Tail {
    fn default() -> Self {
        Self::keeping(KEEP)
    }
}

impl Tail {
    /// Collects at least the given number of bytes, if there are as many.
    fn keeping(keep: usize) -> Self {
        Self {
            encoding: Encoding::Unknown,
            pending: Vec::new(),
            high: None,
            kept: Vec::new(),
            line: 0,
            returned: false,
            classic: false,
            dropped: 0,
            keep,
        }
    }

    /// Reads the next bytes of the log.
    pub fn push(&mut self, bytes: &[u8]) {
        match self.encoding {
            Encoding::Utf8 => self.plain(bytes),
            Encoding::Utf16 { big } => self.wide(bytes, big),
            Encoding::Unknown => {
                self.pending.extend_from_slice(bytes);
                if self.pending.len() >= FIRST {
                    self.decide();
                }
            }
        }
    }

    /// Ends the log.
    pub fn finish(mut self) -> LogText {
        if self.encoding == Encoding::Unknown {
            self.decide();
        }
        if self.high.is_some() || !self.pending.is_empty() {
            self.plain("\u{fffd}".as_bytes());
        }
        if self.kept.len() > self.keep {
            self.drop_front();
        }
        LogText { text: String::from_utf8_lossy(&self.kept).into_owned(), dropped: self.dropped }
    }

    /// Tells the encoding from the first bytes: a mark, or every other byte of them empty.
    fn decide(&mut self) {
        let first = std::mem::take(&mut self.pending);
        let empty = |from: usize| first.iter().skip(from).step_by(2).take(32).all(|b| *b == 0);
        let (encoding, skip) = match first.as_slice() {
            [0xff, 0xfe, ..] => (Encoding::Utf16 { big: false }, 2),
            [0xfe, 0xff, ..] => (Encoding::Utf16 { big: true }, 2),
            [0xef, 0xbb, 0xbf, ..] => (Encoding::Utf8, 3),
            [a, b, c, d, ..] if empty(1) && *a != 0 && *c != 0 && *b == 0 && *d == 0 => {
                (Encoding::Utf16 { big: false }, 0)
            }
            [a, b, ..] if first.len() >= 4 && empty(0) && *b != 0 && *a == 0 => (Encoding::Utf16 { big: true }, 0),
            _ => (Encoding::Utf8, 0),
        };
        self.encoding = encoding;
        self.classic = !first.contains(&b'\n') && memchr::memchr_iter(b'\r', &first).nth(1).is_some();
        self.push(&first[skip..]);
    }

    fn wide(&mut self, bytes: &[u8], big: bool) {
        let mut text = String::new();
        let mut bytes = bytes.iter().copied();
        while let Some(byte) = bytes.next() {
            let (first, second) = if let Some(first) = self.pending.pop() {
                (first, byte)
            } else if let Some(second) = bytes.next() {
                (byte, second)
            } else {
                self.pending.push(byte);
                break;
            };
            let unit = if big { u16::from_be_bytes([first, second]) } else { u16::from_le_bytes([first, second]) };
            let units = self.high.take().into_iter().chain([unit]);
            if (0xd800..0xdc00).contains(&unit) {
                text.extend(units.take_while(|u| *u != unit).map(|_| '\u{fffd}'));
                self.high = Some(unit);
            } else {
                text.extend(char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')));
            }
        }
        self.plain(text.as_bytes());
    }

    fn plain(&mut self, mut bytes: &[u8]) {
        let classic = self.classic;
        let ends = move |bytes: &[u8]| if classic { memchr2(b'\n', b'\r', bytes) } else { memchr(b'\n', bytes) };
        while let Some(end) = ends(bytes) {
            self.part(&bytes[..end]);
            self.kept.push(b'\n');
            self.line = self.kept.len();
            bytes = &bytes[end + 1..];
            if self.kept.len() > self.keep * 2 {
                self.drop_front();
            }
        }
        self.part(bytes);
    }

    /// Adds a part of a line, as far as the line is not too long.
    fn part(&mut self, mut bytes: &[u8]) {
        if std::mem::take(&mut self.returned) && !bytes.is_empty() {
            self.kept.truncate(self.line);
        }
        loop {
            let room = MAX_LINE.saturating_sub(self.kept.len() - self.line);
            if bytes.len() <= room {
                self.kept.extend_from_slice(bytes);
                return;
            }
            self.kept.extend_from_slice(&bytes[..room]);
            // What writes over itself is one short line, however often it does.
            let Some(at) = memchr(b'\r', &bytes[room..]) else { return };
            bytes = &bytes[room + at + 1..];
            // A return before the line feed writes over nothing.
            if bytes.is_empty() {
                self.returned = true;
                return;
            }
            self.kept.truncate(self.line);
        }
    }

    /// Drops whole lines, so that as much is left as is to be kept.
    fn drop_front(&mut self) {
        let from = self.kept.len() - self.keep;
        let Some(at) = memchr(b'\n', &self.kept[from..]) else { return };
        let from = from + at + 1;
        self.dropped += memchr::memchr_iter(b'\n', &self.kept[..from]).count();
        self.kept.drain(..from);
        self.line = self.line.saturating_sub(from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&[u8]], keep: usize) -> LogText {
        let mut tail = Tail::keeping(keep);
        for piece in pieces {
            tail.push(piece);
        }
        tail.finish()
    }

    #[test]
    fn of_a_long_log_the_last_whole_lines_are_kept_and_counted() {
        let log: String = (0..1000).map(|n| format!("line {n}\n")).collect();
        for size in [1, 7, 4096] {
            let pieces: Vec<&[u8]> = log.as_bytes().chunks(size).collect();
            let found = read(&pieces, 100);
            assert!(found.text.len() <= 100 && found.text.ends_with("line 999\n"), "{size}");
            assert!(found.text.starts_with(&format!("line {}\n", found.dropped)), "{size}");
        }
    }

    #[test]
    fn v_36_utf16_is_read_with_and_without_its_mark_in_pieces_of_any_size() {
        let text = "error: 😀 caf\u{e9}\n".repeat(8);
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let plain: Vec<u8> = "plain words here\n".repeat(8).encode_utf16().flat_map(u16::to_le_bytes).collect();
        for size in [1, 2, 3, 64, 1000] {
            let with = |mark: &[u8], body: &[u8]| {
                let whole = [mark, body].concat();
                read(&whole.chunks(size).collect::<Vec<_>>(), KEEP).text
            };
            assert_eq!(with(&[0xff, 0xfe], &little), text);
            assert_eq!(with(&[0xfe, 0xff], &big), text);
            assert_eq!(with(&[0xef, 0xbb, 0xbf], text.as_bytes()), text);
            assert_eq!(with(&[], &plain), "plain words here\n".repeat(8));
        }
    }

    #[test]
    fn v_36_what_is_no_text_is_replaced() {
        assert_eq!(read(&[b"a\xffb\xc0\xaf"], KEEP).text, "a\u{fffd}b\u{fffd}\u{fffd}");
        assert_eq!(read(&[&[0xff, 0xfe, 0x00, 0xd8, 0x41, 0x00, 0x42]], KEEP).text, "\u{fffd}A\u{fffd}");
    }

    #[test]
    fn v_92_a_line_without_end_is_cut_and_progress_keeps_its_last_words() {
        let long = vec![b'x'; 3 * MAX_LINE];
        assert_eq!(read(&[&long, &long, b"\nend\n"], KEEP).text.len(), MAX_LINE + 5);
        let progress = format!("{}done\nend\n", "10 %\r".repeat(MAX_LINE));
        for size in [1, 100, 100_000] {
            let found = read(&progress.as_bytes().chunks(size).collect::<Vec<_>>(), KEEP).text;
            assert!(found.ends_with("done\nend\n"), "{size}: {found:?}");
        }
    }
}
