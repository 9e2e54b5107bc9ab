//! Which address is which operation. An address that is not here is answered with 501.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use homeostat::forge::memory::MemoryForge;
use homeostat::forge::rules::{RepositoryRecord, Storage, World, repository_id};
use homeostat::model::RepoSlug;

use super::door::Token;
use super::exchange::{Answer, Handled, NO_ADDRESS, Request, listed, refusal, slug_of};
use super::settings::Setup;
use super::shapes::Site;

/// The forge as the handlers see it.
pub(super) struct Hub {
    pub(super) forge: Arc<MemoryForge>,
    pub(super) site: Site,
    /// Where logs lie: another host, as on GitHub.
    pub(super) logs: String,
    /// Most items on a page, whatever is asked for.
    pub(super) page_cap: usize,
    /// How the token and the repositories are set up.
    pub(super) setup: Mutex<Setup>,
    /// Names by id, as far as they were shown.
    pub(super) known: Mutex<BTreeMap<u64, RepoSlug>>,
}

/// One repository and what a handler needs of it.
pub(super) struct Place<'a> {
    pub(super) hub: &'a Hub,
    pub(super) slug: RepoSlug,
    pub(super) record: RepositoryRecord,
    pub(super) request: &'a Request,
}

impl Place<'_> {
    pub(super) async fn world(&self) -> Result<World, Answer> {
        self.hub.forge.world(&self.slug).await.map_err(refusal)
    }

    pub(super) async fn milestones(&self) -> Result<Vec<String>, Answer> {
        self.hub.forge.storage().milestones(&self.slug).await.map_err(refusal)
    }

    pub(super) fn listed(&self, all: Vec<serde_json::Value>) -> Answer {
        listed(self.request, &self.hub.site.api, self.record.id, self.hub.page_cap, all)
    }
}

impl Hub {
    /// Answers one request of somebody whose token is good.
    pub(super) async fn answer(&self, request: &Request, token: &Token) -> Handled {
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        match (request.method.as_str(), segments.as_slice()) {
            (_, ["repos", owner, name, rest @ ..]) => {
                let place = self.place(slug_of(owner, name)?, request).await?;
                place.answer(rest, token).await
            }
            (_, ["repositories", id, rest @ ..]) => {
                let id: u64 = id.parse().map_err(|_| Answer::not_found())?;
                let slug = self.known.lock().expect("no test panics here").get(&id).cloned();
                let place = self.place(slug.ok_or_else(Answer::not_found)?, request).await?;
                place.answer(rest, token).await
            }
            ("POST", ["graphql"]) => self.graphql(request, token).await,
            _ => self.account(&segments, request, token).await,
        }
    }

    async fn place<'a>(&'a self, slug: RepoSlug, request: &'a Request) -> Result<Place<'a>, Answer> {
        let record = self.forge.storage().repository(&slug).await.map_err(refusal)?;
        self.known.lock().expect("no test panics here").insert(repository_id(&slug), slug.clone());
        Ok(Place { hub: self, slug, record, request })
    }
}

impl Place<'_> {
    async fn answer(&self, rest: &[&str], token: &Token) -> Handled {
        match (self.request.method.as_str(), rest) {
            ("GET", []) => Ok(self.repository()),
            ("GET", ["actions", "permissions"]) => self.actions_permissions(),
            ("GET", ["actions", "permissions", "workflow"]) => self.workflow_permissions(),
            ("GET", ["branches", _name @ .., "protection"]) => self.protection(),
            ("GET", ["branches", name @ ..]) => self.branch(&name.join("/")).await,
            ("GET", ["rules", "branches", name @ ..]) => self.rules(&name.join("/")),
            ("GET", ["environments", name]) => self.environment(name),
            ("GET", ["installation"]) => self.hub.installation_of(&self.slug, token),
            ("GET", ["collaborators", login, "permission"]) => self.permission(login).await,
            ("GET", ["labels"]) => {
                self.reads()?;
                self.labels().await
            }
            ("POST", ["labels"]) => self.create_label().await,
            ("GET", ["labels", name]) => self.label(name).await,
            ("GET", ["milestones"]) => self.list_milestones().await,
            ("POST", ["issues"]) => self.create_issue().await,
            ("GET", ["issues"]) => self.issues().await,
            ("PATCH", ["issues", "comments", id]) => self.edit_comment(number(id)?).await,
            ("POST", ["issues", "comments", id, "reactions"]) => self.react(number(id)?).await,
            ("GET", ["issues", n]) => self.issue(number(n)?).await,
            ("PATCH", ["issues", n]) => self.edit_issue(number(n)?).await,
            ("GET", ["issues", n, "comments"]) => self.comments(number(n)?).await,
            ("POST", ["issues", n, "comments"]) => self.create_comment(number(n)?).await,
            ("GET", ["issues", n, "events"]) => self.events(number(n)?, false).await,
            ("GET", ["issues", n, "timeline"]) => self.events(number(n)?, true).await,
            ("POST", ["issues", n, "labels"]) => self.add_labels(number(n)?).await,
            ("DELETE", ["issues", n, "labels", name]) => self.remove_label(number(n)?, name).await,
            ("POST", ["issues", n, "assignees"]) => self.add_assignees(number(n)?).await,
            ("GET", ["pulls"]) => self.pulls().await,
            ("POST", ["pulls"]) => self.create_pull().await,
            ("GET", ["pulls", n]) => self.pull(number(n)?).await,
            ("GET", ["pulls", n, "reviews"]) => self.reviews(number(n)?).await,
            ("PATCH", ["pulls", n]) => self.edit_pull(number(n)?).await,
            ("POST", ["pulls", n, "requested_reviewers"]) => self.request_reviewers(number(n)?).await,
            ("GET", ["git", "ref", "heads", name @ ..]) => self.git_ref(&name.join("/")).await,
            ("GET", ["git", "matching-refs", prefix @ ..]) => self.matching_refs(&prefix.join("/")).await,
            ("POST", ["git", "refs"]) => self.create_ref().await,
            ("PATCH", ["git", "refs", "heads", name @ ..]) => self.move_ref(&name.join("/")).await,
            ("GET", ["git", "commits", id]) => self.git_commit(id).await,
            ("POST", ["git", "commits"]) => self.create_commit().await,
            ("GET", ["git", "trees", id]) => self.tree(id).await,
            ("POST", ["git", "trees"]) => self.create_tree().await,
            ("GET", ["git", "blobs", id]) => self.blob(id).await,
            ("POST", ["git", "blobs"]) => self.create_blob().await,
            ("GET", ["compare", range @ ..]) => self.compare(&range.join("/")).await,
            ("GET", ["commits", id, "status"]) => Ok(self.status(id)),
            ("GET", ["commits", id, "check-runs"]) => self.check_runs(id).await,
            ("GET", ["commits", name @ ..]) => self.commit(&name.join("/")).await,
            ("GET", ["actions", "runs"]) => {
                self.reads()?;
                self.runs().await
            }
            ("POST", ["actions", "workflows", file, "dispatches"]) => self.dispatch(file).await,
            ("GET", ["actions", "runs", n]) => self.run(number(n)?).await,
            ("GET", ["actions", "runs", n, "jobs"]) => self.jobs(number(n)?).await,
            ("GET", ["actions", "jobs", n, "logs"]) => self.logs(number(n)?).await,
            ("GET", ["actions", "artifacts"]) => {
                self.reads()?;
                self.artifacts().await
            }
            ("GET", ["actions", "artifacts", n, format]) => self.artifact(number(n)?, format).await,
            _ => Err(Answer::error(501, NO_ADDRESS)),
        }
    }
}

fn number(text: &str) -> Result<u64, Answer> {
    text.parse().map_err(|_| Answer::not_found())
}
