//! Stories of publishing: what the forge answers to a write, and what is said where it will not.

use homeostat::forge::Forge;
use homeostat::forge::faults::{Fault, FaultKind};
use homeostat::model::RepoSlug;

use super::program::{Bug, bug, source};
use super::world::{Options, Ran, World};

const TOTAL: Bug = bug("src/shop.py", "total");

async fn shop() -> (World, RepoSlug, u64) {
    let mut world = World::new(vec![TOTAL]);
    let slug = world.repository("shop", &[("src/shop.py", &source(&["total"]))]).await;
    let issue = world.report(&slug, &TOTAL).await;
    (world, slug, issue)
}

/// Finds where a call stands in a run over the same world that meets no fault.
async fn place_of(op: &str) -> usize {
    let (world, slug, _) = shop().await;
    let log = world.run().await.log;
    let is = |line: &homeostat::forge::faults::Logged| line.call.op == op && line.call.slug.as_ref() == Some(&slug);
    log.iter().position(is).expect("the run makes this call")
}

async fn run_with(world: &World, op: &str, kind: FaultKind) -> Ran {
    let faults = vec![Fault { call_index: place_of(op).await, kind }];
    let ran = world.run_with(Options { faults, ..Options::default() }).await;
    assert_eq!(ran.faults_met, 1);
    ran
}

#[tokio::test]
async fn f_43_where_no_pull_request_is_permitted_the_branch_stays_and_the_issue_says_so_once() {
    let (world, slug, issue) = shop().await;
    let ran = run_with(&world, "create_pull", FaultKind::Denied).await;
    assert!(ran.has_reason("awaiting-pr"), "{:?}", ran.reasons());
    assert_eq!(world.open_pulls(&slug).await.len(), 0);
    let branches = world.forge.branches(&slug, "homeostat/").await.expect("branches");
    let [(branch, _)] = branches.as_slice() else { panic!("one branch stays: {branches:?}") };
    let comments = world.forge.comments(&slug, issue, None).await.expect("comments").items;
    let [comment] = comments.as_slice() else { panic!("one comment: {comments:?}") };
    assert!(comment.body.contains(branch.as_str()) && comment.body.contains("into `main`"), "{}", comment.body);
    let adopted = world.run().await;
    assert_eq!(adopted.pulls("adopted"), 1, "{:?}", adopted.report);
    assert_eq!(world.forge.comments(&slug, issue, None).await.expect("comments").items.len(), 1);
    assert_eq!(world.run().await.writes, 0);
}

#[tokio::test]
async fn f_43_the_words_are_said_once_however_often_it_is_refused() {
    let (world, slug, issue) = shop().await;
    run_with(&world, "create_pull", FaultKind::Denied).await;
    let again = world.run_with(Options { dry_run: true, ..Options::default() }).await;
    let at = again.log.iter().position(|line| line.call.op == "create_pull");
    assert_eq!(at, None, "a dry run asks for nothing");
    // The second refusal: the index of the call in a run that adopts.
    let twin = {
        let (world, _, _) = shop().await;
        run_with(&world, "create_pull", FaultKind::Denied).await;
        world.run().await.log.iter().position(|line| line.call.op == "create_pull").expect("it adopts")
    };
    let faults = vec![Fault { call_index: twin, kind: FaultKind::Denied }];
    let refused = world.run_with(Options { faults, ..Options::default() }).await;
    assert!(refused.has_reason("awaiting-pr"), "{:?}", refused.reasons());
    assert_eq!(refused.writes, 0, "nothing is new to say");
    assert_eq!(world.forge.comments(&slug, issue, None).await.expect("comments").items.len(), 1);
}

#[tokio::test]
async fn p_06_a_dry_run_tells_how_each_attempt_ended_and_what_it_would_have_done() {
    let (world, slug, _) = shop().await;
    let ran = world.run_with(Options { dry_run: true, ..Options::default() }).await;
    assert_eq!((ran.writes, world.pulls(&slug).await.len()), (0, 0));
    let attempts = ran.attempts();
    let [attempt] = attempts.as_slice() else { panic!("one attempt, one end: {attempts:?}") };
    assert_eq!(attempt.status.as_str(), "fixed");
    assert_eq!(attempt.reason.map(|reason| reason.to_string()).as_deref(), Some("observe"));
    assert!(attempt.pr.is_none());
    assert_eq!(ran.report().actions.len(), 3, "{:?}", ran.report().actions);
}
