//! `open-pr` under a push event, and `runs` over what runs left.

use std::fs;
use std::process::Command;

use super::world::{Ended, World, ended};

/// Pushes a branch with one commit to the fleet's repository.
fn push(world: &World, branch: &str) {
    let source = world.path("source/acme/shop");
    world.git(&source, &["switch", "--quiet", "--create", branch]);
    fs::write(source.join("login.txt"), "a form\n").expect("a file");
    world.git(&source, &["add", "--all"]);
    world.git(&source, &["commit", "--quiet", "--message=Add the login form"]);
    world.git(&source, &["push", "--quiet", &world.text("fleet/acme/shop.git"), branch]);
}

fn open_pr(world: &World, more: &[&str]) -> Command {
    let (forge, artifacts) = (format!("local:{}", world.text("fleet")), world.text("artifacts"));
    let args = ["open-pr", "--forge", &forge, "--config", "repos.yml", "--artifacts", &artifacts, "--format", "json"];
    world.program(&[&args[..], more].concat())
}

fn event(world: &World, payload: &serde_json::Value) -> Command {
    world.write("event.json", payload.to_string());
    let mut command = open_pr(world, &[]);
    command.env("GITHUB_EVENT_NAME", "push").env("GITHUB_EVENT_PATH", world.path("event.json"));
    for (name, file) in [("GITHUB_OUTPUT", "output"), ("GITHUB_STEP_SUMMARY", "page")] {
        command.env(name, world.path(file));
    }
    command
}

fn pushed(branch: &str) -> serde_json::Value {
    serde_json::json!({
        "ref": format!("refs/heads/{branch}"), "deleted": false, "repository": { "full_name": "acme/shop" },
        "sender": { "id": homeostat::forge::rules::actor("acme").id, "login": "acme", "type": "User" },
    })
}

#[test]
fn a_push_opens_one_pull_request_and_says_so_to_the_runner() {
    let world = World::new();
    push(&world, "feat/login-form");
    let opened = ended(event(&world, &pushed("feat/login-form"))).ends_with(0).json();
    assert_eq!((&opened["state"], &opened["draft"]), (&"created".into(), &false.into()), "{opened}");
    assert_eq!(world.pulls("acme/shop").len(), 1);
    let output = fs::read_to_string(world.path("output")).expect("outputs");
    assert!(output.contains("prs-created<<") && output.contains("exit-class<<"), "{output}");
    let page = fs::read_to_string(world.path("page")).expect("a page");
    assert!(page.contains("`feat/login-form`") && page.contains("**created**"), "{page}");
    let again = ended(event(&world, &pushed("feat/login-form"))).ends_with(0).json();
    assert_eq!((&again["state"], &again["writes"]), (&"kept".into(), &0.into()), "{again}");
    assert_eq!(world.pulls("acme/shop").len(), 1);
}

#[test]
fn what_is_no_push_of_a_branch_opens_nothing() {
    let world = World::new();
    push(&world, "feat/login-form");
    let mut gone = pushed("feat/login-form");
    gone["deleted"] = true.into();
    ended(event(&world, &gone)).ends_with(0).says(&["No branch was pushed"]);
    let mut tag = pushed("x");
    tag["ref"] = "refs/tags/v1".into();
    ended(event(&world, &tag)).ends_with(0).says(&["No branch was pushed"]);
    ended(event(&world, &serde_json::json!({ "action": "opened" }))).ends_with(2).says(&["event.json", "no push"]);
    ended(open_pr(&world, &[])).ends_with(2).says(&["--branch", "on: push"]);
    let main = ended(open_pr(&world, &["--branch", "main"])).ends_with(0).json();
    assert_eq!(main["reason"], "not-a-feature-branch", "{main}");
    let dry = ended(open_pr(&world, &["--branch", "feat/login-form", "--dry-run"])).ends_with(0).json();
    assert_eq!((&dry["writes"], dry["actions"].as_array().map(Vec::len)), (&0.into(), Some(2)), "{dry}");
    assert!(world.pulls("acme/shop").is_empty());
}

fn runs(world: &World, args: &[&str]) -> Ended {
    world.homeostat(&[&["runs"], args].concat())
}

#[test]
fn past_runs_are_listed_shown_and_brought_home() {
    let world = World::new();
    runs(&world, &["list"]).ends_with(0);
    runs(&world, &["show", "latest"]).ends_with(2).says(&["no record", "runs pull"]);
    let ran = world.run(&["--format", "json"]).ends_with(0).json();
    let id = ran["run_id"].as_str().expect("an id").to_owned();
    let listed = runs(&world, &["list", "--format", "json"]).ends_with(0).json();
    let [one] = listed["runs"].as_array().expect("a list").as_slice() else { panic!("{listed}") };
    assert_eq!(
        (&one["run_id"], &one["prs_created"], &one["exit_class"]),
        (&id.clone().into(), &1.into(), &"ok".into())
    );
    let shown = runs(&world, &["show", &id[id.len() - 6..]]).ends_with(0).stdout;
    assert!(shown.contains(&id) && shown.contains("acme/shop issue #1: fixed"), "{shown}");
    let original = runs(&world, &["summary", "latest"]).ends_with(0).stdout;
    assert!(original.contains("**Homeostat**") && original.contains("acme/shop"), "{original}");
    // As on another machine: nothing is here, and the state branch has it.
    let (forge, elsewhere) = (format!("local:{}", world.text("fleet")), world.text("elsewhere"));
    let pull = ["pull", "--forge", &forge, "--config", "repos.yml", "--artifacts", &elsewhere, "--format", "json"];
    let before = world.fleet();
    let brought = runs(&world, &pull).ends_with(0).json();
    assert_eq!(brought["brought"], serde_json::json!([id]), "{brought}");
    assert_eq!(runs(&world, &pull).ends_with(0).json()["known"], 1);
    assert_eq!(world.fleet(), before, "bringing home writes nothing");
    let there = ["--artifacts", &elsewhere];
    let shown = runs(&world, &[&["show", &id], &there[..]].concat()).ends_with(0).stdout;
    assert!(shown.contains("acme/shop issue #1: fixed") && shown.contains("pull request #"), "{shown}");
    let made = runs(&world, &[&["summary", &id, "--format", "json"], &there[..]].concat()).ends_with(0).json();
    assert_eq!(made["original"], false);
    runs(&world, &["show", "nonsense"]).ends_with(2).says(&["nonsense", "runs list"]);
}

#[test]
fn shells_learn_the_commands_and_man_has_a_page() {
    let world = World::empty();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = world.homeostat(&["completions", shell]).ends_with(0).stdout;
        assert!(script.contains("open-pr"), "{shell}");
    }
    let page = world.homeostat(&["man"]).ends_with(0).stdout;
    assert!(page.contains(".TH homeostat 1") && page.contains("preflight"), "{page}");
}
