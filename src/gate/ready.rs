//! Draft or ready (REFERENCE.md, Ready). Layer 1.

use crate::model::{Candidate, EvidenceKind, MergeMethod, Mode, Policy, Ruling, Source, Verdict};

/// Returns how the forge may merge a pull request by itself: only in mode `auto`, only a ready one, only with evidence
/// red-green, and only for a pattern that the configuration names. Homeostat merges nothing (V-90).
pub fn auto_merge(candidate: &Candidate, policy: &Policy, mode: Mode, draft: bool) -> Option<MergeMethod> {
    let named = match (candidate.source, &candidate.pattern) {
        (Source::Pattern, Some(id)) => policy.auto_merge.patterns.contains(id),
        _ => false,
    };
    let allowed = mode == Mode::Auto && !draft && named && candidate.evidence.kind == EvidenceKind::RedGreen;
    allowed.then_some(policy.auto_merge.method)
}

/// Why a pull request opens as a draft; empty when it is ready.
pub fn draft_reasons(candidate: &Candidate, verdict: &Verdict, policy: &Policy, mode: Mode) -> Vec<&'static str> {
    let mut reasons = Vec::new();
    if mode < Mode::Ready {
        reasons.push("the configured mode allows drafts only");
    }
    if !candidate.evidence.kind.is_strong() {
        reasons.push("no test showed the failure before the change");
    }
    if !candidate.anchor.is_firm() {
        reasons.push("the report names no commit, so the place was found by its shape");
    }
    if candidate.alternative.is_some() {
        reasons.push("a second, different change passes the same tests");
    }
    if verdict.verdict == Ruling::Flag {
        reasons.push("a guardrail asks for a person's look");
    }
    let trusted = match candidate.source {
        Source::Native => true,
        Source::Pattern => candidate.confidence.is_some_and(|c| c >= policy.confidence_threshold),
        Source::Ai => false,
    };
    if !trusted {
        reasons.push("the fixer's confidence is below confidence_threshold");
    }
    reasons
}
