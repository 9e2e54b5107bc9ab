//! GitHub's rules where they matter, over a small storage: what makes the embedded forge a forge. Layer 2.
//!
//! A ref is created once and moves only forward; a second open pull request for one head and base is refused; a closed one
//! stays; labels must exist; numbers are shared; lists come in pages and may lag. The rules know neither files nor git
//! programs: [`Storage`] keeps the records, in memory or on disk, and [`Embedded`] is the forge over either. It refuses
//! to guess: what a storage cannot read is an error that names it.

mod ahead;
mod artifacts;
mod clock;
mod door;
mod object;
mod page;
mod person;
mod pulls;
mod record;
mod runs;
mod trees;
mod world;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::forge::{ForgeError, ForgeResult, IssueEvent, Label};
use crate::model::{Actor, BranchName, ObjectId, Permission, RepoSlug, Timestamp};

pub use clock::{Clock, ManualClock};
pub use object::{Object, ObjectKind};
pub use person::{MergeStyle, NewIssue};
pub use record::{
    CommentRecord, Happening, Mergeable, OUR_LOGIN, PullRecord, RepositoryRecord, ThreadKind, ThreadRecord, actor,
    repository_id,
};
pub use runs::{JobRecord, RunRecord};

pub use world::{ThreadWorld, World};

pub(crate) use object::hex;
pub(crate) use record::{comment_id, stable_number};
pub(crate) use runs::job_place;

/// Threads as a storage lists them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// Those that could be read, by number.
    pub records: Vec<ThreadRecord>,
    /// Those that could not, one sentence each that names the file.
    pub broken: Vec<String>,
}

/// Keeps an exclusive hold on one repository until it is dropped.
pub type Hold = Box<dyn Send + Sync>;

/// Where an embedded forge keeps its records. It stores and finds; it decides nothing.
///
/// Every method answers [`ForgeError::NotFound`] for a repository that is not there. Methods that change something are
/// called under [`Storage::exclusive`]; reading never changes anything.
#[async_trait]
pub trait Storage: Send + Sync {
    /// Waits until nobody else changes the repository, this process or another.
    async fn exclusive(&self, slug: &RepoSlug) -> ForgeResult<Hold>;

    /// Returns the repository.
    async fn repository(&self, slug: &RepoSlug) -> ForgeResult<RepositoryRecord>;

    /// Makes an empty repository; [`ForgeError::Conflict`] where one is.
    async fn make_repository(&self, slug: &RepoSlug, default_branch: &BranchName) -> ForgeResult<()>;

    /// Returns where a person can look at a repository, or at one thread of it.
    fn url(&self, slug: &RepoSlug, thread: Option<(ThreadKind, u64)>) -> String;

    /// Returns every branch; names that are no [`BranchName`] included, for a person may have made them.
    async fn refs(&self, slug: &RepoSlug) -> ForgeResult<BTreeMap<String, ObjectId>>;

    /// Makes, moves or removes a branch if it stands at `expected`; [`ForgeError::Conflict`] otherwise.
    async fn write_ref(
        &self,
        slug: &RepoSlug,
        branch: &BranchName,
        expected: Option<&ObjectId>,
        target: Option<&ObjectId>,
    ) -> ForgeResult<()>;

    /// Reads objects, in order; nothing where one is missing or is a tag.
    async fn objects(&self, slug: &RepoSlug, ids: &[ObjectId]) -> ForgeResult<Vec<Option<Object>>>;

    /// Stores an object under its id.
    async fn store(&self, slug: &RepoSlug, object: &Object) -> ForgeResult<ObjectId>;

    /// Returns whether `ancestor` is `descendant` or one of its ancestors; a commit that is not there is nobody's.
    async fn is_ancestor(&self, slug: &RepoSlug, ancestor: &ObjectId, descendant: &ObjectId) -> ForgeResult<bool>;

    /// Returns the highest number given to a thread, readable or not; zero when there is none.
    async fn highest_number(&self, slug: &RepoSlug) -> ForgeResult<u64>;

    /// Returns every thread of a kind, by number.
    async fn threads(&self, slug: &RepoSlug, kind: ThreadKind) -> ForgeResult<Listed>;

    /// Returns what has the number, without reading it.
    async fn kind(&self, slug: &RepoSlug, number: u64) -> ForgeResult<Option<ThreadKind>>;

    /// Returns one thread.
    async fn thread(&self, slug: &RepoSlug, number: u64) -> ForgeResult<Option<ThreadRecord>>;

    /// Writes a thread together with what happened to it, as one step as far as the storage can.
    async fn put_thread(&self, slug: &RepoSlug, thread: &ThreadRecord, happened: Vec<Happening>) -> ForgeResult<()>;

    /// Returns what happened to a thread, oldest first.
    async fn events(&self, slug: &RepoSlug, number: u64) -> ForgeResult<Vec<IssueEvent>>;

    /// Returns the comments of a thread, by position.
    async fn comments(&self, slug: &RepoSlug, number: u64) -> ForgeResult<Vec<CommentRecord>>;

    /// Writes one comment; the thread counts as changed when the comment was written.
    async fn put_comment(&self, slug: &RepoSlug, number: u64, comment: &CommentRecord) -> ForgeResult<()>;

    /// Returns the labels that exist.
    async fn labels(&self, slug: &RepoSlug) -> ForgeResult<Vec<Label>>;

    /// Adds a label.
    async fn put_label(&self, slug: &RepoSlug, label: &Label) -> ForgeResult<()>;

    /// Returns every workflow run, by number, and a sentence for each that could not be read.
    async fn runs(&self, slug: &RepoSlug) -> ForgeResult<(BTreeMap<u64, RunRecord>, Vec<String>)>;

    /// Returns the last bytes of a job's log, at most `limit`, and whether more came before them; nothing where there is no
    /// log.
    async fn job_log(&self, slug: &RepoSlug, job: u64, limit: usize) -> ForgeResult<Option<(Vec<u8>, bool)>>;

    /// Writes a run with the logs of its jobs, in their order.
    async fn put_run(&self, slug: &RepoSlug, number: u64, run: &RunRecord, logs: &[Vec<u8>]) -> ForgeResult<()>;

    /// Returns the names of what a run left behind, sorted, with the bytes that each zip has.
    async fn artifacts(&self, slug: &RepoSlug, run: u64) -> ForgeResult<Vec<(String, u64)>>;

    /// Returns the zip that a run left under a name.
    async fn artifact(&self, slug: &RepoSlug, run: u64, name: &str) -> ForgeResult<Option<Vec<u8>>>;

    /// Keeps a zip that a run left under a name.
    async fn put_artifact(&self, slug: &RepoSlug, run: u64, name: &str, zip: &[u8]) -> ForgeResult<()>;

    /// Returns the titles of the open milestones.
    async fn milestones(&self, slug: &RepoSlug) -> ForgeResult<Vec<String>>;

    /// Opens a milestone.
    async fn put_milestone(&self, slug: &RepoSlug, title: &str) -> ForgeResult<()>;

    /// Returns what accounts may do, by login, where it was said.
    async fn people(&self, slug: &RepoSlug) -> ForgeResult<BTreeMap<String, Permission>>;

    /// Says what an account may do.
    async fn put_person(&self, slug: &RepoSlug, login: &str, permission: Permission) -> ForgeResult<()>;
}

/// The numbers of a forge, as data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Items on a page; GitHub's default is 30.
    pub page_size: usize,
    /// How long a new pull request stays out of lists; asked for by number it is there.
    pub pull_lag: Duration,
    /// How long a new branch stays unseen by reads, and by the opening of a pull request from it.
    pub ref_lag: Duration,
    /// Characters that a body may have; GitHub's limit is 65,536.
    pub body_limit: usize,
    /// The login that Homeostat acts as.
    pub login: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            page_size: 30,
            pull_lag: Duration::ZERO,
            ref_lag: Duration::ZERO,
            body_limit: 65_536,
            login: OUR_LOGIN.to_owned(),
        }
    }
}

/// A forge that lives inside the program: the rules over a storage.
///
/// The [`Forge`](crate::forge::Forge) methods act as Homeostat; the inherent ones are what people do on a forge.
pub struct Embedded<S> {
    storage: S,
    settings: Settings,
    clock: Clock,
    /// When refs and pull requests were made through this forge, for the lag; the key names the repository first.
    born: Mutex<BTreeMap<(String, String), Timestamp>>,
}

impl<S: Storage> Embedded<S> {
    /// Puts the rules over a storage.
    pub fn over(storage: S, clock: Clock) -> Self {
        Self { storage, settings: Settings::default(), clock, born: Mutex::new(BTreeMap::new()) }
    }

    /// Changes the forge's numbers.
    #[must_use]
    pub fn with_settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Returns whether something that was made stays unseen for a while.
    pub(super) fn is_late(&self) -> bool {
        self.settings.pull_lag.max(self.settings.ref_lag) > Duration::ZERO
    }

    /// Returns the storage.
    pub fn storage(&self) -> &S {
        &self.storage
    }

    fn us(&self) -> Actor {
        actor(&self.settings.login)
    }

    fn time(&self) -> Timestamp {
        (self.clock)()
    }

    fn note_birth(&self, slug: &RepoSlug, what: String) {
        let mut born = self.born.lock().unwrap_or_else(PoisonError::into_inner);
        born.insert((slug.to_string(), what), self.time());
    }

    fn is_unseen(&self, slug: &RepoSlug, what: &str, lag: Duration) -> bool {
        if lag.is_zero() {
            return false;
        }
        let born = self.born.lock().unwrap_or_else(PoisonError::into_inner);
        born.get(&(slug.to_string(), what.to_owned())).is_some_and(|at| self.time() < at.after(lag))
    }

    /// Returns the branches that reads see now.
    async fn visible_refs(&self, slug: &RepoSlug) -> ForgeResult<BTreeMap<String, ObjectId>> {
        let mut refs = self.storage.refs(slug).await?;
        let lag = self.settings.ref_lag;
        refs.retain(|name, _| !self.is_unseen(slug, &ref_key(name), lag));
        Ok(refs)
    }

    async fn thread_or_not_found(&self, slug: &RepoSlug, number: u64) -> ForgeResult<ThreadRecord> {
        self.storage.thread(slug, number).await?.ok_or_else(|| no_thread(slug, number))
    }

    async fn require_thread(&self, slug: &RepoSlug, number: u64) -> ForgeResult<()> {
        match self.storage.kind(slug, number).await? {
            Some(_) => Ok(()),
            None => Err(no_thread(slug, number)),
        }
    }

    fn check_body(&self, body: &str) -> ForgeResult<()> {
        let length = body.chars().count();
        if length > self.settings.body_limit {
            let limit = self.settings.body_limit;
            return Err(ForgeError::Invalid(format!("the body has {length} characters and the limit is {limit}")));
        }
        Ok(())
    }
}

impl<S> fmt::Debug for Embedded<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedded").field("settings", &self.settings).finish_non_exhaustive()
    }
}

fn no_thread(slug: &RepoSlug, number: u64) -> ForgeError {
    ForgeError::NotFound(format!("{slug} has no issue or pull request #{number}"))
}

fn ref_key(branch: &str) -> String {
    format!("ref {branch}")
}

fn pull_key(number: u64) -> String {
    format!("pull {number}")
}
