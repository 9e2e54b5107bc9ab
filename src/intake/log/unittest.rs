//! Python's unittest, verbose and with dots; Django's runner prints the same. Layer 1.

use std::collections::BTreeSet;

use crate::intake::clean::Line;
use crate::intake::log::found::{Found, digits, until};
use crate::model::{Counts, TestOutcome};

pub(super) fn read(lines: &[Line<'_>]) -> Option<Found> {
    let mut found = Found::default();
    let mut recognised = false;
    // A test whose description or own output stands between its name and its outcome.
    let mut pending: Option<String> = None;
    // Tests of which a part failed already, and parts beyond the first.
    let mut failed: BTreeSet<String> = BTreeSet::new();
    let mut parts = 0;
    let mut verbose: BTreeSet<String> = BTreeSet::new();
    let mut ran: Option<u64> = None;
    let mut at = 0;
    while at < lines.len() {
        let text = lines[at].text;
        if is_rule(text, '=')
            && let Some(title) = lines.get(at + 1)
            && let Some((_, rest)) = title.text.split_once(": ").filter(|(word, _)| matches!(*word, "FAIL" | "ERROR"))
        {
            let body = until(lines, at + 2, |line| is_rule(line.text, '-')) + 1;
            let mut end = body.min(lines.len());
            while end < lines.len() && !is_rule(lines[end].text, '=') && !is_end(lines, end) {
                end += 1;
            }
            // What has no name, a module that does not load or a class that is not set up, the runner counts itself.
            let named = test(rest).or_else(|| nose(rest).map(|name| (name, "")));
            if let Some((name, part)) = &named
                && !failed.insert(name.clone())
                && !part.is_empty()
            {
                parts += 1;
            }
            // nose shows what was logged meanwhile below the trace.
            let own = until(&lines[..end], at, |line| line.text.contains(">> begin captured "));
            let label = named.is_none().then(|| rest.trim().to_owned());
            found.block(named.map(|(name, _)| name), at..own);
            found.blocks.last_mut().into_iter().for_each(|block| block.label.clone_from(&label));
            found.hidden.push(own..end);
            at = end;
            continue;
        }
        if let Some(counted) = ran_line(text) {
            recognised = true;
            ran = Some(counted);
        } else if let Some(total) = ran
            && let Some(counts) = verdict(text, total)
        {
            // Several failing parts of a test are one failing test.
            found.count(Counts { failed: counts.failed.saturating_sub(parts), ..counts });
            (parts, ran) = (0, None);
        } else if let Some((name, rest)) = text.split_once(" ... ").or_else(|| Some((text.strip_suffix(" ...")?, "")))
            && let Some((name, part)) = test(name)
        {
            recognised = true;
            match outcome(rest) {
                _ if !part.is_empty() => {}
                Some(outcome) => {
                    verbose.insert(name.clone());
                    found.add(&name, outcome);
                }
                None => pending = Some(name),
            }
        } else if let Some((name, part)) = test(text).filter(|(name, part)| part.is_empty() && name.contains('.')) {
            let _ = part;
            pending = Some(name);
        } else if pending.is_some() {
            let last = text.rsplit_once(" ... ").map_or(text, |(_, last)| last);
            if let Some(outcome) = outcome(last)
                && let Some(name) = pending.take()
            {
                recognised = true;
                verbose.insert(name.clone());
                found.add(&name, outcome);
            }
        }
        at += 1;
    }
    if !recognised {
        return None;
    }
    for name in failed {
        // Of a test in parts, and in the form with dots, only the details say that it failed.
        if verbose.insert(name.clone()) || found.tests.get(&name) != Some(&TestOutcome::Failed) {
            found.add(&name, TestOutcome::Failed);
        }
    }
    Some(found)
}

fn is_rule(text: &str, mark: char) -> bool {
    text.len() >= 70 && text.chars().all(|c| c == mark)
}

/// The rule above `Ran 3 tests in 0.001s`.
fn is_end(lines: &[Line<'_>], at: usize) -> bool {
    is_rule(lines[at].text, '-') && lines.get(at + 1).is_some_and(|next| ran_line(next.text).is_some())
}

/// `Ran 3 tests in 0.001s`.
fn ran_line(text: &str) -> Option<u64> {
    let (number, rest) = text.strip_prefix("Ran ")?.split_once(' ')?;
    (rest.starts_with("tests in ") || rest.starts_with("test in ")).then(|| digits(number)).flatten()
}

/// `OK (skipped=1)`, `FAILED (failures=1, errors=1)`, `NO TESTS RAN`.
fn verdict(text: &str, total: u64) -> Option<Counts> {
    let (word, rest) = text.split_once(" (").unwrap_or((text, ""));
    if !matches!(word, "OK" | "FAILED" | "NO TESTS RAN") {
        return None;
    }
    let swapped = rest.trim_end_matches(')').split(", ").filter_map(|part| {
        let (word, number) = part.split_once('=')?;
        Some((digits(number)?, word))
    });
    let mut counts = Counts::default();
    for (number, word) in swapped {
        match word {
            "failures" | "errors" | "unexpected successes" => counts.failed += number,
            "skipped" => counts.skipped += number,
            _ => {}
        }
    }
    counts.run = total.saturating_sub(counts.skipped);
    Some(counts)
}

fn outcome(text: &str) -> Option<TestOutcome> {
    match text {
        "ok" | "expected failure" => Some(TestOutcome::Passed),
        "FAIL" | "ERROR" | "unexpected success" => Some(TestOutcome::Failed),
        _ if text.starts_with("skipped ") => Some(TestOutcome::Skipped),
        _ => None,
    }
}

/// Reads the names that nose writes in titles: `a.b.Class.test_x`, with arguments of generated tests, doctests, and
/// methods whose names are sentences.
fn nose(rest: &str) -> Option<String> {
    let name = rest.strip_prefix("Doctest: ").unwrap_or(rest).trim();
    if name.starts_with("Failure: ") || name.starts_with("test suite for ") {
        return None;
    }
    let (path, tail) = name.find(['(', ' ']).map_or((name, ""), |at| name.split_at(at));
    let dotted = |text: &str| {
        text.contains('.')
            && !text.contains("..")
            && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'))
            && text.starts_with(|c: char| c.is_alphabetic() || c == '_')
    };
    if dotted(path) && (tail.is_empty() || tail.starts_with('(') && tail.ends_with(')')) {
        return Some(name.to_owned());
    }
    let place = tail.strip_prefix(" (")?.strip_suffix(')')?;
    let fixture = ["setUpClass", "tearDownClass", "setUpModule", "tearDownModule", "runTest"].contains(&path);
    (dotted(place) && !fixture && !place.contains("_FailedTest") && !path.is_empty()).then(|| name.to_owned())
}

/// Reads `test_x (mod.Class.test_x)` and what stands behind it for a part of a test.
///
/// Older versions leave the method out of the brackets. What could not be loaded or set up is no test.
fn test(text: &str) -> Option<(String, &str)> {
    let (name, rest) = text.split_once(" (")?;
    let (place, part) = rest.split_once(')')?;
    let plain = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
    if !plain(name) || !plain(place) || !place.contains('.') && name != "runTest" {
        return None;
    }
    if place.contains("_FailedTest")
        || matches!(name, "setUpClass" | "tearDownClass" | "setUpModule" | "tearDownModule")
    {
        return None;
    }
    let whole = place.strip_suffix(name).is_some_and(|scope| scope.ends_with('.'));
    let name = if whole { place.to_owned() } else { format!("{name} ({place})") };
    Some((name, part.trim()))
}
