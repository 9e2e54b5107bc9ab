//! Lists the secrets of a file by line and column, for guardrails and for scanning. Layer 1.
//!
//! Refuses what only its surroundings suggest: here a false alarm stops a patch.

use crate::redact::finding::Finding;
use crate::redact::{keyed, token};

/// One secret in a text; lines and columns count from 1 in Unicode scalars, ends exclusive, offsets are bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct SecretFinding {
    /// The rule's id.
    pub rule: &'static str,
    /// The line where it begins.
    pub line: u32,
    /// The column where it begins.
    pub column: u32,
    /// The line where it ends.
    pub end_line: u32,
    /// The column after its end.
    pub end_column: u32,
    /// The byte where it begins.
    pub start: usize,
    /// The byte after its end.
    pub end: usize,
}

/// Returns every place in a text that is surely a secret, in order and without overlaps.
pub fn secrets(text: &str) -> Vec<SecretFinding> {
    let mut found: Vec<Finding> = Vec::new();
    token::find(text, &mut found);
    keyed::find(text, &mut found);
    found.retain(|finding| finding.certain);
    found.sort_by_key(|finding| (finding.start, std::cmp::Reverse(finding.end)));
    let mut lines = Lines { text, at: 0, line: 1, column: 1 };
    let mut secrets: Vec<SecretFinding> = Vec::new();
    let mut covered = 0;
    for finding in found {
        if finding.start < covered {
            continue;
        }
        covered = finding.end;
        let (line, column) = lines.advance(finding.start);
        let (end_line, end_column) = lines.advance(finding.end);
        secrets.push(SecretFinding {
            rule: finding.rule,
            line,
            column,
            end_line,
            end_column,
            start: finding.start,
            end: finding.end,
        });
    }
    secrets
}

/// Counts lines and columns forwards only.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    column: u32,
}

impl Lines<'_> {
    fn advance(&mut self, to: usize) -> (u32, u32) {
        for c in self.text[self.at..to].chars() {
            if c == '\n' {
                self.line = self.line.saturating_add(1);
                self.column = 1;
            } else {
                self.column = self.column.saturating_add(1);
            }
        }
        self.at = to;
        (self.line, self.column)
    }
}
