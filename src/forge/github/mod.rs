//! GitHub, and servers of its kind, behind the port: the only user of octocrab. Layer 3.
//!
//! `auth` says who we are, `governor` when we may ask, `transport` carries, `classify` says what an answer means, `client`
//! ties the four together; the rest are the port's operations. Refuses to decide anything that the protocol decides, to
//! keep a list of its own, and to read the environment. `docs/github.md` is its page for people.

mod app;
mod auth;
mod auto_merge;
mod classify;
mod client;
mod glance;
mod governor;
mod graphql;
mod link;
mod proxy;
mod reads;
mod runs;
mod settings;
mod shapes;
mod standing;
mod transport;
mod writes;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::OnceCell;

use crate::forge::{
    Ahead, Artifact, Checks, Comment, Commit, Forge, ForgeResult, Glance, GlanceQuery, Issue, IssueEvent, IssueQuery,
    Job, JobLog, Label, NewCommit, NewPull, Page, PullEdit, PullQuery, PullRequest, Reaction, Repository, Standing,
    TreeChange, TreeEntry, WorkflowRun,
};
use crate::model::{Actor, BranchName, MergeMethod, ObjectId, Permission, RepoSlug, Secret, Timestamp};
use crate::system::System;

pub use auth::{Access, Credentials, TokenKind};
pub use governor::Governor;
pub use proxy::Proxies;
pub use settings::has_root_certificates;
pub use transport::{Connector, connector};

use client::Client;
use link::Address;
use transport::Transport;

/// Everything that the adapter has to be told.
#[derive(Clone)]
pub struct Settings {
    /// The API: `https://api.github.com`, or `https://HOST/api/v3` of an enterprise server.
    pub api_url: String,
    /// GraphQL, where it is not beside the API.
    pub graphql_url: Option<String>,
    /// What people open: `https://github.com`.
    pub server_url: String,
    /// Who we are.
    pub credentials: Credentials,
    /// The program's version, for the user agent.
    pub version: String,
    /// Time and chance.
    pub system: Arc<dyn System>,
    /// When the run ends, on the monotonic clock: no wait for a limit goes past it.
    pub deadline: Option<Duration>,
    /// The run's repositories: an App's tokens are made for these alone.
    pub repositories: Vec<RepoSlug>,
    /// The operator's repository, which has the state branch.
    pub operator: Option<RepoSlug>,
    /// The process's governor, where more than one adapter sends requests; else one is made.
    pub governor: Option<Arc<Governor>>,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("api_url", &self.api_url)
            .field("credentials", &self.credentials)
            .field("repositories", &self.repositories)
            .finish_non_exhaustive()
    }
}

/// Why an adapter cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// An address is none that a token may be sent to.
    #[error("the address of the forge cannot be used: {0}")]
    Address(String),
}

/// GitHub.
pub struct GithubForge {
    client: Client,
    /// The host of addresses for people, as in `users.noreply.github.com`.
    host: String,
    identity: OnceCell<Actor>,
    /// Labels that are known to exist, in lower case.
    labels: Mutex<BTreeSet<(RepoSlug, String)>>,
}

impl std::fmt::Debug for GithubForge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GithubForge").field("client", &self.client).finish_non_exhaustive()
    }
}

impl GithubForge {
    /// Makes it; nothing is sent before the first question.
    ///
    /// # Errors
    /// When an address is not one that a token may be sent to.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let address =
            Address::new(&settings.api_url, settings.graphql_url.as_deref()).map_err(SettingsError::Address)?;
        let governor = settings.governor.unwrap_or_else(|| Arc::new(Governor::new(settings.system, settings.deadline)));
        let repositories = settings.repositories.into_iter().chain(settings.operator);
        let transport = Transport::new(&settings.version);
        let client = Client::new(transport, address, governor, settings.credentials, repositories);
        let host = settings.server_url.split("://").nth(1).unwrap_or("github.com");
        let host = host.split(['/', ':']).next().unwrap_or_default().to_owned();
        Ok(Self { client, host, identity: OnceCell::new(), labels: Mutex::new(BTreeSet::new()) })
    }

    /// Reaches the server through the proxy of the operator's network.
    #[must_use]
    pub fn through(mut self, proxies: Proxies) -> Self {
        self.client.transport.pass_through(proxies);
        self
    }

    /// Gives up on a server that is silent for so long; half a minute without this.
    #[must_use]
    pub fn with_patience(mut self, silence: Duration) -> Self {
        self.client.patient_for(silence);
        self
    }

    /// Returns what keeps this process within GitHub's limits.
    pub fn governor(&self) -> &Arc<Governor> {
        &self.client.governor
    }

    /// Returns the token with which git may fetch a repository.
    ///
    /// # Errors
    /// When an App's token cannot be made.
    pub async fn git_token(&self, slug: &RepoSlug) -> ForgeResult<Secret> {
        self.client.token(slug.owner()).await
    }

    async fn whoami(&self) -> ForgeResult<Actor> {
        self.identity.get_or_try_init(|| self.read_identity()).await.cloned()
    }

    fn knows_label(&self, slug: &RepoSlug, name: &str) -> bool {
        let labels = self.labels.lock().unwrap_or_else(PoisonError::into_inner);
        labels.contains(&(slug.clone(), name.to_lowercase()))
    }

    fn note_label(&self, slug: &RepoSlug, name: &str) {
        let mut labels = self.labels.lock().unwrap_or_else(PoisonError::into_inner);
        labels.insert((slug.clone(), name.to_lowercase()));
    }
}

#[async_trait]
impl Forge for GithubForge {
    async fn now(&self) -> ForgeResult<Timestamp> {
        self.read_now().await
    }

    async fn identity(&self) -> ForgeResult<Actor> {
        self.whoami().await
    }

    async fn repository(&self, slug: &RepoSlug) -> ForgeResult<Repository> {
        self.read_repository(slug).await
    }

    async fn permission(&self, slug: &RepoSlug, actor: &Actor) -> ForgeResult<Permission> {
        self.read_permission(slug, actor).await
    }

    async fn issues(&self, slug: &RepoSlug, query: &IssueQuery, page: Option<&str>) -> ForgeResult<Page<Issue>> {
        self.list_issues(slug, query, page).await
    }

    async fn issue(&self, slug: &RepoSlug, number: u64) -> ForgeResult<Issue> {
        self.read_issue(slug, number).await
    }

    async fn comments(&self, slug: &RepoSlug, number: u64, page: Option<&str>) -> ForgeResult<Page<Comment>> {
        self.list_comments(slug, number, page).await
    }

    async fn issue_events(&self, slug: &RepoSlug, number: u64, page: Option<&str>) -> ForgeResult<Page<IssueEvent>> {
        self.list_events(slug, number, page).await
    }

    async fn pulls(&self, slug: &RepoSlug, query: &PullQuery, page: Option<&str>) -> ForgeResult<Page<PullRequest>> {
        self.list_pulls(slug, query, page).await
    }

    async fn pull(&self, slug: &RepoSlug, number: u64) -> ForgeResult<PullRequest> {
        self.read_pull(slug, number).await
    }

    async fn standing(&self, slug: &RepoSlug, number: u64) -> ForgeResult<Standing> {
        self.read_standing(slug, number).await
    }

    async fn checks(&self, slug: &RepoSlug, commit: &ObjectId) -> ForgeResult<Checks> {
        self.read_checks(slug, commit).await
    }

    async fn dispatched(&self, slug: &RepoSlug, workflow: &str, commit: &ObjectId) -> ForgeResult<bool> {
        self.was_dispatched(slug, workflow, commit).await
    }

    async fn branch(&self, slug: &RepoSlug, branch: &BranchName) -> ForgeResult<Option<ObjectId>> {
        self.read_branch(slug, branch).await
    }

    async fn branches(&self, slug: &RepoSlug, prefix: &str) -> ForgeResult<Vec<(BranchName, ObjectId)>> {
        self.list_branches(slug, prefix).await
    }

    async fn commit(&self, slug: &RepoSlug, id: &ObjectId) -> ForgeResult<Commit> {
        self.read_commit(slug, id).await
    }

    async fn is_ancestor(&self, slug: &RepoSlug, ancestor: &ObjectId, descendant: &ObjectId) -> ForgeResult<bool> {
        self.read_is_ancestor(slug, ancestor, descendant).await
    }

    async fn ahead(&self, slug: &RepoSlug, base: &ObjectId, head: &ObjectId) -> ForgeResult<Ahead> {
        self.list_ahead(slug, base, head).await
    }

    async fn tree(&self, slug: &RepoSlug, id: &ObjectId) -> ForgeResult<Vec<TreeEntry>> {
        self.read_tree(slug, id).await
    }

    async fn blob(&self, slug: &RepoSlug, id: &ObjectId) -> ForgeResult<Vec<u8>> {
        self.read_blob(slug, id).await
    }

    async fn glance(&self, queries: &[GlanceQuery]) -> ForgeResult<Vec<ForgeResult<Glance>>> {
        self.look(queries).await
    }

    async fn runs(&self, slug: &RepoSlug, branch: &BranchName, page: Option<&str>) -> ForgeResult<Page<WorkflowRun>> {
        self.list_runs(slug, branch, page).await
    }

    async fn jobs(&self, slug: &RepoSlug, run: u64, page: Option<&str>) -> ForgeResult<Page<Job>> {
        self.list_jobs(slug, run, page).await
    }

    async fn job_log(&self, slug: &RepoSlug, job: u64, limit: usize) -> ForgeResult<JobLog> {
        self.read_log(slug, job, limit).await
    }

    async fn artifacts(&self, slug: &RepoSlug, page: Option<&str>) -> ForgeResult<Page<Artifact>> {
        self.list_artifacts(slug, page).await
    }

    async fn artifact(&self, slug: &RepoSlug, id: u64, limit: usize) -> ForgeResult<Vec<u8>> {
        self.read_artifact(slug, id, limit).await
    }

    async fn create_blob(&self, slug: &RepoSlug, content: &[u8]) -> ForgeResult<ObjectId> {
        self.write_blob(slug, content).await
    }

    async fn create_tree(
        &self,
        slug: &RepoSlug,
        base: Option<&ObjectId>,
        changes: &[TreeChange],
    ) -> ForgeResult<ObjectId> {
        self.write_tree(slug, base, changes).await
    }

    async fn create_commit(&self, slug: &RepoSlug, commit: &NewCommit) -> ForgeResult<ObjectId> {
        self.write_commit(slug, commit).await
    }

    async fn create_branch(&self, slug: &RepoSlug, branch: &BranchName, target: &ObjectId) -> ForgeResult<()> {
        self.write_branch(slug, branch, target).await
    }

    async fn advance_branch(
        &self,
        slug: &RepoSlug,
        branch: &BranchName,
        expected: &ObjectId,
        target: &ObjectId,
    ) -> ForgeResult<()> {
        self.move_branch(slug, branch, expected, target).await
    }

    async fn delete_branch(&self, slug: &RepoSlug, branch: &BranchName, expected: &ObjectId) -> ForgeResult<()> {
        self.remove_branch(slug, branch, expected).await
    }

    async fn create_pull(&self, slug: &RepoSlug, pull: &NewPull) -> ForgeResult<PullRequest> {
        self.write_pull(slug, pull).await
    }

    async fn edit_pull(&self, slug: &RepoSlug, number: u64, edit: &PullEdit) -> ForgeResult<()> {
        self.change_pull(slug, number, edit).await
    }

    async fn create_label(&self, slug: &RepoSlug, label: &Label) -> ForgeResult<()> {
        self.write_label(slug, label).await
    }

    async fn add_labels(&self, slug: &RepoSlug, number: u64, labels: &[String]) -> ForgeResult<()> {
        self.put_labels(slug, number, labels).await
    }

    async fn remove_label(&self, slug: &RepoSlug, number: u64, label: &str) -> ForgeResult<()> {
        self.take_label(slug, number, label).await
    }

    async fn request_reviewers(
        &self,
        slug: &RepoSlug,
        number: u64,
        people: &[String],
        teams: &[String],
    ) -> ForgeResult<()> {
        self.ask_reviewers(slug, number, people, teams).await
    }

    async fn add_assignees(&self, slug: &RepoSlug, number: u64, people: &[String]) -> ForgeResult<()> {
        self.assign(slug, number, people).await
    }

    async fn set_milestone(&self, slug: &RepoSlug, number: u64, title: &str) -> ForgeResult<()> {
        self.put_milestone(slug, number, title).await
    }

    async fn enable_auto_merge(
        &self,
        slug: &RepoSlug,
        number: u64,
        method: MergeMethod,
        expected: &ObjectId,
    ) -> ForgeResult<()> {
        self.let_merge(slug, number, method, expected).await
    }

    async fn create_issue(&self, slug: &RepoSlug, title: &str, body: &str) -> ForgeResult<Issue> {
        self.write_issue(slug, title, body).await
    }

    async fn dispatch_workflow(&self, slug: &RepoSlug, workflow: &str, branch: &BranchName) -> ForgeResult<()> {
        self.dispatch(slug, workflow, branch).await
    }

    async fn create_comment(&self, slug: &RepoSlug, number: u64, body: &str) -> ForgeResult<Comment> {
        self.write_comment(slug, number, body).await
    }

    async fn edit_comment(&self, slug: &RepoSlug, id: u64, body: &str) -> ForgeResult<()> {
        self.change_comment(slug, id, body).await
    }

    async fn react(&self, slug: &RepoSlug, comment: u64, reaction: Reaction) -> ForgeResult<()> {
        self.put_reaction(slug, comment, reaction).await
    }
}

#[cfg(test)]
mod tests;
