//! Asks of one failure whether it may be worked on now: episode, whose hands it is in, attempts. Layer 4.
//!
//! The rules are `gate`'s; here is only what has to be read for them, and in which order, so that little is read.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::engine::reports::Understood;
use crate::engine::select::{Around, Base, Group, Selected, Selector, issue_number};
use crate::engine::{KeptPull, Work, facts_of, failed_runs, rebuild, retry, state, worn};
use crate::fingerprint;
use crate::forge::{ForgeError, IssueEventKind, PullQuery, PullRequest, PullState};
use crate::gate::{self, AttemptInputs, Episode, Fate, PastPull, UnderWay, Wear};
use crate::model::{
    FailureState, Fingerprint, KnownOutcomes, Mode, ObjectId, Reason, Related, RepoPath, Report, Sketch, Timestamp,
    Untrusted, sha256_hex,
};
use crate::plan::{self, Ownership};

/// Episodes of one failure before the name would repeat itself for no good reason.
const MAX_EPISODES: u32 = 64;
/// Said of a failure that nothing is tried for because its pull request could not be opened.
const NO_PULLS: &str = "The forge refused to let this token open a pull request for another fix, which waits on its \
     branch; nothing is tried here, and nothing spent, until that one could be opened.";

/// How a failure may be worked on.
pub(super) struct Chance {
    pub(super) state: FailureState,
    attempt: u32,
    inputs: AttemptInputs,
    word: Option<String>,
}

/// An open pull request of ours whose patch has to be made again.
struct Worn {
    number: u64,
    head: ObjectId,
    tree: ObjectId,
    /// Its checks are red; otherwise it conflicts.
    red: bool,
}

/// A failure that may be worked on, as far as it alone is concerned.
pub(super) struct Ready {
    pub(super) episode: u32,
    regression: bool,
    pub(super) chance: Chance,
    /// Nothing was ever tried for it, and no person asked for it.
    pub(super) untried: bool,
    /// The head of our open pull request that is to be replaced.
    replaces: Option<ObjectId>,
}

impl Worn {
    /// Says why it stays as it is for now.
    fn kept_for(&self, reason: Reason) -> String {
        let why = if self.red { "its checks are red while those of the base are green" } else { "it conflicts" };
        format!("Pull request #{} stays as it is although {why}. {}", self.number, reason.sentence())
    }
}

impl Selector<'_> {
    /// Gates one failure by itself, or says why nothing is done about it; `under_way` learns what is in hand already.
    pub(super) async fn gate(
        &self,
        around: &Around<'_>,
        group: &mut Group,
        under_way: &mut BTreeMap<Fingerprint, UnderWay>,
        selected: &mut Selected,
    ) -> Result<Option<Ready>, ForgeError> {
        let (base, known) = (around.base, around.known);
        let fingerprint = group.fingerprint.clone();
        let pulls = self.our_pulls(&fingerprint).await?;
        let open = pulls.iter().find(|pull| pull.state == PullState::Open);
        self.set_duplicates_aside(group, open.map(|pull| pull.number), selected);
        let name_taken =
            known.iter().any(|s| s.fingerprint.fp16() == fingerprint.fp16() && s.fingerprint != fingerprint);
        if name_taken {
            self.skip(group, Reason::NameCollision, selected);
            return Ok(None);
        }
        let recorded = known.iter().find(|state| state.fingerprint == fingerprint);
        let id = base.repository.id;
        let rebuilt = rebuild::from_mirrors(self.context, id, self.policy, around.us, &fingerprint, recorded, &pulls);
        let rebuilt = rebuilt.await?;
        let known_state = rebuilt.as_ref().map(|rebuilt| rebuilt.state.clone()).or_else(|| recorded.cloned());
        let known_state = known_state.as_ref();
        selected.rebuilt.extend(rebuilt);
        let used = known_state.map(|s| s.words_used.as_slice()).unwrap_or_default();
        let (number, regression, word, worn) = match self.episode(id, &pulls, group, used).await? {
            Episode::Open { number, regression, word } => (number, regression, word, None),
            Episode::Kept { number, pull } => {
                under_way.insert(fingerprint.clone(), UnderWay::PullRequest(pull));
                let mut worn = None;
                if let Some(open) = open {
                    selected.view.open_pulls += 1;
                    selected.view.kept.push(KeptPull {
                        number: open.number,
                        url: open.url.clone(),
                        branch: open.head.clone(),
                        fingerprint: fingerprint.clone(),
                        episode: number,
                        draft: open.draft,
                    });
                    worn = self.worn(base, &fingerprint, number, open, selected).await?;
                }
                if worn.is_none() {
                    self.skip(group, Reason::PullRequestOpen, selected);
                    return Ok(None);
                }
                let past = pulls.iter().filter(|pull| pull.state != PullState::Open).max_by_key(|pull| pull.number);
                (number, past.is_some_and(|pull| pull.state == PullState::Merged), None, worn)
            }
            Episode::Over(reason) => {
                self.skip(group, reason, selected);
                return Ok(None);
            }
        };
        if let Some(way) = self.in_hand(base, &fingerprint) {
            under_way.insert(fingerprint, way);
            let reason = match way {
                UnderWay::Leased => Reason::Leased,
                _ if known_state.is_some_and(|state| state.awaiting_pr) => Reason::AwaitingPr,
                _ if self.policy.mode == Mode::Approve => Reason::AwaitingApproval,
                _ => Reason::AwaitingPublish,
            };
            self.skip(group, reason, selected);
            return Ok(None);
        }
        // What is open already can be changed; what is not cannot be opened, and nothing is spent on it until it can.
        if around.no_pulls && worn.is_none() {
            self.skip_saying(group, Reason::AwaitingPr, NO_PULLS.to_owned(), selected);
            return Ok(None);
        }
        if self.is_subsumed(base, known_state).await? {
            self.skip(group, Reason::Subsumed, selected);
            return Ok(None);
        }
        // A new episode starts with fresh attempts; what people turned down before stays turned down.
        let state = match known_state.filter(|state| state.episode == number) {
            Some(current) => Some(current.clone()),
            None if known_state.is_none() && pulls.is_empty() => None,
            None => Some(self.fresh(group, number, known_state, &pulls).await?),
        };
        let state = self.with_unrecorded(base, group, number, state);
        let tried = !pulls.is_empty() || state.as_ref().is_some_and(|state| state.attempts > 0);
        match self.chance(base, group, number, state, word, worn.as_ref()).await? {
            Ok(mut chance) => {
                let untried = !tried && chance.word.is_none() && self.selection.issue.is_none();
                if let Some(worn) = worn.as_ref().filter(|worn| worn.red)
                    && !chance.state.rejected_trees.contains(&worn.tree)
                {
                    // The checks turned it down: the same tree would only be red again.
                    chance.state.rejected_trees.push(worn.tree.clone());
                }
                Ok(Some(Ready { episode: number, regression, chance, untried, replaces: worn.map(|worn| worn.head) }))
            }
            Err(reason) => {
                match &worn {
                    Some(worn) => self.skip_saying(group, Reason::PullRequestOpen, worn.kept_for(reason), selected),
                    None => self.skip(group, reason, selected),
                }
                Ok(None)
            }
        }
    }

    /// Looks whether the patch of our open pull request has to be made again. Where somebody has the failure in hand, or a
    /// person has the branch, it does not.
    async fn worn(
        &self,
        base: &Base,
        fingerprint: &Fingerprint,
        episode: u32,
        open: &PullRequest,
        selected: &mut Selected,
    ) -> Result<Option<Worn>, ForgeError> {
        if self.in_hand(base, fingerprint).is_some() || open.base != base.branch {
            return Ok(None);
        }
        let (forge, slug) = (self.context.forge, &self.policy.slug);
        let wear = match worn::wear(self.context, slug, open.number, &open.head_sha, &base.head).await {
            Ok(wear) => wear,
            // What a token may not read is never known, and what can be known at another time is read then.
            Err(error @ (ForgeError::Denied(_) | ForgeError::NotFound(_))) => {
                tracing::debug!(slug = %self.context.veil.name(slug), pull = open.number, %error, "its standing is not shown");
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        selected.unsettled |= wear == Wear::Unclear;
        if !wear.is_worn() {
            return Ok(None);
        }
        let commit = retry(self.context.system, async || forge.commit(slug, &open.head_sha).await).await?;
        let tree = commit.tree.clone();
        let ours = matches!(plan::ownership(fingerprint, episode, &facts_of(commit)), Ownership::Ours(_));
        let (number, head) = (open.number, open.head_sha.clone());
        Ok(ours.then(|| Worn { number, head, tree, red: wear == Wear::Red }))
    }

    /// Says whose hands a failure is in without asking the forge: a candidate of it waits, or another run has it.
    pub(super) fn in_hand(&self, base: &Base, fingerprint: &Fingerprint) -> Option<UnderWay> {
        if self.has_candidate(base, fingerprint) {
            return Some(UnderWay::Candidate);
        }
        let leased = self.leases.holding.iter().any(|lease| lease.covers(base.repository.id, fingerprint));
        leased.then_some(UnderWay::Leased)
    }

    /// Returns whether a candidate of a failure waits on the state branch.
    pub(super) fn has_candidate(&self, base: &Base, fingerprint: &Fingerprint) -> bool {
        self.snapshot.has(&state::candidate_path(base.repository.id, fingerprint))
    }

    /// Returns whether the patch of another failure, which mends this one too, is under way.
    async fn is_subsumed(&self, base: &Base, known: Option<&FailureState>) -> Result<bool, ForgeError> {
        let Some(other) = known.and_then(|state| state.subsumed_by.as_ref()) else { return Ok(false) };
        Ok(self.has_candidate(base, other)
            || self.our_pulls(other).await?.iter().any(|pull| pull.state == PullState::Open))
    }

    /// Makes the state of a new episode.
    async fn fresh(
        &self,
        group: &Group,
        episode: u32,
        past: Option<&FailureState>,
        pulls: &[PullRequest],
    ) -> Result<FailureState, ForgeError> {
        let mut fresh = FailureState::new(group.fingerprint.clone(), group.family.clone(), episode);
        if let Some(past) = past {
            fresh.sketch.clone_from(&past.sketch);
            fresh.reports.clone_from(&past.reports);
            fresh.words_used.clone_from(&past.words_used);
            fresh.rejected_trees.clone_from(&past.rejected_trees);
        }
        // What was turned down is the forge's to say, whatever the state remembers.
        let (forge, slug) = (self.context.forge, &self.policy.slug);
        for pull in pulls {
            match retry(self.context.system, async || forge.commit(slug, &pull.head_sha).await).await {
                Ok(commit) if !fresh.rejected_trees.contains(&commit.tree) => fresh.rejected_trees.push(commit.tree),
                Ok(_) | Err(ForgeError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(fresh)
    }

    /// Counts runs that leased the failure and never said what became of it.
    fn with_unrecorded(
        &self,
        base: &Base,
        group: &Group,
        episode: u32,
        state: Option<FailureState>,
    ) -> Option<FailureState> {
        let deadlines = self.leases.overdue_for(base.repository.id, &group.fingerprint);
        deadlines.into_iter().fold(state, |state, deadline| {
            let state =
                state.unwrap_or_else(|| FailureState::new(group.fingerprint.clone(), group.family.clone(), episode));
            Some(gate::unrecorded(state, deadline))
        })
    }

    /// Decides whether another attempt may begin; a person's word passes over cooldown, unchanged input and giving up.
    async fn chance(
        &self,
        base: &Base,
        group: &Group,
        episode: u32,
        state: Option<FailureState>,
        word: Option<String>,
        worn: Option<&Worn>,
    ) -> Result<Result<Chance, Reason>, ForgeError> {
        let Some(canonical) = group.reports.first() else { return Ok(Err(Reason::Gone)) };
        // A look at the files is worth a call only where the clock and the counter let an attempt begin.
        let unknown = AttemptInputs { specific: String::new(), baseline: String::new() };
        let limits = &self.policy.limits;
        let forced = self.selection.forces(state.as_ref().map(|s| s.words_used.as_slice()).unwrap_or_default());
        let asked = self.selection.asked.as_ref();
        let said = asked.and_then(|asked| asked.hint.as_ref());
        let hint = said.or(state.as_ref().and_then(|state| state.hint.as_ref())).cloned();
        let inputs = async || -> Result<AttemptInputs, ForgeError> {
            Ok(self.inputs(base, canonical, worn).await?.hinted(hint.as_ref().map(Untrusted::as_str)))
        };
        let early = gate::next_attempt(state.as_ref(), &unknown, limits, self.now, forced);
        let known = if early.is_ok() { inputs().await? } else { unknown };
        let next = early.and_then(|_| gate::next_attempt(state.as_ref(), &known, limits, self.now, forced));
        let fresh = || FailureState::new(group.fingerprint.clone(), group.family.clone(), episode);
        let (attempt, mut state, word, inputs) = match next {
            Ok(next) => (next.attempt, state.unwrap_or_else(fresh), word, known),
            Err(reason) => {
                let state = state.unwrap_or_else(fresh);
                let Some(said) = self.said_since(&group.reports, &state).await? else { return Ok(Err(reason)) };
                (1, gate::asked_again(state, said.clone()), Some(said), inputs().await?)
            }
        };
        for report in group.reports.iter().map(|understood| &understood.report.id) {
            if !state.reports.contains(report) {
                state.reports.push(report.clone());
            }
        }
        if let Some(word) = word.as_ref().filter(|word| !state.words_used.contains(word)) {
            state.words_used.push(word.clone());
        }
        if let Some(asked) = asked.filter(|asked| asked.forces && !state.words_used.contains(&asked.word)) {
            state.words_used.push(asked.word.clone());
        }
        state.hint = hint;
        state.subsumed_by = None;
        state.sketch.get_or_insert_with(|| Sketch::of(&canonical.identity.components));
        Ok(Ok(Chance { state, attempt, inputs, word }))
    }

    /// Finds a word of a person that came after the last attempt and was not used yet.
    async fn said_since(&self, reports: &[Understood], state: &FailureState) -> Result<Option<String>, ForgeError> {
        let logged = state.attempts_log.last().map(|record| record.at);
        let last = logged.max(state.last_attempt_at).unwrap_or_default();
        for Understood { report, .. } in reports {
            // A report that nobody touched since has no new word.
            if report.updated_at <= last {
                continue;
            }
            // Nobody can speak on a job; what people say about its fix stands at the pull request.
            let Some(number) = issue_number(&report.id) else { continue };
            let events = self.reports.events(number).await?;
            let words = self.reports.words(number, &events).await?;
            let fresh = words.into_iter().find(|word| word.at > last && !state.words_used.contains(&word.id));
            if fresh.is_some() {
                return Ok(fresh.map(|word| word.id));
            }
        }
        Ok(None)
    }

    /// Makes the work of a failure that is chosen.
    pub(super) fn work(&self, base: &Base, group: Group, ready: Ready, related: Vec<Related>) -> Work {
        let Ready { episode, regression, chance, replaces, .. } = ready;
        let reports = group.reports.iter().map(|u| u.report.id.clone()).collect();
        let canonical = group.reports.into_iter().next().expect("internal error: a group has a report");
        Work {
            repository_id: base.repository.id,
            slug: self.policy.slug.clone(),
            base_branch: base.branch.clone(),
            base_sha: base.head.clone(),
            report: canonical.report,
            reports,
            failure: canonical.failure,
            fingerprint: group.fingerprint,
            family: group.family,
            episode,
            regression,
            word: chance.word,
            attempt: chance.attempt,
            inputs_specific: chance.inputs.specific,
            inputs_baseline: chance.inputs.baseline,
            replaces,
            state: chance.state,
            related,
        }
    }

    /// Hashes what an attempt depends on: the files that the report points at, the library, the policy, the text.
    async fn inputs(
        &self,
        base: &Base,
        understood: &Understood,
        worn: Option<&Worn>,
    ) -> Result<AttemptInputs, ForgeError> {
        let (forge, slug) = (self.context.forge, &self.policy.slug);
        let (entries, paths) = base
            .entries
            .get_or_try_init(async || {
                let entries = retry(self.context.system, async || forge.tree(slug, &base.head).await).await?;
                let paths = entries.iter().filter_map(|entry| entry.path.parse().ok()).collect();
                Ok::<_, ForgeError>((entries, paths))
            })
            .await?;
        let pointed: BTreeSet<RepoPath> = crate::engine::attempt::app_frames(&understood.failure)
            .iter()
            .filter_map(|frame| fingerprint::localise_frame(frame, paths))
            .collect();
        let blobs: Vec<&str> = entries
            .iter()
            .filter(|entry| pointed.iter().any(|path| path.as_str() == entry.path))
            .map(|entry| entry.id.as_str())
            .collect();
        let inputs = AttemptInputs::new(
            base.head.as_str(),
            &blobs,
            self.context.library_digest,
            &self.policy.config_hash(),
            &sha256_hex(understood.report.body.as_str().as_bytes()),
        );
        Ok(match worn {
            Some(worn) => inputs.replacing(worn.head.as_str(), (!worn.red).then_some(base.head.as_str())),
            None => inputs,
        })
    }

    /// Lists our pull requests for a failure, over all its episodes, from the forge and never from a cache.
    pub(super) async fn our_pulls(&self, fingerprint: &Fingerprint) -> Result<Vec<PullRequest>, ForgeError> {
        let forge = self.context.forge;
        let mut pulls = Vec::new();
        for episode in 1..=MAX_EPISODES {
            let query = PullQuery { head: Some(plan::branch_for(fingerprint, episode)), open_only: false };
            let page = retry(self.context.system, async || forge.pulls(&self.policy.slug, &query, None).await).await?;
            if page.items.is_empty() {
                break;
            }
            pulls.extend(page.items);
        }
        Ok(pulls)
    }

    /// Returns from when on a failed run reports the failure: after the last merge exactly if the commit that it ran has it.
    async fn failed_since(
        &self,
        head: &ObjectId,
        report: &Report,
        pulls: &[PullRequest],
    ) -> Result<Timestamp, ForgeError> {
        let last = pulls.iter().max_by_key(|pull| pull.number);
        let Some((merge, at)) = last.and_then(|pull| pull.merge_sha.as_ref().zip(pull.merged_at)) else {
            return Ok(last_reported(report));
        };
        let has = failed_runs::contains(self.context, self.policy, head, merge).await?;
        Ok(if has { report.created_at.max(at.after(Duration::from_millis(1))) } else { Timestamp::default() })
    }

    /// Returns when merges were seen to be taken back, as `outcomes` remembers it; what cannot be read is not known.
    async fn outcomes(&self, repository_id: u64) -> BTreeMap<u64, Timestamp> {
        let path = state::outcomes_path(repository_id);
        let known: Option<KnownOutcomes> =
            self.context.state().read_json(self.snapshot, &path).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "what became of earlier pull requests cannot be read");
                None
            });
        let pulls = known.map(|known| known.pulls).unwrap_or_default();
        pulls.into_iter().filter_map(|(number, one)| Some((number, one.reverted_at?))).collect()
    }

    /// Decides the episode; reads timelines and comments only where a past pull request asks for it. Any report of the
    /// failure may say that it came back, and any of them may hold a person's word.
    async fn episode(
        &self,
        repository_id: u64,
        pulls: &[PullRequest],
        group: &mut Group,
        used: &[String],
    ) -> Result<Episode, ForgeError> {
        let mut past: Vec<PastPull> =
            pulls.iter().map(|pull| PastPull { number: pull.number, fate: fate(pull) }).collect();
        if past.iter().any(|pull| matches!(pull.fate, Fate::Merged(_))) {
            let known = self.outcomes(repository_id).await;
            for pull in &mut past {
                if let (Fate::Merged(_), Some(at)) = (pull.fate, known.get(&pull.number)) {
                    pull.fate = Fate::Reverted(*at);
                }
            }
        }
        let mut reported_at = Timestamp::default();
        let mut words = Vec::new();
        let over = !past.is_empty() && past.iter().all(|pull| pull.fate != Fate::Open);
        for Understood { report, head, .. } in &mut group.reports {
            match (issue_number(&report.id), head) {
                (Some(number), _) if over => {
                    let events = self.reports.events(number).await?;
                    let reopened = events.iter().filter(|event| event.kind == IssueEventKind::Reopened);
                    report.reopened_at = reopened.map(|event| event.at).max();
                    words.extend(self.reports.words(number, &events).await?);
                    reported_at = reported_at.max(last_reported(report));
                }
                (None, Some(head)) if over => {
                    reported_at = reported_at.max(self.failed_since(head, report, pulls).await?);
                    for pull in pulls {
                        words.extend(self.reports.words(pull.number, &[]).await?);
                    }
                }
                _ => reported_at = reported_at.max(last_reported(report)),
            }
        }
        words.sort_by_key(|word| word.at);
        Ok(gate::episode(&past, reported_at, &words, used))
    }
}

/// Returns when a report was opened, or opened again if that was later.
fn last_reported(report: &Report) -> Timestamp {
    report.reopened_at.unwrap_or_default().max(report.created_at)
}

/// Returns what became of a pull request.
fn fate(pull: &PullRequest) -> Fate {
    let ended = pull.merged_at.or(pull.closed_at).unwrap_or(pull.created_at);
    match pull.state {
        PullState::Open => Fate::Open,
        PullState::Merged => Fate::Merged(ended),
        PullState::Closed => Fate::Closed(ended),
    }
}
