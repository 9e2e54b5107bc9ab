//! Stories of feature branches: one pull request each, kept current, and nobody's words overwritten.

use homeostat::engine::feature::{Feature, Pushed};
use homeostat::forge::Forge;
use homeostat::forge::faults::{Fault, FaultKind};
use homeostat::forge::rules::{MergeStyle, Settings, actor};
use homeostat::model::{BranchName, Mode, Permission, Reason, RepoSlug};

use super::world::{JOB, Options, Ran, World};

fn branch() -> BranchName {
    "feat/login-form".parse().expect("legal")
}

fn pushed() -> Pushed {
    Pushed { branch: branch(), by: None }
}

async fn shop() -> (World, RepoSlug) {
    shop_on(Settings::default()).await
}

async fn shop_on(settings: Settings) -> (World, RepoSlug) {
    let mut world = World::with(Vec::new(), settings);
    let slug = world.repository("shop", &[("README.md", "A shop.\n")]).await;
    commit(&world, &slug, "feat: add the form").await;
    (world, slug)
}

async fn commit(world: &World, slug: &RepoSlug, message: &str) {
    world.tick();
    let text = format!("{message}\n");
    let files = [("login.txt", Some(text.as_str()))];
    world.forge.commit_files(slug, "ann", &branch(), &files, &text).await.expect("a commit");
}

async fn push(world: &World, slug: &RepoSlug) -> Feature {
    push_with(world, slug, &pushed(), Options::default()).await.0
}

async fn push_with(world: &World, slug: &RepoSlug, pushed: &Pushed, options: Options) -> (Feature, Ran) {
    let (opened, ran) = world.push(slug, pushed, options).await;
    (opened.expect("the forge answers"), ran)
}

fn state(feature: &Feature) -> &'static str {
    feature.state.expect("something became of it")
}

#[tokio::test]
async fn a_pushed_feature_branch_gets_one_pull_request_that_follows_its_commits() {
    let (world, slug) = shop().await;
    let first = push(&world, &slug).await;
    assert_eq!(state(&first), "created");
    let [pull] = world.open_pulls(&slug).await.try_into().expect("one pull request");
    assert_eq!(
        (pull.title.as_str(), pull.draft, pull.labels.clone()),
        ("feat: add the form", false, vec!["feature".to_owned()])
    );
    assert!(pull.body.contains("**1 commit**") && pull.body.contains("- [ ] Tests cover"), "{}", pull.body);
    let (again, ran) = push_with(&world, &slug, &pushed(), Options::default()).await;
    assert_eq!((state(&again), ran.writes), ("kept", 0));
    commit(&world, &slug, "fix: say what is wrong").await;
    assert_eq!(state(&push(&world, &slug).await), "updated");
    let [now] = world.open_pulls(&slug).await.try_into().expect("one pull request");
    assert!(now.body.contains("**2 commits**") && now.body.contains("say what is wrong"), "{}", now.body);
    assert_eq!(now.title, "feat: add the form", "a title is people's once it is there");
}

#[tokio::test]
async fn with_a_workflows_own_token_it_is_said_once_that_the_runs_wait() {
    let (world, slug) = shop_on(Settings { login: JOB.to_owned(), ..Settings::default() }).await;
    let first = push(&world, &slug).await;
    assert!(first.runs_wait && first.message.contains("runs wait until somebody"), "{}", first.message);
    let again = push(&world, &slug).await;
    assert_eq!((again.runs_wait, again.message.as_str()), (false, "Pull request #1 kept."));
    let (world, slug) = shop().await;
    let own = push(&world, &slug).await;
    assert_eq!(
        (own.runs_wait, own.message.as_str()),
        (false, "Pull request #1 created."),
        "another token's runs start"
    );
}

#[tokio::test]
async fn what_people_wrote_and_took_off_stays_as_they_left_it() {
    let (world, slug) = shop().await;
    let number = push(&world, &slug).await.pull.expect("a pull request").number;
    let body = world.forge.pull(&slug, number).await.expect("it").body;
    let edited = format!("{}\nSee the design note.\n", body.replace("- [ ] Tests", "- [x] Tests"));
    world.forge.edit_issue(&slug, number, "ann", Some("Login, finally"), Some(&edited)).await.expect("an edit");
    world.forge.unlabel_as(&slug, number, "ann", "feature").await.expect("a label");
    commit(&world, &slug, "fix: say what is wrong").await;
    assert_eq!(state(&push(&world, &slug).await), "updated");
    let now = world.forge.pull(&slug, number).await.expect("it");
    assert_eq!((now.title.as_str(), now.labels.len()), ("Login, finally", 0));
    assert!(now.body.contains("- [x] Tests") && now.body.ends_with("\nSee the design note.\n"), "{}", now.body);
    assert!(now.body.contains("**2 commits**"), "{}", now.body);
}

#[tokio::test]
async fn a_pull_request_that_a_person_opened_is_theirs() {
    let (world, slug) = shop().await;
    let own = homeostat::forge::NewPull {
        title: "Mine".to_owned(),
        body: "By hand.".to_owned(),
        head: branch(),
        base: "main".parse().expect("legal"),
        draft: false,
    };
    let number = world.forge.open_pull(&slug, &own, &actor("ann")).await.expect("a pull request").number;
    let (kept, ran) = push_with(&world, &slug, &pushed(), Options::default()).await;
    assert_eq!((state(&kept), kept.pull.expect("it").number, ran.writes), ("kept", number, 0));
}

#[tokio::test]
async fn a_branch_whose_pull_request_a_person_closed_gets_none_again() {
    let (world, slug) = shop().await;
    let number = push(&world, &slug).await.pull.expect("a pull request").number;
    world.forge.close_thread(&slug, number, "ann").await.expect("closed");
    commit(&world, &slug, "fix: say what is wrong").await;
    let (left, ran) = push_with(&world, &slug, &pushed(), Options::default()).await;
    assert_eq!((state(&left), left.reason.map(Reason::as_str), ran.writes), ("left", Some("human-closed"), 0));
    assert_eq!(world.pulls(&slug).await.len(), 1);
}

#[tokio::test]
async fn commits_after_a_merge_are_a_new_pull_request() {
    let (world, slug) = shop().await;
    let number = push(&world, &slug).await.pull.expect("a pull request").number;
    world.forge.merge_pull(&slug, number, "ann", MergeStyle::Merge).await.expect("a merge");
    let (left, _) = push_with(&world, &slug, &pushed(), Options::default()).await;
    assert_eq!(left.reason.map(Reason::as_str), Some("merged"));
    commit(&world, &slug, "feat: remember me").await;
    assert_eq!(state(&push(&world, &slug).await), "created");
    assert_eq!(world.open_pulls(&slug).await[0].title, "feat: remember me");
}

#[tokio::test]
async fn an_outsiders_branch_and_an_unknown_ones_get_nothing() {
    let (world, slug) = shop().await;
    let by = |login: &str| Pushed { by: Some(actor(login)), ..pushed() };
    world.may(&slug, "reader", Permission::Read).await;
    world.may(&slug, "writer", Permission::Write).await;
    let (left, ran) = push_with(&world, &slug, &by("reader"), Options::default()).await;
    assert_eq!((left.reason.map(Reason::as_str), ran.writes), (Some("untrusted-author"), 0));
    let at = ran.log.iter().position(|line| line.call.op == "permission").expect("the run asks");
    let faults = (at..at + 3).map(|call_index| Fault { call_index, kind: FaultKind::Transient }).collect();
    let (unsure, _) = push_with(&world, &slug, &by("writer"), Options { faults, ..Options::default() }).await;
    assert_eq!(unsure.reason.map(Reason::as_str), Some("permission-unknown"));
    let (opened, _) = push_with(&world, &slug, &by("writer"), Options::default()).await;
    assert_eq!(state(&opened), "created");
}

#[tokio::test]
async fn a_dry_run_and_a_low_mode_say_what_would_happen_and_write_nothing() {
    let (mut world, slug) = shop().await;
    let (dry, ran) = push_with(&world, &slug, &pushed(), Options { dry_run: true, ..Options::default() }).await;
    assert_eq!((dry.state, ran.writes, dry.actions.len()), (None, 0, 2));
    world.policy(&slug).mode = Mode::Observe;
    let (observed, ran) = push_with(&world, &slug, &pushed(), Options::default()).await;
    assert_eq!((observed.state, ran.writes), (None, 0));
    world.policy(&slug).mode = Mode::Draft;
    assert!(push(&world, &slug).await.pull.expect("a pull request").draft);
}

#[tokio::test]
async fn the_repositorys_own_template_is_what_people_fill_in() {
    let (world, slug) = shop().await;
    let files = [(".github/PULL_REQUEST_TEMPLATE.md", Some("## Ticket\n\n{{ not ours }}\n"))];
    world.forge.commit_files(&slug, "ann", &"main".parse().expect("legal"), &files, "t\n").await.expect("a commit");
    let pull = push(&world, &slug).await.pull.expect("a pull request");
    assert!(pull.body.ends_with("## Ticket\n\n{{ not ours }}\n") && !pull.body.contains("- [ ]"), "{}", pull.body);
}

#[tokio::test]
async fn whatever_fails_at_whatever_call_there_is_one_pull_request_in_the_end() {
    let calls = {
        let (world, slug) = shop().await;
        push_with(&world, &slug, &pushed(), Options::default()).await.1.log.len()
    };
    let kinds = [FaultKind::Transient, FaultKind::AppliedThenLost, FaultKind::NotAppliedThenLost, FaultKind::Lag];
    for call_index in 0..calls {
        for kind in kinds {
            let (world, slug) = shop().await;
            let faults = vec![Fault { call_index, kind }];
            let _first = world.push(&slug, &pushed(), Options { faults, ..Options::default() }).await;
            let settled = push(&world, &slug).await;
            assert!(matches!(state(&settled), "created" | "kept" | "adopted"), "{call_index} {kind:?}: {settled:?}");
            assert_eq!(world.pulls(&slug).await.len(), 1, "{call_index} {kind:?}");
            let (_, ran) = push_with(&world, &slug, &pushed(), Options::default()).await;
            assert_eq!(ran.writes, 0, "{call_index} {kind:?}");
        }
        let (world, slug) = shop().await;
        let _killed =
            world.push(&slug, &pushed(), Options { crash_after: Some(call_index), ..Options::default() }).await;
        push(&world, &slug).await;
        assert_eq!(world.pulls(&slug).await.len(), 1, "killed after {call_index}");
    }
}
