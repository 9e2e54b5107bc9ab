//! Copies a tree as it is: contents, modes, times and links, sharing blocks where the file system can. Layer 3.
//!
//! Never by hard links: the tests of one copy would write into the others (V-109). Pipes, sockets and devices that setup
//! left are not copied. Nothing may run in either tree meanwhile.

use std::fs::{self, File, FileTimes, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::OFlags;

/// Copies the folder `from` to the new folder `to`.
///
/// # Errors
/// With the path at which the machine failed.
pub(super) fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    Copier { reflink: cfg!(target_os = "linux") }.folder(from, to)
}

struct Copier {
    /// Whether the file system has not yet refused to share blocks.
    reflink: bool,
}

impl Copier {
    fn folder(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let at = |e: io::Error| io::Error::new(e.kind(), format!("{}: {e}", from.display()));
        let meta = open_to_owner(from, 0o500).map_err(at)?;
        fs::create_dir(to).map_err(at)?;
        for entry in fs::read_dir(from).map_err(at)? {
            let entry = entry.map_err(at)?;
            let (source, target) = (entry.path(), to.join(entry.file_name()));
            let kind = entry.file_type().map_err(at)?;
            if kind.is_dir() {
                self.folder(&source, &target)?;
            } else {
                let done = if kind.is_symlink() {
                    fs::read_link(&source).and_then(|link| std::os::unix::fs::symlink(link, &target))
                } else if kind.is_file() {
                    self.file(&source, &target)
                } else {
                    Ok(())
                };
                done.map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", source.display())))?;
            }
        }
        // Only now: a folder that may not be written cannot be filled, and filling it changes its time.
        let folder = File::open(to).map_err(at)?;
        folder.set_times(times(&meta)?).map_err(at)?;
        folder.set_permissions(fs::Permissions::from_mode(meta.permissions().mode() & 0o777)).map_err(at)
    }

    fn file(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let meta = open_to_owner(from, 0o400)?;
        let no_link = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or(0);
        let mut source = OpenOptions::new().read(true).custom_flags(no_link).open(from)?;
        let mut target = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
        if !(self.reflink && self.share(&source, &target)) {
            io::copy(&mut source, &mut target)?;
        }
        target.set_times(times(&meta)?)?;
        target.set_permissions(fs::Permissions::from_mode(meta.permissions().mode() & 0o777))
    }

    #[cfg(target_os = "linux")]
    fn share(&mut self, source: &File, target: &File) -> bool {
        self.reflink = rustix::fs::ioctl_ficlone(target, source).is_ok();
        self.reflink
    }

    #[cfg(not(target_os = "linux"))]
    fn share(&mut self, _source: &File, _target: &File) -> bool {
        false
    }
}

/// Gives the owner the rights to read a file or folder that setup closed, for good, so that every copy is the same.
fn open_to_owner(path: &Path, needed: u32) -> io::Result<Metadata> {
    let meta = fs::symlink_metadata(path)?;
    let mode = meta.permissions().mode();
    if mode & needed == needed {
        return Ok(meta);
    }
    fs::set_permissions(path, fs::Permissions::from_mode((mode | needed) & 0o777))?;
    fs::symlink_metadata(path)
}

fn times(meta: &Metadata) -> io::Result<FileTimes> {
    Ok(FileTimes::new().set_accessed(meta.accessed()?).set_modified(meta.modified()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_keeps_contents_modes_times_and_links_and_shares_no_file() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(from.join("a/b"))?;
        fs::write(from.join("a/run"), "#!/bin/sh\n")?;
        fs::set_permissions(from.join("a/run"), fs::Permissions::from_mode(0o755))?;
        fs::hard_link(from.join("a/run"), from.join("a/twin"))?;
        std::os::unix::fs::symlink("/outside", from.join("link"))?;
        fs::set_permissions(from.join("a"), fs::Permissions::from_mode(0o555))?;
        copy_tree(&from, &to)?;
        assert_eq!(fs::read_link(to.join("link"))?.as_os_str(), "/outside");
        let (before, after) = (fs::metadata(from.join("a/run"))?, fs::metadata(to.join("a/run"))?);
        assert_eq!(before.modified()?, after.modified()?);
        assert_eq!(before.permissions(), after.permissions());
        assert_eq!(fs::metadata(to.join("a"))?.permissions().mode() & 0o777, 0o555);
        fs::write(to.join("a/run"), "changed")?;
        assert_eq!(fs::read_to_string(from.join("a/run"))?, "#!/bin/sh\n");
        assert_eq!(fs::read_to_string(to.join("a/twin"))?, "#!/bin/sh\n");
        for copy in [&from, &to] {
            fs::set_permissions(copy.join("a"), fs::Permissions::from_mode(0o755))?;
        }
        Ok(())
    }
}
