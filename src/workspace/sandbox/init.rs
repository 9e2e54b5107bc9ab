//! The first process of the namespaces: it furnishes them, starts the command in them and waits for all. Layer 3.
//!
//! Its end is the end of every process in them; the kernel sees to that. It runs no byte of the repository, cannot be
//! signalled or looked into from below, and hands none of its rights on.

use std::io::{self, BufReader, Read, Write};
use std::process::{Command, ExitCode, Stdio};

use rustix::process::{DumpableBehavior, Pid, Signal, WaitOptions};

use super::supervisor::exit_of;
use super::view::{self, View};
use super::wire::{Held, Job, WireExit, Word, hear, tell};
use super::{INNER, SUBCOMMAND, loopback, namespaces};

/// Reads the job, furnishes the namespaces, runs the command in them and reports its end.
pub(super) fn main() -> ExitCode {
    let (word, code) = match shepherd() {
        Ok(exit) => (Word::Ended(exit), ExitCode::SUCCESS),
        Err(word) => (word, ExitCode::from(70)),
    };
    tell(&word);
    code
}

fn shepherd() -> Result<WireExit, Word> {
    let mut text = String::new();
    io::stdin().lock().read_to_string(&mut text).map_err(|e| Word::Failed(format!("no job came: {e}")))?;
    let mut job: Job = serde_json::from_str(&text).map_err(|e| Word::Failed(format!("the job is not one: {e}")))?;
    furnish(&job).map_err(|e| Word::too_weak(&e))?;
    job.writable.extend(view::SCRATCH.iter().map(Into::into));
    let (command, held) = start(&job)?;
    tell(&Word::Started(held));
    wait_for(command)
}

/// Builds the view of files, brings up loopback and closes this process to what is started below it.
fn furnish(job: &Job) -> Result<(), String> {
    View::plan(job)?.build(job.memory / 4)?;
    loopback::bring_up().map_err(|e| format!("the private loopback stays down ({e})"))?;
    namespaces::keep_rights_here().map_err(|e| format!("rights over the namespaces cannot be kept back ({e})"))?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|e| format!("the first process cannot be closed to others ({e})"))?;
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|e| format!("the end of the supervisor would not be noticed ({e})"))
}

/// Starts the process that becomes the command and hears what holds around it.
fn start(job: &Job) -> Result<(Pid, Held), Word> {
    let failed = |e: io::Error| Word::Failed(format!("the command's process could not be started: {e}"));
    let line = serde_json::to_vec(job).map_err(|e| Word::Failed(format!("internal error: {e}")))?;
    let (report, writer) = io::pipe().map_err(failed)?;
    let mut child = Command::new(super::this_program())
        .args([SUBCOMMAND, INNER])
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stderr(writer)
        .spawn()
        .map_err(failed)?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| Word::Failed("internal error: a process without id".to_owned()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // Failure shows in the report.
        drop(stdin.write_all(&line));
    }
    match hear(&mut BufReader::new(report)).map_err(Word::Failed)? {
        Word::Held(held) => Ok((pid, Held { isolated: true, ..held })),
        other => Err(other),
    }
}

/// Waits for every process that ends, until it is the command.
fn wait_for(command: Pid) -> Result<WireExit, Word> {
    loop {
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == command => return Ok(exit_of(status)),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(Word::Failed(format!("the command could not be waited for: {e}"))),
        }
    }
}
