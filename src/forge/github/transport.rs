//! One exchange with a server: a request out, an answer in, both bounded. Layer 3.
//!
//! octocrab carries the request; the connection below it is ours, so that nothing is redirected, sent twice or announced
//! under another name behind our back. Refuses to judge an answer (`classify` does), to keep more of a body than asked
//! for, and to print an error of octocrab, whose text may hold a whole backtrace. Nothing here is retried.

use std::error::Error as StdError;
use std::time::Duration;

use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt as _;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use octocrab::{AuthState, OctoBody, Octocrab, OctocrabBuilder};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::proxy::{Proxies, Road};
use crate::model::Secret;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a server may be silent.
const SILENCE: Duration = Duration::from_secs(30);
/// How long a whole exchange may take, a log included.
const WHOLE: Duration = Duration::from_mins(2);
/// The version of GitHub's API that the shapes here were written for.
const API_VERSION: &str = "2022-11-28";

/// What of a body is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// All of it; more bytes than these are an error.
    All(usize),
    /// The last bytes; reading stops with an error after `most`.
    Tail {
        /// How many are kept.
        bytes: usize,
        /// How many are read.
        most: u64,
    },
}

/// One request, with nothing left to decide.
#[derive(Debug)]
pub(super) struct Outgoing<'a> {
    pub(super) method: Method,
    /// An absolute address.
    pub(super) url: &'a str,
    /// The token; none is sent without.
    pub(super) token: Option<&'a Secret>,
    /// The tag of a copy that we have.
    pub(super) etag: Option<&'a str>,
    /// A JSON document.
    pub(super) body: Option<&'a str>,
    pub(super) keep: Keep,
}

/// What came back.
#[derive(Debug, Clone)]
pub(super) struct Incoming {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// Whether the beginning of the body was let go.
    pub(super) cut: bool,
}

impl Incoming {
    /// Returns a header's text, if it is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        super::classify::header(&self.headers, name)
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// Nothing reached the server.
    NotSent(String),
    /// The request may have reached it.
    Lost(String),
    /// The answer began and is longer than we read.
    TooLong(usize),
    /// No client can be made on this machine, or the request cannot be written.
    Unusable(String),
}

/// Keeps connections to servers.
#[derive(Debug)]
pub(super) struct Transport {
    agent: String,
    /// How long a server may be silent.
    silence: Duration,
    proxies: Option<Proxies>,
    // Made with the first request: octocrab starts a task, which panics outside a runtime.
    client: OnceCell<Octocrab>,
}

impl Transport {
    pub(super) fn new(version: &str) -> Self {
        Self { agent: format!("homeostat/{version}"), silence: SILENCE, proxies: None, client: OnceCell::new() }
    }

    /// Goes through a proxy; for a transport that has sent nothing yet.
    pub(super) fn pass_through(&mut self, proxies: Proxies) {
        self.proxies = Some(proxies);
    }

    /// Waits no longer than this for a server that is silent.
    pub(super) fn patient_for(&mut self, silence: Duration) {
        self.silence = silence;
    }

    /// Sends one request and reads its answer.
    pub(super) async fn send(&self, outgoing: &Outgoing<'_>) -> Result<Incoming, Failure> {
        let client = self.client.get_or_try_init(async || make_client(self.proxies.clone())).await?;
        let request = self.request(client, outgoing)?;
        match timeout(WHOLE, exchange(client, request, outgoing.keep, self.silence)).await {
            Ok(answer) => answer,
            Err(_) => Err(Failure::Lost(format!("no whole answer in {} s", WHOLE.as_secs()))),
        }
    }

    fn request(&self, client: &Octocrab, outgoing: &Outgoing<'_>) -> Result<Request<OctoBody>, Failure> {
        let mut builder = Request::builder()
            .method(outgoing.method.clone())
            .uri(outgoing.url)
            .header(http::header::USER_AGENT, &self.agent)
            .header(http::header::ACCEPT, "application/vnd.github+json");
        if let Some(token) = outgoing.token {
            // Files and pasted variables end with a line break.
            let mut value = http::HeaderValue::from_str(&format!("Bearer {}", token.expose().trim()))
                .map_err(|_| Failure::Unusable("the token holds characters that no header can carry".to_owned()))?;
            value.set_sensitive(true);
            builder = builder.header(http::header::AUTHORIZATION, value);
        }
        if let Some(etag) = outgoing.etag {
            builder = builder.header(http::header::IF_NONE_MATCH, etag);
        }
        // Its body and its version of the API: serialised by us, so that what is sent is what a dry run shows.
        let mut request = client
            .build_request(builder, None::<&()>)
            .map_err(|_| Failure::Unusable("the request could not be written".to_owned()))?;
        if !request.headers().contains_key("x-github-api-version") {
            request.headers_mut().insert("x-github-api-version", http::HeaderValue::from_static(API_VERSION));
        }
        if let Some(body) = outgoing.body {
            let headers = request.headers_mut();
            headers.remove(http::header::CONTENT_LENGTH);
            headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
            *request.body_mut() = OctoBody::from(body.to_owned());
        } else if outgoing.method == Method::GET {
            request.headers_mut().remove(http::header::CONTENT_LENGTH);
        }
        Ok(request)
    }
}

/// What makes connections: TLS by the machine's own certificates, through a proxy where there is one.
pub type Connector = HttpsConnector<Road>;

/// Makes what makes connections. Whether plain HTTP may be spoken to a server is the caller's to say.
///
/// # Errors
/// When this machine has no root certificates.
pub fn connector(proxies: Option<Proxies>) -> Result<Connector, String> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_connect_timeout(Some(CONNECT));
    let builder = hyper_rustls::HttpsConnectorBuilder::new()
        .with_native_roots()
        .map_err(|_| "this machine has no root certificates (/etc/ssl/certs)".to_owned())?;
    Ok(builder.https_or_http().enable_http1().wrap_connector(Road::new(http, proxies)))
}

fn make_client(proxies: Option<Proxies>) -> Result<Octocrab, Failure> {
    // Plain HTTP is for loopback alone, which `Address` sees to.
    let https = connector(proxies).map_err(Failure::Unusable)?;
    let client: Client<_, OctoBody> = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(https);
    match OctocrabBuilder::new_empty().with_service(client).with_auth(AuthState::None).build() {
        Ok(client) => Ok(client),
        Err(never) => match never {},
    }
}

async fn exchange(
    client: &Octocrab,
    request: Request<OctoBody>,
    keep: Keep,
    silence: Duration,
) -> Result<Incoming, Failure> {
    let answer = match timeout(silence, client.send(request)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return Err(phase_of(&error)),
        Err(_) => return Err(Failure::Lost(format!("no answer in {silence:?}"))),
    };
    let (head, mut stream) = answer.into_parts();
    let mut body = Vec::new();
    let (mut read, mut cut) = (0_u64, false);
    loop {
        let frame = match timeout(silence, stream.frame()).await {
            Ok(None) => break,
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(_))) => return Err(Failure::Lost("the connection broke inside the answer".to_owned())),
            Err(_) => return Err(Failure::Lost(format!("the answer stood still for {silence:?}"))),
        };
        let Ok(data) = frame.into_data() else { continue };
        read = read.saturating_add(data.len() as u64);
        body.extend_from_slice(&data);
        match keep {
            Keep::All(most) if body.len() > most => return Err(Failure::TooLong(most)),
            Keep::All(_) => {}
            Keep::Tail { most, .. } if read > most => {
                return Err(Failure::TooLong(usize::try_from(most).unwrap_or(usize::MAX)));
            }
            // Twice the wish, then half is let go: each byte is moved a bounded number of times.
            Keep::Tail { bytes, .. } if body.len() > bytes.saturating_mul(2).max(65_536) => {
                cut |= keep_last(&mut body, bytes);
            }
            Keep::Tail { .. } => {}
        }
    }
    if let Keep::Tail { bytes, .. } = keep {
        cut |= keep_last(&mut body, bytes);
    }
    Ok(Incoming { status: head.status.as_u16(), headers: head.headers, body, cut })
}

/// Lets go of all but the last bytes; returns whether there were more.
fn keep_last(body: &mut Vec<u8>, bytes: usize) -> bool {
    let surplus = body.len().saturating_sub(bytes);
    body.drain(..surplus);
    surplus > 0
}

/// Tells whether a request can have reached the server. Only what surely did not counts as not sent.
fn phase_of(error: &octocrab::Error) -> Failure {
    let mut cause: Option<&(dyn StdError + 'static)> = StdError::source(error);
    while let Some(inner) = cause {
        if let Some(client) = inner.downcast_ref::<hyper_util::client::legacy::Error>() {
            return if client.is_connect() {
                Failure::NotSent(format!("no connection: {}", deepest(client)))
            } else {
                Failure::Lost("the connection broke before the answer".to_owned())
            };
        }
        cause = inner.source();
    }
    Failure::Lost("the request failed on its way".to_owned())
}

/// Returns the innermost cause in words: that of the system or of TLS, which name no request.
pub(super) fn deepest(error: &(dyn StdError + 'static)) -> String {
    let mut last = error;
    while let Some(inner) = last.source() {
        last = inner;
    }
    last.to_string().lines().next().unwrap_or_default().chars().take(240).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_keeps_the_last_bytes_and_says_so() {
        let mut body = b"abcdef".to_vec();
        assert!(keep_last(&mut body, 4));
        assert_eq!(body, b"cdef");
        assert!(!keep_last(&mut body, 4));
        assert!(!keep_last(&mut body, 40));
        assert_eq!(body, b"cdef");
    }
}
