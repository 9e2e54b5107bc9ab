//! Workflow runs of an embedded forge, first looks at its repositories, and who is asked to look at a pull request. Layer 2.

use serde::{Deserialize, Serialize};

use super::{Embedded, Storage, ThreadKind, ThreadRecord};
use crate::forge::{
    Checks, Conclusion, ForgeError, ForgeResult, Glance, GlanceQuery, Job, Repository, Step, WorkflowRun,
};
use crate::model::{Actor, BranchName, ObjectId, RepoSlug, Timestamp};

/// GitHub's name for the event that starts a workflow by hand.
const DISPATCH: &str = "workflow_dispatch";

/// How many jobs a run can number before ids of runs meet.
const JOBS_PER_RUN: u64 = 1_000;

/// Returns the id of a job by its run's number and its own place from 0.
pub(super) fn job_id(run: u64, place: usize) -> u64 {
    run.saturating_mul(JOBS_PER_RUN).saturating_add(place as u64)
}

/// Returns the run's number and the job's place that an id of [`job_id`] names.
pub(crate) fn job_place(id: u64) -> (u64, usize) {
    (id / JOBS_PER_RUN, usize::try_from(id % JOBS_PER_RUN).unwrap_or_default())
}

/// A completed workflow run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The workflow's file name.
    pub workflow: String,
    /// The workflow's name for people.
    pub name: String,
    /// The branch, as written there.
    pub branch: String,
    /// The commit.
    pub commit: ObjectId,
    /// What started it.
    pub event: String,
    /// Who caused it.
    pub actor: Option<Actor>,
    /// Whether the commit came from a fork.
    pub fork: bool,
    /// The latest attempt, from 1.
    pub attempt: u32,
    /// How it ended.
    pub conclusion: Conclusion,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it ended.
    pub completed_at: Timestamp,
    /// Its jobs, in order.
    pub jobs: Vec<JobRecord>,
}

/// One job of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRecord {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub conclusion: Conclusion,
    /// The labels of its runner.
    pub runner_labels: Vec<String>,
    /// Its steps.
    pub steps: Vec<Step>,
}

impl<S: Storage> Embedded<S> {
    /// Lists the runs of a branch, newest first, and what could not be read.
    pub(super) async fn runs_of(
        &self,
        slug: &RepoSlug,
        branch: &BranchName,
    ) -> ForgeResult<(Vec<WorkflowRun>, Vec<String>)> {
        let repository = self.storage.repository(slug).await?;
        let (records, broken) = self.storage.runs(slug).await?;
        let mut runs: Vec<WorkflowRun> = records
            .into_iter()
            .filter(|(_, record)| record.branch == branch.as_str())
            .map(|(number, record)| WorkflowRun {
                id: number,
                workflow: record.workflow,
                name: record.name,
                url: format!("{}/runs/{number}", self.storage.url(slug, None).trim_end_matches(".git")),
                branch: record.branch,
                head_sha: record.commit,
                head_repository: (!record.fork).then_some(repository.id),
                event: record.event,
                actor: record.actor,
                attempt: record.attempt,
                conclusion: record.conclusion,
                created_at: record.created_at,
                updated_at: record.completed_at,
            })
            .collect();
        runs.sort_by_key(|run| std::cmp::Reverse((run.created_at, run.id)));
        Ok((runs, broken))
    }

    /// Lists the jobs of a run.
    pub(super) async fn jobs_of(&self, slug: &RepoSlug, run: u64) -> ForgeResult<Vec<Job>> {
        self.storage.repository(slug).await?;
        let (mut records, _) = self.storage.runs(slug).await?;
        let record = records.remove(&run).ok_or_else(|| ForgeError::NotFound(format!("{slug} has no run {run}")))?;
        let folder = format!("{}/runs/{run}", self.storage.url(slug, None).trim_end_matches(".git"));
        let job = |(place, job): (usize, JobRecord)| Job {
            id: job_id(run, place),
            url: folder.clone(),
            name: job.name,
            conclusion: Some(job.conclusion),
            runner_labels: job.runner_labels,
            steps: job.steps,
        };
        Ok(record.jobs.into_iter().enumerate().map(job).collect())
    }

    /// Takes a first look at one repository.
    pub(super) async fn glance_at(&self, query: &GlanceQuery) -> ForgeResult<Glance> {
        let record = self.storage.repository(&query.slug).await?;
        let repository = Repository {
            id: record.id,
            slug: query.slug.clone(),
            default_branch: record.default_branch,
            private: record.private,
            url: self.storage.url(&query.slug, None),
        };
        let branch = query.branch.clone().unwrap_or_else(|| repository.default_branch.clone());
        let head = self.visible_refs(&query.slug).await?.remove(branch.as_str());
        let listed = self.storage.threads(&query.slug, ThreadKind::Issue).await?;
        let is_report = |thread: &&ThreadRecord| {
            let wanted = |label: &String| query.labels.iter().any(|want| want.eq_ignore_ascii_case(label));
            thread.open && thread.labels.iter().any(wanted)
        };
        let reports: Vec<&ThreadRecord> = listed.records.iter().filter(is_report).collect();
        let newest_report = reports.iter().map(|thread| thread.updated_at).max();
        let (runs, broken_runs) = self.storage.runs(&query.slug).await?;
        let mut newest = std::collections::BTreeMap::new();
        for run in runs.values().filter(|run| run.branch == branch.as_str() && Some(&run.commit) == head.as_ref()) {
            let last: &mut &RunRecord = newest.entry(&run.workflow).or_insert(run);
            if run.created_at >= last.created_at {
                *last = run;
            }
        }
        let failing = |run: &&RunRecord| {
            !matches!(run.conclusion, Conclusion::Success | Conclusion::Skipped | Conclusion::Neutral)
        };
        let checks = match (newest.values().any(failing), newest.is_empty()) {
            (true, _) => Checks::Failing,
            (false, true) => Checks::None,
            (false, false) => Checks::Passing,
        };
        // A file that cannot be read has to be told of: such a repository is never passed over.
        let unread = (listed.broken.len() + broken_runs.len()) as u64;
        Ok(Glance { repository, head, reports: reports.len() as u64 + unread, newest_report, checks })
    }

    /// Says what the newest runs of each workflow say of a commit.
    pub(super) async fn checks_of(&self, slug: &RepoSlug, commit: &ObjectId) -> ForgeResult<Checks> {
        let (runs, broken) = self.storage.runs(slug).await?;
        if !broken.is_empty() {
            // One that cannot be read may be the green one, or the red one.
            return Ok(Checks::Pending);
        }
        let mut newest = std::collections::BTreeMap::new();
        for run in runs.values().filter(|run| run.commit == *commit) {
            let last: &mut &RunRecord = newest.entry(&run.workflow).or_insert(run);
            if run.created_at >= last.created_at {
                *last = run;
            }
        }
        let conclusions = newest.values().flat_map(|run| match run.jobs.as_slice() {
            [] => vec![Some(run.conclusion)],
            jobs => jobs.iter().map(|job| Some(job.conclusion)).collect(),
        });
        Ok(Checks::of(conclusions))
    }

    /// Says whether a run of a workflow was started by dispatch on a commit.
    pub(super) async fn was_dispatched(&self, slug: &RepoSlug, workflow: &str, commit: &ObjectId) -> ForgeResult<bool> {
        let (runs, _) = self.storage.runs(slug).await?;
        let same = |run: &RunRecord| run.event == DISPATCH && run.workflow == workflow && run.commit == *commit;
        Ok(runs.values().any(same))
    }

    /// Starts a workflow on the head of a branch. Nobody runs it here: the run waits for whoever stands in for a runner.
    pub(super) async fn start_by_dispatch(
        &self,
        slug: &RepoSlug,
        workflow: &str,
        branch: &BranchName,
    ) -> ForgeResult<()> {
        let repository = self.storage.repository(slug).await?;
        let _hold = self.storage.exclusive(slug).await?;
        let refs = self.visible_refs(slug).await?;
        let path = format!(".github/workflows/{workflow}");
        let default = refs.get(repository.default_branch.as_str());
        if self.file_at(slug, default, &path).await?.is_none() {
            return Err(ForgeError::NotFound(format!("{slug} has no workflow {workflow:?}")));
        }
        let Some(head) = refs.get(branch.as_str()) else {
            return Err(ForgeError::Invalid(format!("No ref found for: {branch}")));
        };
        let text = self.file_at(slug, Some(head), &path).await?.unwrap_or_default();
        if !String::from_utf8_lossy(&text).contains(DISPATCH) {
            return Err(ForgeError::Invalid(format!("Workflow does not have '{DISPATCH}' trigger")));
        }
        let now = self.time();
        let job = JobRecord {
            name: workflow.to_owned(),
            conclusion: Conclusion::ActionRequired,
            runner_labels: Vec::new(),
            steps: Vec::new(),
        };
        let run = RunRecord {
            workflow: workflow.to_owned(),
            name: workflow.to_owned(),
            branch: branch.to_string(),
            commit: head.clone(),
            event: DISPATCH.to_owned(),
            actor: Some(self.us()),
            fork: false,
            attempt: 1,
            conclusion: Conclusion::ActionRequired,
            created_at: now,
            completed_at: now,
            jobs: vec![job],
        };
        let number = self.storage.runs(slug).await?.0.keys().next_back().copied().unwrap_or(0) + 1;
        self.storage.put_run(slug, number, &run, &[]).await
    }

    /// Returns the bytes of a file at a commit.
    async fn file_at(&self, slug: &RepoSlug, commit: Option<&ObjectId>, path: &str) -> ForgeResult<Option<Vec<u8>>> {
        let Some(commit) = commit else { return Ok(None) };
        let entry = self.list_tree(slug, commit).await?.into_iter().find(|entry| entry.path == path);
        let Some(entry) = entry else { return Ok(None) };
        Ok(self.read_object(slug, &entry.id).await?.map(|object| object.data))
    }

    /// Asks people and teams for a review.
    pub(super) async fn ask_for_review(
        &self,
        slug: &RepoSlug,
        number: u64,
        people: &[String],
        teams: &[String],
    ) -> ForgeResult<()> {
        let said = self.storage.people(slug).await?;
        let known = |login: &&String| login.as_str() == slug.owner() || said.contains_key(login.as_str());
        if let Some(stranger) = people.iter().find(|login| !known(login)) {
            return Err(ForgeError::Invalid(format!(
                "reviews can be requested from collaborators of {slug} only, and {stranger:?} is none"
            )));
        }
        let asked = people.iter().cloned().chain(teams.iter().map(|team| format!("/{team}")));
        self.change_thread(slug, number, |thread| thread.reviewers.extend(asked)).await
    }

    /// Assigns those people who can be assigned.
    pub(super) async fn assign(&self, slug: &RepoSlug, number: u64, people: &[String]) -> ForgeResult<()> {
        let said = self.storage.people(slug).await?;
        let known = |login: &&String| login.as_str() == slug.owner() || said.contains_key(login.as_str());
        let assigned: Vec<String> = people.iter().filter(known).cloned().collect();
        self.change_thread(slug, number, |thread| thread.assignees.extend(assigned)).await
    }

    /// Puts a thread under an open milestone.
    pub(super) async fn put_under_milestone(&self, slug: &RepoSlug, number: u64, title: &str) -> ForgeResult<()> {
        if !self.storage.milestones(slug).await?.iter().any(|known| known == title) {
            return Err(ForgeError::NotFound(format!("{slug} has no open milestone {title:?}")));
        }
        self.change_thread(slug, number, |thread| thread.milestone = Some(title.to_owned())).await
    }

    /// Changes a thread under the repository's hold; nothing is written where nothing differs.
    async fn change_thread(
        &self,
        slug: &RepoSlug,
        number: u64,
        change: impl FnOnce(&mut ThreadRecord) + Send,
    ) -> ForgeResult<()> {
        self.storage.repository(slug).await?;
        let _hold = self.storage.exclusive(slug).await?;
        let before = self.thread_or_not_found(slug, number).await?;
        let mut after = before.clone();
        change(&mut after);
        if after == before {
            return Ok(());
        }
        after.updated_at = self.time();
        self.storage.put_thread(slug, &after, Vec::new()).await
    }

    /// Opens a milestone, as a person does; one that is open stays.
    ///
    /// # Errors
    /// When the repository is not there.
    pub async fn add_milestone(&self, slug: &RepoSlug, title: &str) -> ForgeResult<()> {
        let _hold = self.storage.exclusive(slug).await?;
        if self.storage.milestones(slug).await?.iter().any(|known| known == title) {
            return Ok(());
        }
        self.storage.put_milestone(slug, title).await
    }

    /// Adds a workflow run with the logs of its jobs, as the forge's runners do. Returns its number.
    ///
    /// # Errors
    /// When the repository is not there, or the storage fails.
    pub async fn add_run(&self, slug: &RepoSlug, run: &RunRecord, logs: &[Vec<u8>]) -> ForgeResult<u64> {
        self.storage.repository(slug).await?;
        let _hold = self.storage.exclusive(slug).await?;
        let number = self.storage.runs(slug).await?.0.keys().next_back().copied().unwrap_or(0) + 1;
        self.storage.put_run(slug, number, run, logs).await?;
        Ok(number)
    }
}
