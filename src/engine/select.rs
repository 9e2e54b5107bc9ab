//! Chooses the work of one repository: groups its reports by failure, and gates each failure. Layer 4.

use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::OnceCell;

use crate::engine::lease::Leases;
use crate::engine::reports::{Reports, Understood};
use crate::engine::state::{self, Snapshot};
use crate::engine::{
    Context, DuplicateReport, KeptPull, RepositoryProblem, RepositoryView, Selection, SkippedReport, Work, retry,
};
use crate::fingerprint;
use crate::forge::{ForgeError, IssueEventKind, PullQuery, PullRequest, PullState, Repository, TreeEntry};
use crate::gate::{self, AttemptInputs, Episode, Fate, PastPull};
use crate::model::{
    BranchName, FailureState, Family, Fingerprint, ObjectId, Policy, Reason, RepoPath, Report, ReportId, Timestamp,
    sha256_hex,
};
use crate::plan;

/// Episodes of one failure before the name would repeat itself for no good reason.
const MAX_EPISODES: u32 = 64;

/// What one repository has to do.
#[derive(Debug)]
pub(crate) struct Selected {
    pub(crate) view: RepositoryView,
    pub(crate) works: Vec<Work>,
    pub(crate) skipped: Vec<SkippedReport>,
    pub(crate) duplicates: Vec<DuplicateReport>,
}

/// Chooses the work of one repository. A repository that cannot be read is a view with a problem, never an error.
pub(crate) async fn select(
    context: &Context<'_>,
    now: Timestamp,
    snapshot: &Snapshot,
    leases: &Leases,
    policy: &Policy,
    selection: &Selection,
) -> Selected {
    let mut selected = Selected {
        view: RepositoryView {
            slug: policy.slug.clone(),
            id: None,
            issues_processed: 0,
            runs_processed: 0,
            open_pulls: 0,
            kept: Vec::new(),
            error: None,
        },
        works: Vec::new(),
        skipped: Vec::new(),
        duplicates: Vec::new(),
    };
    let reports = Reports::new(context, policy, selection);
    let selector = Selector { context, now, snapshot, leases, policy, reports, forced: selection.issue.is_some() };
    if let Err(problem) = selector.fill(&mut selected).await {
        selected.view.error = Some(problem);
    }
    selected
}

struct Selector<'a> {
    context: &'a Context<'a>,
    now: Timestamp,
    snapshot: &'a Snapshot,
    leases: &'a Leases,
    policy: &'a Policy,
    reports: Reports<'a>,
    /// A person named this very issue.
    forced: bool,
}

/// The base of one repository: what everything is proved on.
struct Base {
    repository: Repository,
    branch: BranchName,
    head: ObjectId,
    /// Its files, read when first asked for.
    entries: OnceCell<(Vec<TreeEntry>, Vec<RepoPath>)>,
}

/// Reports of one failure, the canonical one first.
struct Group {
    fingerprint: Fingerprint,
    family: Family,
    reports: Vec<Understood>,
}

/// How a failure may be worked on.
struct Chance {
    state: FailureState,
    attempt: u32,
    inputs: AttemptInputs,
    word: Option<String>,
}

impl Selector<'_> {
    async fn fill(&self, selected: &mut Selected) -> Result<(), RepositoryProblem> {
        let base = self.base().await?;
        selected.view.id = Some(base.repository.id);
        let found = self.reports.issues().await.map_err(problem)?;
        if !found.broken.is_empty() {
            // What can be read is worked on; that the list is not whole is said (F-05).
            let message = found.broken.into_iter().collect::<Vec<_>>().join(" ");
            selected.view.error = Some(RepositoryProblem { reason: Reason::Gone, message, retryable: false });
        }
        selected.view.issues_processed = found.issues.len() as u64;
        if found.issues.is_empty() {
            return Ok(());
        }
        let known = self.context.state().failures(self.snapshot, base.repository.id).await;
        let known = known.map_err(|error| state_problem(&error))?;
        let us = retry(self.context.system, async || self.context.forge.identity().await).await.map_err(problem)?;
        let mut failures: BTreeMap<Fingerprint, Vec<Understood>> = BTreeMap::new();
        for issue in found.issues {
            match self.reports.understand(&issue, &us).await.map_err(problem)? {
                Ok(mut understood) => {
                    // The birth fingerprint: what this report was first known as outlives every change of the algorithm.
                    if let Some(birth) = state::by_report(&known, &understood.report.id) {
                        understood.identity.fingerprint = birth.fingerprint.clone();
                        understood.identity.family = birth.family.clone();
                    }
                    failures.entry(understood.identity.fingerprint.clone()).or_default().push(understood);
                }
                Err((reason, message)) => selected.skipped.push(SkippedReport {
                    slug: self.policy.slug.clone(),
                    report: ReportId::Issue { number: issue.number },
                    fingerprint: None,
                    reason,
                    message,
                    since: issue.created_at,
                }),
            }
        }
        let mut groups: Vec<Group> = failures
            .into_iter()
            .filter_map(|(fingerprint, mut reports)| {
                reports.sort_by_key(|understood| issue_number(&understood.report.id));
                let family = reports.first()?.identity.family.clone();
                Some(Group { fingerprint, family, reports })
            })
            .collect();
        groups.sort_by_key(|group| group.reports.iter().map(|u| u.report.created_at).min());
        for group in groups {
            self.gate(&base, &known, group, selected).await.map_err(problem)?;
        }
        Ok(())
    }

    /// Reads the repository and its base branch.
    async fn base(&self) -> Result<Base, RepositoryProblem> {
        let forge = self.context.forge;
        let repository =
            retry(self.context.system, async || forge.repository(&self.policy.slug).await).await.map_err(problem)?;
        let branch = self.policy.branch.clone().unwrap_or_else(|| repository.default_branch.clone());
        let head = retry(self.context.system, async || forge.branch(&self.policy.slug, &branch).await)
            .await
            .map_err(problem)?
            .ok_or_else(|| RepositoryProblem {
                reason: Reason::BranchMissing,
                message: format!(
                    "{} has no branch {branch}, or no commit on it; set `branch` to one that exists.",
                    self.policy.slug
                ),
                retryable: false,
            })?;
        Ok(Base { repository, branch, head, entries: OnceCell::new() })
    }

    /// Gates one failure and adds it to the work, or says why not.
    async fn gate(
        &self,
        base: &Base,
        known: &[FailureState],
        mut group: Group,
        selected: &mut Selected,
    ) -> Result<(), ForgeError> {
        let fingerprint = group.fingerprint.clone();
        let pulls = self.our_pulls(&fingerprint).await?;
        let open = pulls.iter().find(|pull| pull.state == PullState::Open);
        self.set_duplicates_aside(&group, open.map(|pull| pull.number), selected);
        let name_taken =
            known.iter().any(|s| s.fingerprint.fp16() == fingerprint.fp16() && s.fingerprint != fingerprint);
        if name_taken {
            self.skip(&group, Reason::NameCollision, selected);
            return Ok(());
        }
        let known_state = known.iter().find(|state| state.fingerprint == fingerprint);
        let used = known_state.map(|s| s.words_used.as_slice()).unwrap_or_default();
        let (number, regression, word) = match self.episode(&pulls, &mut group, used).await? {
            Episode::Open { number, regression, word } => (number, regression, word),
            Episode::Kept { number, .. } => {
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
                }
                self.skip(&group, Reason::PullRequestOpen, selected);
                return Ok(());
            }
            Episode::Over(reason) => {
                self.skip(&group, reason, selected);
                return Ok(());
            }
        };
        if let Some(reason) = self.in_hand(base, &fingerprint, known_state).await? {
            self.skip(&group, reason, selected);
            return Ok(());
        }
        // A new episode starts with fresh attempts; what people turned down before stays turned down.
        let state = match known_state.filter(|state| state.episode == number) {
            Some(current) => Some(current.clone()),
            None if known_state.is_none() && pulls.is_empty() => None,
            None => Some(self.fresh(&group, number, known_state, &pulls).await?),
        };
        let state = self.with_unrecorded(base, &group, number, state);
        match self.chance(base, &group, number, state, word).await? {
            Ok(chance) => selected.works.push(self.work(base, group, number, regression, chance)),
            Err(reason) => self.skip(&group, reason, selected),
        }
        Ok(())
    }

    fn skip(&self, group: &Group, reason: Reason, selected: &mut Selected) {
        let Some(canonical) = group.reports.first() else { return };
        selected.skipped.push(SkippedReport {
            slug: self.policy.slug.clone(),
            report: canonical.report.id.clone(),
            fingerprint: Some(group.fingerprint.clone()),
            reason,
            message: reason.sentence().to_owned(),
            since: canonical.report.created_at,
        });
    }

    /// Leaves every report but the canonical one alone; each gets one comment with a link once there is one to give.
    fn set_duplicates_aside(&self, group: &Group, pull: Option<u64>, selected: &mut Selected) {
        let mut reports = group.reports.iter();
        let Some(canonical) = reports.next() else { return };
        let of = issue_number(&canonical.report.id);
        for duplicate in reports {
            let issue = issue_number(&duplicate.report.id);
            selected.duplicates.push(DuplicateReport { slug: self.policy.slug.clone(), issue, canonical: of, pull });
            selected.skipped.push(SkippedReport {
                slug: self.policy.slug.clone(),
                report: duplicate.report.id.clone(),
                fingerprint: Some(group.fingerprint.clone()),
                reason: Reason::Duplicate,
                message: format!("Issue #{of} reports the same failure and is handled instead."),
                since: duplicate.report.created_at,
            });
        }
    }

    /// Returns why somebody has this failure in hand: a waiting candidate, another run, another failure's patch.
    async fn in_hand(
        &self,
        base: &Base,
        fingerprint: &Fingerprint,
        known: Option<&FailureState>,
    ) -> Result<Option<Reason>, ForgeError> {
        let waits = |one: &Fingerprint| self.snapshot.has(&state::candidate_path(base.repository.id, one));
        if waits(fingerprint) {
            return Ok(Some(Reason::AwaitingPublish));
        }
        if self.leases.holding.iter().any(|lease| lease.covers(base.repository.id, fingerprint)) {
            return Ok(Some(Reason::Leased));
        }
        let Some(other) = known.and_then(|state| state.subsumed_by.as_ref()) else { return Ok(None) };
        let under_way = waits(other) || self.our_pulls(other).await?.iter().any(|pull| pull.state == PullState::Open);
        Ok(under_way.then_some(Reason::Subsumed))
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
    ) -> Result<Result<Chance, Reason>, ForgeError> {
        let Some(canonical) = group.reports.first() else { return Ok(Err(Reason::Gone)) };
        // A look at the files is worth a call only where the clock and the counter let an attempt begin.
        let unknown = AttemptInputs { specific: String::new(), baseline: String::new() };
        let limits = &self.policy.limits;
        let early = gate::next_attempt(state.as_ref(), &unknown, limits, self.now, self.forced);
        let inputs = if early.is_ok() { self.inputs(base, canonical).await? } else { unknown };
        let next = early.and_then(|_| gate::next_attempt(state.as_ref(), &inputs, limits, self.now, self.forced));
        let fresh = || FailureState::new(group.fingerprint.clone(), group.family.clone(), episode);
        let (attempt, mut state, word, inputs) = match next {
            Ok(next) => (next.attempt, state.unwrap_or_else(fresh), word, inputs),
            Err(reason) => {
                let state = state.unwrap_or_else(fresh);
                let Some(said) = self.said_since(&group.reports, &state).await? else { return Ok(Err(reason)) };
                (1, gate::asked_again(state, said.clone()), Some(said), self.inputs(base, canonical).await?)
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
        state.subsumed_by = None;
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
            let number = issue_number(&report.id);
            let events = self.reports.events(number).await?;
            let words = self.reports.words(number, &events).await?;
            let fresh = words.into_iter().find(|word| word.at > last && !state.words_used.contains(&word.id));
            if fresh.is_some() {
                return Ok(fresh.map(|word| word.id));
            }
        }
        Ok(None)
    }

    fn work(&self, base: &Base, group: Group, episode: u32, regression: bool, chance: Chance) -> Work {
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
            state: chance.state,
        }
    }

    /// Hashes what an attempt depends on: the files that the report points at, the library, the policy, the text.
    async fn inputs(&self, base: &Base, understood: &Understood) -> Result<AttemptInputs, ForgeError> {
        let (forge, slug) = (self.context.forge, &self.policy.slug);
        let (entries, paths) = base
            .entries
            .get_or_try_init(async || {
                let entries = retry(self.context.system, async || forge.tree(slug, &base.head).await).await?;
                let paths = entries.iter().filter_map(|entry| entry.path.parse().ok()).collect();
                Ok::<_, ForgeError>((entries, paths))
            })
            .await?;
        let pointed: BTreeSet<RepoPath> = crate::engine::places::app_frames(&understood.failure)
            .iter()
            .filter_map(|frame| fingerprint::localise_frame(frame, paths))
            .collect();
        let blobs: Vec<&str> = entries
            .iter()
            .filter(|entry| pointed.iter().any(|path| path.as_str() == entry.path))
            .map(|entry| entry.id.as_str())
            .collect();
        Ok(AttemptInputs::new(
            base.head.as_str(),
            &blobs,
            self.context.library_digest,
            &self.policy.config_hash(),
            &sha256_hex(understood.report.body.as_str().as_bytes()),
        ))
    }

    /// Lists our pull requests for a failure, over all its episodes, from the forge and never from a cache.
    async fn our_pulls(&self, fingerprint: &Fingerprint) -> Result<Vec<PullRequest>, ForgeError> {
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

    /// Decides the episode; reads timelines and comments only where a past pull request asks for it. Any report of the
    /// failure may say that it came back, and any of them may hold a person's word.
    async fn episode(&self, pulls: &[PullRequest], group: &mut Group, used: &[String]) -> Result<Episode, ForgeError> {
        let past: Vec<PastPull> = pulls.iter().map(|pull| PastPull { number: pull.number, fate: fate(pull) }).collect();
        let mut reported_at = Timestamp::default();
        let mut words = Vec::new();
        let over = !past.is_empty() && past.iter().all(|pull| pull.fate != Fate::Open);
        for Understood { report, .. } in &mut group.reports {
            if over {
                let number = issue_number(&report.id);
                let events = self.reports.events(number).await?;
                report.reopened_at = events.iter().filter(|e| e.kind == IssueEventKind::Reopened).map(|e| e.at).max();
                words.extend(self.reports.words(number, &events).await?);
            }
            reported_at = reported_at.max(last_reported(report));
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

/// Returns an issue's number; reports of other kinds sort after every issue.
fn issue_number(report: &ReportId) -> u64 {
    match report {
        ReportId::Issue { number } => *number,
        ReportId::Run { .. } => u64::MAX,
    }
}

/// Says what a forge's error means for the repository.
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
pub(crate) fn problem(error: ForgeError) -> RepositoryProblem {
    let (reason, retryable) = match &error {
        ForgeError::NotFound(_) => (Reason::RepositoryMissing, false),
        ForgeError::Denied(_) => (Reason::Denied, false),
        ForgeError::Invalid(_) | ForgeError::Conflict(_) => (Reason::ForgeUnavailable, false),
        ForgeError::RateLimited { .. } | ForgeError::Transient(_) | ForgeError::Ambiguous(_) => {
            (Reason::ForgeUnavailable, true)
        }
    };
    RepositoryProblem { reason, message: format!("{} ({error})", reason.sentence()), retryable }
}

fn state_problem(error: &state::StateError) -> RepositoryProblem {
    RepositoryProblem {
        reason: Reason::StateUnavailable,
        message: format!("{} ({error})", Reason::StateUnavailable.sentence()),
        retryable: true,
    }
}
