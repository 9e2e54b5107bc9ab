//! One road for every request: leave from the governor, a token, the exchange, what the answer means. Layer 3.
//!
//! What is repeated here is only what surely was not done: a request that a limit refused, and one whose token had run
//! out (once). Reads that failed otherwise are tried again by the engine, so nothing is retried twice. Refuses to send a
//! token to another server, and to follow a repository that became another one (F-16, F-47, V-105).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::auth::{Credentials, Minted};
use super::classify::{self, Facts, Meaning, Operation, brief};
use super::governor::{Account, Governor, Load};
use super::link::Address;
use super::shapes;
use super::transport::{Failure, Incoming, Keep, Outgoing, Transport};
use crate::forge::{ForgeError, ForgeResult};
use crate::model::{RepoSlug, Secret, Timestamp};

/// The most that is read of an ordinary answer; GitHub's longest, a whole tree, has 7 MB.
pub(super) const ORDINARY: usize = 32 << 20;
/// The most that is read of a blob: GitHub's 100 MB, in base64.
pub(super) const BLOB: usize = 140 << 20;
/// How often a request that a limit refused is sent.
const LIMIT_TRIES: usize = 3;
/// How often a read follows to another address.
const REDIRECTS: usize = 5;
/// How many answers are kept to ask whether they still hold, and how long each may be.
const COPIES: usize = 256;
const COPY_SIZE: usize = 256 << 10;

/// One request of the port, not yet allowed.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) method: Method,
    /// An absolute address on the server.
    pub(super) url: String,
    pub(super) body: Option<String>,
    pub(super) operation: Operation,
    pub(super) load: Load,
    /// What is tried, for people: "reading issue 7 of owner/app".
    pub(super) what: String,
    /// Whose repositories it is about; empty for none.
    pub(super) owner: String,
    /// The repository that it is about; a redirect has to stay in it.
    pub(super) slug: Option<RepoSlug>,
    pub(super) keep: Keep,
    /// Whether a copy may serve while the server says that it holds; never for what a creation is decided on.
    pub(super) copied: bool,
    /// Whether a redirect is the answer, as for logs.
    pub(super) stay: bool,
}

impl Ask {
    fn new(method: Method, operation: Operation, load: Load, url: String, what: String) -> Self {
        Self {
            method,
            url,
            body: None,
            operation,
            load,
            what,
            owner: String::new(),
            slug: None,
            keep: Keep::All(ORDINARY),
            copied: false,
            stay: false,
        }
    }

    /// Asks to read.
    pub(super) fn read(url: String, what: impl Into<String>) -> Self {
        Self::new(Method::GET, Operation::Read, Load::Read, url, what.into())
    }

    /// Asks to write what may be written twice.
    pub(super) fn write(method: Method, url: String, body: &Value, what: impl Into<String>) -> Self {
        let ask = Self::new(method, Operation::Idempotent, Load::Write, url, what.into());
        Self { body: (!body.is_null()).then(|| body.to_string()), ..ask }
    }

    /// Asks to write what must not be written twice.
    pub(super) fn create(url: String, body: &Value, what: impl Into<String>) -> Self {
        Self { operation: Operation::Create, ..Self::write(Method::POST, url, body, what) }
    }

    /// Counts it as content: what people are told of.
    pub(super) fn counted_as_content(self) -> Self {
        Self { load: Load::Content, ..self }
    }

    pub(super) fn of(self, slug: &RepoSlug) -> Self {
        Self { owner: slug.owner().to_owned(), slug: Some(slug.clone()), ..self }
    }

    pub(super) fn for_owner(self, owner: &str) -> Self {
        Self { owner: owner.to_owned(), ..self }
    }
}

/// What is known of a repository's identity, for as long as the process lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) id: u64,
    pub(super) node_id: String,
    /// The name by which the server knows it now.
    pub(super) slug: RepoSlug,
}

/// The connection to one server.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) transport: Transport,
    pub(super) address: Address,
    pub(super) governor: Arc<Governor>,
    pub(super) credentials: Credentials,
    /// The run's repositories, by owner in lower case.
    pub(super) repositories: BTreeMap<String, Vec<RepoSlug>>,
    pub(super) minted: tokio::sync::Mutex<BTreeMap<String, Minted>>,
    accepted: AtomicBool,
    pub(super) refused: AtomicBool,
    known: Mutex<BTreeMap<RepoSlug, Known>>,
    copies: Mutex<BTreeMap<String, Incoming>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Client {
    pub(super) fn new(
        transport: Transport,
        address: Address,
        governor: Arc<Governor>,
        credentials: Credentials,
        repositories: impl IntoIterator<Item = RepoSlug>,
    ) -> Self {
        let mut by_owner: BTreeMap<String, Vec<RepoSlug>> = BTreeMap::new();
        for slug in repositories {
            let list = by_owner.entry(slug.owner().to_ascii_lowercase()).or_default();
            if !list.contains(&slug) {
                list.push(slug);
            }
        }
        let client = Self {
            transport,
            address,
            governor,
            credentials,
            repositories: by_owner,
            minted: tokio::sync::Mutex::new(BTreeMap::new()),
            accepted: AtomicBool::new(false),
            refused: AtomicBool::new(false),
            known: Mutex::new(BTreeMap::new()),
            copies: Mutex::new(BTreeMap::new()),
        };
        for owner in client.repositories.keys() {
            for api in ["rest", "graphql"] {
                let account = client.account(owner, api);
                client.governor.expect(&account.bucket, &account.owner);
            }
        }
        client
    }

    /// Notes that GraphQL said in an answer, not by a status, that the hour is used up.
    pub(super) fn graphql_refused(&self, owner: &str) -> Timestamp {
        let account = self.account(owner, "graphql");
        self.governor.limited(&account, classify::Limit::Secondary, &http::HeaderMap::new());
        self.governor.until(&account)
    }

    /// Waits no longer than this for a server that is silent.
    pub(super) fn patient_for(&mut self, silence: std::time::Duration) {
        self.transport.patient_for(silence);
    }

    /// Returns how to authenticate.
    pub(super) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Returns the run's owners, in lower case.
    pub(super) fn owners(&self) -> impl Iterator<Item = &str> {
        self.repositories.keys().map(String::as_str)
    }

    /// Returns who is counted together: an App has a budget for each owner, another token one for all.
    fn account(&self, owner: &str, api: &str) -> Account {
        let owner = owner.to_ascii_lowercase();
        let token = if self.credentials.fixed().is_some() { "" } else { owner.as_str() };
        Account { bucket: format!("{api}:{token}"), owner }
    }

    /// Sends a request and returns a good answer.
    pub(super) async fn send(&self, ask: &Ask) -> ForgeResult<Incoming> {
        let api = if ask.url == self.address.graphql() { "graphql" } else { "rest" };
        let account = self.account(&ask.owner, api);
        let mut url = ask.url.clone();
        let (mut limited, mut moved, mut renewed) = (0, 0, false);
        loop {
            let leave = self.governor.admit(&account, ask.load).await?;
            let token = self.token(&ask.owner).await?;
            let copy = if ask.copied { lock(&self.copies).get(&url).cloned() } else { None };
            let outgoing = Outgoing {
                method: ask.method.clone(),
                url: &url,
                token: Some(&token),
                etag: copy.as_ref().and_then(|copy| copy.header("etag")),
                body: ask.body.as_deref(),
                keep: ask.keep,
            };
            let answer = self.transport.send(&outgoing).await;
            drop(leave);
            let answer = answer.map_err(|failure| failed(ask.operation, &ask.what, failure))?;
            let path = url.split('?').next().unwrap_or_default();
            tracing::debug!(method = %ask.method, path, status = answer.status, bytes = answer.body.len(), "asked the forge");
            self.governor.hear(&account, &answer.headers);
            match meaning_of(ask, &answer) {
                Meaning::Good => {
                    self.accepted.store(true, Ordering::Relaxed);
                    self.governor.passed(&account);
                    if ask.method != Method::GET && answer.status != 204 {
                        // A proxy's page with a 200, or nothing at all: nobody says that it was done.
                        decode::<serde::de::IgnoredAny>(ask.operation, &ask.what, &answer)?;
                    }
                    return Ok(self.keep_copy(ask, &url, answer, copy));
                }
                Meaning::Moved => {
                    moved += 1;
                    let target = answer.header("location").unwrap_or_default().to_owned();
                    // A log's address leads to a store of files; a renamed repository's to the same server.
                    let leads_on = self.address.path_of(&self.address.resolve(&target)).is_some_and(is_repository);
                    if ask.stay && !leads_on {
                        return Ok(answer);
                    }
                    url = self.follow(ask, answer.status, &target, moved).await?;
                }
                Meaning::Limited(limit) => {
                    limited += 1;
                    self.governor.limited(&account, limit, &answer.headers);
                    if limited >= LIMIT_TRIES {
                        return Err(ForgeError::RateLimited { until: self.governor.until(&account) });
                    }
                }
                Meaning::Unauthorised(why) => {
                    if self.credentials.fixed().is_none() && !renewed {
                        renewed = true;
                        self.forget_token(&ask.owner, &token).await;
                    } else {
                        return Err(hush(self.unauthorised(&why), &token));
                    }
                }
                Meaning::Bad(error) => return Err(hush(error, &token)),
            }
        }
    }

    /// A token that was good has run out; one that never was is wrong. Either way no further request is sent with it.
    pub(super) fn unauthorised(&self, why: &str) -> ForgeError {
        if self.credentials.fixed().is_none() {
            // An App makes another token for the next owner.
            return ForgeError::Denied(format!("bad-credentials: {why}"));
        }
        self.refused.store(true, Ordering::Relaxed);
        if self.accepted.load(Ordering::Relaxed) {
            ForgeError::Transient(format!("{why}; the token was accepted before, so it has run out or was revoked"))
        } else {
            ForgeError::Denied(format!("bad-credentials: {why}"))
        }
    }

    /// Fetches a file that the server points to, without a token.
    pub(super) async fn fetch(&self, url: &str, keep: Keep) -> Result<Incoming, Failure> {
        if !self.address.may_fetch(url) {
            return Err(Failure::Unusable("the server points to an address that is not fetched".to_owned()));
        }
        let outgoing = Outgoing { method: Method::GET, url, token: None, etag: None, body: None, keep };
        self.transport.send(&outgoing).await
    }

    /// Decides whether a redirect may be followed, and returns where to.
    async fn follow(&self, ask: &Ask, status: u16, target: &str, times: usize) -> ForgeResult<String> {
        let what = &ask.what;
        let gone = |why: &str| Err(ForgeError::NotFound(format!("{what}: it moved {why}")));
        if times > REDIRECTS {
            return Err(ForgeError::Transient(format!("{what}: the server redirects without end")));
        }
        // 301 and 302 turn a write into a read in many clients; only 307 and 308 say that nothing was done yet.
        if ask.method != Method::GET && !matches!(status, 307 | 308) {
            return gone("while it was being written");
        }
        let absolute = self.address.resolve(target);
        let Some(path) = self.address.path_of(&absolute) else {
            return gone("to another server");
        };
        let Some(slug) = &ask.slug else { return Ok(absolute) };
        let id = path
            .strip_prefix("/repositories/")
            .and_then(|rest| rest.split(['/', '?']).next())
            .and_then(|id| id.parse::<u64>().ok());
        let known = Box::pin(self.known(slug)).await?;
        if id == Some(known.id) { Ok(absolute) } else { gone("to another repository") }
    }

    /// Returns a repository's identity, asked for once.
    pub(super) async fn known(&self, slug: &RepoSlug) -> ForgeResult<Known> {
        if let Some(known) = lock(&self.known).get(slug) {
            return Ok(known.clone());
        }
        let (_, known) = self.look_up(slug).await?;
        Ok(known)
    }

    /// Reads a repository, following renames, and remembers who it is.
    pub(super) async fn look_up(&self, slug: &RepoSlug) -> ForgeResult<(shapes::Repository, Known)> {
        let url = self.address.of(&format!("/repos/{slug}"));
        let what = format!("reading {slug}");
        let answer = self.send(&Ask { copied: true, ..Ask::read(url, &what).for_owner(slug.owner()) }).await?;
        let repository: shapes::Repository = decode(Operation::Read, &what, &answer)?;
        let now: RepoSlug = repository
            .full_name
            .parse()
            .map_err(|error| ForgeError::Transient(format!("{what}: the answer names no repository: {error}")))?;
        let known = Known { id: repository.id, node_id: repository.node_id.clone(), slug: now };
        lock(&self.known).insert(slug.clone(), known.clone());
        Ok((repository, known))
    }

    fn keep_copy(&self, ask: &Ask, url: &str, answer: Incoming, copy: Option<Incoming>) -> Incoming {
        if answer.status == 304 {
            // The rate limit of the copy is old news, which `hear` never sees.
            return copy.unwrap_or(answer);
        }
        if ask.copied && answer.header("etag").is_some() && answer.body.len() <= COPY_SIZE {
            let mut copies = lock(&self.copies);
            if copies.len() < COPIES || copies.contains_key(url) {
                copies.insert(url.to_owned(), answer.clone());
            }
        }
        answer
    }

    /// Sends a request and reads its answer.
    pub(super) async fn ask<T: DeserializeOwned>(&self, ask: &Ask) -> ForgeResult<T> {
        let answer = self.send(ask).await?;
        decode(ask.operation, &ask.what, &answer)
    }
}

/// Returns whether a path names a repository by its number, as the addresses of renamed ones do.
fn is_repository(path: &str) -> bool {
    path.starts_with("/repositories/")
}

/// Takes a token out of words that a server sent.
pub(super) fn hush(error: ForgeError, token: &Secret) -> ForgeError {
    let token = token.expose().trim();
    let clean = |text: String| if token.len() < 6 { text } else { text.replace(token, "***") };
    match error {
        ForgeError::NotFound(why) => ForgeError::NotFound(clean(why)),
        ForgeError::Conflict(why) => ForgeError::Conflict(clean(why)),
        ForgeError::Invalid(why) => ForgeError::Invalid(clean(why)),
        ForgeError::Denied(why) => ForgeError::Denied(clean(why)),
        ForgeError::Transient(why) => ForgeError::Transient(clean(why)),
        ForgeError::Ambiguous(why) => ForgeError::Ambiguous(clean(why)),
        limited @ ForgeError::RateLimited { .. } => limited,
    }
}

/// Says what an answer to a question means.
pub(super) fn meaning_of(ask: &Ask, answer: &Incoming) -> Meaning {
    classify::meaning(&Facts {
        operation: ask.operation,
        what: &ask.what,
        status: answer.status,
        headers: &answer.headers,
        body: &answer.body,
    })
}

/// Says what a missing answer means.
pub(super) fn failed(operation: Operation, what: &str, failure: Failure) -> ForgeError {
    match failure {
        Failure::NotSent(why) => ForgeError::Transient(format!("{what}: {}", brief(&why))),
        Failure::Lost(why) => operation.unclear(format!("{what}: {}", brief(&why))),
        Failure::TooLong(most) => operation.unclear(format!("{what}: the answer has more than {most} bytes")),
        Failure::Unusable(why) => ForgeError::Invalid(format!("{what}: {why}")),
    }
}

/// Reads an answer's JSON. What cannot be read is no answer: a proxy's page, or one that was cut off.
pub(super) fn decode<T: DeserializeOwned>(operation: Operation, what: &str, answer: &Incoming) -> ForgeResult<T> {
    use serde_json::error::Category;
    serde_json::from_slice(&answer.body).map_err(|error| {
        let why = match error.classify() {
            Category::Eof => "the answer ends too early".to_owned(),
            Category::Io | Category::Syntax => "the answer is no JSON".to_owned(),
            // serde names a missing field; other messages may hold the value itself.
            Category::Data => match error.to_string() {
                text if text.starts_with("missing field") => brief(&text),
                _ => format!("the answer has another shape (line {}, column {})", error.line(), error.column()),
            },
        };
        operation.unclear(format!("{what}: {why}"))
    })
}
