//! Turns what should be and what is into a list of actions; `engine::reconcile` carries them out.
//!
//! Pure: it never looks anything up, and a converged world gives an empty list. Layer 1.

mod decide;
mod feature;
mod identity;
mod init;
mod overlap;

pub use decide::{Action, Decision, Desired, Observed, ObservedPull, RefState, Verb, actions, asking, decide};
pub use feature::{
    FeatureDecision, FeatureEnd, FeatureFacts, FeaturePull, FeatureWish, decide_feature, feature_actions,
    feature_title, is_feature_branch,
};
pub use identity::{
    BRANCH_PREFIX, CommitFacts, Ownership, Trailer, branch_for, branch_grammar, idempotency_key, ownership,
    revert_branch, tested_parent,
};
pub use init::{InitDecision, InitFacts, decide_init, init_actions, init_branch, init_key};
pub use overlap::{Relation, relation};
