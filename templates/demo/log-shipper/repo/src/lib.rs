//! Follows log files and cuts what is new into batches.

pub mod backoff;
pub mod batch;
pub mod cursor;
pub mod positions;
