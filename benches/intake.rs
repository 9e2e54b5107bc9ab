//! How fast stack traces and outputs of test commands are read, by language and by runner.
//!
//! Inputs are the project's own test data; nothing here judges a result, the tests do.

#![expect(clippy::disallowed_methods, reason = "benchmarks read their inputs themselves")]

use std::fs;
use std::path::Path;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use homeostat::intake::{self, log};

fn main() {
    divan::main();
}

const LANGUAGES: &[&str] = &["csharp", "go", "java", "javascript", "kotlin", "php", "python", "ruby", "rust"];

const RUNNERS: &[&str] = &[
    "cargo", "go", "gradle", "jest", "maven", "mocha", "nextest", "node", "none", "pytest", "tap", "unittest", "vitest",
];

/// Returns every text of a folder below `tests/data`, without its expectations.
fn texts(folder: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder);
    let mut paths: Vec<_> = fs::read_dir(folder).expect("the corpus can be read").flatten().map(|f| f.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension != "json"));
    paths.sort();
    paths.iter().map(|path| fs::read_to_string(path).expect("the corpus can be read")).collect()
}

fn over(bencher: Bencher, texts: &[String], read: impl Fn(&str)) {
    let bytes: usize = texts.iter().map(String::len).sum();
    bencher.counter(ItemsCount::new(texts.len())).counter(BytesCount::new(bytes)).bench_local(|| {
        for text in texts {
            read(black_box(text));
        }
    });
}

/// One trace a text, as in the folder.
#[divan::bench(args = LANGUAGES)]
fn traces(bencher: Bencher, language: &str) {
    over(bencher, &texts(&format!("intake/{language}")), |text| {
        black_box(intake::read_trace(text));
    });
}

/// A body of 256 KiB with one trace of the language after the other: what is slow only in long texts shows here.
#[divan::bench(args = LANGUAGES)]
fn long_traces(bencher: Bencher, language: &str) {
    let short = texts(&format!("intake/{language}"));
    let mut long = String::new();
    for text in short.iter().cycle() {
        long.push_str(text);
        long.push_str("\n\n");
        if long.len() > 256 << 10 {
            break;
        }
    }
    over(bencher, &[long], |text| {
        black_box(intake::read_traces(text));
    });
}

/// Markdown issues, with and without a trace.
#[divan::bench]
fn issues(bencher: Bencher) {
    over(bencher, &texts("intake/issue"), |text| {
        let _read = black_box(intake::read_text("", text, &[]));
    });
}

/// Outputs of test commands, with the names of their tests.
#[divan::bench(args = RUNNERS)]
fn logs(bencher: Bencher, runner: &str) {
    over(bencher, &texts(&format!("log/{runner}")), |text| {
        black_box(log::read(text));
    });
}
