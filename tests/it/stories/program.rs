//! A program small enough to be a function: a test is red while its function says `BROKEN_<cause>`.
//!
//! It prints what Python's unittest prints, so that the real readers of logs and reports are in the road.

use std::fmt::Write as _;
use std::sync::Arc;

use homeostat::engine::fixers::{Ask, Fixer, Proposed};
use homeostat::model::{FileState, MicroUsd, Patch, Reason, RepoPath, Source, Tokens};
use homeostat::workspace::Exit;

use super::workspace::{Files, Program};

/// One bug: a function of a file that fails in its own way while the cause is there.
#[derive(Debug, Clone)]
pub(crate) struct Bug {
    pub(crate) file: &'static str,
    pub(crate) function: &'static str,
    pub(crate) cause: &'static str,
    /// Who called the function, the nearest first.
    pub(crate) callers: &'static [&'static str],
    pub(crate) error: &'static str,
}

/// Names a bug whose cause is its own.
pub(crate) const fn bug(file: &'static str, function: &'static str) -> Bug {
    Bug { file, function, cause: function, callers: &[], error: "LookupFailed" }
}

impl Bug {
    fn test(&self) -> String {
        format!("test_{}", self.function)
    }

    /// Says what the program prints when it fails; the line is where the cause stands.
    pub(crate) fn trace(&self, line: usize) -> String {
        let Self { file, function, error, .. } = self;
        let mut text = String::from("Traceback (most recent call last):\n");
        for caller in self.callers.iter().rev() {
            let _ = write!(text, "  File \"/srv/app/{file}\", line 90, in {caller}\n    return go_on(value)\n");
        }
        let _ = write!(
            text,
            "  File \"/srv/app/{file}\", line {line}, in {function}\n    raise {error}(\"{function} went wrong\")\n{error}: {function} went wrong\n"
        );
        text
    }

    /// Says what a person reports.
    pub(crate) fn body(&self) -> String {
        format!("It crashed again.\n\n```\n{}```\n", self.trace(4))
    }
}

/// Writes one source file with functions, far enough apart that changes of two do not touch.
pub(crate) fn source(causes: &[&str]) -> String {
    let mut text = String::from("# A module.\n");
    for cause in causes {
        let _ = write!(text, "\n\ndef {cause}(value):\n    # first\n    return BROKEN_{cause}\n    # last\n\n\n");
    }
    text
}

/// Returns the test command over these bugs; an unknown command does nothing.
pub(crate) fn program(bugs: Vec<Bug>) -> Program {
    Arc::new(move |files: &Files, command: &str| {
        if command != "run tests" {
            return (String::new(), Exit::Code(0));
        }
        let (mut verbose, mut details, mut failed) = (String::new(), String::new(), 0);
        let here: Vec<&Bug> = bugs.iter().filter(|bug| files.contains_key(bug.file)).collect();
        for bug in &here {
            let marker = format!("BROKEN_{}", bug.cause);
            let line = files[bug.file].lines().position(|line| line.contains(&marker));
            let test = bug.test();
            match line {
                None => {
                    let _ = writeln!(verbose, "{test} (tests.test_app.AppTest.{test}) ... ok");
                }
                Some(line) => {
                    failed += 1;
                    let _ = writeln!(verbose, "{test} (tests.test_app.AppTest.{test}) ... ERROR");
                    let _ = write!(
                        details,
                        "{}\nERROR: {test} (tests.test_app.AppTest.{test})\n{}\n{}\n",
                        "=".repeat(70),
                        "-".repeat(70),
                        bug.trace(line + 1)
                    );
                }
            }
        }
        let verdict = if failed == 0 { "OK".to_owned() } else { format!("FAILED (errors={failed})") };
        let ran = here.len();
        let output = format!("{verbose}\n{details}{}\nRan {ran} tests in 0.001s\n\n{verdict}\n", "-".repeat(70));
        (output, Exit::Code(i32::from(failed > 0)))
    })
}

/// What a scripted fixer answers.
pub(crate) type Script = Arc<dyn Fn(&Ask<'_>) -> Result<Vec<Proposed>, Reason> + Send + Sync>;

/// A fixer that answers from a script.
#[derive(Clone)]
pub(crate) struct Scripted {
    pub(crate) cost: MicroUsd,
    pub(crate) script: Script,
}

#[async_trait::async_trait]
impl Fixer for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn upper_cost(&self) -> MicroUsd {
        self.cost
    }

    async fn propose(&self, ask: &Ask<'_>) -> Result<Vec<Proposed>, Reason> {
        (self.script)(ask)
    }
}

/// Proposes a patch of whole files, as a trusted pattern would.
pub(crate) fn proposal(ask: &Ask<'_>, files: &[(&str, String)]) -> Proposed {
    let mut patch = Patch::new();
    for (path, content) in files {
        let path: RepoPath = path.parse().expect("tests write legal paths");
        patch.set(path.clone(), ask.files.get(&path).cloned(), Some(FileState::plain(content.as_bytes())));
    }
    Proposed {
        patch,
        source: Source::Pattern,
        id: Some("mend-it".to_owned()),
        confidence: Some(0.81),
        tier: None,
        title: "mend what was broken".to_owned(),
        why: "The value was broken.".to_owned(),
        anchor: ask.places.first().expect("a place").anchor,
        cost: MicroUsd::ZERO,
        tokens: Tokens::default(),
    }
}

/// Mends the cause that stands in the function of the innermost place; `word` takes its place.
pub(crate) fn mend(word: &'static str) -> Scripted {
    let script = move |ask: &Ask<'_>| {
        let function = ask.failure.message().split(' ').next().unwrap_or_default().to_owned();
        let Some((path, file)) = ask.files.iter().next() else { return Ok(Vec::new()) };
        let text = String::from_utf8_lossy(&file.content).into_owned();
        // A cause may have another name than the function that fails; then it is the first one left.
        let own = format!("BROKEN_{function}");
        let target = if text.contains(&own) {
            own
        } else {
            match text.split_whitespace().find(|word| word.starts_with("BROKEN_")) {
                Some(found) => found.to_owned(),
                None => return Ok(Vec::new()),
            }
        };
        Ok(vec![proposal(ask, &[(path.as_str(), text.replace(&target, word))])])
    };
    Scripted { cost: MicroUsd::ZERO, script: Arc::new(script) }
}
