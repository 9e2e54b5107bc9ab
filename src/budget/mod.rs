//! Money: reserve the upper bound first, settle after, keep the reservation when the outcome is unknown. Layer 1.
//!
//! Counts only; it knows no prices and calls nobody. Integers throughout (THREATS.md, budget accounting).

use crate::model::{Allowance, MicroUsd};

/// Money that one run may spend, with what is spent and reserved of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    grant: Allowance,
    attempt_cap: Allowance,
    spent: MicroUsd,
    reserved: MicroUsd,
    overrun: bool,
}

/// A reservation that must be settled; dropped unsettled it stays reserved, which counts as spent.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "an unsettled reservation counts as spent"]
pub struct Reservation {
    upper: MicroUsd,
}

impl Ledger {
    /// Opens a ledger with a grant for the run and a cap for one attempt.
    pub const fn new(grant: Allowance, attempt_cap: Allowance) -> Self {
        Self { grant, attempt_cap, spent: MicroUsd::ZERO, reserved: MicroUsd::ZERO, overrun: false }
    }

    /// Reserves an upper bound for one call of an attempt that has already spent `attempt_spent`; free work always fits.
    pub fn reserve(&mut self, upper: MicroUsd, attempt_spent: MicroUsd) -> Option<Reservation> {
        let fits = |cap: Allowance, used: MicroUsd| match cap {
            Allowance::Unlimited => true,
            Allowance::Cap(cap) => used.plus(upper) <= cap,
        };
        let free = upper == MicroUsd::ZERO;
        let admitted = free
            || (!self.overrun
                && fits(self.grant, self.spent.plus(self.reserved))
                && fits(self.attempt_cap, attempt_spent));
        admitted.then(|| {
            self.reserved = self.reserved.plus(upper);
            Reservation { upper }
        })
    }

    /// Settles a reservation; `None` is an unknown cost and counts as the upper bound. More than reserved stops spending.
    #[expect(clippy::needless_pass_by_value, reason = "a reservation is settled once, so settling takes it")]
    pub fn settle(&mut self, reservation: Reservation, actual: Option<MicroUsd>) -> MicroUsd {
        let cost = actual.unwrap_or(reservation.upper);
        self.reserved = self.reserved.minus(reservation.upper);
        self.spent = self.spent.plus(cost);
        self.overrun |= cost > reservation.upper;
        cost
    }

    /// Returns what is spent.
    pub const fn spent(&self) -> MicroUsd {
        self.spent
    }

    /// Returns what is left, reservations taken off; `None` without a cap.
    pub fn remaining(&self) -> Option<MicroUsd> {
        match self.grant {
            Allowance::Cap(cap) => Some(cap.minus(self.spent).minus(self.reserved)),
            Allowance::Unlimited => None,
        }
    }
}

/// Returns the grant of a run: the least of its own cap and what the day has left (PROTOCOL.md, 1).
pub fn grant(run: Allowance, day: Allowance, spent_today: MicroUsd, reserved_today: MicroUsd) -> Allowance {
    let left = match day {
        Allowance::Unlimited => return run,
        Allowance::Cap(cap) => cap.minus(spent_today).minus(reserved_today),
    };
    match run {
        Allowance::Unlimited => Allowance::Cap(left),
        Allowance::Cap(cap) => Allowance::Cap(cap.min(left)),
    }
}

/// Splits a grant in proportion to weights, to the last millionth: the parts add up to the grant (PROTOCOL.md, 9). With no
/// weight at all nobody gets anything.
pub fn split(grant: MicroUsd, weights: &[u32]) -> Vec<MicroUsd> {
    let total: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    if total == 0 {
        return vec![MicroUsd::ZERO; weights.len()];
    }
    // Differences of what all up to here are due: each is rounded down once, and the last takes the rest.
    let due = |sum: u128| u64::try_from(u128::from(grant.0) * sum / total).unwrap_or(grant.0);
    let mut sum = 0;
    weights
        .iter()
        .map(|weight| {
            let before = due(sum);
            sum += u128::from(*weight);
            MicroUsd(due(sum) - before)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn cap(micros: u64) -> Allowance {
        Allowance::Cap(MicroUsd(micros))
    }

    #[test]
    fn b_01_of_two_calls_that_do_not_both_fit_one_is_admitted() {
        let mut ledger = Ledger::new(cap(100), Allowance::Unlimited);
        let first = ledger.reserve(MicroUsd(60), MicroUsd::ZERO).map(|r| ledger.settle(r, Some(MicroUsd(60))));
        assert_eq!(first, Some(MicroUsd(60)));
        let second = ledger.reserve(MicroUsd(30), MicroUsd::ZERO);
        assert!(second.is_some());
        assert_eq!(ledger.reserve(MicroUsd(30), MicroUsd::ZERO), None);
    }

    #[test]
    fn b_03_an_unknown_cost_settles_at_the_upper_bound() {
        let mut ledger = Ledger::new(cap(100), Allowance::Unlimited);
        let reservation = ledger.reserve(MicroUsd(40), MicroUsd::ZERO).expect("it fits");
        assert_eq!(ledger.settle(reservation, None), MicroUsd(40));
        assert_eq!(ledger.remaining(), Some(MicroUsd(60)));
    }

    #[test]
    fn b_04_a_call_that_costs_more_than_its_bound_stops_spending_but_not_free_work() {
        let mut ledger = Ledger::new(cap(1000), Allowance::Unlimited);
        let reservation = ledger.reserve(MicroUsd(10), MicroUsd::ZERO).expect("it fits");
        ledger.settle(reservation, Some(MicroUsd(11)));
        assert_eq!(ledger.reserve(MicroUsd(1), MicroUsd::ZERO), None);
        assert!(ledger.reserve(MicroUsd::ZERO, MicroUsd::ZERO).is_some());
    }

    #[test]
    fn b_06_no_money_left_admits_free_work_only_and_the_attempt_cap_holds_too() {
        let mut none = Ledger::new(cap(0), Allowance::Unlimited);
        assert_eq!(none.reserve(MicroUsd(1), MicroUsd::ZERO), None);
        assert!(none.reserve(MicroUsd::ZERO, MicroUsd::ZERO).is_some());
        let mut attempt = Ledger::new(Allowance::Unlimited, cap(50));
        assert_eq!(attempt.reserve(MicroUsd(20), MicroUsd(31)), None);
    }

    #[test]
    fn b_18_shards_get_what_their_work_is_worth_and_never_more_together_than_the_run() {
        assert_eq!(split(MicroUsd(100), &[3, 1]), [MicroUsd(75), MicroUsd(25)]);
        assert_eq!(split(MicroUsd(1_000_000), &[1, 1, 1]), [333_333, 333_333, 333_334].map(MicroUsd));
        assert_eq!(split(MicroUsd(5), &[0, 0]), [MicroUsd::ZERO, MicroUsd::ZERO]);
        assert_eq!(split(MicroUsd(5), &[]), []);
    }

    proptest! {
        #[test]
        fn b_18_the_parts_of_a_grant_add_up_to_it(
            grant in any::<u64>(),
            weights in proptest::collection::vec(1_u32..=u32::MAX, 1..33),
        ) {
            let parts = split(MicroUsd(grant), &weights);
            prop_assert_eq!(parts.iter().map(|part| u128::from(part.0)).sum::<u128>(), u128::from(grant));
        }
    }

    #[test]
    fn the_grant_is_the_least_of_run_and_day() {
        assert_eq!(grant(cap(100), cap(500), MicroUsd(450), MicroUsd(20)), cap(30));
        assert_eq!(grant(Allowance::Unlimited, cap(5), MicroUsd(9), MicroUsd::ZERO), cap(0));
        assert_eq!(grant(cap(7), Allowance::Unlimited, MicroUsd(9), MicroUsd::ZERO), cap(7));
    }
}
