//! The pull request's title, body and commit message: a pure function of the candidate. Layer 1.

use minijinja::context;

use crate::model::{Candidate, Policy, Ruling, Tally, Verdict};
use crate::redact::Redactor;
use crate::render::template::fill;
use crate::render::{code_block, code_span, marker, table_cell};

/// GitHub's limit on a body, in characters (P-20).
const BODY_LIMIT: usize = 65_536;
/// What is kept of one quoted text, in lines and characters.
const EXCERPT: (usize, usize) = (60, 6_000);
const TEMPLATE: &str = include_str!("../../templates/pull_request.md.j2");

/// A text that could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the template {template} could not be filled in: {why}")]
pub struct RenderError {
    template: &'static str,
    why: String,
}

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
}

/// Makes the title and body.
///
/// # Errors
/// When the template is broken, which a test would have shown.
pub fn pull_request(view: &PullView<'_>) -> Result<PullText, RenderError> {
    let candidate = view.candidate;
    let quote = |text: &str| code_span(&clean(view.redactor, text));
    let block = |text: &str| code_block("", &excerpt(&clean(view.redactor, text)));
    let evidence = &candidate.evidence;
    let state_json = serde_json::to_string_pretty(&candidate.state_after).unwrap_or_default();
    let number = |report: &crate::model::ReportId| match report {
        crate::model::ReportId::Issue { number } => format!("#{number}"),
        crate::model::ReportId::Run { .. } => quote(&report.to_string()),
    };
    let files: Vec<String> = candidate.files.iter().map(|file| code_span(file.path.as_str())).collect();
    let values = context! {
                marker => marker::write(&candidate.state_after),
                end_marker => marker::END,
                warning => (!evidence.kind.is_strong()).then_some(
                    "No test showed this failure before the change; the suite was green and stays green. Look closely.",
                ),
                regression => candidate.regression,
                episode => candidate.episode,
                title => candidate.title.clone(),
                files => files,
                hypothesis => clean(view.redactor, &candidate.hypothesis),
                closes => view.closes,
                report => number(&candidate.report),
                also_fixes => candidate.also_fixes.iter().map(|also| number(&also.report)).collect::<Vec<_>>(),
                error_type => table_cell(&clean(view.redactor, candidate.failure.error_type())),
                location => table_cell(&clean(view.redactor, &location(candidate))),
                fingerprint => candidate.fingerprint.to_string(),
                message => block(candidate.failure.message()),
                trace => trace(candidate).map(|text| block(&text)),
                breadcrumbs => breadcrumbs(candidate).map(|text| block(&text)),
                evidence_sentence => evidence_sentence(candidate),
                before => tally(&evidence.before),
                after => tally(&evidence.after),
                targets => evidence.targets.clone(),
                targets_block => block(&evidence.targets.join("\n")),
                repetitions => evidence.repetitions,
                command => quote(&evidence.command),
                named => evidence.named,
                checks => evidence.checks.iter().map(|(command, before, after)| {
                    context! { command => quote(command), before => before, after => after }
                }).collect::<Vec<_>>(),
                still_failing => (!evidence.still_failing.is_empty()).then(|| quote(&evidence.still_failing.join(", "))),
                sandbox => sandbox(candidate),
                resources => resources(candidate),
                alternative => candidate.alternative.as_ref().map(|diff| {
                    code_block("diff", &excerpt(&clean(view.redactor, diff)))
                }),
                measured => view.verdict.measured.iter().map(|(rule, value, limit)| {
                    context! { rule => rule.as_str(), value => value, limit => limit }
                }).collect::<Vec<_>>(),
                flags => view.verdict.violations.iter().filter(|v| v.ruling == Ruling::Flag).map(|v| {
                    context! { rule => v.rule.as_str(), message => table_cell(&clean(view.redactor, &v.message)) }
                }).collect::<Vec<_>>(),
                draft_reasons => view.draft_reasons.to_vec(),
                attempt => candidate.attempt,
                max_attempts => view.policy.limits.max_attempts,
                tier => candidate.tier.clone().unwrap_or_else(|| "none needed".to_owned()),
                source => candidate.source.as_str(),
                fixer => candidate.pattern.as_deref().map_or_else(|| "none".to_owned(), code_span),
                confidence => candidate.confidence.map_or_else(|| "none".to_owned(), |c| format!("{c:.2}")),
                cost => candidate.cost.to_string(),
                tokens => candidate.tokens.total(),
                version => candidate.version.clone(),
                run => candidate.run_url.as_ref().map_or_else(
                    || code_span(&candidate.run_id),
                    |url| format!("[{}]({url})", candidate.run_id),
                ),
                config_hash => &candidate.config_hash[..12.min(candidate.config_hash.len())],
                base => candidate.base_sha.short(),
                tree => candidate.tree.short(),
                state_block => code_block("json", &state_json),
    };
    let body = fill(TEMPLATE, values).map_err(|why| RenderError { template: "pull_request.md.j2", why })?;
    Ok(PullText { title: title(candidate), body: cut(&body) })
}

/// Makes the title: `fix: <error type> in <file> (homeostat <short fingerprint>)`.
fn title(candidate: &Candidate) -> String {
    let last = candidate.failure.error_type().rsplit(['.', ':', '\\']).find(|part| !part.is_empty());
    let kind = name(last.unwrap_or("failure"), 40);
    let file = candidate.files.first().map_or("the repository", |file| file.path.file_name());
    let short = &candidate.fingerprint.fp16()[..8];
    format!("fix: {kind} in {} (homeostat {short})", name(file, 50))
}

/// Reduces a name to characters that mean nothing to anybody.
fn name(text: &str, limit: usize) -> String {
    let kept: String =
        text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/')).take(limit).collect();
    if kept.is_empty() { "failure".to_owned() } else { kept }
}

/// Makes the commit message: title, what and why; the trailer is added where the commit is made.
pub fn commit_message(candidate: &Candidate) -> String {
    let pattern = candidate.pattern.as_deref().map(|id| format!(" ({id})")).unwrap_or_default();
    format!("{}\n\n{}{pattern}.", title(candidate), name_sentence(&candidate.title))
}

/// Keeps a title of ours to letters that no forge reads as a command: commit messages close issues, too (V-20).
fn name_sentence(text: &str) -> String {
    text.chars()
        .filter(|c| !matches!(c, '#' | '@' | '\n' | '\r'))
        .take(120)
        .collect::<String>()
        .trim_end_matches('.')
        .to_owned()
}

/// Makes the comment on an issue whose failure another issue speaks for; its first line marks it.
pub fn duplicate_comment(canonical: u64, pull: u64) -> String {
    format!(
        "<!-- homeostat:duplicate {canonical} -->\nThis is the same failure as #{canonical}; it is handled in #{pull}.\n"
    )
}

fn clean(redactor: &Redactor, text: &str) -> String {
    let visible = crate::redact::strip_controls(text);
    redactor.redact(&visible).as_str().to_owned()
}

fn location(candidate: &Candidate) -> String {
    let Some(frame) = candidate.failure.frames().first() else { return "not said".to_owned() };
    let path = frame.path.as_deref().unwrap_or("unknown file");
    match (frame.line, frame.function.as_deref()) {
        (Some(line), Some(function)) => format!("{path}:{line} in {function}"),
        (Some(line), None) => format!("{path}:{line}"),
        (None, Some(function)) => format!("{path} in {function}"),
        (None, None) => path.to_owned(),
    }
}

/// Writes the chain of causes with their frames, in one form for all languages.
fn trace(candidate: &Candidate) -> Option<String> {
    use std::fmt::Write as _;
    let mut text = String::new();
    for (at, exception) in candidate.failure.chain.iter().enumerate() {
        let first = exception.message.as_str().lines().next().unwrap_or_default();
        let _infallible =
            writeln!(text, "{}{}: {first}", if at == 0 { "" } else { "which caused " }, exception.type_name);
        for frame in exception.frames.iter().take(30) {
            let function = frame.function.as_deref().unwrap_or("?");
            let path = frame.path.as_deref().unwrap_or("?");
            let line = frame.line.map(|line| format!(":{line}")).unwrap_or_default();
            let _infallible = writeln!(text, "    at {function} ({path}{line})");
        }
    }
    (!candidate.failure.frames().is_empty()).then_some(text)
}

fn breadcrumbs(candidate: &Candidate) -> Option<String> {
    let crumbs: Vec<&str> = candidate.failure.breadcrumbs.iter().map(crate::model::Untrusted::as_str).collect();
    (!crumbs.is_empty()).then(|| crumbs.join("\n"))
}

fn evidence_sentence(candidate: &Candidate) -> &'static str {
    use crate::model::EvidenceKind::{GreenOnly, RedGreen, Reproduced, Synthetic};
    match candidate.evidence.kind {
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

fn tally(side: &Tally) -> minijinja::Value {
    context! {
        run => side.counts.run,
        failed => side.counts.failed,
        skipped => side.counts.skipped,
        seconds => format!("{:.1} s", side.seconds),
    }
}

fn sandbox(candidate: &Candidate) -> String {
    let report = &candidate.evidence.sandbox;
    let mut text = format!("level `{}`, network `{}`", report.level, report.network);
    if !report.weaknesses.is_empty() {
        text.push_str("; ");
        text.push_str(&report.weaknesses.join("; "));
    }
    text
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

/// Keeps the beginning of a long text, with a notice.
fn excerpt(text: &str) -> String {
    let (lines, characters) = EXCERPT;
    let mut kept: Vec<String> = Vec::new();
    let mut used = 0;
    let mut all = text.lines();
    for line in all.by_ref().take(lines) {
        let line: String = line.chars().take(400).collect();
        used += line.chars().count() + 1;
        if used > characters {
            kept.push("… (cut)".to_owned());
            return kept.join("\n");
        }
        kept.push(line);
    }
    if all.next().is_some() {
        kept.push("… (cut)".to_owned());
    }
    kept.join("\n")
}

/// Cuts a body that is too long at a line, closes what is open, and says so; the state comes first and stays whole.
fn cut(body: &str) -> String {
    if body.chars().count() <= BODY_LIMIT {
        return body.to_owned();
    }
    let notice = format!("\n````````\n\n_This text was too long and was cut here._\n\n{}\n", marker::END);
    let room = BODY_LIMIT - notice.chars().count();
    let end = body.char_indices().nth(room).map_or(body.len(), |(at, _)| at);
    let end = body[..end].rfind('\n').unwrap_or(end);
    let open = body[..end].lines().filter(|line| line.trim_start().starts_with("```")).count() % 2 == 1;
    let notice = if open { notice } else { notice.replacen("\n````````\n", "", 1) };
    format!("{}{notice}", &body[..end])
}
