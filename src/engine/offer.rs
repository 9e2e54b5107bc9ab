//! One branch of ours outside the failures' grammar, and one pull request from it, each made once. Layer 4.
//!
//! What is offered, and whether it may be, is the caller's business; an unclear answer is followed by a look.

use crate::engine::opening::{Opening, open_pull};
use crate::engine::{Context, retry};
use crate::forge::{ForgeError, NewCommit, NewPull, TreeChange};
use crate::model::{BranchName, ObjectId, RepoSlug};

/// A change of a few files on top of a base.
pub(crate) struct Offer<'a> {
    pub(crate) context: &'a Context<'a>,
    pub(crate) slug: &'a RepoSlug,
    /// The branch to make.
    pub(crate) branch: &'a BranchName,
    /// The branch that it is to go into, and the commit of it that the change stands on.
    pub(crate) base: &'a BranchName,
    pub(crate) on: &'a ObjectId,
    /// The commit's message.
    pub(crate) message: String,
}

impl Offer<'_> {
    /// Makes the branch, with one commit; a branch that appeared meanwhile is as good where it has the same tree.
    ///
    /// # Errors
    /// When it cannot be made, or somebody made another one of that name.
    pub(crate) async fn make_branch(&self, changes: &[TreeChange]) -> Result<(), ForgeError> {
        let (forge, system, slug) = (self.context.forge, self.context.system, self.slug);
        let base_tree = retry(system, async || forge.commit(slug, self.on).await).await?.tree;
        let tree = retry(system, async || forge.create_tree(slug, Some(&base_tree), changes).await).await?;
        let commit = NewCommit { tree: tree.clone(), parents: vec![self.on.clone()], message: self.message.clone() };
        let commit = retry(system, async || forge.create_commit(slug, &commit).await).await?;
        for last in [false, true] {
            let error = match forge.create_branch(slug, self.branch, &commit).await {
                Ok(()) => return Ok(()),
                Err(error @ (ForgeError::Conflict(_) | ForgeError::Ambiguous(_) | ForgeError::Transient(_))) => error,
                Err(error) => return Err(error),
            };
            match retry(system, async || forge.branch(slug, self.branch).await).await? {
                None if !last => {}
                None => return Err(error),
                Some(head) => {
                    let there = retry(system, async || forge.commit(slug, &head).await).await?;
                    return if there.tree == tree { Ok(()) } else { Err(error) };
                }
            }
        }
        Ok(())
    }

    /// Opens the pull request.
    ///
    /// # Errors
    /// When it can be neither opened nor found.
    pub(crate) async fn open(&self, title: String, body: String, draft: bool) -> Result<Opening, ForgeError> {
        let new = NewPull { title, body, head: self.branch.clone(), base: self.base.clone(), draft };
        open_pull(self.context, self.slug, &new).await
    }
}
