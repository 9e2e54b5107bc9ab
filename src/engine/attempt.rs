//! The story of one failure, from its report to a proven patch. It knows no forge. Layer 4.
//!
//! Read [`attempt`] from top to bottom: baseline, target, places, fixers, guardrails, proof, candidate.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use crate::budget::Ledger;
use crate::engine::baseline::{self, Baseline, Unusable, machine, observe};
use crate::engine::fixers::{Ask, Fixer, Place, Proposed};
use crate::engine::{Attempted, Work};
use crate::fingerprint;
use crate::gate;
use crate::guardrail;
use crate::model::{
    Anchor, AttemptRecord, CANDIDATE_SCHEMA, Candidate, CandidateFile, Evidence, EvidenceKind, Evidentiary, Failure,
    FileState, Language, MicroUsd, Patch, Policy, Project, Reason, ReasonClass, RepoPath, Resources, Settled, Status,
    Tally, Timestamp, Tokens, Verdict, sha256_hex,
};
use crate::proof::{self, Observation, REPETITIONS, Target};
use crate::workspace::{Checkout, Execution, WorkspaceError};

/// Green candidates compared before one is chosen (PROTOCOL.md, 6).
const CANDIDATES: usize = 3;
/// Frames of a trace that are looked at.
const MAX_FRAMES: usize = 8;
/// Source files searched where a red test names no product frame.
const MAX_SOURCES: usize = 60;
/// How long a candidate may wait (REFERENCE.md, Files).
const LIFETIME: Duration = Duration::from_hours(168);

/// The output of one side of a proof, kept for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestLog {
    /// `setup`, `before` or `after`.
    pub side: &'static str,
    /// The output; redacted where it is written.
    pub text: String,
}

impl TestLog {
    /// Keeps an output.
    pub fn new(side: &'static str, text: &str) -> Self {
        Self { side, text: text.to_owned() }
    }
}

/// What one attempt came to, with what people may want to look at.
#[derive(Debug)]
pub struct Outcome {
    /// A proven patch, or the end without one.
    pub attempted: Attempted,
    /// Test logs.
    pub logs: Vec<TestLog>,
    /// The guardrails' verdict on a refused patch.
    pub verdict: Option<Verdict>,
    /// The refused patch.
    pub refused: Option<Patch>,
    /// The proven patch.
    pub proven: Option<Patch>,
    /// Tests that failed before and pass with the patch.
    pub turned_green: BTreeSet<String>,
    /// Money spent.
    pub cost: MicroUsd,
    /// Tokens spent.
    pub tokens: Tokens,
    /// Ids of patterns that were tried.
    pub tried: Vec<String>,
}

impl Outcome {
    /// Makes the outcome of an attempt that left no candidate.
    pub(crate) fn without_candidate(settled: Settled) -> Self {
        Self {
            attempted: Attempted::Settled(Box::new(settled)),
            logs: Vec::new(),
            verdict: None,
            refused: None,
            proven: None,
            turned_green: BTreeSet::new(),
            cost: MicroUsd::ZERO,
            tokens: Tokens::default(),
            tried: Vec::new(),
        }
    }
}

/// What an attempt may use.
#[derive(Clone, Copy)]
pub struct Means<'a> {
    /// The repository's settings.
    pub policy: &'a Policy,
    /// Fixers, the cheapest first.
    pub fixers: &'a [&'a dyn Fixer],
    /// The run's id, version and the forge's time at the attempt.
    pub run_id: &'a str,
    /// Where a person can look at the run.
    pub run_url: Option<&'a str>,
    /// The program's version.
    pub version: &'a str,
    /// The forge's clock when the attempt began.
    pub now: Timestamp,
}

impl std::fmt::Debug for Means<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Means").field("run_id", &self.run_id).finish_non_exhaustive()
    }
}

/// Why an attempt ended without a candidate.
struct Ending {
    reason: Reason,
    message: String,
    signature: Option<String>,
}

impl From<Reason> for Ending {
    fn from(reason: Reason) -> Self {
        Self { reason, message: reason.sentence().to_owned(), signature: None }
    }
}

impl From<WorkspaceError> for Ending {
    fn from(error: WorkspaceError) -> Self {
        let Unusable { reason, message, .. } = machine(error);
        Self { reason, message, signature: None }
    }
}

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
        Err(unusable) => return without_baseline(work, unusable, means),
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

/// Ends an attempt whose baseline, or whose checkout, cannot be used.
pub(crate) fn without_baseline(work: &Work, unusable: &Unusable, means: &Means<'_>) -> Outcome {
    let ending = Ending { reason: unusable.reason, message: unusable.message.clone(), signature: None };
    let mut outcome = Outcome::without_candidate(settled(work, means, &ending));
    outcome.logs.clone_from(&unusable.logs);
    outcome
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
        let places = self.places(baseline, &target).await?;
        let proposals = self.ask(&places, &target, ledger).await?;
        let guarded = self.guard(baseline, proposals).await?;
        let (best, alternative) = match target {
            Target::None => (self.sole(guarded)?, None),
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

    /// Ties the report to places in the base (PROTOCOL.md, 6).
    async fn places(&self, baseline: &Baseline, target: &Target) -> Result<Vec<Place>, Ending> {
        let files: Vec<RepoPath> = self.checkout.files().iter().map(|file| file.path.clone()).collect();
        let allowed = |path: &RepoPath| guardrail::may_touch(self.means.policy, path);
        let mut places: Vec<Place> = Vec::new();
        let mut add = |place: Place| {
            if allowed(&place.path) && !places.iter().any(|p| p.path == place.path && p.line == place.line) {
                places.push(place);
            }
        };
        if *target != Target::None {
            // (0) The red target's own trace gives the line on the base.
            let reported = &self.work.failure;
            let seen = baseline.observation.failures.iter().map(|(_, failure)| failure);
            let telling: Vec<&Failure> = seen.filter(|seen| fingerprint::same_failure(reported, seen).same).collect();
            for failure in telling {
                for frame in app_frames(failure).iter().take(MAX_FRAMES) {
                    if let Some(path) = fingerprint::localise_frame(frame, &files) {
                        add(place(path, frame, Anchor::RedTarget));
                    }
                }
            }
        }
        for frame in app_frames(&self.work.failure).iter().take(MAX_FRAMES) {
            let Some(path) = fingerprint::localise_frame(frame, &files) else { continue };
            let found = match &self.work.failure.commit {
                Some(commit) => self.mapped(commit, &path, frame).await?,
                None if *target == Target::None => Some(place(path, frame, Anchor::UniqueNode)),
                None => Some(place(path, frame, Anchor::RedTarget)),
            };
            found.into_iter().for_each(&mut add);
        }
        if places.is_empty() && *target != Target::None {
            // A failing assertion has its only frame in the test: the test itself will tell right from wrong.
            let language = self.work.failure.language.map(Language::family);
            let sources = files.iter().filter(|path| {
                let known = Language::of_path(path.as_str()).map(Language::family);
                allowed(path) && known.is_some() && (language.is_none() || known == language)
            });
            places = sources
                .take(MAX_SOURCES)
                .map(|path| Place {
                    path: path.clone(),
                    line: None,
                    column: None,
                    function: None,
                    anchor: Anchor::RedTarget,
                })
                .collect();
        }
        if places.is_empty() { Err(Reason::FrameNotFound.into()) } else { Ok(places) }
    }

    /// (1) Maps a line of the reported commit through the diff to the base; inside a changed hunk there is none.
    async fn mapped(
        &self,
        commit: &crate::model::ObjectId,
        path: &RepoPath,
        frame: &fingerprint::NormalFrame,
    ) -> Result<Option<Place>, Ending> {
        let then = match self.checkout.read_at(commit, path).await {
            Ok(Some(file)) => file,
            // The commit is not at hand: the place is as good as one without a commit.
            Ok(None) | Err(WorkspaceError::Missing(_)) => {
                return Ok(Some(place(path.clone(), frame, Anchor::UniqueNode)));
            }
            Err(error) => return Err(error.into()),
        };
        let Some(now) = self.checkout.read(path).await? else { return Ok(None) };
        let Some(line) = frame.line else { return Ok(Some(place(path.clone(), frame, Anchor::UniqueNode))) };
        let (then, now) = (String::from_utf8_lossy(&then.content), String::from_utf8_lossy(&now.content));
        Ok(proof::line_through_diff(&then, &now, line)
            .map(|line| Place { line: Some(line), ..place(path.clone(), frame, Anchor::Commit) }))
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
    fn sole(&self, mut guarded: Vec<Proposed>) -> Result<Green, Ending> {
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

/// Makes a place of a frame.
fn place(path: RepoPath, frame: &fingerprint::NormalFrame, anchor: Anchor) -> Place {
    let function = (!frame.function.is_empty()).then(|| frame.function.clone());
    Place { path, line: frame.line, column: None, function, anchor }
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

/// Returns the frames of the repository's own code, innermost first; those of tests are not the product's.
pub(crate) fn app_frames(failure: &Failure) -> Vec<fingerprint::NormalFrame> {
    fingerprint::normal_frames(failure).all.into_iter().filter(|frame| frame.is_app() && !frame.in_test).collect()
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

/// Settles an attempt that left no candidate.
fn settled(work: &Work, means: &Means<'_>, ending: &Ending) -> Settled {
    let status = status_of(ending.reason);
    let counts = counts_as_attempt(ending.reason);
    let record = AttemptRecord {
        at: means.now,
        tier: None,
        status,
        failure_signature: ending.signature.clone(),
        reason: Some(ending.reason.to_string()),
    };
    let twice = ending.signature.is_some()
        && work.state.attempts_log.last().is_some_and(|last| last.failure_signature == ending.signature);
    // The same failure twice is deterministic: trying again changes nothing (PRODUCT.md, Fix).
    let reason = if twice { Reason::Deterministic } else { ending.reason };
    let mut state =
        gate::settle(work.state.clone(), record, counts, &work.inputs(), Some(ending.reason), &means.policy.limits);
    state.base_sha = Some(work.base_sha.clone());
    state.config_hash = Some(means.policy.config_hash());
    Settled {
        slug: work.slug.clone(),
        repository_id: work.repository_id,
        fingerprint: work.fingerprint.clone(),
        report: work.report.id.clone(),
        status,
        reason,
        message: ending.message.clone(),
        counts,
        state_after: state,
        cost: MicroUsd::ZERO,
        tokens: Tokens::default(),
        started_at: means.now,
        completed_at: means.now,
        logs: Vec::new(),
    }
}

/// Returns how an attempt that ended for a reason ended.
fn status_of(reason: Reason) -> Status {
    match reason.class() {
        ReasonClass::Rule => Status::Refused,
        ReasonClass::Backlog | ReasonClass::Report | ReasonClass::Repository => Status::Skipped,
        ReasonClass::Forge => Status::Failed,
        ReasonClass::Attempt => match reason {
            Reason::Infrastructure => Status::Failed,
            Reason::NotReproduced | Reason::Platform | Reason::Flaky => Status::Skipped,
            _ => Status::Unfixed,
        },
    }
}

/// Returns whether an end is an attempt by PROTOCOL.md, 4: a proof failed, or a model was called.
const fn counts_as_attempt(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::TargetStillRed
            | Reason::TestsBroken
            | Reason::TestsSkipped
            | Reason::TestTimeout
            | Reason::TestResource
            | Reason::ChecksWorse
            | Reason::Deterministic
            | Reason::ModelOutputInvalid
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nobodys_fault_counts_as_no_attempt() {
        for reason in
            [Reason::BaseMoved, Reason::Infrastructure, Reason::Budget, Reason::NotReproduced, Reason::Platform]
        {
            assert!(!counts_as_attempt(reason), "{reason}");
        }
        assert!(counts_as_attempt(Reason::TestsBroken));
    }

    #[test]
    fn every_reason_ends_an_attempt_in_exactly_one_way() {
        assert_eq!(status_of(Reason::DiffLines), Status::Refused);
        assert_eq!(status_of(Reason::NoFixer), Status::Unfixed);
        assert_eq!(status_of(Reason::NoTests), Status::Skipped);
        assert_eq!(status_of(Reason::Infrastructure), Status::Failed);
    }
}
