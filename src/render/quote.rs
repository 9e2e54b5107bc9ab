//! Quoting by construction: text that cannot end its own quotes, and words that mean nothing to a forge. Layer 1.
//!
//! Refuses to look for what is dangerous: what is not known to be harmless becomes code.

use std::collections::BTreeMap;

use crate::redact::Redactor;

/// Quotes text as a fenced code block: the fence is one backtick longer than the longest run in the text, so that nothing
/// in it can close it (V-27).
pub fn code_block(language: &str, text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let fence = "`".repeat(longest_run(&text).max(2) + 1);
    let body = text.trim_end_matches('\n');
    format!("{fence}{language}\n{body}\n{fence}")
}

/// Quotes text as a code span on one line; nothing in it is a mention, a link or a command.
pub fn code_span(text: &str) -> String {
    let line = one_line(text);
    if line.is_empty() {
        return "_nothing_".to_owned();
    }
    let ticks = "`".repeat(longest_run(&line) + 1);
    let pad = if line.starts_with('`') || line.ends_with('`') { " " } else { "" };
    format!("{ticks}{pad}{line}{pad}{ticks}")
}

/// Quotes text for a table's cell: a code span whose pipes do not end the cell (V-28).
pub fn table_cell(text: &str) -> String {
    one_cell(&code_span(text))
}

/// Writes a sentence so that it reads as one: plain words stay, code spans stay, every other word becomes a code span.
///
/// A forge looks for mentions, references, addresses and commands in the text that is left after Markdown, where a
/// backslash is gone again; only code is exempt (V-19 to V-25).
pub fn prose(text: &str) -> String {
    let line = one_line(text);
    let mut out = String::with_capacity(line.len() + 16);
    let runs = runs_of_ticks(&line);
    let mut done = 0;
    for &(start, ticks) in &runs.all {
        if start < done {
            continue;
        }
        add_words(&line[done..start], &mut out);
        let inner = start + ticks;
        if let Some(close) = runs.next(ticks, inner) {
            add_code(&line[inner..close], &mut out);
            done = close + ticks;
        } else {
            // Nothing may grow together across the gap.
            add_space(&mut out);
            done = inner;
        }
    }
    add_words(&line[done..], &mut out);
    let out = out.trim();
    if out.is_empty() { "_nothing_".to_owned() } else { out.to_owned() }
}

/// Keeps a line of Markdown of ours within one cell of a table.
pub(crate) fn one_cell(markdown: &str) -> String {
    let mut cell = String::with_capacity(markdown.len());
    for c in markdown.chars() {
        if c == '|' {
            // Readers differ on what a backslash before an escaped pipe escapes.
            if cell.ends_with('\\') {
                cell.push(' ');
            }
            cell.push('\\');
        }
        cell.push(c);
    }
    cell
}

/// Links a label of ours to an address of ours; anything but a plain `https` address is not linked (V-24, V-25).
pub(crate) fn linked(label: &str, url: &str) -> String {
    if is_plain_address(url) { format!("[{label}]({url})") } else { label.to_owned() }
}

fn is_plain_address(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://") else { return false };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (name, port) = host.split_once(':').unwrap_or((host, "443"));
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
        && !port.is_empty()
        && port.bytes().all(|b| b.is_ascii_digit())
        && path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-._~?=&%+#:,;".contains(&b))
}

/// Cleans, cuts and quotes untrusted text, in this order, so that nothing is cut in a way that hides it (V-30).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quoter<'a> {
    redactor: &'a Redactor,
    /// All room is divided by this: a body that is too long is made again with less of each text.
    scarcity: usize,
}

/// What is kept of one line of a block.
const LINE: usize = 400;
/// What of a text is looked at, in bytes; far beyond what is shown, so that no secret lies across both ends (P-20).
const INPUT: usize = 524_288;
/// Ends what was cut.
const CUT: &str = "… (cut)";

impl<'a> Quoter<'a> {
    pub(crate) const fn new(redactor: &'a Redactor, scarcity: usize) -> Self {
        Self { redactor, scarcity }
    }

    /// A block of at most so many lines and characters.
    pub(crate) fn block(&self, language: &str, text: &str, lines: usize, characters: usize) -> String {
        let text = self.clean(text);
        let room = characters / self.scarcity;
        let (mut kept, mut used, mut whole) = (Vec::new(), 0, true);
        for (at, line) in text.lines().enumerate() {
            let part: String = line.chars().take(LINE).collect();
            used += part.chars().count() + 1;
            if at >= lines || used > room {
                whole = false;
                break;
            }
            whole &= part.len() == line.len();
            kept.push(part);
        }
        if !whole {
            kept.push(CUT.to_owned());
        }
        sealed(code_block(language, &kept.join("\n")))
    }

    /// A code span.
    pub(crate) fn span(&self, text: &str, characters: usize) -> String {
        sealed(code_span(&self.cut(text, characters)))
    }

    /// A code span for a table's cell.
    pub(crate) fn cell(&self, text: &str, characters: usize) -> String {
        one_cell(&self.span(text, characters))
    }

    /// A sentence.
    pub(crate) fn prose(&self, text: &str, characters: usize) -> String {
        sealed(prose(&self.cut(text, characters)))
    }

    /// A sentence for a table's cell.
    pub(crate) fn prose_cell(&self, text: &str, characters: usize) -> String {
        one_cell(&self.prose(text, characters))
    }

    fn cut(&self, text: &str, characters: usize) -> String {
        let text = self.clean(text);
        match text.char_indices().nth(characters / self.scarcity) {
            None => text,
            Some((end, _)) => format!("{} {CUT}", &text[..end]),
        }
    }

    fn clean(&self, text: &str) -> String {
        let text = &text[..text.floor_char_boundary(INPUT)];
        self.redactor.redact(&crate::redact::strip_controls(text)).into_string()
    }
}

/// Takes our own markers out of text that is not ours: they say where our part of a body ends.
fn sealed(text: String) -> String {
    if text.contains("<!-- homeostat:") { text.replace("<!-- homeostat:", "<!- homeostat:") } else { text }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn longest_run(text: &str) -> usize {
    let (mut longest, mut run) = (0, 0);
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// The runs of backticks in a line: start and length in order, and the starts by length.
#[derive(Debug, Default)]
struct Runs {
    all: Vec<(usize, usize)>,
    by_length: BTreeMap<usize, Vec<usize>>,
}

impl Runs {
    /// Returns where the next run of exactly so many backticks begins.
    fn next(&self, ticks: usize, from: usize) -> Option<usize> {
        let starts = self.by_length.get(&ticks)?;
        starts.get(starts.partition_point(|start| *start < from)).copied()
    }
}

fn runs_of_ticks(text: &str) -> Runs {
    let mut runs = Runs::default();
    let mut at = 0;
    while let Some(found) = text[at..].find('`') {
        let start = at + found;
        let length = text[start..].bytes().take_while(|b| *b == b'`').count();
        runs.all.push((start, length));
        runs.by_length.entry(length).or_default().push(start);
        at = start + length;
    }
    runs
}

fn add_code(text: &str, out: &mut String) {
    // Two spans side by side would be read as one.
    if out.ends_with('`') {
        out.push(' ');
    }
    if text.trim().is_empty() { add_space(out) } else { out.push_str(&code_span(text)) }
}

/// Adds a space between words; what is written never begins with one, so that the first word is known as such.
fn add_space(out: &mut String) {
    if !out.is_empty() && !out.ends_with(' ') {
        out.push(' ');
    }
}

fn add_words(text: &str, out: &mut String) {
    for (at, word) in text.split(' ').enumerate() {
        if at > 0 {
            add_space(out);
        }
        add_word(word, out);
    }
}

fn add_word(word: &str, out: &mut String) {
    if word.is_empty() {
        return;
    }
    let first = out.is_empty();
    let inner = word.trim_start_matches(['(', '"', '\'', '“', '‘']);
    let (lead, core) = (&word[..word.len() - inner.len()], inner);
    let core = core.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '"', '\'', '”', '’', '…', '%']);
    let trail = &inner[core.len()..];
    // What opens a line may make a list, a quotation or a heading of it.
    let harmless = if core.is_empty() {
        !first
    } else {
        let numbers_a_list = core.bytes().all(|b| b.is_ascii_digit()) && trail.starts_with(['.', ')']);
        is_plain_word(core) && !(first && (numbers_a_list || core.starts_with(['–', '—'])))
    };
    if harmless {
        out.push_str(word);
    } else if core.is_empty() {
        add_code(word, out);
    } else {
        out.push_str(lead);
        add_code(core, out);
        out.push_str(trail);
    }
}

/// Returns whether a word is nothing but a word: no name of a file, no address, no reference, no commit.
fn is_plain_word(word: &str) -> bool {
    let characters: Vec<char> = word.chars().collect();
    let around = |at: usize, fits: &dyn Fn(char) -> bool| {
        at > 0 && fits(characters[at - 1]) && characters.get(at + 1).is_some_and(|c| fits(*c))
    };
    let digit = |c: char| c.is_ascii_digit();
    let abbreviated = word.split('.').all(|part| part.chars().count() <= 1);
    let spelled = characters.iter().enumerate().all(|(at, c)| match c {
        '-' => around(at, &char::is_alphanumeric) && !characters.get(at + 1).is_some_and(char::is_ascii_digit),
        '\'' | '’' => around(at, &char::is_alphanumeric),
        ',' => around(at, &digit),
        '.' => around(at, &digit) || abbreviated,
        '–' | '—' => true,
        c => c.is_alphanumeric(),
    });
    let commit = (7..=64).contains(&characters.len()) && characters.iter().all(char::is_ascii_hexdigit);
    let amount = word.strip_prefix('$').is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_digit()) && rest.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    });
    (spelled && !commit) || amount
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v_27_text_cannot_close_its_fence() {
        for hostile in ["```\n@everyone", "````", &"`".repeat(40), "a\r```\rb", "~~~~"] {
            let quoted = code_block("", hostile);
            let fence: String = quoted.chars().take_while(|c| *c == '`').collect();
            let inside = &quoted[fence.len() + 1..quoted.len() - fence.len()];
            assert!(!inside.contains(&fence), "{hostile:?}");
        }
    }

    #[test]
    fn v_28_a_cell_stays_one_cell_on_one_line() {
        assert_eq!(table_cell("a | b\nc"), "`a \\| b c`");
        assert_eq!(table_cell("a\\|b"), "`a\\ \\|b`");
        assert_eq!(code_span("x `y` z"), "``x `y` z``");
    }

    #[test]
    fn a_sentence_of_plain_words_stays_as_it_is() {
        for sentence in [
            "The divisor is zero when there is nothing to count; the function answers zero then.",
            "It doesn't hold (see below): off-by-one, e.g. 3.14 of 1,000 — or 90%!",
            "Index 3 of 3 elements does not exist.",
            "Называется “так”, and `items[0].name` stays code.",
        ] {
            assert_eq!(prose(sentence), sentence);
        }
    }

    #[test]
    fn a_word_that_could_mean_something_becomes_code() {
        for (text, wanted) in [
            ("ping @octocat, please", "ping `@octocat`, please"),
            ("Fixes #1 and GH-1 and o/r#1", "Fixes `#1` and `GH-1` and `o/r#1`"),
            ("see www.evil.example.", "see `www.evil.example`."),
            ("a <img src=x> b", "a `<img` `src=x>` b"),
            ("1. first", "`1`. first"),
            ("- item", "`-` item"),
            ("...", "`...`"),
            ("a ` b @x", "a b `@x`"),
            ("`a``b`", "```a``b```"),
            ("`a`.bc", "`a` `.bc`"),
            ("deadbeef01", "`deadbeef01`"),
            ("", "_nothing_"),
            ("``", "_nothing_"),
        ] {
            assert_eq!(prose(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn p_21_v_24_v_25_only_a_plain_https_address_is_linked() {
        assert_eq!(
            linked("run", "https://github.com/o/r/actions/runs/1"),
            "[run](https://github.com/o/r/actions/runs/1)"
        );
        for hostile in [
            "javascript:alert(1)",
            "data:text/html,x",
            "//evil.example",
            "http://github.com/",
            "https://github.com@evil.example/",
            "https://g\u{456}thub.com/",
            "https://a.b/) ![x](https://evil.example",
            "https://a.b/\n\n# x",
            "https://a:b@c.d/",
            "https://",
        ] {
            assert_eq!(linked("run", hostile), "run", "{hostile:?}");
        }
    }

    #[test]
    fn quoting_takes_linear_time() {
        let text = (1..1_500).map(|n| "`".repeat(n)).collect::<Vec<_>>().join(" ");
        assert!(prose(&text).len() < 2 * text.len());
        assert!(prose(&"` ".repeat(200_000)).len() < 1_000_000);
    }
}
