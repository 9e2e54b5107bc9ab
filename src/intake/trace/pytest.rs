//! Failures as pytest prints them: sections with `E` lines and `path:line: Type`, and the short style
//! `path:line: in function`. Layer 1.

use crate::intake::clean::Line;
use crate::intake::scan::{self, Header, MAX_FRAMES};
use crate::intake::trace::Trace;
use crate::model::{Exception, Frame, Kind, Language};

/// How many lines of source and values a section may have between two places.
const MAX_GAP: usize = 400;

/// What has been read of the failure under way.
#[derive(Default)]
struct Section {
    start: usize,
    /// The outermost first.
    frames: Vec<Frame>,
    errors: Vec<String>,
    definition: Option<String>,
    last: usize,
}

pub(super) fn scan(lines: &[Line<'_>]) -> Vec<Trace> {
    let mut found = Vec::new();
    let mut section: Option<Section> = None;
    for (at, line) in lines.iter().enumerate() {
        let text = line.text;
        if title(text).is_some() {
            flush(&mut section, at, &mut found);
            section = Some(Section { start: at, last: at, ..Section::default() });
            continue;
        }
        if text.starts_with("====") {
            flush(&mut section, at, &mut found);
            continue;
        }
        if let Some(error) = error_line(text) {
            let current = section.get_or_insert_with(|| Section { start: at, ..Section::default() });
            if current.errors.len() < scan::MAX_MESSAGE_LINES {
                current.errors.push(error.to_owned());
            }
            current.last = at;
            continue;
        }
        if let Some((path, number, place)) = place(text) {
            // Compilers print places of the same shape: outside a section only Python's count.
            if section.is_none() && !place.starts_with("in ") {
                continue;
            }
            let current = section.get_or_insert_with(|| Section { start: at, ..Section::default() });
            let ends = !place.is_empty() && !place.starts_with("in ");
            let function = place.strip_prefix("in ").map(str::to_owned).or_else(|| current.definition.take());
            if current.frames.len() > 2 * MAX_FRAMES {
                current.frames.drain(..MAX_FRAMES);
            }
            current.frames.push(Frame {
                function,
                path: Some(path.to_owned()),
                line: Some(number),
                ..Frame::default()
            });
            current.last = at;
            if ends && !current.errors.is_empty() {
                let type_name = place.to_owned();
                if let Some(done) = section.take() {
                    push(done, Some(type_name), at + 1, &mut found);
                }
            }
            continue;
        }
        let Some(current) = section.as_mut() else { continue };
        if let Some(rest) = text.strip_prefix("def ").or_else(|| text.strip_prefix("async def ")) {
            current.definition = rest.split('(').next().map(|name| name.trim().to_owned());
        }
        let short = current.frames.last().is_some_and(|f| f.function.is_some()) && !current.errors.is_empty();
        let long = current.frames.is_empty() || current.errors.is_empty() || !short;
        if !long && at > current.last + 3 || at > current.last + MAX_GAP {
            flush(&mut section, at, &mut found);
        }
    }
    flush(&mut section, lines.len(), &mut found);
    found
}

fn flush(section: &mut Option<Section>, at: usize, found: &mut Vec<Trace>) {
    if let Some(done) = section.take() {
        let end = (done.last + 1).min(at.max(done.start + 1));
        push(done, None, end, found);
    }
}

fn push(section: Section, type_name: Option<String>, end: usize, found: &mut Vec<Trace>) {
    let Some(first) = section.errors.first() else { return };
    if section.frames.is_empty() {
        return;
    }
    let header = match scan::header(first)
        .filter(|h| scan::is_error_type(&h.type_name) || Some(&h.type_name) == type_name.as_ref())
    {
        Some(header) => header,
        // `assert a == b` is shown without its type.
        None => Header {
            type_name: type_name.unwrap_or_else(|| "AssertionError".to_owned()),
            message: first.clone(),
            code: None,
        },
    };
    let mut header = header;
    for line in &section.errors[1..] {
        scan::extend(&mut header.message, line);
    }
    let mut frames = section.frames;
    frames.reverse();
    frames.truncate(MAX_FRAMES);
    let exception = Exception { frames, ..header.into_exception() };
    let mut trace = Trace::new(Language::Python, section.start, end, vec![exception]);
    trace.failure.tool = Some("pytest".to_owned());
    trace.failure.kind = Some(Kind::Test);
    found.push(trace);
}

/// `_____ test_total[case-1] _____`.
fn title(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("____")?.trim_start_matches('_').strip_prefix(' ')?;
    let name = inner.trim_end_matches('_').strip_suffix(' ')?;
    (!name.is_empty() && text.ends_with("__")).then_some(name)
}

/// `E       message`.
fn error_line(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('E')?;
    (rest.is_empty() || rest.starts_with("   ")).then(|| rest.trim())
}

/// `path.py:12: in function`, `path.py:12: Type`, `path.py:12:`.
fn place(text: &str) -> Option<(&str, u32, &str)> {
    let at = text.find(".py:")? + 3;
    let path = &text[..at];
    let rest = &text[at + 1..];
    let (line, place) = rest.split_once(':')?;
    let place = place.trim();
    let known = place.is_empty() || place.starts_with("in ") || scan::is_name(place);
    (known && !path.contains(char::is_whitespace)).then_some(())?;
    Some((path, scan::number(line)?, place))
}
