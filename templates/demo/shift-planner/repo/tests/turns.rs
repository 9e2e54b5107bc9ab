use shift_planner::{away::Away, rota::Rota};

#[test]
fn everybody_has_a_turn() {
    let rota = Rota::of(&["ada", "grace", "mary"]);
    let plan = rota.plan(1, 3, &Away::default());
    let names: Vec<_> = plan
        .iter()
        .map(|(_, name)| name.unwrap_or("nobody"))
        .collect();
    assert_eq!(names, ["grace", "mary", "ada"]);
}

#[test]
fn who_is_away_is_replaced_by_the_next() {
    let rota = Rota::of(&["ada", "grace", "mary"]);
    let away = Away::parse("grace 1\nmary 1\nnonsense\n");
    assert_eq!(rota.on_call(1, &away), Some("ada"));
}

#[test]
fn a_rota_of_nobody_is_nobodys_turn() {
    assert_eq!(Rota::of(&[]).on_call(5, &Away::default()), None);
}
