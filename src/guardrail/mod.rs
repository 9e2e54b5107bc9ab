//! Rules that every change must pass before repository code sees it, and again before it is published. Layer 1.
//!
//! Static and pure: bytes in, verdict out. Refuses to stop at the first breach; all rules run and all refusals are
//! reported. Adding a file to a change never turns a refusal into a pass.

mod added;
mod change;
mod complete;
mod lines;
mod parse;
mod paths;
mod rule;
mod rules;
mod undo;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Language, Policy, Reason, RuleSetting, Ruling, Verdict, Violation};
use crate::pattern::syntax::{self, SyntaxError};
use crate::redact::Redactor;
use paths::Filters;

pub use added::added_secrets;
pub use change::{Change, FileDiff, Hunk, Line, LineKind, MalformedDiff, ModeSeen, TreeView, Whole};
pub use lines::changed_lines;
pub use paths::may_touch;
pub use rule::{Context, Findings, Rule, SyntaxCheck};
pub use rules::RULES;
pub use undo::Undone;

/// What a caller has besides the change; `Default` has nothing.
#[derive(Clone, Copy, Default)]
pub struct Means<'a> {
    /// The base.
    pub tree: Option<&'a dyn TreeView>,
    /// The parser.
    pub syntax: Option<SyntaxCheck>,
    /// The values that the program holds and that no change may carry away.
    pub known: Option<&'a Redactor>,
}

impl std::fmt::Debug for Means<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Means").field("tree", &self.tree.is_some()).field("syntax", &self.syntax.is_some()).finish()
    }
}

/// Judges a change by every rule, without the base.
pub fn evaluate(change: &Change, policy: &Policy) -> Verdict {
    evaluate_with(change, policy, Means { syntax: Some(new_syntax_errors), ..Means::default() })
}

/// Judges a change as [`evaluate`] does, where the program holds values that no change may carry away.
pub fn evaluate_knowing(change: &Change, policy: &Policy, known: &Redactor) -> Verdict {
    evaluate_with(change, policy, Means { syntax: Some(new_syntax_errors), known: Some(known), tree: None })
}

/// Asks the pattern engine's parser; a language without a grammar has no syntax to break.
pub fn new_syntax_errors(language: Language, before: &str, after: &str) -> Option<Vec<u32>> {
    match syntax::new_errors(language, before, after) {
        Ok(flaws) => Some(flaws.into_iter().map(|flaw| flaw.line).collect()),
        Err(SyntaxError::NoGrammar(_)) => Some(Vec::new()),
        Err(_) => None,
    }
}

/// Judges a change by every rule, with what the caller has.
pub fn evaluate_with(change: &Change, policy: &Policy, means: Means<'_>) -> Verdict {
    let filters = Filters::of(policy);
    let context = Context { policy, tree: means.tree, syntax: means.syntax, known: means.known, filters: &filters };
    let mut violations = Vec::new();
    let mut not_checked = BTreeSet::new();
    let mut measured = BTreeMap::new();
    for rule in RULES {
        let Some(ruling) = ruling(*rule, policy) else { continue };
        let mut findings = Findings::new(rule.id(), ruling);
        rule.check(change, &context, &mut findings);
        let Findings { violations: found, more, unchecked, measured: value, .. } = findings;
        violations.extend(found);
        if more > 0 {
            violations.push(whole(
                rule.id(),
                ruling,
                format!("The rule found {more} more breaches, which are not named."),
            ));
        }
        if unchecked {
            not_checked.insert(rule.id());
        }
        if let Some(value) = value {
            measured.insert(rule.id(), value);
        }
    }
    verdict(violations, not_checked, measured)
}

/// Reads a diff and judges it, completed from the base where there is one; a diff that cannot be read is refused.
pub fn judge_diff(diff: &[u8], policy: &Policy, means: Means<'_>) -> Verdict {
    let change = Change::parse(diff).and_then(|change| match means.tree {
        Some(tree) => change.complete(tree),
        None => Ok(change),
    });
    match change {
        Ok(change) => evaluate_with(&change, policy, means),
        Err(error) => malformed(&error),
    }
}

/// Returns the verdict on a diff that cannot be read: refused, and no rule looked.
pub fn malformed(error: &MalformedDiff) -> Verdict {
    let message = format!("The diff cannot be read exactly. At {error}.");
    let not_checked = RULES.iter().map(|rule| rule.id()).collect();
    verdict(vec![whole(Reason::MalformedDiff, Ruling::Refuse, message)], not_checked, BTreeMap::new())
}

fn whole(rule: Reason, ruling: Ruling, message: String) -> Violation {
    Violation { rule, ruling, path: None, line: None, side: None, message }
}

fn verdict(
    mut violations: Vec<Violation>,
    not_checked: BTreeSet<Reason>,
    measured: BTreeMap<Reason, (u64, u64)>,
) -> Verdict {
    // The worst first; among equals by rule, path and line.
    violations.sort_by(|a, b| b.ruling.cmp(&a.ruling).then_with(|| a.cmp(b)));
    Verdict {
        verdict: violations.iter().map(|violation| violation.ruling).max().unwrap_or(Ruling::Pass),
        violations,
        not_checked: not_checked.into_iter().collect(),
        measured: measured.into_iter().map(|(rule, (value, limit))| (rule, value, limit)).collect(),
    }
}

/// Rules whose ruling the configuration sets.
const CONFIGURABLE: [Reason; 3] = [Reason::DependencyAdded, Reason::TestWeakened, Reason::RewriteRatio];

/// Returns what a breach of a rule means under a policy; `None` where the policy does not want it looked at.
fn ruling(rule: &dyn Rule, policy: &Policy) -> Option<Ruling> {
    if !CONFIGURABLE.contains(&rule.id()) {
        return Some(rule.ruling());
    }
    match policy.rule(rule.id()) {
        RuleSetting::Allow => None,
        setting => Some(setting.ruling()),
    }
}
