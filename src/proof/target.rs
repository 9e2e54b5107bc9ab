//! Finds the target: the tests whose red shows the reported failure (PROTOCOL.md, 5.2). Layer 1.

use std::collections::BTreeSet;

use crate::model::{Failure, TestOutcome};
use crate::proof::{Observation, same_test};

/// What shows the failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// These tests, by the runner's names.
    Tests(Vec<String>),
    /// The whole command, whose output names no tests but shows the reported failure.
    Command,
    /// A command besides the tests (a formatter, linter or type checker) whose output shows the reported failure.
    Check,
    /// Tests that the report names and that pass on the base: looked at again, since they may come and go.
    Passing(Vec<String>),
    /// Nothing shows it.
    None,
}

/// Finds the target in the baseline; `same` tells whether a failure seen is the one reported.
pub fn find_target(reported: &Failure, baseline: &Observation, same: &dyn Fn(&Failure) -> bool) -> Target {
    let named = |outcome: TestOutcome| -> Vec<String> {
        let seen = baseline.tests.with(outcome);
        seen.filter(|seen| reported.tests.iter().any(|name| same_test(name, seen))).map(str::to_owned).collect()
    };
    let failing = named(TestOutcome::Failed);
    if !failing.is_empty() {
        return Target::Tests(failing);
    }
    let alike: Vec<_> = baseline.failures.iter().filter(|(_, failure)| same(failure)).collect();
    let tests: BTreeSet<String> = alike.iter().filter_map(|(test, _)| test.clone()).collect();
    if !tests.is_empty() {
        return Target::Tests(tests.into_iter().collect());
    }
    if !alike.is_empty() && !baseline.is_green() {
        // The runner does not say whose failure it is; where one test failed, it is that one's.
        let failed: Vec<&str> = baseline.tests.with(TestOutcome::Failed).collect();
        return match failed.as_slice() {
            [only] => Target::Tests(vec![(*only).to_owned()]),
            [] => Target::Command,
            _ => Target::None,
        };
    }
    let passing = named(TestOutcome::Passed);
    if passing.is_empty() { Target::None } else { Target::Passing(passing) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Counts, Exception, TestRun};
    use crate::proof::RunEnd;

    fn failure(type_name: &str, tests: &[&str]) -> Failure {
        Failure {
            chain: vec![Exception { type_name: type_name.to_owned(), ..Exception::default() }],
            tests: tests.iter().map(|t| (*t).to_owned()).collect(),
            ..Failure::default()
        }
    }

    fn baseline(outcomes: &[(&str, TestOutcome)], failures: &[(Option<&str>, &str)]) -> Observation {
        let failed = outcomes.iter().filter(|(_, o)| *o == TestOutcome::Failed).count() as u64;
        Observation {
            end: RunEnd::Code(i32::from(failed > 0 || !failures.is_empty())),
            tests: TestRun {
                runner: Some("x".to_owned()),
                tests: outcomes.iter().map(|(n, o)| ((*n).to_owned(), *o)).collect(),
                counts: Counts { run: outcomes.len() as u64, failed, skipped: 0 },
            },
            failures: failures.iter().map(|(t, kind)| (t.map(str::to_owned), failure(kind, &[]))).collect(),
        }
    }

    fn find(reported: &Failure, baseline: &Observation) -> Target {
        find_target(reported, baseline, &|seen| seen.error_type() == reported.error_type())
    }

    use TestOutcome::{Failed, Passed};

    #[test]
    fn tests_that_the_report_names_come_first() {
        let seen = baseline(&[("a", Failed), ("b", Failed)], &[(Some("b"), "E")]);
        assert_eq!(find(&failure("E", &["a"]), &seen), Target::Tests(vec!["a".to_owned()]));
    }

    #[test]
    fn then_tests_that_fail_as_the_report_says() {
        let seen = baseline(&[("a", Failed), ("b", Failed)], &[(Some("a"), "Other"), (Some("b"), "E")]);
        assert_eq!(find(&failure("E", &[]), &seen), Target::Tests(vec!["b".to_owned()]));
    }

    #[test]
    fn a_failure_without_a_test_is_the_only_failing_tests_or_the_commands() {
        let one = baseline(&[("a", Failed), ("b", Passed)], &[(None, "E")]);
        assert_eq!(find(&failure("E", &[]), &one), Target::Tests(vec!["a".to_owned()]));
        let unnamed = baseline(&[], &[(None, "E")]);
        assert_eq!(find(&failure("E", &[]), &unnamed), Target::Command);
        let two = baseline(&[("a", Failed), ("b", Failed)], &[(None, "E")]);
        assert_eq!(find(&failure("E", &[]), &two), Target::None);
    }

    #[test]
    fn named_tests_that_pass_are_looked_at_again_and_unknown_ones_are_nothing() {
        let green = baseline(&[("a", Passed)], &[]);
        assert_eq!(find(&failure("E", &["a"]), &green), Target::Passing(vec!["a".to_owned()]));
        assert_eq!(find(&failure("E", &["z"]), &green), Target::None);
    }
}
