//! `publish`: re-checks every guardrail, then reconciles the forge with what is proven (PROTOCOL.md, 1 and 7). Layer 4.
//!
//! Holds the token that writes; runs no repository code and calls no model. Repositories are written to one after the
//! other.

use std::collections::BTreeMap;

use crate::engine::approval::Offer;
use crate::engine::outcomes::tracking;
use crate::engine::reconcile::ReconcileError;
use crate::engine::record::digest;
use crate::engine::shown::{self, OutdatedLabel};
use crate::engine::state::{Snapshot, budget_path, decode};
use crate::engine::target::{self, Target, failed};
use crate::engine::{Context, DuplicateReport, EngineError, Reservation, retry, settle, veil};
use crate::forge::{ForgeError, PullRequest};
use crate::model::{Candidate, Fingerprint, Mode, Reason, RepoSlug, ReportId, Settled, Verdict, sha256_hex};
use crate::plan::Action;

/// What became of one candidate.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// The candidate.
    pub candidate: Candidate,
    /// `created`, `adopted`, `updated`, `kept` or `left`; nothing for a dry run.
    pub state: Option<&'static str>,
    /// The pull request, where there is one.
    pub pull: Option<PullRequest>,
    /// Why it was left alone.
    pub reason: Option<Reason>,
    /// What happened, in words.
    pub message: String,
    /// The guardrails' verdict at publishing.
    pub verdict: Option<Verdict>,
    /// The failure whose open pull request makes the same change.
    pub because_of: Option<Fingerprint>,
    /// Whether the candidate stays on the state branch, for a later run to go on with.
    pub waits: bool,
    /// Whether trying again may help.
    pub retryable: bool,
    /// What the forge refused to add to the pull request, in whole sentences.
    pub warnings: Vec<String>,
    /// Whether its workflow runs wait until a person approves them.
    pub runs_wait: bool,
}

/// What `publish` did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Publications {
    /// Every candidate, in the order of the configuration.
    pub published: Vec<Published>,
    /// What was done, or would be.
    pub actions: Vec<Action>,
}

/// What a run learned besides its candidates, for people to see on their issues.
#[derive(Debug, Clone, Copy, Default)]
pub struct Aside<'a> {
    /// Reports that another one stands for.
    pub duplicates: &'a [DuplicateReport],
    /// Attempts that ended without a candidate.
    pub settled: &'a [Settled],
    /// Labels of ours that show what is over.
    pub outdated: &'a [OutdatedLabel],
}

impl<'a> Aside<'a> {
    /// Puts together what a run learned.
    pub fn of(reservation: &'a Reservation, settled: &'a [Settled]) -> Self {
        Self { duplicates: &reservation.duplicates, settled, outdated: &reservation.outdated }
    }
}

/// Which of the candidates that wait are a run's business; the others go on waiting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// Those of this repository alone.
    pub only: Option<&'a RepoSlug>,
    /// The one with this digest alone, which a person approved.
    pub approved: Option<&'a str>,
}

/// A candidate with the digest of its file, as it lies on the state branch.
struct Waiting {
    candidate: Candidate,
    digest: String,
}

/// Publishes candidates, and those that wait on the state branch; those first, since they waited.
///
/// # Errors
/// When the state branch cannot be read, or the run's record cannot be written; a candidate that fails is no error.
pub async fn publish(
    context: &Context<'_>,
    fresh: &[Candidate],
    aside: Aside<'_>,
    wanted: Wanted<'_>,
) -> Result<Publications, EngineError> {
    let mut all = Publications::default();
    let snapshot = context.state().snapshot().await?;
    let mut waiting = waiting(context, &snapshot, fresh).await?;
    // A run for one repository leaves what waits for others to theirs.
    waiting.retain(|one| wanted.only.is_none_or(|only| *only == one.candidate.slug));
    waiting.retain(|one| wanted.approved.is_none_or(|digest| digest == one.digest));
    let fresh: Vec<(&Candidate, String)> = fresh.iter().map(|candidate| (candidate, digest(candidate))).collect();
    let mut opened = if fresh.is_empty() && waiting.is_empty() { 0 } else { opened_today(context, &snapshot).await? };
    context.progress.stage("Publishing", Some(fresh.len() + waiting.len()));
    for policy in &context.config.repositories {
        let mine: Vec<Offer<'_>> = waiting
            .iter()
            .map(|one| (&one.candidate, one.digest.as_str()))
            .chain(fresh.iter().map(|(candidate, digest)| (*candidate, digest.as_str())))
            .filter(|(candidate, _)| candidate.slug == policy.slug)
            .map(|(candidate, digest)| Offer { candidate, digest, approved: wanted.approved == Some(digest) })
            .collect();
        if !mine.is_empty() {
            let opened_target = Target::open(context, policy).await;
            let barred = match &opened_target {
                Ok(target) => veil::look(context, policy, target.repository()).await.err(),
                Err(_) => None,
            };
            let paused = tracking::paused(context, &policy.slug).await;
            match opened_target {
                // What waits may lie where it must not: it goes, and nothing of it is published from there.
                Ok(_) if barred.as_ref().is_some_and(|barred| barred.reason == Reason::Visibility) => {
                    let left = mine.into_iter().map(|offer| target::left(offer.candidate, Reason::Visibility, None));
                    all.published.extend(left);
                }
                Ok(_) if barred.is_some() => {
                    let unknown =
                        ForgeError::Transient("nobody could say who sees the operator's repository".to_owned());
                    let error = ReconcileError::from(unknown);
                    all.published.extend(mine.into_iter().map(|offer| failed(offer.candidate, &error)));
                }
                // What was proven before people paused the repository waits with them.
                Ok(_) if !matches!(paused, Ok(None)) => {
                    let held = |candidate: &Candidate| match &paused {
                        Err(error) => failed(candidate, &ReconcileError::from(error.clone())),
                        Ok(_) => Published { waits: true, ..target::left(candidate, Reason::Paused, None) },
                    };
                    all.published.extend(mine.into_iter().map(|offer| held(offer.candidate)));
                }
                Ok(mut target) => {
                    for offer in mine {
                        let candidate = offer.candidate;
                        let published = target.publish(offer, &mut all.actions, opened).await?;
                        opened += u32::from(matches!(published.state, Some("created" | "adopted")));
                        context.progress.step(&veil::piece(context, &candidate.slug, &candidate.report));
                        all.published.push(published);
                    }
                }
                Err(error) => {
                    let error = ReconcileError::from(error);
                    all.published.extend(mine.into_iter().map(|offer| failed(offer.candidate, &error)));
                }
            }
        }
        if !context.run.dry_run && policy.mode > Mode::Observe {
            let new = newly_open(&all.published, policy);
            target::tell_duplicates(context, policy, aside.duplicates, &new).await;
            shown::show(context, policy, aside.settled, aside.outdated).await;
        }
    }
    all.published.extend(orphaned(context, &waiting).await?);
    settle::settle(context, &mut all.published).await?;
    Ok(all)
}

/// Ends waiting candidates of repositories that are no longer in the configuration, once they have expired. Their
/// repositories are not looked at any more, and until then the configuration may get them back.
async fn orphaned(context: &Context<'_>, waiting: &[Waiting]) -> Result<Vec<Published>, EngineError> {
    let known = |candidate: &&Candidate| context.config.repositories.iter().any(|policy| policy.slug == candidate.slug);
    let gone: Vec<&Candidate> =
        waiting.iter().map(|one| &one.candidate).filter(|candidate| !known(candidate)).collect();
    if gone.is_empty() {
        return Ok(Vec::new());
    }
    let now = retry(context.system, async || context.forge.now().await).await?;
    let expired = gone.into_iter().filter(|candidate| now > candidate.expires_at);
    Ok(expired.map(|candidate| target::left(candidate, Reason::Expired, None)).collect())
}

/// Lists pull requests that stand for an issue now.
fn newly_open(published: &[Published], policy: &crate::model::Policy) -> BTreeMap<u64, u64> {
    let mut open = BTreeMap::new();
    for one in published.iter().filter(|one| one.candidate.slug == policy.slug) {
        if let (ReportId::Issue { number }, Some(pull)) = (&one.candidate.report, &one.pull) {
            open.insert(*number, pull.number);
        }
    }
    open
}

/// Returns how many pull requests were opened today, by the forge's clock.
async fn opened_today(context: &Context<'_>, snapshot: &Snapshot) -> Result<u32, EngineError> {
    let now = retry(context.system, async || context.forge.now().await).await?;
    let day = context.state().read_json::<settle::Day>(snapshot, &budget_path(&now.day())).await?;
    Ok(day.unwrap_or_default().pull_requests)
}

/// Reads candidates that wait on the state branch and are not among the fresh ones.
async fn waiting(context: &Context<'_>, snapshot: &Snapshot, fresh: &[Candidate]) -> Result<Vec<Waiting>, EngineError> {
    let state = context.state();
    let mut waiting = Vec::new();
    for path in snapshot.below("candidates/") {
        let Some(bytes) = state.read(snapshot, path).await? else { continue };
        let candidate: Candidate = decode(path, &bytes)?;
        let known =
            fresh.iter().any(|c| c.repository_id == candidate.repository_id && c.fingerprint == candidate.fingerprint);
        if !known {
            waiting.push(Waiting { candidate, digest: sha256_hex(&bytes) });
        }
    }
    Ok(waiting)
}
