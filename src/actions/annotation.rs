//! Annotations: what the runner shows beside a run, a file or a line. Layer 5.
//!
//! A message is one line for the runner, whatever it holds, and neither its text nor a property can begin another command.

use std::fmt::Write as _;

use super::{escape, inert};

/// Annotations of one kind that GitHub shows for a step; what is beyond is not shown.
pub const SHOWN: usize = 10;

/// What a message may have; GitHub cuts one at 4 KiB of its own accord.
const MESSAGE_CAP: usize = 1_000;

/// How much an annotation matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Something did not happen.
    Error,
    /// Something happened otherwise than asked for.
    Warning,
}

/// One annotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// How much it matters.
    pub level: Level,
    /// The file that it is about, from the root of the workflow's own checkout.
    pub file: Option<String>,
    /// The line of it, from 1.
    pub line: Option<usize>,
    /// A few words above the message.
    pub title: String,
    /// Whole sentences.
    pub message: String,
}

impl Annotation {
    /// Returns the workflow command.
    pub fn command(&self) -> String {
        let mut text = match self.level {
            Level::Error => "::error ",
            Level::Warning => "::warning ",
        }
        .to_owned();
        if let Some(file) = &self.file {
            let _infallible = write!(text, "file={},", property(file));
        }
        if let (Some(_), Some(line)) = (&self.file, self.line) {
            let _infallible = write!(text, "line={line},");
        }
        let message: String = self.message.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
        let end = message.floor_char_boundary(MESSAGE_CAP);
        let cut = if end < message.len() { " …" } else { "" };
        let _infallible =
            write!(text, "title={}::{}{cut}", property(&self.title), escape(&inert(message[..end].trim())));
        text
    }
}

/// Chooses what the runner will show of many: the gravest first, with a word on how many are left out.
pub fn chosen(all: &[Annotation]) -> Vec<Annotation> {
    let mut kept = Vec::new();
    for level in [Level::Error, Level::Warning] {
        let of_level = all.iter().filter(|one| one.level == level).count();
        let room = if of_level > SHOWN { SHOWN - 1 } else { SHOWN };
        kept.extend(all.iter().filter(|one| one.level == level).take(room).cloned());
        if of_level > SHOWN {
            kept.push(Annotation {
                level,
                file: None,
                line: None,
                title: "Homeostat".to_owned(),
                message: format!("{} more are in the summary.", of_level - room),
            });
        }
    }
    kept
}

/// Escapes a property: what ends one, or begins the next, must not.
fn property(text: &str) -> String {
    let line: String = text.chars().filter(|c| !c.is_control()).collect();
    escape(&inert(&line)).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warning(message: &str) -> Annotation {
        Annotation {
            level: Level::Warning,
            file: Some("src/a,b:c.py".to_owned()),
            line: Some(7),
            title: "no, never: 5%".to_owned(),
            message: message.to_owned(),
        }
    }

    #[test]
    fn v_39_v_40_neither_a_message_nor_a_property_can_begin_another_command() {
        let text = warning("first\n::set-output name=x::y\r\u{1b}[2J##[add-mask]e").command();
        assert_eq!(
            text,
            "::warning file=src/a%2Cb%3Ac.py,line=7,title=no%2C never%3A 5%25::first%0A: :set-output name=x::y[2J# #[add-mask]e"
        );
        assert_eq!(text.lines().count(), 1);
    }

    #[test]
    fn a_line_without_a_file_is_left_out_and_a_long_message_is_cut_with_a_sign() {
        let text = Annotation { file: None, ..warning(&"é".repeat(5_000)) }.command();
        assert!(text.starts_with("::warning title=") && text.ends_with(" …"), "{text}");
        assert!(text.len() < 1_100);
    }

    #[test]
    fn of_many_the_gravest_are_shown_and_the_rest_is_counted() {
        let error = Annotation { level: Level::Error, ..warning("grave") };
        let mut all: Vec<Annotation> = (0..12).map(|n| warning(&n.to_string())).collect();
        all.push(error.clone());
        let shown = chosen(&all);
        assert_eq!((shown.len(), &shown[0]), (11, &error));
        assert_eq!(shown[10].message, "3 more are in the summary.");
        assert_eq!(chosen(&[warning("one")]), [warning("one")]);
    }
}
