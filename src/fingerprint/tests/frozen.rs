//! The frozen corpus: no identity moves without a new version of the algorithm.

use serde::{Deserialize, Serialize};

use crate::fingerprint::{Components, identify};
use crate::model::{Failure, Family, Fingerprint};

const CORPUS: &str = include_str!("../../../tests/data/fingerprint/frozen.jsonl");

#[derive(Serialize, Deserialize)]
struct Case {
    name: String,
    failure: Failure,
    components: Components,
    fingerprint: Fingerprint,
    family: Family,
}

#[derive(Deserialize)]
struct Input {
    name: String,
    failure: Failure,
}

#[test]
fn no_identity_of_the_frozen_corpus_moves_without_a_new_algorithm() {
    let mut moved = Vec::new();
    let mut cases = 0;
    for line in CORPUS.lines() {
        let input: Input = serde_json::from_str(line).expect("a line of the corpus has a name and a failure");
        let identity = identify(&input.failure);
        let mut now = Case {
            name: input.name,
            failure: input.failure,
            components: identity.components,
            fingerprint: identity.fingerprint,
            family: identity.family,
        };
        // The hash of the tables is recorded with failures, and may change where no identity does.
        now.components.ruleset.clear();
        let text = serde_json::to_string(&now).expect("a case is written as JSON");
        if text != line {
            moved.push(text);
        }
        cases += 1;
    }
    assert!(cases >= 60, "the corpus has {cases} cases");
    // Each line stands ready to replace the old one, once `Fingerprint::ALGORITHM` has gone up.
    assert!(moved.is_empty(), "{} cases moved:\nFROZEN {}", moved.len(), moved.join("\nFROZEN "));
}

#[test]
fn stored_parts_give_the_identity_again_without_the_text() {
    for line in CORPUS.lines() {
        let Ok(case) = serde_json::from_str::<Case>(line) else { continue };
        assert_eq!(case.components.fingerprint(), case.fingerprint, "{}", case.name);
        assert_eq!(case.components.family(), case.family, "{}", case.name);
    }
}

#[test]
fn different_failures_of_the_corpus_have_different_identities() {
    // Pairs that are one failure in two wordings.
    let twins = ["js undefined property in Firefox's words", "ruby nil in newer words"];
    let mut seen = std::collections::BTreeMap::new();
    for line in CORPUS.lines() {
        let input: Input = serde_json::from_str(line).expect("a line of the corpus has a name and a failure");
        let fingerprint = identify(&input.failure).fingerprint;
        let other = seen.insert(fingerprint, input.name.clone());
        assert_eq!(other.is_some(), twins.contains(&input.name.as_str()), "{} and {other:?}", input.name);
    }
}
