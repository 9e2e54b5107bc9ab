//! Panics of Rust in both message formats, backtraces, and errors returned from `main`. Layer 1.

use crate::intake::clean::Line;
use crate::intake::scan::{self, MAX_CHAIN, MAX_MESSAGE_LINES, add_frame};
use crate::intake::trace::Trace;
use crate::model::{Exception, Frame, Language};

pub(super) fn scan(lines: &[Line<'_>]) -> Vec<Trace> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let trace = panic(lines, at).or_else(|| returned(lines, at)).or_else(|| lone_backtrace(lines, at));
        match trace {
            Some(trace) => {
                at = trace.end.max(at + 1);
                found.push(trace);
            }
            None => at += 1,
        }
    }
    found
}

fn panic(lines: &[Line<'_>], start: usize) -> Option<Trace> {
    let rest = lines[start].text.strip_prefix("thread '")?;
    let at = rest.find(" panicked at ")?;
    // Newer runtimes write the thread's number between the two.
    if !rest[..at].trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '(' | ')' | ' ')).ends_with('\'') {
        return None;
    }
    let rest = &rest[at + " panicked at ".len()..];
    let mut end = start + 1;
    let (message, place) = if let Some(place) = rest.strip_suffix(':').filter(|p| scan::position(p).is_some()) {
        let (message, next) = message_lines(lines, end);
        end = next;
        (message, place.to_owned())
    } else {
        // The old format quotes a message that may have several lines; its last one ends in the place.
        let mut message = String::new();
        let mut text = rest;
        let (last, place) = loop {
            if let Some(found) = old_format(text) {
                break found;
            }
            scan::extend(&mut message, text);
            text =
                lines.get(end).filter(|line| end < start + MAX_MESSAGE_LINES && !line.text.starts_with("note: "))?.text;
            end += 1;
        };
        scan::extend(&mut message, last);
        let message = message.trim();
        let message = message.strip_prefix('\'').unwrap_or(message);
        let message = message.strip_suffix('\'').unwrap_or(message);
        (message.to_owned(), place.to_owned())
    };
    let (path, line, column) = scan::position(&place)?;
    let mut frames = Vec::new();
    let mut at = end;
    while lines.get(at).is_some_and(|l| l.is_blank() || l.text.starts_with("note: ")) && at < end + 3 {
        at += 1;
    }
    if lines.get(at).is_some_and(|l| l.text == "stack backtrace:") {
        let (read, next) = backtrace(lines, at + 1);
        frames = read;
        end = next;
    }
    let place = Frame { path: Some(path.to_owned()), line: Some(line), column, ..Frame::default() };
    let shown = frames.iter().any(|f| f.line == place.line && same_file(f.path.as_deref(), place.path.as_deref()));
    if !shown {
        frames.insert(0, place);
    }
    while lines.get(end).is_some_and(|l| l.text.starts_with("note: ")) {
        end += 1;
    }
    let exception = Exception { type_name: "panic".to_owned(), message: scan::message(&message), frames };
    Some(Trace::new(Language::Rust, start, end, vec![exception]))
}

fn same_file(a: Option<&str>, b: Option<&str>) -> bool {
    let bare = |path: &str| path.trim_start_matches("./").to_owned();
    match (a.map(bare), b.map(bare)) {
        (Some(a), Some(b)) => a.ends_with(&b) || b.ends_with(&a),
        _ => false,
    }
}

/// `'message', src/a.rs:1:2`.
fn old_format(text: &str) -> Option<(&str, &str)> {
    let (message, place) = text.rsplit_once(", ")?;
    scan::position(place)?;
    Some((message, place))
}

fn message_lines(lines: &[Line<'_>], from: usize) -> (String, usize) {
    let mut message = String::new();
    let mut at = from;
    while at < lines.len() && at < from + MAX_MESSAGE_LINES {
        let text = lines[at].text;
        let over = text.is_empty()
            || text.starts_with("note: run with ")
            || text == "stack backtrace:"
            || text.starts_with("thread '")
            || text.starts_with("test result: ")
            || text.starts_with("---- ")
            || text.starts_with("error: test failed");
        if over {
            break;
        }
        scan::extend(&mut message, text);
        at += 1;
    }
    (message, at)
}

/// Reads `N: path::function` lines, each with an optional `at file:line:column` below it.
fn backtrace(lines: &[Line<'_>], from: usize) -> (Vec<Frame>, usize) {
    let mut frames: Vec<Frame> = Vec::new();
    let mut at = from;
    let mut open: Option<Frame> = None;
    while let Some(line) = lines.get(at) {
        if let Some(function) = numbered(line.text) {
            if let Some(frame) = open.take() {
                add_frame(&mut frames, frame);
            }
            open = Some(Frame { function: (!function.is_empty()).then(|| function.to_owned()), ..Frame::default() });
        } else if let Some(place) = line.text.strip_prefix("at ")
            && let Some((path, number, column)) = scan::position(place)
        {
            // One address may stand for several inlined functions: each gets its own place.
            let mut frame = open.take().unwrap_or_default();
            frame.path = Some(path.to_owned());
            frame.line = Some(number);
            frame.column = column;
            add_frame(&mut frames, frame);
        } else if is_inlined(line) {
            if let Some(frame) = open.take() {
                add_frame(&mut frames, frame);
            }
            open = Some(Frame { function: Some(line.text.to_owned()), ..Frame::default() });
        } else {
            break;
        }
        at += 1;
    }
    if let Some(frame) = open {
        add_frame(&mut frames, frame);
    }
    (frames, at)
}

/// In a full backtrace an inlined function has a line of its own, deeply indented.
fn is_inlined(line: &Line<'_>) -> bool {
    line.indent >= 20 && line.text.contains("::") && !line.text.ends_with(':')
}

fn numbered(text: &str) -> Option<&str> {
    let (number, rest) = text.split_once(": ")?;
    scan::number(number)?;
    let rest = rest.trim_start();
    // `0x55583a30d02e - main` in a full backtrace.
    let name = match rest.strip_prefix("0x") {
        Some(address) => address.split_once(" - ").map(|(_, name)| name)?,
        None => rest,
    };
    let name = name.trim();
    (!name.contains(": ")).then_some(name)
}

/// A backtrace whose panic message was left out.
fn lone_backtrace(lines: &[Line<'_>], start: usize) -> Option<Trace> {
    if lines[start].text != "stack backtrace:" {
        return None;
    }
    let (frames, end) = backtrace(lines, start + 1);
    let exception = Exception { frames, ..Exception::default() };
    (exception.frames.len() > 1).then(|| Trace::new(Language::Rust, start, end, vec![exception]))
}

/// `Error: …` as `main` prints what it returned: a debug value, or anyhow's chain.
fn returned(lines: &[Line<'_>], start: usize) -> Option<Trace> {
    let rest = lines[start].text.strip_prefix("Error: ")?;
    let mut end = start + 1;
    let mut causes: Vec<String> = Vec::new();
    let mut at = end;
    while lines.get(at).is_some_and(Line::is_blank) && at < end + 2 {
        at += 1;
    }
    if lines.get(at).is_some_and(|line| line.text == "Caused by:") {
        at += 1;
        while let Some(line) = lines.get(at) {
            if line.is_blank() || line.indent == 0 || causes.len() >= MAX_CHAIN {
                break;
            }
            match line.text.split_once(": ").filter(|(n, _)| scan::number(n).is_some()) {
                Some((_, cause)) => causes.push(cause.to_owned()),
                None => match causes.last_mut() {
                    Some(last) => scan::extend(last, line.text),
                    None => causes.push(line.text.to_owned()),
                },
            }
            at += 1;
        }
        end = at;
    }
    let mut frames = Vec::new();
    while lines.get(at).is_some_and(Line::is_blank) && at < end + 2 {
        at += 1;
    }
    if lines.get(at).is_some_and(|l| matches!(l.text, "Stack backtrace:" | "stack backtrace:")) {
        (frames, end) = backtrace(lines, at + 1);
    }
    let debug = debug_value(rest);
    if causes.is_empty() && frames.is_empty() && debug.is_none() {
        return None;
    }
    let mut chain: Vec<Exception> = causes.into_iter().rev().map(|cause| typed(&cause)).collect();
    chain.push(typed(rest));
    if let Some(root) = chain.first_mut() {
        root.frames = frames;
    }
    Some(Trace::new(Language::Rust, start, end, chain))
}

/// A value printed for debugging begins with its type.
fn typed(text: &str) -> Exception {
    let (type_name, message) = debug_value(text).unwrap_or(("Error", text));
    Exception { type_name: type_name.to_owned(), message: scan::message(message), frames: Vec::new() }
}

/// `ParseIntError { kind: InvalidDigit }`, `Custom("text")`, `NotFound`.
fn debug_value(text: &str) -> Option<(&str, &str)> {
    let end = text.find([' ', '(', '{']).unwrap_or(text.len());
    let (name, rest) = (&text[..end], text[end..].trim());
    let one_word = rest.is_empty() && name.chars().skip(1).any(char::is_lowercase) && !name.ends_with(['.', '!']);
    let whole =
        rest.starts_with('{') && rest.ends_with('}') || rest.starts_with('(') && rest.ends_with(')') || one_word;
    (scan::is_name(name) && name.starts_with(char::is_uppercase) && whole).then_some((name, rest))
}
