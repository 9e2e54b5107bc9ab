//! Every text that people read: pull requests, comments, summaries. Untrusted text is quoted by construction. Layer 1.
//!
//! Templates lie in `templates/`; what stands in them is ours, what is filled in is redacted and quoted first.

mod comment;
pub mod doctor;
mod feature;
mod init;
pub mod marker;
pub mod outcomes;
pub mod preflight;
mod pull_request;
mod quote;
mod report;
mod summary;
mod trace;

pub use crate::template::RenderError;
pub use comment::{AnswerView, ApprovalView, answer_comment, approval_comment, awaiting_pr_comment, duplicate_comment};
pub use feature::{FeatureView, feature_body, is_ours, refreshed};
pub use init::{INIT_TITLE, InitFile, InitView, init_body};
pub use outcomes::{OutcomesReport, RepositoryOutcomes};
pub(crate) use pull_request::RUNS_WAIT;
pub use pull_request::{PullText, PullView, commit_message, pull_request};
pub use quote::{code_block, code_span, prose, table_cell};
pub use report::{
    AskedReport, PullReport, RefusalReport, RepositoryReport, RunReport, SkippedReport, SummaryFacts, Totals,
};
pub use summary::summary;
