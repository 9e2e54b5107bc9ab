//! What an answer means: one table from (operation, status, headers, message) to the port's errors. Layer 3.
//!
//! Pure. The rows stand in `docs/github.md` in the same order. Refuses to guess that a write happened or did not: where
//! the answer does not say so, it is ambiguous, and the caller reads (PROTOCOL.md, 7).

use http::HeaderMap;
use serde::Deserialize;

use crate::forge::ForgeError;

/// How an operation may be repeated, which decides what an unclear answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    /// Changes nothing.
    Read,
    /// Twice is as good as once.
    Idempotent,
    /// Twice would be one too many.
    Create,
}

impl Operation {
    /// Names an answer that never came whole.
    pub(super) fn unclear(self, why: String) -> ForgeError {
        match self {
            Self::Read => ForgeError::Transient(why),
            Self::Idempotent | Self::Create => ForgeError::Ambiguous(why),
        }
    }
}

/// What an answer asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It is what was asked for.
    Good,
    /// Nothing was done; come back later (`governor` says when).
    Limited(Limit),
    /// The token is not accepted (any more).
    Unauthorised(String),
    /// The thing lies elsewhere; the caller decides whether to follow.
    Moved,
    /// An error of the port.
    Bad(ForgeError),
}

/// Which limit an answer speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    /// The hour's requests are used up.
    Primary,
    /// Too much at once.
    Secondary,
}

/// What of an answer decides.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a> {
    pub(super) operation: Operation,
    /// What was tried, in words ("reading issue 7 of owner/app").
    pub(super) what: &'a str,
    pub(super) status: u16,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
}

/// GitHub's own words about an error.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Said {
    message: String,
    #[serde(deserialize_with = "lenient")]
    errors: Vec<Detail>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Detail {
    resource: String,
    field: String,
    code: String,
    message: String,
}

/// Details come as objects, as bare texts, as one text, or not at all.
fn lenient<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Detail>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    let one = |value: serde_json::Value| match value {
        serde_json::Value::String(message) => Detail { message, ..Detail::default() },
        other => serde_json::from_value(other).unwrap_or_default(),
    };
    Ok(match value {
        serde_json::Value::Array(items) => items.into_iter().map(one).collect(),
        serde_json::Value::Null => Vec::new(),
        other => vec![one(other)],
    })
}

impl Said {
    fn read(body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }

    /// Returns everything that was said, in one line.
    fn all(&self) -> String {
        let details = self.errors.iter().map(|detail| {
            let words = [&detail.resource, &detail.field, &detail.code, &detail.message];
            words.into_iter().filter(|word| !word.is_empty()).cloned().collect::<Vec<_>>().join(" ")
        });
        let parts: Vec<String> =
            std::iter::once(self.message.clone()).chain(details).filter(|part| !part.is_empty()).collect();
        brief(&parts.join(": "))
    }

    fn has(&self, words: &[&str]) -> bool {
        let all = self.all().to_ascii_lowercase();
        words.iter().any(|word| all.contains(word))
    }

    fn has_code(&self, code: &str) -> bool {
        self.errors.iter().any(|detail| detail.code == code)
    }
}

/// Cuts text from outside to one short line.
pub(super) fn brief(text: &str) -> String {
    let line: String = crate::redact::strip_controls(text).split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(300).collect()
}

/// Returns a header's text, if it is text.
pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

const LIMITED: &[&str] = &[
    "secondary rate limit",
    "api rate limit exceeded",
    "abuse detection",
    "submitted too quickly",
    "exceeded a rate limit",
];
const FORBIDDEN: &[&str] = &["not accessible by", "not permitted to", "must have", "saml enforcement", "suspended"];
const GUARDED: &[&str] = &["rule violations", "protected branch", "protected ref", "through a pull request"];
const TAKEN: &[&str] = &["already exists", "already_exists", "not a fast forward", "not a fast-forward"];

/// Says what an answer means.
pub(super) fn meaning(facts: &Facts<'_>) -> Meaning {
    let Facts { operation, what, status, .. } = *facts;
    if (200..300).contains(&status) || status == 304 {
        return Meaning::Good;
    }
    let said = Said::read(facts.body);
    let told = match said.all() {
        words if words.is_empty() => format!("{what}: HTTP {status}"),
        words => format!("{what}: {words} (HTTP {status})"),
    };
    match status {
        301 | 302 | 303 | 307 | 308 => Meaning::Moved,
        401 => Meaning::Unauthorised(told),
        403 | 429 => match limit(facts, &said) {
            Some(limit) => Meaning::Limited(limit),
            None => Meaning::Bad(ForgeError::Denied(with_hint(facts, told))),
        },
        404 | 410 => Meaning::Bad(ForgeError::NotFound(told)),
        // A repository without a commit has no refs and no objects; reading them finds nothing.
        409 if operation == Operation::Read => Meaning::Bad(ForgeError::NotFound(told)),
        405 | 409 | 422 if said.has(GUARDED) => Meaning::Bad(ForgeError::Denied(told)),
        409 => Meaning::Bad(ForgeError::Conflict(told)),
        422 if said.has(LIMITED) => Meaning::Limited(Limit::Secondary),
        422 if said.has(TAKEN) || said.has_code("already_exists") => Meaning::Bad(ForgeError::Conflict(told)),
        422 if said.has(&["reference does not exist"]) => Meaning::Bad(ForgeError::NotFound(told)),
        422 if operation == Operation::Read => Meaning::Bad(ForgeError::NotFound(told)),
        451 => Meaning::Bad(ForgeError::Denied(told)),
        408 | 500..=599 => Meaning::Bad(operation.unclear(told)),
        400..=499 => Meaning::Bad(ForgeError::Invalid(told)),
        _ => Meaning::Bad(operation.unclear(told)),
    }
}

/// Tells a limit from a refusal: 429 is always one, 403 has three meanings.
fn limit(facts: &Facts<'_>, said: &Said) -> Option<Limit> {
    let header = |name: &str| header(facts.headers, name);
    if facts.status == 403 && said.has(FORBIDDEN) && !said.has(LIMITED) {
        // The last request of the hour may still be refused for another reason.
        return None;
    }
    if header("x-ratelimit-remaining") == Some("0") && header("retry-after").is_none() {
        return Some(Limit::Primary);
    }
    let limited = facts.status == 429 || header("retry-after").is_some() || said.has(LIMITED);
    limited.then_some(Limit::Secondary)
}

/// Adds what the server says would have been needed.
fn with_hint(facts: &Facts<'_>, told: String) -> String {
    if let Some(needed) = header(facts.headers, "x-accepted-github-permissions") {
        return format!("{told}; the token needs {}", brief(needed));
    }
    if header(facts.headers, "x-github-sso").is_some() {
        return format!("{told}; the token has to be authorised for the organisation's single sign-on");
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use Operation::{Create, Idempotent, Read};

    fn judge(operation: Operation, status: u16, headers: &[(&str, &str)], body: &str) -> Meaning {
        let headers = headers.iter().map(|(name, value)| {
            (http::HeaderName::from_bytes(name.as_bytes()).expect("a name"), value.parse().expect("a value"))
        });
        meaning(&Facts { operation, what: "a test", status, headers: &headers.collect(), body: body.as_bytes() })
    }

    fn kind(meaning: &Meaning) -> &'static str {
        match meaning {
            Meaning::Good => "good",
            Meaning::Limited(Limit::Primary) => "primary",
            Meaning::Limited(Limit::Secondary) => "secondary",
            Meaning::Unauthorised(_) => "unauthorised",
            Meaning::Moved => "moved",
            Meaning::Bad(ForgeError::NotFound(_)) => "not-found",
            Meaning::Bad(ForgeError::Conflict(_)) => "conflict",
            Meaning::Bad(ForgeError::Invalid(_)) => "invalid",
            Meaning::Bad(ForgeError::Denied(_)) => "denied",
            Meaning::Bad(ForgeError::RateLimited { .. }) => "rate-limited",
            Meaning::Bad(ForgeError::Transient(_)) => "transient",
            Meaning::Bad(ForgeError::Ambiguous(_)) => "ambiguous",
        }
    }

    macro_rules! rows {
        ($(fn $name:ident($operation:expr, $status:expr, $headers:expr, $body:expr) => $kind:expr;)*) => {
            $(#[test]
            fn $name() {
                let meaning = judge($operation, $status, $headers, $body);
                assert_eq!(kind(&meaning), $kind, "{meaning:?}");
            })*
        };
    }

    rows! {
        fn success_is_good(Create, 201, &[], "{}") => "good";
        fn a_copy_that_is_still_fresh_is_good(Read, 304, &[], "") => "good";
        fn f_02_a_bad_token_is_unauthorised(Read, 401, &[], r#"{"message":"Bad credentials"}"#) => "unauthorised";
        fn f_03_a_missing_permission_is_denied(Read, 403, &[],
            r#"{"message":"Resource not accessible by integration"}"#) => "denied";
        fn f_03_a_missing_permission_is_denied_with_the_last_request_of_the_hour(Create, 403,
            &[("x-ratelimit-remaining", "0")], r#"{"message":"Resource not accessible by personal access token"}"#) => "denied";
        fn f_04_a_server_error_on_a_read_is_transient(Read, 500, &[], "") => "transient";
        fn f_09_a_403_with_retry_after_is_a_limit(Read, 403, &[("retry-after", "7")], "") => "secondary";
        fn f_10_a_403_with_nothing_remaining_is_the_primary_limit(Read, 403,
            &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1")], r#"{"message":"API rate limit exceeded"}"#) => "primary";
        fn f_11_a_429_without_headers_is_a_limit(Create, 429, &[], "") => "secondary";
        fn f_12_a_403_without_limit_headers_is_denied(Read, 403, &[], r#"{"message":"Forbidden"}"#) => "denied";
        fn a_403_with_requests_left_is_denied(Read, 403, &[("x-ratelimit-remaining", "12")], "") => "denied";
        fn f_44_a_403_that_speaks_of_a_secondary_limit_is_one(Create, 403, &[("x-ratelimit-remaining", "4999")],
            r#"{"message":"You have exceeded a secondary rate limit"}"#) => "secondary";
        fn f_15_a_404_is_not_found(Read, 404, &[], r#"{"message":"Not Found"}"#) => "not-found";
        fn f_16_a_410_is_not_found(Read, 410, &[], r#"{"message":"Issues are disabled for this repo"}"#) => "not-found";
        fn f_16_a_301_is_moved(Read, 301, &[], "") => "moved";
        fn f_28_a_server_error_on_an_idempotent_write_is_ambiguous(Idempotent, 502, &[], "<html>") => "ambiguous";
        fn f_29_a_server_error_on_a_creation_is_ambiguous(Create, 500, &[], "") => "ambiguous";
        fn f_31_a_reference_that_exists_is_a_conflict(Create, 422, &[],
            r#"{"message":"Reference already exists"}"#) => "conflict";
        fn f_33_a_folder_in_the_way_is_invalid(Create, 422, &[],
            r#"{"message":"Reference cannot be created"}"#) => "invalid";
        fn f_34_a_rule_is_denied(Create, 422, &[],
            r#"{"message":"Repository rule violations found: Cannot create ref due to creations being restricted."}"#) => "denied";
        fn a_protected_branch_is_denied(Create, 409, &[], r#"{"message":"Protected branch update failed"}"#) => "denied";
        fn f_36_a_bad_gateway_on_a_creation_is_ambiguous(Create, 502, &[], "") => "ambiguous";
        fn f_39_a_pull_request_that_exists_is_a_conflict(Create, 422, &[],
            r#"{"message":"Validation Failed","errors":[{"resource":"PullRequest","code":"custom","message":"A pull request already exists for owner:x."}]}"#) => "conflict";
        fn a_label_that_exists_is_a_conflict(Create, 422, &[],
            r#"{"message":"Validation Failed","errors":[{"resource":"Label","code":"already_exists","field":"name"}]}"#) => "conflict";
        fn a_move_backwards_is_a_conflict(Idempotent, 422, &[], r#"{"message":"Update is not a fast forward"}"#) => "conflict";
        fn f_40_no_commits_between_is_invalid(Create, 422, &[],
            r#"{"message":"Validation Failed","errors":[{"resource":"PullRequest","code":"custom","message":"No commits between main and x"}]}"#) => "invalid";
        fn f_41_a_body_that_is_too_long_is_invalid(Create, 422, &[],
            r#"{"message":"Validation Failed","errors":[{"message":"body is too long"}]}"#) => "invalid";
        fn f_43_a_switch_that_forbids_pull_requests_is_denied(Create, 403, &[],
            r#"{"message":"GitHub Actions is not permitted to create or approve pull requests."}"#) => "denied";
        fn f_47_a_404_on_a_creation_is_not_found(Create, 404, &[], "") => "not-found";
        fn f_48_a_label_that_is_missing_is_invalid(Idempotent, 422, &[], r#"{"message":"Validation Failed"}"#) => "invalid";
        fn f_50_a_locked_issue_is_denied(Create, 403, &[],
            r#"{"message":"Unable to create comment because issue is locked."}"#) => "denied";
        fn too_fast_is_a_limit_also_as_422(Create, 422, &[],
            r#"{"message":"Validation Failed","errors":["was submitted too quickly"]}"#) => "secondary";
        fn a_branch_that_is_gone_is_not_found(Idempotent, 422, &[], r#"{"message":"Reference does not exist"}"#) => "not-found";
        fn an_object_that_is_missing_is_not_found_when_read(Read, 422, &[], r#"{"message":"No commit found"}"#) => "not-found";
        fn an_object_that_is_missing_is_invalid_when_written(Create, 422, &[], r#"{"message":"Object does not exist"}"#) => "invalid";
        fn an_empty_repository_has_nothing_to_read(Read, 409, &[], r#"{"message":"Git Repository is empty."}"#) => "not-found";
        fn another_conflict_is_a_conflict(Idempotent, 409, &[], "") => "conflict";
        fn what_the_law_forbids_is_denied(Read, 451, &[], "") => "denied";
        fn a_bad_request_is_invalid(Create, 400, &[], r#"{"message":"Problems parsing JSON"}"#) => "invalid";
        fn a_request_time_out_of_the_server_is_unclear(Create, 408, &[], "") => "ambiguous";
        fn a_status_that_nobody_knows_is_unclear(Create, 700, &[], "") => "ambiguous";
    }

    #[test]
    fn the_page_for_people_says_what_the_code_does() {
        let page = include_str!("../../../docs/github.md");
        let table = page.split_once("| status | with |").expect("a table").1;
        let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
        let mut seen = 0;
        for row in rows {
            let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
            let [status, with, read, write] = cells[..] else { panic!("{row}") };
            let (status, with) = (status.parse().expect("a status"), with.trim_matches('`'));
            let is_header = |(name, _): &(&str, &str)| matches!(*name, "retry-after" | "x-ratelimit-remaining");
            let header: Vec<(&str, &str)> = with.split_once(": ").into_iter().filter(is_header).collect();
            let body =
                if header.is_empty() { serde_json::json!({ "message": with }).to_string() } else { String::new() };
            for (operation, says) in [(Read, read), (Idempotent, write), (Create, write)] {
                assert_eq!(kind(&judge(operation, status, &header, &body)), says, "{operation:?}: {row}");
            }
            seen += 1;
        }
        assert!(seen > 30, "only {seen} rows were read");
    }

    #[test]
    fn f_42_a_head_that_the_server_does_not_see_yet_names_the_head() {
        let body =
            r#"{"message":"Validation Failed","errors":[{"resource":"PullRequest","field":"head","code":"invalid"}]}"#;
        let Meaning::Bad(ForgeError::Invalid(why)) = judge(Create, 422, &[], body) else { panic!("not invalid") };
        assert!(why.contains("PullRequest head invalid"), "{why}");
    }

    #[test]
    fn f_03_the_missing_permission_is_named() {
        let headers = [("x-accepted-github-permissions", "pull_requests=write")];
        let body = r#"{"message":"Resource not accessible by integration"}"#;
        let Meaning::Bad(ForgeError::Denied(why)) = judge(Create, 403, &headers, body) else { panic!("not denied") };
        assert!(why.ends_with("the token needs pull_requests=write"), "{why}");
    }

    #[test]
    fn a_lost_answer_is_transient_for_reads_and_ambiguous_for_writes() {
        assert_eq!(kind(&Meaning::Bad(Read.unclear(String::new()))), "transient");
        assert_eq!(kind(&Meaning::Bad(Idempotent.unclear(String::new()))), "ambiguous");
        assert_eq!(kind(&Meaning::Bad(Create.unclear(String::new()))), "ambiguous");
    }

    #[test]
    fn hostile_words_become_one_short_line() {
        let long = "x".repeat(10_000);
        let body = format!(r#"{{"message":"a\u001b[31m\nb{long}","errors":{{"message":"c"}}}}"#);
        let Meaning::Bad(error) = judge(Read, 404, &[], &body) else { panic!("no error") };
        let text = error.to_string();
        assert!(text.len() < 400 && !text.contains('\u{1b}') && !text.contains('\n'), "{text}");
        for odd in ["[]", "null", "7", "{\"errors\":7}", "<html>", "{\"message\":{}}"] {
            assert_eq!(kind(&judge(Read, 404, &[], odd)), "not-found", "{odd}");
        }
    }
}
