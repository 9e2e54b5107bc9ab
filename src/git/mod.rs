//! The one runner of the git program: a closed environment, closed configuration, limits, and errors that say what was
//! attempted on what. Layer 3.
//!
//! Nothing of the user's or the system's configuration is read, no hook, file monitor, credential helper, external diff
//! or prompt can run, and no transport is open but the one that the caller names (V-61, V-66 to V-73). A repository is
//! always named by its git folder: none is ever discovered. It refuses to interpret output; that is the caller's.

pub mod askpass;
mod batch;
mod runner;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use batch::{CatFile, GitObject};

/// How the program is named; found on `PATH`.
const PROGRAM: &str = "git";

/// A file that is always empty, to stand in for every configuration file.
const NOWHERE: &str = if cfg!(windows) { "NUL" } else { "/dev/null" };

/// Why git did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no git program on this machine.
    #[error("the git program was not found on PATH; install git 2.38 or later")]
    Missing,
    /// The program ran and refused.
    #[error("git {command} in {place} failed with {status}: {message}")]
    Failed {
        /// The subcommand with its arguments, shortened.
        command: String,
        /// The git folder.
        place: String,
        /// The exit status.
        status: String,
        /// The exit code, where it ended by itself.
        code: Option<i32>,
        /// What it wrote to standard error, shortened.
        message: String,
    },
    /// It ran for too long and was stopped.
    #[error("git {command} in {place} was stopped after {} s", limit.as_secs())]
    Timeout {
        /// The subcommand with its arguments, shortened.
        command: String,
        /// The git folder.
        place: String,
        /// The time limit.
        limit: Duration,
    },
    /// It wrote more than the caller can hold and was stopped.
    #[error("git {command} in {place} was stopped: its output is longer than {limit} bytes")]
    TooMuchOutput {
        /// The subcommand with its arguments, shortened.
        command: String,
        /// The git folder.
        place: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// The machine failed around it.
    #[error("git {command} in {place} could not be run: {source}")]
    Io {
        /// The subcommand with its arguments, shortened.
        command: String,
        /// The git folder.
        place: String,
        /// What failed.
        source: std::io::Error,
    },
    /// Its answer was not what this version of the protocol says.
    #[error("git {command} in {place} gave an unexpected answer: {message}")]
    Unexpected {
        /// The subcommand with its arguments, shortened.
        command: String,
        /// The git folder.
        place: String,
        /// What was wrong.
        message: String,
    },
}

impl GitError {
    /// Returns the exit code of a program that ran, ended by itself, and refused.
    pub fn code(&self) -> Option<i32> {
        match self {
            Self::Failed { code, .. } => *code,
            _ => None,
        }
    }
}

/// The one transport that a command may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Repositories of this machine.
    File,
    /// HTTPS.
    Https,
    /// Plain HTTP, for loopback only; the caller has checked the host.
    Http,
    /// SSH.
    Ssh,
}

impl Transport {
    /// Returns git's name of the protocol.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Https => "https",
            Self::Http => "http",
            Self::Ssh => "ssh",
        }
    }
}

/// Runs git on one repository; cheap to clone, holds nothing open.
#[derive(Debug, Clone)]
pub struct Git {
    dir: PathBuf,
    work_tree: Option<PathBuf>,
    transport: Option<Transport>,
    config: Vec<String>,
    env: Vec<(String, String)>,
    time_limit: Duration,
    output_limit: usize,
}

impl Git {
    /// The oldest version whose safeguards are all here: `safe.bareRepository` came with it (V-72, V-73).
    pub const MINIMUM: (u32, u32, u32) = (2, 38, 0);

    /// Names the repository by its git folder (for a bare one, the repository itself); it need not exist yet.
    pub fn new(dir: impl AsRef<Path>) -> Self {
        let dir = dir.as_ref();
        Self {
            // `absolute` asks only for the working folder; where there is none, git says so about the path as given.
            dir: std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned()),
            work_tree: None,
            transport: None,
            config: Vec::new(),
            env: Vec::new(),
            time_limit: Duration::from_mins(2),
            output_limit: 256 << 20,
        }
    }

    /// Returns the git folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Opens exactly one transport.
    #[must_use]
    pub fn allowing(mut self, transport: Transport) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Adds `-c name=value`, after the fixed ones, so that it wins.
    #[must_use]
    pub fn with_config(mut self, name: &str, value: &str) -> Self {
        self.config.push(format!("{name}={value}"));
        self
    }

    /// Sets a variable of git's environment (`GIT_INDEX_FILE`, `GIT_AUTHOR_DATE` …).
    #[must_use]
    pub fn with_env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// Runs in a work tree.
    #[must_use]
    pub fn with_work_tree(mut self, folder: impl AsRef<Path>) -> Self {
        self.work_tree = Some(std::path::absolute(folder.as_ref()).unwrap_or_else(|_| folder.as_ref().to_owned()));
        self
    }

    /// Sets how long one command may run; two minutes otherwise.
    #[must_use]
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// Sets how many bytes of output are held; 256 MiB otherwise.
    #[must_use]
    pub fn with_output_limit(mut self, limit: usize) -> Self {
        self.output_limit = limit;
        self
    }
}

#[cfg(test)]
mod tests;
