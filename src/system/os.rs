//! The clock and chance of the machine. Layer 3.

#![expect(clippy::disallowed_methods, reason = "the adapter of the system port reads the real clock and random source")]

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;

use crate::model::Timestamp;
use crate::system::System;

/// Where the monotonic clock starts; the first question sets it.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The machine's own clock and random source.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsSystem;

impl OsSystem {
    /// Makes it; there is nothing to configure.
    pub fn new() -> Self {
        Self
    }
}

#[async_trait]
impl System for OsSystem {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Duration {
        START.elapsed()
    }

    async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }

    fn random(&self) -> [u8; 16] {
        let mut bytes = [0_u8; 16];
        getrandom::fill(&mut bytes).expect("internal error: the system has no random source");
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_monotonic_clock_never_steps_back_and_chance_differs() {
        let system = OsSystem::new();
        let first = system.monotonic();
        assert!(system.monotonic() >= first);
        assert!(system.now().as_millis() > 1_600_000_000_000);
        assert_ne!(system.random(), system.random());
    }
}
