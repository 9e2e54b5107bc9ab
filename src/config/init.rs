//! Writes a first configuration, with what was guessed and why. Layer 1.

use std::fmt::Write as _;

use crate::config::guess::Guessed;
use crate::model::RepoSlug;

/// One repository of a first configuration.
#[derive(Debug, Clone)]
pub struct InitRepo {
    /// Its name.
    pub slug: RepoSlug,
    /// Its default branch, where known.
    pub branch: Option<String>,
    /// What its files say about setup and tests.
    pub guessed: Guessed,
}

/// Returns a commented configuration for some repositories, which `load` accepts.
pub fn first_config(repos: &[InitRepo]) -> String {
    let mut out = String::from(
        "# Homeostat's configuration. Every key: docs/configuration.md; `homeostat config check` reads this file.\n\
         version: 1\n\n\
         # How far it may go: observe writes nothing, draft opens drafts, ready opens pull requests ready for review.\n\
         mode: draft\n\n\
         # What every repository has that does not say otherwise.\n\
         defaults:\n\
         \x20 labels: [homeostat-fix]\n\
         \x20 max_prs_per_run: 2\n\
         \x20 confidence_threshold: 0.8\n\n",
    );
    if repos.is_empty() {
        out.push_str("repositories:\n  - slug: owner/name # put your repository here\n");
        return out;
    }
    out.push_str("repositories:\n");
    for repo in repos {
        let _infallible = writeln!(out, "  - slug: {}", scalar(&repo.slug.to_string()));
        if let Some(branch) = &repo.branch {
            let _infallible = writeln!(out, "    branch: {}", scalar(branch));
        }
        for line in &repo.guessed.said {
            let _infallible = writeln!(out, "    # {}", one_line(line));
        }
        match &repo.guessed.setup {
            Some(command) => drop(writeln!(out, "    setup_command: {}", scalar(command))),
            None => out.push_str("    # setup_command: none\n"),
        }
        match &repo.guessed.test {
            Some(command) => drop(writeln!(out, "    test_command: {}", scalar(command))),
            None => out.push_str("    # test_command: # set it; without one this repository is skipped\n"),
        }
    }
    out
}

/// Writes text so that YAML reads back the same.
fn scalar(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '.' | '/' | '_' | '-' | '=');
    let starts = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '.');
    let null = matches!(text, "null" | "Null" | "NULL");
    let marker = text.starts_with("...");
    if starts && !null && !marker && text.trim() == text && text.chars().all(safe) {
        return text.to_owned();
    }
    // A JSON string is a double-quoted YAML scalar.
    serde_json::Value::from(text).to_string()
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
