//! Reads the output of test commands: which tests ran, how they ended, and with what failure.
//!
//! One file a runner, one registry, so that no runner is parsed twice. A runner is recognised by lines that only it
//! writes; text without them gives nothing, and nothing is guessed. What a runner counts but names no test for (a file
//! that does not load, a package that does not build) is counted and not named: its name would vanish with the mending,
//! and a test that vanishes looks like one that was skipped. Linear, never panics. Layer 1.

mod ant;
mod block;
mod cargo;
mod choice;
mod diagnosis;
mod diagnostic;
mod document;
mod excerpt;
mod found;
mod go;
mod gradle;
mod jest;
mod karma;
mod maven;
mod mocha;
mod nextest;
mod node;
mod pytest;
mod sbt;
mod signal;
mod step;
mod tail;
mod tap;
#[cfg(test)]
mod tests;
mod unittest;
mod vitest;

use crate::intake::clean::{self, Line};
use crate::intake::log::found::Found;
use crate::model::{Counts, Failure, TestOutcome, TestRun};

pub use diagnosis::{Diagnosis, FirstError, complaints, diagnose};
pub use document::DiagnosisDocument;
pub use tail::{LogText, Tail};

/// A runner: its name in a [`TestRun`], its name in a [`Failure`], and its reader.
struct Tool {
    runner: &'static str,
    name: &'static str,
    read: fn(&[Line<'_>]) -> Option<Found>,
    /// Among the tests that it says it ran are those that it skipped.
    runs_skipped: bool,
}

const fn tool(runner: &'static str, name: &'static str, read: fn(&[Line<'_>]) -> Option<Found>) -> Tool {
    Tool { runner, name, read, runs_skipped: false }
}

impl Tool {
    const fn counting_skipped(self) -> Self {
        Self { runs_skipped: true, ..self }
    }
}

/// Every runner. What an earlier one claims as a failing test's output is hidden from the later ones, so runners whose
/// blocks hold other runners' output come first.
const TOOLS: [Tool; 16] = [
    tool("nextest", "cargo-nextest", nextest::read),
    tool("cargo", "cargo-test", cargo::read),
    tool("pytest", "pytest", pytest::read),
    tool("unittest", "unittest", unittest::read).counting_skipped(),
    tool("jest", "jest", jest::read),
    tool("vitest", "vitest", vitest::read),
    tool("mocha", "mocha", mocha::read),
    tool("node", "node-test", node::read_tap),
    tool("node", "node-test", node::read_spec),
    tool("go", "go-test", go::read),
    tool("maven", "surefire", maven::read).counting_skipped(),
    tool("gradle", "gradle", gradle::read).counting_skipped(),
    tool("ant", "ant-junit", ant::read).counting_skipped(),
    tool("sbt", "sbt", sbt::read).counting_skipped(),
    tool("karma", "karma", karma::read),
    tool("tap", "tap", tap::read),
];

/// Reads how each test ended, under the runner's own name for it, and the runner's counts.
pub fn tests(output: &str) -> TestRun {
    read(output).0
}

/// Reads the failure of each failing test, the root cause first; without a test where the output does not tell whose.
pub fn failures(output: &str) -> Vec<(Option<String>, Failure)> {
    read(output).1
}

/// Reads both at once.
pub fn read(output: &str) -> (TestRun, Vec<(Option<String>, Failure)>) {
    let cleaned = clean::clean(output);
    let reading = read_lines(clean::lines(&cleaned));
    (reading.run, reading.failures)
}

/// What was read of the runners in some lines.
struct Reading<'a> {
    run: TestRun,
    failures: Vec<(Option<String>, Failure)>,
    /// Where each failing test's output stands, in the order of the tools.
    blocks: Vec<(Option<String>, std::ops::Range<usize>)>,
    /// The lines, without those that a runner claims.
    rest: Vec<Line<'a>>,
    /// The runners' names in a failure.
    tools: Vec<&'static str>,
    /// What failed without being a test with a name.
    unnamed: u64,
    /// What the runners call it.
    labels: Vec<String>,
    /// The numbers as the runners print them.
    printed: Counts,
}

fn read_lines(mut lines: Vec<Line<'_>>) -> Reading<'_> {
    let mut run = TestRun::default();
    let mut runners: Vec<&str> = Vec::new();
    let mut tools: Vec<&str> = Vec::new();
    let mut failures = Vec::new();
    let mut blocks = Vec::new();
    let mut unnamed = 0;
    let mut labels = Vec::new();
    let mut printed = Counts::default();
    for tool in &TOOLS {
        let Some(found) = (tool.read)(&lines) else { continue };
        if !runners.contains(&tool.runner) {
            runners.push(tool.runner);
            tools.push(tool.name);
        }
        unnamed += found.unnamed;
        add(&mut run.counts, found.counts());
        let own = found.printed();
        let ran = if tool.runs_skipped { own.run.saturating_add(own.skipped) } else { own.run };
        add(&mut printed, Counts { run: ran, ..own });
        labels.extend(found.blocks.iter().filter_map(|block| block.label.clone()));
        for block in &found.blocks {
            failures.extend(block::read(block, tool.name, &lines));
            blocks.extend(block.spans.first().map(|span| (block.test.clone(), span.clone())));
        }
        for span in found.blocks.into_iter().flat_map(|block| block.spans).chain(found.hidden) {
            lines[span].fill(Line { text: "", indent: 0 });
        }
        for (name, outcome) in found.tests {
            found::put(&mut run.tests, name, outcome);
        }
    }
    run.runner = (!runners.is_empty()).then(|| runners.join("+"));
    let failing: Vec<&str> = run.with(TestOutcome::Failed).collect();
    let tool = if let [only] = *tools { Some(only) } else { None };
    let loose = block::loose(&lines, &failing, &failures, unnamed > 0, tool);
    failures.extend(loose);
    Reading { run, failures, blocks, rest: lines, tools, unnamed, labels, printed }
}

fn add(sum: &mut Counts, more: Counts) {
    sum.run = sum.run.saturating_add(more.run);
    sum.failed = sum.failed.saturating_add(more.failed);
    sum.skipped = sum.skipped.saturating_add(more.skipped);
}
