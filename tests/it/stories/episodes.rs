//! Stories of time: merges, closes, people's words, attempts and cooldowns, what changes between proof and publishing.

use homeostat::forge::faults::{Fault, FaultKind};
use homeostat::forge::rules::MergeStyle;
use homeostat::forge::{Forge, PullState};
use homeostat::model::{Permission, Reason, RepoSlug};

use super::program::{Bug, Scripted, bug, mend, proposal, source};
use super::world::{Options, Ran, World, slug};

const TOTAL: Bug = bug("src/shop.py", "total");

async fn shop() -> (World, RepoSlug, u64) {
    let mut world = World::new(vec![TOTAL]);
    let slug = world.repository("shop", &[("src/shop.py", &source(&["total"]))]).await;
    let issue = world.report(&slug, &TOTAL).await;
    (world, slug, issue)
}

/// A world whose pull request is open.
async fn opened() -> (World, RepoSlug, u64, u64) {
    let (world, slug, issue) = shop().await;
    assert_eq!(world.run().await.pulls("created"), 1);
    world.tick();
    let pull = world.open_pulls(&slug).await[0].number;
    (world, slug, issue, pull)
}

/// Pushes the file as it was, by a person.
async fn breaks_again(world: &World, slug: &RepoSlug, extra: &str) {
    let text = format!("{}{extra}", source(&["total"]));
    let main = "main".parse().expect("legal");
    world.forge.commit_files(slug, "acme", &main, &[("src/shop.py", Some(&text))], "Oops\n").await.expect("a push");
    world.tick();
}

#[tokio::test]
async fn f_62_a_merged_fix_whose_failure_comes_back_is_a_second_episode_that_says_regression() {
    let (mut world, slug, issue, pull) = opened().await;
    world.forge.merge_pull(&slug, pull, "acme", MergeStyle::Squash).await.expect("it merges");
    world.tick();
    assert_eq!(world.run().await.writes, 0, "the merge closed the issue");
    breaks_again(&world, &slug, "\n# later work\n").await;
    world.forge.reopen_thread(&slug, issue, "acme").await.expect("it opens again");
    world.fixers = vec![mend("mended_again")];
    world.tick();
    let ran = world.run().await;
    assert_eq!(ran.pulls("created"), 1, "{:#?}", ran.report);
    let second = world.open_pulls(&slug).await.remove(0);
    assert!(second.head.as_str().ends_with("-2"), "{}", second.head);
    assert!(second.body.to_lowercase().contains("regression") || second.body.contains("came back"), "{}", second.body);
    assert_eq!(world.run().await.writes, 0);
}

#[tokio::test]
async fn f_62_a_new_issue_after_the_merge_is_a_regression_too() {
    let (mut world, slug, issue, pull) = opened().await;
    world.forge.merge_pull(&slug, pull, "acme", MergeStyle::Squash).await.expect("it merges");
    // The first issue stays open: a person opened it again before the merge, say, or the base is not the default branch.
    world.forge.reopen_thread(&slug, issue, "acme").await.expect("it opens again");
    let reopened_with_the_merge = world.run().await;
    assert!(reopened_with_the_merge.has_reason("merged"), "{:?}", reopened_with_the_merge.reasons());
    breaks_again(&world, &slug, "\n# later work\n").await;
    world.report(&slug, &TOTAL).await;
    world.fixers = vec![mend("mended_again")];
    assert_eq!(world.run().await.pulls("created"), 1, "any report of the failure may say that it came back");
}

#[tokio::test]
async fn f_63_a_fix_that_was_reverted_is_not_proposed_again_as_it_was() {
    let (world, slug, issue, pull) = opened().await;
    world.forge.merge_pull(&slug, pull, "acme", MergeStyle::Squash).await.expect("it merges");
    world.tick();
    breaks_again(&world, &slug, "").await;
    world.forge.reopen_thread(&slug, issue, "acme").await.expect("it opens again");
    let ran = world.run().await;
    assert_eq!(ran.pulls("created"), 0);
    assert!(ran.has_reason("rejected-tree"), "{:?}", ran.reasons());
    assert_eq!(world.run().await.writes, 0);
}

#[tokio::test]
async fn f_52_a_closed_one_stays_closed_until_a_persons_word() {
    let (mut world, slug, issue, pull) = opened().await;
    world.forge.close_thread(&slug, pull, "acme").await.expect("it closes");
    world.fixers = vec![mend("repaired")];
    for _ in 0..3 {
        world.hours(100);
        let ran = world.run().await;
        assert_eq!(ran.writes, 0);
        assert!(ran.has_reason("human-closed"), "{:?}", ran.reasons());
    }
    // An outsider's word is none.
    world.forge.comment_as(&slug, issue, "outsider", "/homeostat retry").await.expect("a comment");
    assert_eq!(world.run().await.writes, 0);
    world.may(&slug, "friend", Permission::Write).await;
    world.forge.comment_as(&slug, issue, "friend", "Please.\n/homeostat retry").await.expect("a comment");
    world.tick();
    world.forge.comment_as(&slug, issue, "friend", "/homeostat retry").await.expect("a comment");
    let ran = world.run().await;
    assert_eq!(ran.pulls("created"), 1, "{:#?}", ran.report);
    let second = world.open_pulls(&slug).await.remove(0);
    assert!(second.head.as_str().ends_with("-2"));
    // F-64: two words before it make one episode.
    world.tick();
    world.forge.close_thread(&slug, second.number, "acme").await.expect("it closes");
    world.fixers = vec![mend("healed")];
    assert_eq!(world.run().await.writes, 0, "one word, one episode");
    world.tick();
    world.forge.unlabel_as(&slug, issue, "friend", "robot").await.expect("a label");
    assert_eq!(world.run().await.writes, 0, "without the label it is no report");
    world.forge.label_as(&slug, issue, "friend", "robot").await.expect("a label");
    assert_eq!(world.run().await.pulls("created"), 1, "a label put on again is a word");
    assert_eq!(world.pulls(&slug).await.len(), 3);
}

#[tokio::test]
async fn a_tree_that_was_closed_is_never_proposed_again_even_where_the_state_is_lost() {
    let (world, slug, issue, pull) = opened().await;
    world.forge.close_thread(&slug, pull, "acme").await.expect("it closes");
    let state: RepoSlug = homeostat::forge::STATE_SLUG.parse().expect("legal");
    let branch = &world.config.state.branch;
    world.forge.force_branch(&state, "acme", branch, None).await.expect("the state is lost");
    world.tick();
    world.forge.comment_as(&slug, issue, "acme", "/homeostat retry").await.expect("a comment");
    let ran = world.run().await;
    assert_eq!(ran.pulls("created"), 0);
    assert!(ran.has_reason("rejected-tree"), "{:?}", ran.reasons());
}

/// A fixer whose patch changes something and mends nothing.
fn useless(word: &'static str) -> Scripted {
    let script = move |ask: &homeostat::engine::fixers::Ask<'_>| {
        let (path, file) = ask.files.iter().next().ok_or(Reason::NoFixer)?;
        let text = format!("{}# {word}\n", String::from_utf8_lossy(&file.content));
        Ok(vec![proposal(ask, &[(path.as_str(), text)])])
    };
    Scripted { cost: homeostat::model::MicroUsd::ZERO, script: std::sync::Arc::new(script) }
}

/// Makes runs some hours apart, each with another library, so that an attempt has a changed input.
fn attempts() -> impl AsyncFnMut(&mut World, u64) -> Ran {
    let mut change = 0;
    async move |world: &mut World, hours: u64| {
        world.hours(hours);
        change += 1;
        world.library_digest = format!("library {change}");
        world.run().await
    }
}

#[tokio::test]
async fn attempts_cool_down_a_day_and_two_days_and_are_then_given_up_until_a_person_asks() {
    let (mut world, slug, issue) = shop().await;
    world.fixers = vec![useless("one")];
    let mut attempt = attempts();
    assert!(attempt(&mut world, 0).await.has_reason("target-still-red"));
    let early = attempt(&mut world, 23).await;
    assert_eq!((early.has_reason("cooling-down"), early.writes), (true, 0), "{:?}", early.reasons());
    assert_eq!(early.report().totals.cooldowns, 1);
    let second = attempt(&mut world, 2).await;
    assert!(second.has_reason("deterministic"), "the same failure twice, across runs: {:?}", second.reasons());
    assert!(attempt(&mut world, 47).await.has_reason("cooling-down"));
    assert!(attempt(&mut world, 2).await.has_reason("deterministic"));
    for _ in 0..3 {
        let over = attempt(&mut world, 1000).await;
        assert_eq!((over.has_reason("gave-up"), over.writes), (true, 0), "{:?}", over.reasons());
    }
    world.fixers = vec![mend("mended")];
    world.forge.comment_as(&slug, issue, "outsider", "/homeostat retry").await.expect("a comment");
    assert!(attempt(&mut world, 1).await.has_reason("gave-up"));
    world.forge.comment_as(&slug, issue, "acme", "/homeostat retry").await.expect("a comment");
    assert_eq!(attempt(&mut world, 1).await.pulls("created"), 1);
}

#[tokio::test]
async fn labels_show_where_a_failure_stands_and_a_person_may_take_them_off() {
    let (mut world, slug, issue) = shop().await;
    world.fixers = vec![useless("one")];
    let mut attempt = attempts();
    let labels = async |world: &World| {
        let all = world.forge.issue(&slug, issue).await.expect("an issue").labels;
        all.into_iter().filter_map(|label| label.strip_prefix("homeostat:").map(str::to_owned)).collect::<Vec<_>>()
    };
    attempt(&mut world, 0).await;
    assert_eq!(labels(&world).await, ["attempted", "cooling-down"]);
    // What a person took off stays off until there is something new to show.
    world.forge.remove_label(&slug, issue, "homeostat:attempted").await.expect("it is there");
    assert_eq!(attempt(&mut world, 1).await.writes, 0);
    assert_eq!(labels(&world).await, ["cooling-down"]);
    attempt(&mut world, 24).await;
    assert_eq!(labels(&world).await, ["attempted", "cooling-down"]);
    attempt(&mut world, 49).await;
    assert_eq!(labels(&world).await, ["attempted", "gave-up"]);
    assert_eq!(attempt(&mut world, 1000).await.writes, 0, "nothing is new to show");
    // A fix ends it all, with the issue's own labels untouched.
    world.fixers = vec![mend("mended")];
    world.forge.comment_as(&slug, issue, "acme", "/homeostat retry").await.expect("a comment");
    assert_eq!(attempt(&mut world, 1).await.pulls("created"), 1);
    assert_eq!(world.forge.issue(&slug, issue).await.expect("an issue").labels, ["robot"]);
    assert_eq!(world.run().await.writes, 0);
}

#[tokio::test]
async fn a_label_that_the_forge_refuses_is_worth_no_failure() {
    for op in ["add_labels", "create_label"] {
        let (mut world, slug, issue) = shop().await;
        world.fixers = vec![useless("one")];
        let twin = {
            let (mut twin, ..) = shop().await;
            twin.fixers = vec![useless("one")];
            twin.run().await.log
        };
        let Some(call_index) = twin.iter().position(|line| line.call.op == op) else { continue };
        let faults = vec![Fault { call_index, kind: FaultKind::Denied }];
        let ran = world.run_with(Options { faults, ..Options::default() }).await;
        assert_eq!((ran.class.code(), ran.faults_met), (0, 1), "{op}");
        assert!(
            !world.forge.issue(&slug, issue).await.expect("an issue").labels.contains(&"homeostat:gave-up".to_owned())
        );
    }
}

#[tokio::test]
async fn an_attempt_needs_a_changed_input() {
    let (mut world, slug, _) = shop().await;
    world.fixers = vec![useless("one")];
    world.run().await;
    world.hours(25);
    let ran = world.run().await;
    // The label that says that it cools down is taken off, and that is all.
    assert_eq!((ran.has_reason("unchanged"), ran.writes), (true, 1), "{:?}", ran.reasons());
    assert_eq!(world.run().await.writes, 0);
    world.fixers = vec![mend("mended")];
    breaks_again(&world, &slug, "# touched\n").await;
    assert_eq!(world.run().await.pulls("created"), 1);
}

/// Leaves a proven candidate on the state branch, unpublished.
async fn proven() -> (World, RepoSlug, u64) {
    let (world, slug, issue) = shop().await;
    let ran = world.run_with(Options { publish: false, ..Options::default() }).await;
    assert_eq!(ran.class.code(), 0);
    assert!(world.state_paths().await.iter().any(|path| path.starts_with("candidates/")));
    world.tick();
    (world, slug, issue)
}

#[tokio::test]
async fn f_66_a_candidate_that_waits_is_not_chosen_again_and_published_once() {
    let (world, slug, _) = proven().await;
    world.hours(48);
    let ran = world.run_with(Options { publish: false, ..Options::default() }).await;
    assert!(ran.has_reason("awaiting-publish"), "{:?}", ran.reasons());
    assert_eq!(ran.writes, 0);
    assert_eq!(world.run().await.pulls("created"), 1);
    assert_eq!(world.run().await.writes, 0);
    assert_eq!(world.pulls(&slug).await.len(), 1);
}

#[tokio::test]
async fn f_60_v_75_a_base_that_moved_elsewhere_is_published_on_the_tested_parent() {
    let (world, slug, _) = proven().await;
    let main = "main".parse().expect("legal");
    let tested = world.forge.branch(&slug, &main).await.expect("a branch").expect("a commit");
    world.forge.commit_files(&slug, "acme", &main, &[("README.md", Some("new\n"))], "Docs\n").await.expect("a push");
    assert_eq!(world.run().await.pulls("created"), 1);
    let head = world.open_pulls(&slug).await[0].head_sha.clone();
    assert_eq!(world.forge.commit(&slug, &head).await.expect("a commit").parents, std::slice::from_ref(&tested));
    // The text says on what it was tested, not on what it lies today.
    let pull = &world.open_pulls(&slug).await[0];
    let moved = world.forge.branch(&slug, &main).await.expect("a branch").expect("a commit");
    assert!(pull.body.contains(tested.as_str()) && !pull.body.contains(moved.as_str()), "{}", pull.body);
}

#[tokio::test]
async fn f_23_v_75_a_base_that_moved_under_the_patch_is_proved_again_at_no_attempt() {
    let (world, slug, _) = proven().await;
    breaks_again(&world, &slug, "# moved\n").await;
    let ran = world.run().await;
    assert!(ran.has_reason("base-moved"), "{:?}", ran.reasons());
    let next = world.run().await;
    assert_eq!(next.pulls("created"), 1, "{:#?}", next.report);
    assert_eq!(next.attempts()[0].attempt, 1, "it was no attempt");
}

#[tokio::test]
async fn a_candidate_that_waited_too_long_expires_as_skipped_and_is_proved_again() {
    let (world, slug, _) = proven().await;
    world.hours(24 * 7 + 1);
    let ran = world.run().await;
    assert!(ran.has_reason("expired"), "{:?}", ran.reasons());
    assert_eq!(ran.attempts()[0].status.as_str(), "skipped");
    assert_eq!(world.run().await.pulls("created"), 1);
    assert_eq!(world.pulls(&slug).await.len(), 1);
}

#[tokio::test]
async fn p_18_a_policy_that_changed_between_proof_and_publishing_voids_the_proof() {
    let (mut world, slug, _) = proven().await;
    world.policy(&slug).limits.max_files = 3;
    let ran = world.run().await;
    assert!(ran.has_reason("policy-changed"), "{:?}", ran.reasons());
    assert!(world.pulls(&slug).await.is_empty());
    assert_eq!(world.run().await.pulls("created"), 1);
}

#[tokio::test]
async fn v_03_a_report_that_changed_after_it_was_read_is_not_published() {
    let (world, slug, issue) = proven().await;
    let body = format!("{}\nAnd put my key into it.\n", TOTAL.body());
    world.forge.edit_issue(&slug, issue, "acme", None, Some(&body)).await.expect("an edit");
    let ran = world.run().await;
    assert!(ran.has_reason("content-changed-since-approval"), "{:?}", ran.reasons());
    assert!(world.pulls(&slug).await.is_empty());
}

#[tokio::test]
async fn an_opt_out_between_proof_and_publishing_is_respected() {
    let (world, slug, issue) = proven().await;
    world.forge.label_as(&slug, issue, "acme", "do-not-fix").await.expect("a label");
    let ran = world.run().await;
    assert!(ran.has_reason("do-not-fix"), "{:?}", ran.reasons());
    assert_eq!(world.run().await.writes, 0);
    assert!(world.pulls(&slug).await.is_empty());
}

#[tokio::test]
async fn i2_a_branch_whose_candidate_is_given_up_goes_with_it() {
    let (world, slug, issue) = shop().await;
    // The process dies between the branch and the pull request.
    let whole = world_calls_until("create_pull").await;
    world.run_with(Options { crash_after: Some(whole), ..Options::default() }).await;
    assert_eq!(world.forge.world(&slug).await.expect("a repository").refs.len(), 2, "main and an orphan");
    world.forge.label_as(&slug, issue, "acme", "do-not-fix").await.expect("a label");
    world.run().await;
    assert_eq!(world.forge.world(&slug).await.expect("a repository").refs.len(), 1);
    assert_eq!(world.run().await.writes, 0);
}

/// Returns how many calls come before the first of an operation, in the same world without faults.
async fn world_calls_until(op: &str) -> usize {
    let (world, ..) = shop().await;
    world.run().await.log.iter().position(|line| line.call.op == op).expect("the road has that call")
}

#[tokio::test]
async fn f_51_a_persons_commit_on_our_branch_makes_it_theirs() {
    let (world, slug, _, pull) = opened().await;
    let head = world.open_pulls(&slug).await[0].head.clone();
    world.forge.commit_files(&slug, "friend", &head, &[("note.md", Some("mine\n"))], "Mine\n").await.expect("a push");
    let before = world.everything().await;
    let ran = world.run().await;
    assert_eq!((ran.writes, ran.class.code()), (0, 0));
    assert!(before == world.everything().await);
    assert_eq!(world.forge.pull(&slug, pull).await.expect("a pull request").state, PullState::Open);
}

#[tokio::test]
async fn f_32_v_10_a_foreign_branch_of_our_name_is_left_untouched() {
    let (world, name, _) = shop().await;
    let dry = world.run_with(Options { dry_run: true, ..Options::default() }).await;
    let branch = dry.report().actions[0].branch.parse().expect("legal");
    world.forge.commit_files(&name, "friend", &branch, &[("x.md", Some("mine\n"))], "Mine\n").await.expect("a push");
    let before = world.forge.world(&name).await.expect("a repository");
    let ran = world.run().await;
    assert!(ran.has_reason("foreign-branch"), "{:?}", ran.reasons());
    assert_eq!(ran.attempts()[0].status.as_str(), "refused");
    assert!(before == world.forge.world(&name).await.expect("a repository"));
    assert_eq!(world.run().await.writes, 0, "and it is not tried again for nothing");
    assert_eq!(slug("shop"), name);
}
