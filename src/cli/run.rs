//! `run`: the four privileges in one process, through the same bytes that four jobs would exchange. Layer 5.

use crate::actions::Runner;
use crate::actions::trigger::{self, Labeled};
use tracing::Instrument as _;

use crate::cli::annotate;
use crate::cli::args::{Format, Global, RunArgs};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::{Output, say};
use crate::cli::record::RunRecord;
use crate::cli::session::{self, Privilege, Session};
use crate::cli::workbench::Workbench;
use crate::cli::workshop;
use crate::engine::command::{self, Heard, Left, Order, Said};
use crate::engine::fixers::{Fixer, NativeFixer, PatternFixer};
use crate::engine::propose::Proposals;
use crate::engine::publish::{Aside, Publications, Wanted};
use crate::engine::{Context, Recorder as _, Selection, Veil, publish, record, reserve};
use crate::event::{Event, RunStarted};
use crate::guardrail;
use crate::model::{Allowance, Candidate, Manifest, RepoSlug, sha256_hex};
use crate::redact::Redactor;
use crate::render::{self, AskedReport, RunReport, SummaryFacts};
use crate::report::{self, ExitClass, Stages};
use crate::system::System as _;
use crate::system::os::OsSystem;

/// What a payload may weigh; GitHub's own are at most 25 MB.
pub(crate) const PAYLOAD_CAP: u64 = 32 << 20;

/// Carries the command out.
pub(crate) async fn run(args: &RunArgs, global: &Global, output: &Output) -> Outcome {
    let session = session::open(&args.place, Privilege::All)?;
    for warning in &session.loaded.warnings {
        say(&format!("warning: {warning}"));
    }
    session.knows(args.repo.as_ref())?;
    let errand = errand(args, &session)?;
    let facts = Facts { intent: args.place.intent.clone(), tags: args.place.tags.clone() };
    let span = tracing::info_span!("run", run_id = %session.run.id);
    let work = drive(&session, &args.place.artifacts, &errand, &facts, global, output).instrument(span);
    let (report, class) = work.await?;
    if global.format == Format::Text {
        say(&in_short(&report, session.run.dry_run));
    }
    session.say_held_back();
    Ok(class)
}

/// What a run is for.
#[derive(Debug)]
pub(crate) enum Errand {
    /// The work that is chosen so.
    Run(Selection),
    /// What a comment asks for.
    Comment(Said),
    /// The issue that a label was put on.
    Label(Labeled),
    /// Nothing, for this reason.
    Inert(&'static str),
}

/// Finds out what the run is for: a named issue comes first, then the event that started the workflow. A repository alone
/// says where, and not what: a comment that stops something must not begin a run of everything.
fn errand(args: &RunArgs, session: &Session) -> Result<Errand, Failure> {
    let named = args.issue.is_some();
    let chosen = || Errand::Run(Selection { only: args.repo.clone(), issue: args.issue, ..Selection::default() });
    if named || !session.runner.in_actions {
        return Ok(chosen());
    }
    let env = session::environment();
    let event = env.get("GITHUB_EVENT_NAME").map(String::as_str);
    if !matches!(event, Some("issue_comment" | "issues")) {
        return Ok(chosen());
    }
    let Some(path) = env.get("GITHUB_EVENT_PATH") else {
        return Err(Failure::config("The runner names no event; GITHUB_EVENT_PATH has to lead to its payload."));
    };
    let payload = session::read_capped(std::path::Path::new(path), PAYLOAD_CAP)?;
    let unusable = |why: String| Failure::config(format!("The event's payload {path} cannot be used: {why}."));
    let errand = if event == Some("issues") {
        trigger::labeled(&payload).map_err(unusable)?.map_or_else(chosen, Errand::Label)
    } else {
        trigger::comment(&payload).map_err(unusable)?.map_or_else(Errand::Inert, Errand::Comment)
    };
    let of = match &errand {
        Errand::Comment(said) => Some(&said.slug),
        Errand::Label(labeled) => Some(&labeled.repository),
        Errand::Run(_) | Errand::Inert(_) => None,
    };
    match (of, &args.repo) {
        (Some(of), Some(named)) if of != named => Err(Failure::config(format!(
            "The event is of {of}, and --repo names {named}; leave --repo out, or name the event's own."
        ))),
        _ => Ok(errand),
    }
}

/// What a run has to do, as it turned out.
#[derive(Default)]
struct Road {
    /// The work to look for; nothing where none is asked for.
    selection: Option<Selection>,
    /// The command that is carried out.
    order: Option<Box<Order>>,
    /// What is to be told of a label or of what is inert.
    asked: Option<AskedReport>,
}

/// Decides what a run has to do.
async fn road(context: &Context<'_>, errand: &Errand) -> Result<Road, Failure> {
    // Where something inert was said is nobody's business.
    let inert = |why: &str| Road {
        asked: Some(AskedReport { message: why.to_owned(), ..AskedReport::default() }),
        ..Road::default()
    };
    Ok(match errand {
        Errand::Run(selection) => Road { selection: Some(selection.clone()), ..Road::default() },
        Errand::Inert(why) => inert(why),
        Errand::Comment(said) => match command::hear(context, said.clone()).await? {
            Heard::Inert(why) => inert(&why),
            Heard::Order(order) => Road { selection: order.selection(), order: Some(order), asked: None },
        },
        Errand::Label(Labeled { repository, issue, label, by }) => {
            match command::may_label(context, repository, label, Some(by)).await? {
                Err(why) => inert(why),
                Ok(()) => Road {
                    selection: Some(Selection {
                        only: Some(repository.clone()),
                        issue: Some(*issue),
                        ..Selection::default()
                    }),
                    order: None,
                    asked: Some(AskedReport {
                        command: Some("label".to_owned()),
                        done: true,
                        message: format!("Issue #{issue} was looked at because a trigger label was put on it."),
                    }),
                },
            }
        }
    })
}

/// What a person says about a run.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) intent: Option<String>,
    pub(crate) tags: Vec<String>,
}

/// Runs all four stages over an open session and prints what they did.
pub(crate) async fn drive(
    session: &Session,
    artifacts: &std::path::Path,
    errand: &Errand,
    facts: &Facts,
    global: &Global,
    output: &Output,
) -> Result<(RunReport, ExitClass), Failure> {
    let record_file = RunRecord::open(artifacts, &session.run.id, &session.system)?;
    let began = session.system.monotonic();
    let bench = Workbench::new(session, global.format, session.run.dry_run, Veil::default());
    let context = bench.context(&record_file);
    journal(&record_file, started(session, facts, None))?;
    let mut road = road(&context, errand).await?;
    let reservation = match &road.selection {
        Some(selection) => reserve::reserve(&context, selection).await?,
        None => command::nothing(&context, road.order.as_ref().map(|order| order.slug())).await?,
    };
    let fixer = PatternFixer::new(&session.library, reservation.made_at);
    let fixers: [&dyn Fixer; 2] = [&NativeFixer, &fixer];
    let proposals = workshop::propose(&context, artifacts, &reservation, &fixers).await;
    keep(&record_file, &proposals, session, &bench.veil);
    let wanted = match (&road.order, &road.selection) {
        (Some(order), _) => order.wanted(),
        (None, Some(_)) => Some(Wanted { only: reservation.only.as_ref(), approved: None }),
        (None, None) => None,
    };
    let published = settle(&context, &reservation, &proposals, wanted).await?;
    let mut retryable = false;
    if let Some(order) = &road.order {
        let left = Left { reservation: &reservation, manifest: &proposals.manifest, publications: &published };
        let answer = command::answer(&context, order, &left).await?;
        retryable = answer.retryable;
        let command = Some(order.command.as_str().to_owned());
        road.asked = Some(AskedReport { command, done: answer.done, message: answer.message });
    }
    let writes = bench.finish().all;
    let budget = match session.loaded.config.budget.run {
        Allowance::Cap(cap) => Some(cap),
        Allowance::Unlimited => None,
    };
    let stages = Stages {
        run_id: &session.run.id,
        reservation: Some(&reservation),
        manifest: Some(&proposals.manifest),
        publications: Some(&published),
        patterns_total: session.library.patterns().len() as u64,
        budget,
        writes,
    };
    let (mut report, mut class) = report::build(&stages);
    if let Some(asked) = road.asked {
        class = report::add_asked(&mut report, class, asked, retryable);
    }
    let took = session.system.monotonic().saturating_sub(began);
    let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    for event in report::closing_events(&report, millis) {
        journal(&record_file, event)?;
    }
    let summary = summarise(session, &report, &reservation, &record_file, took, true);
    let digest = format!("sha256:{}", sha256_hex(&crate::engine::state::encode(&proposals.manifest)));
    write_outputs(session, &report, &record_file, &digest)?;
    annotate::report(&report);
    output.document(global.format, &report, &summary)?;
    Ok((report, class))
}

/// Writes the summary beside the record and to whom the runner shows it (F-57: a summary never fails a run).
pub(crate) fn summarise(
    session: &Session,
    report: &RunReport,
    reservation: &crate::engine::Reservation,
    record_file: &RunRecord<'_>,
    took: std::time::Duration,
    one_process: bool,
) -> String {
    let facts = SummaryFacts {
        started_at: reservation.made_at,
        seconds: took.as_secs_f64(),
        run_url: session.run.url.clone(),
        version: session.run.version.clone(),
        config_hash: config_hash(session),
        environment: session.run.environment.clone(),
        dry_run: session.run.dry_run,
        one_process,
        limits: limits(session, report),
        oldest_backlog: reservation.skipped.iter().map(|skipped| skipped.since).min(),
        reasons: session.runner.page("docs/reasons.md"),
    };
    let summary = render::summary(report, &facts, &session.redactor);
    let _kept = record_file.write(&format!("summary-{}.md", session.run.id), summary.as_bytes());
    if let Err(error) = session.runner.write_summary(&summary) {
        say(&format!("warning: the step summary could not be written ({error})"));
    }
    summary
}

/// Records, then publishes; a dry run tells how attempts ended, and writes to nobody.
async fn settle(
    context: &Context<'_>,
    reservation: &crate::engine::Reservation,
    proposals: &Proposals,
    wanted: Option<Wanted<'_>>,
) -> Result<Publications, Failure> {
    let candidates =
        record::read_candidates(&proposals.manifest, &proposals.files).map_err(|e| Failure::internal(e.to_string()))?;
    let manifests = std::slice::from_ref(&proposals.manifest);
    record::record(context, manifests, &candidates, Some(reservation)).await?;
    let Some(wanted) = wanted else { return Ok(Publications::default()) };
    let aside = Aside::of(reservation, &proposals.manifest.settled);
    Ok(publish::publish(context, &candidates, aside, wanted).await?)
}

pub(crate) fn journal(record_file: &RunRecord<'_>, event: Event) -> Result<(), Failure> {
    record_file.record(event).map_err(|why| Failure::internal(format!("The run's record cannot be written ({why}).")))
}

/// Returns one hash of the settings of all repositories.
fn config_hash(session: &Session) -> String {
    let hashes: Vec<String> =
        session.loaded.config.repositories.iter().map(crate::model::Policy::config_hash).collect();
    sha256_hex(hashes.join("\n").as_bytes())
}

/// Makes the event that begins a run; a shard's parent is the run that it is a part of.
pub(crate) fn started(session: &Session, facts: &Facts, parent: Option<&str>) -> Event {
    let env = session::environment();
    let metadata = [("os", std::env::consts::OS), ("arch", std::env::consts::ARCH)];
    Event::RunStarted(Box::new(RunStarted {
        triggered_by: env.get("GITHUB_EVENT_NAME").cloned().unwrap_or_else(|| "terminal".to_owned()),
        intent: facts.intent.clone(),
        parent_run_id: parent.map(str::to_owned).or_else(|| env.get("HOMEOSTAT_PARENT_RUN_ID").cloned()),
        tags: facts.tags.clone(),
        metadata: metadata.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        version: session.run.version.clone(),
        config_hash: config_hash(session),
        environment: session.run.environment.clone(),
        dry_run: session.run.dry_run,
    }))
}

/// Keeps what may not be lost: candidates, their manifest, refused patches, test logs.
///
/// Of a private repository nothing is kept: artifacts are read by whoever reads the operator's repository (V-107).
fn keep(record_file: &RunRecord<'_>, proposals: &Proposals, session: &Session, veil: &Veil) {
    let mut manifest = proposals.manifest.clone();
    let told = |slug: &RepoSlug| veil.hidden(slug).is_none();
    manifest.settled.retain(|settled| told(&settled.slug));
    for (name, bytes) in &proposals.files {
        // What cannot be read as a candidate cannot be said to be of a public repository.
        let public = serde_json::from_slice::<Candidate>(bytes).is_ok_and(|candidate| told(&candidate.slug));
        if public || !veil.hides() {
            let _kept = record_file.write(name, bytes);
        } else {
            manifest.digests.remove(name);
        }
    }
    if manifest
        != (Manifest { schema: manifest.schema.clone(), run_id: manifest.run_id.clone(), ..Manifest::default() })
    {
        let _kept = record_file.write("manifest.json", &crate::engine::state::encode(&manifest));
    }
    let hidden = |name: &str| {
        let ids = session.loaded.config.repositories.iter().filter_map(|policy| veil.hidden(&policy.slug));
        ids.into_iter().any(|id| name.starts_with(&format!("logs/{}-{id}-", session.run.id)))
    };
    for (name, text) in proposals.logs.iter().filter(|(name, _)| !hidden(name)) {
        record_file.write_log(name, text, &session.redactor);
    }
    for refused in proposals.refused.iter().filter(|refused| told(&refused.work.slug)) {
        let diff = guardrail::Change::from_patch(&refused.patch).to_diff();
        let name = format!("refused/{}-{}.diff", session.run.id, refused.work.fingerprint.fp16());
        let _kept = record_file.write(&name, session.redactor.redact(&diff).as_str().as_bytes());
    }
}

/// Lists each limit with its use, for the summary.
fn limits(session: &Session, report: &RunReport) -> Vec<(String, String, String)> {
    let config = &session.loaded.config;
    let run_cap = match config.budget.run {
        Allowance::Cap(cap) => cap.to_string(),
        Allowance::Unlimited => "unlimited".to_owned(),
    };
    let mut rows = vec![
        ("money in this run".to_owned(), format!("${}", report.totals.cost_usd), run_cap),
        (
            "new pull requests today".to_owned(),
            report.totals.prs_created.to_string(),
            config.run.max_prs_per_day.to_string(),
        ),
    ];
    for (one, policy) in report.repositories.iter().zip(&config.repositories) {
        let made = one.pull_requests.iter().filter(|p| p.state == "created").count();
        rows.push((format!("new pull requests in {}", one.slug), made.to_string(), policy.max_prs_per_run.to_string()));
    }
    rows
}

/// Hands the action's outputs over.
pub(crate) fn write_outputs(
    session: &Session,
    report: &RunReport,
    record_file: &RunRecord<'_>,
    digest: &str,
) -> Result<(), Failure> {
    let totals = &report.totals;
    let outputs = [
        ("run-id", report.run_id.clone()),
        ("processed", totals.processed.to_string()),
        ("prs-created", totals.prs_created.to_string()),
        ("prs-updated", totals.prs_updated.to_string()),
        ("cooldowns", totals.cooldowns.to_string()),
        ("refusals", totals.refusals.to_string()),
        ("cost-usd", totals.cost_usd.clone()),
        ("tokens", totals.tokens.to_string()),
        ("budget-remaining", totals.budget_remaining.clone()),
        ("patterns-total", totals.patterns_total.to_string()),
        ("patterns-used", totals.patterns_used.to_string()),
        ("zero-cost-fixes", totals.zero_cost_fixes.to_string()),
        ("backlog", totals.backlog.to_string()),
        ("exit-class", totals.exit_class.clone()),
        ("artifact", record_file.path().display().to_string()),
        ("digest", digest.to_owned()),
        ("repositories", serde_json::to_string(&report.repositories).unwrap_or_default()),
    ];
    session
        .runner
        .write_outputs(&outputs, &|| session.system.random())
        .map_err(|e| Failure::internal(format!("The action's outputs cannot be written ({e}).")))
}

/// Writes a minimal summary of a run that ended before its end, and the one output that says so.
pub(crate) fn summarise_failure(failure: &Failure) {
    let env = session::environment();
    let runner = Runner::from_env(&|name| env.get(name).cloned());
    let summary = failed_summary(failure, &Redactor::new(&session::secrets(&env)));
    let class = [("exit-class", failure.class.as_str().to_owned())];
    let random = || OsSystem::new().random();
    let written = runner.write_summary(&summary).and_then(|()| runner.write_outputs(&class, &random));
    if let Err(error) = written {
        say(&format!("warning: the step summary could not be written ({error})"));
    }
}

fn failed_summary(failure: &Failure, redactor: &Redactor) -> String {
    let message = redactor.redact(&failure.message);
    format!(
        "**Homeostat** {} ended before its end (exit class `{}`, code {}).\n\n{}\n\nWhat was done until then is in the \
         run's record in the artifacts, and the next run goes on from it.\n",
        env!("CARGO_PKG_VERSION"),
        failure.class.as_str(),
        failure.class.code(),
        render::code_block("text", message.as_str())
    )
}

/// Says in a few lines what happened.
pub(crate) fn in_short(report: &RunReport, dry_run: bool) -> String {
    let mut lines: Vec<String> = report.asked.iter().map(|asked| asked.message.clone()).collect();
    for one in &report.repositories {
        for pull in &one.pull_requests {
            let place = pull.url.as_deref().unwrap_or(&pull.branch);
            lines.push(format!("{}: pull request {} ({place})", one.slug, pull.state));
            lines.extend(pull.warnings.iter().map(|warning| format!("{}: {warning}", one.slug)));
        }
        for refusal in &one.refusals {
            lines.push(format!("{}: {} ({})", one.slug, refusal.message, refusal.rule));
        }
        for skipped in &one.skipped {
            lines
                .push(format!("{}: {} left alone ({}): {}", one.slug, skipped.report, skipped.reason, skipped.message));
        }
        if let Some(error) = &one.error {
            lines.push(format!("{}: {error}", one.slug));
        }
    }
    if dry_run {
        for action in &report.actions {
            lines.push(format!(
                "would {:?} {} in {} (key {}, digest {})",
                action.verb,
                action.branch,
                action.repository,
                &action.key[..12.min(action.key.len())],
                &action.digest[..12.min(action.digest.len())]
            ));
        }
        lines.push("Nothing was written.".to_owned());
    }
    lines.push(format!("{} change(s) written, {} pull request(s) new.", report.writes, report.totals.prs_created));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v_95_the_summary_of_a_failure_quotes_its_words_and_keeps_secrets() {
        let failure = Failure::config("repos.yml:3:1: `x` ```` is <b>hunter2-hunter2</b>");
        let redactor = Redactor::new(&[crate::model::Secret::new("hunter2-hunter2".to_owned())]);
        let summary = failed_summary(&failure, &redactor);
        assert!(summary.starts_with("**Homeostat** ") && summary.contains("exit class `config`, code 2"), "{summary}");
        assert!(summary.contains("repos.yml:3:1") && !summary.contains("hunter2"), "{summary}");
        let fences: Vec<&str> = summary.lines().filter(|line| line.starts_with("`````")).collect();
        assert_eq!(fences.len(), 2, "{summary}");
    }
}
