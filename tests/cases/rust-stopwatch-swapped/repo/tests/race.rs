use regatta::{Boat, Race};

#[test]
fn slow_boats_are_helped() {
    assert_eq!(Boat::new("Optimist", 160).corrected(3200), 2000);
}

#[test]
fn a_race_without_finishers_has_no_results() {
    assert!(Race::starting_at(36_000).results().is_empty());
}

#[test]
fn corrected_time_decides() {
    let mut race = Race::starting_at(36_000);
    race.finish(Boat::new("Laser", 100), 38_500);
    race.finish(Boat::new("Optimist", 160), 39_200);
    let results = race.results();
    assert_eq!((results[0].boat.as_str(), results[0].seconds), ("Optimist", 3200));
    assert_eq!(results[1].corrected, 2500);
}
