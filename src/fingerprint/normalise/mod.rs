//! Takes out of paths, names and messages what changes between two sightings of one failure.
//!
//! Every table stands in one place and is hashed into [`ruleset`]; every function is linear in its input and, where it
//! answers with text of the same kind, idempotent. It refuses to look at a repository: text alone decides. Layer 1.

mod message;
mod name;
mod path;
mod phrase;
mod types;
mod word;

use std::sync::LazyLock;

use regex::Regex;

use crate::model::sha256_prefixed;

pub use message::{MessageClass, message_class};
pub(super) use name::{ANONYMOUS, normal_name};
pub use path::{NormalPath, Origin, is_test_path, normal_path};
pub(super) use types::{error_type, is_depth_limit, types_agree};

/// Returns the hash of every normalisation table, recorded beside a fingerprint and no part of it.
///
/// An edit that moves a fingerprint of the frozen corpus must raise the algorithm's version as well.
pub fn ruleset() -> &'static str {
    static RULESET: LazyLock<String> = LazyLock::new(|| {
        let mut parts = Vec::new();
        for table in
            [path::table(), name::table(), message::table(), phrase::table(), types::table(), super::frames::table()]
        {
            parts.extend(table);
        }
        sha256_prefixed(&parts)
    });
    &RULESET
}

/// Classes of characters as they are compiled: ASCII, for Unicode's tables make automata of thousands of states.
const ASCII: &[(&str, &str)] = &[(r"\d", "[0-9]"), (r"\w", "[0-9A-Za-z_]"), (r"\s", r"[\x20\t]"), (r"\b", r"(?-u:\b)")];

/// Compiles an expression of a table.
fn ascii_regex(text: &str) -> Regex {
    let text = ASCII.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    Regex::new(&text).expect("internal error: an expression of a normalisation table does not compile")
}

#[cfg(test)]
mod tests;
