//! GraphQL documents: read, and held to GitHub's published schema (`tests/data/openapi/graphql.json`).
//!
//! Knows what clients of one forge write: operations with variables, fields with aliases and arguments, inline fragments and
//! named ones. Checked are fields, arguments, variables and their types, and that leaves are leaves; refuses directives.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::{Map, Value, json};

/// A document with one operation.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) mutation: bool,
    /// Declared variables with their types as written.
    variables: BTreeMap<String, String>,
    pub(super) selection: Vec<Selected>,
    fragments: BTreeMap<String, (String, Vec<Selected>)>,
}

/// One thing that is asked for.
#[derive(Debug, Clone)]
pub(super) enum Selected {
    Field { alias: String, name: String, arguments: BTreeMap<String, Argument>, below: Vec<Self> },
    Inline(Option<String>, Vec<Self>),
    Spread(String),
}

/// What an argument is given.
#[derive(Debug, Clone)]
pub(super) enum Argument {
    Variable(String),
    /// A word of an enumeration.
    Word(String),
    Plain(Value),
    List(Vec<Self>),
    Object(BTreeMap<String, Self>),
}

impl Argument {
    pub(super) fn value(&self, variables: &Map<String, Value>) -> Value {
        match self {
            Self::Variable(name) => variables.get(name).cloned().unwrap_or_default(),
            Self::Word(word) => json!(word),
            Self::Plain(value) => value.clone(),
            Self::List(all) => all.iter().map(|one| one.value(variables)).collect(),
            Self::Object(all) => {
                Value::Object(all.iter().map(|(name, one)| (name.clone(), one.value(variables))).collect())
            }
        }
    }
}

/// Cuts a document into names, numbers, strings and signs.
fn tokens(text: &str) -> Result<Vec<String>, String> {
    let chars: Vec<char> = text.chars().collect();
    let mut all = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let c = chars[at];
        if c.is_whitespace() || c == ',' {
            at += 1;
        } else if c == '#' {
            while at < chars.len() && chars[at] != '\n' {
                at += 1;
            }
        } else if c == '"' {
            let start = at;
            at += 1;
            while at < chars.len() && chars[at] != '"' {
                at += 1 + usize::from(chars[at] == '\\');
            }
            at += 1;
            all.push(chars.get(start..at).ok_or("a string without an end")?.iter().collect());
        } else if c.is_alphanumeric() || c == '_' || c == '-' {
            let start = at;
            while at < chars.len() && (chars[at].is_alphanumeric() || matches!(chars[at], '_' | '-' | '.')) {
                at += 1;
            }
            all.push(chars[start..at].iter().collect());
        } else if chars[at..].starts_with(&['.', '.', '.']) {
            all.push("...".to_owned());
            at += 3;
        } else {
            all.push(c.to_string());
            at += 1;
        }
    }
    Ok(all)
}

struct Reader {
    tokens: Vec<String>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> &str {
        self.tokens.get(self.at).map_or("", String::as_str)
    }

    fn next(&mut self) -> String {
        self.at += 1;
        self.tokens.get(self.at - 1).cloned().unwrap_or_default()
    }

    fn take(&mut self, sign: &str) -> bool {
        let hit = self.peek() == sign;
        self.at += usize::from(hit);
        hit
    }

    fn want(&mut self, sign: &str) -> Result<(), String> {
        if self.take(sign) { Ok(()) } else { Err(format!("{sign:?} was expected and {:?} is there", self.peek())) }
    }

    fn type_(&mut self) -> Result<String, String> {
        let mut text = if self.take("[") {
            let inner = self.type_()?;
            self.want("]")?;
            format!("[{inner}]")
        } else {
            self.next()
        };
        if self.take("!") {
            text.push('!');
        }
        Ok(text)
    }

    fn argument(&mut self) -> Result<Argument, String> {
        if self.take("$") {
            return Ok(Argument::Variable(self.next()));
        }
        if self.take("[") {
            let mut all = Vec::new();
            while !self.take("]") {
                if self.peek().is_empty() {
                    return Err("a list without an end".to_owned());
                }
                all.push(self.argument()?);
            }
            return Ok(Argument::List(all));
        }
        if self.take("{") {
            return Ok(Argument::Object(self.members("}")?));
        }
        let word = self.next();
        match serde_json::from_str(&word) {
            Ok(value) => Ok(Argument::Plain(value)),
            Err(_) if word.starts_with(|c: char| c.is_alphabetic() || c == '_') => Ok(Argument::Word(word)),
            Err(_) => Err(format!("{word:?} is no value")),
        }
    }

    fn members(&mut self, end: &str) -> Result<BTreeMap<String, Argument>, String> {
        let mut all = BTreeMap::new();
        while !self.take(end) {
            let name = self.next();
            self.want(":")?;
            all.insert(name, self.argument()?);
        }
        Ok(all)
    }

    fn selection(&mut self) -> Result<Vec<Selected>, String> {
        self.want("{")?;
        let mut all = Vec::new();
        while !self.take("}") {
            if self.take("...") {
                if self.take("on") {
                    let on = self.next();
                    all.push(Selected::Inline(Some(on), self.selection()?));
                } else if self.peek() == "{" {
                    all.push(Selected::Inline(None, self.selection()?));
                } else {
                    all.push(Selected::Spread(self.next()));
                }
                continue;
            }
            let first = self.next();
            if first.is_empty() || first.starts_with('@') {
                return Err(format!("{first:?} is no field"));
            }
            let name = if self.take(":") { self.next() } else { first.clone() };
            let arguments = if self.take("(") { self.members(")")? } else { BTreeMap::new() };
            let below = if self.peek() == "{" { self.selection()? } else { Vec::new() };
            all.push(Selected::Field { alias: first, name, arguments, below });
        }
        Ok(all)
    }
}

impl Document {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut reader = Reader { tokens: tokens(text)?, at: 0 };
        let mut document =
            Self { mutation: false, variables: BTreeMap::new(), selection: Vec::new(), fragments: BTreeMap::new() };
        while !reader.peek().is_empty() {
            if reader.take("fragment") {
                let name = reader.next();
                reader.want("on")?;
                let on = reader.next();
                document.fragments.insert(name, (on, reader.selection()?));
                continue;
            }
            document.mutation = reader.peek() == "mutation";
            if matches!(reader.peek(), "query" | "mutation") {
                reader.next();
                if !matches!(reader.peek(), "(" | "{") {
                    reader.next();
                }
                if reader.take("(") {
                    while !reader.take(")") {
                        reader.want("$")?;
                        let name = reader.next();
                        reader.want(":")?;
                        let type_ = reader.type_()?;
                        document.variables.insert(name, type_);
                        if reader.take("=") {
                            reader.argument()?;
                        }
                    }
                }
            }
            document.selection = reader.selection()?;
        }
        Ok(document)
    }

    /// Returns the fields of a selection for a value of a type, fragments unfolded.
    pub(super) fn fields<'a>(&'a self, of: &str, selection: &'a [Selected]) -> Vec<&'a Selected> {
        let mut all = Vec::new();
        for one in selection {
            match one {
                Selected::Field { .. } => all.push(one),
                Selected::Inline(on, below) if on.as_deref().is_none_or(|on| is_a(of, on)) => {
                    all.extend(self.fields(of, below));
                }
                Selected::Inline(..) => {}
                Selected::Spread(name) => {
                    if let Some((on, below)) = self.fragments.get(name)
                        && is_a(of, on)
                    {
                        all.extend(self.fields(of, below));
                    }
                }
            }
        }
        all
    }

    /// Says what of the document and its variables the schema does not allow.
    pub(super) fn judge(&self, variables: &Map<String, Value>) -> Vec<String> {
        let mut wrong = Vec::new();
        for (name, type_) in &self.variables {
            match variables.get(name) {
                None | Some(Value::Null) if type_.ends_with('!') => wrong.push(format!("${name} is not given")),
                None => {}
                Some(value) => wrong.extend(misfit(type_, value).map(|why| format!("${name}: {why}"))),
            }
        }
        for name in variables.keys().filter(|name| !self.variables.contains_key(*name)) {
            wrong.push(format!("${name} is not declared"));
        }
        self.judge_selection(if self.mutation { "Mutation" } else { "Query" }, &self.selection, &mut wrong);
        wrong
    }

    fn judge_selection(&self, on: &str, selection: &[Selected], wrong: &mut Vec<String>) {
        let fields = &schema()[on]["fields"];
        for one in selection {
            match one {
                Selected::Inline(narrowed, below) => {
                    self.judge_selection(narrowed.as_deref().unwrap_or(on), below, wrong);
                }
                Selected::Spread(name) => match self.fragments.get(name) {
                    Some((narrowed, below)) => self.judge_selection(narrowed, below, wrong),
                    None => wrong.push(format!("there is no fragment {name}")),
                },
                Selected::Field { name, .. } if name == "__typename" => {}
                Selected::Field { name, arguments, below, .. } => {
                    let Some(field) = fields.get(name) else {
                        wrong.push(format!("{on} has no field {name} that the trimmed schema knows"));
                        continue;
                    };
                    self.judge_arguments(&format!("{on}.{name}"), &field["args"], arguments, wrong);
                    let type_ = bare(field["type"].as_str().unwrap_or_default());
                    let leaf = matches!(schema()[type_]["kind"].as_str(), Some("SCALAR" | "ENUM"));
                    if leaf != below.is_empty() {
                        wrong.push(format!("{on}.{name} is {}a leaf", if leaf { "" } else { "not " }));
                    }
                    self.judge_selection(type_, below, wrong);
                }
            }
        }
    }

    fn judge_arguments(&self, at: &str, known: &Value, given: &BTreeMap<String, Argument>, wrong: &mut Vec<String>) {
        for (name, argument) in given {
            match known.get(name) {
                None => wrong.push(format!("{at} has no argument {name}")),
                Some(one) => self.judge_argument(
                    &format!("{at}({name})"),
                    one["type"].as_str().unwrap_or_default(),
                    argument,
                    wrong,
                ),
            }
        }
        for (name, one) in known.as_object().into_iter().flatten() {
            let needed = one["type"].as_str().is_some_and(|type_| type_.ends_with('!')) && one["default"] != true;
            if needed && !given.contains_key(name) {
                wrong.push(format!("{at} lacks {name}"));
            }
        }
    }

    fn judge_argument(&self, at: &str, type_: &str, argument: &Argument, wrong: &mut Vec<String>) {
        match argument {
            Argument::Variable(name) => match self.variables.get(name) {
                None => wrong.push(format!("{at}: ${name} is not declared")),
                // A variable that is never null fits where null is allowed.
                Some(declared)
                    if declared.replace('!', "") != type_.replace('!', "")
                        || (type_.ends_with('!') && !declared.ends_with('!')) =>
                {
                    wrong.push(format!("{at} wants {type_} and ${name} is {declared}"));
                }
                Some(_) => {}
            },
            Argument::List(all) => {
                let item = type_.trim_end_matches('!').trim_start_matches('[').trim_end_matches(']');
                for one in all {
                    self.judge_argument(at, item, one, wrong);
                }
            }
            Argument::Object(members) => {
                self.judge_arguments(at, &schema()[bare(type_)]["inputs"], members, wrong);
            }
            Argument::Word(_) | Argument::Plain(_) => {
                let value = argument.value(&Map::new());
                let is_word = matches!(argument, Argument::Word(_));
                if is_word && schema()[bare(type_)]["kind"] != "ENUM" {
                    wrong.push(format!("{at}: a word where {type_} is wanted"));
                }
                wrong.extend(misfit(type_, &value).map(|why| format!("{at}: {why}")));
            }
        }
    }
}

fn schema() -> &'static Value {
    static ONCE: OnceLock<Value> = OnceLock::new();
    ONCE.get_or_init(|| {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/openapi/graphql.json");
        let text = std::fs::read(path).expect("the trimmed schema");
        serde_json::from_slice::<Value>(&text).expect("JSON")["types"].take()
    })
}

/// Whether values of a type are values of an interface or union too.
fn is_a(of: &str, on: &str) -> bool {
    let possible = schema()[on]["possible"].as_array();
    of == on || possible.is_some_and(|all| all.iter().any(|one| one == of))
}

fn bare(type_: &str) -> &str {
    type_.trim_matches(|c| matches!(c, '[' | ']' | '!'))
}

/// Says why a value is none of a type.
fn misfit(type_: &str, value: &Value) -> Option<String> {
    let open = type_.trim_end_matches('!');
    if value.is_null() {
        return type_.ends_with('!').then(|| format!("{type_} cannot be null"));
    }
    if let Some(item) = open.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        // One thing stands for a list of it.
        let Some(all) = value.as_array() else { return misfit(item, value) };
        return all.iter().find_map(|one| misfit(item, one));
    }
    let entry = &schema()[open];
    let fits = match entry["kind"].as_str() {
        Some("ENUM") => entry["values"].as_array().is_some_and(|all| all.contains(value)),
        Some("INPUT_OBJECT") => {
            let members = value.as_object()?;
            let inputs = &entry["inputs"];
            for (name, one) in members {
                match inputs.get(name) {
                    None => return Some(format!("{open} has no member {name}")),
                    Some(input) => {
                        if let Some(why) = misfit(input["type"].as_str().unwrap_or_default(), one) {
                            return Some(format!("{name}: {why}"));
                        }
                    }
                }
            }
            let needed = inputs.as_object().into_iter().flatten().find(|(name, input)| {
                let must = input["type"].as_str().is_some_and(|type_| type_.ends_with('!')) && input["default"] != true;
                must && !members.contains_key(*name)
            });
            return needed.map(|(name, _)| format!("{open} lacks {name}"));
        }
        _ => match open {
            "Int" => value.is_i64(),
            "Boolean" => value.is_boolean(),
            "Float" => value.is_number(),
            "GitObjectID" => value.as_str().is_some_and(|id| id.len() == 40),
            // Scalars are written as strings.
            _ => value.is_string(),
        },
    };
    (!fits).then(|| format!("{value} is no {open}"))
}

#[test]
fn documents_that_the_schema_does_not_know_are_told() {
    let judge = |text: &str| Document::read(text).expect("a document").judge(&Map::new());
    assert_eq!(judge("{ viewer { login } }"), Vec::<String>::new());
    for bad in [
        "{ viewer { shoeSize } }",
        "{ viewer }",
        "{ viewer { login { x } } }",
        "{ repository(owner: \"a\") { id } }",
        "{ repository(owner: \"a\", name: 1) { id } }",
        "query($a: String) { repository(owner: $a, name: \"b\") { id } }",
        "query($a: String!) { repository(owner: $a, name: \"b\") { id } }",
        "{ repository(owner: \"a\", name: \"b\") { issues(states: [HALF]) { totalCount } } }",
    ] {
        assert!(!judge(bad).is_empty(), "{bad}");
    }
}
