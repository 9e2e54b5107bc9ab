//! The governor on a clock that moves only by waiting.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use async_trait::async_trait;

use super::*;

/// Time that passes only while something waits; the wall clock may be wrong.
#[derive(Debug, Default)]
pub(crate) struct Virtual {
    pub(crate) passed: AtomicU64,
    wall_is_off_by: AtomicI64,
}

const START: i64 = 1_800_000_000_000;

#[async_trait]
impl System for Virtual {
    fn now(&self) -> Timestamp {
        let passed = i64::try_from(self.passed.load(Ordering::SeqCst)).expect("a short test");
        Timestamp::from_millis(START + passed + self.wall_is_off_by.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.passed.load(Ordering::SeqCst))
    }

    async fn sleep(&self, span: Duration) {
        let millis = u64::try_from(span.as_millis()).expect("a short wait");
        self.passed.fetch_add(millis, Ordering::SeqCst);
    }

    fn random(&self) -> [u8; 16] {
        [0; 16]
    }
}

fn account(owner: &str) -> Account {
    Account { bucket: "token".into(), owner: owner.into() }
}

fn governor(deadline: Option<u64>) -> (Arc<Virtual>, Governor) {
    let system = Arc::new(Virtual::default());
    let governor = Governor::new(Arc::clone(&system) as Arc<dyn System>, deadline.map(Duration::from_secs));
    (system, governor)
}

/// The server's answer at a moment: its date and more headers.
fn headers(system: &Virtual, more: &[(&str, &str)]) -> HeaderMap {
    let at = START + i64::try_from(system.monotonic().as_millis()).expect("a short test");
    let date = date(Timestamp::from_millis(at));
    let all = more.iter().copied().chain([("date", date.as_str())]);
    let header = |(name, value): (&str, &str)| {
        (http::HeaderName::from_bytes(name.as_bytes()).expect("a name"), value.parse().expect("a value"))
    };
    all.map(header).collect()
}

/// Writes an HTTP date; the day of the week is not looked at.
fn date(at: Timestamp) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = at.to_string();
    let month: usize = text[5..7].parse().expect("a month");
    format!("Mon, {} {} {} {} GMT", &text[8..10], MONTHS[month - 1], &text[..4], &text[11..19])
}

async fn send(governor: &Governor, load: Load) -> ForgeResult<()> {
    governor.admit(&account("a"), load).await.map(drop)
}

fn epoch(seconds: i64) -> String {
    (START / 1000 + seconds).to_string()
}

#[tokio::test]
async fn f_09_a_named_wait_is_kept() {
    let (system, governor) = governor(Some(600));
    governor.limited(&account("a"), Limit::Secondary, &headers(&system, &[("retry-after", "7")]));
    send(&governor, Load::Read).await.expect("leave");
    assert_eq!(system.monotonic(), Duration::from_secs(7));
}

#[tokio::test]
async fn f_10_nothing_sleeps_past_the_deadline() {
    let (system, governor) = governor(Some(600));
    let reset = epoch(3_000);
    let spent = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", reset.as_str())];
    governor.hear(&account("a"), &headers(&system, &spent));
    governor.limited(&account("a"), Limit::Primary, &headers(&system, &spent));
    let answer = send(&governor, Load::Read).await;
    let until = Timestamp::from_millis(START + 3_001_000);
    assert_eq!(answer, Err(ForgeError::RateLimited { until }));
    assert_eq!(system.monotonic(), Duration::ZERO);
}

#[tokio::test]
async fn f_11_a_limit_without_headers_waits_a_minute_then_two_then_four() {
    let (system, governor) = governor(Some(6_000));
    let mut before = system.monotonic();
    for minutes in [1, 2, 4] {
        governor.limited(&account("a"), Limit::Secondary, &headers(&system, &[]));
        send(&governor, Load::Read).await.expect("leave");
        assert_eq!(system.monotonic(), before + Duration::from_mins(minutes));
        before = system.monotonic();
    }
    governor.passed(&account("a"));
    governor.limited(&account("a"), Limit::Secondary, &headers(&system, &[]));
    send(&governor, Load::Read).await.expect("leave");
    assert_eq!(system.monotonic(), before + Duration::from_mins(1), "a good answer starts anew");
}

#[tokio::test]
async fn f_13_odd_waits_are_read_by_the_servers_clock_or_become_a_minute() {
    let in_20_s = date(Timestamp::from_millis(START + 20_000));
    let an_hour = LONGEST.as_secs();
    for (text, seconds) in [
        (in_20_s.as_str(), 20),
        ("-5", 60),
        ("abc", 60),
        ("", 60),
        ("1.5", 60),
        ("1000000000000", an_hour),
        ("99999999999999999999999999", an_hour),
        ("0", 0),
    ] {
        let (system, governor) = governor(Some(100_000));
        // A machine that is three hours ahead: its own clock would find the date long past (F-14).
        system.wall_is_off_by.store(3 * 3_600_000, Ordering::SeqCst);
        let said = [("retry-after", text)];
        governor.hear(&account("a"), &headers(&system, &said));
        governor.limited(&account("a"), Limit::Secondary, &headers(&system, &said));
        send(&governor, Load::Read).await.expect("leave");
        assert_eq!(system.monotonic(), Duration::from_secs(seconds), "{text:?}");
    }
}

#[tokio::test]
async fn f_14_the_servers_time_is_told_whatever_the_machine_believes() {
    let (system, governor) = governor(None);
    system.wall_is_off_by.store(-3 * 3_600_000, Ordering::SeqCst);
    assert_eq!(governor.server_time(), None);
    governor.hear(&account("a"), &headers(&system, &[]));
    system.sleep(Duration::from_millis(2_500)).await;
    system.wall_is_off_by.store(7 * 3_600_000, Ordering::SeqCst);
    assert_eq!(governor.server_time(), Some(Timestamp::from_millis(START + 2_500)));
    // The server's whole seconds do not turn the clock back.
    governor.hear(&account("a"), &headers(&system, &[]));
    assert_eq!(governor.server_time(), Some(Timestamp::from_millis(START + 2_500)));
}

#[tokio::test]
async fn writes_are_a_second_apart_and_reads_are_not() {
    let (system, governor) = governor(None);
    for _ in 0..5 {
        send(&governor, Load::Read).await.expect("leave");
    }
    assert_eq!(system.monotonic(), Duration::ZERO);
    for _ in 0..5 {
        send(&governor, Load::Write).await.expect("leave");
    }
    assert_eq!(system.monotonic(), Duration::from_secs(4));
}

#[tokio::test]
async fn writes_are_serial() {
    let (_, governor) = governor(None);
    let first = governor.admit(&account("a"), Load::Write).await.expect("leave");
    let b = account("b");
    let second = governor.admit(&b, Load::Write);
    let waited = tokio::time::timeout(Duration::from_millis(5), second).await;
    assert!(waited.is_err(), "a second write went out beside the first");
    drop(first);
    governor.admit(&account("b"), Load::Write).await.expect("leave");
}

#[tokio::test]
async fn no_minute_has_more_points_than_github_allows() {
    let (system, governor) = governor(Some(10_000));
    for _ in 0..POINTS_A_MINUTE {
        send(&governor, Load::Read).await.expect("leave");
    }
    assert_eq!(system.monotonic(), Duration::ZERO);
    send(&governor, Load::Read).await.expect("leave");
    assert_eq!(system.monotonic(), MINUTE);
}

#[tokio::test]
async fn no_minute_and_no_hour_has_more_content_than_github_allows() {
    let (system, governor) = governor(Some(100_000));
    let mut sent = Vec::new();
    for _ in 0..=CONTENT_AN_HOUR {
        send(&governor, Load::Content).await.expect("leave");
        sent.push(system.monotonic());
    }
    for (most, span) in [(CONTENT_A_MINUTE, MINUTE), (CONTENT_AN_HOUR, HOUR)] {
        assert!(sent.windows(most + 1).all(|some| some[most] >= some[0] + span), "{most} in {span:?}");
    }
}

#[tokio::test]
async fn shards_share_every_limit() {
    let (system, governor) = governor(Some(10_000));
    governor.divide(4);
    for _ in 0..=POINTS_A_MINUTE / 4 {
        send(&governor, Load::Read).await.expect("leave");
    }
    assert_eq!(system.monotonic(), MINUTE);
    let reset = epoch(3_000);
    let said = [("x-ratelimit-remaining", "8"), ("x-ratelimit-reset", reset.as_str())];
    governor.hear(&account("a"), &headers(&system, &said));
    for _ in 0..2 {
        send(&governor, Load::Read).await.expect("leave");
    }
    send(&governor, Load::Read).await.expect("leave");
    assert!(system.monotonic() >= Duration::from_secs(2_999), "two of eight belong to this shard");
}

#[tokio::test]
async fn an_owner_with_many_repositories_leaves_something_for_the_others() {
    let (system, governor) = governor(Some(60));
    for owner in ["a", "b"] {
        governor.expect("token", owner);
    }
    let reset = epoch(3_000);
    let said = [("x-ratelimit-remaining", "80"), ("x-ratelimit-reset", reset.as_str())];
    governor.hear(&account("a"), &headers(&system, &said));
    let mut taken = 0;
    while governor.admit(&account("a"), Load::Read).await.is_ok() {
        taken += 1;
    }
    assert_eq!(taken, 70);
    for _ in 0..10 {
        governor.admit(&account("b"), Load::Read).await.expect("b has its part");
    }
    assert!(matches!(governor.admit(&account("b"), Load::Read).await, Err(ForgeError::RateLimited { .. })));
}

#[tokio::test]
async fn one_token_limited_does_not_stop_another() {
    let (system, governor) = governor(Some(600));
    governor.limited(&account("a"), Limit::Secondary, &headers(&system, &[("retry-after", "500")]));
    let other = Account { bucket: "other".into(), owner: "a".into() };
    governor.admit(&other, Load::Read).await.expect("leave");
    assert_eq!(system.monotonic(), Duration::ZERO);
}

#[test]
fn dates_are_read_as_http_writes_them() {
    assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT"), "1994-11-06T08:49:37Z".parse().ok());
    for bad in
        ["", "Sun", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Nix 1994 08:49:37 GMT", "Sun, 99 Nov 1994 08:49:37 GMT"]
    {
        assert_eq!(http_date(bad), None, "{bad}");
    }
}
