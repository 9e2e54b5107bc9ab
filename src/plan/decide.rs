//! The publishing decision for one candidate, and the actions it asks for (PROTOCOL.md, 7). Layer 1.

use serde::{Deserialize, Serialize};

use crate::model::{Asked, BranchName, MergeMethod, ObjectId, Reason, sha256_prefixed};
use crate::plan::{Ownership, Trailer};

/// What should be: one pull request for one failure's episode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// The repository, for people.
    pub repository: String,
    /// The branch.
    pub branch: BranchName,
    /// The base branch.
    pub base: BranchName,
    /// The tree of the candidate.
    pub tree: ObjectId,
    /// [`crate::plan::idempotency_key`].
    pub key: String,
    /// The title.
    pub title: String,
    /// The body.
    pub body: String,
    /// Whether it is a draft.
    pub draft: bool,
    /// Its labels, sorted.
    pub labels: Vec<String>,
    /// Whom it asks.
    pub asked: Asked,
    /// The head whose patch this one was proved to replace.
    pub replaces: Option<ObjectId>,
    /// How the forge may merge it by itself, where it may.
    pub auto_merge: Option<MergeMethod>,
    /// The workflow to start on it by dispatch, where nothing else would start one.
    pub dispatch: Option<String>,
}

/// The branch of our name, as the forge shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefState {
    /// Its head.
    pub head: ObjectId,
    /// Whose it is.
    pub ownership: Ownership,
}

/// A pull request whose head is our branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedPull {
    /// Its number.
    pub number: u64,
    /// Whether it is open; closed and merged ones are the episode's business.
    pub open: bool,
    /// Its title.
    pub title: String,
    /// Its body.
    pub body: String,
    /// Its labels, sorted.
    pub labels: Vec<String>,
    /// Whom it has asked.
    pub asked: Asked,
    /// Whether it is a draft.
    pub draft: bool,
    /// Whether the forge will merge it by itself.
    pub auto_merge: bool,
    /// Whether the wanted workflow was started on its head by dispatch.
    pub dispatched: bool,
}

impl ObservedPull {
    /// Returns how the forge is to be told to merge it, where that is wanted and not so yet.
    fn merges(&self, desired: &Desired) -> Option<MergeMethod> {
        desired.auto_merge.filter(|_| !self.auto_merge && !self.draft)
    }
}

/// What is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observed {
    /// The branch, where it exists.
    pub branch: Option<RefState>,
    /// Pull requests from it, in all states.
    pub pulls: Vec<ObservedPull>,
    /// Whether the forge says, asked just now, that the open one's patch may be replaced.
    pub replaceable: bool,
}

/// What is to be done about one candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing is there: commit, branch and pull request are made.
    Create,
    /// The branch is a reservation without commits: the commit goes on it, then the pull request.
    Fill {
        /// Where the reservation points.
        head: ObjectId,
    },
    /// The branch is ours and has no pull request: the pull request is made for the tree that is there.
    Adopt {
        /// What the branch's commit says of itself.
        trailer: Trailer,
    },
    /// An open pull request is there: kept, and edited only where it speaks of the same tree and differs.
    Keep {
        /// Its number.
        number: u64,
        /// Whether it speaks of this candidate's tree.
        same_tree: bool,
    },
    /// The patch of the open pull request conflicts or is red, and nobody touched it: another takes its place, by a commit
    /// on top of it.
    Replace {
        /// Its number.
        number: u64,
        /// The head that is replaced.
        head: ObjectId,
    },
    /// Left untouched.
    Leave(Reason),
}

/// Decides about one candidate.
pub fn decide(desired: &Desired, observed: &Observed) -> Decision {
    let open = observed.pulls.iter().find(|pull| pull.open);
    match (&observed.branch, open) {
        (None, None) if observed.pulls.is_empty() => Decision::Create,
        // A closed or merged pull request of this very branch belongs to an episode that is over.
        (None, None) => Decision::Leave(Reason::HumanClosed),
        (None, Some(pull)) => Decision::Keep { number: pull.number, same_tree: false },
        (Some(branch), open) => match (&branch.ownership, open) {
            (Ownership::Collision, _) => Decision::Leave(Reason::NameCollision),
            (Ownership::Foreign, Some(_)) => Decision::Leave(Reason::HumanOwned),
            (Ownership::Foreign, None) => Decision::Leave(Reason::ForeignBranch),
            (Ownership::Ours(trailer), Some(pull)) => {
                let same_tree = trailer.tree == desired.tree;
                let meant = desired.replaces.as_ref() == Some(&branch.head);
                // What is ready stays ready: a patch that is worth a draft at most takes no ready one's place.
                // What the forge will merge by itself is not swapped for what it may not.
                let fits = (pull.draft || !desired.draft) && (!pull.auto_merge || desired.auto_merge.is_some());
                if !same_tree && meant && observed.replaceable && fits {
                    Decision::Replace { number: pull.number, head: branch.head.clone() }
                } else {
                    Decision::Keep { number: pull.number, same_tree }
                }
            }
            (Ownership::Reserved, Some(pull)) => Decision::Keep { number: pull.number, same_tree: false },
            (_, None) if !observed.pulls.is_empty() => Decision::Leave(Reason::HumanClosed),
            (Ownership::Ours(trailer), None) => Decision::Adopt { trailer: trailer.clone() },
            (Ownership::Reserved, None) => Decision::Fill { head: branch.head.clone() },
        },
    }
}

/// What an action does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// Stores blobs, tree and commit, and creates the branch.
    CreateBranch,
    /// Moves our reservation forward to the commit.
    AdvanceBranch,
    /// Stores blobs, tree and a commit on top of our own head, and moves the branch forward to it.
    ReplaceCommit,
    /// Opens the pull request.
    CreatePullRequest,
    /// Opens the pull request for a branch that is there.
    AdoptBranch,
    /// Replaces the text between our markers.
    EditPullRequest,
    /// Puts labels on.
    AddLabels,
    /// Asks people and teams for a review.
    RequestReview,
    /// Assigns people.
    Assign,
    /// Puts it under a milestone.
    SetMilestone,
    /// Lets the forge merge it by itself once all that it asks for is there.
    EnableAutoMerge,
    /// Starts a workflow on the branch by dispatch.
    StartWorkflow,
    /// Deletes an orphan branch of ours, from the commit that was seen.
    DeleteBranch,
    /// Asks a person, by one comment with the change and its evidence, whether it may be published.
    AskForApproval,
    /// Nothing: it is as it should be.
    Keep,
    /// Nothing: it is not ours to touch.
    Leave,
}

impl Verb {
    /// Returns its name, as events and dry runs have it.
    pub fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// One action, as a dry run prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Action {
    /// The repository.
    pub repository: String,
    /// What it does.
    pub verb: Verb,
    /// The branch it is about.
    pub branch: String,
    /// The idempotency key.
    pub key: String,
    /// SHA-256 of what would be written.
    pub digest: String,
    /// Why nothing is done, for `leave`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// The action of mode `approve`: a person is asked, and nothing else is written to the target.
pub fn asking(desired: &Desired, question: &str) -> Action {
    Action {
        repository: desired.repository.clone(),
        verb: Verb::AskForApproval,
        branch: desired.branch.to_string(),
        key: desired.key.clone(),
        digest: sha256_prefixed(&[question]),
        reason: None,
    }
}

/// Lists the actions of a decision; after they are carried out, the same call lists only `keep` or `leave`.
pub fn actions(decision: &Decision, desired: &Desired, observed: &Observed) -> Vec<Action> {
    let action = |verb: Verb, parts: &[&str]| Action {
        repository: desired.repository.clone(),
        verb,
        branch: desired.branch.to_string(),
        key: desired.key.clone(),
        digest: sha256_prefixed(parts),
        reason: None,
    };
    let branch = |verb| action(verb, &[desired.tree.as_str()]);
    let pull = |verb| action(verb, &[&desired.title, &desired.body, if desired.draft { "draft" } else { "ready" }]);
    let labels = || action(Verb::AddLabels, &desired.labels.iter().map(String::as_str).collect::<Vec<_>>());
    let asked = |seen: &Asked| {
        let Asked { reviewers, teams, assignees, milestone } = desired.asked.missing(seen);
        let texts = |list: &[String]| list.iter().map(String::as_str).collect::<Vec<_>>().join("\n");
        let mut list = Vec::new();
        if !reviewers.is_empty() || !teams.is_empty() {
            list.push(action(Verb::RequestReview, &[&texts(&reviewers), &texts(&teams)]));
        }
        if !assignees.is_empty() {
            list.push(action(Verb::Assign, &[&texts(&assignees)]));
        }
        list.extend(milestone.map(|title| action(Verb::SetMilestone, &[&title])));
        list
    };
    let merges = |method: MergeMethod| action(Verb::EnableAutoMerge, &[method.as_str()]);
    let starts = || desired.dispatch.as_deref().map(|workflow| action(Verb::StartWorkflow, &[workflow]));
    let opening = |first: Vec<Action>| -> Vec<Action> {
        let merges = desired.auto_merge.map(merges);
        first.into_iter().chain([labels()]).chain(asked(&Asked::default())).chain(merges).chain(starts()).collect()
    };
    match decision {
        Decision::Create => opening(vec![branch(Verb::CreateBranch), pull(Verb::CreatePullRequest)]),
        Decision::Fill { .. } => opening(vec![branch(Verb::AdvanceBranch), pull(Verb::CreatePullRequest)]),
        Decision::Adopt { .. } => opening(vec![pull(Verb::AdoptBranch)]),
        Decision::Keep { number, same_tree } => {
            let mut list = Vec::new();
            if let Some(seen) = observed.pulls.iter().find(|pull| pull.number == *number && *same_tree) {
                if seen.title != desired.title || seen.body != desired.body {
                    list.push(pull(Verb::EditPullRequest));
                }
                if !desired.labels.iter().all(|label| seen.labels.contains(label)) {
                    list.push(labels());
                }
                list.extend(asked(&seen.asked));
                list.extend(seen.merges(desired).map(merges));
                list.extend(starts().filter(|_| !seen.dispatched));
            }
            if list.is_empty() {
                list.push(action(Verb::Keep, &[]));
            }
            list
        }
        Decision::Replace { number, .. } => {
            let mut list = vec![branch(Verb::ReplaceCommit), pull(Verb::EditPullRequest)];
            if let Some(seen) = observed.pulls.iter().find(|pull| pull.number == *number) {
                if !desired.labels.iter().all(|label| seen.labels.contains(label)) {
                    list.push(labels());
                }
                list.extend(asked(&seen.asked));
                list.extend(seen.merges(desired).map(merges));
            }
            // It has a new head.
            list.extend(starts());
            list
        }
        Decision::Leave(reason) => vec![Action { reason: Some(*reason), ..action(Verb::Leave, &[]) }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Fingerprint;

    fn oid(digit: char) -> ObjectId {
        digit.to_string().repeat(40).parse().expect("legal")
    }

    fn desired() -> Desired {
        Desired {
            repository: "o/r".to_owned(),
            branch: crate::plan::branch_for(&Fingerprint::of(b"x"), 1),
            base: "main".parse().expect("legal"),
            tree: oid('a'),
            key: "key".to_owned(),
            title: "title".to_owned(),
            body: "body".to_owned(),
            draft: false,
            labels: vec!["homeostat-fix".to_owned()],
            asked: Asked::default(),
            replaces: None,
            auto_merge: None,
            dispatch: None,
        }
    }

    fn ours(tree: char) -> RefState {
        let trailer = Trailer { fingerprint: Fingerprint::of(b"x"), episode: 1, tree: oid(tree), parent: oid('b') };
        RefState { head: oid('c'), ownership: Ownership::Ours(trailer) }
    }

    fn with(ownership: Ownership) -> RefState {
        RefState { head: oid('c'), ownership }
    }

    fn pull(open: bool) -> ObservedPull {
        ObservedPull {
            number: 7,
            open,
            title: "title".to_owned(),
            body: "body".to_owned(),
            labels: vec!["homeostat-fix".to_owned()],
            asked: Asked::default(),
            draft: false,
            auto_merge: false,
            dispatched: false,
        }
    }

    fn decided(branch: Option<RefState>, pulls: Vec<ObservedPull>) -> Decision {
        decide(&desired(), &Observed { branch, pulls, replaceable: false })
    }

    #[test]
    fn nothing_there_is_created() {
        assert_eq!(decided(None, vec![]), Decision::Create);
    }

    #[test]
    fn f_35_our_branch_without_a_pull_request_is_adopted_with_the_tree_that_is_there() {
        assert!(matches!(decided(Some(ours('a')), vec![]), Decision::Adopt { .. }));
        assert!(matches!(decided(Some(ours('d')), vec![]), Decision::Adopt { trailer } if trailer.tree == oid('d')));
    }

    #[test]
    fn an_empty_branch_of_our_name_is_our_reservation() {
        assert_eq!(decided(Some(with(Ownership::Reserved)), vec![]), Decision::Fill { head: oid('c') });
    }

    #[test]
    fn f_32_a_foreign_branch_is_left_untouched() {
        assert_eq!(decided(Some(with(Ownership::Foreign)), vec![]), Decision::Leave(Reason::ForeignBranch));
    }

    #[test]
    fn f_51_a_branch_with_a_persons_commit_is_theirs() {
        assert_eq!(decided(Some(with(Ownership::Foreign)), vec![pull(true)]), Decision::Leave(Reason::HumanOwned));
    }

    #[test]
    fn two_failures_with_one_name_are_told_apart() {
        assert_eq!(decided(Some(with(Ownership::Collision)), vec![]), Decision::Leave(Reason::NameCollision));
    }

    #[test]
    fn f_52_a_closed_pull_request_of_the_branch_is_never_made_again() {
        assert_eq!(decided(None, vec![pull(false)]), Decision::Leave(Reason::HumanClosed));
        assert_eq!(decided(Some(ours('a')), vec![pull(false)]), Decision::Leave(Reason::HumanClosed));
    }

    #[test]
    fn f_54_an_open_pull_request_with_another_patch_is_kept_as_it_is() {
        let observed = Observed { branch: Some(ours('d')), pulls: vec![pull(true)], replaceable: true };
        let decision = decide(&desired(), &observed);
        assert_eq!(decision, Decision::Keep { number: 7, same_tree: false });
        let list = actions(&decision, &desired(), &observed);
        assert_eq!(list.iter().map(|a| a.verb).collect::<Vec<_>>(), [Verb::Keep]);
    }

    #[test]
    fn an_open_pull_requests_patch_is_replaced_only_if_meant_and_if_the_forge_says_so_now() {
        let meant = Desired { replaces: Some(oid('c')), ..desired() };
        let there = |replaceable| Observed { branch: Some(ours('d')), pulls: vec![pull(true)], replaceable };
        let decision = decide(&meant, &there(true));
        assert_eq!(decision, Decision::Replace { number: 7, head: oid('c') });
        let verbs: Vec<Verb> = actions(&decision, &meant, &there(true)).iter().map(|a| a.verb).collect();
        assert_eq!(verbs, [Verb::ReplaceCommit, Verb::EditPullRequest]);
        let kept = Decision::Keep { number: 7, same_tree: false };
        assert_eq!(decide(&meant, &there(false)), kept, "somebody reviewed it, or it is green again");
        let another = Desired { replaces: Some(oid('e')), ..desired() };
        assert_eq!(decide(&another, &there(true)), kept, "the head is another one by now");
        let weak = Desired { draft: true, ..meant.clone() };
        assert_eq!(decide(&weak, &there(true)), kept, "what is ready stays ready");
        let theirs = Observed { branch: Some(with(Ownership::Foreign)), ..there(true) };
        assert_eq!(decide(&meant, &theirs), Decision::Leave(Reason::HumanOwned));
        let closed = Observed { pulls: vec![pull(false)], ..there(true) };
        assert_eq!(decide(&meant, &closed), Decision::Leave(Reason::HumanClosed));
        let merging = Observed { pulls: vec![ObservedPull { auto_merge: true, ..pull(true) }], ..there(true) };
        assert_eq!(decide(&meant, &merging), kept, "the forge would merge what nobody allowed it to");
        // Carried out, it is as it should be.
        let done = Observed { branch: Some(ours('a')), ..there(true) };
        assert_eq!(decide(&meant, &done), Decision::Keep { number: 7, same_tree: true });
    }

    #[test]
    fn the_forge_is_told_once_that_it_may_merge_and_never_of_a_draft() {
        let desired = Desired { auto_merge: Some(MergeMethod::Squash), ..desired() };
        let verbs = |seen: ObservedPull| -> Vec<Verb> {
            let observed = Observed { branch: Some(ours('a')), pulls: vec![seen], replaceable: false };
            actions(&decide(&desired, &observed), &desired, &observed).iter().map(|a| a.verb).collect()
        };
        assert_eq!(verbs(pull(true)), [Verb::EnableAutoMerge]);
        assert_eq!(verbs(ObservedPull { auto_merge: true, ..pull(true) }), [Verb::Keep]);
        assert_eq!(verbs(ObservedPull { draft: true, ..pull(true) }), [Verb::Keep]);
        let made = actions(&Decision::Create, &desired, &Observed::default());
        assert_eq!(made.last().map(|action| action.verb), Some(Verb::EnableAutoMerge));
    }

    #[test]
    fn an_open_pull_request_is_edited_only_where_it_differs() {
        let mut observed = Observed { branch: Some(ours('a')), pulls: vec![pull(true)], replaceable: false };
        let decision = decide(&desired(), &observed);
        let verbs = |observed: &Observed| -> Vec<Verb> {
            actions(&decision, &desired(), observed).iter().map(|a| a.verb).collect()
        };
        assert_eq!(verbs(&observed), [Verb::Keep]);
        observed.pulls[0].body = "older".to_owned();
        observed.pulls[0].labels.clear();
        assert_eq!(verbs(&observed), [Verb::EditPullRequest, Verb::AddLabels]);
    }

    #[test]
    fn who_was_asked_before_is_not_asked_again_and_who_was_taken_off_is_not_put_back() {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let asked = Asked {
            reviewers: names(&["ann", "ben"]),
            teams: names(&["core"]),
            assignees: names(&["ann"]),
            milestone: Some("1.0".to_owned()),
        };
        let desired = Desired { asked: asked.clone(), ..desired() };
        let verbs = |seen: Asked| -> Vec<Verb> {
            let pulls = vec![ObservedPull { asked: seen, ..pull(true) }];
            let observed = Observed { branch: Some(ours('a')), pulls, replaceable: false };
            actions(&decide(&desired, &observed), &desired, &observed).iter().map(|a| a.verb).collect()
        };
        assert_eq!(verbs(Asked::default()), [Verb::RequestReview, Verb::Assign, Verb::SetMilestone]);
        assert_eq!(verbs(asked), [Verb::Keep]);
        let one_left = Asked { reviewers: names(&["Ben"]), milestone: Some("2.0".to_owned()), ..Asked::default() };
        assert_eq!(verbs(one_left), [Verb::Assign]);
        let made = actions(&Decision::Create, &desired, &Observed::default());
        assert_eq!(made.len(), 6);
    }
}
