//! `reserve`: reads the forge, chooses work, leases it, takes the money (PROTOCOL.md, 1). Layer 4.
//!
//! Runs no repository code, calls no model, writes to no target.

use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};

use crate::budget;
use crate::engine::lease::{self, Lease, LeasedFailure};
use crate::engine::select::{Selected, select};
use crate::engine::state::{Mutations, budget_path, encode, lease_path};
use crate::engine::{Context, EngineError, RESERVATION_SCHEMA, Reservation, Selection};
use crate::model::{Allowance, MicroUsd, Policy};

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
    let now = context.forge.now().await?;
    let state = context.state();
    let snapshot = state.snapshot().await?;
    let mut leases = lease::read_all(&state, &snapshot).await?;
    leases.retain(|lease| lease.holds(now, context.owner_is_gone));
    let policies: Vec<&Policy> = context
        .config
        .repositories
        .iter()
        .filter(|policy| selection.only.as_ref().is_none_or(|only| *only == policy.slug))
        .collect();
    context.progress.stage("Reading repositories", Some(policies.len()));
    let selected: Vec<Selected> = stream::iter(policies)
        .map(async |policy| {
            let selected = select(context, &snapshot, &leases, policy, selection).await;
            context.progress.step(&policy.slug.to_string());
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
        repositories: Vec::new(),
        works: Vec::new(),
        skipped: Vec::new(),
        duplicates: Vec::new(),
    };
    for one in selected {
        reservation.repositories.push(one.view);
        reservation.works.extend(one.works);
        reservation.skipped.extend(one.skipped);
        reservation.duplicates.extend(one.duplicates);
    }
    if !reservation.works.is_empty() && !context.run.dry_run {
        take_lease(context, &mut reservation).await?;
    }
    Ok(reservation)
}

/// Writes the lease and the grant, in one commit.
async fn take_lease(context: &Context<'_>, reservation: &mut Reservation) -> Result<(), EngineError> {
    let config = context.config;
    // No model is configured yet that could spend it; what is not needed is not taken from the day.
    let wanted = Allowance::Cap(MicroUsd::ZERO);
    reservation.grant = match budget::grant(wanted, config.budget.day, MicroUsd::ZERO, MicroUsd::ZERO) {
        Allowance::Cap(grant) => grant,
        Allowance::Unlimited => MicroUsd::ZERO,
    };
    let lease = Lease {
        run_id: context.run.id.clone(),
        owner: context.run.owner.clone(),
        deadline: reservation.deadline.after(GRACE),
        grant: reservation.grant,
        failures: reservation
            .works
            .iter()
            .map(|work| LeasedFailure { repository_id: work.repository_id, fingerprint: work.fingerprint.clone() })
            .collect(),
    };
    let path = lease_path(&context.run.id);
    let message = format!("reserve: {} failure(s) for run {}", lease.failures.len(), context.run.id);
    let bytes = encode(&lease);
    context
        .state()
        .update(&message, &[path.clone(), budget_path(&reservation.made_at.day())], &|_present| {
            Ok(Mutations::from([(path.clone(), Some(bytes.clone()))]))
        })
        .await?;
    Ok(())
}
