//! Makes the JSON Schema and the reference of keys from the one table. Layer 1.
//!
//! Both are published files; a test checks that they are what this makes.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json, json};

use crate::config::check::{format_size, join};
use crate::config::environment::{Described, PLACES, TOKENS, VARIABLES};
use crate::config::fields::{get, get_global};
use crate::config::keys::{Key, Names, PRICE, PROVIDER, REPOSITORY, State, TIER, TOP, Takes};
use crate::config::settings::Config;
use crate::config::template::TITLE_ROOM;
use crate::model::{Policy, Tier, format_duration};

/// Returns every key of a repository that has a value, dotted; its name is no setting.
pub(super) fn repository_keys() -> Vec<String> {
    leaves(REPOSITORY, "").into_iter().map(|(key, _)| key).filter(|key| key != "slug").collect()
}

/// Returns every key of the whole configuration that has a value, dotted.
pub(super) fn setting_keys() -> Vec<String> {
    let of_repositories = |key: &String| key.starts_with("defaults.") || key == "repositories";
    leaves(TOP, "").into_iter().map(|(key, _)| key).filter(|key| !of_repositories(key)).collect()
}

fn leaves(keys: &'static [Key], above: &str) -> Vec<(String, &'static Key)> {
    let mut all = Vec::new();
    for key in keys.iter().filter(|key| key.state == State::Ready) {
        let path = join(above, key.name);
        match key.takes {
            Takes::Version => {}
            Takes::Table(inner) => all.extend(leaves(inner, &path)),
            _ => all.push((path, key)),
        }
    }
    all
}

/// The built-in values.
struct BuiltIn {
    policy: Policy,
    config: Config,
}

impl BuiltIn {
    fn new() -> Self {
        let slug = "owner/name".parse().expect("internal error: the example is a legal name");
        Self { policy: Policy::built_in(slug), config: Config::empty() }
    }

    /// Returns the value of a dotted key of the top, or of a repository.
    fn value(&self, of_repository: bool, key: &str) -> Option<Json> {
        match (of_repository, key) {
            (true, "slug") => None,
            (true, key) => get(&self.policy, key),
            (false, key) => get_global(&self.config, key),
        }
    }
}

/// Returns the JSON Schema of the configuration, for editors.
pub fn schema() -> Json {
    let built_in = BuiltIn::new();
    let mut top = table_schema(TOP, "", false, &built_in);
    let mut defaults = table_schema(REPOSITORY, "", true, &built_in);
    if let Some(keys) = defaults["properties"].as_object_mut() {
        keys.remove("slug");
    }
    let mut repository = table_schema(REPOSITORY, "", true, &built_in);
    repository["required"] = json!(["slug"]);
    let meaning = |name: &str| TOP.iter().find(|key| key.name == name).map_or("", |key| key.meaning);
    defaults["description"] = json!(meaning("defaults"));
    top["properties"]["defaults"] = defaults;
    top["properties"]["repositories"] = json!({
        "description": meaning("repositories"), "type": "array", "minItems": 1,
        "maxItems": crate::config::MAX_REPOSITORIES, "items": repository,
    });
    top["required"] = json!(["version", "repositories"]);
    top["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    top["title"] = json!("Homeostat's configuration");
    top
}

fn table_schema(keys: &'static [Key], above: &str, of_repository: bool, built_in: &BuiltIn) -> Json {
    let mut properties = Map::new();
    for key in keys.iter().filter(|key| key.state != State::NotYet) {
        let path = join(above, key.name);
        let mut schema = match key.takes {
            // These two are put in by the caller, each with its own rules.
            Takes::Table(_) | Takes::Tables(_) if matches!(path.as_str(), "defaults" | "repositories") => continue,
            Takes::Table(inner) => table_schema(inner, &path, of_repository, built_in),
            Takes::Tables(inner) => {
                // A project's commands are unset, whatever the repository has.
                let mut items = table_schema(inner, "[]", of_repository, built_in);
                items["required"] = json!(["path"]);
                json!({ "type": "array", "items": items })
            }
            Takes::Named(names, inner) => {
                let mut schema = json!({ "type": ["object", "null"], "additionalProperties": table_schema(inner, "[]", false, built_in) });
                schema["propertyNames"] = match names {
                    Names::Own => json!({ "pattern": "^[a-z0-9_-]{1,39}$" }),
                    Names::Models => json!({ "pattern": "^[a-z0-9_-]{1,39}/[A-Za-z0-9._/:-]{1,128}$" }),
                    Names::Tiers => json!({ "enum": Tier::ALL }),
                };
                schema
            }
            takes => value_schema(takes),
        };
        schema["description"] = json!(key.meaning);
        if let (false, Some(value)) = (matches!(key.takes, Takes::Table(_)), built_in.value(of_repository, &path)) {
            schema["default"] = value;
        }
        properties.insert(key.name.to_owned(), schema);
    }
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

fn value_schema(takes: Takes) -> Json {
    let texts = json!({ "type": "array", "items": { "type": "string", "minLength": 1 } });
    match takes {
        Takes::Version => json!({ "const": 1 }),
        Takes::Text | Takes::Branch | Takes::TemplateFile => json!({ "type": ["string", "null"] }),
        Takes::WorkflowFile => json!({ "type": ["string", "null"], "pattern": "^[^/]+[.]ya?ml$" }),
        Takes::Title => json!({ "type": ["string", "null"], "maxLength": TITLE_ROOM }),
        Takes::Slug => {
            json!({ "type": ["string", "null"], "pattern": "^[A-Za-z0-9_][A-Za-z0-9_-]*/[A-Za-z0-9._][A-Za-z0-9._-]*$" })
        }
        Takes::Folder => json!({ "type": "string", "minLength": 1 }),
        Takes::Integer(low, high) => json!({ "type": "integer", "minimum": low, "maximum": high }),
        Takes::Fraction => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
        Takes::Switch => json!({ "type": "boolean" }),
        Takes::Duration(..) => json!({ "type": "string", "pattern": "^[0-9]{1,9}[smhd]$" }),
        Takes::Size(..) => json!({ "type": "string", "pattern": "^[0-9]+ *(B|KiB|MiB|GiB|TiB)$" }),
        Takes::Money => json!({ "anyOf": [
            { "type": "number", "minimum": 0 },
            { "type": "string", "pattern": "^([0-9]{1,12}(\\.[0-9]{1,6})?|unlimited)$" },
        ] }),
        Takes::Choice(names, _) => json!({ "enum": names }),
        Takes::Texts | Takes::Globs | Takes::Libraries => texts,
        Takes::Labels => json!({ "type": "array", "items": { "type": "string", "minLength": 1, "maxLength": 50 } }),
        Takes::Services => {
            json!({ "type": "array", "items": { "type": "string", "pattern": "^(127\\.0\\.0\\.1|localhost|\\[::1\\]):[0-9]{1,5}$" } })
        }
        Takes::Ids => json!({ "type": "array", "items": { "type": "integer", "minimum": 1 } }),
        Takes::Variables => {
            json!({ "type": "array", "items": { "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" } })
        }
        Takes::Environment => json!({
            "type": ["object", "null"],
            "propertyNames": { "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" },
            "additionalProperties": { "type": ["string", "number", "boolean", "null"] },
        }),
        Takes::Address => json!({ "type": ["string", "null"], "pattern": "^https?://[^@?#]+$" }),
        Takes::Variable => json!({ "type": ["string", "null"], "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" }),
        Takes::Model => {
            json!({ "type": ["string", "null"], "pattern": "^[a-z0-9_-]{1,39}/[A-Za-z0-9._/:-]{1,128}$" })
        }
        Takes::Price => json!({ "anyOf": [
            { "type": "number", "exclusiveMinimum": 0 },
            { "type": "string", "pattern": "^[0-9]{1,12}(\\.[0-9]{1,6})?$" },
        ] }),
        Takes::Table(_) | Takes::Tables(_) | Takes::Named(..) | Takes::Anything => json!({}),
    }
}

/// Returns the reference of every key and variable as Markdown.
pub fn reference() -> String {
    let built_in = BuiltIn::new();
    let mut out = String::from(
        "# Configuration\n\n\
         <!-- Generated from the table of keys; `HOMEOSTAT_BLESS=1 cargo test` rewrites it. -->\n\n\
         The configuration is one YAML file, `.homeostat/repos.yml` in the operator's repository. This is enough:\n\n\
         ```yaml\nversion: 1\nrepositories:\n  - slug: owner/app\n```\n\n\
         A flag wins over the environment, the environment over a repository's entry, that over `defaults`, and that over\n\
         what is built in. `homeostat config show` says what is in force and where it comes from, `homeostat config check`\n\
         everything that is wrong at once, and `shared/schemas/repos.schema.json` helps editors. Every key below\n\
         `repositories` but `slug` may stand in `defaults` too. Text stays as written: `no` is a word, not false. Tags and\n\
         merge keys of YAML are refused.\n\n\
         ## The whole fleet\n\n",
    );
    rows(&mut out, &top_rows(), false, &built_in);
    for (what, keys) in [("provider", PROVIDER), ("tier", TIER), ("price", PRICE)] {
        let _infallible = write!(out, "\nA {what} has these keys:\n\n");
        rows(&mut out, &leaves(keys, ""), false, &built_in);
    }
    out.push_str("\n## A repository\n\n");
    rows(&mut out, &leaves(REPOSITORY, ""), true, &built_in);
    out.push_str("\nA project has these keys:\n\n");
    rows(&mut out, &leaves(crate::config::keys::PROJECT, ""), false, &built_in);
    out.push_str(
        "\n## The environment\n\nA limit from here can only tighten. Those marked * also have a name with `HOMEOSTAT_` in \
         front, which wins.\n\n| variable | meaning |\n|---|---|\n",
    );
    for variable in VARIABLES {
        let mark = if variable.prefixed { " *" } else { "" };
        let _infallible = writeln!(out, "| `{}`{mark} | {} |", variable.name, variable.meaning);
    }
    out.push_str(
        "\nTokens and places have no key in the file. Each token may be named as a file instead, by its name with `_FILE` \
         behind it. A [file with every variable](guides/homeostat.env) is generated from the same table.\n\n\
         | variable | meaning |\n|---|---|\n",
    );
    for variable in TOKENS.iter().chain(PLACES) {
        let _infallible = writeln!(out, "| `{}` | {} |", variable.name, variable.meaning);
    }
    out.push_str(
        "\n## Known, but not there yet\n\nThese are refused with a message until the feature behind them lands:\n\n",
    );
    for (section, keys) in [("", TOP), ("state.", state_keys()), ("repositories[].", REPOSITORY)] {
        for key in keys.iter().filter(|key| key.state == State::NotYet) {
            let _infallible = writeln!(out, "- `{section}{}`: {}", key.name, key.meaning);
        }
    }
    out
}

/// Returns a file with every variable, each switched off and with its meaning.
pub fn environment_file() -> String {
    let mut out = String::from(
        "# Every variable that Homeostat reads, each switched off: take the `#` away from what you need. Generated from the\n\
         # table behind docs/configuration.md; `HOMEOSTAT_BLESS=1 cargo test` rewrites it. A file with tokens in it is no\n\
         # file to commit.\n",
    );
    let mut section = |heading: &str, variables: &[Described], more: &dyn Fn(&Described) -> Option<String>| {
        let _infallible = write!(out, "\n# {heading}\n");
        for variable in variables {
            let _infallible = write!(out, "\n# {}\n#{}=\n", variable.meaning, variable.name);
            if let Some(other) = more(variable) {
                let _infallible = writeln!(out, "#{other}=");
            }
        }
    };
    section("Who Homeostat is; a name with _FILE behind it names a file with the token", TOKENS, &|variable| {
        Some(format!("{}_FILE", variable.name))
    });
    section(
        "How a run behaves; a limit from here can only tighten, and a name with HOMEOSTAT_ wins",
        VARIABLES,
        &|variable| variable.prefixed.then(|| format!("HOMEOSTAT_{}", variable.name)),
    );
    section("Where things are", PLACES, &|_| None);
    out
}

/// Returns the keys of `state`, some of which are not there yet.
fn state_keys() -> &'static [Key] {
    TOP.iter()
        .find_map(|key| match key.takes {
            Takes::Table(inner) if key.name == "state" => Some(inner),
            _ => None,
        })
        .unwrap_or_default()
}

fn top_rows() -> Vec<(String, &'static Key)> {
    let mut all: Vec<(String, &'static Key)> = Vec::new();
    for key in TOP.iter().filter(|key| key.state != State::NotYet) {
        match key.takes {
            Takes::Table(inner) if key.name != "defaults" => all.extend(leaves(inner, key.name)),
            _ => all.push((key.name.to_owned(), key)),
        }
    }
    all
}

fn rows(out: &mut String, keys: &[(String, &'static Key)], of_repository: bool, built_in: &BuiltIn) {
    out.push_str("| key | takes | built-in | meaning |\n|---|---|---|---|\n");
    for (path, key) in keys {
        let value = match built_in.value(of_repository, path) {
            None | Some(Json::Null) => String::new(),
            Some(Json::String(text)) => format!("`{text}`"),
            Some(other) => format!("`{other}`"),
        };
        let _infallible = writeln!(out, "| `{path}` | {} | {value} | {} |", in_words(key.takes), key.meaning);
    }
}

fn in_words(takes: Takes) -> String {
    match takes {
        Takes::Version => "`1`".to_owned(),
        Takes::Named(Names::Own, _) => "a table by name".to_owned(),
        Takes::Named(Names::Models, _) => "a table by `provider/name`".to_owned(),
        Takes::Named(Names::Tiers, _) => "a table of `simple`, `medium`, `complex`".to_owned(),
        Takes::Address => "an address".to_owned(),
        Takes::Variable => "the name of a variable".to_owned(),
        Takes::Model => "`provider/name`".to_owned(),
        Takes::Price => "dollars".to_owned(),
        Takes::Text => "text or null".to_owned(),
        Takes::Title => "a template or null".to_owned(),
        Takes::WorkflowFile => "a workflow's file or null".to_owned(),
        Takes::TemplateFile => "a file or null".to_owned(),
        Takes::Branch => "a branch or null".to_owned(),
        Takes::Slug => "`owner/name`".to_owned(),
        Takes::Folder => "a folder".to_owned(),
        Takes::Integer(low, high) => format!("{low} to {high}"),
        Takes::Fraction => "0 to 1".to_owned(),
        Takes::Switch => "true or false".to_owned(),
        Takes::Duration(low, high) => {
            let of = |seconds| format_duration(std::time::Duration::from_secs(seconds));
            format!("a duration, {} to {}", of(low), of(high))
        }
        Takes::Size(low, high) => format!("a size, {} to {}", format_size(low), format_size(high)),
        Takes::Money => "US dollars or `unlimited`".to_owned(),
        Takes::Choice(names, _) => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
        Takes::Texts => "a list of texts".to_owned(),
        Takes::Globs => "a list of patterns".to_owned(),
        Takes::Labels => "a list of labels".to_owned(),
        Takes::Ids => "a list of numbers".to_owned(),
        Takes::Variables => "a list of names".to_owned(),
        Takes::Environment => "a table of texts".to_owned(),
        Takes::Libraries => "a list of folders".to_owned(),
        Takes::Services => "a list of `host:port`".to_owned(),
        Takes::Table(_) => "a table".to_owned(),
        Takes::Tables(_) => "a list of tables".to_owned(),
        Takes::Anything => "anything".to_owned(),
    }
}
