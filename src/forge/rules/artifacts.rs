//! What workflow runs of an embedded forge left behind. Layer 2.
//!
//! A zip of no bytes stands for one whose time is over: it is listed, and nobody gets it. Refuses names that no file has.

use super::runs::{job_id, job_place};
use super::{Embedded, Storage};
use crate::forge::{Artifact, ForgeError, ForgeResult, Origin};
use crate::model::RepoSlug;

/// Characters that GitHub's own action allows in no name.
const ILLEGAL: &[char] = &['"', ':', '<', '>', '|', '*', '?', '\r', '\n', '\\', '/'];

impl<S: Storage> Embedded<S> {
    /// Lists every artifact of a repository, the newest first, and what could not be read.
    ///
    /// # Errors
    /// When the repository is not there, or the storage fails.
    pub async fn artifacts_of(&self, slug: &RepoSlug) -> ForgeResult<(Vec<Artifact>, Vec<String>)> {
        let repository = self.storage.repository(slug).await?;
        let (runs, broken) = self.storage.runs(slug).await?;
        let mut all = Vec::new();
        for (number, run) in runs {
            let left = self.storage.artifacts(slug, number).await?;
            all.extend(left.into_iter().enumerate().map(|(place, (name, size))| Artifact {
                id: job_id(number, place),
                name,
                size,
                expired: size == 0,
                created_at: run.completed_at,
                origin: Some(Origin {
                    run: number,
                    branch: run.branch.clone(),
                    head_repository: (!run.fork).then_some(repository.id),
                }),
            }));
        }
        all.sort_by_key(|artifact| std::cmp::Reverse((artifact.created_at, artifact.id)));
        Ok((all, broken))
    }

    /// Returns an artifact's zip.
    pub(super) async fn artifact_bytes(&self, slug: &RepoSlug, id: u64, limit: usize) -> ForgeResult<Vec<u8>> {
        self.storage.repository(slug).await?;
        let gone = || ForgeError::NotFound(format!("{slug} has no artifact {id}"));
        let (run, place) = job_place(id);
        let (name, size) = self.storage.artifacts(slug, run).await?.into_iter().nth(place).ok_or_else(gone)?;
        if size > limit as u64 {
            return Err(ForgeError::Invalid(format!("artifact {id} of {slug} has more than {limit} bytes")));
        }
        self.storage.artifact(slug, run, &name).await?.filter(|zip| !zip.is_empty()).ok_or_else(gone)
    }

    /// Adds what a run left behind, as the forge's runners do.
    ///
    /// # Errors
    /// When the run is not there, the name is none that a runner takes, or the storage fails.
    pub async fn add_artifact(&self, slug: &RepoSlug, run: u64, name: &str, zip: &[u8]) -> ForgeResult<()> {
        if name.is_empty() || name.contains(ILLEGAL) {
            return Err(ForgeError::Invalid(format!("{name:?} is no name of an artifact")));
        }
        let _hold = self.storage.exclusive(slug).await?;
        if !self.storage.runs(slug).await?.0.contains_key(&run) {
            return Err(ForgeError::NotFound(format!("{slug} has no run {run}")));
        }
        self.storage.put_artifact(slug, run, name, zip).await
    }
}
