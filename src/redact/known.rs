//! Secret values that the program itself holds, in every coat that they may wear. Layer 1.
//!
//! Refuses values so short or so common that hiding them would blank half of a log.

use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::model::Secret;
use crate::redact::finding::{Finding, Label};

/// A shorter value is not hidden.
const SHORTEST: usize = 6;
/// An encoded form shorter than this would be found everywhere.
const SHORTEST_ENCODED: usize = 7;

/// Words that are not hidden whoever calls them a secret, in lower case.
const COMMON: &[&str] = &[
    "action",
    "actions",
    "branch",
    "commit",
    "config",
    "default",
    "develop",
    "development",
    "disabled",
    "enabled",
    "example",
    "failed",
    "failure",
    "github",
    "homeostat",
    "latest",
    "localhost",
    "master",
    "monday",
    "nobody",
    "number",
    "object",
    "origin",
    "passed",
    "password",
    "postgres",
    "production",
    "public",
    "release",
    "runner",
    "secret",
    "staging",
    "string",
    "success",
    "system",
    "testing",
    "undefined",
    "warning",
];

/// Searches text for known values.
#[derive(Debug)]
pub(crate) struct Known {
    /// Every coat of every value, for text as it is.
    plain: Option<AhoCorasick>,
    /// The bare values without white space, for text whose white space was taken out.
    squeezed: Option<AhoCorasick>,
    /// Every part of a value that counts, for what a change brings.
    parts: Option<AhoCorasick>,
    ignored: usize,
}

impl Known {
    pub(crate) fn new(secrets: &[Secret]) -> Self {
        let mut plain = BTreeSet::new();
        let mut squeezed = BTreeSet::new();
        let mut parts = BTreeSet::new();
        let mut ignored = 0;
        for secret in secrets {
            let value = secret.expose().trim();
            if value.chars().count() < SHORTEST || COMMON.contains(&value.to_lowercase().as_str()) {
                ignored += usize::from(!value.is_empty());
                continue;
            }
            coats(value, &mut plain);
            parts_of(value, &mut parts);
            let bare: String = value.chars().filter(|c| !skipped(*c)).collect();
            squeezed.insert(bare.chars().rev().collect::<String>());
            squeezed.insert(bare);
        }
        Self { plain: searcher(&plain), squeezed: searcher(&squeezed), parts: searcher(&parts), ignored }
    }

    pub(crate) const fn ignored(&self) -> usize {
        self.ignored
    }

    /// Finds known values in text as it is.
    pub(crate) fn find(&self, text: &str, found: &mut Vec<Finding>) {
        let Some(searcher) = &self.plain else { return };
        let alphabet = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_');
        for hit in searcher.find_iter(text) {
            let (mut start, mut end) = (hit.start(), hit.end());
            // The digits of base64 at both edges share bits with the value.
            if start > 0 && alphabet(text.as_bytes()[start - 1]) {
                start -= 1;
            }
            if text.as_bytes().get(end).is_some_and(|b| alphabet(*b)) {
                end += 1;
            }
            found.push(known(start, end));
        }
    }

    /// Returns the places of parts of known values, in bytes.
    pub(crate) fn parts(&self, text: &str) -> Vec<(usize, usize)> {
        let Some(searcher) = &self.parts else { return Vec::new() };
        searcher.find_iter(text).map(|hit| (hit.start(), hit.end())).collect()
    }

    /// Finds known values that white space or invisible characters split.
    pub(crate) fn find_split(&self, text: &str, found: &mut Vec<Finding>) {
        let Some(searcher) = &self.squeezed else { return };
        let mut bare = String::with_capacity(text.len());
        let mut places: Vec<usize> = Vec::with_capacity(text.len());
        for (at, c) in text.char_indices() {
            if !skipped(c) {
                bare.push(c);
                places.extend(std::iter::repeat_n(at, c.len_utf8()));
            }
        }
        if bare.len() == text.len() {
            return;
        }
        for hit in searcher.find_iter(&bare) {
            let last = places[hit.end() - 1];
            let end = last + text[last..].chars().next().map_or(1, char::len_utf8);
            found.push(known(places[hit.start()], end));
        }
    }
}

/// So much of a value is a part that counts; a shorter value counts as a whole.
const PART: usize = 12;
/// A longer value, which can only be a key in a file, is known by its beginning.
const LONGEST: usize = 16 << 10;

/// Returns whether a character may stand between the pieces of a value in a program.
pub(crate) fn is_glue(c: char) -> bool {
    skipped(c) || matches!(c, '"' | '\'' | '`' | ',' | '+' | '\\' | '(' | ')' | '[' | ']')
}

/// Adds every part of a value, as it is and without what is left out of a program's text.
fn parts_of(value: &str, parts: &mut BTreeSet<String>) {
    // The server of an address is no secret; its path may be.
    let value = match value.split_once("://") {
        Some((_, rest)) if !rest.contains('@') => rest.split_once('/').map_or("", |(_, path)| path),
        _ => value,
    };
    let bare: String = value.chars().filter(|c| !is_glue(*c)).collect();
    for text in [value, &bare] {
        let characters: Vec<char> = text.chars().take(LONGEST).collect();
        if characters.len() >= PART {
            parts.extend(characters.windows(PART).map(|part| part.iter().collect::<String>()));
        } else if characters.len() >= SHORTEST_ENCODED {
            parts.insert(characters.iter().collect());
        }
    }
}

const fn known(start: usize, end: usize) -> Finding {
    Finding { rule: "known-secret", label: Label::Secret, start, end, certain: true }
}

fn skipped(c: char) -> bool {
    c.is_whitespace() || crate::redact::controls::is_invisible(c)
}

fn searcher(values: &BTreeSet<String>) -> Option<AhoCorasick> {
    if values.is_empty() {
        return None;
    }
    // The longest first, so that a value that begins another does not leave its rest.
    Some(
        AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(values)
            .expect("internal error: the searcher for known values cannot be built"),
    )
}

fn coats(value: &str, coats: &mut BTreeSet<String>) {
    let mut add = |coat: String, shortest: usize| {
        if coat.len() >= shortest {
            coats.insert(coat);
        }
    };
    add(value.to_owned(), SHORTEST);
    add(value.chars().rev().collect(), SHORTEST);
    let hex = value.bytes().fold(String::new(), |hex, b| hex + &format!("{b:02x}"));
    add(hex.to_uppercase(), SHORTEST_ENCODED);
    add(hex, SHORTEST_ENCODED);
    for encoded in [percent(value, false), percent(value, true)] {
        add(encoded.to_lowercase(), SHORTEST);
        add(encoded, SHORTEST);
    }
    if let Ok(json) = serde_json::to_string(value) {
        let inner = json[1..json.len() - 1].to_owned();
        add(inner.replace('/', "\\/"), SHORTEST);
        add(inner, SHORTEST);
    }
    // At each offset, the digits of base64 that the value alone decides.
    for offset in 0..3_usize {
        let padded: Vec<u8> = std::iter::repeat_n(0, offset).chain(value.bytes()).collect();
        let encoded = STANDARD_NO_PAD.encode(&padded);
        let first = (offset * 8).div_ceil(6);
        let last = padded.len() * 8 / 6;
        let core = &encoded[first..last];
        add(core.replace('+', "-").replace('/', "_"), SHORTEST_ENCODED);
        add(core.to_owned(), SHORTEST_ENCODED);
    }
    // One value over several lines is looked for line by line, too.
    for line in value.lines().map(str::trim).filter(|line| line.len() >= 16) {
        add(line.to_owned(), SHORTEST);
    }
}

fn percent(value: &str, all: bool) -> String {
    let kept = |b: u8| !all && (b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'));
    value.bytes().map(|b| if kept(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
