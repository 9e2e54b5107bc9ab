//! The main job: choose work, attempt it, record what came of it, publish what is proven.
//!
//! It tells the story and decides nothing itself: rules are pure functions of layer 1, effects go through ports. It never
//! names an adapter, a clock or a file. Layer 4.

mod approval;
pub mod attempt;
mod baseline;
pub mod bring;
pub mod command;
mod comment;
pub mod counted;
pub mod delivery;
pub mod doctor;
mod failed_runs;
pub mod feature;
mod finish;
pub mod fixers;
mod formatter;
mod glance;
mod ground;
pub mod init;
mod intent;
mod lease;
mod offer;
mod opening;
pub mod outcomes;
mod pages;
pub(crate) mod preflight;
pub mod propose;
pub mod publish;
mod rebuild;
mod reconcile;
pub mod record;
mod reports;
pub mod reserve;
mod select;
mod settle;
pub mod shards;
pub mod shown;
pub mod state;
mod target;
mod traces;
pub mod veil;
pub mod withhold;
mod work;
mod worn;

use std::time::Duration;

pub use attempt::{Means, Outcome};
pub use work::{
    Attempted, DuplicateReport, KeptPull, RESERVATION_SCHEMA, RepositoryProblem, RepositoryView, Reservation,
    SkippedReport, TestLog, Work,
};

pub use veil::Veil;

use backoff::{BackoffBuilder as _, ExponentialBuilder};

use crate::config::Config;
use crate::event::{Event, Line};
use crate::forge::{Commit, Forge, ForgeError};
use crate::model::{RepoSlug, Timestamp, Untrusted};
use crate::plan::CommitFacts;
use crate::redact::Redactor;
use crate::system::System;
use crate::workspace::Workspace;

/// Facts about this run that everything it writes carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunInfo {
    /// The run's id.
    pub id: String,
    /// The program's version.
    pub version: String,
    /// Where a person can look at the run, where there is such a place.
    pub url: Option<String>,
    /// `dev`, `test` or `production`.
    pub environment: String,
    /// Whether nothing is written, state included.
    pub dry_run: bool,
    /// Whose process this is, so that a dead one's lease can be told.
    pub owner: String,
}

/// What a run asks for beyond the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only this repository.
    pub only: Option<RepoSlug>,
    /// Only this issue of it: passes over label and cooldown, never over opt-out or trust.
    pub issue: Option<u64>,
    /// A person's command that asks for it, and what that changes.
    pub asked: Option<Asked>,
}

/// What a person's command changes about the choice of work.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The command's own name; an attempt that it forced is forced once.
    pub word: String,
    /// Whether it passes over the cooldown and an unchanged input.
    pub forces: bool,
    /// SHA-256 of the report's body that a person with the right to it vouches for.
    pub vouched: Option<String>,
    /// What the person wrote for whoever looks for the fix, redacted.
    pub hint: Option<Untrusted>,
}

impl Selection {
    /// Returns whether an attempt may pass over cooldown and unchanged input; a command forces once.
    pub(crate) fn forces(&self, words_used: &[String]) -> bool {
        let asked = self.asked.as_ref().is_none_or(|asked| asked.forces && !words_used.contains(&asked.word));
        self.issue.is_some() && asked
    }
}

/// Everything that the engine works with.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The forge.
    pub forge: &'a dyn Forge,
    /// The forge that has the operator's repository: the same one, or a folder at a terminal without one.
    pub state_forge: &'a dyn Forge,
    /// Working copies.
    pub workspace: &'a dyn Workspace,
    /// Time and chance.
    pub system: &'a dyn System,
    /// The configuration.
    pub config: &'a Config,
    /// The operator's repository, which has the state branch.
    pub operator: &'a RepoSlug,
    /// This run.
    pub run: &'a RunInfo,
    /// Digest of the pattern library, an input of every attempt.
    pub library_digest: &'a str,
    /// Says whether a lease's owner is a process of this machine that is gone.
    pub owner_is_gone: &'a (dyn Fn(&str) -> bool + Sync),
    /// Hears how far the run is.
    pub progress: &'a dyn Progress,
    /// Takes secrets and personal data out of what leaves.
    pub redactor: &'a Redactor,
    /// Keeps the run's record; an intent is in it before the first write.
    pub recorder: &'a dyn Recorder,
    /// Knows what may not be said of private repositories.
    pub veil: &'a Veil,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("run", self.run).finish_non_exhaustive()
    }
}

impl<'a> Context<'a> {
    /// Returns the state branch.
    pub fn state(&self) -> state::StateBranch<'a> {
        state::StateBranch::new(self.state_forge, self.system, self.operator.clone(), self.config.state.branch.clone())
    }
}

impl Context<'_> {
    /// Keeps an event, without what may not be said of a private repository.
    pub(crate) fn record(&self, event: Event) -> Result<(), EngineError> {
        self.recorder.record(self.veil.event(event)).map_err(EngineError::Journal)
    }

    /// Stamps an event, without what may not be said of a private repository.
    pub(crate) fn line(&self, event: Event) -> Line {
        self.recorder.line(self.veil.event(event))
    }

    /// Returns what goes along with a commit to the state branch: the run's lines so far, and those still to be kept.
    pub(crate) async fn along(&self, further: &[Line]) -> state::Along {
        let now = retry(self.system, async || self.forge.now().await).await.unwrap_or_else(|_| self.system.now());
        let lines = self.recorder.kept();
        let lines = lines.iter().chain(further).filter_map(|line| redacted(line, self.redactor)).collect();
        state::Along { now, keep_events: self.config.state.keep_events, run_id: self.run.id.clone(), lines }
    }
}

/// Writes a line as the state branch may have it: every text in it redacted.
fn redacted(line: &Line, redactor: &Redactor) -> Option<String> {
    fn clean(value: &mut serde_json::Value, redactor: &Redactor) {
        match value {
            serde_json::Value::String(text) => *text = redactor.redact(text).into_string(),
            serde_json::Value::Array(items) => items.iter_mut().for_each(|item| clean(item, redactor)),
            serde_json::Value::Object(fields) => fields.values_mut().for_each(|field| clean(field, redactor)),
            _ => {}
        }
    }
    let mut value = serde_json::to_value(&line.event).ok()?;
    clean(&mut value, redactor);
    let event = serde_json::from_value(value).ok()?;
    Line { event, ..line.clone() }.to_json_line().ok()
}

/// Hears how far a run is, for people.
pub trait Progress: Send + Sync {
    /// A stage began; `of` is how many pieces it has, where known.
    fn stage(&self, name: &str, of: Option<usize>);
    /// One piece of the stage is done.
    fn step(&self, what: &str);
}

/// Keeps the run's record.
pub trait Recorder: Send + Sync {
    /// Stamps an event with the time and the run, without keeping it.
    fn line(&self, event: Event) -> Line;

    /// Keeps one line durably.
    ///
    /// # Errors
    /// With what went wrong, in words; then nothing may be written to a forge.
    fn keep(&self, line: Line) -> Result<(), String>;

    /// Returns the lines kept so far, in their order.
    fn kept(&self) -> Vec<Line>;

    /// Stamps and keeps one event.
    ///
    /// # Errors
    /// As [`Recorder::keep`].
    fn record(&self, event: Event) -> Result<(), String> {
        self.keep(self.line(event))
    }
}

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn stage(&self, _name: &str, _of: Option<usize>) {}
    fn step(&self, _what: &str) {}
}

/// Why a whole stage could not go on.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The forge failed for everything.
    #[error(transparent)]
    Forge(#[from] ForgeError),
    /// The state branch failed.
    #[error(transparent)]
    State(#[from] state::StateError),
    /// The record of this run could not be written, so nothing else may be.
    #[error("the run's record could not be written ({0}); nothing was written to any forge")]
    Journal(String),
    /// A template could not be rendered.
    #[error("{0}")]
    Render(String),
}

/// Reduces a commit of a pull request's branch to what says whose it is. After a merge it is on the base as well; whose it
/// is does not change by that.
pub(crate) fn facts_of(commit: Commit) -> CommitFacts {
    let Commit { id, tree, parents, message } = commit;
    CommitFacts { id, tree, parents, message, on_base: false }
}

/// Tries a read up to three times: base 0.5 s, cap 4 s (REFERENCE.md, Times and tries). A limit is waited for by the forge's
/// adapter, which knows the run's deadline and the server's clock; one that it gives up on is the next run's (F-09, F-10).
pub(crate) async fn retry<T, F>(system: &dyn System, mut read: F) -> Result<T, ForgeError>
where
    F: AsyncFnMut() -> Result<T, ForgeError>,
{
    let waits = ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(500))
        .with_max_delay(Duration::from_secs(4))
        .with_max_times(2)
        .build();
    for wait in waits {
        match read().await {
            Err(ForgeError::Transient(_) | ForgeError::Ambiguous(_)) => {}
            answer => return answer,
        }
        // Full jitter: a fleet of runners that failed together must not come back together.
        let share = f64::from(system.random()[0]) / 255.0;
        system.sleep(wait.mul_f64(share)).await;
    }
    read().await
}

/// Returns whether a deadline lies behind.
pub(crate) fn is_past(deadline: Timestamp, now: Timestamp) -> bool {
    now > deadline
}
