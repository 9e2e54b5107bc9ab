//! Reports: what people and machines file about failures. Layer 0.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{Timestamp, Untrusted};

/// What sort of account acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ActorKind {
    /// A person.
    User,
    /// An app or a machine account.
    Bot,
}

/// An account of the forge; the numeric id is its identity, the login is for people (V-05).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Actor {
    /// The forge's number for the account.
    pub id: u64,
    /// The name shown.
    pub login: String,
    /// Person or machine.
    pub kind: ActorKind,
}

/// The forge's own id of a report.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum ReportId {
    /// An issue, by number.
    Issue {
        /// The issue's number.
        number: u64,
    },
    /// A workflow's job on the base branch.
    Run {
        /// The workflow's file name.
        workflow: String,
        /// The job's name.
        job: String,
    },
}

impl fmt::Display for ReportId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issue { number } => write!(f, "issue #{number}"),
            Self::Run { workflow, job } if job.is_empty() => write!(f, "workflow {workflow}"),
            Self::Run { workflow, job } => write!(f, "workflow {workflow}, job {job}"),
        }
    }
}

/// A report as the forge handed it over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Its identity on the forge.
    pub id: ReportId,
    /// Where a person can read it.
    pub url: String,
    /// The title.
    pub title: Untrusted,
    /// The body, or the log's text.
    pub body: Untrusted,
    /// The author, where the forge knows one.
    pub author: Option<Actor>,
    /// The labels, sorted.
    pub labels: Vec<String>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was opened again after a close, if it was.
    pub reopened_at: Option<Timestamp>,
    /// When it last changed.
    pub updated_at: Timestamp,
}
