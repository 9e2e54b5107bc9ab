//! Judges how Homeostat is set up: facts in, findings out. Layer 1.
//!
//! One small function a check; a check that could not see its fact says so and never says that all is well. Refuses to look
//! at anything itself, and to mend.

mod labels;
mod machine;
mod operator;
mod protection;
mod repository;
#[cfg(test)]
mod sample;
mod token;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{Machine, OperatorSetup, Policy, RepoSlug, RepositorySetup, Seen, Timestamp, TokenSetup};

pub use labels::{WantedLabel, missing_labels, wanted_labels};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It was seen, and it is as it should be.
    Ok,
    /// Worth knowing; also what could not be seen.
    Note,
    /// It works, and less well or less safely than it could.
    Warning,
    /// Homeostat cannot do its work.
    Problem,
}

impl Severity {
    /// Returns its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    /// The check: stable, kebab-case, a heading of its guide.
    pub id: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// The repository, `machine`, `token` or `fleet`.
    #[serde(rename = "where")]
    pub place: String,
    /// What was found.
    pub what: String,
    /// Why it matters.
    pub why: String,
    /// How to mend it, with the page or the command; nothing where nothing is to be mended.
    pub mend: Option<String>,
    /// Whether `--fix` mends it.
    pub fixable: bool,
}

/// A check, ready to say what it found.
#[derive(Debug, Clone, Copy)]
struct Check<'a> {
    id: &'static str,
    place: &'a str,
    /// Why it matters.
    why: &'static str,
}

impl Check<'_> {
    fn say(&self, severity: Severity, what: impl Into<String>, mend: Option<String>) -> Finding {
        Finding {
            id: self.id,
            severity,
            place: self.place.to_owned(),
            what: what.into(),
            why: self.why.to_owned(),
            mend,
            fixable: false,
        }
    }

    fn ok(&self, what: impl Into<String>) -> Finding {
        self.say(Severity::Ok, what, None)
    }

    fn note(&self, what: impl Into<String>) -> Finding {
        self.say(Severity::Note, what, None)
    }

    fn warning(&self, what: impl Into<String>, mend: impl Into<String>) -> Finding {
        self.say(Severity::Warning, what, Some(mend.into()))
    }

    fn problem(&self, what: impl Into<String>, mend: impl Into<String>) -> Finding {
        self.say(Severity::Problem, what, Some(mend.into()))
    }

    /// Says that the fact could not be seen; never that all is well.
    fn unknown(&self, what: &str, because: &crate::model::Unseen) -> Finding {
        self.note(format!("{what} could not be seen: {}", because.because))
    }
}

/// One repository of the fleet, as configured and as seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Its settings.
    pub policy: Policy,
    /// How it is set up.
    pub seen: RepositorySetup,
    /// The command that runs its tests, configured or guessed.
    pub test_command: Seen<Option<String>>,
}

/// Everything that was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// What time it is, by the forge.
    pub now: Seen<Timestamp>,
    /// Where people look at repositories: `https://github.com`.
    pub server: String,
    /// The machine.
    pub machine: Machine,
    /// The token; nothing where the forge asks for none.
    pub token: Option<TokenSetup>,
    /// The repository whose workflow this is.
    pub own: Option<RepoSlug>,
    /// The operator's repository, where it is known and its forge has such things.
    pub operator: Option<(RepoSlug, OperatorSetup)>,
    /// How many reports of one repository a run reads.
    pub max_issues: u32,
    /// Whether private targets behind a public operator's repository are worked on.
    pub opaque: bool,
    /// The fleet.
    pub targets: Vec<Target>,
}

impl Facts {
    /// Returns the page of a repository's settings.
    fn page(&self, slug: &RepoSlug, rest: &str) -> String {
        format!("{}/{slug}/{rest}", self.server)
    }
}

/// Every check, in the order of the guide.
pub const IDS: &[&str] = &[
    "git-version",
    "ca-certificates",
    "sandbox-level",
    "models-unused",
    "token-refused",
    "token-kind",
    "token-scopes",
    "token-expiry",
    "token-reach",
    "rate-budget",
    "runs-started",
    "repository-seen",
    "repository-archived",
    "token-may-write",
    "reports",
    "base-branch",
    "test-command",
    "actions-enabled",
    "workflow-permissions",
    "pull-requests-permitted",
    "required-checks",
    "required-approvals",
    "conversation-resolution",
    "force-pushes",
    "linear-history",
    "signed-commits",
    "own-branches",
    "auto-merge",
    "branch-cleanup",
    "secret-scanning",
    "push-protection",
    "labels",
    "private-target",
    "environment",
    "schedule",
];

/// Judges everything that was seen; the findings of one place stand together, in the order of [`IDS`].
pub fn examine(facts: &Facts) -> Vec<Finding> {
    let mut findings = machine::checks(facts);
    findings.extend(token::checks(facts));
    for target in &facts.targets {
        findings.extend(repository::checks(facts, target));
        if target.seen.hosted.is_some() {
            findings.extend(protection::checks(facts, target));
            findings.extend(repository::hosted_checks(facts, target));
        }
        findings.extend(operator::private_target(facts, target));
    }
    findings.extend(operator::checks(facts));
    findings
}

/// Returns the worst of all severities.
pub fn worst(findings: &[Finding]) -> Severity {
    findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Ok)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::Unseen;

    #[test]
    fn a_fleet_that_is_set_up_well_has_no_warning_and_no_problem() {
        let findings = examine(&sample::facts());
        let bad: Vec<_> = findings.iter().filter(|one| one.severity > Severity::Note).collect();
        assert!(bad.is_empty(), "{bad:#?}");
        let said: BTreeSet<_> = findings.iter().map(|one| one.id).collect();
        let known: BTreeSet<_> = IDS.iter().copied().collect();
        assert!(said.is_subset(&known), "{:?}", said.difference(&known));
    }

    #[test]
    fn every_check_speaks_of_a_fleet_that_is_set_up_well_and_in_the_order_of_the_list() {
        let findings = examine(&sample::facts());
        let said: BTreeSet<_> = findings.iter().map(|one| one.id).collect();
        // These two are silent where there is nothing to say.
        let silent = ["token-refused", "private-target"];
        let missing: Vec<_> = IDS.iter().filter(|id| !said.contains(*id) && !silent.contains(id)).collect();
        assert!(missing.is_empty(), "{missing:?}");
        for pair in findings.windows(2).filter(|pair| pair[0].place == pair[1].place) {
            let at = |id: &str| IDS.iter().position(|known| *known == id);
            assert!(at(pair[0].id) < at(pair[1].id), "{} comes before {}", pair[0].id, pair[1].id);
        }
    }

    #[test]
    fn what_could_not_be_seen_is_never_ok() {
        let findings = examine(&sample::nothing_seen());
        for finding in &findings {
            // These were seen, whatever else was not.
            let seen = ["ca-certificates", "sandbox-level", "repository-seen", "pull-requests-permitted"];
            assert!(finding.severity > Severity::Ok || seen.contains(&finding.id), "{finding:?}");
        }
        let unseen = findings.iter().filter(|one| one.what.contains("could not be seen")).count();
        assert!(unseen >= 15, "{unseen}");
    }

    #[test]
    fn what_is_no_note_says_how_to_mend_it_in_whole_sentences() {
        for facts in [sample::facts(), sample::nothing_seen(), sample::everything_wrong()] {
            for one in examine(&facts) {
                assert_eq!(one.mend.is_some(), one.severity > Severity::Note, "{one:?}");
                for text in [Some(&one.what), Some(&one.why), one.mend.as_ref()].into_iter().flatten() {
                    assert!(text.ends_with('.'), "{}: {text:?}", one.id);
                    assert!(!text.starts_with(char::is_lowercase), "{}: {text:?}", one.id);
                }
            }
        }
    }

    #[test]
    fn a_repository_that_cannot_be_seen_is_one_problem_and_no_list_of_unknowns() {
        let mut facts = sample::facts();
        facts.targets[0].seen.about = Err(Unseen::because("no."));
        facts.targets[0].seen.hosted = None;
        facts.targets[0].seen.base_exists = Err(Unseen::because("no."));
        let findings = examine(&facts);
        let of_it: Vec<_> = findings.iter().filter(|one| one.place == "acme/app").map(|one| one.id).collect();
        assert_eq!(of_it, ["repository-seen", "test-command"]);
    }
}
