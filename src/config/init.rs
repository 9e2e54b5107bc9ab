//! Writes a first configuration, with what was guessed and why, and a first workflow. Layer 1.

use std::fmt::Write as _;
use std::str::FromStr;

use crate::config::guess::Guessed;
use crate::model::{ObjectId, RepoSlug};

/// Where the configuration is looked for.
pub const CONFIG_PATH: &str = ".homeostat/repos.yml";
/// Where the workflow goes.
pub const WORKFLOW_PATH: &str = ".github/workflows/homeostat.yml";
/// The workflow of the guides, which is linted with them, and what stands for the action in it.
const WORKFLOW: (&str, &str) =
    (include_str!("../../docs/guides/workflows/four-jobs.yml"), "OWNER/homeostat/.github/workflows/homeostat.yml@v0");
/// The same for many repositories.
const FLEET: (&str, &str) =
    (include_str!("../../docs/guides/workflows/fleet.yml"), "OWNER/homeostat/.github/workflows/fleet.yml@v0");
/// Up to so many repositories are proposed for in one job.
const MOST_ALONE: usize = 40;

/// An action at a commit, as in `owner/homeostat@<forty digits>`: a tag can be moved, a commit cannot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedAction {
    repository: RepoSlug,
    commit: ObjectId,
}

impl FromStr for PinnedAction {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WANTED: &str = "an action is named as owner/homeostat@ and the commit of a release, in full";
        let (repository, commit) = text.split_once('@').ok_or(WANTED)?;
        let repository = repository.parse().map_err(|error| format!("{WANTED} ({error})"))?;
        let commit = commit.parse().map_err(|_| format!("{WANTED}; `{commit}` can be moved to other code"))?;
        Ok(Self { repository, commit })
    }
}

/// Returns the workflow with four privileges, or for many repositories the one with shards, with the action pinned.
pub fn first_workflow(action: &PinnedAction, repositories: usize) -> String {
    let (text, stands_for) = if repositories > MOST_ALONE { FLEET } else { WORKFLOW };
    let file =
        stands_for.split(['@']).next().and_then(|path| path.split_once("homeostat/")).map_or("", |split| split.1);
    text.replace(stands_for, &format!("{}/{file}@{}", action.repository, action.commit))
}

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

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn the_workflow_names_the_action_by_its_commit_and_nothing_else_stays_to_be_filled_in() {
        let action: PinnedAction = format!("acme/homeostat@{COMMIT}").parse().expect("legal");
        let few = first_workflow(&action, 3);
        assert!(few.contains(&format!("uses: acme/homeostat/.github/workflows/homeostat.yml@{COMMIT}\n")), "{few}");
        let many = first_workflow(&action, MOST_ALONE + 1);
        assert!(many.contains(&format!("uses: acme/homeostat/.github/workflows/fleet.yml@{COMMIT}\n")), "{many}");
        assert!(many.contains("shards:"), "{many}");
        for text in [few, many] {
            assert!(!text.contains("OWNER") && !text.contains("@v0"), "{text}");
        }
    }

    #[test]
    fn what_can_be_moved_is_no_pin() {
        for text in ["acme/homeostat", "acme/homeostat@v1", "acme/homeostat@main", "homeostat@0123456", "@", ""] {
            assert!(text.parse::<PinnedAction>().is_err(), "{text}");
        }
    }
}
