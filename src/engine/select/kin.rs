//! Chooses among failures that may all be worked on: of one family the oldest goes first, and what is under way is waited
//! for (PATTERNS.md, A2). Layer 4.

use std::collections::{BTreeMap, BTreeSet};

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
        let mut workflows = BTreeSet::new();
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
            // At most one pull request at a time is open for one failed workflow run (PROTOCOL.md, 4).
            if let Some(workflow) = workflow(&group)
                && (workflows.contains(workflow) || self.workflow_is_busy(around, workflow, &group).await?)
            {
                workflows.insert(workflow.to_owned());
                self.skip(&group, Reason::SameRun, selected);
                continue;
            }
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
            workflows.extend(workflow(&group).map(str::to_owned));
            selected.works.push(self.work(around.base, group, ready, related(kin)));
        }
        Ok(())
    }

    /// Returns whether a pull request or a candidate for another failure of the same workflow is under way.
    async fn workflow_is_busy(&self, around: &Around<'_>, workflow: &str, group: &Group) -> Result<bool, ForgeError> {
        let of_workflow = |report: &ReportId| matches!(report, ReportId::Run { workflow: of, .. } if of == workflow);
        for state in around.known.iter().filter(|state| state.fingerprint != group.fingerprint) {
            if state.tree.is_none() || !state.reports.iter().any(of_workflow) {
                continue;
            }
            if self.in_hand(around.base, &state.fingerprint).is_some() {
                return Ok(true);
            }
            let pulls = self.our_pulls(&state.fingerprint).await?;
            if pulls.iter().any(|pull| pull.state == PullState::Open) {
                return Ok(true);
            }
        }
        Ok(false)
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

/// Returns the workflow of a failure that only a failed run reports.
fn workflow(group: &Group) -> Option<&str> {
    match &group.reports.first()?.report.id {
        ReportId::Run { workflow, .. } => Some(workflow),
        ReportId::Issue { .. } => None,
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
