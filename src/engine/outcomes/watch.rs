//! The base after a merge of ours: what turned red with it, and the draft that takes it back where the policy asks for one. Layer 4.
//!
//! A revert brings files back byte for byte, or it is not proposed. It is proposed once, and merged by nobody but people.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::failed_runs::{self, TurnedRed};
use crate::engine::offer::Offer;
use crate::engine::opening::Opening;
use crate::engine::outcomes::look::Files;
use crate::engine::outcomes::{Stopped, Teller};
use crate::engine::reports::Understood;
use crate::engine::retry;
use crate::forge::{ForgeError, PullQuery, PullRequest, TreeChange, WorkflowRun};
use crate::gate::{Kindred, Member};
use crate::model::{
    BranchName, FailureState, KnownOutcome, KnownOutcomes, KnownRed, ObjectId, PullEnd, RepoPath, Sketch, Timestamp,
};
use crate::plan;
use crate::render::outcomes::{self as words, RedMerge, RepositoryOutcomes, RevertView};

/// How long after a merge the base is watched.
const WATCH: std::time::Duration = std::time::Duration::from_hours(72);
/// Files that a revert brings back; a patch of ours has far fewer.
const MOST_FILES: usize = 200;

/// The files that a revert brings back, and what brings them back.
type Back = (Vec<String>, Vec<TreeChange>);

/// What came of proposing a revert.
enum Revert {
    /// There is a pull request.
    Proposed(u64),
    /// There can be none; why, in a whole sentence.
    Impossible(String),
}

impl Teller<'_> {
    /// Tells which merges turned a workflow red, and proposes to take them back where the policy says so.
    pub(super) async fn watch(
        &self,
        pulls: &[PullRequest],
        known: &mut KnownOutcomes,
        view: &mut RepositoryOutcomes,
    ) -> Result<(), Stopped> {
        let mut runs: BTreeMap<&BranchName, Vec<WorkflowRun>> = BTreeMap::new();
        let mut states: Option<Vec<FailureState>> = None;
        for pull in pulls {
            let Some(one) = known.pulls.get(&pull.number) else { continue };
            let young = self.now.since(one.at) <= WATCH;
            let (PullEnd::Merged, None, Some(merge), true) = (one.outcome, &one.red, one.merge.clone(), young) else {
                continue;
            };
            if !runs.contains_key(&pull.base) {
                runs.insert(&pull.base, failed_runs::completed(self.context, self.policy, &pull.base).await?);
            }
            let listed = runs.get(&pull.base).map(Vec::as_slice).unwrap_or_default();
            let red = failed_runs::turned_red(self.context, self.policy, self.repository.id, listed, &merge).await?;
            if red.is_empty() {
                continue;
            }
            if states.is_none() {
                states = Some(self.context.state().failures(self.looker.snapshot, self.repository.id).await?);
            }
            let Some(newly) = new_failure(&red, states.as_deref().unwrap_or_default(), one) else { continue };
            let (told, revert) = self.answer(pull, &merge, newly, view.paused).await?;
            view.notes.push(told.clone());
            view.red.push(RedMerge {
                number: pull.number,
                workflow: newly.run.workflow.clone(),
                run: newly.run.url.clone(),
                revert,
            });
            if let Some(one) = known.pulls.get_mut(&pull.number) {
                one.red = Some(KnownRed { at: self.now, run: newly.run.id, revert });
            }
        }
        Ok(())
    }

    /// Says what is known of a merge with which a workflow turned red, and does what the policy asks for.
    async fn answer(
        &self,
        pull: &PullRequest,
        merge: &ObjectId,
        red: &TurnedRed,
        paused: bool,
    ) -> Result<(String, Option<u64>), Stopped> {
        let told = format!("Workflow {} turned red with the merge of #{}.", red.run.workflow, pull.number);
        if !self.policy.native_fixers.revert_first {
            return Ok((told, None));
        }
        if self.is_held() || paused {
            return Ok((format!("{told} Nothing may be written here, so no revert was proposed."), None));
        }
        Ok(match self.revert(pull, merge, red).await? {
            Revert::Proposed(number) => (format!("{told} #{number} takes it back."), Some(number)),
            Revert::Impossible(why) => (format!("{told} {why}"), None),
        })
    }

    /// Proposes to bring the files back that a merge changed, once.
    async fn revert(&self, pull: &PullRequest, merge: &ObjectId, red: &TurnedRed) -> Result<Revert, Stopped> {
        let (forge, system, slug) = (self.context.forge, self.context.system, &self.policy.slug);
        let branch = plan::revert_branch(pull.number);
        let query = PullQuery { head: Some(branch.clone()), open_only: false };
        let had = retry(system, async || forge.pulls(slug, &query, None).await).await?;
        if let Some(earlier) = had.items.first() {
            return Ok(Revert::Proposed(earlier.number));
        }
        let Some(tip) = retry(system, async || forge.branch(slug, &pull.base).await).await? else {
            return Err(ForgeError::Transient(format!("the branch {} cannot be seen", pull.base)).into());
        };
        let message = words::revert_message(&pull.title, merge);
        let offer = Offer {
            context: self.context,
            slug,
            branch: &branch,
            base: &pull.base,
            on: &tip,
            message: message.clone(),
        };
        let (paths, changes) = match self.back(pull, merge, &tip).await? {
            Ok(back) => back,
            Err(why) => return Ok(Revert::Impossible(why.to_owned())),
        };
        match retry(system, async || forge.branch(slug, &branch).await).await? {
            None => {
                self.intend("revert", &branch, merge)?;
                offer.make_branch(&changes).await?;
            }
            // What a lost answer left behind says which merge it takes back.
            Some(head) => {
                let there = retry(system, async || forge.commit(slug, &head).await).await?;
                if there.message.trim_end() != message.trim_end() {
                    let why = format!("The branch {branch} holds something else, so no revert was proposed.");
                    return Ok(Revert::Impossible(why));
                }
                self.intend("revert", &branch, merge)?;
            }
        }
        let view = RevertView {
            number: pull.number,
            merge,
            workflow: &red.run.workflow,
            run: &red.run.url,
            failure: red.understood.first().map(|one| &one.failure),
            paths: &paths,
            redactor: self.context.redactor,
        };
        let title = words::revert_title(pull.number, &pull.title);
        match offer.open(title, words::revert_body(&view), true).await? {
            Opening::Opened(opened) | Opening::Found(opened) => Ok(Revert::Proposed(opened.number)),
            Opening::NothingAhead => Ok(Revert::Impossible("The base has it already as it was before.".to_owned())),
            Opening::NotPermitted(why) | Opening::Refused(why) => Ok(Revert::Impossible(format!(
                "A revert was prepared on {branch}, and the forge refused its pull request ({why})."
            ))),
        }
    }

    /// Returns what brings the files back that a merge changed; why not, where that is more than taking it back.
    async fn back(
        &self,
        pull: &PullRequest,
        merge: &ObjectId,
        tip: &ObjectId,
    ) -> Result<Result<Back, &'static str>, Stopped> {
        let (forge, system, slug) = (self.context.forge, self.context.system, &self.policy.slug);
        let merged = retry(system, async || forge.commit(slug, merge).await).await?;
        let Some(parent) = merged.parents.first() else { return Ok(Err("The merge has nothing before it.")) };
        // It was seen when the merge was told; what is not there now is not there yet.
        let unseen = || ForgeError::Transient("the commits of the pull request cannot be seen".to_owned());
        let ours = self.looker.ours(pull).await?.ok_or_else(unseen)?;
        let (before, after, now) = (self.files(parent).await?, self.files(merge).await?, self.files(tip).await?);
        let (from, patch) = (self.files(&ours.trailer.parent).await?, self.files(&ours.trailer.tree).await?);
        let head = self.files(&pull.head_sha).await?;
        let touched = changed(&before, &after);
        if touched.is_empty() || touched.len() > MOST_FILES || touched != changed(&from, &head) {
            return Ok(Err(
                "The merge changed other files than the pull request, so it cannot be taken back as a whole.",
            ));
        }
        // A rebase of several commits leaves our patch before the last of them.
        if touched.iter().any(|path| from.get(*path) != patch.get(*path) && before.get(*path) == patch.get(*path)) {
            return Ok(Err("It was merged in several commits, so it cannot be taken back as one."));
        }
        if touched.iter().any(|path| now.get(*path) != after.get(*path)) {
            return Ok(Err("Its files were changed since, so it cannot be taken back as it was."));
        }
        let mut changes = Vec::with_capacity(touched.len());
        for path in &touched {
            let Ok(path) = path.parse::<RepoPath>() else { return Ok(Err("One of its files has no usable name.")) };
            changes.push(TreeChange { entry: before.get(path.as_str()).cloned(), path });
        }
        Ok(Ok((touched.into_iter().cloned().collect(), changes)))
    }

    async fn files(&self, tree: &ObjectId) -> Result<Files, ForgeError> {
        self.looker.files(tree).await?.ok_or_else(|| ForgeError::NotFound(format!("the tree {tree}")))
    }
}

/// Returns the paths that two trees do not share.
fn changed<'f>(from: &'f Files, to: &'f Files) -> BTreeSet<&'f String> {
    from.keys().chain(to.keys()).filter(|path| from.get(*path) != to.get(*path)).collect()
}

/// Finds the run that shows a failure of a family that nobody knew before the merge.
fn new_failure<'r>(red: &'r [TurnedRed], states: &[FailureState], merged: &KnownOutcome) -> Option<&'r TurnedRed> {
    let before: Vec<&FailureState> = states.iter().filter(|state| was_there(state, merged.at)).collect();
    let kindred = Kindred::new(before.iter().filter_map(|state| {
        let (fingerprint, family, report) = (&state.fingerprint, &state.family, state.reports.first());
        Some(Member { fingerprint, family, sketch: state.sketch.as_ref()?, report })
    }));
    let is_known = |one: &Understood| {
        let (fingerprint, family) = (&one.identity.fingerprint, &one.identity.family);
        *fingerprint == merged.fingerprint
            || before.iter().any(|state| state.fingerprint == *fingerprint || state.family == *family)
            || !kindred.of(fingerprint, &Sketch::of(&one.identity.components)).is_empty()
    };
    red.iter().find(|run| run.understood.iter().any(|one| !is_known(one)))
}

/// Returns whether a failure was known before a time; one whose first attempt nobody remembers was.
fn was_there(state: &FailureState, at: Timestamp) -> bool {
    state.attempts_log.first().is_none_or(|first| first.at <= at)
}
