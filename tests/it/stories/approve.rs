//! Stories of mode `approve`: one comment asks, a person's word publishes exactly the candidate that it names.

use homeostat::forge::{Forge, Reaction};
use homeostat::model::{Mode, Permission, Reason, RepoSlug};

use super::commands::{answers, hear, hears_nothing_new, said, shop};
use super::world::{Options, World};

async fn waiting() -> (World, RepoSlug, u64, String) {
    let (mut world, slug, issue) = shop().await;
    world.policy(&slug).mode = Mode::Approve;
    let ran = world.run().await;
    assert!(ran.has_reason("awaiting-approval"), "{:?}", ran.reasons());
    assert_eq!(ran.class.code(), 0, "{:#?}", ran.report);
    let digest = digest(&question(&world, &slug, issue).await);
    (world, slug, issue, digest)
}

async fn questions(world: &World, slug: &RepoSlug, issue: u64) -> Vec<String> {
    let comments = world.forge.comments(slug, issue, None).await.expect("comments").items;
    comments.into_iter().map(|one| one.body).filter(|body| body.contains("homeostat:awaiting-approval")).collect()
}

async fn question(world: &World, slug: &RepoSlug, issue: u64) -> String {
    let mut all = questions(world, slug, issue).await;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

fn digest(question: &str) -> String {
    let line = question.lines().find_map(|line| line.strip_prefix("/homeostat approve "));
    line.expect("the question names its digest").to_owned()
}

async fn labels(world: &World, slug: &RepoSlug, issue: u64) -> Vec<String> {
    world.forge.issue(slug, issue).await.expect("an issue").labels
}

#[tokio::test]
async fn a_proven_fix_waits_and_one_comment_shows_it_and_asks() {
    let (world, slug, issue, digest) = waiting().await;
    let question = question(&world, &slug, issue).await;
    assert!(question.contains("```diff\n") && question.contains("mended"), "{question}");
    assert_eq!(digest.len(), 64);
    assert!(
        world.pulls(&slug).await.is_empty()
            && world.forge.branches(&slug, "homeostat/").await.expect("refs").is_empty()
    );
    assert_eq!(labels(&world, &slug, issue).await, ["homeostat:awaiting-approval", "robot"]);
    let again = world.run().await;
    assert_eq!(again.writes, 0, "{:?}", again.log);
    assert!(again.has_reason("awaiting-approval"));
}

#[tokio::test]
async fn a_persons_word_publishes_exactly_that_candidate_and_nothing_else_does() {
    let (world, slug, issue, digest) = waiting().await;
    for wrong in ["0".repeat(64), digest[..40].to_owned(), String::new()] {
        let said = said(&world, &slug, issue, "friend", &format!("/homeostat approve {wrong}")).await;
        let (answer, _) = hear(&world, &said).await;
        assert!(!answer.done && answer.message.contains("no candidate"), "{answer:?}");
        assert_eq!(answers(&world, &slug, issue, said.comment).await.1, [Reaction::Eyes, Reaction::Confused]);
    }
    let outsider = said(&world, &slug, issue, "outsider", &format!("/homeostat approve {digest}")).await;
    let (refused, ran) = world.hear(&outsider, Options::default()).await;
    assert!(refused.expect("an end").is_err() && ran.writes == 0);
    assert_eq!(world.run().await.writes, 0, "an outsider's word is none for a run either");
    assert!(world.pulls(&slug).await.is_empty());
    let said = said(&world, &slug, issue, "friend", &format!("/homeostat approve sha256:{digest}")).await;
    let (answer, _) = hear(&world, &said).await;
    assert!(answer.done, "{answer:?}");
    let pulls = world.open_pulls(&slug).await;
    assert!(pulls.len() == 1 && pulls[0].draft, "{pulls:?}");
    assert_eq!(labels(&world, &slug, issue).await, ["robot"]);
    assert_eq!(world.run().await.writes, 0);
    assert!(hears_nothing_new(&world, &said).await.done);
}

#[tokio::test]
async fn a_run_by_itself_finds_the_word_that_was_said() {
    let (world, slug, issue, digest) = waiting().await;
    world.tick();
    let word = format!("/homeostat approve {digest}");
    world.forge.comment_as(&slug, issue, "friend", &format!("> {word}")).await.expect("a comment");
    assert_eq!(world.run().await.writes, 0, "a quotation is no word");
    world.forge.comment_as(&slug, issue, "friend", &word).await.expect("a comment");
    assert_eq!(world.run().await.pulls("created"), 1);
    assert_eq!(labels(&world, &slug, issue).await, ["robot"]);
}

#[tokio::test]
async fn every_check_is_made_again_whoever_approved() {
    let (world, slug, issue, digest) = waiting().await;
    world.forge.edit_issue(&slug, issue, "acme", None, Some("Another text.\n")).await.expect("an edit");
    let said = said(&world, &slug, issue, "friend", &format!("/homeostat approve {digest}")).await;
    let (answer, _) = hear(&world, &said).await;
    assert!(!answer.done && answer.message.contains("changed"), "{answer:?}");
    assert!(world.pulls(&slug).await.is_empty());
    assert_eq!(labels(&world, &slug, issue).await, ["robot"], "it waits no more");
}

#[tokio::test]
async fn b_17_what_nobody_approves_is_proved_once_and_ends_after_seven_days() {
    let (world, slug, issue, digest) = waiting().await;
    for _ in 0..3 {
        world.hours(24);
        assert_eq!(world.run().await.writes, 0);
    }
    world.hours(24 * 5);
    let ran = world.run().await;
    assert!(ran.attempts().iter().any(|end| end.reason.map(Reason::as_str) == Some("expired")), "{:?}", ran.events);
    let said = said(&world, &slug, issue, "friend", &format!("/homeostat approve {digest}")).await;
    let (answer, _) = hear(&world, &said).await;
    assert!(!answer.done, "{answer:?}");
    assert!(world.pulls(&slug).await.is_empty());
}

#[tokio::test]
async fn a_base_that_moved_is_proved_again_and_asked_for_again_in_the_same_comment() {
    let (world, slug, issue, digest) = waiting().await;
    let main = "main".parse().expect("legal");
    let text = format!("{}\n# later\n", super::program::source(&["total"]));
    world.forge.commit_files(&slug, "acme", &main, &[("src/shop.py", Some(&text))], "Later\n").await.expect("a push");
    world.tick();
    world.run().await;
    world.run().await;
    let now = self::digest(&question(&world, &slug, issue).await);
    assert_ne!(now, digest);
    let old = said(&world, &slug, issue, "friend", &format!("/homeostat approve {digest}")).await;
    assert!(!hear(&world, &old).await.0.done);
    let new = said(&world, &slug, issue, "friend", &format!("/homeostat approve {now}")).await;
    assert!(hear(&world, &new).await.0.done);
    assert_eq!(world.open_pulls(&slug).await.len(), 1);
}

#[tokio::test]
async fn stop_ends_the_waiting() {
    let (world, slug, issue, _) = waiting().await;
    let stop = said(&world, &slug, issue, "friend", "/homeostat stop").await;
    assert!(hear(&world, &stop).await.0.done);
    world.run().await;
    assert_eq!(labels(&world, &slug, issue).await, ["do-not-fix", "robot"]);
    assert!(!world.state_paths().await.iter().any(|path| path.starts_with("candidates/")));
    assert_eq!(world.run().await.writes, 0);
}

#[tokio::test]
async fn a_dry_run_of_approve_says_that_it_would_ask() {
    let (mut world, slug, _) = shop().await;
    world.policy(&slug).mode = Mode::Approve;
    let ran = world.run_with(Options { dry_run: true, ..Options::default() }).await;
    let verbs: Vec<_> = ran.report().actions.iter().map(|action| action.verb).collect();
    assert_eq!(verbs, [homeostat::plan::Verb::AskForApproval]);
    assert_eq!(ran.writes, 0);
}

#[tokio::test]
async fn killed_at_every_call_a_candidate_is_asked_for_once_and_published_once() {
    let mut calls = 0;
    loop {
        let (mut world, slug, issue) = shop().await;
        world.policy(&slug).mode = Mode::Approve;
        let crash = Options { crash_after: Some(calls), ..Options::default() };
        let killed = world.run_with(crash).await;
        let gone = || Options { owners_gone: true, ..Options::default() };
        world.run_with(gone()).await;
        let third = world.run_with(gone()).await;
        assert_eq!(third.writes, 0, "{calls}: {:?}", third.log);
        question(&world, &slug, issue).await;
        assert!(labels(&world, &slug, issue).await.contains(&"homeostat:awaiting-approval".to_owned()), "{calls}");
        if killed.log.len() <= calls {
            break;
        }
        calls += 1;
    }
    let mut calls = 0;
    loop {
        let (world, slug, issue, digest) = waiting().await;
        world.may(&slug, "friend", Permission::Write).await;
        let said = said(&world, &slug, issue, "friend", &format!("/homeostat approve {digest}")).await;
        let (_, killed) = world.hear(&said, Options { crash_after: Some(calls), ..Options::default() }).await;
        let gone = || Options { owners_gone: true, ..Options::default() };
        let (answer, _) = world.hear(&said, gone()).await;
        let answer = answer.expect("an end").expect("it counts");
        assert!(answer.done, "{calls}: {answer:?}");
        hears_nothing_new(&world, &said).await;
        assert_eq!(world.open_pulls(&slug).await.len(), 1, "{calls}");
        assert_eq!(labels(&world, &slug, issue).await, ["robot"], "{calls}");
        let (texts, reactions) = answers(&world, &slug, issue, said.comment).await;
        assert_eq!((texts.len(), reactions), (1, vec![Reaction::Eyes, Reaction::Rocket]), "{calls}: {texts:?}");
        if killed.log.len() <= calls {
            break;
        }
        calls += 1;
    }
}
