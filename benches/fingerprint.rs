//! How fast reports become identities: read from text and identified, and identified alone.
//!
//! Inputs are the project's own test data; nothing here judges a result, the tests do.

#![expect(clippy::disallowed_methods, reason = "benchmarks read their inputs themselves")]

use std::fs;
use std::path::{Path, PathBuf};

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use homeostat::fingerprint::{Components, identify};
use homeostat::intake;
use homeostat::model::Failure;

fn main() {
    divan::main();
}

fn data(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder)
}

/// Returns title and body of every report of the intake corpus; a bare trace has no title.
fn reports() -> Vec<(String, String)> {
    let mut reports = Vec::new();
    for folder in fs::read_dir(data("intake")).expect("the corpus can be read").flatten() {
        for file in fs::read_dir(folder.path()).into_iter().flatten().flatten() {
            let path = file.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                continue;
            }
            let text = fs::read_to_string(&path).expect("the corpus can be read");
            let title = text.strip_prefix("# ").filter(|_| path.extension().is_some_and(|e| e == "md"));
            reports.push(match title.and_then(|rest| rest.split_once('\n')) {
                Some((title, body)) => (title.to_owned(), body.to_owned()),
                None => (String::new(), text),
            });
        }
    }
    reports.sort();
    reports
}

fn failures() -> Vec<Failure> {
    let text = fs::read_to_string(data("fingerprint").join("frozen.jsonl")).expect("the corpus can be read");
    let line = |line: &str| {
        let case: serde_json::Value = serde_json::from_str(line).ok()?;
        serde_json::from_value(case.get("failure")?.clone()).ok()
    };
    text.lines().map(|text| line(text).expect("every line of the corpus has a failure")).collect()
}

/// The whole way of a report, as `homeostat fingerprint --batch` goes it.
#[divan::bench]
fn read_and_identify(bencher: Bencher) {
    let reports = reports();
    let bytes: usize = reports.iter().map(|(title, body)| title.len() + body.len()).sum();
    bencher.counter(ItemsCount::new(reports.len())).counter(BytesCount::new(bytes)).bench_local(|| {
        for (title, body) in &reports {
            if let Ok(failure) = intake::read_text(black_box(title), black_box(body), &[]) {
                black_box(identify(&failure));
            }
        }
    });
}

/// One long report: the corpus's traces one after the other, up to 256 KiB.
#[divan::bench]
fn read_and_identify_one_long_report(bencher: Bencher) {
    let mut body = String::new();
    for (_, text) in reports().iter().cycle() {
        body.push_str(text);
        body.push_str("\n\n");
        if body.len() > 256 << 10 {
            break;
        }
    }
    bencher
        .counter(BytesCount::of_str(&body))
        .bench_local(|| intake::read_text("", black_box(&body), &[]).map(|failure| identify(&failure)));
}

/// Identities of failures that are read already.
#[divan::bench]
fn identify_alone(bencher: Bencher) {
    let failures = failures();
    bencher.counter(ItemsCount::new(failures.len())).bench_local(|| {
        for failure in &failures {
            black_box(identify(black_box(failure)));
        }
    });
}

/// The same without hashing, to see what hashing costs.
#[divan::bench]
fn components_alone(bencher: Bencher) {
    let failures = failures();
    bencher.counter(ItemsCount::new(failures.len())).bench_local(|| {
        for failure in &failures {
            black_box(Components::of(black_box(failure)));
        }
    });
}
