//! Wires one run: configuration, forge, working copies, record. The only place that names adapters. Layer 5.

#![expect(clippy::disallowed_methods, reason = "faces read files and the environment, and pass bytes")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::actions::{Runner, mask};
use crate::cli::args::Place;
use crate::cli::failure::Failure;
use crate::cli::hub::{self, Hub, PROXY_NAMES};
use crate::cli::output::{command, say};
use crate::cli::telemetry::asked;
use crate::config::{self, Flags, LoadInput, Loaded};
use crate::engine::{Context, Progress, Recorder, RunInfo, Veil};
use crate::forge::github::{Governor, has_root_certificates};
use crate::forge::local::LocalForge;
use crate::forge::settings::Settings;
use crate::forge::{Forge, STATE_SLUG};
use crate::git::Git;
use crate::model::{Machine, RepoSlug, Secret, Unseen, sha256_hex};
use crate::pattern::Library;
use crate::redact::Redactor;
use crate::system::System;
use crate::system::os::OsSystem;
use crate::workspace::git::GitWorkspace;
use crate::workspace::sandbox::{Host, Sandbox, SandboxExec};

/// Names of variables whose values are secret.
const SECRET_NAMES: &[&str] = &["TOKEN", "SECRET", "PASSWORD", "API_KEY", "APP_KEY", "PRIVATE_KEY"];

/// Which of the four privileges a command has (PROTOCOL.md, 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Privilege {
    /// All four in one process.
    All,
    /// Reads targets, writes the operator's repository.
    Reserve,
    /// Reads targets, runs their code, writes nothing.
    Propose,
    /// Writes the operator's repository.
    Record,
    /// Writes targets and the operator's repository.
    Publish,
    /// Reads how targets are set up, and makes their labels.
    Look,
}

/// Everything that one run needs.
pub(crate) struct Session {
    pub(crate) loaded: Loaded,
    forge: Arc<dyn Forge>,
    /// Keeps requests within the forge's limits, where it has any.
    governor: Option<Arc<Governor>>,
    settings: Arc<dyn Settings>,
    /// The folder that stands in for an operator's repository, where there is none.
    state_folder: Option<LocalForge>,
    pub(crate) workspace: GitWorkspace,
    pub(crate) system: OsSystem,
    pub(crate) library: Library,
    pub(crate) library_digest: String,
    pub(crate) operator: RepoSlug,
    pub(crate) run: RunInfo,
    pub(crate) runner: Runner,
    pub(crate) redactor: Redactor,
    /// Whether nothing is written for want of `--write` alone.
    held_back: bool,
}

/// Returns the environment, read once.
pub(crate) fn environment() -> BTreeMap<String, String> {
    std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect()
}

/// Opens everything for a configuration file and a forge.
pub(crate) fn open(place: &Place, privilege: Privilege) -> Result<Session, Failure> {
    open_for(place, privilege, &[])
}

/// Opens everything; where there is no configuration file, built-in settings hold for the named repositories.
pub(crate) fn open_for(place: &Place, privilege: Privilege, named: &[RepoSlug]) -> Result<Session, Failure> {
    let env = environment();
    // What `doctor` judges is the mode as it is configured, not that of a terminal without `--write`.
    let dry_run = privilege != Privilege::Look && (place.dry_run || is_held_back(place, &env));
    let flags = Flags { mode: place.mode, dry_run };
    let own = env.get("GITHUB_REPOSITORY").and_then(|slug| slug.parse::<RepoSlug>().ok());
    let own = own.filter(|_| is_in_actions(&env) && is_github(place));
    let alone = if named.is_empty() { own.into_iter().collect() } else { named.to_vec() };
    let loaded = if place.config.exists() || alone.is_empty() {
        load(&place.config, &env, flags)?
    } else {
        // The shortest case: no configuration at all, this repository under built-in settings (PROTOCOL.md, 9).
        Loaded::built_in(&alone, &env, flags)?
    };
    let folder = place.config.parent().unwrap_or(Path::new(".")).to_owned();
    open_with(place, privilege, loaded, &folder, &env)
}

pub(crate) fn is_github(place: &Place) -> bool {
    place.forge == "github"
}

pub(crate) fn is_in_actions(env: &BTreeMap<String, String>) -> bool {
    env.get("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// Returns whether only `--write` is missing for this command to write to GitHub (REFERENCE.md, Modes).
fn is_held_back(place: &Place, env: &BTreeMap<String, String>) -> bool {
    is_github(place) && !place.write && !place.dry_run && !is_in_actions(env)
}

/// A forge with what goes with it.
struct Opened {
    forge: Arc<dyn Forge>,
    governor: Option<Arc<Governor>>,
    settings: Arc<dyn Settings>,
    state_folder: Option<LocalForge>,
    operator: RepoSlug,
    workspace: GitWorkspace,
}

/// Opens everything for a configuration that is already read; `folder` is where its own patterns would lie.
pub(crate) fn open_with(
    place: &Place,
    privilege: Privilege,
    loaded: Loaded,
    folder: &Path,
    env: &BTreeMap<String, String>,
) -> Result<Session, Failure> {
    let system = OsSystem::new();
    let opened =
        if is_github(place) { open_github(privilege, &loaded, env)? } else { open_local(&place.forge, &loaded, env)? };
    let Opened { forge, governor, settings, state_folder, operator, workspace } = opened;
    let (library, library_digest) = library(&loaded, folder)?;
    let runner = Runner::from_env(&|name| env.get(name).cloned());
    // The runner knows what it handed over itself, and nothing of what lies in files.
    for secret in hub::secrets_by_file(env).iter().filter_map(mask) {
        command(&runner, &secret);
    }
    let held_back = is_held_back(place, env);
    let run = run_info(&loaded, privilege, place.dry_run || held_back, env, system);
    let redactor = Redactor::new(&secrets(env));
    Ok(Session {
        loaded,
        forge,
        governor,
        settings,
        state_folder,
        workspace,
        system,
        library,
        library_digest,
        operator,
        run,
        runner,
        redactor,
        held_back,
    })
}

fn divide(governor: Option<&Governor>, parts: u32) {
    if let Some(governor) = governor {
        governor.divide(parts);
    }
}

/// Opens a local forge.
fn open_local(name: &str, loaded: &Loaded, env: &BTreeMap<String, String>) -> Result<Opened, Failure> {
    let Some(dir) = name.strip_prefix("local:").filter(|dir| !dir.is_empty()) else {
        return Err(Failure::config(format!(
            "--forge {name} is none that Homeostat knows; it is github, or local:DIR for a forge in a folder, such as `homeostat demo` makes."
        )));
    };
    let dir = std::path::absolute(dir).unwrap_or_else(|_| PathBuf::from(dir));
    if !dir.is_dir() {
        return Err(Failure::config(format!(
            "{} is no folder; a local forge has bare repositories at <owner>/<name>.git, and `homeostat demo --dir DIR` makes one.",
            dir.display()
        )));
    }
    let forge = Arc::new(LocalForge::open(&dir, Arc::new(|| OsSystem::new().now()))?);
    let workspace = workspace(env, move |slug| dir.join(format!("{slug}.git")).display().to_string());
    let operator = loaded.config.state.repository.clone().map_or_else(own_state, Ok)?;
    Ok(Opened { forge: forge.clone(), governor: None, settings: forge, state_folder: None, operator, workspace })
}

/// Opens GitHub.
fn open_github(privilege: Privilege, loaded: &Loaded, env: &BTreeMap<String, String>) -> Result<Opened, Failure> {
    let hub = Hub::open(privilege, loaded, env)?;
    let (forge, tokens, governor) = (hub.forge.clone(), hub.tokens(), hub.governor.clone());
    let workspace = workspace(env, move |slug| hub.clone_address(slug)).with_tokens(tokens);
    let named = loaded.config.state.repository.clone();
    let in_actions = || env.get("GITHUB_REPOSITORY").and_then(|slug| slug.parse().ok());
    let (operator, state_folder) = if let Some(operator) = named.or_else(in_actions) {
        (operator, None)
    } else {
        let folder = state_folder(env).join("forge");
        (own_state()?, Some(LocalForge::open(folder, Arc::new(|| OsSystem::new().now()))?))
    };
    Ok(Opened { forge: forge.clone(), governor: Some(governor), settings: forge, state_folder, operator, workspace })
}

/// Lists the repositories of a forge in a folder, for a command that is told of none.
pub(crate) fn repositories_of(name: &str) -> Result<Vec<RepoSlug>, Failure> {
    let Some(dir) = name.strip_prefix("local:").filter(|dir| Path::new(dir).is_dir()) else { return Ok(Vec::new()) };
    Ok(LocalForge::open(dir, Arc::new(|| OsSystem::new().now()))?.repositories()?)
}

/// Returns what this machine has to give.
pub(crate) async fn machine() -> Machine {
    let git = Git::new("/nowhere").version().await;
    let git = git.map_err(|error| Unseen::because(format!("{error}.")));
    let sandbox = cfg!(unix).then(crate::workspace::sandbox::probe);
    Machine { git, git_minimum: Git::MINIMUM, certificates: has_root_certificates(), sandbox }
}

/// Names the repository that a forge in a folder keeps for its own state.
fn own_state() -> Result<RepoSlug, Failure> {
    STATE_SLUG.parse().map_err(|e: crate::model::NameError| Failure::internal(e.to_string()))
}

fn workspace(
    env: &BTreeMap<String, String>,
    locate: impl Fn(&RepoSlug) -> String + Send + Sync + 'static,
) -> GitWorkspace {
    let scratch = scratch_folder(env);
    let sandbox = Sandbox::new(SandboxExec::this_program(), Host::from_env());
    GitWorkspace::new(locate, scratch.join("cache"), scratch.join("run"), sandbox)
}

/// What a command adds to its session before the engine can work.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    pub(crate) forge: &'a dyn Forge,
    /// The folder that stands in for an operator's repository, where there is none.
    pub(crate) state_forge: Option<&'a dyn Forge>,
    pub(crate) progress: &'a dyn Progress,
    pub(crate) recorder: &'a dyn Recorder,
    pub(crate) veil: &'a Veil,
}

impl Session {
    /// Puts together everything that the engine works with.
    pub(crate) fn context<'a>(&'a self, around: Around<'a>) -> Context<'a> {
        let Around { forge, state_forge, progress, recorder, veil } = around;
        Context {
            forge,
            state_forge: state_forge.unwrap_or(forge),
            workspace: &self.workspace,
            system: &self.system,
            config: &self.loaded.config,
            operator: &self.operator,
            run: &self.run,
            library_digest: &self.library_digest,
            owner_is_gone: &owner_is_gone,
            progress,
            redactor: &self.redactor,
            recorder,
            veil,
        }
    }

    /// Returns the forge as the port.
    pub(crate) fn forge(&self) -> &dyn Forge {
        self.forge.as_ref()
    }

    /// Leaves this process one part of the forge's limits, because so many run side by side.
    pub(crate) fn divide(&self, parts: u32) {
        divide(self.governor.as_deref(), parts);
    }

    /// Returns the port to how things are set up.
    pub(crate) fn settings(&self) -> &dyn Settings {
        self.settings.as_ref()
    }

    /// Returns the folder that stands in for an operator's repository, where there is none.
    pub(crate) fn state_folder(&self) -> Option<&dyn Forge> {
        self.state_folder.as_ref().map(|folder| folder as &dyn Forge)
    }

    /// Says why nothing was written, where one word on the command line would have changed that.
    pub(crate) fn say_held_back(&self) {
        if self.held_back {
            say("Nothing was written; add --write.");
        }
    }

    /// Refuses a repository that the configuration does not have: a misspelt name must not look like nothing to do.
    pub(crate) fn knows(&self, only: Option<&RepoSlug>) -> Result<(), Failure> {
        let Some(slug) = only else { return Ok(()) };
        let slugs: Vec<String> = self.loaded.config.repositories.iter().map(|policy| policy.slug.to_string()).collect();
        if slugs.contains(&slug.to_string()) {
            return Ok(());
        }
        let shown = slugs.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
        let more = if slugs.len() > 5 { format!(" and {} more", slugs.len() - 5) } else { String::new() };
        Err(Failure::config(format!(
            "--repo {slug} is not in the configuration, which has {shown}{more}; add it there, or name one of those."
        )))
    }
}

/// The folder of a configuration file, with what it names.
#[derive(Debug)]
pub(crate) struct FolderOf(PathBuf);

impl FolderOf {
    pub(crate) fn file(path: &Path) -> Self {
        Self(path.parent().unwrap_or(Path::new(".")).to_owned())
    }
}

impl config::Beside for FolderOf {
    fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        read_capped(&self.0.join(name), config::MAX_TEMPLATE as u64).map_err(|failure| failure.message)
    }
}

/// Reads a configuration file.
pub(crate) fn load(path: &Path, env: &BTreeMap<String, String>, flags: Flags) -> Result<Loaded, Failure> {
    if !path.exists() {
        return Err(Failure::config(format!(
            "There is no configuration {}; name one with --config, or write a first one with `homeostat init`.",
            path.display()
        )));
    }
    let text = read_capped(path, 1 << 20)?;
    let beside = FolderOf::file(path);
    let input = LoadInput { file_name: &path.display().to_string(), text: &text, env, flags: &flags, beside: &beside };
    Ok(config::load(&input)?)
}

/// Reads a file of at most so many bytes.
pub(crate) fn read_capped(path: &Path, cap: u64) -> Result<Vec<u8>, Failure> {
    use std::io::Read as _;
    let cannot = |e: std::io::Error| Failure::config(format!("{} cannot be read: {e}.", path.display()));
    let file = std::fs::File::open(path).map_err(cannot)?;
    let mut bytes = Vec::new();
    file.take(cap + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > cap {
        return Err(Failure::config(format!(
            "{} is larger than {} KiB, which is too much to read.",
            path.display(),
            cap >> 10
        )));
    }
    Ok(bytes)
}

/// Reads a file, or standard input for `-`, as text; what is not UTF-8 is replaced.
pub(crate) fn read_input(name: &str, cap: u64) -> Result<String, Failure> {
    read_bytes(name, cap).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// Reads a file, or standard input for `-`.
pub(crate) fn read_bytes(name: &str, cap: u64) -> Result<Vec<u8>, Failure> {
    use std::io::Read as _;
    if name != "-" {
        return read_capped(Path::new(name), cap);
    }
    let mut bytes = Vec::new();
    std::io::stdin()
        .take(cap + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| Failure::config(format!("Standard input cannot be read: {e}.")))?;
    if bytes.len() as u64 > cap {
        return Err(Failure::config(format!(
            "Standard input is larger than {} KiB, which is too much to read.",
            cap >> 10
        )));
    }
    Ok(bytes)
}

/// Puts the library together: built in, then folders named by the configuration, then the operator's own.
fn library(loaded: &Loaded, folder: &Path) -> Result<(Library, String), Failure> {
    let patterns = &loaded.config.patterns;
    let mut library = if patterns.builtin { Library::builtin().clone() } else { Library::default() };
    let mut digest = vec![if patterns.builtin { env!("CARGO_PKG_VERSION").to_owned() } else { String::new() }];
    let mut folders: Vec<PathBuf> = patterns.libraries.iter().map(|name| folder.join(name)).collect();
    folders.push(folder.join("patterns"));
    for folder in folders {
        let files = pattern_files(&folder)?;
        if files.is_empty() {
            continue;
        }
        digest.extend(files.iter().map(|(_, text)| sha256_hex(text.as_bytes())));
        library = library.merged(&read_library(&files)?);
    }
    Ok((library, sha256_hex(digest.join("\n").as_bytes())))
}

/// Reads a library from files, with all problems at once.
pub(crate) fn read_library(files: &[(String, String)]) -> Result<Library, Failure> {
    Library::from_files(files).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Failure::config(lines.join("\n"))
    })
}

/// Reads every `.yml` file below a folder, sorted; a folder that is not there has none.
pub(crate) fn pattern_files(folder: &Path) -> Result<Vec<(String, String)>, Failure> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&next) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yml") {
                let text = String::from_utf8_lossy(&read_capped(&path, 1 << 20)?).into_owned();
                files.push((path.display().to_string(), text));
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Returns where clones and copies go: the runner's own folder, else the machine's temporary one, per user.
pub(crate) fn scratch_folder(env: &BTreeMap<String, String>) -> PathBuf {
    if let Some(folder) = env.get("HOMEOSTAT_STATE_DIR") {
        return PathBuf::from(folder).join("work");
    }
    let user = env.get("USER").or_else(|| env.get("USERNAME")).map_or("user", String::as_str);
    let user: String = user.chars().filter(char::is_ascii_alphanumeric).collect();
    env.get("RUNNER_TEMP").map_or_else(std::env::temp_dir, PathBuf::from).join(format!("homeostat-{user}"))
}

/// Returns where state of a person's own lies: `HOMEOSTAT_STATE_DIR`, else the platform's place for it.
fn state_folder(env: &BTreeMap<String, String>) -> PathBuf {
    let set = |name: &str| env.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let own = || {
        let home = set("HOME").or_else(|| set("USERPROFILE")).unwrap_or_default();
        let below = if cfg!(target_os = "macos") {
            home.join("Library/Application Support")
        } else if cfg!(windows) {
            set("LOCALAPPDATA").unwrap_or(home)
        } else {
            set("XDG_STATE_HOME").unwrap_or_else(|| home.join(".local/state"))
        };
        below.join("homeostat")
    };
    set("HOMEOSTAT_STATE_DIR").unwrap_or_else(own)
}

/// Collects values that must never leave.
pub(crate) fn secrets(env: &BTreeMap<String, String>) -> Vec<Secret> {
    // A path is no secret, though the name of its variable looks like one's.
    let values = env.iter().filter(|(name, _)| !name.ends_with("_FILE"));
    let named = values.filter(|(name, _)| SECRET_NAMES.iter().any(|part| name.contains(part)));
    let named = named.map(|(_, value)| value.as_str());
    let of_proxies = PROXY_NAMES.iter().filter_map(|name| password(env.get(*name)?));
    let of_collectors = asked::secrets(&|name| env.get(name).cloned());
    let named = named.chain(of_collectors.iter().map(String::as_str));
    let held = named.chain(of_proxies).filter(|value| value.len() >= 6).map(Secret::new);
    held.chain(hub::secrets_by_file(env)).collect()
}

/// Returns the password in an address.
fn password(address: &str) -> Option<&str> {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    Some(rest.rsplit_once('@')?.0.split_once(':')?.1)
}

fn run_info(
    loaded: &Loaded,
    privilege: Privilege,
    dry_run: bool,
    env: &BTreeMap<String, String>,
    system: OsSystem,
) -> RunInfo {
    let get = |name: &str| env.get(name).cloned().unwrap_or_default();
    let process = std::process::id();
    let parts = [
        get("GITHUB_RUN_ID"),
        get("GITHUB_RUN_ATTEMPT"),
        get("GITHUB_JOB"),
        get("HOMEOSTAT_SHARD"),
        process.to_string(),
    ];
    let now = system.now();
    let unique = sha256_hex(format!("{}\n{}", parts.join("\n"), now.as_millis()).as_bytes());
    let url = match (env.get("GITHUB_SERVER_URL"), env.get("GITHUB_REPOSITORY"), env.get("GITHUB_RUN_ID")) {
        (Some(server), Some(repository), Some(run)) => Some(format!("{server}/{repository}/actions/runs/{run}")),
        _ => None,
    };
    RunInfo {
        id: format!("{}-{}", now.compact(), &unique[..8]),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        url,
        environment: loaded.environment.clone(),
        dry_run: dry_run || loaded.hold,
        owner: owner(privilege, process),
    }
}

/// Names this process so that another run on this machine can tell when it is gone. What `reserve` leases outlives it: the
/// jobs after it work on that, so its end says nothing.
fn owner(privilege: Privilege, process: u32) -> String {
    match privilege {
        Privilege::All => format!("{process}:{}@{}", started(process).unwrap_or_default(), boot()),
        _ => String::new(),
    }
}

/// Says whether a lease's owner is a process of this machine that is gone; of other machines nobody can tell.
fn owner_is_gone(owner: &str) -> bool {
    let Some((process, machine_of_owner)) = owner.split_once('@') else { return false };
    let Some((process, start)) = process.split_once(':') else { return false };
    let Ok(process) = process.parse::<u32>() else { return false };
    let here = boot();
    !here.is_empty() && here == machine_of_owner && !start.is_empty() && started(process).as_deref() != Some(start)
}

/// Returns when a process started, as the kernel counts it; nothing where there is no such process or no `/proc`.
fn started(process: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The program's name may hold anything; fields count from the last parenthesis.
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(19).map(str::to_owned)
}

/// Names this boot of this machine and the processes that can be seen here: containers share the one, not the other.
fn boot() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    let seen = std::fs::read_link("/proc/self/ns/pid");
    match (boot, seen) {
        (Ok(boot), Ok(seen)) => format!("{} {}", boot.trim(), seen.display()),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn only_a_process_of_this_machine_that_ended_is_gone() {
        let own = owner(Privilege::All, std::process::id());
        assert!(!owner_is_gone(&own), "{own} is running");
        let (_, place) = own.split_once('@').expect("a place");
        assert!(owner_is_gone(&format!("{}:1@{place}", std::process::id())), "the number was given to another process");
        assert!(place.contains("pid:["), "{place}: containers of one machine do not see each other's processes");
        assert!(!owner_is_gone(&format!("1:1@{place} of another container")));
    }

    #[test]
    fn the_redactor_knows_keys_that_come_by_file_and_leaves_their_paths_alone() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "plain-words-as-a-token\n").expect("a file");
        let path = file.path().display().to_string();
        let env = BTreeMap::from([("GITHUB_TOKEN_FILE".to_owned(), path.clone())]);
        let text = Redactor::new(&secrets(&env)).redact(&format!("{path}: plain-words-as-a-token")).into_string();
        assert!(text.contains(&path) && !text.contains("plain-words"), "{text}");
    }

    #[test]
    fn a_shard_takes_its_part_of_the_forges_limits_alone() {
        let env = BTreeMap::from([("GITHUB_TOKEN".to_owned(), "ghp_x".to_owned())]);
        let loaded = Loaded::built_in(&["o/own".parse().expect("a slug")], &env, Flags::default()).expect("valid");
        let opened = open_github(Privilege::Propose, &loaded, &env).expect("a token is there");
        let governor = opened.governor.expect("GitHub has limits");
        assert_eq!(governor.parts(), 1);
        divide(Some(&governor), 3);
        assert_eq!(governor.parts(), 3);
        divide(None, 3);
    }

    #[test]
    fn the_end_of_reserve_frees_nothing_that_the_jobs_after_it_work_on() {
        assert!(!owner_is_gone(&owner(Privilege::Reserve, std::process::id())));
        assert!(!owner_is_gone(&owner(Privilege::Reserve, u32::MAX)));
        assert_eq!(owner(Privilege::Reserve, 1), "", "nobody can be found gone by it");
    }
}
