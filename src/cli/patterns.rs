//! `pattern`: the library's list, texts, checks and search. Layer 5.

use std::path::PathBuf;

use serde::Serialize;

use crate::cli::args::{Format, Global, LibraryArgs, PatternCommand};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::Output;
use crate::cli::session;
use crate::pattern::{self, Library, Statistics};
use crate::report::ExitClass;
use crate::system::System as _;
use crate::system::os::OsSystem;

/// Carries the command out.
pub(crate) fn pattern(command: &PatternCommand, global: &Global, output: &Output) -> Outcome {
    let now = OsSystem::new().now();
    let statistics = Statistics::default();
    match command {
        PatternCommand::List(args) => {
            let rows = pattern::list(&library(args)?, &statistics, now);
            print(global, output, &rows)?;
        }
        PatternCommand::Search(args) => {
            let rows = pattern::search(&library(&args.library)?, &args.names.join(" "), &statistics, now);
            print(global, output, &rows)?;
        }
        PatternCommand::Show(args) => {
            let library = library(&args.library)?;
            for id in &args.names {
                let shown = pattern::show(&library, id, &statistics, now).ok_or_else(|| {
                    Failure::config(format!(
                        "No pattern is called {id:?}; `homeostat pattern search {id}` looks for it."
                    ))
                })?;
                print(global, output, &shown)?;
            }
        }
        PatternCommand::Test(args) => {
            let reports =
                pattern::test(&library(&args.library)?, &args.names).map_err(|problems| in_words(&problems))?;
            print(global, output, &reports)?;
            if reports.iter().any(|report| report.results.iter().any(|result| !result.holds)) {
                return Ok(ExitClass::Finding);
            }
        }
        PatternCommand::Lint(args) => {
            let problems = pattern::lint(&library(args)?);
            print(global, output, &problems)?;
            let errors = problems.iter().any(|p| global.strict || p.severity == pattern::Severity::Error);
            return Ok(if errors { ExitClass::Finding } else { ExitClass::Ok });
        }
    }
    Ok(ExitClass::Ok)
}

/// Returns the built-in library, or the one in the named folders.
fn library(args: &LibraryArgs) -> Result<Library, Failure> {
    if args.libraries.is_empty() {
        return Ok(Library::builtin().clone());
    }
    let mut files = Vec::new();
    for folder in &args.libraries {
        let folder: &PathBuf = folder;
        files.extend(session::pattern_files(folder)?);
    }
    session::read_library(&files)
}

fn in_words(problems: &[pattern::Problem]) -> Failure {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    Failure::config(lines.join("\n"))
}

/// Prints rows: one document as JSON, or one readable entry a line.
fn print<T: Serialize>(global: &Global, output: &Output, value: &T) -> Result<(), Failure> {
    if global.format == Format::Json {
        return output.document(Format::Json, value, "");
    }
    let value = serde_json::to_value(value).map_err(|e| Failure::internal(e.to_string()))?;
    let rows = match value {
        serde_json::Value::Array(rows) => rows,
        one => vec![one],
    };
    for row in rows {
        output.line(&readable(&row))?;
    }
    Ok(())
}

/// Writes an entry for people: its plain fields on one line, texts below.
fn readable(row: &serde_json::Value) -> String {
    let Some(fields) = row.as_object() else { return row.to_string() };
    let mut head = Vec::new();
    let mut below = Vec::new();
    for (name, value) in fields {
        match value {
            serde_json::Value::String(text) if text.len() <= 60 && !text.contains('\n') => head.push(text.clone()),
            serde_json::Value::Number(number) => head.push(format!("{name} {number}")),
            serde_json::Value::Null => {}
            other => below.push(format!("  {name}: {other}")),
        }
    }
    let mut lines = vec![head.join("  ")];
    lines.extend(below);
    lines.join("\n")
}
