//! Faults, a call log, crashes and interleavings around any forge, all given as data. Layer 3.
//!
//! For tests: what the network and the server can do to a call is done to it here, so that every fault at every call can be
//! tried. Nothing here is random and nothing waits for time.

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::forge::{
    Comment, Commit, Forge, ForgeError, ForgeResult, Issue, IssueEvent, IssueQuery, Label, NewCommit, NewPull, Page,
    PullEdit, PullQuery, PullRequest, Repository, TreeChange, TreeEntry,
};
use crate::model::{Actor, BranchName, ObjectId, Permission, RepoSlug, Timestamp};

/// What goes wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// Refused as invalid; nothing was done.
    Refused,
    /// A temporary failure; nothing was done.
    Transient,
    /// It was done and the answer was lost; a read has only its answer to lose.
    AppliedThenLost,
    /// It was not done and no clear answer came.
    NotAppliedThenLost,
    /// Too many requests.
    RateLimited {
        /// Until when.
        until: Timestamp,
    },
    /// The token may not.
    Denied,
    /// A replica that has not caught up answers: lists are empty, branches absent, all else is not found.
    Lag,
}

impl FaultKind {
    /// Returns every kind once, for a loop over all of them.
    pub fn all() -> Vec<Self> {
        let until = Timestamp::default();
        vec![
            Self::Refused,
            Self::Transient,
            Self::AppliedThenLost,
            Self::NotAppliedThenLost,
            Self::RateLimited { until },
            Self::Denied,
            Self::Lag,
        ]
    }
}

/// One fault at one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Which call, from 0.
    pub call_index: usize,
    /// What goes wrong.
    pub kind: FaultKind,
}

/// One call as it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The operation's name in the port.
    pub op: &'static str,
    /// The repository, or nothing.
    pub slug: Option<RepoSlug>,
    /// The arguments, shortened, for people and for claims.
    pub summary: String,
    /// Whether it changes something.
    pub write: bool,
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// The call.
    pub call: Call,
    /// The fault that hit it.
    pub fault: Option<FaultKind>,
    /// Whether a write took effect.
    pub applied: bool,
    /// The error that the caller got.
    pub error: Option<ForgeError>,
}

impl fmt::Display for Logged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slug = self.call.slug.as_ref().map(ToString::to_string).unwrap_or_default();
        write!(f, "{} {slug} {}", self.call.op, self.call.summary)?;
        match &self.error {
            Some(error) => write!(f, " -> {error}"),
            None => Ok(()),
        }
    }
}

/// What becomes of a call.
enum Fate {
    Goes,
    Fails(ForgeError),
    GoesThenLost,
    Stale,
}

#[derive(Default)]
struct Book {
    faults: Vec<Fault>,
    crash_after: Option<usize>,
    calls: usize,
    log: Vec<Logged>,
    claimed: BTreeSet<usize>,
    consumed: usize,
}

/// Any forge with faults, and with a log in which a test claims every effect.
#[derive(Clone)]
pub struct Faulty {
    inner: Arc<dyn Forge>,
    book: Arc<Mutex<Book>>,
}

impl Faulty {
    /// Wraps a forge.
    pub fn new(inner: Arc<dyn Forge>, faults: Vec<Fault>) -> Self {
        Self { inner, book: Arc::new(Mutex::new(Book { faults, ..Book::default() })) }
    }

    /// Makes every call after the first `calls` a temporary failure: the process was killed there.
    #[must_use]
    pub fn crashing_after(self, calls: usize) -> Self {
        self.book().crash_after = Some(calls);
        self
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how many calls were made.
    pub fn calls(&self) -> usize {
        self.book().calls
    }

    /// Returns how many writes took effect; objects that no ref names yet count too.
    pub fn writes(&self) -> usize {
        self.book().log.iter().filter(|line| line.applied).count()
    }

    /// Returns how many faults were met, the crash included: zero ends a loop over all calls.
    pub fn faults_met(&self) -> usize {
        self.book().consumed
    }

    /// Returns the log.
    pub fn log(&self) -> Vec<Logged> {
        self.book().log.clone()
    }

    /// Claims the first unclaimed effect of this operation whose line contains the text; returns whether there was one.
    pub fn claim(&self, op: &str, contains: &str) -> bool {
        let mut book = self.book();
        let found = book.log.iter().enumerate().position(|(index, line)| {
            line.applied && line.call.op == op && line.to_string().contains(contains) && !book.claimed.contains(&index)
        });
        found.is_some_and(|index| book.claimed.insert(index))
    }

    /// Returns the effects that nobody claimed; a test ends with none.
    pub fn unclaimed(&self) -> Vec<String> {
        let book = self.book();
        let open = book.log.iter().enumerate().filter(|(index, line)| line.applied && !book.claimed.contains(index));
        open.map(|(_, line)| line.to_string()).collect()
    }

    fn fate(&self, call: &Call) -> (Fate, Option<FaultKind>) {
        let mut book = self.book();
        let index = book.calls;
        book.calls += 1;
        if book.crash_after.is_some_and(|calls| index >= calls) {
            book.consumed += 1;
            return (
                Fate::Fails(ForgeError::Transient("the process was killed".to_owned())),
                Some(FaultKind::Transient),
            );
        }
        let Some(fault) = book.faults.iter().find(|fault| fault.call_index == index).copied() else {
            return (Fate::Goes, None);
        };
        book.consumed += 1;
        let what = format!("{} was hit by a fault", call.op);
        let fate = match fault.kind {
            FaultKind::Refused => Fate::Fails(ForgeError::Invalid(what)),
            FaultKind::Transient => Fate::Fails(ForgeError::Transient(what)),
            FaultKind::AppliedThenLost => Fate::GoesThenLost,
            FaultKind::NotAppliedThenLost => Fate::Fails(ForgeError::Ambiguous(what)),
            FaultKind::RateLimited { until } => Fate::Fails(ForgeError::RateLimited { until }),
            FaultKind::Denied => Fate::Fails(ForgeError::Denied(what)),
            FaultKind::Lag => Fate::Stale,
        };
        (fate, Some(fault.kind))
    }
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty").field("calls", &self.calls()).finish_non_exhaustive()
    }
}

/// What stands around the calls of a forge.
#[async_trait]
trait Around: Send + Sync {
    fn inner(&self) -> &dyn Forge;

    async fn around<T: Send>(
        &self,
        call: Call,
        work: impl Future<Output = ForgeResult<T>> + Send,
        stale: Option<T>,
    ) -> ForgeResult<T>;
}

#[async_trait]
impl Around for Faulty {
    fn inner(&self) -> &dyn Forge {
        self.inner.as_ref()
    }

    async fn around<T: Send>(
        &self,
        call: Call,
        work: impl Future<Output = ForgeResult<T>> + Send,
        stale: Option<T>,
    ) -> ForgeResult<T> {
        let (fate, fault) = self.fate(&call);
        let (answer, applied) = match fate {
            Fate::Goes => {
                let answer = work.await;
                let applied = call.write && answer.is_ok();
                (answer, applied)
            }
            Fate::GoesThenLost => {
                let applied = work.await.is_ok() && call.write;
                (Err(ForgeError::Ambiguous(format!("the answer to {} was lost", call.op))), applied)
            }
            Fate::Fails(error) => (Err(error), false),
            Fate::Stale => {
                (stale.ok_or_else(|| ForgeError::NotFound(format!("{} met a late replica", call.op))), false)
            }
        };
        let error = answer.as_ref().err().cloned();
        self.book().log.push(Logged { call, fault, applied, error });
        answer
    }
}

/// Whose turn it is, shared by the clients of one [`Turns`].
struct Table {
    /// Which client makes the next call; past the end everybody may.
    order: Vec<usize>,
    at: usize,
    gone: BTreeSet<usize>,
}

impl Table {
    fn may(&mut self, client: usize) -> bool {
        while self.order.get(self.at).is_some_and(|next| self.gone.contains(next)) {
            self.at += 1;
        }
        self.order.get(self.at).is_none_or(|next| *next == client)
    }
}

/// Several clients of one forge that make their calls in a given order, so that races are data.
#[derive(Clone)]
pub struct Turns {
    forge: Arc<dyn Forge>,
    table: Arc<tokio::sync::watch::Sender<Table>>,
}

impl Turns {
    /// Shares a forge; `order` names the client of each call, from 0.
    pub fn new(forge: Arc<dyn Forge>, order: Vec<usize>) -> Self {
        let (table, _) = tokio::sync::watch::channel(Table { order, at: 0, gone: BTreeSet::new() });
        Self { forge, table: Arc::new(table) }
    }

    /// Returns one client; it gives up its turns when it is dropped.
    pub fn client(&self, number: usize) -> TurnClient {
        TurnClient { turns: self.clone(), number }
    }
}

impl fmt::Debug for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turns").finish_non_exhaustive()
    }
}

/// One client of a [`Turns`].
#[derive(Debug)]
pub struct TurnClient {
    turns: Turns,
    number: usize,
}

impl Drop for TurnClient {
    fn drop(&mut self) {
        self.turns.table.send_modify(|table| {
            table.gone.insert(self.number);
        });
    }
}

#[async_trait]
impl Around for TurnClient {
    fn inner(&self) -> &dyn Forge {
        self.turns.forge.as_ref()
    }

    async fn around<T: Send>(
        &self,
        _: Call,
        work: impl Future<Output = ForgeResult<T>> + Send,
        _: Option<T>,
    ) -> ForgeResult<T> {
        let mut watch = self.turns.table.subscribe();
        loop {
            let mut mine = false;
            self.turns.table.send_if_modified(|table| {
                mine = table.may(self.number);
                false
            });
            if mine {
                break;
            }
            // The sender lives as long as this client, so the channel cannot close.
            if watch.changed().await.is_err() {
                break;
            }
        }
        let answer = work.await;
        self.turns.table.send_modify(|table| table.at += 1);
        answer
    }
}

fn reading(op: &'static str, slug: &RepoSlug, summary: impl fmt::Display) -> Call {
    Call { op, slug: Some(slug.clone()), summary: summary.to_string(), write: false }
}

fn writing(op: &'static str, slug: &RepoSlug, summary: impl fmt::Display) -> Call {
    Call { op, slug: Some(slug.clone()), summary: summary.to_string(), write: true }
}

fn nothing<T>() -> Page<T> {
    Page { items: Vec::new(), next: None, broken: Vec::new() }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(80).collect()
}

macro_rules! forge_around {
    ($wrapper:ty) => {
        #[async_trait]
        impl Forge for $wrapper {
            async fn now(&self) -> ForgeResult<Timestamp> {
                let call = Call { op: "now", slug: None, summary: String::new(), write: false };
                self.around(call, self.inner().now(), None).await
            }

            async fn identity(&self) -> ForgeResult<Actor> {
                let call = Call { op: "identity", slug: None, summary: String::new(), write: false };
                self.around(call, self.inner().identity(), None).await
            }

            async fn repository(&self, slug: &RepoSlug) -> ForgeResult<Repository> {
                self.around(reading("repository", slug, ""), self.inner().repository(slug), None).await
            }

            async fn permission(&self, slug: &RepoSlug, actor: &Actor) -> ForgeResult<Permission> {
                let call = reading("permission", slug, &actor.login);
                self.around(call, self.inner().permission(slug, actor), None).await
            }

            async fn issues(
                &self,
                slug: &RepoSlug,
                query: &IssueQuery,
                page: Option<&str>,
            ) -> ForgeResult<Page<Issue>> {
                let call = reading("issues", slug, page.unwrap_or_default());
                self.around(call, self.inner().issues(slug, query, page), Some(nothing())).await
            }

            async fn issue(&self, slug: &RepoSlug, number: u64) -> ForgeResult<Issue> {
                self.around(reading("issue", slug, number), self.inner().issue(slug, number), None).await
            }

            async fn comments(&self, slug: &RepoSlug, number: u64, page: Option<&str>) -> ForgeResult<Page<Comment>> {
                let call = reading("comments", slug, number);
                self.around(call, self.inner().comments(slug, number, page), Some(nothing())).await
            }

            async fn issue_events(
                &self,
                slug: &RepoSlug,
                number: u64,
                page: Option<&str>,
            ) -> ForgeResult<Page<IssueEvent>> {
                let call = reading("issue_events", slug, number);
                self.around(call, self.inner().issue_events(slug, number, page), Some(nothing())).await
            }

            async fn pulls(
                &self,
                slug: &RepoSlug,
                query: &PullQuery,
                page: Option<&str>,
            ) -> ForgeResult<Page<PullRequest>> {
                let head = query.head.as_ref().map(ToString::to_string).unwrap_or_default();
                self.around(reading("pulls", slug, head), self.inner().pulls(slug, query, page), Some(nothing())).await
            }

            async fn pull(&self, slug: &RepoSlug, number: u64) -> ForgeResult<PullRequest> {
                self.around(reading("pull", slug, number), self.inner().pull(slug, number), None).await
            }

            async fn branch(&self, slug: &RepoSlug, branch: &BranchName) -> ForgeResult<Option<ObjectId>> {
                self.around(reading("branch", slug, branch), self.inner().branch(slug, branch), Some(None)).await
            }

            async fn branches(&self, slug: &RepoSlug, prefix: &str) -> ForgeResult<Vec<(BranchName, ObjectId)>> {
                let call = reading("branches", slug, prefix);
                self.around(call, self.inner().branches(slug, prefix), Some(Vec::new())).await
            }

            async fn commit(&self, slug: &RepoSlug, id: &ObjectId) -> ForgeResult<Commit> {
                self.around(reading("commit", slug, id), self.inner().commit(slug, id), None).await
            }

            async fn is_ancestor(&self, slug: &RepoSlug, old: &ObjectId, new: &ObjectId) -> ForgeResult<bool> {
                let call = reading("is_ancestor", slug, format_args!("{old} {new}"));
                self.around(call, self.inner().is_ancestor(slug, old, new), None).await
            }

            async fn tree(&self, slug: &RepoSlug, id: &ObjectId) -> ForgeResult<Vec<TreeEntry>> {
                self.around(reading("tree", slug, id), self.inner().tree(slug, id), None).await
            }

            async fn blob(&self, slug: &RepoSlug, id: &ObjectId) -> ForgeResult<Vec<u8>> {
                self.around(reading("blob", slug, id), self.inner().blob(slug, id), None).await
            }

            async fn create_blob(&self, slug: &RepoSlug, content: &[u8]) -> ForgeResult<ObjectId> {
                let call = writing("create_blob", slug, format_args!("{} bytes", content.len()));
                self.around(call, self.inner().create_blob(slug, content), None).await
            }

            async fn create_tree(
                &self,
                slug: &RepoSlug,
                base: Option<&ObjectId>,
                changes: &[TreeChange],
            ) -> ForgeResult<ObjectId> {
                let paths: Vec<&str> = changes.iter().map(|change| change.path.as_str()).collect();
                let call = writing("create_tree", slug, paths.join(" "));
                self.around(call, self.inner().create_tree(slug, base, changes), None).await
            }

            async fn create_commit(&self, slug: &RepoSlug, commit: &NewCommit) -> ForgeResult<ObjectId> {
                let call = writing("create_commit", slug, first_line(&commit.message));
                self.around(call, self.inner().create_commit(slug, commit), None).await
            }

            async fn create_branch(&self, slug: &RepoSlug, branch: &BranchName, target: &ObjectId) -> ForgeResult<()> {
                let call = writing("create_branch", slug, branch);
                self.around(call, self.inner().create_branch(slug, branch, target), None).await
            }

            async fn advance_branch(
                &self,
                slug: &RepoSlug,
                branch: &BranchName,
                expected: &ObjectId,
                target: &ObjectId,
            ) -> ForgeResult<()> {
                let call = writing("advance_branch", slug, branch);
                self.around(call, self.inner().advance_branch(slug, branch, expected, target), None).await
            }

            async fn delete_branch(&self, slug: &RepoSlug, branch: &BranchName, at: &ObjectId) -> ForgeResult<()> {
                let call = writing("delete_branch", slug, branch);
                self.around(call, self.inner().delete_branch(slug, branch, at), None).await
            }

            async fn create_pull(&self, slug: &RepoSlug, pull: &NewPull) -> ForgeResult<PullRequest> {
                let call = writing("create_pull", slug, format_args!("{} {}", pull.head, first_line(&pull.title)));
                self.around(call, self.inner().create_pull(slug, pull), None).await
            }

            async fn edit_pull(&self, slug: &RepoSlug, number: u64, edit: &PullEdit) -> ForgeResult<()> {
                self.around(writing("edit_pull", slug, number), self.inner().edit_pull(slug, number, edit), None).await
            }

            async fn create_label(&self, slug: &RepoSlug, label: &Label) -> ForgeResult<()> {
                let call = writing("create_label", slug, &label.name);
                self.around(call, self.inner().create_label(slug, label), None).await
            }

            async fn add_labels(&self, slug: &RepoSlug, number: u64, labels: &[String]) -> ForgeResult<()> {
                let call = writing("add_labels", slug, format_args!("{number} {}", labels.join(" ")));
                self.around(call, self.inner().add_labels(slug, number, labels), None).await
            }

            async fn remove_label(&self, slug: &RepoSlug, number: u64, label: &str) -> ForgeResult<()> {
                let call = writing("remove_label", slug, format_args!("{number} {label}"));
                self.around(call, self.inner().remove_label(slug, number, label), None).await
            }

            async fn create_comment(&self, slug: &RepoSlug, number: u64, body: &str) -> ForgeResult<Comment> {
                let call = writing("create_comment", slug, format_args!("{number} {}", first_line(body)));
                self.around(call, self.inner().create_comment(slug, number, body), None).await
            }

            async fn edit_comment(&self, slug: &RepoSlug, id: u64, body: &str) -> ForgeResult<()> {
                let call = writing("edit_comment", slug, format_args!("{id} {}", first_line(body)));
                self.around(call, self.inner().edit_comment(slug, id, body), None).await
            }
        }
    };
}

forge_around!(Faulty);
forge_around!(TurnClient);

#[cfg(test)]
mod tests;
