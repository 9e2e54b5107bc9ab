//! Chooses the work of one repository: groups its reports by failure, gates each failure, and orders relatives. Layer 4.
//!
//! One idea a file: here reports become failures; `gating` asks of each whether it may be worked on; `kin` asks of those
//! that may whether a relative goes first.

mod gating;
mod kin;

use std::collections::BTreeMap;

use tokio::sync::OnceCell;

use crate::engine::failed_runs::{self, FailedRuns};
use crate::engine::lease::Leases;
use crate::engine::outcomes::tracking;
use crate::engine::rebuild::Rebuilt;
use crate::engine::reports::{Reports, Understood};
use crate::engine::shown::OutdatedLabel;
use crate::engine::state::{self, Snapshot};
use crate::engine::{
    Context, DuplicateReport, RepositoryProblem, RepositoryView, Selection, SkippedReport, Work, retry, veil,
};
use crate::forge::{ForgeError, Issue, Repository, TreeEntry};
use crate::gate;
use crate::model::{
    Actor, BranchName, FailureState, Family, Fingerprint, ObjectId, Policy, Reason, RepoPath, ReportId, Timestamp,
};

/// What one repository has to do.
#[derive(Debug)]
pub(crate) struct Selected {
    pub(crate) view: RepositoryView,
    pub(crate) works: Vec<Work>,
    pub(crate) skipped: Vec<SkippedReport>,
    pub(crate) duplicates: Vec<DuplicateReport>,
    pub(crate) outdated: Vec<OutdatedLabel>,
    /// States that were lost and could be read back.
    pub(crate) rebuilt: Vec<Rebuilt>,
    /// Something is not known yet that no first look will tell of: the repository is read again.
    pub(crate) unsettled: bool,
    /// When the first of its cooldowns ends.
    pub(crate) wake_at: Option<Timestamp>,
}

impl Selected {
    /// Nothing is known of a repository yet, or nothing needs to be.
    pub(crate) fn nothing(policy: &Policy, id: Option<u64>) -> Self {
        Self {
            view: RepositoryView {
                slug: policy.slug.clone(),
                id,
                issues_processed: 0,
                runs_processed: 0,
                open_pulls: 0,
                kept: Vec::new(),
                error: None,
                hidden: false,
            },
            works: Vec::new(),
            skipped: Vec::new(),
            duplicates: Vec::new(),
            outdated: Vec::new(),
            rebuilt: Vec::new(),
            unsettled: false,
            wake_at: None,
        }
    }
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
    let mut selected = Selected::nothing(policy, None);
    let reports = Reports::new(context, policy, selection);
    let selector = Selector { context, now, snapshot, leases, policy, reports, selection };
    if let Err(problem) = selector.fill(&mut selected).await {
        selected.view.error = Some(problem);
    }
    hide(context, policy, &mut selected);
    selected
}

/// Leaves a repository alone where a first look shows that nobody has to read it.
pub(crate) async fn rest(context: &Context<'_>, policy: &Policy, repository: &Repository) -> Selected {
    let mut selected = Selected::nothing(policy, Some(repository.id));
    if let Err(problem) = veil::look(context, policy, repository).await {
        selected.view.error = Some(problem);
    }
    hide(context, policy, &mut selected);
    selected
}

/// Takes out what may not be told of a repository that may not be named.
fn hide(context: &Context<'_>, policy: &Policy, selected: &mut Selected) {
    let Some(id) = context.veil.hidden(&policy.slug) else { return };
    (selected.view.id, selected.view.hidden) = (Some(id), true);
    for rebuilt in &mut selected.rebuilt {
        rebuilt.state = veil::opaque(rebuilt.state.clone());
    }
}

struct Selector<'a> {
    context: &'a Context<'a>,
    now: Timestamp,
    snapshot: &'a Snapshot,
    leases: &'a Leases,
    policy: &'a Policy,
    reports: Reports<'a>,
    /// What a person named and asked for, where one did.
    selection: &'a Selection,
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

/// What a repository's failures are looked at against.
struct Around<'a> {
    base: &'a Base,
    known: &'a [FailureState],
    us: &'a Actor,
    /// A proven patch waits because the forge lets nobody open a pull request here: another one would only wait too.
    no_pulls: bool,
}

impl Selector<'_> {
    async fn fill(&self, selected: &mut Selected) -> Result<(), RepositoryProblem> {
        let base = self.base().await?;
        selected.view.id = Some(base.repository.id);
        let found = self.reports.issues().await.map_err(|error| problem(&error))?;
        if !found.broken.is_empty() {
            // What can be read is worked on; that the list is not whole is said (F-05).
            let message = found.broken.into_iter().collect::<Vec<_>>().join(" ");
            selected.view.error = Some(RepositoryProblem { reason: Reason::Gone, message, retryable: false });
        }
        selected.view.issues_processed = found.issues.len() as u64;
        selected.skipped.extend(found.gone.map(|number| SkippedReport {
            slug: self.policy.slug.clone(),
            report: ReportId::Issue { number },
            fingerprint: None,
            reason: Reason::Gone,
            message: Reason::Gone.sentence().to_owned(),
            since: self.now,
        }));
        let runs = self.failed_runs(&base, selected).await?;
        if found.issues.is_empty() && runs.is_empty() {
            return Ok(());
        }
        if tracking::paused(self.context, &self.policy.slug).await.map_err(|error| problem(&error))?.is_some() {
            self.leave_all(&found.issues, runs, selected);
            // No first look tells that the label was taken off.
            selected.unsettled = true;
            return Ok(());
        }
        let known = self.context.state().failures(self.snapshot, base.repository.id).await;
        let known = known.map_err(|error| state_problem(&error))?;
        selected.wake_at = known.iter().filter_map(|state| state.backoff_until).filter(|at| *at > self.now).min();
        let us = retry(self.context.system, async || self.context.forge.identity().await)
            .await
            .map_err(|error| problem(&error))?;
        let labelled: Vec<(u64, Vec<String>)> = found
            .issues
            .iter()
            .map(|issue| (issue.number, issue.labels.iter().filter(|label| gate::is_shown(label)).cloned().collect()))
            .collect();
        let mut failures: BTreeMap<Fingerprint, Vec<Understood>> = BTreeMap::new();
        for understood in runs {
            failures.entry(understood.identity.fingerprint.clone()).or_default().push(understood);
        }
        for issue in found.issues {
            match self.reports.understand(&issue, &us).await.map_err(|error| problem(&error))? {
                Ok(mut understood) => {
                    // The birth fingerprint: what this report was first known as outlives every change of the algorithm. A
                    // job is no such report: it can fail in another way the next time.
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
                reports.sort_by(|a, b| a.report.id.cmp(&b.report.id));
                let family = reports.first()?.identity.family.clone();
                Some(Group { fingerprint, family, reports })
            })
            .collect();
        groups.sort_by_key(|group| group.reports.iter().map(|u| u.report.created_at).min());
        let no_pulls = known.iter().any(|state| state.awaiting_pr && self.has_candidate(&base, &state.fingerprint));
        let around = Around { base: &base, known: &known, us: &us, no_pulls };
        self.choose(&around, groups, selected).await.map_err(|error| problem(&error))?;
        selected.outdated = self.outdated(&labelled, &selected.skipped);
        Ok(())
    }

    /// Finds labels that show what is over: of reports whose standing is known now, and that nothing is begun for.
    fn outdated(&self, labelled: &[(u64, Vec<String>)], skipped: &[SkippedReport]) -> Vec<OutdatedLabel> {
        let reason =
            |number: u64| skipped.iter().find(|one| one.report == ReportId::Issue { number }).map(|one| one.reason);
        let over = |number: u64, label: &str| reason(number).is_some_and(|reason| gate::is_outdated(label, reason));
        let of = |(number, labels): &(u64, Vec<String>)| {
            let over = labels.iter().filter(|label| over(*number, label));
            let make =
                |label: &String| OutdatedLabel { slug: self.policy.slug.clone(), issue: *number, label: label.clone() };
            over.map(make).collect::<Vec<_>>()
        };
        labelled.iter().flat_map(of).collect()
    }

    /// Leaves every report alone while people have the repository paused.
    fn leave_all(&self, issues: &[Issue], runs: Vec<Understood>, selected: &mut Selected) {
        let skipped = |report: ReportId, fingerprint: Option<Fingerprint>, since: Timestamp| SkippedReport {
            slug: self.policy.slug.clone(),
            report,
            fingerprint,
            reason: Reason::Paused,
            message: Reason::Paused.sentence().to_owned(),
            since,
        };
        selected.skipped.extend(
            issues.iter().map(|issue| skipped(ReportId::Issue { number: issue.number }, None, issue.created_at)),
        );
        selected.skipped.extend(
            runs.into_iter().map(|run| skipped(run.report.id, Some(run.identity.fingerprint), run.report.created_at)),
        );
    }

    /// Reads failed runs of the base branch, unless one issue was asked for.
    async fn failed_runs(&self, base: &Base, selected: &mut Selected) -> Result<Vec<Understood>, RepositoryProblem> {
        if self.selection.issue.is_some() {
            return Ok(Vec::new());
        }
        let runs = failed_runs::read(self.context, self.policy, base.repository.id, &base.branch);
        let FailedRuns { processed, understood, skipped, broken } = runs.await.map_err(|error| problem(&error))?;
        selected.view.runs_processed = processed;
        if !broken.is_empty() && selected.view.error.is_none() {
            let message = broken.into_iter().collect::<Vec<_>>().join(" ");
            selected.view.error = Some(RepositoryProblem { reason: Reason::LogUnavailable, message, retryable: false });
        }
        selected.skipped.extend(skipped.into_iter().map(|one| SkippedReport {
            slug: self.policy.slug.clone(),
            report: one.report,
            fingerprint: None,
            reason: one.reason,
            message: one.message,
            since: one.since,
        }));
        Ok(understood)
    }

    /// Reads the repository and its base branch.
    async fn base(&self) -> Result<Base, RepositoryProblem> {
        let forge = self.context.forge;
        let repository = retry(self.context.system, async || forge.repository(&self.policy.slug).await)
            .await
            .map_err(|error| problem(&error))?;
        veil::look(self.context, self.policy, &repository).await?;
        let branch = self.policy.branch.clone().unwrap_or_else(|| repository.default_branch.clone());
        let head = retry(self.context.system, async || forge.branch(&self.policy.slug, &branch).await)
            .await
            .map_err(|error| problem(&error))?
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

    fn skip(&self, group: &Group, reason: Reason, selected: &mut Selected) {
        self.skip_saying(group, reason, reason.sentence().to_owned(), selected);
    }

    fn skip_saying(&self, group: &Group, reason: Reason, message: String, selected: &mut Selected) {
        let Some(canonical) = group.reports.first() else { return };
        selected.skipped.push(SkippedReport {
            slug: self.policy.slug.clone(),
            report: canonical.report.id.clone(),
            fingerprint: Some(group.fingerprint.clone()),
            reason,
            message,
            since: canonical.report.created_at,
        });
    }

    /// Leaves every report but the canonical one alone; each issue gets one comment with a link once there is one to give.
    fn set_duplicates_aside(&self, group: &Group, pull: Option<u64>, selected: &mut Selected) {
        let mut reports = group.reports.iter();
        let Some(canonical) = reports.next() else { return };
        for duplicate in reports {
            if let (Some(issue), Some(of)) = (issue_number(&duplicate.report.id), issue_number(&canonical.report.id)) {
                let slug = self.policy.slug.clone();
                selected.duplicates.push(DuplicateReport { slug, issue, canonical: of, pull });
            }
            selected.skipped.push(SkippedReport {
                slug: self.policy.slug.clone(),
                report: duplicate.report.id.clone(),
                fingerprint: Some(group.fingerprint.clone()),
                reason: Reason::Duplicate,
                message: format!("{} reports the same failure and is handled instead.", named(&canonical.report.id)),
                since: duplicate.report.created_at,
            });
        }
    }
}

/// Names a report at the beginning of a sentence.
fn named(report: &ReportId) -> String {
    match report {
        ReportId::Issue { number } => format!("Issue #{number}"),
        ReportId::Run { workflow, job } => format!("Job {job} of {workflow}"),
    }
}

/// Returns an issue's number; a workflow's job has none.
const fn issue_number(report: &ReportId) -> Option<u64> {
    match report {
        ReportId::Issue { number } => Some(*number),
        ReportId::Run { .. } => None,
    }
}

/// Says what a forge's error means for the repository.
pub(crate) fn problem(error: &ForgeError) -> RepositoryProblem {
    let (reason, retryable) = match error {
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
        // A file that is broken stays so until a person mends it.
        retryable: !matches!(error, state::StateError::Broken { .. }),
    }
}
