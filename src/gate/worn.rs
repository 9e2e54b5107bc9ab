//! Whether the patch of an open pull request of ours has to be replaced (PROTOCOL.md, 7, update). Layer 1.
//!
//! Only what is known counts: a forge that has not made up its mind, and checks that have not ended, are no reason to
//! touch anything. Where a person has looked, it is the person's.

/// What the checks of one commit say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// There are none.
    None,
    /// Some have not ended, or never started.
    Pending,
    /// All passed.
    Green,
    /// One failed.
    Red,
}

/// What was read of an open pull request of ours; what did not have to be read is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PullFacts {
    /// Whether it can be merged without a conflict; nothing while the forge does not know.
    pub mergeable: Option<bool>,
    /// Whether a person reviewed it.
    pub reviewed: bool,
    /// The checks of its head.
    pub head: Option<Signal>,
    /// The checks of the base branch's head.
    pub base: Option<Signal>,
}

/// How an open pull request of ours stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wear {
    /// It stays as it is.
    Sound,
    /// It stays as it is until more is known.
    Unclear,
    /// The base changed the same lines: the patch has to be made again.
    Conflicting,
    /// Its checks are red while those of the base are green.
    Red,
}

impl Wear {
    /// Returns whether another patch may take its place.
    pub const fn is_worn(self) -> bool {
        matches!(self, Self::Conflicting | Self::Red)
    }
}

/// What has to be read before more can be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Nothing: this is how it stands.
    Done(Wear),
    /// The checks of its head.
    AtHead,
    /// The checks of the base.
    AtBase,
}

/// Decides how an open pull request of ours stands, or what has to be read for that; little is read where little is needed.
pub const fn worn(facts: PullFacts) -> Look {
    match (facts.reviewed, facts.mergeable, facts.head, facts.base) {
        (true, ..) => Look::Done(Wear::Sound),
        (_, None, ..) => Look::Done(Wear::Unclear),
        (_, Some(false), ..) => Look::Done(Wear::Conflicting),
        (_, Some(true), None, _) => Look::AtHead,
        (_, Some(true), Some(Signal::Pending), _) => Look::Done(Wear::Unclear),
        (_, Some(true), Some(Signal::None | Signal::Green), _) => Look::Done(Wear::Sound),
        (_, Some(true), Some(Signal::Red), None) => Look::AtBase,
        (_, Some(true), Some(Signal::Red), Some(Signal::Green)) => Look::Done(Wear::Red),
        (_, Some(true), Some(Signal::Red), Some(Signal::Pending)) => Look::Done(Wear::Unclear),
        // A base that is red by itself, or without checks, says nothing about the patch.
        (_, Some(true), Some(Signal::Red), Some(Signal::Red | Signal::None)) => Look::Done(Wear::Sound),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLEAN: PullFacts = PullFacts { mergeable: Some(true), reviewed: false, head: None, base: None };

    fn judged(head: Signal, base: Signal) -> Look {
        worn(PullFacts { head: Some(head), base: Some(base), ..CLEAN })
    }

    #[test]
    fn a_conflict_is_a_reason_and_a_forge_that_does_not_know_is_none() {
        assert_eq!(worn(PullFacts { mergeable: Some(false), ..CLEAN }), Look::Done(Wear::Conflicting));
        let unknown = PullFacts { mergeable: None, head: Some(Signal::Red), base: Some(Signal::Green), ..CLEAN };
        assert_eq!(worn(unknown), Look::Done(Wear::Unclear));
    }

    #[test]
    fn red_on_our_head_is_a_reason_only_while_the_base_is_green() {
        assert_eq!(worn(CLEAN), Look::AtHead);
        assert_eq!(worn(PullFacts { head: Some(Signal::Red), ..CLEAN }), Look::AtBase);
        assert_eq!(judged(Signal::Red, Signal::Green), Look::Done(Wear::Red));
        assert_eq!(judged(Signal::Red, Signal::Pending), Look::Done(Wear::Unclear));
        for base in [Signal::Red, Signal::None] {
            assert_eq!(judged(Signal::Red, base), Look::Done(Wear::Sound), "{base:?}");
        }
    }

    #[test]
    fn checks_that_are_absent_green_or_not_ended_are_no_reason() {
        for (head, wear) in
            [(Signal::None, Wear::Sound), (Signal::Green, Wear::Sound), (Signal::Pending, Wear::Unclear)]
        {
            assert_eq!(worn(PullFacts { head: Some(head), ..CLEAN }), Look::Done(wear));
            assert!(!wear.is_worn());
        }
    }

    #[test]
    fn what_a_person_reviewed_is_left_to_the_person() {
        for mergeable in [None, Some(false), Some(true)] {
            let reviewed = PullFacts { mergeable, reviewed: true, head: Some(Signal::Red), base: Some(Signal::Green) };
            assert_eq!(worn(reviewed), Look::Done(Wear::Sound));
        }
    }
}
