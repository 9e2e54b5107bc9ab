//! Stories of what became of our pull requests: told once, merged branches tidied away, a row of refusals heard.

use homeostat::engine::outcomes::Schedule;
use homeostat::event::Event;
use homeostat::forge::faults::{Fault, FaultKind};
use homeostat::forge::rules::{MergeStyle, RunRecord, actor};
use homeostat::forge::{Conclusion, Forge, Issue, IssueQuery};
use homeostat::model::{BranchName, Mode, PullEnd, PullOutcome, RepoSlug};
use homeostat::render::OutcomesReport;

use super::program::{Bug, bug, mend, source};
use super::world::{Options, Ran, World};

const TOTAL: Bug = bug("src/shop.py", "total");
const ORDER: Bug = bug("src/orders.py", "find_order");
const STOCK: Bug = bug("src/stock.py", "reserve_stock");
const BUGS: [Bug; 3] = [TOTAL, ORDER, STOCK];

fn main_branch() -> BranchName {
    "main".parse().expect("legal")
}

/// A world with one open pull request of ours.
async fn opened() -> (World, RepoSlug, u64) {
    let mut world = World::new(vec![TOTAL]);
    let slug = world.repository("shop", &[("src/shop.py", &source(&["total"])), ("README.md", "A shop.\n")]).await;
    world.report(&slug, &TOTAL).await;
    assert_eq!(world.run().await.pulls("created"), 1);
    world.tick();
    let pull = world.open_pulls(&slug).await[0].number;
    (world, slug, pull)
}

/// A world with three of them.
async fn three() -> (World, RepoSlug, Vec<u64>) {
    let mut world = World::new(BUGS.to_vec());
    let files = BUGS.map(|bug| (bug.file, source(&[bug.cause])));
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let slug = world.repository("shop", &files).await;
    for bug in &BUGS {
        world.report(&slug, bug).await;
    }
    for _ in 0..3 {
        world.run().await;
    }
    let pulls: Vec<u64> = world.open_pulls(&slug).await.iter().map(|pull| pull.number).collect();
    assert_eq!(pulls.len(), 3);
    world.tick();
    (world, slug, pulls)
}

async fn read(world: &World) -> (OutcomesReport, Ran) {
    let (report, ran) = world.outcomes(Options::default()).await;
    (report.expect("the forge answers"), ran)
}

fn told(report: &OutcomesReport) -> Vec<PullOutcome> {
    report.repositories.iter().flat_map(|one| one.outcomes.clone()).collect()
}

async fn branch_of(world: &World, slug: &RepoSlug, pull: u64) -> (BranchName, bool) {
    let head = world.forge.pull(slug, pull).await.expect("it").head;
    let there = world.forge.branch(slug, &head).await.expect("refs").is_some();
    (head, there)
}

async fn close(world: &World, slug: &RepoSlug, pull: u64, by: &str) {
    world.tick();
    world.forge.close_thread(slug, pull, by).await.expect("it closes");
    world.tick();
}

async fn tracking(world: &World, slug: &RepoSlug) -> Vec<Issue> {
    let all = world.forge.issues(slug, &IssueQuery::default(), None).await.expect("issues").items;
    all.into_iter().filter(|issue| issue.body.contains("homeostat:tracking")).collect()
}

#[tokio::test]
async fn a_merge_is_told_once_with_what_it_was_and_its_branch_goes() {
    for style in [MergeStyle::Squash, MergeStyle::Merge, MergeStyle::Rebase] {
        let (world, slug, pull) = opened().await;
        world.hours(2);
        let merge = world.forge.merge_pull(&slug, pull, "ann", style).await.expect("it merges");
        world.tick();
        let (report, ran) = read(&world).await;
        let [outcome] = told(&report).try_into().expect("one outcome");
        assert_eq!((outcome.outcome, outcome.number, outcome.by.as_deref()), (PullEnd::Merged, pull, Some("ann")));
        assert_eq!((outcome.commit, outcome.lines_on_top), (Some(merge.to_string()), Some(0)));
        assert!(outcome.seconds_to_merge.is_some_and(|seconds| (7200..7300).contains(&seconds)));
        assert!(outcome.candidate.is_some_and(|digest| digest.starts_with("sha256:") || digest.len() == 64));
        assert_eq!(outcome.episode, 1);
        let (branch, there) = branch_of(&world, &slug, pull).await;
        assert_eq!((report.repositories[0].deleted.clone(), there), (vec![branch.to_string()], false));
        assert_eq!(ran.events.iter().filter(|event| matches!(event, Event::Outcome(_))).count(), 1);
        let (again, ran) = read(&world).await;
        assert_eq!((told(&again).len(), ran.writes), (0, 0), "{again:?}");
        assert_eq!(world.run().await.writes, 0, "a branch that is gone is no reason for anything");
    }
}

#[tokio::test]
async fn a_branch_with_a_persons_commit_stays_and_so_does_every_branch_where_the_key_says_so() {
    let (world, slug, pull) = opened().await;
    let (branch, _) = branch_of(&world, &slug, pull).await;
    let more = format!("{}# checked\n# twice\n", world_file(&world, &slug, &branch, "src/shop.py").await);
    let files = [("src/shop.py", Some(more.as_str())), ("README.md", Some("A better shop.\n"))];
    world.forge.commit_files(&slug, "ann", &branch, &files, "review\n").await.expect("a push");
    world.forge.merge_pull(&slug, pull, "ann", MergeStyle::Squash).await.expect("it merges");
    let (report, _) = read(&world).await;
    assert_eq!(told(&report)[0].lines_on_top, Some(2), "lines of the patch's files alone");
    assert!(report.repositories[0].kept[0].why.contains("a person's"), "{report:?}");
    assert!(branch_of(&world, &slug, pull).await.1);
    let (again, ran) = read(&world).await;
    assert_eq!((told(&again).len(), ran.writes), (0, 0));

    let (mut world, slug, pull) = opened().await;
    world.policy(&slug).auto_merge.delete_branch = false;
    world.forge.merge_pull(&slug, pull, "ann", MergeStyle::Squash).await.expect("it merges");
    let (report, _) = read(&world).await;
    assert!(report.repositories[0].deleted.is_empty() && branch_of(&world, &slug, pull).await.1);
}

async fn world_file(world: &World, slug: &RepoSlug, branch: &BranchName, path: &str) -> String {
    let head = world.forge.branch(slug, branch).await.expect("refs").expect("a branch");
    let entries = world.forge.tree(slug, &head).await.expect("a tree");
    let entry = entries.into_iter().find(|entry| entry.path == path).expect("a file");
    String::from_utf8(world.forge.blob(slug, &entry.id).await.expect("a blob")).expect("text")
}

#[tokio::test]
async fn a_branch_that_moved_after_the_merge_or_that_others_build_on_stays() {
    let (world, slug, pull) = opened().await;
    let (branch, _) = branch_of(&world, &slug, pull).await;
    world.forge.merge_pull(&slug, pull, "ann", MergeStyle::Squash).await.expect("it merges");
    let files = [("late.txt", Some("late\n"))];
    world.forge.commit_files(&slug, "ann", &branch, &files, "late\n").await.expect("a push");
    let (report, _) = read(&world).await;
    assert!(report.repositories[0].kept[0].why.contains("not merged"), "{report:?}");
    assert!(branch_of(&world, &slug, pull).await.1);

    let (world, slug, pull) = opened().await;
    let (branch, _) = branch_of(&world, &slug, pull).await;
    let on_top: BranchName = "on-top".parse().expect("legal");
    world.forge.commit_files(&slug, "ann", &on_top, &[("own.txt", Some("own\n"))], "own\n").await.expect("a push");
    let theirs = homeostat::forge::NewPull {
        title: "Mine".to_owned(),
        body: "On top.".to_owned(),
        head: on_top,
        base: branch,
        draft: false,
    };
    world.forge.open_pull(&slug, &theirs, &actor("ann")).await.expect("a pull request");
    world.forge.merge_pull(&slug, pull, "ann", MergeStyle::Squash).await.expect("it merges");
    let (report, _) = read(&world).await;
    assert!(report.repositories[0].kept[0].why.contains("goes into it"), "{report:?}");
    assert!(branch_of(&world, &slug, pull).await.1);
}

#[tokio::test]
async fn a_branch_of_our_name_that_is_not_ours_is_neither_told_nor_touched() {
    let mut world = World::new(Vec::new());
    let slug = world.repository("shop", &[("README.md", "A shop.\n")]).await;
    let branch: BranchName = "homeostat/aaaaaaaaaaaaaaaa".parse().expect("legal");
    world.forge.commit_files(&slug, "ann", &branch, &[("a.txt", Some("a\n"))], "mine\n").await.expect("a push");
    let theirs = homeostat::forge::NewPull {
        title: "Mine".to_owned(),
        body: String::new(),
        head: branch,
        base: main_branch(),
        draft: false,
    };
    let pull = world.forge.open_pull(&slug, &theirs, &actor("ann")).await.expect("a pull request").number;
    world.forge.merge_pull(&slug, pull, "ann", MergeStyle::Squash).await.expect("it merges");
    let (report, ran) = read(&world).await;
    assert_eq!((told(&report).len(), ran.writes), (0, 0));
    assert!(branch_of(&world, &slug, pull).await.1);
}

#[tokio::test]
async fn a_close_is_told_with_whose_words_and_nothing_secret_in_them() {
    let (world, slug, pull) = opened().await;
    world.forge.comment_as(&slug, pull, "bob", "I like it.").await.expect("a comment");
    let words = format!("Not like this; use gh{}_{} please.", "p", "0123456789abcdefghijABCDEFGHIJ012345");
    world.forge.comment_as(&slug, pull, "ann", &words).await.expect("a comment");
    close(&world, &slug, pull, "ann").await;
    let (report, _) = read(&world).await;
    let [outcome] = told(&report).try_into().expect("one outcome");
    assert_eq!((outcome.outcome, outcome.by.as_deref()), (PullEnd::Closed, Some("ann")));
    let words = outcome.words.expect("words");
    assert!(words.starts_with("Not like this") && !words.contains("0123456789abcdef"), "{words}");
    assert_eq!((outcome.seconds_to_merge, outcome.lines_on_top), (None, None));
    assert!(branch_of(&world, &slug, pull).await.1, "only merged branches go");
    assert_eq!(read(&world).await.1.writes, 0);
    // Opened again and merged, it is a second outcome.
    world.forge.reopen_thread(&slug, pull, "ann").await.expect("it opens again");
    assert_eq!(told(&read(&world).await.0).len(), 0);
    world.forge.merge_pull(&slug, pull, "ann", MergeStyle::Squash).await.expect("it merges");
    assert_eq!(told(&read(&world).await.0)[0].outcome, PullEnd::Merged);
}

#[tokio::test]
async fn f_63_a_revert_is_told_after_the_merge_and_nothing_is_proposed_again_without_a_word() {
    for by_words in [true, false] {
        let (mut world, slug, pull) = opened().await;
        let issue = 1;
        let merge = world.forge.merge_pull(&slug, pull, "ann", MergeStyle::Squash).await.expect("it merges");
        world.tick();
        assert_eq!(told(&read(&world).await.0)[0].outcome, PullEnd::Merged);
        let (message, extra) = if by_words {
            (format!("Revert \"fix\"\n\nThis reverts commit {merge}.\n"), "# other work\n")
        } else {
            ("Back to before\n".to_owned(), "")
        };
        let text = format!("{}{extra}", source(&["total"]));
        let files = [("src/shop.py", Some(text.as_str()))];
        let revert = world.forge.commit_files(&slug, "ann", &main_branch(), &files, &message).await.expect("a push");
        world.tick();
        let (report, _) = read(&world).await;
        let [outcome] = told(&report).try_into().expect("one outcome");
        assert_eq!((outcome.outcome, outcome.commit), (PullEnd::Reverted, Some(revert.to_string())));
        assert_eq!(read(&world).await.1.writes, 0);
        world.forge.reopen_thread(&slug, issue, "acme").await.expect("it opens again");
        world.fixers = vec![mend("mended_again")];
        world.tick();
        let ran = world.run().await;
        assert!(ran.has_reason("reverted") && ran.pulls("created") == 0, "{:?}", ran.reasons());
        world.forge.comment_as(&slug, issue, "acme", "/homeostat retry").await.expect("a word");
        world.tick();
        assert_eq!(world.run().await.pulls("created"), 1, "a person's word opens the next episode");
    }
}

#[tokio::test]
async fn three_closed_in_a_row_pause_the_repository_until_a_person_takes_the_label_off() {
    let (mut world, slug, pulls) = three().await;
    for (place, pull) in pulls.iter().enumerate() {
        close(&world, &slug, *pull, "ann").await;
        let (report, _) = read(&world).await;
        assert_eq!(report.repositories[0].paused, place == 2, "{report:?}");
    }
    let [issue] = tracking(&world, &slug).await.try_into().expect("one tracking issue");
    assert_eq!((issue.title.as_str(), issue.labels.clone()), ("Homeostat", vec!["homeostat:paused".to_owned()]));
    let comments = world.forge.comments(&slug, issue.number, None).await.expect("comments").items;
    assert!(comments.len() == 1 && comments[0].body.contains("take the label off"), "{comments:?}");
    assert_eq!(read(&world).await.1.writes, 0);
    // Paused: even a person's word on a report does nothing.
    world.fixers = vec![mend("mended_again")];
    world.forge.comment_as(&slug, 1, "acme", "/homeostat retry").await.expect("a word");
    world.tick();
    let ran = world.run().await;
    assert!(ran.has_reason("paused") && ran.writes == 0, "{:?}", ran.reasons());
    assert_eq!(world.run().await.writes, 0);
    // Resumed: the word counts, and the count starts anew.
    world.forge.unlabel_as(&slug, issue.number, "ann", "homeostat:paused").await.expect("a label");
    world.tick();
    assert_eq!(world.run().await.pulls("created"), 1);
    let (report, _) = read(&world).await;
    assert!(!report.repositories[0].paused, "{report:?}");
    let fourth = world.open_pulls(&slug).await[0].number;
    close(&world, &slug, fourth, "ann").await;
    let (report, _) = read(&world).await;
    assert!(!report.repositories[0].paused && told(&report).len() == 1, "{report:?}");
    assert_eq!(read(&world).await.1.writes, 0);
    assert_eq!(tracking(&world, &slug).await.len(), 1);
}

#[tokio::test]
async fn v_09_an_issue_with_our_marker_that_is_not_ours_neither_pauses_nor_takes_our_words() {
    let (world, slug, pulls) = three().await;
    let theirs = homeostat::forge::rules::NewIssue {
        author: Some("outsider".to_owned()),
        title: "Homeostat".to_owned(),
        body: "<!-- homeostat:tracking -->\nmine".to_owned(),
        labels: vec!["homeostat:paused".to_owned()],
    };
    let theirs = world.forge.open_issue(&slug, &theirs).await.expect("an issue");
    assert!(!world.run().await.has_reason("paused"));
    for pull in pulls {
        close(&world, &slug, pull, "ann").await;
    }
    read(&world).await;
    let all = tracking(&world, &slug).await;
    assert_eq!(all.len(), 2);
    assert!(world.forge.comments(&slug, theirs, None).await.expect("comments").items.is_empty());
}

#[tokio::test]
async fn a_dry_run_and_observe_say_what_would_be_done_and_touch_no_target() {
    let (mut world, slug, pull) = opened().await;
    world.forge.merge_pull(&slug, pull, "ann", MergeStyle::Squash).await.expect("it merges");
    let (report, ran) = world.outcomes(Options { dry_run: true, ..Options::default() }).await;
    let report = report.expect("the forge answers");
    assert_eq!((told(&report).len(), report.repositories[0].deleted.len(), ran.writes), (1, 1, 0));
    assert!(branch_of(&world, &slug, pull).await.1);
    world.policy(&slug).mode = Mode::Observe;
    let (report, _) = read(&world).await;
    assert_eq!((told(&report).len(), report.repositories[0].deleted.len()), (1, 1), "observe keeps the ledger");
    assert!(branch_of(&world, &slug, pull).await.1);
    assert_eq!(read(&world).await.1.writes, 0);
}

#[tokio::test]
async fn whatever_fails_the_next_run_comes_to_the_same_end() {
    for kind in FaultKind::all() {
        for call_index in 0..400 {
            let (world, slug, pulls) = three().await;
            let (closed, merged) = pulls.split_at(2);
            for pull in closed {
                close(&world, &slug, *pull, "ann").await;
            }
            world.forge.merge_pull(&slug, merged[0], "ann", MergeStyle::Squash).await.expect("it merges");
            world.tick();
            let faults = vec![Fault { call_index, kind }];
            let (_, faulted) = world.outcomes(Options { faults, ..Options::default() }).await;
            let (report, _) = read(&world).await;
            assert!(report.repositories.iter().all(|one| one.error.is_none()), "{kind:?} at {call_index}: {report:?}");
            assert!(!branch_of(&world, &slug, merged[0]).await.1, "{kind:?} at {call_index}");
            let (last, ran) = read(&world).await;
            assert_eq!((told(&last).len(), ran.writes), (0, 0), "{kind:?} at {call_index}: {last:?}");
            if faulted.faults_met == 0 {
                break;
            }
        }
    }
}

#[tokio::test]
async fn f_49_whatever_fails_a_pause_is_one_issue_one_label_and_one_comment() {
    for kind in FaultKind::all() {
        for call_index in 0..400 {
            let (world, slug, pulls) = three().await;
            for pull in pulls {
                close(&world, &slug, pull, "ann").await;
            }
            let faults = vec![Fault { call_index, kind }];
            let (_, faulted) = world.outcomes(Options { faults, ..Options::default() }).await;
            read(&world).await;
            let issues = tracking(&world, &slug).await;
            assert_eq!(issues.len(), 1, "{kind:?} at {call_index}: {:#?}", faulted.log.last());
            assert_eq!(issues[0].labels, ["homeostat:paused"], "{kind:?} at {call_index}");
            let comments = world.forge.comments(&slug, issues[0].number, None).await.expect("comments").items;
            assert_eq!(comments.len(), 1, "{kind:?} at {call_index}");
            assert_eq!(read(&world).await.1.writes, 0, "{kind:?} at {call_index}");
            if faulted.faults_met == 0 {
                break;
            }
        }
    }
}

/// Completes a scheduled run of the workflow.
async fn scheduled(world: &World, slug: &RepoSlug, conclusion: Conclusion) {
    world.tick();
    let head = world.forge.branch(slug, &main_branch()).await.expect("refs").expect("main");
    let now = world.forge.now().await.expect("a clock");
    let run = RunRecord {
        workflow: "homeostat.yml".into(),
        name: "homeostat".into(),
        branch: "main".into(),
        commit: head,
        event: "schedule".into(),
        actor: Some(actor("acme")),
        fork: false,
        attempt: 1,
        conclusion,
        created_at: now,
        completed_at: now,
        jobs: Vec::new(),
    };
    world.forge.add_run(slug, &run, &[]).await.expect("a run");
}

#[tokio::test]
async fn a_schedule_that_fails_three_times_in_a_row_is_said_once_and_taken_back() {
    let mut world = World::new(Vec::new());
    let slug = world.repository("ops", &[("README.md", "Operations.\n")]).await;
    let schedule = Schedule { repository: slug.clone(), workflow: "homeostat.yml".to_owned(), branch: None };
    let look = async || world.outcomes_of(Some(&schedule), Options::default()).await.1.writes;
    for conclusion in [Conclusion::Success, Conclusion::Failure, Conclusion::Failure] {
        scheduled(&world, &slug, conclusion).await;
        assert_eq!(look().await, 0);
    }
    scheduled(&world, &slug, Conclusion::TimedOut).await;
    assert_eq!(look().await, 2, "the issue and the comment");
    assert_eq!(look().await, 0);
    scheduled(&world, &slug, Conclusion::Failure).await;
    assert_eq!(look().await, 0, "once is enough");
    scheduled(&world, &slug, Conclusion::Success).await;
    assert_eq!(look().await, 1, "the comment is edited");
    assert_eq!(look().await, 0);
    let [issue] = tracking(&world, &slug).await.try_into().expect("one tracking issue");
    let comments = world.forge.comments(&slug, issue.number, None).await.expect("comments").items;
    assert!(comments.len() == 1 && comments[0].body.contains("works again"), "{comments:?}");
    for _ in 0..3 {
        scheduled(&world, &slug, Conclusion::Failure).await;
    }
    assert_eq!(look().await, 1, "it broke again");
}
