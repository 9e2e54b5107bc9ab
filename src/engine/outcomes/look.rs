//! Reads what is told of an ended pull request: whose it was, who ended it with which words, what people changed. Layer 4.
//!
//! It only reads. What cannot be told any more is nothing, never a guess.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::state::Snapshot;
use crate::engine::{Context, EngineError, facts_of, pages, retry};
use crate::event::{AttemptFinished, Event, Line};
use crate::forge::{Commit, ForgeError, IssueEvent, IssueEventKind, PullRequest, TreeEntry};
use crate::gate;
use crate::guardrail;
use crate::model::{FileMode, ObjectId, RepoSlug, Timestamp};
use crate::plan::{self, Ownership, Trailer};

/// Commits of people on top of ours that are looked through for ours.
const MOST_ON_TOP: usize = 20;
/// Pages of events and comments that are read of one pull request.
const THREAD_PAGES: usize = 10;
/// A comment this close to the close belongs to it.
const CLOSING_WORDS: Duration = Duration::from_mins(10);
/// Characters of people's words that are kept.
const MOST_WORDS: usize = 1_000;
/// Records of runs that are looked through for the attempt behind a pull request.
const MOST_RECORDS: usize = 40;
/// Files of a patch that are compared line by line, and bytes of one.
const MOST_FILES: usize = 50;
const MOST_BYTES: usize = 1 << 20;

/// The commit of ours that a pull request was made of.
pub(super) struct Ours {
    pub(super) trailer: Trailer,
}

/// Reads one repository for what became of its pull requests.
pub(super) struct Looker<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) slug: &'a RepoSlug,
    pub(super) snapshot: &'a Snapshot,
}

pub(super) type Files = BTreeMap<String, (FileMode, ObjectId)>;

impl Looker<'_> {
    async fn commit(&self, id: &ObjectId) -> Result<Option<Commit>, ForgeError> {
        let forge = self.context.forge;
        match retry(self.context.system, async || forge.commit(self.slug, id).await).await {
            Ok(commit) => Ok(Some(commit)),
            Err(ForgeError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Finds our commit below what people committed on top of it; nothing where the pull request is not ours.
    pub(super) async fn ours(&self, pull: &PullRequest) -> Result<Option<Ours>, ForgeError> {
        let Some((fp16, episode)) = plan::branch_grammar(pull.head.as_str()) else { return Ok(None) };
        let mut id = pull.head_sha.clone();
        for _ in 0..=MOST_ON_TOP {
            let Some(commit) = self.commit(&id).await? else { return Ok(None) };
            let first = commit.parents.first().cloned();
            if let Some(trailer) = true_trailer(commit, fp16, episode) {
                return Ok(Some(Ours { trailer }));
            }
            let Some(parent) = first else { return Ok(None) };
            id = parent;
        }
        Ok(None)
    }

    /// Returns whether the last commit of a pull request is ours, so that no person's work goes with the branch.
    pub(super) async fn is_ours_itself(&self, pull: &PullRequest) -> Result<bool, ForgeError> {
        let Some((fp16, episode)) = plan::branch_grammar(pull.head.as_str()) else { return Ok(false) };
        let commit = self.commit(&pull.head_sha).await?;
        Ok(commit.is_some_and(|commit| true_trailer(commit, fp16, episode).is_some()))
    }

    pub(super) async fn events(&self, number: u64) -> Result<Vec<IssueEvent>, ForgeError> {
        let forge = self.context.forge;
        let read = async |page: Option<&str>| forge.issue_events(self.slug, number, page).await;
        let listed = pages::all(self.context.system, THREAD_PAGES, read).await;
        listed.failed.map_or(Ok(listed.items), Err)
    }

    /// Returns who ended a pull request, and what they wrote when they did.
    pub(super) async fn said(
        &self,
        number: u64,
        at: Timestamp,
    ) -> Result<(Option<String>, Option<String>), ForgeError> {
        let forge = self.context.forge;
        let events = self.events(number).await?;
        let closed = events.into_iter().rfind(|event| event.kind == IssueEventKind::Closed);
        let Some(by) = closed.and_then(|event| event.actor) else { return Ok((None, None)) };
        let read = async |page: Option<&str>| forge.comments(self.slug, number, page).await;
        let listed = pages::all(self.context.system, THREAD_PAGES, read).await;
        if let Some(error) = listed.failed {
            return Err(error);
        }
        let near = |written: Timestamp| written.since(at).max(at.since(written)) <= CLOSING_WORDS;
        let mut theirs = listed.items.into_iter().filter(|comment| {
            near(comment.created_at) && comment.author.as_ref().is_some_and(|author| author.id == by.id)
        });
        let words = theirs.next_back().map(|comment| self.clean(&comment.body)).filter(|text| !text.is_empty());
        Ok((Some(by.login), words))
    }

    /// Redacts and cuts words of a person.
    pub(super) fn clean(&self, text: &str) -> String {
        let text = self.context.redactor.redact(text.trim()).into_string();
        match text.char_indices().nth(MOST_WORDS) {
            Some((end, _)) => format!("{}… (cut)", &text[..end]),
            None => text,
        }
    }

    /// Finds the record of the attempt that a pull request came from, near the time when it was opened.
    pub(super) async fn attempt(
        &self,
        opened: Timestamp,
        trailer: &Trailer,
    ) -> Result<Option<AttemptFinished>, EngineError> {
        let yesterday = Timestamp::from_millis(opened.as_millis().saturating_sub(86_400_000));
        let folders = [opened, yesterday].map(|at| format!("events/{}/", at.day().replace('-', "/")));
        let paths: Vec<&str> =
            folders.iter().flat_map(|folder| self.snapshot.below(folder)).take(MOST_RECORDS).collect();
        let tree = trailer.tree.to_string();
        for path in paths {
            let Some(bytes) = self.context.state().read(self.snapshot, path).await? else { continue };
            let text = String::from_utf8_lossy(&bytes);
            let lines = text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
            let found = lines.filter_map(|line| match line.event {
                Event::AttemptFinished(attempt) => Some(*attempt),
                _ => None,
            });
            let wanted = |attempt: &AttemptFinished| {
                attempt.fingerprint == trailer.fingerprint.as_str()
                    && attempt.episode == trailer.episode
                    && attempt.tree.as_ref() == Some(&tree)
            };
            if let Some(attempt) = found.into_iter().find(wanted) {
                return Ok(Some(attempt));
            }
        }
        Ok(None)
    }

    /// Finds the commit of the base that takes a merge back.
    pub(super) async fn reverted(
        &self,
        number: u64,
        merge: &ObjectId,
        tip: &ObjectId,
    ) -> Result<Option<Commit>, ForgeError> {
        let forge = self.context.forge;
        let ahead = match retry(self.context.system, async || forge.ahead(self.slug, merge, tip).await).await {
            // The base was rewritten without it: that is no word about it.
            Err(ForgeError::NotFound(_)) => return Ok(None),
            ahead => ahead?,
        };
        if ahead.commits.is_empty() {
            return Ok(None);
        }
        let Some(merged) = self.commit(merge).await? else { return Ok(None) };
        let before = match merged.parents.first() {
            Some(parent) => self.commit(parent).await?.map(|commit| commit.tree).filter(|tree| *tree != merged.tree),
            None => None,
        };
        let facts = gate::Merge { slug: self.slug, number, commit: merge, before: before.as_ref() };
        let later: Vec<gate::Later<'_>> = ahead
            .commits
            .iter()
            .map(|commit| gate::Later { id: &commit.id, tree: &commit.tree, message: &commit.message })
            .collect();
        let found = gate::reverting(&facts, &later).map(|commit| commit.id.clone());
        Ok(found.and_then(|id| ahead.commits.into_iter().find(|commit| commit.id == id)))
    }

    pub(super) async fn files(&self, tree: &ObjectId) -> Result<Option<Files>, ForgeError> {
        let forge = self.context.forge;
        match retry(self.context.system, async || forge.tree(self.slug, tree).await).await {
            Ok(entries) => {
                Ok(Some(entries.into_iter().map(|TreeEntry { path, mode, id }| (path, (mode, id))).collect()))
            }
            Err(ForgeError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Counts the lines of the patch's files that people changed before it was merged. A file that the base changed in the
    /// meantime is compared with the pull request's last commit, for others' work is no change of ours.
    pub(super) async fn lines_on_top(&self, pull: &PullRequest, ours: &Ours) -> Result<Option<u64>, ForgeError> {
        let Some(merge) = pull.merge_sha.as_ref() else { return Ok(None) };
        let Some(merged) = self.commit(merge).await? else { return Ok(None) };
        if merged.tree == ours.trailer.tree {
            return Ok(Some(0));
        }
        let before = merged.parents.first();
        let (Some(parent), Some(patch), Some(result), Some(head)) = (
            self.files(&ours.trailer.parent).await?,
            self.files(&ours.trailer.tree).await?,
            self.files(merge).await?,
            self.files(&pull.head_sha).await?,
        ) else {
            return Ok(None);
        };
        let Some(base) = (match before {
            Some(before) => self.files(before).await?,
            None => None,
        }) else {
            return Ok(None);
        };
        let paths = parent.keys().chain(patch.keys()).collect::<std::collections::BTreeSet<_>>();
        let touched: Vec<&String> = paths.into_iter().filter(|path| parent.get(*path) != patch.get(*path)).collect();
        if touched.len() > MOST_FILES {
            return Ok(None);
        }
        let mut lines = 0;
        for path in touched {
            let theirs = if base.get(path) == parent.get(path) { result.get(path) } else { head.get(path) };
            let (from, to) = (patch.get(path), theirs);
            if from.map(|(_, id)| id) == to.map(|(_, id)| id) {
                continue;
            }
            let (Some(from), Some(to)) = (self.text(from).await?, self.text(to).await?) else { return Ok(None) };
            lines += guardrail::changed_lines(&from, &to);
        }
        Ok(Some(lines))
    }

    /// Reads a file; one that is not there is empty, one that is too large cannot be told.
    async fn text(&self, entry: Option<&(FileMode, ObjectId)>) -> Result<Option<String>, ForgeError> {
        let Some((_, id)) = entry else { return Ok(Some(String::new())) };
        let forge = self.context.forge;
        match retry(self.context.system, async || forge.blob(self.slug, id).await).await {
            Ok(bytes) if bytes.len() <= MOST_BYTES => Ok(String::from_utf8(bytes).ok()),
            Ok(_) | Err(ForgeError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Reads the trailer of a commit where it is true of the commit itself and of the branch's name.
fn true_trailer(commit: Commit, fp16: &str, episode: u32) -> Option<Trailer> {
    let trailer = Trailer::read(&commit.message).filter(|trailer| trailer.fingerprint.fp16() == fp16)?;
    match plan::ownership(&trailer.fingerprint, episode, &facts_of(commit)) {
        Ownership::Ours(trailer) => Some(trailer),
        _ => None,
    }
}
