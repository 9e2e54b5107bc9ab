//! The library of patterns: which failures are known, and what change mends each.
//!
//! A pattern is matched by the failure's signature and by the structure of the code near the reported place; what it
//! proposes is a text that still parses and is changed once. It proves nothing and writes nothing: tests decide.
//! Layer 1; the only user of tree-sitter and ast-grep.

mod apply;
mod bundle;
mod canonical;
mod checked;
mod confidence;
mod library;
mod lint;
mod placeholders;
mod problem;
mod propose;
mod record;
mod rewrite;
mod signature;
pub mod syntax;
mod view;

pub use apply::{Applied, AppliedCandidate, At, Case, apply};
pub use bundle::{BUNDLE_SCHEMA, bundle};
pub use checked::{MAX_FILE, Pattern};
pub use confidence::{AUTHORED_PRIOR, HALF_LIFE, Outcome, Posterior, SUSPENDED_BELOW, Seen, Statistics};
pub use library::{Library, MAX_PATTERNS};
pub use lint::{TestReport, TestResult, lint, test};
pub use problem::{Place, Problem, Severity};
pub use propose::{Options, Proposal, Proposed, Refused, Spot, propose};
pub use record::{
    EditLimits, Examples, Negative, Origin, PATTERN_SCHEMA, Paths, Positive, Prior, Reach, Record, Rewrite,
    RewriteKind, Signature, Where,
};
pub use rewrite::Unsafe;
pub use signature::Captures;
pub use view::{ListRow, Shown, list, search, show};
