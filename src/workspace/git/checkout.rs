//! One commit in the pristine repository: its files, and the trees that patches make of it. Layer 3.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Mutex;

use super::listing::{self, Listing};
use super::machine;
use crate::git::{CatFile, Git, GitError};
use crate::model::{FileMode, FileState, ObjectId, Patch, RepoPath};
use crate::workspace::sandbox::Sandbox;
use crate::workspace::{Checkout, CommandSpec, Execution, Snapshot, TreeFile, WorkspaceError};

/// The files of one commit.
#[derive(Debug)]
pub(super) struct GitCheckout {
    blobs: Blobs,
    commit: ObjectId,
    listing: Arc<Listing>,
    scratch: PathBuf,
    sandbox: Sandbox,
}

impl GitCheckout {
    pub(super) fn new(git: Git, commit: ObjectId, listing: Listing, scratch: PathBuf, sandbox: Sandbox) -> Self {
        Self { blobs: Blobs::new(git), commit, listing: Arc::new(listing), scratch, sandbox }
    }

    pub(super) fn listing(&self) -> &Listing {
        &self.listing
    }

    pub(super) async fn state_of(&self, file: &TreeFile) -> Result<FileState, WorkspaceError> {
        // The commit of a submodule is not here; its id is all there is to know.
        let content = if file.mode == FileMode::Gitlink {
            file.blob.as_str().as_bytes().to_vec()
        } else {
            self.blobs.read(&file.blob).await?
        };
        Ok(FileState { mode: file.mode, content })
    }

    async fn check(&self, path: &RepoPath, before: Option<&FileState>) -> Result<(), WorkspaceError> {
        let refuse = |why: &str| Err(WorkspaceError::DoesNotApply(format!("{path} {why} at {}.", self.commit.short())));
        match (self.listing.get(path), before) {
            (None, None) => Ok(()),
            (Some(_), None) => refuse("exists already"),
            (None, Some(_)) => refuse("does not exist"),
            (Some(file), Some(before)) if self.state_of(file).await? == *before => Ok(()),
            (Some(_), Some(_)) => refuse("is not what the patch was made for"),
        }
    }

    /// Looks whether the tree holds what the patch says: git leaves out in silence what it takes for an illegal path.
    async fn compare(
        &self,
        tree: &ObjectId,
        patch: &Patch,
        blobs: &BTreeMap<&RepoPath, ObjectId>,
    ) -> Result<(), WorkspaceError> {
        let made = listing::read(&self.blobs.git, tree).await?;
        for (path, change) in patch.changes() {
            let wanted = change.after.as_ref().map(|after| after.mode).zip(blobs.get(path));
            if made.get(path).map(|file| (file.mode, &file.blob)) != wanted {
                return Err(WorkspaceError::DoesNotApply(format!("git does not take {path} for a file of a tree.")));
            }
        }
        Ok(())
    }

    /// Refuses a file where a folder stays, and a folder where a file stays; git would drop what stays in silence.
    fn check_shape(&self, path: &RepoPath, patch: &Patch) -> Result<(), WorkspaceError> {
        let stays = |other: &RepoPath| match patch.get(other) {
            Some(change) => change.after.is_some(),
            None => self.listing.get(other).is_some(),
        };
        let refuse = |other: &RepoPath| {
            Err(WorkspaceError::DoesNotApply(format!("{path} and {other} cannot both be files of one tree.")))
        };
        for (at, _) in path.as_str().match_indices('/') {
            if let Ok(folder) = path.as_str()[..at].parse::<RepoPath>()
                && stays(&folder)
            {
                return refuse(&folder);
            }
        }
        match self.listing.within(path).find(|file| stays(&file.path)) {
            Some(file) => refuse(&file.path),
            None => Ok(()),
        }
    }
}

#[async_trait]
impl Checkout for GitCheckout {
    fn commit(&self) -> &ObjectId {
        &self.commit
    }

    fn files(&self) -> &[TreeFile] {
        &self.listing.files
    }

    fn unsafe_paths(&self) -> &[String] {
        &self.listing.unsafe_paths
    }

    async fn read(&self, path: &RepoPath) -> Result<Option<FileState>, WorkspaceError> {
        match self.listing.get(path) {
            Some(file) => self.state_of(file).await.map(Some),
            None => Ok(None),
        }
    }

    async fn read_at(&self, commit: &ObjectId, path: &RepoPath) -> Result<Option<FileState>, WorkspaceError> {
        if *commit == self.commit {
            return self.read(path).await;
        }
        let git = &self.blobs.git;
        if !git.exists(commit.as_str()).await.map_err(machine)? {
            return Err(WorkspaceError::Missing(format!("The commit {commit} was not fetched.")));
        }
        match listing::read_one(git, commit, path).await.map_err(machine)? {
            Some(file) => self.state_of(&file).await.map(Some),
            None => Ok(None),
        }
    }

    async fn tree_with(&self, patch: &Patch) -> Result<ObjectId, WorkspaceError> {
        // Deletions first, so that a file may become a folder and the other way round.
        let (mut removed, mut written) = (String::new(), String::new());
        let mut blobs = BTreeMap::new();
        for (path, change) in patch.changes() {
            self.check(path, change.before.as_ref()).await?;
            if change.after.is_some() {
                self.check_shape(path, patch)?;
            }
            match &change.after {
                None => {
                    let none = "0".repeat(self.commit.as_str().len());
                    // Writing to a string cannot fail.
                    let _ = write!(removed, "0 {none}\t{path}\0");
                }
                Some(FileState { mode: FileMode::Gitlink, .. }) => {
                    return Err(WorkspaceError::DoesNotApply(format!("{path} would become a submodule.")));
                }
                Some(after) => {
                    let blob = self.blobs.write(&after.content).await?;
                    let _ = write!(written, "{} {blob}\t{path}\0", after.mode.as_str());
                    blobs.insert(path, blob);
                }
            }
        }
        let folder = tempfile::Builder::new().prefix("homeostat-index-").tempdir();
        let folder = folder.map_err(|e| WorkspaceError::Machine(format!("No folder for a temporary index: {e}.")))?;
        let index = folder.path().join("index").display().to_string();
        let git = self.blobs.git.clone().with_env("GIT_INDEX_FILE", index);
        git.run(&["read-tree", self.commit.as_str()]).await.map_err(machine)?;
        removed.push_str(&written);
        match git.run_with_input(&["update-index", "-z", "--index-info"], removed.as_bytes()).await {
            Ok(_) => {}
            Err(GitError::Failed { message, .. }) => {
                return Err(WorkspaceError::DoesNotApply(format!("git refuses the files of the patch: {message}.")));
            }
            Err(other) => return Err(machine(other)),
        }
        let tree: ObjectId = match git.run_text(&["write-tree"]).await {
            Ok(tree) => tree.parse().map_err(|e| WorkspaceError::Machine(format!("git write-tree: {e}.")))?,
            Err(GitError::Failed { message, .. }) => {
                return Err(WorkspaceError::DoesNotApply(format!("git makes no tree of the patch: {message}.")));
            }
            Err(other) => return Err(machine(other)),
        };
        self.compare(&tree, patch, &blobs).await?;
        Ok(tree)
    }

    #[cfg(unix)]
    async fn snapshot(
        &self,
        setup: Option<&CommandSpec>,
    ) -> Result<(Box<dyn Snapshot>, Option<Execution>), WorkspaceError> {
        if let Some(setup) = setup {
            self.sandbox.check(setup.require)?;
        }
        super::snapshot::make(&self.blobs, &self.listing, &self.scratch, &self.sandbox, setup).await
    }

    #[cfg(not(unix))]
    async fn snapshot(
        &self,
        _setup: Option<&CommandSpec>,
    ) -> Result<(Box<dyn Snapshot>, Option<Execution>), WorkspaceError> {
        let _unused = (&self.scratch, &self.sandbox, &self.listing.odd);
        Err(WorkspaceError::SandboxTooWeak(
            "unsupported-platform: commands of a repository are run on Linux and macOS only.".to_owned(),
        ))
    }
}

/// Reads and writes blobs of the pristine repository.
#[derive(Debug)]
pub(super) struct Blobs {
    git: Git,
    reader: Mutex<Option<CatFile>>,
}

impl Blobs {
    fn new(git: Git) -> Self {
        Self { git, reader: Mutex::new(None) }
    }

    /// Reads one blob.
    pub(super) async fn read(&self, id: &ObjectId) -> Result<Vec<u8>, WorkspaceError> {
        let mut slot = self.reader.lock().await;
        let mut reader = match slot.take() {
            Some(reader) => reader,
            None => CatFile::start(&self.git).map_err(machine)?,
        };
        // After an error, or when this future is dropped half-way, the reader is not put back.
        let found = reader.read(&[id.as_str()]).await.map_err(machine)?;
        *slot = Some(reader);
        match found.into_iter().next().flatten() {
            Some(object) if object.kind == "blob" => Ok(object.data),
            _ => Err(WorkspaceError::Missing(format!("The object {id} is not in the clone, or is no file."))),
        }
    }

    async fn write(&self, content: &[u8]) -> Result<ObjectId, WorkspaceError> {
        let id = self.git.run_with_input(&["hash-object", "-w", "--stdin"], content).await.map_err(machine)?;
        let id = String::from_utf8_lossy(&id);
        id.trim().parse().map_err(|e| WorkspaceError::Machine(format!("git hash-object: {e}.")))
    }
}
