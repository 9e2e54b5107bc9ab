//! Which breaches of a pattern's contract are found, and how they are said. Layer 1.

use super::*;
use crate::pattern::checked::tests::SOUND;
use crate::pattern::problem::Severity;

const CONTRACT: &str = r#"  negative:
    - message: "'NoneType' object has no attribute 'city'"
      exception: AttributeError
      line: 2
      code: |
        def f(user):
            return user.town
      why: another attribute
  valid:
    - "def f(user):\n    x = user.city\n"
"#;

fn sound() -> String {
    format!("{SOUND}{CONTRACT}")
}

fn found(text: &str) -> Vec<(&'static str, Severity, String)> {
    let library = Library::from_files(&[("shared/patterns/python/py-guard-none.yml".to_owned(), text.to_owned())]);
    let library = library.expect("the pattern can be read");
    lint(&library).into_iter().map(|problem| (problem.code, problem.severity, problem.message)).collect()
}

fn only(text: &str, code: &str, words: &str) {
    let found = found(text);
    assert!(found.len() == 1 && found[0].0 == code && found[0].2.contains(words), "{code} {words}: {found:#?}");
}

fn bent(from: &str, to: &str) -> String {
    assert!(sound().contains(from), "{from}");
    sound().replacen(from, to, 1)
}

#[test]
fn a_pattern_that_keeps_its_contract_has_no_problems() {
    assert_eq!(found(&sound()), []);
}

#[test]
fn an_example_with_another_outcome_is_an_error_that_shows_the_outcome() {
    only(
        &bent("            return user.city if user is not None else None", "            return None"),
        "example-fails",
        "return user.city if",
    );
    only(&bent("line: 2\n      before", "line: 1\n      before"), "example-fails", "No rule matches");
    only(
        &bent(
            "exception: AttributeError\n      line: 2\n      before",
            "exception: TypeError\n      line: 2\n      before",
        ),
        "example-fails",
        "TypeError",
    );
    only(
        &bent(
            "attribute 'city'\"\n      exception: AttributeError\n      line: 2\n      before",
            "item 'city'\"\n      exception: AttributeError\n      line: 2\n      before",
        ),
        "example-fails",
        "No message template",
    );
    only(&bent("return user.town", "return user.city"), "example-fails", "It fires (another attribute)");
    only(&bent("    x = user.city", "    return user.city"), "example-fails", "fires on line 2 of valid code");
}

#[test]
fn a_rule_that_leans_on_the_failure_alone_is_a_warning_in_valid_code() {
    let text = bent("    x = user.city", "    return user.city").replace("anchor: line", "anchor: function");
    let found = found(&text);
    assert_eq!(
        found.iter().map(|(code, severity, _)| (*code, *severity)).collect::<Vec<_>>(),
        [("example-bare-rule", Severity::Warning)]
    );
}

#[test]
fn a_fix_that_fits_again_is_named() {
    let text =
        bent("fix: \"return $OBJ.{name} if $OBJ is not None else None\"", "fix: \"if $OBJ:\\n    return $OBJ.{name}\"");
    only(&text, "example-fails", "not-idempotent");
}

#[test]
fn names_of_files_and_prefixes_of_ids_agree_with_the_pattern() {
    only(&bent("id: py-guard-none", "id: py-other"), "pattern-name", "py-guard-none.yml");
    let text = bent("id: py-guard-none", "id: go-guard-none");
    let found = found(&text);
    assert_eq!(found.iter().filter(|(code, ..)| *code == "pattern-name").count(), 2, "{found:#?}");
}

#[test]
fn two_patterns_that_do_the_same_are_found() {
    let other = sound().replace("py-guard-none", "py-guard-other");
    let files = [("py-guard-none.yml".to_owned(), sound()), ("py-guard-other.yml".to_owned(), other)];
    let library = Library::from_files(&files).expect("the patterns can be read");
    assert_eq!(lint(&library).iter().map(|problem| problem.code).collect::<Vec<_>>(), ["pattern-duplicate"]);
}

#[test]
fn a_pattern_without_examples_is_refused() {
    let text = SOUND.split("examples:").next().unwrap_or_default().to_owned() + "examples: {}\n";
    assert!(found(&text).iter().any(|(code, severity, _)| *code == "example-missing" && *severity == Severity::Error));
}

#[test]
fn tests_are_run_by_name_and_an_unknown_name_is_said() {
    let files = [("py-guard-none.yml".to_owned(), sound())];
    let library = Library::from_files(&files).expect("the pattern can be read");
    let reports = test(&library, &["py-guard-none".to_owned()]).unwrap_or_default();
    assert_eq!(reports.len(), 1);
    assert_eq!(
        reports[0].results.iter().map(|r| (r.kind, r.holds)).collect::<Vec<_>>(),
        [("positive", true), ("negative", true), ("valid", true)]
    );
    assert!(test(&library, &["none".to_owned()]).is_err_and(|problems| problems[0].code == "pattern-unknown"));
}
