//! Makes the JSON Schema and the reference of keys from the one table. Layer 1.

use crate::config::keys::{Key, REPOSITORY, State, TOP, Takes};

/// Returns every key of a repository that has a value, dotted.
pub(super) fn repository_keys() -> Vec<String> {
    leaves(REPOSITORY, "")
}

/// Returns every key of the whole configuration that has a value, dotted.
pub(super) fn setting_keys() -> Vec<String> {
    leaves(TOP, "").into_iter().filter(|key| !key.starts_with("defaults.") && key != "repositories").collect()
}

fn leaves(keys: &'static [Key], above: &str) -> Vec<String> {
    let mut all = Vec::new();
    for key in keys.iter().filter(|key| key.state == State::Ready) {
        let path = if above.is_empty() { key.name.to_owned() } else { format!("{above}.{}", key.name) };
        match key.takes {
            Takes::Version => {}
            Takes::Table(inner) => all.extend(leaves(inner, &path)),
            _ => all.push(path),
        }
    }
    all
}
