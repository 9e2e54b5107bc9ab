//! Files of the local forge: read whole and capped, written whole or not at all, one writer at a time. Layer 3.

#![expect(clippy::disallowed_methods, reason = "the local forge is an adapter for files")]

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek as _, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use crate::forge::{ForgeError, ForgeResult};
use crate::model::Timestamp;

/// More than any issue needs; what is larger was not written by a person.
const FILE_LIMIT: u64 = 8 << 20;

/// How long one writer waits for another, in steps.
const LOCK_STEP: Duration = Duration::from_millis(10);
const LOCK_STEPS: u32 = 3_000;

/// Distinguishes the temporary files of one process.
static TEMPORARY: AtomicU64 = AtomicU64::new(0);

/// A file as read.
pub(super) struct Content {
    pub(super) text: String,
    pub(super) modified: Timestamp,
    /// The earlier of the times of birth and of change that the file system knows.
    pub(super) born: Timestamp,
}

/// Reads a text file; nothing when there is none.
pub(super) fn read(path: &Path) -> ForgeResult<Option<Content>> {
    let attempt = || -> io::Result<(Vec<u8>, fs::Metadata)> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        let mut bytes = Vec::new();
        file.take(FILE_LIMIT + 1).read_to_end(&mut bytes)?;
        Ok((bytes, metadata))
    };
    let (bytes, metadata) = match attempt() {
        Ok(read) => read,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(failed("read", path, &error)),
    };
    if bytes.len() as u64 > FILE_LIMIT {
        return Err(ForgeError::Invalid(format!("{} is larger than {} MiB.", path.display(), FILE_LIMIT >> 20)));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        ForgeError::Invalid(format!("{} is not UTF-8: byte {at} is no part of a character.", path.display()))
    })?;
    let modified = metadata.modified().map_or_else(|_| Timestamp::default(), timestamp);
    let born = metadata.created().map_or(modified, timestamp).min(modified);
    Ok(Some(Content { text, modified, born }))
}

/// Reads the last bytes of a file, at most `limit`, and tells whether more came before them; nothing when there is none.
pub(super) fn read_tail(path: &Path, limit: usize) -> ForgeResult<Option<(Vec<u8>, bool)>> {
    let attempt = || -> io::Result<(Vec<u8>, bool)> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let start = length.saturating_sub(limit as u64);
        file.seek(io::SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.take(limit as u64).read_to_end(&mut bytes)?;
        Ok((bytes, start > 0))
    };
    match attempt() {
        Ok(read) => Ok(Some(read)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(failed("read", path, &error)),
    }
}

/// Writes a file so that a reader, or a crash, sees the old or the new one and never a part.
pub(super) fn write(path: &Path, text: &str) -> ForgeResult<()> {
    write_bytes(path, text.as_bytes())
}

/// Writes a file of bytes in the same way.
pub(super) fn write_bytes(path: &Path, bytes: &[u8]) -> ForgeResult<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let number = TEMPORARY.fetch_add(1, Ordering::Relaxed);
    let temporary = folder.join(format!(".writing-{}-{number}", std::process::id()));
    let attempt = || -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    attempt().map_err(|error| {
        // What could not become the file must not stay beside it.
        let _absent_already = fs::remove_file(&temporary);
        failed("write", path, &error)
    })
}

/// Returns how many bytes a file has; nothing where there is none.
pub(super) fn size(path: &Path) -> ForgeResult<Option<u64>> {
    match fs::metadata(path) {
        Ok(found) => Ok(found.is_file().then_some(found.len())),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(failed("read", path, &error)),
    }
}

/// Lists the names in a folder, sorted; none when there is no folder.
pub(super) fn names(folder: &Path) -> ForgeResult<Vec<String>> {
    let attempt = || -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    };
    match attempt() {
        Ok(names) => Ok(names),
        Err(error) if is_absent(&error) => Ok(Vec::new()),
        Err(error) => Err(failed("list", folder, &error)),
    }
}

/// Makes a folder and those above it.
pub(super) fn make_folder(path: &Path) -> ForgeResult<()> {
    fs::create_dir_all(path).map_err(|error| failed("make", path, &error))
}

/// Returns whether there is a folder.
pub(super) fn is_folder(path: &Path) -> bool {
    path.is_dir()
}

/// Returns whether there is a file.
pub(super) fn is_file(path: &Path) -> bool {
    path.is_file()
}

/// Waits for the lock file; the system lets go of it when the holder ends, however it ends.
pub(super) async fn lock(path: PathBuf) -> ForgeResult<File> {
    let open = || -> io::Result<File> {
        fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        OpenOptions::new().create(true).truncate(false).write(true).open(&path)
    };
    let file = open().map_err(|error| failed("lock", &path, &error))?;
    for _ in 0..LOCK_STEPS {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_STEP).await,
            Err(TryLockError::Error(error)) => return Err(failed("lock", &path, &error)),
        }
    }
    let waited = (LOCK_STEP * LOCK_STEPS).as_secs();
    Err(ForgeError::Transient(format!("another process has held {} for {waited} s", path.display())))
}

fn timestamp(at: SystemTime) -> Timestamp {
    let millis = match at.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
    };
    Timestamp::from_millis(millis)
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Says what was attempted on what, by what the caller can do about it.
fn failed(verb: &str, path: &Path, error: &io::Error) -> ForgeError {
    let text = format!("cannot {verb} {}: {error}", path.display());
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ForgeError::Denied(text),
        io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory | io::ErrorKind::AlreadyExists => {
            ForgeError::Invalid(text)
        }
        _ => ForgeError::Transient(text),
    }
}
