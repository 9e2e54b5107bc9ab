//! What `preflight` says of a working tree: one document for programs, whole sentences for people. Layer 1.
//!
//! Refuses to decide by itself what counts: the verdict is a function of what was found, and [`Preflight::judge`] is it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{Reason, Ruling, SandboxReport, Tally, Verdict, Violation};
use crate::redact::{SecretPlace, strip_controls};

/// How a whole preflight ends; later is worse.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Judgement {
    /// Nothing to say.
    #[default]
    Pass,
    /// Something for a person to look at, or something that could not be looked at.
    Flag,
    /// Tests or checks are worse than on the base.
    Fail,
    /// A guardrail refuses the change, or it has a secret.
    Refuse,
}

/// Limits that Homeostat sets to its own fixes: a person's change that breaks them is told so, and not refused.
pub const LIMITS_OF_FIXES: &[Reason] =
    &[Reason::DiffLines, Reason::DiffFiles, Reason::PatchBytes, Reason::PathFilter, Reason::RewriteRatio];

/// What a working tree was compared with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BaseSaid {
    /// The ref.
    pub name: String,
    /// The newest commit that it and `HEAD` have in common.
    pub commit: String,
    /// Why that ref.
    pub why: String,
}

/// Which settings held.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SettingsSaid {
    /// The configuration file, or `built-in`.
    pub from: String,
    /// The repository whose settings they are.
    pub repository: String,
    /// What was guessed, and why, in sentences.
    pub said: Vec<String>,
}

/// A command that is good when its exit code is 0, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CheckCompared {
    /// The command.
    pub command: String,
    /// Its exit code on the base.
    pub before: i32,
    /// Its exit code with the change.
    pub after: i32,
    /// Whether it was good and no longer is.
    pub worse: bool,
    /// The end of its output with the change, redacted, where it is worse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
}

/// The whole test command, before and after.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SuiteCompared {
    /// The command.
    pub command: String,
    /// The run on the base.
    pub before: Tally,
    /// The run with the change.
    pub after: Tally,
    /// Whether tests were compared by name; else by exit code and counts alone.
    pub named: bool,
    /// Tests that fail and did not.
    pub newly_failing: Vec<String>,
    /// Tests that ran and are skipped now.
    pub skipped: Vec<String>,
    /// Tests that ran and are not there any more.
    pub gone: Vec<String>,
    /// Tests that failed and still do.
    pub still_failing: Vec<String>,
    /// Tests that failed and pass now.
    pub turned_green: Vec<String>,
    /// Why the change does not hold; nothing where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The end of the output with the change, redacted, where it does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// What held while the tests ran.
    pub sandbox: SandboxReport,
}

/// What repository code showed in one folder.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Proof {
    /// Lint, where there is a command for it.
    pub lint: Option<CheckCompared>,
    /// Type check, where there is a command for it.
    pub typecheck: Option<CheckCompared>,
    /// Tests, where they could be run.
    pub tests: Option<SuiteCompared>,
}

/// The same for one project of a repository with several.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ProjectProof {
    /// The project's folder.
    pub path: String,
    /// What its commands showed.
    #[serde(flatten)]
    pub proof: Proof,
}

/// Something that was not looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NotRun {
    /// `lint`, `typecheck`, `tests`, or a guardrail's rule or a path.
    pub what: String,
    /// Why, in a whole sentence.
    pub why: String,
    /// Whether it leaves the change unproven, so that the verdict is at least a flag.
    pub unproven: bool,
}

/// Everything that a preflight found.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Preflight {
    /// How it ends.
    pub verdict: Judgement,
    /// What the tree was compared with.
    pub base: BaseSaid,
    /// Which settings held.
    pub settings: SettingsSaid,
    /// The changed files.
    pub files: Vec<String>,
    /// What the guardrails say, as `guard` and `publish` would.
    pub guard: Verdict,
    /// Rules among the breaches that limit Homeostat's own fixes and do not refuse a person's change.
    pub limits_of_fixes: Vec<Reason>,
    /// Secrets in added lines.
    pub secrets: Vec<SecretPlace>,
    /// What repository code showed at the root, or where no projects are configured.
    #[serde(flatten)]
    pub proof: Proof,
    /// What it showed in each configured project that the change touches.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub projects: Vec<ProjectProof>,
    /// What was not looked at, and why.
    pub not_run: Vec<NotRun>,
}

impl Preflight {
    /// Judges by all that was found: the worst counts.
    #[must_use]
    pub fn judge(mut self) -> Self {
        let mut breached: Vec<Reason> = self.guard.violations.iter().map(|v| v.rule).collect();
        breached.retain(|rule| LIMITS_OF_FIXES.contains(rule));
        breached.sort_unstable();
        breached.dedup();
        self.limits_of_fixes = breached;
        let mut worst = Judgement::Pass;
        let mut at_least = |judgement: Judgement| worst = worst.max(judgement);
        for violation in &self.guard.violations {
            at_least(weight(violation));
        }
        if !self.secrets.is_empty() {
            at_least(Judgement::Refuse);
        }
        for proof in self.proofs().map(|(_, proof)| proof) {
            let checks = [&proof.lint, &proof.typecheck];
            if checks.into_iter().flatten().any(|check| check.worse) {
                at_least(Judgement::Fail);
            }
            match proof.tests.as_ref().and_then(|tests| tests.reason) {
                // Neither is the change's doing, and neither shows that it is good.
                Some(Reason::Flaky | Reason::BaselineRed) => at_least(Judgement::Flag),
                Some(_) => at_least(Judgement::Fail),
                None => {}
            }
        }
        if self.not_run.iter().any(|one| one.unproven) {
            at_least(Judgement::Flag);
        }
        self.verdict = worst;
        self
    }

    fn proofs(&self) -> impl Iterator<Item = (&str, &Proof)> {
        let projects = self.projects.iter().map(|project| (project.path.as_str(), &project.proof));
        std::iter::once(("", &self.proof)).chain(projects)
    }

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

/// Says what one breach weighs for a person's change.
fn weight(violation: &Violation) -> Judgement {
    match violation.ruling {
        Ruling::Pass => Judgement::Pass,
        Ruling::Refuse if !LIMITS_OF_FIXES.contains(&violation.rule) => Judgement::Refuse,
        Ruling::Refuse | Ruling::Flag => Judgement::Flag,
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

/// Names of tests that are printed of one kind; the document has them all.
const MOST_NAMES: usize = 20;
