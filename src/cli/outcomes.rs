//! `outcomes`: what became of our pull requests, read back. Layer 5.
//!
//! It deletes merged branches of ours, pauses where people turn one after the other down, and says what a person has to
//! know on the tracking issue; never anything else.

use crate::cli::args::{Global, OutcomesArgs};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::{Output, say};
use crate::cli::record::RunRecord;
use crate::cli::run::{Facts, started};
use crate::cli::session::{self, Privilege, Session};
use crate::cli::workbench::Workbench;
use crate::engine::outcomes::{self, Schedule};
use crate::engine::{Recorder as _, Veil};
use crate::event::{Event, RunFinished};
use crate::model::{BranchName, RepoSlug};
use crate::render::OutcomesReport;
use crate::report::ExitClass;

/// Carries the command out.
pub(crate) async fn outcomes(args: &OutcomesArgs, global: &Global, output: &Output) -> Outcome {
    let session = session::open(&args.place, Privilege::Publish)?;
    for warning in &session.loaded.warnings {
        say(&format!("warning: {warning}"));
    }
    session.knows(args.repo.as_ref())?;
    let record = RunRecord::open(&args.place.artifacts, &session.run.id, &session.system)?;
    let bench = Workbench::new(&session, global.format, session.run.dry_run, Veil::default());
    let context = bench.context(&record);
    let facts = Facts { intent: args.place.intent.clone(), tags: args.place.tags.clone() };
    let journal = |event| record.record(event).map_err(Failure::internal);
    journal(started(&session, &facts, None))?;
    let schedule = schedule(&session::environment()).filter(|_| session::is_github(&args.place));
    let mut report = outcomes::read_back(&context, args.repo.as_ref(), schedule.as_ref()).await?;
    report.writes = bench.finish().all;
    let class = class_of(&report);
    let totals = serde_json::json!({
        "processed": report.repositories.iter().map(|one| one.outcomes.len()).sum::<usize>(), "exit_class": class.as_str(),
    });
    journal(Event::RunFinished(Box::new(RunFinished { totals, exit_class: class.as_str().to_owned() })))?;
    tell(&session, &report, class, &record.path().display().to_string())?;
    output.document(global.format, &report, &report.in_text())?;
    session.say_held_back();
    Ok(class)
}

/// Writes the action's outputs and the page of the run.
fn tell(session: &Session, report: &OutcomesReport, class: ExitClass, artifact: &str) -> Result<(), Failure> {
    let rows: Vec<_> = report
        .repositories
        .iter()
        .map(|one| serde_json::json!({ "slug": one.slug, "processed": one.outcomes.len(), "paused": one.paused }))
        .collect();
    let outputs = [
        ("run-id", session.run.id.clone()),
        ("processed", report.repositories.iter().map(|one| one.outcomes.len()).sum::<usize>().to_string()),
        ("exit-class", class.as_str().to_owned()),
        ("artifact", artifact.to_owned()),
        ("repositories", serde_json::Value::from(rows).to_string()),
    ];
    session
        .runner
        .write_outputs(&outputs, &|| crate::system::System::random(&session.system))
        .map_err(|e| Failure::internal(format!("The action's outputs cannot be written ({e}).")))?;
    if let Err(error) = session.runner.write_summary(&report.summary(&session.run.version, &session.redactor)) {
        say(&format!("warning: the step summary could not be written ({error})"));
    }
    Ok(())
}

fn class_of(report: &OutcomesReport) -> ExitClass {
    let failed = || report.repositories.iter().filter(|one| one.error.is_some());
    match failed().next() {
        None => ExitClass::Ok,
        Some(_) if failed().all(|one| one.retryable) => ExitClass::Retryable,
        Some(_) => ExitClass::Refused,
    }
}

/// Reads which workflow this runs in, as in `owner/name/.github/workflows/ci.yml@refs/heads/main`.
fn schedule(env: &std::collections::BTreeMap<String, String>) -> Option<Schedule> {
    let (path, name) = env.get("GITHUB_WORKFLOW_REF")?.split_once('@')?;
    let mut parts = path.splitn(3, '/');
    let repository: RepoSlug = format!("{}/{}", parts.next()?, parts.next()?).parse().ok()?;
    let workflow = parts.next()?.rsplit('/').next().filter(|file| !file.is_empty())?.to_owned();
    let branch: Option<BranchName> = name.strip_prefix("refs/heads/").and_then(|branch| branch.parse().ok());
    Some(Schedule { repository, workflow, branch })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::RepositoryOutcomes;

    #[test]
    fn the_workflow_that_this_runs_in_is_read_from_its_reference() {
        let of = |text: &str| schedule(&[("GITHUB_WORKFLOW_REF".to_owned(), text.to_owned())].into());
        let found = of("acme/ops/.github/workflows/homeostat.yml@refs/heads/main").expect("a workflow");
        assert_eq!((found.repository.to_string().as_str(), found.workflow.as_str()), ("acme/ops", "homeostat.yml"));
        assert_eq!(found.branch.map(|branch| branch.to_string()), Some("main".to_owned()));
        assert_eq!(of("acme/ops/.github/workflows/x.yml@refs/tags/v1").expect("a workflow").branch, None);
        for other in ["", "acme/ops@refs/heads/main", "x"] {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn a_repository_that_may_work_the_next_time_asks_for_another_run() {
        let of = |errors: &[bool]| {
            let one = |retryable: &bool| RepositoryOutcomes {
                error: Some("it failed".to_owned()),
                retryable: *retryable,
                ..RepositoryOutcomes::default()
            };
            class_of(&OutcomesReport { repositories: errors.iter().map(one).collect(), ..OutcomesReport::default() })
        };
        assert_eq!(of(&[]), ExitClass::Ok);
        assert_eq!(of(&[true]), ExitClass::Retryable);
        assert_eq!(of(&[true, false]), ExitClass::Refused);
    }
}
