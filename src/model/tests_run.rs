//! What a run of a test command showed. Layer 0.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How one test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TestOutcome {
    /// It ran and passed.
    Passed,
    /// It ran and failed, or broke.
    Failed,
    /// It was not run.
    Skipped,
}

/// How many tests ran and how they ended, as counted by the runner itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Counts {
    /// Tests that ran, passed or not.
    pub run: u64,
    /// Tests that failed or broke.
    pub failed: u64,
    /// Tests that were skipped.
    pub skipped: u64,
}

/// What the output of a test command says about its tests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestRun {
    /// The runner whose output was recognised (`cargo`, `pytest`, `tap` …); of several, joined with `+`.
    pub runner: Option<String>,
    /// Outcome of each test that the output names; of a name seen twice, the worse.
    pub tests: BTreeMap<String, TestOutcome>,
    /// The runner's own counts, where it prints them; else counted from `tests`.
    pub counts: Counts,
}

impl TestRun {
    /// Returns the names of tests with the outcome, sorted.
    pub fn with(&self, outcome: TestOutcome) -> impl Iterator<Item = &str> {
        self.tests.iter().filter(move |(_, seen)| **seen == outcome).map(|(name, _)| name.as_str())
    }

    /// Returns whether the output names every test it counts, so that sets of names can be compared.
    pub fn is_named(&self) -> bool {
        !self.tests.is_empty()
            && self.with(TestOutcome::Failed).count() as u64 >= self.counts.failed
            && self.tests.values().filter(|o| **o != TestOutcome::Skipped).count() as u64 >= self.counts.run
    }
}
