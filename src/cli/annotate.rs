//! What the runner shows beside a run, a file or a line: annotations for findings, refusals and failures. Layer 5.
//!
//! Outside Actions nothing is said; what is said is redacted, and the summary has all of it.

use std::path::Path;

use crate::actions::Runner;
use crate::actions::annotation::{Annotation, Level, chosen};
use crate::cli::output::command;
use crate::cli::session;
use crate::config::Problems;
use crate::model::{Reason, Ruling, Verdict};
use crate::redact::Redactor;
use crate::render::RunReport;

const US: &str = "Homeostat";

/// Says which lines of a diff a guardrail refuses or flags.
pub(crate) fn verdict(verdict: &Verdict) {
    let of = |violation: &crate::model::Violation| Annotation {
        level: if violation.ruling == Ruling::Refuse { Level::Error } else { Level::Warning },
        file: violation.path.as_ref().map(ToString::to_string),
        line: violation.line.and_then(|line| usize::try_from(line).ok()),
        title: format!("{US}: {}", violation.rule),
        message: violation.message.clone(),
    };
    say(&verdict.violations.iter().filter(|one| one.ruling != Ruling::Pass).map(of).collect::<Vec<_>>());
}

/// Says what is wrong in which line of the configuration.
pub(crate) fn problems(problems: &Problems) {
    let of = |problem: &crate::config::Problem| Annotation {
        level: Level::Error,
        file: problem.place.is_some().then(|| in_checkout(&problems.file)),
        line: problem.place.map(|place| place.line),
        title: format!("{US}: configuration"),
        message: if problem.key.is_empty() {
            problem.message.clone()
        } else {
            format!("{}: {}", problem.key, problem.message)
        },
    };
    say(&problems.problems.iter().map(of).collect::<Vec<_>>());
}

/// Says why a command cannot go on.
pub(crate) fn failure(message: &str) {
    say(&[of_run(Level::Error, US.to_owned(), message)]);
}

/// Says what a run could not do: repositories that could not be worked on, changes refused, what is not as configured.
pub(crate) fn report(report: &RunReport) {
    let mut all = Vec::new();
    for one in &report.repositories {
        let title = |what: &str| format!("{US}, {}: {what}", one.slug);
        if let Some(error) = &one.error {
            all.push(of_run(Level::Error, title("could not be worked on"), error));
        }
        for refusal in &one.refusals {
            all.push(of_run(Level::Warning, title(refusal.rule.as_str()), &refusal.message));
        }
        for skipped in one.skipped.iter().filter(|skipped| needs_a_person(skipped.reason)) {
            all.push(of_run(
                Level::Warning,
                title(skipped.reason.as_str()),
                &format!("{}: {}", skipped.report, skipped.message),
            ));
        }
        for warning in one.pull_requests.iter().flat_map(|pull| &pull.warnings) {
            all.push(of_run(Level::Warning, title("not as configured"), warning));
        }
    }
    say(&all);
}

/// Returns a file's path from the root of the job's checkout, where it lies in there.
fn in_checkout(file: &str) -> String {
    let root = session::environment().remove("GITHUB_WORKSPACE").unwrap_or_default();
    let path = Path::new(file);
    if root.is_empty() { path } else { path.strip_prefix(&root).unwrap_or(path) }.display().to_string()
}

/// Returns whether only a change of settings ends this wait.
const fn needs_a_person(reason: Reason) -> bool {
    matches!(reason, Reason::AwaitingPr | Reason::PersistedCredentials | Reason::SandboxTooWeak)
}

fn of_run(level: Level, title: String, message: &str) -> Annotation {
    Annotation { level, file: None, line: None, title, message: message.to_owned() }
}

fn say(all: &[Annotation]) {
    let env = session::environment();
    let runner = Runner::from_env(&|name| env.get(name).cloned());
    if all.is_empty() || !runner.in_actions {
        return;
    }
    let redactor = Redactor::new(&session::secrets(&env));
    for mut one in chosen(all) {
        one.message = redactor.redact(&one.message).into_string();
        command(&runner, &one.command());
    }
}
