//! Stories of failed workflow runs: what the log of a job says is a report like an issue.

use homeostat::forge::rules::{JobRecord, MergeStyle, RunRecord, actor};
use homeostat::forge::{Conclusion, Forge};
use homeostat::model::{Reason, RepoSlug};
use homeostat::workspace::Exit;

use super::program::{Bug, bug, mend, program, source};
use super::workspace::Files;
use super::world::World;

const TOTAL: Bug = bug("src/shop.py", "total");
const PRICE: Bug = bug("src/shop.py", "price");

async fn shop(causes: &[&str]) -> (World, RepoSlug) {
    let mut world = World::new(vec![TOTAL, PRICE]);
    let slug = world.repository("shop", &[("src/shop.py", &source(causes))]).await;
    (world, slug)
}

/// What the job's log says where these causes are in the code, in the dress of a runner.
pub(super) fn log_of(causes: &[&str]) -> Vec<u8> {
    let files: Files = [("src/shop.py".to_owned(), source(causes))].into_iter().collect();
    let (output, exit) = program(vec![TOTAL, PRICE])(&files, "run tests");
    let mut lines = vec!["##[group]Run python -m unittest -v".to_owned(), "##[endgroup]".to_owned()];
    lines.extend(output.lines().map(str::to_owned));
    if exit != Exit::Code(0) {
        lines.push("##[error]Process completed with exit code 1.".to_owned());
    }
    lines.iter().map(|line| format!("2026-11-23T10:00:00.0000000Z {line}\n")).collect::<String>().into_bytes()
}

/// Completes a run of ci.yml at the head of main.
pub(super) async fn ci(world: &World, slug: &RepoSlug, conclusion: Conclusion, log: &[u8]) {
    ci_of(world, slug, conclusion, log, |_| {}).await;
}

async fn ci_of(
    world: &World,
    slug: &RepoSlug,
    conclusion: Conclusion,
    log: &[u8],
    change: impl FnOnce(&mut RunRecord),
) {
    world.tick();
    let main = "main".parse().expect("legal");
    let head = world.forge.branch(slug, &main).await.expect("refs").expect("main");
    let now = world.forge.now().await.expect("a clock");
    let job = JobRecord { name: "test".into(), conclusion, runner_labels: Vec::new(), steps: Vec::new() };
    let mut run = RunRecord {
        workflow: "ci.yml".into(),
        name: "CI".into(),
        branch: "main".into(),
        commit: head,
        event: "push".into(),
        actor: Some(actor("acme")),
        fork: false,
        attempt: 1,
        conclusion,
        created_at: now,
        completed_at: now,
        jobs: vec![job],
    };
    change(&mut run);
    world.forge.add_run(slug, &run, &[log.to_vec()]).await.expect("a run");
    world.tick();
}

#[tokio::test]
async fn a_failed_run_becomes_one_pull_request_and_then_nothing_is_written() {
    let (world, slug) = shop(&["total"]).await;
    ci(&world, &slug, Conclusion::Failure, &log_of(&["total"])).await;
    let ran = world.run().await;
    assert_eq!(ran.pulls("created"), 1, "{:#?}", ran.report);
    assert_eq!(ran.report().repositories[0].runs_processed, 1);
    let pull = world.open_pulls(&slug).await.remove(0);
    assert!(pull.body.contains("ci.yml") && !pull.body.contains("Closes #"), "{}", pull.body);
    let again = world.run().await;
    assert_eq!(again.writes, 0);
    assert!(again.has_reason("pull-request-open"), "{:?}", again.reasons());
}

#[tokio::test]
async fn a_failed_run_counts_only_while_it_is_the_workflows_newest_completed_one() {
    let (world, slug) = shop(&["total"]).await;
    ci(&world, &slug, Conclusion::Failure, &log_of(&["total"])).await;
    let healed = "# fixed by hand\n";
    let main = "main".parse().expect("legal");
    world.forge.commit_files(&slug, "acme", &main, &[("README", Some(healed))], "A\n").await.expect("a push");
    ci(&world, &slug, Conclusion::Success, b"").await;
    assert_eq!(world.run().await.writes, 0);
}

#[tokio::test]
async fn an_issue_and_a_run_of_one_failure_make_one_pull_request_for_the_issue() {
    let (world, slug) = shop(&["total"]).await;
    let issue = world.report(&slug, &TOTAL).await;
    ci(&world, &slug, Conclusion::Failure, &log_of(&["total"])).await;
    let ran = world.run().await;
    assert_eq!(ran.pulls("created"), 1, "{:#?}", ran.report);
    assert!(world.open_pulls(&slug).await[0].body.contains(&format!("Closes #{issue}")));
    assert_eq!(world.forge.comments(&slug, issue, None).await.expect("comments").items.len(), 0);
    assert_eq!(world.run().await.writes, 0);
}

#[tokio::test]
async fn at_most_one_pull_request_is_open_for_one_failed_run_and_the_rest_waits() {
    let (world, slug) = shop(&["total", "price"]).await;
    let now = world.forge.now().await.expect("a clock");
    let main = "main".parse().expect("legal");
    let head = world.forge.branch(&slug, &main).await.expect("refs").expect("main");
    let job = |name: &str| JobRecord {
        name: name.into(),
        conclusion: Conclusion::Failure,
        runner_labels: Vec::new(),
        steps: Vec::new(),
    };
    let run = RunRecord {
        workflow: "ci.yml".into(),
        name: "CI".into(),
        branch: "main".into(),
        commit: head,
        event: "push".into(),
        actor: Some(actor("acme")),
        fork: false,
        attempt: 1,
        conclusion: Conclusion::Failure,
        created_at: now,
        completed_at: now,
        jobs: vec![job("totals"), job("prices")],
    };
    let logs = [log_of(&["total"]), log_of(&["price"])];
    world.forge.add_run(&slug, &run, &logs).await.expect("a run");
    world.tick();
    let ran = world.run().await;
    assert_eq!(ran.pulls("created"), 1, "{:#?}", ran.report);
    assert!(ran.has_reason("same-run"), "{:?}", ran.reasons());
    let again = world.run().await;
    assert_eq!(again.writes, 0);
    assert!(again.has_reason("same-run"), "{:?}", again.reasons());
    let pull = world.open_pulls(&slug).await.remove(0);
    world.forge.merge_pull(&slug, pull.number, "acme", MergeStyle::Squash).await.expect("it merges");
    let left = usize::from(pull.body.contains("total went wrong"));
    ci(&world, &slug, Conclusion::Failure, &logs[left]).await;
    let ran = world.run().await;
    assert_eq!(ran.pulls("created"), 1, "{:#?}", ran.report);
}

#[tokio::test]
async fn f_62_a_run_whose_commit_has_the_merge_and_fails_the_same_way_is_a_regression() {
    let (mut world, slug) = shop(&["total"]).await;
    ci(&world, &slug, Conclusion::Failure, &log_of(&["total"])).await;
    assert_eq!(world.run().await.pulls("created"), 1);
    let main = "main".parse().expect("legal");
    let before = world.forge.branch(&slug, &main).await.expect("refs").expect("main");
    let pull = world.open_pulls(&slug).await[0].number;
    world.forge.merge_pull(&slug, pull, "acme", MergeStyle::Squash).await.expect("it merges");
    // A late run of the commit before the merge says nothing new.
    ci_of(&world, &slug, Conclusion::Failure, &log_of(&["total"]), |run| run.commit = before).await;
    let late = world.run().await;
    assert_eq!(late.writes, 0);
    assert!(late.has_reason("merged"), "{:?}", late.reasons());
    let text = format!("{}\n# later\n", source(&["total"]));
    world.forge.commit_files(&slug, "acme", &main, &[("src/shop.py", Some(&text))], "Oops\n").await.expect("a push");
    ci(&world, &slug, Conclusion::Failure, &log_of(&["total"])).await;
    world.fixers = vec![mend("mended_again")];
    let ran = world.run().await;
    assert_eq!(ran.pulls("created"), 1, "{:#?}", ran.report);
    let second = world.open_pulls(&slug).await.remove(0);
    assert!(second.head.as_str().ends_with("-2"), "{}", second.head);
}

/// How a run ended, its log, what else is odd about it, and why it is passed over.
type Case = (Conclusion, Vec<u8>, fn(&mut RunRecord), Reason);

#[tokio::test]
async fn v_07_runs_that_no_change_of_code_mends_are_skipped_with_the_reason() {
    let dressed = |text: &str| format!("##[group]Run npm ci\n##[endgroup]\n{text}\n").into_bytes();
    let network = dressed(
        "npm error code ETIMEDOUT\nnpm error network request to https://registry.example/x failed\n##[error]Process completed with exit code 1.",
    );
    let log = log_of(&["total"]);
    let cases: Vec<Case> = vec![
        (Conclusion::Cancelled, log.clone(), |_| {}, Reason::Cancelled),
        (Conclusion::StartupFailure, Vec::new(), |run| run.jobs.clear(), Reason::Configuration),
        (Conclusion::Failure, log.clone(), |run| run.fork = true, Reason::ForkRun),
        (Conclusion::Failure, network, |_| {}, Reason::Infrastructure),
        (Conclusion::Failure, log.clone(), |run| run.jobs.clear(), Reason::LogUnavailable),
        (Conclusion::Failure, Vec::new(), |_| {}, Reason::NothingToActOn),
    ];
    for (conclusion, log, change, reason) in cases {
        let (world, slug) = shop(&["total"]).await;
        ci_of(&world, &slug, conclusion, &log, change).await;
        let ran = world.run().await;
        assert_eq!(ran.writes, 0, "{reason}");
        assert!(ran.has_reason(reason.as_str()), "{reason}: {:?}", ran.reasons());
    }
    // A pull request's run is no run of the branch, whatever its branch is called.
    let (world, slug) = shop(&["total"]).await;
    ci_of(&world, &slug, Conclusion::Failure, &log, |run| run.event = "pull_request".into()).await;
    assert_eq!((world.run().await.writes, world.pulls(&slug).await.len()), (0, 0));
}

#[tokio::test]
async fn a_workflow_that_passed_on_the_same_commit_is_flaky_and_a_closed_fix_waits_for_a_word_on_it() {
    let (world, slug) = shop(&["total"]).await;
    ci(&world, &slug, Conclusion::Success, b"").await;
    ci(&world, &slug, Conclusion::Failure, &log_of(&["total"])).await;
    let ran = world.run().await;
    assert!(ran.has_reason("flaky") && ran.writes == 0, "{:?}", ran.reasons());

    let (mut world, slug) = shop(&["total"]).await;
    ci(&world, &slug, Conclusion::Failure, &log_of(&["total"])).await;
    assert_eq!(world.run().await.pulls("created"), 1);
    let pull = world.open_pulls(&slug).await[0].number;
    world.tick();
    world.forge.close_thread(&slug, pull, "acme").await.expect("it closes");
    world.fixers = vec![mend("repaired")];
    ci(&world, &slug, Conclusion::Failure, &log_of(&["total"])).await;
    let closed = world.run().await;
    assert!(closed.has_reason("human-closed") && closed.writes == 0, "{:?}", closed.reasons());
    world.tick();
    world.forge.comment_as(&slug, pull, "acme", "/homeostat retry").await.expect("a comment");
    assert_eq!(world.run().await.pulls("created"), 1);
}
