//! Judges evidence: which tests are the target, whether they are really red, whether a patch really mends them.
//!
//! Pure: it reads what runs showed and decides by PROTOCOL.md, 5; it runs nothing. Layer 1.

mod compare;
mod judge;
mod lines;
mod names;
mod reproduction;
mod target;

pub use compare::{Comparison, compare};
pub use judge::{Accepted, is_green, judge_patch, judge_repetitions, usable_baseline};
pub use lines::line_through_diff;
pub use names::same_test;
pub use reproduction::{Claim, EvidenceFile, judge_reproduction, unfit};
pub use target::{Target, find_target};

use crate::model::{Failure, TestRun};

/// How often a target runs on each side (PROTOCOL.md, 5.2 and 5.3).
pub const REPETITIONS: u32 = 3;

/// How a run of a command ended, as far as evidence cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunEnd {
    /// By itself, with this code (a signal counts as 128 and its number).
    Code(i32),
    /// At its time limit.
    Timeout,
    /// At a limit on memory, processes or output.
    Resource,
}

/// What one run of a test command showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// How it ended.
    pub end: RunEnd,
    /// Its tests.
    pub tests: TestRun,
    /// Failures in its output, each with its test where the runner says so.
    pub failures: Vec<(Option<String>, Failure)>,
}

impl Observation {
    /// Returns whether the command ended by itself with code 0.
    pub fn is_green(&self) -> bool {
        self.end == RunEnd::Code(0)
    }
}
