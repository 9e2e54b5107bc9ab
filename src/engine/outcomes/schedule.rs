//! Whether the schedule that starts a workflow of the operator's works; said on the tracking issue when it does not. Layer 4.
//!
//! Says it once and takes it back; what another job said in the same place counts as said.

use crate::engine::outcomes::tracking;
use crate::engine::{Context, EngineError, pages, retry};
use crate::forge::{Conclusion, WorkflowRun};
use crate::gate;
use crate::model::{BranchName, RepoSlug};
use crate::render::outcomes::{self as words, ScheduleHealth};

/// Pages of runs that are read.
const RUN_PAGES: usize = 3;

/// A workflow, as its own reference names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// The repository that it is in: the operator's.
    pub repository: RepoSlug,
    /// Its file, without folders.
    pub workflow: String,
    /// The branch whose version of it runs; the default branch without one.
    pub branch: Option<BranchName>,
}

/// Looks at the newest completed runs of the schedule, and says on the tracking issue what has to be known.
pub(super) async fn look(context: &Context<'_>, schedule: &Schedule) -> Result<ScheduleHealth, EngineError> {
    let mut health = ScheduleHealth { workflow: schedule.workflow.clone(), ..ScheduleHealth::default() };
    match say(context, schedule, &mut health).await {
        Ok(()) => Ok(health),
        Err(EngineError::Forge(error)) => {
            // The outcomes are read all the same; the schedule is looked at again by the next run.
            tracing::warn!(%error, "the schedule could not be looked at");
            health.said = Some(format!("The schedule could not be looked at ({error})."));
            Ok(health)
        }
        Err(error) => Err(error),
    }
}

async fn say(context: &Context<'_>, schedule: &Schedule, health: &mut ScheduleHealth) -> Result<(), EngineError> {
    let (forge, system, slug) = (context.forge, context.system, &schedule.repository);
    let branch = match &schedule.branch {
        Some(branch) => branch.clone(),
        None => retry(system, async || forge.repository(slug).await).await?.default_branch,
    };
    let read = async |page: Option<&str>| forge.runs(slug, &branch, page).await;
    let listed = pages::all(system, RUN_PAGES, read).await;
    if let Some(error) = listed.failed {
        return Err(error.into());
    }
    let of_it = |run: &&WorkflowRun| run.workflow == schedule.workflow && run.event == "schedule";
    let runs: Vec<&WorkflowRun> = listed.items.iter().filter(of_it).collect();
    let Some(newest) = runs.first() else { return Ok(()) };
    let failed = gate::failures_in_a_row(runs.iter().map(|run| match run.conclusion {
        Conclusion::Success => Some(true),
        Conclusion::Failure | Conclusion::TimedOut | Conclusion::StartupFailure => Some(false),
        _ => None,
    }));
    health.failed_in_a_row = failed as u64;
    let fails = failed >= gate::FAILED_IN_A_ROW;
    // One that failed once or twice is neither broken nor mended.
    if !fails && failed > 0 {
        return Ok(());
    }
    let Some(issue) = (match tracking::find(context, slug, None).await? {
        None if fails && !context.run.dry_run => Some(tracking::ensure(context, slug, None, || Ok(())).await?),
        found => found,
    }) else {
        if fails {
            health.said = Some(format!("The schedule of {} failed {failed} times in a row.", schedule.workflow));
        }
        return Ok(());
    };
    let comment = tracking::newest(context, slug, issue.number, words::SCHEDULE_MARKER).await?;
    let says_so = match &comment {
        Some(comment) => words::says_schedule_fails(&comment.body),
        None => words::says_schedule_fails(&issue.body),
    };
    if fails == says_so {
        return Ok(());
    }
    let (text, told) = if fails {
        let text = words::schedule_failing(failed, &schedule.workflow, &newest.url);
        (text, format!("The schedule of {} failed {failed} times in a row.", schedule.workflow))
    } else {
        (words::schedule_works(&schedule.workflow), format!("The schedule of {} works again.", schedule.workflow))
    };
    health.said = Some(told);
    if context.run.dry_run {
        return Ok(());
    }
    // What another account of ours said cannot be edited by this one: a word of its own stands below it.
    let us = retry(system, async || forge.identity().await).await?;
    match comment.filter(|comment| comment.author.as_ref().is_none_or(|author| author.id == us.id)) {
        Some(comment) => forge.edit_comment(slug, comment.id, &text).await?,
        None => forge.create_comment(slug, issue.number, &text).await.map(drop)?,
    }
    Ok(())
}
