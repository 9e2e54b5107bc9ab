//! Starts git and brings its answer home within the limits. Layer 3.

#![expect(clippy::disallowed_methods, reason = "this adapter starts the git program, for which it needs PATH")]

use std::io;
use std::process::Stdio;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use super::{Git, GitError, NOWHERE, PROGRAM};

/// What of standard error is kept for a message.
const MESSAGE_LIMIT: usize = 2_000;

/// Configuration that holds in every command; a repository's own file cannot override the command line.
const FIXED: &[&str] = &[
    "safe.bareRepository=explicit",
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "core.pager=cat",
    "core.editor=true",
    "core.askPass=",
    "core.quotePath=false",
    "core.autocrlf=false",
    "core.sshCommand=ssh -oBatchMode=yes -oProxyCommand=none",
    "core.gitProxy=",
    "credential.helper=",
    "diff.external=",
    "diff.noprefix=false",
    "diff.mnemonicPrefix=false",
    "filter.lfs.required=false",
    "filter.lfs.smudge=",
    "filter.lfs.process=",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "http.followRedirects=initial",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=60",
    "commit.gpgSign=false",
    "tag.gpgSign=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "advice.detachedHead=false",
    "init.defaultBranch=main",
    "protocol.allow=never",
];

/// Variables of our own environment that git needs to start at all.
const PASSED: &[&str] = &["PATH", "SYSTEMROOT", "TMPDIR", "TEMP", "TMP"];

/// Variables by which it finds its way to a server over TLS, as this program does.
const PROXIES: &[&str] = &["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"];

impl Git {
    /// Runs a subcommand and returns its standard output.
    ///
    /// # Errors
    /// Every way not to end with exit code 0 inside the limits.
    pub async fn run(&self, args: &[&str]) -> Result<Vec<u8>, GitError> {
        self.run_with_input(args, b"").await
    }

    /// Runs a subcommand with bytes on its standard input and returns its standard output.
    ///
    /// # Errors
    /// Every way not to end with exit code 0 inside the limits.
    pub async fn run_with_input(&self, args: &[&str], input: &[u8]) -> Result<Vec<u8>, GitError> {
        let mut child = self.spawn(args)?;
        let mut family = Family::of(&child);
        let io_error = |source| GitError::Io { command: named(args), place: self.place(), source };
        let pipes = || io_error(io::Error::other("a pipe is missing"));
        let mut stdin = child.stdin.take().ok_or_else(pipes)?;
        let stdout = child.stdout.take().ok_or_else(pipes)?;
        let stderr = child.stderr.take().ok_or_else(pipes)?;
        let feed = async move {
            // A program that needs no more input closes its end: no error of ours.
            let outcome = stdin.write_all(input).await;
            drop(stdin);
            match outcome {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
                _ => Ok(()),
            }
        };
        let work = async {
            let (fed, out, err) =
                tokio::join!(feed, read_capped(stdout, self.output_limit), read_capped_lossy(stderr, MESSAGE_LIMIT));
            let Some(out) = out.map_err(io_error)? else {
                return Err(GitError::TooMuchOutput {
                    command: named(args),
                    place: self.place(),
                    limit: self.output_limit,
                });
            };
            let status = child.wait().await.map_err(io_error)?;
            family.ended();
            if !status.success() {
                return Err(GitError::Failed {
                    command: named(args),
                    place: self.place(),
                    status: status.to_string(),
                    code: status.code(),
                    message: err.map_err(io_error)?,
                });
            }
            fed.map_err(io_error)?;
            Ok(out)
        };
        match tokio::time::timeout(self.time_limit, work).await {
            Ok(outcome) => outcome,
            Err(_) => Err(GitError::Timeout { command: named(args), place: self.place(), limit: self.time_limit }),
        }
    }

    /// Runs a subcommand and returns its standard output as text without the last line end.
    ///
    /// # Errors
    /// As [`Git::run`], and when the output is not UTF-8.
    pub async fn run_text(&self, args: &[&str]) -> Result<String, GitError> {
        let bytes = self.run(args).await?;
        let text = String::from_utf8(bytes).map_err(|_| self.unexpected(args, "it is not UTF-8"))?;
        Ok(text.trim_end_matches(['\n', '\r']).to_owned())
    }

    /// Returns whether the object is there, whatever its kind.
    ///
    /// # Errors
    /// When git could not look, a missing repository included.
    pub async fn exists(&self, object: &str) -> Result<bool, GitError> {
        let out = self.run_with_input(&["cat-file", "--batch-check"], format!("{object}\n").as_bytes()).await?;
        let line = String::from_utf8_lossy(&out);
        Ok(!line.trim_end().ends_with(" missing") && !line.trim_end().ends_with(" ambiguous"))
    }

    /// Returns the program's version, `(2, 47, 3)`.
    ///
    /// # Errors
    /// When there is no git, or it answers with something else.
    pub async fn version(&self) -> Result<(u32, u32, u32), GitError> {
        let text = self.run_text(&["version"]).await?;
        let numbers = text.split(' ').nth(2).unwrap_or_default();
        let mut parts = numbers.split('.').map(|part| part.parse::<u32>().ok());
        match (parts.next().flatten(), parts.next().flatten()) {
            (Some(major), Some(minor)) => Ok((major, minor, parts.next().flatten().unwrap_or(0))),
            _ => Err(self.unexpected(&["version"], &text)),
        }
    }

    /// Starts git with all three pipes; it is killed when dropped.
    pub(super) fn spawn(&self, args: &[&str]) -> Result<Child, GitError> {
        self.command(args).spawn().map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => GitError::Missing,
            _ => GitError::Io { command: named(args), place: self.place(), source },
        })
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        for name in PASSED.iter().chain(PROXIES) {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
            .env("HOME", NOWHERE)
            .env("XDG_CONFIG_HOME", NOWHERE)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", NOWHERE)
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_LFS_SKIP_SMUDGE", "1")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_ALLOW_PROTOCOL", self.transport.map_or("", super::Transport::as_str))
            .env("LC_ALL", "C")
            .env("TZ", "UTC");
        for (name, value) in &self.env {
            command.env(name, value);
        }
        #[cfg(unix)]
        command.process_group(0);
        command.arg("--no-pager").arg("--literal-pathspecs");
        for setting in FIXED {
            command.arg("-c").arg(setting);
        }
        // The operator named this folder; who owns it on disk is not git's to judge.
        command.arg("-c").arg(format!("safe.directory={}", self.dir.display()));
        if let Some(transport) = self.transport {
            command.arg("-c").arg(format!("protocol.{}.allow=always", transport.as_str()));
        }
        for setting in &self.config {
            command.arg("-c").arg(setting);
        }
        let mut git_dir = std::ffi::OsString::from("--git-dir=");
        git_dir.push(&self.dir);
        command.arg(git_dir);
        if let Some(folder) = &self.work_tree {
            let mut work_tree = std::ffi::OsString::from("--work-tree=");
            work_tree.push(folder);
            command.arg(work_tree).current_dir(folder);
        }
        command.args(args);
        command
    }

    pub(super) fn place(&self) -> String {
        self.dir.display().to_string()
    }

    pub(super) fn unexpected(&self, args: &[&str], message: &str) -> GitError {
        GitError::Unexpected { command: named(args), place: self.place(), message: message.chars().take(200).collect() }
    }
}

/// Names a command in an error: short, and on one line.
pub(super) fn named(args: &[&str]) -> String {
    let mut text: String = args.join(" ").chars().take(200).collect();
    text.retain(|c| !c.is_control());
    text
}

/// The processes that git started, which die with it when it does not end by itself.
struct Family {
    #[cfg(unix)]
    leader: Option<rustix::process::Pid>,
}

impl Family {
    #[cfg(unix)]
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self { leader: id.and_then(rustix::process::Pid::from_raw) }
    }

    #[cfg(not(unix))]
    fn of(_: &Child) -> Self {
        Self {}
    }

    /// Notes that the leader is reaped, so that its number may belong to someone else.
    fn ended(&mut self) {
        #[cfg(unix)]
        {
            self.leader = None;
        }
    }
}

#[cfg(unix)]
impl Drop for Family {
    fn drop(&mut self) {
        if let Some(leader) = self.leader {
            let _gone_by_itself = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
        }
    }
}

/// Reads to the end, or returns nothing when there is more than the limit.
async fn read_capped(mut from: impl AsyncRead + Unpin, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut all = Vec::new();
    (&mut from).take(limit as u64 + 1).read_to_end(&mut all).await?;
    Ok((all.len() <= limit).then_some(all))
}

/// Reads to the end and keeps the first bytes as text.
async fn read_capped_lossy(mut from: impl AsyncRead + Unpin, limit: usize) -> io::Result<String> {
    let mut kept = Vec::new();
    let mut chunk = [0_u8; 4096];
    loop {
        let read = from.read(&mut chunk).await?;
        if read == 0 {
            break;
        }
        let room = limit.saturating_sub(kept.len()).min(read);
        kept.extend_from_slice(&chunk[..room]);
    }
    Ok(String::from_utf8_lossy(&kept).trim_end().to_owned())
}
