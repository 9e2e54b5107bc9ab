//! Reads the configuration: raw YAML → checked settings, all problems at once, each with its place. Layer 1.

pub mod guess;
mod settings;
mod standin;

pub use settings::{Budget, Config, PatternSettings, PrivateTargets, RunSettings, StateSettings};
pub use standin::{Flags, LoadInput, Loaded, Problems, load};
