//! Reads the configuration: raw YAML → checked settings, all problems at once, each with its place. Layer 1.

mod check;
mod environment;
mod fields;
pub mod guess;
mod init;
mod keys;
mod load;
mod models;
mod problem;
mod raw;
mod reference;
mod settings;
mod show;
mod template;

pub use init::{CONFIG_PATH, InitRepo, PinnedAction, WORKFLOW_PATH, first_config, first_workflow};
pub use load::{Beside, Flags, LoadInput, Loaded, MAX_REPOSITORIES, Origin, load};
pub use problem::{Place, Problem, ProblemCode, Problems};
pub use raw::MAX_BYTES;
pub use reference::{environment_file, reference, schema};
pub use settings::{
    AiSettings, Budget, Config, OwnPrice, PatternSettings, PrivateTargets, Provider, RunSettings, StateSettings,
    TierModels,
};
pub use show::{show, show_json};
pub use template::{BODY_VARIABLES, FEATURE_VARIABLES, MAX_TEMPLATE, TITLE_VARIABLES};
