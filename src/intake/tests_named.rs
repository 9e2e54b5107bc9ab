//! Names of failing tests as test runners print them.
//!
//! It looks for lines that only a runner writes and keeps the names as written, in order, each once. Layer 1.

use std::collections::BTreeSet;

use crate::intake::clean::Line;
use crate::intake::trace::php;
use crate::model::Language;

/// The most names that are kept.
const MAX_TESTS: usize = 200;

/// A runner and the name of a test that failed in it.
type Named<'a> = (&'static str, &'a str);

/// Finds all names, and the runner of the first.
pub(crate) fn find(lines: &[Line<'_>]) -> (Vec<String>, Option<&'static str>) {
    let mut seen = BTreeSet::new();
    let mut names = Vec::new();
    let mut tool = None;
    for (at, line) in lines.iter().enumerate() {
        let found = named(line.text).map(|(tool, name)| (tool, name.to_owned())).or_else(|| numbered(lines, at));
        let Some((runner, name)) = found else { continue };
        if runner == "tap" && is_suite(&lines[at + 1..]) {
            continue;
        }
        let name = name.trim();
        if name.is_empty() || name.len() > 500 || names.len() >= MAX_TESTS {
            continue;
        }
        tool = tool.or(Some(runner));
        if seen.insert(name.to_owned()) {
            names.push(name.to_owned());
        }
    }
    // A parent in Go fails with its subtests; the subtests say more.
    if tool == Some("go-test") {
        let all = names.clone();
        names.retain(|name| {
            !all.iter().any(|other| other.strip_prefix(name.as_str()).is_some_and(|r| r.starts_with('/')))
        });
    }
    (names, tool)
}

fn named(text: &str) -> Option<Named<'_>> {
    if let Some(rest) = text.strip_prefix("FAILED ").or_else(|| text.strip_prefix("ERROR ")) {
        let id = rest.split(" - ").next().unwrap_or(rest);
        return (id.contains(".py::") && !id.contains(": ")).then_some(("pytest", id));
    }
    if let Some(rest) = text.strip_prefix("--- FAIL: ") {
        return Some(("go-test", rest.split(' ').next()?));
    }
    if let Some(rest) = text.strip_prefix("test ") {
        let name = rest.strip_suffix(" ... FAILED")?;
        return Some(("cargo-test", name.split(" - should panic").next()?));
    }
    if let Some(rest) = text.strip_prefix("FAIL: ").or_else(|| text.strip_prefix("ERROR: ")) {
        return unittest(rest);
    }
    if let Some(rest) = text.strip_prefix("● ") {
        return (rest.contains(" › ")).then_some(("jest", rest));
    }
    if let Some(rest) = text.strip_prefix("✖ ") {
        let name = rest.rsplit_once(" (").filter(|(_, time)| time.ends_with("ms)")).map(|(name, _)| name)?;
        return Some(("node-test", name));
    }
    if let Some(rest) = text.strip_prefix("FAIL ") {
        return (rest.contains(" > ")).then_some(("vitest", rest.trim()));
    }
    if let Some(rest) = text.strip_prefix("not ok ") {
        let (number, name) = rest.split_once(" - ")?;
        let expected = name.contains("# TODO") || name.contains("# SKIP");
        return (!expected && number.bytes().all(|b| b.is_ascii_digit())).then_some(("tap", name));
    }
    if let Some(rest) = text.strip_prefix("Failed ") {
        let (name, time) = rest.split_once(" [")?;
        return (time.ends_with("s]") && name.contains('.')).then_some(("dotnet-test", name));
    }
    if let Some(name) = php::unit_test(text) {
        return Some(("phpunit", name));
    }
    if let Some(rest) = text.strip_prefix("rspec ./") {
        let (_, place) = text.split_once(' ')?;
        return rest.contains(" # ").then(|| ("rspec", place.split(" # ").next().unwrap_or(place)));
    }
    if let Some(rest) = text.strip_suffix(" FAILED") {
        return (rest.contains(" > ") && rest.ends_with(')')).then_some(("gradle", rest));
    }
    None
}

/// In TAP a suite fails after its tests, which are the ones to name.
fn is_suite(block: &[Line<'_>]) -> bool {
    let mut block = block.iter().take(12).take_while(|line| line.text != "...");
    block.any(|line| line.text == "failureType: 'subtestsFailed'")
}

/// `1) Suite`, deeper suites and `name:` below it, as mocha lists failures; `1) Failure:` and the name, as minitest.
fn numbered(lines: &[Line<'_>], at: usize) -> Option<(&'static str, String)> {
    let first = &lines[at];
    let (number, title) = first.text.split_once(") ")?;
    if number.is_empty() || number.len() > 4 || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    if matches!(title, "Error:" | "Failure:") {
        let name = lines.get(at + 1)?.text.split([' ', ':']).next()?;
        return name.contains('#').then(|| ("minitest", name.to_owned()));
    }
    let mut name = title.to_owned();
    for line in lines[at + 1..].iter().take(6) {
        if name.ends_with(':') || line.is_blank() || line.indent <= first.indent {
            break;
        }
        name.push(' ');
        name.push_str(line.text);
    }
    // Any numbered list may end in a colon; mocha leaves a blank line before the error.
    let name = name.strip_suffix(':')?;
    (name.len() < 300 && first.indent >= 2).then(|| ("mocha", name.to_owned()))
}

/// Returns the language that the tests' names tell by their file.
pub(crate) fn language(tests: &[String]) -> Option<Language> {
    let file = |name: &String| {
        let file = name.split("::").next().unwrap_or(name);
        Language::of_path(file.split(" > ").next().unwrap_or(file).trim())
    };
    tests.iter().find_map(file)
}

/// `test_total (tests.test_cart.CartTest.test_total)`, and without the last part in older versions.
fn unittest(rest: &str) -> Option<Named<'_>> {
    let (name, place) = rest.split_once(" (")?;
    let place = place.split(')').next()?;
    let plain = |text: &str| text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
    if !plain(name) || !plain(place) || name.is_empty() {
        return None;
    }
    let whole = place.ends_with(name) && place.contains('.');
    // The older form lacks the method: both parts together name the test as they stand.
    Some(("unittest", if whole { place } else { rest.split_inclusive(')').next()? }))
}
