//! `runs pull`: brings records of past runs home, from the state branch and from artifacts. Layer 5.
//!
//! Refuses to let what comes from elsewhere name a file, and to take a line away that is here.

#![expect(clippy::disallowed_methods, reason = "a face reads and writes the records of past runs")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;

use crate::cli::args::{Global, PullArgs};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::Output;
use crate::cli::record::Unrecorded;
use crate::cli::runs::{RECORD_CAP, records};
use crate::cli::session::{self, Privilege, read_capped};
use crate::cli::workbench::Workbench;
use crate::engine::Veil;
use crate::engine::bring::artifacts::{FromArtifacts, Left, LeftArtifact, Unread, bring_artifacts};
use crate::engine::bring::bring;
use crate::forge::STATE_SLUG;
use crate::history::joined;
use crate::model::{Timestamp, parse_duration};
use crate::redact::strip_controls;
use crate::report::ExitClass;
use crate::system::System as _;

/// Artifacts that are named in text; a document has them all.
const NAMED: usize = 10;

#[derive(Debug, Serialize)]
struct Pulled {
    /// Runs whose record is new here, or has more lines than it had.
    brought: BTreeSet<String>,
    /// How many of them have lines of the state branch.
    from_branch: usize,
    /// How many of them have lines that only artifacts had.
    from_artifacts: usize,
    /// Runs whose lines were all here already.
    known: usize,
    /// Summaries that are new here.
    summaries: usize,
    /// How many artifacts were read.
    artifacts_read: u64,
    /// Those of ours that were not, and why.
    artifacts_left: Vec<LeftArtifact>,
    /// Why artifacts were not read, or not all of them.
    artifacts_unread: Option<Unread>,
    folder: String,
}

/// Brings records home; a line that is here stays.
pub(crate) async fn pull(args: &PullArgs, global: &Global, output: &Output) -> Outcome {
    let span = parse_duration(&args.since)
        .map_err(|_| Failure::config(format!("--since {} is no span of time; write 7d or 24h, say.", args.since)))?;
    let session = session::open(&args.place, Privilege::Record)?;
    let bench = Workbench::new(&session, global.format, true, Veil::default());
    let context = bench.context(&Unrecorded);
    let folder = &args.place.artifacts;
    let here = records(folder)?;
    let back = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    let since = Timestamp::from_millis(session.system.now().as_millis().saturating_sub(back));
    let branch = bring(&context, since, &|_| true).await.map_err(crate::engine::EngineError::from)?;
    // A folder that stands in for an operator's repository has no workflows.
    let homeless = session.operator.to_string() == STATE_SLUG;
    let artifacts = if homeless { FromArtifacts::default() } else { bring_artifacts(&context, since).await };
    bench.finish();
    let mut found: BTreeMap<String, [Vec<u8>; 2]> = BTreeMap::new();
    for run in branch {
        found.entry(run.run_id).or_default()[0] = run.bytes;
    }
    for (run_id, lines) in artifacts.records {
        found.entry(run_id).or_default()[1] = lines;
    }
    let mut pulled = Pulled {
        brought: BTreeSet::new(),
        from_branch: 0,
        from_artifacts: 0,
        known: 0,
        summaries: 0,
        artifacts_read: artifacts.read,
        artifacts_left: artifacts.left,
        artifacts_unread: artifacts.unread,
        folder: folder.display().to_string(),
    };
    for (run_id, [on_branch, in_artifacts]) in found {
        let path = here.get(&run_id).cloned().unwrap_or_else(|| folder.join(format!("run-{run_id}.jsonl")));
        let mut record = if path.exists() { read_capped(&path, RECORD_CAP)? } else { Vec::new() };
        let mut news = false;
        for (lines, count) in [(on_branch, &mut pulled.from_branch), (in_artifacts, &mut pulled.from_artifacts)] {
            if let Some(whole) = joined(&record, &lines) {
                record = whole;
                *count += 1;
                news = true;
            }
        }
        if !news {
            pulled.known += 1;
            continue;
        }
        write(folder, &path, &record)?;
        pulled.brought.insert(run_id);
    }
    for (run_id, summary) in artifacts.summaries {
        let path = folder.join(format!("summary-{run_id}.md"));
        if !path.exists() {
            // It is printed as it lies there.
            write(folder, &path, strip_controls(&String::from_utf8_lossy(&summary)).as_bytes())?;
            pulled.summaries += 1;
        }
    }
    output.document(
        global.format,
        &pulled,
        &pulled.text(&session.operator.to_string(), homeless && session::is_github(&args.place)),
    )?;
    let broke_off = pulled.artifacts_unread.as_ref().is_some_and(|unread| !unread.denied);
    let again = broke_off || pulled.artifacts_left.iter().any(|left| left.reason == Left::Unfetched);
    Ok(if again { ExitClass::Retryable } else { ExitClass::Ok })
}

/// Writes a file beside its place first: a record that is here is never half of one.
fn write(folder: &Path, path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let part = path.with_extension("part");
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&part, bytes))
        .and_then(|()| std::fs::rename(&part, path))
        .map_err(|error| Failure::internal(format!("{} cannot be written ({error}).", path.display())))
}

impl Pulled {
    fn text(&self, operator: &str, homeless: bool) -> String {
        let mut lines = vec![format!(
            "{} run(s) brought to {}, {} there already: {} with lines of the state branch, {} with lines of {} artifact(s).",
            self.brought.len(),
            self.folder,
            self.known,
            self.from_branch,
            self.from_artifacts,
            self.artifacts_read
        )];
        if homeless {
            lines.push(
                "No repository is named that has the state branch (state.repository), so no artifacts were looked for."
                    .to_owned(),
            );
        }
        if let Some(unread) = &self.artifacts_unread {
            let help = if unread.denied {
                format!("the token needs Actions (read) in {operator}; what lies on the state branch was brought")
            } else {
                "another try may bring the rest".to_owned()
            };
            lines.push(format!("Artifacts of {operator} were not all read ({}): {help}.", strip_controls(&unread.why)));
        }
        if !self.artifacts_left.is_empty() {
            lines.push(format!("{} artifact(s) were left:", self.artifacts_left.len()));
        }
        for left in self.artifacts_left.iter().take(NAMED) {
            lines.push(strip_controls(&format!("  {}: {}", left.artifact, left.why)).replace('\n', " "));
        }
        if let Some(more) = self.artifacts_left.len().checked_sub(NAMED).filter(|more| *more > 0) {
            lines.push(format!("  … and {more} more; --format json names them"));
        }
        lines.join("\n")
    }
}
