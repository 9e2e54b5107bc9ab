//! Stories of publishing: what the forge answers to a write, and what is said where it will not.

use homeostat::forge::Forge;
use homeostat::forge::faults::{Fault, FaultKind};
use homeostat::forge::rules::ThreadRecord;
use homeostat::model::{Permission, RepoSlug};

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
async fn f_43_where_no_pull_request_is_permitted_nothing_is_spent_on_the_next_failure_until_one_is() {
    const NAMES: Bug = bug("src/shop.py", "names");
    let mut world = World::new(vec![TOTAL, NAMES]);
    let slug = world.repository("shop", &[("src/shop.py", &source(&["total", "names"]))]).await;
    world.report(&slug, &TOTAL).await;
    run_with(&world, "create_pull", FaultKind::Denied).await;
    world.report(&slug, &NAMES).await;
    // `reserve` sees both, before the publisher of the same run opens what waits.
    let ran = world.run().await;
    assert_eq!((ran.pulls("adopted"), ran.pulls("created")), (1, 0), "{:?}", ran.report);
    assert_eq!(ran.attempts().len(), 1, "one end, of the fix that waited; nothing was begun: {:?}", ran.attempts());
    let message = "nothing is tried here, and nothing spent";
    let said = ran.report().repositories[0].skipped.iter().any(|one| format!("{one:?}").contains(message));
    assert!(said, "{:?}", ran.report().repositories[0].skipped);
    // What the forge permits again is begun at the next look.
    assert_eq!(world.run().await.pulls("created"), 1);
    assert_eq!((world.open_pulls(&slug).await.len(), world.run().await.writes), (2, 0));
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

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

/// The shop, whose pull requests ask people.
async fn asking_shop() -> (World, RepoSlug) {
    let (mut world, slug, _) = shop().await;
    world.may(&slug, "ann", Permission::Write).await;
    world.forge.add_milestone(&slug, "1.0").await.expect("a milestone");
    let style = &mut world.policy(&slug).pull_request;
    style.reviewers = names(&["ann"]);
    style.team_reviewers = names(&["core"]);
    style.assignees = names(&["ann"]);
    style.milestone = Some("1.0".to_owned());
    (world, slug)
}

/// Returns the one pull request as the forge keeps it.
async fn the_pull(world: &World, slug: &RepoSlug) -> ThreadRecord {
    let threads = world.forge.world(slug).await.expect("a repository").threads;
    let mut pulls = threads.into_iter().map(|one| one.thread).filter(|thread| thread.pull.is_some());
    pulls.next().expect("a pull request")
}

#[tokio::test]
async fn a_new_pull_request_asks_reviewers_and_teams_is_assigned_and_stands_under_its_milestone() {
    let (world, slug) = asking_shop().await;
    let planned = world.run_with(Options { dry_run: true, ..Options::default() }).await;
    let verbs: Vec<String> = planned.report().actions.iter().map(|action| format!("{:?}", action.verb)).collect();
    let all = ["CreateBranch", "CreatePullRequest", "AddLabels", "RequestReview", "Assign", "SetMilestone"];
    assert_eq!(verbs, all);
    assert_eq!(world.run().await.pulls("created"), 1);
    let pull = the_pull(&world, &slug).await;
    assert_eq!(pull.reviewers.iter().collect::<Vec<_>>(), ["/core", "ann"]);
    assert_eq!((pull.assignees.len(), pull.milestone.as_deref()), (1, Some("1.0")));
    assert_eq!(world.run().await.writes, 0, "nobody is asked twice");
}

#[tokio::test]
async fn f_48_an_unknown_reviewer_is_a_warning_that_is_said_once_and_keeps_nobody_else_from_being_asked() {
    let (mut world, slug) = asking_shop().await;
    world.policy(&slug).pull_request.reviewers = names(&["mallory", "ann"]);
    world.policy(&slug).pull_request.milestone = Some("2.0".to_owned());
    let ran = world.run().await;
    assert_eq!((ran.pulls("created"), ran.class.code()), (1, 0), "a warning is no failure");
    let warnings = &ran.report().repositories[0].pull_requests[0].warnings;
    let [reviewer, milestone] = warnings.as_slice() else { panic!("two warnings: {warnings:?}") };
    assert!(reviewer.contains("mallory") && milestone.contains("2.0"), "{warnings:?}");
    let pull = the_pull(&world, &slug).await;
    assert_eq!(pull.reviewers.iter().collect::<Vec<_>>(), ["/core", "ann"]);
    let again = world.run().await;
    assert_eq!(again.writes, 0, "what is refused for good is not tried for ever");
    assert!(again.report().repositories[0].pull_requests.iter().all(|pull| pull.warnings.is_empty()));
}

#[tokio::test]
async fn f_48_whatever_happens_to_a_call_the_next_run_asks_whom_the_first_could_not() {
    let mut kinds: Vec<Option<FaultKind>> = FaultKind::all().into_iter().map(Some).collect();
    kinds.push(None);
    for kind in kinds {
        let (twin, slug) = asking_shop().await;
        let log = twin.run().await.log;
        let first = log.iter().position(|line| line.call.op == "create_pull").expect("a call");
        for call in first..log.len() {
            let (world, _) = asking_shop().await;
            let options = match kind {
                Some(kind) => Options { faults: vec![Fault { call_index: call, kind }], ..Options::default() },
                None => Options { crash_after: Some(call), ..Options::default() },
            };
            world.run_with(options).await;
            world.hours(2);
            let clean = world.run().await;
            let what = format!("{kind:?} at call {call}: {:?}", clean.report);
            assert_eq!(clean.class.code(), 0, "{what}");
            assert_eq!(world.open_pulls(&slug).await.len(), 1, "{what}");
            let pull = the_pull(&world, &slug).await;
            // A denial and a name that is not found are for good.
            if !matches!(kind, Some(FaultKind::Denied | FaultKind::Lag | FaultKind::Refused)) {
                assert_eq!((pull.reviewers.len(), pull.assignees.len()), (2, 1), "{what}");
                assert_eq!(pull.milestone.as_deref(), Some("1.0"), "{what}");
            }
            assert_eq!(world.run().await.writes, 0, "{what}");
        }
    }
}
