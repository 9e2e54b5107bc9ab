//! The position file: one `offset name` line for each followed file.

use crate::cursor::Cursor;
use std::collections::BTreeMap;

pub type Positions = BTreeMap<String, Cursor>;

/// Reads a position file; lines that mean nothing are dropped, which ships a file again rather than losing it.
pub fn parse(text: &str) -> Positions {
    text.lines()
        .filter_map(|line| {
            let (offset, name) = line.split_once(' ')?;
            Some((name.to_owned(), Cursor::at(offset.parse().ok()?)))
        })
        .collect()
}

pub fn render(positions: &Positions) -> String {
    positions.iter().map(|(name, cursor)| format!("{} {name}\n", cursor.offset())).collect()
}
