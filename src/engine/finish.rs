//! The finishing touches of a pull request: labels, reviewers, assignees, milestone (F-48), the forge's auto-merge. Layer 4.
//!
//! Every call is idempotent, and none of them is worth a pull request: what fails now is done by the next run, and what is
//! refused for good is said once.

use std::time::Duration;

use crate::engine::reconcile::Reconciler;
use crate::engine::retry;
use crate::forge::{Forge, ForgeError, Label, PullRequest};
use crate::model::Asked;
use crate::plan::Verb;

/// Reviewers that are asked one by one; GitHub takes fifteen for one pull request.
const MOST_REVIEWERS: usize = 30;

/// What became of the finishing touches: labels, reviewers, assignees, milestone. None of them is worth a pull request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Finish {
    /// Something could not be done now; the candidate waits for the next run to do it (F-48).
    pub(crate) incomplete: bool,
    /// What the forge refuses for good, in whole sentences; it is said once and not tried again.
    pub(crate) warnings: Vec<String>,
}

impl Finish {
    /// Takes note of an answer that is no success.
    fn note(&mut self, what: &str, error: &ForgeError) {
        match error {
            ForgeError::Transient(_) | ForgeError::Ambiguous(_) | ForgeError::RateLimited { .. } => {
                tracing::warn!(%error, "{what}: the next run tries again");
                self.incomplete = true;
            }
            _ => self.warnings.push(format!("{what} ({error}).")),
        }
    }
}

impl Reconciler<'_> {
    /// Asks for reviews, assigns, and sets the milestone, where that is not there yet.
    pub(crate) async fn ask(&self, number: u64, seen: &Asked, finish: &mut Finish) {
        let (forge, slug): (&dyn Forge, _) = (self.context.forge, &self.candidate.slug);
        let wanted = self.desired.asked.missing(seen);
        let (people, teams) = (&wanted.reviewers, &wanted.teams);
        if !people.is_empty() || !teams.is_empty() {
            let answer = self.patiently(async || forge.request_reviewers(slug, number, people, teams).await).await;
            match answer {
                Ok(()) => {}
                // One unknown name makes the forge refuse all of them: the others are asked by themselves.
                Err(ForgeError::Invalid(_)) if people.len() + teams.len() > 1 => {
                    self.ask_one_by_one(number, &wanted, finish).await;
                }
                Err(error) => finish.note("The reviewers could not be asked", &error),
            }
        }
        if !wanted.assignees.is_empty()
            && let Err(error) =
                self.patiently(async || forge.add_assignees(slug, number, &wanted.assignees).await).await
        {
            finish.note("Nobody could be assigned", &error);
        }
        if let Some(title) = &wanted.milestone
            && let Err(error) = forge.set_milestone(slug, number, title).await
        {
            finish.note("The milestone could not be set", &error);
        }
    }

    /// Lets the forge merge the pull request by itself, where the configuration names its pattern. Only the very tree that
    /// was proved: what somebody pushed since is not what was allowed. A refusal is a warning, never worth more.
    pub(crate) async fn let_merge(&self, pull: &PullRequest, finish: &mut Finish) {
        let Some(method) = self.desired.auto_merge.filter(|_| !pull.auto_merge && !pull.draft) else { return };
        let (forge, slug): (&dyn Forge, _) = (self.context.forge, &self.candidate.slug);
        if self.intend(Verb::EnableAutoMerge, method.as_str()).is_err() {
            finish.incomplete = true;
            return;
        }
        let answer = self.patiently(async || {
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

    /// Asks each reviewer by himself, so that one who cannot be asked keeps nobody else from it.
    async fn ask_one_by_one(&self, number: u64, wanted: &Asked, finish: &mut Finish) {
        let (forge, slug) = (self.context.forge, &self.candidate.slug);
        let people = wanted.reviewers.iter().map(|name| (vec![name.clone()], Vec::new()));
        let teams = wanted.teams.iter().map(|name| (Vec::new(), vec![name.clone()]));
        for (person, team) in people.chain(teams).take(MOST_REVIEWERS) {
            if let Err(error) = forge.request_reviewers(slug, number, &person, &team).await {
                let name = person.first().or(team.first()).map_or("?", String::as_str);
                finish.note(&format!("{name} could not be asked for a review"), &error);
            }
        }
    }

    /// Waits out a replica that does not know the pull request yet (F-48).
    async fn patiently(
        &self,
        mut ask: impl AsyncFnMut() -> std::result::Result<(), ForgeError>,
    ) -> std::result::Result<(), ForgeError> {
        for seconds in [1, 2, 4] {
            match ask().await {
                Err(ForgeError::NotFound(_)) => self.context.system.sleep(Duration::from_secs(seconds)).await,
                answer => return answer,
            }
        }
        ask().await
    }

    /// Puts the labels on, making those that are missing; a failure here leaves a pull request without labels, and the
    /// candidate waits for the next run to mend that (F-48).
    pub(crate) async fn label(&self, number: u64, finish: &mut Finish) {
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
                    Err(error) => {
                        let slug = self.context.veil.name(slug);
                        tracing::warn!(slug, label = %name, %error, "the label could not be made");
                    }
                }
            }
            answer = forge.add_labels(slug, number, labels).await;
        }
        if let Err(error) = answer {
            tracing::warn!(slug = %self.context.veil.name(slug), number, %error, "the labels could not be put on; the next run tries again");
            finish.incomplete = true;
        }
    }
}
