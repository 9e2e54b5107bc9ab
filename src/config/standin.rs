//! Stand-in. Layer 1.
use crate::config::*;
use crate::model::{Mode, Policy};
use std::collections::BTreeMap;
#[derive(Debug, Clone)]
pub struct Flags {
    pub mode: Option<Mode>,
    pub dry_run: bool,
}
#[derive(Debug)]
pub struct LoadInput<'a> {
    pub file_name: String,
    pub text: &'a [u8],
    pub env: &'a BTreeMap<String, String>,
    pub flags: &'a Flags,
}
#[derive(Debug)]
pub struct Loaded {
    pub config: Config,
    pub warnings: Vec<String>,
    pub environment: String,
}
#[derive(Debug)]
pub struct Problems;
impl std::fmt::Display for Problems {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("problems")
    }
}
pub fn load(input: &LoadInput<'_>) -> Result<Loaded, Problems> {
    let mut repositories: Vec<Policy> = Vec::new();
    for line in String::from_utf8_lossy(input.text).lines() {
        let line = line.trim();
        if let Some(slug) = line.strip_prefix("- slug: ") {
            repositories.push(Policy::built_in(slug.parse().map_err(|_| Problems)?));
        }
        if let Some(test) = line.strip_prefix("test_command: ") {
            repositories.last_mut().ok_or(Problems)?.commands.test = serde_json::from_str(test).ok();
        }
    }
    Ok(Loaded {
        config: Config {
            mode: Mode::Ready,
            budget: Budget::default(),
            run: RunSettings::default(),
            patterns: PatternSettings::default(),
            state: StateSettings::default(),
            repositories,
        },
        warnings: vec![],
        environment: "dev".to_owned(),
    })
}
