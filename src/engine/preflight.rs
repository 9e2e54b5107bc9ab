//! Proves a given change against its base, with no report, no target and no forge. Layer 4.
//!
//! The same ground, runs and judge as for a fix (PROTOCOL.md, 5): nothing that passed fails, tests were run, none is
//! skipped that was not, and the checks are no worse. Refuses to stop at the first finding; a person wants them all.

use crate::config::guess;
use crate::engine::Progress;
use crate::engine::baseline::{Unusable, machine, observe, suite_of_base};
use crate::engine::ground::{self, Ground, exit_code};
use crate::model::{Patch, Policy, Project, Reason, RepoPath, Tally, TestCommands};
use crate::proof::{self, Comparison, Observation, REPETITIONS, Target};
use crate::redact::{Redactor, strip_controls};
use crate::render::preflight::{CheckCompared, NotRun, ProjectProof, Proof, SuiteCompared};
use crate::workspace::{Checkout, WorkspaceError};

/// Lines of output that are shown of a run that does not hold.
const TAIL_LINES: usize = 40;
/// Characters of them.
const TAIL_CHARS: usize = 6_000;

/// Files that say what setup installs.
const DEPENDENCIES: &[&str] = &[
    "package.json",
    "package-lock.json",
    "pnpm-lock.yaml",
    "yarn.lock",
    "pyproject.toml",
    "requirements.txt",
    "poetry.lock",
    "uv.lock",
];

/// What a proof works with.
#[derive(Clone, Copy)]
pub(crate) struct Means<'a> {
    pub(crate) checkout: &'a dyn Checkout,
    pub(crate) policy: &'a Policy,
    pub(crate) patch: &'a Patch,
    pub(crate) redactor: &'a Redactor,
    pub(crate) progress: &'a dyn Progress,
}

/// What came of it, in the folder of every project that the change touches.
#[derive(Debug, Default)]
pub(crate) struct Proven {
    pub(crate) proof: Proof,
    pub(crate) projects: Vec<ProjectProof>,
    pub(crate) not_run: Vec<NotRun>,
    /// What was guessed, and why.
    pub(crate) said: Vec<String>,
}

/// Runs checks and tests on the base and with the change.
///
/// # Errors
/// When the machine fails; whatever is the repository's doing is told of.
pub(crate) async fn prove(means: Means<'_>) -> Result<Proven, Unusable> {
    let mut proven = Proven::default();
    let (projects, root) = touched(means.policy, means.patch);
    if root {
        proven.proof = one(means, None, &mut proven.not_run, &mut proven.said).await?;
    }
    for project in projects {
        let proof = one(means, Some(project), &mut proven.not_run, &mut proven.said).await?;
        proven.projects.push(ProjectProof { path: project.path.to_string(), proof });
    }
    Ok(proven)
}

/// Lists the projects that a change touches, and whether anything lies in none of them.
fn touched<'p>(policy: &'p Policy, patch: &Patch) -> (Vec<&'p Project>, bool) {
    let of = |path: &RepoPath| {
        let around = policy.projects.iter().filter(|project| path.is_within(&project.path));
        around.max_by_key(|project| project.path.as_str().len())
    };
    let projects =
        policy.projects.iter().filter(|project| patch.changes().any(|(path, _)| of(path) == Some(*project))).collect();
    (projects, patch.changes().any(|(path, _)| of(path).is_none()))
}

async fn one(
    means: Means<'_>,
    project: Option<&Project>,
    not_run: &mut Vec<NotRun>,
    said: &mut Vec<String>,
) -> Result<Proof, Unusable> {
    let folder = project.map(|project| project.path.clone());
    let at = folder.as_ref().map(|folder| format!(" of {folder}")).unwrap_or_default();
    let mut missing = |what: &str, why: String, unproven| {
        not_run.push(NotRun { what: format!("{what}{at}"), why, unproven });
    };
    let mut proof = Proof::default();
    let commands = commands(means, project, said).await.map_err(|error| machine(&error))?;
    if commands.test.is_none() {
        missing("tests", Reason::NoTestCommand.sentence().to_owned(), true);
    }
    for (what, key, command) in
        [("lint", "lint_command", &commands.lint), ("typecheck", "typecheck_command", &commands.typecheck)]
    {
        if command.is_none() {
            missing(what, format!("There is no command for it; set {key} to have it compared."), false);
        }
    }
    if commands.test.is_none() && commands.lint.is_none() && commands.typecheck.is_none() {
        return Ok(proof);
    }
    let dependencies: Vec<&str> = means
        .patch
        .changes()
        .map(|(path, _)| path.as_str())
        .filter(|path| DEPENDENCIES.contains(&path.rsplit('/').next().unwrap_or(path)))
        .collect();
    if commands.setup.is_some() && !dependencies.is_empty() {
        let names = dependencies.join(", ");
        let why = format!(
            "Setup runs on the base alone, so what the change makes of {names} is not installed; tests that need it fail \
             for that reason."
        );
        missing("setup with the change", why, true);
    }
    means.progress.step(&format!("setting the base up{at}"));
    let ground = match Ground::lay(means.checkout, means.policy, folder, commands).await {
        Ok(ground) => ground,
        Err(unusable) => {
            missing("lint, typecheck and tests", bearable(unusable)?, true);
            return Ok(proof);
        }
    };
    let (lint, typecheck) = (ground.commands.lint.clone(), ground.commands.typecheck.clone());
    for (what, command, slot) in [("lint", lint, &mut proof.lint), ("typecheck", typecheck, &mut proof.typecheck)] {
        let Some(command) = command else { continue };
        means.progress.step(&format!("{what}{at}: {command}"));
        match check(means, &ground, command).await {
            Ok(compared) => *slot = Some(compared),
            Err(error) => missing(what, bearable(machine(&error))?, true),
        }
    }
    if let Some(command) = ground.commands.test.clone() {
        means.progress.step(&format!("tests{at}: {command}"));
        match suite(means, &ground, command).await {
            Ok(compared) => proof.tests = Some(compared),
            Err(unusable) => missing("tests", bearable(unusable)?, true),
        }
    }
    Ok(proof)
}

/// Lets through what is the repository's doing, in words; the machine's failures end everything.
fn bearable(unusable: Unusable) -> Result<String, Unusable> {
    match unusable.reason {
        Reason::Infrastructure | Reason::RepositoryMissing | Reason::BaseMoved => Err(unusable),
        _ => Ok(unusable.message),
    }
}

/// Returns the commands that hold, and says which were guessed and why.
async fn commands(
    means: Means<'_>,
    project: Option<&Project>,
    said: &mut Vec<String>,
) -> Result<TestCommands, WorkspaceError> {
    let mut commands = ground::effective_commands(means.checkout, means.policy, project).await?;
    let configured = project.map_or(&means.policy.commands, |project| &project.commands);
    let (manifests, paths) = ground::manifests(means.checkout, project).await?;
    if configured.test.is_none() {
        said.extend(guess::commands(&manifests, &paths).said);
    }
    if configured.lint.is_none() && configured.typecheck.is_none() {
        let guessed = guess::checks(&manifests);
        (commands.lint, commands.typecheck) = (guessed.lint, guessed.typecheck);
        said.extend(guessed.said);
    }
    Ok(commands)
}

/// Runs lint or type check on the base and with the change.
async fn check(means: Means<'_>, ground: &Ground, command: String) -> Result<CheckCompared, WorkspaceError> {
    let before = exit_code(ground.run_check(means.policy, &Patch::new(), &command).await?.exit);
    let run = ground.run_check(means.policy, means.patch, &command).await?;
    let after = exit_code(run.exit);
    let worse = before == 0 && after != 0;
    let output = worse.then(|| tail(&run.output, means.redactor));
    Ok(CheckCompared { command, before, after, worse, output })
}

/// Runs the whole test command on the base and with the change, and judges as for a fix without a target.
async fn suite(means: Means<'_>, ground: &Ground, command: String) -> Result<SuiteCompared, Unusable> {
    let (base_run, before) = suite_of_base(ground, means.policy).await?;
    let run = ground.run_all(means.policy, means.patch).await.map_err(|error| machine(&error))?;
    let after = observe(&run);
    let mut reason = proof::judge_patch(&Target::None, &before, &[], &after).err();
    let named = before.tests.is_named() && after.tests.is_named();
    let found = if named { proof::compare(&before.tests, &after.tests) } else { Comparison::default() };
    if !found.newly_failing.is_empty() && found.skipped.is_empty() && found.gone.is_empty() {
        let flaky = comes_and_goes(means, ground, &found.newly_failing).await.map_err(|error| machine(&error))?;
        if flaky {
            reason = Some(Reason::Flaky);
        }
    }
    let tally = |seen: &Observation, seconds| Tally { counts: seen.tests.counts, seconds };
    let clean = |names: Vec<String>| names.iter().map(|name| strip_controls(name)).collect();
    Ok(SuiteCompared {
        command,
        before: tally(&before, base_run.resources.wall_s),
        after: tally(&after, run.resources.wall_s),
        named,
        newly_failing: clean(found.newly_failing),
        skipped: clean(found.skipped),
        gone: clean(found.gone),
        still_failing: clean(found.still_failing),
        turned_green: clean(found.turned_green.into_iter().collect()),
        reason,
        output: reason.map(|_| tail(&run.output, means.redactor)),
        sandbox: run.sandbox,
    })
}

/// Runs tests that fail with the change again, and returns whether they ever do not.
async fn comes_and_goes(means: Means<'_>, ground: &Ground, tests: &[String]) -> Result<bool, WorkspaceError> {
    let target = Target::Tests(tests.to_vec());
    for again in 1..=REPETITIONS {
        means.progress.step(&format!("running what fails again, {again} of {REPETITIONS}"));
        let run = observe(&ground.run_tests(means.policy, means.patch, tests).await?);
        if proof::judge_repetitions(&target, &[run], &|_| false) == Err(Reason::NotReproduced) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns the end of an output, redacted and harmless to a terminal.
fn tail(output: &str, redactor: &Redactor) -> String {
    let clean = strip_controls(redactor.redact(output).as_str());
    let lines: Vec<&str> = clean.trim_end().lines().collect();
    let last = lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n");
    let excess = last.chars().count().saturating_sub(TAIL_CHARS);
    last.chars().skip(excess).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FileState;

    #[test]
    fn a_change_is_proved_in_the_innermost_projects_that_it_touches() -> Result<(), Box<dyn std::error::Error>> {
        let mut policy = Policy::built_in("o/r".parse()?);
        for path in ["web", "web/admin", "api"] {
            policy.projects.push(Project { path: path.parse()?, commands: TestCommands::default() });
        }
        let mut patch = Patch::new();
        patch.set("web/admin/a.js".parse()?, None, Some(FileState::plain("x")));
        let names = |patch: &Patch| {
            let (projects, root) = touched(&policy, patch);
            (projects.iter().map(|p| p.path.to_string()).collect::<Vec<_>>(), root)
        };
        assert_eq!(names(&patch), (vec!["web/admin".to_owned()], false));
        patch.set("README.md".parse()?, None, Some(FileState::plain("x")));
        patch.set("api/a.py".parse()?, None, Some(FileState::plain("x")));
        assert_eq!(names(&patch), (vec!["web/admin".to_owned(), "api".to_owned()], true));
        policy.projects.clear();
        assert_eq!(touched(&policy, &patch), (Vec::new(), true));
        Ok(())
    }

    #[test]
    fn of_a_long_output_the_end_is_shown_without_secrets() {
        let key = format!("{}{}", "AKIA", "Q3EGU7XW5ZT2RB6N");
        let text = format!("{}\u{1b}[31mkey {key}\u{1b}[0m\nend\n", "line\n".repeat(500));
        let shown = tail(&text, &Redactor::new(&[]));
        assert_eq!(shown.lines().count(), TAIL_LINES);
        assert!(shown.ends_with("end") && !shown.contains(&key) && !shown.contains('\u{1b}'), "{shown}");
    }
}
