//! Checks a tree of YAML against the table of keys and collects what is set, and all that is wrong. Layer 1.

use std::time::Duration;

use ignore::gitignore::GitignoreBuilder;
use serde_json::Value as Json;

use crate::config::keys::{Key, Names, State, Takes, elsewhere};
use crate::config::models::{check_address, check_name, required_of};
use crate::config::problem::{Place, ProblemCode, Problems, nearest, shown};
use crate::config::raw::{Node, Value};
use crate::config::template::check_title;
use crate::model::{
    BranchName, MicroUsd, ModelName, ProviderKind, RepoPath, RepoSlug, format_duration, parse_duration,
};

/// Entries of one list; a longer one is a mistake.
const MAX_ITEMS: usize = 1000;
/// Characters of one text; commands are the longest.
const MAX_TEXT: usize = 4096;

/// A value that was set and is right.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// The key from the section's top, `limits.max_files`.
    pub(super) key: String,
    pub(super) place: Place,
    /// As written; lengths, sizes and money as text.
    pub(super) value: Json,
}

/// What a walk over a section finds.
pub(super) struct Checker<'a> {
    pub(super) problems: &'a mut Problems,
    pub(super) warnings: &'a mut Vec<String>,
}

impl Checker<'_> {
    /// Checks a table and appends what is right to `found`.
    ///
    /// `path` names the section in messages; `above` is the part of the key inside the section.
    pub(super) fn table(&mut self, path: &str, above: &str, node: &Node, keys: &'static [Key], found: &mut Vec<Found>) {
        if node.is_null() {
            return;
        }
        let Value::Map(entries) = &node.value else {
            self.wrong_type(node, path, "a table of keys");
            return;
        };
        for entry in entries.iter() {
            let full = join(path, &entry.key);
            let Some(key) = keys.iter().find(|key| key.name == entry.key) else {
                self.unknown(entry.place, path, &entry.key, keys);
                continue;
            };
            match (key.state, key.takes) {
                (State::NotYet, _) => {
                    let message =
                        format!("`{}` is known, but this version does not have it yet; leave it out.", key.name);
                    self.problems.add(entry.place, full, ProblemCode::NotYet, message);
                }
                (State::Unused, _) => self.warnings.push(format!(
                    "{}:{}:{}: {full}: This version does not use it yet.",
                    self.problems.file, entry.place.line, entry.place.column
                )),
                (State::Ready, Takes::Table(inner)) => {
                    self.table(&full, &join(above, key.name), &entry.value, inner, found);
                }
                (State::Ready, Takes::Tables(inner)) => {
                    if let Some(value) = self.tables(&full, &entry.value, inner) {
                        found.push(Found { key: join(above, key.name), place: entry.place, value });
                    }
                }
                (State::Ready, Takes::Named(names, inner)) => {
                    if let Some(value) = self.named(&full, &entry.value, names, inner) {
                        found.push(Found { key: join(above, key.name), place: entry.place, value });
                    }
                }
                (State::Ready, takes) => {
                    if let Some(value) = self.value(&full, &entry.value, takes) {
                        found.push(Found { key: join(above, key.name), place: entry.place, value });
                    }
                }
            }
        }
    }

    /// Reports a key that does not exist, with the one that may be meant.
    fn unknown(&mut self, place: Place, path: &str, typed: &str, keys: &'static [Key]) {
        let name = shown(typed);
        let bare = name.trim_matches('"');
        if self.problems.is_full() {
            self.problems.add(place, join(path, bare), ProblemCode::UnknownKey, "There is no such key.");
            return;
        }
        let message = if let Some(near) = nearest(typed, keys.iter().map(|key| key.name)) {
            format!("There is no such key; did you mean `{near}`?")
        } else if let Some(other) = elsewhere(typed) {
            format!("This key does not belong here; write it as `{other}`.")
        } else {
            let names: Vec<&str> = keys.iter().filter(|key| key.state != State::NotYet).map(|key| key.name).collect();
            format!("There is no such key; there are {}.", names.join(", "))
        };
        self.problems.add(place, join(path, bare), ProblemCode::UnknownKey, message);
    }

    /// Checks a list of tables with a required `path`, the projects of a monorepo.
    fn tables(&mut self, path: &str, node: &Node, keys: &'static [Key]) -> Option<Json> {
        let mut tables: Vec<Json> = Vec::new();
        for (at, item) in self.items(path, node)?.iter().enumerate() {
            let path = format!("{path}[{at}]");
            let mut found = Vec::new();
            self.table(&path, "", item, keys, &mut found);
            let table: serde_json::Map<String, Json> =
                found.into_iter().map(|found| (found.key, found.value)).collect();
            if item.get("path").is_none() {
                self.problems.add(item.place, path, ProblemCode::MissingKey, "A project needs its folder as `path`.");
            } else if table.get("path").is_some_and(|own| tables.iter().any(|other| other.get("path") == Some(own))) {
                self.problems.add(item.place, path, ProblemCode::ImpossibleValue, "Another project has this folder.");
            }
            tables.push(Json::Object(table));
        }
        Some(Json::Array(tables))
    }

    /// Checks a table whose keys are names of tables.
    fn named(&mut self, path: &str, node: &Node, names: Names, keys: &'static [Key]) -> Option<Json> {
        if node.is_null() {
            return Some(Json::Object(serde_json::Map::new()));
        }
        let Value::Map(entries) = &node.value else {
            self.wrong_type(node, path, "a table of names");
            return None;
        };
        let mut tables = serde_json::Map::new();
        for entry in entries.iter() {
            let full = join(path, shown(&entry.key).trim_matches('"'));
            if let Err(message) = check_name(&entry.key, names) {
                self.problems.add(entry.place, full, ProblemCode::ImpossibleValue, message);
                continue;
            }
            let mut found = Vec::new();
            self.table(&full, "", &entry.value, keys, &mut found);
            for required in required_of(names) {
                if entry.value.get(required).is_none() {
                    let message = format!("`{required}` is missing here.");
                    self.problems.add(entry.place, full.clone(), ProblemCode::MissingKey, message);
                }
            }
            if names == Names::Own && entry.value.get("kind").is_none() && entry.key.parse::<ProviderKind>().is_err() {
                let kinds: Vec<&str> = ProviderKind::ALL.iter().map(|kind| kind.as_str()).collect();
                let message = format!("No kind has this name; say which it is: `kind: {}`.", kinds.join(" | "));
                self.problems.add(entry.place, full, ProblemCode::MissingKey, message);
            }
            let table = found.into_iter().map(|found| (found.key, found.value)).collect();
            tables.insert(entry.key.clone(), Json::Object(table));
        }
        Some(Json::Object(tables))
    }

    /// Checks one value; `None` after a problem.
    fn value(&mut self, path: &str, node: &Node, takes: Takes) -> Option<Json> {
        match takes {
            Takes::Version | Takes::Table(_) | Takes::Tables(_) | Takes::Named(..) | Takes::Anything => None,
            Takes::Text
            | Takes::Branch
            | Takes::Slug
            | Takes::Title
            | Takes::TemplateFile
            | Takes::WorkflowFile
            | Takes::Address
            | Takes::Variable
            | Takes::Model
                if node.is_null() =>
            {
                Some(Json::Null)
            }
            Takes::Texts => self.texts(path, node, |_| Ok(())),
            Takes::Globs => self.texts(path, node, check_glob),
            Takes::Labels => self.texts(path, node, check_label),
            Takes::Variables => self.texts(path, node, check_variable),
            Takes::Libraries => self.texts(path, node, check_library),
            Takes::Services => self.texts(path, node, check_service),
            Takes::Ids => self.ids(path, node),
            Takes::Environment => self.environment(path, node),
            _ => self.scalar(path, node, takes),
        }
    }

    fn scalar(&mut self, path: &str, node: &Node, takes: Takes) -> Option<Json> {
        let wanted = wanted(takes);
        let Value::Scalar { text, plain } = &node.value else {
            self.wrong_type(node, path, wanted);
            return None;
        };
        let numeric = matches!(takes, Takes::Integer(..) | Takes::Fraction | Takes::Switch);
        if node.is_null() || (numeric && !plain) {
            self.wrong_type(node, path, wanted);
            return None;
        }
        match read_scalar(text, takes) {
            Ok(value) => Some(value),
            Err((code, message)) => {
                self.problems.add(node.place, path, code, message);
                None
            }
        }
    }

    /// Returns the items of a list.
    fn items<'n>(&mut self, path: &str, node: &'n Node) -> Option<&'n [Node]> {
        let Value::List(items) = &node.value else {
            self.wrong_type(node, path, "a list");
            return None;
        };
        if items.len() > MAX_ITEMS {
            let message = format!("The list has {} entries; at most {MAX_ITEMS} are read.", items.len());
            self.problems.add(node.place, path, ProblemCode::ImpossibleValue, message);
            return None;
        }
        Some(items)
    }

    fn texts(&mut self, path: &str, node: &Node, check: fn(&str) -> Result<(), (ProblemCode, String)>) -> Option<Json> {
        let mut texts = Vec::new();
        let mut right = true;
        for (at, item) in self.items(path, node)?.iter().enumerate() {
            let path = format!("{path}[{at}]");
            let Value::Scalar { text, .. } = &item.value else {
                self.wrong_type(item, &path, "text");
                right = false;
                continue;
            };
            let checked = if item.is_null() || text.trim().is_empty() {
                Err((ProblemCode::WrongType, "There is no text here.".to_owned()))
            } else {
                read_scalar(text, Takes::Text).and_then(|_| check(text))
            };
            match checked {
                Ok(()) => texts.push(Json::from(text.as_str())),
                Err((code, message)) => {
                    self.problems.add(item.place, path, code, message);
                    right = false;
                }
            }
        }
        right.then_some(Json::Array(texts))
    }

    fn ids(&mut self, path: &str, node: &Node) -> Option<Json> {
        let mut ids = Vec::new();
        let items = self.items(path, node)?;
        for (at, item) in items.iter().enumerate() {
            ids.extend(self.scalar(&format!("{path}[{at}]"), item, Takes::Integer(1, u64::MAX)));
        }
        (ids.len() == items.len()).then_some(Json::Array(ids))
    }

    fn environment(&mut self, path: &str, node: &Node) -> Option<Json> {
        if node.is_null() {
            return Some(Json::Object(serde_json::Map::new()));
        }
        let Value::Map(entries) = &node.value else {
            self.wrong_type(node, path, "a table of variables");
            return None;
        };
        let mut variables = serde_json::Map::new();
        for entry in entries.iter() {
            let key = join(path, shown(&entry.key).trim_matches('"'));
            if let Err((code, message)) = check_variable(&entry.key) {
                self.problems.add(entry.place, key, code, message);
                continue;
            }
            let text = match &entry.value.value {
                _ if entry.value.is_null() => String::new(),
                Value::Scalar { text, .. } if text.contains('\0') => {
                    let message = "A variable cannot hold a NUL character.";
                    self.problems.add(entry.value.place, key, ProblemCode::ImpossibleValue, message);
                    continue;
                }
                Value::Scalar { text, .. } => text.clone(),
                _ => {
                    self.wrong_type(&entry.value, &key, "text");
                    continue;
                }
            };
            variables.insert(entry.key.clone(), Json::String(text));
        }
        (variables.len() == entries.len()).then_some(Json::Object(variables))
    }

    pub(super) fn wrong_type(&mut self, node: &Node, path: &str, wanted: &str) {
        let message = format!("Here stands {}; it has to be {wanted}.", node.kind());
        self.problems.add(node.place, path, ProblemCode::WrongType, message);
    }
}

/// Appends a key to a path.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Says what a single value has to be.
fn wanted(takes: Takes) -> &'static str {
    match takes {
        Takes::Integer(..) => "a whole number without quotes",
        Takes::Fraction => "a number from 0 to 1 without quotes",
        Takes::Switch => "true or false without quotes",
        Takes::Duration(..) => "a duration such as 90s, 10m, 24h or 7d",
        Takes::Size(..) => "a size such as 64KiB or 4GiB",
        Takes::Money => "an amount in US dollars such as 0.50, or unlimited",
        Takes::Choice(..) => "one of its names",
        Takes::Branch => "a branch",
        Takes::Slug => "a repository as owner/name",
        Takes::Folder => "a folder",
        Takes::WorkflowFile => "the name of a workflow's file",
        Takes::TemplateFile => "a file beside the configuration",
        Takes::Address => "an address such as https://models.example/v1",
        Takes::Variable => "the name of a variable",
        Takes::Model => "a model as provider/name",
        Takes::Price => "dollars for a million tokens such as 0.25",
        _ => "text",
    }
}

type Checked<T> = Result<T, (ProblemCode, String)>;

/// Reads one scalar; lengths, sizes and money stay text once they are right.
pub(super) fn read_scalar(text: &str, takes: Takes) -> Checked<Json> {
    use ProblemCode::{BadDuration, BadMoney, BadSize, BadTemplate, ImpossibleValue, NotYet, WrongType};
    let impossible = |message: String| Err((ImpossibleValue, message));
    match takes {
        Takes::Integer(low, high) => match text.parse::<u64>() {
            // A zero in front makes it octal for other readers.
            Ok(number) if !text.starts_with('+') && (text.len() == 1 || !text.starts_with('0')) => {
                if (low..=high).contains(&number) {
                    Ok(Json::from(number))
                } else {
                    impossible(format!("{number} is out of bounds; it has to be from {low} to {high}."))
                }
            }
            _ => Err((WrongType, format!("{} is not a whole number from {low} to {high}.", shown(text)))),
        },
        Takes::Fraction => match text.parse::<f64>() {
            Ok(number) if (0.0..=1.0).contains(&number) => Ok(Json::from(number)),
            Ok(number) if number.is_finite() => {
                impossible(format!("{} is out of bounds; it has to be from 0 to 1.", shown(text)))
            }
            _ => Err((WrongType, format!("{} is not a number from 0 to 1.", shown(text)))),
        },
        Takes::Switch => match text {
            "true" | "True" | "TRUE" => Ok(Json::Bool(true)),
            "false" | "False" | "FALSE" => Ok(Json::Bool(false)),
            _ => Err((WrongType, format!("{} is neither true nor false.", shown(text)))),
        },
        Takes::Duration(low, high) => {
            let span = parse_duration(text)
                .map_err(|_| (BadDuration, format!("{} is not a duration; write 90s, 10m, 24h or 7d.", shown(text))))?;
            if (low..=high).contains(&span.as_secs()) {
                Ok(Json::from(text))
            } else {
                impossible(format!(
                    "{} is out of bounds; it has to be from {} to {}.",
                    shown(text),
                    span_text(low),
                    span_text(high)
                ))
            }
        }
        Takes::Size(low, high) => {
            let bytes = parse_size(text).ok_or_else(|| {
                (BadSize, format!("{} is not a size; write 4096B, 64KiB, 10MiB or 4GiB.", shown(text)))
            })?;
            if (low..=high).contains(&bytes) {
                Ok(Json::from(text))
            } else {
                impossible(format!(
                    "{} is out of bounds; it has to be from {} to {}.",
                    shown(text),
                    format_size(low),
                    format_size(high)
                ))
            }
        }
        Takes::Money if text == "unlimited" => Ok(Json::from(text)),
        Takes::Money => match text.parse::<MicroUsd>() {
            Ok(_) => Ok(Json::from(text)),
            Err(_) => Err((
                BadMoney,
                format!(
                    "{} is not an amount in US dollars; write 0.50, say, with at most six decimals, or unlimited.",
                    shown(text)
                ),
            )),
        },
        Takes::Choice(names, later) if later.contains(&text) => Err((
            NotYet,
            format!("`{text}` is known, but this version does not have it yet; there are {}.", names.join(", ")),
        )),
        Takes::Choice(names, _) if names.contains(&text) => Ok(Json::from(text)),
        Takes::Choice(names, _) => impossible(match nearest(text, names.iter().copied()) {
            Some(near) => format!("{} does not exist; did you mean `{near}`?", shown(text)),
            None => format!("{} does not exist; there are {}.", shown(text), names.join(", ")),
        }),
        Takes::Title => match check_title(text) {
            Ok(()) => Ok(Json::from(text)),
            Err(message) => Err((BadTemplate, message)),
        },
        Takes::TemplateFile => match text.parse::<RepoPath>() {
            Ok(path) => Ok(Json::from(path.as_str())),
            Err(error) => impossible(format!("{} is no file beside the configuration: {error}.", shown(text))),
        },
        Takes::WorkflowFile => match text.parse::<RepoPath>() {
            Ok(path) if path.as_str() == path.file_name() && is_workflow(path.as_str()) => {
                Ok(Json::from(path.as_str()))
            }
            _ => impossible(format!(
                "{} is no workflow's file; write its name without a folder, such as ci.yml.",
                shown(text)
            )),
        },
        Takes::Branch => match text.parse::<BranchName>() {
            Ok(_) => Ok(Json::from(text)),
            Err(_) => impossible(format!("{} is not a branch name that git and every forge accept.", shown(text))),
        },
        Takes::Slug => match text.parse::<RepoSlug>() {
            Ok(_) => Ok(Json::from(text)),
            Err(_) => impossible(format!(
                "{} is not a repository; write owner/name with letters, digits, '.', '-' and '_'.",
                shown(text)
            )),
        },
        Takes::Folder => match text.trim_end_matches('/').parse::<RepoPath>() {
            Ok(folder) => Ok(Json::from(folder.as_str())),
            Err(_) => impossible(format!(
                "{} is not a folder inside the repository; write it as packages/shop, say.",
                shown(text)
            )),
        },
        Takes::Model => match text.parse::<ModelName>() {
            Ok(_) => Ok(Json::from(text)),
            Err(_) => impossible(format!("{} is no model; write provider/name, such as openai/gpt-5.", shown(text))),
        },
        Takes::Price => match text.parse::<MicroUsd>() {
            Ok(MicroUsd::ZERO) => Err((BadMoney, "A price of zero would switch off every limit of money; a model that costs nothing is given a small one.".to_owned())),
            Ok(_) => Ok(Json::from(text)),
            Err(_) => Err((BadMoney, format!("{} is no price; write dollars for a million tokens, such as 0.25.", shown(text)))),
        },
        Takes::Variable => match check_variable(text) {
            Ok(()) => Ok(Json::from(text)),
            Err(error) => Err(error),
        },
        Takes::Address => match check_address(text) {
            Ok(()) => Ok(Json::from(text)),
            Err(message) => impossible(message),
        },
        _ if text.trim().is_empty() => impossible("The text is empty; write null to unset it.".to_owned()),
        _ if text.contains('\0') => impossible("The text holds a NUL character.".to_owned()),
        _ if text.chars().count() > MAX_TEXT => impossible(format!("The text is longer than {MAX_TEXT} characters.")),
        _ => Ok(Json::from(text)),
    }
}

/// Returns whether a forge takes a file of that name for a workflow.
fn is_workflow(name: &str) -> bool {
    [".yml", ".yaml"].iter().any(|end| name.strip_suffix(end).is_some_and(|stem| !stem.is_empty()))
}

fn span_text(seconds: u64) -> String {
    format_duration(Duration::from_secs(seconds))
}

/// Reads a size as the configuration writes it.
pub(super) fn parse_size(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let factor = match text[digits..].trim_start() {
        "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        "TiB" => 40,
        _ => return None,
    };
    text[..digits].parse::<u64>().ok()?.checked_mul(1 << factor)
}

/// Writes a size in the largest unit that divides it.
pub(super) fn format_size(bytes: u64) -> String {
    for (shift, unit) in [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")] {
        if bytes >= 1 << shift && bytes.trailing_zeros() >= shift {
            return format!("{}{unit}", bytes >> shift);
        }
    }
    format!("{bytes}B")
}

fn check_glob(text: &str) -> Checked<()> {
    let bad = |message: String| Err((ProblemCode::BadGlob, message));
    if text.starts_with('!') {
        return bad(format!("{} is turned round; move it to the other list, without the '!'.", shown(text)));
    }
    if text.starts_with('#') || text.trim() != text || text.chars().any(char::is_control) || text.len() > 512 {
        return bad(format!("{} is not a pattern of paths in gitignore syntax.", shown(text)));
    }
    let read = GitignoreBuilder::new("").add_line(None, text).is_ok() && globset::Glob::new(text).is_ok();
    // gitignore itself takes an open bracket literally; an exclusion that silently matches nothing is no exclusion.
    if read {
        return Ok(());
    }
    bad(format!("{} is not a pattern of paths in gitignore syntax; look for a bracket left open.", shown(text)))
}

fn check_label(text: &str) -> Checked<()> {
    if text.trim() == text && text.chars().count() <= 50 && !text.chars().any(char::is_control) && !text.contains(',') {
        return Ok(());
    }
    let message =
        format!("{} is not a label; it has at most 50 characters, no comma, no space at its ends.", shown(text));
    Err((ProblemCode::ImpossibleValue, message))
}

fn check_variable(text: &str) -> Checked<()> {
    let first = text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    if first && text.len() <= 256 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Ok(());
    }
    let message = format!("{} is not the name of a variable; it has letters, digits and '_'.", shown(text));
    Err((ProblemCode::ImpossibleValue, message))
}

fn check_library(text: &str) -> Checked<()> {
    if text.starts_with("github:") {
        let message =
            "Libraries of other repositories are known, but this version does not have them yet; name a folder.";
        return Err((ProblemCode::NotYet, message.to_owned()));
    }
    // `ext::sh -c …` and addresses would mean something to git (V-71); a folder is all that is read.
    if text.contains("::") || text.contains("://") || text.chars().any(char::is_control) {
        return Err((ProblemCode::ImpossibleValue, format!("{} is not a folder.", shown(text))));
    }
    Ok(())
}

fn check_service(text: &str) -> Checked<()> {
    let right = text.rsplit_once(':').is_some_and(|(host, port)| {
        let loopback = matches!(host, "127.0.0.1" | "localhost" | "[::1]");
        loopback && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    if right {
        return Ok(());
    }
    let message = format!("{} is not a local service; write 127.0.0.1:5432, say.", shown(text));
    Err((ProblemCode::ImpossibleValue, message))
}
