//! Private targets behind an operator's repository that more people can read: what may be said of them there (V-107, P-17).
//!
//! It looks at who can see what, keeps the names that may not be said, and takes text of such a repository out of events
//! and states. It refuses a private target unless `state.private` is `opaque` and one process does everything. Layer 4.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::OnceCell;

use crate::config::PrivateTargets;
use crate::engine::select::problem;
use crate::engine::{Context, RepositoryProblem, retry};
use crate::event::Event;
use crate::forge::Repository;
use crate::model::{FailureState, Mode, Policy, Reason, RepoSlug, ReportId};

/// What a run knows about who can see what.
#[derive(Debug, Default)]
pub struct Veil {
    /// Each privilege is a process of its own, so that candidates would have to lie where others read.
    apart: bool,
    /// Whether only members see the operator's repository; asked once, and only for the first private target.
    operator: OnceCell<bool>,
    /// Repositories that are not named, with the ids that stand for them.
    hidden: Mutex<BTreeMap<RepoSlug, u64>>,
}

impl Veil {
    /// Makes the veil of a command that has one privilege of the four: such a command works on no private target.
    pub fn apart() -> Self {
        Self { apart: true, ..Self::default() }
    }

    /// Returns the id that stands for a repository, where it may not be named.
    pub fn hidden(&self, slug: &RepoSlug) -> Option<u64> {
        self.hidden.lock().unwrap_or_else(PoisonError::into_inner).get(slug).copied()
    }

    /// Returns whether any repository may not be named.
    pub fn hides(&self) -> bool {
        !self.hidden.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Names a repository as far as it may be.
    pub fn name(&self, slug: &RepoSlug) -> String {
        self.hidden(slug).map_or_else(|| slug.to_string(), shown)
    }

    /// Returns whether each privilege is a process of its own.
    pub const fn is_apart(&self) -> bool {
        self.apart
    }

    /// Takes the text of a private repository out of an event.
    pub fn event(&self, mut event: Event) -> Event {
        let repo = match &mut event {
            Event::AttemptFinished(one) => &mut one.repo,
            Event::RepositoryFinished(one) => &mut one.repo,
            Event::Refusal(one) => &mut one.repo,
            Event::Write(one) => &mut one.repo,
            Event::Outcome(one) => &mut one.repo,
            Event::Recovered(one) => &mut one.repo,
            Event::RunStarted(_) | Event::RunFinished(_) => return event,
        };
        let Some(id) = repo.parse().ok().and_then(|slug| self.hidden(&slug)) else { return event };
        *repo = shown(id);
        match &mut event {
            Event::AttemptFinished(one) => {
                one.error_type.clear();
                one.report.url.clear();
                one.logs.clear();
                if let Some(pull) = &mut one.pr {
                    pull.url.clear();
                }
            }
            Event::RepositoryFinished(one) => one.errors.clear(),
            Event::Refusal(one) => one.rule.sentence().clone_into(&mut one.message),
            Event::Write(one) => one.result = None,
            Event::Outcome(one) => {
                one.url.clear();
                (one.by, one.words) = (None, None);
            }
            Event::Recovered(_) | Event::RunStarted(_) | Event::RunFinished(_) => {}
        }
        event
    }
}

/// Writes the id that stands for a repository.
pub(crate) fn shown(id: u64) -> String {
    format!("repository {id}")
}

/// Names a piece of work for people who watch.
pub(crate) fn piece(context: &Context<'_>, slug: &RepoSlug, report: &ReportId) -> String {
    match (context.veil.hidden(slug), report) {
        (Some(id), ReportId::Run { .. }) => shown(id),
        _ => format!("{} {report}", context.veil.name(slug)),
    }
}

/// Looks whether work on a repository may be told of where the operator's state and artifacts lie. One that may not be
/// named is not named from here on, whatever is said of it.
pub(crate) async fn look(
    context: &Context<'_>,
    policy: &Policy,
    repository: &Repository,
) -> Result<(), RepositoryProblem> {
    if !repository.private {
        return Ok(());
    }
    let operator = context.veil.operator.get_or_try_init(async || {
        retry(context.system, async || context.state_forge.repository(context.operator).await)
            .await
            .map(|operator| operator.private)
    });
    if *operator.await.map_err(|error| problem(&error))? {
        return Ok(());
    }
    context.veil.hidden.lock().unwrap_or_else(PoisonError::into_inner).insert(policy.slug.clone(), repository.id);
    let opaque = context.config.state.private == PrivateTargets::Opaque;
    let message = match (opaque, context.veil.apart, policy.mode) {
        (true, false, mode) if mode != Mode::Approve => return Ok(()),
        (false, ..) => Reason::Visibility.sentence(),
        (true, true, _) => {
            "The target is private and state.private is opaque: nothing of it may lie where the four commands hand \
             things over, so it works with `run` alone."
        }
        (true, false, _) => {
            "The target is private and state.private is opaque: a candidate cannot wait for a person's word, so mode \
             approve does not work for it."
        }
    };
    Err(RepositoryProblem { reason: Reason::Visibility, message: message.to_owned(), retryable: false })
}

/// Keeps of a state what is ids, counters and money.
pub(crate) fn opaque(mut state: FailureState) -> FailureState {
    (state.sketch, state.hint) = (None, None);
    // A job is named in words.
    state.reports.retain(|report| matches!(report, ReportId::Issue { .. }));
    state
}

/// Keeps of a state what may be said of a repository.
pub(crate) fn veiled(context: &Context<'_>, slug: &RepoSlug, state: &FailureState) -> FailureState {
    if context.veil.hidden(slug).is_some() { opaque(state.clone()) } else { state.clone() }
}
