//! The diagnosis as it is printed and published: one document, redacted. Layer 1.

use serde::Serialize;

use crate::intake::log::{Diagnosis, FirstError};
use crate::model::{Counts, Fingerprint, Kind, Lane};
use crate::redact::Redactor;

/// What `diagnose --format json` prints of one log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct DiagnosisDocument {
    /// The log's file, with `--batch` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Who can do something about it; null where nothing failed.
    pub lane: Option<Lane>,
    /// What failed.
    pub kind: Option<Kind>,
    /// The tool whose words these are.
    pub tool: Option<String>,
    /// The first meaningful error.
    pub first_error: Option<FirstError>,
    /// Failing tests, as their runner writes them.
    pub failed_tests: Vec<String>,
    /// The runners' own counts.
    pub counts: Counts,
    /// At most forty lines that hold the first error and every failing test's name.
    pub excerpt: String,
    /// The first and the last line of the log that the excerpt shows, from 1.
    pub lines: Option<[usize; 2]>,
    /// The identity of the failure.
    pub fingerprint: Option<Fingerprint>,
}

impl Diagnosis {
    /// Returns the document, without what the redactor finds.
    pub fn document(&self, fingerprint: Option<Fingerprint>, redactor: &Redactor) -> DiagnosisDocument {
        let clean = |text: &str| redactor.redact(text).into_string();
        let first_error = self.first_error.as_ref().map(|first| FirstError {
            message: clean(&first.message),
            file: first.file.as_deref().map(clean),
            line: first.line,
            code: first.code.as_deref().map(clean),
        });
        DiagnosisDocument {
            file: None,
            lane: self.lane,
            kind: self.kind,
            tool: self.tool.clone(),
            first_error,
            failed_tests: self.failed_tests.iter().map(|name| clean(name)).collect(),
            counts: self.counts,
            excerpt: clean(&self.excerpt),
            lines: self.lines,
            fingerprint,
        }
    }
}

impl DiagnosisDocument {
    /// Returns it in words, of which no line is a workflow command (V-39, V-40).
    pub fn to_text(&self) -> String {
        let words = self.words();
        let inert = words.lines().map(|line| {
            let mark = if line.trim_start().starts_with("::") { "| " } else { "" };
            format!("{mark}{}\n", line.replace("##[", "## ["))
        });
        inert.collect()
    }

    fn words(&self) -> String {
        let mut out = self.file.as_ref().map(|file| format!("# {file}\n")).unwrap_or_default();
        let (Some(lane), Some(kind)) = (self.lane, self.kind) else {
            out.push_str("Nothing failed in this log, as far as it tells.\n");
            return out + &self.counted();
        };
        let tool = self.tool.as_deref().map(|tool| format!(", by {tool}")).unwrap_or_default();
        out.push_str(&format!("{lane} / {kind}{tool}\n"));
        if let Some(first) = &self.first_error {
            let place = match (&first.file, first.line) {
                (Some(file), Some(line)) => format!("{file}:{line}: "),
                (Some(file), None) => format!("{file}: "),
                _ => String::new(),
            };
            out.push_str(&format!("{place}{}\n", first.message));
        }
        out.push_str(&self.counted());
        for name in &self.failed_tests {
            out.push_str(&format!("  failing: {name}\n"));
        }
        if let Some(fingerprint) = &self.fingerprint {
            out.push_str(&format!("fingerprint {fingerprint}\n"));
        }
        if let Some([from, to]) = self.lines {
            out.push_str(&format!("\nlines {from} to {to} of the log:\n"));
        }
        for line in self.excerpt.lines() {
            out.push_str(&format!("  | {line}\n"));
        }
        out
    }

    fn counted(&self) -> String {
        let Counts { run, failed, skipped } = self.counts;
        if run + failed + skipped == 0 {
            return String::new();
        }
        format!("tests: {run} run, {failed} failed, {skipped} skipped\n")
    }
}
