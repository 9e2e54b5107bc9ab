//! What can be wrong with a configuration, each problem with its place; all of them are reported at once. Layer 1.
//!
//! A problem never repeats more than a few characters of a value: somebody may have pasted a secret.

use std::fmt;

use serde::Serialize;

/// The kinds of problems, as stable codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemCode {
    /// The bytes are no text, or too many.
    Unreadable,
    /// The text is no YAML.
    Syntax,
    /// The text unfolds into more than a configuration can need.
    TooMuch,
    /// A key that does not exist here.
    UnknownKey,
    /// A key given twice.
    DuplicateKey,
    /// A key or value that a later version brings.
    NotYet,
    /// A key that has to be there.
    MissingKey,
    /// A list where text belongs, and the like.
    WrongType,
    /// A value of the right type that cannot be.
    ImpossibleValue,
    /// No length of time.
    BadDuration,
    /// No size.
    BadSize,
    /// No amount of money.
    BadMoney,
    /// No pattern of paths.
    BadGlob,
    /// No template, or one that names what there is not.
    BadTemplate,
    /// A version that this program does not read.
    Version,
    /// A repository listed twice.
    DuplicateRepository,
    /// More repositories than one run can look after.
    TooManyRepositories,
    /// A label that would make our own pull requests reports.
    LabelIsTrigger,
    /// A draft threshold above the ready one.
    ThresholdsOutOfOrder,
    /// A variable of the environment that cannot be read.
    Environment,
    /// Learning where nothing may be learned.
    LearningOutsideProduction,
}

/// A position in the file, both counted from 1, columns in Unicode scalars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Place {
    /// The beginning of a file.
    pub(super) const START: Self = Self { line: 1, column: 1 };
}

/// One thing wrong, with its place and the way out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// Where in the file; `None` for the environment and the flags.
    pub place: Option<Place>,
    /// The key from the top, or the variable's name.
    pub key: String,
    /// The stable code.
    pub code: ProblemCode,
    /// What is wrong and what to write instead.
    pub message: String,
}

/// Everything wrong with a configuration.
#[expect(clippy::struct_field_names, reason = "the field is what is serialised for programs")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problems {
    /// The file, as the caller names it.
    pub file: String,
    /// The problems in the order of the file.
    pub problems: Vec<Problem>,
    /// Further problems that are only counted.
    pub more: usize,
}

impl Problems {
    /// Problems beyond this many help nobody; they are counted.
    const LISTED: usize = 200;

    pub(super) fn new(file: &str) -> Self {
        Self { file: file.to_owned(), problems: Vec::new(), more: 0 }
    }

    pub(super) fn add(
        &mut self,
        place: impl Into<Option<Place>>,
        key: impl Into<String>,
        code: ProblemCode,
        message: impl Into<String>,
    ) {
        // One wrong line in `defaults` is one problem, however many repositories inherit it.
        let problem = Problem { place: place.into(), key: key.into(), code, message: message.into() };
        if self.problems.contains(&problem) {
            return;
        }
        if self.problems.len() < Self::LISTED {
            self.problems.push(problem);
        } else {
            self.more += 1;
        }
    }

    /// Tells whether further problems are only counted, so that their words need not be found.
    pub(super) fn is_full(&self) -> bool {
        self.problems.len() >= Self::LISTED
    }

    /// Returns `value` where nothing is wrong, else the problems in the order of the file.
    pub(super) fn or<T>(mut self, value: T) -> Result<T, Self> {
        if self.problems.is_empty() {
            return Ok(value);
        }
        // The environment comes last: it is fixed elsewhere.
        self.problems.sort_by_key(|problem| (problem.place.is_none(), problem.place, problem.key.clone()));
        Err(self)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            match problem.place {
                Some(place) => write!(f, "{}:{}:{}: ", self.file, place.line, place.column)?,
                None => f.write_str("environment: ")?,
            }
            if !problem.key.is_empty() {
                write!(f, "{}: ", problem.key)?;
            }
            writeln!(f, "{}", problem.message)?;
        }
        match self.problems.len() + self.more {
            1 => f.write_str("1 problem"),
            count => write!(f, "{count} problems"),
        }
    }
}

impl std::error::Error for Problems {}

/// Shortens a value for a message, and keeps it on one line.
pub(super) fn shown(text: &str) -> String {
    let mut out: String = text.chars().take(40).flat_map(char::escape_debug).collect();
    if text.chars().nth(40).is_some() {
        out.push('…');
    }
    format!("\"{out}\"")
}

/// Returns the name nearest to a mistyped one, where one is near enough to be meant.
pub(super) fn nearest<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if typed.len() > 64 {
        return None;
    }
    let allowed = ((typed.chars().count() + 1) / 3).clamp(1, 3);
    names
        .into_iter()
        .map(|name| (distance(&typed.to_lowercase().replace('-', "_"), &name.replace('-', "_")), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, name)| (*distance, *name))
        .map(|(_, name)| name)
}

/// Counts the edits between two words; two neighbouring letters swapped are one.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let same = usize::from(a[i - 1] != b[j - 1]);
            row[j] = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + same);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_the_one_meant_or_none() {
        let names = ["max_files", "max_file_bytes", "cooldown", "labels"];
        for (typed, meant) in [
            ("max_file", Some("max_files")),
            ("max-files", Some("max_files")),
            ("mxa_files", Some("max_files")),
            ("Labels", Some("labels")),
            ("lable", Some("labels")),
            ("colour", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, names), meant, "{typed}");
        }
    }

    #[test]
    fn a_long_or_odd_value_is_shown_short_and_on_one_line() {
        assert_eq!(shown("a\nb"), r#""a\nb""#);
        assert_eq!(shown(&"x".repeat(50)).chars().count(), 43);
    }
}
