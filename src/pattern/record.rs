//! The record of one pattern, as it is written in YAML and JSON. Layer 1.
//!
//! These are plain data: what is sound is said by `checked`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::Language;
use crate::pattern::confidence::AUTHORED_PRIOR;

/// The schema's name of a pattern's record.
pub const PATTERN_SCHEMA: &str = "homeostat.pattern/1";

/// Where a pattern comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Written by a person.
    #[default]
    Authored,
    /// Learned from fixes.
    Learned,
    /// Taken from another library.
    Imported,
}

/// Which failures a pattern is for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Last segments of exception types; any where empty.
    #[serde(default)]
    pub exception: Vec<String>,
    /// Message templates; any where empty.
    #[serde(default)]
    pub message: Vec<String>,
    /// Whether it fires only against a red target test.
    #[serde(default)]
    pub requires_red_target: bool,
}

/// How near a match must be to the reported line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reach {
    /// The matched node covers the line.
    Line,
    /// It lies in the function around the line.
    Function,
    /// It lies in the file.
    File,
}

/// Globs of files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paths {
    /// Files it may change; all where empty.
    #[serde(default)]
    pub include: Vec<String>,
    /// Files it must not change.
    #[serde(default)]
    pub exclude: Vec<String>,
}

/// Where a pattern may match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Where {
    /// How near to the reported line.
    pub anchor: Reach,
    /// In which files.
    #[serde(default)]
    pub paths: Paths,
}

/// In what language a rewrite is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RewriteKind {
    /// An ast-grep rule with a fix.
    #[serde(rename = "ast-grep")]
    AstGrep,
}

/// One way to find and change code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rewrite {
    /// The rule's language.
    pub kind: RewriteKind,
    /// The rule.
    pub rule: Value,
    /// Conditions on what the rule captures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constraints: Option<Value>,
    /// Named parts of the rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utils: Option<Value>,
    /// New captures computed from others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transform: Option<Value>,
    /// What is put in place of a match.
    pub fix: Value,
}

/// What is believed of a pattern before anything was seen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prior {
    /// Alpha and beta of the Beta distribution.
    pub prior: (f64, f64),
}

impl Default for Prior {
    fn default() -> Self {
        Self { prior: AUTHORED_PRIOR }
    }
}

/// How much one application may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EditLimits {
    /// Separate places.
    pub max_edits: u32,
    /// Bytes removed or put in, whichever is more.
    pub max_bytes: u32,
}

impl Default for EditLimits {
    fn default() -> Self {
        Self { max_edits: 3, max_bytes: 2000 }
    }
}

/// A failure and what the pattern makes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Positive {
    /// The message.
    pub message: String,
    /// The exception's type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<String>,
    /// The reported line.
    pub line: u32,
    /// The reported column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// The text before.
    pub before: String,
    /// The text after.
    pub after: String,
}

/// A failure of which the pattern makes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Negative {
    /// The message.
    pub message: String,
    /// The exception's type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<String>,
    /// The reported line.
    pub line: u32,
    /// The text.
    pub code: String,
    /// Why nothing must be made of it.
    pub why: String,
}

/// The contract of a pattern, replayed whenever it is checked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Examples {
    /// What it solves.
    #[serde(default)]
    pub positive: Vec<Positive>,
    /// What it leaves alone although the message fits.
    #[serde(default)]
    pub negative: Vec<Negative>,
    /// Code in which nothing is wrong.
    #[serde(default)]
    pub valid: Vec<String>,
}

/// The record of a pattern, as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// [`PATTERN_SCHEMA`].
    #[serde(default = "schema")]
    pub schema: String,
    /// The slug that names it.
    pub id: String,
    /// One line.
    pub title: String,
    /// Plain words; may use `{captures}` of the message.
    pub why: String,
    /// Where it comes from.
    #[serde(default)]
    pub origin: Origin,
    /// Languages of the files it may change.
    pub languages: Vec<Language>,
    /// Failures it is for.
    pub signature: Signature,
    /// Places it may match.
    #[serde(rename = "where")]
    pub place: Where,
    /// Ways to change code; each match of each is a candidate of its own.
    pub rewrite: Vec<Rewrite>,
    /// What is believed of it before anything was seen.
    #[serde(default)]
    pub confidence: Prior,
    /// How much it may change.
    #[serde(default)]
    pub limits: EditLimits,
    /// Its contract.
    pub examples: Examples,
}

fn schema() -> String {
    PATTERN_SCHEMA.to_owned()
}
