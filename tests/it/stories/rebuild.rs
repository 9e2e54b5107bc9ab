//! A lost or rewound state branch: what comes back from our own pull requests, and what nobody can plant.

use homeostat::event::Event;
use homeostat::forge::rules::{MergeStyle, actor};
use homeostat::forge::{Forge, NewPull, STATE_SLUG};
use homeostat::model::{FailureState, Family, Fingerprint, ObjectId, RepoSlug};
use homeostat::plan;
use homeostat::render::marker;

use super::program::{Bug, bug, source};
use super::world::{Options, Ran, World};

const TOTAL: Bug = bug("src/shop.py", "total");
const PRICE: Bug = bug("src/shop.py", "price");
const STOCK: Bug = bug("src/shop.py", "stock");

fn state_slug() -> RepoSlug {
    STATE_SLUG.parse().expect("legal")
}

/// A shop with three bugs, of which the first has an open pull request.
async fn opened() -> (World, RepoSlug) {
    let mut world = World::new(vec![TOTAL, PRICE, STOCK]);
    let text = source(&["total", "price", "stock"]);
    let slug = world.repository("shop", &[("src/shop.py", &text)]).await;
    world.report(&slug, &TOTAL).await;
    assert_eq!(world.run().await.pulls("created"), 1);
    world.tick();
    (world, slug)
}

async fn state_head(world: &World) -> ObjectId {
    world.forge.branch(&state_slug(), &world.config.state.branch).await.expect("a repository").expect("a branch")
}

async fn set_state(world: &World, to: Option<&ObjectId>) {
    world.forge.force_branch(&state_slug(), "acme", &world.config.state.branch, to).await.expect("a branch");
}

/// Reads a file of the state branch.
async fn file(world: &World, path: &str) -> Option<serde_json::Value> {
    let head = world.forge.branch(&state_slug(), &world.config.state.branch).await.ok()??;
    let entry = world.forge.tree(&state_slug(), &head).await.ok()?.into_iter().find(|entry| entry.path == path)?;
    serde_json::from_slice(&world.forge.blob(&state_slug(), &entry.id).await.ok()?).ok()
}

/// Reads the state of a failure, by what its branch is called.
async fn failure(world: &World, fingerprint: &str) -> Option<FailureState> {
    let fp16 = fingerprint.strip_prefix("hf1:").map(|rest| rest[..16].to_owned())?;
    let paths = world.state_paths().await;
    let path = paths.iter().find(|path| path.starts_with("failures/") && path.contains(&fp16))?;
    serde_json::from_value(file(world, path).await?).ok()
}

async fn ledger_lost(world: &World) -> bool {
    let day = format!("budget/{}.json", world.clock.now().day());
    file(world, &day).await.is_some_and(|day| day["ledger_lost"] == true)
}

/// Lists the failures that a run tells as recovered.
fn recovered(ran: &Ran) -> Vec<String> {
    let told = |event: &Event| match event {
        Event::Recovered(recovered) => Some(recovered.fingerprint.clone()),
        _ => None,
    };
    ran.events.iter().filter_map(told).collect()
}

/// Returns the failure that a body's first line speaks of.
async fn fingerprint_of(world: &World, slug: &RepoSlug, place: usize) -> String {
    let body = world.pulls(slug).await[place].body.clone();
    marker::read(&body).expect("a body of ours").fingerprint.to_string()
}

#[tokio::test]
async fn f_68_a_lost_state_branch_is_rebuilt_with_the_next_write_that_happens_anyway() {
    let (world, slug) = opened().await;
    let total = fingerprint_of(&world, &slug, 0).await;
    let before = failure(&world, &total).await.expect("a state");
    world.hours(24);
    assert!(!ledger_lost(&world).await);
    set_state(&world, None).await;
    let quiet = world.run().await;
    assert_eq!((quiet.writes, recovered(&quiet).len()), (0, 0), "nothing is written for that alone");
    assert!(world.state_paths().await.is_empty());
    world.report(&slug, &PRICE).await;
    let ran = world.run().await;
    assert_eq!(ran.pulls("created"), 1, "patterns go on: {:#?}", ran.report);
    assert_eq!(recovered(&ran), std::slice::from_ref(&total));
    assert_eq!(failure(&world, &total).await, Some(before), "all that the body knew");
    assert!(ledger_lost(&world).await, "no money that day");
    assert_eq!(world.run().await.writes, 0);
    world.report(&slug, &STOCK).await;
    let next = world.run().await;
    assert_eq!((next.pulls("created"), recovered(&next).len()), (1, 0), "once is enough");
    assert!(ledger_lost(&world).await, "the mark stays that day");
    world.hours(24);
    assert!(!ledger_lost(&world).await, "and is gone with it");
}

#[tokio::test]
async fn f_68_a_fleet_without_a_trace_of_ours_is_at_its_first_run_and_loses_no_money() {
    let (world, _) = opened().await;
    assert!(!ledger_lost(&world).await, "nothing was lost that never was");
}

#[tokio::test]
async fn f_68_any_trace_of_ours_without_a_state_branch_is_a_loss() {
    const MARK: &str = "<!-- homeostat:duplicate -->";
    // A pull request of another failure, merged long ago; a branch alone; a comment alone.
    for trace in ["pull", "branch", "comment"] {
        let mut world = World::new(vec![TOTAL]);
        let slug = world.repository("shop", &[("src/shop.py", &source(&["total"]))]).await;
        let other = world.repository("mall", &[("README.md", "nothing\n")]).await;
        let issue = world.report(&slug, &TOTAL).await;
        let main = "main".parse().expect("legal");
        let base = world.forge.branch(&other, &main).await.expect("a repository").expect("a branch");
        let name = plan::branch_for(&Fingerprint::of(b"elsewhere"), 1);
        match trace {
            "comment" => {
                world.forge.comment_as(&slug, issue, "acme", &format!("{MARK}\nsee there")).await.expect("a comment");
            }
            "branch" => world.forge.create_branch(&other, &name, &base).await.expect("a branch"),
            _ => {
                let files = [("a.txt", Some("a\n"))];
                world.forge.create_branch(&other, &name, &base).await.expect("a branch");
                world.forge.commit_files(&other, "acme", &name, &files, "a").await.expect("a commit");
                let pull =
                    NewPull { title: "t".into(), body: "b".into(), head: name.clone(), base: main, draft: false };
                let number = world.forge.create_pull(&other, &pull).await.expect("a pull request").number;
                world.forge.merge_pull(&other, number, "acme", MergeStyle::Squash).await.expect("it merges");
                world.forge.force_branch(&other, "acme", &name, None).await.expect("it goes");
            }
        }
        world.tick();
        assert_eq!(world.run().await.pulls("created"), 1, "{trace}: patterns go on");
        assert!(ledger_lost(&world).await, "{trace}");
    }
}

#[tokio::test]
async fn f_68_a_closed_pull_request_gives_back_its_episode_and_the_word_that_opened_it() {
    let (mut world, slug) = opened().await;
    let close = async |world: &World, place: usize| {
        let number = world.pulls(&slug).await[place].number;
        world.forge.close_thread(&slug, number, "acme").await.expect("it closes");
        world.tick();
    };
    close(&world, 0).await;
    world.forge.comment_as(&slug, 1, "acme", "/homeostat retry").await.expect("a comment");
    world.fixers = vec![super::program::mend("repaired")];
    world.tick();
    assert_eq!(world.run().await.pulls("created"), 1);
    let total = fingerprint_of(&world, &slug, 1).await;
    close(&world, 1).await;
    let before = failure(&world, &total).await.expect("a state");
    assert_eq!((before.episode, before.words_used.len()), (2, 1));
    set_state(&world, None).await;
    world.report(&slug, &PRICE).await;
    let ran = world.run().await;
    assert!(ran.has_reason("human-closed"), "{:?}", ran.reasons());
    let after = failure(&world, &total).await.expect("a state");
    assert_eq!((after.episode, after.attempts, &after.words_used), (2, before.attempts, &before.words_used));
}

#[tokio::test]
async fn f_68_a_merged_pull_request_gives_back_its_state_however_it_was_merged() {
    for style in [MergeStyle::Merge, MergeStyle::Squash, MergeStyle::Rebase] {
        let (mut world, slug) = opened().await;
        let total = fingerprint_of(&world, &slug, 0).await;
        let number = world.pulls(&slug).await[0].number;
        world.forge.merge_pull(&slug, number, "acme", style).await.expect("it merges");
        world.tick();
        set_state(&world, None).await;
        world.forge.reopen_thread(&slug, 1, "acme").await.expect("it opens again");
        world.fixers = vec![super::program::mend("repaired")];
        world.tick();
        let ran = world.run().await;
        assert_eq!(recovered(&ran), std::slice::from_ref(&total), "{style:?}: {:?}", ran.reasons());
        assert_eq!(failure(&world, &total).await.map(|state| state.episode), Some(2), "{style:?}");
    }
}

#[tokio::test]
async fn f_68_a_rewound_state_branch_is_raised_to_what_pull_requests_know() {
    let (world, slug) = opened().await;
    let old = state_head(&world).await;
    world.hours(25);
    world.report(&slug, &PRICE).await;
    assert_eq!(world.run().await.pulls("created"), 1);
    let price = fingerprint_of(&world, &slug, 1).await;
    let before = failure(&world, &price).await.expect("a state");
    set_state(&world, Some(&old)).await;
    assert_eq!(failure(&world, &price).await, None);
    assert_eq!(world.run().await.writes, 0);
    world.report(&slug, &STOCK).await;
    let ran = world.run().await;
    assert_eq!(recovered(&ran), std::slice::from_ref(&price));
    assert_eq!(failure(&world, &price).await, Some(before));
    assert!(ledger_lost(&world).await, "what was spent since is not known");
}

#[tokio::test]
async fn f_68_a_state_file_that_cannot_be_read_stops_its_repository_with_its_name() {
    let (world, slug) = opened().await;
    let path = world.state_paths().await.into_iter().find(|path| path.starts_with("failures/")).expect("a state");
    let broken = [(path.as_str(), Some("{ half"))];
    let branch = &world.config.state.branch;
    world.forge.commit_files(&state_slug(), "acme", branch, &broken, "Oops\n").await.expect("a push");
    world.report(&slug, &PRICE).await;
    let ran = world.run().await;
    assert_eq!(ran.writes, 0, "it fails closed");
    let said = format!("{:?}", ran.report().repositories);
    assert!(said.contains(&path) && said.contains("state branch cannot be read"), "{said}");
}

/// A state that would stop every attempt, if anybody believed it.
fn planted(fingerprint: &Fingerprint) -> String {
    let mut state = FailureState::new(fingerprint.clone(), Family::of(b"planted"), 1);
    state.attempts = 99;
    state.backoff_until = Some(homeostat::model::Timestamp::from_millis(i64::MAX / 2));
    marker::write(&state)
}

#[tokio::test]
async fn v_09_a_marker_in_an_issue_or_an_outsiders_comment_is_never_read() {
    let mut world = World::new(vec![TOTAL]);
    let slug = world.repository("shop", &[("src/shop.py", &source(&["total"]))]).await;
    let issue = world.report(&slug, &TOTAL).await;
    let (twin, there) = opened().await;
    let fingerprint = fingerprint_of(&twin, &there, 0).await;
    let marker = planted(&fingerprint.parse().expect("ours"));
    let body = format!("{marker}\n{}", TOTAL.body());
    world.forge.edit_issue(&slug, issue, "acme", None, Some(&body)).await.expect("an edit");
    world.forge.comment_as(&slug, issue, "outsider", &marker).await.expect("a comment");
    let ran = world.run().await;
    assert_eq!((ran.pulls("created"), recovered(&ran).len()), (1, 0), "{:?}", ran.reasons());
    assert_eq!(ran.attempts()[0].attempt, 1);
}

#[tokio::test]
async fn v_09_f_68_a_pull_request_by_somebody_else_from_a_branch_of_our_name_rebuilds_nothing() {
    let mut world = World::new(vec![TOTAL, PRICE]);
    let slug = world.repository("shop", &[("src/shop.py", &source(&["total", "price"]))]).await;
    world.report(&slug, &TOTAL).await;
    // The branch is what we ourselves would have made, trailer and all: only who opened the pull request tells.
    let calls = world_calls_until_pull().await;
    world.run_with(Options { crash_after: Some(calls), ..Options::default() }).await;
    let refs = world.forge.world(&slug).await.expect("a repository").refs;
    let ours = refs.keys().find(|name| plan::branch_grammar(name).is_some()).expect("a branch of ours").clone();
    let head = world.forge.commit(&slug, &refs[&ours]).await.expect("a commit");
    let trailer = plan::Trailer::read(&head.message).expect("a trailer of ours");
    let pull = NewPull {
        title: "Mine".to_owned(),
        body: planted(&trailer.fingerprint),
        head: ours.parse().expect("legal"),
        base: "main".parse().expect("legal"),
        draft: false,
    };
    world.forge.open_pull(&slug, &pull, &actor("outsider")).await.expect("a pull request");
    set_state(&world, None).await;
    world.report(&slug, &PRICE).await;
    let ran = world.run().await;
    assert_eq!((ran.pulls("created"), recovered(&ran).len()), (1, 0), "{:?}", ran.reasons());
    assert_eq!(failure(&world, &trailer.fingerprint.to_string()).await, None, "nothing of theirs is believed");
}

#[tokio::test]
async fn v_09_a_pull_request_of_ours_whose_branch_somebody_rewrote_rebuilds_nothing() {
    let (world, slug) = opened().await;
    let total = fingerprint_of(&world, &slug, 0).await;
    let head = world.open_pulls(&slug).await[0].head.clone();
    world.forge.commit_files(&slug, "friend", &head, &[("note.md", Some("mine\n"))], "Mine\n").await.expect("a push");
    set_state(&world, None).await;
    world.report(&slug, &PRICE).await;
    let ran = world.run().await;
    assert_eq!((ran.pulls("created"), recovered(&ran).len()), (1, 0), "{:?}", ran.reasons());
    assert_eq!(failure(&world, &total).await, None);
}

/// Returns how many calls come before the pull request is asked for, in a world like the one above.
async fn world_calls_until_pull() -> usize {
    let mut world = World::new(vec![TOTAL, PRICE]);
    let slug = world.repository("shop", &[("src/shop.py", &source(&["total", "price"]))]).await;
    world.report(&slug, &TOTAL).await;
    world.run().await.log.iter().position(|line| line.call.op == "create_pull").expect("the road has that call")
}
