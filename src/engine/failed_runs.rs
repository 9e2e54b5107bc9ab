//! Reads the failed workflow runs of one repository's branch as reports: the newest run of each workflow, the jobs that
//! failed in it, and what the end of their logs says. Layer 4.
//!
//! Which runs count is `gate`'s to say and what a log means is `intake`'s; here is only what has to be asked for them.

use std::collections::BTreeSet;

use crate::engine::reports::Understood;
use crate::engine::{Context, pages, retry};
use crate::fingerprint;
use crate::forge::{Conclusion, ForgeError, Job, JobLog, WorkflowRun};
use crate::gate::{self, RunEnd, RunFacts};
use crate::intake::log::{self, Tail};
use crate::model::{BranchName, ObjectId, Policy, Reason, Report, ReportId, Timestamp};

/// Pages of runs that are read, newest first; a workflow whose newest run stands further back counts as quiet.
const RUN_PAGES: usize = 3;
/// Pages of jobs of one run: the largest matrix that GitHub allows has 256.
const JOB_PAGES: usize = 9;
/// Failed jobs of one run whose logs are read; a matrix fails in one way, most of the time.
const JOBS: usize = 8;
/// Bytes read from the end of one log; what failed stands there.
const LOG_BYTES: usize = 4 << 20;

/// What started a run of our branch by somebody who can write to it; whatever an outsider can cause is not here (P-15).
const EVENTS: [&str; 6] = ["push", "schedule", "workflow_dispatch", "repository_dispatch", "merge_group", "dynamic"];

/// A failed run, or a job of one, that is no work.
pub(crate) struct SkippedRun {
    pub(crate) report: ReportId,
    pub(crate) reason: Reason,
    pub(crate) message: String,
    pub(crate) since: Timestamp,
}

/// What the failed runs of one branch say.
#[derive(Default)]
pub(crate) struct FailedRuns {
    /// How many failed runs were looked at.
    pub(crate) processed: u64,
    pub(crate) understood: Vec<Understood>,
    pub(crate) skipped: Vec<SkippedRun>,
    /// What of the list could not be read.
    pub(crate) broken: BTreeSet<String>,
}

/// Reads the failed runs of a branch.
pub(crate) async fn read(
    context: &Context<'_>,
    policy: &Policy,
    repository: u64,
    branch: &BranchName,
) -> Result<FailedRuns, ForgeError> {
    let mut found = FailedRuns::default();
    if !policy.workflows.failed_runs {
        return Ok(found);
    }
    let reader = Reader { context, policy };
    let runs = reader.runs(branch, &mut found).await?;
    let facts: Vec<RunFacts> = runs.iter().map(|run| facts(run, repository)).collect();
    for (index, verdict) in gate::failed_runs(&facts, &policy.workflows) {
        let Some(run) = runs.get(index) else { continue };
        found.processed += 1;
        match verdict {
            Ok(()) => reader.read_run(run, &mut found).await?,
            Err(reason) => found.skipped.push(skipped(run, String::new(), reason, None)),
        }
    }
    Ok(found)
}

struct Reader<'a> {
    context: &'a Context<'a>,
    policy: &'a Policy,
}

impl Reader<'_> {
    /// Lists the newest completed runs of the branch; a list that cannot be had at all, as where the token may not read
    /// Actions, is no list of failures and is said.
    async fn runs(&self, branch: &BranchName, found: &mut FailedRuns) -> Result<Vec<WorkflowRun>, ForgeError> {
        let (forge, slug) = (self.context.forge, &self.policy.slug);
        let read = async |page: Option<&str>| forge.runs(slug, branch, page).await;
        let listed = pages::all(self.context.system, RUN_PAGES, read).await;
        match listed.failed {
            None => {}
            Some(ForgeError::Denied(why) | ForgeError::NotFound(why)) => found.skipped.push(unreadable(&why)),
            Some(error) => return Err(error),
        }
        found.broken.extend(listed.broken);
        let mut runs: Vec<WorkflowRun> = Vec::new();
        for run in listed.items {
            if !runs.iter().any(|known| known.id == run.id) {
                runs.push(run);
            }
        }
        Ok(runs)
    }

    /// Reads the failed jobs of one run.
    async fn read_run(&self, run: &WorkflowRun, found: &mut FailedRuns) -> Result<(), ForgeError> {
        let failed: Vec<Job> = self
            .jobs(run)
            .await?
            .into_iter()
            .filter(|job| matches!(job.conclusion, Some(Conclusion::Failure | Conclusion::TimedOut)))
            .collect();
        if failed.is_empty() {
            found.skipped.push(skipped(run, String::new(), Reason::LogUnavailable, None));
        }
        for job in failed.into_iter().take(JOBS) {
            match self.understand(run, &job).await? {
                Ok(understood) => found.understood.push(understood),
                Err(skip) => found.skipped.push(skip),
            }
        }
        Ok(())
    }

    async fn jobs(&self, run: &WorkflowRun) -> Result<Vec<Job>, ForgeError> {
        let (forge, slug) = (self.context.forge, &self.policy.slug);
        let read = async |page: Option<&str>| forge.jobs(slug, run.id, page).await;
        let listed = pages::all(self.context.system, JOB_PAGES, read).await;
        match listed.failed {
            // The run was deleted since it was listed.
            None | Some(ForgeError::NotFound(_)) => Ok(listed.items),
            Some(error) => Err(error),
        }
    }

    /// Reads what one failed job says.
    async fn understand(&self, run: &WorkflowRun, job: &Job) -> Result<Result<Understood, SkippedRun>, ForgeError> {
        let (forge, slug) = (self.context.forge, &self.policy.slug);
        let log = retry(self.context.system, async || forge.job_log(slug, job.id, LOG_BYTES).await).await;
        let JobLog { bytes, .. } = match log {
            Err(ForgeError::NotFound(_) | ForgeError::Denied(_)) => {
                return Ok(Err(skipped(run, job.name.clone(), Reason::LogUnavailable, None)));
            }
            log => log?,
        };
        let mut tail = Tail::default();
        tail.push(&bytes);
        let diagnosis = log::diagnose(&tail.finish());
        let told = diagnosis.first_error.as_ref().map(|first| first.message.clone());
        if let Err(reason) = gate::mendable(diagnosis.lane, diagnosis.kind) {
            return Ok(Err(skipped(run, job.name.clone(), reason, told)));
        }
        let Some(mut failure) = diagnosis.failure else {
            return Ok(Err(skipped(run, job.name.clone(), Reason::NothingToActOn, None)));
        };
        failure.commit = Some(run.head_sha.clone());
        failure.job = Some(format!("{} / {}", run.name, job.name));
        let identity = fingerprint::identify(&failure);
        let report = Report {
            id: ReportId::Run { workflow: run.workflow.clone(), job: job.name.clone() },
            url: job.url.clone(),
            title: format!("{} / {}", run.name, job.name).into(),
            body: diagnosis.excerpt.into(),
            author: run.actor.clone(),
            labels: Vec::new(),
            created_at: run.created_at,
            reopened_at: None,
            updated_at: run.updated_at,
        };
        Ok(Ok(Understood { report, failure, identity, head: Some(run.head_sha.clone()) }))
    }
}

/// Says that the runs cannot be read at all.
fn unreadable(why: &str) -> SkippedRun {
    SkippedRun {
        report: ReportId::Run { workflow: "*".to_owned(), job: String::new() },
        reason: Reason::LogUnavailable,
        message: format!(
            "The workflow runs cannot be read ({why}); let the token read Actions, or set workflows.failed_runs: false."
        ),
        since: Timestamp::default(),
    }
}

/// A run in which a commit turned its workflow red.
pub(crate) struct TurnedRed {
    pub(crate) run: WorkflowRun,
    /// What its jobs say, as far as their logs can be read.
    pub(crate) understood: Vec<Understood>,
}

/// Lists the newest completed runs of a branch; nothing where they cannot be read at all.
pub(crate) async fn completed(
    context: &Context<'_>,
    policy: &Policy,
    branch: &BranchName,
) -> Result<Vec<WorkflowRun>, ForgeError> {
    Reader { context, policy }.runs(branch, &mut FailedRuns::default()).await
}

/// Reads the runs in which a commit turned its workflow red.
pub(crate) async fn turned_red(
    context: &Context<'_>,
    policy: &Policy,
    repository: u64,
    runs: &[WorkflowRun],
    commit: &ObjectId,
) -> Result<Vec<TurnedRed>, ForgeError> {
    let facts: Vec<RunFacts> = runs.iter().map(|run| facts(run, repository)).collect();
    let mut red = Vec::new();
    for run in gate::turned_red(&facts, &policy.workflows, commit).into_iter().filter_map(|index| runs.get(index)) {
        let mut found = FailedRuns::default();
        Reader { context, policy }.read_run(run, &mut found).await?;
        red.push(TurnedRed { run: run.clone(), understood: found.understood });
    }
    Ok(red)
}

/// Returns whether a workflow's newest completed run on the branch still failed; where nobody can tell, it did.
pub(crate) async fn still_fails(
    context: &Context<'_>,
    policy: &Policy,
    repository: u64,
    branch: &BranchName,
    workflow: &str,
) -> Result<bool, ForgeError> {
    let reader = Reader { context, policy };
    let mut found = FailedRuns::default();
    let runs = reader.runs(branch, &mut found).await?;
    let facts: Vec<RunFacts> = runs.iter().map(|run| facts(run, repository)).collect();
    let fails = |(index, verdict): &(usize, Result<(), Reason>)| {
        verdict.is_ok() && facts.get(*index).is_some_and(|run| run.workflow == workflow)
    };
    Ok(facts.is_empty() || gate::failed_runs(&facts, &policy.workflows).iter().any(fails))
}

/// Returns whether a run on one commit speaks of what another commit brought: a regression is one whose head has the merge.
pub(crate) async fn contains(
    context: &Context<'_>,
    policy: &Policy,
    head: &ObjectId,
    merge: &ObjectId,
) -> Result<bool, ForgeError> {
    let (forge, slug) = (context.forge, &policy.slug);
    match retry(context.system, async || forge.is_ancestor(slug, merge, head).await).await {
        Err(ForgeError::NotFound(_) | ForgeError::Invalid(_)) => Ok(false),
        answer => answer,
    }
}

fn facts(run: &WorkflowRun, repository: u64) -> RunFacts {
    let caused_inside = EVENTS.contains(&run.event.as_str());
    let end = match run.conclusion {
        _ if !caused_inside => RunEnd::Silent,
        Conclusion::Success => RunEnd::Passed,
        Conclusion::Failure | Conclusion::TimedOut => RunEnd::Failed,
        Conclusion::Cancelled => RunEnd::Cancelled,
        Conclusion::StartupFailure => RunEnd::NotStarted,
        Conclusion::Skipped | Conclusion::ActionRequired | Conclusion::Neutral => RunEnd::Silent,
    };
    let fork = run.head_repository != Some(repository);
    // A fork's pull request is told of even though an outsider caused it, as long as it failed.
    let end = if fork && run.conclusion == Conclusion::Failure { RunEnd::Failed } else { end };
    RunFacts {
        workflow: run.workflow.clone(),
        name: run.name.clone(),
        head: run.head_sha.clone(),
        fork,
        end,
        created_at: run.created_at,
        id: run.id,
    }
}

fn skipped(run: &WorkflowRun, job: String, reason: Reason, told: Option<String>) -> SkippedRun {
    let message = match told {
        Some(told) => format!("{} The log says: {told}", reason.sentence()),
        None => reason.sentence().to_owned(),
    };
    SkippedRun { report: ReportId::Run { workflow: run.workflow.clone(), job }, reason, message, since: run.created_at }
}
