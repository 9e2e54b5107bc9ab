//! What is known of a failure, for whoever asks: its name, its state, why it is left alone, what to do. Layer 4.

use crate::engine::command::{Order, Told};
use crate::engine::lease::Leases;
use crate::engine::select::select;
use crate::engine::state::{by_report, failure_path};
use crate::engine::{Asked, Context, EngineError, Selection, retry};
use crate::forge::ForgeError;
use crate::gate;
use crate::model::{FailureState, Fingerprint, Reason, RepoSlug, ReportId};

/// Explains an issue: looks at it as a run would, and writes nothing.
pub(super) async fn explain(context: &Context<'_>, order: &Order) -> Result<Told, EngineError> {
    let slug = &order.said.slug;
    let Some(number) = order.issue else {
        let sentences = vec!["The summary of each run tells of failed runs, with the reason.".to_owned()];
        return Ok(Told { done: true, head: "this is the fix of a failed run.", sentences, ..Told::default() });
    };
    let policy = context.config.repositories.iter().find(|policy| policy.slug == *slug);
    let policy = policy.ok_or_else(|| ForgeError::NotFound(format!("{slug} is not in the configuration")))?;
    let now = retry(context.system, async || context.forge.now().await).await?;
    let state = context.state();
    let snapshot = state.snapshot().await?;
    let leases = Leases::read(&state, &snapshot, now, context.owner_is_gone).await?;
    let selection = Selection { only: Some(slug.clone()), issue: Some(number), asked: Some(Asked::default()) };
    let selected = select(context, now, &snapshot, &leases, policy, &selection).await;
    let mut told = Told { done: true, head: "this is what Homeostat knows.", ..Told::default() };
    told.sentences.extend(selected.view.error.as_ref().map(|problem| problem.message.clone()));
    let report = ReportId::Issue { number };
    let recorded = match selected.view.id {
        Some(id) => by_report(&state.failures(&snapshot, id).await?, &report).cloned(),
        None => None,
    };
    let issue = retry(context.system, async || context.forge.issue(slug, number).await).await?;
    let labelled = policy.trigger_labels.iter().any(|t| issue.labels.iter().any(|l| l.eq_ignore_ascii_case(t)));
    let work = selected.works.first();
    let skipped = selected.skipped.iter().find(|one| one.report == report);
    let fingerprint = work
        .map(|work| work.fingerprint.clone())
        .or_else(|| skipped.and_then(|one| one.fingerprint.clone()))
        .or_else(|| recorded.as_ref().map(|state| state.fingerprint.clone()));
    if let Some(fingerprint) = &fingerprint {
        told.facts.push(("fingerprint", fingerprint.to_string()));
        told.pull = selected.view.kept.iter().find(|kept| kept.fingerprint == *fingerprint).map(|kept| kept.number);
    }
    if let Some(state) = recorded.as_ref().or(work.map(|work| &work.state)) {
        told.facts.extend(facts(state, policy.limits.max_attempts));
    }
    match skipped {
        Some(one) => {
            told.facts.push(("left alone because", one.reason.to_string()));
            told.sentences.push(one.message.clone());
            told.sentences.extend(what_to_do(one.reason).map(str::to_owned));
        }
        None if work.is_some() && labelled => told.sentences.push("The next run works on it.".to_owned()),
        None => {}
    }
    if !labelled && gate::opted_out(&issue.labels).is_none() {
        told.sentences.push(format!(
            "The issue carries no trigger label, so no run looks at it by itself; put {} on, or comment `/homeostat fix`.",
            policy.trigger_labels.join(" or ")
        ));
    }
    Ok(told)
}

/// Lists what is recorded of a failure.
pub(super) async fn history(
    context: &Context<'_>,
    slug: &RepoSlug,
    fingerprint: &Fingerprint,
) -> Result<Vec<(&'static str, String)>, EngineError> {
    let policy = context.config.repositories.iter().find(|policy| policy.slug == *slug);
    let Some(policy) = policy else { return Ok(Vec::new()) };
    let repository = retry(context.system, async || context.forge.repository(slug).await).await?;
    let state = context.state();
    let snapshot = state.snapshot().await?;
    let path = failure_path(repository.id, fingerprint);
    let recorded = state.read_json::<FailureState>(&snapshot, &path).await?;
    Ok(recorded.map(|recorded| facts(&recorded, policy.limits.max_attempts)).unwrap_or_default())
}

fn facts(state: &FailureState, max_attempts: u32) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("episode", state.episode.to_string()),
        ("attempts in it", format!("{} of {max_attempts}", state.attempts)),
    ];
    if let Some(last) = state.attempts_log.last() {
        let why = last.reason.as_deref().map(|reason| format!(", {reason}")).unwrap_or_default();
        facts.push(("the last one ended", format!("{}{why}", last.status)));
    }
    facts.extend(state.backoff_until.map(|until| ("not tried again before", until.to_string())));
    facts
}

/// Says what a person can do, where the reason's own sentence does not.
const fn what_to_do(reason: Reason) -> Option<&'static str> {
    match reason {
        Reason::CoolingDown | Reason::Unchanged => {
            Some("To have it tried now, comment `/homeostat fix`, with a hint behind it if you have one.")
        }
        Reason::DoNotFix => Some("Take the label off to have it looked at."),
        Reason::UntrustedAuthor | Reason::PermissionUnknown | Reason::ContentChanged => {
            Some("Read the report, then comment `/homeostat fix` to vouch for it as it stands.")
        }
        _ => None,
    }
}
