//! What mirrors give back of a state that was lost: the maximum of the counters (PROTOCOL.md, 3). Layer 1.
//!
//! Who wrote a mirror is decided before it comes here; a mirror never takes anything from a state.

use std::collections::BTreeSet;

use crate::model::{FailureState, Status, Timestamp};

/// More attempts than anybody allows; a mirror that counts more counts no more.
const MOST_ATTEMPTS: u32 = 1_000;
/// Attempts that are remembered one by one.
const MOST_LOGGED: usize = 16;

/// Returns the state that mirrors know better than the state branch does, or nothing where they say nothing new.
///
/// `mirrors` are of one failure, each from a body that is ours.
pub fn rebuilt(known: Option<&FailureState>, mirrors: &[FailureState]) -> Option<FailureState> {
    if !mirrors.iter().any(|mirror| known.is_none_or(|known| is_behind(known, mirror))) {
        return None;
    }
    let all = known.into_iter().chain(mirrors).cloned().map(bounded);
    all.reduce(|one, other| {
        let later = (other.episode, other.attempts) > (one.episode, one.attempts);
        if later { joined(other, &one) } else { joined(one, &other) }
    })
}

/// Decides whether what was spent today can be known, from the days that the state branch counts and the times of what was
/// read back from mirrors.
///
/// Without a branch it can only where nothing of ours is anywhere to be seen: then nobody was here before. What was lost of
/// today takes today's ledger with it; so does what was lost of an earlier day that the branch should count and does not, for then it
/// was rewound to before that day. A branch that began later was made anew, and paid for it on its first day.
pub fn ledger_is_lost(ledger: &Ledger<'_>, now: Timestamp, lost: &[Timestamp]) -> bool {
    let today = now.day();
    match ledger {
        Ledger::NeverBegun => !lost.is_empty(),
        Ledger::Missing => true,
        Ledger::Kept(days) => lost.iter().any(|at| {
            let day = at.day();
            day == today || (!days.contains(day.as_str()) && days.first().is_none_or(|first| *day > **first))
        }),
    }
}

/// What the state branch says of the days on which something was counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ledger<'a> {
    /// There is no branch, and no pull request, branch or comment of ours in the whole fleet.
    NeverBegun,
    /// There is no branch, and something of ours is there, or nobody could look.
    Missing,
    /// There is a branch, and it counts these days.
    Kept(BTreeSet<&'a str>),
}

/// Returns whether a state lags behind a mirror. A candidate that was not published gave its attempt back, though another
/// run's pull request may show it: that is no loss.
fn is_behind(known: &FailureState, mirror: &FailureState) -> bool {
    let gave_back = known.status == Some(Status::Skipped);
    mirror.episode > known.episode
        || (mirror.episode == known.episode && mirror.attempts > known.attempts && !gave_back)
}

fn bounded(mut state: FailureState) -> FailureState {
    state.attempts = state.attempts.min(MOST_ATTEMPTS);
    // Whoever may edit a pull request could write one; a hint is only what was said in a comment.
    state.hint = None;
    state
}

/// Adds to the later of two states what only the earlier one knows.
fn joined(mut later: FailureState, earlier: &FailureState) -> FailureState {
    add(&mut later.reports, &earlier.reports);
    add(&mut later.words_used, &earlier.words_used);
    add(&mut later.rejected_trees, &earlier.rejected_trees);
    later.sketch = later.sketch.or_else(|| earlier.sketch.clone());
    later.hint = later.hint.or_else(|| earlier.hint.clone().filter(|_| later.episode == earlier.episode));
    if later.episode == earlier.episode {
        // Attempts, wait and cost are of one episode; an earlier one's are over.
        later.last_attempt_at = later.last_attempt_at.max(earlier.last_attempt_at);
        later.backoff_until = later.backoff_until.max(earlier.backoff_until);
        later.cost = later.cost.max(earlier.cost);
        add(&mut later.attempts_log, &earlier.attempts_log);
        later.attempts_log.sort_by_key(|record| record.at);
        let excess = later.attempts_log.len().saturating_sub(MOST_LOGGED);
        later.attempts_log.drain(..excess);
    }
    later
}

fn add<T: PartialEq + Clone>(to: &mut Vec<T>, from: &[T]) {
    for one in from {
        if !to.contains(one) {
            to.push(one.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AttemptRecord, Family, Fingerprint};

    fn state(episode: u32, attempts: u32) -> FailureState {
        let mut state = FailureState::new(Fingerprint::of(b"f"), Family::of(b"f"), episode);
        state.attempts = attempts;
        for n in 1..=attempts {
            state.attempts_log.push(AttemptRecord {
                at: Timestamp::from_millis(i64::from(n)),
                tier: None,
                status: Status::Unfixed,
                failure_signature: None,
                reason: None,
            });
        }
        state.backoff_until = Some(Timestamp::from_millis(i64::from(attempts) * 10));
        state
    }

    #[test]
    fn f_68_a_lost_state_comes_back_from_its_mirrors_by_the_maximum_of_the_counters() {
        let mirrors = [state(1, 2), state(2, 1), state(1, 3)];
        let back = rebuilt(None, &mirrors).expect("it was lost");
        assert_eq!((back.episode, back.attempts, back.attempts_log.len()), (2, 1, 1), "the later episode counts");
        let back = rebuilt(None, &[state(1, 2), state(1, 3)]).expect("it was lost");
        assert_eq!((back.attempts, back.attempts_log.len()), (3, 3));
        assert_eq!(back.backoff_until, Some(Timestamp::from_millis(30)));
        assert_eq!(rebuilt(None, &[]), None);
    }

    #[test]
    fn f_68_a_rewound_state_is_raised_and_a_later_one_stays_as_it_is() {
        let (mut known, mut mirror) = (state(1, 1), state(1, 2));
        known.words_used = vec!["comment:1".to_owned()];
        mirror.words_used = vec!["comment:2".to_owned()];
        let back = rebuilt(Some(&known), std::slice::from_ref(&mirror)).expect("it was rewound");
        assert_eq!((back.attempts, back.words_used.len()), (2, 2));
        assert_eq!(rebuilt(Some(&mirror), std::slice::from_ref(&known)), None);
        assert_eq!(rebuilt(Some(&mirror), std::slice::from_ref(&mirror)), None);
        assert_eq!(rebuilt(Some(&state(2, 0)), &[mirror]), None, "an episode that is over counts for nothing");
    }

    #[test]
    fn f_68_no_money_is_spent_on_the_day_that_a_ledger_is_lost() {
        let day = |n: i64| Timestamp::from_millis(n * 86_400_000);
        let lost =
            |days: &[&str], at: &[Timestamp]| ledger_is_lost(&Ledger::Kept(days.iter().copied().collect()), day(9), at);
        assert!(ledger_is_lost(&Ledger::Missing, day(9), &[]), "no branch, and something of ours");
        assert!(!ledger_is_lost(&Ledger::NeverBegun, day(9), &[]), "nobody was here before");
        assert!(ledger_is_lost(&Ledger::NeverBegun, day(9), &[day(1)]), "a mirror says that somebody was");
        assert!(!lost(&["1970-01-03"], &[]), "nothing was lost");
        assert!(lost(&["1970-01-03", "1970-01-10"], &[day(0), day(9)]), "something of today");
        assert!(lost(&["1970-01-03"], &[day(3)]), "rewound past the fourth");
        assert!(!lost(&["1970-01-03", "1970-01-04"], &[day(3)]), "one file is lost, and the fourth is not");
        assert!(!lost(&["1970-01-03"], &[day(1), day(2)]), "made anew on the third");
        assert!(lost(&[], &[day(1)]), "a branch that counts no day");
    }

    #[test]
    fn an_attempt_that_was_given_back_is_not_lost() {
        let mut known = state(1, 0);
        known.status = Some(Status::Skipped);
        assert_eq!(rebuilt(Some(&known), &[state(1, 1)]), None);
    }

    #[test]
    fn a_mirror_with_a_mad_number_harms_nothing() {
        let mut mad = state(1, 0);
        mad.attempts = u32::MAX;
        let back = rebuilt(None, &[mad]).expect("it was lost");
        assert_eq!(crate::gate::unrecorded(back, Timestamp::default()).attempts, MOST_ATTEMPTS + 1);
    }
}
