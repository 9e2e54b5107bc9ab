//! Homeostat turns one reported failure into one small, proven pull request, exactly once.
//!
//! The layers and the direction of their imports are explained in `docs/architecture.md`.

pub mod budget;
pub mod config;
pub mod event;
pub mod forge;
pub mod gate;
pub mod guardrail;
pub mod model;
pub mod plan;
pub mod proof;
pub mod redact;
pub mod system;
pub mod workspace;
