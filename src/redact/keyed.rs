//! Secrets that the text around them gives away: headers, addresses with a password, `key=value`. Layer 1.
//!
//! Refuses to take the key with the value: what was configured stays readable (R-11).

use std::sync::LazyLock;

use memchr::memmem;
use regex::Regex;

use crate::redact::finding::{Finding, Label, begins_word};
use crate::redact::placeholder;

fn compiled(shape: &str) -> Regex {
    Regex::new(shape).expect("internal error: a redaction rule does not compile")
}

static AUTHORIZATION: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r#"(?i)authorization\\?["']?[ \t]{0,4}[:=][ \t]{0,4}\\?["']?(?:(?:basic|bearer|token|digest|negotiate|apikey|aws4-hmac-sha256)[ \t]{1,4})?(?<value>[^\s"'\\,;<>]+)"#,
    )
});
static BEARER: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"\b(?:Bearer|bearer|BEARER)(?<gap>[ \t]{1,4}|%20|\+)(?<value>[0-9A-Za-z._~+/=-]+)"));
static COOKIE: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r#"(?i)\b(?:set-)?cookie\\?["']?[ \t]{0,4}:[ \t]{0,4}\\?["']?(?<value>[^\s"'\\<>=;,]{1,128}=[^\r\n"'\\]*)"#,
    )
});
static KEYED: LazyLock<Regex> = LazyLock::new(|| {
    compiled(concat!(
        r"(?i)(?:api[_-]?key|secret[_-]?key|private[_-]?key|access[_-]?key|auth[_-]?key|account[_-]?key|encryption[_-]?key|signing[_-]?key|",
        r"secret|token|passw(?:or)?d|passphrase|[_-]pass|pwd|credentials?|connection[_-]?string)",
        r#"(?:\\?["']|\])?(?<gap>[ \t]{0,4}(?:=>|:=|==|[:=])[ \t]{0,4})"#,
    ))
});

/// Finds everything that its surroundings name as a secret.
pub(crate) fn find(text: &str, found: &mut Vec<Finding>) {
    for captures in AUTHORIZATION.captures_iter(text) {
        push(text, "authorization", &captures, found, false);
    }
    for captures in BEARER.captures_iter(text) {
        let value = captures.name("value").map_or("", |m| m.as_str());
        let spoken = captures.name("gap").is_some_and(|gap| gap.as_str() == " ")
            && (value.len() < 4
                || value.bytes().all(|b| b.is_ascii_alphabetic() || matches!(b, b'.' | b'-')) && value.len() < 20);
        if !spoken {
            push(text, "bearer-token", &captures, found, false);
        }
    }
    for captures in COOKIE.captures_iter(text) {
        push(text, "cookie", &captures, found, false);
    }
    addresses(text, found);
    assignments(text, found);
}

fn push(text: &str, rule: &'static str, captures: &regex::Captures<'_>, found: &mut Vec<Finding>, certain: bool) {
    let Some(value) = captures.name("value") else { return };
    let trimmed = value.as_str().trim_end_matches(['.', ' ', '\t']);
    if !trimmed.is_empty()
        && !is_reference(trimmed)
        && !looks_like_code(trimmed)
        && !placeholder::is_only_placeholders(&text[value.start()..value.start() + trimmed.len()])
    {
        let end = value.start() + trimmed.len();
        found.push(Finding { certain, ..Finding::new(rule, Label::Secret, value.start(), end) });
    }
}

/// The longest part of an address before its `@`.
const LONGEST_USERINFO: usize = 1024;

/// Finds the password in `scheme://user:password@host`, or the user where it stands alone and is long enough for a token.
fn addresses(text: &str, found: &mut Vec<Finding>) {
    let bytes = text.as_bytes();
    let mut after_last = 0;
    for at in memmem::find_iter(bytes, b"://") {
        let start = at + 3;
        if start < after_last || at == 0 || !bytes[at - 1].is_ascii_alphanumeric() {
            continue;
        }
        let limit = (start + LONGEST_USERINFO).min(bytes.len());
        let stops = |b: &u8| {
            matches!(b, b'/' | b'?' | b'#' | b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\') || b.is_ascii_whitespace()
        };
        // A placeholder has brackets, but nothing after them is part of a fresh secret.
        let length = bytes[start..limit].iter().position(stops).unwrap_or(limit - start);
        let Some(sign) = memchr::memrchr(b'@', &bytes[start..start + length]) else { continue };
        let userinfo = &text[start..start + sign];
        let colon = userinfo.find(':');
        let (from, secret) = match colon {
            Some(colon) => (start + colon + 1, &userinfo[colon + 1..]),
            None if userinfo.len() >= 16 => (start, userinfo),
            None => continue,
        };
        if !secret.is_empty() && !is_reference(secret) {
            found.push(Finding {
                certain: secret.len() >= 3 && colon.is_some() && !is_example(secret),
                ..Finding::new("url-password", Label::Secret, from, start + sign)
            });
        }
        after_last = start + sign;
    }
}

/// Finds the value in `token=…`, `"api_key": "…"`, `DB_PASSWORD: …`.
fn assignments(text: &str, found: &mut Vec<Finding>) {
    let mut at = 0;
    while let Some(captures) = KEYED.captures_at(text, at) {
        let (Some(whole), Some(gap)) = (captures.get(0), captures.name("gap")) else { break };
        at = whole.end();
        let rest = &text[at..];
        let quoted = rest.strip_prefix('\\').unwrap_or(rest).chars().next().filter(|c| matches!(c, '"' | '\'' | '`'));
        let (from, value) = if let Some(quote) = quoted {
            let from = at + rest.find(quote).unwrap_or(0) + 1;
            let near = &text[from..floor_boundary(text, from + LONGEST_VALUE)];
            let Some(length) = near.find([quote, '\n', '\r']).filter(|n| near[*n..].starts_with(quote)) else {
                continue;
            };
            (from, near[..length].trim_end_matches('\\'))
        } else {
            let near = &text[at..floor_boundary(text, at + LONGEST_VALUE)];
            let ends = |c: char| {
                c.is_whitespace()
                    || matches!(c, '"' | '\'' | '`' | ',' | ';' | '&' | '}' | ')' | ']' | '<' | '>' | '\\')
            };
            (at, &near[..near.find(ends).unwrap_or(near.len())])
        };
        let glued = !gap.as_str().contains([' ', '\t']) && gap.as_str() == "=";
        let keeps = if quoted.is_some() {
            value.len() >= 4 && !is_reference(value)
        } else {
            !is_reference(value)
                && !looks_like_code(value)
                && if glued { value.len() >= 4 } else { is_random(value, 6) }
        };
        // `PWD=/home/x` is a shell's working directory, in every dump of an environment.
        let folder = whole.as_str().to_ascii_lowercase().starts_with("pwd") && value.starts_with('/');
        if keeps && !folder && !placeholder::is_only_placeholders(value) {
            let sure = if quoted.is_some() { is_random(value, 8) && !is_name(value) } else { is_opaque(value) };
            let certain = sure && !is_example(value) && !value.contains(' ') && begins_name(text, whole.start());
            found.push(Finding { certain, ..Finding::new("keyed-secret", Label::Secret, from, from + value.len()) });
            at = from + value.len();
        }
    }
}

/// A longer value is no secret that a person typed.
const LONGEST_VALUE: usize = 4096;

fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Returns whether a key's last word begins where the search found it: `my_token`, `apiToken`, not `monkeytoken`.
fn begins_name(text: &str, at: usize) -> bool {
    begins_word(text, at)
        || text.as_bytes().get(at.wrapping_sub(1)).is_some_and(|b| *b == b'_')
        || text.as_bytes().get(at).is_some_and(u8::is_ascii_uppercase)
}

/// Returns whether a value has letters and digits and a certain length.
fn is_random(value: &str, length: usize) -> bool {
    value.chars().count() >= length
        && value.bytes().any(|b| b.is_ascii_alphabetic())
        && value.bytes().any(|b| b.is_ascii_digit())
}

/// Returns whether a value is words with a number behind, as names of keys are: `access_token_v2`.
fn is_name(value: &str) -> bool {
    let words = value.trim_end_matches(|c: char| c.is_ascii_digit());
    let plain = |b: u8| b.is_ascii_lowercase() || matches!(b, b'_' | b'-' | b'.' | b':' | b'/');
    value.len() - words.len() <= 2 && words.bytes().all(plain)
}

/// Returns whether an unquoted value is no name of a program's: long, with several digits, of one piece.
fn is_opaque(value: &str) -> bool {
    value.len() >= 16
        && value.bytes().filter(u8::is_ascii_digit).count() >= 4
        && value.bytes().any(|b| b.is_ascii_alphabetic())
        && !value.contains(['.', '_'])
}

/// Returns whether a value only says where the secret is, or that there is none.
fn is_reference(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    matches!(
        lower.as_str(),
        "true"
            | "false"
            | "null"
            | "none"
            | "nil"
            | "undefined"
            | "string"
            | "str"
            | "bool"
            | "required"
            | "optional"
            | "bearer"
            | "basic"
            | "token"
            | "digest"
            | "negotiate"
            | "apikey"
    ) || (value.starts_with('<') && value.ends_with('>'))
        || (value.starts_with('{') && value.ends_with('}'))
        || (value.starts_with('%') && value.len() <= 3)
        || value.starts_with("$(")
        || value
            .strip_prefix('$')
            .is_some_and(|name| name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_'))
        || (value.contains("${") && value.ends_with('}'))
        || (value.starts_with("{{") && value.ends_with("}}"))
        || placeholder::is_only_placeholders(value)
        || value.len() >= 3 && value.bytes().all(|b| matches!(b, b'*' | b'x' | b'X' | b'.' | b'-' | b'_' | b'='))
}

/// Returns whether an unquoted value is an expression rather than a value.
fn looks_like_code(value: &str) -> bool {
    value.contains(['(', '[', '{', '|', '!']) || value.contains("::") || value.contains("->") || {
        let head = value.split('.').next().unwrap_or(value);
        value.contains('.')
            && matches!(
                head,
                "self"
                    | "this"
                    | "os"
                    | "process"
                    | "env"
                    | "config"
                    | "settings"
                    | "cls"
                    | "ctx"
                    | "req"
                    | "request"
                    | "args"
                    | "options"
                    | "opts"
                    | "props"
                    | "state"
            )
    }
}

/// Returns whether a value says itself that it is no real secret.
fn is_example(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    ["example", "changeme", "change_me", "placeholder", "dummy", "your-", "your_", "redacted", "fake"]
        .iter()
        .any(|word| lower.contains(word))
}
