//! One case of `pattern apply`: a message, a text and a line in; the text after out. Layer 1.

use serde::{Deserialize, Serialize};

use crate::model::{Exception, Failure, Language, RepoPath, Timestamp};
use crate::pattern::confidence::Statistics;
use crate::pattern::library::Library;
use crate::pattern::propose::{Options, Proposed, Spot, propose};

/// A place that a case reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct At {
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    #[serde(default)]
    pub column: Option<u32>,
}

/// One case, as a line of JSON gives it; other keys are left aside.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Case {
    /// Its name.
    #[serde(default)]
    pub id: Option<String>,
    /// The language of the text.
    pub language: Language,
    /// The message.
    pub message: String,
    /// The exception's type.
    #[serde(default)]
    pub exception: Option<String>,
    /// The text before.
    #[serde(alias = "code")]
    pub before: String,
    /// The reported line; else see `errors`.
    #[serde(default)]
    pub line: Option<u32>,
    /// The reported column.
    #[serde(default)]
    pub column: Option<u32>,
    /// Reported places.
    #[serde(default)]
    pub errors: Vec<At>,
}

/// One candidate of a case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AppliedCandidate {
    /// The text after.
    pub after: String,
    /// The pattern.
    pub pattern: String,
    /// Its confidence.
    pub confidence: f64,
}

/// The answer to a case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Applied {
    /// The case's name.
    pub id: Option<String>,
    /// The best candidate's text.
    pub after: Option<String>,
    /// Every candidate, the best first.
    pub candidates: Vec<AppliedCandidate>,
}

/// Returns what a library makes of a case.
pub fn apply(library: &Library, case: &Case) -> Applied {
    let lines = case.line.map(|line| At { line, column: case.column }).into_iter().chain(case.errors.iter().copied());
    let proposed = replay(library, case.language, &case.before, case.exception.as_deref(), &case.message, lines, false);
    let candidates: Vec<_> = proposed
        .proposals
        .into_iter()
        .map(|p| AppliedCandidate { after: p.after, pattern: p.pattern, confidence: p.confidence })
        .collect();
    Applied { id: case.id.clone(), after: candidates.first().map(|c| c.after.clone()), candidates }
}

/// Returns the name of a file that holds a text of the language.
pub(crate) fn file_of(language: Language) -> Option<RepoPath> {
    let extension = match language {
        Language::JavaScript => "js",
        Language::TypeScript => "ts",
        Language::Tsx => "tsx",
        Language::Python => "py",
        Language::Rust => "rs",
        Language::Go => "go",
        Language::Java => "java",
        _ => return None,
    };
    format!("src/example.{extension}").parse().ok()
}

/// Proposes for one text as if it were a file of its own, with everything allowed that an example may need.
pub(crate) fn replay(
    library: &Library,
    language: Language,
    text: &str,
    exception: Option<&str>,
    message: &str,
    at: impl Iterator<Item = At>,
    red_target: bool,
) -> Proposed {
    let Some(path) = file_of(language) else { return Proposed::default() };
    let type_name = exception.unwrap_or_default().to_owned();
    let failure = Failure {
        language: Some(language),
        chain: vec![Exception { type_name, message: message.into(), frames: Vec::new() }],
        ..Failure::default()
    };
    let spots: Vec<Spot> =
        at.map(|at| Spot { path: path.clone(), line: Some(at.line), column: at.column, function: None }).collect();
    let statistics = Statistics::default();
    let options = Options { red_target, draft_threshold: 0.0, statistics: &statistics, now: Timestamp::default() };
    propose(library, &failure, &|_| Some(text.to_owned()), &spots, &options)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::checked::tests::SOUND;

    #[test]
    fn a_case_is_answered_with_the_best_candidate_or_none() -> Result<(), Box<dyn std::error::Error>> {
        let library = Library::from_files(&[("a.yml".to_owned(), SOUND.to_owned())]).map_err(|p| format!("{p:?}"))?;
        let case = |message: &str| {
            serde_json::from_value::<Case>(serde_json::json!({
                "id": "1", "class": "x", "language": "python", "exception": "AttributeError", "message": message,
                "before": "def f(user):\n    return user.city\n", "errors": [{"line": 2, "column": 12}],
            }))
        };
        let good = apply(&library, &case("'NoneType' object has no attribute 'city'")?);
        assert_eq!(good.after.as_deref(), Some("def f(user):\n    return user.city if user is not None else None\n"));
        assert_eq!(good.candidates.len(), 1);
        assert_eq!(apply(&library, &case("other")?).after, None);
        assert_eq!(apply(&Library::default(), &case("'NoneType' object has no attribute 'city'")?).candidates, []);
        Ok(())
    }
}
