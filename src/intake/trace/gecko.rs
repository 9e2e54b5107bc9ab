//! Traces of Firefox and Safari: `function@location:line:column`. Layer 1.

use crate::intake::clean::Line;
use crate::intake::scan::{self, Header, add_frame};
use crate::intake::trace::{Trace, javascript};
use crate::model::Frame;

pub(super) fn scan(lines: &[Line<'_>]) -> Vec<Trace> {
    let mut found = Vec::new();
    let mut low = 0;
    let mut at = 0;
    while at < lines.len() {
        let Some(first) = frame(lines[at].text) else {
            at += 1;
            continue;
        };
        let (start, header) = scan::heading(lines, at, low).unwrap_or_else(|| (at, Header::default()));
        let mut exception = header.into_exception();
        add_frame(&mut exception.frames, first);
        at += 1;
        while let Some(next) = lines.get(at).and_then(|line| frame(line.text)) {
            add_frame(&mut exception.frames, next);
            at += 1;
        }
        low = at;
        if exception.frames.iter().any(|f| f.line.is_some()) {
            let chain = vec![exception];
            found.push(Trace::new(javascript::language(&chain), start, at, chain));
        }
    }
    found
}

fn frame(text: &str) -> Option<Frame> {
    let native = text.ends_with("@[native code]");
    if text.contains(' ') && !native && !text.contains("@http") && !text.contains("@file") && !text.contains(" line ") {
        return None;
    }
    let (function, location) = split(text)?;
    let function = (!function.is_empty()).then(|| function.to_owned());
    if location == "[native code]" {
        return function.is_some().then(|| Frame { function, ..Frame::default() });
    }
    // `file.js line 3 > eval:1:1`: the place of the call is worth more.
    let (path, line, column) = if let Some((path, rest)) = location.split_once(" line ") {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        (path, scan::number(&rest[..digits])?, None)
    } else {
        let (path, line, column) = scan::position(location)?;
        (path, line, Some(column?))
    };
    // An address for mail has no line and column, and its place no slash.
    let plausible = path.contains("://") || path.contains('/') || path.contains(".js") || path.contains(".ts");
    plausible.then(|| Frame { function, path: Some(path.to_owned()), line: Some(line), column, ..Frame::default() })
}

/// Splits at the `@` before the location: a location may hold `@` too, as in `/@fs/` and scoped packages.
fn split(text: &str) -> Option<(&str, &str)> {
    for scheme in [
        "@http://",
        "@https://",
        "@file://",
        "@webpack",
        "@moz-extension:",
        "@safari-",
        "@blob:",
        "@app:",
        "@capacitor:",
        "@resource:",
        "@chrome:",
        "@[native",
    ] {
        if let Some(at) = text.find(scheme) {
            return Some((&text[..at], &text[at + 1..]));
        }
    }
    text.split_once('@')
}
