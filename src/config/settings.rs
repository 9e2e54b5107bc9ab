//! The validated configuration: what the engine runs under. Layer 1.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::model::{Allowance, BranchName, MicroUsd, Mode, ModelName, Policy, ProviderKind, RepoSlug, Tier};

/// Money that may be spent, in US dollars; `0` is none, `unlimited` must be spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Budget {
    /// In one run.
    pub run: Allowance,
    /// In one day, UTC by the forge's clock.
    pub day: Allowance,
    /// In one attempt.
    pub attempt: Allowance,
    /// For reports of one author in one day.
    pub author_day: Allowance,
}

impl Default for Budget {
    fn default() -> Self {
        let cap = |cents: u64| Allowance::Cap(MicroUsd(cents * 10_000));
        Self { run: cap(100), day: cap(500), attempt: cap(50), author_day: cap(100) }
    }
}

/// Limits of one run over the whole fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RunSettings {
    /// How long a run may take.
    pub deadline: Duration,
    /// Repositories worked on at once.
    pub concurrency: usize,
    /// Reports read in one repository.
    pub max_issues: u32,
    /// New pull requests of the fleet in one day.
    pub max_prs_per_day: u32,
}

impl Default for RunSettings {
    fn default() -> Self {
        Self { deadline: Duration::from_mins(50), concurrency: 2, max_issues: 50, max_prs_per_day: 20 }
    }
}

/// Where patterns come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PatternSettings {
    /// Whether the library shipped with the program is used.
    pub builtin: bool,
    /// Folders with further patterns, relative to the configuration file.
    pub libraries: Vec<String>,
}

impl Default for PatternSettings {
    fn default() -> Self {
        Self { builtin: true, libraries: Vec::new() }
    }
}

/// What happens with a target that fewer people may see than the operator's repository.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrivateTargets {
    /// A configuration error.
    #[default]
    Refuse,
    /// Ids, counters and money only.
    Opaque,
}

/// Where the state branch lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StateSettings {
    /// The operator's repository; `None` is `$GITHUB_REPOSITORY`, or the embedded forge's own.
    pub repository: Option<RepoSlug>,
    /// The branch.
    pub branch: BranchName,
    /// How long events are kept.
    pub keep_events: Duration,
    /// What happens with private targets.
    pub private: PrivateTargets,
}

impl Default for StateSettings {
    fn default() -> Self {
        Self {
            repository: None,
            branch: "homeostat-state".parse().expect("internal error: the built-in branch is legal"),
            keep_events: Duration::from_hours(400 * 24),
            private: PrivateTargets::default(),
        }
    }
}

/// One provider of models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Provider {
    /// How it is spoken to.
    pub kind: ProviderKind,
    /// Where it is; `None` is the kind's own address.
    pub base_url: Option<String>,
    /// The variable with its key; `None` is the kind's own.
    pub key_env: Option<String>,
    /// Whether its address may be one of a private network.
    pub allow_private: bool,
}

/// Which models a tier asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TierModels {
    /// The one that writes.
    pub model: ModelName,
    /// How often it may try.
    pub tries: u32,
    /// The one that reviews.
    pub reviewer: Option<ModelName>,
}

/// What a million tokens of a model cost by the operator's own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct OwnPrice {
    /// Of the prompt.
    pub input: MicroUsd,
    /// Of the answer.
    pub output: MicroUsd,
    /// Of the prompt, where the provider's cache had it.
    pub cache_read: Option<MicroUsd>,
    /// Of the prompt, where it was written to the provider's cache.
    pub cache_write: Option<MicroUsd>,
}

/// Models: who provides them, which are asked, what they cost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AiSettings {
    /// By name.
    pub providers: BTreeMap<String, Provider>,
    /// By tier.
    pub tiers: BTreeMap<Tier, TierModels>,
    /// Over the built-in table.
    pub prices: BTreeMap<ModelName, OwnPrice>,
}

/// The whole validated configuration.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Config {
    /// The ceiling for every repository.
    pub mode: Mode,
    /// Money.
    pub budget: Budget,
    /// Limits of a run.
    pub run: RunSettings,
    /// Models.
    pub ai: AiSettings,
    /// Patterns.
    pub patterns: PatternSettings,
    /// State.
    pub state: StateSettings,
    /// Effective settings of every repository, in the order of the file.
    pub repositories: Vec<Policy>,
}

impl Config {
    /// Makes the built-in configuration, without repositories.
    pub fn empty() -> Self {
        Self {
            mode: Mode::Ready,
            budget: Budget::default(),
            run: RunSettings::default(),
            ai: AiSettings::default(),
            patterns: PatternSettings::default(),
            state: StateSettings::default(),
            repositories: Vec::new(),
        }
    }
}
