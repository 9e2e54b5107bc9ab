//! What changed between two runs of the same tests, by name. Layer 1.
//!
//! Refuses to say whether that is good enough; the judge does.

use std::collections::BTreeSet;

use crate::model::{TestOutcome, TestRun};

/// How the tests of two runs differ; names are sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Fail now, and passed, were skipped or were not there before.
    pub newly_failing: Vec<String>,
    /// Ran before and are skipped now.
    pub skipped: Vec<String>,
    /// Ran before and are not in the output now.
    pub gone: Vec<String>,
    /// Fail before and now.
    pub still_failing: Vec<String>,
    /// Failed before and pass now.
    pub turned_green: BTreeSet<String>,
}

/// Compares two runs whose output names their tests.
pub fn compare(before: &TestRun, after: &TestRun) -> Comparison {
    use TestOutcome::{Failed, Passed, Skipped};
    let mut found = Comparison::default();
    for (name, was) in &before.tests {
        let name = name.clone();
        match (was, after.tests.get(&name)) {
            (Passed | Skipped, Some(Failed)) => found.newly_failing.push(name),
            (Passed | Failed, Some(Skipped)) => found.skipped.push(name),
            (Passed | Failed, None) => found.gone.push(name),
            (Failed, Some(Failed)) => found.still_failing.push(name),
            (Failed, Some(Passed)) => drop(found.turned_green.insert(name)),
            (Passed, Some(Passed)) | (Skipped, Some(Passed | Skipped) | None) => {}
        }
    }
    let unknown = after.with(Failed).filter(|name| !before.tests.contains_key(*name));
    found.newly_failing.extend(unknown.map(str::to_owned));
    found.newly_failing.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use TestOutcome::{Failed, Passed, Skipped};

    fn run(outcomes: &[(&str, TestOutcome)]) -> TestRun {
        TestRun { tests: outcomes.iter().map(|(n, o)| ((*n).to_owned(), *o)).collect(), ..TestRun::default() }
    }

    #[test]
    fn every_test_that_differs_is_named_once_and_where_it_belongs() {
        let before = run(&[
            ("a", Passed),
            ("b", Passed),
            ("c", Passed),
            ("d", Failed),
            ("e", Failed),
            ("f", Skipped),
            ("g", Failed),
            ("h", Skipped),
        ]);
        let after = run(&[("a", Failed), ("b", Skipped), ("d", Failed), ("e", Passed), ("f", Failed), ("new", Failed)]);
        let found = compare(&before, &after);
        assert_eq!(found.newly_failing, ["a", "f", "new"]);
        assert_eq!((found.skipped, found.gone), (vec!["b".to_owned()], vec!["c".to_owned(), "g".to_owned()]));
        assert_eq!(found.still_failing, ["d"]);
        assert_eq!(found.turned_green.into_iter().collect::<Vec<_>>(), ["e"]);
        assert_eq!(compare(&before, &before).newly_failing, Vec::<String>::new());
    }
}
