//! Traces of Java and Kotlin with their causes. Layer 1.

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
    let (mut start, header) = scan::heading(lines, first, low).unwrap_or_else(|| (first, Header::default()));
    // A trace may begin with `Caused by:` where its head was cut off.
    if start > low && lines[start - 1].text.starts_with("Exception in thread ") && lines[start - 1].text.ends_with('"')
    {
        start -= 1;
    }
    // From the outermost to the innermost.
    let mut chain = vec![header.into_exception()];
    // What is suppressed is no cause; its lines are indented deeper than the trace's own causes.
    let mut suppressed: Option<usize> = None;
    let mut at = first;
    let mut end = first;
    while let Some(line) = lines.get(at) {
        if let Some(frame) = frame(line.text) {
            if suppressed.is_none()
                && let Some(last) = chain.last_mut()
            {
                add_frame(&mut last.frames, frame);
            }
        } else if is_more(line.text) {
        } else if let Some(rest) = line.text.strip_prefix("Caused by: ").or_else(|| circular(line.text)) {
            let ours = suppressed.is_none_or(|indent| line.indent < indent || line.indent == 0);
            let (mut header, next) = cause(lines, at, rest);
            if ours && chain.len() < MAX_CHAIN {
                suppressed = None;
                header.message = header.message.trim().to_owned();
                chain.push(header.into_exception());
            }
            at = next;
            end = at;
            continue;
        } else if line.text.starts_with("Suppressed: ") {
            suppressed = suppressed.or(Some(line.indent));
            let (_, next) = cause(lines, at, line.text);
            at = next;
            end = at;
            continue;
        } else {
            break;
        }
        at += 1;
        end = at;
    }
    chain.reverse();
    let language = language(&chain);
    Trace::new(language, start, end, chain)
}

/// Reads a cause's header and the further lines of its message.
fn cause(lines: &[Line<'_>], at: usize, rest: &str) -> (Header, usize) {
    let mut header = scan::header(rest).unwrap_or_else(|| Header { message: rest.to_owned(), ..Header::default() });
    let last = (at + 1 + MAX_MESSAGE_LINES).min(lines.len());
    // Only where frames follow is the text between them the message.
    let stop = (at + 1..last).find(|i| {
        let text = lines[*i].text;
        frame(text).is_some() || is_more(text) || text.starts_with("Caused by: ") || text.starts_with("Suppressed: ")
    });
    let Some(stop) = stop else { return (header, at + 1) };
    for line in &lines[at + 1..stop] {
        scan::extend(&mut header.message, line.text);
    }
    (header, stop)
}

/// `[CIRCULAR REFERENCE: …]` ends a chain that bites its tail.
fn circular(text: &str) -> Option<&str> {
    text.strip_prefix("Wrapped by: ")
}

/// `... 12 more`, `... 3 common frames omitted`.
fn is_more(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("... ") else { return false };
    let (count, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    scan::number(count).is_some() && (rest == "more" || rest.contains("omitted") || rest.contains("truncated"))
}

/// Reads `at [loader/module@version/]a.b.C.m(File.java:12)`.
pub(super) fn frame(text: &str) -> Option<Frame> {
    let rest = text.strip_prefix("at ")?;
    // Loggers add the jar: `~[app.jar!/:1.0]`.
    let rest = match rest.rfind(')') {
        Some(close)
            if rest[close + 1..].is_empty()
                || rest[close + 1..].starts_with(" [")
                || rest[close + 1..].starts_with(" ~[") =>
        {
            &rest[..close]
        }
        _ => return None,
    };
    let open = rest.rfind('(')?;
    let (name, place) = (&rest[..open], &rest[open + 1..]);
    if name.ends_with(' ') || name.is_empty() {
        return None;
    }
    let (path, line) = match place {
        "Native Method" | "Unknown Source" | "<generated>" => (None, None),
        _ => match scan::position(place) {
            Some((path, line, None)) if is_source(path) => (Some(path.to_owned()), Some(line)),
            None if is_source(place) => (Some(place.to_owned()), None),
            _ => return None,
        },
    };
    let (module, function) = name.rsplit_once('.')?;
    Some(Frame { function: Some(function.to_owned()), module: Some(module.to_owned()), path, line, column: None })
}

fn is_source(path: &str) -> bool {
    [".java", ".kt", ".kts", ".scala", ".groovy", ".clj"].iter().any(|end| path.ends_with(end))
        || path == "SourceFile"
        || path.starts_with("Unknown")
}

/// The innermost frame outside the platform says which language the program is written in.
fn language(chain: &[Exception]) -> Language {
    const PLATFORM: [&str; 8] = ["java.", "javax.", "jdk.", "sun.", "kotlin.", "kotlinx.", "android.", "com.android."];
    let own = |frame: &&Frame| {
        let module = frame.module.as_deref().unwrap_or("");
        let module = module.rsplit('/').next().unwrap_or(module);
        !PLATFORM.iter().any(|start| module.starts_with(start))
    };
    let frames = || chain.iter().flat_map(|e| &e.frames);
    let path = frames().find(own).or_else(|| frames().next()).and_then(|f| f.path.as_deref());
    if path.is_some_and(|p| p.ends_with(".kt") || p.ends_with(".kts")) { Language::Kotlin } else { Language::Java }
}
