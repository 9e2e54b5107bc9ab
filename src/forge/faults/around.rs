//! One way to stand around every call of a forge, written down once for all operations. Layer 3.

use std::fmt;
use std::future::Future;

use async_trait::async_trait;

use crate::forge::{Forge, ForgeResult, Page};
use crate::model::RepoSlug;

/// One call as it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The operation's name in the port.
    pub op: &'static str,
    /// The repository, or nothing.
    pub slug: Option<RepoSlug>,
    /// The arguments, shortened, for people and for claims.
    pub summary: String,
    /// Whether it changes something.
    pub write: bool,
}

/// What stands around the calls of a forge.
#[async_trait]
pub(super) trait Around: Send + Sync {
    fn inner(&self) -> &dyn Forge;

    async fn around<T: Send>(
        &self,
        call: Call,
        work: impl Future<Output = ForgeResult<T>> + Send,
        stale: Option<T>,
    ) -> ForgeResult<T>;
}

pub(super) fn reading(op: &'static str, slug: &RepoSlug, summary: impl fmt::Display) -> Call {
    Call { op, slug: Some(slug.clone()), summary: summary.to_string(), write: false }
}

pub(super) fn writing(op: &'static str, slug: &RepoSlug, summary: impl fmt::Display) -> Call {
    Call { op, slug: Some(slug.clone()), summary: summary.to_string(), write: true }
}

pub(super) fn nothing<T>() -> Page<T> {
    Page { items: Vec::new(), next: None, broken: Vec::new() }
}

pub(super) fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(80).collect()
}

/// Implements the port by putting [`Around`] around each operation of another forge.
macro_rules! forge_around {
    ($wrapper:ty) => {
        const _: () = {
            use crate::forge::faults::around::{Around as _, Call, first_line, nothing, reading, writing};
            use crate::forge::{
                Ahead, Artifact, Checks, Comment, Commit, Forge, ForgeResult, Glance, GlanceQuery, Issue, IssueEvent,
                IssueQuery, Job, JobLog, Label, NewCommit, NewPull, Page, PullEdit, PullQuery, PullRequest, Reaction,
                Repository, Standing, TreeChange, TreeEntry, WorkflowRun,
            };
            use crate::model::{Actor, BranchName, MergeMethod, ObjectId, Permission, RepoSlug, Timestamp};

            #[async_trait::async_trait]
            impl Forge for $wrapper {
                fn lags(&self) -> bool {
                    self.inner().lags()
                }

                async fn now(&self) -> ForgeResult<Timestamp> {
                    let call = Call { op: "now", slug: None, summary: String::new(), write: false };
                    self.around(call, self.inner().now(), None).await
                }

                async fn identity(&self) -> ForgeResult<Actor> {
                    let call = Call { op: "identity", slug: None, summary: String::new(), write: false };
                    self.around(call, self.inner().identity(), None).await
                }

                async fn repository(&self, slug: &RepoSlug) -> ForgeResult<Repository> {
                    self.around(reading("repository", slug, ""), self.inner().repository(slug), None).await
                }

                async fn permission(&self, slug: &RepoSlug, actor: &Actor) -> ForgeResult<Permission> {
                    let call = reading("permission", slug, &actor.login);
                    self.around(call, self.inner().permission(slug, actor), None).await
                }

                async fn issues(
                    &self,
                    slug: &RepoSlug,
                    query: &IssueQuery,
                    page: Option<&str>,
                ) -> ForgeResult<Page<Issue>> {
                    let call = reading("issues", slug, page.unwrap_or_default());
                    self.around(call, self.inner().issues(slug, query, page), Some(nothing())).await
                }

                async fn issue(&self, slug: &RepoSlug, number: u64) -> ForgeResult<Issue> {
                    self.around(reading("issue", slug, number), self.inner().issue(slug, number), None).await
                }

                async fn comments(
                    &self,
                    slug: &RepoSlug,
                    number: u64,
                    page: Option<&str>,
                ) -> ForgeResult<Page<Comment>> {
                    let call = reading("comments", slug, number);
                    self.around(call, self.inner().comments(slug, number, page), Some(nothing())).await
                }

                async fn issue_events(
                    &self,
                    slug: &RepoSlug,
                    number: u64,
                    page: Option<&str>,
                ) -> ForgeResult<Page<IssueEvent>> {
                    let call = reading("issue_events", slug, number);
                    self.around(call, self.inner().issue_events(slug, number, page), Some(nothing())).await
                }

                async fn pulls(
                    &self,
                    slug: &RepoSlug,
                    query: &PullQuery,
                    page: Option<&str>,
                ) -> ForgeResult<Page<PullRequest>> {
                    let head = query.head.as_ref().map(ToString::to_string).unwrap_or_default();
                    self.around(reading("pulls", slug, head), self.inner().pulls(slug, query, page), Some(nothing()))
                        .await
                }

                async fn pull(&self, slug: &RepoSlug, number: u64) -> ForgeResult<PullRequest> {
                    self.around(reading("pull", slug, number), self.inner().pull(slug, number), None).await
                }

                async fn standing(&self, slug: &RepoSlug, number: u64) -> ForgeResult<Standing> {
                    self.around(reading("standing", slug, number), self.inner().standing(slug, number), None).await
                }

                async fn checks(&self, slug: &RepoSlug, commit: &ObjectId) -> ForgeResult<Checks> {
                    let call = reading("checks", slug, commit);
                    self.around(call, self.inner().checks(slug, commit), Some(Checks::None)).await
                }

                async fn dispatched(&self, slug: &RepoSlug, workflow: &str, commit: &ObjectId) -> ForgeResult<bool> {
                    let call = reading("dispatched", slug, format_args!("{workflow} {commit}"));
                    self.around(call, self.inner().dispatched(slug, workflow, commit), Some(false)).await
                }

                async fn branch(&self, slug: &RepoSlug, branch: &BranchName) -> ForgeResult<Option<ObjectId>> {
                    self.around(reading("branch", slug, branch), self.inner().branch(slug, branch), Some(None)).await
                }

                async fn branches(&self, slug: &RepoSlug, prefix: &str) -> ForgeResult<Vec<(BranchName, ObjectId)>> {
                    let call = reading("branches", slug, prefix);
                    self.around(call, self.inner().branches(slug, prefix), Some(Vec::new())).await
                }

                async fn commit(&self, slug: &RepoSlug, id: &ObjectId) -> ForgeResult<Commit> {
                    self.around(reading("commit", slug, id), self.inner().commit(slug, id), None).await
                }

                async fn is_ancestor(&self, slug: &RepoSlug, old: &ObjectId, new: &ObjectId) -> ForgeResult<bool> {
                    let call = reading("is_ancestor", slug, format_args!("{old} {new}"));
                    self.around(call, self.inner().is_ancestor(slug, old, new), None).await
                }

                async fn ahead(&self, slug: &RepoSlug, base: &ObjectId, head: &ObjectId) -> ForgeResult<Ahead> {
                    let call = reading("ahead", slug, format_args!("{base} {head}"));
                    self.around(call, self.inner().ahead(slug, base, head), None).await
                }

                async fn tree(&self, slug: &RepoSlug, id: &ObjectId) -> ForgeResult<Vec<TreeEntry>> {
                    self.around(reading("tree", slug, id), self.inner().tree(slug, id), None).await
                }

                async fn blob(&self, slug: &RepoSlug, id: &ObjectId) -> ForgeResult<Vec<u8>> {
                    self.around(reading("blob", slug, id), self.inner().blob(slug, id), None).await
                }

                async fn glance(&self, queries: &[GlanceQuery]) -> ForgeResult<Vec<ForgeResult<Glance>>> {
                    let summary = format!("{} repositories", queries.len());
                    let call = Call { op: "glance", slug: None, summary, write: false };
                    self.around(call, self.inner().glance(queries), None).await
                }

                async fn runs(
                    &self,
                    slug: &RepoSlug,
                    branch: &BranchName,
                    page: Option<&str>,
                ) -> ForgeResult<Page<WorkflowRun>> {
                    let call = reading("runs", slug, branch);
                    self.around(call, self.inner().runs(slug, branch, page), Some(nothing())).await
                }

                async fn jobs(&self, slug: &RepoSlug, run: u64, page: Option<&str>) -> ForgeResult<Page<Job>> {
                    self.around(reading("jobs", slug, run), self.inner().jobs(slug, run, page), Some(nothing())).await
                }

                async fn job_log(&self, slug: &RepoSlug, job: u64, limit: usize) -> ForgeResult<JobLog> {
                    self.around(reading("job_log", slug, job), self.inner().job_log(slug, job, limit), None).await
                }

                async fn artifacts(&self, slug: &RepoSlug, page: Option<&str>) -> ForgeResult<Page<Artifact>> {
                    let call = reading("artifacts", slug, page.unwrap_or_default());
                    self.around(call, self.inner().artifacts(slug, page), Some(nothing())).await
                }

                async fn artifact(&self, slug: &RepoSlug, id: u64, limit: usize) -> ForgeResult<Vec<u8>> {
                    self.around(reading("artifact", slug, id), self.inner().artifact(slug, id, limit), None).await
                }

                async fn create_blob(&self, slug: &RepoSlug, content: &[u8]) -> ForgeResult<ObjectId> {
                    let call = writing("create_blob", slug, format_args!("{} bytes", content.len()));
                    self.around(call, self.inner().create_blob(slug, content), None).await
                }

                async fn create_tree(
                    &self,
                    slug: &RepoSlug,
                    base: Option<&ObjectId>,
                    changes: &[TreeChange],
                ) -> ForgeResult<ObjectId> {
                    let paths: Vec<&str> = changes.iter().map(|change| change.path.as_str()).collect();
                    let call = writing("create_tree", slug, paths.join(" "));
                    self.around(call, self.inner().create_tree(slug, base, changes), None).await
                }

                async fn create_commit(&self, slug: &RepoSlug, commit: &NewCommit) -> ForgeResult<ObjectId> {
                    let call = writing("create_commit", slug, first_line(&commit.message));
                    self.around(call, self.inner().create_commit(slug, commit), None).await
                }

                async fn create_branch(
                    &self,
                    slug: &RepoSlug,
                    branch: &BranchName,
                    target: &ObjectId,
                ) -> ForgeResult<()> {
                    let call = writing("create_branch", slug, branch);
                    self.around(call, self.inner().create_branch(slug, branch, target), None).await
                }

                async fn advance_branch(
                    &self,
                    slug: &RepoSlug,
                    branch: &BranchName,
                    expected: &ObjectId,
                    target: &ObjectId,
                ) -> ForgeResult<()> {
                    let call = writing("advance_branch", slug, branch);
                    self.around(call, self.inner().advance_branch(slug, branch, expected, target), None).await
                }

                async fn delete_branch(&self, slug: &RepoSlug, branch: &BranchName, at: &ObjectId) -> ForgeResult<()> {
                    let call = writing("delete_branch", slug, branch);
                    self.around(call, self.inner().delete_branch(slug, branch, at), None).await
                }

                async fn create_pull(&self, slug: &RepoSlug, pull: &NewPull) -> ForgeResult<PullRequest> {
                    let call = writing("create_pull", slug, format_args!("{} {}", pull.head, first_line(&pull.title)));
                    self.around(call, self.inner().create_pull(slug, pull), None).await
                }

                async fn edit_pull(&self, slug: &RepoSlug, number: u64, edit: &PullEdit) -> ForgeResult<()> {
                    self.around(writing("edit_pull", slug, number), self.inner().edit_pull(slug, number, edit), None)
                        .await
                }

                async fn create_label(&self, slug: &RepoSlug, label: &Label) -> ForgeResult<()> {
                    let call = writing("create_label", slug, &label.name);
                    self.around(call, self.inner().create_label(slug, label), None).await
                }

                async fn add_labels(&self, slug: &RepoSlug, number: u64, labels: &[String]) -> ForgeResult<()> {
                    let call = writing("add_labels", slug, format_args!("{number} {}", labels.join(" ")));
                    self.around(call, self.inner().add_labels(slug, number, labels), None).await
                }

                async fn remove_label(&self, slug: &RepoSlug, number: u64, label: &str) -> ForgeResult<()> {
                    let call = writing("remove_label", slug, format_args!("{number} {label}"));
                    self.around(call, self.inner().remove_label(slug, number, label), None).await
                }

                async fn request_reviewers(
                    &self,
                    slug: &RepoSlug,
                    number: u64,
                    people: &[String],
                    teams: &[String],
                ) -> ForgeResult<()> {
                    let call = writing(
                        "request_reviewers",
                        slug,
                        format_args!("{number} {}", [people, teams].concat().join(" ")),
                    );
                    self.around(call, self.inner().request_reviewers(slug, number, people, teams), None).await
                }

                async fn add_assignees(&self, slug: &RepoSlug, number: u64, people: &[String]) -> ForgeResult<()> {
                    let call = writing("add_assignees", slug, format_args!("{number} {}", people.join(" ")));
                    self.around(call, self.inner().add_assignees(slug, number, people), None).await
                }

                async fn set_milestone(&self, slug: &RepoSlug, number: u64, title: &str) -> ForgeResult<()> {
                    let call = writing("set_milestone", slug, format_args!("{number} {}", first_line(title)));
                    self.around(call, self.inner().set_milestone(slug, number, title), None).await
                }

                async fn enable_auto_merge(
                    &self,
                    slug: &RepoSlug,
                    number: u64,
                    method: MergeMethod,
                    expected: &ObjectId,
                ) -> ForgeResult<()> {
                    let call = writing("enable_auto_merge", slug, format_args!("{number} {method}"));
                    self.around(call, self.inner().enable_auto_merge(slug, number, method, expected), None).await
                }

                async fn create_issue(&self, slug: &RepoSlug, title: &str, body: &str) -> ForgeResult<Issue> {
                    let call = writing("create_issue", slug, first_line(title));
                    self.around(call, self.inner().create_issue(slug, title, body), None).await
                }

                async fn dispatch_workflow(
                    &self,
                    slug: &RepoSlug,
                    workflow: &str,
                    branch: &BranchName,
                ) -> ForgeResult<()> {
                    let call = writing("dispatch_workflow", slug, format_args!("{workflow} {branch}"));
                    self.around(call, self.inner().dispatch_workflow(slug, workflow, branch), None).await
                }

                async fn create_comment(&self, slug: &RepoSlug, number: u64, body: &str) -> ForgeResult<Comment> {
                    let call = writing("create_comment", slug, format_args!("{number} {}", first_line(body)));
                    self.around(call, self.inner().create_comment(slug, number, body), None).await
                }

                async fn edit_comment(&self, slug: &RepoSlug, id: u64, body: &str) -> ForgeResult<()> {
                    let call = writing("edit_comment", slug, format_args!("{id} {}", first_line(body)));
                    self.around(call, self.inner().edit_comment(slug, id, body), None).await
                }

                async fn react(&self, slug: &RepoSlug, comment: u64, reaction: Reaction) -> ForgeResult<()> {
                    let call = writing("react", slug, format_args!("{comment} {}", reaction.as_str()));
                    self.around(call, self.inner().react(slug, comment, reaction), None).await
                }
            }
        };
    };
}
