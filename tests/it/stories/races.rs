//! Two runs at once over one forge, their calls in generated orders: one pull request a failure.

use std::sync::Arc;

use homeostat::forge::faults::Turns;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::program::{Bug, bug, mend, source};
use super::world::{Options, World};

const TOTAL: Bug = bug("src/shop.py", "total");

/// Lets two runs go in an order; `apart` gives the second another patch.
async fn race(order: Vec<usize>, apart: bool) {
    let mut world = World::new(vec![TOTAL]);
    let slug = world.repository("shop", &[("src/shop.py", &source(&["total"]))]).await;
    world.report(&slug, &TOTAL).await;
    let turns = Turns::new(world.forge.clone(), order.clone());
    let (one, two) = (Arc::new(turns.client(0)), Arc::new(turns.client(1)));
    drop(turns);
    let mut other = World::new(vec![TOTAL]);
    other.clock = world.clock.clone();
    other.forge = world.forge.clone();
    other.workspace = world.workspace.clone();
    other.config = world.config.clone();
    other.library_digest.clone_from(&world.library_digest);
    other.number_runs_from(100);
    if apart {
        other.fixers = vec![mend("repaired")];
    }
    let (first, second) = tokio::join!(world.run_on(one, Options::default()), other.run_on(two, Options::default()));
    for ran in [&first, &second] {
        assert!(matches!(ran.class.code(), 0 | 4), "{order:?}: {:?}", ran.class);
    }
    assert!(world.pulls(&slug).await.len() <= 1, "{order:?}: {:?}", world.pulls(&slug).await);
    world.hours(2);
    let clean = world.run().await;
    assert_eq!(clean.class.code(), 0, "{order:?}");
    assert_eq!(world.pulls(&slug).await.len(), 1, "{order:?}: one pull request, whoever was first");
    let third = world.run().await;
    assert_eq!(third.writes, 0, "{order:?}: then nothing is written");
}

fn generated(apart: bool, seed: u8) {
    let config = Config { cases: 40, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]));
    let orders = proptest::collection::vec(0_usize..2, 0..140);
    runner
        .run(&orders, |order| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(race(order, apart));
            Ok(())
        })
        .expect("every order ends in one pull request");
}

#[test]
fn f_53_two_runs_at_the_same_instant_make_one_pull_request() {
    generated(false, 1);
}

#[test]
fn f_54_two_runs_with_different_patches_keep_the_first() {
    generated(true, 2);
}
