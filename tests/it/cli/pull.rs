//! `runs pull` over artifacts: from a forge in a folder beside the state branch, and over HTTP with a token.

use std::fs;
use std::io::Write as _;
use std::sync::Arc;

use homeostat::forge::memory::MemoryForge;
use homeostat::forge::rules::{ManualClock, RunRecord};
use homeostat::forge::{Conclusion, Forge as _};
use homeostat::model::{RepoSlug, Timestamp};
use serde_json::{Value, json};

use super::doctor::over_http;
use super::world::World;
use crate::http::{Door, Fault};

/// Makes a zip of these files, stored.
fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut archive = rawzip::ZipArchiveWriter::new(&mut bytes);
    for (name, content) in files {
        let path = rawzip::path::EntryPath::verbatim(name.as_bytes());
        let (mut entry, config) = archive.new_file(path).start().expect("an entry");
        let mut writer = config.wrap(&mut entry);
        writer.write_all(content).expect("room");
        let (_, descriptor) = writer.finish().expect("an end");
        entry.finish(descriptor).expect("an end");
    }
    archive.finish().expect("a directory");
    bytes
}

#[test]
fn what_the_state_branch_has_not_of_a_run_comes_from_its_artifacts() {
    let world = World::new();
    let configured = fs::read_to_string(world.path("repos.yml")).expect("a configuration");
    let own = "version: 1\nstate: { repository: acme/shop }\n";
    world.write("repos.yml", configured.replace("version: 1\n", own));
    let id = world.run(&["--format", "json"]).ends_with(0).json()["run_id"].as_str().expect("an id").to_owned();
    let (record, summary) = (format!("run-{id}.jsonl"), format!("summary-{id}.md"));
    let read = |folder: &str, name: &str| fs::read(world.path(folder).join(name)).expect("a file");
    let (lines, page) = (read("artifacts", &record), read("artifacts", &summary));
    let uploaded = zip(&[(&record, &lines), (&summary, &page), ("logs/x.log.zst", b"(\xb5/\xfd")]);
    world.write("fleet/acme/shop/runs/7/run.yml", "workflow: homeostat.yml\nconclusion: success\n");
    world.write("fleet/acme/shop/runs/7/homeostat-run-7-1-publish.zip", uploaded);
    let (forge, home) = (format!("local:{}", world.text("fleet")), world.text("home/past"));
    let pull = ["runs", "pull", "--forge", &forge, "--config", "repos.yml", "--artifacts", &home, "--format", "json"];
    let before = world.fleet();
    let brought = world.homeostat(&pull).ends_with(0).json();
    assert_eq!(brought["brought"], json!([id]), "{brought}");
    let told = ["from_branch", "from_artifacts", "artifacts_read", "summaries"].map(|key| brought[key].as_u64());
    assert_eq!(told, [Some(1); 4], "{brought}");
    let sorted = |bytes: Vec<u8>| {
        let mut lines: Vec<String> = String::from_utf8(bytes).expect("text").lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(read("home/past", &record)), sorted(lines), "each event once");
    let again = world.homeostat(&pull).ends_with(0).json();
    assert_eq!(
        (&again["brought"], &again["known"], &again["summaries"]),
        (&json!([]), &1.into(), &0.into()),
        "{again}"
    );
    assert!(before == world.fleet(), "bringing home writes nothing");
    let summary = world.homeostat(&["runs", "summary", &id, "--artifacts", &home, "--format", "json"]).ends_with(0);
    assert_eq!(summary.json()["original"], true);
}

/// A repository of an operator over HTTP, with workflow runs of all sorts.
struct Ops {
    world: World,
    door: Door,
    forge: Arc<MemoryForge>,
    slug: RepoSlug,
}

impl Ops {
    async fn new() -> Self {
        let world = World::empty();
        let clock = ManualClock::at(Timestamp::from_millis(1_800_000_000_000));
        let forge = Arc::new(MemoryForge::new(clock.clock()));
        let slug: RepoSlug = "acme/ops".parse().expect("a slug");
        forge.create_repository(&slug, &[("README.md", "Ours.\n")]).await.expect("a repository");
        world.write(
            "repos.yml",
            "version: 1\nstate: { repository: acme/ops }\nrepositories:\n  - slug: acme/ops\n    test_command: \"true\"\n",
        );
        let door = Door::open(forge.clone(), clock, 3).await;
        Self { world, door, forge, slug }
    }

    /// Adds a workflow run with artifacts.
    async fn ran(&self, branch: &str, fork: bool, at: i64, artifacts: &[(&str, &[u8])]) {
        let main =
            self.forge.branch(&self.slug, &"main".parse().expect("a branch")).await.expect("refs").expect("main");
        let at = Timestamp::from_millis(1_800_000_000_000 + at * 1_000);
        let run = RunRecord {
            workflow: "homeostat.yml".into(),
            name: "Homeostat".into(),
            branch: branch.into(),
            commit: main,
            event: "schedule".into(),
            actor: None,
            fork,
            attempt: 1,
            conclusion: Conclusion::Success,
            created_at: at,
            completed_at: at,
            jobs: Vec::new(),
        };
        let number = self.forge.add_run(&self.slug, &run, &[]).await.expect("a run");
        for (name, bytes) in artifacts {
            self.forge.add_artifact(&self.slug, number, name, bytes).await.expect("an artifact");
        }
    }

    async fn pull(&self, code: i32) -> Value {
        let pull = ["runs", "pull", "--config", "repos.yml", "--artifacts", "past", "--format", "json"];
        let answer = over_http(&self.world, &self.door, &pull, &[]).await.ends_with(code).json();
        assert!(self.door.unclaimed().is_empty(), "bringing home writes nothing: {:?}", self.door.unclaimed());
        answer
    }

    fn past(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.world.path("past")) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect();
        names.sort();
        names
    }
}

fn line(run_id: &str, second: u32) -> Vec<u8> {
    let (trace, span) = ("0".repeat(32), format!("{second:016}"));
    let line = json!({
        "schema": "homeostat.event/1", "type": "run.finished", "time": format!("2027-01-15T08:00:{second:02}.000Z"),
        "run_id": run_id, "trace_id": trace, "span_id": span, "totals": {}, "exit_class": "ok",
    });
    format!("{line}\n").into_bytes()
}

fn a_record(run_id: &str, second: u32) -> Vec<u8> {
    zip(&[(&format!("run-{run_id}.jsonl"), &line(run_id, second))])
}

fn reasons(answer: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let left = answer["artifacts_left"].as_array().expect("a list");
    left.iter().map(|one| (text(&one["artifact"]), text(&one["reason"]))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_only_artifacts_know_are_brought_once_and_what_is_hostile_stays_where_it_is() {
    let ops = Ops::new().await;
    let twice = zip(&[("run-t.jsonl", b"{}"), ("run-t.jsonl", b"{}")]);
    let escape = zip(&[("../run-e.jsonl", &line("e", 1)), ("/summary-e.md", b"x"), ("run-ok.jsonl", &line("ok", 1))]);
    ops.ran("main", false, 1, &[("homeostat-run-1-1-reserve", &a_record("a", 1)), ("coverage", b"no zip")]).await;
    ops.ran("main", false, 2, &[("homeostat-run-1-1-publish", &a_record("a", 2))]).await;
    ops.ran("main", false, 3, &[("homeostat-run-3", b"<html>\x1b[31mred</html>"), ("homeostat-run-4", &twice)]).await;
    ops.ran("main", false, 4, &[("homeostat-run-5", &escape), ("homeostat-run-6", b"")]).await;
    ops.ran("main", true, 5, &[("homeostat-run-7", &a_record("fork", 1))]).await;
    ops.ran("feature", false, 6, &[("homeostat-run-8", &a_record("feature", 1))]).await;
    ops.ran(
        "main",
        false,
        -90 * 86_400,
        &[("homeostat-run-0", &a_record("old", 1)), ("a", b"PK"), ("b", b"PK"), ("c", b"PK")],
    )
    .await;
    let answer = ops.pull(0).await;
    assert_eq!(answer["brought"], json!(["a", "ok"]), "{answer}");
    let lists = ops.door.journal().iter().filter(|entry| entry.target.contains("/actions/artifacts?")).count();
    assert_eq!(lists, 4, "nothing is asked for behind a page of old ones");
    assert_eq!(
        (&answer["from_branch"], &answer["from_artifacts"], &answer["artifacts_read"]),
        (&0.into(), &2.into(), &3.into())
    );
    let left: Vec<(String, String)> =
        [("8", "other-branch"), ("7", "fork"), ("6", "expired"), ("4", "unreadable"), ("3", "unreadable")]
            .map(|(number, reason)| (format!("homeostat-run-{number}"), reason.to_owned()))
            .into();
    assert_eq!(reasons(&answer), left);
    assert_eq!(answer["artifacts_unread"], Value::Null);
    assert_eq!(ops.past(), ["run-a.jsonl", "run-ok.jsonl"]);
    assert!(!ops.world.path("run-e.jsonl").exists());
    let record = fs::read(ops.world.path("past/run-a.jsonl")).expect("a record");
    assert_eq!(record, [line("a", 1), line("a", 2)].concat(), "parts of one run, in the order of time");
    let again = ops.pull(0).await;
    assert_eq!((&again["brought"], &again["known"]), (&json!([]), &2.into()), "{again}");
    let pull = ["runs", "pull", "--config", "repos.yml", "--artifacts", "past"];
    let said = over_http(&ops.world, &ops.door, &pull, &[]).await.ends_with(0).stdout;
    assert!(said.starts_with("0 run(s) brought to past, 2 there already"), "{said}");
    assert!(
        said.contains("5 artifact(s) were left:") && said.contains("homeostat-run-4: run-t.jsonl is there twice"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_may_not_list_artifacts_still_brings_the_rest_and_is_told_what_it_needs() {
    let ops = Ops::new().await;
    ops.ran("main", false, 1, &[("homeostat-run-1", &a_record("a", 1))]).await;
    let denied = json!({"message": "Resource not accessible by personal access token"}).to_string();
    ops.door.set_faults(vec![Fault::reply("GET", "/actions/artifacts", 9, 403, &[], &denied)]);
    let answer = ops.pull(0).await;
    assert_eq!((&answer["brought"], &answer["artifacts_unread"]["denied"]), (&json!([]), &true.into()), "{answer}");
    let pull = ["runs", "pull", "--config", "repos.yml", "--artifacts", "past"];
    let said = over_http(&ops.world, &ops.door, &pull, &[]).await.ends_with(0).stdout;
    assert!(said.contains("the token needs Actions (read) in acme/ops"), "{said}");
    // A server that is down is another matter: the next try may bring the rest.
    ops.door.set_faults(vec![Fault::reply("GET", "/actions/artifacts", 9, 502, &[], "<html>")]);
    assert_eq!(ops.pull(4).await["artifacts_unread"]["denied"], false);
    let refused = vec![Fault::reply("GET", "/zip", 9, 403, &[], &denied)];
    ops.door.set_faults(refused);
    let answer = ops.pull(0).await;
    assert_eq!(
        (&answer["artifacts_unread"]["denied"], &answer["artifacts_left"]),
        (&true.into(), &json!([])),
        "{answer}"
    );
    ops.door.set_faults(vec![Fault::reply("GET", "/zip", 9, 502, &[], "<html>")]);
    assert_eq!(reasons(&ops.pull(4).await), [("homeostat-run-1".to_owned(), "unfetched".to_owned())]);
    ops.door.set_faults(vec![Fault::reply("GET", "/zip", 9, 404, &[], "{\"message\": \"Not Found\"}")]);
    assert_eq!(reasons(&ops.pull(0).await), [("homeostat-run-1".to_owned(), "gone".to_owned())]);
    ops.door.set_faults(Vec::new());
    assert_eq!(ops.pull(0).await["brought"], json!(["a"]));
}
