//! The real binary as people and pipelines meet it: arguments in, exit code, standard output, files and a forge out.
//!
//! Every process gets a scrubbed environment and folders of its own. Refuses the network, and whatever the library's
//! own tests can see without a process.

mod bad_input;
mod commands;
mod cost;
mod doctor;
mod formatters;
mod github;
mod hostile_commands;
mod hostile_repository;
mod in_actions;
mod init;
mod kill;
mod main_job;
mod network;
mod others;
mod outcomes;
mod preflight;
mod private;
mod pull;
mod pushes_and_runs;
mod reports_and_diffs;
mod shards;
mod stages;
mod traces;
mod world;
