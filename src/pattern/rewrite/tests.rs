//! What rewriting keeps, and what it refuses. Layer 1.

use proptest::prelude::*;

use super::*;
use crate::pattern::record::RewriteKind;

fn rewrite(rule: &str, fix: &str) -> Rewrite {
    Rewrite {
        kind: RewriteKind::AstGrep,
        rule: serde_json::from_str(rule).unwrap_or_default(),
        constraints: None,
        utils: None,
        transform: None,
        fix: Value::String(fix.to_owned()),
    }
}

fn run(language: Language, rule: &str, fix: &str, text: &str, window: &Window) -> Vec<Result<String, Unsafe>> {
    let source = Source::new(language, text).expect("the text parses");
    let compiled = Compiled::new(&rewrite(rule, fix), language, &Captures::new(), &[]).expect("the rule compiles");
    compiled.hits(&source, window).found.iter().map(|hit| compiled.apply(&source, hit, EditLimits::default())).collect()
}

const ALL: Window = Window::Bytes(0..usize::MAX);

#[test]
fn formatting_around_a_match_and_comments_in_it_stay() {
    let text = "a  =  f( x, # why\n   y)   # keep\n";
    assert_eq!(
        run(Language::Python, r#"{"pattern":"f($$$A)"}"#, "g($$$A)", text, &ALL),
        [Ok("a  =  g(x, # why\n   y)   # keep\n".to_owned())]
    );
    assert_eq!(run(Language::Python, r#"{"pattern":"f($$$A)"}"#, "g()", text, &ALL), [Err(Unsafe::CommentLost)]);
}

#[test]
fn each_match_is_a_candidate_of_its_own_and_others_are_left_alone() {
    let text = "f(1);\nf(2);\n";
    let rule = r#"{"pattern":"f($A)"}"#;
    assert_eq!(
        run(Language::JavaScript, rule, "g($A)", text, &ALL),
        [Ok("g(1);\nf(2);\n".to_owned()), Ok("f(1);\ng(2);\n".to_owned())]
    );
    assert_eq!(run(Language::JavaScript, rule, "g($A)", text, &Window::Line(2)), [Ok("f(1);\ng(2);\n".to_owned())]);
    assert_eq!(run(Language::JavaScript, rule, "g($A)", text, &Window::Bytes(0..5)).len(), 1);
    assert_eq!(run(Language::JavaScript, rule, "g($A)", text, &Window::Line(9)), []);
}

#[test]
fn a_text_after_that_does_not_parse_is_refused() {
    assert_eq!(
        run(Language::JavaScript, r#"{"pattern":"f($A)"}"#, "g($A", "let a = f(1);\n", &ALL),
        [Err(Unsafe::SyntaxError)]
    );
}

#[test]
fn a_rule_that_would_fit_again_at_the_same_place_is_refused() {
    let call = r#"{"pattern":"f($A)"}"#;
    assert_eq!(run(Language::JavaScript, call, "await f($A)", "f(1);\n", &ALL), [Err(Unsafe::NotIdempotent)]);
    assert_eq!(run(Language::JavaScript, call, "f(f($A))", "f(1);\n", &ALL), [Err(Unsafe::NotIdempotent)]);
    assert_eq!(run(Language::JavaScript, call, "f($A)", "f(1);\n", &ALL), [Err(Unsafe::NoChange)]);
    // A match inside the match is another place.
    assert_eq!(
        run(Language::Python, r#"{"pattern":"get($A)"}"#, "get($A, None)", "get(get(1))\n", &ALL),
        [Ok("get(get(1), None)\n".to_owned()), Ok("get(get(1, None))\n".to_owned())]
    );
}

#[test]
fn a_change_past_the_limits_is_refused() {
    let text = format!("f({});\n", "1 + ".repeat(1000) + "1");
    let source = Source::new(Language::JavaScript, "f(1);\n").expect("the text parses");
    let big = Compiled::new(
        &rewrite(r#"{"pattern":"f($A)"}"#, &format!("g(\"{}\")", "x".repeat(3000))),
        Language::JavaScript,
        &Captures::new(),
        &[],
    )
    .expect("the rule compiles");
    let hits = big.hits(&source, &ALL).found;
    assert_eq!(big.apply(&source, &hits[0], EditLimits::default()), Err(Unsafe::OverLimit));
    // A small change around much text is small, but a tree as deep as this is not looked through.
    assert_eq!(Source::new(Language::JavaScript, &text).map(|_| ()), Err(SyntaxError::TooDeep));
}

#[test]
fn line_ends_of_the_file_are_kept() {
    assert_eq!(
        run(Language::Python, r#"{"pattern":"f($A)"}"#, "g(\n  $A)", "x = 1\r\nf(2)\r\n", &ALL),
        [Ok("x = 1\r\ng(\r\n  2)\r\n".to_owned())]
    );
}

#[test]
fn a_wrong_rule_says_what_is_wrong_with_it() {
    for (rule, word) in
        [(r#"{"kind":"no_such_kind"}"#, "no_such_kind"), (r#"{"patern":"x"}"#, "patern"), (r#"{"regex":"x"}"#, "kind")]
    {
        let error = Compiled::new(&rewrite(rule, "x"), Language::Go, &Captures::new(), &[]).err();
        assert!(matches!(&error, Some(CompileError::Rule(why)) if why.contains(word)), "{error:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the text, sound or broken, and whatever the fix: a candidate has no syntax error that was not there.
    #[test]
    fn rewriting_never_brings_in_a_syntax_error(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "f(a)", "f(a.b, c)", "(", ")", "{", "}", ";\n", " = ", "let x", "// n\n", "'s'", "`t${", "return ", "=> ", "é", "\n",
        ]), 0..25),
        fix in prop::sample::select(vec!["g($$$A)", "g($$$A", "($$$A) => {", "", "// $$$A", "{ $$$A }", "`$$$A`"]),
    ) {
        let text = pieces.concat();
        let Ok(source) = Source::new(Language::JavaScript, &text) else { return Ok(()) };
        let compiled = Compiled::new(&rewrite(r#"{"pattern":"f($$$A)"}"#, fix), Language::JavaScript, &Captures::new(), &[]);
        let Ok(compiled) = compiled else { return Ok(()) };
        for hit in compiled.hits(&source, &ALL).found {
            if let Ok(after) = compiled.apply(&source, &hit, EditLimits::default()) {
                prop_assert_eq!(syntax::new_errors(Language::JavaScript, &text, &after), Ok(Vec::new()));
            }
        }
    }
}

#[test]
fn v_94_a_rule_with_too_many_nodes_to_try_is_stopped_and_says_so() {
    let text = format!("function f() {{\n{}}}\n", "  g(a);\n".repeat(20_000));
    let source = Source::new(Language::JavaScript, &text).expect("the text parses");
    let rule = rewrite(r#"{"pattern":"g($A)","regex":"^h"}"#, "k($A)");
    let compiled = Compiled::new(&rule, Language::JavaScript, &Captures::new(), &[]).expect("the rule compiles");
    assert_eq!(compiled.hits(&source, &ALL), Hits { found: Vec::new(), complete: false });
    assert!(compiled.hits(&source, &Window::Line(7)).complete);
}
