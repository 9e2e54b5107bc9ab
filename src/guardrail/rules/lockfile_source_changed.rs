//! `lockfile-source-changed`: a lockfile takes packages from where it took them before, with their checksums (V-78). Layer 1.
//!
//! Refuses new hosts, other protocols and lost checksums; knows no list of good hosts.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use crate::guardrail::change::Change;
use crate::guardrail::rule::{Context, Findings, Rule, text};
use crate::model::Reason;

static SOURCE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b((?:git|registry|sparse|file|path|link)?\+?(?:https?|ssh|git|file)://(?:[^/\s@]*@)?[^/\s]*)")
        .expect("internal error: a source's shape does not compile")
});

const LOCKFILES: &[&str] = &[
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "deno.lock",
    "cargo.lock",
    "poetry.lock",
    "uv.lock",
    "pdm.lock",
    "pipfile.lock",
    "gemfile.lock",
    "composer.lock",
    "go.sum",
    "mix.lock",
    "packages.lock.json",
    "flake.lock",
];

pub(super) struct LockfileSourceChanged;

impl Rule for LockfileSourceChanged {
    fn id(&self) -> Reason {
        Reason::LockfileSourceChanged
    }

    fn check(&self, change: &Change, _: &Context<'_>, findings: &mut Findings) {
        for file in &change.files {
            let name = file.path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
            if !LOCKFILES.contains(&name.as_str()) || file.is_deleted() {
                continue;
            }
            let mut known: BTreeSet<String> = file.removed().flat_map(|(_, line)| sources(&text(line))).collect();
            let context_lines = file
                .hunks
                .iter()
                .flat_map(|hunk| &hunk.lines)
                .filter(|l| l.kind == crate::guardrail::change::LineKind::Context);
            known.extend(context_lines.flat_map(|line| sources(&text(&line.text))));
            if let Some(before) = file.whole.as_ref().and_then(|whole| whole.before.as_ref()) {
                known.extend(before.split(|b| *b == b'\n').flat_map(|line| sources(&text(line))));
            }
            for (number, line) in file.added() {
                if let Some(source) = sources(&text(line)).into_iter().find(|source| !known.contains(source)) {
                    let source: String = source.chars().take(200).collect();
                    findings.new_line(
                        file,
                        number,
                        format!("The lockfile takes a package from {source}, where it took none before."),
                    );
                }
            }
            let checksums = |lines: &mut dyn Iterator<Item = (u32, &[u8])>| {
                lines.filter(|(_, line)| has_checksum(&text(line))).count()
            };
            let (before, after) = (checksums(&mut file.removed()), checksums(&mut file.added()));
            if after < before {
                findings.file(file, format!("The lockfile loses {} checksums.", before - after));
            }
        }
    }
}

fn sources(line: &str) -> Vec<String> {
    SOURCE
        .captures_iter(line)
        .filter_map(|c| c.get(1))
        .map(|m| m.as_str().trim_end_matches(['"', '\'', ',']).to_ascii_lowercase())
        .collect()
}

fn has_checksum(line: &str) -> bool {
    ["integrity", "checksum", "sha256", "sha512", "sha1-", "h1:", "hash ="].iter().any(|mark| line.contains(mark))
}
