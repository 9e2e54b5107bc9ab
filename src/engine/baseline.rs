//! The baseline of a repository: its base tree after setup, and what its tests show there (PROTOCOL.md, 5.1). Layer 4.

use crate::engine::TestLog;
use crate::engine::ground::{self, Ground, exit_code};
use crate::intake::log;
use crate::model::{Patch, Policy, Project, Reason, Resources};
use crate::proof::{self, Observation, RunEnd};
use crate::workspace::{Checkout, Execution, Exit, WorkspaceError};

/// Why a baseline cannot be used.
#[derive(Debug)]
pub(crate) struct Unusable {
    pub(crate) reason: Reason,
    pub(crate) message: String,
    pub(crate) logs: Vec<TestLog>,
}

impl Unusable {
    /// Says no more than the reason does.
    pub(crate) fn because(reason: Reason, logs: Vec<TestLog>) -> Self {
        Self { reason, message: reason.sentence().to_owned(), logs }
    }
}

/// A base tree after setup, and what its tests show there.
pub(crate) struct Baseline {
    pub(crate) ground: Ground,
    pub(crate) observation: Observation,
    pub(crate) resources: Resources,
    /// Lint and type check: the command and its exit code before.
    pub(crate) checks: Vec<(String, i32)>,
    pub(crate) output: String,
}

/// Sets the base tree up and runs its tests once.
pub(crate) async fn prepare(
    checkout: &dyn Checkout,
    policy: &Policy,
    project: Option<&Project>,
) -> Result<Baseline, Unusable> {
    let commands = ground::effective_commands(checkout, policy, project).await.map_err(|error| machine(&error))?;
    if commands.test.is_none() {
        return Err(Unusable::because(Reason::NoTestCommand, Vec::new()));
    }
    let ground = Ground::lay(checkout, policy, project.map(|p| p.path.clone()), commands).await?;
    let (execution, observation) = suite_of_base(&ground, policy).await?;
    let checks = ground.run_checks(policy, &Patch::new()).await.map_err(|error| machine(&error))?;
    Ok(Baseline { ground, observation, resources: execution.resources, checks, output: execution.output })
}

/// Runs the whole test command on the base, and refuses a run that can prove nothing.
pub(crate) async fn suite_of_base(ground: &Ground, policy: &Policy) -> Result<(Execution, Observation), Unusable> {
    let execution = ground.run_all(policy, &Patch::new()).await.map_err(|error| machine(&error))?;
    let observation = observe(&execution);
    match proof::usable_baseline(&observation) {
        Ok(()) => Ok((execution, observation)),
        Err(reason) => Err(Unusable::because(reason, vec![TestLog::new("before", &execution.output)])),
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
