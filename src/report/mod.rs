//! Puts together what a run has to say from what its four stages left. Layer 5.

use std::collections::BTreeSet;

use crate::engine::publish::{Publications, Published};
use crate::engine::{RepositoryView, Reservation, SkippedReport};
use crate::event::{Event, Refusal, RepositoryFinished, RunFinished};
use crate::model::{Manifest, MicroUsd, Reason, ReasonClass, ReportId, Settled, Source};
use crate::render::{
    AskedReport, PullReport, RefusalReport, RepositoryReport, RunReport, SkippedReport as SkippedLine, Totals,
};

/// How a run ended, worst last in the order of REFERENCE.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitClass {
    /// Done, also when fixes were refused or there was nothing to do.
    Ok,
    /// A finding of a checking command.
    Finding,
    /// Usage or configuration.
    Config,
    /// The forge or a policy refused Homeostat.
    Refused,
    /// Incomplete, try again.
    Retryable,
    /// Budget exhausted with work left.
    Budget,
    /// Our own fault.
    Internal,
}

impl ExitClass {
    /// Returns the process's exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Finding => 1,
            Self::Config => 2,
            Self::Refused => 3,
            Self::Retryable => 4,
            Self::Budget => 5,
            Self::Internal => 70,
        }
    }

    /// Returns the text of the output `exit-class`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Finding => "finding",
            Self::Config => "config",
            Self::Refused => "refused",
            Self::Retryable => "retryable",
            Self::Budget => "budget",
            Self::Internal => "internal",
        }
    }

    /// Returns the worse of two: 70, 2, 3, 4, 5, then the rest.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        let rank = |class: Self| match class {
            Self::Ok => 0,
            Self::Finding => 1,
            Self::Budget => 2,
            Self::Retryable => 3,
            Self::Refused => 4,
            Self::Config => 5,
            Self::Internal => 6,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

/// What the stages left; a stage that did not run left nothing.
#[derive(Debug, Clone, Copy)]
pub struct Stages<'a> {
    /// The run.
    pub run_id: &'a str,
    /// What `reserve` chose and left alone.
    pub reservation: Option<&'a Reservation>,
    /// What `propose` settled.
    pub manifest: Option<&'a Manifest>,
    /// What `publish` did.
    pub publications: Option<&'a Publications>,
    /// Patterns in the library.
    pub patterns_total: u64,
    /// Money allowed to the run, `None` for unlimited.
    pub budget: Option<MicroUsd>,
    /// Changes of any forge.
    pub writes: u64,
}

/// Puts the report together, with the worst of all ends.
pub fn build(stages: &Stages<'_>) -> (RunReport, ExitClass) {
    let mut class = ExitClass::Ok;
    let views: &[RepositoryView] = stages.reservation.map_or(&[], |r| &r.repositories);
    let mut repositories: Vec<RepositoryReport> = Vec::new();
    for view in views {
        let mut report = RepositoryReport {
            slug: view.slug.to_string(),
            issues_processed: view.issues_processed,
            runs_processed: view.runs_processed,
            ..RepositoryReport::default()
        };
        if let Some(problem) = &view.error {
            report.error = Some(problem.message.clone());
            class = class.worst(match (problem.retryable, problem.reason) {
                (_, Reason::Visibility) => ExitClass::Config,
                (true, _) => ExitClass::Retryable,
                (false, _) => ExitClass::Refused,
            });
        }
        let skipped = stages.reservation.map_or(&[][..], |r| &r.skipped);
        let published = stages.publications.map_or(&[][..], |p| &p.published);
        // A candidate that waited and was looked at by this run is told of once, by what became of it.
        let looked_at = |skip: &&SkippedReport| {
            matches!(skip.reason, Reason::AwaitingPublish | Reason::AwaitingApproval | Reason::AwaitingPr)
                && published.iter().any(|p| p.candidate.slug == skip.slug && p.candidate.report == skip.report)
        };
        let skipped: Vec<&SkippedReport> = skipped.iter().filter(|skip| !looked_at(skip)).collect();
        add_skipped(&mut report, view, &skipped);
        let settled = stages.manifest.map_or(&[][..], |m| &m.settled);
        for one in settled.iter().filter(|s| s.slug == view.slug) {
            add_settled(&mut report, one, &mut class);
        }
        for one in published.iter().filter(|p| p.candidate.slug == view.slug) {
            add_published(&mut report, one, &mut class);
        }
        if view.hidden {
            veil(&mut report, view);
        }
        repositories.push(report);
    }
    let sum = |field: &dyn Fn(&RepositoryReport) -> u64| repositories.iter().map(field).sum::<u64>();
    let count = |states: &[&str]| {
        sum(&|r| r.pull_requests.iter().filter(|p| states.contains(&p.state.as_str())).count() as u64)
    };
    let patterns: BTreeSet<&String> = repositories.iter().flat_map(|r| &r.patterns_used).collect();
    let cost = stages.manifest.map_or(MicroUsd::ZERO, |m| m.cost);
    let totals = Totals {
        processed: sum(&|r| r.issues_processed + r.runs_processed),
        prs_created: count(&["created", "adopted"]),
        prs_updated: count(&["updated"]),
        cooldowns: sum(&|r| r.cooldowns),
        refusals: sum(&|r| r.refusals.len() as u64),
        cost_usd: dollars(cost),
        tokens: stages.manifest.map_or(0, |m| m.tokens.total()),
        budget_remaining: stages.budget.map_or_else(|| "unlimited".to_owned(), |cap| dollars(cap.minus(cost))),
        patterns_total: stages.patterns_total,
        patterns_used: patterns.len() as u64,
        zero_cost_fixes: sum(&|r| r.zero_cost_fixes),
        backlog: sum(&|r| r.backlog.values().sum()),
        exit_class: class.as_str().to_owned(),
    };
    let report = RunReport {
        run_id: stages.run_id.to_owned(),
        repositories,
        totals,
        actions: stages.publications.map(|p| veiled(&p.actions, views)).unwrap_or_default(),
        writes: stages.writes,
        asked: None,
    };
    (report, class)
}

/// Adds what a person asked for, and how it ended.
pub fn add_asked(report: &mut RunReport, class: ExitClass, mut asked: AskedReport, retryable: bool) -> ExitClass {
    let hidden = |one: &RepositoryReport| !one.slug.contains('/');
    if report.repositories.iter().any(hidden) {
        "What came of it is told where it was asked.".clone_into(&mut asked.message);
    }
    let class = if retryable { class.worst(ExitClass::Retryable) } else { class };
    class.as_str().clone_into(&mut report.totals.exit_class);
    report.asked = Some(asked);
    class
}

/// Names a repository of which nothing may be said by its id.
fn label(view: &RepositoryView) -> String {
    view.id.map_or_else(|| "a private repository".to_owned(), |id| format!("repository {id}"))
}

/// Takes out of a report what is text of a private repository: ids, counts, codes and sentences of ours stay (V-107).
fn veil(report: &mut RepositoryReport, view: &RepositoryView) {
    report.slug = label(view);
    if let Some(problem) = &view.error {
        let sentence = match problem.reason {
            // This one is made of words of ours alone.
            Reason::Visibility => problem.message.clone(),
            reason => reason.sentence().to_owned(),
        };
        report.error = Some(sentence);
    }
    for skipped in &mut report.skipped {
        skipped.reason.sentence().clone_into(&mut skipped.message);
        // An issue has a number; a workflow and its jobs are named in words.
        if !skipped.report.starts_with("issue #") {
            "a workflow run".clone_into(&mut skipped.report);
        }
    }
    for refusal in &mut report.refusals {
        refusal.rule.sentence().clone_into(&mut refusal.message);
    }
    for pull in &mut report.pull_requests {
        pull.url = None;
        for warning in &mut pull.warnings {
            "Something of the pull request is not as configured.".clone_into(warning);
        }
    }
}

/// Names the repositories of actions as far as they may be named.
fn veiled(actions: &[crate::plan::Action], views: &[RepositoryView]) -> Vec<crate::plan::Action> {
    let name = |action: &crate::plan::Action| {
        let view = views.iter().find(|view| view.hidden && view.slug.to_string() == action.repository);
        view.map_or_else(|| action.repository.clone(), label)
    };
    actions.iter().map(|action| crate::plan::Action { repository: name(action), ..action.clone() }).collect()
}

fn dollars(amount: MicroUsd) -> String {
    amount.to_string().trim_start_matches('$').to_owned()
}

fn add_skipped(report: &mut RepositoryReport, view: &RepositoryView, skipped: &[&SkippedReport]) {
    for kept in &view.kept {
        report.pull_requests.push(PullReport {
            number: Some(kept.number),
            url: Some(kept.url.clone()),
            branch: kept.branch.to_string(),
            fingerprint: kept.fingerprint.to_string(),
            episode: kept.episode,
            state: "kept".to_owned(),
            source: None,
            draft: kept.draft,
            evidence: None,
            warnings: Vec::new(),
            runs_wait: false,
        });
    }
    for one in skipped.iter().filter(|s| s.slug == view.slug) {
        add_reason(report, &one.report, one.reason, &one.message);
    }
}

/// Counts a report that was left alone.
fn add_reason(report: &mut RepositoryReport, id: &ReportId, reason: Reason, message: &str) {
    if reason == Reason::CoolingDown {
        report.cooldowns += 1;
    }
    // What is done or not ours to do is no backlog: somebody has it, or nobody wants it.
    let settled = matches!(
        reason,
        Reason::PullRequestOpen
            | Reason::Merged
            | Reason::Duplicate
            | Reason::Subsumed
            | Reason::SameChange
            | Reason::DoNotFix
    );
    if reason.class() == ReasonClass::Backlog && !settled {
        *report.backlog.entry(reason.to_string()).or_default() += 1;
    }
    report.skipped.push(SkippedLine { report: id.to_string(), reason, message: message.to_owned() });
}

fn add_settled(report: &mut RepositoryReport, settled: &Settled, class: &mut ExitClass) {
    report.cost_microusd = report.cost_microusd.plus(settled.cost);
    report.tokens = report.tokens.plus(settled.tokens);
    if settled.reason.class() == ReasonClass::Backlog {
        if settled.reason == Reason::Budget {
            *class = class.worst(ExitClass::Budget);
        }
        if settled.reason == Reason::Deadline {
            *class = class.worst(ExitClass::Retryable);
        }
        add_reason(report, &settled.report, settled.reason, &settled.message);
    } else {
        if settled.reason == Reason::Infrastructure {
            *class = class.worst(ExitClass::Retryable);
        }
        // The place has to be mended before anything comes of it; another run would only say the same.
        if matches!(settled.reason, Reason::PersistedCredentials | Reason::RunnerTamper) {
            *class = class.worst(ExitClass::Refused);
        }
        report.refusals.push(RefusalReport {
            fingerprint: settled.fingerprint.to_string(),
            rule: settled.reason,
            message: settled.message.clone(),
        });
    }
}

fn add_published(report: &mut RepositoryReport, published: &Published, class: &mut ExitClass) {
    let candidate = &published.candidate;
    report.cost_microusd = report.cost_microusd.plus(candidate.cost);
    report.tokens = report.tokens.plus(candidate.tokens);
    if published.retryable {
        *class = class.worst(ExitClass::Retryable);
    }
    // Somebody has to clear the way first: no token and no second try helps (F-33).
    if published.reason == Some(Reason::BranchInTheWay) {
        *class = class.worst(ExitClass::Config);
    }
    if matches!(published.reason, Some(Reason::Denied | Reason::AwaitingPr | Reason::RepositoryMissing)) {
        *class = class.worst(ExitClass::Refused);
    }
    let state = published.state.unwrap_or("planned");
    if state == "left" {
        let reason = published.reason.unwrap_or(Reason::ForgeUnavailable);
        if reason.class() == ReasonClass::Backlog {
            add_reason(report, &candidate.report, reason, &published.message);
        } else {
            report.refusals.push(RefusalReport {
                fingerprint: candidate.fingerprint.to_string(),
                rule: reason,
                message: published.message.clone(),
            });
        }
        return;
    }
    if candidate.cost == MicroUsd::ZERO {
        report.zero_cost_fixes += 1;
    }
    if candidate.source == Source::Pattern {
        report.patterns_used.extend(candidate.pattern.clone());
    }
    let number = published.pull.as_ref().map(|pull| pull.number);
    if published.retryable {
        report.error.get_or_insert_with(|| half_done(number));
    }
    let pull = PullReport {
        number,
        url: published.pull.as_ref().map(|pull| pull.url.clone()),
        branch: crate::plan::branch_for(&candidate.fingerprint, candidate.episode).to_string(),
        fingerprint: candidate.fingerprint.to_string(),
        episode: candidate.episode,
        state: state.to_owned(),
        source: Some(candidate.source),
        draft: published.pull.as_ref().is_some_and(|pull| pull.draft),
        evidence: Some(candidate.evidence.kind),
        warnings: published.warnings.clone(),
        runs_wait: published.runs_wait,
    };
    tell_of(&mut report.pull_requests, pull);
}

/// Adds a pull request; one that was seen open while work was chosen is told of once, by what became of it.
fn tell_of(pulls: &mut Vec<PullReport>, pull: PullReport) {
    pulls.retain(|known| known.number.is_none() || known.number != pull.number);
    pulls.push(pull);
}

/// Says why a run whose pull request stands is not done (exit 4 needs a reason that a person can read).
fn half_done(number: Option<u64>) -> String {
    let which = number.map_or_else(String::new, |number| format!(" #{number}"));
    format!("Pull request{which} stands, but its labels or its record could not be written; the next run does it.")
}

/// Makes the events that end a run: one for each repository, one for each refusal, and the totals.
pub fn closing_events(report: &RunReport, milliseconds: u64) -> Vec<Event> {
    let mut events = Vec::new();
    for one in &report.repositories {
        for refusal in &one.refusals {
            events.push(Event::Refusal(Box::new(Refusal {
                repo: one.slug.clone(),
                fingerprint: refusal.fingerprint.clone(),
                rule: refusal.rule,
                message: refusal.message.clone(),
            })));
        }
        let numbers = |states: &[&str]| -> Vec<u64> {
            one.pull_requests.iter().filter(|p| states.contains(&p.state.as_str())).filter_map(|p| p.number).collect()
        };
        let mut fingerprints: Vec<String> = one.pull_requests.iter().map(|p| p.fingerprint.clone()).collect();
        fingerprints.extend(one.refusals.iter().map(|r| r.fingerprint.clone()));
        fingerprints.sort();
        fingerprints.dedup();
        events.push(Event::RepositoryFinished(Box::new(RepositoryFinished {
            repo: one.slug.clone(),
            fingerprints_processed: fingerprints,
            prs_created: numbers(&["created", "adopted"]),
            prs_updated: numbers(&["updated"]),
            cooldowns: one.cooldowns,
            cost: one.cost_microusd,
            tokens: one.tokens,
            latency: milliseconds,
            errors: one.error.clone().into_iter().collect(),
            patterns_used: one.patterns_used.clone(),
            zero_cost_fixes: one.zero_cost_fixes,
            backlog: one.backlog.clone(),
        })));
    }
    events.push(Event::RunFinished(Box::new(RunFinished {
        totals: serde_json::to_value(&report.totals).unwrap_or_default(),
        exit_class: report.totals.exit_class.clone(),
    })));
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_ends_the_worst_counts() {
        use ExitClass::{Budget, Config, Internal, Ok, Refused, Retryable};
        assert_eq!(Ok.worst(Budget), Budget);
        assert_eq!(Budget.worst(Retryable), Retryable);
        assert_eq!(Retryable.worst(Refused).worst(Config), Config);
        assert_eq!(Config.worst(Internal).worst(Ok), Internal);
        assert_eq!([Ok, Config, Refused, Retryable, Budget, Internal].map(ExitClass::code), [0, 2, 3, 4, 5, 70]);
    }

    #[test]
    fn a_pull_request_that_was_kept_and_looked_at_again_is_told_of_once() {
        let pull = |number, state: &str, source| PullReport {
            number,
            url: None,
            branch: "homeostat/abcdefghijklmnop".to_owned(),
            fingerprint: "hf1:x".to_owned(),
            episode: 1,
            state: state.to_owned(),
            source,
            draft: false,
            evidence: None,
            warnings: Vec::new(),
            runs_wait: false,
        };
        let mut pulls = vec![pull(Some(3), "kept", None), pull(Some(4), "kept", None), pull(None, "planned", None)];
        tell_of(&mut pulls, pull(Some(3), "adopted", Some(Source::Pattern)));
        tell_of(&mut pulls, pull(None, "planned", None));
        let told: Vec<_> = pulls.iter().map(|pull| (pull.number, pull.state.as_str())).collect();
        assert_eq!(told, [(Some(4), "kept"), (None, "planned"), (Some(3), "adopted"), (None, "planned")]);
    }

    #[test]
    fn a_pull_request_without_its_labels_says_why_the_run_is_not_done() {
        assert!(half_done(Some(3)).starts_with("Pull request #3 stands, but its labels"));
    }

    #[test]
    fn p_30_a_run_with_nothing_to_do_says_so_with_zeros() {
        let stages = Stages {
            run_id: "r",
            reservation: None,
            manifest: None,
            publications: None,
            patterns_total: 3,
            budget: Some(MicroUsd(1_000_000)),
            writes: 0,
        };
        let (report, class) = build(&stages);
        assert_eq!(class, ExitClass::Ok);
        assert_eq!((report.totals.patterns_total, report.totals.budget_remaining.as_str()), (3, "1.00"));
        assert_eq!(closing_events(&report, 5).len(), 1);
    }
}
