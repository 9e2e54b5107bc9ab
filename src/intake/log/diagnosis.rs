//! From the log of a failed job to what went wrong: lane, kind, first error, failing tests, excerpt.
//!
//! It puts together what the readers beside it find, and guesses nothing of its own. Linear in the log. Layer 1.

use std::collections::BTreeSet;
use std::ops::Range;

use serde::Serialize;

use crate::intake::clean::{self, Line};
use crate::intake::log::choice::{View, choose};
use crate::intake::log::diagnostic::{self, Diagnostic, Output};
use crate::intake::log::excerpt::{self, Excerpt, Wanted};
use crate::intake::log::signal;
use crate::intake::log::step::{self, Row, Step};
use crate::intake::log::{LogText, Reading, read_lines};
use crate::model::{Counts, Failure, Frame, Kind, Lane, TestOutcome, Untrusted};

/// The most failing tests that are kept.
pub(super) const MOST_TESTS: usize = 1000;
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
            diagnosis.show(excerpt::make(&rows, &wanted(&view, None, "")), log);
        }
        return diagnosis;
    };
    let files = format_files(&chosen.failure, &complaints);
    if let Some(first) = files.first() {
        chosen.failure.context.insert("file".to_owned(), Untrusted::new(first));
        chosen.failure.context.insert("files".to_owned(), Untrusted::new(files.join("\n")));
    }
    let excerpt = excerpt::make(&rows, &wanted(&view, chosen.rows.clone(), chosen.failure.message()));
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

/// Reads the runners of the failing step; where it has none, those of the whole log.
fn read_tests<'a>(rows: &[Row<'a>], step: &Step) -> (Reading<'a>, usize) {
    let of = |range: Range<usize>| read_lines(rows[range].iter().map(|row| row.line).collect::<Vec<Line<'_>>>());
    let reading = of(step.rows.clone());
    if reading.run.runner.is_none() && step.rows != (0..rows.len()) {
        let mut whole = of(0..rows.len());
        if whole.run.runner.is_some() {
            if !step.passed && step.exit.is_some() {
                // What failed elsewhere did not fail this step; that it ran is still worth its numbers.
                whole.run.tests.clear();
                whole.labels.clear();
                whole.failures.clear();
                whole.blocks.clear();
                whole.unnamed = 0;
                whole.run.counts.failed = 0;
            }
            return (whole, 0);
        }
    }
    (reading, step.rows.start)
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

fn wanted<'a>(view: &View<'a>, first: Option<Range<usize>>, said: &'a str) -> Wanted<'a> {
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
    Wanted { first, said, tests: view.failed, starts, closing, more, step: view.step.rows.clone() }
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
