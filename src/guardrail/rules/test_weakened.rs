//! `test-weakened`: tests stay at least as many and as strict as they were (V-59, V-80, V-81). Layer 1.
//!
//! Refuses any removal or change of an assertion and of what it compares, an assertion that moves under a condition, every
//! new skip, and in a language that it does not know any line that goes. A new test file is evidence and is not judged.
//! Reads lines, not programs: a doubt counts as weaker.

mod shapes;

use std::collections::{HashMap, VecDeque};

use crate::guardrail::change::{Change, FileDiff};
use crate::guardrail::paths::is_test;
use crate::guardrail::rule::{Context, Findings, Rule, language, text};
use crate::model::{Language, Reason};
use shapes::{INPUTS, Shapes, shapes};

pub(super) struct TestWeakened;

impl Rule for TestWeakened {
    fn id(&self) -> Reason {
        Reason::TestWeakened
    }

    fn check(&self, change: &Change, _: &Context<'_>, findings: &mut Findings) {
        for file in &change.files {
            let test = is_test(&file.path);
            if test && file.is_deleted() {
                findings.file(file, "The change deletes a test file, or renames it away.");
            } else if test && !file.is_created() && is_snapshot(&file.path) {
                findings.file(file, "The change edits a recorded snapshot; a person decides what the right output is.");
            } else if !(test && file.is_created()) {
                judge(file, test, findings);
            }
        }
    }
}

fn is_snapshot(path: &str) -> bool {
    std::path::Path::new(path).extension().is_some_and(|end| end.eq_ignore_ascii_case("snap"))
        || path.split('/').any(|folder| matches!(folder, "__snapshots__" | "snapshots"))
}

/// Judges a file of tests whose language is not known: what goes may have been an assertion.
fn unread(file: &FileDiff, findings: &mut Findings) {
    let prose = std::path::Path::new(&file.path)
        .extension()
        .is_some_and(|end| ["md", "rst", "adoc"].iter().any(|known| end.eq_ignore_ascii_case(known)));
    if prose {
        return;
    }
    let mut came: HashMap<String, usize> = HashMap::new();
    for (_, line) in file.added() {
        *came.entry(text(line).trim().to_owned()).or_default() += 1;
    }
    for (number, line) in file.removed() {
        let line = text(line);
        match came.get_mut(line.trim()).filter(|count| **count > 0) {
            Some(count) => *count -= 1,
            None if line.trim().is_empty() => {}
            None => findings.old_line(file, number, "The change alters a file of tests, or of what they expect."),
        }
    }
}

/// Returns how far a line is indented.
fn indent(line: &str) -> usize {
    line.chars().take_while(|c| c.is_whitespace()).map(|c| if c == '\t' { 4 } else { 1 }).sum()
}

/// Compares what goes with what comes.
fn judge(file: &FileDiff, test: bool, findings: &mut Findings) {
    let Some(language) = language(file) else {
        if test {
            unread(file, findings);
        }
        return;
    };
    let shapes = shapes(language);
    // Some languages keep tests beside the code, in shapes that nothing else has.
    let beside = test || matches!(language, Language::Rust | Language::Python);
    let inline = if test { None } else { inline_tests(file, language) };
    let counts =
        |line: u32, after: bool| test || inline.is_some_and(|(before, now)| line >= if after { now } else { before });
    // A line that goes in one place and comes in another is the same line.
    let mut came: HashMap<String, VecDeque<(u32, usize)>> = HashMap::new();
    for (number, line) in file.added() {
        let line = text(line);
        came.entry(line.trim().to_owned()).or_default().push_back((number, indent(&line)));
    }
    let mut moved: HashMap<String, usize> = HashMap::new();
    for (number, line) in file.removed() {
        let line = text(line);
        let depth = indent(&line);
        let line = line.trim();
        if let Some((place, now)) = came.get_mut(line).and_then(VecDeque::pop_front) {
            if now > depth && counts(number, false) && Shapes::is(shapes.assertion, line) {
                findings.new_line(file, place, "The change puts an assertion inside of something that may not run.");
            }
            *moved.entry(line.to_owned()).or_default() += 1;
            continue;
        }
        if beside && Shapes::is(shapes.test, line) {
            findings.old_line(file, number, "The change removes or renames a test.");
        } else if counts(number, false) && Shapes::is(shapes.assertion, line) {
            findings.old_line(file, number, "The change removes or alters an assertion.");
        } else if counts(number, false) && Shapes::is(INPUTS, line) {
            findings.old_line(file, number, "The change alters what a test computes or wants to see.");
        } else if language == Language::Rust && file.whole.is_none() && Shapes::is(shapes.assertion, line) {
            // Only the whole file tells whether the line lies in its tests.
            findings.not_checked();
        }
    }
    for (number, line) in file.added() {
        let line = text(line);
        let line = line.trim();
        if let Some(count) = moved.get_mut(line).filter(|count| **count > 0) {
            *count -= 1;
            continue;
        }
        if beside && Shapes::is(shapes.skip, line) {
            findings.new_line(file, number, "The change skips a test, or expects it to fail.");
        } else if counts(number, true) && Shapes::is(shapes.lenient, line) {
            findings.new_line(
                file,
                number,
                "The change makes a test more lenient: a longer time, more tries, or an end before its assertions.",
            );
        }
    }
}

/// Returns at which lines, before and after, tests inside a source file begin.
fn inline_tests(file: &FileDiff, language: Language) -> Option<(u32, u32)> {
    if language != Language::Rust {
        return None;
    }
    let whole = file.whole.as_ref()?;
    let begin = |bytes: Option<&Vec<u8>>| {
        let position =
            bytes?.split(|b| *b == b'\n').position(|line| text(line).trim_start().starts_with("#[cfg(test)]"));
        position.and_then(|line| u32::try_from(line + 1).ok())
    };
    let before = begin(whole.before.as_ref())?;
    Some((before, begin(whole.after.as_ref()).unwrap_or(u32::MAX)))
}
