//! Traces of V8 and of what prints like it (node, Chrome, Deno, Bun, Hermes, jest, vitest). Layer 1.

use crate::intake::clean::Line;
use crate::intake::scan::{self, Header, MAX_CHAIN, add_frame};
use crate::intake::trace::Trace;
use crate::model::{Exception, Frame, Language};

/// How far an error's printed properties may reach before its next part.
const MAX_PROPERTIES: usize = 60;

pub(super) fn scan(lines: &[Line<'_>]) -> Vec<Trace> {
    let mut found = Vec::new();
    let mut low = 0;
    let mut at = 0;
    while at < lines.len() {
        let opens_list = lines[at].text == "[errors]: [" && at > low;
        if !opens_list && frame(lines[at].text).is_none() {
            at += 1;
            continue;
        }
        let trace = block(lines, at, low);
        at = trace.end.max(at + 1);
        low = at;
        let only_anonymous = trace.failure.chain.iter().flat_map(|e| &e.frames).all(|f| f.line.is_none());
        if !only_anonymous {
            found.push(trace);
        }
    }
    found
}

/// Reads one error with its causes, from its first frame on.
fn block(lines: &[Line<'_>], first: usize, low: usize) -> Trace {
    let (start, header) = heading(lines, first, low);
    let mut code = header.code.clone();
    // From the outermost to the innermost.
    let mut chain = vec![header.into_exception()];
    // Where messages of causes are put together before their first frame.
    let mut pending: Option<Header> = None;
    let mut pending_lines = 0;
    let mut ignoring = false;
    let mut children = false;
    let mut properties: Option<usize> = None;
    let mut end = first;
    let mut at = first;
    let mut blanks = 0;
    while at < lines.len() {
        let text = lines[at].text;
        let opens = text.ends_with('{') && !text.ends_with("${");
        if let Some(frame) = frame(text) {
            if let Some(header) = pending.take() {
                chain.push(header.into_exception());
            }
            if !ignoring && let Some(last) = chain.last_mut() {
                add_frame(&mut last.frames, frame);
            }
            if opens {
                properties = Some(0);
            }
            // The next child of an aggregate begins after a comma; only the first one is followed.
            if children && text.ends_with(',') {
                ignoring = true;
            }
            end = at + 1;
        } else if let Some(cause) = cause(text) {
            if let Some(header) = pending.take() {
                chain.push(header.into_exception());
            }
            if chain.len() < MAX_CHAIN && !ignoring {
                pending = Some(cause);
                pending_lines = 0;
            }
            if opens {
                properties = Some(0);
            }
            end = at + 1;
        } else if text == "[errors]: [" {
            children = true;
            properties = Some(0);
            if let Some(next) = lines.get(at + 1).and_then(|line| scan::header(line.text))
                && chain.len() < MAX_CHAIN
                && !ignoring
            {
                pending = Some(next);
                pending_lines = 0;
                at += 1;
            }
            end = at + 1;
        } else if text.starts_with("... ") && text.contains(" lines matching") || is_more(text) {
            end = at + 1;
        } else if let Some(header) = pending.as_mut() {
            pending_lines += 1;
            if pending_lines > scan::MAX_MESSAGE_LINES {
                break;
            }
            scan::extend(&mut header.message, text);
        } else if let Some(count) = properties.as_mut() {
            *count += 1;
            if *count > MAX_PROPERTIES {
                break;
            }
            if let Some(value) = text.strip_prefix("code: '")
                && chain.len() == 1
                && code.is_none()
            {
                code = value.split('\'').next().filter(|c| c.len() <= 64).map(str::to_owned);
            }
            if text == "}" && lines[at].indent <= lines[start].indent {
                end = at + 1;
                break;
            }
        } else if text.is_empty() && blanks == 0 && follows(lines, at + 1) {
            blanks += 1;
            at += 1;
            continue;
        } else {
            break;
        }
        blanks = 0;
        at += 1;
    }
    if let Some(header) = pending
        && chain.len() < MAX_CHAIN
    {
        // A cause without frames: one line of message, not what follows it.
        let first = header.message.lines().next().unwrap_or("").trim_end_matches([',', '{', ' ']).to_owned();
        chain.push(Header { message: first, ..header }.into_exception());
    }
    let root_code = chain.len() == 1;
    chain.reverse();
    let mut trace = Trace::new(language(&chain), start, end, chain);
    trace.failure.code = code.filter(|_| root_code);
    trace
}

/// Finds the header above the first frame; jest and mocha write the test's name above the message.
fn heading(lines: &[Line<'_>], first: usize, low: usize) -> (usize, Header) {
    let floor = first.saturating_sub(scan::MAX_MESSAGE_LINES).max(low);
    let bullet = (floor..first).rev().find(|at| lines[*at].text.starts_with("● "));
    if let Some(bullet) = bullet {
        let body: Vec<_> = (bullet + 1..first).filter(|at| !lines[*at].is_blank()).collect();
        if let Some(from) = body.first().copied() {
            // The message goes up to the excerpt of the source, which begins with a numbered line.
            let to = (from..first).find(|at| is_excerpt(lines[*at].text)).unwrap_or(first);
            let mut header = scan::error_header(lines[from].text).unwrap_or_else(|| Header {
                type_name: "AssertionError".to_owned(),
                message: lines[from].text.to_owned(),
                code: None,
            });
            for line in &lines[(from + 1).min(to)..to] {
                scan::extend(&mut header.message, line.text);
            }
            return (bullet, header);
        }
    }
    match scan::heading(lines, first, floor) {
        Some((at, mut header)) => {
            if header.message.ends_with("[errors]: [") {
                header.message.truncate(header.message.len() - "[errors]: [".len());
            }
            (at, header)
        }
        None => (first, Header::default()),
    }
}

/// `> 12 |   code`, or `12 | code`, as jest and babel print it; the gutter step may have eaten the mark.
fn is_excerpt(text: &str) -> bool {
    let text = text.trim_start_matches(['>', ' ']);
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0 && text[digits..].trim_start().starts_with('|')
}

fn cause(text: &str) -> Option<Header> {
    let rest = text
        .strip_prefix("[cause]: ")
        .or_else(|| text.strip_prefix("Caused by: "))
        .or_else(|| text.strip_prefix("[Caused by]: "))
        .or_else(|| text.strip_prefix("cause: ").filter(|rest| scan::error_header(rest).is_some()))?;
    let rest = rest.trim_end_matches('{').trim_end();
    scan::header(rest).or_else(|| {
        Some(Header { type_name: String::new(), message: rest.to_owned(), code: None })
            .filter(|h| !h.message.is_empty())
    })
}

fn is_more(text: &str) -> bool {
    text.strip_prefix("... ").and_then(|rest| rest.strip_suffix(" more")).is_some_and(|n| scan::number(n).is_some())
}

/// Returns whether the trace goes on after a blank line.
fn follows(lines: &[Line<'_>], at: usize) -> bool {
    lines.get(at).is_some_and(|line| cause(line.text).is_some() || frame(line.text).is_some())
}

/// Takes the language from the innermost frame whose file is the program's own.
pub(super) fn language(chain: &[Exception]) -> Language {
    let own = |frame: &Frame| {
        let path = frame.path.as_deref()?;
        if path.starts_with("node:") || path.contains("node_modules/") {
            return None;
        }
        let path = path.split(['?', '#']).next().unwrap_or(path);
        Language::of_path(path).filter(|l| matches!(l, Language::JavaScript | Language::TypeScript | Language::Tsx))
    };
    chain.iter().flat_map(|e| &e.frames).find_map(own).unwrap_or(Language::JavaScript)
}

/// Reads `at fn (location)`, `at location`, and vitest's `❯ fn location`.
pub(super) fn frame(text: &str) -> Option<Frame> {
    if let Some(rest) = text.strip_prefix("❯ ") {
        let (function, location) = rest.rsplit_once(' ').map_or((None, rest), |(f, l)| (Some(f), l));
        let (path, line, column) = scan::position(location)?;
        column?;
        return Some(Frame {
            function: function.map(|f| f.trim().to_owned()),
            path: Some(path.to_owned()),
            line: Some(line),
            column,
            ..Frame::default()
        });
    }
    let rest = text.strip_prefix("at ")?;
    let rest = rest.trim_end_matches([',', '{', ' ']);
    let rest = rest.strip_prefix("async ").unwrap_or(rest);
    if let Some(inner) = rest.strip_suffix(')')
        && let Some((function, location)) = inner.split_once(" (")
    {
        let mut frame = place(location)?;
        let function = function.split(" [as ").next().unwrap_or(function).trim();
        frame.function = (!function.is_empty()).then(|| function.to_owned());
        return Some(frame);
    }
    if rest == "<anonymous>" || rest == "native" {
        return Some(Frame { function: Some(rest.to_owned()), ..Frame::default() });
    }
    let (path, line, column) = scan::position(rest)?;
    // `at 10:30` is prose; a place without a column has the shape of a file or an address.
    let plausible = column.is_some() && path.contains(['/', '.', '\\', ':', '<', '@']) && !path.contains(" in ");
    plausible.then(|| Frame { path: Some(path.to_owned()), line: Some(line), column, ..Frame::default() })
}

/// Reads what stands in a frame's brackets.
pub(super) fn place(location: &str) -> Option<Frame> {
    if matches!(location, "<anonymous>" | "native" | "native code" | "[native code]" | "unknown location")
        || location.strip_prefix("index ").is_some_and(|n| scan::number(n).is_some())
    {
        return Some(Frame::default());
    }
    let location = location.strip_prefix("address at ").unwrap_or(location);
    // The place of the call of `eval` in the file is worth more than the place in the evaluated text.
    let location = match location.strip_prefix("eval at ") {
        Some(inner) => {
            let inner = inner.rfind(" (").map_or(inner, |at| &inner[at + 2..]);
            inner.split(')').next().unwrap_or(inner)
        }
        None => location,
    };
    let (path, line, column) = scan::position(location)?;
    Some(Frame { path: Some(path.to_owned()), line: Some(line), column, ..Frame::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    type Parts = (Option<String>, Option<String>, Option<u32>, Option<u32>);

    fn read(text: &str) -> Option<Parts> {
        frame(text).map(|f| (f.function, f.path, f.line, f.column))
    }

    #[test]
    fn frames_of_all_shapes_are_read() {
        let some = |f: Option<&str>, p: &str, l, c| Some((f.map(str::to_owned), Some(p.to_owned()), Some(l), Some(c)));
        assert_eq!(
            read("at async Object.fn [as x] (file:///a/b.js:3:5)"),
            some(Some("Object.fn"), "file:///a/b.js", 3, 5)
        );
        assert_eq!(read("at /a b/(c)/d.js:1:2"), some(None, "/a b/(c)/d.js", 1, 2));
        assert_eq!(read("at eval (eval at f (/a.js:7:8), <anonymous>:1:1)"), some(Some("eval"), "/a.js", 7, 8));
        assert_eq!(read("at f (C:\\a.js:7:8) {"), some(Some("f"), "C:\\a.js", 7, 8));
        assert_eq!(read("❯ total src/cart.ts:7:8"), some(Some("total"), "src/cart.ts", 7, 8));
        assert_eq!(read("at Array.map (<anonymous>)"), Some((Some("Array.map".into()), None, None, None)));
        assert_eq!(read("at a.b.C.m(C.java:12)"), None);
        assert_eq!(read("at noon we met at 10:30"), None);
    }
}
