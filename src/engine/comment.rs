//! Comments of ours: each found again by its first line, then edited, else written (PROTOCOL.md, 7). Layer 4.
//!
//! Anybody can write our marker; only our own comment is ours (V-09). Refuses to write twice where an answer was lost.

use crate::engine::{Context, retry};
use crate::forge::{Comment, ForgeError};
use crate::model::RepoSlug;

/// Comments read on one issue before the rest is left alone.
const MAX_PAGES: usize = 20;

/// Finds our comment that a look at its text tells.
pub(crate) async fn find(
    context: &Context<'_>,
    slug: &RepoSlug,
    issue: u64,
    is_it: impl Fn(&str) -> bool,
) -> Result<Option<Comment>, ForgeError> {
    let forge = context.forge;
    let us = retry(context.system, async || forge.identity().await).await?;
    let mut page: Option<String> = None;
    for _ in 0..MAX_PAGES {
        let answer = retry(context.system, async || forge.comments(slug, issue, page.as_deref()).await).await?;
        let ours =
            |comment: &Comment| comment.author.as_ref().is_none_or(|author| author.id == us.id) && is_it(&comment.body);
        if let Some(found) = answer.items.into_iter().find(ours) {
            return Ok(Some(found));
        }
        page = answer.next;
        if page.is_none() {
            break;
        }
    }
    Ok(None)
}

/// Writes a comment unless one of ours with its marker (its first line) is there.
pub(crate) async fn once(context: &Context<'_>, slug: &RepoSlug, issue: u64, body: &str) -> Result<(), ForgeError> {
    match find(context, slug, issue, |text| first_line(text) == first_line(body)).await? {
        Some(_) => Ok(()),
        None => context.forge.create_comment(slug, issue, body).await.map(drop),
    }
}

/// Keeps one comment with its marker and this text: left as it is, edited, or written. `before` is called ahead of a
/// write. After an unclear answer it is looked for once more, never written blindly (F-49).
pub(crate) async fn keep(
    context: &Context<'_>,
    slug: &RepoSlug,
    issue: u64,
    body: &str,
    before: impl AsyncFnOnce() -> Result<(), ForgeError>,
) -> Result<(), ForgeError> {
    let forge = context.forge;
    let mine = |text: &str| first_line(text) == first_line(body);
    match find(context, slug, issue, mine).await? {
        // Forges trim what ends a comment, and some turn its line ends around.
        Some(seen) if same(&seen.body, body) => Ok(()),
        Some(seen) => {
            before().await?;
            forge.edit_comment(slug, seen.id, body).await
        }
        None => {
            before().await?;
            match forge.create_comment(slug, issue, body).await {
                Err(error @ (ForgeError::Ambiguous(_) | ForgeError::Transient(_))) => {
                    match find(context, slug, issue, mine).await? {
                        Some(_) => Ok(()),
                        None => Err(error),
                    }
                }
                answer => answer.map(drop),
            }
        }
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn same(seen: &str, ours: &str) -> bool {
    seen.trim_end().lines().eq(ours.trim_end().lines())
}
