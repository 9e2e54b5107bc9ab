//! What a run has to say at its end: the document on standard output, and the source of the summary. Layer 1.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{EvidenceKind, MicroUsd, Reason, Source, Timestamp, Tokens};
use crate::plan::Action;

/// The document of `run --format json` (REFERENCE.md).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RunReport {
    /// The run.
    pub run_id: String,
    /// Repositories, in the configuration's order.
    pub repositories: Vec<RepositoryReport>,
    /// The action's outputs in snake case.
    pub totals: Totals,
    /// What was done, or would be.
    pub actions: Vec<Action>,
    /// Changes of any forge, the state branch included.
    pub writes: u64,
    /// The comment or label that started the run, and what came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<AskedReport>,
}

/// What a person asked for by a comment or a label.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AskedReport {
    /// `fix`, `retry`, `approve`, `stop`, `explain` or `label`; nothing where nothing was asked for that counts.
    pub command: Option<String>,
    /// Whether it was done.
    pub done: bool,
    /// What came of it, or why it is inert, in whole sentences.
    pub message: String,
}

/// One repository's part.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RepositoryReport {
    /// The repository.
    pub slug: String,
    /// Issues read.
    pub issues_processed: u64,
    /// Failed runs read.
    pub runs_processed: u64,
    /// Pull requests made, changed or kept.
    pub pull_requests: Vec<PullReport>,
    /// Reports left alone.
    pub skipped: Vec<SkippedReport>,
    /// Changes refused.
    pub refusals: Vec<RefusalReport>,
    /// Failures cooling down.
    pub cooldowns: u64,
    /// Eligible but not handled, by reason.
    pub backlog: BTreeMap<String, u64>,
    /// Tokens spent.
    pub tokens: Tokens,
    /// Patterns whose change was proved.
    pub patterns_used: Vec<String>,
    /// Fixes that cost nothing.
    pub zero_cost_fixes: u64,
    /// Money spent.
    pub cost_microusd: MicroUsd,
    /// What went wrong with the repository as a whole.
    pub error: Option<String>,
}

/// One pull request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PullReport {
    /// Its number; nothing while it is only planned.
    pub number: Option<u64>,
    /// Where a person can look at it.
    pub url: Option<String>,
    /// Its branch.
    pub branch: String,
    /// Its failure.
    pub fingerprint: String,
    /// The episode.
    pub episode: u32,
    /// `created`, `adopted`, `updated`, `kept`, `left`, or `planned` in a dry run.
    pub state: String,
    /// Who made the patch.
    pub source: Option<Source>,
    /// Whether it is a draft.
    pub draft: bool,
    /// How strong the evidence is.
    pub evidence: Option<EvidenceKind>,
    /// What is not as configured, in whole sentences: a reviewer who cannot be asked, say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Whether its workflow runs wait until a person approves them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub runs_wait: bool,
}

/// One report left alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SkippedReport {
    /// The report.
    pub report: String,
    /// Why.
    pub reason: Reason,
    /// What happened and what to do, in words.
    pub message: String,
}

/// One refused change, or an attempt without a fix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RefusalReport {
    /// The failure.
    pub fingerprint: String,
    /// The rule or reason.
    pub rule: Reason,
    /// Whole sentences.
    pub message: String,
}

/// Totals over the run; the action's outputs carry the same names with dashes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Totals {
    /// Reports read.
    pub processed: u64,
    /// Pull requests created or adopted.
    pub prs_created: u64,
    /// Pull requests edited.
    pub prs_updated: u64,
    /// Failures cooling down.
    pub cooldowns: u64,
    /// Changes refused.
    pub refusals: u64,
    /// Money spent, in US dollars.
    pub cost_usd: String,
    /// Tokens spent.
    pub tokens: u64,
    /// Money left of the run's budget, in US dollars, or `unlimited`.
    pub budget_remaining: String,
    /// Patterns in the library.
    pub patterns_total: u64,
    /// Patterns whose change was proved.
    pub patterns_used: u64,
    /// Fixes that cost nothing.
    pub zero_cost_fixes: u64,
    /// Eligible but not handled.
    pub backlog: u64,
    /// `ok`, `config`, `refused`, `retryable`, `budget` or `internal`.
    pub exit_class: String,
}

/// Facts for the summary beyond the report.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SummaryFacts {
    /// When the run began, by the forge's clock.
    pub started_at: Timestamp,
    /// Seconds it took.
    pub seconds: f64,
    /// Where a person can look at the run.
    pub run_url: Option<String>,
    /// The program's version.
    pub version: String,
    /// Hash of the settings that held.
    pub config_hash: String,
    /// `dev`, `test` or `production`.
    pub environment: String,
    /// Whether nothing was written.
    pub dry_run: bool,
    /// Whether all four privileges ran in one process.
    pub one_process: bool,
    /// Limits with their use: name, used, limit.
    pub limits: Vec<(String, String, String)>,
    /// When the oldest report left alone was opened.
    pub oldest_backlog: Option<Timestamp>,
    /// Where a person reads what each reason means, where the action's own repository is known.
    pub reasons: Option<String>,
}
