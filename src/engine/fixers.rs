//! The port to whatever can propose a patch, and the fixer of the pattern library. Layer 4.

mod native;

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::model::{Anchor, Failure, FileState, MicroUsd, Patch, Policy, Reason, RepoPath, Source, Timestamp, Tokens};
use crate::pattern;
use crate::workspace::Execution;

pub use native::NativeFixer;

/// A place in the code that the report points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: RepoPath,
    /// The line in the base, from 1; none where only the file is known.
    pub line: Option<u32>,
    /// The column, from 1.
    pub column: Option<u32>,
    /// The function that the frame names.
    pub function: Option<String>,
    /// How the place was found.
    pub anchor: Anchor,
}

/// Where a fixer may run a tool of the repository: copies of the base after setup, in the sandbox, without network.
#[async_trait]
pub trait Bench: Send + Sync {
    /// Runs a command in a fresh copy, and reads files back from it.
    ///
    /// # Errors
    /// The reason for which the machine could not.
    async fn run(&self, command: &str, read: &[RepoPath])
    -> Result<(Execution, BTreeMap<RepoPath, FileState>), Reason>;

    /// Returns the folder that commands run in; `None` is the root.
    fn folder(&self) -> Option<&RepoPath>;

    /// Returns every file of the base.
    fn tree(&self) -> &[RepoPath];

    /// Returns the repository's own command that formats the files named behind it.
    fn format_command(&self) -> Option<&str>;

    /// Writes that command for some files.
    fn format_files(&self, command: &str, files: &[RepoPath]) -> String;
}

/// What a fixer is asked.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// The failure.
    pub failure: &'a Failure,
    /// Places, the most telling first.
    pub places: &'a [Place],
    /// The text of every file that a place is in.
    pub files: &'a BTreeMap<RepoPath, FileState>,
    /// Whether a test or a check shows the failure.
    pub red_target: bool,
    /// The repository's settings.
    pub policy: &'a Policy,
    /// Where tools of the repository run.
    pub bench: &'a dyn Bench,
}

impl std::fmt::Debug for Ask<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ask").field("failure", self.failure).field("places", &self.places).finish_non_exhaustive()
    }
}

/// A patch that a fixer proposes; nothing is proven yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposed {
    /// The change.
    pub patch: Patch,
    /// Who proposes it.
    pub source: Source,
    /// The pattern's or fixer's id.
    pub id: Option<String>,
    /// The pattern's confidence.
    pub confidence: Option<f64>,
    /// The model tier.
    pub tier: Option<String>,
    /// What changes, in a few words.
    pub title: String,
    /// Why, in plain words.
    pub why: String,
    /// How the place was found.
    pub anchor: Anchor,
    /// What asking for it cost.
    pub cost: MicroUsd,
    /// Tokens that asking for it took.
    pub tokens: Tokens,
}

/// Anything that can propose patches for a failure.
#[async_trait]
pub trait Fixer: Send + Sync {
    /// Names it in logs.
    fn name(&self) -> &'static str;

    /// Returns the most that one call can cost; zero is free.
    fn upper_cost(&self) -> MicroUsd;

    /// Proposes patches, the best first; none is a good answer.
    ///
    /// # Errors
    /// The reason for which it has nothing to say, where it knows one.
    async fn propose(&self, ask: &Ask<'_>) -> Result<Vec<Proposed>, Reason>;
}

/// The pattern library as a fixer: free, deterministic, local.
#[derive(Debug)]
pub struct PatternFixer<'a> {
    library: &'a pattern::Library,
    now: Timestamp,
}

impl<'a> PatternFixer<'a> {
    /// Makes a fixer of a library; `now` is the moment that statistics are decayed to.
    pub const fn new(library: &'a pattern::Library, now: Timestamp) -> Self {
        Self { library, now }
    }
}

#[async_trait]
impl Fixer for PatternFixer<'_> {
    fn name(&self) -> &'static str {
        "pattern"
    }

    fn upper_cost(&self) -> MicroUsd {
        MicroUsd::ZERO
    }

    async fn propose(&self, ask: &Ask<'_>) -> Result<Vec<Proposed>, Reason> {
        propose_patterns(self.library, ask, self.now)
    }
}

/// Asks the library at every place; a place without a line can be trusted only with a test that tells right from wrong.
fn propose_patterns(library: &pattern::Library, ask: &Ask<'_>, now: Timestamp) -> Result<Vec<Proposed>, Reason> {
    let spots: Vec<pattern::Spot> = ask
        .places
        .iter()
        .map(|place| pattern::Spot {
            path: place.path.clone(),
            line: place.line,
            column: place.column,
            function: place.function.clone(),
        })
        .collect();
    let text_of = |path: &RepoPath| ask.files.get(path).and_then(|file| String::from_utf8(file.content.clone()).ok());
    let options = pattern::Options {
        red_target: ask.red_target,
        draft_threshold: ask.policy.draft_threshold,
        statistics: &pattern::Statistics::default(),
        now,
    };
    let answer = pattern::propose(library, ask.failure, &text_of, &spots, &options);
    let anchor_of = |path: &RepoPath| ask.places.iter().find(|place| place.path == *path).map(|place| place.anchor);
    let mut proposals = Vec::new();
    for proposal in answer.proposals {
        let anchor = anchor_of(&proposal.path).unwrap_or(Anchor::UniqueNode);
        // Without a commit and without a red test the message must fit exactly one node (PROTOCOL.md, 6 (2)).
        if anchor == Anchor::UniqueNode && !proposal.unique {
            continue;
        }
        let Some(before) = ask.files.get(&proposal.path) else { continue };
        let mut patch = Patch::new();
        let after = FileState { mode: before.mode, content: proposal.after.into_bytes() };
        patch.set(proposal.path, Some(before.clone()), Some(after));
        proposals.push(Proposed {
            patch,
            source: Source::Pattern,
            id: Some(proposal.pattern),
            confidence: Some(proposal.confidence),
            tier: None,
            title: proposal.title,
            why: proposal.why,
            anchor,
            cost: MicroUsd::ZERO,
            tokens: Tokens::default(),
        });
    }
    if proposals.is_empty() && !answer.low_confidence.is_empty() {
        return Err(Reason::LowConfidence);
    }
    Ok(proposals)
}
