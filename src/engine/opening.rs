//! Opens a pull request so that there is one, whatever the network does (PROTOCOL.md, 7). Layer 4.
//!
//! An unclear answer is followed by a look, never by a blind second write. What to do about a refusal is the caller's
//! business.

use std::time::Duration;

use crate::engine::{Context, retry};
use crate::forge::{ForgeError, JOB_LOGIN, NewPull, PullQuery, PullRequest, PullState};
use crate::model::{BranchName, RepoSlug};

/// When the list of pull requests is read again after an unclear answer, in seconds from it (PROTOCOL.md, 7).
const LOOKS: [u64; 5] = [0, 2, 5, 10, 20];

/// What came of opening a pull request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Opening {
    /// It was opened.
    Opened(PullRequest),
    /// It is there: by somebody who was faster, or by us, and the answer was lost.
    Found(PullRequest),
    /// This token may open none; with the forge's words.
    NotPermitted(String),
    /// The base has all that the head has.
    NothingAhead,
    /// It can never be opened as it stands; with the forge's words.
    Refused(String),
}

/// Returns whether workflow runs of what this token opens wait for a person (PROTOCOL.md, 9). Where nobody can say who we
/// are, nothing is said of it: it is not worth a pull request.
pub(crate) async fn do_runs_wait(context: &Context<'_>) -> bool {
    match retry(context.system, async || context.forge.identity().await).await {
        Ok(us) => us.login == JOB_LOGIN,
        Err(error) => {
            tracing::warn!(%error, "whether workflow runs of pull requests wait for an approval is not known");
            false
        }
    }
}

/// Opens a pull request, with at most one more request after an unclear answer.
///
/// # Errors
/// When it can be neither opened nor found; the next run goes on from what is there.
pub(crate) async fn open_pull(context: &Context<'_>, slug: &RepoSlug, new: &NewPull) -> Result<Opening, ForgeError> {
    let mut lag = [1_u64, 2, 4].into_iter();
    for last in [false, true] {
        let answer = loop {
            match context.forge.create_pull(slug, new).await {
                // A replica that does not see the new branch yet says so as a refusal (F-42).
                Err(ForgeError::Invalid(why)) if why.contains("head") => match lag.next() {
                    Some(seconds) => context.system.sleep(Duration::from_secs(seconds)).await,
                    None => break Err(ForgeError::Invalid(why)),
                },
                answer => break answer,
            }
        };
        match answer {
            Ok(pull) => return Ok(Opening::Opened(pull)),
            Err(ForgeError::Denied(why)) => return Ok(Opening::NotPermitted(why)),
            Err(ForgeError::Invalid(why)) if why.contains("No commits between") => return Ok(Opening::NothingAhead),
            Err(ForgeError::Invalid(why)) if !why.contains("head") => return Ok(Opening::Refused(why)),
            Err(error @ (ForgeError::Conflict(_) | ForgeError::Ambiguous(_) | ForgeError::Transient(_))) => {
                if let Some(pull) = look_for_pull(context, slug, &new.head).await? {
                    return Ok(Opening::Found(pull));
                }
                if last {
                    // The branch stands; the next run adopts it. It is never deleted after an unclear answer.
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Err(ForgeError::Ambiguous("the pull request could be neither made nor found".to_owned()))
}

/// Looks for an open pull request of the branch, again and again while lists may lag.
pub(crate) async fn look_for_pull(
    context: &Context<'_>,
    slug: &RepoSlug,
    head: &BranchName,
) -> Result<Option<PullRequest>, ForgeError> {
    let query = PullQuery { head: Some(head.clone()), open_only: false };
    let mut waited = 0;
    for at in LOOKS {
        context.system.sleep(Duration::from_secs(at - waited)).await;
        waited = at;
        let page = retry(context.system, async || context.forge.pulls(slug, &query, None).await).await?;
        let open = page.items.into_iter().find(|pull| pull.state == PullState::Open);
        if open.is_some() {
            return Ok(open);
        }
    }
    Ok(None)
}
