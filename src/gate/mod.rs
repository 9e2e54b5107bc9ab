//! Decides which failures this run may work on: opt-out, trust, episodes, attempts, cooldown and caps.
//!
//! Pure state machines over facts and a clock value; it asks nobody and spends nothing. Layer 1.

mod attempts;
mod caps;
mod command;
mod deal;
mod episode;
mod family;
mod label;
mod mirror;
mod outcome;
mod quiet;
mod ready;
mod runs;
mod trust;
mod worn;

pub use attempts::{
    AttemptInputs, Next, Standing, asked_again, cooldown_after, next_attempt, settle, standing, unpublished, unrecorded,
};
pub use caps::{Caps, Openings};
pub use command::{Command, command};
pub use deal::deal;
pub use episode::{Episode, Fate, PastPull, Word, episode};
pub use family::{Deferral, Kin, Kindred, Member, UnderWay, deferred};
pub use label::{ATTEMPTED, COOLING_DOWN, GAVE_UP, SHOWN_LABELS, WAITS, is_outdated, is_shown, meaning};
pub use mirror::{Ledger, ledger_is_lost, rebuilt};
pub use outcome::{CLOSED_IN_A_ROW, FAILED_IN_A_ROW, Later, Merge, failures_in_a_row, is_news, pauses, reverting};
pub use quiet::{Health, Look, Watermark, is_quiet, stays};
pub use ready::{auto_merge, draft_reasons};
pub use runs::{RunEnd, RunFacts, failed_runs, mendable, turned_red};
pub use trust::{LabelEvent, TrustFacts, may_command, opted_out, trusted};
pub use worn::{Look as PullLook, PullFacts, Signal, Wear, worn};

use crate::model::Mode;

/// Returns the lowest of all modes given (REFERENCE.md, Modes); with none given, the built-in `ready`.
pub fn effective_mode(given: &[Mode]) -> Mode {
    given.iter().copied().min().unwrap_or(Mode::Ready)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p_07_no_repository_can_raise_the_mode_above_the_lowest_given() {
        assert_eq!(effective_mode(&[Mode::Ready, Mode::Observe, Mode::Auto]), Mode::Observe);
        assert_eq!(effective_mode(&[Mode::Auto, Mode::Draft]), Mode::Draft);
        assert_eq!(effective_mode(&[]), Mode::Ready);
    }
}
