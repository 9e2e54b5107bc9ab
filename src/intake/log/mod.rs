//! Stand-in. Layer 1.
use crate::model::{Failure, TestRun};
pub fn tests(_: &str) -> TestRun {
    TestRun::default()
}
pub fn failures(output: &str) -> Vec<(Option<String>, Failure)> {
    crate::intake::read_traces(output).into_iter().map(|l| (None, l.failure)).collect()
}
