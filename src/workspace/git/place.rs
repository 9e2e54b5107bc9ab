//! Reads and writes files below one folder without ever passing through a symbolic link (V-51 to V-53). Layer 3.
//!
//! Each component is opened relative to the one before and must be a real folder; so even a tree that repository code
//! has rearranged cannot lead a write outside.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Timespec, Timestamps};
use rustix::io::Errno;

use crate::model::{FileMode, FileState, RepoPath};

/// The largest file that is read back.
const READ_LIMIT: u64 = 64 << 20;

/// When files of the base were written, as far as any tool can tell (2020-01-01): older than all that setup makes of
/// them, so that compiled leftovers count as fresh, and older than every file of a patch, so that they do not.
const BASE_TIME: i64 = 1_577_836_800;

/// Why a file was not read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum PlaceError {
    /// The path or the kind of file is not allowed.
    #[error("{0}")]
    Refused(String),
    /// The machine failed.
    #[error("{path} could not be {what}: {source}")]
    Io { path: String, what: &'static str, source: io::Error },
}

/// A folder that nothing is read or written outside of.
#[derive(Debug)]
pub(super) struct Root {
    folder: OwnedFd,
}

impl Root {
    /// Opens the folder, which must not be a link itself.
    pub(super) fn open(path: &Path) -> Result<Self, PlaceError> {
        let folder = rustix::fs::openat(CWD, path, FOLDER, Mode::empty()).map_err(|e| PlaceError::Io {
            path: path.display().to_string(),
            what: "opened",
            source: e.into(),
        })?;
        Ok(Self { folder })
    }

    /// Writes a file of the base, with the time of the base; `false` when it is left out.
    ///
    /// A link that leaves the tree becomes a plain file with its target as text, as git does on systems without links.
    /// Submodules are empty folders.
    pub(super) fn lay(&self, path: &[u8], state: &FileState) -> Result<bool, PlaceError> {
        let Some(parts) = parts_of(path) else { return Ok(false) };
        let (folder, name) = match self.parent(&parts, true) {
            Ok(Some(found)) => found,
            Ok(None) | Err(PlaceError::Refused(_)) => return Ok(false),
            Err(error) => return Err(error),
        };
        let outcome = if state.mode == FileMode::Gitlink {
            rustix::fs::mkdirat(&folder, name, Mode::from_raw_mode(0o755))
        } else {
            let escapes = state.mode == FileMode::Symlink && !stays_inside(parts.len() - 1, &state.content);
            let mode = if escapes { FileMode::Plain } else { state.mode };
            create(&folder, name, mode, &state.content).and_then(|()| age(&folder, name))
        };
        match outcome {
            Ok(()) => Ok(true),
            // A hostile tree holds a name twice; an honest one differs in case, on a file system that does not.
            Err(Errno::EXIST) => Ok(false),
            Err(e) => {
                let path = String::from_utf8_lossy(path).into_owned();
                Err(PlaceError::Io { path, what: "written", source: e.into() })
            }
        }
    }

    /// Puts a file of a patch in place; `was_link` says that the patch knows of a link there.
    pub(super) fn put(&self, path: &RepoPath, was_link: bool, state: &FileState) -> Result<(), PlaceError> {
        let refuse = |why: &str| Err(PlaceError::Refused(format!("{path} {why}.")));
        let Some(parts) = parts_of(path.as_str().as_bytes()) else { return refuse("is git's own") };
        match state.mode {
            FileMode::Gitlink => return refuse("would become a submodule"),
            FileMode::Symlink if !stays_inside(parts.len() - 1, &state.content) => {
                return refuse("would be a link that leaves the repository");
            }
            _ => {}
        }
        let Some((folder, name)) = self.parent(&parts, true)? else { return refuse("has no folder") };
        match kind_of(&folder, name) {
            None => {}
            Some(FileType::Directory) => return refuse("is a folder"),
            Some(FileType::Symlink) if !was_link => {
                return refuse("is a symbolic link, through which nothing is written");
            }
            Some(_) => unlink(&folder, name, path)?,
        }
        create(&folder, name, state.mode, &state.content).map_err(|e| PlaceError::Io {
            path: path.to_string(),
            what: "written",
            source: e.into(),
        })
    }

    /// Removes a file, and the folders that it leaves empty, as git does; nothing happens where none is.
    pub(super) fn remove(&self, path: &RepoPath) -> Result<(), PlaceError> {
        let Some(parts) = parts_of(path.as_str().as_bytes()) else {
            return Err(PlaceError::Refused(format!("{path} is git's own.")));
        };
        match self.parent(&parts, false)? {
            Some((folder, name)) => unlink(&folder, name, path)?,
            None => return Ok(()),
        }
        for depth in (1..parts.len()).rev() {
            let Some((folder, name)) = self.parent(&parts[..depth], false)? else { break };
            // One that is not empty stays, and so do those around it.
            if rustix::fs::unlinkat(&folder, name, AtFlags::REMOVEDIR).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Reads a file; `None` where there is none, or something that is no file.
    pub(super) fn read(&self, path: &RepoPath) -> Result<Option<FileState>, PlaceError> {
        let failed = |source: io::Error| PlaceError::Io { path: path.to_string(), what: "read", source };
        let Some(parts) = parts_of(path.as_str().as_bytes()) else { return Ok(None) };
        let Some((folder, name)) = self.parent(&parts, false)? else { return Ok(None) };
        match kind_of(&folder, name) {
            Some(FileType::Symlink) => {
                let target = rustix::fs::readlinkat(&folder, name, Vec::new()).map_err(|e| failed(e.into()))?;
                Ok(Some(FileState { mode: FileMode::Symlink, content: target.into_bytes() }))
            }
            Some(FileType::RegularFile) => {
                let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
                let file = rustix::fs::openat(&folder, name, flags, Mode::empty()).map_err(|e| failed(e.into()))?;
                let file = File::from(file);
                let meta = file.metadata().map_err(failed)?;
                let mut content = Vec::new();
                let read = file.take(READ_LIMIT + 1).read_to_end(&mut content).map_err(failed)?;
                if read as u64 > READ_LIMIT {
                    return Err(PlaceError::Refused(format!("{path} has grown beyond {READ_LIMIT} bytes.")));
                }
                let executable = std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o100 != 0;
                let mode = if executable { FileMode::Executable } else { FileMode::Plain };
                Ok(Some(FileState { mode, content }))
            }
            _ => Ok(None),
        }
    }

    /// Opens the folder of the last component; `None` where it does not exist and is not to be made.
    fn parent<'a>(&self, parts: &[&'a [u8]], make: bool) -> Result<Option<(OwnedFd, &'a [u8])>, PlaceError> {
        let Some((name, folders)) = parts.split_last() else { return Ok(None) };
        let shown = |depth: usize| String::from_utf8_lossy(&parts[..=depth].join(&b'/')).into_owned();
        let failed =
            |depth, source: Errno| PlaceError::Io { path: shown(depth), what: "entered", source: source.into() };
        let mut folder =
            self.folder.try_clone().map_err(|source| PlaceError::Io { path: shown(0), what: "entered", source })?;
        for (depth, part) in folders.iter().enumerate() {
            let next = match rustix::fs::openat(&folder, *part, FOLDER, Mode::empty()) {
                Err(Errno::NOENT) if make => {
                    rustix::fs::mkdirat(&folder, *part, Mode::from_raw_mode(0o755)).map_err(|e| failed(depth, e))?;
                    rustix::fs::openat(&folder, *part, FOLDER, Mode::empty())
                }
                other => other,
            };
            folder = match next {
                Ok(next) => next,
                Err(Errno::NOENT) => return Ok(None),
                Err(Errno::NOTDIR | Errno::LOOP | Errno::MLINK) if make => {
                    let what =
                        if kind_of(&folder, part) == Some(FileType::Symlink) { "a symbolic link" } else { "a file" };
                    return Err(PlaceError::Refused(format!("{} is {what}, not a folder.", shown(depth))));
                }
                Err(Errno::NOTDIR | Errno::LOOP | Errno::MLINK) => return Ok(None),
                Err(e) => return Err(failed(depth, e)),
            };
        }
        Ok(Some((folder, name)))
    }
}

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Splits a path of a tree; `None` for one that would leave it, or is git's own whatever the case of its letters.
fn parts_of(path: &[u8]) -> Option<Vec<&[u8]>> {
    let parts: Vec<&[u8]> = path.split(|b| *b == b'/').collect();
    let bad = |part: &&[u8]| {
        part.is_empty() || part.contains(&0) || *part == b"." || *part == b".." || part.eq_ignore_ascii_case(b".git")
    };
    (!parts.iter().any(bad)).then_some(parts)
}

/// Returns whether a link, lying `depth` folders deep, leads to something inside the tree.
///
/// Steps up may stand only at the front: the folders of the link itself are real, but behind another link a step up
/// leads anywhere.
fn stays_inside(depth: usize, target: &[u8]) -> bool {
    let mut ups = 0;
    let mut down = false;
    for part in target.split(|b| *b == b'/') {
        match part {
            b"." => {}
            // Two slashes in a row are one; one in front makes the path absolute.
            b"" if ups > 0 || down => {}
            b"" => return false,
            b".." if down => return false,
            b".." => ups += 1,
            part if part.eq_ignore_ascii_case(b".git") => return false,
            _ => down = true,
        }
    }
    !target.contains(&0) && ups <= depth
}

fn kind_of(folder: &OwnedFd, name: &[u8]) -> Option<FileType> {
    let stat = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
    Some(FileType::from_raw_mode(stat.st_mode))
}

fn unlink(folder: &OwnedFd, name: &[u8], path: &RepoPath) -> Result<(), PlaceError> {
    match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(e) => Err(PlaceError::Io { path: path.to_string(), what: "removed", source: e.into() }),
    }
}

fn create(folder: &OwnedFd, name: &[u8], mode: FileMode, content: &[u8]) -> Result<(), Errno> {
    if mode == FileMode::Symlink {
        return rustix::fs::symlinkat(content, folder, name);
    }
    let bits = if mode == FileMode::Executable { 0o755 } else { 0o644 };
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(folder, name, flags, Mode::from_raw_mode(bits))?;
    File::from(file).write_all(content).map_err(|e| Errno::from_io_error(&e).unwrap_or(Errno::IO))
}

fn age(folder: &OwnedFd, name: &[u8]) -> Result<(), Errno> {
    let at = Timespec { tv_sec: BASE_TIME, tv_nsec: 0 };
    let times = Timestamps { last_access: at, last_modification: at };
    rustix::fs::utimensat(folder, name, &times, AtFlags::SYMLINK_NOFOLLOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_may_lead_only_to_where_no_other_link_can_bend_them_outside() {
        for good in ["a", "a/b", "./a", "../a", "../../a", "..", "a//b", "../"] {
            assert!(stays_inside(2, good.as_bytes()), "{good}");
        }
        for bad in ["/etc/passwd", "../../../a", "a/../../../x", "a/..", "", "x/.git/config", "a\0b", "//x"] {
            assert!(!stays_inside(2, bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn v_55_paths_of_git_itself_are_refused_in_any_case() {
        for bad in [".git", "a/.GIT/config", "../x", "a//b", "", "a/./b"] {
            assert_eq!(parts_of(bad.as_bytes()), None, "{bad}");
        }
        assert!(parts_of(b".github/x").is_some() && parts_of(b"a:b\\\xff").is_some());
    }
}
