//! Similarity: scores, vetoes and groups.

use std::collections::BTreeSet;

use crate::fingerprint::{
    Components, Frequencies, Relation, family_score, fast, group_score, identify, jaccard, relation,
};
use crate::model::{Language, Sketch};

use super::failure;

fn trace(names: &str) -> Vec<(String, u32)> {
    (1..).zip(names.chars()).map(|(place, name)| (name.to_string(), place)).collect()
}

fn near(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-9
}

#[test]
fn equal_traces_agree_wholly_and_strange_ones_not_at_all() {
    let none = Frequencies::default();
    assert!(near(fast(&trace("abc"), &trace("abc"), &none), 1.0));
    assert!(near(fast(&trace("abc"), &trace("xyz"), &none), -1.0));
    assert!(near(fast(&[], &[], &none), 0.0));
}

#[test]
fn weights_follow_the_published_formula() {
    // w(a,1)=1, w(b,2)=1/2 against w(a,1)=1, w(c,2)=1/2: a agrees with 2, b and c take 1/2 each, of 3 in all.
    let none = Frequencies::default();
    assert!(near(fast(&trace("ab"), &trace("ac"), &none), (2.0 - 1.0) / 3.0));
    // A shift by one place costs exp(-0.05): w(a,1)=1, w(a,2)=1/2, and x takes 1.
    let shifted = (1.5 * (-0.05_f64).exp() - 1.0) / 2.5;
    assert!(near(fast(&trace("a"), &trace("xa"), &none), shifted));
}

#[test]
fn a_frame_that_every_failure_has_weighs_less() {
    let sketch = |names: &str| Sketch { frames: trace(names), ..Sketch::default() };
    let mut frequencies = Frequencies::default();
    for other in ["mx", "my", "mz", "mw"] {
        frequencies.add(&sketch(other));
    }
    let none = Frequencies::default();
    assert!(fast(&trace("ma"), &trace("mb"), &frequencies) < fast(&trace("ma"), &trace("mb"), &none));
    assert_eq!(frequencies.rarest(&sketch("amx")), ["x", "m"], "what nobody has finds nobody");
}

#[test]
fn relatives_are_found_and_strangers_vetoed() {
    let sketch = |language, name: &str, message: &str, frames: &[&str]| {
        Sketch::of(&Components::of(&failure(language, name, message, frames)))
    };
    let frames = ["a||src/a.py|1", "b||src/b.py|1", "c||src/c.py|1"];
    let one = sketch(Language::Python, "KeyError", "'x'", &frames);
    let near = sketch(Language::Python, "KeyError", "'y'", &["a||src/a.py|1", "b||src/b.py|1", "d||src/d.py|1"]);
    let none = Frequencies::default();
    let score = family_score(&one, &near, &none);
    assert_eq!((relation(score.value), score.veto), (Relation::Family, None), "{score:?}");
    for (other, veto) in [
        (sketch(Language::Ruby, "KeyError", "'x'", &frames), "languages"),
        (sketch(Language::Python, "ValueError", "'x'", &frames), "root types"),
        (sketch(Language::Python, "KeyError", "'x'", &["z||src/z.py|1"]), "no frame"),
    ] {
        let score = family_score(&one, &other, &none);
        assert!(score.veto.is_some_and(|why| why.contains(veto)) && score.value == 0.0, "{score:?}");
    }
    assert!(family_score(&one, &sketch(Language::Python, "RuntimeError", "'x'", &frames), &none).veto.is_none());
}

#[test]
fn a_sketch_keeps_the_throwing_frames_that_the_hash_drops() {
    let identity = identify(&failure(
        Language::Native,
        "SIGABRT",
        "",
        &["raise||/lib/libc.so.6|", "abort||/lib/libc.so.6|", "draw||src/grid.c|8"],
    ));
    assert_eq!(identity.components.contributing(), ["#draw"]);
    assert_eq!(Sketch::of(&identity.components).frames.len(), 3);
}

#[test]
fn saying_nothing_is_no_agreement() {
    let sketch = |names: &str| Sketch { frames: trace(names), ..Sketch::default() };
    let none = Frequencies::default();
    let score = family_score(&sketch("abcd"), &sketch("acxy"), &none);
    assert!(near(score.value, score.fast), "{score:?}");
}

#[test]
fn a_sketch_keeps_no_text_of_the_report_and_has_an_end() {
    let words = (0..500).map(|n| format!("word{n}x ")).collect::<String>();
    let frames: Vec<String> = (0..500).map(|n| format!("fn_{n}_secret||src/f{n}_secret.py|1")).collect();
    let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
    let message = format!("secret {words}");
    let sketch = Sketch::of(&Components::of(&failure(Language::Python, "SecretError", &message, &frames)));
    let written = serde_json::to_string(&sketch).expect("a sketch is plain data");
    assert!(!written.to_lowercase().contains("secret"), "{written}");
    assert!(written.len() < 4_000, "{}", written.len());
}

#[test]
fn a_group_scores_by_its_best_and_the_mean_of_its_best_five() {
    assert!(near(group_score(&[]), 0.0));
    assert!(near(group_score(&[0.8]), 0.8));
    assert!(near(group_score(&[0.0, 1.0, 0.5, 0.5, 0.5, 0.5, -1.0]), 0.5 + 0.5 * 0.6));
}

#[test]
fn words_are_compared_as_sets() {
    let set = |text: &str| text.split(' ').map(str::to_owned).collect();
    assert!(near(jaccard(&set("a b c"), &set("b c d")), 0.5));
    assert!(near(jaccard(&BTreeSet::new(), &BTreeSet::new()), 1.0));
}

#[test]
fn scores_are_symmetric() {
    let none = Frequencies::default();
    for (one, other) in [("abcab", "bca"), ("aab", "aba"), ("", "a")] {
        assert!(near(fast(&trace(one), &trace(other), &none), fast(&trace(other), &trace(one), &none)));
    }
}
