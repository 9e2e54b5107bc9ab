//! Every fault at every call of the whole road: a faulted run, a clean run, and a third that must write nothing.

use homeostat::forge::faults::{Fault, FaultKind};
use homeostat::model::{ObjectId, RepoSlug};
use homeostat::plan;
use rstest::rstest;

use super::program::{Bug, bug, source};
use super::world::{Options, Ran, World};

const TOTAL: Bug = bug("src/shop.py", "total");
const PRICE: Bug = bug("src/shop.py", "price");

/// A repository with one failure, or with two in one file.
pub(super) async fn world(failures: usize) -> (World, RepoSlug) {
    let mut world = World::new(vec![TOTAL, PRICE]);
    let shop = if failures == 1 { source(&["total"]) } else { source(&["total", "price"]) };
    let slug = world.repository("shop", &[("src/shop.py", &shop)]).await;
    world.report(&slug, &TOTAL).await;
    if failures == 2 {
        world.report(&slug, &PRICE).await;
    }
    (world, slug)
}

/// How the world goes on after the faulted run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// Leases run out.
    TwoHoursPass,
    /// The process is known to be gone.
    OwnerIsGone,
}

/// The repository with two failures, after the first got its pull request and the state branch was lost.
async fn lost_world() -> (World, RepoSlug) {
    let mut world = World::new(vec![TOTAL, PRICE]);
    let slug = world.repository("shop", &[("src/shop.py", &source(&["total", "price"]))]).await;
    world.report(&slug, &TOTAL).await;
    assert_eq!(world.run().await.pulls("created"), 1);
    let state = homeostat::forge::STATE_SLUG.parse().expect("legal");
    world.forge.force_branch(&state, "acme", &world.config.state.branch, None).await.expect("the state is lost");
    world.report(&slug, &PRICE).await;
    (world, slug)
}

/// A repository with two failures of one family: one of them waits for the other's pull request.
async fn family_world() -> (World, RepoSlug) {
    const ADD: Bug = Bug { callers: &["checkout", "serve"], ..TOTAL };
    const ROUND: Bug = Bug { callers: &["total", "checkout", "serve"], ..PRICE };
    let mut world = World::new(vec![ADD, ROUND]);
    let slug = world.repository("shop", &[("src/shop.py", &source(&["total", "price"]))]).await;
    world.report(&slug, &ADD).await;
    world.report(&slug, &ROUND).await;
    (world, slug)
}

/// What the runs of a story go through: the port itself, or a client and a socket.
pub(super) trait Road {
    /// Makes one run; each is a process of its own.
    async fn run(&self, world: &World, options: Options) -> Ran;
}

/// Runs go straight to the rules.
struct Port;

impl Road for Port {
    async fn run(&self, world: &World, options: Options) -> Ran {
        world.run_with(options).await
    }
}

/// Runs the three runs and checks the invariants; returns whether the fault was met.
async fn three_runs(failures: usize, first: Options, then: Then, what: &str) -> bool {
    let (world, slug) = world(failures).await;
    in_three_runs(&world, &slug, failures, first, then, what).await
}

async fn in_three_runs(
    world: &World,
    slug: &RepoSlug,
    failures: usize,
    first: Options,
    then: Then,
    what: &str,
) -> bool {
    let main = world.forge.world(slug).await.expect("a repository").refs["main"].clone();
    let faulted = Port.run(world, first).await;
    exactly_one_terminal_event(&faulted, what);
    at_most_one_pull_a_failure(world, slug, what).await;
    after_the_fault(world, slug, failures, &main, &Port, then, what).await;
    faulted.faults_met > 0
}

/// A clean run mends what a faulted one left, and a third finds nothing to do.
pub(super) async fn after_the_fault(
    world: &World,
    slug: &RepoSlug,
    failures: usize,
    main: &ObjectId,
    road: &impl Road,
    then: Then,
    what: &str,
) {
    if then == Then::TwoHoursPass {
        world.hours(2);
    }
    let owners_gone = then == Then::OwnerIsGone;
    let clean = road.run(world, Options { owners_gone, ..Options::default() }).await;
    exactly_one_terminal_event(&clean, what);
    let pulls = at_most_one_pull_a_failure(world, slug, what).await;
    let after = world.forge.world(slug).await.expect("a repository");
    assert_eq!(
        pulls,
        failures,
        "{what}: one pull request a failure after a clean run: {:?}\n{}",
        clean.report,
        lines(&clean)
    );
    assert_eq!(clean.class.code(), 0, "{what}: a clean run ends well (I6)\n{}", lines(&clean));
    // I2: a branch of ours has its pull request.
    let heads: Vec<String> = world.open_pulls(slug).await.iter().map(|pull| pull.head.to_string()).collect();
    for branch in after.refs.keys().filter(|name| plan::branch_grammar(name).is_some()) {
        assert!(heads.contains(branch), "{what}: {branch} has no pull request (I2)");
    }
    // I8: what is not ours stays.
    assert_eq!(after.refs["main"], *main, "{what}: the base is not ours to move (I8)");
    for pull in world.open_pulls(slug).await {
        assert_eq!(pull.labels, ["homeostat-fix"], "{what}: the labels are on (F-48)");
    }
    let before = world.everything().await;
    let third = road.run(world, Options { owners_gone, ..Options::default() }).await;
    assert_eq!(third.writes, 0, "{what}: a third run writes nothing\n{}", lines(&third));
    assert_eq!(third.class.code(), 0, "{what}: a third run ends well");
    assert!(before == world.everything().await, "{what}: a third run changes nothing");
    assert!(third.attempts().is_empty(), "{what}: a third run attempts nothing");
    let left: Vec<String> = world
        .state_paths()
        .await
        .into_iter()
        .filter(|path| path.starts_with("leases/") || path.starts_with("candidates/"))
        .collect();
    assert!(left.is_empty(), "{what}: neither lease nor candidate is left: {left:?}");
}

pub(super) fn lines(ran: &Ran) -> String {
    ran.log.iter().map(|line| format!("  {line}\n")).collect()
}

/// I3: one attempt has at most one terminal line in a run.
pub(super) fn exactly_one_terminal_event(ran: &Ran, what: &str) {
    let attempts = ran.attempts();
    for one in &attempts {
        let same = attempts.iter().filter(|other| other.repo == one.repo && other.fingerprint == one.fingerprint);
        assert_eq!(same.count(), 1, "{what}: {} has one terminal line in {} (I3)", one.fingerprint, ran.run_id);
    }
    if let Some(report) = &ran.report {
        for pull in report.repositories.iter().flat_map(|one| &one.pull_requests) {
            if pull.state == "created" {
                let told = attempts.iter().filter(|one| one.fingerprint == pull.fingerprint).count();
                assert!(told <= 1, "{what}: a new pull request is told at most once (I3)");
            }
        }
    }
}

/// I1: at most one open pull request a failure; returns how many there are.
pub(super) async fn at_most_one_pull_a_failure(world: &World, slug: &RepoSlug, what: &str) -> usize {
    let open = world.open_pulls(slug).await;
    let mut heads: Vec<&str> = open.iter().map(|pull| pull.head.as_str()).collect();
    heads.sort_unstable();
    heads.dedup();
    assert_eq!(heads.len(), open.len(), "{what}: two pull requests of one branch (I1)");
    let all = world.pulls(slug).await;
    assert_eq!(all.len(), open.len(), "{what}: no pull request was opened and closed again (I1)");
    open.len()
}

/// Tries a kind of fault at every call until a run meets none; returns how many runs that took.
async fn every_call(failures: usize, then: Then, options: impl Fn(usize) -> Options, name: &str) -> usize {
    let mut runs = 0;
    for index in 0..500 {
        runs += 3;
        let what = format!("{name} at call {index}, {failures} failure(s), then {then:?}");
        if !three_runs(failures, options(index), then, &what).await {
            return runs;
        }
    }
    panic!("{name}: the road never ends");
}

#[rstest]
#[tokio::test]
async fn a_fault_at_any_call_ends_in_one_pull_request_a_failure_and_a_third_run_writes_nothing(
    #[values(1, 2)] failures: usize,
    #[values(Then::TwoHoursPass, Then::OwnerIsGone)] then: Then,
    #[values(0, 1, 2, 3, 4, 5, 6)] kind: usize,
) {
    let kind = FaultKind::all()[kind];
    let options = |call_index| Options { faults: vec![Fault { call_index, kind }], ..Options::default() };
    let runs = every_call(failures, then, options, &format!("{kind:?}")).await;
    assert!(runs > 30, "the road has more calls than that");
}

#[rstest]
#[tokio::test]
async fn f_27_f_35_f_56_f_65_a_process_killed_at_any_call_leaves_one_pull_request_a_failure(
    #[values(1, 2)] failures: usize,
    #[values(Then::TwoHoursPass, Then::OwnerIsGone)] then: Then,
) {
    let options = |calls| Options { crash_after: Some(calls), ..Options::default() };
    let runs = every_call(failures, then, options, "killed").await;
    assert!(runs > 30, "the road has more calls than that");
}

#[rstest]
#[tokio::test]
async fn f_68_a_fault_at_any_call_of_a_run_that_rebuilds_its_state_ends_as_well(
    #[values(0, 1, 2, 3, 4, 5, 6)] kind: usize,
) {
    let kind = FaultKind::all()[kind];
    for call_index in 0..500 {
        let (world, slug) = lost_world().await;
        let what = format!("{kind:?} at call {call_index}, after the state was lost");
        let first = Options { faults: vec![Fault { call_index, kind }], ..Options::default() };
        let met = in_three_runs(&world, &slug, 2, first, Then::TwoHoursPass, &what).await;
        let states = world.state_paths().await.into_iter().filter(|path| path.starts_with("failures/")).count();
        // A replica that does not have the commit yet cannot say whose it is; a later run reads it.
        let all = if kind == FaultKind::Lag { 1 } else { 2 };
        assert!(states >= all, "{what}: the lost state is back");
        if !met {
            return;
        }
    }
    panic!("the road never ends");
}

#[rstest]
#[tokio::test]
async fn a_fault_at_any_call_leaves_one_pull_request_for_two_failures_of_one_family(
    #[values(0, 1, 2, 3, 4, 5, 6, 7)] kind: usize,
) {
    let kind = FaultKind::all().get(kind).copied();
    for call in 0..500 {
        let (world, slug) = family_world().await;
        let first = match kind {
            Some(kind) => Options { faults: vec![Fault { call_index: call, kind }], ..Options::default() },
            None => Options { crash_after: Some(call), ..Options::default() },
        };
        let what = format!("{kind:?} at call {call}, two of one family");
        if !in_three_runs(&world, &slug, 1, first, Then::TwoHoursPass, &what).await {
            return;
        }
    }
    panic!("the road never ends");
}
