//! One request as it was read, one answer before it is sent, and pages with their `Link` headers.

use std::collections::BTreeMap;

use base64::Engine as _;
use homeostat::forge::ForgeError;
use homeostat::model::{RepoSlug, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What an address says that nobody wrote down.
pub(super) const NO_ADDRESS: &str = "This address is not part of the test forge.";

/// A request, whole.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: String,
    /// As it was sent, query and all.
    pub(super) target: String,
    /// Its path's segments after the base, decoded.
    pub(super) segments: Vec<String>,
    pub(super) query: BTreeMap<String, String>,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Option<Value>,
}

impl Request {
    pub(super) fn read(
        method: &str,
        target: &str,
        prefix: &str,
        headers: BTreeMap<String, String>,
        body: &[u8],
    ) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = path.strip_prefix(prefix).unwrap_or(path);
        let query = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(&key.replace('+', " ")), decode(&value.replace('+', " ")))
        });
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            segments: path.split('/').filter(|part| !part.is_empty()).map(decode).collect(),
            query: query.collect(),
            headers,
            body: serde_json::from_slice(body).ok(),
        }
    }

    pub(super) fn is_write(&self) -> bool {
        self.method != "GET"
    }

    /// Returns a member of the body as text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.body.as_ref()?.get(name)?.as_str()
    }

    /// Returns a member of the body as a list of texts.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        let list = self.body.as_ref().and_then(|body| body.get(name)).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(|one| one.as_str().map(str::to_owned)).collect()
    }
}

/// Reads `%41`; what is no escape stays.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let here = bytes[at];
        let escaped = (here == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        let byte = escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        at += if byte.is_some() { 3 } else { 1 };
        out.push(byte.unwrap_or(here));
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// What is sent back.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Content,
}

/// The body of an answer.
#[derive(Debug, Clone)]
pub(super) enum Content {
    Nothing,
    Json(Value),
    Raw(&'static str, Vec<u8>),
}

impl Content {
    pub(super) fn bytes(&self) -> (Option<&'static str>, Vec<u8>) {
        match self {
            Self::Nothing => (None, Vec::new()),
            Self::Json(value) => (Some("application/json; charset=utf-8"), value.to_string().into_bytes()),
            Self::Raw(kind, bytes) => (Some(kind), bytes.clone()),
        }
    }
}

impl Answer {
    pub(super) fn json(status: u16, value: Value) -> Self {
        Self { status, headers: Vec::new(), body: Content::Json(value) }
    }

    pub(super) fn nothing(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Content::Nothing }
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Makes an error as GitHub writes them.
    pub(super) fn error(status: u16, message: &str) -> Self {
        Self::json(
            status,
            json!({"message": message, "documentation_url": "https://docs.github.com/rest", "status": status.to_string()}),
        )
    }

    pub(super) fn not_found() -> Self {
        Self::error(404, "Not Found")
    }

    /// Makes a 422 whose `errors` say what is wrong.
    pub(super) fn invalid(errors: Value) -> Self {
        let mut answer = Self::error(422, "Validation Failed");
        if let Content::Json(body) = &mut answer.body {
            body["errors"] = errors;
        }
        answer
    }

    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Answers 304 where the client has the same already.
    pub(super) fn conditional(self, request: &Request) -> Self {
        let Content::Json(body) = &self.body else { return self };
        if request.method != "GET" || self.status != 200 {
            return self;
        }
        let digest = Sha256::digest(body.to_string().as_bytes());
        let tag = format!("W/\"{}\"", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&digest[..12]));
        if request.headers.get("if-none-match") == Some(&tag) {
            return Self { body: Content::Nothing, status: 304, ..self }.with("etag", tag);
        }
        self.with("etag", tag)
    }
}

/// What a handler ends with: an answer either way.
pub(super) type Handled = Result<Answer, Answer>;

/// Turns a refusal of the rules into GitHub's, where an operation has no words of its own.
pub(super) fn refusal(error: ForgeError) -> Answer {
    match error {
        ForgeError::NotFound(_) => Answer::not_found(),
        ForgeError::Denied(_) => Answer::error(403, "Resource not accessible by integration"),
        ForgeError::Conflict(why) => Answer::error(409, &why),
        ForgeError::Invalid(why) => Answer::error(422, &why),
        other => Answer::error(500, &format!("the memory forge itself failed: {other}")),
    }
}

/// Cuts one page out of a list and says in `Link` where the others are: under the repository's id, as GitHub does.
pub(super) fn page_of(
    request: &Request,
    base: &str,
    repository: u64,
    cap: usize,
    all: Vec<Value>,
) -> (Vec<Value>, Answer) {
    let number = |name: &str| request.query.get(name).and_then(|text| text.parse::<usize>().ok());
    let size = number("per_page").unwrap_or(30).clamp(1, 100).min(cap.max(1));
    let page = number("page").unwrap_or(1).max(1);
    let last = all.len().div_ceil(size).max(1);
    let rest = if request.segments[0] == "repos" { &request.segments[3..] } else { &request.segments[2..] };
    let link = |to: usize, name: &str| {
        let mut query = request.query.clone();
        query.insert("page".to_owned(), to.to_string());
        let query: Vec<String> = query.iter().map(|(key, value)| format!("{key}={}", encode(value))).collect();
        let rest: Vec<String> = rest.iter().map(|part| encode(part)).collect();
        format!("<{base}/repositories/{repository}/{}?{}>; rel=\"{name}\"", rest.join("/"), query.join("&"))
    };
    let mut links = Vec::new();
    if page > 1 {
        links.push(link(page - 1, "prev"));
    }
    if page < last {
        links.push(link(page + 1, "next"));
        links.push(link(last, "last"));
    }
    if page > 1 {
        links.push(link(1, "first"));
    }
    let items = all.into_iter().skip((page - 1).saturating_mul(size)).take(size).collect();
    let mut answer = Answer::nothing(200);
    if !links.is_empty() {
        answer = answer.with("link", links.join(", "));
    }
    (items, answer)
}

/// Answers one page of a list.
pub(super) fn listed(request: &Request, base: &str, repository: u64, cap: usize, all: Vec<Value>) -> Answer {
    let (items, answer) = page_of(request, base, repository, cap, all);
    Answer { body: Content::Json(Value::Array(items)), ..answer }
}

/// Escapes everything that is not plain in an address.
pub(super) fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Writes a moment as GitHub does: whole seconds.
pub(super) fn rfc3339(at: Timestamp) -> String {
    format!("{}Z", &at.to_string()[..19])
}

/// Writes a moment as HTTP does.
pub(crate) fn http_date(at: Timestamp) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = at.to_string();
    let days = usize::try_from(at.as_millis().div_euclid(86_400_000).rem_euclid(7)).unwrap_or_default();
    let month: usize = text[5..7].parse().unwrap_or(1);
    format!("{}, {} {} {} {} GMT", DAYS[days], &text[8..10], MONTHS[month - 1], &text[..4], &text[11..19])
}

/// Reads the repository that the first segments name.
pub(super) fn slug_of(owner: &str, name: &str) -> Result<RepoSlug, Answer> {
    format!("{owner}/{name}").parse().map_err(|_| Answer::not_found())
}

#[test]
fn moments_are_written_as_the_server_writes_them() {
    let at = Timestamp::from_millis(1_800_000_000_123);
    assert_eq!(rfc3339(at), "2027-01-15T08:00:00Z");
    assert_eq!(http_date(at), "Fri, 15 Jan 2027 08:00:00 GMT");
    assert_eq!(decode("a%2Fb%5Bc%zz"), "a/b[c%zz");
}
