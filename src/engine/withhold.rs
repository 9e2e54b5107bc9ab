//! What is taken back, or never begun, because of the place where `propose` runs (THREATS.md, V-43 and V-74). Layer 4.
//!
//! Nothing here speaks against a patch or a failure: another place may take both up again.

use std::collections::BTreeMap;

use crate::engine::propose::{Proposals, left};
use crate::engine::{Context, Reservation};
use crate::model::{Candidate, MANIFEST_SCHEMA, Manifest, Reason, Settled, Status};

/// Begins nothing: every failure is left for a run elsewhere, and its state stays as it is.
pub async fn nothing(context: &Context<'_>, reservation: &Reservation, reason: Reason, why: &str) -> Proposals {
    let now = context.forge.now().await.unwrap_or_else(|_| context.system.now());
    let settled =
        reservation.works.iter().map(|work| Settled { message: said(reason, why), ..left(work, now, reason) });
    Proposals {
        manifest: Manifest {
            schema: MANIFEST_SCHEMA.to_owned(),
            run_id: context.run.id.clone(),
            settled: settled.collect(),
            ..Manifest::default()
        },
        ..Proposals::default()
    }
}

/// Takes every candidate back: what was proved here may have been proved by whoever reached out of his sandbox.
pub fn all(manifest: &mut Manifest, files: &mut BTreeMap<String, Vec<u8>>, reason: Reason, why: &str) {
    for (name, bytes) in std::mem::take(files) {
        manifest.digests.remove(&name);
        // What this process wrote itself a moment ago can be read.
        let Ok(mut candidate) = serde_json::from_slice::<Candidate>(&bytes) else { continue };
        // It stays an attempt: what reaches out once does so again.
        (candidate.state_after.status, candidate.state_after.tree) = (Some(Status::Refused), None);
        manifest.settled.push(Settled {
            slug: candidate.slug,
            repository_id: candidate.repository_id,
            fingerprint: candidate.fingerprint,
            report: candidate.report,
            status: Status::Refused,
            reason,
            message: said(reason, why),
            counts: true,
            state_after: candidate.state_after,
            cost: candidate.cost,
            tokens: candidate.tokens,
            started_at: candidate.started_at,
            completed_at: candidate.completed_at,
            logs: candidate.logs,
        });
    }
}

fn said(reason: Reason, why: &str) -> String {
    format!("{} ({why})", reason.sentence())
}
