use log_shipper::{batch::split, cursor::Cursor, positions};

#[test]
fn accepted_batches_are_not_pending() {
    let text = "one\ntwo\nthree\n";
    let mut cursor = Cursor::default();
    cursor.accept(&split(text, 8)[0]);
    assert_eq!(cursor.pending(text.len() as u64), 6);
}

#[test]
fn positions_survive_a_restart() {
    let known = positions::parse("12 app.log\nbroken line\n7 my web.log\n");
    assert_eq!(positions::render(&known), "12 app.log\n7 my web.log\n");
}

#[test]
fn a_rotated_file_has_nothing_pending() {
    let cursor = Cursor::at(4096);
    assert!(cursor.was_rotated(120));
    assert_eq!(cursor.status("app.log", 120), "app.log: 0 bytes pending, rotated");
}
