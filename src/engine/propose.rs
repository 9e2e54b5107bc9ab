//! `propose`: runs repository code and fixers, and leaves candidates (PROTOCOL.md, 1). Layer 4.
//!
//! Holds no token that can write, and looks at no day window.

use std::collections::BTreeMap;
use std::sync::Mutex;

use futures_util::stream::{self, StreamExt as _};
use tracing::Instrument as _;

use crate::budget::Ledger;
use crate::engine::attempt::{self, Means, Outcome};
use crate::engine::baseline::{self, Baseline, Unusable};
use crate::engine::fixers::Fixer;
use crate::engine::{Attempted, Context, Reservation, Work, is_past, veil};
use crate::fingerprint;
use crate::model::{
    Allowance, AlsoFixes, Candidate, Fingerprint, MANIFEST_SCHEMA, Manifest, MicroUsd, Patch, Policy, Reason, RepoPath,
    Settled, Status, Timestamp, Tokens, Verdict, sha256_hex,
};
use crate::proof;
use crate::redact::Redactor;

/// What `propose` leaves behind: candidate files and their manifest, and what people may want to look at.
#[derive(Debug, Default)]
pub struct Proposals {
    /// Candidate files, by name.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Digests, other ends, money.
    pub manifest: Manifest,
    /// Test logs by file name, not yet redacted.
    pub logs: BTreeMap<String, String>,
    /// Refused patches with their verdicts.
    pub refused: Vec<RefusedPatch>,
    /// Ids of patterns that were tried.
    pub patterns_tried: Vec<String>,
}

/// A patch that the guardrails refused, kept so that nothing is lost.
#[derive(Debug)]
pub struct RefusedPatch {
    /// The failure's work.
    pub work: Box<Work>,
    /// The patch.
    pub patch: Patch,
    /// What the guardrails said.
    pub verdict: Verdict,
}

/// Attempts all reserved work.
pub async fn propose(context: &Context<'_>, reservation: &Reservation, fixers: &[&dyn Fixer]) -> Proposals {
    let ledger = Mutex::new(Ledger::new(Allowance::Cap(reservation.grant), context.config.budget.attempt));
    let mut by_repository: Vec<(&Policy, Vec<&Work>)> = Vec::new();
    for policy in &context.config.repositories {
        let works: Vec<&Work> = reservation.works.iter().filter(|work| work.slug == policy.slug).collect();
        if !works.is_empty() {
            by_repository.push((policy, works));
        }
    }
    context.progress.stage("Attempting failures", Some(reservation.works.len()));
    let finished: Vec<Vec<(&Work, Outcome)>> = stream::iter(by_repository)
        .map(|(policy, works)| {
            let span = tracing::info_span!("repository", repo = %context.veil.name(&policy.slug));
            attempt_repository(context, reservation, policy, works, fixers, &ledger).instrument(span)
        })
        .buffered(context.config.run.concurrency.max(1))
        .collect()
        .await;
    let mut proposals = Proposals {
        manifest: Manifest {
            schema: MANIFEST_SCHEMA.to_owned(),
            run_id: context.run.id.clone(),
            ..Manifest::default()
        },
        ..Proposals::default()
    };
    for (work, outcome) in finished.into_iter().flatten() {
        collect(&mut proposals, context, work, outcome);
    }
    proposals
}

/// Attempts the failures of one repository, one after the other, on one checkout.
async fn attempt_repository<'w>(
    context: &Context<'_>,
    reservation: &Reservation,
    policy: &Policy,
    works: Vec<&'w Work>,
    fixers: &[&dyn Fixer],
    ledger: &Mutex<Ledger>,
) -> Vec<(&'w Work, Outcome)> {
    let mut outcomes: Vec<(&Work, Outcome)> = Vec::new();
    let Some(first) = works.first() else { return outcomes };
    let open = policy.max_open_prs.saturating_sub(
        reservation.repositories.iter().find(|view| view.slug == policy.slug).map_or(0, |view| view.open_pulls),
    );
    let room = policy.max_prs_per_run.min(open) as usize;
    let checkout = context.workspace.open(&policy.slug, &first.base_sha).await;
    let mut baselines: BTreeMap<Option<RepoPath>, Result<Baseline, Unusable>> = BTreeMap::new();
    for work in works {
        let now = context.forge.now().await.unwrap_or_else(|_| context.system.now());
        let means = Means {
            policy,
            fixers,
            run_id: &context.run.id,
            run_url: context.run.url.as_deref(),
            version: &context.run.version,
            now,
        };
        let began = context.system.monotonic();
        // What takes the place of a patch of ours opens nothing.
        let opens = |outcome: &Outcome| match &outcome.attempted {
            Attempted::Proven(candidate) => candidate.replaces.is_none(),
            Attempted::Settled(_) => false,
        };
        let proven = outcomes.iter().filter(|(_, outcome)| opens(outcome)).count();
        let span = tracing::info_span!("failure", fingerprint = %work.fingerprint);
        let outcome = async {
            if is_past(reservation.deadline, now) {
                return leave(work, &means, Reason::Deadline);
            }
            match &checkout {
                Ok(checkout) => {
                    let project = attempt::project_of(work, checkout.as_ref(), policy);
                    let key = project.map(|p| p.path.clone());
                    if !baselines.contains_key(&key) {
                        let prepared = baseline::prepare(checkout.as_ref(), policy, project).await;
                        baselines.insert(key.clone(), prepared);
                    }
                    let subsumer = match baselines.get(&key) {
                        Some(Ok(baseline)) => subsumed(work, baseline, &mut outcomes),
                        _ => None,
                    };
                    if let Some(subsumer) = subsumer {
                        return mended_by(work, &means, subsumer);
                    }
                    if work.replaces.is_none() && proven >= room {
                        return leave(work, &means, Reason::Capped);
                    }
                    match baselines.get(&key) {
                        Some(baseline) => attempt::attempt(work, checkout.as_ref(), baseline, &means, ledger).await,
                        None => leave(work, &means, Reason::Infrastructure),
                    }
                }
                Err(error) => attempt::without_baseline(work, &baseline::machine(error), &means),
            }
        }
        .instrument(span)
        .await;
        let mut outcome = outcome;
        let ended = now.after(context.system.monotonic().saturating_sub(began));
        match &mut outcome.attempted {
            Attempted::Proven(candidate) => {
                candidate.completed_at = ended;
                without_secrets(candidate, context.redactor);
            }
            Attempted::Settled(settled) => settled.completed_at = ended,
        }
        context.progress.step(&veil::piece(context, &work.slug, &work.report.id));
        outcomes.push((work, outcome));
    }
    outcomes
}

/// Takes secrets out of what a candidate tells: its file is handed from job to job, and lies where others may read (P-25).
///
/// What it does, files and identities, stays as it is; the guardrails look for secrets there.
fn without_secrets(candidate: &mut Candidate, redactor: &Redactor) {
    let clean = |text: &str| redactor.redact(text).into_string();
    candidate.failure = told(&candidate.failure, &clean).unwrap_or_default();
    if let Some(evidence) = told(&candidate.evidence, &clean) {
        candidate.evidence = evidence;
    }
    candidate.title = clean(&candidate.title);
    candidate.hypothesis = clean(&candidate.hypothesis);
    candidate.alternative = candidate.alternative.as_deref().map(clean);
}

/// Returns a value with every text of it cleaned; `None` where one of them may not be another.
fn told<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T, clean: &dyn Fn(&str) -> String) -> Option<T> {
    fn walk(value: &mut serde_json::Value, clean: &dyn Fn(&str) -> String) {
        match value {
            serde_json::Value::String(text) => *text = clean(text),
            serde_json::Value::Array(items) => items.iter_mut().for_each(|item| walk(item, clean)),
            serde_json::Value::Object(fields) => fields.values_mut().for_each(|item| walk(item, clean)),
            _ => {}
        }
    }
    let mut value = serde_json::to_value(value).ok()?;
    walk(&mut value, clean);
    serde_json::from_value(value).ok()
}

/// Finds an earlier patch of this run that turns this failure's target green, and lists the failure there (PROTOCOL.md,
/// 5.7). Returns whose patch it is.
fn subsumed(work: &Work, baseline: &Baseline, outcomes: &mut [(&Work, Outcome)]) -> Option<Fingerprint> {
    let same = |seen: &crate::model::Failure| fingerprint::same_failure(&work.failure, seen).same;
    let proof::Target::Tests(tests) = proof::find_target(&work.failure, &baseline.observation, &same) else {
        return None;
    };
    for (_, outcome) in outcomes {
        let Attempted::Proven(candidate) = &mut outcome.attempted else { continue };
        if tests.iter().all(|test| outcome.turned_green.contains(test)) {
            candidate
                .also_fixes
                .push(AlsoFixes { fingerprint: work.fingerprint.clone(), report: work.report.id.clone() });
            return Some(candidate.fingerprint.clone());
        }
    }
    None
}

/// Leaves a failure to another one's patch, and remembers whose, so that it is not tried while that patch is under way.
fn mended_by(work: &Work, means: &Means<'_>, other: Fingerprint) -> Outcome {
    let mut outcome = leave(work, means, Reason::Subsumed);
    if let Attempted::Settled(settled) = &mut outcome.attempted {
        settled.state_after.subsumed_by = Some(other);
    }
    outcome
}

/// Leaves work for another run: nothing of it is written to the state.
fn leave(work: &Work, means: &Means<'_>, reason: Reason) -> Outcome {
    Outcome::without_candidate(left(work, means.now, reason))
}

/// Makes the end of an attempt that was never begun.
pub(crate) fn left(work: &Work, now: Timestamp, reason: Reason) -> Settled {
    Settled {
        slug: work.slug.clone(),
        repository_id: work.repository_id,
        fingerprint: work.fingerprint.clone(),
        report: work.report.id.clone(),
        status: Status::Skipped,
        reason,
        message: reason.sentence().to_owned(),
        counts: false,
        state_after: work.state.clone(),
        cost: MicroUsd::ZERO,
        tokens: Tokens::default(),
        started_at: now,
        completed_at: now,
        logs: Vec::new(),
    }
}

/// Puts one outcome into the files that go on to `record` and `publish`.
fn collect(proposals: &mut Proposals, context: &Context<'_>, work: &Work, outcome: Outcome) {
    let mut names = Vec::new();
    for log in outcome.logs {
        let name =
            format!("logs/{}-{}-{}-{}.log.zst", context.run.id, work.repository_id, work.fingerprint.fp16(), log.side);
        names.push(name.clone());
        proposals.logs.insert(name, log.text);
    }
    proposals.patterns_tried.extend(outcome.tried);
    proposals.manifest.cost = proposals.manifest.cost.plus(outcome.cost);
    proposals.manifest.tokens = proposals.manifest.tokens.plus(outcome.tokens);
    if let (Some(patch), Some(verdict)) = (outcome.refused, outcome.verdict) {
        proposals.refused.push(RefusedPatch { work: Box::new(work.clone()), patch, verdict });
    }
    match outcome.attempted {
        Attempted::Proven(mut candidate) => {
            candidate.logs = names;
            let bytes = crate::engine::state::encode(&candidate);
            proposals.manifest.digests.insert(candidate.file_name(), sha256_hex(&bytes));
            proposals.files.insert(candidate.file_name(), bytes);
        }
        Attempted::Settled(mut settled) => {
            settled.logs = names;
            proposals.manifest.settled.push(*settled);
        }
    }
}
