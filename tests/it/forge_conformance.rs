//! Every rule of the embedded forge, through the port, in memory and on disk: the same answers and the same final world.
//!
//! Refuses to test how a storage keeps things; `forge::local` does that for files.

use std::fmt::Debug;
use std::time::Duration;

use homeostat::forge::local::LocalForge;
use homeostat::forge::memory::MemoryForge;
use homeostat::forge::rules::{
    Embedded, JobRecord, ManualClock, MergeStyle, NewIssue, RunRecord, Settings, Storage, World, actor,
};
use homeostat::forge::{
    Checks, Conclusion, Forge, ForgeError, GlanceQuery, IssueQuery, Label, NewCommit, NewPull, PullEdit, PullQuery,
    PullState, STATE_SLUG, Step as JobStep, TreeChange,
};
use homeostat::model::{BranchName, FileMode, ObjectId, Permission, RepoSlug, Timestamp};

/// What one door is given: a forge, its clock, and a log in which every answer is written.
struct Stage<S> {
    forge: Embedded<S>,
    clock: ManualClock,
    slug: RepoSlug,
    log: Vec<String>,
}

impl<S: Storage> Stage<S> {
    async fn new(forge: Embedded<S>, clock: ManualClock) -> Self {
        let slug: RepoSlug = "owner/app".parse().expect("a slug");
        let files = [("src/a.txt", "one\n"), ("src/deep/b.txt", "two\n"), ("README.md", "read\n")];
        forge.create_repository(&slug, &files).await.expect("a repository");
        Self { forge, clock, slug, log: Vec::new() }
    }

    /// Writes an answer down and hands it on.
    fn note<T: Debug>(&mut self, what: &str, answer: Result<T, ForgeError>) -> Option<T> {
        match &answer {
            Ok(value) => self.log.push(format!("{what}: {value:?}")),
            // The words may name files; the kind of the refusal is the contract.
            Err(error) => self.log.push(format!("{what}: {}", kind(error))),
        }
        answer.ok()
    }

    async fn main(&self) -> ObjectId {
        self.forge.branch(&self.slug, &branch("main")).await.expect("refs").expect("main")
    }

    /// Makes a branch with one commit on main that changes a file, as Homeostat does.
    async fn fix_branch(&self, name: &str, content: &str) -> ObjectId {
        let blob = self.forge.create_blob(&self.slug, content.as_bytes()).await.expect("a blob");
        let main = self.main().await;
        let path = "src/a.txt".parse().expect("a path");
        let change = TreeChange { path, entry: Some((FileMode::Plain, blob)) };
        let tree = self.forge.create_tree(&self.slug, Some(&main), &[change]).await.expect("a tree");
        let commit = NewCommit { tree, parents: vec![main], message: "fix\n".into() };
        let id = self.forge.create_commit(&self.slug, &commit).await.expect("a commit");
        self.forge.create_branch(&self.slug, &branch(name), &id).await.expect("a branch");
        id
    }
}

fn branch(name: &str) -> BranchName {
    name.parse().expect("a branch name")
}

fn pull(head: &str) -> NewPull {
    NewPull { title: "Fix it".into(), body: "Closes #1".into(), head: branch(head), base: branch("main"), draft: true }
}

fn issue(title: &str, labels: &[&str]) -> NewIssue {
    NewIssue {
        author: Some("alice".into()),
        title: title.into(),
        body: "It breaks.\n".into(),
        labels: labels.iter().map(ToString::to_string).collect(),
    }
}

fn kind(error: &ForgeError) -> &'static str {
    match error {
        ForgeError::NotFound(_) => "NotFound",
        ForgeError::Conflict(_) => "Conflict",
        ForgeError::Invalid(_) => "Invalid",
        ForgeError::Denied(_) => "Denied",
        ForgeError::RateLimited { .. } => "RateLimited",
        ForgeError::Transient(_) => "Transient",
        ForgeError::Ambiguous(_) => "Ambiguous",
    }
}

fn start() -> ManualClock {
    ManualClock::at(Timestamp::from_millis(1_800_000_000_000))
}

/// Runs one scenario behind both doors. The first argument after the name names the stage; each ends with what it expects.
macro_rules! conforms {
    ($name:ident, $settings:expr, |$stage:ident| $body:block) => {
        #[tokio::test]
        async fn $name() {
            async fn scenario<S: Storage>($stage: &mut Stage<S>) $body
            let clock = start();
            let forge = MemoryForge::new(clock.clock()).with_settings($settings);
            let mut memory = Stage::new(forge, clock).await;
            scenario(&mut memory).await;
            let folder = tempfile::tempdir().expect("a folder");
            let clock = start();
            let forge = LocalForge::open(folder.path(), clock.clock()).expect("a forge").with_settings($settings);
            let mut local = Stage::new(forge, clock).await;
            scenario(&mut local).await;
            assert_eq!(memory.log.join("\n"), local.log.join("\n"));
            let (left, right): (World, World) = (
                memory.forge.world(&memory.slug).await.expect("a world"),
                local.forge.world(&local.slug).await.expect("a world"),
            );
            assert_eq!(left, right);
        }
    };
    ($name:ident, |$stage:ident| $body:block) => {
        conforms!($name, Settings::default(), |$stage| $body);
    };
}

conforms!(a_branch_is_created_once, |s| {
    let main = s.main().await;
    let (slug, b) = (s.slug.clone(), branch("homeostat/x"));
    let first = s.forge.create_branch(&slug, &b, &main).await;
    assert!(s.note("first", first).is_some());
    let second = s.forge.create_branch(&slug, &b, &main).await;
    assert!(matches!(second, Err(ForgeError::Conflict(_))), "{second:?}");
    let nothing: ObjectId = "1111111111111111111111111111111111111111".parse().expect("an id");
    let target = s.forge.create_branch(&slug, &branch("y"), &nothing).await;
    assert!(matches!(target, Err(ForgeError::Invalid(_))), "{target:?}");
});

conforms!(f_33_a_branch_cannot_be_a_folder_of_another, |s| {
    let main = s.main().await;
    let slug = s.slug.clone();
    s.forge.create_branch(&slug, &branch("homeostat"), &main).await.expect("a branch");
    let below = s.forge.create_branch(&slug, &branch("homeostat/x"), &main).await;
    assert!(matches!(&below, Err(ForgeError::Invalid(why)) if why.contains("folder")), "{below:?}");
    s.forge.create_branch(&slug, &branch("a/b"), &main).await.expect("a branch");
    let above = s.forge.create_branch(&slug, &branch("a"), &main).await;
    assert!(matches!(above, Err(ForgeError::Invalid(_))), "{above:?}");
});

conforms!(a_branch_moves_only_forward_and_only_from_where_it_was_seen, |s| {
    let slug = s.slug.clone();
    let old = s.main().await;
    let fix = s.fix_branch("homeostat/x", "fixed\n").await;
    let other = s.forge.commit_files(&slug, "bob", &branch("other"), &[("o.txt", Some("o"))], "o\n").await.expect("o");
    let sideways = s.forge.advance_branch(&slug, &branch("homeostat/x"), &fix, &other).await;
    assert!(matches!(sideways, Err(ForgeError::Conflict(_))), "{sideways:?}");
    let stale = s.forge.advance_branch(&slug, &branch("homeostat/x"), &old, &fix).await;
    assert!(matches!(stale, Err(ForgeError::Conflict(_))), "{stale:?}");
    s.forge.advance_branch(&slug, &branch("main"), &old, &fix).await.expect("a fast-forward");
    assert_eq!(s.main().await, fix);
    let absent = s.forge.advance_branch(&slug, &branch("none"), &old, &fix).await;
    assert!(matches!(absent, Err(ForgeError::NotFound(_))), "{absent:?}");
});

conforms!(a_branch_is_deleted_only_where_it_was_seen_and_closes_its_pull_request, |s| {
    let slug = s.slug.clone();
    let main = s.main().await;
    let fix = s.fix_branch("homeostat/x", "fixed\n").await;
    let opened = s.forge.create_pull(&slug, &pull("homeostat/x")).await.expect("a pull request");
    let stale = s.forge.delete_branch(&slug, &branch("homeostat/x"), &main).await;
    assert!(matches!(stale, Err(ForgeError::Conflict(_))), "{stale:?}");
    let default = s.forge.delete_branch(&slug, &branch("main"), &main).await;
    assert!(matches!(default, Err(ForgeError::Invalid(_))), "{default:?}");
    s.forge.delete_branch(&slug, &branch("homeostat/x"), &fix).await.expect("a deletion");
    let after = s.forge.pull(&slug, opened.number).await.expect("a pull request");
    assert_eq!((after.state, after.head_sha), (PullState::Closed, fix));
    let again = s.forge.reopen_thread(&slug, opened.number, "alice").await;
    assert!(matches!(again, Err(ForgeError::Invalid(_))), "{again:?}");
});

conforms!(f_39_a_second_open_pull_request_for_one_head_is_refused, |s| {
    let slug = s.slug.clone();
    s.fix_branch("homeostat/x", "fixed\n").await;
    let first = s.forge.create_pull(&slug, &pull("homeostat/x")).await;
    let shown = first.as_ref().map(|p| (p.number, p.state, p.draft)).map_err(Clone::clone);
    s.note("first", shown);
    let second = s.forge.create_pull(&slug, &pull("homeostat/x")).await;
    assert!(matches!(second, Err(ForgeError::Conflict(_))), "{second:?}");
    let number = first.expect("a pull request").number;
    s.forge.close_thread(&slug, number, "alice").await.expect("a close");
    let third = s.forge.create_pull(&slug, &pull("homeostat/x")).await.expect("the first is closed");
    let reopened = s.forge.reopen_thread(&slug, number, "alice").await;
    assert!(matches!(reopened, Err(ForgeError::Invalid(_))), "two open ones for one head: {reopened:?}");
    let query = PullQuery { head: Some(branch("homeostat/x")), open_only: false };
    let all = s.forge.pulls(&slug, &query, None).await.expect("a list");
    let states: Vec<_> = all.items.iter().map(|p| (p.number, p.state)).collect();
    assert_eq!(states, [(third.number, PullState::Open), (number, PullState::Closed)], "a closed one stays");
});

conforms!(f_40_f_41_f_42_pull_requests_that_can_never_be_are_invalid, |s| {
    let slug = s.slug.clone();
    let main = s.main().await;
    s.forge.create_branch(&slug, &branch("homeostat/empty"), &main).await.expect("a branch");
    s.fix_branch("homeostat/x", "fixed\n").await;
    let long = |characters| NewPull { body: "ä".repeat(characters), ..pull("homeostat/x") };
    let cases = [
        (pull("homeostat/none"), "head"),
        (pull("homeostat/empty"), "No commits between"),
        (NewPull { base: branch("none"), ..pull("homeostat/x") }, "base"),
        (NewPull { title: " ".into(), ..pull("homeostat/x") }, "title"),
        (long(65_537), "65537 characters"),
    ];
    for (new, word) in cases {
        let answer = s.forge.create_pull(&slug, &new).await;
        assert!(matches!(&answer, Err(ForgeError::Invalid(why)) if why.contains(word)), "{word}: {answer:?}");
    }
    let opened = s.forge.create_pull(&slug, &long(65_536)).await.expect("the limit counts characters");
    let edit = PullEdit { title: None, body: Some("x".repeat(65_537)) };
    let edited = s.forge.edit_pull(&slug, opened.number, &edit).await;
    assert!(matches!(edited, Err(ForgeError::Invalid(_))), "{edited:?}");
});

conforms!(an_edit_that_changes_nothing_writes_nothing, |s| {
    let slug = s.slug.clone();
    s.fix_branch("homeostat/x", "fixed\n").await;
    let number = s.forge.create_pull(&slug, &pull("homeostat/x")).await.expect("a pull request").number;
    s.clock.advance(Duration::from_mins(1));
    let before = s.forge.world(&slug).await.expect("a world");
    let same = PullEdit { title: Some("Fix it".into()), body: Some("Closes #1".into()) };
    s.forge.edit_pull(&slug, number, &same).await.expect("an edit");
    assert_eq!(s.forge.world(&slug).await.expect("a world"), before);
    let other = PullEdit { title: None, body: Some("Other".into()) };
    s.forge.edit_pull(&slug, number, &other).await.expect("an edit");
    let after = s.forge.pull(&slug, number).await.expect("a pull request");
    assert_eq!((after.title.as_str(), after.body.as_str()), ("Fix it", "Other"));
});

conforms!(numbers_are_shared_by_issues_and_pull_requests, |s| {
    let slug = s.slug.clone();
    let first = s.forge.open_issue(&slug, &issue("one", &[])).await.expect("an issue");
    s.fix_branch("homeostat/x", "fixed\n").await;
    let second = s.forge.create_pull(&slug, &pull("homeostat/x")).await.expect("a pull request").number;
    let third = s.forge.open_issue(&slug, &issue("three", &[])).await.expect("an issue");
    assert_eq!((first, second, third), (1, 2, 3));
    let issues = s.forge.issues(&slug, &IssueQuery::default(), None).await.expect("a list");
    assert_eq!(issues.items.iter().map(|i| i.number).collect::<Vec<_>>(), [1, 3], "pull requests are left out");
    assert!(s.forge.issue(&slug, 2).await.expect("the number").is_pull_request);
    assert!(matches!(s.forge.pull(&slug, 1).await, Err(ForgeError::NotFound(_))));
    assert!(matches!(s.forge.issue(&slug, 9).await, Err(ForgeError::NotFound(_))));
});

conforms!(labels_must_exist_and_exist_once_whatever_their_case, |s| {
    let slug = s.slug.clone();
    s.forge.open_issue(&slug, &issue("one", &[])).await.expect("an issue");
    let label = Label { name: "Homeostat: fix".into(), color: "00ff00".into(), description: "a fix, \"ours\"".into() };
    let missing = s.forge.add_labels(&slug, 1, std::slice::from_ref(&label.name)).await;
    assert!(matches!(missing, Err(ForgeError::Invalid(_))), "{missing:?}");
    s.forge.create_label(&slug, &label).await.expect("a label");
    let again = Label { name: "homeostat: FIX".into(), ..label.clone() };
    let twice = s.forge.create_label(&slug, &again).await;
    assert!(matches!(twice, Err(ForgeError::Conflict(_))), "{twice:?}");
    let odd = s.forge.create_label(&slug, &Label { color: "green".into(), name: "g".into(), ..label }).await;
    assert!(matches!(odd, Err(ForgeError::Invalid(_))), "{odd:?}");
    for _ in 0..2 {
        s.forge.add_labels(&slug, 1, &["HOMEOSTAT: fix".into()]).await.expect("labels");
    }
    let seen = s.forge.issue(&slug, 1).await.expect("an issue");
    assert_eq!(seen.labels, ["Homeostat: fix"]);
    s.forge.remove_label(&slug, 1, "none").await.expect("no error");
    s.forge.remove_label(&slug, 1, "homeostat: fix").await.expect("a removal");
    let events = s.forge.issue_events(&slug, 1, None).await;
    assert_eq!(s.note("events", events).expect("events").items.len(), 2, "each change once");
});

conforms!(events_tell_who_did_what_when, |s| {
    let slug = s.slug.clone();
    let number = s.forge.open_issue(&slug, &issue("one", &["bug"])).await.expect("an issue");
    for step in 0..5 {
        s.clock.advance(Duration::from_mins(1));
        let done = match step {
            0 => s.forge.label_as(&slug, number, "bob", "homeostat").await,
            1 => s.forge.edit_issue(&slug, number, "alice", None, Some("New body")).await,
            2 => s.forge.unlabel_as(&slug, number, "bob", "homeostat").await,
            3 => s.forge.close_thread(&slug, number, "carol").await,
            _ => s.forge.reopen_thread(&slug, number, "alice").await,
        };
        done.expect("an act");
    }
    let events = s.forge.issue_events(&slug, number, None).await;
    let events = s.note("events", events).expect("events").items;
    let who: Vec<_> = events.iter().filter_map(|e| e.actor.as_ref()).map(|a| a.login.clone()).collect();
    assert_eq!(who, ["alice", "bob", "alice", "bob", "carol", "alice"]);
    let ids: std::collections::BTreeSet<_> = events.iter().map(|e| e.id).collect();
    assert_eq!(ids.len(), events.len());
    let seen = s.forge.issue(&slug, number).await.expect("an issue");
    assert!(seen.open && seen.updated_at == s.clock.now());
});

conforms!(
    lists_come_in_pages_whose_tokens_only_the_forge_can_make,
    Settings { page_size: 2, ..Settings::default() },
    |s| {
        let slug = s.slug.clone();
        for title in ["a", "b", "c", "d", "e"] {
            s.forge.open_issue(&slug, &issue(title, &[])).await.expect("an issue");
            s.forge.comment_as(&slug, 1, "bob", title).await.expect("a comment");
        }
        let mut token: Option<String> = None;
        let mut seen = Vec::new();
        loop {
            let page = s.forge.issues(&slug, &IssueQuery::default(), token.as_deref()).await.expect("a page");
            assert!(page.items.len() <= 2);
            seen.extend(page.items.into_iter().map(|i| i.title));
            token = page.next;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(seen, ["a", "b", "c", "d", "e"]);
        let comments = s.forge.comments(&slug, 1, None).await.expect("a page");
        let foreign = s.forge.issues(&slug, &IssueQuery::default(), comments.next.as_deref()).await;
        assert!(matches!(foreign, Err(ForgeError::Invalid(_))), "{foreign:?}");
        for made_up in ["2", "", "2.00000000", "zz.zz"] {
            let answer = s.forge.issues(&slug, &IssueQuery::default(), Some(made_up)).await;
            assert!(matches!(answer, Err(ForgeError::Invalid(_))), "{made_up:?} {answer:?}");
        }
    }
);

conforms!(issues_are_asked_for_by_label_state_and_time, |s| {
    let slug = s.slug.clone();
    s.forge.open_issue(&slug, &issue("a", &["homeostat"])).await.expect("an issue");
    s.clock.advance(Duration::from_hours(1));
    let later = s.clock.now();
    s.forge.open_issue(&slug, &issue("b", &["other"])).await.expect("an issue");
    s.forge.open_issue(&slug, &issue("c", &["homeostat"])).await.expect("an issue");
    s.forge.close_thread(&slug, 3, "alice").await.expect("a close");
    let queries = [
        (IssueQuery { label: Some("Homeostat".into()), ..IssueQuery::default() }, vec![1, 3]),
        (IssueQuery { open_only: true, ..IssueQuery::default() }, vec![1, 2]),
        (IssueQuery { since: Some(later), ..IssueQuery::default() }, vec![2, 3]),
    ];
    for (query, expected) in queries {
        let page = s.forge.issues(&slug, &query, None).await.expect("a page");
        assert_eq!(page.items.iter().map(|i| i.number).collect::<Vec<_>>(), expected, "{query:?}");
    }
    s.clock.advance(Duration::from_hours(1));
    s.forge.comment_as(&slug, 1, "bob", "/homeostat retry").await.expect("a comment");
    let query = IssueQuery { since: Some(s.clock.now()), ..IssueQuery::default() };
    let page = s.forge.issues(&slug, &query, None).await.expect("a page");
    assert_eq!(page.items.len(), 1, "a comment is a change");
});

conforms!(f_50_a_locked_thread_denies_comments_and_only_ours_are_edited, |s| {
    let slug = s.slug.clone();
    s.forge.open_issue(&slug, &issue("a", &[])).await.expect("an issue");
    let theirs = s.forge.comment_as(&slug, 1, "bob", "mine").await.expect("a comment");
    let ours = s.forge.create_comment(&slug, 1, "---\nauthor: nobody\n---\nours\n").await.expect("a comment");
    let denied = s.forge.edit_comment(&slug, theirs.id, "changed").await;
    assert!(matches!(denied, Err(ForgeError::Denied(_))), "{denied:?}");
    s.forge.edit_comment(&slug, ours.id, "ours, edited").await.expect("an edit");
    assert!(matches!(s.forge.edit_comment(&slug, 77, "x").await, Err(ForgeError::NotFound(_))));
    assert!(matches!(s.forge.create_comment(&slug, 1, " ").await, Err(ForgeError::Invalid(_))));
    s.forge.set_locked(&slug, 1, true).await.expect("a lock");
    let locked = s.forge.create_comment(&slug, 1, "x").await;
    assert!(matches!(locked, Err(ForgeError::Denied(_))), "{locked:?}");
    let comments = s.forge.comments(&slug, 1, None).await;
    let comments = s.note("comments", comments).expect("comments").items;
    assert_eq!(comments.iter().map(|c| c.body.as_str()).collect::<Vec<_>>(), ["mine", "ours, edited"]);
});

conforms!(permissions_are_by_identity_and_not_by_login, |s| {
    let slug = s.slug.clone();
    s.forge.set_permission(&slug, "bob", Permission::Write).await.expect("a permission");
    s.forge.set_permission(&slug, "no", Permission::Triage).await.expect("a permission");
    let us = s.forge.identity().await.expect("an identity");
    let cases = [
        (actor("owner"), Permission::Admin),
        (actor("bob"), Permission::Write),
        (actor("no"), Permission::Triage),
        (us, Permission::Write),
        (actor("stranger"), Permission::Read),
        (homeostat::model::Actor { login: "bob".into(), ..actor("mallory") }, Permission::Read),
    ];
    for (who, expected) in cases {
        assert_eq!(s.forge.permission(&slug, &who).await, Ok(expected), "{who:?}");
    }
});

conforms!(a_merge_is_seen_with_its_commit_and_closes_what_the_body_says, |s| {
    let slug = s.slug.clone();
    s.forge.open_issue(&slug, &issue("a", &[])).await.expect("an issue");
    let fix = s.fix_branch("homeostat/x", "fixed\n").await;
    let number = s.forge.create_pull(&slug, &pull("homeostat/x")).await.expect("a pull request").number;
    s.forge.commit_files(&slug, "bob", &branch("main"), &[("c.txt", Some("c"))], "c\n").await.expect("a commit");
    let merge = s.forge.merge_pull(&slug, number, "alice", MergeStyle::Merge).await.expect("a merge");
    let seen = s.forge.pull(&slug, number).await.expect("a pull request");
    assert_eq!((seen.state, seen.merge_sha, seen.head_sha), (PullState::Merged, Some(merge.clone()), fix.clone()));
    assert!(s.forge.is_ancestor(&slug, &fix, &merge).await.expect("commits"));
    assert!(!s.forge.issue(&slug, 1).await.expect("an issue").open);
    let tree = s.forge.tree(&slug, &merge).await.expect("a tree");
    let paths: Vec<_> = tree.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths, ["README.md", "c.txt", "src/a.txt", "src/deep/b.txt"]);
    let reopened = s.forge.reopen_thread(&slug, number, "alice").await;
    assert!(matches!(reopened, Err(ForgeError::Invalid(_))), "{reopened:?}");
});

conforms!(merges_made_with_git_are_seen_by_their_result, |s| {
    let slug = s.slug.clone();
    let old = s.main().await;
    let (one, two) = (s.fix_branch("homeostat/one", "1\n").await, s.fix_branch("homeostat/two", "2\n").await);
    let first = s.forge.create_pull(&slug, &pull("homeostat/one")).await.expect("a pull request").number;
    let second = s.forge.create_pull(&slug, &pull("homeostat/two")).await.expect("a pull request").number;
    // One by fast-forward, the other by a merge commit, then more work on the base.
    s.forge.force_branch(&slug, "bob", &branch("main"), Some(&one)).await.expect("a push");
    let tree = s.forge.commit(&slug, &two).await.expect("a commit").tree;
    let merge = NewCommit { tree, parents: vec![one.clone(), two.clone()], message: "merge\n".into() };
    let merge = s.forge.create_commit(&slug, &merge).await.expect("a commit");
    s.forge.force_branch(&slug, "bob", &branch("main"), Some(&merge)).await.expect("a push");
    s.forge.commit_files(&slug, "bob", &branch("main"), &[("c.txt", Some("c"))], "c\n").await.expect("a commit");
    s.forge.force_branch(&slug, "bob", &branch("homeostat/two"), None).await.expect("a deletion");
    let seen = s.forge.pull(&slug, first).await.expect("a pull request");
    assert_eq!((seen.state, seen.merge_sha), (PullState::Merged, Some(one)));
    let seen = s.forge.pull(&slug, second).await.expect("a pull request");
    assert_eq!((seen.state, seen.merge_sha), (PullState::Merged, Some(merge)));
    // A head that a person set back to the old base is no merge: with nothing left in it, it is closed.
    s.fix_branch("homeostat/three", "3\n").await;
    let third = s.forge.create_pull(&slug, &pull("homeostat/three")).await.expect("a pull request").number;
    s.forge.force_branch(&slug, "bob", &branch("homeostat/three"), Some(&old)).await.expect("a push");
    s.forge.commit_files(&slug, "bob", &branch("main"), &[("d.txt", Some("d"))], "d\n").await.expect("a commit");
    assert_eq!(s.forge.pull(&slug, third).await.expect("a pull request").state, PullState::Closed);
});

conforms!(
    f_37_f_42_new_branches_and_pull_requests_may_lag,
    Settings { pull_lag: Duration::from_secs(13), ref_lag: Duration::from_secs(3), ..Settings::default() },
    |s| {
        let slug = s.slug.clone();
        s.fix_branch("homeostat/x", "fixed\n").await;
        let b = branch("homeostat/x");
        assert_eq!(s.forge.branch(&slug, &b).await, Ok(None));
        let early = s.forge.create_pull(&slug, &pull("homeostat/x")).await;
        assert!(matches!(early, Err(ForgeError::Invalid(_))), "{early:?}");
        s.clock.advance(Duration::from_secs(3));
        assert!(s.forge.branch(&slug, &b).await.expect("refs").is_some());
        let number = s.forge.create_pull(&slug, &pull("homeostat/x")).await.expect("a pull request").number;
        let query = PullQuery { head: Some(b), open_only: false };
        assert!(s.forge.pulls(&slug, &query, None).await.expect("a list").items.is_empty());
        assert!(s.forge.pull(&slug, number).await.is_ok(), "by number it is there");
        let second = s.forge.create_pull(&slug, &pull("homeostat/x")).await;
        assert!(matches!(second, Err(ForgeError::Conflict(_))), "the truth does not lag: {second:?}");
        s.clock.advance(Duration::from_secs(13));
        assert_eq!(s.forge.pulls(&slug, &query, None).await.expect("a list").items.len(), 1);
    }
);

conforms!(trees_are_made_of_a_base_and_changes, |s| {
    let slug = s.slug.clone();
    let main = s.main().await;
    let blob = s.forge.create_blob(&slug, b"\x00\xffnew").await.expect("a blob");
    assert_eq!(s.forge.blob(&slug, &blob).await, Ok(b"\x00\xffnew".to_vec()));
    let path = |text: &str| text.parse().expect("a path");
    let put = |text, mode| TreeChange { path: path(text), entry: Some((mode, blob.clone())) };
    let changes = [
        put("src/deep/er/new.bin", FileMode::Executable),
        put("link", FileMode::Symlink),
        TreeChange { path: path("src/deep/b.txt"), entry: None },
        TreeChange { path: path("README.md"), entry: None },
    ];
    let tree = s.forge.create_tree(&slug, Some(&main), &changes).await.expect("a tree");
    let listed = s.forge.tree(&slug, &tree).await;
    let listed = s.note("tree", listed).expect("a list");
    let shown: Vec<_> = listed.iter().map(|e| format!("{} {}", e.mode.as_str(), e.path)).collect();
    assert_eq!(shown, ["120000 link", "100644 src/a.txt", "100755 src/deep/er/new.bin"]);
    let gone = [TreeChange { path: path("none.txt"), entry: None }];
    assert!(matches!(s.forge.create_tree(&slug, Some(&main), &gone).await, Err(ForgeError::Invalid(_))));
    let alone = s.forge.create_tree(&slug, None, &[]).await;
    assert_eq!(s.note("empty", alone).expect("a tree").as_str(), "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
    let absent = [TreeChange { path: path("x"), entry: Some((FileMode::Plain, main.clone())) }];
    assert!(matches!(s.forge.create_tree(&slug, None, &absent).await, Err(ForgeError::Invalid(_))), "no blob");
    assert!(matches!(s.forge.blob(&slug, &main).await, Err(ForgeError::NotFound(_))));
    assert!(matches!(s.forge.tree(&slug, &blob).await, Err(ForgeError::NotFound(_))));
});

conforms!(the_state_repository_is_there_before_its_first_write, |s| {
    let state: RepoSlug = STATE_SLUG.parse().expect("a slug");
    let b = branch("homeostat-state");
    assert!(s.forge.repository(&state).await.is_ok());
    assert_eq!(s.forge.branch(&state, &b).await, Ok(None));
    assert_eq!(s.forge.branches(&state, "").await, Ok(Vec::new()));
    let blob = s.forge.create_blob(&state, b"{}").await.expect("a blob");
    let change =
        TreeChange { path: "failures/1/x.json".parse().expect("a path"), entry: Some((FileMode::Plain, blob)) };
    let tree = s.forge.create_tree(&state, None, &[change]).await.expect("a tree");
    let commit = NewCommit { tree, parents: Vec::new(), message: "state\n".into() };
    let commit = s.forge.create_commit(&state, &commit).await.expect("a commit");
    s.forge.create_branch(&state, &b, &commit).await.expect("a branch");
    let listed = s.forge.branches(&state, "homeostat").await;
    s.note("branches", listed);
    let second = s.forge.create_branch(&state, &b, &commit).await;
    assert!(matches!(second, Err(ForgeError::Conflict(_))), "two first writers: {second:?}");
});

conforms!(what_is_not_there_is_not_found, |s| {
    let none: RepoSlug = "owner/none".parse().expect("a slug");
    let id: ObjectId = "1111111111111111111111111111111111111111".parse().expect("an id");
    assert!(matches!(s.forge.repository(&none).await, Err(ForgeError::NotFound(_))));
    assert!(matches!(s.forge.issues(&none, &IssueQuery::default(), None).await, Err(ForgeError::NotFound(_))));
    assert!(matches!(s.forge.create_blob(&none, b"").await, Err(ForgeError::NotFound(_))));
    assert!(matches!(s.forge.commit(&s.slug, &id).await, Err(ForgeError::NotFound(_))));
    assert!(matches!(s.forge.comments(&s.slug, 5, None).await, Err(ForgeError::NotFound(_))));
    let twice = s.forge.create_repository(&s.slug, &[]).await;
    assert!(matches!(twice, Err(ForgeError::Conflict(_))), "{twice:?}");
});

/// One step of a life of a repository, each by Homeostat or by a person.
#[derive(Debug, Clone, Copy)]
enum Step {
    Push(u8),
    Open(u8, u8),
    Close(u8),
    Reopen(u8),
    Merge(u8),
    Delete(u8),
    Rewind(u8),
}

fn steps() -> impl proptest::strategy::Strategy<Value = Vec<Step>> {
    use proptest::prelude::*;
    let step = (0_u8..7, 0_u8..3, 0_u8..2).prop_map(|(what, which, base)| match what {
        0 => Step::Push(which),
        1 => Step::Open(which, base),
        2 => Step::Close(which),
        3 => Step::Reopen(which),
        4 => Step::Merge(which),
        5 => Step::Delete(which),
        _ => Step::Rewind(which),
    });
    proptest::collection::vec(step, 0..40)
}

async fn take(stage: &Stage<homeostat::forge::memory::MemoryStorage>, step: Step, turn: usize) {
    let (f, slug) = (&stage.forge, &stage.slug);
    let head = |which: u8| branch(&format!("homeostat/{which}"));
    // What the rules refuse is part of the life: only the world afterwards counts.
    match step {
        Step::Push(which) => {
            let content = format!("{turn}\n");
            f.commit_files(slug, "us", &head(which), &[("src/a.txt", Some(&content))], "x\n").await.map(drop)
        }
        Step::Open(which, base) => {
            let base = if base == 0 { branch("main") } else { branch("release") };
            f.create_pull(slug, &NewPull { base, ..pull(&format!("homeostat/{which}")) }).await.map(drop)
        }
        Step::Close(number) => f.close_thread(slug, u64::from(number) + 1, "alice").await,
        Step::Reopen(number) => f.reopen_thread(slug, u64::from(number) + 1, "alice").await,
        Step::Merge(number) => f.merge_pull(slug, u64::from(number) + 1, "alice", MergeStyle::Merge).await.map(drop),
        Step::Delete(which) => f.force_branch(slug, "alice", &head(which), None).await,
        Step::Rewind(which) => {
            let main = stage.main().await;
            f.force_branch(slug, "alice", &head(which), Some(&main)).await
        }
    }
    .ok();
}

async fn live(steps: Vec<Step>) {
    let clock = start();
    let stage = Stage::new(MemoryForge::new(clock.clock()), clock).await;
    let main = stage.main().await;
    stage.forge.create_branch(&stage.slug, &branch("release"), &main).await.expect("a branch");
    let mut merged = std::collections::BTreeSet::new();
    for (turn, step) in steps.into_iter().enumerate() {
        stage.clock.advance(Duration::from_secs(1));
        take(&stage, step, turn).await;
        let pulls = stage.forge.pulls(&stage.slug, &PullQuery::default(), None).await.expect("a list");
        let mut open = std::collections::BTreeSet::new();
        for seen in pulls.items {
            if seen.state == PullState::Open {
                assert!(open.insert((seen.head, seen.base)), "two open ones after {step:?}");
            }
            let is_merged = seen.state == PullState::Merged;
            assert!(is_merged || !merged.contains(&seen.number), "#{} was merged", seen.number);
            if is_merged {
                merged.insert(seen.number);
            }
        }
    }
}

#[tokio::test]
async fn a_head_that_is_set_back_to_its_base_is_closed_for_good_and_what_was_merged_stays_merged() {
    use Step::{Merge, Open, Push, Reopen, Rewind};
    live(vec![Push(2), Open(2, 0), Push(0), Open(0, 0), Merge(1), Reopen(0), Rewind(2), Push(2)]).await;
    live(vec![Push(2), Open(2, 0), Push(0), Open(0, 0), Merge(1), Rewind(2), Reopen(0), Push(2), Reopen(0)]).await;
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_sequence_of_calls_leaves_two_open_pull_requests_for_one_head_and_base(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(live(steps));
    }
}

/// Makes a completed run with one job for each log.
fn a_run(workflow: &str, commit: &ObjectId, conclusion: Conclusion, at: i64, jobs: &[&str]) -> RunRecord {
    let time = Timestamp::from_millis(1_800_000_000_000 + at * 1_000);
    let job = |name: &&str| JobRecord {
        name: name.to_string(),
        conclusion,
        runner_labels: vec!["ubuntu-latest".into()],
        steps: vec![JobStep { number: 1, name: "Test: all".into(), conclusion: Some(conclusion) }],
    };
    RunRecord {
        workflow: workflow.into(),
        name: format!("The {workflow}"),
        branch: "main".into(),
        commit: commit.clone(),
        event: "push".into(),
        actor: Some(actor("owner")),
        fork: false,
        attempt: 2,
        conclusion,
        created_at: time,
        completed_at: time,
        jobs: jobs.iter().map(job).collect(),
    }
}

conforms!(runs_of_a_branch_are_listed_newest_first_with_jobs_and_the_end_of_their_logs, |s| {
    let (main, slug) = (s.main().await, s.slug.clone());
    let older = a_run("ci.yml", &main, Conclusion::Success, 1, &["test"]);
    let newer = a_run("ci.yml", &main, Conclusion::Failure, 2, &["test (ubuntu, 20)", "lint"]);
    let elsewhere = RunRecord { branch: "feature".into(), ..a_run("ci.yml", &main, Conclusion::Failure, 3, &["x"]) };
    let log = b"first line\nlast line\n".to_vec();
    for run in [&older, &newer, &elsewhere] {
        s.forge.add_run(&slug, run, &[log.clone(), b"lint says no\n".to_vec()]).await.expect("a run");
    }
    let listed = s.forge.runs(&slug, &branch("main"), None).await;
    let runs: Vec<_> = listed.as_ref().expect("runs").items.iter().map(|run| (run.id, run.conclusion)).collect();
    assert_eq!(runs, [(2, Conclusion::Failure), (1, Conclusion::Success)]);
    let jobs = s.forge.jobs(&slug, 2, None).await.expect("jobs").items;
    let named: Vec<_> = jobs.iter().map(|job| (job.id, job.name.as_str())).collect();
    assert_eq!(named, [(2_000, "test (ubuntu, 20)"), (2_001, "lint")]);
    let tail = s.forge.job_log(&slug, 2_000, 10).await;
    let tail = s.note("tail", tail).expect("a log");
    assert_eq!((tail.bytes.as_slice(), tail.cut), (&b"last line\n"[..], true));
    let whole = s.forge.job_log(&slug, 2_001, 1_000).await.expect("a log");
    assert_eq!((whole.bytes.as_slice(), whole.cut), (&b"lint says no\n"[..], false));
    let gone = s.forge.job_log(&slug, 9_999, 10).await;
    assert!(matches!(gone, Err(ForgeError::NotFound(_))), "{gone:?}");
    let gone = s.forge.jobs(&slug, 77, None).await;
    s.note("no run", gone);
});

conforms!(a_first_look_tells_of_reports_and_checks, |s| {
    let (main, slug) = (s.main().await, s.slug.clone());
    let query = |branch: Option<&str>| GlanceQuery {
        slug: "owner/app".parse().expect("a slug"),
        branch: branch.map(|name| name.parse().expect("a branch")),
        labels: vec!["homeostat".into(), "robot".into()],
    };
    let missing = GlanceQuery { slug: "owner/none".parse().expect("a slug"), ..query(None) };
    let quiet = s.forge.glance(&[query(None), missing]).await.expect("looks");
    let [Ok(first), Err(ForgeError::NotFound(_))] = quiet.as_slice() else { panic!("{quiet:?}") };
    assert_eq!((first.reports, first.checks, first.head.as_ref()), (0, Checks::None, Some(&main)));
    s.forge.open_issue(&slug, &issue("It breaks", &["Robot"])).await.expect("an issue");
    s.forge.open_issue(&slug, &issue("A wish", &["wish"])).await.expect("an issue");
    s.forge.add_run(&slug, &a_run("ci.yml", &main, Conclusion::Failure, 1, &["t"]), &[]).await.expect("a run");
    let seen = s.forge.glance(&[query(Some("main"))]).await.expect("looks").remove(0).expect("a look");
    assert_eq!((seen.reports, seen.checks), (1, Checks::Failing));
    assert!(seen.newest_report.is_some());
    s.forge.add_run(&slug, &a_run("ci.yml", &main, Conclusion::Success, 2, &["t"]), &[]).await.expect("a run");
    let seen = s.forge.glance(&[query(None)]).await.expect("looks").remove(0).expect("a look");
    assert_eq!(seen.checks, Checks::Passing);
});

conforms!(reviewers_assignees_and_milestone_are_put_on_once_and_strangers_refused, |s| {
    let slug = s.slug.clone();
    s.fix_branch("fix", "two\n").await;
    let number = s.forge.create_pull(&slug, &pull("fix")).await.expect("a pull request").number;
    s.forge.set_permission(&slug, "alice", Permission::Write).await.expect("a person");
    s.forge.add_milestone(&slug, "1.0: \"first\"").await.expect("a milestone");
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<String>>();
    for _ in 0..2 {
        let asked = s.forge.request_reviewers(&slug, number, &names(&["alice"]), &names(&["core"])).await;
        s.note("asked", asked);
        s.forge.add_assignees(&slug, number, &names(&["alice", "nobody"])).await.expect("assigned");
        s.forge.set_milestone(&slug, number, "1.0: \"first\"").await.expect("a milestone");
    }
    let stranger = s.forge.request_reviewers(&slug, number, &names(&["mallory"]), &[]).await;
    assert!(matches!(stranger, Err(ForgeError::Invalid(_))), "{stranger:?}");
    let missing = s.forge.set_milestone(&slug, number, "2.0").await;
    assert!(matches!(missing, Err(ForgeError::NotFound(_))), "{missing:?}");
    let world = s.forge.world(&slug).await.expect("a world");
    let thread = &world.threads.iter().find(|one| one.thread.number == number).expect("the thread").thread;
    assert_eq!(thread.assignees.iter().collect::<Vec<_>>(), ["alice"]);
    assert_eq!(thread.reviewers.iter().collect::<Vec<_>>(), ["/core", "alice"]);
});
