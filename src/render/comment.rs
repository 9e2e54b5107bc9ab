//! Comments on issues: few, short, each with a marker in its first line by which it is found again. Layer 1.

use minijinja::context;

use crate::model::{BranchName, Candidate, Ruling, Verdict};
use crate::redact::Redactor;
use crate::render::pull_request::{BODY_LIMIT, SCARCITIES, evidence_sentence, listed, tally};
use crate::render::quote::Quoter;
use crate::template::RenderError;
use crate::template::fill;

/// What the comment that asks for a person's word speaks of.
#[derive(Debug, Clone, Copy)]
pub struct ApprovalView<'a> {
    /// The candidate that waits.
    pub candidate: &'a Candidate,
    /// The digest that a person names it by.
    pub digest: &'a str,
    /// Its change.
    pub diff: &'a str,
    /// The guardrails' verdict.
    pub verdict: &'a Verdict,
    /// Takes secrets and personal data out.
    pub redactor: &'a Redactor,
}

/// What the answer to a person's command says.
#[derive(Debug, Clone, Copy)]
pub struct AnswerView<'a> {
    /// The comment that is answered.
    pub comment: u64,
    /// The command's name.
    pub command: &'a str,
    /// What came of it: one sentence of ours.
    pub head: &'a str,
    /// The pull request for the failure, where there is one.
    pub pull: Option<u64>,
    /// More, in whole sentences; anybody's words may be in them.
    pub sentences: &'a [String],
    /// What is known, by name.
    pub facts: &'a [(&'static str, String)],
    /// Takes secrets and personal data out.
    pub redactor: &'a Redactor,
}

/// Makes the comment that shows a proven change and asks for a person's word.
///
/// # Errors
/// When the template is broken.
pub fn approval_comment(view: &ApprovalView<'_>) -> Result<String, RenderError> {
    let candidate = view.candidate;
    let template = include_str!("../../templates/comments/awaiting_approval.md.j2");
    let mut body = String::new();
    for scarcity in SCARCITIES {
        let quote = Quoter::new(view.redactor, scarcity);
        let flags = view.verdict.violations.iter().filter(|v| v.ruling == Ruling::Flag).take(10);
        let values = context! {
            fingerprint => candidate.fingerprint.to_string(),
            episode => candidate.episode,
            warning => !candidate.evidence.kind.is_strong(),
            title => quote.prose(&candidate.title, 200),
            files => listed(&candidate.files, 20, |file| quote.span(file.path.as_str(), 200)),
            hypothesis => quote.prose(&candidate.hypothesis, 2_000),
            evidence_sentence => evidence_sentence(candidate),
            before => tally(&candidate.evidence.before),
            after => tally(&candidate.evidence.after),
            flags => flags.map(|v| {
                context! { rule => v.rule.as_str(), message => quote.prose(&v.message, 400) }
            }).collect::<Vec<_>>(),
            diff => quote.block("diff", view.diff, 400, 24_000),
            digest => view.digest,
            expires => candidate.expires_at.to_string(),
            base => candidate.base_sha.short(),
        };
        body = fill("comments/awaiting_approval.md.j2", template, values)?;
        if body.chars().count() <= BODY_LIMIT {
            break;
        }
    }
    Ok(body)
}

/// Makes the answer to a person's command.
///
/// # Errors
/// When the template is broken.
pub fn answer_comment(view: &AnswerView<'_>) -> Result<String, RenderError> {
    let quote = Quoter::new(view.redactor, 1);
    let values = context! {
        comment => view.comment,
        command => view.command,
        head => view.head,
        pull => view.pull,
        sentences => view.sentences.iter().take(8).map(|text| quote.prose(text, 1_000)).collect::<Vec<_>>(),
        facts => view.facts.iter().take(20).map(|(name, value)| {
            context! { name => *name, value => quote.span(value, 400) }
        }).collect::<Vec<_>>(),
    };
    fill("comments/answer.md.j2", include_str!("../../templates/comments/answer.md.j2"), values)
}

/// Makes the comment on an issue whose failure another issue speaks for.
///
/// # Errors
/// When the template is broken.
pub fn duplicate_comment(canonical: u64, pull: u64) -> Result<String, RenderError> {
    let values = context! { canonical, pull };
    fill("comments/duplicate.md.j2", include_str!("../../templates/comments/duplicate.md.j2"), values)
}

/// Makes the comment on an issue whose fix lies on a branch while the forge permits no pull request; `url` is where the
/// repository is shown, and gives links only where that is a web page.
///
/// # Errors
/// When the template is broken.
pub fn awaiting_pr_comment(candidate: &Candidate, branch: &BranchName, url: &str) -> Result<String, RenderError> {
    let page = url.starts_with("https://") || url.starts_with("http://");
    let base = &candidate.base_branch;
    let compare = format!("{url}/compare/{base}...{branch}?expand=1");
    let settings = format!("{url}/settings/actions");
    let values = context! {
        fingerprint => candidate.fingerprint.to_string(),
        episode => candidate.episode,
        branch => branch.as_str(),
        base => base.as_str(),
        compare => page.then_some(compare),
        settings => page.then_some(settings),
    };
    fill("comments/awaiting_pr.md.j2", include_str!("../../templates/comments/awaiting_pr.md.j2"), values)
}
