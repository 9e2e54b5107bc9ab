//! Working copies by the git program: one pristine bare repository for authority, plain files for running. Layer 3.
//!
//! What is published is computed in the pristine repository from objects and a temporary index; a folder that repository
//! code has seen is never read back for that (V-66 to V-73). There is no work tree, no submodule is ever fetched, and a
//! `.git` is not made in the folders that commands run in: a test that wants one makes its own.

#![expect(
    clippy::disallowed_methods,
    reason = "the git adapter of the workspace port writes the files that commands run on"
)]

mod checkout;
#[cfg(unix)]
mod copy;
mod fetch;
mod listing;
#[cfg(unix)]
mod place;
#[cfg(unix)]
mod scratch;
#[cfg(unix)]
mod snapshot;
mod working;

pub use working::{Base, WorkingChange, WorkingTree};

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;

use crate::git::{Git, GitError};
use crate::model::{ObjectId, RepoSlug, Secret};
use crate::workspace::sandbox::Sandbox;
use crate::workspace::{Checkout, Workspace, WorkspaceError};

/// The oldest git whose options we use and whose known holes in fetching are closed.
const OLDEST_GIT: (u32, u32) = (2, 38);

/// From a repository to its address: a URL or the path of a folder.
type Locate = dyn Fn(&RepoSlug) -> String + Send + Sync;

/// Gives the token with which a repository may be fetched; none where it needs none.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// Returns the token, or says in a whole sentence why there is none.
    async fn token(&self, slug: &RepoSlug) -> Result<Option<Secret>, String>;
}

/// Working copies of the repositories of one forge.
pub struct GitWorkspace {
    locate: Box<Locate>,
    tokens: Option<Arc<dyn Tokens>>,
    cache: PathBuf,
    scratch: PathBuf,
    sandbox: Sandbox,
    prepared: tokio::sync::OnceCell<()>,
}

impl fmt::Debug for GitWorkspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitWorkspace")
            .field("cache", &self.cache)
            .field("scratch", &self.scratch)
            .finish_non_exhaustive()
    }
}

impl GitWorkspace {
    /// Makes one that keeps pristine repositories below `cache` and runs commands below `scratch`; both folders are
    /// made when needed, and `scratch` should have a short path on a file system with room.
    pub fn new(
        locate: impl Fn(&RepoSlug) -> String + Send + Sync + 'static,
        cache: impl Into<PathBuf>,
        scratch: impl Into<PathBuf>,
        sandbox: Sandbox,
    ) -> Self {
        Self {
            locate: Box::new(locate),
            tokens: None,
            cache: cache.into(),
            scratch: scratch.into(),
            sandbox,
            prepared: tokio::sync::OnceCell::new(),
        }
    }

    /// Fetches with tokens, which are given to a server over HTTP alone.
    #[must_use]
    pub fn with_tokens(mut self, tokens: Arc<dyn Tokens>) -> Self {
        self.tokens = Some(tokens);
        self
    }

    /// Checks the git program and clears what a killed program left, once.
    async fn prepare(&self) -> Result<(), WorkspaceError> {
        self.prepared
            .get_or_try_init(|| async {
                let version = Git::new(&self.cache).version().await.map_err(machine)?;
                if (version.0, version.1) < OLDEST_GIT {
                    return Err(WorkspaceError::Machine(format!(
                        "git {}.{}.{} is too old; install {}.{} or later.",
                        version.0, version.1, version.2, OLDEST_GIT.0, OLDEST_GIT.1
                    )));
                }
                #[cfg(unix)]
                {
                    let folder = self.scratch.clone();
                    tokio::task::spawn_blocking(move || scratch::sweep(&folder)).await.map_err(lost)?;
                }
                Ok(())
            })
            .await
            .copied()
    }
}

#[async_trait]
impl Workspace for GitWorkspace {
    async fn open(&self, slug: &RepoSlug, commit: &ObjectId) -> Result<Box<dyn Checkout>, WorkspaceError> {
        self.prepare().await?;
        let source = fetch::Source { slug, address: &(self.locate)(slug), tokens: self.tokens.as_deref() };
        let git = fetch::fetch(&self.cache, &source, commit).await?;
        let listing = listing::read(&git, commit).await?;
        Ok(Box::new(checkout::GitCheckout::new(
            git,
            commit.clone(),
            listing,
            self.scratch.clone(),
            self.sandbox.clone(),
        )))
    }
}

/// Says that git failed for a reason that is not the repository's.
#[expect(clippy::needless_pass_by_value, reason = "it is the function that maps an error away")]
fn machine(error: GitError) -> WorkspaceError {
    WorkspaceError::Machine(format!("{error}."))
}

/// Says that a thread of ours died.
#[cfg(unix)]
#[expect(clippy::needless_pass_by_value, reason = "it is the function that maps an error away")]
fn lost(error: tokio::task::JoinError) -> WorkspaceError {
    WorkspaceError::Machine(format!("internal error: {error}"))
}
