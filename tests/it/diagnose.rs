//! Reads every log under `tests/data/ci` and compares the diagnosis with its expectation, exactly.
//!
//! `HOMEOSTAT_BLESS=1` writes expectations anew; read their diff before it is committed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use homeostat::fingerprint;
use homeostat::intake::log::{Diagnosis, DiagnosisDocument, LogText, Tail, diagnose};
use homeostat::model::{Kind, Lane};
use homeostat::redact::Redactor;
use proptest::prelude::*;

fn text(bytes: &[u8]) -> LogText {
    let mut tail = Tail::default();
    tail.push(bytes);
    tail.finish()
}

fn document(diagnosis: &Diagnosis) -> DiagnosisDocument {
    let identity = diagnosis.failure.as_ref().map(|failure| fingerprint::identify(failure).fingerprint);
    diagnosis.document(identity, &Redactor::new(&[]))
}

fn files(extension: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/ci");
    let mut found: Vec<PathBuf> = fs::read_dir(root)
        .expect("the test data can be read")
        .map(|entry| entry.expect("the test data can be read").path())
        .inspect(|path| {
            let known = path.extension().is_some_and(|e| e == "log" || e == "json");
            assert!(known, "{} has an unexpected extension", path.display());
        })
        .filter(|path| path.extension().is_some_and(|e| e == extension))
        .collect();
    found.sort();
    found
}

fn logs() -> Vec<(String, Vec<u8>)> {
    let name = |path: &PathBuf| path.file_stem().expect("a log has a name").to_string_lossy().into_owned();
    files("log").into_iter().map(|path| (name(&path), fs::read(&path).expect("the test data can be read"))).collect()
}

fn of(name: &str) -> Diagnosis {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/ci/{name}.log"));
    diagnose(&text(&fs::read(path).expect("the test data can be read")))
}

#[test]
fn every_log_of_the_corpus_is_understood_exactly_as_expected() {
    let bless = std::env::var_os("HOMEOSTAT_BLESS").is_some();
    let mut expectations: BTreeSet<PathBuf> = files("json").into_iter().collect();
    let inputs = files("log");
    let mut wrong = Vec::new();
    for input in &inputs {
        let expectation = input.with_extension("json");
        let bytes = fs::read(input).expect("the test data can be read");
        let found = document(&diagnose(&text(&bytes)));
        let found = format!("{}\n", serde_json::to_string_pretty(&found).expect("a document serialises"));
        expectations.remove(&expectation);
        if bless {
            fs::write(&expectation, &found).expect("the test data can be written");
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
    assert!(inputs.len() >= 60, "only {} logs", inputs.len());
}

#[test]
fn an_excerpt_is_short_and_holds_every_failing_test_and_lies_in_the_log() {
    for (name, bytes) in logs() {
        let found = diagnose(&text(&bytes));
        assert!(found.excerpt.lines().count() <= 40, "{name}");
        let words = |text: &str| -> BTreeSet<String> {
            text.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_owned).collect()
        };
        let shown = words(&found.excerpt);
        for test in &found.failed_tests {
            assert!(words(test).is_subset(&shown), "{name}: {test} is not in\n{}", found.excerpt);
        }
        if let Some([from, to]) = found.lines {
            assert!(1 <= from && from <= to && to <= text(&bytes).text.lines().count(), "{name}");
        }
        assert_eq!(found.lane.is_some(), found.failure.is_some(), "{name}");
        assert_eq!(found.lane.is_some(), found.first_error.is_some(), "{name}");
    }
}

#[test]
fn the_first_error_stands_in_the_excerpt() {
    for (name, bytes) in logs() {
        let found = diagnose(&text(&bytes));
        let Some(failure) = &found.failure else { continue };
        if failure.kind == Some(Kind::Format)
            || failure.error_type() == "failed"
            || failure.error_type() == "exit"
            || failure.error_type() == "killed"
        {
            continue;
        }
        let message = failure.message().lines().next().unwrap_or("").trim();
        // javac's symbol stands two lines below.
        let start: String = message.chars().take(12).collect();
        assert!(found.excerpt.contains(start.trim()), "{name}: {start:?} is not in\n{}", found.excerpt);
    }
}

#[test]
fn dressing_and_line_ends_change_nothing() {
    for (name, bytes) in logs() {
        let Ok(plain) = String::from_utf8(bytes) else { continue };
        let expected = document(&diagnose(&text(plain.as_bytes())));
        let returned = plain.replace("\r\n", "\n").replace('\n', "\r\n");
        assert_eq!(document(&diagnose(&text(returned.as_bytes()))), expected, "{name} with CRLF");
        let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(plain.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        assert_eq!(document(&diagnose(&text(&wide))), expected, "{name} as UTF-16");
    }
}

#[test]
fn the_same_failure_elsewhere_has_the_same_fingerprint() {
    for (name, bytes) in logs() {
        let Ok(plain) = String::from_utf8(bytes) else { continue };
        let identity = |log: &str| document(&diagnose(&text(log.as_bytes()))).fingerprint;
        let expected = identity(&plain);
        let later = plain.replace("2026-03-04T05:", "2026-07-09T11:");
        assert_eq!(identity(&later), expected, "{name}, later");
        let elsewhere = plain.replace("/home/runner/work/shop/shop", "/builds/a1/work/shop/shop");
        if name.starts_with("rustc") || name.starts_with("tsc") || name.starts_with("ruff") || name.starts_with("go-") {
            assert_eq!(identity(&elsewhere), expected, "{name}, elsewhere");
        }
    }
}

#[test]
fn infrastructure_settings_and_code_are_told_apart() {
    let rows = [
        ("cancelled", Lane::Infra, Kind::Cancelled),
        ("job-timeout", Lane::Infra, Kind::Timeout),
        ("runner-lost", Lane::Infra, Kind::Network),
        ("disk-full-rustc", Lane::Infra, Kind::Disk),
        ("oom-137", Lane::Infra, Kind::Memory),
        ("network-dns", Lane::Infra, Kind::Network),
        ("network-pip-dns", Lane::Infra, Kind::Network),
        ("permission-integration", Lane::Config, Kind::Permission),
        ("config-missing-input", Lane::Config, Kind::Runtime),
        ("dependency-pip", Lane::Code, Kind::Dependency),
        ("flaky-connection", Lane::Flaky, Kind::Test),
        ("jest-timeout", Lane::Flaky, Kind::Test),
        ("rustfmt-check", Lane::Code, Kind::Format),
        ("mypy-strict", Lane::Code, Kind::Type),
        ("clippy-denied", Lane::Code, Kind::Lint),
        ("maven-compile", Lane::Code, Kind::Build),
        ("python-traceback", Lane::Code, Kind::Runtime),
        ("continue-on-error", Lane::Code, Kind::Build),
    ];
    for (name, lane, kind) in rows {
        let found = of(name);
        assert_eq!((found.lane, found.kind), (Some(lane), Some(kind)), "{name}: {:?}", found.first_error);
    }
    for name in ["passed", "travis-passed"] {
        assert_eq!(of(name).lane, None, "{name}");
    }
}

#[test]
fn a_format_failure_carries_exactly_the_files_named() {
    let files = |name: &str| of(name).files;
    assert_eq!(files("ruff-format"), ["shop/cart.py", "tests/test_cart.py"]);
    assert_eq!(files("gofmt-list"), ["cart/cart.go"]);
    assert_eq!(files("prettier-check"), ["src/cart.js", "src/cart.ts"]);
    assert_eq!(files("black-check").len(), 2);
    assert_eq!(files("golangci").len(), 0, "what else is wrong is no formatter's");
    let failure = of("ruff-format").failure.expect("it failed");
    assert_eq!(failure.context["files"].as_str(), "shop/cart.py\ntests/test_cart.py");
}

#[test]
fn no_secret_of_a_log_is_printed() {
    let found = serde_json::to_string(&document(&of("plain-secret"))).expect("a document serialises");
    assert!(!found.contains("a1B2c3D4e5F6"), "{found}");
}

/// Runs the program; returns what it printed.
fn run(args: &[&str]) -> (Option<i32>, String) {
    let program = env!("CARGO_BIN_EXE_homeostat");
    let output = std::process::Command::new(program).args(args).output().expect("the program starts");
    (output.status.code(), String::from_utf8(output.stdout).expect("it prints text"))
}

#[test]
fn the_command_answers_each_log_of_a_folder_on_a_line_in_order() {
    let folder = tempfile::tempdir().expect("there is a place for files");
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).expect("a file is written");
    let of = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/ci/{name}.log"));
        fs::read(path).expect("the test data can be read")
    };
    write("b.log", &of("tsc-plain"));
    let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut zip, &of("jest-two")).expect("memory takes it");
    write("a.log.gz", &zip.finish().expect("memory takes it"));
    write("notes.txt", b"no log");
    let (code, printed) = run(&["diagnose", "--batch", &folder.path().to_string_lossy(), "--format", "json"]);
    assert_eq!(code, Some(0));
    let answers: Vec<serde_json::Value> =
        printed.lines().map(|line| serde_json::from_str(line).expect("each line is a document")).collect();
    let names: Vec<&str> = answers.iter().filter_map(|answer| answer["file"].as_str()).collect();
    assert_eq!(names, ["a.log.gz", "b.log"]);
    assert!(printed.lines().all(|line| line.starts_with("{\"file\":")), "the file comes first");
    assert_eq!(answers[0]["failed_tests"][0], "cart › counts amounts");
    assert_eq!(answers[1]["first_error"]["code"], "TS2322");
    write("c.log.gz", b"no gzip at all");
    assert_eq!(run(&["diagnose", "--batch", &folder.path().to_string_lossy()]).0, Some(2));
}

#[test]
fn v_39_v_40_v_41_no_workflow_command_of_a_log_is_printed() {
    let folder = tempfile::tempdir().expect("there is a place for files");
    let log = "##[group]Run ./check\n##[endgroup]\n::error::boo\n  ::set-output name=a::b\nx ##[add-mask]e\n\
               error: ::warning::no\n##[error]Process completed with exit code 1.\n";
    let path = folder.path().join("job.log");
    fs::write(&path, log).expect("a file is written");
    for format in ["text", "json"] {
        let (code, printed) = run(&["diagnose", &path.to_string_lossy(), "--format", format]);
        assert_eq!(code, Some(0));
        assert!(!printed.contains("##["), "{printed}");
        assert!(printed.lines().all(|line| !line.trim_start().starts_with("::")), "{printed}");
    }
    let (_, printed) = run(&["diagnose", &path.to_string_lossy(), "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&printed).expect("it is a document");
    assert!(document["excerpt"].as_str().is_some_and(|excerpt| excerpt.contains("##[error]")), "the value is whole");
}

#[test]
fn a_log_cut_anywhere_is_read_without_a_panic() {
    for (_, bytes) in logs() {
        for step in 0..12 {
            let cut = bytes.len() * step / 12;
            diagnose(&text(&bytes[..cut]));
            diagnose(&text(&bytes[cut..]));
        }
    }
}

#[test]
fn v_92_time_grows_with_the_log_and_no_faster() {
    let all: Vec<u8> = logs().into_iter().flat_map(|(_, bytes)| bytes).collect();
    let all = text(&all).text;
    let measure = |times: usize| {
        let log = LogText { text: all.repeat(times), dropped: 0 };
        let start = Instant::now();
        diagnose(&log);
        start.elapsed().as_secs_f64()
    };
    measure(1);
    let (one, eight) = (measure(2), measure(16));
    assert!(eight < one * 8.0 * 4.0 + 0.5, "{one} s for two, {eight} s for sixteen");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn v_36_arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        diagnose(&text(&bytes));
    }

    #[test]
    fn lines_of_all_tools_in_any_order_never_panic(picks in prop::collection::vec((0usize..200, 0usize..400), 0..80)) {
        let all = logs();
        let mut log = Vec::new();
        for (file, line) in picks {
            let lines: Vec<&[u8]> = all[file % all.len()].1.split(|b| *b == b'\n').collect();
            log.extend_from_slice(lines[line % lines.len()]);
            log.push(b'\n');
        }
        let found = diagnose(&text(&log));
        prop_assert!(found.excerpt.lines().count() <= 40);
    }
}
