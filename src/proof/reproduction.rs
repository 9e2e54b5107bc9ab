//! Decides whether a test that somebody wrote for a failure shows that failure (PROTOCOL.md, 5.5 and 5.6). Layer 1.
//!
//! The rules of the fingerprint decide, never whoever wrote the test. Refuses a test that raises the error itself, that
//! replaces the code in which it happens, or that comes with a file by which other tests change. Reads lines of tests, not
//! programs: a doubt counts against it.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use crate::fingerprint::{self, Agreement, NormalFrame, frames_agree, is_test_path, same_failure};
use crate::model::{EvidenceKind, Failure, Language, Reason, RepoPath};
use crate::proof::{Observation, REPETITIONS};

/// A file with a test that is to show a failure.
#[derive(Debug, Clone, Copy)]
pub struct EvidenceFile<'a> {
    /// Where it would lie.
    pub path: &'a RepoPath,
    /// Whether the base has no such file.
    pub is_new: bool,
    /// Its text.
    pub text: &'a str,
}

/// Names of files that other tests or tools read, in lower case: none of them is evidence (V-110).
const SHARED: &[&str] = &[
    "conftest.py",
    "__init__.py",
    "setup.py",
    "sitecustomize.py",
    "usercustomize.py",
    "package.json",
    "go.mod",
    "go.sum",
    "cargo.toml",
    "build.rs",
    "mod.rs",
    "main_test.go",
    "pom.xml",
];

/// Parts of dotted names of files that set tests up, as in `jest.config.test.js`.
const SETTING_UP: &[&str] = &["setup", "config", "fixture", "fixtures", "global", "globals"];

/// Returns what keeps a file from being evidence, in words.
pub fn unfit(file: &EvidenceFile<'_>) -> Option<&'static str> {
    let name = file.path.file_name().to_lowercase();
    let language = Language::of_path(file.path.as_str()).map(Language::family);
    if !file.is_new {
        return Some("it changes a file that is there");
    }
    if SHARED.contains(&name.as_str()) || name.split('.').any(|part| SETTING_UP.contains(&part)) {
        return Some("other tests or tools read a file of that name");
    }
    if !is_named_as_a_test(file.path.as_str(), &name) {
        return Some("no runner finds a test in a file of that name");
    }
    let marks: &[&str] = match language {
        Some("python") => &["def test_", "async def test_"],
        Some("js") => &["test(", "it("],
        Some("rust") => &["#[test]", "::test]", "::test("],
        Some("go") => &["func Test"],
        Some("jvm") => &["@Test"],
        _ => return Some("its language is not known"),
    };
    let has_test = file.text.lines().any(|line| marks.iter().any(|mark| line.trim_start().starts_with(mark)));
    (!has_test).then_some("it has no test")
}

/// Tells whether the common runners look for tests in a file of this name.
fn is_named_as_a_test(path: &str, name: &str) -> bool {
    let (stem, end) = name.rsplit_once('.').unwrap_or((name, ""));
    match end {
        "py" => stem.starts_with("test_") || stem.ends_with("_test"),
        "go" => stem.ends_with("_test"),
        "java" | "kt" => stem.ends_with("test") || stem.ends_with("tests") || stem.starts_with("test"),
        // Cargo builds every file directly below `tests` as a program of tests.
        "rs" => path.rsplit('/').nth(1) == Some("tests"),
        "js" | "mjs" | "cjs" | "ts" | "mts" | "cts" | "jsx" | "tsx" => {
            stem.ends_with(".test") || stem.ends_with(".spec") || stem.ends_with("-test") || is_test_path(path)
        }
        _ => false,
    }
}

/// What a reproduction is held against.
#[derive(Debug, Clone)]
pub struct Claim<'a> {
    /// The reported failure.
    pub reported: &'a Failure,
    /// The lines on the base of the node that the report's innermost frame is in, where they are known.
    pub node: Option<RangeInclusive<u32>>,
    /// The files that were written for it.
    pub files: &'a [EvidenceFile<'a>],
}

/// Judges a test by its runs on the base: `reproduced` where rule 5 holds, `synthetic` where the error is the reported one
/// and something else of the rule is missing.
///
/// # Errors
/// [`Reason::NeedsReproduction`] for reports that cannot be reproduced this way, [`Reason::Flaky`] where it does not always
/// fail, [`Reason::NotReproduced`] where it fails otherwise or makes its own failure.
pub fn judge_reproduction(claim: &Claim<'_>, runs: &[Observation]) -> Result<EvidenceKind, Reason> {
    let reported = own_frames(claim.reported);
    let Some(innermost) = reported.first() else { return Err(Reason::NeedsReproduction) };
    if claim.files.iter().any(|file| unfit(file).is_some() || makes_its_own(file.text, claim.reported, innermost)) {
        return Err(Reason::NotReproduced);
    }
    let red = runs.iter().filter(|run| !run.is_green()).count();
    match red {
        0 => return Err(Reason::NotReproduced),
        red if red < runs.len() || runs.len() < REPETITIONS as usize => return Err(Reason::Flaky),
        _ => {}
    }
    let kinds = runs.iter().map(|run| {
        let best = run.failures.iter().filter_map(|(_, seen)| kind_of(claim, &reported, seen));
        best.min_by_key(|kind| *kind != EvidenceKind::Reproduced)
    });
    let kinds: Option<Vec<EvidenceKind>> = kinds.collect();
    match kinds {
        None => Err(Reason::NotReproduced),
        Some(kinds) if kinds.iter().all(|kind| *kind == EvidenceKind::Reproduced) => Ok(EvidenceKind::Reproduced),
        Some(_) => Ok(EvidenceKind::Synthetic),
    }
}

/// Compares one failure of a run with the reported one; none where it is another error.
fn kind_of(claim: &Claim<'_>, reported: &[NormalFrame], seen: &Failure) -> Option<EvidenceKind> {
    let sameness = same_failure(claim.reported, seen);
    if sameness.error_type != Agreement::Agrees || sameness.message != Agreement::Agrees {
        return None;
    }
    let all = fingerprint::normal_frames(seen).all;
    let first = all.iter().find(|frame| frame.is_app());
    let in_product = first.is_some_and(|frame| !frame.in_test);
    let in_node = match (&claim.node, first.and_then(|frame| frame.line)) {
        (Some(node), Some(line)) => node.contains(&line),
        _ => true,
    };
    let shown = own_frames(seen);
    let is_shown = |frame: &&NormalFrame| shown.iter().any(|other| frames_agree(frame, other));
    let wanted: BTreeSet<String> = reported.iter().map(NormalFrame::key).collect();
    let found: BTreeSet<String> = reported.iter().filter(is_shown).map(NormalFrame::key).collect();
    let shared = found.len() >= wanted.len().min(2);
    let whole = sameness.frame == Agreement::Agrees && in_product && in_node && shared;
    Some(if whole { EvidenceKind::Reproduced } else { EvidenceKind::Synthetic })
}

/// Returns the frames of the product, innermost first.
fn own_frames(failure: &Failure) -> Vec<NormalFrame> {
    fingerprint::normal_frames(failure).all.into_iter().filter(|frame| frame.is_app() && !frame.in_test).collect()
}

/// Tells whether a test raises the reported error itself, or replaces the code in which it happens.
fn makes_its_own(text: &str, reported: &Failure, innermost: &NormalFrame) -> bool {
    let error = reported.error_type().rsplit(['.', ':']).next().unwrap_or_default();
    let path = innermost.path.as_deref().unwrap_or(&innermost.module_or_path);
    let file = path.rsplit('/').next().unwrap_or_default();
    let module = file.split('.').next().unwrap_or_default();
    let function = innermost.function.rsplit(['.', ':']).next().unwrap_or_default();
    text.lines().any(|line| {
        let line = line.trim();
        let raises = has_word(line, &["raise", "throw", "throws", "reject"]) && has_word(line, &[error]);
        let panics = line.contains("panic!(") || line.contains("panic(") || line.contains("unreachable!(");
        let mocks = MOCKING.iter().any(|word| line.contains(word)) && has_word(line, &[module, function]);
        raises || panics || mocks || assigns(line, module, function)
    })
}

/// What replaces code in tests, by the common libraries.
const MOCKING: &[&str] = &[
    "mock",
    "Mock",
    "patch(",
    "patch.object",
    "monkeypatch",
    "setattr(",
    "stub(",
    "spyOn",
    "replace(",
    "sinon",
    "proxyquire",
];

fn has_word(line: &str, words: &[&str]) -> bool {
    let mut all = line.split(|c: char| !c.is_alphanumeric() && c != '_');
    all.any(|word| words.iter().any(|wanted| !wanted.is_empty() && word == *wanted))
}

/// Tells whether a line puts something else in the place of the module's parts: `board.worst = …`.
fn assigns(line: &str, module: &str, function: &str) -> bool {
    let Some((left, right)) = line.split_once('=') else { return false };
    let left = left.trim();
    let compares = right.starts_with(['=', '>']) || left.ends_with(['=', '!', '<', '>']);
    let parts: Vec<&str> = left.split('.').collect();
    !compares
        && parts.len() > 1
        && parts.iter().all(|part| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_'))
        && parts.last().is_some_and(|last| *last == function || parts.contains(&module))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::intake;
    use crate::model::{Counts, TestRun};
    use crate::proof::RunEnd;

    const REPORT: &str = "Traceback (most recent call last):\n  File \"/app/pingboard/cli.py\", line 9, in main\n    print(worst([]))\n  File \"/app/pingboard/board.py\", line 6, in worst\n    return max(samples)\nValueError: max() arg is an empty sequence\n";

    const TEST: &str = "from pingboard.cli import main\n\n\ndef test_an_empty_board():\n    assert main([]) is None\n";

    fn failure(trace: &str) -> Failure {
        intake::read_trace(trace).expect("a failure")
    }

    fn run(trace: Option<&str>) -> Observation {
        Observation {
            end: RunEnd::Code(i32::from(trace.is_some())),
            tests: TestRun { runner: None, tests: [].into(), counts: Counts::default() },
            failures: trace.map(|trace| (None, failure(trace))).into_iter().collect(),
        }
    }

    fn judged(text: &str, node: Option<RangeInclusive<u32>>, traces: &[Option<&str>]) -> Result<EvidenceKind, Reason> {
        let path: RepoPath = "tests/test_empty.py".parse().expect("a path");
        let reported = failure(REPORT);
        let files = [EvidenceFile { path: &path, is_new: true, text }];
        let runs: Vec<Observation> = traces.iter().map(|trace| run(*trace)).collect();
        judge_reproduction(&Claim { reported: &reported, node, files: &files }, &runs)
    }

    fn seen(frames: &[(&str, u32, &str)], error: &str) -> String {
        let lines: String = frames
            .iter()
            .map(|(file, line, name)| format!("  File \"{file}\", line {line}, in {name}\n    x\n"))
            .collect();
        format!("Traceback (most recent call last):\n{lines}{error}\n")
    }

    const WHOLE: [(&str, u32, &str); 3] = [
        ("/w/tests/test_empty.py", 5, "test_an_empty_board"),
        ("/w/pingboard/cli.py", 9, "main"),
        ("/w/pingboard/board.py", 6, "worst"),
    ];
    const ERROR: &str = "ValueError: max() arg is an empty sequence";

    #[test]
    fn a_test_that_fails_as_the_report_says_always_and_in_the_product_is_a_reproduction() {
        let trace = seen(&WHOLE, ERROR);
        assert_eq!(judged(TEST, Some(6..=6), &[Some(trace.as_str()); 3]), Ok(EvidenceKind::Reproduced));
    }

    #[rstest]
    #[case::another_line(&WHOLE, Some(7..=9))]
    #[case::one_frame_shared(&[WHOLE[0], WHOLE[2]], None)]
    #[case::another_function(&[WHOLE[0], WHOLE[1], ("/w/pingboard/board.py", 6, "best")], None)]
    fn what_matches_less_is_synthetic(#[case] frames: &[(&str, u32, &str)], #[case] node: Option<RangeInclusive<u32>>) {
        let trace = seen(frames, ERROR);
        assert_eq!(judged(TEST, node, &[Some(trace.as_str()); 3]), Ok(EvidenceKind::Synthetic));
    }

    #[test]
    fn another_error_a_green_run_or_a_mixed_one_is_no_reproduction() {
        let (right, wrong) = (seen(&WHOLE, ERROR), seen(&WHOLE, "KeyError: 'ms'"));
        assert_eq!(judged(TEST, None, &[Some(wrong.as_str()); 3]), Err(Reason::NotReproduced));
        assert_eq!(judged(TEST, None, &[None; 3]), Err(Reason::NotReproduced));
        assert_eq!(judged(TEST, None, &[Some(right.as_str()), None, Some(right.as_str())]), Err(Reason::Flaky));
        assert_eq!(judged(TEST, None, &[Some(right.as_str())]), Err(Reason::Flaky));
    }

    #[rstest]
    #[case::raises("def test_x():\n    raise ValueError('max() arg is an empty sequence')\n")]
    #[case::patches("@mock.patch('pingboard.board.worst', side_effect=ValueError)\ndef test_x(worst):\n    main([])\n")]
    #[case::monkeypatches("def test_x(monkeypatch):\n    monkeypatch.setattr(board, 'max', boom)\n")]
    #[case::assigns("def test_x():\n    board.worst = boom\n    main([])\n")]
    #[case::no_test("def check():\n    main([])\n")]
    fn v_110_a_test_that_makes_its_own_failure_is_none(#[case] text: &str) {
        let trace = seen(&WHOLE, ERROR);
        assert_eq!(judged(text, None, &[Some(trace.as_str()); 3]), Err(Reason::NotReproduced), "{text}");
    }

    #[test]
    fn v_110_only_a_new_file_that_is_a_test_and_nothing_else_is_evidence() {
        let fit = |path: &str, is_new: bool, text: &str| {
            let path: RepoPath = path.parse().expect("a path");
            unfit(&EvidenceFile { path: &path, is_new, text }).is_none()
        };
        for (path, text) in [
            ("tests/test_board.py", TEST),
            ("src/board.test.js", "test('x', () => {})\n"),
            ("src/board_test.go", "func TestBoard(t *testing.T) {}\n"),
            ("tests/board.rs", "#[test]\nfn empty() {}\n"),
            ("src/test/java/BoardTest.java", "    @Test\n    void empty() {}\n"),
        ] {
            assert!(fit(path, true, text), "{path}");
            assert!(!fit(path, false, text), "{path}");
            assert!(!fit(path, true, "nothing\n"), "{path}");
        }
        for path in [
            "tests/conftest.py",
            "conftest.py",
            "setup.py",
            "tests/__init__.py",
            "pingboard/board.py",
            "jest.config.test.js",
            "tests/common/mod.rs",
        ] {
            assert!(!fit(path, true, TEST) && !fit(path, true, "#[test]\ntest(\n"), "{path}");
        }
    }
}
