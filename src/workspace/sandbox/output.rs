//! Keeps the head and the tail of a command's output within a fixed size. Layer 3.

use std::collections::VecDeque;

/// Output as it came, at most `limit` bytes of it.
#[derive(Debug)]
pub(super) struct Capture {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    head_limit: usize,
    tail_limit: usize,
    total: u64,
}

impl Capture {
    /// Makes an empty one; three quarters of the limit are head, for the first error is there, the rest is tail.
    pub(super) fn new(limit: u64) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let tail_limit = limit / 4;
        Self { head: Vec::new(), tail: VecDeque::new(), head_limit: limit - tail_limit, tail_limit, total: 0 }
    }

    /// Takes the next bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let room = self.head_limit.saturating_sub(self.head.len()).min(bytes.len());
        let (first, rest) = bytes.split_at(room);
        self.head.extend_from_slice(first);
        let rest = &rest[rest.len().saturating_sub(self.tail_limit)..];
        let excess = (self.tail.len() + rest.len()).saturating_sub(self.tail_limit);
        self.tail.drain(..excess);
        self.tail.extend(rest);
    }

    /// Returns how many bytes came.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Returns what was kept, and whether something is missing between head and tail.
    pub(super) fn finish(&mut self) -> (Vec<u8>, bool) {
        let truncated = self.total > (self.head.len() + self.tail.len()) as u64;
        let mut all = std::mem::take(&mut self.head);
        if truncated {
            all.extend_from_slice(b"\n[... output missing here ...]\n");
        }
        all.extend(std::mem::take(&mut self.tail));
        (all, truncated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_output_is_kept_as_it_came() {
        let mut capture = Capture::new(8);
        capture.push(b"abc");
        capture.push(b"defgh");
        assert_eq!(capture.finish(), (b"abcdefgh".to_vec(), false));
    }

    #[test]
    fn long_output_keeps_its_first_and_its_last_bytes_however_it_is_cut() {
        let all: Vec<u8> = (0..200_u8).collect();
        for chunk in [1, 3, 7, 200] {
            let mut capture = Capture::new(8);
            for part in all.chunks(chunk) {
                capture.push(part);
            }
            assert_eq!(capture.total(), 200);
            let (kept, truncated) = capture.finish();
            assert!(truncated);
            assert!(kept.starts_with(&all[..6]) && kept.ends_with(&all[198..]), "{chunk}");
        }
    }
}
