//! Secrets that their own shape gives away: tokens of today's services, private keys. Layer 1.
//!
//! Refuses to guess by entropy. Formats are those that the services publish.

use std::sync::LazyLock;

use memchr::memmem;
use regex::Regex;

use crate::redact::finding::{Finding, begins_word, ends_word};

/// One format of token.
struct Format {
    rule: &'static str,
    /// What every token of the format has, which is looked for first.
    needle: &'static str,
    regex: Regex,
    /// Whether the needle is too common to be taken in the middle of a word.
    bounded: bool,
}

/// Rule, needle, whole shape, and whether it must begin a word; where a group is named, only that goes.
///
/// Every shape ends in an open repetition of one class, so that a longer token of tomorrow goes as a whole, and so that a
/// search never reads far beyond what it matches.
const FORMATS: &[(&str, &str, &str, bool)] = &[
    // `ghs_` has been a signed token with dots and dashes since 2025, hence its own row (R-13).
    ("github-token", "gh", r"gh[opur]_[0-9A-Za-z]{36,}", false),
    ("github-token", "ghs_", r"ghs_[0-9A-Za-z._-]{36,}", false),
    ("github-token", "github_pat_", r"github_pat_[0-9A-Za-z_]{36,}", false),
    ("gitlab-token", "gl", r"gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat|ffct|rtr)-[0-9A-Za-z_.=-]{20,}", true),
    ("aws-access-key", "A", r"(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}", false),
    ("gcp-api-key", "AIza", r"AIza[0-9A-Za-z_-]{35,}", false),
    ("gcp-oauth-token", "ya29.", r"ya29\.[0-9A-Za-z_-]{20,}", false),
    ("gcp-client-secret", "GOCSPX-", r"GOCSPX-[0-9A-Za-z_-]{20,}", false),
    ("azure-account-key", "Key=", r"(?:AccountKey|SharedAccessKey)=(?<value>[0-9A-Za-z+/]{40,}={0,2})", false),
    ("azure-sas", "sig=", r"[?&;\s]sig=(?<value>[0-9A-Za-z%+/=_-]{20,})", false),
    ("slack-token", "xox", r"xox[abcdeoprs]-[0-9A-Za-z.-]{10,}", false),
    ("slack-token", "xapp-", r"xapp-[0-9A-Za-z-]{10,}", false),
    (
        "slack-webhook",
        "hooks.slack",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/(?<value>[0-9A-Za-z/_-]{20,})",
        false,
    ),
    (
        "discord-webhook",
        "/webhooks/",
        r"discord(?:app)?\.com/api/webhooks/(?<value>[0-9]{10,}/[0-9A-Za-z_-]{20,})",
        false,
    ),
    ("stripe-key", "k_", r"[rs]k_(?:live|test)_[0-9A-Za-z]{16,}", false),
    ("stripe-webhook-secret", "whsec_", r"whsec_[0-9A-Za-z+/=]{24,}", false),
    ("npm-token", "npm_", r"npm_[0-9A-Za-z]{36,}", false),
    ("pypi-token", "pypi-", r"pypi-[0-9A-Za-z_-]{32,}", false),
    ("cargo-token", "cio", r"cio[0-9A-Za-z]{32,}", true),
    ("rubygems-token", "rubygems_", r"rubygems_[0-9a-f]{40,}", false),
    ("anthropic-key", "sk-ant-", r"sk-ant-[0-9A-Za-z_-]{16,}", false),
    ("openai-key", "sk-", r"sk-(?:proj|svcacct|service|admin|None|or-v1|lf)-[0-9A-Za-z_-]{16,}", true),
    ("openai-key", "sk-", r"sk-[0-9A-Za-z]{32,}", true),
    ("groq-key", "gsk_", r"gsk_[0-9A-Za-z]{32,}", false),
    ("xai-key", "xai-", r"xai-[0-9A-Za-z]{40,}", true),
    ("huggingface-token", "hf_", r"hf_[0-9A-Za-z]{30,}", true),
    ("replicate-token", "r8_", r"r8_[0-9A-Za-z]{32,}", true),
    ("digitalocean-token", "_v1_", r"do[opr]_v1_[0-9a-f]{64,}", false),
    ("sendgrid-key", "SG.", r"SG\.[0-9A-Za-z_-]{16,}\.[0-9A-Za-z_-]{16,}", true),
    ("twilio-key", "SK", r"SK[0-9a-f]{32}", true),
    ("shopify-token", "shp", r"shp(?:at|ca|pa|ss)_[0-9A-Fa-f]{32,}", false),
    ("telegram-token", ":AA", r"[0-9]{8,10}:AA[0-9A-Za-z_-]{32,}", true),
    ("docker-token", "dckr_", r"dckr_(?:pat|oat)_[0-9A-Za-z_-]{20,}", false),
    ("databricks-token", "dapi", r"dapi[0-9a-f]{32,}", true),
    ("vault-token", "hv", r"hv[bsr]\.[0-9A-Za-z_-]{24,}", true),
    ("age-key", "AGE-SECRET", r"AGE-SECRET-KEY-1[0-9A-Za-z]{50,}", false),
    ("linear-key", "lin_", r"lin_(?:api|oauth)_[0-9A-Za-z]{32,}", false),
    ("postman-key", "PMAK-", r"PMAK-[0-9a-f]{24,}-[0-9a-f]{34,}", false),
    ("new-relic-key", "NRAK-", r"NRAK-[0-9A-Z]{27,}", false),
    ("grafana-token", "gl", r"gl(?:sa|c)_[0-9A-Za-z_+/=]{32,}", true),
    ("doppler-token", "dp.", r"dp\.(?:pt|st|ct|sa|scim|audit)\.[0-9A-Za-z_.-]{40,}", true),
    ("jwt", "eyJ", r"eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_.-]*", false),
];

static TABLE: LazyLock<Vec<Format>> = LazyLock::new(|| {
    FORMATS
        .iter()
        .map(|&(rule, needle, shape, bounded)| Format {
            rule,
            needle,
            regex: Regex::new(shape).expect("internal error: a token format does not compile"),
            bounded,
        })
        .collect()
});

/// Finds every token and private key.
pub(crate) fn find(text: &str, found: &mut Vec<Finding>) {
    for format in TABLE.iter() {
        if memmem::find(text.as_bytes(), format.needle.as_bytes()).is_none() {
            continue;
        }
        for captures in format.regex.captures_iter(text) {
            let Some(whole) = captures.get(0) else { continue };
            if format.bounded && !begins_word(text, whole.start()) {
                continue;
            }
            // Sixteen capitals in the middle of longer ones are no key's end.
            if format.rule == "aws-access-key" && !ends_word(text, whole.end()) {
                continue;
            }
            let value = captures.name("value").unwrap_or(whole);
            // A full stop after a token is the sentence's.
            let end = value.start() + value.as_str().trim_end_matches('.').len();
            found.push(Finding::certain(format.rule, value.start(), end));
            if format.rule == "aws-access-key" {
                aws_secrets(text, value.start(), value.end(), found);
            }
        }
    }
    private_keys(text, found);
}

/// How far from its key id the secret half of an AWS key is looked for.
const NEAR: usize = 200;

/// Finds the forty characters that go with an access key: mixed in case, with digits, and no hash.
fn aws_secrets(text: &str, start: usize, end: usize, found: &mut Vec<Finding>) {
    let bytes = text.as_bytes();
    let (from, to) = (start.saturating_sub(NEAR), (end + NEAR).min(bytes.len()));
    let inside = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'+');
    let mut at = from;
    while at < to {
        let run = bytes[at..to].iter().take_while(|b| inside(**b)).count();
        let word = &bytes[at..at + run];
        let whole = (at == 0 || !inside(bytes[at - 1])) && bytes.get(at + run).is_none_or(|b| !inside(*b));
        if run == 40
            && whole
            && word.iter().any(u8::is_ascii_uppercase)
            && word.iter().any(u8::is_ascii_lowercase)
            && word.iter().any(u8::is_ascii_digit)
        {
            found.push(Finding::certain("aws-secret-key", at, at + run));
        }
        at += run.max(1);
    }
}

/// A private key without an end is taken to be this long at most.
const LONGEST_KEY: usize = 16 << 10;

static KEY_HEADER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new("-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
        .expect("internal error: the key header does not compile")
});

/// Finds PEM and PGP private keys, on one line or many, with an end or cut off (R-16).
fn private_keys(text: &str, found: &mut Vec<Finding>) {
    if memmem::find(text.as_bytes(), b"PRIVATE KEY").is_none() {
        return;
    }
    let mut at = 0;
    while let Some(header) = KEY_HEADER.find_at(text, at) {
        let mut limit = (header.start() + LONGEST_KEY).min(text.len());
        while !text.is_char_boundary(limit) {
            limit -= 1;
        }
        let body = &text[header.end()..limit];
        let end = memmem::find(body.as_bytes(), b"-----END ")
            .and_then(|end| body[end + 9..].find("-----").filter(|n| *n < 60).map(|n| end + 9 + n + 5))
            .map_or(limit, |end| header.end() + end);
        found.push(Finding::certain("private-key", header.start(), end));
        at = end;
    }
}
