//! Reads every report under `tests/data/intake` and compares it with its expectation, exactly.
//!
//! `HOMEOSTAT_BLESS=1` writes expectations anew; `tests/data/README.md` says how to review them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use homeostat::intake;
use homeostat::model::Failure;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is written beside each input.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Expected {
    Skip { skip: String, message: String },
    Failure(Box<Failure>),
    Nothing(()),
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/intake")
}

/// Returns all files of the corpus, by extension.
fn corpus() -> (Vec<PathBuf>, BTreeSet<PathBuf>) {
    let mut inputs = Vec::new();
    let mut expectations = BTreeSet::new();
    let mut folders: Vec<_> = fs::read_dir(root())
        .expect("the test data can be read")
        .map(|e| e.expect("the test data can be read").path())
        .collect();
    folders.sort();
    for folder in folders {
        let mut files: Vec<_> = fs::read_dir(&folder)
            .expect("the test data can be read")
            .map(|e| e.expect("the test data can be read").path())
            .collect();
        files.sort();
        for file in files {
            match file.extension().and_then(|e| e.to_str()) {
                Some("md" | "txt" | "log") => inputs.push(file),
                Some("json") => {
                    expectations.insert(file);
                }
                other => panic!("{} has an unexpected extension {other:?}", file.display()),
            }
        }
    }
    (inputs, expectations)
}

/// An issue's first line is its title, as in a case's `report.md`.
fn split_title(text: &str) -> (&str, &str) {
    let (first, body) = text.split_once('\n').unwrap_or((text, ""));
    (first.strip_prefix("# ").expect("the first line of an issue is `# title`").trim(), body)
}

fn read(path: &Path, text: &str) -> Expected {
    if path.extension().is_some_and(|e| e == "md") {
        let (title, body) = split_title(text);
        return match intake::read_text(title, body, &[]) {
            Ok(failure) => Expected::Failure(Box::new(failure)),
            Err(skip) => Expected::Skip { skip: skip.reason.to_string(), message: skip.message },
        };
    }
    intake::read_trace(text).map_or(Expected::Nothing(()), |failure| Expected::Failure(Box::new(failure)))
}

#[test]
fn every_report_of_the_corpus_is_read_exactly_as_expected() {
    let bless = std::env::var_os("HOMEOSTAT_BLESS").is_some();
    let (inputs, mut expectations) = corpus();
    let mut wrong = Vec::new();
    let mut stems: BTreeMap<PathBuf, PathBuf> = BTreeMap::new();
    for input in &inputs {
        let expectation = input.with_extension("json");
        if let Some(other) = stems.insert(expectation.clone(), input.clone()) {
            wrong.push(format!("{} and {} share one expectation", input.display(), other.display()));
        }
        let text = fs::read_to_string(input).expect("the test data can be read");
        let mut found = serde_json::to_string_pretty(&read(input, &text)).expect("the test data can be read");
        found.push('\n');
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
    assert!(inputs.len() >= 120, "only {} inputs", inputs.len());
}

#[test]
fn expectations_are_failures_that_can_be_acted_on() {
    let (_, expectations) = corpus();
    for path in expectations {
        let value: Value = serde_json::from_str(&fs::read_to_string(&path).expect("the test data can be read"))
            .expect("the test data can be read");
        let is_skip = value.get("skip").is_some() || value.is_null();
        let has_chain = value.get("chain").and_then(Value::as_array).is_some_and(|chain| !chain.is_empty());
        assert!(is_skip != has_chain, "{}", path.display());
    }
}

fn traces() -> Vec<(PathBuf, String)> {
    let (inputs, _) = corpus();
    inputs
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e != "md"))
        .map(|path| (path.clone(), fs::read_to_string(path).expect("the test data can be read")))
        .collect()
}

fn decorate(text: &str, line: impl Fn(&str) -> String) -> String {
    text.lines().map(line).collect()
}

#[test]
fn line_ends_colours_and_time_stamps_change_nothing() {
    for (path, text) in traces() {
        let plain = read(&path, &text);
        let decorated = [
            ("crlf", decorate(&text, |l| format!("{l}\r\n"))),
            ("colours", decorate(&text, |l| format!("\u{1b}[31m{l}\u{1b}[0m\n"))),
            ("lost escapes", decorate(&text, |l| format!("[31m{l}[39m\n"))),
            ("runner's stamps", decorate(&text, |l| format!("2024-05-01T10:00:00.1234567Z {l}\n"))),
            ("container", decorate(&text, |l| format!("web-1  | {l}\n"))),
            ("byte order mark", format!("\u{feff}{text}")),
            ("progress", decorate(&text, |l| format!("progress 10%\r{l}\n"))),
        ];
        for (name, decorated) in decorated {
            // An empty line cannot overwrite what stood there.
            if name == "progress" && text.lines().any(str::is_empty) {
                continue;
            }
            assert_eq!(read(&path, &decorated), plain, "{name} changes {}", path.display());
        }
    }
}

#[test]
fn line_ends_and_colours_change_nothing_in_issues() {
    let (inputs, _) = corpus();
    for path in inputs.iter().filter(|path| path.extension().is_some_and(|e| e == "md")) {
        let text = fs::read_to_string(path).expect("the test data can be read");
        let (title, body) = split_title(&text);
        let plain = intake::read_text(title, body, &[]);
        let crlf = decorate(body, |l| format!("{l}\r\n"));
        assert_eq!(intake::read_text(title, &crlf, &[]), plain, "{}", path.display());
        let colours = decorate(body, |l| format!("\u{1b}[1m{l}\u{1b}[0m\n"));
        assert_eq!(intake::read_text(title, &colours, &[]), plain, "{}", path.display());
    }
}

#[test]
fn traces_are_located_in_order_and_do_not_overlap() {
    let mut all = String::new();
    for (_, text) in traces() {
        all.push_str(&text);
        all.push_str("\n\nnothing to see between two traces\n\n");
    }
    let found = intake::read_traces(&all);
    assert!(found.len() > 50, "{}", found.len());
    let lines = all.lines().count();
    let mut last = 0;
    for located in found {
        assert!(located.start_line > last && located.start_line <= located.end_line && located.end_line <= lines);
        assert!(!located.failure.chain.is_empty());
        last = located.end_line;
    }
}

#[test]
fn unbalanced_brackets_and_bare_labels_are_no_frames_and_no_panics() {
    for text in [
        "Error: x\n   at A.B)",
        "   at A.B\u{a0}(int x)",
        "   at A.B() in ",
        "--- FAIL: T (0.00s)\n    a_test.go:1: \n        Error Trace:\n        Error\n",
        "at )",
        "at (",
        "thread '' panicked at :",
        "#0 (1): ",
        "File \"\", line 1, in ",
    ] {
        drop(intake::read_traces(text));
        drop(intake::read_text(text, text, &[]));
    }
}

/// Texts that would cost quadratic time or deep recursion in a careless reader.
fn hostile() -> Vec<String> {
    let size = 1 << 17;
    let fill = |unit: &str| unit.repeat(size / unit.len());
    let mut all: Vec<String> = [
        "at ",
        "(",
        ")",
        "[",
        "<",
        "<!--",
        "```\n",
        "~~~\n",
        "#",
        "# x\n",
        "|",
        "> ",
        ":1",
        ":1:1",
        "a@b:1:1\n",
        "\r",
        "\u{8}",
        "\u{1b}",
        "\u{1b}[",
        "\u{1b}]",
        "é",
        "a\u{301}",
        "-",
        "* **a:** b\n",
        "| a | b |\n",
        "    at f (/a.js:1:1)\n",
        "Error: x\n",
        "TypeError: x\n\n",
        "Caused by: a.B: c\n",
        "Caused by:\n  x\n",
        "[cause]: Error: x\n",
        "[errors]: [\n",
        "Traceback (most recent call last):\n",
        "Traceback (most recent call last):\n  File \"a\", line 1, in f\n",
        "  File \"a\", line 1\n",
        "E   x\n",
        "____ a ____\n",
        "a.py:1: in f\n",
        "a.py:1: \n",
        "thread 'a' panicked at x\n",
        "thread 'a' panicked at x:1:1:\n",
        "stack backtrace:\n",
        "0: a\n",
        "panic: x\n",
        "goroutine 1 [running]:\n",
        "fatal error: x\n",
        "--- FAIL: T\n    a_test.go:1: x\n",
        "  at A.B(C d)\n",
        "---> A: b\n",
        "---> (Inner Exception #0) x\n",
        "Uncaught x\n",
        "Uncaught A: x\n",
        "#0 a(1): b()\n",
        "Next A: b\n",
        "a.rb:1:in 'b': c (D)\n",
        "a.rb:1:in 'b'\n",
        "from a.rb:1:in 'b'\n",
        ": from ",
        "● x\n",
        "+-+---- 1 ----\n",
        "During handling of the above exception, another exception occurred:\n",
        "Suppressed: x\n",
        "&lt;",
        "<details>",
        "<summary>",
        "Location: a.b:1\n",
        "10:00:00 ",
        "web-1 | ",
        "Uncaught ",
        "Exception in thread \"",
    ]
    .into_iter()
    .map(fill)
    .collect();
    let mut steps = String::new();
    for depth in 0..1400 {
        steps.push_str(&" ".repeat(depth));
        steps.push_str("Traceback (most recent call last):\n");
    }
    all.push(steps);
    all
}

#[test]
fn hostile_text_of_every_shape_is_read_in_bounded_work() {
    for text in hostile() {
        drop(intake::read_traces(&text));
        drop(intake::read_trace(&text));
        drop(intake::read_text("x", &text, &[]));
    }
    // A megabyte of everything.
    let all: String = hostile().iter().map(|text| &text[..text.floor_char_boundary(1 << 14)]).collect();
    drop(intake::read_text("x", &all, &[]));
}

#[test]
fn a_body_beyond_a_megabyte_is_read_at_both_ends() {
    let noise = "all quiet here, nothing to report\n".repeat(100_000);
    let trace = "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n    g()\nKeyError: 'x'\n";
    for body in [format!("{trace}{noise}"), format!("{noise}{trace}")] {
        let failure = intake::read_text("Nightly", &body, &[]).expect("the test data can be read");
        assert_eq!(failure.error_type(), "KeyError");
    }
    let middle = format!("{noise}{trace}{noise}");
    let skip = intake::read_text("Nightly", &middle, &[]).unwrap_err();
    assert_eq!(skip.reason.as_str(), "report-too-large");
}

#[test]
fn labels_name_a_language_where_the_text_does_not() {
    let failure =
        intake::read_text("RangeError: out of it", "", &["lang:python".to_owned()]).expect("the test data can be read");
    assert_eq!(failure.language, Some(homeostat::model::Language::Python));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn arbitrary_text_never_panics(title in ".{0,80}", body in "(.|\n){0,2000}") {
        drop(intake::read_text(&title, &body, &[]));
        drop(intake::read_traces(&body));
        drop(intake::read_trace(&body));
    }

    #[test]
    fn fragments_of_traces_in_any_order_never_panic(
        parts in prop::collection::vec(prop::sample::select(vec![
            "at ", "A.B", "(", ")", " in ", ":line ", "1", ":", "\n", "  ", "\t", "Error", "Error: ", "Error Trace:", "--- FAIL: ",
            "=== RUN ", "a_test.go", ".py", "File \"", "\", line ", "Traceback (most recent call last):", "E   ", "____ ", " ____",
            "thread '", "' panicked at ", "stack backtrace:", "panic: ", "goroutine 1 [", "]:", "---> ", "Uncaught ", "#0 ",
            "Next ", "a.rb", "'", "`", "from ", "# ", "● ", "[cause]: ", "[errors]: [", "Caused by: ", "... 1 more", "é", "\u{a0}",
            "<", ">", "<summary>", "</summary>", "<!--", "-->", "```", "**", "|", "- ", "Location", "@", "/a.js", "> ", "not ok 1 - ",
            "---", "...", "error: ", "stack: |-", "}", "{", ",", "Stack Trace:", "Error Message:", "Failure/Error:", "+-+---- 1 ----",
            "The above exception was the direct cause of the following exception:", "\u{1b}[", "[31m", "\r", "Suppressed: ",
        ]), 0..60),
    ) {
        let text = parts.concat();
        drop(intake::read_text(&text, &text, &[]));
        drop(intake::read_traces(&text));
        drop(intake::read_trace(&text));
    }

    #[test]
    fn mutated_reports_never_panic(
        index in any::<proptest::sample::Index>(),
        edits in prop::collection::vec((any::<proptest::sample::Index>(), 0_u8..4, any::<char>()), 1..40),
    ) {
        let (inputs, _) = corpus();
        let path = index.get(&inputs);
        let mut chars: Vec<char> = fs::read_to_string(path).expect("the test data can be read").chars().collect();
        for (place, action, c) in edits {
            if chars.is_empty() {
                break;
            }
            let at = place.index(chars.len());
            match action {
                0 => chars[at] = c,
                1 => chars.insert(at, c),
                2 => drop(chars.remove(at)),
                _ => chars.truncate(at),
            }
        }
        let text: String = chars.into_iter().collect();
        drop(intake::read_text("x", &text, &[]));
        drop(intake::read_traces(&text));
        drop(intake::read_trace(&text));
    }
}
