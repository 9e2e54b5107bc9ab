use crate::booking::Booking;
use std::fmt;

/// The booking that stands in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict(pub Booking);

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Booking { start, end } = self.0;
        write!(f, "taken from {}:{:02} to {}:{:02}", start / 60, start % 60, end / 60, end % 60)
    }
}

/// One room's bookings of a day, in order.
#[derive(Debug, Default)]
pub struct Room {
    bookings: Vec<Booking>,
}

impl Room {
    pub fn book(&mut self, wanted: Booking) -> Result<(), Conflict> {
        if let Some(taken) = self.bookings.iter().find(|b| b.overlaps(&wanted)) {
            return Err(Conflict(*taken));
        }
        self.bookings.push(wanted);
        self.bookings.sort();
        Ok(())
    }

    pub fn bookings(&self) -> &[Booking] {
        &self.bookings
    }
}
