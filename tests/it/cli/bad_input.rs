//! Broken configurations, issues, repositories and folders: a clear message, the right exit code, nothing half-written.

use std::fs;
use std::time::{Duration, Instant};

use super::world::{World, ended, files};

/// Runs over a configuration that cannot be read, and requires that nothing at all came of it but words.
#[track_caller]
fn refused(bytes: &[u8], words: &[&str]) {
    let world = World::empty();
    world.write("repos.yml", bytes);
    let began = Instant::now();
    let mut command = world.run_command(&["--format", "json"]);
    command.env("GITHUB_STEP_SUMMARY", world.path("summary")).env("GITHUB_OUTPUT", world.path("output"));
    let ended = ended(command).ends_with(2).says(words).says(&["error: ", "repos.yml"]);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(ended.stdout.is_empty() && !world.path("artifacts").exists(), "{ended:?}");
    assert!(files(&world.path("fleet")).is_empty());
    let summary = fs::read_to_string(world.path("summary")).expect("the test world holds it");
    assert!(summary.contains("exit class `config`, code 2") && summary.contains(words[0]), "{summary}");
    assert!(fs::read_to_string(world.path("output")).expect("the test world holds it").starts_with("exit-class<<"));
}

#[test]
fn f_01_a_configuration_that_is_broken_is_named_with_its_line() {
    refused(
        b"version: 1\nrepositories:\n  - slug: acme/shop\n    test_comand: x\n",
        &["repos.yml:4:5", "`test_command`"],
    );
    refused(b"version: 1\nrepositories:\n  - slug: acme/shop\n    labels: [a, \"b", &["repos.yml:4", "no YAML"]);
    refused(b"version: 1\nname: \xff\xfe\n", &["repos.yml:2:7", "UTF-8"]);
    refused(b"", &["repos.yml:1:1", "version: 1"]);
    refused(b"\x00\x01\x02\x7fELF", &["repos.yml:1"]);
}

#[test]
fn v_95_a_configuration_that_is_a_bomb_is_refused_quickly() {
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..10 {
        let many = vec![format!("*a{}", level - 1); 9].join(",");
        bomb.push_str(&format!("a{level}: &a{level} [{many}]\n"));
    }
    refused(bomb.as_bytes(), &["repos.yml:", "values"]);
    refused(
        format!("version: 1\nrepositories: {}", "[".repeat(100_000)).as_bytes(),
        &["repos.yml:2:", "inside each other"],
    );
    refused(
        format!("version: 1\nrepositories: {}", "{a: ".repeat(50_000)).as_bytes(),
        &["repos.yml:2:", "inside each other"],
    );
}

#[test]
fn a_configuration_that_is_missing_or_huge_or_a_folder_is_named() {
    let world = World::empty();
    world.run(&[]).ends_with(2).says(&["repos.yml", "homeostat init", "--config"]);
    let file = fs::File::create(world.path("repos.yml")).expect("the test world holds it");
    // Sparse: a hundred megabytes that take no room.
    file.set_len(100 << 20).expect("the test world holds it");
    world.run(&[]).ends_with(2).says(&["repos.yml", "larger than 1024 KiB"]);
    fs::remove_file(world.path("repos.yml")).expect("the test world holds it");
    fs::create_dir(world.path("repos.yml")).expect("the test world holds it");
    world.run(&[]).ends_with(2).says(&["repos.yml", "cannot be read"]);
    assert!(!world.path("artifacts").exists());
}

#[test]
fn a_broken_issue_leaves_the_others_alone() {
    let world = World::new();
    world.write("fleet/acme/shop/issues/2.md", b"\xff\xfe\x00 not text \x80");
    world.write("fleet/acme/shop/issues/3.md", "---\ntitle: [\nlabels: homeostat\nno end");
    let mut long = "---\ntitle: long\nlabels: [homeostat]\n---\n".to_owned();
    for line in 0..200_000 {
        long.push_str(&format!("line {line} of nothing at all\n"));
    }
    world.write("fleet/acme/shop/issues/4.md", long);
    let ended = world.run(&["--format", "json"]).says(&[]);
    let report = ended.json();
    let one = &report["repositories"][0];
    assert_eq!(one["pull_requests"][0]["state"], "created", "{report}");
    assert_eq!(one["skipped"][0]["reason"], "report-too-large", "{report}");
    assert!(one["skipped"][0]["report"].as_str().expect("the test world holds it").contains("#4"), "{report}");
}

#[test]
fn a_broken_issue_is_named() {
    let world = World::new();
    world.write("fleet/acme/shop/issues/3.md", "---\ntitle: [\nlabels: homeostat\nno end");
    let ended = world.run(&["--format", "json"]);
    assert!(format!("{}{}", ended.stdout, ended.stderr).contains("issues/3.md"), "{ended:?}");
}

#[test]
fn one_broken_repository_does_not_stop_the_others() {
    let world = World::new();
    let git = |args: &[&str]| world.git(&world.path("fleet"), args);
    git(&["init", "--quiet", "--bare", "--initial-branch=main", "acme/unborn.git"]);
    world.repository("acme/corrupt");
    for (path, _) in files(&world.path("fleet/acme/corrupt.git/objects")) {
        // Objects are read-only; another file in their place is what a bad disk looks like.
        fs::remove_file(&path).expect("the test world holds it");
        fs::write(&path, "garbage").expect("the test world holds it");
    }
    world.write("fleet/acme/nogit.git/README", "no repository");
    for slug in ["acme/unborn", "acme/corrupt", "acme/nogit", "acme/missing"] {
        world.issue(slug, 1);
    }
    world.configure("  - slug: acme/unborn\n  - slug: acme/corrupt\n  - slug: acme/nogit\n  - slug: acme/missing\n");
    let report = world.run(&["--format", "json"]).ends_with(3).says(&[]).json();
    let repositories = report["repositories"].as_array().expect("the test world holds it");
    assert_eq!(repositories[0]["pull_requests"][0]["state"], "created", "{report}");
    assert_eq!((&repositories[0]["error"], repositories.len()), (&serde_json::Value::Null, 5));
    for (one, words) in repositories[1..].iter().zip(["no commit on it", "corrupt.git", "nogit.git", "missing.git"]) {
        let error = one["error"].as_str().unwrap_or_else(|| panic!("{one}"));
        assert!(
            error.contains(words) && error.contains(one["slug"].as_str().expect("the test world holds it")),
            "{error}"
        );
        assert_eq!(one["pull_requests"].as_array().map(Vec::len), Some(0));
    }
    assert_eq!(report["totals"]["exit_class"], "refused");
    let again = world.run(&["--format", "json"]).ends_with(3).json();
    assert_eq!(again["writes"], 0);
}

#[test]
fn v_102_a_run_whose_record_cannot_be_written_writes_nothing() {
    let world = World::new();
    world.write("plain", "a file");
    let before = world.fleet();
    let forge = format!("local:{}", world.text("fleet"));
    let mut command =
        world.program(&["run", "--forge", &forge, "--config", "repos.yml", "--artifacts", "plain/artifacts"]);
    command.env("GITHUB_STEP_SUMMARY", world.path("summary"));
    ended(command).ends_with(70).says(&["plain/artifacts", "nothing was started", "--artifacts"]);
    assert!(before == world.fleet());
    assert!(fs::read_to_string(world.path("summary")).expect("the test world holds it").contains("code 70"));
    assert_eq!(fs::read_to_string(world.path("plain")).expect("the test world holds it"), "a file");
}

#[test]
fn scratch_space_that_cannot_be_written_ends_without_a_pull_request_and_says_so() {
    let world = World::new();
    world.write("plain", "a file");
    let mut command = world.run_command(&["--format", "json"]);
    command.env("HOMEOSTAT_STATE_DIR", world.path("plain/state"));
    let ended = ended(command).says(&[]);
    assert_ne!(ended.code, 0, "{ended:?}");
    assert!(world.pulls("acme/shop").is_empty() && world.branches("acme/shop").is_empty());
}
