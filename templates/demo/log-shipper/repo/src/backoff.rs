//! How long to wait when the collector does not answer.

const BASE_MS: u64 = 250;
const CAP_MS: u64 = 30_000;

/// The delay before try `n`, counted from zero; it doubles up to a cap.
pub fn delay_ms(n: u32) -> u64 {
    BASE_MS.saturating_mul(1 << n.min(10)).min(CAP_MS)
}
