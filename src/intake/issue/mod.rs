//! Issues: sections, fields, fences, titles, put together into one failure.
//!
//! A trace wins over what fields say about it; fields win over the title; a fingerprint in the text is only a hint.
//! Layer 1.

mod fields;
mod markdown;

use crate::intake::clean::{self, Line};
use crate::intake::issue::fields::{Field, Fields};
use crate::intake::issue::markdown::{Piece, Section};
use crate::intake::scan::{self, Header};
use crate::intake::trace::{self, Trace};
use crate::intake::{Skip, settle, tests_named};
use crate::model::{Exception, Failure, Frame, Language, Reason, Untrusted};

/// Reads an issue.
pub(super) fn read(title: &str, body: &str, labels: &[String]) -> Result<Failure, Skip> {
    let (body, cut) = clean::cap(body);
    let body = clean::clean(&body);
    let title = clean::clean(&fields::cut(title, 4096)).replace('\n', " ");
    let sections = markdown::sections(&body);
    let fields = fields::read(&sections);
    let segments = segments(&sections);
    let mut failure = from_traces(&segments).unwrap_or_default();
    let location = fields.get(Field::Location).and_then(fields::location).map(|frame| with_function(frame, &fields));
    complete(&mut failure, &fields, &segments, &title, location.as_ref());
    for segment in &segments {
        let (tests, tool) = tests_named::find(segment);
        failure.tests.extend(tests);
        if failure.tool.is_none() {
            failure.tool = tool.map(str::to_owned);
        }
    }
    named_tests(&mut failure, &fields);
    if failure.chain.is_empty() {
        if failure.tests.is_empty() && location.is_none() {
            return Err(skip(&sections, &body, cut));
        }
        // A failing test, or a place, is something to act on even without words.
        let message = scan::message(strip_product(&title));
        failure.chain.push(Exception { message, ..Exception::default() });
    }
    if failure.frames().is_empty()
        && let Some(frame) = location.clone()
        && let Some(root) = failure.chain.first_mut()
    {
        root.frames.push(frame);
    }
    surroundings(&mut failure, fields, &sections, labels, location.as_ref());
    settle(&mut failure);
    Ok(failure)
}

/// Collects what may hold a trace: each fence, and each run of text between fences and headings.
fn segments<'a>(sections: &'a [Section<'a>]) -> Vec<Vec<Line<'a>>> {
    let mut all: Vec<Vec<Line<'a>>> = Vec::new();
    for section in sections {
        let mut run: Vec<Line<'a>> = Vec::new();
        for piece in &section.pieces {
            match piece {
                Piece::Text(line) => run.push(Line::new(line)),
                Piece::Code(_, lines) => {
                    all.push(std::mem::take(&mut run));
                    all.push(lines.iter().map(|line| Line::new(line)).collect());
                }
            }
        }
        all.push(run);
    }
    all.retain(|segment| segment.iter().any(|line| !line.is_blank()));
    all
}

fn from_traces(segments: &[Vec<Line<'_>>]) -> Option<Failure> {
    let traces: Vec<Trace> = segments.iter().flat_map(|lines| trace::find(lines)).collect();
    trace::primary(&traces).map(|trace| trace.failure.clone())
}

fn with_function(mut frame: Frame, fields: &Fields) -> Frame {
    if frame.function.is_none() {
        frame.function = fields.get(Field::Function).map(|name| scan::cut_arguments(name).to_owned());
    }
    frame
}

/// Fills in type and message where the trace has none, or where there is no trace.
fn complete(failure: &mut Failure, fields: &Fields, segments: &[Vec<Line<'_>>], title: &str, location: Option<&Frame>) {
    let lacking = match failure.root() {
        Some(root) => root.type_name.is_empty() && root.message.is_blank(),
        None => true,
    };
    if !lacking {
        return;
    }
    let said = from_fields(fields);
    let needs_type = said.as_ref().is_none_or(|h| h.type_name.is_empty());
    let elsewhere = || from_title(title).or_else(|| from_lines(segments));
    let header = match said {
        Some(header) if needs_type => match elsewhere() {
            Some(other) if other.message.is_empty() || header.message.contains(&other.message) => {
                Some(Header { type_name: other.type_name, ..header })
            }
            _ => Some(header),
        },
        Some(header) if header.message.is_empty() => match elsewhere() {
            Some(other) if other.type_name == header.type_name => Some(other),
            _ => Some(header),
        },
        Some(header) => Some(header),
        None => elsewhere(),
    };
    let Some(header) = header else { return };
    if failure.code.is_none() {
        failure.code.clone_from(&header.code);
    }
    let exception = header.into_exception();
    match failure.chain.first_mut() {
        Some(root) => {
            root.type_name = exception.type_name;
            root.message = exception.message;
        }
        None => failure.chain.push(exception),
    }
    if failure.language.is_none() {
        failure.language = location.and_then(|frame| frame.path.as_deref()).and_then(Language::of_path);
    }
}

fn from_fields(fields: &Fields) -> Option<Header> {
    let kind = fields.get(Field::Type);
    let message = fields.get(Field::Message);
    let mut header = match kind {
        Some(text) => {
            let first = text.lines().next().unwrap_or(text).trim();
            match scan::header(first) {
                Some(mut header) => {
                    for line in text.lines().skip(1) {
                        scan::extend(&mut header.message, line);
                    }
                    header
                }
                None => Header { message: text.to_owned(), ..Header::default() },
            }
        }
        None => Header::default(),
    };
    if let Some(message) = message {
        let first = message.lines().next().unwrap_or(message);
        match scan::error_header(first.trim()) {
            Some(mut said) if header.type_name.is_empty() || said.type_name == header.type_name => {
                for line in message.lines().skip(1) {
                    scan::extend(&mut said.message, line);
                }
                header = said;
            }
            _ => message.clone_into(&mut header.message),
        }
    }
    (!header.type_name.is_empty() || !header.message.trim().is_empty()).then_some(header)
}

/// Removes `[Product]` and the words that trackers put before a title.
fn strip_product(title: &str) -> &str {
    let mut rest = title.trim();
    for _ in 0..6 {
        let before = rest.len();
        if let Some(inner) = rest.strip_prefix('[')
            && let Some((_, after)) = inner.split_once(']')
            && !after.trim().is_empty()
        {
            rest = after.trim_start();
        }
        rest = rest
            .trim_start_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '[' | '_' | '`' | '"' | '\'' | '\\'));
        for word in ["Bug:", "bug:", "BUG:", "Crash:", "crash:", "Bug report:", "Error:", "Production:", "CI:", "fix:"]
        {
            if let Some(after) = rest.strip_prefix(word)
                && scan::error_header(after.trim()).is_some()
            {
                rest = after.trim_start();
            }
        }
        if rest.len() == before {
            break;
        }
    }
    rest
}

fn from_title(title: &str) -> Option<Header> {
    let text = strip_product(title);
    if let Some(rest) = text.strip_prefix("panic: ") {
        return Some(Header { type_name: "panic".to_owned(), message: rest.to_owned(), code: None });
    }
    let text = text.replace('`', "");
    scan::error_header(&text).or_else(|| scan::error_within(&text))
}

/// Looks for a line, then for words in a line, that have the shape of an error.
fn from_lines(segments: &[Vec<Line<'_>>]) -> Option<Header> {
    let lines = || segments.iter().flatten();
    let whole = |line: &Line<'_>| scan::error_header(line.text).filter(|h| !h.message.is_empty());
    let spans = |line: &Line<'_>| {
        let spans = line.text.split('`').skip(1).step_by(2).take(32);
        spans.filter_map(scan::error_header).find(|h| !h.message.is_empty())
    };
    lines().find_map(whole).or_else(|| lines().find_map(spans)).or_else(|| {
        lines().filter(|line| line.text.len() < 600 && line.text.contains(':')).find_map(|line| {
            let text = line.text.replace('`', "");
            scan::error_header(&text).or_else(|| scan::error_within(&text)).filter(|h| !h.message.is_empty())
        })
    })
}

fn named_tests(failure: &mut Failure, fields: &Fields) {
    for (_, value) in fields.known.iter().filter(|(field, _)| *field == Field::Test) {
        for line in value.lines().take(50) {
            let name = line.trim().trim_start_matches("- ").trim_start_matches("* ").trim_matches('`').trim();
            // A sentence about tests names none.
            let named = !name.is_empty() && name.len() <= 300 && !name.ends_with('.') && name != "```";
            if named && !failure.tests.iter().any(|known| known == name) {
                failure.tests.push(name.to_owned());
            }
        }
    }
    failure.tests.truncate(200);
}

/// Adds language, commit, job, context, hint and breadcrumbs.
fn surroundings(
    failure: &mut Failure,
    fields: Fields,
    sections: &[Section<'_>],
    labels: &[String],
    location: Option<&Frame>,
) {
    if failure.language.is_none() {
        failure.language = fields
            .get(Field::Language)
            .and_then(language_named)
            .or_else(|| location.and_then(|frame| frame.path.as_deref()).and_then(Language::of_path))
            .or_else(|| labels.iter().find_map(|label| language_named(label)))
            .or_else(|| fence_language(sections))
            .or_else(|| tests_named::language(&failure.tests));
    }
    failure.hint = fields.get(Field::Fingerprint).map(|hint| fields::cut(hint, 200));
    failure.job = fields.get(Field::Job).map(|job| fields::cut(job, 200));
    if let Some(commit) = fields.get(Field::Commit) {
        let word = commit.rsplit('/').next().unwrap_or(commit).trim_matches('`');
        match word.parse() {
            Ok(id) => failure.commit = Some(id),
            // A short name is no identity, but a person may know it.
            Err(_) => {
                failure.context.insert("commit".to_owned(), Untrusted::new(fields::cut(commit, 200)));
            }
        }
    }
    for (name, value) in fields.other {
        failure.context.entry(name).or_insert_with(|| Untrusted::new(value));
    }
    failure.breadcrumbs = fields.breadcrumbs.into_iter().map(Untrusted::new).collect();
    if failure.breadcrumbs.is_empty() {
        failure.breadcrumbs = made_breadcrumbs(failure, location);
    }
}

/// A server leaves no breadcrumbs: what is known of job, place and context stands in for them.
fn made_breadcrumbs(failure: &Failure, location: Option<&Frame>) -> Vec<Untrusted> {
    let mut made = Vec::new();
    if let Some(job) = &failure.job {
        made.push(format!("job: {job}"));
    }
    if let Some(frame) = location.or_else(|| failure.frames().first())
        && let Some(path) = &frame.path
    {
        let mut text = format!("location: {path}");
        if let Some(line) = frame.line {
            text.push_str(&format!(":{line}"));
        }
        if let Some(function) = &frame.function {
            text.push_str(&format!(" in {function}"));
        }
        made.push(text);
    }
    made.extend(failure.context.iter().map(|(name, value)| format!("{name}: {}", value.as_str())));
    made.into_iter().map(Untrusted::new).collect()
}

fn language_named(text: &str) -> Option<Language> {
    let text = text.to_lowercase();
    let name = text.rsplit([':', '/']).next().unwrap_or(&text).trim();
    Some(match name {
        "javascript" | "js" | "node" | "nodejs" | "node.js" => Language::JavaScript,
        "typescript" | "ts" => Language::TypeScript,
        "tsx" => Language::Tsx,
        "python" | "py" | "python3" => Language::Python,
        "rust" | "rs" => Language::Rust,
        "go" | "golang" => Language::Go,
        "java" => Language::Java,
        "kotlin" | "kt" => Language::Kotlin,
        "c#" | "csharp" | "cs" | "dotnet" | ".net" => Language::CSharp,
        "ruby" | "rb" => Language::Ruby,
        "php" => Language::Php,
        _ => return None,
    })
}

fn fence_language(sections: &[Section<'_>]) -> Option<Language> {
    sections.iter().flat_map(|section| &section.pieces).find_map(|piece| match piece {
        Piece::Code(info, _) => language_named(info.split_whitespace().next().unwrap_or("")),
        Piece::Text(_) => None,
    })
}

/// Says what is missing.
fn skip(sections: &[Section<'_>], body: &str, cut: bool) -> Skip {
    const ADD: &str = "Add the full stack trace in a code fence (three back-ticks), or the lines \
                       `**Error Type:** …`, `**Error Message:** …` and `**Location:** file:line`, or the name of a \
                       failing test as `**Failing test:** …`.";
    if cut {
        let message = format!(
            "The issue's text is longer than 1 MiB; its beginning and end were read, and neither holds an error. {ADD}"
        );
        return Skip { reason: Reason::ReportTooLarge, message };
    }
    let has_code = sections.iter().flat_map(|s| &s.pieces).any(|piece| matches!(piece, Piece::Code(..)));
    let what = if body.trim().is_empty() {
        "The issue has no text."
    } else if body.contains("![") || body.contains("<img") {
        "The issue shows its error as an image, which cannot be read."
    } else if has_code {
        "The code in the issue holds no stack trace and no error message that can be read."
    } else {
        "The issue describes a problem but holds no stack trace, error message or failing test."
    };
    Skip { reason: Reason::NothingToActOn, message: format!("{what} {ADD}") }
}
