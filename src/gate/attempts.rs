//! Attempts, cooldown, and the rule that an attempt needs a changed input (PROTOCOL.md, 4). Layer 1.

use std::time::Duration;

use crate::model::{
    AttemptRecord, FailureState, Fingerprint, Limits, Reason, ReasonClass, Status, Timestamp, sha256_prefixed,
};

/// Everything an attempt depends on, hashed: when none of it changes, neither can the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptInputs {
    /// Over the blobs that the report points at, the library, the policy, the tiers and people's hints.
    pub specific: String,
    /// Over the base commit and the policy: what an unusable baseline is remembered by.
    pub baseline: String,
}

impl AttemptInputs {
    /// Hashes the inputs; `blobs` are object ids of the files that the report's frames lie in.
    pub fn new(base: &str, blobs: &[&str], library: &str, config_hash: &str, body_hash: &str) -> Self {
        let mut parts = vec!["specific", library, config_hash, body_hash];
        parts.extend_from_slice(blobs);
        // Without a file to look at, anything in the repository may matter.
        if blobs.is_empty() {
            parts.push(base);
        }
        Self { specific: sha256_prefixed(&parts), baseline: sha256_prefixed(&["baseline", base, config_hash]) }
    }

    /// Adds what an attempt to replace a patch of ours depends on besides: the head that is to be replaced, and the base
    /// where that is what it conflicts with. Each is a changed input by itself (PROTOCOL.md, 4).
    #[must_use]
    pub fn replacing(self, head: &str, base: Option<&str>) -> Self {
        Self { specific: sha256_prefixed(&["replacing", &self.specific, head, base.unwrap_or_default()]), ..self }
    }

    /// Adds a person's hint, where there is one.
    #[must_use]
    pub fn hinted(self, hint: Option<&str>) -> Self {
        let Some(hint) = hint else { return self };
        Self { specific: sha256_prefixed(&["hinted", &self.specific, hint]), ..self }
    }

    /// Returns the hash by which an attempt that ended so is remembered.
    pub fn remembered(&self, reason: Option<Reason>) -> &str {
        match reason {
            Some(
                Reason::SetupFailed
                | Reason::NoTests
                | Reason::BaselineRed
                | Reason::BaselineTimeout
                | Reason::NoTestCommand
                | Reason::SandboxTooWeak
                | Reason::UnsupportedPlatform
                | Reason::NotReproduced
                | Reason::Flaky
                | Reason::Platform,
            ) => &self.baseline,
            _ => &self.specific,
        }
    }
}

/// Says that an attempt may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next {
    /// Its number in the episode, from 1.
    pub attempt: u32,
}

/// Decides whether another attempt may begin now; `forced` is a person's direct order, which passes over the cooldown
/// and an unchanged input, never over the number of attempts.
///
/// # Errors
/// [`Reason::GaveUp`], [`Reason::CoolingDown`] or [`Reason::Unchanged`].
pub fn next_attempt(
    state: Option<&FailureState>,
    inputs: &AttemptInputs,
    limits: &Limits,
    now: Timestamp,
    forced: bool,
) -> Result<Next, Reason> {
    let Some(state) = state else { return Ok(Next { attempt: 1 }) };
    if state.attempts >= limits.max_attempts {
        return Err(Reason::GaveUp);
    }
    if !forced {
        if state.backoff_until.is_some_and(|until| until > now) {
            return Err(Reason::CoolingDown);
        }
        if state.input_hash.as_deref().is_some_and(|seen| seen == inputs.specific || seen == inputs.baseline) {
            return Err(Reason::Unchanged);
        }
    }
    Ok(Next { attempt: state.attempts + 1 })
}

/// Where a failure stands after attempts that mended nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Another attempt may begin once its input changes.
    Attempted,
    /// Another one may begin after a wait.
    CoolingDown,
    /// No other one begins unless a person asks for it.
    GaveUp,
}

/// Returns where a failure stands; nothing where nothing was tried, or the last attempt mended it.
pub fn standing(state: &FailureState, limits: &Limits, now: Timestamp) -> Option<Standing> {
    if state.attempts == 0 || state.status == Some(Status::Fixed) {
        None
    } else if state.attempts >= limits.max_attempts {
        Some(Standing::GaveUp)
    } else if state.backoff_until.is_some_and(|until| until > now) {
        Some(Standing::CoolingDown)
    } else {
        Some(Standing::Attempted)
    }
}

/// Returns the wait after attempt `n`: the configured cooldown, doubled with each further attempt.
pub fn cooldown_after(attempt: u32, limits: &Limits) -> Duration {
    limits.cooldown.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1).min(16)))
}

/// Returns the state after an attempt ended; `counts` says whether it is one by PROTOCOL.md, 4.
#[must_use]
pub fn settle(
    mut state: FailureState,
    record: AttemptRecord,
    counts: bool,
    inputs: &AttemptInputs,
    reason: Option<Reason>,
    limits: &Limits,
) -> FailureState {
    if counts {
        state.attempts += 1;
        state.last_attempt_at = Some(record.at);
        state.backoff_until =
            (record.status != Status::Fixed).then(|| record.at.after(cooldown_after(state.attempts, limits)));
    }
    state.status = Some(record.status);
    state.tier.clone_from(&record.tier);
    state.input_hash = Some(inputs.remembered(reason).to_owned());
    state.attempts_log.push(record);
    // The log is for people and for models that learn from it; the newest tell enough.
    let excess = state.attempts_log.len().saturating_sub(16);
    state.attempts_log.drain(..excess);
    state
}

/// Returns the state after a run that had leased the failure never said what became of it: one attempt, without a wait,
/// so that a failure which kills every run is given up in the end (PROTOCOL.md, 1; F-65).
#[must_use]
pub fn unrecorded(mut state: FailureState, deadline: Timestamp) -> FailureState {
    state.attempts += 1;
    state.last_attempt_at = state.last_attempt_at.max(Some(deadline));
    state
}

/// Returns the state after a person's word asked for more: fresh attempts, and the word is used.
#[must_use]
pub fn asked_again(mut state: FailureState, word: String) -> FailureState {
    state.attempts = 0;
    (state.input_hash, state.backoff_until, state.subsumed_by) = (None, None, None);
    state.words_used.push(word);
    state
}

/// Returns the state after a proven candidate was not published; `because_of` is the failure whose pull request makes the
/// same change.
#[must_use]
pub fn unpublished(mut state: FailureState, reason: Reason, because_of: Option<Fingerprint>) -> FailureState {
    state.tree = None;
    if reason.class() == ReasonClass::Rule {
        state.status = Some(Status::Refused);
        return state;
    }
    // No proof failed and no model is to blame: it was no attempt (PROTOCOL.md, 4).
    state.attempts = state.attempts.saturating_sub(1);
    state.status = Some(Status::Skipped);
    state.subsumed_by = because_of;
    // What somebody else's branch or name holds up would only be held up again; all else is open again at once.
    let held_up = matches!(reason, Reason::ForeignBranch | Reason::HumanOwned | Reason::NameCollision);
    if !held_up {
        state.input_hash = None;
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;

    fn inputs(blob: &str) -> AttemptInputs {
        AttemptInputs::new("base", &[blob], "library", "config", "body")
    }

    fn fresh() -> FailureState {
        FailureState::new(Fingerprint::of(b"f"), Family::of(b"f"), 1)
    }

    fn failed_at(state: FailureState, hours: i64, blob: &str) -> FailureState {
        let at = Timestamp::from_millis(hours * 3_600_000);
        let record = AttemptRecord {
            at,
            tier: Some("pattern".to_owned()),
            status: Status::Unfixed,
            failure_signature: None,
            reason: Some("target-still-red".to_owned()),
        };
        settle(state, record, true, &inputs(blob), Some(Reason::TargetStillRed), &Limits::default())
    }

    fn try_at(state: &FailureState, hours: i64, blob: &str) -> Result<u32, Reason> {
        let now = Timestamp::from_millis(hours * 3_600_000);
        next_attempt(Some(state), &inputs(blob), &Limits::default(), now, false).map(|next| next.attempt)
    }

    #[test]
    fn three_attempts_with_a_day_and_two_days_between_then_given_up() {
        let once = failed_at(fresh(), 0, "a");
        assert_eq!(try_at(&once, 23, "b"), Err(Reason::CoolingDown));
        assert_eq!(try_at(&once, 24, "b"), Ok(2));
        let twice = failed_at(once, 24, "b");
        assert_eq!(try_at(&twice, 24 + 47, "c"), Err(Reason::CoolingDown));
        assert_eq!(try_at(&twice, 24 + 48, "c"), Ok(3));
        let thrice = failed_at(twice, 72, "c");
        assert_eq!(try_at(&thrice, 10_000, "d"), Err(Reason::GaveUp));
    }

    #[test]
    fn an_attempt_needs_a_changed_input() {
        let once = failed_at(fresh(), 0, "a");
        assert_eq!(try_at(&once, 1000, "a"), Err(Reason::Unchanged));
        assert_eq!(try_at(&once, 1000, "b"), Ok(2));
    }

    #[test]
    fn an_unusable_baseline_is_remembered_by_commit_and_configuration() {
        let record = AttemptRecord {
            at: Timestamp::default(),
            tier: None,
            status: Status::Skipped,
            failure_signature: None,
            reason: None,
        };
        let state = settle(fresh(), record, false, &inputs("a"), Some(Reason::NoTests), &Limits::default());
        assert_eq!(state.attempts, 0);
        assert_eq!(try_at(&state, 1, "other blob"), Err(Reason::Unchanged));
        let moved = AttemptInputs::new("next base", &["a"], "library", "config", "body");
        assert!(next_attempt(Some(&state), &moved, &Limits::default(), Timestamp::default(), false).is_ok());
    }

    #[test]
    fn a_direct_order_passes_over_the_cooldown_but_not_over_the_number_of_attempts() {
        let once = failed_at(fresh(), 0, "a");
        let forced = |state: &FailureState| {
            next_attempt(Some(state), &inputs("a"), &Limits::default(), Timestamp::default(), true)
        };
        assert_eq!(forced(&once), Ok(Next { attempt: 2 }));
        let spent = failed_at(failed_at(once, 1, "b"), 2, "c");
        assert_eq!(forced(&spent), Err(Reason::GaveUp));
    }
}
