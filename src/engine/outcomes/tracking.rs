//! The one issue that Homeostat keeps in a repository: found by its marker and its author, made only with something to
//! say. Layer 4.
//!
//! Anybody can write our marker, and nobody's issue but our own counts. It closes and edits nothing of people.

use crate::engine::{Context, EngineError, comment, pages, retry};
use crate::forge::{Comment, ForgeError, Issue, IssueQuery, Label};
use crate::model::{Actor, ActorKind, RepoSlug};
use crate::render::outcomes::{PAUSED_LABEL, TRACKING_MARKER, TRACKING_TITLE, tracking_body};

/// Pages of issues that are looked through for it.
const ISSUE_PAGES: usize = 30;
/// The account of a workflow's own token, which writes the same issue when a schedule fails (its id is GitHub's).
const ACTIONS: (&str, u64) = ("github-actions[bot]", 41_898_282);

/// Returns whether an account is ours, or the one of a workflow's own token.
fn is_ours(author: &Actor, us: &Actor) -> bool {
    let by_actions =
        author.kind == ActorKind::Bot && author.id == ACTIONS.1 && author.login.eq_ignore_ascii_case(ACTIONS.0);
    author.id == us.id || by_actions
}

/// Returns whether an issue is the tracking issue.
fn is_it(issue: &Issue, us: &Actor) -> bool {
    let ours = issue.author.as_ref().is_some_and(|author| is_ours(author, us));
    ours && !issue.is_pull_request && issue.body.contains(TRACKING_MARKER)
}

async fn us(context: &Context<'_>) -> Result<Actor, ForgeError> {
    retry(context.system, async || context.forge.identity().await).await
}

/// Finds the tracking issue that has the label which pauses the repository, open or not.
pub(crate) async fn paused(context: &Context<'_>, slug: &RepoSlug) -> Result<Option<Issue>, ForgeError> {
    let query = IssueQuery { label: Some(PAUSED_LABEL.to_owned()), open_only: false, since: None };
    let read = async |page: Option<&str>| context.forge.issues(slug, &query, page).await;
    let listed = pages::all(context.system, ISSUE_PAGES, read).await;
    if let Some(error) = listed.failed {
        return Err(error);
    }
    if listed.items.is_empty() {
        return Ok(None);
    }
    let us = us(context).await?;
    Ok(listed.items.into_iter().find(|issue| is_it(issue, &us)))
}

/// Finds the open tracking issue: the one that is remembered, else by a look at all open issues.
pub(super) async fn find(
    context: &Context<'_>,
    slug: &RepoSlug,
    remembered: Option<u64>,
) -> Result<Option<Issue>, ForgeError> {
    let us = us(context).await?;
    if let Some(number) = remembered {
        match retry(context.system, async || context.forge.issue(slug, number).await).await {
            Ok(issue) if issue.open && is_it(&issue, &us) => return Ok(Some(issue)),
            Ok(_) | Err(ForgeError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    let query = IssueQuery { label: None, open_only: true, since: None };
    let read = async |page: Option<&str>| context.forge.issues(slug, &query, page).await;
    let listed = pages::all(context.system, ISSUE_PAGES, read).await;
    if let Some(error) = listed.failed {
        return Err(error);
    }
    Ok(listed.items.into_iter().find(|issue| is_it(issue, &us)))
}

/// Finds the tracking issue, or makes it; `before` is called ahead of that. After an unclear answer it is looked for, never
/// made blindly a second time.
pub(super) async fn ensure(
    context: &Context<'_>,
    slug: &RepoSlug,
    remembered: Option<u64>,
    before: impl FnOnce() -> Result<(), EngineError>,
) -> Result<Issue, EngineError> {
    if let Some(issue) = find(context, slug, remembered).await? {
        return Ok(issue);
    }
    before()?;
    match context.forge.create_issue(slug, TRACKING_TITLE, &tracking_body()).await {
        Ok(issue) => Ok(issue),
        Err(error @ (ForgeError::Ambiguous(_) | ForgeError::Transient(_))) => {
            find(context, slug, None).await?.ok_or_else(|| error.into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Finds the newest comment of ours that begins with a marker.
pub(super) async fn newest(
    context: &Context<'_>,
    slug: &RepoSlug,
    issue: u64,
    marker: &str,
) -> Result<Option<Comment>, ForgeError> {
    let us = us(context).await?;
    let read = async |page: Option<&str>| context.forge.comments(slug, issue, page).await;
    let listed = pages::all(context.system, ISSUE_PAGES, read).await;
    if let Some(error) = listed.failed {
        return Err(error);
    }
    let ours = |comment: &Comment| comment.author.as_ref().is_some_and(|author| is_ours(author, &us));
    Ok(listed.items.into_iter().rfind(|comment| ours(comment) && comment.body.starts_with(marker)))
}

/// Finds our comment with the first line of a text.
pub(super) async fn said(
    context: &Context<'_>,
    slug: &RepoSlug,
    issue: u64,
    text: &str,
) -> Result<Option<Comment>, ForgeError> {
    comment::find(context, slug, issue, |seen| seen.lines().next() == text.lines().next()).await
}

/// Puts the label on that pauses the repository, making it where it is missing.
pub(super) async fn label(context: &Context<'_>, slug: &RepoSlug, issue: u64) -> Result<(), ForgeError> {
    let names = [PAUSED_LABEL.to_owned()];
    match context.forge.add_labels(slug, issue, &names).await {
        Err(ForgeError::Invalid(_) | ForgeError::NotFound(_)) => {
            let label = Label {
                name: PAUSED_LABEL.to_owned(),
                color: "d93f0b".to_owned(),
                description: "Homeostat proposes nothing here while this is on its tracking issue".to_owned(),
            };
            match context.forge.create_label(slug, &label).await {
                Ok(()) | Err(ForgeError::Conflict(_)) => {}
                Err(error) => return Err(error),
            }
            context.forge.add_labels(slug, issue, &names).await
        }
        answer => answer,
    }
}
