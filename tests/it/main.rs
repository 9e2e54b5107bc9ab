//! The one integration test crate: a new subject is a new module here, so that little is linked.
//!
//! Refuses to hold logic of its own; helpers that several subjects share become modules too.

#![expect(
    clippy::disallowed_methods,
    reason = "tests read the tree and the clock directly; the boundary is for `src/`"
)]

mod action;
mod architecture;
// Proving is for Linux and macOS, and what kills, forks and limits is theirs too.
#[cfg(unix)]
mod cli;
mod config;
mod diagnose;
mod docs;
mod forge_conformance;
mod generated;
mod generated_config;
mod generated_schemas;
mod guardrail;
mod http;
mod intake;
mod log;
mod patterns;
mod prompts;
mod render;
mod sample;
mod stories;
mod workspace;
