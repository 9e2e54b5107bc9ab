//! How one attempt ends: with a candidate or without, and what is kept of it. Layer 4.

use std::collections::BTreeSet;

use crate::engine::baseline::{Unusable, machine};
use crate::engine::fixers::Fixer;
use crate::engine::{Attempted, Work};
use crate::gate;
use crate::model::{
    AttemptRecord, MicroUsd, Patch, Policy, Reason, ReasonClass, Settled, Status, Timestamp, Tokens, Verdict,
};
use crate::workspace::WorkspaceError;

/// The output of one side of a proof, kept for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestLog {
    /// `setup`, `before` or `after`.
    pub side: &'static str,
    /// The output; redacted where it is written.
    pub text: String,
}

impl TestLog {
    /// Keeps an output.
    pub fn new(side: &'static str, text: &str) -> Self {
        Self { side, text: text.to_owned() }
    }
}

/// What one attempt came to, with what people may want to look at.
#[derive(Debug)]
pub struct Outcome {
    /// A proven patch, or the end without one.
    pub attempted: Attempted,
    /// Test logs.
    pub logs: Vec<TestLog>,
    /// The guardrails' verdict on a refused patch.
    pub verdict: Option<Verdict>,
    /// The refused patch.
    pub refused: Option<Patch>,
    /// The proven patch.
    pub proven: Option<Patch>,
    /// Tests that failed before and pass with the patch.
    pub turned_green: BTreeSet<String>,
    /// Money spent.
    pub cost: MicroUsd,
    /// Tokens spent.
    pub tokens: Tokens,
    /// Ids of patterns that were tried.
    pub tried: Vec<String>,
}

impl Outcome {
    /// Makes the outcome of an attempt that left no candidate.
    pub(crate) fn without_candidate(settled: Settled) -> Self {
        Self {
            attempted: Attempted::Settled(Box::new(settled)),
            logs: Vec::new(),
            verdict: None,
            refused: None,
            proven: None,
            turned_green: BTreeSet::new(),
            cost: MicroUsd::ZERO,
            tokens: Tokens::default(),
            tried: Vec::new(),
        }
    }
}

/// What an attempt may use.
#[derive(Clone, Copy)]
pub struct Means<'a> {
    /// The repository's settings.
    pub policy: &'a Policy,
    /// Fixers, the cheapest first.
    pub fixers: &'a [&'a dyn Fixer],
    /// The run's id, version and the forge's time at the attempt.
    pub run_id: &'a str,
    /// Where a person can look at the run.
    pub run_url: Option<&'a str>,
    /// The program's version.
    pub version: &'a str,
    /// The forge's clock when the attempt began.
    pub now: Timestamp,
}

impl std::fmt::Debug for Means<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Means").field("run_id", &self.run_id).finish_non_exhaustive()
    }
}

/// Why an attempt ended without a candidate.
pub(crate) struct Ending {
    pub(crate) reason: Reason,
    pub(crate) message: String,
    pub(crate) signature: Option<String>,
}

impl From<Reason> for Ending {
    fn from(reason: Reason) -> Self {
        Self { reason, message: reason.sentence().to_owned(), signature: None }
    }
}

impl From<WorkspaceError> for Ending {
    fn from(error: WorkspaceError) -> Self {
        let Unusable { reason, message, .. } = machine(error);
        Self { reason, message, signature: None }
    }
}

/// Settles an attempt that left no candidate.
pub(crate) fn settled(work: &Work, means: &Means<'_>, ending: &Ending) -> Settled {
    let status = status_of(ending.reason);
    let counts = counts_as_attempt(ending.reason);
    let record = AttemptRecord {
        at: means.now,
        tier: None,
        status,
        failure_signature: ending.signature.clone(),
        reason: Some(ending.reason.to_string()),
    };
    let twice = ending.signature.is_some()
        && work.state.attempts_log.last().is_some_and(|last| last.failure_signature == ending.signature);
    // The same failure twice is deterministic: trying again changes nothing (PRODUCT.md, Fix).
    let reason = if twice { Reason::Deterministic } else { ending.reason };
    let mut state =
        gate::settle(work.state.clone(), record, counts, &work.inputs(), Some(ending.reason), &means.policy.limits);
    state.base_sha = Some(work.base_sha.clone());
    state.config_hash = Some(means.policy.config_hash());
    Settled {
        slug: work.slug.clone(),
        repository_id: work.repository_id,
        fingerprint: work.fingerprint.clone(),
        report: work.report.id.clone(),
        status,
        reason,
        message: ending.message.clone(),
        counts,
        state_after: state,
        cost: MicroUsd::ZERO,
        tokens: Tokens::default(),
        started_at: means.now,
        completed_at: means.now,
        logs: Vec::new(),
    }
}

/// Returns how an attempt that ended for a reason ended.
fn status_of(reason: Reason) -> Status {
    match reason.class() {
        ReasonClass::Rule => Status::Refused,
        ReasonClass::Backlog | ReasonClass::Report | ReasonClass::Repository => Status::Skipped,
        ReasonClass::Forge => Status::Failed,
        ReasonClass::Attempt => match reason {
            Reason::Infrastructure => Status::Failed,
            Reason::NotReproduced | Reason::Platform | Reason::Flaky => Status::Skipped,
            _ => Status::Unfixed,
        },
    }
}

/// Returns whether an end is an attempt by PROTOCOL.md, 4: a proof failed, or a model was called.
const fn counts_as_attempt(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::TargetStillRed
            | Reason::TestsBroken
            | Reason::TestsSkipped
            | Reason::TestTimeout
            | Reason::TestResource
            | Reason::ChecksWorse
            | Reason::Deterministic
            | Reason::ModelOutputInvalid
    )
}

/// Ends an attempt whose baseline, or whose checkout, cannot be used.
pub(crate) fn without_baseline(work: &Work, unusable: &Unusable, means: &Means<'_>) -> Outcome {
    let ending = Ending { reason: unusable.reason, message: unusable.message.clone(), signature: None };
    let mut outcome = Outcome::without_candidate(settled(work, means, &ending));
    outcome.logs.clone_from(&unusable.logs);
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nobodys_fault_counts_as_no_attempt() {
        for reason in
            [Reason::BaseMoved, Reason::Infrastructure, Reason::Budget, Reason::NotReproduced, Reason::Platform]
        {
            assert!(!counts_as_attempt(reason), "{reason}");
        }
        assert!(counts_as_attempt(Reason::TestsBroken));
    }

    #[test]
    fn every_reason_ends_an_attempt_in_exactly_one_way() {
        assert_eq!(status_of(Reason::DiffLines), Status::Refused);
        assert_eq!(status_of(Reason::NoFixer), Status::Unfixed);
        assert_eq!(status_of(Reason::NoTests), Status::Skipped);
        assert_eq!(status_of(Reason::Infrastructure), Status::Failed);
    }
}
