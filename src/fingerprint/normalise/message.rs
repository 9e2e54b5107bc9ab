//! Messages: what changes from run to run becomes a placeholder, what names a symbol is kept apart.
//!
//! One ordered alternation, read once from left to right; the first class that fits at a place wins. It refuses to
//! interpret: a word that may be a name stays a word. Layer 1.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::ascii_regex;
use super::path::normal_path;
use super::phrase::{known_phrase, without_suggestion};
use super::word::{is_symbol, write_words};

/// A message without what changes from run to run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageClass {
    /// The sentence with placeholders.
    pub template: String,
    /// The symbols of the program that it named, in order.
    pub symbols: Vec<String>,
    /// The sentence is an engine's own, and says which symbol was missing or wrong.
    pub symbolic: bool,
}

/// What is read of a message: the first two lines that say something, and no more than this many bytes of them.
const LONGEST: usize = 16 * 1024;

/// Words of a template; what comes later repeats or describes data.
const MOST_WORDS: usize = 60;

/// How far apart two quotes may stand.
const LONGEST_QUOTE: usize = 240;

/// How often a template is read again until nothing changes.
const MOST_ROUNDS: usize = 4;

/// Words longer than this are data.
const LONGEST_WORD: usize = 300;

/// The classes in order, `(class, expression)`. The names of the groups are the placeholders, unless code below says otherwise.
const CLASSES: &[(&str, &str)] = &[
    // What is already a placeholder, or a name with a number in it, stays.
    ("placeholder", r"<[a-z]{1,12}>"),
    ("apostrophe", r"\b[A-Za-z]+'(?:s|t|re|ve|ll|d|m)\b"),
    (
        "keep",
        r"(?i)\b(?:utf|ucs)-?(?:7|8|16|32)(?:-?[lb]e)?\b|\biso-8859-\d{1,2}\b|\biso[- ]?\d{4}\b|\b(?:windows|cp)-?125\d\b|\blatin-?\d\b|\bsha-?(?:224|256|384|512|[1-3](?:-(?:224|256|384|512))?)\b|\bmd-?5\b|\bbase-?(?:16|32|36|58|62|64)\b|\bx86[-_]64\b|\bipv[46]\b|\bHTTP/[123](?:\.\d)?\b|\bTLSv?1(?:\.\d)?\b|\boauth-?2\b|\bes-?(?:5|6|20\d\d)\b|\baes-?(?:128|192|256)\b|\b(?:u|i|f|int|uint|float)-?(?:8|16|32|64|128)\b|\b[a-z]+ error #\d+|\bstatus(?: code)?[:= ]+[1-5]\d\d\b|\bHTTP[: ]+[1-5]\d\d\b|\b(?:exit|error|return) (?:code|status)[:= ]+\d{1,3}\b|\berrno[:= ]+\d{1,3}\b|\bsignal \d{1,2}\b|\bORA-\d{5}\b|\bSQLSTATE\[\w+\]",
    ),
    ("jwt", r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?"),
    ("url", r#"\b[A-Za-z][A-Za-z0-9+.-]*://[^\s'"`<>{}|\\^]+|\b(?:data|blob):[a-z]+[/:][^\s'"`<>]+"#),
    ("email", r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}\b"),
    ("trace", r"\b00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\b|\b1-[0-9a-f]{8}-[0-9a-f]{24}\b"),
    ("uuid", r"(?i)(?:urn:uuid:)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"),
    (
        "date",
        r"(?x)
        \b\d{4}-\d\d-\d\d (?: [T\ _] \d\d:\d\d (?: :\d\d (?:[.,]\d+)? )? (?: \ ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d)\b )? )?
        | \b\d{4}/\d\d/\d\d (?: \ \d\d:\d\d (?: :\d\d (?:[.,]\d+)? )? )?
        | \b\d{1,2}[/.]\d{1,2}[/.]\d{4}\b (?: ,?\ \d{1,2}:\d\d (?: :\d\d )? (?:\ ?[AP]M\b)? )?
        | \b\d{8}T\d{6}(?:\.\d+)?Z?\b
        | \b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,?\ )? \d{1,2}[\ -](?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*[\ -]\d{2,4}\b (?: \ \d\d:\d\d(?::\d\d)? (?:\ (?:[A-Z]{3,4}|[+-]\d{4})\b)? )?
        | \b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,?\ (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\ +\d{1,2}\b (?:\ \d{4}\b)? (?: \ \d\d:\d\d:\d\d (?: \ [A-Z]{3,4}(?:[+-]\d{4})?\b )? (?:\ \d{4}\b)? )? (?:\ \([A-Z][A-Za-z\ ]+\))?
        | \b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\ +\d{1,2} (?: ,?\ \d{4}\b )? (?: ,?\ \d\d:\d\d:\d\d )? \b
        | \b\d{1,2}:\d\d:\d\d(?:[.,]\d+)?(?:\ ?[AP]M\b)?
        | \b\d{1,2}:\d\d\ ?[AP]M\b",
    ),
    (
        "ver",
        r"\b(?:[Vv]ersion[= ]+v?|v)\d+(?:\.\d+)+(?:[-+][0-9A-Za-z.+-]*[0-9A-Za-z])?\b|\b\d+\.\d+\.\d+(?:[-+](?:alpha|beta|rc|dev|pre|post|next|canary|snapshot|SNAPSHOT|RELEASE|M|build)[0-9A-Za-z.+-]*)?\b(?:\.\d+\b)?",
    ),
    (
        "duration",
        r"\b\d+(?:[.,]\d+)?\s?(?:ns|µs|us|ms|msec|secs?|seconds?|mins?|minutes?|hrs?|hours?|days?|milliseconds?|microseconds?|nanoseconds?)\b|\b\d+(?:\.\d+)?s\b|\b(?:\d+h)?\d+m\d+(?:\.\d+)?s\b|\bPT(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?\b",
    ),
    ("size", r"\b\d+(?:[.,]\d+)?\s?(?:[KMGTP]i?B|kB|bytes?|[KMG]b)\b"),
    ("address", r"\[?(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}\]?(?::\d{1,5}\b)?"),
    ("hex", r"\b0[xX][0-9A-Fa-f]+\b"),
    (
        "host",
        r"\b(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+(?:com|org|net|io|dev|cloud|co|edu|gov|local|internal|lan|corp|de|uk|fr|eu|ru|cn|jp|br|nl|au|ca|ch|se|invalid)(?::\d{1,5})?\b|\blocalhost(?::\d{1,5})?\b|\bip-\d{1,3}(?:-\d{1,3}){3}\b",
    ),
    ("windows", r#"\b[A-Za-z]:[\\/][^\s'"<>|:*?()\[\]]+|\\\\[\w.-]+\\[^\s'"<>|:*?()\[\]]+"#),
    (
        "slashed",
        r"(?:~|\.{1,2})?(?:/[\w.@+$%~\x{80}-\x{10FFFF}-]+)+/?|[\w.@+$~\x{80}-\x{10FFFF}-]+(?:/[\w.@+$%~\x{80}-\x{10FFFF}-]+)+/?",
    ),
    ("padded", r"[A-Za-z0-9+/_-]{22,}={1,2}"),
    ("memory", r"@[0-9a-f]{5,16}\b"),
    ("float", r"\b\d+\.\d+(?:[eE][+-]?\d+)?\b|\b\d+[eE][+-]?\d+\b"),
    ("grouped", r"\b\d{1,3}(?:[,_' ]\d{3})+(?:\.\d+)?\b"),
    ("truth", r"=(?:true|false|True|False)\b"),
    ("dotted", r"[A-Za-z_$][\w$]*(?:\.[\w$]+)+"),
    ("word", r"[\w$\x{80}-\x{10FFFF}]+"),
];

static ALL: LazyLock<Regex> = LazyLock::new(|| {
    let arms: Vec<String> = CLASSES.iter().map(|(class, text)| format!("(?P<{class}>{text})")).collect();
    ascii_regex(&arms.join("|"))
});

/// Lists what decides here, for the hash of the rules.
pub(super) fn table() -> Vec<&'static str> {
    CLASSES
        .iter()
        .flat_map(|(class, text)| [*class, *text])
        .chain(LANGUAGE_WORDS.iter().chain(ROOT_FOLDERS).copied())
        .collect()
}

/// Returns the class of a message in a family of languages.
pub fn message_class(family: &str, message: &str) -> MessageClass {
    let text = readable(message);
    let text = without_suggestion(&text);
    if let Some((template, symbols)) = known_phrase(family, text) {
        return MessageClass { template: template.to_owned(), symbolic: !symbols.is_empty(), symbols };
    }
    let mut class = MessageClass::default();
    class.template = limited(&replace(text, &mut class.symbols, 0));
    // A placeholder can change what its neighbours are; a second look settles that, and the bound keeps it linear.
    for _ in 0..MOST_ROUNDS {
        let again = limited(&replace(&class.template, &mut class.symbols, 0));
        if again == class.template {
            break;
        }
        class.template = again;
    }
    class.symbols.truncate(4);
    class
}

/// Keeps the first two lines that say something, without colours, control characters and repeated spaces.
fn readable(message: &str) -> String {
    let mut end = message.len().min(LONGEST);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    let mut text = String::new();
    for line in message[..end].lines().map(str::trim).filter(|line| !line.is_empty()).take(2) {
        let mut chars = line.chars().peekable();
        if !text.is_empty() {
            text.push(' ');
        }
        while let Some(c) = chars.next() {
            match c {
                '\u{1b}' => {
                    if chars.next_if_eq(&'[').is_some() {
                        while chars.next_if(|c| c.is_ascii_digit() || *c == ';').is_some() {}
                        chars.next();
                    }
                }
                '\u{2018}' | '\u{2019}' => text.push('\''),
                '\u{201c}' | '\u{201d}' => text.push('"'),
                c if c.is_whitespace() => {
                    if !text.ends_with(' ') {
                        text.push(' ');
                    }
                }
                c if c.is_control() || ('\u{200b}'..='\u{200f}').contains(&c) || c == '\u{feff}' => {}
                c => text.push(c),
            }
        }
    }
    // A word this long is data; cutting it here bounds what any class can read ahead.
    let words = text.split(' ').filter(|word| !word.is_empty()).map(|word| match word.len() {
        0..=LONGEST_WORD => word,
        _ if word.contains("://") => "<url>",
        _ => "<str>",
    });
    words.collect::<Vec<_>>().join(" ")
}

fn limited(text: &str) -> String {
    let words: Vec<&str> = text
        .split(' ')
        .filter(|word| !word.is_empty())
        .map(|word| if word.len() > LONGEST_WORD { "<str>" } else { word })
        .take(MOST_WORDS)
        .collect();
    words.join(" ")
}

/// Reads a text once from left to right. Quotes are found by hand: an automaton that waits for a closing quote reads to
/// the end of the text at every word.
fn replace(text: &str, symbols: &mut Vec<String>, depth: u8) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut done = 0;
    let mut next = ALL.captures_at(text, 0);
    let mut quote = next_quote(text, 0);
    loop {
        let at = next.as_ref().and_then(|found| found.get(0)).map(|whole| whole.range());
        match (&at, quote) {
            (None, None) => break,
            (Some(class), open) if open.is_none_or(|open| class.start < open) => {
                out.push_str(&text[done..class.start]);
                let around = Around { before: &text[..class.start], after: &text[class.end..] };
                if let Some(found) = &next {
                    write_class(found, &text[class.clone()], &around, &mut out);
                }
                done = class.end;
                if open.is_some_and(|open| open < done) {
                    quote = next_quote(text, done);
                }
                next = ALL.captures_at(text, done);
            }
            (_, Some(open)) => match closing_quote(text, open).filter(|_| depth < 3) {
                Some(end) => {
                    out.push_str(&text[done..open]);
                    let around = Around { before: &text[..open], after: &text[end..] };
                    write_quoted(&text[open..end], &around, &mut out, symbols, depth);
                    done = end;
                    quote = next_quote(text, done);
                    if at.is_some_and(|class| class.start < done) {
                        next = ALL.captures_at(text, done);
                    }
                }
                None => quote = next_quote(text, open + 1),
            },
            (Some(_), None) => break,
        }
    }
    out.push_str(&text[done..]);
    out
}

/// Returns the place of the next quote that may open something: none does right after a letter, a digit or a placeholder.
fn next_quote(text: &str, from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let found = at + text[at..].find(['\'', '"', '`'])?;
        let inside_a_word = text[..found].ends_with(|c: char| c.is_alphanumeric() || c == '>');
        if !inside_a_word || !text[found..].starts_with('\'') {
            return Some(found);
        }
        at = found + 1;
    }
}

/// Returns the place behind the quote that closes the one at `open`, if it is near.
fn closing_quote(text: &str, open: usize) -> Option<usize> {
    let quote = text.as_bytes()[open];
    let mut escaped = false;
    for (at, byte) in (open + 1..).zip(text[open + 1..].bytes().take(LONGEST_QUOTE)) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quote == b'"' => escaped = true,
            // A backtick closed by an apostrophe is how Ruby and GNU quote.
            byte if byte == quote || (quote == b'`' && byte == b'\'') => return Some(at + 1),
            _ => {}
        }
    }
    None
}

struct Around<'a> {
    before: &'a str,
    after: &'a str,
}

fn write_class(found: &Captures<'_>, text: &str, around: &Around<'_>, out: &mut String) {
    let class = CLASSES.iter().map(|(class, _)| *class).find(|class| found.name(class).is_some()).unwrap_or("word");
    match class {
        "placeholder" | "apostrophe" | "keep" => out.push_str(text),
        "url" => {
            // A full stop or a bracket at the end belongs to the sentence.
            let url = text.trim_end_matches(['.', ',', ':', ';', ')', ']', '!']);
            out.push_str("<url>");
            out.push_str(&text[url.len()..]);
        }
        "address" => write_address(text, around, out),
        "ver" => {
            let octets: Vec<&str> = text.split('.').collect();
            let is_ip = octets.len() == 4 && octets.iter().all(|octet| octet.parse::<u8>().is_ok());
            match text.find(['=', ' ']) {
                Some(at) if text.starts_with(['V', 'v']) => {
                    out.push_str(&text[..=at]);
                    out.push_str("<ver>");
                }
                _ if is_ip => out.push_str("<ip>"),
                _ => out.push_str("<ver>"),
            }
        }
        "host" => {
            // `java.io.IOException` goes on after the ending; `conn.net = x` is short for a host.
            let goes_on = around.after.starts_with(['.', '_', '(', '$'])
                && around.after[1..].starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == ')');
            let ending = text.rsplit('.').next().unwrap_or_default();
            let certain = text.contains(':')
                || text.matches('.').count() >= 2
                || ["ip-", "localhost"].iter().any(|start| text.starts_with(start))
                || ["com", "org", "local", "internal"].contains(&ending);
            if certain && !goes_on { out.push_str("<host>") } else { write_words(text, out) }
        }
        "windows" => {
            let path = text.trim_end_matches(['.', ',']);
            out.push_str("<path>");
            out.push_str(&text[path.len()..]);
        }
        "slashed" => write_slashed(text, around, out),
        "padded" => {
            let mixed = text.bytes().any(|b| b.is_ascii_uppercase()) && text.bytes().any(|b| b.is_ascii_lowercase());
            if mixed { out.push_str("<base>") } else { write_words(text, out) }
        }
        "memory" => out.push_str(if around.before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, ']' | ';')) {
            "@<hex>"
        } else {
            text
        }),
        "grouped" => out.push_str("<int>"),
        "truth" => out.push_str("=<bool>"),
        "dotted" | "word" => {
            let after_colon = around.before.trim_end().ends_with("\":") || around.before.trim_end().ends_with("':");
            if after_colon && matches!(text, "true" | "false" | "True" | "False" | "null" | "None") {
                out.push_str("<bool>");
            } else {
                write_words(text, out);
            }
        }
        class => {
            out.push('<');
            out.push_str(class);
            out.push('>');
        }
    }
}

fn write_address(text: &str, around: &Around<'_>, out: &mut String) {
    let bare = text.trim_start_matches('[');
    let bare = bare.split(']').next().unwrap_or(bare);
    let parses = bare.parse::<core::net::Ipv6Addr>().is_ok();
    // `Fee::add()` is made of hexadecimal letters too; an address has a digit and no call behind it.
    let digits = bare.bytes().any(|b| b.is_ascii_digit());
    let called = around.after.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '(' | '_' | ':' | '<'))
        || around.before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    if parses && digits && !called { out.push_str("<ip>") } else { write_words(text, out) }
}

/// Folders that only the root of a machine has.
const ROOT_FOLDERS: &[&str] = &[
    "home",
    "Users",
    "usr",
    "var",
    "tmp",
    "opt",
    "etc",
    "root",
    "srv",
    "mnt",
    "media",
    "private",
    "workspace",
    "builds",
    "nix",
    "proc",
    "dev",
    "lib",
    "github",
    "app",
    "data",
    "run",
    "sys",
    "Library",
    "Applications",
    "Volumes",
];

fn write_slashed(text: &str, around: &Around<'_>, out: &mut String) {
    let path = text.trim_end_matches(['.', ',']);
    let tail = &text[path.len()..];
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let first = parts.next().unwrap_or_default();
    let last = path.rsplit('/').find(|part| !part.is_empty()).unwrap_or_default();
    let rooted = path.starts_with('/');
    let extension = last.rsplit_once('.').map_or("", |(_, extension)| extension);
    let is_file = (1..=8).contains(&extension.len())
        && extension.bytes().all(|b| b.is_ascii_alphanumeric())
        && extension.bytes().any(|b| b.is_ascii_alphabetic());
    let is_path = path.starts_with(['~', '.']) && path.len() > 2
        || is_file
        || (rooted && ROOT_FOLDERS.contains(&first) && path.matches('/').count() >= 2)
        || (around.before.ends_with(':') && rooted && path.matches('/').count() >= 3);
    if is_path {
        out.push_str("<path>");
    } else {
        write_words(path, out);
    }
    out.push_str(tail);
}

fn write_quoted(text: &str, around: &Around<'_>, out: &mut String, symbols: &mut Vec<String>, depth: u8) {
    let (open, close) = (&text[..1], &text[text.len() - 1..]);
    let inside = &text[1..text.len() - 1];
    // A backtick closed by an apostrophe is how Ruby and GNU quote.
    let (open, close) = if open == "`" && close == "'" { ("'", "'") } else { (open, close) };
    let before = around.before.trim_end();
    let in_object = before.ends_with(['{', ',', '[']) || before.ends_with("\":") || before.ends_with("':");
    let is_key = around.after.trim_start().starts_with(':') && before.ends_with(['{', ',']);
    out.push_str(open);
    if is_key || inside.is_empty() {
        out.push_str(inside);
    } else if in_object && before.ends_with(':') {
        // A value is data, also where it reads like a name.
        let of_id = before[..before.len() - 2].to_ascii_lowercase().ends_with("id");
        out.push_str(if is_placeholder(inside) {
            inside
        } else if of_id {
            "<id>"
        } else {
            "<str>"
        });
    } else {
        out.push_str(&inner(inside, symbols, depth));
    }
    out.push_str(close);
}

fn is_placeholder(text: &str) -> bool {
    text.len() > 2
        && text.starts_with('<')
        && text.ends_with('>')
        && text[1..text.len() - 1].bytes().all(|b| b.is_ascii_lowercase())
}

/// Words of the languages themselves, which engines quote like symbols.
const LANGUAGE_WORDS: &[&str] = &[
    "None",
    "NoneType",
    "Some",
    "Ok",
    "Err",
    "nil",
    "null",
    "undefined",
    "true",
    "false",
    "self",
    "this",
    "int",
    "str",
    "float",
    "bool",
    "list",
    "dict",
    "tuple",
    "set",
    "bytes",
    "string",
    "number",
    "boolean",
    "object",
    "function",
    "left == right",
    "left != right",
    "Option::unwrap()",
    "Option::expect()",
    "Result::unwrap()",
    "Result::expect()",
    "Result::unwrap_err()",
    "Result::expect_err()",
    "+",
    "-",
    "*",
    "/",
    "==",
    "<",
    ">",
];

/// What stands between quotes: a symbol, a path, a number, or data.
fn inner(inside: &str, symbols: &mut Vec<String>, depth: u8) -> String {
    if is_placeholder(inside) {
        return inside.to_owned();
    }
    // `'utf-8' codec`: the name of an encoding or a protocol is neither data nor a symbol.
    if ALL.captures(inside).is_some_and(|found| found.name("keep").is_some_and(|kept| kept.len() == inside.len())) {
        return inside.to_owned();
    }
    if LANGUAGE_WORDS.contains(&inside) {
        return inside.to_owned();
    }
    let mut none = Vec::new();
    let replaced = replace(inside, &mut none, depth + 1);
    if replaced == inside && is_symbol(inside) {
        symbols.push(inside.to_owned());
        return "<sym>".to_owned();
    }
    if is_placeholder(&replaced) {
        if replaced == "<path>" && inside.starts_with('.') {
            // A relative module path names a module of the program.
            symbols.push(normal_path(inside).text);
        }
        return replaced;
    }
    // A sentence keeps its words; anything else between quotes is data.
    let sentence =
        inside.split(' ').filter(|word| word.len() > 1 && word.bytes().all(|b| b.is_ascii_alphabetic())).count() >= 3;
    if sentence { replaced } else { "<str>".to_owned() }
}
