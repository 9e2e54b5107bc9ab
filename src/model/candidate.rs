//! What `propose` hands to `record` and `publish`: proven patches and the ends of the other attempts. Layer 0.

use serde::{Deserialize, Serialize};

use crate::model::{
    Actor, BranchName, Evidence, Failure, FailureState, Family, FileMode, Fingerprint, MicroUsd, ObjectId, Reason,
    RepoPath, RepoSlug, ReportId, Source, Status, Timestamp, Tokens,
};

/// The schema's name of a candidate file.
pub const CANDIDATE_SCHEMA: &str = "homeostat.candidate/1";
/// The schema's name of a manifest.
pub const MANIFEST_SCHEMA: &str = "homeostat.manifest/1";

/// One file of a candidate; without mode and content it is deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CandidateFile {
    /// Where it lies.
    pub path: RepoPath,
    /// Its mode after.
    pub mode: Option<FileMode>,
    /// Its bytes after, in base64.
    pub content: Option<String>,
}

/// How a place in the code was tied to the report (PROTOCOL.md, 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Anchor {
    /// (0) A target test is red on the base; its own trace gave the line.
    RedTarget,
    /// (1) The report names a commit, and the line was mapped through the diff.
    Commit,
    /// (2) The frame's function exists and the message fits exactly one node in it: draft at most.
    UniqueNode,
    /// (3) A source map of the reported commit gave the line.
    SourceMap,
}

impl Anchor {
    /// Returns whether a pull request with it may be more than a draft.
    pub const fn is_firm(self) -> bool {
        !matches!(self, Self::UniqueNode)
    }
}

/// When a candidate is no longer published.
pub type Expiry = Timestamp;

/// A proven patch, with all that `publish` needs to check and publish it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Candidate {
    /// [`CANDIDATE_SCHEMA`].
    pub schema: String,
    /// The run that made it.
    pub run_id: String,
    /// Where a person can look at that run.
    pub run_url: Option<String>,
    /// The program's version that made it.
    pub version: String,
    /// The forge's id of the repository.
    pub repository_id: u64,
    /// The repository.
    pub slug: RepoSlug,
    /// The branch that the fix is for.
    pub base_branch: BranchName,
    /// The tested parent.
    pub base_sha: ObjectId,
    /// The tree after the patch.
    pub tree: ObjectId,
    /// The changed files.
    pub files: Vec<CandidateFile>,
    /// The failure's birth fingerprint.
    pub fingerprint: Fingerprint,
    /// Its family.
    pub family: Family,
    /// The episode, from 1.
    pub episode: u32,
    /// Whether an earlier episode was merged: the failure came back.
    pub regression: bool,
    /// The canonical report.
    pub report: ReportId,
    /// Where a person can read it.
    pub report_url: String,
    /// The report's author.
    pub author: Option<Actor>,
    /// SHA-256 of the report's body that was read.
    pub body_hash: String,
    /// What the report says.
    pub failure: Failure,
    /// What was proved.
    pub evidence: Evidence,
    /// How the place was found.
    pub anchor: Anchor,
    /// Who made the patch.
    pub source: Source,
    /// The pattern's or fixer's id.
    pub pattern: Option<String>,
    /// The pattern's confidence.
    pub confidence: Option<f64>,
    /// Tier, for models.
    pub tier: Option<String>,
    /// Title of the pattern or fixer: what changed, in a few words.
    pub title: String,
    /// Why, in plain words.
    pub hypothesis: String,
    /// A second patch that is green too and not equivalent, as a diff: the pull request is then a draft.
    pub alternative: Option<String>,
    /// Other failures that the patch turns green.
    pub also_fixes: Vec<AlsoFixes>,
    /// The head of our own open pull request whose patch this one was made to replace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<ObjectId>,
    /// Failures that resemble it and are not mended by it, as far as is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<Related>,
    /// This attempt's number in the episode.
    pub attempt: u32,
    /// Money spent on it.
    pub cost: MicroUsd,
    /// Tokens spent on it.
    pub tokens: Tokens,
    /// The failure's state once this is recorded.
    pub state_after: FailureState,
    /// Hash of the policy it was proved under.
    pub config_hash: String,
    /// When it is no longer published.
    pub expires_at: Expiry,
    /// When the attempt began, by the forge's clock.
    pub started_at: Timestamp,
    /// When the attempt ended.
    pub completed_at: Timestamp,
    /// Files with the test logs, below `artifacts/`.
    pub logs: Vec<String>,
}

/// Another failure that a patch turns green.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AlsoFixes {
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// Its report.
    pub report: ReportId,
}

/// A failure that resembles another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Related {
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// Its report.
    pub report: ReportId,
}

impl Candidate {
    /// Returns the name of the candidate's file.
    pub fn file_name(&self) -> String {
        format!("candidate-{}-{}-{}.json", self.slug.owner(), self.slug.name(), self.fingerprint.fp16())
    }
}

/// The end of an attempt that left no candidate, as `record` settles it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Settled {
    /// The repository.
    pub slug: RepoSlug,
    /// The forge's id of the repository.
    pub repository_id: u64,
    /// The failure.
    pub fingerprint: Fingerprint,
    /// Its report.
    pub report: ReportId,
    /// How it ended.
    pub status: Status,
    /// Why.
    pub reason: Reason,
    /// What happened, in whole sentences.
    pub message: String,
    /// Whether it counts as an attempt (PROTOCOL.md, 4).
    pub counts: bool,
    /// The failure's state once this is recorded.
    pub state_after: FailureState,
    /// Money spent on it.
    pub cost: MicroUsd,
    /// Tokens spent on it.
    pub tokens: Tokens,
    /// When the attempt began, by the forge's clock.
    pub started_at: Timestamp,
    /// When the attempt ended.
    pub completed_at: Timestamp,
    /// Files with the test logs, below `artifacts/`.
    pub logs: Vec<String>,
}

/// What one `propose` left behind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Manifest {
    /// [`MANIFEST_SCHEMA`].
    pub schema: String,
    /// The run; a shard's own.
    pub run_id: String,
    /// The run that a shard belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_run_id: Option<String>,
    /// The shard, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<u32>,
    /// SHA-256 of the reservation that was worked on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservation: Option<String>,
    /// SHA-256 of each candidate file, by name.
    pub digests: std::collections::BTreeMap<String, String>,
    /// Attempts without a candidate.
    pub settled: Vec<Settled>,
    /// Money spent.
    pub cost: MicroUsd,
    /// Tokens spent.
    pub tokens: Tokens,
    /// Events of `propose`, as JSON lines.
    pub events: Vec<serde_json::Value>,
}
