//! Lists the secrets of a file by line and column, for guardrails and for scanning. Layer 1.
//!
//! Refuses what only its surroundings suggest: here a false alarm stops a patch.

use crate::redact::finding::Finding;
use crate::redact::{Redactor, keyed, token};

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

/// What stands for a secret in a line that is shown.
const MARK: &str = "<SECRET>";

/// Bytes of the line that are shown on each side.
const NEAR: usize = 100;

/// One secret of one file, as `scan` and `preflight` tell of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema)]
pub struct SecretPlace {
    /// The file, as it was named.
    pub path: String,
    /// The line where it begins, from 1.
    pub line: u32,
    /// The column where it begins, from 1, in Unicode scalars.
    pub column: u32,
    /// The line where it ends.
    pub end_line: u32,
    /// The column after its end.
    pub end_column: u32,
    /// The rule's id.
    pub rule: String,
    /// The line with a mark in place of every secret, shortened.
    pub redacted: String,
}

/// Lists the secrets of a file, each with its line redacted, in order.
pub fn secret_places(path: &str, text: &str, redactor: &Redactor) -> Vec<SecretPlace> {
    let found = secrets(text);
    found
        .iter()
        .map(|secret| SecretPlace {
            path: path.to_owned(),
            line: secret.line,
            column: secret.column,
            end_line: secret.end_line,
            end_column: secret.end_column,
            rule: secret.rule.to_owned(),
            redacted: shown(text, secret, &found, redactor),
        })
        .collect()
}

/// Returns the line of a secret without it and its neighbours; of a long line what is near.
fn shown(text: &str, secret: &SecretFinding, all: &[SecretFinding], redactor: &Redactor) -> String {
    let from = boundary(text, secret.start.saturating_sub(NEAR));
    let to = boundary(text, (secret.end + NEAR).min(text.len()));
    let from = text[from..secret.start].rfind('\n').map_or(from, |at| from + at + 1);
    let to = text[secret.end..to.max(secret.end)].find('\n').map_or(to.max(secret.end), |at| secret.end + at);
    let mut line = String::new();
    let mut at = from;
    let first = all.partition_point(|other| other.end <= from);
    for other in all[first..].iter().take_while(|other| other.start < to) {
        line.push_str(&text[at..other.start.max(at)]);
        line.push_str(MARK);
        at = other.end.min(to);
    }
    line.push_str(&text[at..to]);
    let clean = redactor.redact(line.trim()).into_string();
    clean.chars().filter(|c| !c.is_control()).collect()
}

/// Returns the first boundary between characters at or before a place.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_placed_and_its_line_is_shown_without_it_or_its_neighbours() {
        let key = format!("{}{}", "AKIA", "Q3EGU7XW5ZT2RB6N");
        let text = format!("first\n  a = \"{key}\"; b = \"{key}\" # mail ada@example.org\n");
        let found = secret_places("src/a.py", &text, &Redactor::new(&[]));
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!((found[0].line, found[0].end_line, found[0].path.as_str()), (2, 2, "src/a.py"));
        assert_eq!(found[0].end_column - found[0].column, 20);
        assert_eq!(found[0].redacted, "a = \"<SECRET>\"; b = \"<SECRET>\" # mail <EMAIL_1>");
        assert!(!format!("{found:?}").contains("Q3EGU7XW"));
    }

    #[test]
    fn a_key_of_many_lines_is_one_finding_and_none_of_it_is_shown() {
        let body = "MIIEowIBAAKCAQEA7bq0Vd1nYk3s9wRtY5uJ2xLc8pQeZfHgKmNvBsTaWoXiDrCj\n".repeat(4);
        let text = format!("-----BEGIN RSA PRIVATE KEY-----\n{body}-----END RSA PRIVATE KEY-----\n");
        let found = secret_places("id", &text, &Redactor::new(&[]));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].end_line > found[0].line && !found[0].redacted.contains("MIIE"), "{found:?}");
    }

    #[test]
    fn a_long_line_full_of_secrets_is_shown_from_its_beginning_in_linear_time() {
        let key = format!("{}{}", "AKIA", "Q3EGU7XW5ZT2RB6N");
        let text = format!("\"{key}\" ").repeat(2_000);
        let found = secret_places("x", &text, &Redactor::new(&[]));
        assert!(found.len() == 2_000 && found.iter().all(|one| one.redacted.len() <= 4 * NEAR));
    }
}
