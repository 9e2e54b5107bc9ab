//! How much a pattern is trusted: a Beta posterior, and its lower bound. Layer 1.
//!
//! The bound, mean minus one standard deviation, is the one number that is compared with the thresholds everywhere.
//! Weights and half-life are those of the design's ranking; what happened long ago counts less.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::Timestamp;

/// The prior of a hand-written pattern whose examples replay: bound .81.
pub const AUTHORED_PRIOR: (f64, f64) = (9.0, 1.0);
/// After how long an outcome counts half.
pub const HALF_LIFE: Duration = Duration::from_hours(4320);
/// The bound below which a pattern is suspended.
pub const SUSPENDED_BELOW: f64 = 0.35;

/// A Beta distribution over how often a pattern is right.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Posterior {
    /// Weight of successes.
    pub alpha: f64,
    /// Weight of failures.
    pub beta: f64,
}

impl Posterior {
    /// Makes one from a prior.
    pub const fn new((alpha, beta): (f64, f64)) -> Self {
        Self { alpha, beta }
    }

    /// Returns the mean.
    pub fn mean(self) -> f64 {
        self.alpha / (self.alpha + self.beta)
    }

    /// Returns the standard deviation.
    pub fn deviation(self) -> f64 {
        let sum = self.alpha + self.beta;
        (self.alpha * self.beta / (sum * sum * (sum + 1.0))).sqrt()
    }

    /// Returns the mean minus one standard deviation, not below zero: the confidence.
    pub fn lower_bound(self) -> f64 {
        (self.mean() - self.deviation()).max(0.0)
    }
}

/// What became of a patch that a pattern made, or would have made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Merged as it was.
    Merged,
    /// Merged after a person changed it.
    MergedEdited,
    /// A person's own fix was the same.
    ShadowAgreed,
    /// An example that was left out is solved.
    ReplayHeld,
    /// Closed without a merge.
    Closed,
    /// The tests were red with it.
    TestsRed,
    /// Merged and taken back.
    Reverted,
    /// A person's own fix was another.
    ShadowDiffered,
}

impl Outcome {
    /// Returns the weights of success and failure.
    pub const fn weights(self) -> (f64, f64) {
        match self {
            Self::Merged => (1.0, 0.0),
            Self::MergedEdited | Self::ShadowAgreed => (0.5, 0.0),
            Self::ReplayHeld => (0.3, 0.0),
            Self::Closed | Self::TestsRed => (0.0, 1.0),
            Self::Reverted => (0.0, 3.0),
            Self::ShadowDiffered => (0.0, 0.3),
        }
    }
}

/// What was seen of one pattern, decayed to one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// Weight of successes at `as_of`.
    pub successes: f64,
    /// Weight of failures at `as_of`.
    pub failures: f64,
    /// The moment that the weights are for.
    pub as_of: Timestamp,
    /// Whether it must not fire, whatever its bound.
    #[serde(default)]
    pub suspended: bool,
}

impl Seen {
    /// Returns the same at a later moment.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        let factor = (-now.since(self.as_of).as_secs_f64() / HALF_LIFE.as_secs_f64()).exp2();
        Self {
            successes: self.successes * factor,
            failures: self.failures * factor,
            as_of: now.max(self.as_of),
            ..self
        }
    }
}

/// Statistics of patterns, by id and digest: another content is another pattern.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Statistics(BTreeMap<String, Seen>);

impl Statistics {
    fn key(id: &str, digest: &str) -> String {
        format!("{id}@{digest}")
    }

    /// Returns what was seen of a pattern.
    pub fn of(&self, id: &str, digest: &str) -> Option<Seen> {
        self.0.get(&Self::key(id, digest)).copied()
    }

    /// Adds an outcome; a revert suspends.
    pub fn note(&mut self, id: &str, digest: &str, outcome: Outcome, at: Timestamp) {
        let seen = self.0.entry(Self::key(id, digest)).or_insert(Seen { as_of: at, ..Seen::default() });
        *seen = seen.at(at);
        let (success, failure) = outcome.weights();
        seen.successes += success;
        seen.failures += failure;
        seen.suspended |= outcome == Outcome::Reverted;
    }

    /// Returns the posterior of a pattern at a moment, from its prior and what was seen.
    pub fn posterior(&self, prior: (f64, f64), id: &str, digest: &str, now: Timestamp) -> Posterior {
        let seen = self.of(id, digest).unwrap_or_default().at(now);
        Posterior { alpha: prior.0 + seen.successes, beta: prior.1 + seen.failures }
    }

    /// Returns the confidence of a pattern at a moment; `None` when it is suspended and must not fire.
    pub fn confidence(&self, prior: (f64, f64), id: &str, digest: &str, now: Timestamp) -> Option<f64> {
        let bound = self.posterior(prior, id, digest, now).lower_bound();
        let suspended = self.of(id, digest).is_some_and(|seen| seen.suspended) || bound < SUSPENDED_BELOW;
        (!suspended).then_some(bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-4
    }

    #[test]
    fn a_hand_written_pattern_starts_at_a_bound_of_81_percent() {
        let prior = Posterior::new(AUTHORED_PRIOR);
        // mean 9/10; variance 9*1/(100*11); 0.9 - 0.0904534
        assert!(near(prior.mean(), 0.9) && near(prior.deviation(), 0.090_453));
        assert!(near(prior.lower_bound(), 0.809_547), "{}", prior.lower_bound());
    }

    #[test]
    fn outcomes_move_the_bound_as_computed_by_hand() {
        let now = Timestamp::from_millis(1_000_000);
        let mut seen = Statistics::default();
        seen.note("a", "d", Outcome::Merged, now);
        // Beta(10, 1): 10/11 - sqrt(10/(121*12))
        assert!(near(seen.posterior(AUTHORED_PRIOR, "a", "d", now).lower_bound(), 0.826_104));
        seen.note("a", "d", Outcome::Closed, now);
        // Beta(10, 2): 10/12 - sqrt(20/(144*13))
        assert!(near(seen.posterior(AUTHORED_PRIOR, "a", "d", now).lower_bound(), 0.729_970));
        // Another content is another pattern.
        assert!(near(seen.posterior(AUTHORED_PRIOR, "a", "e", now).lower_bound(), 0.809_547));
    }

    #[test]
    fn what_was_seen_counts_half_after_the_half_life() {
        let then = Timestamp::from_millis(0);
        let now = then.after(HALF_LIFE);
        let mut seen = Statistics::default();
        seen.note("a", "d", Outcome::Merged, then);
        assert!(near(seen.posterior((9.0, 1.0), "a", "d", now).alpha, 9.5));
        // A clock that runs backwards changes nothing.
        seen.note("b", "d", Outcome::Merged, now);
        assert!(near(seen.posterior((9.0, 1.0), "b", "d", then).alpha, 10.0));
    }

    #[test]
    fn a_revert_and_a_low_bound_suspend() {
        let now = Timestamp::from_millis(0);
        let mut seen = Statistics::default();
        assert!(seen.confidence(AUTHORED_PRIOR, "a", "d", now).is_some());
        seen.note("a", "d", Outcome::Reverted, now);
        assert_eq!(seen.confidence(AUTHORED_PRIOR, "a", "d", now), None);
        assert_eq!(seen.confidence((1.0, 2.0), "b", "d", now), None);
    }

    #[test]
    fn statistics_round_trip_as_json() -> Result<(), serde_json::Error> {
        let mut seen = Statistics::default();
        seen.note("a", "sha256:1", Outcome::MergedEdited, Timestamp::from_millis(5));
        let text = serde_json::to_string(&seen)?;
        assert_eq!(serde_json::from_str::<Statistics>(&text)?, seen);
        Ok(())
    }
}
