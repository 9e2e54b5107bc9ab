//! Branches, trees and what a repository holds.

use super::*;

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
    let worded = |why: &str| s.over_http() || why.contains("folder");
    assert!(matches!(&below, Err(ForgeError::Invalid(why)) if worded(why)), "{below:?}");
    s.forge.create_branch(&slug, &branch("a/b"), &main).await.expect("a branch");
    let above = s.forge.create_branch(&slug, &branch("a"), &main).await;
    assert!(matches!(above, Err(ForgeError::Invalid(_))), "{above:?}");
});

conforms!(a_branch_moves_only_forward_and_only_from_where_it_was_seen, |s| {
    let slug = s.slug.clone();
    let old = s.main().await;
    let fix = s.fix_branch("homeostat/x", "fixed\n").await;
    let other = s.people.commit_files(&slug, "bob", &branch("other"), &[("o.txt", Some("o"))], "o\n").await.expect("o");
    let sideways = s.forge.advance_branch(&slug, &branch("homeostat/x"), &fix, &other).await;
    assert!(matches!(sideways, Err(ForgeError::Conflict(_))), "{sideways:?}");
    let stale = s.forge.advance_branch(&slug, &branch("homeostat/x"), &old, &fix).await;
    assert!(matches!(stale, Err(ForgeError::Conflict(_))), "{stale:?}");
    s.forge.advance_branch(&slug, &branch("main"), &old, &fix).await.expect("a fast-forward");
    assert_eq!(s.main().await, fix);
    let absent = s.forge.advance_branch(&slug, &branch("none"), &old, &fix).await;
    assert!(matches!(absent, Err(ForgeError::NotFound(_))), "{absent:?}");
});

conforms!(what_a_branch_has_that_the_base_has_not_is_listed_parents_first, |s| {
    let slug = s.slug.clone();
    let main = s.main().await;
    assert!(s.forge.ahead(&slug, &main, &main).await.is_ok_and(|none| none.commits.is_empty() && none.total == 0));
    let b = branch("feat/x");
    let mut made = Vec::new();
    for n in 1..=3 {
        let text = format!("{n}\n");
        let files = [("n.txt", Some(text.as_str()))];
        made.push(s.people.commit_files(&slug, "bob", &b, &files, &format!("step {n}\n\nwhy")).await.expect("one"));
    }
    // The base goes on by itself: what only it has is not listed.
    let base = s.people.commit_files(&slug, "ann", &branch("main"), &[("m.txt", Some("m"))], "m\n").await.expect("m");
    let ahead = s.forge.ahead(&slug, &base, &made[2]).await.expect("a shared history");
    assert_eq!(ahead.commits.iter().map(|one| one.id.clone()).collect::<Vec<_>>(), made);
    assert!(ahead.commits[0].message.starts_with("step 1"), "{:?}", ahead.commits[0]);
    assert_eq!((ahead.total, &ahead.commits[1].parents), (3, &vec![made[0].clone()]));
    let nothing: ObjectId = "1111111111111111111111111111111111111111".parse().expect("an id");
    let absent = s.forge.ahead(&slug, &base, &nothing).await;
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
    // Over HTTP a refusal of what would be right by its facts is one that the token may not.
    assert!(matches!(default, Err(ForgeError::Invalid(_) | ForgeError::Denied(_))), "{default:?}");
    s.forge.delete_branch(&slug, &branch("homeostat/x"), &fix).await.expect("a deletion");
    let after = s.forge.pull(&slug, opened.number).await.expect("a pull request");
    assert_eq!((after.state, after.head_sha), (PullState::Closed, fix));
    let again = s.people.reopen_thread(&slug, opened.number, "alice").await;
    assert!(matches!(again, Err(ForgeError::Invalid(_))), "{again:?}");
});

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
    let twice = s.people.create_repository(&s.slug, &[]).await;
    assert!(matches!(twice, Err(ForgeError::Conflict(_))), "{twice:?}");
});
