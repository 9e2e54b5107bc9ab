//! The shipped library as a whole: what it does when all patterns are asked at once.

use homeostat::model::{Exception, Failure, Language, RepoPath, Timestamp};
use homeostat::pattern::{Library, Options, Pattern, Proposed, Spot, Statistics, propose, syntax};

/// Returns the first of a pattern's languages in which the text has no syntax error.
fn language_of(pattern: &Pattern, text: &str) -> Language {
    let languages = &pattern.record().languages;
    let sound = |language: &&Language| syntax::error_nodes(**language, text).is_ok_and(|found| found.is_empty());
    *languages.iter().find(sound).unwrap_or(&languages[0])
}

fn path_of(language: Language) -> RepoPath {
    let extension = match language {
        Language::JavaScript => "js",
        Language::TypeScript => "ts",
        Language::Tsx => "tsx",
        Language::Python => "py",
        Language::Rust => "rs",
        Language::Go => "go",
        _ => "java",
    };
    format!("src/example.{extension}").parse().expect("a legal path")
}

fn ask(
    library: &Library,
    language: Language,
    text: &str,
    exception: Option<&str>,
    message: &str,
    lines: &[u32],
) -> Proposed {
    let failure = Failure {
        chain: vec![Exception {
            type_name: exception.unwrap_or_default().to_owned(),
            message: message.into(),
            frames: Vec::new(),
        }],
        ..Failure::default()
    };
    let spot = |line: &u32| Spot { path: path_of(language), line: Some(*line), column: None, function: None };
    let spots: Vec<_> = lines.iter().map(spot).collect();
    let statistics = Statistics::default();
    let options =
        Options { red_target: true, draft_threshold: 0.5, statistics: &statistics, now: Timestamp::default() };
    propose(library, &failure, &|_| Some(text.to_owned()), &spots, &options)
}

#[test]
fn every_example_is_solved_by_one_of_the_best_three_candidates_of_the_whole_library() {
    let library = Library::builtin();
    let mut missed = Vec::new();
    let (mut all, mut first) = (0, 0);
    for pattern in library.patterns() {
        for example in &pattern.record().examples.positive {
            let language = language_of(pattern, &example.before);
            let proposed = ask(
                library,
                language,
                &example.before,
                example.exception.as_deref(),
                &example.message,
                &[example.line],
            );
            all += 1;
            match proposed.proposals.iter().position(|proposal| proposal.after == example.after) {
                Some(0) => first += 1,
                Some(1 | 2) => {}
                place => {
                    let others: Vec<_> = proposed.proposals.iter().map(|p| p.pattern.as_str()).collect();
                    missed.push(format!("{} line {}: {place:?} among {others:?}", pattern.id(), example.line));
                }
            }
        }
    }
    assert!(missed.is_empty(), "{} of {all} ({first} first):\n{}", missed.len(), missed.join("\n"));
    assert!(first * 10 >= all * 9, "only {first} of {all} come first");
}

#[test]
fn whatever_is_proposed_on_any_line_brings_in_no_syntax_error() {
    let library = Library::builtin();
    for pattern in library.patterns() {
        for example in pattern.record().examples.positive.iter().take(2) {
            let language = language_of(pattern, &example.before);
            let exception = example.exception.as_deref();
            let lines: Vec<u32> = (1..).take(example.before.lines().count()).collect();
            for lines in lines.chunks(10) {
                let proposed = ask(library, language, &example.before, exception, &example.message, lines);
                for proposal in &proposed.proposals {
                    let found = syntax::new_errors(language, &proposal.before, &proposal.after);
                    assert_eq!(found, Ok(Vec::new()), "{} on {lines:?}", proposal.pattern);
                }
                assert_eq!(proposed.problems, [], "{}", pattern.id());
            }
        }
    }
}
