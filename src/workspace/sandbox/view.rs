//! The files that a command at level `isolated` sees: an empty root into which the folders of the run and of the
//! toolchains are bound, each at its own path. Layer 3.
//!
//! Everything else of the machine is absent rather than forbidden, with it every socket that is a file below `/run`,
//! `/tmp` or a home. `/tmp` and `/dev/shm` are new and empty, in memory and of limited size; `/proc` shows the
//! processes of the namespace. What is bound keeps its own rights: Landlock says what of it may be written. A socket
//! inside a folder of programs would be seen; nobody puts one there.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::{CString, OsString};
use std::fs;
use std::path::{Component, Path, PathBuf};

use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags};

use super::files::DEVICES;
use super::wire::Job;

/// New and empty in each run, and writable.
pub(super) const SCRATCH: &[&str] = &["/tmp", "/dev/shm"];

/// Folders that are made anew; none of the machine's own is ever bound as a whole.
const OWN: &[&str] = &["/proc", "/dev", "/dev/shm", "/tmp", "/run", "/var/run", "/var/tmp"];

/// Those of them that are folders in the new root and no links.
const MADE: &[&str] = &["/proc", "/dev/shm", "/tmp", "/run"];

/// Where the new root is put together; every machine has it, and what it hides is seen again after the turn.
const SITE: &str = "/tmp";

/// The machine's files while the view is built.
const HOST: &str = ".host";

/// The most symbolic links on the way to one file, as many as the kernel follows.
const MOST_LINKS: usize = 40;

/// One file or folder of the machine that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bound {
    folder: bool,
    /// Whether the run cannot go on without it.
    needed: bool,
}

/// What is bound and linked.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct View {
    /// Real files and folders, none inside another.
    bound: BTreeMap<PathBuf, Bound>,
    links: BTreeMap<PathBuf, OsString>,
}

impl View {
    /// Finds the real places of all that a job may read or write.
    ///
    /// # Errors
    /// When a folder of the run is not there, or holds what must be hidden.
    pub(super) fn plan(job: &Job) -> Result<Self, String> {
        let mut found: BTreeMap<PathBuf, Bound> = BTreeMap::new();
        let mut links = BTreeMap::from([
            (PathBuf::from("/var/run"), "/run".into()),
            (PathBuf::from("/var/tmp"), "/tmp".into()),
            (PathBuf::from("/dev/fd"), "/proc/self/fd".into()),
        ]);
        for path in &job.readable {
            if let Some(real) = trace(path, &mut links).filter(|real| !is_own(real)) {
                let folder = real.is_dir();
                found.entry(real).or_insert(Bound { folder, needed: false });
            }
        }
        for device in DEVICES.iter().map(PathBuf::from).filter(|device| device.exists()) {
            found.insert(device, Bound { folder: false, needed: false });
        }
        for path in &job.writable {
            let real = trace(path, &mut links).ok_or_else(|| format!("{} is not there", path.display()))?;
            if holds_own(&real) {
                return Err(format!("{} holds folders that must be hidden", real.display()));
            }
            found.insert(real, Bound { folder: true, needed: true });
        }
        let bound = without_inner(found);
        // What is inside a bound folder is seen there; a folder that is made anew is no link, except the two above.
        let covered = |path: &Path| bound.keys().any(|real| path.starts_with(real) || real.starts_with(path));
        let made = |path: &Path| MADE.iter().any(|made| Path::new(made).starts_with(path));
        links.retain(|path, _| !covered(path) && !made(path));
        Ok(Self { bound, links })
    }

    /// Makes it the root of this process and of all that it starts; `memory` bounds each folder that is kept in memory.
    ///
    /// # Errors
    /// When the kernel refuses a step.
    pub(super) fn build(&self, memory: u64) -> Result<(), String> {
        let say = |what: &str| {
            let what = what.to_owned();
            move |e: rustix::io::Errno| format!("{what} ({e})")
        };
        let site = Path::new(SITE);
        rustix::mount::mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
            .map_err(say("mounts cannot be kept to ourselves"))?;
        in_memory(site, 16 << 20, "0755").map_err(say("no new root can be made"))?;
        self.outline(site, memory)?;
        let proc_flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
        rustix::mount::mount("proc", site.join("proc"), "proc", proc_flags, None)
            .map_err(say("no /proc of its own can be had"))?;
        rustix::process::pivot_root(site, site.join(HOST)).map_err(say("the root cannot be changed"))?;
        rustix::process::chdir("/").map_err(say("the new root cannot be entered"))?;
        let host = Path::new("/").join(HOST);
        for (real, bound) in &self.bound {
            let source = host.join(real.strip_prefix("/").unwrap_or(real));
            let shown = rustix::mount::mount_bind_recursive(&source, real);
            if bound.needed {
                shown.map_err(say(&format!("{} cannot be shown", real.display())))?;
            }
        }
        rustix::mount::unmount(&host, UnmountFlags::DETACH)
            .map_err(say("the machine's files cannot be left behind"))?;
        fs::remove_dir(&host).map_err(|e| format!("the machine's files cannot be left behind ({e})"))
    }

    /// Makes the empty folders and files onto which things are bound, and the links.
    fn outline(&self, site: &Path, memory: u64) -> Result<(), String> {
        let below = |path: &Path| site.join(path.strip_prefix("/").unwrap_or(path));
        let failed = |path: &Path, e: &dyn std::fmt::Display| format!("{} cannot be made ({e})", path.display());
        for own in MADE.iter().chain([&HOST]).map(Path::new) {
            fs::create_dir_all(below(own)).map_err(|e| failed(own, &e))?;
        }
        for scratch in SCRATCH.iter().map(Path::new) {
            in_memory(&below(scratch), memory, "1777").map_err(|e| failed(scratch, &e))?;
        }
        for (real, bound) in &self.bound {
            let place = below(real);
            let made = match (bound.folder, place.parent()) {
                (false, Some(parent)) => fs::create_dir_all(parent).and_then(|()| fs::write(&place, "")),
                _ => fs::create_dir_all(&place),
            };
            made.map_err(|e| failed(real, &e))?;
        }
        for (path, target) in &self.links {
            let place = below(path);
            if let Some(parent) = place.parent() {
                fs::create_dir_all(parent).map_err(|e| failed(path, &e))?;
            }
            std::os::unix::fs::symlink(target, &place).map_err(|e| failed(path, &e))?;
        }
        Ok(())
    }
}

/// Mounts an empty folder that lives in memory.
fn in_memory(at: &Path, bytes: u64, mode: &str) -> rustix::io::Result<()> {
    let options = CString::new(format!("size={bytes},mode={mode}")).map_err(|_| rustix::io::Errno::INVAL)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    rustix::mount::mount("homeostat", at, "tmpfs", flags, options.as_c_str())
}

/// Returns whether the path is, or lies around, a folder that is made anew.
fn holds_own(real: &Path) -> bool {
    OWN.iter().any(|own| Path::new(own).starts_with(real))
}

/// Returns whether a path that may be read is not bound: a folder that is made anew, or devices and processes.
fn is_own(real: &Path) -> bool {
    holds_own(real) || real.starts_with("/proc") || real.starts_with("/dev")
}

/// Leaves out what lies inside another entry, where it is seen anyway.
fn without_inner(found: BTreeMap<PathBuf, Bound>) -> BTreeMap<PathBuf, Bound> {
    let mut outer: BTreeMap<PathBuf, Bound> = BTreeMap::new();
    // Sorted by parts of the path, so whatever is inside an entry comes right after it.
    for (real, bound) in found {
        match outer.last_entry() {
            Some(mut last) if real.starts_with(last.key()) => last.get_mut().needed |= bound.needed,
            _ => drop(outer.insert(real, bound)),
        }
    }
    outer
}

/// Follows a path to its real place and notes every symbolic link on the way; `None` where it leads nowhere.
fn trace(path: &Path, links: &mut BTreeMap<PathBuf, OsString>) -> Option<PathBuf> {
    let mut ahead: VecDeque<OsString> = parts(path);
    let mut real = PathBuf::from("/");
    let mut followed = 0;
    while let Some(part) = ahead.pop_front() {
        if part == ".." {
            real.pop();
            continue;
        }
        let next = real.join(&part);
        if !fs::symlink_metadata(&next).ok()?.is_symlink() {
            real = next;
            continue;
        }
        followed += 1;
        if followed > MOST_LINKS {
            return None;
        }
        let target = fs::read_link(&next).ok()?;
        links.insert(next, target.clone().into_os_string());
        if target.is_absolute() {
            real = PathBuf::from("/");
        }
        for part in parts(&target).into_iter().rev() {
            ahead.push_front(part);
        }
    }
    Some(real)
}

fn parts(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn real_folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let real = folder.path().canonicalize().expect("a folder");
        (folder, real)
    }

    #[test]
    fn every_link_on_the_way_is_noted_and_the_end_is_real() {
        let (_folder, root) = real_folder();
        fs::create_dir_all(root.join("real/inner")).expect("a folder");
        std::os::unix::fs::symlink("real", root.join("one")).expect("a link");
        std::os::unix::fs::symlink(root.join("one/inner/.."), root.join("two")).expect("a link");
        std::os::unix::fs::symlink("loop", root.join("loop")).expect("a link");
        let mut links = BTreeMap::new();
        assert_eq!(trace(&root.join("two/inner"), &mut links), Some(root.join("real/inner")));
        let noted: Vec<_> = links.keys().cloned().collect();
        assert_eq!(noted, [root.join("one"), root.join("two")]);
        assert_eq!(trace(&root.join("loop"), &mut links), None);
        assert_eq!(trace(&root.join("absent"), &mut links), None);
    }

    #[test]
    fn what_is_inside_another_entry_is_not_bound_twice() {
        let entry = |path: &str, needed| (PathBuf::from(path), Bound { folder: true, needed });
        let all = [entry("/a", false), entry("/a/b", true), entry("/a/b/c", false), entry("/ab", false)];
        let outer = without_inner(BTreeMap::from(all));
        assert_eq!(outer, BTreeMap::from([entry("/a", true), entry("/ab", false)]));
    }

    #[test]
    fn v_108_no_folder_that_is_made_anew_is_bound_and_none_that_holds_one() {
        for path in ["/", "/var", "/tmp", "/run", "/proc", "/proc/1", "/dev", "/dev/sda", "/dev/shm"] {
            assert!(is_own(Path::new(path)), "{path}");
        }
        for path in ["/usr", "/tmp/run/tree", "/var/lib/gems", "/run/current-system/sw/bin", "/sys"] {
            assert!(!is_own(Path::new(path)), "{path}");
        }
    }
}
