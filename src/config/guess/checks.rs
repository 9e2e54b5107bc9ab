//! Guesses how a project is linted and type-checked. Layer 1.
//!
//! Only where the project itself names the command: a linter that nobody asked for finds what nobody wants to hear.

use std::collections::BTreeMap;

/// What was guessed, and why, in words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GuessedChecks {
    /// Lints.
    pub lint: Option<String>,
    /// Checks types.
    pub typecheck: Option<String>,
    /// The reasons, one sentence each.
    pub said: Vec<String>,
}

/// Guesses lint and type check from the texts of the manifests at a project's root, by name.
pub fn checks(manifests: &BTreeMap<String, String>) -> GuessedChecks {
    let mut guessed = GuessedChecks::default();
    let text = |name: &str| manifests.get(name).map(String::as_str);
    let package = text("package.json").and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
    if let Some(package) = package {
        let script = |names: &[&str]| {
            names.iter().find(|name| package["scripts"][**name].is_string()).map(|name| (*name).to_owned())
        };
        for (slot, names) in [
            (&mut guessed.lint, &["lint"][..]),
            (&mut guessed.typecheck, &["typecheck", "type-check", "check-types", "types"]),
        ] {
            if let Some(name) = script(names) {
                guessed.said.push(format!("package.json has a script `{name}`."));
                *slot = Some(format!("npm run --silent {name}"));
            }
        }
    }
    if let Some(makefile) = text("Makefile") {
        for (slot, name) in [(&mut guessed.lint, "lint"), (&mut guessed.typecheck, "typecheck")] {
            let target = makefile.lines().any(|line| line.starts_with(&format!("{name}:")));
            if slot.is_none() && target {
                guessed.said.push(format!("Makefile has the target `{name}`."));
                *slot = Some(format!("make {name}"));
            }
        }
    }
    guessed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(files: &[(&str, &str)]) -> GuessedChecks {
        checks(&files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect())
    }

    #[test]
    fn a_script_or_a_target_of_that_name_is_a_check_and_nothing_else_is() {
        let found = guess(&[("package.json", r#"{"scripts":{"lint":"eslint .","type-check":"tsc --noEmit"}}"#)]);
        assert_eq!(found.lint.as_deref(), Some("npm run --silent lint"));
        assert_eq!(found.typecheck.as_deref(), Some("npm run --silent type-check"));
        let found = guess(&[("Makefile", "lint: deps\n\truff check .\n")]);
        assert_eq!((found.lint.as_deref(), found.typecheck), (Some("make lint"), None));
        for quiet in [("package.json", "{broken"), ("package.json", r#"{"scripts":{"lint":1}}"#), ("Cargo.toml", "x")] {
            assert_eq!(guess(&[quiet]), GuessedChecks::default());
        }
    }
}
