//! The pull request's title, body and commit message: a pure function of the candidate. Layer 1.

use minijinja::context;

use crate::model::{Candidate, FailureState, Policy, ReportId, Ruling, Tally, Untrusted, Verdict};
use crate::redact::Redactor;
use crate::render::marker;
use crate::render::quote::{Quoter, linked};
use crate::render::trace::{location, trace};
use crate::template::{RenderError, fill};

/// GitHub's limit on a body, in characters (P-20).
pub(super) const BODY_LIMIT: usize = 65_536;
/// Characters of a title.
const TITLE_LIMIT: usize = 120;
/// By what the room of each text is divided, until all of it fits.
pub(super) const SCARCITIES: [usize; 3] = [1, 4, 16];
/// What stands first where the evidence is weak; the same words as in our template.
const WEAK: &str = "\n> [!WARNING]\n> No test showed this failure before the change; the suite was green and stays green. Look closely.\n\n";
/// What a workflow's own token means for what it opened (PROTOCOL.md, 9); the end of a sentence, without its full stop.
pub(crate) const RUNS_WAIT: &str =
    "with a workflow's own token, so its workflow runs wait until somebody with write access approves them";
const TEMPLATE: &str = include_str!("../../templates/pull_request.md.j2");

/// Everything that a pull request speaks of.
#[derive(Debug, Clone, Copy)]
pub struct PullView<'a> {
    /// The candidate.
    pub candidate: &'a Candidate,
    /// The guardrails' verdict.
    pub verdict: &'a Verdict,
    /// The repository's settings.
    pub policy: &'a Policy,
    /// The issue that a merge closes, where the base is the default branch.
    pub closes: Option<u64>,
    /// Why it is a draft; empty where it is ready.
    pub draft_reasons: &'a [&'static str],
    /// Whether its workflow runs wait until a person approves them.
    pub runs_wait: bool,
    /// Takes secrets and personal data out.
    pub redactor: &'a Redactor,
}

/// A pull request's texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullText {
    /// One line of at most 120 characters, from a template and validated names only (V-37).
    pub title: String,
    /// At most GitHub's limit of characters.
    pub body: String,
    /// Why a template of the operator's own was not used, in whole sentences.
    pub warnings: Vec<String>,
}

/// Makes the title and body.
///
/// # Errors
/// When the template is broken, which a test would have shown.
pub fn pull_request(view: &PullView<'_>) -> Result<PullText, RenderError> {
    let mut warnings = Vec::new();
    let title = match &view.policy.pull_request.title {
        None => title(view.candidate),
        Some(template) => configured_title(view, template).unwrap_or_else(|why| {
            warnings.push(format!("The configured title was not used ({why})."));
            title(view.candidate)
        }),
    };
    if let Some(template) = &view.policy.pull_request.template_text {
        match configured_body(view, template) {
            Ok(Some(body)) => return Ok(PullText { title, body, warnings }),
            Ok(None) => {
                let why = "The configured template was not used: the text is longer than a body may be.";
                warnings.push(why.to_owned());
            }
            Err(why) => warnings.push(format!("The configured template was not used ({why}).")),
        }
    }
    // Every text has its room, and ordinary bodies are far below the limit; one that is not gives each text less.
    let mut body = String::new();
    for scarcity in SCARCITIES {
        body = fill("pull_request.md.j2", TEMPLATE, values(view, &Quoter::new(view.redactor, scarcity)))?;
        if body.chars().count() <= BODY_LIMIT {
            break;
        }
    }
    Ok(PullText { title, body, warnings })
}

/// Fills in the operator's own template, between our markers; nothing where the result is too long for a body.
///
/// What the evidence is worth is said first, as in ours: that is not a question of taste (PROTOCOL.md, 5).
fn configured_body(view: &PullView<'_>, template: &str) -> Result<Option<String>, RenderError> {
    let warning = if view.candidate.evidence.kind.is_strong() { "" } else { WEAK };
    let marker = marker::write(&view.candidate.state_after);
    for scarcity in SCARCITIES {
        let text = fill("pull_request.template", template, values(view, &Quoter::new(view.redactor, scarcity)))?;
        // Markers in it would move the end of what is ours.
        let text = text.replace("<!-- homeostat:", "<!- homeostat:");
        // A template that has its own place for it says it once.
        let quote = Quoter::new(view.redactor, scarcity);
        let waits = runs_note(view, &quote).filter(|_| !template.contains("runs_note"));
        let waits = waits.map(|note| format!("\n\n{note}"));
        let body = format!("{marker}\n{warning}{}{}\n\n{}\n", text.trim(), waits.unwrap_or_default(), marker::END);
        if body.chars().count() <= BODY_LIMIT {
            return Ok(Some(body));
        }
    }
    Ok(None)
}

/// Fills in the operator's own title: one line of at most 120 characters, with names that mean nothing to a forge.
fn configured_title(view: &PullView<'_>, template: &str) -> Result<String, RenderError> {
    let candidate = view.candidate;
    let values = context! {
        error_type => error_name(candidate),
        file => file_name(candidate),
        fingerprint => &candidate.fingerprint.fp16()[..8],
        number => match candidate.report {
            ReportId::Issue { number } => number.to_string(),
            ReportId::Run { .. } => String::new(),
        },
        pattern => candidate.pattern.as_deref().map(|id| name(id, 80)).unwrap_or_default(),
    };
    let text = fill("pull_request.title", template, values)?;
    let text = view.redactor.redact(&text).into_string();
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    let line: String = words.join(" ").chars().take(TITLE_LIMIT).collect();
    Ok(if line.is_empty() { title(candidate) } else { line.trim_end().to_owned() })
}

fn values(view: &PullView<'_>, quote: &Quoter<'_>) -> minijinja::Value {
    let candidate = view.candidate;
    let evidence = &candidate.evidence;
    let failure = &candidate.failure;
    // What relatives are found by says nothing to people.
    let shown = FailureState { sketch: None, ..candidate.state_after.clone() };
    let state_json = serde_json::to_string_pretty(&shown).unwrap_or_default();
    let number = |report: &ReportId| match report {
        ReportId::Issue { number } => format!("#{number}"),
        ReportId::Run { .. } => quote.span(&report.to_string(), 200),
    };
    let crumbs: Vec<&str> = failure.breadcrumbs.iter().map(Untrusted::as_str).collect();
    context! {
        marker => marker::write(&candidate.state_after),
        end_marker => marker::END,
        warning => !evidence.kind.is_strong(),
        regression => candidate.regression,
        episode => candidate.episode,
        title => quote.prose(&candidate.title, 200),
        files => listed(&candidate.files, 20, |file| quote.span(file.path.as_str(), 200)),
        hypothesis => quote.prose(&candidate.hypothesis, 2_000),
        closes => view.closes,
        report => match candidate.report {
            ReportId::Run { .. } if candidate.report_url.starts_with("https://") => {
                linked(&number(&candidate.report), &candidate.report_url)
            }
            _ => number(&candidate.report),
        },
        also_fixes => listed(&candidate.also_fixes, 50, |also| number(&also.report)),
        related => listed(&candidate.related, 10, |related| number(&related.report)),
        error_type => quote.span(failure.error_type(), 200),
        location => location(failure).map_or_else(|| "not said".to_owned(), |(place, function)| {
            let inside = function.map(|name| format!(" in {}", quote.span(&name, 200))).unwrap_or_default();
            format!("{}{inside}", quote.span(&place, 200))
        }),
        fingerprint => candidate.fingerprint.to_string(),
        message => quote.block("", failure.message(), 40, 4_000),
        trace => trace(failure).map(|text| quote.block("", &text, 80, 8_000)),
        breadcrumbs => (!crumbs.is_empty()).then(|| quote.block("", &crumbs.join("\n"), 40, 4_000)),
        hint => candidate.state_after.hint.as_ref().map(|hint| quote.block("text", hint.as_str(), 20, 1_000)),
        evidence_sentence => evidence_sentence(candidate),
        before => tally(&evidence.before),
        after => tally(&evidence.after),
        targets => evidence.targets.len(),
        targets_block => quote.block("", &evidence.targets.join("\n"), 40, 4_000),
        check => evidence.check.as_ref().map(|check| quote.span(check, 400)),
        repetitions => evidence.repetitions,
        command => quote.span(&evidence.command, 400),
        named => evidence.named,
        checks => evidence.checks.iter().take(10).map(|(command, before, after)| {
            context! { command => quote.span(command, 200), before => before, after => after }
        }).collect::<Vec<_>>(),
        still_failing => listed(&evidence.still_failing, 20, |test| quote.span(test, 200)),
        sandbox => sandbox(candidate, quote),
        resources => resources(candidate),
        alternative => candidate.alternative.as_ref().map(|diff| quote.block("diff", diff, 120, 8_000)),
        measured => view.verdict.measured.iter().map(|(rule, value, limit)| {
            context! { rule => rule.as_str(), value => value, limit => limit }
        }).collect::<Vec<_>>(),
        flags => view.verdict.violations.iter().filter(|v| v.ruling == Ruling::Flag).take(20).map(|v| {
            context! { rule => v.rule.as_str(), message => quote.prose(&v.message, 400) }
        }).collect::<Vec<_>>(),
        draft_reasons => view.draft_reasons.to_vec(),
        runs_note => runs_note(view, quote),
        attempt => candidate.attempt,
        max_attempts => view.policy.limits.max_attempts,
        tier => candidate.tier.as_deref().map_or_else(|| "none needed".to_owned(), |tier| quote.cell(tier, 40)),
        source => candidate.source.as_str(),
        fixer => candidate.pattern.as_deref().map_or_else(|| "none".to_owned(), |id| quote.cell(id, 80)),
        confidence => candidate.confidence.map_or_else(|| "none".to_owned(), |c| format!("{c:.2}")),
        cost => candidate.cost.to_string(),
        tokens => candidate.tokens.total(),
        version => quote.span(&candidate.version, 40),
        run => linked(
            &quote.span(&candidate.run_id, 80),
            candidate.run_url.as_deref().filter(|url| url.len() <= 400).unwrap_or_default(),
        ),
        config_hash => name(&candidate.config_hash, 12),
        base => candidate.base_sha.short(),
        tree => candidate.tree.short(),
        state_block => quote.block("json", &state_json, 200, 8_000),
    }
}

/// Says that the forge starts no workflow by itself, and what is done about it (PROTOCOL.md, 9).
fn runs_note(view: &PullView<'_>, quote: &Quoter<'_>) -> Option<String> {
    let besides = view
        .policy
        .dispatch_ci
        .as_ref()
        .map(|workflow| format!(" Homeostat starts {} on this branch besides.", quote.span(workflow, 200)));
    let besides = besides.unwrap_or_default();
    view.runs_wait.then(|| format!("> [!NOTE]\n> This pull request was opened {RUNS_WAIT}.{besides}"))
}

/// Shows the first few of a list, and says how many more there are.
pub(super) fn listed<T>(items: &[T], most: usize, show: impl Fn(&T) -> String) -> String {
    let mut shown: Vec<String> = items.iter().take(most).map(show).collect();
    if items.len() > most {
        shown.push(format!("and {} more", items.len() - most));
    }
    shown.join(", ")
}

/// Makes the title: `fix: <error type> in <file> (homeostat <short fingerprint>)`.
///
/// A squash merge turns it into a commit's subject, where `fix: GH-1` or an address would close an issue (V-20).
fn title(candidate: &Candidate) -> String {
    let short = &candidate.fingerprint.fp16()[..8];
    format!("fix: {} in {} (homeostat {short})", error_name(candidate), file_name(candidate))
}

/// Returns the last part of the error's type, which is what people call it.
fn error_name(candidate: &Candidate) -> String {
    let last = candidate.failure.error_type().rsplit(['.', ':', '\\', '/']).find(|part| !part.is_empty());
    name(last.unwrap_or("failure"), 40)
}

/// Returns the name of the first changed file, without its folders.
fn file_name(candidate: &Candidate) -> String {
    name(candidate.files.first().map_or("the-repository", |file| file.path.file_name()), 50)
}

/// Reduces a name to characters that mean nothing to anybody.
fn name(text: &str, limit: usize) -> String {
    let harmless = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let kept: String = text.chars().filter(harmless).take(limit).collect();
    let kept = kept.trim_matches(['.', '-']);
    match kept {
        "" => "failure".to_owned(),
        // `GH-1` is a reference wherever it stands.
        _ if kept.to_ascii_lowercase().contains("gh-") => kept.replace('-', "_"),
        _ => kept.to_owned(),
    }
}

/// Makes the commit message: title, what and why; the trailer is added where the commit is made.
pub fn commit_message(candidate: &Candidate) -> String {
    let pattern = candidate.pattern.as_deref().map(|id| format!(" ({})", name(id, 80))).unwrap_or_default();
    format!("{}\n\n{}{pattern}.", title(candidate), name_sentence(&candidate.title))
}

/// Keeps a title to words that no forge reads as a command: commit messages close issues, too (V-20).
fn name_sentence(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let kept: Vec<String> = words.map(name_in_sentence).filter(|word| !word.is_empty()).collect();
    kept.join(" ").chars().take(120).collect::<String>().trim_end_matches(['.', ' ']).to_owned()
}

fn name_in_sentence(word: &str) -> String {
    let kept: String = word.chars().filter(|c| c.is_alphanumeric() || "_.,'()-".contains(*c)).collect();
    let digits = kept.bytes().any(|b| b.is_ascii_digit());
    if digits { kept.replace('-', "_") } else { kept }
}

pub(super) fn evidence_sentence(candidate: &Candidate) -> &'static str {
    use crate::model::EvidenceKind::{GreenOnly, RedGreen, Reproduced, Synthetic};
    match candidate.evidence.kind {
        RedGreen if candidate.evidence.check.is_some() => {
            "The check was red on the base in every run and is green with this change in every run; no test that passed before fails."
        }
        RedGreen => {
            "The failing test was red on the base in every run and is green with this change in every run; nothing that passed before fails."
        }
        Reproduced => {
            "A new test fails on the base as the report says and passes with this change; nothing that passed before fails."
        }
        Synthetic => "A new test fails on the base, though not quite as the report says, and passes with this change.",
        GreenOnly => "The suite is green before and after; no test showed the failure.",
    }
}

pub(super) fn tally(side: &Tally) -> minijinja::Value {
    let (run, failed, skipped) = (side.counts.run, side.counts.failed, side.counts.skipped);
    // A runner that counts nothing must not look like one that counted nothing.
    let count = |n: u64| if run + failed + skipped == 0 { "–".to_owned() } else { n.to_string() };
    context! {
        run => count(run),
        failed => count(failed),
        skipped => count(skipped),
        seconds => format!("{:.1} s", side.seconds),
    }
}

fn sandbox(candidate: &Candidate, quote: &Quoter<'_>) -> String {
    let report = &candidate.evidence.sandbox;
    let mut weaknesses = String::new();
    for weakness in report.weaknesses.iter().take(6) {
        weaknesses.push_str(". ");
        weaknesses.push_str(&quote.prose(weakness, 300));
    }
    format!("level `{}`, network `{}`{weaknesses}", report.level, report.network)
}

fn resources(candidate: &Candidate) -> String {
    let used = candidate.evidence.resources;
    format!(
        "{:.1} s of processor time, {:.1} s by the clock, {} MiB of memory at most",
        used.cpu_s,
        used.wall_s,
        used.peak_memory >> 20
    )
}
