//! `run` over a fleet made by hand: what comes out, on standard output and in files, and that again is nothing.

use std::fs;

use serde_json::Value;

use super::world::World;

/// A value that looks like a credential and is none.
const SEEDED: &str = "ghp_0123456789abcdefghijABCDEFGHIJ012345";

fn states(report: &Value) -> Vec<&str> {
    let repositories = report["repositories"].as_array().expect("the test world holds it");
    let pulls = repositories.iter().flat_map(|one| one["pull_requests"].as_array().expect("the test world holds it"));
    pulls.map(|pull| pull["state"].as_str().expect("the test world holds it")).collect()
}

#[test]
fn p_29_an_operators_stop_writes_nothing_anywhere_and_says_so() {
    let world = World::new();
    let before = world.fleet();
    for name in ["HOMEOSTAT_STOP", "HOMEOSTAT_DRY_RUN"] {
        let mut command = world.run_command(&["--format", "json"]);
        command.env(name, "true").env("GITHUB_STEP_SUMMARY", world.path("summary"));
        let ran = super::world::ended(command).ends_with(0).json();
        assert_eq!(ran["writes"], 0, "{name}: {ran}");
        assert!(world.fleet() == before, "{name}: the forge or its state changed");
        let summary = std::fs::read_to_string(world.path("summary")).expect("a summary");
        assert!(summary.contains("nothing was written"), "{name}: {summary}");
    }
    // A variable that is there and off, or empty, stops nothing: a workflow hands over what is not set, too.
    for value in ["false", ""] {
        let mut command = world.run_command(&["--format", "json"]);
        command.env("HOMEOSTAT_STOP", value).env("HOMEOSTAT_DRY_RUN", value);
        super::world::ended(command).ends_with(0);
    }
    assert_eq!(world.pulls("acme/shop").len(), 1);
}

#[test]
fn one_failure_becomes_one_proven_pull_request_and_a_second_run_writes_nothing() {
    let world = World::new();
    let report = world.run(&["--format", "json"]).ends_with(0).says(&[]).json();
    let pull = &report["repositories"][0]["pull_requests"][0];
    assert_eq!(states(&report), ["created"]);
    assert_eq!(
        (&pull["evidence"], &pull["source"], &pull["draft"]),
        (&"red-green".into(), &"pattern".into(), &false.into())
    );
    assert_eq!(report["repositories"][0]["patterns_used"][0], world.case.pattern);
    assert!(report["writes"].as_u64() > Some(0));
    assert_eq!(
        (world.pulls("acme/shop").len(), world.branches("acme/shop")),
        (1, vec![pull["branch"].as_str().expect("the test world holds it").to_owned()])
    );
    let text =
        fs::read_to_string(pull["url"].as_str().expect("the test world holds it")).expect("the test world holds it");
    assert!(text.contains("homeostat:state") && text.contains(world.case.pattern), "{text}");
    let bare = world.path("fleet/acme/shop.git");
    let range = format!("main...{}", pull["branch"].as_str().expect("the test world holds it"));
    assert_eq!(world.git(&bare, &["diff", "--name-only", &range]).trim(), world.case.fixed_file);

    let before = world.fleet();
    let again = world.run(&["--format", "json"]).ends_with(0).json();
    assert_eq!((again["writes"].as_u64(), states(&again)), (Some(0), vec!["kept"]));
    assert!(before == world.fleet(), "a second run changed the forge");
}

#[test]
fn a_dry_run_names_every_action_and_changes_no_byte() {
    let world = World::new();
    let before = world.fleet();
    let report = world.run(&["--dry-run", "--format", "json"]).ends_with(0).json();
    assert!(before == world.fleet(), "a dry run changed the forge");
    assert_eq!((report["writes"].as_u64(), states(&report)), (Some(0), vec!["planned"]));
    let actions = report["actions"].as_array().expect("the test world holds it");
    let verbs: Vec<&str> =
        actions.iter().map(|action| action["verb"].as_str().expect("the test world holds it")).collect();
    assert_eq!(verbs, ["create-branch", "create-pull-request", "add-labels"]);
    for action in actions {
        assert!(action["branch"].as_str().expect("the test world holds it").starts_with("homeostat/"), "{action}");
        assert_eq!(
            [&action["key"], &action["digest"]].map(|value| value.as_str().expect("the test world holds it").len()),
            [64, 64],
            "{action}"
        );
    }
    let stopped = World::new();
    let mut command = stopped.run_command(&["--format", "json"]);
    command.env("HOMEOSTAT_STOP", "1");
    assert_eq!(super::world::ended(command).ends_with(0).json()["writes"], 0);
}

#[test]
fn p_25_the_record_the_outputs_and_the_summary_are_whole_and_hold_no_secret() {
    let world = World::new();
    // A token in our environment is not even in that of the tests, which print theirs.
    world.configure_command(&format!("env; {}", world.test_command()), "");
    let mut command = world.run_command(&["--format", "json", "--intent", "nightly", "--tag", "a"]);
    command.env("GITHUB_TOKEN", SEEDED);
    command.env("GITHUB_OUTPUT", world.path("output")).env("GITHUB_STEP_SUMMARY", world.path("summary"));
    let report = super::world::ended(command).ends_with(0).json();
    let run_id = report["run_id"].as_str().expect("the test world holds it");

    let events = world.events();
    let count = |name: &str| events.iter().filter(|event| event["type"] == name).count();
    assert_eq!(["run.started", "attempt.finished", "repository.finished", "run.finished"].map(count), [1, 1, 1, 1]);
    let attempt = events.iter().find(|event| event["type"] == "attempt.finished").expect("the test world holds it");
    assert_eq!((&attempt["status"], &attempt["pr"]["state"]), (&"fixed".into(), &"created".into()));
    assert!(events.iter().all(|event| event["run_id"] == run_id));

    let logs = world.artifacts(".log.zst");
    assert_eq!(logs.len(), 2, "{logs:?}");
    for log in &logs {
        let text = String::from_utf8(
            zstd::decode_all(fs::File::open(log).expect("the test world holds it")).expect("the test world holds it"),
        )
        .expect("the test world holds it");
        assert!(text.contains("TZ=UTC") && !text.contains("GITHUB_TOKEN") && !text.contains(SEEDED), "{text}");
        assert!(
            attempt["logs"]
                .as_array()
                .expect("the test world holds it")
                .iter()
                .any(|name| log.ends_with(name.as_str().expect("the test world holds it")))
        );
    }
    let output = fs::read_to_string(world.path("output")).expect("the test world holds it");
    // The action hands on what its table has; only `reserve` divides work.
    let given = output.lines().filter_map(|line| line.split_once("<<ghadelimiter_")).map(|(name, _)| name);
    let table = homeostat::actions::interface::OUTPUTS.iter().map(|one| one.name).filter(|name| *name != "shards");
    assert_eq!(given.collect::<Vec<_>>(), table.collect::<Vec<_>>(), "{output}");
    let summary = fs::read_to_string(world.path("summary")).expect("the test world holds it");
    assert!(summary.contains(run_id) && summary.contains("| `acme/shop` | 1 | 0 | 1 |"), "{summary}");
    let everything = [super::world::files(&world.path("artifacts")), world.fleet()];
    let mut files = everything.iter().flatten();
    assert!(!files.any(|(_, bytes)| bytes.windows(SEEDED.len()).any(|window| window == SEEDED.as_bytes())));
}

#[test]
fn f_57_a_summary_that_cannot_be_written_is_a_warning() {
    let world = World::empty();
    world.configure_command("true", "");
    world.repository("acme/shop");
    let mut command = world.run_command(&["--format", "json"]);
    command.env("GITHUB_STEP_SUMMARY", world.path("no/such/folder"));
    super::world::ended(command).ends_with(0).says(&["warning: the step summary could not be written"]);
}

#[test]
fn one_issue_of_one_repository_can_be_named_and_a_wrong_name_is_no_quiet_success() {
    let world = World::new();
    world.repository("acme/other");
    world.issue("acme/other", 1);
    world.configure("  - slug: acme/other\n");
    let before = world.fleet();
    world.run(&["--repo", "acme/shp"]).ends_with(2).says(&["acme/shp", "acme/shop, acme/other", "--repo"]);
    world.stage("reserve", &["--repo", "acme/shp"]).ends_with(2).says(&["acme/shp"]);
    world.run(&["--issue", "1"]).ends_with(2).says(&["--repo"]);
    world.run(&["--repo", "acme/shop", "--issue", "7"]).ends_with(0).says(&["#7", "gone"]);
    assert!(before == world.fleet());
    let report = world.run(&["--repo", "acme/shop", "--issue", "1", "--format", "json"]).ends_with(0).json();
    assert_eq!(states(&report), ["created"]);
    assert_eq!((world.pulls("acme/shop").len(), world.pulls("acme/other").len()), (1, 0));
}

#[test]
fn what_is_not_there_yet_is_said() {
    let world = World::empty();
    world.configure("");
    let config = world.text("repos.yml");
    world.homeostat(&["run", "--config", &config]).ends_with(2).says(&["no token for GitHub", "local:DIR"]);
    for forge in ["local:/nonexistent", "local:repos.yml", "local:"] {
        world.homeostat(&["run", "--config", &config, "--forge", forge]).ends_with(2).says(&["homeostat demo"]);
    }
}
