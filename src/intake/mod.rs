//! Reads reports: from the text of an issue or the output of a program to a `Failure`.
//!
//! The text is hostile and badly formatted: nothing in it is trusted, least of all machine markers in comments and
//! fingerprints that it claims. Reading takes linear time, never panics, and says for a report that it cannot use
//! what a person should add. It does not normalise; that is the business of `fingerprint`. Layer 1.

mod clean;
mod issue;
pub mod log;
mod scan;
mod tests_named;
mod trace;

use crate::model::{Failure, Kind, Lane, Reason, Report, ReportId};

/// Says why a report leads to nothing, in words for the person who wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skip {
    /// The stable code.
    pub reason: Reason,
    /// A whole sentence or two: what is missing and how to add it.
    pub message: String,
}

/// A trace and its place in the text, in lines from 1, both ends included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// What was read.
    pub failure: Failure,
    /// The first line.
    pub start_line: usize,
    /// The last line.
    pub end_line: usize,
}

/// Reads a report, an issue as Markdown and a job's log as plain output.
///
/// # Errors
///
/// Returns why there is nothing to act on.
pub fn read_report(report: &Report) -> Result<Failure, Skip> {
    match &report.id {
        ReportId::Issue { .. } => read_text(report.title.as_str(), report.body.as_str(), &report.labels),
        ReportId::Run { job, .. } => {
            let mut failure = read_log(report.body.as_str())?;
            failure.job = Some(job.clone());
            Ok(failure)
        }
    }
}

/// Reads a job's log; what code cannot mend is told apart.
fn read_log(text: &str) -> Result<Failure, Skip> {
    let diagnosis = log::diagnose(&log::LogText { text: text.to_owned(), dropped: 0 });
    let said = diagnosis.first_error.map_or_else(String::new, |first| format!(" ({})", first.message));
    let skip = |reason, message: &str| Err(Skip { reason, message: message.replace("{said}", &said) });
    match (diagnosis.lane, diagnosis.failure) {
        (Some(Lane::Code), Some(failure)) => Ok(failure),
        (Some(Lane::Infra), _) => {
            skip(Reason::Infrastructure, "Machines or services failed this job, not code{said}; run it again.")
        }
        (Some(Lane::Flaky), _) => skip(
            Reason::Flaky,
            "The job's tests failed by time or network alone{said}, which another run may not show; run it again.",
        ),
        (Some(Lane::Config), _) => skip(
            Reason::NothingToActOn,
            "The workflow's settings or permissions are wrong{said}; a person has to mend them.",
        ),
        _ => skip(
            Reason::NothingToActOn,
            "The job's log holds no stack trace and no error message that can be read; make the failing step print \
             its error.",
        ),
    }
}

/// Reads an issue from its title, body and labels.
///
/// # Errors
///
/// Returns why there is nothing to act on.
pub fn read_text(title: &str, body: &str, labels: &[String]) -> Result<Failure, Skip> {
    issue::read(title, body, labels)
}

/// Reads the output of a program or of tests: the trace with the deepest chain of causes, else the first.
///
/// Output without any trace still gives a failure if a line has the shape of an error, or tests are named.
pub fn read_trace(text: &str) -> Option<Failure> {
    let (text, _) = clean::cap(text);
    let cleaned = clean::clean(&text);
    let lines = clean::lines(&cleaned);
    let traces = trace::find(&lines);
    let mut failure = if let Some(trace) = trace::primary(&traces) {
        trace.failure.clone()
    } else {
        let header = lines.iter().find_map(|line| scan::error_header(line.text));
        if header.is_none() && tests_named::find(&lines).0.is_empty() {
            return None;
        }
        let header = header.unwrap_or_default();
        Failure { code: header.code.clone(), chain: vec![header.into_exception()], ..Failure::default() }
    };
    add_tests(&mut failure, &lines);
    Some(failure)
}

/// Reads every trace that does not overlap a better one, in order.
pub fn read_traces(text: &str) -> Vec<Located> {
    let (text, _) = clean::cap(text);
    let cleaned = clean::clean(&text);
    let lines = clean::lines(&cleaned);
    trace::find(&lines)
        .into_iter()
        .map(|mut trace| {
            settle(&mut trace.failure);
            Located { failure: trace.failure, start_line: trace.start + 1, end_line: trace.end.max(trace.start + 1) }
        })
        .collect()
}

/// Adds the names of failing tests, and with them the tool and the kind.
fn add_tests(failure: &mut Failure, lines: &[clean::Line<'_>]) {
    let (tests, tool) = tests_named::find(lines);
    if let Some(tool) = tool {
        failure.tool.get_or_insert_with(|| tool.to_owned());
    }
    failure.tests = tests;
    if failure.language.is_none() {
        failure.language = tests_named::language(&failure.tests);
    }
    settle(failure);
}

/// A failure with tests is a test's; one with frames alone is a running program's.
fn settle(failure: &mut Failure) {
    if failure.kind.is_none() {
        if !failure.tests.is_empty() || failure.tool.is_some() {
            failure.kind = Some(Kind::Test);
        } else if !failure.frames().is_empty() || failure.language.is_some() && !failure.message().is_empty() {
            failure.kind = Some(Kind::Runtime);
        }
    }
}
