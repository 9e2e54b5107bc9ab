//! How a command ends when it cannot go on: whole sentences and an exit class. Layer 5.

use crate::engine::EngineError;
use crate::engine::state::StateError;
use crate::forge::ForgeError;
use crate::report::ExitClass;

/// Why a command cannot go on.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) class: ExitClass,
    pub(crate) message: String,
}

pub(crate) type Outcome = Result<ExitClass, Failure>;

impl Failure {
    /// Usage or configuration.
    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self { class: ExitClass::Config, message: message.into() }
    }

    /// Our own fault, or the machine's.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self { class: ExitClass::Internal, message: message.into() }
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
        Self { class, message: error.to_string() }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Forge(error) | EngineError::State(StateError::Forge(error)) => error.into(),
            error @ EngineError::State(StateError::Contended) => {
                Self { class: ExitClass::Retryable, message: error.to_string() }
            }
            error @ EngineError::State(StateError::Broken { .. }) => {
                Self { class: ExitClass::Refused, message: error.to_string() }
            }
            error => Self::internal(error.to_string()),
        }
    }
}
