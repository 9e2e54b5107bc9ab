//! The port's operations, each by GitHub's rules. Layer 2.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use super::page::page_of;
use super::record::comment_place;
use super::{
    CommentRecord, Embedded, Happening, NewIssue, Object, ObjectKind, Storage, ThreadKind, actor, object, pull_key,
    ref_key,
};
use crate::forge::{
    Ahead, Artifact, Checks, Comment, Commit, FOLDER_IN_THE_WAY, Forge, ForgeError, ForgeResult, Glance, GlanceQuery,
    Issue, IssueEvent, IssueEventKind, IssueQuery, Job, JobLog, Label, NewCommit, NewPull, Page, PullEdit, PullQuery,
    PullRequest, PullState, Reaction, Repository, Standing, TreeChange, TreeEntry, WorkflowRun,
};
use crate::model::{Actor, BranchName, MergeMethod, ObjectId, Permission, RepoSlug, Timestamp};

#[async_trait]
impl<S: Storage> Forge for Embedded<S> {
    fn lags(&self) -> bool {
        self.is_late()
    }

    async fn now(&self) -> ForgeResult<Timestamp> {
        Ok(self.time())
    }

    async fn identity(&self) -> ForgeResult<Actor> {
        Ok(self.us())
    }

    async fn repository(&self, slug: &RepoSlug) -> ForgeResult<Repository> {
        let record = self.storage.repository(slug).await?;
        Ok(Repository {
            id: record.id,
            slug: slug.clone(),
            default_branch: record.default_branch,
            private: record.private,
            url: self.storage.url(slug, None),
        })
    }

    async fn permission(&self, slug: &RepoSlug, who: &Actor) -> ForgeResult<Permission> {
        let repository = self.storage.repository(slug).await?;
        // The id is the identity: an account that only shows someone's login is not that account (V-05).
        let is = |login: &str| actor(login).id == who.id;
        if is(slug.owner()) {
            return Ok(Permission::Admin);
        }
        if is(&self.settings.login) {
            return Ok(Permission::Write);
        }
        let said = self.storage.people(slug).await?;
        let stranger = if repository.private { Permission::None } else { Permission::Read };
        Ok(said.into_iter().find(|(login, _)| is(login)).map_or(stranger, |(_, permission)| permission))
    }

    async fn issues(&self, slug: &RepoSlug, query: &IssueQuery, page: Option<&str>) -> ForgeResult<Page<Issue>> {
        self.storage.repository(slug).await?;
        let listed = self.storage.threads(slug, ThreadKind::Issue).await?;
        let fits = |issue: &Issue| {
            (!query.open_only || issue.open)
                && query.since.is_none_or(|since| issue.updated_at >= since)
                && query.label.as_ref().is_none_or(|want| issue.labels.iter().any(|has| has.eq_ignore_ascii_case(want)))
        };
        let all: Vec<Issue> = listed
            .records
            .iter()
            .map(|record| record.to_issue(self.storage.url(slug, Some((ThreadKind::Issue, record.number)))))
            .filter(fits)
            .collect();
        let first = page.is_none();
        let mut page = page_of(all, &format!("the issues of {slug}"), page, self.settings.page_size)?;
        if first {
            page.broken = listed.broken;
        }
        Ok(page)
    }

    async fn issue(&self, slug: &RepoSlug, number: u64) -> ForgeResult<Issue> {
        self.storage.repository(slug).await?;
        let record = self.thread_or_not_found(slug, number).await?;
        Ok(record.to_issue(self.storage.url(slug, Some((record.kind(), number)))))
    }

    async fn comments(&self, slug: &RepoSlug, number: u64, page: Option<&str>) -> ForgeResult<Page<Comment>> {
        self.storage.repository(slug).await?;
        self.require_thread(slug, number).await?;
        let all = self.storage.comments(slug, number).await?;
        let all = all.iter().map(|record| record.to_comment(number)).collect();
        page_of(all, &format!("the comments of {slug}#{number}"), page, self.settings.page_size)
    }

    async fn issue_events(&self, slug: &RepoSlug, number: u64, page: Option<&str>) -> ForgeResult<Page<IssueEvent>> {
        self.storage.repository(slug).await?;
        self.require_thread(slug, number).await?;
        let all = self.storage.events(slug, number).await?;
        page_of(all, &format!("the events of {slug}#{number}"), page, self.settings.page_size)
    }

    async fn pulls(&self, slug: &RepoSlug, query: &PullQuery, page: Option<&str>) -> ForgeResult<Page<PullRequest>> {
        self.storage.repository(slug).await?;
        let mut all = self.pulls_now(slug, query.head.as_ref()).await?;
        all.retain(|pull| !query.open_only || pull.state == PullState::Open);
        all.retain(|pull| !self.is_unseen(slug, &pull_key(pull.number), self.settings.pull_lag));
        all.sort_by_key(|pull| std::cmp::Reverse(pull.number));
        page_of(all, &format!("the pull requests of {slug}"), page, self.settings.page_size)
    }

    async fn pull(&self, slug: &RepoSlug, number: u64) -> ForgeResult<PullRequest> {
        self.storage.repository(slug).await?;
        self.pull_now(slug, number).await
    }

    async fn standing(&self, slug: &RepoSlug, number: u64) -> ForgeResult<Standing> {
        self.storage.repository(slug).await?;
        self.standing_now(slug, number).await
    }

    async fn checks(&self, slug: &RepoSlug, commit: &ObjectId) -> ForgeResult<Checks> {
        self.storage.repository(slug).await?;
        self.checks_of(slug, commit).await
    }

    async fn dispatched(&self, slug: &RepoSlug, workflow: &str, commit: &ObjectId) -> ForgeResult<bool> {
        self.storage.repository(slug).await?;
        self.was_dispatched(slug, workflow, commit).await
    }

    async fn branch(&self, slug: &RepoSlug, branch: &BranchName) -> ForgeResult<Option<ObjectId>> {
        self.storage.repository(slug).await?;
        Ok(self.visible_refs(slug).await?.remove(branch.as_str()))
    }

    async fn branches(&self, slug: &RepoSlug, prefix: &str) -> ForgeResult<Vec<(BranchName, ObjectId)>> {
        self.storage.repository(slug).await?;
        let refs = self.visible_refs(slug).await?;
        let named = refs.into_iter().filter(|(name, _)| name.starts_with(prefix));
        // A name outside our grammar is a person's and never one of ours.
        Ok(named.filter_map(|(name, id)| Some((name.parse().ok()?, id))).collect())
    }

    async fn commit(&self, slug: &RepoSlug, id: &ObjectId) -> ForgeResult<Commit> {
        self.storage.repository(slug).await?;
        Ok(self.read_commit(slug, id).await?.0)
    }

    async fn is_ancestor(&self, slug: &RepoSlug, ancestor: &ObjectId, descendant: &ObjectId) -> ForgeResult<bool> {
        self.storage.repository(slug).await?;
        self.read_commit(slug, ancestor).await?;
        self.read_commit(slug, descendant).await?;
        self.storage.is_ancestor(slug, ancestor, descendant).await
    }

    async fn ahead(&self, slug: &RepoSlug, base: &ObjectId, head: &ObjectId) -> ForgeResult<Ahead> {
        self.storage.repository(slug).await?;
        self.commits_ahead(slug, base, head).await
    }

    async fn tree(&self, slug: &RepoSlug, id: &ObjectId) -> ForgeResult<Vec<TreeEntry>> {
        self.storage.repository(slug).await?;
        self.list_tree(slug, id).await
    }

    async fn blob(&self, slug: &RepoSlug, id: &ObjectId) -> ForgeResult<Vec<u8>> {
        self.storage.repository(slug).await?;
        match self.read_object(slug, id).await? {
            Some(Object { kind: ObjectKind::Blob, data }) => Ok(data),
            _ => Err(ForgeError::NotFound(format!("{slug} has no blob {id}"))),
        }
    }

    async fn glance(&self, queries: &[GlanceQuery]) -> ForgeResult<Vec<ForgeResult<Glance>>> {
        let mut answers = Vec::with_capacity(queries.len());
        for query in queries {
            answers.push(self.glance_at(query).await);
        }
        Ok(answers)
    }

    async fn runs(&self, slug: &RepoSlug, branch: &BranchName, page: Option<&str>) -> ForgeResult<Page<WorkflowRun>> {
        let (all, broken) = self.runs_of(slug, branch).await?;
        let first = page.is_none();
        let mut page = page_of(all, &format!("the runs of {slug} on {branch}"), page, self.settings.page_size)?;
        if first {
            page.broken = broken;
        }
        Ok(page)
    }

    async fn jobs(&self, slug: &RepoSlug, run: u64, page: Option<&str>) -> ForgeResult<Page<Job>> {
        let all = self.jobs_of(slug, run).await?;
        page_of(all, &format!("the jobs of run {run} of {slug}"), page, self.settings.page_size)
    }

    async fn job_log(&self, slug: &RepoSlug, job: u64, limit: usize) -> ForgeResult<JobLog> {
        self.storage.repository(slug).await?;
        let gone = || ForgeError::NotFound(format!("{slug} has no log of job {job}"));
        let (bytes, cut) = self.storage.job_log(slug, job, limit).await?.ok_or_else(gone)?;
        Ok(JobLog { bytes, cut })
    }

    async fn artifacts(&self, slug: &RepoSlug, page: Option<&str>) -> ForgeResult<Page<Artifact>> {
        let (all, broken) = self.artifacts_of(slug).await?;
        let first = page.is_none();
        let mut page = page_of(all, &format!("the artifacts of {slug}"), page, self.settings.page_size)?;
        if first {
            page.broken = broken;
        }
        Ok(page)
    }

    async fn artifact(&self, slug: &RepoSlug, id: u64, limit: usize) -> ForgeResult<Vec<u8>> {
        self.artifact_bytes(slug, id, limit).await
    }

    async fn create_blob(&self, slug: &RepoSlug, content: &[u8]) -> ForgeResult<ObjectId> {
        self.storage.repository(slug).await?;
        self.storage.store(slug, &Object { kind: ObjectKind::Blob, data: content.to_vec() }).await
    }

    async fn create_tree(
        &self,
        slug: &RepoSlug,
        base: Option<&ObjectId>,
        changes: &[TreeChange],
    ) -> ForgeResult<ObjectId> {
        self.storage.repository(slug).await?;
        self.edit_tree(slug, base, changes).await
    }

    async fn create_commit(&self, slug: &RepoSlug, commit: &NewCommit) -> ForgeResult<ObjectId> {
        self.storage.repository(slug).await?;
        self.write_commit(slug, commit, &self.settings.login).await
    }

    async fn create_branch(&self, slug: &RepoSlug, branch: &BranchName, target: &ObjectId) -> ForgeResult<()> {
        self.storage.repository(slug).await?;
        let _hold = self.storage.exclusive(slug).await?;
        self.require_commit(slug, target).await?;
        let refs = self.storage.refs(slug).await?;
        check_new_ref(&refs, branch)?;
        self.settle_pulls(slug, branch, None).await?;
        self.storage.write_ref(slug, branch, None, Some(target)).await?;
        self.note_birth(slug, ref_key(branch.as_str()));
        Ok(())
    }

    async fn advance_branch(
        &self,
        slug: &RepoSlug,
        branch: &BranchName,
        expected: &ObjectId,
        target: &ObjectId,
    ) -> ForgeResult<()> {
        self.storage.repository(slug).await?;
        let _hold = self.storage.exclusive(slug).await?;
        self.require_commit(slug, target).await?;
        self.require_at(slug, branch, expected).await?;
        if !self.storage.is_ancestor(slug, expected, target).await? {
            return Err(ForgeError::Conflict(format!(
                "{branch} of {slug} cannot move from {} to {}: that is not a fast-forward",
                expected.short(),
                target.short()
            )));
        }
        if expected == target {
            return Ok(());
        }
        self.settle_pulls(slug, branch, None).await?;
        self.storage.write_ref(slug, branch, Some(expected), Some(target)).await?;
        self.forget_mergeability(slug, branch).await
    }

    async fn delete_branch(&self, slug: &RepoSlug, branch: &BranchName, expected: &ObjectId) -> ForgeResult<()> {
        let repository = self.storage.repository(slug).await?;
        if repository.default_branch == *branch {
            return Err(ForgeError::Invalid(format!("{branch} is the default branch of {slug} and cannot be deleted")));
        }
        let _hold = self.storage.exclusive(slug).await?;
        self.require_at(slug, branch, expected).await?;
        self.remove_branch(slug, branch, expected, &self.us()).await
    }

    async fn create_pull(&self, slug: &RepoSlug, pull: &NewPull) -> ForgeResult<PullRequest> {
        self.open_pull(slug, pull, &self.us()).await
    }

    async fn edit_pull(&self, slug: &RepoSlug, number: u64, edit: &PullEdit) -> ForgeResult<()> {
        self.storage.repository(slug).await?;
        if let Some(body) = &edit.body {
            self.check_body(body)?;
        }
        if edit.title.as_ref().is_some_and(|title| title.trim().is_empty()) {
            return Err(ForgeError::Invalid("a pull request needs a title".to_owned()));
        }
        let _hold = self.storage.exclusive(slug).await?;
        self.pull_now(slug, number).await?;
        self.edit_thread(slug, number, edit.title.as_deref(), edit.body.as_deref(), &self.us()).await
    }

    async fn create_label(&self, slug: &RepoSlug, label: &Label) -> ForgeResult<()> {
        self.storage.repository(slug).await?;
        let _hold = self.storage.exclusive(slug).await?;
        let colour_ok = label.color.len() == 6 && label.color.bytes().all(|b| b.is_ascii_hexdigit());
        let name_ok = (1..=50).contains(&label.name.chars().count()) && !label.name.chars().any(char::is_control);
        if !colour_ok || !name_ok || label.description.chars().count() > 100 {
            return Err(ForgeError::Invalid(format!(
                "{:?} is no label: a name has 1 to 50 characters, a colour six hexadecimal digits, a description at most 100",
                label.name
            )));
        }
        if find_label(&self.storage.labels(slug).await?, &label.name).is_some() {
            return Err(ForgeError::Conflict(format!("{slug} has the label {:?} already", label.name)));
        }
        self.storage.put_label(slug, label).await
    }

    async fn add_labels(&self, slug: &RepoSlug, number: u64, labels: &[String]) -> ForgeResult<()> {
        self.storage.repository(slug).await?;
        let _hold = self.storage.exclusive(slug).await?;
        self.thread_or_not_found(slug, number).await?;
        let known = self.storage.labels(slug).await?;
        let mut canonical = Vec::new();
        for label in labels {
            let found = find_label(&known, label)
                .ok_or_else(|| ForgeError::Invalid(format!("{slug} has no label {label:?}")))?;
            canonical.push(found.to_owned());
        }
        self.put_labels_on(slug, number, &canonical, &self.us()).await
    }

    async fn remove_label(&self, slug: &RepoSlug, number: u64, label: &str) -> ForgeResult<()> {
        self.storage.repository(slug).await?;
        let _hold = self.storage.exclusive(slug).await?;
        self.take_label_off(slug, number, label, &self.us()).await
    }

    async fn request_reviewers(
        &self,
        slug: &RepoSlug,
        number: u64,
        people: &[String],
        teams: &[String],
    ) -> ForgeResult<()> {
        self.ask_for_review(slug, number, people, teams).await
    }

    async fn add_assignees(&self, slug: &RepoSlug, number: u64, people: &[String]) -> ForgeResult<()> {
        self.assign(slug, number, people).await
    }

    async fn set_milestone(&self, slug: &RepoSlug, number: u64, title: &str) -> ForgeResult<()> {
        self.put_under_milestone(slug, number, title).await
    }

    async fn enable_auto_merge(
        &self,
        slug: &RepoSlug,
        number: u64,
        method: MergeMethod,
        expected: &ObjectId,
    ) -> ForgeResult<()> {
        self.storage.repository(slug).await?;
        self.let_merge(slug, number, method, expected).await
    }

    async fn create_issue(&self, slug: &RepoSlug, title: &str, body: &str) -> ForgeResult<Issue> {
        let new = NewIssue {
            author: Some(self.us().login),
            title: title.to_owned(),
            body: body.to_owned(),
            labels: Vec::new(),
        };
        let number = self.open_issue(slug, &new).await?;
        self.issue(slug, number).await
    }

    async fn dispatch_workflow(&self, slug: &RepoSlug, workflow: &str, branch: &BranchName) -> ForgeResult<()> {
        self.start_by_dispatch(slug, workflow, branch).await
    }

    async fn create_comment(&self, slug: &RepoSlug, number: u64, body: &str) -> ForgeResult<Comment> {
        self.storage.repository(slug).await?;
        let _hold = self.storage.exclusive(slug).await?;
        let thread = self.thread_or_not_found(slug, number).await?;
        if thread.locked {
            return Err(ForgeError::Denied(format!("{slug}#{number} is locked")));
        }
        self.write_comment(slug, number, body, &self.us()).await
    }

    async fn edit_comment(&self, slug: &RepoSlug, id: u64, body: &str) -> ForgeResult<()> {
        self.storage.repository(slug).await?;
        self.check_body(body)?;
        let _hold = self.storage.exclusive(slug).await?;
        let (number, position) = comment_place(id);
        let comments = self.storage.comments(slug, number).await?;
        let Some(comment) = comments.into_iter().find(|comment| comment.position == position) else {
            return Err(ForgeError::NotFound(format!("{slug} has no comment {id}")));
        };
        if comment.author.as_ref().map(|author| author.id) != Some(self.us().id) {
            return Err(ForgeError::Denied(format!("comment {id} of {slug} is someone else's")));
        }
        if comment.body == body {
            return Ok(());
        }
        self.storage.put_comment(slug, number, &CommentRecord { body: body.to_owned(), ..comment }).await
    }

    async fn react(&self, slug: &RepoSlug, comment: u64, reaction: Reaction) -> ForgeResult<()> {
        self.storage.repository(slug).await?;
        let _hold = self.storage.exclusive(slug).await?;
        let (number, position) = comment_place(comment);
        let comments = self.storage.comments(slug, number).await?;
        let Some(mut record) = comments.into_iter().find(|record| record.position == position) else {
            return Err(ForgeError::NotFound(format!("{slug} has no comment {comment}")));
        };
        if !record.reactions.insert(reaction) {
            return Ok(());
        }
        self.storage.put_comment(slug, number, &record).await
    }
}

/// What several operations share: each is called with the repository held.
impl<S: Storage> Embedded<S> {
    pub(super) async fn read_object(&self, slug: &RepoSlug, id: &ObjectId) -> ForgeResult<Option<Object>> {
        Ok(self.storage.objects(slug, std::slice::from_ref(id)).await?.pop().flatten())
    }

    pub(super) async fn read_commit(&self, slug: &RepoSlug, id: &ObjectId) -> ForgeResult<(Commit, Timestamp)> {
        match self.read_object(slug, id).await? {
            Some(Object { kind: ObjectKind::Commit, data }) => object::parse_commit(id, &data)
                .ok_or_else(|| ForgeError::Invalid(format!("commit {id} of {slug} is broken"))),
            _ => Err(ForgeError::NotFound(format!("{slug} has no commit {id}"))),
        }
    }

    pub(super) async fn require_commit(&self, slug: &RepoSlug, id: &ObjectId) -> ForgeResult<()> {
        self.read_commit(slug, id).await.map(|_| ()).map_err(|error| match error {
            ForgeError::NotFound(why) => ForgeError::Invalid(format!("the object does not exist: {why}")),
            other => other,
        })
    }

    pub(super) async fn require_at(&self, slug: &RepoSlug, branch: &BranchName, at: &ObjectId) -> ForgeResult<()> {
        match self.storage.refs(slug).await?.get(branch.as_str()) {
            None => Err(ForgeError::NotFound(format!("{slug} has no branch {branch}"))),
            Some(current) if current == at => Ok(()),
            Some(current) => Err(ForgeError::Conflict(format!(
                "{branch} of {slug} stands at {}, not at {}",
                current.short(),
                at.short()
            ))),
        }
    }

    pub(super) async fn write_commit(&self, slug: &RepoSlug, commit: &NewCommit, login: &str) -> ForgeResult<ObjectId> {
        if commit.message.contains('\0') {
            return Err(ForgeError::Invalid("a commit message cannot hold a NUL character".to_owned()));
        }
        match self.read_object(slug, &commit.tree).await? {
            Some(Object { kind: ObjectKind::Tree, .. }) => {}
            _ => return Err(ForgeError::Invalid(format!("{slug} has no tree {}", commit.tree))),
        }
        for parent in &commit.parents {
            self.require_commit(slug, parent).await?;
        }
        let object = object::encode_commit(&commit.tree, &commit.parents, &commit.message, login, self.time());
        self.storage.store(slug, &object).await
    }

    pub(super) async fn edit_thread(
        &self,
        slug: &RepoSlug,
        number: u64,
        title: Option<&str>,
        body: Option<&str>,
        by: &Actor,
    ) -> ForgeResult<()> {
        let before = self.thread_or_not_found(slug, number).await?;
        let mut after = before.clone();
        if let Some(title) = title {
            title.clone_into(&mut after.title);
        }
        if let Some(body) = body {
            body.clone_into(&mut after.body);
        }
        if after == before {
            return Ok(());
        }
        let at = self.time();
        after.updated_at = at;
        let happened = vec![Happening { kind: IssueEventKind::Edited, actor: by.clone(), at }];
        self.storage.put_thread(slug, &after, happened).await
    }

    pub(super) async fn put_labels_on(
        &self,
        slug: &RepoSlug,
        number: u64,
        labels: &[String],
        by: &Actor,
    ) -> ForgeResult<()> {
        let mut thread = self.thread_or_not_found(slug, number).await?;
        let at = self.time();
        let mut happened = Vec::new();
        for label in labels {
            if !thread.labels.iter().any(|has| has.eq_ignore_ascii_case(label)) {
                thread.labels.insert(label.clone());
                happened.push(Happening { kind: IssueEventKind::Labeled(label.clone()), actor: by.clone(), at });
            }
        }
        if happened.is_empty() {
            return Ok(());
        }
        thread.updated_at = at;
        self.storage.put_thread(slug, &thread, happened).await
    }

    pub(super) async fn take_label_off(
        &self,
        slug: &RepoSlug,
        number: u64,
        label: &str,
        by: &Actor,
    ) -> ForgeResult<()> {
        let mut thread = self.thread_or_not_found(slug, number).await?;
        let Some(found) = thread.labels.iter().find(|has| has.eq_ignore_ascii_case(label)).cloned() else {
            return Ok(());
        };
        thread.labels.remove(&found);
        let at = self.time();
        thread.updated_at = at;
        let happened = vec![Happening { kind: IssueEventKind::Unlabeled(found), actor: by.clone(), at }];
        self.storage.put_thread(slug, &thread, happened).await
    }

    pub(super) async fn write_comment(
        &self,
        slug: &RepoSlug,
        number: u64,
        body: &str,
        by: &Actor,
    ) -> ForgeResult<Comment> {
        self.check_body(body)?;
        if body.trim().is_empty() {
            return Err(ForgeError::Invalid("a comment cannot be blank".to_owned()));
        }
        self.thread_or_not_found(slug, number).await?;
        let at = self.time();
        let position = self.storage.comments(slug, number).await?.last().map_or(0, |last| last.position) + 1;
        let comment = CommentRecord {
            position,
            author: Some(by.clone()),
            body: body.to_owned(),
            created_at: at,
            reactions: BTreeSet::new(),
        };
        self.storage.put_comment(slug, number, &comment).await?;
        Ok(comment.to_comment(number))
    }
}

/// Refuses a new ref that exists, or that would be a folder where a ref is, or the other way round.
pub(super) fn check_new_ref(refs: &BTreeMap<String, ObjectId>, branch: &BranchName) -> ForgeResult<()> {
    let name = branch.as_str();
    if refs.contains_key(name) {
        return Err(ForgeError::Conflict(format!("the reference {} already exists", branch.as_ref_name())));
    }
    let below = format!("{name}/");
    let in_the_way = refs.keys().find(|other| other.starts_with(&below) || name.starts_with(&format!("{other}/")));
    match in_the_way {
        Some(other) => Err(ForgeError::Invalid(format!(
            "the reference refs/heads/{name} cannot be made while refs/heads/{other} exists: {FOLDER_IN_THE_WAY}"
        ))),
        None => Ok(()),
    }
}

/// Finds a label as GitHub does, whatever its case, and returns its name as it is.
pub(super) fn find_label<'a>(known: &'a [Label], name: &str) -> Option<&'a str> {
    known.iter().map(|label| label.name.as_str()).find(|known| known.eq_ignore_ascii_case(name))
}
