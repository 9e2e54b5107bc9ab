//! Reads one source file and lists every path it names, with `use` trees flattened and `self` and `super`
//! resolved.
//!
//! Refuses to understand more than names: no types, no macro expansion. Inside a macro call it reads the
//! tokens, so that a path cannot hide there. Code under `#[cfg(test)]` is passed over.

use std::collections::BTreeSet;

use syn::buffer::{Cursor, TokenBuffer};
use syn::visit::{self, Visit};

/// A path as a file names it, from `crate` or from the name of an outside crate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Named {
    pub(super) segments: Vec<String>,
    /// Whether a `use` brings it in, whole (a module) or as a glob.
    pub(super) imported: bool,
}

/// Lists the paths of `source`, which lies at `module`.
pub(super) fn paths_of(source: &str, module: &[String]) -> Result<BTreeSet<Named>, syn::Error> {
    let file = syn::parse_file(source)?;
    let mut reader = Reader { module: module.to_vec(), found: BTreeSet::new() };
    reader.visit_file(&file);
    Ok(reader.found)
}

/// Lists the modules below `module` that `source` declares for tests alone and keeps in files of their own.
pub(super) fn test_modules(source: &str, module: &[String]) -> Vec<Vec<String>> {
    let Ok(file) = syn::parse_file(source) else {
        return Vec::new();
    };
    let declared = file.items.iter().filter_map(|item| match item {
        syn::Item::Mod(item) if item.content.is_none() && only_for_tests(&item.attrs) => Some(item),
        _ => None,
    });
    declared.map(|item| [module, &[plain(&item.ident)]].concat()).collect()
}

struct Reader {
    module: Vec<String>,
    found: BTreeSet<Named>,
}

impl Reader {
    fn note(&mut self, segments: Vec<String>, imported: bool) {
        let mut rest = segments.as_slice();
        let Some(first) = rest.first() else { return };
        let mut base = match first.as_str() {
            "self" | "super" => self.module.clone(),
            _ => {
                self.found.insert(Named { segments, imported });
                return;
            }
        };
        while let Some((head, tail)) = rest.split_first() {
            match head.as_str() {
                "self" => {}
                "super" => {
                    base.pop();
                }
                _ => break,
            }
            rest = tail;
        }
        let mut segments = vec!["crate".to_owned()];
        segments.append(&mut base);
        segments.extend_from_slice(rest);
        self.found.insert(Named { segments, imported });
    }

    fn flatten(&mut self, prefix: &[String], tree: &syn::UseTree) {
        let longer = |name: &syn::Ident| {
            let mut path = prefix.to_vec();
            path.push(plain(name));
            path
        };
        match tree {
            syn::UseTree::Path(path) => self.flatten(&longer(&path.ident), &path.tree),
            // `use a::{self}` names `a` itself.
            syn::UseTree::Name(leaf) if leaf.ident == "self" && !prefix.is_empty() => {
                self.note(prefix.to_vec(), true);
            }
            syn::UseTree::Rename(leaf) if leaf.ident == "self" && !prefix.is_empty() => {
                self.note(prefix.to_vec(), true);
            }
            syn::UseTree::Name(leaf) => self.note(longer(&leaf.ident), true),
            syn::UseTree::Rename(leaf) => self.note(longer(&leaf.ident), true),
            syn::UseTree::Glob(_) => self.note(prefix.to_vec(), true),
            syn::UseTree::Group(group) => {
                for item in &group.items {
                    self.flatten(prefix, item);
                }
            }
        }
    }

    fn scan(&mut self, mut cursor: Cursor<'_>) {
        while !cursor.eof() {
            if let Some((inside, _, _, after)) = cursor.any_group() {
                self.scan(inside);
                cursor = after;
            } else if let Some((name, after)) = cursor.ident() {
                let mut segments = vec![plain(&name)];
                cursor = after;
                while let Some((next, after)) = after_colons(cursor).and_then(Cursor::ident) {
                    segments.push(plain(&next));
                    cursor = after;
                }
                if segments.len() > 1 {
                    self.note(segments, false);
                }
            } else if let Some((_, after)) = cursor.token_tree() {
                cursor = after;
            } else {
                return;
            }
        }
    }
}

fn after_colons(cursor: Cursor<'_>) -> Option<Cursor<'_>> {
    let (first, cursor) = cursor.punct()?;
    let (second, cursor) = cursor.punct()?;
    (first.as_char() == ':' && second.as_char() == ':').then_some(cursor)
}

fn plain(name: &syn::Ident) -> String {
    let name = name.to_string();
    name.strip_prefix("r#").map_or(name.clone(), str::to_owned)
}

/// Tells whether an item is compiled for tests alone.
fn only_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let syn::Meta::List(list) = &attribute.meta else {
            return false;
        };
        if !list.path.is_ident("cfg") {
            return false;
        }
        let condition: String = list.tokens.to_string().split_whitespace().collect();
        condition == "test" || condition.starts_with("all(test,")
    })
}

fn attributes_of(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !only_for_tests(attributes_of(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !only_for_tests(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.module.push(plain(&item.ident));
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.flatten(&[], &item.tree);
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        self.note(vec![plain(&item.ident)], true);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            self.note(path.segments.iter().map(|segment| plain(&segment.ident)).collect(), false);
        }
        visit::visit_path(self, path);
    }

    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {
        // `pub(in crate::a)` says who may look in, and imports nothing.
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.scan(TokenBuffer::new2(call.tokens.clone()).begin());
        visit::visit_macro(self, call);
    }

    fn visit_meta_list(&mut self, list: &'ast syn::MetaList) {
        self.scan(TokenBuffer::new2(list.tokens.clone()).begin());
        visit::visit_meta_list(self, list);
    }
}
