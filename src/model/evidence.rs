//! What was proved about a patch, and on what machine. Layer 0.

use serde::{Deserialize, Serialize};

use crate::model::taxonomy::closed_list;
use crate::model::{Counts, NetworkAccess};

closed_list! {
    /// How strong a proof is (PROTOCOL.md, 5.4); earlier is stronger.
    EvidenceKind {
        /// A test that failed before passes after.
        RedGreen = "red-green",
        /// A test written for the failure failed before and passes after.
        Reproduced = "reproduced",
        /// As `reproduced`, but the new test matches the report less than asked.
        Synthetic = "synthetic",
        /// The suite is green, and nothing showed the failure.
        GreenOnly = "green-only",
    }
}

impl EvidenceKind {
    /// Returns whether a pull request with it may be more than a draft.
    pub const fn is_strong(self) -> bool {
        matches!(self, Self::RedGreen | Self::Reproduced)
    }
}

closed_list! {
    /// How well a command was shut in; later is stronger (REFERENCE.md, Sandbox levels).
    SandboxLevel {
        /// Limits and environment only.
        None = "none",
        /// Files and TCP by the kernel's Landlock.
        Landlock = "landlock",
        /// Own user, mount, network and process namespaces.
        Isolated = "isolated",
    }
}

/// What held while repository code ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SandboxReport {
    /// The level that held.
    pub level: SandboxLevel,
    /// The network that was left open, or `all` where none could be closed.
    pub network: NetworkAccess,
    /// What was asked and could not be had, in words; empty when all held.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weaknesses: Vec<String>,
}

/// Writes a number that JSON can hold: what is not one would become `null`, which no schema allows (V-49).
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn finite<S: serde::Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(if number.is_finite() { *number } else { 0.0 })
}

/// What a command used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Resources {
    /// Processor seconds, user and system, of the whole tree.
    #[serde(serialize_with = "finite")]
    pub cpu_s: f64,
    /// The largest resident memory of the whole tree seen, in bytes.
    pub peak_memory: u64,
    /// Seconds by the wall.
    #[serde(serialize_with = "finite")]
    pub wall_s: f64,
    /// Bytes written to standard output and error, before any cap.
    pub output_bytes: u64,
}

impl Resources {
    /// Adds times and output, keeps the larger memory.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            cpu_s: self.cpu_s + other.cpu_s,
            peak_memory: self.peak_memory.max(other.peak_memory),
            wall_s: self.wall_s + other.wall_s,
            output_bytes: self.output_bytes.saturating_add(other.output_bytes),
        }
    }
}

/// Counts and time of one side of a proof.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Tally {
    /// Counts of the whole command.
    #[serde(flatten)]
    pub counts: Counts,
    /// Seconds by the wall.
    #[serde(serialize_with = "finite")]
    pub seconds: f64,
}

/// What was proved about a patch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Evidence {
    /// How strong it is.
    pub kind: EvidenceKind,
    /// The whole command on the base.
    pub before: Tally,
    /// The whole command with the patch.
    pub after: Tally,
    /// Target tests: red on the base, green with the patch, in every repetition.
    pub targets: Vec<String>,
    /// The check that was red on the base and is green with the patch, where no test shows the failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// How often each target ran on each side.
    pub repetitions: u32,
    /// Tests that failed before and after alike.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub still_failing: Vec<String>,
    /// Whether tests were compared by name; else by exit code alone.
    pub named: bool,
    /// The test command.
    pub command: String,
    /// Lint and type check with their exit codes before and after, where configured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<(String, i32, i32)>,
    /// What held while repository code ran.
    pub sandbox: SandboxReport,
    /// What the runs used together.
    pub resources: Resources,
}
