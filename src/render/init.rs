//! The pull request that sets a repository up. Layer 1.
//!
//! What was guessed holds words of a repository's files: they are redacted and quoted here.

use minijinja::context;

use crate::config::InitRepo;
use crate::model::RepoPath;
use crate::redact::Redactor;
use crate::render::quote::{code_span, prose};
use crate::template::{RenderError, fill};

/// The title of the pull request, and the first line of its commit.
pub const INIT_TITLE: &str = "Set Homeostat up";
const TEMPLATE: &str = include_str!("../../templates/init_pull_request.md.j2");
/// Repositories whose guesses are told; the configuration has all.
const MOST_GUESSES: usize = 50;

/// A file that is proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitFile {
    /// Where.
    pub path: RepoPath,
    /// All of it.
    pub content: String,
    /// What it is, in a few words.
    pub what: &'static str,
}

/// What the body tells.
#[derive(Debug)]
pub struct InitView<'a> {
    /// The files that are added.
    pub files: &'a [&'a InitFile],
    /// The repositories of the configuration.
    pub repositories: &'a [InitRepo],
    /// What is left for a person, a sentence each.
    pub todos: &'a [String],
    /// Takes secrets out of what was guessed.
    pub redactor: &'a Redactor,
}

/// Returns the body.
///
/// # Errors
/// When the template is broken.
pub fn init_body(view: &InitView<'_>) -> Result<String, RenderError> {
    let clean = |text: &str| prose(view.redactor.redact(text).as_str());
    let files: Vec<_> =
        view.files.iter().map(|file| context! { path => code_span(file.path.as_str()), what => file.what }).collect();
    let guesses: Vec<_> = view
        .repositories
        .iter()
        .filter(|repository| !repository.guessed.said.is_empty())
        .take(MOST_GUESSES)
        .map(|repository| {
            let words: Vec<String> = repository.guessed.said.iter().map(|said| clean(said)).collect();
            context! { repository => code_span(&repository.slug.to_string()), words => words.join(" ") }
        })
        .collect();
    fill("init_pull_request.md.j2", TEMPLATE, context! { files, guesses, todos => view.todos.to_vec() })
}
