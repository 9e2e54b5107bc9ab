//! Reads back what a lost or rewound state branch knew, from pull requests that are ours (PROTOCOL.md, 3; F-68). Layer 4.
//!
//! A mirror counts only in the body of a pull request that our account opened from a branch of our grammar whose head
//! commit says truly that it is ours; what anybody else wrote anywhere is never read for this (V-09). It asks the forge
//! nothing where the state branch knows as much. Comments of ours carry no state, so none is read.

use crate::engine::{Context, facts_of, retry};
use crate::forge::{ForgeError, PullRequest};
use crate::gate;
use crate::model::{Actor, FailureState, Fingerprint, Policy, RepoSlug, STATE_SCHEMA, Timestamp};
use crate::plan::{self, Ownership};
use crate::render::marker;

/// A state that was lost and is back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rebuilt {
    /// The forge's id of the repository.
    pub(crate) repository_id: u64,
    /// The repository.
    pub(crate) slug: RepoSlug,
    /// The state, for the first write of this run.
    pub(crate) state: FailureState,
    /// The pull requests that it was read from.
    pub(crate) pulls: Vec<u64>,
    /// When the latest of them was opened.
    pub(crate) latest: Timestamp,
}

impl Rebuilt {
    /// Says what was found and done.
    pub(crate) fn what(&self) -> String {
        let pulls: Vec<String> = self.pulls.iter().map(|number| format!("#{number}")).collect();
        format!(
            "The state branch knew less of this failure than pull request {} does; its attempts, waits and words were read from there.",
            pulls.join(", ")
        )
    }
}

/// Reads the mirrors of one failure; nothing where they say no more than what is recorded.
pub(crate) async fn from_mirrors(
    context: &Context<'_>,
    repository_id: u64,
    policy: &Policy,
    us: &Actor,
    fingerprint: &Fingerprint,
    recorded: Option<&FailureState>,
    pulls: &[PullRequest],
) -> Result<Option<Rebuilt>, ForgeError> {
    let mut mirrors = Vec::new();
    let (mut numbers, mut latest) = (Vec::new(), Timestamp::default());
    for pull in pulls.iter().filter(|pull| pull.author.as_ref().is_some_and(|author| author.id == us.id)) {
        let Some(mirror) = mirror(pull).filter(|mirror| mirror.fingerprint == *fingerprint) else { continue };
        let says_more = gate::rebuilt(recorded, std::slice::from_ref(&mirror)).is_some();
        if says_more && is_ours(context, policy, pull, &mirror).await? {
            numbers.push(pull.number);
            latest = latest.max(pull.created_at);
            mirrors.push(mirror);
        }
    }
    let state = gate::rebuilt(recorded, &mirrors);
    let slug = policy.slug.clone();
    Ok(state.map(|state| Rebuilt { repository_id, slug, state, pulls: numbers, latest }))
}

/// Reads the state in a body that speaks of its own branch; sixteen characters that stand for another failure are none.
fn mirror(pull: &PullRequest) -> Option<FailureState> {
    let state = marker::read(&pull.body)?;
    let own = state.schema == STATE_SCHEMA && pull.head == plan::branch_for(&state.fingerprint, state.episode);
    own.then_some(state)
}

/// Looks whether the head commit is the one that we made for this very failure and episode.
async fn is_ours(
    context: &Context<'_>,
    policy: &Policy,
    pull: &PullRequest,
    mirror: &FailureState,
) -> Result<bool, ForgeError> {
    let forge = context.forge;
    let commit = match retry(context.system, async || forge.commit(&policy.slug, &pull.head_sha).await).await {
        Ok(commit) => commit,
        Err(ForgeError::NotFound(_)) => return Ok(false),
        Err(error) => return Err(error),
    };
    Ok(matches!(plan::ownership(&mirror.fingerprint, mirror.episode, &facts_of(commit)), Ownership::Ours(_)))
}
