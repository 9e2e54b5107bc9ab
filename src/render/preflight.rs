//! What `preflight` says of a working tree: one document for programs, whole sentences for people. Layer 1.
//!
//! Refuses to decide by itself what counts: the verdict is a function of what was found, and [`Preflight::judge`] is it.

mod text;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{Reason, Ruling, SandboxReport, Tally, Verdict, Violation};
use crate::redact::SecretPlace;

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
}

/// Says what one breach weighs for a person's change.
fn weight(violation: &Violation) -> Judgement {
    match violation.ruling {
        Ruling::Pass => Judgement::Pass,
        Ruling::Refuse if !LIMITS_OF_FIXES.contains(&violation.rule) => Judgement::Refuse,
        Ruling::Refuse | Ruling::Flag => Judgement::Flag,
    }
}
