//! The state of one failure, as the state branch keeps it and the pull request's body shows it. Layer 0.

use serde::{Deserialize, Serialize};

use crate::model::{
    Family, Fingerprint, MicroUsd, ObjectId, ReportId, Sketch, Source, Status, Timestamp, Tokens, Untrusted,
};

/// The schema's name, written into every state.
pub const STATE_SCHEMA: &str = "homeostat.state/1";

/// One past attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AttemptRecord {
    /// When it ended.
    pub at: Timestamp,
    /// `native`, `pattern`, or the model tier.
    pub tier: Option<String>,
    /// How it ended.
    pub status: Status,
    /// Fingerprint of the first diagnostic after the patch, else a hash of the normalised tail.
    pub failure_signature: Option<String>,
    /// Why, where it was not fixed.
    pub reason: Option<String>,
}

/// The state of one failure (REFERENCE.md, Files; schema `shared/schemas/state.json`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FailureState {
    /// [`STATE_SCHEMA`].
    pub schema: String,
    /// The birth fingerprint.
    pub fingerprint: Fingerprint,
    /// The family at first sighting.
    pub family: Family,
    /// What relatives are found by; states from before there was one have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sketch: Option<Sketch>,
    /// Reports known to be about it, the canonical one first.
    #[serde(default)]
    pub reports: Vec<ReportId>,
    /// The tier of the last attempt.
    pub tier: Option<String>,
    /// Attempts in this episode.
    pub attempts: u32,
    /// When the last attempt ended.
    #[serde(rename = "lastAttemptAt")]
    pub last_attempt_at: Option<Timestamp>,
    /// Until when nothing is tried.
    #[serde(rename = "backoffUntil")]
    pub backoff_until: Option<Timestamp>,
    /// Money spent in this episode.
    pub cost: MicroUsd,
    /// Tokens spent in this episode.
    pub tokens: Tokens,
    /// Who made the patch, where there is one.
    pub source: Option<Source>,
    /// How the last attempt ended.
    pub status: Option<Status>,
    /// The pattern's id, where a pattern made the patch.
    pub pattern: Option<String>,
    /// The pattern's confidence at that moment.
    pub confidence: Option<f64>,
    /// The tested base commit.
    pub base_sha: Option<ObjectId>,
    /// The tree of the candidate.
    pub tree: Option<ObjectId>,
    /// The episode, from 1.
    pub episode: u32,
    /// Hash of the policy under which the last attempt was made.
    pub config_hash: Option<String>,
    /// Hash of everything an attempt depends on; an attempt needs a changed one.
    #[serde(default)]
    pub input_hash: Option<String>,
    /// Words of people already acted on: event ids of `retry` and of trigger labels put on again.
    #[serde(default)]
    pub words_used: Vec<String>,
    /// Trees once closed or reverted: never proposed again.
    #[serde(default)]
    pub rejected_trees: Vec<ObjectId>,
    /// The failure whose patch mends this one too; nothing is tried while that patch is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subsumed_by: Option<Fingerprint>,
    /// What a person with write access wrote behind `/homeostat fix`, redacted: a word for models, and an input of attempts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<Untrusted>,
    /// Its proven patch lies on a branch, and the forge refused to let a pull request be opened from it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub awaiting_pr: bool,
    /// Past attempts of this episode, oldest first.
    pub attempts_log: Vec<AttemptRecord>,
}

impl FailureState {
    /// Makes the state of a failure never tried.
    pub fn new(fingerprint: Fingerprint, family: Family, episode: u32) -> Self {
        Self {
            schema: STATE_SCHEMA.to_owned(),
            fingerprint,
            family,
            sketch: None,
            reports: Vec::new(),
            tier: None,
            attempts: 0,
            last_attempt_at: None,
            backoff_until: None,
            cost: MicroUsd::ZERO,
            tokens: Tokens::default(),
            source: None,
            status: None,
            pattern: None,
            confidence: None,
            base_sha: None,
            tree: None,
            episode,
            config_hash: None,
            input_hash: None,
            words_used: Vec::new(),
            rejected_trees: Vec::new(),
            subsumed_by: None,
            hint: None,
            awaiting_pr: false,
            attempts_log: Vec::new(),
        }
    }
}
