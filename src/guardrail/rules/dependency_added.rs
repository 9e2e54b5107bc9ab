//! `dependency-added`: no manifest names a package, or a place of packages, that it did not name before (V-77). Layer 1.
//!
//! Refuses new names, known names that become another package, and programs that bring a list of their own; another
//! version of a known package is the protected path's business. Reads text, not manifests, so that a part is enough: a
//! doubt counts as new.

mod shapes;

use std::collections::BTreeSet;

use crate::guardrail::change::{Change, FileDiff, LineKind};
use crate::guardrail::rule::{Context, Findings, Rule, language, text};
use crate::model::Reason;
use shapes::{Shape, json, lines, program, shape};

pub(super) struct DependencyAdded;

impl Rule for DependencyAdded {
    fn id(&self) -> Reason {
        Reason::DependencyAdded
    }

    fn check(&self, change: &Change, _: &Context<'_>, findings: &mut Findings) {
        for file in &change.files {
            let name = file.path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
            match shape(&name) {
                Some(shape) => manifest(file, shape, findings),
                None => bringing(file, &name, findings),
            }
        }
    }
}

/// Compares what a manifest names on both sides.
fn manifest(file: &FileDiff, shape: Shape, findings: &mut Findings) {
    let named = |side: &[(u32, String)]| -> Vec<(u32, String)> {
        match shape {
            Shape::Json => json(side),
            Shape::Lines(shapes) => lines(shapes, side),
        }
    };
    let known: BTreeSet<String> = named(&side(file, LineKind::Added)).into_iter().map(|(_, name)| name).collect();
    let mut told = BTreeSet::new();
    for (line, name) in named(&side(file, LineKind::Removed)) {
        if !known.contains(&name) && told.insert((line, name.clone())) {
            let shown: String = name.chars().take(200).collect();
            findings.new_line(
                file,
                line,
                format!("The change adds the dependency {shown:?}. A person decides on new dependencies."),
            );
        }
    }
}

/// Looks for programs that name packages themselves, or fetch them.
fn bringing(file: &FileDiff, name: &str, findings: &mut Findings) {
    let shell = ["sh", "bash", "zsh", "ps1", "bat", "cmd"]
        .iter()
        .any(|end| name.strip_suffix(end).is_some_and(|s| s.ends_with('.')));
    if !shell && language(file).is_none() && !name.ends_with(".groovy") {
        return;
    }
    let known: BTreeSet<String> = file.removed().filter_map(|(_, line)| program(&text(line), shell)).collect();
    for (number, line) in file.added() {
        if program(&text(line), shell).is_some_and(|found| !known.contains(&found)) {
            findings.new_line(
                file,
                number,
                "The line brings a package of its own, past every manifest. A person decides on new dependencies.",
            );
        }
    }
}

/// Returns the lines of one side with their numbers: all where the file is known, else those that the hunks show.
fn side(file: &FileDiff, without: LineKind) -> Vec<(u32, String)> {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    if let Some(whole) = &file.whole {
        let bytes = if without == LineKind::Removed { &whole.after } else { &whole.before };
        let bytes = bytes.as_deref().unwrap_or_default();
        return bytes
            .split(|b| *b == b'\n')
            .enumerate()
            .map(|(n, line)| (number(n + 1), text(line).into_owned()))
            .collect();
    }
    let mut side = Vec::new();
    for hunk in &file.hunks {
        let start = if without == LineKind::Removed { hunk.new_start } else { hunk.old_start };
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let lines = hunk.lines.iter().filter(|line| line.kind != without).enumerate();
        side.extend(lines.map(|(n, line)| (number(start.saturating_add(n)), text(&line.text).into_owned())));
    }
    side
}
