//! Carries out the plan for one candidate so that it happens exactly once, whatever the network does (PROTOCOL.md, 7).
//! Layer 4.
//!
//! Before the first write the intent is in the journal; an unclear answer is followed by a look, never by a blind second
//! write; nothing is deleted that is not provably ours.

use crate::engine::finish::{Finish, Finisher};
use crate::engine::intent::Intent;
use crate::engine::opening::{Opening, look_for_pull, open_pull};
use crate::engine::{Context, retry};
use crate::forge::{ForgeError, NewCommit, NewPull, PullEdit, PullQuery, PullRequest, TreeChange};
use crate::model::{Candidate, FileMode, ObjectId, Reason};
use crate::plan::{self, CommitFacts, Decision, Desired, Observed, ObservedPull, Ownership, RefState, Trailer, Verb};

/// What became of a candidate at the forge.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reconciled {
    /// There is an open pull request.
    Done {
        /// How it came to be: made; made for a branch that was there, or taken over after a lost answer; edited; as it
        /// should be.
        how: How,
        /// The pull request.
        pull: Box<PullRequest>,
        /// Whether labels and people are on it, and what of them never will be.
        finish: Finish,
    },
    /// It was left alone.
    Left(Reason),
    /// The branch stands; the forge permits no pull request (state `awaiting-pr`).
    AwaitingPr(String),
}

/// How a pull request came to be as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Created,
    Adopted,
    Updated,
    /// Its patch was replaced.
    Replaced,
    Kept,
}

impl How {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Adopted => "adopted",
            Self::Updated | Self::Replaced => "updated",
            Self::Kept => "kept",
        }
    }

    /// Returns whether there is one pull request more than before.
    pub(crate) const fn is_new(self) -> bool {
        matches!(self, Self::Created | Self::Adopted)
    }
}

/// Why a candidate could not be carried out now.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum ReconcileError {
    /// The journal could not be written; nothing was.
    #[error("{0}")]
    Journal(String),
    /// The forge failed; the next run goes on from what is there.
    #[error(transparent)]
    Forge(#[from] ForgeError),
}

type Result<T> = std::result::Result<T, ReconcileError>;

/// Carries out one candidate.
pub(crate) struct Reconciler<'a> {
    pub(crate) context: &'a Context<'a>,
    pub(crate) candidate: &'a Candidate,
    pub(crate) desired: &'a Desired,
    pub(crate) message: String,
}

/// Looks at the branch of a candidate and its pull requests, straight from the forge.
pub(crate) async fn observe(context: &Context<'_>, candidate: &Candidate) -> Result<(Observed, Vec<PullRequest>)> {
    let (forge, slug, system) = (context.forge, &candidate.slug, context.system);
    let name = plan::branch_for(&candidate.fingerprint, candidate.episode);
    let head = retry(system, async || forge.branch(slug, &name).await).await?;
    let branch = match head {
        None => None,
        Some(head) => {
            let commit = retry(system, async || forge.commit(slug, &head).await).await?;
            let base = retry(system, async || forge.branch(slug, &candidate.base_branch).await).await?;
            let on_base = match &base {
                Some(base) => retry(system, async || forge.is_ancestor(slug, &head, base).await).await?,
                None => false,
            };
            let facts = CommitFacts {
                id: head.clone(),
                tree: commit.tree,
                parents: commit.parents,
                message: commit.message,
                on_base,
            };
            let ownership = plan::ownership(&candidate.fingerprint, candidate.episode, &facts);
            Some(RefState { head, ownership })
        }
    };
    let query = PullQuery { head: Some(name), open_only: false };
    let pulls = retry(system, async || forge.pulls(slug, &query, None).await).await?.items;
    Ok((Observed { branch, pulls: pulls.iter().map(observed_pull).collect(), replaceable: false }, pulls))
}

impl Reconciler<'_> {
    /// Carries out the decision; `observed` is what the decision was made on.
    pub(crate) async fn carry_out(&self, decision: &Decision, observed: &Observed) -> Result<Reconciled> {
        match decision {
            Decision::Leave(reason) => Ok(Reconciled::Left(*reason)),
            Decision::Keep { number, same_tree } => self.keep(*number, *same_tree, observed).await,
            Decision::Create => {
                let commit = self.commit(Verb::CreateBranch, None).await?;
                match self.create_branch(&commit).await? {
                    Some(reason) => Ok(Reconciled::Left(reason)),
                    None => self.open(false).await,
                }
            }
            Decision::Fill { head } => {
                let commit = self.commit(Verb::CreateBranch, None).await?;
                self.intend(Verb::AdvanceBranch, commit.as_str())?;
                let moved =
                    self.context.forge.advance_branch(&self.candidate.slug, &self.desired.branch, head, &commit);
                match moved.await {
                    Ok(()) => {}
                    Err(ForgeError::Ambiguous(_) | ForgeError::Conflict(_)) => {
                        if let Some(reason) = self.not_ours(&commit).await? {
                            return Ok(Reconciled::Left(reason));
                        }
                    }
                    Err(error) => return Err(error.into()),
                }
                self.open(false).await
            }
            Decision::Replace { number, head } => self.supersede(*number, head, observed).await,
            Decision::Adopt { trailer } if trailer.tree == self.desired.tree => self.open(true).await,
            Decision::Adopt { .. } => self.start_over(observed).await,
        }
    }

    /// Keeps the open pull request, and edits it only where it speaks of this candidate's tree and differs.
    async fn keep(&self, number: u64, same_tree: bool, observed: &Observed) -> Result<Reconciled> {
        let (forge, slug) = (self.context.forge, &self.candidate.slug);
        let decision = Decision::Keep { number, same_tree };
        let verbs: Vec<Verb> =
            plan::actions(&decision, self.desired, observed).iter().map(|action| action.verb).collect();
        let edits = verbs.contains(&Verb::EditPullRequest);
        if edits {
            self.intend(Verb::EditPullRequest, &self.desired.body)?;
            let edit = PullEdit { title: Some(self.desired.title.clone()), body: Some(self.desired.body.clone()) };
            forge.edit_pull(slug, number, &edit).await?;
        }
        let mut finish = Finish::default();
        if verbs.contains(&Verb::AddLabels) {
            self.finisher().label(number, &mut finish).await;
        }
        let asks = [Verb::RequestReview, Verb::Assign, Verb::SetMilestone];
        if let Some(seen) = observed.pulls.iter().find(|pull| pull.number == number)
            && asks.iter().any(|verb| verbs.contains(verb))
        {
            self.finisher().ask(number, &seen.asked, &mut finish).await;
        }
        let pull = retry(self.context.system, async || forge.pull(slug, number).await).await?;
        if verbs.contains(&Verb::EnableAutoMerge) {
            self.let_merge(&pull, &mut finish).await;
        }
        if verbs.contains(&Verb::StartWorkflow) {
            self.start_workflow(&pull, &mut finish).await;
        }
        let how = if edits { How::Updated } else { How::Kept };
        Ok(Reconciled::Done { how, pull: Box::new(pull), finish })
    }

    /// Stores blobs, tree and commit; all three may be repeated without harm. `on` is a head of ours whose patch the commit
    /// replaces.
    async fn commit(&self, verb: Verb, on: Option<&ObjectId>) -> Result<ObjectId> {
        use base64::Engine as _;
        let (forge, slug, system) = (self.context.forge, &self.candidate.slug, self.context.system);
        self.intend(verb, self.desired.tree.as_str())?;
        let mut changes = Vec::with_capacity(self.candidate.files.len());
        for file in &self.candidate.files {
            let entry = match &file.content {
                None => None,
                Some(content) => {
                    let bytes = base64::engine::general_purpose::STANDARD
                        .decode(content)
                        .map_err(|e| ForgeError::Invalid(format!("{}: {e}", file.path)))?;
                    let blob = retry(system, async || forge.create_blob(slug, &bytes).await).await?;
                    Some((file.mode.unwrap_or(FileMode::Plain), blob))
                }
            };
            changes.push(TreeChange { path: file.path.clone(), entry });
        }
        let parent = &self.candidate.base_sha;
        let base_tree = retry(system, async || forge.commit(slug, parent).await).await?.tree;
        let tree = retry(system, async || forge.create_tree(slug, Some(&base_tree), &changes).await).await?;
        if tree != self.candidate.tree {
            // What was proved and what would be published must be the same bytes.
            return Err(ForgeError::Invalid(format!(
                "the tree made is {tree}, the tree proved is {}; nothing was published",
                self.candidate.tree
            ))
            .into());
        }
        let trailer = Trailer {
            fingerprint: self.candidate.fingerprint.clone(),
            episode: self.candidate.episode,
            tree: tree.clone(),
            parent: parent.clone(),
        };
        let commit = NewCommit {
            tree,
            parents: on.into_iter().chain([parent]).cloned().collect(),
            message: format!("{}\n\n{trailer}\n", self.message.trim_end()),
        };
        Ok(retry(system, async || forge.create_commit(slug, &commit).await).await?)
    }

    /// Puts another patch in the place of the one that is there: the branch first, moved forward from the very head that was
    /// looked at, then the body, which speaks of the new tree. What comes between the two is mended by the next run, since
    /// the candidate waits until both are done.
    async fn supersede(&self, number: u64, head: &ObjectId, observed: &Observed) -> Result<Reconciled> {
        let (forge, slug, branch) = (self.context.forge, &self.candidate.slug, &self.desired.branch);
        let commit = self.commit(Verb::ReplaceCommit, Some(head)).await?;
        match forge.advance_branch(slug, branch, head, &commit).await {
            Ok(()) => {}
            Err(
                error @ (ForgeError::Ambiguous(_)
                | ForgeError::Transient(_)
                | ForgeError::Conflict(_)
                | ForgeError::Invalid(_)),
            ) => {
                // Read after the answer was lost, or after somebody was faster; never written blindly.
                let (now, _) = observe(self.context, self.candidate).await?;
                match now.branch {
                    // Nothing moved, or what was read is old: the next run looks again.
                    None => return Err(error.into()),
                    Some(RefState { head: seen, .. }) if seen == *head => return Err(error.into()),
                    Some(RefState { ownership: Ownership::Ours(trailer), .. }) if trailer.tree == self.desired.tree => {
                    }
                    Some(RefState { ownership: Ownership::Ours(_), .. }) => {
                        return self.keep(number, false, &now).await;
                    }
                    Some(_) => return Ok(Reconciled::Left(Reason::HumanOwned)),
                }
            }
            Err(error) => return Err(error.into()),
        }
        // What was started on the head that was there says nothing of the new one.
        let mut observed = observed.clone();
        observed.pulls.iter_mut().for_each(|pull| pull.dispatched = false);
        let done = self.keep(number, true, &observed).await?;
        Ok(match done {
            Reconciled::Done { pull, finish, .. } => Reconciled::Done { how: How::Replaced, pull, finish },
            left => left,
        })
    }

    /// Creates the branch; the ref is the lock. Returns why it was left alone, if it was.
    async fn create_branch(&self, commit: &ObjectId) -> Result<Option<Reason>> {
        let (forge, slug, branch) = (self.context.forge, &self.candidate.slug, &self.desired.branch);
        for last in [false, true] {
            match forge.create_branch(slug, branch, commit).await {
                Ok(()) => return Ok(None),
                Err(ForgeError::Conflict(_)) => return self.not_ours(commit).await,
                Err(error @ (ForgeError::Ambiguous(_) | ForgeError::Transient(_))) => {
                    let now = retry(self.context.system, async || forge.branch(slug, branch).await).await?;
                    if now.is_some() {
                        return self.not_ours(commit).await;
                    }
                    if last {
                        return Err(error.into());
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    /// Looks whose the branch is after somebody was faster; ours with this tree is as good as made by us.
    async fn not_ours(&self, commit: &ObjectId) -> Result<Option<Reason>> {
        let (observed, pulls) = observe(self.context, self.candidate).await?;
        let Some(branch) = observed.branch else {
            return Err(ForgeError::Transient("the branch vanished while it was being made".to_owned()).into());
        };
        Ok(
            match (
                branch.head == *commit,
                plan::decide(self.desired, &Observed { branch: Some(branch), ..Observed::default() }),
            ) {
                (true, _) => None,
                (false, Decision::Adopt { trailer }) if trailer.tree == self.desired.tree => None,
                // Another run's patch for the same failure came first, and is kept; until its pull request is there, that run
                // may have died, and this candidate has to wait and see.
                (false, Decision::Adopt { .. } | Decision::Fill { .. }) if pulls.is_empty() => {
                    let why = "another run is publishing a fix for this failure".to_owned();
                    return Err(ForgeError::Transient(why).into());
                }
                (false, Decision::Adopt { .. } | Decision::Fill { .. }) => Some(Reason::PullRequestOpen),
                (false, Decision::Leave(reason)) => Some(reason),
                (false, _) => Some(Reason::ForeignBranch),
            },
        )
    }

    /// Replaces an orphan branch of ours that holds another tree than the one proved now: only after every look shows
    /// that it has no pull request, and only from the commit that was seen.
    async fn start_over(&self, observed: &Observed) -> Result<Reconciled> {
        let Some(branch) = &observed.branch else { return Ok(Reconciled::Left(Reason::ForeignBranch)) };
        if let Some(pull) = clear_orphan(self.context, self.candidate, &branch.head).await? {
            return Ok(Reconciled::Done { how: How::Kept, pull: Box::new(pull), finish: Finish::default() });
        }
        let commit = self.commit(Verb::CreateBranch, None).await?;
        match self.create_branch(&commit).await? {
            Some(reason) => Ok(Reconciled::Left(reason)),
            None => self.open(false).await,
        }
    }

    /// Opens the pull request for the branch that is there; `adopting` only changes what it is called.
    async fn open(&self, adopting: bool) -> Result<Reconciled> {
        let slug = &self.candidate.slug;
        let verb = if adopting { Verb::AdoptBranch } else { Verb::CreatePullRequest };
        let new = NewPull {
            title: self.desired.title.clone(),
            body: self.desired.body.clone(),
            head: self.desired.branch.clone(),
            base: self.desired.base.clone(),
            draft: self.desired.draft,
        };
        self.intend(verb, &self.desired.body)?;
        match open_pull(self.context, slug, &new).await? {
            Opening::Opened(pull) => {
                let how = if adopting { How::Adopted } else { How::Created };
                Ok(self.finished(how, pull).await)
            }
            Opening::Found(pull) => Ok(self.finished(How::Adopted, pull).await),
            Opening::NotPermitted(why) => Ok(Reconciled::AwaitingPr(why)),
            Opening::NothingAhead => self.give_up(Reason::Empty).await,
            // What can never be opened must not leave a branch behind (F-41).
            Opening::Refused(why) => {
                tracing::error!(slug = %self.context.veil.name(slug), why, "the pull request was refused as invalid");
                self.give_up(Reason::Denied).await
            }
        }
    }

    /// Takes our branch away again where its pull request can never be opened: the base has all of it already (F-40), or
    /// the forge calls it invalid.
    async fn give_up(&self, reason: Reason) -> Result<Reconciled> {
        let (observed, _) = observe(self.context, self.candidate).await?;
        let Some(RefState { head, ownership: Ownership::Ours(_) | Ownership::Reserved }) = observed.branch else {
            return Ok(Reconciled::Left(reason));
        };
        match clear_orphan(self.context, self.candidate, &head).await? {
            Some(pull) => Ok(Reconciled::Done { how: How::Kept, pull: Box::new(pull), finish: Finish::default() }),
            None => Ok(Reconciled::Left(reason)),
        }
    }

    /// Puts labels and people on a pull request that has just come to be.
    async fn finished(&self, how: How, pull: PullRequest) -> Reconciled {
        let mut finish = Finish::default();
        self.finisher().label(pull.number, &mut finish).await;
        self.finisher().ask(pull.number, &pull.asked, &mut finish).await;
        self.let_merge(&pull, &mut finish).await;
        self.start_workflow(&pull, &mut finish).await;
        Reconciled::Done { how, pull: Box::new(pull), finish }
    }

    /// Lets the forge merge the pull request by itself, where the configuration names its pattern. Only the very tree that
    /// was proved: what somebody pushed since is not what was allowed. A refusal is a warning, never worth more.
    async fn let_merge(&self, pull: &PullRequest, finish: &mut Finish) {
        let Some(method) = self.desired.auto_merge.filter(|_| !pull.auto_merge && !pull.draft) else { return };
        let (forge, slug) = (self.context.forge, &self.candidate.slug);
        if self.intend(Verb::EnableAutoMerge, method.as_str()).is_err() {
            finish.incomplete = true;
            return;
        }
        let finisher = self.finisher();
        let answer = finisher.patiently(async || {
            let head = retry(self.context.system, async || forge.commit(slug, &pull.head_sha).await).await?;
            if head.tree != self.desired.tree {
                return Err(ForgeError::Conflict("its head is not the tree that was proved".to_owned()));
            }
            forge.enable_auto_merge(slug, pull.number, method, &pull.head_sha).await
        });
        if let Err(error) = answer.await {
            finish.note("The forge's auto-merge could not be enabled", &error);
        }
    }

    /// Starts the configured workflow where the forge starts none by itself (PROTOCOL.md, 9). Only on the very tree that was
    /// proved. After an unclear answer the next run looks whether it was started; a refusal is a warning.
    async fn start_workflow(&self, pull: &PullRequest, finish: &mut Finish) {
        let Some(workflow) = &self.desired.dispatch else { return };
        let (forge, slug, branch) = (self.context.forge, &self.candidate.slug, &self.desired.branch);
        if self.intend(Verb::StartWorkflow, workflow).is_err() {
            finish.incomplete = true;
            return;
        }
        let head = retry(self.context.system, async || forge.commit(slug, &pull.head_sha).await).await;
        let answer = match head {
            Ok(head) if head.tree != self.desired.tree => {
                Err(ForgeError::Conflict("its head is not the tree that was proved".to_owned()))
            }
            Ok(_) => self.finisher().patiently(async || forge.dispatch_workflow(slug, workflow, branch).await).await,
            Err(error) => Err(error),
        };
        if let Err(error) = answer {
            finish.note(&format!("The workflow {workflow} could not be started on the branch"), &error);
        }
    }

    fn finisher(&self) -> Finisher<'_> {
        let Desired { labels, asked, .. } = self.desired;
        Finisher { context: self.context, slug: &self.candidate.slug, labels, asked }
    }

    fn intend(&self, verb: Verb, content: &str) -> Result<()> {
        intend(self.context, self.candidate, verb, content)
    }
}

/// Writes the intent into the journal before anything is written to the forge.
fn intend(context: &Context<'_>, candidate: &Candidate, verb: Verb, content: &str) -> Result<()> {
    let (fingerprint, episode) = (&candidate.fingerprint, candidate.episode);
    let key =
        plan::idempotency_key(candidate.repository_id, &candidate.base_branch, fingerprint, episode, &candidate.tree);
    let intent = Intent {
        repo: candidate.slug.to_string(),
        verb: &verb.name(),
        branch: plan::branch_for(fingerprint, episode).to_string(),
        key,
        content,
    };
    context.intend(intent).map_err(ReconcileError::Journal)
}

/// Deletes an orphan branch of ours, from the commit that was seen and only after every look shows that it has no pull
/// request; returns the pull request where there is one after all.
pub(crate) async fn clear_orphan(
    context: &Context<'_>,
    candidate: &Candidate,
    seen: &ObjectId,
) -> Result<Option<PullRequest>> {
    let branch = plan::branch_for(&candidate.fingerprint, candidate.episode);
    if let Some(pull) = look_for_pull(context, &candidate.slug, &branch).await? {
        return Ok(Some(pull));
    }
    intend(context, candidate, Verb::DeleteBranch, seen.as_str())?;
    match context.forge.delete_branch(&candidate.slug, &branch, seen).await {
        Ok(()) | Err(ForgeError::NotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Reduces a pull request to what the plan needs.
fn observed_pull(pull: &PullRequest) -> ObservedPull {
    ObservedPull {
        number: pull.number,
        open: pull.state == crate::forge::PullState::Open,
        title: pull.title.clone(),
        body: pull.body.clone(),
        labels: pull.labels.clone(),
        asked: pull.asked.clone(),
        draft: pull.draft,
        auto_merge: pull.auto_merge,
        dispatched: false,
    }
}
