//! The files by which a step speaks to the runner, kept from the tests that run meanwhile (THREATS.md, V-43). Layer 5.
//!
//! Children are not told where these files are, and a sandbox that holds lets nobody write to them; this is for a machine
//! where none holds. What somebody did to them is undone, and named.

#![expect(clippy::disallowed_methods, reason = "the runner's own files are this module's business")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Variables that name such a file.
const NAMES: [&str; 5] = ["GITHUB_ENV", "GITHUB_PATH", "GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_STEP_SUMMARY"];
/// Where the runner keeps them, below its folder for temporary files.
const FOLDER: &str = "_runner_file_commands";
/// What one may weigh to be put back whole; GitHub takes a summary of 1 MiB, and of the others less.
const CAP: u64 = 16 << 20;
/// Files that are looked at; a step has five.
const MOST: usize = 256;

/// The files as they were at one moment.
#[derive(Debug)]
pub struct CommandFiles {
    named: Vec<PathBuf>,
    folder: Option<PathBuf>,
    before: BTreeMap<PathBuf, Option<Vec<u8>>>,
}

impl CommandFiles {
    /// Reads them all.
    pub fn seal(get: &dyn Fn(&str) -> Option<String>) -> Self {
        let path = |name: &str| get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let named = NAMES.into_iter().filter_map(path).collect();
        let folder = path("RUNNER_TEMP").map(|temp| temp.join(FOLDER));
        let mut sealed = Self { named, folder, before: BTreeMap::new() };
        sealed.before = sealed.read();
        sealed
    }

    /// Puts back what was changed since, and returns the names of those files.
    pub fn restore(self) -> Vec<String> {
        let mut changed = Vec::new();
        for (path, now) in self.read() {
            let before = self.before.get(&path).cloned().flatten();
            if now != before {
                put(&path, before.as_deref());
                changed.push(path);
            }
        }
        for (path, before) in &self.before {
            if before.is_some() && !changed.contains(path) && !path.exists() {
                put(path, before.as_deref());
                changed.push(path.clone());
            }
        }
        changed.iter().map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned()).collect()
    }

    fn read(&self) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
        let entries = self.folder.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
        let found = entries.map(|entry| entry.path()).take(MOST);
        self.named.iter().cloned().chain(found).map(|path| (path.clone(), content(&path))).collect()
    }
}

/// Returns a file's bytes; what is no plain file, or larger than any of them may be, is there with none.
fn content(path: &Path) -> Option<Vec<u8>> {
    let facts = std::fs::symlink_metadata(path).ok()?;
    if !facts.is_file() {
        return Some(b"no plain file".to_vec());
    }
    if facts.len() > CAP {
        return Some(facts.len().to_le_bytes().to_vec());
    }
    std::fs::read(path).ok()
}

fn put(path: &Path, before: Option<&[u8]>) {
    let plain = std::fs::symlink_metadata(path).is_ok_and(|facts| facts.is_file());
    let put = match before {
        // Another process may hold the very file open; it is written to and not replaced.
        Some(bytes) if plain => std::fs::write(path, bytes),
        Some(bytes) => remove(path).and_then(|()| std::fs::write(path, bytes)),
        None => remove(path),
    };
    if let Err(error) = put {
        tracing::warn!(path = %path.display(), %error, "a file of the runner could not be put back");
    }
}

fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(facts) if facts.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v_43_what_tests_did_to_the_runners_files_is_undone_and_named() -> std::io::Result<()> {
        let temp = tempfile::tempdir()?;
        let folder = temp.path().join(FOLDER);
        std::fs::create_dir(&folder)?;
        let file = |name: &str| folder.join(name);
        for name in ["set_env_1", "add_path_1", "set_output_1", "save_state_1"] {
            std::fs::write(file(name), "KEPT=1\n")?;
        }
        let get = |name: &str| match name {
            "GITHUB_ENV" => Some(file("set_env_1").display().to_string()),
            "RUNNER_TEMP" => Some(temp.path().display().to_string()),
            _ => None,
        };
        let untouched = CommandFiles::seal(&get);
        assert_eq!(untouched.restore(), Vec::<String>::new());
        let sealed = CommandFiles::seal(&get);
        std::fs::write(file("set_env_1"), "KEPT=1\nLD_PRELOAD=/tmp/x.so\n")?;
        std::fs::remove_file(file("add_path_1"))?;
        std::fs::remove_file(file("set_output_1"))?;
        #[cfg(unix)]
        std::os::unix::fs::symlink("/etc/passwd", file("set_output_1"))?;
        std::fs::write(file("step_summary_9"), "hello")?;
        let mut changed = sealed.restore();
        changed.sort();
        assert_eq!(changed, ["add_path_1", "set_env_1", "set_output_1", "step_summary_9"]);
        for name in ["set_env_1", "add_path_1", "set_output_1", "save_state_1"] {
            assert!(std::fs::symlink_metadata(file(name))?.is_file());
            assert_eq!(std::fs::read_to_string(file(name))?, "KEPT=1\n", "{name}");
        }
        assert!(!file("step_summary_9").exists());
        Ok(())
    }
}
