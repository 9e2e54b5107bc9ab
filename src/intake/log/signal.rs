//! What machines, services and settings say when they fail, in one table. Layer 1.
//!
//! A phrase is looked for only where no test and no tool says what is wrong, unless it decides by itself: what stops a
//! job says nothing about the code. Refuses to guess from single words.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::intake::log::step::Row;
use crate::model::{Kind, Lane};

/// How much a phrase decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// Nothing else says more.
    Hint,
    /// It outweighs what compilers and linters say, for they fail by it.
    Strong,
    /// The CI system ended the job.
    Stop,
}

/// One row of the table.
#[derive(Debug)]
pub(super) struct Signal {
    phrase: &'static str,
    /// The code in a failure.
    pub(super) code: &'static str,
    pub(super) lane: Lane,
    pub(super) kind: Kind,
    pub(super) weight: Weight,
}

const fn row(phrase: &'static str, code: &'static str, lane: Lane, kind: Kind, weight: Weight) -> Signal {
    Signal { phrase, code, lane, kind, weight }
}

use Lane::{Code, Config, Infra};
use Weight::{Hint, Stop, Strong};

/// Every phrase; of two in one line the earlier row counts.
const SIGNALS: &[Signal] = &[
    row("exceeded the maximum execution time", "job-timeout", Infra, Kind::Timeout, Stop),
    row("has timed out after", "job-timeout", Infra, Kind::Timeout, Hint),
    row("##[error]The action '", "step-timeout", Infra, Kind::Timeout, Hint),
    row("No output has been received in the last", "no-output", Infra, Kind::Timeout, Stop),
    row("exceeded the maximum time limit for jobs", "job-timeout", Infra, Kind::Timeout, Stop),
    row("exceeded the maximum log length", "log-limit", Infra, Kind::Disk, Stop),
    row("runner has received a shutdown signal", "runner-lost", Infra, Kind::Runtime, Stop),
    row("lost communication with the server", "runner-lost", Infra, Kind::Network, Stop),
    row("The runner has been lost", "runner-lost", Infra, Kind::Network, Stop),
    row("##[error]The operation was canceled", "cancelled", Infra, Kind::Cancelled, Stop),
    row("##[error]The run was canceled", "cancelled", Infra, Kind::Cancelled, Stop),
    row("##[error]The job was canceled", "cancelled", Infra, Kind::Cancelled, Stop),
    row("was canceled because", "cancelled", Infra, Kind::Cancelled, Stop),
    row("The build has been terminated", "terminated", Infra, Kind::Cancelled, Hint),
    row("Your build has been stopped.", "terminated", Infra, Kind::Cancelled, Hint),
    row("An error occurred while generating the build script", "build-script", Config, Kind::Runtime, Hint),
    row("No space left on device", "disk-full", Infra, Kind::Disk, Strong),
    row("ENOSPC: no space left", "disk-full", Infra, Kind::Disk, Strong),
    row("ENOSPC: System limit for number of file watchers", "watchers", Infra, Kind::Disk, Strong),
    row("Disk quota exceeded", "disk-full", Infra, Kind::Disk, Strong),
    row("There is not enough space on the disk", "disk-full", Infra, Kind::Disk, Strong),
    row("JavaScript heap out of memory", "heap", Infra, Kind::Memory, Strong),
    row("Cannot allocate memory", "memory", Infra, Kind::Memory, Strong),
    row("signal: 9, SIGKILL", "killed", Infra, Kind::Memory, Strong),
    row("fatal error: Killed signal terminated program", "killed", Infra, Kind::Memory, Strong),
    row("OOMKilled", "killed", Infra, Kind::Memory, Strong),
    row("Out of memory: Kill", "killed", Infra, Kind::Memory, Strong),
    row("Gradle build daemon disappeared unexpectedly", "daemon-lost", Infra, Kind::Memory, Strong),
    row("The forked VM terminated without properly saying goodbye", "fork-lost", Infra, Kind::Memory, Hint),
    row("java.lang.OutOfMemoryError", "memory", Infra, Kind::Memory, Hint),
    row("Resource not accessible by integration", "token-permission", Config, Kind::Permission, Strong),
    row("Permission denied (publickey)", "key-permission", Config, Kind::Permission, Strong),
    row("remote: Permission to ", "push-permission", Config, Kind::Permission, Strong),
    row("refusing to allow a GitHub App", "workflow-permission", Config, Kind::Permission, Strong),
    row("refusing to allow an OAuth App", "workflow-permission", Config, Kind::Permission, Strong),
    row("denied: permission_denied", "registry-permission", Config, Kind::Permission, Strong),
    row("requested access to the resource is denied", "registry-permission", Config, Kind::Permission, Strong),
    row("remote: Write access to repository not granted", "push-permission", Config, Kind::Permission, Strong),
    row("Error: Bad credentials", "credentials", Config, Kind::Permission, Strong),
    row("fatal: Authentication failed for", "credentials", Config, Kind::Permission, Strong),
    row("could not read Username for", "credentials", Config, Kind::Permission, Strong),
    row("Could not load credentials from any providers", "credentials", Config, Kind::Permission, Strong),
    row("unauthorized: authentication required", "credentials", Config, Kind::Permission, Strong),
    row("Input required and not supplied", "missing-input", Config, Kind::Runtime, Strong),
    row("Unable to resolve action", "action-not-found", Config, Kind::Runtime, Strong),
    row("Can't find 'action.yml'", "action-not-found", Config, Kind::Runtime, Strong),
    row("Invalid workflow file", "workflow-syntax", Config, Kind::Build, Strong),
    row("The workflow is not valid", "workflow-syntax", Config, Kind::Build, Strong),
    row("Unrecognized named-value", "workflow-syntax", Config, Kind::Build, Strong),
    row(
        "This request has been automatically failed because it uses a deprecated version",
        "action-retired",
        Config,
        Kind::Runtime,
        Strong,
    ),
    row("The `set-output` command is disabled", "action-retired", Config, Kind::Runtime, Strong),
    row("toomanyrequests:", "rate-limit", Infra, Kind::Network, Strong),
    row("API rate limit exceeded", "rate-limit", Infra, Kind::Network, Strong),
    row("You have exceeded a secondary rate limit", "rate-limit", Infra, Kind::Network, Strong),
    row("429 Too Many Requests", "rate-limit", Infra, Kind::Network, Hint),
    row("Could not resolve host", "dns", Infra, Kind::Network, Hint),
    row("Temporary failure in name resolution", "dns", Infra, Kind::Network, Hint),
    row("Temporary failure resolving", "dns", Infra, Kind::Network, Hint),
    row("Name or service not known", "dns", Infra, Kind::Network, Hint),
    row("getaddrinfo EAI_AGAIN", "dns", Infra, Kind::Network, Hint),
    row("getaddrinfo ENOTFOUND", "dns", Infra, Kind::Network, Hint),
    row("java.net.UnknownHostException", "dns", Infra, Kind::Network, Hint),
    row("no such host", "dns", Infra, Kind::Network, Hint),
    row("ECONNRESET", "connection", Infra, Kind::Network, Hint),
    row("ETIMEDOUT", "connection", Infra, Kind::Network, Hint),
    row("ESOCKETTIMEDOUT", "connection", Infra, Kind::Network, Hint),
    row("socket hang up", "connection", Infra, Kind::Network, Hint),
    row("Connection reset by peer", "connection", Infra, Kind::Network, Hint),
    row("Connection timed out", "connection", Infra, Kind::Network, Hint),
    row("connect: connection refused", "connection", Infra, Kind::Network, Hint),
    row("Failed to connect to ", "connection", Infra, Kind::Network, Hint),
    row("TLS handshake timeout", "connection", Infra, Kind::Network, Hint),
    row("i/o timeout", "connection", Infra, Kind::Network, Hint),
    row("Read timed out", "connection", Infra, Kind::Network, Hint),
    row("ReadTimeoutError", "connection", Infra, Kind::Network, Hint),
    row("The remote end hung up unexpectedly", "connection", Infra, Kind::Network, Hint),
    row("early EOF", "connection", Infra, Kind::Network, Hint),
    row("unexpected disconnect while reading sideband packet", "connection", Infra, Kind::Network, Hint),
    row("spurious network error", "connection", Infra, Kind::Network, Hint),
    row("Client.Timeout exceeded", "connection", Infra, Kind::Network, Hint),
    row("net/http: request canceled", "connection", Infra, Kind::Network, Hint),
    row("Could not transfer artifact", "registry", Infra, Kind::Network, Hint),
    row("Could not GET '", "registry", Infra, Kind::Network, Hint),
    row("Could not HEAD '", "registry", Infra, Kind::Network, Hint),
    row("500 Internal Server Error", "server", Infra, Kind::Network, Hint),
    row("502 Bad Gateway", "server", Infra, Kind::Network, Hint),
    row("503 Service Unavailable", "server", Infra, Kind::Network, Hint),
    row("503 Service Temporarily Unavailable", "server", Infra, Kind::Network, Hint),
    row("504 Gateway Time", "server", Infra, Kind::Network, Hint),
    row("The requested URL returned error: 5", "server", Infra, Kind::Network, Hint),
    row("received unexpected HTTP status: 5", "server", Infra, Kind::Network, Hint),
    row("Error response from daemon: Get ", "image", Infra, Kind::Network, Hint),
    row("Docker pull failed", "image", Infra, Kind::Network, Hint),
    row("Failed to download archive", "download", Infra, Kind::Network, Hint),
    row("Failed to fetch http", "download", Infra, Kind::Network, Hint),
    row("Hash Sum mismatch", "download", Infra, Kind::Network, Hint),
    row("Unable to fetch some archives", "download", Infra, Kind::Network, Hint),
    row("E: Unable to locate package", "system-package", Config, Kind::Dependency, Hint),
    row("manifest unknown", "image-tag", Config, Kind::Dependency, Hint),
    row("Unable to find a match: ", "system-package", Config, Kind::Dependency, Hint),
    row(": command not found", "command-not-found", Config, Kind::Runtime, Hint),
    row(": not found\u{0}", "command-not-found", Config, Kind::Runtime, Hint),
    row("Permission denied", "file-permission", Config, Kind::Permission, Hint),
    row("Segmentation fault", "crash", Code, Kind::Runtime, Hint),
    row("core dumped", "crash", Code, Kind::Runtime, Hint),
];

static PHRASES: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    // A table of constants always builds; without it nothing is found, and nothing breaks.
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::LeftmostFirst)
        .build(SIGNALS.iter().map(|signal| signal.phrase))
        .ok()
});

/// A phrase and the row where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit {
    pub(super) row: usize,
    pub(super) signal: &'static Signal,
    /// It stands in a warning: it ends nothing, and may say why something else ended.
    pub(super) warned: bool,
}

/// How far above the end a phrase still tells why the step failed.
const NEAR_END: usize = 200;

/// Finds the phrases in the last rows of a range, from the top.
pub(super) fn find(rows: &[Row<'_>], range: &Range<usize>) -> Vec<Hit> {
    let Some(phrases) = PHRASES.as_ref() else { return Vec::new() };
    let from = range.end.saturating_sub(NEAR_END).max(range.start);
    let mut found = Vec::new();
    for (row, text) in rows.iter().enumerate().take(range.end).skip(from) {
        // A script that is shown before it runs is no complaint.
        if text.raw.starts_with("##[group]") || text.raw.starts_with("$ ") {
            continue;
        }
        let first = phrases.find_iter(text.raw).map(|hit| hit.pattern().as_usize()).min();
        if let Some(signal) = first.and_then(|index| SIGNALS.get(index)) {
            let warned = ["##[warning]", "[WARNING]", "warning:", "WARN"].iter().any(|lead| text.raw.starts_with(lead));
            found.push(Hit { row, signal, warned });
        }
    }
    found
}

/// Returns the hit that decides: the heaviest, of equal ones the first that the CI system did not add itself.
pub(super) fn heaviest(hits: &[Hit], least: Weight) -> Option<Hit> {
    let hits = || hits.iter().filter(|hit| !hit.warned);
    let top = hits().map(|hit| hit.signal.weight).max().filter(|weight| *weight >= least)?;
    let mut of_top = hits().filter(|hit| hit.signal.weight == top);
    let first = *of_top.next()?;
    // A job that ran out of time, or whose machine went away, is cancelled as well.
    if first.signal.kind == Kind::Cancelled {
        return Some(of_top.find(|hit| hit.signal.kind != Kind::Cancelled).copied().unwrap_or(first));
    }
    Some(first)
}
