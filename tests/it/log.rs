//! Reads every output of a test command under `tests/data/log` and compares it with its expectation, exactly.
//!
//! `HOMEOSTAT_BLESS=1` writes expectations anew; read their diff before it is committed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use homeostat::intake::log;
use homeostat::model::{Failure, TestOutcome, TestRun};
use proptest::prelude::*;
use serde::Serialize;

/// What is written beside each output.
#[derive(Debug, PartialEq, Serialize)]
struct Expected {
    tests: TestRun,
    failures: Vec<(Option<String>, Failure)>,
}

fn read(text: &str) -> Expected {
    Expected { tests: log::tests(text), failures: log::failures(text) }
}

/// Returns all files of the corpus with the extension.
fn files(extension: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/log");
    let mut found = Vec::new();
    for folder in fs::read_dir(root).expect("the test data can be read") {
        for file in fs::read_dir(folder.expect("the test data can be read").path()).expect("the test data can be read")
        {
            let file = file.expect("the test data can be read").path();
            let known = file.extension().and_then(|e| e.to_str()).is_some_and(|e| e == "log" || e == "json");
            assert!(known, "{} has an unexpected extension", file.display());
            if file.extension().is_some_and(|e| e == extension) {
                found.push(file);
            }
        }
    }
    found.sort();
    found
}

fn outputs() -> Vec<(PathBuf, String)> {
    files("log")
        .into_iter()
        .map(|path| (path.clone(), fs::read_to_string(path).expect("the test data can be read")))
        .collect()
}

#[test]
fn every_output_of_the_corpus_is_read_exactly_as_expected() {
    let bless = std::env::var_os("HOMEOSTAT_BLESS").is_some();
    let mut expectations: BTreeSet<PathBuf> = files("json").into_iter().collect();
    let inputs = outputs();
    let mut wrong = Vec::new();
    for (input, text) in &inputs {
        let expectation = input.with_extension("json");
        let found = format!("{}\n", serde_json::to_string_pretty(&read(text)).expect("the test data can be read"));
        expectations.remove(&expectation);
        if bless {
            fs::write(&expectation, &found).expect("the test data can be read");
            continue;
        }
        match fs::read_to_string(&expectation) {
            Ok(expected) if expected == found => {}
            Ok(expected) => wrong.push(format!("{}:\nexpected {expected}\nfound {found}", input.display())),
            Err(_) => wrong.push(format!("{} has no expectation", input.display())),
        }
    }
    wrong.extend(expectations.iter().map(|path| format!("{} has no input", path.display())));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(inputs.len() >= 30, "only {} outputs", inputs.len());
}

#[test]
fn the_runner_is_the_one_whose_folder_it_is() {
    for (path, text) in outputs() {
        let folder = path
            .parent()
            .expect("the test data can be read")
            .file_name()
            .expect("the test data can be read")
            .to_str()
            .expect("the test data can be read")
            .to_owned();
        assert_eq!(log::tests(&text).runner.as_deref(), (folder != "none").then_some(&*folder), "{}", path.display());
    }
}

#[test]
fn counts_are_never_less_than_the_names() {
    for (path, text) in outputs() {
        let run = log::tests(&text);
        let named = |outcome| run.with(outcome).count() as u64;
        assert!(run.counts.failed >= named(TestOutcome::Failed), "{}", path.display());
        assert!(run.counts.run >= named(TestOutcome::Failed) + named(TestOutcome::Passed), "{}", path.display());
    }
}

#[test]
fn a_failure_names_a_test_that_failed() {
    for (path, text) in outputs() {
        let Expected { tests, failures } = read(&text);
        for (test, failure) in failures {
            assert!(failure.root().is_some(), "{}", path.display());
            let Some(test) = test else { continue };
            assert_eq!(tests.tests.get(&test), Some(&TestOutcome::Failed), "{}: {test}", path.display());
            assert_eq!(failure.tests, [test], "{}", path.display());
        }
    }
}

#[test]
fn decoration_changes_nothing() {
    for (path, text) in outputs() {
        let plain = read(&text);
        let decorated = |line: &dyn Fn(&str) -> String| text.lines().map(line).collect::<String>();
        let ways = [
            ("CRLF", decorated(&|line| format!("{line}\r\n"))),
            ("colours", decorated(&|line| format!("\u{1b}[31m{line}\u{1b}[0m\n"))),
            ("time stamps", decorated(&|line| format!("2026-01-02T03:04:05.1234567Z {line}\n"))),
            // Nothing writes over the progress where the line is empty.
            (
                "progress",
                decorated(&|line| if line.is_empty() { "\n".into() } else { format!("  3 % done\r{line}\n") }),
            ),
        ];
        for (way, text) in ways {
            assert_eq!(read(&text), plain, "{} with {way}", path.display());
        }
    }
}

#[test]
fn two_runners_in_one_output_are_both_read() {
    let all = outputs();
    let of = |name: &str| &all.iter().find(|(path, _)| path.ends_with(name)).expect("the test data can be read").1;
    let run = log::tests(&format!("{}{}", of("cargo/green.log"), of("unittest/assertion.log")));
    assert_eq!(run.runner.as_deref(), Some("cargo+unittest"));
    assert_eq!((run.counts.run, run.counts.failed), (6, 1));
}

#[test]
fn output_cut_anywhere_is_read_without_a_panic() {
    for (_, text) in outputs() {
        let lines: Vec<&str> = text.lines().collect();
        for step in 0..16 {
            let cut = lines.len() * step / 16;
            read(&lines[..cut].join("\n"));
            read(&lines[cut..].join("\n"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_text_never_panics(text in "(?s).{0,400}") {
        read(&text);
    }

    #[test]
    fn lines_of_all_runners_in_any_order_never_panic(picks in prop::collection::vec((0usize..64, 0usize..400), 0..60)) {
        let all = outputs();
        let mut text = String::new();
        for (file, line) in picks {
            let lines: Vec<&str> = all[file % all.len()].1.lines().collect();
            text.push_str(lines[line % lines.len().max(1)]);
            text.push('\n');
        }
        read(&text);
    }
}
