//! Maven itself: goals that failed, plug-ins' checks, and dependencies that cannot be had. Layer 1.

use super::{Diagnostic, Output, place};
use crate::model::Kind;

pub(super) fn read(output: &Output<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (at, row) in output.rows.iter().enumerate() {
        let Some(text) = row.raw.strip_prefix("[ERROR] ") else { continue };
        if let Some(one) = checkstyle(at, text) {
            found.push(one);
        } else if let Some(goal) = text.strip_prefix("Failed to execute goal ") {
            let dependency = goal.contains("Could not resolve dependencies");
            let message = goal.split(" -> [Help").next().unwrap_or(goal);
            let vague =
                ["There are test failures", "Compilation failure", "There was a timeout or other error in the fork"]
                    .iter()
                    .any(|words| goal.contains(words));
            let kind = if dependency { Kind::Dependency } else { Kind::Build };
            let message = message.split_once(": ").map_or(message, |(_, message)| message);
            let one = Diagnostic::at(at, "maven", kind, message).with_code(plugin(goal));
            found.push(if vague { one.vaguely() } else { one });
        } else if text.starts_with("Non-resolvable ") || text.starts_with("Failed to read artifact descriptor") {
            found.push(Diagnostic::at(at, "maven", Kind::Dependency, text));
        }
    }
    found
}

/// `org.apache.maven.plugins:maven-compiler-plugin:3.1:compile (default) on project x: …`.
fn plugin(goal: &str) -> Option<&str> {
    let mut parts = goal.split(' ').next()?.split(':');
    let (_, name) = (parts.next()?, parts.next()?);
    Some(name)
}

/// `/x/A.java:[3,5] (sizes) LineLength: …`, `/x/A.java:3:5: … [Rule]`.
fn checkstyle(at: usize, text: &str) -> Option<Diagnostic> {
    if let Some(place) = place::square(text) {
        let (_, rest) = place.rest.strip_prefix('(')?.split_once(") ")?;
        let (rule, message) = rest.split_once(": ").filter(|(rule, _)| !rule.contains(' '))?;
        let one = Diagnostic::at(at, "checkstyle", Kind::Lint, message).with_code(Some(rule));
        return Some(one.in_file(place.file, Some(place.line), place.column));
    }
    let place = place::colons(text).filter(|place| place::has_extension(place.file, &["java", "xml"]))?;
    let (message, code) = place::code_behind(place.rest);
    let one = Diagnostic::at(at, "checkstyle", Kind::Lint, message).with_code(Some(code?));
    Some(one.in_file(place.file, Some(place.line), place.column))
}
