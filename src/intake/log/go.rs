//! `go test`, with and without `-v`. A test that holds others is not counted beside them. Layer 1.

use std::collections::{BTreeMap, BTreeSet};

use crate::intake::clean::Line;
use crate::intake::log::found::{Block, Found};
use crate::model::TestOutcome;

/// How many parts of a subtest's name are looked at for the tests that hold it.
const MAX_DEPTH: usize = 16;

/// What is known of the package that runs now.
#[derive(Default)]
struct Package<'a> {
    /// Tests that began and have not ended, in order.
    open: Vec<&'a str>,
    results: Vec<(&'a str, TestOutcome)>,
    /// Lines by the test that was running.
    output: BTreeMap<&'a str, Vec<std::ops::Range<usize>>>,
    current: Option<&'a str>,
    verbose: bool,
}

pub(super) fn read(lines: &[Line<'_>]) -> Option<Found> {
    let mut found = Found::default();
    let mut recognised = false;
    let mut package = Package::default();
    for (at, line) in lines.iter().enumerate() {
        let text = line.text;
        if let Some((word, name)) = event(text) {
            package.verbose = true;
            match word {
                "RUN" => {
                    package.open.push(name);
                    package.current = Some(name);
                }
                "PAUSE" => package.current = None,
                _ => package.current = Some(name),
            }
        } else if let Some((outcome, name)) = result(text) {
            recognised = true;
            package.results.push((name, outcome));
            package.current = Some(name);
        } else if let Some((passed, rest)) = package_end(text) {
            recognised = true;
            finish(std::mem::take(&mut package), passed, rest, &mut found);
        } else if matches!(text, "PASS" | "FAIL") && line.indent == 0 {
            package.current = None;
        } else if let Some(name) = package.current {
            let spans = package.output.entry(name).or_default();
            match spans.last_mut() {
                Some(last) if last.end == at => last.end = at + 1,
                _ => spans.push(at..at + 1),
            }
        }
    }
    if !recognised {
        return None;
    }
    if !package.results.is_empty() || !package.open.is_empty() {
        // Without its last line a package was ended from outside, or its output was cut.
        finish(package, true, "", &mut found);
    }
    Some(found)
}

/// Adds a package's tests, those that hold others left out.
fn finish(mut package: Package<'_>, passed: bool, rest: &str, found: &mut Found) {
    if rest.ends_with("[build failed]") || rest.ends_with("[setup failed]") {
        found.unnamed += 1;
        return;
    }
    if rest.ends_with("[no tests to run]") || rest.ends_with("[no test files]") {
        return;
    }
    let mut failed = package.results.iter().any(|(_, outcome)| *outcome == TestOutcome::Failed);
    if !passed && !failed {
        // A panic outside the test's own goroutine ends the package before the test is judged.
        let ended: BTreeSet<&str> = package.results.iter().map(|(name, _)| *name).collect();
        let culprit =
            package.current.into_iter().chain(package.open.iter().rev().copied()).find(|name| !ended.contains(name));
        match culprit {
            Some(name) => {
                package.results.push((name, TestOutcome::Failed));
                failed = true;
            }
            None => found.unnamed += 1,
        }
    }
    let mut parents: BTreeMap<&str, bool> = BTreeMap::new();
    for (name, outcome) in &package.results {
        for (slash, _) in name.match_indices('/').take(MAX_DEPTH) {
            *parents.entry(&name[..slash]).or_default() |= *outcome == TestOutcome::Failed;
        }
    }
    for (name, outcome) in package.results {
        let child_failed = parents.get(name).copied();
        let own = outcome == TestOutcome::Failed && child_failed != Some(true);
        if child_failed.is_none() {
            found.add(name, outcome);
        } else if own {
            found.unnamed += 1;
        }
        if own {
            found.blocks.push(Block {
                test: child_failed.is_none().then(|| name.to_owned()),
                spans: package.output.remove(name).unwrap_or_default(),
                title: Some(format!("--- FAIL: {name} (0.00s)")),
                ..Block::default()
            });
        }
    }
    // Without `-v` the tests that passed are not named: they count as one, so that nobody takes the names for all.
    if !package.verbose && (passed || failed) {
        found.anonymous += 1;
    }
}

/// `=== RUN   TestX`, `=== CONT  TestX`, `=== NAME  TestX`, `=== PAUSE TestX`.
fn event(text: &str) -> Option<(&str, &str)> {
    let (word, name) = text.strip_prefix("=== ")?.split_once(' ')?;
    matches!(word, "RUN" | "CONT" | "NAME" | "PAUSE").then(|| (word, name.trim())).filter(|(_, name)| !name.is_empty())
}

/// `--- FAIL: TestX/sub (0.00s)`.
fn result(text: &str) -> Option<(TestOutcome, &str)> {
    let (word, rest) = text.strip_prefix("--- ")?.split_once(": ")?;
    let outcome = match word {
        "PASS" => TestOutcome::Passed,
        "FAIL" => TestOutcome::Failed,
        "SKIP" => TestOutcome::Skipped,
        _ => return None,
    };
    let (name, time) = rest.rsplit_once(" (")?;
    time.ends_with("s)").then_some((outcome, name))
}

/// `ok  \tpkg\t0.01s`, `FAIL\tpkg [build failed]`, `?   \tpkg\t[no test files]`.
fn package_end(text: &str) -> Option<(bool, &str)> {
    let (word, rest) = text.split_once('\t')?;
    match word.trim_end() {
        "ok" | "?" => Some((true, rest)),
        "FAIL" => Some((false, rest)),
        _ => None,
    }
}
