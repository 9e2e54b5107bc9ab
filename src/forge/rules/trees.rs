//! Reading whole trees, and making new ones out of old ones and changes. Layer 2.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use super::object::{FOLDER, TreeItem, encode_tree, parse_tree};
use super::{Embedded, Object, ObjectKind, Storage};
use crate::forge::{ForgeError, ForgeResult, TreeChange, TreeEntry};
use crate::model::{FileMode, ObjectId, RepoSlug};

/// Entries that one tree may list; GitHub's own limit for a recursive listing.
const ENTRIES: usize = 100_000;

/// Folders inside folders; deeper ones are made to hurt.
const DEPTH: usize = 200;

/// What a path becomes; nothing deletes it.
type Becomes<'a> = Option<(FileMode, &'a ObjectId)>;

/// What becomes of the names in one folder.
#[derive(Default)]
struct Edits<'a> {
    here: BTreeMap<&'a str, Becomes<'a>>,
    below: BTreeMap<&'a str, Vec<(&'a str, Becomes<'a>)>>,
}

impl<S: Storage> Embedded<S> {
    /// Lists every file of a commit's or tree's tree; a folder level costs one reading of objects.
    pub(super) async fn list_tree(&self, slug: &RepoSlug, id: &ObjectId) -> ForgeResult<Vec<TreeEntry>> {
        let root = self.tree_of(slug, id).await?;
        let mut files = Vec::new();
        let mut level = vec![(String::new(), root)];
        for _ in 0..DEPTH {
            if level.is_empty() {
                files.sort_by(|a: &TreeEntry, b| a.path.cmp(&b.path));
                return Ok(files);
            }
            let ids: Vec<ObjectId> = level.iter().map(|(_, id)| id.clone()).collect();
            let objects = self.storage.objects(slug, &ids).await?;
            let mut next = Vec::new();
            for ((folder, id), object) in level.into_iter().zip(objects) {
                for item in items_of(slug, &id, object)? {
                    let path = format!("{folder}{}", String::from_utf8_lossy(&item.name));
                    if item.is_folder() {
                        next.push((format!("{path}/"), item.id));
                    } else if let Some(mode) = FileMode::parse(&item.mode) {
                        files.push(TreeEntry { path, mode, id: item.id });
                    }
                }
                if files.len() + next.len() > ENTRIES {
                    return Err(ForgeError::Invalid(format!("tree {id} of {slug} has more than {ENTRIES} entries")));
                }
            }
            level = next;
        }
        Err(ForgeError::Invalid(format!("tree {id} of {slug} has more than {DEPTH} folders inside each other")))
    }

    /// Returns the tree that an id names, directly or as a commit's.
    async fn tree_of(&self, slug: &RepoSlug, id: &ObjectId) -> ForgeResult<ObjectId> {
        match self.read_object(slug, id).await? {
            Some(Object { kind: ObjectKind::Tree, .. }) => Ok(id.clone()),
            Some(Object { kind: ObjectKind::Commit, .. }) => Ok(self.read_commit(slug, id).await?.0.tree),
            _ => Err(ForgeError::NotFound(format!("{slug} has no tree {id}"))),
        }
    }

    /// Stores the tree that changes make of a base.
    pub(super) async fn edit_tree(
        &self,
        slug: &RepoSlug,
        base: Option<&ObjectId>,
        changes: &[TreeChange],
    ) -> ForgeResult<ObjectId> {
        let base = match base {
            Some(id) => Some(self.tree_of(slug, id).await?),
            None => None,
        };
        for change in changes {
            if let Some((mode, id)) = &change.entry
                && *mode != FileMode::Gitlink
                && !matches!(self.read_object(slug, id).await?, Some(Object { kind: ObjectKind::Blob, .. }))
            {
                return Err(ForgeError::Invalid(format!("{slug} has no blob {id} for {}", change.path)));
            }
        }
        let edits = changes
            .iter()
            .map(|change| (change.path.as_str(), change.entry.as_ref().map(|(mode, id)| (*mode, id))))
            .collect();
        match self.edit_folder(slug, base, edits, "", 0).await? {
            Some(id) => Ok(id),
            None => self.storage.store(slug, &encode_tree(Vec::new())).await,
        }
    }

    /// Stores one folder after its edits; nothing when it is empty.
    fn edit_folder<'a>(
        &'a self,
        slug: &'a RepoSlug,
        base: Option<ObjectId>,
        edits: Vec<(&'a str, Becomes<'a>)>,
        place: &'a str,
        depth: usize,
    ) -> Pin<Box<dyn Future<Output = ForgeResult<Option<ObjectId>>> + Send + 'a>> {
        Box::pin(async move {
            if depth > DEPTH {
                return Err(ForgeError::Invalid(format!("more than {DEPTH} folders inside each other: {place}")));
            }
            let mut items: BTreeMap<Vec<u8>, TreeItem> = BTreeMap::new();
            if let Some(id) = &base {
                for item in items_of(slug, id, self.read_object(slug, id).await?)? {
                    items.insert(item.name.clone(), item);
                }
            }
            let mut sorted = Edits::default();
            for (path, entry) in edits {
                match path.split_once('/') {
                    None if sorted.here.insert(path, entry).is_some() => {
                        return Err(ForgeError::Invalid(format!("{path} is changed twice")));
                    }
                    None => {}
                    Some((folder, rest)) => sorted.below.entry(folder).or_default().push((rest, entry)),
                }
            }
            for (name, entry) in sorted.here {
                match entry {
                    Some(_) if sorted.below.contains_key(name) => {
                        return Err(ForgeError::Invalid(format!("{name} would be a file and a folder")));
                    }
                    Some((mode, id)) => {
                        let item = TreeItem { mode: mode.as_str().into(), name: name.into(), id: id.clone() };
                        items.insert(name.as_bytes().to_vec(), item);
                    }
                    None => match items.remove(name.as_bytes()) {
                        Some(item) if !item.is_folder() => {}
                        _ => return Err(ForgeError::Invalid(format!("there is no file {name} to delete"))),
                    },
                }
            }
            for (name, edits) in sorted.below {
                // A file in a folder's place gives way, as on GitHub.
                let below = items.remove(name.as_bytes()).filter(TreeItem::is_folder).map(|item| item.id);
                if let Some(id) = self.edit_folder(slug, below, edits, name, depth + 1).await? {
                    items.insert(name.as_bytes().to_vec(), TreeItem { mode: FOLDER.into(), name: name.into(), id });
                }
            }
            if items.is_empty() {
                return Ok(None);
            }
            self.storage.store(slug, &encode_tree(items.into_values().collect())).await.map(Some)
        })
    }
}

fn items_of(slug: &RepoSlug, id: &ObjectId, object: Option<Object>) -> ForgeResult<Vec<TreeItem>> {
    let Some(Object { kind: ObjectKind::Tree, data }) = object else {
        return Err(ForgeError::NotFound(format!("{slug} has no tree {id}")));
    };
    parse_tree(&data, id.as_str().len()).ok_or_else(|| ForgeError::Invalid(format!("tree {id} of {slug} is broken")))
}
