//! The baseline of a repository: its base tree after setup, and what its tests show there (PROTOCOL.md, 5.1). Layer 4.

use std::collections::BTreeMap;

use tracing::Instrument as _;

use crate::config::guess;
use crate::engine::TestLog;
use crate::intake::log;
use crate::model::{Patch, Policy, Project, Reason, RepoPath, Resources, TestCommands};
use crate::proof::{self, Observation, RunEnd};
use crate::workspace::{Checkout, CommandSpec, Execution, Exit, Snapshot, WorkspaceError};

/// Why a baseline cannot be used.
#[derive(Debug)]
pub(crate) struct Unusable {
    pub(crate) reason: Reason,
    pub(crate) message: String,
    pub(crate) logs: Vec<TestLog>,
}

/// A base tree after setup, and what its tests show there.
pub(crate) struct Baseline {
    snapshot: Box<dyn Snapshot>,
    folder: Option<RepoPath>,
    pub(crate) commands: TestCommands,
    pub(crate) observation: Observation,
    pub(crate) resources: Resources,
    /// Lint and type check: the command and its exit code before.
    pub(crate) checks: Vec<(String, i32)>,
    pub(crate) output: String,
}

/// The files that guesses are made from.
const MANIFESTS: &[&str] = &[
    "package.json",
    "package-lock.json",
    "pnpm-lock.yaml",
    "yarn.lock",
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "tox.ini",
    "pytest.ini",
    "requirements.txt",
    "poetry.lock",
    "uv.lock",
    "Cargo.toml",
    "Cargo.lock",
    "go.mod",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "gradlew",
    "mvnw",
    "Makefile",
];

/// Sets the base tree up and runs its tests once.
pub(crate) async fn prepare(
    checkout: &dyn Checkout,
    policy: &Policy,
    project: Option<&Project>,
) -> Result<Baseline, Unusable> {
    let folder = project.map(|p| p.path.clone());
    let commands = effective_commands(checkout, policy, project).await.map_err(|error| machine(&error))?;
    let Some(test) = commands.test.clone() else {
        return Err(unusable(Reason::NoTestCommand, Vec::new()));
    };
    let setup = commands.setup.as_ref().map(|command| CommandSpec {
        timeout: policy.limits.setup_timeout,
        network: policy.sandbox.setup_network,
        ..spec(policy, folder.clone(), command)
    });
    let (snapshot, prepared) = checkout.snapshot(setup.as_ref()).await.map_err(|error| machine(&error))?;
    if let Some(execution) = prepared.filter(|execution| !execution.succeeded()) {
        return Err(unusable(Reason::SetupFailed, vec![TestLog::new("setup", &execution.output)]));
    }
    let execution =
        snapshot.run(&Patch::new(), &spec(policy, folder.clone(), &test)).await.map_err(|error| machine(&error))?;
    let observation = observe(&execution);
    if let Err(reason) = proof::usable_baseline(&observation) {
        return Err(unusable(reason, vec![TestLog::new("before", &execution.output)]));
    }
    let mut baseline = Baseline {
        snapshot,
        folder,
        commands,
        observation,
        resources: execution.resources,
        checks: Vec::new(),
        output: execution.output,
    };
    baseline.checks = baseline.run_checks(policy, &Patch::new()).await.map_err(|error| machine(&error))?;
    Ok(baseline)
}

impl Baseline {
    /// Runs one command in a fresh copy, in a span of its own.
    async fn run(&self, patch: &Patch, spec: &CommandSpec) -> Result<Execution, WorkspaceError> {
        let span = tracing::debug_span!("test", command = spec.command);
        self.snapshot.run(patch, spec).instrument(span).await
    }

    /// Runs the whole test command with a patch.
    pub(crate) async fn run_all(&self, policy: &Policy, patch: &Patch) -> Result<Execution, WorkspaceError> {
        let command = self.commands.test.as_deref().unwrap_or_default();
        self.run(patch, &spec(policy, self.folder.clone(), command)).await
    }

    /// Runs one test with a patch; the whole command where one alone cannot be run.
    pub(crate) async fn run_tests(
        &self,
        policy: &Policy,
        patch: &Patch,
        tests: &[String],
    ) -> Result<Execution, WorkspaceError> {
        match (self.commands.test_one.as_deref(), tests) {
            (Some(template), [only]) if guess::selects(template, only) => {
                let command = template.replace("{test}", &shell_quote(&guess::selector(template, only)));
                self.run(patch, &spec(policy, self.folder.clone(), &command)).await
            }
            _ => self.run_all(policy, patch).await,
        }
    }

    /// Runs lint and type check with a patch, where configured.
    pub(crate) async fn run_checks(
        &self,
        policy: &Policy,
        patch: &Patch,
    ) -> Result<Vec<(String, i32)>, WorkspaceError> {
        let mut codes = Vec::new();
        for command in [&self.commands.lint, &self.commands.typecheck].into_iter().flatten() {
            let execution = self.run(patch, &spec(policy, self.folder.clone(), command)).await?;
            codes.push((command.clone(), exit_code(execution.exit)));
        }
        Ok(codes)
    }

    /// Formats the changed files with the repository's own formatter, where configured, and returns the patch after.
    pub(crate) async fn format(&self, policy: &Policy, patch: Patch) -> Result<Patch, WorkspaceError> {
        let Some(formatter) = &self.commands.format else { return Ok(patch) };
        let paths: Vec<RepoPath> =
            patch.changes().filter(|(_, change)| change.after.is_some()).map(|(path, _)| path.clone()).collect();
        let names: Vec<String> = paths.iter().map(|path| shell_quote(&self.within_folder(path))).collect();
        let command = format!("{formatter} {}", names.join(" "));
        let spec = spec(policy, self.folder.clone(), &command);
        let (execution, files) = self.snapshot.run_and_read(&patch, &spec, &paths).await?;
        if !execution.succeeded() {
            return Ok(patch);
        }
        let mut formatted = patch.clone();
        for (path, after) in files {
            if let Some(change) = patch.get(&path) {
                formatted.set(path, change.before.clone(), Some(after));
            }
        }
        Ok(formatted)
    }

    fn within_folder(&self, path: &RepoPath) -> String {
        let text = path.as_str();
        let inside = self.folder.as_ref().and_then(|folder| text.strip_prefix(folder.as_str())?.strip_prefix('/'));
        inside.unwrap_or(text).to_owned()
    }
}

/// Returns the commands of a project: configured where set, else guessed from the manifests in its folder.
async fn effective_commands(
    checkout: &dyn Checkout,
    policy: &Policy,
    project: Option<&Project>,
) -> Result<TestCommands, WorkspaceError> {
    let configured = project.map_or(&policy.commands, |project| &project.commands);
    let prefix = project.map(|project| format!("{}/", project.path)).unwrap_or_default();
    let mut manifests = BTreeMap::new();
    for name in MANIFESTS {
        let Ok(path) = format!("{prefix}{name}").parse::<RepoPath>() else { continue };
        if let Some(file) = checkout.read(&path).await? {
            manifests.insert((*name).to_owned(), String::from_utf8_lossy(&file.content).into_owned());
        }
    }
    let paths: Vec<String> = checkout
        .files()
        .iter()
        .filter_map(|file| file.path.as_str().strip_prefix(prefix.as_str()).map(str::to_owned))
        .collect();
    let guessed = guess::commands(&manifests, &paths);
    let or = |own: &Option<String>, guess: Option<String>| own.clone().or(guess);
    let test = or(&configured.test, guessed.test);
    let test_one = configured.test_one.clone().or_else(|| guess::one_test(test.as_deref()?));
    Ok(TestCommands {
        setup: or(&configured.setup, guessed.setup),
        test_one,
        test,
        lint: configured.lint.clone(),
        typecheck: configured.typecheck.clone(),
        format: configured.format.clone(),
    })
}

/// Describes a command under the repository's limits.
fn spec(policy: &Policy, folder: Option<RepoPath>, command: &str) -> CommandSpec {
    CommandSpec {
        command: command.to_owned(),
        folder,
        env: policy.test_env.clone(),
        timeout: policy.limits.test_timeout,
        memory: policy.limits.test_memory,
        processes: policy.limits.test_processes,
        output: policy.limits.test_output,
        network: policy.sandbox.network,
        services: policy.sandbox.services.clone(),
        require: policy.sandbox.require,
    }
}

/// Reads what a run of tests showed.
pub(crate) fn observe(execution: &Execution) -> Observation {
    let end = match execution.exit {
        Exit::Timeout => RunEnd::Timeout,
        Exit::Memory | Exit::Processes | Exit::Output => RunEnd::Resource,
        other => RunEnd::Code(exit_code(other)),
    };
    let (tests, failures) = log::read(&execution.output);
    Observation { end, tests, failures }
}

/// Returns an exit code as a shell would: a signal counts as 128 and its number.
fn exit_code(exit: Exit) -> i32 {
    match exit {
        Exit::Code(code) => code,
        Exit::Signal(signal) => 128 + signal,
        Exit::Timeout | Exit::Memory | Exit::Processes | Exit::Output => 124,
    }
}

/// Quotes a word for `/bin/sh`.
fn shell_quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn unusable(reason: Reason, logs: Vec<TestLog>) -> Unusable {
    Unusable { reason, message: reason.sentence().to_owned(), logs }
}

/// Says what a machine's failure means: not the repository's fault, so it counts as no attempt.
pub(crate) fn machine(error: &WorkspaceError) -> Unusable {
    let reason = match error {
        WorkspaceError::SandboxTooWeak(_) => Reason::SandboxTooWeak,
        WorkspaceError::Missing(_) => Reason::RepositoryMissing,
        WorkspaceError::Mismatch(_) => Reason::BaseMoved,
        WorkspaceError::DoesNotApply(_) => Reason::MalformedDiff,
        WorkspaceError::Machine(_) => Reason::Infrastructure,
    };
    Unusable { reason, message: format!("{} ({error})", reason.sentence()), logs: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_name_cannot_leave_its_quotes() {
        assert_eq!(shell_quote("a'; rm -rf /; '"), r"'a'\''; rm -rf /; '\'''");
    }
}
