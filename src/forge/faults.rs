//! Faults, a call log, crashes and interleavings around any forge, all given as data. Layer 3.
//!
//! For tests: what the network and the server can do to a call is done to it here, so that every fault at every call can be
//! tried. Nothing here is random and nothing waits for time.

#[macro_use]
mod around;
mod turns;

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::forge::{Forge, ForgeError, ForgeResult};
use crate::model::Timestamp;

use around::Around;

pub use around::Call;
pub use turns::{TurnClient, Turns};

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

    /// Claims every effect of this operation and returns how many there were; for objects that no ref names yet.
    pub fn claim_all(&self, op: &str) -> usize {
        let mut claimed = 0;
        while self.claim(op, "") {
            claimed += 1;
        }
        claimed
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

forge_around!(Faulty);

#[cfg(test)]
mod tests;
