//! Reads YAML into a tree that keeps every scalar as written and every place. Layer 1.
//!
//! The parser underneath is serde-saphyr's; its typed reading stops at the first problem, and its untyped reading turns
//! `no` into false, so the tree is built from its events. It refuses bytes that are no text, tags, merge keys, several
//! documents, and whatever unfolds into more than a configuration can need (V-95, V-96).

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_yaml::granit_parser::{Event, Parser, ScalarStyle, Span, Tag};

use crate::config::check::join;
use crate::config::problem::{Place, ProblemCode, Problems, shown};

/// The most bytes of a configuration.
pub const MAX_BYTES: usize = 1 << 20;
/// Collections inside each other; the deepest key of the reference needs six.
const MAX_DEPTH: usize = 32;
/// Nodes after aliases are unfolded: 10,000 repositories with twenty keys each.
const MAX_NODES: usize = 400_000;

/// A value with its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
    /// Nodes in it, itself included.
    size: usize,
    depth: usize,
}

/// A value as written.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// Text; `plain` where no quotes made it text.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Rc<Vec<Node>>),
    Map(Rc<Vec<Entry>>),
}

/// A key with its value; a key given twice has been reported and stands once.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) place: Place,
    pub(super) value: Node,
}

impl Node {
    /// Tells whether nothing is written: `null`, `~`, or no text at all.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true }
            if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// Returns the value of a key, where this is a map that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// Returns this map without some of its keys.
    pub(super) fn without(&self, keys: &[&str]) -> Self {
        match &self.value {
            Value::Map(entries) => {
                let kept = entries.iter().filter(|entry| !keys.contains(&entry.key.as_str())).cloned().collect();
                Self { value: Value::Map(Rc::new(kept)), ..*self }
            }
            _ => self.clone(),
        }
    }

    /// Says in words what this is.
    pub(super) fn kind(&self) -> &'static str {
        match &self.value {
            _ if self.is_null() => "nothing",
            Value::Scalar { plain: true, .. } => "a single value",
            Value::Scalar { plain: false, .. } => "text in quotes",
            Value::List(_) => "a list",
            Value::Map(_) => "a table of keys",
        }
    }
}

/// A collection whose end has not come yet.
struct Open {
    place: Place,
    anchor: usize,
    size: usize,
    depth: usize,
    what: Kind,
}

enum Kind {
    List(Vec<Node>),
    /// The entries, the index of each key, and the key whose value comes next; `None` in it where that key is dropped.
    Map(Vec<Entry>, BTreeMap<String, usize>, Option<(Option<String>, Place)>),
}

/// Reads bytes; `None` after a problem that leaves nothing to check.
pub(super) fn read(bytes: &[u8], problems: &mut Problems) -> Option<Node> {
    if bytes.len() > MAX_BYTES {
        let message = format!("The file has {} bytes; a configuration has at most {MAX_BYTES}.", bytes.len());
        problems.add(Place::START, "", ProblemCode::Unreadable, message);
        return None;
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Err(error) => {
            let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            let message = "The file is not UTF-8 from here on; save it as UTF-8.";
            problems.add(Place { line, column }, "", ProblemCode::Unreadable, message);
            return None;
        }
    };
    let mut tree = Tree { stack: Vec::new(), anchors: BTreeMap::new(), root: None, problems };
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) = match event {
            Ok(next) => next,
            Err(error) => {
                let place = Place { line: error.marker().line(), column: error.marker().col() + 1 };
                // The parser bounds the depth of its own recursion before ours is reached.
                if error.info().contains("recursion limit") {
                    let _stop = tree.too_deep(place);
                } else {
                    tree.problems.add(place, "", ProblemCode::Syntax, format!("This is no YAML: {}.", error.info()));
                }
                return None;
            }
        };
        if matches!(event, Event::DocumentStart(..)) {
            documents += 1;
            if documents > 1 {
                let message = "A second document starts here; a configuration is one document.";
                tree.problems.add(place(&span), "", ProblemCode::Syntax, message);
                break;
            }
        }
        tree.take(event, place(&span))?;
    }
    let root = tree.root;
    if root.is_none() {
        problems.add(Place::START, "", ProblemCode::MissingKey, "The file is empty; start with `version: 1`.");
    }
    root
}

fn place(span: &Span) -> Place {
    Place { line: span.start.line(), column: span.start.col() + 1 }
}

struct Tree<'a> {
    stack: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    root: Option<Node>,
    problems: &'a mut Problems,
}

impl Tree<'_> {
    /// Takes one event; `None` where reading has to stop.
    fn take(&mut self, event: Event<'_>, place: Place) -> Option<()> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let as_text = self.check_tag(tag.as_deref(), place);
                let plain = style == ScalarStyle::Plain && !as_text;
                let value = Value::Scalar { text: text.into_owned(), plain };
                self.put(Node { place, value, size: 1, depth: 0 }, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), place);
                self.open(place, anchor, Kind::List(Vec::new()))
            }
            Event::MappingStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), place);
                self.open(place, anchor, Kind::Map(Vec::new(), BTreeMap::new(), None))
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let open = self.stack.pop()?;
                let value = match open.what {
                    Kind::List(items) => Value::List(Rc::new(items)),
                    Kind::Map(entries, ..) => Value::Map(Rc::new(entries)),
                };
                self.put(Node { place: open.place, value, size: open.size, depth: open.depth }, open.anchor)
            }
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor).cloned() else {
                    self.problems.add(place, "", ProblemCode::TooMuch, "This alias stands inside what it refers to.");
                    return None;
                };
                // The value is reported where it is used, which is where the wrong key stands.
                self.put(Node { place, ..node }, 0)
            }
            _ => Some(()),
        }
    }

    fn open(&mut self, place: Place, anchor: usize, what: Kind) -> Option<()> {
        if self.stack.len() >= MAX_DEPTH {
            return self.too_deep(place);
        }
        self.stack.push(Open { place, anchor, size: 1, depth: 1, what });
        Some(())
    }

    fn too_deep(&mut self, place: Place) -> Option<()> {
        let message = format!("More than {MAX_DEPTH} lists or tables stand inside each other here.");
        self.problems.add(place, "", ProblemCode::TooMuch, message);
        None
    }

    /// Returns the key of the innermost collection from the top.
    fn path(&self) -> String {
        let mut path = String::new();
        for open in self.stack.iter().take(self.stack.len().saturating_sub(1)) {
            match &open.what {
                Kind::List(items) => path = format!("{path}[{}]", items.len()),
                Kind::Map(.., Some((Some(key), _))) => path = join(&path, shown(key).trim_matches('"')),
                Kind::Map(..) => path = join(&path, "?"),
            }
        }
        path
    }

    /// Puts a finished node where it belongs.
    fn put(&mut self, node: Node, anchor: usize) -> Option<()> {
        if self.stack.len() + node.depth > MAX_DEPTH {
            return self.too_deep(node.place);
        }
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.stack.last_mut() else {
            self.root = Some(node);
            return Some(());
        };
        open.size = open.size.saturating_add(node.size);
        open.depth = open.depth.max(node.depth + 1);
        if open.size > MAX_NODES {
            let message = format!("The file unfolds into more than {MAX_NODES} values.");
            self.problems.add(node.place, "", ProblemCode::TooMuch, message);
            return None;
        }
        let (entries, index, pending) = match &mut open.what {
            Kind::List(items) => {
                items.push(node);
                return Some(());
            }
            Kind::Map(entries, index, pending) => (entries, index, pending),
        };
        match (pending.take(), node.value) {
            (Some((Some(key), at)), value) => {
                index.insert(key.clone(), entries.len());
                entries.push(Entry { key, place: at, value: Node { value, ..node } });
            }
            (Some((None, _)), _) => {}
            (None, Value::Scalar { text, .. }) => {
                let message = if text == "<<" {
                    Some((ProblemCode::UnknownKey, "Merge keys are not read; put shared settings into `defaults`."))
                } else if index.contains_key(&text) {
                    Some((ProblemCode::DuplicateKey, "This key is given twice; keep one of them."))
                } else {
                    None
                };
                let kept = message.is_none().then(|| text.clone());
                *pending = Some((kept, node.place));
                if let Some((code, message)) = message {
                    let key = join(&self.path(), shown(&text).trim_matches('"'));
                    self.problems.add(node.place, key, code, message);
                }
            }
            (None, _) => {
                self.problems.add(node.place, "", ProblemCode::WrongType, "A key has to be a single word.");
                *pending = Some((None, node.place));
            }
        }
        Some(())
    }

    /// Refuses tags, save the one that says that a value is text; tells whether it is that.
    fn check_tag(&mut self, tag: Option<&Tag>, place: Place) -> bool {
        let Some(tag) = tag else { return false };
        let text = tag.to_string();
        let is_text = text == "tag:yaml.org,2002:str";
        if !is_text {
            let message = "YAML tags mean nothing in a configuration; leave it out.";
            self.problems.add(place, shown(&text).trim_matches('"'), ProblemCode::WrongType, message);
        }
        is_text
    }
}
