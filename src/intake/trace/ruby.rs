//! Errors of Ruby: `file:line:in 'method': message (Type)` with `from` lines, older quotes and orders, Rails logs,
//! minitest. Layer 1.

use crate::intake::clean::Line;
use crate::intake::scan::{self, Header, MAX_CHAIN, add_frame};
use crate::intake::trace::Trace;
use crate::model::{Exception, Frame, Language};

pub(super) fn scan(lines: &[Line<'_>]) -> Vec<Trace> {
    let mut found = Vec::new();
    let mut low = 0;
    let mut at = 0;
    while at < lines.len() {
        let trace = raised(lines, at).or_else(|| reversed(lines, at)).or_else(|| listed(lines, at, low));
        match trace {
            Some(trace) => {
                at = trace.end.max(at + 1);
                low = at;
                found.push(trace);
            }
            None => at += 1,
        }
    }
    found
}

/// `f.rb:3:in 'm': message (Type)`, the `from` lines, then its causes in the same form.
fn raised(lines: &[Line<'_>], start: usize) -> Option<Trace> {
    let mut chain = Vec::new();
    let mut at = start;
    let mut end = start;
    while let Some((exception, next)) = one(lines, at) {
        chain.push(exception);
        at = next;
        end = next;
        if chain.len() >= MAX_CHAIN {
            break;
        }
        if lines.get(at).is_some_and(Line::is_blank) {
            at += 1;
        }
    }
    // A cause is printed after what it caused.
    chain.reverse();
    (!chain.is_empty()).then(|| Trace::new(Language::Ruby, start, end, chain))
}

fn one(lines: &[Line<'_>], start: usize) -> Option<(Exception, usize)> {
    let (frame, rest) = frame(lines.get(start)?.text)?;
    let rest = rest.strip_prefix(": ")?;
    let mut end = start + 1;
    let (mut message, mut type_name) = typed(rest);
    // A message with several lines has its type at the end of its first; hints follow.
    while type_name.is_some()
        && let Some(line) = lines.get(end)
        && end < start + scan::MAX_MESSAGE_LINES
        && is_hint(lines, end)
    {
        scan::extend(&mut message, line.text);
        end += 1;
    }
    let mut frames = vec![frame];
    while let Some(next) = lines.get(end).and_then(|line| line.text.strip_prefix("from ")).and_then(self::frame) {
        add_frame(&mut frames, next.0);
        end += 1;
    }
    if type_name.is_none() {
        // Only with its callers is a line without a type an error rather than a warning.
        if frames.len() < 2 {
            return None;
        }
        type_name = Some("RuntimeError".to_owned());
    }
    let exception = Exception { type_name: type_name.unwrap_or_default(), message: scan::message(&message), frames };
    Some((exception, end))
}

/// Lines between the message and the first `from` belong to the message if such a line comes soon.
fn is_hint(lines: &[Line<'_>], at: usize) -> bool {
    if lines[at].text.starts_with("from ") || frame(lines[at].text).is_some() {
        return false;
    }
    lines[at..].iter().take(8).any(|line| line.text.strip_prefix("from ").and_then(frame).is_some())
}

/// Splits `message (Type)`.
fn typed(text: &str) -> (String, Option<String>) {
    if let Some(inner) = text.strip_suffix(')')
        && let Some((message, type_name)) = inner.rsplit_once('(')
        && scan::is_name(type_name)
        && type_name.starts_with(char::is_uppercase)
    {
        return (message.trim().to_owned(), Some(type_name.to_owned()));
    }
    (text.to_owned(), None)
}

/// Ruby 2.5 to 2.7 on a terminal: `Traceback (most recent call last):`, numbered callers, the error last.
fn reversed(lines: &[Line<'_>], start: usize) -> Option<Trace> {
    if lines[start].text != "Traceback (most recent call last):" {
        return None;
    }
    let mut callers = Vec::new();
    let mut at = start + 1;
    while let Some((number, rest)) = lines.get(at).and_then(|line| line.text.split_once(": from ")) {
        scan::number(number.trim())?;
        callers.push(frame(rest)?.0);
        at += 1;
    }
    let (mut exception, end) = one(lines, at)?;
    callers.reverse();
    for caller in callers {
        add_frame(&mut exception.frames, caller);
    }
    Some(Trace::new(Language::Ruby, start, end, vec![exception]))
}

/// Bare frames under a header: Rails logs, minitest, bug trackers.
fn listed(lines: &[Line<'_>], first: usize, low: usize) -> Option<Trace> {
    let bare = |at: usize| -> Option<Frame> {
        let text = lines.get(at)?.text;
        // RSpec puts a number sign before each caller.
        let text = text.strip_prefix("from ").or_else(|| text.strip_prefix("# ")).unwrap_or(text);
        let (frame, rest) = frame(text)?;
        (rest.is_empty() && frame.function.is_some()).then_some(frame)
    };
    let frame = bare(first)?;
    let (start, header) = rails(lines, first, low)
        .or_else(|| rspec(lines, first, low))
        .or_else(|| scan::heading(lines, first, low))
        .unwrap_or_else(|| (first, Header::default()));
    let mut exception = header.into_exception();
    add_frame(&mut exception.frames, frame);
    let mut end = first + 1;
    while let Some(frame) = bare(end) {
        add_frame(&mut exception.frames, frame);
        end += 1;
    }
    Some(Trace::new(Language::Ruby, start, end, vec![exception]))
}

/// `NoMethodError (undefined method 'x' for nil):` two lines above the first frame.
fn rails(lines: &[Line<'_>], first: usize, low: usize) -> Option<(usize, Header)> {
    (first.saturating_sub(4).max(low)..first).rev().find_map(|at| {
        let inner = lines[at].text.strip_suffix("):")?;
        let (type_name, message) = inner.split_once(" (")?;
        let header = Header { type_name: type_name.to_owned(), message: message.to_owned(), code: None };
        scan::is_error_type(type_name).then_some((at, header))
    })
}

/// `Failure/Error: source`, a blank line, then what was expected; RSpec gives no type for an expectation.
fn rspec(lines: &[Line<'_>], first: usize, low: usize) -> Option<(usize, Header)> {
    let low = first.saturating_sub(scan::MAX_MESSAGE_LINES).max(low);
    let start = (low..first).rev().find(|at| lines[*at].text.starts_with("Failure/Error:"))?;
    let from = (start..first).find(|at| lines[*at].is_blank())? + 1;
    if lines[from..first].iter().any(|line| scan::error_header(line.text).is_some()) {
        return None;
    }
    let mut header = Header { type_name: "AssertionError".to_owned(), ..Header::default() };
    for line in &lines[from..first] {
        scan::extend(&mut header.message, line.text);
    }
    Some((start, header))
}

/// Reads `path:line:in 'method'`, old and new quotes; returns what follows too.
fn frame(text: &str) -> Option<(Frame, &str)> {
    // The path is what stands before the first `:digits:` or `:digits` at the end.
    let mut from = 0;
    let (path, line, rest) = loop {
        let colon = from + text.get(from..)?.find(':')?;
        let after = &text[colon + 1..];
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        let rest = &after[digits..];
        if digits > 0 && (rest.is_empty() || rest.starts_with(':')) {
            break (&text[..colon], scan::number(&after[..digits])?, rest);
        }
        from = colon + 1;
    };
    let ruby = [".rb", ".rake", ".erb", ".haml", ".slim", ".ru", ".gemspec", "Rakefile", "(irb)", "-e", "(eval)"];
    let bin = path.contains("/bin/") || path.starts_with("<internal:") || path.starts_with("(eval at ");
    if path.contains('\t') || !ruby.iter().any(|end| path.ends_with(end)) && !bin {
        return None;
    }
    let mut frame = Frame { path: Some(path.to_owned()), line: Some(line), ..Frame::default() };
    let Some(rest) = rest.strip_prefix(":in ") else { return Some((frame, rest)) };
    let inner = rest.strip_prefix(['`', '\''])?;
    let close = inner.find('\'')?;
    let name = &inner[..close];
    frame.function = Some(name.to_owned());
    Some((frame, &inner[close + 1..]))
}
