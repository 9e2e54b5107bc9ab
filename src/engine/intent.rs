//! What is about to be written to the forge, in the journal before it is written. Layer 4.

use crate::engine::Context;
use crate::event::{Event, Write};
use crate::model::sha256_hex;

/// A write that is about to happen.
pub(crate) struct Intent<'a> {
    pub(crate) repo: String,
    pub(crate) verb: &'a str,
    pub(crate) branch: String,
    /// Under which it is the same write, however often it is tried.
    pub(crate) key: String,
    /// What is written, or what stands for it.
    pub(crate) content: &'a str,
}

impl Context<'_> {
    /// Writes an intent into the journal; where that fails, nothing may be written to the forge.
    pub(crate) fn intend(&self, intent: Intent<'_>) -> Result<(), String> {
        let Intent { repo, verb, branch, key, content } = intent;
        self.recorder.record(self.veil.event(Event::Write(Box::new(Write {
            phase: "intent".to_owned(),
            repo,
            verb: verb.to_owned(),
            branch,
            key,
            digest: sha256_hex(content.as_bytes()),
            result: None,
        }))))
    }
}
