//! Near duplicates: of one family one goes first, the others wait for it and are judged on their own afterwards.

use homeostat::engine::Selection;
use homeostat::forge::rules::MergeStyle;
use homeostat::forge::{Forge, IssueQuery};
use homeostat::model::RepoSlug;

use super::program::{Bug, bug, source};
use super::world::{Options, Ran, World};

const TOTAL: Bug = Bug { callers: &["checkout", "serve"], ..bug("src/shop.py", "total") };
/// The same way through the program, and one call deeper.
const ROUND: Bug = Bug { callers: &["total", "checkout", "serve"], ..bug("src/shop.py", "round_up") };
/// Two calls deeper: it resembles the first.
const DIGITS: Bug = Bug { callers: &["cut", "total", "checkout", "serve"], ..bug("src/shop.py", "digits") };
/// Elsewhere in the same file.
const PRICE: Bug = Bug { callers: &["list_all", "browse"], ..bug("src/shop.py", "price") };
/// The way of [`ROUND`], and another error.
const PARSE: Bug = Bug { error: "NotANumber", ..ROUND };

/// A shop with two bugs.
async fn shop(one: &Bug, other: &Bug) -> (World, RepoSlug) {
    let mut world = World::new(vec![one.clone(), other.clone()]);
    let text = source(&[one.cause, other.cause]);
    let slug = world.repository("shop", &[("src/shop.py", &text)]).await;
    (world, slug)
}

/// A shop whose first bug has a pull request, and whose second is reported after.
async fn opened(one: &Bug, other: &Bug) -> (World, RepoSlug, u64) {
    let (world, slug) = shop(one, other).await;
    world.report(&slug, one).await;
    assert_eq!(world.run().await.pulls("created"), 1);
    world.tick();
    let pull = world.open_pulls(&slug).await[0].number;
    world.report(&slug, other).await;
    (world, slug, pull)
}

/// Returns what is said of a failure that waits.
fn told(ran: &Ran) -> String {
    let skipped = ran.report().repositories.iter().flat_map(|one| &one.skipped);
    skipped.filter(|one| one.reason.to_string() == "family-deferred").map(|one| one.message.clone()).collect()
}

#[tokio::test]
async fn a_near_duplicate_waits_while_its_siblings_pull_request_is_open_and_is_judged_after_the_merge() {
    let (world, slug, pull) = opened(&TOTAL, &ROUND).await;
    for _ in 0..3 {
        world.hours(30);
        let ran = world.run().await;
        assert_eq!((ran.writes, ran.attempts().len()), (0, 0), "it costs no attempt: {:?}", ran.reasons());
        assert!(told(&ran).contains("issue #1") && told(&ran).contains(&format!("#{pull} open")), "{:?}", told(&ran));
    }
    world.forge.merge_pull(&slug, pull, "acme", MergeStyle::Squash).await.expect("it merges");
    world.tick();
    let ran = world.run().await;
    assert_eq!(ran.pulls("created"), 1, "{:#?}", ran.report);
    assert_eq!(ran.attempts()[0].attempt, 1);
    assert_eq!(world.run().await.writes, 0);
}

#[tokio::test]
async fn a_near_duplicate_is_judged_once_its_siblings_pull_request_is_closed() {
    let (world, slug, pull) = opened(&TOTAL, &ROUND).await;
    assert!(world.run().await.has_reason("family-deferred"));
    world.forge.close_thread(&slug, pull, "acme").await.expect("it closes");
    world.tick();
    assert_eq!(world.run().await.pulls("created"), 1);
}

#[tokio::test]
async fn of_two_new_failures_of_one_family_the_older_goes_first_and_links_the_other() {
    let (world, slug) = shop(&TOTAL, &ROUND).await;
    world.report(&slug, &ROUND).await;
    world.report(&slug, &TOTAL).await;
    let ran = world.run().await;
    assert_eq!((ran.pulls("created"), ran.attempts().len()), (1, 1), "{:#?}", ran.report);
    assert!(told(&ran).contains("issue #1") && told(&ran).contains("older"), "{}", told(&ran));
    let body = world.open_pulls(&slug).await.remove(0).body;
    assert!(body.contains("Closes #1") && body.contains("Related failures: #2."), "{body}");
    let second = world.run().await;
    assert_eq!((second.writes, second.has_reason("family-deferred")), (0, true), "{:?}", second.reasons());
}

#[tokio::test]
async fn a_near_duplicate_waits_while_a_candidate_waits_and_while_another_run_works() {
    let (world, slug) = shop(&TOTAL, &ROUND).await;
    world.report(&slug, &TOTAL).await;
    world.run_with(Options { publish: false, record: false, ..Options::default() }).await;
    world.report(&slug, &ROUND).await;
    let leased = world.run().await;
    assert_eq!((leased.writes, leased.has_reason("leased")), (0, true), "{:?}", leased.reasons());
    assert!(told(&leased).contains("another run"), "{:?}", leased.reasons());
    world.hours(2);
    let ran = world.run_with(Options { publish: false, ..Options::default() }).await;
    assert_eq!(ran.attempts().len(), 0, "the first leaves a candidate: {:?}", ran.reasons());
    let waiting = world.run_with(Options { publish: false, ..Options::default() }).await;
    assert_eq!((waiting.writes, waiting.has_reason("awaiting-publish")), (0, true), "{:?}", waiting.reasons());
    assert!(told(&waiting).contains("waits to be published"), "{:?}", waiting.reasons());
}

#[tokio::test]
async fn a_sibling_that_no_open_report_speaks_of_is_known_by_its_state() {
    let (world, slug, _) = opened(&TOTAL, &ROUND).await;
    world.forge.close_thread(&slug, 1, "acme").await.expect("the issue closes, its pull request stays");
    let ran = world.run().await;
    assert_eq!((ran.writes, ran.has_reason("family-deferred")), (0, true), "{:?}", ran.reasons());
    assert!(told(&ran).contains("issue #1"), "{}", told(&ran));
}

#[tokio::test]
async fn a_failure_that_only_resembles_another_is_worked_on_and_linked() {
    let (world, slug, _) = opened(&TOTAL, &DIGITS).await;
    let ran = world.run().await;
    assert_eq!(ran.pulls("created"), 1, "{:?}", ran.reasons());
    let body = world.open_pulls(&slug).await.remove(1).body;
    assert!(body.contains("Related failures: #1."), "{body}");
}

#[tokio::test]
async fn an_unrelated_failure_neither_waits_nor_is_linked() {
    let (world, slug, _) = opened(&TOTAL, &PRICE).await;
    assert_eq!(world.run().await.pulls("created"), 1);
    assert!(world.open_pulls(&slug).await.iter().all(|pull| !pull.body.contains("Related failures")));
}

#[tokio::test]
async fn another_root_type_on_the_same_way_is_another_failure() {
    let (world, slug, _) = opened(&TOTAL, &PARSE).await;
    let ran = world.run().await;
    assert_eq!(ran.pulls("created"), 1, "a veto outweighs the frames: {:?}", ran.reasons());
    assert!(!world.open_pulls(&slug).await.remove(1).body.contains("Related failures"));
}

#[tokio::test]
async fn a_person_who_names_the_issue_does_not_wait() {
    let (world, slug, _) = opened(&TOTAL, &ROUND).await;
    assert!(world.run().await.has_reason("family-deferred"));
    let issues = world.forge.issues(&slug, &IssueQuery::default(), None).await;
    let issue = issues.expect("a repository").items.iter().map(|issue| issue.number).max();
    let selection = Selection { only: Some(slug), issue, ..Selection::default() };
    let ran = world.run_with(Options { selection, ..Options::default() }).await;
    assert_eq!(ran.pulls("created"), 1, "{:?}", ran.reasons());
}
