//! The port to how things are set up: tokens, repositories and their rules, as `doctor` reads them. Layer 2.
//!
//! Apart from [`crate::forge::Forge`], because the main job never needs any of it. Nothing here fails: what cannot be seen
//! says why. Refuses to write, and to judge what it sees.

use async_trait::async_trait;

use crate::model::{BranchName, OperatorSetup, RepoSlug, RepositorySetup, TokenSetup};

/// What can be seen of how things are set up. Every operation only reads and may be repeated freely.
#[async_trait]
pub trait Settings: Send + Sync {
    /// Looks at the token; nothing where the forge asks for none.
    async fn token_setup(&self) -> Option<TokenSetup>;

    /// Looks at a repository, at its base branch (the default one where none is named) and at what holds for a branch of
    /// the name `own`.
    async fn repository_setup(&self, slug: &RepoSlug, base: Option<&BranchName>, own: &BranchName) -> RepositorySetup;

    /// Looks at the operator's repository, for scheduled runs of a workflow whose name says that it is ours, else
    /// of the one in the file `workflow`; nothing where the forge knows no environments and schedules.
    async fn operator_setup(&self, slug: &RepoSlug, workflow: Option<&str>) -> Option<OperatorSetup>;
}
