//! Which failure is this? Exact and family fingerprints, and the reasons for them.
//!
//! From the report's text alone, so that the command line and a run agree; a checkout only localises frames. It refuses
//! to trust a fingerprint that a report claims. One call, [`identify`], answers with identity and explanation; what was
//! hashed is kept as [`Components`], from which any version can compute again. Layer 1.

mod batch;
mod components;
mod explanation;
mod frames;
mod localise;
mod normalise;
mod same;
mod similarity;

pub use batch::{BatchFrame, BatchLine, batch_line, batch_nothing};
pub use components::{Components, Shape};
pub use explanation::{Explanation, Part};
pub use frames::{FrameKind, Frames, NormalFrame, innermost_app_frame, language_family, normal_frame, normal_frames};
pub use localise::{localise, localise_frame};
pub use normalise::{MessageClass, NormalPath, Origin, is_test_path, message_class, normal_path, ruleset};
pub(crate) use same::frames_agree;
pub use same::{Agreement, Sameness, same_failure};
pub use similarity::{
    Frequencies, JOIN_THRESHOLD, Relation, Score, family_score, fast, group_score, jaccard, relation,
};

use crate::model::{Failure, Family, Fingerprint};

/// The identity of a failure, and why it is that.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Identity {
    /// The exact identity.
    pub fingerprint: Fingerprint,
    /// The family of near duplicates.
    pub family: Family,
    /// What was hashed, to be stored beside it.
    pub components: Components,
    /// Every part, whether it counts, and why.
    pub explanation: Explanation,
}

/// Returns the identity of a failure.
pub fn identify(failure: &Failure) -> Identity {
    let frames = normal_frames(failure);
    let components = Components::from_frames(failure, &frames);
    let explanation = Explanation::of(failure, &components, frames.all);
    Identity { fingerprint: components.fingerprint(), family: components.family(), components, explanation }
}

#[cfg(test)]
mod tests;
