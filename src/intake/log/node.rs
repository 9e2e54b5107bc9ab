//! Node's own runner: TAP with YAML diagnostics, and the spec reporter. Names of nested tests are joined with ` > `.
//!
//! A suite, or a test that holds others, is not counted beside them. Layer 1.

use std::collections::{BTreeMap, VecDeque};

use crate::intake::clean::Line;
use crate::intake::log::block::bare_frames;
use crate::intake::log::found::{Block, Found, cut_duration, join, until};
use crate::intake::log::tap::{self, unescape};
use crate::intake::scan;
use crate::model::{Exception, Failure, Language, TestOutcome};

/// The deepest nesting that is followed.
const MAX_DEPTH: usize = 64;

/// A subtest or suite that has begun.
struct Open<'a> {
    name: &'a str,
    indent: usize,
    children: usize,
    failed: usize,
}

/// Returns whether this is node's TAP and not just anybody's.
pub(super) fn is_tap(lines: &[Line<'_>]) -> bool {
    lines.iter().any(|line| line.text.starts_with("# Subtest: "))
        && lines.iter().any(|line| line.text.starts_with("duration_ms: "))
}

pub(super) fn read_tap(lines: &[Line<'_>]) -> Option<Found> {
    if !is_tap(lines) {
        return None;
    }
    let mut found = Found::default();
    let mut stack: Vec<Open<'_>> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let Line { text, indent } = lines[at];
        at += 1;
        if let Some(name) = text.strip_prefix("# Subtest: ") {
            close(&mut stack, indent, true);
            if stack.len() < MAX_DEPTH {
                stack.push(Open { name, indent, children: 0, failed: 0 });
            }
            continue;
        }
        let Some(point) = tap::point(text) else { continue };
        let start = at;
        let opens = |line: &Line<'_>| line.text == "---" && line.indent > indent;
        let details = if lines.get(at).is_some_and(opens) {
            let depth = lines[at].indent;
            let end = until(lines, at, |line| line.text == "..." && line.indent == depth);
            at = (end + 1).min(lines.len());
            Details::read(&lines[start + 1..end], depth)
        } else {
            Details::default()
        };
        found.hidden.push(start - 1..at);
        close(&mut stack, indent, false);
        let own = stack.pop_if(|open| open.indent == indent);
        if let Some(parent) = stack.last_mut() {
            parent.children += 1;
            parent.failed += usize::from(point.outcome == TestOutcome::Failed);
        }
        let own_failure = point.outcome == TestOutcome::Failed && details.get("failureType") != Some("subtestsFailed");
        let is_parent = own.as_ref().is_some_and(|open| open.children > 0) || details.get("type") == Some("suite");
        if is_parent || is_file(point.name, point.outcome, indent) {
            // A hook that broke takes its suite's tests with it; a test that holds others may fail by itself.
            let blamed = own.is_some_and(|open| open.failed > 0 && is_parent);
            if own_failure && !blamed {
                found.unnamed += 1;
                if details.get("exitCode").is_none() {
                    found.blocks.push(Block {
                        spans: std::iter::once(start..at).collect(),
                        failure: details.failure(),
                        ..Block::default()
                    });
                }
            }
            continue;
        }
        let name = unescape(&join(stack.iter().map(|open| open.name).chain([point.name]), " > "));
        if point.outcome == TestOutcome::Failed {
            found.blocks.push(Block {
                test: Some(name.clone()),
                spans: std::iter::once(start..at).collect(),
                failure: details.failure(),
                ..Block::default()
            });
        }
        found.add(&name, point.outcome);
    }
    Some(found)
}

/// Forgets what was left open deeper than here, and here too where something new begins.
fn close(stack: &mut Vec<Open<'_>>, indent: usize, same: bool) {
    while stack.pop_if(|open| open.indent > indent || same && open.indent == indent).is_some() {}
}

/// A file that could not be run stands there as a test, but only while it fails.
fn is_file(name: &str, outcome: TestOutcome, indent: usize) -> bool {
    const ENDS: [&str; 8] = [".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".jsx", ".tsx"];
    indent == 0 && outcome == TestOutcome::Failed && !name.contains(' ') && ENDS.iter().any(|end| name.ends_with(end))
}

/// The YAML below a test point: keys with a text or a block of lines.
#[derive(Default)]
struct Details<'a> {
    values: BTreeMap<&'a str, Vec<&'a str>>,
}

impl<'a> Details<'a> {
    fn read(lines: &[Line<'a>], indent: usize) -> Self {
        let mut values: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut open: Option<&str> = None;
        for line in lines {
            if line.indent == indent && !line.is_blank() {
                open = None;
                let (key, value) = match line.text.split_once(": ") {
                    Some((key, value)) => (key, value),
                    None => (line.text.strip_suffix(':').unwrap_or(line.text), ""),
                };
                if !scan::is_name(key) {
                    continue;
                }
                if matches!(value, "|-" | "|" | ">-" | "|+") {
                    values.insert(key, Vec::new());
                    open = Some(key);
                } else {
                    values.insert(key, vec![value]);
                }
            } else if let Some(block) = open.and_then(|key| values.get_mut(key)) {
                block.push(line.text);
            }
        }
        Self { values }
    }

    fn get(&self, key: &str) -> Option<&str> {
        let value = self.values.get(key)?.first()?;
        Some(quoted(value).unwrap_or(value))
    }

    fn text(&self, key: &str) -> String {
        match self.values.get(key).map(Vec::as_slice) {
            None => String::new(),
            Some([one]) => quoted(one).map_or_else(|| (*one).to_owned(), unquote),
            Some(several) => {
                let mut text = String::new();
                for line in several {
                    scan::extend(&mut text, line);
                }
                text
            }
        }
    }

    /// Looks through the runner's wrapping to the error that was thrown.
    fn failure(&self) -> Option<Failure> {
        let error = self.text("error");
        if error.is_empty() && !self.values.contains_key("name") {
            return None;
        }
        let entries: Vec<&str> =
            self.values.get("stack").into_iter().flatten().map(|e| e.strip_prefix("at ").unwrap_or(e)).collect();
        let read = bare_frames(&entries);
        let frames = read.as_ref().map(|failure| failure.frames().to_vec()).unwrap_or_default();
        let type_name = self.get("name").filter(|name| scan::is_name(name)).unwrap_or("Error").to_owned();
        Some(Failure {
            language: Some(read.and_then(|failure| failure.language).unwrap_or(Language::JavaScript)),
            code: self.get("code").filter(|code| *code != "ERR_TEST_FAILURE").map(str::to_owned),
            chain: vec![Exception { type_name, message: scan::message(&error), frames }],
            ..Failure::default()
        })
    }
}

/// Returns what stands in quotes of any of the three kinds.
fn quoted(text: &str) -> Option<&str> {
    ['\'', '"', '`'].iter().find_map(|mark| text.strip_prefix(*mark)?.strip_suffix(*mark))
}

/// Takes the escapes of a JavaScript string back.
fn unquote(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some(other) => out.push(other),
            None => out.push('\\'),
        }
    }
    out
}

pub(super) fn read_spec(lines: &[Line<'_>]) -> Option<Found> {
    let end = lines.iter().position(|line| line.text.strip_prefix("ℹ tests ").is_some())?;
    let mut found = Found::default();
    let mut stack: Vec<Open<'_>> = Vec::new();
    // Failing tests by the last part of their names, as the details give no more.
    let mut failing: BTreeMap<&str, VecDeque<String>> = BTreeMap::new();
    for line in &lines[..end] {
        let Line { text, indent } = *line;
        if let Some(rest) = text.strip_prefix("▶ ") {
            close(&mut stack, indent, false);
            // Older versions close a suite with the same mark and its duration.
            if cut_duration(rest).is_some_and(|name| stack.last().is_some_and(|o| o.indent == indent && o.name == name))
            {
                stack.pop();
                continue;
            }
            close(&mut stack, indent, true);
            if stack.len() < MAX_DEPTH {
                stack.push(Open { name: rest, indent, children: 0, failed: 0 });
            }
            continue;
        }
        let Some((name, outcome)) = spec_point(text) else { continue };
        close(&mut stack, indent, false);
        if let Some(open) = stack.pop_if(|open| open.indent == indent)
            && open.name == name
        {
            if outcome == TestOutcome::Failed && open.failed == 0 {
                found.unnamed += 1;
            }
            if let Some(parent) = stack.last_mut() {
                parent.failed += usize::from(outcome == TestOutcome::Failed);
            }
            continue;
        }
        if let Some(parent) = stack.last_mut() {
            parent.children += 1;
            parent.failed += usize::from(outcome == TestOutcome::Failed);
        }
        if is_file(name, outcome, indent) {
            found.unnamed += 1;
            continue;
        }
        let whole = join(stack.iter().map(|open| open.name).chain([name]), " > ");
        found.add(&whole, outcome);
        if outcome == TestOutcome::Failed {
            failing.entry(name).or_default().push_back(whole);
        }
    }
    let mut at = end;
    while at < lines.len() {
        let place = lines[at].text.strip_prefix("test at ");
        if let Some(name) = lines.get(at + 1).filter(|_| place.is_some()).and_then(|line| spec_point(line.text)) {
            let stop =
                until(lines, at + 2, |line| line.text.starts_with("test at ") && line.indent == lines[at].indent);
            if let Some(whole) = failing.get_mut(name.0).and_then(VecDeque::pop_front) {
                let said = lines.get(at + 2).and_then(|line| quoted(line.text));
                found.blocks.push(Block {
                    test: Some(whole),
                    spans: std::iter::once(at..stop).collect(),
                    failure: said.map(plain_failure),
                    ..Block::default()
                });
            }
            found.hidden.push(at..stop);
            at = stop;
        } else {
            at += 1;
        }
    }
    // The tree repeats the details; what it shows is the same.
    found.hidden.extend(tree_details(&lines[..end]));
    Some(found)
}

/// The runner's own complaint stands in quotes, without a type.
fn plain_failure(said: &str) -> Failure {
    Failure {
        language: Some(Language::JavaScript),
        chain: vec![Exception { type_name: "Error".to_owned(), message: scan::message(said), frames: Vec::new() }],
        ..Failure::default()
    }
}

/// Finds the lines below a failing test in the tree.
fn tree_details(lines: &[Line<'_>]) -> Vec<std::ops::Range<usize>> {
    let mut spans = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let indent = lines[at].indent;
        let failed = lines[at].text.starts_with('✖') && spec_point(lines[at].text).is_some();
        at += 1;
        if !failed {
            continue;
        }
        let start = at;
        while at < lines.len() && (lines[at].is_blank() || lines[at].indent > indent) {
            at += 1;
        }
        if start < at {
            spans.push(start..at);
        }
    }
    spans
}

/// `✔ name (1.2ms)`, `✖ name (1.2ms)`, `﹣ name (0.1ms) # SKIP`.
fn spec_point(text: &str) -> Option<(&str, TestOutcome)> {
    let mut chars = text.chars();
    let outcome = match chars.next()? {
        '✔' => TestOutcome::Passed,
        '✖' => TestOutcome::Failed,
        '﹣' | '⚠' => TestOutcome::Skipped,
        _ => return None,
    };
    let rest = chars.as_str().trim_start_matches('\u{fe0f}').strip_prefix(' ')?;
    let (rest, directive) = rest.split_once(") # ").map_or((rest, None), |(name, d)| (&rest[..=name.len()], Some(d)));
    let name = cut_duration(rest)?;
    let left_out = directive.is_some_and(|word| word.starts_with("SKIP") || word.starts_with("TODO"));
    Some((name, if left_out { TestOutcome::Skipped } else { outcome }))
}
