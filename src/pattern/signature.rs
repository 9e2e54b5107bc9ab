//! Message templates: which messages a pattern is for, and what it captures from them. Layer 1.
//!
//! A template is plain text with holes `{name}`, `{name:ident}` and `{name:int}`. It is no regular expression, so that
//! none can be slow or mean more than it says.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use regex::Regex;

/// What a template captured, by the names of its holes.
pub type Captures = BTreeMap<String, String>;

/// The longest template, in bytes.
pub(super) const MAX_TEMPLATE: usize = 500;
/// The most of a message that is read, in bytes (V-94).
pub(super) const MAX_MESSAGE: usize = 8 << 10;

/// What a hole of a template takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HoleKind {
    /// As little as possible of one line; as much as possible where nothing follows.
    Free,
    /// A name: a letter, `_` or `$`, then letters, digits, `_` and `$`.
    Ident,
    /// A whole number.
    Int,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Hole(String, HoleKind),
}

/// A message template; unanchored unless it begins with `^` or ends with `$`, which stand for the ends of a line.
#[derive(Debug)]
pub(crate) struct Template {
    text: String,
    parts: Vec<Part>,
    at_start: bool,
    at_end: bool,
    compiled: OnceLock<Option<Regex>>,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// When it is empty, too long, or has nothing but holes.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        if text.len() > MAX_TEMPLATE {
            return Err(format!("the message template has {} bytes, more than {MAX_TEMPLATE}", text.len()));
        }
        let at_start = text.starts_with('^');
        let body = text.strip_prefix('^').unwrap_or(text);
        let at_end = body.ends_with('$');
        let body = body.strip_suffix('$').unwrap_or(body);
        let parts = parts(body);
        let words: usize =
            parts.iter().map(|part| if let Part::Literal(text) = part { text.trim().len() } else { 0 }).sum();
        // `^$` is for exceptions that say nothing; anything else without text would fit every message.
        if words == 0 && text != "^$" {
            return Err(format!("the message template {text:?} has no text of its own and would fit every message"));
        }
        if parts.windows(2).any(|pair| matches!(pair, [Part::Hole(_, HoleKind::Free), Part::Hole(..)])) {
            return Err(format!("the message template {text:?} has a free hole directly before another hole"));
        }
        Ok(Self { text: text.to_owned(), parts, at_start, at_end, compiled: OnceLock::new() })
    }

    /// Returns the template as written.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the names and kinds of the holes.
    pub(crate) fn holes(&self) -> impl Iterator<Item = (&str, HoleKind)> {
        self.parts.iter().filter_map(|part| match part {
            Part::Hole(name, kind) => Some((name.as_str(), *kind)),
            Part::Literal(_) => None,
        })
    }

    /// Returns the longest literal text, which every message that fits contains.
    pub(crate) fn literal(&self) -> &str {
        self.parts
            .iter()
            .filter_map(|part| if let Part::Literal(text) = part { Some(text.as_str()) } else { None })
            .max_by_key(|text| text.len())
            .unwrap_or("")
    }

    /// Returns how many words the template fixes, a measure of how specific it is.
    pub(crate) fn words(&self) -> usize {
        self.parts
            .iter()
            .map(|part| if let Part::Literal(text) = part { text.split_whitespace().count() } else { 0 })
            .sum()
    }

    /// Returns what the template captures from a message, `None` where it does not fit.
    pub(crate) fn captures(&self, message: &str) -> Option<Captures> {
        let regex = self.compiled.get_or_init(|| Regex::new(&self.expression()).ok()).as_ref()?;
        let found = regex.captures(cut(message))?;
        let mut captures = Captures::new();
        let mut group = 0;
        for (name, _) in self.holes() {
            group += 1;
            let text = found.get(group)?.as_str();
            // One name twice means the same text twice.
            if captures.insert(name.to_owned(), text.to_owned()).is_some_and(|earlier| earlier != text) {
                return None;
            }
        }
        Some(captures)
    }

    fn expression(&self) -> String {
        if self.parts.is_empty() {
            return r"\A\s*\z".to_owned();
        }
        let mut expression = String::from(if self.at_start { "(?m)^" } else { "(?m)" });
        for (at, part) in self.parts.iter().enumerate() {
            let is_last = at + 1 == self.parts.len();
            expression.push_str(&match part {
                Part::Literal(text) => regex::escape(text),
                Part::Hole(_, HoleKind::Free) if is_last => r"([^\r\n]+)".to_owned(),
                Part::Hole(_, HoleKind::Free) => r"([^\r\n]+?)".to_owned(),
                Part::Hole(_, HoleKind::Ident) => r"([\p{L}_$][\p{L}\p{N}_$]*)".to_owned(),
                Part::Hole(_, HoleKind::Int) => "(-?[0-9]+)".to_owned(),
            });
        }
        if self.at_end {
            expression.push_str(r"\r?$");
        }
        expression
    }
}

/// Returns the beginning of a message that is read.
pub(crate) fn cut(message: &str) -> &str {
    let mut end = message.len().min(MAX_MESSAGE);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    &message[..end]
}

fn parts(body: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = body;
    while let Some(open) = rest.find('{') {
        let hole = rest[open + 1..].split_once('}').and_then(|(inner, after)| Some((hole(inner)?, after)));
        let Some((hole, after)) = hole else {
            // A brace that opens no hole is text of the message.
            literal.push_str(&rest[..=open]);
            rest = &rest[open + 1..];
            continue;
        };
        literal.push_str(&rest[..open]);
        if !literal.is_empty() {
            parts.push(Part::Literal(std::mem::take(&mut literal)));
        }
        parts.push(hole);
        rest = after;
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        parts.push(Part::Literal(literal));
    }
    parts
}

fn hole(inner: &str) -> Option<Part> {
    let (name, kind) = match inner.split_once(':') {
        None => (inner, HoleKind::Free),
        Some((name, "ident")) => (name, HoleKind::Ident),
        Some((name, "int")) => (name, HoleKind::Int),
        Some(_) => return None,
    };
    is_hole_name(name).then(|| Part::Hole(name.to_owned(), kind))
}

/// Returns whether a text can name a hole: a small letter, then small letters, digits and `_`.
pub(crate) fn is_hole_name(name: &str) -> bool {
    name.len() <= 32
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Returns the last segment of a type's name: `java.lang.NullPointerException` is a `NullPointerException`.
pub(crate) fn last_segment(type_name: &str) -> &str {
    type_name.rsplit(['.', ':', '\\', '$', '/']).next().unwrap_or(type_name).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captured(template: &str, message: &str) -> Option<Vec<(String, String)>> {
        Template::new(template).ok()?.captures(message).map(|captures| captures.into_iter().collect())
    }

    fn pair(name: &str, text: &str) -> (String, String) {
        (name.to_owned(), text.to_owned())
    }

    #[test]
    fn holes_capture_names_numbers_and_as_little_as_they_can() {
        assert_eq!(
            captured(
                "undefined is not an object (evaluating '{object}.{prop:ident}')",
                "TypeError: undefined is not an object (evaluating 'cart.lines[0].price')"
            ),
            Some(vec![pair("object", "cart.lines[0]"), pair("prop", "price")])
        );
        assert_eq!(captured("index {i:int} of {n:int}", "index 5 of 3"), Some(vec![pair("i", "5"), pair("n", "3")]));
        assert_eq!(captured("name '{n:ident}' is", "name 'a b' is"), None);
        assert_eq!(
            captured("{n:ident} is not a function", "this.a(...).map is not a function"),
            Some(vec![pair("n", "map")])
        );
        assert_eq!(captured("got: {rest}", "got: all of it\nnot this"), Some(vec![pair("rest", "all of it")]));
    }

    #[test]
    fn templates_are_unanchored_unless_they_say_so() {
        assert!(captured("a b", "x a b y").is_some());
        assert!(captured("^a b$", "x a b").is_none());
        assert!(captured("^a b$", "first\r\na b\r\nlast").is_some());
    }

    #[test]
    fn an_empty_anchored_template_is_for_exceptions_that_say_nothing() {
        assert!(captured("^$", "").is_some() && captured("^$", " \n").is_some());
        assert!(captured("^$", "a\n\nb").is_none());
    }

    #[test]
    fn a_name_used_twice_must_capture_one_text() {
        assert!(captured("{a:ident} and {a:ident}", "x and x").is_some());
        assert!(captured("^{a:ident} and {a:ident}$", "x and y").is_none());
    }

    #[test]
    fn braces_and_signs_of_regular_expressions_are_text() {
        assert!(captured("a.b(c)+ {D} {", "a.b(c)+ {D} {").is_some());
        assert!(captured("a.b", "axb").is_none());
    }

    #[test]
    fn templates_that_fit_everything_are_refused() {
        for bad in ["", "{a}", "^{a}$", " {a} ", "{a}{b}: x"] {
            assert!(Template::new(bad).is_err(), "{bad:?}");
        }
        assert!(Template::new(&"x".repeat(MAX_TEMPLATE + 1)).is_err());
    }

    #[test]
    fn v_94_only_the_beginning_of_a_huge_message_is_read() {
        let message = format!("{}needle", "ä".repeat(MAX_MESSAGE));
        assert!(captured("needle", &message).is_none());
    }

    #[test]
    fn types_are_known_by_their_last_segment() {
        for (name, last) in [
            ("java.lang.NullPointerException", "NullPointerException"),
            ("TypeError", "TypeError"),
            ("App\\Errors\\Missing", "Missing"),
            ("core::Foo", "Foo"),
        ] {
            assert_eq!(last_segment(name), last);
        }
    }
}
