use diskquota::{units::human, Account, Level};

#[test]
fn sizes_are_shown_in_the_largest_unit() {
    assert_eq!(human(1536), "1.5 KiB");
    assert_eq!(human(12), "12 B");
}

#[test]
fn a_new_account_is_fine() {
    let account = Account::new("maps", 4096);
    assert_eq!(account.level(), Level::Fine);
    assert_eq!(account.line(), "maps: 4.0 KiB of 4.0 KiB left");
}

#[test]
fn an_account_is_full_to_the_byte() {
    let mut account = Account::new("maps", 4096);
    account.add(4096);
    assert_eq!(account.level(), Level::Full);
}

#[test]
fn an_account_over_a_lowered_quota_is_full() {
    let mut account = Account::new("tiles", 8192);
    account.add(6000);
    account.set_quota(4096);
    assert_eq!(account.level(), Level::Full);
    assert_eq!(account.line(), "tiles: 0 B of 4.0 KiB left");
}
