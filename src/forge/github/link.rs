//! Where requests go: the server's addresses, the pages of a list, and the percent signs between. Layer 3.
//!
//! A page is asked for by the address that the server gave, never by one that was built (PROTOCOL.md, 9). Refuses
//! addresses of another server, of another list, and lists that lead back to themselves (F-06, V-104, V-105).

use std::fmt::Write as _;

use http::Uri;

use crate::forge::{ForgeError, ForgeResult};
use crate::model::{RepoSlug, sha256_prefixed};

/// The longest list that is followed, in pages.
const MAX_PAGES: usize = 1_000;

/// The addresses of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// Scheme and authority of the API.
    origin: String,
    /// The path below which the API lies, without a slash at the end.
    base: String,
    /// Where GraphQL answers.
    graphql: String,
}

impl Address {
    /// Reads the addresses of the API and, where it is another than usual, of GraphQL.
    pub(super) fn new(api: &str, graphql: Option<&str>) -> Result<Self, String> {
        let (origin, base) = split(api)?;
        // An enterprise server has its API at /api/v3 and GraphQL beside it, not below.
        let usual = match base.strip_suffix("/v3") {
            Some(before) => format!("{origin}{before}/graphql"),
            None => format!("{origin}{base}/graphql"),
        };
        let graphql = match graphql.map(str::trim).filter(|text| !text.is_empty()) {
            None => usual,
            Some(given) => {
                let (graphql_origin, path) = split(given)?;
                if graphql_origin != origin {
                    return Err(format!("{given:?} is on another server than {api:?}; the token would go to both"));
                }
                format!("{graphql_origin}{path}")
            }
        };
        Ok(Self { origin, base, graphql })
    }

    /// Returns where GraphQL answers.
    pub(super) fn graphql(&self) -> &str {
        &self.graphql
    }

    /// Returns the address of a path of the API.
    pub(super) fn of(&self, path: &str) -> String {
        format!("{}{}{path}", self.origin, self.base)
    }

    /// Returns an address's path below the API; nothing when it is on another server.
    pub(super) fn path_of<'a>(&self, url: &'a str) -> Option<&'a str> {
        let rest = url.strip_prefix(self.origin.as_str())?.strip_prefix(self.base.as_str())?;
        rest.starts_with('/').then_some(rest)
    }

    /// Returns the absolute address that a `Location` means.
    pub(super) fn resolve(&self, target: &str) -> String {
        if !target.starts_with('/') {
            return target.to_owned();
        }
        let has_base = target.strip_prefix(self.base.as_str()).is_some_and(|rest| rest.starts_with('/'));
        if has_base { format!("{}{target}", self.origin) } else { self.of(target) }
    }

    /// Returns whether a file may be fetched from an address without a token: the server's own scheme or better.
    pub(super) fn may_fetch(&self, url: &str) -> bool {
        split(url).is_ok() && (url.starts_with("https://") || self.origin.starts_with("http://"))
    }
}

/// Splits an address into origin and path; plain HTTP is for loopback alone.
fn split(text: &str) -> Result<(String, String), String> {
    let text = text.trim();
    let refuse = |why: &str| format!("{:?} {why}", text.chars().take(120).collect::<String>());
    let uri: Uri = text.parse().map_err(|_| refuse("is no address"))?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(refuse("is no absolute address"));
    };
    if authority.as_str().contains('@') {
        return Err(refuse("holds a user; tokens are given apart"));
    }
    let host = authority.host();
    let loopback = host == "localhost" || host == "[::1]" || host.starts_with("127.");
    match scheme {
        "https" => {}
        "http" if loopback => {}
        "http" => return Err(refuse("is plain HTTP; that is for loopback only, write https")),
        _ => return Err(refuse("is neither http nor https")),
    }
    Ok((format!("{scheme}://{authority}"), uri.path().trim_end_matches('/').to_owned()))
}

/// Finds the address with a relation in a `Link` header.
pub(super) fn next_link(header: &str) -> Option<&str> {
    let mut rest = header;
    while let Some(start) = rest.find('<') {
        let after = &rest[start + 1..];
        let end = after.find('>')?;
        let (url, tail) = (&after[..end], &after[end + 1..]);
        // Parameters end where the next address begins; commas inside an address stand between its angle brackets.
        let parameters = tail.find('<').map_or(tail, |next| &tail[..next]);
        let is_next = parameters.split(';').any(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let value = value.trim().trim_end_matches(',').trim().trim_matches('"');
            name.trim().eq_ignore_ascii_case("rel") && value.split(' ').any(|rel| rel.eq_ignore_ascii_case("next"))
        });
        if is_next {
            return Some(url);
        }
        rest = tail;
    }
    None
}

/// A list that is read page by page: which one, and which of its pages were seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Walk {
    /// The path's part behind the repository, which all pages of the list share.
    tail: String,
    slug: RepoSlug,
    seen: Vec<String>,
    /// Where the present page is.
    pub(super) url: String,
}

impl Walk {
    /// Begins at the first page, or goes on at the page that a token names.
    pub(super) fn new(address: &Address, slug: &RepoSlug, path: &str, token: Option<&str>) -> ForgeResult<Self> {
        let tail = path.split('?').next().unwrap_or_default().to_owned();
        let whole = format!("/repos/{slug}{path}");
        let mut walk = Self { tail, slug: slug.clone(), seen: Vec::new(), url: address.of(&whole) };
        if let Some(token) = token {
            let (seen, url) = token.split_once(' ').ok_or_else(|| walk.foreign())?;
            walk.seen = seen.split('.').map(str::to_owned).collect();
            walk.check(address, url)?;
            walk.url = url.to_owned();
        }
        Ok(walk)
    }

    fn foreign(&self) -> ForgeError {
        ForgeError::Invalid(format!("the page of {}{} is not one that this list gave", self.slug, self.tail))
    }

    /// Refuses an address that is no page of this list.
    fn check(&self, address: &Address, url: &str) -> ForgeResult<()> {
        let path = address.path_of(url).and_then(|path| path.split('?').next()).ok_or_else(|| self.foreign())?;
        let own = format!("/repos/{}{}", self.slug, self.tail);
        // GitHub's own next pages name the repository by number.
        let numbered = path.strip_prefix("/repositories/").and_then(|rest| rest.split_once('/'));
        let is_ours = unescape(path).eq_ignore_ascii_case(&unescape(&own))
            || numbered.is_some_and(|(id, tail)| {
                let is_number = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
                is_number && unescape(&format!("/{tail}")) == unescape(&self.tail)
            });
        if is_ours { Ok(()) } else { Err(self.foreign()) }
    }

    /// Returns the token of the next page, given the answer's `Link` header.
    pub(super) fn next(&self, address: &Address, link: Option<&str>) -> ForgeResult<Option<String>> {
        let Some(url) = link.and_then(next_link) else { return Ok(None) };
        let broken = |why: &str| Err(ForgeError::Transient(format!("the list {}{} {why}", self.slug, self.tail)));
        if self.check(address, url).is_err() {
            return broken("leads to another list or server");
        }
        let mut seen = self.seen.clone();
        seen.push(mark(&self.url));
        if seen.contains(&mark(url)) {
            return broken("leads back to a page that was read already");
        }
        if seen.len() >= MAX_PAGES {
            return broken("has more pages than anybody reads");
        }
        Ok(Some(format!("{} {url}", seen.join("."))))
    }
}

fn mark(url: &str) -> String {
    sha256_prefixed(&["page", url]).chars().rev().take(8).collect()
}

/// Writes one part of a path or query with percent signs.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            let _infallible = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Undoes [`escape`], to compare what two sides wrote; not to build an address with.
fn unescape(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let pair = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        let decoded = pair.filter(|_| *byte == b'%').and_then(|pair| u8::from_str_radix(pair, 16).ok());
        out.push(decoded.unwrap_or(*byte));
        at += if decoded.is_some() { 3 } else { 1 };
    }
    out
}

/// Writes a branch's name with percent signs, its slashes kept.
pub(super) fn escape_ref(name: &str) -> String {
    name.split('/').map(escape).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slug() -> RepoSlug {
        "owner/app".parse().expect("a slug")
    }

    fn address() -> Address {
        Address::new("https://api.github.com", None).expect("an address")
    }

    #[test]
    fn graphql_lies_beside_the_api_of_an_enterprise_server() {
        for (api, graphql) in [
            ("https://api.github.com", "https://api.github.com/graphql"),
            ("https://api.github.com/", "https://api.github.com/graphql"),
            ("https://ghe.example/api/v3", "https://ghe.example/api/graphql"),
            ("https://ghe.example/api/v3/", "https://ghe.example/api/graphql"),
            ("https://api.acme.ghe.com", "https://api.acme.ghe.com/graphql"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/graphql"),
        ] {
            assert_eq!(Address::new(api, None).expect("an address").graphql(), graphql);
        }
        let given = Address::new("https://ghe.example/api/v3", Some("https://ghe.example/gql")).expect("an address");
        assert_eq!(given.graphql(), "https://ghe.example/gql");
        assert!(Address::new("https://ghe.example/api/v3", Some("https://other.example/graphql")).is_err());
    }

    #[test]
    fn v_104_plain_http_is_for_loopback_and_users_are_refused() {
        for bad in ["http://169.254.169.254", "http://ghe.example", "ftp://x", "api.github.com", "https://u:p@x", ""] {
            assert!(Address::new(bad, None).is_err(), "{bad}");
        }
        for good in ["http://localhost:1", "http://[::1]:1/api", "http://127.0.0.1:9"] {
            assert!(Address::new(good, None).is_ok(), "{good}");
        }
        let enterprise = Address::new("https://ghe.example/api/v3", None).expect("an address");
        for (target, absolute) in [
            ("/repositories/7", "https://ghe.example/api/v3/repositories/7"),
            ("/api/v3/repositories/7", "https://ghe.example/api/v3/repositories/7"),
            ("//evil.example/x", "https://ghe.example/api/v3//evil.example/x"),
            ("https://evil.example/x", "https://evil.example/x"),
        ] {
            assert_eq!(enterprise.resolve(target), absolute);
        }
        assert!(!address().may_fetch("http://127.0.0.1/log"));
        assert!(address().may_fetch("https://store.example/log?sig=x"));
    }

    #[test]
    fn the_next_page_is_found_in_any_order_and_spelling() {
        let header = r#"<https://x/?page=1>; rel="prev", <https://x/?a=1,2&page=3>; rel="next", <https://x/?page=9>; rel="last""#;
        assert_eq!(next_link(header), Some("https://x/?a=1,2&page=3"));
        assert_eq!(next_link("<https://x/2>;rel=next"), Some("https://x/2"));
        assert_eq!(next_link(r#"<https://x/2>; title="a"; REL="Next last""#), Some("https://x/2"));
        for none in ["", "<", "<https://x", r#"<https://x>; rel="last""#, "rel=next"] {
            assert_eq!(next_link(none), None, "{none}");
        }
    }

    #[test]
    fn v_105_a_page_on_another_server_or_of_another_list_is_refused() {
        let first = Walk::new(&address(), &slug(), "/issues?per_page=100", None).expect("a walk");
        for bad in [
            "<https://evil.example/repos/owner/app/issues?page=2>; rel=next",
            "<https://api.github.com.evil.example/repos/owner/app/issues?page=2>; rel=next",
            "<https://api.github.com/repos/owner/other/issues?page=2>; rel=next",
            "<https://api.github.com/repos/owner/app/pulls?page=2>; rel=next",
            "<https://api.github.com/repositories/x/issues?page=2>; rel=next",
        ] {
            assert!(matches!(first.next(&address(), Some(bad)), Err(ForgeError::Transient(_))), "{bad}");
        }
        let next = "<https://api.github.com/repositories/7/issues?page=2>; rel=next";
        let token = first.next(&address(), Some(next)).expect("a page").expect("a next one");
        let second = Walk::new(&address(), &slug(), "/issues?per_page=100", Some(&token)).expect("a walk");
        assert_eq!(second.url, "https://api.github.com/repositories/7/issues?page=2");
        let other = Walk::new(&address(), &slug(), "/pulls?per_page=100", Some(&token));
        assert!(matches!(other, Err(ForgeError::Invalid(_))), "{other:?}");
        assert!(Walk::new(&address(), &slug(), "/issues", Some("nonsense")).is_err());
        assert_eq!(second.next(&address(), None), Ok(None));
        let refs = Walk::new(&address(), &slug(), "/git/matching-refs/heads/a/b%23", None).expect("a walk");
        let spelled = "<https://api.github.com/repositories/7/git/matching-refs/heads%2Fa%2Fb%23?page=2>; rel=next";
        assert!(matches!(refs.next(&address(), Some(spelled)), Ok(Some(_))));
    }

    #[test]
    fn f_06_a_list_that_leads_back_to_itself_is_noticed() {
        let page = |n: u32| format!("<https://api.github.com/repositories/7/issues?page={n}>; rel=next");
        let mut token = None;
        let mut ends = None;
        for n in [2, 3, 4, 2, 3] {
            let walk = Walk::new(&address(), &slug(), "/issues", token.as_deref()).expect("a walk");
            match walk.next(&address(), Some(&page(n))) {
                Ok(next) => token = next,
                Err(error) => {
                    ends = Some((n, error));
                    break;
                }
            }
        }
        assert!(matches!(ends, Some((2, ForgeError::Transient(_)))), "{ends:?}");
    }

    #[test]
    fn names_are_written_so_that_no_address_can_be_led_astray() {
        assert_eq!(escape("a b/c?d#e%"), "a%20b%2Fc%3Fd%23e%25");
        assert_eq!(escape_ref("feat/issue#12+x"), "feat/issue%2312%2Bx");
        assert_eq!(escape("github-actions[bot]"), "github-actions%5Bbot%5D");
    }
}
