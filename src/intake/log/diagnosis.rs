//! From the log of a failed job to what went wrong: lane, kind, first error, failing tests, excerpt.
//!
//! The order of trust is one list, in [`choose`]. Refuses to call something an error that only repeats that something
//! failed, as long as anything else is there. Linear in the log. Layer 1.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::Serialize;

use crate::intake::clean::{self, Line};
use crate::intake::log::diagnostic::{self, Diagnostic, Output};
use crate::intake::log::excerpt::{self, Excerpt, Wanted};
use crate::intake::log::signal::{self, Hit, Weight};
use crate::intake::log::step::{self, Row, Step};
use crate::intake::log::{LogText, Reading, read_lines};
use crate::intake::{scan, trace};
use crate::model::{Counts, Exception, Failure, Frame, Kind, Lane, TestOutcome, Untrusted};

/// The most failing tests that are kept.
const MOST_TESTS: usize = 1000;
/// The most files that a format failure names.
const MOST_FILES: usize = 500;

/// The first meaningful error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct FirstError {
    /// What is wrong, in the tool's words.
    pub message: String,
    /// The file as written.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<u32>,
    /// The tool's code, rule or the error's type.
    pub code: Option<String>,
}

/// What was understood of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnosis {
    /// Who can do something about it; nothing where nothing failed.
    pub lane: Option<Lane>,
    /// What failed.
    pub kind: Option<Kind>,
    /// The tool whose words these are.
    pub tool: Option<String>,
    /// The first meaningful error.
    pub first_error: Option<FirstError>,
    /// Failing tests, as their runner writes them, sorted.
    pub failed_tests: Vec<String>,
    /// The runners' own counts.
    pub counts: Counts,
    /// At most forty lines that hold the first error and every failing test's name.
    pub excerpt: String,
    /// The first and the last line of the log that the excerpt shows, from 1.
    pub lines: Option<[usize; 2]>,
    /// Files that are not formatted, where nothing else is wrong.
    pub files: Vec<String>,
    /// The same as a failure; nothing where nothing failed.
    pub failure: Option<Failure>,
}

/// What was chosen as the reason.
struct Chosen {
    failure: Failure,
    rows: Option<Range<usize>>,
}

/// Reads a log.
pub fn diagnose(log: &LogText) -> Diagnosis {
    let cleaned = clean::clean(&log.text);
    let rows = Row::all(&cleaned);
    let step = step::find(&rows);
    let (reading, offset) = read_tests(&rows, &step);
    let mut failed: Vec<String> = reading.run.with(TestOutcome::Failed).map(str::to_owned).collect();
    failed.extend(reading.labels.iter().cloned());
    failed.sort();
    failed.dedup();
    failed.truncate(MOST_TESTS);
    let output = Output {
        rows: rows.get(step.rows.clone()).unwrap_or(&[]),
        command: rows.get(step.command.clone()).unwrap_or(&[]),
    };
    let mut complaints = diagnostic::read(&output);
    for one in &mut complaints {
        one.rows = one.rows.start + step.rows.start..one.rows.end + step.rows.start;
    }
    let hits = signal::find(&rows, &step.rows.clone());
    let view = View {
        rows: &rows,
        step: &step,
        reading: &reading,
        offset,
        failed: &failed,
        complaints: &complaints,
        hits: &hits,
    };
    let mut diagnosis = Diagnosis { counts: reading.printed, ..Diagnosis::default() };
    diagnosis.failed_tests.clone_from(&failed);
    let Some(mut chosen) = choose(&view) else {
        // What failed without failing the job is shown, and is nobody's business.
        if !failed.is_empty() {
            diagnosis.show(excerpt::make(&rows, &wanted(&view, None)), log);
        }
        return diagnosis;
    };
    let files = format_files(&chosen.failure, &complaints);
    if let Some(first) = files.first() {
        chosen.failure.context.insert("file".to_owned(), Untrusted::new(first));
        chosen.failure.context.insert("files".to_owned(), Untrusted::new(files.join("\n")));
    }
    let excerpt = excerpt::make(&rows, &wanted(&view, chosen.rows.clone()));
    diagnosis.lane = chosen.failure.lane;
    diagnosis.kind = chosen.failure.kind;
    diagnosis.tool = chosen.failure.tool.clone();
    diagnosis.first_error = Some(first_error(&chosen.failure));
    diagnosis.show(excerpt, log);
    diagnosis.files = files;
    diagnosis.failure = Some(chosen.failure);
    diagnosis
}

/// Reads what tools complain about in the output of one command: compilers, type checkers, linters and formatters.
///
/// The command itself tells whose output a list of bare file names is.
pub fn complaints(command: &str, output: &str) -> Vec<Failure> {
    let (command, output) = (clean::clean(command), clean::clean(output));
    let (command, rows) = (Row::all(&command), Row::all(&output));
    let found = diagnostic::read(&Output { rows: &rows, command: &command });
    found.iter().filter(|one| !one.vague).map(Diagnostic::failure).collect()
}

impl Diagnosis {
    fn show(&mut self, excerpt: Excerpt, log: &LogText) {
        self.lines = excerpt.rows.map(|(from, to)| [from + 1 + log.dropped, to + 1 + log.dropped]);
        self.excerpt = excerpt.text;
    }
}

/// Everything that was read.
struct View<'a> {
    rows: &'a [Row<'a>],
    step: &'a Step,
    reading: &'a Reading<'a>,
    /// The row of the reading's first line.
    offset: usize,
    failed: &'a [String],
    complaints: &'a [Diagnostic],
    hits: &'a [Hit],
}

/// Reads the runners of the failing step; where it has none, those of the whole log.
fn read_tests<'a>(rows: &[Row<'a>], step: &Step) -> (Reading<'a>, usize) {
    let of = |range: Range<usize>| read_lines(rows[range].iter().map(|row| row.line).collect::<Vec<Line<'_>>>());
    let reading = of(step.rows.clone());
    if reading.run.runner.is_none() && step.rows != (0..rows.len()) {
        let mut whole = of(0..rows.len());
        if whole.run.runner.is_some() {
            if !step.passed && step.verdict.is_some() {
                // What failed elsewhere did not fail this step.
                whole.failures.clear();
            }
            return (whole, 0);
        }
    }
    (reading, step.rows.start)
}

/// Chooses the reason, from what decides by itself to what is left when nothing else is.
fn choose(view: &View<'_>) -> Option<Chosen> {
    if let Some(hit) = signal::heaviest(view.hits, Weight::Stop) {
        return Some(signalled(view, hit));
    }
    // Failing tests of a step that passed were meant to fail.
    if view.step.passed {
        return None;
    }
    if !view.failed.is_empty() {
        return Some(test(view));
    }
    if let Some(hit) = signal::heaviest(view.hits, Weight::Strong) {
        return Some(signalled(view, hit));
    }
    if let Some(one) = first(view.complaints.iter().filter(|one| !one.vague && one.tool != "actions")) {
        if one.kind == Kind::Dependency
            && let Some(hit) = view.hits.iter().find(|hit| hit.signal.kind == Kind::Network && near(hit.row, one))
        {
            return Some(signalled(view, *hit));
        }
        return Some(complaint(one));
    }
    if let Some(chosen) = unnamed(view) {
        return Some(chosen);
    }
    let ends = view.step.exit == Some(137);
    if ends {
        return Some(plain(view, Lane::Infra, Kind::Memory, "killed", "The process was killed (exit code 137)."));
    }
    if let Some(hit) = signal::heaviest(view.hits, Weight::Hint) {
        return Some(signalled(view, hit));
    }
    if let Some(chosen) = crash(view) {
        return Some(chosen);
    }
    if let Some(one) = first(view.complaints.iter().filter(|one| !one.vague)) {
        return Some(complaint(one));
    }
    if let Some(chosen) = last_error(view) {
        return Some(chosen);
    }
    if let Some(one) = view.complaints.last().filter(|one| one.tool != "npm") {
        return Some(complaint(one));
    }
    exited(view)
}

/// Nothing but an exit code: the last words before it are all there is.
fn exited(view: &View<'_>) -> Option<Chosen> {
    let exit = view.step.exit.filter(|code| *code != 0)?;
    let noise = |raw: &str| raw.is_empty() || step::is_verdict(raw) || raw.starts_with("travis_") || is_repeat(raw);
    let end = view.step.verdict.unwrap_or(view.step.rows.end).min(view.step.rows.end);
    let last = (view.step.rows.start..end).rev().take(40).find(|at| !noise(view.rows[*at].raw.trim()));
    let words = last.map_or("", |at| view.rows[at].line.text);
    let message = format!("exit code {exit} after: {words}");
    let mut chosen = plain(view, Lane::Code, Kind::Build, "exit", message.trim_end_matches([' ', ':']));
    chosen.rows = last.map(|at| at..at + 1).or(chosen.rows);
    Some(chosen)
}

/// Returns whether a build tool only says there that something failed.
fn is_repeat(raw: &str) -> bool {
    ["make: ***", "make[", "gmake: ***", "ninja: build stopped", "npm ERR!", "npm error", "error Command failed"]
        .iter()
        .any(|lead| raw.starts_with(lead))
}

/// Chooses the first complaint; formatting only where nothing else is wrong.
fn first<'a>(complaints: impl Iterator<Item = &'a Diagnostic>) -> Option<&'a Diagnostic> {
    complaints.min_by_key(|one| (one.kind == Kind::Format, one.rows.start))
}

/// Returns whether a row stands where a complaint's cause would.
fn near(row: usize, one: &Diagnostic) -> bool {
    (one.rows.start.saturating_sub(60)..one.rows.end + 20).contains(&row)
}

fn complaint(one: &Diagnostic) -> Chosen {
    Chosen { failure: one.failure(), rows: Some(one.rows.clone()) }
}

fn signalled(view: &View<'_>, hit: Hit) -> Chosen {
    let text = view.rows[hit.row].raw.trim();
    let message = text.strip_prefix("##[error]").unwrap_or(text).trim();
    let failure = Failure {
        chain: vec![Exception {
            type_name: hit.signal.code.to_owned(),
            message: scan::message(message),
            frames: Vec::new(),
        }],
        tool: Some("runner".to_owned()),
        code: Some(hit.signal.code.to_owned()),
        lane: Some(hit.signal.lane),
        kind: Some(hit.signal.kind),
        ..Failure::default()
    };
    Chosen { failure, rows: Some(hit.row..hit.row + 1) }
}

fn plain(view: &View<'_>, lane: Lane, kind: Kind, code: &str, message: &str) -> Chosen {
    let exception = Exception { type_name: code.to_owned(), message: scan::message(message), frames: Vec::new() };
    let failure = Failure {
        chain: vec![exception],
        tool: Some("runner".to_owned()),
        code: Some(code.to_owned()),
        lane: Some(lane),
        kind: Some(kind),
        ..Failure::default()
    };
    Chosen { failure, rows: view.step.verdict.map(|at| at..at + 1) }
}

/// Failing tests: the failure of the one whose output stands first, with the names of all.
fn test(view: &View<'_>) -> Chosen {
    let reading = view.reading;
    let mut spans: BTreeMap<&str, &Range<usize>> = BTreeMap::new();
    for (test, span) in &reading.blocks {
        spans.entry(test.as_deref().unwrap_or("")).or_insert(span);
    }
    let own = reading.failures.iter().filter_map(|(test, failure)| Some((spans.get(test.as_deref()?), failure)));
    let first = own.min_by_key(|(span, _)| span.map_or(usize::MAX, |span| span.start));
    let (span, mut failure) = match first {
        Some((span, failure)) => (span.map(|span| (*span).clone()), failure.clone()),
        None => reading.failures.first().map_or_else(
            || (None, nameless(view.failed)),
            |(_, failure)| (reading.blocks.first().map(|(_, span)| span.clone()), failure.clone()),
        ),
    };
    failure.tool = failure.tool.or_else(|| reading.tools.first().map(|tool| (*tool).to_owned()));
    failure.tests = of_one_cause(view, &failure);
    failure.kind = Some(Kind::Test);
    let flaky = !reading.failures.is_empty()
        && reading.failures.iter().filter(|(test, _)| test.is_some()).all(|(_, failure)| comes_and_goes(failure))
        && reading.failures.iter().any(|(test, _)| test.is_some());
    failure.lane = Some(if flaky { Lane::Flaky } else { Lane::Code });
    // The row above names the test.
    let rows = span.map(|span| (view.offset + span.start).saturating_sub(1)..view.offset + span.end);
    Chosen { failure, rows }
}

/// Returns the tests that fail the same way: another test that fails as well must not make another failure of this one.
fn of_one_cause(view: &View<'_>, failure: &Failure) -> Vec<String> {
    let same = |other: &Failure| other.error_type() == failure.error_type() && other.message() == failure.message();
    let own = view.reading.failures.iter().filter(|(_, other)| same(other)).filter_map(|(test, _)| test.clone());
    let own: BTreeSet<String> = own.take(MOST_TESTS).collect();
    if own.is_empty() { view.failed.to_vec() } else { own.into_iter().collect() }
}

/// A test that failed, and nothing says why.
fn nameless(failed: &[String]) -> Failure {
    let message = format!("{} failed", failed.first().map_or("", String::as_str));
    let exception = Exception { type_name: "failed".to_owned(), message: Untrusted::new(message), frames: Vec::new() };
    Failure { chain: vec![exception], ..Failure::default() }
}

/// Returns whether a test failed by time or network alone, which another run may not show.
fn comes_and_goes(failure: &Failure) -> bool {
    const WORDS: [&str; 13] = [
        "not invoked within",
        "Exceeded timeout of",
        "Timeout of ",
        "timed out after",
        "Test timed out",
        "ECONNREFUSED",
        "ECONNRESET",
        "ETIMEDOUT",
        "Connection refused",
        "Connection reset",
        "Read timed out",
        "Temporary failure in name resolution",
        "Max retries exceeded",
    ];
    let message = failure.message();
    WORDS.iter().any(|word| message.contains(word))
}

/// What a runner counts and does not name: files that do not load, classes that are not set up.
fn unnamed(view: &View<'_>) -> Option<Chosen> {
    if view.reading.unnamed == 0 && view.reading.run.counts.failed == 0 {
        return None;
    }
    let span = view.reading.blocks.iter().find(|(test, _)| test.is_none()).map(|(_, span)| span.clone());
    let (_, failure) = view.reading.failures.first()?;
    let mut failure = failure.clone();
    failure.tool = failure.tool.or_else(|| view.reading.tools.first().map(|tool| (*tool).to_owned()));
    failure.kind = Some(Kind::Test);
    failure.lane = Some(Lane::Code);
    Some(Chosen { failure, rows: span.map(|span| view.offset + span.start..view.offset + span.end) })
}

/// A program that ended with a trace.
fn crash(view: &View<'_>) -> Option<Chosen> {
    let from = view.step.rows.start;
    // What a runner claims as its own is not there any more.
    let lines = view.reading.rest.get(from - view.offset..view.step.rows.end - view.offset)?;
    // The last one ended the step; those above it may have been survived.
    let found = trace::find(lines).into_iter().rfind(|trace| {
        !trace.failure.frames().is_empty() && trace.failure.root().is_some_and(|root| !root.type_name.is_empty())
    })?;
    let mut failure = found.failure;
    failure.kind = Some(Kind::Runtime);
    failure.lane = Some(Lane::Code);
    Some(Chosen { failure, rows: Some(from + found.start..from + found.end) })
}

/// The last line that calls itself an error, where no tool is known by its shape.
fn last_error(view: &View<'_>) -> Option<Chosen> {
    let end = view.step.verdict.unwrap_or(view.step.rows.end).min(view.step.rows.end);
    let start = view.step.rows.start.max(end.saturating_sub(400));
    let calls = |row: &Row<'_>| {
        let text = row.line.text;
        let lower = text.get(..text.len().min(12)).unwrap_or("").to_ascii_lowercase();
        let leads =
            ["error:", "error ", "fatal:", "fatal ", "err!", "failed:", "e: "].iter().any(|w| lower.starts_with(w));
        (leads || scan::error_header(text).is_some() || text.contains(" error: "))
            && !step::is_verdict(row.raw)
            && !is_repeat(row.raw.trim_start())
    };
    let at = (start..end).rev().find(|at| calls(&view.rows[*at]))?;
    // Of several in a row the first says what, the others what follows from it.
    let mut first = at;
    while first > start && calls(&view.rows[first - 1]) {
        first -= 1;
    }
    let text = view.rows[first].line.text;
    let header = scan::error_header(text).unwrap_or_else(|| scan::Header {
        type_name: "error".to_owned(),
        message: text.trim_start_matches("error:").trim().to_owned(),
        code: None,
    });
    let failure = Failure {
        code: header.code.clone(),
        chain: vec![header.into_exception()],
        lane: Some(Lane::Code),
        kind: Some(Kind::Build),
        ..Failure::default()
    };
    Some(Chosen { failure, rows: Some(first..at + 1) })
}

/// Returns the files that a formatter names, where formatting is all that is wrong.
fn format_files(failure: &Failure, complaints: &[Diagnostic]) -> Vec<String> {
    if failure.kind != Some(Kind::Format) {
        return Vec::new();
    }
    let own = complaints.iter().filter(|one| one.kind == Kind::Format && Some(one.tool) == failure.tool.as_deref());
    let files: BTreeSet<&str> = own.filter_map(|one| one.file.as_deref()).map(in_checkout).collect();
    files.into_iter().take(MOST_FILES).map(str::to_owned).collect()
}

fn first_error(failure: &Failure) -> FirstError {
    let root = failure.root();
    let type_name = root.map_or("", |root| root.type_name.as_str());
    let message = failure.message();
    let is_type = failure.code.is_none()
        && !type_name.is_empty()
        && !matches!(type_name, "failed" | "error")
        && Some(type_name) != failure.tool.as_deref();
    let message = match (is_type, message.is_empty()) {
        (true, false) => format!("{type_name}: {message}"),
        (true, true) => type_name.to_owned(),
        _ => message.to_owned(),
    };
    let frame = failure.frames().iter().find(|frame| is_own(frame)).or_else(|| failure.frames().first());
    FirstError {
        message,
        file: frame.and_then(|frame| frame.path.as_deref()).map(|path| in_checkout(path).to_owned()),
        line: frame.and_then(|frame| frame.line),
        code: failure.code.clone().or_else(|| is_type.then(|| type_name.to_owned())),
    }
}

/// Takes off where a CI system checks repositories out; other paths stay as they are.
fn in_checkout(path: &str) -> &str {
    let path = path.strip_prefix("file://").unwrap_or(path);
    // How many folders below the root belong to the checkout.
    let roots = [("/home/runner/work/", 2), ("/__w/", 2), ("/Users/runner/work/", 2), ("/home/travis/build/", 2)];
    let under = roots.iter().chain(&[("/Users/travis/build/", 2), ("/github/workspace/", 0), ("D:\\a\\", 2)]);
    for (root, folders) in under {
        let Some(mut rest) = path.strip_prefix(root) else { continue };
        for _ in 0..*folders {
            let Some((_, inner)) = rest.split_once(['/', '\\']) else { return path };
            rest = inner;
        }
        return rest;
    }
    path.strip_prefix("./").unwrap_or(path)
}

/// Returns whether a frame looks like the repository's own.
fn is_own(frame: &Frame) -> bool {
    const FOREIGN: [&str; 12] = [
        "node_modules/",
        "site-packages/",
        "dist-packages/",
        "/rustc/",
        ".cargo/registry/",
        "node:",
        "internal/",
        "/usr/lib/",
        "/pkg/mod/",
        "/lib/python",
        "<frozen",
        "/usr/local/go/",
    ];
    const MODULES: [&str; 8] =
        ["java.", "javax.", "jdk.", "sun.", "org.junit.", "org.hamcrest.", "org.mockito.", "org.gradle."];
    let foreign = frame.path.as_deref().is_some_and(|path| FOREIGN.iter().any(|part| path.contains(part)));
    let library = frame.module.as_deref().is_some_and(|module| MODULES.iter().any(|lead| module.starts_with(lead)));
    frame.path.is_some() && !foreign && !library
}

fn wanted<'a>(view: &View<'a>, first: Option<Range<usize>>) -> Wanted<'a> {
    let starts: Vec<usize> = view
        .reading
        .blocks
        .iter()
        .filter(|(test, _)| test.is_some())
        .map(|(_, span)| view.offset + span.start)
        .collect();
    let mut closing: Vec<usize> = Vec::new();
    closing.extend(view.step.rows.clone().rev().take(600).filter(|at| is_total(view.rows[*at].line.text)).take(2));
    closing.extend(view.step.verdict);
    closing.sort_unstable();
    let more = view.complaints.iter().filter(|one| !one.vague).map(|one| one.rows.start).take(20).collect();
    Wanted { first, tests: view.failed, starts, closing, more, step: view.step.rows.clone() }
}

/// Returns whether a runner counts its tests there.
fn is_total(text: &str) -> bool {
    ["test result: ", "Tests run: ", "Tests:  ", "Tests  ", "Ran ", "FAILED (", "Summary ["]
        .iter()
        .any(|l| text.starts_with(l))
        || text.starts_with("==") && text.contains(" failed")
        || text.ends_with(" failing")
        || text.contains(" tests completed, ")
}
