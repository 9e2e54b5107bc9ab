//! The base tree after setup, and a fresh copy of it for every run. Layer 3.
//!
//! Every run lies at the same path as setup did: what setup made (virtual environments, editable installs, compiled
//! files) often holds its own path, and at another one it would test the untouched base instead of the patch. So the
//! runs of one snapshot take turns; two snapshots do not wait for each other.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::checkout::Blobs;
use super::copy::copy_tree;
use super::listing::Listing;
use super::lost;
use super::place::{PlaceError, Root};
use super::scratch::{self, Scratch};
use crate::model::{FileMode, FileState, ObjectId, Patch, RepoPath};
use crate::workspace::sandbox::{Lifeline, Place, Sandbox};
use crate::workspace::{CommandSpec, Execution, Snapshot, WorkspaceError};

/// How much of a tree is held while it is written.
const BATCH: usize = 8 << 20;

/// Where runs happen, and where the snapshot lies meanwhile.
const LIVE: &str = "live";
const KEPT: &str = "kept";

/// A base tree after setup.
#[derive(Debug)]
struct GitSnapshot {
    ground: Arc<Ground>,
}

/// The folder of one snapshot.
#[derive(Debug)]
struct Ground {
    scratch: Scratch,
    sandbox: Sandbox,
    turn: Mutex<()>,
}

/// Ends a run when nobody waits for it any more.
struct CutOnDrop(Lifeline);

impl Drop for CutOnDrop {
    fn drop(&mut self) {
        self.0.cut();
    }
}

/// Writes the base tree, runs setup on it, and keeps the result.
pub(super) async fn make(
    blobs: &Blobs,
    listing: &Arc<Listing>,
    scratch: &Path,
    sandbox: &Sandbox,
    setup: Option<&CommandSpec>,
) -> Result<(Box<dyn Snapshot>, Option<Execution>), WorkspaceError> {
    let (parent, sandbox) = (scratch.to_owned(), sandbox.clone());
    let ground = blocking(move || {
        let scratch = Scratch::make(&parent).map_err(|e| {
            WorkspaceError::Machine(format!(
                "No folder to run commands in could be made below {}: {e}.",
                parent.display()
            ))
        })?;
        let ground = Arc::new(Ground { scratch, sandbox, turn: Mutex::new(()) });
        ground.furnish()?;
        Ok(ground)
    })
    .await?;
    lay_out(blobs, listing, &ground).await?;
    let spec = setup.cloned();
    let (lifeline, worker) = (Lifeline::new(), Arc::clone(&ground));
    let _cut = CutOnDrop(lifeline.clone());
    let execution = blocking(move || worker.settle(spec.as_ref(), &lifeline)).await?;
    Ok((Box::new(GitSnapshot { ground }), execution))
}

/// Writes every file of the tree, some megabytes at a time.
async fn lay_out(blobs: &Blobs, listing: &Listing, ground: &Arc<Ground>) -> Result<(), WorkspaceError> {
    let plain = listing.files.iter().map(|file| (file.path.as_str().as_bytes(), file.mode, &file.blob));
    let odd = listing.odd.iter().map(|file| (file.path.as_slice(), file.mode, &file.blob));
    let mut batch = Vec::new();
    let mut held = 0;
    for (path, mode, blob) in plain.chain(odd) {
        let content = content_of(blobs, mode, blob).await?;
        held += content.len() + path.len();
        batch.push((path.to_vec(), FileState { mode, content }));
        if held >= BATCH {
            lay_batch(ground, std::mem::take(&mut batch)).await?;
            held = 0;
        }
    }
    lay_batch(ground, batch).await
}

async fn content_of(blobs: &Blobs, mode: FileMode, blob: &ObjectId) -> Result<Vec<u8>, WorkspaceError> {
    if mode == FileMode::Gitlink { Ok(Vec::new()) } else { blobs.read(blob).await }
}

async fn lay_batch(ground: &Arc<Ground>, batch: Vec<(Vec<u8>, FileState)>) -> Result<(), WorkspaceError> {
    let ground = Arc::clone(ground);
    blocking(move || {
        let root = Root::open(&ground.place().tree).map_err(placing)?;
        for (path, state) in &batch {
            if !root.lay(path, state).map_err(placing)? {
                tracing::warn!(path = %String::from_utf8_lossy(path), "a path of the tree is left out of the run");
            }
        }
        Ok(())
    })
    .await
}

impl Ground {
    fn live(&self) -> PathBuf {
        self.scratch.path().join(LIVE)
    }

    fn kept(&self) -> PathBuf {
        self.scratch.path().join(KEPT)
    }

    fn place(&self) -> Place {
        let live = self.live();
        Place { tree: live.join("tree"), home: live.join("home"), tmp: live.join("tmp") }
    }

    /// Makes the folders of a run that are not there yet.
    fn furnish(&self) -> Result<(), WorkspaceError> {
        let place = self.place();
        for folder in [&place.tree, &place.home, &place.tmp] {
            fs::create_dir_all(folder).map_err(|e| failed("made", folder, &e))?;
        }
        Ok(())
    }

    /// Runs setup and puts the result aside.
    fn settle(&self, setup: Option<&CommandSpec>, lifeline: &Lifeline) -> Result<Option<Execution>, WorkspaceError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let place = self.place();
        let execution = setup.map(|spec| self.sandbox.run(&place, spec, lifeline)).transpose()?;
        scratch::remove(&place.tmp).map_err(|e| failed("removed", &place.tmp, &e))?;
        let (live, kept) = (self.live(), self.kept());
        fs::rename(&live, &kept).map_err(|e| failed("moved", &live, &e))?;
        Ok(execution)
    }

    fn run(
        &self,
        patch: &Patch,
        spec: &CommandSpec,
        paths: &[RepoPath],
        lifeline: &Lifeline,
    ) -> Result<(Execution, BTreeMap<RepoPath, FileState>), WorkspaceError> {
        self.sandbox.check(spec.require)?;
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let (live, kept) = (self.live(), self.kept());
        // Something is left only where an earlier run ended with an error half-way.
        scratch::remove(&live).map_err(|e| failed("removed", &live, &e))?;
        let outcome = copy_tree(&kept, &live)
            .map_err(|e| WorkspaceError::Machine(format!("The snapshot could not be copied: {e}.")))
            .and_then(|()| self.run_here(patch, spec, paths, lifeline));
        let removed = scratch::remove(&live).map_err(|e| failed("removed", &live, &e));
        let outcome = outcome?;
        removed?;
        Ok(outcome)
    }

    fn run_here(
        &self,
        patch: &Patch,
        spec: &CommandSpec,
        paths: &[RepoPath],
        lifeline: &Lifeline,
    ) -> Result<(Execution, BTreeMap<RepoPath, FileState>), WorkspaceError> {
        self.furnish()?;
        let place = self.place();
        let root = Root::open(&place.tree).map_err(placing)?;
        for (path, change) in patch.changes() {
            if change.after.is_none() {
                root.remove(path).map_err(placing)?;
            }
        }
        for (path, change) in patch.changes() {
            if let Some(after) = &change.after {
                let was_link = change.before.as_ref().is_some_and(|before| before.mode == FileMode::Symlink);
                root.put(path, was_link, after).map_err(placing)?;
            }
        }
        let execution = self.sandbox.run(&place, spec, lifeline)?;
        let mut read = BTreeMap::new();
        for path in paths {
            if let Some(state) = root.read(path).map_err(placing)? {
                read.insert(path.clone(), state);
            }
        }
        Ok((execution, read))
    }
}

#[async_trait]
impl Snapshot for GitSnapshot {
    async fn run(&self, patch: &Patch, spec: &CommandSpec) -> Result<Execution, WorkspaceError> {
        self.run_and_read(patch, spec, &[]).await.map(|(execution, _)| execution)
    }

    async fn run_and_read(
        &self,
        patch: &Patch,
        spec: &CommandSpec,
        paths: &[RepoPath],
    ) -> Result<(Execution, BTreeMap<RepoPath, FileState>), WorkspaceError> {
        let (ground, patch, spec, paths) = (Arc::clone(&self.ground), patch.clone(), spec.clone(), paths.to_vec());
        let lifeline = Lifeline::new();
        let _cut = CutOnDrop(lifeline.clone());
        blocking(move || ground.run(&patch, &spec, &paths, &lifeline)).await
    }
}

/// Does work that blocks on a thread made for it.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, WorkspaceError> + Send + 'static,
) -> Result<T, WorkspaceError> {
    tokio::task::spawn_blocking(work).await.map_err(lost)?
}

fn failed(what: &str, path: &Path, error: &std::io::Error) -> WorkspaceError {
    WorkspaceError::Machine(format!("{} could not be {what}: {error}.", path.display()))
}

fn placing(error: PlaceError) -> WorkspaceError {
    match error {
        PlaceError::Refused(why) => WorkspaceError::DoesNotApply(why),
        error @ PlaceError::Io { .. } => WorkspaceError::Machine(format!("{error}.")),
    }
}
