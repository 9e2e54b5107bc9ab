//! What the runner is shown and what is kept from tests when a run stands in a job of Actions.

use std::fs;
use std::process::Command;

use super::world::{Ended, World, ended};

/// Lets a command stand in a job whose files lie in the world.
fn in_a_job(world: &World, mut command: Command) -> Ended {
    let files = world.path("temp/_runner_file_commands");
    fs::create_dir_all(&files).expect("a folder");
    command.env("GITHUB_ACTIONS", "true").env("RUNNER_TEMP", world.path("temp"));
    command.env("GITHUB_WORKSPACE", world.path("workspace"));
    for (name, file) in [("GITHUB_ENV", "set_env"), ("GITHUB_PATH", "add_path"), ("GITHUB_OUTPUT", "set_output")] {
        if !files.join(file).exists() {
            fs::write(files.join(file), "").expect("a file");
        }
        command.env(name, files.join(file));
    }
    ended(command)
}

fn annotations(done: &Ended) -> Vec<&str> {
    done.stderr.lines().filter(|line| line.starts_with("::error") || line.starts_with("::warning")).collect()
}

#[test]
fn v_74_no_test_runs_beside_a_checkout_that_keeps_its_token() {
    let world = World::new();
    fs::create_dir_all(world.path("workspace/.git")).expect("a folder");
    let header = "[http \"https://github.com/\"]\n\textraheader = AUTHORIZATION: basic eDpzZWNyZXQ=\n";
    world.write("workspace/.git/config", header);
    world.configure_command(&format!("touch {}; {}", world.text("ran"), world.test_command()), "");
    let done = in_a_job(&world, world.run_command(&["--format", "json"])).ends_with(3);
    assert!(world.pulls("acme/shop").is_empty() && !world.path("ran").exists());
    let shown = annotations(&done);
    let [only] = shown.as_slice() else { panic!("one annotation: {shown:?}") };
    assert!(only.contains("persisted-credentials") && only.contains("`persist-credentials: false`"), "{only}");
    assert!(!done.stderr.contains("eDpzZWNyZXQ="));
    // Without the token the same job goes on, at the first attempt.
    world.write("workspace/.git/config", "[core]\n\tbare = false\n");
    in_a_job(&world, world.run_command(&[])).ends_with(0);
    assert_eq!(world.pulls("acme/shop").len(), 1);
}

#[test]
fn v_43_files_of_the_runner_are_as_they_were_whatever_tests_write() {
    let world = World::new();
    fs::create_dir_all(world.path("temp/_runner_file_commands")).expect("a folder");
    for file in ["set_env", "add_path"] {
        world.write(&format!("temp/_runner_file_commands/{file}"), "KEPT=1\n");
    }
    let reach = format!(
        "echo LD_PRELOAD=/tmp/x.so >> \"$GITHUB_ENV\"; for f in {temp}/_runner_file_commands/*; do echo /tmp/evil >> \"$f\"; \
         done; echo more > {temp}/_runner_file_commands/set_env_2; ",
        temp = world.text("temp"),
    );
    world.configure_command(&format!("{{ {reach} }} 2>/dev/null; {}", world.test_command()), "");
    let done = in_a_job(&world, world.run_command(&["--format", "json"]));
    for file in ["set_env", "add_path"] {
        let text = fs::read_to_string(world.path(&format!("temp/_runner_file_commands/{file}"))).expect("it is there");
        assert_eq!(text, "KEPT=1\n", "{file}");
    }
    assert!(!world.path("temp/_runner_file_commands/set_env_2").exists());
    let output = fs::read_to_string(world.path("temp/_runner_file_commands/set_output")).expect("outputs");
    assert!(output.starts_with("run-id<<") && !output.contains("evil"), "{output}");
    // Where the sandbox held nobody wrote; where it did not, nothing counts.
    let held = !done.stderr.contains("runner-tamper");
    assert_eq!(world.pulls("acme/shop").len(), usize::from(held), "{}", done.stderr);
    let _as_said = done.ends_with(if held { 0 } else { 3 });
}

#[test]
fn a_mistake_in_the_configuration_is_shown_at_its_line() {
    let world = World::new();
    fs::create_dir_all(world.path("workspace/.homeostat")).expect("a folder");
    world.write(
        "workspace/.homeostat/repos.yml",
        "version: 1\nrepositories:\n  - slug: acme/shop\n    limits: { max_attempt: 2 }\n",
    );
    let config = world.text("workspace/.homeostat/repos.yml");
    let done = in_a_job(&world, world.program(&["run", "--config", &config, "--forge", "local:fleet"])).ends_with(2);
    let shown = annotations(&done);
    assert!(
        shown.iter().any(|one| one.starts_with("::error file=.homeostat/repos.yml,line=4,title=Homeostat%3A ")),
        "{shown:?}"
    );
    assert!(shown.iter().all(|one| one.contains("file=")), "it is said once: {shown:?}");
    let nowhere =
        in_a_job(&world, world.program(&["run", "--config", "none.yml", "--forge", "local:fleet"])).ends_with(2);
    assert!(annotations(&nowhere)[0].starts_with("::error title=Homeostat::"), "{nowhere:?}");
}

#[test]
fn a_guardrail_is_shown_at_the_line_of_the_diff_that_it_refuses() {
    let world = World::new();
    let diff = "diff --git a/.github/workflows/ci.yml b/.github/workflows/ci.yml\n--- a/.github/workflows/ci.yml\n\
                +++ b/.github/workflows/ci.yml\n@@ -1 +1 @@\n-on: push\n+on: pull_request_target\n";
    world.write("x.diff", diff);
    let done = in_a_job(&world, world.program(&["guard", "x.diff"])).ends_with(1);
    let shown = annotations(&done);
    assert!(shown[0].starts_with("::error file=.github/workflows/ci.yml,"), "{shown:?}");
    let outside = ended(world.program(&["guard", "x.diff"])).ends_with(1);
    assert!(annotations(&outside).is_empty(), "{outside:?}");
}

#[test]
fn p_26_a_link_in_the_folder_that_is_uploaded_is_taken_out_and_what_it_names_stays() {
    let world = World::new();
    fs::create_dir_all(world.path("artifacts/logs/deep")).expect("a folder");
    let secret = world.write("secret.txt", "s3cr3t");
    for link in ["artifacts/summary.md", "artifacts/logs/deep/x.log.zst"] {
        std::os::unix::fs::symlink(&secret, world.path(link)).expect("a link");
    }
    std::os::unix::fs::symlink(world.path("fleet"), world.path("artifacts/logs/fleet")).expect("a link");
    let done = in_a_job(&world, world.run_command(&[])).ends_with(0);
    for link in ["artifacts/summary.md", "artifacts/logs/deep/x.log.zst", "artifacts/logs/fleet"] {
        assert!(fs::symlink_metadata(world.path(link)).is_err(), "{link}: {done:?}");
    }
    assert_eq!(fs::read_to_string(secret).expect("it is there"), "s3cr3t");
    assert_eq!(world.pulls("acme/shop").len(), 1);
}
