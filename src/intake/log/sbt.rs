//! sbt: its JUnit interface, ScalaTest's marks, and the totals of each project. Layer 1.

use crate::intake::clean::Line;
use crate::intake::log::block;
use crate::intake::log::found::{Found, digits};
use crate::model::{Counts, TestOutcome};

pub(super) fn read(lines: &[Line<'_>]) -> Option<Found> {
    let mut found = Found::default();
    let mut suite: Option<&str> = None;
    for (at, line) in lines.iter().enumerate() {
        let text = bare(line.text);
        if let Some(counts) = total(text) {
            found.count(counts);
        } else if let Some(name) = text.strip_prefix("Test ").and_then(|rest| rest.split_once(" failed: ")) {
            let (name, _) = name;
            if !name.contains(' ') && name.contains('.') {
                found.add(name, TestOutcome::Failed);
                found.block(Some(name.to_owned()), at..at + 1);
            }
        } else if let Some(name) = text.strip_prefix("- ").and_then(|rest| rest.strip_suffix(" *** FAILED ***")) {
            let whole = suite.map_or_else(|| name.to_owned(), |suite| format!("{suite} > {name}"));
            found.add(&whole, TestOutcome::Failed);
            found.block(Some(whole), at..at + 1);
        } else if let Some(name) = text.strip_suffix(':').filter(|name| is_suite(name)) {
            suite = Some(name);
        } else if let Some(span) = found.blocks.last_mut().and_then(|block| block.spans.last_mut())
            && span.end == at
            && (line.text.starts_with("at ") || text.starts_with("at ") || span.len() == 1)
        {
            span.end = at + 1;
        }
    }
    for block in &mut found.blocks {
        let span = block.spans.iter().flat_map(|span| &lines[span.clone()]);
        let own: Vec<Line<'_>> = span.map(|line| inner(bare(line.text))).collect();
        block.failure = block::of_lines(&own);
    }
    found.own.map(|_| found)
}

/// Takes off the levels that the cleaner leaves; scripted tests have two.
fn bare(text: &str) -> &str {
    let mut rest = text;
    for _ in 0..3 {
        let inner = ["[info] ", "[error] ", "[warn] "].iter().find_map(|level| rest.strip_prefix(level));
        let Some(inner) = inner else { break };
        rest = inner.trim_start();
    }
    rest
}

/// Cuts what stands around the error on the line that names the test.
fn inner(text: &str) -> Line<'_> {
    let error = text.strip_prefix("Test ").and_then(|rest| rest.split_once(" failed: "));
    let error = error.map_or(text, |(_, error)| error.rsplit_once(", took ").map_or(error, |(error, _)| error));
    Line::new(error)
}

fn is_suite(name: &str) -> bool {
    name.len() <= 200
        && name.ends_with(['c', 't', 's', 'e'])
        && !name.contains(' ')
        && name.starts_with(char::is_uppercase)
}

/// `Failed: Total 5, Failed 1, Errors 0, Passed 4, Ignored 1`.
fn total(text: &str) -> Option<Counts> {
    let rest = ["Passed: ", "Failed: ", "Error: "].iter().find_map(|lead| text.strip_prefix(lead))?;
    let mut counts = Counts::default();
    let (first, rest) = rest.strip_prefix("Total ")?.split_once(", ")?;
    let total = digits(first)?;
    for part in rest.split(", ") {
        let (word, number) = part.split_once(' ')?;
        match (word, digits(number)?) {
            ("Failed" | "Errors", number) => counts.failed += number,
            ("Skipped" | "Ignored" | "Pending" | "Canceled", number) => counts.skipped += number,
            _ => {}
        }
    }
    counts.run = total.saturating_sub(counts.skipped);
    Some(counts)
}
