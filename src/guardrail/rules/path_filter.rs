//! `path-filter`: every touched file passes `path_filters`. Layer 1.
//!
//! Refuses a path that it cannot read: what is no legal path passes no filter.

use crate::guardrail::change::Change;
use crate::guardrail::paths::is_test;
use crate::guardrail::rule::{Context, Findings, Rule};
use crate::model::{Reason, RepoPath};

pub(super) struct PathFilter;

impl Rule for PathFilter {
    fn id(&self) -> Reason {
        Reason::PathFilter
    }

    fn check(&self, change: &Change, context: &Context<'_>, findings: &mut Findings) {
        for file in &change.files {
            let allowed = file.path.parse::<RepoPath>().is_ok_and(|path| context.filters.allow(&path));
            if !allowed {
                let note =
                    if is_test(&file.path) { " Fixes do not touch tests unless path_filters say so." } else { "" };
                findings.file(file, format!("path_filters do not let a fix touch this file.{note}"));
            }
        }
    }
}
