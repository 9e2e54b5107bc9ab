//! What of this machine a command sees: its variables, and the files that it may read and execute. Layer 3.
//!
//! Both are lists of what is allowed, so a name that nobody thought of is absent (V-44, V-45). No secret of the
//! program's environment is read here: only the names below are asked for.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Variables that name a toolchain, with its usual folder below the real home.
const TOOLCHAINS: &[(&str, Option<&str>)] =
    &[("RUSTUP_HOME", Some(".rustup")), ("JAVA_HOME", None), ("GOROOT", None), ("PYENV_ROOT", Some(".pyenv"))];

/// Folders of the system that hold programs and their data.
const SYSTEM: &[&str] = &[
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/opt",
    "/nix",
    "/snap",
    "/home/linuxbrew/.linuxbrew",
    "/var/lib/gems",
    "/var/cache/fontconfig",
    "/proc",
    "/sys",
    "/etc/resolv.conf",
];

/// What of `/etc` is nobody's business; the rest is what every program reads.
const PRIVATE_IN_ETC: &[&str] = &[
    "shadow",
    "shadow-",
    "gshadow",
    "gshadow-",
    "passwd-",
    "group-",
    "ssh",
    "sudoers",
    "sudoers.d",
    "krb5.keytab",
    "docker",
    "kubernetes",
    "rancher",
    "wireguard",
    "openvpn",
    "NetworkManager",
    "ppp",
    "ipsec.secrets",
    "machine-id",
    "security",
    "letsencrypt",
    "apt",
    "containerd",
    "cni",
];

/// What of cargo's home is read; its credentials lie beside them.
const CARGO_PARTS: &[&str] =
    &["bin", "registry", "git", "config.toml", "config", "env", ".crates.toml", ".crates2.json"];

/// Tools that link programs from `~/.local/bin` into folders of their own below the home.
const TOOL_FOLDERS: &[&str] = &[
    ".local/lib",
    ".local/pipx",
    ".local/share/pipx",
    ".local/share/uv",
    ".local/share/mise",
    ".nvm",
    ".volta",
    ".asdf",
];

/// The parts of the program's surroundings that a command may know.
#[derive(Debug, Clone, Default)]
pub struct Host {
    path: Vec<PathBuf>,
    home: Option<PathBuf>,
    toolchains: BTreeMap<String, PathBuf>,
    cargo_home: Option<PathBuf>,
}

impl Host {
    /// Reads them from the environment of this process.
    pub fn from_env() -> Self {
        Self::new(|name| std::env::var(name).ok())
    }

    /// Reads them through a function from a variable's name to its value.
    pub fn new(variable: impl Fn(&str) -> Option<String>) -> Self {
        let folder = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute() && path.is_dir());
        let home = folder("HOME");
        let below = |part: &str| home.as_ref().map(|home| home.join(part)).filter(|path| path.is_dir());
        let mut toolchains = BTreeMap::new();
        for (name, usual) in TOOLCHAINS {
            if let Some(found) = folder(name).or_else(|| usual.and_then(below)) {
                toolchains.insert((*name).to_owned(), found);
            }
        }
        let cargo_home = folder("CARGO_HOME").or_else(|| below(".cargo"));
        // A relative entry would name a folder of the repository.
        let mut path: Vec<PathBuf> = Vec::new();
        for entry in variable("PATH").iter().flat_map(|text| text.split(':')).map(PathBuf::from) {
            if entry.is_absolute() && entry.is_dir() && !path.contains(&entry) {
                path.push(entry);
            }
        }
        Self { path, home, toolchains, cargo_home }
    }

    /// Returns cargo's real home.
    pub(super) fn cargo_home(&self) -> Option<&Path> {
        self.cargo_home.as_deref()
    }

    /// Returns the fixed variables of a command; the repository's own come on top.
    pub(super) fn variables(&self, home: &Path, tmp: &Path, cargo_home: Option<&Path>) -> BTreeMap<String, String> {
        let text = |path: &Path| path.display().to_string();
        let path: Vec<String> = self.path.iter().map(|entry| text(entry)).collect();
        let mut all = BTreeMap::from([
            ("PATH".to_owned(), path.join(":")),
            ("HOME".to_owned(), text(home)),
            ("TMPDIR".to_owned(), text(tmp)),
            ("LANG".to_owned(), if cfg!(target_os = "macos") { "en_US.UTF-8" } else { "C.UTF-8" }.to_owned()),
            ("TZ".to_owned(), "UTC".to_owned()),
            ("CI".to_owned(), "true".to_owned()),
        ]);
        all.extend(self.toolchains.iter().map(|(name, folder)| (name.clone(), text(folder))));
        if let Some(cargo_home) = cargo_home {
            all.insert("CARGO_HOME".to_owned(), text(cargo_home));
        }
        all
    }

    /// Returns the files and folders of the machine that a command may read and execute.
    pub(super) fn readable(&self) -> Vec<PathBuf> {
        let mut all: Vec<PathBuf> = SYSTEM.iter().map(PathBuf::from).collect();
        all.extend(public_parts_of_etc());
        all.extend(self.toolchains.values().cloned());
        for entry in &self.path {
            all.push(entry.clone());
            all.extend(self.installation_of(entry));
        }
        if let Some(cargo_home) = &self.cargo_home {
            all.extend(CARGO_PARTS.iter().map(|part| cargo_home.join(part)));
        }
        if let Some(home) = &self.home {
            all.extend(TOOL_FOLDERS.iter().map(|part| home.join(part)));
        }
        // A rule can be made for files and folders only.
        all.retain(|path| path.is_dir() || path.is_file());
        all.sort();
        all.dedup();
        all
    }

    /// Returns the folder around a `bin` folder, where the rest of its programs lies; never the home or what is just
    /// below it, for secrets lie there.
    fn installation_of(&self, bin: &Path) -> Option<PathBuf> {
        let around = bin.parent()?;
        let named_bin = bin.file_name().is_some_and(|name| name == "bin" || name == "sbin");
        let near_home =
            self.home.as_deref().is_some_and(|home| home.starts_with(around) || around.parent() == Some(home));
        let near_root = around.components().count() <= 2;
        (named_bin && !near_home && !near_root).then(|| around.to_owned())
    }
}

fn public_parts_of_etc() -> Vec<PathBuf> {
    let entries = fs::read_dir("/etc").into_iter().flatten().flatten();
    entries
        .filter(|entry| !entry.file_name().to_str().is_none_or(|name| PRIVATE_IN_ETC.contains(&name)))
        .map(|entry| entry.path())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v_45_only_named_variables_are_asked_for() {
        let asked = std::cell::RefCell::new(Vec::new());
        let _host = Host::new(|name| {
            asked.borrow_mut().push(name.to_owned());
            None
        });
        let mut asked = asked.into_inner();
        asked.sort();
        assert_eq!(asked, ["CARGO_HOME", "GOROOT", "HOME", "JAVA_HOME", "PATH", "PYENV_ROOT", "RUSTUP_HOME"]);
    }

    #[test]
    fn relative_entries_of_the_path_are_dropped_and_the_home_is_never_readable() {
        let home = tempfile::tempdir().expect("a folder");
        let bin = home.path().join("bin");
        let deep = home.path().join("tools/node/bin");
        for folder in [&bin, &deep] {
            fs::create_dir_all(folder).expect("a folder");
        }
        let path = format!("{}:.::node_modules/.bin:{}:/usr/bin", bin.display(), deep.display());
        let host = Host::new(|name| match name {
            "HOME" => Some(home.path().display().to_string()),
            "PATH" => Some(path.clone()),
            _ => None,
        });
        let variables = host.variables(Path::new("/h"), Path::new("/t"), None);
        assert_eq!(variables["PATH"], format!("{}:{}:/usr/bin", bin.display(), deep.display()));
        let readable = host.readable();
        assert!(readable.contains(&bin) && readable.contains(&home.path().join("tools/node")));
        assert!(!readable.iter().any(|path| home.path().starts_with(path)), "{readable:?}");
        assert!(!readable.contains(&PathBuf::from("/etc/shadow")));
    }
}
