//! Stories of changes that are refused, with rule and reason in the report, before repository code sees them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use homeostat::engine::fixers::Ask;
use homeostat::model::{MicroUsd, RepoSlug};

use super::program::{Bug, Scripted, bug, proposal, source};
use super::world::{Ran, World};

const TOTAL: Bug = bug("src/shop.py", "total");

/// Offers a change of these files besides the mending, and tells the run and how often tests ran with it.
async fn offered(more: Vec<(String, String)>) -> (Ran, World, RepoSlug, usize) {
    let mut world = World::new(vec![TOTAL]);
    let slug = world.repository("shop", &[("src/shop.py", &source(&["total"])), ("docs/a.md", "old\n")]).await;
    world.report(&slug, &TOTAL).await;
    let seen = Arc::new(AtomicUsize::new(0));
    let (count, usual) = (seen.clone(), world.workspace.program.clone());
    world.workspace.program = Arc::new(move |files, command| {
        if files.get("src/shop.py").is_none_or(|text| !text.contains("BROKEN_total")) {
            count.fetch_add(1, Ordering::SeqCst);
        }
        usual(files, command)
    });
    let script = move |ask: &Ask<'_>| {
        let (path, file) = ask.files.iter().next().expect("a file");
        let text = String::from_utf8_lossy(&file.content).replace("BROKEN_total", "mended");
        let mut files = vec![(path.as_str(), text)];
        for (path, content) in &more {
            // A text for the mended file itself is added to it.
            match files.iter_mut().find(|(known, _)| known == path) {
                Some((_, text)) => text.push_str(content),
                None => files.push((path, content.clone())),
            }
        }
        Ok(vec![proposal(ask, &files)])
    };
    world.fixers = vec![Scripted { cost: MicroUsd::ZERO, script: Arc::new(script) }];
    let ran = world.run().await;
    let runs = seen.load(Ordering::SeqCst);
    (ran, world, slug, runs)
}

async fn refused(rule: &str, more: Vec<(String, String)>) {
    let (ran, world, slug, runs) = offered(more).await;
    let refusals = &ran.report().repositories[0].refusals;
    assert_eq!(refusals.len(), 1, "{:#?}", ran.report);
    assert!(refusals[0].message.contains(rule), "{}", refusals[0].message);
    assert!(ran.has_reason(rule), "{:?}", ran.reasons());
    assert!(refusals[0].message.len() > rule.len() + 20, "it says why: {}", refusals[0].message);
    assert_eq!(ran.class.code(), 0, "a refusal is no failure of the run");
    assert_eq!(runs, 0, "repository code never saw the change");
    assert_eq!(ran.attempts()[0].rule.map(|rule| rule.to_string()).as_deref(), Some(rule));
    assert!(world.pulls(&slug).await.is_empty());
    assert_eq!(world.run().await.writes, 0);
}

#[tokio::test]
async fn a_small_change_is_not_refused() {
    let (ran, ..) = offered(Vec::new()).await;
    assert_eq!(ran.pulls("created"), 1, "{:#?}", ran.report);
}

#[tokio::test]
async fn a_fix_of_501_lines_is_refused() {
    // The mending takes one line away and puts one there; 499 more make 501.
    refused("diff-lines", vec![("src/shop.py".to_owned(), "# more\n".repeat(499))]).await;
    let (ran, ..) = offered(vec![("src/shop.py".to_owned(), "# more\n".repeat(498))]).await;
    assert!(!ran.has_reason("diff-lines"), "500 are allowed: {:?}", ran.reasons());
}

#[tokio::test]
async fn a_fix_of_11_files_is_refused() {
    let files = |count: usize| (0..count).map(|n| (format!("src/new_{n}.py"), "x = 1\n".to_owned())).collect();
    refused("diff-files", files(10)).await;
    let (ran, ..) = offered(files(9)).await;
    assert!(!ran.has_reason("diff-files"), "10 are allowed: {:?}", ran.reasons());
}

#[tokio::test]
async fn a_fix_with_a_key_in_it_is_refused() {
    // Put together here, so that no scanner takes this file for a leak.
    let key = format!("ghp_{}", "a1B2c3D4e5F6".repeat(3));
    refused("secret", vec![("src/shop.py".to_owned(), format!("TOKEN = \"{key}\"\n"))]).await;
}

#[tokio::test]
async fn only_files_that_pass_the_path_filters_are_touched() {
    refused("path-filter", vec![("docs/a.md".to_owned(), "new\n".to_owned())]).await;
}

#[tokio::test]
async fn p_10_p_11_a_protected_file_is_not_touched() {
    refused("protected-path", vec![(".github/workflows/ci.yml".to_owned(), "on: push\n".to_owned())]).await;
}
