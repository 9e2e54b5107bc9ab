//! `suppression-added`: a change that silences a checker or swallows an error is looked at by a person (V-83). Layer 1.
//!
//! Refuses nothing by itself: there are good reasons, and a person must see that there is one.

use std::sync::LazyLock;

use regex::RegexSet;

use crate::guardrail::change::Change;
use crate::guardrail::rule::{Context, Findings, Rule, text};
use crate::model::{Reason, Ruling};

static SHAPES: LazyLock<RegexSet> = LazyLock::new(|| {
    RegexSet::new([
        r"@ts-(?:ignore|nocheck|expect-error)\b",
        r"\beslint-disable|\btslint:disable|\bbiome-ignore\b|\bprettier-ignore\b",
        r"#\s*(?:type:\s*ignore|noqa\b|pylint:\s*disable|pyright:\s*ignore|mypy:\s*ignore|nosec\b|pragma:\s*no cover)",
        r"#!?\[(?:allow|expect)\(|cfg_attr\([^)]*allow\(",
        r"//\s*(?:nolint\b|lint:ignore\b|NOSONAR\b|noinspection\b)|#nosec\b",
        r"@SuppressWarnings\b|@Suppress\(|#pragma\s+warning\s+disable|\brubocop:disable\b|@phpstan-ignore|@codeCoverageIgnore",
        r"\bexcept\b[^:#]*:\s*(?:pass|\.\.\.)\s*(?:#.*)?$",
        r"\bcontextlib\.suppress\(",
        r"\bcatch\s*(?:\([^)]*\))?\s*\{\s*\}",
        r"\.catch\(\s*(?:\(\s*\w*\s*\)|\w+)\s*=>\s*(?:\{\s*\}|null|undefined)\s*\)",
        r"\brescue\b.*\bnil\s*$|\brescue\s+nil\b",
        r"\bunwrap_or_default\(\)|\|\|\s*true\s*$",
        r"^\s*_\s*=\s*err\b|,\s*_\s*:?=\s*\w[\w.]*\(",
    ])
    .expect("internal error: a suppression's shape does not compile")
});

static OPENS: LazyLock<regex::Regex> = LazyLock::new(|| {
    regex::Regex::new(r"^\s*(?:except\b[^:#]*:|\}?\s*catch\s*(?:\([^)]*\))?\s*\{|rescue\b.*)\s*$")
        .expect("internal error: a handler's shape does not compile")
});

pub(super) struct SuppressionAdded;

impl Rule for SuppressionAdded {
    fn id(&self) -> Reason {
        Reason::SuppressionAdded
    }

    fn ruling(&self) -> Ruling {
        Ruling::Flag
    }

    fn check(&self, change: &Change, _: &Context<'_>, findings: &mut Findings) {
        for file in &change.files {
            let mut known = [0_usize; 13];
            for (_, line) in file.removed() {
                SHAPES.matches(&text(line)).iter().for_each(|shape| known[shape] += 1);
            }
            let mut opened = false;
            for (number, line) in file.added() {
                let line = text(line);
                // A line that was only moved or indented is not new.
                let fresh = SHAPES.matches(&line).iter().any(|shape| {
                    let is_new = known[shape] == 0;
                    known[shape] = known[shape].saturating_sub(1);
                    is_new
                });
                let swallowed = opened && matches!(line.trim(), "pass" | "..." | "}" | "nil" | "end");
                if fresh || swallowed {
                    findings.new_line(
                        file,
                        number,
                        "The line silences a checker or swallows an error instead of mending it.",
                    );
                }
                opened = OPENS.is_match(&line);
            }
        }
    }
}
