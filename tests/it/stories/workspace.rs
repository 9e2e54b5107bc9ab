//! Working copies behind the port, out of the memory forge: no file, no process. The "program" is a function.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use homeostat::forge::memory::MemoryForge;
use homeostat::forge::{Forge, ForgeError, TreeChange};
use homeostat::model::{
    FileState, NetworkAccess, ObjectId, Patch, RepoPath, RepoSlug, Resources, SandboxLevel, SandboxReport,
};
use homeostat::workspace::{Checkout, CommandSpec, Execution, Exit, Snapshot, TreeFile, Workspace, WorkspaceError};

/// The files of a tree, as text, by path.
pub(crate) type Files = BTreeMap<String, String>;
/// What a command does with files: its output and how it ends.
pub(crate) type Program = Arc<dyn Fn(&Files, &str) -> (String, Exit) + Send + Sync>;

/// Working copies of the memory forge's commits.
#[derive(Clone)]
pub(crate) struct MemoryWorkspace {
    pub(crate) forge: Arc<MemoryForge>,
    pub(crate) program: Program,
}

fn machine(error: impl std::fmt::Display) -> WorkspaceError {
    WorkspaceError::Machine(format!("{error}"))
}

async fn contents(
    forge: &MemoryForge,
    slug: &RepoSlug,
    commit: &ObjectId,
) -> Result<Vec<(TreeFile, FileState)>, ForgeError> {
    let mut files = Vec::new();
    for entry in forge.tree(slug, commit).await? {
        let content = forge.blob(slug, &entry.id).await?;
        let path: RepoPath = entry.path.parse().expect("tests write legal paths");
        let file = TreeFile { path, mode: entry.mode, blob: entry.id, size: content.len() as u64 };
        files.push((file, FileState { mode: entry.mode, content }));
    }
    Ok(files)
}

#[async_trait]
impl Workspace for MemoryWorkspace {
    async fn open(&self, slug: &RepoSlug, commit: &ObjectId) -> Result<Box<dyn Checkout>, WorkspaceError> {
        let files = contents(&self.forge, slug, commit).await.map_err(machine)?;
        let listed = files.iter().map(|(file, _)| file.clone()).collect();
        let states = files.into_iter().map(|(file, state)| (file.path, state)).collect();
        Ok(Box::new(MemoryCheckout { of: self.clone(), slug: slug.clone(), commit: commit.clone(), listed, states }))
    }
}

struct MemoryCheckout {
    of: MemoryWorkspace,
    slug: RepoSlug,
    commit: ObjectId,
    listed: Vec<TreeFile>,
    states: BTreeMap<RepoPath, FileState>,
}

#[async_trait]
impl Checkout for MemoryCheckout {
    fn commit(&self) -> &ObjectId {
        &self.commit
    }

    fn files(&self) -> &[TreeFile] {
        &self.listed
    }

    fn unsafe_paths(&self) -> &[String] {
        &[]
    }

    async fn read(&self, path: &RepoPath) -> Result<Option<FileState>, WorkspaceError> {
        Ok(self.states.get(path).cloned())
    }

    async fn read_at(&self, commit: &ObjectId, path: &RepoPath) -> Result<Option<FileState>, WorkspaceError> {
        let files = contents(&self.of.forge, &self.slug, commit).await;
        let files = files.map_err(|error| WorkspaceError::Missing(error.to_string()))?;
        Ok(files.into_iter().find(|(file, _)| file.path == *path).map(|(_, state)| state))
    }

    async fn tree_with(&self, patch: &Patch) -> Result<ObjectId, WorkspaceError> {
        let mut changes = Vec::new();
        for (path, change) in patch.changes() {
            let entry = match &change.after {
                None => None,
                Some(file) => {
                    let blob = self.of.forge.create_blob(&self.slug, &file.content).await.map_err(machine)?;
                    Some((file.mode, blob))
                }
            };
            changes.push(TreeChange { path: path.clone(), entry });
        }
        let base = self.of.forge.commit(&self.slug, &self.commit).await.map_err(machine)?.tree;
        self.of.forge.create_tree(&self.slug, Some(&base), &changes).await.map_err(machine)
    }

    async fn snapshot(
        &self,
        setup: Option<&CommandSpec>,
    ) -> Result<(Box<dyn Snapshot>, Option<Execution>), WorkspaceError> {
        let snapshot = MemorySnapshot { program: self.of.program.clone(), states: self.states.clone() };
        let prepared = setup.map(|spec| snapshot.execute(&Patch::new(), spec));
        Ok((Box::new(snapshot), prepared))
    }
}

struct MemorySnapshot {
    program: Program,
    states: BTreeMap<RepoPath, FileState>,
}

impl MemorySnapshot {
    fn execute(&self, patch: &Patch, spec: &CommandSpec) -> Execution {
        let mut states = self.states.clone();
        for (path, change) in patch.changes() {
            match &change.after {
                Some(file) => states.insert(path.clone(), file.clone()),
                None => states.remove(path),
            };
        }
        let text = |file: &FileState| String::from_utf8_lossy(&file.content).into_owned();
        let files = states.iter().map(|(path, file)| (path.to_string(), text(file))).collect();
        let (output, exit) = (self.program)(&files, &spec.command);
        Execution {
            exit,
            output,
            truncated: false,
            resources: Resources::default(),
            sandbox: SandboxReport {
                level: SandboxLevel::Landlock,
                network: NetworkAccess::None,
                weaknesses: Vec::new(),
            },
        }
    }
}

#[async_trait]
impl Snapshot for MemorySnapshot {
    async fn run(&self, patch: &Patch, spec: &CommandSpec) -> Result<Execution, WorkspaceError> {
        Ok(self.execute(patch, spec))
    }

    async fn run_and_read(
        &self,
        patch: &Patch,
        spec: &CommandSpec,
        paths: &[RepoPath],
    ) -> Result<(Execution, BTreeMap<RepoPath, FileState>), WorkspaceError> {
        let execution = self.execute(patch, spec);
        let mut files = BTreeMap::new();
        // The formatter of this world.
        let formats = spec.command.contains("cargo fmt") && execution.succeeded();
        for path in paths.iter().filter(|_| formats) {
            let Some(file) = self.states.get(path) else { continue };
            let text = String::from_utf8_lossy(&file.content).replace("UNTIDY", "TIDY");
            files.insert(path.clone(), FileState { mode: file.mode, content: text.into_bytes() });
        }
        Ok((execution, files))
    }
}
