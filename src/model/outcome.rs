//! What became of a pull request of ours, as events tell it and as the state branch remembers it. Layer 0.
//!
//! It holds no text of people that is not redacted; what counts as what is `gate`'s business.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Fingerprint, ObjectId, Source, Timestamp};

/// The schema's name, written into every file of remembered outcomes.
pub const OUTCOMES_SCHEMA: &str = "homeostat.outcomes/1";

/// What became of a pull request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PullEnd {
    /// It was merged.
    Merged,
    /// It was closed without a merge.
    Closed,
    /// It was merged, and a later commit of the base took it back.
    Reverted,
}

impl PullEnd {
    /// Returns its name, as events have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Merged => "merged",
            Self::Closed => "closed",
            Self::Reverted => "reverted",
        }
    }
}

/// What became of one pull request of ours, told once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PullOutcome {
    /// The repository.
    pub repo: String,
    /// The failure.
    pub fingerprint: String,
    /// The episode.
    pub episode: u32,
    /// What became of it.
    pub outcome: PullEnd,
    /// The pull request's number.
    pub number: u64,
    /// Where a person can look at it.
    pub url: String,
    /// Its branch.
    pub branch: String,
    /// The tree that was proposed.
    pub tree: String,
    /// The candidate's digest, where the record of the attempt is still there.
    pub candidate: Option<String>,
    /// Who made the patch, where the record of the attempt is still there.
    pub source: Option<Source>,
    /// The pattern, where one made it and the record is still there.
    pub pattern: Option<String>,
    /// When it happened; of a revert, when it was seen.
    pub at: Timestamp,
    /// Who merged or closed it.
    pub by: Option<String>,
    /// What they wrote when they closed it, or the message of the commit that took it back; redacted and cut.
    pub words: Option<String>,
    /// The commit that merged it, or that took it back.
    pub commit: Option<String>,
    /// Seconds from its opening to its merge.
    pub seconds_to_merge: Option<u64>,
    /// Lines that people changed on top of the patch before it was merged; nothing where that cannot be told.
    pub lines_on_top: Option<u64>,
}

/// What is remembered of one pull request, so that each outcome is told once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownOutcome {
    /// The failure.
    pub fingerprint: Fingerprint,
    /// The episode.
    pub episode: u32,
    /// What became of it so far.
    pub outcome: PullEnd,
    /// When it was merged or closed.
    pub at: Timestamp,
    /// The commit that merged it.
    pub merge: Option<ObjectId>,
    /// When a revert was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverted_at: Option<Timestamp>,
    /// That the base turned red with it, once that was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub red: Option<KnownRed>,
}

/// What is remembered of a merge with which the base turned red.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownRed {
    /// When it was seen.
    pub at: Timestamp,
    /// The failed run.
    pub run: u64,
    /// The pull request that takes the merge back, where one was proposed.
    pub revert: Option<u64>,
}

/// What is remembered of one repository's pull requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownOutcomes {
    /// [`OUTCOMES_SCHEMA`].
    pub schema: String,
    /// By number.
    pub pulls: BTreeMap<u64, KnownOutcome>,
    /// The repository's tracking issue, once there is one.
    pub tracking: Option<u64>,
    /// When we paused the repository; nothing while it is not paused by us.
    pub paused_at: Option<Timestamp>,
    /// From when on closed pull requests are counted: since a person resumed.
    pub counted_from: Option<Timestamp>,
}

impl Default for KnownOutcomes {
    fn default() -> Self {
        Self {
            schema: OUTCOMES_SCHEMA.to_owned(),
            pulls: BTreeMap::new(),
            tracking: None,
            paused_at: None,
            counted_from: None,
        }
    }
}
