//! Results of sailing races. Times are seconds after midnight.

mod boat;
mod race;

pub use boat::Boat;
pub use race::{Race, Result};
