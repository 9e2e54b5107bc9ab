//! Writing branches, pull requests, labels and comments. Layer 3.
//!
//! Each write is sent once; what an unclear answer asks for is the caller's to do (PROTOCOL.md, 7). Refuses to delete or
//! move a branch that is not where it was seen, and to make labels by the way.

use base64::Engine as _;
use http::Method;
use serde_json::{Value, json};

use super::GithubForge;
use super::auth::TokenKind;
use super::classify::Operation;
use super::client::Ask;
use super::link::{escape, escape_ref};
use super::shapes::{self, Sha};
use crate::forge::{
    Comment, FOLDER_IN_THE_WAY, ForgeError, ForgeResult, Issue, Label, NewCommit, NewPull, PullEdit, PullRequest,
    Reaction, TreeChange,
};
use crate::model::{BranchName, FileMode, ObjectId, RepoSlug, Timestamp};

/// The commit of a ref that is not there.
const NOTHING: &str = "0000000000000000000000000000000000000000";

const DELETE: &str = "mutation($repository:ID!,$name:GitRefname!,$before:GitObjectID!,$after:GitObjectID!){\
updateRefs(input:{repositoryId:$repository,refUpdates:[{name:$name,beforeOid:$before,afterOid:$after,force:true}]})\
{clientMutationId}}";

impl GithubForge {
    fn url(&self, slug: &RepoSlug, path: &str) -> String {
        self.client.address.of(&format!("/repos/{slug}{path}"))
    }

    pub(super) async fn write_blob(&self, slug: &RepoSlug, content: &[u8]) -> ForgeResult<ObjectId> {
        let encoded = base64::engine::general_purpose::STANDARD.encode(content);
        let body = json!({ "content": encoded, "encoding": "base64" });
        let what = format!("storing a blob in {slug}");
        let made: Sha =
            self.client.ask(&Ask::write(Method::POST, self.url(slug, "/git/blobs"), &body, what).of(slug)).await?;
        Ok(made.sha)
    }

    pub(super) async fn write_tree(
        &self,
        slug: &RepoSlug,
        base: Option<&ObjectId>,
        changes: &[TreeChange],
    ) -> ForgeResult<ObjectId> {
        let entries: Vec<Value> = changes
            .iter()
            .map(|change| match &change.entry {
                Some((mode, id)) => {
                    let kind = if *mode == FileMode::Gitlink { "commit" } else { "blob" };
                    json!({ "path": change.path.as_str(), "mode": mode.as_str(), "type": kind, "sha": id.as_str() })
                }
                None => json!({ "path": change.path.as_str(), "mode": "100644", "type": "blob", "sha": null }),
            })
            .collect();
        let mut body = json!({ "tree": entries });
        if let Some(base) = base {
            body["base_tree"] = json!(base.as_str());
        }
        let what = format!("storing a tree in {slug}");
        let made: Sha =
            self.client.ask(&Ask::write(Method::POST, self.url(slug, "/git/trees"), &body, what).of(slug)).await?;
        Ok(made.sha)
    }

    /// A bot's commit names nobody, so that GitHub signs it. A person's names the account, at a time that follows from the
    /// parents: made again it is the same commit.
    pub(super) async fn write_commit(&self, slug: &RepoSlug, commit: &NewCommit) -> ForgeResult<ObjectId> {
        let parents: Vec<&str> = commit.parents.iter().map(ObjectId::as_str).collect();
        let mut body = json!({ "message": commit.message, "tree": commit.tree.as_str(), "parents": parents });
        if self.client.credentials().token_kind() == TokenKind::Personal {
            let who = self.whoami().await?;
            let mut newest = Timestamp::default();
            for parent in &commit.parents {
                let parent: shapes::CommitShape = self.one(slug, &format!("/git/commits/{parent}")).await?;
                newest = newest.max(parent.committer.and_then(|by| by.date).map(|at| at.0).unwrap_or_default());
            }
            let date = newest.after(std::time::Duration::from_secs(1)).to_string();
            let email = format!("{}+{}@users.noreply.{}", who.id, who.login, self.host);
            let signature = json!({ "name": who.login, "email": email, "date": format!("{}Z", &date[..19]) });
            body["author"] = signature.clone();
            body["committer"] = signature;
        }
        let what = format!("storing a commit in {slug}");
        let made: Sha =
            self.client.ask(&Ask::write(Method::POST, self.url(slug, "/git/commits"), &body, what).of(slug)).await?;
        Ok(made.sha)
    }

    pub(super) async fn write_branch(
        &self,
        slug: &RepoSlug,
        branch: &BranchName,
        target: &ObjectId,
    ) -> ForgeResult<()> {
        let body = json!({ "ref": branch.as_ref_name(), "sha": target.as_str() });
        let what = format!("creating the branch {branch} of {slug}");
        let ask = Ask::create(self.url(slug, "/git/refs"), &body, what).of(slug);
        let refused = match self.client.send(&ask).await {
            Ok(_) => return Ok(()),
            Err(error @ (ForgeError::Conflict(_) | ForgeError::Invalid(_))) => error,
            Err(error) => return Err(error),
        };
        // GitHub refuses a folder in the way in the words that it has for other things (F-33).
        let name = branch.as_str();
        let top = name.split('/').next().unwrap_or(name);
        let others = self.list_branches(slug, top).await.unwrap_or_default();
        let lies_below = |below: &str, above: &str| below.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'));
        let in_the_way = others
            .iter()
            .map(|(other, _)| other.as_str())
            .find(|other| lies_below(name, other) || lies_below(other, name));
        match in_the_way {
            Some(other) => Err(ForgeError::Invalid(format!(
                "the branch {name} of {slug} cannot be made while {other} exists: {FOLDER_IN_THE_WAY}"
            ))),
            None => Err(refused),
        }
    }

    /// Requires that a branch stands where it was seen.
    async fn require_at(&self, slug: &RepoSlug, branch: &BranchName, expected: &ObjectId) -> ForgeResult<()> {
        match self.read_branch(slug, branch).await? {
            None => Err(ForgeError::NotFound(format!("{slug} has no branch {branch}"))),
            Some(now) if now == *expected => Ok(()),
            Some(now) => Err(ForgeError::Conflict(format!(
                "{branch} of {slug} stands at {}, not at {}",
                now.short(),
                expected.short()
            ))),
        }
    }

    /// Between the look and the move another push may come; then the target is no descendant of it, and GitHub refuses.
    pub(super) async fn move_branch(
        &self,
        slug: &RepoSlug,
        branch: &BranchName,
        expected: &ObjectId,
        target: &ObjectId,
    ) -> ForgeResult<()> {
        self.require_at(slug, branch, expected).await?;
        let body = json!({ "sha": target.as_str(), "force": false });
        let url = self.url(slug, &format!("/git/refs/heads/{}", escape_ref(branch.as_str())));
        let what = format!("moving the branch {branch} of {slug}");
        self.client.send(&Ask::write(Method::PATCH, url, &body, what).of(slug)).await?;
        Ok(())
    }

    /// Only with the expected commit in the very request; a look before a plain deletion would leave a gap.
    pub(super) async fn remove_branch(
        &self,
        slug: &RepoSlug,
        branch: &BranchName,
        expected: &ObjectId,
    ) -> ForgeResult<()> {
        self.require_at(slug, branch, expected).await?;
        let known = self.client.known(slug).await?;
        let what = format!("deleting the branch {branch} of {slug}");
        let variables = json!({
            "repository": known.node_id,
            "name": branch.as_ref_name(),
            "before": expected.as_str(),
            "after": NOTHING,
        });
        let answer = self.client.graphql(slug.owner(), Operation::Idempotent, DELETE, &variables, &what).await;
        let refused = match answer {
            Ok(answer) => match answer.errors.first() {
                None => return Ok(()),
                Some(error) => error.to_error(&what, Operation::Idempotent),
            },
            Err(error @ (ForgeError::RateLimited { .. } | ForgeError::Transient(_))) => return Err(error),
            Err(error) => error,
        };
        // What the refusal means is seen best in what is there now.
        match self.require_at(slug, branch, expected).await {
            Ok(()) if matches!(refused, ForgeError::Ambiguous(_)) => Err(refused),
            Ok(()) => {
                Err(ForgeError::Denied(format!("{refused}; a deletion without the expected commit is not tried")))
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn write_pull(&self, slug: &RepoSlug, new: &NewPull) -> ForgeResult<PullRequest> {
        let body = json!({
            "title": new.title, "body": new.body, "head": new.head.as_str(), "base": new.base.as_str(), "draft": new.draft,
        });
        let what = format!("opening a pull request in {slug}");
        let ask = Ask::create(self.url(slug, "/pulls"), &body, &what).of(slug).counted_as_content();
        let shape: shapes::PullShape = self.client.ask(&ask).await?;
        // It is there: an answer that names it oddly is no refusal.
        shape.pull().map_err(|error| ForgeError::Ambiguous(format!("{what}: {error}")))
    }

    pub(super) async fn change_pull(&self, slug: &RepoSlug, number: u64, edit: &PullEdit) -> ForgeResult<()> {
        let mut body = serde_json::Map::new();
        if let Some(title) = &edit.title {
            body.insert("title".to_owned(), json!(title));
        }
        if let Some(text) = &edit.body {
            body.insert("body".to_owned(), json!(text));
        }
        if body.is_empty() {
            return Ok(());
        }
        let what = format!("editing pull request {number} of {slug}");
        let url = self.url(slug, &format!("/pulls/{number}"));
        self.client.send(&Ask::write(Method::PATCH, url, &Value::Object(body), what).of(slug)).await?;
        Ok(())
    }

    pub(super) async fn write_label(&self, slug: &RepoSlug, label: &Label) -> ForgeResult<()> {
        let body = json!({ "name": label.name, "color": label.color, "description": label.description });
        let what = format!("creating a label of {slug}");
        let answer = self.client.send(&Ask::create(self.url(slug, "/labels"), &body, what).of(slug)).await;
        if matches!(answer, Ok(_) | Err(ForgeError::Conflict(_))) {
            self.note_label(slug, &label.name);
        }
        answer.map(drop)
    }

    /// GitHub makes a label that it does not know, grey and without a word: looked for first.
    pub(super) async fn put_labels(&self, slug: &RepoSlug, number: u64, labels: &[String]) -> ForgeResult<()> {
        if labels.is_empty() {
            return Ok(());
        }
        for label in labels {
            if self.knows_label(slug, label) {
                continue;
            }
            match self.one::<shapes::Named>(slug, &format!("/labels/{}", escape(label))).await {
                Ok(_) => self.note_label(slug, label),
                Err(ForgeError::NotFound(_)) => {
                    return Err(ForgeError::Invalid(format!("{slug} has no label {label:?}")));
                }
                Err(error) => return Err(error),
            }
        }
        let what = format!("putting labels on {slug}#{number}");
        let url = self.url(slug, &format!("/issues/{number}/labels"));
        self.client.send(&Ask::write(Method::POST, url, &json!({ "labels": labels }), what).of(slug)).await?;
        Ok(())
    }

    pub(super) async fn take_label(&self, slug: &RepoSlug, number: u64, label: &str) -> ForgeResult<()> {
        let what = format!("taking a label off {slug}#{number}");
        let url = self.url(slug, &format!("/issues/{number}/labels/{}", escape(label)));
        match self.client.send(&Ask::write(Method::DELETE, url, &Value::Null, what).of(slug)).await {
            // The label is not on it, or the issue itself is not there.
            Err(ForgeError::NotFound(_)) => self.read_issue(slug, number).await.map(drop),
            answer => answer.map(drop),
        }
    }

    pub(super) async fn ask_reviewers(
        &self,
        slug: &RepoSlug,
        number: u64,
        people: &[String],
        teams: &[String],
    ) -> ForgeResult<()> {
        if people.is_empty() && teams.is_empty() {
            return Ok(());
        }
        let what = format!("asking for a review of {slug}#{number}");
        let url = self.url(slug, &format!("/pulls/{number}/requested_reviewers"));
        let body = json!({ "reviewers": people, "team_reviewers": teams });
        self.client.send(&Ask::write(Method::POST, url, &body, what).of(slug)).await?;
        Ok(())
    }

    pub(super) async fn assign(&self, slug: &RepoSlug, number: u64, people: &[String]) -> ForgeResult<()> {
        if people.is_empty() {
            return Ok(());
        }
        let what = format!("assigning {slug}#{number}");
        let url = self.url(slug, &format!("/issues/{number}/assignees"));
        self.client.send(&Ask::write(Method::POST, url, &json!({ "assignees": people }), what).of(slug)).await?;
        Ok(())
    }

    pub(super) async fn put_milestone(&self, slug: &RepoSlug, number: u64, title: &str) -> ForgeResult<()> {
        let open: Vec<shapes::MilestoneShape> =
            self.all(slug, "/milestones?state=open&per_page=100", |page| page).await?;
        let Some(milestone) = open.into_iter().find(|milestone| milestone.title == title) else {
            return Err(ForgeError::NotFound(format!("{slug} has no open milestone {title:?}")));
        };
        let what = format!("setting the milestone of {slug}#{number}");
        let url = self.url(slug, &format!("/issues/{number}"));
        let body = json!({ "milestone": milestone.number });
        self.client.send(&Ask::write(Method::PATCH, url, &body, what).of(slug)).await?;
        Ok(())
    }

    pub(super) async fn write_issue(&self, slug: &RepoSlug, title: &str, body: &str) -> ForgeResult<Issue> {
        let what = format!("filing an issue in {slug}");
        let body = json!({ "title": title, "body": body });
        let ask = Ask::create(self.url(slug, "/issues"), &body, what).of(slug).counted_as_content();
        let shape: shapes::IssueShape = self.client.ask(&ask).await?;
        Ok(shape.issue())
    }

    pub(super) async fn write_comment(&self, slug: &RepoSlug, number: u64, body: &str) -> ForgeResult<Comment> {
        let what = format!("commenting on {slug}#{number}");
        let url = self.url(slug, &format!("/issues/{number}/comments"));
        let ask = Ask::create(url, &json!({ "body": body }), what).of(slug).counted_as_content();
        let shape: shapes::CommentShape = self.client.ask(&ask).await?;
        Ok(shape.comment())
    }

    pub(super) async fn change_comment(&self, slug: &RepoSlug, id: u64, body: &str) -> ForgeResult<()> {
        let what = format!("editing comment {id} of {slug}");
        let url = self.url(slug, &format!("/issues/comments/{id}"));
        self.client.send(&Ask::write(Method::PATCH, url, &json!({ "body": body }), what).of(slug)).await?;
        Ok(())
    }

    /// GitHub answers 200 instead of 201 where the reaction is there already, so asking twice reacts once.
    pub(super) async fn put_reaction(&self, slug: &RepoSlug, comment: u64, reaction: Reaction) -> ForgeResult<()> {
        let what = format!("reacting to comment {comment} of {slug}");
        let url = self.url(slug, &format!("/issues/comments/{comment}/reactions"));
        let body = json!({ "content": reaction.as_str() });
        self.client.send(&Ask::write(Method::POST, url, &body, what).of(slug)).await?;
        Ok(())
    }
}
