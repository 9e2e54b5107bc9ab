//! Replays the contract that each pattern carries, and says where it does not hold. Layer 1.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::model::Language;
use crate::pattern::apply::{At, file_of, replay};
use crate::pattern::checked::Pattern;
use crate::pattern::library::Library;
use crate::pattern::problem::{Place, Problem};
use crate::pattern::propose::Proposed;
use crate::pattern::record::Reach;
use crate::pattern::rewrite::{Compiled, Source, Window};
use crate::pattern::signature::{Captures, last_segment};

/// What came of one example.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TestResult {
    /// `positive`, `negative` or `valid`.
    pub kind: &'static str,
    /// Its number among its kind, from 1.
    pub number: usize,
    /// Whether it held.
    pub holds: bool,
    /// What was wrong, where it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What came of the examples of one pattern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TestReport {
    /// The pattern.
    pub id: String,
    /// Its examples, in their order.
    pub results: Vec<TestResult>,
}

/// Returns what is wrong with any pattern of a library: rules, names, examples, near duplicates.
pub fn lint(library: &Library) -> Vec<Problem> {
    let mut problems = library.rule_problems();
    for pattern in library.patterns() {
        problems.extend(name_problems(pattern));
        problems.extend(coverage_problems(pattern));
        for result in replay_examples(pattern) {
            if let Some(message) = result.message {
                let place = place(pattern);
                let id = Some(pattern.id().to_owned());
                let message = format!("Example {} {} does not hold: {message}", result.kind, result.number);
                problems.push(if result.holds {
                    Problem::warning(id, "example-bare-rule", message, place)
                } else {
                    Problem::error(id, "example-fails", message, place)
                });
            }
        }
    }
    problems.extend(duplicates(library));
    problems.sort();
    problems
}

/// Replays the examples of the named patterns, of all where none is named; an unknown name is a problem.
///
/// # Errors
/// With one problem for each name that no pattern has.
pub fn test(library: &Library, ids: &[String]) -> Result<Vec<TestReport>, Vec<Problem>> {
    let unknown: Vec<Problem> = ids
        .iter()
        .filter(|id| library.get(id).is_none())
        .map(|id| {
            let message = "No pattern of the library has this id.".to_owned();
            Problem::error(Some(id.chars().take(80).collect()), "pattern-unknown", message, Place::default())
        })
        .collect();
    if !unknown.is_empty() {
        return Err(unknown);
    }
    let wanted = library.patterns().filter(|pattern| ids.is_empty() || ids.iter().any(|id| id == pattern.id()));
    Ok(wanted.map(|pattern| TestReport { id: pattern.id().to_owned(), results: replay_examples(pattern) }).collect())
}

fn place(pattern: &Pattern) -> Place {
    Place { file: pattern.file().map(str::to_owned), ..Place::default() }
}

/// Checks that file, folder and prefix of the id agree with what the pattern is for.
fn name_problems(pattern: &Pattern) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut say = |message: String| {
        problems.push(Problem::error(Some(pattern.id().to_owned()), "pattern-name", message, place(pattern)));
    };
    let prefix = pattern.id().split('-').next().unwrap_or_default();
    let allowed: Vec<&str> = pattern.record().languages.iter().copied().flat_map(prefixes).copied().collect();
    if !allowed.contains(&prefix) {
        say(format!("The id begins with {prefix:?}; its languages ask for one of {}.", allowed.join(", ")));
    }
    if let Some(file) = pattern.file() {
        let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        if stem != pattern.id() {
            say(format!("The file is named {name:?}, the pattern {:?}.", pattern.id()));
        }
    }
    problems
}

const fn prefixes(language: Language) -> &'static [&'static str] {
    match language {
        Language::JavaScript => &["js"],
        Language::TypeScript => &["ts", "js"],
        Language::Tsx => &["tsx", "ts", "js"],
        Language::Python => &["py"],
        Language::Rust => &["rs", "rust"],
        Language::Go => &["go"],
        Language::Java => &["java"],
        _ => &[],
    }
}

/// Asks for at least one example of what is solved, and for one of what is left alone.
fn coverage_problems(pattern: &Pattern) -> Vec<Problem> {
    let examples = &pattern.record().examples;
    let id = || Some(pattern.id().to_owned());
    let mut problems = Vec::new();
    if examples.positive.is_empty() {
        let message = "There is no positive example; nothing shows what the pattern does.".to_owned();
        problems.push(Problem::error(id(), "example-missing", message, place(pattern)));
    }
    if examples.negative.is_empty() && examples.valid.is_empty() {
        let message = "There is neither a negative nor a valid example; nothing shows what it leaves alone.".to_owned();
        problems.push(Problem::warning(id(), "example-missing", message, place(pattern)));
    }
    problems
}

/// Finds patterns with the same signature and the same rewrites.
fn duplicates(library: &Library) -> Vec<Problem> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    let mut problems = Vec::new();
    for pattern in library.patterns() {
        let record = pattern.record();
        let key = serde_json::to_string(&(&record.languages, &record.signature, &record.place, &record.rewrite));
        let Ok(key) = key else { continue };
        match seen.get(&key) {
            Some(other) => {
                let message = format!("It does what {other} does.");
                let id = Some(pattern.id().to_owned());
                problems.push(Problem::error(id, "pattern-duplicate", message, place(pattern)));
            }
            None => {
                seen.insert(key, pattern.id());
            }
        }
    }
    problems
}

fn replay_examples(pattern: &Pattern) -> Vec<TestResult> {
    let alone = Library::alone(&pattern.anywhere());
    let examples = &pattern.record().examples;
    let red = true;
    let mut results = Vec::new();
    let mut push = |kind, number, message: Option<String>, holds| {
        results.push(TestResult { kind, number, holds: holds || message.is_none(), message });
    };
    for (number, example) in (1..).zip(&examples.positive) {
        let at = At { line: example.line, column: example.column };
        let proposed = match language_of(pattern, &example.before) {
            Some(language) => replay(
                &alone,
                language,
                &example.before,
                example.exception.as_deref(),
                &example.message,
                std::iter::once(at),
                red,
            ),
            None => Proposed::default(),
        };
        let message = match proposed.proposals.first() {
            Some(top) if top.after == example.after => None,
            Some(top) => Some(format!("The best of {} candidates is:\n{}", proposed.proposals.len(), top.after)),
            None => Some(silence(pattern, &proposed, example.exception.as_deref(), &example.message)),
        };
        push("positive", number, message, false);
    }
    for (number, example) in (1..).zip(&examples.negative) {
        let Some(language) = language_of(pattern, &example.code) else { continue };
        let at = At { line: example.line, column: None };
        let exception = example.exception.as_deref();
        let proposed = replay(&alone, language, &example.code, exception, &example.message, std::iter::once(at), red);
        let message = proposed.proposals.first().map(|top| format!("It fires ({}):\n{}", example.why, top.after));
        push("negative", number, message, false);
    }
    for (number, code) in (1..).zip(&examples.valid) {
        // Without a failure a pattern with a line has no business there at all; others lean on the failure.
        let bare = pattern.record().place.anchor != Reach::Line;
        let message = bare_hit(pattern, code).map(|line| format!("The rule alone fires on line {line} of valid code."));
        push("valid", number, message, bare);
    }
    results
}

/// Says why an example has no candidate.
fn silence(pattern: &Pattern, proposed: &Proposed, exception: Option<&str>, message: &str) -> String {
    let signature = &pattern.record().signature;
    let name = last_segment(exception.unwrap_or_default());
    if !signature.exception.is_empty() && !signature.exception.iter().any(|known| known == name) {
        return format!("The signature does not name the exception {name:?}.");
    }
    if !pattern.templates().is_empty() && pattern.templates().iter().all(|t| t.captures(message).is_none()) {
        return "No message template fits.".to_owned();
    }
    if let Some((_, error)) = proposed.unread.first() {
        return format!("The text cannot be read: {error}.");
    }
    if let Some(problem) = proposed.problems.first() {
        return problem.message.clone();
    }
    match proposed.refused.first() {
        Some(refused) => {
            let why = serde_json::to_value(refused.why).unwrap_or_default();
            format!("A match on line {} is refused: {}.", refused.line, why.as_str().unwrap_or_default())
        }
        None => "No rule matches near the line.".to_owned(),
    }
}

/// Returns the first language of a pattern in which a text has no syntax error, else its first language.
fn language_of(pattern: &Pattern, text: &str) -> Option<Language> {
    let languages = &pattern.record().languages;
    let sound = |language: &&Language| {
        file_of(**language).is_some() && Source::new(**language, text).is_ok_and(|source| !source.is_flawed())
    };
    languages.iter().find(sound).or_else(|| languages.first()).copied()
}

/// Returns the line on which a rule fires without a failure, with the captures of any positive example.
fn bare_hit(pattern: &Pattern, code: &str) -> Option<u32> {
    let language = language_of(pattern, code)?;
    let source = Source::new(language, code).ok()?;
    let names = pattern.capture_names();
    let whole = Window::Bytes(0..code.len());
    let mut known: BTreeSet<Captures> = pattern
        .record()
        .examples
        .positive
        .iter()
        .filter_map(|example| pattern.templates().iter().find_map(|template| template.captures(&example.message)))
        .collect();
    known.insert(Captures::new());
    for captures in known {
        for rewrite in &pattern.record().rewrite {
            let Ok(compiled) = Compiled::new(rewrite, language, &captures, &names) else { continue };
            let hits = compiled.hits(&source, &whole).found;
            let safe = hits.iter().find(|hit| compiled.apply(&source, hit, pattern.record().limits).is_ok());
            if let Some(hit) = safe {
                return Some(hit.lines.0);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests;
