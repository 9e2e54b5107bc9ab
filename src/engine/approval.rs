//! Mode `approve`: a proven candidate waits for a person's word (PROTOCOL.md, 8). Layer 4.
//!
//! One comment on the issue carries the proposed change and its evidence; nothing else is written to the target. Whether the
//! word was said is read from the forge each time, so that no run has to remember it.

use crate::engine::publish::Published;
use crate::engine::reports::Reports;
use crate::engine::target::left;
use crate::engine::{Context, Selection, comment, retry};
use crate::forge::{ForgeError, Label};
use crate::guardrail;
use crate::model::{Candidate, Patch, Policy, Reason, RepoSlug, ReportId, Verdict};
use crate::render;

/// The label of an issue whose candidate waits; a view for people, who may take it off.
pub(crate) const WAITS: &str = "homeostat:awaiting-approval";

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
    let label = async || put_label(context, slug, number, WAITS, "A proven fix waits for a person's word").await;
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

/// Puts a label on, making it where it is missing.
pub(crate) async fn put_label(
    context: &Context<'_>,
    slug: &RepoSlug,
    number: u64,
    name: &str,
    description: &str,
) -> Result<(), ForgeError> {
    let (forge, labels) = (context.forge, [name.to_owned()]);
    match forge.add_labels(slug, number, &labels).await {
        Err(ForgeError::Invalid(_)) => {}
        answer => return answer,
    }
    let label = Label { name: name.to_owned(), color: "fbca04".to_owned(), description: description.to_owned() };
    match forge.create_label(slug, &label).await {
        Ok(()) | Err(ForgeError::Conflict(_)) => forge.add_labels(slug, number, &labels).await,
        Err(error) => Err(error),
    }
}

/// Takes the label off an issue whose candidate waits no more; where that fails the candidate stays for the next run.
pub(crate) async fn no_longer_waits(context: &Context<'_>, slug: &RepoSlug, published: &mut Published) {
    let ReportId::Issue { number } = published.candidate.report else { return };
    let forge = context.forge;
    let gone = async || -> Result<(), ForgeError> {
        let issue = match retry(context.system, async || forge.issue(slug, number).await).await {
            Err(ForgeError::NotFound(_)) => return Ok(()),
            answer => answer?,
        };
        if issue.labels.iter().any(|label| label.eq_ignore_ascii_case(WAITS)) {
            forge.remove_label(slug, number, WAITS).await?;
        }
        Ok(())
    };
    if let Err(error) = gone().await {
        match error {
            // Without the right to it nobody ever takes it off; the pull request is not held up by that.
            ForgeError::Denied(_) | ForgeError::Invalid(_) | ForgeError::NotFound(_) | ForgeError::Conflict(_) => {
                published.warnings.push(format!("The label {WAITS} could not be taken off #{number} ({error})."));
            }
            _ => (published.waits, published.retryable) = (true, true),
        }
    }
}
