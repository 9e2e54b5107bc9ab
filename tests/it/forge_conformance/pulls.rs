//! Pull requests: opening, editing, merging, lag.

use super::*;

conforms!(f_39_a_second_open_pull_request_for_one_head_is_refused, |s| {
    let slug = s.slug.clone();
    s.fix_branch("homeostat/x", "fixed\n").await;
    let first = s.forge.create_pull(&slug, &pull("homeostat/x")).await;
    let shown = first.as_ref().map(|p| (p.number, p.state, p.draft)).map_err(Clone::clone);
    s.note("first", shown);
    let second = s.forge.create_pull(&slug, &pull("homeostat/x")).await;
    assert!(matches!(second, Err(ForgeError::Conflict(_))), "{second:?}");
    let number = first.expect("a pull request").number;
    s.people.close_thread(&slug, number, "alice").await.expect("a close");
    let third = s.forge.create_pull(&slug, &pull("homeostat/x")).await.expect("the first is closed");
    let reopened = s.people.reopen_thread(&slug, number, "alice").await;
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
        (long(65_537), if s.over_http() { "body is too long" } else { "65537 characters" }),
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
    let before = s.people.world(&slug).await.expect("a world");
    let same = PullEdit { title: Some("Fix it".into()), body: Some("Closes #1".into()) };
    s.forge.edit_pull(&slug, number, &same).await.expect("an edit");
    assert_eq!(s.people.world(&slug).await.expect("a world"), before);
    let other = PullEdit { title: None, body: Some("Other".into()) };
    s.forge.edit_pull(&slug, number, &other).await.expect("an edit");
    let after = s.forge.pull(&slug, number).await.expect("a pull request");
    assert_eq!((after.title.as_str(), after.body.as_str()), ("Fix it", "Other"));
});

conforms!(a_merge_is_seen_with_its_commit_and_closes_what_the_body_says, |s| {
    let slug = s.slug.clone();
    s.people.open_issue(&slug, &issue("a", &[])).await.expect("an issue");
    let fix = s.fix_branch("homeostat/x", "fixed\n").await;
    let number = s.forge.create_pull(&slug, &pull("homeostat/x")).await.expect("a pull request").number;
    s.people.commit_files(&slug, "bob", &branch("main"), &[("c.txt", Some("c"))], "c\n").await.expect("a commit");
    let merge = s.people.merge_pull(&slug, number, "alice", MergeStyle::Merge).await.expect("a merge");
    let seen = s.forge.pull(&slug, number).await.expect("a pull request");
    assert_eq!((seen.state, seen.merge_sha, seen.head_sha), (PullState::Merged, Some(merge.clone()), fix.clone()));
    assert!(s.forge.is_ancestor(&slug, &fix, &merge).await.expect("commits"));
    assert!(!s.forge.issue(&slug, 1).await.expect("an issue").open);
    let tree = s.forge.tree(&slug, &merge).await.expect("a tree");
    let paths: Vec<_> = tree.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths, ["README.md", "c.txt", "src/a.txt", "src/deep/b.txt"]);
    let reopened = s.people.reopen_thread(&slug, number, "alice").await;
    assert!(matches!(reopened, Err(ForgeError::Invalid(_))), "{reopened:?}");
});

conforms!(merges_made_with_git_are_seen_by_their_result, |s| {
    let slug = s.slug.clone();
    let old = s.main().await;
    let (one, two) = (s.fix_branch("homeostat/one", "1\n").await, s.fix_branch("homeostat/two", "2\n").await);
    let first = s.forge.create_pull(&slug, &pull("homeostat/one")).await.expect("a pull request").number;
    let second = s.forge.create_pull(&slug, &pull("homeostat/two")).await.expect("a pull request").number;
    // One by fast-forward, the other by a merge commit, then more work on the base.
    s.people.force_branch(&slug, "bob", &branch("main"), Some(&one)).await.expect("a push");
    let tree = s.forge.commit(&slug, &two).await.expect("a commit").tree;
    let merge = NewCommit { tree, parents: vec![one.clone(), two.clone()], message: "merge\n".into() };
    let merge = s.forge.create_commit(&slug, &merge).await.expect("a commit");
    s.people.force_branch(&slug, "bob", &branch("main"), Some(&merge)).await.expect("a push");
    s.people.commit_files(&slug, "bob", &branch("main"), &[("c.txt", Some("c"))], "c\n").await.expect("a commit");
    s.people.force_branch(&slug, "bob", &branch("homeostat/two"), None).await.expect("a deletion");
    let seen = s.forge.pull(&slug, first).await.expect("a pull request");
    assert_eq!((seen.state, seen.merge_sha), (PullState::Merged, Some(one)));
    let seen = s.forge.pull(&slug, second).await.expect("a pull request");
    assert_eq!((seen.state, seen.merge_sha), (PullState::Merged, Some(merge)));
    // A head that a person set back to the old base is no merge, and leaves nothing to merge.
    s.fix_branch("homeostat/three", "3\n").await;
    let third = s.forge.create_pull(&slug, &pull("homeostat/three")).await.expect("a pull request").number;
    s.people.force_branch(&slug, "bob", &branch("homeostat/three"), Some(&old)).await.expect("a push");
    s.people.commit_files(&slug, "bob", &branch("main"), &[("d.txt", Some("d"))], "d\n").await.expect("a commit");
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

conforms!(reviewers_assignees_and_milestone_are_put_on_once_and_strangers_refused, |s| {
    let slug = s.slug.clone();
    s.fix_branch("fix", "two\n").await;
    let number = s.forge.create_pull(&slug, &pull("fix")).await.expect("a pull request").number;
    s.people.set_permission(&slug, "alice", Permission::Write).await.expect("a person");
    s.people.add_milestone(&slug, "1.0: \"first\"").await.expect("a milestone");
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
    let world = s.people.world(&slug).await.expect("a world");
    let thread = &world.threads.iter().find(|one| one.thread.number == number).expect("the thread").thread;
    assert_eq!(thread.assignees.iter().collect::<Vec<_>>(), ["alice"]);
    assert_eq!(thread.reviewers.iter().collect::<Vec<_>>(), ["/core", "alice"]);
});

conforms!(how_a_pull_request_stands_is_what_was_said_of_its_head_and_machines_review_nothing, |s| {
    let slug = s.slug.clone();
    let head = s.fix_branch("homeostat/x", "fixed\n").await;
    let number = s.forge.create_pull(&slug, &pull("homeostat/x")).await.expect("a pull request").number;
    let standing = s.forge.standing(&slug, number).await.expect("a standing");
    assert_eq!((standing.head, standing.mergeable, standing.reviewed), (head.clone(), Some(true), false));
    s.people.review_as(&slug, number, "linter[bot]").await.expect("a review");
    s.people.set_mergeable(&slug, number, Mergeable::Conflicting).await.expect("a pull request");
    let standing = s.forge.standing(&slug, number).await.expect("a standing");
    assert_eq!((standing.mergeable, standing.reviewed), (Some(false), false));
    s.people.set_mergeable(&slug, number, Mergeable::Unknown).await.expect("a pull request");
    s.people.review_as(&slug, number, "alice").await.expect("a review");
    let standing = s.forge.standing(&slug, number).await.expect("a standing");
    assert_eq!((standing.mergeable, standing.reviewed), (None, true));
    // A head that replaces the first has yet to conflict.
    let main = s.main().await;
    let tree = s.forge.commit(&slug, &head).await.expect("a commit").tree;
    let next = NewCommit { tree, parents: vec![head.clone(), main], message: "again\n".into() };
    let next = s.forge.create_commit(&slug, &next).await.expect("a commit");
    s.forge.advance_branch(&slug, &branch("homeostat/x"), &head, &next).await.expect("a fast-forward");
    let standing = s.forge.standing(&slug, number).await.expect("a standing");
    assert_eq!((standing.head, standing.mergeable), (next, Some(true)));
    s.people.open_issue(&slug, &issue("a", &[])).await.expect("an issue");
    for other in [number + 1, 77] {
        let none = s.forge.standing(&slug, other).await;
        s.note("no pull request", none);
    }
    s.people.close_thread(&slug, number, "alice").await.expect("a close");
    assert_eq!(s.forge.standing(&slug, number).await.expect("a standing").mergeable, None, "nobody tries it out");
});

conforms!(
    a_pull_request_is_let_merge_once_from_the_expected_head_and_never_as_a_draft_or_with_nothing_to_wait_for,
    |s| {
        let slug = s.slug.clone();
        let head = s.fix_branch("homeostat/x", "fixed\n").await;
        let draft = s.forge.create_pull(&slug, &pull("homeostat/x")).await.expect("a pull request").number;
        let refused = s.forge.enable_auto_merge(&slug, draft, MergeMethod::Squash, &head).await;
        assert!(matches!(refused, Err(ForgeError::Conflict(_))), "{refused:?}");
        s.people.close_thread(&slug, draft, "alice").await.expect("a close");
        let ready = NewPull { draft: false, ..pull("homeostat/x") };
        let ready = s.forge.create_pull(&slug, &ready).await.expect("a pull request");
        assert!(!ready.auto_merge);
        let main = s.main().await;
        let elsewhere = s.forge.enable_auto_merge(&slug, ready.number, MergeMethod::Squash, &main).await;
        assert!(matches!(elsewhere, Err(ForgeError::Conflict(_))), "{elsewhere:?}");
        for _ in 0..2 {
            let done = s.forge.enable_auto_merge(&slug, ready.number, MergeMethod::Squash, &head).await;
            s.note("let", done);
            assert!(s.forge.pull(&slug, ready.number).await.expect("a pull request").auto_merge);
        }
        let query = PullQuery { head: None, open_only: true };
        assert!(s.forge.pulls(&slug, &query, None).await.expect("a list").items[0].auto_merge);
        let none = s.forge.enable_auto_merge(&slug, 77, MergeMethod::Merge, &head).await;
        s.note("no pull request", none);
        let other = s.fix_branch("homeostat/y", "green\n").await;
        let green = NewPull { draft: false, ..pull("homeostat/y") };
        let green = s.forge.create_pull(&slug, &green).await.expect("a pull request").number;
        let time = Timestamp::from_millis(1_800_000_000_000);
        let job = JobRecord {
            name: "t".into(),
            conclusion: Conclusion::Success,
            runner_labels: Vec::new(),
            steps: Vec::new(),
        };
        let run = RunRecord {
            workflow: "ci.yml".into(),
            name: "CI".into(),
            branch: "homeostat/y".into(),
            commit: other.clone(),
            event: "push".into(),
            actor: None,
            fork: false,
            attempt: 1,
            conclusion: Conclusion::Success,
            created_at: time,
            completed_at: time,
            jobs: vec![job],
        };
        s.people.add_run(&slug, &run, &[]).await.expect("a run");
        let clean = s.forge.enable_auto_merge(&slug, green, MergeMethod::Rebase, &other).await;
        assert!(matches!(&clean, Err(ForgeError::Conflict(why)) if why.contains("clean status")), "{clean:?}");
    }
);
