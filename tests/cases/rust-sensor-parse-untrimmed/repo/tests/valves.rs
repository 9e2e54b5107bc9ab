use greenhouse::reading::Reading;
use greenhouse::valve::thirsty;

#[test]
fn noise_is_ignored() {
    assert_eq!(Reading::parse("#### boot ####"), None);
}

#[test]
fn a_sensor_never_reports_more_than_everything() {
    assert_eq!(Reading::parse("bed-3,120").unwrap().moisture, 100);
}

#[test]
fn dry_beds_are_opened_once() {
    assert_eq!(thirsty("bed-3,12\nbed-1,29\nbed-3,8\nbed-2,30"), [1, 3]);
}

#[test]
fn new_sensors_pad_their_values() {
    assert_eq!(thirsty("bed-1, 75\nbed-2,  9\nbed-4, 10 "), [2, 4]);
}
