//! What started a workflow, read from the event's payload. Layer 5.
//!
//! The payload is GitHub's, but what it quotes is anybody's: names are parsed, and everything else stays unread.

use serde::Deserialize;

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

/// Reads the payload of a push.
///
/// # Errors
/// With what is wrong with it, as the end of a sentence.
pub fn push(payload: &[u8]) -> Result<Push, String> {
    let push: PushPayload = serde_json::from_slice(payload).map_err(|error| format!("it is no push ({error})"))?;
    let repository = push.repository.full_name.parse().map_err(|error| format!("its repository is none ({error})"))?;
    let branch = match push.name.strip_prefix("refs/heads/") {
        None => None,
        Some(name) => Some(name.parse().map_err(|error| format!("its branch is none ({error})"))?),
    };
    let kind = if push.sender.kind == "Bot" { ActorKind::Bot } else { ActorKind::User };
    let by = Actor { id: push.sender.id, login: push.sender.login, kind };
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
}
