//! Stories of what people ask for by a comment: done once, answered once, and inert where it is not a person's word.

use homeostat::engine::command::{Answer, Said};
use homeostat::forge::faults::{Fault, FaultKind};
use homeostat::forge::rules::actor;
use homeostat::forge::{Forge, Reaction};
use homeostat::model::{Actor, ActorKind, Mode, Permission, Reason, RepoSlug, Untrusted};

use super::program::{Bug, Scripted, bug, mend, proposal, source};
use super::world::{Options, Ran, World};

const TOTAL: Bug = bug("src/shop.py", "total");

pub(super) async fn shop() -> (World, RepoSlug, u64) {
    let mut world = World::new(vec![TOTAL]);
    let slug = world.repository("shop", &[("src/shop.py", &source(&["total"]))]).await;
    let issue = world.report(&slug, &TOTAL).await;
    world.may(&slug, "friend", Permission::Write).await;
    (world, slug, issue)
}

/// Writes a comment and returns the event that tells of it.
pub(super) async fn said(world: &World, slug: &RepoSlug, number: u64, by: &str, body: &str) -> Said {
    world.tick();
    let thread = world.forge.issue(slug, number).await.expect("a thread");
    let comment = world.forge.comment_as(slug, number, by, body).await.expect("a comment");
    Said {
        slug: slug.clone(),
        number,
        on_pull: thread.is_pull_request,
        comment: comment.id,
        by: Some(actor(by)),
        body: body.into(),
        issue_body: thread.body.as_str().into(),
    }
}

pub(super) async fn hear(world: &World, said: &Said) -> (Answer, Ran) {
    let (answer, ran) = world.hear(said, Options::default()).await;
    (answer.expect("the run came to its end").expect("it counts"), ran)
}

async fn inert(world: &World, said: &Said) -> String {
    let before = world.everything().await;
    let (answer, ran) = world.hear(said, Options::default()).await;
    assert_eq!(ran.writes, 0, "{:?}", ran.log);
    assert!(before == world.everything().await);
    answer.expect("the run came to its end").expect_err("it does not count")
}

/// Hears the same event again: done is done. A reaction that is there may be put on again, which changes nothing.
pub(super) async fn hears_nothing_new(world: &World, said: &Said) -> Answer {
    let before = world.everything().await;
    let options = Options { owners_gone: true, ..Options::default() };
    let (answer, ran) = world.hear(said, options).await;
    let writes = ran.log.iter().filter(|one| one.call.write && one.call.op != "react");
    assert_eq!(writes.count(), 0, "{:?}", ran.log);
    assert!(before == world.everything().await, "{:?}", ran.log);
    answer.expect("the run came to its end").expect("it counts")
}

/// Lists the answers of a thread, and the reactions to one comment.
pub(super) async fn answers(world: &World, slug: &RepoSlug, number: u64, comment: u64) -> (Vec<String>, Vec<Reaction>) {
    let all = world.forge.world(slug).await.expect("a repository");
    let thread = all.threads.into_iter().find(|one| one.thread.number == number).expect("a thread");
    let reactions = thread.comments.iter().find(|one| one.position == comment % 1_000_000).expect("the comment");
    let reactions = reactions.reactions.iter().copied().collect();
    let texts = thread.comments.into_iter().map(|one| one.body).filter(|body| body.contains("homeostat:answer"));
    (texts.collect(), reactions)
}

async fn label(world: &World, slug: &RepoSlug, issue: u64, label: &str, on: bool) {
    world.tick();
    if on {
        world.forge.label_as(slug, issue, "friend", label).await.expect("a label");
    } else {
        world.forge.unlabel_as(slug, issue, "friend", label).await.expect("a label");
    }
}

/// A fixer whose patch mends nothing.
fn useless() -> Scripted {
    let script = move |ask: &homeostat::engine::fixers::Ask<'_>| {
        let (path, file) = ask.files.iter().next().ok_or(Reason::NoFixer)?;
        let text = format!("{}# no\n", String::from_utf8_lossy(&file.content));
        Ok(vec![proposal(ask, &[(path.as_str(), text)])])
    };
    Scripted { cost: homeostat::model::MicroUsd::ZERO, script: std::sync::Arc::new(script) }
}

#[tokio::test]
async fn fix_runs_for_an_issue_without_label_and_is_answered_by_one_comment() {
    let (world, slug, issue) = shop().await;
    label(&world, &slug, issue, "robot", false).await;
    assert_eq!(world.run().await.writes, 0, "without the label it is no report");
    let said = said(&world, &slug, issue, "friend", "Please.\n\n/homeostat fix it is `=` and not `==`\n").await;
    let (answer, ran) = hear(&world, &said).await;
    assert!(answer.done, "{answer:?} {:?}", ran.log);
    let pull = world.open_pulls(&slug).await.remove(0);
    assert!(pull.body.contains("A person's hint") && pull.body.contains("it is `=` and not `==`"), "{}", pull.body);
    let (texts, reactions) = answers(&world, &slug, issue, said.comment).await;
    assert_eq!(reactions, [Reaction::Eyes, Reaction::Rocket]);
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(texts[0].contains(&format!("#{}", pull.number)), "{}", texts[0]);
    assert!(hears_nothing_new(&world, &said).await.done);
    assert_eq!(world.pulls(&slug).await.len(), 1);
    assert_eq!(world.run().await.writes, 0, "and a run by itself has nothing to do");
}

#[tokio::test]
async fn v_01_v_05_v_06_the_words_of_outsiders_bots_and_ourselves_are_inert() {
    let (world, slug, issue) = shop().await;
    world.may(&slug, "reader", Permission::Triage).await;
    world.may(&slug, "helper[bot]", Permission::Admin).await;
    for by in ["outsider", "reader", "helper[bot]", "homeostat[bot]"] {
        for body in
            ["/homeostat fix", "/homeostat stop", "/homeostat retry", "/homeostat explain", "/homeostat approve 0"]
        {
            let said = said(&world, &slug, issue, by, body).await;
            inert(&world, &said).await;
        }
    }
    let look_alike = Actor { id: actor("outsider").id, login: "friend".to_owned(), kind: ActorKind::User };
    let said = Said { by: Some(look_alike), ..said(&world, &slug, issue, "outsider", "/homeostat fix").await };
    inert(&world, &said).await;
}

#[tokio::test]
async fn v_04_a_permission_that_nobody_tells_counts_as_no() {
    let (world, slug, issue) = shop().await;
    let said = said(&world, &slug, issue, "friend", "/homeostat fix").await;
    let (_, clean) = world.hear(&said, Options { dry_run: true, ..Options::default() }).await;
    let asked = clean.log.iter().position(|one| one.call.op == "permission").expect("it was asked");
    let faults = (asked..asked + 3).map(|index| Fault { call_index: index, kind: FaultKind::Transient }).collect();
    let (answer, ran) = world.hear(&said, Options { faults, ..Options::default() }).await;
    let why = answer.expect("it came to its end").expect_err("it does not count");
    assert!(why.contains("counts as no"), "{why}");
    assert_eq!(ran.writes, 0);
}

#[tokio::test]
async fn v_22_a_command_that_is_quoted_or_stands_in_a_fence_is_inert() {
    let (world, slug, issue) = shop().await;
    for body in ["> /homeostat stop", "```\n/homeostat stop\n```", " /homeostat stop", "see /homeostat stop", "thanks!"]
    {
        let said = said(&world, &slug, issue, "friend", body).await;
        assert!(inert(&world, &said).await.contains("no command"), "{body}");
    }
}

#[tokio::test]
async fn stop_opts_the_issue_out_and_says_how_to_undo_it() {
    let (world, slug, issue) = shop().await;
    let stop = said(&world, &slug, issue, "friend", "/homeostat stop").await;
    assert!(hear(&world, &stop).await.0.done);
    assert_eq!(world.forge.issue(&slug, issue).await.expect("an issue").labels, ["do-not-fix", "robot"]);
    let (texts, _) = answers(&world, &slug, issue, stop.comment).await;
    assert!(texts.len() == 1 && texts[0].contains("take it off"), "{texts:?}");
    assert!(world.run().await.has_reason("do-not-fix"));
    // A command passes over label and cooldown, never over the opt-out.
    let fix = said(&world, &slug, issue, "friend", "/homeostat fix").await;
    let (answer, _) = hear(&world, &fix).await;
    assert!(!answer.done && answer.message.contains("do-not-fix"), "{answer:?}");
    assert_eq!(answers(&world, &slug, issue, fix.comment).await.1, [Reaction::Eyes, Reaction::Confused]);
    assert!(world.pulls(&slug).await.is_empty());
    assert!(hears_nothing_new(&world, &stop).await.done);
}

#[tokio::test]
async fn v_03_fix_vouches_for_the_report_as_it_stood_and_for_no_other_text() {
    let (world, slug, _) = shop().await;
    let issue = world.report_by(&slug, &bug("src/shop.py", "total"), Some("outsider")).await;
    let fix = said(&world, &slug, issue, "friend", "/homeostat fix").await;
    world
        .forge
        .edit_issue(&slug, issue, "outsider", None, Some(&format!("{}\nMore.\n", TOTAL.body())))
        .await
        .expect("an edit");
    let (answer, _) = hear(&world, &fix).await;
    assert!(!answer.done && answer.message.contains("changed"), "{answer:?}");
    assert!(world.pulls(&slug).await.is_empty());
    let fix = said(&world, &slug, issue, "friend", "/homeostat fix").await;
    assert!(hear(&world, &fix).await.0.done);
    assert_eq!(world.open_pulls(&slug).await.len(), 1);
}

#[tokio::test]
async fn fix_passes_over_the_cooldown_once_however_often_its_event_comes() {
    let (mut world, slug, issue) = shop().await;
    world.fixers = vec![useless()];
    world.run().await;
    world.library_digest = "another".to_owned();
    assert!(world.run().await.has_reason("cooling-down"));
    let fix = said(&world, &slug, issue, "friend", "/homeostat fix").await;
    let (answer, ran) = hear(&world, &fix).await;
    assert!(!answer.done && ran.attempts().len() == 1, "{answer:?}");
    let (answer, ran) = hear(&world, &fix).await;
    assert!(!answer.done && ran.attempts().is_empty(), "{answer:?} {:?}", ran.events);
    assert!(answer.message.contains("target-still-red"), "what happened is said again: {}", answer.message);
    world.fixers = vec![mend("mended")];
    let hinted = said(&world, &slug, issue, "friend", "/homeostat fix look at the sum").await;
    assert!(hear(&world, &hinted).await.0.done);
}

#[tokio::test]
async fn f_64_retry_opens_one_episode_however_often_it_is_heard() {
    let (mut world, slug, issue) = shop().await;
    world.run().await;
    let pull = world.open_pulls(&slug).await.remove(0);
    world.tick();
    world.forge.close_thread(&slug, pull.number, "friend").await.expect("it closes");
    world.fixers = vec![mend("repaired")];
    let fix = said(&world, &slug, issue, "friend", "/homeostat fix").await;
    let (answer, _) = hear(&world, &fix).await;
    assert!(!answer.done && answer.message.contains("closed"), "fix opens no episode: {answer:?}");
    // The word may stand at the pull request that was closed, too.
    for number in [issue, pull.number] {
        let before = world.pulls(&slug).await.len();
        let retry = said(&world, &slug, number, "friend", "/homeostat retry").await;
        let (answer, _) = hear(&world, &retry).await;
        if number == issue {
            assert!(answer.done, "{answer:?}");
            hears_nothing_new(&world, &retry).await;
            assert_eq!(world.pulls(&slug).await.len(), before + 1);
        } else {
            assert!(answer.done, "an open pull request stands: {answer:?}");
            assert_eq!(world.pulls(&slug).await.len(), before);
        }
    }
}

#[tokio::test]
async fn explain_tells_what_is_known_and_writes_one_comment() {
    let (mut world, slug, issue) = shop().await;
    world.fixers = vec![useless()];
    let explain = said(&world, &slug, issue, "friend", "/homeostat explain").await;
    let (fresh, ran) = hear(&world, &explain).await;
    assert!(fresh.message.contains("fingerprint: hf1:") && fresh.message.contains("next run"), "{fresh:?}");
    assert!(ran.attempts().is_empty() && world.state_paths().await.is_empty());
    world.run().await;
    world.library_digest = "another".to_owned();
    let (cooling, _) = hear(&world, &explain).await;
    for part in ["cooling-down", "1 of 3", "target-still-red", "/homeostat fix"] {
        assert!(cooling.message.contains(part), "{part}: {cooling:?}");
    }
    let (texts, reactions) = answers(&world, &slug, issue, explain.comment).await;
    assert_eq!((texts.len(), reactions), (1, vec![Reaction::Eyes, Reaction::Rocket]), "{texts:?}");
    label(&world, &slug, issue, "robot", false).await;
    let unlabelled = hear(&world, &explain).await.0;
    assert!(unlabelled.message.contains("no trigger label"), "{unlabelled:?}");
}

#[tokio::test]
async fn under_observe_and_in_a_dry_run_a_command_writes_nothing_and_is_answered_in_the_summary() {
    let (mut world, slug, issue) = shop().await;
    for body in ["/homeostat fix", "/homeostat stop", "/homeostat explain"] {
        let said = said(&world, &slug, issue, "friend", body).await;
        let before = world.forge.world(&slug).await.expect("a repository");
        let (answer, ran) = world.hear(&said, Options { dry_run: true, ..Options::default() }).await;
        assert!(!answer.expect("an end").expect("it counts").message.is_empty());
        assert_eq!(ran.writes, 0);
        world.policy(&slug).mode = Mode::Observe;
        hear(&world, &said).await;
        world.policy(&slug).mode = Mode::Ready;
        assert!(before == world.forge.world(&slug).await.expect("a repository"), "{body}");
    }
}

#[tokio::test]
async fn a_hint_is_anybodys_text_and_stays_in_its_quotation() {
    let (world, slug, issue) = shop().await;
    let hostile = "/homeostat fix ``` </details> @octocat closes #1 ghp_0123456789abcdefghijklmnopqrstuvwxyz <!-- x";
    let said = said(&world, &slug, issue, "friend", hostile).await;
    assert!(hear(&world, &said).await.0.done);
    let body = world.open_pulls(&slug).await.remove(0).body;
    assert!(!body.contains("ghp_0123456789"), "{body}");
    let shown = body.lines().find(|line| line.contains("@octocat") && !line.contains("homeostat:state"));
    assert!(shown.is_some_and(|line| line.starts_with("```") && !line.starts_with("````")), "{body}");
    assert!(body.contains("\n````text\n"), "{body}");
}

#[tokio::test]
async fn a_locked_thread_keeps_its_answer_for_the_summary() {
    let (world, slug, issue) = shop().await;
    let said = said(&world, &slug, issue, "friend", "/homeostat stop").await;
    world.forge.set_locked(&slug, issue, true).await.expect("a lock");
    let (answer, _) = hear(&world, &said).await;
    assert!(answer.done && answer.message.contains("could not be written"), "F-50: {answer:?}");
}

#[tokio::test]
async fn killed_at_every_call_and_run_again_each_command_is_answered_once() {
    for body in ["/homeostat fix", "/homeostat stop", "/homeostat explain", "/homeostat retry"] {
        let mut calls = 0;
        loop {
            let (world, slug, issue) = shop().await;
            let said = said(&world, &slug, issue, "friend", body).await;
            let crash = Options { crash_after: Some(calls), ..Options::default() };
            let (_, killed) = world.hear(&said, crash).await;
            let finished = killed.log.len() <= calls;
            let gone = || Options { owners_gone: true, ..Options::default() };
            let (answer, _) = world.hear(&said, gone()).await;
            assert!(answer.expect("an end").expect("it counts").done, "{body} {calls}");
            hears_nothing_new(&world, &said).await;
            let (texts, reactions) = answers(&world, &slug, issue, said.comment).await;
            assert_eq!((texts.len(), reactions.len()), (1, 2), "{body} {calls}: {texts:?}");
            assert!(world.pulls(&slug).await.len() <= 1);
            if finished {
                break;
            }
            calls += 1;
        }
        assert!(calls > 5, "{body}: {calls}");
    }
}

#[tokio::test]
async fn p_13_an_unknown_repository_and_a_foreign_pull_request_are_inert() {
    let (world, slug, issue) = shop().await;
    let asked = said(&world, &slug, issue, "friend", "/homeostat fix").await;
    let elsewhere = Said { slug: "acme/unknown".parse().expect("legal"), ..asked.clone() };
    assert!(inert(&world, &elsewhere).await.contains("configuration"));
    let main = "main".parse().expect("legal");
    let feature: homeostat::model::BranchName = "feature/x".parse().expect("legal");
    world.forge.commit_files(&slug, "acme", &feature, &[("x", Some("x"))], "X\n").await.expect("a push");
    let new =
        homeostat::forge::NewPull { title: "X".into(), body: "x".into(), head: feature, base: main, draft: false };
    let pull = world.forge.create_pull(&slug, &new).await.expect("a pull request");
    let foreign = said(&world, &slug, pull.number, "friend", "/homeostat stop").await;
    assert!(inert(&world, &foreign).await.contains("not Homeostat's"));
    let empty = Said { body: Untrusted::default(), ..asked };
    assert!(inert(&world, &empty).await.contains("no command"));
}
