//! Bookings of rooms. Times are minutes of the day.

mod booking;
mod room;

pub use booking::Booking;
pub use room::{Conflict, Room};
