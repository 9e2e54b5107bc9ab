//! Stories of the forge's own auto-merge: when it is let, when it is not, and that nothing here merges or approves.

use homeostat::forge::faults::{Fault, FaultKind};
use homeostat::forge::rules::ThreadRecord;
use homeostat::gate;
use homeostat::model::{Candidate, EvidenceKind, MergeMethod, Mode, Policy, RepoSlug, Source};
use homeostat::plan::Verb;

use super::faults::{Road as _, lines};
use super::faults_http::Http;
use super::program::{Bug, bug, mend, source};
use super::world::{Options, Ran, World};

const TOTAL: Bug = bug("src/shop.py", "total");

/// The shop in mode `auto`, whose one pattern is named.
async fn shop() -> (World, RepoSlug) {
    let mut world = World::new(vec![TOTAL]);
    world.config.mode = Mode::Auto;
    let slug = world.repository("shop", &[("src/shop.py", &source(&["total"]))]).await;
    let policy = world.policy(&slug);
    policy.mode = Mode::Auto;
    policy.auto_merge.patterns = vec!["mend-it".to_owned()];
    world.report(&slug, &TOTAL).await;
    (world, slug)
}

async fn the_pull(world: &World, slug: &RepoSlug) -> ThreadRecord {
    let threads = world.forge.world(slug).await.expect("a repository").threads;
    let mut pulls = threads.into_iter().map(|one| one.thread).filter(|thread| thread.pull.is_some());
    pulls.next().expect("a pull request")
}

/// Returns how the one pull request is to be merged by itself.
async fn lets(world: &World, slug: &RepoSlug) -> Option<MergeMethod> {
    the_pull(world, slug).await.pull.expect("a pull request").auto_merge
}

fn warnings(ran: &Ran) -> Vec<String> {
    ran.report().repositories.iter().flat_map(|one| &one.pull_requests).flat_map(|one| one.warnings.clone()).collect()
}

#[tokio::test]
async fn in_mode_auto_a_named_patterns_ready_pull_request_may_be_merged_by_the_forge() {
    let (mut world, slug) = shop().await;
    world.policy(&slug).auto_merge.method = MergeMethod::Rebase;
    let planned = world.run_with(Options { dry_run: true, ..Options::default() }).await;
    let last = planned.report().actions.last().map(|action| action.verb);
    assert_eq!((last, planned.writes), (Some(Verb::EnableAutoMerge), 0));
    let ran = world.run().await;
    assert_eq!((ran.pulls("created"), ran.class.code()), (1, 0), "{}", lines(&ran));
    assert_eq!(lets(&world, &slug).await, Some(MergeMethod::Rebase));
    assert!(the_pull(&world, &slug).await.open, "nobody merged it");
    assert_eq!(world.run().await.writes, 0, "it is told once");
}

#[tokio::test]
async fn a_lower_mode_an_unnamed_pattern_and_a_draft_are_never_let() {
    type Change = fn(&mut World, &RepoSlug);
    let cases: [(&str, Change); 4] = [
        ("mode ready", |world, slug| world.policy(slug).mode = Mode::Ready),
        ("mode draft", |world, slug| world.policy(slug).mode = Mode::Draft),
        ("no pattern named", |world, slug| world.policy(slug).auto_merge.patterns.clear()),
        ("not sure enough", |world, _| {
            let mut weak = mend("mended");
            let script = weak.script.clone();
            weak.script = std::sync::Arc::new(move |ask| {
                let mut all = script(ask)?;
                for one in &mut all {
                    one.confidence = Some(0.55);
                }
                Ok(all)
            });
            world.fixers = vec![weak];
        }),
    ];
    for (what, change) in cases {
        let (mut world, slug) = shop().await;
        change(&mut world, &slug);
        let ran = world.run().await;
        assert_eq!(ran.pulls("created"), 1, "{what}: {:?}", ran.report);
        assert_eq!(lets(&world, &slug).await, None, "{what}");
        assert_eq!(warnings(&ran), Vec::<String>::new(), "{what}");
    }
}

/// Meets a fault at the call that lets the forge merge.
async fn met(kind: FaultKind) -> (World, RepoSlug, Ran) {
    let (twin, _) = shop().await;
    let log = twin.run().await.log;
    let call_index = log.iter().position(|line| line.call.op == "enable_auto_merge").expect("a call");
    let (world, slug) = shop().await;
    let ran = world.run_with(Options { faults: vec![Fault { call_index, kind }], ..Options::default() }).await;
    assert_eq!(ran.faults_met, 1);
    (world, slug, ran)
}

#[tokio::test]
async fn a_forge_that_will_not_is_a_warning_and_is_not_asked_for_ever() {
    for kind in [FaultKind::Denied, FaultKind::Refused] {
        let (world, slug, ran) = met(kind).await;
        assert_eq!((ran.pulls("created"), ran.class.code()), (1, 0), "{kind:?}");
        let told = warnings(&ran);
        assert!(matches!(told.as_slice(), [one] if one.contains("auto-merge could not be enabled")), "{told:?}");
        assert_eq!(world.run().await.writes, 0, "{kind:?}");
        assert_eq!(lets(&world, &slug).await, None);
    }
}

#[tokio::test]
async fn whatever_else_happens_to_the_call_the_next_run_sees_to_it_and_a_third_writes_nothing() {
    for kind in FaultKind::all() {
        if matches!(kind, FaultKind::Denied | FaultKind::Refused) {
            continue;
        }
        let (world, slug, _) = met(kind).await;
        world.hours(2);
        let clean = world.run().await;
        assert_eq!(clean.class.code(), 0, "{kind:?}: {}", lines(&clean));
        assert_eq!(lets(&world, &slug).await, Some(MergeMethod::Squash), "{kind:?}");
        assert_eq!(world.pulls(&slug).await.len(), 1, "{kind:?}");
        assert_eq!(world.run().await.writes, 0, "{kind:?}");
    }
}

#[tokio::test]
async fn v_90_the_forge_is_let_merge_by_its_own_rules_and_is_never_told_to_merge_or_approve() {
    let (world, slug) = shop().await;
    let http = Http::open(&world).await;
    let ran = http.run(&world, Options::default()).await;
    assert_eq!((ran.pulls("created"), ran.class.code()), (1, 0), "{}", lines(&ran));
    assert_eq!(lets(&world, &slug).await, Some(MergeMethod::Squash));
    let again = http.run(&world, Options::default()).await;
    assert_eq!(again.writes, 0, "{}", lines(&again));
    let journal = http.door.journal();
    let mutations: Vec<String> = journal
        .iter()
        .filter_map(|entry| entry.body.as_ref()?["query"].as_str().map(str::to_owned))
        .filter(|query| query.starts_with("mutation"))
        .collect();
    let [enable] = mutations.as_slice() else { panic!("one mutation: {mutations:?}") };
    assert!(enable.contains("enablePullRequestAutoMerge") && enable.contains("expectedHeadOid"), "{enable}");
    for entry in journal.iter().filter(|entry| entry.method != "GET") {
        let target = entry.target.as_str();
        assert!(!target.contains("/merge") && !target.contains("/reviews"), "{entry}");
    }
}

#[test]
fn only_evidence_red_green_of_a_named_pattern_lets_the_forge_merge() {
    let mut policy = Policy::built_in("acme/parcels".parse().expect("a slug"));
    let sample = crate::sample::candidate();
    let id = sample.pattern.clone().expect("a pattern");
    assert_eq!(gate::auto_merge(&sample, &policy, Mode::Auto, false), None, "nothing is named");
    policy.auto_merge.patterns = vec![id];
    assert_eq!(gate::auto_merge(&sample, &policy, Mode::Auto, false), Some(MergeMethod::Squash));
    assert_eq!(gate::auto_merge(&sample, &policy, Mode::Auto, true), None, "a draft");
    for mode in [Mode::Observe, Mode::Approve, Mode::Draft, Mode::Ready] {
        assert_eq!(gate::auto_merge(&sample, &policy, mode, false), None, "{mode}");
    }
    for kind in [EvidenceKind::Reproduced, EvidenceKind::Synthetic, EvidenceKind::GreenOnly] {
        let mut weaker = sample.clone();
        weaker.evidence.kind = kind;
        assert_eq!(gate::auto_merge(&weaker, &policy, Mode::Auto, false), None, "{kind:?}");
    }
    let native = Candidate { source: Source::Native, ..sample };
    assert_eq!(gate::auto_merge(&native, &policy, Mode::Auto, false), None, "no pattern made it");
}
