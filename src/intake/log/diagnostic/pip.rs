//! pip: requirements that nothing satisfies, and packages that do not build. Layer 1.

use super::{Diagnostic, Output};
use crate::model::Kind;

pub(super) fn read(output: &Output<'_>) -> Vec<Diagnostic> {
    const DEPENDENCY: [&str; 8] = [
        "Could not find a version that satisfies",
        "No matching distribution found",
        "Cannot install ",
        "ResolutionImpossible",
        "Could not open requirements file",
        "THESE PACKAGES DO NOT MATCH THE HASHES",
        "Package '",
        "Failed building wheel for ",
    ];
    let rows = output.rows.iter().enumerate();
    let read = rows.filter_map(|(at, row)| {
        let rest = row.raw.trim_start().strip_prefix("ERROR: ");
        // Before version 20 the words stood alone.
        let message =
            rest.or_else(|| Some(row.raw.trim_start()).filter(|raw| raw.starts_with("Could not find a version that")))?;
        let sound = DEPENDENCY.iter().any(|lead| message.starts_with(lead));
        sound.then(|| Diagnostic::at(at, "pip", Kind::Dependency, message))
    });
    read.collect()
}
