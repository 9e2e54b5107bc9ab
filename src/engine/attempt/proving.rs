//! Runs the target and the suite on what passed the guardrails, and makes the candidate (PROTOCOL.md, 5). Layer 4.

use std::time::Duration;

use super::ending::signature;
use super::{Ending, Green, Shown, Story, TestLog};
use crate::engine::baseline::{Baseline, observe};
use crate::engine::fixers::Proposed;
use crate::engine::ground::exit_code;
use crate::gate;
use crate::guardrail;
use crate::model::{
    AttemptRecord, CANDIDATE_SCHEMA, Candidate, CandidateFile, Evidence, EvidenceKind, Patch, Reason, Resources,
    Status, Tally, sha256_hex,
};
use crate::proof::{self, REPETITIONS, Target};

/// How long a candidate may wait (REFERENCE.md, Files).
const LIFETIME: Duration = Duration::from_hours(168);

impl Story<'_> {
    /// Runs the target on each candidate and takes the best that is always green, with the next one that is, too.
    pub(super) async fn best_green(
        &self,
        baseline: &Baseline,
        shown: &Shown,
        guarded: Vec<Proposed>,
    ) -> Result<(Green, Option<Patch>), Ending> {
        let target = &shown.target;
        let mut greens: Vec<Green> = Vec::new();
        let mut failed: Option<Ending> = None;
        for proposed in guarded {
            let mut repetitions = Vec::new();
            let mut resources = Resources::default();
            for _ in 0..REPETITIONS {
                let (execution, run) = self.run_target(baseline, shown, &proposed.patch).await?;
                resources = resources.plus(execution.resources);
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
    pub(super) async fn prove(
        &mut self,
        baseline: &Baseline,
        shown: &Shown,
        best: Green,
        alternative: Option<Patch>,
    ) -> Result<Candidate, Ending> {
        let target = &shown.target;
        let policy = self.means.policy;
        let Green { proposed, repetitions, resources } = best;
        let execution = baseline.ground.run_all(policy, &proposed.patch).await?;
        self.outcome.logs.push(TestLog::new("after", &execution.output));
        let after = observe(&execution);
        let accepted = proof::judge_patch(target, &baseline.observation, &repetitions, &after)
            .map_err(|reason| Ending { signature: Some(signature(&execution)), ..reason.into() })?;
        let mut checks = Vec::new();
        for (before, (_, done)) in
            baseline.checks.iter().zip(baseline.ground.run_checks(policy, &proposed.patch).await?)
        {
            let now = exit_code(done.exit);
            if before.code == 0 && now != 0 {
                return Err(Reason::ChecksWorse.into());
            }
            checks.push((before.command.clone(), before.code, now));
        }
        let tree = self.checkout.tree_with(&proposed.patch).await?;
        self.outcome.proven = Some(proposed.patch.clone());
        self.outcome.turned_green = proof::compare(&baseline.observation.tests, &after.tests).turned_green;
        let evidence = Evidence {
            kind: if *target == Target::None { EvidenceKind::GreenOnly } else { EvidenceKind::RedGreen },
            before: Tally { counts: baseline.observation.tests.counts, seconds: baseline.resources.wall_s },
            after: Tally { counts: after.tests.counts, seconds: execution.resources.wall_s },
            targets: match target {
                Target::Tests(tests) | Target::Passing(tests) => tests.clone(),
                Target::Command | Target::Check | Target::None => Vec::new(),
            },
            check: shown.check.as_ref().map(|check| check.shown.clone()),
            repetitions: if *target == Target::None { 1 } else { REPETITIONS },
            still_failing: accepted.still_failing,
            named: accepted.named,
            command: baseline.ground.commands.test.clone().unwrap_or_default(),
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
            replaces: work.replaces.clone(),
            related: work.related.clone(),
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
