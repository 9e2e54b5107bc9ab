//! How an attempt ends without a candidate: its status, whether it counts, and what is remembered. Layer 4.

use super::{Ending, Means};
use crate::engine::Work;
use crate::engine::baseline::observe;
use crate::fingerprint;
use crate::gate;
use crate::model::{AttemptRecord, MicroUsd, Reason, ReasonClass, Settled, Status, Tokens, sha256_hex};
use crate::workspace::Execution;

/// Names how a run failed: the fingerprint of its first diagnostic, else a hash of the normalised end (REFERENCE.md).
pub(super) fn signature(execution: &Execution) -> String {
    match observe(execution).failures.first() {
        Some((_, failure)) => fingerprint::identify(failure).fingerprint.to_string(),
        None => tail_signature(&execution.output),
    }
}

/// Hashes the last fifty lines with everything that changes from run to run taken out.
fn tail_signature(output: &str) -> String {
    let lines: Vec<&str> = output.lines().collect();
    let tail: Vec<String> = lines[lines.len().saturating_sub(50)..]
        .iter()
        .map(|line| fingerprint::message_class("any", line).template)
        .collect();
    sha256_hex(tail.join("\n").as_bytes())
}

/// Settles an attempt that left no candidate.
pub(super) fn settled(work: &Work, means: &Means<'_>, ending: &Ending) -> Settled {
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
