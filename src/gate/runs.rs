//! Which failed workflow runs are reports (PROTOCOL.md, 4): the newest completed run of each workflow on the branch, and
//! of those the ones that code can mend. Layer 1.

use std::collections::BTreeMap;

use globset::{GlobBuilder, GlobSetBuilder};

use crate::model::{Kind, Lane, ObjectId, Reason, Timestamp, WorkflowFilter};

/// How a completed run ended, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunEnd {
    /// All went well.
    Passed,
    /// Something failed, or took too long.
    Failed,
    /// Somebody, or a newer run, stopped it.
    Cancelled,
    /// The workflow itself could not be started.
    NotStarted,
    /// It says nothing: skipped, neutral, waiting for a person.
    Silent,
}

/// What is known of one completed run of the branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFacts {
    /// The workflow's file name.
    pub workflow: String,
    /// The workflow's name for people.
    pub name: String,
    /// The commit that was run.
    pub head: ObjectId,
    /// Whether the commit came from another repository (V-07).
    pub fork: bool,
    /// How it ended.
    pub end: RunEnd,
    /// When it was created.
    pub created_at: Timestamp,
    /// The run's id, which breaks a tie.
    pub id: u64,
}

/// Chooses, by index, the newest run of each workflow where it failed, with the reason where it is no report; in the order
/// of the workflows' names.
pub fn failed_runs(runs: &[RunFacts], filter: &WorkflowFilter) -> Vec<(usize, Result<(), Reason>)> {
    let named = Named::new(filter);
    let mut newest: BTreeMap<&str, usize> = BTreeMap::new();
    let mut forks: BTreeMap<&str, usize> = BTreeMap::new();
    let wanted = |run: &RunFacts| filter.failed_runs && named.includes(run);
    for (index, run) in runs.iter().enumerate().filter(|(_, run)| wanted(run)) {
        // A fork's run is no run of our branch: it neither fails nor heals it.
        let chosen = if run.fork { &mut forks } else { &mut newest };
        // What says nothing about the code leaves the last word to the run before it.
        if run.end == RunEnd::Silent {
            continue;
        }
        let slot = chosen.entry(run.workflow.as_str()).or_insert(index);
        if runs.get(*slot).is_some_and(|held| (run.created_at, run.id) > (held.created_at, held.id)) {
            *slot = index;
        }
    }
    let mut failed = Vec::new();
    for &index in newest.values() {
        let Some(run) = runs.get(index) else { continue };
        match run.end {
            RunEnd::Passed | RunEnd::Silent => {}
            RunEnd::Cancelled => failed.push((index, Err(Reason::Cancelled))),
            RunEnd::NotStarted => failed.push((index, Err(Reason::Configuration))),
            RunEnd::Failed if passed_elsewhere(runs, run) => failed.push((index, Err(Reason::Flaky))),
            RunEnd::Failed => failed.push((index, Ok(()))),
        }
    }
    let told = |index: &&usize| runs.get(**index).is_some_and(|run| run.end == RunEnd::Failed);
    failed.extend(forks.values().filter(told).map(|index| (*index, Err(Reason::ForkRun))));
    failed
}

/// Chooses, by index, the runs in which a commit turned its workflow red: the run before passed, the one on that very commit
/// failed, and none has passed since. Where anything came in between, nobody can say whose doing it was.
pub fn turned_red(runs: &[RunFacts], filter: &WorkflowFilter, commit: &ObjectId) -> Vec<usize> {
    let named = Named::new(filter);
    let mut by_workflow: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, run) in runs.iter().enumerate() {
        let counts = filter.failed_runs && !run.fork && run.end != RunEnd::Silent && named.includes(run);
        if counts {
            by_workflow.entry(run.workflow.as_str()).or_default().push(index);
        }
    }
    let mut red = Vec::new();
    for mut indices in by_workflow.into_values() {
        let of = |index: usize| runs.get(index).map(|run| (run.created_at, run.id));
        indices.sort_by_key(|index| of(*index));
        let ended = |index: &usize, end: RunEnd| runs.get(*index).is_some_and(|run| run.end == end);
        let Some(first) = indices.iter().position(|index| runs.get(*index).is_some_and(|run| run.head == *commit))
        else {
            continue;
        };
        let (earlier, since) = indices.split_at(first);
        let was_green = earlier.last().is_some_and(|index| ended(index, RunEnd::Passed));
        let stays_red = !since.iter().any(|index| ended(index, RunEnd::Passed));
        if let Some(index) = since.first().filter(|index| was_green && stays_red && ended(index, RunEnd::Failed)) {
            red.push(*index);
        }
    }
    red
}

/// Returns whether the same workflow passed on the very commit: then the failure comes and goes.
fn passed_elsewhere(runs: &[RunFacts], failed: &RunFacts) -> bool {
    runs.iter()
        .any(|run| run.end == RunEnd::Passed && !run.fork && run.workflow == failed.workflow && run.head == failed.head)
}

/// Returns why a failure that a log shows is no work for a fixer.
///
/// # Errors
/// [`Reason::Cancelled`], [`Reason::Infrastructure`], [`Reason::Configuration`] or [`Reason::Flaky`].
pub fn mendable(lane: Option<Lane>, kind: Option<Kind>) -> Result<(), Reason> {
    match (lane, kind) {
        (_, Some(Kind::Cancelled)) => Err(Reason::Cancelled),
        (Some(Lane::Infra), _) => Err(Reason::Infrastructure),
        (Some(Lane::Config), _) => Err(Reason::Configuration),
        (Some(Lane::Flaky), _) => Err(Reason::Flaky),
        (Some(Lane::Code) | None, _) => Ok(()),
    }
}

/// The workflows that a configuration names, by file or by name.
struct Named {
    include: globset::GlobSet,
    exclude: globset::GlobSet,
}

impl Named {
    fn new(filter: &WorkflowFilter) -> Self {
        let set = |globs: &[String]| {
            let mut builder = GlobSetBuilder::new();
            for glob in globs {
                // The configuration refuses a glob that cannot be read.
                builder = match GlobBuilder::new(glob).case_insensitive(true).build() {
                    Ok(glob) => {
                        builder.add(glob);
                        builder
                    }
                    Err(_) => builder,
                };
            }
            builder.build().unwrap_or_default()
        };
        Self { include: set(&filter.include), exclude: set(&filter.exclude) }
    }

    fn includes(&self, run: &RunFacts) -> bool {
        let either = |set: &globset::GlobSet| set.is_match(&run.workflow) || set.is_match(&run.name);
        either(&self.include) && !either(&self.exclude)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(workflow: &str, at: i64, end: RunEnd) -> RunFacts {
        RunFacts {
            workflow: workflow.to_owned(),
            name: format!("The {workflow}"),
            head: format!("{at:040x}").parse().expect("forty digits"),
            fork: false,
            end,
            created_at: Timestamp::from_millis(at),
            id: u64::try_from(at).expect("positive"),
        }
    }

    fn chosen(runs: &[RunFacts]) -> Vec<(usize, Result<(), Reason>)> {
        failed_runs(runs, &WorkflowFilter::default())
    }

    #[test]
    fn a_failed_run_counts_only_while_it_is_its_workflows_newest_completed_one() {
        let failed = run("ci.yml", 5, RunEnd::Failed);
        assert_eq!(chosen(&[failed.clone(), run("ci.yml", 3, RunEnd::Passed)]), [(0, Ok(()))]);
        assert_eq!(chosen(&[run("ci.yml", 9, RunEnd::Passed), failed.clone()]), []);
        assert_eq!(chosen(&[failed.clone(), run("lint.yml", 9, RunEnd::Passed)]), [(0, Ok(()))]);
        // A skipped run says nothing about the code.
        assert_eq!(chosen(&[run("ci.yml", 9, RunEnd::Silent), failed]), [(1, Ok(()))]);
    }

    #[test]
    fn p_15_v_07_a_run_of_a_fork_is_no_report_and_hides_none() {
        let fork = RunFacts { fork: true, ..run("ci.yml", 9, RunEnd::Failed) };
        assert_eq!(chosen(std::slice::from_ref(&fork)), [(0, Err(Reason::ForkRun))]);
        let healed = RunFacts { fork: true, ..run("ci.yml", 9, RunEnd::Passed) };
        assert_eq!(chosen(&[healed, run("ci.yml", 5, RunEnd::Failed)]), [(1, Ok(()))]);
        assert_eq!(chosen(&[fork, run("ci.yml", 5, RunEnd::Passed)]), [(0, Err(Reason::ForkRun))]);
    }

    #[test]
    fn what_code_cannot_mend_is_told_apart() {
        assert_eq!(chosen(&[run("ci.yml", 1, RunEnd::Cancelled)]), [(0, Err(Reason::Cancelled))]);
        assert_eq!(chosen(&[run("ci.yml", 1, RunEnd::NotStarted)]), [(0, Err(Reason::Configuration))]);
        let passed = RunFacts { head: run("ci.yml", 7, RunEnd::Failed).head, ..run("ci.yml", 2, RunEnd::Passed) };
        assert_eq!(chosen(&[run("ci.yml", 7, RunEnd::Failed), passed]), [(0, Err(Reason::Flaky))]);
        assert_eq!(mendable(Some(Lane::Infra), Some(Kind::Network)), Err(Reason::Infrastructure));
        assert_eq!(mendable(Some(Lane::Code), Some(Kind::Cancelled)), Err(Reason::Cancelled));
        assert_eq!(mendable(Some(Lane::Config), Some(Kind::Permission)), Err(Reason::Configuration));
        assert_eq!(mendable(Some(Lane::Code), Some(Kind::Test)), Ok(()));
    }

    #[test]
    fn a_commit_turned_its_workflow_red_only_where_nothing_else_can_have() {
        let at = |head: &RunFacts, run: RunFacts| RunFacts { head: head.head.clone(), ..run };
        let (green, red) = (run("ci.yml", 1, RunEnd::Passed), run("ci.yml", 5, RunEnd::Failed));
        let blamed = |runs: &[RunFacts]| turned_red(runs, &WorkflowFilter::default(), &red.head);
        assert_eq!(blamed(&[red.clone(), green.clone()]), [0]);
        assert_eq!(blamed(&[run("ci.yml", 9, RunEnd::Failed), red.clone(), green.clone()]), [1]);
        let never: [&[RunFacts]; 6] = [
            // It was red before, or nobody knows what it was.
            &[red.clone(), run("ci.yml", 3, RunEnd::Failed), green.clone()],
            &[red.clone(), run("ci.yml", 3, RunEnd::Cancelled), green.clone()],
            std::slice::from_ref(&red),
            // It is green again, on the very commit or later.
            &[run("ci.yml", 9, RunEnd::Passed), red.clone(), green.clone()],
            &[at(&red, run("ci.yml", 7, RunEnd::Passed)), red.clone(), green.clone()],
            // It first failed on another commit.
            &[run("ci.yml", 6, RunEnd::Failed), green.clone()],
        ];
        for runs in never {
            assert!(blamed(runs).is_empty(), "{runs:?}");
        }
        let other = at(&red, run("lint.yml", 6, RunEnd::Failed));
        assert_eq!(blamed(&[other, run("lint.yml", 2, RunEnd::Passed), red.clone(), green.clone()]), [2, 0]);
        let fork = RunFacts { fork: true, ..run("ci.yml", 3, RunEnd::Failed) };
        assert_eq!(blamed(&[red.clone(), fork, run("ci.yml", 2, RunEnd::Silent), green]), [0]);
    }

    #[test]
    fn workflows_are_chosen_by_file_or_by_name() {
        let runs = [run("ci.yml", 1, RunEnd::Failed), run("nightly.yml", 2, RunEnd::Failed)];
        let only = |include: &str, exclude: &str| WorkflowFilter {
            failed_runs: true,
            include: vec![include.to_owned()],
            exclude: vec![exclude.to_owned()],
        };
        assert_eq!(failed_runs(&runs, &only("*", "nightly*")), [(0, Ok(()))]);
        assert_eq!(failed_runs(&runs, &only("the CI.yml", "")), [(0, Ok(()))]);
        assert_eq!(failed_runs(&runs, &WorkflowFilter { failed_runs: false, ..WorkflowFilter::default() }), []);
    }
}
