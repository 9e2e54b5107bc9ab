//! Judges the baseline, the repetitions and the patch (PROTOCOL.md, 5.1 to 5.3). Layer 1.

use crate::model::{Reason, TestOutcome};
use crate::proof::{Observation, RunEnd, Target, compare};

/// A patch that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Tests that failed before and still fail.
    pub still_failing: Vec<String>,
    /// Whether tests were compared by name.
    pub named: bool,
}

/// Decides whether a baseline can prove anything.
///
/// # Errors
/// [`Reason::BaselineTimeout`], [`Reason::TestResource`] or [`Reason::NoTests`].
pub fn usable_baseline(baseline: &Observation) -> Result<(), Reason> {
    match baseline.end {
        RunEnd::Timeout => Err(Reason::BaselineTimeout),
        RunEnd::Resource => Err(Reason::TestResource),
        // A runner that was recognised and ran nothing proves nothing, whatever its exit code (V-84).
        RunEnd::Code(_) if baseline.tests.runner.is_some() && baseline.tests.counts.run == 0 => Err(Reason::NoTests),
        RunEnd::Code(_) => Ok(()),
    }
}

/// Says whether the target is red in one run; what no test shows is red only where the output shows it.
fn is_red(target: &Target, run: &Observation, shows: &dyn Fn(&Observation) -> bool) -> bool {
    match target {
        Target::Tests(names) | Target::Passing(names) if !run.tests.tests.is_empty() => {
            names.iter().any(|name| run.tests.tests.get(name) == Some(&TestOutcome::Failed))
        }
        Target::Tests(_) | Target::Passing(_) | Target::None => !run.is_green(),
        Target::Command | Target::Check => !run.is_green() && shows(run),
    }
}

/// Says whether the target is green in one run: it ran, and passed.
pub fn is_green(target: &Target, run: &Observation) -> bool {
    match target {
        Target::Tests(names) | Target::Passing(names) if !run.tests.tests.is_empty() => {
            names.iter().all(|name| run.tests.tests.get(name) == Some(&TestOutcome::Passed))
        }
        // It ran no tests, and is none.
        Target::Check => run.is_green(),
        _ => run.is_green() && (run.tests.runner.is_none() || run.tests.counts.run > 0),
    }
}

/// Judges the target's repetitions on the base: all red is real. `shows` tells whether a run's output has the reported
/// failure, where the target is a whole command: one that fails for another reason shows nothing.
///
/// # Errors
/// [`Reason::Flaky`] when mixed, [`Reason::NotReproduced`] when never red, and what ended a run early.
pub fn judge_repetitions(
    target: &Target,
    runs: &[Observation],
    shows: &dyn Fn(&Observation) -> bool,
) -> Result<(), Reason> {
    for run in runs {
        match run.end {
            RunEnd::Resource => return Err(Reason::TestResource),
            RunEnd::Code(_) | RunEnd::Timeout => {}
        }
    }
    let red = runs.iter().filter(|run| is_red(target, run, shows)).count();
    match red {
        0 => Err(Reason::NotReproduced),
        _ if red == runs.len() => Ok(()),
        _ => Err(Reason::Flaky),
    }
}

/// Judges a patch: `repetitions` are the target's runs with it (none where there is no target), `after` the whole
/// command's.
///
/// # Errors
/// The reason for which the patch does not hold.
pub fn judge_patch(
    target: &Target,
    baseline: &Observation,
    repetitions: &[Observation],
    after: &Observation,
) -> Result<Accepted, Reason> {
    for run in repetitions.iter().chain([after]) {
        match run.end {
            RunEnd::Timeout => return Err(Reason::TestTimeout),
            RunEnd::Resource => return Err(Reason::TestResource),
            RunEnd::Code(_) => {}
        }
    }
    let green = repetitions.iter().filter(|run| is_green(target, run)).count();
    if green < repetitions.len() {
        return Err(if green == 0 { Reason::TargetStillRed } else { Reason::Flaky });
    }
    let named = baseline.tests.is_named() && after.tests.is_named();
    if !named {
        return judge_by_exit_code(target, baseline, after);
    }
    if after.tests.counts.run == 0 {
        return Err(Reason::NoTests);
    }
    let in_suite = !matches!(target, Target::None | Target::Check);
    if in_suite && !is_green(target, after) {
        return Err(Reason::TargetStillRed);
    }
    let found = compare(&baseline.tests, &after.tests);
    if !found.newly_failing.is_empty() {
        return Err(Reason::TestsBroken);
    }
    if !found.skipped.is_empty() || !found.gone.is_empty() {
        return Err(Reason::TestsSkipped);
    }
    // A command that was green must stay green even where every name agrees: a build step may have broken.
    if baseline.is_green() && !after.is_green() {
        return Err(Reason::TestsBroken);
    }
    Ok(Accepted { still_failing: found.still_failing, named: true })
}

/// Judges by exit codes alone, where the output names no tests: the command is green at the baseline or red only through
/// the target, which a green run afterwards shows.
fn judge_by_exit_code(target: &Target, baseline: &Observation, after: &Observation) -> Result<Accepted, Reason> {
    if after.tests.runner.is_some() && after.tests.counts.run == 0 {
        return Err(Reason::NoTests);
    }
    if after.tests.counts.run < baseline.tests.counts.run || after.tests.counts.skipped > baseline.tests.counts.skipped
    {
        return Err(Reason::TestsSkipped);
    }
    match (baseline.is_green(), after.is_green()) {
        (_, true) => Ok(Accepted { still_failing: Vec::new(), named: false }),
        (true, false) => Err(Reason::TestsBroken),
        (false, false) if *target == Target::Command => Err(Reason::TargetStillRed),
        (false, false) => Err(Reason::BaselineRed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Counts, TestRun};
    use TestOutcome::{Failed, Passed, Skipped};

    fn run(outcomes: &[(&str, TestOutcome)]) -> Observation {
        let count = |wanted: &[TestOutcome]| outcomes.iter().filter(|(_, o)| wanted.contains(o)).count() as u64;
        Observation {
            end: RunEnd::Code(i32::from(count(&[Failed]) > 0)),
            tests: TestRun {
                runner: Some("cargo".to_owned()),
                tests: outcomes.iter().map(|(n, o)| ((*n).to_owned(), *o)).collect(),
                counts: Counts { run: count(&[Failed, Passed]), failed: count(&[Failed]), skipped: count(&[Skipped]) },
            },
            failures: Vec::new(),
        }
    }

    fn unnamed(code: i32) -> Observation {
        Observation { end: RunEnd::Code(code), tests: TestRun::default(), failures: Vec::new() }
    }

    fn target() -> Target {
        Target::Tests(vec!["t".to_owned()])
    }

    #[test]
    fn v_84_a_runner_that_ran_nothing_is_no_baseline() {
        assert_eq!(usable_baseline(&run(&[])), Err(Reason::NoTests));
        assert_eq!(usable_baseline(&run(&[("t", Failed)])), Ok(()));
        assert_eq!(usable_baseline(&Observation { end: RunEnd::Timeout, ..run(&[]) }), Err(Reason::BaselineTimeout));
    }

    #[test]
    fn v_85_three_red_is_real_mixed_is_flaky_none_is_not_reproduced() {
        let (red, green) = (run(&[("t", Failed)]), run(&[("t", Passed)]));
        let judge = |runs: &[&Observation]| {
            judge_repetitions(&target(), &runs.iter().map(|r| (*r).clone()).collect::<Vec<_>>(), &|_| false)
        };
        assert_eq!(judge(&[&red, &red, &red]), Ok(()));
        assert_eq!(judge(&[&red, &green, &red]), Err(Reason::Flaky));
        assert_eq!(judge(&[&green, &green, &green]), Err(Reason::NotReproduced));
    }

    #[test]
    fn a_patch_holds_when_the_target_turns_green_and_nothing_else_turns() {
        let before = run(&[("t", Failed), ("a", Passed), ("old", Failed), ("s", Skipped)]);
        let after = run(&[("t", Passed), ("a", Passed), ("old", Failed), ("s", Skipped)]);
        let green = run(&[("t", Passed)]);
        let accepted = judge_patch(&target(), &before, &[green.clone(), green.clone(), green], &after);
        assert_eq!(accepted, Ok(Accepted { still_failing: vec!["old".to_owned()], named: true }));
    }

    #[test]
    fn a_patch_that_breaks_skips_or_loses_a_test_does_not_hold() {
        let before = run(&[("t", Failed), ("a", Passed)]);
        let judge = |after: &[(&str, TestOutcome)]| judge_patch(&target(), &before, &[], &run(after));
        assert_eq!(judge(&[("t", Passed), ("a", Failed)]), Err(Reason::TestsBroken));
        assert_eq!(judge(&[("t", Passed), ("a", Skipped)]), Err(Reason::TestsSkipped));
        assert_eq!(judge(&[("t", Passed)]), Err(Reason::TestsSkipped));
        assert_eq!(judge(&[("t", Failed), ("a", Passed)]), Err(Reason::TargetStillRed));
        assert_eq!(judge(&[("t", Passed), ("a", Passed), ("new", Failed)]), Err(Reason::TestsBroken));
        assert_eq!(judge(&[]), Err(Reason::NoTests));
    }

    #[test]
    fn a_target_that_is_green_only_sometimes_is_flaky() {
        let (before, after) = (run(&[("t", Failed)]), run(&[("t", Passed)]));
        let repetitions = [run(&[("t", Passed)]), run(&[("t", Failed)]), run(&[("t", Passed)])];
        assert_eq!(judge_patch(&target(), &before, &repetitions, &after), Err(Reason::Flaky));
    }

    #[test]
    fn a_command_is_red_only_where_it_shows_the_reported_failure() {
        let judge = |target: &Target, runs: &[Observation], shown: bool| judge_repetitions(target, runs, &|_| shown);
        let red = [unnamed(1), unnamed(1), unnamed(1)];
        for target in [Target::Command, Target::Check] {
            assert_eq!(judge(&target, &red, true), Ok(()));
            assert_eq!(judge(&target, &red, false), Err(Reason::NotReproduced));
            assert_eq!(judge(&target, &[unnamed(1), unnamed(0), unnamed(1)], true), Err(Reason::Flaky));
        }
    }

    #[test]
    fn a_check_that_turned_green_leaves_the_suite_to_be_no_worse() {
        let (green, before) = ([unnamed(0)], run(&[("a", Passed), ("old", Failed)]));
        let judge = |repetitions: &[Observation], after: &Observation| {
            judge_patch(&Target::Check, &before, repetitions, after).map(|accepted| accepted.still_failing)
        };
        assert_eq!(judge(&green, &before), Ok(vec!["old".to_owned()]));
        assert_eq!(judge(&[unnamed(1)], &before), Err(Reason::TargetStillRed));
        assert_eq!(judge(&green, &run(&[("a", Failed), ("old", Failed)])), Err(Reason::TestsBroken));
        // Nobody can tell by an exit code alone whether a red suite is worse.
        assert_eq!(judge_patch(&Target::Check, &unnamed(1), &green, &unnamed(1)), Err(Reason::BaselineRed));
        assert!(judge_patch(&Target::Check, &unnamed(0), &green, &unnamed(0)).is_ok());
    }

    #[test]
    fn without_names_only_exit_codes_count() {
        let named_nothing = |before, after| judge_patch(&Target::None, &unnamed(before), &[], &unnamed(after));
        assert!(named_nothing(0, 0).is_ok());
        assert_eq!(named_nothing(0, 1), Err(Reason::TestsBroken));
        assert_eq!(named_nothing(1, 1), Err(Reason::BaselineRed));
        assert!(judge_patch(&Target::Command, &unnamed(1), &[unnamed(0)], &unnamed(0)).is_ok());
        assert_eq!(judge_patch(&Target::Command, &unnamed(1), &[], &unnamed(1)), Err(Reason::TargetStillRed));
    }
}
