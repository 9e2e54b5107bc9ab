//! The program's side of a run: writes the job, starts the supervisor, reads the outcome. Layer 3.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::PoisonError;

#[cfg(target_os = "linux")]
use super::wire::WireExit;
use super::wire::{Held, Job, Outcome, Tcp};
use super::{Lifeline, Place, Sandbox};
use crate::model::{NetworkAccess, SandboxLevel, SandboxReport, SandboxRequirement};
use crate::workspace::{CommandSpec, Execution, WorkspaceError};

/// The longest first line of an outcome.
const OUTCOME_LIMIT: u64 = 1 << 20;

pub(super) fn run(
    sandbox: &Sandbox,
    place: &Place,
    spec: &CommandSpec,
    lifeline: &Lifeline,
) -> Result<Execution, WorkspaceError> {
    let job = job_of(sandbox, place, spec)?;
    let mut line = serde_json::to_vec(&job)
        .map_err(|e| WorkspaceError::Machine(format!("The command could not be described to the sandbox: {e}.")))?;
    line.push(b'\n');
    let (outcome, output) = exchange(sandbox, &line, spec.output, lifeline)?;
    match outcome {
        Outcome::Ran { exit, resources, truncated, held } => Ok(Execution {
            exit: exit.into(),
            output: String::from_utf8_lossy(&output).into_owned(),
            truncated,
            resources,
            sandbox: report_of(spec, &job.tcp, held),
        }),
        Outcome::TooWeak(message) => Err(WorkspaceError::SandboxTooWeak(message)),
        Outcome::Failed(message) => {
            Err(WorkspaceError::Machine(format!("The sandbox could not run a command: {message}.")))
        }
    }
}

/// The job that shows whether namespaces can be had.
#[cfg(target_os = "linux")]
pub(super) fn try_isolation(sandbox: &Sandbox) -> Result<(), String> {
    let job = Job {
        command: "exit 0".to_owned(),
        folder: PathBuf::from("/"),
        env: std::collections::BTreeMap::new(),
        timeout_ms: 10_000,
        memory: 1 << 30,
        processes: 16,
        output: 1 << 16,
        tcp: Tcp::Open,
        require_landlock: true,
        isolated: true,
        readable: sandbox.host.readable(),
        writable: Vec::new(),
    };
    let mut line = serde_json::to_vec(&job).map_err(|e| e.to_string())?;
    line.push(b'\n');
    match exchange(sandbox, &line, job.output, &Lifeline::new()) {
        Ok((Outcome::Ran { exit: WireExit::Code(0), held: Held { isolated: true, .. }, .. }, _)) => Ok(()),
        Ok((Outcome::TooWeak(why) | Outcome::Failed(why), _)) => {
            Err(why.strip_prefix("sandbox-too-weak: ").unwrap_or(&why).to_owned())
        }
        Ok((Outcome::Ran { exit, .. }, _)) => Err(format!("a command that does nothing ended with {exit:?}")),
        Err(error) => Err(error.to_string().trim_end_matches('.').to_owned()),
    }
}

fn job_of(sandbox: &Sandbox, place: &Place, spec: &CommandSpec) -> Result<Job, WorkspaceError> {
    let isolated = is_isolated(spec);
    if isolated && !spec.services.is_empty() {
        return Err(WorkspaceError::SandboxTooWeak(
            "sandbox-too-weak: `sandbox.services` cannot be reached at level `isolated`, which has a network of its own; \
             start them in the test command, or require `landlock`."
                .to_owned(),
        ));
    }
    let cargo_home = cargo_home_of(sandbox, place, spec)?;
    let mut env = sandbox.host.variables(&place.home, &place.tmp, cargo_home.as_deref());
    env.extend(spec.env.iter().map(|(name, value)| (name.clone(), value.clone())));
    let mut readable = sandbox.host.readable();
    // A variable may name a folder of sockets, such as the one of the session.
    readable.extend(named_by(spec, place).into_iter().filter(|path| !isolated || !of_the_session(path)));
    Ok(Job {
        command: spec.command.clone(),
        folder: spec.folder.as_ref().map_or_else(|| place.tree.clone(), |folder| place.tree.join(folder.as_str())),
        env,
        timeout_ms: u64::try_from(spec.timeout.as_millis()).unwrap_or(u64::MAX),
        memory: spec.memory,
        processes: spec.processes,
        output: spec.output,
        tcp: if isolated { Tcp::Open } else { tcp_of(spec) },
        require_landlock: spec.require >= SandboxRequirement::Landlock,
        isolated,
        readable,
        writable: vec![place.tree.clone(), place.home.clone(), place.tmp.clone()],
    })
}

/// Returns whether a command runs in namespaces; one that was given a network cannot have one of its own.
fn is_isolated(spec: &CommandSpec) -> bool {
    spec.require == SandboxRequirement::Isolated && spec.network == NetworkAccess::None
}

/// Returns whether a path lies where programs put their sockets.
fn of_the_session(path: &Path) -> bool {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    ["/run", "/var/run", "/tmp", "/var/tmp", "/dev"].iter().any(|folder| real.starts_with(folder))
}

/// Returns cargo's home: the machine's own, only read, so that what is downloaded serves; or one in the private home as
/// soon as something may be or was downloaded, so that no run can poison the machine's (V-109).
fn cargo_home_of(sandbox: &Sandbox, place: &Place, spec: &CommandSpec) -> Result<Option<PathBuf>, WorkspaceError> {
    let Some(real) = sandbox.host.cargo_home() else { return Ok(None) };
    let private = place.home.join(".cargo");
    if private.join("registry").is_dir() || private.join("git").is_dir() {
        return Ok(Some(private));
    }
    if spec.network == NetworkAccess::None {
        return Ok(Some(real.to_owned()));
    }
    let failed = |e| WorkspaceError::Machine(format!("{} could not be prepared: {e}.", private.display()));
    fs::create_dir_all(&private).map_err(failed)?;
    // Where the registries are; a file with a secret in it stays where it is.
    if let Ok(text) = fs::read_to_string(real.join("config.toml"))
        && !text.contains("token")
        && !private.join("config.toml").exists()
    {
        fs::write(private.join("config.toml"), text).map_err(failed)?;
    }
    Ok(Some(private))
}

/// Returns the files and folders that the operator's own variables name, such as certificates.
fn named_by(spec: &CommandSpec, place: &Place) -> Vec<PathBuf> {
    let around_us = |path: &Path| place.tree.starts_with(path);
    spec.env
        .values()
        .map(PathBuf::from)
        .filter(|path| path.is_absolute() && path.components().count() > 2 && !around_us(path))
        .filter(|path| path.is_dir() || path.is_file())
        .collect()
}

/// Returns what TCP may do. A service without a number for its port means that loopback as such is needed.
fn tcp_of(spec: &CommandSpec) -> Tcp {
    if spec.network != NetworkAccess::None {
        return Tcp::Open;
    }
    let mut ports = Vec::new();
    for service in &spec.services {
        match service.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok()) {
            Some(port) if port > 0 => ports.push(port),
            _ => return Tcp::Open,
        }
    }
    if ports.is_empty() { Tcp::Closed } else { Tcp::Ports(ports) }
}

fn report_of(spec: &CommandSpec, tcp: &Tcp, held: Held) -> SandboxReport {
    let mut weaknesses = held.weaknesses;
    if held.isolated {
        return SandboxReport { level: SandboxLevel::Isolated, network: NetworkAccess::None, weaknesses };
    }
    if spec.require == SandboxRequirement::Isolated {
        weaknesses.push(
            "Level `isolated` has a network of its own, and this command was given the machine's: it ran at a lower level."
                .to_owned(),
        );
    }
    let closed = held.landlock && held.tcp && held.datagrams && *tcp != Tcp::Open;
    match (spec.network, tcp) {
        (NetworkAccess::None, Tcp::Ports(ports)) if closed => {
            let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
            weaknesses
                .push(format!("Port {} of every host can be reached, not of the service alone.", ports.join(", ")));
        }
        (NetworkAccess::None, Tcp::Open) => {
            weaknesses.push("The network is open: a service without a port number needs all of loopback.".to_owned());
        }
        (NetworkAccess::Registries, _) => {
            weaknesses
                .push("The network is open: registries cannot be told from other hosts at this level.".to_owned());
        }
        _ => {}
    }
    SandboxReport {
        level: if held.landlock { SandboxLevel::Landlock } else { SandboxLevel::None },
        network: if closed { NetworkAccess::None } else { NetworkAccess::All },
        weaknesses,
    }
}

fn exchange(
    sandbox: &Sandbox,
    line: &[u8],
    output_limit: u64,
    lifeline: &Lifeline,
) -> Result<(Outcome, Vec<u8>), WorkspaceError> {
    let failed = |what: &str, e: std::io::Error| WorkspaceError::Machine(format!("The sandbox {what}: {e}."));
    let mut child = Command::new(&sandbox.exec.program)
        .args(&sandbox.exec.prefix_args)
        .env_clear()
        .current_dir("/")
        // A Ctrl-C at the terminal is for the program; the supervisor hears of it by the end of its input.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| failed("could not be started", e))?;
    let missing = || WorkspaceError::Machine("internal error: a process without its pipes".to_owned());
    let mut stdin = child.stdin.take().ok_or_else(missing)?;
    let mut stdout = BufReader::new(child.stdout.take().ok_or_else(missing)?);
    // A supervisor that died says so by an empty answer below.
    drop(stdin.write_all(line));
    {
        let mut held = lifeline.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Cut before it began: the end of input, here and now, is how the supervisor hears of it.
        if held.cut { drop(stdin) } else { held.end = Some(stdin) }
    }
    let mut header = Vec::new();
    let mut output = Vec::new();
    let read = (&mut stdout)
        .take(OUTCOME_LIMIT)
        .read_until(b'\n', &mut header)
        .and_then(|_| (&mut stdout).take(output_limit.saturating_add(4096)).read_to_end(&mut output));
    drop(stdout);
    lifeline.0.lock().unwrap_or_else(PoisonError::into_inner).end = None;
    let status = child.wait().map_err(|e| failed("could not be waited for", e))?;
    read.map_err(|e| failed("could not be read", e))?;
    let outcome = serde_json::from_slice(&header)
        .map_err(|_| WorkspaceError::Machine(format!("The sandbox ended with {status} and no outcome.")))?;
    Ok((outcome, output))
}
