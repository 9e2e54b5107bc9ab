//! pytest: verbose lines, sections, short summary and the last line. Layer 1.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::intake::clean::Line;
use crate::intake::log::block;
use crate::intake::log::found::{Block, Found, digits};
use crate::model::{Counts, Failure, TestOutcome};

pub(super) fn read(lines: &[Line<'_>]) -> Option<Found> {
    let mut found = Found::default();
    let mut recognised = false;
    let mut summary = false;
    // Node ids in order, by what titles make of them.
    let mut failing: BTreeMap<String, VecDeque<&str>> = BTreeMap::new();
    let mut known: BTreeSet<&str> = BTreeSet::new();
    let mut sections: Vec<(&str, usize, usize)> = Vec::new();
    let mut section: Option<(&str, usize)> = None;
    let mut outcomes: BTreeMap<&str, TestOutcome> = BTreeMap::new();
    let mut red: BTreeSet<&str> = BTreeSet::new();
    for (at, line) in lines.iter().enumerate() {
        let text = line.text;
        let banner = banner(text);
        let title = title(text);
        if banner.is_some() || title.is_some() || total(text).is_some() {
            if let Some((name, start)) = section.take() {
                sections.push((name, start, at));
            }
            section = title.map(|name| (name, at));
        }
        if let Some(inner) = banner {
            recognised |= inner == "test session starts";
            summary = inner.starts_with("short test summary");
        }
        if let Some(counts) = total(text) {
            recognised = true;
            found.count(counts);
        }
        if section.is_some() {
            continue;
        }
        red.extend(red_file(text));
        let Some((name, outcome)) = (if summary { summary_line(text) } else { verbose_line(text) }) else { continue };
        if outcome == TestOutcome::Failed && known.insert(name) {
            failing.entry(title_of(name)).or_default().push_back(name);
        }
        // A test may pass and break afterwards: it has two lines, and failed.
        let worst = outcomes.entry(name).or_insert(outcome);
        if outcome == TestOutcome::Failed {
            *worst = outcome;
        }
    }
    if let Some((name, start)) = section {
        sections.push((name, start, lines.len()));
    }
    if !recognised {
        return None;
    }
    for (name, outcome) in &outcomes {
        found.add(name, *outcome);
    }
    let mut last: BTreeMap<&str, &str> = BTreeMap::new();
    for (title, start, end) in sections {
        let bare = ["ERROR at setup of ", "ERROR at teardown of "].iter().find_map(|lead| title.strip_prefix(lead));
        let bare = bare.unwrap_or(title);
        let bare = bare.strip_prefix("[doctest] ").unwrap_or(bare);
        if title.starts_with("ERROR collecting ") {
            found.block(None, start..end);
            let file = title.trim_start_matches("ERROR collecting ").to_owned();
            found.blocks.last_mut().into_iter().for_each(|block| block.label = Some(file.clone()));
            continue;
        }
        // Files may share a test's name: their sections stand in the order of the summary.
        let id = failing.get_mut(bare).and_then(VecDeque::pop_front).or_else(|| last.get(bare).copied());
        let name = if let Some(id) = id {
            last.insert(bare, id);
            id.to_owned()
        } else {
            let name = file_of(&lines[start..end], &red).map_or_else(|| bare.to_owned(), |file| id_of(file, bare));
            found.add(&name, TestOutcome::Failed);
            name
        };
        found.blocks.push(Block {
            test: Some(name),
            failure: chain(&lines[start..end]),
            spans: std::iter::once(start..end).collect(),
            ..Block::default()
        });
    }
    Some(found)
}

/// Reads a section whose exceptions lead one to the other; any other is left to the automata.
fn chain(section: &[Line<'_>]) -> Option<Failure> {
    let mut parts: Vec<&[Line<'_>]> = Vec::new();
    let mut links = Vec::new();
    let mut from = 1;
    for (at, line) in section.iter().enumerate().skip(1) {
        let direct = line.text.starts_with("The above exception was the direct cause of the following");
        if direct || line.text.starts_with("During handling of the above exception, another") {
            parts.push(&section[from..at]);
            links.push(direct);
            from = at + 1;
        }
    }
    if links.is_empty() {
        return None;
    }
    parts.push(&section[from..]);
    block::chained(section.first()?.text, &parts, &links)
}

/// `tests/test_a.py .F.E  [ 50%]`: a file of which something failed.
fn red_file(text: &str) -> Option<&str> {
    let (file, marks) = text.split_once(' ')?;
    let marks = marks.split(" [").next().unwrap_or(marks).trim();
    let plain = !marks.is_empty() && marks.bytes().all(|b| b".FEsxX".contains(&b));
    (file.ends_with(".py") && plain && marks.contains(['F', 'E'])).then_some(file)
}

/// Finds the red file that a section's trace begins in.
fn file_of<'a>(section: &[Line<'a>], red: &BTreeSet<&'a str>) -> Option<&'a str> {
    section.iter().find_map(|line| {
        let (file, rest) = line.text.split_once(':')?;
        let number = rest.split(':').next()?;
        (red.contains(file) && digits(number).is_some()).then_some(file)
    })
}

/// Makes a node's id of its file and title.
fn id_of(file: &str, title: &str) -> String {
    let (name, parameters) = title.find('[').map_or((title, ""), |at| title.split_at(at));
    format!("{file}::{}{parameters}", name.replace('.', "::"))
}

/// `==== short test summary info ====`.
fn banner(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("==")?.strip_suffix("==")?;
    let inner = inner.trim_matches('=');
    (inner.starts_with(' ') && inner.ends_with(' ')).then(|| inner.trim())
}

/// `____ TestLabel.test_label ____`; a row of lone `_` is no title.
fn title(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("__")?.strip_suffix("__").or_else(|| text.strip_prefix("__")?.strip_suffix(" _"))?;
    let inner = inner.trim_start_matches('_').strip_prefix(' ')?;
    let inner = inner.trim_end_matches('_').trim_end();
    // Letters drawn with strokes are no title.
    (!inner.is_empty() && !inner.starts_with(['|', '_', '/']) && !inner.contains("| ")).then_some(inner)
}

/// `3 failed, 2 passed, 1 skipped in 0.07s`, in a banner or alone.
fn total(text: &str) -> Option<Counts> {
    let inner = banner(text).unwrap_or(text);
    let (numbers, time) = inner.rsplit_once(" in ")?;
    let time = time.strip_suffix(" seconds").unwrap_or(time);
    let time = time.split(' ').next()?;
    let time = time.strip_suffix('s').unwrap_or(time);
    if time.is_empty() || !time.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    if numbers == "no tests ran" {
        return Some(Counts::default());
    }
    let mut counts = Counts::default();
    for part in numbers.split(", ") {
        let (number, word) = part.split_once(' ')?;
        let number = digits(number)?;
        match word {
            "passed" | "xfailed" | "xpassed" => counts.run += number,
            "failed" | "error" | "errors" => {
                counts.run += number;
                counts.failed += number;
            }
            "skipped" => counts.skipped += number,
            "warning" | "warnings" | "pytest-warnings" | "deselected" | "rerun" => {}
            _ => return None,
        }
    }
    Some(counts)
}

/// `FAILED tests/test_a.py::test_x - message`.
fn summary_line(text: &str) -> Option<(&str, TestOutcome)> {
    let (word, rest) = text.split_once(' ')?;
    let outcome = outcome(word)?;
    let name = id_end(rest).map_or(rest, |end| &rest[..end]);
    is_id(name).then_some((name, outcome))
}

/// An id ends before ` - `, except where it stands in the id's own brackets.
fn id_end(text: &str) -> Option<usize> {
    let mut from = 0;
    if let Some(open) = text.find('[')
        && text[..open].contains("::")
        && !text[..open].contains(" - ")
    {
        from = text[open..].find("] - ").map_or(open, |at| open + at);
        if from == open && text.ends_with(']') {
            return None;
        }
    }
    text[from..].find(" - ").map(|at| from + at)
}

/// `tests/test_a.py::test_x PASSED [ 12%]`, and xdist's `[gw0] [ 12%] PASSED tests/test_a.py::test_x`.
fn verbose_line(text: &str) -> Option<(&str, TestOutcome)> {
    const WORDS: [&str; 6] = [" PASSED", " FAILED", " ERROR", " SKIPPED", " XFAIL", " XPASS"];
    if text.starts_with("[gw")
        && let Some((_, rest)) = text.split_once("%] ")
    {
        return summary_line(rest);
    }
    let at = WORDS.iter().filter_map(|word| {
        let at = text.rfind(word)?;
        let after = &text[at + word.len()..];
        let ends = after.trim_start();
        (ends.is_empty() || after.starts_with(' ') && ends.starts_with(['[', '('])).then_some((at, *word))
    });
    let (at, word) = at.min()?;
    // What is collected from elsewhere says so behind the name.
    let name = text[..at].split(" <- ").next().unwrap_or("").trim_end();
    is_id(name).then_some(())?;
    Some((name, outcome(word.trim_start())?))
}

fn is_id(name: &str) -> bool {
    let Some((path, rest)) = name.split_once("::") else { return false };
    !path.is_empty() && !rest.is_empty() && !path.contains(": ") && path.contains('.')
}

fn outcome(word: &str) -> Option<TestOutcome> {
    match word {
        "PASSED" | "XFAIL" | "XPASS" => Some(TestOutcome::Passed),
        "FAILED" | "ERROR" => Some(TestOutcome::Failed),
        "SKIPPED" => Some(TestOutcome::Skipped),
        _ => None,
    }
}

/// Titles leave the file out and join classes with dots.
fn title_of(id: &str) -> String {
    let inner = id.split_once("::").map_or(id, |(_, inner)| inner);
    let (name, parameters) = inner.find('[').map_or((inner, ""), |at| inner.split_at(at));
    format!("{}{parameters}", name.replace("::", "."))
}
