//! The story of one failure, from its report to a proven patch. It knows no forge. Layer 4.
//!
//! Read [`attempt`] from top to bottom: baseline, target, places, fixers, guardrails, proof, candidate.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use crate::budget::Ledger;
use crate::engine::baseline::{self, Baseline, Unusable, observe};
use crate::engine::fixers::{Ask, Place, Proposed};
use crate::engine::outcome::{self, Ending, Means, Outcome, TestLog, settled};
use crate::engine::places::{self, app_frames};
use crate::engine::{Attempted, Work};
use crate::fingerprint;
use crate::gate;
use crate::guardrail;
use crate::model::{
    AttemptRecord, CANDIDATE_SCHEMA, Candidate, CandidateFile, Evidence, EvidenceKind, Evidentiary, Failure, FileState,
    MicroUsd, Patch, Policy, Project, Reason, RepoPath, Resources, Status, Tally, Verdict, sha256_hex,
};
use crate::proof::{self, Observation, REPETITIONS, Target};
use crate::workspace::{Checkout, Execution};

/// Green candidates compared before one is chosen (PROTOCOL.md, 6).
const CANDIDATES: usize = 3;
/// How long a candidate may wait (REFERENCE.md, Files).
const LIFETIME: Duration = Duration::from_hours(168);

/// Takes one failure down the whole road: baseline, attempt, and nothing shared with other failures.
pub async fn whole_road(work: &Work, checkout: &dyn Checkout, means: &Means<'_>, ledger: &Mutex<Ledger>) -> Outcome {
    let project = project_of(work, checkout, means.policy);
    let baseline = baseline::prepare(checkout, means.policy, project).await;
    attempt(work, checkout, &baseline, means, ledger).await
}

/// Chooses the project by the innermost frame in the repository; none where the root's commands serve.
pub(crate) fn project_of<'p>(work: &Work, checkout: &dyn Checkout, policy: &'p Policy) -> Option<&'p Project> {
    if policy.projects.is_empty() {
        return None;
    }
    let files: Vec<RepoPath> = checkout.files().iter().map(|file| file.path.clone()).collect();
    let frames = app_frames(&work.failure);
    let path = frames.iter().find_map(|frame| fingerprint::localise_frame(frame, &files))?;
    policy.projects.iter().filter(|project| path.is_within(&project.path)).max_by_key(|p| p.path.as_str().len())
}

/// Attempts one failure: finds what shows it, asks the fixers, and proves the best answer.
pub(crate) async fn attempt(
    work: &Work,
    checkout: &dyn Checkout,
    baseline: &Result<Baseline, Unusable>,
    means: &Means<'_>,
    ledger: &Mutex<Ledger>,
) -> Outcome {
    let baseline = match baseline {
        Ok(baseline) => baseline,
        Err(unusable) => return outcome::without_baseline(work, unusable, means),
    };
    let nothing_yet = settled(work, means, &Reason::NoFixer.into());
    let mut story = Story { work, checkout, means, outcome: Outcome::without_candidate(nothing_yet), tier: None };
    match story.tell(baseline, ledger).await {
        Ok(candidate) => story.outcome.attempted = Attempted::Proven(Box::new(candidate)),
        Err(ending) => {
            let mut settled = settled(work, means, &ending);
            settled.state_after.cost = settled.state_after.cost.plus(story.outcome.cost);
            settled.state_after.tokens = settled.state_after.tokens.plus(story.outcome.tokens);
            (settled.cost, settled.tokens) = (story.outcome.cost, story.outcome.tokens);
            story.outcome.attempted = Attempted::Settled(Box::new(settled));
        }
    }
    story.outcome
}

struct Story<'a> {
    work: &'a Work,
    checkout: &'a dyn Checkout,
    means: &'a Means<'a>,
    outcome: Outcome,
    tier: Option<String>,
}

/// A proposal that passed the guardrails, with its target's runs.
struct Green {
    proposed: Proposed,
    repetitions: Vec<Observation>,
    resources: Resources,
}

impl Story<'_> {
    async fn tell(&mut self, baseline: &Baseline, ledger: &Mutex<Ledger>) -> Result<Candidate, Ending> {
        self.outcome.logs.push(TestLog::new("before", &baseline.output));
        let target = self.target(baseline).await?;
        if target == Target::None && self.means.policy.evidence == Evidentiary::RedGreen {
            return Err(Reason::NeedsReproduction.into());
        }
        let places = places::find(self.work, self.checkout, self.means.policy, baseline, &target).await?;
        let proposals = self.ask(&places, &target, ledger).await?;
        let guarded = self.guard(baseline, proposals).await?;
        let (best, alternative) = match target {
            Target::None => (Self::sole(guarded)?, None),
            _ => self.best_green(baseline, &target, guarded).await?,
        };
        self.prove(baseline, &target, best, alternative).await
    }

    /// Finds what shows the failure, and makes sure that it is really and always red.
    async fn target(&mut self, baseline: &Baseline) -> Result<Target, Ending> {
        let reported = &self.work.failure;
        let same = |seen: &Failure| fingerprint::same_failure(reported, seen).same;
        let target = proof::find_target(reported, &baseline.observation, &same);
        let tests = match &target {
            Target::None => return Ok(Target::None),
            Target::Tests(tests) | Target::Passing(tests) => tests.clone(),
            Target::Command => Vec::new(),
        };
        let mut runs = Vec::new();
        for _ in 0..REPETITIONS {
            let execution = baseline.run_tests(self.means.policy, &Patch::new(), &tests).await?;
            runs.push(observe(&execution));
        }
        match proof::judge_repetitions(&target, &runs) {
            Ok(()) => Ok(match target {
                Target::Passing(tests) => Target::Tests(tests),
                target => target,
            }),
            Err(reason) => Err(reason.into()),
        }
    }

    /// Asks the fixers in turn, the cheapest first, until one has an answer.
    async fn ask(
        &mut self,
        places: &[Place],
        target: &Target,
        ledger: &Mutex<Ledger>,
    ) -> Result<Vec<Proposed>, Ending> {
        let mut files: BTreeMap<RepoPath, FileState> = BTreeMap::new();
        for place in places {
            if !files.contains_key(&place.path) {
                files.extend(self.checkout.read(&place.path).await?.map(|file| (place.path.clone(), file)));
            }
        }
        let ask = Ask {
            failure: &self.work.failure,
            places,
            files: &files,
            red_target: *target != Target::None,
            policy: self.means.policy,
        };
        let mut why_not = Reason::NoFixer;
        for fixer in self.means.fixers {
            let reserved = lock(ledger).reserve(fixer.upper_cost(), self.outcome.cost);
            let Some(reservation) = reserved else {
                why_not = Reason::Budget;
                continue;
            };
            let answer = fixer.propose(&ask).await;
            let cost = answer.as_ref().ok().map(|list| list.iter().fold(MicroUsd::ZERO, |sum, p| sum.plus(p.cost)));
            self.outcome.cost = self.outcome.cost.plus(lock(ledger).settle(reservation, cost));
            match answer {
                Ok(proposals) if !proposals.is_empty() => {
                    for proposed in &proposals {
                        self.outcome.tokens = self.outcome.tokens.plus(proposed.tokens);
                        self.outcome.tried.extend(proposed.id.clone());
                    }
                    self.tier = proposals.first().map(|p| p.tier.clone().unwrap_or_else(|| p.source.to_string()));
                    return Ok(proposals);
                }
                Ok(_) => {}
                Err(reason) => why_not = reason,
            }
        }
        Err(why_not.into())
    }

    /// Formats each proposal and holds it to the guardrails, before any repository code sees it.
    async fn guard(&mut self, baseline: &Baseline, proposals: Vec<Proposed>) -> Result<Vec<Proposed>, Ending> {
        let mut passed = Vec::new();
        let mut refusal: Option<Ending> = None;
        for mut proposed in proposals.into_iter().take(CANDIDATES) {
            let verdict = guardrail::evaluate(&guardrail::Change::from_patch(&proposed.patch), self.means.policy);
            if let Some(ending) = refused(&verdict) {
                self.outcome.refused.get_or_insert_with(|| proposed.patch.clone());
                self.outcome.verdict.get_or_insert(verdict);
                refusal.get_or_insert(ending);
                continue;
            }
            // The formatter is repository code: it sees only what passed, and its result is held to the same rules.
            proposed.patch = baseline.format(self.means.policy, proposed.patch).await?;
            let verdict = guardrail::evaluate(&guardrail::Change::from_patch(&proposed.patch), self.means.policy);
            match refused(&verdict) {
                None => passed.push(proposed),
                Some(ending) => {
                    self.outcome.refused.get_or_insert_with(|| proposed.patch.clone());
                    self.outcome.verdict.get_or_insert(verdict);
                    refusal.get_or_insert(ending);
                }
            }
        }
        match refusal {
            Some(ending) if passed.is_empty() => Err(ending),
            _ => Ok(passed),
        }
    }

    /// Without a test to choose by, a sole candidate or none.
    fn sole(mut guarded: Vec<Proposed>) -> Result<Green, Ending> {
        match (guarded.len(), guarded.pop()) {
            (1, Some(proposed)) => Ok(Green { proposed, repetitions: Vec::new(), resources: Resources::default() }),
            _ => Err(Reason::Ambiguous.into()),
        }
    }

    /// Runs the target on each candidate and takes the best that is always green, with the next one that is, too.
    async fn best_green(
        &self,
        baseline: &Baseline,
        target: &Target,
        guarded: Vec<Proposed>,
    ) -> Result<(Green, Option<Patch>), Ending> {
        let tests = match target {
            Target::Tests(tests) => tests.clone(),
            _ => Vec::new(),
        };
        let mut greens: Vec<Green> = Vec::new();
        let mut failed: Option<Ending> = None;
        for proposed in guarded {
            let mut repetitions = Vec::new();
            let mut resources = Resources::default();
            for _ in 0..REPETITIONS {
                let execution = baseline.run_tests(self.means.policy, &proposed.patch, &tests).await?;
                resources = resources.plus(execution.resources);
                let run = observe(&execution);
                let green = proof::is_green(target, &run);
                repetitions.push(run);
                // One run that is not green is enough to know.
                if !green {
                    let signature = signature(&execution);
                    failed.get_or_insert(Ending { signature: Some(signature), ..Reason::TargetStillRed.into() });
                    break;
                }
            }
            if repetitions.iter().all(|run| proof::is_green(target, run)) {
                greens.push(Green { proposed, repetitions, resources });
            }
        }
        let mut greens = greens.into_iter();
        match greens.next() {
            // Two fixers may well propose one and the same change; only another one is an alternative.
            Some(best) => {
                let other = greens.map(|green| green.proposed.patch).find(|patch| *patch != best.proposed.patch);
                Ok((best, other))
            }
            None => Err(failed.unwrap_or_else(|| Reason::TargetStillRed.into())),
        }
    }

    /// Runs the whole suite with the chosen patch, judges it, and makes the candidate.
    async fn prove(
        &mut self,
        baseline: &Baseline,
        target: &Target,
        best: Green,
        alternative: Option<Patch>,
    ) -> Result<Candidate, Ending> {
        let policy = self.means.policy;
        let Green { proposed, repetitions, resources } = best;
        let execution = baseline.run_all(policy, &proposed.patch).await?;
        self.outcome.logs.push(TestLog::new("after", &execution.output));
        let after = observe(&execution);
        let accepted = proof::judge_patch(target, &baseline.observation, &repetitions, &after)
            .map_err(|reason| Ending { signature: Some(signature(&execution)), ..reason.into() })?;
        let mut checks = Vec::new();
        for ((command, before), (_, now)) in
            baseline.checks.iter().zip(baseline.run_checks(policy, &proposed.patch).await?)
        {
            if *before == 0 && now != 0 {
                return Err(Reason::ChecksWorse.into());
            }
            checks.push((command.clone(), *before, now));
        }
        let tree = self.checkout.tree_with(&proposed.patch).await?;
        if self.work.state.rejected_trees.contains(&tree) {
            return Err(Reason::RejectedTree.into());
        }
        self.outcome.proven = Some(proposed.patch.clone());
        self.outcome.turned_green = turned_green(&baseline.observation, &after);
        let evidence = Evidence {
            kind: if *target == Target::None { EvidenceKind::GreenOnly } else { EvidenceKind::RedGreen },
            before: Tally { counts: baseline.observation.tests.counts, seconds: baseline.resources.wall_s },
            after: Tally { counts: after.tests.counts, seconds: execution.resources.wall_s },
            targets: match target {
                Target::Tests(tests) | Target::Passing(tests) => tests.clone(),
                Target::Command | Target::None => Vec::new(),
            },
            repetitions: if *target == Target::None { 1 } else { REPETITIONS },
            still_failing: accepted.still_failing,
            named: accepted.named,
            command: baseline.commands.test.clone().unwrap_or_default(),
            checks,
            sandbox: execution.sandbox.clone(),
            resources: baseline.resources.plus(resources).plus(execution.resources),
        };
        Ok(self.candidate(proposed, tree, evidence, alternative))
    }

    fn candidate(
        &self,
        proposed: Proposed,
        tree: crate::model::ObjectId,
        evidence: Evidence,
        alternative: Option<Patch>,
    ) -> Candidate {
        let (work, means) = (self.work, self.means);
        let record = AttemptRecord {
            at: means.now,
            tier: self.tier.clone(),
            status: Status::Fixed,
            failure_signature: None,
            reason: None,
        };
        let mut state = gate::settle(work.state.clone(), record, true, &work.inputs(), None, &means.policy.limits);
        let config_hash = means.policy.config_hash();
        state.source = Some(proposed.source);
        state.pattern.clone_from(&proposed.id);
        state.confidence = proposed.confidence;
        state.base_sha = Some(work.base_sha.clone());
        state.tree = Some(tree.clone());
        state.config_hash = Some(config_hash.clone());
        state.cost = state.cost.plus(self.outcome.cost);
        state.tokens = state.tokens.plus(self.outcome.tokens);
        Candidate {
            schema: CANDIDATE_SCHEMA.to_owned(),
            run_id: means.run_id.to_owned(),
            run_url: means.run_url.map(str::to_owned),
            version: means.version.to_owned(),
            repository_id: work.repository_id,
            slug: work.slug.clone(),
            base_branch: work.base_branch.clone(),
            base_sha: work.base_sha.clone(),
            tree,
            files: candidate_files(&proposed.patch),
            fingerprint: work.fingerprint.clone(),
            family: work.family.clone(),
            episode: work.episode,
            regression: work.regression,
            report: work.report.id.clone(),
            report_url: work.report.url.clone(),
            author: work.report.author.clone(),
            body_hash: sha256_hex(work.report.body.as_str().as_bytes()),
            failure: work.failure.clone(),
            evidence,
            anchor: proposed.anchor,
            source: proposed.source,
            pattern: proposed.id,
            confidence: proposed.confidence,
            tier: proposed.tier,
            title: proposed.title,
            hypothesis: proposed.why,
            alternative: alternative.map(|patch| guardrail::Change::from_patch(&patch).to_diff()),
            also_fixes: Vec::new(),
            attempt: work.attempt,
            cost: self.outcome.cost,
            tokens: self.outcome.tokens,
            state_after: state,
            config_hash,
            expires_at: means.now.after(LIFETIME),
            started_at: means.now,
            completed_at: means.now,
            logs: Vec::new(),
        }
    }
}

/// Locks the ledger; one that a panic left behind still counts right, since every change of it is whole.
fn lock(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Returns the end that a refusing verdict means; a flag refuses nothing.
fn refused(verdict: &Verdict) -> Option<Ending> {
    let worst = verdict.violations.iter().find(|v| v.ruling == crate::model::Ruling::Refuse)?;
    let all: Vec<String> = verdict.violations.iter().map(|v| format!("{}: {}", v.rule, v.message)).collect();
    Some(Ending { reason: worst.rule, message: all.join(" "), signature: None })
}

/// Lists tests that failed before and pass now.
fn turned_green(before: &Observation, after: &Observation) -> BTreeSet<String> {
    use crate::model::TestOutcome::{Failed, Passed};
    let passed: BTreeSet<&str> = after.tests.with(Passed).collect();
    before.tests.with(Failed).filter(|name| passed.contains(name)).map(str::to_owned).collect()
}

/// Names how a run failed: the fingerprint of its first diagnostic, else a hash of the normalised end (REFERENCE.md).
fn signature(execution: &Execution) -> String {
    match observe(execution).failures.first() {
        Some((_, failure)) => fingerprint::identify(failure).fingerprint.to_string(),
        None => tail_signature(&execution.output),
    }
}

/// Hashes the last fifty lines with everything that changes from run to run taken out.
fn tail_signature(output: &str) -> String {
    let lines: Vec<&str> = output.lines().collect();
    let tail: Vec<String> = lines[lines.len().saturating_sub(50)..]
        .iter()
        .map(|line| fingerprint::message_class("any", line).template)
        .collect();
    sha256_hex(tail.join("\n").as_bytes())
}

/// Writes a patch as a candidate's files.
fn candidate_files(patch: &Patch) -> Vec<CandidateFile> {
    use base64::Engine as _;
    let encode = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    patch
        .changes()
        .map(|(path, change)| CandidateFile {
            path: path.clone(),
            mode: change.after.as_ref().map(|file| file.mode),
            content: change.after.as_ref().map(|file| encode(&file.content)),
        })
        .collect()
}
