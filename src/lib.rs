//! Homeostat turns one reported failure into one small, proven pull request, exactly once.
//!
//! The layers and the direction of their imports are explained in `docs/architecture.md`.

pub mod actions;
pub mod ai;
pub mod budget;
pub mod cli;
pub mod config;
pub mod doctor;
pub mod engine;
pub mod event;
pub mod fingerprint;
pub mod forge;
pub mod gate;
pub mod git;
pub mod guardrail;
pub mod history;
pub mod intake;
pub mod llm;
pub mod model;
pub mod pattern;
pub mod plan;
pub mod proof;
pub mod redact;
pub mod render;
pub mod report;
pub mod system;
mod template;
pub mod workspace;
