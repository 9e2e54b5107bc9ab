//! What a thread looked like when Homeostat last wrote it, so that edits by hand can be told from its own. Layer 3.
//!
//! An edit by hand leaves no event; the difference to what was last seen is one. It is read on every look and recorded only
//! when the thread is written anyway, so that looking changes nothing.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::forge::rules::{ThreadRecord, actor, stable_number};
use crate::forge::{IssueEvent, IssueEventKind};
use crate::model::{Timestamp, sha256_hex};

/// Above every id that a recorded event can have, below 2⁵³, so that JSON of any reader holds it.
const DERIVED: u64 = 1 << 52;

/// One look of a thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Look {
    labels: BTreeSet<String>,
    open: bool,
    /// Of title and body, white space at the end left out, which editors add.
    words: String,
    /// Of the whole file.
    file: String,
}

/// The sidecar: the look now written, and the one before it, which a crash between the two writes leaves in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    looks: Vec<Look>,
}

fn look(thread: &ThreadRecord, file: &str) -> Look {
    Look {
        labels: thread.labels.clone(),
        open: thread.open,
        words: sha256_hex(format!("{}\n{}", thread.title, thread.body.trim_end()).as_bytes()),
        file: sha256_hex(file.as_bytes()),
    }
}

impl Look {
    /// Returns whether nothing that would be an event differs.
    fn tells_the_same(&self, other: &Self) -> bool {
        self.labels == other.labels && self.open == other.open && self.words == other.words
    }
}

impl Seen {
    /// Notes that `file` is about to be written, over `before` where there was one.
    pub(super) fn of(thread: &ThreadRecord, file: &str, before: Option<(&ThreadRecord, &str)>) -> Self {
        let mut looks = vec![look(thread, file)];
        looks.extend(before.map(|(thread, file)| look(thread, file)));
        Self { looks }
    }

    /// Returns whether the file is byte for byte what Homeostat wrote last.
    pub(super) fn is_ours(&self, file: &str) -> bool {
        let digest = sha256_hex(file.as_bytes());
        self.looks.iter().any(|look| look.file == digest)
    }
}

/// Returns the events that edits by hand amount to. Ids depend on what changed and on how much was recorded before, not on
/// times: the same edit keeps its id until it is recorded.
pub(super) fn derived(
    seen: Option<&Seen>,
    thread: &ThreadRecord,
    file: &str,
    modified: Timestamp,
    owner: &str,
    recorded: usize,
) -> Vec<IssueEvent> {
    let now = look(thread, file);
    let mut kinds = Vec::new();
    let mut at = modified;
    match seen.and_then(|seen| seen.looks.first().map(|first| (seen, first))) {
        // A file that was never written by us: what stands in it was done when it was made.
        None => {
            at = thread.created_at;
            kinds.extend(now.labels.iter().cloned().map(IssueEventKind::Labeled));
            if !now.open {
                kinds.push(IssueEventKind::Closed);
            }
        }
        Some((seen, _)) if seen.looks.iter().any(|look| look.tells_the_same(&now)) => {}
        Some((_, last)) => {
            if last.words != now.words {
                kinds.push(IssueEventKind::Edited);
            }
            kinds.extend(last.labels.difference(&now.labels).cloned().map(IssueEventKind::Unlabeled));
            kinds.extend(now.labels.difference(&last.labels).cloned().map(IssueEventKind::Labeled));
            match (last.open, now.open) {
                (true, false) => kinds.push(IssueEventKind::Closed),
                (false, true) => kinds.push(IssueEventKind::Reopened),
                _ => {}
            }
        }
    }
    let name = |kind: &IssueEventKind| match kind {
        IssueEventKind::Labeled(label) => format!("labeled {label}"),
        IssueEventKind::Unlabeled(label) => format!("unlabeled {label}"),
        IssueEventKind::Closed => "closed".to_owned(),
        IssueEventKind::Reopened => "reopened".to_owned(),
        IssueEventKind::Edited => "edited".to_owned(),
    };
    let id = |kind: &IssueEventKind| {
        let parts = [thread.number.to_string(), name(kind), recorded.to_string()];
        DERIVED + stable_number(&["event", &parts[0], &parts[1], &parts[2]])
    };
    kinds.into_iter().map(|kind| IssueEvent { id: id(&kind), kind, actor: Some(actor(owner)), at }).collect()
}
