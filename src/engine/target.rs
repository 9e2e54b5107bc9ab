//! One repository being written to: every check again, then what has to be done. Layer 4.

use std::collections::BTreeMap;

use base64::Engine as _;

use crate::engine::approval::{self, Offer};
use crate::engine::publish::Published;
use crate::engine::reconcile::{How, ReconcileError, Reconciled, Reconciler, clear_orphan, observe};
use crate::engine::{Context, DuplicateReport, EngineError, comment, failed_runs, opening, pages, retry, shown, worn};
use crate::forge::{ForgeError, PullQuery, PullRequest, PullState, Repository};
use crate::gate::{self, Openings};
use crate::guardrail;
use crate::model::{
    Candidate, FileState, Fingerprint, Mode, ObjectId, Patch, Policy, Reason, RepoPath, ReportId, Ruling, Verdict,
    sha256_hex,
};
use crate::plan::{self, Action, Decision, Desired, Observed, Ownership, Relation};
use crate::render;

/// One repository being written to.
pub(crate) struct Target<'a> {
    context: &'a Context<'a>,
    policy: &'a Policy,
    repository: Repository,
    /// Open pull requests of ours.
    ours: Vec<PullRequest>,
    opened: u32,
    /// Whether runs of what this token opens wait for a person; nothing before somebody asked.
    runs_wait: Option<bool>,
    /// Labels of ours that the issue of the candidate at hand has; nothing where it was not read.
    shown: Option<Vec<String>>,
}

impl<'a> Target<'a> {
    pub(crate) async fn open(context: &'a Context<'a>, policy: &'a Policy) -> Result<Self, ForgeError> {
        let forge = context.forge;
        let repository = retry(context.system, async || forge.repository(&policy.slug).await).await?;
        let query = PullQuery { head: None, open_only: true };
        let read = async |page: Option<&str>| forge.pulls(&policy.slug, &query, page).await;
        let ours = pages::all(context.system, usize::MAX, read).await.whole()?.items;
        let mut ours = pages::once(ours, |pull| pull.number);
        ours.retain(|pull| plan::branch_grammar(pull.head.as_str()).is_some());
        Ok(Self { context, policy, repository, ours, opened: 0, runs_wait: None, shown: None })
    }

    /// Returns the repository.
    pub(crate) const fn repository(&self) -> &Repository {
        &self.repository
    }

    /// Publishes one candidate: every check again, then the reconciler.
    pub(crate) async fn publish(
        &mut self,
        offer: Offer<'_>,
        actions: &mut Vec<Action>,
        opened: u32,
    ) -> Result<Published, EngineError> {
        let candidate = offer.candidate;
        match self.try_publish(offer, actions, opened).await {
            Ok(mut published) => {
                if published.state.is_some() && !published.waits && self.writes() {
                    self.take_labels_off(&mut published).await;
                }
                Ok(published)
            }
            Err(ReconcileError::Journal(why)) => Err(EngineError::Journal(why)),
            Err(error) => Ok(failed(candidate, &error)),
        }
    }

    /// Takes labels off the issue that its candidate's end outdated: all of ours where there is a pull request now, else the
    /// one that says that it waits.
    async fn take_labels_off(&mut self, published: &mut Published) {
        let ReportId::Issue { number } = published.candidate.report else { return };
        let (forge, slug) = (self.context.forge, &self.policy.slug);
        let left = published.state == Some("left");
        let mut labels = match self.shown.take() {
            Some(seen) => seen,
            None if left && self.policy.mode != Mode::Approve => return,
            None => match retry(self.context.system, async || forge.issue(slug, number).await).await {
                Ok(issue) => ours(issue.labels),
                Err(ForgeError::NotFound(_) | ForgeError::Denied(_) | ForgeError::Invalid(_)) => return,
                Err(_) => {
                    (published.waits, published.retryable) = (true, true);
                    return;
                }
            },
        };
        labels.retain(|label| !left || label.eq_ignore_ascii_case(gate::WAITS));
        shown::take_off(self.context, slug, number, &labels, published).await;
    }

    async fn try_publish(
        &mut self,
        offer: Offer<'_>,
        actions: &mut Vec<Action>,
        opened: u32,
    ) -> Result<Published, ReconcileError> {
        let candidate = offer.candidate;
        self.shown = None;
        let now = retry(self.context.system, async || self.context.forge.now().await).await?;
        let expired = now > candidate.expires_at;
        let (mut observed, pulls) = observe(self.context, candidate).await?;
        let open = pulls.into_iter().find(|pull| pull.state == PullState::Open);
        let hidden = observed.pulls.is_empty() || (open.is_some() && observed.branch.is_none());
        if candidate.replaces.is_some() && hidden && !expired {
            // There was a pull request, and an open one has its branch: what was read is old, and no ground to act on.
            let why = "a pull request that was seen before is not shown now";
            return Err(ForgeError::Transient(why.to_owned()).into());
        }
        let replaces = open.is_some() && replaces(candidate, &observed);
        match &open {
            // What is open is there, whatever became of its reasons since; only its labels or text may be missing.
            Some(pull) if expired => return Ok(done(candidate, How::Kept, pull.clone(), None, false)),
            Some(_) if !replaces => {}
            _ => {
                if let Some(reason) = self.stale(candidate, expired).await? {
                    return self.leave(candidate, left(candidate, reason, None), &observed).await;
                }
            }
        }
        let patch = self.patch(candidate).await?;
        let verdict =
            guardrail::evaluate_knowing(&guardrail::Change::from_patch(&patch), self.policy, self.context.redactor);
        if verdict.verdict == Ruling::Refuse {
            let rule = verdict.violations.iter().find(|v| v.ruling == Ruling::Refuse).map(|v| v.rule);
            let refused = left(candidate, rule.unwrap_or(Reason::MalformedDiff), Some(verdict));
            return self.leave(candidate, refused, &observed).await;
        }
        let runs_wait = self.do_runs_wait().await;
        let (mut desired, mut warnings) = self.desired(candidate, &verdict, runs_wait)?;
        if let Some(open) = &open {
            let ours = std::mem::take(&mut desired.body);
            desired.body = render::marker::merge(&open.body, &ours);
            // A body without room for the new text would go on speaking of the old tree.
            desired.replaces.take_if(|_| !desired.body.contains(ours.trim_end()));
            if let (Some(workflow), Some(seen)) =
                (&desired.dispatch, observed.pulls.iter_mut().find(|pull| pull.number == open.number))
            {
                let (forge, slug, head) = (self.context.forge, &candidate.slug, &open.head_sha);
                seen.dispatched =
                    retry(self.context.system, async || forge.dispatched(slug, workflow, head).await).await?;
            }
            observed.replaceable = replaces && desired.replaces.is_some() && self.is_worn(candidate, open).await?;
        }
        let decision = plan::decide(&desired, &observed);
        let opens = matches!(decision, Decision::Create | Decision::Fill { .. } | Decision::Adopt { .. });
        let barred = if opens { self.bars(&patch, candidate, opened).await? } else { None };
        if let Some((reason, because_of)) = barred {
            let mut barred = left(candidate, reason, Some(verdict));
            barred.because_of = because_of;
            // Room may come: a proof is not thrown away for want of it.
            barred.waits = reason == Reason::Capped;
            return self.leave(candidate, barred, &observed).await;
        }
        let makes = opens || matches!(decision, Decision::Replace { .. });
        if self.policy.mode == Mode::Approve
            && makes
            && !approval::is_approved(self.context, self.policy, offer).await?
        {
            let question = approval::question(self.context, offer, &patch, &verdict)?;
            actions.push(plan::asking(&desired, &question));
            if self.writes() {
                return Ok(approval::ask(self.context, &self.policy.slug, offer, &question, verdict).await);
            }
        } else {
            actions.extend(plan::actions(&decision, &desired, &observed));
        }
        if !self.writes() {
            return Ok(Published {
                state: None,
                reason: Some(Reason::Observe),
                message: Reason::Observe.sentence().to_owned(),
                ..left(candidate, Reason::Observe, Some(verdict))
            });
        }
        let reconciler = Reconciler {
            context: self.context,
            candidate,
            desired: &desired,
            message: render::commit_message(candidate),
        };
        Ok(match reconciler.carry_out(&decision, &observed).await? {
            Reconciled::Done { how, pull, finish } => {
                if how.is_new() {
                    self.opened += 1;
                    self.ours.push((*pull).clone());
                }
                warnings.extend(finish.warnings);
                let runs_wait = runs_wait && how != How::Kept;
                Published { warnings, runs_wait, ..done(candidate, how, *pull, Some(verdict), finish.incomplete) }
            }
            Reconciled::Left(reason) => left(candidate, reason, Some(verdict)),
            Reconciled::AwaitingPr(why) => {
                self.tell_awaiting(candidate, &desired).await;
                Published {
                    message: format!("{} ({why})", Reason::AwaitingPr.sentence()),
                    waits: true,
                    ..left(candidate, Reason::AwaitingPr, Some(verdict))
                }
            }
        })
    }

    /// Asks once more, right before it may be written to, whether the patch of our open pull request has to be replaced: a
    /// person may have looked at it since, or its checks may have turned green.
    async fn is_worn(&self, candidate: &Candidate, open: &PullRequest) -> Result<bool, ReconcileError> {
        let (forge, slug) = (self.context.forge, &candidate.slug);
        let base = retry(self.context.system, async || forge.branch(slug, &open.base).await).await?;
        let base = base.ok_or_else(|| ForgeError::Transient(format!("{slug} does not show {} now", open.base)))?;
        let same_base = open.base == candidate.base_branch;
        Ok(same_base && worn::wear(self.context, slug, open.number, &open.head_sha, &base).await?.is_worn())
    }

    /// Returns whether this run may write to this repository.
    fn writes(&self) -> bool {
        !self.context.run.dry_run && self.policy.mode > Mode::Observe
    }

    /// Says once on the issue where the fix lies while the forge permits no pull request (F-43); a failure here harms
    /// nothing, the next run says it.
    async fn tell_awaiting(&self, candidate: &Candidate, desired: &Desired) {
        let ReportId::Issue { number } = candidate.report else { return };
        let told = match render::awaiting_pr_comment(candidate, &desired.branch, &self.repository.url) {
            Ok(body) => comment::once(self.context, &self.policy.slug, number, &body).await,
            Err(error) => Err(ForgeError::Invalid(error.to_string())),
        };
        if let Err(error) = told {
            tracing::warn!(slug = %self.context.veil.name(&self.policy.slug), issue = number, %error, "no comment was left");
        }
    }

    /// Leaves a candidate for good: an orphan branch of ours that nobody will open any more goes with it (I2).
    async fn leave(
        &self,
        candidate: &Candidate,
        published: Published,
        observed: &Observed,
    ) -> Result<Published, ReconcileError> {
        let Some(branch) = &observed.branch else { return Ok(published) };
        let orphan = matches!(branch.ownership, Ownership::Ours(_)) && observed.pulls.is_empty();
        if !orphan || published.waits || !self.writes() {
            return Ok(published);
        }
        match clear_orphan(self.context, candidate, &branch.head).await? {
            Some(pull) => Ok(done(candidate, How::Kept, pull, published.verdict, false)),
            None => Ok(published),
        }
    }

    /// Looks whether what was proved still is what is there: the policy, the report, the base.
    async fn stale(&mut self, candidate: &Candidate, expired: bool) -> Result<Option<Reason>, ReconcileError> {
        let (forge, slug, system) = (self.context.forge, &candidate.slug, self.context.system);
        if expired {
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
            let opted_out = gate::opted_out(&issue.labels);
            self.shown = Some(ours(issue.labels));
            if let Some(reason) = opted_out {
                return Ok(Some(reason));
            }
            if sha256_hex(issue.body.as_bytes()) != candidate.body_hash {
                return Ok(Some(Reason::ContentChanged));
            }
        }
        if let ReportId::Run { workflow, .. } = &candidate.report {
            let (id, branch) = (candidate.repository_id, &candidate.base_branch);
            if !failed_runs::still_fails(self.context, self.policy, id, branch, workflow).await? {
                return Ok(Some(Reason::Gone));
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

    /// Returns whether workflow runs of what this token opens wait for a person; it is asked once a repository.
    async fn do_runs_wait(&mut self) -> bool {
        if let Some(known) = self.runs_wait {
            return known;
        }
        let waits = opening::do_runs_wait(self.context).await;
        *self.runs_wait.insert(waits)
    }

    /// Says what should be, and what of the configuration could not be followed.
    fn desired(
        &self,
        candidate: &Candidate,
        verdict: &Verdict,
        runs_wait: bool,
    ) -> Result<(Desired, Vec<String>), ReconcileError> {
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
            runs_wait,
            redactor: self.context.redactor,
        };
        let text = render::pull_request(&view)
            .map_err(|e| ReconcileError::Forge(ForgeError::Invalid(format!("the body could not be made: {e}"))))?;
        let desired = Desired {
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
            asked: self.policy.pull_request.asked(),
            replaces: candidate.replaces.clone(),
            auto_merge: gate::auto_merge(candidate, self.policy, self.policy.mode, !drafts.is_empty()),
            dispatch: self.policy.dispatch_ci.clone().filter(|_| runs_wait),
        };
        Ok((desired, text.warnings))
    }

    /// Returns why one more pull request may not be opened here: caps, or one of ours that makes the same change.
    async fn bars(
        &self,
        patch: &Patch,
        candidate: &Candidate,
        opened: u32,
    ) -> Result<Option<(Reason, Option<Fingerprint>)>, ReconcileError> {
        for pull in &self.ours {
            let theirs = self.patch_of(pull, candidate, patch).await?;
            if theirs.is_some_and(|theirs| plan::relation(patch, &theirs) != Relation::Apart) {
                let theirs = render::marker::read(&pull.body).map(|state| state.fingerprint);
                return Ok(Some((Reason::SameChange, theirs)));
            }
        }
        let caps = crate::engine::work::caps(self.policy, self.context.config.run.max_prs_per_day);
        let open = u32::try_from(self.ours.len()).unwrap_or(u32::MAX);
        let used = Openings { this_run: self.opened, open, today: opened };
        Ok(caps.admit(&used).err().map(|reason| (reason, None)))
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
        let Some(parent) = plan::tested_parent(&head.parents) else { return Ok(None) };
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
}

/// Returns which of an issue's labels show where its failure stands.
fn ours(labels: Vec<String>) -> Vec<String> {
    labels.into_iter().filter(|label| gate::is_shown(label)).collect()
}

/// Comments once on each duplicate whose failure has a pull request; a failure here harms nothing, the next run looks again.
pub(crate) async fn tell_duplicates(
    context: &Context<'_>,
    policy: &Policy,
    duplicates: &[DuplicateReport],
    new: &BTreeMap<u64, u64>,
) {
    for duplicate in duplicates.iter().filter(|duplicate| duplicate.slug == policy.slug) {
        let Some(pull) = new.get(&duplicate.canonical).copied().or(duplicate.pull) else { continue };
        let told = match render::duplicate_comment(duplicate.canonical, pull) {
            Ok(body) => comment::once(context, &policy.slug, duplicate.issue, &body).await,
            Err(error) => Err(ForgeError::Invalid(error.to_string())),
        };
        if let Err(error) = told {
            tracing::warn!(slug = %context.veil.name(&policy.slug), issue = duplicate.issue, %error, "no comment was left");
        }
    }
}

/// Returns whether the candidate was made to replace the very patch that is there.
fn replaces(candidate: &Candidate, observed: &Observed) -> bool {
    observed.branch.as_ref().is_some_and(|branch| {
        let other = matches!(&branch.ownership, Ownership::Ours(trailer) if trailer.tree != candidate.tree);
        other && candidate.replaces.as_ref() == Some(&branch.head)
    })
}

/// Says that a pull request is open for the candidate.
fn done(candidate: &Candidate, how: How, pull: PullRequest, verdict: Option<Verdict>, waits: bool) -> Published {
    Published {
        candidate: candidate.clone(),
        state: Some(how.as_str()),
        message: format!("Pull request #{} {}.", pull.number, how.as_str()),
        pull: Some(pull),
        reason: None,
        verdict,
        because_of: None,
        waits,
        retryable: false,
        warnings: Vec::new(),
        runs_wait: false,
    }
}

/// Leaves a candidate unpublished.
pub(crate) fn left(candidate: &Candidate, reason: Reason, verdict: Option<Verdict>) -> Published {
    let details: Vec<&str> = verdict.iter().flat_map(|v| &v.violations).map(|v| v.message.as_str()).collect();
    let message = if details.is_empty() { reason.sentence().to_owned() } else { details.join(" ") };
    Published {
        candidate: candidate.clone(),
        state: Some("left"),
        pull: None,
        reason: Some(reason),
        message,
        verdict,
        because_of: None,
        waits: false,
        retryable: false,
        warnings: Vec::new(),
        runs_wait: false,
    }
}

/// Says that a candidate could not be published now; it waits, and the next run goes on from what is there.
pub(crate) fn failed(candidate: &Candidate, error: &ReconcileError) -> Published {
    let reason = match error {
        ReconcileError::Forge(error) if error.is_folder_in_the_way() => Reason::BranchInTheWay,
        ReconcileError::Forge(ForgeError::Denied(_) | ForgeError::Invalid(_)) => Reason::Denied,
        ReconcileError::Forge(ForgeError::NotFound(_)) => Reason::RepositoryMissing,
        _ => Reason::ForgeUnavailable,
    };
    let retryable = reason == Reason::ForgeUnavailable;
    Published { message: error.to_string(), waits: true, retryable, ..left(candidate, reason, None) }
}
