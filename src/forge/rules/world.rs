//! All that a forge holds, as one comparable value for tests. Layer 2.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{CommentRecord, Embedded, Storage, ThreadKind, ThreadRecord};
use crate::forge::{ForgeResult, IssueEvent, Label};
use crate::model::{ObjectId, RepoSlug};

/// One thread with all that hangs on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ThreadWorld {
    /// The thread as it stands.
    pub thread: ThreadRecord,
    /// Its comments.
    pub comments: Vec<CommentRecord>,
    /// What happened to it.
    pub events: Vec<IssueEvent>,
}

/// One repository with all that hangs on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct World {
    /// Its branches.
    pub refs: BTreeMap<String, ObjectId>,
    /// Its labels, by name.
    pub labels: Vec<Label>,
    /// Issues and pull requests, by number.
    pub threads: Vec<ThreadWorld>,
}

impl<S: Storage> Embedded<S> {
    /// Returns everything of one repository, free of any lag.
    ///
    /// # Errors
    /// When the storage cannot read something.
    pub async fn world(&self, slug: &RepoSlug) -> ForgeResult<World> {
        let refs = self.storage.refs(slug).await?;
        let mut records = self.storage.threads(slug, ThreadKind::Issue).await?.records;
        records.extend(self.storage.threads(slug, ThreadKind::Pull).await?.records);
        records.sort_by_key(|record| record.number);
        let mut threads = Vec::new();
        for record in records {
            threads.push(ThreadWorld {
                comments: self.storage.comments(slug, record.number).await?,
                events: self.storage.events(slug, record.number).await?,
                thread: self.as_it_stands(slug, record, &refs).await?,
            });
        }
        let mut labels = self.storage.labels(slug).await?;
        labels.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(World { refs, labels, threads })
    }
}
