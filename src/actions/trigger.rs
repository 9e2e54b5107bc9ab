//! What started a workflow, read from the event's payload. Layer 5.
//!
//! The payload is GitHub's, but what it quotes is anybody's: names are parsed, and everything else stays unread.

use serde::Deserialize;

use crate::engine::command::Said;
use crate::model::{Actor, ActorKind, BranchName, RepoSlug};

/// A push of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// Where.
    pub repository: RepoSlug,
    /// The branch; nothing where a tag was pushed.
    pub branch: Option<BranchName>,
    /// Whether the branch was deleted.
    pub deleted: bool,
    /// Who pushed.
    pub by: Actor,
}

#[derive(Deserialize)]
struct PushPayload {
    #[serde(rename = "ref")]
    name: String,
    #[serde(default)]
    deleted: bool,
    repository: RepositoryPart,
    sender: Sender,
}

#[derive(Deserialize)]
struct RepositoryPart {
    full_name: String,
}

#[derive(Deserialize)]
struct Sender {
    id: u64,
    login: String,
    #[serde(rename = "type", default)]
    kind: String,
}

impl Sender {
    fn actor(self) -> Actor {
        let kind = if self.kind == "Bot" { ActorKind::Bot } else { ActorKind::User };
        Actor { id: self.id, login: self.login, kind }
    }
}

/// A label that was put on an issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labeled {
    /// Where.
    pub repository: RepoSlug,
    /// On which issue.
    pub issue: u64,
    /// The label's name; anybody's.
    pub label: String,
    /// Who put it on.
    pub by: Actor,
}

#[derive(Deserialize)]
struct CommentPayload {
    action: String,
    issue: IssuePart,
    comment: CommentPart,
    repository: RepositoryPart,
    sender: Sender,
}

#[derive(Deserialize)]
struct IssuePart {
    number: u64,
    #[serde(default)]
    body: Option<String>,
    /// Whatever stands here: a pull request has it, an issue has not.
    #[serde(default)]
    pull_request: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct CommentPart {
    id: u64,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    user: Option<Sender>,
}

#[derive(Deserialize)]
struct IssuePayload {
    action: String,
    issue: IssuePart,
    #[serde(default)]
    label: Option<LabelPart>,
    repository: RepositoryPart,
    sender: Sender,
}

#[derive(Deserialize)]
struct LabelPart {
    name: String,
}

/// Reads the payload of a comment; the inner error says why it asks for nothing, whatever it says.
///
/// # Errors
/// With what is wrong with it, as the end of a sentence.
pub fn comment(payload: &[u8]) -> Result<Result<Said, &'static str>, String> {
    let payload: CommentPayload =
        serde_json::from_slice(payload).map_err(|error| format!("it is no comment ({error})"))?;
    let slug = slug(&payload.repository)?;
    if payload.action != "created" {
        return Ok(Err("Only a new comment is a command, never an edited or a deleted one."));
    }
    let Some(author) = payload.comment.user.map(Sender::actor) else {
        return Ok(Err("Nobody knows any more who wrote the comment."));
    };
    // Whoever makes an event happen must be who wrote what it quotes (P-14, V-08).
    if author.id != payload.sender.id {
        return Ok(Err("The comment was sent by another account than the one that wrote it."));
    }
    Ok(Ok(Said {
        slug,
        number: payload.issue.number,
        on_pull: payload.issue.pull_request.is_some(),
        comment: payload.comment.id,
        by: Some(author),
        body: payload.comment.body.unwrap_or_default().into(),
        issue_body: payload.issue.body.unwrap_or_default().into(),
    }))
}

/// Reads the payload of something that happened to an issue; nothing where it was no label that was put on.
///
/// # Errors
/// With what is wrong with it, as the end of a sentence.
pub fn labeled(payload: &[u8]) -> Result<Option<Labeled>, String> {
    let payload: IssuePayload = serde_json::from_slice(payload).map_err(|error| format!("it is no issue ({error})"))?;
    let repository = slug(&payload.repository)?;
    let label = payload.label.filter(|_| payload.action == "labeled" && payload.issue.pull_request.is_none());
    let (issue, by) = (payload.issue.number, payload.sender.actor());
    Ok(label.map(|label| Labeled { repository, issue, label: label.name, by }))
}

fn slug(repository: &RepositoryPart) -> Result<RepoSlug, String> {
    repository.full_name.parse().map_err(|error| format!("its repository is none ({error})"))
}

/// Reads the payload of a push.
///
/// # Errors
/// With what is wrong with it, as the end of a sentence.
pub fn push(payload: &[u8]) -> Result<Push, String> {
    let push: PushPayload = serde_json::from_slice(payload).map_err(|error| format!("it is no push ({error})"))?;
    let repository = slug(&push.repository)?;
    let branch = match push.name.strip_prefix("refs/heads/") {
        None => None,
        Some(name) => Some(name.parse().map_err(|error| format!("its branch is none ({error})"))?),
    };
    let by = push.sender.actor();
    Ok(Push { repository, branch, deleted: push.deleted, by })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(name: &str, deleted: bool) -> Vec<u8> {
        serde_json::json!({
            "ref": name, "deleted": deleted, "before": "0".repeat(40),
            "repository": { "id": 1, "full_name": "octo/app" },
            "sender": { "id": 7, "login": "ann", "type": "User", "site_admin": false },
        })
        .to_string()
        .into_bytes()
    }

    #[test]
    fn a_push_names_its_branch_and_who_pushed() {
        let push = push(&payload("refs/heads/feat/x", false)).expect("a push");
        assert_eq!(push.branch.as_ref().map(BranchName::as_str), Some("feat/x"));
        assert_eq!((push.by.login.as_str(), push.by.kind, push.deleted), ("ann", ActorKind::User, false));
        assert_eq!(push.repository.to_string(), "octo/app");
    }

    #[test]
    fn a_tag_is_no_branch_and_nonsense_is_no_push() {
        assert_eq!(push(&payload("refs/tags/v1", false)).expect("a push").branch, None);
        assert!(push(&payload("refs/heads/a..b", false)).is_err_and(|why| why.contains("branch")));
        for wrong in [&b"{}"[..], b"[", b"{\"ref\": 1}"] {
            assert!(push(wrong).is_err_and(|why| why.contains("no push")));
        }
    }

    fn said(action: &str, writer: u64, pull: bool) -> Vec<u8> {
        let user = |id: u64| serde_json::json!({ "id": id, "login": format!("u{id}"), "type": "User" });
        let mut issue = serde_json::json!({ "number": 5, "title": "t", "body": null, "user": user(1) });
        if pull {
            issue["pull_request"] = serde_json::json!({ "url": "x" });
        }
        serde_json::json!({
            "action": action, "issue": issue, "sender": user(7), "repository": { "id": 1, "full_name": "octo/app" },
            "comment": { "id": 99, "body": "/homeostat fix", "user": user(writer), "author_association": "OWNER" },
        })
        .to_string()
        .into_bytes()
    }

    #[test]
    fn a_new_comment_says_where_it_stands_and_who_wrote_it() {
        let on_issue = comment(&said("created", 7, false)).expect("a comment").expect("a new one");
        assert_eq!((on_issue.number, on_issue.comment, on_issue.on_pull), (5, 99, false));
        assert_eq!((on_issue.by.map(|by| by.id), on_issue.body.as_str()), (Some(7), "/homeostat fix"));
        assert!(comment(&said("created", 7, true)).expect("a comment").expect("a new one").on_pull);
    }

    #[test]
    fn p_14_v_08_an_edited_comment_and_one_that_another_account_sent_are_inert() {
        for (action, writer) in [("edited", 7), ("deleted", 7), ("created", 8), ("", 7)] {
            assert!(comment(&said(action, writer, false)).expect("a comment").is_err(), "{action} {writer}");
        }
        for wrong in [&b"{}"[..], b"[", b"{\"action\": \"created\"}"] {
            assert!(comment(wrong).is_err_and(|why| why.contains("no comment")));
            assert!(labeled(wrong).is_err_and(|why| why.contains("no issue")));
        }
    }

    #[test]
    fn only_a_label_that_is_put_on_an_issue_names_it() {
        let payload = |action: &str| {
            serde_json::json!({
                "action": action, "issue": { "number": 5, "body": "b" }, "label": { "name": "robot" },
                "repository": { "full_name": "octo/app" }, "sender": { "id": 7, "login": "ann", "type": "User" },
            })
            .to_string()
            .into_bytes()
        };
        let seen = labeled(&payload("labeled")).expect("an issue").expect("a label");
        assert_eq!((seen.issue, seen.label.as_str(), seen.by.id), (5, "robot", 7));
        assert_eq!(labeled(&payload("unlabeled")).expect("an issue"), None);
    }
}
