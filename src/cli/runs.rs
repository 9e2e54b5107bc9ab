//! `runs`: past runs, from the records that lie here. Layer 5.

#![expect(clippy::disallowed_methods, reason = "a face reads and writes the records of past runs")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::args::{Global, RunsArgs, RunsCommand, ShowArgs};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::Output;
use crate::cli::pull;
use crate::cli::session::{self, read_capped};
use crate::history::{Past, run_id_of};
use crate::model::Timestamp;
use crate::redact::{Redactor, strip_controls};
use crate::render;
use crate::report::ExitClass;

/// Bytes of one record; a run of a thousand repositories leaves a few megabytes.
pub(crate) const RECORD_CAP: u64 = 256 << 20;

/// Carries the command out.
pub(crate) async fn runs(command: &RunsCommand, global: &Global, output: &Output) -> Outcome {
    match command {
        RunsCommand::List(args) => list(args, global, output),
        RunsCommand::Show(args) => show(args, global, output),
        RunsCommand::Summary(args) => summary(args, global, output),
        RunsCommand::Pull(args) => pull::pull(args, global, output).await,
    }
}

/// One line of a list.
#[derive(Debug, Serialize)]
struct Listed {
    run_id: String,
    started_at: Option<Timestamp>,
    seconds: f64,
    triggered_by: Option<String>,
    exit_class: String,
    processed: u64,
    prs_created: u64,
    cost_usd: String,
}

#[derive(Debug, Serialize)]
struct List {
    runs: Vec<Listed>,
    /// Runs that are older than those shown.
    older: usize,
}

fn list(args: &RunsArgs, global: &Global, output: &Output) -> Outcome {
    let records = records(&args.artifacts)?;
    let older = records.len().saturating_sub(args.limit);
    let mut runs = Vec::new();
    for (run_id, path) in records.iter().rev().take(args.limit) {
        let past = read(run_id, path)?;
        let (facts, totals) = (past.facts(), past.totals());
        runs.push(Listed {
            run_id: run_id.clone(),
            started_at: past.started_at,
            seconds: facts.seconds,
            triggered_by: past.started.as_ref().map(|start| start.triggered_by.clone()),
            exit_class: past.exit_class().to_owned(),
            processed: totals.processed,
            prs_created: totals.prs_created,
            cost_usd: totals.cost_usd,
        });
    }
    let mut lines = vec![format!(
        "{:<26} {:<24} {:>9} {:<20} {:<10} {:>7} {:>4} {:>9}",
        "run", "started", "took", "by", "ended", "reports", "new", "cost"
    )];
    lines.extend(runs.iter().map(|run| {
        let by = strip_controls(run.triggered_by.as_deref().unwrap_or("?"));
        let (at, cost) = (run.started_at.map(|at| at.to_string()).unwrap_or_default(), format!("${}", run.cost_usd));
        format!(
            "{:<26} {at:<24} {:>7.1} s {by:<20.20} {:<10} {:>7} {:>4} {cost:>9}",
            run.run_id, run.seconds, run.exit_class, run.processed, run.prs_created
        )
    }));
    if older > 0 {
        lines.push(format!("… and {older} older; --limit shows more"));
    }
    if runs.is_empty() {
        lines = vec![nothing(&args.artifacts)];
    }
    output.document(global.format, &List { runs, older }, &lines.join("\n"))?;
    Ok(ExitClass::Ok)
}

fn show(args: &ShowArgs, global: &Global, output: &Output) -> Outcome {
    let past = find(args)?;
    let mut lines = Vec::new();
    let facts = past.facts();
    let by = past.started.as_ref().map_or("?", |start| start.triggered_by.as_str());
    lines.push(format!("run       {}", past.run_id));
    lines.push(format!("started   {} by {by}, took {:.1} s", facts.started_at, facts.seconds));
    lines.push(format!("version   {} ({})", facts.version, facts.environment));
    lines.push(format!("ended     {}", past.exit_class()));
    for attempt in &past.attempts {
        let report = match attempt.report.number {
            Some(number) => format!("{} #{number}", attempt.report.kind),
            None => attempt.report.kind.clone(),
        };
        let why = attempt.rule.or(attempt.reason).map(|reason| format!(" ({reason})")).unwrap_or_default();
        let by = attempt.pattern.clone().or_else(|| attempt.tier.clone()).unwrap_or_default();
        lines.push(format!("\n{} {report}: {}{why} {by}", attempt.repo, attempt.status));
        lines.push(format!("  {}  {}", attempt.fingerprint, attempt.error_type));
        if let Some(pull) = &attempt.pr {
            lines.push(format!("  pull request #{} {}  {}", pull.number, pull.state, pull.url));
        }
    }
    for refusal in &past.refusals {
        lines.push(format!("\n{} refused by {}: {}", refusal.repo, refusal.rule, refusal.message));
    }
    if !past.writes.is_empty() {
        lines.push(format!("\n{} write(s):", past.writes.len()));
        let write =
            |write: &crate::event::Write| format!("  {} {} {} {}", write.phase, write.verb, write.repo, write.branch);
        lines.extend(past.writes.iter().map(write));
    }
    if past.unreadable + past.unknown > 0 {
        lines.push(format!("\n{} line(s) cannot be read, {} are of a later version.", past.unreadable, past.unknown));
    }
    output.document(global.format, &past, &strip_controls(&lines.join("\n")))?;
    Ok(ExitClass::Ok)
}

#[derive(Debug, Serialize)]
struct Summary<'a> {
    run_id: &'a str,
    /// Whether this is the page that the run itself wrote, or one made from its lines.
    original: bool,
    markdown: &'a str,
}

fn summary(args: &ShowArgs, global: &Global, output: &Output) -> Outcome {
    let past = find(args)?;
    let kept = args.artifacts.join(format!("summary-{}.md", past.run_id));
    let (original, markdown) = if kept.is_file() {
        (true, String::from_utf8_lossy(&read_capped(&kept, 2 << 20)?).into_owned())
    } else {
        let redactor = Redactor::new(&session::secrets(&session::environment()));
        (false, render::summary(&past.report(), &past.facts(), &redactor))
    };
    output.document(global.format, &Summary { run_id: &past.run_id, original, markdown: &markdown }, &markdown)?;
    Ok(ExitClass::Ok)
}

/// Lists the records of a folder by run; ids begin with the time, so the newest is last.
pub(crate) fn records(folder: &Path) -> Result<BTreeMap<String, PathBuf>, Failure> {
    let mut found = BTreeMap::new();
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(Failure::config(format!("{} cannot be read ({error}).", folder.display()))),
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if let Some(run_id) = name.to_str().filter(|name| name.starts_with("run-")).and_then(run_id_of) {
            found.insert(run_id.to_owned(), entry.path());
        }
    }
    Ok(found)
}

/// Reads every record of a folder.
pub(crate) fn all(folder: &Path) -> Result<Vec<Past>, Failure> {
    records(folder)?.iter().map(|(run_id, path)| read(run_id, path)).collect()
}

fn read(run_id: &str, path: &Path) -> Result<Past, Failure> {
    Ok(Past::read(run_id, &String::from_utf8_lossy(&read_capped(path, RECORD_CAP)?)))
}

/// Finds the run that is meant: by its id, by a part of it that no other has, or the latest.
fn find(args: &ShowArgs) -> Result<Past, Failure> {
    let records = records(&args.artifacts)?;
    let wanted = args.run.trim_start_matches("run-").trim_end_matches(".jsonl");
    if wanted == "latest" {
        let (run_id, path) = records.last_key_value().ok_or_else(|| Failure::config(nothing(&args.artifacts)))?;
        return read(run_id, path);
    }
    let fitting: Vec<(&String, &PathBuf)> = match records.get_key_value(wanted) {
        Some(exact) => vec![exact],
        None => records.iter().filter(|(run_id, _)| run_id.contains(wanted)).collect(),
    };
    match fitting.as_slice() {
        [(run_id, path)] => read(run_id, path),
        [] if records.is_empty() => Err(Failure::config(nothing(&args.artifacts))),
        [] => Err(Failure::config(format!(
            "No run {wanted} left a record in {}; `homeostat runs list` shows which did.",
            args.artifacts.display()
        ))),
        [first, second, ..] => Err(Failure::config(format!(
            "{wanted} is a part of several runs, {} and {} among them; write more of it.",
            first.0, second.0
        ))),
    }
}

fn nothing(folder: &Path) -> String {
    format!(
        "There is no record of a run in {}; name another folder with --artifacts, or bring records home with `homeostat runs pull`.",
        folder.display()
    )
}
