//! Stories of a repository that is set up: one pull request that adds files, once, and replaces none.

use homeostat::config::{CONFIG_PATH, InitRepo, WORKFLOW_PATH, first_config, first_workflow};
use homeostat::engine::init::{Proposed, Wish, guess};
use homeostat::forge::Forge;
use homeostat::forge::faults::{Fault, FaultKind};
use homeostat::forge::rules::MergeStyle;
use homeostat::model::{BranchName, Reason, RepoSlug};
use homeostat::plan;
use homeostat::render::InitFile;

use super::world::{Options, Ran, StillSystem, World};

const ACTION: &str = "acme/homeostat@0123456789abcdef0123456789abcdef01234567";

async fn shop() -> (World, RepoSlug) {
    let mut world = World::new(Vec::new());
    let files = [("README.md", "A shop.\n"), ("Cargo.toml", "[package]\nname = \"shop\"\n")];
    let slug = world.repository("shop", &files).await;
    (world, slug)
}

/// What `init --pull-request` would propose for one repository.
async fn files(world: &World, slug: &RepoSlug) -> (Vec<InitRepo>, Vec<InitFile>) {
    let repositories = vec![guess(&*world.forge, &StillSystem(world.clock.clone()), slug).await.expect("a guess")];
    let file = |path: &str, content: String| InitFile { path: path.parse().expect("legal"), content, what: "a file" };
    let action = ACTION.parse().expect("legal");
    let files = vec![
        file(CONFIG_PATH, first_config(&repositories)),
        file(WORKFLOW_PATH, first_workflow(&action, repositories.len())),
    ];
    (repositories, files)
}

async fn init_with(world: &World, slug: &RepoSlug, options: Options) -> (Option<Proposed>, Ran) {
    let (repositories, files) = files(world, slug).await;
    let todos = ["Run `homeostat doctor`.".to_owned()];
    let wish = Wish { into: slug, files, repositories: &repositories, todos: &todos };
    world.init(&wish, options).await
}

async fn init(world: &World, slug: &RepoSlug) -> (Proposed, u64) {
    let (proposed, ran) = init_with(world, slug, Options::default()).await;
    (proposed.expect("the forge answers"), ran.writes)
}

fn state(proposed: &Proposed) -> (Option<&'static str>, Option<&'static str>) {
    (proposed.state, proposed.reason.map(Reason::as_str))
}

fn main() -> BranchName {
    "main".parse().expect("legal")
}

#[tokio::test]
async fn a_repository_gets_one_pull_request_with_configuration_and_workflow() {
    let (world, slug) = shop().await;
    let (dry, ran) = init_with(&world, &slug, Options { dry_run: true, ..Options::default() }).await;
    let dry = dry.expect("the forge answers");
    assert_eq!((state(&dry), ran.writes, dry.actions.len()), ((None, Some("observe")), 0, 2));
    let (proposed, _) = init(&world, &slug).await;
    assert_eq!(state(&proposed), (Some("created"), None));
    let [pull] = world.open_pulls(&slug).await.try_into().expect("one pull request");
    insta::assert_snapshot!("init_pull_request", pull.body);
    assert_eq!((pull.title.as_str(), pull.draft), ("Set Homeostat up", false));
    assert_eq!(state(&init(&world, &slug).await.0), (Some("kept"), None));
    assert_eq!(init(&world, &slug).await.1, 0, "a second time writes nothing");
    world.forge.merge_pull(&slug, pull.number, "ann", MergeStyle::Squash).await.expect("a merge");
    let (there, writes) = init(&world, &slug).await;
    assert_eq!((state(&there), writes, there.there.len()), ((Some("kept"), None), 0, 2));
}

#[tokio::test]
async fn what_is_there_stays_as_it_is_also_under_another_case() {
    let (world, slug) = shop().await;
    let theirs = [(".homeostat/Repos.yml", Some("version: 1\n"))];
    world.forge.commit_files(&slug, "ann", &main(), &theirs, "mine\n").await.expect("a commit");
    let (proposed, _) = init(&world, &slug).await;
    let paths = |paths: &[homeostat::model::RepoPath]| paths.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(paths(&proposed.added), [WORKFLOW_PATH]);
    assert_eq!(paths(&proposed.there), [CONFIG_PATH]);
    let head = world.forge.branch(&slug, &plan::init_branch()).await.expect("a look").expect("a branch");
    let tree = world.forge.tree(&slug, &head).await.expect("a tree");
    let below = tree.iter().filter(|entry| entry.path.starts_with(".homeostat/")).count();
    assert_eq!((below, tree.len()), (1, 4), "{tree:?}");
}

#[tokio::test]
async fn a_persons_no_is_taken_until_the_branch_is_deleted() {
    let (world, slug) = shop().await;
    let number = init(&world, &slug).await.0.pull.expect("a pull request").number;
    world.forge.close_thread(&slug, number, "ann").await.expect("closed");
    let (left, writes) = init(&world, &slug).await;
    assert_eq!((state(&left), writes), ((Some("left"), Some("human-closed")), 0));
    assert!(left.message.contains("homeostat-init"), "{}", left.message);
    world.forge.force_branch(&slug, "ann", &plan::init_branch(), None).await.expect("deleted");
    assert_eq!(state(&init(&world, &slug).await.0), (Some("created"), None));
}

#[tokio::test]
async fn a_branch_of_that_name_with_something_else_is_left_alone() {
    let (world, slug) = shop().await;
    let files = [("mine.txt", Some("mine\n"))];
    world.forge.commit_files(&slug, "ann", &plan::init_branch(), &files, "mine\n").await.expect("a commit");
    let (left, writes) = init(&world, &slug).await;
    assert_eq!((state(&left), writes), ((Some("left"), Some("foreign-branch")), 0));
}

#[tokio::test]
async fn whatever_fails_at_whatever_call_a_repository_is_set_up_once() {
    let calls = {
        let (world, slug) = shop().await;
        init_with(&world, &slug, Options::default()).await.1.log.len()
    };
    let kinds = [FaultKind::Transient, FaultKind::AppliedThenLost, FaultKind::NotAppliedThenLost, FaultKind::Lag];
    for call_index in 0..calls {
        for kind in kinds {
            let (world, slug) = shop().await;
            let faults = vec![Fault { call_index, kind }];
            let _first = init_with(&world, &slug, Options { faults, ..Options::default() }).await;
            let (settled, _) = init(&world, &slug).await;
            assert!(
                matches!(settled.state, Some("created" | "kept" | "adopted")),
                "{call_index} {kind:?}: {settled:?}"
            );
            assert_eq!(world.pulls(&slug).await.len(), 1, "{call_index} {kind:?}");
            assert_eq!(init(&world, &slug).await.1, 0, "{call_index} {kind:?}");
        }
        let (world, slug) = shop().await;
        let _killed = init_with(&world, &slug, Options { crash_after: Some(call_index), ..Options::default() }).await;
        init(&world, &slug).await;
        assert_eq!(world.pulls(&slug).await.len(), 1, "killed after {call_index}");
    }
}
