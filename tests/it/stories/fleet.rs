//! Stories of a fleet: several repositories, caps, duplicates, causes, and runs in which nothing is new.

use std::collections::BTreeMap;

use homeostat::forge::Forge;
use homeostat::forge::rules::{MergeStyle, NewIssue};

use super::program::{Bug, bug, mend, source};
use super::world::{Options, World, slug};

const TOTAL: Bug = bug("src/shop.py", "total");
const PRICE: Bug = bug("src/shop.py", "price");
const STOCK: Bug = bug("src/shop.py", "stock");
const COUNT: Bug = bug("src/shop.py", "count");

/// One repository with these functions broken, and one report for each.
async fn shop(bugs: &[Bug]) -> World {
    let mut world = World::new(bugs.to_vec());
    let causes: Vec<&str> = bugs.iter().map(|bug| bug.cause).collect();
    let slug = world.repository("shop", &[("src/shop.py", &source(&causes))]).await;
    for bug in bugs {
        world.report(&slug, bug).await;
    }
    world
}

#[tokio::test]
async fn three_repositories_in_one_run_get_one_pull_request_each() {
    let mut world = World::new(vec![TOTAL]);
    for name in ["one", "two", "three"] {
        let slug = world.repository(name, &[("src/shop.py", &source(&["total"]))]).await;
        world.report(&slug, &TOTAL).await;
    }
    let ran = world.run().await;
    assert_eq!((ran.class.code(), ran.pulls("created")), (0, 3), "{:#?}", ran.report);
    for name in ["one", "two", "three"] {
        assert_eq!(world.open_pulls(&slug(name)).await.len(), 1);
    }
    assert_eq!(ran.attempts().len(), 3, "one terminal event an attempt");
}

#[tokio::test]
async fn repositories_are_written_to_one_after_the_other() {
    let mut world = World::new(vec![TOTAL]);
    for name in ["one", "two", "three"] {
        let slug = world.repository(name, &[("src/shop.py", &source(&["total"]))]).await;
        world.report(&slug, &TOTAL).await;
    }
    world.config.run.concurrency = 3;
    let ran = world.run().await;
    let written = ran.log.iter().filter(|line| line.applied).filter_map(|line| line.call.slug.clone());
    let mut order: Vec<String> =
        written.map(|slug| slug.to_string()).filter(|slug| slug.starts_with("acme/")).collect();
    order.dedup();
    assert_eq!(order, ["acme/one", "acme/two", "acme/three"]);
}

#[tokio::test]
async fn p_03_at_most_max_prs_per_run_each_and_the_rest_is_told_as_backlog() {
    let world = shop(&[TOTAL, PRICE, STOCK]).await;
    let ran = world.run().await;
    assert_eq!(ran.pulls("created"), 2, "{:#?}", ran.report);
    assert_eq!(ran.report().repositories[0].backlog, BTreeMap::from([("capped".to_owned(), 1)]));
    let next = world.run().await;
    assert_eq!(next.pulls("created"), 1, "the next run has room again: {:#?}", next.report);
    assert_eq!(world.open_pulls(&slug("shop")).await.len(), 3);
}

#[tokio::test]
async fn p_03_no_more_than_max_open_prs_stand_at_once_and_a_merge_makes_room() {
    let mut world = shop(&[TOTAL, PRICE, STOCK, COUNT]).await;
    let slug = slug("shop");
    world.policy(&slug).max_open_prs = 2;
    world.run().await;
    let second = world.run().await;
    assert_eq!(second.pulls("created"), 0, "{:#?}", second.report);
    assert_eq!(world.open_pulls(&slug).await.len(), 2);
    let first = world.open_pulls(&slug).await[0].number;
    world.tick();
    world.forge.merge_pull(&slug, first, "acme", MergeStyle::Squash).await.expect("it merges");
    let third = world.run().await;
    assert_eq!(third.pulls("created"), 1, "{:#?}", third.report);
    assert_eq!(world.open_pulls(&slug).await.len(), 2);
}

#[tokio::test]
async fn p_03_max_prs_per_day_holds_for_the_whole_fleet() {
    let mut world = World::new(vec![TOTAL]);
    for name in ["one", "two", "three"] {
        let slug = world.repository(name, &[("src/shop.py", &source(&["total"]))]).await;
        world.report(&slug, &TOTAL).await;
    }
    world.config.run.max_prs_per_day = 2;
    let ran = world.run().await;
    assert_eq!(ran.pulls("created"), 2);
    assert!(ran.has_reason("capped"), "{:?}", ran.reasons());
    assert_eq!(world.run().await.pulls("created"), 0, "a second run of the same day opens no third");
    world.hours(24);
    assert_eq!(world.run().await.pulls("created"), 1, "a proof that waited is published the next day");
}

#[tokio::test]
async fn a_duplicate_fingerprint_makes_no_second_pull_request_and_one_comment_with_a_link_once() {
    let world = shop(&[TOTAL]).await;
    let slug = slug("shop");
    let second = world.report(&slug, &TOTAL).await;
    let ran = world.run().await;
    assert_eq!(ran.pulls("created"), 1);
    assert!(ran.has_reason("duplicate"));
    let pull = world.open_pulls(&slug).await[0].number;
    // One more is filed when the pull request is already open.
    let third = world.report(&slug, &TOTAL).await;
    for _ in 0..3 {
        world.hours(1);
        world.run().await;
    }
    assert_eq!(world.pulls(&slug).await.len(), 1);
    for issue in [second, third] {
        let comments = world.forge.comments(&slug, issue, None).await.expect("an issue").items;
        assert_eq!(comments.len(), 1, "issue {issue}: {comments:?}");
        assert!(comments[0].body.contains(&format!("#{pull}")), "{}", comments[0].body);
    }
    assert!(
        world.forge.comments(&slug, 1, None).await.expect("an issue").items.is_empty(),
        "the canonical one has none"
    );
    assert_eq!(world.run().await.writes, 0);
}

#[tokio::test]
async fn two_failures_with_one_cause_get_one_pull_request() {
    const SUM: Bug = Bug { cause: "total", ..bug("src/shop.py", "add_up") };
    let mut world = World::new(vec![TOTAL, SUM]);
    let slug = world.repository("shop", &[("src/shop.py", &source(&["total"]))]).await;
    world.report(&slug, &TOTAL).await;
    let other = world.report(&slug, &SUM).await;
    let ran = world.run().await;
    assert_eq!(ran.pulls("created"), 1, "{:#?}", ran.report);
    assert!(ran.has_reason("subsumed"), "{:?}", ran.reasons());
    let pull = world.open_pulls(&slug).await.remove(0);
    assert!(pull.body.contains(&format!("#{other}")), "it says what it mends besides:\n{}", pull.body);
    let second = world.run().await;
    assert_eq!(second.writes, 0, "the other is not tried while that pull request is open: {:?}", second.reasons());
    assert!(second.has_reason("subsumed"));
    world.tick();
    world.forge.close_thread(&slug, pull.number, "acme").await.expect("it closes");
    let third = world.run().await;
    assert_eq!(third.pulls("created"), 1, "turned down there, it may be tried on its own: {:#?}", third.report);
}

#[tokio::test]
async fn a_change_that_an_open_pull_request_makes_already_is_not_opened_again() {
    const SUM: Bug = Bug { cause: "total", ..bug("src/shop.py", "add_up") };
    let mut world = World::new(vec![TOTAL, SUM]);
    let slug = world.repository("shop", &[("src/shop.py", &source(&["total"]))]).await;
    world.report(&slug, &TOTAL).await;
    assert_eq!(world.run().await.pulls("created"), 1);
    world.report(&slug, &SUM).await;
    let ran = world.run().await;
    assert!(ran.has_reason("same-change"), "{:?}", ran.reasons());
    assert_eq!(world.pulls(&slug).await.len(), 1);
    assert_eq!(world.run().await.writes, 0);
    assert_eq!(world.forge.world(&slug).await.expect("a repository").refs.len(), 2, "no branch was left");
}

#[tokio::test]
async fn f_59_one_broken_repository_does_not_stop_the_others() {
    let mut world = World::new(vec![TOTAL]);
    for name in ["one", "two"] {
        let slug = world.repository(name, &[("src/shop.py", &source(&["total"]))]).await;
        world.report(&slug, &TOTAL).await;
    }
    let mut gone = world.config.repositories[0].clone();
    gone.slug = slug("gone");
    world.config.repositories.insert(1, gone);
    world.policy(&slug("one")).branch = Some("nowhere".parse().expect("legal"));
    let ran = world.run().await;
    assert_eq!(world.open_pulls(&slug("two")).await.len(), 1);
    assert_eq!(ran.class.code(), 3, "the worst counts");
    let errors: Vec<&str> = ran.report().repositories.iter().filter_map(|one| one.error.as_deref()).collect();
    assert_eq!(errors.len(), 2, "{errors:?}");
}

#[tokio::test]
async fn a_hundred_scheduled_runs_over_an_unchanged_fleet_write_nothing_the_state_branch_included() {
    let mut world = World::new(vec![TOTAL, PRICE]);
    // One pull request open with a duplicate; one failure without a fixer; one report that says nothing.
    let one = world.repository("one", &[("src/shop.py", &source(&["total"]))]).await;
    world.report(&one, &TOTAL).await;
    world.report(&one, &TOTAL).await;
    let two = world.repository("two", &[("src/other.py", "nothing = 1\n")]).await;
    world.report(&two, &PRICE).await;
    let three = world.repository("three", &[("README.md", "empty\n")]).await;
    let vague = NewIssue { title: "it is slow".to_owned(), labels: vec!["robot".to_owned()], ..NewIssue::default() };
    world.forge.open_issue(&three, &vague).await.expect("an issue");
    world.repository("four", &[("README.md", "no issues\n")]).await;
    world.run().await;
    world.run().await;
    let before = world.everything().await;
    let mut calls = Vec::new();
    for _ in 0..100 {
        world.hours(1);
        let ran = world.run().await;
        assert_eq!((ran.writes, ran.class.code()), (0, 0), "{:?}", ran.reasons());
        assert!(ran.attempts().is_empty());
        calls.push(ran.log.len());
    }
    assert!(before == world.everything().await);
    assert!(calls.iter().all(|count| *count == calls[0]), "every such run costs the same: {calls:?}");
    assert!(calls[0] <= 40, "and little: {} calls", calls[0]);
}

#[tokio::test]
async fn dev_matches_patterns_and_learns_nothing() {
    let world = shop(&[TOTAL]).await;
    let ran = world.run().await;
    assert_eq!(ran.report().repositories[0].patterns_used, ["mend-it"]);
    let paths = world.state_paths().await;
    assert!(!paths.iter().any(|path| path.starts_with("patterns/")), "{paths:?}");
}

#[tokio::test]
async fn p_30_an_empty_library_matches_nothing_and_harms_nothing() {
    let mut world = shop(&[TOTAL]).await;
    world.fixers.clear();
    let before = world.forge.world(&slug("shop")).await.expect("a repository");
    let ran = world.run().await;
    assert_eq!(ran.class.code(), 0);
    assert!(ran.has_reason("no-fixer"), "{:?}", ran.reasons());
    assert!(before == world.forge.world(&slug("shop")).await.expect("a repository"), "the target is untouched");
    assert_eq!(world.run().await.writes, 0, "and is not tried again until something changes");
    world.fixers = vec![mend("mended")];
    world.library_digest = "a new library".to_owned();
    assert_eq!(world.run().await.pulls("created"), 1, "a new library is a changed input");
}

#[tokio::test]
async fn p_06_a_dry_run_makes_no_write_and_prints_each_action_with_key_and_digest() {
    let world = shop(&[TOTAL, PRICE]).await;
    let before = world.everything().await;
    let ran = world.run_with(Options { dry_run: true, ..Options::default() }).await;
    assert!(before == world.everything().await);
    assert_eq!((ran.writes, ran.class.code()), (0, 0));
    assert!(!ran.log.iter().any(|line| line.call.write), "not even an object is stored");
    let actions = &ran.report().actions;
    assert_eq!(actions.len(), 6, "branch, pull request and labels of each: {actions:?}");
    assert!(actions.iter().all(|a| a.key.len() == 64 && a.digest.len() == 64 && a.branch.starts_with("homeostat/")));
    let real = world.run().await;
    let key = |ran: &super::world::Ran| ran.report().actions.iter().map(|a| a.key.clone()).collect::<Vec<_>>();
    assert_eq!(key(&ran), key(&real), "the keys are those of the real run");
}
