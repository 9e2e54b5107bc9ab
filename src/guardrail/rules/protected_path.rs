//! `protected-path`: nothing touches manifests, lockfiles, continuous integration, terms or instructions (P-09 to P-11, V-76, V-79). Layer 1.
//!
//! Refuses to take an allowing filter for a lift: both are asked, apart.

use crate::guardrail::change::Change;
use crate::guardrail::rule::{Context, Findings, Rule};
use crate::model::{Reason, RepoPath};

pub(super) struct ProtectedPath;

impl Rule for ProtectedPath {
    fn id(&self) -> Reason {
        Reason::ProtectedPath
    }

    fn check(&self, change: &Change, context: &Context<'_>, findings: &mut Findings) {
        for file in &change.files {
            if file.path.parse::<RepoPath>().is_ok_and(|path| context.filters.protect(&path)) {
                findings.file(
                    file,
                    "The file is protected. A person changes it, or protected_paths.lift names it and a path filter allows it.",
                );
            }
        }
    }
}
