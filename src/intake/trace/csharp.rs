//! Traces of .NET with their inner exceptions. Layer 1.

use crate::intake::clean::Line;
use crate::intake::scan::{self, Header, MAX_CHAIN, MAX_MESSAGE_LINES, add_frame};
use crate::intake::trace::Trace;
use crate::model::{Exception, Frame, Language};

pub(super) fn scan(lines: &[Line<'_>]) -> Vec<Trace> {
    let mut found = Vec::new();
    let mut low = 0;
    let mut at = 0;
    while at < lines.len() {
        if frame(lines[at].text).is_none() {
            at += 1;
            continue;
        }
        let trace = block(lines, at, low);
        at = trace.end.max(at + 1);
        low = at;
        found.push(trace);
    }
    found
}

fn block(lines: &[Line<'_>], first: usize, low: usize) -> Trace {
    let (start, mut open) = headers(lines, first, low);
    if open.is_empty() {
        open.push(Exception::default());
    }
    // Frames belong to the innermost exception that is still open; the closed ones are done, innermost first.
    let mut done: Vec<Exception> = Vec::new();
    let mut at = first;
    let mut end = first;
    while let Some(line) = lines.get(at) {
        let text = line.text;
        if let Some(frame) = frame(text) {
            if let Some(last) = open.last_mut() {
                add_frame(&mut last.frames, frame);
            }
        } else if text == "--- End of inner exception stack trace ---" {
            if open.len() > 1
                && let Some(last) = open.pop()
            {
                done.push(last);
            }
        } else if !text.starts_with("--- End of stack trace from previous location") {
            break;
        }
        at += 1;
        end = at;
    }
    done.extend(open.into_iter().rev());
    // The members of an aggregate that are listed after it repeat or accompany the first one.
    while lines.get(end).is_some_and(|l| l.text.starts_with("---> (Inner Exception #")) {
        let rest =
            (end + 1..lines.len().min(end + 1 + 4 * MAX_MESSAGE_LINES)).find(|i| lines[*i].text.ends_with("<---"));
        match rest {
            Some(stop) => end = stop + 1,
            None => break,
        }
    }
    Trace::new(Language::CSharp, start, end, done)
}

/// Reads the headers above the first frame, from the outermost to the innermost: `Outer: text`, ` ---> Inner: text`.
fn headers(lines: &[Line<'_>], first: usize, low: usize) -> (usize, Vec<Exception>) {
    let low = first.saturating_sub(MAX_MESSAGE_LINES).max(low);
    if let Some(found) = runner(lines, first, low) {
        return found;
    }
    let mut start = first;
    for at in (low..first).rev() {
        let text = lines[at].text;
        if text.starts_with("---> ") {
            start = at;
        } else if scan::error_header(text).is_some() {
            start = at;
            break;
        } else if at + 1 == first
            && let Some(header) =
                scan::error_within(text).or_else(|| scan::header(text).filter(|h| !h.message.is_empty()))
        {
            return (at, split(&header));
        }
    }
    let mut all: Vec<Header> = Vec::new();
    for line in &lines[start..first] {
        let text = line.text.strip_prefix("---> ").unwrap_or(line.text);
        let is_inner = text.len() != line.text.len();
        match scan::header(text).filter(|_| is_inner || all.is_empty()) {
            Some(header) => all.push(header),
            None => {
                if let Some(last) = all.last_mut() {
                    scan::extend(&mut last.message, text);
                }
            }
        }
    }
    (start, all.iter().flat_map(split).take(MAX_CHAIN).collect())
}

/// The test runner writes `Error Message:` and `Stack Trace:` above their contents, and no type for an assertion.
fn runner(lines: &[Line<'_>], first: usize, low: usize) -> Option<(usize, Vec<Exception>)> {
    let above = first.checked_sub(1).filter(|at| *at >= low && lines[*at].text == "Stack Trace:")?;
    let start = (low..above).rev().find(|at| lines[*at].text == "Error Message:")?;
    let mut message = lines.get(start + 1).filter(|_| start + 1 < above)?.text.to_owned();
    for line in &lines[start + 2..above] {
        scan::extend(&mut message, line.text);
    }
    let header = scan::error_header(&message).unwrap_or_else(|| Header {
        type_name: if message.starts_with("Assert") { "AssertionError".to_owned() } else { String::new() },
        message,
        code: None,
    });
    Some((start, vec![header.into_exception()]))
}

/// Older runtimes write inner exceptions on the same line: `Outer: text ---> Inner: text`.
fn split(header: &Header) -> Vec<Exception> {
    let mut parts = header.message.split(" ---> ");
    let first = Header { message: parts.next().unwrap_or("").to_owned(), ..header.clone() };
    let mut all = vec![first.into_exception()];
    all.extend(parts.filter_map(scan::header).map(Header::into_exception));
    all
}

/// Reads `at Ns.Type.Method[T](Type name) in /path/File.cs:line 12`.
fn frame(text: &str) -> Option<Frame> {
    let rest = text.strip_prefix("at ")?;
    let (call, place) = match rest.split_once(") in ") {
        Some((call, place)) => (&rest[..=call.len()], Some(place)),
        None => (rest, None),
    };
    if !call.ends_with(')') {
        return None;
    }
    let name = scan::cut_arguments(call);
    let arguments = &call[name.len()..];
    // Only .NET writes types before names, or nothing, in the brackets; a file there is another language's.
    let (path, line) = match place {
        Some(place) => match place.rsplit_once(":line ") {
            Some((path, line)) => (Some(path.to_owned()), scan::number(line.trim())),
            None => (Some(place.to_owned()), None),
        },
        None if arguments.contains([':', '/']) && !arguments.contains("::") => return None,
        None => (None, None),
    };
    if name.is_empty() || name.contains(' ') && !name.contains('<') || !name.contains('.') || arguments.starts_with(' ')
    {
        return None;
    }
    let inner = arguments.strip_prefix('(')?.strip_suffix(')')?;
    let typed = inner.is_empty()
        || inner.contains(' ') && !inner.contains(".java") && inner != "Native Method" && inner != "Unknown Source";
    if place.is_none() && !typed {
        return None;
    }
    let (module, function) = scan::split_member(name);
    Some(Frame { function: Some(function), module, path, line, column: None })
}
