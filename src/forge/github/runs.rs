//! Workflow runs, their jobs, logs and artifacts. Layer 3.
//!
//! Logs and artifacts lie on another host, behind addresses that run out. Refuses to send the token there (V-105), to take
//! the words of an error for a log, and to hold more of a file than asked for (F-17, F-18).

use super::GithubForge;
use super::client::Ask;
use super::link::escape;
use super::shapes::{ArtifactShape, ArtifactsShape, JobShape, JobsShape, RunShape, RunsShape};
use super::transport::{Failure, Incoming, Keep};
use crate::forge::{Artifact, ForgeError, ForgeResult, Job, JobLog, Page, WorkflowRun};
use crate::model::{BranchName, ObjectId, RepoSlug};

/// The most that is read of a log to find its end.
const LONGEST_LOG: u64 = 512 << 20;

impl GithubForge {
    pub(super) async fn list_runs(
        &self,
        slug: &RepoSlug,
        branch: &BranchName,
        page: Option<&str>,
    ) -> ForgeResult<Page<WorkflowRun>> {
        let branch_name = escape(branch.as_str());
        let path =
            format!("/actions/runs?branch={branch_name}&status=completed&exclude_pull_requests=true&per_page=100");
        let (shape, next) = self.page::<RunsShape>(slug, &path, page, true).await?;
        let runs = shape.workflow_runs.into_iter().filter_map(RunShape::run);
        // A fork's branch of the same name is listed too; the caller sees where a commit came from (V-07).
        let items = runs.filter(|run| run.branch == branch.as_str()).collect();
        Ok(Page { items, next, broken: Vec::new() })
    }

    /// Looks for a run of the workflow that a dispatch started on the commit, whether it has ended or not.
    pub(super) async fn was_dispatched(&self, slug: &RepoSlug, workflow: &str, commit: &ObjectId) -> ForgeResult<bool> {
        let path =
            format!("/actions/runs?event=workflow_dispatch&head_sha={commit}&exclude_pull_requests=true&per_page=100");
        let runs = self.all::<RunsShape, RunShape>(slug, &path, |shape| shape.workflow_runs).await?;
        Ok(runs.iter().any(|run| run.workflow() == workflow && run.head_sha == *commit))
    }

    pub(super) async fn dispatch(&self, slug: &RepoSlug, workflow: &str, branch: &BranchName) -> ForgeResult<()> {
        let what = format!("starting the workflow {workflow} of {slug} on {branch}");
        let path = format!("/repos/{slug}/actions/workflows/{}/dispatches", escape(workflow));
        let body = serde_json::json!({ "ref": branch.as_str() });
        self.client.send(&Ask::create(self.client.address.of(&path), &body, what).of(slug)).await?;
        Ok(())
    }

    pub(super) async fn list_jobs(&self, slug: &RepoSlug, run: u64, page: Option<&str>) -> ForgeResult<Page<Job>> {
        let path = format!("/actions/runs/{run}/jobs?filter=latest&per_page=100");
        let (shape, next) = self.page::<JobsShape>(slug, &path, page, true).await?;
        Ok(Page { items: shape.jobs.into_iter().map(JobShape::job).collect(), next, broken: Vec::new() })
    }

    pub(super) async fn read_log(&self, slug: &RepoSlug, job: u64, limit: usize) -> ForgeResult<JobLog> {
        let url = self.client.address.of(&format!("/repos/{slug}/actions/jobs/{job}/logs"));
        let what = format!("reading the log of job {job} of {slug}");
        let keep = Keep::Tail { bytes: limit, most: LONGEST_LOG };
        let log = self.stored(&Ask { keep, stay: true, ..Ask::read(url, &what).of(slug) }, "logs").await?;
        Ok(JobLog { bytes: log.body, cut: log.cut })
    }

    pub(super) async fn list_artifacts(&self, slug: &RepoSlug, page: Option<&str>) -> ForgeResult<Page<Artifact>> {
        let (shape, next) = self.page::<ArtifactsShape>(slug, "/actions/artifacts?per_page=100", page, true).await?;
        let items = shape.artifacts.into_iter().filter_map(ArtifactShape::artifact).collect();
        Ok(Page { items, next, broken: Vec::new() })
    }

    pub(super) async fn read_artifact(&self, slug: &RepoSlug, id: u64, limit: usize) -> ForgeResult<Vec<u8>> {
        let url = self.client.address.of(&format!("/repos/{slug}/actions/artifacts/{id}/zip"));
        let what = format!("reading artifact {id} of {slug}");
        let ask = Ask { keep: Keep::All(limit), stay: true, ..Ask::read(url, &what).of(slug) };
        Ok(self.stored(&ask, "artifacts").await?.body)
    }

    /// Reads a file that lies in a store to which the server shows the way.
    async fn stored(&self, ask: &Ask, store: &str) -> ForgeResult<Incoming> {
        let what = &ask.what;
        let mut refused = 0;
        // The address of such a file runs out within a minute: asked for once more, then given up (F-17).
        for _ in 0..2 {
            let answer = self.client.send(ask).await?;
            let Some(target) = answer.header("location").filter(|_| (300..400).contains(&answer.status)) else {
                return Ok(answer);
            };
            match self.client.fetch(target, ask.keep).await {
                Ok(file) if (200..300).contains(&file.status) => return Ok(file),
                Ok(file) if file.status >= 500 => {
                    return Err(ForgeError::Transient(format!(
                        "{what}: the store of {store} answered {}",
                        file.status
                    )));
                }
                Ok(file) => refused = file.status,
                Err(Failure::NotSent(why) | Failure::Lost(why)) => {
                    return Err(ForgeError::Transient(format!("{what}: {why}")));
                }
                Err(Failure::TooLong(most)) => {
                    return Err(ForgeError::Invalid(format!("{what}: it has more than {most} bytes")));
                }
                Err(Failure::Unusable(why)) => return Err(ForgeError::Invalid(format!("{what}: {why}"))),
            }
        }
        Err(ForgeError::NotFound(format!("{what}: the store of {store} answered {refused}")))
    }
}
