//! A change as the guardrails see it: files by path, hunks of lines, whole contents where they are known. Layer 1.
//!
//! A rename is a deletion and a creation (V-59). Refuses to touch a disk: the tree is asked through [`TreeView`].

use std::fmt::Write as _;

use crate::guardrail::lines::{self, Edit};
use crate::model::{FileMode, FileState, Patch, RepoPath};

/// The files of the base, as rules that need them may ask.
pub trait TreeView {
    /// Returns a file of the base, if it is there.
    fn read(&self, path: &RepoPath) -> Option<FileState>;
    /// Lists every path of the base.
    fn paths(&self) -> Vec<RepoPath>;
}

/// Says why a diff cannot be read exactly.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the diff: {why}")]
pub struct MalformedDiff {
    /// The line of the diff, from 1.
    pub line: u32,
    /// What is wrong with it.
    pub why: String,
}

/// What a line of a hunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// On both sides.
    Context,
    /// Only on the new side.
    Added,
    /// Only on the old side.
    Removed,
}

/// One line of a hunk, without its `\n`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Which side has it.
    pub kind: LineKind,
    /// Its bytes; a `\r` before the line's end is one of them.
    pub text: Vec<u8>,
    /// Whether a `\n` follows; only the last line of a file may have none.
    pub ended: bool,
}

/// Neighbouring lines of a file; starts are the line numbers, from 1, at which each side's part lies or would lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// Where it lies before.
    pub old_start: u64,
    /// Where it lies after.
    pub new_start: u64,
    /// Its lines.
    pub lines: Vec<Line>,
}

impl Hunk {
    pub(crate) fn count(&self, without: LineKind) -> u64 {
        self.lines.iter().filter(|line| line.kind != without).count() as u64
    }
}

/// A file's mode as far as a diff tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModeSeen {
    /// The file is not there on this side.
    Absent,
    /// The diff does not say.
    Unsaid,
    /// A mode that git can hold.
    Known(FileMode),
    /// Anything else.
    Odd(String),
}

/// Whole contents of a file; `None` where it is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// Before.
    pub before: Option<Vec<u8>>,
    /// After.
    pub after: Option<Vec<u8>>,
}

/// What happens to one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDiff {
    /// The path as the diff writes it, which may be no legal one.
    pub path: String,
    /// The mode before.
    pub old_mode: ModeSeen,
    /// The mode after.
    pub new_mode: ModeSeen,
    /// Whether the diff says that the content is binary.
    pub binary: bool,
    /// What changes, in order.
    pub hunks: Vec<Hunk>,
    /// Whole contents, where known.
    pub whole: Option<Whole>,
    /// The file that this one is a copy of; its lines are told only as far as they differ.
    pub(crate) copied_from: Option<String>,
    /// Whether it was taken away under a name that the diff gives to another, so that its lines are not told.
    pub(crate) untold: bool,
    /// The line of the diff where it begins.
    pub(crate) line: u32,
}

impl FileDiff {
    /// Returns whether the file comes into being.
    pub fn is_created(&self) -> bool {
        self.old_mode == ModeSeen::Absent
    }

    /// Returns whether the file goes away.
    pub fn is_deleted(&self) -> bool {
        self.new_mode == ModeSeen::Absent
    }

    /// Returns added lines with their numbers in the new file.
    pub fn added(&self) -> impl Iterator<Item = (u32, &[u8])> {
        self.numbered(LineKind::Added)
    }

    /// Returns removed lines with their numbers in the old file.
    pub fn removed(&self) -> impl Iterator<Item = (u32, &[u8])> {
        self.numbered(LineKind::Removed)
    }

    fn numbered(&self, kind: LineKind) -> impl Iterator<Item = (u32, &[u8])> {
        let other = if kind == LineKind::Added { LineKind::Removed } else { LineKind::Added };
        self.hunks.iter().flat_map(move |hunk| {
            let start = if kind == LineKind::Added { hunk.new_start } else { hunk.old_start };
            let counted = hunk.lines.iter().filter(move |line| line.kind != other);
            counted
                .zip(start..)
                .filter(move |(line, _)| line.kind == kind)
                .map(|(line, number)| (u32::try_from(number).unwrap_or(u32::MAX), line.text.as_slice()))
        })
    }

    /// Returns whether its lines are told only in part, so that nothing can be counted.
    pub(crate) fn is_partial(&self) -> bool {
        self.whole.is_none() && (self.untold || self.copied_from.is_some())
    }

    /// Returns whether anything is different after.
    pub(crate) fn changes_something(&self) -> bool {
        self.binary
            || self.old_mode != self.new_mode
            || self.hunks.iter().any(|hunk| hunk.lines.iter().any(|line| line.kind != LineKind::Context))
    }

    /// Makes it of whole files.
    pub(crate) fn of_files(path: String, line: u32, before: Option<&FileState>, after: Option<&FileState>) -> Self {
        let mode = |file: Option<&FileState>| file.map_or(ModeSeen::Absent, |file| ModeSeen::Known(file.mode));
        let bytes = |file: Option<&FileState>| file.map(|file| file.content.clone());
        let (old, new) = (before.map_or(&[][..], |f| &f.content), after.map_or(&[][..], |f| &f.content));
        let binary = old != new && (is_binary(old) || is_binary(new));
        Self {
            path,
            old_mode: mode(before),
            new_mode: mode(after),
            binary,
            hunks: if binary { Vec::new() } else { hunks(old, new) },
            whole: Some(Whole { before: bytes(before), after: bytes(after) }),
            copied_from: None,
            untold: false,
            line,
        }
    }
}

/// Returns whether bytes are no text that a diff could carry.
pub(crate) fn is_binary(bytes: &[u8]) -> bool {
    memchr::memchr(0, bytes).is_some() || std::str::from_utf8(bytes).is_err()
}

/// A change of files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// What happens, each path once.
    pub files: Vec<FileDiff>,
}

impl Change {
    /// Makes the change that a patch means.
    pub fn from_patch(patch: &Patch) -> Self {
        let files = patch
            .changes()
            .map(|(path, change)| {
                FileDiff::of_files(path.as_str().to_owned(), 1, change.before.as_ref(), change.after.as_ref())
            })
            .collect();
        Self { files }
    }

    /// Reads a unified diff, plain or git's, exactly: hostile bytes end in an error, never in a guess.
    ///
    /// # Errors
    /// When any line is not what the format asks for.
    pub fn parse(bytes: &[u8]) -> Result<Self, MalformedDiff> {
        crate::guardrail::parse::parse(bytes)
    }

    /// Completes every file from the base, so that all rules can look.
    ///
    /// # Errors
    /// When a hunk does not fit the base exactly: no fuzz, no search for another place (V-65).
    pub fn complete(self, tree: &dyn TreeView) -> Result<Self, MalformedDiff> {
        crate::guardrail::complete::complete(self, tree)
    }

    /// Writes the change as git would, three lines of context, files in order.
    pub fn to_diff(&self) -> String {
        let mut out = String::new();
        for file in &self.files {
            write_file(&mut out, file);
        }
        out
    }
}

/// Lines of context around a change.
const CONTEXT: usize = 3;

fn split(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|b| *b == b'\n').collect()
}

fn hunks(old: &[u8], new: &[u8]) -> Vec<Hunk> {
    let (old, new) = (split(old), split(new));
    let edits = lines::diff(&old, &new);
    let touched: Vec<usize> =
        edits.iter().enumerate().filter(|(_, edit)| !matches!(edit, Edit::Keep(..))).map(|(i, _)| i).collect();
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for at in touched {
        let (from, to) = (at.saturating_sub(CONTEXT), (at + CONTEXT + 1).min(edits.len()));
        match ranges.last_mut() {
            Some((_, end)) if from <= *end => *end = to,
            _ => ranges.push((from, to)),
        }
    }
    let (mut at, mut old_line, mut new_line) = (0, 1_u64, 1_u64);
    let mut hunks = Vec::with_capacity(ranges.len());
    for (from, to) in ranges {
        // Between hunks there are only lines that stay.
        old_line += (from - at) as u64;
        new_line += (from - at) as u64;
        let mut hunk = Hunk { old_start: old_line, new_start: new_line, lines: Vec::with_capacity(to - from) };
        for edit in &edits[from..to] {
            let (kind, bytes) = match *edit {
                Edit::Keep(i, _) => (LineKind::Context, old[i]),
                Edit::Remove(i) => (LineKind::Removed, old[i]),
                Edit::Add(j) => (LineKind::Added, new[j]),
            };
            old_line += u64::from(kind != LineKind::Added);
            new_line += u64::from(kind != LineKind::Removed);
            let (text, ended) = bytes.strip_suffix(b"\n").map_or((bytes, false), |text| (text, true));
            hunk.lines.push(Line { kind, text: text.to_vec(), ended });
        }
        at = to;
        hunks.push(hunk);
    }
    hunks
}

fn write_file(out: &mut String, file: &FileDiff) {
    let (old, new) = (quoted("a/", &file.path), quoted("b/", &file.path));
    let _ = writeln!(out, "diff --git {old} {new}");
    let mode = |mode: &ModeSeen| match mode {
        ModeSeen::Known(mode) => mode.as_str().to_owned(),
        ModeSeen::Odd(text) => text.clone(),
        ModeSeen::Absent | ModeSeen::Unsaid => FileMode::Plain.as_str().to_owned(),
    };
    match (&file.old_mode, &file.new_mode) {
        (ModeSeen::Absent, new) => {
            let _ = writeln!(out, "new file mode {}", mode(new));
        }
        (old, ModeSeen::Absent) => {
            let _ = writeln!(out, "deleted file mode {}", mode(old));
        }
        (old, new) if old != new => {
            let _ = writeln!(out, "old mode {}\nnew mode {}", mode(old), mode(new));
        }
        _ => {}
    }
    let none = "/dev/null".to_owned();
    let from = if file.is_created() { &none } else { &old };
    let to = if file.is_deleted() { &none } else { &new };
    if file.binary {
        let _ = writeln!(out, "Binary files {from} and {to} differ");
        return;
    }
    if file.hunks.is_empty() {
        return;
    }
    // A tab ends a name with a space in it, for programs that would look for a time there.
    let end = |name: &str| if name.contains(' ') && !name.starts_with('"') { "\t" } else { "" };
    let _ = writeln!(out, "--- {from}{}\n+++ {to}{}", end(from), end(to));
    for hunk in &file.hunks {
        let place = |start: u64, count: u64| match count {
            0 => format!("{},0", start - 1),
            1 => start.to_string(),
            _ => format!("{start},{count}"),
        };
        let (removed, added) = (hunk.count(LineKind::Added), hunk.count(LineKind::Removed));
        let _ = writeln!(out, "@@ -{} +{} @@", place(hunk.old_start, removed), place(hunk.new_start, added));
        for line in &hunk.lines {
            out.push(match line.kind {
                LineKind::Context => ' ',
                LineKind::Added => '+',
                LineKind::Removed => '-',
            });
            out.push_str(&String::from_utf8_lossy(&line.text));
            out.push_str(if line.ended { "\n" } else { "\n\\ No newline at end of file\n" });
        }
    }
}

/// Writes a path as git does: in quotes where a character would be misread.
fn quoted(prefix: &str, path: &str) -> String {
    if !path.contains(|c: char| c.is_control() || matches!(c, '"' | '\\')) {
        return format!("{prefix}{path}");
    }
    let mut out = format!("\"{prefix}");
    for b in path.bytes() {
        match b {
            b'"' | b'\\' => out.extend(['\\', char::from(b)]),
            b'\n' => out.push_str("\\n"),
            b'\t' => out.push_str("\\t"),
            0x20..=0x7e => out.push(char::from(b)),
            _ => {
                let _ = write!(out, "\\{b:03o}");
            }
        }
    }
    out.push('"');
    out
}
