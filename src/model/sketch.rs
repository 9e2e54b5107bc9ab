//! What is kept of a failure to find its relatives: hashed names, so that no text of a report lies in a state. Layer 0.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// The sketch of a failure. Names and words are short hashes: enough to compare, too little to read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Sketch {
    /// The family of languages.
    pub language: String,
    /// The root's type.
    pub error_type: String,
    /// The type says too little to part two failures.
    pub generic: bool,
    /// Frames with their places from 1, innermost first, throwing ones included.
    pub frames: Vec<(String, u32)>,
    /// The first five frames of the repository.
    pub top: Vec<String>,
    /// Words of the message's template.
    pub words: BTreeSet<String>,
}
