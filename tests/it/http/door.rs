//! The socket: takes requests, lets faults do their work, asks the rules, keeps the journal.
//!
//! Each request has a connection of its own, so that a fault can be about a request and nothing else. Whatever the published
//! description does not allow, and every address that is not there, fails the test when the door is dropped.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use homeostat::forge::memory::MemoryForge;
use homeostat::forge::rules::{ManualClock, OUR_LOGIN};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};

use super::actions::stored_log;
use super::exchange::{Answer, Content, NO_ADDRESS, Request, http_date};
use super::fault::{Fault, Kind, RESET_AFTER, RETRY_AFTER, SLOW, What};
use super::journal::{Auth, Entry};
use super::openapi;
use super::routes::Hub;
use super::settings::Setup;
use super::shapes::Site;

/// The token that is good without further words.
pub(crate) const TOKEN: &str = "ghp_of-the-test-forge";

/// What a good token is, by the login it acts as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    /// A person's, or a machine account's.
    Personal(String),
    /// An installation's, or the one of a workflow run.
    Installation(String),
    /// The signed word of an App itself.
    App(String),
}

impl Token {
    fn login(&self) -> &str {
        match self {
            Self::Personal(login) | Self::Installation(login) | Self::App(login) => login,
        }
    }
}

/// What is changed during a test.
#[derive(Debug, Default)]
struct Book {
    faults: Vec<Fault>,
    index: usize,
    met: usize,
    journal: Vec<Entry>,
    wrong: Vec<String>,
    tokens: BTreeMap<String, Token>,
    hooks: Vec<Hook>,
    /// Which token makes the next request; past the end everybody may.
    order: VecDeque<String>,
}

/// What people do just before a request is served, given the forge and the request's body.
type Act = Box<dyn FnOnce(Arc<MemoryForge>, Option<Value>) -> BoxFuture + Send>;
type BoxFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

struct Hook {
    method: &'static str,
    contains: String,
    act: Act,
}

impl std::fmt::Debug for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "before {} {}", self.method, self.contains)
    }
}

struct Inner {
    hub: Hub,
    clock: ManualClock,
    prefix: String,
    book: Mutex<Book>,
    /// Says that somebody's turn is over.
    turn: tokio::sync::Notify,
}

/// A forge that is reached by HTTP.
pub(crate) struct Door {
    inner: Arc<Inner>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").field("requests", &self.requests()).finish_non_exhaustive()
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
        if !std::thread::panicking() {
            let wrong = &self.inner.book().wrong;
            assert!(wrong.is_empty(), "what GitHub's description does not allow:\n{}", wrong.join("\n"));
        }
    }
}

type Body = BoxBody<Bytes, io::Error>;

impl Door {
    /// Opens a door to a memory forge, with pages of at most so many items.
    pub(crate) async fn open(forge: Arc<MemoryForge>, clock: ManualClock, page_cap: usize) -> Self {
        Self::open_at(forge, clock, page_cap, "").await
    }

    /// Opens a door whose API lies below a path, as on an enterprise server.
    pub(crate) async fn open_at(forge: Arc<MemoryForge>, clock: ManualClock, page_cap: usize, prefix: &str) -> Self {
        let api = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let logs = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = |listener: &TcpListener| listener.local_addr().expect("an address").port();
        let site =
            Site { api: format!("http://127.0.0.1:{}{prefix}", port(&api)), html: "https://github.com".to_owned() };
        let hub = Hub {
            forge,
            site,
            logs: format!("http://localhost:{}", port(&logs)),
            page_cap,
            setup: Mutex::default(),
            known: Mutex::default(),
        };
        let tokens = BTreeMap::from([(TOKEN.to_owned(), Token::Personal(OUR_LOGIN.to_owned()))]);
        let book = Mutex::new(Book { tokens, ..Book::default() });
        let inner = Arc::new(Inner { hub, clock, prefix: prefix.to_owned(), book, turn: tokio::sync::Notify::new() });
        let tasks = vec![
            tokio::spawn(listen(inner.clone(), api, Host::Api)),
            tokio::spawn(listen(inner.clone(), logs, Host::Logs)),
        ];
        Self { inner, tasks }
    }

    /// Returns the base of the API.
    pub(crate) fn url(&self) -> &str {
        &self.inner.hub.site.api
    }

    /// Changes how the token and the repositories are set up.
    pub(crate) fn set_up(&self, change: impl FnOnce(&mut Setup)) {
        change(&mut self.inner.hub.setup.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Makes a token good, or takes it back.
    pub(crate) fn set_token(&self, token: &str, is: Option<Token>) {
        let mut book = self.inner.book();
        match is {
            Some(is) => book.tokens.insert(token.to_owned(), is),
            None => book.tokens.remove(token),
        };
    }

    /// Sets what goes wrong from now on; requests are counted from 0 again.
    pub(crate) fn set_faults(&self, faults: Vec<Fault>) {
        let mut book = self.inner.book();
        book.faults = faults;
        book.index = 0;
        book.met = 0;
    }

    /// Lets people act just before the next request of a method whose address contains a text is served.
    pub(crate) fn before<F>(
        &self,
        method: &'static str,
        contains: &str,
        act: impl FnOnce(Arc<MemoryForge>, Option<Value>) -> F + Send + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let act: Act = Box::new(move |forge, body| Box::pin(act(forge, body)));
        self.inner.book().hooks.push(Hook { method, contains: contains.to_owned(), act });
    }

    /// Serves requests in this order of tokens; whoever is not next waits.
    pub(crate) fn take_turns(&self, order: impl IntoIterator<Item = String>) {
        self.inner.book().order = order.into_iter().collect();
    }

    /// Lets a token give up the turns that it has left.
    pub(crate) fn give_up_turns(&self, token: &str) {
        self.inner.book().order.retain(|next| next != token);
        self.inner.turn.notify_waiters();
    }

    /// Whether there is anything behind an address; what it answers is not looked at.
    pub(super) async fn serves(&self, method: &str, path: &str) -> bool {
        let request = Request::read(method, path, "", BTreeMap::new(), b"{}");
        let token = Token::Personal(OUR_LOGIN.to_owned());
        let (Ok(answer) | Err(answer)) = self.inner.hub.answer(&request, &token).await;
        let nothing = matches!(&answer.body, Content::Json(body) if body["message"] == NO_ADDRESS);
        !nothing
    }

    /// Returns where logs lie.
    pub(crate) fn logs(&self) -> &str {
        &self.inner.hub.logs
    }

    /// Returns how many faults were met since they were set.
    pub(crate) fn faults_met(&self) -> usize {
        self.inner.book().met
    }

    /// Returns how many requests came.
    pub(crate) fn requests(&self) -> usize {
        self.inner.book().journal.len()
    }

    /// Returns every request so far.
    pub(crate) fn journal(&self) -> Vec<Entry> {
        self.inner.book().journal.clone()
    }

    /// Counts requests of a method whose address contains a text.
    pub(crate) fn count(&self, method: &str, contains: &str) -> usize {
        let hit = |entry: &&Entry| entry.method == method && entry.target.contains(contains);
        self.inner.book().journal.iter().filter(hit).count()
    }

    /// Claims the first unclaimed write of a method whose address contains a text; returns whether there was one.
    pub(crate) fn claim(&self, method: &str, contains: &str) -> bool {
        let mut book = self.inner.book();
        let found = book
            .journal
            .iter_mut()
            .find(|entry| entry.applied && !entry.claimed && entry.method == method && entry.target.contains(contains));
        found.is_some_and(|entry| {
            entry.claimed = true;
            true
        })
    }

    /// Returns the writes that nobody claimed.
    pub(crate) fn unclaimed(&self) -> Vec<String> {
        let open = |entry: &&Entry| entry.applied && !entry.claimed;
        self.inner.book().journal.iter().filter(open).map(ToString::to_string).collect()
    }
}

impl Inner {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the next connection is closed before it is read; such a request is in the journal without a name.
    fn refuses_next(&self) -> bool {
        let mut book = self.book();
        let index = book.index;
        if !book.faults.iter().any(|fault| fault.refuses(index)) {
            return false;
        }
        book.index += 1;
        book.met += 1;
        book.journal.push(Entry {
            at: self.clock.now(),
            method: "?".to_owned(),
            target: String::new(),
            auth: Auth::None,
            body: None,
            conditional: false,
            status: None,
            fault: Some(Kind::Refuse),
            applied: false,
            claimed: false,
        });
        true
    }

    /// Counts the request and says what is done to it.
    fn fate(&self, request: &Request) -> Option<What> {
        let mut book = self.book();
        let index = book.index;
        book.index += 1;
        let hit = book
            .faults
            .iter_mut()
            .find_map(|fault| fault.hits(index, &request.method, &request.target).then(|| fault.what.clone()));
        let hit = hit.filter(|what| *what != What::Pass);
        book.met += usize::from(hit.is_some());
        hit
    }

    fn auth(&self, request: &Request) -> (Auth, Option<Token>) {
        let Some(header) = request.headers.get("authorization") else { return (Auth::None, None) };
        let Some(text) = header.strip_prefix("Bearer ").or_else(|| header.strip_prefix("token ")) else {
            return (Auth::Unknown, None);
        };
        if let Some(token) = self.book().tokens.get(text).cloned() {
            return (Auth::Token(token.login().to_owned()), Some(token));
        }
        // What an installation was given says itself until when it is good.
        let minted = text.strip_prefix("ghs_").and_then(|rest| rest.rsplit_once('.'));
        if let Some((login, until)) = minted
            && until.parse::<i64>().is_ok_and(|until| self.clock.now().as_millis() < until)
        {
            return (Auth::Token(login.to_owned()), Some(Token::Installation(login.to_owned())));
        }
        let app = self.book().tokens.get("app").cloned();
        match app {
            Some(app) if text.split('.').count() == 3 && text.starts_with("ey") => (Auth::App, Some(app)),
            _ => (Auth::Unknown, None),
        }
    }

    /// Asks the rules, and holds question and answer to the description.
    async fn ask(&self, request: &Request, token: Option<&Token>) -> Answer {
        let Some(token) = token else { return Answer::error(401, "Bad credentials") };
        let graphql = request.segments.last().is_some_and(|last| last == "graphql");
        let mut wrong = if graphql { Vec::new() } else { openapi::judge_request(request) };
        let answer = match self.hub.answer(request, token).await {
            Ok(answer) | Err(answer) => answer,
        };
        if answer.status == 501 {
            wrong.push(format!("501: {} {} {:?}", request.method, request.target, answer.body));
        } else if !graphql {
            let body = match &answer.body {
                Content::Json(value) => Some(value),
                _ => None,
            };
            wrong.extend(openapi::judge_answer(request, answer.status, body));
        }
        self.book().wrong.extend(wrong);
        answer.conditional(request)
    }

    /// Adds what GitHub says of its limits and its clock.
    fn dressed(&self, answer: Answer) -> Answer {
        let now = self.clock.now();
        let index = self.book().journal.len();
        let set = |answer: Answer, name: &str, value: String| {
            if answer.headers.iter().any(|(has, _)| has == name) { answer } else { answer.with(name, value) }
        };
        let used = index % 4_000;
        let reset = now.as_millis() / 1_000 + 3_600;
        let mut answer = set(answer, "date", http_date(now));
        let said = self.hub.setup.lock().unwrap_or_else(PoisonError::into_inner).headers.clone();
        for (name, value) in said {
            answer = set(answer, &name, value);
        }
        for (name, value) in [
            ("x-github-request-id", format!("TEST:{index:06X}")),
            ("x-ratelimit-limit", "5000".to_owned()),
            ("x-ratelimit-remaining", (5_000 - used).to_string()),
            ("x-ratelimit-used", used.to_string()),
            ("x-ratelimit-reset", reset.to_string()),
            ("x-ratelimit-resource", "core".to_owned()),
            ("server", "github.com".to_owned()),
        ] {
            answer = set(answer, name, value);
        }
        answer
    }

    /// Makes the answer that a fault gives instead.
    fn instead(&self, kind: Kind) -> Answer {
        let reset = self.clock.now().as_millis() / 1_000 + i64::try_from(RESET_AFTER).unwrap_or_default();
        let raw = |status: u16, text: &str| Answer {
            body: Content::Raw("text/html", text.as_bytes().to_vec()),
            ..Answer::nothing(status)
        };
        match kind {
            Kind::ServerError => Answer::error(500, "Server Error"),
            Kind::BadGateway | Kind::BadGatewayApplied => raw(502, "<html><title>Unicorn!</title></html>"),
            Kind::Html => raw(200, "<html><body>Please accept the terms of this network.</body></html>"),
            Kind::Empty => Answer::nothing(200),
            Kind::Denied => Answer::error(403, "Resource not accessible by integration"),
            Kind::Secondary => {
                Answer::error(403, "You have exceeded a secondary rate limit. Please wait a few minutes.")
                    .with("retry-after", RETRY_AFTER.to_string())
            }
            Kind::Primary => Answer::error(403, "API rate limit exceeded for user ID 1.")
                .with("x-ratelimit-remaining", "0")
                .with("x-ratelimit-reset", reset.to_string()),
            Kind::TooMany => Answer::error(429, "Too many requests"),
            Kind::Unauthorized => Answer::error(401, "Bad credentials"),
            Kind::Lag => Answer::not_found(),
            _ => Answer::nothing(500),
        }
    }

    /// Waits until it is this request's turn.
    async fn wait(&self, request: &Request) {
        let bearer = request.headers.get("authorization").and_then(|text| text.strip_prefix("Bearer "));
        loop {
            let changed = self.turn.notified();
            let mut changed = std::pin::pin!(changed);
            changed.as_mut().enable();
            if self.book().order.front().is_none_or(|next| Some(next.as_str()) == bearer) {
                return;
            }
            changed.await;
        }
    }

    /// Handles one request of the API from its first byte to its last.
    async fn handle(&self, request: Request) -> io::Result<Response<Body>> {
        self.wait(&request).await;
        let served = self.serve_one(request).await;
        self.book().order.pop_front();
        self.turn.notify_waiters();
        served
    }

    async fn serve_one(&self, request: Request) -> io::Result<Response<Body>> {
        let hook = {
            let mut book = self.book();
            let hit = |hook: &Hook| hook.method == request.method && request.target.contains(&hook.contains);
            let place = book.hooks.iter().position(hit);
            place.map(|place| book.hooks.remove(place))
        };
        if let Some(hook) = hook {
            (hook.act)(self.hub.forge.clone(), request.body.clone()).await;
        }
        let fate = self.fate(&request);
        let (auth, token) = self.auth(&request);
        let kind = match &fate {
            Some(What::Kind(kind)) => Some(*kind),
            _ => None,
        };
        let reaches = match &fate {
            None => true,
            Some(What::Kind(kind)) => kind.applies(),
            Some(_) => false,
        };
        let place = {
            let mut book = self.book();
            book.journal.push(Entry {
                at: self.clock.now(),
                method: request.method.clone(),
                target: request.target.clone(),
                auth,
                body: request.body.clone(),
                conditional: request.headers.contains_key("if-none-match"),
                status: None,
                fault: kind,
                applied: false,
                claimed: false,
            });
            book.journal.len() - 1
        };
        if kind == Some(Kind::Slow) {
            self.clock.advance(SLOW);
        }
        let answer = if reaches { Some(self.ask(&request, token.as_ref()).await) } else { None };
        let applied = answer.as_ref().is_some_and(|answer| answer.is_success() && is_effect(&request, answer));
        self.book().journal[place].applied = applied;
        let sent = match (&fate, answer) {
            (None, Some(answer)) => answer,
            (Some(What::Reply { status, headers, body }), _) => Answer {
                status: *status,
                headers: headers.clone(),
                body: Content::Raw("application/json; charset=utf-8", body.clone().into_bytes()),
            },
            (Some(What::Kind(Kind::ResetBefore | Kind::ResetAfter | Kind::Refuse)), _) => {
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            (Some(What::Kind(Kind::Timeout | Kind::TimeoutApplied)), _) => {
                tokio::time::sleep(Duration::from_mins(5)).await;
                return Err(io::ErrorKind::TimedOut.into());
            }
            (Some(What::Kind(Kind::Slow | Kind::Truncated)), Some(answer)) => answer,
            (Some(What::Kind(kind)), _) => self.instead(*kind),
            (_, None) | (Some(What::Pass), _) => Answer::error(500, "a request without a fate"),
        };
        let sent = self.dressed(sent);
        self.book().journal[place].status = Some(sent.status);
        Ok(response(&sent, kind == Some(Kind::Truncated)))
    }
}

/// Whether an answered request changed something; a question by POST changes nothing.
fn is_effect(request: &Request, answer: &Answer) -> bool {
    if request.segments.last().is_some_and(|last| last == "graphql") {
        let asked = request.text("query").unwrap_or_default().trim_start().starts_with("mutation");
        let failed = matches!(&answer.body, Content::Json(body) if body.get("errors").is_some());
        return asked && !failed;
    }
    request.is_write() && request.segments.last().is_none_or(|last| last != "access_tokens")
}

fn response(answer: &Answer, truncated: bool) -> Response<Body> {
    let (kind, bytes) = answer.body.bytes();
    let mut built = Response::builder().status(StatusCode::from_u16(answer.status).expect("a status"));
    for (name, value) in &answer.headers {
        built = built.header(name, value);
    }
    if let Some(kind) = kind {
        built = built.header("content-type", kind);
    }
    let body: Body = if truncated {
        built = built.header("content-length", bytes.len().max(2));
        let mut waited = false;
        let mut half = Some(Bytes::from(bytes[..bytes.len() / 2].to_vec()));
        let parts = futures_util::stream::poll_fn(move |context| match half.take() {
            Some(half) => Poll::Ready(Some(Ok(Frame::data(half)))),
            // Once more around, so that the half has left before the connection breaks.
            None if !std::mem::replace(&mut waited, true) => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            None => Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::ConnectionReset)))),
        });
        StreamBody::new(parts).boxed()
    } else {
        Full::new(Bytes::from(bytes)).map_err(|never: Infallible| match never {}).boxed()
    };
    built.body(body).expect("a response")
}

/// Which of the two hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Host {
    Api,
    Logs,
}

async fn listen(inner: Arc<Inner>, listener: TcpListener, host: Host) {
    while let Ok((stream, _)) = listener.accept().await {
        if host == Host::Api && inner.refuses_next() {
            drop(stream);
            continue;
        }
        tokio::spawn(serve(inner.clone(), stream, host));
    }
}

async fn serve(inner: Arc<Inner>, stream: TcpStream, host: Host) {
    let service = service_fn(|incoming: hyper::Request<Incoming>| {
        let inner = inner.clone();
        async move {
            let (head, body) = incoming.into_parts();
            let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
            let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
            let headers = head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
            let target = head.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
            let prefix = if target.starts_with("/api/graphql") { "/api" } else { inner.prefix.as_str() };
            let request = Request::read(head.method.as_str(), &target, prefix, headers, &body);
            match host {
                Host::Api => inner.handle(request).await,
                Host::Logs => Ok(response(&inner.log(request).await, false)),
            }
        }
    });
    // A client that went away is no matter of the server's.
    let _gone = http1::Builder::new()
        .keep_alive(false)
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

impl Inner {
    async fn log(&self, request: Request) -> Answer {
        let answer = stored_log(&self.hub.forge, &request).await;
        let auth = if request.headers.contains_key("authorization") { Auth::Unknown } else { Auth::None };
        self.book().journal.push(Entry {
            at: self.clock.now(),
            method: request.method,
            target: request.target,
            auth,
            body: None,
            conditional: false,
            status: Some(answer.status),
            fault: None,
            applied: false,
            claimed: false,
        });
        answer
    }
}
