//! A socket that answers as a test says, and remembers what it heard.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    /// How many came before it.
    pub(super) count: usize,
    /// Method and path.
    pub(super) line: String,
    /// What stands behind the question mark.
    pub(super) query: String,
    headers: BTreeMap<String, Vec<String>>,
    pub(super) body: String,
}

impl Heard {
    pub(super) fn all(&self, header: &str) -> Vec<String> {
        self.headers.get(header).cloned().unwrap_or_default()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("a JSON body")
    }
}

/// What the socket does.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    /// Writes these bytes and closes.
    Raw(String),
    /// Closes without a word.
    Close,
}

impl Reply {
    pub(super) fn new(status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = if status == 304 { String::new() } else { format!("content-length: {}\r\n", body.len()) };
        Self::Raw(format!("HTTP/1.1 {status} X\r\n{length}{more}connection: close\r\n\r\n{body}"))
    }

    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self::new(status, &[("content-type", "application/json")], &body.to_string())
    }

    pub(super) fn text(status: u16, body: &str) -> Self {
        Self::new(status, &[], body)
    }

    pub(super) fn moved(status: u16, target: &str) -> Self {
        Self::new(status, &[("location", target)], "")
    }
}

type Rule = dyn Fn(&Heard) -> Reply + Send + Sync;

/// The socket.
#[derive(Debug)]
pub(super) struct Server {
    port: u16,
    heard: Arc<Mutex<Vec<Heard>>>,
    task: JoinHandle<()>,
}

impl Server {
    pub(super) async fn start(rule: impl Fn(&Heard) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (log, rule): (_, Arc<Rule>) = (Arc::clone(&heard), Arc::new(rule));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&log), Arc::clone(&rule)));
            }
        });
        Self { port, heard, task }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(super) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.heard().into_iter().map(|heard| heard.line).collect()
    }

    /// Closes the port.
    pub(super) async fn stop(self) {
        self.task.abort();
        let _ended = self.task.await;
    }
}

async fn answer(mut stream: TcpStream, log: Arc<Mutex<Vec<Heard>>>, rule: Arc<Rule>) {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let mut lines = text.lines();
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (method, target) = (first.next().unwrap_or_default(), first.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        headers.entry(name.to_ascii_lowercase()).or_default().push(value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|all| all[0].parse().ok()).unwrap_or(0);
    while bytes.len() < head + 4 + length {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let body = String::from_utf8_lossy(&bytes[head + 4..]).into_owned();
    let heard = {
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        let (line, query) = (format!("{method} {path}"), query.to_owned());
        let count = log.len();
        log.push(Heard { count, line, query, headers, body });
        log[count].clone()
    };
    if let Reply::Raw(text) = rule(&heard) {
        let _sent = stream.write_all(text.as_bytes()).await;
        let _closed = stream.shutdown().await;
    }
}
