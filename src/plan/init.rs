//! What becomes of the pull request that sets a repository up. Layer 1.
//!
//! It adds files and replaces none; a file that is there is a person's.

use crate::model::{BranchName, Reason, sha256_hex, sha256_prefixed};
use crate::plan::{Action, FeatureEnd, FeaturePull, Verb};

/// The branch that the files are proposed from.
const BRANCH: &str = "homeostat-init";

/// Returns the branch that the files are proposed from.
pub fn init_branch() -> BranchName {
    BRANCH.parse().expect("internal error: the branch's name is legal")
}

/// What is known of a repository that is to be set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitFacts {
    /// Files of ours that the base lacks.
    pub missing: usize,
    /// Whether the branch holds those files as they would be written; nothing where there is no branch.
    pub branch: Option<bool>,
    /// Every pull request that the branch had.
    pub pulls: Vec<FeaturePull>,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InitDecision {
    /// Nothing: every file is there.
    Nothing,
    /// Make the branch and open the pull request.
    Open,
    /// Open the pull request of the branch, which is there.
    Adopt,
    /// The pull request is open.
    Keep(u64),
    /// Leave it alone.
    Leave(Reason),
}

/// Decides what becomes of the pull request that sets a repository up.
pub fn decide_init(facts: &InitFacts) -> InitDecision {
    if facts.missing == 0 {
        return InitDecision::Nothing;
    }
    if let Some(open) = facts.pulls.iter().find(|pull| pull.end == FeatureEnd::Open) {
        return InitDecision::Keep(open.number);
    }
    let closed = facts.pulls.iter().max_by_key(|pull| pull.number).is_some_and(|pull| pull.end == FeatureEnd::Closed);
    match facts.branch {
        // Whoever deletes the branch of a closed one and asks again means it.
        None => InitDecision::Open,
        Some(_) if closed => InitDecision::Leave(Reason::HumanClosed),
        Some(true) => InitDecision::Adopt,
        Some(false) => InitDecision::Leave(Reason::ForeignBranch),
    }
}

/// Returns the key under which setting a repository up is the same action, however often it is taken.
pub fn init_key(repository_id: u64, base: &BranchName) -> String {
    sha256_prefixed(&[&repository_id.to_string(), base.as_str(), "init", BRANCH])
}

/// Lists the actions of a decision, as a dry run prints them.
pub fn init_actions(decision: InitDecision, repository: &str, key: &str, content: &str) -> Vec<Action> {
    let action = |verb: Verb, reason: Option<Reason>| Action {
        repository: repository.to_owned(),
        verb,
        branch: BRANCH.to_owned(),
        key: key.to_owned(),
        digest: sha256_hex(content.as_bytes()),
        reason,
    };
    match decision {
        InitDecision::Open => vec![action(Verb::CreateBranch, None), action(Verb::CreatePullRequest, None)],
        InitDecision::Adopt => vec![action(Verb::AdoptBranch, None)],
        InitDecision::Nothing | InitDecision::Keep(_) => vec![action(Verb::Keep, None)],
        InitDecision::Leave(reason) => vec![action(Verb::Leave, Some(reason))],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pull(number: u64, end: FeatureEnd) -> FeaturePull {
        FeaturePull { number, end, head: "a".repeat(40).parse().expect("legal"), ours: true }
    }

    fn decided(missing: usize, branch: Option<bool>, pulls: Vec<FeaturePull>) -> InitDecision {
        decide_init(&InitFacts { missing, branch, pulls })
    }

    #[test]
    fn a_repository_is_set_up_once() {
        assert_eq!(decided(2, None, Vec::new()), InitDecision::Open);
        assert_eq!(decided(2, Some(true), vec![pull(4, FeatureEnd::Open)]), InitDecision::Keep(4));
        assert_eq!(decided(0, Some(true), vec![pull(4, FeatureEnd::Merged)]), InitDecision::Nothing);
    }

    #[test]
    fn what_a_lost_answer_left_behind_is_gone_on_from() {
        assert_eq!(decided(2, Some(true), Vec::new()), InitDecision::Adopt);
        assert_eq!(decided(2, Some(false), Vec::new()), InitDecision::Leave(Reason::ForeignBranch));
    }

    #[test]
    fn a_persons_no_holds_until_they_delete_the_branch() {
        let closed = vec![pull(4, FeatureEnd::Closed)];
        assert_eq!(decided(2, Some(true), closed.clone()), InitDecision::Leave(Reason::HumanClosed));
        assert_eq!(decided(2, None, closed), InitDecision::Open);
    }
}
