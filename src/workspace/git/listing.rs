//! Reads the tree of a commit as a list of files. Layer 3.

use super::machine;
use crate::git::{Git, GitError};
use crate::model::{FileMode, ObjectId, RepoPath};
use crate::workspace::{TreeFile, WorkspaceError};

/// A file whose path is no [`RepoPath`]: nothing of ours names it, but tests may need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OddFile {
    pub(super) path: Vec<u8>,
    pub(super) mode: FileMode,
    pub(super) blob: ObjectId,
}

/// Every file of a tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Listing {
    /// With legal paths, sorted.
    pub(super) files: Vec<TreeFile>,
    /// With other paths.
    pub(super) odd: Vec<OddFile>,
    /// Those other paths, as text.
    pub(super) unsafe_paths: Vec<String>,
}

impl Listing {
    /// Returns the file at a path.
    pub(super) fn get(&self, path: &RepoPath) -> Option<&TreeFile> {
        self.files.binary_search_by(|file| file.path.cmp(path)).ok().and_then(|at| self.files.get(at))
    }

    /// Returns the files in a folder, at any depth.
    pub(super) fn within(&self, folder: &RepoPath) -> impl Iterator<Item = &TreeFile> {
        let prefix = format!("{folder}/");
        let start = self.files.partition_point(|file| file.path.as_str() < prefix.as_str());
        self.files.iter().skip(start).take_while(move |file| file.path.as_str().starts_with(&prefix))
    }
}

/// Reads the whole tree of a commit.
pub(super) async fn read(git: &Git, commit: &ObjectId) -> Result<Listing, WorkspaceError> {
    let args = ["ls-tree", "-r", "-z", "-l", "--full-tree", commit.as_str()];
    Ok(parse(&git.run(&args).await.map_err(machine)?))
}

/// Reads one file of a commit; `None` where there is no file.
pub(super) async fn read_one(git: &Git, commit: &ObjectId, path: &RepoPath) -> Result<Option<TreeFile>, GitError> {
    let args = ["ls-tree", "-z", "-l", "--full-tree", commit.as_str(), "--", path.as_str()];
    Ok(parse(&git.run(&args).await?).files.into_iter().find(|file| file.path == *path))
}

/// Reads `mode type id size TAB path NUL` again and again; what is not of that form is left out.
fn parse(bytes: &[u8]) -> Listing {
    let mut listing = Listing::default();
    for line in bytes.split(|b| *b == 0).filter(|line| !line.is_empty()) {
        let Some(tab) = line.iter().position(|b| *b == b'\t') else { continue };
        let (head, path) = (String::from_utf8_lossy(&line[..tab]), &line[tab + 1..]);
        let mut fields = head.split_ascii_whitespace();
        let (Some(mode), Some(_kind), Some(blob)) = (
            fields.next().and_then(FileMode::parse),
            fields.next(),
            fields.next().and_then(|id| id.parse::<ObjectId>().ok()),
        ) else {
            continue;
        };
        let size = fields.next().and_then(|size| size.parse().ok()).unwrap_or(0);
        if let Some(path) = std::str::from_utf8(path).ok().and_then(|path| path.parse::<RepoPath>().ok()) {
            listing.files.push(TreeFile { path, mode, blob, size });
        } else {
            listing.unsafe_paths.push(String::from_utf8_lossy(path).into_owned());
            listing.odd.push(OddFile { path: path.to_vec(), mode, blob });
        }
    }
    listing.files.sort_by(|a, b| a.path.cmp(&b.path));
    // A hostile tree may hold a name twice; git shows the first.
    listing.files.dedup_by(|later, first| later.path == first.path);
    listing.unsafe_paths.sort();
    listing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_sorted_and_keeps_odd_paths_apart() {
        let id = "a".repeat(40);
        let text = format!(
            "100644 blob {id}       5\tb.txt\0100755 blob {id}     12\ta/run\0160000 commit {id}       -\tsub\0\
             120000 blob {id}       3\tlink\0100644 blob {id} 1\ta:b\0100644 blob {id} 1\t../x\0nonsense\0"
        );
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(format!("100644 blob {id} 1\t").as_bytes());
        bytes.extend_from_slice(b"\xff\xfe\0");
        let listing = parse(&bytes);
        let paths: Vec<_> = listing.files.iter().map(|f| (f.path.as_str(), f.mode.as_str(), f.size)).collect();
        let expected = [("a/run", "100755", 12), ("b.txt", "100644", 5), ("link", "120000", 3), ("sub", "160000", 0)];
        assert_eq!(paths, expected);
        assert_eq!(listing.unsafe_paths, ["../x", "a:b", "\u{fffd}\u{fffd}"]);
        assert_eq!(listing.odd.len(), 3);
    }
}
