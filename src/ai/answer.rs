//! Reads a model's answer in the one form that PRODUCT.md allows. Layer 1.
//!
//! One hypothesis with blocks, or one line that it cannot be fixed. Refuses prose around it, a second answer, a path that
//! leaves the repository, a block that changes nothing, and everything that can be read in two ways: whoever reads
//! generously has to guess, and a guess is no patch. Time is linear in the answer.

use crate::model::RepoPath;

/// The longest answer that is read, in bytes; a patch is far smaller by the guardrails.
pub const MAX_ANSWER: usize = 1 << 20;
/// The most blocks of one answer.
pub const MAX_BLOCKS: usize = 100;
/// The longest hypothesis, in characters; it is shown to people.
const MAX_HYPOTHESIS: usize = 4000;

const SEARCH: &str = "<<<<<<< SEARCH";
const DIVIDER: &str = "=======";
const REPLACE: &str = ">>>>>>> REPLACE";
const HYPOTHESIS: &str = "HYPOTHESIS:";
const CANNOT_FIX: &str = "CANNOT FIX:";

/// What a model answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A change, and why.
    Fix(Fix),
    /// It says that it cannot, and why.
    CannotFix(String),
}

/// A proposed change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// Why, in the model's words: untrusted text.
    pub hypothesis: String,
    /// What to change, in order; never empty.
    pub blocks: Vec<Block>,
}

/// One place to change; lines without their ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The file.
    pub path: RepoPath,
    /// The old lines; none creates the file.
    pub search: Vec<String>,
    /// The new lines.
    pub replace: Vec<String>,
    /// The line of the answer on which the path stands, from 1.
    pub line: usize,
}

/// What is wrong with an answer. No word of the answer is repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the answer: {why}")]
pub struct AnswerError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub why: &'static str,
}

/// Reads an answer.
///
/// # Errors
/// [`AnswerError`] for anything but the one form.
pub fn parse_answer(text: &str) -> Result<Answer, AnswerError> {
    if text.len() > MAX_ANSWER {
        return Err(AnswerError { line: 1, why: "it is longer than any patch could be" });
    }
    if text.contains('\0') {
        return Err(AnswerError { line: 1, why: "it holds a NUL character" });
    }
    let lines = text.lines().map(|line| line.strip_suffix('\r').unwrap_or(line)).collect();
    Reader { lines, at: 0 }.answer()
}

struct Reader<'a> {
    lines: Vec<&'a str>,
    /// The next line to read.
    at: usize,
}

impl<'a> Reader<'a> {
    fn answer(mut self) -> Result<Answer, AnswerError> {
        self.skip_blank();
        let first = self.next().unwrap_or_default();
        if let Some(why) = first.strip_prefix(CANNOT_FIX) {
            let why = why.trim().to_owned();
            self.end("text follows after it said that it cannot")?;
            return if why.is_empty() {
                self.wrong("it does not say why it cannot")
            } else {
                Ok(Answer::CannotFix(why))
            };
        }
        let Some(begun) = first.strip_prefix(HYPOTHESIS) else {
            return self.wrong("it begins neither with HYPOTHESIS: nor with CANNOT FIX:");
        };
        let hypothesis = self.paragraph(begun)?;
        self.skip_blank();
        let fenced = self.peek().is_some_and(is_fence);
        if fenced {
            self.at += 1;
        }
        let blocks = self.blocks(fenced)?;
        self.end("text follows after the last block")?;
        Ok(Answer::Fix(Fix { hypothesis, blocks }))
    }

    /// Reads the rest of the paragraph that a line began.
    fn paragraph(&mut self, begun: &str) -> Result<String, AnswerError> {
        let mut words = vec![begun.trim()];
        while let Some(line) = self.peek() {
            let path_follows = self.lines.get(self.at + 1).is_some_and(|next| next.trim_end() == SEARCH);
            if line.trim().is_empty() || is_fence(line) || path_follows {
                break;
            }
            words.push(line.trim());
            self.at += 1;
        }
        let text = words.join(" ").trim().to_owned();
        if text.is_empty() {
            return self.wrong("the hypothesis is empty");
        }
        if text.chars().count() > MAX_HYPOTHESIS {
            return self.wrong("the hypothesis is longer than a paragraph");
        }
        Ok(text)
    }

    fn blocks(&mut self, fenced: bool) -> Result<Vec<Block>, AnswerError> {
        let mut blocks = Vec::new();
        loop {
            self.skip_blank();
            match self.peek() {
                Some(line) if fenced && line.trim() == "```" => {
                    self.at += 1;
                    break;
                }
                None if fenced => return self.wrong("the fence around the blocks is not closed"),
                None => break,
                Some(_) if blocks.len() == MAX_BLOCKS => return self.wrong("it has more blocks than any fix needs"),
                Some(_) => blocks.push(self.block()?),
            }
        }
        if blocks.is_empty() { self.wrong("it claims a fix and changes nothing") } else { Ok(blocks) }
    }

    fn block(&mut self) -> Result<Block, AnswerError> {
        let line = self.at + 1;
        let path = self.next().unwrap_or_default().trim_end();
        if self.peek().map(str::trim_end) != Some(SEARCH) {
            return Err(AnswerError { line, why: "a path and a block with SEARCH are due here" });
        }
        let Ok(path) = path.parse::<RepoPath>() else {
            return Err(AnswerError { line, why: "this is no path inside the repository" });
        };
        self.at += 1;
        let search = self.until(DIVIDER)?;
        let replace = self.until(REPLACE)?;
        if search == replace {
            return Err(AnswerError { line, why: "the block changes nothing" });
        }
        Ok(Block { path, search, replace, line })
    }

    /// Reads lines up to a marker; any other marker in between could be read in two ways.
    fn until(&mut self, marker: &str) -> Result<Vec<String>, AnswerError> {
        let mut lines = Vec::new();
        loop {
            let Some(line) = self.next() else { return self.wrong("the answer ends inside a block") };
            let bare = line.trim_end();
            if bare == marker {
                return Ok(lines);
            }
            if [SEARCH, DIVIDER, REPLACE].contains(&bare) {
                return self.wrong("a marker stands where it could be read in two ways");
            }
            lines.push(line.to_owned());
        }
    }

    fn end(&mut self, why: &'static str) -> Result<(), AnswerError> {
        self.skip_blank();
        if self.peek().is_none() {
            return Ok(());
        }
        self.at += 1;
        self.wrong(why)
    }

    fn skip_blank(&mut self) {
        while self.peek().is_some_and(|line| line.trim().is_empty()) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<&'a str> {
        self.lines.get(self.at).copied()
    }

    fn next(&mut self) -> Option<&'a str> {
        let line = self.peek();
        self.at += usize::from(line.is_some());
        line
    }

    /// Refuses at the line that was read last.
    fn wrong<T>(&self, why: &'static str) -> Result<T, AnswerError> {
        Err(AnswerError { line: self.at.max(1), why })
    }
}

/// Tells whether a line opens a fence, with or without a language.
fn is_fence(line: &str) -> bool {
    line.trim().strip_prefix("```").is_some_and(|rest| rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '+'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const BLOCK: &str = "src/a.py\n<<<<<<< SEARCH\nold\n=======\nnew\n>>>>>>> REPLACE\n";

    fn fix(text: &str) -> Fix {
        match parse_answer(text) {
            Ok(Answer::Fix(fix)) => fix,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_hypothesis_with_blocks_is_read_bare_or_in_one_fence() {
        for text in [
            format!("HYPOTHESIS: it is off\nby one.\n\n{BLOCK}"),
            format!("\nHYPOTHESIS: it is off\nby one.\n{BLOCK}\n\n"),
            format!("HYPOTHESIS: it is off\nby one.\n```python\n{BLOCK}```\n"),
            format!("HYPOTHESIS: it is off\nby one.\n\n{BLOCK}").replace('\n', "\r\n"),
        ] {
            let fix = fix(&text);
            assert_eq!(fix.hypothesis, "it is off by one.");
            let block = &fix.blocks[0];
            assert_eq!(
                (block.path.as_str(), &block.search[..], &block.replace[..]),
                ("src/a.py", &["old".to_owned()][..], &["new".to_owned()][..])
            );
        }
        assert_eq!(fix(&format!("HYPOTHESIS: x\n\n{BLOCK}\n{BLOCK}")).blocks.len(), 2);
    }

    #[test]
    fn an_honest_no_is_an_answer() {
        assert_eq!(
            parse_answer("CANNOT FIX: the cause is a service.\n"),
            Ok(Answer::CannotFix("the cause is a service.".to_owned()))
        );
    }

    #[rstest]
    #[case::nothing("")]
    #[case::prose(
        "Sure! Here is the fix:\nHYPOTHESIS: x\n\nsrc/a.py\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n"
    )]
    #[case::prose_after(
        "HYPOTHESIS: x\n\nsrc/a.py\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\nI hope that this helps.\n"
    )]
    #[case::two_answers("HYPOTHESIS: x\n\nsrc/a.py\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\nHYPOTHESIS: y\n")]
    #[case::nothing_changed("HYPOTHESIS: it is fixed now.\n")]
    #[case::same("HYPOTHESIS: x\n\nsrc/a.py\n<<<<<<< SEARCH\na\n=======\na\n>>>>>>> REPLACE\n")]
    #[case::both_empty("HYPOTHESIS: x\n\nsrc/a.py\n<<<<<<< SEARCH\n=======\n>>>>>>> REPLACE\n")]
    #[case::escape("HYPOTHESIS: x\n\n../a.py\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n")]
    #[case::absolute("HYPOTHESIS: x\n\n/etc/passwd\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n")]
    #[case::cut("HYPOTHESIS: x\n\nsrc/a.py\n<<<<<<< SEARCH\na\n=======\nb\n")]
    #[case::open_fence("HYPOTHESIS: x\n\n```\nsrc/a.py\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n")]
    #[case::two_dividers("HYPOTHESIS: x\n\nsrc/a.py\n<<<<<<< SEARCH\na\n=======\nb\n=======\nc\n>>>>>>> REPLACE\n")]
    #[case::nested("HYPOTHESIS: x\n\nsrc/a.py\n<<<<<<< SEARCH\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n")]
    #[case::diff("HYPOTHESIS: x\n\n--- a/src/a.py\n+++ b/src/a.py\n@@ -1 +1 @@\n-a\n+b\n")]
    #[case::json("{\"hypothesis\":\"x\",\"blocks\":[]}")]
    #[case::no_and_a_fix("CANNOT FIX: no\nsrc/a.py\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n")]
    #[case::no_reason("CANNOT FIX:\n")]
    #[case::empty_hypothesis("HYPOTHESIS:\n\nsrc/a.py\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n")]
    #[case::nul("HYPOTHESIS: x\0\n")]
    fn v_15_anything_but_the_one_form_is_refused(#[case] text: &str) {
        let error = parse_answer(text).expect_err("it is refused");
        assert!(error.line >= 1 && error.line <= text.lines().count().max(1), "{error}");
    }

    #[test]
    fn v_15_an_answer_without_end_and_five_thousand_files_are_refused() {
        assert!(parse_answer(&"x".repeat(10 << 20)).is_err());
        let many: String =
            (0..5000).map(|n| format!("src/{n}.py\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n")).collect();
        assert_eq!(
            parse_answer(&format!("HYPOTHESIS: x\n\n{many}")).map_err(|e| e.why),
            Err("it has more blocks than any fix needs")
        );
        let long = format!("HYPOTHESIS: {}\n\n{BLOCK}", "word ".repeat(2000));
        assert_eq!(parse_answer(&long).map_err(|e| e.why), Err("the hypothesis is longer than a paragraph"));
    }

    proptest! {
        #[test]
        fn what_is_written_in_the_form_is_read_back(
            lines in proptest::collection::vec("[a-z(){} =<>]{0,12}", 1..6), new in proptest::collection::vec("[A-Z ]{0,9}", 0..6)
        ) {
            let text = format!("HYPOTHESIS: h\n\nsrc/x.rs\n{SEARCH}\n{}\n{DIVIDER}\n{}{REPLACE}\n", lines.join("\n"), new.iter().map(|l| format!("{l}\n")).collect::<String>());
            if lines != new {
                let fix = fix(&text);
                prop_assert_eq!(&fix.blocks[0].search, &lines);
                prop_assert_eq!(&fix.blocks[0].replace, &new);
            }
        }

        #[test]
        fn no_text_panics(text in "(HYPOTHESIS: |CANNOT FIX: |<<<<<<< SEARCH\n|=======\n|>>>>>>> REPLACE\n|src/a.py\n|```\n|\n|.){0,40}") {
            let _either = parse_answer(&text);
        }
    }
}
