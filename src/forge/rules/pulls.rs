//! Pull requests: opening, and seeing what became of them. Layer 2.
//!
//! A merge made with plain git is seen by its result: the head became part of the base. A pull request whose head branch
//! is gone counts as closed.

use std::collections::BTreeMap;

use super::{Embedded, Happening, Mergeable, PullRecord, Storage, ThreadKind, ThreadRecord, pull_key};
use crate::forge::{Checks, ForgeError, ForgeResult, IssueEventKind, NewPull, PullRequest, PullState, Standing};
use crate::model::{Actor, ActorKind, BranchName, MergeMethod, ObjectId, RepoSlug};

/// How far back a merge is looked for along the base's own line; further back the merge is known, its commit not.
const MERGE_SEARCH: usize = 10_000;

impl<S: Storage> Embedded<S> {
    /// Opens a pull request by GitHub's rules.
    ///
    /// # Errors
    /// As [`Forge::create_pull`](crate::forge::Forge::create_pull).
    pub async fn open_pull(&self, slug: &RepoSlug, new: &NewPull, by: &Actor) -> ForgeResult<PullRequest> {
        self.storage.repository(slug).await?;
        self.check_body(&new.body)?;
        if new.title.trim().is_empty() || new.title.chars().count() > 256 {
            return Err(ForgeError::Invalid("a pull request needs a title of at most 256 characters".to_owned()));
        }
        let _hold = self.storage.exclusive(slug).await?;
        let refs = self.visible_refs(slug).await?;
        let tip = |branch: &BranchName, side: &str| {
            refs.get(branch.as_str()).cloned().ok_or_else(|| {
                ForgeError::Invalid(format!("the {side} of the pull request is no branch of {slug}: {branch}"))
            })
        };
        let (head_sha, base_sha) = (tip(&new.head, "head")?, tip(&new.base, "base")?);
        let same_head = self.pulls_now(slug, Some(&new.head)).await?;
        if let Some(open) = same_head.iter().find(|pull| pull.state == PullState::Open && pull.base == new.base) {
            return Err(ForgeError::Conflict(format!(
                "a pull request already exists for {}:{}: #{}",
                slug.owner(),
                new.head,
                open.number
            )));
        }
        if self.storage.is_ancestor(slug, &head_sha, &base_sha).await? {
            return Err(ForgeError::Invalid(format!("No commits between {} and {}", new.base, new.head)));
        }
        let at = self.time();
        let record = ThreadRecord {
            number: self.storage.highest_number(slug).await? + 1,
            title: new.title.clone(),
            body: new.body.clone(),
            author: Some(by.clone()),
            open: true,
            locked: false,
            labels: std::collections::BTreeSet::new(),
            reviewers: std::collections::BTreeSet::new(),
            assignees: std::collections::BTreeSet::new(),
            milestone: None,
            created_at: at,
            updated_at: at,
            closed_at: None,
            pull: Some(PullRecord {
                head: new.head.clone(),
                base: new.base.clone(),
                head_sha,
                base_sha: Some(base_sha),
                draft: new.draft,
                mergeable: Mergeable::Clean,
                reviewed_by: std::collections::BTreeSet::new(),
                auto_merge: None,
                merged_at: None,
                merge_sha: None,
            }),
        };
        self.storage.put_thread(slug, &record, Vec::new()).await?;
        self.note_birth(slug, pull_key(record.number));
        self.show(slug, &record)
    }

    /// Returns every pull request as it stands now, of one head if asked.
    pub(super) async fn pulls_now(&self, slug: &RepoSlug, head: Option<&BranchName>) -> ForgeResult<Vec<PullRequest>> {
        let listed = self.storage.threads(slug, ThreadKind::Pull).await?;
        if !listed.broken.is_empty() {
            // One that cannot be read may be the very one that is asked for: going on could open a second.
            return Err(ForgeError::Invalid(listed.broken.join(" ")));
        }
        let refs = self.storage.refs(slug).await?;
        let mut all = Vec::new();
        for record in listed.records {
            if head.is_some_and(|head| record.pull.as_ref().is_none_or(|pull| pull.head != *head)) {
                continue;
            }
            let record = self.as_it_stands(slug, record, &refs).await?;
            all.push(self.show(slug, &record)?);
        }
        Ok(all)
    }

    pub(super) async fn pull_now(&self, slug: &RepoSlug, number: u64) -> ForgeResult<PullRequest> {
        let record = self.thread_or_not_found(slug, number).await?;
        let refs = self.storage.refs(slug).await?;
        let record = self.as_it_stands(slug, record, &refs).await?;
        self.show(slug, &record)
    }

    /// Says how a pull request stands, from what is written down of it.
    pub(super) async fn standing_now(&self, slug: &RepoSlug, number: u64) -> ForgeResult<Standing> {
        let refs = self.storage.refs(slug).await?;
        let record = self.as_it_stands(slug, self.thread_or_not_found(slug, number).await?, &refs).await?;
        let Some(pull) = record.pull else {
            return Err(ForgeError::NotFound(format!("{slug}#{number} is an issue, no pull request")));
        };
        Ok(Standing {
            head: pull.head_sha,
            // What is closed is not tried out.
            mergeable: if record.open { pull.mergeable.known() } else { None },
            reviewed: pull.reviewed_by.iter().any(|login| super::actor(login).kind != ActorKind::Bot),
        })
    }

    /// Forgets what was said of a head that is no longer the head; the next one has yet to conflict.
    pub(super) async fn forget_mergeability(&self, slug: &RepoSlug, head: &BranchName) -> ForgeResult<()> {
        for mut record in self.storage.threads(slug, ThreadKind::Pull).await?.records {
            let Some(pull) = record.pull.as_mut().filter(|pull| record.open && pull.head == *head) else { continue };
            if pull.mergeable != Mergeable::Clean {
                pull.mergeable = Mergeable::Clean;
                self.storage.put_thread(slug, &record, Vec::new()).await?;
            }
        }
        Ok(())
    }

    /// Lets a pull request be merged later, by GitHub's rules: an open one that is no draft and has something to wait for.
    pub(super) async fn let_merge(
        &self,
        slug: &RepoSlug,
        number: u64,
        method: MergeMethod,
        expected: &ObjectId,
    ) -> ForgeResult<()> {
        let _hold = self.storage.exclusive(slug).await?;
        let standing = self.standing_now(slug, number).await?;
        if standing.head != *expected {
            return Err(ForgeError::Conflict(format!(
                "the head of {slug}#{number} is {}, not {}",
                standing.head.short(),
                expected.short()
            )));
        }
        let mut record = self.thread_or_not_found(slug, number).await?;
        let Some(pull) = record.pull.as_mut().filter(|pull| pull.auto_merge.is_none()) else { return Ok(()) };
        let refused = |why: &str| Err(ForgeError::Conflict(format!("Pull request {why}")));
        if !record.open {
            return refused("is closed");
        }
        if pull.draft {
            return refused("is in draft status");
        }
        if standing.mergeable == Some(true) && self.checks_of(slug, expected).await? == Checks::Passing {
            return refused("is in clean status");
        }
        pull.auto_merge = Some(method);
        self.storage.put_thread(slug, &record, Vec::new()).await
    }

    /// Says whether a pull request can be merged, as the forge finds out by itself or a person by looking.
    ///
    /// # Errors
    /// When there is no such pull request.
    pub async fn set_mergeable(&self, slug: &RepoSlug, number: u64, mergeable: Mergeable) -> ForgeResult<()> {
        self.change_pull_record(slug, number, |pull| pull.mergeable = mergeable).await
    }

    /// Reviews a pull request, in whatever sense.
    ///
    /// # Errors
    /// When there is no such pull request.
    pub async fn review_as(&self, slug: &RepoSlug, number: u64, by: &str) -> ForgeResult<()> {
        self.change_pull_record(slug, number, |pull| {
            pull.reviewed_by.insert(by.to_owned());
        })
        .await
    }

    async fn change_pull_record(
        &self,
        slug: &RepoSlug,
        number: u64,
        change: impl FnOnce(&mut PullRecord) + Send,
    ) -> ForgeResult<()> {
        self.storage.repository(slug).await?;
        let _hold = self.storage.exclusive(slug).await?;
        let mut record = self.thread_or_not_found(slug, number).await?;
        let Some(pull) = &mut record.pull else {
            return Err(ForgeError::NotFound(format!("{slug}#{number} is an issue, no pull request")));
        };
        change(pull);
        self.storage.put_thread(slug, &record, Vec::new()).await
    }

    fn show(&self, slug: &RepoSlug, record: &ThreadRecord) -> ForgeResult<PullRequest> {
        let url = self.storage.url(slug, Some((ThreadKind::Pull, record.number)));
        let not_one = || ForgeError::NotFound(format!("{slug}#{} is an issue, no pull request", record.number));
        record.to_pull(url).ok_or_else(not_one)
    }

    /// Adds to a record what git alone knows: a moved head, a merge, a head that is gone.
    pub(super) async fn as_it_stands(
        &self,
        slug: &RepoSlug,
        mut record: ThreadRecord,
        refs: &BTreeMap<String, ObjectId>,
    ) -> ForgeResult<ThreadRecord> {
        if !record.open {
            return Ok(record);
        }
        let Some(pull) = &record.pull else { return Ok(record) };
        let head = refs.get(pull.head.as_str());
        let tip = head.unwrap_or(&pull.head_sha).clone();
        let base = refs.get(pull.base.as_str()).filter(|base| Some(*base) != pull.base_sha.as_ref());
        let merged = match base {
            Some(base) => self.merged_at_all(slug, pull, &tip, base).await?,
            None => None,
        };
        let gone = head.is_none();
        if let Some(pull) = &mut record.pull {
            pull.head_sha = tip;
            if let Some((head, merge)) = merged {
                pull.head_sha = head;
                let at = match &merge {
                    Some(id) => self.read_commit(slug, id).await?.1,
                    None => record.updated_at,
                };
                pull.merged_at = Some(at);
                pull.merge_sha = merge;
                record.closed_at = Some(at);
                record.open = false;
            } else if gone {
                record.open = false;
                record.closed_at = Some(record.updated_at);
            }
        }
        Ok(record)
    }

    /// Returns the head that was merged into the base and the commit that did it.
    async fn merged_at_all(
        &self,
        slug: &RepoSlug,
        pull: &PullRecord,
        tip: &ObjectId,
        base: &ObjectId,
    ) -> ForgeResult<Option<(ObjectId, Option<ObjectId>)>> {
        // The head as recorded counts too: a merge is a merge though the branch moved on afterwards.
        let mut heads = vec![tip];
        if *tip != pull.head_sha {
            heads.push(&pull.head_sha);
        }
        for head in heads {
            if !self.storage.is_ancestor(slug, head, base).await? {
                continue;
            }
            // A head that was set back to where the base stood at the opening has nothing to merge.
            if let Some(start) = &pull.base_sha
                && self.storage.is_ancestor(slug, head, start).await?
            {
                continue;
            }
            let merge = self.merge_commit(slug, head, base, pull.base_sha.as_ref()).await?;
            return Ok(Some((head.clone(), merge)));
        }
        Ok(None)
    }

    /// Finds the first commit of the base's own line that holds the head: later ones hold it too, so halving finds it.
    /// The line is followed back to where it stood at the opening, which does not hold it.
    async fn merge_commit(
        &self,
        slug: &RepoSlug,
        head: &ObjectId,
        base: &ObjectId,
        start: Option<&ObjectId>,
    ) -> ForgeResult<Option<ObjectId>> {
        let mut line = vec![base.clone()];
        while line.len() < MERGE_SEARCH {
            let Some(last) = line.last() else { break };
            let (commit, _) = self.read_commit(slug, last).await?;
            match commit.parents.into_iter().next() {
                Some(parent) if Some(&parent) == start => break,
                Some(parent) if self.read_object(slug, &parent).await?.is_some() => line.push(parent),
                _ => break,
            }
        }
        let (mut holds, mut lacks) = (0, line.len());
        while lacks - holds > 1 {
            let middle = usize::midpoint(holds, lacks);
            if self.storage.is_ancestor(slug, head, &line[middle]).await? {
                holds = middle;
            } else {
                lacks = middle;
            }
        }
        Ok((lacks < line.len() || line.len() < MERGE_SEARCH).then(|| line[holds].clone()))
    }

    /// Writes down what became of the open pull requests from or into a branch, before the branch moves: what was merged
    /// stays merged, and what was closed stays closed, wherever the branches go afterwards. `forced` is where somebody sets
    /// a head to, and who: one that has nothing any more that its base has not is closed by that, as GitHub does.
    pub(super) async fn settle_pulls(
        &self,
        slug: &RepoSlug,
        branch: &BranchName,
        forced: Option<(&ObjectId, &str)>,
    ) -> ForgeResult<()> {
        let listed = self.storage.threads(slug, ThreadKind::Pull).await?;
        let refs = self.storage.refs(slug).await?;
        for record in listed.records.into_iter().filter(|record| record.open) {
            let Some(pull) = record.pull.clone() else { continue };
            if pull.head != *branch && pull.base != *branch {
                continue;
            }
            let stands = self.as_it_stands(slug, record, &refs).await?;
            if !stands.open {
                self.storage.put_thread(slug, &stands, Vec::new()).await?;
                continue;
            }
            let Some((target, by)) = forced.filter(|_| pull.head == *branch) else { continue };
            let Some(base) = refs.get(pull.base.as_str()) else { continue };
            if self.storage.is_ancestor(slug, target, base).await? {
                self.close(slug, stands.number, &super::actor(by)).await?;
            }
        }
        Ok(())
    }

    /// Removes a branch and closes its open pull requests, as GitHub does.
    pub(super) async fn remove_branch(
        &self,
        slug: &RepoSlug,
        branch: &BranchName,
        expected: &ObjectId,
        by: &Actor,
    ) -> ForgeResult<()> {
        let open = self.pulls_now(slug, Some(branch)).await?;
        self.storage.write_ref(slug, branch, Some(expected), None).await?;
        for pull in open.into_iter().filter(|pull| pull.state == PullState::Open) {
            self.close(slug, pull.number, by).await?;
        }
        Ok(())
    }

    /// Closes a thread, a pull request with the head where it stands.
    pub(super) async fn close(&self, slug: &RepoSlug, number: u64, by: &Actor) -> ForgeResult<()> {
        let record = self.thread_or_not_found(slug, number).await?;
        let refs = self.storage.refs(slug).await?;
        let mut record = match &record.pull {
            Some(pull) if !refs.contains_key(pull.head.as_str()) => record,
            _ => self.as_it_stands(slug, record, &refs).await?,
        };
        if !record.open {
            return Ok(());
        }
        let at = self.time();
        record.open = false;
        record.closed_at = Some(at);
        record.updated_at = at;
        let happened = vec![Happening { kind: IssueEventKind::Closed, actor: by.clone(), at }];
        self.storage.put_thread(slug, &record, happened).await
    }
}
