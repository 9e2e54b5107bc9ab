//! The story of one failure, from its report to a proven patch. It knows no forge. Layer 4.
//!
//! Read [`attempt`] from top to bottom: baseline, target, places, fixers, guardrails, proof, candidate.

mod bench;
mod ending;
mod places;
mod proving;
mod target;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use tracing::Instrument as _;

use crate::budget::Ledger;
use crate::engine::baseline::{self, Baseline, Unusable, machine};
use crate::engine::fixers::{Ask, Fixer, Place, Proposed};
use crate::engine::{Attempted, TestLog, Work};
use crate::fingerprint;
use crate::guardrail;
use crate::model::{
    Candidate, Evidentiary, FileState, MicroUsd, Patch, Policy, Project, Reason, RepoPath, Resources, Settled,
    Timestamp, Tokens, Verdict,
};
use crate::proof::{Observation, Target};
use crate::workspace::{Checkout, WorkspaceError};

use bench::OnGround;
use ending::settled;
pub(crate) use places::app_frames;
use target::Shown;

/// Green candidates compared before one is chosen (PROTOCOL.md, 6).
const CANDIDATES: usize = 3;

/// What one attempt came to, with what people may want to look at.
#[derive(Debug)]
pub struct Outcome {
    /// A proven patch, or the end without one.
    pub attempted: Attempted,
    /// Test logs.
    pub logs: Vec<TestLog>,
    /// The guardrails' verdict on a refused patch.
    pub verdict: Option<Verdict>,
    /// The refused patch.
    pub refused: Option<Patch>,
    /// The proven patch.
    pub proven: Option<Patch>,
    /// Tests that failed before and pass with the patch.
    pub turned_green: BTreeSet<String>,
    /// Money spent.
    pub cost: MicroUsd,
    /// Tokens spent.
    pub tokens: Tokens,
    /// Ids of patterns that were tried.
    pub tried: Vec<String>,
}

impl Outcome {
    /// Makes the outcome of an attempt that left no candidate.
    pub(crate) fn without_candidate(settled: Settled) -> Self {
        Self {
            attempted: Attempted::Settled(Box::new(settled)),
            logs: Vec::new(),
            verdict: None,
            refused: None,
            proven: None,
            turned_green: BTreeSet::new(),
            cost: MicroUsd::ZERO,
            tokens: Tokens::default(),
            tried: Vec::new(),
        }
    }
}

/// What an attempt may use.
#[derive(Clone, Copy)]
pub struct Means<'a> {
    /// The repository's settings.
    pub policy: &'a Policy,
    /// Fixers, the cheapest first.
    pub fixers: &'a [&'a dyn Fixer],
    /// The run's id, version and the forge's time at the attempt.
    pub run_id: &'a str,
    /// Where a person can look at the run.
    pub run_url: Option<&'a str>,
    /// The program's version.
    pub version: &'a str,
    /// The forge's clock when the attempt began.
    pub now: Timestamp,
}

impl std::fmt::Debug for Means<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Means").field("run_id", &self.run_id).finish_non_exhaustive()
    }
}

/// Why an attempt ended without a candidate.
struct Ending {
    reason: Reason,
    message: String,
    signature: Option<String>,
}

impl From<Reason> for Ending {
    fn from(reason: Reason) -> Self {
        Self { reason, message: reason.sentence().to_owned(), signature: None }
    }
}

impl From<WorkspaceError> for Ending {
    fn from(error: WorkspaceError) -> Self {
        let Unusable { reason, message, .. } = machine(&error);
        Self { reason, message, signature: None }
    }
}

/// Takes one failure down the whole road: baseline, attempt, and nothing shared with other failures.
pub async fn whole_road(work: &Work, checkout: &dyn Checkout, means: &Means<'_>, ledger: &Mutex<Ledger>) -> Outcome {
    let project = project_of(work, checkout, means.policy);
    let baseline = baseline::prepare(checkout, means.policy, project).await;
    attempt(work, checkout, &baseline, means, ledger).await
}

/// Chooses the project by the innermost frame in the repository; none where the root's commands serve.
pub(crate) fn project_of<'p>(work: &Work, checkout: &dyn Checkout, policy: &'p Policy) -> Option<&'p Project> {
    if policy.projects.is_empty() {
        return None;
    }
    let files: Vec<RepoPath> = checkout.files().iter().map(|file| file.path.clone()).collect();
    let frames = app_frames(&work.failure);
    let path = frames.iter().find_map(|frame| fingerprint::localise_frame(frame, &files))?;
    policy.projects.iter().filter(|project| path.is_within(&project.path)).max_by_key(|p| p.path.as_str().len())
}

/// Attempts one failure: finds what shows it, asks the fixers, and proves the best answer.
pub(crate) async fn attempt(
    work: &Work,
    checkout: &dyn Checkout,
    baseline: &Result<Baseline, Unusable>,
    means: &Means<'_>,
    ledger: &Mutex<Ledger>,
) -> Outcome {
    let baseline = match baseline {
        Ok(baseline) => baseline,
        Err(unusable) => return without_baseline(work, unusable, means),
    };
    let nothing_yet = settled(work, means, &Reason::NoFixer.into());
    let mut story = Story { work, checkout, means, outcome: Outcome::without_candidate(nothing_yet), tier: None };
    match story.tell(baseline, ledger).await {
        Ok(candidate) => story.outcome.attempted = Attempted::Proven(Box::new(candidate)),
        Err(ending) => {
            let mut settled = settled(work, means, &ending);
            settled.state_after.cost = settled.state_after.cost.plus(story.outcome.cost);
            settled.state_after.tokens = settled.state_after.tokens.plus(story.outcome.tokens);
            (settled.cost, settled.tokens) = (story.outcome.cost, story.outcome.tokens);
            story.outcome.attempted = Attempted::Settled(Box::new(settled));
        }
    }
    story.outcome
}

/// Ends an attempt whose baseline, or whose checkout, cannot be used.
pub(crate) fn without_baseline(work: &Work, unusable: &Unusable, means: &Means<'_>) -> Outcome {
    let ending = Ending { reason: unusable.reason, message: unusable.message.clone(), signature: None };
    let mut outcome = Outcome::without_candidate(settled(work, means, &ending));
    outcome.logs.clone_from(&unusable.logs);
    outcome
}

struct Story<'a> {
    work: &'a Work,
    checkout: &'a dyn Checkout,
    means: &'a Means<'a>,
    outcome: Outcome,
    tier: Option<String>,
}

/// A proposal that passed the guardrails, with its target's runs.
struct Green {
    proposed: Proposed,
    repetitions: Vec<Observation>,
    resources: Resources,
}

impl Story<'_> {
    async fn tell(&mut self, baseline: &Baseline, ledger: &Mutex<Ledger>) -> Result<Candidate, Ending> {
        self.outcome.logs.push(TestLog::new("before", &baseline.output));
        let shown = self.shown(baseline).await?;
        if shown.target == Target::None && self.means.policy.evidence == Evidentiary::RedGreen {
            return Err(Reason::NeedsReproduction.into());
        }
        let places = self.places(baseline, &shown).await?;
        let proposals = self.ask(baseline, &places, &shown, ledger).await?;
        let guarded = self.guard(baseline, proposals).await?;
        let (best, alternative) = match shown.target {
            Target::None => (sole(guarded)?, None),
            _ => self.best_green(baseline, &shown, guarded).await?,
        };
        self.prove(baseline, &shown, best, alternative).await
    }

    /// Asks the fixers in turn, the cheapest first, until one has an answer.
    async fn ask(
        &mut self,
        baseline: &Baseline,
        places: &[Place],
        shown: &Shown,
        ledger: &Mutex<Ledger>,
    ) -> Result<Vec<Proposed>, Ending> {
        let mut files: BTreeMap<RepoPath, FileState> = BTreeMap::new();
        for place in places {
            if !files.contains_key(&place.path) {
                files.extend(self.checkout.read(&place.path).await?.map(|file| (place.path.clone(), file)));
            }
        }
        let bench = OnGround::new(&baseline.ground, self.checkout, self.means.policy);
        let ask = Ask {
            failure: &self.work.failure,
            places,
            files: &files,
            red_target: shown.target != Target::None,
            policy: self.means.policy,
            bench: &bench,
        };
        let mut why_not = Reason::NoFixer;
        for fixer in self.means.fixers {
            let reserved = lock(ledger).reserve(fixer.upper_cost(), self.outcome.cost);
            let Some(reservation) = reserved else {
                why_not = Reason::Budget;
                continue;
            };
            let span = tracing::debug_span!("fixer", name = fixer.name());
            let answer = fixer.propose(&ask).instrument(span).await;
            let cost = answer.as_ref().ok().map(|list| list.iter().fold(MicroUsd::ZERO, |sum, p| sum.plus(p.cost)));
            self.outcome.cost = self.outcome.cost.plus(lock(ledger).settle(reservation, cost));
            match answer {
                Ok(proposals) if !proposals.is_empty() => {
                    for proposed in &proposals {
                        self.outcome.tokens = self.outcome.tokens.plus(proposed.tokens);
                        self.outcome.tried.extend(proposed.id.clone());
                    }
                    self.tier = proposals.first().map(|p| p.tier.clone().unwrap_or_else(|| p.source.to_string()));
                    return Ok(proposals);
                }
                Ok(_) => {}
                Err(reason) => why_not = reason,
            }
        }
        Err(why_not.into())
    }

    /// Formats each proposal and holds it to the guardrails, before any repository code sees it.
    async fn guard(&mut self, baseline: &Baseline, proposals: Vec<Proposed>) -> Result<Vec<Proposed>, Ending> {
        let mut passed = Vec::new();
        let mut refusal: Option<Ending> = None;
        for mut proposed in proposals.into_iter().take(CANDIDATES) {
            let verdict = guardrail::evaluate(&guardrail::Change::from_patch(&proposed.patch), self.means.policy);
            if let Some(ending) = refused(&verdict) {
                self.outcome.refused.get_or_insert_with(|| proposed.patch.clone());
                self.outcome.verdict.get_or_insert(verdict);
                refusal.get_or_insert(ending);
                continue;
            }
            // The formatter is repository code: it sees only what passed, and its result is held to the same rules.
            proposed.patch = baseline.ground.format(self.means.policy, proposed.patch).await?;
            let verdict = guardrail::evaluate(&guardrail::Change::from_patch(&proposed.patch), self.means.policy);
            match refused(&verdict) {
                // What was turned down once is passed over; the next best may be another change.
                None if self.is_turned_down(&proposed.patch).await? => {
                    refusal.get_or_insert(Reason::RejectedTree.into());
                }
                None => passed.push(proposed),
                Some(ending) => {
                    self.outcome.refused.get_or_insert_with(|| proposed.patch.clone());
                    self.outcome.verdict.get_or_insert(verdict);
                    refusal.get_or_insert(ending);
                }
            }
        }
        match refusal {
            Some(ending) if passed.is_empty() => Err(ending),
            _ => Ok(passed),
        }
    }
}

impl Story<'_> {
    /// Returns whether a patch makes a tree that people, or the checks of a pull request, turned down before.
    async fn is_turned_down(&self, patch: &Patch) -> Result<bool, Ending> {
        let turned_down = &self.work.state.rejected_trees;
        Ok(!turned_down.is_empty() && turned_down.contains(&self.checkout.tree_with(patch).await?))
    }
}

/// Locks the ledger; one that a panic left behind still counts right, since every change of it is whole.
fn lock(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Returns the end that a refusing verdict means; a flag refuses nothing.
fn refused(verdict: &Verdict) -> Option<Ending> {
    let worst = verdict.violations.iter().find(|v| v.ruling == crate::model::Ruling::Refuse)?;
    let all: Vec<String> = verdict.violations.iter().map(|v| format!("{}: {}", v.rule, v.message)).collect();
    Some(Ending { reason: worst.rule, message: all.join(" "), signature: None })
}

/// Without a test to choose by, a sole candidate or none.
fn sole(mut guarded: Vec<Proposed>) -> Result<Green, Ending> {
    match (guarded.len(), guarded.pop()) {
        (1, Some(proposed)) => Ok(Green { proposed, repetitions: Vec::new(), resources: Resources::default() }),
        _ => Err(Reason::Ambiguous.into()),
    }
}
