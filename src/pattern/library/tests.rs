//! How libraries are read, laid over each other and searched. Layer 1.

use std::fmt::Write as _;

use super::*;
use crate::pattern::checked::tests::SOUND;

fn exception(type_name: &str, message: &str) -> Exception {
    Exception { type_name: type_name.to_owned(), message: message.into(), frames: Vec::new() }
}

fn file(id: &str, text: &str) -> (String, String) {
    (format!("shared/patterns/python/{id}.yml"), text.replace("py-guard-none", id))
}

fn ids(library: &Library, exception: &Exception) -> Vec<String> {
    library.matching(exception).into_iter().map(|(pattern, _)| pattern.id().to_owned()).collect()
}

#[test]
fn the_embedded_library_can_be_read() {
    assert!(Library::builtin().patterns().all(|pattern| !pattern.id().is_empty()));
}

#[test]
fn a_failure_finds_the_patterns_of_its_type_and_message() -> Result<(), Vec<Problem>> {
    let typed = SOUND
        .replace("  message: [\"'NoneType' object has no attribute '{name:ident}'\"]\n", "")
        .replace("{name}", "x");
    let library = Library::from_files(&[file("py-a", SOUND), file("py-b", SOUND), file("py-c", &typed)])?;
    let failure = exception("builtins.AttributeError", "'NoneType' object has no attribute 'city'");
    let found = library.matching(&failure);
    assert_eq!(found.iter().map(|(p, _)| p.id()).collect::<Vec<_>>(), ["py-a", "py-b", "py-c"]);
    assert_eq!(found[0].1.get("name").map(String::as_str), Some("city"));
    assert_eq!(ids(&library, &exception("AttributeError", "other")), ["py-c"]);
    assert!(ids(&library, &exception("TypeError", "'NoneType' object has no attribute 'city'")).is_empty());
    assert!(ids(&Library::default(), &failure).is_empty());
    Ok(())
}

#[test]
fn of_one_id_the_operators_own_pattern_counts_and_the_others_stay() -> Result<(), Vec<Problem>> {
    let base = Library::from_files(&[file("py-a", SOUND), file("py-b", SOUND)])?;
    let own = Library::from_files(&[file("py-b", &SOUND.replace("title: A", "title: My a")), file("py-c", SOUND)])?;
    let both = base.merged(&own);
    let titles: Vec<_> = both.patterns().map(|p| (p.id(), p.record().title.starts_with("My"))).collect();
    assert_eq!(titles, [("py-a", false), ("py-b", true), ("py-c", false)]);
    Ok(())
}

#[test]
fn problems_of_all_files_are_said_at_once_and_name_their_pattern() {
    let broken = SOUND.replace("rule: { pattern: \"return $OBJ.{name}\" }", "rule: { kind: no_such_kind }");
    let files =
        [file("py-b", &broken), file("py-a", &SOUND.replace("anchor: line", "anchor: word")), file("py-b", SOUND)];
    let problems = Library::from_files(&files).err().unwrap_or_default();
    let codes: Vec<_> = problems.iter().map(|p| (p.id.as_deref(), p.code)).collect();
    assert_eq!(
        codes,
        [(Some("py-a"), "pattern-unreadable"), (Some("py-b"), "pattern-duplicate"), (Some("py-b"), "pattern-rule"),],
        "{problems:#?}"
    );
}

#[test]
fn v_98_more_patterns_than_the_cap_are_refused_before_any_is_read() {
    let files = vec![(String::new(), String::new()); MAX_PATTERNS + 1];
    let problems = Library::from_files(&files).err().unwrap_or_default();
    assert_eq!(problems.iter().map(|p| p.code).collect::<Vec<_>>(), ["too-many-patterns"]);
}

#[test]
fn ten_thousand_patterns_are_searched_by_what_a_message_says() -> Result<(), Vec<Problem>> {
    let one = Pattern::from_yaml("a.yml", SOUND)?;
    let mut patterns = Vec::new();
    for at in 0..MAX_PATTERNS {
        let mut record = one.record().clone();
        record.id = format!("py-{at}");
        let mut words = String::new();
        let _infallible = write!(words, "no such thing {at} as '{{name:ident}}'");
        record.signature.message = vec![words];
        patterns.push(Pattern::from_record(record)?);
    }
    let library = Library::from_patterns(patterns, &mut Vec::new());
    let found = ids(&library, &exception("AttributeError", "no such thing 9876 as 'x'"));
    assert_eq!(found, ["py-9876"]);
    Ok(())
}
