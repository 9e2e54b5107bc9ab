//! Stories of what stays on the state branch: events of runs that did something, and for how long.

use std::time::Duration;

use homeostat::event::{Event, Line};
use homeostat::forge::{Forge, STATE_SLUG};
use homeostat::model::RepoSlug;

use super::program::{Bug, bug, source};
use super::world::{Options, World};

const TOTAL: Bug = bug("src/shop.py", "total");
const PRICE: Bug = bug("src/shop.py", "price");

async fn shop() -> (World, RepoSlug) {
    let mut world = World::new(vec![TOTAL, PRICE]);
    let slug = world.repository("shop", &[("src/shop.py", &source(&["total", "price"]))]).await;
    world.report(&slug, &TOTAL).await;
    (world, slug)
}

async fn below(world: &World, folder: &str) -> Vec<String> {
    world.state_paths().await.into_iter().filter(|path| path.starts_with(folder)).collect()
}

/// Reads the events of every run on the state branch.
async fn lines(world: &World) -> Vec<Line> {
    let state: RepoSlug = STATE_SLUG.parse().expect("legal");
    let head = world.forge.branch(&state, &world.config.state.branch).await.expect("a branch").expect("a state");
    let mut lines = Vec::new();
    for entry in world.forge.tree(&state, &head).await.expect("a tree") {
        if entry.path.starts_with("events/") {
            let bytes = world.forge.blob(&state, &entry.id).await.expect("a file");
            let text = String::from_utf8(bytes).expect("text");
            lines.extend(text.lines().map(|line| serde_json::from_str::<Line>(line).expect("an event")));
        }
    }
    lines
}

fn ends(lines: &[Line]) -> usize {
    lines.iter().filter(|line| matches!(line.event, Event::AttemptFinished(_))).count()
}

#[tokio::test]
async fn a_run_that_did_something_leaves_its_events_and_one_that_did_nothing_leaves_none() {
    let (world, _) = shop().await;
    let ran = world.run().await;
    let files = below(&world, "events/").await;
    let [file] = files.as_slice() else { panic!("one run, one file: {files:?}") };
    let day = world.clock.now().day().replace('-', "/");
    assert_eq!(*file, format!("events/{day}/run-0001.jsonl"));
    let seen = lines(&world).await;
    assert_eq!(ends(&seen), 1, "the end of an attempt stands there once: {seen:?}");
    for attempt in ran.attempts() {
        let told = Event::AttemptFinished(Box::new(attempt));
        assert!(seen.iter().any(|line| line.event == told), "ids are no secrets: {seen:?}");
    }
    assert!(seen.iter().any(|line| matches!(&line.event, Event::Write(write) if write.phase == "intent")));
    let idle = world.run().await;
    assert_eq!(idle.writes, 0);
    assert_eq!(below(&world, "events/").await, files);
}

#[tokio::test]
async fn f_67_events_stand_on_the_branch_once_however_often_they_are_recorded() {
    let (world, slug) = shop().await;
    world.report(&slug, &PRICE).await;
    world.run_with(Options { publish: false, ..Options::default() }).await;
    assert_eq!(ends(&lines(&world).await), 0, "an attempt with a candidate ends when that is published");
    world.run().await;
    let seen = lines(&world).await;
    assert_eq!(ends(&seen), 2, "{seen:?}");
}

#[tokio::test]
async fn events_and_days_that_are_too_old_go_with_a_commit_that_is_written_anyway_and_never_by_themselves() {
    let (mut world, slug) = shop().await;
    world.config.state.keep_events = Duration::from_hours(10 * 24);
    world.run().await;
    let (events, days) = (below(&world, "events/").await, below(&world, "budget/").await);
    assert_eq!((events.len(), days.len()), (1, 1));
    world.hours(9 * 24);
    world.report(&slug, &PRICE).await;
    world.run().await;
    assert_eq!((below(&world, "events/").await.len(), below(&world, "budget/").await.len()), (2, 2));
    world.hours(33 * 24);
    assert_eq!(world.run().await.writes, 0, "nothing is written to tidy up");
    assert_eq!(below(&world, "events/").await.len(), 2);
    let other = world.repository("mall", &[("src/shop.py", &source(&["total"]))]).await;
    world.report(&other, &TOTAL).await;
    assert_eq!(world.run().await.pulls("created"), 1);
    let left = below(&world, "events/").await;
    assert!(left.len() == 1 && !events.contains(&left[0]), "{left:?}");
    let left = below(&world, "budget/").await;
    assert!(left.len() == 2 && !left.contains(&days[0]), "forty days are kept of what a day used: {left:?}");
}
