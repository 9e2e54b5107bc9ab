//! How far a file has been shipped.

use crate::batch::Batch;

/// The place in one file up to which everything was accepted by the collector.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cursor {
    offset: u64,
}

impl Cursor {
    pub fn at(offset: u64) -> Self {
        Self { offset }
    }

    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Notes that the collector took a batch.
    pub fn accept(&mut self, batch: &Batch<'_>) {
        self.offset += batch.bytes;
    }

    /// Bytes of a file of the given size that were not shipped yet.
    pub fn pending(&self, size: u64) -> u64 {
        size - self.offset
    }

    /// True where the file is shorter than what we read of it: it was rotated, and starts anew.
    pub fn was_rotated(&self, size: u64) -> bool {
        size < self.offset
    }

    /// The line of `log-shipper status` for one file.
    pub fn status(&self, name: &str, size: u64) -> String {
        let pending = self.pending(size);
        let note = if self.was_rotated(size) { ", rotated" } else { "" };
        format!("{name}: {pending} bytes pending{note}")
    }
}
