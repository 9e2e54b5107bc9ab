//! Brings the events of past runs home: here from the state branch, in `artifacts` from what workflows uploaded. Layer 4.

pub mod artifacts;

use crate::engine::Context;
use crate::engine::state::StateError;
use crate::history;
use crate::model::Timestamp;

/// One run's lines, as they lie on the state branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brought {
    /// The run.
    pub run_id: String,
    /// The day, `2026-11-23`.
    pub day: String,
    /// Its lines.
    pub bytes: Vec<u8>,
}

/// Reads the events of every run since a day, the oldest first; `wanted` says which of them to read at all.
///
/// # Errors
/// When the state branch cannot be read.
pub async fn bring(
    context: &Context<'_>,
    since: Timestamp,
    wanted: &(dyn Fn(&str) -> bool + Sync),
) -> Result<Vec<Brought>, StateError> {
    let state = context.state();
    let snapshot = state.snapshot().await?;
    let mut brought = Vec::new();
    for path in snapshot.below("events/") {
        let Some((day, name)) = path.strip_prefix("events/").and_then(|rest| rest.rsplit_once('/')) else { continue };
        let day = day.replace('/', "-");
        let Some(run_id) = history::run_id_of(name) else { continue };
        if day < since.day() || !wanted(run_id) {
            continue;
        }
        if let Some(bytes) = state.read(&snapshot, path).await? {
            brought.push(Brought { run_id: run_id.to_owned(), day, bytes });
        }
    }
    Ok(brought)
}
