//! Makes repositories of an embedded forge from plain files. Layer 5.

#![expect(clippy::disallowed_methods, reason = "making a folder is what this module is for")]

use std::path::Path;

use crate::cli::failure::Failure;
use crate::forge::local::LocalForge;
use crate::forge::{Forge as _, NewCommit, TreeChange};
use crate::git::Git;
use crate::model::{FileMode, ObjectId, RepoPath, RepoSlug};

/// Makes a repository with one commit on `main`.
pub(crate) async fn make_repository(
    forge: &LocalForge,
    slug: &RepoSlug,
    files: &[(String, Vec<u8>)],
    message: &str,
) -> Result<ObjectId, Failure> {
    let git_dir = forge.git_dir(slug);
    let machine = |what: &str, e: String| Failure::internal(format!("{slug}: {what} failed ({e})."));
    std::fs::create_dir_all(&git_dir).map_err(|e| machine("making its folder", e.to_string()))?;
    Git::new(&git_dir)
        .run(&["init", "--quiet", "--bare", "--template=", "--initial-branch=main"])
        .await
        .map_err(|e| machine("git init", e.to_string()))?;
    let mut changes = Vec::with_capacity(files.len());
    for (path, bytes) in files {
        let blob = forge.create_blob(slug, bytes).await?;
        let path: RepoPath = path.parse().map_err(|e| machine("reading its files", format!("{e}")))?;
        changes.push(TreeChange { path, entry: Some((FileMode::Plain, blob)) });
    }
    let tree = forge.create_tree(slug, None, &changes).await?;
    let commit = NewCommit { tree, parents: Vec::new(), message: message.to_owned() };
    let commit = forge.create_commit(slug, &commit).await?;
    let main = "main".parse().map_err(|e: crate::model::NameError| machine("naming its branch", e.to_string()))?;
    forge.create_branch(slug, &main, &commit).await?;
    Ok(commit)
}

/// Returns whether every program is on the path; else the one that is missing.
pub(crate) fn missing_program(needs: &[String]) -> Option<&str> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = |name: &str| std::env::split_paths(&path).any(|folder| is_program(&folder.join(name)));
    needs.iter().map(String::as_str).find(|name| !found(name))
}

fn is_program(path: &Path) -> bool {
    path.is_file() || path.with_extension("exe").is_file()
}
