//! Labels on issues that show people where a failure stands (REFERENCE.md, Labels). Layer 4.
//!
//! They are views: nothing here ever reads one to decide anything, people may take any of them off, and what was taken off
//! comes back only with another attempt. A label is worth no failure: what cannot be put on or taken off is said in the log.

use crate::engine::publish::Published;
use crate::engine::{Context, retry};
use crate::forge::{ForgeError, Label};
use crate::gate::{self, SHOWN_LABELS, WAITS};
use crate::model::{Policy, RepoSlug, ReportId, Settled};

/// Shows on issues how this run's attempts ended that mended nothing, and takes off what the clock or a change outdated.
pub(crate) async fn show(context: &Context<'_>, policy: &Policy, settled: &[Settled], outdated: &[OutdatedLabel]) {
    for one in settled.iter().filter(|one| one.slug == policy.slug && one.counts) {
        let ReportId::Issue { number } = one.report else { continue };
        let Some(standing) = gate::standing(&one.state_after, &policy.limits, one.completed_at) else { continue };
        tell(context, &policy.slug, number, bring(context, &policy.slug, number, standing.labels()).await);
    }
    for one in outdated.iter().filter(|one| one.slug == policy.slug) {
        let off = context.forge.remove_label(&one.slug, one.issue, &one.label).await;
        tell(context, &policy.slug, one.issue, off);
    }
}

/// A label that an issue still has although what it shows is over.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct OutdatedLabel {
    /// The repository.
    pub slug: RepoSlug,
    /// The issue's number.
    pub issue: u64,
    /// The label's name.
    pub label: String,
}

/// Makes an issue have these of our labels, and no other of them but the one that waits for a word.
async fn bring(context: &Context<'_>, slug: &RepoSlug, number: u64, wanted: &[&str]) -> Result<(), ForgeError> {
    let issue = retry(context.system, async || context.forge.issue(slug, number).await).await?;
    let has = |name: &str| issue.labels.iter().any(|label| label.eq_ignore_ascii_case(name));
    for (name, meaning) in SHOWN_LABELS.into_iter().filter(|(name, _)| *name != WAITS) {
        match (wanted.contains(&name), has(name)) {
            (true, false) => put(context, slug, number, name, meaning).await?,
            (false, true) => context.forge.remove_label(slug, number, name).await?,
            _ => {}
        }
    }
    Ok(())
}

fn tell(context: &Context<'_>, slug: &RepoSlug, number: u64, shown: Result<(), ForgeError>) {
    if let Err(error) = shown {
        let slug = context.veil.name(slug);
        tracing::info!(%slug, issue = number, %error, "the issue's labels do not show where its failure stands");
    }
}

/// Puts a label on, making it where it is missing.
pub(crate) async fn put(
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

/// Takes labels off an issue that were seen on it and hold no more; where that fails the candidate stays for the next run.
pub(crate) async fn take_off(
    context: &Context<'_>,
    slug: &RepoSlug,
    number: u64,
    seen: &[String],
    published: &mut Published,
) {
    for name in seen {
        match context.forge.remove_label(slug, number, name).await {
            Ok(()) => {}
            // Without the right to it nobody ever takes it off; the pull request is not held up by that.
            Err(error @ (ForgeError::Denied(_) | ForgeError::Invalid(_) | ForgeError::Conflict(_))) => {
                published.warnings.push(format!("The label {name} could not be taken off #{number} ({error})."));
            }
            Err(ForgeError::NotFound(_)) => {}
            Err(_) => (published.waits, published.retryable) = (true, true),
        }
    }
}
