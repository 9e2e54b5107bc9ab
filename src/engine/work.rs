//! What flows through the engine: work that was chosen, and what became of it. Layer 4.

use serde::{Deserialize, Serialize};

use crate::engine::shards::Shard;
use crate::engine::shown::OutdatedLabel;
use crate::gate::{AttemptInputs, Caps};
use crate::model::{
    BranchName, Candidate, Failure, FailureState, Family, Fingerprint, MicroUsd, ObjectId, Policy, Reason, Related,
    RepoSlug, Report, ReportId, Settled, Timestamp,
};

/// The schema's name of a reservation file.
pub const RESERVATION_SCHEMA: &str = "homeostat.reservation/1";

/// One failure that this run may work on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// The forge's id of the repository.
    pub repository_id: u64,
    /// The repository.
    pub slug: RepoSlug,
    /// The branch that the fix is for.
    pub base_branch: BranchName,
    /// Its head: what everything is proved on.
    pub base_sha: ObjectId,
    /// The canonical report.
    pub report: Report,
    /// Every report of this failure, the canonical one first.
    pub reports: Vec<ReportId>,
    /// What the report says.
    pub failure: Failure,
    /// The birth fingerprint.
    pub fingerprint: Fingerprint,
    /// The family.
    pub family: Family,
    /// The episode, from 1.
    pub episode: u32,
    /// An earlier fix was merged, and the failure came back.
    pub regression: bool,
    /// The person's word that opened the episode.
    pub word: Option<String>,
    /// This attempt's number in the episode.
    pub attempt: u32,
    /// Hashes of what the attempt depends on.
    pub inputs_specific: String,
    /// Hash of what the baseline depends on.
    pub inputs_baseline: String,
    /// The head of our own open pull request whose patch is to be replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<ObjectId>,
    /// The failure's state before.
    pub state: FailureState,
    /// Near duplicates, and failures that resemble it, for readers of the pull request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<Related>,
}

impl Work {
    /// Returns the hashes of what the attempt depends on.
    pub fn inputs(&self) -> AttemptInputs {
        AttemptInputs { specific: self.inputs_specific.clone(), baseline: self.inputs_baseline.clone() }
    }
}

/// A report that this run leaves alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SkippedReport {
    /// The repository.
    pub slug: RepoSlug,
    /// The report.
    pub report: ReportId,
    /// Its failure, where one was read.
    pub fingerprint: Option<Fingerprint>,
    /// Why.
    pub reason: Reason,
    /// What happened and what to do, in whole sentences.
    pub message: String,
    /// When the report was opened, for the backlog's age.
    pub since: Timestamp,
}

/// A report whose failure another report speaks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DuplicateReport {
    /// The repository.
    pub slug: RepoSlug,
    /// The duplicate's issue.
    pub issue: u64,
    /// The canonical issue.
    pub canonical: u64,
    /// The open pull request for the failure, where there is one already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull: Option<u64>,
}

/// One repository as `reserve` saw it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RepositoryView {
    /// The repository.
    pub slug: RepoSlug,
    /// The forge's id, where it could be read.
    pub id: Option<u64>,
    /// Reports read.
    pub issues_processed: u64,
    /// Failed runs read.
    pub runs_processed: u64,
    /// Open pull requests of ours.
    pub open_pulls: u32,
    /// Pull requests kept, with their failures.
    pub kept: Vec<KeptPull>,
    /// What went wrong with the repository as a whole.
    pub error: Option<RepositoryProblem>,
    /// Nothing of it may be said but its id (V-107).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
}

/// Why a repository could not be worked on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryProblem {
    /// The code.
    pub reason: Reason,
    /// Whole sentences.
    pub message: String,
    /// Whether trying again may help.
    pub retryable: bool,
}

/// An open pull request of ours that stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptPull {
    /// Its number.
    pub number: u64,
    /// Where a person can look at it.
    pub url: String,
    /// Its branch.
    pub branch: BranchName,
    /// Its failure.
    pub fingerprint: Fingerprint,
    /// Its episode.
    pub episode: u32,
    /// Whether it is a draft.
    pub draft: bool,
}

/// What `reserve` hands to `propose`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reservation {
    /// [`RESERVATION_SCHEMA`].
    pub schema: String,
    /// The run.
    pub run_id: String,
    /// When it was made, by the forge's clock.
    pub made_at: Timestamp,
    /// When the lease ends, by the forge's clock.
    pub deadline: Timestamp,
    /// Money granted to the run.
    pub grant: MicroUsd,
    /// The one repository that the run is about, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<RepoSlug>,
    /// Repositories, in the configuration's order.
    pub repositories: Vec<RepositoryView>,
    /// Work, in the order in which it is to be done.
    pub works: Vec<Work>,
    /// Reports left alone.
    pub skipped: Vec<SkippedReport>,
    /// Duplicates, whose issues get one comment.
    pub duplicates: Vec<DuplicateReport>,
    /// Labels of ours that show what is over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outdated: Vec<OutdatedLabel>,
    /// The parts that it was divided into, where it was: none where there is no work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shards: Option<Vec<Shard>>,
}

/// What became of one piece of work.
#[derive(Debug, Clone, PartialEq)]
pub enum Attempted {
    /// A proven patch.
    Proven(Box<Candidate>),
    /// Anything else.
    Settled(Box<Settled>),
}

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

/// Returns the caps of a repository.
pub(super) fn caps(policy: &Policy, per_day: u32) -> Caps {
    Caps { per_run: policy.max_prs_per_run, open: policy.max_open_prs, per_day }
}
