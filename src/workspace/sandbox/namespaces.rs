//! The process that steps into namespaces of its own and starts their first process. Layer 3.
//!
//! Done with the system calls themselves and no program such as bubblewrap: nothing has to be installed, nothing that may
//! gain rights is started, and one place says what holds. The order matters: the user namespace, whose map gives the right
//! to all others; those; then their first process (`init`), which builds the view of the files. Whatever cannot be had ends
//! the run: nothing here goes on with less.
//!
//! One user is mapped, onto itself: root of the namespace is the user that started the program, and files of everybody
//! else belong to nobody.

use std::fs;
use std::io::{self, Read, Write};
use std::process::{Command, ExitCode, Stdio};

use rustix::process::Signal;
use rustix::thread::{CapabilitySet, CapabilitySets, UnshareFlags};

use super::wire::{Word, tell};
use super::{INIT, SUBCOMMAND};

/// What `init` needs: mounts, the loopback device, and to take rights from its child for good.
const NEEDED: [CapabilitySet; 3] = [CapabilitySet::SYS_ADMIN, CapabilitySet::NET_ADMIN, CapabilitySet::SETPCAP];

/// Reads the job, enters the namespaces, hands the job to their first process and waits for its end.
pub(super) fn main() -> ExitCode {
    match enter() {
        Ok(()) => ExitCode::SUCCESS,
        Err(word) => {
            tell(&word);
            ExitCode::from(70)
        }
    }
}

fn enter() -> Result<(), Word> {
    let mut job = String::new();
    io::stdin().lock().read_to_string(&mut job).map_err(|e| Word::Failed(format!("no job came: {e}")))?;
    rustix::process::setsid().map_err(|e| Word::Failed(format!("no session of its own: {e}")))?;
    own_namespaces().map_err(|e| Word::too_weak(&e))?;
    // After the change of rights, which takes it back: dies with the supervisor, and everything below with it.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|e| Word::Failed(format!("the end of the supervisor would not be noticed: {e}")))?;
    let failed = |e: io::Error| Word::too_weak(&format!("the first process of the namespaces did not start ({e})"));
    let mut child = Command::new(super::this_program())
        .args([SUBCOMMAND, INIT])
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A process that died instead of reading says why in the report.
        drop(stdin.write_all(job.as_bytes()));
    }
    child.wait().map(drop).map_err(failed)
}

fn own_namespaces() -> Result<(), String> {
    let (user, group) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    unshare(UnshareFlags::NEWUSER).map_err(|e| format!("no user namespace can be had ({e})"))?;
    let map = |file: &str, text: String| {
        fs::write(format!("/proc/self/{file}"), text).map_err(|e| format!("{file} of the user namespace: {e}"))
    };
    map("setgroups", "deny".to_owned())?;
    map("uid_map", format!("{user} {user} 1"))?;
    map("gid_map", format!("{group} {group} 1"))?;
    let rest = [
        (UnshareFlags::NEWNS, "mount"),
        (UnshareFlags::NEWNET, "network"),
        (UnshareFlags::NEWIPC, "IPC"),
        (UnshareFlags::NEWUTS, "UTS"),
        (UnshareFlags::NEWPID, "process"),
    ];
    for (flag, name) in rest {
        unshare(flag).map_err(|e| format!("no {name} namespace can be had ({e})"))?;
    }
    carry_rights().map_err(|e| format!("the rights over the namespaces cannot be handed on ({e})"))
}

#[expect(
    deprecated,
    reason = "its successor is unsafe for the sake of one flag, that of open files, which is not used"
)]
fn unshare(flags: UnshareFlags) -> rustix::io::Result<()> {
    rustix::thread::unshare(flags)
}

/// Lets the rights over the new namespaces outlive the start of the next program, also for a user who is not root.
fn carry_rights() -> rustix::io::Result<()> {
    let now = rustix::thread::capabilities(None)?;
    let needed = NEEDED.into_iter().fold(CapabilitySet::empty(), CapabilitySet::union);
    rustix::thread::set_capabilities(None, CapabilitySets { inheritable: needed, ..now })?;
    NEEDED.into_iter().try_for_each(|one| rustix::thread::configure_capability_in_ambient_set(one, true))
}

/// Takes from whatever is started next the rights that [`carry_rights`] hands on.
pub(super) fn keep_rights_here() -> rustix::io::Result<()> {
    rustix::thread::clear_ambient_capability_set()?;
    let now = rustix::thread::capabilities(None)?;
    rustix::thread::set_capabilities(None, CapabilitySets { inheritable: CapabilitySet::empty(), ..now })
}
