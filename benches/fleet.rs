//! How long the program itself takes: to start, for a run with nothing to do, and for one over 200 repositories of which
//! each has its pull request already.
//!
//! Every sample is a whole process, as a schedule starts it. The fleets are made on the first use, which proves one fix a
//! repository and takes minutes, and stay in `target/tmp/`, so that other tools can measure the same; delete them to have
//! new ones. Needs git and node.

#![expect(clippy::disallowed_methods, reason = "benchmarks make their inputs and start the program themselves")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use divan::Bencher;
use divan::counter::ItemsCount;

fn main() {
    divan::main();
}

const REPOSITORIES: usize = 200;

/// A program with a bug that the shipped library knows, and the test that shows it.
const FILES: &[(&str, &str)] = &[
    (
        "src/price.js",
        "\"use strict\";\n\nfunction nameOf(order) {\n  return order.customer.name;\n}\n\nmodule.exports = { nameOf };\n",
    ),
    (
        "test.js",
        "\"use strict\";\nconst assert = require(\"node:assert\");\nconst { nameOf } = require(\"./src/price.js\");\n\n\
         assert.equal(nameOf({ customer: { name: \"Ada\" } }), \"Ada\");\nassert.equal(nameOf({}), undefined);\n",
    ),
];

const REPORT: &str = "---\ntitle: Orders without a customer crash\nlabels: [homeostat]\n---\n\n\
    TypeError: Cannot read properties of undefined (reading 'name')\n    at nameOf (/srv/shop/src/price.js:4:25)\n";

const SECOND_REPORT: &str = "---\ntitle: The same on the other server\nlabels: [homeostat]\n---\n\n\
    TypeError: Cannot read properties of undefined (reading 'name')\n    at nameOf (/opt/shop/src/price.js:4:25)\n";

fn homeostat() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_homeostat"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn git(folder: &Path, arguments: &[&str]) {
    let status = Command::new("git")
        .current_dir(folder)
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .status();
    assert!(status.is_ok_and(|status| status.success()), "git {arguments:?}");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("a folder can be read").flatten() {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("a file can be copied");
        }
    }
}

/// Starts a run over a fleet and returns what it answered.
fn run(fleet: &Path) -> serde_json::Value {
    let output = homeostat()
        .args(["--format", "json", "run", "--config"])
        .arg(fleet.join("homeostat.yml"))
        .arg(format!("--forge=local:{}", fleet.display()))
        .arg("--artifacts")
        .arg(fleet.join("artifacts"))
        .env("HOMEOSTAT_STATE_DIR", fleet.join("scratch"))
        .stdout(Stdio::piped())
        .output()
        .expect("the program can be started");
    serde_json::from_slice(&output.stdout).expect("a run answers in JSON")
}

/// Makes a fleet of so many repositories with the same reports in each, and runs until nothing is left to do.
fn fleet(name: &str, repositories: usize, reports: &[&str]) -> PathBuf {
    let fleet = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let done = fleet.join("done");
    if done.is_file() {
        return fleet;
    }
    let _absent = fs::remove_dir_all(&fleet);
    let source = fleet.join("scratch/source");
    for (path, text) in FILES {
        let path = source.join(path);
        fs::create_dir_all(path.parent().unwrap_or(&source)).expect("a folder can be made");
        fs::write(path, text).expect("a file can be written");
    }
    git(&source, &["init", "--quiet", "--initial-branch=main"]);
    git(&source, &["add", "."]);
    git(&source, &["commit", "--quiet", "--message=Orders and their customers"]);
    let mut config = "version: 1\nrun: { max_prs_per_day: 1000 }\nrepositories:\n".to_owned();
    for number in 0..repositories {
        let slug = format!("shop/orders-{number:03}");
        copy(&source.join(".git"), &fleet.join(format!("{slug}.git")));
        git(&fleet.join(format!("{slug}.git")), &["config", "core.bare", "true"]);
        let issues = fleet.join(&slug).join("issues");
        fs::create_dir_all(&issues).expect("a folder can be made");
        for (at, report) in reports.iter().enumerate() {
            fs::write(issues.join(format!("{}.md", at + 1)), report).expect("a file can be written");
        }
        let _infallible = writeln!(config, "  - slug: {slug}\n    test_command: node test.js");
    }
    fs::write(fleet.join("homeostat.yml"), config).expect("a file can be written");
    let mut opened = 0;
    for _ in 0..20 {
        let answer = run(&fleet);
        opened += answer["totals"]["prs_created"].as_u64().unwrap_or(0);
        if answer["writes"] == 0 {
            let wanted = if reports.is_empty() { 0 } else { repositories as u64 };
            assert_eq!(opened, wanted, "every repository with a report has its pull request: {answer}");
            fs::write(&done, "").expect("a file can be written");
            return fleet;
        }
    }
    panic!("the fleet in {} still changes after twenty runs", fleet.display());
}

/// The start of the program and nothing else.
#[divan::bench(sample_count = 50, sample_size = 1)]
fn start(bencher: Bencher) {
    bencher.bench_local(|| homeostat().arg("--version").status().expect("the program can be started"));
}

/// One repository without a single report.
#[divan::bench(sample_count = 30, sample_size = 1)]
fn nothing_to_do(bencher: Bencher) {
    let fleet = fleet("fleet-empty", 1, &[]);
    bencher.bench_local(|| run(&fleet));
}

/// Each repository has two reports of one failure and the pull request for it.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn two_hundred_repositories_and_nothing_new(bencher: Bencher) {
    let fleet = fleet("fleet-200", REPOSITORIES, &[REPORT, SECOND_REPORT]);
    bencher.counter(ItemsCount::new(REPOSITORIES)).bench_local(|| {
        let answer = run(&fleet);
        assert_eq!(answer["writes"], 0, "something was new");
    });
}
