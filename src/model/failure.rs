//! What a report says went wrong, as read from its text. Layer 0.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Kind, Lane, Language, ObjectId, Untrusted};

/// One frame of a stack trace, as written in the report; innermost frames come first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Frame {
    /// The function's name as written, without arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// The module, class or package that the trace names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// The file as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The column in Unicode scalars, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
}

/// One exception of a chain of causes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Exception {
    /// The type as written (`TypeError`, `java.lang.NullPointerException`, `panic`).
    #[serde(rename = "type")]
    pub type_name: String,
    /// The message, without the type.
    #[serde(default)]
    pub message: Untrusted,
    /// Frames, innermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frames: Vec<Frame>,
}

/// What a report says went wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Failure {
    /// The language of the trace, where it can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// The chain of causes, the root cause first, then what it caused; never empty in a failure that can be acted on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chain: Vec<Exception>,
    /// The tool whose output this is (`pytest`, `cargo-test`, `tsc`), for logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// The tool's own code for the diagnostic (`E0425`, `TS2304`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Who can do something about it, where the text tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<Lane>,
    /// What failed, where the text tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// Names of failing tests that the report gives, as its runner writes them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<String>,
    /// The commit on which it was seen, where the report names one in full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<ObjectId>,
    /// The job or service that failed, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// Breadcrumbs, oldest first; made from job, location and context where the report has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub breadcrumbs: Vec<Untrusted>,
    /// Other fields of the report (`Environment: production`), by lower-case name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub context: BTreeMap<String, Untrusted>,
    /// A fingerprint that the report claims: a hint for people, never an identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Failure {
    /// Returns the root cause, where anything was read.
    pub fn root(&self) -> Option<&Exception> {
        self.chain.first()
    }

    /// Returns the root cause's type, or `unknown`.
    pub fn error_type(&self) -> &str {
        self.root().map(|e| e.type_name.as_str()).filter(|name| !name.is_empty()).unwrap_or("unknown")
    }

    /// Returns the root cause's message, or nothing.
    pub fn message(&self) -> &str {
        self.root().map_or("", |e| e.message.as_str())
    }

    /// Returns the frames of the first exception of the chain that has any, innermost first.
    pub fn frames(&self) -> &[Frame] {
        self.chain.iter().map(|e| e.frames.as_slice()).find(|frames| !frames.is_empty()).unwrap_or(&[])
    }
}
