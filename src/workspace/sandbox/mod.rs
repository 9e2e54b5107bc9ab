//! Runs one command of a repository shut in as far as this machine can, and says how far that was. Layer 3.
//!
//! Three processes of the same binary: the program; a supervisor that owns the whole tree of processes, watches its
//! limits and lets none survive; and one that takes rights from itself and becomes the command. The levels are those
//! of REFERENCE.md: `none` is limits and environment, `landlock` files and network; `isolated` is not had yet and asking
//! for it is refused. It never weakens a sandbox silently: what could not be had is in the report, in words.
//!
//! What even `landlock` leaves open, because the kernel cannot close it or honest suites would break: sockets of the
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
#[cfg(unix)]
mod inner;
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
#[cfg(unix)]
mod wire;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

pub use environment::Host;

use crate::model::{SandboxLevel, SandboxRequirement};
use crate::workspace::{CommandSpec, Execution, WorkspaceError};

/// The hidden subcommand under which the binary is its own supervisor.
const SUBCOMMAND: &str = "sandbox-exec";

/// Behind it: the process that becomes the command.
#[cfg(unix)]
const INNER: &str = "--inner";

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
        Some(_) => ExitCode::from(2),
    });
    #[cfg(not(unix))]
    return Some(ExitCode::from(2));
}

/// Returns the best level that this machine can give, without putting anything on.
pub fn probe() -> SandboxLevel {
    #[cfg(target_os = "linux")]
    if files::generation() > 0 {
        return SandboxLevel::Landlock;
    }
    SandboxLevel::None
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
}

impl Sandbox {
    /// Makes one from the program to start and what a command may know of this machine.
    pub fn new(exec: SandboxExec, host: Host) -> Self {
        Self { exec, host }
    }

    /// Runs a command to its end; blocks the thread.
    ///
    /// # Errors
    /// [`WorkspaceError::SandboxTooWeak`] when the level asked for cannot be had, [`WorkspaceError::Machine`] when the
    /// run says nothing about the command.
    pub fn run(&self, place: &Place, spec: &CommandSpec, lifeline: &Lifeline) -> Result<Execution, WorkspaceError> {
        check(spec.require)?;
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

/// Refuses what cannot be had before anything is started.
///
/// # Errors
/// [`WorkspaceError::SandboxTooWeak`], with what to do.
pub fn check(require: SandboxRequirement) -> Result<(), WorkspaceError> {
    let refuse = |text: &str| Err(WorkspaceError::SandboxTooWeak(format!("sandbox-too-weak: {text}")));
    match require {
        SandboxRequirement::Any => Ok(()),
        SandboxRequirement::Landlock if probe() >= SandboxLevel::Landlock => Ok(()),
        SandboxRequirement::Landlock => refuse(
            "`sandbox.require` is `landlock` and this kernel has none; run on Linux 5.13 or later, or require `any`.",
        ),
        SandboxRequirement::Isolated => {
            refuse("`sandbox.require` is `isolated`, which this version cannot give; require `landlock` or `any`.")
        }
    }
}
