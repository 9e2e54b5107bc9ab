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
        r"\beslint-disable|\btslint:disable|\bbiome-ignore\b|\bprettier-ignore\b|\b(?:istanbul|c8|v8)\s+ignore\b|\boxlint-disable",
        r"(?i)#\s*(?:type:\s*ignore|(?:ruff:\s*|flake8:\s*)?noqa\b|pylint:\s*disable|pyright:\s*ignore|mypy:\s*ignore|pyre-ignore|pytype:\s*disable|nosec\b|pragma:\s*no cover|shellcheck\s+disable)",
        r"#!?\[(?:allow|expect)\(|cfg_attr\([^\]]*(?:allow|expect)\(",
        r"//\s*(?:nolint\b|lint:ignore\b|NOSONAR\b|noinspection\b|NOLINT)|#nosec\b|\bNOLINT(?:NEXTLINE|BEGIN)?\b",
        r"@SuppressWarnings\b|@SuppressFBWarnings\b|@SuppressLint\b|@Suppress\(|#\s*pragma\s+(?:warning\s+disable|(?:GCC|clang)\s+diagnostic\s+ignored)|\brubocop:disable\b|@phpstan-ignore|@codeCoverageIgnore|\bswiftlint:disable\b|@(?:typing\.)?no_type_check\b",
        r"\bexcept\b[^:#]*:\s*(?:pass|\.\.\.|return(?:\s+None)?|continue)\s*(?:#.*)?$",
        r"\bsuppress\(\s*(?:\w*(?:Exception|Error)\b|\w+\.\w+)",
        r"\bcatch\s*(?:\([^)]*\))?\s*\{\s*(?:/\*[^*]*\*/)?\s*(?:return(?:\s+(?:null|undefined))?\s*;?)?\s*\}",
        r"\.catch\(\s*(?:(?:\(\s*\w*\s*\)|\w+)\s*=>\s*(?:\{\s*\}|null|undefined)|noop)\s*\)|\.on\(\s*['\x22](?:uncaughtException|unhandledRejection)['\x22]",
        r"\brescue\b.*\bnil\s*$|\brescue\s+nil\b|\berror_reporting\(\s*0\s*\)|^\s*@\w+\([^)]*\)\s*;",
        r"\bunwrap_or_default\(\)|\|\|\s*(?:true|:)\s*$|^\s*set\s+\+e\b|^\s*let\s+_\s*=\s*\w[\w.:]*\(|\)\.ok\(\);",
        r"^\s*_\s*=\s*err\b|,\s*_\s*:?=\s*\w[\w.]*\(|^\s*_\s*=\s*\w[\w.]*\(.*\)\s*$|\brecover\(\)",
        r"\bwarnings\.(?:filterwarnings|simplefilter)\(\s*['\x22]ignore|\bas\s+any\b",
    ])
    .expect("internal error: a suppression's shape does not compile")
});

/// The head of a handler, a comment behind it aside.
static OPENS: LazyLock<regex::Regex> = LazyLock::new(|| {
    regex::Regex::new(
        r"^\s*(?:except\b[^:#]*:|\}?\s*catch\s*(?:\([^)]*\))?\s*\{|rescue\b.*|if\s+err\s*!=\s*nil\s*\{)\s*(?://.*|#.*|/\*.*\*/)?\s*$",
    )
    .expect("internal error: a handler's shape does not compile")
});

/// A handler that takes every error there is.
static BROAD: LazyLock<regex::Regex> = LazyLock::new(|| {
    regex::Regex::new(r"^\s*(?:except\s*(?:(?:Base)?Exception\b.*)?:|if\s+err\s*!=\s*nil)")
        .expect("internal error: a broad handler's shape does not compile")
});

/// Files that tell checkers what to complain of.
const SETTINGS: &[&str] = &[
    "mypy.ini",
    ".mypy.ini",
    "ruff.toml",
    ".ruff.toml",
    ".flake8",
    ".pylintrc",
    "pylintrc",
    "pyrightconfig.json",
    ".bandit",
    "biome.json",
    "tslint.json",
    "clippy.toml",
    ".clippy.toml",
    ".rubocop.yml",
    ".rubocop_todo.yml",
    "phpstan.neon",
    "phpstan.neon.dist",
    "phpstan-baseline.neon",
    "psalm.xml",
    "sonar-project.properties",
    "checkstyle.xml",
    "detekt.yml",
    ".swiftlint.yml",
    ".clang-tidy",
    ".shellcheckrc",
];

/// Beginnings of such files.
const SETTINGS_BEGIN: &[&str] =
    &[".eslintrc", "eslint.config.", ".golangci.", "tsconfig", ".oxlintrc", ".eslintignore"];

fn is_settings(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    SETTINGS.contains(&name.as_str()) || SETTINGS_BEGIN.iter().any(|begin| name.starts_with(begin))
}

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
            if is_settings(&file.path) {
                findings.file(file, "The change edits the settings of a checker instead of what it complains of.");
                continue;
            }
            let mut known = vec![0_usize; SHAPES.len()];
            for (_, line) in file.removed() {
                SHAPES.matches(&text(line)).iter().for_each(|shape| known[shape] += 1);
            }
            let (mut opened, mut broad) = (false, false);
            for (number, line) in file.added() {
                let line = text(line);
                // A line that was only moved or indented is not new.
                let fresh = SHAPES.matches(&line).iter().any(|shape| {
                    let is_new = known[shape] == 0;
                    known[shape] = known[shape].saturating_sub(1);
                    is_new
                });
                let body = line.trim();
                let remark = body.starts_with('#') || body.starts_with("//") || body.starts_with("/*");
                let gives_up = matches!(body, "return" | "return None" | "return nil" | "return nil, nil");
                let swallowed = opened && (matches!(body, "pass" | "..." | "}" | "nil" | "end") || broad && gives_up);
                if fresh || swallowed {
                    findings.new_line(
                        file,
                        number,
                        "The line silences a checker or swallows an error instead of mending it.",
                    );
                }
                if !(opened && remark) {
                    opened = OPENS.is_match(&line);
                    broad = opened && BROAD.is_match(&line);
                }
            }
        }
    }
}
