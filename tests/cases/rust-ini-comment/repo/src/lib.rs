//! Settings in the old `[section]` format.

mod document;
mod line;

pub use document::{Document, ParseError};
