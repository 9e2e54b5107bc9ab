//! The way to a server through a proxy: a tunnel by CONNECT below TLS, so that the proxy sees a name and no token. Layer 3.
//!
//! Which hosts go through it is decided by the rules that curl and git follow (`NO_PROXY`). Refuses to read the
//! environment, to go past a proxy that refuses, to speak to one over TLS or SOCKS, and to print a proxy's credentials.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tower_service::Service;

use crate::model::Secret;

/// How long a proxy may take to answer.
const ANSWER: Duration = Duration::from_secs(10);
/// What an answer's head may weigh.
const HEAD_CAP: usize = 8 << 10;

/// The proxy of an operator's network, and which hosts it is not for.
#[derive(Clone)]
pub struct Proxies {
    matcher: Arc<Matcher>,
}

impl std::fmt::Debug for Proxies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Proxies")
    }
}

impl Proxies {
    /// Reads a proxy's address, which may hold credentials, and a list as in `NO_PROXY`.
    ///
    /// # Errors
    /// In words that hold no credentials, when the address is none or asks for what is not there.
    pub fn new(proxy: &Secret, no_proxy: &str) -> Result<Self, String> {
        let address = proxy.expose().trim();
        let everywhere = Uri::from_static("https://any.invalid/");
        let found = Matcher::builder().https(address).build().intercept(&everywhere);
        let found = found.ok_or_else(|| "it is no address of a proxy; write http://HOST:PORT".to_owned())?;
        let host = found.uri().authority().map_or("", |authority| authority.host());
        let named = found.uri().authority().map_or("", |authority| authority.as_str());
        if host.is_empty() || (named != host && found.uri().port_u16().is_none()) {
            return Err("its port is no number; write http://HOST:PORT".to_owned());
        }
        if found.uri().scheme_str() != Some("http") {
            return Err(format!(
                "{} proxies are not supported; write http://HOST:PORT",
                found.uri().scheme_str().unwrap_or("such")
            ));
        }
        Ok(Self { matcher: Arc::new(Matcher::builder().https(address).no(no_proxy).build()) })
    }

    /// Sends plain HTTP through it as well, which is for loopback alone and so for tests.
    #[cfg(test)]
    pub(super) fn for_everything(proxy: &str, no_proxy: &str) -> Self {
        Self { matcher: Arc::new(Matcher::builder().all(proxy).no(no_proxy).build()) }
    }

    fn of(&self, target: &Uri) -> Option<Intercept> {
        self.matcher.intercept(target)
    }
}

/// Why there is no way; nothing reached the server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum RoadError {
    /// The server's name leads nowhere.
    #[error("the host {host} cannot be found ({why}); is its name right, and does this machine reach a name server?")]
    Unnamed {
        /// The host.
        host: String,
        /// The system's words.
        why: String,
    },
    /// It cannot be reached.
    #[error("the proxy {proxy} cannot be reached ({why})")]
    Unreachable {
        /// Its address, without credentials.
        proxy: String,
        /// The system's words.
        why: String,
    },
    /// It refused, or answered nothing that can be read.
    #[error("the proxy {proxy} answered {answer} to CONNECT {target}{hint}")]
    Refused {
        /// Its address, without credentials.
        proxy: String,
        /// The first line of its answer.
        answer: String,
        /// The host that was asked for.
        target: String,
        /// What may help.
        hint: &'static str,
    },
}

type Refusal = Box<dyn std::error::Error + Send + Sync>;

/// Makes connections: straight, or through a tunnel.
#[derive(Debug, Clone)]
pub struct Road {
    straight: HttpConnector,
    proxies: Option<Proxies>,
}

impl Road {
    pub(super) const fn new(straight: HttpConnector, proxies: Option<Proxies>) -> Self {
        Self { straight, proxies }
    }
}

impl Service<Uri> for Road {
    type Response = TokioIo<TcpStream>;
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Refusal>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        self.straight.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let Some(intercept) = self.proxies.as_ref().and_then(|proxies| proxies.of(&target)) else {
            let host = target.host().unwrap_or_default().to_owned();
            let connecting = self.straight.call(target);
            return Box::pin(async move { connecting.await.map_err(|error| straight(&host, error)) });
        };
        let connecting = self.straight.call(intercept.uri().clone());
        Box::pin(async move {
            let proxy = intercept.uri().to_string().trim_end_matches('/').to_owned();
            let unreachable = |why: String| RoadError::Unreachable { proxy: proxy.clone(), why };
            let stream = connecting.await.map_err(|error| unreachable(super::transport::deepest(&error)))?;
            let mut stream = stream.into_inner();
            match tokio::time::timeout(ANSWER, tunnel(&mut stream, &intercept, &proxy, &target)).await {
                Ok(tunnelled) => tunnelled?,
                Err(_) => return Err(unreachable(format!("no answer in {} s", ANSWER.as_secs())).into()),
            }
            Ok(TokioIo::new(stream))
        })
    }
}

/// Names the server where it is its name that leads nowhere: the system's own words do not.
fn straight(host: &str, error: impl std::error::Error + Send + Sync + 'static) -> Refusal {
    if error.to_string().contains("dns error") {
        return RoadError::Unnamed { host: host.to_owned(), why: super::transport::deepest(&error) }.into();
    }
    error.into()
}

/// Asks for a tunnel; what is written to the stream afterwards is the server's.
async fn tunnel(stream: &mut TcpStream, by: &Intercept, proxy: &str, target: &Uri) -> Result<(), RoadError> {
    let usual = if target.scheme_str() == Some("http") { 80 } else { 443 };
    let target = format!("{}:{}", target.host().unwrap_or_default(), target.port_u16().unwrap_or(usual));
    let mut asked = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n").into_bytes();
    if let Some(credentials) = by.basic_auth() {
        asked.extend_from_slice(b"Proxy-Authorization: ");
        asked.extend_from_slice(credentials.as_bytes());
        asked.extend_from_slice(b"\r\n");
    }
    asked.extend_from_slice(b"\r\n");
    let broken = |error: std::io::Error| RoadError::Unreachable { proxy: proxy.to_owned(), why: error.to_string() };
    stream.write_all(&asked).await.map_err(broken)?;
    let mut head = Vec::new();
    // Byte by byte: what comes after the empty line is the server's and not ours to take.
    while !head.ends_with(b"\r\n\r\n") && head.len() < HEAD_CAP {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(broken(error)),
        }
    }
    let status = status_of(&head);
    if status.is_some_and(|status| (200..300).contains(&status)) && head.ends_with(b"\r\n\r\n") {
        return Ok(());
    }
    let hint = match (status, by.basic_auth()) {
        (Some(407), None) => "; it wants a user and a password, as in http://USER:PASSWORD@HOST:PORT",
        (Some(407), Some(_)) => "; it does not take the user and the password in its address",
        _ => "",
    };
    Err(RoadError::Refused { proxy: proxy.to_owned(), answer: first_line(&head), target, hint })
}

/// Reads the code of a status line.
fn status_of(head: &[u8]) -> Option<u16> {
    let line = String::from_utf8_lossy(head.split(|byte| *byte == b'\n').next()?).into_owned();
    let (version, rest) = line.split_once(' ')?;
    if !version.starts_with("HTTP/1.") {
        return None;
    }
    rest.trim_start().get(..3)?.parse().ok()
}

/// Quotes the first line of an answer, a stranger's text, as far as it can be shown.
fn first_line(head: &[u8]) -> String {
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let text: String = String::from_utf8_lossy(line).chars().filter(|c| !c.is_control()).take(80).collect();
    let text =
        text.split_once(' ').filter(|(version, _)| version.starts_with("HTTP/")).map_or(&*text, |(_, rest)| rest);
    if text.trim().is_empty() { "nothing".to_owned() } else { format!("{:?}", text.trim()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(proxy: &str, no: &str, target: &str) -> Option<String> {
        let proxies = Proxies::new(&Secret::new(proxy), no).expect("a proxy");
        proxies.of(&target.parse().expect("an address")).map(|found| found.uri().to_string())
    }

    #[test]
    fn no_proxy_names_hosts_domains_and_networks_that_are_reached_straight() {
        let proxy = "http://user:hunter2@proxy.example:3128";
        let api = "https://api.github.com/x";
        assert_eq!(through(proxy, "", api).as_deref(), Some("http://proxy.example:3128/"));
        assert_eq!(through("proxy.example:3128", "", api).as_deref(), Some("http://proxy.example:3128/"));
        for (no, target) in [
            ("api.github.com", api),
            ("github.com", api),
            (".github.com", api),
            ("localhost, github.com ", api),
            ("*", api),
            ("10.0.0.0/8", "https://10.1.2.3/api/v3"),
        ] {
            assert_eq!(through(proxy, no, target), None, "{no}");
        }
        for no in ["hub.com", "example.com", "api.github.com.evil"] {
            assert!(through(proxy, no, api).is_some(), "{no}");
        }
        assert_eq!(
            through(proxy, "", "http://127.0.0.1:8080/"),
            None,
            "plain HTTP is for loopback, which needs no proxy"
        );
    }

    #[test]
    fn what_is_no_proxy_is_refused_and_never_gone_past_without_a_word() {
        for bad in
            ["", "http://", "ftp://x", "socks5://u:hunter2@x:1", "https://u:hunter2@x:1", "http://u:hunter2@x:port"]
        {
            let refused = Proxies::new(&Secret::new(bad), "").err().unwrap_or_else(|| panic!("{bad} was taken"));
            assert!(refused.contains("http://HOST:PORT") && !refused.contains("hunter2"), "{refused}");
        }
        let taken = Proxies::new(&Secret::new("http://u:hunter2@x:1"), "").expect("a proxy");
        assert!(!format!("{taken:?}").contains("hunter2"));
    }

    #[test]
    fn an_answer_is_shown_in_one_short_line() {
        assert_eq!(first_line(b"HTTP/1.1 403 Forbidden\r\nX: y\r\n\r\n"), "\"403 Forbidden\"");
        assert_eq!(first_line(b"\x1b[31mno\r\n::error::x"), "\"[31mno\"");
        assert_eq!(first_line(b""), "nothing");
        assert_eq!(status_of(b"HTTP/1.0 200 OK\r\n\r\n"), Some(200));
        assert_eq!([status_of(b"SSH-2.0 200"), status_of(b"HTTP/1.1"), status_of(b"HTTP/1.1 2")], [None; 3]);
    }
}
