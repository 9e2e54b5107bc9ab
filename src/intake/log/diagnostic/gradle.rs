//! Gradle itself: what went wrong, where no other tool says it better. Layer 1.

use super::{Diagnostic, Output};
use crate::model::Kind;

pub(super) fn read(output: &Output<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (at, row) in output.rows.iter().enumerate() {
        if row.line.text != "* What went wrong:" {
            continue;
        }
        let below = &output.rows[at + 1..(at + 12).min(output.rows.len())];
        let end = below.iter().position(|row| row.line.is_blank() || row.raw.starts_with("* ")).unwrap_or(below.len());
        let texts: Vec<&str> = below[..end].iter().map(|row| row.line.text).collect();
        let Some(first) = texts.first() else { continue };
        let message = texts.get(1).map_or((*first).to_owned(), |second| format!("{first} {second}"));
        let vague =
            ["There were failing tests", "Compilation failed", "Compilation error", "finished with non-zero exit"]
                .iter()
                .any(|words| message.contains(words));
        let dependency =
            texts.iter().any(|text| text.contains("Could not resolve") || text.contains("Could not find "));
        let kind = if dependency { Kind::Dependency } else { Kind::Build };
        let mut one = Diagnostic::at(at, "gradle", kind, &message);
        one.rows.end = at + 1 + end;
        found.push(if vague { one.vaguely() } else { one });
    }
    found
}
