//! Stories of a workflow's own token, whose pull requests start no workflow: it is said, and one is started by dispatch.

use homeostat::forge::faults::{Fault, FaultKind};
use homeostat::forge::rules::{RunRecord, Settings, Storage as _, ThreadRecord};
use homeostat::model::RepoSlug;
use homeostat::plan::Verb;

use super::faults::lines;
use super::program::{Bug, bug, source};
use super::world::{JOB, Options, Ran, World};

const TOTAL: Bug = bug("src/shop.py", "total");
const CI: &str = "on:\n  pull_request:\n  workflow_dispatch:\n";

/// The shop, worked on by somebody, with a workflow of this text that is named in the configuration.
async fn shop(login: &str, workflow: &str) -> (World, RepoSlug) {
    let mut world = World::with(vec![TOTAL], Settings { login: login.to_owned(), ..Settings::default() });
    let files = [("src/shop.py", source(&["total"])), (".github/workflows/ci.yml", workflow.to_owned())];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let slug = world.repository("shop", &files).await;
    world.policy(&slug).dispatch_ci = Some("ci.yml".to_owned());
    world.report(&slug, &TOTAL).await;
    (world, slug)
}

async fn started(world: &World, slug: &RepoSlug) -> Vec<RunRecord> {
    world.forge.storage().runs(slug).await.expect("a repository").0.into_values().collect()
}

async fn the_pull(world: &World, slug: &RepoSlug) -> ThreadRecord {
    let threads = world.forge.world(slug).await.expect("a repository").threads;
    let mut pulls = threads.into_iter().map(|one| one.thread).filter(|thread| thread.pull.is_some());
    pulls.next().expect("a pull request")
}

fn told(ran: &Ran) -> (Vec<String>, bool) {
    let pulls: Vec<_> = ran.report().repositories.iter().flat_map(|one| one.pull_requests.clone()).collect();
    (pulls.iter().flat_map(|pull| pull.warnings.clone()).collect(), pulls.iter().any(|pull| pull.runs_wait))
}

#[tokio::test]
async fn a_workflows_own_token_starts_the_named_workflow_once_and_says_that_runs_wait() {
    let (world, slug) = shop(JOB, CI).await;
    let planned = world.run_with(Options { dry_run: true, ..Options::default() }).await;
    let last = planned.report().actions.last().map(|action| action.verb);
    assert_eq!((last, planned.writes), (Some(Verb::StartWorkflow), 0));
    let ran = world.run().await;
    assert_eq!((ran.pulls("created"), ran.class.code()), (1, 0), "{}", lines(&ran));
    assert_eq!(told(&ran), (Vec::new(), true));
    let body = the_pull(&world, &slug).await.body;
    assert!(body.contains("its workflow runs wait until somebody") && body.contains("starts `ci.yml`"), "{body}");
    let runs = started(&world, &slug).await;
    let [run] = runs.as_slice() else { panic!("{runs:?}") };
    assert!(run.branch.starts_with("homeostat/") && run.event == "workflow_dispatch", "{run:?}");
    assert_eq!(world.run().await.writes, 0, "it is started once");
}

#[tokio::test]
async fn where_workflows_start_by_themselves_none_is_started_and_nothing_is_said() {
    let (world, slug) = shop("homeostat[bot]", CI).await;
    let ran = world.run().await;
    assert_eq!((ran.pulls("created"), told(&ran)), (1, (Vec::new(), false)), "{}", lines(&ran));
    assert!(!the_pull(&world, &slug).await.body.contains("wait until somebody"));
    assert!(started(&world, &slug).await.is_empty());
}

#[tokio::test]
async fn without_a_named_workflow_it_is_only_said() {
    let (mut world, slug) = shop(JOB, CI).await;
    world.policy(&slug).dispatch_ci = None;
    let ran = world.run().await;
    assert_eq!(told(&ran), (Vec::new(), true));
    let body = the_pull(&world, &slug).await.body;
    assert!(body.contains("wait until somebody") && !body.contains("besides"), "{body}");
    assert!(started(&world, &slug).await.is_empty());
}

#[tokio::test]
async fn a_workflow_that_takes_no_dispatch_is_a_warning_and_is_not_asked_for_ever() {
    let (world, slug) = shop(JOB, "on: push\n").await;
    let ran = world.run().await;
    assert_eq!((ran.pulls("created"), ran.class.code()), (1, 0), "{}", lines(&ran));
    let (warnings, waits) = told(&ran);
    assert!(matches!(warnings.as_slice(), [one] if one.contains("ci.yml could not be started")), "{warnings:?}");
    assert!(waits);
    assert_eq!(world.run().await.writes, 0);
    assert!(started(&world, &slug).await.is_empty());
}

#[tokio::test]
async fn whatever_happens_to_the_call_the_workflow_is_started_once_and_a_third_run_writes_nothing() {
    let (twin, _) = shop(JOB, CI).await;
    let log = twin.run().await.log;
    let call_index = log.iter().position(|line| line.call.op == "dispatch_workflow").expect("a call");
    for kind in FaultKind::all() {
        let (world, slug) = shop(JOB, CI).await;
        let ran = world.run_with(Options { faults: vec![Fault { call_index, kind }], ..Options::default() }).await;
        assert_eq!((ran.faults_met, world.pulls(&slug).await.len()), (1, 1), "{kind:?}");
        world.hours(2);
        let clean = world.run().await;
        assert_eq!(clean.class.code(), 0, "{kind:?}: {}", lines(&clean));
        let given_up = matches!(kind, FaultKind::Denied | FaultKind::Refused);
        assert_eq!(started(&world, &slug).await.len(), usize::from(!given_up), "{kind:?}");
        assert_eq!(world.pulls(&slug).await.len(), 1, "{kind:?}");
        assert_eq!(world.run().await.writes, 0, "{kind:?}");
    }
}
