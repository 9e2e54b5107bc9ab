//! What is read of GitHub's answers: these fields and no others. Layer 3.
//!
//! Unknown fields are passed over, missing ones are named in the error. Refuses to hold names that are not legal: those
//! become the model's types here or are refused here.

use serde::{Deserialize, Deserializer};

use crate::forge::{
    Artifact, Comment, Conclusion, ForgeError, ForgeResult, Issue, IssueEvent, IssueEventKind, Job, Origin,
    PullRequest, PullState, Step, WorkflowRun,
};
use crate::model::{Actor, ActorKind, Asked, BranchName, ObjectId, RepoSlug, Timestamp};

/// A time as GitHub writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At(pub(super) Timestamp);

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(At).map_err(serde::de::Error::custom)
    }
}

fn or_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.unwrap_or_default())
}

#[derive(Debug, Deserialize)]
pub(super) struct Identified {
    pub(super) id: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct InstallationToken {
    pub(super) token: String,
    pub(super) expires_at: At,
}

#[derive(Debug, Deserialize)]
pub(super) struct App {
    pub(super) slug: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct User {
    pub(super) id: u64,
    pub(super) login: String,
    #[serde(rename = "type", default)]
    pub(super) kind: String,
}

impl User {
    pub(super) fn actor(self) -> Actor {
        let bot = self.kind == "Bot" || self.login.ends_with("[bot]");
        Actor { id: self.id, login: self.login, kind: if bot { ActorKind::Bot } else { ActorKind::User } }
    }
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Repository {
    pub(super) id: u64,
    #[serde(default)]
    pub(super) node_id: String,
    pub(super) full_name: String,
    pub(super) default_branch: String,
    pub(super) private: bool,
    pub(super) html_url: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct PermissionAnswer {
    pub(super) permission: String,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) role_name: String,
    pub(super) user: Option<User>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Named {
    pub(super) name: String,
}

/// Labels come as objects, in old answers as bare names.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum LabelName {
    Object(Named),
    Text(String),
}

fn sorted(labels: Vec<LabelName>) -> Vec<String> {
    let name = |label| match label {
        LabelName::Object(label) => label.name,
        LabelName::Text(name) => name,
    };
    let mut names: Vec<String> = labels.into_iter().map(name).collect();
    names.sort();
    names
}

#[derive(Debug, Deserialize)]
pub(super) struct IssueShape {
    pub(super) number: u64,
    html_url: String,
    title: String,
    #[serde(default, deserialize_with = "or_empty")]
    body: String,
    user: Option<User>,
    state: String,
    labels: Vec<LabelName>,
    created_at: At,
    updated_at: At,
    pull_request: Option<serde::de::IgnoredAny>,
}

impl IssueShape {
    pub(super) fn issue(self) -> Issue {
        Issue {
            number: self.number,
            url: self.html_url,
            title: self.title,
            body: self.body,
            author: self.user.map(User::actor),
            open: self.state == "open",
            labels: sorted(self.labels),
            is_pull_request: self.pull_request.is_some(),
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct CommentShape {
    pub(super) id: u64,
    user: Option<User>,
    #[serde(default, deserialize_with = "or_empty")]
    body: String,
    created_at: At,
}

impl CommentShape {
    pub(super) fn comment(self) -> Comment {
        Comment { id: self.id, author: self.user.map(User::actor), body: self.body, created_at: self.created_at.0 }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct EventShape {
    pub(super) id: u64,
    actor: Option<User>,
    event: String,
    created_at: At,
    label: Option<Named>,
}

impl EventShape {
    /// Returns what happened, if it is one of the happenings that matter.
    pub(super) fn event(self) -> Option<IssueEvent> {
        let kind = match (self.event.as_str(), self.label) {
            ("labeled", Some(label)) => IssueEventKind::Labeled(label.name),
            ("unlabeled", Some(label)) => IssueEventKind::Unlabeled(label.name),
            ("closed", _) => IssueEventKind::Closed,
            ("reopened", _) => IssueEventKind::Reopened,
            ("renamed", _) => IssueEventKind::Edited,
            _ => return None,
        };
        Some(IssueEvent { id: self.id, kind, actor: self.actor.map(User::actor), at: self.created_at.0 })
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Side {
    #[serde(rename = "ref")]
    name: String,
    sha: ObjectId,
    repo: Option<Identified>,
}

#[derive(Debug, Deserialize)]
pub(super) struct PullShape {
    pub(super) number: u64,
    html_url: String,
    title: String,
    #[serde(default, deserialize_with = "or_empty")]
    body: String,
    user: Option<User>,
    head: Side,
    base: Side,
    state: String,
    #[serde(default)]
    draft: bool,
    #[serde(default)]
    labels: Vec<LabelName>,
    created_at: At,
    merged_at: Option<At>,
    closed_at: Option<At>,
    merge_commit_sha: Option<ObjectId>,
    auto_merge: Option<serde::de::IgnoredAny>,
    requested_reviewers: Option<Vec<User>>,
    requested_teams: Option<Vec<TeamShape>>,
    assignees: Option<Vec<User>>,
    milestone: Option<MilestoneTitle>,
}

#[derive(Debug, Deserialize)]
struct TeamShape {
    slug: String,
}

#[derive(Debug, Deserialize)]
struct MilestoneTitle {
    title: String,
}

fn logins(users: Option<Vec<User>>) -> Vec<String> {
    users.into_iter().flatten().map(|user| user.login).collect()
}

impl PullShape {
    /// Returns whether the head is a branch of the same repository.
    pub(super) fn is_at_home(&self) -> bool {
        match (&self.head.repo, &self.base.repo) {
            (Some(head), Some(base)) => head.id == base.id,
            // The fork is gone.
            _ => false,
        }
    }

    pub(super) fn pull(self) -> ForgeResult<PullRequest> {
        let number = self.number;
        let branch = |name: &str| {
            name.parse::<BranchName>().map_err(|error| ForgeError::Invalid(format!("pull request {number}: {error}")))
        };
        let merged_at = self.merged_at.map(|at| at.0);
        let state = match (merged_at, self.state.as_str()) {
            (Some(_), _) => PullState::Merged,
            (None, "open") => PullState::Open,
            (None, _) => PullState::Closed,
        };
        Ok(PullRequest {
            number,
            url: self.html_url,
            title: self.title,
            body: self.body,
            author: self.user.map(User::actor),
            head: branch(&self.head.name)?,
            head_sha: self.head.sha,
            base: branch(&self.base.name)?,
            state,
            draft: self.draft,
            labels: sorted(self.labels),
            created_at: self.created_at.0,
            merged_at,
            // Before a merge this is a commit that only tries one out.
            merge_sha: self.merge_commit_sha.filter(|_| merged_at.is_some()),
            closed_at: self.closed_at.map(|at| at.0),
            auto_merge: self.auto_merge.is_some(),
            asked: Asked {
                reviewers: logins(self.requested_reviewers),
                teams: self.requested_teams.into_iter().flatten().map(|team| team.slug).collect(),
                assignees: logins(self.assignees),
                milestone: self.milestone.map(|milestone| milestone.title),
            },
        })
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct RefShape {
    #[serde(rename = "ref")]
    pub(super) name: String,
    pub(super) object: ObjectShape,
}

/// A ref, or on old servers every ref that begins so.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum RefAnswer {
    One(RefShape),
    Many(Vec<RefShape>),
}

#[derive(Debug, Deserialize)]
pub(super) struct ObjectShape {
    pub(super) sha: ObjectId,
}

#[derive(Debug, Deserialize)]
pub(super) struct CommitShape {
    pub(super) sha: ObjectId,
    pub(super) tree: ObjectShape,
    pub(super) parents: Vec<ObjectShape>,
    pub(super) message: String,
    pub(super) committer: Option<Signature>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Signature {
    pub(super) date: Option<At>,
}

#[derive(Debug, Deserialize)]
pub(super) struct CompareShape {
    pub(super) status: String,
    pub(super) total_commits: u64,
    #[serde(default)]
    pub(super) commits: Vec<ListedCommitShape>,
}

/// A commit in a list, where what git knows of it stands one level deeper.
#[derive(Debug, Deserialize)]
pub(super) struct ListedCommitShape {
    pub(super) sha: ObjectId,
    pub(super) commit: CommitWords,
    pub(super) parents: Vec<ObjectShape>,
}

#[derive(Debug, Deserialize)]
pub(super) struct CommitWords {
    pub(super) message: String,
    pub(super) tree: ObjectShape,
}

#[derive(Debug, Deserialize)]
pub(super) struct TreeShape {
    pub(super) tree: Vec<EntryShape>,
    #[serde(default)]
    pub(super) truncated: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct EntryShape {
    pub(super) path: String,
    pub(super) mode: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) sha: ObjectId,
}

#[derive(Debug, Deserialize)]
pub(super) struct BlobShape {
    pub(super) content: String,
    pub(super) encoding: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Sha {
    pub(super) sha: ObjectId,
}

#[derive(Debug, Deserialize)]
pub(super) struct MilestoneShape {
    pub(super) number: u64,
    pub(super) title: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct RunsShape {
    pub(super) workflow_runs: Vec<RunShape>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RunShape {
    pub(super) id: u64,
    #[serde(default, deserialize_with = "or_empty")]
    name: String,
    path: String,
    html_url: String,
    #[serde(default, deserialize_with = "or_empty")]
    head_branch: String,
    pub(super) head_sha: ObjectId,
    head_repository: Option<Identified>,
    event: String,
    actor: Option<User>,
    #[serde(default = "first")]
    run_attempt: u32,
    conclusion: Option<Conclusion>,
    created_at: At,
    updated_at: At,
}

const fn first() -> u32 {
    1
}

impl RunShape {
    /// Returns the workflow's file name, without its folder.
    pub(super) fn workflow(&self) -> &str {
        // `.github/workflows/ci.yml`, for a shared workflow with `@refs/heads/main` behind it.
        let path = self.path.split('@').next().unwrap_or_default();
        path.rsplit('/').next().unwrap_or_default()
    }

    /// Returns the run, if it has ended.
    pub(super) fn run(self) -> Option<WorkflowRun> {
        Some(WorkflowRun {
            id: self.id,
            workflow: self.workflow().to_owned(),
            name: self.name,
            url: self.html_url,
            branch: self.head_branch,
            head_sha: self.head_sha,
            head_repository: self.head_repository.map(|repository| repository.id),
            event: self.event,
            actor: self.actor.map(User::actor),
            attempt: self.run_attempt,
            conclusion: self.conclusion?,
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
        })
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct JobsShape {
    pub(super) jobs: Vec<JobShape>,
}

#[derive(Debug, Deserialize)]
pub(super) struct JobShape {
    pub(super) id: u64,
    name: String,
    #[serde(default, deserialize_with = "or_empty")]
    html_url: String,
    conclusion: Option<Conclusion>,
    #[serde(default)]
    labels: Vec<String>,
    #[serde(default)]
    steps: Vec<StepShape>,
}

#[derive(Debug, Deserialize)]
struct StepShape {
    number: u32,
    name: String,
    conclusion: Option<Conclusion>,
}

impl JobShape {
    pub(super) fn job(self) -> Job {
        let step = |step: StepShape| Step { number: step.number, name: step.name, conclusion: step.conclusion };
        Job {
            id: self.id,
            name: self.name,
            url: self.html_url,
            conclusion: self.conclusion,
            runner_labels: self.labels,
            steps: self.steps.into_iter().map(step).collect(),
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct StatusShape {
    pub(super) state: String,
    pub(super) total_count: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct ArtifactsShape {
    pub(super) artifacts: Vec<ArtifactShape>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ArtifactShape {
    id: u64,
    name: String,
    #[serde(default)]
    size_in_bytes: u64,
    #[serde(default)]
    expired: bool,
    created_at: Option<At>,
    workflow_run: Option<OriginShape>,
}

#[derive(Debug, Deserialize)]
struct OriginShape {
    #[serde(default)]
    id: u64,
    #[serde(default, deserialize_with = "or_empty")]
    head_branch: String,
    head_repository_id: Option<u64>,
}

impl ArtifactShape {
    /// Returns the artifact, if it is known when it was made.
    pub(super) fn artifact(self) -> Option<Artifact> {
        Some(Artifact {
            id: self.id,
            name: self.name,
            size: self.size_in_bytes,
            expired: self.expired,
            created_at: self.created_at?.0,
            origin: self.workflow_run.map(|run| Origin {
                run: run.id,
                branch: run.head_branch,
                head_repository: run.head_repository_id,
            }),
        })
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct CheckRunsShape {
    pub(super) check_runs: Vec<CheckRunShape>,
}

#[derive(Debug, Deserialize)]
pub(super) struct CheckRunShape {
    pub(super) conclusion: Option<Conclusion>,
}

/// Reads the name of a repository out of an answer.
pub(super) fn slug(text: &str) -> ForgeResult<RepoSlug> {
    text.parse().map_err(|error| ForgeError::Transient(format!("the answer names no repository: {error}")))
}

/// Reads the name of a branch out of an answer.
pub(super) fn branch(text: &str) -> ForgeResult<BranchName> {
    text.parse().map_err(|error| ForgeError::Invalid(format!("{error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pull(head_repo: &serde_json::Value, more: &serde_json::Value) -> PullShape {
        let mut value = json!({
            "number": 3, "html_url": "https://x/3", "title": "t", "body": null, "state": "closed", "draft": true,
            "user": { "id": 5, "login": "homeostat[bot]", "type": "Bot", "new": {} },
            "head": { "ref": "homeostat/x", "sha": "1".repeat(40), "repo": head_repo },
            "base": { "ref": "main", "sha": "2".repeat(40), "repo": { "id": 7 } },
            "labels": [{ "name": "z" }, "a"], "created_at": "2026-11-23T12:00:00Z",
            "merged_at": null, "closed_at": "2026-11-23T13:00:00Z", "merge_commit_sha": "3".repeat(40),
        });
        for (key, set) in more.as_object().expect("an object") {
            value[key] = set.clone();
        }
        serde_json::from_value(value).expect("a pull request")
    }

    #[test]
    fn a_trial_merge_is_no_merge() {
        let closed = pull(&json!({ "id": 7 }), &json!({})).pull().expect("a pull request");
        assert_eq!((closed.state, closed.merge_sha, closed.body.as_str()), (PullState::Closed, None, ""));
        assert_eq!(closed.labels, ["a", "z"]);
        assert_eq!(closed.author.map(|author| author.kind), Some(ActorKind::Bot));
        let merged = pull(&json!({ "id": 7 }), &json!({ "merged_at": "2026-11-23T13:00:00Z" }));
        let merged = merged.pull().expect("a pull request");
        assert_eq!(merged.state, PullState::Merged);
        assert!(merged.merge_sha.is_some());
    }

    #[test]
    fn v_10_a_forks_branch_of_our_name_is_no_branch_of_ours() {
        assert!(pull(&json!({ "id": 7 }), &json!({})).is_at_home());
        assert!(!pull(&json!({ "id": 8 }), &json!({})).is_at_home());
        assert!(!pull(&json!(null), &json!({})).is_at_home());
    }

    #[test]
    fn a_missing_field_is_named() {
        let error = serde_json::from_str::<IssueShape>(r#"{"number":1}"#).expect_err("incomplete");
        assert!(error.to_string().starts_with("missing field `html_url`"), "{error}");
    }

    #[test]
    fn a_shared_workflow_is_named_by_its_file() {
        let run = json!({
            "id": 1, "name": "CI", "path": ".github/workflows/ci.yml@refs/heads/main", "html_url": "u",
            "head_branch": "main", "head_sha": "1".repeat(40), "head_repository": null, "event": "push",
            "actor": null, "conclusion": "a_new_word", "created_at": "2026-11-23T12:00:00Z",
            "updated_at": "2026-11-23T12:00:00Z",
        });
        let run = serde_json::from_value::<RunShape>(run).expect("a run").run().expect("it ended");
        assert_eq!((run.workflow.as_str(), run.conclusion, run.attempt), ("ci.yml", Conclusion::Neutral, 1));
    }

    #[test]
    fn happenings_that_do_not_matter_are_passed_over() {
        let event = |name: &str| {
            let value = json!({ "id": 1, "actor": null, "event": name, "created_at": "2026-11-23T12:00:00Z" });
            serde_json::from_value::<EventShape>(value).expect("an event").event().map(|event| event.kind)
        };
        assert_eq!(event("closed"), Some(IssueEventKind::Closed));
        assert_eq!(event("renamed"), Some(IssueEventKind::Edited));
        assert_eq!(event("subscribed"), None);
        assert_eq!(event("labeled"), None);
    }
}
