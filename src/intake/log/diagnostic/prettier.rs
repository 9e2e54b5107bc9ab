//! `prettier --check`: `[warn] FILE`, closed by its sentence about style; `[error] FILE: SyntaxError: …`. Layer 1.

use super::{Diagnostic, Output, place};
use crate::model::Kind;

pub(super) fn read(output: &Output<'_>) -> Vec<Diagnostic> {
    let closes = |raw: &str| {
        raw.contains("Code style issues") && raw.contains("Prettier") || raw.contains("Forgot to run Prettier?")
    };
    let mut found = Vec::new();
    let mut open: Vec<Diagnostic> = Vec::new();
    let mut checking = output.ran("prettier");
    for (at, row) in output.rows.iter().enumerate() {
        if row.raw == "Checking formatting..." {
            checking = true;
        } else if closes(row.raw) {
            checking = true;
            found.append(&mut open);
        } else if let Some(file) = row.raw.strip_prefix("[warn] ").filter(|file| place::is_file(file)) {
            open.push(Diagnostic::at(at, "prettier", Kind::Format, "not formatted").in_file(file, None, None));
        } else if let Some((file, message)) =
            row.raw.strip_prefix("[error] ").and_then(|r| r.split_once(": SyntaxError: "))
        {
            let (line, column) = message
                .strip_suffix(')')
                .and_then(|inner| inner.rsplit_once(" (")?.1.split_once(':'))
                .map_or((None, None), |(l, c)| (l.parse().ok(), c.parse().ok()));
            let message = message.rsplit_once(" (").map_or(message, |(message, _)| message);
            let one = Diagnostic::at(at, "prettier", Kind::Build, message).with_code(Some("SyntaxError"));
            found.push(one.in_file(file, line, column));
        }
    }
    if checking && found.is_empty() {
        found.append(&mut open);
    }
    found
}
