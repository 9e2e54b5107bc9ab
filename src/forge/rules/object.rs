//! Trees and commits as git writes them. Layer 2.
//!
//! Pure bytes in both directions; the ids come from whoever stores them.

use crate::forge::Commit;
use crate::model::{ObjectId, Timestamp};

/// What an object is; tags are not needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObjectKind {
    /// A file's bytes.
    Blob,
    /// A folder.
    Tree,
    /// A commit.
    Commit,
}

impl ObjectKind {
    /// Returns git's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Blob => "blob",
            Self::Tree => "tree",
            Self::Commit => "commit",
        }
    }

    /// Reads git's word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Blob, Self::Tree, Self::Commit].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// One object without its header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// What it is.
    pub kind: ObjectKind,
    /// Its content.
    pub data: Vec<u8>,
}

/// One line of one tree object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TreeItem {
    /// The mode as git writes it, `40000` for a folder.
    pub(super) mode: String,
    /// The name; any bytes but `/` and NUL.
    pub(super) name: Vec<u8>,
    /// What it points at.
    pub(super) id: ObjectId,
}

/// The mode of a folder.
pub(super) const FOLDER: &str = "40000";

impl TreeItem {
    pub(super) fn is_folder(&self) -> bool {
        self.mode == FOLDER || self.mode == "040000"
    }

    /// Git sorts folders as if their name ended with a slash.
    fn sort_key(&self) -> Vec<u8> {
        let mut key = self.name.clone();
        if self.is_folder() {
            key.push(b'/');
        }
        key
    }
}

/// Reads a tree object; nothing when it is broken. `id_length` is that of an id in hexadecimal digits.
pub(super) fn parse_tree(data: &[u8], id_length: usize) -> Option<Vec<TreeItem>> {
    let raw_length = id_length / 2;
    let mut items = Vec::new();
    let mut rest = data;
    while !rest.is_empty() {
        let space = memchr::memchr(b' ', rest)?;
        let end = memchr::memchr(0, rest)?;
        let mode = std::str::from_utf8(rest.get(..space)?).ok()?;
        let name = rest.get(space + 1..end)?;
        let raw = rest.get(end + 1..end + 1 + raw_length)?;
        items.push(TreeItem { mode: mode.to_owned(), name: name.to_vec(), id: from_raw(raw)? });
        rest = &rest[end + 1 + raw_length..];
    }
    Some(items)
}

/// Writes a tree object.
pub(super) fn encode_tree(mut items: Vec<TreeItem>) -> Object {
    items.sort_by_key(TreeItem::sort_key);
    let mut data = Vec::new();
    for item in items {
        data.extend_from_slice(item.mode.as_bytes());
        data.push(b' ');
        data.extend_from_slice(&item.name);
        data.push(0);
        data.extend(to_raw(&item.id));
    }
    Object { kind: ObjectKind::Tree, data }
}

fn to_raw(id: &ObjectId) -> impl Iterator<Item = u8> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => byte - b'0',
        _ => byte.wrapping_sub(b'a') + 10,
    };
    id.as_str().as_bytes().chunks_exact(2).map(move |pair| (digit(pair[0]) << 4) | digit(pair[1]))
}

fn from_raw(raw: &[u8]) -> Option<ObjectId> {
    hex(raw).parse().ok()
}

/// Writes bytes in lower-case hexadecimal.
pub(crate) fn hex(raw: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    raw.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)] as char, DIGITS[usize::from(b & 15)] as char]).collect()
}

/// Reads a commit object and when it was committed; nothing when it is broken.
pub(super) fn parse_commit(id: &ObjectId, data: &[u8]) -> Option<(Commit, Timestamp)> {
    let text = String::from_utf8_lossy(data);
    let (head, message) = text.split_once("\n\n").unwrap_or((text.trim_end_matches('\n'), ""));
    let mut tree = None;
    let mut parents = Vec::new();
    let mut at = Timestamp::default();
    for line in head.lines() {
        match line.split_once(' ') {
            Some(("tree", id)) => tree = Some(id.parse().ok()?),
            Some(("parent", id)) => parents.push(id.parse().ok()?),
            Some(("committer", who)) => at = committed_at(who).unwrap_or_default(),
            _ => {}
        }
    }
    Some((Commit { id: id.clone(), tree: tree?, parents, message: message.to_owned() }, at))
}

/// Reads the seconds of `Name <mail> 1700000000 +0000`.
fn committed_at(who: &str) -> Option<Timestamp> {
    let mut words = who.rsplit(' ');
    let _zone = words.next()?;
    let seconds: i64 = words.next()?.parse().ok()?;
    Some(Timestamp::from_millis(seconds.checked_mul(1000)?))
}

/// Writes a commit object by one account at one moment.
pub(super) fn encode_commit(
    tree: &ObjectId,
    parents: &[ObjectId],
    message: &str,
    login: &str,
    at: Timestamp,
) -> Object {
    use std::fmt::Write as _;
    let mut text = format!("tree {tree}\n");
    for parent in parents {
        let _infallible = writeln!(text, "parent {parent}");
    }
    let name: String = login.chars().filter(|c| !matches!(c, '<' | '>' | '\n' | '\0')).collect();
    let seconds = at.as_millis().div_euclid(1000);
    for role in ["author", "committer"] {
        let _infallible = writeln!(text, "{role} {name} <{name}@users.noreply.invalid> {seconds} +0000");
    }
    text.push('\n');
    text.push_str(message);
    Object { kind: ObjectKind::Commit, data: text.into_bytes() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_round_trip_and_folders_sort_as_git_sorts_them() -> Result<(), crate::model::NameError> {
        let id: ObjectId = "ce013625030ba8dba906f756967f9e9ca394464a".parse()?;
        let item = |mode: &str, name: &str| TreeItem { mode: mode.into(), name: name.into(), id: id.clone() };
        let object = encode_tree(vec![item("40000", "a"), item("100644", "a.txt"), item("100644", "a-b")]);
        let items = parse_tree(&object.data, 40).unwrap_or_default();
        let names: Vec<_> = items.iter().map(|i| String::from_utf8_lossy(&i.name).into_owned()).collect();
        assert_eq!(names, ["a-b", "a.txt", "a"]);
        assert_eq!(parse_tree(&object.data[..object.data.len() - 1], 40), None);
        Ok(())
    }

    #[test]
    fn commits_round_trip_with_parents_message_and_time() -> Result<(), crate::model::NameError> {
        let id: ObjectId = "ce013625030ba8dba906f756967f9e9ca394464a".parse()?;
        let at = Timestamp::from_millis(1_700_000_000_000);
        let object = encode_commit(&id, std::slice::from_ref(&id), "title\n\nbody\n", "a<b>", at);
        let (commit, seen) =
            parse_commit(&id, &object.data).ok_or_else(|| crate::model::NameError::Object(String::new()))?;
        assert_eq!(
            (commit.tree, commit.parents, commit.message.as_str(), seen),
            (id.clone(), vec![id], "title\n\nbody\n", at)
        );
        Ok(())
    }
}
