//! What the network and the server can do to one request, as data.

use std::time::Duration;

/// What goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The connection is closed before anything is read.
    Refuse,
    /// 500, nothing was done.
    ServerError,
    /// 502, and it was done.
    BadGatewayApplied,
    /// 502, nothing was done.
    BadGateway,
    /// The connection is reset after the request was read; nothing was done.
    ResetBefore,
    /// It was done, and the connection is reset instead of an answer.
    ResetAfter,
    /// No answer ever comes; nothing was done.
    Timeout,
    /// It was done; no answer ever comes.
    TimeoutApplied,
    /// It was done; the answer stops in the middle.
    Truncated,
    /// 200 with a page of HTML, as proxies send it; nothing was done.
    Html,
    /// 200 with nothing in it; nothing was done.
    Empty,
    /// 403: the token may not.
    Denied,
    /// 403 with `retry-after`: the secondary limit.
    Secondary,
    /// 403 with nothing remaining: the primary limit.
    Primary,
    /// 429 with no word of when.
    TooMany,
    /// 401.
    Unauthorized,
    /// 404, as a replica answers that has not caught up.
    Lag,
    /// The right answer, long after it was asked for.
    Slow,
}

impl Kind {
    /// Every kind once.
    pub(crate) const ALL: [Self; 18] = [
        Self::Refuse,
        Self::ServerError,
        Self::BadGatewayApplied,
        Self::BadGateway,
        Self::ResetBefore,
        Self::ResetAfter,
        Self::Timeout,
        Self::TimeoutApplied,
        Self::Truncated,
        Self::Html,
        Self::Empty,
        Self::Denied,
        Self::Secondary,
        Self::Primary,
        Self::TooMany,
        Self::Unauthorized,
        Self::Lag,
        Self::Slow,
    ];

    /// Whether the request reaches the rules.
    pub(super) const fn applies(self) -> bool {
        matches!(self, Self::BadGatewayApplied | Self::ResetAfter | Self::TimeoutApplied | Self::Truncated | Self::Slow)
    }

    /// Whether the client's patience is what ends it.
    pub(crate) const fn needs_patience(self) -> bool {
        matches!(self, Self::Timeout | Self::TimeoutApplied)
    }
}

/// How much time a slow answer takes, by the forge's clock.
pub(super) const SLOW: Duration = Duration::from_secs(25);

/// After how many seconds the secondary limit lets requests through again.
pub(super) const RETRY_AFTER: u64 = 7;

/// After how many seconds the primary limit does.
pub(super) const RESET_AFTER: u64 = 40;

/// Which requests a fault hits.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Which {
    /// The request with this number, from 0.
    Index(usize),
    /// The next so many with this method whose address contains the text.
    Like { method: &'static str, contains: String, times: usize },
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    which: Which,
    pub(super) what: What,
}

/// What is done to the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Kind(Kind),
    /// This answer, word for word; nothing is done.
    Reply {
        status: u16,
        headers: Vec<(String, String)>,
        body: String,
    },
    /// Nothing is.
    Pass,
}

impl Fault {
    /// Hits one request by its number.
    pub(crate) const fn at(index: usize, kind: Kind) -> Self {
        Self { which: Which::Index(index), what: What::Kind(kind) }
    }

    /// Hits the next so many requests of a method whose address contains a text.
    pub(crate) fn on(method: &'static str, contains: &str, times: usize, kind: Kind) -> Self {
        Self { which: Which::Like { method, contains: contains.to_owned(), times }, what: What::Kind(kind) }
    }

    /// Lets so many such requests pass; put before another fault it spares the first ones.
    pub(crate) fn spare(method: &'static str, contains: &str, times: usize) -> Self {
        Self { which: Which::Like { method, contains: contains.to_owned(), times }, what: What::Pass }
    }

    /// Answers such requests with these very words.
    pub(crate) fn reply(
        method: &'static str,
        contains: &str,
        times: usize,
        status: u16,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let which = Which::Like { method, contains: contains.to_owned(), times };
        Self { which, what: What::Reply { status, headers, body: body.to_owned() } }
    }

    /// Whether it hits this request; counts it where it does.
    pub(super) fn hits(&mut self, index: usize, method: &str, target: &str) -> bool {
        match &mut self.which {
            Which::Index(at) => *at == index,
            Which::Like { method: wanted, contains, times } => {
                let hit = *times > 0 && *wanted == method && target.contains(contains.as_str());
                *times -= usize::from(hit);
                hit
            }
        }
    }

    /// Whether it closes the connection of this request before it is read; only a number can say so.
    pub(super) fn refuses(&self, index: usize) -> bool {
        self.which == Which::Index(index) && self.what == What::Kind(Kind::Refuse)
    }
}
