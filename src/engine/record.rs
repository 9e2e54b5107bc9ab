//! `record`: settles what `propose` left behind on the state branch (PROTOCOL.md, 1). Layer 4.
//!
//! Runs always, waits for nobody, runs no repository code, writes to no target. Recording twice records once.

use std::collections::BTreeMap;

use crate::engine::lease::{Lease, LeasedFailure};
use crate::engine::state::{Mutations, StateError, candidate_path, decode, encode, failure_path, lease_path};
use crate::engine::veil::veiled;
use crate::engine::{Context, EngineError, Reservation, Work};
use crate::event::{AttemptFinished, Event, Line, ReportRef};
use crate::model::{Candidate, Family, Manifest, Mode, Reason, ReasonClass, ReportId, Settled, Status, sha256_hex};

/// Why a candidate file is not the one that was announced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CandidateError {
    /// The manifest names no such file, or another digest.
    #[error("{0} is not the file that its manifest announces (digest-mismatch); take the artifact of the same run")]
    Digest(String),
    /// It cannot be read.
    #[error("{file} cannot be read as a candidate ({why})")]
    Unreadable {
        /// The file.
        file: String,
        /// What is wrong.
        why: String,
    },
}

/// Reads candidate files against the digests that their manifest announces (V-88).
///
/// # Errors
/// For the first file that is not what was announced.
pub fn read_candidates(
    manifest: &Manifest,
    files: &BTreeMap<String, Vec<u8>>,
) -> Result<Vec<Candidate>, CandidateError> {
    if let Some(missing) = manifest.digests.keys().find(|name| !files.contains_key(*name)) {
        return Err(CandidateError::Digest(missing.clone()));
    }
    let mut candidates = Vec::with_capacity(files.len());
    for (name, bytes) in files {
        if manifest.digests.get(name) != Some(&sha256_hex(bytes)) {
            return Err(CandidateError::Digest(name.clone()));
        }
        let candidate: Candidate = serde_json::from_slice(bytes)
            .map_err(|e| CandidateError::Unreadable { file: name.clone(), why: e.to_string() })?;
        if candidate.file_name() != *name {
            return Err(CandidateError::Digest(name.clone()));
        }
        candidates.push(candidate);
    }
    Ok(candidates)
}

/// Records the ends of attempts, keeps candidates for `publish`, and gives back the lease of each part of the run that left
/// a manifest, in one commit; the run's events so far go with it. Then the one terminal event of each attempt without a candidate is told. Returns whether anything was written.
///
/// # Errors
/// When the state branch cannot be written; then nothing of it is.
pub async fn record(
    context: &Context<'_>,
    manifests: &[Manifest],
    candidates: &[Candidate],
    reservation: Option<&Reservation>,
) -> Result<bool, EngineError> {
    let ends: Vec<Line> = ends(manifests, reservation).into_iter().map(|end| context.line(end)).collect();
    let leased = reservation.is_none_or(|reservation| !reservation.works.is_empty());
    let settled = manifests.iter().any(|manifest| !manifest.settled.is_empty());
    let something = !manifests.is_empty() && (leased || settled || !candidates.is_empty());
    let written = something && !context.run.dry_run && write(context, manifests, candidates, &ends).await?;
    // Jobs may be run again: what was recorded then was told then (F-67).
    if written || !context.veil.is_apart() {
        for end in ends {
            context.recorder.keep(end).map_err(EngineError::Journal)?;
        }
    }
    Ok(written)
}

/// Makes the terminal event of each attempt without a candidate.
fn ends(manifests: &[Manifest], reservation: Option<&Reservation>) -> Vec<Event> {
    let works = reservation.map_or(&[][..], |reservation| &reservation.works);
    let end = |settled: &Settled| {
        let same =
            |work: &&Work| (work.repository_id, &work.fingerprint) == (settled.repository_id, &settled.fingerprint);
        let work = works.iter().find(same)?;
        let error_type = work.failure.error_type();
        Some(attempt_event(settled, &work.family, error_type, &work.report.url, work.attempt))
    };
    manifests.iter().flat_map(|manifest| &manifest.settled).filter_map(end).collect()
}

async fn write(
    context: &Context<'_>,
    manifests: &[Manifest],
    candidates: &[Candidate],
    ends: &[Line],
) -> Result<bool, EngineError> {
    let leases: Vec<String> = manifests.iter().map(|manifest| lease_path(&manifest.run_id)).collect();
    let settled: Vec<&Settled> = manifests.iter().flat_map(|manifest| &manifest.settled).collect();
    let mut mutations = Mutations::new();
    for settled in settled.iter().filter(|settled| is_remembered(settled)) {
        let path = failure_path(settled.repository_id, &settled.fingerprint);
        mutations.insert(path, Some(encode(&veiled(context, &settled.slug, &settled.state_after))));
    }
    for candidate in candidates.iter().filter(|candidate| is_kept(context, candidate)) {
        let path = failure_path(candidate.repository_id, &candidate.fingerprint);
        mutations.insert(path, Some(encode(&candidate.state_after)));
        let path = candidate_path(candidate.repository_id, &candidate.fingerprint);
        mutations.insert(path, Some(encode(candidate)));
    }
    mutations.extend(leases.iter().map(|lease| (lease.clone(), None)));
    // What may not lie on the branch cannot wait there: until it is published, the lease stands for it.
    let unkept: Vec<&Candidate> = candidates.iter().filter(|candidate| is_veiled(context, candidate)).collect();
    let paths: Vec<String> = mutations.keys().cloned().collect();
    let message =
        format!("record: {} candidate(s), {} other end(s) of run {}", candidates.len(), settled.len(), context.run.id);
    let change = |present: &BTreeMap<String, Vec<u8>>| {
        let mut wanted = mutations.clone();
        wanted.retain(|path, content| keep_newer(path, content.as_deref(), present).unwrap_or(true));
        for lease in leases.iter().filter(|_| !unkept.is_empty()) {
            let Some(bytes) = present.get(lease) else { continue };
            let mut rest: Lease = decode(lease, bytes)?;
            let stands = |one: &LeasedFailure| {
                unkept.iter().any(|c| (c.repository_id, &c.fingerprint) == (one.repository_id, &one.fingerprint))
            };
            rest.failures.retain(stands);
            wanted.insert(lease.clone(), Some(encode(&rest)));
        }
        Ok(wanted)
    };
    // What the parts told of themselves goes with the run that they are parts of; it is told there once.
    let told = manifests.iter().flat_map(told);
    let along = context.along(&told.chain(ends.iter().cloned()).collect::<Vec<_>>()).await;
    Ok(context.state().update_along(&message, &|_| paths.clone(), &change, Some(&along)).await?)
}

/// Reads the lines that a manifest carries; what is none, or is another run's, is left out.
fn told(manifest: &Manifest) -> impl Iterator<Item = Line> {
    let lines = manifest.events.iter().filter_map(|line| serde_json::from_value::<Line>(line.clone()).ok());
    lines.filter(|line| line.run_id == manifest.run_id)
}

/// A failure's state on the branch that counts more attempts is newer than ours; it stays (two runs, one recorded late).
fn keep_newer(path: &str, ours: Option<&[u8]>, present: &BTreeMap<String, Vec<u8>>) -> Result<bool, StateError> {
    let (Some(ours), Some(theirs)) = (ours, present.get(path)) else { return Ok(true) };
    if !path.starts_with("failures/") {
        return Ok(true);
    }
    let ours: crate::model::FailureState = decode(path, ours)?;
    let theirs: crate::model::FailureState = decode(path, theirs)?;
    Ok((theirs.episode, theirs.attempts) <= (ours.episode, ours.attempts))
}

/// Returns whether an end is worth a line of state: work left for another run is not.
fn is_remembered(settled: &Settled) -> bool {
    let worth = settled.reason.class() != ReasonClass::Backlog || settled.reason == Reason::Subsumed;
    worth && settled.status != Status::Failed
}

/// Returns whether a candidate is kept for `publish`: under `observe` a free one is simply made again, and one of a private
/// repository may not lie where more people can read.
fn is_kept(context: &Context<'_>, candidate: &Candidate) -> bool {
    is_to_be_published(context, candidate) && context.veil.hidden(&candidate.slug).is_none()
}

/// Returns whether a candidate is to be published by this very process or never.
fn is_veiled(context: &Context<'_>, candidate: &Candidate) -> bool {
    is_to_be_published(context, candidate) && context.veil.hidden(&candidate.slug).is_some()
}

fn is_to_be_published(context: &Context<'_>, candidate: &Candidate) -> bool {
    let policy = context.config.repositories.iter().find(|policy| policy.slug == candidate.slug);
    policy.is_some_and(|policy| policy.mode > Mode::Observe)
}

/// Makes the one terminal event of an attempt that left no candidate.
fn attempt_event(settled: &Settled, family: &Family, error_type: &str, url: &str, attempt: u32) -> Event {
    let rule = (settled.reason.class() == ReasonClass::Rule).then_some(settled.reason);
    Event::AttemptFinished(Box::new(AttemptFinished {
        repo: settled.slug.to_string(),
        fingerprint: settled.fingerprint.to_string(),
        family: family.to_string(),
        episode: settled.state_after.episode,
        error_type: error_type.to_owned(),
        report: report_ref(&settled.report, url),
        lane: "code".to_owned(),
        kind: None,
        status: settled.status,
        rule,
        reason: Some(settled.reason),
        started_at: settled.started_at,
        completed_at: settled.completed_at,
        attempt,
        tier: settled.state_after.tier.clone(),
        source: None,
        provider: None,
        model: None,
        pattern: None,
        confidence: None,
        pr: None,
        branch: None,
        base_sha: settled.state_after.base_sha.as_ref().map(ToString::to_string).unwrap_or_default(),
        tree: None,
        candidate: None,
        cost_microusd: settled.cost,
        tokens: settled.tokens,
        latency_ms: latency(settled.started_at, settled.completed_at),
        evidence: None,
        resources: None,
        sandbox: None,
        also_fixes: Vec::new(),
        logs: settled.logs.clone(),
    }))
}

/// Names a report in an event.
pub(crate) fn report_ref(report: &ReportId, url: &str) -> ReportRef {
    match report {
        ReportId::Issue { number } => {
            ReportRef { kind: "issue".to_owned(), number: Some(*number), url: url.to_owned() }
        }
        ReportId::Run { .. } => ReportRef { kind: "run".to_owned(), number: None, url: url.to_owned() },
    }
}

/// Returns milliseconds between two times.
pub(crate) fn latency(from: crate::model::Timestamp, to: crate::model::Timestamp) -> u64 {
    u64::try_from(to.since(from).as_millis()).unwrap_or(u64::MAX)
}

/// Returns a candidate's digest: the SHA-256 of its file.
pub fn digest(candidate: &Candidate) -> String {
    sha256_hex(&encode(candidate))
}
