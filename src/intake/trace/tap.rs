//! Failures of node's test runner in TAP, which it writes where no terminal is: a block of `key: value` between `---`
//! and `...` under `not ok`. Layer 1.

use crate::intake::clean::Line;
use crate::intake::scan::{self, Header, add_frame};
use crate::intake::trace::{Trace, javascript};
use crate::model::{Frame, Kind};

/// The most lines of a block.
const MAX_BLOCK: usize = 300;

pub(super) fn scan(lines: &[Line<'_>]) -> Vec<Trace> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let opens = lines[at].text.starts_with("not ok ") && lines.get(at + 1).is_some_and(|line| line.text == "---");
        if !opens {
            at += 1;
            continue;
        }
        let (trace, end) = block(lines, at);
        found.extend(trace);
        at = end;
    }
    found
}

fn block(lines: &[Line<'_>], start: usize) -> (Option<Trace>, usize) {
    let mut header = Header::default();
    let mut frames = Vec::new();
    let mut key = "";
    let indent = lines[start + 1].indent;
    let mut at = start + 2;
    let mut suite = false;
    while let Some(line) = lines.get(at).filter(|line| line.text != "..." && at < start + MAX_BLOCK) {
        at += 1;
        if line.indent > indent || line.is_blank() {
            match key {
                "error" => scan::extend(&mut header.message, line.text),
                "stack" => {
                    if let Some(frame) = frame(line.text) {
                        add_frame(&mut frames, frame);
                    }
                }
                _ => {}
            }
            continue;
        }
        let Some((name, value)) = line.text.split_once(':') else { continue };
        key = name;
        let value = value.trim();
        let plain = match value.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')) {
            Some(inner) => inner.replace("\\\"", "\""),
            None => value.trim_matches('\'').replace("''", "'"),
        };
        match name {
            "error" if !value.starts_with('|') => header.message = plain,
            "name" => header.type_name = plain,
            "code" => header.code = Some(plain),
            // A suite fails with its tests, which say why.
            "failureType" => suite = plain == "subtestsFailed",
            _ => {}
        }
    }
    let end = (at + 1).min(lines.len());
    if suite || header.message.trim().is_empty() && frames.is_empty() {
        return (None, end);
    }
    if header.type_name.is_empty() {
        header.type_name = "Error".to_owned();
    }
    let code = header.code.take().filter(|code| code != "ERR_TEST_FAILURE");
    let mut exception = header.into_exception();
    exception.frames = frames;
    let chain = vec![exception];
    let mut trace = Trace::new(javascript::language(&chain), start, end, chain);
    trace.failure.code = code;
    trace.failure.tool = Some("node-test".to_owned());
    trace.failure.kind = Some(Kind::Test);
    (Some(trace), end)
}

/// A frame without its `at`.
fn frame(text: &str) -> Option<Frame> {
    let text = text.strip_prefix("async ").unwrap_or(text);
    if let Some(inner) = text.strip_suffix(')')
        && let Some((function, location)) = inner.split_once(" (")
    {
        let mut frame = javascript::place(location)?;
        frame.function = function.split(" [as ").next().map(str::to_owned);
        return Some(frame);
    }
    javascript::place(text).filter(|frame| frame.line.is_some())
}
