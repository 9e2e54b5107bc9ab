//! Chooses the work of one repository: reads its reports, groups them by failure, and gates each. Layer 4.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::lease::Lease;
use crate::engine::state::{self, Snapshot, StateBranch};
use crate::engine::{
    Context, DuplicateReport, KeptPull, RepositoryProblem, RepositoryView, Selection, SkippedReport, Work, retry,
};
use crate::fingerprint;
use crate::forge::{
    Comment, ForgeError, Issue, IssueEvent, IssueEventKind, IssueQuery, PullQuery, PullRequest, PullState, Repository,
};
use crate::gate::{self, AttemptInputs, Episode, Fate, LabelEvent, PastPull, TrustFacts, Word};
use crate::intake;
use crate::model::{
    Actor, BranchName, Failure, FailureState, Fingerprint, ObjectId, Permission, Policy, Reason, RepoPath, Report,
    ReportId, Timestamp, sha256_hex,
};
use crate::plan;

/// Pages read of one list before it counts as endless.
const MAX_PAGES: usize = 200;
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

/// A report that was read and understood.
struct Understood {
    report: Report,
    failure: Failure,
    identity: fingerprint::Identity,
}

/// Chooses the work of one repository. A repository that cannot be read is a view with a problem, never an error.
pub(crate) async fn select(
    context: &Context<'_>,
    snapshot: &Snapshot,
    leases: &[Lease],
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
    let selector = Selector { context, state: context.state(), snapshot, leases, policy, selection };
    if let Err(problem) = selector.fill(&mut selected).await {
        selected.view.error = Some(problem);
    }
    selected
}

struct Selector<'a> {
    context: &'a Context<'a>,
    state: StateBranch<'a>,
    snapshot: &'a Snapshot,
    leases: &'a [Lease],
    policy: &'a Policy,
    selection: &'a Selection,
}

/// The base of one repository: what everything is proved on.
struct Base {
    repository: Repository,
    branch: BranchName,
    head: ObjectId,
}

impl Selector<'_> {
    async fn fill(&self, selected: &mut Selected) -> Result<(), RepositoryProblem> {
        let base = self.base().await?;
        selected.view.id = Some(base.repository.id);
        let issues = self.issues().await.map_err(problem)?;
        selected.view.issues_processed = issues.len() as u64;
        if issues.is_empty() {
            return Ok(());
        }
        let known = self.state.failures(self.snapshot, base.repository.id).await.map_err(|e| state_problem(&e))?;
        let us = retry(self.context.system, async || self.context.forge.identity().await).await.map_err(problem)?;
        let mut failures: BTreeMap<Fingerprint, Vec<Understood>> = BTreeMap::new();
        for issue in issues {
            match self.understand(&issue, &us).await.map_err(problem)? {
                Ok(mut understood) => {
                    // The birth fingerprint: what this report was first known as outlives every change of the algorithm.
                    if let Some(birth) = state::by_report(&known, &understood.report.id) {
                        understood.identity.fingerprint = birth.fingerprint.clone();
                        understood.identity.family = birth.family.clone();
                    }
                    failures.entry(understood.identity.fingerprint.clone()).or_default().push(understood);
                }
                Err((reason, message)) => selected.skipped.push(self.skip(&issue, None, reason, message)),
            }
        }
        let mut groups: Vec<_> = failures.into_values().collect();
        groups.sort_by_key(|group| group.iter().map(|u| u.report.created_at).min());
        for group in groups {
            self.gate(&base, &known, group, selected).await?;
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
        Ok(Base { repository, branch, head })
    }

    /// Lists open issues with any trigger label, oldest first; or the one issue asked for.
    async fn issues(&self) -> Result<Vec<Issue>, ForgeError> {
        let (forge, slug) = (self.context.forge, &self.policy.slug);
        if let Some(number) = self.selection.issue {
            return Ok(vec![retry(self.context.system, async || forge.issue(slug, number).await).await?]);
        }
        let mut found: BTreeMap<u64, Issue> = BTreeMap::new();
        for label in &self.policy.trigger_labels {
            let query = IssueQuery { label: Some(label.clone()), open_only: true, since: None };
            let mut page: Option<String> = None;
            let mut seen_pages = BTreeSet::new();
            for _ in 0..MAX_PAGES {
                let answer =
                    retry(self.context.system, async || forge.issues(slug, &query, page.as_deref()).await).await?;
                found.extend(answer.items.into_iter().map(|issue| (issue.number, issue)));
                // A forge that sends a page twice would keep us for ever.
                match answer.next {
                    Some(next) if seen_pages.insert(next.clone()) => page = Some(next),
                    _ => break,
                }
            }
        }
        found.retain(|_, issue| !issue.is_pull_request && issue.open);
        let mut issues: Vec<Issue> = found.into_values().collect();
        issues.sort_by_key(|issue| (issue.created_at, issue.number));
        issues.truncate(usize::try_from(self.context.config.run.max_issues).unwrap_or(usize::MAX));
        Ok(issues)
    }

    /// Reads one issue: opt-out, trust, and what it says.
    async fn understand(&self, issue: &Issue, us: &Actor) -> Result<Result<Understood, (Reason, String)>, ForgeError> {
        let coded = |reason: Reason| Ok(Err((reason, reason.sentence().to_owned())));
        if issue.is_pull_request {
            return coded(Reason::NotAnIssue);
        }
        if let Some(reason) = gate::opted_out(&issue.labels) {
            return coded(reason);
        }
        if let Err(reason) = self.trust(issue, us).await? {
            return coded(reason);
        }
        let report = Report {
            id: ReportId::Issue { number: issue.number },
            url: issue.url.clone(),
            title: issue.title.as_str().into(),
            body: issue.body.as_str().into(),
            author: issue.author.clone(),
            labels: issue.labels.clone(),
            created_at: issue.created_at,
            reopened_at: None,
            updated_at: issue.updated_at,
        };
        Ok(match intake::read_report(&report) {
            Ok(failure) => {
                let identity = fingerprint::identify(&failure);
                Ok(Understood { report, failure, identity })
            }
            Err(skip) => Err((skip.reason, skip.message)),
        })
    }

    /// Decides whether the issue may cause work; asks the forge only what the decision needs.
    async fn trust(&self, issue: &Issue, us: &Actor) -> Result<Result<(), Reason>, ForgeError> {
        let Some(author) = &issue.author else { return Ok(Ok(())) };
        let permission = self.permission(author).await;
        let mut facts =
            TrustFacts { author: Some(author), permission, ourselves: Some(us.id), ..TrustFacts::default() };
        let first = gate::trusted(&facts, self.policy);
        if !matches!(first, Err(Reason::UntrustedAuthor | Reason::PermissionUnknown)) {
            return Ok(first);
        }
        for event in self.events(issue.number).await? {
            match event.kind {
                IssueEventKind::Labeled(label) => {
                    let permission = match &event.actor {
                        Some(actor) => self.permission(actor).await,
                        None => Some(Permission::Admin),
                    };
                    facts.labeled.push(LabelEvent {
                        label,
                        permission,
                        actor: event.actor.map(|a| a.id),
                        at: event.at,
                    });
                }
                IssueEventKind::Edited => facts.edited_at = facts.edited_at.max(Some(event.at)),
                _ => {}
            }
        }
        Ok(gate::trusted(&facts, self.policy))
    }

    /// Asks what an account may do; a failing look-up counts as not known.
    async fn permission(&self, actor: &Actor) -> Option<Permission> {
        let forge = self.context.forge;
        retry(self.context.system, async || forge.permission(&self.policy.slug, actor).await).await.ok()
    }

    /// Gates one failure and adds it to the work, or says why not.
    async fn gate(
        &self,
        base: &Base,
        known: &[FailureState],
        mut group: Vec<Understood>,
        selected: &mut Selected,
    ) -> Result<(), RepositoryProblem> {
        group.sort_by_key(|understood| issue_number(&understood.report.id));
        let reports: Vec<ReportId> = group.iter().map(|u| u.report.id.clone()).collect();
        let mut rest = group.into_iter();
        let Some(mut canonical) = rest.next() else { return Ok(()) };
        let (fingerprint, family) = (canonical.identity.fingerprint.clone(), canonical.identity.family.clone());
        for duplicate in rest {
            let since = duplicate.report.created_at;
            let (issue, of) = (issue_number(&duplicate.report.id), issue_number(&canonical.report.id));
            selected.duplicates.push(DuplicateReport { slug: self.policy.slug.clone(), issue, canonical: of });
            selected.skipped.push(SkippedReport {
                slug: self.policy.slug.clone(),
                report: duplicate.report.id,
                fingerprint: Some(fingerprint.clone()),
                reason: Reason::Duplicate,
                message: format!("Issue #{of} reports the same failure and is handled instead."),
                since,
            });
        }
        let known_state = known.iter().find(|state| state.fingerprint == fingerprint);
        let name_taken =
            known.iter().any(|s| s.fingerprint.fp16() == fingerprint.fp16() && s.fingerprint != fingerprint);
        let skip = |reason: Reason, selected: &mut Selected, report: &Report| {
            selected.skipped.push(SkippedReport {
                slug: self.policy.slug.clone(),
                report: report.id.clone(),
                fingerprint: Some(fingerprint.clone()),
                reason,
                message: reason.sentence().to_owned(),
                since: report.created_at,
            });
        };
        if name_taken {
            skip(Reason::NameCollision, selected, &canonical.report);
            return Ok(());
        }
        let pulls = self.our_pulls(&fingerprint).await.map_err(problem)?;
        let used = known_state.map(|s| s.words_used.as_slice()).unwrap_or_default();
        let episode = self.episode(&pulls, &mut canonical.report, used).await.map_err(problem)?;
        let (number, regression, word) = match episode {
            Episode::Open { number, regression, word } => (number, regression, word),
            Episode::Kept { number, pull } => {
                if let Some(open) = pulls.iter().find(|p| p.number == pull) {
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
                skip(Reason::PullRequestOpen, selected, &canonical.report);
                return Ok(());
            }
            Episode::Over(reason) => {
                skip(reason, selected, &canonical.report);
                return Ok(());
            }
        };
        if self.snapshot.has(&state::candidate_path(base.repository.id, &fingerprint)) {
            skip(Reason::AwaitingPublish, selected, &canonical.report);
            return Ok(());
        }
        if self.leases.iter().any(|lease| lease.covers(base.repository.id, &fingerprint)) {
            skip(Reason::Leased, selected, &canonical.report);
            return Ok(());
        }
        let inputs = self.inputs(base, &canonical).await.map_err(problem)?;
        // A new episode starts with fresh attempts; what people turned down before stays turned down.
        let current = known_state.filter(|state| state.episode == number);
        let now = self.context.forge.now().await.map_err(problem)?;
        let forced = self.selection.issue.is_some();
        let next = match gate::next_attempt(current, &inputs, &self.policy.limits, now, forced) {
            Ok(next) => next,
            Err(reason) => {
                skip(reason, selected, &canonical.report);
                return Ok(());
            }
        };
        let mut state = current.cloned().unwrap_or_else(|| {
            let mut fresh = FailureState::new(fingerprint.clone(), family.clone(), number);
            if let Some(past) = known_state {
                fresh.words_used.clone_from(&past.words_used);
                fresh.rejected_trees.clone_from(&past.rejected_trees);
                fresh.rejected_trees.extend(past.tree.clone());
            }
            fresh
        });
        for report in &reports {
            if !state.reports.contains(report) {
                state.reports.push(report.clone());
            }
        }
        state.words_used.extend(word.clone());
        selected.works.push(Work {
            repository_id: base.repository.id,
            slug: self.policy.slug.clone(),
            base_branch: base.branch.clone(),
            base_sha: base.head.clone(),
            report: canonical.report,
            reports,
            failure: canonical.failure,
            fingerprint: fingerprint.clone(),
            family,
            episode: number,
            regression,
            word,
            attempt: next.attempt,
            inputs_specific: inputs.specific,
            inputs_baseline: inputs.baseline,
            state,
        });
        Ok(())
    }

    /// Hashes what an attempt depends on: the files that the report points at, the library, the policy, the text.
    async fn inputs(&self, base: &Base, understood: &Understood) -> Result<AttemptInputs, ForgeError> {
        let forge = self.context.forge;
        let entries = retry(self.context.system, async || forge.tree(&self.policy.slug, &base.head).await).await?;
        let paths: Vec<RepoPath> = entries.iter().filter_map(|e| e.path.parse().ok()).collect();
        let pointed: BTreeSet<RepoPath> = crate::engine::attempt::app_frames(&understood.failure)
            .iter()
            .filter_map(|frame| fingerprint::localise_frame(frame, &paths))
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

    /// Decides the episode; reads the report's timeline and comments only where a past pull request asks for it.
    async fn episode(
        &self,
        pulls: &[PullRequest],
        report: &mut Report,
        used: &[String],
    ) -> Result<Episode, ForgeError> {
        let past: Vec<PastPull> = pulls.iter().map(|pull| PastPull { number: pull.number, fate: fate(pull) }).collect();
        if past.is_empty() || past.iter().any(|pull| pull.fate == Fate::Open) {
            return Ok(gate::episode(&past, report.created_at, &[], used));
        }
        let number = issue_number(&report.id);
        let events = self.events(number).await?;
        let reopened = events.iter().filter(|e| e.kind == IssueEventKind::Reopened).map(|e| e.at).max();
        report.reopened_at = reopened;
        let words = self.words(number, &events).await?;
        let reported_at = reopened.unwrap_or_default().max(report.created_at);
        Ok(gate::episode(&past, reported_at, &words, used))
    }

    /// Collects words of people with write access, oldest first.
    async fn words(&self, number: u64, events: &[IssueEvent]) -> Result<Vec<Word>, ForgeError> {
        let mut words = Vec::new();
        for comment in self.comments(number).await? {
            let asks = comment.body.lines().any(|line| line.trim() == "/homeostat retry");
            if asks && self.may_speak(comment.author.as_ref()).await {
                words.push(Word { id: format!("comment:{}", comment.id), at: comment.created_at });
            }
        }
        for event in events {
            let IssueEventKind::Labeled(label) = &event.kind else { continue };
            let trigger = self.policy.trigger_labels.iter().any(|t| t.eq_ignore_ascii_case(label));
            if trigger && self.may_speak(event.actor.as_ref()).await {
                words.push(Word { id: format!("event:{}", event.id), at: event.at });
            }
        }
        words.sort_by_key(|word| word.at);
        Ok(words)
    }

    /// Returns whether an account's word counts; without an account it is the owner's own forge.
    async fn may_speak(&self, actor: Option<&Actor>) -> bool {
        let Some(actor) = actor else { return true };
        self.permission(actor).await.is_some_and(|permission| permission >= Permission::Write)
    }

    async fn events(&self, number: u64) -> Result<Vec<IssueEvent>, ForgeError> {
        let forge = self.context.forge;
        let mut events = Vec::new();
        let mut page: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let answer = retry(self.context.system, async || {
                forge.issue_events(&self.policy.slug, number, page.as_deref()).await
            })
            .await?;
            events.extend(answer.items);
            page = answer.next;
            if page.is_none() {
                break;
            }
        }
        Ok(events)
    }

    async fn comments(&self, number: u64) -> Result<Vec<Comment>, ForgeError> {
        let forge = self.context.forge;
        let mut comments = Vec::new();
        let mut page: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let answer =
                retry(self.context.system, async || forge.comments(&self.policy.slug, number, page.as_deref()).await)
                    .await?;
            comments.extend(answer.items);
            page = answer.next;
            if page.is_none() {
                break;
            }
        }
        Ok(comments)
    }

    fn skip(&self, issue: &Issue, fingerprint: Option<Fingerprint>, reason: Reason, message: String) -> SkippedReport {
        SkippedReport {
            slug: self.policy.slug.clone(),
            report: ReportId::Issue { number: issue.number },
            fingerprint,
            reason,
            message,
            since: issue.created_at,
        }
    }
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

fn state_problem(error: &crate::engine::state::StateError) -> RepositoryProblem {
    RepositoryProblem {
        reason: Reason::StateUnavailable,
        message: format!("{} ({error})", Reason::StateUnavailable.sentence()),
        retryable: true,
    }
}

/// Returns how old the oldest report is, for the backlog.
pub(crate) fn oldest(skipped: &[SkippedReport]) -> Option<Timestamp> {
    skipped.iter().map(|s| s.since).min()
}
