//! `init` as people start it: files in a folder, a pull request on a forge, and the first run after it was merged.

use std::fs;
use std::sync::Arc;

use homeostat::forge::Forge;
use homeostat::forge::memory::MemoryForge;
use homeostat::forge::rules::ManualClock;
use homeostat::model::Timestamp;

use super::doctor::over_http;
use super::world::World;
use crate::http::Door;

const ACTION: &str = "acme/homeostat@0123456789abcdef0123456789abcdef01234567";

#[test]
fn init_says_what_it_guessed_and_overwrites_nothing() {
    let world = World::empty();
    world.write("app/Cargo.toml", "[package]\nname = \"app\"\nversion = \"0.1.0\"\n");
    world.write("app/Cargo.lock", "version = 4\n");
    world.homeostat(&["init", "--dir", "app"]).ends_with(2).says(&["--repo owner/name"]);
    let init = ["init", "--dir", "app", "--repo", "acme/app"];
    let printed = world.homeostat(&[&init[..], &["--print"]].concat()).ends_with(0);
    assert!(printed.stdout.contains("acme/app") && !world.path("app/.homeostat").exists());
    let told = world.homeostat(&init).ends_with(0).says(&["Cargo.toml is there", "cargo"]);
    assert!(told.stdout.contains("Left for a person:") && told.stdout.contains("--action"), "{told:?}");
    let written = fs::read_to_string(world.path("app/.homeostat/repos.yml")).expect("the test world holds it");
    assert!(written.contains("slug: acme/app") && written.contains("test_command: cargo test"), "{written}");
    assert_eq!(printed.stdout.trim(), written.trim());
    world.homeostat(&["config", "check", "--config", "app/.homeostat/repos.yml"]).ends_with(0);
    world.write("app/.homeostat/repos.yml", "mine");
    world.homeostat(&init).ends_with(2).says(&["there already", "--print"]);
    assert_eq!(fs::read_to_string(world.path("app/.homeostat/repos.yml")).expect("the test world holds it"), "mine");
}

#[test]
fn a_workflow_is_written_only_with_an_action_that_nobody_can_move() {
    let world = World::empty();
    world.write("app/go.mod", "module app\n");
    let init = |action: &str| world.homeostat(&["init", "--dir", "app", "--repo", "acme/app", "--action", action]);
    init("acme/homeostat@v1").ends_with(2).says(&["can be moved"]);
    init(ACTION).ends_with(0);
    let workflow = fs::read_to_string(world.path("app/.github/workflows/homeostat.yml")).expect("a workflow");
    assert!(workflow.contains("homeostat.yml@0123456789abcdef0123456789abcdef01234567"), "{workflow}");
    fs::remove_file(world.path("app/.homeostat/repos.yml")).expect("it is there");
    init(ACTION).ends_with(2).says(&["homeostat.yml", "there already"]);
    assert!(!world.path("app/.homeostat/repos.yml").exists(), "all or nothing");
    world.homeostat(&["init", "--dir", "app", "--repo", "a/b", "--write"]).ends_with(2).says(&["--pull-request"]);
}

#[test]
fn a_repository_is_set_up_by_a_merge_and_the_first_run_fixes_what_was_reported() {
    let world = World::new();
    let forge = format!("local:{}", world.text("fleet"));
    let init = |more: &[&str]| {
        let args = ["init", "--dir", "home", "--repo", "acme/shop", "--action", ACTION, "--pull-request"];
        world.homeostat(&[&args[..], &["--forge", &forge, "--artifacts", "artifacts"], more].concat())
    };
    let dry = init(&["--dry-run", "--format", "json"]).ends_with(0).json();
    assert_eq!((&dry["writes"], &dry["state"]), (&0.into(), &serde_json::Value::Null));
    let made = init(&["--format", "json"]).ends_with(0).json();
    assert_eq!(made["state"], "created", "{made}");
    assert_eq!(made["added"], serde_json::json!([".homeostat/repos.yml", ".github/workflows/homeostat.yml"]));
    let again = init(&["--format", "json"]).ends_with(0).json();
    assert_eq!((&again["state"], &again["writes"]), (&"kept".into(), &0.into()), "{again}");
    let told = init(&[]).ends_with(0).stdout;
    assert!(told.contains("Left for a person:") && told.contains("acme/shop: Pull request #"), "{told}");
    let bare = world.path("fleet/acme/shop.git");
    world.git(&bare, &["update-ref", "refs/heads/main", "refs/heads/homeostat-init"]);
    let config = world.git(&bare, &["show", "main:.homeostat/repos.yml"]);
    world.write("repos.yml", &config);
    let ran = world.run(&["--format", "json"]).ends_with(0).json();
    assert!(ran["writes"].as_u64().is_some_and(|writes| writes > 0), "{config}\n{ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_github_the_labels_are_made_too_and_without_write_nothing_is() {
    let world = World::empty();
    let clock = ManualClock::at(Timestamp::from_millis(1_800_000_000_000));
    let forge = Arc::new(MemoryForge::new(clock.clock()));
    let slugs = ["acme/ops", "acme/app"];
    for slug in slugs {
        let files = [("Cargo.toml", "[package]\nname = \"app\"\n"), ("src/lib.rs", "")];
        forge.create_repository(&slug.parse().expect("a slug"), &files).await.expect("a repository");
    }
    let door = Door::open(forge.clone(), clock, 30).await;
    let init = ["init", "--dir", "home", "--repo", "acme/app", "--repo", "acme/ops", "--pull-request"];
    over_http(&world, &door, &init, &[]).await.ends_with(2).says(&["--into owner/name"]);
    let init = [&init[..], &["--into", "acme/ops", "--action", ACTION]].concat();
    let held = over_http(&world, &door, &init, &[]).await.ends_with(0).says(&["Nothing was written; add --write."]);
    assert!(held.stdout.contains("HOMEOSTAT_APP_ID"), "{held:?}");
    let write = [&init[..], &["--write", "--format", "json"]].concat();
    let made = over_http(&world, &door, &write, &[]).await.ends_with(0).json();
    assert_eq!((&made["state"], &made["repository"]), (&"created".into(), &"acme/ops".into()), "{made}");
    assert!(made["labels"].as_array().is_some_and(|labels| labels.len() >= 10), "{made}");
    let again = over_http(&world, &door, &write, &[]).await.ends_with(0).json();
    assert_eq!((&again["state"], &again["writes"]), (&"kept".into(), &0.into()), "{again}");
    let ops = "acme/ops".parse().expect("a slug");
    let pulls =
        forge.pulls(&ops, &homeostat::forge::PullQuery { head: None, open_only: true }, None).await.expect("a page");
    assert_eq!(pulls.items.len(), 1);
}
