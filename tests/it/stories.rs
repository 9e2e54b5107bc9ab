//! The exactly-once engine as stories, in process, over the memory forge: the whole road, from issue to pull request.
//!
//! Refuses real files, processes and time; what those do is tested where they live.

mod approve;
mod auto_merge;
mod checks;
mod commands;
mod dispatched;
mod doctor;
mod episodes;
mod failed_runs;
mod families;
mod faults;
mod faults_http;
mod faults_matrix;
mod feature_branches;
mod fleet;
mod governance;
mod guards;
mod init;
mod kept;
mod outcomes;
mod private;
mod program;
mod publishing;
mod quiet;
mod races;
mod rebuild;
mod replaced;
mod reverts;
mod waiting;
mod workspace;
mod world;

pub(crate) use world::StillSystem;
