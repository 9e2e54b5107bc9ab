//! `guard`: the guardrails alone, on any diff. Layer 5.

use crate::cli::args::{Global, GuardArgs};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::Output;
use crate::report::ExitClass;

/// Carries the command out.
pub(crate) fn guard(args: &GuardArgs, global: &Global, output: &Output) -> Outcome {
    let _ = (args, global, output);
    Err(Failure::internal("guard is being wired"))
}
