//! Finds what shows the failure on the base, and makes sure that it is really and always red (PROTOCOL.md, 5.2). Layer 4.
//!
//! Tests first; where none shows it, a check: the formatter for files that are not formatted, lint or type check for what
//! those complain of. A command that is red without showing the reported failure shows nothing.

use super::{Ending, Story};
use crate::engine::baseline::{Baseline, observe, observe_check};
use crate::engine::formatter::{Formatter, Layout, NOT_EXECUTABLE, NOT_FOUND};
use crate::engine::ground::exit_code;
use crate::fingerprint;
use crate::guardrail;
use crate::model::{Failure, FileMode, Kind, Patch, Reason, RepoPath};
use crate::proof::{self, Observation, REPETITIONS, RunEnd, Target};
use crate::workspace::{Execution, WorkspaceError};

/// What shows the failure.
pub(super) struct Shown {
    pub(super) target: Target,
    /// The command behind [`Target::Check`].
    pub(super) check: Option<Check>,
    /// What of the base's output is the reported failure.
    pub(super) seen: Vec<Failure>,
}

/// A command besides the tests.
pub(super) struct Check {
    /// As a person would write it.
    pub(super) shown: String,
    script: String,
    /// The formatter and the files that it is asked about.
    pub(super) format: Option<(Formatter, Vec<RepoPath>)>,
}

impl Story<'_> {
    /// Finds what shows the failure, and makes sure that it is really and always red.
    pub(super) async fn shown(&self, baseline: &Baseline) -> Result<Shown, Ending> {
        if let Some(check) = self.formatting(baseline)? {
            let shown = Shown { target: Target::Check, check: Some(check), seen: vec![self.work.failure.clone()] };
            return self.always_red(baseline, shown).await;
        }
        let same = |seen: &Failure| self.is_reported(seen);
        let target = proof::find_target(&self.work.failure, &baseline.observation, &same);
        let seen = self.seen_in(&baseline.observation);
        let shown = match target {
            Target::None => match self.complaining(baseline)? {
                Some(shown) => shown,
                None => return Ok(Shown { target, check: None, seen }),
            },
            target => Shown { target, check: None, seen },
        };
        self.always_red(baseline, shown).await
    }

    /// Runs what shows the failure on the base until nobody can call it chance.
    async fn always_red(&self, baseline: &Baseline, mut shown: Shown) -> Result<Shown, Ending> {
        let mut runs = Vec::new();
        for _ in 0..REPETITIONS {
            let (execution, run) = self.run_target(baseline, &shown, &Patch::new()).await?;
            if let Some((formatter, _)) = shown.check.as_ref().and_then(|check| check.format.as_ref())
                && matches!(exit_code(execution.exit), NOT_EXECUTABLE | NOT_FOUND)
            {
                return Err(missing(*formatter));
            }
            runs.push(run);
        }
        let folder = baseline.ground.folder();
        let shows = |run: &Observation| self.shows(shown.check.as_ref(), folder, run);
        proof::judge_repetitions(&shown.target, &runs, &shows)?;
        if let Target::Passing(tests) = shown.target {
            shown.target = Target::Tests(tests);
        }
        Ok(shown)
    }

    /// Runs what shows the failure once, with a patch.
    pub(super) async fn run_target(
        &self,
        baseline: &Baseline,
        shown: &Shown,
        patch: &Patch,
    ) -> Result<(Execution, Observation), WorkspaceError> {
        let (ground, policy) = (&baseline.ground, self.means.policy);
        if let Some(check) = &shown.check {
            let execution = match check.format {
                Some(_) => ground.run_tool(policy, patch, &check.script, &[]).await?.0,
                None => ground.run_check(policy, patch, &check.script).await?,
            };
            let run = observe_check(&check.shown, &execution);
            return Ok((execution, run));
        }
        let tests: &[String] = match &shown.target {
            Target::Tests(tests) | Target::Passing(tests) => tests,
            Target::Command | Target::Check | Target::None => &[],
        };
        let execution = ground.run_tests(policy, patch, tests).await?;
        let run = observe(&execution);
        Ok((execution, run))
    }

    /// Returns whether a run's output has the reported failure.
    fn shows(&self, check: Option<&Check>, folder: Option<&RepoPath>, run: &Observation) -> bool {
        match check.and_then(|check| check.format.as_ref()) {
            Some((_, files)) => {
                let told: Vec<RepoPath> = run
                    .failures
                    .iter()
                    .filter(|(_, one)| one.kind == Some(Kind::Format))
                    .filter_map(|(_, one)| one.frames().first()?.path.as_deref())
                    .filter_map(|path| file_named(path, folder, files))
                    .collect();
                files.iter().all(|file| told.contains(file))
            }
            None => run.failures.iter().any(|(_, seen)| self.is_reported(seen)),
        }
    }

    fn seen_in(&self, run: &Observation) -> Vec<Failure> {
        run.failures.iter().map(|(_, seen)| seen).filter(|seen| self.is_reported(seen)).cloned().collect()
    }

    /// Returns whether a failure seen is the one reported; of two tools' complaints each is its own.
    fn is_reported(&self, seen: &Failure) -> bool {
        let reported = &self.work.failure;
        let complaint = matches!(reported.kind, Some(Kind::Build | Kind::Type | Kind::Lint | Kind::Format));
        let other_tool = complaint && reported.tool.is_some() && seen.tool.is_some() && reported.tool != seen.tool;
        !other_tool && fingerprint::same_failure(reported, seen).same
    }

    /// Returns the formatter's check, where files are not formatted and nothing else is wrong.
    fn formatting(&self, baseline: &Baseline) -> Result<Option<Check>, Ending> {
        let reported = &self.work.failure;
        if reported.kind != Some(Kind::Format) || !self.means.policy.native_fixers.formatters {
            return Ok(None);
        }
        let Some(formatter) = reported.tool.as_deref().and_then(Formatter::of) else { return Ok(None) };
        let tree: Vec<RepoPath> = self.checkout.files().iter().map(|file| file.path.clone()).collect();
        let files = self.named_files(baseline.ground.folder(), &tree)?;
        if files.is_empty() {
            return Ok(None);
        }
        let layout = Layout { folder: baseline.ground.folder(), tree: &tree, files: &files };
        let order = formatter.check(&layout);
        Ok(Some(Check { shown: order.shown, script: order.script, format: Some((formatter, files)) }))
    }

    /// Lists the files that the log calls unformatted; one that a fix may not touch ends it, since the rest alone would
    /// leave the job as red as it is.
    fn named_files(&self, folder: Option<&RepoPath>, tree: &[RepoPath]) -> Result<Vec<RepoPath>, Ending> {
        let named = self.work.failure.context.get("files").map_or("", |files| files.as_str());
        let mut files: Vec<RepoPath> = Vec::new();
        for name in named.lines().filter(|name| !name.is_empty()) {
            let found = file_named(name, folder, tree);
            let regular = |path: &RepoPath| {
                let file = self.checkout.files().iter().find(|file| file.path == *path);
                file.is_some_and(|file| matches!(file.mode, FileMode::Plain | FileMode::Executable))
            };
            let Some(path) = found.filter(regular) else {
                let message = "The log names a file that is none of this repository's base, or several.".to_owned();
                return Err(Ending { reason: Reason::FrameNotFound, message, signature: None });
            };
            if !guardrail::may_touch(self.means.policy, &path) {
                let message =
                    format!("{path} is not formatted, and path_filters or protected_paths keep fixes from it.");
                return Err(Ending { reason: Reason::PathFilter, message, signature: None });
            }
            files.push(path);
        }
        files.sort();
        files.dedup();
        Ok(files)
    }

    /// Returns the lint or type check whose output on the base has the reported complaint.
    fn complaining(&self, baseline: &Baseline) -> Result<Option<Shown>, Ending> {
        let kind = self.work.failure.kind;
        if !matches!(kind, Some(Kind::Build | Kind::Type | Kind::Lint | Kind::Format)) {
            return Ok(None);
        }
        for one in &baseline.checks {
            let seen = self.seen_in(&one.observation);
            if one.code != 0 && !seen.is_empty() {
                let check = Check { shown: one.command.clone(), script: one.command.clone(), format: None };
                return Ok(Some(Shown { target: Target::Check, check: Some(check), seen }));
            }
        }
        let commands = &baseline.ground.commands;
        let own = match kind {
            Some(Kind::Lint) => commands.lint.as_ref(),
            Some(Kind::Type) => commands.typecheck.as_ref(),
            _ => None,
        };
        let green = |one: &&crate::engine::baseline::Checked| one.observation.end == RunEnd::Code(0);
        match baseline.checks.iter().filter(|one| Some(&one.command) == own).find(green) {
            Some(one) => {
                let message = format!("{} `{}` finds nothing there.", Reason::NotReproduced.sentence(), one.command);
                Err(Ending { reason: Reason::NotReproduced, message, signature: None })
            }
            None => Ok(None),
        }
    }
}

/// Returns the file that a tool means, which writes paths from the folder that it runs in, from the root, or from above it.
fn file_named(name: &str, folder: Option<&RepoPath>, files: &[RepoPath]) -> Option<RepoPath> {
    let exact = |text: &str| text.parse::<RepoPath>().ok().filter(|path| files.contains(path));
    let inside = folder.and_then(|folder| exact(&format!("{folder}/{name}")));
    inside.or_else(|| exact(name)).or_else(|| fingerprint::localise(name, files))
}

/// Ends an attempt whose formatter is nowhere to be found.
fn missing(formatter: Formatter) -> Ending {
    let sentence = Reason::FormatterMissing.sentence();
    let message = format!("{sentence} It is {}: {}.", formatter.name(), formatter.install());
    Ending { reason: Reason::FormatterMissing, message, signature: None }
}
