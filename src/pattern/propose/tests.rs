//! Which candidates are proposed, in what order, and when none. Layer 1.

use super::*;
use crate::model::Exception;
use crate::pattern::checked::tests::SOUND;
use crate::pattern::confidence::Outcome;

const CHAIN: &str = r#"
id: js-chain
title: Chain
why: "`{prop}` is read from undefined."
languages: [javascript]
signature:
  exception: [TypeError]
  message: ["(reading '{prop:ident}')"]
where: { anchor: line }
rewrite:
  - kind: ast-grep
    rule: { pattern: "$OBJ.{prop}", kind: member_expression, not: { has: { kind: optional_chain } } }
    fix: "$OBJ?.{prop}"
examples: { positive: [] }
"#;

type Files<'a> = &'a [(&'a str, &'a str)];

fn library(texts: &[&str]) -> Library {
    let files: Vec<_> = texts.iter().enumerate().map(|(at, text)| (format!("{at}.yml"), (*text).to_owned())).collect();
    Library::from_files(&files).expect("the patterns are sound")
}

fn failure(type_name: &str, message: &str) -> Failure {
    Failure {
        chain: vec![Exception { type_name: type_name.to_owned(), message: message.into(), frames: Vec::new() }],
        ..Failure::default()
    }
}

fn spot(path: &str, line: u32) -> Spot {
    Spot { path: path.parse().expect("a legal path"), line: Some(line), column: None, function: None }
}

fn run(
    library: &Library,
    failure: &Failure,
    files: Files<'_>,
    spots: &[Spot],
    change: impl Fn(&mut Options<'_>),
) -> Proposed {
    let statistics = Statistics::default();
    let mut options =
        Options { red_target: false, draft_threshold: 0.5, statistics: &statistics, now: Timestamp::default() };
    change(&mut options);
    let text_of =
        |path: &RepoPath| files.iter().find(|(name, _)| *name == path.as_str()).map(|(_, text)| (*text).to_owned());
    propose(library, failure, &text_of, spots, &options)
}

fn afters(proposed: &Proposed) -> Vec<&str> {
    proposed.proposals.iter().map(|proposal| proposal.after.as_str()).collect()
}

fn undefined() -> Failure {
    failure("TypeError", "Cannot read properties of undefined (reading 'name')")
}

#[test]
fn a_failure_gets_the_change_at_its_line_with_words_and_confidence() {
    let text = "function f(u) {\n  // é\n  return u.p.name;\n}\n";
    let proposed = run(&library(&[CHAIN]), &undefined(), &[("a.js", text)], &[spot("a.js", 3)], |_| {});
    assert_eq!(afters(&proposed), ["function f(u) {\n  // é\n  return u.p?.name;\n}\n"]);
    let only = &proposed.proposals[0];
    assert_eq!((only.line, only.hits, only.unique, only.why.as_str()), (3, 1, true, "`name` is read from undefined."));
    assert!((only.confidence - 0.8095).abs() < 1e-3 && only.score <= only.confidence);
}

#[test]
fn an_empty_library_matches_nothing_and_harms_nothing() {
    let proposed = run(&Library::default(), &undefined(), &[("a.js", "u.p.name;\n")], &[spot("a.js", 1)], |_| {});
    assert_eq!(proposed, Proposed::default());
}

#[test]
fn hits_elsewhere_in_the_function_are_left_alone_and_counted() {
    let text = "function f(u) {\n  g(u.p.name);\n  return u.q.name;\n}\nh.name;\n";
    let proposed = run(&library(&[CHAIN]), &undefined(), &[("a.js", text)], &[spot("a.js", 3)], |_| {});
    assert_eq!(afters(&proposed), ["function f(u) {\n  g(u.p.name);\n  return u.q?.name;\n}\nh.name;\n"]);
    assert_eq!((proposed.proposals[0].hits, proposed.proposals[0].unique), (2, false));
}

#[test]
fn of_several_matches_on_a_line_the_reported_column_comes_first() {
    let text = "f(a.name, b.name);\n";
    let at = |column| Spot { column, ..spot("a.js", 1) };
    for (column, first) in
        [(Some(5), "f(a?.name, b.name);\n"), (Some(13), "f(a.name, b?.name);\n"), (None, "f(a?.name, b.name);\n")]
    {
        let proposed = run(&library(&[CHAIN]), &undefined(), &[("a.js", text)], &[at(column)], |_| {});
        assert_eq!(proposed.proposals.len(), 2);
        assert_eq!(afters(&proposed)[0], first, "{column:?}");
    }
}

#[test]
fn protocol_6_2_without_a_line_the_named_function_is_searched_and_must_be_the_only_one() {
    let text = "function f(u) {\n  return u.p.name;\n}\nfunction g(u) {\n  return u.p.name;\n}\n";
    let named = |name: &str| Spot { line: None, function: Some(name.to_owned()), ..spot("a.js", 1) };
    let proposed = run(&library(&[CHAIN]), &undefined(), &[("a.js", text)], &[named("Object.g")], |_| {});
    assert_eq!(proposed.proposals.iter().map(|p| (p.line, p.unique)).collect::<Vec<_>>(), [(5, true)]);
    for name in ["h", ""] {
        let proposed = run(&library(&[CHAIN]), &undefined(), &[("a.js", text)], &[named(name)], |_| {});
        assert_eq!(proposed.proposals, []);
    }
    let twice = format!("{text}class A {{ g() {{}} }}\n");
    let proposed = run(&library(&[CHAIN]), &undefined(), &[("a.js", &twice)], &[named("g")], |_| {});
    assert_eq!(proposed.proposals, []);
}

#[test]
fn equal_results_of_two_patterns_are_one_candidate_that_names_both() {
    let other = CHAIN.replace("js-chain", "js-other").replace("title: Chain", "title: Other");
    let text = "u.p.name;\n";
    let proposed = run(&library(&[CHAIN, &other]), &undefined(), &[("a.js", text)], &[spot("a.js", 1)], |_| {});
    assert_eq!(proposed.proposals.len(), 1);
    assert_eq!(
        (proposed.proposals[0].pattern.as_str(), proposed.proposals[0].also.as_slice()),
        ("js-chain", &["js-other".to_owned()][..])
    );
}

#[test]
fn candidates_that_disagree_share_their_score_and_keep_one_order() {
    let other = CHAIN.replace("js-chain", "js-other").replace("fix: \"$OBJ?.{prop}\"", "fix: \"$OBJ['{prop}']\"");
    let both = library(&[CHAIN, &other]);
    let text = "u.p.name;\n";
    let proposed = run(&both, &undefined(), &[("a.js", text)], &[spot("a.js", 1)], |_| {});
    let alone = run(&library(&[CHAIN]), &undefined(), &[("a.js", text)], &[spot("a.js", 1)], |_| {});
    assert_eq!(proposed.proposals.iter().map(|p| p.pattern.as_str()).collect::<Vec<_>>(), ["js-chain", "js-other"]);
    assert!((proposed.proposals[0].score * 2.0 - alone.proposals[0].score).abs() < 1e-9);
    assert_eq!(proposed, run(&both, &undefined(), &[("a.js", text)], &[spot("a.js", 1)], |_| {}));
}

#[test]
fn a_pattern_below_the_draft_threshold_or_suspended_does_not_fire() {
    let text = "u.p.name;\n";
    let library = library(&[CHAIN]);
    let low =
        run(&library, &undefined(), &[("a.js", text)], &[spot("a.js", 1)], |options| options.draft_threshold = 0.9);
    assert_eq!((low.proposals.len(), low.low_confidence.as_slice()), (0, &["js-chain".to_owned()][..]));
    let mut statistics = Statistics::default();
    let digest = library.get("js-chain").map(|pattern| pattern.digest().to_owned()).unwrap_or_default();
    statistics.note("js-chain", &digest, Outcome::Reverted, Timestamp::default());
    let options =
        Options { red_target: false, draft_threshold: 0.0, statistics: &statistics, now: Timestamp::default() };
    let proposed = propose(&library, &undefined(), &|_| Some(text.to_owned()), &[spot("a.js", 1)], &options);
    assert_eq!(proposed, Proposed::default());
}

#[test]
fn a_pattern_that_asks_for_a_red_target_waits_for_one() {
    let asking = CHAIN.replace("signature:\n", "signature:\n  requires_red_target: true\n");
    let library = library(&[&asking]);
    let files: Files<'_> = &[("a.js", "u.p.name;\n")];
    let without = run(&library, &undefined(), files, &[spot("a.js", 1)], |_| {});
    assert_eq!((without.proposals.len(), without.needs_red_target.as_slice()), (0, &["js-chain".to_owned()][..]));
    assert_eq!(run(&library, &undefined(), files, &[spot("a.js", 1)], |o| o.red_target = true).proposals.len(), 1);
}

#[test]
fn a_wrapping_exception_finds_the_pattern_of_its_cause_and_the_other_way_round() {
    let mut chained = failure("Error", "request failed");
    chained.chain.extend(undefined().chain);
    let files: Files<'_> = &[("a.js", "u.p.name;\n")];
    assert_eq!(run(&library(&[CHAIN]), &chained, files, &[spot("a.js", 1)], |_| {}).proposals.len(), 1);
    chained.chain.reverse();
    assert_eq!(run(&library(&[CHAIN]), &chained, files, &[spot("a.js", 1)], |_| {}).proposals.len(), 1);
}

#[test]
fn other_languages_missing_files_and_lines_past_the_end_give_nothing() {
    let library = library(&[CHAIN, SOUND]);
    for (path, line) in [("a.py", 1), ("b.js", 1), ("a.js", 99), ("a.js", 0), ("a.txt", 1)] {
        let proposed = run(
            &library,
            &undefined(),
            &[("a.js", "u.p.name;\n"), ("a.py", "u.p.name\n")],
            &[spot(path, line)],
            |_| {},
        );
        assert_eq!(proposed.proposals, [], "{path}:{line}");
    }
}

#[test]
fn hostile_sources_are_said_and_left_alone() {
    let deep = "(".repeat(100_000);
    let nested = format!("x{};\n", ".name".repeat(2000));
    let long = format!("{}u.p.name;\n", " ".repeat(2 << 20));
    for text in [&deep, &nested, &long] {
        let proposed = run(&library(&[CHAIN]), &undefined(), &[("a.js", text)], &[spot("a.js", 1)], |_| {});
        assert_eq!((proposed.proposals.len(), proposed.unread.len()), (0, 1));
    }
}

#[test]
fn a_hostile_message_never_becomes_code() {
    for name in ["$OBJ", "name'); evil('", "$$$ARGS"] {
        let failure = failure("TypeError", &format!("x (reading '{name}')"));
        let proposed = run(&library(&[CHAIN]), &failure, &[("a.js", "u.p.name;\n")], &[spot("a.js", 1)], |_| {});
        let only_known = |after: &&str| **after == *"u.p?.name;\n";
        assert!(afters(&proposed).iter().all(only_known), "{name}: {proposed:#?}");
    }
}
