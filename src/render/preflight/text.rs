//! A preflight as people read it: whole sentences, the verdict first. Layer 1.

use super::{CheckCompared, Judgement, LIMITS_OF_FIXES, Preflight, SuiteCompared, weight};
use crate::model::{Reason, Ruling, Tally, Violation};
use crate::redact::strip_controls;

/// Names of tests that are printed of one kind; the document has them all.
const MOST_NAMES: usize = 20;

impl Preflight {
    /// Tells it to people; the first line is the verdict.
    pub fn in_text(&self) -> String {
        let commit: String = self.base.commit.chars().take(12).collect();
        let mut lines = vec![self.first_line()];
        lines.push(format!("Compared with {} at {commit}: {}.", self.base.name, self.base.why));
        if self.files.is_empty() {
            return lines.join("\n");
        }
        lines.push(format!("Settings: {} ({}).", self.settings.from, self.settings.repository));
        lines.extend(self.settings.said.iter().cloned());
        lines.push(self.guard_line());
        for violation in &self.guard.violations {
            let word = match weight(violation) {
                Judgement::Refuse => "refuse",
                _ if LIMITS_OF_FIXES.contains(&violation.rule) => "a limit of Homeostat's own fixes",
                _ => "flag",
            };
            lines.push(format!("  {word}: {}{} [{}]", place(violation), violation.message, violation.rule));
        }
        lines.push(match self.secrets.len() {
            0 => "Scan: no secret in the added lines.".to_owned(),
            n => format!("Scan: {n} secret(s) in the added lines; take them out, and revoke those that are real."),
        });
        for secret in &self.secrets {
            lines.push(format!(
                "  {}:{}:{}: {} [{}]",
                secret.path, secret.line, secret.column, secret.redacted, secret.rule
            ));
        }
        for (path, proof) in self.proofs() {
            let at = if path.is_empty() { String::new() } else { format!(" of {path}") };
            for (name, check) in [("Lint", &proof.lint), ("Type check", &proof.typecheck)] {
                lines.extend(check.iter().flat_map(|check| check_lines(&format!("{name}{at}"), check)));
            }
            lines.extend(proof.tests.iter().flat_map(|tests| suite_lines(&format!("Tests{at}"), tests)));
        }
        lines.extend(self.not_run.iter().map(|one| format!("Not run: {}. {}", one.what, one.why)));
        // Paths, names and sentences of rules may come from whoever wrote the tree.
        lines.iter().map(|line| strip_controls(line).replace('\n', " ")).collect::<Vec<_>>().join("\n")
    }

    fn first_line(&self) -> String {
        let changed = self.files.len();
        let files = if changed == 1 { "1 changed file".to_owned() } else { format!("{changed} changed files") };
        match self.verdict {
            Judgement::Pass if self.files.is_empty() => {
                "Pass: there is nothing to compare, the tree is as the base.".into()
            }
            Judgement::Pass => format!("Pass: nothing speaks against the {files}."),
            Judgement::Flag => format!("Flag: nothing refuses the {files}, but a person should read on."),
            Judgement::Fail => format!("Fail: tests or checks are worse with the {files}."),
            Judgement::Refuse => format!("Refuse: a guardrail or a secret stands against the {files}."),
        }
    }

    fn guard_line(&self) -> String {
        let count = |wanted: Ruling| self.guard.violations.iter().filter(|v| v.ruling == wanted).count();
        match (count(Ruling::Refuse), count(Ruling::Flag)) {
            (0, 0) => "Guard: every rule is kept.".to_owned(),
            (refused, flagged) => {
                format!("Guard: {refused} refused and {flagged} flagged, as for a fix of Homeostat's.")
            }
        }
    }
}

fn place(violation: &Violation) -> String {
    let line = violation.line.map(|line| format!(":{line}")).unwrap_or_default();
    violation.path.as_ref().map(|path| format!("{path}{line}: ")).unwrap_or_default()
}

fn check_lines(name: &str, check: &CheckCompared) -> Vec<String> {
    let CheckCompared { command, before, after, .. } = check;
    let mut lines = vec![match (check.worse, after) {
        (true, _) => format!("{name}: worse; `{command}` ended with {before} on the base and with {after} now."),
        (false, 0) => format!("{name}: good; `{command}` ended with 0."),
        (false, _) => format!("{name}: no worse; `{command}` ended with {before} on the base and with {after} now."),
    }];
    lines.extend(check.output.iter().flat_map(|output| output.lines().map(|line| format!("  | {line}"))));
    lines
}

fn suite_lines(name: &str, tests: &SuiteCompared) -> Vec<String> {
    let run = |tally: &Tally| {
        let c = tally.counts;
        format!("{} run, {} failed, {} skipped", c.run, c.failed, c.skipped)
    };
    let how = if tests.named { "by name" } else { "by exit code" };
    let (before, after) = (run(&tests.before), run(&tests.after));
    let word = match tests.reason {
        None => "they hold".to_owned(),
        Some(Reason::Flaky) => "what failed with the change passed when it was run again [flaky]".to_owned(),
        Some(Reason::BaselineRed) => {
            "they are red on the base too, and the output names no tests to compare [baseline-red]".to_owned()
        }
        Some(reason) => format!("{} [{reason}]", reason.sentence().trim_end_matches('.')),
    };
    let mut lines = vec![format!("{name}: {word}; before {before}; now {after}; compared {how}.")];
    for (what, names) in [
        ("fails now", &tests.newly_failing),
        ("is skipped now", &tests.skipped),
        ("is gone", &tests.gone),
        ("failed before and still does", &tests.still_failing),
        ("passes now", &tests.turned_green),
    ] {
        lines.extend(names.iter().take(MOST_NAMES).map(|test| format!("  {what}: {test}")));
        if names.len() > MOST_NAMES {
            lines.push(format!("  {what}: {} more", names.len() - MOST_NAMES));
        }
    }
    lines.extend(tests.output.iter().flat_map(|output| output.lines().map(|line| format!("  | {line}"))));
    lines
}

#[cfg(test)]
mod tests {
    use crate::model::{Counts, NetworkAccess, Reason, Ruling, SandboxLevel, SandboxReport, Tally, Verdict, Violation};
    use crate::redact::SecretPlace;
    use crate::render::preflight::{
        BaseSaid, CheckCompared, Judgement, NotRun, Preflight, Proof, SettingsSaid, SuiteCompared,
    };

    fn suite(reason: Option<Reason>) -> SuiteCompared {
        let tally = |failed| Tally { counts: Counts { run: 3, failed, skipped: 0 }, seconds: 0.1 };
        SuiteCompared {
            command: "npm test".to_owned(),
            before: tally(0),
            after: tally(u64::from(reason.is_some())),
            named: true,
            newly_failing: reason.map(|_| "adds \u{1b}[31mup".to_owned()).into_iter().collect(),
            skipped: Vec::new(),
            gone: Vec::new(),
            still_failing: Vec::new(),
            turned_green: Vec::new(),
            reason,
            output: reason.map(|_| "not ok 1\n1..3".to_owned()),
            sandbox: SandboxReport {
                level: SandboxLevel::Landlock,
                network: NetworkAccess::None,
                weaknesses: Vec::new(),
            },
        }
    }

    fn report() -> Preflight {
        Preflight {
            verdict: Judgement::Pass,
            base: BaseSaid {
                name: "main".to_owned(),
                commit: "5f".repeat(20),
                why: "there is such a branch".to_owned(),
            },
            settings: SettingsSaid { from: "built-in".to_owned(), repository: "o/r".to_owned(), said: Vec::new() },
            files: vec!["src/a.js".to_owned()],
            guard: Verdict {
                verdict: Ruling::Pass,
                violations: Vec::new(),
                not_checked: Vec::new(),
                measured: Vec::new(),
            },
            limits_of_fixes: Vec::new(),
            secrets: Vec::new(),
            proof: Proof { tests: Some(suite(None)), ..Proof::default() },
            projects: Vec::new(),
            not_run: Vec::new(),
        }
    }

    fn breach(rule: Reason, ruling: Ruling) -> Violation {
        let path = Some("src/a.js".to_owned());
        Violation { rule, ruling, path, line: Some(7), side: None, message: "It is so.".to_owned() }
    }

    #[test]
    fn the_worst_of_all_that_was_found_is_the_verdict() {
        let judged = |change: &dyn Fn(&mut Preflight)| {
            let mut report = report();
            change(&mut report);
            report.judge().verdict
        };
        assert_eq!(judged(&|_| ()), Judgement::Pass);
        assert_eq!(judged(&|r| r.guard.violations.push(breach(Reason::DiffLines, Ruling::Refuse))), Judgement::Flag);
        assert_eq!(judged(&|r| r.guard.violations.push(breach(Reason::TestWeakened, Ruling::Flag))), Judgement::Flag);
        assert_eq!(judged(&|r| r.guard.violations.push(breach(Reason::FileMode, Ruling::Refuse))), Judgement::Refuse);
        for (reason, judgement) in [
            (Reason::Flaky, Judgement::Flag),
            (Reason::BaselineRed, Judgement::Flag),
            (Reason::TestsBroken, Judgement::Fail),
            (Reason::TestTimeout, Judgement::Fail),
        ] {
            assert_eq!(judged(&|r| r.proof.tests = Some(suite(Some(reason)))), judgement, "{reason}");
        }
        let missing = |unproven| NotRun { what: "lint".to_owned(), why: "None.".to_owned(), unproven };
        assert_eq!(judged(&|r| r.not_run.push(missing(false))), Judgement::Pass);
        assert_eq!(judged(&|r| r.not_run.push(missing(true))), Judgement::Flag);
    }

    #[test]
    fn everything_that_was_found_is_told_in_sentences_and_no_terminal_is_harmed() {
        let mut report = report();
        report.guard.violations.push(breach(Reason::ProtectedPath, Ruling::Refuse));
        report.guard.violations.push(breach(Reason::DiffLines, Ruling::Refuse));
        report.secrets.push(SecretPlace {
            path: "src/a.js".to_owned(),
            line: 7,
            column: 3,
            end_line: 7,
            end_column: 23,
            rule: "some-key".to_owned(),
            redacted: "k = <SECRET>".to_owned(),
        });
        let command = "npm run lint".to_owned();
        report.proof.lint = Some(CheckCompared { command, before: 0, after: 2, worse: true, output: None });
        report.proof.tests = Some(suite(Some(Reason::TestsBroken)));
        report.not_run.push(NotRun { what: "typecheck".to_owned(), why: "There is none.".to_owned(), unproven: false });
        insta::assert_snapshot!(report.judge().in_text(), @r"
        Refuse: a guardrail or a secret stands against the 1 changed file.
        Compared with main at 5f5f5f5f5f5f: there is such a branch.
        Settings: built-in (o/r).
        Guard: 2 refused and 0 flagged, as for a fix of Homeostat's.
          refuse: src/a.js:7: It is so. [protected-path]
          a limit of Homeostat's own fixes: src/a.js:7: It is so. [diff-lines]
        Scan: 1 secret(s) in the added lines; take them out, and revoke those that are real.
          src/a.js:7:3: k = <SECRET> [some-key]
        Lint: worse; `npm run lint` ended with 0 on the base and with 2 now.
        Tests: The change makes tests fail that passed before [tests-broken]; before 3 run, 0 failed, 0 skipped; now 3 run, 1 failed, 0 skipped; compared by name.
          fails now: adds up
          | not ok 1
          | 1..3
        Not run: typecheck. There is none.
        ");
    }

    #[test]
    fn a_tree_without_a_change_needs_two_lines() {
        let report = Preflight { files: Vec::new(), proof: Proof::default(), ..report() };
        insta::assert_snapshot!(report.judge().in_text(), @r"
        Pass: there is nothing to compare, the tree is as the base.
        Compared with main at 5f5f5f5f5f5f: there is such a branch.
        ");
    }
}
