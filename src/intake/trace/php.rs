//! Uncaught errors and warnings of PHP, with and without their traces, and Laravel's log form. Layer 1.

use crate::intake::clean::Line;
use crate::intake::scan::{self, MAX_CHAIN, MAX_MESSAGE_LINES, add_frame};
use crate::intake::trace::Trace;
use crate::model::{Exception, Frame, Language};

pub(super) fn scan(lines: &[Line<'_>]) -> Vec<Trace> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        match uncaught(lines, at).or_else(|| notice(lines, at)).or_else(|| unit(lines, at)) {
            Some(trace) => {
                at = trace.end.max(at + 1);
                found.push(trace);
            }
            None => at += 1,
        }
    }
    found
}

/// One call of the trace: where it happened, and what was called.
struct Call {
    path: Option<String>,
    line: Option<u32>,
    module: Option<String>,
    function: Option<String>,
}

fn uncaught(lines: &[Line<'_>], start: usize) -> Option<Trace> {
    let (head, mut at) = opening(lines, start)?;
    let mut chain = Vec::new();
    let mut head = Some(head);
    let mut end = at;
    // `Next` is what the exception before it led to, so the root cause comes first.
    while let Some((mut exception, place)) = head.take() {
        while lines.get(at).is_some_and(|l| matches!(l.text, "Stack trace:" | "[stacktrace]" | "#")) {
            at += 1;
        }
        let mut calls = Vec::new();
        while let Some(call) = lines.get(at).and_then(|line| call(line.text)) {
            calls.push(call);
            at += 1;
        }
        exception.frames = frames(place, calls);
        chain.push(exception);
        end = at;
        while lines.get(at).is_some_and(Line::is_blank) && at < end + 2 {
            at += 1;
        }
        if chain.len() < MAX_CHAIN
            && let Some(rest) = lines.get(at).and_then(|line| line.text.strip_prefix("Next "))
            && let Some((next, after)) = error_at(lines, at, rest)
        {
            head = Some(next);
            at = after;
        }
    }
    if lines.get(end).is_some_and(|line| line.text.starts_with("thrown in ")) {
        end += 1;
    }
    Some(Trace::new(Language::Php, start, end, chain))
}

type Head = (Exception, Option<(String, u32)>);

fn opening(lines: &[Line<'_>], start: usize) -> Option<(Head, usize)> {
    let text = lines[start].text;
    if let Some(at) = text.find("Uncaught ").filter(|at| {
        let before = &text[..*at];
        before.is_empty() || before.contains("Fatal error") || before.contains("PHP ")
    }) {
        let rest = &text[at + "Uncaught ".len()..];
        return error_at(lines, start, rest);
    }
    // `{"exception":"[object] (Type(code: 0): message at /path:12)`.
    let at = text.find("[object] (")?;
    let rest = &text[at + "[object] (".len()..];
    let (type_name, rest) = rest.split_once("(code: ")?;
    let (_, rest) = rest.split_once("): ")?;
    let rest = rest.strip_suffix(')').unwrap_or(rest);
    let (message, place) = rest.rsplit_once(" at ")?;
    let (path, line, _) = scan::position(place)?;
    let type_name = type_name.replace("\\\\", "\\");
    let message = scan::message(&message.replace("\\\"", "\""));
    let exception = Exception { type_name, message, frames: Vec::new() };
    Some(((exception, Some((path.to_owned(), line))), start + 1))
}

/// Reads `Type: message in /path:12`, whose message may have several lines.
fn error_at(lines: &[Line<'_>], start: usize, first: &str) -> Option<(Head, usize)> {
    let mut before = String::new();
    let mut text = first;
    let mut end = start + 1;
    loop {
        if let Some((head, place)) = text.rsplit_once(" in ")
            && let Some((path, line, None)) = scan::position(place)
        {
            scan::extend(&mut before, head);
            let before = before.trim();
            let before = before.strip_suffix(" and defined").unwrap_or(before);
            let (type_name, message) = before.split_once(':').unwrap_or((before, ""));
            let exception =
                Exception { type_name: type_name.to_owned(), message: scan::message(message), frames: Vec::new() };
            return scan::is_name(type_name).then(|| ((exception, Some((path.to_owned(), line))), end));
        }
        scan::extend(&mut before, text);
        text = lines.get(end).filter(|_| end < start + MAX_MESSAGE_LINES)?.text;
        if call(text).is_some() {
            return None;
        }
        end += 1;
    }
}

/// A call is written with the place it was made at; a frame wants the function that the place lies in.
fn frames(place: Option<(String, u32)>, calls: Vec<Call>) -> Vec<Frame> {
    let mut frames = Vec::new();
    let (mut path, mut line) = place.map_or((None, None), |(path, line)| (Some(path), Some(line)));
    for call in calls {
        add_frame(&mut frames, Frame { function: call.function, module: call.module, path, line, column: None });
        (path, line) = (call.path, call.line);
    }
    if path.is_some() {
        add_frame(&mut frames, Frame { path, line, ..Frame::default() });
    }
    frames
}

/// Reads `#0 /path/f.php(12): Class->method(args)`, `#1 [internal function]: f()`, `#2 {main}`.
fn call(text: &str) -> Option<Call> {
    let rest = text.strip_prefix('#')?;
    let (number, rest) = rest.split_once(' ')?;
    scan::number(number)?;
    if rest.trim_end_matches(['"', '}']).ends_with("{main") {
        return Some(Call { path: None, line: None, module: None, function: Some("{main}".to_owned()) });
    }
    let (path, line, call) = if let Some(call) = rest.strip_prefix("[internal function]: ") {
        (None, None, call)
    } else {
        let (place, call) = rest.split_once("): ")?;
        let (path, line) = place.rsplit_once('(')?;
        (Some(path.to_owned()), Some(scan::number(line)?), call)
    };
    // A trace inside JSON has its separators doubled.
    let name = call.split('(').next().unwrap_or(call).trim().replace("\\\\", "\\");
    let split = name.rsplit_once("->").or_else(|| name.rsplit_once("::"));
    let (module, function) = match split {
        Some((module, function)) => (Some(module.to_owned()), function),
        None => (None, name.as_str()),
    };
    Some(Call { path, line, module, function: (!function.is_empty()).then(|| function.to_owned()) })
}

/// `1) Tests\CartTest::testTotal`, the message, a blank line, then `path:line` lines, as PHPUnit lists failures.
fn unit(lines: &[Line<'_>], start: usize) -> Option<Trace> {
    let test = unit_test(lines[start].text)?;
    let mut message = String::new();
    let mut at = start + 1;
    let mut frames = Vec::new();
    while let Some(line) = lines.get(at).filter(|_| at < start + MAX_MESSAGE_LINES) {
        let place = scan::position(line.text).filter(|(path, _, _)| path.ends_with(".php") && !path.contains(' '));
        if let Some((path, number, None)) = place {
            frames.push(Frame { path: Some(path.to_owned()), line: Some(number), ..Frame::default() });
        } else if frames.is_empty() {
            scan::extend(&mut message, line.text);
        } else {
            break;
        }
        at += 1;
    }
    if let Some(last) = frames.last_mut() {
        let (module, function) = test.split_once("::")?;
        last.module = Some(module.to_owned());
        last.function = Some(function.to_owned());
    } else {
        return None;
    }
    let message = message.trim();
    let mut exception = match scan::error_header(message) {
        Some(header) => header.into_exception(),
        None => {
            Exception { type_name: "AssertionError".to_owned(), message: scan::message(message), frames: Vec::new() }
        }
    };
    exception.frames = frames;
    let mut trace = Trace::new(Language::Php, start, at, vec![exception]);
    trace.failure.tool = Some("phpunit".to_owned());
    Some(trace)
}

/// Reads the test of `12) Tests\CartTest::testTotal with data set "a"`.
pub(in crate::intake) fn unit_test(text: &str) -> Option<&str> {
    let (number, rest) = text.split_once(") ")?;
    scan::number(number)?;
    let name = rest.split(' ').next()?;
    let (class, method) = name.split_once("::")?;
    (scan::is_name(class) && scan::is_name(method) && !method.contains(':')).then_some(name)
}

/// `PHP Warning:  Undefined variable $x in /path on line 3`.
fn notice(lines: &[Line<'_>], start: usize) -> Option<Trace> {
    let text = lines[start].text;
    let rest = text.strip_prefix("PHP ").unwrap_or(text);
    let (kind, rest) = rest.split_once(':')?;
    if !matches!(kind, "Warning" | "Notice" | "Deprecated" | "Fatal error" | "Parse error" | "Recoverable fatal error")
    {
        return None;
    }
    let (head, line) = rest.rsplit_once(" on line ")?;
    let (message, path) = head.rsplit_once(" in ")?;
    let frame = Frame { path: Some(path.to_owned()), line: Some(scan::number(line.trim())?), ..Frame::default() };
    let exception = Exception { type_name: kind.to_owned(), message: scan::message(message), frames: vec![frame] };
    Some(Trace::new(Language::Php, start, start + 1, vec![exception]))
}
