//! Draws how busy each weekday was.

mod grid;
mod paint;

pub use grid::Grid;
pub use paint::{legend, render};
