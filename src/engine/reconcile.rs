//! Carries out the plan for one candidate so that it happens exactly once, whatever the network does (PROTOCOL.md, 7).
//! Layer 4.
//!
//! Before the first write the intent is in the journal; an unclear answer is followed by a look, never by a blind second
//! write; nothing is deleted that is not provably ours.

use std::time::Duration;

use crate::engine::{Context, retry};
use crate::event::{Event, Write};
use crate::forge::{Forge, ForgeError, Label, NewCommit, NewPull, PullEdit, PullQuery, PullRequest, TreeChange};
use crate::model::{Candidate, FileMode, ObjectId, Reason};
use crate::plan::{self, CommitFacts, Decision, Desired, Observed, ObservedPull, RefState, Trailer, Verb};

/// When the list of pull requests is read again after an unclear answer, in seconds from it (PROTOCOL.md, 7).
const LOOKS: [u64; 5] = [0, 2, 5, 10, 20];

/// What became of a candidate at the forge.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reconciled {
    /// A pull request was made.
    Created(PullRequest),
    /// A pull request was made for a branch that was there, or one that appeared after a lost answer was taken over.
    Adopted(PullRequest),
    /// The open one was edited.
    Updated(PullRequest),
    /// The open one is as it should be.
    Kept(PullRequest),
    /// It was left alone.
    Left(Reason),
    /// The branch stands; the forge permits no pull request (state `awaiting-pr`).
    AwaitingPr(String),
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

impl Reconciler<'_> {
    /// Looks at the branch and its pull requests, straight from the forge.
    pub(crate) async fn observe(&self) -> Result<Observed> {
        let (forge, slug) = (self.context.forge, &self.candidate.slug);
        let system = self.context.system;
        let head = retry(system, async || forge.branch(slug, &self.desired.branch).await).await?;
        let branch = match head {
            None => None,
            Some(head) => {
                let commit = retry(system, async || forge.commit(slug, &head).await).await?;
                let base = retry(system, async || forge.branch(slug, &self.desired.base).await).await?;
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
                let ownership = plan::ownership(&self.candidate.fingerprint, self.candidate.episode, &facts);
                Some(RefState { head, ownership })
            }
        };
        let pulls = self.pulls().await?.iter().map(observed_pull).collect();
        Ok(Observed { branch, pulls })
    }

    /// Carries out the decision; `observed` is what the decision was made on.
    pub(crate) async fn carry_out(&self, decision: &Decision, observed: &Observed) -> Result<Reconciled> {
        match decision {
            Decision::Leave(reason) => Ok(Reconciled::Left(*reason)),
            Decision::Keep { number, same_tree } => self.keep(*number, *same_tree, observed).await,
            Decision::Create => {
                let commit = self.commit().await?;
                match self.create_branch(&commit).await? {
                    Some(reason) => Ok(Reconciled::Left(reason)),
                    None => self.open(false).await,
                }
            }
            Decision::Fill { head } => {
                let commit = self.commit().await?;
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
            Decision::Adopt { trailer } if trailer.tree == self.desired.tree => self.open(true).await,
            Decision::Adopt { .. } => self.replace(observed).await,
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
        if verbs.contains(&Verb::AddLabels) {
            self.label(number).await;
        }
        let pull = retry(self.context.system, async || forge.pull(slug, number).await).await?;
        Ok(if edits { Reconciled::Updated(pull) } else { Reconciled::Kept(pull) })
    }

    /// Stores blobs, tree and commit; all three may be repeated without harm.
    async fn commit(&self) -> Result<ObjectId> {
        use base64::Engine as _;
        let (forge, slug, system) = (self.context.forge, &self.candidate.slug, self.context.system);
        self.intend(Verb::CreateBranch, self.desired.tree.as_str())?;
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
            parents: vec![parent.clone()],
            message: format!("{}\n\n{trailer}\n", self.message.trim_end()),
        };
        Ok(retry(system, async || forge.create_commit(slug, &commit).await).await?)
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
        let observed = self.observe().await?;
        let Some(branch) = observed.branch else {
            return Err(ForgeError::Transient("the branch vanished while it was being made".to_owned()).into());
        };
        Ok(
            match (
                branch.head == *commit,
                plan::decide(self.desired, &Observed { pulls: Vec::new(), branch: Some(branch) }),
            ) {
                (true, _) => None,
                (false, Decision::Adopt { trailer }) if trailer.tree == self.desired.tree => None,
                // Another run's patch for the same failure came first, and is kept.
                (false, Decision::Adopt { .. } | Decision::Fill { .. }) => Some(Reason::PullRequestOpen),
                (false, Decision::Leave(reason)) => Some(reason),
                (false, _) => Some(Reason::ForeignBranch),
            },
        )
    }

    /// Replaces an orphan branch of ours that holds another tree than the one proved now: only after every look shows
    /// that it has no pull request, and only from the commit that was seen.
    async fn replace(&self, observed: &Observed) -> Result<Reconciled> {
        let Some(branch) = &observed.branch else { return Ok(Reconciled::Left(Reason::ForeignBranch)) };
        if let Some(pull) = self.look_for_pull().await? {
            return Ok(Reconciled::Kept(pull));
        }
        let forge = self.context.forge;
        match forge.delete_branch(&self.candidate.slug, &self.desired.branch, &branch.head).await {
            Ok(()) => {}
            Err(ForgeError::Conflict(_)) => return Ok(Reconciled::Left(Reason::ForeignBranch)),
            Err(error) => return Err(error.into()),
        }
        let commit = self.commit().await?;
        match self.create_branch(&commit).await? {
            Some(reason) => Ok(Reconciled::Left(reason)),
            None => self.open(false).await,
        }
    }

    /// Opens the pull request for the branch that is there; `adopting` only changes what it is called.
    async fn open(&self, adopting: bool) -> Result<Reconciled> {
        let (forge, slug) = (self.context.forge, &self.candidate.slug);
        let verb = if adopting { Verb::AdoptBranch } else { Verb::CreatePullRequest };
        let new = NewPull {
            title: self.desired.title.clone(),
            body: self.desired.body.clone(),
            head: self.desired.branch.clone(),
            base: self.desired.base.clone(),
            draft: self.desired.draft,
        };
        self.intend(verb, &self.desired.body)?;
        let mut lag = [1_u64, 2, 4].into_iter();
        for last in [false, true] {
            let answer = loop {
                match forge.create_pull(slug, &new).await {
                    // A replica that does not see the new branch yet says so as a refusal (F-42).
                    Err(ForgeError::Invalid(why)) if why.contains("head") => match lag.next() {
                        Some(seconds) => self.context.system.sleep(Duration::from_secs(seconds)).await,
                        None => break Err(ForgeError::Invalid(why)),
                    },
                    answer => break answer,
                }
            };
            match answer {
                Ok(pull) => {
                    self.label(pull.number).await;
                    return Ok(if adopting { Reconciled::Adopted(pull) } else { Reconciled::Created(pull) });
                }
                Err(ForgeError::Denied(why)) => return Ok(Reconciled::AwaitingPr(why)),
                Err(error @ (ForgeError::Conflict(_) | ForgeError::Ambiguous(_) | ForgeError::Transient(_))) => {
                    if let Some(pull) = self.look_for_pull().await? {
                        self.label(pull.number).await;
                        return Ok(Reconciled::Adopted(pull));
                    }
                    if last {
                        // The branch stands; the next run adopts it. It is never deleted after an unclear answer.
                        return Err(error.into());
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(ForgeError::Ambiguous("the pull request could be neither made nor found".to_owned()).into())
    }

    /// Looks for an open pull request of the branch, again and again while lists may lag.
    async fn look_for_pull(&self) -> Result<Option<PullRequest>> {
        let mut waited = 0;
        for at in LOOKS {
            self.context.system.sleep(Duration::from_secs(at - waited)).await;
            waited = at;
            let open = self.pulls().await?.into_iter().find(|pull| pull.state == crate::forge::PullState::Open);
            if open.is_some() {
                return Ok(open);
            }
        }
        Ok(None)
    }

    async fn pulls(&self) -> Result<Vec<PullRequest>> {
        let forge = self.context.forge;
        let query = PullQuery { head: Some(self.desired.branch.clone()), open_only: false };
        let page = retry(self.context.system, async || forge.pulls(&self.candidate.slug, &query, None).await).await?;
        Ok(page.items)
    }

    /// Puts the labels on, making those that are missing; a failure here leaves a pull request without labels, which
    /// the next run mends (F-48).
    async fn label(&self, number: u64) {
        let (forge, slug): (&dyn Forge, _) = (self.context.forge, &self.candidate.slug);
        let labels = &self.desired.labels;
        let mut answer = forge.add_labels(slug, number, labels).await;
        if matches!(answer, Err(ForgeError::Invalid(_) | ForgeError::NotFound(_))) {
            for name in labels {
                let label = Label {
                    name: name.clone(),
                    color: "0e8a16".to_owned(),
                    description: "Opened by Homeostat".to_owned(),
                };
                match forge.create_label(slug, &label).await {
                    Ok(()) | Err(ForgeError::Conflict(_)) => {}
                    Err(error) => tracing::warn!(%slug, label = %name, %error, "the label could not be made"),
                }
            }
            answer = forge.add_labels(slug, number, labels).await;
        }
        if let Err(error) = answer {
            tracing::warn!(%slug, number, %error, "the labels could not be put on; the next run tries again");
        }
    }

    /// Writes the intent into the journal before anything is written to the forge.
    fn intend(&self, verb: Verb, content: &str) -> Result<()> {
        let verb = serde_json::to_value(verb).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
        let event = Event::Write(Box::new(Write {
            phase: "intent".to_owned(),
            repo: self.candidate.slug.to_string(),
            verb,
            branch: self.desired.branch.to_string(),
            key: self.desired.key.clone(),
            digest: crate::model::sha256_hex(content.as_bytes()),
            result: None,
        }));
        self.context.recorder.record(event).map_err(ReconcileError::Journal)
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
    }
}
