//! Comments on issues: few, short, each with a marker in its first line by which it is found again. Layer 1.

use minijinja::context;

use crate::model::{BranchName, Candidate};
use crate::render::RenderError;
use crate::render::template::fill;

/// Makes the comment on an issue whose failure another issue speaks for.
///
/// # Errors
/// When the template is broken.
pub fn duplicate_comment(canonical: u64, pull: u64) -> Result<String, RenderError> {
    let values = context! { canonical, pull };
    fill("comments/duplicate.md.j2", include_str!("../../templates/comments/duplicate.md.j2"), values)
}

/// Makes the comment on an issue whose fix lies on a branch while the forge permits no pull request; `url` is where the
/// repository is shown, and gives links only where that is a web page.
///
/// # Errors
/// When the template is broken.
pub fn awaiting_pr_comment(candidate: &Candidate, branch: &BranchName, url: &str) -> Result<String, RenderError> {
    let page = url.starts_with("https://") || url.starts_with("http://");
    let base = &candidate.base_branch;
    let compare = format!("{url}/compare/{base}...{branch}?expand=1");
    let settings = format!("{url}/settings/actions");
    let values = context! {
        fingerprint => candidate.fingerprint.to_string(),
        episode => candidate.episode,
        branch => branch.as_str(),
        base => base.as_str(),
        compare => page.then_some(compare),
        settings => page.then_some(settings),
    };
    fill("comments/awaiting_pr.md.j2", include_str!("../../templates/comments/awaiting_pr.md.j2"), values)
}
