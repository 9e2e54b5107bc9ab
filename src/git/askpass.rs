//! Hands git a token when it asks for one, through this very program as its `GIT_ASKPASS`. Layer 3.
//!
//! The token stands in the environment of that one git process and nowhere else: not on disk, not in an argument list, not
//! in a configuration. It is given for exactly one host, whatever git was redirected to.

#![expect(clippy::disallowed_methods, reason = "this adapter reads the environment that it wrote itself")]

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use crate::git::Git;
use crate::model::Secret;

/// The host for which the token is meant; where it is set, this process is git's askpass.
const HOST: &str = "HOMEOSTAT_ASKPASS_HOST";
/// The token.
const TOKEN: &str = "HOMEOSTAT_ASKPASS_TOKEN";
/// The user name that GitHub wants beside a token.
const USER: &str = "x-access-token";

impl Git {
    /// Lets this program answer git's question for user name and password of one host (`github.com`, `127.0.0.1:8080`).
    #[must_use]
    pub fn answering(self, program: &Path, host: &str, token: &Secret) -> Self {
        self.with_env("GIT_ASKPASS", program.to_string_lossy()).with_env(HOST, host).with_env(TOKEN, token.expose())
    }
}

/// Answers git's question if this process was started as its askpass; returns nothing otherwise.
pub fn entry() -> Option<ExitCode> {
    let host = std::env::var(HOST).ok()?;
    let question = std::env::args().nth(1).unwrap_or_default();
    let token = std::env::var(TOKEN).unwrap_or_default();
    let Some(answer) = answer(&question, &host, &token) else { return Some(ExitCode::FAILURE) };
    let written = writeln!(std::io::stdout().lock(), "{answer}");
    Some(if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Returns the answer to a question like `Password for 'https://x-access-token@github.com': `.
fn answer<'a>(question: &str, host: &str, token: &'a str) -> Option<&'a str> {
    let address = question.split('\'').nth(1)?;
    let rest = address.split_once("://")?.1.split('/').next()?;
    let asked = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    if !asked.eq_ignore_ascii_case(host) {
        return None;
    }
    if question.starts_with("Username for ") {
        Some(USER)
    } else if question.starts_with("Password for ") && !token.is_empty() {
        Some(token)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v_105_a_token_is_given_for_its_own_host_alone() {
        let ask = |question: &str| answer(question, "github.com", "t0ken");
        assert_eq!(ask("Username for 'https://github.com': "), Some("x-access-token"));
        assert_eq!(ask("Password for 'https://x-access-token@github.com': "), Some("t0ken"));
        assert_eq!(ask("Password for 'https://x-access-token@GitHub.com/o/n.git': "), Some("t0ken"));
        for other in [
            "Password for 'https://x-access-token@evil.com': ",
            "Password for 'https://github.com@evil.com': ",
            "Password for 'https://github.com.evil.com': ",
            "Password for 'https://github.com:8443': ",
            "Passphrase for key: ",
            "",
        ] {
            assert_eq!(ask(other), None, "{other}");
        }
    }
}
