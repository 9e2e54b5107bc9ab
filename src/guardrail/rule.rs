//! What a rule is, what it may ask, and where it puts what it found. Layer 1.
//!
//! Refuses rules that stop others: every rule runs, and all refusals are reported.

use crate::guardrail::change::{Change, FileDiff, TreeView};
use crate::guardrail::paths::Filters;
use crate::model::{Language, Policy, Reason, Ruling, Side, Violation};
use crate::redact::Redactor;

/// Returns the lines, in the text after, of syntax errors that the text before did not have; `None` where it cannot look.
pub type SyntaxCheck = fn(Language, before: &str, after: &str) -> Option<Vec<u32>>;

/// What rules may ask besides the change.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The repository's settings.
    pub policy: &'a Policy,
    /// The base, where one is at hand.
    pub tree: Option<&'a dyn TreeView>,
    /// The parser, where one is wired.
    pub syntax: Option<SyntaxCheck>,
    /// The values that the program holds, where there are any.
    pub known: Option<&'a Redactor>,
    pub(crate) filters: &'a Filters,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("policy", &self.policy.slug)
            .field("tree", &self.tree.is_some())
            .finish_non_exhaustive()
    }
}

/// One rule on a change; stateless.
pub trait Rule: Sync {
    /// Returns its id.
    fn id(&self) -> Reason;

    /// Returns what a breach means, before the policy's word.
    fn ruling(&self) -> Ruling {
        Ruling::Refuse
    }

    /// Looks at the whole change.
    fn check(&self, change: &Change, context: &Context<'_>, findings: &mut Findings);
}

/// A rule names this many breaches; of more it gives the number.
const MOST_NAMED: usize = 100;

/// What one rule found.
#[derive(Debug)]
pub struct Findings {
    rule: Reason,
    ruling: Ruling,
    pub(crate) violations: Vec<Violation>,
    pub(crate) more: usize,
    pub(crate) unchecked: bool,
    pub(crate) measured: Option<(u64, u64)>,
}

impl Findings {
    pub(crate) const fn new(rule: Reason, ruling: Ruling) -> Self {
        Self { rule, ruling, violations: Vec::new(), more: 0, unchecked: false, measured: None }
    }

    /// Reports a breach of the change as a whole.
    pub fn change(&mut self, message: impl Into<String>) {
        self.push(None, None, None, message.into());
    }

    /// Reports a breach by a file as a whole.
    pub fn file(&mut self, file: &FileDiff, message: impl Into<String>) {
        self.push(Some(&file.path), None, None, message.into());
    }

    /// Reports a breach by a line of the file after.
    pub fn new_line(&mut self, file: &FileDiff, line: u32, message: impl Into<String>) {
        self.push(Some(&file.path), Some(line), Some(Side::New), message.into());
    }

    /// Reports a breach by a line of the file before.
    pub fn old_line(&mut self, file: &FileDiff, line: u32, message: impl Into<String>) {
        self.push(Some(&file.path), Some(line), Some(Side::Old), message.into());
    }

    /// Says that the rule could not look at everything.
    pub fn not_checked(&mut self) {
        self.unchecked = true;
    }

    /// Says what a limit measured.
    pub fn measure(&mut self, value: u64, limit: u64) {
        self.measured = Some((value, limit));
    }

    fn push(&mut self, path: Option<&str>, line: Option<u32>, side: Option<Side>, message: String) {
        if self.violations.len() >= MOST_NAMED {
            self.more += 1;
            return;
        }
        let path = path.map(|path| path.chars().take(500).collect());
        self.violations.push(Violation { rule: self.rule, ruling: self.ruling, path, line, side, message });
    }
}

/// Returns the language of a file, where known.
pub(crate) fn language(file: &FileDiff) -> Option<Language> {
    Language::of_path(&file.path)
}

/// Returns a line as text; bytes that are none are the business of the rule on binary content.
pub(crate) fn text(line: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(line)
}
