//! Homeostat turns one reported failure into one small, proven pull request, exactly once.
//!
//! The layers and the direction of their imports are explained in `docs/architecture.md`.

pub mod forge;
pub mod model;
pub mod pattern;
pub mod system;
pub mod workspace;
