//! Chooses among failures that may all be worked on: of one family the oldest goes first, and what is under way is waited
//! for (PATTERNS.md, A2). Layer 4.

use std::collections::BTreeMap;

use crate::engine::select::{Around, Group, Selected, Selector};
use crate::fingerprint;
use crate::forge::{ForgeError, PullState};
use crate::gate::{self, Kin, Kindred, Member, UnderWay};
use crate::model::{Family, Fingerprint, Reason, Related, ReportId, Sketch};

/// What is compared of a failure that this run read.
struct Seen {
    fingerprint: Fingerprint,
    family: Family,
    sketch: Sketch,
    report: Option<ReportId>,
}

impl Selector<'_> {
    /// Gates every failure, the oldest first, and adds to the work what neither a rule nor a relative holds up.
    pub(super) async fn choose(
        &self,
        around: &Around<'_>,
        mut groups: Vec<Group>,
        selected: &mut Selected,
    ) -> Result<(), ForgeError> {
        let mut under_way = BTreeMap::new();
        let mut ready = Vec::with_capacity(groups.len());
        for group in &mut groups {
            ready.push(self.gate(around, group, &mut under_way, selected).await?);
        }
        // Sketches are worth their hashes only where there is something to choose.
        if ready.iter().all(Option::is_none) {
            return Ok(());
        }
        let seen: Vec<Seen> = groups.iter().filter_map(seen).collect();
        let recorded = around.known.iter().filter_map(|state| {
            let (fingerprint, family, report) = (&state.fingerprint, &state.family, state.reports.first());
            Some(Member { fingerprint, family, sketch: state.sketch.as_ref()?, report })
        });
        let read = seen.iter().map(|seen| Member {
            fingerprint: &seen.fingerprint,
            family: &seen.family,
            sketch: &seen.sketch,
            report: seen.report.as_ref(),
        });
        let kindred = Kindred::new(read.chain(recorded));
        for (group, ready) in groups.into_iter().zip(ready) {
            let Some(ready) = ready else { continue };
            let kin = match seen.iter().find(|seen| seen.fingerprint == group.fingerprint) {
                Some(seen) => kindred.of(&seen.fingerprint, &seen.sketch),
                None => Vec::new(),
            };
            if ready.untried {
                self.look_at(around, &kin, &mut under_way).await?;
                if let Some(deferral) = gate::deferred(&kin, &under_way) {
                    self.skip_saying(&group, Reason::FamilyDeferred, deferral.sentence(), selected);
                    continue;
                }
            }
            under_way.insert(group.fingerprint.clone(), UnderWay::ThisRun);
            selected.works.push(self.work(around.base, group, ready, related(kin)));
        }
        Ok(())
    }

    /// Learns which near duplicates are under way that no report of this run speaks of.
    async fn look_at(
        &self,
        around: &Around<'_>,
        kin: &[Kin],
        under_way: &mut BTreeMap<Fingerprint, UnderWay>,
    ) -> Result<(), ForgeError> {
        for Kin { fingerprint, .. } in kin.iter().filter(|kin| kin.relation == fingerprint::Relation::Family) {
            if under_way.contains_key(fingerprint) {
                continue;
            }
            let mut way = self.in_hand(around.base, fingerprint);
            if way.is_none() {
                let pulls = self.our_pulls(fingerprint).await?;
                let open = pulls.iter().find(|pull| pull.state == PullState::Open);
                way = open.map(|pull| UnderWay::PullRequest(pull.number));
            }
            under_way.extend(way.map(|way| (fingerprint.clone(), way)));
        }
        Ok(())
    }
}

fn seen(group: &Group) -> Option<Seen> {
    let canonical = group.reports.first()?;
    Some(Seen {
        fingerprint: group.fingerprint.clone(),
        family: group.family.clone(),
        sketch: Sketch::of(&canonical.identity.components),
        report: Some(canonical.report.id.clone()),
    })
}

/// Lists relatives that a reader can be led to.
fn related(kin: Vec<Kin>) -> Vec<Related> {
    kin.into_iter().filter_map(|kin| Some(Related { fingerprint: kin.fingerprint, report: kin.report? })).collect()
}
