//! Lets fixers run tools of the repository on the ground of an attempt, and nowhere else. Layer 4.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::engine::baseline::machine;
use crate::engine::fixers::Bench;
use crate::engine::ground::Ground;
use crate::model::{FileState, Patch, Policy, Reason, RepoPath};
use crate::workspace::{Checkout, Execution};

/// The ground of one attempt.
pub(super) struct OnGround<'a> {
    ground: &'a Ground,
    policy: &'a Policy,
    tree: Vec<RepoPath>,
}

impl<'a> OnGround<'a> {
    pub(super) fn new(ground: &'a Ground, checkout: &dyn Checkout, policy: &'a Policy) -> Self {
        let tree = checkout.files().iter().map(|file| file.path.clone()).collect();
        Self { ground, policy, tree }
    }
}

#[async_trait]
impl Bench for OnGround<'_> {
    async fn run(
        &self,
        command: &str,
        read: &[RepoPath],
    ) -> Result<(Execution, BTreeMap<RepoPath, FileState>), Reason> {
        let done = self.ground.run_tool(self.policy, &Patch::new(), command, read).await;
        done.map_err(|error| machine(&error).reason)
    }

    fn folder(&self) -> Option<&RepoPath> {
        self.ground.folder()
    }

    fn tree(&self) -> &[RepoPath] {
        &self.tree
    }

    fn format_command(&self) -> Option<&str> {
        self.ground.commands.format.as_deref()
    }

    fn format_files(&self, command: &str, files: &[RepoPath]) -> String {
        self.ground.format_files(command, files)
    }
}
