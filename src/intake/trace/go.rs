//! Panics and fatal errors of Go with their first goroutine, and failures of `go test`. Layer 1.

use std::collections::BTreeSet;

use crate::intake::clean::Line;
use crate::intake::scan::{self, MAX_CHAIN, MAX_MESSAGE_LINES, add_frame};
use crate::intake::trace::Trace;
use crate::model::{Exception, Frame, Kind, Language};

pub(super) fn scan(lines: &[Line<'_>]) -> Vec<Trace> {
    let mut found = Vec::new();
    let mut at = 0;
    // The innermost test that is being reported.
    let mut test: Option<&str> = None;
    let failed: BTreeSet<&str> = lines.iter().filter_map(|line| failed_test(line.text)).collect();
    while at < lines.len() {
        let text = lines[at].text;
        if let Some(name) = failed_test(text) {
            test = Some(name);
        } else if let Some(name) = running_test(text) {
            // In verbose output the complaint stands before the verdict; what a passing test logs is none.
            test = failed.get(name).copied();
        } else if text.starts_with("--- PASS") || text.starts_with("FAIL\t") || text.starts_with("ok  \t") {
            test = None;
        }
        let trace = panic(lines, at)
            .or_else(|| goroutine_only(lines, at))
            .or_else(|| test.and_then(|test| complaint(lines, at, test)));
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

/// `--- FAIL: TestX (0.00s)`.
pub(super) fn failed_test(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("--- FAIL: ")?;
    rest.split(' ').next().filter(|name| !name.is_empty())
}

/// `=== RUN   TestX`, `=== CONT  TestX`, `=== NAME  TestX`.
fn running_test(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("=== ")?;
    let (verb, name) = rest.split_once(' ')?;
    matches!(verb, "RUN" | "CONT" | "NAME").then(|| name.trim())
}

fn panic(lines: &[Line<'_>], start: usize) -> Option<Trace> {
    let (type_name, rest) = opening(lines[start].text)?;
    let mut messages = vec![rest.to_owned()];
    let mut signal = None;
    let mut at = start + 1;
    let mut goroutine = None;
    let mut in_runtime = false;
    while at < lines.len() && at <= start + MAX_MESSAGE_LINES {
        let text = lines[at].text;
        if is_goroutine(text) {
            goroutine = Some(at);
            break;
        }
        if let Some(next) = text.strip_prefix("panic: ").filter(|_| messages.len() < MAX_CHAIN) {
            messages.push(next.to_owned());
        } else if let Some(inner) = text.strip_prefix("[signal ") {
            signal = inner.split([':', ' ', ']']).next().map(str::to_owned);
        } else if text.starts_with("exit status ") || text.starts_with("FAIL") {
            break;
        } else if text == "runtime stack:" {
            in_runtime = true;
        } else if !text.is_empty()
            && !in_runtime
            && let Some(last) = messages.last_mut()
        {
            scan::extend(last, text);
        }
        at += 1;
    }
    let mut end = start + 1;
    let mut frames = Vec::new();
    if let Some(at) = goroutine {
        (frames, end) = stack(lines, at + 1);
        end = other_goroutines(lines, end);
    } else if start + 1 < lines.len() && type_name != "panic" {
        // `fatal error: ` alone is also what compilers and git say.
        return None;
    } else if goroutine.is_none() {
        messages.truncate(1);
        messages[0] = rest.to_owned();
    }
    let mut chain: Vec<Exception> = Vec::new();
    for message in messages {
        let message = scan::message(message.trim().trim_end_matches("[recovered]"));
        // The testing package panics again with what it caught.
        if chain.last().is_none_or(|last| last.message != message) {
            chain.push(Exception { type_name: type_name.to_owned(), message, frames: Vec::new() });
        }
    }
    if let Some(root) = chain.first_mut() {
        root.frames = frames;
    }
    let mut trace = Trace::new(Language::Go, start, end, chain);
    if let Some(signal) = signal {
        trace.failure.context.insert("signal".to_owned(), scan::message(&signal));
    }
    Some(trace)
}

fn opening(text: &str) -> Option<(&'static str, &str)> {
    if let Some(rest) = text.strip_prefix("panic: ") {
        return Some(("panic", rest));
    }
    if let Some(rest) = text.strip_prefix("fatal error: ") {
        return Some(("fatal error", rest));
    }
    // `http: panic serving 127.0.0.1:1234: message`, after the logger's time.
    let at = text.find("http: panic serving ")?;
    let rest = &text[at + "http: panic serving ".len()..];
    rest.split_once(": ").map(|(_, message)| ("panic", message))
}

/// `goroutine 1 [running]:`.
fn is_goroutine(text: &str) -> bool {
    text.starts_with("goroutine ") && text.ends_with("]:")
}

/// A stack that was pasted without its panic.
fn goroutine_only(lines: &[Line<'_>], start: usize) -> Option<Trace> {
    if !is_goroutine(lines[start].text) {
        return None;
    }
    let (frames, end) = stack(lines, start + 1);
    // Only what becomes a trace may be read far ahead, or reading would not be linear.
    (!frames.is_empty()).then(|| {
        let end = other_goroutines(lines, end);
        Trace::new(Language::Go, start, end, vec![Exception { frames, ..Exception::default() }])
    })
}

/// Reads pairs of lines: a call, and below it `file:line +0x…`.
fn stack(lines: &[Line<'_>], from: usize) -> (Vec<Frame>, usize) {
    let mut frames = Vec::new();
    let mut at = from;
    while at + 1 < lines.len() {
        let call = lines[at].text;
        if call.starts_with("...") {
            at += 1;
            continue;
        }
        let Some((path, line)) = place(lines[at + 1].text) else { break };
        if call.starts_with("created by ") {
            // Where a goroutine was started is no caller; it ends the stack.
            at += 2;
            break;
        }
        if !call.ends_with(')') {
            break;
        }
        let (module, function) = split_function(scan::cut_arguments(call));
        add_frame(
            &mut frames,
            Frame { function: Some(function), module, path: Some(path.to_owned()), line: Some(line), column: None },
        );
        at += 2;
    }
    (frames, at)
}

/// Stacks of the other goroutines belong to the same report.
fn other_goroutines(lines: &[Line<'_>], from: usize) -> usize {
    let mut end = from;
    let mut at = from;
    while let Some(line) = lines.get(at) {
        if is_goroutine(line.text) {
            let (_, next) = stack(lines, at + 1);
            at = next.max(at + 1);
            end = at;
        } else if line.is_blank() && at < end + 2 {
            at += 1;
        } else {
            break;
        }
    }
    end
}

/// `/path/file.go:12 +0x1d`.
fn place(text: &str) -> Option<(&str, u32)> {
    let text = text.split(" +0x").next().unwrap_or(text);
    let (path, line, column) = scan::position(text)?;
    (column.is_none() && (path.ends_with(".go") || path.ends_with(".s") || path.contains("_cgo")))
        .then_some((path, line))
}

/// Splits `github.com/a/b/pkg.(*T).M` at the first dot after the last slash.
fn split_function(name: &str) -> (Option<String>, String) {
    let generics = name.find('[').unwrap_or(name.len());
    let slash = name[..generics].rfind('/').map_or(0, |at| at + 1);
    match name[slash..].find('.') {
        Some(dot) => (Some(name[..slash + dot].to_owned()), name[slash + dot + 1..].to_owned()),
        None => (None, name.to_owned()),
    }
}

/// `cart_test.go:12: message` under a failed test, with testify's block.
fn complaint(lines: &[Line<'_>], start: usize, test: &str) -> Option<Trace> {
    let line = &lines[start];
    let (path, rest) = line.text.split_once(':')?;
    let (number, first) = rest.split_once(':')?;
    let number = scan::number(number)?;
    if !path.ends_with(".go") || path.contains(char::is_whitespace) {
        return None;
    }
    let mut message = first.trim().to_owned();
    let mut end = start + 1;
    let mut testify = false;
    while let Some(next) = lines.get(end).filter(|next| next.indent > line.indent && end < start + MAX_MESSAGE_LINES) {
        if next.is_blank() || failed_test(next.text).is_some() {
            break;
        }
        let label = next.text.split(':').next().unwrap_or("");
        if matches!(label, "Error Trace") {
            testify = true;
        } else if testify && label == "Error" {
            next.text.trim_start_matches("Error").trim_start_matches(':').trim().clone_into(&mut message);
        } else if testify && matches!(label, "Test" | "Messages") {
            if let Some(text) = next.text.strip_prefix("Messages:") {
                scan::extend(&mut message, text.trim());
            }
        } else if !testify || !next.text.contains(".go:") {
            scan::extend(&mut message, next.text);
        }
        end += 1;
    }
    let function = test.split('/').next().unwrap_or(test);
    let frame = Frame {
        function: Some(function.to_owned()),
        path: Some(path.to_owned()),
        line: Some(number),
        ..Frame::default()
    };
    let exception = Exception { type_name: "FAIL".to_owned(), message: scan::message(&message), frames: vec![frame] };
    let mut trace = Trace::new(Language::Go, start, end, vec![exception]);
    trace.failure.tool = Some("go-test".to_owned());
    trace.failure.kind = Some(Kind::Test);
    Some(trace)
}
