//! How an open pull request stands: with its base, with its checks, with people. Layer 3.
//!
//! Refuses to guess: what GitHub has not worked out yet is unknown, and a review by a machine is none.

use serde::Deserialize;

use super::GithubForge;
use super::shapes::{CheckRunShape, CheckRunsShape, StatusShape, User};
use crate::forge::{Checks, Conclusion, ForgeResult, Standing};
use crate::model::{ActorKind, ObjectId, RepoSlug};

/// What alone is asked of a pull request here.
#[derive(Debug, Deserialize)]
struct StandingShape {
    state: String,
    head: HeadShape,
    mergeable: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct HeadShape {
    sha: ObjectId,
}

#[derive(Debug, Deserialize)]
struct ReviewShape {
    user: Option<User>,
}

impl GithubForge {
    /// Reading a pull request is what makes GitHub try the merge out; until it has, `mergeable` is null.
    pub(super) async fn read_standing(&self, slug: &RepoSlug, number: u64) -> ForgeResult<Standing> {
        let pull: StandingShape = self.one(slug, &format!("/pulls/{number}")).await?;
        let reviews: Vec<ReviewShape> =
            self.all(slug, &format!("/pulls/{number}/reviews?per_page=100"), |page| page).await?;
        let by_person = |review: ReviewShape| review.user.is_none_or(|user| user.actor().kind != ActorKind::Bot);
        Ok(Standing {
            head: pull.head.sha,
            mergeable: pull.mergeable.filter(|_| pull.state == "open"),
            reviewed: reviews.into_iter().any(by_person),
        })
    }

    /// Statuses and check runs are two lists about one commit, and either may be empty.
    pub(super) async fn read_checks(&self, slug: &RepoSlug, commit: &ObjectId) -> ForgeResult<Checks> {
        let path = format!("/commits/{commit}/check-runs?filter=latest&per_page=100");
        let runs: Vec<CheckRunShape> = self.all(slug, &path, |page: CheckRunsShape| page.check_runs).await?;
        let status: StatusShape = self.one(slug, &format!("/commits/{commit}/status")).await?;
        let said = if status.total_count == 0 { None } else { Some(of_status(&status.state)) };
        Ok(Checks::of(runs.into_iter().map(|run| run.conclusion))
            .and(said.map_or(Checks::None, |one| Checks::of([one]))))
    }
}

/// Reads the state that all statuses of a commit have together.
fn of_status(state: &str) -> Option<Conclusion> {
    match state {
        "success" => Some(Conclusion::Success),
        "failure" | "error" => Some(Conclusion::Failure),
        // `pending`, and what this version does not know.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_is_not_known_is_not_red() {
        let of = |state: &str| Checks::of([of_status(state)]);
        assert_eq!([of("success"), of("error"), of("failure")], [Checks::Passing, Checks::Failing, Checks::Failing]);
        assert_eq!([of("pending"), of("expected")], [Checks::Pending, Checks::Pending]);
    }
}
