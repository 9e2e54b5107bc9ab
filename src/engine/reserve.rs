//! `reserve`: reads the forge, chooses work, leases it, takes the money (PROTOCOL.md, 1). Layer 4.
//!
//! Runs no repository code, calls no model, writes to no target.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};

use crate::budget;
use crate::engine::glance::{self, WATERMARKS, Watermarks};
use crate::engine::lease::{Lease, LeasedFailure, Leases};
use crate::engine::rebuild::Rebuilt;
use crate::engine::select::{Selected, rest, select};
use crate::engine::settle::Day;
use crate::engine::state::{Mutations, Snapshot, StateError, budget_path, decode, encode, failure_path, lease_path};
use crate::engine::{
    Context, EngineError, RESERVATION_SCHEMA, Reservation, Selection, SkippedReport, Work, retry, shards, traces,
};
use crate::event::{Event, Recovered};
use crate::gate;
use crate::model::{Allowance, FailureState, MicroUsd, Policy, Reason};

/// How much longer a lease holds than the run may take.
const GRACE: Duration = Duration::from_mins(10);
/// Repositories read at once.
const READERS: usize = 8;

/// Chooses work over the whole fleet and leases it.
///
/// # Errors
/// When the forge's clock or the state branch cannot be read, or the lease cannot be written. A repository that fails is
/// no error; it is a view with a problem.
pub async fn reserve(context: &Context<'_>, selection: &Selection) -> Result<Reservation, EngineError> {
    reserve_in_parts(context, selection, None).await
}

/// Chooses work as [`reserve`] does, and divides it into at most so many parts, each with a lease and a grant of its own.
///
/// # Errors
/// As [`reserve`].
pub async fn reserve_in_parts(
    context: &Context<'_>,
    selection: &Selection,
    shards: Option<u32>,
) -> Result<Reservation, EngineError> {
    let now = retry(context.system, async || context.forge.now().await).await?;
    let state = context.state();
    let snapshot = state.snapshot().await?;
    let leases = Leases::read(&state, &snapshot, now, context.owner_is_gone).await?;
    let policies: Vec<&Policy> = context
        .config
        .repositories
        .iter()
        .filter(|policy| selection.only.as_ref().is_none_or(|only| *only == policy.slug))
        .collect();
    context.progress.stage("Reading repositories", Some(policies.len()));
    // Who names an issue wants it looked at.
    let looked = match selection.issue {
        None => glance::look(context, now, &state, &snapshot, &leases, &policies).await?,
        Some(_) => policies.iter().map(|_| None).collect(),
    };
    let selected: Vec<Selected> = stream::iter(policies.into_iter().zip(&looked))
        .map(async |(policy, seen)| {
            let selected = match seen {
                Some(seen) if seen.quiet => rest(context, policy, &seen.repository).await,
                _ => select(context, now, &snapshot, &leases, policy, selection).await,
            };
            context.progress.step(&context.veil.name(&policy.slug));
            selected
        })
        .buffered(READERS)
        .collect()
        .await;
    let mut reservation = Reservation {
        schema: RESERVATION_SCHEMA.to_owned(),
        run_id: context.run.id.clone(),
        made_at: now,
        deadline: now.after(context.config.run.deadline),
        grant: MicroUsd::ZERO,
        only: selection.only.clone(),
        repositories: Vec::new(),
        works: Vec::new(),
        skipped: Vec::new(),
        duplicates: Vec::new(),
        outdated: Vec::new(),
        shards: None,
    };
    let marks = glance::marks(looked.iter().zip(&selected));
    let mut rebuilt = Vec::new();
    for one in selected {
        rebuilt.extend(one.rebuilt);
        reservation.repositories.push(one.view);
        reservation.works.extend(one.works);
        reservation.skipped.extend(one.skipped);
        reservation.duplicates.extend(one.duplicates);
        reservation.outdated.extend(one.outdated);
    }
    if !reservation.works.is_empty() && !context.run.dry_run {
        let times: Vec<_> = rebuilt.iter().map(|one: &Rebuilt| one.latest).collect();
        // Asked only where there is no branch, which is once in the life of a fleet, and after a loss.
        let unseen = !snapshot.exists() && !traces::any(context, &reservation).await;
        let branch = if snapshot.exists() {
            gate::Ledger::Kept(snapshot.days())
        } else if unseen {
            gate::Ledger::NeverBegun
        } else {
            gate::Ledger::Missing
        };
        let ledger_lost = gate::ledger_is_lost(&branch, now, &times);
        let today = state.read_json::<Day>(&snapshot, &budget_path(&now.day())).await?.unwrap_or_default();
        let found = Found { marks, rebuilt, ledger_lost, no_money: ledger_lost || today.ledger_lost };
        take_lease(context, &mut reservation, &found, shards).await?;
    }
    let works: Vec<&Work> = reservation.works.iter().collect();
    reservation.shards = shards.map(|count| shards::deal(&works, count, reservation.grant, &reservation.run_id));
    Ok(reservation)
}

/// What goes with the lease.
struct Found {
    /// What the fleet looked like where it rests; moved by a commit that is made for another reason.
    marks: Watermarks,
    /// States that mirrors gave back; they go with the first write of the run, and nothing is written for them alone.
    rebuilt: Vec<Rebuilt>,
    /// What was spent today is not known, and the day is to be marked so.
    ledger_lost: bool,
    /// Nothing of today's money may be granted, by this loss or by one that was marked before.
    no_money: bool,
}

/// Writes the lease and the grant, in one commit; work that another run leased in the meantime is left to it.
///
/// The same commit clears leases that ended without a record, and counts one attempt for each of their failures.
async fn take_lease(
    context: &Context<'_>,
    reservation: &mut Reservation,
    found: &Found,
    shards: Option<u32>,
) -> Result<(), EngineError> {
    let config = context.config;
    // No model is configured yet that could spend it; what is not needed is not taken from the day.
    let wanted = Allowance::Cap(MicroUsd::ZERO);
    let day = if found.no_money { Allowance::Cap(MicroUsd::ZERO) } else { config.budget.day };
    reservation.grant = match budget::grant(wanted, day, MicroUsd::ZERO, MicroUsd::ZERO) {
        Allowance::Cap(grant) => grant,
        Allowance::Unlimited => MicroUsd::ZERO,
    };
    let lost: Mutex<BTreeSet<usize>> = Mutex::default();
    let (works, now) = (&reservation.works, reservation.made_at);
    let today = budget_path(&now.day());
    let paths = |snapshot: &Snapshot| -> Vec<String> {
        let below = |folder: &'static str| snapshot.below(folder).map(str::to_owned).collect::<Vec<_>>();
        let mut paths = below("leases/");
        // States are needed only where an overdue lease has to be counted, which is rare; there they are few.
        if !paths.is_empty() {
            paths.extend(below("failures/"));
        }
        paths.extend(found.rebuilt.iter().map(|one| failure_path(one.repository_id, &one.state.fingerprint)));
        paths.push(today.clone());
        paths.push(WATERMARKS.to_owned());
        paths.sort();
        paths.dedup();
        paths
    };
    let change = |present: &BTreeMap<String, Vec<u8>>| -> Result<Mutations, StateError> {
        let mut others = Vec::new();
        for (path, bytes) in present.iter().filter(|(path, _)| path.starts_with("leases/")) {
            others.push(decode::<Lease>(path, bytes)?);
        }
        others.retain(|lease| !shards::is_of(&lease.run_id, &context.run.id));
        let leases = Leases::sorted(others, now, context.owner_is_gone);
        let taken = |work: &Work| leases.holding.iter().any(|l| l.covers(work.repository_id, &work.fingerprint));
        let mut mine = Vec::new();
        let mut missed = BTreeSet::new();
        for (index, work) in works.iter().enumerate() {
            if taken(work) {
                missed.insert(index);
            } else {
                mine.push(work);
            }
        }
        let nothing = mine.is_empty();
        *lost.lock().unwrap_or_else(PoisonError::into_inner) = missed;
        if nothing {
            return Ok(Mutations::new());
        }
        let of_mine = leases_of(context, reservation, &mine, shards);
        let mut mutations: Mutations =
            of_mine.iter().map(|lease| (lease_path(&lease.run_id), Some(encode(lease)))).collect();
        if !found.marks.is_empty() {
            let mut marks: Watermarks = match present.get(WATERMARKS) {
                Some(bytes) => decode(WATERMARKS, bytes)?,
                None => Watermarks::new(),
            };
            marks.extend(found.marks.iter().map(|(id, mark)| (*id, mark.clone())));
            mutations.insert(WATERMARKS.to_owned(), Some(encode(&marks)));
        }
        mutations.extend(leases.free.iter().map(|lease| (lease_path(&lease.run_id), None)));
        let mut states = restored(&found.rebuilt, present)?;
        count_overdue(&leases.overdue, present, &mut states, &mut mutations)?;
        mutations.extend(states.into_iter().map(|(path, state)| (path, Some(encode(&state)))));
        if found.ledger_lost {
            let mut day =
                present.get(&today).map_or_else(|| Ok(Day::default()), |bytes| decode::<Day>(&today, bytes))?;
            day.ledger_lost = true;
            mutations.insert(today.clone(), Some(encode(&day)));
        }
        Ok(mutations)
    };
    let message = format!("reserve: {} failure(s) for run {}", works.len(), context.run.id);
    let written = context.state().update(&message, &paths, &change).await?;
    for one in found.rebuilt.iter().filter(|_| written) {
        let (repo, fingerprint) = (one.slug.to_string(), one.state.fingerprint.to_string());
        let recovered = Recovered { repo, fingerprint, what: one.what() };
        context.record(Event::Recovered(Box::new(recovered)))?;
    }
    let lost = lost.into_inner().unwrap_or_else(PoisonError::into_inner);
    leave_lost(reservation, &lost);
    Ok(())
}

/// Makes the run's lease, or one for each shard, so that the death of one leaves the others' work theirs.
fn leases_of(context: &Context<'_>, reservation: &Reservation, works: &[&Work], shards: Option<u32>) -> Vec<Lease> {
    let lease = |run_id: &str, grant: MicroUsd, has: &dyn Fn(&Work) -> bool| Lease {
        run_id: run_id.to_owned(),
        owner: context.run.owner.clone(),
        deadline: reservation.deadline.after(GRACE),
        grant,
        failures: works.iter().filter(|work| has(work)).map(|work| leased(work)).collect(),
    };
    let Some(count) = shards else { return vec![lease(&context.run.id, reservation.grant, &|_| true)] };
    let dealt = shards::deal(works, count, reservation.grant, &context.run.id);
    dealt.iter().map(|one| lease(&one.run_id, one.grant, &|work| one.repositories.contains(&work.slug))).collect()
}

fn leased(work: &Work) -> LeasedFailure {
    LeasedFailure {
        repository_id: work.repository_id,
        fingerprint: work.fingerprint.clone(),
        family: work.family.clone(),
        episode: work.episode,
    }
}

/// Joins states that mirrors gave back with what another run may have written since.
fn restored(
    rebuilt: &[Rebuilt],
    present: &BTreeMap<String, Vec<u8>>,
) -> Result<BTreeMap<String, FailureState>, StateError> {
    let mut states = BTreeMap::new();
    for one in rebuilt {
        let path = failure_path(one.repository_id, &one.state.fingerprint);
        let recorded = present.get(&path).map(|bytes| decode::<FailureState>(&path, bytes)).transpose()?;
        let state = gate::rebuilt(recorded.as_ref(), std::slice::from_ref(&one.state));
        states.extend(state.map(|state| (path, state)));
    }
    Ok(states)
}

/// Counts one attempt for each failure of each overdue lease, and takes the lease away.
fn count_overdue(
    overdue: &[Lease],
    present: &BTreeMap<String, Vec<u8>>,
    states: &mut BTreeMap<String, FailureState>,
    mutations: &mut Mutations,
) -> Result<(), StateError> {
    for lease in overdue {
        mutations.insert(lease_path(&lease.run_id), None);
        for one in &lease.failures {
            let path = failure_path(one.repository_id, &one.fingerprint);
            let state = match (states.remove(&path), present.get(&path)) {
                (Some(state), _) => state,
                (None, Some(bytes)) => decode(&path, bytes)?,
                (None, None) => FailureState::new(one.fingerprint.clone(), one.family.clone(), one.episode),
            };
            // An episode that is over by now is not charged for what happened in it.
            let counted = if state.episode == one.episode { gate::unrecorded(state, lease.deadline) } else { state };
            states.insert(path, counted);
        }
    }
    Ok(())
}

/// Moves work that another run leased first to what is left alone.
fn leave_lost(reservation: &mut Reservation, lost: &BTreeSet<usize>) {
    let works = std::mem::take(&mut reservation.works);
    for (index, work) in works.into_iter().enumerate() {
        if lost.contains(&index) {
            reservation.skipped.push(SkippedReport {
                slug: work.slug,
                since: work.report.created_at,
                report: work.report.id,
                fingerprint: Some(work.fingerprint),
                reason: Reason::Leased,
                message: Reason::Leased.sentence().to_owned(),
            });
        } else {
            reservation.works.push(work);
        }
    }
}
