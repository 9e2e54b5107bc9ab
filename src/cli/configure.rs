//! `config` and `init`. Layer 5.
use crate::cli::args::{ConfigCommand, Global, InitArgs};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::Output;
pub(crate) fn config(_: &ConfigCommand, _: &Global, _: &Output) -> Outcome {
    Err(Failure::internal("being wired"))
}
pub(crate) fn init(_: &InitArgs, _: &Global, _: &Output) -> Outcome {
    Err(Failure::internal("being wired"))
}
