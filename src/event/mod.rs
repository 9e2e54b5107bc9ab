//! The JSON lines that a run leaves: one typed record each, with one schema a type in `shared/schemas/`. Layer 1.
//!
//! An event tells what happened; it holds no untrusted text that is not redacted, and no secret.

mod schema;

pub use schema::schemas;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{
    EvidenceKind, MicroUsd, NetworkAccess, PullOutcome, Reason, Resources, SandboxLevel, Source, Status, Tally,
    Timestamp, Tokens,
};

/// The schema's name, written into every line.
pub const EVENT_SCHEMA: &str = "homeostat.event/1";

/// One line of a run's record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// [`EVENT_SCHEMA`].
    pub schema: String,
    /// When.
    pub time: Timestamp,
    /// The run.
    pub run_id: String,
    /// The run's trace, 32 hexadecimal digits.
    pub trace_id: String,
    /// The span in which it happened, 16 hexadecimal digits.
    pub span_id: String,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What is kept of one text in a line, in bytes.
const TEXT_CAP: usize = 16 << 10;

impl Line {
    /// Writes the record as one line with its end: no text in it splits it, and none is longer than a reader can bear
    /// (V-35, V-49).
    pub fn to_json_line(&self) -> Result<String, serde_json::Error> {
        let mut json = serde_json::to_string(self)?;
        if json.len() > TEXT_CAP {
            let mut value: Value = serde_json::from_str(&json)?;
            if cap(&mut value) {
                json = serde_json::to_string(&value)?;
            }
        }
        // Outside strings JSON is ASCII, so these stand in strings alone; some readers end a line at them.
        for (split, escaped) in [('\u{85}', "\\u0085"), ('\u{2028}', "\\u2028"), ('\u{2029}', "\\u2029")] {
            if json.contains(split) {
                json = json.replace(split, escaped);
            }
        }
        json.push('\n');
        Ok(json)
    }
}

/// Cuts long texts, and says whether there were any.
fn cap(value: &mut Value) -> bool {
    match value {
        Value::String(text) if text.len() > TEXT_CAP => {
            text.truncate(text.floor_char_boundary(TEXT_CAP));
            text.push_str("… (cut)");
            true
        }
        Value::Array(items) => items.iter_mut().fold(false, |any, item| cap(item) | any),
        Value::Object(fields) => fields.values_mut().fold(false, |any, item| cap(item) | any),
        _ => false,
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Event {
    /// A run began.
    #[serde(rename = "run.started")]
    RunStarted(Box<RunStarted>),
    /// A run ended.
    #[serde(rename = "run.finished")]
    RunFinished(Box<RunFinished>),
    /// An attempt ended; exactly one an attempt.
    #[serde(rename = "attempt.finished")]
    AttemptFinished(Box<AttemptFinished>),
    /// A repository's part of a run ended.
    #[serde(rename = "repository.finished")]
    RepositoryFinished(Box<RepositoryFinished>),
    /// A rule refused or flagged a change.
    #[serde(rename = "refusal")]
    Refusal(Box<Refusal>),
    /// A change of a forge: the intent before, the result after.
    #[serde(rename = "write")]
    Write(Box<Write>),
    /// What became of a pull request of ours.
    #[serde(rename = "outcome")]
    Outcome(Box<PullOutcome>),
    /// What an earlier run left unfinished was finished.
    #[serde(rename = "recovered")]
    Recovered(Box<Recovered>),
}

/// How and why a run was started.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RunStarted {
    /// `schedule`, `workflow_dispatch`, `issues`, `terminal` …
    pub triggered_by: String,
    /// A person's words for why.
    pub intent: Option<String>,
    /// The run that started this one.
    pub parent_run_id: Option<String>,
    /// Tags of the run.
    pub tags: Vec<String>,
    /// Sanitised facts about the machine and its tools.
    pub metadata: std::collections::BTreeMap<String, String>,
    /// The program's version.
    pub version: String,
    /// Hash of all policies.
    pub config_hash: String,
    /// `dev`, `test` or `production`.
    pub environment: String,
    /// Whether nothing is written.
    pub dry_run: bool,
}

/// Totals of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RunFinished {
    /// The action's outputs, in snake case.
    #[schemars(with = "crate::render::Totals")]
    pub totals: Value,
    /// `ok`, `finding`, `config`, `refused`, `retryable`, `budget` or `internal`.
    pub exit_class: String,
}

/// The end of an attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AttemptFinished {
    /// The repository.
    pub repo: String,
    /// The failure.
    pub fingerprint: String,
    /// Its family.
    pub family: String,
    /// The episode.
    pub episode: u32,
    /// The root cause's type.
    pub error_type: String,
    /// The report.
    pub report: ReportRef,
    /// Who can do something about it.
    pub lane: String,
    /// What failed.
    pub kind: Option<String>,
    /// How the attempt ended.
    pub status: Status,
    /// The guardrail that refused, if one did.
    pub rule: Option<Reason>,
    /// Why, where it is not fixed.
    pub reason: Option<Reason>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub completed_at: Timestamp,
    /// Its number in the episode.
    pub attempt: u32,
    /// `native`, `pattern`, or the model tier.
    pub tier: Option<String>,
    /// Who made the patch.
    pub source: Option<Source>,
    /// The model's provider.
    pub provider: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// The pattern.
    pub pattern: Option<String>,
    /// The pattern's confidence.
    pub confidence: Option<f64>,
    /// The pull request.
    pub pr: Option<PullRef>,
    /// The branch.
    pub branch: Option<String>,
    /// The tested base commit.
    pub base_sha: String,
    /// The patch's tree.
    pub tree: Option<String>,
    /// The candidate's digest.
    pub candidate: Option<String>,
    /// Money spent.
    pub cost_microusd: MicroUsd,
    /// Tokens spent.
    pub tokens: Tokens,
    /// Milliseconds from start to end.
    pub latency_ms: u64,
    /// What was proved.
    pub evidence: Option<EvidenceRef>,
    /// What the runs used.
    pub resources: Option<Resources>,
    /// What held while repository code ran.
    pub sandbox: Option<SandboxRef>,
    /// Other failures turned green.
    pub also_fixes: Vec<String>,
    /// Files with the test logs.
    pub logs: Vec<String>,
}

/// A report, as events name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ReportRef {
    /// `issue` or `run`.
    pub kind: String,
    /// The number.
    pub number: Option<u64>,
    /// Where a person can read it.
    pub url: String,
}

/// A pull request, as events name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PullRef {
    /// Its number.
    pub number: u64,
    /// Where a person can look at it.
    pub url: String,
    /// What was done: `created`, `adopted`, `updated`, `kept` or `left`.
    pub state: String,
}

/// A proof, as events name it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct EvidenceRef {
    /// How strong.
    pub kind: EvidenceKind,
    /// Before.
    pub before: Tally,
    /// After.
    pub after: Tally,
    /// Repetitions on each side.
    pub repetitions: u32,
}

/// A sandbox, as events name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SandboxRef {
    /// The level that held.
    pub level: SandboxLevel,
    /// The network left open.
    pub network: NetworkAccess,
}

/// A repository's metrics, by REFERENCE.md's names.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RepositoryFinished {
    /// The repository.
    pub repo: String,
    /// Fingerprints seen.
    pub fingerprints_processed: Vec<String>,
    /// Numbers of pull requests created.
    pub prs_created: Vec<u64>,
    /// Numbers of pull requests updated.
    pub prs_updated: Vec<u64>,
    /// Failures cooling down.
    pub cooldowns: u64,
    /// Money spent.
    pub cost: MicroUsd,
    /// Tokens spent.
    pub tokens: Tokens,
    /// Milliseconds.
    pub latency: u64,
    /// What went wrong, in words.
    pub errors: Vec<String>,
    /// Patterns used.
    pub patterns_used: Vec<String>,
    /// Fixes that cost nothing.
    pub zero_cost_fixes: u64,
    /// Eligible but not handled, by reason.
    pub backlog: std::collections::BTreeMap<String, u64>,
}

/// A rule's refusal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Refusal {
    /// The repository.
    pub repo: String,
    /// The failure.
    pub fingerprint: String,
    /// The rule or reason.
    pub rule: Reason,
    /// Whole sentences.
    pub message: String,
}

/// A change of a forge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Write {
    /// `intent` before, `done`, `failed` or `unclear` after.
    pub phase: String,
    /// The repository.
    pub repo: String,
    /// What is done.
    pub verb: String,
    /// The branch it is about.
    pub branch: String,
    /// The idempotency key.
    pub key: String,
    /// SHA-256 of what is written.
    pub digest: String,
    /// What came of it, in words.
    pub result: Option<String>,
}

/// Something an earlier run left unfinished.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Recovered {
    /// The repository.
    pub repo: String,
    /// The failure.
    pub fingerprint: String,
    /// What was found and done.
    pub what: String,
}
