//! Reads what compilers, type checkers, linters, formatters and package managers complain about.
//!
//! One file a tool, one registry. A complaint is recognised by the shape that only its tool writes; warnings are no
//! complaints, and what a build tool says about another tool's failure is left to the last resort. Linear, and never
//! more than a bounded number a tool. Layer 1.

mod annotation;
mod ant;
mod black;
mod cargo;
mod dotnet;
mod eslint;
mod flake8;
mod gcc;
mod go;
mod gofmt;
mod golangci;
mod gradle;
mod isort;
mod javac;
mod kotlin;
mod maven;
mod mypy;
mod npm;
mod pip;
mod place;
mod prettier;
mod pylint;
mod pyright;
mod ruff;
mod rustc;
mod rustfmt;
mod scala;
#[cfg(test)]
mod tests;
mod tsc;
mod webpack;

use std::ops::Range;

use crate::intake::log::step::Row;
use crate::intake::scan;
use crate::model::{Exception, Failure, Frame, Kind, Lane, Language};

/// The most diagnostics that are kept of one tool.
const MOST: usize = 2000;

/// One complaint of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Diagnostic {
    /// The tool's name in a failure.
    pub(super) tool: &'static str,
    pub(super) kind: Kind,
    pub(super) lane: Lane,
    /// The tool's own code or rule.
    pub(super) code: Option<String>,
    pub(super) message: String,
    /// The file as written.
    pub(super) file: Option<String>,
    pub(super) line: Option<u32>,
    pub(super) column: Option<u32>,
    /// The rows that show it.
    pub(super) rows: Range<usize>,
    /// It only repeats that something failed.
    pub(super) vague: bool,
}

impl Diagnostic {
    /// Makes a complaint that stands on one row.
    fn at(row: usize, tool: &'static str, kind: Kind, message: &str) -> Self {
        Self {
            tool,
            kind,
            lane: Lane::Code,
            code: None,
            message: scan::message(message).as_str().to_owned(),
            file: None,
            line: None,
            column: None,
            rows: row..row + 1,
            vague: false,
        }
    }

    /// Adds where it is.
    fn in_file(mut self, file: &str, line: Option<u32>, column: Option<u32>) -> Self {
        self.file = Some(file.strip_prefix("./").unwrap_or(file).to_owned());
        self.line = line;
        self.column = column;
        self
    }

    /// Adds the tool's code.
    fn with_code(mut self, code: Option<&str>) -> Self {
        self.code = code.filter(|code| !code.is_empty() && code.len() <= 120).map(str::to_owned);
        self
    }

    /// Says that it only repeats that something failed.
    fn vaguely(mut self) -> Self {
        self.vague = true;
        self
    }

    /// Returns it as a failure.
    pub(super) fn failure(&self) -> Failure {
        let frames = self.file.iter().map(|file| Frame {
            path: Some(file.clone()),
            line: self.line,
            column: self.column,
            ..Frame::default()
        });
        let type_name = self.code.clone().unwrap_or_else(|| self.tool.to_owned());
        Failure {
            language: self.file.as_deref().and_then(Language::of_path),
            chain: vec![Exception { type_name, message: scan::message(&self.message), frames: frames.collect() }],
            tool: Some(self.tool.to_owned()),
            code: self.code.clone(),
            lane: Some(self.lane),
            kind: Some(self.kind),
            ..Failure::default()
        }
    }
}

/// What a reader looks at: the output, and what ran.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output<'a> {
    pub(super) rows: &'a [Row<'a>],
    /// The commands of the step, where the log shows them.
    pub(super) command: &'a [Row<'a>],
}

impl Output<'_> {
    /// Returns whether the step's commands, or a command echoed in its output, have the word.
    fn ran(&self, word: &str) -> bool {
        let echoed = |row: &&Row<'_>| row.raw.starts_with(['$', '+', '>']) || row.raw.starts_with("##[command]");
        self.command.iter().chain(self.rows.iter().filter(echoed)).any(|row| row.raw.contains(word))
    }
}

type Reader = fn(&Output<'_>) -> Vec<Diagnostic>;

/// Every tool; of two that read one row, the earlier one has it.
const READERS: [Reader; 28] = [
    rustc::read,
    rustfmt::read,
    cargo::read,
    tsc::read,
    dotnet::read,
    eslint::read,
    prettier::read,
    golangci::read,
    go::read,
    gofmt::read,
    javac::read,
    kotlin::read,
    scala::read,
    ruff::read,
    flake8::read,
    pylint::read,
    black::read,
    isort::read,
    mypy::read,
    pyright::read,
    gcc::read,
    webpack::read,
    pip::read,
    npm::read,
    maven::read,
    gradle::read,
    ant::read,
    annotation::read,
];

/// Reads all complaints, in the order of their rows.
pub(super) fn read(output: &Output<'_>) -> Vec<Diagnostic> {
    let mut taken = vec![false; output.rows.len()];
    let mut all: Vec<Diagnostic> = Vec::new();
    for reader in READERS {
        let mut found = reader(output);
        found.truncate(MOST);
        found.retain(|one| taken.get(one.rows.start) == Some(&false));
        for one in &found {
            taken[one.rows.start] = true;
        }
        all.extend(found);
    }
    all.sort_by_key(|one| one.rows.start);
    all
}
