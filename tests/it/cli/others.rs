//! Every other command: help, `config`, `pattern`, `eval`, and once the whole demo.

use std::fs;

use super::world::{World, cases};

#[test]
fn the_help_of_every_subcommand_has_an_example() {
    let world = World::empty();
    let commands = [
        "demo",
        "run",
        "reserve",
        "propose",
        "record",
        "publish",
        "open-pr",
        "outcomes",
        "doctor",
        "cost",
        "runs",
        "runs list",
        "runs show",
        "runs summary",
        "runs pull",
        "completions",
        "man",
        "fingerprint",
        "diagnose",
        "guard",
        "scan",
        "preflight",
        "pattern",
        "pattern list",
        "pattern show",
        "pattern lint",
        "pattern test",
        "pattern search",
        "eval",
        "diagnose",
        "config",
        "config check",
        "config show",
        "config schema",
        "init",
    ];
    for command in commands {
        let args: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let help = world.homeostat(&args).ends_with(0).stdout;
        let example = help.split("Example").nth(1).unwrap_or_default();
        assert!(
            example.contains(&format!("homeostat {command}"))
                || command.split(' ').count() == 1 && example.contains("homeostat"),
            "{command}: {help}"
        );
    }
    let listed = world.homeostat(&["--help"]).ends_with(0).stdout;
    let listed = listed
        .split("Commands:")
        .nth(1)
        .expect("the test world holds it")
        .split("Options:")
        .next()
        .expect("the test world holds it")
        .to_owned();
    for line in listed.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   ")) {
        let name = line.split_whitespace().next().expect("the test world holds it");
        assert!(name == "help" || commands.contains(&name), "{name} has no example here");
    }
    world.homeostat(&["bogus"]).ends_with(2).says(&["bogus", "Usage"]);
    world.homeostat(&[]).ends_with(2).says(&["demo", "init"]);
}

#[test]
fn config_is_checked_shown_and_described() {
    let world = World::empty();
    world.configure_command("true", "    max_prs_per_run: 1\n");
    let config = ["--config", "repos.yml"];
    let with = |name: &str, more: &[&str]| world.homeostat(&[&["config", name], &config[..], more].concat());
    assert!(with("check", &[]).ends_with(0).stdout.contains("no problems"));
    assert_eq!(with("check", &["--format", "json"]).ends_with(0).json()["repositories"], 1);
    let shown = with("show", &[]).ends_with(0).stdout;
    assert!(shown.lines().any(|line| line.contains("max_prs_per_run") && line.contains("line 5")), "{shown}");
    assert!(shown.lines().any(|line| line.contains("max_open_prs") && line.contains("built-in")), "{shown}");
    with("show", &["--format", "json"]).ends_with(0).json();
    let schema = world.homeostat(&["config", "schema"]).ends_with(0).json();
    assert!(schema["properties"]["repositories"].is_object(), "{schema}");
    world.write("repos.yml", "version: 1\nmod: ready\nrepositories:\n  - slug: nope\n");
    let problems = with("check", &["--format", "json"]).ends_with(2).stdout;
    assert!(problems.contains("mode") && problems.contains("nope"), "both problems at once: {problems}");
}

#[test]
fn patterns_are_listed_shown_and_checked() {
    let world = World::empty();
    let list = world.homeostat(&["pattern", "list", "--format", "json"]).ends_with(0).json();
    let list = list.as_array().expect("the test world holds it");
    assert!(list.len() >= 40, "{}", list.len());
    let id = list[0]["id"].as_str().expect("the test world holds it");
    assert!(world.homeostat(&["pattern", "show", id]).ends_with(0).stdout.contains(id));
    world.homeostat(&["pattern", "test", id]).ends_with(0);
    world.homeostat(&["pattern", "show", "no-such-pattern"]).ends_with(2).says(&["no-such-pattern", "pattern search"]);
    world.homeostat(&["pattern", "lint", "--format", "json"]).ends_with(0).json();
    world.write("mine/broken.yml", "id: [");
    world.homeostat(&["pattern", "lint", "--library", "mine"]).ends_with(2).says(&["mine/broken.yml"]);
}

#[test]
fn eval_tells_what_a_pattern_fixes_from_what_it_does_not() {
    let world = World::empty();
    let expected = fs::read_to_string(cases().join("expected.json")).expect("the test world holds it");
    let expected: serde_json::Value = serde_json::from_str(&expected).expect("the test world holds it");
    let from = cases().display().to_string();
    for only in ["py-latency-max-empty", "py-vat-rounding"] {
        let args = ["eval", "--cases", &from, "--fixer", "pattern", "--only", only, "--format", "json"];
        let report = world.homeostat(&args).ends_with(0).json();
        let case = &report["cases"][0];
        if case["status"] == "skipped" {
            continue;
        }
        assert_eq!((&case["id"], &case["status"]), (&only.into(), &expected[only]["expected"]), "{report}");
        assert_eq!(case["pattern"], expected[only]["pattern"], "{report}");
    }
    world.homeostat(&["eval", "--cases", &from, "--only", "no-such-case"]).ends_with(2).says(&["has no case"]);
    world.homeostat(&["eval", "--cases", "nowhere"]).ends_with(2).says(&["nowhere", "cannot be read"]);
    assert!(super::world::names(&world.path("tmp")).is_empty(), "eval left something in the temporary folder");
}

#[test]
fn the_demo_makes_a_fleet_fixes_it_and_the_second_time_writes_nothing() {
    let world = World::empty();
    let demo = ["demo", "--dir", "demo", "--format", "json"];
    let mut command = world.program(&demo);
    // The toolchains of those languages lie where they lie; a missing one is skipped by the demo itself.
    for name in ["RUSTUP_HOME", "CARGO_HOME", "JAVA_HOME", "GOROOT", "PYENV_ROOT"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    let report = super::world::ended(command).says(&[]).json();
    let repositories = report["repositories"].as_array().expect("the test world holds it");
    assert!(!repositories.is_empty(), "{report}");
    for one in repositories {
        assert_eq!(one["error"], serde_json::Value::Null, "{one}");
        let pulls = one["pull_requests"].as_array().expect("the test world holds it");
        assert!(pulls.iter().all(|pull| pull["state"] == "created" && pull["evidence"] == "red-green"), "{one}");
    }
    let made: usize =
        repositories.iter().map(|one| one["pull_requests"].as_array().expect("the test world holds it").len()).sum();
    assert!(made > 0, "{report}");
    // Its report is the log of a failed run, and its toolchain is the one that these tests are built with.
    let planner = repositories.iter().find(|one| one["slug"] == "demo/shift-planner").expect("the test world holds it");
    assert_eq!((&planner["runs_processed"], &planner["issues_processed"]), (&1.into(), &0.into()), "{planner}");
    assert_eq!(planner["pull_requests"][0]["source"], "native", "{planner}");
    let again = world.homeostat(&demo).json();
    assert_eq!((&again["writes"], &again["totals"]["prs_created"]), (&0.into(), &0.into()), "{again}");
    world.write("full/file", "mine");
    world.homeostat(&["demo", "--dir", "full"]).ends_with(2).says(&["full is not empty", "--dir"]);
}
