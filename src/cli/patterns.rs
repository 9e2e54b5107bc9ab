//! `pattern`: the library's list, texts, checks and search. Layer 5.

use std::path::PathBuf;

use crate::cli::args::{Global, LibraryArgs, PatternCommand};
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
            output.document(global.format, &rows, &rows_in_text(&rows))?;
        }
        PatternCommand::Search(args) => {
            let words = args.names.join(" ");
            let rows = pattern::search(&library(&args.library)?, &words, &statistics, now);
            let text = if rows.is_empty() { format!("No pattern speaks of {words:?}.") } else { rows_in_text(&rows) };
            output.document(global.format, &rows, &text)?;
        }
        PatternCommand::Show(args) => {
            let library = library(&args.library)?;
            let mut shown = Vec::new();
            for id in &args.names {
                shown.push(pattern::show(&library, id, &statistics, now).ok_or_else(|| {
                    Failure::config(format!(
                        "No pattern is called {id:?}; `homeostat pattern search {id}` looks for it."
                    ))
                })?);
            }
            let texts: Result<Vec<String>, Failure> = shown.iter().map(in_full).collect();
            output.document(global.format, &shown, &texts?.join("\n---\n"))?;
        }
        PatternCommand::Test(args) => {
            let reports =
                pattern::test(&library(&args.library)?, &args.names).map_err(|problems| in_words(&problems))?;
            let lines: Vec<String> = reports.iter().map(tested).collect();
            output.document(global.format, &reports, &lines.join("\n"))?;
            if reports.iter().any(|report| report.results.iter().any(|result| !result.holds)) {
                return Ok(ExitClass::Finding);
            }
        }
        PatternCommand::Lint(args) => {
            let library = library(args)?;
            let problems = pattern::lint(&library);
            let mut lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            lines.push(format!("{} patterns, {} problem(s).", library.patterns().len(), problems.len()));
            output.document(global.format, &problems, &lines.join("\n"))?;
            let errors = problems.iter().any(|p| global.strict || p.severity == pattern::Severity::Error);
            return Ok(if errors { ExitClass::Finding } else { ExitClass::Ok });
        }
    }
    Ok(ExitClass::Ok)
}

/// Writes one line a pattern: confidence, id, title.
fn rows_in_text(rows: &[pattern::ListRow]) -> String {
    let width = rows.iter().map(|row| row.id.len()).max().unwrap_or(0);
    let line = |row: &pattern::ListRow| {
        let confidence = row.confidence.map_or_else(|| "   -".to_owned(), |c| format!("{c:.2}"));
        format!("{confidence}  {:width$}  {}", row.id, row.title)
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Writes a whole pattern as YAML, which is how patterns are written.
fn in_full(shown: &pattern::Shown) -> Result<String, Failure> {
    let record = serde_yaml::to_string(&shown.record).map_err(|e| Failure::internal(e.to_string()))?;
    Ok(format!("{}\n\n{}", rows_in_text(std::slice::from_ref(&shown.row)), record.trim_end()))
}

/// Says how a pattern's examples did.
fn tested(report: &pattern::TestReport) -> String {
    let failed = report.results.iter().filter(|result| !result.holds);
    let mut lines = vec![format!("{}: {} example(s)", report.id, report.results.len())];
    lines.extend(failed.map(|result| {
        let why = result.message.as_deref().unwrap_or("it does not hold");
        format!("  {} example {}: {why}", result.kind, result.number)
    }));
    lines.join("\n")
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
    if files.is_empty() {
        let names: Vec<String> = args.libraries.iter().map(|folder| folder.display().to_string()).collect();
        return Err(Failure::config(format!("There is no pattern (*.yml) in {}.", names.join(", "))));
    }
    session::read_library(&files)
}

fn in_words(problems: &[pattern::Problem]) -> Failure {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    Failure::config(lines.join("\n"))
}
