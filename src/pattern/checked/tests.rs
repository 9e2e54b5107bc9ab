//! What records are read, and which are refused with which words. Layer 1.

use super::*;

/// A small sound pattern, for tests to bend.
pub(crate) const SOUND: &str = r#"
id: py-guard-none
title: Attribute of a value that can be None
why: "`{name}` is read from None."
languages: [python]
signature:
  exception: [AttributeError]
  message: ["'NoneType' object has no attribute '{name:ident}'"]
where: { anchor: line }
rewrite:
  - kind: ast-grep
    rule: { pattern: "return $OBJ.{name}" }
    fix: "return $OBJ.{name} if $OBJ is not None else None"
examples:
  positive:
    - message: "'NoneType' object has no attribute 'city'"
      exception: AttributeError
      line: 2
      before: |
        def f(user):
            return user.city
      after: |
        def f(user):
            return user.city if user is not None else None
"#;

fn problems(text: &str) -> Vec<Problem> {
    Pattern::from_yaml("py-guard-none.yml", text).err().unwrap_or_default()
}

fn bent(from: &str, to: &str) -> String {
    assert!(SOUND.contains(from), "{from}");
    SOUND.replacen(from, to, 1)
}

#[test]
fn a_sound_record_is_read_and_its_digest_follows_its_content() -> Result<(), Vec<Problem>> {
    let a = Pattern::from_yaml("a.yml", SOUND)?;
    let b = Pattern::from_yaml("b.yml", &format!("# a comment\n{SOUND}"))?;
    let c = Pattern::from_yaml("c.yml", &bent("title: A", "title: An a"))?;
    assert_eq!(a.digest(), b.digest());
    assert_ne!(a.digest(), c.digest());
    assert!(a.digest().starts_with("sha256:") && a.digest().len() == 71);
    assert_eq!(a.record().confidence.prior, (9.0, 1.0));
    Ok(())
}

#[test]
fn a_record_round_trips_through_json_with_the_same_digest() -> Result<(), Box<dyn std::error::Error>> {
    let pattern = Pattern::from_yaml("a.yml", SOUND).map_err(|_| "unread")?;
    let json = serde_json::to_string(pattern.record())?;
    let again = Pattern::from_record(serde_json::from_str(&json)?).map_err(|_| "unread")?;
    assert_eq!(pattern.digest(), again.digest());
    Ok(())
}

#[test]
fn all_problems_of_a_record_are_said_at_once_with_their_lines() {
    let text = bent("id: py-guard-none", "id: Bad_Id")
        .replace("title: Attribute of a value that can be None", "title: ''")
        .replace("[python]", "[python, ruby]");
    let found = problems(&text);
    let lines: Vec<_> = found.iter().map(|problem| (problem.code, problem.place.line)).collect();
    assert_eq!(
        lines,
        [("pattern-id", Some(2)), ("pattern-title", Some(3)), ("pattern-language", Some(5))],
        "{found:#?}"
    );
}

#[test]
fn a_file_that_is_no_record_is_refused_with_its_place() {
    let found = problems(&bent("languages:", "langauges:"));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].code, "pattern-unreadable");
    assert!(found[0].place.line.is_some() && found[0].message.contains("langauges"), "{found:#?}");
    assert_eq!(found[0].id.as_deref(), Some("py-guard-none"));
    for text in ["", "[", "a: {", "- 1", &"[".repeat(100_000), &"x".repeat(MAX_FILE + 1)] {
        assert_eq!(problems(text).len(), 1);
    }
}

#[test]
fn v_93_regular_expressions_that_are_too_large_name_their_pattern() {
    for hostile in ["(?:a{1000}){1000}", "(?=a)", r"(a)\\1", "("] {
        let text = bent(
            r#"rule: { pattern: "return $OBJ.{name}" }"#,
            &format!("rule: {{ kind: identifier, regex: \"{hostile}\" }}"),
        );
        let found = problems(&text);
        assert!(found.iter().any(|problem| problem.code == "pattern-rule"), "{hostile}: {found:#?}");
        assert!(found.iter().all(|problem| problem.to_string().contains("py-guard-none")), "{found:#?}");
    }
    // Linear in this engine, so it is allowed.
    let text = bent(
        r#"rule: { pattern: "return $OBJ.{name}" }"#,
        "rule: { pattern: $OBJ, kind: identifier, regex: \"(a+)+$\" }",
    );
    assert_eq!(problems(&text), []);
}

#[test]
fn text_of_a_message_that_is_no_name_never_reaches_code() {
    let text = bent("'{name:ident}'", "'{name}'");
    let found = problems(&text);
    assert!(found.iter().any(|p| p.code == "pattern-rule" && p.message.contains("{name}")), "{found:#?}");
}

#[test]
fn a_signature_that_fits_everything_is_refused() {
    let text = bent("  exception: [AttributeError]\n", "")
        .replace("  message: [\"'NoneType' object has no attribute '{name:ident}'\"]\n", "  message: []\n");
    assert!(problems(&text).iter().any(|p| p.code == "pattern-signature"));
    let text = bent("[\"'NoneType' object has no attribute '{name:ident}'\"]", "['{name:ident}']");
    assert!(problems(&text).iter().any(|p| p.code == "pattern-message"));
}

#[test]
fn path_globs_decide_which_files_it_may_change() -> Result<(), Box<dyn std::error::Error>> {
    let text = bent(
        "where: { anchor: line }",
        "where: { anchor: line, paths: { include: ['src/**'], exclude: ['**/*_test.py'] } }",
    );
    let pattern = Pattern::from_yaml("a.yml", &text).map_err(|p| format!("{p:?}"))?;
    for (path, covered) in [("src/a.py", true), ("src/b/a.py", true), ("lib/a.py", false), ("src/a_test.py", false)] {
        assert_eq!(pattern.covers(&path.parse()?), covered, "{path}");
    }
    assert!(
        problems(&bent("anchor: line", "anchor: line, paths: { exclude: ['a{'] }"))
            .iter()
            .any(|p| p.code == "pattern-paths")
    );
    Ok(())
}
