//! `unsafe-path`: every path means the same file everywhere, inside the repository (V-52 to V-55, V-60). Layer 1.
//!
//! Refuses on all systems alike what only one of them would misread.

use crate::guardrail::change::Change;
use crate::guardrail::paths::unsafe_because;
use crate::guardrail::rule::{Context, Findings, Rule};
use crate::model::{FileMode, Reason, RepoPath};

pub(super) struct UnsafePath;

impl Rule for UnsafePath {
    fn id(&self) -> Reason {
        Reason::UnsafePath
    }

    fn check(&self, change: &Change, context: &Context<'_>, findings: &mut Findings) {
        for file in &change.files {
            match file.path.parse::<RepoPath>() {
                Err(why) => findings.file(file, format!("The path is refused: {why}.")),
                Ok(path) => {
                    if let Some(why) = unsafe_because(path.as_str()) {
                        findings.file(file, format!("The path is refused: {why}."));
                    }
                    let link = context.tree.and_then(|tree| {
                        parents(&path).find(|parent| tree.read(parent).is_some_and(|f| f.mode == FileMode::Symlink))
                    });
                    if let Some(link) = link {
                        findings
                            .file(file, format!("The path goes through {link}, a symbolic link of the repository."));
                    }
                }
            }
        }
    }
}

fn parents(path: &RepoPath) -> impl Iterator<Item = RepoPath> {
    path.as_str().match_indices('/').filter_map(|(at, _)| path.as_str()[..at].parse().ok())
}
