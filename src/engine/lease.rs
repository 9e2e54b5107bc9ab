//! Leases: which run works on which failures, and until when (PROTOCOL.md, 1). Layer 4.

use serde::{Deserialize, Serialize};

use crate::engine::state::{Snapshot, StateBranch, StateError};
use crate::model::{Fingerprint, MicroUsd, Timestamp};

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

/// One leased failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LeasedFailure {
    /// The forge's id of the repository.
    pub(crate) repository_id: u64,
    /// The failure.
    pub(crate) fingerprint: Fingerprint,
}

impl Lease {
    /// Returns whether the lease still holds.
    ///
    /// A process known to be dead holds nothing: without a grant its death cost nothing, so that its failures are free
    /// at once. With money granted, only the deadline ends it, and `record` counts the grant as spent.
    pub(crate) fn holds(&self, now: Timestamp, owner_is_gone: &(dyn Fn(&str) -> bool + Sync)) -> bool {
        now <= self.deadline && !(self.grant == MicroUsd::ZERO && owner_is_gone(&self.owner))
    }

    /// Returns whether it covers a failure.
    pub(crate) fn covers(&self, repository_id: u64, fingerprint: &Fingerprint) -> bool {
        self.failures.iter().any(|f| f.repository_id == repository_id && f.fingerprint == *fingerprint)
    }
}

/// Reads every lease on the state branch.
pub(crate) async fn read_all(state: &StateBranch<'_>, snapshot: &Snapshot) -> Result<Vec<Lease>, StateError> {
    let mut leases = Vec::new();
    for path in snapshot.below("leases/") {
        leases.extend(state.read_json(snapshot, path).await?);
    }
    Ok(leases)
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
            failures: vec![LeasedFailure { repository_id: 7, fingerprint: Fingerprint::of(b"x") }],
        }
    }

    #[test]
    fn a_lease_holds_until_its_deadline() {
        let alive = |_: &str| false;
        assert!(lease(0).holds(Timestamp::from_millis(1000), &alive));
        assert!(!lease(0).holds(Timestamp::from_millis(1001), &alive));
    }

    #[test]
    fn a_dead_owner_frees_a_lease_only_where_no_money_was_granted() {
        let dead = |_: &str| true;
        assert!(!lease(0).holds(Timestamp::default(), &dead));
        assert!(lease(5).holds(Timestamp::default(), &dead));
    }

    #[test]
    fn a_lease_covers_one_failure_of_one_repository() {
        assert!(lease(0).covers(7, &Fingerprint::of(b"x")));
        assert!(!lease(0).covers(8, &Fingerprint::of(b"x")));
        assert!(!lease(0).covers(7, &Fingerprint::of(b"y")));
    }
}
