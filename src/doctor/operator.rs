//! The operator's repository: who is asked before anything is published, and when the schedule last ran. Layer 1.

use std::time::Duration;

use super::token::ago;
use super::{Check, Facts, Finding, Target};
use crate::model::{Mode, OperatorSetup, RepoSlug, ScheduledRun};

/// A schedule of any usual length has run within it.
const LATE: Duration = Duration::from_hours(48);

pub(super) fn checks(facts: &Facts) -> Vec<Finding> {
    let Some((slug, operator)) = &facts.operator else { return Vec::new() };
    let place = slug.to_string();
    vec![environment(facts, slug, operator, &place), schedule(facts, slug, operator, &place)]
}

/// A private target behind an operator's repository that everybody reads.
pub(super) fn private_target(facts: &Facts, target: &Target) -> Option<Finding> {
    let place = target.policy.slug.to_string();
    let check = Check {
        id: "private-target",
        place: &place,
        why: "State, artifacts and logs of runs lie where everybody can read them.",
    };
    let (_, operator) = facts.operator.as_ref()?;
    let about = target.seen.about.as_ref().ok().filter(|about| about.private)?;
    match &operator.about {
        Ok(operator) if operator.private || operator.id == about.id => None,
        _ if facts.opaque => {
            Some(check.ok("The repository is private; `state.private: opaque` keeps its words out of the state."))
        }
        Ok(_) => Some(check.problem(
            "The repository is private, and the operator's repository is public: it is refused.",
            "Make the operator's repository private, or set `state.private: opaque`.",
        )),
        Err(why) => Some(check.unknown("Who can read the operator's repository", why)),
    }
}

fn environment(facts: &Facts, slug: &RepoSlug, operator: &OperatorSetup, place: &str) -> Finding {
    let check = Check {
        id: "environment",
        place,
        why: "The job that publishes stands in the environment `homeostat`; a reviewer there is asked before it starts.",
    };
    let page = facts.page(slug, "settings/environments");
    // Where nothing but drafts comes out, a person looks at each anyway.
    let harmless = facts.targets.iter().all(|target| target.policy.mode <= Mode::Draft);
    match &operator.environment {
        Ok(Some(found)) if found.reviewers > 0 => {
            check.ok(format!("The environment `homeostat` asks {} reviewer(s).", found.reviewers))
        }
        Ok(Some(_)) => check.note(format!("The environment `homeostat` asks no reviewer; {page} can, where the plan has it.")),
        Ok(None) if harmless => {
            check.note(format!("There is no environment `homeostat`; drafts alone are published, so nobody has to be asked. {page} makes one."))
        }
        Ok(None) => check.warning(
            "There is no environment `homeostat`: the first run of the four jobs makes it, without a reviewer.",
            format!("Make it on {page} with a required reviewer, or: `gh api --method PUT repos/{slug}/environments/homeostat`."),
        ),
        Err(why) => check.unknown("The environment `homeostat`", why),
    }
}

fn schedule(facts: &Facts, slug: &RepoSlug, operator: &OperatorSetup, place: &str) -> Finding {
    let check = Check {
        id: "schedule",
        place,
        why: "GitHub turns schedules off after sixty days without a commit, and says so nowhere but in a mail.",
    };
    let page = facts.page(slug, "actions");
    let run = match &operator.scheduled {
        Ok(Some(run)) => run,
        Ok(None) => return check.note(format!("No schedule has started Homeostat here yet; {page} shows every run.")),
        Err(why) => return check.unknown("When the schedule last ran", why),
    };
    let ScheduledRun { workflow, at, good } = run;
    let now = match &facts.now {
        Ok(now) => now,
        Err(why) => {
            return check
                .note(format!("The schedule last ran at {at}; what time it is could not be seen: {}", why.because));
        }
    };
    let age = now.since(*at);
    let told = format!("{workflow} last ran on its schedule {} ago", ago(age));
    if age > LATE {
        let file = workflow.rsplit('/').next().unwrap_or_default().split('@').next().unwrap_or_default();
        return check.warning(
            format!("{told}."),
            format!("Look whether the workflow is disabled on {page}, or: `gh workflow enable {file} --repo {slug}`."),
        );
    }
    match good {
        Some(true) => check.ok(format!("{told}, and ended well.")),
        Some(false) => check.warning(format!("{told}, and failed."), format!("Read its log on {page}.")),
        None => check.ok(format!("{told}, and is still running.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{Severity, examine, sample};
    use crate::model::{Environment, Unseen};

    fn of(id: &str, change: impl FnOnce(&mut Facts)) -> Option<Finding> {
        let mut facts = sample::facts();
        change(&mut facts);
        examine(&facts).into_iter().find(|one| one.id == id)
    }

    fn operator(facts: &mut Facts) -> &mut OperatorSetup {
        &mut facts.operator.as_mut().expect("an operator").1
    }

    #[test]
    fn a_missing_environment_is_a_warning_unless_nothing_but_drafts_comes_out() {
        let severity = |change: fn(&mut Facts)| of("environment", change).expect("a finding").severity;
        assert_eq!(severity(|facts| operator(facts).environment = Ok(None)), Severity::Warning);
        let drafts = |facts: &mut Facts| {
            operator(facts).environment = Ok(None);
            facts.targets[0].policy.mode = Mode::Draft;
        };
        assert_eq!(severity(drafts), Severity::Note);
        assert_eq!(
            severity(|facts| operator(facts).environment = Ok(Some(Environment { reviewers: 0 }))),
            Severity::Note
        );
        assert_eq!(severity(|facts| operator(facts).environment = Err(Unseen::because("no."))), Severity::Note);
    }

    #[test]
    fn a_schedule_that_stopped_or_failed_is_a_warning() {
        let ran = |hours: u64, good: Option<bool>| {
            of("schedule", |facts| {
                let at = facts.now.clone().expect("a clock");
                facts.now = Ok(at.after(Duration::from_hours(hours)));
                operator(facts).scheduled =
                    Ok(Some(ScheduledRun { workflow: ".github/workflows/homeostat.yml".to_owned(), at, good }));
            })
            .expect("a finding")
        };
        assert_eq!(ran(3, Some(true)).severity, Severity::Ok);
        assert_eq!(ran(3, None).severity, Severity::Ok);
        assert_eq!(ran(3, Some(false)).severity, Severity::Warning);
        let late = ran(80, Some(true));
        assert!(late.severity == Severity::Warning && late.what.contains("3 days ago"), "{late:?}");
        assert!(late.mend.is_some_and(|mend| mend.contains("gh workflow enable homeostat.yml --repo acme/ops")));
        let never = of("schedule", |facts| operator(facts).scheduled = Ok(None)).expect("a finding");
        assert_eq!(never.severity, Severity::Note);
    }

    #[test]
    fn v_107_a_private_target_behind_a_public_repository_is_said() {
        let private = |opaque: bool, operator_is_private: bool| {
            of("private-target", |facts| {
                facts.targets[0].seen.about.as_mut().expect("seen").private = true;
                operator(facts).about.as_mut().expect("seen").private = operator_is_private;
                facts.opaque = opaque;
            })
            .map(|one| one.severity)
        };
        assert_eq!(private(false, false), Some(Severity::Problem));
        assert_eq!(private(true, false), Some(Severity::Ok));
        assert_eq!(private(false, true), None);
    }
}
