//! The port to clock and chance; files, processes and the network have ports of their own. Layer 2.

pub mod os;

use std::time::Duration;

use async_trait::async_trait;

use crate::model::Timestamp;

/// Time and chance, so that the engine is deterministic under test.
#[async_trait]
pub trait System: Send + Sync {
    /// Returns the local wall clock; ages and windows use the forge's clock instead.
    fn now(&self) -> Timestamp;

    /// Returns a clock that never steps back, from an arbitrary start.
    fn monotonic(&self) -> Duration;

    /// Waits.
    async fn sleep(&self, span: Duration);

    /// Returns unpredictable bytes, for boundaries and ids.
    fn random(&self) -> [u8; 16];
}
