//! The one registry of guardrail rules: one rule a file, one line here, one folder of fixtures. Layer 1.
//!
//! Refuses rules with state; a rule sees the change, the policy and, where there is one, the tree.

mod bidi_control;
mod binary;
mod case_collision;
mod dependency_added;
mod diff_files;
mod diff_lines;
mod empty;
mod expression_injection;
mod file_mode;
mod line_endings;
mod lockfile_source_changed;
mod mixed_script;
mod patch_bytes;
mod path_filter;
mod protected_path;
mod rewrite_ratio;
mod secret;
mod suppression_added;
mod syntax_error;
mod test_special_case;
mod test_weakened;
mod unsafe_path;

use crate::guardrail::rule::Rule;

/// Every rule; the order of reports is that of their ids, not of this list.
pub static RULES: &[&dyn Rule] = &[
    &diff_lines::DiffLines,
    &diff_files::DiffFiles,
    &patch_bytes::PatchBytes,
    &path_filter::PathFilter,
    &protected_path::ProtectedPath,
    &unsafe_path::UnsafePath,
    &file_mode::FileModeRule,
    &binary::Binary,
    &secret::Secret,
    &test_weakened::TestWeakened,
    &syntax_error::SyntaxErrorRule,
    &rewrite_ratio::RewriteRatio,
    &dependency_added::DependencyAdded,
    &lockfile_source_changed::LockfileSourceChanged,
    &expression_injection::ExpressionInjection,
    &bidi_control::BidiControl,
    &mixed_script::MixedScript,
    &line_endings::LineEndings,
    &case_collision::CaseCollision,
    &suppression_added::SuppressionAdded,
    &test_special_case::TestSpecialCase,
    &empty::Empty,
];
