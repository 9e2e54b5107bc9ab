//! Cuts out of a file what a model has to see: the functions around some lines, or a window where none is known. Layer 1.
//!
//! Refuses to show half a line, and to show the same lines twice. Whole files are shown when they are small: old lines
//! have to be unique in the file, and only who sees all of it can know.

use std::ops::Range;

use crate::model::{Language, RepoPath};
use crate::pattern::syntax;

/// A file up to this size is shown whole, in bytes.
const WHOLE: usize = 6 << 10;
/// Lines shown on each side where no function is known.
const WINDOW: u32 = 30;
/// Lines shown around a function: its comment, its decorators, its neighbour's name.
const MARGIN: u32 = 3;
/// A longer function is shown by a window instead.
const LONGEST: u32 = 250;

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Excerpt {
    /// The file.
    pub path: RepoPath,
    /// The first line shown, from 1.
    pub first_line: u32,
    /// The lines.
    pub text: String,
    /// Why they are shown.
    pub why: &'static str,
}

/// Cuts the parts of a file around some lines; without any line, its beginning.
pub fn excerpts(path: &RepoPath, text: &str, lines: &[u32], why: &'static str) -> Vec<Excerpt> {
    let all: Vec<&str> = text.lines().collect();
    let last = u32::try_from(all.len()).unwrap_or(u32::MAX);
    let one = |range: Range<u32>| std::iter::once(range).collect();
    let ranges: Vec<Range<u32>> = match lines {
        _ if text.len() <= WHOLE => one(1..last.saturating_add(1)),
        [] => one(1..(2 * WINDOW).min(last) + 1),
        lines => joined(lines.iter().map(|line| around(path, text, *line, last)).collect()),
    };
    let cut = |range: Range<u32>| {
        let index = |line: u32| usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX).min(all.len());
        let text = all[index(range.start)..index(range.end)].join("\n");
        Excerpt { path: path.clone(), first_line: range.start, text, why }
    };
    ranges.into_iter().filter(|range| range.start < range.end).map(cut).collect()
}

/// Returns the lines to show around one line, the end excluded.
fn around(path: &RepoPath, text: &str, line: u32, last: u32) -> Range<u32> {
    let line = line.clamp(1, last.max(1));
    let function = Language::of_path(path.as_str())
        .filter(|language| syntax::has_grammar(*language))
        .and_then(|language| syntax::enclosing_function(language, text, line).ok().flatten())
        .map(|function| function.lines)
        .filter(|lines| lines.contains(&line) && lines.end - lines.start <= LONGEST);
    let (start, end) = match function {
        Some(lines) => (lines.start.saturating_sub(MARGIN), lines.end.saturating_add(MARGIN)),
        None => (line.saturating_sub(WINDOW), line.saturating_add(WINDOW + 1)),
    };
    start.max(1)..end.min(last.saturating_add(1))
}

/// Sorts ranges and joins those that touch.
fn joined(mut ranges: Vec<Range<u32>>) -> Vec<Range<u32>> {
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut all: Vec<Range<u32>> = Vec::new();
    for range in ranges {
        match all.last_mut() {
            Some(before) if range.start <= before.end => before.end = before.end.max(range.end),
            _ => all.push(range),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(text: &str) -> RepoPath {
        text.parse().expect("a path")
    }

    fn long(name: &str) -> String {
        let body: String = (0..400).map(|n| format!("    value_{n} = {n} + 1\n")).collect();
        format!("def first():\n    return 1\n\n\n# Says hello.\ndef {name}():\n    return 2\n\n\ndef last():\n{body}")
    }

    #[test]
    fn a_small_file_is_shown_whole_and_a_large_one_by_its_functions() {
        let small = excerpts(&path("a.py"), "a = 1\nb = 2\n", &[2], "why");
        assert_eq!((small[0].first_line, small[0].text.as_str(), small.len()), (1, "a = 1\nb = 2", 1));
        let text = long("hello");
        let found = excerpts(&path("a.py"), &text, &[7], "why");
        assert_eq!(found.len(), 1);
        assert!(found[0].text.contains("# Says hello.\ndef hello():\n    return 2"), "{}", found[0].text);
        assert!(!found[0].text.contains("value_9 "));
    }

    #[test]
    fn a_function_without_end_is_shown_by_a_window_and_places_that_touch_are_one() {
        let text = long("hello");
        let found = excerpts(&path("a.py"), &text, &[200, 210, 400], "why");
        let lines: Vec<(u32, usize)> = found.iter().map(|one| (one.first_line, one.text.lines().count())).collect();
        assert_eq!(lines, [(170, 71), (370, 41)]);
        let beyond = excerpts(&path("a.bin"), &text, &[100_000], "why");
        assert_eq!((beyond.len(), beyond[0].first_line), (1, 380));
        assert_eq!(excerpts(&path("a.py"), &text, &[], "why")[0].text.lines().count(), 60);
    }

    proptest! {
        #[test]
        fn what_is_shown_stands_in_the_file_where_it_is_said_to(
            count in 0_usize..900, lines in proptest::collection::vec(0_u32..1200, 0..6)
        ) {
            let text: String = (1..=count).map(|n| format!("line number {n} of the file\n")).collect();
            let all: Vec<&str> = text.lines().collect();
            let mut next = 0;
            for one in excerpts(&path("notes.txt"), &text, &lines, "why") {
                let first = one.first_line as usize;
                prop_assert!(first > next);
                for (at, line) in one.text.lines().enumerate() {
                    prop_assert_eq!(line, all[first - 1 + at]);
                }
                next = first + one.text.lines().count() - 1;
            }
        }
    }
}
