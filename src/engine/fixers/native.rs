//! The fixer of tools that the repository already has: its formatter, for a failure of formatting alone. Layer 4.
//!
//! Touches exactly the files that the log names, whatever else the formatter writes in its copy.

use async_trait::async_trait;

use crate::engine::fixers::{Ask, Bench, Fixer, Proposed};
use crate::engine::formatter::{Formatter, Layout};
use crate::model::{FileState, Kind, MicroUsd, Patch, Reason, RepoPath, Source, Tokens};

/// The most characters of a version that are shown.
const VERSION: usize = 60;

/// The repository's own tools as a fixer: free, and no more than the tool itself would do.
#[derive(Debug, Clone, Copy, Default)]
pub struct NativeFixer;

#[async_trait]
impl Fixer for NativeFixer {
    fn name(&self) -> &'static str {
        "native"
    }

    fn upper_cost(&self) -> MicroUsd {
        MicroUsd::ZERO
    }

    async fn propose(&self, ask: &Ask<'_>) -> Result<Vec<Proposed>, Reason> {
        // Without names from the log, the files at hand are only guesses.
        let named = ask.failure.kind == Some(Kind::Format) && ask.failure.context.contains_key("files");
        let formats = named && ask.red_target && ask.policy.native_fixers.formatters;
        match ask.failure.tool.as_deref().and_then(Formatter::of).filter(|_| formats) {
            Some(formatter) => format(formatter, ask).await,
            None => Ok(Vec::new()),
        }
    }
}

/// Lets the formatter loose on a copy, and takes the named files out of it.
async fn format(formatter: Formatter, ask: &Ask<'_>) -> Result<Vec<Proposed>, Reason> {
    let files: Vec<RepoPath> = ask.files.keys().cloned().collect();
    let Some(anchor) = ask.places.first().map(|place| place.anchor) else { return Ok(Vec::new()) };
    let layout = Layout { folder: ask.bench.folder(), tree: ask.bench.tree(), files: &files };
    let order = formatter.fix(&layout);
    let (shown, script) = match ask.bench.format_command() {
        Some(own) => {
            let command = ask.bench.format_files(own, &files);
            (command.clone(), command)
        }
        None => (order.shown, order.script),
    };
    let (done, after) = ask.bench.run(&script, &files).await?;
    if !done.succeeded() {
        return Ok(Vec::new());
    }
    let mut patch = Patch::new();
    for (path, before) in ask.files {
        if let Some(now) = after.get(path) {
            let formatted = FileState { mode: before.mode, content: now.content.clone() };
            patch.set(path.clone(), Some(before.clone()), Some(formatted));
        }
    }
    if patch.is_empty() {
        return Ok(Vec::new());
    }
    let who = with_version(formatter.name(), &told(ask.bench, &formatter.version(&layout)).await?);
    let (count, name) = (patch.len(), formatter.name());
    let title = match count {
        1 => format!("Format a file with {name}"),
        _ => format!("Format {count} files with {name}"),
    };
    Ok(vec![Proposed {
        patch,
        source: Source::Native,
        id: Some(name.to_owned()),
        confidence: None,
        tier: None,
        title,
        why: format!(
            "The job failed for formatting alone. This is what the repository's own formatter, {who}, makes of the files \
             that the log names, run as `{}`; nothing else changes.",
            shown.replace('`', "'")
        ),
        anchor,
        cost: MicroUsd::ZERO,
        tokens: Tokens::default(),
    }])
}

/// Asks a tool for its version, and returns the first line of the answer.
async fn told(bench: &dyn Bench, command: &str) -> Result<String, Reason> {
    let (done, _) = bench.run(command, &[]).await?;
    Ok(done.output.lines().next().filter(|_| done.succeeded()).unwrap_or_default().to_owned())
}

/// Puts a version behind a name; the tool is the repository's code, so that only harmless characters of its answer count.
fn with_version(name: &str, told: &str) -> String {
    // `rustfmt 1.9.0-stable (abc 2026-01-01)`, `black, 26.1.0 (compiled: yes)`, `3.8.1`, `go1.24.2`.
    let told = told.split('(').next().unwrap_or_default().trim();
    let rest = told.strip_prefix(name).unwrap_or(told).trim_start_matches([',', ' ']);
    let harmless = |c: &char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '.' | '-' | '_' | '+');
    let version: String = rest.chars().filter(harmless).take(VERSION).collect();
    let all = format!("{name} {version}");
    all.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::with_version;

    #[test]
    fn a_version_is_told_in_one_way_whatever_the_tool_prints() {
        for (name, told, shown) in [
            ("rustfmt", "rustfmt 1.9.0-stable (abc 2026-01-01)", "rustfmt 1.9.0-stable"),
            ("black", "black, 26.1.0 (compiled: yes)", "black 26.1.0"),
            ("prettier", "3.8.1", "prettier 3.8.1"),
            ("gofmt", "go1.24.2", "gofmt go1.24.2"),
            ("ruff", "", "ruff"),
            ("ruff", "`](https://example.com) \u{202e}", "ruff"),
        ] {
            assert_eq!(with_version(name, told), shown);
        }
    }
}
