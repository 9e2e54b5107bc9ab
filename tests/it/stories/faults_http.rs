//! Every fault at every request of the whole road over HTTP: a faulted run, a clean run, and a third that writes nothing.
//!
//! By default a sample that is the same each time; `HOMEOSTAT_EVERY_FAULT=1` tries them all.

use std::sync::Arc;

use homeostat::forge::STATE_SLUG;
use rstest::rstest;

use super::faults::{
    Road, Then, after_the_fault, at_most_one_pull_a_failure, exactly_one_terminal_event, lines, world,
};
use super::world::{Options, Ran, World};
use crate::http::{Door, Fault, Kind, TOKEN, client, impatient};

/// Of so many requests one is tried by default.
const SAMPLE: usize = 9;

/// Runs go through the client and a socket.
pub(super) struct Http {
    pub(super) door: Door,
}

impl Http {
    pub(super) async fn open(world: &World) -> Self {
        Self { door: Door::open(world.forge.clone(), world.clock.clone(), 30).await }
    }

    /// Makes a run with these faults.
    pub(super) async fn with_faults(&self, world: &World, faults: Vec<Fault>) -> Ran {
        self.door.set_faults(faults);
        let slugs = slugs(world);
        let slugs: Vec<&str> = slugs.iter().map(String::as_str).collect();
        world.run_on(Arc::new(client(&self.door, world.clock.clone(), &slugs)), Options::default()).await
    }

    /// Makes a run whose client loses patience soon where one is expected to.
    async fn faulted(&self, world: &World, fault: Fault, soon: bool) -> Ran {
        self.door.set_faults(vec![fault]);
        let slugs = slugs(world);
        let slugs: Vec<&str> = slugs.iter().map(String::as_str).collect();
        let make = if soon { impatient } else { client };
        world.run_on(Arc::new(make(&self.door, world.clock.clone(), &slugs)), Options::default()).await
    }
}

pub(super) fn slugs(world: &World) -> Vec<String> {
    let own = world.config.repositories.iter().map(|policy| policy.slug.to_string());
    own.chain([STATE_SLUG.to_owned()]).collect()
}

impl Road for Http {
    async fn run(&self, world: &World, options: Options) -> Ran {
        self.door.set_faults(Vec::new());
        let before = self.door.journal().len();
        let slugs = slugs(world);
        let slugs: Vec<&str> = slugs.iter().map(String::as_str).collect();
        let ran = world.run_on(Arc::new(client(&self.door, world.clock.clone(), &slugs)), options).await;
        // What the port counts as writes is what the server saw.
        let written = self.door.journal()[before..].iter().filter(|entry| entry.applied).count();
        assert_eq!(written == 0, ran.writes == 0, "{} writes and {written} requests that wrote", ran.writes);
        ran
    }
}

/// Runs the three runs; returns whether the fault was met.
async fn three_runs(failures: usize, index: usize, kind: Kind, then: Then) -> bool {
    let what = format!("{kind:?} at request {index}, {failures} failure(s), then {then:?}");
    let (world, slug) = world(failures).await;
    let main = world.forge.world(&slug).await.expect("a repository").refs["main"].clone();
    let http = Http::open(&world).await;
    let faulted = http.faulted(&world, Fault::at(index, kind), kind.needs_patience()).await;
    let met = http.door.faults_met() > 0;
    exactly_one_terminal_event(&faulted, &what);
    at_most_one_pull_a_failure(&world, &slug, &what).await;
    // I6: a run ends well, or says that it has to be tried again, or that somebody has to look; a repository that is
    // not there is a mistake of the configuration.
    assert!([0, 2, 3, 4].contains(&faulted.class.code()), "{what}: {:?}\n{}", faulted.class, lines(&faulted));
    after_the_fault(&world, &slug, failures, &main, &http, then, &what).await;
    no_secret_left(&world, &http, &faulted, &what).await;
    met
}

/// I7: the token is in the head of requests, and nowhere else.
async fn no_secret_left(world: &World, http: &Http, ran: &Ran, what: &str) {
    let events = serde_json::to_string(&ran.events).expect("events");
    let kept = serde_json::to_string(&world.everything().await).expect("a world");
    let sent: Vec<String> =
        http.door.journal().iter().map(|entry| format!("{} {:?}", entry.target, entry.body)).collect();
    for (sink, text) in [("events", events), ("forge", kept), ("requests", sent.join("\n")), ("log", lines(ran))] {
        assert!(!text.contains(TOKEN), "{what}: the token is in {sink} (I7)");
    }
}

fn every_one() -> bool {
    std::env::var_os("HOMEOSTAT_EVERY_FAULT").is_some()
}

#[rstest]
#[tokio::test]
async fn a_fault_at_any_request_ends_in_one_pull_request_a_failure_and_a_third_run_writes_nothing(
    #[values(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17)] kind: usize,
) {
    let (place, kind) = (kind, Kind::ALL[kind]);
    let mut runs = 0;
    let step = if every_one() { 1 } else { SAMPLE };
    // Each kind begins elsewhere, so that together they see every request.
    let mut index = if every_one() { 0 } else { (place * 4) % SAMPLE };
    loop {
        let failures = 1 + usize::from(index % 5 == 3);
        let then = if index % 2 == 0 { Then::TwoHoursPass } else { Then::OwnerIsGone };
        runs += 3;
        if !three_runs(failures, index, kind, then).await {
            break;
        }
        index += step;
        assert!(index < 1_000, "the road never ends");
    }
    println!("{kind:?}: {runs} runs over HTTP, requests 0 to {index}, no invariant broken");
    assert!(index > 20, "the road has more requests than that");
}
