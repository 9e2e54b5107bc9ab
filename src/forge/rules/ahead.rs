//! What one commit has and another has not. Layer 2.

use std::collections::{BTreeMap, BTreeSet};

use super::{Embedded, Storage};
use crate::forge::{AHEAD, Ahead, Commit, ForgeError, ForgeResult};
use crate::model::{ObjectId, RepoSlug};

/// Commits that are looked at; of a longer line only so many are counted.
const MOST: usize = 1_000;

impl<S: Storage> Embedded<S> {
    /// Walks from the head until the base has what is found.
    pub(super) async fn commits_ahead(&self, slug: &RepoSlug, base: &ObjectId, head: &ObjectId) -> ForgeResult<Ahead> {
        self.read_commit(slug, base).await?;
        let mut found: BTreeMap<ObjectId, Commit> = BTreeMap::new();
        let mut open = vec![head.clone()];
        let (mut seen, mut shared) = (BTreeSet::new(), false);
        while let Some(id) = open.pop() {
            if found.len() == MOST || !seen.insert(id.clone()) {
                continue;
            }
            if self.storage.is_ancestor(slug, &id, base).await? {
                shared = true;
                continue;
            }
            let commit = self.read_commit(slug, &id).await?.0;
            open.extend(commit.parents.iter().cloned());
            found.insert(id, commit);
        }
        if !shared && found.len() < MOST {
            return Err(ForgeError::NotFound(format!(
                "{} and {} of {slug} share no history",
                base.short(),
                head.short()
            )));
        }
        let total = found.len() as u64;
        let mut commits = parents_first(found, head);
        commits.drain(..commits.len().saturating_sub(AHEAD));
        Ok(Ahead { commits, total })
    }
}

/// Orders commits so that each stands after its parents, the head last.
fn parents_first(mut found: BTreeMap<ObjectId, Commit>, head: &ObjectId) -> Vec<Commit> {
    let mut ordered = Vec::with_capacity(found.len());
    let mut open = vec![(head.clone(), false)];
    let mut seen = BTreeSet::new();
    while let Some((id, below)) = open.pop() {
        if below {
            ordered.extend(found.remove(&id));
        } else if found.contains_key(&id) && seen.insert(id.clone()) {
            let parents = found[&id].parents.clone();
            open.push((id, true));
            open.extend(parents.into_iter().rev().map(|parent| (parent, false)));
        }
    }
    ordered
}
