//! Nouns of the whole program: plain, validated types that every layer shares.
//!
//! Nothing here decides anything or touches the world; a type only says what it guarantees. Layer 0.

mod candidate;
mod evidence;
mod failure;
mod fingerprint;
mod money;
mod name;
mod outcome;
mod patch;
mod path;
mod policy;
mod reason;
mod report;
mod setup;
mod sketch;
mod state;
mod taxonomy;
mod tests_run;
mod text;
mod time;
mod verdict;

pub use candidate::{
    AlsoFixes, Anchor, CANDIDATE_SCHEMA, Candidate, CandidateFile, Expiry, MANIFEST_SCHEMA, Manifest, Related, Settled,
};
pub use evidence::{Evidence, EvidenceKind, Resources, SandboxLevel, SandboxReport, Tally};
pub use failure::{Exception, Failure, Frame};
pub use fingerprint::{Family, Fingerprint, FingerprintError, base32_lower, sha256_hex, sha256_prefixed};
pub use money::{Allowance, MicroUsd, Tokens};
pub use name::{BranchName, ModelName, NameError, ObjectId, RepoSlug};
pub use outcome::{KnownOutcome, KnownOutcomes, KnownRed, OUTCOMES_SCHEMA, PullEnd, PullOutcome};
pub use patch::{FileChange, FileMode, FileState, Patch};
pub use path::{PathError, RepoPath};
pub use policy::{
    Asked, AutoMerge, Evidentiary, Limits, MergeMethod, Mode, NativeFixers, NetworkAccess, OpenPr, PathFilters,
    Permission, Policy, Project, PullRequestStyle, RuleSetting, SandboxPolicy, SandboxRequirement, TestCommands,
    WorkflowFilter,
};
pub use reason::{Reason, ReasonClass};
pub use report::{Actor, ActorKind, Report, ReportId};
pub use setup::{
    About, BranchRules, Environment, Hosted, Machine, OperatorSetup, Rate, RepositorySetup, ScheduledRun, Seen,
    TokenSetup, TokenSort, Unseen, WorkflowGrant,
};
pub use sketch::Sketch;
pub use state::{AttemptRecord, FailureState, STATE_SCHEMA};
pub use taxonomy::{DataClass, Kind, Lane, Language, ProviderKind, Source, Status, Tier};
pub use tests_run::{Counts, TestOutcome, TestRun};
pub use text::{Secret, Untrusted};
pub use time::{Timestamp, format_duration, parse_duration};
pub use verdict::{Ruling, Side, Verdict, Violation};
