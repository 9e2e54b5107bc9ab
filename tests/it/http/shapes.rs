//! GitHub's JSON shapes, made of what the memory forge holds.
//!
//! Every required member of the published description is there; what Homeostat never reads is filled with what a quiet
//! repository would show.

use homeostat::forge::rules::{
    CommentRecord, Mergeable, OUR_LOGIN, PullRecord, RepositoryRecord, RunRecord, ThreadRecord, actor, repository_id,
};
use homeostat::forge::{Artifact, Commit, IssueEvent, IssueEventKind, Label};
use homeostat::model::{Actor, ActorKind, ObjectId, Permission, RepoSlug, Timestamp};
use serde_json::{Map, Value, json};

use super::exchange::rfc3339;

/// Where the API and the pages for people are.
#[derive(Debug, Clone)]
pub(super) struct Site {
    /// Base of the API, without a slash at its end.
    pub(super) api: String,
    /// Base of the pages for people.
    pub(super) html: String,
}

/// Links of an account.
const USER_LINKS: [(&str, &str); 10] = [
    ("url", ""),
    ("followers_url", "/followers"),
    ("following_url", "/following{/other_user}"),
    ("gists_url", "/gists{/gist_id}"),
    ("starred_url", "/starred{/owner}{/repo}"),
    ("subscriptions_url", "/subscriptions"),
    ("organizations_url", "/orgs"),
    ("repos_url", "/repos"),
    ("events_url", "/events{/privacy}"),
    ("received_events_url", "/received_events"),
];

/// Links of a repository.
const REPOSITORY_LINKS: [(&str, &str); 38] = [
    ("url", ""),
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("hooks_url", "/hooks"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    ("notifications_url", "/notifications{?since,all,participating}"),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("tags_url", "/tags"),
    ("teams_url", "/teams"),
    ("trees_url", "/git/trees{/sha}"),
    ("svn_url", ""),
];

/// A node id: opaque, and different for each thing.
pub(super) fn node_id(kind: &str, id: u64) -> String {
    format!("{kind}_{id:016x}")
}

/// Puts the members of one object into another.
fn merged(mut left: Value, right: Value) -> Value {
    if let (Some(left), Value::Object(right)) = (left.as_object_mut(), right) {
        left.extend(right);
    }
    left
}

impl Site {
    pub(super) fn repo(&self, slug: &RepoSlug) -> String {
        format!("{}/repos/{slug}", self.api)
    }

    pub(super) fn page(&self, slug: &RepoSlug) -> String {
        format!("{}/{slug}", self.html)
    }

    pub(super) fn user(&self, who: &Actor) -> Value {
        let root = format!("{}/users/{}", self.api, who.login);
        let mut all: Map<String, Value> =
            USER_LINKS.iter().map(|(name, rest)| ((*name).to_owned(), json!(format!("{root}{rest}")))).collect();
        let kind = if who.kind == ActorKind::Bot { "Bot" } else { "User" };
        let more = json!({
            "login": who.login, "id": who.id, "node_id": node_id("U", who.id), "avatar_url": "", "gravatar_id": "",
            "html_url": format!("{}/{}", self.html, who.login), "type": kind, "site_admin": false,
        });
        all.extend(more.as_object().cloned().unwrap_or_default());
        Value::Object(all)
    }

    /// An account as `/user` and `/users/{login}` show it.
    pub(super) fn account(&self, who: &Actor) -> Value {
        merged(
            self.user(who),
            json!({
                "name": null, "company": null, "blog": "", "location": null, "email": null, "hireable": null, "bio": null,
                "public_repos": 1, "public_gists": 0, "followers": 0, "following": 0,
                "created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z",
            }),
        )
    }

    /// A repository with every member that any of its shapes has.
    pub(super) fn repository(&self, slug: &RepoSlug, record: &RepositoryRecord) -> Value {
        let root = self.repo(slug);
        let mut all: Map<String, Value> =
            REPOSITORY_LINKS.iter().map(|(name, rest)| ((*name).to_owned(), json!(format!("{root}{rest}")))).collect();
        let page = self.page(slug);
        let more = json!({
            "id": record.id, "node_id": node_id("R", record.id), "name": slug.name(), "full_name": slug.to_string(),
            "owner": self.user(&actor(slug.owner())), "private": record.private, "html_url": page,
            "visibility": if record.private { "private" } else { "public" },
            "description": null, "fork": false, "default_branch": record.default_branch.as_str(),
            "clone_url": format!("{page}.git"), "git_url": format!("{page}.git"), "ssh_url": format!("{page}.git"),
        });
        let quiet = json!({
            "homepage": null, "language": null, "license": null, "mirror_url": null, "size": 1, "topics": [],
            "forks": 0, "forks_count": 0, "stargazers_count": 0, "watchers": 0, "watchers_count": 0, "network_count": 0,
            "subscribers_count": 0, "open_issues": 0, "open_issues_count": 0, "archived": false, "disabled": false,
            "has_issues": true, "has_projects": false, "has_wiki": false, "has_pages": false, "has_downloads": false,
            "has_discussions": false, "created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z",
            "pushed_at": "2020-01-01T00:00:00Z", "allow_auto_merge": true, "allow_squash_merge": true,
            "permissions": {"admin": false, "maintain": false, "push": true, "triage": true, "pull": true},
        });
        all.extend(merged(more, quiet).as_object().cloned().unwrap_or_default());
        Value::Object(all)
    }

    pub(super) fn label(&self, slug: &RepoSlug, label: &Label) -> Value {
        let id = stable_number(&[slug.name(), &label.name]);
        json!({
            "id": id, "node_id": node_id("LA", id), "url": format!("{}/labels/{}", self.repo(slug), label.name),
            "name": label.name, "color": label.color, "default": false, "description": label.description,
        })
    }

    fn labels(&self, slug: &RepoSlug, thread: &ThreadRecord, known: &[Label]) -> Vec<Value> {
        let of = |name: &String| {
            let found = known.iter().find(|label| label.name == *name).cloned();
            found.unwrap_or(Label { name: name.clone(), color: "ededed".to_owned(), description: String::new() })
        };
        thread.labels.iter().map(|name| self.label(slug, &of(name))).collect()
    }

    pub(super) fn milestone(&self, slug: &RepoSlug, place: usize, title: &str) -> Value {
        let (number, root) = (place + 1, self.repo(slug));
        let id = stable_number(&["milestone", title]);
        json!({
            "url": format!("{root}/milestones/{number}"), "html_url": format!("{}/milestone/{number}", self.page(slug)),
            "labels_url": format!("{root}/milestones/{number}/labels"), "id": id, "node_id": node_id("MI", id),
            "number": number, "state": "open", "title": title, "description": null,
            "creator": self.user(&actor(slug.owner())), "open_issues": 0, "closed_issues": 0,
            "created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z", "closed_at": null, "due_on": null,
        })
    }

    /// What issues and pull requests share.
    fn thread(&self, slug: &RepoSlug, thread: &ThreadRecord, known: &[Label], milestones: &[String]) -> Value {
        let place = thread.milestone.as_ref().and_then(|title| milestones.iter().position(|known| known == title));
        let milestone = place.map_or(Value::Null, |place| self.milestone(slug, place, &milestones[place]));
        let assignees: Vec<Value> = thread.assignees.iter().map(|login| self.user(&actor(login))).collect();
        json!({
            "number": thread.number, "title": thread.title, "body": thread.body,
            "user": self.user(&thread.author.clone().unwrap_or_else(|| actor(slug.owner()))),
            "state": if thread.open { "open" } else { "closed" }, "locked": thread.locked, "active_lock_reason": null,
            "labels": self.labels(slug, thread, known), "milestone": milestone,
            "assignee": assignees.first(), "assignees": assignees, "author_association": "NONE",
            "created_at": rfc3339(thread.created_at), "updated_at": rfc3339(thread.updated_at),
            "closed_at": thread.closed_at.map(rfc3339),
        })
    }

    pub(super) fn issue(
        &self,
        slug: &RepoSlug,
        thread: &ThreadRecord,
        comments: usize,
        known: &[Label],
        milestones: &[String],
    ) -> Value {
        let (number, root, page) = (thread.number, self.repo(slug), self.page(slug));
        let id = repository_id(slug) * 1_000 + number;
        let kind = if thread.pull.is_some() { "pull" } else { "issues" };
        let mut all = merged(
            self.thread(slug, thread, known, milestones),
            json!({
                "id": id, "node_id": node_id("I", id), "url": format!("{root}/issues/{number}"), "repository_url": root,
                "labels_url": format!("{root}/issues/{number}/labels{{/name}}"),
                "comments_url": format!("{root}/issues/{number}/comments"),
                "events_url": format!("{root}/issues/{number}/events"),
                "html_url": format!("{page}/{kind}/{number}"), "comments": comments,
            }),
        );
        if let Some(pull) = &thread.pull {
            all["pull_request"] = json!({
                "url": format!("{root}/pulls/{number}"), "html_url": format!("{page}/pull/{number}"),
                "diff_url": format!("{page}/pull/{number}.diff"), "patch_url": format!("{page}/pull/{number}.patch"),
                "merged_at": pull.merged_at.map(rfc3339),
            });
        }
        all
    }

    pub(super) fn comment(&self, slug: &RepoSlug, number: u64, comment: &CommentRecord, id: u64) -> Value {
        let root = self.repo(slug);
        json!({
            "id": id, "node_id": node_id("IC", id), "url": format!("{root}/issues/comments/{id}"),
            "html_url": format!("{}/issues/{number}#issuecomment-{id}", self.page(slug)),
            "issue_url": format!("{root}/issues/{number}"), "body": comment.body,
            "user": self.user(&comment.author.clone().unwrap_or_else(|| actor(slug.owner()))),
            "created_at": rfc3339(comment.created_at), "updated_at": rfc3339(comment.created_at),
            "author_association": "NONE",
        })
    }

    /// A reaction of ours.
    pub(super) fn reaction(&self, comment: u64, content: &str, at: Timestamp) -> Value {
        let id = comment * 10 + content.len() as u64;
        json!({
            "id": id, "node_id": node_id("REA", id), "user": self.user(&actor(OUR_LOGIN)), "content": content,
            "created_at": rfc3339(at),
        })
    }

    /// One happening as `/events` and `/timeline` tell it; an edited body is told by neither.
    pub(super) fn event(&self, slug: &RepoSlug, event: &IssueEvent) -> Option<Value> {
        let label = |name: &str| json!({"name": name, "color": "ededed"});
        let (word, more) = match &event.kind {
            IssueEventKind::Labeled(name) => ("labeled", json!({"label": label(name)})),
            IssueEventKind::Unlabeled(name) => ("unlabeled", json!({"label": label(name)})),
            IssueEventKind::Closed => ("closed", json!({"state_reason": null})),
            IssueEventKind::Reopened => ("reopened", json!({"state_reason": null})),
            IssueEventKind::Edited => return None,
        };
        let all = json!({
            "id": event.id, "node_id": node_id("EV", event.id),
            "url": format!("{}/issues/events/{}", self.repo(slug), event.id),
            "actor": event.actor.as_ref().map(|who| self.user(who)), "event": word, "commit_id": null, "commit_url": null,
            "created_at": rfc3339(event.at), "performed_via_github_app": null,
        });
        Some(merged(all, more))
    }

    /// A pull request with every member that any of its shapes has.
    pub(super) fn pull(
        &self,
        slug: &RepoSlug,
        repository: &RepositoryRecord,
        thread: &ThreadRecord,
        pull: &PullRecord,
        known: &[Label],
        milestones: &[String],
    ) -> Value {
        let (number, root, page) = (thread.number, self.repo(slug), self.page(slug));
        let id = repository_id(slug) * 1_000 + number;
        let side = |name: &str, sha: &str| {
            json!({
                "label": format!("{}:{name}", slug.owner()), "ref": name, "sha": sha,
                "user": self.user(&actor(slug.owner())), "repo": self.repository(slug, repository),
            })
        };
        let link = |rest: &str| json!({"href": format!("{root}{rest}")});
        let reviewers = thread.reviewers.iter().filter(|name| !name.starts_with('/'));
        let reviewers: Vec<Value> = reviewers.map(|login| self.user(&actor(login))).collect();
        let auto_merge = pull.auto_merge.filter(|_| thread.open).map(|method| {
            let us = self.user(&actor(OUR_LOGIN));
            json!({"enabled_by": us, "merge_method": method, "commit_title": "", "commit_message": ""})
        });
        let (mergeable, state) = match pull.mergeable {
            _ if !thread.open => (None, "unknown"),
            Mergeable::Clean => (Some(true), "clean"),
            Mergeable::Conflicting => (Some(false), "dirty"),
            Mergeable::Unknown => (None, "unknown"),
        };
        let base_sha = pull.base_sha.as_ref().unwrap_or(&pull.head_sha);
        merged(
            self.thread(slug, thread, known, milestones),
            json!({
                "id": id, "node_id": node_id("PR", id), "url": format!("{root}/pulls/{number}"),
                "html_url": format!("{page}/pull/{number}"), "diff_url": format!("{page}/pull/{number}.diff"),
                "patch_url": format!("{page}/pull/{number}.patch"), "issue_url": format!("{root}/issues/{number}"),
                "commits_url": format!("{root}/pulls/{number}/commits"),
                "review_comments_url": format!("{root}/pulls/{number}/comments"),
                "review_comment_url": format!("{root}/pulls/comments{{/number}}"),
                "comments_url": format!("{root}/issues/{number}/comments"),
                "statuses_url": format!("{root}/statuses/{}", pull.head_sha),
                "_links": {
                    "self": link(&format!("/pulls/{number}")), "html": link(&format!("/pulls/{number}")),
                    "issue": link(&format!("/issues/{number}")), "comments": link(&format!("/issues/{number}/comments")),
                    "review_comments": link(&format!("/pulls/{number}/comments")), "review_comment": link("/pulls/comments"),
                    "commits": link(&format!("/pulls/{number}/commits")), "statuses": link("/statuses"),
                },
                "head": side(pull.head.as_str(), pull.head_sha.as_str()),
                "base": side(pull.base.as_str(), base_sha.as_str()),
                "draft": pull.draft, "auto_merge": auto_merge, "requested_reviewers": reviewers, "requested_teams": [],
                "merged_at": pull.merged_at.map(rfc3339), "merge_commit_sha": pull.merge_sha,
                "merged": pull.merged_at.is_some(), "mergeable": mergeable, "rebaseable": null,
                "mergeable_state": state,
                "merged_by": null, "comments": 0, "review_comments": 0, "maintainer_can_modify": false,
                "commits": 1, "additions": 1, "deletions": 1, "changed_files": 1,
            }),
        )
    }

    pub(super) fn review(&self, slug: &RepoSlug, number: u64, pull: &PullRecord, by: &str) -> Value {
        let (root, page) = (self.repo(slug), self.page(slug));
        let id = stable_number(&["review", &number.to_string(), by]);
        let html = format!("{page}/pull/{number}#pullrequestreview-{id}");
        let whole = format!("{root}/pulls/{number}");
        json!({
            "id": id, "node_id": node_id("PRR", id), "user": self.user(&actor(by)), "body": "", "state": "COMMENTED",
            "html_url": html, "pull_request_url": whole, "author_association": "COLLABORATOR",
            "_links": {"html": {"href": html}, "pull_request": {"href": whole}},
            "submitted_at": "2027-01-15T08:00:00Z", "commit_id": pull.head_sha,
        })
    }

    pub(super) fn git_ref(&self, slug: &RepoSlug, name: &str, id: &str) -> Value {
        let root = self.repo(slug);
        json!({
            "ref": format!("refs/heads/{name}"), "node_id": node_id("REF", stable_number(&[name])),
            "url": format!("{root}/git/refs/heads/{name}"),
            "object": {"sha": id, "type": "commit", "url": format!("{root}/git/commits/{id}")},
        })
    }

    /// A commit as the database of git objects shows it. GitHub gives its message without the line's end.
    pub(super) fn git_commit(&self, slug: &RepoSlug, commit: &Commit, by: &str, at: Timestamp) -> Value {
        let (root, id) = (self.repo(slug), &commit.id);
        let who = json!({"name": by, "email": format!("{by}@users.noreply.github.com"), "date": rfc3339(at)});
        let parents: Vec<Value> = commit.parents.iter().map(|parent| self.parent(slug, parent)).collect();
        json!({
            "sha": id, "node_id": format!("C_{id}"), "url": format!("{root}/git/commits/{id}"),
            "html_url": format!("{}/commit/{id}", self.page(slug)), "author": who, "committer": who,
            "message": commit.message.trim_end_matches('\n'),
            "tree": {"sha": commit.tree, "url": format!("{root}/git/trees/{}", commit.tree)},
            "parents": parents,
            "verification": {"verified": false, "reason": "unsigned", "signature": null, "payload": null, "verified_at": null},
        })
    }

    fn parent(&self, slug: &RepoSlug, id: &ObjectId) -> Value {
        json!({
            "sha": id, "url": format!("{}/git/commits/{id}", self.repo(slug)),
            "html_url": format!("{}/commit/{id}", self.page(slug)),
        })
    }

    /// A commit as the history shows it.
    pub(super) fn commit(&self, slug: &RepoSlug, commit: &Commit, by: &str, at: Timestamp) -> Value {
        let (root, id) = (self.repo(slug), &commit.id);
        let who = json!({"name": by, "email": format!("{by}@users.noreply.github.com"), "date": rfc3339(at)});
        let parents: Vec<Value> = commit.parents.iter().map(|parent| self.parent(slug, parent)).collect();
        json!({
            "sha": id, "node_id": format!("C_{id}"), "url": format!("{root}/commits/{id}"),
            "html_url": format!("{}/commit/{id}", self.page(slug)), "comments_url": format!("{root}/commits/{id}/comments"),
            "commit": {
                "url": format!("{root}/git/commits/{id}"), "author": who, "committer": who,
                "message": commit.message.trim_end_matches('\n'), "comment_count": 0,
                "tree": {"sha": commit.tree, "url": format!("{root}/git/trees/{}", commit.tree)},
            },
            "author": self.user(&actor(by)), "committer": self.user(&actor(by)), "parents": parents,
        })
    }

    pub(super) fn run(&self, slug: &RepoSlug, repository: &RepositoryRecord, number: u64, run: &RunRecord) -> Value {
        let (root, page) = (self.repo(slug), self.page(slug));
        let url = format!("{root}/actions/runs/{number}");
        let home = self.repository(slug, repository);
        let fork: Option<RepoSlug> = format!("stranger/{}", slug.name()).parse().ok().filter(|_| run.fork);
        let head = fork.map_or_else(
            || home.clone(),
            |fork| self.repository(&fork, &RepositoryRecord { id: repository_id(&fork), ..repository.clone() }),
        );
        let workflow = stable_number(&["workflow", &run.workflow]);
        json!({
            "id": number, "node_id": node_id("WFR", number), "name": run.name, "display_title": run.name,
            "head_branch": run.branch, "head_sha": run.commit, "path": format!(".github/workflows/{}", run.workflow),
            "run_number": number, "run_attempt": run.attempt, "event": run.event, "status": "completed",
            "conclusion": run.conclusion, "workflow_id": workflow, "check_suite_id": number,
            "check_suite_node_id": node_id("CS", number), "url": url, "html_url": format!("{page}/actions/runs/{number}"),
            "pull_requests": [], "created_at": rfc3339(run.created_at), "updated_at": rfc3339(run.completed_at),
            "run_started_at": rfc3339(run.created_at),
            "actor": self.user(&run.actor.clone().unwrap_or_else(|| actor(slug.owner()))),
            "triggering_actor": self.user(&run.actor.clone().unwrap_or_else(|| actor(slug.owner()))),
            "jobs_url": format!("{url}/jobs"), "logs_url": format!("{url}/logs"),
            "check_suite_url": format!("{root}/check-suites/{number}"), "artifacts_url": format!("{url}/artifacts"),
            "cancel_url": format!("{url}/cancel"), "rerun_url": format!("{url}/rerun"), "previous_attempt_url": null,
            "workflow_url": format!("{root}/actions/workflows/{workflow}"), "head_commit": null,
            "repository": home, "head_repository": head,
        })
    }

    pub(super) fn artifact(&self, slug: &RepoSlug, repository: &RepositoryRecord, artifact: &Artifact) -> Value {
        let (id, at) = (artifact.id, rfc3339(artifact.created_at));
        let url = format!("{}/actions/artifacts/{id}", self.repo(slug));
        let fork = format!("stranger/{}", slug.name()).parse().map_or(0, |fork| repository_id(&fork));
        let run = artifact.origin.as_ref().map(|origin| {
            json!({
                "id": origin.run, "repository_id": repository.id, "head_branch": origin.branch,
                "head_repository_id": origin.head_repository.unwrap_or(fork), "head_sha": "0".repeat(40),
            })
        });
        json!({
            "id": id, "node_id": node_id("A", id), "name": artifact.name, "size_in_bytes": artifact.size, "url": url,
            "archive_download_url": format!("{url}/zip"), "expired": artifact.expired, "created_at": at,
            "expires_at": at, "updated_at": at, "digest": null, "workflow_run": run,
        })
    }

    pub(super) fn job(&self, slug: &RepoSlug, number: u64, place: usize, run: &RunRecord) -> Value {
        let (root, page, job) = (self.repo(slug), self.page(slug), &run.jobs[place]);
        let id = number * 1_000 + place as u64;
        let steps: Vec<Value> = job
            .steps
            .iter()
            .map(|step| {
                let status = if step.conclusion.is_some() { "completed" } else { "in_progress" };
                json!({"name": step.name, "status": status, "conclusion": step.conclusion, "number": step.number})
            })
            .collect();
        json!({
            "id": id, "node_id": node_id("CR", id), "run_id": number, "run_attempt": run.attempt,
            "run_url": format!("{root}/actions/runs/{number}"), "url": format!("{root}/actions/jobs/{id}"),
            "html_url": format!("{page}/actions/runs/{number}/job/{id}"), "check_run_url": format!("{root}/check-runs/{id}"),
            "head_sha": run.commit, "head_branch": run.branch, "name": job.name, "workflow_name": run.name,
            "status": "completed", "conclusion": job.conclusion, "created_at": rfc3339(run.created_at),
            "started_at": rfc3339(run.created_at), "completed_at": rfc3339(run.completed_at), "steps": steps,
            "labels": job.runner_labels, "runner_id": 1, "runner_name": "runner", "runner_group_id": 1,
            "runner_group_name": "group",
        })
    }
}

impl Site {
    pub(super) fn check_run(&self, slug: &RepoSlug, number: u64, place: usize, run: &RunRecord) -> Value {
        let (root, job) = (self.repo(slug), &run.jobs[place]);
        let id = number * 1_000 + place as u64;
        let url = format!("{root}/check-runs/{id}");
        json!({
            "id": id, "node_id": node_id("CR", id), "head_sha": run.commit, "name": job.name, "url": url,
            "html_url": format!("{}/actions/runs/{number}/job/{id}", self.page(slug)), "details_url": null,
            "status": "completed", "conclusion": job.conclusion, "started_at": rfc3339(run.created_at),
            "completed_at": rfc3339(run.completed_at), "external_id": "", "check_suite": {"id": number},
            "output": {"title": null, "summary": null, "text": null, "annotations_count": 0,
                "annotations_url": format!("{url}/annotations")},
            "app": null, "pull_requests": [],
        })
    }
}

/// Returns GitHub's words for what an account may do: the old four, and the role.
pub(super) const fn permission(may: Permission) -> (&'static str, &'static str) {
    match may {
        Permission::None => ("none", "none"),
        Permission::Read => ("read", "read"),
        Permission::Triage => ("read", "triage"),
        Permission::Write => ("write", "write"),
        Permission::Maintain => ("write", "maintain"),
        Permission::Admin => ("admin", "admin"),
    }
}

/// A number that depends on the parts alone.
pub(super) fn stable_number(parts: &[&str]) -> u64 {
    actor(&parts.join("\n")).id
}
