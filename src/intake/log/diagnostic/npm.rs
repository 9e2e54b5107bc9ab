//! npm, yarn and pnpm: what they could not install; what they say about scripts that failed is a last resort. Layer 1.

use super::{Diagnostic, Output};
use crate::intake::log::step::Row;
use crate::model::{Kind, Lane};

pub(super) fn read(output: &Output<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (at, row) in output.rows.iter().enumerate() {
        let raw = row.raw.trim_start();
        if let Some(code) = npm(raw).and_then(|rest| rest.strip_prefix("code ")) {
            found.push(of_npm(at, code.trim(), output.rows));
        } else if let Some(rest) = raw.strip_prefix("ERR_PNPM_") {
            let (code, message) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            let code = format!("ERR_PNPM_{code}");
            let script = message.contains("Command failed") || code.contains("RECURSIVE") || code.contains("LIFECYCLE");
            let one = Diagnostic::at(at, "pnpm", if script { Kind::Build } else { Kind::Dependency }, message.trim());
            found.push(if script { one.vaguely() } else { one }.with_code(Some(&code)));
        } else if let Some(message) = raw.strip_prefix("error ").filter(|_| row.line.indent == 0) {
            if message.contains("Command failed") {
                found.push(Diagnostic::at(at, "yarn", Kind::Build, message).vaguely());
            } else if ["Couldn't find ", "An unexpected error", "Your lockfile needs", "Found incompatible module"]
                .iter()
                .any(|lead| message.starts_with(lead))
            {
                found.push(Diagnostic::at(at, "yarn", Kind::Dependency, message));
            }
        }
    }
    found
}

/// `npm ERR! text`, since version 10 `npm error text`.
fn npm(raw: &str) -> Option<&str> {
    raw.strip_prefix("npm ERR! ").or_else(|| raw.strip_prefix("npm error ")).map(str::trim_start)
}

fn of_npm(at: usize, code: &str, rows: &[Row<'_>]) -> Diagnostic {
    // The sentence stands a few lines below the code; numbers and syscalls do not tell more.
    let below = rows[at + 1..].iter().take(12).filter_map(|row| npm(row.raw.trim_start()));
    let plain = |text: &&str| {
        !text.is_empty()
            && !["errno ", "syscall ", "code ", "path ", "signal ", "command "].iter().any(|w| text.starts_with(w))
    };
    let message = below.clone().find(plain).unwrap_or(code);
    let message = message.strip_prefix(code).map_or(message, str::trim_start);
    let (kind, lane, vague) = match code {
        "ELIFECYCLE" | "1" | "2" | "127" => (Kind::Build, Lane::Code, true),
        "EAI_AGAIN" | "ENOTFOUND" | "ECONNRESET" | "ECONNREFUSED" | "ETIMEDOUT" | "ESOCKETTIMEDOUT" | "E500"
        | "E502" | "E503" | "E504" | "E429" | "EINTEGRITY" => (Kind::Network, Lane::Infra, false),
        "ENOSPC" => (Kind::Disk, Lane::Infra, false),
        "EACCES" | "EPERM" | "E401" | "E403" | "ENEEDAUTH" => (Kind::Permission, Lane::Config, false),
        _ if code.parse::<u32>().is_ok() => (Kind::Build, Lane::Code, true),
        _ => (Kind::Dependency, Lane::Code, false),
    };
    let above = at.checked_sub(1).and_then(|above| npm(rows[above].raw.trim_start()));
    let message =
        if vague { above.or_else(|| Some(message).filter(|m| !m.is_empty())).unwrap_or(code) } else { message };
    let mut one = Diagnostic::at(at, "npm", kind, if message.is_empty() { code } else { message });
    one.rows.end = at + 1 + below.count().min(6);
    one.vague = vague;
    one.lane = lane;
    if vague { one } else { one.with_code(Some(code)) }
}
