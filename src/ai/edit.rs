//! Turns the blocks of an answer into a patch of the base. Layer 1.
//!
//! Old lines must stand in the file exactly once. Where they stand nowhere as written, white space at the ends of lines
//! and one common indentation are overlooked, if that fits exactly one place; it is recorded. Refuses files that are no
//! text, that are links, or that a block would create twice. Time is linear in file and block.

use std::collections::HashMap;

use crate::ai::{Block, Fix};
use crate::model::{FileMode, FileState, Patch, RepoPath};

/// A patch and what was overlooked to make it.
#[derive(Debug, Clone, PartialEq)]
pub struct Edited {
    /// The change; it goes through every guardrail.
    pub patch: Patch,
    /// Blocks whose white space was not the file's.
    pub loose: Vec<Loose>,
}

/// A block that fits only when white space is overlooked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loose {
    /// The file.
    pub path: RepoPath,
    /// The block, from 1.
    pub block: usize,
}

/// Why a block is no change of the base.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The old lines are nowhere in the file.
    #[error("block {block}: its old lines do not stand in {path}")]
    NotFound {
        /// The block, from 1.
        block: usize,
        /// The file.
        path: RepoPath,
    },
    /// The old lines are there more than once.
    #[error(
        "block {block}: its old lines stand in {path} {times} times; more of the lines around them would tell which"
    )]
    Ambiguous {
        /// The block, from 1.
        block: usize,
        /// The file.
        path: RepoPath,
        /// How often.
        times: usize,
    },
    /// There is no such file.
    #[error("block {block}: there is no file {path}")]
    NoFile {
        /// The block, from 1.
        block: usize,
        /// The file.
        path: RepoPath,
    },
    /// The file to be created is there.
    #[error("block {block}: {path} is there already; its old lines are needed")]
    Exists {
        /// The block, from 1.
        block: usize,
        /// The file.
        path: RepoPath,
    },
    /// The file is no text, or a link.
    #[error("block {block}: {path} is no plain text file")]
    NotText {
        /// The block, from 1.
        block: usize,
        /// The file.
        path: RepoPath,
    },
}

/// Applies the blocks in order, each on what those before it left.
///
/// # Errors
/// [`EditError`] for the first block that does not fit.
pub fn apply(fix: &Fix, base: &dyn Fn(&RepoPath) -> Option<FileState>) -> Result<Edited, EditError> {
    let mut edited = Edited { patch: Patch::new(), loose: Vec::new() };
    for (at, block) in fix.blocks.iter().enumerate() {
        let number = at + 1;
        let path = || block.path.clone();
        let before = base(&block.path);
        let now = match edited.patch.get(&block.path) {
            Some(change) => change.after.clone(),
            None => before.clone(),
        };
        let after = match (now, block.search.is_empty()) {
            (Some(_), true) => return Err(EditError::Exists { block: number, path: path() }),
            (None, false) => return Err(EditError::NoFile { block: number, path: path() }),
            (None, true) => FileState::plain(ended(&block.replace)),
            (Some(file), false) => {
                let readable = matches!(file.mode, FileMode::Plain | FileMode::Executable);
                let text = String::from_utf8(file.content).ok().filter(|text| readable && !text.contains('\0'));
                let Some(text) = text else { return Err(EditError::NotText { block: number, path: path() }) };
                let (text, loose) = replaced(&text, block).map_err(|times| match times {
                    0 => EditError::NotFound { block: number, path: path() },
                    times => EditError::Ambiguous { block: number, path: path(), times },
                })?;
                if loose {
                    edited.loose.push(Loose { path: path(), block: number });
                }
                FileState { mode: file.mode, content: text.into_bytes() }
            }
        };
        edited.patch.set(path(), before, Some(after));
    }
    Ok(edited)
}

fn ended(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// Puts a block's new lines in place of its old ones; in the error, how often those are there.
fn replaced(text: &str, block: &Block) -> Result<(String, bool), usize> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let bare: Vec<&str> = lines.iter().map(|line| without_end(line)).collect();
    let search: Vec<&str> = block.search.iter().map(String::as_str).collect();
    let (at, indent) = match places(&bare, &search).as_slice() {
        [at] => (*at, None),
        [] => {
            let trimmed = |all: &[&'_ str]| all.iter().map(|line| line.trim().to_owned()).collect::<Vec<_>>();
            let (bare_trimmed, search_trimmed) = (trimmed(&bare), trimmed(&search));
            if search_trimmed.iter().all(String::is_empty) {
                return Err(0);
            }
            match places(&bare_trimmed, &search_trimmed).as_slice() {
                [at] => {
                    let there = &bare[*at..at + search.len()];
                    (*at, Some(Indent::between(&search, there).ok_or(0_usize)?))
                }
                all => return Err(all.len()),
            }
        }
        all => return Err(all.len()),
    };
    let end = at + search.len();
    let line_end = if lines[at].ends_with("\r\n") { "\r\n" } else { "\n" };
    let mut out: String = lines[..at].concat();
    for line in &block.replace {
        match &indent {
            Some(indent) => out.push_str(&indent.of(line).ok_or(0_usize)?),
            None => out.push_str(line),
        }
        out.push_str(line_end);
    }
    // A file whose last line had no end keeps it so.
    if end == lines.len() && !lines[end - 1].ends_with('\n') && !block.replace.is_empty() {
        out.truncate(out.len() - line_end.len());
    }
    out.push_str(&lines[end..].concat());
    Ok((out, indent.is_some()))
}

fn without_end(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}

/// Returns every place where the lines stand, overlapping ones too, by Knuth, Morris and Pratt's search over line numbers.
fn places<S: AsRef<str>>(lines: &[S], search: &[S]) -> Vec<usize> {
    let mut names: HashMap<&str, usize> = HashMap::new();
    for line in search {
        let next = names.len() + 1;
        names.entry(line.as_ref()).or_insert(next);
    }
    let name = |line: &S| names.get(line.as_ref()).copied().unwrap_or(0);
    let wanted: Vec<usize> = search.iter().map(name).collect();
    let mut back = vec![0; wanted.len()];
    let mut matched = 0;
    for at in 1..wanted.len() {
        while matched > 0 && wanted[at] != wanted[matched] {
            matched = back[matched - 1];
        }
        matched += usize::from(wanted[at] == wanted[matched]);
        back[at] = matched;
    }
    let mut found = Vec::new();
    matched = 0;
    for (at, line) in lines.iter().enumerate() {
        let line = name(line);
        while matched > 0 && wanted.get(matched) != Some(&line) {
            matched = back[matched - 1];
        }
        matched += usize::from(wanted.get(matched) == Some(&line));
        if matched == wanted.len() {
            found.push(at + 1 - matched);
            matched = back[matched - 1];
        }
    }
    found
}

/// How the file's indentation differs from the block's, the same for every line.
enum Indent {
    More(String),
    Less(String),
}

impl Indent {
    /// Finds the one difference that fits every line with text; none where there is no such.
    fn between(block: &[&str], file: &[&str]) -> Option<Self> {
        let mut found: Option<(String, String)> = None;
        for (ours, theirs) in block.iter().zip(file).filter(|(line, _)| !line.trim().is_empty()) {
            let (ours, theirs) = (margin(ours), margin(theirs));
            let this = if let Some(more) = theirs.strip_suffix(ours) {
                (more.to_owned(), String::new())
            } else {
                (String::new(), ours.strip_suffix(theirs)?.to_owned())
            };
            match &found {
                Some(known) if *known != this => return None,
                _ => found = Some(this),
            }
        }
        let (more, less) = found?;
        Some(if less.is_empty() { Self::More(more) } else { Self::Less(less) })
    }

    fn of(&self, line: &str) -> Option<String> {
        match self {
            _ if line.trim().is_empty() => Some(String::new()),
            Self::More(more) => Some(format!("{more}{line}")),
            Self::Less(less) => line.strip_prefix(less.as_str()).map(str::to_owned),
        }
    }
}

fn margin(line: &str) -> &str {
    &line[..line.len() - line.trim_start().len()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ai::{Answer, parse_answer};

    fn edit(file: &str, search: &str, replace: &str) -> Result<(String, bool), EditError> {
        let lines = |text: &str| text.lines().map(str::to_owned).collect();
        let path: RepoPath = "a.py".parse().expect("a path");
        let block = Block { path: path.clone(), search: lines(search), replace: lines(replace), line: 1 };
        let fix = Fix { hypothesis: "h".to_owned(), blocks: vec![block] };
        let edited = apply(&fix, &|_| Some(FileState::plain(file)))?;
        let after = edited.patch.get(&path).and_then(|change| change.after.clone()).expect("a change");
        Ok((String::from_utf8(after.content).expect("text"), !edited.loose.is_empty()))
    }

    #[test]
    fn old_lines_that_stand_once_are_replaced_and_ends_of_lines_are_kept() {
        for (file, search, replace, after) in [
            ("a\nb\nc\n", "b", "x\ny", "a\nx\ny\nc\n"),
            ("a\nb\nc", "c", "x", "a\nb\nx"),
            ("a\r\nb\r\nc\r\n", "b", "x", "a\r\nx\r\nc\r\n"),
            ("a\nb\nc\n", "b\n", "", "a\nc\n"),
            ("only", "only", "x\ny", "x\ny"),
            ("a\n\nb\n", "a\n\nb", "a\nb", "a\nb\n"),
        ] {
            assert_eq!(edit(file, search, replace), Ok((after.to_owned(), false)), "{file:?} {search:?}");
        }
    }

    #[test]
    fn white_space_is_overlooked_only_where_one_place_fits_and_it_is_recorded() {
        let file = "def f():\n    if x:\n        return 1\n    return 2\n";
        assert_eq!(
            edit(file, "if x:\n    return 1", "if y:\n    return 3"),
            Ok(("def f():\n    if y:\n        return 3\n    return 2\n".to_owned(), true))
        );
        assert_eq!(edit("a  \nb\n", "a\nb", "c"), Ok(("c\n".to_owned(), true)));
        assert_eq!(edit("    a\n", "        a", "        b\n\n        c"), Ok(("    b\n\n    c\n".to_owned(), true)));
        assert!(matches!(edit("  a\n    a\n", "a", "b"), Err(EditError::Ambiguous { times: 2, .. })));
        // The lines differ from each other by more than one indentation: the block is of another text.
        assert!(matches!(edit("  a\n      b\n", "a\nb", "c"), Err(EditError::NotFound { .. })));
    }

    #[test]
    fn what_stands_nowhere_or_twice_is_no_change() {
        assert!(matches!(edit("a\nb\n", "z", "x"), Err(EditError::NotFound { block: 1, .. })));
        assert!(matches!(edit("a\na\na\n", "a\na", "x"), Err(EditError::Ambiguous { times: 2, .. })));
        assert!(matches!(edit("a\0\n", "a", "x"), Err(EditError::NotText { .. })));
        assert!(matches!(edit("a\n", "", "x"), Err(EditError::Exists { .. })));
        assert!(matches!(edit("\n\n", "   ", "x"), Err(EditError::NotFound { .. })));
    }

    #[test]
    fn v_51_a_link_is_not_written_through_and_a_new_file_is_made_once() {
        let text = "HYPOTHESIS: h\n\nnew.py\n<<<<<<< SEARCH\n=======\na\n>>>>>>> REPLACE\nnew.py\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n";
        let Ok(Answer::Fix(fix)) = parse_answer(text) else { panic!("it is in the form") };
        let edited = apply(&fix, &|_| None).expect("a patch");
        let change = edited.patch.get(&"new.py".parse().expect("a path")).expect("a change");
        assert_eq!(
            (&change.before, change.after.as_ref().map(|file| file.content.clone())),
            (&None, Some(b"b\n".to_vec()))
        );
        let link = FileState { mode: FileMode::Symlink, content: b"a\n".to_vec() };
        let one = Fix { hypothesis: "h".to_owned(), blocks: vec![fix.blocks[1].clone()] };
        assert!(matches!(apply(&one, &|_| Some(link.clone())), Err(EditError::NotText { .. })));
        assert!(matches!(apply(&one, &|_| None), Err(EditError::NoFile { .. })));
    }

    proptest! {
        #[test]
        fn the_search_finds_what_a_plain_look_finds(
            lines in proptest::collection::vec("[ab]", 0..30), search in proptest::collection::vec("[ab]", 1..5)
        ) {
            let plain: Vec<usize> = (0..lines.len()).filter(|at| lines[*at..].starts_with(&search)).collect();
            prop_assert_eq!(places(&lines, &search), plain);
        }
    }
}
