//! A forge that counts what is changed, and that refuses every change where nothing may be written. Layer 4.
//!
//! Objects that no ref names are no change: nobody can see them. Everything else counts, the state branch too.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use tracing::Instrument as _;

use crate::forge::{
    Ahead, Artifact, Checks, Comment, Commit, Forge, ForgeError, ForgeResult, Glance, GlanceQuery, Issue, IssueEvent,
    IssueQuery, Job, JobLog, Label, NewCommit, NewPull, Page, PullEdit, PullQuery, PullRequest, Reaction, Repository,
    Standing, TreeChange, TreeEntry, WorkflowRun,
};
use crate::model::{Actor, BranchName, MergeMethod, ObjectId, Permission, RepoSlug, Timestamp};

/// Opens the span of one call, for logs and traces.
fn call(name: &'static str) -> tracing::Span {
    tracing::debug_span!("forge", call = name)
}

/// A forge seen through a counter.
pub struct Counted<'a> {
    inner: &'a dyn Forge,
    read_only: bool,
    writes: AtomicU64,
}

impl std::fmt::Debug for Counted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Counted").field("read_only", &self.read_only).field("writes", &self.writes()).finish()
    }
}

impl<'a> Counted<'a> {
    /// Counts changes of a forge; `read_only` refuses them all (P-06).
    pub const fn new(inner: &'a dyn Forge, read_only: bool) -> Self {
        Self { inner, read_only, writes: AtomicU64::new(0) }
    }

    /// Returns how many changes were made.
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    /// Refuses a change where nothing may be written.
    fn permit(&self) -> ForgeResult<()> {
        if self.read_only { Err(ForgeError::Denied("nothing is written in this run".to_owned())) } else { Ok(()) }
    }

    /// Counts a change that was made, or may have been.
    fn counted<T>(&self, answer: ForgeResult<T>) -> ForgeResult<T> {
        if matches!(answer, Ok(_) | Err(ForgeError::Ambiguous(_))) {
            self.writes.fetch_add(1, Ordering::Relaxed);
        }
        answer
    }
}

#[async_trait]
impl Forge for Counted<'_> {
    fn lags(&self) -> bool {
        self.inner.lags()
    }

    async fn now(&self) -> ForgeResult<Timestamp> {
        self.inner.now().instrument(call("now")).await
    }

    async fn identity(&self) -> ForgeResult<Actor> {
        self.inner.identity().instrument(call("identity")).await
    }

    async fn repository(&self, slug: &RepoSlug) -> ForgeResult<Repository> {
        self.inner.repository(slug).instrument(call("repository")).await
    }

    async fn permission(&self, slug: &RepoSlug, actor: &Actor) -> ForgeResult<Permission> {
        self.inner.permission(slug, actor).instrument(call("permission")).await
    }

    async fn issues(&self, slug: &RepoSlug, query: &IssueQuery, page: Option<&str>) -> ForgeResult<Page<Issue>> {
        self.inner.issues(slug, query, page).instrument(call("issues")).await
    }

    async fn issue(&self, slug: &RepoSlug, number: u64) -> ForgeResult<Issue> {
        self.inner.issue(slug, number).instrument(call("issue")).await
    }

    async fn comments(&self, slug: &RepoSlug, number: u64, page: Option<&str>) -> ForgeResult<Page<Comment>> {
        self.inner.comments(slug, number, page).instrument(call("comments")).await
    }

    async fn issue_events(&self, slug: &RepoSlug, number: u64, page: Option<&str>) -> ForgeResult<Page<IssueEvent>> {
        self.inner.issue_events(slug, number, page).instrument(call("issue_events")).await
    }

    async fn pulls(&self, slug: &RepoSlug, query: &PullQuery, page: Option<&str>) -> ForgeResult<Page<PullRequest>> {
        self.inner.pulls(slug, query, page).instrument(call("pulls")).await
    }

    async fn pull(&self, slug: &RepoSlug, number: u64) -> ForgeResult<PullRequest> {
        self.inner.pull(slug, number).instrument(call("pull")).await
    }

    async fn standing(&self, slug: &RepoSlug, number: u64) -> ForgeResult<Standing> {
        self.inner.standing(slug, number).instrument(call("standing")).await
    }

    async fn checks(&self, slug: &RepoSlug, commit: &ObjectId) -> ForgeResult<Checks> {
        self.inner.checks(slug, commit).instrument(call("checks")).await
    }

    async fn dispatched(&self, slug: &RepoSlug, workflow: &str, commit: &ObjectId) -> ForgeResult<bool> {
        self.inner.dispatched(slug, workflow, commit).instrument(call("dispatched")).await
    }

    async fn branch(&self, slug: &RepoSlug, branch: &BranchName) -> ForgeResult<Option<ObjectId>> {
        self.inner.branch(slug, branch).instrument(call("branch")).await
    }

    async fn branches(&self, slug: &RepoSlug, prefix: &str) -> ForgeResult<Vec<(BranchName, ObjectId)>> {
        self.inner.branches(slug, prefix).instrument(call("branches")).await
    }

    async fn commit(&self, slug: &RepoSlug, id: &ObjectId) -> ForgeResult<Commit> {
        self.inner.commit(slug, id).instrument(call("commit")).await
    }

    async fn is_ancestor(&self, slug: &RepoSlug, ancestor: &ObjectId, descendant: &ObjectId) -> ForgeResult<bool> {
        self.inner.is_ancestor(slug, ancestor, descendant).instrument(call("is_ancestor")).await
    }

    async fn ahead(&self, slug: &RepoSlug, base: &ObjectId, head: &ObjectId) -> ForgeResult<Ahead> {
        self.inner.ahead(slug, base, head).instrument(call("ahead")).await
    }

    async fn tree(&self, slug: &RepoSlug, id: &ObjectId) -> ForgeResult<Vec<TreeEntry>> {
        self.inner.tree(slug, id).instrument(call("tree")).await
    }

    async fn blob(&self, slug: &RepoSlug, id: &ObjectId) -> ForgeResult<Vec<u8>> {
        self.inner.blob(slug, id).instrument(call("blob")).await
    }

    async fn glance(&self, queries: &[GlanceQuery]) -> ForgeResult<Vec<ForgeResult<Glance>>> {
        self.inner.glance(queries).instrument(call("glance")).await
    }

    async fn runs(&self, slug: &RepoSlug, branch: &BranchName, page: Option<&str>) -> ForgeResult<Page<WorkflowRun>> {
        self.inner.runs(slug, branch, page).instrument(call("runs")).await
    }

    async fn jobs(&self, slug: &RepoSlug, run: u64, page: Option<&str>) -> ForgeResult<Page<Job>> {
        self.inner.jobs(slug, run, page).instrument(call("jobs")).await
    }

    async fn job_log(&self, slug: &RepoSlug, job: u64, limit: usize) -> ForgeResult<JobLog> {
        self.inner.job_log(slug, job, limit).instrument(call("job_log")).await
    }

    async fn artifacts(&self, slug: &RepoSlug, page: Option<&str>) -> ForgeResult<Page<Artifact>> {
        self.inner.artifacts(slug, page).instrument(call("artifacts")).await
    }

    async fn artifact(&self, slug: &RepoSlug, id: u64, limit: usize) -> ForgeResult<Vec<u8>> {
        self.inner.artifact(slug, id, limit).instrument(call("artifact")).await
    }

    async fn create_blob(&self, slug: &RepoSlug, content: &[u8]) -> ForgeResult<ObjectId> {
        self.permit()?;
        self.inner.create_blob(slug, content).instrument(call("create_blob")).await
    }

    async fn create_tree(
        &self,
        slug: &RepoSlug,
        base: Option<&ObjectId>,
        changes: &[TreeChange],
    ) -> ForgeResult<ObjectId> {
        self.permit()?;
        self.inner.create_tree(slug, base, changes).instrument(call("create_tree")).await
    }

    async fn create_commit(&self, slug: &RepoSlug, commit: &NewCommit) -> ForgeResult<ObjectId> {
        self.permit()?;
        self.inner.create_commit(slug, commit).instrument(call("create_commit")).await
    }

    async fn create_branch(&self, slug: &RepoSlug, branch: &BranchName, target: &ObjectId) -> ForgeResult<()> {
        self.permit()?;
        self.counted(self.inner.create_branch(slug, branch, target).instrument(call("create_branch")).await)
    }

    async fn advance_branch(
        &self,
        slug: &RepoSlug,
        branch: &BranchName,
        expected: &ObjectId,
        target: &ObjectId,
    ) -> ForgeResult<()> {
        self.permit()?;
        self.counted(self.inner.advance_branch(slug, branch, expected, target).instrument(call("advance_branch")).await)
    }

    async fn delete_branch(&self, slug: &RepoSlug, branch: &BranchName, expected: &ObjectId) -> ForgeResult<()> {
        self.permit()?;
        self.counted(self.inner.delete_branch(slug, branch, expected).instrument(call("delete_branch")).await)
    }

    async fn create_pull(&self, slug: &RepoSlug, pull: &NewPull) -> ForgeResult<PullRequest> {
        self.permit()?;
        self.counted(self.inner.create_pull(slug, pull).instrument(call("create_pull")).await)
    }

    async fn edit_pull(&self, slug: &RepoSlug, number: u64, edit: &PullEdit) -> ForgeResult<()> {
        self.permit()?;
        self.counted(self.inner.edit_pull(slug, number, edit).instrument(call("edit_pull")).await)
    }

    async fn create_label(&self, slug: &RepoSlug, label: &Label) -> ForgeResult<()> {
        self.permit()?;
        self.counted(self.inner.create_label(slug, label).instrument(call("create_label")).await)
    }

    async fn add_labels(&self, slug: &RepoSlug, number: u64, labels: &[String]) -> ForgeResult<()> {
        self.permit()?;
        self.counted(self.inner.add_labels(slug, number, labels).instrument(call("add_labels")).await)
    }

    async fn remove_label(&self, slug: &RepoSlug, number: u64, label: &str) -> ForgeResult<()> {
        self.permit()?;
        self.counted(self.inner.remove_label(slug, number, label).instrument(call("remove_label")).await)
    }

    async fn request_reviewers(
        &self,
        slug: &RepoSlug,
        number: u64,
        people: &[String],
        teams: &[String],
    ) -> ForgeResult<()> {
        self.permit()?;
        let asked = self.inner.request_reviewers(slug, number, people, teams);
        self.counted(asked.instrument(call("request_reviewers")).await)
    }

    async fn add_assignees(&self, slug: &RepoSlug, number: u64, people: &[String]) -> ForgeResult<()> {
        self.permit()?;
        self.counted(self.inner.add_assignees(slug, number, people).instrument(call("add_assignees")).await)
    }

    async fn set_milestone(&self, slug: &RepoSlug, number: u64, title: &str) -> ForgeResult<()> {
        self.permit()?;
        self.counted(self.inner.set_milestone(slug, number, title).instrument(call("set_milestone")).await)
    }

    async fn enable_auto_merge(
        &self,
        slug: &RepoSlug,
        number: u64,
        method: MergeMethod,
        expected: &ObjectId,
    ) -> ForgeResult<()> {
        self.permit()?;
        let made = self.inner.enable_auto_merge(slug, number, method, expected);
        self.counted(made.instrument(call("enable_auto_merge")).await)
    }

    async fn create_issue(&self, slug: &RepoSlug, title: &str, body: &str) -> ForgeResult<Issue> {
        self.permit()?;
        self.counted(self.inner.create_issue(slug, title, body).instrument(call("create_issue")).await)
    }

    async fn dispatch_workflow(&self, slug: &RepoSlug, workflow: &str, branch: &BranchName) -> ForgeResult<()> {
        self.permit()?;
        let started = self.inner.dispatch_workflow(slug, workflow, branch);
        self.counted(started.instrument(call("dispatch_workflow")).await)
    }

    async fn create_comment(&self, slug: &RepoSlug, number: u64, body: &str) -> ForgeResult<Comment> {
        self.permit()?;
        self.counted(self.inner.create_comment(slug, number, body).instrument(call("create_comment")).await)
    }

    async fn edit_comment(&self, slug: &RepoSlug, id: u64, body: &str) -> ForgeResult<()> {
        self.permit()?;
        self.counted(self.inner.edit_comment(slug, id, body).instrument(call("edit_comment")).await)
    }

    async fn react(&self, slug: &RepoSlug, comment: u64, reaction: Reaction) -> ForgeResult<()> {
        self.permit()?;
        self.counted(self.inner.react(slug, comment, reaction).instrument(call("react")).await)
    }
}
