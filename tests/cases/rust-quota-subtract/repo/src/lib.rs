//! Quotas of projects on shared storage.

pub mod account;
pub mod units;

pub use account::{Account, Level};
