//! What a person's comment asks for: heard, done, answered once (PROTOCOL.md, 2 and 8; P-22). Layer 4.
//!
//! `hear` says whether a comment counts at all; what does not is inert, and nothing is written. Work that it asks for goes
//! the one road, chosen by [`Order::selection`]; `answer` does the rest and tells it in one comment, found by its marker.
//! Refuses to close, merge, approve or push anything itself.

mod ending;
mod known;

use crate::engine::publish::{Publications, Wanted};
use crate::engine::{
    Asked, Context, EngineError, RESERVATION_SCHEMA, RepositoryView, Reservation, Selection, comment, retry, shown,
    veil,
};
use crate::forge::{ForgeError, Reaction};
use crate::gate::{self, Command};
use crate::model::{Actor, Manifest, MicroUsd, Mode, Policy, Reason, RepoSlug, ReportId, Untrusted, sha256_hex};
use crate::plan;
use crate::render;

/// The label that opts an issue out.
const OPT_OUT: &str = "do-not-fix";

/// A comment that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Where.
    pub slug: RepoSlug,
    /// On which issue or pull request.
    pub number: u64,
    /// Whether that is a pull request.
    pub on_pull: bool,
    /// The comment.
    pub comment: u64,
    /// Who wrote it; nobody is the owner of a forge of their own.
    pub by: Option<Actor>,
    /// Its text; anybody's.
    pub body: Untrusted,
    /// The text of the issue as it stood when the comment was written.
    pub issue_body: Untrusted,
}

/// Whether a comment counts.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// It asks for nothing, or whoever wrote it may not ask: nothing is written, and the summary says why.
    Inert(String),
    /// It asks for something.
    Order(Box<Order>),
}

/// What a person with the right to it asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// The command.
    pub command: Command,
    said: Said,
    /// The issue that reports the failure; a failed run has none.
    issue: Option<u64>,
    hint: Option<Untrusted>,
    /// Whether this run may write to the target.
    writes: bool,
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Whether what was asked for is done.
    pub done: bool,
    /// What happened, in whole sentences, for the summary.
    pub message: String,
    /// The answer could not be given now; the same command again gives it.
    pub retryable: bool,
}

/// What the stages of the road left, for the answer; those that did not run left nothing.
#[derive(Debug, Clone, Copy)]
pub struct Left<'a> {
    /// What `reserve` chose and left alone.
    pub reservation: &'a Reservation,
    /// What `propose` settled.
    pub manifest: &'a Manifest,
    /// What `publish` did.
    pub publications: &'a Publications,
}

/// What is told: one sentence of ours, and what else there is to say.
#[derive(Debug, Default)]
struct Told {
    done: bool,
    head: &'static str,
    pull: Option<u64>,
    sentences: Vec<String>,
    facts: Vec<(&'static str, String)>,
}

impl Order {
    /// Returns which work the road looks for; nothing where none is asked for.
    pub fn selection(&self) -> Option<Selection> {
        let forces = match self.command {
            Command::Fix { .. } => true,
            Command::Retry => false,
            Command::Approve { .. } | Command::Stop | Command::Explain => return None,
        };
        let asked = Asked {
            word: format!("comment:{}", self.said.comment),
            forces,
            // Only what is on the issue itself was there to be read by whoever wrote there.
            vouched: (forces && !self.said.on_pull).then(|| sha256_hex(self.said.issue_body.as_str().as_bytes())),
            hint: self.hint.clone(),
        };
        Some(Selection { only: Some(self.said.slug.clone()), issue: self.issue, asked: Some(asked) })
    }

    /// Returns where it was given.
    pub const fn slug(&self) -> &RepoSlug {
        &self.said.slug
    }

    /// Returns which candidates may be published; nothing where none may.
    pub fn wanted(&self) -> Option<Wanted<'_>> {
        let only = Some(&self.said.slug);
        match &self.command {
            Command::Fix { .. } | Command::Retry => Some(Wanted { only, approved: None }),
            Command::Approve { digest } => Some(Wanted { only, approved: Some(digest) }),
            Command::Stop | Command::Explain => None,
        }
    }
}

/// Returns the reservation of a run that looks for no work.
///
/// # Errors
/// When the forge does not tell the time.
pub async fn nothing(context: &Context<'_>, slug: Option<&RepoSlug>) -> Result<Reservation, EngineError> {
    let now = retry(context.system, async || context.forge.now().await).await?;
    Ok(Reservation {
        schema: RESERVATION_SCHEMA.to_owned(),
        run_id: context.run.id.clone(),
        made_at: now,
        deadline: now.after(context.config.run.deadline),
        grant: MicroUsd::ZERO,
        only: slug.cloned(),
        repositories: slug.map(|slug| view(context, slug)).into_iter().collect(),
        works: Vec::new(),
        skipped: Vec::new(),
        duplicates: Vec::new(),
        outdated: Vec::new(),
        shards: None,
    })
}

/// A repository of which nothing was read.
fn view(context: &Context<'_>, slug: &RepoSlug) -> RepositoryView {
    let hidden = context.veil.hidden(slug);
    RepositoryView {
        slug: slug.clone(),
        id: hidden,
        issues_processed: 0,
        runs_processed: 0,
        open_pulls: 0,
        kept: Vec::new(),
        error: None,
        hidden: hidden.is_some(),
    }
}

/// Decides whether a comment counts, and says by a reaction that it was read.
///
/// # Errors
/// When the forge cannot be read. A permission that nobody tells counts as no, and is no error (P-13).
pub async fn hear(context: &Context<'_>, said: Said) -> Result<Heard, EngineError> {
    let inert = |why: &str| Ok(Heard::Inert(why.to_owned()));
    let Some(command) = gate::command(said.body.as_str()) else {
        return inert("The comment holds no command.");
    };
    let Some(policy) = policy(context, &said.slug) else {
        return inert("The comment stands in a repository that the configuration does not have.");
    };
    if let Err(why) = may_ask(context, policy, said.by.as_ref()).await? {
        return inert(why);
    }
    let repository = retry(context.system, async || context.forge.repository(&said.slug).await).await?;
    if let Err(problem) = veil::look(context, policy, &repository).await {
        return Ok(Heard::Inert(problem.message));
    }
    let issue = if said.on_pull {
        match reported(context, &said, repository.id).await? {
            Some(issue) => issue,
            None => return inert("The comment stands at a pull request that is not Homeostat's."),
        }
    } else {
        Some(said.number)
    };
    let hint = match &command {
        Command::Fix { hint } => hint.as_ref().map(|hint| context.redactor.redact(hint.as_str()).into_string().into()),
        _ => None,
    };
    let writes = !context.run.dry_run && policy.mode > Mode::Observe;
    let order = Order { command, said, issue, hint, writes };
    if writes {
        react(context, &order, Reaction::Eyes).await;
    }
    Ok(Heard::Order(Box::new(order)))
}

/// Decides whether whoever put a trigger label on may have the issue looked at now.
///
/// # Errors
/// When the forge does not say who we are.
pub async fn may_label(
    context: &Context<'_>,
    slug: &RepoSlug,
    label: &str,
    by: Option<&Actor>,
) -> Result<Result<(), &'static str>, EngineError> {
    let Some(policy) = policy(context, slug) else {
        return Ok(Err("The label stands in a repository that the configuration does not have."));
    };
    if !policy.trigger_labels.iter().any(|trigger| trigger.eq_ignore_ascii_case(label)) {
        return Ok(Err("The label that was put on is no trigger label."));
    }
    // A reporter that the configuration names may label what it files.
    if by.is_some_and(|by| policy.trusted_authors.contains(&by.id)) {
        return Ok(Ok(()));
    }
    may_ask(context, policy, by).await
}

fn policy<'a>(context: &Context<'a>, slug: &RepoSlug) -> Option<&'a Policy> {
    context.config.repositories.iter().find(|policy| policy.slug == *slug)
}

/// Asks the forge, now, whether somebody may ask for anything; the answer names nobody.
async fn may_ask(
    context: &Context<'_>,
    policy: &Policy,
    by: Option<&Actor>,
) -> Result<Result<(), &'static str>, EngineError> {
    let Some(actor) = by else { return Ok(Ok(())) };
    let us = retry(context.system, async || context.forge.identity().await).await?;
    let slug = &policy.slug;
    let permission = retry(context.system, async || context.forge.permission(slug, actor).await).await.ok();
    Ok(gate::may_command(by, Some(us.id), permission, policy).map_err(|reason| match reason {
        Reason::SelfAuthored => "Homeostat's own account asked, and its word is none.",
        Reason::PermissionUnknown => {
            "The forge did not say what the account that asked may do, which counts as no; ask again later."
        }
        _ => "The account that asked is no person with write access to the repository.",
    }))
}

/// Finds the issue behind a pull request of ours: `Some(None)` for the fix of a failed run, nothing where it is not ours.
async fn reported(context: &Context<'_>, said: &Said, repository: u64) -> Result<Option<Option<u64>>, EngineError> {
    let pull = match retry(context.system, async || context.forge.pull(&said.slug, said.number).await).await {
        Err(ForgeError::NotFound(_)) => return Ok(None),
        answer => answer?,
    };
    let Some((fp16, _)) = plan::branch_grammar(pull.head.as_str()) else { return Ok(None) };
    // What a pull request says of itself is a mirror; the state says whose failure it is.
    let branch = context.state();
    let snapshot = branch.snapshot().await?;
    let states = branch.failures(&snapshot, repository).await?;
    let Some(state) = states.iter().find(|state| state.fingerprint.fp16() == fp16) else { return Ok(None) };
    Ok(Some(state.reports.iter().find_map(|report| match report {
        ReportId::Issue { number } => Some(*number),
        ReportId::Run { .. } => None,
    })))
}

/// Reacts to the comment; a reaction is worth no failure.
async fn react(context: &Context<'_>, order: &Order, reaction: Reaction) {
    let (forge, said) = (context.forge, &order.said);
    if let Err(error) = forge.react(&said.slug, said.comment, reaction).await {
        let slug = context.veil.name(&said.slug);
        tracing::warn!(%slug, comment = said.comment, %error, "no reaction was left");
    }
}

/// Does what is left to do, and says in one comment and one reaction what came of it; a run that writes nothing only says
/// it here.
///
/// # Errors
/// When the state branch cannot be read.
pub async fn answer(context: &Context<'_>, order: &Order, left: &Left<'_>) -> Result<Answer, EngineError> {
    let told = match &order.command {
        Command::Fix { .. } | Command::Retry => ending::of_work(context, order, left).await?,
        Command::Approve { digest } => ending::of_approval(context, order, digest, left).await?,
        Command::Stop => stop(context, order).await?,
        Command::Explain => known::explain(context, order).await?,
    };
    let mut message = vec![told.head.to_owned()];
    message.extend(told.pull.map(|number| format!("The pull request for this failure is #{number}.")));
    message.extend(told.sentences.iter().cloned());
    message.extend(told.facts.iter().map(|(name, value)| format!("{name}: {value}.")));
    let mut answer = Answer { done: told.done, message: message.join(" "), retryable: false };
    if !order.writes {
        return Ok(answer);
    }
    let said = &order.said;
    let view = render::AnswerView {
        comment: said.comment,
        command: order.command.as_str(),
        head: told.head,
        pull: told.pull,
        sentences: &told.sentences,
        facts: &told.facts,
        redactor: context.redactor,
    };
    let body = render::answer_comment(&view).map_err(|error| EngineError::Render(error.to_string()))?;
    match comment::keep(context, &said.slug, said.number, &body, async || Ok(())).await {
        Ok(()) => {}
        // A locked thread, or a token that may not: the summary has the answer (F-50).
        Err(error @ (ForgeError::Denied(_) | ForgeError::NotFound(_) | ForgeError::Invalid(_))) => {
            answer.message.push_str(&format!(" The answer could not be written as a comment ({error})."));
        }
        Err(error) => {
            answer.retryable = true;
            answer.message.push_str(&format!(" The answer was not written ({error}); run again to have it."));
            return Ok(answer);
        }
    }
    react(context, order, if told.done { Reaction::Rocket } else { Reaction::Confused }).await;
    Ok(answer)
}

/// Opts the issue out.
async fn stop(context: &Context<'_>, order: &Order) -> Result<Told, EngineError> {
    let Some(number) = order.issue else {
        return Ok(Told {
            head: "a failed run has no issue that could carry `do-not-fix`.",
            sentences: vec![
                "Close the pull request: no other is opened for this failure until a person asks. To have failed runs \
                 left alone, set workflows.failed_runs to false."
                    .to_owned(),
            ],
            ..Told::default()
        });
    };
    if !order.writes {
        let head = "this run writes nothing, so the issue is not marked.";
        return Ok(Told { head, ..Told::default() });
    }
    let slug = &order.said.slug;
    let issue = retry(context.system, async || context.forge.issue(slug, number).await).await?;
    if gate::opted_out(&issue.labels).is_none() {
        let put = shown::put(context, slug, number, OPT_OUT, "Homeostat leaves this alone").await;
        match put {
            Ok(()) => {}
            Err(error @ (ForgeError::Denied(_) | ForgeError::Invalid(_) | ForgeError::NotFound(_))) => {
                return Ok(Told {
                    head: "the label `do-not-fix` could not be put on; put it on by hand.",
                    sentences: vec![format!("{error}.")],
                    ..Told::default()
                });
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Told {
        done: true,
        head: "this failure is left alone from now on.",
        sentences: vec![
            "The issue carries the label do-not-fix; take it off to undo this. A pull request that is open stays open."
                .to_owned(),
        ],
        ..Told::default()
    })
}
