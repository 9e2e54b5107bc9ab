//! Runs one command of a repository shut in as far as this machine can, and says how far that was. Layer 3.
//!
//! Three processes of the same binary: the program; a supervisor that owns the whole tree of processes, watches its
//! limits and lets none survive; and one that takes rights from itself and becomes the command. The levels are those
//! of REFERENCE.md: `none` is limits and environment, `landlock` files and network, `isolated` both of these inside
//! namespaces of its own, with two processes more between supervisor and command (`namespaces`, `init`). It never weakens a
//! sandbox silently: what could not be had is in the report, in words, and a level that was required is had or refused.
//!
//! `isolated` is used where it is required and the command has no network. It hides what is not bound into its view
//! (`view`): processes, sockets of the machine, homes. The services that a command may reach are not in its network, so
//! a job with services is refused.
//!
//! What `landlock` leaves open, because the kernel cannot close it or honest suites would break: sockets of the
//! file system, reading `/proc` and `/sys`, and filling the disk of the scratch folder. `/tmp` and `/dev/shm` are closed,
//! since what one run left there the next could read (V-109). Somebody who may kill the supervisor from outside frees
//! what the command started in the background; the command itself dies with it.

#![expect(
    clippy::disallowed_methods,
    reason = "the sandbox starts the commands, measures their time and names their environment"
)]

#[cfg(target_os = "linux")]
mod calls;
#[cfg_attr(not(unix), expect(dead_code, reason = "nothing is started where nothing can be shut in"))]
mod environment;
#[cfg(target_os = "linux")]
mod files;
#[cfg(unix)]
mod inherited;
#[cfg(target_os = "linux")]
mod init;
#[cfg(unix)]
mod inner;
mod level;
#[cfg(target_os = "linux")]
mod loopback;
#[cfg(target_os = "linux")]
mod namespaces;
#[cfg(unix)]
mod output;
#[cfg(unix)]
mod parent;
#[cfg(unix)]
mod processes;
#[cfg(target_os = "linux")]
mod root;
#[cfg(unix)]
mod supervisor;
#[cfg(target_os = "linux")]
mod view;
#[cfg(unix)]
mod wire;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

pub use environment::Host;
pub use level::probe;

use crate::workspace::{CommandSpec, Execution, WorkspaceError};

/// The hidden subcommand under which the binary is its own supervisor.
const SUBCOMMAND: &str = "sandbox-exec";

/// Behind it: the process that becomes the command.
#[cfg(unix)]
const INNER: &str = "--inner";

/// Behind it: the process that enters namespaces, and the first one inside them.
#[cfg(unix)]
const OUTER: &str = "--outer";
#[cfg(target_os = "linux")]
const INIT: &str = "--init";

/// Which program to start as supervisor: a binary whose `main` asks [`entry`] first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxExec {
    program: PathBuf,
    prefix_args: Vec<OsString>,
}

impl SandboxExec {
    /// Names this very program.
    pub fn this_program() -> Self {
        Self::new(this_program())
    }

    /// Names another program, as tests do.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), prefix_args: vec![SUBCOMMAND.into()] }
    }

    /// Puts arguments before the subcommand, for a program that is started through another.
    #[must_use]
    pub fn with_prefix(mut self, args: impl IntoIterator<Item = OsString>) -> Self {
        let mut all: Vec<OsString> = args.into_iter().collect();
        all.append(&mut self.prefix_args);
        self.prefix_args = all;
        self
    }
}

/// Returns this program's file, even when it was replaced on disk meanwhile.
fn this_program() -> PathBuf {
    if cfg!(target_os = "linux") {
        return PathBuf::from("/proc/self/exe");
    }
    std::env::current_exe().unwrap_or_else(|_| PathBuf::from("homeostat"))
}

/// Does the work of the hidden subcommand; `None` when the command line asks for something else.
///
/// Must be the first thing in `main`, before any runtime or thread.
pub fn entry() -> Option<ExitCode> {
    let mut args = std::env::args_os().skip(1);
    if args.next()? != SUBCOMMAND {
        return None;
    }
    #[cfg(unix)]
    return Some(match args.next() {
        None => supervisor::main(),
        Some(role) if role == INNER => inner::main(),
        #[cfg(target_os = "linux")]
        Some(role) if role == OUTER => namespaces::main(),
        #[cfg(target_os = "linux")]
        Some(role) if role == INIT => init::main(),
        Some(_) => ExitCode::from(2),
    });
    #[cfg(not(unix))]
    return Some(ExitCode::from(2));
}

/// The three folders of one run; everything else of the machine is at most read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The files of the repository.
    pub tree: PathBuf,
    /// The private home.
    pub home: PathBuf,
    /// The private folder for temporary files.
    pub tmp: PathBuf,
}

/// Ends a run early from elsewhere; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Lifeline(Arc<Mutex<Line>>);

#[derive(Debug, Default)]
struct Line {
    cut: bool,
    #[cfg(unix)]
    end: Option<std::process::ChildStdin>,
}

impl Lifeline {
    /// Makes one for one run.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the run and everything that it started; a run that has not begun will not.
    pub fn cut(&self) {
        let mut line = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        line.cut = true;
        #[cfg(unix)]
        drop(line.end.take());
    }
}

/// Runs commands shut in.
#[derive(Debug, Clone)]
pub struct Sandbox {
    #[cfg_attr(not(unix), expect(dead_code, reason = "nothing is started where nothing can be shut in"))]
    exec: SandboxExec,
    #[cfg_attr(not(unix), expect(dead_code, reason = "nothing is started where nothing can be shut in"))]
    host: Host,
    /// Whether level `isolated` can be had, or why not; tried once.
    isolation: Arc<OnceLock<Result<(), String>>>,
}

impl Sandbox {
    /// Makes one from the program to start and what a command may know of this machine.
    pub fn new(exec: SandboxExec, host: Host) -> Self {
        Self { exec, host, isolation: Arc::default() }
    }

    /// Runs a command to its end; blocks the thread.
    ///
    /// # Errors
    /// [`WorkspaceError::SandboxTooWeak`] when the level asked for cannot be had, [`WorkspaceError::Machine`] when the
    /// run says nothing about the command.
    pub fn run(&self, place: &Place, spec: &CommandSpec, lifeline: &Lifeline) -> Result<Execution, WorkspaceError> {
        self.check(spec.require)?;
        #[cfg(unix)]
        return parent::run(self, place, spec, lifeline);
        #[cfg(not(unix))]
        {
            let _unused = (place, lifeline);
            Err(WorkspaceError::SandboxTooWeak(
                "unsupported-platform: commands of a repository are run on Linux and macOS only.".to_owned(),
            ))
        }
    }
}
