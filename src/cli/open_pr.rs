//! `open-pr`: the pull request of a pushed feature branch. Layer 5.

use serde::Serialize;
use tracing::Instrument as _;

use crate::actions::trigger;
use crate::cli::args::{Global, OpenPrArgs};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::{Output, say};
use crate::cli::record::RunRecord;
use crate::cli::run::{Facts, PAYLOAD_CAP, started};
use crate::cli::session::{self, Privilege, Session, read_capped};
use crate::cli::workbench::Workbench;
use crate::engine::feature::{self, Feature, Pushed};
use crate::engine::{Recorder as _, Veil};
use crate::event::{Event, RunFinished};
use crate::model::{Policy, Reason, RepoSlug};
use crate::plan::Action;
use crate::render;
use crate::report::ExitClass;

/// What `open-pr` prints.
#[derive(Debug, Serialize)]
struct Document<'a> {
    run_id: &'a str,
    repository: String,
    branch: &'a str,
    base: &'a str,
    /// `created`, `adopted`, `updated`, `kept` or `left`; nothing where nothing was to be written.
    state: Option<&'a str>,
    number: Option<u64>,
    url: Option<&'a str>,
    draft: Option<bool>,
    /// Whether its workflow runs wait until a person approves them.
    runs_wait: bool,
    reason: Option<Reason>,
    message: &'a str,
    warnings: &'a [String],
    actions: &'a [Action],
    writes: u64,
}

/// Carries the command out.
pub(crate) async fn open_pr(args: &OpenPrArgs, global: &Global, output: &Output) -> Outcome {
    let session = session::open(&args.place, Privilege::Publish)?;
    for warning in &session.loaded.warnings {
        say(&format!("warning: {warning}"));
    }
    let Some((repository, pushed)) = pushed(args, &session)? else {
        say("No branch was pushed, so there is nothing to open.");
        return Ok(ExitClass::Ok);
    };
    session.knows(Some(&repository))?;
    let policy = session.loaded.config.repositories.iter().find(|policy| policy.slug == repository);
    let Some(policy) = policy else { return Err(Failure::internal("the configuration lost a repository")) };
    let span = tracing::info_span!("run", run_id = %session.run.id);
    drive(&session, policy, &pushed, args, global, output).instrument(span).await
}

async fn drive(
    session: &Session,
    policy: &Policy,
    pushed: &Pushed,
    args: &OpenPrArgs,
    global: &Global,
    output: &Output,
) -> Outcome {
    let record = RunRecord::open(&args.place.artifacts, &session.run.id, &session.system)?;
    let bench = Workbench::new(session, global.format, session.run.dry_run, Veil::default());
    let context = bench.context(&record);
    let facts = Facts { intent: args.place.intent.clone(), tags: args.place.tags.clone() };
    let journal = |event| record.record(event).map_err(Failure::internal);
    journal(started(session, &facts, None))?;
    let feature = feature::open(&context, policy, pushed).await?;
    let writes = bench.finish().forge;
    let class = class_of(&feature);
    let document = document(session, policy, pushed, &feature, writes);
    let counted = |state: &str| u64::from(feature.state == Some(state));
    let totals = serde_json::json!({
        "processed": 1, "prs_created": counted("created"), "prs_updated": counted("updated"), "exit_class": class.as_str(),
    });
    journal(Event::RunFinished(Box::new(RunFinished { totals, exit_class: class.as_str().to_owned() })))?;
    let text = in_words(&document);
    let outputs = [
        ("run-id", session.run.id.clone()),
        ("processed", "1".to_owned()),
        ("prs-created", counted("created").to_string()),
        ("prs-updated", counted("updated").to_string()),
        ("exit-class", class.as_str().to_owned()),
        ("artifact", record.path().display().to_string()),
    ];
    session
        .runner
        .write_outputs(&outputs, &|| crate::system::System::random(&session.system))
        .map_err(|e| Failure::internal(format!("The action's outputs cannot be written ({e}).")))?;
    if let Err(error) = session.runner.write_summary(&summary(session, &document)) {
        say(&format!("warning: the step summary could not be written ({error})"));
    }
    output.document(global.format, &document, &text)?;
    session.say_held_back();
    Ok(class)
}

/// Finds out which branch it is about: the one that is named, or the one that was pushed.
fn pushed(args: &OpenPrArgs, session: &Session) -> Result<Option<(RepoSlug, Pushed)>, Failure> {
    let env = session::environment();
    if let Some(branch) = &args.branch {
        let only = match session.loaded.config.repositories.as_slice() {
            [only] => Some(only.slug.clone()),
            _ => None,
        };
        let Some(repository) = args.repo.clone().or(only) else {
            return Err(Failure::config(
                "The configuration has several repositories; say which with --repo owner/name.",
            ));
        };
        return Ok(Some((repository, Pushed { branch: branch.clone(), by: None })));
    }
    let (event, path) = (env.get("GITHUB_EVENT_NAME"), env.get("GITHUB_EVENT_PATH"));
    let (Some("push"), Some(path)) = (event.map(String::as_str), path) else {
        return Err(Failure::config(
            "open-pr follows a push; start it in a workflow with `on: push`, or name a branch with --branch.",
        ));
    };
    let payload = read_capped(std::path::Path::new(path), PAYLOAD_CAP)?;
    let push = trigger::push(&payload)
        .map_err(|why| Failure::config(format!("The event's payload {path} cannot be used: {why}.")))?;
    if args.repo.as_ref().is_some_and(|repo| *repo != push.repository) {
        return Err(Failure::config(format!("The push was to {}, and --repo names another.", push.repository)));
    }
    let branch = push.branch.filter(|_| !push.deleted);
    Ok(branch.map(|branch| (push.repository, Pushed { branch, by: Some(push.by) })))
}

fn class_of(feature: &Feature) -> ExitClass {
    match feature.reason {
        _ if feature.retryable => ExitClass::Retryable,
        Some(Reason::AwaitingPr | Reason::Denied) => ExitClass::Refused,
        _ => ExitClass::Ok,
    }
}

fn document<'a>(
    session: &'a Session,
    policy: &Policy,
    pushed: &'a Pushed,
    feature: &'a Feature,
    writes: u64,
) -> Document<'a> {
    Document {
        run_id: &session.run.id,
        repository: policy.slug.to_string(),
        branch: pushed.branch.as_str(),
        base: feature.base.as_str(),
        state: feature.state,
        number: feature.pull.as_ref().map(|pull| pull.number),
        url: feature.pull.as_ref().map(|pull| pull.url.as_str()),
        draft: feature.pull.as_ref().map(|pull| pull.draft),
        runs_wait: feature.runs_wait,
        reason: feature.reason,
        message: &feature.message,
        warnings: &feature.warnings,
        actions: &feature.actions,
        writes,
    }
}

fn in_words(document: &Document<'_>) -> String {
    let mut lines = vec![format!("{} {}: {}", document.repository, document.branch, document.message)];
    lines.extend(document.url.map(ToOwned::to_owned));
    lines.extend(document.warnings.iter().cloned());
    if document.state.is_none() {
        for action in document.actions {
            let (key, digest) =
                (&action.key[..12.min(action.key.len())], &action.digest[..12.min(action.digest.len())]);
            lines.push(format!("would {:?} (key {key}, digest {digest})", action.verb));
        }
    }
    lines.join("\n")
}

fn summary(session: &Session, document: &Document<'_>) -> String {
    let branch = render::code_span(document.branch);
    let number = document.number.map(|number| format!(" #{number}")).unwrap_or_default();
    let state = document.state.unwrap_or("not written");
    format!(
        "**Homeostat** {} · pull request{number} of {branch} in {}: **{state}**\n\n{}\n",
        session.run.version,
        render::code_span(&document.repository),
        render::prose(document.message)
    )
}
