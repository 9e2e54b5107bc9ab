//! What the three processes of a run tell each other: program, supervisor, command. Layer 3.
//!
//! A job goes down as one line of JSON, so that no variable of a job is ever in the environment of our own processes;
//! an outcome comes back as one line of JSON with the raw output behind it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::model::Resources;
use crate::workspace::Exit;

/// Which TCP the command may use, as far as the kernel can say it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Tcp {
    /// Neither listen nor connect.
    Closed,
    /// Connect to these ports (of any host, the kernel knows no more), listen on none.
    Ports(Vec<u16>),
    /// Not restricted.
    Open,
}

/// A command with everything it may use.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) command: String,
    pub(super) folder: PathBuf,
    /// The whole environment of the command.
    pub(super) env: BTreeMap<String, String>,
    pub(super) timeout_ms: u64,
    pub(super) memory: u64,
    pub(super) processes: u64,
    pub(super) output: u64,
    pub(super) tcp: Tcp,
    /// Whether the command must not start without Landlock.
    pub(super) require_landlock: bool,
    /// Files and folders that may be read and executed.
    pub(super) readable: Vec<PathBuf>,
    /// Folders that may be written.
    pub(super) writable: Vec<PathBuf>,
}

/// What holds around the command, told by the process that will become it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Held {
    /// Files are restricted by Landlock.
    pub(super) landlock: bool,
    /// TCP is restricted as asked.
    pub(super) tcp: bool,
    /// Sockets without connection are refused.
    pub(super) datagrams: bool,
    pub(super) weaknesses: Vec<String>,
}

/// The last words of that process before it becomes the command.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Word {
    Held(Held),
    TooWeak(String),
    Failed(String),
}

/// How a command ended, as text on the wire.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum WireExit {
    Code(i32),
    Signal(i32),
    Timeout,
    Memory,
    Processes,
    Output,
}

impl From<WireExit> for Exit {
    fn from(exit: WireExit) -> Self {
        match exit {
            WireExit::Code(code) => Self::Code(code),
            WireExit::Signal(signal) => Self::Signal(signal),
            WireExit::Timeout => Self::Timeout,
            WireExit::Memory => Self::Memory,
            WireExit::Processes => Self::Processes,
            WireExit::Output => Self::Output,
        }
    }
}

/// What the supervisor saw; the output follows the line.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Outcome {
    Ran { exit: WireExit, resources: Resources, truncated: bool, held: Held },
    TooWeak(String),
    Failed(String),
}
