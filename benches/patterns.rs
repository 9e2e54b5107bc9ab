//! How fast a library is built, and how fast it finds the patterns for a failure.
//!
//! Libraries of any size are made from the shipped one by varying ids and literal texts, so that records are as long and
//! as mixed as real ones; every failure is one that some pattern is for.

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use homeostat::model::{Exception, Untrusted};
use homeostat::pattern::Library;
use serde_json::{Value, json};

const SHIPPED: &str = include_str!("../shared/patterns/library.json");

fn main() {
    divan::main();
}

/// Puts a word of the variant before a text, behind the `^` of a template.
fn vary(text: &str, variant: usize) -> String {
    match (variant, text.strip_prefix('^')) {
        (0, _) => text.to_owned(),
        // An exception that says nothing has no word to vary.
        (_, Some("$")) => text.to_owned(),
        (_, Some(rest)) => format!("^service {variant}: {rest}"),
        (_, None) => format!("service {variant}: {text}"),
    }
}

/// Makes a bundle of so many records; the first are the shipped ones unchanged.
fn bundle(size: usize) -> String {
    let shipped: Value = serde_json::from_str(SHIPPED).expect("the shipped bundle is JSON");
    let shipped = shipped["patterns"].as_array().expect("a bundle has patterns");
    let records: Vec<Value> = (0..size)
        .map(|at| {
            let variant = at / shipped.len();
            let mut record = shipped[at % shipped.len()].clone();
            if let Some(fields) = record.as_object_mut() {
                fields.remove("digest");
            }
            if variant > 0 {
                record["id"] = json!(format!("{}-{variant}", record["id"].as_str().unwrap_or_default()));
            }
            for template in record["signature"]["message"].as_array_mut().into_iter().flatten() {
                *template = json!(vary(template.as_str().unwrap_or_default(), variant));
            }
            record
        })
        .collect();
    json!({ "schema": "homeostat.patterns/1", "patterns": records }).to_string()
}

fn library(size: usize) -> Library {
    Library::from_bundle(&bundle(size)).expect("a varied record is as sound as the shipped one")
}

/// Makes failures from the examples of a library's patterns.
fn failures(library: &Library, count: usize) -> Vec<Exception> {
    let mut found: Vec<Exception> = Vec::new();
    for pattern in library.patterns() {
        let record = pattern.record();
        let variant = record.id.rsplit('-').next().and_then(|tail| tail.parse().ok()).unwrap_or(0);
        for example in &record.examples.positive {
            found.push(Exception {
                type_name: example.exception.clone().unwrap_or_default(),
                message: Untrusted::from(vary(&example.message, variant)),
                frames: Vec::new(),
            });
        }
    }
    // Spread over all patterns, not the first ones.
    let step = (found.len() / count).max(1);
    found.iter().step_by(step).cycle().take(count).cloned().collect()
}

/// The library that the program carries, read from its text.
#[divan::bench]
fn build_shipped(bencher: Bencher) {
    bencher.counter(BytesCount::of_str(SHIPPED)).bench_local(|| Library::from_bundle(black_box(SHIPPED)));
}

/// A library of any size, read from its text.
#[divan::bench(args = [1_000, 10_000], sample_count = 20)]
fn build(bencher: Bencher, size: usize) {
    let text = bundle(size);
    bencher
        .counter(ItemsCount::new(size))
        .counter(BytesCount::of_str(&text))
        .bench_local(|| Library::from_bundle(black_box(&text)));
}

/// The first question to a library, which builds its index.
#[divan::bench(args = [1_000, 10_000], sample_count = 20)]
fn first_match(bencher: Bencher, size: usize) {
    let library = library(size);
    let failure = failures(&library, 1).remove(0);
    // A merged library has the patterns and no index yet.
    bencher
        .with_inputs(|| library.merged(&Library::default()))
        .bench_local_refs(|fresh| fresh.matching(&failure).len());
}

/// A thousand failures against a thousand patterns: a million pairs.
#[divan::bench(sample_count = 20)]
fn a_thousand_failures_against_a_thousand_patterns(bencher: Bencher) {
    let library = library(1_000);
    let failures = failures(&library, 1_000);
    let matches: usize = failures.iter().map(|failure| library.matching(failure).len()).sum();
    assert!(matches >= failures.len() / 2, "only {matches} matches: the failures are not those of the patterns");
    bencher
        .counter(ItemsCount::new(failures.len()))
        .bench_local(|| failures.iter().map(|failure| library.matching(black_box(failure)).len()).sum::<usize>());
}

/// One failure against the largest library that is allowed.
#[divan::bench]
fn one_failure_against_ten_thousand_patterns(bencher: Bencher) {
    let library = library(10_000);
    let failures = failures(&library, 100);
    // The index and the templates in question are there, as for every failure of a run but the first.
    for failure in &failures {
        drop(library.matching(failure));
    }
    let mut next = failures.iter().cycle();
    bencher
        .counter(ItemsCount::new(1_usize))
        .bench_local(|| next.next().map(|failure| library.matching(failure).len()));
}
