//! What became of our pull requests, read back: told once each, with what has to be done about it. Layer 4.
//!
//! It runs no repository code and asks no model. It deletes no branch but a merged one of ours that stands where it was
//! merged, proposes a revert only where the policy asks for one, and writes a comment only where a person has to know
//! something. The rules are `gate`'s.

mod look;
mod schedule;
pub(crate) mod tracking;
mod watch;

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::intent::Intent;
use crate::engine::outcomes::look::{Looker, Ours};
use crate::engine::select::problem;
use crate::engine::state::{self, Mutations};
use crate::engine::{Context, EngineError, RepositoryProblem, pages, retry, veil};
use crate::event::{Event, Line};
use crate::forge::{ForgeError, IssueEventKind, PullQuery, PullRequest, PullState, Repository};
use crate::gate;
use crate::model::{
    BranchName, KnownOutcome, KnownOutcomes, Mode, ObjectId, Policy, PullEnd, PullOutcome, RepoSlug, Timestamp,
    sha256_prefixed,
};
use crate::plan;
use crate::render::OutcomesReport;
use crate::render::outcomes::{self as words, KeptBranch, PAUSED_LABEL, RepositoryOutcomes};

pub use schedule::Schedule;

/// Pages of pull requests that are read of one repository, newest first; what is older was told long ago.
const PULL_PAGES: usize = 10;
/// How long after a merge its revert is looked for.
const REVERT_WINDOW: std::time::Duration = std::time::Duration::from_hours(60 * 24);

/// Reads back what became of our pull requests, in all repositories or in one.
///
/// # Errors
/// When the state branch cannot be read or written, or the run's record cannot be kept. A repository that cannot be read is
/// an entry with an error.
pub async fn read_back(
    context: &Context<'_>,
    only: Option<&RepoSlug>,
    schedule: Option<&Schedule>,
) -> Result<OutcomesReport, EngineError> {
    let mut report = OutcomesReport { run_id: context.run.id.clone(), ..OutcomesReport::default() };
    for policy in context.config.repositories.iter().filter(|policy| only.is_none_or(|only| *only == policy.slug)) {
        let mut view = RepositoryOutcomes::default();
        let told = repository(context, policy, &mut view).await;
        view.slug = context.veil.name(&policy.slug);
        match told {
            Ok(()) => {}
            Err(Stopped::Repository(problem)) => {
                (view.error, view.retryable) = (Some(problem.message), problem.retryable);
            }
            Err(Stopped::Run(error)) => return Err(error),
        }
        report.repositories.push(view);
    }
    if let Some(schedule) = schedule {
        report.schedule = Some(schedule::look(context, schedule).await?);
    }
    Ok(report)
}

/// Why a repository's outcomes could not be read to the end.
enum Stopped {
    /// This repository cannot be read, or written to.
    Repository(RepositoryProblem),
    /// Nothing can be kept any more.
    Run(EngineError),
}

impl From<ForgeError> for Stopped {
    fn from(error: ForgeError) -> Self {
        Self::Repository(problem(&error))
    }
}

impl From<RepositoryProblem> for Stopped {
    fn from(problem: RepositoryProblem) -> Self {
        Self::Repository(problem)
    }
}

impl From<EngineError> for Stopped {
    fn from(error: EngineError) -> Self {
        Self::Run(error)
    }
}

impl From<state::StateError> for Stopped {
    fn from(error: state::StateError) -> Self {
        Self::Run(error.into())
    }
}

async fn repository(context: &Context<'_>, policy: &Policy, view: &mut RepositoryOutcomes) -> Result<(), Stopped> {
    let (forge, system, slug) = (context.forge, context.system, &policy.slug);
    let repository = retry(system, async || forge.repository(slug).await).await?;
    veil::look(context, policy, &repository).await?;
    let now = retry(system, async || forge.now().await).await?;
    let snapshot = context.state().snapshot().await?;
    let path = state::outcomes_path(repository.id);
    let known: KnownOutcomes = context.state().read_json(&snapshot, &path).await?.unwrap_or_default();
    let read = async |page: Option<&str>| forge.pulls(slug, &PullQuery::default(), page).await;
    let listed = pages::all(system, PULL_PAGES, read).await;
    if let Some(error) = listed.failed {
        return Err(error.into());
    }
    let mut pulls = pages::once(listed.items, |pull| pull.number);
    let open = pulls.iter().filter(|pull| pull.state == PullState::Open);
    let in_use: BTreeSet<BranchName> = open.flat_map(|pull| [pull.head.clone(), pull.base.clone()]).collect();
    pulls.retain(|pull| plan::branch_grammar(pull.head.as_str()).is_some());
    pulls.sort_by_key(|pull| pull.number);
    let looker = Looker { context, slug, snapshot: &snapshot };
    let teller = Teller { context, policy, repository: &repository, looker, now, in_use };
    let mut changed = known.clone();
    let mut told = Vec::new();
    teller.ends(&pulls, &mut changed, &mut told).await?;
    teller.reverts(&pulls, &mut changed, &mut told).await?;
    // What could not be done now is no reason to forget what was read.
    let done = teller.act(&pulls, &mut changed, view).await;
    view.outcomes.clone_from(&told);
    if context.veil.hidden(slug).is_some() {
        for outcome in &mut view.outcomes {
            outcome.url.clear();
            (outcome.by, outcome.words) = (None, None);
            outcome.repo = context.veil.name(slug);
        }
    }
    teller.remember(&path, &known, &changed, told).await?;
    done
}

/// Tells what became of one repository's pull requests.
struct Teller<'a> {
    context: &'a Context<'a>,
    policy: &'a Policy,
    repository: &'a Repository,
    looker: Looker<'a>,
    now: Timestamp,
    /// Heads and bases of open pull requests, whoever opened them.
    in_use: BTreeSet<BranchName>,
}

impl Teller<'_> {
    /// Tells what was merged or closed since it was last told.
    async fn ends(
        &self,
        pulls: &[PullRequest],
        known: &mut KnownOutcomes,
        told: &mut Vec<PullOutcome>,
    ) -> Result<(), Stopped> {
        for pull in pulls {
            let (end, at) = match (pull.state, pull.merged_at, pull.closed_at) {
                (PullState::Merged, Some(at), _) => (PullEnd::Merged, at),
                (PullState::Closed, _, Some(at)) => (PullEnd::Closed, at),
                _ => continue,
            };
            if !gate::is_news(known.pulls.get(&pull.number), end, at) {
                continue;
            }
            // A name in our grammar is not yet a pull request of ours.
            let Some(ours) = self.looker.ours(pull).await? else { continue };
            let mut outcome = self.outcome(pull, &ours, end, at).await?;
            let (by, words) = self.looker.said(pull.number, at).await?;
            outcome.by = by;
            if end == PullEnd::Closed {
                outcome.words = words;
            } else {
                outcome.commit = pull.merge_sha.as_ref().map(ToString::to_string);
                outcome.seconds_to_merge = Some(at.since(pull.created_at).as_secs());
                outcome.lines_on_top = self.looker.lines_on_top(pull, &ours).await?;
            }
            told.push(outcome);
            known.pulls.insert(
                pull.number,
                KnownOutcome {
                    fingerprint: ours.trailer.fingerprint,
                    episode: ours.trailer.episode,
                    outcome: end,
                    at,
                    merge: pull.merge_sha.clone(),
                    reverted_at: None,
                    red: None,
                },
            );
        }
        Ok(())
    }

    /// Tells which merges people took back.
    async fn reverts(
        &self,
        pulls: &[PullRequest],
        known: &mut KnownOutcomes,
        told: &mut Vec<PullOutcome>,
    ) -> Result<(), Stopped> {
        let mut tips: BTreeMap<&BranchName, Option<ObjectId>> = BTreeMap::new();
        for pull in pulls {
            let Some(one) = known.pulls.get(&pull.number) else { continue };
            let young = self.now.since(one.at) <= REVERT_WINDOW;
            let (PullEnd::Merged, Some(merge), true) = (one.outcome, one.merge.clone(), young) else { continue };
            if !tips.contains_key(&pull.base) {
                let (forge, slug) = (self.context.forge, &self.policy.slug);
                let tip = retry(self.context.system, async || forge.branch(slug, &pull.base).await).await?;
                tips.insert(&pull.base, tip);
            }
            let Some(tip) = tips.get(&pull.base).cloned().flatten().filter(|tip| *tip != merge) else { continue };
            let Some(revert) = self.looker.reverted(pull.number, &merge, &tip).await? else { continue };
            let Some(ours) = self.looker.ours(pull).await? else { continue };
            let mut outcome = self.outcome(pull, &ours, PullEnd::Reverted, self.now).await?;
            outcome.words = Some(self.looker.clean(&revert.message));
            outcome.commit = Some(revert.id.to_string());
            told.push(outcome);
            if let Some(one) = known.pulls.get_mut(&pull.number) {
                (one.outcome, one.reverted_at) = (PullEnd::Reverted, Some(self.now));
            }
        }
        Ok(())
    }

    async fn outcome(
        &self,
        pull: &PullRequest,
        ours: &Ours,
        outcome: PullEnd,
        at: Timestamp,
    ) -> Result<PullOutcome, Stopped> {
        let attempt = self.looker.attempt(pull.created_at, &ours.trailer).await?;
        Ok(PullOutcome {
            repo: self.policy.slug.to_string(),
            fingerprint: ours.trailer.fingerprint.to_string(),
            episode: ours.trailer.episode,
            outcome,
            number: pull.number,
            url: pull.url.clone(),
            branch: pull.head.to_string(),
            tree: ours.trailer.tree.to_string(),
            candidate: attempt.as_ref().and_then(|attempt| attempt.candidate.clone()),
            source: attempt.as_ref().and_then(|attempt| attempt.source),
            pattern: attempt.and_then(|attempt| attempt.pattern),
            at,
            by: None,
            words: None,
            commit: None,
            seconds_to_merge: None,
            lines_on_top: None,
        })
    }

    /// Does what follows from it in the repository; where nothing may be written, only says it.
    async fn act(
        &self,
        pulls: &[PullRequest],
        known: &mut KnownOutcomes,
        view: &mut RepositoryOutcomes,
    ) -> Result<(), Stopped> {
        self.tidy(pulls, view).await?;
        self.pause(known, view).await?;
        self.watch(pulls, known, view).await
    }

    /// Deletes merged branches of ours that stand where they were merged.
    async fn tidy(&self, pulls: &[PullRequest], view: &mut RepositoryOutcomes) -> Result<(), Stopped> {
        let (forge, system, slug) = (self.context.forge, self.context.system, &self.policy.slug);
        if !self.policy.auto_merge.delete_branch || pulls.iter().all(|pull| pull.state != PullState::Merged) {
            return Ok(());
        }
        let there: BTreeMap<BranchName, ObjectId> =
            retry(system, async || forge.branches(slug, plan::BRANCH_PREFIX).await).await?.into_iter().collect();
        let mut seen = BTreeSet::new();
        for pull in pulls.iter().rev().filter(|pull| pull.state == PullState::Merged) {
            let Some(at) = there.get(&pull.head).filter(|_| seen.insert(&pull.head)) else { continue };
            let kept = |why: &str| KeptBranch { branch: pull.head.to_string(), why: why.to_owned() };
            if self.in_use.contains(&pull.head) {
                view.kept.push(kept("An open pull request is made from it or goes into it."));
                continue;
            }
            if *at != pull.head_sha {
                view.kept.push(kept("It has commits that were not merged with its pull request."));
                continue;
            }
            if !self.looker.is_ours_itself(pull).await? {
                view.kept.push(kept("The last commit on it is a person's."));
                continue;
            }
            if self.is_held() {
                view.deleted.push(pull.head.to_string());
                continue;
            }
            self.intend("delete-branch", &pull.head, at)?;
            match forge.delete_branch(slug, &pull.head, at).await {
                // Somebody was faster.
                Ok(()) | Err(ForgeError::NotFound(_)) => view.deleted.push(pull.head.to_string()),
                Err(ForgeError::Conflict(_)) => view.kept.push(kept("Somebody pushed to it just now.")),
                Err(ForgeError::Denied(why) | ForgeError::Invalid(why)) => {
                    let why = format!("The forge refused to delete it ({why}).");
                    view.kept.push(KeptBranch { branch: pull.head.to_string(), why });
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Pauses the repository where people turned down one pull request after the other, and notices that they resumed.
    async fn pause(&self, known: &mut KnownOutcomes, view: &mut RepositoryOutcomes) -> Result<(), Stopped> {
        let row = |known: &KnownOutcomes| {
            gate::pauses(known.pulls.iter().map(|(number, one)| (*number, one)), known.counted_from)
        };
        if known.paused_at.is_none() && row(known).is_none() {
            return Ok(());
        }
        let slug = &self.policy.slug;
        let labelled = tracking::paused(self.context, slug).await?;
        if let Some(paused_at) = known.paused_at {
            if labelled.is_some() {
                view.paused = true;
                return Ok(());
            }
            known.counted_from = Some(self.resumed_at(known.tracking, paused_at).await?);
            known.paused_at = None;
            view.notes.push("A person resumed the work on this repository; the count starts anew.".to_owned());
        }
        let Some(last) = row(known) else { return Ok(()) };
        view.paused = true;
        if self.is_held() {
            view.notes.push(format!(
                "{} pull requests in a row were closed without a merge: the repository would be paused.",
                gate::CLOSED_IN_A_ROW
            ));
            return Ok(());
        }
        let mut closed: Vec<u64> = known
            .pulls
            .iter()
            .filter(|(_, one)| known.counted_from.is_none_or(|from| one.at > from))
            .map(|(number, one)| (one.at, *number))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .rev()
            .take(gate::CLOSED_IN_A_ROW)
            .map(|(_, number)| number)
            .collect();
        closed.sort_unstable();
        let branch: BranchName = self.repository.default_branch.clone();
        let issue = tracking::ensure(self.context, slug, known.tracking, || self.intend_pause(&branch)).await?;
        known.tracking = Some(issue.number);
        let text = words::paused_comment(last, &closed);
        let said = tracking::said(self.context, slug, issue.number, &text).await?;
        if said.is_none() {
            // The label first: a comment that says what is not so would be worse than a label without a word.
            tracking::label(self.context, slug, issue.number).await?;
            crate::engine::comment::once(self.context, slug, issue.number, &text).await?;
        }
        known.paused_at = Some(self.now);
        view.notes.push(format!(
            "{} pull requests in a row were closed without a merge: the repository is paused until somebody takes the \
             label {PAUSED_LABEL} off issue #{}.",
            gate::CLOSED_IN_A_ROW,
            issue.number
        ));
        Ok(())
    }

    /// Returns when the label was taken off; now, where the timeline does not say.
    async fn resumed_at(&self, tracking: Option<u64>, paused_at: Timestamp) -> Result<Timestamp, ForgeError> {
        let Some(number) = tracking else { return Ok(self.now) };
        let events = match self.looker.events(number).await {
            Err(ForgeError::NotFound(_)) => return Ok(self.now),
            events => events?,
        };
        let off = IssueEventKind::Unlabeled(PAUSED_LABEL.to_owned());
        let last = events.into_iter().filter(|event| event.kind == off).map(|event| event.at).max();
        Ok(last.filter(|at| *at >= paused_at).unwrap_or(self.now))
    }

    /// Remembers what was told, with the events that tell it; nothing is written where nothing is new.
    async fn remember(
        &self,
        path: &str,
        before: &KnownOutcomes,
        after: &KnownOutcomes,
        told: Vec<PullOutcome>,
    ) -> Result<(), Stopped> {
        let lines: Vec<Line> =
            told.into_iter().map(|outcome| self.context.line(Event::Outcome(Box::new(outcome)))).collect();
        if before != after && !self.context.run.dry_run {
            let along = self.context.along(&lines).await;
            let change = |present: &BTreeMap<String, Vec<u8>>| -> Result<Mutations, state::StateError> {
                let mut now: KnownOutcomes = match present.get(path) {
                    Some(bytes) => state::decode(path, bytes)?,
                    None => KnownOutcomes::default(),
                };
                for (number, one) in &after.pulls {
                    if before.pulls.get(number) != Some(one) {
                        now.pulls.insert(*number, one.clone());
                    }
                }
                now.tracking = after.tracking.or(now.tracking);
                (now.paused_at, now.counted_from) = (after.paused_at, after.counted_from);
                Ok(Mutations::from([(path.to_owned(), Some(state::encode(&now)))]))
            };
            let paths = |_: &state::Snapshot| vec![path.to_owned()];
            let message = "Outcomes of pull requests";
            self.context.state().update_along(message, &paths, &change, Some(&along)).await?;
        }
        for line in lines {
            self.context.recorder.keep(line).map_err(EngineError::Journal)?;
        }
        Ok(())
    }

    /// Returns whether nothing may be written to the target.
    fn is_held(&self) -> bool {
        self.context.run.dry_run || self.policy.mode == Mode::Observe
    }

    /// Writes the intent into the journal before anything is written to the forge.
    fn intend(&self, verb: &str, branch: &BranchName, at: &ObjectId) -> Result<(), EngineError> {
        let repo = self.policy.slug.to_string();
        let key = sha256_prefixed(&[verb, &repo, branch.as_str(), at.as_str()]);
        let intent = Intent { repo, verb, branch: branch.to_string(), key, content: at.as_str() };
        self.context.intend(intent).map_err(EngineError::Journal)
    }

    fn intend_pause(&self, branch: &BranchName) -> Result<(), EngineError> {
        let (verb, repo) = ("pause", self.policy.slug.to_string());
        let key = sha256_prefixed(&[verb, &repo]);
        let intent = Intent { repo: repo.clone(), verb, branch: branch.to_string(), key, content: &repo };
        self.context.intend(intent).map_err(EngineError::Journal)
    }
}
