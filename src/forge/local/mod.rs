//! The embedded forge in a folder: bare git repositories, and issues and pull requests as files that a person can read,
//! write and make by hand. Layer 3.
//!
//! ```text
//! DIR/<owner>/<name>.git               a bare repository
//! DIR/<owner>/<name>/issues/<n>.md     an issue: front matter (only `title` is required), then the body
//! DIR/<owner>/<name>/issues/<n>/<k>.md its comments; beside them events.yml, what happened to it
//! DIR/<owner>/<name>/pulls/<n>.md      a pull request, with comments and events beside it in the same way
//! DIR/<owner>/<name>/labels.yml        labels that exist besides those in use
//! DIR/<owner>/<name>/people.yml        `login: permission`; the owner may everything
//! DIR/<owner>/<name>/milestones.yml    titles of open milestones
//! DIR/<owner>/<name>/runs/<n>/         a workflow run: run.yml, and <job>.log for each of its jobs
//! DIR/.homeostat/state.git             the state repository, shown as `homeostat/state`; made by the first write to it
//! DIR/.homeostat/seen, locks           what was last written, and who is writing
//! ```
//!
//! An edit by hand is a person's act, the owner's. Reading never changes a byte; writing replaces whole files, one writer
//! at a time, also between processes. Branches are read from their files, all else of git through the git program. It
//! refuses to read around a broken file: the file is named, and everything else still works.

mod disk;
mod files;
mod refs;
mod runs;
mod seen;
mod settings;
mod text;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::forge::rules::{
    Clock, CommentRecord, Embedded, Happening, Hold, Listed, Object, ObjectKind, RepositoryRecord, RunRecord, Storage,
    ThreadKind, ThreadRecord, repository_id,
};
use crate::forge::{ForgeError, ForgeResult, IssueEvent, Label, STATE_SLUG};
use crate::git::{CatFile, Git, GitError};
use crate::model::{BranchName, ObjectId, Permission, RepoSlug};

use disk::{RepositoryFile, number_in, numbered, read_comment};
use seen::Seen;

/// The embedded forge in a folder.
pub type LocalForge = Embedded<LocalStorage>;

/// Readers of objects that stay open; each is a process.
const READERS: usize = 4;

/// Answers about ancestry that are kept; they never change.
const ANCESTRIES: usize = 10_000;

impl LocalForge {
    /// Opens a folder as a forge; it need not exist before something is written.
    ///
    /// # Errors
    /// [`ForgeError::Invalid`] when the path is something else than a folder.
    pub fn open(dir: impl AsRef<Path>, clock: Clock) -> ForgeResult<Self> {
        let dir = dir.as_ref();
        let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
        if files::is_file(&dir) {
            return Err(ForgeError::Invalid(format!("{} is a file, no folder of a local forge", dir.display())));
        }
        let storage = LocalStorage { dir, readers: tokio::sync::Mutex::default(), ancestry: Mutex::default() };
        Ok(Self::over(storage, clock))
    }

    /// Returns the git folder of a repository, for cloning from it.
    pub fn git_dir(&self, slug: &RepoSlug) -> PathBuf {
        self.storage().git_dir(slug)
    }

    /// Returns every repository of the folder, sorted, the state repository left out.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub fn repositories(&self) -> ForgeResult<Vec<RepoSlug>> {
        let mut slugs = Vec::new();
        for owner in files::names(&self.storage().dir)? {
            for name in files::names(&self.storage().dir.join(&owner))? {
                let slug =
                    name.strip_suffix(".git").and_then(|name| format!("{owner}/{name}").parse::<RepoSlug>().ok());
                slugs.extend(slug.filter(|slug| slug.to_string() != STATE_SLUG));
            }
        }
        slugs.sort();
        Ok(slugs)
    }
}

/// Records in a folder.
pub struct LocalStorage {
    dir: PathBuf,
    /// The one used last stands first.
    readers: tokio::sync::Mutex<VecDeque<(PathBuf, CatFile)>>,
    ancestry: Mutex<BTreeMap<(ObjectId, ObjectId), bool>>,
}

impl fmt::Debug for LocalStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalStorage").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl LocalStorage {
    fn is_state(slug: &RepoSlug) -> bool {
        slug.owner() == "homeostat" && slug.name() == "state"
    }

    fn git_dir(&self, slug: &RepoSlug) -> PathBuf {
        if Self::is_state(slug) {
            return self.dir.join(".homeostat").join("state.git");
        }
        self.dir.join(slug.owner()).join(format!("{}.git", slug.name()))
    }

    fn folder(&self, slug: &RepoSlug) -> PathBuf {
        if Self::is_state(slug) {
            return self.dir.join(".homeostat").join("state");
        }
        self.dir.join(slug.owner()).join(slug.name())
    }

    fn threads_folder(&self, slug: &RepoSlug, kind: ThreadKind) -> PathBuf {
        self.folder(slug).join(match kind {
            ThreadKind::Issue => "issues",
            ThreadKind::Pull => "pulls",
        })
    }

    fn thread_file(&self, slug: &RepoSlug, kind: ThreadKind, number: u64) -> PathBuf {
        self.threads_folder(slug, kind).join(format!("{number}.md"))
    }

    /// Returns where comments and events of a thread lie.
    fn members(&self, slug: &RepoSlug, kind: ThreadKind, number: u64) -> PathBuf {
        self.threads_folder(slug, kind).join(number.to_string())
    }

    fn seen_file(&self, slug: &RepoSlug, number: u64) -> PathBuf {
        let seen = self.dir.join(".homeostat").join("seen");
        seen.join(slug.owner()).join(slug.name()).join(format!("{number}.json"))
    }

    fn kind_of(&self, slug: &RepoSlug, number: u64) -> Option<ThreadKind> {
        [ThreadKind::Issue, ThreadKind::Pull]
            .into_iter()
            .find(|kind| files::is_file(&self.thread_file(slug, *kind, number)))
    }

    fn require(&self, slug: &RepoSlug) -> ForgeResult<PathBuf> {
        let dir = self.git_dir(slug);
        if files::is_file(&dir.join("HEAD")) || Self::is_state(slug) {
            return Ok(dir);
        }
        Err(ForgeError::NotFound(format!("there is no repository {slug}: {} is no bare git repository", dir.display())))
    }

    async fn read_objects(&self, dir: &Path, ids: &[ObjectId]) -> Result<Vec<Option<Object>>, GitError> {
        let mut readers = self.readers.lock().await;
        let mut reader = match readers.iter().position(|(of, _)| of == dir).and_then(|at| readers.remove(at)) {
            Some((_, reader)) => reader,
            None => CatFile::start(&Git::new(dir))?,
        };
        let asked: Vec<&str> = ids.iter().map(ObjectId::as_str).collect();
        // Only a reader whose answer was whole goes back.
        let found = reader.read(&asked).await?;
        readers.push_front((dir.to_owned(), reader));
        readers.truncate(READERS);
        let known =
            |object: crate::git::GitObject| Some(Object { kind: ObjectKind::parse(&object.kind)?, data: object.data });
        Ok(found.into_iter().map(|object| object.and_then(known)).collect())
    }

    async fn make_bare(&self, dir: &Path, default_branch: &BranchName) -> ForgeResult<()> {
        let branch = format!("--initial-branch={default_branch}");
        // Git makes one folder, not those above it.
        files::make_folder(dir)?;
        Git::new(dir).run(&["init", "--bare", "--quiet", "--template=", &branch]).await.map(|_| ()).map_err(refused)
    }
}

/// Says what a failure of git means to a caller of the forge.
fn refused(error: GitError) -> ForgeError {
    let text = error.to_string();
    match error {
        GitError::Timeout { .. } | GitError::Io { .. } => ForgeError::Transient(text),
        GitError::Failed { message, .. } if message.contains("Permission denied") || message.contains("Read-only") => {
            ForgeError::Denied(text)
        }
        _ => ForgeError::Invalid(text),
    }
}

#[async_trait]
impl Storage for LocalStorage {
    async fn exclusive(&self, slug: &RepoSlug) -> ForgeResult<Hold> {
        let name = format!("{}+{}.lock", slug.owner(), slug.name());
        Ok(Box::new(files::lock(self.dir.join(".homeostat").join("locks").join(name)).await?))
    }

    async fn repository(&self, slug: &RepoSlug) -> ForgeResult<RepositoryRecord> {
        let dir = self.require(slug)?;
        let default_branch = match refs::default_branch(&dir)? {
            Some(branch) => branch,
            None => "main".parse().map_err(|error| ForgeError::Invalid(format!("{error}")))?,
        };
        // Nobody but its owner sees the state that a forge keeps for itself.
        let settings: RepositoryFile = self.read_data(slug, "repository.yml")?;
        let private = Self::is_state(slug) || settings.private;
        Ok(RepositoryRecord { id: repository_id(slug), default_branch, private })
    }

    async fn make_repository(&self, slug: &RepoSlug, default_branch: &BranchName) -> ForgeResult<()> {
        let dir = self.git_dir(slug);
        if files::is_folder(&dir) {
            return Err(ForgeError::Conflict(format!("there is a repository {slug} already: {}", dir.display())));
        }
        let _hold = self.exclusive(slug).await?;
        self.make_bare(&dir, default_branch).await
    }

    fn url(&self, slug: &RepoSlug, thread: Option<(ThreadKind, u64)>) -> String {
        let path = match thread {
            None => self.git_dir(slug),
            Some((kind, number)) => self.thread_file(slug, kind, number),
        };
        path.display().to_string()
    }

    async fn refs(&self, slug: &RepoSlug) -> ForgeResult<BTreeMap<String, ObjectId>> {
        let dir = self.require(slug)?;
        if refs::is_plain(&dir) {
            return refs::read(&dir);
        }
        let format = "--format=%(objectname) %(refname:lstrip=2)";
        let out = Git::new(&dir).run_text(&["for-each-ref", format, "refs/heads/"]).await.map_err(refused)?;
        let line = |line: &str| {
            let (id, name) = line.split_once(' ')?;
            Some((name.to_owned(), id.parse().ok()?))
        };
        Ok(out.lines().filter_map(line).collect())
    }

    async fn write_ref(
        &self,
        slug: &RepoSlug,
        branch: &BranchName,
        expected: Option<&ObjectId>,
        target: Option<&ObjectId>,
    ) -> ForgeResult<()> {
        let git = Git::new(self.require(slug)?);
        let name = branch.as_ref_name();
        let outcome = match (expected, target) {
            (None, None) => return Ok(()),
            (Some(old), None) => git.run(&["update-ref", "--no-deref", "-d", &name, old.as_str()]).await,
            (old, Some(new)) => {
                let absent = "0".repeat(new.as_str().len());
                let old = old.map_or(absent.as_str(), ObjectId::as_str);
                git.run(&["update-ref", "--no-deref", &name, new.as_str(), old]).await
            }
        };
        match outcome {
            Ok(_) => Ok(()),
            Err(GitError::Failed { .. }) if self.refs(slug).await?.get(branch.as_str()) != expected => {
                Err(ForgeError::Conflict(format!("{branch} of {slug} is not where it was")))
            }
            Err(error) => Err(refused(error)),
        }
    }

    async fn objects(&self, slug: &RepoSlug, ids: &[ObjectId]) -> ForgeResult<Vec<Option<Object>>> {
        let dir = self.require(slug)?;
        if ids.is_empty() || !files::is_file(&dir.join("HEAD")) {
            return Ok(vec![None; ids.len()]);
        }
        match self.read_objects(&dir, ids).await {
            Ok(found) => Ok(found),
            // The reader may have outlived the repository that it had open: a new one tells.
            Err(GitError::Io { .. } | GitError::Unexpected { .. }) => {
                self.read_objects(&dir, ids).await.map_err(refused)
            }
            Err(error) => Err(refused(error)),
        }
    }

    async fn store(&self, slug: &RepoSlug, object: &Object) -> ForgeResult<ObjectId> {
        let dir = self.require(slug)?;
        if !files::is_file(&dir.join("HEAD")) {
            let main = "main".parse().map_err(|error| ForgeError::Invalid(format!("{error}")))?;
            let _hold = self.exclusive(slug).await?;
            self.make_bare(&dir, &main).await?;
        }
        let args = ["hash-object", "-w", "-t", object.kind.as_str(), "--stdin"];
        let out = Git::new(&dir).run_with_input(&args, &object.data).await.map_err(refused)?;
        String::from_utf8_lossy(&out).trim().parse().map_err(|error| ForgeError::Invalid(format!("{error}")))
    }

    async fn is_ancestor(&self, slug: &RepoSlug, ancestor: &ObjectId, descendant: &ObjectId) -> ForgeResult<bool> {
        if ancestor == descendant {
            return Ok(true);
        }
        let key = (ancestor.clone(), descendant.clone());
        if let Some(known) = self.ancestry.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(*known);
        }
        let git = Git::new(self.require(slug)?);
        let asked = ["merge-base", "--is-ancestor", ancestor.as_str(), descendant.as_str()];
        let answer = match git.run(&asked).await {
            Ok(_) => true,
            Err(error) if error.code() == Some(1) => false,
            Err(error) => {
                let both = [ancestor.clone(), descendant.clone()];
                if self.objects(slug, &both).await?.iter().any(Option::is_none) {
                    // Not remembered: it may be fetched later.
                    return Ok(false);
                }
                return Err(refused(error));
            }
        };
        let mut ancestry = self.ancestry.lock().unwrap_or_else(PoisonError::into_inner);
        if ancestry.len() >= ANCESTRIES {
            ancestry.clear();
        }
        ancestry.insert(key, answer);
        Ok(answer)
    }

    async fn highest_number(&self, slug: &RepoSlug) -> ForgeResult<u64> {
        let mut highest = 0;
        for kind in [ThreadKind::Issue, ThreadKind::Pull] {
            for name in files::names(&self.threads_folder(slug, kind))? {
                let number = number_in(name.strip_suffix(".md").unwrap_or(&name));
                highest = highest.max(number.unwrap_or(0));
            }
        }
        Ok(highest)
    }

    async fn threads(&self, slug: &RepoSlug, kind: ThreadKind) -> ForgeResult<Listed> {
        let mut listed = Listed::default();
        let mut refs = None;
        for number in numbered(&self.threads_folder(slug, kind))? {
            match self.read_thread(slug, kind, number, &mut refs) {
                Ok(Some(disk)) => listed.records.push(disk.record),
                Ok(None) => {}
                Err(ForgeError::Invalid(why) | ForgeError::Denied(why) | ForgeError::Transient(why)) => {
                    listed.broken.push(why);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(listed)
    }

    async fn kind(&self, slug: &RepoSlug, number: u64) -> ForgeResult<Option<ThreadKind>> {
        Ok(self.kind_of(slug, number))
    }

    async fn thread(&self, slug: &RepoSlug, number: u64) -> ForgeResult<Option<ThreadRecord>> {
        let Some(kind) = self.kind_of(slug, number) else { return Ok(None) };
        Ok(self.read_thread(slug, kind, number, &mut None)?.map(|disk| disk.record))
    }

    async fn put_thread(&self, slug: &RepoSlug, thread: &ThreadRecord, happened: Vec<Happening>) -> ForgeResult<()> {
        let (kind, number) = (thread.kind(), thread.number);
        let before = self.read_thread(slug, kind, number, &mut None)?;
        let mut events = match &before {
            Some(disk) => self.all_events(slug, kind, disk)?,
            None => Vec::new(),
        };
        for happening in happened {
            events.push(happening.numbered(number, events.len()));
        }
        // Events first, then the sidecar with both looks, then the thread: a crash in between leaves nothing that would
        // read as a person's edit.
        let events_file = self.members(slug, kind, number).join("events.yml");
        let wanted = text::write_events(&events);
        if files::read(&events_file)?.map(|file| file.text).unwrap_or_default() != wanted {
            files::write(&events_file, &wanted)?;
        }
        let file = text::write_thread(thread);
        let seen = Seen::of(thread, &file, before.as_ref().map(|disk| (&disk.record, disk.file.text.as_str())));
        let sidecar = serde_json::to_string(&seen)
            .map_err(|error| ForgeError::Invalid(format!("the sidecar of {slug}#{number}: {error}")))?;
        files::write(&self.seen_file(slug, number), &format!("{sidecar}\n"))?;
        files::write(&self.thread_file(slug, kind, number), &file)
    }

    async fn events(&self, slug: &RepoSlug, number: u64) -> ForgeResult<Vec<IssueEvent>> {
        let Some(kind) = self.kind_of(slug, number) else { return Ok(Vec::new()) };
        match self.read_thread(slug, kind, number, &mut None)? {
            Some(disk) => self.all_events(slug, kind, &disk),
            None => Ok(Vec::new()),
        }
    }

    async fn comments(&self, slug: &RepoSlug, number: u64) -> ForgeResult<Vec<CommentRecord>> {
        let Some(kind) = self.kind_of(slug, number) else { return Ok(Vec::new()) };
        let folder = self.members(slug, kind, number);
        let positions = numbered(&folder)?;
        positions.into_iter().filter_map(|position| read_comment(&folder, position).transpose()).collect()
    }

    async fn put_comment(&self, slug: &RepoSlug, number: u64, comment: &CommentRecord) -> ForgeResult<()> {
        let kind = self
            .kind_of(slug, number)
            .ok_or_else(|| ForgeError::NotFound(format!("{slug} has no issue or pull request #{number}")))?;
        let path = self.members(slug, kind, number).join(format!("{}.md", comment.position));
        files::write(&path, &text::write_comment(comment))
    }

    async fn labels(&self, slug: &RepoSlug) -> ForgeResult<Vec<Label>> {
        let mut labels: Vec<Label> = self.read_data(slug, "labels.yml")?;
        let mut names: BTreeSet<String> = labels.iter().map(|label| label.name.clone()).collect();
        for kind in [ThreadKind::Issue, ThreadKind::Pull] {
            // A label that a person wrote on a thread exists.
            for name in self.threads(slug, kind).await?.records.into_iter().flat_map(|record| record.labels) {
                if names.insert(name.clone()) {
                    labels.push(Label { name, color: "ededed".to_owned(), description: String::new() });
                }
            }
        }
        Ok(labels)
    }

    async fn put_label(&self, slug: &RepoSlug, label: &Label) -> ForgeResult<()> {
        let mut labels: Vec<Label> = self.read_data(slug, "labels.yml")?;
        labels.push(label.clone());
        let line = |label: &Label| {
            let (name, color) = (text::quoted(&label.name), text::quoted(&label.color));
            format!("- {{ name: {name}, color: {color}, description: {} }}\n", text::quoted(&label.description))
        };
        files::write(&self.folder(slug).join("labels.yml"), &labels.iter().map(line).collect::<String>())
    }

    async fn runs(&self, slug: &RepoSlug) -> ForgeResult<(BTreeMap<u64, RunRecord>, Vec<String>)> {
        self.read_runs(slug).await
    }

    async fn job_log(&self, slug: &RepoSlug, job: u64, limit: usize) -> ForgeResult<Option<(Vec<u8>, bool)>> {
        self.read_job_log(slug, job, limit).await
    }

    async fn put_run(&self, slug: &RepoSlug, number: u64, run: &RunRecord, logs: &[Vec<u8>]) -> ForgeResult<()> {
        self.write_run(slug, number, run, logs)
    }

    async fn artifacts(&self, slug: &RepoSlug, run: u64) -> ForgeResult<Vec<(String, u64)>> {
        self.list_artifacts(slug, run)
    }

    async fn artifact(&self, slug: &RepoSlug, run: u64, name: &str) -> ForgeResult<Option<Vec<u8>>> {
        self.read_artifact(slug, run, name)
    }

    async fn put_artifact(&self, slug: &RepoSlug, run: u64, name: &str, zip: &[u8]) -> ForgeResult<()> {
        self.write_artifact(slug, run, name, zip)
    }

    async fn milestones(&self, slug: &RepoSlug) -> ForgeResult<Vec<String>> {
        self.read_data(slug, "milestones.yml")
    }

    async fn put_milestone(&self, slug: &RepoSlug, title: &str) -> ForgeResult<()> {
        let mut titles: Vec<String> = self.read_data(slug, "milestones.yml")?;
        titles.push(title.to_owned());
        let line = |title: &String| format!("- {}\n", text::quoted(title));
        files::write(&self.folder(slug).join("milestones.yml"), &titles.iter().map(line).collect::<String>())
    }

    async fn people(&self, slug: &RepoSlug) -> ForgeResult<BTreeMap<String, Permission>> {
        self.read_data(slug, "people.yml")
    }

    async fn put_person(&self, slug: &RepoSlug, login: &str, permission: Permission) -> ForgeResult<()> {
        let mut people: BTreeMap<String, Permission> = self.read_data(slug, "people.yml")?;
        people.insert(login.to_owned(), permission);
        let line =
            |(login, permission): (&String, &Permission)| format!("{}: {}\n", text::scalar(login), permission.as_str());
        files::write(&self.folder(slug).join("people.yml"), &people.iter().map(line).collect::<String>())
    }
}

#[cfg(test)]
mod tests;
