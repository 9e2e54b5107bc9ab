//! Shows every setting in force with its origin, for people and as JSON. Layer 1.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use crate::config::load::{Loaded, Origin};

/// Returns every setting in force and where it comes from, one line each.
pub fn show(loaded: &Loaded) -> String {
    let mut out = String::new();
    let learning = if loaded.learning { "learning" } else { "not learning" };
    let _infallible = writeln!(out, "environment: {}, {learning}", loaded.environment);
    for warning in &loaded.warnings {
        let _infallible = writeln!(out, "warning: {warning}");
    }
    section(&mut out, "settings", &loaded.effective_settings());
    for policy in &loaded.config.repositories {
        section(&mut out, &policy.slug.to_string(), &loaded.effective(policy));
    }
    out
}

fn section(out: &mut String, title: &str, values: &BTreeMap<String, Origin>) {
    let _infallible = writeln!(out, "\n{title}");
    let width = values.keys().map(String::len).max().unwrap_or_default();
    for (key, origin) in values {
        let _infallible = writeln!(out, "  {key:width$}  {}  ({})", written(&origin.value), origin.from);
    }
}

/// Writes a value as a person would put it into the file.
fn written(value: &Json) -> String {
    match value {
        Json::String(text) => text.escape_debug().to_string(),
        Json::Array(items) => format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(", ")),
        Json::Object(table) if table.is_empty() => "{}".to_owned(),
        Json::Object(table) => {
            let pairs: Vec<String> = table.iter().map(|(key, value)| format!("{key}: {}", written(value))).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        other => other.to_string(),
    }
}

/// Returns the same as `show`, for programs.
pub fn show_json(loaded: &Loaded) -> Json {
    let repositories: Vec<Json> = loaded
        .config
        .repositories
        .iter()
        .map(|policy| json!({ "slug": policy.slug, "settings": loaded.effective(policy) }))
        .collect();
    json!({
        "environment": loaded.environment,
        "learning": loaded.learning,
        "warnings": loaded.warnings,
        "settings": loaded.effective_settings(),
        "repositories": repositories,
    })
}
