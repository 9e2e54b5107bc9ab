//! A scratch fleet made by hand, as a person would: bare repositories by git, issues by an editor.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// How a process ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) code: i32,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Ended {
    /// Reads standard output as one JSON document and nothing else.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// Requires an exit code.
    #[track_caller]
    pub(super) fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Requires that standard error says all of this, and that nothing panicked.
    #[track_caller]
    pub(super) fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.stderr.contains(word), "{word:?} is missing: {}", self.stderr);
        }
        assert!(!self.stderr.contains("panicked") && !self.stderr.contains("of its own"), "{}", self.stderr);
        self
    }
}

/// A small program with a real bug, from `tests/cases`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case {
    name: &'static str,
    pub(super) fixed_file: &'static str,
    pub(super) pattern: &'static str,
}

impl Case {
    /// Returns its folder's name.
    pub(super) const fn name(&self) -> &'static str {
        self.name
    }
}

/// Chooses a program whose toolchain is here; that of Rust always is.
pub(super) fn case() -> Case {
    if on_path("python3") {
        return Case {
            name: "py-latency-max-empty",
            fixed_file: "pingboard/board.py",
            pattern: "py-max-empty-default",
        };
    }
    Case { name: "rust-quota-subtract", fixed_file: "src/account.rs", pattern: "rust-subtract-with-overflow" }
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

pub(super) fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

/// Folders of one test.
pub(super) struct World {
    root: TempDir,
    pub(super) case: Case,
}

impl World {
    /// Makes empty folders.
    pub(super) fn empty() -> Self {
        let world = Self { root: tempfile::tempdir().expect("the test world holds it"), case: case() };
        for name in ["home", "tmp", "fleet"] {
            fs::create_dir(world.path(name)).expect("the test world holds it");
        }
        world
    }

    /// Makes a fleet of one repository, `acme/shop`, with one issue, and a configuration.
    pub(super) fn new() -> Self {
        let world = Self::empty();
        world.repository("acme/shop");
        world.issue("acme/shop", 1);
        world.configure("");
        world
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub(super) fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// Writes a file and its folders.
    pub(super) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("the test world holds it")).expect("the test world holds it");
        fs::write(&path, bytes).expect("the test world holds it");
        path
    }

    /// Writes a configuration with `acme/shop`, the case's test command, and more lines below the repository.
    pub(super) fn configure(&self, more: &str) {
        let command = self.test_command();
        self.configure_command(&command, more);
    }

    pub(super) fn configure_command(&self, command: &str, more: &str) {
        let command = serde_json::to_string(command).expect("the test world holds it");
        let text = format!("version: 1\nrepositories:\n  - slug: acme/shop\n    test_command: {command}\n{more}");
        self.write("repos.yml", text);
    }

    /// Returns what runs the case's tests.
    pub(super) fn test_command(&self) -> String {
        let text = fs::read_to_string(cases().join(self.case.name).join("case.yml")).expect("the test world holds it");
        text.lines().find_map(|line| line.strip_prefix("test_command: ")).expect("the test world holds it").to_owned()
    }

    /// Makes a bare repository of the case's files.
    pub(super) fn repository(&self, slug: &str) {
        let source = self.path(&format!("source/{slug}"));
        copy(&cases().join(self.case.name).join("repo"), &source);
        self.git(&source, &["init", "--quiet", "--initial-branch=main"]);
        self.git(&source, &["add", "--all"]);
        self.git(&source, &["commit", "--quiet", "--message=The program as it is"]);
        let bare = self.path(&format!("fleet/{slug}.git"));
        fs::create_dir_all(bare.parent().expect("the test world holds it")).expect("the test world holds it");
        // Without hard links, so that what one test breaks in a clone is broken nowhere else.
        let (from, to) = (source.display().to_string(), bare.display().to_string());
        self.git(self.root.path(), &["clone", "--quiet", "--bare", "--no-hardlinks", &from, &to]);
    }

    /// Writes the case's report as an issue.
    pub(super) fn issue(&self, slug: &str, number: u64) {
        let report =
            fs::read_to_string(cases().join(self.case.name).join("report.md")).expect("the test world holds it");
        let (title, body) = report.split_once('\n').expect("the test world holds it");
        let title = serde_json::to_string(title.trim_start_matches("# ")).expect("the test world holds it");
        let text = format!("---\ntitle: {title}\nlabels: [homeostat]\n---\n{body}");
        self.write(&format!("fleet/{slug}/issues/{number}.md"), text);
    }

    #[expect(clippy::unused_self, reason = "a world's git is asked of the world")]
    pub(super) fn git(&self, folder: &Path, args: &[&str]) -> String {
        let output = Command::new("git")
            .current_dir(folder)
            .args(args)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs(["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"].map(|name| (name, "Ada")))
            .envs(["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"].map(|name| (name, "ada@example.org")))
            .output()
            .expect("the test world holds it");
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Returns the program with a scrubbed environment.
    pub(super) fn program(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_homeostat"));
        command.args(args).current_dir(self.root.path()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.path("home")).env("TMPDIR", self.path("tmp"));
        command.env("HOMEOSTAT_STATE_DIR", self.path("state"));
        if self.case.name.starts_with("rust-") {
            // The toolchain lies in the home folder of whoever runs the tests.
            let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
            for (name, folder) in [("RUSTUP_HOME", ".rustup"), ("CARGO_HOME", ".cargo")] {
                command.env(name, std::env::var_os(name).unwrap_or_else(|| home.join(folder).into()));
            }
        }
        command
    }

    /// Returns `run` over the fleet.
    pub(super) fn run_command(&self, more: &[&str]) -> Command {
        self.program(&self.over_fleet("run", more).iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn over_fleet(&self, command: &str, more: &[&str]) -> Vec<String> {
        let forge = format!("local:{}", self.text("fleet"));
        let (config, artifacts) = (self.text("repos.yml"), self.text("artifacts"));
        let mut args = vec![command.to_owned()];
        for (flag, value) in [("--forge", forge), ("--config", config), ("--artifacts", artifacts)] {
            args.extend([flag.to_owned(), value]);
        }
        args.extend(more.iter().map(|arg| (*arg).to_owned()));
        args
    }

    pub(super) fn run(&self, more: &[&str]) -> Ended {
        ended(self.run_command(more))
    }

    /// Runs one of the four stages over the fleet.
    pub(super) fn stage(&self, name: &str, more: &[&str]) -> Ended {
        let args = self.over_fleet(name, more);
        self.homeostat(&args.iter().map(String::as_str).collect::<Vec<_>>())
    }

    pub(super) fn homeostat(&self, args: &[&str]) -> Ended {
        ended(self.program(args))
    }

    /// Reads every file of the forge.
    pub(super) fn fleet(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        files(&self.path("fleet"))
    }

    /// Returns branches of ours in a repository.
    pub(super) fn branches(&self, slug: &str) -> Vec<String> {
        let bare = self.path(&format!("fleet/{slug}.git"));
        let list = self.git(&bare, &["for-each-ref", "--format=%(refname:short)", "refs/heads/homeostat"]);
        list.lines().map(str::to_owned).collect()
    }

    /// Returns the names of pull requests' files.
    pub(super) fn pulls(&self, slug: &str) -> Vec<String> {
        names(&self.path(&format!("fleet/{slug}/pulls"))).into_iter().filter(|name| name.ends_with(".md")).collect()
    }

    /// Returns the artifacts whose names end so.
    pub(super) fn artifacts(&self, end: &str) -> Vec<PathBuf> {
        files(&self.path("artifacts")).into_keys().filter(|path| path.to_string_lossy().ends_with(end)).collect()
    }

    /// Reads all events of all runs.
    pub(super) fn events(&self) -> Vec<Value> {
        let lines = self
            .artifacts(".jsonl")
            .iter()
            .map(|path| fs::read_to_string(path).expect("the test world holds it"))
            .collect::<String>();
        lines.lines().map(|line| serde_json::from_str(line).expect("the test world holds it")).collect()
    }
}

/// Runs a program to its end.
pub(super) fn ended(mut command: Command) -> Ended {
    let output = command.stdin(Stdio::null()).output().expect("the test world holds it");
    read(&output)
}

/// Runs a program to its end, with something on standard input.
pub(super) fn ended_with_input(mut command: Command, input: &[u8]) -> Ended {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the test world holds it");
    let mut stdin = child.stdin.take().expect("the test world holds it");
    let input = input.to_vec();
    // Beside the reader, so that neither waits for the other's pipe.
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("the test world holds it");
    let _a_reader_may_stop_early = writer.join().expect("the test world holds it");
    read(&output)
}

fn read(output: &std::process::Output) -> Ended {
    Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

pub(super) fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("the test world holds it").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Returns whether a program with this word in its arguments runs anywhere on the machine.
#[cfg(target_os = "linux")]
pub(super) fn runs(word: &str) -> bool {
    names(Path::new("/proc")).iter().any(|process| {
        let arguments = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&arguments).split('\0').any(|argument| argument == word)
    })
}

/// Reads every file below a folder.
pub(super) fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for name in names(folder) {
        let path = folder.join(name);
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let bytes = fs::read(&path).expect("the test world holds it");
            found.insert(path, bytes);
        }
    }
    found
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the test world holds it");
    for name in names(from) {
        if name.as_str() == "target" || Path::new(&name).file_name() == Some(OsStr::new("__pycache__")) {
            continue;
        }
        let (from, to) = (from.join(&name), to.join(&name));
        if from.is_dir() { copy(&from, &to) } else { fs::copy(&from, &to).map(drop).expect("the test world holds it") }
    }
}
