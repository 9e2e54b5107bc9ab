//! A stack trace in the habit of its language, from what was read of it. Layer 1.
//!
//! Refuses to repeat the report: only names, files and lines that were understood are written, so that nothing else comes
//! along.

use std::fmt::Write as _;

use crate::fingerprint::{innermost_app_frame, language_family};
use crate::model::{Exception, Failure, Frame};

/// Exceptions of one chain that are shown.
const MOST_EXCEPTIONS: usize = 6;
/// Frames of the whole chain that are shown, shared out.
const MOST_FRAMES: usize = 48;

/// Returns where a person should look: the innermost frame of the repository's own code, as place and function.
pub(super) fn location(failure: &Failure) -> Option<(String, Option<String>)> {
    if let Some(frame) = innermost_app_frame(failure) {
        let file = frame.path.unwrap_or(frame.module_or_path);
        let place = frame.line.map_or_else(|| file.clone(), |line| format!("{file}:{line}"));
        return Some((place, Some(frame.function).filter(|name| !name.is_empty())));
    }
    let frame = failure.frames().first()?;
    Some((place(frame), frame.function.clone()))
}

/// Writes the chain of causes; nothing where no exception has a frame.
pub(super) fn trace(failure: &Failure) -> Option<String> {
    if failure.frames().is_empty() {
        return None;
    }
    let shown = &failure.chain[..failure.chain.len().min(MOST_EXCEPTIONS)];
    let each = (MOST_FRAMES / shown.len().max(1)).max(6);
    let family = language_family(failure);
    let mut text = String::new();
    // The JVM and JavaScript tell the story from its end, all others from its cause.
    let from_the_end = matches!(family, "jvm" | "js");
    let order: Vec<&Exception> = if from_the_end { shown.iter().rev().collect() } else { shown.iter().collect() };
    for (at, exception) in order.into_iter().enumerate() {
        let joint = match (at, family) {
            (0, _) => "",
            (_, "jvm") => "Caused by: ",
            (_, "js") => "[cause]: ",
            _ => "\nwhich led to:\n\n",
        };
        text.push_str(joint);
        one(&mut text, family, exception, each);
    }
    let hidden = failure.chain.len() - shown.len();
    if hidden > 0 {
        let _infallible = writeln!(text, "… {hidden} more exceptions");
    }
    Some(text)
}

fn one(text: &mut String, family: &str, exception: &Exception, most: usize) {
    let frames = &exception.frames[..exception.frames.len().min(most)];
    let hidden = exception.frames.len() - frames.len();
    let message = exception.message.as_str().lines().next().unwrap_or_default();
    let kind = &exception.type_name;
    let head = if message.is_empty() { kind.clone() } else { format!("{kind}: {message}") };
    let _infallible = match family {
        "python" => python(text, &head, frames, hidden),
        "rust" => rust(text, kind, message, frames, hidden),
        "go" => go(text, &head, frames, hidden),
        "ruby" => ruby(text, &head, frames, hidden),
        "php" => php(text, &head, frames, hidden),
        "csharp" => listed(text, &head, frames, hidden, "   ", |frame| match (&frame.path, frame.line) {
            (Some(path), Some(line)) => format!("at {}() in {path}:line {line}", name(frame, ".")),
            _ => format!("at {}()", name(frame, ".")),
        }),
        "jvm" => {
            listed(text, &head, frames, hidden, "    ", |frame| format!("at {}({})", name(frame, "."), place(frame)))
        }
        _ => listed(text, &head, frames, hidden, "    ", |frame| match &frame.function {
            Some(function) => format!("at {function} ({})", place(frame)),
            None => format!("at {}", place(frame)),
        }),
    };
}

fn listed(
    text: &mut String,
    head: &str,
    frames: &[Frame],
    hidden: usize,
    indent: &str,
    line: impl Fn(&Frame) -> String,
) -> std::fmt::Result {
    writeln!(text, "{head}")?;
    for frame in frames {
        writeln!(text, "{indent}{}", line(frame))?;
    }
    more(text, indent, hidden)
}

fn python(text: &mut String, head: &str, frames: &[Frame], hidden: usize) -> std::fmt::Result {
    if !frames.is_empty() {
        writeln!(text, "Traceback (most recent call last):")?;
    }
    more(text, "  ", hidden)?;
    for frame in frames.iter().rev() {
        write!(text, "  File \"{}\"", frame.path.as_deref().unwrap_or("?"))?;
        if let Some(line) = frame.line {
            write!(text, ", line {line}")?;
        }
        match &frame.function {
            Some(function) => writeln!(text, ", in {function}")?,
            None => writeln!(text)?,
        }
    }
    writeln!(text, "{head}")
}

fn rust(text: &mut String, kind: &str, message: &str, frames: &[Frame], hidden: usize) -> std::fmt::Result {
    // A frame without a function is the place that the panic itself names.
    let (at, rest) = match frames {
        [first, rest @ ..] if first.function.is_none() => (Some(first), rest),
        all => (None, all),
    };
    match at {
        Some(frame) if kind == "panic" => writeln!(text, "thread panicked at {}:\n{message}", place(frame))?,
        Some(frame) => writeln!(text, "{kind} at {}:\n{message}", place(frame))?,
        None => writeln!(text, "{kind}: {message}")?,
    }
    if !rest.is_empty() {
        writeln!(text, "stack backtrace:")?;
    }
    for (number, frame) in rest.iter().enumerate() {
        writeln!(text, "{number:>4}: {}", name(frame, "::"))?;
        if frame.path.is_some() {
            writeln!(text, "          at {}", place(frame))?;
        }
    }
    more(text, "      ", hidden)
}

fn go(text: &mut String, head: &str, frames: &[Frame], hidden: usize) -> std::fmt::Result {
    writeln!(text, "{head}\n")?;
    for frame in frames {
        writeln!(text, "{}(...)\n    {}", name(frame, "."), place(frame))?;
    }
    more(text, "    ", hidden)
}

fn ruby(text: &mut String, head: &str, frames: &[Frame], hidden: usize) -> std::fmt::Result {
    for (at, frame) in frames.iter().enumerate() {
        let lead = if at == 0 { "" } else { "    from " };
        let inside = frame.function.as_ref().map(|function| format!(":in '{function}'")).unwrap_or_default();
        let what = if at == 0 { format!(": {head}") } else { String::new() };
        writeln!(text, "{lead}{}{inside}{what}", place(frame))?;
    }
    if frames.is_empty() {
        writeln!(text, "{head}")?;
    }
    more(text, "    ", hidden)
}

fn php(text: &mut String, head: &str, frames: &[Frame], hidden: usize) -> std::fmt::Result {
    writeln!(text, "{head}\nStack trace:")?;
    for (number, frame) in frames.iter().enumerate() {
        let file = frame.path.as_deref().unwrap_or("[internal function]");
        let line = frame.line.map(|line| format!("({line})")).unwrap_or_default();
        writeln!(text, "#{number} {file}{line}: {}", name(frame, "->"))?;
    }
    more(text, "", hidden)
}

fn more(text: &mut String, indent: &str, hidden: usize) -> std::fmt::Result {
    if hidden > 0 { writeln!(text, "{indent}… {hidden} more frames") } else { Ok(()) }
}

fn name(frame: &Frame, joint: &str) -> String {
    match (&frame.module, &frame.function) {
        (Some(module), Some(function)) if !function.starts_with(module.as_str()) => {
            format!("{module}{joint}{function}")
        }
        (_, Some(function)) => function.clone(),
        (Some(module), None) => module.clone(),
        (None, None) => "?".to_owned(),
    }
}

fn place(frame: &Frame) -> String {
    let path = frame.path.as_deref().unwrap_or("unknown file");
    match (frame.line, frame.column) {
        (Some(line), Some(column)) => format!("{path}:{line}:{column}"),
        (Some(line), None) => format!("{path}:{line}"),
        _ => path.to_owned(),
    }
}
