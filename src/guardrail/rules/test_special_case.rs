//! `test-special-case`: a program that looks whether it is being tested is looked at by a person (V-82). Layer 1.
//!
//! Refuses nothing by itself; tests themselves may know that they are tests.

use std::sync::LazyLock;

use regex::RegexSet;

use crate::guardrail::change::Change;
use crate::guardrail::paths::is_test;
use crate::guardrail::rule::{Context, Findings, Rule, language, text};
use crate::model::{Reason, Ruling};

static SHAPES: LazyLock<RegexSet> = LazyLock::new(|| {
    RegexSet::new([
        r"PYTEST_CURRENT_TEST|PYTEST_VERSION|PYTEST_XDIST|\bVITEST\b|VITEST_|JEST_WORKER_ID|NEXTEST|RUST_TEST_|CARGO_TARGET_TMPDIR|MOCHA_|PHPUNIT_",
        r#"\bsys\.modules\b.*(?:pytest|unittest)|["'](?:pytest|unittest)["']\s+(?:not\s+)?in\s+sys\.modules|\bsys\.argv\b.*test|\bos\.Args\b.*\.test\b"#,
        r#"NODE_ENV\b.{0,10}===?.{0,3}["']test["']|RAILS_ENV.{0,10}test|APP_ENV.{0,10}["']test|env\.MODE\b.{0,10}["']test["']|\bRails\.env\.test\?"#,
        r"(?:\benviron\b|\bgetenv\(|process\.env|\benv::var\(|\bos\.Getenv\(|\bENV\[).{0,20}\b(?:TESTING|IS_TEST|UNIT_TEST|TEST_MODE|CI)\b|\bif\s+(?:not\s+|!)?\(?\s*(?:\w+\.)*(?:TESTING|IS_TEST|IN_TEST|UNIT_TEST)\b",
        r"\bcfg!\(test\)|cfg\(not\(test\)\)|\btesting\.Testing\(\)|flag\.Lookup\(.test\.|\bthread::current\(\)\.name\(\)",
        r#"\btypeof\s+(?:jest|describe|it|vi|mocha)\b|["'](?:jest|describe|it|vi)["']\s+in\s+(?:globalThis|global|window)|\bdefined\?\(\s*(?:RSpec|Minitest)|Class\.forName\(\s*"org\.(?:junit|testng)"#,
        r#"\b(?:__name__|name|caller|func|function|fn|test|frame)\w*\s*===?\s*["']test_"#,
        r"\binspect\.(?:stack|currentframe)\(|\bsys\._getframe\(|new Error\(\)\.stack|Thread\.currentThread\(\)\.getStackTrace",
        r"def __(?:eq|ne|lt|le|gt|ge|bool)__\b.*:\s*return\s+(?:True|False)\b|__(?:eq|ne|lt|le|gt|ge|bool)__\s*=\s*lambda\b",
        r"\bfn\s+(?:eq|ne)\s*\(.*\{\s*(?:true|false)\s*\}|\bequals\s*\(.*\{\s*return\s+(?:true|false)\s*;",
        r"\b(?:sys\.exit|os\._exit|process\.exit|os\.Exit|std::process::exit|System\.exit)\(\s*0?\s*\)|\bexit!\(",
        r"\b(?:time\.time|time\.sleep|random\.random|random\.seed|datetime\.datetime|Date\.now|Math\.random)\s*=[^=]",
    ])
    .expect("internal error: a special case's shape does not compile")
});

/// The head of a comparison whose body is another line.
static COMPARES: LazyLock<regex::Regex> = LazyLock::new(|| {
    regex::Regex::new(
        r"^\s*(?:def __(?:eq|ne|lt|le|gt|ge|bool)__\b.*:|.*\bfn\s+(?:eq|ne)\s*\(.*\{|.*\bequals\s*\(.*\{)\s*$",
    )
    .expect("internal error: a comparison's shape does not compile")
});

pub(super) struct TestSpecialCase;

impl Rule for TestSpecialCase {
    fn id(&self) -> Reason {
        Reason::TestSpecialCase
    }

    fn ruling(&self) -> Ruling {
        Ruling::Flag
    }

    fn check(&self, change: &Change, _: &Context<'_>, findings: &mut Findings) {
        for file in change.files.iter().filter(|file| language(file).is_some() && !is_test(&file.path)) {
            let mut known = vec![0_usize; SHAPES.len()];
            let mut compares = false;
            for (_, line) in file.removed() {
                SHAPES.matches(&text(line)).iter().for_each(|shape| known[shape] += 1);
            }
            for (number, line) in file.added() {
                let line = text(line);
                let decided = compares
                    && matches!(
                        line.trim().trim_end_matches(';'),
                        "return True" | "return False" | "return true" | "return false" | "true" | "false"
                    );
                compares = COMPARES.is_match(&line);
                let fresh = SHAPES.matches(&line).iter().any(|shape| {
                    let is_new = known[shape] == 0;
                    known[shape] = known[shape].saturating_sub(1);
                    is_new
                });
                if fresh || decided {
                    findings.new_line(
                        file,
                        number,
                        "The line seems to treat tests specially, to leave early or to bend what tests rely on.",
                    );
                }
            }
        }
    }
}
