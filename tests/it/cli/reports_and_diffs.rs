//! `fingerprint` and `guard` on garbage, on too much, and with a reader that goes away.

use std::io::Read as _;
use std::process::Stdio;

use serde_json::Value;

use super::world::{World, ended_with_input};

/// Bytes without meaning, the same ones every time.
fn garbage(length: usize) -> Vec<u8> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn guard_refuses_what_is_no_change() {
    let world = World::empty();
    for input in [garbage(100_000), Vec::new(), b"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,9 +1,9".to_vec()] {
        let verdict = ended_with_input(world.program(&["guard", "-", "--format", "json"]), &input).ends_with(1).json();
        assert_eq!(verdict["verdict"], "refuse", "{verdict}");
        assert!(!verdict["violations"].as_array().expect("the test world holds it").is_empty(), "{verdict}");
    }
    world.homeostat(&["guard", "nothing.diff"]).ends_with(2).says(&["nothing.diff", "cannot be read"]);
    world.homeostat(&["guard", "--base", "nowhere", "/dev/null"]).ends_with(2).says(&["--base nowhere"]);
}

#[test]
fn guard_measures_a_large_diff_and_does_not_read_one_without_end() {
    let world = World::empty();
    let mut diff = b"diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ -0,0 +1,40000 @@\n".to_vec();
    for _ in 0..40_000 {
        diff.extend_from_slice(b"+forty-nine characters of nothing in particular.....\n");
    }
    world.write("large.diff", diff);
    let verdict = world.homeostat(&["guard", "large.diff", "--format", "json"]).ends_with(1).json();
    let rules: Vec<&str> = verdict["violations"]
        .as_array()
        .expect("the test world holds it")
        .iter()
        .map(|one| one["rule"].as_str().expect("the test world holds it"))
        .collect();
    assert!(rules.contains(&"diff-lines") && rules.contains(&"patch-bytes"), "{rules:?}");
    let file = std::fs::File::create(world.path("endless.diff")).expect("the test world holds it");
    file.set_len(100 << 20).expect("the test world holds it");
    world.homeostat(&["guard", "endless.diff"]).ends_with(2).says(&["endless.diff", "larger than"]);
}

#[test]
#[ignore = "a minute where nothing is optimised; linear, but slow"]
fn guard_reads_fifty_megabytes() {
    let world = World::empty();
    let mut diff = b"diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ -0,0 +1,1000000 @@\n".to_vec();
    for _ in 0..1_000_000 {
        diff.extend_from_slice(b"+forty-nine characters of nothing in particular....\n");
    }
    world.write("large.diff", diff);
    world.homeostat(&["guard", "large.diff"]).ends_with(1).says(&[]);
}

#[test]
fn fingerprint_says_what_a_report_lacks() {
    let world = World::empty();
    for input in [garbage(100_000), Vec::new(), b"it does not work".to_vec()] {
        let ended = ended_with_input(world.program(&["fingerprint", "-"]), &input).ends_with(2);
        let ended = ended.says(&["stack trace", "Error Type"]);
        assert!(ended.stdout.is_empty());
    }
    world.homeostat(&["fingerprint", "nothing.md"]).ends_with(2).says(&["nothing.md", "cannot be read"]);
}

#[test]
fn a_batch_answers_every_line_in_order() {
    let world = World::empty();
    let lines: [&[u8]; 8] = [
        br#"{"id":1,"title":"x","body":"TypeError: x is undefined\n    at foo (/a/b.js:3:4)"}"#,
        b"{broken",
        b"",
        b"[1,2]",
        br#"{"id":{"a":1},"body":5}"#,
        b"\xff\xfe",
        br#"{"id":"none","body":"it does not work"}"#,
        br#"{"id":"last","trace":"Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n    x\nKeyError: 1"}"#,
    ];
    let ended =
        ended_with_input(world.program(&["fingerprint", "--batch"]), &lines.join(&b'\n')).ends_with(0).says(&[]);
    let answers: Vec<Value> =
        ended.stdout.lines().map(|line| serde_json::from_str(line).expect("the test world holds it")).collect();
    let ids: Vec<&Value> = answers.iter().map(|answer| &answer["id"]).collect();
    let a = serde_json::json!({ "a": 1 });
    let (one, null, none, last) = (Value::from(1), Value::Null, Value::from("none"), Value::from("last"));
    assert_eq!(ids, [&one, &null, &null, &null, &a, &null, &none, &last]);
    let found: Vec<bool> = answers.iter().map(|answer| answer["fingerprint"].is_string()).collect();
    assert_eq!(found, [true, false, false, false, false, false, false, true]);
    assert!(answers.iter().zip(found).all(|(answer, found)| found != answer["reason"].is_string()), "{answers:?}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let world = World::empty();
    let line = r#"{"id":1,"title":"x","body":"TypeError: x is undefined\n    at foo (/a/b.js:3:4)"}"#;
    world.write("many.jsonl", format!("{line}\n").repeat(2_000));
    for args in
        [&["fingerprint", "--batch", "many.jsonl"][..], &["config", "schema"], &["pattern", "list"], &["--help"]]
    {
        let mut child =
            world.program(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the test world holds it");
        let mut first = [0; 1];
        child.stdout.take().expect("the test world holds it").read_exact(&mut first).expect("the test world holds it");
        // Its standard output is closed now, whatever else it has to say.
        let ended = child.wait_with_output().expect("the test world holds it");
        let words = String::from_utf8_lossy(&ended.stderr);
        assert!(
            ended.status.code() == Some(0) && !words.contains("panicked") && !words.contains("error"),
            "{args:?}: {words}"
        );
    }
    let mut child =
        world.program(&["run"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the test world holds it");
    drop(child.stderr.take());
    assert_eq!(child.wait().expect("the test world holds it").code(), Some(2));
}

#[cfg(target_os = "linux")]
#[test]
fn standard_output_that_is_full_is_said() {
    let world = World::empty();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("the test world holds it");
    let ended = world.program(&["config", "schema"]).stdout(full).output().expect("the test world holds it");
    let words = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.code() == Some(70) && words.contains("Standard output cannot be written"), "{words}");
}
