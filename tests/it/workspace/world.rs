//! A folder with one repository in it, made by the git program, and a workspace over it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use homeostat::model::{FileState, ObjectId, Patch, RepoPath, RepoSlug};
use homeostat::workspace::git::GitWorkspace;
use homeostat::workspace::{Checkout, Workspace, WorkspaceError};

use super::sandbox::sandbox;

pub(crate) struct World {
    folder: tempfile::TempDir,
}

impl World {
    /// An empty bare repository `o/app`.
    pub(crate) fn new() -> Self {
        let world = Self { folder: tempfile::tempdir().expect("a folder") };
        fs::create_dir_all(world.origin()).expect("a folder");
        world.git(&["init", "-q", "--bare", "--initial-branch=main"], b"");
        world
    }

    /// A repository whose one commit has these plain files.
    pub(crate) fn with(files: &[(&str, &str)]) -> (Self, ObjectId) {
        let world = Self::new();
        let entries: Vec<_> = files.iter().map(|(path, text)| ("100644", *path, text.as_bytes().to_vec())).collect();
        let commit = world.commit(&entries);
        (world, commit)
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn origin(&self) -> PathBuf {
        self.folder.path().join("o/app.git")
    }

    pub(crate) fn scratch(&self) -> PathBuf {
        self.folder.path().join("scratch")
    }

    /// Runs git on the origin with nobody's configuration.
    pub(crate) fn git(&self, args: &[&str], input: &[u8]) -> String {
        let mut child = Command::new("git")
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", "/nonexistent")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_INDEX_FILE", self.folder.path().join("index"))
            .args(["-c", "user.name=A", "-c", "user.email=a@example.com"])
            .current_dir(self.origin())
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("git");
        child.stdin.take().expect("a pipe").write_all(input).expect("input");
        let output = child.wait_with_output().expect("git");
        assert!(output.status.success(), "git {args:?}");
        String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
    }

    pub(crate) fn blob(&self, content: &[u8]) -> String {
        self.git(&["hash-object", "-w", "--stdin"], content)
    }

    /// Commits a tree of exactly these (mode, path, content) onto `main`; a gitlink's content is its commit.
    pub(crate) fn commit(&self, entries: &[(&str, &str, Vec<u8>)]) -> ObjectId {
        self.git(&["read-tree", "--empty"], b"");
        let mut lines = String::new();
        for (mode, path, content) in entries {
            let id = match *mode {
                "160000" => String::from_utf8(content.clone()).expect("an id"),
                _ => self.blob(content),
            };
            lines.extend([mode, " ", &id, "\t", path, "\0"]);
        }
        self.git(&["update-index", "-z", "--index-info"], lines.as_bytes());
        let tree = self.git(&["write-tree"], b"");
        self.commit_tree(&tree)
    }

    pub(crate) fn commit_tree(&self, tree: &str) -> ObjectId {
        let commit = self.git(&["commit-tree", tree, "-m", "a commit"], b"");
        self.git(&["update-ref", "refs/heads/main", &commit], b"");
        commit.parse().expect("an id")
    }

    pub(crate) fn workspace(&self) -> GitWorkspace {
        let root = self.root().to_owned();
        let locate = move |slug: &RepoSlug| root.join(format!("{slug}.git")).display().to_string();
        GitWorkspace::new(locate, self.root().join("cache"), self.scratch(), sandbox())
    }

    pub(crate) async fn open(&self, commit: &ObjectId) -> Result<Box<dyn Checkout>, WorkspaceError> {
        self.workspace().open(&slug("o/app"), commit).await
    }
}

pub(crate) fn slug(text: &str) -> RepoSlug {
    text.parse().expect("a slug")
}

pub(crate) fn path(text: &str) -> RepoPath {
    text.parse().expect("a path")
}

/// A patch of plain files: (path, before, after).
pub(crate) fn patch(changes: &[(&str, Option<&str>, Option<&str>)]) -> Patch {
    let mut patch = Patch::new();
    for (at, before, after) in changes {
        patch.set(path(at), before.map(FileState::plain), after.map(FileState::plain));
    }
    patch
}
