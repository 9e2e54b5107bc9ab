//! Makes text from terminals, CI logs and issue bodies readable for the automata: control sequences, carriage returns,
//! time stamps, log prefixes and quote gutters go, words and their indentation stay.
//!
//! It works in one pass over the characters and never changes the number of lines, so a line's index in the cleaned
//! text is its index in the original. It refuses to guess at encodings. Layer 1.

/// The longest body that is read whole; of a longer one the first and the last half are read.
pub(crate) const MAX_BODY: usize = 1024 * 1024;
/// The longest line that is read; the rest of it is cut.
pub(crate) const MAX_LINE: usize = 8 * 1024;

/// One line as the automata see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// The text without surrounding white space, gutters and log prefixes.
    pub(crate) text: &'a str,
    /// Columns of white space before the text; a tab counts as eight, as in a terminal.
    pub(crate) indent: usize,
}

impl<'a> Line<'a> {
    /// Reads one cleaned line.
    pub(crate) fn new(line: &'a str) -> Self {
        let bare = strip_prefixes(line);
        let trimmed = bare.trim_start();
        let indent = bare[..bare.len() - trimmed.len()].chars().map(|c| if c == '\t' { 8 } else { 1 }).sum();
        Self { text: trimmed.trim_end(), indent }
    }

    /// Returns whether nothing is left on the line.
    pub(crate) fn is_blank(&self) -> bool {
        self.text.is_empty()
    }
}

/// Reads cleaned text line by line.
pub(crate) fn lines(cleaned: &str) -> Vec<Line<'_>> {
    cleaned.lines().map(Line::new).collect()
}

/// Cuts a body that is too long to its beginning and its end, on line boundaries where there are any.
pub(crate) fn cap(text: &str) -> (std::borrow::Cow<'_, str>, bool) {
    if text.len() <= MAX_BODY {
        return (text.into(), false);
    }
    let mut head_end = MAX_BODY / 2;
    while !text.is_char_boundary(head_end) {
        head_end -= 1;
    }
    let mut tail_start = text.len() - MAX_BODY / 2;
    while !text.is_char_boundary(tail_start) {
        tail_start += 1;
    }
    let head = &text[..head_end];
    let head = head.rfind('\n').map_or(head, |at| &head[..=at]);
    let tail = &text[tail_start..];
    let tail = tail.find('\n').map_or(tail, |at| &tail[at + 1..]);
    let mut both = String::with_capacity(head.len() + tail.len() + 1);
    both.push_str(head);
    both.push('\n');
    both.push_str(tail);
    (both.into(), true)
}

/// What a character inside an escape sequence means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Text,
    /// After ESC.
    Escape,
    /// In a control sequence, before its final byte.
    Control,
    /// In an operating-system command or another string, before its terminator.
    String,
    /// In a string, after ESC.
    StringEscape,
}

/// Removes control sequences (ECMA-48) and control characters, applies `\r` and backspaces, caps lines.
///
/// A string sequence without a terminator ends with its line, so that it cannot hide the text after it.
pub(crate) fn clean(text: &str) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // Only where no line feed is to be seen does a lone carriage return end a line.
    let classic = !text.contains('\n');
    let mut out = String::with_capacity(text.len());
    let mut start = 0;
    let mut state = State::Text;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\n' || (c == '\r' && classic) {
            cut_visible_escapes(&mut out, start);
            out.push('\n');
            start = out.len();
            state = State::Text;
            continue;
        }
        state = match (state, c) {
            (State::Text, '\u{1b}') => State::Escape,
            (State::Text, '\u{9b}') => State::Control,
            (State::Text, '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}') => State::String,
            (State::Text, '\r') => {
                // A progress line is written over by what follows; the return before a line feed is no overwriting.
                while chars.peek() == Some(&'\r') {
                    chars.next();
                }
                if !matches!(chars.peek(), None | Some('\n')) {
                    out.truncate(start);
                }
                State::Text
            }
            (State::Text, '\u{8}') => {
                if out.len() > start {
                    out.pop();
                }
                State::Text
            }
            (State::Text, '\t') => {
                push(&mut out, start, '\t');
                State::Text
            }
            (State::Text, '\u{2028}' | '\u{2029}' | '\u{b}' | '\u{c}') => {
                push(&mut out, start, ' ');
                State::Text
            }
            (State::Text, c) => {
                if !c.is_control() && !is_invisible(c) {
                    push(&mut out, start, c);
                }
                State::Text
            }
            (State::Escape, '[') => State::Control,
            (State::Escape, ']' | 'P' | 'X' | '^' | '_') => State::String,
            (State::Escape, ' '..='/') => State::Escape,
            (State::Escape, _) => State::Text,
            (State::Control, ' '..='?') => State::Control,
            (State::Control, '\u{1b}') => State::Escape,
            (State::Control, _) => State::Text,
            (State::String, '\u{7}' | '\u{9c}') => State::Text,
            (State::String, '\u{1b}') => State::StringEscape,
            (State::String, _) => State::String,
            (State::StringEscape, '[') => State::Control,
            (State::StringEscape, _) => State::Text,
        };
    }
    cut_visible_escapes(&mut out, start);
    out
}

fn push(out: &mut String, start: usize, c: char) {
    if out.len() - start < MAX_LINE {
        out.push(c);
    }
}

/// Characters that show nothing and would split words (V-32).
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        | '\u{feff}' | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{115f}' | '\u{3164}' | '\u{e0000}'..='\u{e007f}')
}

/// Removes colour codes whose escape character was lost by copying: `[31m`, `^[[0m`.
///
/// `[5m]`, as in a query's range, stays.
fn cut_visible_escapes(out: &mut String, start: usize) {
    let line = &out[start..];
    if !line.contains('[') {
        return;
    }
    let mut kept = String::new();
    let mut rest = line;
    let mut found = false;
    while let Some(at) = rest.find('[') {
        let after = &rest[at + 1..];
        let digits = after.bytes().take(12).take_while(|b| b.is_ascii_digit() || *b == b';').count();
        let code = &after[..digits];
        let is_code = digits > 0
            && after[digits..].starts_with('m')
            && !after[digits + 1..].starts_with(']')
            // A range with a step (`[5m:1m]`) is no colour either.
            && !after[digits + 1..].strip_prefix(':').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
            && code.split(';').all(|part| part.len() <= 3);
        if is_code {
            let before = &rest[..at];
            kept.push_str(before.strip_suffix("^[").or_else(|| before.strip_suffix("\\x1b")).unwrap_or(before));
            rest = &after[digits + 1..];
            found = true;
        } else {
            kept.push_str(&rest[..=at]);
            rest = after;
        }
    }
    if found {
        kept.push_str(rest);
        out.truncate(start);
        out.push_str(&kept);
    }
}

/// Removes what loggers, runners, terminals and quoting put before a line; bounded rounds.
fn strip_prefixes(line: &str) -> &str {
    let mut rest = line;
    for _ in 0..4 {
        let before = rest.len();
        rest = strip_quote(rest);
        rest = strip_timestamp(rest);
        rest = strip_marker(rest);
        rest = strip_container(rest);
        rest = strip_gutter(rest);
        if rest.len() == before {
            break;
        }
    }
    rest
}

fn strip_quote(line: &str) -> &str {
    let mut rest = line;
    for _ in 0..4 {
        match rest.strip_prefix('>') {
            Some(inner) => rest = inner.strip_prefix(' ').unwrap_or(inner),
            None => break,
        }
    }
    rest
}

fn strip_gutter(line: &str) -> &str {
    let trimmed = line.trim_start();
    match trimmed.strip_prefix('|') {
        Some("") => "",
        Some(inner) if inner.starts_with(' ') => &inner[1..],
        _ => line,
    }
}

/// `##[error]`, `::error file=x::`, `[ERROR] `.
fn strip_marker(line: &str) -> &str {
    if let Some(inner) = line.strip_prefix("##[") {
        return inner.split_once(']').map_or(line, |(_, rest)| rest);
    }
    if let Some(inner) = line.strip_prefix("::error") {
        return inner.split_once("::").map_or(line, |(_, rest)| rest);
    }
    for level in ["[ERROR] ", "[INFO] ", "[WARNING] ", "[WARN] ", "[DEBUG] ", "[error] ", "[err] ", "[stderr] "] {
        if let Some(rest) = line.strip_prefix(level) {
            return rest;
        }
    }
    line
}

/// `web-1  | text`, as container tools write it.
fn strip_container(line: &str) -> &str {
    let name = line.bytes().take(48).take_while(|b| b.is_ascii_alphanumeric() || b"_.-".contains(b)).count();
    if name == 0 || !line[..name].bytes().any(|b| b.is_ascii_alphabetic()) {
        return line;
    }
    let after = &line[name..];
    let spaces = after.len() - after.trim_start_matches(' ').len();
    if spaces == 0 {
        return line;
    }
    match after[spaces..].strip_prefix('|') {
        Some("") => "",
        Some(rest) => rest.strip_prefix(' ').unwrap_or(line),
        None => line,
    }
}

/// Counts bytes of `pattern` at the start: `0` stands for a digit, everything else for itself.
fn shape(text: &str, pattern: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    if bytes.len() < pattern.len() {
        return None;
    }
    let fits = pattern.bytes().zip(bytes).all(|(p, b)| if p == b'0' { b.is_ascii_digit() } else { p == *b });
    fits.then_some(pattern.len())
}

fn strip_timestamp(line: &str) -> &str {
    let (bracket, inner) = match line.strip_prefix('[') {
        Some(inner) => (true, inner),
        None => (false, line),
    };
    let Some(mut at) =
        ["0000-00-00T00:00:00", "0000-00-00 00:00:00", "0000/00/00 00:00:00", "00:00:00", "00-00 00:00:00"]
            .iter()
            .find_map(|pattern| shape(inner, pattern))
            .or_else(|| month_time(inner))
    else {
        return line;
    };
    let bytes = inner.as_bytes();
    let mut fraction = 0;
    if matches!(bytes.get(at), Some(b'.' | b',')) {
        fraction = bytes[at + 1..].iter().take(12).take_while(|b| b.is_ascii_digit()).count();
        at += 1 + fraction;
    }
    let zone_start = at;
    if bytes.get(at) == Some(&b'Z') {
        at += 1;
    } else if let Some(length) = inner.get(at..).and_then(|rest| {
        ["+00:00", "-00:00", "+0000", "-0000", " +0000", " -0000", " UTC", " GMT"].iter().find_map(|p| shape(rest, p))
    }) {
        at += length;
    }
    if bracket {
        match bytes.get(at) {
            Some(b']') => at += 1,
            _ => return line,
        }
    }
    let Some(rest) = inner.get(at..) else { return line };
    if rest.is_empty() {
        return rest;
    }
    let Some(rest) = rest.strip_prefix(' ') else { return line };
    // The runner's own stamp is followed by the program's text as it was; other stamps are a logger's.
    if fraction == 7 && inner[zone_start..at].starts_with('Z') { rest } else { strip_logger(rest) }
}

/// `03-Jan-2024 10:00:00` and `Jan  3 10:00:00`.
fn month_time(text: &str) -> Option<usize> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    if let Some(rest) = text.get(..3).filter(|m| MONTHS.contains(m)).and_then(|_| text.get(3..)) {
        return [" 00 00:00:00", "  0 00:00:00"].iter().find_map(|p| shape(rest, p)).map(|n| n + 3);
    }
    let rest = text.get(shape(text, "00-")?..)?;
    let month = rest.get(..3)?;
    MONTHS
        .contains(&month)
        .then(|| rest.get(3..).and_then(|rest| shape(rest, "-0000 00:00:00")))
        .flatten()
        .map(|n| n + 6)
}

/// A level, a `tag[pid]:` or process numbers after a logger's time stamp.
fn strip_logger(line: &str) -> &str {
    let mut rest = line;
    for level in ["TRACE", "DEBUG", "INFO", "NOTICE", "WARNING", "WARN", "ERROR", "FATAL", "CRITICAL"] {
        if let Some(after) = rest.strip_prefix(level)
            && after.starts_with(' ')
        {
            return after.trim_start();
        }
    }
    // `host app[123]: text` and `app[web.1]: text`.
    let mut head = 0;
    for word in rest.splitn(3, ' ').take(2) {
        head += word.len();
        if word.ends_with("]:") && word.contains('[') && head < 100 {
            let after = &rest[head..];
            rest = after.strip_prefix(' ').unwrap_or(after);
            return rest;
        }
        head += 1;
    }
    // `1234  1234 E AndroidRuntime: text`.
    if rest.trim_start().starts_with(|c: char| c.is_ascii_digit())
        && let Some((tag, after)) = rest.split_once(": ")
        && tag.split_whitespace().count() == 4
        && tag.split_whitespace().take(2).all(|w| w.bytes().all(|b| b.is_ascii_digit()))
    {
        return after;
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: &str) -> &str {
        Line::new(line).text
    }

    #[test]
    fn control_sequences_vanish_and_text_stays() {
        assert_eq!(clean("\u{1b}[1;31mError\u{1b}[0m: x"), "Error: x");
        assert_eq!(clean("\u{1b}]8;;https://a.example\u{1b}\\link\u{1b}]8;;\u{7}!"), "link!");
        assert_eq!(clean("\u{9b}2Ja\u{90}secret\u{9c}b\u{1b}(Bc"), "abc");
        assert_eq!(clean("\u{1b}]0;never ended\nnext"), "\nnext");
        assert_eq!(clean("ab\u{8}c"), "ac");
    }

    #[test]
    fn colour_codes_without_their_escape_character_vanish() {
        assert_eq!(clean("[31mError[39m: x"), "Error: x");
        assert_eq!(clean("rate(x[5m]) and [5m:1m] stay"), "rate(x[5m]) and [5m:1m] stay");
    }

    #[test]
    fn a_carriage_return_overwrites_and_line_ends_are_equal() {
        assert_eq!(clean("10%\r50%\rdone\r\nnext\r\r\n"), "done\nnext\n");
        assert_eq!(clean("a\rb"), "a\nb");
        assert_eq!(clean("\u{feff}a\u{0}\u{200b}b"), "ab");
    }

    #[test]
    fn log_prefixes_and_gutters_vanish() {
        assert_eq!(text("2024-05-01T10:00:00.1234567Z     at x"), "at x");
        assert_eq!(Line::new("2024-05-01T10:00:00.1234567Z     at x").indent, 4);
        assert_eq!(text("2024-05-01 10:00:00,123 ERROR Traceback"), "Traceback");
        assert_eq!(text("[2024-05-01 10:00:00] boom"), "boom");
        assert_eq!(text("web-1  | boom"), "boom");
        assert_eq!(text("> > boom"), "boom");
        assert_eq!(text("  | boom"), "boom");
        assert_eq!(text("##[error]boom"), "boom");
        assert_eq!(text("Jan  3 10:00:00 host app[12]: boom"), "boom");
        assert_eq!(text("2024-05-01T10:00:00.123456+00:00 app[web.1]: boom"), "boom");
        assert_eq!(text("01-02 03:04:05.678  1234  1234 E AndroidRuntime: boom"), "boom");
        assert_eq!(text("[03-Jan-2024 10:00:00 UTC] boom"), "boom");
        assert_eq!(text("12 | let x = 1;"), "12 | let x = 1;");
    }

    #[test]
    fn long_lines_and_long_bodies_are_cut_on_boundaries() {
        let line = "é".repeat(MAX_LINE);
        assert!(clean(&line).len() <= MAX_LINE + 1);
        let body = "ünïcode line\n".repeat(200_000);
        let (cut, was) = cap(&body);
        assert!(was && cut.len() <= MAX_BODY);
        assert!(cut.lines().all(|line| line.is_empty() || line == "ünïcode line"));
        assert!(!cap("short").1);
    }
}
