//! The change that a person's working tree holds, read without touching or trusting it. Layer 3.
//!
//! Of the checkout's own git folder only refs are asked. Its objects, index and exclusions are looked at through a
//! throw-away repository with a configuration of ours, so that no filter, hook or monitor that its configuration or its
//! attributes name can run, and nothing is ever written to it (V-66, V-67, V-69).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::checkout::GitCheckout;
use super::listing::{self, Listing};
use super::{GitWorkspace, machine};
use crate::git::{Git, GitError};
use crate::model::{BranchName, ObjectId, Patch};
use crate::workspace::{Checkout, WorkspaceError};

/// The largest file that a change may carry here; larger ones are nobody's source.
const FILE_LIMIT: u64 = 64 << 20;

/// What all files of a change may weigh together.
const CHANGE_LIMIT: u64 = 256 << 20;

/// More untracked files than this were not meant to be committed.
const MOST_UNTRACKED: usize = 20_000;

/// Settings of the checkout that say how its file system behaves; each is passed on only with one of these values.
const PASSED_ON: &[(&str, &[&str])] = &[
    ("core.filemode", &["true", "false"]),
    ("core.symlinks", &["true", "false"]),
    ("core.ignorecase", &["true", "false"]),
    ("core.autocrlf", &["true", "false", "input"]),
];

/// A checkout that a person works in.
#[derive(Debug)]
pub struct WorkingTree {
    root: PathBuf,
    /// Its own git folder, for refs alone.
    own: Git,
    /// The throw-away repository, seeing the objects of the checkout; for reading alone, since git renews the time of an
    /// object that it is asked to write again, wherever that object lies.
    seeing: Git,
    /// The same, on its own.
    aside: Git,
    head: ObjectId,
    scratch: PathBuf,
    sandbox: crate::workspace::sandbox::Sandbox,
    _folder: tempfile::TempDir,
}

/// What a working tree is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// The ref, as a person would write it.
    pub name: String,
    /// Why that one, as half a sentence.
    pub why: &'static str,
    /// The newest commit that it and `HEAD` have in common.
    pub commit: ObjectId,
}

/// What a working tree holds that its base does not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkingChange {
    /// The change of every file with a legal path.
    pub patch: Patch,
    /// Changed files whose paths are none that a patch can carry, as text.
    pub unsafe_paths: Vec<String>,
    /// Untracked folders with a repository of their own, which belong to no change.
    pub nested: Vec<String>,
}

impl GitWorkspace {
    /// Opens the checkout that a folder lies in; `excludes` is the person's own list of ignored files.
    ///
    /// # Errors
    /// [`WorkspaceError::Missing`] when there is no checkout with a commit.
    pub async fn working_tree(&self, place: &Path, excludes: Option<&Path>) -> Result<WorkingTree, WorkspaceError> {
        self.prepare().await?;
        let root = root_of(place)?;
        let own = Git::new(root.join(".git")).with_work_tree(&root);
        let shown = root.display();
        let head = commit_of(&own, "HEAD").await?.ok_or_else(|| {
            WorkspaceError::Missing(format!(
                "The checkout {shown} has no commit yet (or its HEAD names none), so there is nothing to compare with; \
                 commit once, then try again."
            ))
        })?;
        let (folder, aside, objects) = set_aside(&own, &head, excludes).await?;
        let (scratch, sandbox) = (self.scratch.clone(), self.sandbox.clone());
        let aside = aside.with_work_tree(&root);
        let seeing = aside.clone().with_env("GIT_ALTERNATE_OBJECT_DIRECTORIES", objects);
        Ok(WorkingTree { root, own, seeing, aside, head, scratch, sandbox, _folder: folder })
    }
}

impl WorkingTree {
    /// Returns the folder at the top of the checkout.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Finds what to compare with: the ref that is named, else the branch, else the remote's default, else `main` or
    /// `master`.
    ///
    /// # Errors
    /// [`WorkspaceError::Missing`] when there is no such ref, or it has no commit in common with `HEAD`.
    pub async fn base(&self, named: Option<&str>, branch: Option<&BranchName>) -> Result<Base, WorkspaceError> {
        let (name, why, tip) = self.tip(named, branch).await?;
        match self.seeing.run_text(&["merge-base", self.head.as_str(), tip.as_str()]).await {
            Ok(commit) => {
                let commit = commit.parse().map_err(|e| WorkspaceError::Machine(format!("git merge-base: {e}.")))?;
                Ok(Base { name, why, commit })
            }
            Err(GitError::Failed { code: Some(1), .. }) => Err(WorkspaceError::Missing(format!(
                "HEAD and {name} have no commit in common here. If the clone is shallow, fetch more of its history; else \
                 name another base with --base."
            ))),
            Err(other) => Err(machine(other)),
        }
    }

    async fn tip(
        &self,
        named: Option<&str>,
        branch: Option<&BranchName>,
    ) -> Result<(String, &'static str, ObjectId), WorkspaceError> {
        if let Some(named) = named {
            let tip = commit_of(&self.own, named).await?;
            let tip = tip.ok_or_else(|| {
                WorkspaceError::Missing(format!("--base {named} names no commit of {}.", self.root.display()))
            })?;
            return Ok((named.to_owned(), "it was asked for", tip));
        }
        let mut candidates: Vec<(String, &'static str)> = Vec::new();
        if let Some(branch) = branch {
            let why = "the configuration names it";
            candidates
                .extend([format!("refs/remotes/origin/{branch}"), format!("refs/heads/{branch}")].map(|r| (r, why)));
        } else {
            let default = self.own.run_text(&["symbolic-ref", "--quiet", "refs/remotes/origin/HEAD"]).await;
            candidates.extend(default.ok().map(|name| (name, "it is the default branch of the remote origin")));
            for name in ["main", "master"] {
                candidates.push((format!("refs/remotes/origin/{name}"), "the remote origin has it"));
            }
            for name in ["main", "master"] {
                candidates.push((format!("refs/heads/{name}"), "there is such a branch"));
            }
        }
        for (name, why) in &candidates {
            if let Some(tip) = commit_of(&self.own, name).await? {
                let short = name.trim_start_matches("refs/remotes/").trim_start_matches("refs/heads/");
                return Ok((short.to_owned(), why, tip));
            }
        }
        let tried = branch.map_or_else(|| "main or master".to_owned(), ToString::to_string);
        Err(WorkspaceError::Missing(format!(
            "There is no branch {tried}, here or on the remote origin; name what to compare with by --base (--base HEAD \
             for what is not committed)."
        )))
    }

    /// Opens the files of the base.
    ///
    /// # Errors
    /// When git fails.
    pub async fn checkout(&self, base: &Base) -> Result<Box<dyn Checkout>, WorkspaceError> {
        Ok(Box::new(self.pristine(base).await?))
    }

    async fn pristine(&self, base: &Base) -> Result<GitCheckout, WorkspaceError> {
        let listing = listing::read(&self.seeing, &base.commit).await?;
        Ok(GitCheckout::new(
            self.seeing.clone(),
            base.commit.clone(),
            listing,
            self.scratch.clone(),
            self.sandbox.clone(),
        ))
    }

    /// Reads what the tree holds, staged or not, tracked or not, that the base does not; ignored files are no part.
    ///
    /// # Errors
    /// [`WorkspaceError::DoesNotApply`] when the tree holds more than a change can carry.
    pub async fn change(&self, base: &Base) -> Result<WorkingChange, WorkspaceError> {
        let (tree, nested) = self.written().await?;
        let after = listing::read(&self.seeing, &tree).await?;
        let pristine = self.pristine(base).await?;
        let (patch, unsafe_paths) = pristine.patch_to(&after).await?;
        Ok(WorkingChange { patch, unsafe_paths, nested })
    }

    /// Writes the tree that a commit of everything would have, into the throw-away repository.
    async fn written(&self) -> Result<(ObjectId, Vec<String>), WorkspaceError> {
        let tracked = self.seeing.run(&["ls-files", "-t", "-s", "-z"]).await.map_err(unreadable)?;
        let others = ["ls-files", "--others", "--exclude-standard", "-z"];
        let untracked = self.seeing.run(&others).await.map_err(unreadable)?;
        let none = "0".repeat(self.head.as_str().len());
        let (mut removed, mut present) = (Vec::new(), Vec::new());
        let mut folders = Folders { root: &self.root, real: BTreeMap::new() };
        for (kept, path) in tracked.split(|b| *b == 0).filter_map(entry) {
            if kept {
                continue;
            }
            if folders.has_file(path) {
                present.extend_from_slice(path);
                present.push(0);
            } else {
                removed.extend_from_slice(format!("0 {none}\t").as_bytes());
                removed.extend_from_slice(path);
                removed.push(0);
            }
        }
        let mut nested = Vec::new();
        let mut count = 0_usize;
        for path in untracked.split(|b| *b == 0).filter(|path| !path.is_empty()) {
            let shown = String::from_utf8_lossy(path);
            if path.ends_with(b"/") {
                nested.push(shown.into_owned());
                continue;
            }
            count += 1;
            if count > MOST_UNTRACKED {
                return Err(WorkspaceError::DoesNotApply(format!(
                    "There are more than {MOST_UNTRACKED} untracked files; have git ignore those that are not meant to be \
                     committed."
                )));
            }
            if fs::symlink_metadata(self.root.join(native(path))).is_ok_and(|meta| meta.len() > FILE_LIMIT) {
                return Err(too_large(&shown));
            }
            present.extend_from_slice(path);
            present.push(0);
        }
        // What is gone goes first, so that a file may take the place of a folder and the other way round.
        self.aside.run_with_input(&["update-index", "-z", "--index-info"], &removed).await.map_err(machine)?;
        let add = ["update-index", "--add", "--remove", "--ignore-skip-worktree-entries", "-z", "--stdin"];
        self.aside.run_with_input(&add, &present).await.map_err(unreadable)?;
        // Objects of files that did not change are elsewhere.
        let tree = self.aside.run_text(&["write-tree", "--missing-ok"]).await.map_err(machine)?;
        let tree = tree.parse().map_err(|e| WorkspaceError::Machine(format!("git write-tree: {e}.")))?;
        Ok((tree, nested))
    }
}

impl GitCheckout {
    /// Returns the change from this commit to another tree in the same repository, and changed paths that it cannot carry.
    async fn patch_to(&self, after: &Listing) -> Result<(Patch, Vec<String>), WorkspaceError> {
        let before = self.listing();
        let mut patch = Patch::new();
        let mut weight = 0;
        let gone = before.files.iter().filter(|file| after.get(&file.path).is_none());
        for file in gone {
            patch.set(file.path.clone(), Some(self.state_of(file).await?), None);
        }
        for file in &after.files {
            let old = before.get(&file.path);
            if old.is_some_and(|old| (old.mode, &old.blob) == (file.mode, &file.blob)) {
                continue;
            }
            weight += file.size;
            if file.size > FILE_LIMIT {
                return Err(too_large(file.path.as_str()));
            }
            if weight > CHANGE_LIMIT {
                return Err(WorkspaceError::DoesNotApply(format!(
                    "The changed files are larger than {} MiB together, which is too much to look at.",
                    CHANGE_LIMIT >> 20
                )));
            }
            let old = match old {
                Some(old) => Some(self.state_of(old).await?),
                None => None,
            };
            patch.set(file.path.clone(), old, Some(self.state_of(file).await?));
        }
        let differs = after.odd.iter().filter(|file| !before.odd.contains(file));
        let gone = before.odd.iter().filter(|file| !after.odd.iter().any(|now| now.path == file.path));
        let mut odd: Vec<String> =
            differs.chain(gone).map(|file| String::from_utf8_lossy(&file.path).into_owned()).collect();
        odd.sort();
        Ok((patch, odd))
    }
}

/// Says that the working tree or its index is not what git can read.
fn unreadable(error: GitError) -> WorkspaceError {
    match error {
        GitError::Failed { message, .. } => {
            WorkspaceError::DoesNotApply(format!("The working tree cannot be read: {message}."))
        }
        other => machine(other),
    }
}

fn too_large(path: &str) -> WorkspaceError {
    WorkspaceError::DoesNotApply(format!(
        "{path} is larger than {} MiB, which is too much to look at; have git ignore it if it is not meant to be \
         committed.",
        FILE_LIMIT >> 20
    ))
}

/// Reads `TAG MODE ID STAGE<tab>PATH`; whether the index alone is to be believed, and the path.
///
/// Submodules are never entered, and what a sparse checkout leaves out is not there for a good reason.
fn entry(line: &[u8]) -> Option<(bool, &[u8])> {
    let tab = line.iter().position(|b| *b == b'\t')?;
    let (head, path) = (&line[..tab], &line[tab + 1..]);
    let kept = head.starts_with(b"S ") || head.get(2..8) == Some(b"160000");
    Some((kept, path))
}

/// Which folders of the working tree are real ones.
struct Folders<'a> {
    root: &'a Path,
    real: BTreeMap<PathBuf, bool>,
}

impl Folders<'_> {
    /// Returns whether a file or link lies there, reached through real folders alone.
    fn has_file(&mut self, path: &[u8]) -> bool {
        let path = native(path);
        let parents: Vec<&Path> = path.ancestors().skip(1).filter(|p| !p.as_os_str().is_empty()).collect();
        for parent in parents.into_iter().rev() {
            let root = self.root;
            let is_folder = || fs::symlink_metadata(root.join(parent)).is_ok_and(|meta| meta.is_dir());
            if !*self.real.entry(parent.to_owned()).or_insert_with(is_folder) {
                return false;
            }
        }
        fs::symlink_metadata(self.root.join(&path)).is_ok_and(|meta| meta.is_file() || meta.is_symlink())
    }
}

#[cfg(unix)]
fn native(path: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    PathBuf::from(std::ffi::OsStr::from_bytes(path))
}

#[cfg(not(unix))]
fn native(path: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(path).into_owned())
}

/// Finds the top of the checkout that a folder lies in.
fn root_of(place: &Path) -> Result<PathBuf, WorkspaceError> {
    let none = |why: &str| Err(WorkspaceError::Missing(format!("{} {why}", place.display())));
    let Ok(here) = place.canonicalize() else { return none("is not there.") };
    if !here.is_dir() {
        return none("is no folder.");
    }
    match here.ancestors().find(|folder| fs::symlink_metadata(folder.join(".git")).is_ok()) {
        Some(root) => Ok(root.to_owned()),
        None => none("is in no git checkout; name one with --dir."),
    }
}

/// Resolves a name to a commit; nothing where there is none.
async fn commit_of(git: &Git, name: &str) -> Result<Option<ObjectId>, WorkspaceError> {
    let peeled = format!("{name}^{{commit}}");
    match git.run_text(&["rev-parse", "--verify", "--quiet", "--end-of-options", &peeled]).await {
        Ok(id) => id.parse().map(Some).map_err(|e| WorkspaceError::Machine(format!("git rev-parse: {e}."))),
        Err(GitError::Failed { code: Some(1 | 128), message, .. }) if message.is_empty() => Ok(None),
        Err(GitError::Failed { message, .. }) => {
            Err(WorkspaceError::Missing(format!("git cannot read {}: {message}.", git.dir().display())))
        }
        Err(other) => Err(machine(other)),
    }
}

/// Makes the throw-away repository with the index and the exclusions of another, whose folder of objects it names.
async fn set_aside(
    own: &Git,
    head: &ObjectId,
    excludes: Option<&Path>,
) -> Result<(tempfile::TempDir, Git, String), WorkspaceError> {
    let failed =
        |e: std::io::Error| WorkspaceError::Machine(format!("No repository could be made aside of the checkout: {e}."));
    let ask = async |what: &str| {
        own.run_text(&["rev-parse", "--path-format=absolute", what]).await.map(PathBuf::from).map_err(machine)
    };
    let (own_dir, common) = (ask("--git-dir").await?, ask("--git-common-dir").await?);
    let folder = tempfile::Builder::new().prefix("homeostat-look-").tempdir().map_err(failed)?;
    let dir = folder.path().join("aside.git");
    let format = if head.as_str().len() == 64 { "--object-format=sha256" } else { "--object-format=sha1" };
    fs::create_dir(&dir).map_err(failed)?;
    Git::new(&dir).run(&["init", "--bare", "--quiet", "--template=", format]).await.map_err(machine)?;
    fs::create_dir_all(dir.join("info")).map_err(failed)?;
    copy_if_there(&common.join("shallow"), &dir.join("shallow")).map_err(failed)?;
    copy_if_there(&common.join("info/exclude"), &dir.join("info/exclude")).map_err(failed)?;
    copy_if_there(&own_dir.join("index"), &dir.join("index")).map_err(failed)?;
    if is_sparse(&fs::read(dir.join("index")).unwrap_or_default()) {
        return Err(WorkspaceError::DoesNotApply(
            "The checkout has a sparse index, which git cannot read without renewing objects of the checkout; run `git \
             sparse-checkout reapply --no-sparse-index`, then try again."
                .to_owned(),
        ));
    }
    for entry in fs::read_dir(&own_dir).map_err(failed)?.flatten() {
        let name = entry.file_name();
        if name.to_string_lossy().starts_with("sharedindex.") {
            copy_if_there(&entry.path(), &dir.join(&name)).map_err(failed)?;
        }
    }
    let mut git = Git::new(&dir);
    for (name, values) in PASSED_ON {
        let value = own.run_text(&["config", "--local", "--get", name]).await.unwrap_or_default();
        if values.contains(&value.as_str()) {
            git = git.with_config(name, &value);
        }
    }
    if let Some(excludes) = excludes {
        git = git.with_config("core.excludesFile", &excludes.display().to_string());
    }
    Ok((folder, git, alternate(&common.join("objects"))?))
}

/// Returns whether an index ends with the mark of one that holds whole folders as single entries.
fn is_sparse(index: &[u8]) -> bool {
    // The mark is the last of the extensions but one, before the checksum.
    let end = &index[index.len().saturating_sub(128)..];
    end.windows(8).any(|window| window == b"sdir\0\0\0\0")
}

/// Writes a folder of objects as git's list of alternates wants it, quoted.
fn alternate(objects: &Path) -> Result<String, WorkspaceError> {
    let text = objects.to_str().ok_or_else(|| {
        WorkspaceError::Missing(format!("The path {} is no text that can be handed to git.", objects.display()))
    })?;
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    Ok(format!("\"{escaped}\""))
}

/// Copies a file with its time: git takes an entry for unchanged only if the index is younger than the file.
fn copy_if_there(from: &Path, to: &Path) -> std::io::Result<()> {
    let modified = match fs::symlink_metadata(from) {
        Ok(meta) if meta.is_file() => meta.modified()?,
        _ => return Ok(()),
    };
    fs::copy(from, to)?;
    let file = fs::OpenOptions::new().write(true).open(to)?;
    file.set_times(fs::FileTimes::new().set_modified(modified))
}
