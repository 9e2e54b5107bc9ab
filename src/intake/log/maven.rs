//! Maven's surefire and failsafe. Only failing tests have names there. Layer 1.

use crate::intake::clean::Line;
use crate::intake::log::found::{Found, digits};
use crate::intake::scan;
use crate::model::{Counts, TestOutcome};

pub(super) fn read(lines: &[Line<'_>]) -> Option<Found> {
    let mut found = Found::default();
    let mut classes = Counts::default();
    let mut recognised = false;
    let mut open: Option<(String, usize)> = None;
    let mut class: Option<&str> = None;
    for (at, line) in lines.iter().enumerate() {
        let text = line.text;
        let counted = counts(text);
        if let Some(name) = running(text) {
            class = Some(name);
        }
        // A test by its title alone is named with its class.
        let failed = failing(text).map(|name| match class {
            Some(class) if !name.contains('.') => format!("{class}.{name}"),
            _ => name,
        });
        if (counted.is_some() || failed.is_some() || ends_block(text))
            && let Some((name, start)) = open.take()
        {
            found.block(Some(name), start..at);
        }
        if let Some((counts, of_class)) = counted {
            recognised = true;
            if of_class {
                super::add(&mut classes, counts);
            } else {
                found.count(counts);
            }
        } else if let Some(name) = failed {
            found.add(&name, TestOutcome::Failed);
            open = Some((name, at + 1));
        }
    }
    if let Some((name, start)) = open {
        found.block(Some(name), start..lines.len());
    }
    for name in listed(lines) {
        if !found.tests.contains_key(&name) {
            found.add(&name, TestOutcome::Failed);
        }
    }
    if found.own.is_none() && recognised {
        // The last line is missing where the build was cut off.
        found.count(classes);
    }
    recognised.then_some(found)
}

/// `Tests run: 3, Failures: 1, Errors: 1, Skipped: 0`, of one class if a time follows.
fn counts(text: &str) -> Option<(Counts, bool)> {
    let rest = text.strip_prefix("Tests run: ")?;
    let (total, rest) = rest.split_once(", Failures: ")?;
    let (failures, rest) = rest.split_once(", Errors: ")?;
    let (errors, rest) = rest.split_once(", Skipped: ")?;
    let (skipped, rest) = rest.split_once(',').unwrap_or((rest, ""));
    let (total, skipped) = (digits(total.trim())?, digits(skipped.trim())?);
    let failed = digits(failures.trim())? + digits(errors.trim())?;
    Some((Counts { run: total.saturating_sub(skipped), failed, skipped }, rest.contains("Time elapsed")))
}

/// `Running com.acme.CartTest`, and the class at the end of its counts.
fn running(text: &str) -> Option<&str> {
    let counted = || text.strip_prefix("Tests run: ")?.rsplit_once(" in ").map(|(_, class)| class);
    let name = text.strip_prefix("Running ").or_else(counted)?.trim();
    (scan::is_name(name) && name.contains('.')).then_some(name)
}

/// `com.acme.CartTest.total  Time elapsed: 0.01 s  <<< FAILURE!`, older `total(com.acme.CartTest)  Time …`.
fn failing(text: &str) -> Option<String> {
    let (rest, _) = text.split_once("<<< ")?;
    let name = rest.split(" Time elapsed:").next()?.trim().trim_end_matches(" --").trim();
    if name.starts_with("Tests run:") || name.is_empty() {
        return None;
    }
    if let Some((method, class)) = name.strip_suffix(')').and_then(|n| n.rsplit_once('('))
        && class.contains(|c: char| c.is_alphabetic())
        && !method.contains('.')
    {
        return Some(format!("{class}.{method}"));
    }
    // A class whose set-up broke has no test to name.
    Some(name.to_owned())
}

/// Reads the list of older versions, where a class alone is said to have failed: `test(com.acme.CartTest): message`
/// below `Failed tests:`.
fn listed(lines: &[Line<'_>]) -> Vec<String> {
    let mut names = Vec::new();
    let mut open = false;
    for line in lines {
        let text = line.text;
        let rest = ["Failed tests:", "Tests in error:"].iter().find_map(|lead| text.strip_prefix(lead));
        open = rest.is_some() || open && line.indent > 0;
        if !open {
            continue;
        }
        // TestNG names the instance before the class.
        let text = rest.unwrap_or(text).trim();
        let (method, place) = text.split_once('(').unwrap_or((text, ""));
        let method = method.split(" on instance ").next().unwrap_or(method);
        let class = place.split(')').next().unwrap_or("");
        let sound = !method.is_empty() && !method.contains(' ') && scan::is_name(class) && class.contains('.');
        if sound {
            names.push(format!("{class}.{method}"));
        }
    }
    names
}

fn ends_block(text: &str) -> bool {
    text.starts_with("Running ") || text == "Results:" || text.starts_with("Results :") || text.starts_with("BUILD ")
}
