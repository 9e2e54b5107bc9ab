//! Looks at the processes below one process through `/proc`. Layer 3.
//!
//! Where there is no `/proc` (macOS) nothing is seen, and the report says so.

use std::collections::BTreeMap;
use std::fs;

/// Bytes of a page as `/proc` counts memory; every Linux that we build for uses it for user space.
const PAGE: u64 = 4096;

/// Ticks of a second in `/proc`: the kernel's USER_HZ, a constant of its interface.
const TICKS_PER_SECOND: f64 = 100.0;

/// One process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: i32,
    pub(super) zombie: bool,
    /// Own and shared resident bytes.
    pub(super) private: u64,
    pub(super) shared: u64,
}

/// Returns every process below `root`, itself excluded.
pub(super) fn descendants(root: i32) -> Vec<Process> {
    let mut parents: BTreeMap<i32, (i32, bool)> = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        if let Some((state, parent)) = fs::read(entry.path().join("stat")).ok().as_deref().and_then(state_and_parent) {
            parents.insert(pid, (parent, state == b'Z'));
        }
    }
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for (pid, (parent, _)) in &parents {
        children.entry(*parent).or_default().push(*pid);
    }
    let mut found = Vec::new();
    let mut queue = vec![root];
    // Taking each list out bounds the walk even if the parents, read one after the other, form a circle.
    while let Some(pid) = queue.pop() {
        for child in children.remove(&pid).unwrap_or_default() {
            queue.push(child);
            let zombie = parents.get(&child).is_some_and(|(_, zombie)| *zombie);
            let (private, shared) = if zombie { (0, 0) } else { memory(child) };
            found.push(Process { pid: child, zombie, private, shared });
        }
    }
    found
}

/// Returns the resident bytes of a set of processes; what they share counts once, by its largest share.
pub(super) fn memory_of(processes: &[Process]) -> u64 {
    let private = processes.iter().fold(0_u64, |sum, p| sum.saturating_add(p.private));
    private.saturating_add(processes.iter().map(|p| p.shared).max().unwrap_or(0))
}

/// Returns the processor seconds of all children of this process that were waited for.
pub(super) fn seconds_of_children() -> f64 {
    let Ok(stat) = fs::read("/proc/self/stat") else { return 0.0 };
    let ticks = |index| field(&stat, index).and_then(|text| text.parse::<u32>().ok()).unwrap_or(0);
    (f64::from(ticks(16)) + f64::from(ticks(17))) / TICKS_PER_SECOND
}

/// Returns how many tasks (threads included) the machine has.
pub(super) fn tasks_of_machine() -> Option<u64> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    text.split(' ').nth(3)?.split('/').nth(1)?.parse().ok()
}

fn memory(pid: i32) -> (u64, u64) {
    let text = fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
    let mut pages = text.split(' ').skip(1).map(|n| n.parse::<u64>().unwrap_or(0));
    let (resident, shared) = (pages.next().unwrap_or(0), pages.next().unwrap_or(0));
    (resident.saturating_sub(shared).saturating_mul(PAGE), shared.saturating_mul(PAGE))
}

fn state_and_parent(stat: &[u8]) -> Option<(u8, i32)> {
    Some((*field(stat, 3)?.as_bytes().first()?, field(stat, 4)?.parse().ok()?))
}

/// Returns field `number` (from 1, at least 3) of a `stat` file; the second, the name, may hold anything.
fn field(stat: &[u8], number: usize) -> Option<&str> {
    let after_name = stat.iter().rposition(|b| *b == b')')? + 2;
    std::str::from_utf8(stat.get(after_name..)?).ok()?.split(' ').nth(number.checked_sub(3)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_name_cannot_confuse_the_fields_behind_it() {
        let stat = b"42 (a) R 1 (b)) S 7 42 42 0 -1 4194304 100 0 0 0 5 6 30 40 20 0 1";
        assert_eq!(state_and_parent(stat), Some((b'S', 7)));
        assert_eq!(field(stat, 16), Some("30"));
        assert_eq!(state_and_parent(b"42 (a"), None);
    }

    #[test]
    fn shared_memory_counts_once() {
        let process = |private, shared| Process { pid: 1, zombie: false, private, shared };
        assert_eq!(memory_of(&[process(10, 7), process(20, 5)]), 37);
        assert_eq!(memory_of(&[]), 0);
    }
}
