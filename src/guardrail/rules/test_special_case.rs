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
        r"PYTEST_CURRENT_TEST|PYTEST_VERSION|PYTEST_XDIST|VITEST_|JEST_WORKER_ID|NEXTEST|RUST_TEST_|CARGO_TARGET_TMPDIR|MOCHA_",
        r#"\bsys\.modules\b.*(?:pytest|unittest)|["'](?:pytest|unittest)["']\s+(?:not\s+)?in\s+sys\.modules|\bsys\.argv\b.*test"#,
        r#"NODE_ENV\b.{0,10}===?.{0,3}["']test["']|RAILS_ENV.{0,10}test|APP_ENV.{0,10}["']test"#,
        r"\bcfg!\(test\)|cfg\(not\(test\)\)|\btesting\.Testing\(\)|flag\.Lookup\(.test\.",
        r#"\b(?:__name__|name|caller|func|function|fn|test|frame)\w*\s*===?\s*["']test_"#,
        r"\binspect\.(?:stack|currentframe)\(|\bsys\._getframe\(|new Error\(\)\.stack|Thread\.currentThread\(\)\.getStackTrace",
        r"def __(?:eq|ne|lt|le|gt|ge|bool)__\b.*:\s*return\s+(?:True|False)\b",
        r"\b(?:sys\.exit|os\._exit|process\.exit|os\.Exit|std::process::exit|System\.exit)\(\s*0?\s*\)",
        r"\b(?:time\.time|time\.sleep|random\.random|random\.seed|datetime\.datetime|Date\.now|Math\.random)\s*=[^=]",
    ])
    .expect("internal error: a special case's shape does not compile")
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
            let mut known = [0_usize; 9];
            for (_, line) in file.removed() {
                SHAPES.matches(&text(line)).iter().for_each(|shape| known[shape] += 1);
            }
            for (number, line) in file.added() {
                let fresh = SHAPES.matches(&text(line)).iter().any(|shape| {
                    let is_new = known[shape] == 0;
                    known[shape] = known[shape].saturating_sub(1);
                    is_new
                });
                if fresh {
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
