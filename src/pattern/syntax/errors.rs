//! Where a text is not well formed, and which of those places a change brought in. Layer 1.

use std::collections::BTreeMap;

use crate::model::Language;
use crate::pattern::syntax::{Descend, SyntaxError, Tree, parse, position};

/// One place where a text is not well formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flaw {
    /// The line, from 1.
    pub line: u32,
    /// The column in Unicode scalars, from 1.
    pub column: u32,
    /// Whether something is missing there, rather than out of place.
    pub missing: bool,
    start: usize,
    end: usize,
}

/// Returns every place that does not parse, in order.
///
/// # Errors
/// As [`parse`].
pub fn error_nodes(language: Language, text: &str) -> Result<Vec<Flaw>, SyntaxError> {
    Ok(flaws(&parse(language, text)?))
}

/// Returns the places that do not parse after a change and were not there before it, in the lines of the new text.
///
/// What a change leaves alone at the beginning and the end of the text is matched with the old places there; so old
/// flaws that only moved are not new.
///
/// # Errors
/// As [`parse`], of the text after. A text before that cannot be parsed counts as one without flaws.
pub fn new_errors(language: Language, before: &str, after: &str) -> Result<Vec<Flaw>, SyntaxError> {
    let now = error_nodes(language, after)?;
    if now.is_empty() {
        return Ok(now);
    }
    let old = error_nodes(language, before).unwrap_or_default();
    Ok(new_flaws(before, &old, after, now))
}

pub(crate) fn new_flaws(before: &str, old: &[Flaw], after: &str, now: Vec<Flaw>) -> Vec<Flaw> {
    let head = before.bytes().zip(after.bytes()).take_while(|(a, b)| a == b).count();
    let room = before.len().min(after.len()) - head;
    let tail = before.bytes().rev().zip(after.bytes().rev()).take(room).take_while(|(a, b)| a == b).count();
    // A place is named by its distance from the side that the change left alone, and by what kind of flaw it is.
    let key = |flaw: &Flaw, length: usize| {
        if flaw.end <= head {
            (0_u8, flaw.start, flaw.end, flaw.missing)
        } else if flaw.start >= length - tail {
            (1, length - flaw.start, length - flaw.end, flaw.missing)
        } else {
            (2, 0, 0, flaw.missing)
        }
    };
    let mut known: BTreeMap<_, usize> = BTreeMap::new();
    for flaw in old {
        *known.entry(key(flaw, before.len())).or_default() += 1;
    }
    now.into_iter()
        .filter(|flaw| match known.get_mut(&key(flaw, after.len())) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        })
        .collect()
}

pub(crate) fn flaws(tree: &Tree) -> Vec<Flaw> {
    let mut found = Vec::new();
    tree.walk(|node, _| {
        if node.is_error() || node.is_missing() {
            let (line, column) = position(tree.text(), node.start_byte());
            let (start, end) = (node.start_byte(), node.end_byte());
            found.push(Flaw { line, column, missing: node.is_missing(), start, end });
        }
        // A subtree without errors is most of every tree.
        if node.has_error() { Descend::Into } else { Descend::Past }
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_line_is_found_with_its_place() {
        let found = error_nodes(Language::Python, "a = 1\nb = (\n").unwrap_or_default();
        assert!(found.iter().any(|flaw| flaw.line == 2), "{found:?}");
    }

    #[test]
    fn a_change_that_breaks_something_is_told_from_one_that_moves_what_was_broken() {
        let language = Language::JavaScript;
        let before = "let a = 1;\nlet b = ;\nlet c = 3;\n";
        let harmless = "let a = 1;\n\nlet z = 0;\nlet b = ;\nlet c = 3;\n";
        let harmful = "let a = (1;\nlet b = ;\nlet c = 3;\n";
        assert_eq!(new_errors(language, before, harmless), Ok(Vec::new()));
        assert!(new_errors(language, before, harmful).is_ok_and(|found| !found.is_empty()));
        assert!(new_errors(language, "let a = 1;\n", "let a = ;\n").is_ok_and(|found| found.len() == 1));
    }

    #[test]
    fn mending_a_flaw_is_no_new_flaw() {
        assert_eq!(new_errors(Language::Go, "package a\nfunc f( {}\n", "package a\nfunc f() {}\n"), Ok(Vec::new()));
    }
}
