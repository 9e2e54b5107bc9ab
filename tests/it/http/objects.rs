//! Refs, commits, trees and blobs, and the comparison of two commits.

use std::collections::BTreeSet;

use base64::Engine as _;
use homeostat::forge::rules::{Object, ObjectKind, Storage};
use homeostat::forge::{Commit, Forge, ForgeError, NewCommit, TreeChange};
use homeostat::model::{FileMode, ObjectId, Timestamp};
use serde_json::{Value, json};

use super::exchange::{Answer, Handled, refusal};
use super::routes::Place;

const BASE64: base64::engine::GeneralPurpose = base64::engine::general_purpose::STANDARD;

fn id(text: &str) -> Result<ObjectId, Answer> {
    text.parse()
        .map_err(|_| Answer::error(422, "The sha parameter must be exactly 40 characters and contain only [0-9a-f]."))
}

impl Place<'_> {
    pub(super) async fn git_ref(&self, name: &str) -> Handled {
        let branch = name.parse().map_err(|_| Answer::not_found())?;
        let found = self.hub.forge.branch(&self.slug, &branch).await.map_err(refusal)?;
        let at = found.ok_or_else(Answer::not_found)?;
        Ok(Answer::json(200, self.hub.site.git_ref(&self.slug, name, at.as_str())))
    }

    /// Lists refs by how their names begin; `heads/` stands before a branch, and no pages are made.
    pub(super) async fn matching_refs(&self, prefix: &str) -> Handled {
        let Some(prefix) = prefix.strip_prefix("heads") else { return Ok(Answer::json(200, json!([]))) };
        let prefix = prefix.trim_start_matches('/');
        let found = self.hub.forge.branches(&self.slug, prefix).await.map_err(refusal)?;
        let all = found.iter().map(|(name, at)| self.hub.site.git_ref(&self.slug, name.as_str(), at.as_str()));
        Ok(Answer::json(200, all.collect()))
    }

    pub(super) async fn create_ref(&self) -> Handled {
        let (Some(full), Some(sha)) = (self.request.text("ref"), self.request.text("sha")) else {
            return Err(Answer::error(422, "Invalid request.\n\n\"ref\", \"sha\" weren't supplied."));
        };
        let name = full.strip_prefix("refs/heads/").and_then(|name| name.parse().ok());
        let Some(branch) = name else {
            return Err(Answer::error(422, &format!("{full} is not a valid ref name.")));
        };
        match self.hub.forge.create_branch(&self.slug, &branch, &id(sha)?).await {
            Ok(()) => Ok(Answer::json(201, self.hub.site.git_ref(&self.slug, branch.as_str(), sha))),
            Err(ForgeError::Conflict(_)) => Err(Answer::error(422, "Reference already exists")),
            Err(ForgeError::Invalid(why)) if why.contains("folder") => {
                Err(Answer::error(422, "Reference update failed"))
            }
            Err(ForgeError::Invalid(_)) => Err(Answer::error(422, "Object does not exist")),
            Err(error) => Err(refusal(error)),
        }
    }

    /// Moves a branch forward from wherever it stands; only `force` could move it elsewhere, and nobody here may.
    pub(super) async fn move_ref(&self, name: &str) -> Handled {
        if self.request.body.as_ref().and_then(|body| body.get("force")) == Some(&Value::Bool(true)) {
            return Err(Answer::error(501, "Homeostat never forces a branch."));
        }
        let missing = || Answer::error(422, "Reference does not exist");
        let branch = name.parse().map_err(|_| missing())?;
        let target = id(self.request.text("sha").unwrap_or_default())?;
        let refs = self.hub.forge.storage().refs(&self.slug).await.map_err(refusal)?;
        let current = refs.get(name).cloned().ok_or_else(missing)?;
        match self.hub.forge.advance_branch(&self.slug, &branch, &current, &target).await {
            Ok(()) => Ok(Answer::json(200, self.hub.site.git_ref(&self.slug, name, target.as_str()))),
            Err(ForgeError::Conflict(_)) => Err(Answer::error(422, "Update is not a fast forward")),
            Err(ForgeError::Invalid(_)) => Err(Answer::error(422, "Object does not exist")),
            Err(error) => Err(refusal(error)),
        }
    }

    /// Reads who committed when out of the object itself.
    async fn signed(&self, at: &ObjectId) -> Result<(String, Timestamp), Answer> {
        let object = self.object(at).await?;
        let text = String::from_utf8_lossy(&object.data).into_owned();
        let line = text.lines().find_map(|line| line.strip_prefix("committer ")).unwrap_or_default();
        let name = line.split(" <").next().unwrap_or_default().to_owned();
        let seconds = line.rsplit(' ').nth(1).and_then(|text| text.parse::<i64>().ok()).unwrap_or_default();
        Ok((name, Timestamp::from_millis(seconds * 1_000)))
    }

    async fn object(&self, at: &ObjectId) -> Result<Object, Answer> {
        let found = self.hub.forge.storage().objects(&self.slug, std::slice::from_ref(at)).await.map_err(refusal)?;
        found.into_iter().next().flatten().ok_or_else(Answer::not_found)
    }

    async fn find_commit(&self, at: &ObjectId) -> Result<Commit, Answer> {
        self.hub.forge.commit(&self.slug, at).await.map_err(refusal)
    }

    pub(super) async fn git_commit(&self, text: &str) -> Handled {
        let commit = self.find_commit(&id(text)?).await?;
        let (by, at) = self.signed(&commit.id).await?;
        Ok(Answer::json(200, self.hub.site.git_commit(&self.slug, &commit, &by, at)))
    }

    /// Answers a commit of the history by id or by branch.
    pub(super) async fn commit(&self, name: &str) -> Handled {
        let at = self.resolve(name).await?;
        Ok(Answer::json(200, self.history(&at).await?))
    }

    async fn history(&self, at: &ObjectId) -> Result<Value, Answer> {
        let commit = self.find_commit(at).await?;
        let (by, when) = self.signed(at).await?;
        Ok(self.hub.site.commit(&self.slug, &commit, &by, when))
    }

    async fn resolve(&self, name: &str) -> Result<ObjectId, Answer> {
        if let Ok(id) = name.parse() {
            return Ok(id);
        }
        let refs = self.hub.forge.storage().refs(&self.slug).await.map_err(refusal)?;
        refs.get(name).cloned().ok_or_else(Answer::not_found)
    }

    pub(super) async fn create_commit(&self) -> Handled {
        let request = self.request;
        let parents = request.texts("parents").iter().map(|parent| id(parent)).collect::<Result<_, _>>()?;
        let tree = id(request.text("tree").unwrap_or_default())?;
        let new = NewCommit { tree, parents, message: request.text("message").unwrap_or_default().to_owned() };
        let made = self.hub.forge.create_commit(&self.slug, &new).await.map_err(refusal)?;
        let answer = self.git_commit(made.as_str()).await?;
        Ok(Answer { status: 201, ..answer })
    }

    /// Lists a tree, with folders, as deep as asked.
    pub(super) async fn tree(&self, name: &str) -> Handled {
        let asked = self.resolve(name).await?;
        let root = match self.object(&asked).await? {
            Object { kind: ObjectKind::Commit, .. } => self.find_commit(&asked).await?.tree,
            Object { kind: ObjectKind::Tree, .. } => asked.clone(),
            Object { kind: ObjectKind::Blob, .. } => return Err(Answer::not_found()),
        };
        let deep = self.request.query.contains_key("recursive");
        let listed = self.listing(&root, deep).await?;
        let url = format!("{}/git/trees/{root}", self.hub.site.repo(&self.slug));
        Ok(Answer::json(200, json!({"sha": asked, "url": url, "tree": listed, "truncated": false})))
    }

    async fn listing(&self, root: &ObjectId, deep: bool) -> Result<Vec<Value>, Answer> {
        let home = format!("{}/git", self.hub.site.repo(&self.slug));
        let mut all = Vec::new();
        let mut open = vec![(String::new(), root.clone())];
        while let Some((folder, at)) = open.pop() {
            for (mode, name, id) in entries(&self.object(&at).await?.data) {
                let path = format!("{folder}{name}");
                let (kind, word) = match mode.as_str() {
                    "40000" => ("tree", "040000"),
                    "160000" => ("commit", "160000"),
                    other => ("blob", other),
                };
                let mut entry = json!({"path": path, "mode": word, "type": kind, "sha": id});
                if kind == "blob" {
                    entry["size"] = json!(self.object(&id).await?.data.len());
                }
                if kind != "commit" {
                    entry["url"] = json!(format!("{home}/{kind}s/{id}"));
                }
                if kind == "tree" && deep {
                    open.push((format!("{path}/"), id));
                }
                all.push((path, entry));
            }
        }
        all.sort_by(|left, right| left.0.cmp(&right.0));
        Ok(all.into_iter().map(|(_, entry)| entry).collect())
    }

    pub(super) async fn create_tree(&self) -> Handled {
        let wrong = |what: &str| Answer::error(422, &format!("tree.{what}"));
        let body = self.request.body.clone().unwrap_or_default();
        let base = body.get("base_tree").and_then(Value::as_str).map(id).transpose()?;
        let mut changes = Vec::new();
        for entry in body.get("tree").and_then(Value::as_array).into_iter().flatten() {
            let text = |name: &str| entry.get(name).and_then(Value::as_str);
            let path = text("path").and_then(|path| path.parse().ok());
            let path = path.ok_or_else(|| wrong("path contains a malformed path component"))?;
            let mode = text("mode").and_then(FileMode::parse).ok_or_else(|| wrong("mode must be one of the known"))?;
            let blob = match (entry.get("sha"), text("content")) {
                (Some(Value::Null), None) => None,
                (Some(Value::String(sha)), None) => Some(id(sha)?),
                (None, Some(content)) => {
                    Some(self.hub.forge.create_blob(&self.slug, content.as_bytes()).await.map_err(refusal)?)
                }
                _ => return Err(wrong("entry needs a sha or a content")),
            };
            changes.push(TreeChange { path, entry: blob.map(|blob| (mode, blob)) });
        }
        let made = self.hub.forge.create_tree(&self.slug, base.as_ref(), &changes).await.map_err(refusal)?;
        let listed = self.listing(&made, false).await?;
        let url = format!("{}/git/trees/{made}", self.hub.site.repo(&self.slug));
        Ok(Answer::json(201, json!({"sha": made, "url": url, "tree": listed, "truncated": false})))
    }

    pub(super) async fn blob(&self, text: &str) -> Handled {
        let at = id(text)?;
        let bytes = self.hub.forge.blob(&self.slug, &at).await.map_err(refusal)?;
        let url = format!("{}/git/blobs/{at}", self.hub.site.repo(&self.slug));
        // Base64 as GitHub gives it: in lines of sixty characters.
        let encoded: Vec<u8> = BASE64.encode(&bytes).into_bytes();
        let lines: String = encoded.chunks(60).map(|line| format!("{}\n", String::from_utf8_lossy(line))).collect();
        let node = format!("B_{at}");
        Ok(Answer::json(
            200,
            json!({"sha": at, "node_id": node, "size": bytes.len(), "url": url, "content": lines, "encoding": "base64"}),
        ))
    }

    pub(super) async fn create_blob(&self) -> Handled {
        let content = self.request.text("content").unwrap_or_default();
        let bytes = match self.request.text("encoding").unwrap_or("utf-8") {
            "base64" => BASE64.decode(content).map_err(|_| Answer::error(422, "content is not valid Base64"))?,
            _ => content.as_bytes().to_vec(),
        };
        let made = self.hub.forge.create_blob(&self.slug, &bytes).await.map_err(refusal)?;
        let url = format!("{}/git/blobs/{made}", self.hub.site.repo(&self.slug));
        Ok(Answer::json(201, json!({"sha": made, "url": url})))
    }

    /// Compares two commits: which side has what the other has not.
    pub(super) async fn compare(&self, range: &str) -> Handled {
        let (left, right) = range.split_once("...").ok_or_else(Answer::not_found)?;
        let (base, head) = (self.resolve(left).await?, self.resolve(right).await?);
        self.find_commit(&base).await?;
        self.find_commit(&head).await?;
        let (of_base, of_head) = (self.ancestors(&base).await?, self.ancestors(&head).await?);
        let (has_base, has_head): (BTreeSet<_>, BTreeSet<_>) = (of_base.iter().collect(), of_head.iter().collect());
        let ahead: Vec<&ObjectId> = of_head.iter().filter(|one| !has_base.contains(one)).collect();
        let behind = of_base.iter().filter(|one| !has_head.contains(one)).count();
        // What no line of history shares cannot be compared.
        let common = of_head.iter().find(|one| has_base.contains(one)).ok_or_else(Answer::not_found)?;
        let status = match (ahead.len(), behind) {
            (0, 0) => "identical",
            (_, 0) => "ahead",
            (0, _) => "behind",
            _ => "diverged",
        };
        let mut commits = Vec::new();
        for one in ahead.iter().rev() {
            commits.push(self.history(one).await?);
        }
        let (root, page) = (self.hub.site.repo(&self.slug), self.hub.site.page(&self.slug));
        let query = &self.request.query;
        let (items, answer) = if query.contains_key("page") || query.contains_key("per_page") {
            super::exchange::page_of(self.request, &self.hub.site.api, self.record.id, self.hub.page_cap, commits)
        } else {
            // Whoever asks for no page gets the newest 250, and no link to others.
            (commits.split_off(commits.len().saturating_sub(250)), Answer::json(200, json!({})))
        };
        let body = json!({
            "url": format!("{root}/compare/{range}"), "html_url": format!("{page}/compare/{range}"),
            "permalink_url": format!("{page}/compare/{range}"), "diff_url": format!("{page}/compare/{range}.diff"),
            "patch_url": format!("{page}/compare/{range}.patch"), "base_commit": self.history(&base).await?,
            "merge_base_commit": self.history(common).await?, "status": status, "ahead_by": ahead.len(),
            "behind_by": behind, "total_commits": ahead.len(), "commits": items, "files": [],
        });
        Ok(Answer { body: super::exchange::Content::Json(body), ..answer })
    }

    /// Lists a commit and all before it, nearest first.
    async fn ancestors(&self, from: &ObjectId) -> Result<Vec<ObjectId>, Answer> {
        let (mut all, mut seen) = (Vec::new(), BTreeSet::new());
        let mut open = std::collections::VecDeque::from([from.clone()]);
        while let Some(one) = open.pop_front() {
            if seen.insert(one.clone()) {
                open.extend(self.find_commit(&one).await?.parents);
                all.push(one);
            }
        }
        Ok(all)
    }
}

/// Reads a tree object: mode, name and id of each entry.
fn entries(data: &[u8]) -> Vec<(String, String, ObjectId)> {
    let mut all = Vec::new();
    let mut rest = data;
    while let (Some(space), Some(end)) = (rest.iter().position(|b| *b == b' '), rest.iter().position(|b| *b == 0)) {
        let mode = String::from_utf8_lossy(&rest[..space]).into_owned();
        let name = String::from_utf8_lossy(&rest[space + 1..end]).into_owned();
        let raw: String = rest[end + 1..end + 21].iter().map(|byte| format!("{byte:02x}")).collect();
        all.push((mode, name, raw.parse().expect("an id")));
        rest = &rest[end + 21..];
    }
    all
}
