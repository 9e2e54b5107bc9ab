//! The port to whatever can propose a patch, and the fixer of the pattern library. Layer 4.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::model::{Anchor, Failure, FileState, MicroUsd, Patch, Policy, Reason, RepoPath, Source, Tokens};
use crate::pattern;

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

/// What a fixer is asked.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The failure.
    pub failure: &'a Failure,
    /// Places, the most telling first.
    pub places: &'a [Place],
    /// The text of every file that a place is in.
    pub files: &'a BTreeMap<RepoPath, FileState>,
    /// Whether a test shows the failure.
    pub red_target: bool,
    /// The repository's settings.
    pub policy: &'a Policy,
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
}

impl<'a> PatternFixer<'a> {
    /// Makes a fixer of a library.
    pub const fn new(library: &'a pattern::Library) -> Self {
        Self { library }
    }
}

#[async_trait]
impl Fixer for PatternFixer<'_> {
    fn upper_cost(&self) -> MicroUsd {
        MicroUsd::ZERO
    }

    async fn propose(&self, ask: &Ask<'_>) -> Result<Vec<Proposed>, Reason> {
        propose_patterns(self.library, ask)
    }
}

fn propose_patterns(library: &pattern::Library, ask: &Ask<'_>) -> Result<Vec<Proposed>, Reason> {
    let _ = (library, ask);
    Err(Reason::NoFixer)
}
