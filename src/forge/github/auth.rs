//! Who Homeostat is to GitHub: a token that was handed in, or an App that makes its own, one for each owner. Layer 3.
//!
//! A secret is a [`Secret`] from its first line and is exposed in one place, the header. Refuses to ask for more than the
//! run's repositories and the permissions that it needs, and to read the environment: faces do.

use std::collections::BTreeMap;
use std::time::Duration;

use octocrab::jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::Serialize;

use crate::model::{RepoSlug, Secret, Timestamp};

/// A token is made anew this long before it ends.
const EARLY: Duration = Duration::from_mins(5);
/// How many repositories one token can name.
const MOST_REPOSITORIES: usize = 500;

/// What sort of account a token speaks for; its prefix tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// An App's installation, `GITHUB_TOKEN` in Actions among them: GitHub signs its commits.
    Installation,
    /// A person or a machine account.
    Personal,
}

impl TokenKind {
    /// Tells the kind from the token's beginning. What nobody knows is taken for a person's: such commits are unsigned,
    /// never wrongly attributed.
    pub fn of(token: &Secret) -> Self {
        let token = token.expose().trim();
        if token.starts_with("ghs_") || token.starts_with("v1.") { Self::Installation } else { Self::Personal }
    }
}

/// What a token may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Only reading.
    Read,
    /// Branches, pull requests, labels and comments.
    Write,
}

/// How to authenticate.
#[derive(Clone)]
pub struct Credentials {
    kind: Kind,
    access: Access,
}

#[derive(Clone)]
enum Kind {
    Token(Secret),
    App { id: String, key: EncodingKey },
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match &self.kind {
            Kind::Token(_) => "token",
            Kind::App { .. } => "app",
        };
        f.debug_struct("Credentials").field("kind", &kind).field("access", &self.access).finish()
    }
}

impl Credentials {
    /// Uses a token as it is.
    pub fn token(token: Secret) -> Self {
        Self { kind: Kind::Token(token), access: Access::Write }
    }

    /// Uses an App: its id (or client id) and its private key in PEM.
    ///
    /// # Errors
    /// When the key is none; the sentence never holds any of it.
    pub fn app(id: &str, key: &Secret) -> Result<Self, String> {
        // Variables in CI lose their line breaks; `\n` is how people save them.
        let pem = key.expose().replace("\\n", "\n");
        let key = EncodingKey::from_rsa_pem(pem.trim().as_bytes())
            .map_err(|_| "HOMEOSTAT_APP_KEY is no RSA private key in PEM form".to_owned())?;
        Ok(Self { kind: Kind::App { id: id.trim().to_owned(), key }, access: Access::Write })
    }

    /// Narrows what an App's tokens may do to reading.
    #[must_use]
    pub fn read_only(self) -> Self {
        Self { access: Access::Read, ..self }
    }

    /// Returns the sort of account behind it.
    pub fn token_kind(&self) -> TokenKind {
        match &self.kind {
            Kind::Token(token) => TokenKind::of(token),
            Kind::App { .. } => TokenKind::Installation,
        }
    }

    /// Returns the token, where one was handed in.
    pub(super) fn fixed(&self) -> Option<&Secret> {
        match &self.kind {
            Kind::Token(token) => Some(token),
            Kind::App { .. } => None,
        }
    }

    /// Returns what an App shows to get tokens: good for nine minutes, begun one ago, by the server's time.
    pub(super) fn assertion(&self, now: Timestamp) -> Option<Result<Secret, String>> {
        #[derive(Serialize)]
        struct Claims<'a> {
            iat: i64,
            exp: i64,
            iss: &'a str,
        }
        let Kind::App { id, key } = &self.kind else { return None };
        let seconds = now.as_millis() / 1_000;
        let claims = Claims { iat: seconds - 60, exp: seconds + 9 * 60, iss: id };
        let signed = encode(&Header::new(Algorithm::RS256), &claims, key);
        Some(signed.map(Secret::new).map_err(|_| "the App's key cannot sign".to_owned()))
    }

    /// Returns what to ask a token for: the owner's repositories, and permissions with or without those that only some
    /// sources of reports need.
    pub(super) fn wish(&self, repositories: &[RepoSlug], whole: bool) -> serde_json::Value {
        let write = match self.access {
            Access::Read => "read",
            Access::Write => "write",
        };
        let mut permissions =
            BTreeMap::from([("metadata", "read"), ("contents", write), ("issues", write), ("pull_requests", write)]);
        if whole {
            permissions.extend([("actions", "read"), ("checks", "read"), ("statuses", "read")]);
        }
        let mut wish = serde_json::json!({ "permissions": permissions });
        if repositories.len() <= MOST_REPOSITORIES {
            let names: Vec<&str> = repositories.iter().map(RepoSlug::name).collect();
            wish["repositories"] = serde_json::json!(names);
        }
        wish
    }
}

/// A token that an App made.
#[derive(Debug, Clone)]
pub(super) struct Minted {
    pub(super) token: Secret,
    pub(super) ends: Timestamp,
}

impl Minted {
    /// Returns whether it is good for a while yet, by the server's clock.
    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        self.ends > now.after(EARLY)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A key made for these tests, without the lines around it that scanners look for.
    pub(crate) fn test_key() -> Secret {
        let name = "PRIVATE KEY";
        Secret::new(format!("-----BEGIN {name}-----\n{}\n-----END {name}-----\n", include_str!("test_key.txt").trim()))
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn the_prefix_tells_whose_token_it_is() {
        for (token, kind) in [
            ("ghs_x", TokenKind::Installation),
            ("v1.0123", TokenKind::Installation),
            ("ghp_x", TokenKind::Personal),
            ("github_pat_x", TokenKind::Personal),
            ("gho_x", TokenKind::Personal),
            ("ghu_x", TokenKind::Personal),
            ("0123456789abcdef", TokenKind::Personal),
        ] {
            assert_eq!(TokenKind::of(&Secret::new(token)), kind, "{token}");
        }
    }

    #[test]
    fn nothing_of_a_credential_is_printed() {
        let token = Credentials::token(Secret::new("ghp_hunter2"));
        let app = Credentials::app("12", &test_key()).expect("an app");
        let shown = format!("{token:?} {app:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("MII"), "{shown}");
        let error = Credentials::app("12", &Secret::new("not a key: hunter2")).expect_err("no key");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn an_app_shows_who_it_is_by_the_servers_time() {
        use base64::Engine as _;
        let app = Credentials::app(" 12 ", &test_key()).expect("an app");
        let jwt = app.assertion(at("2026-11-23T12:00:00Z")).expect("an app").expect("a signature");
        let claims = jwt.expose().split('.').nth(1).expect("three parts");
        let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).expect("base64");
        let claims: serde_json::Value = serde_json::from_slice(&claims).expect("JSON");
        let now = at("2026-11-23T12:00:00Z").as_millis() / 1_000;
        assert_eq!(claims, serde_json::json!({ "iat": now - 60, "exp": now + 540, "iss": "12" }));
        assert!(Credentials::token(Secret::new("ghp_x")).assertion(at("2026-11-23T12:00:00Z")).is_none());
    }

    #[test]
    fn a_key_whose_line_breaks_were_saved_as_text_is_read() {
        let flat = Secret::new(test_key().expose().replace('\n', "\\n"));
        assert!(Credentials::app("12", &flat).is_ok());
    }

    #[test]
    fn a_token_is_asked_for_the_runs_repositories_and_no_more_than_needed() {
        let app = Credentials::app("12", &test_key()).expect("an app");
        let slugs: Vec<RepoSlug> = ["o/a", "o/b"].iter().map(|text| text.parse().expect("a slug")).collect();
        let wish = app.wish(&slugs, true);
        assert_eq!(wish["repositories"], serde_json::json!(["a", "b"]));
        assert_eq!(wish["permissions"]["contents"], "write");
        assert_eq!(wish["permissions"]["actions"], "read");
        assert_eq!(wish["permissions"].get("workflows"), None);
        let narrow = app.read_only().wish(&slugs, false);
        let read =
            serde_json::json!({ "metadata": "read", "contents": "read", "issues": "read", "pull_requests": "read" });
        assert_eq!(narrow["permissions"], read);
    }

    #[test]
    fn a_token_is_renewed_five_minutes_before_it_ends() {
        let minted = Minted { token: Secret::new("ghs_x"), ends: at("2026-11-23T13:00:00Z") };
        assert!(minted.is_fresh(at("2026-11-23T12:54:59Z")));
        assert!(!minted.is_fresh(at("2026-11-23T12:55:00Z")));
        assert!(!minted.is_fresh(at("2026-11-23T14:00:00Z")));
    }
}
