//! The four privileges as four processes with files between them.

use std::fs;

use super::world::{World, files};

/// Reads a pull request's file without what differs from run to run.
fn pull(world: &World) -> Vec<String> {
    let name = &world.pulls("acme/shop")[0];
    let text =
        fs::read_to_string(world.path(&format!("fleet/acme/shop/pulls/{name}"))).expect("the test world holds it");
    let front = text.split("\n---").next().expect("the test world holds it");
    let lines = front.lines().filter(|line| !line.contains("_at:") && !line.contains("_sha:"));
    lines.map(str::to_owned).collect()
}

fn tree(world: &World) -> String {
    let branch = &world.branches("acme/shop")[0];
    world.git(&world.path("fleet/acme/shop.git"), &["rev-parse", &format!("{branch}^{{tree}}")])
}

#[test]
fn four_processes_make_the_pull_request_of_one_and_a_second_publish_keeps_it() {
    let (four, one) = (World::new(), World::new());
    one.run(&[]).ends_with(0);
    let output = four.path("output");
    four.stage("reserve", &["--out", "work"]).ends_with(0).says(&[]);
    let before = four.fleet();
    let mut propose = four.program(&[]);
    propose.args(["propose", "--forge", &format!("local:{}", four.text("fleet")), "--config", "repos.yml"]);
    propose.args(["--artifacts", "artifacts", "--in", "work", "--out", "work"]).env("GITHUB_OUTPUT", &output);
    let announced = super::world::ended(propose).ends_with(0).stdout;
    assert!(before == four.fleet(), "propose reads the forge only");
    let output = fs::read_to_string(output).expect("the test world holds it");
    let digest = output.lines().find(|line| line.starts_with("sha256:")).expect("the test world holds it");
    assert!(announced.contains(digest.trim_start_matches("sha256:")), "{announced}");
    let with = ["--in", "work", "--digest", digest];
    four.stage("record", &with).ends_with(0);
    let report = four.stage("publish", &[&with[..], &["--format", "json"]].concat()).ends_with(0).json();
    assert_eq!(report["repositories"][0]["pull_requests"][0]["state"], "created");
    assert_eq!((pull(&four), tree(&four)), (pull(&one), tree(&one)));

    let before = four.fleet();
    let report = four.stage("publish", &[&with[..], &["--format", "json"]].concat()).ends_with(0).json();
    assert_eq!(report["repositories"][0]["pull_requests"][0]["state"], "kept");
    assert_eq!(report["writes"], 0);
    assert!(before == four.fleet(), "a second publish changed the forge");
}

#[test]
fn v_88_what_is_not_what_was_proposed_is_refused_and_writes_nothing() {
    let world = World::new();
    world.stage("reserve", &["--out", "work"]).ends_with(0);
    world.stage("propose", &["--in", "work", "--out", "work"]).ends_with(0);
    let honest = files(&world.path("work"));
    let candidate =
        honest.keys().find(|path| path.to_string_lossy().contains("candidate-")).expect("the test world holds it");
    let manifest = world.path("work/manifest.json");
    let before = world.fleet();
    let both = |digest: &[&str], code: i32, words: &[&str]| {
        for stage in ["record", "publish"] {
            let args = [&["--in", "work"], digest].concat();
            world.stage(stage, &args).ends_with(code).says(words);
            assert!(before == world.fleet(), "{stage} wrote something");
        }
    };
    let other = format!("sha256:{}", "0".repeat(64));
    both(&["--digest", &other], 3, &["manifest.json", "announced"]);

    let text = String::from_utf8(honest[candidate].clone()).expect("the test world holds it");
    fs::write(candidate, text.replace("\"attempt\": 1", "\"attempt\": 2").replace("\"attempt\":1", "\"attempt\":2"))
        .expect("the test world holds it");
    assert_ne!(fs::read(candidate).expect("the test world holds it"), honest[candidate]);
    both(&[], 3, &["candidate-acme-shop"]);

    fs::remove_file(candidate).expect("the test world holds it");
    both(&[], 3, &["candidate-acme-shop", "digest-mismatch"]);
    fs::write(candidate, &honest[candidate]).expect("the test world holds it");

    fs::write(&manifest, &honest[&manifest][..honest[&manifest].len() / 2]).expect("the test world holds it");
    both(&[], 2, &["manifest.json", "not what `propose` writes"]);
    fs::remove_file(&manifest).expect("the test world holds it");
    both(&[], 2, &["manifest.json", "cannot be read"]);
    world.stage("propose", &["--in", "nowhere", "--out", "work2"]).ends_with(2).says(&["nowhere/reservation.json"]);
    world.write("bad/reservation.json", "{\"schema\":");
    world.stage("propose", &["--in", "bad", "--out", "work2"]).ends_with(2).says(&["not what `reserve` writes"]);
    assert!(!world.path("work2").exists());
}
