//! `publish`: re-checks every guardrail, then reconciles the forge with what is proven (PROTOCOL.md, 1 and 7). Layer 4.
//!
//! Holds the token that writes; runs no repository code and calls no model. Repositories are written to one after the
//! other.

use std::collections::BTreeMap;

use base64::Engine as _;

use crate::engine::reconcile::{ReconcileError, Reconciled, Reconciler};
use crate::engine::record::{digest, latency, report_ref};
use crate::engine::state::{Mutations, candidate_path, encode, failure_path};
use crate::engine::{Context, DuplicateReport, EngineError, retry};
use crate::event::{AttemptFinished, Event, EvidenceRef, PullRef, SandboxRef};
use crate::forge::{Comment, ForgeError, PullQuery, PullRequest, Repository};
use crate::gate::{self, Openings};
use crate::guardrail;
use crate::model::{
    Candidate, FileState, Mode, ObjectId, Patch, Policy, Reason, RepoPath, ReportId, Ruling, Source, Status, Timestamp,
    Verdict, sha256_hex,
};
use crate::plan::{self, Action, Decision, Desired, Relation};
use crate::render;

/// Comments read on one issue before the rest is left alone.
const MAX_COMMENT_PAGES: usize = 20;

/// What became of one candidate.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// The candidate.
    pub candidate: Candidate,
    /// `created`, `adopted`, `updated`, `kept` or `left`; nothing for a dry run.
    pub state: Option<&'static str>,
    /// The pull request, where there is one.
    pub pull: Option<PullRequest>,
    /// Why it was left alone.
    pub reason: Option<Reason>,
    /// What happened, in words.
    pub message: String,
    /// The guardrails' verdict at publishing.
    pub verdict: Option<Verdict>,
    /// Whether trying again may help.
    pub retryable: bool,
}

/// What `publish` did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Publications {
    /// Every candidate, in the order of the configuration.
    pub published: Vec<Published>,
    /// What was done, or would be.
    pub actions: Vec<Action>,
}

/// Publishes candidates, and those that wait on the state branch.
///
/// # Errors
/// When the state branch or the run's record cannot be used; a candidate that fails is no error.
pub async fn publish(
    context: &Context<'_>,
    fresh: &[Candidate],
    duplicates: &[DuplicateReport],
) -> Result<Publications, EngineError> {
    let mut all = Publications::default();
    let waiting = waiting(context, fresh).await?;
    let mut opened_today = 0;
    context.progress.stage("Publishing", Some(fresh.len() + waiting.len()));
    for policy in &context.config.repositories {
        let mine: Vec<&Candidate> = fresh.iter().chain(&waiting).filter(|c| c.slug == policy.slug).collect();
        if mine.is_empty() {
            continue;
        }
        let mut target = match Target::open(context, policy).await {
            Ok(target) => target,
            Err(error) => {
                let error = ReconcileError::from(error);
                all.published.extend(mine.into_iter().map(|candidate| failed(candidate, &error)));
                continue;
            }
        };
        for candidate in mine {
            let published = target.publish(candidate, &mut all.actions, opened_today).await?;
            if published.state == Some("created") {
                opened_today += 1;
            }
            context.progress.step(&format!("{} {}", candidate.slug, candidate.report));
            all.published.push(published);
        }
        let made = |published: &&Published| published.candidate.slug == policy.slug && published.pull.is_some();
        let pulls: Vec<&Published> = all.published.iter().filter(made).collect();
        target.tell_duplicates(duplicates, &pulls).await;
    }
    if !context.run.dry_run {
        forget(context, &all.published).await?;
    }
    Ok(all)
}

/// Reads candidates that wait on the state branch and are not among the fresh ones.
async fn waiting(context: &Context<'_>, fresh: &[Candidate]) -> Result<Vec<Candidate>, EngineError> {
    let state = context.state();
    let snapshot = state.snapshot().await?;
    let mut waiting = Vec::new();
    for path in snapshot.below("candidates/") {
        let Some(candidate) = state.read_json::<Candidate>(&snapshot, path).await? else { continue };
        let known =
            fresh.iter().any(|c| c.repository_id == candidate.repository_id && c.fingerprint == candidate.fingerprint);
        if !known {
            waiting.push(candidate);
        }
    }
    Ok(waiting)
}

/// Takes finished candidates off the state branch.
async fn forget(context: &Context<'_>, published: &[Published]) -> Result<(), EngineError> {
    let mut mutations = Mutations::new();
    for one in published {
        let keeps = one.retryable || one.state.is_none() || one.reason == Some(Reason::AwaitingPr);
        if keeps {
            continue;
        }
        let candidate = &one.candidate;
        mutations.insert(candidate_path(candidate.repository_id, &candidate.fingerprint), None);
        // What was not published is no fix: the failure may be tried again on what is there now.
        if one.state == Some("left") && one.reason != Some(Reason::PullRequestOpen) {
            let mut state = candidate.state_after.clone();
            state.status = Some(Status::Refused);
            state.tree = None;
            if matches!(one.reason, Some(Reason::BaseMoved | Reason::Expired | Reason::PolicyChanged)) {
                state.attempts = state.attempts.saturating_sub(1);
                (state.input_hash, state.backoff_until) = (None, None);
            }
            let path = failure_path(candidate.repository_id, &candidate.fingerprint);
            mutations.insert(path, Some(encode(&state)));
        }
    }
    if mutations.is_empty() {
        return Ok(());
    }
    let paths: Vec<String> = mutations.keys().cloned().collect();
    let message = format!("publish: {} candidate(s) settled by run {}", published.len(), context.run.id);
    context.state().update(&message, &paths, &|_present| Ok(mutations.clone())).await?;
    Ok(())
}

/// One repository being written to.
struct Target<'a> {
    context: &'a Context<'a>,
    policy: &'a Policy,
    repository: Repository,
    /// Open pull requests of ours.
    ours: Vec<PullRequest>,
    opened: u32,
}

impl<'a> Target<'a> {
    async fn open(context: &'a Context<'a>, policy: &'a Policy) -> Result<Self, ForgeError> {
        let forge = context.forge;
        let repository = retry(context.system, async || forge.repository(&policy.slug).await).await?;
        let query = PullQuery { head: None, open_only: true };
        let mut ours = Vec::new();
        let mut page: Option<String> = None;
        loop {
            let answer =
                retry(context.system, async || forge.pulls(&policy.slug, &query, page.as_deref()).await).await?;
            ours.extend(answer.items.into_iter().filter(|p| plan::branch_grammar(p.head.as_str()).is_some()));
            page = answer.next;
            if page.is_none() {
                break;
            }
        }
        Ok(Self { context, policy, repository, ours, opened: 0 })
    }

    /// Publishes one candidate: every check again, then the reconciler.
    async fn publish(
        &mut self,
        candidate: &Candidate,
        actions: &mut Vec<Action>,
        opened_today: u32,
    ) -> Result<Published, EngineError> {
        match self.try_publish(candidate, actions, opened_today).await {
            Ok(published) => {
                if !self.context.run.dry_run && self.policy.mode > Mode::Observe && !published.retryable {
                    self.tell(&published).map_err(EngineError::Journal)?;
                }
                Ok(published)
            }
            Err(ReconcileError::Journal(why)) => Err(EngineError::Journal(why)),
            Err(error) => Ok(failed(candidate, &error)),
        }
    }

    async fn try_publish(
        &mut self,
        candidate: &Candidate,
        actions: &mut Vec<Action>,
        opened_today: u32,
    ) -> Result<Published, ReconcileError> {
        let now = self.context.forge.now().await?;
        if let Some(reason) = self.stale(candidate, now).await? {
            return Ok(left(candidate, reason, None));
        }
        let patch = self.patch(candidate).await?;
        let verdict = guardrail::evaluate(&guardrail::Change::from_patch(&patch), self.policy);
        if verdict.verdict == Ruling::Refuse {
            let rule = verdict.violations.iter().find(|v| v.ruling == Ruling::Refuse).map(|v| v.rule);
            return Ok(left(candidate, rule.unwrap_or(Reason::MalformedDiff), Some(verdict)));
        }
        let mut desired = self.desired(candidate, &verdict)?;
        if let Some(open) = self.ours.iter().find(|pull| pull.head == desired.branch) {
            desired.body = render::marker::merge(&open.body, &desired.body);
        }
        let reconciler = Reconciler {
            context: self.context,
            candidate,
            desired: &desired,
            message: render::commit_message(candidate),
        };
        let observed = reconciler.observe().await?;
        let decision = plan::decide(&desired, &observed);
        let opens = matches!(decision, Decision::Create | Decision::Fill { .. } | Decision::Adopt { .. });
        if opens && let Some(reason) = self.bars(&patch, candidate, opened_today).await? {
            return Ok(left(candidate, reason, Some(verdict)));
        }
        actions.extend(plan::actions(&decision, &desired, &observed));
        if self.context.run.dry_run || self.policy.mode <= Mode::Observe {
            return Ok(Published {
                candidate: candidate.clone(),
                state: None,
                pull: None,
                reason: Some(Reason::Observe),
                message: Reason::Observe.sentence().to_owned(),
                verdict: Some(verdict),
                retryable: false,
            });
        }
        let reconciled = reconciler.carry_out(&decision, &observed).await?;
        let done = |state, pull: PullRequest| Published {
            candidate: candidate.clone(),
            state: Some(state),
            message: format!("Pull request #{} {state}.", pull.number),
            pull: Some(pull),
            reason: None,
            verdict: Some(verdict.clone()),
            retryable: false,
        };
        Ok(match reconciled {
            Reconciled::Created(pull) => {
                self.opened += 1;
                self.ours.push(pull.clone());
                done("created", pull)
            }
            Reconciled::Adopted(pull) => {
                self.opened += 1;
                self.ours.push(pull.clone());
                done("adopted", pull)
            }
            Reconciled::Updated(pull) => done("updated", pull),
            Reconciled::Kept(pull) => done("kept", pull),
            Reconciled::Left(reason) => left(candidate, reason, Some(verdict.clone())),
            Reconciled::AwaitingPr(why) => Published {
                message: format!("{} ({why})", Reason::AwaitingPr.sentence()),
                ..left(candidate, Reason::AwaitingPr, Some(verdict.clone()))
            },
        })
    }

    /// Looks whether what was proved still is what is there: the policy, the report, the base.
    async fn stale(&self, candidate: &Candidate, now: Timestamp) -> Result<Option<Reason>, ReconcileError> {
        let (forge, slug, system) = (self.context.forge, &candidate.slug, self.context.system);
        if now > candidate.expires_at {
            return Ok(Some(Reason::Expired));
        }
        if candidate.config_hash != self.policy.config_hash() {
            return Ok(Some(Reason::PolicyChanged));
        }
        if self.repository.id != candidate.repository_id {
            return Ok(Some(Reason::RepositoryMissing));
        }
        if let ReportId::Issue { number } = candidate.report {
            let issue = match retry(system, async || forge.issue(slug, number).await).await {
                Ok(issue) => issue,
                Err(ForgeError::NotFound(_)) => return Ok(Some(Reason::Gone)),
                Err(error) => return Err(error.into()),
            };
            if let Some(reason) = gate::opted_out(&issue.labels) {
                return Ok(Some(reason));
            }
            if sha256_hex(issue.body.as_bytes()) != candidate.body_hash {
                return Ok(Some(Reason::ContentChanged));
            }
        }
        let tip = retry(system, async || forge.branch(slug, &candidate.base_branch).await).await?;
        let Some(tip) = tip else { return Ok(Some(Reason::BranchMissing)) };
        if tip == candidate.base_sha {
            return Ok(None);
        }
        let ancestor = retry(system, async || forge.is_ancestor(slug, &candidate.base_sha, &tip).await).await?;
        let untouched = ancestor && {
            let (then, now) = (self.blobs(&candidate.base_sha).await?, self.blobs(&tip).await?);
            candidate.files.iter().all(|file| then.get(file.path.as_str()) == now.get(file.path.as_str()))
        };
        Ok((!untouched).then_some(Reason::BaseMoved))
    }

    /// Lists the blobs of a commit's tree by path.
    async fn blobs(&self, commit: &ObjectId) -> Result<BTreeMap<String, ObjectId>, ForgeError> {
        let forge = self.context.forge;
        let entries = retry(self.context.system, async || forge.tree(&self.policy.slug, commit).await).await?;
        Ok(entries.into_iter().map(|entry| (entry.path, entry.id)).collect())
    }

    /// Rebuilds the patch from the candidate and the files of its base, as the forge has them.
    async fn patch(&self, candidate: &Candidate) -> Result<Patch, ReconcileError> {
        let (forge, slug, system) = (self.context.forge, &candidate.slug, self.context.system);
        let entries = retry(system, async || forge.tree(slug, &candidate.base_sha).await).await?;
        let mut patch = Patch::new();
        for file in &candidate.files {
            let before = match entries.iter().find(|entry| entry.path == file.path.as_str()) {
                None => None,
                Some(entry) => {
                    let content = retry(system, async || forge.blob(slug, &entry.id).await).await?;
                    Some(FileState { mode: entry.mode, content })
                }
            };
            let after = match (&file.content, file.mode) {
                (Some(content), Some(mode)) => {
                    let content = base64::engine::general_purpose::STANDARD
                        .decode(content)
                        .map_err(|e| ForgeError::Invalid(format!("{}: {e}", file.path)))?;
                    Some(FileState { mode, content })
                }
                _ => None,
            };
            patch.set(file.path.clone(), before, after);
        }
        Ok(patch)
    }

    /// Says what should be.
    fn desired(&self, candidate: &Candidate, verdict: &Verdict) -> Result<Desired, ReconcileError> {
        let drafts = gate::draft_reasons(candidate, verdict, self.policy, self.policy.mode);
        let closes = match candidate.report {
            ReportId::Issue { number } if candidate.base_branch == self.repository.default_branch => Some(number),
            _ => None,
        };
        let mut labels = self.policy.labels.clone();
        if !candidate.evidence.kind.is_strong() {
            labels.push("needs-reproduction".to_owned());
        }
        if verdict.verdict == Ruling::Flag {
            labels.push("needs-approval".to_owned());
        }
        labels.sort();
        labels.dedup();
        let view = render::PullView {
            candidate,
            verdict,
            policy: self.policy,
            closes,
            draft_reasons: &drafts,
            redactor: self.context.redactor,
        };
        let text = render::pull_request(&view)
            .map_err(|e| ReconcileError::Forge(ForgeError::Invalid(format!("the body could not be made: {e}"))))?;
        Ok(Desired {
            repository: candidate.slug.to_string(),
            branch: plan::branch_for(&candidate.fingerprint, candidate.episode),
            base: candidate.base_branch.clone(),
            tree: candidate.tree.clone(),
            key: plan::idempotency_key(
                candidate.repository_id,
                &candidate.base_branch,
                &candidate.fingerprint,
                candidate.episode,
                &candidate.tree,
            ),
            title: text.title,
            body: text.body,
            draft: !drafts.is_empty(),
            labels,
        })
    }

    /// Returns why one more pull request may not be opened here: caps, or one of ours that makes the same change.
    async fn bars(
        &self,
        patch: &Patch,
        candidate: &Candidate,
        opened_today: u32,
    ) -> Result<Option<Reason>, ReconcileError> {
        let caps = crate::engine::work::caps(self.policy, self.context.config.run.max_prs_per_day);
        let open = u32::try_from(self.ours.len()).unwrap_or(u32::MAX);
        let used = Openings { this_run: self.opened, open, today: opened_today };
        if let Err(reason) = caps.admit(&used) {
            return Ok(Some(reason));
        }
        for pull in &self.ours {
            let theirs = self.patch_of(pull, candidate, patch).await?;
            if theirs.is_some_and(|theirs| plan::relation(patch, &theirs) != Relation::Apart) {
                return Ok(Some(Reason::SameChange));
            }
        }
        Ok(None)
    }

    /// Rebuilds the patch of an open pull request of ours over the files that `patch` touches.
    async fn patch_of(
        &self,
        pull: &PullRequest,
        candidate: &Candidate,
        patch: &Patch,
    ) -> Result<Option<Patch>, ReconcileError> {
        let (forge, slug, system) = (self.context.forge, &candidate.slug, self.context.system);
        let head = match retry(system, async || forge.commit(slug, &pull.head_sha).await).await {
            Ok(head) => head,
            Err(ForgeError::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let Some(parent) = head.parents.first() else { return Ok(None) };
        let (before, after) = (self.blobs(parent).await?, self.blobs(&pull.head_sha).await?);
        let mut theirs = Patch::new();
        let paths: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for path in paths {
            let (old, new) = (before.get(path), after.get(path));
            if old == new {
                continue;
            }
            let Ok(path) = path.parse::<RepoPath>() else { continue };
            // A file that the patch does not touch cannot overlap; that it changed is enough to know.
            let content = patch.get(&path).is_some();
            let load = async |id: Option<&ObjectId>| -> Result<Option<FileState>, ForgeError> {
                let Some(id) = id else { return Ok(None) };
                if !content {
                    return Ok(Some(FileState::plain(id.as_str())));
                }
                Ok(Some(FileState::plain(retry(system, async || forge.blob(slug, id).await).await?)))
            };
            theirs.set(path.clone(), load(old).await?, load(new).await?);
        }
        Ok(Some(theirs))
    }

    /// Comments once on each duplicate whose canonical issue has a pull request now; a failure here harms nothing.
    async fn tell_duplicates(&self, duplicates: &[DuplicateReport], published: &[&Published]) {
        if self.context.run.dry_run || self.policy.mode <= Mode::Observe {
            return;
        }
        for duplicate in duplicates.iter().filter(|d| d.slug == self.policy.slug) {
            let canonical = ReportId::Issue { number: duplicate.canonical };
            let speaks =
                published.iter().find(|p| p.candidate.report == canonical && p.state.is_some_and(|s| s != "left"));
            let Some(pull) = speaks.and_then(|p| p.pull.as_ref()) else { continue };
            let body = render::duplicate_comment(duplicate.canonical, pull.number);
            if let Err(error) = self.comment_once(duplicate.issue, &body).await {
                tracing::warn!(slug = %self.policy.slug, issue = duplicate.issue, %error, "no comment was left");
            }
        }
    }

    /// Leaves a comment unless one with its marker (its first line) is there.
    async fn comment_once(&self, issue: u64, body: &str) -> Result<Option<Comment>, ForgeError> {
        let (forge, slug) = (self.context.forge, &self.policy.slug);
        let marker = body.lines().next().unwrap_or_default();
        let mut page: Option<String> = None;
        for _ in 0..MAX_COMMENT_PAGES {
            let answer =
                retry(self.context.system, async || forge.comments(slug, issue, page.as_deref()).await).await?;
            if answer.items.iter().any(|comment| comment.body.lines().next() == Some(marker)) {
                return Ok(None);
            }
            page = answer.next;
            if page.is_none() {
                break;
            }
        }
        forge.create_comment(slug, issue, body).await.map(Some)
    }

    /// Records the one terminal event of the candidate's attempt.
    fn tell(&self, published: &Published) -> Result<(), String> {
        self.context.recorder.record(attempt_event(published))
    }
}

/// Makes the one terminal event of an attempt that left a candidate.
fn attempt_event(published: &Published) -> Event {
    let candidate = &published.candidate;
    let status = if published.state == Some("left") { Status::Refused } else { Status::Fixed };
    Event::AttemptFinished(Box::new(AttemptFinished {
        repo: candidate.slug.to_string(),
        fingerprint: candidate.fingerprint.to_string(),
        family: candidate.family.to_string(),
        episode: candidate.episode,
        error_type: candidate.failure.error_type().to_owned(),
        report: report_ref(&candidate.report, &candidate.report_url),
        lane: candidate.failure.lane.map_or("code", crate::model::Lane::as_str).to_owned(),
        kind: candidate.failure.kind.map(|kind| kind.to_string()),
        status,
        rule: published.reason.filter(|r| r.class() == crate::model::ReasonClass::Rule),
        reason: published.reason,
        started_at: candidate.started_at,
        completed_at: candidate.completed_at,
        attempt: candidate.attempt,
        tier: Some(candidate.tier.clone().unwrap_or_else(|| candidate.source.to_string())),
        source: Some(candidate.source),
        provider: None,
        model: None,
        pattern: candidate.pattern.clone().filter(|_| candidate.source == Source::Pattern),
        confidence: candidate.confidence,
        pr: published.pull.as_ref().map(|pull| PullRef {
            number: pull.number,
            url: pull.url.clone(),
            state: published.state.unwrap_or_default().to_owned(),
        }),
        branch: Some(plan::branch_for(&candidate.fingerprint, candidate.episode).to_string()),
        base_sha: candidate.base_sha.to_string(),
        tree: Some(candidate.tree.to_string()),
        candidate: Some(digest(candidate)),
        cost_microusd: candidate.cost,
        tokens: candidate.tokens,
        latency_ms: latency(candidate.started_at, candidate.completed_at),
        evidence: Some(EvidenceRef {
            kind: candidate.evidence.kind,
            before: candidate.evidence.before,
            after: candidate.evidence.after,
            repetitions: candidate.evidence.repetitions,
        }),
        resources: Some(candidate.evidence.resources),
        sandbox: Some(SandboxRef {
            level: candidate.evidence.sandbox.level,
            network: candidate.evidence.sandbox.network,
        }),
        also_fixes: candidate.also_fixes.iter().map(|also| also.fingerprint.to_string()).collect(),
        logs: candidate.logs.clone(),
    }))
}

/// Leaves a candidate unpublished.
fn left(candidate: &Candidate, reason: Reason, verdict: Option<Verdict>) -> Published {
    let details: Vec<&str> = verdict.iter().flat_map(|v| &v.violations).map(|v| v.message.as_str()).collect();
    let message = if details.is_empty() { reason.sentence().to_owned() } else { details.join(" ") };
    Published {
        candidate: candidate.clone(),
        state: Some("left"),
        pull: None,
        reason: Some(reason),
        message,
        verdict,
        retryable: false,
    }
}

/// Says that a candidate could not be published now; the next run goes on from what is there.
fn failed(candidate: &Candidate, error: &ReconcileError) -> Published {
    let denied = matches!(error, ReconcileError::Forge(ForgeError::Denied(_) | ForgeError::Invalid(_)));
    Published {
        candidate: candidate.clone(),
        state: Some("left"),
        pull: None,
        reason: Some(if denied { Reason::Denied } else { Reason::ForgeUnavailable }),
        message: format!("{error}"),
        verdict: None,
        retryable: !denied,
    }
}
