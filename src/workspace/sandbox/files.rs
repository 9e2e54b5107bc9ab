//! Files, TCP and signals by Landlock. Layer 3.

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, NetPort, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};

use super::wire::{Held, Job, Tcp};

/// The newest rules that we ask for; an older kernel gives what it has.
const WANTED: ABI = ABI::V6;

/// Devices without state; a terminal or disk is not among them.
pub(super) const DEVICES: &[&str] = &["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"];

/// Returns the generation of Landlock that this kernel enforces, 0 for none.
pub(super) fn generation() -> u8 {
    let known = [(6, ABI::V6), (5, ABI::V5), (4, ABI::V4), (3, ABI::V3), (2, ABI::V2), (1, ABI::V1)];
    known.into_iter().find(|(_, abi)| supports(*abi)).map_or(0, |(number, _)| number)
}

fn supports(abi: ABI) -> bool {
    let ask = || -> Result<(), RulesetError> {
        let mut rules = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
        rules = rules.handle_access(AccessFs::from_all(abi))?;
        if abi >= ABI::V4 {
            rules = rules.handle_access(AccessNet::from_all(abi))?;
        }
        if abi >= ABI::V6 {
            rules = rules.scope(Scope::from_all(abi))?;
        }
        rules.create().map(drop)
    };
    ask().is_ok()
}

/// Shuts this process in and says in `held` how well.
pub(super) fn restrict(job: &Job, held: &mut Held) -> Result<(), String> {
    let generation = generation();
    if generation == 0 {
        held.weaknesses.push("Files and TCP are open: the kernel has no Landlock.".to_owned());
        return Ok(());
    }
    let status = enforce(job).map_err(|e| format!("Landlock refused the rules: {e}"))?;
    if status == RulesetStatus::NotEnforced {
        held.weaknesses.push("Files and TCP are open: the kernel did not enforce Landlock.".to_owned());
        return Ok(());
    }
    held.landlock = true;
    held.tcp = generation >= 4;
    if generation < 3 {
        held.weaknesses
            .push("Files outside the run can be cut to length zero: the kernel's Landlock is old.".to_owned());
    }
    if generation < 4 && job.tcp != Tcp::Open {
        held.weaknesses.push("TCP is open: the kernel's Landlock is old.".to_owned());
    }
    // In a namespace of its own there are no others.
    if generation < 6 && !job.isolated {
        held.weaknesses.push("Processes outside the run can be signalled: the kernel's Landlock is old.".to_owned());
    }
    Ok(())
}

fn enforce(job: &Job) -> Result<RulesetStatus, RulesetError> {
    let read = AccessFs::Execute | AccessFs::ReadFile | AccessFs::ReadDir;
    // Device files made by the command would be doors around the rules of the real ones.
    let write = AccessFs::from_all(WANTED) & !(AccessFs::MakeChar | AccessFs::MakeBlock);
    let device: BitFlags<AccessFs> = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::Truncate | AccessFs::IoctlDev;
    let mut rules = Ruleset::default().handle_access(AccessFs::from_all(WANTED))?.scope(Scope::from_all(WANTED))?;
    let ports: &[u16] = match &job.tcp {
        Tcp::Open => &[],
        Tcp::Closed => {
            rules = rules.handle_access(AccessNet::from_all(WANTED))?;
            &[]
        }
        Tcp::Ports(ports) => {
            rules = rules.handle_access(AccessNet::from_all(WANTED))?;
            ports
        }
    };
    let mut created = rules
        .create()?
        .add_rules(path_beneath_rules(&job.readable, read))?
        .add_rules(path_beneath_rules(&job.writable, write))?
        .add_rules(path_beneath_rules(DEVICES, device))?
        .add_rules(path_beneath_rules(["/dev"], AccessFs::ReadDir))?;
    for port in ports {
        created = created.add_rule(NetPort::new(*port, AccessNet::ConnectTcp))?;
    }
    Ok(created.restrict_self()?.ruleset)
}
