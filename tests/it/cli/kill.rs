//! The process killed at a growing number of things that can be seen from outside, and started again.

#![cfg(target_os = "linux")]

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::world::{World, names, runs};

/// What the killer waits for.
type Seen = fn(&World) -> bool;

fn state_is(world: &World, writes: usize) -> bool {
    let state = world.path("fleet/.homeostat/state.git");
    let log =
        std::process::Command::new("git").arg("--git-dir").arg(state).args(["rev-list", "--count", "--all"]).output();
    let count = log.ok().and_then(|output| String::from_utf8_lossy(&output.stdout).trim().parse::<usize>().ok());
    count.is_some_and(|count| count >= writes)
}

fn below(folder: &Path) -> bool {
    !names(folder).is_empty()
}

/// In the order in which a run brings them about.
const POINTS: [(&str, Seen); 6] = [
    ("its record was opened", |world| !world.artifacts(".jsonl").is_empty()),
    ("the lease was written", |world| world.path("fleet/.homeostat/state.git/refs/heads/homeostat-state").exists()),
    ("the tests were started", |world| below(&world.path("state/work/run"))),
    ("the fix was recorded", |world| state_is(world, 2)),
    ("the branch was made", |world| below(&world.path("fleet/acme/shop.git/refs/heads/homeostat"))),
    ("the pull request was made", |world| below(&world.path("fleet/acme/shop/pulls"))),
];

/// The runner sends SIGINT, SIGTERM 7.5 s later, and kills after that.
#[test]
fn f_55_a_run_that_is_cancelled_stops_its_tests_and_says_how_it_ended_within_five_seconds() {
    // Lengths that no other test sleeps.
    for (signal, long) in [("INT", "61121"), ("TERM", "61122")] {
        let world = World::new();
        // The suite hangs until somebody stops it.
        world.configure_command(&format!("sleep {long}"), "");
        let mut child = world
            .run_command(&[])
            .env("GITHUB_STEP_SUMMARY", world.path("summary"))
            .env("GITHUB_OUTPUT", world.path("output"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the test world holds it");
        let id = child.id().to_string();
        let began = Instant::now();
        while !runs(long) {
            assert!(began.elapsed() < Duration::from_mins(1), "the tests never began");
            assert!(child.try_wait().expect("the test world holds it").is_none(), "the run ended by itself");
            std::thread::sleep(Duration::from_millis(20));
        }
        let sent = std::process::Command::new("kill").args([&format!("-{signal}"), &id]).status();
        assert!(sent.is_ok_and(|status| status.success()));
        let asked = Instant::now();
        let code = child.wait().expect("the test world holds it").code();
        assert_eq!(code, Some(4), "{signal}");
        assert!(asked.elapsed() < Duration::from_secs(5), "{signal}: it took {:?}", asked.elapsed());
        let summary = std::fs::read_to_string(world.path("summary")).expect("a summary");
        assert!(summary.contains(&format!("SIG{signal} stopped this run")), "{summary}");
        let output = std::fs::read_to_string(world.path("output")).expect("outputs");
        assert!(output.contains("retryable"), "{output}");
        let gone = Instant::now();
        while runs(long) {
            assert!(gone.elapsed() < Duration::from_secs(10), "{signal}: the tests go on");
            std::thread::sleep(Duration::from_millis(20));
        }
        // The next run goes on: nothing of the one that was stopped stands in its way.
        world.configure("");
        world.run(&[]).ends_with(0).says(&[]);
        assert_eq!(world.pulls("acme/shop").len(), 1, "{signal}");
    }
}

#[test]
fn killed_at_any_point_and_run_again_there_is_one_pull_request() {
    let mut killed = 0;
    for (point, seen) in POINTS {
        let world = World::new();
        let mut child = world
            .run_command(&[])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the test world holds it");
        let began = Instant::now();
        while !seen(&world) && child.try_wait().expect("the test world holds it").is_none() {
            assert!(began.elapsed() < Duration::from_mins(1), "never: {point}");
            // Only between two looks, so that the run has the processor.
            std::thread::sleep(Duration::from_millis(1));
        }
        // Rust's `kill` is SIGKILL; a run that was quicker than we could look is one more kind of second run.
        let _gone_already = child.kill();
        killed += usize::from(child.wait().expect("the test world holds it").signal() == Some(9));

        world.run(&[]).ends_with(0).says(&[]);
        let settled = world.fleet();
        let report = world.run(&["--format", "json"]).ends_with(0).json();
        assert_eq!((world.branches("acme/shop").len(), world.pulls("acme/shop").len()), (1, 1), "after {point}");
        assert_eq!(report["repositories"][0]["pull_requests"][0]["state"], "kept", "after {point}: {report}");
        assert_eq!(report["writes"], 0, "after {point}");
        assert!(settled == world.fleet(), "after {point} a third run changed the forge");
        let text = std::fs::read_to_string(world.path("fleet/acme/shop/pulls").join(&world.pulls("acme/shop")[0]))
            .expect("the test world holds it");
        assert!(text.contains("homeostat-fix") && text.contains("homeostat:state"), "after {point}: {text}");
    }
    assert!(killed >= 4, "only {killed} runs were killed before their end");
}
