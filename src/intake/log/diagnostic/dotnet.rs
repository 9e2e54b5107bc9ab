//! MSBuild's compilers: `file(line,column): error CS0103: … [project]`. Layer 1.

use std::collections::BTreeSet;

use super::{Diagnostic, Output, place};
use crate::model::Kind;

pub(super) fn read(output: &Output<'_>) -> Vec<Diagnostic> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for (at, row) in output.rows.iter().enumerate() {
        let text = row.line.text;
        let Some((before, rest)) = text.split_once(": error ") else { continue };
        let Some((code, message)) = rest.split_once(": ") else { continue };
        let letters = code.bytes().take_while(u8::is_ascii_uppercase).count();
        let is_code =
            (2..=6).contains(&letters) && code.len() > letters && code[letters..].bytes().all(|b| b.is_ascii_digit());
        if !is_code || code.starts_with("TS") {
            continue;
        }
        let message = message.rsplit_once(" [").filter(|(_, p)| p.ends_with("proj]")).map_or(message, |(m, _)| m);
        let kind = if code.starts_with("NU") { Kind::Dependency } else { Kind::Build };
        let one = Diagnostic::at(at, "dotnet", kind, message).with_code(Some(code));
        let placed = format!("{before}:");
        let one = match place::brackets(&placed) {
            Some(place) => one.in_file(place.file, Some(place.line), place.column),
            None if before.ends_with("proj") => one.in_file(before, None, None),
            None => continue,
        };
        // The summary at the end repeats every error.
        if seen.insert((one.file.clone(), one.line, one.column, one.code.clone())) {
            found.push(one);
        }
    }
    found
}
