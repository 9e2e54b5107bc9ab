//! The process that shuts itself in and then becomes the command. Layer 3.
//!
//! It has one thread, speaks once on its standard error about what holds, and starts nothing but `/bin/sh`. Everything
//! that it puts on is inherited by all that the command starts and cannot be taken off.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};

use rustix::process::{Resource, Rlimit, Signal};

use super::wire::{Held, Job, Word, tell};

/// The largest file that a command may write: room for any honest build, not for a full disk.
const FILE_SIZE: u64 = 8 << 30;

/// Open files of one process; the hard limit of the session bounds it further.
const OPEN_FILES: u64 = 65_536;

/// Reads the job, puts on every restriction, executes the command; returns only on failure.
pub(super) fn main() -> ExitCode {
    let word = match become_command() {
        Ok(never) => match never {},
        Err(word) => word,
    };
    tell(&word);
    ExitCode::from(70)
}

fn become_command() -> Result<std::convert::Infallible, Word> {
    let mut text = String::new();
    io::stdin().lock().read_to_string(&mut text).map_err(|e| Word::Failed(format!("no job came: {e}")))?;
    let job: Job = serde_json::from_str(&text).map_err(|e| Word::Failed(format!("the job is not one: {e}")))?;
    let mut held = Held::default();
    detach(&mut held)?;
    limit(&job, &mut held);
    restrict(&job, &mut held)?;
    let start = super::inherited::start();
    if !start.clean {
        held.weaknesses.push("An open file of whoever started the program reaches the command.".to_owned());
    }
    if job.require_landlock && !held.landlock {
        return Err(Word::TooWeak(
            "sandbox-too-weak: the configuration requires Landlock and this kernel does not enforce it".to_owned(),
        ));
    }
    if job.isolated && !(held.landlock && held.calls && start.clean) {
        return Err(Word::too_weak(&held.weaknesses.join(" ")));
    }
    std::env::set_current_dir(&job.folder)
        .map_err(|e| Word::Failed(format!("{} cannot be entered: {e}", job.folder.display())))?;
    let output = io::stdout()
        .as_fd()
        .try_clone_to_owned()
        .map_err(|e| Word::Failed(format!("standard output is missing: {e}")))?;
    let word = serde_json::to_string(&Word::Held(held)).map_err(|e| Word::Failed(e.to_string()))?;
    writeln!(io::stderr(), "{word}").map_err(|e| Word::Failed(e.to_string()))?;
    let error = Command::new(start.shell)
        .arg("-c")
        .args(start.script)
        .arg(&job.command)
        .env_clear()
        .envs(&job.env)
        .stdin(Stdio::null())
        .stderr(output)
        .exec();
    Err(Word::Failed(format!("{} could not be started: {error}", start.shell)))
}

/// Leaves the terminal and session of the program, and dies with the supervisor.
fn detach(held: &mut Held) -> Result<(), Word> {
    rustix::process::setsid().map_err(|e| Word::Failed(format!("no session of its own: {e}")))?;
    // Behind our own processes, so that a tree that eats the processor can still be watched and ended.
    if rustix::process::nice(5).is_err() {
        held.weaknesses.push("The priority could not be lowered.".to_owned());
    }
    #[cfg(target_os = "linux")]
    {
        let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
        // When memory runs out the kernel takes the command, not the program.
        drop(std::fs::write("/proc/self/oom_score_adj", "1000"));
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _unused = Signal::KILL;
        held.weaknesses.push("Only the command's own process group is watched and ended on this system.".to_owned());
    }
    Ok(())
}

fn limit(job: &Job, held: &mut Held) {
    let mut set = |resource, value: u64, what: &str| {
        let hard = rustix::process::getrlimit(resource).maximum.map_or(value, |hard| hard.min(value));
        if rustix::process::setrlimit(resource, Rlimit { current: Some(hard), maximum: Some(hard) }).is_err() {
            held.weaknesses.push(format!("The limit of {what} could not be set."));
        }
    };
    set(Resource::Core, 0, "core dumps");
    set(Resource::Fsize, FILE_SIZE, "file size");
    set(Resource::Nofile, OPEN_FILES, "open files");
    set(Resource::Data, job.memory, "memory");
    // The kernel counts all threads of the user, wherever they run, and nothing for root: a backstop for the monitor.
    #[cfg(target_os = "linux")]
    if !rustix::process::getuid().is_root() {
        let others = super::processes::tasks_of_machine().unwrap_or(0);
        set(Resource::Nproc, others.saturating_add(job.processes.saturating_mul(4)), "processes");
    }
}

#[cfg(target_os = "linux")]
fn restrict(job: &Job, held: &mut Held) -> Result<(), Word> {
    if rustix::process::getuid().is_root() {
        held.weaknesses.push(
            "The command runs as root, without the rights over the machine; no other user could reach every program."
                .to_owned(),
        );
        super::root::drop_rights(held);
    }
    super::files::restrict(job, held).map_err(Word::Failed)?;
    super::calls::restrict(job, held);
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn restrict(_job: &Job, held: &mut Held) -> Result<(), Word> {
    held.weaknesses.push("Files and network cannot be restricted on this system.".to_owned());
    Ok(())
}
