//! Personal data in free text: addresses of people and machines, card and account numbers, names in paths. Layer 1.
//!
//! Refuses to take what only looks similar where a frame or a version would be lost.

use memchr::{memchr_iter, memmem};

use crate::redact::finding::{Finding, Label, begins_word};

/// Finds personal data of every kind.
pub(crate) fn find(text: &str, found: &mut Vec<Finding>) {
    emails(text, found);
    home_paths(text, found);
    network_addresses_v4(text, found);
    network_addresses_v6(text, found);
    ibans(text, found);
    crate::redact::number::find(text, found);
}

/// Endings that are files and no domains: `icon@2x.png`.
const FILES: [&str; 17] = [
    "png", "jpg", "jpeg", "gif", "svg", "webp", "js", "mjs", "cjs", "ts", "tsx", "jsx", "json", "lock", "tgz", "css",
    "map",
];

fn emails(text: &str, found: &mut Vec<Finding>) {
    let mut after_last = 0;
    for at in memchr_iter(b'@', text.as_bytes()) {
        let local = |c: char| {
            c.is_alphanumeric() || matches!(c, '.' | '_' | '+' | '-' | '\'' | '=' | '~' | '!' | '#' | '*' | '^')
        };
        let mut start = at;
        for (i, c) in text[after_last..at].char_indices().rev().take(64) {
            if !local(c) {
                break;
            }
            start = after_last + i;
        }
        let name = text[start..at].trim_start_matches(|c: char| !c.is_alphanumeric() && c != '_');
        start = at - name.len();
        let domain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-');
        let length = text[at + 1..]
            .char_indices()
            .take(255)
            .find(|(_, c)| !domain(*c))
            .map_or_else(|| text[at + 1..].char_indices().nth(255).map_or(text.len() - at - 1, |(i, _)| i), |(i, _)| i);
        let host = text[at + 1..at + 1 + length].trim_end_matches(['.', '-']);
        if !name.is_empty() && name != "git" && is_domain(host) {
            let end = at + 1 + host.len();
            found.push(Finding::new("email", Label::Email, start, end));
            after_last = end;
        } else {
            after_last = at + 1;
        }
    }
}

fn is_domain(host: &str) -> bool {
    let labels: Vec<&str> = host.split('.').collect();
    let [first, second, ..] = labels.as_slice() else { return false };
    let numeric = |label: &str| label.bytes().all(|b| b.is_ascii_digit());
    let Some(last) = labels.last() else { return false };
    labels.iter().all(|label| !label.is_empty() && label.len() <= 63)
        && (last.chars().count() >= 2 && last.chars().all(char::is_alphabetic) || last.starts_with("xn--"))
        // `pkg@1.2.3-rc.beta` is a version.
        && !(numeric(first) && (numeric(second) || second.starts_with(|c: char| c.is_ascii_digit())))
        && !FILES.contains(&last.to_ascii_lowercase().as_str())
}

/// Accounts of machines, which say nothing about a person and which frames are matched by.
const MACHINES: [&str; 17] = [
    "runner",
    "runneradmin",
    "root",
    "shared",
    "public",
    "default",
    "node",
    "circleci",
    "travis",
    "vscode",
    "app",
    "build",
    "ubuntu",
    "vsts",
    "jenkins",
    "gitpod",
    "codespace",
];

fn home_paths(text: &str, found: &mut Vec<Finding>) {
    for folder in ["/home/", "/Users/", "\\Users\\", "\\\\Users\\\\", ":/Users/", "/users/"] {
        let mut after_last = 0;
        for at in memmem::find_iter(text.as_bytes(), folder.as_bytes()) {
            let start = at + folder.len();
            if start < after_last || !is_root(text, at, folder) {
                continue;
            }
            let name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '@');
            let length = text[start..].char_indices().take(64).find(|(_, c)| !name(*c)).map_or_else(
                || text[start..].char_indices().nth(64).map_or(text.len() - start, |(i, _)| i),
                |(i, _)| i,
            );
            let user = text[start..start + length].trim_end_matches('.');
            if !user.is_empty() && !MACHINES.contains(&user.to_lowercase().as_str()) {
                found.push(Finding::new("home-path", Label::User, start, start + user.len()));
                after_last = start + user.len();
            }
        }
    }
}

/// Returns whether a folder of homes stands at the root: `src/home/x` and `https://host/home/x` do not.
fn is_root(text: &str, at: usize, folder: &str) -> bool {
    let before = &text[..at];
    let drive = |text: &str| text.ends_with(|c: char| c.is_ascii_alphabetic());
    if folder == "/users/" {
        // In lower case only after a drive: the path `/users/7` of a web server is everywhere.
        return before.strip_suffix(':').is_some_and(drive);
    }
    if folder.starts_with(['\\', ':']) {
        return drive(before.trim_end_matches(':'));
    }
    if before.ends_with("://") || before.ends_with("/mnt/c") || before.ends_with("/c") && !before.ends_with("//c") {
        return true;
    }
    before
        .chars()
        .next_back()
        .is_none_or(|c| !(c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '}' | ']' | '~' | '@' | '$')))
        || begins_word(text, at) && before.ends_with(|c: char| c.is_ascii_alphabetic())
}

fn network_addresses_v4(text: &str, found: &mut Vec<Finding>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(start) = bytes[at..].iter().position(u8::is_ascii_digit).map(|n| at + n) {
        let run = bytes[start..].iter().take_while(|b| b.is_ascii_digit() || **b == b'.').count();
        at = start + run;
        if run > 64 {
            continue;
        }
        let address = text[start..at].trim_end_matches('.');
        let end = start + address.len();
        let before = start.checked_sub(1).map(|i| bytes[i]);
        let joined = before.is_some_and(|b| matches!(b, b'.' | b'-' | b'_' | b'+')) || !begins_word(text, start);
        let after = &bytes[end..];
        let continues = match after.first() {
            Some(b'-' | b'+' | b'.') => after.get(1).is_some_and(u8::is_ascii_alphanumeric),
            Some(b'_') => true,
            Some(b) => b.is_ascii_alphabetic(),
            None => false,
        };
        if joined || continues {
            continue;
        }
        if let Ok(parsed) = address.parse::<core::net::Ipv4Addr>()
            && !(parsed.is_loopback() || parsed.is_unspecified() || parsed.is_broadcast())
        {
            found.push(Finding::new("ip-address", Label::Ip, start, end));
        }
    }
}

fn network_addresses_v6(text: &str, found: &mut Vec<Finding>) {
    let bytes = text.as_bytes();
    let inside = |b: &u8| b.is_ascii_hexdigit() || matches!(b, b':' | b'.');
    let mut at = 0;
    while let Some(colons) = memchr::memchr(b':', &bytes[at..]).map(|n| at + n) {
        let back = bytes[at..colons].iter().rev().take(4).take_while(|b| b.is_ascii_hexdigit()).count();
        let start = colons - back;
        let run = bytes[start..].iter().take_while(|b| inside(b)).count();
        at = (start + run).max(colons + 1);
        if !(3..=45).contains(&run) || (start > 0 && (bytes[start - 1] == b':' || !begins_word(text, start))) {
            continue;
        }
        // What follows, a full stop or a line number, is not part of it.
        let mut address = text[start..start + run].trim_end_matches('.');
        if address.ends_with(':') && !address.ends_with("::") {
            address = &address[..address.len() - 1];
        }
        let mut end = start + address.len();
        if bytes.get(end).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_') {
            continue;
        }
        let Ok(parsed) = address.parse::<core::net::Ipv6Addr>() else { continue };
        if parsed.is_loopback() || parsed.is_unspecified() || !is_assigned(&parsed) {
            continue;
        }
        if bytes.get(end) == Some(&b'%') {
            let zone = bytes[end + 1..].iter().take(16).take_while(|b| b.is_ascii_alphanumeric()).count();
            end += if zone > 0 { zone + 1 } else { 0 };
        }
        found.push(Finding::new("ip-address", Label::Ip, start, end));
    }
}

/// Returns whether an address lies in a range in use: `add::f32` is a path in a program.
fn is_assigned(address: &core::net::Ipv6Addr) -> bool {
    let first = address.segments()[0];
    (0x2000..0x4000).contains(&first)
        || first & 0xfe00 == 0xfc00
        || first & 0xffc0 == 0xfe80
        || first & 0xff00 == 0xff00
        || first == 0x64
        || address.to_ipv4_mapped().is_some_and(|v4| !v4.is_loopback() && !v4.is_unspecified())
}

/// The lengths of an account number in any country.
const IBAN_LENGTHS: std::ops::RangeInclusive<usize> = 15..=34;

fn ibans(text: &str, found: &mut Vec<Finding>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at + 15 <= bytes.len() {
        let head = &bytes[at..at + 4];
        let shaped = head[0].is_ascii_uppercase()
            && head[1].is_ascii_uppercase()
            && head[2].is_ascii_digit()
            && head[3].is_ascii_digit();
        if !shaped || !begins_word(text, at) {
            at += 1;
            continue;
        }
        at = match iban_end(&bytes[at..]) {
            Some(length) => {
                found.push(Finding::new("iban", Label::Iban, at, at + length));
                at + length
            }
            None => at + 4,
        };
    }
}

/// Returns how many bytes the longest account number with a right checksum has, spaces in groups of four allowed.
fn iban_end(bytes: &[u8]) -> Option<usize> {
    let mut compact: Vec<u8> = Vec::with_capacity(34);
    let mut best = None;
    for (i, b) in bytes.iter().enumerate().take(48) {
        match b {
            b'A'..=b'Z' | b'0'..=b'9' => compact.push(*b),
            b' ' if compact.len().is_multiple_of(4) && bytes[i - 1] != b' ' => continue,
            _ => break,
        }
        let whole = bytes.get(i + 1).is_none_or(|b| !b.is_ascii_alphanumeric());
        if whole && IBAN_LENGTHS.contains(&compact.len()) && iban_checks(&compact) {
            best = Some(i + 1);
        }
        if compact.len() == *IBAN_LENGTHS.end() {
            break;
        }
    }
    best
}

fn iban_checks(compact: &[u8]) -> bool {
    let digits = compact[4..].iter().chain(&compact[..4]);
    let remainder = digits.fold(0_u32, |remainder, b| match b {
        b'0'..=b'9' => (remainder * 10 + u32::from(b - b'0')) % 97,
        _ => (remainder * 100 + u32::from(b - b'A') + 10) % 97,
    });
    remainder == 1
}
