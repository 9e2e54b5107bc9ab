//! Labels on issues that show people where a failure stands (REFERENCE.md, Labels). Layer 1.
//!
//! They are views, and nothing is ever decided by one.

use super::Standing;
use crate::model::Reason;

/// A candidate waits for a person's word.
pub const WAITS: &str = "homeostat:awaiting-approval";
/// An attempt mended nothing.
pub const ATTEMPTED: &str = "homeostat:attempted";
/// Nothing is tried for a while.
pub const COOLING_DOWN: &str = "homeostat:cooling-down";
/// Nothing is tried any more unless a person asks.
pub const GAVE_UP: &str = "homeostat:gave-up";

/// Every label of this kind, with what it means.
pub const SHOWN_LABELS: [(&str, &str); 4] = [
    (WAITS, "A proven fix waits for a person's word"),
    (ATTEMPTED, "Homeostat tried and found no fix"),
    (COOLING_DOWN, "Homeostat tries again after a while"),
    (GAVE_UP, "Homeostat tries no more unless asked to"),
];

/// Returns whether a label is one of these.
pub fn is_shown(label: &str) -> bool {
    SHOWN_LABELS.iter().any(|(name, _)| name.eq_ignore_ascii_case(label))
}

/// Returns what one of these labels means.
pub fn meaning(label: &str) -> &'static str {
    SHOWN_LABELS.iter().find(|(name, _)| *name == label).map_or("", |(_, meaning)| meaning)
}

/// Returns whether one of these labels shows what is over, on the issue of a failure that was left alone for a reason.
pub fn is_outdated(label: &str, reason: Reason) -> bool {
    let is = |name: &str| label.eq_ignore_ascii_case(name);
    match reason {
        Reason::CoolingDown => is(GAVE_UP),
        Reason::GaveUp => is(COOLING_DOWN),
        Reason::Unchanged => is(COOLING_DOWN) || is(GAVE_UP),
        Reason::PullRequestOpen | Reason::Merged => true,
        _ => false,
    }
}

impl Standing {
    /// Returns the labels that show it.
    pub const fn labels(self) -> &'static [&'static str] {
        match self {
            Self::Attempted => &[ATTEMPTED],
            Self::CoolingDown => &[ATTEMPTED, COOLING_DOWN],
            Self::GaveUp => &[ATTEMPTED, GAVE_UP],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_known_in_any_case_and_what_people_made_is_not() {
        assert!(is_shown("Homeostat:Gave-Up") && is_shown(WAITS));
        assert!(!is_shown("homeostat") && !is_shown("homeostat:paused"));
    }
}
