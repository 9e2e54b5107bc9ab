//! Small hand-written scanners that the automata share: numbers, positions, type names, error headers.
//!
//! Each looks at one line, from left to right, in linear time. Layer 1.

use crate::intake::clean::Line;
use crate::model::{Exception, Frame, Untrusted};

/// The most lines of a message before its first frame.
pub(crate) const MAX_MESSAGE_LINES: usize = 40;
/// The longest message that is kept.
pub(crate) const MAX_MESSAGE: usize = 4 * 1024;
/// The most frames that an exception keeps; deep recursion repeats itself.
pub(crate) const MAX_FRAMES: usize = 256;
/// The most exceptions that a chain keeps.
pub(crate) const MAX_CHAIN: usize = 32;

/// The line that names an error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Header {
    /// The type as written.
    pub(crate) type_name: String,
    /// The message's lines, joined.
    pub(crate) message: String,
    /// A code in brackets after the type, as in `Error [ERR_X]: text`.
    pub(crate) code: Option<String>,
}

impl Header {
    /// Makes an exception without frames.
    pub(crate) fn into_exception(self) -> Exception {
        Exception { type_name: self.type_name, message: message(&self.message), frames: Vec::new() }
    }
}

/// Trims and caps a message.
pub(crate) fn message(text: &str) -> Untrusted {
    let text = text.trim();
    let mut end = text.len().min(MAX_MESSAGE);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Untrusted::new(&text[..end])
}

/// Adds a line to a message, within the cap.
pub(crate) fn extend(message: &mut String, line: &str) {
    if message.len() + line.len() < MAX_MESSAGE {
        message.push('\n');
        message.push_str(line);
    }
}

/// Adds a frame, within the cap.
pub(crate) fn add_frame(frames: &mut Vec<Frame>, frame: Frame) {
    if frames.len() < MAX_FRAMES {
        frames.push(frame);
    }
}

/// Reads a number from 0 that fits a line.
pub(crate) fn number(text: &str) -> Option<u32> {
    ((1..=9).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// Splits `path:line:column` or `path:line` from the right.
pub(crate) fn position(text: &str) -> Option<(&str, u32, Option<u32>)> {
    let (rest, last) = text.rsplit_once(':')?;
    let last = number(last)?;
    if let Some((path, line)) = rest.rsplit_once(':')
        && let Some(line) = number(line)
    {
        return (!path.is_empty()).then_some((path, line, Some(last)));
    }
    (!rest.is_empty()).then_some((rest, last, None))
}

/// Returns whether the text is one name, possibly qualified: `a.b.C`, `a::C`, `A\B`, `C$D`.
pub(crate) fn is_name(text: &str) -> bool {
    text.len() <= 300
        && text.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '\\')
        && !text.ends_with(['.', ':', '\\'])
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | ':' | '\\' | '$' | '`' | '+'))
        && !text.contains("..")
}

/// Returns whether a name says by itself that it is an error's type.
pub(crate) fn is_error_type(text: &str) -> bool {
    const SUFFIXES: [&str; 7] = ["Error", "Exception", "Failure", "Warning", "Fault", "ExceptionGroup", "Throwable"];
    const NAMES: [&str; 14] = [
        "KeyboardInterrupt",
        "StopIteration",
        "StopAsyncIteration",
        "SystemExit",
        "GeneratorExit",
        "DoesNotExist",
        "ObjectDoesNotExist",
        "MultipleObjectsReturned",
        "Http404",
        "RecordNotFound",
        "RecordInvalid",
        "NotFound",
        "PermissionDenied",
        "Timeout",
    ];
    if !is_name(text) {
        return false;
    }
    let last = text.rsplit(['.', ':', '\\', '$', '+']).next().unwrap_or(text);
    let last = last.trim_end_matches(|c: char| c.is_ascii_digit() || c == '`');
    last.starts_with(char::is_uppercase)
        && (SUFFIXES.iter().any(|suffix| last.ends_with(suffix)) || NAMES.contains(&last) && text.len() > 8)
}

/// Removes what stands before the type in an error's header.
pub(crate) fn strip_lead(text: &str) -> &str {
    let mut rest = text;
    for _ in 0..4 {
        let before = rest.len();
        for lead in [
            "Uncaught (in promise) ",
            "(in promise) ",
            "Uncaught ",
            "Unhandled exception. ",
            "Unhandled exception: ",
            "Unhandled Exception: ",
            "Unhandled Rejection: ",
            "Unhandled rejection ",
            "UnhandledPromiseRejection: ",
            "UnhandledPromiseRejectionWarning: ",
            "uncaughtException: ",
            "uncaughtException ",
            "Caused by: ",
            "caused by: ",
            "[cause]: ",
            "FATAL EXCEPTION: ",
            "ERROR: ",
            "error: ",
        ] {
            if let Some(inner) = rest.strip_prefix(lead) {
                rest = inner.trim_start();
            }
        }
        if let Some(inner) = rest.strip_prefix("Exception in thread \"")
            && let Some((_, inner)) = inner.split_once("\" ")
        {
            rest = inner.trim_start();
        }
        if let Some(inner) = rest.strip_prefix("(node:")
            && let Some((_, inner)) = inner.split_once(") ")
        {
            rest = inner;
        }
        if rest.len() == before {
            break;
        }
    }
    rest
}

/// Reads `Type: message`, `Type [CODE]: message`, `Type (CODE): message` or `Type` alone, for any name as the type.
pub(crate) fn header(text: &str) -> Option<Header> {
    let text = strip_lead(text);
    // An error printed without a stack stands in brackets.
    let text = match text.strip_prefix('[') {
        Some(inner) if is_error_type(inner.split([':', ' ', ']']).next().unwrap_or("")) => {
            let inner = inner.trim_end_matches(" {").trim_end();
            inner.strip_suffix(']').unwrap_or(inner)
        }
        _ => text,
    };
    let end = text.find([' ', '[', '(']).unwrap_or(text.len());
    let first = &text[..end];
    if let Some(name) = first.strip_suffix(':') {
        return is_name(name).then(|| Header {
            type_name: name.to_owned(),
            message: text[end..].trim().to_owned(),
            code: None,
        });
    }
    // `Type:message` without a space is no header, except at the line's end.
    if !is_name(first) {
        return None;
    }
    let rest = text[end..].trim_start();
    // .NET's test runner puts a space before the colon.
    if let Some(message) = rest.strip_prefix(": ").filter(|_| is_error_type(first)) {
        return Some(Header { type_name: first.to_owned(), message: message.trim().to_owned(), code: None });
    }
    for (open, close) in [('[', ']'), ('(', ')')] {
        if let Some(inner) = rest.strip_prefix(open)
            && let Some((code, tail)) = inner.split_once(close)
            && let Some(message) = tail.strip_prefix(':')
            && code.len() <= 64
        {
            return Some(Header {
                type_name: first.to_owned(),
                message: message.trim().to_owned(),
                code: (open == '[').then(|| code.to_owned()),
            });
        }
    }
    rest.is_empty().then(|| Header { type_name: first.to_owned(), message: String::new(), code: None })
}

/// Reads a header whose type is an error by its name, at the start of the line or after a logger's words.
pub(crate) fn error_header(text: &str) -> Option<Header> {
    if let Some(found) = header(text)
        && is_error_type(&found.type_name)
    {
        return Some(found);
    }
    None
}

/// Finds `a.b.SomeError: message` behind a logger's words on the same line.
pub(crate) fn error_within(text: &str) -> Option<Header> {
    let mut rest = text;
    for _ in 0..64 {
        let (_, after) = rest.split_once(' ')?;
        rest = after.trim_start();
        let word = rest.split(' ').next().unwrap_or("");
        if word.strip_suffix(':').is_some_and(is_error_type) {
            return header(rest);
        }
    }
    None
}

/// Looks upward from the first frame for the line that names the error; `low` is the first line that may be it.
///
/// What stands between the two is the rest of the message. Without a telling type the line just above is taken if
/// it has the shape of a header.
pub(crate) fn heading(lines: &[Line<'_>], first: usize, low: usize) -> Option<(usize, Header)> {
    let low = first.saturating_sub(MAX_MESSAGE_LINES).max(low);
    for at in (low..first).rev() {
        let Some(mut found) = error_header(lines[at].text) else { continue };
        for line in &lines[at + 1..first] {
            extend(&mut found.message, line.text);
        }
        return Some((at, found));
    }
    let above = first.checked_sub(1).filter(|at| *at >= low)?;
    let text = lines[above].text;
    error_within(text).or_else(|| header(text).filter(|h| !h.message.is_empty())).map(|found| (above, found))
}

/// Cuts an argument list at the end of a function: `f(a, (b))` becomes `f`.
pub(crate) fn cut_arguments(text: &str) -> &str {
    let text = text.trim_end();
    if !text.ends_with(')') {
        return text;
    }
    let mut depth = 0_usize;
    for (at, c) in text.char_indices().rev() {
        match c {
            ')' => depth += 1,
            '(' => {
                depth -= 1;
                if depth == 0 {
                    return text[..at].trim_end();
                }
            }
            _ => {}
        }
    }
    text
}

/// Splits `module.function` at the last dot outside brackets.
pub(crate) fn split_member(name: &str) -> (Option<String>, String) {
    let mut depth = 0_i32;
    for (at, c) in name.char_indices().rev() {
        match c {
            '>' | ']' | ')' => depth += 1,
            '<' | '[' | '(' => depth -= 1,
            '.' if depth <= 0 && at > 0 => {
                // `Type..ctor`: the dot belongs to the name.
                let cut = if name[..at].ends_with('.') { at - 1 } else { at };
                return (Some(name[..cut].to_owned()), name[cut + 1..].to_owned());
            }
            _ => {}
        }
    }
    (None, name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_in_all_their_shapes() {
        let read = |text| header(text).map(|h| (h.type_name, h.message, h.code));
        let some = |t: &str, m: &str, c: Option<&str>| Some((t.to_owned(), m.to_owned(), c.map(str::to_owned)));
        assert_eq!(read("TypeError: x: y"), some("TypeError", "x: y", None));
        assert_eq!(read("Uncaught (in promise) Error: x"), some("Error", "x", None));
        assert_eq!(read("AssertionError [ERR_ASSERTION]: x"), some("AssertionError", "x", Some("ERR_ASSERTION")));
        assert_eq!(read("Exception in thread \"a b\" java.lang.Error"), some("java.lang.Error", "", None));
        assert_eq!(read("[AggregateError: All lost] {"), some("AggregateError", "All lost", None));
        assert_eq!(read("see foo: it fails"), None);
        assert_eq!(error_header("note: x"), None);
        assert_eq!(
            error_within("main ERROR c.a.X - a.b.MyException: hm").map(|h| h.type_name).as_deref(),
            Some("a.b.MyException")
        );
    }

    #[test]
    fn positions_are_read_from_the_right() {
        assert_eq!(position("C:\\a\\b.js:3:5"), Some(("C:\\a\\b.js", 3, Some(5))));
        assert_eq!(position("a.rs:7"), Some(("a.rs", 7, None)));
        assert_eq!(position(":7"), None);
        assert_eq!(position("a:b"), None);
    }

    #[test]
    fn arguments_and_members_are_split_by_brackets() {
        assert_eq!(cut_arguments("a.(*T).M(0x1, {0x2, f()})"), "a.(*T).M");
        assert_eq!(split_member("Ns.T..ctor"), (Some("Ns.T".into()), ".ctor".into()));
        assert_eq!(split_member("Ns.T.<M>g__A.b|0"), (Some("Ns.T.<M>g__A".into()), "b|0".into()));
        assert_eq!(split_member("main"), (None, "main".into()));
    }
}
