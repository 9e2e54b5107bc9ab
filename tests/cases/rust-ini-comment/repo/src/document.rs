use crate::line::{understand, Line};
use std::collections::BTreeMap;

/// A line that means nothing, with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    pub line: usize,
}

/// All settings, by section and key; before the first section it is the empty one.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Document {
    values: BTreeMap<(String, String), String>,
}

impl Document {
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut document = Self::default();
        let mut section = "";
        for (index, raw) in text.lines().enumerate() {
            match understand(raw) {
                Line::Blank => {}
                Line::Section(name) => section = name,
                Line::Pair(key, value) => {
                    document.values.insert((section.to_owned(), key.to_owned()), value.to_owned());
                }
                Line::Junk => return Err(ParseError { line: index + 1 }),
            }
        }
        Ok(document)
    }

    pub fn get(&self, section: &str, key: &str) -> Option<&str> {
        self.values.get(&(section.to_owned(), key.to_owned())).map(String::as_str)
    }
}
