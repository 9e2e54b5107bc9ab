//! Reading repositories, issues, pull requests and git objects. Layer 3.
//!
//! Lists come page by page as the server links them. Refuses to take a prefix for a branch, a fork's branch for ours, a
//! cut tree for a whole one, or a name for an account (V-05, V-10).

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::GithubForge;
use super::auth::TokenKind;
use super::classify::Operation;
use super::client::{Ask, BLOB, decode};
use super::link::{Walk, escape, escape_ref};
use super::shapes::{self, RefAnswer, TreeShape, User};
use super::transport::Keep;
use crate::forge::{
    Ahead, Comment, Commit, ForgeError, ForgeResult, Issue, IssueEvent, IssueEventKind, IssueQuery, Page, PullQuery,
    PullRequest, Repository, TreeEntry,
};
use crate::model::{Actor, ActorKind, BranchName, FileMode, ObjectId, Permission, RepoSlug, Timestamp, sha256_hex};

/// How many folders of a tree that is too long for one answer are asked for.
const FOLDERS: usize = 2_000;

/// Every edit of an issue's text; REST tells of titles alone.
const EDITS: &str = "query($owner:String!,$name:String!,$number:Int!){repository(owner:$owner,name:$name){\
issueOrPullRequest(number:$number){...on Issue{createdAt userContentEdits(first:100){nodes{...edit}}}\
...on PullRequest{createdAt userContentEdits(first:100){nodes{...edit}}}}}}\
fragment edit on UserContentEdit{id editedAt editor{__typename login ...on User{databaseId}...on Bot{databaseId}}}";

impl GithubForge {
    /// Reads one page of a list.
    pub(super) async fn page<S: DeserializeOwned>(
        &self,
        slug: &RepoSlug,
        path: &str,
        token: Option<&str>,
        copied: bool,
    ) -> ForgeResult<(S, Option<String>)> {
        let address = &self.client.address;
        let walk = Walk::new(address, slug, path, token)?;
        let what = format!("listing {} of {slug}", path.split('?').next().unwrap_or_default().trim_start_matches('/'));
        let answer = self.client.send(&Ask { copied, ..Ask::read(walk.url.clone(), &what).of(slug) }).await?;
        let items = decode(Operation::Read, &what, &answer)?;
        let next = walk.next(address, answer.header("link"))?;
        Ok((items, next))
    }

    /// Reads every page of a list.
    pub(super) async fn all<S: DeserializeOwned, T>(
        &self,
        slug: &RepoSlug,
        path: &str,
        items: impl Fn(S) -> Vec<T> + Send,
    ) -> ForgeResult<Vec<T>> {
        let mut all = Vec::new();
        let mut token: Option<String> = None;
        // `Walk` bounds the pages.
        loop {
            let (page, next) = self.page::<S>(slug, path, token.as_deref(), false).await?;
            all.extend(items(page));
            match next {
                Some(next) => token = Some(next),
                None => return Ok(all),
            }
        }
    }

    /// Reads one thing of a repository.
    pub(super) async fn one<T: DeserializeOwned>(&self, slug: &RepoSlug, path: &str) -> ForgeResult<T> {
        let url = self.client.address.of(&format!("/repos/{slug}{path}"));
        let what = format!("reading {} of {slug}", path.split('?').next().unwrap_or_default().trim_start_matches('/'));
        self.client.ask(&Ask::read(url, what).of(slug)).await
    }

    pub(super) async fn read_now(&self) -> ForgeResult<Timestamp> {
        if let Some(now) = self.client.governor.server_time() {
            return Ok(now);
        }
        // Any answer tells the time; this one costs none of the hour's requests. A server without limits says 404.
        let url = self.client.address.of("/rate_limit");
        let owner = self.client.owners().next().unwrap_or_default().to_owned();
        let answer = self.client.send(&Ask::read(url, "asking for the time").for_owner(&owner)).await;
        match (self.client.governor.server_time(), answer) {
            (Some(now), _) => Ok(now),
            (None, Err(error)) => Err(error),
            (None, Ok(_)) => Err(ForgeError::Transient("the server does not say what time it is".to_owned())),
        }
    }

    pub(super) async fn read_identity(&self) -> ForgeResult<Actor> {
        let user = async |path: &str, what: &str| -> ForgeResult<Actor> {
            let user: User = self.client.ask(&Ask::read(self.client.address.of(path), what)).await?;
            Ok(user.actor())
        };
        let what = "asking who this token is";
        if self.client.credentials().fixed().is_none() {
            let ask = Ask::read(self.client.address.of("/app"), what);
            let app: shapes::App = decode(Operation::Read, what, &self.client.as_app(&ask).await?)?;
            return user(&format!("/users/{}", escape(&format!("{}[bot]", app.slug))), what).await;
        }
        if self.client.credentials().token_kind() == TokenKind::Personal {
            return user("/user", what).await;
        }
        // An installation's token may not ask for its user; GraphQL says whom it acts as.
        let query = "query{viewer{login databaseId}}";
        let answer = self.client.graphql("", Operation::Read, query, &json!({}), what).await;
        let viewer =
            answer.ok().and_then(|mut answer| serde_json::from_value::<Viewer>(answer.data["viewer"].take()).ok());
        match viewer {
            Some(viewer) => Ok(Actor { id: viewer.id, login: viewer.login, kind: ActorKind::Bot }),
            None => user("/users/github-actions%5Bbot%5D", what).await,
        }
    }

    pub(super) async fn read_repository(&self, slug: &RepoSlug) -> ForgeResult<Repository> {
        let (shape, known) = self.client.look_up(slug).await?;
        Ok(Repository {
            id: shape.id,
            slug: known.slug,
            default_branch: shapes::branch(&shape.default_branch)?,
            private: shape.private,
            url: shape.html_url,
        })
    }

    pub(super) async fn read_permission(&self, slug: &RepoSlug, actor: &Actor) -> ForgeResult<Permission> {
        let path = format!("/collaborators/{}/permission", escape(&actor.login));
        let answer: shapes::PermissionAnswer = match self.one(slug, &path).await {
            Ok(answer) => answer,
            Err(ForgeError::NotFound(_)) => {
                // The account is gone, unless the whole repository is.
                self.client.known(slug).await?;
                return Ok(Permission::None);
            }
            Err(error) => return Err(error),
        };
        // A login can be taken over by another account; the number is the identity (V-05).
        if answer.user.as_ref().map(|user| user.id) != Some(actor.id) {
            return Ok(Permission::None);
        }
        Ok(match (answer.role_name.as_str(), answer.permission.as_str()) {
            ("maintain", _) => Permission::Maintain,
            ("triage", _) => Permission::Triage,
            (_, "admin") => Permission::Admin,
            (_, "write" | "push") => Permission::Write,
            (_, "read" | "pull") => Permission::Read,
            // A word that this version does not know gives nothing.
            _ => Permission::None,
        })
    }

    pub(super) async fn list_issues(
        &self,
        slug: &RepoSlug,
        query: &IssueQuery,
        page: Option<&str>,
    ) -> ForgeResult<Page<Issue>> {
        let state = if query.open_only { "open" } else { "all" };
        let mut path = format!("/issues?state={state}&sort=created&direction=asc&per_page=100");
        if let Some(label) = &query.label {
            path.push_str(&format!("&labels={}", escape(label)));
        }
        if let Some(since) = query.since {
            // Whole seconds: parts of one are refused by some servers.
            path.push_str(&format!("&since={}Z", escape(&since.to_string()[..19])));
        }
        let (shapes, next) = self.page::<Vec<shapes::IssueShape>>(slug, &path, page, false).await?;
        let mut seen = BTreeSet::new();
        let items = shapes
            .into_iter()
            .map(shapes::IssueShape::issue)
            .filter(|issue| !issue.is_pull_request && seen.insert(issue.number))
            .filter(|issue| query.since.is_none_or(|since| issue.updated_at >= since))
            .collect();
        Ok(Page { items, next, broken: Vec::new() })
    }

    pub(super) async fn read_issue(&self, slug: &RepoSlug, number: u64) -> ForgeResult<Issue> {
        let shape: shapes::IssueShape = self.one(slug, &format!("/issues/{number}")).await?;
        Ok(shape.issue())
    }

    pub(super) async fn list_comments(
        &self,
        slug: &RepoSlug,
        number: u64,
        page: Option<&str>,
    ) -> ForgeResult<Page<Comment>> {
        let path = format!("/issues/{number}/comments?per_page=100");
        let (shapes, next) = self.page::<Vec<shapes::CommentShape>>(slug, &path, page, false).await?;
        Ok(Page { items: shapes.into_iter().map(shapes::CommentShape::comment).collect(), next, broken: Vec::new() })
    }

    /// Edits of the text come with the first page, the rest by REST's pages.
    pub(super) async fn list_events(
        &self,
        slug: &RepoSlug,
        number: u64,
        page: Option<&str>,
    ) -> ForgeResult<Page<IssueEvent>> {
        let path = format!("/issues/{number}/events?per_page=100");
        let (shapes, next) = self.page::<Vec<shapes::EventShape>>(slug, &path, page, false).await?;
        let mut items: Vec<IssueEvent> = shapes.into_iter().filter_map(shapes::EventShape::event).collect();
        if page.is_none() {
            items.extend(self.edits(slug, number).await?);
            items.sort_by_key(|event| event.at);
        }
        Ok(Page { items, next, broken: Vec::new() })
    }

    async fn edits(&self, slug: &RepoSlug, number: u64) -> ForgeResult<Vec<IssueEvent>> {
        let what = format!("reading the edits of issue {number} of {slug}");
        let variables = json!({ "owner": slug.owner(), "name": slug.name(), "number": number });
        let answer = self.client.graphql(slug.owner(), Operation::Read, EDITS, &variables, &what).await;
        let mut answer = answer.map_err(|error| match error {
            // Who changed a text decides whether it may be worked on: not to know is not to work.
            ForgeError::NotFound(why) | ForgeError::Invalid(why) => {
                ForgeError::Denied(format!("edits are seen through GraphQL alone, which this server refuses: {why}"))
            }
            other => other,
        })?;
        if let Some(error) = answer.errors.first() {
            return Err(error.to_error(&what, Operation::Read));
        }
        let edited: Option<Edited> = serde_json::from_value(answer.data["repository"]["issueOrPullRequest"].take())
            .map_err(|_| ForgeError::Transient(format!("{what}: the answer has another shape")))?;
        let Some(edited) = edited else { return Err(ForgeError::NotFound(what)) };
        let created = edited.created_at.0;
        let nodes = edited.user_content_edits.map(|edits| edits.nodes).unwrap_or_default();
        // The first entry of a history is the text as it was written.
        let later = nodes.into_iter().flatten().filter(|edit| edit.edited_at.0 > created);
        Ok(later.map(Edit::event).collect())
    }

    pub(super) async fn list_pulls(
        &self,
        slug: &RepoSlug,
        query: &PullQuery,
        page: Option<&str>,
    ) -> ForgeResult<Page<PullRequest>> {
        let state = if query.open_only { "open" } else { "all" };
        let mut path = format!("/pulls?state={state}&sort=created&direction=desc&per_page=100");
        if let Some(head) = &query.head {
            // The owner's present name: by an old one nothing is found, and a second pull request would be opened.
            let owner = self.client.known(slug).await?.slug;
            path.push_str(&format!("&head={}:{}", escape(owner.owner()), escape_ref(head.as_str())));
        }
        let (shapes, next) = self.page::<Vec<shapes::PullShape>>(slug, &path, page, false).await?;
        let mut seen = BTreeSet::new();
        let items = shapes
            .into_iter()
            // A fork's branch is none of this repository, whatever its name (V-10).
            .filter(|shape| shape.is_at_home() && seen.insert(shape.number))
            // A name that the model refuses is none that we made.
            .filter_map(|shape| shape.pull().ok())
            // A server that does not understand `head` lists all.
            .filter(|pull| query.head.as_ref().is_none_or(|head| pull.head == *head))
            .collect();
        Ok(Page { items, next, broken: Vec::new() })
    }

    pub(super) async fn read_pull(&self, slug: &RepoSlug, number: u64) -> ForgeResult<PullRequest> {
        let shape: shapes::PullShape = self.one(slug, &format!("/pulls/{number}")).await?;
        if !shape.is_at_home() {
            return Err(ForgeError::Invalid(format!("pull request {number} of {slug} comes from another repository")));
        }
        shape.pull()
    }

    pub(super) async fn read_branch(&self, slug: &RepoSlug, branch: &BranchName) -> ForgeResult<Option<ObjectId>> {
        let path = format!("/git/ref/heads/{}", escape_ref(branch.as_str()));
        let found = match self.one::<RefAnswer>(slug, &path).await {
            Ok(RefAnswer::One(found)) => vec![found],
            // Old servers answer with every ref that begins so.
            Ok(RefAnswer::Many(found)) => found,
            Err(ForgeError::NotFound(_)) => Vec::new(),
            Err(error) => return Err(error),
        };
        if let Some(found) = found.into_iter().find(|found| found.name == branch.as_ref_name()) {
            return Ok(Some(found.object.sha));
        }
        // Nothing is said of the branch where the whole repository is not there.
        self.client.known(slug).await?;
        Ok(None)
    }

    pub(super) async fn list_branches(
        &self,
        slug: &RepoSlug,
        prefix: &str,
    ) -> ForgeResult<Vec<(BranchName, ObjectId)>> {
        let path = format!("/git/matching-refs/heads/{}", escape_ref(prefix));
        let refs: Vec<shapes::RefShape> = match self.all(slug, &path, |page| page).await {
            Err(ForgeError::NotFound(_)) => {
                self.client.known(slug).await?;
                Vec::new()
            }
            other => other?,
        };
        let found = refs.into_iter().filter_map(|found| {
            let name = found.name.strip_prefix("refs/heads/")?;
            name.starts_with(prefix).then(|| Some((name.parse().ok()?, found.object.sha))).flatten()
        });
        Ok(found.collect::<BTreeMap<_, _>>().into_iter().collect())
    }

    pub(super) async fn read_commit(&self, slug: &RepoSlug, id: &ObjectId) -> ForgeResult<Commit> {
        let shape: shapes::CommitShape = self.one(slug, &format!("/git/commits/{id}")).await?;
        Ok(Commit {
            id: shape.sha,
            tree: shape.tree.sha,
            parents: shape.parents.into_iter().map(|parent| parent.sha).collect(),
            message: shape.message,
        })
    }

    /// Asked from the descendant's side, so that the answer holds neither commits nor files when it is one.
    pub(super) async fn read_is_ancestor(
        &self,
        slug: &RepoSlug,
        ancestor: &ObjectId,
        descendant: &ObjectId,
    ) -> ForgeResult<bool> {
        let answer: shapes::CompareShape =
            self.one(slug, &format!("/compare/{descendant}...{ancestor}?per_page=1")).await?;
        match answer.status.as_str() {
            "behind" | "identical" => Ok(true),
            "ahead" | "diverged" => Ok(false),
            other => Err(ForgeError::Transient(format!("comparing two commits of {slug}: {other:?} is no answer"))),
        }
    }

    /// Asked without pages, GitHub answers with the newest [`crate::forge::AHEAD`] commits, the newest of them last.
    pub(super) async fn list_ahead(&self, slug: &RepoSlug, base: &ObjectId, head: &ObjectId) -> ForgeResult<Ahead> {
        let answer: shapes::CompareShape = self.one(slug, &format!("/compare/{base}...{head}")).await?;
        let commits = answer.commits.into_iter().map(|shape| Commit {
            id: shape.sha,
            tree: shape.commit.tree.sha,
            parents: shape.parents.into_iter().map(|parent| parent.sha).collect(),
            message: shape.commit.message,
        });
        Ok(Ahead { commits: commits.collect(), total: answer.total_commits })
    }

    pub(super) async fn read_tree(&self, slug: &RepoSlug, id: &ObjectId) -> ForgeResult<Vec<TreeEntry>> {
        let whole: TreeShape = self.one(slug, &format!("/git/trees/{id}?recursive=1")).await?;
        let mut found = BTreeMap::new();
        if !whole.truncated {
            collect(slug, "", whole, &mut found)?;
            return Ok(found.into_values().collect());
        }
        // Too long for one answer: folder by folder, each whole where it fits.
        let root: TreeShape = self.one(slug, &format!("/git/trees/{id}")).await?;
        let mut folders = collect(slug, "", root, &mut found)?;
        let mut asked = 0;
        while let Some((path, id)) = folders.pop() {
            asked += 1;
            if asked > FOLDERS {
                return Err(ForgeError::Invalid(format!("the tree {id} of {slug} is too large to be read")));
            }
            let prefix = format!("{path}/");
            let part: TreeShape = self.one(slug, &format!("/git/trees/{id}?recursive=1")).await?;
            if part.truncated {
                let flat: TreeShape = self.one(slug, &format!("/git/trees/{id}")).await?;
                if flat.truncated {
                    return Err(ForgeError::Invalid(format!("the folder {path:?} of {slug} is too large to be read")));
                }
                folders.extend(collect(slug, &prefix, flat, &mut found)?);
            } else {
                collect(slug, &prefix, part, &mut found)?;
            }
        }
        Ok(found.into_values().collect())
    }

    pub(super) async fn read_blob(&self, slug: &RepoSlug, id: &ObjectId) -> ForgeResult<Vec<u8>> {
        let url = self.client.address.of(&format!("/repos/{slug}/git/blobs/{id}"));
        let what = format!("reading blob {id} of {slug}");
        let blob: shapes::BlobShape =
            self.client.ask(&Ask { keep: Keep::All(BLOB), ..Ask::read(url, &what).of(slug) }).await?;
        match blob.encoding.as_str() {
            "base64" => {
                let text: Vec<u8> = blob.content.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
                base64::engine::general_purpose::STANDARD
                    .decode(text)
                    .map_err(|_| ForgeError::Transient(format!("{what}: the content is no base64")))
            }
            "utf-8" => Ok(blob.content.into_bytes()),
            other => Err(ForgeError::Invalid(format!("{what}: it is written as {other:?}"))),
        }
    }
}

/// Adds a tree's files, and returns its folders.
fn collect(
    slug: &RepoSlug,
    prefix: &str,
    tree: TreeShape,
    found: &mut BTreeMap<String, TreeEntry>,
) -> ForgeResult<Vec<(String, ObjectId)>> {
    let mut folders = Vec::new();
    for entry in tree.tree {
        let path = format!("{prefix}{}", entry.path);
        if entry.kind == "tree" {
            folders.push((path, entry.sha));
            continue;
        }
        let mode = FileMode::parse(&entry.mode)
            .ok_or_else(|| ForgeError::Invalid(format!("{path:?} of {slug} has the unknown mode {:?}", entry.mode)))?;
        found.insert(path.clone(), TreeEntry { path, mode, id: entry.sha });
    }
    Ok(folders)
}

#[derive(Debug, serde::Deserialize)]
struct Viewer {
    #[serde(rename = "databaseId")]
    id: u64,
    login: String,
}

#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Edited {
    created_at: shapes::At,
    user_content_edits: Option<Edits>,
}

#[derive(Debug, serde::Deserialize)]
struct Edits {
    nodes: Vec<Option<Edit>>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Edit {
    id: String,
    edited_at: shapes::At,
    editor: Option<Value>,
}

impl Edit {
    fn event(self) -> IssueEvent {
        let actor = self.editor.as_ref().and_then(|editor| {
            let bot = editor["__typename"] == "Bot";
            let login = editor["login"].as_str()?;
            Some(Actor {
                id: editor["databaseId"].as_u64()?,
                // GraphQL leaves out what REST writes behind a bot's name.
                login: if bot && !login.ends_with("[bot]") { format!("{login}[bot]") } else { login.to_owned() },
                kind: if bot { ActorKind::Bot } else { ActorKind::User },
            })
        });
        // Edits have no number; one made of their id stays the same from run to run.
        let digits = sha256_hex(self.id.as_bytes());
        let id = u64::from_str_radix(&digits[..15], 16).unwrap_or_default();
        IssueEvent { id, kind: IssueEventKind::Edited, actor, at: self.edited_at.0 }
    }
}
