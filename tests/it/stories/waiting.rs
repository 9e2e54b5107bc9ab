//! Stories of candidates that wait on the state branch: whose run publishes them, and how they end when nobody does.

use homeostat::engine::Selection;
use homeostat::forge::{Forge, Label};
use homeostat::model::{RepoSlug, Status};

use super::program::{Bug, bug, source};
use super::world::{Options, World};

const TOTAL: Bug = bug("src/shop.py", "total");

/// Two repositories with one failure each, proved and not published.
async fn two_waiting() -> (World, RepoSlug, RepoSlug) {
    let mut world = World::new(vec![TOTAL]);
    let shop = world.repository("shop", &[("src/shop.py", &source(&["total"]))]).await;
    let mall = world.repository("mall", &[("src/shop.py", &source(&["total"]))]).await;
    world.report(&shop, &TOTAL).await;
    world.report(&mall, &TOTAL).await;
    world.run_with(Options { publish: false, ..Options::default() }).await;
    assert_eq!(candidates(&world).await, 2);
    (world, shop, mall)
}

async fn candidates(world: &World) -> usize {
    world.state_paths().await.iter().filter(|path| path.starts_with("candidates/")).count()
}

#[tokio::test]
async fn a_run_for_one_repository_publishes_what_waits_for_that_one_alone() {
    let (world, shop, mall) = two_waiting().await;
    let selection = Selection { only: Some(mall.clone()), issue: None, ..Selection::default() };
    let ran = world.run_with(Options { selection, ..Options::default() }).await;
    assert_eq!(ran.pulls("created"), 1);
    assert_eq!((world.pulls(&shop).await.len(), world.pulls(&mall).await.len()), (0, 1));
    assert_eq!(candidates(&world).await, 1, "the other one goes on waiting");
    assert_eq!(world.run().await.pulls("created"), 1);
    assert_eq!((world.pulls(&shop).await.len(), candidates(&world).await), (1, 0));
}

#[tokio::test]
async fn a_candidate_of_a_repository_that_is_no_longer_configured_waits_and_then_ends_as_skipped() {
    let (mut world, shop, mall) = two_waiting().await;
    world.config.repositories.retain(|policy| policy.slug == shop);
    world.run().await;
    assert_eq!(candidates(&world).await, 1, "the configuration may get the repository back");
    world.hours(8 * 24);
    let only_shop = Selection { only: Some(shop), issue: None, ..Selection::default() };
    assert_eq!(world.run_with(Options { selection: only_shop, ..Options::default() }).await.writes, 0);
    let ran = world.run().await;
    let attempts = ran.attempts();
    let [end] = attempts.as_slice() else { panic!("one end: {attempts:?}") };
    assert_eq!((end.repo.as_str(), end.status), ("acme/mall", Status::Skipped));
    assert_eq!(end.reason.map(|reason| reason.to_string()).as_deref(), Some("expired"));
    assert_eq!((candidates(&world).await, world.pulls(&mall).await.len()), (0, 0));
    assert_eq!(world.run().await.writes, 0);
}

#[tokio::test]
async fn what_was_proven_before_people_paused_the_repository_waits_with_them() {
    let (world, shop, mall) = two_waiting().await;
    let body = homeostat::render::outcomes::tracking_body();
    let issue = world.forge.create_issue(&shop, "Homeostat", &body).await.expect("an issue").number;
    let label = "homeostat:paused";
    let made = Label { name: label.to_owned(), color: "d93f0b".to_owned(), description: String::new() };
    world.forge.create_label(&shop, &made).await.expect("a label");
    world.forge.add_labels(&shop, issue, &[label.to_owned()]).await.expect("a label");
    let ran = world.run().await;
    assert!(ran.has_reason("paused"), "{:?}", ran.reasons());
    assert_eq!((world.pulls(&shop).await.len(), world.pulls(&mall).await.len()), (0, 1));
    assert_eq!((candidates(&world).await, world.run().await.writes), (1, 0), "it waits, and says so without a write");
    world.forge.unlabel_as(&shop, issue, "ann", label).await.expect("a label");
    assert_eq!(world.run().await.pulls("created"), 1);
}
