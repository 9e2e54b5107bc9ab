//! The baseline of a repository: its base tree after setup, and what its tests show there (PROTOCOL.md, 5.1). Layer 4.

use crate::engine::TestLog;
use crate::engine::ground::{self, Ground, exit_code};
use crate::intake::log;
use crate::model::{Patch, Policy, Project, Reason, Resources, TestRun};
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

/// What lint or type check says of a tree.
pub(crate) struct Checked {
    pub(crate) command: String,
    pub(crate) code: i32,
    pub(crate) observation: Observation,
}

/// A base tree after setup, and what its tests show there.
pub(crate) struct Baseline {
    pub(crate) ground: Ground,
    pub(crate) observation: Observation,
    pub(crate) resources: Resources,
    /// Lint and type check, as they end on the base.
    pub(crate) checks: Vec<Checked>,
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
    let checks = checks
        .into_iter()
        .map(|(command, done)| Checked {
            code: exit_code(done.exit),
            observation: observe_check(&command, &done),
            command,
        })
        .collect();
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
    let end = end_of(execution);
    let (tests, mut failures) = log::read(&execution.output);
    if end != RunEnd::Code(0) {
        // A suite that does not build fails no test; what its compiler says is all there is.
        failures.extend(log::complaints("", &execution.output).into_iter().map(|one| (None, one)));
    }
    Observation { end, tests, failures }
}

/// Reads what a run of a formatter, linter or type checker showed: its complaints, and no tests.
pub(crate) fn observe_check(command: &str, execution: &Execution) -> Observation {
    let failures = log::complaints(command, &execution.output).into_iter().map(|one| (None, one)).collect();
    Observation { end: end_of(execution), tests: TestRun::default(), failures }
}

fn end_of(execution: &Execution) -> RunEnd {
    match execution.exit {
        Exit::Timeout => RunEnd::Timeout,
        Exit::Memory | Exit::Processes | Exit::Output => RunEnd::Resource,
        other => RunEnd::Code(exit_code(other)),
    }
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
