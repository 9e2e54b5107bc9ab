//! Test commands that hang, fork, flood, and kill: an end with a reason, no pull request, nothing left running.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::world::World;
#[cfg(target_os = "linux")]
use super::world::runs;

/// Runs with a test command under tight limits and returns the one refusal.
fn refusal(command: &str) -> Value {
    let world = World::new();
    world.configure_command(command, "    limits: { test_timeout: 2s, test_output: 64KiB, test_processes: 64 }\n");
    let began = Instant::now();
    let report = world.run(&["--format", "json"]).ends_with(0).says(&[]).json();
    assert!(began.elapsed() < Duration::from_mins(1), "{command}: {:?}", began.elapsed());
    assert!(world.pulls("acme/shop").is_empty() && world.branches("acme/shop").is_empty(), "{command}: {report}");
    let events = world.events();
    let ends = events.iter().filter(|event| event["type"] == "attempt.finished").count();
    assert_eq!(ends, 1, "{command}: {report}");
    let refusals = report["repositories"][0]["refusals"].as_array().expect("the test world holds it");
    assert_eq!(refusals.len(), 1, "{command}: {report}");
    refusals[0].clone()
}

#[test]
fn f_24_tests_that_hang_are_stopped_at_their_limit() {
    assert_eq!(refusal("sleep 61117")["rule"], "baseline-timeout");
    #[cfg(target_os = "linux")]
    assert!(!runs("61117"), "the test command is still running");
}

#[test]
fn f_24_tests_that_flood_their_output_are_stopped() {
    assert_eq!(refusal("yes | head -c 300000000; exit 1")["rule"], "test-resource");
}

#[test]
fn f_24_tests_that_kill_themselves_prove_nothing() {
    let rule = refusal("kill -9 $$")["rule"].as_str().expect("the test world holds it").to_owned();
    assert_ne!(rule, "internal", "{rule}");
}

#[test]
fn f_24_tests_that_fork_without_end_are_stopped_and_nothing_is_left() {
    // More than the limit on processes, and all of them wait; bounded, for this machine has other work to do.
    let _rule = refusal("i=0; while [ $i -lt 700 ]; do sleep 61118 & i=$((i+1)); done; wait; exit 1");
    #[cfg(target_os = "linux")]
    assert!(!runs("61118"), "a child of the test command is still running");
}

#[cfg(target_os = "linux")]
#[test]
fn children_that_tests_leave_behind_end_with_them() {
    let world = World::new();
    world.configure_command(&format!("sleep 61119 & sleep 61119 & {}", world.test_command()), "");
    let report = world.run(&["--format", "json"]).ends_with(0).json();
    assert_eq!(report["repositories"][0]["pull_requests"][0]["state"], "created", "{report}");
    assert!(!runs("61119"), "a child of the test command is still running");
}
