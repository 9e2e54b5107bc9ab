//! `run` over a private repository whose operator's repository everybody reads: every byte that it leaves there.

use std::fs;

use super::world::{Ended, World, ended, files};

/// A fleet whose one target is private, and an operator's repository that is not.
fn world(private: &str) -> World {
    let world = World::new();
    world.repository("acme/ops");
    world.write("fleet/acme/shop/repository.yml", "private: true\n");
    world.configure(&format!("state: {{ repository: acme/ops, private: {private} }}\n"));
    world
}

fn run(world: &World, format: &str) -> Ended {
    let mut command = world.run_command(&["--format", format]);
    command.env("GITHUB_OUTPUT", world.path("output")).env("GITHUB_STEP_SUMMARY", world.path("summary"));
    ended(command)
}

/// Requires that nothing which others read has a word of the private repository.
fn is_silent(world: &World, ran: &Ended) {
    let report = fs::read_to_string(super::world::cases().join(world.case.name()).join("report.md"));
    let report = report.expect("the test world holds it");
    let title = report.lines().next().expect("the test world holds it").trim_start_matches("# ").to_owned();
    let file = world.case.fixed_file.rsplit('/').next().expect("the test world holds it");
    let mut left =
        vec![("standard output".to_owned(), ran.stdout.clone()), ("standard error".to_owned(), ran.stderr.clone())];
    for (path, bytes) in files(&world.path("artifacts")) {
        left.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
        left.push(("the name of a file".to_owned(), path.file_name().expect("a name").to_string_lossy().into_owned()));
    }
    for name in ["output", "summary"] {
        left.push((name.to_owned(), fs::read_to_string(world.path(name)).expect("the test world holds it")));
    }
    let bare = world.path("fleet/acme/ops.git");
    if world.git(&bare, &["for-each-ref"]).contains("homeostat-state") {
        left.push(("the state branch".to_owned(), world.git(&bare, &["log", "--patch", "homeostat-state"])));
    }
    for (place, text) in left {
        for word in ["acme/shop", "acme-shop", file, &title] {
            assert!(!text.contains(word), "V-107: {word} in {place}: {text}");
        }
    }
}

#[test]
fn p_17_v_107_an_opaque_run_leaves_no_word_of_a_private_repository_in_output_artifacts_or_state() {
    for format in ["json", "text"] {
        let world = world("opaque");
        let ran = run(&world, format).ends_with(0);
        assert_eq!(world.pulls("acme/shop").len(), 1, "{ran:?}");
        assert!(
            ran.stdout.contains("repository ") || ran.stderr.contains("repository "),
            "its id stands for it: {ran:?}"
        );
        is_silent(&world, &ran);
        let again = run(&world, format).ends_with(0);
        assert_eq!(world.pulls("acme/shop").len(), 1);
        is_silent(&world, &again);
    }
}

#[test]
fn v_107_a_private_repository_is_refused_by_its_id_and_by_every_command_that_hands_things_over() {
    let refused = world("refuse");
    let ran = run(&refused, "json").ends_with(2);
    assert!(ran.stdout.contains("state.private"), "{ran:?}");
    assert!(refused.pulls("acme/shop").is_empty());
    is_silent(&refused, &ran);
    let opaque = world("opaque");
    let out = opaque.text("work");
    for name in ["output", "summary"] {
        opaque.write(name, "");
    }
    let reserved = opaque.stage("reserve", &["--out", &out, "--format", "json"]).ends_with(2);
    assert!(reserved.stdout.contains("`run` alone"), "{reserved:?}");
    is_silent(&opaque, &reserved);
    let file = fs::read_to_string(opaque.path("work/reservation.json")).expect("the test world holds it");
    assert!(!file.contains("acme/shop"), "{file}");
}
