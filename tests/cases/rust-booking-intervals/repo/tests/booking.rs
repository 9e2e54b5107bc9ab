use roombook::{Booking, Conflict, Room};

fn at(start: u16, end: u16) -> Booking {
    Booking::new(start, end).unwrap()
}

#[test]
fn a_booking_ends_after_it_starts() {
    assert_eq!(Booking::new(600, 600), None);
}

#[test]
fn overlapping_bookings_are_refused_with_a_reason() {
    let mut room = Room::default();
    room.book(at(540, 600)).unwrap();
    let conflict = room.book(at(570, 630)).unwrap_err();
    assert_eq!(conflict, Conflict(at(540, 600)));
    assert_eq!(conflict.to_string(), "taken from 9:00 to 10:00");
}

#[test]
fn bookings_are_kept_in_order() {
    let mut room = Room::default();
    room.book(at(800, 810)).unwrap();
    room.book(at(540, 600)).unwrap();
    assert_eq!(room.bookings(), [at(540, 600), at(800, 810)]);
}

#[test]
fn back_to_back_bookings_fit() {
    let mut room = Room::default();
    room.book(at(540, 600)).unwrap();
    room.book(at(600, 660)).unwrap();
    room.book(at(500, 540)).unwrap();
    assert_eq!(room.bookings().len(), 3);
}
