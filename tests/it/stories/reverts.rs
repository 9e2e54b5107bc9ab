//! Stories of a base that turns red with a merge of ours: it is said once, and taken back by a draft where the policy says so.

use homeostat::forge::faults::{Fault, FaultKind};
use homeostat::forge::rules::MergeStyle;
use homeostat::forge::{Conclusion, Forge, PullState};
use homeostat::model::{BranchName, Mode, ObjectId, PullEnd, RepoSlug};
use homeostat::plan;
use homeostat::render::OutcomesReport;

use super::failed_runs::{ci, log_of};
use super::program::{Bug, bug, source};
use super::world::{Options, Ran, World};

const TOTAL: Bug = bug("src/shop.py", "total");
const PRICE: Bug = bug("src/shop.py", "price");

fn main_branch() -> BranchName {
    "main".parse().expect("legal")
}

/// A world in which CI passed, and a pull request of ours was merged.
async fn merged(style: MergeStyle) -> (World, RepoSlug, u64, ObjectId) {
    let mut world = World::new(vec![TOTAL, PRICE]);
    let files = [("src/shop.py", source(&["total"])), ("src/desk.py", "open = True\n".to_owned())];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let slug = world.repository("shop", &files).await;
    world.policy(&slug).native_fixers.revert_first = true;
    world.report(&slug, &TOTAL).await;
    assert_eq!(world.run().await.pulls("created"), 1);
    ci(&world, &slug, Conclusion::Success, b"").await;
    let before = tree_of_main(&world, &slug).await;
    let pull = world.open_pulls(&slug).await[0].number;
    world.forge.merge_pull(&slug, pull, "ann", style).await.expect("it merges");
    world.tick();
    (world, slug, pull, before)
}

/// The same, and CI fails on the merge in a way that nobody knew.
async fn red() -> (World, RepoSlug, u64, ObjectId) {
    let (world, slug, pull, before) = merged(MergeStyle::Squash).await;
    ci(&world, &slug, Conclusion::Failure, &log_of(&["price"])).await;
    (world, slug, pull, before)
}

async fn tree_of_main(world: &World, slug: &RepoSlug) -> ObjectId {
    let head = world.forge.branch(slug, &main_branch()).await.expect("refs").expect("main");
    world.forge.commit(slug, &head).await.expect("a commit").tree
}

async fn read(world: &World) -> (OutcomesReport, Ran) {
    let (report, ran) = world.outcomes(Options::default()).await;
    (report.expect("the forge answers"), ran)
}

fn reverts(report: &OutcomesReport) -> Vec<(u64, Option<u64>)> {
    report.repositories[0].red.iter().map(|red| (red.number, red.revert)).collect()
}

#[tokio::test]
async fn a_merge_with_which_the_base_turned_red_is_taken_back_by_one_draft() {
    for style in [MergeStyle::Squash, MergeStyle::Merge] {
        let (world, slug, pull, before) = merged(style).await;
        ci(&world, &slug, Conclusion::Failure, &log_of(&["price"])).await;
        let (report, _) = read(&world).await;
        let [revert] = world.open_pulls(&slug).await.try_into().expect("one pull request");
        assert_eq!(reverts(&report), [(pull, Some(revert.number))], "{report:?}");
        assert!(revert.draft && revert.head == plan::revert_branch(pull) && revert.title.starts_with("revert: "));
        if style == MergeStyle::Squash {
            let body = revert.body.replace(
                &world.forge.pull(&slug, pull).await.expect("it").merge_sha.expect("a merge").to_string(),
                "<merge>",
            );
            insta::assert_snapshot!("revert_pull_request", body);
        }
        let head = world.forge.commit(&slug, &revert.head_sha).await.expect("a commit");
        assert_eq!(head.tree, before, "byte for byte as it was");
        let (again, ran) = read(&world).await;
        assert_eq!((reverts(&again).len(), ran.writes), (0, 0), "{again:?}");
        world.forge.merge_pull(&slug, revert.number, "ann", MergeStyle::Squash).await.expect("it merges");
        world.tick();
        let (told, _) = read(&world).await;
        assert_eq!(
            told.repositories[0].outcomes.iter().map(|one| (one.number, one.outcome)).collect::<Vec<_>>(),
            [(pull, PullEnd::Reverted)]
        );
        assert_eq!(world.run().await.pulls("created"), 0, "a revert is a word");
    }
}

#[tokio::test]
async fn without_the_policy_it_is_only_said_and_in_mode_observe_and_a_dry_run_as_well() {
    let (mut world, slug, pull, _) = red().await;
    world.policy(&slug).native_fixers.revert_first = false;
    let (report, _) = read(&world).await;
    assert_eq!(reverts(&report), [(pull, None)]);
    assert!(report.repositories[0].notes[0].contains("turned red with the merge"), "{report:?}");
    assert_eq!(read(&world).await.1.writes, 0, "said once");

    let (mut world, slug, pull, _) = red().await;
    let dry = Options { dry_run: true, ..Options::default() };
    let (report, ran) = world.outcomes(dry).await;
    assert_eq!((reverts(&report.expect("an answer")), ran.writes), (vec![(pull, None)], 0));
    world.policy(&slug).mode = Mode::Observe;
    assert_eq!(reverts(&read(&world).await.0), [(pull, None)]);
    assert!(world.open_pulls(&slug).await.is_empty());
}

#[tokio::test]
async fn nothing_is_blamed_on_a_merge_that_something_else_can_explain() {
    // The very failure that was to be fixed: it is a regression, not a new one.
    let (world, _, _, _) = {
        let made = merged(MergeStyle::Squash).await;
        ci(&made.0, &made.1, Conclusion::Failure, &log_of(&["total"])).await;
        made
    };
    assert_eq!(reverts(&read(&world).await.0), []);
    // Somebody else's commit came before CI ran.
    let (world, slug, _, _) = merged(MergeStyle::Squash).await;
    let files = [("src/desk.py", Some("open = False\n"))];
    world.forge.commit_files(&slug, "bob", &main_branch(), &files, "Close\n").await.expect("a push");
    ci(&world, &slug, Conclusion::Failure, &log_of(&["price"])).await;
    assert_eq!(reverts(&read(&world).await.0), []);
    // It passed again since.
    let (world, slug, _, _) = red().await;
    ci(&world, &slug, Conclusion::Success, b"").await;
    assert_eq!(reverts(&read(&world).await.0), []);
}

#[tokio::test]
async fn what_cannot_be_brought_back_byte_for_byte_is_not_proposed() {
    let (world, slug, pull, _) = red().await;
    let mended = format!("{}# by hand\n", source(&[]));
    let files = [("src/shop.py", Some(mended.as_str()))];
    world.forge.commit_files(&slug, "bob", &main_branch(), &files, "Mend\n").await.expect("a push");
    let (report, _) = read(&world).await;
    assert_eq!(reverts(&report), [(pull, None)]);
    assert!(report.repositories[0].notes[0].contains("changed since"), "{report:?}");
    // Another file of the base moved on: that stays.
    let (world, slug, pull, _) = red().await;
    let files = [("src/desk.py", Some("open = False\n"))];
    world.forge.commit_files(&slug, "bob", &main_branch(), &files, "Close\n").await.expect("a push");
    let (report, _) = read(&world).await;
    let [revert] = world.open_pulls(&slug).await.try_into().expect("one pull request");
    assert_eq!(reverts(&report), [(pull, Some(revert.number))]);
    let tree = world.forge.tree(&slug, &revert.head_sha).await.expect("a tree");
    let desk = tree.iter().find(|entry| entry.path == "src/desk.py").expect("a file");
    assert_eq!(world.forge.blob(&slug, &desk.id).await.expect("a blob"), b"open = False\n");
}

#[tokio::test]
async fn a_revert_that_a_person_closed_and_a_branch_of_theirs_are_left_alone() {
    let (world, slug, pull, _) = red().await;
    let files = [("mine.txt", Some("mine\n"))];
    world.forge.commit_files(&slug, "bob", &plan::revert_branch(pull), &files, "mine\n").await.expect("a push");
    let (report, _) = read(&world).await;
    assert_eq!(reverts(&report), [(pull, None)]);
    assert!(world.open_pulls(&slug).await.is_empty());

    let (world, slug, _, _) = red().await;
    read(&world).await;
    let revert = world.open_pulls(&slug).await[0].number;
    world.forge.close_thread(&slug, revert, "ann").await.expect("it closes");
    world.tick();
    assert_eq!(read(&world).await.1.writes, 0);
    assert!(world.open_pulls(&slug).await.is_empty());
}

#[tokio::test]
async fn whatever_fails_at_whatever_call_there_is_one_revert_in_the_end() {
    let calls = {
        let (world, ..) = red().await;
        world.outcomes(Options::default()).await.1.log.len()
    };
    let kinds = [FaultKind::Transient, FaultKind::AppliedThenLost, FaultKind::NotAppliedThenLost, FaultKind::Lag];
    for call_index in 0..calls {
        for kind in kinds {
            let (world, slug, pull, _) = red().await;
            let faults = vec![Fault { call_index, kind }];
            let _first = world.outcomes(Options { faults, ..Options::default() }).await;
            read(&world).await;
            one_revert(&world, &slug, pull, &format!("{call_index} {kind:?}")).await;
        }
        let (world, slug, pull, _) = red().await;
        let _killed = world.outcomes(Options { crash_after: Some(call_index), ..Options::default() }).await;
        read(&world).await;
        one_revert(&world, &slug, pull, &format!("killed after {call_index}")).await;
    }
}

async fn one_revert(world: &World, slug: &RepoSlug, pull: u64, what: &str) {
    let all = world.pulls(slug).await;
    let made = all.iter().filter(|one| one.head == plan::revert_branch(pull) && one.state == PullState::Open).count();
    assert_eq!(made, 1, "{what}");
    assert_eq!(read(world).await.1.writes, 0, "{what}");
}
