//! The process between the program and a command: it watches the whole tree below itself and lets nothing survive.
//! Layer 3.
//!
//! It adopts every orphan below it (child subreaper), so "no child is left to wait for" means "nothing is left at all"
//! (V-50). It ends the tree when its own standard input closes: when the program is gone or has lost interest. It never
//! runs a byte of the repository itself.

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, PipeReader, Read, Write};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus};

use super::output::Capture;
use super::processes::{self, Process};
use super::wire::{Held, Job, Outcome, WireExit, Word, hear};
use super::{INNER, OUTER, SUBCOMMAND};
use crate::model::Resources;

/// How often the tree is looked at; a look costs some milliseconds with hundreds of processes on the machine.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The longest time in which an end, a limit or a burst of forks goes unseen.
const TICK: Duration = Duration::from_millis(10);

/// The processes of ours between this one and the command at level `isolated`.
const OURS_AROUND: u64 = 2;

/// The longest report of the processes around a command.
const REPORT_LIMIT: u64 = 1 << 20;

/// How long ending a tree may take before the run is called failed.
const END_WITHIN: Duration = Duration::from_secs(20);

/// How long output may go on after nothing below us lives; only a process that was handed the pipe could do that.
const DRAIN_WITHIN: Duration = Duration::from_secs(2);

/// Reads a job, runs it, writes the outcome.
pub(super) fn main() -> ExitCode {
    let (outcome, output) = match supervise() {
        Ok(done) => done,
        Err(message) => (Outcome::Failed(message), Vec::new()),
    };
    let Ok(mut text) = serde_json::to_vec(&outcome) else { return ExitCode::from(70) };
    text.push(b'\n');
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(&text).and_then(|()| stdout.write_all(&output)).and_then(|()| stdout.flush());
    if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(70) }
}

fn supervise() -> Result<(Outcome, Vec<u8>), String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(|e| format!("the job could not be read: {e}"))?;
    let job: Job = serde_json::from_str(&line).map_err(|e| format!("the job is not one: {e}"))?;
    protect_self()?;
    let gone = watch_lifeline();

    let (output, output_writer) = io::pipe().map_err(|e| format!("no pipe: {e}"))?;
    let (report, report_writer) = io::pipe().map_err(|e| format!("no pipe: {e}"))?;
    let shell = start(&job, &line, output_writer, report_writer)?;
    let mut report = BufReader::new(report.take(REPORT_LIMIT));
    let held = match hear(&mut report) {
        Ok(Word::Held(held)) if !job.isolated => held,
        Ok(Word::Started(held)) if job.isolated => held,
        Ok(Word::TooWeak(message)) => return Ok((end_early(Outcome::TooWeak(message)), Vec::new())),
        Ok(Word::Failed(message)) | Err(message) => return Ok((end_early(Outcome::Failed(message)), Vec::new())),
        Ok(other) => return Err(format!("internal error: {other:?} from the sandbox")),
    };
    Ok(watch(&job, shell, held, output, report, &gone))
}

/// Makes orphans ours, and our memory and environment closed to everything below us.
fn protect_self() -> Result<(), String> {
    #[cfg(target_os = "linux")]
    {
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
            .map_err(|e| format!("orphans cannot be adopted: {e}"))?;
        rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
            .map_err(|e| format!("this process cannot be closed to others: {e}"))?;
    }
    Ok(())
}

/// Returns a flag that is set when the program closes its end.
fn watch_lifeline() -> Arc<AtomicBool> {
    let gone = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&gone);
    thread::spawn(move || {
        let mut byte = [0_u8; 64];
        while matches!(io::stdin().lock().read(&mut byte), Ok(n) if n > 0) {}
        flag.store(true, Ordering::Relaxed);
    });
    gone
}

/// Starts the process that restricts itself and becomes the command.
fn start(job: &Job, line: &str, output: io::PipeWriter, report: io::PipeWriter) -> Result<Pid, String> {
    let program = super::this_program();
    let failed = |e: io::Error| format!("{} could not be started: {e}", program.display());
    // An open folder that is gone would make even our own start fail with a message that names the wrong thing.
    if !job.folder.is_dir() {
        return Err(format!("the folder {} to run in does not exist", job.folder.display()));
    }
    let mut child = Command::new(&program)
        .args([SUBCOMMAND, if job.isolated { OUTER } else { INNER }])
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(output)
        .stderr(report)
        .spawn()
        .map_err(failed)?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or("internal error: a process without id")?;
    let mut stdin = child.stdin.take().ok_or("internal error: a process without standard input")?;
    // Failure shows in the report: the process says why it did not become the command.
    drop(stdin.write_all(line.as_bytes()));
    Ok(pid)
}

fn end_early(outcome: Outcome) -> Outcome {
    end_everything();
    outcome
}

fn watch(
    job: &Job,
    shell: Pid,
    held: Held,
    output: PipeReader,
    mut report: impl BufRead,
    gone: &AtomicBool,
) -> (Outcome, Vec<u8>) {
    let start = Instant::now();
    let capture = Arc::new(Mutex::new(Capture::new(job.output)));
    let drained = read_all(output, &capture);
    let mut watcher = Watcher { job, peak: 0, next_look: start, tasks: processes::tasks_of_machine() };
    let mut tick = Duration::from_millis(1);
    let mut shell_status = None;
    let exit = loop {
        reap(shell, &mut shell_status);
        if let Some(status) = shell_status {
            break ended(job, &mut report).unwrap_or_else(|| exit_of(status));
        }
        if gone.load(Ordering::Relaxed) {
            break WireExit::Signal(Signal::KILL.as_raw());
        }
        if locked(&capture).total() > job.output {
            break WireExit::Output;
        }
        if start.elapsed() >= Duration::from_millis(job.timeout_ms) {
            break WireExit::Timeout;
        }
        if let Some(exit) = watcher.look() {
            break exit;
        }
        thread::sleep(tick);
        tick = (tick * 2).min(TICK);
    };
    let wall_s = start.elapsed().as_secs_f64();
    let ended = end_tree(shell, shell_status.is_some());
    let drain_limit = Instant::now() + DRAIN_WITHIN;
    while !drained.load(Ordering::Acquire) && Instant::now() < drain_limit {
        thread::sleep(Duration::from_millis(1));
    }
    let (kept, truncated, total) = {
        let mut capture = locked(&capture);
        let total = capture.total();
        let (kept, truncated) = capture.finish();
        (kept, truncated, total)
    };
    if !ended {
        let message = format!("processes of the command were still alive after {} s", END_WITHIN.as_secs());
        return (Outcome::Failed(message), Vec::new());
    }
    // A command that floods and ends between two looks has passed its limit all the same.
    let exit = if total > job.output { WireExit::Output } else { exit };
    let resources =
        Resources { cpu_s: processes::seconds_of_children(), peak_memory: watcher.peak, wall_s, output_bytes: total };
    (Outcome::Ran { exit, resources, truncated, held }, kept)
}

fn read_all(mut output: PipeReader, capture: &Arc<Mutex<Capture>>) -> Arc<AtomicBool> {
    let drained = Arc::new(AtomicBool::new(false));
    let (flag, capture) = (Arc::clone(&drained), Arc::clone(capture));
    thread::spawn(move || {
        let mut chunk = vec![0_u8; 1 << 16];
        loop {
            match output.read(&mut chunk) {
                Ok(0) => break,
                Ok(n) => locked(&capture).push(&chunk[..n]),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        flag.store(true, Ordering::Release);
    });
    drained
}

fn locked(capture: &Mutex<Capture>) -> MutexGuard<'_, Capture> {
    capture.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts and weighs the tree now and then.
struct Watcher<'a> {
    job: &'a Job,
    peak: u64,
    next_look: Instant,
    tasks: Option<u64>,
}

impl Watcher<'_> {
    fn look(&mut self) -> Option<WireExit> {
        let now = Instant::now();
        // The number of all tasks costs one read: a burst of forks is seen between two looks.
        let burst = match (self.tasks, processes::tasks_of_machine()) {
            (Some(before), Some(tasks)) => tasks > before.saturating_add(self.job.processes / 2 + 8),
            _ => false,
        };
        if now < self.next_look && !burst {
            return None;
        }
        let tree = processes::descendants(own_pid());
        self.tasks = processes::tasks_of_machine();
        self.next_look = Instant::now() + LOOK_EVERY;
        let memory = processes::memory_of(&tree);
        self.peak = self.peak.max(memory);
        let ours = if self.job.isolated { OURS_AROUND } else { 0 };
        if tree.len() as u64 > self.job.processes.saturating_add(ours) {
            Some(WireExit::Processes)
        } else if memory > self.job.memory {
            Some(WireExit::Memory)
        } else {
            None
        }
    }
}

/// Returns how the first process of the namespaces saw the command end; whoever could say more is gone by now.
fn ended(job: &Job, report: &mut impl BufRead) -> Option<WireExit> {
    match hear(report) {
        Ok(Word::Ended(exit)) if job.isolated => Some(exit),
        _ => None,
    }
}

/// Says how a process ended.
pub(super) fn exit_of(status: WaitStatus) -> WireExit {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => WireExit::Code(code),
        (None, Some(signal)) => WireExit::Signal(signal),
        (None, None) => WireExit::Signal(0),
    }
}

/// Waits for every child that has ended; returns whether any child is left.
fn reap(shell: Pid, shell_status: &mut Option<WaitStatus>) -> bool {
    loop {
        match rustix::process::wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) if pid == shell => *shell_status = Some(status),
            Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

/// Ends whatever the command left; returns whether nothing is left.
fn end_tree(shell: Pid, shell_ended: bool) -> bool {
    let mut status = None;
    if !reap(shell, &mut status) && cfg!(target_os = "linux") {
        return true;
    }
    // In one call for most of the tree. Once the shell is gone its number may be somebody else's; but where orphans
    // cannot be adopted, the group is all that can be reached.
    if !shell_ended || cfg!(not(target_os = "linux")) {
        let _ = rustix::process::kill_process_group(shell, Signal::KILL);
    }
    end_everything()
}

/// Ends everything below this process; returns whether nothing is left.
fn end_everything() -> bool {
    let deadline = Instant::now() + END_WITHIN;
    freeze(deadline);
    loop {
        for process in processes::descendants(own_pid()) {
            signal(process, Signal::KILL);
        }
        let mut status = None;
        if !reap(rustix::process::getpid(), &mut status) {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Stops every process first: what is stopped does not fork, so the hunt after a fork bomb ends.
fn freeze(deadline: Instant) {
    let mut stopped = BTreeSet::new();
    while Instant::now() < deadline {
        let tree = processes::descendants(own_pid());
        let fresh: Vec<Process> = tree.into_iter().filter(|p| !p.zombie && stopped.insert(p.pid)).collect();
        if fresh.is_empty() {
            return;
        }
        for process in fresh {
            signal(process, Signal::STOP);
        }
    }
}

fn signal(process: Process, signal: Signal) {
    if let Some(pid) = Pid::from_raw(process.pid) {
        // It may have ended by itself in between.
        let _ = rustix::process::kill_process(pid, signal);
    }
}

fn own_pid() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}
