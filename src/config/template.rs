//! Checks the templates of pull requests at load, so that a mistake in one is told before anything is written. Layer 1.
//!
//! What a template may name is listed here; it refuses any other name, our own markers, and what does not parse. Filling
//! in is the business of `render`, which keeps the same lists.

use minijinja::Environment;
use minijinja::syntax::SyntaxConfig;

/// What a title may name.
pub const TITLE_VARIABLES: &[&str] = &["error_type", "file", "fingerprint", "number", "pattern"];

/// What a body may name: all that ours names, but for the markers.
pub const BODY_VARIABLES: &[&str] = &[
    "after",
    "also_fixes",
    "alternative",
    "attempt",
    "base",
    "before",
    "breadcrumbs",
    "check",
    "checks",
    "closes",
    "command",
    "confidence",
    "config_hash",
    "cost",
    "draft_reasons",
    "episode",
    "error_type",
    "evidence_sentence",
    "files",
    "fingerprint",
    "fixer",
    "flags",
    "hint",
    "hypothesis",
    "location",
    "max_attempts",
    "measured",
    "message",
    "named",
    "regression",
    "related",
    "repetitions",
    "report",
    "resources",
    "run",
    "runs_note",
    "sandbox",
    "source",
    "state_block",
    "still_failing",
    "targets",
    "targets_block",
    "tier",
    "title",
    "tokens",
    "trace",
    "tree",
    "version",
    "warning",
];

/// What the body of a feature branch's pull request may name.
pub const FEATURE_VARIABLES: &[&str] = &["base", "branch", "title"];

/// Names of functions that the template language itself has.
const FUNCTIONS: &[&str] = &["range", "dict", "namespace"];
/// Characters of a title's template.
pub(super) const TITLE_ROOM: usize = 200;
/// Bytes of a body's template.
pub const MAX_TEMPLATE: usize = 64 << 10;

/// Says what is wrong with a title's template.
pub(super) fn check_title(text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("There is no text here; leave it out for the built-in title.".to_owned());
    }
    if text.chars().count() > TITLE_ROOM {
        return Err(format!("A template for a title has at most {TITLE_ROOM} characters."));
    }
    if text.chars().any(char::is_control) {
        return Err("A title is one line of plain characters.".to_owned());
    }
    check(text, TITLE_VARIABLES)
}

/// Reads the bytes of a body's template, or says what is wrong with them.
pub(super) fn read_body(bytes: &[u8], variables: &[&str]) -> Result<String, String> {
    if bytes.len() > MAX_TEMPLATE {
        return Err(format!("The file is larger than {} KiB.", MAX_TEMPLATE >> 10));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "The file is no UTF-8 text.".to_owned())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err("The file is empty.".to_owned());
    }
    if text.contains("<!-- homeostat:") {
        return Err("The file has a marker of Homeostat's; the markers are put around it.".to_owned());
    }
    check(text, variables)?;
    Ok(text.to_owned())
}

/// Parses a template and looks for names that nobody will fill in.
fn check(text: &str, known: &[&str]) -> Result<(), String> {
    let internal = |error: minijinja::Error| format!("{error:#}");
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).build().map_err(internal)?);
    environment.add_template("text", text).map_err(|error| format!("It does not parse: {error}."))?;
    let template = environment.get_template("text").map_err(internal)?;
    let mut unknown: Vec<String> = template
        .undeclared_variables(false)
        .into_iter()
        .filter(|name| !known.contains(&name.as_str()) && !FUNCTIONS.contains(&name.as_str()))
        .collect();
    unknown.sort();
    match unknown.first() {
        None => Ok(()),
        Some(name) => {
            Err(format!("There is no variable {}; there are {}.", super::problem::shown(name), known.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_names_what_there_is_on_one_line() {
        assert_eq!(check_title("fix({{ file }}): {{ error_type }} #{{ number }} {{ pattern }}"), Ok(()));
        assert!(check_title("{{ colour }}").is_err_and(|why| why.contains("colour") && why.contains("error_type")));
        assert!(check_title("{{ file ").is_err_and(|why| why.contains("parse")));
        assert!(check_title("a\nb").is_err());
        assert!(check_title(&"x".repeat(201)).is_err());
        assert!(check_title(" ").is_err());
    }

    #[test]
    fn the_built_in_template_is_a_template_like_any_other_but_for_the_markers() {
        let ours = include_str!("../../templates/pull_request.md.j2");
        let without = ours.replace("{{ marker }}", "").replace("{{ end_marker }}", "");
        assert_eq!(read_body(without.as_bytes(), BODY_VARIABLES).as_deref(), Ok(without.as_str()));
    }

    #[test]
    fn a_body_is_text_of_names_that_there_are_without_our_markers() {
        let body = "# {{ title }}\n{% for check in checks %}{{ check.command }}{% endfor %}\n{{ range(3) }}\n";
        assert_eq!(read_body(body.as_bytes(), BODY_VARIABLES).as_deref(), Ok(body));
        for wrong in [&b"\xff"[..], b"", b"{{ marker }}", b"<!-- homeostat:end -->", b"{% if x %}"] {
            assert!(read_body(wrong, BODY_VARIABLES).is_err(), "{}", String::from_utf8_lossy(wrong));
        }
        assert!(read_body(&vec![b'x'; MAX_TEMPLATE + 1], BODY_VARIABLES).is_err());
    }

    #[test]
    fn the_built_in_template_of_feature_branches_is_one_like_any_other() {
        let ours = include_str!("../../templates/feature_pull_request.md.j2");
        assert_eq!(read_body(ours.as_bytes(), FEATURE_VARIABLES).as_deref(), Ok(ours));
        assert!(read_body(b"{{ hypothesis }}", FEATURE_VARIABLES).is_err_and(|why| why.contains("branch")));
    }
}
