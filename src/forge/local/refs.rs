//! Branches read straight from the files of a bare repository. Layer 3.
//!
//! A fleet in which nothing is new is read without starting a process for each repository. Only the plain file format is
//! read here; the caller asks git where [`is_plain`] says no.

use std::collections::BTreeMap;
use std::path::Path;

use super::files;
use crate::forge::{ForgeError, ForgeResult};
use crate::model::{BranchName, ObjectId};

/// Folders inside folders of branch names.
const DEPTH: usize = 40;

/// Returns whether refs lie in loose files and `packed-refs`.
pub(super) fn is_plain(dir: &Path) -> bool {
    !files::is_folder(&dir.join("reftable"))
}

/// Reads the default branch out of `HEAD`.
pub(super) fn default_branch(dir: &Path) -> ForgeResult<Option<BranchName>> {
    let path = dir.join("HEAD");
    let Some(head) = files::read(&path)? else { return Ok(None) };
    let name = head.text.trim_end().strip_prefix("ref: refs/heads/").ok_or_else(|| {
        ForgeError::Invalid(format!("{} names no branch: a repository's default branch stands there.", path.display()))
    })?;
    name.parse().map(Some).map_err(|error| ForgeError::Invalid(format!("{}: {error}.", path.display())))
}

/// Reads every branch. Loose files come first, for git packs a ref before it removes the file.
pub(super) fn read(dir: &Path) -> ForgeResult<BTreeMap<String, ObjectId>> {
    let mut loose = BTreeMap::new();
    walk(&dir.join("refs/heads"), "", 0, &mut loose)?;
    let mut refs = packed(dir)?;
    let mut symbolic = Vec::new();
    for (name, text) in loose {
        match text.strip_prefix("ref: refs/heads/") {
            Some(target) => symbolic.push((name, target.trim().to_owned())),
            // A file that a crash left empty is no branch, to git neither.
            None => {
                if let Ok(id) = text.parse() {
                    refs.insert(name, id);
                }
            }
        }
    }
    for (name, target) in symbolic {
        if let Some(id) = refs.get(&target).cloned() {
            refs.insert(name, id);
        }
    }
    Ok(refs)
}

fn walk(folder: &Path, prefix: &str, depth: usize, found: &mut BTreeMap<String, String>) -> ForgeResult<()> {
    if depth > DEPTH {
        return Ok(());
    }
    for name in files::names(folder)? {
        let path = folder.join(&name);
        let full = format!("{prefix}{name}");
        if files::is_folder(&path) {
            walk(&path, &format!("{full}/"), depth + 1, found)?;
        } else if !full.to_ascii_lowercase().ends_with(".lock")
            && let Some(file) = files::read(&path)?
        {
            found.insert(full, file.text.trim_end().to_owned());
        }
    }
    Ok(())
}

fn packed(dir: &Path) -> ForgeResult<BTreeMap<String, ObjectId>> {
    let Some(file) = files::read(&dir.join("packed-refs"))? else { return Ok(BTreeMap::new()) };
    let line = |line: &str| {
        let (id, name) = line.split_once(' ')?;
        Some((name.strip_prefix("refs/heads/")?.to_owned(), id.parse().ok()?))
    };
    Ok(file.text.lines().filter(|text| !text.starts_with(['#', '^'])).filter_map(line).collect())
}
