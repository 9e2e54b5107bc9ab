//! Tracebacks of Python: chained, grouped, of syntax errors. Layer 1.

use crate::intake::clean::Line;
use crate::intake::scan::{self, Header, MAX_CHAIN, MAX_FRAMES};
use crate::intake::trace::Trace;
use crate::model::{Exception, Frame, Language};

const TRACEBACK: &str = "Traceback (most recent call last):";
const GROUP: &str = "Exception Group Traceback (most recent call last):";
const DIRECT: &str = "The above exception was the direct cause of the following exception:";
const DURING: &str = "During handling of the above exception, another exception occurred:";

/// The most lines between two frames, or between the last one and the exception.
const MAX_BETWEEN: usize = 40;

/// How one traceback leads to the next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Link {
    Direct,
    During,
    Child,
}

/// One traceback with its exception.
struct Single {
    start: usize,
    end: usize,
    exception: Exception,
    group: bool,
}

pub(super) fn scan(lines: &[Line<'_>]) -> Vec<Trace> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let Some(first) = single(lines, at) else {
            at += 1;
            continue;
        };
        let start = first.start;
        let mut end = first.end;
        // The root cause first.
        let mut chain = vec![first.exception];
        let mut handled: Option<String> = None;
        let mut in_group = first.group;
        while let Some((link, next_at)) = link(lines, end, in_group) {
            let Some(next) = single(lines, next_at).or_else(|| bare(lines, next_at, link)) else { break };
            end = next.end;
            match link {
                Link::Direct => chain.push(next.exception),
                // What was being handled is no cause of what broke meanwhile, only its occasion.
                Link::During => {
                    let last = chain.last().map(|e| format!("{}: {}", e.type_name, e.message.as_str()));
                    handled = handled.or(last);
                    chain = vec![next.exception];
                }
                Link::Child => chain.insert(0, next.exception),
            }
            in_group = next.group && link != Link::Child;
            if link == Link::Child {
                end = skip_children(lines, end);
                break;
            }
            if chain.len() >= MAX_CHAIN {
                break;
            }
        }
        let mut trace = Trace::new(Language::Python, start, end, chain);
        if let Some(text) = handled {
            trace.failure.context.insert("during handling of".to_owned(), scan::message(&text));
        }
        at = end;
        found.push(trace);
    }
    found
}

/// A member of a group that was never raised has no traceback.
fn bare(lines: &[Line<'_>], at: usize, link: Link) -> Option<Single> {
    let header = (link == Link::Child).then(|| scan::error_header(lines[at].text)).flatten()?;
    Some(Single { start: at, end: at + 1, exception: header.into_exception(), group: false })
}

/// Looks after a traceback for the next one of its chain.
fn link(lines: &[Line<'_>], end: usize, group: bool) -> Option<(Link, usize)> {
    let mut link = None;
    for at in end..end + 6 {
        let text = lines.get(at)?.text;
        if text == DIRECT {
            link = Some(Link::Direct);
        } else if text == DURING {
            link = Some(Link::During);
        } else if group && is_separator(text) {
            link = Some(Link::Child);
        } else if !text.is_empty() {
            return link.map(|link| (link, at));
        }
    }
    None
}

/// `+-+---------------- 1 ----------------`.
fn is_separator(text: &str) -> bool {
    text.starts_with("+-") && text.contains("----")
}

/// The other members of a group belong to the same trace, but not to the chain.
fn skip_children(lines: &[Line<'_>], from: usize) -> usize {
    let mut at = from;
    let mut end = from;
    while let Some(line) = lines.get(at) {
        if is_separator(line.text) {
            end = at + 1;
            at += 1;
        } else if let Some(next) = (line.text == TRACEBACK).then(|| single(lines, at)).flatten() {
            at = next.end;
            end = at;
        } else if line.is_blank() || at < end + 3 {
            if at >= end + 3 {
                break;
            }
            at += 1;
        } else {
            break;
        }
    }
    end
}

/// Reads one traceback that starts here.
fn single(lines: &[Line<'_>], start: usize) -> Option<Single> {
    let text = lines.get(start)?.text;
    let group = text.ends_with(GROUP);
    // A member of a group may have no traceback of its own.
    let opened = group || text.ends_with(TRACEBACK);
    if !opened && !is_syntax_start(lines, start) {
        return None;
    }
    // A group's own lines stand behind a gutter that is gone by now.
    let base = if group { 0 } else { lines[start].indent };
    let mut frames: Vec<Frame> = Vec::new();
    let mut at = if opened { start + 1 } else { start };
    // Flush-left text has lost its indentation, so a line of source cannot be told by it.
    let flush =
        opened && lines.get(at).is_some_and(|line| line.indent == base && line.text.starts_with("File \"")) && !group;
    let mut after_frame = false;
    let mut last_frame = at;
    while let Some(line) = lines.get(at).filter(|_| at < last_frame + MAX_BETWEEN) {
        if let Some(frame) = frame(line.text) {
            frames.push(frame);
            // The innermost frames come last; of a deep recursion the outermost are dropped.
            if frames.len() > 2 * MAX_FRAMES {
                frames.drain(..MAX_FRAMES);
            }
            after_frame = true;
            last_frame = at;
            at += 1;
            continue;
        }
        let source = std::mem::take(&mut after_frame);
        let inside = if flush { false } else { line.indent > base || !opened && line.indent > 0 };
        if line.is_blank() || inside || is_marks(line.text) || line.text.starts_with("[Previous line repeated") {
            if line.is_blank() && (frames.is_empty() || !next_continues(lines, at + 1)) {
                break;
            }
            at += 1;
            continue;
        }
        let header = if flush {
            match scan::header(line.text) {
                Some(header) if scan::is_error_type(&header.type_name) && !(source && line.text.ends_with(')')) => {
                    header
                }
                Some(header) if !source => header,
                _ if source => {
                    at += 1;
                    continue;
                }
                _ => break,
            }
        } else {
            match scan::header(line.text) {
                Some(header) => header,
                None => break,
            }
        };
        return Some(finish(lines, start, at, base, header, frames, group));
    }
    // A traceback that was cut off still shows where.
    if !opened || frames.is_empty() {
        return None;
    }
    let end = at.min(lines.len());
    Some(finish(lines, start, end.saturating_sub(1), base, Header::default(), frames, group))
}

fn finish(
    lines: &[Line<'_>],
    start: usize,
    at: usize,
    base: usize,
    mut header: Header,
    mut frames: Vec<Frame>,
    group: bool,
) -> Single {
    let mut end = at + 1;
    if header.message.is_empty()
        && !header.type_name.is_empty()
        && lines[at].text.ends_with(':')
        && let Some(next) = lines.get(end).filter(|next| !next.is_blank())
    {
        next.text.clone_into(&mut header.message);
        end += 1;
    } else {
        // Further lines of the message: flush text up to the first blank line, unless something else begins.
        for line in lines[end..].iter().take(8) {
            if header.type_name.is_empty() || line.is_blank() || !is_continuation(line, base) {
                break;
            }
            scan::extend(&mut header.message, line.text);
            end += 1;
        }
    }
    frames.reverse();
    frames.truncate(MAX_FRAMES);
    let mut exception = header.into_exception();
    exception.frames = frames;
    Single { start, end, exception, group }
}

/// Only indented lines go on with a message for certain.
fn is_continuation(line: &Line<'_>, base: usize) -> bool {
    line.indent > base && !line.text.starts_with('+') && frame(line.text).is_none()
}

/// Blank lines inside a traceback are followed by frames or by the exception.
fn next_continues(lines: &[Line<'_>], at: usize) -> bool {
    lines.get(at).is_some_and(|line| frame(line.text).is_some() || scan::error_header(line.text).is_some())
}

/// `~~~^^^` marks under a line of source.
fn is_marks(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| matches!(b, b'^' | b'~' | b' '))
}

/// The compiler prints a syntax error's place without a `Traceback` line.
fn is_syntax_start(lines: &[Line<'_>], start: usize) -> bool {
    let Some(first) = frame(lines[start].text) else { return false };
    if first.function.is_some() {
        return false;
    }
    lines[start + 1..].iter().take(4).any(|line| {
        let name = line.text.split(':').next().unwrap_or("");
        matches!(name, "SyntaxError" | "IndentationError" | "TabError")
    })
}

/// Reads `File "path", line n, in function`.
fn frame(text: &str) -> Option<Frame> {
    let rest = text.strip_prefix("File \"")?;
    let (path, rest) = rest.split_once("\", line ")?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let line = scan::number(&rest[..digits])?;
    let function = rest[digits..].strip_prefix(", in ").map(str::trim).filter(|f| !f.is_empty());
    Some(Frame {
        function: function.map(str::to_owned),
        path: Some(path.to_owned()),
        line: Some(line),
        ..Frame::default()
    })
}
