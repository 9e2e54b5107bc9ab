//! `binary`: a person can read everything that changes (V-58). Layer 1.
//!
//! Refuses encoded data that is hidden in one long line, or wrapped over many, too.

use crate::guardrail::change::Change;
use crate::guardrail::rule::{Context, Findings, Rule};
use crate::model::Reason;

/// An unbroken run of encoded data longer than this is no source code.
const LONGEST_RUN: usize = 4096;

pub(super) struct Binary;

impl Rule for Binary {
    fn id(&self) -> Reason {
        Reason::Binary
    }

    fn check(&self, change: &Change, _: &Context<'_>, findings: &mut Findings) {
        for file in &change.files {
            if file.binary {
                findings.file(file, "The file is binary, or the diff says so.");
                continue;
            }
            let mut block = Block::default();
            for (number, line) in file.added() {
                if memchr::memchr(0, line).is_some() {
                    findings.new_line(file, number, "The line has a NUL byte.");
                } else if std::str::from_utf8(line).is_err() {
                    findings.new_line(file, number, "The line is not UTF-8.");
                } else if longest_run(line) > LONGEST_RUN {
                    findings.new_line(
                        file,
                        number,
                        format!("The line has more than {LONGEST_RUN} bytes of encoded data."),
                    );
                } else if let Some(first) = block.next(number, line) {
                    findings.new_line(
                        file,
                        first,
                        format!("From here on more than {LONGEST_RUN} bytes of encoded data are spread over lines."),
                    );
                }
            }
        }
    }
}

/// A shorter run on a line of its own may be a digest or a long name.
const WRAPPED: usize = 41;

/// Lines of encoded data, one below the other.
#[derive(Default)]
struct Block {
    first: u32,
    last: u32,
    bytes: usize,
    told: bool,
}

impl Block {
    /// Adds a line; returns where the block begins when it becomes too long.
    fn next(&mut self, number: u32, line: &[u8]) -> Option<u32> {
        let run = longest_run(line);
        // All but quotes, a comma and an indent is one run.
        if run < WRAPPED || line.trim_ascii().len() > run + 8 {
            return None;
        }
        if self.last + 1 != number {
            *self = Self { first: number, ..Self::default() };
        }
        self.last = number;
        self.bytes += run;
        if self.told || self.bytes <= LONGEST_RUN {
            return None;
        }
        self.told = true;
        Some(self.first)
    }
}

fn longest_run(line: &[u8]) -> usize {
    let encoded = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'-' | b'_' | b'%' | b'\\');
    line.split(|b| !encoded(b)).map(<[u8]>::len).max().unwrap_or(0)
}
