//! What guardrails say of a change. Layer 0.

use serde::{Deserialize, Serialize};

use crate::model::Reason;

/// Which side of a diff a line number counts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The file before.
    Old,
    /// The file after.
    New,
}

/// How a rule or a whole verdict ends; later is worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Ruling {
    /// Nothing to say.
    Pass,
    /// A person must look: a draft labelled `needs-approval`.
    Flag,
    /// Not published.
    Refuse,
}

/// One breach of one rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Violation {
    /// The rule's id.
    pub rule: Reason,
    /// Whether it refuses or flags.
    pub ruling: Ruling,
    /// The file, where it lies in one; as the diff writes it, which may be no legal path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The side on which the line counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<Side>,
    /// Whole sentences: what was found, the measured value against its limit, what to do.
    pub message: String,
}

/// All that the guardrails say of one change; every rule ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Verdict {
    /// The worst ruling.
    pub verdict: Ruling,
    /// Every breach, sorted.
    pub violations: Vec<Violation>,
    /// Rules that could not look, for want of the tree.
    pub not_checked: Vec<Reason>,
    /// What each limit measured, by the rule's id: value and limit, for the safety section of the pull request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measured: Vec<(Reason, u64, u64)>,
}
