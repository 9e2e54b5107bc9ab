//! System calls that no build or test needs, refused by seccomp. Layer 3.
//!
//! The list holds what reaches other processes, the kernel itself or the machine's view of files and networks, past
//! the checks of Landlock. The refusal is an error, not a death: programs that try and go on without keep working.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

use super::wire::{Held, Job, Tcp};

/// Refused with "not permitted".
const REFUSED: &[c_long] = &[
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsmount,
    libc::SYS_fsconfig,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_open_by_handle_at,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_syslog,
    libc::SYS_vhangup,
];

/// Answered with "not implemented", on which every caller falls back to a call that the filter can look into.
const UNKNOWN: &[c_long] =
    &[libc::SYS_clone3, libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_io_uring_register];

/// Flags of `clone` that make namespaces.
const NAMESPACES: [c_long; 7] = [
    libc::CLONE_NEWUSER as c_long,
    libc::CLONE_NEWNS as c_long,
    libc::CLONE_NEWNET as c_long,
    libc::CLONE_NEWPID as c_long,
    libc::CLONE_NEWIPC as c_long,
    libc::CLONE_NEWUTS as c_long,
    libc::CLONE_NEWCGROUP as c_long,
];

/// The bit of system call numbers of the x32 interface, a second door to the same calls.
const X32: c_long = 0x4000_0000;

/// The part of a socket's type that is the type.
const SOCKET_TYPE: u64 = 0xf;

/// Which sockets are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sockets {
    /// All that could reach somebody, but for TCP, which is Landlock's.
    Closed,
    /// Families that a network namespace does not hold, such as the one between a machine and its host.
    Private,
    /// None.
    Open,
}

/// Installs the filters and says in `held` how well.
pub(super) fn restrict(job: &Job, held: &mut Held) {
    let sockets = match (job.isolated, &job.tcp) {
        (true, _) => Sockets::Private,
        (false, Tcp::Open) => Sockets::Open,
        (false, _) => Sockets::Closed,
    };
    match install(sockets) {
        Ok(()) => {
            held.calls = true;
            held.datagrams = sockets == Sockets::Closed;
        }
        Err(message) => {
            held.weaknesses.push(format!("System calls are not filtered, so UDP is open as well: {message}"));
        }
    }
}

fn install(sockets: Sockets) -> Result<(), String> {
    let say = |e: seccompiler::Error| e.to_string();
    for program in [unknown_filter()?, refusal_filter(sockets)?] {
        seccompiler::apply_filter(&program).map_err(say)?;
    }
    Ok(())
}

fn unknown_filter() -> Result<BpfProgram, String> {
    compile(UNKNOWN.iter().map(|call| (*call, Vec::new())).collect(), libc::ENOSYS)
}

fn refusal_filter(sockets: Sockets) -> Result<BpfProgram, String> {
    let mut rules: BTreeMap<c_long, Vec<SeccompRule>> = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    let mut clone = Vec::new();
    for flag in NAMESPACES {
        let flag = u64::try_from(flag).map_err(|e| e.to_string())?;
        clone.push(rule(&[(0, SeccompCmpOp::MaskedEq(flag), flag)])?);
    }
    rules.insert(libc::SYS_clone, clone);
    if sockets == Sockets::Private {
        rules.insert(libc::SYS_socket, vec![foreign_families()?]);
    }
    if sockets == Sockets::Closed {
        rules.insert(libc::SYS_socket, refused_sockets()?);
        // A first packet with data connects without the call that Landlock watches.
        let fast = value(libc::MSG_FASTOPEN)?;
        for (call, argument) in [(libc::SYS_sendto, 3), (libc::SYS_sendmsg, 2), (libc::SYS_sendmmsg, 3)] {
            rules.insert(call, vec![rule(&[(argument, SeccompCmpOp::MaskedEq(fast), fast)])?]);
        }
    }
    compile(rules, libc::EPERM)
}

/// Returns every kind of socket but local ones, netlink (which programs ask for addresses) and plain TCP: that is
/// Landlock's, and it knows no other protocol over streams.
fn refused_sockets() -> Result<Vec<SeccompRule>, String> {
    let mut refused = vec![foreign_families()?];
    for family in [libc::AF_INET, libc::AF_INET6] {
        let family = value(family)?;
        for kind in [libc::SOCK_DGRAM, libc::SOCK_RAW, libc::SOCK_SEQPACKET] {
            refused
                .push(rule(&[(0, SeccompCmpOp::Eq, family), (1, SeccompCmpOp::MaskedEq(SOCKET_TYPE), value(kind)?)])?);
        }
        refused.push(rule(&[(0, SeccompCmpOp::Eq, family), other(2, 0)?, other(2, libc::IPPROTO_TCP)?])?);
    }
    Ok(refused)
}

/// Matches every family but those that ordinary programs use.
fn foreign_families() -> Result<SeccompRule, String> {
    let families = [libc::AF_UNIX, libc::AF_NETLINK, libc::AF_INET, libc::AF_INET6];
    let foreign = families.into_iter().map(|family| other(0, family)).collect::<Result<Vec<_>, _>>()?;
    rule(&foreign)
}

fn other(argument: u8, number: i32) -> Result<(u8, SeccompCmpOp, u64), String> {
    Ok((argument, SeccompCmpOp::Ne, value(number)?))
}

fn value(number: i32) -> Result<u64, String> {
    u64::try_from(number).map_err(|e| e.to_string())
}

fn rule(conditions: &[(u8, SeccompCmpOp, u64)]) -> Result<SeccompRule, String> {
    let conditions = conditions
        .iter()
        .map(|(argument, op, value)| SeccompCondition::new(*argument, SeccompCmpArgLen::Dword, op.clone(), *value))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| e.to_string())?;
    SeccompRule::new(conditions).map_err(|e| e.to_string())
}

fn compile(mut rules: BTreeMap<c_long, Vec<SeccompRule>>, errno: i32) -> Result<BpfProgram, String> {
    if cfg!(target_arch = "x86_64") {
        let twins: Vec<_> = rules.iter().map(|(call, rules)| (call | X32, rules.clone())).collect();
        rules.extend(twins);
    }
    let errno = u32::try_from(errno).map_err(|e| e.to_string())?;
    let arch = std::env::consts::ARCH.try_into().map_err(|e: seccompiler::BackendError| e.to_string())?;
    SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(errno), arch)
        .and_then(TryInto::try_into)
        .map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_filters_compile_for_this_machine() {
        assert!(unknown_filter().is_ok_and(|program| !program.is_empty()));
        assert!(refusal_filter(Sockets::Closed).is_ok_and(|program| program.len() > 100));
        assert!(refusal_filter(Sockets::Private).is_ok() && refusal_filter(Sockets::Open).is_ok());
    }
}
