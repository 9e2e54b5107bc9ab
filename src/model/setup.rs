//! How a token, a repository and a machine are set up, as far as it was seen: what `doctor` judges. Layer 0.
//!
//! What could not be seen is a value of its own with its reason, so that nobody can take it for "switched off". Refuses to
//! say whether anything of it is good.

use std::collections::BTreeMap;

use crate::model::{BranchName, SandboxLevel, Timestamp};

/// Why something could not be seen: a whole sentence, with what would show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unseen {
    /// The sentence.
    pub because: String,
}

impl Unseen {
    /// Gives the reason.
    pub fn because(reason: impl Into<String>) -> Self {
        Self { because: reason.into() }
    }
}

/// What was seen, or why it could not be.
pub type Seen<T> = Result<T, Unseen>;

/// What sort of token it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenSort {
    /// `GITHUB_TOKEN` of a workflow's job.
    Job,
    /// Of an App's installation.
    App,
    /// A person's, for named repositories and permissions.
    FineGrained,
    /// A person's, with scopes.
    Classic,
    /// None that is known by its beginning or its answers.
    Other,
}

/// How many requests a token has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// In an hour.
    pub limit: u64,
    /// Left of this hour.
    pub remaining: u64,
    /// When the hour ends.
    pub reset: Timestamp,
}

/// What was seen of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSetup {
    /// Its sort.
    pub sort: TokenSort,
    /// Whom it acts as.
    pub login: Seen<String>,
    /// What the server said where it took the token for a wrong one.
    pub refused: Option<String>,
    /// The scopes of a classic one; no other has any.
    pub scopes: Option<Vec<String>>,
    /// When it ends; `None` where it does not, or makes itself anew.
    pub expires: Seen<Option<Timestamp>>,
    /// Its requests.
    pub rate: Seen<Rate>,
}

/// What a repository says of itself; `None` is what this token is not told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The forge's id.
    pub id: u64,
    /// Where a person can look at it.
    pub url: String,
    /// Whether only members see it.
    pub private: bool,
    /// Whether it can only be read.
    pub archived: bool,
    /// Whether it has issues.
    pub issues: bool,
    /// The default branch.
    pub default_branch: BranchName,
    /// Whether this token's account may push.
    pub may_push: Option<bool>,
    /// Whether pull requests may merge themselves.
    pub auto_merge: Option<bool>,
    /// Whether merged branches go.
    pub delete_branch: Option<bool>,
    /// Whether secrets are looked for.
    pub secret_scanning: Option<bool>,
    /// Whether a push with a secret is turned down.
    pub push_protection: Option<bool>,
}

/// What workflows may do where they do not say so themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkflowGrant {
    /// Whether `GITHUB_TOKEN` may write by default.
    pub write: bool,
    /// Whether it may open pull requests at all.
    pub may_open: bool,
}

/// What is asked of a branch, by classic protection or by rulesets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the forge's own")]
pub struct BranchRules {
    /// Checks that have to be green before a merge.
    pub checks: Vec<String>,
    /// Approvals before a merge, where a pull request is required.
    pub approvals: Option<u64>,
    /// Whether owners of the code have to be among them.
    pub code_owners: bool,
    /// Whether every conversation has to be resolved.
    pub conversations: bool,
    /// Whether its history has to be linear.
    pub linear: bool,
    /// Whether commits have to be signed.
    pub signatures: bool,
    /// Whether it may be moved elsewhere than forward.
    pub force_pushes: bool,
    /// Whether nobody but those excepted may create a branch of the name.
    pub no_creation: bool,
    /// What the names of branches have to look like.
    pub name_pattern: Option<String>,
}

/// What only a hosted forge has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosted {
    /// What an App's installation was granted; other tokens have no such list.
    pub grants: Option<Seen<BTreeMap<String, String>>>,
    /// Whether workflows run.
    pub actions: Seen<bool>,
    /// What they may do by default.
    pub workflows: Seen<WorkflowGrant>,
    /// Classic protection of the base branch; `None` where there is none.
    pub classic: Seen<Option<BranchRules>>,
    /// Rulesets of the base branch, together.
    pub rulesets: Seen<BranchRules>,
    /// Rulesets of a branch with a name of ours.
    pub own_branches: Seen<BranchRules>,
    /// Names of labels.
    pub labels: Seen<Vec<String>>,
}

/// What was seen of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositorySetup {
    /// What it says of itself.
    pub about: Seen<About>,
    /// The base branch, as configured or by default.
    pub base: Option<BranchName>,
    /// Whether that is there.
    pub base_exists: Seen<bool>,
    /// What only a hosted forge has; `None` on another, and where the repository could not be seen.
    pub hosted: Option<Hosted>,
}

/// A deployment environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Environment {
    /// How many people and teams are asked.
    pub reviewers: usize,
}

/// A run that a schedule started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduledRun {
    /// The workflow's file.
    pub workflow: String,
    /// When it started.
    pub at: Timestamp,
    /// Whether it ended well; `None` while it runs.
    pub good: Option<bool>,
}

/// What was seen of the operator's repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorSetup {
    /// What it says of itself.
    pub about: Seen<About>,
    /// The environment that `publish` stands in; `None` where there is none.
    pub environment: Seen<Option<Environment>>,
    /// The newest run that a schedule started; `None` where there is none.
    pub scheduled: Seen<Option<ScheduledRun>>,
}

/// What was seen of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// The git program's version.
    pub git: Seen<(u32, u32, u32)>,
    /// The oldest that will do.
    pub git_minimum: (u32, u32, u32),
    /// Whether there are root certificates to know a server by.
    pub certificates: bool,
    /// The best sandbox; `None` where commands of a repository cannot be run at all.
    pub sandbox: Option<SandboxLevel>,
}
