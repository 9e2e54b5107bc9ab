//! What came of work or of an approval, as the person who asked is told. Layer 4.

use crate::engine::command::{Left, Order, Told, known};
use crate::engine::publish::Published;
use crate::engine::{Context, EngineError, comment, retry};
use crate::forge::{PullQuery, PullState};
use crate::gate::WAITS;
use crate::model::{Fingerprint, Reason, ReportId};
use crate::plan;

/// Tells how a run ended that a command asked for.
pub(super) async fn of_work(context: &Context<'_>, order: &Order, left: &Left<'_>) -> Result<Told, EngineError> {
    let about = |report: &ReportId| order.issue.is_none_or(|number| *report == ReportId::Issue { number });
    let published = &left.publications.published;
    if let Some(one) =
        published.iter().find(|one| one.candidate.slug == order.said.slug && about(&one.candidate.report))
    {
        return Ok(of_candidate(one));
    }
    if let Some(settled) = left.manifest.settled.iter().find(|one| about(&one.report)) {
        let sentences = vec![settled.reason.sentence().to_owned(), settled.message.clone()];
        return Ok(Told { head: "no fix was proven.", sentences, ..Told::default() }.without_echoes());
    }
    let view = left.reservation.repositories.iter().find(|view| view.slug == order.said.slug);
    if let Some(skipped) = left.reservation.skipped.iter().find(|one| about(&one.report)) {
        if skipped.reason == Reason::PullRequestOpen {
            let kept = view
                .and_then(|view| view.kept.iter().find(|kept| Some(&kept.fingerprint) == skipped.fingerprint.as_ref()));
            return Ok(opened(kept.map(|kept| kept.number)));
        }
        if skipped.reason == Reason::AwaitingApproval {
            return Ok(waiting());
        }
        let mut told = Told { head: "nothing was tried.", sentences: vec![skipped.message.clone()], ..Told::default() };
        if let Some(fingerprint) = &skipped.fingerprint {
            told.facts = known::history(context, &order.said.slug, fingerprint).await?;
        }
        return Ok(told);
    }
    let sentences = view.and_then(|view| view.error.as_ref()).map(|problem| problem.message.clone());
    Ok(Told { head: "nothing was found to work on.", sentences: sentences.into_iter().collect(), ..Told::default() })
}

/// Tells what became of an approved candidate.
pub(super) async fn of_approval(
    context: &Context<'_>,
    order: &Order,
    digest: &str,
    left: &Left<'_>,
) -> Result<Told, EngineError> {
    if let Some(one) = left.publications.published.first() {
        return Ok(of_candidate(one));
    }
    // A run that was killed after it published knows its candidate by our own question alone.
    if digest.len() == 64
        && let Some(pull) = published_before(context, order, digest).await?
    {
        return Ok(opened(Some(pull)));
    }
    let sentences = vec![format!(
        "It may have been published, replaced by another or given up since, or the digest is not the whole of it. What \
             waits now is told by our comment on an issue with the label {WAITS}."
    )];
    Ok(Told { head: "no candidate with this digest waits, so nothing was published.", sentences, ..Told::default() })
}

/// Finds the pull request of the candidate that our question on this thread was about.
async fn published_before(context: &Context<'_>, order: &Order, digest: &str) -> Result<Option<u64>, EngineError> {
    let slug = &order.said.slug;
    let asks = |text: &str| marked(text).is_some() && text.contains(digest);
    let Some(question) = comment::find(context, slug, order.said.number, asks).await? else { return Ok(None) };
    let Some((fingerprint, episode)) = marked(&question.body) else { return Ok(None) };
    let query = PullQuery { head: Some(plan::branch_for(&fingerprint, episode)), open_only: false };
    let pulls = retry(context.system, async || context.forge.pulls(slug, &query, None).await).await?.items;
    Ok(pulls.iter().find(|pull| pull.state == PullState::Open).map(|pull| pull.number))
}

/// Reads the failure and the episode of our question.
fn marked(text: &str) -> Option<(Fingerprint, u32)> {
    let line = text.lines().next()?.strip_prefix("<!-- homeostat:awaiting-approval ")?.strip_suffix(" -->")?;
    let (fingerprint, episode) = line.split_once(' ')?;
    Some((fingerprint.parse().ok()?, episode.parse().ok()?))
}

fn of_candidate(one: &Published) -> Told {
    if let Some(pull) = &one.pull {
        return opened(Some(pull.number));
    }
    match one.reason {
        Some(Reason::AwaitingApproval) => waiting(),
        Some(reason) => {
            let sentences = vec![reason.sentence().to_owned(), one.message.clone()];
            Told { head: "a fix is proven, and was not published.", sentences, ..Told::default() }.without_echoes()
        }
        None => Told { head: "a fix is proven; this run writes nothing.", done: true, ..Told::default() },
    }
}

/// The same words however often the command is heard: what stands, not who made it.
fn opened(pull: Option<u64>) -> Told {
    Told { done: true, head: "done.", pull, ..Told::default() }
}

fn waiting() -> Told {
    let sentences = vec!["Our comment on the issue shows the change and how to publish it.".to_owned()];
    Told { done: true, head: "a proven fix waits for a person's word.", sentences, ..Told::default() }
}

impl Told {
    /// Leaves out what says the same again.
    fn without_echoes(mut self) -> Self {
        self.sentences.dedup();
        if let [first, second] = self.sentences.as_slice()
            && second.contains(first.as_str())
        {
            self.sentences.remove(0);
        }
        self
    }
}
