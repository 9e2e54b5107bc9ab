//! The ground that commands run on: a base tree after setup, and how its tests and checks are run there. Layer 4.
//!
//! Every command gets a fresh copy with a patch on top (PROTOCOL.md, 5.1). Refuses to judge what a run shows.

use std::collections::BTreeMap;

use tracing::Instrument as _;

use crate::config::guess;
use crate::engine::baseline::{Unusable, machine};
use crate::engine::{TestLog, retry};
use crate::forge::{Forge, ForgeResult};
use crate::model::{
    BranchName, FileState, NetworkAccess, Patch, Policy, Project, Reason, RepoPath, RepoSlug, TestCommands,
};
use crate::system::System;
use crate::workspace::{Checkout, CommandSpec, Execution, Exit, Snapshot, WorkspaceError};

/// A base tree after setup.
pub(crate) struct Ground {
    snapshot: Box<dyn Snapshot>,
    folder: Option<RepoPath>,
    pub(crate) commands: TestCommands,
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

impl Ground {
    /// Writes the base tree and sets it up.
    pub(crate) async fn lay(
        checkout: &dyn Checkout,
        policy: &Policy,
        folder: Option<RepoPath>,
        commands: TestCommands,
    ) -> Result<Self, Unusable> {
        let setup = commands.setup.as_ref().map(|command| CommandSpec {
            timeout: policy.limits.setup_timeout,
            network: policy.sandbox.setup_network,
            ..spec(policy, folder.clone(), command)
        });
        let (snapshot, prepared) = checkout.snapshot(setup.as_ref()).await.map_err(|error| machine(&error))?;
        match prepared.filter(|execution| !execution.succeeded()) {
            Some(failed) => Err(Unusable::because(Reason::SetupFailed, vec![TestLog::new("setup", &failed.output)])),
            None => Ok(Self { snapshot, folder, commands }),
        }
    }

    /// Runs one command in a fresh copy, in a span of its own.
    async fn run(&self, patch: &Patch, spec: &CommandSpec) -> Result<Execution, WorkspaceError> {
        let code = tracing::field::Empty;
        let span =
            tracing::debug_span!("test", command = spec.command, patched = !patch.is_empty(), process.exit.code = code);
        let done = self.snapshot.run(patch, spec).instrument(span.clone()).await;
        if let Ok(done) = &done {
            span.record("process.exit.code", exit_code(done.exit));
        }
        done
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

    /// Runs lint or type check with a patch.
    pub(crate) async fn run_check(
        &self,
        policy: &Policy,
        patch: &Patch,
        command: &str,
    ) -> Result<Execution, WorkspaceError> {
        self.run(patch, &spec(policy, self.folder.clone(), command)).await
    }

    /// Runs lint and type check with a patch, where configured.
    pub(crate) async fn run_checks(
        &self,
        policy: &Policy,
        patch: &Patch,
    ) -> Result<Vec<(String, Execution)>, WorkspaceError> {
        let mut done = Vec::new();
        for command in [&self.commands.lint, &self.commands.typecheck].into_iter().flatten() {
            done.push((command.clone(), self.run_check(policy, patch, command).await?));
        }
        Ok(done)
    }

    /// Runs a tool with a patch, without network, and reads files back from the copy.
    pub(crate) async fn run_tool(
        &self,
        policy: &Policy,
        patch: &Patch,
        command: &str,
        read: &[RepoPath],
    ) -> Result<(Execution, BTreeMap<RepoPath, FileState>), WorkspaceError> {
        let spec = CommandSpec {
            network: NetworkAccess::None,
            services: Vec::new(),
            ..spec(policy, self.folder.clone(), command)
        };
        let span = tracing::debug_span!("tool", command);
        self.snapshot.run_and_read(patch, &spec, read).instrument(span).await
    }

    /// Returns the folder that commands run in; `None` is the root.
    pub(crate) const fn folder(&self) -> Option<&RepoPath> {
        self.folder.as_ref()
    }

    /// Formats the changed files with the repository's own formatter, where configured, and returns the patch after.
    pub(crate) async fn format(&self, policy: &Policy, patch: Patch) -> Result<Patch, WorkspaceError> {
        let Some(formatter) = &self.commands.format else { return Ok(patch) };
        let paths: Vec<RepoPath> =
            patch.changes().filter(|(_, change)| change.after.is_some()).map(|(path, _)| path.clone()).collect();
        let command = self.format_files(formatter, &paths);
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

    /// Writes a command of the repository that formats the files named behind it.
    pub(crate) fn format_files(&self, formatter: &str, files: &[RepoPath]) -> String {
        let names: Vec<String> = files.iter().map(|path| shell_quote(&self.within_folder(path))).collect();
        format!("{formatter} {}", names.join(" "))
    }

    fn within_folder(&self, path: &RepoPath) -> String {
        let text = path.as_str();
        let inside = self.folder.as_ref().and_then(|folder| text.strip_prefix(folder.as_str())?.strip_prefix('/'));
        inside.unwrap_or(text).to_owned()
    }
}

/// Returns the commands of a project: configured where set, else guessed from the manifests in its folder.
pub(crate) async fn effective_commands(
    checkout: &dyn Checkout,
    policy: &Policy,
    project: Option<&Project>,
) -> Result<TestCommands, WorkspaceError> {
    let configured = project.map_or(&policy.commands, |project| &project.commands);
    let (manifests, paths) = manifests(checkout, project).await?;
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

/// Guesses from the files of a branch on the forge; nothing is known of a branch that is not there.
pub(crate) async fn guessed(
    forge: &dyn Forge,
    system: &dyn System,
    slug: &RepoSlug,
    branch: &BranchName,
) -> ForgeResult<guess::Guessed> {
    let Some(head) = retry(system, async || forge.branch(slug, branch).await).await? else {
        return Ok(guess::Guessed::default());
    };
    let entries = retry(system, async || forge.tree(slug, &head).await).await?;
    let mut manifests = BTreeMap::new();
    for entry in entries.iter().filter(|entry| MANIFESTS.contains(&entry.path.as_str())) {
        let content = retry(system, async || forge.blob(slug, &entry.id).await).await?;
        manifests.insert(entry.path.clone(), String::from_utf8_lossy(&content).into_owned());
    }
    let paths: Vec<String> = entries.into_iter().map(|entry| entry.path).collect();
    Ok(guess::commands(&manifests, &paths))
}

/// Reads the manifests in a project's folder by name, and lists the files below it, as a guess needs them.
pub(crate) async fn manifests(
    checkout: &dyn Checkout,
    project: Option<&Project>,
) -> Result<(BTreeMap<String, String>, Vec<String>), WorkspaceError> {
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
    Ok((manifests, paths))
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

/// Returns an exit code as a shell would: a signal counts as 128 and its number.
pub(crate) fn exit_code(exit: Exit) -> i32 {
    match exit {
        Exit::Code(code) => code,
        Exit::Signal(signal) => 128 + signal,
        Exit::Timeout | Exit::Memory | Exit::Processes | Exit::Output => 124,
    }
}

/// Quotes a word for `/bin/sh`.
pub(crate) fn shell_quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_name_cannot_leave_its_quotes() {
        assert_eq!(shell_quote("a'; rm -rf /; '"), r"'a'\''; rm -rf /; '\'''");
    }
}
