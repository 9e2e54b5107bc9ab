//! One run's work in parts, for jobs that run side by side (PROTOCOL.md, 9). Layer 4.
//!
//! Whole repositories, one grant in parts that add up to it, one lease each: a shard that dies keeps nobody else's work.

use serde::{Deserialize, Serialize};

use crate::budget;
use crate::engine::{RepositoryProblem, Reservation, SkippedReport, Work};
use crate::gate;
use crate::model::{MicroUsd, Reason, RepoSlug, sha256_hex};

/// The most shards: so many outputs has a job for their digests.
pub const MOST_SHARDS: u32 = 32;

/// A part of a reservation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Counted from 1.
    pub index: u32,
    /// The id under which this part runs; the reservation's is its parent.
    pub run_id: String,
    /// Its part of the grant.
    pub grant: MicroUsd,
    /// Its repositories, in the configuration's order.
    pub repositories: Vec<RepoSlug>,
}

/// Deals work to at most so many shards and splits the grant by how much each has to do.
pub(crate) fn deal(works: &[&Work], shards: u32, grant: MicroUsd, run_id: &str) -> Vec<Shard> {
    let mut slugs: Vec<&RepoSlug> = Vec::new();
    let mut loads: Vec<usize> = Vec::new();
    for work in works {
        if let Some(place) = slugs.iter().position(|slug| **slug == work.slug) {
            loads[place] += 1;
        } else {
            slugs.push(&work.slug);
            loads.push(1);
        }
    }
    let dealt = gate::deal(&loads, shards.min(MOST_SHARDS));
    let load = |places: &Vec<usize>| places.iter().map(|place| loads[*place]).sum::<usize>();
    let weights: Vec<u32> = dealt.iter().map(|places| u32::try_from(load(places)).unwrap_or(u32::MAX)).collect();
    let parts = budget::split(grant, &weights);
    let numbered = dealt.into_iter().zip(parts).zip(1..);
    numbered
        .map(|((places, grant), index)| Shard {
            index,
            run_id: run_id_of(run_id, index),
            grant,
            repositories: places.into_iter().map(|place| slugs[place].clone()).collect(),
        })
        .collect()
}

/// Returns whether a run id is that of a run or of one of its shards.
pub(crate) fn is_of(run_id: &str, parent: &str) -> bool {
    run_id == parent || (1..=MOST_SHARDS).any(|index| run_id == run_id_of(parent, index))
}

/// Names a shard's run: the time of the whole run, and eight digits of its own; the same each time, so that a job that is
/// run again is the same run.
fn run_id_of(parent: &str, index: u32) -> String {
    let time = parent.rsplit_once('-').map_or(parent, |(time, _)| time);
    let unique = sha256_hex(format!("{}:{parent}\nshard {index}", parent.len()).as_bytes());
    format!("{time}-{}", &unique[..8])
}

impl Reservation {
    /// Lists the shards; a reservation that was not divided has none.
    pub fn dealt(&self) -> &[Shard] {
        self.shards.as_deref().unwrap_or_default()
    }

    /// Returns the part of a reservation that one shard works on, under its own run id and grant.
    pub fn part(&self, shard: &Shard) -> Self {
        let has = |slug: &RepoSlug| shard.repositories.contains(slug);
        let mut part = self.clone();
        part.run_id.clone_from(&shard.run_id);
        part.grant = shard.grant;
        part.works.retain(|work| has(&work.slug));
        part.repositories.retain(|view| has(&view.slug));
        part.skipped.retain(|skipped| has(&skipped.slug));
        part.duplicates.retain(|duplicate| has(&duplicate.slug));
        part
    }

    /// Notes which shards left nothing: what they had is not done, and their leases hold until the deadline.
    pub fn miss(&mut self, lost: &[u32]) {
        for shard in self.dealt().to_vec().iter().filter(|shard| lost.contains(&shard.index)) {
            let message = format!(
                "Shard {}, which had this repository, left nothing; its reports stay leased until ten minutes after the \
                 run's deadline, and that counts as one attempt.",
                shard.index
            );
            let has = |slug: &RepoSlug| shard.repositories.contains(slug);
            for view in self.repositories.iter_mut().filter(|view| has(&view.slug)) {
                let problem =
                    || RepositoryProblem { reason: Reason::Infrastructure, message: message.clone(), retryable: true };
                view.error.get_or_insert_with(problem);
            }
            for work in self.works.iter().filter(|work| has(&work.slug)) {
                self.skipped.push(SkippedReport {
                    slug: work.slug.clone(),
                    report: work.report.id.clone(),
                    fingerprint: Some(work.fingerprint.clone()),
                    reason: Reason::Leased,
                    message: message.clone(),
                    since: work.report.created_at,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_runs_under_an_id_of_its_own_that_is_the_same_each_time() {
        let parent = "20270115T080000Z-0123abcd";
        let [first, second] = [1, 2].map(|index| run_id_of(parent, index));
        assert_eq!(first, run_id_of(parent, 1));
        assert!(first != second && first != parent);
        assert!(first.starts_with("20270115T080000Z-") && first.len() == parent.len(), "{first}");
        assert_ne!(run_id_of("20270115T080000Z-0123abce", 1), first);
    }
}
