//! What an embedded forge remembers, as serialisable records. Layer 2.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::forge::{Comment, Issue, IssueEvent, IssueEventKind, PullRequest, PullState, Reaction};
use crate::model::{Actor, ActorKind, Asked, BranchName, MergeMethod, ObjectId, RepoSlug, Timestamp, sha256_prefixed};

/// The login that an embedded forge gives to Homeostat.
pub const OUR_LOGIN: &str = "homeostat[bot]";

/// Returns the account with a login; the id is a stable function of the login, in the range of `u32`.
pub fn actor(login: &str) -> Actor {
    let kind = if login.ends_with("[bot]") { ActorKind::Bot } else { ActorKind::User };
    Actor { id: stable_number(&["actor", login]), login: login.to_owned(), kind }
}

/// Returns the id of a repository: a stable function of its name, in the range of `u32`.
pub fn repository_id(slug: &RepoSlug) -> u64 {
    stable_number(&["repository", &slug.to_string()])
}

/// Returns a number that depends on the parts alone, from 1 to 2³²−1.
pub(crate) fn stable_number(parts: &[&str]) -> u64 {
    let digest = sha256_prefixed(parts);
    u64::from_str_radix(&digest[..8], 16).unwrap_or_default().max(1)
}

/// What is fixed of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryRecord {
    /// The id.
    pub id: u64,
    /// The default branch.
    pub default_branch: BranchName,
    /// Whether only members see it.
    pub private: bool,
}

/// Issue or pull request: they share their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ThreadKind {
    /// An issue.
    Issue,
    /// A pull request.
    Pull,
}

/// Whether a pull request can be merged, as somebody said by hand; an embedded forge does not try merges out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mergeable {
    /// Nothing is in the way.
    #[default]
    Clean,
    /// The base changed the same lines.
    Conflicting,
    /// The forge has not tried yet.
    Unknown,
}

impl Mergeable {
    pub(super) const fn known(self) -> Option<bool> {
        match self {
            Self::Clean => Some(true),
            Self::Conflicting => Some(false),
            Self::Unknown => None,
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Conflicting => "conflicting",
            Self::Unknown => "unknown",
        }
    }
}

/// What a pull request has and an issue has not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRecord {
    /// The head branch.
    pub head: BranchName,
    /// The base branch.
    pub base: BranchName,
    /// The head commit when last written.
    pub head_sha: ObjectId,
    /// The base commit when the pull request was opened; a base that still stands there holds no merge.
    pub base_sha: Option<ObjectId>,
    /// Whether it is a draft.
    pub draft: bool,
    /// Whether its present head can be merged.
    #[serde(default)]
    pub mergeable: Mergeable,
    /// Who reviewed it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub reviewed_by: BTreeSet<String>,
    /// How the forge is to merge it by itself, where it is let.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_merge: Option<MergeMethod>,
    /// When it was merged; a thread with it is merged.
    pub merged_at: Option<Timestamp>,
    /// The commit that merged it.
    pub merge_sha: Option<ObjectId>,
}

/// An issue or a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadRecord {
    /// Its number.
    pub number: u64,
    /// The title.
    pub title: String,
    /// The body.
    pub body: String,
    /// The author; nobody when a person made the file by hand.
    pub author: Option<Actor>,
    /// Whether it is open.
    pub open: bool,
    /// Whether only people who can write may comment.
    pub locked: bool,
    /// Its labels.
    pub labels: BTreeSet<String>,
    /// Who was asked for a review; a team stands with a slash before it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub reviewers: BTreeSet<String>,
    /// Who it is assigned to.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub assignees: BTreeSet<String>,
    /// The title of its milestone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub milestone: Option<String>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it was closed or merged.
    pub closed_at: Option<Timestamp>,
    /// What makes it a pull request.
    pub pull: Option<PullRecord>,
}

impl ThreadRecord {
    /// Returns which of the two it is.
    pub fn kind(&self) -> ThreadKind {
        if self.pull.is_some() { ThreadKind::Pull } else { ThreadKind::Issue }
    }

    pub(super) fn to_issue(&self, url: String) -> Issue {
        Issue {
            number: self.number,
            url,
            title: self.title.clone(),
            body: self.body.clone(),
            author: self.author.clone(),
            open: self.open,
            labels: self.labels.iter().cloned().collect(),
            is_pull_request: self.pull.is_some(),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    fn asked(&self) -> Asked {
        let team = |name: &String| name.strip_prefix('/').map(str::to_owned);
        Asked {
            reviewers: self.reviewers.iter().filter(|name| team(name).is_none()).cloned().collect(),
            teams: self.reviewers.iter().filter_map(team).collect(),
            assignees: self.assignees.iter().cloned().collect(),
            milestone: self.milestone.clone(),
        }
    }

    /// Shows a pull request; nothing when it is an issue.
    pub(super) fn to_pull(&self, url: String) -> Option<PullRequest> {
        let pull = self.pull.as_ref()?;
        let state = match (pull.merged_at, self.open) {
            (Some(_), _) => PullState::Merged,
            (None, true) => PullState::Open,
            (None, false) => PullState::Closed,
        };
        Some(PullRequest {
            number: self.number,
            url,
            title: self.title.clone(),
            body: self.body.clone(),
            author: self.author.clone(),
            head: pull.head.clone(),
            head_sha: pull.head_sha.clone(),
            base: pull.base.clone(),
            state,
            draft: pull.draft,
            labels: self.labels.iter().cloned().collect(),
            created_at: self.created_at,
            merged_at: pull.merged_at,
            merge_sha: pull.merge_sha.clone(),
            closed_at: self.closed_at,
            auto_merge: self.open && pull.auto_merge.is_some(),
            asked: self.asked(),
        })
    }
}

/// What a change does to the timeline, before it has an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happening {
    /// What happened.
    pub kind: IssueEventKind,
    /// Who did it.
    pub actor: Actor,
    /// When.
    pub at: Timestamp,
}

impl Happening {
    /// Gives it the id that follows `recorded` earlier events.
    pub(crate) fn numbered(self, thread: u64, recorded: usize) -> IssueEvent {
        let id = thread.saturating_mul(MEMBERS_PER_THREAD) + recorded as u64 + 1;
        IssueEvent { id, kind: self.kind, actor: Some(self.actor), at: self.at }
    }
}

/// How many comments and events one thread can number before ids of threads meet.
const MEMBERS_PER_THREAD: u64 = 1_000_000;

/// Returns the id of a comment: unique in the repository, and the place of the comment can be read from it.
pub(crate) fn comment_id(thread: u64, position: u64) -> u64 {
    thread.saturating_mul(MEMBERS_PER_THREAD).saturating_add(position)
}

/// Returns the thread and the position that an id of [`comment_id`] names.
pub(crate) fn comment_place(id: u64) -> (u64, u64) {
    (id / MEMBERS_PER_THREAD, id % MEMBERS_PER_THREAD)
}

/// A comment, by its position in its thread, from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommentRecord {
    /// Its position.
    pub position: u64,
    /// The author; nobody when a person made the file by hand.
    pub author: Option<Actor>,
    /// The text.
    pub body: String,
    /// When it was written.
    pub created_at: Timestamp,
    /// Our reactions to it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub reactions: BTreeSet<Reaction>,
}

impl CommentRecord {
    pub(super) fn to_comment(&self, thread: u64) -> Comment {
        Comment {
            id: comment_id(thread, self.position),
            author: self.author.clone(),
            body: self.body.clone(),
            created_at: self.created_at,
        }
    }
}
