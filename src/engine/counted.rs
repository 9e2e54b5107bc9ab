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

/// Makes one call in a span of its own, for logs and traces.
async fn traced<T>(name: &'static str, call: impl Future<Output = ForgeResult<T>>) -> ForgeResult<T> {
    let (status, kind) = (tracing::field::Empty, tracing::field::Empty);
    let span = tracing::debug_span!(
        "forge",
        call = name,
        otel.kind = "client",
        otel.status_code = status,
        "error.type" = kind
    );
    let answer = call.instrument(span.clone()).await;
    if let Err(error) = &answer {
        span.record("otel.status_code", "ERROR").record("error.type", error.kind());
    }
    answer
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
        traced("now", self.inner.now()).await
    }

    async fn identity(&self) -> ForgeResult<Actor> {
        traced("identity", self.inner.identity()).await
    }

    async fn repository(&self, slug: &RepoSlug) -> ForgeResult<Repository> {
        traced("repository", self.inner.repository(slug)).await
    }

    async fn permission(&self, slug: &RepoSlug, actor: &Actor) -> ForgeResult<Permission> {
        traced("permission", self.inner.permission(slug, actor)).await
    }

    async fn issues(&self, slug: &RepoSlug, query: &IssueQuery, page: Option<&str>) -> ForgeResult<Page<Issue>> {
        traced("issues", self.inner.issues(slug, query, page)).await
    }

    async fn issue(&self, slug: &RepoSlug, number: u64) -> ForgeResult<Issue> {
        traced("issue", self.inner.issue(slug, number)).await
    }

    async fn comments(&self, slug: &RepoSlug, number: u64, page: Option<&str>) -> ForgeResult<Page<Comment>> {
        traced("comments", self.inner.comments(slug, number, page)).await
    }

    async fn issue_events(&self, slug: &RepoSlug, number: u64, page: Option<&str>) -> ForgeResult<Page<IssueEvent>> {
        traced("issue_events", self.inner.issue_events(slug, number, page)).await
    }

    async fn pulls(&self, slug: &RepoSlug, query: &PullQuery, page: Option<&str>) -> ForgeResult<Page<PullRequest>> {
        traced("pulls", self.inner.pulls(slug, query, page)).await
    }

    async fn pull(&self, slug: &RepoSlug, number: u64) -> ForgeResult<PullRequest> {
        traced("pull", self.inner.pull(slug, number)).await
    }

    async fn standing(&self, slug: &RepoSlug, number: u64) -> ForgeResult<Standing> {
        traced("standing", self.inner.standing(slug, number)).await
    }

    async fn checks(&self, slug: &RepoSlug, commit: &ObjectId) -> ForgeResult<Checks> {
        traced("checks", self.inner.checks(slug, commit)).await
    }

    async fn dispatched(&self, slug: &RepoSlug, workflow: &str, commit: &ObjectId) -> ForgeResult<bool> {
        traced("dispatched", self.inner.dispatched(slug, workflow, commit)).await
    }

    async fn branch(&self, slug: &RepoSlug, branch: &BranchName) -> ForgeResult<Option<ObjectId>> {
        traced("branch", self.inner.branch(slug, branch)).await
    }

    async fn branches(&self, slug: &RepoSlug, prefix: &str) -> ForgeResult<Vec<(BranchName, ObjectId)>> {
        traced("branches", self.inner.branches(slug, prefix)).await
    }

    async fn commit(&self, slug: &RepoSlug, id: &ObjectId) -> ForgeResult<Commit> {
        traced("commit", self.inner.commit(slug, id)).await
    }

    async fn is_ancestor(&self, slug: &RepoSlug, ancestor: &ObjectId, descendant: &ObjectId) -> ForgeResult<bool> {
        traced("is_ancestor", self.inner.is_ancestor(slug, ancestor, descendant)).await
    }

    async fn ahead(&self, slug: &RepoSlug, base: &ObjectId, head: &ObjectId) -> ForgeResult<Ahead> {
        traced("ahead", self.inner.ahead(slug, base, head)).await
    }

    async fn tree(&self, slug: &RepoSlug, id: &ObjectId) -> ForgeResult<Vec<TreeEntry>> {
        traced("tree", self.inner.tree(slug, id)).await
    }

    async fn blob(&self, slug: &RepoSlug, id: &ObjectId) -> ForgeResult<Vec<u8>> {
        traced("blob", self.inner.blob(slug, id)).await
    }

    async fn glance(&self, queries: &[GlanceQuery]) -> ForgeResult<Vec<ForgeResult<Glance>>> {
        traced("glance", self.inner.glance(queries)).await
    }

    async fn runs(&self, slug: &RepoSlug, branch: &BranchName, page: Option<&str>) -> ForgeResult<Page<WorkflowRun>> {
        traced("runs", self.inner.runs(slug, branch, page)).await
    }

    async fn jobs(&self, slug: &RepoSlug, run: u64, page: Option<&str>) -> ForgeResult<Page<Job>> {
        traced("jobs", self.inner.jobs(slug, run, page)).await
    }

    async fn job_log(&self, slug: &RepoSlug, job: u64, limit: usize) -> ForgeResult<JobLog> {
        traced("job_log", self.inner.job_log(slug, job, limit)).await
    }

    async fn artifacts(&self, slug: &RepoSlug, page: Option<&str>) -> ForgeResult<Page<Artifact>> {
        traced("artifacts", self.inner.artifacts(slug, page)).await
    }

    async fn artifact(&self, slug: &RepoSlug, id: u64, limit: usize) -> ForgeResult<Vec<u8>> {
        traced("artifact", self.inner.artifact(slug, id, limit)).await
    }

    async fn create_blob(&self, slug: &RepoSlug, content: &[u8]) -> ForgeResult<ObjectId> {
        self.permit()?;
        traced("create_blob", self.inner.create_blob(slug, content)).await
    }

    async fn create_tree(
        &self,
        slug: &RepoSlug,
        base: Option<&ObjectId>,
        changes: &[TreeChange],
    ) -> ForgeResult<ObjectId> {
        self.permit()?;
        traced("create_tree", self.inner.create_tree(slug, base, changes)).await
    }

    async fn create_commit(&self, slug: &RepoSlug, commit: &NewCommit) -> ForgeResult<ObjectId> {
        self.permit()?;
        traced("create_commit", self.inner.create_commit(slug, commit)).await
    }

    async fn create_branch(&self, slug: &RepoSlug, branch: &BranchName, target: &ObjectId) -> ForgeResult<()> {
        self.permit()?;
        self.counted(traced("create_branch", self.inner.create_branch(slug, branch, target)).await)
    }

    async fn advance_branch(
        &self,
        slug: &RepoSlug,
        branch: &BranchName,
        expected: &ObjectId,
        target: &ObjectId,
    ) -> ForgeResult<()> {
        self.permit()?;
        self.counted(traced("advance_branch", self.inner.advance_branch(slug, branch, expected, target)).await)
    }

    async fn delete_branch(&self, slug: &RepoSlug, branch: &BranchName, expected: &ObjectId) -> ForgeResult<()> {
        self.permit()?;
        self.counted(traced("delete_branch", self.inner.delete_branch(slug, branch, expected)).await)
    }

    async fn create_pull(&self, slug: &RepoSlug, pull: &NewPull) -> ForgeResult<PullRequest> {
        self.permit()?;
        self.counted(traced("create_pull", self.inner.create_pull(slug, pull)).await)
    }

    async fn edit_pull(&self, slug: &RepoSlug, number: u64, edit: &PullEdit) -> ForgeResult<()> {
        self.permit()?;
        self.counted(traced("edit_pull", self.inner.edit_pull(slug, number, edit)).await)
    }

    async fn create_label(&self, slug: &RepoSlug, label: &Label) -> ForgeResult<()> {
        self.permit()?;
        self.counted(traced("create_label", self.inner.create_label(slug, label)).await)
    }

    async fn add_labels(&self, slug: &RepoSlug, number: u64, labels: &[String]) -> ForgeResult<()> {
        self.permit()?;
        self.counted(traced("add_labels", self.inner.add_labels(slug, number, labels)).await)
    }

    async fn remove_label(&self, slug: &RepoSlug, number: u64, label: &str) -> ForgeResult<()> {
        self.permit()?;
        self.counted(traced("remove_label", self.inner.remove_label(slug, number, label)).await)
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
        self.counted(traced("request_reviewers", asked).await)
    }

    async fn add_assignees(&self, slug: &RepoSlug, number: u64, people: &[String]) -> ForgeResult<()> {
        self.permit()?;
        self.counted(traced("add_assignees", self.inner.add_assignees(slug, number, people)).await)
    }

    async fn set_milestone(&self, slug: &RepoSlug, number: u64, title: &str) -> ForgeResult<()> {
        self.permit()?;
        self.counted(traced("set_milestone", self.inner.set_milestone(slug, number, title)).await)
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
        self.counted(traced("enable_auto_merge", made).await)
    }

    async fn create_issue(&self, slug: &RepoSlug, title: &str, body: &str) -> ForgeResult<Issue> {
        self.permit()?;
        self.counted(traced("create_issue", self.inner.create_issue(slug, title, body)).await)
    }

    async fn dispatch_workflow(&self, slug: &RepoSlug, workflow: &str, branch: &BranchName) -> ForgeResult<()> {
        self.permit()?;
        let started = self.inner.dispatch_workflow(slug, workflow, branch);
        self.counted(traced("dispatch_workflow", started).await)
    }

    async fn create_comment(&self, slug: &RepoSlug, number: u64, body: &str) -> ForgeResult<Comment> {
        self.permit()?;
        self.counted(traced("create_comment", self.inner.create_comment(slug, number, body)).await)
    }

    async fn edit_comment(&self, slug: &RepoSlug, id: u64, body: &str) -> ForgeResult<()> {
        self.permit()?;
        self.counted(traced("edit_comment", self.inner.edit_comment(slug, id, body)).await)
    }

    async fn react(&self, slug: &RepoSlug, comment: u64, reaction: Reaction) -> ForgeResult<()> {
        self.permit()?;
        self.counted(traced("react", self.inner.react(slug, comment, reaction)).await)
    }
}
