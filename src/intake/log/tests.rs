//! Behaviour that no single fixture shows.

use crate::intake::log::{failures, tests};
use crate::model::TestOutcome::{Failed, Passed, Skipped};

fn outcomes(output: &str) -> Vec<(String, crate::model::TestOutcome)> {
    tests(output).tests.into_iter().collect()
}

#[test]
fn text_without_a_runners_own_lines_names_no_runner() {
    for text in ["", "ok", "FAIL", "test it ... ok", "3 passed in the end", "--- a/x\n+++ b/x", "error: test failed"] {
        assert_eq!(tests(text), crate::model::TestRun::default(), "{text}");
    }
}

#[test]
fn a_name_in_two_binaries_keeps_the_worse_outcome_and_both_counts() {
    let binary = |outcome: &str, result: &str| {
        format!("running 1 test\ntest tests::works ... {outcome}\n\ntest result: {result}; 0 ignored; 0 measured\n")
    };
    let failed = binary("FAILED", "FAILED. 0 passed; 1 failed");
    let passed = binary("ok", "ok. 1 passed; 0 failed");
    for output in [format!("{failed}{passed}"), format!("{passed}{failed}")] {
        assert_eq!(outcomes(&output), [("tests::works".to_owned(), Failed)]);
        assert_eq!((tests(&output).counts.run, tests(&output).counts.failed), (2, 1));
        assert!(!tests(&output).is_named());
    }
}

#[test]
fn a_doc_test_keeps_its_name_when_lines_move() {
    let at = |first: u32, second: u32| {
        tests(&format!(
            "running 2 tests\ntest src/lib.rs - add (line {second}) ... ok\ntest src/lib.rs - add (line {first}) ... ok\n\
             test result: ok. 2 passed; 0 failed; 0 ignored\n"
        ))
    };
    assert_eq!(at(3, 9), at(14, 20));
    assert_eq!(at(9, 10).tests.len(), 2);
}

#[test]
fn output_between_a_name_and_its_outcome_is_looked_through() {
    let cargo = "running 1 test\ntest loud ... hello\nok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored\n";
    assert_eq!(outcomes(cargo), [("loud".to_owned(), Passed)]);
    let unittest = "test_a (m.C.test_a) ... hello\nFAIL\n\nRan 1 test in 0.1s\n\nFAILED (failures=1)\n";
    assert_eq!(outcomes(unittest), [("m.C.test_a".to_owned(), Failed)]);
}

#[test]
fn what_a_failing_test_prints_is_no_test() {
    let output = "running 1 test\ntest reads_logs ... FAILED\n\nfailures:\n\n---- reads_logs stdout ----\n1..1\nok 1 - x\n\
                  --- FAIL: TestX (0.00s)\ntest inner ... ok\n\nfailures:\n    reads_logs\n\n\
                  test result: FAILED. 0 passed; 1 failed; 0 ignored\n";
    assert_eq!(outcomes(output), [("reads_logs".to_owned(), Failed)]);
    assert_eq!(tests(output).runner.as_deref(), Some("cargo"));
}

#[test]
fn points_that_are_expected_to_fail_are_skipped() {
    let output = "1..3\nok 1 - a # skip no net\nnot ok 2 - b # TODO\nnot ok 3 - c \\# 1\n";
    let expected = [("a".to_owned(), Skipped), ("b".to_owned(), Skipped), ("c # 1".to_owned(), Failed)];
    assert_eq!(outcomes(output), expected);
}

#[test]
fn a_package_that_does_not_build_is_counted_and_not_named() {
    let run = tests(
        "FAIL\texample.org/a [build failed]\n=== RUN   TestB\n--- PASS: TestB (0.00s)\nok  \texample.org/b\t0.01s\n",
    );
    assert_eq!((run.counts.run, run.counts.failed, run.tests.len()), (2, 1, 1));
    assert!(!run.is_named());
}

#[test]
fn a_run_that_names_only_failures_is_not_taken_for_whole() {
    let run = tests(
        "--- FAIL: TestA (0.00s)\n    a_test.go:3: no\nFAIL\nFAIL\texample.org/a\t0.01s\nok  \texample.org/b\t0.01s\n",
    );
    assert!(!run.is_named());
    assert_eq!(run.counts.failed, 1);
}

#[test]
fn a_trace_elsewhere_is_a_tests_only_where_no_other_can_be_meant() {
    let trace = |method: &str| {
        format!("java.lang.Error: x\n\tat a.Till.open(Till.java:3)\n\tat TillTest.{method}(TillTest.java:9)\n")
    };
    let points = "not ok 1 - TillTest.opens\nnot ok 2 - TillTest.shuts\n1..2\n";
    let whose = |output: String| failures(&output).into_iter().map(|(test, _)| test).collect::<Vec<_>>();
    assert_eq!(whose(format!("{}{points}", trace("shuts"))), [Some("TillTest.shuts".to_owned())]);
    assert_eq!(whose(format!("{}{points}", trace("other"))), [None]);
    assert_eq!(whose(format!("{}not ok 1 - a\n", trace("other"))), [Some("a".to_owned())]);
}
