//! What is wrong with a pattern or a library, and where. Layer 1.

use std::fmt;

use serde::Serialize;

/// Where a problem lies.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The column, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
}

/// Whether a problem keeps a pattern from being used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It does.
    Error,
    /// It does not, but a person should look.
    Warning,
}

/// One thing that is wrong with a pattern.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// The pattern, where its id is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The stable code.
    pub code: &'static str,
    /// Whether it keeps the pattern from being used.
    pub severity: Severity,
    /// A whole sentence.
    pub message: String,
    /// Where it lies.
    #[serde(rename = "where")]
    pub place: Place,
}

impl Problem {
    pub(crate) const fn error(id: Option<String>, code: &'static str, message: String, place: Place) -> Self {
        Self { id, code, severity: Severity::Error, message, place }
    }

    pub(crate) const fn warning(id: Option<String>, code: &'static str, message: String, place: Place) -> Self {
        Self { id, code, severity: Severity::Warning, message, place }
    }
}

impl fmt::Display for Problem {
    /// Writes `file:line:column: pattern id: message [code]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.place.file {
            write!(f, "{file}:")?;
            for number in [self.place.line, self.place.column].into_iter().flatten() {
                write!(f, "{number}:")?;
            }
            f.write_str(" ")?;
        }
        if let Some(id) = &self.id {
            write!(f, "pattern {id}: ")?;
        }
        write!(f, "{} [{}]", self.message, self.code)
    }
}
