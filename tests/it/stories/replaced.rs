//! Stories of an open pull request whose patch is made again: because it conflicts, or because its checks are red while
//! those of the base are green; and of all the cases in which it stays as it is (PROTOCOL.md, 7, update).

use homeostat::forge::faults::{Fault, FaultKind};
use homeostat::forge::rules::{JobRecord, Mergeable, RunRecord};
use homeostat::forge::{Commit, Conclusion, Forge, PullRequest};
use homeostat::model::{BranchName, FailureState, MicroUsd, ObjectId, RepoSlug};
use homeostat::plan::{self, CommitFacts, Ownership, Verb};
use homeostat::render::marker;
use rstest::rstest;

use super::faults::{Road, exactly_one_terminal_event, lines};
use super::faults_http::{Http, every_one};
use super::program::{Bug, Scripted, bug, mend, source};
use super::world::{Options, Ran, World};
use crate::http::{Fault as HttpFault, Kind};

const TOTAL: Bug = bug("src/shop.py", "total");

fn main() -> BranchName {
    "main".parse().expect("legal")
}

/// The shop, with an open pull request for its one failure.
async fn shop() -> (World, RepoSlug, PullRequest) {
    let mut world = World::new(vec![TOTAL]);
    let slug = world.repository("shop", &[("src/shop.py", &source(&["total"]))]).await;
    world.report(&slug, &TOTAL).await;
    assert_eq!(world.run().await.pulls("created"), 1);
    let pull = world.open_pulls(&slug).await.remove(0);
    (world, slug, pull)
}

/// The base changes where the patch does; the failure is still there.
async fn base_moves(world: &World, slug: &RepoSlug, word: &str) -> ObjectId {
    world.tick();
    let text = source(&["total"]).replace("A module", word);
    let files = [("src/shop.py", Some(text.as_str()))];
    world.forge.commit_files(slug, "acme", &main(), &files, "something else\n").await.expect("a commit")
}

/// The shop, whose pull request conflicts with what somebody pushed to the base.
async fn conflicting_shop() -> (World, RepoSlug, PullRequest) {
    let (world, slug, pull) = shop().await;
    base_moves(&world, &slug, "Another module").await;
    world.forge.set_mergeable(&slug, pull.number, Mergeable::Conflicting).await.expect("a pull request");
    (world, slug, pull)
}

/// The checks of a commit end.
async fn checked(world: &World, slug: &RepoSlug, commit: &ObjectId, conclusion: Conclusion) {
    world.tick();
    let now = world.clock.now();
    let job = JobRecord { name: "lint".into(), conclusion, runner_labels: Vec::new(), steps: Vec::new() };
    let run = RunRecord {
        workflow: "ci.yml".into(),
        name: "CI".into(),
        branch: "elsewhere".into(),
        commit: commit.clone(),
        event: "pull_request".into(),
        actor: None,
        fork: false,
        attempt: 1,
        conclusion,
        created_at: now,
        completed_at: now,
        jobs: vec![job],
    };
    world.forge.add_run(slug, &run, &[]).await.expect("a run");
}

/// The shop, whose pull request is red and whose base ended like this. What mends it knows two ways.
async fn red_shop(base: Option<Conclusion>) -> (World, RepoSlug, PullRequest) {
    let (mut world, slug, pull) = shop().await;
    world.fixers = vec![two_ways()];
    checked(&world, &slug, &pull.head_sha, Conclusion::Failure).await;
    if let Some(conclusion) = base {
        let tip = tip(&world, &slug).await;
        checked(&world, &slug, &tip, conclusion).await;
    }
    (world, slug, pull)
}

/// Proposes what was proposed before, and another way.
fn two_ways() -> Scripted {
    let (first, second) = (mend("mended"), mend("repaired"));
    let script = move |ask: &homeostat::engine::fixers::Ask<'_>| {
        let mut all = (first.script)(ask)?;
        all.extend((second.script)(ask)?);
        Ok(all)
    };
    Scripted { cost: MicroUsd::ZERO, script: std::sync::Arc::new(script) }
}

async fn tip(world: &World, slug: &RepoSlug) -> ObjectId {
    world.forge.branch(slug, &main()).await.expect("refs").expect("main")
}

async fn head_of(world: &World, slug: &RepoSlug) -> (PullRequest, Commit) {
    let pull = world.open_pulls(slug).await.remove(0);
    let commit = world.forge.commit(slug, &pull.head_sha).await.expect("a commit");
    (pull, commit)
}

/// The pull request's head is ours, tested on the base, on top of the head that it replaced; the body speaks of it.
async fn is_replaced(world: &World, slug: &RepoSlug, before: &PullRequest, what: &str) -> FailureState {
    let (pull, commit) = head_of(world, slug).await;
    assert_eq!(world.pulls(slug).await.len(), 1, "{what}: there is one pull request");
    assert_eq!(pull.number, before.number, "{what}: it is the same");
    assert_eq!(commit.parents, [before.head_sha.clone(), tip(world, slug).await], "{what}");
    let state = marker::read(&pull.body).expect("a state");
    assert_eq!(state.tree.as_ref(), Some(&commit.tree), "{what}: the body speaks of the tree that is there");
    let facts = CommitFacts {
        id: commit.id,
        tree: commit.tree,
        parents: commit.parents,
        message: commit.message,
        on_base: false,
    };
    let ownership = plan::ownership(&state.fingerprint, state.episode, &facts);
    assert!(matches!(ownership, Ownership::Ours(_)), "{what}: {ownership:?}");
    state
}

/// A run that keeps the pull request as it is and writes nothing.
async fn is_kept(world: &World, slug: &RepoSlug, why: &str) -> Ran {
    let before = world.everything().await;
    let ran = world.run().await;
    assert_eq!((ran.writes, ran.class.code()), (0, 0), "{why}: {}", lines(&ran));
    assert!(ran.has_reason("pull-request-open"), "{why}: {:?}", ran.reasons());
    assert!(before == world.everything().await, "{why}");
    assert_eq!(world.open_pulls(slug).await.len(), 1, "{why}");
    ran
}

#[tokio::test]
async fn a_patch_that_conflicts_is_made_again_on_the_base_of_today_once() {
    let (world, slug, pull) = conflicting_shop().await;
    let ran = world.run().await;
    assert_eq!((ran.pulls("updated"), ran.class.code()), (1, 0), "{}", lines(&ran));
    let state = is_replaced(&world, &slug, &pull, "conflict").await;
    assert_eq!(state.attempts, 2, "it counts as an attempt");
    let (after, _) = head_of(&world, &slug).await;
    let entries = world.forge.tree(&slug, &after.head_sha).await.expect("a tree");
    let shop = entries.iter().find(|entry| entry.path == "src/shop.py").expect("the file");
    let text = String::from_utf8(world.forge.blob(&slug, &shop.id).await.expect("a blob")).expect("text");
    assert!(text.contains("Another module") && text.contains("mended"), "{text}");
    assert_eq!(after.labels, ["homeostat-fix"]);
    is_kept(&world, &slug, "it is as it should be").await;
}

#[tokio::test]
async fn a_dry_run_says_that_it_would_replace_the_patch() {
    let (world, _, _) = conflicting_shop().await;
    let ran = world.run_with(Options { dry_run: true, ..Options::default() }).await;
    let verbs: Vec<Verb> = ran.report().actions.iter().map(|action| action.verb).collect();
    assert_eq!((verbs.as_slice(), ran.writes), (&[Verb::ReplaceCommit, Verb::EditPullRequest][..], 0));
}

#[tokio::test]
async fn the_second_conflict_is_mended_like_the_first_and_attempts_end_at_their_number() {
    let (mut world, slug, mut pull) = conflicting_shop().await;
    world.policy(&slug).limits.max_attempts = 3;
    for (attempts, word) in [(2, "One"), (3, "Two")] {
        assert_eq!(world.run().await.pulls("updated"), 1, "attempt {attempts}");
        assert_eq!(is_replaced(&world, &slug, &pull, word).await.attempts, attempts);
        pull = head_of(&world, &slug).await.0;
        base_moves(&world, &slug, word).await;
        world.forge.set_mergeable(&slug, pull.number, Mergeable::Conflicting).await.expect("a pull request");
    }
    let ran = is_kept(&world, &slug, "the attempts are used up").await;
    let said: Vec<_> = ran.report().repositories.iter().flat_map(|one| &one.skipped).map(|one| &one.message).collect();
    assert!(said.iter().any(|message| message.contains("although it conflicts")), "{said:?}");
}

#[tokio::test]
async fn red_checks_on_our_head_while_the_base_is_green_ask_for_another_patch_and_not_for_the_same() {
    let (world, slug, pull) = red_shop(Some(Conclusion::Success)).await;
    let ran = world.run().await;
    assert_eq!((ran.pulls("updated"), ran.class.code()), (1, 0), "{}", lines(&ran));
    let state = is_replaced(&world, &slug, &pull, "red").await;
    assert_eq!((state.attempts, state.rejected_trees.len()), (2, 1));
    is_kept(&world, &slug, "nothing is known of the new head").await;
}

#[tokio::test]
async fn where_only_the_red_patch_is_known_it_stays_and_is_not_tried_for_ever() {
    let (mut world, slug, pull) = red_shop(Some(Conclusion::Success)).await;
    world.fixers = vec![mend("mended")];
    let tried = world.run().await;
    assert!(tried.has_reason("rejected-tree"), "{:?}", tried.reasons());
    world.hours(24 * 30);
    is_kept(&world, &slug, "nothing changed since").await;
    assert_eq!(head_of(&world, &slug).await.0.head_sha, pull.head_sha);
}

#[rstest]
#[case::the_base_is_red_too(Some(Conclusion::Failure))]
#[case::the_base_waits_for_a_person(Some(Conclusion::ActionRequired))]
#[case::the_base_has_no_checks(None)]
#[tokio::test]
async fn red_checks_say_nothing_of_the_patch_where(#[case] base: Option<Conclusion>) {
    let (world, slug, _) = red_shop(base).await;
    is_kept(&world, &slug, "the base is not green").await;
}

#[rstest]
#[tokio::test]
async fn a_check_that_waits_never_started_or_was_stopped_is_not_red(
    #[values(Conclusion::ActionRequired, Conclusion::StartupFailure, Conclusion::Cancelled, Conclusion::Skipped)]
    conclusion: Conclusion,
) {
    let (world, slug, pull) = shop().await;
    checked(&world, &slug, &pull.head_sha, conclusion).await;
    let tip = tip(&world, &slug).await;
    checked(&world, &slug, &tip, Conclusion::Success).await;
    is_kept(&world, &slug, "it is not red").await;
}

#[tokio::test]
async fn while_the_forge_does_not_know_whether_it_conflicts_it_stays_and_is_looked_at_again() {
    let (world, slug, pull) = conflicting_shop().await;
    world.forge.set_mergeable(&slug, pull.number, Mergeable::Unknown).await.expect("a pull request");
    is_kept(&world, &slug, "unknown").await;
    // A watermark moves with a run that writes for another reason; what is not known yet must not rest.
    let mut world = world;
    let depot = world.repository("depot", &[("src/shop.py", &source(&["total"]))]).await;
    world.report(&depot, &TOTAL).await;
    assert_eq!(world.run().await.pulls("created"), 1);
    world.forge.set_mergeable(&slug, pull.number, Mergeable::Conflicting).await.expect("a pull request");
    assert_eq!(world.run().await.pulls("updated"), 1);
    is_replaced(&world, &slug, &pull, "known by now").await;
}

#[tokio::test]
async fn what_a_person_reviewed_stays_and_what_a_machine_reviewed_does_not() {
    let (world, slug, pull) = conflicting_shop().await;
    world.forge.review_as(&slug, pull.number, "ann").await.expect("a review");
    is_kept(&world, &slug, "a person reviewed it").await;
    let (world, slug, pull) = conflicting_shop().await;
    world.forge.review_as(&slug, pull.number, "linter[bot]").await.expect("a review");
    assert_eq!(world.run().await.pulls("updated"), 1);
    is_replaced(&world, &slug, &pull, "a machine's review").await;
}

#[tokio::test]
async fn what_a_person_committed_to_stays() {
    let (world, slug, pull) = conflicting_shop().await;
    let files = [("notes.txt", Some("mine\n"))];
    world.forge.commit_files(&slug, "ann", &pull.head, &files, "mine\n").await.expect("a push");
    world.forge.set_mergeable(&slug, pull.number, Mergeable::Conflicting).await.expect("a pull request");
    is_kept(&world, &slug, "a person committed").await;
}

#[tokio::test]
async fn a_hundred_runs_over_a_pull_request_that_has_to_stay_write_nothing() {
    let (world, slug, pull) = red_shop(Some(Conclusion::Failure)).await;
    for conclusion in [Conclusion::ActionRequired, Conclusion::Failure] {
        checked(&world, &slug, &pull.head_sha, conclusion).await;
        let before = world.everything().await;
        for _ in 0..50 {
            world.hours(1);
            let ran = world.run().await;
            assert_eq!((ran.writes, ran.class.code()), (0, 0), "{conclusion:?}: {}", lines(&ran));
        }
        assert!(before == world.everything().await, "{conclusion:?}");
    }
}

/// Lets something happen between the proof and the publishing.
async fn meanwhile(world: &World) -> Ran {
    let proved = world.run_with(Options { publish: false, ..Options::default() }).await;
    assert!(proved.attempts().is_empty(), "it waits: {:?}", proved.attempts());
    proved
}

#[tokio::test]
async fn a_review_that_comes_before_the_patch_is_published_keeps_it_out() {
    let (world, slug, pull) = conflicting_shop().await;
    meanwhile(&world).await;
    world.forge.review_as(&slug, pull.number, "ann").await.expect("a review");
    let ran = world.run().await;
    assert_eq!((ran.pulls("updated"), ran.pulls("kept"), ran.class.code()), (0, 1, 0), "{:?}", ran.report);
    assert_eq!(head_of(&world, &slug).await.0, pull);
    is_kept(&world, &slug, "reviewed").await;
}

#[tokio::test]
async fn f_51_a_commit_that_comes_before_the_patch_is_published_keeps_it_out() {
    let (world, slug, pull) = conflicting_shop().await;
    meanwhile(&world).await;
    let files = [("notes.txt", Some("mine\n"))];
    let theirs = world.forge.commit_files(&slug, "ann", &pull.head, &files, "mine\n").await.expect("a push");
    let ran = world.run().await;
    assert!(ran.has_reason("human-owned"), "{:?}", ran.reasons());
    assert_eq!(head_of(&world, &slug).await.0.head_sha, theirs);
    is_kept(&world, &slug, "a person's").await;
}

#[tokio::test]
async fn f_52_a_close_that_comes_before_the_patch_is_published_is_respected() {
    let (world, slug, pull) = conflicting_shop().await;
    meanwhile(&world).await;
    world.forge.close_thread(&slug, pull.number, "ann").await.expect("a close");
    let ran = world.run().await;
    assert_eq!(ran.pulls("updated"), 0, "{:?}", ran.report);
    assert_eq!(world.open_pulls(&slug).await, []);
    assert_eq!(world.pulls(&slug).await.len(), 1);
    assert_eq!(world.run().await.writes, 0);
}

#[tokio::test]
async fn a_ready_pull_requests_patch_is_not_replaced_by_one_that_is_worth_a_draft() {
    let (mut world, slug, pull) = conflicting_shop().await;
    assert!(!pull.draft);
    let mut weak = mend("mended");
    let script = weak.script.clone();
    weak.script = std::sync::Arc::new(move |ask| {
        let mut all = script(ask)?;
        for one in &mut all {
            one.confidence = Some(0.55);
        }
        Ok(all)
    });
    world.fixers = vec![weak];
    let ran = world.run().await;
    assert_eq!((ran.pulls("updated"), ran.pulls("kept")), (0, 1), "{:?}", ran.report);
    assert_eq!(head_of(&world, &slug).await.0, pull);
    is_kept(&world, &slug, "nothing changed since").await;
}

#[tokio::test]
async fn caps_on_open_pull_requests_do_not_hold_up_what_opens_none() {
    let (mut world, slug, pull) = conflicting_shop().await;
    let policy = world.policy(&slug);
    (policy.max_open_prs, policy.max_prs_per_run) = (1, 1);
    world.config.run.max_prs_per_day = 1;
    assert_eq!(world.run().await.pulls("updated"), 1);
    is_replaced(&world, &slug, &pull, "capped").await;
}

/// Runs go straight to the rules.
struct Port;

impl Road for Port {
    async fn run(&self, world: &World, options: Options) -> Ran {
        world.run_with(options).await
    }
}

/// After whatever happened to the first run: a clean one mends it, and a third writes nothing.
async fn mended(world: &World, slug: &RepoSlug, before: &PullRequest, road: &impl Road, what: &str) {
    assert_eq!(world.pulls(slug).await.len(), 1, "{what}: one pull request");
    world.hours(2);
    let clean = road.run(world, Options::default()).await;
    exactly_one_terminal_event(&clean, what);
    assert_eq!(clean.class.code(), 0, "{what}: {:?}\n{}", clean.report, lines(&clean));
    is_replaced(world, slug, before, what).await;
    let everything = world.everything().await;
    let third = road.run(world, Options::default()).await;
    assert_eq!((third.writes, third.class.code()), (0, 0), "{what}: a third run writes nothing\n{}", lines(&third));
    assert!(everything == world.everything().await, "{what}: a third run changes nothing");
    let left: Vec<String> = world
        .state_paths()
        .await
        .into_iter()
        .filter(|path| path.starts_with("leases/") || path.starts_with("candidates/"))
        .collect();
    assert!(left.is_empty(), "{what}: {left:?}");
}

#[rstest]
#[tokio::test]
async fn a_fault_at_any_call_or_a_kill_still_ends_in_one_pull_request_that_is_replaced_once(
    #[values(0, 1, 2, 3, 4, 5, 6, 7)] kind: usize,
) {
    let kind = FaultKind::all().get(kind).copied();
    for call in 0..500 {
        let (world, slug, pull) = conflicting_shop().await;
        let first = match kind {
            Some(kind) => Options { faults: vec![Fault { call_index: call, kind }], ..Options::default() },
            None => Options { crash_after: Some(call), ..Options::default() },
        };
        let what = format!("{kind:?} at call {call}");
        let faulted = world.run_with(first).await;
        exactly_one_terminal_event(&faulted, &what);
        mended(&world, &slug, &pull, &Port, &what).await;
        if faulted.faults_met == 0 {
            assert!(call > 30, "the road has more calls than that");
            return;
        }
    }
    panic!("the road never ends");
}

#[tokio::test]
async fn over_http_a_conflict_is_seen_and_the_patch_replaced_once() {
    let (world, slug, pull) = conflicting_shop().await;
    let http = Http::open(&world).await;
    let ran = http.run(&world, Options::default()).await;
    assert_eq!((ran.pulls("updated"), ran.class.code()), (1, 0), "{}", lines(&ran));
    is_replaced(&world, &slug, &pull, "over HTTP").await;
    mended(&world, &slug, &pull, &http, "over HTTP").await;
}

#[tokio::test]
async fn over_http_red_checks_are_seen_and_the_patch_replaced_once() {
    let (world, slug, pull) = red_shop(Some(Conclusion::Success)).await;
    let http = Http::open(&world).await;
    let ran = http.run(&world, Options::default()).await;
    assert_eq!((ran.pulls("updated"), ran.class.code()), (1, 0), "{}", lines(&ran));
    mended(&world, &slug, &pull, &http, "over HTTP").await;
}

/// Of so many requests one is tried by default.
const SAMPLE: usize = 31;

#[rstest]
#[tokio::test]
async fn over_http_a_fault_at_any_request_ends_in_one_pull_request_that_is_replaced_once(
    #[values(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17)] kind: usize,
) {
    let (place, kind) = (kind, Kind::ALL[kind]);
    let step = if every_one() { 1 } else { SAMPLE };
    let mut index = if every_one() { 0 } else { place * 3 % step };
    loop {
        let (world, slug, pull) = conflicting_shop().await;
        let http = Http::open(&world).await;
        let what = format!("{kind:?} at request {index}");
        let faults = vec![HttpFault::at(index, kind)];
        let faulted = http.process(&world, faults, kind.needs_patience(), Options::default()).await;
        let met = http.door.faults_met() > 0;
        exactly_one_terminal_event(&faulted, &what);
        mended(&world, &slug, &pull, &http, &what).await;
        if !met {
            assert!(index > 40, "the road has more requests than that");
            return;
        }
        index += step;
    }
}
