//! What is to be done about a pushed feature branch: its pull request is opened once and kept current. Layer 1.
//!
//! Never for a branch whose pull request a person closed, never for what an outsider pushed, never twice.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::model::{Asked, BranchName, ObjectId, Reason, sha256_prefixed};
use crate::plan::{Action, Verb};
use crate::redact::strip_controls;

/// Characters of a title.
const TITLE_LIMIT: usize = 120;

/// A pull request from the branch, as far as the decision needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeaturePull {
    /// Its number.
    pub number: u64,
    /// Where it stands.
    pub end: FeatureEnd,
    /// The commit that it had last.
    pub head: ObjectId,
    /// Whether its body has a part that is ours.
    pub ours: bool,
}

/// Where a pull request of a feature branch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeatureEnd {
    /// Open.
    Open,
    /// Merged.
    Merged,
    /// Closed without a merge.
    Closed,
}

/// What is known of a pushed branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeatureFacts {
    /// The branch.
    pub branch: BranchName,
    /// Its head; nothing where it is gone.
    pub head: Option<ObjectId>,
    /// What it would be merged into.
    pub base: BranchName,
    /// Commits that the base has not.
    pub ahead: u64,
    /// Every pull request from it, newest first.
    pub pulls: Vec<FeaturePull>,
    /// Why whoever pushed it may not cause work, if so.
    pub untrusted: Option<Reason>,
}

/// What is to be done about a pushed branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeatureDecision {
    /// Its pull request is opened.
    Open,
    /// The part of the open pull request that is ours is brought up to date.
    Refresh(u64),
    /// The open pull request is a person's own.
    Keep(u64),
    /// Left alone.
    Leave(Reason),
}

/// Decides about a pushed branch.
pub fn decide_feature(facts: &FeatureFacts, globs: &[String]) -> FeatureDecision {
    use FeatureDecision::{Keep, Leave, Open, Refresh};
    if facts.branch == facts.base || !is_feature_branch(&facts.branch, globs) {
        return Leave(Reason::NotAFeatureBranch);
    }
    let Some(head) = &facts.head else { return Leave(Reason::BranchMissing) };
    if let Some(open) = facts.pulls.iter().find(|pull| pull.end == FeatureEnd::Open) {
        return match facts.untrusted {
            _ if !open.ours => Keep(open.number),
            Some(reason) => Leave(reason),
            None => Refresh(open.number),
        };
    }
    match facts.pulls.first() {
        // A person's no holds for the branch, however often it is pushed.
        Some(last) if last.end == FeatureEnd::Closed => return Leave(Reason::HumanClosed),
        // What was merged is done; only commits after it are something new.
        Some(last) if last.head == *head => return Leave(Reason::Merged),
        _ => {}
    }
    match facts.untrusted {
        _ if facts.ahead == 0 => Leave(Reason::Empty),
        Some(reason) => Leave(reason),
        None => Open,
    }
}

/// Returns whether a branch is one of those that the configuration names; in a glob `*` stops at a slash and `**` does
/// not, as in a workflow's filter. A branch of our own is none.
pub fn is_feature_branch(branch: &BranchName, globs: &[String]) -> bool {
    if branch.as_str().starts_with("homeostat/") || branch.as_str().starts_with("homeostat-") {
        return false;
    }
    let mut builder = GlobSetBuilder::new();
    for glob in globs {
        // The configuration refuses a glob that cannot be read.
        if let Ok(glob) = GlobBuilder::new(glob).literal_separator(true).build() {
            builder.add(glob);
        }
    }
    builder.build().unwrap_or_else(|_| GlobSet::empty()).is_match(branch.as_str())
}

/// Makes the title: the subject of a sole commit; of several, the branch's name in words.
///
/// `feat/login-form` is "Login form" and `feature/ABC-12_login` is "ABC-12 login": hyphens and underscores become spaces,
/// but for the one in the key of a ticket.
pub fn feature_title(branch: &BranchName, subjects: &[&str]) -> String {
    let one_line = |text: &str| strip_controls(text).split_whitespace().collect::<Vec<_>>().join(" ");
    let title = match subjects {
        [only] if !only.trim().is_empty() => one_line(only),
        _ => in_words(branch),
    };
    if title.chars().count() <= TITLE_LIMIT {
        return title;
    }
    format!("{}…", title.chars().take(TITLE_LIMIT - 1).collect::<String>())
}

fn in_words(branch: &BranchName) -> String {
    // The first folder says what kind of branch it is, which its label says too.
    let name = branch.as_str().split_once('/').map_or(branch.as_str(), |(_, rest)| rest);
    let mut words = Vec::new();
    let mut parts = name.split(['-', '_', '/']).filter(|part| !part.is_empty()).peekable();
    while let Some(part) = parts.next() {
        let key = part.len() >= 2 && part.bytes().all(|b| b.is_ascii_uppercase());
        match parts.next_if(|next| key && next.bytes().all(|b| b.is_ascii_digit())) {
            Some(number) => words.push(format!("{part}-{number}")),
            None => words.push(part.to_owned()),
        }
    }
    let text = words.join(" ");
    let mut letters = text.chars();
    letters.next().map_or(text.clone(), |first| first.to_uppercase().chain(letters).collect())
}

/// What should be of a pull request for a feature branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeatureWish<'a> {
    /// The repository, for people.
    pub repository: &'a str,
    /// The forge's id for it.
    pub repository_id: u64,
    /// The branch.
    pub branch: &'a BranchName,
    /// The base.
    pub base: &'a BranchName,
    /// The title of a new one.
    pub title: &'a str,
    /// The body: of a new one, or as an open one should be.
    pub body: &'a str,
    /// Its labels.
    pub labels: &'a [String],
    /// Whom a new one asks.
    pub asked: &'a Asked,
}

impl FeatureWish<'_> {
    /// Returns the key under which an action is the same action, whoever takes it and however often.
    pub fn key(&self) -> String {
        sha256_prefixed(&[&self.repository_id.to_string(), self.base.as_str(), "feature", self.branch.as_str()])
    }
}

/// Lists the actions of a decision; `seen` is the body of the open pull request.
pub fn feature_actions(decision: FeatureDecision, wish: &FeatureWish<'_>, seen: Option<&str>) -> Vec<Action> {
    let action = |verb: Verb, parts: &[&str]| Action {
        repository: wish.repository.to_owned(),
        verb,
        branch: wish.branch.to_string(),
        key: wish.key(),
        digest: sha256_prefixed(parts),
        reason: None,
    };
    match decision {
        FeatureDecision::Open => {
            let mut list = vec![action(Verb::CreatePullRequest, &[wish.title, wish.body])];
            if !wish.labels.is_empty() {
                list.push(action(Verb::AddLabels, &wish.labels.iter().map(String::as_str).collect::<Vec<_>>()));
            }
            if !wish.asked.reviewers.is_empty() {
                let names: Vec<&str> = wish.asked.reviewers.iter().map(String::as_str).collect();
                list.push(action(Verb::RequestReview, &names));
            }
            list
        }
        FeatureDecision::Refresh(_) if seen.is_some_and(|seen| seen != wish.body) => {
            vec![action(Verb::EditPullRequest, &[wish.body])]
        }
        FeatureDecision::Refresh(_) | FeatureDecision::Keep(_) => vec![action(Verb::Keep, &[])],
        FeatureDecision::Leave(reason) => vec![Action { reason: Some(reason), ..action(Verb::Leave, &[]) }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn branch(name: &str) -> BranchName {
        name.parse().expect("legal")
    }

    fn oid(digit: char) -> ObjectId {
        digit.to_string().repeat(40).parse().expect("legal")
    }

    fn facts() -> FeatureFacts {
        FeatureFacts {
            branch: branch("feat/login"),
            head: Some(oid('a')),
            base: branch("main"),
            ahead: 2,
            pulls: Vec::new(),
            untrusted: None,
        }
    }

    fn pull(number: u64, end: FeatureEnd, ours: bool) -> FeaturePull {
        FeaturePull { number, end, head: oid('a'), ours }
    }

    fn decided(facts: &FeatureFacts) -> FeatureDecision {
        decide_feature(facts, &["feat/**".to_owned(), "feature/*".to_owned()])
    }

    #[test]
    fn a_feature_branch_gets_one_pull_request_which_is_then_kept_current() {
        assert_eq!(decided(&facts()), FeatureDecision::Open);
        let open = FeatureFacts { pulls: vec![pull(7, FeatureEnd::Open, true)], ..facts() };
        assert_eq!(decided(&open), FeatureDecision::Refresh(7));
        let theirs = FeatureFacts { pulls: vec![pull(7, FeatureEnd::Open, false)], ..facts() };
        assert_eq!(decided(&theirs), FeatureDecision::Keep(7));
    }

    #[test]
    fn a_branch_whose_pull_request_a_person_closed_gets_none_again() {
        let mut closed = FeatureFacts { pulls: vec![pull(7, FeatureEnd::Closed, true)], ..facts() };
        closed.pulls[0].head = oid('b');
        assert_eq!(decided(&closed), FeatureDecision::Leave(Reason::HumanClosed));
        let earlier = vec![pull(8, FeatureEnd::Open, true), pull(7, FeatureEnd::Closed, true)];
        assert_eq!(decided(&FeatureFacts { pulls: earlier, ..facts() }), FeatureDecision::Refresh(8));
    }

    #[test]
    fn after_a_merge_only_new_commits_are_something_new() {
        let mut merged = FeatureFacts { pulls: vec![pull(7, FeatureEnd::Merged, true)], ..facts() };
        assert_eq!(decided(&merged), FeatureDecision::Leave(Reason::Merged));
        merged.pulls[0].head = oid('b');
        assert_eq!(decided(&merged), FeatureDecision::Open);
        merged.ahead = 0;
        assert_eq!(decided(&merged), FeatureDecision::Leave(Reason::Empty));
    }

    #[test]
    fn what_is_no_feature_branch_or_an_outsiders_is_left_alone() {
        for name in ["main", "fix/x", "feature/a/b", "feat", "homeostat/aaaaaaaaaaaaaaaa", "homeostat-state"] {
            let other = FeatureFacts { branch: branch(name), ..facts() };
            assert_eq!(decided(&other), FeatureDecision::Leave(Reason::NotAFeatureBranch), "{name}");
        }
        assert!(is_feature_branch(&branch("feat/a/b"), &["feat/**".to_owned()]));
        assert!(!is_feature_branch(&branch("homeostat/x"), &["**".to_owned()]));
        let outsider = FeatureFacts { untrusted: Some(Reason::UntrustedAuthor), ..facts() };
        assert_eq!(decided(&outsider), FeatureDecision::Leave(Reason::UntrustedAuthor));
        let gone = FeatureFacts { head: None, ..facts() };
        assert_eq!(decided(&gone), FeatureDecision::Leave(Reason::BranchMissing));
        let level = FeatureFacts { ahead: 0, ..facts() };
        assert_eq!(decided(&level), FeatureDecision::Leave(Reason::Empty));
    }

    #[test]
    fn a_title_comes_from_the_sole_commit_or_from_the_branch() {
        let title = |name: &str, subjects: &[&str]| feature_title(&branch(name), subjects);
        assert_eq!(title("feat/login", &["feat: add  the\tlogin form"]), "feat: add the login form");
        assert_eq!(title("feat/login-form", &["a", "b"]), "Login form");
        assert_eq!(title("feature/ABC-12_login/now", &[]), "ABC-12 login now");
        assert_eq!(title("feature/fix-v2-of-x", &[]), "Fix v2 of x");
        assert_eq!(title("feat/x", &[" "]), "X");
        assert_eq!(title("feat/x", &["a\u{202e}b"]), r"a\u{202E}b", "it is shown, not obeyed");
        let long = title("feat/x", &["y".repeat(300).as_str()]);
        assert_eq!((long.chars().count(), long.ends_with('…')), (120, true));
    }

    #[test]
    fn an_open_pull_request_is_edited_only_where_it_differs() {
        let (labels, asked) = (vec!["feature".to_owned()], Asked::default());
        let (branch, base) = (branch("feat/x"), branch("main"));
        let wish = FeatureWish {
            repository: "o/r",
            repository_id: 1,
            branch: &branch,
            base: &base,
            title: "t",
            body: "b",
            labels: &labels,
            asked: &asked,
        };
        let verbs = |decision, seen: Option<&str>| -> Vec<Verb> {
            feature_actions(decision, &wish, seen).iter().map(|action| action.verb).collect()
        };
        assert_eq!(verbs(FeatureDecision::Open, None), [Verb::CreatePullRequest, Verb::AddLabels]);
        assert_eq!(verbs(FeatureDecision::Refresh(1), Some("b")), [Verb::Keep]);
        assert_eq!(verbs(FeatureDecision::Refresh(1), Some("old")), [Verb::EditPullRequest]);
        assert_eq!(verbs(FeatureDecision::Keep(1), Some("old")), [Verb::Keep]);
        assert_eq!(verbs(FeatureDecision::Leave(Reason::Empty), None), [Verb::Leave]);
    }
}
