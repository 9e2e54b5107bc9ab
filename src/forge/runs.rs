//! Workflow runs, their jobs, logs and artifacts, and a first look at many repositories, as the port to a forge speaks of them.
//! Layer 2.

use serde::{Deserialize, Serialize};

use crate::forge::Repository;
use crate::model::{Actor, BranchName, ObjectId, RepoSlug, Timestamp};

/// How a run, a job or a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// All went well.
    Success,
    /// Something failed.
    Failure,
    /// Somebody or a newer run stopped it.
    Cancelled,
    /// It was left out.
    Skipped,
    /// It took too long.
    TimedOut,
    /// The workflow could not be started: a mistake in its file, or no runner.
    StartupFailure,
    /// A person has to act first.
    ActionRequired,
    /// Neither good nor bad, or a word that this version does not know.
    #[serde(other)]
    Neutral,
}

/// One completed run of a workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowRun {
    /// Its id, unique on the forge.
    pub id: u64,
    /// The workflow's file name, without its folder (`ci.yml`).
    pub workflow: String,
    /// The workflow's name for people.
    pub name: String,
    /// Where a person can look at it.
    pub url: String,
    /// The branch whose head was run, as written there.
    pub branch: String,
    /// The commit that was run.
    pub head_sha: ObjectId,
    /// The id of the repository that the commit came from; another one is a fork (V-07).
    pub head_repository: Option<u64>,
    /// What started it (`push`, `schedule`, `pull_request`).
    pub event: String,
    /// Who caused it.
    pub actor: Option<Actor>,
    /// The latest attempt's number, from 1.
    pub attempt: u32,
    /// How it ended.
    pub conclusion: Conclusion,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed: for a completed run, when it ended.
    pub updated_at: Timestamp,
}

/// One job of a run's latest attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its id, unique on the forge.
    pub id: u64,
    /// Its name, matrix values included.
    pub name: String,
    /// Where a person can look at it.
    pub url: String,
    /// How it ended; nothing while it runs.
    pub conclusion: Option<Conclusion>,
    /// The labels of the runner that it asked for (`ubuntu-latest`).
    pub runner_labels: Vec<String>,
    /// Its steps, in order.
    pub steps: Vec<Step>,
}

/// One step of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its place, from 1.
    pub number: u32,
    /// Its name.
    pub name: String,
    /// How it ended; nothing while it runs.
    pub conclusion: Option<Conclusion>,
}

/// The end of a job's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobLog {
    /// Its last bytes, as the forge gave them.
    pub bytes: Vec<u8>,
    /// Whether the beginning was cut off.
    pub cut: bool,
}

/// What a workflow run left behind: one zip, as the forge lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Its id, unique on the forge.
    pub id: u64,
    /// Its name, as the workflow gave it.
    pub name: String,
    /// Bytes of the zip, as the forge counts them.
    pub size: u64,
    /// Whether its time is over: it is still listed, and cannot be had.
    pub expired: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// Where it comes from; nothing where the forge does not say.
    pub origin: Option<Origin>,
}

/// Which run left an artifact: anybody's code may have, if it ran in the right place (V-07).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The run's id.
    pub run: u64,
    /// The branch that was run, as written there.
    pub branch: String,
    /// The id of the repository that the commit came from; another one is a fork.
    pub head_repository: Option<u64>,
}

/// What is asked about one repository in a first look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlanceQuery {
    /// The repository.
    pub slug: RepoSlug,
    /// The branch; the default branch without one.
    pub branch: Option<BranchName>,
    /// The labels that make an issue a report; any of them.
    pub labels: Vec<String>,
}

/// What a first look shows: enough to know that nothing changed, never enough to decide to create something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Glance {
    /// The repository.
    pub repository: Repository,
    /// The branch's head.
    pub head: Option<ObjectId>,
    /// How many open issues carry one of the labels; one that carries two may count twice.
    pub reports: u64,
    /// When the newest of them changed.
    pub newest_report: Option<Timestamp>,
    /// What the checks of the head say.
    pub checks: Checks,
}

/// What the checks of a commit say together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Checks {
    /// There are none.
    None,
    /// Some have not ended.
    Pending,
    /// All passed.
    Passing,
    /// One failed.
    Failing,
}

impl Checks {
    /// Puts conclusions together for the question whether a change is to blame; nothing stands for what has not ended.
    ///
    /// What never started, or waits for a person, says nothing yet; what somebody stopped says nothing at all.
    pub fn of(conclusions: impl IntoIterator<Item = Option<Conclusion>>) -> Self {
        let mut all = Self::None;
        for conclusion in conclusions {
            let one = match conclusion {
                None | Some(Conclusion::ActionRequired | Conclusion::StartupFailure) => Self::Pending,
                Some(Conclusion::Failure | Conclusion::TimedOut) => Self::Failing,
                Some(Conclusion::Success | Conclusion::Skipped | Conclusion::Neutral | Conclusion::Cancelled) => {
                    Self::Passing
                }
            };
            all = all.and(one);
        }
        all
    }

    /// Puts two answers about one commit together: red is red, and what has not ended may still become it.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Failing, _) | (_, Self::Failing) => Self::Failing,
            (Self::Pending, _) | (_, Self::Pending) => Self::Pending,
            (Self::Passing, _) | (_, Self::Passing) => Self::Passing,
            (Self::None, Self::None) => Self::None,
        }
    }
}

/// How an open pull request stands with its base and with people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The head that this is said of.
    pub head: ObjectId,
    /// Whether it can be merged without a conflict; nothing while the forge does not know.
    pub mergeable: Option<bool>,
    /// Whether a person has reviewed it, in whatever sense.
    pub reviewed: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_never_started_or_waits_for_a_person_is_not_red() {
        use Conclusion::{ActionRequired, Cancelled, Failure, StartupFailure, Success, TimedOut};
        let of = |all: &[Option<Conclusion>]| Checks::of(all.iter().copied());
        assert_eq!(of(&[]), Checks::None);
        for waits in [None, Some(ActionRequired), Some(StartupFailure)] {
            assert_eq!(of(&[Some(Success), waits]), Checks::Pending, "{waits:?}");
        }
        assert_eq!(of(&[Some(Success), Some(Cancelled)]), Checks::Passing, "stopping a run says nothing of the change");
        for red in [Failure, TimedOut] {
            assert_eq!(of(&[None, Some(red), Some(Success)]), Checks::Failing, "{red:?}");
        }
    }
}
