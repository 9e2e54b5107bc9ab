//! When a request may be sent: one governor for every request of the process. Layer 3.
//!
//! It keeps GitHub's rules before GitHub has to: the hour's requests by what the headers say, points and content by the
//! minute and hour, writes one after the other, a part for each owner. Waits run on the monotonic clock, windows on the
//! server's. Refuses to wait past the run's deadline: that is [`ForgeError::RateLimited`], and the next run's business.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::classify::{Limit, header};
use crate::forge::{ForgeError, ForgeResult};
use crate::model::Timestamp;
use crate::system::System;

/// Points of one minute: a read is one, a write five.
const POINTS_A_MINUTE: u32 = 900;
/// Pieces of content (comments, pull requests, issues) of one minute and one hour.
const CONTENT_A_MINUTE: usize = 80;
const CONTENT_AN_HOUR: usize = 500;
/// Between two writes.
const BETWEEN_WRITES: Duration = Duration::from_secs(1);
/// Requests at the same time; GitHub allows 100.
const AT_ONCE: usize = 16;
/// The wait where a limit names none; doubled each time in a row.
const UNNAMED: Duration = Duration::from_mins(1);
/// No wait is longer: GitHub's longest window is an hour.
const LONGEST: Duration = Duration::from_mins(61);
/// How long a wait may be where the run has no deadline.
const PATIENCE: Duration = Duration::from_mins(5);
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// What a request costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Load {
    /// One point.
    Read,
    /// Five points.
    Write,
    /// Five points and one piece of content.
    Content,
}

/// Who is counted together: one token's budget, and the owner whose part of it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) bucket: String,
    pub(super) owner: String,
}

/// Keeps a process within GitHub's limits.
pub struct Governor {
    system: Arc<dyn System>,
    /// On the monotonic clock.
    deadline: Option<Duration>,
    state: Mutex<State>,
    writing: tokio::sync::Mutex<()>,
    places: Semaphore,
}

impl std::fmt::Debug for Governor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Governor").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct State {
    shards: u32,
    /// The server's time at a moment of the monotonic clock.
    clock: Option<(Timestamp, Duration)>,
    points: VecDeque<(Duration, u32)>,
    content: VecDeque<Duration>,
    last_write: Option<Duration>,
    buckets: BTreeMap<String, Bucket>,
}

#[derive(Debug, Default)]
struct Bucket {
    owners: BTreeSet<String>,
    window: Option<Window>,
    blocked_until: Duration,
    limited_in_row: u32,
}

/// The hour of the primary limit.
#[derive(Debug)]
struct Window {
    ends: Duration,
    budget: u64,
    left: u64,
    used: BTreeMap<String, u64>,
}

/// Leave to send one request; given back when dropped.
#[derive(Debug)]
pub(super) struct Leave<'a> {
    _place: SemaphorePermit<'a>,
    _writing: Option<tokio::sync::MutexGuard<'a, ()>>,
}

impl Governor {
    /// Makes one; `deadline` is a moment of the system's monotonic clock.
    pub fn new(system: Arc<dyn System>, deadline: Option<Duration>) -> Self {
        let state = State {
            shards: 1,
            clock: None,
            points: VecDeque::new(),
            content: VecDeque::new(),
            last_write: None,
            buckets: BTreeMap::new(),
        };
        Self {
            system,
            deadline,
            state: Mutex::new(state),
            writing: tokio::sync::Mutex::new(()),
            places: Semaphore::new(AT_ONCE),
        }
    }

    /// Leaves this process one part of every limit, because so many run side by side.
    pub fn divide(&self, shards: u32) {
        self.state().shards = shards.max(1);
    }

    /// Returns how many share the limits.
    #[cfg(test)]
    pub(crate) fn parts(&self) -> u32 {
        self.state().shards
    }

    /// Says that an owner's requests will use a bucket, so that a part of it is kept for them.
    pub(super) fn expect(&self, bucket: &str, owner: &str) {
        self.state().buckets.entry(bucket.to_owned()).or_default().owners.insert(owner.to_owned());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the server's time, once it was heard.
    pub(super) fn server_time(&self) -> Option<Timestamp> {
        self.state().server_time(self.system.monotonic())
    }

    /// Returns the server's time, or this machine's while the server has not been heard.
    pub(super) fn time(&self) -> Timestamp {
        self.server_time().unwrap_or_else(|| self.system.now())
    }

    /// Waits until a request may be sent.
    pub(super) async fn admit(&self, account: &Account, load: Load) -> ForgeResult<Leave<'_>> {
        let writing = match load {
            Load::Read => None,
            Load::Write | Load::Content => Some(self.writing.lock().await),
        };
        let begun = self.system.monotonic();
        // A bound, so that a clock that stands still is an error and no endless loop.
        for _ in 0..1_000 {
            let now = self.system.monotonic();
            let wait = self.state().wait(account, load, now);
            if wait.is_zero() {
                self.state().count(account, load, now);
                // After the wait, so that those who wait for one token's limit keep no place from others.
                let place = self.places.acquire().await;
                let place = place.map_err(|_| ForgeError::Transient("no place to send from".to_owned()))?;
                return Ok(Leave { _place: place, _writing: writing });
            }
            let end = self.deadline.unwrap_or(begun.saturating_add(PATIENCE));
            if now.saturating_add(wait) > end {
                return Err(ForgeError::RateLimited { until: self.time().after(wait) });
            }
            if wait > BETWEEN_WRITES {
                tracing::info!(seconds = wait.as_secs(), bucket = %account.bucket, "waiting for a rate limit");
            }
            self.system.sleep(wait).await;
        }
        Err(ForgeError::Transient("the clock stands still while a rate limit is waited for".to_owned()))
    }

    /// Returns when a bucket is free again, for an answer that gives up.
    pub(super) fn until(&self, account: &Account) -> Timestamp {
        let now = self.system.monotonic();
        let blocked = self.state().buckets.get(&account.bucket).map_or(now, |bucket| bucket.blocked_until);
        self.time().after(blocked.saturating_sub(now))
    }

    /// Learns from an answer's headers.
    pub(super) fn hear(&self, account: &Account, headers: &HeaderMap) {
        let now = self.system.monotonic();
        let mut state = self.state();
        if let Some(date) = header(headers, "date").and_then(http_date) {
            state.set_clock(date, now);
        }
        let number = |name: &str| header(headers, name).and_then(|text| text.trim().parse::<u64>().ok());
        let (Some(remaining), Some(reset)) = (number("x-ratelimit-remaining"), number("x-ratelimit-reset")) else {
            return;
        };
        let Some(server) = state.server_time(now) else { return };
        let ends = now.saturating_add(until_epoch(reset, server));
        let shards = u64::from(state.shards);
        let bucket = state.buckets.entry(account.bucket.clone()).or_default();
        match &mut bucket.window {
            Some(window) if ends <= window.ends.saturating_add(MINUTE) => {
                // Other processes use the same budget: what the server says is left is the most there is.
                window.left = window.left.min(remaining);
            }
            window => {
                let budget = remaining / shards;
                *window = Some(Window { ends, budget, left: budget, used: BTreeMap::new() });
            }
        }
    }

    /// Notes an answer that was no limit.
    pub(super) fn passed(&self, account: &Account) {
        self.state().buckets.entry(account.bucket.clone()).or_default().limited_in_row = 0;
    }

    /// Notes that the server refused because of a limit, and blocks the bucket for as long as it says.
    pub(super) fn limited(&self, account: &Account, limit: Limit, headers: &HeaderMap) {
        let now = self.system.monotonic();
        let mut state = self.state();
        let server = state.server_time(now).unwrap_or_else(|| self.system.now());
        let bucket = state.buckets.entry(account.bucket.clone()).or_default();
        let doubled = |times: u32| UNNAMED.saturating_mul(2_u32.saturating_pow(times.min(10)));
        let named = header(headers, "retry-after").and_then(|text| retry_after(text, server));
        let wait = match (named, limit) {
            // Whoever is refused three times in a row although it waited as told has to slow down more.
            (Some(wait), _) if bucket.limited_in_row >= 3 => wait.max(doubled(bucket.limited_in_row - 3)),
            (Some(wait), _) => wait,
            (None, Limit::Primary) => header(headers, "x-ratelimit-reset")
                .and_then(|text| text.trim().parse().ok())
                .map(|reset| until_epoch(reset, server).saturating_add(Duration::from_secs(1)))
                .filter(|wait| *wait <= LONGEST)
                .unwrap_or(UNNAMED),
            (None, Limit::Secondary) => doubled(bucket.limited_in_row),
        };
        bucket.limited_in_row = bucket.limited_in_row.saturating_add(1);
        bucket.blocked_until = bucket.blocked_until.max(now.saturating_add(wait.min(LONGEST)));
    }
}

impl State {
    fn server_time(&self, now: Duration) -> Option<Timestamp> {
        self.clock.map(|(server, at)| server.after(now.saturating_sub(at)))
    }

    /// Takes the server's word, whose dates are whole seconds, without ever stepping back for a rounding.
    fn set_clock(&mut self, date: Timestamp, now: Duration) {
        let ours = self.server_time(now);
        let close = ours.is_some_and(|ours| ours >= date && ours.since(date) < Duration::from_secs(5));
        if !close {
            self.clock = Some((date, now));
        }
    }

    /// Returns how long a request has to wait.
    fn wait(&mut self, account: &Account, load: Load, now: Duration) -> Duration {
        self.forget(now);
        let mut until = now;
        if let Some(bucket) = self.buckets.get_mut(&account.bucket) {
            until = until.max(bucket.blocked_until);
            if bucket.window.as_ref().is_some_and(|window| window.ends <= now) {
                bucket.window = None;
            }
            if let Some(window) = &bucket.window
                && !window.has_room(&account.owner, &bucket.owners)
            {
                until = until.max(window.ends);
            }
        }
        let (limit, cost) = (POINTS_A_MINUTE / self.shards, points(load));
        let mut sum: u32 = self.points.iter().map(|(_, cost)| cost).sum();
        for (at, old) in &self.points {
            if sum.saturating_add(cost) <= limit.max(cost) {
                break;
            }
            sum = sum.saturating_sub(*old);
            until = until.max(at.saturating_add(MINUTE));
        }
        if load != Load::Read
            && let Some(last) = self.last_write
        {
            until = until.max(last.saturating_add(BETWEEN_WRITES * self.shards));
        }
        if load == Load::Content {
            for (most, span) in [(CONTENT_A_MINUTE, MINUTE), (CONTENT_AN_HOUR, HOUR)] {
                let most = (most / self.shards as usize).max(1);
                // The piece that has to leave the window before another may come.
                if let Some(at) = self.content.len().checked_sub(most).and_then(|place| self.content.get(place)) {
                    until = until.max(at.saturating_add(span));
                }
            }
        }
        until.saturating_sub(now)
    }

    fn forget(&mut self, now: Duration) {
        while self.points.front().is_some_and(|(at, _)| at.saturating_add(MINUTE) <= now) {
            self.points.pop_front();
        }
        while self.content.front().is_some_and(|at| at.saturating_add(HOUR) <= now) {
            self.content.pop_front();
        }
    }

    fn count(&mut self, account: &Account, load: Load, now: Duration) {
        self.points.push_back((now, points(load)));
        if load != Load::Read {
            self.last_write = Some(now);
        }
        if load == Load::Content {
            self.content.push_back(now);
        }
        if let Some(window) = self.buckets.get_mut(&account.bucket).and_then(|bucket| bucket.window.as_mut()) {
            window.left = window.left.saturating_sub(1);
            *window.used.entry(account.owner.clone()).or_default() += 1;
        }
    }
}

impl Window {
    /// Returns whether an owner may take one more. A quarter of the budget is kept, in equal parts, for owners that have
    /// not had theirs, so that one with many repositories cannot use up the hour of all.
    fn has_room(&self, owner: &str, owners: &BTreeSet<String>) -> bool {
        let part = self.budget / 4 / (owners.len() as u64).max(1);
        let used = |owner: &str| self.used.get(owner).copied().unwrap_or_default();
        let kept: u64 =
            owners.iter().filter(|other| *other != owner).map(|other| part.saturating_sub(used(other))).sum();
        self.left > 0 && (self.left > kept || used(owner) < part)
    }
}

const fn points(load: Load) -> u32 {
    match load {
        Load::Read => 1,
        Load::Write | Load::Content => 5,
    }
}

fn until_epoch(seconds: u64, server: Timestamp) -> Duration {
    let millis = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000);
    Timestamp::from_millis(millis).since(server)
}

/// Reads `retry-after`: seconds, or a date by the server's clock. Nonsense is nothing, too much is cut (F-13).
fn retry_after(text: &str, server: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(text.parse().map_or(LONGEST, Duration::from_secs).min(LONGEST));
    }
    http_date(text).map(|date| date.since(server).min(LONGEST))
}

/// Reads a date as HTTP writes it: `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(super) fn http_date(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = text.split_once(',')?.1.split_whitespace();
    let (day, month, year, time, zone) = (words.next()?, words.next()?, words.next()?, words.next()?, words.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    if zone != "GMT" || day.len() > 2 || year.len() != 4 || time.len() != 8 {
        return None;
    }
    format!("{year}-{month:02}-{day:0>2}T{time}Z").parse().ok()
}

#[cfg(test)]
pub(super) mod tests;
