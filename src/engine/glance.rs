//! A first look over the fleet, so that repositories where nothing changed cost next to nothing (PROTOCOL.md, 9). Layer 4.
//!
//! What it shows is never a base for a decision to create something: it only says where nobody has to look.

use std::collections::BTreeMap;

use crate::engine::lease::Leases;
use crate::engine::select::Selected;
use crate::engine::state::{Snapshot, StateBranch, StateError};
use crate::engine::{Context, retry};
use crate::forge::{Checks, Glance, GlanceQuery, Repository};
use crate::gate::{self, Health, Look, Watermark};
use crate::model::{Policy, Timestamp, sha256_prefixed};

/// Where the watermarks of the fleet lie on the state branch.
pub(crate) const WATERMARKS: &str = "watermarks.json";

/// Watermarks by the forge's id of the repository.
pub(crate) type Watermarks = BTreeMap<u64, Watermark>;

/// What the first look showed of one repository.
pub(crate) struct Seen {
    pub(crate) repository: Repository,
    pub(crate) look: Look,
    pub(crate) quiet: bool,
}

/// Looks at every repository once; nothing for those of which nothing could be seen.
pub(crate) async fn look(
    context: &Context<'_>,
    now: Timestamp,
    state: &StateBranch<'_>,
    snapshot: &Snapshot,
    leases: &Leases,
    policies: &[&Policy],
) -> Result<Vec<Option<Seen>>, StateError> {
    let queries: Vec<GlanceQuery> = policies
        .iter()
        .map(|policy| GlanceQuery {
            slug: policy.slug.clone(),
            branch: policy.branch.clone(),
            labels: policy.trigger_labels.clone(),
        })
        .collect();
    let marks: Watermarks = state.read_json(snapshot, WATERMARKS).await?.unwrap_or_default();
    let answers = match retry(context.system, async || context.forge.glance(&queries).await).await {
        Ok(answers) => answers,
        Err(error) => {
            tracing::info!(%error, "the fleet cannot be looked at as a whole; each repository is read by itself");
            return Ok(policies.iter().map(|_| None).collect());
        }
    };
    let mut answers = answers.into_iter();
    let seen = |policy: &&Policy| {
        let glance = answers.next()?.ok()?;
        let (repository, id) = (glance.repository.clone(), glance.repository.id);
        let look = look_of(context, policy, glance);
        let in_hand = snapshot.below(&format!("candidates/{id}/")).next().is_some() || leases.touch(id);
        let quiet = gate::is_quiet(&look, marks.get(&id), in_hand, policy.workflows.failed_runs, now);
        Some(Seen { repository, look, quiet })
    };
    Ok(policies.iter().map(seen).collect())
}

fn look_of(context: &Context<'_>, policy: &Policy, glance: Glance) -> Look {
    Look {
        head: glance.head,
        reports: glance.reports,
        newest_report: glance.newest_report,
        health: match glance.checks {
            Checks::Passing => Health::Passing,
            Checks::None | Checks::Pending => Health::Unsure,
            Checks::Failing => Health::Failing,
        },
        settings: sha256_prefixed(&[&policy.config_hash(), context.library_digest, &context.run.version]),
    }
}

/// Collects the watermarks of repositories that were read whole and have nothing to do.
pub(crate) fn marks<'a>(looked: impl Iterator<Item = (&'a Option<Seen>, &'a Selected)>) -> Watermarks {
    let rests = |(seen, selected): (&Option<Seen>, &Selected)| {
        let seen = seen.as_ref().filter(|seen| !seen.quiet)?;
        let done = selected.works.is_empty()
            && !selected.unsettled
            && selected.view.error.is_none()
            // Of what may not be named no commit is either.
            && !selected.view.hidden
            && selected.skipped.iter().all(|one| gate::stays(one.reason, &one.report));
        done.then(|| (seen.repository.id, Watermark { look: seen.look.clone(), wake_at: selected.wake_at }))
    };
    looked.filter_map(rests).collect()
}
