//! Stories of private targets behind an operator's repository that everybody reads: refused, or worked on in silence.

use homeostat::config::PrivateTargets;
use homeostat::forge::faults::{Fault, FaultKind};
use homeostat::forge::{Forge, Repository};
use homeostat::model::{Mode, RepoSlug};
use homeostat::render::{SummaryFacts, summary};
use rstest::rstest;

use super::program::{Bug, bug, source};
use super::world::{Options, Ran, World, slug};

/// A word of the private repository's code, of its path, and of what its issue says.
const CANARY: Bug = bug("src/canary.py", "canary_total");
const OPEN: Bug = bug("src/shop.py", "total");

/// An operator's public repository, a private target with one failure, and a public one.
async fn world(private: PrivateTargets) -> (World, RepoSlug, RepoSlug) {
    let mut world = World::new(vec![CANARY, OPEN]);
    let operator = slug("operator");
    world.forge.create_repository(&operator, &[("README.md", "ours\n")]).await.expect("a repository");
    world.config.state.repository = Some(operator);
    world.config.state.private = private;
    let secret = world.repository("canary-app", &[("src/canary.py", &source(&["canary_total"]))]).await;
    let shop = world.repository("shop", &[("src/shop.py", &source(&["total"]))]).await;
    world.forge.set_private(&secret, true).expect("a repository");
    world.report(&secret, &CANARY).await;
    world.report(&shop, &OPEN).await;
    (world, secret, shop)
}

/// Everything that a run leaves where the operator's readers look: report, summary, outputs, events, state branch.
async fn left_behind(world: &World, ran: &Ran) -> String {
    let mut text = serde_json::to_string(&ran.report).expect("a report");
    let redactor = homeostat::redact::Redactor::new(&[]);
    text += &summary(ran.report(), &SummaryFacts::default(), &redactor);
    text += &serde_json::to_string(&ran.events).expect("events");
    let operator = slug("operator");
    let head = world.forge.branch(&operator, &world.config.state.branch).await.expect("a branch");
    for entry in world.forge.tree(&operator, &head.expect("a run that did something")).await.expect("a tree") {
        text += &entry.path;
        text += &String::from_utf8_lossy(&world.forge.blob(&operator, &entry.id).await.expect("a file"));
    }
    text
}

fn is_silent(text: &str) {
    let Some(at) = text.find("canary") else { return };
    let (from, to) =
        (text.floor_char_boundary(at.saturating_sub(200)), text.ceil_char_boundary((at + 100).min(text.len())));
    panic!("V-107: {}", &text[from..to]);
}

async fn id(world: &World, slug: &RepoSlug) -> u64 {
    let Repository { id, private, .. } = world.forge.repository(slug).await.expect("a repository");
    assert!(private);
    id
}

#[tokio::test]
async fn v_107_a_private_target_is_refused_as_a_mistake_of_the_configuration_and_the_others_go_on() {
    let (world, secret, shop) = world(PrivateTargets::Refuse).await;
    let ran = world.run().await;
    assert_eq!(ran.class.code(), 2);
    assert_eq!((world.pulls(&secret).await.len(), world.pulls(&shop).await.len()), (0, 1));
    let refused = &ran.report().repositories[0];
    assert!(refused.error.as_ref().is_some_and(|error| error.contains("state.private")), "{refused:?}");
    assert!(refused.slug.contains(&id(&world, &secret).await.to_string()));
    is_silent(&left_behind(&world, &ran).await);
}

#[tokio::test]
async fn v_107_an_opaque_run_fixes_a_private_target_and_leaves_no_word_of_it_where_others_read() {
    let (world, secret, shop) = world(PrivateTargets::Opaque).await;
    let ran = world.run().await;
    assert_eq!((ran.class.code(), ran.pulls("created")), (0, 2), "{:?}", ran.report);
    assert_eq!((world.open_pulls(&secret).await.len(), world.open_pulls(&shop).await.len()), (1, 1));
    let body = world.open_pulls(&secret).await.remove(0).body;
    assert!(body.contains("canary"), "what is said inside the private repository is said");
    let text = left_behind(&world, &ran).await;
    is_silent(&text);
    let id = id(&world, &secret).await;
    assert!(
        text.contains(&format!("failures/{id}/")) && text.contains(&format!("repository {id}")),
        "counted by its id"
    );
    assert_eq!(ran.attempts().len(), 2, "each attempt has its end");
    let states = world.state_paths().await;
    assert!(!states.iter().any(|path| path.starts_with("leases/") || path.starts_with("candidates/")), "{states:?}");
    let day = states.iter().find(|path| path.starts_with("budget/")).expect("a day");
    assert!(text.contains("\"pull_requests\": 2"), "{day}");
    assert_eq!(world.run().await.writes, 0);
}

/// The private target by itself, so that a run over it is short.
async fn alone() -> (World, RepoSlug) {
    let (mut world, secret, _) = world(PrivateTargets::Opaque).await;
    world.config.repositories.retain(|policy| policy.slug == secret);
    (world, secret)
}

#[rstest]
#[tokio::test]
async fn v_107_whatever_happens_to_a_call_no_word_gets_out_and_one_pull_request_comes_of_it(
    #[values(None, Some(FaultKind::Transient), Some(FaultKind::AppliedThenLost), Some(FaultKind::Denied))] kind: Option<
        FaultKind,
    >,
) {
    let (twin, _) = alone().await;
    for call in 0..twin.run().await.log.len() {
        let (world, secret) = alone().await;
        let options = match kind {
            Some(kind) => Options { faults: vec![Fault { call_index: call, kind }], ..Options::default() },
            None => Options { crash_after: Some(call), ..Options::default() },
        };
        world.run_with(options).await;
        world.hours(2);
        // A proof that could not wait is made again, after the pause that a lost attempt asks for.
        world.run().await;
        world.hours(25);
        let clean = world.run().await;
        let what = format!("{kind:?} at call {call}: {:?}", clean.report);
        assert_eq!(world.open_pulls(&secret).await.len(), 1, "{what}");
        assert_eq!(world.run().await.writes, 0, "{what}");
        is_silent(&left_behind(&world, &clean).await);
    }
}

#[tokio::test]
async fn v_107_a_private_target_works_with_run_alone_and_waits_for_no_persons_word() {
    for (apart, mode) in [(true, Mode::Ready), (false, Mode::Approve)] {
        let (mut world, secret, _) = world(PrivateTargets::Opaque).await;
        world.policy(&secret).mode = mode;
        let ran = world.run_with(Options { apart, ..Options::default() }).await;
        assert_eq!(ran.class.code(), 2, "{:?}", ran.report);
        assert!(world.pulls(&secret).await.is_empty());
        is_silent(&left_behind(&world, &ran).await);
    }
}

#[tokio::test]
async fn a_private_target_of_a_private_operator_is_a_target_like_any_other() {
    let (world, secret, _) = world(PrivateTargets::Refuse).await;
    world.forge.set_private(&slug("operator"), true).expect("a repository");
    assert_eq!(world.run().await.pulls("created"), 2);
    assert_eq!(world.open_pulls(&secret).await.len(), 1);
}

#[tokio::test]
async fn v_107_a_candidate_that_waits_when_its_repository_becomes_private_is_taken_away() {
    let (world, secret, _) = world(PrivateTargets::Refuse).await;
    world.forge.set_private(&secret, false).expect("a repository");
    world.run_with(Options { publish: false, ..Options::default() }).await;
    world.forge.set_private(&secret, true).expect("a repository");
    let ran = world.run().await;
    assert_eq!(ran.class.code(), 2);
    assert!(world.pulls(&secret).await.is_empty());
    assert!(!world.state_paths().await.iter().any(|path| path.starts_with("candidates/")));
}
