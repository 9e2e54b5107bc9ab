//! Takes from root the rights over the machine and leaves those over files. Layer 3.

use rustix::thread::{CapabilitySet, CapabilitySets};

use super::wire::Held;

/// What package managers that run as root really use: owners and modes of their own files, other users, low ports.
const KEPT: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::SETUID)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::NET_BIND_SERVICE);

/// Drops every other capability for good; with `no_new_privs` no program can give it back.
pub(super) fn drop_rights(held: &mut Held) {
    let mut all = true;
    for capability in CapabilitySet::all().difference(KEPT).iter() {
        // A kernel that does not know one of them answers EINVAL, and there is nothing to drop.
        match rustix::thread::remove_capability_from_bounding_set(capability) {
            Ok(()) | Err(rustix::io::Errno::INVAL) => {}
            Err(_) => all = false,
        }
    }
    let sets = |now: CapabilitySet| now.intersection(KEPT);
    let lowered = rustix::thread::capabilities(None).and_then(|now| {
        let lower = CapabilitySets {
            effective: sets(now.effective),
            permitted: sets(now.permitted),
            inheritable: CapabilitySet::empty(),
        };
        rustix::thread::set_capabilities(None, lower)
    });
    if !all || lowered.is_err() {
        held.weaknesses.push("The rights of root over the machine could not all be dropped.".to_owned());
    }
}
