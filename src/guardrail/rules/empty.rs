//! `empty`: a change changes something. Layer 1.
//!
//! Refuses a change of names and numbers without a line.

use crate::guardrail::change::{Change, FileDiff};
use crate::guardrail::rule::{Context, Findings, Rule};
use crate::model::Reason;

pub(super) struct Empty;

impl Rule for Empty {
    fn id(&self) -> Reason {
        Reason::Empty
    }

    fn check(&self, change: &Change, _: &Context<'_>, findings: &mut Findings) {
        if !change.files.iter().any(FileDiff::changes_something) {
            findings.change("The change changes nothing.");
        }
    }
}
