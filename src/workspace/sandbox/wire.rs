//! What the three processes of a run tell each other: program, supervisor, command. Layer 3.
//!
//! A job goes down as one line of JSON, so that no variable of a job is ever in the environment of our own processes;
//! an outcome comes back as one line of JSON with the raw output behind it.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
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
    /// Whether it runs in namespaces of its own, or not at all.
    pub(super) isolated: bool,
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
    /// System calls are filtered.
    pub(super) calls: bool,
    /// Namespaces of its own, with files and processes of its own and a network of its own.
    pub(super) isolated: bool,
    pub(super) weaknesses: Vec<String>,
}

/// What the processes around a command say on their standard error.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Word {
    /// The last word of the process that becomes the command.
    Held(Held),
    /// At level `isolated`, from above that process: it became the command.
    Started(Held),
    /// At level `isolated`: how the command ended.
    Ended(WireExit),
    TooWeak(String),
    Failed(String),
}

impl Word {
    /// Refuses to go on without what level `isolated` promises.
    pub(super) fn too_weak(what: &str) -> Self {
        Self::TooWeak(format!("sandbox-too-weak: level `isolated` does not hold: {what}"))
    }
}

/// Says one word on standard error; nobody is left to be told of a failure.
pub(super) fn tell(word: &Word) {
    if let Ok(text) = serde_json::to_string(word) {
        drop(writeln!(io::stderr(), "{text}"));
    }
}

/// Hears words until the command has started: until a word says so, or until all who could speak are gone.
///
/// # Errors
/// When nothing, or no word, was said.
pub(super) fn hear(report: &mut impl BufRead) -> Result<Word, String> {
    let mut last = None;
    for line in report.lines() {
        let line = line.map_err(|e| format!("the sandbox was not heard: {e}"))?;
        match serde_json::from_str(&line) {
            Ok(word @ Word::Started(_)) => return Ok(word),
            Ok(word) => last = Some(word),
            Err(_) => return Err(format!("the sandbox failed: {line}")),
        }
    }
    last.ok_or_else(|| "the sandbox ended without a word".to_owned())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_counts_unless_one_says_that_the_command_has_started() {
        let heard = |text: &str| format!("{:?}", hear(&mut text.as_bytes()));
        assert!(heard("{\"too-weak\":\"a\"}\n{\"failed\":\"b\"}\n").contains("Failed"));
        let mut both = "{\"ended\":{\"code\":3}}\n".as_bytes();
        assert!(matches!(hear(&mut both), Ok(Word::Ended(WireExit::Code(3)))));
        assert!(heard("").contains("without a word") && heard("thread panicked\n").contains("panicked"));
    }
}
