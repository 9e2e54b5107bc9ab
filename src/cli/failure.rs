//! How a command ends when it cannot go on: whole sentences and an exit class. Layer 5.

use crate::cli::annotate;
use crate::config::Problems;
use crate::engine::EngineError;
use crate::engine::state::StateError;
use crate::forge::ForgeError;
use crate::report::ExitClass;

/// Why a command cannot go on.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) class: ExitClass,
    pub(crate) message: String,
    /// The runner was told line by line what it is about.
    pub(crate) told: bool,
}

pub(crate) type Outcome = Result<ExitClass, Failure>;

impl Failure {
    /// A command that cannot go on, for this reason.
    pub(crate) fn of(class: ExitClass, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), told: false }
    }

    /// Usage or configuration.
    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self::of(ExitClass::Config, message)
    }

    /// Our own fault, or the machine's.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::of(ExitClass::Internal, message)
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        annotate::problems(&problems);
        Self { told: true, ..Self::config(problems.to_string()) }
    }
}

impl From<ForgeError> for Failure {
    fn from(error: ForgeError) -> Self {
        let class = match &error {
            // A token that nobody takes is a mistake in what was set up, no word about what it may do (F-02).
            ForgeError::Denied(why) if why.starts_with("bad-credentials") => ExitClass::Config,
            ForgeError::Denied(_) => ExitClass::Refused,
            ForgeError::NotFound(_) | ForgeError::Invalid(_) => ExitClass::Config,
            _ => ExitClass::Retryable,
        };
        Self::of(class, error.to_string())
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Forge(error) | EngineError::State(StateError::Forge(error)) => error.into(),
            error @ EngineError::State(StateError::Contended) => Self::of(ExitClass::Retryable, error.to_string()),
            error @ EngineError::State(StateError::Broken { .. }) => Self::of(ExitClass::Refused, error.to_string()),
            error => Self::internal(error.to_string()),
        }
    }
}
