//! The port to a forge: what Homeostat needs of GitHub, and of the embedded forge that stands in for it. Layer 2.
//!
//! Every operation says how it may be retried: reads freely, writes only after a look (PROTOCOL.md, 7).

pub mod faults;
pub mod github;
pub mod local;
pub mod memory;
pub mod rules;
mod runs;
pub mod settings;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::model::{
    Actor, Asked, BranchName, FileMode, MergeMethod, ObjectId, Permission, RepoPath, RepoSlug, Timestamp,
};

pub use runs::{Artifact, Checks, Conclusion, Glance, GlanceQuery, Job, JobLog, Origin, Standing, Step, WorkflowRun};

/// The name under which an embedded forge shows its own state repository; made by the first write to it.
pub const STATE_SLUG: &str = "homeostat/state";

/// Why a forge did not do what was asked; the caller decides by the variant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForgeError {
    /// It is not there, or this token cannot see it.
    #[error("not found: {0}")]
    NotFound(String),
    /// Something with that name exists, or the expected state is not the real one.
    #[error("conflict: {0}")]
    Conflict(String),
    /// The request can never succeed as it stands.
    #[error("refused as invalid: {0}")]
    Invalid(String),
    /// The token may not.
    #[error("denied: {0}")]
    Denied(String),
    /// Too many requests; nothing was done.
    #[error("rate limited until {until}")]
    RateLimited {
        /// When to come back, by the forge's clock.
        until: Timestamp,
    },
    /// Nothing was done; trying again may help.
    #[error("temporary failure: {0}")]
    Transient(String),
    /// The answer was lost: a write may have happened or not.
    #[error("no clear answer: {0}")]
    Ambiguous(String),
}

impl ForgeError {
    /// Returns its kind, for traces.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "not-found",
            Self::Conflict(_) => "conflict",
            Self::Invalid(_) => "invalid",
            Self::Denied(_) => "denied",
            Self::RateLimited { .. } => "rate-limited",
            Self::Transient(_) => "transient",
            Self::Ambiguous(_) => "ambiguous",
        }
    }
}

/// The account that a workflow's own `GITHUB_TOKEN` acts as; runs of what it opens wait until a person approves them
/// (PROTOCOL.md, 9).
pub(crate) const JOB_LOGIN: &str = "github-actions[bot]";

/// How both adapters say that git cannot hold a branch and a folder of branches under one name (F-33).
pub(crate) const FOLDER_IN_THE_WAY: &str = "one would be a folder of the other";

impl ForgeError {
    /// Returns whether a branch cannot be made because of the name of another one.
    pub(crate) fn is_folder_in_the_way(&self) -> bool {
        matches!(self, Self::Invalid(why) if why.ends_with(FOLDER_IN_THE_WAY))
    }
}

/// A repository on the forge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repository {
    /// The forge's id, which outlives renames.
    pub id: u64,
    /// Its present name.
    pub slug: RepoSlug,
    /// The default branch.
    pub default_branch: BranchName,
    /// Whether only members see it.
    pub private: bool,
    /// Where a person can look at it.
    pub url: String,
}

/// One page of a list; the next is asked for by the token that the forge gave, never by a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// What to ask for next.
    pub next: Option<String>,
    /// What of the whole list could not be read, in whole sentences, told with the first page; with any, the list is not
    /// complete. Only a forge made by hand has such.
    pub broken: Vec<String>,
}

/// An issue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// Its number, shared with pull requests.
    pub number: u64,
    /// Where a person can look at it.
    pub url: String,
    /// The title.
    pub title: String,
    /// The body.
    pub body: String,
    /// The author; `None` on a local forge without one.
    pub author: Option<Actor>,
    /// Whether it is open.
    pub open: bool,
    /// Label names, sorted.
    pub labels: Vec<String>,
    /// Whether the number is a pull request.
    pub is_pull_request: bool,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Which issues to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IssueQuery {
    /// Only with this label.
    pub label: Option<String>,
    /// Only open ones.
    pub open_only: bool,
    /// Only those changed at or after.
    pub since: Option<Timestamp>,
}

/// A comment on an issue or a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// Its id.
    pub id: u64,
    /// The author; `None` on a local forge without one.
    pub author: Option<Actor>,
    /// The text.
    pub body: String,
    /// When it was written.
    pub created_at: Timestamp,
}

/// How a comment is answered at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reaction {
    /// It was read.
    Eyes,
    /// What it asks for was done.
    Rocket,
    /// It could not be done; a comment says why.
    Confused,
}

impl Reaction {
    /// Returns its name, as GitHub has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eyes => "eyes",
            Self::Rocket => "rocket",
            Self::Confused => "confused",
        }
    }
}

/// What happened to an issue, as its timeline tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueEvent {
    /// Its id, unique in the repository.
    pub id: u64,
    /// What happened.
    pub kind: IssueEventKind,
    /// Who did it.
    pub actor: Option<Actor>,
    /// When.
    pub at: Timestamp,
}

/// The happenings that Homeostat reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IssueEventKind {
    /// A label was put on.
    Labeled(String),
    /// A label was taken off.
    Unlabeled(String),
    /// It was closed.
    Closed,
    /// It was opened again.
    Reopened,
    /// Title or body changed.
    Edited,
}

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest {
    /// Its number, shared with issues.
    pub number: u64,
    /// Where a person can look at it.
    pub url: String,
    /// The title.
    pub title: String,
    /// The body.
    pub body: String,
    /// The author.
    pub author: Option<Actor>,
    /// The head branch.
    pub head: BranchName,
    /// The head commit when last seen.
    pub head_sha: ObjectId,
    /// The base branch.
    pub base: BranchName,
    /// Where it stands.
    pub state: PullState,
    /// Whether it is a draft.
    pub draft: bool,
    /// Label names, sorted.
    pub labels: Vec<String>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was merged.
    pub merged_at: Option<Timestamp>,
    /// The commit that merged it into the base.
    pub merge_sha: Option<ObjectId>,
    /// When it was closed or merged.
    pub closed_at: Option<Timestamp>,
    /// Whether the forge will merge it by itself once all that it asks for is there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub auto_merge: bool,
    /// Whom it has asked, as far as the forge still says.
    #[serde(default)]
    pub asked: Asked,
}

/// Where a pull request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PullState {
    /// Open.
    Open,
    /// Closed without a merge.
    Closed,
    /// Merged.
    Merged,
}

/// Which pull requests to list; all states unless `open_only`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PullQuery {
    /// Only from this head branch of the same repository.
    pub head: Option<BranchName>,
    /// Only open ones.
    pub open_only: bool,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// Its id.
    pub id: ObjectId,
    /// Its tree.
    pub tree: ObjectId,
    /// Its parents.
    pub parents: Vec<ObjectId>,
    /// Its message.
    pub message: String,
}

/// What one commit has and another has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ahead {
    /// The commits, parents before children, the newest [`AHEAD`] of them.
    pub commits: Vec<Commit>,
    /// How many there are.
    pub total: u64,
}

/// Commits that one look at what is ahead brings; as many as GitHub shows of a pull request.
pub const AHEAD: usize = 250;

/// One entry of a tree, listed with all its folders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeEntry {
    /// The path as the tree has it.
    pub path: String,
    /// The mode.
    pub mode: FileMode,
    /// The blob (or commit, for a gitlink).
    pub id: ObjectId,
}

/// One change against a base tree; no blob deletes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeChange {
    /// Where.
    pub path: RepoPath,
    /// Its mode and blob, or nothing to delete it.
    pub entry: Option<(FileMode, ObjectId)>,
}

/// A commit to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCommit {
    /// Its tree.
    pub tree: ObjectId,
    /// Its parents.
    pub parents: Vec<ObjectId>,
    /// Its message.
    pub message: String,
}

/// A pull request to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPull {
    /// The title.
    pub title: String,
    /// The body.
    pub body: String,
    /// The head branch.
    pub head: BranchName,
    /// The base branch.
    pub base: BranchName,
    /// Whether it opens as a draft.
    pub draft: bool,
}

/// What to change of a pull request; `None` leaves it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PullEdit {
    /// The title.
    pub title: Option<String>,
    /// The body.
    pub body: Option<String>,
}

/// A label to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// Its name.
    pub name: String,
    /// Six hexadecimal digits.
    pub color: String,
    /// What it means.
    pub description: String,
}

/// The result of a forge call.
pub type ForgeResult<T> = Result<T, ForgeError>;

/// What Homeostat needs of a forge. Reads may be repeated freely; each write says what an unclear answer asks for.
#[async_trait]
pub trait Forge: Send + Sync {
    /// Returns whether an answer may be older than what was written, as replicas' answers are: then what is not found is
    /// asked for again. A forge that is one thing in one place says no.
    fn lags(&self) -> bool {
        true
    }

    /// Returns the forge's clock.
    async fn now(&self) -> ForgeResult<Timestamp>;

    /// Returns the account that this token acts as.
    async fn identity(&self) -> ForgeResult<Actor>;

    /// Returns a repository by name, following renames.
    async fn repository(&self, slug: &RepoSlug) -> ForgeResult<Repository>;

    /// Returns what an account may do; a failing look-up is an error and counts as no.
    async fn permission(&self, slug: &RepoSlug, actor: &Actor) -> ForgeResult<Permission>;

    /// Lists issues, oldest first, pull requests left out.
    async fn issues(&self, slug: &RepoSlug, query: &IssueQuery, page: Option<&str>) -> ForgeResult<Page<Issue>>;

    /// Returns one issue.
    async fn issue(&self, slug: &RepoSlug, number: u64) -> ForgeResult<Issue>;

    /// Lists the comments of an issue or pull request, oldest first.
    async fn comments(&self, slug: &RepoSlug, number: u64, page: Option<&str>) -> ForgeResult<Page<Comment>>;

    /// Lists what happened to an issue, oldest first.
    async fn issue_events(&self, slug: &RepoSlug, number: u64, page: Option<&str>) -> ForgeResult<Page<IssueEvent>>;

    /// Lists pull requests, newest first; never from a search index or a cache.
    async fn pulls(&self, slug: &RepoSlug, query: &PullQuery, page: Option<&str>) -> ForgeResult<Page<PullRequest>>;

    /// Returns one pull request.
    async fn pull(&self, slug: &RepoSlug, number: u64) -> ForgeResult<PullRequest>;

    /// Says how an open pull request stands: never from a cache, since its patch may be replaced by it.
    async fn standing(&self, slug: &RepoSlug, number: u64) -> ForgeResult<Standing>;

    /// Says what the checks of a commit say together; what never started is not red ([`Checks::of`]).
    async fn checks(&self, slug: &RepoSlug, commit: &ObjectId) -> ForgeResult<Checks>;

    /// Returns the commit that a branch points at, or nothing.
    async fn branch(&self, slug: &RepoSlug, branch: &BranchName) -> ForgeResult<Option<ObjectId>>;

    /// Lists branches whose names start with the prefix, sorted.
    async fn branches(&self, slug: &RepoSlug, prefix: &str) -> ForgeResult<Vec<(BranchName, ObjectId)>>;

    /// Returns a commit.
    async fn commit(&self, slug: &RepoSlug, id: &ObjectId) -> ForgeResult<Commit>;

    /// Returns whether `ancestor` is `descendant` or one of its ancestors.
    async fn is_ancestor(&self, slug: &RepoSlug, ancestor: &ObjectId, descendant: &ObjectId) -> ForgeResult<bool>;

    /// Lists the commits that `head` has and `base` has not; [`ForgeError::NotFound`] where the two share no history.
    async fn ahead(&self, slug: &RepoSlug, base: &ObjectId, head: &ObjectId) -> ForgeResult<Ahead>;

    /// Lists every file of a commit's or tree's tree, sorted by path.
    async fn tree(&self, slug: &RepoSlug, id: &ObjectId) -> ForgeResult<Vec<TreeEntry>>;

    /// Returns a blob's bytes.
    async fn blob(&self, slug: &RepoSlug, id: &ObjectId) -> ForgeResult<Vec<u8>>;

    /// Takes a first look at many repositories, one answer for each query, in order. Never a base for a decision to create.
    async fn glance(&self, queries: &[GlanceQuery]) -> ForgeResult<Vec<ForgeResult<Glance>>>;

    /// Lists completed runs of workflows for a branch, newest first.
    async fn runs(&self, slug: &RepoSlug, branch: &BranchName, page: Option<&str>) -> ForgeResult<Page<WorkflowRun>>;

    /// Lists the jobs of a run's latest attempt.
    async fn jobs(&self, slug: &RepoSlug, run: u64, page: Option<&str>) -> ForgeResult<Page<Job>>;

    /// Returns the last bytes of a job's log, at most `limit`; [`ForgeError::NotFound`] where it is gone or not there yet.
    async fn job_log(&self, slug: &RepoSlug, job: u64, limit: usize) -> ForgeResult<JobLog>;

    /// Lists what workflow runs of the repository left behind, the newest first; what ran out may be among it.
    async fn artifacts(&self, slug: &RepoSlug, page: Option<&str>) -> ForgeResult<Page<Artifact>>;

    /// Returns an artifact's zip; [`ForgeError::NotFound`] where it is gone or ran out, [`ForgeError::Invalid`] where it has
    /// more than `limit` bytes.
    async fn artifact(&self, slug: &RepoSlug, id: u64, limit: usize) -> ForgeResult<Vec<u8>>;

    /// Says whether a workflow, named by its file, was started by dispatch on a commit; never from a cache.
    async fn dispatched(&self, slug: &RepoSlug, workflow: &str, commit: &ObjectId) -> ForgeResult<bool>;

    /// Stores a blob. Idempotent: may be repeated after an unclear answer.
    async fn create_blob(&self, slug: &RepoSlug, content: &[u8]) -> ForgeResult<ObjectId>;

    /// Stores a tree made of a base tree and changes. Idempotent.
    async fn create_tree(
        &self,
        slug: &RepoSlug,
        base: Option<&ObjectId>,
        changes: &[TreeChange],
    ) -> ForgeResult<ObjectId>;

    /// Stores a commit that no ref names yet. Harmless when repeated.
    async fn create_commit(&self, slug: &RepoSlug, commit: &NewCommit) -> ForgeResult<ObjectId>;

    /// Creates a branch; [`ForgeError::Conflict`] where it exists. After an unclear answer read, then at most once more.
    async fn create_branch(&self, slug: &RepoSlug, branch: &BranchName, target: &ObjectId) -> ForgeResult<()>;

    /// Moves a branch forward from the expected commit to a descendant; [`ForgeError::Conflict`] otherwise. After an
    /// unclear answer read.
    async fn advance_branch(
        &self,
        slug: &RepoSlug,
        branch: &BranchName,
        expected: &ObjectId,
        target: &ObjectId,
    ) -> ForgeResult<()>;

    /// Deletes a branch that points at the expected commit; [`ForgeError::Conflict`] otherwise. Never after an unclear
    /// answer to a creation.
    async fn delete_branch(&self, slug: &RepoSlug, branch: &BranchName, expected: &ObjectId) -> ForgeResult<()>;

    /// Opens a pull request; [`ForgeError::Conflict`] where an open one has the same head and base. After an unclear
    /// answer read by head at 0, 2, 5, 10 and 20 s, then at most once more.
    async fn create_pull(&self, slug: &RepoSlug, pull: &NewPull) -> ForgeResult<PullRequest>;

    /// Changes a pull request's title or body. Idempotent.
    async fn edit_pull(&self, slug: &RepoSlug, number: u64, edit: &PullEdit) -> ForgeResult<()>;

    /// Creates a label; [`ForgeError::Conflict`] where it exists, which is as good.
    async fn create_label(&self, slug: &RepoSlug, label: &Label) -> ForgeResult<()>;

    /// Puts labels on an issue or pull request; [`ForgeError::Invalid`] where one does not exist. Idempotent.
    async fn add_labels(&self, slug: &RepoSlug, number: u64, labels: &[String]) -> ForgeResult<()>;

    /// Takes a label off; one that is not there is no error. Idempotent.
    async fn remove_label(&self, slug: &RepoSlug, number: u64, label: &str) -> ForgeResult<()>;

    /// Asks people and teams for a review; [`ForgeError::Invalid`] where one of them cannot. Idempotent.
    async fn request_reviewers(
        &self,
        slug: &RepoSlug,
        number: u64,
        people: &[String],
        teams: &[String],
    ) -> ForgeResult<()>;

    /// Assigns people to an issue or pull request; those who cannot be assigned are left out by the forge. Idempotent.
    async fn add_assignees(&self, slug: &RepoSlug, number: u64, people: &[String]) -> ForgeResult<()>;

    /// Puts an issue or pull request under the open milestone with a title; [`ForgeError::NotFound`] where there is none.
    /// Idempotent.
    async fn set_milestone(&self, slug: &RepoSlug, number: u64, title: &str) -> ForgeResult<()>;

    /// Lets the forge merge a pull request by itself once its own rules allow it, while its head is the expected commit;
    /// one that is let already stays so. [`ForgeError::Conflict`] where the forge will not: a draft, one without anything to
    /// wait for, a repository that does not have it. Homeostat itself merges and approves nothing (V-90). Idempotent.
    async fn enable_auto_merge(
        &self,
        slug: &RepoSlug,
        number: u64,
        method: MergeMethod,
        expected: &ObjectId,
    ) -> ForgeResult<()>;

    /// Files an issue. After an unclear answer look for its marker.
    async fn create_issue(&self, slug: &RepoSlug, title: &str, body: &str) -> ForgeResult<Issue>;

    /// Starts a workflow, named by its file, on the head of a branch by dispatch; [`ForgeError::NotFound`] where the default
    /// branch has none, [`ForgeError::Invalid`] where it takes no dispatch. After an unclear answer ask
    /// [`Forge::dispatched`].
    async fn dispatch_workflow(&self, slug: &RepoSlug, workflow: &str, branch: &BranchName) -> ForgeResult<()>;

    /// Writes a comment. After an unclear answer look for its marker.
    async fn create_comment(&self, slug: &RepoSlug, number: u64, body: &str) -> ForgeResult<Comment>;

    /// Replaces a comment of ours. Idempotent.
    async fn edit_comment(&self, slug: &RepoSlug, id: u64, body: &str) -> ForgeResult<()>;

    /// Puts a reaction of ours on a comment; one that is there is as good. Idempotent.
    async fn react(&self, slug: &RepoSlug, comment: u64, reaction: Reaction) -> ForgeResult<()>;
}
