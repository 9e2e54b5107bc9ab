//! Settles what became of published candidates: on the state branch first, then in the run's record. Layer 4.
//!
//! A candidate that could not be taken off the state branch is told of by the run that can, so that its attempt ends once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::engine::lease::Lease;
use crate::engine::publish::Published;
use crate::engine::record::{digest, latency, report_ref};
use crate::engine::state::{
    Mutations, StateError, budget_path, candidate_path, decode, encode, failure_path, lease_path,
};
use crate::engine::veil::{opaque, veiled};
use crate::engine::{Context, EngineError};
use crate::event::{AttemptFinished, Event, EvidenceRef, Line, PullRef, SandboxRef};
use crate::gate;
use crate::model::{Candidate, FailureState, Reason, ReasonClass, Source, Status};
use crate::plan;

/// Takes finished candidates off the state branch, which a dry run leaves alone, and records the one terminal event of each.
pub(crate) async fn settle(context: &Context<'_>, published: &mut [Published]) -> Result<(), EngineError> {
    // Events are made before the write, so that they go with it, and kept after it.
    let ends: Vec<Line> = published.iter().map(|one| context.line(attempt_event(one))).collect();
    let forgotten = if context.run.dry_run { Ok(()) } else { forget(context, published, &ends).await };
    for one in published.iter_mut().filter(|one| one.waits && context.veil.hidden(&one.candidate.slug).is_some()) {
        // Nothing of it lies where a later run could go on from: this attempt is over.
        one.waits = false;
    }
    if let Err(error) = forgotten {
        // The pull requests stand; only the book-keeping is left, and the next run finds the candidates and does it.
        tracing::warn!(%error, "what became of the candidates could not be written; the next run does it");
        for one in published.iter_mut().filter(|one| one.state.is_some()) {
            (one.waits, one.retryable) = (true, true);
        }
    }
    // What a dry run leaves waiting is told of by the run that ends it.
    for (_, end) in published.iter().zip(ends).filter(|(one, _)| !one.waits) {
        context.recorder.keep(end).map_err(EngineError::Journal)?;
    }
    Ok(())
}

/// What one day used of the fleet's caps, as `budget/<day>.json`; what others keep there stays.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Day {
    /// Pull requests opened that day, UTC by the forge's clock.
    #[serde(default)]
    pub(crate) pull_requests: u32,
    /// The state branch was lost or rewound: what was spent that day is not known, so all of it counts as spent (F-68).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) ledger_lost: bool,
    #[serde(flatten)]
    rest: BTreeMap<String, serde_json::Value>,
}

/// Takes finished candidates off the state branch, where what was not published is no fix, and notes which ones wait for
/// the forge's leave to open pull requests.
async fn forget(context: &Context<'_>, published: &[Published], ends: &[Line]) -> Result<(), StateError> {
    let is_veiled = |one: &Published| context.veil.hidden(&one.candidate.slug).is_some();
    let is_finished = |one: &&Published| one.state.is_some() && (!one.waits || is_veiled(one));
    let is_barred = |one: &&Published| one.waits && one.reason == Some(Reason::AwaitingPr) && !is_veiled(one);
    let finished: Vec<&Published> = published.iter().filter(is_finished).collect();
    let barred: Vec<&Published> = published.iter().filter(is_barred).collect();
    if finished.is_empty() && barred.is_empty() {
        return Ok(());
    }
    let days = finished.iter().filter_map(|one| one.pull.as_ref()).map(|pull| budget_path(&pull.created_at.day()));
    let lease = lease_path(&context.run.id);
    let paths: Vec<String> = finished
        .iter()
        .chain(&barred)
        .flat_map(|one| paths(&one.candidate))
        .chain(days)
        .chain([lease.clone()])
        .collect();
    let change = |present: &BTreeMap<String, Vec<u8>>| {
        let mut mutations = Mutations::new();
        for one in &finished {
            let waited = candidate_path(one.candidate.repository_id, &one.candidate.fingerprint);
            if is_veiled(one) && !present.contains_key(&waited) {
                forget_veiled(one, &lease, present, &mut mutations)?;
            } else {
                forget_one(context, one, present, &mut mutations)?;
            }
        }
        for one in &barred {
            hold_back(one, present, &mut mutations)?;
        }
        Ok(mutations)
    };
    let message = format!("publish: {} candidate(s) settled by run {}", finished.len(), context.run.id);
    let told = published.iter().zip(ends).filter(|(one, _)| is_finished(one));
    let ends: Vec<Line> = told.map(|(_, end)| end.clone()).collect();
    let along = context.along(&ends).await;
    context.state().update_along(&message, &|_| paths.clone(), &change, Some(&along)).await?;
    Ok(())
}

/// Settles a candidate of a private repository, for which only its part of the run's lease stands on the branch.
fn forget_veiled(
    one: &Published,
    lease_path: &str,
    present: &BTreeMap<String, Vec<u8>>,
    mutations: &mut Mutations,
) -> Result<(), StateError> {
    let bytes = mutations.get(lease_path).map_or_else(|| present.get(lease_path), Option::as_ref);
    let Some(bytes) = bytes else { return Ok(()) };
    let mut lease: Lease = decode(lease_path, bytes)?;
    let (id, fingerprint) = (one.candidate.repository_id, &one.candidate.fingerprint);
    if !lease.covers(id, fingerprint) {
        return Ok(());
    }
    lease.failures.retain(|failure| failure.repository_id != id || failure.fingerprint != *fingerprint);
    let rest = (!lease.failures.is_empty()).then(|| encode(&lease));
    mutations.insert(lease_path.to_owned(), rest);
    if matches!(one.state, Some("created" | "adopted")) {
        count(one, present, mutations)?;
    }
    let state = opaque(one.candidate.state_after.clone());
    let state = match (one.state, one.reason) {
        // The next run begins again; nothing was settled.
        (Some("left"), _) if one.waits => return Ok(()),
        (Some("left"), Some(reason)) => gate::unpublished(state, reason, one.because_of.clone()),
        _ => state,
    };
    mutations.insert(failure_path(id, fingerprint), Some(encode(&state)));
    Ok(())
}

/// Counts one more pull request of its day.
fn count(one: &Published, present: &BTreeMap<String, Vec<u8>>, mutations: &mut Mutations) -> Result<(), StateError> {
    let Some(pull) = &one.pull else { return Ok(()) };
    let path = budget_path(&pull.created_at.day());
    let bytes = mutations.get(&path).and_then(Option::as_ref).or_else(|| present.get(&path));
    let mut day = bytes.map_or_else(|| Ok(Day::default()), |bytes| decode::<Day>(&path, bytes))?;
    day.pull_requests += 1;
    mutations.insert(path, Some(encode(&day)));
    Ok(())
}

fn paths(candidate: &Candidate) -> [String; 2] {
    let (id, fingerprint) = (candidate.repository_id, &candidate.fingerprint);
    [candidate_path(id, fingerprint), failure_path(id, fingerprint)]
}

/// Settles one candidate; one that is not there any more, or is another run's by now, was settled before (F-67).
fn forget_one(
    context: &Context<'_>,
    one: &Published,
    present: &BTreeMap<String, Vec<u8>>,
    mutations: &mut Mutations,
) -> Result<(), StateError> {
    let [candidate, failure] = paths(&one.candidate);
    let Some(bytes) = present.get(&candidate) else { return Ok(()) };
    if decode::<Candidate>(&candidate, bytes)?.run_id != one.candidate.run_id {
        return Ok(());
    }
    mutations.insert(candidate, None);
    // Counted where the candidate goes, so that each is counted once whatever happened on the way. A patch that took the
    // place of another opened nothing.
    if one.candidate.replaces.is_none() {
        count(one, present, mutations)?;
    }
    let mut state = recorded(one, &failure, present)?;
    let waited = std::mem::take(&mut state.awaiting_pr);
    let state = match (one.state, one.reason) {
        (Some("left"), Some(reason)) if state.episode == one.candidate.episode => {
            let tree = state.tree.clone();
            let mut state = gate::unpublished(state, reason, one.because_of.clone());
            if one.candidate.replaces.is_some() {
                // The pull request that was to be changed is still there.
                state.tree = tree;
            }
            state
        }
        _ if waited => state,
        _ => return Ok(()),
    };
    mutations.insert(failure, Some(encode(&veiled(context, &one.candidate.slug, &state))));
    Ok(())
}

/// Notes once that a candidate waits for the forge's leave, so that `reserve` begins nothing that would only wait too.
fn hold_back(
    one: &Published,
    present: &BTreeMap<String, Vec<u8>>,
    mutations: &mut Mutations,
) -> Result<(), StateError> {
    let [candidate, failure] = paths(&one.candidate);
    if !present.contains_key(&candidate) {
        return Ok(());
    }
    let mut state = recorded(one, &failure, present)?;
    if !state.awaiting_pr {
        state.awaiting_pr = true;
        mutations.insert(failure, Some(encode(&state)));
    }
    Ok(())
}

/// Reads what the state branch knows of a candidate's failure; what it lost, the candidate has.
fn recorded(one: &Published, path: &str, present: &BTreeMap<String, Vec<u8>>) -> Result<FailureState, StateError> {
    present.get(path).map_or_else(|| Ok(one.candidate.state_after.clone()), |bytes| decode(path, bytes))
}

/// Says how an attempt ended whose candidate was not published.
fn left_as(reason: Reason) -> Status {
    match reason {
        Reason::ForeignBranch | Reason::HumanOwned | Reason::NameCollision | Reason::Denied => Status::Refused,
        reason if reason.class() == ReasonClass::Rule => Status::Refused,
        _ => Status::Skipped,
    }
}

/// Makes the one terminal event of an attempt that left a candidate.
fn attempt_event(published: &Published) -> Event {
    let candidate = &published.candidate;
    let status = match (published.state, published.reason) {
        (Some("left"), Some(reason)) => left_as(reason),
        _ => Status::Fixed,
    };
    Event::AttemptFinished(Box::new(AttemptFinished {
        repo: candidate.slug.to_string(),
        fingerprint: candidate.fingerprint.to_string(),
        family: candidate.family.to_string(),
        episode: candidate.episode,
        error_type: candidate.failure.error_type().to_owned(),
        report: report_ref(&candidate.report, &candidate.report_url),
        lane: candidate.failure.lane.map_or("code", crate::model::Lane::as_str).to_owned(),
        kind: candidate.failure.kind.map(|kind| kind.to_string()),
        status,
        rule: published.reason.filter(|r| r.class() == crate::model::ReasonClass::Rule),
        reason: published.reason,
        started_at: candidate.started_at,
        completed_at: candidate.completed_at,
        attempt: candidate.attempt,
        tier: Some(candidate.tier.clone().unwrap_or_else(|| candidate.source.to_string())),
        source: Some(candidate.source),
        provider: None,
        model: None,
        pattern: candidate.pattern.clone().filter(|_| candidate.source == Source::Pattern),
        confidence: candidate.confidence,
        pr: published.pull.as_ref().map(|pull| PullRef {
            number: pull.number,
            url: pull.url.clone(),
            state: published.state.unwrap_or_default().to_owned(),
        }),
        branch: Some(plan::branch_for(&candidate.fingerprint, candidate.episode).to_string()),
        base_sha: candidate.base_sha.to_string(),
        tree: Some(candidate.tree.to_string()),
        candidate: Some(digest(candidate)),
        cost_microusd: candidate.cost,
        tokens: candidate.tokens,
        latency_ms: latency(candidate.started_at, candidate.completed_at),
        evidence: Some(EvidenceRef {
            kind: candidate.evidence.kind,
            before: candidate.evidence.before,
            after: candidate.evidence.after,
            repetitions: candidate.evidence.repetitions,
        }),
        resources: Some(candidate.evidence.resources),
        sandbox: Some(SandboxRef {
            level: candidate.evidence.sandbox.level,
            network: candidate.evidence.sandbox.network,
        }),
        also_fixes: candidate.also_fixes.iter().map(|also| also.fingerprint.to_string()).collect(),
        logs: candidate.logs.clone(),
    }))
}
