//! `lockfile-source-changed`: a lockfile takes packages from where it took them before, with their checksums (V-78). Layer 1.
//!
//! Refuses new hosts, other protocols, other packages behind a known name, lost checksums, and another content of the same
//! version; knows no list of good hosts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;

use crate::guardrail::change::{Change, FileDiff, LineKind};
use crate::guardrail::rule::{Context, Findings, Rule, text};
use crate::model::Reason;

fn compiled(shape: &str) -> Regex {
    Regex::new(shape).expect("internal error: a shape of lockfiles does not compile")
}

/// Where a package comes from: protocol, user and host; and the rest of the address.
static SOURCE: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r#"\b((?:git|registry|sparse|file|path|link)?\+?(?:https?|ssh|git|file)://(?:[^/\s@"']*@)?[^/\s"',]*)([^\s"',\])}]*)|["'\s@]((?:file|link|portal|path):[^\s"',]+)"#,
    )
});
/// A key whose value is nothing.
static EMPTY: LazyLock<Regex> = LazyLock::new(|| compiled(r#"[:=]\s*(?:""|''|null)\s*,?\s*$"#));
/// A version, which makes the same package another.
static VERSION: LazyLock<Regex> = LazyLock::new(|| compiled(r"\d+\.\d+[\w.+-]*"));
/// What names a package, or its version, for the lines below.
static NAMING: LazyLock<Regex> = LazyLock::new(|| {
    compiled(r#"(?i)^\s*"?(?:name|version)"?\s*[:= ]|^\S.*:\s*$|^\s*"[^"]+"\s*:\s*\{|^\s*\S+@\S+:\s*$"#)
});
static DIGEST: LazyLock<Regex> = LazyLock::new(|| compiled(r"(?:sha\d+[-:]|md5[-:]|h1:)?[A-Za-z0-9+/]{27,}={0,2}"));

const LOCKFILES: &[&str] = &[
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "podfile.lock",
    "package.resolved",
    "pubspec.lock",
    "gradle.lockfile",
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
            if LOCKFILES.contains(&name.as_str()) && !file.is_deleted() {
                places(file, findings);
                checksums(file, findings);
            }
        }
    }
}

/// Refuses addresses that no line had before, versions aside.
fn places(file: &FileDiff, findings: &mut Findings) {
    let lines = file.hunks.iter().flat_map(|hunk| &hunk.lines);
    let kept = lines.filter(|line| line.kind != LineKind::Added);
    let mut known: BTreeSet<String> = kept.flat_map(|line| sources(&text(&line.text))).collect();
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
    let addresses =
        |lines: &mut dyn Iterator<Item = (u32, &[u8])>| lines.filter(|(_, line)| SOURCE.is_match(&text(line))).count();
    let (before, after) = (addresses(&mut file.removed()), addresses(&mut file.added()));
    if after < before {
        findings.file(file, format!("The lockfile no longer says where {} packages come from.", before - after));
    }
}

/// Refuses checksums that go, and those that change where the version stays.
fn checksums(file: &FileDiff, findings: &mut Findings) {
    let count =
        |lines: &mut dyn Iterator<Item = (u32, &[u8])>| lines.filter(|(_, line)| has_checksum(&text(line))).count();
    let (before, after) = (count(&mut file.removed()), count(&mut file.added()));
    if after < before {
        findings.file(file, format!("The lockfile loses {} checksums.", before - after));
    }
    for hunk in &file.hunks {
        let side = |without: LineKind, start: u64| {
            let mut named = String::new();
            let mut digests: BTreeMap<String, (u32, String)> = BTreeMap::new();
            let lines = hunk.lines.iter().filter(|line| line.kind != without);
            for (number, line) in (start..).zip(lines) {
                let line = text(&line.text);
                if has_checksum(&line) {
                    let digest: Vec<&str> = DIGEST.find_iter(&line).map(|digest| digest.as_str()).collect();
                    let place = u32::try_from(number).unwrap_or(u32::MAX);
                    digests.insert(format!("{named}{}", DIGEST.replace_all(&line, "#")), (place, digest.concat()));
                }
                if NAMING.is_match(&line) {
                    // A version belongs to the name above it.
                    if !line.to_ascii_lowercase().contains("version") {
                        named.clear();
                    }
                    named.push_str(line.trim());
                }
            }
            digests
        };
        let before = side(LineKind::Added, hunk.old_start);
        for (key, (line, digest)) in side(LineKind::Removed, hunk.new_start) {
            if before.get(&key).is_some_and(|(_, other)| *other != digest) {
                findings.new_line(file, line, "The lockfile expects another content of the same version.");
            }
        }
    }
}

/// Returns where a line takes something from: the server and what names the package there, without its version.
fn sources(line: &str) -> Vec<String> {
    let source = |captures: regex::Captures<'_>| {
        let Some(server) = captures.get(1) else { return captures.get(3).map(|folder| folder.as_str().to_owned()) };
        let path = captures.get(2).map_or("", |path| path.as_str());
        let path = path.split(['#', '?']).next().unwrap_or_default();
        // A registry names a package by the file; before it may stand parts of its digest.
        let named = if server.as_str().starts_with("git") || server.as_str().starts_with("ssh") {
            path
        } else {
            path.rsplit('/').next().unwrap_or_default()
        };
        let named = VERSION.replace_all(named, "#");
        Some(format!("{}/{}", server.as_str(), named.trim_start_matches('/')).to_ascii_lowercase())
    };
    SOURCE.captures_iter(line).filter_map(source).collect()
}

fn has_checksum(line: &str) -> bool {
    let marks = ["integrity", "checksum", "sha256", "sha512", "sha1-", "h1:", "hash =", "hash\":"];
    marks.iter().any(|mark| line.contains(mark)) && !EMPTY.is_match(line)
}
