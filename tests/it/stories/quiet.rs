//! Stories of a fleet where nothing changed: a first look is enough, and it never hides work.

use homeostat::forge::rules::{MergeStyle, RunRecord};
use homeostat::forge::{Conclusion, Forge};
use homeostat::model::RepoSlug;

use super::faults::Road as _;
use super::faults_http::Http;
use super::program::{Bug, bug, source};
use super::world::{Options, Ran, World};

const TOTAL: Bug = bug("src/shop.py", "total");

/// Three repositories with the same bug and without reports; their checks are not asked about.
async fn fleet() -> (World, [RepoSlug; 3]) {
    let mut world = World::new(vec![TOTAL]);
    let files = [("src/shop.py", source(&["total"]))];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let slugs = [
        world.repository("shop", &files).await,
        world.repository("depot", &files).await,
        world.repository("office", &files).await,
    ];
    for slug in &slugs {
        world.policy(slug).workflows.failed_runs = false;
    }
    (world, slugs)
}

fn calls_about(ran: &Ran, slug: &RepoSlug) -> usize {
    ran.log.iter().filter(|line| line.call.slug.as_ref() == Some(slug)).count()
}

#[tokio::test]
async fn a_repository_without_reports_costs_no_request_of_its_own() {
    let (world, slugs) = fleet().await;
    let ran = world.run().await;
    assert_eq!(slugs.iter().map(|slug| calls_about(&ran, slug)).sum::<usize>(), 0, "{:?}", ran.log);
    assert_eq!(ran.report().repositories.len(), 3, "each has its row");
    world.report(&slugs[1], &TOTAL).await;
    let ran = world.run().await;
    // Before there is a state branch, it is looked whether anybody of ours was there: branches and pull requests, once.
    assert_eq!((ran.pulls("created"), calls_about(&ran, &slugs[0])), (1, 2), "{:#?}", ran.report);
    world.report(&slugs[2], &TOTAL).await;
    let ran = world.run().await;
    assert_eq!((ran.pulls("created"), calls_about(&ran, &slugs[0])), (1, 0), "{:#?}", ran.report);
}

#[tokio::test]
async fn what_rests_is_not_read_again_until_something_differs() {
    let (world, [shop, depot, office]) = fleet().await;
    let issue = world.report(&shop, &TOTAL).await;
    assert_eq!(world.run().await.pulls("created"), 1);
    // The watermark moves with a run that writes for another reason.
    world.report(&depot, &TOTAL).await;
    let second = world.run().await;
    assert_eq!(second.pulls("created"), 1);
    assert!(calls_about(&second, &shop) > 0);
    assert!(world.state_paths().await.iter().any(|path| path == "watermarks.json"));
    let third = world.run().await;
    assert_eq!((third.writes, calls_about(&third, &shop), calls_about(&third, &office)), (0, 0, 0));
    assert!(calls_about(&third, &depot) > 0, "its own watermark waits for the next write");
    // A person's word changes the issue, and a merge changes the branch.
    world.tick();
    world.forge.comment_as(&shop, issue, "acme", "What about it?").await.expect("a comment");
    assert!(calls_about(&world.run().await, &shop) > 0);
    let pull = world.open_pulls(&shop).await[0].number;
    world.forge.merge_pull(&shop, pull, "acme", MergeStyle::Squash).await.expect("it merges");
    let merged = world.run().await;
    assert_eq!((merged.writes, calls_about(&merged, &shop)), (0, 0), "the merge closed the only report");
}

#[tokio::test]
async fn another_policy_or_library_or_the_end_of_a_cooldown_is_a_reason_to_read_again() {
    let (mut world, [shop, depot, _]) = fleet().await;
    world.report(&shop, &TOTAL).await;
    let fixers = std::mem::take(&mut world.fixers);
    assert!(world.run().await.has_reason("no-fixer"));
    world.fixers = fixers;
    world.report(&depot, &TOTAL).await;
    world.run().await;
    let rests = world.run().await;
    assert_eq!(calls_about(&rests, &shop), 0, "{:?}", rests.reasons());
    world.library_digest = "another library".to_owned();
    let reads = world.run().await;
    assert!(calls_about(&reads, &shop) > 0);
}

/// Repositories of the fleet that is asked about over HTTP; a larger one is measured in the same way.
fn size() -> usize {
    std::env::var("HOMEOSTAT_FLEET").ok().and_then(|size| size.parse().ok()).unwrap_or(120)
}

#[tokio::test]
async fn a_fleet_where_nothing_changed_costs_one_question_for_fifty_repositories() {
    let mut world = World::new(vec![TOTAL]);
    let now = world.clock.now();
    for number in 0..size() {
        let slug = world.repository(&format!("shop-{number:04}"), &[("src/shop.py", &source(&["total"]))]).await;
        let head = world.forge.branch(&slug, &"main".parse().expect("legal")).await.expect("refs").expect("main");
        let run = RunRecord {
            workflow: "ci.yml".into(),
            name: "CI".into(),
            branch: "main".into(),
            commit: head,
            event: "push".into(),
            actor: None,
            fork: false,
            attempt: 1,
            conclusion: Conclusion::Success,
            created_at: now,
            completed_at: now,
            jobs: Vec::new(),
        };
        world.forge.add_run(&slug, &run, &[]).await.expect("a run");
    }
    let http = Http::open(&world).await;
    let ran = http.run(&world, Options::default()).await;
    let journal: Vec<String> = http.door.journal().iter().map(ToString::to_string).collect();
    let questions = journal.iter().filter(|line| line.contains("graphql")).count();
    assert_eq!((ran.writes, ran.class.code()), (0, 0), "{:?}", ran.class);
    assert_eq!(questions, size().div_ceil(50), "{journal:#?}");
    assert!(journal.len() <= questions + 5, "{} requests: {journal:#?}", journal.len());
}
