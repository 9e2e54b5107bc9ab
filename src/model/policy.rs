//! A repository's effective settings, after precedence and validation. Layer 0.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::taxonomy::closed_list;
use crate::model::{BranchName, Reason, RepoPath, RepoSlug, Ruling, sha256_hex};

closed_list! {
    /// How far Homeostat may go (REFERENCE.md, Modes), lowest first.
    Mode {
        /// Nothing is written to targets.
        Observe = "observe",
        /// One comment; the candidate waits for a person's word.
        Approve = "approve",
        /// Pull requests are drafts.
        Draft = "draft",
        /// Ready where evidence and confidence reach the bar.
        Ready = "ready",
        /// As ready, with the forge's auto-merge for named patterns.
        Auto = "auto",
    }
}

closed_list! {
    /// What an account may do in a repository, least first.
    Permission {
        /// Nothing, or not known.
        None = "none",
        /// Read.
        Read = "read",
        /// Read and manage issues.
        Triage = "triage",
        /// Push.
        Write = "write",
        /// Push and manage the repository.
        Maintain = "maintain",
        /// Everything.
        Admin = "admin",
    }
}

closed_list! {
    /// Which networks repository code may reach.
    NetworkAccess {
        /// None.
        None = "none",
        /// Package registries.
        Registries = "registries",
        /// All.
        All = "all",
    }
}

closed_list! {
    /// The least sandbox that a repository insists on.
    SandboxRequirement {
        /// Whatever the machine has.
        Any = "any",
        /// At least Landlock.
        Landlock = "landlock",
        /// Namespaces.
        Isolated = "isolated",
    }
}

closed_list! {
    /// Which evidence a repository accepts.
    Evidentiary {
        /// Any kind, weaker ones as drafts.
        Any = "any",
        /// A test red before and green after, or nothing.
        RedGreen = "red-green",
    }
}

closed_list! {
    /// What a configurable rule does.
    RuleSetting {
        /// Not published.
        Refuse = "refuse",
        /// A draft labelled `needs-approval`.
        Flag = "flag",
        /// Not looked at.
        Allow = "allow",
    }
}

impl RuleSetting {
    /// Returns the ruling that a breach gets.
    pub const fn ruling(self) -> Ruling {
        match self {
            Self::Refuse => Ruling::Refuse,
            Self::Flag => Ruling::Flag,
            Self::Allow => Ruling::Pass,
        }
    }
}

/// Hard limits of one repository; defaults by REFERENCE.md.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Added plus removed lines.
    pub max_diff_lines: u64,
    /// Touched files.
    pub max_files: u64,
    /// Bytes of the diff.
    pub max_patch_bytes: u64,
    /// Bytes of one touched file.
    pub max_file_bytes: u64,
    /// Attempts in one episode.
    pub max_attempts: u32,
    /// Wait after the first attempt; doubles.
    pub cooldown: Duration,
    /// Time for the setup command.
    pub setup_timeout: Duration,
    /// Time for one run of the test command.
    pub test_timeout: Duration,
    /// Bytes of data segment per process, and of the tree as a whole.
    pub test_memory: u64,
    /// Processes at once.
    pub test_processes: u64,
    /// Bytes of output kept.
    pub test_output: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_diff_lines: 500,
            max_files: 10,
            max_patch_bytes: 1 << 20,
            max_file_bytes: 10 << 20,
            max_attempts: 3,
            cooldown: Duration::from_hours(24),
            setup_timeout: Duration::from_mins(10),
            test_timeout: Duration::from_mins(10),
            test_memory: 4 << 30,
            test_processes: 512,
            test_output: 16 << 20,
        }
    }
}

/// Which files a fix may touch; gitignore syntax, exclusion wins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathFilters {
    /// Globs that allow.
    pub include: Vec<String>,
    /// Globs that forbid.
    pub exclude: Vec<String>,
}

impl Default for PathFilters {
    fn default() -> Self {
        Self {
            include: vec!["**".to_owned()],
            exclude: ["tests/", "docs/", "vendor/", "node_modules/", "dist/", "**/generated/**"]
                .map(str::to_owned)
                .to_vec(),
        }
    }
}

/// The sandbox that a repository asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxPolicy {
    /// The least level.
    pub require: SandboxRequirement,
    /// Network of tests.
    pub network: NetworkAccess,
    /// Network of setup.
    pub setup_network: NetworkAccess,
    /// Local services that tests need, `host:port`.
    pub services: Vec<String>,
}

impl Default for SandboxPolicy {
    fn default() -> Self {
        Self {
            require: SandboxRequirement::Any,
            network: NetworkAccess::None,
            setup_network: NetworkAccess::Registries,
            services: Vec::new(),
        }
    }
}

/// The commands of a repository or of one project in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestCommands {
    /// Prepares the base tree; guessed from the lockfile where `None`.
    pub setup: Option<String>,
    /// Runs all tests; guessed from the manifest where `None`.
    pub test: Option<String>,
    /// Runs the test `{test}`; guessed for common runners where `None`.
    pub test_one: Option<String>,
    /// Lints.
    pub lint: Option<String>,
    /// Checks types.
    pub typecheck: Option<String>,
    /// Formats the changed files, appended to the command.
    pub format: Option<String>,
}

/// One project of a monorepo, chosen by the innermost frame in the repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// Its folder.
    pub path: RepoPath,
    /// Its commands.
    pub commands: TestCommands,
}

/// How pull requests look and whom they ask.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequestStyle {
    /// A template for the title, in place of ours.
    pub title: Option<String>,
    /// A path of a template for the body, in place of ours.
    pub template: Option<String>,
    /// What that template says; read with the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_text: Option<String>,
    /// People asked to review.
    pub reviewers: Vec<String>,
    /// Teams asked to review.
    pub team_reviewers: Vec<String>,
    /// People assigned.
    pub assignees: Vec<String>,
    /// A milestone's title.
    pub milestone: Option<String>,
}

impl PullRequestStyle {
    /// Returns whom a pull request asks.
    pub fn asked(&self) -> Asked {
        Asked {
            reviewers: self.reviewers.clone(),
            teams: self.team_reviewers.clone(),
            assignees: self.assignees.clone(),
            milestone: self.milestone.clone(),
        }
    }
}

/// Whom a pull request asks, or has asked, and what it stands under.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Logins of people asked to review.
    pub reviewers: Vec<String>,
    /// Teams asked to review, without their organisation.
    pub teams: Vec<String>,
    /// Logins of people assigned.
    pub assignees: Vec<String>,
    /// The title of the milestone.
    pub milestone: Option<String>,
}

impl Asked {
    /// Returns what is still to be asked where `seen` is there.
    ///
    /// Where anybody at all of a list is there, the list was asked for; who is missing was left out by the forge, or taken
    /// off by a person, and is not put back. A milestone that a person chose stays.
    #[must_use]
    pub fn missing(&self, seen: &Self) -> Self {
        let meets = |ours: &[String], theirs: &[String]| {
            ours.iter().any(|one| theirs.iter().any(|other| one.eq_ignore_ascii_case(other)))
        };
        let mut missing = self.clone();
        if meets(&self.reviewers, &seen.reviewers) || meets(&self.teams, &seen.teams) {
            (missing.reviewers, missing.teams) = (Vec::new(), Vec::new());
        }
        if meets(&self.assignees, &seen.assignees) {
            missing.assignees.clear();
        }
        if seen.milestone.is_some() {
            missing.milestone = None;
        }
        missing
    }
}

/// The forge's own auto-merge, in mode `auto` only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutoMerge {
    /// Ids of patterns whose pull requests may merge themselves.
    pub patterns: Vec<String>,
    /// `squash`, `merge` or `rebase`.
    pub method: String,
    /// Whether the branch goes afterwards.
    pub delete_branch: bool,
}

impl Default for AutoMerge {
    fn default() -> Self {
        Self { patterns: Vec::new(), method: "squash".to_owned(), delete_branch: true }
    }
}

/// Pull requests for pushed feature branches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenPr {
    /// Globs of branches.
    pub branches: Vec<String>,
    /// The base, or the default branch.
    pub base: Option<BranchName>,
    /// Whether they open as drafts.
    pub draft: bool,
    /// Their labels.
    pub labels: Vec<String>,
    /// A path of a template for the part of the body that people fill in.
    pub template: Option<String>,
    /// What that template says; read with the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_text: Option<String>,
    /// People asked to review.
    pub reviewers: Vec<String>,
}

impl Default for OpenPr {
    fn default() -> Self {
        Self {
            branches: vec!["feat/**".to_owned(), "feature/**".to_owned()],
            base: None,
            draft: false,
            labels: vec!["feature".to_owned()],
            template: None,
            template_text: None,
            reviewers: Vec::new(),
        }
    }
}

/// Which fixers that a repository already has may run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NativeFixers {
    /// Formatters.
    pub formatters: bool,
    /// Fixing linters.
    pub linters: bool,
    /// Propose a revert first.
    pub revert_first: bool,
}

impl Default for NativeFixers {
    fn default() -> Self {
        Self { formatters: true, linters: false, revert_first: false }
    }
}

/// Which workflows' failed runs are reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowFilter {
    /// Whether failed runs are read at all.
    pub failed_runs: bool,
    /// Globs of workflow files or names.
    pub include: Vec<String>,
    /// Globs left out.
    pub exclude: Vec<String>,
}

impl Default for WorkflowFilter {
    fn default() -> Self {
        Self { failed_runs: true, include: vec!["*".to_owned()], exclude: Vec::new() }
    }
}

/// A repository's effective settings; `Default` has the built-in ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// The repository.
    pub slug: RepoSlug,
    /// The base branch, or the default one.
    pub branch: Option<BranchName>,
    /// The lowest of all modes given.
    pub mode: Mode,
    /// Labels that make an issue a report.
    pub trigger_labels: Vec<String>,
    /// Who may cause work.
    pub trust: Permission,
    /// Account ids trusted besides.
    pub trusted_authors: Vec<u64>,
    /// Which failed runs are reports.
    pub workflows: WorkflowFilter,
    /// Which files a fix may touch.
    pub path_filters: PathFilters,
    /// Globs protected besides the built-in ones.
    pub protected_add: Vec<String>,
    /// Globs whose protection is lifted.
    pub protected_lift: Vec<String>,
    /// Projects of a monorepo.
    pub projects: Vec<Project>,
    /// Commands at the root.
    pub commands: TestCommands,
    /// Variables that setup alone may see.
    pub setup_env: Vec<String>,
    /// Variables for every command.
    pub test_env: BTreeMap<String, String>,
    /// Which evidence is accepted.
    pub evidence: Evidentiary,
    /// Ready at or above.
    pub confidence_threshold: f64,
    /// Draft at or above, nothing below.
    pub draft_threshold: f64,
    /// New pull requests in one run.
    pub max_prs_per_run: u32,
    /// Open pull requests at once.
    pub max_open_prs: u32,
    /// Hard limits.
    pub limits: Limits,
    /// The sandbox.
    pub sandbox: SandboxPolicy,
    /// Settings of configurable rules.
    pub rules: BTreeMap<Reason, RuleSetting>,
    /// Labels put on pull requests.
    pub labels: Vec<String>,
    /// How pull requests look.
    pub pull_request: PullRequestStyle,
    /// A workflow to start by dispatch.
    pub dispatch_ci: Option<String>,
    /// Auto-merge.
    pub auto_merge: AutoMerge,
    /// Pull requests for feature branches.
    pub open_pr: OpenPr,
    /// Native fixers.
    pub native_fixers: NativeFixers,
    /// Whether people's merged fixes teach.
    pub shadow_from_people: bool,
    /// Tags copied into events.
    pub tags: Vec<String>,
}

impl Policy {
    /// Makes the built-in policy for a repository.
    pub fn built_in(slug: RepoSlug) -> Self {
        Self {
            slug,
            branch: None,
            mode: Mode::Ready,
            trigger_labels: vec!["homeostat".to_owned(), "robot".to_owned()],
            trust: Permission::Write,
            trusted_authors: Vec::new(),
            workflows: WorkflowFilter::default(),
            path_filters: PathFilters::default(),
            protected_add: Vec::new(),
            protected_lift: Vec::new(),
            projects: Vec::new(),
            commands: TestCommands::default(),
            setup_env: Vec::new(),
            test_env: BTreeMap::new(),
            evidence: Evidentiary::Any,
            confidence_threshold: 0.8,
            draft_threshold: 0.5,
            max_prs_per_run: 2,
            max_open_prs: 3,
            limits: Limits::default(),
            sandbox: SandboxPolicy::default(),
            rules: BTreeMap::from([
                (Reason::DependencyAdded, RuleSetting::Refuse),
                (Reason::TestWeakened, RuleSetting::Refuse),
                (Reason::RewriteRatio, RuleSetting::Flag),
            ]),
            labels: vec!["homeostat-fix".to_owned()],
            pull_request: PullRequestStyle::default(),
            dispatch_ci: None,
            auto_merge: AutoMerge::default(),
            open_pr: OpenPr::default(),
            native_fixers: NativeFixers::default(),
            shadow_from_people: true,
            tags: Vec::new(),
        }
    }

    /// Returns what a configurable rule does; rules that are not configurable refuse.
    pub fn rule(&self, rule: Reason) -> RuleSetting {
        self.rules.get(&rule).copied().unwrap_or(RuleSetting::Refuse)
    }

    /// Returns the SHA-256 of the canonical policy, which ties a candidate to the settings it was proved under.
    ///
    /// The mode is left out: lowering it between proof and publishing must not void a proof.
    pub fn config_hash(&self) -> String {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        if let Some(fields) = value.as_object_mut() {
            fields.remove("mode");
        }
        sha256_hex(value.to_string().as_bytes())
    }
}
