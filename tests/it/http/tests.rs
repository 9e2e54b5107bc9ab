//! The door itself: every address answers in GitHub's shapes, and each fault does what it says.
//!
//! Spoken to by hand, so that no client's habits hide what the door does.

use std::sync::Arc;

use homeostat::forge::memory::MemoryForge;
use homeostat::forge::rules::{JobRecord, ManualClock, NewIssue, RunRecord};
use homeostat::forge::{Conclusion, Forge, Step};
use homeostat::model::{RepoSlug, Timestamp};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::door::TOKEN;
use super::{Door, Fault, Kind, Token};

/// One answer as it came: status, head, body.
struct Came {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Came {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// Sends a request by hand; nothing where the connection broke.
async fn send(url: &str, method: &str, path: &str, head: &[(&str, &str)], body: Option<Value>) -> Option<Came> {
    let authority = url.trim_start_matches("http://").split('/').next().unwrap_or_default();
    let port = authority.rsplit(':').next().unwrap_or_default();
    let mut stream = tokio::net::TcpStream::connect(format!("127.0.0.1:{port}")).await.expect("a server");
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: {authority}\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in head {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{text}\r\n{body}").as_bytes()).await.ok()?;
    let mut bytes = Vec::new();
    let _broken = stream.read_to_end(&mut bytes).await;
    let split = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..split]).into_owned();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Came { status, head, body: bytes[split + 4..].to_vec() })
}

async fn ask(door: &Door, method: &str, path: &str, body: Option<Value>) -> Came {
    let auth = format!("Bearer {TOKEN}");
    send(door.url(), method, path, &[("authorization", &auth)], body).await.expect("an answer")
}

async fn world() -> (Arc<MemoryForge>, ManualClock, RepoSlug) {
    let clock = ManualClock::at(Timestamp::from_millis(1_800_000_000_000));
    let forge = Arc::new(MemoryForge::new(clock.clock()));
    let slug: RepoSlug = "owner/app".parse().expect("a slug");
    forge.create_repository(&slug, &[("src/deep/a.txt", "one\n"), ("b.txt", "two\n")]).await.expect("a repository");
    for title in ["one", "two", "three"] {
        let new = NewIssue { title: title.into(), body: "b".into(), labels: vec!["bug".into()], ..NewIssue::default() };
        forge.open_issue(&slug, &new).await.expect("an issue");
    }
    forge.edit_issue(&slug, 1, "alice", None, Some("c")).await.expect("an edit");
    forge.close_thread(&slug, 2, "alice").await.expect("a close");
    forge.comment_as(&slug, 1, "bob", "hello").await.expect("a comment");
    forge.add_milestone(&slug, "1.0").await.expect("a milestone");
    (forge, clock, slug)
}

#[tokio::test]
async fn every_address_answers_in_the_shapes_of_the_published_description() {
    let (forge, clock, slug) = world().await;
    let main = forge.branch(&slug, &"main".parse().expect("a branch")).await.expect("refs").expect("main");
    let run = RunRecord {
        workflow: "ci.yml".into(),
        name: "CI".into(),
        branch: "main".into(),
        commit: main.clone(),
        event: "push".into(),
        actor: None,
        fork: true,
        attempt: 1,
        conclusion: Conclusion::Failure,
        created_at: clock.now(),
        completed_at: clock.now(),
        jobs: vec![JobRecord {
            name: "test".into(),
            conclusion: Conclusion::Failure,
            runner_labels: vec!["ubuntu-latest".into()],
            steps: vec![Step { number: 1, name: "Test".into(), conclusion: Some(Conclusion::Failure) }],
        }],
    };
    forge.add_run(&slug, &run, &[b"0123456789".to_vec()]).await.expect("a run");
    for (name, zip) in [("kept", &b"PK"[..]), ("old", b"")] {
        forge.add_artifact(&slug, 1, name, zip).await.expect("an artifact");
    }
    let door = Door::open(forge.clone(), clock, 2).await;
    door.set_token("app", Some(Token::App("homeostat[bot]".into())));
    let root = "/repos/owner/app";
    let blob =
        ask(&door, "POST", &format!("{root}/git/blobs"), Some(json!({"content": "AP8=", "encoding": "base64"}))).await;
    let blob = blob.json()["sha"].as_str().expect("a sha").to_owned();
    let entry = json!({"path": "src/deep/a.txt", "mode": "100644", "type": "blob", "sha": blob});
    let tree =
        ask(&door, "POST", &format!("{root}/git/trees"), Some(json!({"base_tree": main, "tree": [entry]}))).await;
    let commit = json!({"message": "fix\n", "tree": tree.json()["sha"], "parents": [main]});
    let commit = ask(&door, "POST", &format!("{root}/git/commits"), Some(commit)).await.json();
    assert_eq!(commit["message"], "fix");
    let sha = commit["sha"].as_str().expect("a sha").to_owned();
    let new = json!({"ref": "refs/heads/homeostat/x", "sha": sha});
    assert_eq!(ask(&door, "POST", &format!("{root}/git/refs"), Some(new.clone())).await.status, 201);
    assert_eq!(ask(&door, "POST", &format!("{root}/git/refs"), Some(new)).await.status, 422);
    let pull = json!({"title": "t", "body": "b", "head": "homeostat/x", "base": "main", "draft": true});
    assert_eq!(ask(&door, "POST", &format!("{root}/pulls"), Some(pull.clone())).await.json()["number"], 4);
    assert_eq!(ask(&door, "POST", &format!("{root}/pulls"), Some(pull)).await.status, 422);
    let writes = [
        ("POST", "labels", json!({"name": "x y", "color": "00ff00", "description": "d"}), 201),
        ("POST", "labels", json!({"name": "X Y", "color": "00ff00", "description": "d"}), 422),
        ("POST", "issues/4/labels", json!({"labels": ["x y"]}), 200),
        ("DELETE", "issues/4/labels/x%20y", Value::Null, 200),
        ("DELETE", "issues/4/labels/x%20y", Value::Null, 404),
        ("POST", "issues/4/comments", json!({"body": "ours"}), 201),
        ("PATCH", "issues/comments/4000001", json!({"body": "ours, again"}), 200),
        ("POST", "issues/4/assignees", json!({"assignees": ["owner"]}), 201),
        ("PATCH", "issues/4", json!({"milestone": 1}), 200),
        ("PATCH", "issues/4", json!({"milestone": 7}), 422),
        ("POST", "pulls/4/requested_reviewers", json!({"reviewers": ["owner"]}), 201),
        ("POST", "pulls/4/requested_reviewers", json!({"reviewers": ["mallory"]}), 422),
        ("PATCH", "pulls/4", json!({"title": "u"}), 200),
        ("PATCH", "git/refs/heads/homeostat/x", json!({"sha": main, "force": false}), 422),
    ];
    for (method, path, body, status) in writes {
        let body = Some(body).filter(|body| !body.is_null());
        let came = ask(&door, method, &format!("{root}/{path}"), body).await;
        assert_eq!(came.status, status, "{method} {path}: {}", String::from_utf8_lossy(&came.body));
    }
    let reads = [
        ("", 200),
        ("/collaborators/alice/permission", 200),
        ("/labels?per_page=1", 200),
        ("/labels/bug", 200),
        ("/labels/none", 404),
        ("/milestones?state=open", 200),
        ("/issues?state=all&labels=bug&since=2027-01-15T08:00:00Z&sort=created&direction=asc&per_page=100", 200),
        ("/issues/1", 200),
        ("/issues/4", 200),
        ("/issues/9", 404),
        ("/issues/1/comments", 200),
        ("/issues/1/events", 200),
        ("/issues/2/timeline", 200),
        ("/issues/1/timeline", 200),
        ("/pulls?state=all&head=owner:homeostat/x", 200),
        ("/pulls/4", 200),
        ("/pulls/1", 404),
        ("/pulls/4/reviews?per_page=100", 200),
        ("/pulls/1/reviews", 404),
        ("/git/ref/heads/homeostat/x", 200),
        ("/git/ref/heads/none", 404),
        ("/git/matching-refs/heads/home", 200),
        ("/git/trees/main?recursive=1", 200),
        ("/compare/main...homeostat/x", 200),
        ("/commits/homeostat/x", 200),
        ("/commits/main/check-runs?filter=latest", 200),
        ("/commits/main/status", 200),
        ("/actions/runs?branch=main&status=completed", 200),
        ("/actions/runs/1", 200),
        ("/actions/runs/1/jobs?filter=latest", 200),
        ("/actions/jobs/1000/logs", 302),
        ("/actions/jobs/77/logs", 404),
        ("/actions/artifacts?per_page=100", 200),
        ("/actions/artifacts?name=other", 200),
        ("/actions/artifacts/1000/zip", 302),
        ("/actions/artifacts/1001/zip", 410),
        ("/actions/artifacts/77/zip", 404),
    ];
    for (path, status) in reads {
        let came = ask(&door, "GET", &format!("{root}{path}"), None).await;
        assert_eq!(came.status, status, "{path}: {}", String::from_utf8_lossy(&came.body));
    }
    for path in [
        format!("{root}/git/commits/{sha}"),
        format!("{root}/git/blobs/{blob}"),
        "/user".into(),
        "/rate_limit".into(),
        "/users/homeostat%5Bbot%5D".into(),
    ] {
        assert_eq!(ask(&door, "GET", &path, None).await.status, 200, "{path}");
    }
    // An App: its own word, its installation, a token of it, and what that may.
    let app = [("authorization", "Bearer eyJ.e30.c2ln")];
    for path in ["/app", "/app/installations/815", "/repos/owner/app/installation"] {
        assert_eq!(send(door.url(), "GET", path, &app, None).await.expect("an answer").status, 200, "{path}");
    }
    let minted = send(door.url(), "POST", "/app/installations/815/access_tokens", &app, Some(json!({}))).await;
    let token = format!("Bearer {}", minted.expect("an answer").json()["token"].as_str().expect("a token"));
    assert_eq!(send(door.url(), "GET", "/user", &[("authorization", &token)], None).await.expect("one").status, 403);
    let query = json!({"query": "query($o: String!) { viewer { login } repository(owner: $o, name: \"app\") { databaseId \
        issues(first: 1, states: [OPEN], labels: [\"BUG\"], orderBy: {field: UPDATED_AT, direction: DESC}) { totalCount nodes { updatedAt } } \
        issueOrPullRequest(number: 1) { ... on Issue { userContentEdits(first: 9) { nodes { id editedAt editor { login ... on User { databaseId } } } } } } \
        defaultBranchRef { name target { ... on Commit { oid statusCheckRollup { state } } } } } }", "variables": {"o": "owner"}});
    let seen = ask(&door, "POST", "/graphql", Some(query)).await.json();
    assert_eq!(seen["data"]["repository"]["issues"]["totalCount"], 2, "{seen}");
    assert_eq!(
        seen["data"]["repository"]["defaultBranchRef"]["target"]["statusCheckRollup"]["state"], "FAILURE",
        "{seen}"
    );
    let edits = &seen["data"]["repository"]["issueOrPullRequest"]["userContentEdits"]["nodes"];
    assert_eq!(
        (edits[0]["editor"]["login"].as_str(), edits.as_array().map(Vec::len)),
        (Some("alice"), Some(2)),
        "{seen}"
    );
    assert!(seen["errors"].is_null(), "{seen}");
    assert!(door.claim("POST", "/pulls"));
    assert!(!door.unclaimed().is_empty());
}

#[tokio::test]
async fn every_operation_that_is_described_is_served() {
    let (forge, clock, _) = world().await;
    let door = Door::open(forge, clock, 30).await;
    for (method, path) in super::openapi::operations() {
        assert!(door.serves(&method, &path).await, "{method} {path}: serve it, or take it out of trim.py");
    }
}

#[tokio::test]
async fn lists_lead_on_by_links_under_the_repositorys_id_and_logs_lie_elsewhere() {
    let (forge, clock, slug) = world().await;
    let door = Door::open(forge.clone(), clock.clone(), 2).await;
    let first = ask(&door, "GET", "/repos/owner/app/issues?state=all&per_page=100", None).await;
    let link = first.header("link").expect("a next page").to_owned();
    assert!(link.contains("/repositories/") && link.contains("rel=\"next\""), "{link}");
    let next = link.trim_start_matches('<').split('>').next().unwrap_or_default();
    let path = &next[door.url().len()..];
    assert_eq!(ask(&door, "GET", path, None).await.json().as_array().map(Vec::len), Some(1));
    assert_eq!(first.header("date"), Some("Fri, 15 Jan 2027 08:00:00 GMT"));
    let tag = first.header("etag").expect("a tag").to_owned();
    let auth = format!("Bearer {TOKEN}");
    let again = [("authorization", auth.as_str()), ("if-none-match", tag.as_str())];
    let path = "/repos/owner/app/issues?state=all&per_page=100";
    let again = send(door.url(), "GET", path, &again, None).await.expect("an answer");
    assert_eq!((again.status, again.body.len()), (304, 0));
    let main = forge.branch(&slug, &"main".parse().expect("a branch")).await.expect("refs").expect("main");
    let job =
        JobRecord { name: "t".into(), conclusion: Conclusion::Failure, runner_labels: Vec::new(), steps: Vec::new() };
    let run = RunRecord {
        workflow: "ci.yml".into(),
        name: "CI".into(),
        branch: "main".into(),
        commit: main,
        event: "push".into(),
        actor: None,
        fork: false,
        attempt: 1,
        conclusion: Conclusion::Failure,
        created_at: clock.now(),
        completed_at: clock.now(),
        jobs: vec![job],
    };
    forge.add_run(&slug, &run, &[b"0123456789".to_vec()]).await.expect("a run");
    let there = ask(&door, "GET", "/repos/owner/app/actions/jobs/1000/logs", None).await;
    let place = there.header("location").expect("another place").to_owned();
    let path = &place[place.find("/logs").expect("a path")..];
    let bare = send(&place, "GET", path, &[], None).await.expect("an answer");
    assert_eq!(bare.body, b"0123456789");
    let shown = send(&place, "GET", path, &[("authorization", &auth)], None).await.expect("an answer");
    assert_eq!(shown.status, 400, "a token shown to another host is refused");
    let part = send(&place, "GET", path, &[("range", "bytes=-4")], None).await.expect("an answer");
    assert_eq!((part.status, part.body.as_slice()), (206, &b"6789"[..]));
}

#[tokio::test]
async fn each_fault_does_to_a_write_what_it_says() {
    for kind in Kind::ALL {
        let (forge, clock, slug) = world().await;
        let door = Door::open(forge.clone(), clock.clone(), 30).await;
        door.set_faults(vec![Fault::at(0, kind)]);
        let before = clock.now();
        let body = Some(json!({"body": "ours"}));
        let auth = format!("Bearer {TOKEN}");
        let head = [("authorization", auth.as_str())];
        let sending = send(door.url(), "POST", "/repos/owner/app/issues/1/comments", &head, body);
        // No clock decides whether an answer never comes: the door has met the fault and done what it does.
        let silent = async {
            let done = || door.unclaimed().len() == usize::from(kind == Kind::TimeoutApplied);
            while !(kind.needs_patience() && door.faults_met() == 1 && done()) {
                tokio::task::yield_now().await;
            }
        };
        let came = tokio::select! {
            came = sending => came,
            () = silent => None,
        };
        let applied = forge.comments(&slug, 1, None).await.expect("comments").items.len() == 2;
        let expected = matches!(
            kind,
            Kind::BadGatewayApplied | Kind::ResetAfter | Kind::TimeoutApplied | Kind::Truncated | Kind::Slow
        );
        assert_eq!((applied, door.unclaimed().len()), (expected, usize::from(expected)), "{kind:?}");
        assert_eq!(door.faults_met(), 1, "{kind:?}");
        let status = came.as_ref().map(|came| came.status);
        let wanted = match kind {
            Kind::Refuse | Kind::ResetBefore | Kind::ResetAfter | Kind::Timeout | Kind::TimeoutApplied => None,
            Kind::ServerError => Some(500),
            Kind::BadGateway | Kind::BadGatewayApplied => Some(502),
            Kind::Html | Kind::Empty => Some(200),
            Kind::Truncated | Kind::Slow => Some(201),
            Kind::Denied | Kind::Secondary | Kind::Primary => Some(403),
            Kind::TooMany => Some(429),
            Kind::Unauthorized => Some(401),
            Kind::Lag => Some(404),
        };
        assert_eq!(status, wanted, "{kind:?}");
        assert_eq!(clock.now() > before, kind == Kind::Slow, "{kind:?}");
        if kind == Kind::Truncated {
            let came = came.expect("an answer");
            assert!(serde_json::from_slice::<Value>(&came.body).is_err(), "half of it");
        }
    }
}

#[tokio::test]
#[should_panic(expected = "501")]
async fn an_address_that_nobody_wrote_down_fails_the_test() {
    let (forge, clock, _) = world().await;
    let door = Door::open(forge, clock, 30).await;
    assert_eq!(ask(&door, "PUT", "/repos/owner/app/pulls/1/merge", None).await.status, 501);
}

#[tokio::test]
async fn a_token_that_is_not_good_is_401() {
    let (forge, clock, _) = world().await;
    let door = Door::open(forge, clock, 30).await;
    for head in [vec![], vec![("authorization", "Bearer ghp_other")], vec![("authorization", "Basic x")]] {
        assert_eq!(send(door.url(), "GET", "/repos/owner/app", &head, None).await.expect("an answer").status, 401);
    }
}
