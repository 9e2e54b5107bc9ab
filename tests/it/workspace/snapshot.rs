//! Runs in copies of the base tree: what they see, what they leave, and where a patch may not go.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use homeostat::model::{FileMode, FileState, NetworkAccess, Patch};
use homeostat::workspace::{CommandSpec, Exit, WorkspaceError};

use super::sandbox::spec;
use super::world::{World, patch, path};

/// Returns what lies in the scratch folder.
fn leftovers(world: &World) -> Vec<String> {
    let entries = fs::read_dir(world.scratch()).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

#[tokio::test]
async fn a_run_sees_the_base_the_setup_and_its_patch() {
    let (world, commit) = World::with(&[("src/a.txt", "base\n"), ("b.txt", "b\n"), ("c.txt", "c\n")]);
    let checkout = world.open(&commit).await.expect("a checkout");
    let setup =
        spec("mkdir node_modules && echo dep > node_modules/dep; echo cached > $HOME/cache; echo t > $TMPDIR/t");
    let (snapshot, execution) = checkout.snapshot(Some(&setup)).await.expect("a snapshot");
    assert!(execution.is_some_and(|done| done.succeeded()));
    let change = patch(&[
        ("src/a.txt", Some("base\n"), Some("patched\n")),
        ("b.txt", Some("b\n"), None),
        ("new/deep/file", None, Some("new\n")),
    ]);
    let look = spec("cat src/a.txt new/deep/file node_modules/dep $HOME/cache; ls; ls $TMPDIR");
    let done = snapshot.run(&change, &look).await.expect("an execution");
    assert_eq!(done.output, "patched\nnew\ndep\ncached\nc.txt\nnew\nnode_modules\nsrc\n");
    let done = snapshot.run(&Patch::new(), &look).await.expect("an execution");
    assert!(done.output.starts_with("base\n"), "{}", done.output);
}

#[tokio::test]
async fn v_109_nothing_of_one_run_is_seen_by_the_next() {
    let (world, commit) = World::with(&[("a.txt", "base\n")]);
    let checkout = world.open(&commit).await.expect("a checkout");
    let (snapshot, none) = checkout.snapshot(None).await.expect("a snapshot");
    assert!(none.is_none());
    let plant = "echo evil > a.txt; mkdir node_modules; echo evil > node_modules/x; echo evil > $HOME/.profile; \
                 echo evil > $TMPDIR/x; mkdir shut; touch shut/x; chmod 000 shut; ln -s / out";
    assert!(snapshot.run(&Patch::new(), &spec(plant)).await.expect("an execution").succeeded());
    let look = spec("cat a.txt; ls -A . $HOME $TMPDIR | grep -v '^/\\|^\\.:\\|^$'");
    assert_eq!(snapshot.run(&Patch::new(), &look).await.expect("an execution").output, "base\na.txt\n");
}

#[tokio::test]
async fn runs_lie_at_the_path_where_setup_ran() {
    let (world, commit) = World::with(&[("a.txt", "base\n")]);
    let checkout = world.open(&commit).await.expect("a checkout");
    // As virtual environments and editable installs do.
    let setup = spec("pwd > where; printf '#!/bin/sh\\ncat %s/a.txt\\n' \"$PWD\" > tool; chmod +x tool");
    let (snapshot, _) = checkout.snapshot(Some(&setup)).await.expect("a snapshot");
    let change = patch(&[("a.txt", Some("base\n"), Some("patched\n"))]);
    let done = snapshot.run(&change, &spec("./tool; [ \"$(cat where)\" = \"$PWD\" ] && echo same")).await;
    assert_eq!(done.expect("an execution").output, "patched\nsame\n");
}

#[tokio::test]
async fn a_file_of_a_patch_is_newer_than_everything_that_setup_compiled() {
    let (world, commit) = World::with(&[("a.src", "base\n")]);
    let checkout = world.open(&commit).await.expect("a checkout");
    let (snapshot, _) = checkout.snapshot(Some(&spec("cp a.src a.out"))).await.expect("a snapshot");
    let build = spec("if [ a.src -nt a.out ]; then echo stale; else echo fresh; fi");
    assert_eq!(snapshot.run(&Patch::new(), &build).await.expect("an execution").output, "fresh\n");
    let change = patch(&[("a.src", Some("base\n"), Some("BASE\n"))]);
    assert_eq!(snapshot.run(&change, &build).await.expect("an execution").output, "stale\n");
}

#[tokio::test]
async fn nothing_is_left_on_disk_when_a_snapshot_goes() {
    let (world, commit) = World::with(&[("a.txt", "base\n")]);
    let checkout = world.open(&commit).await.expect("a checkout");
    let (snapshot, _) = checkout.snapshot(Some(&spec("mkdir x; chmod 000 x"))).await.expect("a snapshot");
    assert_eq!(leftovers(&world).len(), 1);
    snapshot.run(&Patch::new(), &spec("false")).await.expect("an execution");
    drop(snapshot);
    assert_eq!(leftovers(&world), Vec::<String>::new());
}

#[tokio::test]
async fn dropping_a_run_half_way_ends_it_and_leaves_nothing() {
    let (world, commit) = World::with(&[("a.txt", "base\n")]);
    let checkout = world.open(&commit).await.expect("a checkout");
    let (snapshot, _) = checkout.snapshot(None).await.expect("a snapshot");
    let hang = spec("sleep 616.25");
    let nothing = Patch::new();
    let dropped = tokio::time::timeout(Duration::from_millis(200), snapshot.run(&nothing, &hang)).await;
    assert!(dropped.is_err());
    // The next run waits for the end of the one before, and the folder for both.
    assert!(snapshot.run(&Patch::new(), &spec("true")).await.expect("an execution").succeeded());
    drop(snapshot);
    assert_eq!(leftovers(&world), Vec::<String>::new());
}

#[tokio::test]
async fn v_52_v_53_a_patch_never_goes_through_a_symbolic_link() {
    let world = World::new();
    let outside = world.root().join("outside");
    fs::create_dir(&outside).expect("a folder");
    fs::write(outside.join("file"), "as it was").expect("a file");
    let commit = world.commit(&[
        ("120000", "in", b"real".to_vec()),
        ("100644", "real/x", b"x".to_vec()),
        ("120000", "out", outside.display().to_string().into_bytes()),
        ("120000", "up", b"real/../../../outside".to_vec()),
    ]);
    let checkout = world.open(&commit).await.expect("a checkout");
    // What setup rearranges is no way out either.
    let setup = spec(&format!("ln -s {} planted; ln -s {}/file file", outside.display(), outside.display()));
    let (snapshot, _) = checkout.snapshot(Some(&setup)).await.expect("a snapshot");
    for at in ["in/x2", "in", "planted/file", "planted/new", "file"] {
        let outcome = snapshot.run(&patch(&[(at, None, Some("evil"))]), &spec("touch ran")).await;
        assert!(matches!(outcome, Err(WorkspaceError::DoesNotApply(_))), "{at}: {outcome:?}");
    }
    let mut links = Patch::new();
    let link = |target: &str| FileState { mode: FileMode::Symlink, content: target.as_bytes().to_vec() };
    links.set(path("l"), None, Some(link("/etc/passwd")));
    assert!(matches!(snapshot.run(&links, &spec("true")).await, Err(WorkspaceError::DoesNotApply(_))));
    for at in [".git/hooks/x", "real/.Git/config"] {
        let outcome = snapshot.run(&patch(&[(at, None, Some("evil"))]), &spec("true")).await;
        assert!(matches!(outcome, Err(WorkspaceError::DoesNotApply(_))), "{at}");
    }
    // Links of the tree that lead outside are plain files with their target as text; the harmless one is a link.
    let look = spec("for f in in out up; do [ -L $f ] && echo link || echo file; done");
    assert_eq!(snapshot.run(&Patch::new(), &look).await.expect("a run").output, "link\nfile\nfile\n");
    // A patch that knows of the link may replace it.
    let mut replace = Patch::new();
    replace.set(path("in"), Some(link("real")), Some(FileState::plain("now a file")));
    assert_eq!(snapshot.run(&replace, &spec("cat in; ls real")).await.expect("a run").output, "now a filex\n");
    assert_eq!(fs::read_to_string(outside.join("file")).expect("a file"), "as it was");
    assert_eq!(fs::read_dir(&outside).expect("a folder").count(), 1);
}

#[tokio::test]
async fn files_are_read_back_as_the_command_left_them() {
    let (world, commit) = World::with(&[("a.txt", "b\na\n"), ("b.txt", "x\n"), ("d/c.txt", "x\n")]);
    let checkout = world.open(&commit).await.expect("a checkout");
    let (snapshot, _) = checkout.snapshot(None).await.expect("a snapshot");
    let format =
        spec("sort -o a.txt a.txt; chmod +x a.txt; rm b.txt; ln -s /etc/passwd l; mv d e; ln -s e d; mkfifo p");
    let names = ["a.txt", "b.txt", "l", "d/c.txt", "e/c.txt", "p"].map(path);
    let (done, files) = snapshot.run_and_read(&Patch::new(), &format, &names).await.expect("an execution");
    assert!(done.succeeded(), "{done:?}");
    let expected = BTreeMap::from([
        (path("a.txt"), FileState { mode: FileMode::Executable, content: b"a\nb\n".to_vec() }),
        (path("l"), FileState { mode: FileMode::Symlink, content: b"/etc/passwd".to_vec() }),
        (path("e/c.txt"), FileState::plain("x\n")),
    ]);
    assert_eq!(files, expected);
}

#[tokio::test]
async fn a_setup_that_fails_is_an_execution_and_leaves_a_snapshot() {
    let (world, commit) = World::with(&[("a.txt", "base\n")]);
    let checkout = world.open(&commit).await.expect("a checkout");
    let hang = CommandSpec { timeout: Duration::from_millis(100), ..spec("sleep 617.25") };
    let (_, execution) = checkout.snapshot(Some(&hang)).await.expect("a snapshot");
    assert_eq!(execution.expect("an execution").exit, Exit::Timeout);
    let (snapshot, execution) = checkout.snapshot(Some(&spec("exit 3"))).await.expect("a snapshot");
    assert_eq!(execution.expect("an execution").exit, Exit::Code(3));
    assert!(snapshot.run(&Patch::new(), &spec("cat a.txt")).await.expect("an execution").succeeded());
}

#[tokio::test]
async fn a_file_of_100_mb_is_handled() {
    let world = World::new();
    for setting in ["core.compression", "core.looseCompression", "pack.compression"] {
        world.git(&["config", setting, "0"], b"");
    }
    let commit = world.commit(&[("100644", "big.bin", vec![b'x'; 100 << 20]), ("100644", "a", b"a".to_vec())]);
    let checkout = world.open(&commit).await.expect("a checkout");
    assert_eq!(checkout.files()[1].size, 100 << 20);
    let (snapshot, _) = checkout.snapshot(None).await.expect("a snapshot");
    let done = snapshot.run(&patch(&[("a", Some("a"), Some("b"))]), &spec("wc -c < big.bin; cat a")).await;
    assert_eq!(done.expect("an execution").output.split_whitespace().collect::<Vec<_>>(), ["104857600", "b"]);
}

#[tokio::test]
async fn commands_run_in_the_folder_of_their_project() {
    let (world, commit) = World::with(&[("packages/app/name", "app\n")]);
    let checkout = world.open(&commit).await.expect("a checkout");
    let (snapshot, _) = checkout.snapshot(None).await.expect("a snapshot");
    let there = CommandSpec { folder: Some(path("packages/app")), ..spec("cat name") };
    assert_eq!(snapshot.run(&Patch::new(), &there).await.expect("an execution").output, "app\n");
}

#[tokio::test]
async fn downloads_of_setup_stay_in_the_private_home() {
    let (world, commit) = World::with(&[("a", "a")]);
    let checkout = world.open(&commit).await.expect("a checkout");
    let open = CommandSpec {
        network: NetworkAccess::Registries,
        ..spec("[ -z \"$CARGO_HOME\" ] || mkdir -p \"$CARGO_HOME/registry\"; echo \"${CARGO_HOME:-none}\"; echo $HOME")
    };
    let (snapshot, execution) = checkout.snapshot(Some(&open)).await.expect("a snapshot");
    let output = execution.expect("an execution").output;
    let lines: Vec<_> = output.lines().collect();
    assert!(lines[0] == "none" || lines[0].starts_with(lines[1]), "{output}");
    let again = snapshot.run(&Patch::new(), &spec("echo \"${CARGO_HOME:-none}\"; echo $HOME")).await.expect("a run");
    assert_eq!(again.output, output);
}
