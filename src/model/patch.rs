//! A change of files, as whole contents before and after. Layer 0.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::RepoPath;

/// The mode of a file that git can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub enum FileMode {
    /// An ordinary file.
    #[serde(rename = "100644")]
    Plain,
    /// A program.
    #[serde(rename = "100755")]
    Executable,
    /// A symbolic link; its content is the target.
    #[serde(rename = "120000")]
    Symlink,
    /// A commit of another repository.
    #[serde(rename = "160000")]
    Gitlink,
}

impl FileMode {
    /// Returns git's six digits.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "100644",
            Self::Executable => "100755",
            Self::Symlink => "120000",
            Self::Gitlink => "160000",
        }
    }

    /// Reads git's digits; the old group-writable `100664` counts as plain.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "100644" | "100664" => Self::Plain,
            "100755" => Self::Executable,
            "120000" => Self::Symlink,
            "160000" => Self::Gitlink,
            _ => return None,
        })
    }
}

/// A file at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileState {
    /// Its mode.
    pub mode: FileMode,
    /// Its bytes.
    pub content: Vec<u8>,
}

impl FileState {
    /// Makes an ordinary file.
    pub fn plain(content: impl Into<Vec<u8>>) -> Self {
        Self { mode: FileMode::Plain, content: content.into() }
    }
}

/// What happens to one file: `None` before is a creation, `None` after a deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// The file before.
    pub before: Option<FileState>,
    /// The file after.
    pub after: Option<FileState>,
}

/// A change of a repository's files; a rename is a deletion and a creation (V-59).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patch {
    changes: BTreeMap<RepoPath, FileChange>,
}

impl Patch {
    /// Makes a patch that changes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what happens to a file; a change that changes nothing is dropped.
    pub fn set(&mut self, path: RepoPath, before: Option<FileState>, after: Option<FileState>) {
        if before == after {
            self.changes.remove(&path);
        } else {
            self.changes.insert(path, FileChange { before, after });
        }
    }

    /// Returns the changes, by path.
    pub fn changes(&self) -> impl Iterator<Item = (&RepoPath, &FileChange)> {
        self.changes.iter()
    }

    /// Returns what happens to one file.
    pub fn get(&self, path: &RepoPath) -> Option<&FileChange> {
        self.changes.get(path)
    }

    /// Returns whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Returns how many files change.
    pub fn len(&self) -> usize {
        self.changes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_that_changes_nothing_is_no_change() -> Result<(), crate::model::PathError> {
        let mut patch = Patch::new();
        let path: RepoPath = "a.txt".parse()?;
        patch.set(path.clone(), Some(FileState::plain("x")), Some(FileState::plain("y")));
        assert_eq!(patch.len(), 1);
        patch.set(path, Some(FileState::plain("x")), Some(FileState::plain("x")));
        assert!(patch.is_empty());
        Ok(())
    }
}
