//! Whether a first look at a repository shows that there is nothing to do (PROTOCOL.md, 9): nothing that could be work is
//! there, or everything is as the last whole look left it. Layer 1.
//!
//! It may say that there is something where there is nothing; never the other way round while the look is true.

use serde::{Deserialize, Serialize};

use crate::model::{ObjectId, Reason, ReportId, Timestamp};

/// What the checks of the branch's head say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// All passed.
    Passing,
    /// There are none, or some have not ended.
    Unsure,
    /// One failed.
    Failing,
}

/// What a first look showed, with everything else that a decision depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// The branch's head; nothing where there is no branch, which is never quiet.
    pub head: Option<ObjectId>,
    /// Open issues with a trigger label.
    pub reports: u64,
    /// When the newest of them changed.
    pub newest_report: Option<Timestamp>,
    /// The checks.
    pub health: Health,
    /// Hash of the policy, the pattern library and the program.
    pub settings: String,
}

/// A look that a whole reading of the repository followed, and that left nothing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watermark {
    /// The look.
    #[serde(flatten)]
    pub look: Look,
    /// When something begins by time alone: a cooldown that ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wake_at: Option<Timestamp>,
}

/// Returns whether there is nothing to do; `in_hand` says that a candidate or a lease of the repository is on the state
/// branch, `runs` that failed runs are reports here.
pub fn is_quiet(look: &Look, mark: Option<&Watermark>, in_hand: bool, runs: bool, now: Timestamp) -> bool {
    if look.head.is_none() || in_hand {
        return false;
    }
    let healthy = !runs || look.health == Health::Passing;
    if look.reports == 0 && healthy {
        return true;
    }
    mark.is_some_and(|mark| mark.look == *look && mark.wake_at.is_none_or(|at| now < at))
}

/// Returns whether a report that was left alone for a reason stays so until a first look shows a change, or the clock
/// reaches the time that the watermark names.
pub fn stays(reason: Reason, report: &ReportId) -> bool {
    // Words about the fix of a failed run stand at its pull request, which no first look shows.
    let seen = matches!(report, ReportId::Issue { .. });
    match reason {
        Reason::PullRequestOpen
        | Reason::Merged
        | Reason::Duplicate
        | Reason::NothingToActOn
        | Reason::NotAnIssue
        | Reason::SelfAuthored
        | Reason::DoNotFix
        | Reason::ReportTooLarge
        | Reason::Unchanged
        | Reason::CoolingDown
        | Reason::Cancelled
        | Reason::ForkRun
        | Reason::Infrastructure
        | Reason::Configuration
        | Reason::LogUnavailable => true,
        Reason::HumanClosed | Reason::Reverted | Reason::GaveUp => seen,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(reports: u64, health: Health) -> Look {
        Look {
            head: "1".repeat(40).parse().ok(),
            reports,
            newest_report: Some(Timestamp::from_millis(5)),
            health,
            settings: "s".to_owned(),
        }
    }

    const NOW: Timestamp = Timestamp::from_millis(100);

    #[test]
    fn without_reports_and_with_green_checks_there_is_nothing_to_do() {
        assert!(is_quiet(&look(0, Health::Passing), None, false, true, NOW));
        assert!(is_quiet(&look(0, Health::Failing), None, false, false, NOW), "failed runs are no reports here");
        for busy in [look(1, Health::Passing), look(0, Health::Unsure), look(0, Health::Failing)] {
            assert!(!is_quiet(&busy, None, false, true, NOW), "{busy:?}");
        }
        assert!(!is_quiet(&look(0, Health::Passing), None, true, true, NOW), "somebody has it in hand");
        let unborn = Look { head: None, ..look(0, Health::Passing) };
        assert!(!is_quiet(&unborn, None, false, true, NOW), "that is a problem to be told of");
    }

    #[test]
    fn what_is_as_the_last_reading_left_it_is_quiet_until_anything_differs_or_the_clock_strikes() {
        let mark = Watermark { look: look(2, Health::Failing), wake_at: Some(Timestamp::from_millis(200)) };
        let quiet = |look: &Look, now: i64| is_quiet(look, Some(&mark), false, true, Timestamp::from_millis(now));
        assert!(quiet(&mark.look, 199));
        assert!(!quiet(&mark.look, 200));
        let others = [
            Look { reports: 3, ..mark.look.clone() },
            Look { newest_report: Some(NOW), ..mark.look.clone() },
            Look { health: Health::Unsure, ..mark.look.clone() },
            Look { head: "2".repeat(40).parse().ok(), ..mark.look.clone() },
            Look { settings: "t".to_owned(), ..mark.look.clone() },
        ];
        for other in others {
            assert!(!quiet(&other, 150), "{other:?}");
        }
    }

    #[test]
    fn what_a_first_look_cannot_show_is_no_reason_to_look_away() {
        let issue = ReportId::Issue { number: 1 };
        let run = ReportId::Run { workflow: "ci.yml".to_owned(), job: "test".to_owned() };
        assert!(stays(Reason::HumanClosed, &issue) && !stays(Reason::HumanClosed, &run));
        for reason in [Reason::Capped, Reason::UntrustedAuthor, Reason::Leased, Reason::FamilyDeferred, Reason::SameRun]
        {
            assert!(!stays(reason, &issue), "{reason}");
        }
    }
}
