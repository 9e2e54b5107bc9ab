//! `expression-injection`: no file gains an expression that a workflow would expand (V-17). Layer 1.
//!
//! Refuses it in any file: templates and scripts end up in workflows, too. What a removed line had may stay.

use crate::guardrail::change::Change;
use crate::guardrail::rule::{Context, Findings, Rule, text};
use crate::model::Reason;

pub(super) struct ExpressionInjection;

impl Rule for ExpressionInjection {
    fn id(&self) -> Reason {
        Reason::ExpressionInjection
    }

    fn check(&self, change: &Change, _: &Context<'_>, findings: &mut Findings) {
        for file in &change.files {
            let mut known: Vec<String> = file.removed().flat_map(|(_, line)| expressions(&text(line))).collect();
            for (number, line) in file.added() {
                for expression in expressions(&text(line)) {
                    match known.iter().position(|k| *k == expression) {
                        Some(at) => drop(known.swap_remove(at)),
                        None => findings.new_line(
                            file,
                            number,
                            "The line adds an expression of the form ${{ … }}, which a workflow would expand with its secrets at hand.",
                        ),
                    }
                }
            }
        }
    }
}

/// Returns the inside of each expression, white space aside; one that the line does not close counts to its end.
fn expressions(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = line;
    while let Some(at) = rest.find("${{") {
        rest = &rest[at + 3..];
        let end = rest.find("}}").unwrap_or(rest.len());
        found.push(rest[..end].split_whitespace().collect());
        rest = &rest[end..];
    }
    found
}
