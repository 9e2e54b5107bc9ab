//! Stories of failures that no test shows: files that are not formatted, and what compilers and linters complain of.

use std::sync::Arc;

use homeostat::engine::fixers::Ask;
use homeostat::forge::{Conclusion, Forge as _};
use homeostat::model::{MicroUsd, RepoSlug};
use homeostat::workspace::Exit;

use super::failed_runs::ci;
use super::program::{Scripted, proposal};
use super::workspace::Files;
use super::world::{Ran, World};

/// What one command says: words in its text, its output, and its exit code.
type Says = Box<dyn Fn(&Files, &str) -> Option<(String, i32)> + Send + Sync>;

const LIB: &str = "src/lib.rs";
const RUSTFMT: &str = "Diff in /home/runner/work/shop/shop/src/lib.rs:1:\n-UNTIDY\n+TIDY\n";
const RUSTC: &str = "error[E0425]: cannot find value `totl` in this scope\n --> src/lib.rs:2:5\n  |\n2 |     totl\n  |     ^^^^ not found in this scope\n\nerror: could not compile `shop` (lib) due to 1 previous error\n";
const RUFF: &str = "src/lib.py:1:8: F401 [*] `os` imported but unused\nFound 1 error.\n";
const TSC: &str = "src/app.ts(2,1): error TS2304: Cannot find name 'totl'.\n";

/// What the job's log says of a command that printed this.
fn log_of(command: &str, output: &str) -> Vec<u8> {
    let dressed =
        format!("##[group]Run {command}\n##[endgroup]\n{output}##[error]Process completed with exit code 1.\n");
    dressed.lines().map(|line| format!("2026-11-23T10:00:00.0000000Z {line}\n")).collect::<String>().into_bytes()
}

fn tests_of(passed: bool) -> (String, i32) {
    let (end, verdict) = if passed { ("ok", "ok") } else { ("FAILED", "FAILED") };
    let (good, bad) = (u8::from(passed), u8::from(!passed));
    let text = format!(
        "running 1 test\ntest adds ... {end}\n\ntest result: {verdict}. {good} passed; {bad} failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n"
    );
    (text, if passed { 0 } else { 101 })
}

/// A repository of one file, whose commands say what they are told to say.
async fn shop(file: &str, text: &str, says: Says) -> (World, RepoSlug) {
    let mut world = World::new(Vec::new());
    let slug = world.repository("shop", &[(file, text), ("Cargo.toml", "[package]\n")]).await;
    world.workspace.program = Arc::new(move |files: &Files, command: &str| {
        let (output, code) = says(files, command).unwrap_or_default();
        (output, Exit::Code(code))
    });
    world.fixers = Vec::new();
    (world, slug)
}

/// The commands of a Rust program with a formatter; `breaks` is a formatter that breaks a test.
fn formatted(breaks: bool) -> Says {
    Box::new(move |files, command| {
        let text = &files[LIB];
        match command {
            "run tests" => Some(tests_of(!breaks || text.contains("UNTIDY"))),
            _ if command.contains("-- --check") && text.contains("UNTIDY") => Some((RUSTFMT.to_owned(), 1)),
            "cargo fmt --version" => Some(("rustfmt 1.9.0-stable (abc 2026-01-01)\n".to_owned(), 0)),
            _ => None,
        }
    })
}

async fn unformatted(world: &World, slug: &RepoSlug) {
    ci(world, slug, Conclusion::Failure, &log_of("cargo fmt --check", RUSTFMT)).await;
}

/// Replaces a word in the file of the first place.
fn replace(from: &'static str, to: &'static str) -> Scripted {
    let script = move |ask: &Ask<'_>| {
        let Some((path, file)) = ask.files.iter().next() else { return Ok(Vec::new()) };
        let text = String::from_utf8_lossy(&file.content).replace(from, to);
        Ok(vec![proposal(ask, &[(path.as_str(), text)])])
    };
    Scripted { cost: MicroUsd::ZERO, script: Arc::new(script) }
}

fn ends(ran: &Ran, reason: &str) {
    assert_eq!((ran.pulls("created"), ran.has_reason(reason)), (0, true), "{reason}: {:?}", ran.reasons());
}

#[tokio::test]
async fn what_is_not_formatted_is_formatted_by_the_repositorys_own_formatter_and_ready() {
    let (world, slug) = shop(LIB, "// UNTIDY\n", formatted(false)).await;
    unformatted(&world, &slug).await;
    let ran = world.run().await;
    assert_eq!(ran.pulls("created"), 1, "{:#?}", ran.report);
    let pull = world.open_pulls(&slug).await.remove(0);
    assert!(!pull.draft, "{}", pull.body);
    for words in ["rustfmt 1.9.0-stable,", "`cargo fmt -- --check`", "run 3 times before and 3 times after", "native"] {
        assert!(pull.body.contains(words), "{words} is missing: {}", pull.body);
    }
    let report = &ran.report().repositories[0];
    assert!(report.patterns_used.is_empty() && report.zero_cost_fixes == 1, "{report:?}");
    assert_eq!(world.run().await.writes, 0);
}

#[tokio::test]
async fn a_formatter_that_breaks_a_test_mends_nothing() {
    let (world, slug) = shop(LIB, "// UNTIDY\n", formatted(true)).await;
    unformatted(&world, &slug).await;
    ends(&world.run().await, "tests-broken");
}

#[tokio::test]
async fn a_file_that_fixes_must_not_touch_is_not_formatted_and_nor_is_the_rest() {
    let (mut world, slug) = shop(LIB, "// UNTIDY\n", formatted(false)).await;
    world.policy(&slug).path_filters.exclude = vec!["src/**".to_owned()];
    unformatted(&world, &slug).await;
    ends(&world.run().await, "path-filter");
}

#[tokio::test]
async fn what_is_formatted_by_now_does_not_show() {
    let (world, slug) = shop(LIB, "// TIDY\n", formatted(false)).await;
    unformatted(&world, &slug).await;
    ends(&world.run().await, "not-reproduced");
}

#[tokio::test]
async fn a_log_that_names_a_file_which_is_not_there_is_no_work() {
    let (world, slug) =
        shop("src/other.rs", "// UNTIDY\n", Box::new(|_, command| (command == "run tests").then(|| tests_of(true))))
            .await;
    unformatted(&world, &slug).await;
    ends(&world.run().await, "frame-not-found");
}

#[tokio::test]
async fn a_formatter_that_is_not_there_is_named_with_what_to_install() {
    for code in [126, 127] {
        let says: Says = Box::new(move |_, command| match command {
            "run tests" => Some(tests_of(true)),
            _ => Some(("rustfmt: not to be had\n".to_owned(), code)),
        });
        let (world, slug) = shop(LIB, "// UNTIDY\n", says).await;
        unformatted(&world, &slug).await;
        let ran = world.run().await;
        ends(&ran, "formatter-missing");
        assert!(format!("{:?}", ran.report()).contains("rustup component add rustfmt"), "{:#?}", ran.report());
    }
}

#[tokio::test]
async fn without_a_suite_that_can_prove_anything_nothing_is_formatted() {
    let says: Says = Box::new(|files, command| {
        match command {
        "run tests" => Some((
            "running 0 tests\n\ntest result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n"
                .to_owned(),
            0,
        )),
        _ => formatted(false)(files, command),
    }
    });
    let (world, slug) = shop(LIB, "// UNTIDY\n", says).await;
    unformatted(&world, &slug).await;
    ends(&world.run().await, "no-tests");
}

#[tokio::test]
async fn formatters_can_be_turned_off() {
    let (mut world, slug) = shop(LIB, "// UNTIDY\n", formatted(false)).await;
    world.policy(&slug).native_fixers.formatters = false;
    unformatted(&world, &slug).await;
    ends(&world.run().await, "no-fixer");
}

/// The commands of a program that does not build while a name is wrong.
fn built(file: &'static str, complaint: &'static str) -> Says {
    Box::new(move |files, command| match command {
        "run tests" if files[file].contains("totl") => Some((complaint.to_owned(), 101)),
        "run tests" => Some(tests_of(true)),
        _ => None,
    })
}

#[tokio::test]
async fn what_does_not_build_is_red_by_its_compilers_words_and_green_when_tests_run() {
    let go = "# shop [shop.test]\n./add.go:2:2: undefined: totl\nFAIL\tshop [build failed]\nFAIL\n";
    let javac = "src/Main.java:2: error: cannot find symbol\n    totl\n    ^\n  symbol:   variable totl\n  location: class Main\n1 error\n";
    let cases = [
        (LIB, "cargo test", RUSTC, "E0425"),
        ("add.go", "go test ./...", go, "undefined: totl"),
        ("src/Main.java", "make test", javac, "cannot find symbol"),
        ("src/app.ts", "npm test", TSC, "TS2304"),
    ];
    for (file, command, complaint, words) in cases {
        let (mut world, slug) = shop(file, "one\ntotl\n", built(file, complaint)).await;
        world.fixers = vec![replace("totl", "total")];
        ci(&world, &slug, Conclusion::Failure, &log_of(command, complaint)).await;
        let ran = world.run().await;
        assert_eq!(ran.pulls("created"), 1, "{file}: {:#?}", ran.report);
        let pull = world.open_pulls(&slug).await.remove(0);
        assert!(!pull.draft && pull.body.contains(words), "{}", pull.body);
        assert_eq!(world.run().await.writes, 0, "{file}");
    }
}

#[tokio::test]
async fn a_build_that_fails_for_another_reason_shows_nothing() {
    let other = "error[E0308]: mismatched types\n --> src/lib.rs:2:5\n  |\n2 |     totl\n  |     ^^^^ expected `u8`, found `()`\n";
    let (mut world, slug) = shop(LIB, "fn sum(total: u8) -> u8 {\n    totl\n}\n", built(LIB, other)).await;
    world.fixers = vec![replace("totl", "total")];
    world.policy(&slug).evidence = homeostat::model::Evidentiary::RedGreen;
    ci(&world, &slug, Conclusion::Failure, &log_of("cargo test", RUSTC)).await;
    ends(&world.run().await, "needs-reproduction");
}

#[tokio::test]
async fn a_mended_build_that_runs_no_test_proves_nothing() {
    let says: Says = Box::new(|files, command| {
        match command {
        "run tests" if files[LIB].contains("totl") => Some((RUSTC.to_owned(), 101)),
        "run tests" => Some((
            "running 0 tests\n\ntest result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n"
                .to_owned(),
            0,
        )),
        _ => None,
    }
    });
    let (mut world, slug) = shop(LIB, "fn sum(total: u8) -> u8 {\n    totl\n}\n", says).await;
    world.fixers = vec![replace("totl", "total")];
    ci(&world, &slug, Conclusion::Failure, &log_of("cargo test", RUSTC)).await;
    ends(&world.run().await, "target-still-red");
}

/// The commands of a program whose tests pass and whose linter or type checker complains.
fn complained(file: &'static str, word: &'static str, complaint: &'static str) -> Says {
    Box::new(move |files, command| match command {
        "run tests" => Some(tests_of(true)),
        "check it" if files[file].contains(word) => Some((complaint.to_owned(), 1)),
        _ => None,
    })
}

#[tokio::test]
async fn what_a_linter_complains_of_is_shown_by_the_linter_where_the_tests_pass() {
    let (mut world, slug) = shop("src/lib.py", "import os\n", complained("src/lib.py", "os", RUFF)).await;
    world.policy(&slug).commands.lint = Some("check it".to_owned());
    world.fixers = vec![replace("import os\n", "# nothing\n")];
    ci(&world, &slug, Conclusion::Failure, &log_of("ruff check .", RUFF)).await;
    let ran = world.run().await;
    assert_eq!(ran.pulls("created"), 1, "{:#?}", ran.report);
    let pull = world.open_pulls(&slug).await.remove(0);
    assert!(!pull.draft && pull.body.contains("The check was red"), "{}", pull.body);
    assert!(pull.body.contains("`check it`: exit code 1 before, 0 after"), "{}", pull.body);
}

#[tokio::test]
async fn what_a_type_checker_complains_of_is_shown_by_it_and_not_when_it_finds_nothing() {
    let (mut world, slug) = shop("src/app.ts", "1\ntotl\n", complained("src/app.ts", "totl", TSC)).await;
    world.policy(&slug).commands.typecheck = Some("check it".to_owned());
    world.fixers = vec![replace("totl", "total")];
    ci(&world, &slug, Conclusion::Failure, &log_of("npx tsc --noEmit", TSC)).await;
    let ran = world.run().await;
    assert_eq!(ran.pulls("created"), 1, "{:#?}", ran.report);

    let (mut world, slug) = shop("src/app.ts", "1\ntotal\n", complained("src/app.ts", "totl", TSC)).await;
    world.policy(&slug).commands.typecheck = Some("check it".to_owned());
    world.fixers = vec![replace("total", "sum")];
    ci(&world, &slug, Conclusion::Failure, &log_of("npx tsc --noEmit", TSC)).await;
    ends(&world.run().await, "not-reproduced");
    assert!(
        world.forge.pulls(&slug, &homeostat::forge::PullQuery::default(), None).await.expect("pulls").items.is_empty()
    );
}
