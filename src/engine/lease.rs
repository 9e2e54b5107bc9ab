//! Leases: which run works on which failures, and until when (PROTOCOL.md, 1). Layer 4.

use serde::{Deserialize, Serialize};

use crate::engine::state::{Snapshot, StateBranch, StateError};
use crate::model::{Family, Fingerprint, MicroUsd, Timestamp};

/// One run's lease, as a file below `leases/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lease {
    /// The run.
    pub(crate) run_id: String,
    /// Whose process took it.
    pub(crate) owner: String,
    /// When it ends.
    pub(crate) deadline: Timestamp,
    /// Money granted.
    pub(crate) grant: MicroUsd,
    /// The leased failures.
    pub(crate) failures: Vec<LeasedFailure>,
}

/// One leased failure, with what a state needs where none is recorded yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LeasedFailure {
    /// The forge's id of the repository.
    pub(crate) repository_id: u64,
    /// The failure.
    pub(crate) fingerprint: Fingerprint,
    /// Its family.
    pub(crate) family: Family,
    /// Its episode.
    pub(crate) episode: u32,
}

/// How a lease stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Its run may still be at work.
    Holds,
    /// Its process is known to be dead and had no money: its failures are free, and its death costs them nothing.
    Free,
    /// Its deadline passed without a record: one attempt for each of its failures (F-65).
    Overdue,
}

impl Lease {
    /// Says how the lease stands. With money granted, only the deadline ends it: what was spent is not known.
    pub(crate) fn standing(&self, now: Timestamp, owner_is_gone: &(dyn Fn(&str) -> bool + Sync)) -> Standing {
        if self.grant == MicroUsd::ZERO && owner_is_gone(&self.owner) {
            Standing::Free
        } else if now <= self.deadline {
            Standing::Holds
        } else {
            Standing::Overdue
        }
    }

    /// Returns whether it covers a failure.
    pub(crate) fn covers(&self, repository_id: u64, fingerprint: &Fingerprint) -> bool {
        self.failures.iter().any(|f| f.repository_id == repository_id && f.fingerprint == *fingerprint)
    }
}

/// Leases by how they stand.
#[derive(Debug, Clone, Default)]
pub(crate) struct Leases {
    pub(crate) holding: Vec<Lease>,
    pub(crate) free: Vec<Lease>,
    pub(crate) overdue: Vec<Lease>,
}

impl Leases {
    /// Sorts leases by how they stand.
    pub(crate) fn sorted(
        leases: impl IntoIterator<Item = Lease>,
        now: Timestamp,
        owner_is_gone: &(dyn Fn(&str) -> bool + Sync),
    ) -> Self {
        let mut sorted = Self::default();
        for lease in leases {
            match lease.standing(now, owner_is_gone) {
                Standing::Holds => sorted.holding.push(lease),
                Standing::Free => sorted.free.push(lease),
                Standing::Overdue => sorted.overdue.push(lease),
            }
        }
        sorted
    }

    /// Reads every lease on the state branch.
    pub(crate) async fn read(
        state: &StateBranch<'_>,
        snapshot: &Snapshot,
        now: Timestamp,
        owner_is_gone: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<Self, StateError> {
        let mut leases = Vec::new();
        for path in snapshot.below("leases/") {
            leases.extend(state.read_json::<Lease>(snapshot, path).await?);
        }
        Ok(Self::sorted(leases, now, owner_is_gone))
    }

    /// Returns whether any lease, however it stands, covers a failure of the repository.
    pub(crate) fn touch(&self, repository_id: u64) -> bool {
        let all = self.holding.iter().chain(&self.free).chain(&self.overdue);
        all.flat_map(|lease| &lease.failures).any(|failure| failure.repository_id == repository_id)
    }

    /// Returns deadlines of overdue leases that covered a failure.
    pub(crate) fn overdue_for(&self, repository_id: u64, fingerprint: &Fingerprint) -> Vec<Timestamp> {
        self.overdue.iter().filter(|l| l.covers(repository_id, fingerprint)).map(|l| l.deadline).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(grant: u64) -> Lease {
        Lease {
            run_id: "r".to_owned(),
            owner: "1@here".to_owned(),
            deadline: Timestamp::from_millis(1000),
            grant: MicroUsd(grant),
            failures: vec![LeasedFailure {
                repository_id: 7,
                fingerprint: Fingerprint::of(b"x"),
                family: Family::of(b"x"),
                episode: 1,
            }],
        }
    }

    #[test]
    fn a_lease_holds_until_its_deadline() {
        let alive = |_: &str| false;
        assert_eq!(lease(0).standing(Timestamp::from_millis(1000), &alive), Standing::Holds);
        assert_eq!(lease(0).standing(Timestamp::from_millis(1001), &alive), Standing::Overdue);
    }

    #[test]
    fn a_dead_owner_frees_a_lease_only_where_no_money_was_granted() {
        let dead = |_: &str| true;
        assert_eq!(lease(0).standing(Timestamp::default(), &dead), Standing::Free);
        assert_eq!(lease(5).standing(Timestamp::default(), &dead), Standing::Holds);
    }

    #[test]
    fn a_lease_covers_one_failure_of_one_repository() {
        assert!(lease(0).covers(7, &Fingerprint::of(b"x")));
        assert!(!lease(0).covers(8, &Fingerprint::of(b"x")));
        assert!(!lease(0).covers(7, &Fingerprint::of(b"y")));
    }
}
