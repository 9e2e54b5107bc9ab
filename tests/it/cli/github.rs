//! The stages, a slash command and `outcomes` as processes, over HTTP: which token asks for what, and what becomes of it.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use homeostat::forge::memory::MemoryForge;
use homeostat::forge::rules::{ManualClock, MergeStyle, NewIssue, ObjectKind, Storage as _, actor, repository_id};
use homeostat::forge::{Forge as _, PullQuery, PullRequest};
use homeostat::model::{ObjectId, RepoSlug, Timestamp};
use serde_json::{Value, json};

use super::doctor::over_http;
use super::world::{Ended, World, cases, files};
use crate::http::{Auth, Door, Token};

const READER: &str = "ghp_of-a-reader";

/// One repository on GitHub with one report, and a folder that it can be cloned from.
struct Hub {
    world: World,
    forge: Arc<MemoryForge>,
    door: Door,
    slug: RepoSlug,
    issue: u64,
}

impl Hub {
    async fn new() -> Self {
        let world = World::empty();
        let clock = ManualClock::at(Timestamp::from_millis(1_800_000_000_000));
        let forge = Arc::new(MemoryForge::new(clock.clock()));
        let slug: RepoSlug = "acme/shop".parse().expect("a slug");
        let case = cases().join(world.case.name());
        let tree = files(&case.join("repo")).into_iter().filter_map(|(path, bytes)| {
            let path = path.strip_prefix(case.join("repo")).ok()?.to_str()?.to_owned();
            let left_over = path.contains("__pycache__") || path.starts_with("target/");
            (!left_over).then(|| (path, String::from_utf8(bytes).expect("text")))
        });
        let tree: Vec<(String, String)> = tree.collect();
        let tree: Vec<(&str, &str)> = tree.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        forge.create_repository(&slug, &tree).await.expect("a repository");
        let report = fs::read_to_string(case.join("report.md")).expect("a report");
        let (title, body) = report.split_once('\n').expect("a title");
        let title = title.trim_start_matches("# ").to_owned();
        let new = NewIssue { title, body: body.to_owned(), author: None, labels: vec!["homeostat".to_owned()] };
        let issue = forge.open_issue(&slug, &new).await.expect("an issue");
        let door = Door::open(forge.clone(), clock, 30).await;
        door.set_token(READER, Some(Token::Personal("reader".to_owned())));
        let hub = Self { world, forge, door, slug, issue };
        hub.mirror().await;
        let command = serde_json::to_string(&hub.world.test_command()).expect("text");
        let own = "version: 1\nstate: { repository: acme/shop }\nrepositories:\n  - slug: acme/shop\n";
        hub.world.write("repos.yml", format!("{own}    test_command: {command}\n"));
        hub
    }

    /// Writes every object that a branch leads to into a bare repository, under the ids that the forge gave.
    async fn mirror(&self) {
        let bare = self.world.path("mirror/acme/shop.git");
        fs::create_dir_all(&bare).expect("a folder");
        self.world.git(&bare, &["init", "--quiet", "--bare", "--initial-branch=main"]);
        let refs = self.forge.storage().refs(&self.slug).await.expect("branches");
        let mut left: Vec<ObjectId> = refs.values().cloned().collect();
        let mut done = BTreeSet::new();
        while let Some(id) = left.pop() {
            if !done.insert(id.clone()) {
                continue;
            }
            let found = self.forge.storage().objects(&self.slug, std::slice::from_ref(&id)).await.expect("objects");
            let object = found.into_iter().next().flatten().expect("an object");
            let file = self.world.write("object", &object.data).display().to_string();
            let written = self.world.git(&bare, &["hash-object", "-w", "-t", object.kind.as_str(), &file]);
            assert_eq!(written.trim(), id.as_str());
            let named: Vec<String> = match object.kind {
                ObjectKind::Blob => Vec::new(),
                ObjectKind::Tree => {
                    let lines = self.world.git(&bare, &["ls-tree", "--format=%(objectname)", id.as_str()]);
                    lines.lines().map(str::to_owned).collect()
                }
                ObjectKind::Commit => {
                    let text = String::from_utf8(object.data).expect("a commit");
                    let head = text.split("\n\n").next().expect("a head");
                    let pairs = head.lines().filter_map(|line| line.split_once(' '));
                    pairs.filter(|(key, _)| ["tree", "parent"].contains(key)).map(|(_, id)| id.to_owned()).collect()
                }
            };
            left.extend(named.iter().map(|id| id.parse::<ObjectId>().expect("an id")));
        }
        for (branch, id) in refs {
            self.world.git(&bare, &["update-ref", &format!("refs/heads/{branch}"), id.as_str()]);
        }
    }

    async fn homeostat(&self, args: &[&str], env: &[(&str, &str)]) -> Ended {
        let clone = self.world.text("mirror/{slug}.git");
        let env = [&[("HOMEOSTAT_GIT_URL", clone.as_str())], env].concat();
        let place = ["--config", "repos.yml", "--artifacts", "artifacts"];
        over_http(&self.world, &self.door, &[args, &place].concat(), &env).await
    }

    async fn pulls(&self) -> Vec<PullRequest> {
        self.forge.pulls(&self.slug, &PullQuery { head: None, open_only: false }, None).await.expect("a page").items
    }

    /// Writes a comment, and the payload of the event that tells of it.
    async fn comment(&self, by: &str, text: &str) -> String {
        let comment = self.forge.comment_as(&self.slug, self.issue, by, text).await.expect("a comment");
        let user = |login: &str| json!({ "login": login, "id": actor(login).id, "type": "User" });
        let issue = self.forge.issue(&self.slug, self.issue).await.expect("an issue");
        let payload = json!({
            "action": "created", "sender": user(by),
            "issue": {
                "number": self.issue, "title": issue.title, "body": issue.body, "state": "open", "labels": [],
                "user": user("acme"),
            },
            "comment": { "id": comment.id, "user": user(by), "body": text, "created_at": "2027-01-15T08:00:00Z" },
            "repository": {
                "id": repository_id(&self.slug), "full_name": self.slug.to_string(), "owner": user("acme"),
            },
        });
        self.world.write("event.json", payload.to_string()).display().to_string()
    }
}

/// Requires the one pull request of a report.
fn one(report: &Value) -> &Value {
    let pulls = report["repositories"][0]["pull_requests"].as_array().expect("a list");
    assert_eq!(pulls.len(), 1, "{report}");
    &pulls[0]
}

#[tokio::test(flavor = "multi_thread")]
async fn p_01_propose_asks_with_a_token_that_reads_and_sends_nothing_but_reads() {
    let hub = Hub::new().await;
    hub.homeostat(&["reserve", "--out", "work", "--write"], &[]).await.ends_with(0);
    let before = hub.door.requests();
    // Both tokens are at hand, and the one that reads is taken; by itself it serves as well.
    let reads = [("HOMEOSTAT_READ_TOKEN", READER)];
    hub.homeostat(&["propose", "--in", "work", "--out", "work"], &reads).await.ends_with(0);
    let journal = hub.door.journal().split_off(before);
    assert!(!journal.is_empty(), "it asks at least what time it is");
    for entry in &journal {
        assert_eq!(entry.method, "GET", "{entry}");
        assert_eq!(entry.auth, Auth::Token("reader".to_owned()), "{entry}");
    }
    let manifest = fs::read_to_string(hub.world.path("work/manifest.json")).expect("a manifest");
    assert!(manifest.contains("candidate-acme-shop"), "{manifest}");
    hub.homeostat(&["record", "--in", "work", "--write"], &[]).await.ends_with(0);
    let publish = ["publish", "--in", "work", "--write", "--format", "json"];
    let report = hub.homeostat(&publish, &[]).await.ends_with(0).json();
    assert_eq!(one(&report)["state"], "created");
    let again = hub.homeostat(&publish, &[]).await.ends_with(0).json();
    assert_eq!((&one(&again)["state"], &again["writes"]), (&json!("kept"), &json!(0)));
    assert_eq!(hub.pulls().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_on_github_is_done_once_and_one_of_a_stranger_writes_nothing() {
    let hub = Hub::new().await;
    let run = ["run", "--write", "--format", "json"];
    let asked = async |file: String| {
        let event = [("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "issue_comment"), ("GITHUB_EVENT_PATH", &*file)];
        hub.homeostat(&run, &event).await.ends_with(0).json()
    };
    let inert = asked(hub.comment("stranger", "/homeostat fix").await).await;
    assert_eq!((&inert["asked"]["command"], &inert["writes"]), (&Value::Null, &json!(0)), "{inert}");
    let explain = asked(hub.comment("acme", "/homeostat explain").await).await;
    assert_eq!((&explain["asked"]["command"], &explain["asked"]["done"]), (&json!("explain"), &json!(true)));
    assert!(hub.pulls().await.is_empty());
    let fix = hub.comment("acme", "/homeostat fix").await;
    let done = asked(fix.clone()).await;
    assert_eq!((&done["asked"]["command"], &done["asked"]["done"]), (&json!("fix"), &json!(true)), "{done}");
    assert_eq!((hub.pulls().await.len(), &one(&done)["state"]), (1, &json!("created")));
    let comments = async || hub.forge.world(&hub.slug).await.expect("a world").threads[0].comments.len();
    let told = comments().await;
    asked(fix).await;
    assert_eq!((hub.pulls().await.len(), comments().await), (1, told), "the same comment again is no second word");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebase_merge_on_github_is_told_once_and_its_branch_goes() {
    let hub = Hub::new().await;
    let report = hub.homeostat(&["run", "--write", "--format", "json"], &[]).await.ends_with(0).json();
    let number = one(&report)["number"].as_u64().expect("a number");
    hub.forge.merge_pull(&hub.slug, number, "acme", MergeStyle::Rebase).await.expect("a merge");
    let outcomes = async |more: &[&str]| {
        let args = [&["outcomes", "--format", "json"], more].concat();
        hub.homeostat(&args, &[]).await.ends_with(0).json()
    };
    let branch = hub.pulls().await[0].head.to_string();
    let held = outcomes(&[]).await;
    assert_eq!((&held["writes"], &held["repositories"][0]["outcomes"][0]["outcome"]), (&json!(0), &json!("merged")));
    let told = outcomes(&["--write"]).await;
    let outcome = &told["repositories"][0]["outcomes"][0];
    assert_eq!((&outcome["outcome"], &outcome["lines_on_top"]), (&json!("merged"), &json!(0)), "{told}");
    let refs = hub.forge.storage().refs(&hub.slug).await.expect("branches");
    assert!(!refs.contains_key(&branch), "{branch} is still there: {refs:?}");
    let again = outcomes(&["--write"]).await;
    assert_eq!(
        (&again["writes"], again["repositories"][0]["outcomes"].as_array().map(Vec::len)),
        (&json!(0), Some(0)),
        "{again}"
    );
}
