//! Threads, comments and events as they lie in the folder, edits by hand included. Layer 3.
//!
//! Only looks; a file that cannot be read is an error that names it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::seen::{self, Seen};
use super::{LocalStorage, files, refs, text};
use crate::forge::rules::{CommentRecord, ThreadKind, ThreadRecord};
use crate::forge::{ForgeError, ForgeResult, IssueEvent};
use crate::model::{BranchName, ObjectId, RepoSlug, Timestamp};

/// A thread's file as it lies there.
pub(super) struct OnDisk {
    pub(super) record: ThreadRecord,
    pub(super) file: files::Content,
    pub(super) seen: Option<Seen>,
}

impl LocalStorage {
    /// Reads one thread's file; nothing when there is none.
    pub(super) fn read_thread(
        &self,
        slug: &RepoSlug,
        kind: ThreadKind,
        number: u64,
        refs: &mut Option<BTreeMap<String, ObjectId>>,
    ) -> ForgeResult<Option<OnDisk>> {
        let path = self.thread_file(slug, kind, number);
        let Some(file) = files::read(&path)? else { return Ok(None) };
        if kind == ThreadKind::Pull && files::is_file(&self.thread_file(slug, ThreadKind::Issue, number)) {
            let why = format!("{} has the number of an issue: one of the two has to go.", path.display());
            return Err(ForgeError::Invalid(why));
        }
        let times = text::Times { born: file.born, modified: file.modified };
        let tip = |branch: &BranchName| {
            if refs.is_none() {
                *refs = refs::read(&self.git_dir(slug)).ok();
            }
            refs.as_ref().and_then(|refs| refs.get(branch.as_str()).cloned())
        };
        let mut record = text::parse_thread(&file.text, kind, number, &times, tip)
            .map_err(|why| ForgeError::Invalid(format!("{}: {why}.", path.display())))?;
        let seen_path = self.seen_file(slug, number);
        // A sidecar that cannot be read is as good as none: it holds nothing that a person wrote.
        let seen: Option<Seen> = files::read(&seen_path)?.and_then(|file| serde_json::from_str(&file.text).ok());
        if !seen.as_ref().is_some_and(|seen| seen.is_ours(&file.text)) {
            record.updated_at = record.updated_at.max(file.modified);
        }
        if let Some(comment) = self.last_comment(slug, kind, number)? {
            record.updated_at = record.updated_at.max(comment);
        }
        Ok(Some(OnDisk { record, file, seen }))
    }

    /// Returns when the newest comment was written; one that cannot be read is told of by the list of comments.
    pub(super) fn last_comment(
        &self,
        slug: &RepoSlug,
        kind: ThreadKind,
        number: u64,
    ) -> ForgeResult<Option<Timestamp>> {
        let folder = self.members(slug, kind, number);
        let last = numbered(&folder)?.into_iter().next_back();
        let comment = last.and_then(|position| read_comment(&folder, position).ok().flatten());
        Ok(comment.map(|comment| comment.created_at))
    }

    pub(super) fn recorded_events(
        &self,
        slug: &RepoSlug,
        kind: ThreadKind,
        number: u64,
    ) -> ForgeResult<Vec<IssueEvent>> {
        let path = self.members(slug, kind, number).join("events.yml");
        match files::read(&path)? {
            None => Ok(Vec::new()),
            Some(file) => text::parse_events(&file.text, number, slug.owner())
                .map_err(|why| ForgeError::Invalid(format!("{}: {why}.", path.display()))),
        }
    }

    /// Returns recorded events and those that edits by hand amount to, and how many were recorded.
    pub(super) fn all_events(&self, slug: &RepoSlug, kind: ThreadKind, disk: &OnDisk) -> ForgeResult<Vec<IssueEvent>> {
        let mut events = self.recorded_events(slug, kind, disk.record.number)?;
        let recorded = events.len();
        events.extend(seen::derived(
            disk.seen.as_ref(),
            &disk.record,
            &disk.file.text,
            disk.file.modified,
            slug.owner(),
            recorded,
        ));
        Ok(events)
    }

    pub(super) fn read_data<T: DeserializeOwned + Default>(&self, slug: &RepoSlug, name: &str) -> ForgeResult<T> {
        let path = self.folder(slug).join(name);
        match files::read(&path)? {
            Some(file) if !file.text.trim().is_empty() => serde_yaml::from_str(&file.text)
                .map_err(|error| ForgeError::Invalid(format!("{}: {error}", path.display()))),
            _ => Ok(T::default()),
        }
    }
}

/// What a person may say of a repository, in its `repository.yml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RepositoryFile {
    /// Whether only members see it.
    #[serde(default)]
    pub(super) private: bool,
}

/// Returns the numbers that files `<n>.md` in a folder have, sorted.
pub(super) fn numbered(folder: &Path) -> ForgeResult<BTreeSet<u64>> {
    let names = files::names(folder)?;
    Ok(names.iter().filter_map(|name| number_in(name.strip_suffix(".md")?)).collect())
}

/// Reads a number as we write it: no sign, no leading zero.
pub(super) fn number_in(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| *number > 0 && number.to_string() == text)
}

pub(super) fn read_comment(folder: &Path, position: u64) -> ForgeResult<Option<CommentRecord>> {
    let path = folder.join(format!("{position}.md"));
    let Some(file) = files::read(&path)? else { return Ok(None) };
    let times = text::Times { born: file.born, modified: file.modified };
    text::parse_comment(&file.text, position, &times)
        .map(Some)
        .map_err(|why| ForgeError::Invalid(format!("{}: {why}.", path.display())))
}
