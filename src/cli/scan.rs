//! `scan`: secrets in files, by the rules that redaction and the `secret` guardrail have. Layer 5.
//!
//! Refuses to show what it found: a line is printed with marks in place of every secret.

#![expect(clippy::disallowed_methods, reason = "files are what this command reads")]

use std::path::Path;

use ignore::WalkBuilder;

use crate::cli::args::{Global, ScanArgs};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::{Output, say};
use crate::cli::session;
use crate::redact::{self, Redactor, SecretPlace};
use crate::report::ExitClass;

/// The largest file that is scanned.
const FILE_CAP: u64 = 16 << 20;

/// Bytes at a file's beginning that tell text from anything else.
const LOOKED_AT: usize = 8 << 10;

/// Carries the command out.
pub(crate) fn scan(args: &ScanArgs, global: &Global, output: &Output) -> Outcome {
    let redactor = Redactor::new(&session::secrets(&session::environment()));
    let mut places = Vec::new();
    if args.path == "-" {
        places = redact::secret_places("-", &session::read_input("-", FILE_CAP)?, &redactor);
    } else {
        let path = Path::new(&args.path);
        let facts =
            std::fs::metadata(path).map_err(|e| Failure::config(format!("{} cannot be read: {e}.", path.display())))?;
        if facts.is_dir() {
            folder(path, &redactor, &mut places);
        } else {
            let bytes = session::read_capped(path, FILE_CAP)?;
            places = redact::secret_places(&args.path, &String::from_utf8_lossy(&bytes), &redactor);
        }
    }
    places.sort();
    output.document(global.format, &places, &in_text(&places))?;
    Ok(if places.is_empty() { ExitClass::Ok } else { ExitClass::Finding })
}

/// Scans what git would take of a folder: neither ignored files nor git's own, and no link is followed.
fn folder(root: &Path, redactor: &Redactor, places: &mut Vec<SecretPlace>) {
    let walk = WalkBuilder::new(root)
        .hidden(false)
        .git_global(false)
        .ignore(false)
        .require_git(false)
        .filter_entry(|entry| entry.file_name() != ".git")
        .build();
    let (mut scanned, mut binary) = (0_usize, 0_usize);
    for entry in walk {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                say(&format!("not scanned: {error}."));
                continue;
            }
        };
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let path = entry.path();
        if entry.metadata().is_ok_and(|meta| meta.len() > FILE_CAP) {
            say(&format!("not scanned: {} is larger than {} MiB.", path.display(), FILE_CAP >> 20));
            continue;
        }
        let bytes = match session::read_capped(path, FILE_CAP) {
            Ok(bytes) => bytes,
            Err(error) => {
                say(&format!("not scanned: {}", error.message));
                continue;
            }
        };
        if bytes[..bytes.len().min(LOOKED_AT)].contains(&0) {
            binary += 1;
            continue;
        }
        scanned += 1;
        let name = path.strip_prefix("./").unwrap_or(path).to_string_lossy().replace('\\', "/");
        places.extend(redact::secret_places(&name, &String::from_utf8_lossy(&bytes), redactor));
    }
    say(&format!("{scanned} file(s) scanned, {binary} binary file(s) not; ignored files are left out."));
}

fn in_text(places: &[SecretPlace]) -> String {
    if places.is_empty() {
        return "No secret was found.".to_owned();
    }
    let mut lines: Vec<String> = places.iter().map(line).collect();
    lines.push(format!("{} secret(s) found; take them out, and revoke those that are real.", places.len()));
    lines.join("\n")
}

/// Tells of one secret in one line.
fn line(place: &SecretPlace) -> String {
    // A name may come from whoever wrote the tree.
    let path = redact::strip_controls(&place.path).replace('\n', " ");
    format!("{path}:{}:{}: {} [{}]", place.line, place.column, place.redacted, place.rule)
}
