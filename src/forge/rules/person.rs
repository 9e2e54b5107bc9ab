//! What people do on a forge: file, label, comment, push, close, merge. Layer 2.
//!
//! Homeostat does none of this; demonstrations and tests need somebody who does. Each act names who acts, and that account's
//! permission is not asked for: the forge believes what people do.

use std::collections::BTreeMap;

use super::door::{check_new_ref, find_label};
use super::{Embedded, Happening, Storage, ThreadRecord, actor};
use crate::forge::{
    Comment, Commit, Forge, ForgeError, ForgeResult, IssueEventKind, Label, NewCommit, PullState, TreeChange, TreeEntry,
};
use crate::model::{BranchName, FileMode, FileState, ObjectId, Permission, RepoPath, RepoSlug};

/// An issue that a person files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewIssue {
    /// The login of the author; nobody means the owner.
    pub author: Option<String>,
    /// The title.
    pub title: String,
    /// The body.
    pub body: String,
    /// Labels; made where missing.
    pub labels: Vec<String>,
}

/// How a person merges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeStyle {
    /// A merge commit with both parents.
    Merge,
    /// One new commit with the base as its parent.
    Squash,
    /// The commit of a pull request that has one, made again on top of the base.
    Rebase,
}

/// Words that close an issue when a pull request that says them is merged into the default branch.
const CLOSING: &[&str] = &["close", "closes", "closed", "fix", "fixes", "fixed", "resolve", "resolves", "resolved"];

impl<S: Storage> Embedded<S> {
    /// Makes a repository whose branch `main` has one commit with these files.
    ///
    /// # Errors
    /// [`ForgeError::Conflict`] where it exists.
    pub async fn create_repository(&self, slug: &RepoSlug, files: &[(&str, &str)]) -> ForgeResult<ObjectId> {
        let main = branch_name("main")?;
        self.storage.make_repository(slug, &main).await?;
        let files: Vec<_> = files.iter().map(|(path, content)| (*path, Some(*content))).collect();
        self.commit_files(slug, slug.owner(), &main, &files, "Start\n").await
    }

    /// Pushes one commit with these files on top of a branch; no content deletes. A branch that is not there starts at the
    /// default branch.
    ///
    /// # Errors
    /// When a path is illegal, or the branch cannot be made.
    pub async fn commit_files(
        &self,
        slug: &RepoSlug,
        by: &str,
        branch: &BranchName,
        files: &[(&str, Option<&str>)],
        message: &str,
    ) -> ForgeResult<ObjectId> {
        let mut states = Vec::new();
        for (path, content) in files {
            let path = path.parse().map_err(|error| ForgeError::Invalid(format!("{error}")))?;
            states.push((path, content.map(FileState::plain)));
        }
        self.commit_states(slug, by, branch, &states, message).await
    }

    /// Pushes as [`Embedded::commit_files`], files of any mode and content.
    ///
    /// # Errors
    /// When the branch cannot be made, or a file to delete is not there.
    pub async fn commit_states(
        &self,
        slug: &RepoSlug,
        by: &str,
        branch: &BranchName,
        files: &[(RepoPath, Option<FileState>)],
        message: &str,
    ) -> ForgeResult<ObjectId> {
        let repository = self.storage.repository(slug).await?;
        let mut changes = Vec::new();
        for (path, state) in files {
            let entry = match state {
                Some(state) => Some((state.mode, self.create_blob(slug, &state.content).await?)),
                None => None,
            };
            changes.push(TreeChange { path: path.clone(), entry });
        }
        let _hold = self.storage.exclusive(slug).await?;
        let refs = self.storage.refs(slug).await?;
        let current = refs.get(branch.as_str());
        let parent = current.or_else(|| refs.get(repository.default_branch.as_str())).cloned();
        let tree = self.edit_tree(slug, parent.as_ref(), &changes).await?;
        let commit = NewCommit { tree, parents: parent.into_iter().collect(), message: message.to_owned() };
        let id = self.write_commit(slug, &commit, by).await?;
        if current.is_none() {
            check_new_ref(&refs, branch)?;
        }
        self.settle_pulls(slug, branch, None).await?;
        self.storage.write_ref(slug, branch, current, Some(&id)).await?;
        Ok(id)
    }

    /// Sets a branch to any commit, as a force push does; nothing removes it.
    ///
    /// # Errors
    /// When the commit is not there.
    pub async fn force_branch(
        &self,
        slug: &RepoSlug,
        by: &str,
        branch: &BranchName,
        target: Option<&ObjectId>,
    ) -> ForgeResult<()> {
        self.storage.repository(slug).await?;
        let _hold = self.storage.exclusive(slug).await?;
        let refs = self.storage.refs(slug).await?;
        let current = refs.get(branch.as_str());
        match (current, target) {
            (Some(at), None) => self.remove_branch(slug, branch, at, &actor(by)).await,
            (None, None) => Ok(()),
            (current, Some(target)) => {
                self.require_commit(slug, target).await?;
                if current.is_none() {
                    check_new_ref(&refs, branch)?;
                }
                self.settle_pulls(slug, branch, Some((target, by))).await?;
                self.storage.write_ref(slug, branch, current, Some(target)).await
            }
        }
    }

    /// Files an issue and returns its number.
    ///
    /// # Errors
    /// When title or body break the rules.
    pub async fn open_issue(&self, slug: &RepoSlug, new: &NewIssue) -> ForgeResult<u64> {
        self.storage.repository(slug).await?;
        self.check_body(&new.body)?;
        if new.title.trim().is_empty() {
            return Err(ForgeError::Invalid("an issue needs a title".to_owned()));
        }
        let _hold = self.storage.exclusive(slug).await?;
        let labels = self.labels_made(slug, &new.labels).await?;
        let at = self.time();
        let number = self.storage.highest_number(slug).await? + 1;
        let by = new.author.as_deref().map_or_else(|| actor(slug.owner()), actor);
        let happened = labels
            .iter()
            .map(|label| Happening { kind: IssueEventKind::Labeled(label.clone()), actor: by.clone(), at })
            .collect();
        let record = ThreadRecord {
            number,
            title: new.title.clone(),
            body: new.body.clone(),
            author: new.author.as_deref().map(actor),
            open: true,
            locked: false,
            labels: labels.into_iter().collect(),
            reviewers: std::collections::BTreeSet::new(),
            assignees: std::collections::BTreeSet::new(),
            milestone: None,
            created_at: at,
            updated_at: at,
            closed_at: None,
            pull: None,
        };
        self.storage.put_thread(slug, &record, happened).await?;
        Ok(number)
    }

    /// Changes an issue's or pull request's title or body.
    ///
    /// # Errors
    /// When it is not there or the body is too long.
    pub async fn edit_issue(
        &self,
        slug: &RepoSlug,
        number: u64,
        by: &str,
        title: Option<&str>,
        body: Option<&str>,
    ) -> ForgeResult<()> {
        self.check_body(body.unwrap_or_default())?;
        let _hold = self.storage.exclusive(slug).await?;
        self.edit_thread(slug, number, title, body, &actor(by)).await
    }

    /// Closes an issue or a pull request.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn close_thread(&self, slug: &RepoSlug, number: u64, by: &str) -> ForgeResult<()> {
        let _hold = self.storage.exclusive(slug).await?;
        self.close(slug, number, &actor(by)).await
    }

    /// Opens a closed issue or pull request again.
    ///
    /// # Errors
    /// [`ForgeError::Invalid`] when it is merged, its head is gone or has nothing that the base has not, or another one is
    /// open for the same head and base.
    pub async fn reopen_thread(&self, slug: &RepoSlug, number: u64, by: &str) -> ForgeResult<()> {
        let _hold = self.storage.exclusive(slug).await?;
        let mut record = self.thread_or_not_found(slug, number).await?;
        if record.open {
            return Ok(());
        }
        if let Some(pull) = &record.pull {
            let rivals = self.pulls_now(slug, Some(&pull.head)).await?;
            let rival = rivals.iter().any(|other| other.state == PullState::Open && other.base == pull.base);
            let refs = self.storage.refs(slug).await?;
            let empty = match (refs.get(pull.head.as_str()), refs.get(pull.base.as_str())) {
                (Some(head), Some(base)) => self.storage.is_ancestor(slug, head, base).await?,
                _ => true,
            };
            if pull.merged_at.is_some() || rival || empty {
                return Err(ForgeError::Invalid(format!("{slug}#{number} cannot be opened again")));
            }
        }
        let at = self.time();
        record.open = true;
        record.closed_at = None;
        record.updated_at = at;
        let happened = vec![Happening { kind: IssueEventKind::Reopened, actor: actor(by), at }];
        self.storage.put_thread(slug, &record, happened).await
    }

    /// Locks an issue or pull request, so that comments are denied, or unlocks it.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn set_locked(&self, slug: &RepoSlug, number: u64, locked: bool) -> ForgeResult<()> {
        let _hold = self.storage.exclusive(slug).await?;
        let record = self.thread_or_not_found(slug, number).await?;
        self.storage.put_thread(slug, &ThreadRecord { locked, ..record }, Vec::new()).await
    }

    /// Puts a label on, making it where it is missing.
    ///
    /// # Errors
    /// When the thread is not there.
    pub async fn label_as(&self, slug: &RepoSlug, number: u64, by: &str, label: &str) -> ForgeResult<()> {
        let _hold = self.storage.exclusive(slug).await?;
        let labels = self.labels_made(slug, &[label.to_owned()]).await?;
        self.put_labels_on(slug, number, &labels, &actor(by)).await
    }

    /// Takes a label off.
    ///
    /// # Errors
    /// When the thread is not there.
    pub async fn unlabel_as(&self, slug: &RepoSlug, number: u64, by: &str, label: &str) -> ForgeResult<()> {
        let _hold = self.storage.exclusive(slug).await?;
        self.take_label_off(slug, number, label, &actor(by)).await
    }

    /// Writes a comment.
    ///
    /// # Errors
    /// When the thread is not there or the comment breaks the rules.
    pub async fn comment_as(&self, slug: &RepoSlug, number: u64, by: &str, body: &str) -> ForgeResult<Comment> {
        let _hold = self.storage.exclusive(slug).await?;
        self.write_comment(slug, number, body, &actor(by)).await
    }

    /// Says what an account may do.
    ///
    /// # Errors
    /// When the repository is not there.
    pub async fn set_permission(&self, slug: &RepoSlug, login: &str, permission: Permission) -> ForgeResult<()> {
        let _hold = self.storage.exclusive(slug).await?;
        self.storage.put_person(slug, login, permission).await
    }

    /// Merges an open pull request and returns the new commit of the base. Files that both sides changed since the pull
    /// request was opened are a conflict; nothing is merged inside a file.
    ///
    /// # Errors
    /// [`ForgeError::Invalid`] when it is not open or does not merge.
    pub async fn merge_pull(&self, slug: &RepoSlug, number: u64, by: &str, style: MergeStyle) -> ForgeResult<ObjectId> {
        let repository = self.storage.repository(slug).await?;
        let _hold = self.storage.exclusive(slug).await?;
        let shown = self.pull_now(slug, number).await?;
        if shown.state != PullState::Open {
            return Err(ForgeError::Invalid(format!("{slug}#{number} is not open")));
        }
        let refs = self.storage.refs(slug).await?;
        let base = refs
            .get(shown.base.as_str())
            .ok_or_else(|| ForgeError::Invalid(format!("the base {} of {slug}#{number} is gone", shown.base)))?;
        let record = self.thread_or_not_found(slug, number).await?;
        let start = record.pull.as_ref().and_then(|pull| pull.base_sha.clone());
        let tree = self.merged_tree(slug, start.as_ref(), base, &shown.head_sha).await?;
        let parents = match style {
            MergeStyle::Merge => vec![base.clone(), shown.head_sha.clone()],
            MergeStyle::Squash | MergeStyle::Rebase => vec![base.clone()],
        };
        let message = match style {
            MergeStyle::Merge | MergeStyle::Squash => format!("{} (#{number})\n", shown.title),
            MergeStyle::Rebase => self.sole_commit(slug, start.as_ref(), &shown.head_sha).await?.message,
        };
        let id = self.write_commit(slug, &NewCommit { tree, parents, message }, by).await?;
        self.settle_pulls(slug, &shown.base, None).await?;
        self.storage.write_ref(slug, &shown.base, Some(base), Some(&id)).await?;
        self.note_merge(slug, record, &shown.head_sha, &id, by).await?;
        if repository.default_branch == shown.base {
            for issue in closed_by(&shown.body) {
                match self.close(slug, issue, &actor(by)).await {
                    Ok(()) | Err(ForgeError::NotFound(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(id)
    }

    /// Returns the head of a pull request, which must be its only commit.
    async fn sole_commit(&self, slug: &RepoSlug, start: Option<&ObjectId>, head: &ObjectId) -> ForgeResult<Commit> {
        let commit = self.commit(slug, head).await?;
        let one = matches!((commit.parents.as_slice(), start), ([parent], Some(start)) if parent == start);
        if one {
            return Ok(commit);
        }
        Err(ForgeError::Invalid(format!(
            "{head} of {slug} does not stand alone on its base; only such a one is rebased"
        )))
    }

    async fn note_merge(
        &self,
        slug: &RepoSlug,
        mut record: ThreadRecord,
        head: &ObjectId,
        merge: &ObjectId,
        by: &str,
    ) -> ForgeResult<()> {
        let at = self.time();
        record.open = false;
        record.closed_at = Some(at);
        record.updated_at = at;
        if let Some(pull) = &mut record.pull {
            pull.head_sha = head.clone();
            pull.merged_at = Some(at);
            pull.merge_sha = Some(merge.clone());
        }
        let happened = vec![Happening { kind: IssueEventKind::Closed, actor: actor(by), at }];
        self.storage.put_thread(slug, &record, happened).await
    }

    /// Merges three trees file by file.
    async fn merged_tree(
        &self,
        slug: &RepoSlug,
        start: Option<&ObjectId>,
        base: &ObjectId,
        head: &ObjectId,
    ) -> ForgeResult<ObjectId> {
        if self.storage.is_ancestor(slug, base, head).await? {
            return Ok(self.read_commit(slug, head).await?.0.tree);
        }
        let by_path = |entries: Vec<TreeEntry>| -> BTreeMap<String, (FileMode, ObjectId)> {
            entries.into_iter().map(|entry| (entry.path, (entry.mode, entry.id))).collect()
        };
        let before = match start {
            Some(start) => by_path(self.list_tree(slug, start).await?),
            None => BTreeMap::new(),
        };
        let (theirs, ours) = (by_path(self.list_tree(slug, base).await?), by_path(self.list_tree(slug, head).await?));
        let mut changes = Vec::new();
        let paths: std::collections::BTreeSet<_> = before.keys().chain(ours.keys()).collect();
        for path in paths {
            let (was, now, there) = (before.get(path), ours.get(path), theirs.get(path));
            if was == now || now == there {
                continue;
            }
            if was != there {
                return Err(ForgeError::Invalid(format!("{path} was changed on both sides: merge it with git")));
            }
            let path = path.parse().map_err(|error| ForgeError::Invalid(format!("{error}")))?;
            changes.push(TreeChange { path, entry: now.cloned() });
        }
        self.edit_tree(slug, Some(base), &changes).await
    }

    /// Returns labels under the names they have, making those that are missing.
    async fn labels_made(&self, slug: &RepoSlug, labels: &[String]) -> ForgeResult<Vec<String>> {
        let known = self.storage.labels(slug).await?;
        let mut names = Vec::new();
        for name in labels {
            if let Some(found) = find_label(&known, name) {
                names.push(found.to_owned());
                continue;
            }
            let label = Label { name: name.clone(), color: "ededed".to_owned(), description: String::new() };
            self.storage.put_label(slug, &label).await?;
            names.push(name.clone());
        }
        Ok(names)
    }
}

fn branch_name(text: &str) -> ForgeResult<BranchName> {
    text.parse().map_err(|error| ForgeError::Invalid(format!("{error}")))
}

/// Returns the issues that a body says it closes.
fn closed_by(body: &str) -> Vec<u64> {
    let words: Vec<&str> = body.split_whitespace().collect();
    let closing = |word: &str| CLOSING.contains(&word.trim_end_matches(':').to_ascii_lowercase().as_str());
    words
        .windows(2)
        .filter(|pair| closing(pair[0]))
        .filter_map(|pair| pair[1].strip_prefix('#')?.trim_end_matches(['.', ',', ';', ')']).parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_words_name_the_issues_that_a_merge_closes() {
        assert_eq!(closed_by("Closes #12.\nAlso fixes: #3, see #4"), [12, 3]);
        assert!(closed_by("this encloses #1").is_empty());
    }
}
