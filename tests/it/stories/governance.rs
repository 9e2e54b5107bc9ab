//! Stories of what may be done: trust, opt-out, modes, guardrails, tampering, leases, deadlines.

use std::sync::Arc;
use std::time::Duration;

use homeostat::engine::{Selection, withhold};
use homeostat::forge::Forge as _;
use homeostat::forge::rules::actor;
use homeostat::model::{MicroUsd, Mode, Permission, Reason, RepoSlug};

use super::program::{Bug, Scripted, bug, proposal, source};
use super::world::{Files, Options, World};

const TOTAL: Bug = bug("src/shop.py", "total");

async fn shop() -> (World, RepoSlug) {
    let mut world = World::new(vec![TOTAL]);
    let slug = world.repository("shop", &[("src/shop.py", &source(&["total"]))]).await;
    (world, slug)
}

#[tokio::test]
async fn v_01_v_05_an_outsiders_report_causes_no_work_until_somebody_vouches_for_it() {
    let (world, slug) = shop().await;
    let issue = world.report_by(&slug, &TOTAL, Some("outsider")).await;
    let ran = world.run().await;
    assert_eq!(ran.writes, 0);
    assert!(ran.has_reason("untrusted-author"), "{:?}", ran.reasons());
    world.may(&slug, "friend", Permission::Write).await;
    world.tick();
    world.forge.unlabel_as(&slug, issue, "friend", "robot").await.expect("a label");
    world.forge.label_as(&slug, issue, "friend", "robot").await.expect("a label");
    world.tick();
    let other = format!("{}\nAnd more.\n", TOTAL.body());
    world.forge.edit_issue(&slug, issue, "outsider", None, Some(&other)).await.expect("an edit");
    let edited = world.run().await;
    assert!(edited.has_reason("untrusted-author"), "V-03: vouched for another text: {:?}", edited.reasons());
    world.tick();
    world.forge.unlabel_as(&slug, issue, "friend", "robot").await.expect("a label");
    world.forge.label_as(&slug, issue, "friend", "robot").await.expect("a label");
    assert_eq!(world.run().await.pulls("created"), 1);
}

#[tokio::test]
async fn a_trusted_author_by_id_needs_no_permission_and_our_own_reports_are_never_work() {
    let (mut world, slug) = shop().await;
    world.policy(&slug).trusted_authors = vec![actor("reporter[bot]").id];
    world.report_by(&slug, &TOTAL, Some("homeostat[bot]")).await;
    let ran = world.run().await;
    assert!(ran.has_reason("self-authored"), "V-06: {:?}", ran.reasons());
    assert_eq!(ran.writes, 0);
    world.report_by(&slug, &TOTAL, Some("reporter[bot]")).await;
    assert_eq!(world.run().await.pulls("created"), 1);
}

#[tokio::test]
async fn do_not_fix_is_respected_even_for_an_issue_that_a_person_names() {
    let (world, slug) = shop().await;
    let issue = world.report(&slug, &TOTAL).await;
    world.forge.label_as(&slug, issue, "acme", "Do-Not-Fix").await.expect("a label");
    let selection = || Selection { only: Some(slug.clone()), issue: Some(issue), ..Selection::default() };
    let ran = world.run_with(Options { selection: selection(), ..Options::default() }).await;
    assert_eq!(ran.writes, 0);
    assert!(ran.has_reason("do-not-fix"), "{:?}", ran.reasons());
    world.forge.unlabel_as(&slug, issue, "acme", "do-not-fix").await.expect("a label");
    world.forge.unlabel_as(&slug, issue, "acme", "robot").await.expect("a label");
    let named = world.run_with(Options { selection: selection(), ..Options::default() }).await;
    assert_eq!(named.pulls("created"), 1, "a named issue needs no trigger label");
}

#[tokio::test]
async fn mode_draft_opens_drafts_and_mode_observe_writes_to_no_target() {
    let (mut world, slug) = shop().await;
    world.report(&slug, &TOTAL).await;
    world.policy(&slug).mode = Mode::Observe;
    let before = world.forge.world(&slug).await.expect("a repository");
    let ran = world.run().await;
    assert!(before == world.forge.world(&slug).await.expect("a repository"));
    assert_eq!(ran.pulls("planned"), 1, "it says what would happen: {:#?}", ran.report);
    assert!(!ran.report().actions.is_empty());
    world.policy(&slug).mode = Mode::Draft;
    assert_eq!(world.run().await.pulls("created"), 1);
    assert!(world.open_pulls(&slug).await[0].draft);
}

#[tokio::test]
async fn a_proven_fix_of_a_red_test_is_ready_and_says_what_it_closes() {
    let (world, slug) = shop().await;
    let issue = world.report(&slug, &TOTAL).await;
    world.run().await;
    let pull = world.open_pulls(&slug).await.remove(0);
    assert!(!pull.draft, "{}", pull.body);
    assert!(pull.body.contains(&format!("Closes #{issue}")), "{}", pull.body);
    assert_eq!(pull.labels, ["homeostat-fix"]);
}

#[tokio::test]
async fn v_88_a_candidate_file_that_is_not_the_one_announced_is_refused_with_nothing_published() {
    let (world, slug) = shop().await;
    world.report(&slug, &TOTAL).await;
    let tampers: [fn(&mut Files); 2] =
        [|files| files.values_mut().for_each(|bytes| bytes.push(b' ')), |files| files.clear()];
    for tamper in tampers {
        let between = Box::new(move |_: &mut _, files: &mut _| tamper(files));
        let ran = world.run_with(Options { between, owners_gone: true, ..Options::default() }).await;
        assert_eq!(ran.class.code(), 3);
        assert!(world.pulls(&slug).await.is_empty());
    }
    let between = Box::new(|manifest: &mut homeostat::model::Manifest, files: &mut Files| {
        // The digest is mended too: what was proved is then checked against what would be made.
        for (name, bytes) in files.iter_mut() {
            let text = String::from_utf8_lossy(bytes).replace("\"content\": \"", "\"content\": \"IyBldmlsCg");
            *bytes = text.into_bytes();
            manifest.digests.insert(name.clone(), homeostat::model::sha256_hex(bytes));
        }
    });
    let ran = world.run_with(Options { between, owners_gone: true, ..Options::default() }).await;
    assert!(world.pulls(&slug).await.is_empty(), "{:?}", ran.reasons());
    assert_ne!(ran.class.code(), 0);
}

#[tokio::test]
async fn f_26_without_a_journal_nothing_is_written_to_a_target() {
    let (world, slug) = shop().await;
    world.report(&slug, &TOTAL).await;
    let before = world.forge.world(&slug).await.expect("a repository");
    let ran = world.run_with(Options { full_disk: true, ..Options::default() }).await;
    assert_eq!(ran.class.code(), 70);
    assert!(before == world.forge.world(&slug).await.expect("a repository"));
    assert_eq!(world.run().await.pulls("created"), 1);
}

#[tokio::test]
async fn a_second_run_leaves_what_the_first_has_leased_and_a_dead_owners_lease_is_free() {
    let (world, slug) = shop().await;
    world.report(&slug, &TOTAL).await;
    // The first run is killed after it took its lease.
    let lease = world_calls_until_lease().await;
    world.run_with(Options { crash_after: Some(lease), ..Options::default() }).await;
    assert!(world.state_paths().await.iter().any(|path| path.starts_with("leases/")));
    let second = world.run().await;
    assert!(second.has_reason("leased"), "{:?}", second.reasons());
    assert_eq!(second.writes, 0);
    let third = world.run_with(Options { owners_gone: true, ..Options::default() }).await;
    assert_eq!(third.pulls("created"), 1);
    assert!(!world.state_paths().await.iter().any(|path| path.starts_with("leases/")), "both leases are gone");
}

async fn world_calls_until_lease() -> usize {
    let (world, slug) = shop().await;
    world.report(&slug, &TOTAL).await;
    1 + world.run().await.log.iter().position(|line| line.call.op == "create_branch").expect("the first lease")
}

#[tokio::test]
async fn f_65_a_failure_that_kills_every_run_is_given_up() {
    let (world, slug) = shop().await;
    world.report(&slug, &TOTAL).await;
    let mut met = 0;
    for _ in 0..10 {
        let calls = world.run_with(Options { dry_run: true, ..Options::default() }).await;
        if calls.has_reason("gave-up") {
            break;
        }
        // Killed as soon as the lease is on the state branch.
        let probe =
            |line: &homeostat::forge::faults::Logged| matches!(line.call.op, "create_branch" | "advance_branch");
        let mut index = None;
        for crash_after in 5..60 {
            let before = world.state_paths().await;
            let ran = world.run_with(Options { crash_after: Some(crash_after), ..Options::default() }).await;
            if ran.log.iter().any(|line| probe(line) && line.applied) {
                index = Some((crash_after, before));
                break;
            }
        }
        assert!(index.is_some(), "a lease was taken");
        met += 1;
        world.hours(2);
    }
    assert_eq!(met, 3, "max_attempts");
    assert!(world.run().await.has_reason("gave-up"));
    assert!(world.pulls(&slug).await.is_empty());
}

#[tokio::test]
async fn work_after_the_deadline_is_left_for_the_next_run() {
    let mut world = World::new(vec![TOTAL, bug("src/shop.py", "price")]);
    let slug = world.repository("shop", &[("src/shop.py", &source(&["total", "price"]))]).await;
    world.report(&slug, &TOTAL).await;
    world.report(&slug, &bug("src/shop.py", "price")).await;
    let clock = world.clock.clone();
    let usual = world.workspace.program.clone();
    // Every run of the tests takes ten minutes.
    world.workspace.program = Arc::new(move |files, command| {
        clock.advance(Duration::from_mins(10));
        usual(files, command)
    });
    let ran = world.run().await;
    assert!(ran.has_reason("deadline"), "{:?}", ran.reasons());
    assert_eq!(ran.class.code(), 4, "incomplete, try again");
    assert_eq!(ran.pulls("created"), 1);
    assert_eq!(world.run().await.pulls("created"), 1);
}

#[tokio::test]
async fn a_fixer_that_would_cost_more_than_the_run_may_spend_is_not_asked() {
    let (mut world, slug) = shop().await;
    world.report(&slug, &TOTAL).await;
    let script = |_: &homeostat::engine::fixers::Ask<'_>| panic!("nobody may ask it");
    world.fixers = vec![Scripted { cost: MicroUsd(2_000_000), script: Arc::new(script) }];
    let ran = world.run().await;
    assert!(ran.has_reason("budget"), "{:?}", ran.reasons());
    assert_eq!(ran.class.code(), 5);
    assert!(world.pulls(&slug).await.is_empty());
}

#[tokio::test]
async fn a_second_change_that_is_green_too_makes_a_draft_that_shows_both_and_the_same_change_twice_does_not() {
    for (second, draft) in [("other", true), ("mended", false)] {
        let (mut world, slug) = shop().await;
        world.report(&slug, &TOTAL).await;
        let script = move |ask: &homeostat::engine::fixers::Ask<'_>| {
            let (path, file) = ask.files.iter().next().expect("a file");
            let text = String::from_utf8_lossy(&file.content).into_owned();
            let with = |word: &str| proposal(ask, &[(path.as_str(), text.replace("BROKEN_total", word))]);
            Ok(vec![with("mended"), with(second)])
        };
        world.fixers = vec![Scripted { cost: MicroUsd::ZERO, script: Arc::new(script) }];
        assert_eq!(world.run().await.pulls("created"), 1);
        assert_eq!(world.open_pulls(&slug).await[0].draft, draft, "{second}");
    }
}

#[tokio::test]
async fn v_43_what_was_proved_while_somebody_reached_for_the_runner_is_refused() {
    let (world, slug) = shop().await;
    let issue = world.report(&slug, &TOTAL).await;
    let between = Box::new(|manifest: &mut homeostat::model::Manifest, files: &mut Files| {
        withhold::all(manifest, files, Reason::RunnerTamper, "GITHUB_ENV; put back");
    });
    let ran = world.run_with(Options { between, ..Options::default() }).await;
    assert!(world.pulls(&slug).await.is_empty());
    let attempts = ran.attempts();
    let [attempt] = attempts.as_slice() else { panic!("one end: {attempts:?}") };
    assert_eq!((attempt.status.as_str(), attempt.reason), ("refused", Some(Reason::RunnerTamper)));
    assert_eq!(ran.class.code(), 3);
    let labels = world.forge.issue(&slug, issue).await.expect("an issue").labels;
    assert!(labels.contains(&"homeostat:attempted".to_owned()), "{labels:?}");
}
