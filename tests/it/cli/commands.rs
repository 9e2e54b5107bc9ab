//! `run` under the events of a comment and of a label, with payloads as GitHub writes them.

use std::fs;

use serde_json::{Value, json};

use super::world::{Ended, World, ended, names};

fn user(login: &str) -> Value {
    json!({
        "login": login, "id": homeostat::forge::rules::actor(login).id, "node_id": "MDQ6VXNlcjE=", "gravatar_id": "",
        "url": format!("https://api.github.com/users/{login}"), "type": "User", "site_admin": false,
    })
}

fn issue(world: &World, number: u64) -> Value {
    let file = fs::read_to_string(world.path(&format!("fleet/acme/shop/issues/{number}.md"))).expect("an issue");
    let body = file.splitn(3, "---\n").nth(2).expect("a body");
    let body = body.strip_prefix('\n').unwrap_or(body);
    json!({
        "url": format!("https://api.github.com/repos/acme/shop/issues/{number}"), "id": 2_001, "number": number,
        "title": "It breaks", "user": user("acme"), "labels": [], "state": "open", "locked": false, "comments": 1,
        "author_association": "OWNER", "body": body, "performed_via_github_app": null,
    })
}

/// Writes a comment's file, and the payload of the event that tells of it.
fn comment(world: &World, number: u64, position: u64, action: &str, by: &str, text: &str) -> Value {
    let file = format!("---\nauthor: {by}\ncreated_at: 2026-01-02T03:04:05Z\n---\n\n{text}\n");
    fs::create_dir_all(world.path(&format!("fleet/acme/shop/issues/{number}"))).expect("a folder");
    world.write(&format!("fleet/acme/shop/issues/{number}/{position}.md"), file);
    json!({
        "action": action, "issue": issue(world, number), "sender": user(by),
        "comment": {
            "url": "https://api.github.com/repos/acme/shop/issues/comments/1", "id": number * 1_000_000 + position,
            "node_id": "IC_1", "user": user(by), "created_at": "2026-01-02T03:04:05Z", "author_association": "OWNER",
            "body": text,
        },
        "repository": { "id": 1, "full_name": "acme/shop", "private": false, "owner": user("acme") },
    })
}

fn under(world: &World, event: &str, payload: &Value, more: &[&str]) -> Ended {
    world.write("event.json", payload.to_string());
    let _fresh = fs::remove_file(world.path("page"));
    let mut command = world.run_command(more);
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_EVENT_NAME", event);
    command.env("GITHUB_EVENT_PATH", world.path("event.json")).env("GITHUB_STEP_SUMMARY", world.path("page"));
    ended(command)
}

#[test]
fn a_comment_is_done_and_answered_and_the_summary_says_so() {
    let world = World::new();
    let fix = comment(&world, 1, 1, "created", "acme", "/homeostat fix");
    let report = under(&world, "issue_comment", &fix, &["--format", "json"]).ends_with(0).json();
    assert_eq!((&report["asked"]["command"], &report["asked"]["done"]), (&json!("fix"), &json!(true)), "{report}");
    assert_eq!(world.pulls("acme/shop").len(), 1);
    let told = fs::read_to_string(world.path("fleet/acme/shop/issues/1/1.md")).expect("the comment");
    assert!(told.contains("reactions: [eyes, rocket]") && told.ends_with("/homeostat fix\n"), "{told}");
    let answer = fs::read_to_string(world.path("fleet/acme/shop/issues/1/2.md")).expect("an answer");
    assert!(answer.contains("<!-- homeostat:answer 1000001 -->"), "{answer}");
    let page = fs::read_to_string(world.path("page")).expect("a page");
    assert!(page.contains("**What was asked for**: `fix`: done."), "{page}");
    under(&world, "issue_comment", &fix, &[]).ends_with(0);
    assert_eq!(world.pulls("acme/shop").len(), 1);
    assert_eq!(names(&world.path("fleet/acme/shop/issues/1")).iter().filter(|name| name.ends_with(".md")).count(), 2);
}

#[test]
fn what_does_not_count_writes_nothing_and_the_summary_says_why() {
    let world = World::new();
    for (action, by, text, why) in [
        ("created", "stranger", "/homeostat fix", "no person with write access"),
        ("edited", "acme", "/homeostat fix", "never an edited"),
        ("created", "acme", "> /homeostat fix", "no command"),
    ] {
        let payload = comment(&world, 1, 1, action, by, text);
        let before = world.fleet();
        let report = under(&world, "issue_comment", &payload, &["--format", "json"]).ends_with(0).json();
        assert_eq!((&report["asked"]["command"], &report["writes"]), (&Value::Null, &json!(0)), "{report}");
        assert!(before == world.fleet(), "{text}");
        let page = fs::read_to_string(world.path("page")).expect("a page");
        assert!(page.contains("**What was asked for**: inert") && page.contains(why), "{why}: {page}");
    }
    let broken = json!({ "action": "created" });
    under(&world, "issue_comment", &broken, &[]).ends_with(2).says(&["payload", "no comment"]);
}

#[test]
fn a_trigger_label_has_its_issue_looked_at_and_a_named_issue_comes_before_the_event() {
    let world = World::new();
    let labeled = |label: &str, by: &str| {
        json!({
            "action": "labeled", "issue": issue(&world, 1), "label": { "id": 3, "name": label, "color": "ededed" },
            "repository": { "id": 1, "full_name": "acme/shop" }, "sender": user(by),
        })
    };
    for (label, by) in [("bug", "acme"), ("robot", "stranger")] {
        let report = under(&world, "issues", &labeled(label, by), &["--format", "json"]).ends_with(0).json();
        assert_eq!(report["writes"], json!(0), "{label} {by}: {report}");
    }
    let report = under(&world, "issues", &labeled("robot", "acme"), &["--format", "json"]).ends_with(0).json();
    assert_eq!(report["asked"]["command"], json!("label"), "{report}");
    assert_eq!(world.pulls("acme/shop").len(), 1);
    let stop = comment(&world, 1, 1, "created", "acme", "/homeostat stop");
    let named = ["--repo", "acme/shop", "--issue", "1", "--format", "json"];
    let report = under(&world, "issue_comment", &stop, &named).ends_with(0).json();
    assert_eq!(report.get("asked"), None, "{report}");
}

#[test]
fn a_repository_that_is_named_says_where_and_the_comment_what() {
    let world = World::new();
    let stop = comment(&world, 1, 1, "created", "acme", "/homeostat stop");
    let report =
        under(&world, "issue_comment", &stop, &["--repo", "acme/shop", "--format", "json"]).ends_with(0).json();
    assert_eq!((&report["asked"]["command"], &report["asked"]["done"]), (&json!("stop"), &json!(true)), "{report}");
    assert!(world.pulls("acme/shop").is_empty(), "what was to be stopped was begun");
    let thanks = comment(&world, 1, 2, "created", "acme", "thanks, /homeostat fix");
    under(&world, "issue_comment", &thanks, &["--repo", "acme/shop"]).ends_with(0);
    assert!(world.pulls("acme/shop").is_empty(), "a comment that is no command began a run");
    let elsewhere = under(&world, "issue_comment", &stop, &["--repo", "acme/other"]);
    assert_eq!(elsewhere.code, 2, "{elsewhere:?}");
}
