//! Looks for anything of ours in a fleet whose state branch is not there: a first run leaves no trace behind it, a loss
//! does (PROTOCOL.md, 3; F-68). Layer 4.
//!
//! Whose a trace is does not matter here: what somebody plants costs us a day's money and nothing else. What cannot be
//! read, or is more than is read, counts as a trace.

use crate::engine::{Context, Reservation, retry};
use crate::forge::{ForgeError, PullQuery};
use crate::model::{RepoSlug, ReportId};
use crate::plan;

/// Larger fleets are not looked through: a day without money costs them less than the look.
const MOST_REPOSITORIES: usize = 100;
/// Pages of one list.
const MOST_PAGES: usize = 10;
/// Issues whose comments are read.
const MOST_ISSUES: usize = 100;
/// How every text of ours that a program finds again begins.
const MARK: &str = "<!-- homeostat:";
/// Where our branches lie.
const BRANCHES: &str = "homeostat/";

/// Returns whether a branch or pull request of our names, or a comment with our mark, is anywhere in the fleet.
pub(crate) async fn any(context: &Context<'_>, reservation: &Reservation) -> bool {
    let policies = &context.config.repositories;
    if policies.len() > MOST_REPOSITORIES {
        return true;
    }
    for policy in policies {
        if in_repository(context, &policy.slug).await.unwrap_or(true) {
            return true;
        }
    }
    let works = reservation.works.iter().flat_map(|work| work.reports.iter().map(|id| (&work.slug, id)));
    let skipped = reservation.skipped.iter().map(|skipped| (&skipped.slug, &skipped.report));
    let issues: Vec<(&RepoSlug, u64)> = works
        .chain(skipped)
        .filter_map(|(slug, id)| match id {
            ReportId::Issue { number } => Some((slug, *number)),
            ReportId::Run { .. } => None,
        })
        .collect();
    if issues.len() > MOST_ISSUES {
        return true;
    }
    for (slug, number) in issues {
        if at_issue(context, slug, number).await.unwrap_or(true) {
            return true;
        }
    }
    false
}

async fn in_repository(context: &Context<'_>, slug: &RepoSlug) -> Result<bool, ForgeError> {
    let branches = retry(context.system, async || context.forge.branches(slug, BRANCHES).await).await?;
    if branches.iter().any(|(name, _)| plan::branch_grammar(name.as_str()).is_some()) {
        return Ok(true);
    }
    let mut page: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let query = PullQuery::default();
        let read = async || context.forge.pulls(slug, &query, page.as_deref()).await;
        let answer = retry(context.system, read).await?;
        if answer.items.iter().any(|pull| plan::branch_grammar(pull.head.as_str()).is_some()) {
            return Ok(true);
        }
        page = answer.next;
        if page.is_none() {
            return Ok(!answer.broken.is_empty());
        }
    }
    Ok(true)
}

async fn at_issue(context: &Context<'_>, slug: &RepoSlug, number: u64) -> Result<bool, ForgeError> {
    let mut page: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let read = async || context.forge.comments(slug, number, page.as_deref()).await;
        let answer = retry(context.system, read).await?;
        if answer.items.iter().any(|comment| comment.body.contains(MARK)) {
            return Ok(true);
        }
        page = answer.next;
        if page.is_none() {
            return Ok(!answer.broken.is_empty());
        }
    }
    Ok(true)
}
