//! Mode `approve`: a proven candidate waits for a person's word (PROTOCOL.md, 8). Layer 4.
//!
//! One comment on the issue carries the proposed change and its evidence; nothing else is written to the target. Whether the
//! word was said is read from the forge each time, so that no run has to remember it.

use crate::engine::publish::Published;
use crate::engine::reports::Reports;
use crate::engine::target::left;
use crate::engine::{Context, Selection, comment, shown};
use crate::forge::ForgeError;
use crate::gate;
use crate::guardrail;
use crate::model::{Candidate, Patch, Policy, Reason, RepoSlug, ReportId, Verdict};
use crate::render;

/// A candidate with the digest that a person names it by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Offer<'a> {
    pub(crate) candidate: &'a Candidate,
    pub(crate) digest: &'a str,
    /// A command that this run was started by approves it.
    pub(crate) approved: bool,
}

/// Returns whether somebody with the right to it asked to publish exactly this candidate.
pub(crate) async fn is_approved(context: &Context<'_>, policy: &Policy, offer: Offer<'_>) -> Result<bool, ForgeError> {
    let ReportId::Issue { number } = offer.candidate.report else { return Ok(offer.approved) };
    if offer.approved {
        return Ok(true);
    }
    let nothing = Selection::default();
    let said = Reports::new(context, policy, &nothing).approvals(number).await?;
    Ok(said.contains(offer.digest))
}

/// Makes the comment that asks for the word.
pub(crate) fn question(
    context: &Context<'_>,
    offer: Offer<'_>,
    patch: &Patch,
    verdict: &Verdict,
) -> Result<String, ForgeError> {
    let diff = guardrail::Change::from_patch(patch).to_diff();
    let view = render::ApprovalView {
        candidate: offer.candidate,
        digest: offer.digest,
        diff: &diff,
        verdict,
        redactor: context.redactor,
    };
    render::approval_comment(&view).map_err(|error| ForgeError::Invalid(error.to_string()))
}

/// Asks on the issue, where there is one; a failed run's candidate is told of in the summary alone.
pub(crate) async fn ask(
    context: &Context<'_>,
    slug: &RepoSlug,
    offer: Offer<'_>,
    question: &str,
    verdict: Verdict,
) -> Published {
    let waits = Published { waits: true, ..left(offer.candidate, Reason::AwaitingApproval, Some(verdict)) };
    let ReportId::Issue { number } = offer.candidate.report else {
        let how = format!(
            "A proven candidate waits; comment `/homeostat approve {}` on any issue or pull request of {} to publish it.",
            offer.digest,
            context.veil.name(slug)
        );
        return Published { message: how, ..waits };
    };
    // The label first: the comment, which comes last, says that both are there.
    let label = async || shown::put(context, slug, number, gate::WAITS, gate::meaning(gate::WAITS)).await;
    match comment::keep(context, slug, number, question, label).await {
        Ok(()) => waits,
        Err(error) => {
            let slug = context.veil.name(slug);
            tracing::warn!(%slug, issue = number, %error, "nobody could be asked; the next run does it");
            let retryable =
                matches!(error, ForgeError::Transient(_) | ForgeError::Ambiguous(_) | ForgeError::RateLimited { .. });
            Published { message: format!("{} Nobody could be asked ({error}).", waits.message), retryable, ..waits }
        }
    }
}
