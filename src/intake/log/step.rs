//! Which part of a job's log failed: GitHub's steps, Travis's commands, else all of it.
//!
//! The lines that the CI system itself writes are read here and nowhere else. What a step runs stands above its output
//! and is no output. Linear. Layer 1.

use std::ops::Range;

use crate::intake::clean::Line;

/// One line of a log: as a program wrote it, and as the automata see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    /// Without the runner's time stamp, with everything else.
    pub(super) raw: &'a str,
    /// Without gutters, levels and prefixes of loggers.
    pub(super) line: Line<'a>,
}

impl Row<'_> {
    /// Reads cleaned text row by row.
    pub(super) fn all(cleaned: &str) -> Vec<Row<'_>> {
        cleaned.lines().map(|line| Row { raw: unstamped(line).trim_end(), line: Line::new(line) }).collect()
    }
}

/// How the job ended, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// The rows of its output.
    pub(super) rows: Range<usize>,
    /// The number that its process ended with.
    pub(super) exit: Option<i64>,
    /// The row that says so.
    pub(super) verdict: Option<usize>,
    /// What it ran, as far as the log shows it.
    pub(super) command: Range<usize>,
    /// The CI system says that nothing failed.
    pub(super) passed: bool,
}

/// Finds the failing step.
pub(super) fn find(rows: &[Row<'_>]) -> Step {
    github(rows).or_else(|| travis(rows)).unwrap_or(Step {
        rows: 0..rows.len(),
        exit: None,
        verdict: None,
        command: 0..0,
        passed: false,
    })
}

/// `##[group]Run make` … `##[endgroup]`, the output, `##[error]Process completed with exit code 2.`
fn github(rows: &[Row<'_>]) -> Option<Step> {
    let is_run = |row: &Row<'_>| row.raw.starts_with("##[group]Run ");
    // Whatever cleans up comes after what failed.
    let end = rows.iter().position(|row| row.raw == "Post job cleanup.").unwrap_or(rows.len());
    let verdict = rows
        .iter()
        .rposition(|row| is_stop(row.raw))
        .or_else(|| rows[..end].iter().rposition(|row| completed(row.raw).is_some()))
        .or_else(|| rows[..end].iter().rposition(|row| row.raw.starts_with("##[error]")))
        .or_else(|| rows.iter().rposition(|row| row.raw.starts_with("##[error]")));
    let Some(verdict) = verdict else {
        let seen = rows.iter().any(is_run) && rows[end..].iter().any(|row| !row.raw.is_empty());
        return seen.then_some(Step { rows: 0..end, exit: None, verdict: None, command: 0..0, passed: true });
    };
    let run = rows[..verdict].iter().rposition(is_run);
    let (command, start) = match run {
        Some(run) => {
            let open = rows[run..verdict].iter().position(|row| row.raw == "##[endgroup]");
            let output = open.map_or(run + 1, |at| run + at + 1);
            (run..output, output)
        }
        None => (0..0, 0),
    };
    // Errors that actions write stand below the words about the exit, if at all.
    Some(Step {
        rows: start..verdict + 1,
        exit: completed(rows[verdict].raw),
        verdict: Some(verdict),
        command,
        passed: false,
    })
}

/// Returns whether the CI system says there how a step ended.
pub(super) fn is_verdict(raw: &str) -> bool {
    completed(raw).is_some() || exited(raw).is_some() || done(raw).is_some()
}

/// What ends a job whatever its steps did before.
fn is_stop(raw: &str) -> bool {
    let Some(rest) = raw.strip_prefix("##[error]") else { return false };
    ["The operation was canceled", "The run was canceled", "The runner has received a shutdown signal"]
        .iter()
        .any(|lead| rest.starts_with(lead))
        || rest.contains("exceeded the maximum execution time")
        || rest.contains("lost communication with the server")
}

/// `##[error]Process completed with exit code 2.`
fn completed(raw: &str) -> Option<i64> {
    let rest = raw.strip_prefix("##[error]")?;
    let rest = rest.strip_prefix("Process completed with exit code ").or_else(|| {
        let (_, rest) = rest.split_once(" failed with exit code ")?;
        Some(rest)
    })?;
    rest.trim_end_matches('.').parse().ok()
}

/// `$ make test` … `The command "make test" exited with 2.`, then what runs after a failure.
fn travis(rows: &[Row<'_>]) -> Option<Step> {
    let ended: Vec<(usize, &str, i64)> =
        rows.iter().enumerate().filter_map(|(at, row)| exited(row.raw).map(|(name, code)| (at, name, code))).collect();
    let done = rows.iter().rposition(|row| done(row.raw).is_some());
    let bad: Vec<&(usize, &str, i64)> = ended.iter().filter(|(_, _, code)| *code != 0).collect();
    let (Some((first, name, code)), Some((last, ..))) = (bad.first(), bad.last()) else {
        let at = done?;
        let exit = done_code(rows[at].raw);
        return Some(Step { rows: 0..at + 1, exit, verdict: Some(at), command: 0..0, passed: exit == Some(0) });
    };
    let before = ended.iter().rev().map(|(at, ..)| *at).find(|at| at < first).map_or(0, |at| at + 1);
    let is_start = |row: &Row<'_>| row.raw.strip_prefix("$ ").is_some_and(|rest| same_command(rest, name));
    let start = rows[before..*first].iter().rposition(is_start).map_or(before, |at| before + at);
    Some(Step {
        rows: start..last + 1,
        exit: Some(*code),
        verdict: Some(*last),
        command: start..(start + 1).min(*last),
        passed: false,
    })
}

fn same_command(shown: &str, named: &str) -> bool {
    let (shown, named) = (shown.trim(), named.trim());
    !shown.is_empty() && (shown == named || named.starts_with(shown) || shown.starts_with(named))
}

/// `The command "make" exited with 2.`, `The command "make" failed and exited with 1 during install.`
fn exited(raw: &str) -> Option<(&str, i64)> {
    let rest = raw.strip_prefix("The command \"")?;
    let (name, rest) = rest.rsplit_once("\" ")?;
    let rest = rest.strip_prefix("failed and ").unwrap_or(rest).strip_prefix("exited with ")?;
    let number = rest.split([' ', '.']).next()?;
    Some((name, number.parse().ok()?))
}

/// `Done. Your build exited with 1.`, and the words for builds that were stopped.
fn done(raw: &str) -> Option<()> {
    (raw.starts_with("Done. Your build exited with ")
        || raw.starts_with("Done. Build script exited with")
        || raw == "Your build has been stopped."
        || raw == "The build has been terminated")
        .then_some(())
}

fn done_code(raw: &str) -> Option<i64> {
    raw.rsplit(' ').next()?.trim_end_matches('.').parse().ok()
}

/// Takes the runner's time stamp off: seven digits of a second, then `Z`.
fn unstamped(line: &str) -> &str {
    let bytes = line.as_bytes();
    if bytes.len() < 28 || bytes[27] != b'Z' || bytes[10] != b'T' || bytes[19] != b'.' {
        return line;
    }
    let digits = |range: Range<usize>| bytes[range].iter().all(u8::is_ascii_digit);
    if !digits(0..4) || !digits(5..7) || !digits(11..13) || !digits(20..27) {
        return line;
    }
    let rest = &line[28..];
    rest.strip_prefix(' ').unwrap_or(rest)
}
