//! Pristine repositories: what is fetched, what is read, which trees are made, and what has no say in it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use homeostat::model::{FileMode, FileState, ObjectId, Patch};
use homeostat::workspace::{Workspace, WorkspaceError};

use super::world::{World, patch, path, slug};

#[tokio::test]
async fn a_commit_is_opened_with_its_files_modes_and_sizes() {
    let world = World::new();
    let commit = world.commit(&[
        ("100644", "src/lib.rs", b"pub fn a() {}\n".to_vec()),
        ("100755", "run", b"#!/bin/sh\n".to_vec()),
        ("120000", "link", b"run".to_vec()),
        ("160000", "sub", "1".repeat(40).into_bytes()),
    ]);
    let checkout = world.open(&commit).await.expect("a checkout");
    assert_eq!(checkout.commit(), &commit);
    let files: Vec<_> = checkout.files().iter().map(|f| (f.path.as_str(), f.mode.as_str(), f.size)).collect();
    assert_eq!(
        files,
        [("link", "120000", 3), ("run", "100755", 10), ("src/lib.rs", "100644", 14), ("sub", "160000", 0)]
    );
    let read = checkout.read(&path("run")).await.expect("git").expect("a file");
    assert_eq!((read.mode, read.content.as_slice()), (FileMode::Executable, b"#!/bin/sh\n".as_slice()));
    assert_eq!(checkout.read(&path("missing")).await, Ok(None));
    assert_eq!(checkout.read(&path("src")).await, Ok(None));
}

#[tokio::test]
async fn an_older_commit_that_no_ref_names_any_more_is_fetched_alone() {
    let (world, first) = World::with(&[("a", "1")]);
    let second = world.commit(&[("100644", "a", b"2".to_vec())]);
    let checkout = world.open(&first).await.expect("a checkout");
    assert_eq!(checkout.read(&path("a")).await, Ok(Some(FileState::plain("1"))));
    // The other commit is not at hand until it is opened as well.
    assert!(matches!(checkout.read_at(&second, &path("a")).await, Err(WorkspaceError::Missing(_))));
    let other = world.open(&second).await.expect("a checkout");
    assert_eq!(checkout.read_at(&second, &path("a")).await, Ok(Some(FileState::plain("2"))));
    assert_eq!(other.read_at(&first, &path("a")).await, Ok(Some(FileState::plain("1"))));
    assert_eq!(other.read_at(&first, &path("b")).await, Ok(None));
}

#[tokio::test]
async fn what_is_not_there_is_said_clearly() {
    let (world, _) = World::with(&[("a", "1")]);
    let none: ObjectId = "0123456789012345678901234567890123456789".parse().expect("an id");
    let message = |outcome: Result<_, WorkspaceError>| match outcome {
        Err(WorkspaceError::Missing(text)) => text,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it opened"),
    };
    assert!(message(world.open(&none).await).contains("has no commit 0123456789"));
    let text = message(world.workspace().open(&slug("o/gone"), &none).await);
    assert!(text.contains("o/gone is not there"), "{text}");
    // A folder that is no repository.
    fs::create_dir_all(world.root().join("o/plain.git")).expect("a folder");
    let text = message(world.workspace().open(&slug("o/plain"), &none).await);
    assert!(
        text.contains("o/plain could not be fetched") && text.contains("not appear to be a git repository"),
        "{text}"
    );
    // A repository without any commit.
    let unborn = World::new();
    assert!(message(unborn.open(&none).await).contains("it may be empty"));
}

#[tokio::test]
async fn an_object_that_is_no_commit_is_a_mismatch() {
    let (world, commit) = World::with(&[("a", "1")]);
    let tree: ObjectId = world.git(&["rev-parse", &format!("{commit}^{{tree}}")], b"").parse().expect("an id");
    world.open(&commit).await.expect("a checkout");
    assert!(matches!(world.open(&tree).await, Err(WorkspaceError::Mismatch(_))));
    let tag = format!("object {commit}\ntype commit\ntag v1\ntagger A <a@example.com> 0 +0000\n\nv1\n");
    let tag: ObjectId = world.git(&["mktag"], tag.as_bytes()).parse().expect("an id");
    world.git(&["update-ref", "refs/tags/v1", tag.as_str()], b"");
    assert!(matches!(world.open(&tag).await, Err(WorkspaceError::Mismatch(_))));
}

#[tokio::test]
async fn the_tree_of_a_patch_is_the_one_that_git_would_make_and_no_ref_moves() {
    let (world, commit) = World::with(&[("a.txt", "one\n"), ("d/b.txt", "two\n"), ("gone", "x")]);
    let checkout = world.open(&commit).await.expect("a checkout");
    let mut change = patch(&[
        ("a.txt", Some("one\n"), Some("ONE\n")),
        ("gone", Some("x"), None),
        ("gone/now/folder", None, Some("y")),
        ("new-é.txt", None, Some("z")),
    ]);
    let program = FileState { mode: FileMode::Executable, content: b"two\n".to_vec() };
    change.set(path("d/b.txt"), Some(FileState::plain("two\n")), Some(program));
    let tree = checkout.tree_with(&change).await.expect("a tree");
    let expected = world.commit(&[
        ("100644", "a.txt", b"ONE\n".to_vec()),
        ("100755", "d/b.txt", b"two\n".to_vec()),
        ("100644", "gone/now/folder", b"y".to_vec()),
        ("100644", "new-é.txt", b"z".to_vec()),
    ]);
    assert_eq!(tree.as_str(), world.git(&["rev-parse", &format!("{expected}^{{tree}}")], b""));
    let base = world.git(&["rev-parse", &format!("{commit}^{{tree}}")], b"");
    assert_eq!(checkout.tree_with(&Patch::new()).await.expect("a tree").as_str(), base);
    assert_eq!(checkout.read(&path("a.txt")).await, Ok(Some(FileState::plain("one\n"))));
}

#[tokio::test]
async fn a_patch_that_does_not_fit_is_refused() {
    let (world, commit) = World::with(&[("a.txt", "one\n"), ("d/b.txt", "two\n")]);
    let checkout = world.open(&commit).await.expect("a checkout");
    let bad = [
        patch(&[("a.txt", Some("other\n"), Some("x"))]),
        patch(&[("a.txt", None, Some("x"))]),
        patch(&[("nothing", Some("x"), None)]),
        patch(&[("a.txt/below", None, Some("x"))]),
        patch(&[("d", None, Some("x"))]),
        patch(&[(".git/config", None, Some("x"))]),
        patch(&[("sub/.GIT/config", None, Some("x"))]),
    ];
    for patch in bad {
        let outcome = checkout.tree_with(&patch).await;
        assert!(matches!(outcome, Err(WorkspaceError::DoesNotApply(_))), "{patch:?}: {outcome:?}");
    }
    let mut link = Patch::new();
    link.set(path("s"), None, Some(FileState { mode: FileMode::Gitlink, content: b"1".repeat(40) }));
    assert!(matches!(checkout.tree_with(&link).await, Err(WorkspaceError::DoesNotApply(_))));
}

#[tokio::test]
async fn a_repository_with_unsafe_paths_still_opens() {
    let world = World::new();
    let blob = world.blob(b"text");
    // Made by hand: the index would refuse two of these names.
    let inner = world.git(&["mktree", "-z"], format!("100644 blob {blob}\tconfig\0").as_bytes());
    let listing = format!(
        "100644 blob {blob}\tok.txt\0100644 blob {blob}\ta:b\0100644 blob {blob}\tcon.txt\0040000 tree {inner}\t.git\0\
         040000 tree {inner}\t..\0100644 blob {blob}\tback\\slash\0"
    );
    let tree = world.git(&["mktree", "-z"], listing.as_bytes());
    let commit = world.commit_tree(&tree);
    let checkout = world.open(&commit).await.expect("a checkout");
    let files: Vec<_> = checkout.files().iter().map(|file| file.path.as_str()).collect();
    assert_eq!(files, [".git/config", "ok.txt"]);
    assert_eq!(checkout.unsafe_paths(), ["../config", "a:b", "back\\slash", "con.txt"]);
    assert_eq!(checkout.read(&path("ok.txt")).await, Ok(Some(FileState::plain("text"))));
    let (snapshot, _) = checkout.snapshot(None).await.expect("a snapshot");
    let done = snapshot.run(&Patch::new(), &super::sandbox::spec("ls -A")).await.expect("an execution");
    assert_eq!(done.output, "a:b\nback\\slash\ncon.txt\nok.txt\n");
}

#[tokio::test]
async fn a_tree_that_holds_a_name_twice_still_opens_and_runs() {
    let world = World::new();
    let (one, two) = (world.blob(b"one"), world.blob(b"two"));
    let inner = world.git(&["mktree", "-z"], format!("100644 blob {two}\tb\0").as_bytes());
    // The name as a link, as a folder behind it, and as a second file.
    let listing = format!("120000 blob {one}\ta\0040000 tree {inner}\ta\0100644 blob {two}\tz\0100644 blob {one}\tz\0");
    let tree = world.git(&["mktree", "-z"], listing.as_bytes());
    let commit = world.commit_tree(&tree);
    let checkout = world.open(&commit).await.expect("a checkout");
    let (snapshot, _) = checkout.snapshot(None).await.expect("a snapshot");
    let done = snapshot.run(&Patch::new(), &super::sandbox::spec("ls; readlink a; cat z")).await.expect("a run");
    assert_eq!(done.output, "a\nz\none\ntwo");
}

#[tokio::test]
async fn v_66_v_67_v_69_v_72_v_73_configuration_and_hooks_of_a_hostile_origin_run_nothing() {
    let world = World::new();
    let canary = world.root().join("canary");
    let commit = world.commit(&[
        ("100644", ".gitattributes", b"* filter=evil text eol=crlf\n".to_vec()),
        ("100644", ".gitmodules", b"[submodule \"s\"]\n\tpath = s\n\turl = ext::sh -c touch% canary\n".to_vec()),
        ("160000", "s", "1".repeat(40).into_bytes()),
        // A submodule whose name ends in a carriage return, for those who strip it; and one below a link.
        ("160000", "t\r", "2".repeat(40).into_bytes()),
        ("120000", "l", b".git".to_vec()),
        ("100644", "a", b"x\n".to_vec()),
        // A bare repository inside the tree, with all that makes it one.
        ("100644", "b/objects/keep", Vec::new()),
        ("100644", "b/refs/keep", Vec::new()),
        ("100755", "b/hooks/post-checkout", b"#!/bin/sh\ntouch canary\n".to_vec()),
        ("100644", "b/HEAD", b"ref: refs/heads/main\n".to_vec()),
        ("100644", "b/config", b"[core]\n\tfsmonitor = touch canary\n".to_vec()),
    ]);
    let touch = format!("touch {}", canary.display());
    for (name, value) in [
        ("core.fsmonitor", touch.as_str()),
        ("core.pager", &touch),
        ("filter.evil.smudge", &touch),
        ("filter.evil.clean", &touch),
        ("uploadpack.packObjectsHook", &touch),
    ] {
        world.git(&["config", name, value], b"");
    }
    for hook in ["reference-transaction", "post-checkout", "post-index-change", "pre-receive", "update"] {
        let file = world.origin().join("hooks").join(hook);
        fs::create_dir_all(world.origin().join("hooks")).expect("a folder");
        fs::write(&file, format!("#!/bin/sh\n{touch}\n")).expect("a file");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    let checkout = world.open(&commit).await.expect("a checkout");
    checkout.tree_with(&patch(&[("a", Some("x\n"), Some("y\n"))])).await.expect("a tree");
    let (snapshot, _) = checkout.snapshot(None).await.expect("a snapshot");
    let done = snapshot.run(&Patch::new(), &super::sandbox::spec("ls -A s; od -c a | head -1")).await.expect("a run");
    // Attributes change no byte, the submodule is an empty folder.
    assert_eq!(done.output, "0000000   x  \\n\n");
    assert!(!canary.exists());
    assert!(!world.root().join("cache/o/app.git/modules").exists());
}

#[tokio::test]
async fn two_openings_at_once_do_not_disturb_each_other() {
    let (world, first) = World::with(&[("a", "1")]);
    let second = world.commit(&[("100644", "a", b"2".to_vec())]);
    let (workspace, app) = (world.workspace(), slug("o/app"));
    let (one, two, three) =
        tokio::join!(workspace.open(&app, &first), workspace.open(&app, &second), workspace.open(&app, &first));
    for (opened, text) in [(one, "1"), (two, "2"), (three, "1")] {
        let checkout = opened.expect("a checkout");
        assert_eq!(checkout.read(&path("a")).await, Ok(Some(FileState::plain(text))));
    }
}
