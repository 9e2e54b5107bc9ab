//! The port to working copies: the files of a commit, and commands run on copies of them. Layer 2.
//!
//! A checkout is pristine for ever; commands run only in throw-away copies of a snapshot, so that no run colours
//! another's result (PROTOCOL.md, 5.1).

pub mod git;
pub mod sandbox;

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;

use crate::model::{
    FileMode, FileState, NetworkAccess, ObjectId, Patch, RepoPath, RepoSlug, Resources, SandboxReport,
    SandboxRequirement,
};

/// Why a working copy could not be had or used; the caller decides by the variant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorkspaceError {
    /// The repository or commit is not where it should be.
    #[error("{0}")]
    Missing(String),
    /// The commit cloned is not the one that the forge names.
    #[error("{0}")]
    Mismatch(String),
    /// The patch does not fit the files.
    #[error("{0}")]
    DoesNotApply(String),
    /// This machine cannot give the sandbox asked for.
    #[error("{0}")]
    SandboxTooWeak(String),
    /// Anything else of the machine: disk full, git missing.
    #[error("{0}")]
    Machine(String),
}

/// One file of a commit's tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeFile {
    /// Where it lies; trees with illegal paths list them under [`Checkout::unsafe_paths`].
    pub path: RepoPath,
    /// Its mode.
    pub mode: FileMode,
    /// Its blob.
    pub blob: ObjectId,
    /// Its size in bytes (zero for a gitlink).
    pub size: u64,
}

/// A command of a repository, with everything it may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandSpec {
    /// Run as `/bin/sh -c`.
    pub command: String,
    /// The folder it runs in, below the root; `None` is the root.
    pub folder: Option<RepoPath>,
    /// Variables besides the fixed ones.
    pub env: BTreeMap<String, String>,
    /// Limit by the wall.
    pub timeout: Duration,
    /// Bytes of data segment per process and of the tree as a whole.
    pub memory: u64,
    /// Processes at once.
    pub processes: u64,
    /// Bytes of output kept; more ends the command.
    pub output: u64,
    /// The network left open.
    pub network: NetworkAccess,
    /// Local services left reachable, `host:port`.
    pub services: Vec<String>,
    /// The least sandbox.
    pub require: SandboxRequirement,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By a signal from elsewhere.
    Signal(i32),
    /// Stopped at its time limit.
    Timeout,
    /// Stopped for its memory.
    Memory,
    /// Stopped for its number of processes.
    Processes,
    /// Stopped for the length of its output.
    Output,
}

/// What a command did.
#[derive(Debug, Clone, PartialEq)]
pub struct Execution {
    /// How it ended.
    pub exit: Exit,
    /// Standard output and error as they came, capped; not UTF-8 is replaced.
    pub output: String,
    /// Whether output is missing.
    pub truncated: bool,
    /// What it used.
    pub resources: Resources,
    /// What held while it ran.
    pub sandbox: SandboxReport,
}

impl Execution {
    /// Returns whether it ended by itself with code 0.
    pub fn succeeded(&self) -> bool {
        self.exit == Exit::Code(0)
    }
}

/// Gives working copies of repositories.
#[async_trait]
pub trait Workspace: Send + Sync {
    /// Fetches one commit into a pristine bare repository and opens it.
    ///
    /// # Errors
    /// [`WorkspaceError::Missing`] or [`WorkspaceError::Mismatch`] when the commit cannot be had.
    async fn open(&self, slug: &RepoSlug, commit: &ObjectId) -> Result<Box<dyn Checkout>, WorkspaceError>;
}

/// The files of one commit.
#[async_trait]
pub trait Checkout: Send + Sync {
    /// Returns the commit.
    fn commit(&self) -> &ObjectId;

    /// Returns every file with a legal path, sorted by path.
    fn files(&self) -> &[TreeFile];

    /// Returns paths that are no [`RepoPath`], as text; a repository that has any is still usable.
    fn unsafe_paths(&self) -> &[String];

    /// Reads a file of the commit; `None` where there is none.
    ///
    /// # Errors
    /// When git fails.
    async fn read(&self, path: &RepoPath) -> Result<Option<FileState>, WorkspaceError>;

    /// Reads a file of another commit of the same repository, where that commit is at hand.
    ///
    /// # Errors
    /// [`WorkspaceError::Missing`] when the commit is not in the clone.
    async fn read_at(&self, commit: &ObjectId, path: &RepoPath) -> Result<Option<FileState>, WorkspaceError>;

    /// Returns the tree that the patch makes of the commit, without touching any ref.
    ///
    /// # Errors
    /// [`WorkspaceError::DoesNotApply`] when the state before of a file is not the commit's.
    async fn tree_with(&self, patch: &Patch) -> Result<ObjectId, WorkspaceError>;

    /// Writes the base tree, runs the setup command on it if there is one, and keeps the result.
    ///
    /// # Errors
    /// When the machine fails; a failing command is an [`Execution`].
    async fn snapshot(
        &self,
        setup: Option<&CommandSpec>,
    ) -> Result<(Box<dyn Snapshot>, Option<Execution>), WorkspaceError>;
}

/// A base tree after setup.
#[async_trait]
pub trait Snapshot: Send + Sync {
    /// Runs a command in a fresh copy with the patch's files on top; the copy is gone afterwards.
    ///
    /// # Errors
    /// When the machine fails; a failing command is an [`Execution`].
    async fn run(&self, patch: &Patch, spec: &CommandSpec) -> Result<Execution, WorkspaceError>;

    /// Runs a command as [`Snapshot::run`] does and reads the named files back from the copy before it goes.
    ///
    /// # Errors
    /// When the machine fails; a failing command is an [`Execution`].
    async fn run_and_read(
        &self,
        patch: &Patch,
        spec: &CommandSpec,
        paths: &[RepoPath],
    ) -> Result<(Execution, BTreeMap<RepoPath, FileState>), WorkspaceError>;
}
