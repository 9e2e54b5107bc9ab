//! `doctor` as people start it: over a forge in a folder, and over HTTP with a token.

use std::fs;
use std::sync::Arc;

use homeostat::event::schemas;
use homeostat::forge::memory::MemoryForge;
use homeostat::forge::rules::ManualClock;
use homeostat::model::Timestamp;
use serde_json::Value;

use super::world::{Ended, World, ended};
use crate::http::{Door, TOKEN};

fn fits_its_schema(document: &Value) {
    let schema = schemas().into_iter().find(|(name, _)| *name == "doctor").expect("a schema").1;
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let wrong: Vec<String> = validator.iter_errors(document).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:?}: {document}");
}

fn severity(document: &Value, id: &str) -> String {
    let all = document["findings"].as_array().expect("a list");
    let found = all.iter().find(|one| one["id"] == id).unwrap_or_else(|| panic!("{id} says nothing: {document}"));
    found["severity"].as_str().expect("a word").to_owned()
}

#[test]
fn a_folder_tells_what_it_can_and_a_repository_that_is_not_there_is_a_problem() {
    let world = World::new();
    let forge = format!("local:{}", world.text("fleet"));
    let doctor = |more: &[&str]| world.homeostat(&[&["doctor", "--forge", &forge], more].concat());
    // Without any configuration: every repository of the folder.
    let alone = doctor(&["--format", "json"]).ends_with(0).json();
    fits_its_schema(&alone);
    assert_eq!(severity(&alone, "repository-seen"), "ok");
    assert!(
        alone["findings"].as_array().is_some_and(|all| all.iter().any(|one| one["where"] == "acme/shop")),
        "{alone}"
    );
    assert!(!alone.to_string().contains("token-kind"), "a folder asks for no token: {alone}");
    let text = doctor(&["--config", "repos.yml", "--fix"]).ends_with(0).stdout;
    assert!(text.contains("machine\n") && text.contains("\nacme/shop\n") && text.contains("0 problem(s)"), "{text}");
    let missing = doctor(&["--repo", "acme/nowhere", "--format", "json"]).ends_with(1).json();
    assert_eq!(severity(&missing, "repository-seen"), "problem");
    doctor(&["--config", "repos.yml", "--repo", "acme/nowhere"]).ends_with(2).says(&["acme/nowhere", "acme/shop"]);
    world.homeostat(&["doctor", "--config", "none.yml"]).ends_with(2).says(&["There is no configuration"]);
    world.homeostat(&["doctor", "--repo", "acme/shop"]).ends_with(2).says(&["There is no token", "GITHUB_TOKEN"]);
}

/// Runs the program beside the door that it talks to.
pub(super) async fn over_http(world: &World, door: &Door, args: &[&str], env: &[(&str, &str)]) -> Ended {
    let mut command = world.program(args);
    command.env("GITHUB_API_URL", door.url()).env("GITHUB_TOKEN", TOKEN).envs(env.iter().copied());
    tokio::task::spawn_blocking(move || ended(command)).await.expect("it ended")
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http_labels_are_made_with_fix_and_write_and_the_table_stands_in_the_summary() {
    let world = World::empty();
    let clock = ManualClock::at(Timestamp::from_millis(1_800_000_000_000));
    let forge = Arc::new(MemoryForge::new(clock.clock()));
    let files = [("Cargo.toml", "[package]\nname = \"app\"\n"), ("src/lib.rs", "")];
    forge.create_repository(&"acme/app".parse().expect("a slug"), &files).await.expect("a repository");
    let door = Door::open(forge, clock, 30).await;
    let doctor = ["doctor", "--repo", "acme/app"];
    let looked = over_http(&world, &door, &doctor, &[]).await.ends_with(0);
    assert!(looked.stdout.contains("warning  labels"), "{looked:?}");
    assert!(!looked.stderr.contains("--write"), "nobody asked for a write: {looked:?}");
    over_http(&world, &door, &[&doctor[..], &["--strict"]].concat(), &[]).await.ends_with(1);
    let held = over_http(&world, &door, &[&doctor[..], &["--fix"]].concat(), &[]).await.ends_with(0);
    held.says(&["9 label(s) would be made", "Nothing was written; add --write."]);
    assert!(door.unclaimed().is_empty(), "{:?}", door.unclaimed());
    // The mode that is judged is the configured one, although a terminal without --write writes nothing.
    let config = |mode: &str| {
        let text = format!(
            "version: 1\nstate: {{ repository: acme/app }}\nrepositories:\n  - slug: acme/app\n    mode: {mode}\n"
        );
        world.write("repos.yml", text);
        ["doctor", "--config", "repos.yml", "--format", "json", "--fix", "--write"]
    };
    let ready = over_http(&world, &door, &config("ready")[..5], &[]).await.ends_with(0).json();
    assert_eq!(severity(&ready, "environment"), "warning");
    let observed = over_http(&world, &door, &config("observe"), &[]).await.ends_with(0).says(&["in mode observe"]);
    assert_eq!(severity(&observed.json(), "environment"), "note");
    assert!(door.unclaimed().is_empty(), "{:?}", door.unclaimed());
    let summary = world.text("summary.md");
    let write = [&doctor[..], &["--fix", "--write", "--format", "json"]].concat();
    let fixed = over_http(&world, &door, &write, &[("GITHUB_STEP_SUMMARY", &summary)]).await.ends_with(0).json();
    fits_its_schema(&fixed);
    assert_eq!((fixed["fixed"].as_array().map(Vec::len), severity(&fixed, "labels")), (Some(9), "ok".to_owned()));
    let page = fs::read_to_string(&summary).expect("a summary");
    assert!(page.contains("| where |") && page.contains("Made the label `robot` in `acme/app`"), "{page}");
    for _ in 0..9 {
        assert!(door.claim("POST", "/repos/acme/app/labels"));
    }
    door.set_up(|setup| setup.repository = serde_json::json!({"archived": true}));
    over_http(&world, &door, &doctor, &[]).await.ends_with(1);
    let bad = [("GITHUB_TOKEN", "github_pat_of-nobody")];
    let refused = over_http(&world, &door, &doctor, &bad).await.ends_with(1);
    assert!(refused.stdout.contains("token-refused") && !refused.stdout.contains("of-nobody"), "{refused:?}");
    assert!(door.unclaimed().is_empty(), "{:?}", door.unclaimed());
}
