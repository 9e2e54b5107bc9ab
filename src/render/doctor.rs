//! What `doctor` found, as its document, for a terminal and for the step summary. Layer 1.
//!
//! Words of servers and names of repositories are redacted and quoted here; nothing of them is Markdown or a command.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use crate::doctor::{Finding, Severity, worst};
use crate::redact::{Redactor, strip_controls};
use crate::render::quote::Quoter;

/// Findings that the summary shows; the document has all.
const ROWS: usize = 500;

/// A label that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Fixed {
    /// The repository.
    pub repository: String,
    /// The label's name.
    pub label: String,
}

/// Standard output of `doctor --format json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Checkup {
    /// What was found; what stands in one place stands together.
    pub findings: Vec<Finding>,
    /// What `--fix` made.
    pub fixed: Vec<Fixed>,
}

impl Checkup {
    /// Takes secrets and control characters out of every word.
    #[must_use]
    pub fn redacted(mut self, redactor: &Redactor) -> Self {
        let clean = |text: &mut String| {
            *text = redactor.redact(&strip_controls(text).replace('\n', " ")).into_string();
        };
        for finding in &mut self.findings {
            clean(&mut finding.place);
            clean(&mut finding.what);
            finding.mend.iter_mut().for_each(clean);
        }
        for fixed in &mut self.fixed {
            clean(&mut fixed.repository);
            clean(&mut fixed.label);
        }
        self
    }

    /// Returns how much the worst finding matters.
    pub fn worst(&self) -> Severity {
        worst(&self.findings)
    }

    /// Tells it to people, place by place; the last line is the sum.
    pub fn in_text(&self) -> String {
        let mut out = String::new();
        let wide = self.findings.iter().map(|one| one.id.len()).max().unwrap_or_default();
        let mut place = None;
        for one in &self.findings {
            if place != Some(&one.place) {
                let _infallible = writeln!(out, "{}{}", if place.is_some() { "\n" } else { "" }, one.place);
                place = Some(&one.place);
            }
            let _infallible = writeln!(out, "  {:<7}  {:<wide$}  {}", one.severity.as_str(), one.id, one.what);
            if let Some(mend) = &one.mend {
                let _infallible = writeln!(out, "           why:  {}\n           mend: {mend}", one.why);
            }
        }
        for one in &self.fixed {
            let _infallible = write!(out, "\nMade the label {} in {}.", one.label, one.repository);
        }
        let _infallible = write!(out, "{}\n{}", if self.fixed.is_empty() { "" } else { "\n" }, self.sum());
        out
    }

    /// Writes a page for the step summary: what matters as a table, what is well as a number.
    pub fn summary(&self, version: &str, redactor: &Redactor) -> String {
        let quote = Quoter::new(redactor, 1);
        let mut out = format!("**Homeostat** {version} · doctor\n\n{}\n", self.sum());
        let shown: Vec<&Finding> = self.findings.iter().filter(|one| one.severity > Severity::Ok).collect();
        if !shown.is_empty() {
            out.push_str("\n| where | | check | what | how to mend it |\n|---|---|---|---|---|\n");
        }
        for one in shown.iter().take(ROWS) {
            let mend = one.mend.as_ref().map_or_else(|| "–".to_owned(), |mend| quote.prose_cell(mend, 600));
            let _infallible = writeln!(
                out,
                "| {} | {} | `{}` | {} | {mend} |",
                quote.cell(&one.place, 150),
                one.severity.as_str(),
                one.id,
                quote.prose_cell(&one.what, 600)
            );
        }
        if shown.len() > ROWS {
            let _infallible = writeln!(out, "\n… and {} more, in the command's own output.", shown.len() - ROWS);
        }
        for one in &self.fixed {
            let (label, repository) = (quote.span(&one.label, 60), quote.span(&one.repository, 150));
            let _infallible = write!(out, "\nMade the label {label} in {repository}.\n");
        }
        out
    }

    fn sum(&self) -> String {
        let count = |severity: Severity| self.findings.iter().filter(|one| one.severity == severity).count();
        format!(
            "{} problem(s), {} warning(s), {} note(s), {} check(s) well.",
            count(Severity::Problem),
            count(Severity::Warning),
            count(Severity::Note),
            count(Severity::Ok)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkup() -> Checkup {
        let one = |id: &'static str, severity: Severity, place: &str, what: &str| Finding {
            id,
            severity,
            place: place.to_owned(),
            what: what.to_owned(),
            why: "It matters.".to_owned(),
            mend: (severity > Severity::Note).then(|| "Mend | it.".to_owned()),
            fixable: false,
        };
        Checkup {
            findings: vec![
                one("git-version", Severity::Ok, "machine", "Git will do."),
                one(
                    "labels",
                    Severity::Warning,
                    "acme/app",
                    "Missing: a @team <b>\u{1b}[31m\nghp_abcdefghijklmnopqrstuvwxyz0123456789.",
                ),
            ],
            fixed: vec![Fixed { repository: "acme/app".to_owned(), label: "robot".to_owned() }],
        }
    }

    #[test]
    fn people_read_it_place_by_place_with_the_sum_at_the_end() {
        let text = checkup().redacted(&Redactor::new(&[])).in_text();
        assert!(
            text.starts_with("machine\n  ok       git-version  Git will do.\n\nacme/app\n  warning  labels       "),
            "{text}"
        );
        assert!(text.contains("why:  It matters.\n") && text.contains("mend: Mend | it.\n"), "{text}");
        assert!(
            text.ends_with(
                "Made the label robot in acme/app.\n\n0 problem(s), 1 warning(s), 0 note(s), 1 check(s) well."
            ),
            "{text}"
        );
    }

    #[test]
    fn v_19_v_28_words_of_others_are_neither_secrets_nor_markdown() {
        let clean = checkup().redacted(&Redactor::new(&[]));
        assert!(!clean.in_text().contains("ghp_abc") && !clean.in_text().contains('\u{1b}'), "{}", clean.in_text());
        let page = checkup().summary("0.0.0", &Redactor::new(&[]));
        let row = page.lines().find(|line| line.contains("`labels`")).expect("a row");
        assert!(row.contains("`@team`") && row.contains("\\|") && !row.contains("ghp_abc"), "{row}");
        assert!(!page.contains("Git will do"), "what is well is a number: {page}");
    }
}
