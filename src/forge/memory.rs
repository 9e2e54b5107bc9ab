//! The embedded forge in memory: the test double, with real git ids and a clock that the test moves. Layer 3.
//!
//! Nothing outlives it, and nothing of it depends on the machine.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use sha1::{Digest, Sha1};

use crate::forge::rules::{
    Clock, CommentRecord, Embedded, Happening, Hold, Listed, Object, ObjectKind, RepositoryRecord, RunRecord, Storage,
    ThreadKind, ThreadRecord, hex, job_place, repository_id,
};
use crate::forge::{ForgeError, ForgeResult, IssueEvent, Label};
use crate::model::{BranchName, ObjectId, Permission, RepoSlug};

/// The embedded forge in memory.
pub type MemoryForge = Embedded<MemoryStorage>;

impl MemoryForge {
    /// Makes an empty forge.
    pub fn new(clock: Clock) -> Self {
        Self::over(MemoryStorage::default(), clock)
    }

    /// Says whether only members see a repository.
    ///
    /// # Errors
    /// [`ForgeError::NotFound`] where there is none.
    pub fn set_private(&self, slug: &RepoSlug, private: bool) -> ForgeResult<()> {
        self.storage().with(slug, |stored| stored.private = private)
    }
}

/// Records in memory, shared by all its clones.
#[derive(Clone, Default)]
pub struct MemoryStorage {
    shared: Arc<Mutex<BTreeMap<RepoSlug, Stored>>>,
    /// One write at a time; the writers of a test are few.
    turn: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Default)]
struct Stored {
    default_branch: Option<BranchName>,
    refs: BTreeMap<String, ObjectId>,
    objects: BTreeMap<ObjectId, Object>,
    threads: BTreeMap<u64, ThreadRecord>,
    comments: BTreeMap<u64, Vec<CommentRecord>>,
    events: BTreeMap<u64, Vec<IssueEvent>>,
    labels: Vec<Label>,
    people: BTreeMap<String, Permission>,
    runs: BTreeMap<u64, (RunRecord, Vec<Vec<u8>>)>,
    /// Zips by run and name.
    artifacts: BTreeMap<(u64, String), Vec<u8>>,
    milestones: Vec<String>,
    private: bool,
}

impl MemoryStorage {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<RepoSlug, Stored>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, slug: &RepoSlug, look: impl FnOnce(&mut Stored) -> T) -> ForgeResult<T> {
        match self.lock().get_mut(slug) {
            Some(stored) => Ok(look(stored)),
            None => Err(ForgeError::NotFound(format!("there is no repository {slug}"))),
        }
    }
}

impl fmt::Debug for MemoryStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStorage").field("repositories", &self.lock().len()).finish_non_exhaustive()
    }
}

/// Returns the id that git gives to an object.
fn id_of(object: &Object) -> ForgeResult<ObjectId> {
    let mut hasher = Sha1::new();
    hasher.update(format!("{} {}\0", object.kind.as_str(), object.data.len()).as_bytes());
    hasher.update(&object.data);
    hex(&hasher.finalize()).parse().map_err(|error| ForgeError::Invalid(format!("{error}")))
}

#[async_trait]
impl Storage for MemoryStorage {
    async fn exclusive(&self, _: &RepoSlug) -> ForgeResult<Hold> {
        Ok(Box::new(self.turn.clone().lock_owned().await))
    }

    async fn repository(&self, slug: &RepoSlug) -> ForgeResult<RepositoryRecord> {
        if slug.to_string() == super::STATE_SLUG {
            self.lock().entry(slug.clone()).or_default();
        }
        let (default_branch, private) = self.with(slug, |stored| (stored.default_branch.clone(), stored.private))?;
        // Nobody but its owner sees the state that a forge keeps for itself.
        let private = private || slug.to_string() == super::STATE_SLUG;
        let default_branch = match default_branch {
            Some(branch) => branch,
            None => "main".parse().map_err(|error| ForgeError::Invalid(format!("{error}")))?,
        };
        Ok(RepositoryRecord { id: repository_id(slug), default_branch, private })
    }

    async fn make_repository(&self, slug: &RepoSlug, default_branch: &BranchName) -> ForgeResult<()> {
        let mut all = self.lock();
        if all.contains_key(slug) {
            return Err(ForgeError::Conflict(format!("there is a repository {slug} already")));
        }
        all.insert(slug.clone(), Stored { default_branch: Some(default_branch.clone()), ..Stored::default() });
        Ok(())
    }

    fn url(&self, slug: &RepoSlug, thread: Option<(ThreadKind, u64)>) -> String {
        match thread {
            None => format!("memory:{slug}"),
            Some((ThreadKind::Issue, number)) => format!("memory:{slug}/issues/{number}"),
            Some((ThreadKind::Pull, number)) => format!("memory:{slug}/pulls/{number}"),
        }
    }

    async fn refs(&self, slug: &RepoSlug) -> ForgeResult<BTreeMap<String, ObjectId>> {
        self.with(slug, |stored| stored.refs.clone())
    }

    async fn write_ref(
        &self,
        slug: &RepoSlug,
        branch: &BranchName,
        expected: Option<&ObjectId>,
        target: Option<&ObjectId>,
    ) -> ForgeResult<()> {
        self.with(slug, |stored| {
            if stored.refs.get(branch.as_str()) != expected {
                return Err(ForgeError::Conflict(format!("{branch} of {slug} is not where it was")));
            }
            match target {
                Some(target) => stored.refs.insert(branch.to_string(), target.clone()),
                None => stored.refs.remove(branch.as_str()),
            };
            Ok(())
        })?
    }

    async fn objects(&self, slug: &RepoSlug, ids: &[ObjectId]) -> ForgeResult<Vec<Option<Object>>> {
        self.with(slug, |stored| ids.iter().map(|id| stored.objects.get(id).cloned()).collect())
    }

    async fn store(&self, slug: &RepoSlug, object: &Object) -> ForgeResult<ObjectId> {
        let id = id_of(object)?;
        self.with(slug, |stored| {
            stored.objects.insert(id.clone(), object.clone());
            id
        })
    }

    async fn is_ancestor(&self, slug: &RepoSlug, ancestor: &ObjectId, descendant: &ObjectId) -> ForgeResult<bool> {
        self.with(slug, |stored| {
            let mut seen = BTreeSet::new();
            let mut open = vec![descendant.clone()];
            while let Some(id) = open.pop() {
                if id == *ancestor {
                    return true;
                }
                if seen.insert(id.clone())
                    && let Some(Object { kind: ObjectKind::Commit, data }) = stored.objects.get(&id)
                {
                    open.extend(parents(data));
                }
            }
            false
        })
    }

    async fn highest_number(&self, slug: &RepoSlug) -> ForgeResult<u64> {
        self.with(slug, |stored| stored.threads.keys().next_back().copied().unwrap_or(0))
    }

    async fn threads(&self, slug: &RepoSlug, kind: ThreadKind) -> ForgeResult<Listed> {
        let records =
            self.with(slug, |stored| stored.threads.values().filter(|t| t.kind() == kind).cloned().collect())?;
        Ok(Listed { records, broken: Vec::new() })
    }

    async fn kind(&self, slug: &RepoSlug, number: u64) -> ForgeResult<Option<ThreadKind>> {
        self.with(slug, |stored| stored.threads.get(&number).map(ThreadRecord::kind))
    }

    async fn thread(&self, slug: &RepoSlug, number: u64) -> ForgeResult<Option<ThreadRecord>> {
        self.with(slug, |stored| stored.threads.get(&number).cloned())
    }

    async fn put_thread(&self, slug: &RepoSlug, thread: &ThreadRecord, happened: Vec<Happening>) -> ForgeResult<()> {
        self.with(slug, |stored| {
            let events = stored.events.entry(thread.number).or_default();
            for happening in happened {
                events.push(happening.numbered(thread.number, events.len()));
            }
            stored.threads.insert(thread.number, thread.clone());
        })
    }

    async fn events(&self, slug: &RepoSlug, number: u64) -> ForgeResult<Vec<IssueEvent>> {
        self.with(slug, |stored| stored.events.get(&number).cloned().unwrap_or_default())
    }

    async fn comments(&self, slug: &RepoSlug, number: u64) -> ForgeResult<Vec<CommentRecord>> {
        self.with(slug, |stored| stored.comments.get(&number).cloned().unwrap_or_default())
    }

    async fn put_comment(&self, slug: &RepoSlug, number: u64, comment: &CommentRecord) -> ForgeResult<()> {
        self.with(slug, |stored| {
            let comments = stored.comments.entry(number).or_default();
            match comments.iter_mut().find(|other| other.position == comment.position) {
                Some(other) => *other = comment.clone(),
                None => comments.push(comment.clone()),
            }
            if let Some(thread) = stored.threads.get_mut(&number) {
                thread.updated_at = thread.updated_at.max(comment.created_at);
            }
        })
    }

    async fn labels(&self, slug: &RepoSlug) -> ForgeResult<Vec<Label>> {
        self.with(slug, |stored| stored.labels.clone())
    }

    async fn put_label(&self, slug: &RepoSlug, label: &Label) -> ForgeResult<()> {
        self.with(slug, |stored| stored.labels.push(label.clone()))
    }

    async fn runs(&self, slug: &RepoSlug) -> ForgeResult<(BTreeMap<u64, RunRecord>, Vec<String>)> {
        let runs = self.with(slug, |stored| stored.runs.iter().map(|(n, (run, _))| (*n, run.clone())).collect())?;
        Ok((runs, Vec::new()))
    }

    async fn job_log(&self, slug: &RepoSlug, job: u64, limit: usize) -> ForgeResult<Option<(Vec<u8>, bool)>> {
        let (run, place) = job_place(job);
        self.with(slug, |stored| {
            let log = stored.runs.get(&run)?.1.get(place)?;
            let start = log.len().saturating_sub(limit);
            Some((log.get(start..)?.to_vec(), start > 0))
        })
    }

    async fn put_run(&self, slug: &RepoSlug, number: u64, run: &RunRecord, logs: &[Vec<u8>]) -> ForgeResult<()> {
        self.with(slug, |stored| {
            stored.runs.insert(number, (run.clone(), logs.to_vec()));
        })
    }

    async fn artifacts(&self, slug: &RepoSlug, run: u64) -> ForgeResult<Vec<(String, u64)>> {
        self.with(slug, |stored| {
            let of_run = stored.artifacts.iter().filter(|((number, _), _)| *number == run);
            of_run.map(|((_, name), zip)| (name.clone(), zip.len() as u64)).collect()
        })
    }

    async fn artifact(&self, slug: &RepoSlug, run: u64, name: &str) -> ForgeResult<Option<Vec<u8>>> {
        self.with(slug, |stored| stored.artifacts.get(&(run, name.to_owned())).cloned())
    }

    async fn put_artifact(&self, slug: &RepoSlug, run: u64, name: &str, zip: &[u8]) -> ForgeResult<()> {
        self.with(slug, |stored| {
            stored.artifacts.insert((run, name.to_owned()), zip.to_vec());
        })
    }

    async fn milestones(&self, slug: &RepoSlug) -> ForgeResult<Vec<String>> {
        self.with(slug, |stored| stored.milestones.clone())
    }

    async fn put_milestone(&self, slug: &RepoSlug, title: &str) -> ForgeResult<()> {
        self.with(slug, |stored| stored.milestones.push(title.to_owned()))
    }

    async fn people(&self, slug: &RepoSlug) -> ForgeResult<BTreeMap<String, Permission>> {
        self.with(slug, |stored| stored.people.clone())
    }

    async fn put_person(&self, slug: &RepoSlug, login: &str, permission: Permission) -> ForgeResult<()> {
        self.with(slug, |stored| {
            stored.people.insert(login.to_owned(), permission);
        })
    }
}

/// Reads the parents out of a commit's head.
fn parents(data: &[u8]) -> Vec<ObjectId> {
    let text = String::from_utf8_lossy(data);
    text.lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("parent ")?.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_get_the_ids_that_git_gives_them() -> ForgeResult<()> {
        let object = |kind, data: &[u8]| Object { kind, data: data.to_vec() };
        assert_eq!(id_of(&object(ObjectKind::Blob, b"hello\n"))?.as_str(), "ce013625030ba8dba906f756967f9e9ca394464a");
        assert_eq!(id_of(&object(ObjectKind::Tree, b""))?.as_str(), "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
        Ok(())
    }
}
