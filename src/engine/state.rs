//! The state branch: small JSON files on one orphan branch, written by compare-and-swap (PROTOCOL.md, 3).
//!
//! Works over `Forge` alone, so that GitHub, the embedded forge and the test double share every rule. It never rewrites
//! history and never writes when nothing changed. Layer 4.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::engine::retry;
use crate::forge::{Forge, ForgeError, NewCommit, TreeChange};
use crate::model::{
    BranchName, FailureState, FileMode, Fingerprint, ObjectId, RepoPath, RepoSlug, ReportId, Timestamp,
};
use crate::system::System;

/// How often a write is tried again when another run was faster.
const TRIES: u32 = 12;

/// Why the state could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// The forge failed.
    #[error("the state branch could not be used: {0}")]
    Forge(#[from] ForgeError),
    /// Other runs were faster every time.
    #[error("the state branch changed {TRIES} times while it was being written; the next run tries again")]
    Contended,
    /// A file on the branch is not what it should be.
    #[error("{path} on the state branch cannot be read ({why}); mend or delete that file")]
    Broken {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
}

/// Files to write (`Some`) or delete (`None`), by path.
pub type Mutations = BTreeMap<String, Option<Vec<u8>>>;

/// What goes along with a commit that is written anyway, and never makes one (PROTOCOL.md, 3).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Along {
    /// The forge's time.
    pub now: Timestamp,
    /// How long events are kept.
    pub keep_events: Duration,
    /// The run that writes.
    pub run_id: String,
    /// Its events so far, one line with its end each; those that are on the branch already are not written again.
    pub lines: Vec<String>,
}

/// How long what a day used is kept; no window looks further back.
const KEEP_DAYS: Duration = Duration::from_hours(40 * 24);
/// Old files deleted with one commit; what is left goes with the next.
const MOST_DELETED: usize = 500;
/// Bytes of one run's events on the branch; the artifacts have all.
const MOST_EVENTS: usize = 1 << 20;

impl Along {
    /// Lists what is too old to be kept.
    fn outdated(&self, snapshot: &Snapshot) -> Vec<String> {
        let before = |span: Duration| {
            let millis = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
            Timestamp::from_millis(self.now.as_millis().saturating_sub(millis)).day()
        };
        let (events, days) = (before(self.keep_events), before(KEEP_DAYS));
        // Files that others put there have other names, and stay.
        let is_day = |day: &str| day.len() == 10 && day.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        let old_events = snapshot.below("events/").filter(|path| {
            let day =
                path.strip_prefix("events/").and_then(|rest| rest.get(..10)).unwrap_or_default().replace('/', "-");
            is_day(&day) && day < events
        });
        let old_days = snapshot.below("budget/").filter(|path| {
            let day = path.strip_prefix("budget/").and_then(|rest| rest.strip_suffix(".json")).unwrap_or_default();
            is_day(day) && *day < *days
        });
        old_events.chain(old_days).take(MOST_DELETED).map(str::to_owned).collect()
    }

    /// Appends the lines that a file does not have yet; nothing where it has all of them.
    fn appended(&self, present: &[u8]) -> Option<Vec<u8>> {
        let text = String::from_utf8_lossy(present);
        let known: BTreeSet<&str> = text.split_inclusive('\n').collect();
        let mut bytes = present.to_vec();
        for line in self.lines.iter().filter(|line| !known.contains(line.as_str())) {
            if bytes.len() + line.len() <= MOST_EVENTS {
                bytes.extend_from_slice(line.as_bytes());
            }
        }
        (bytes.len() > present.len()).then_some(bytes)
    }
}

/// Says what to write, from the present contents of the files it asked for.
pub type Change<'c> = dyn Fn(&BTreeMap<String, Vec<u8>>) -> Result<Mutations, StateError> + Sync + 'c;

/// The state branch of one operator's repository.
pub struct StateBranch<'a> {
    forge: &'a dyn Forge,
    system: &'a dyn System,
    slug: RepoSlug,
    branch: BranchName,
}

impl std::fmt::Debug for StateBranch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StateBranch({}#{})", self.slug, self.branch)
    }
}

/// The branch at one commit: names and blobs, contents on demand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    head: Option<ObjectId>,
    files: BTreeMap<String, ObjectId>,
}

impl Snapshot {
    /// Returns the paths below a folder.
    pub fn below<'s>(&'s self, folder: &'s str) -> impl Iterator<Item = &'s str> {
        self.files.range(folder.to_owned()..).map(|(path, _)| path.as_str()).take_while(move |p| p.starts_with(folder))
    }

    /// Returns whether there is a branch at all.
    pub const fn exists(&self) -> bool {
        self.head.is_some()
    }

    /// Returns the days that money or pull requests are counted for.
    pub fn days(&self) -> BTreeSet<&str> {
        self.below("budget/").filter_map(|path| path.strip_prefix("budget/")?.strip_suffix(".json")).collect()
    }

    /// Returns whether a file is there.
    pub fn has(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }
}

impl<'a> StateBranch<'a> {
    /// Names the branch; nothing is read yet.
    pub const fn new(forge: &'a dyn Forge, system: &'a dyn System, slug: RepoSlug, branch: BranchName) -> Self {
        Self { forge, system, slug, branch }
    }

    /// Reads which files are there; a branch or repository that does not exist yet is empty.
    ///
    /// # Errors
    /// When the forge fails.
    pub async fn snapshot(&self) -> Result<Snapshot, StateError> {
        let head = match retry(self.system, async || self.forge.branch(&self.slug, &self.branch).await).await {
            Ok(head) => head,
            Err(ForgeError::NotFound(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let Some(head) = head else { return Ok(Snapshot::default()) };
        let entries = retry(self.system, async || self.forge.tree(&self.slug, &head).await).await?;
        let files = entries.into_iter().map(|entry| (entry.path, entry.id)).collect();
        Ok(Snapshot { head: Some(head), files })
    }

    /// Reads one file's bytes.
    ///
    /// # Errors
    /// When the forge fails.
    pub async fn read(&self, snapshot: &Snapshot, path: &str) -> Result<Option<Vec<u8>>, StateError> {
        match snapshot.files.get(path) {
            None => Ok(None),
            Some(blob) => Ok(Some(retry(self.system, async || self.forge.blob(&self.slug, blob).await).await?)),
        }
    }

    /// Reads one file as JSON.
    ///
    /// # Errors
    /// When the forge fails, or [`StateError::Broken`].
    pub async fn read_json<T: DeserializeOwned>(
        &self,
        snapshot: &Snapshot,
        path: &str,
    ) -> Result<Option<T>, StateError> {
        match self.read(snapshot, path).await? {
            None => Ok(None),
            Some(bytes) => decode(path, &bytes).map(Some),
        }
    }

    /// Reads every failure known in a repository.
    ///
    /// # Errors
    /// As [`StateBranch::read_json`].
    pub async fn failures(&self, snapshot: &Snapshot, repository_id: u64) -> Result<Vec<FailureState>, StateError> {
        let mut states = Vec::new();
        for path in snapshot.below(&format!("failures/{repository_id}/")) {
            states.extend(self.read_json(snapshot, path).await?);
        }
        Ok(states)
    }

    /// Changes files: `change` sees the present contents of the files that `paths` names and says what to write; it may be
    /// called again when another run was faster. Nothing is written when nothing differs. Returns whether something was.
    ///
    /// # Errors
    /// When the forge fails, or [`StateError::Contended`]; then nothing of this change is on the branch.
    pub async fn update(
        &self,
        message: &str,
        paths: &(dyn Fn(&Snapshot) -> Vec<String> + Sync),
        change: &Change<'_>,
    ) -> Result<bool, StateError> {
        self.update_along(message, paths, change, None).await
    }

    /// Changes files as [`StateBranch::update`] does; where something is written, the run's events go with it, and what is
    /// too old goes.
    ///
    /// # Errors
    /// As [`StateBranch::update`].
    pub async fn update_along(
        &self,
        message: &str,
        paths: &(dyn Fn(&Snapshot) -> Vec<String> + Sync),
        change: &Change<'_>,
        along: Option<&Along>,
    ) -> Result<bool, StateError> {
        for _ in 0..TRIES {
            let snapshot = self.snapshot().await?;
            let mut present = BTreeMap::new();
            for path in paths(&snapshot) {
                if let Some(bytes) = self.read(&snapshot, &path).await? {
                    present.insert(path, bytes);
                }
            }
            let mut mutations = change(&present)?;
            mutations.retain(|path, content| match content {
                Some(bytes) => present.get(path) != Some(bytes),
                None => snapshot.has(path),
            });
            if mutations.is_empty() {
                return Ok(false);
            }
            if let Some(along) = along {
                mutations.extend(along.outdated(&snapshot).into_iter().map(|path| (path, None)));
                let path = events_path(&along.now.day(), &along.run_id);
                let present = self.read(&snapshot, &path).await?.unwrap_or_default();
                mutations.extend(along.appended(&present).map(|bytes| (path, Some(bytes))));
            }
            if self.try_commit(&snapshot, message, &mutations).await? {
                return Ok(true);
            }
            // Runs that met once must not meet again at once.
            let share = f64::from(self.system.random()[0]) / 255.0;
            self.system.sleep(Duration::from_millis(400).mul_f64(share)).await;
        }
        Err(StateError::Contended)
    }

    /// Commits on top of a snapshot; false when the branch is elsewhere by now.
    async fn try_commit(&self, on: &Snapshot, message: &str, mutations: &Mutations) -> Result<bool, StateError> {
        let mut changes = Vec::with_capacity(mutations.len());
        for (path, content) in mutations {
            let path: RepoPath =
                path.parse().map_err(|e| StateError::Broken { path: path.clone(), why: format!("{e}") })?;
            let entry = match content {
                Some(bytes) => {
                    let blob = retry(self.system, async || self.forge.create_blob(&self.slug, bytes).await).await?;
                    Some((FileMode::Plain, blob))
                }
                None => None,
            };
            changes.push(TreeChange { path, entry });
        }
        let base_tree = match &on.head {
            Some(head) => Some(retry(self.system, async || self.forge.commit(&self.slug, head).await).await?.tree),
            None => None,
        };
        let tree =
            retry(self.system, async || self.forge.create_tree(&self.slug, base_tree.as_ref(), &changes).await).await?;
        let commit = NewCommit { tree, parents: on.head.iter().cloned().collect(), message: message.to_owned() };
        let commit = retry(self.system, async || self.forge.create_commit(&self.slug, &commit).await).await?;
        let written = match &on.head {
            Some(head) => self.forge.advance_branch(&self.slug, &self.branch, head, &commit).await,
            None => self.forge.create_branch(&self.slug, &self.branch, &commit).await,
        };
        match written {
            Ok(()) => Ok(true),
            Err(ForgeError::Conflict(_)) => Ok(false),
            // A lost answer: the branch itself says whether the write happened. Where others wrote on top since, the next
            // look finds our change there and nothing left to write.
            Err(ForgeError::Ambiguous(_) | ForgeError::Transient(_)) => {
                let now = retry(self.system, async || self.forge.branch(&self.slug, &self.branch).await).await?;
                Ok(now.as_ref() == Some(&commit))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Reads JSON of the state branch.
///
/// # Errors
/// [`StateError::Broken`].
pub fn decode<T: DeserializeOwned>(path: &str, bytes: &[u8]) -> Result<T, StateError> {
    serde_json::from_slice(bytes).map_err(|e| StateError::Broken { path: path.to_owned(), why: e.to_string() })
}

/// Writes JSON as the state branch keeps it: readable, ending with a newline.
pub fn encode<T: serde::Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// Returns where a failure's state lies.
pub fn failure_path(repository_id: u64, fingerprint: &Fingerprint) -> String {
    format!("failures/{repository_id}/{}.json", fingerprint.fp16())
}

/// Returns where a failure's waiting candidate lies.
pub fn candidate_path(repository_id: u64, fingerprint: &Fingerprint) -> String {
    format!("candidates/{repository_id}/{}/candidate.json", fingerprint.fp16())
}

/// Returns where what became of a repository's pull requests is remembered.
pub fn outcomes_path(repository_id: u64) -> String {
    format!("outcomes/{repository_id}.json")
}

/// Returns where a run's lease lies.
pub fn lease_path(run_id: &str) -> String {
    format!("leases/{run_id}.json")
}

/// Returns where a run's events lie; the day is UTC by the forge's clock.
pub fn events_path(day: &str, run_id: &str) -> String {
    format!("events/{}/{run_id}.jsonl", day.replace('-', "/"))
}

/// Returns where a day's money lies.
pub fn budget_path(day: &str) -> String {
    format!("budget/{day}.json")
}

/// Finds the failure that a report is already known to be about.
pub fn by_report<'s>(states: &'s [FailureState], report: &ReportId) -> Option<&'s FailureState> {
    states.iter().find(|state| state.reports.contains(report))
}
