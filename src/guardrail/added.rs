//! The secrets that a change brings, each with its place in the new file. Layer 1.
//!
//! The rule `secret` refuses by the same scanner; this tells of each. One that the file had before is not new.

use std::collections::BTreeSet;

use crate::guardrail::change::{Change, FileDiff};
use crate::redact::{self, Redactor, SecretPlace};

/// Lists the secrets in added lines, by path and place, with what was found redacted.
pub fn added_secrets(change: &Change, redactor: &Redactor) -> Vec<SecretPlace> {
    let mut all: Vec<SecretPlace> = change.files.iter().flat_map(|file| in_file(file, redactor)).collect();
    all.sort();
    all
}

fn in_file(file: &FileDiff, redactor: &Redactor) -> Vec<SecretPlace> {
    let added: BTreeSet<u32> = file.added().map(|(number, _)| number).collect();
    let Some(whole) = file.whole.as_ref().filter(|_| !added.is_empty()) else { return Vec::new() };
    let text = |bytes: &Option<Vec<u8>>| String::from_utf8_lossy(bytes.as_deref().unwrap_or_default()).into_owned();
    let (before, after) = (text(&whole.before), text(&whole.after));
    let known: BTreeSet<&str> = redact::secrets(&before).iter().map(|s| &before[s.start..s.end]).collect();
    let found = redact::secrets(&after);
    let places = redact::secret_places(&file.path, &after, redactor);
    let is_new = |secret: &redact::SecretFinding| {
        added.range(secret.line..=secret.end_line).next().is_some() && !known.contains(&after[secret.start..secret.end])
    };
    found.iter().zip(places).filter(|(secret, _)| is_new(secret)).map(|(_, place)| place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FileState, Patch};

    #[test]
    fn only_what_an_added_line_brings_is_told_with_its_place_in_the_new_file() -> Result<(), Box<dyn std::error::Error>>
    {
        let key = |end: &str| format!("{}{}{end}", "AKIA", "Q3EGU7XW5ZT2RB");
        let (old, new) = (key("6N"), key("7M"));
        let mut patch = Patch::new();
        let before = format!("a = \"{old}\"\nb = 1\n");
        let after = format!("# moved\na = \"{old}\"\nb = 1\nc = \"{new}\"\n");
        patch.set("src/a.py".parse()?, Some(FileState::plain(before)), Some(FileState::plain(after)));
        patch.set("gone.py".parse()?, Some(FileState::plain(new.clone())), None);
        let found = added_secrets(&Change::from_patch(&patch), &Redactor::new(&[]));
        let places: Vec<(&str, u32)> = found.iter().map(|one| (one.path.as_str(), one.line)).collect();
        assert_eq!(places, [("src/a.py", 4)]);
        assert!(!format!("{found:?}").contains(&new));
        Ok(())
    }
}
