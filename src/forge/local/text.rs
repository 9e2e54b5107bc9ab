//! Issues, pull requests, comments and events as files that a person reads and writes. Layer 3.
//!
//! Front matter between two lines `---`, then the body, byte for byte. An unknown key is refused by name: a misspelt one
//! that is silently ignored would be worse.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::forge::rules::{CommentRecord, Mergeable, PullRecord, ThreadKind, ThreadRecord, actor};
use crate::forge::{IssueEvent, IssueEventKind, Reaction};
use crate::model::{Actor, BranchName, MergeMethod, ObjectId, Timestamp};

/// What stands between the two lines `---` of an issue or a pull request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Front {
    title: String,
    #[serde(default)]
    author: Option<String>,
    #[serde(default)]
    state: State,
    #[serde(default)]
    locked: bool,
    #[serde(default)]
    labels: Vec<String>,
    #[serde(default)]
    reviewers: BTreeSet<String>,
    #[serde(default)]
    assignees: BTreeSet<String>,
    #[serde(default)]
    milestone: Option<String>,
    #[serde(default, deserialize_with = "moment")]
    created_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "moment")]
    updated_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "moment")]
    closed_at: Option<Timestamp>,
    #[serde(default)]
    head: Option<BranchName>,
    #[serde(default)]
    base: Option<BranchName>,
    #[serde(default)]
    head_sha: Option<ObjectId>,
    #[serde(default)]
    base_sha: Option<ObjectId>,
    #[serde(default)]
    draft: bool,
    #[serde(default)]
    mergeable: Mergeable,
    #[serde(default)]
    reviewed_by: BTreeSet<String>,
    #[serde(default)]
    auto_merge: Option<MergeMethod>,
    #[serde(default, deserialize_with = "moment")]
    merged_at: Option<Timestamp>,
    #[serde(default)]
    merge_sha: Option<ObjectId>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    #[default]
    Open,
    Closed,
    Merged,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct CommentFront {
    #[serde(default)]
    author: Option<String>,
    #[serde(default, deserialize_with = "moment")]
    created_at: Option<Timestamp>,
    #[serde(default)]
    reactions: BTreeSet<Reaction>,
}

/// What a file of a thread says, with what only the file system knows filled in.
pub(super) struct Times {
    /// When the file came to be.
    pub(super) born: Timestamp,
    /// When it last changed.
    pub(super) modified: Timestamp,
}

/// A time, or a day, which begins at midnight.
#[derive(Debug)]
pub(super) struct Moment(pub(super) Timestamp);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        moment(deserializer)?.map(Self).ok_or_else(|| D::Error::custom("a time is needed here"))
    }
}

/// Reads a time, or a day, which begins at midnight.
fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text };
    whole.parse().map(Some).map_err(D::Error::custom)
}

/// Cuts a file into front matter and body; nothing when it does not begin with a line `---` that another one answers.
fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first_end = text.find('\n')? + 1;
    if text[..first_end].trim_end() != "---" {
        return None;
    }
    let mut at = first_end;
    while at < text.len() {
        let end = text[at..].find('\n').map_or(text.len(), |length| at + length + 1);
        if text[at..end].trim_end() == "---" {
            let body = &text[end..];
            let body = body.strip_prefix("\r\n").or_else(|| body.strip_prefix('\n')).unwrap_or(body);
            return Some((&text[first_end..at], body));
        }
        at = end;
    }
    None
}

/// Reads an issue or a pull request.
pub(super) fn parse_thread(
    text: &str,
    kind: ThreadKind,
    number: u64,
    times: &Times,
    tip: impl FnOnce(&BranchName) -> Option<ObjectId>,
) -> Result<ThreadRecord, String> {
    let (front, body) = split(text)
        .ok_or("it has no front matter: begin with a line ---, then title: and what else there is, then a line ---")?;
    let front: Front = serde_yaml::from_str(front).map_err(|error| plain(&error))?;
    let updated_at = front.updated_at.unwrap_or(times.modified);
    let created_at = front.created_at.unwrap_or(times.born);
    let closed = front.state != State::Open;
    let closed_at = closed.then(|| front.closed_at.or(front.merged_at).unwrap_or(times.modified));
    let pull = match kind {
        ThreadKind::Issue if front.state == State::Merged => return Err("an issue cannot be merged".to_owned()),
        ThreadKind::Issue if front.head.is_some() || front.base.is_some() => {
            return Err("an issue has no head and no base".to_owned());
        }
        ThreadKind::Issue => None,
        ThreadKind::Pull => {
            let (Some(head), Some(base)) = (front.head, front.base) else {
                return Err("a pull request needs head and base".to_owned());
            };
            let head_sha = front.head_sha.or_else(|| tip(&head));
            let head_sha = head_sha.ok_or_else(|| format!("there is no branch {head}, and no head_sha"))?;
            let merged = front.state == State::Merged;
            Some(PullRecord {
                head,
                base,
                head_sha,
                base_sha: front.base_sha,
                draft: front.draft,
                mergeable: front.mergeable,
                reviewed_by: front.reviewed_by,
                auto_merge: front.auto_merge,
                merged_at: if merged { front.merged_at.or(closed_at) } else { None },
                merge_sha: if merged { front.merge_sha } else { None },
            })
        }
    };
    if front.title.trim().is_empty() {
        return Err("the title is blank".to_owned());
    }
    Ok(ThreadRecord {
        number,
        title: front.title,
        body: body.to_owned(),
        author: account(front.author),
        open: !closed,
        locked: front.locked,
        labels: front.labels.into_iter().collect::<BTreeSet<_>>(),
        reviewers: front.reviewers,
        assignees: front.assignees,
        milestone: front.milestone,
        created_at,
        updated_at: updated_at.max(created_at),
        closed_at,
        pull,
    })
}

/// Writes an issue or a pull request; [`parse_thread`] reads back the same record.
pub(super) fn write_thread(thread: &ThreadRecord) -> String {
    let mut out = String::from("---\n");
    line(&mut out, "title", &scalar(&thread.title));
    if let Some(author) = &thread.author {
        line(&mut out, "author", &scalar(&author.login));
    }
    let merged = thread.pull.as_ref().is_some_and(|pull| pull.merged_at.is_some());
    line(
        &mut out,
        "state",
        if merged {
            "merged"
        } else if thread.open {
            "open"
        } else {
            "closed"
        },
    );
    if thread.locked {
        line(&mut out, "locked", "true");
    }
    for (key, names) in [("labels", &thread.labels), ("reviewers", &thread.reviewers), ("assignees", &thread.assignees)]
    {
        if !names.is_empty() {
            let names: Vec<String> = names.iter().map(|name| scalar(name)).collect();
            line(&mut out, key, &format!("[{}]", names.join(", ")));
        }
    }
    if let Some(milestone) = &thread.milestone {
        line(&mut out, "milestone", &scalar(milestone));
    }
    if let Some(pull) = &thread.pull {
        line(&mut out, "head", &scalar(pull.head.as_str()));
        line(&mut out, "base", &scalar(pull.base.as_str()));
        line(&mut out, "head_sha", &quoted(pull.head_sha.as_str()));
        if let Some(base) = &pull.base_sha {
            line(&mut out, "base_sha", &quoted(base.as_str()));
        }
        if pull.draft {
            line(&mut out, "draft", "true");
        }
        if pull.mergeable != Mergeable::Clean {
            line(&mut out, "mergeable", pull.mergeable.as_str());
        }
        if !pull.reviewed_by.is_empty() {
            let names: Vec<String> = pull.reviewed_by.iter().map(|name| scalar(name)).collect();
            line(&mut out, "reviewed_by", &format!("[{}]", names.join(", ")));
        }
        if let Some(method) = pull.auto_merge {
            line(&mut out, "auto_merge", method.as_str());
        }
        if let Some(at) = pull.merged_at {
            line(&mut out, "merged_at", &at.to_string());
        }
        if let Some(merge) = &pull.merge_sha {
            line(&mut out, "merge_sha", &quoted(merge.as_str()));
        }
    }
    line(&mut out, "created_at", &thread.created_at.to_string());
    line(&mut out, "updated_at", &thread.updated_at.to_string());
    if let Some(at) = thread.closed_at {
        line(&mut out, "closed_at", &at.to_string());
    }
    out.push_str("---\n\n");
    out.push_str(&thread.body);
    out
}

/// Reads a comment; without front matter the whole file is its text.
pub(super) fn parse_comment(text: &str, position: u64, times: &Times) -> Result<CommentRecord, String> {
    let (front, body) = match split(text) {
        // A comment may begin with a rule `---`; it has front matter only where that reads as such.
        Some((front, body))
            if front.trim_start().starts_with("author:") || front.trim_start().starts_with("created_at:") =>
        {
            (serde_yaml::from_str(front).map_err(|error| plain(&error))?, body)
        }
        _ => (CommentFront::default(), text),
    };
    let created_at = front.created_at.unwrap_or(times.born);
    let (author, reactions) = (account(front.author), front.reactions);
    Ok(CommentRecord { position, author, body: body.to_owned(), created_at, reactions })
}

/// Writes a comment.
pub(super) fn write_comment(comment: &CommentRecord) -> String {
    let mut out = String::from("---\n");
    if let Some(author) = &comment.author {
        line(&mut out, "author", &scalar(&author.login));
    }
    line(&mut out, "created_at", &comment.created_at.to_string());
    if !comment.reactions.is_empty() {
        let names: Vec<&str> = comment.reactions.iter().map(|reaction| reaction.as_str()).collect();
        line(&mut out, "reactions", &format!("[{}]", names.join(", ")));
    }
    out.push_str("---\n\n");
    out.push_str(&comment.body);
    out
}

/// One line of `events.yml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventLine {
    #[serde(default)]
    id: Option<u64>,
    #[serde(deserialize_with = "moment")]
    at: Option<Timestamp>,
    event: EventName,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    actor: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum EventName {
    Labeled,
    Unlabeled,
    Closed,
    Reopened,
    Edited,
}

/// Reads what happened to a thread, one event a line; one without an actor was the owner's.
pub(super) fn parse_events(text: &str, number: u64, owner: &str) -> Result<Vec<IssueEvent>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let lines: Vec<EventLine> = serde_yaml::from_str(text).map_err(|error| plain(&error))?;
    let mut events = Vec::new();
    for (index, line) in lines.into_iter().enumerate() {
        let label = || line.label.clone().ok_or("an event about a label has to name it");
        let kind = match line.event {
            EventName::Labeled => IssueEventKind::Labeled(label()?),
            EventName::Unlabeled => IssueEventKind::Unlabeled(label()?),
            EventName::Closed => IssueEventKind::Closed,
            EventName::Reopened => IssueEventKind::Reopened,
            EventName::Edited => IssueEventKind::Edited,
        };
        events.push(IssueEvent {
            id: line.id.unwrap_or_else(|| crate::forge::rules::comment_id(number, index as u64 + 1)),
            kind,
            actor: Some(actor(line.actor.as_deref().unwrap_or(owner))),
            at: line.at.unwrap_or_default(),
        });
    }
    Ok(events)
}

/// Writes what happened to a thread.
pub(super) fn write_events(events: &[IssueEvent]) -> String {
    let mut out = String::new();
    for event in events {
        let (name, label) = match &event.kind {
            IssueEventKind::Labeled(label) => ("labeled", Some(label)),
            IssueEventKind::Unlabeled(label) => ("unlabeled", Some(label)),
            IssueEventKind::Closed => ("closed", None),
            IssueEventKind::Reopened => ("reopened", None),
            IssueEventKind::Edited => ("edited", None),
        };
        let _infallible = write!(out, "- {{ at: {}, event: {name}", quoted(&event.at.to_string()));
        if let Some(label) = label {
            let _infallible = write!(out, ", label: {}", quoted(label));
        }
        if let Some(actor) = &event.actor {
            let _infallible = write!(out, ", actor: {}", quoted(&actor.login));
        }
        let _infallible = writeln!(out, ", id: {} }}", event.id);
    }
    out
}

fn account(login: Option<String>) -> Option<Actor> {
    login.filter(|login| !login.trim().is_empty()).map(|login| actor(login.trim()))
}

fn line(out: &mut String, key: &str, value: &str) {
    let _infallible = writeln!(out, "{key}: {value}");
}

/// Writes a text bare where no reader of YAML can take it for anything else, and quoted otherwise.
pub(super) fn scalar(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'_' | b'-' | b'.' | b'/' | b'(' | b')'))
        && !text.ends_with(' ');
    let word = matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    if plain && !word { text.to_owned() } else { quoted(text) }
}

/// Writes a text in double quotes, everything escaped that is no visible character.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') => {
                let _infallible = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Says in one line what a reader of YAML said in several.
pub(super) fn plain(error: &serde_yaml::Error) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().trim_end_matches('.').to_owned()
}
