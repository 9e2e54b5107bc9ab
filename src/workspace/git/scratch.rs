//! Folders for running commands that are gone afterwards, even when repository code made them stubborn. Layer 3.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How the folders are named.
const PREFIX: &str = "homeostat-";

/// The file in each that is locked as long as its program lives.
const LOCK: &str = "lock";

/// A younger folder may be one that is just being made.
const SWEEP_AFTER: Duration = Duration::from_mins(10);

/// A folder of our own; dropped, it is removed.
#[derive(Debug)]
pub(super) struct Scratch {
    path: PathBuf,
    /// Held for its lock.
    _lock: File,
}

impl Scratch {
    /// Makes a new one below `parent`, for this user alone.
    pub(super) fn make(parent: &Path) -> io::Result<Self> {
        fs::create_dir_all(parent)?;
        // Commands see this path; without links in it, it is the same from inside and outside.
        let parent = parent.canonicalize()?;
        let path = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent)?.keep();
        let lock = File::create(path.join(LOCK))?;
        lock.lock()?;
        Ok(Self { path, _lock: lock })
    }

    /// Returns the folder, absolute and without symbolic links.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.path) {
            tracing::warn!(folder = %self.path.display(), %error, "a scratch folder could not be removed");
        }
    }
}

/// Removes what programs left that did not live to do it.
pub(super) fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        let age = entry.metadata().and_then(|meta| meta.modified()).ok();
        let old = age.and_then(|at| SystemTime::now().duration_since(at).ok()).is_some_and(|age| age > SWEEP_AFTER);
        if !(ours && old) {
            continue;
        }
        let Ok(lock) = File::open(entry.path().join(LOCK)) else { continue };
        if lock.try_lock().is_ok()
            && let Err(error) = remove(&entry.path())
        {
            tracing::warn!(folder = %entry.path().display(), %error, "an old scratch folder could not be removed");
        }
    }
}

/// Removes a folder and all in it, following no link; folders that nobody may enter are opened first.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_up(path)?;
            fs::remove_dir_all(path)
        }
        outcome => outcome,
    }
}

fn open_up(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_up(&entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scratch_folder_is_removed_even_when_it_was_closed() -> io::Result<()> {
        let parent = tempfile::tempdir()?;
        let path = {
            let scratch = Scratch::make(parent.path())?;
            fs::create_dir_all(scratch.path().join("a/b"))?;
            fs::set_permissions(scratch.path().join("a"), fs::Permissions::from_mode(0o000))?;
            scratch.path().to_owned()
        };
        assert!(!path.exists());
        Ok(())
    }

    #[test]
    fn a_sweep_takes_old_folders_of_dead_programs_only() -> io::Result<()> {
        let parent = tempfile::tempdir()?;
        let alive = Scratch::make(parent.path())?;
        let dead = parent.path().join(format!("{PREFIX}dead"));
        let young = parent.path().join(format!("{PREFIX}young"));
        let other = parent.path().join("other");
        for folder in [&dead, &young, &other] {
            fs::create_dir(folder)?;
            File::create(folder.join(LOCK))?;
        }
        let long_ago = fs::FileTimes::new().set_modified(SystemTime::UNIX_EPOCH);
        for folder in [&dead, &other, &alive.path().to_owned()] {
            File::open(folder)?.set_times(long_ago)?;
        }
        sweep(parent.path());
        assert!(!dead.exists() && young.exists() && other.exists() && alive.path().exists());
        Ok(())
    }
}
