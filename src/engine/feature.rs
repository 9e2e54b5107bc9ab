//! A pushed feature branch: opens its pull request once and keeps our part of it current. Layer 4.
//!
//! It runs no code of the branch, reads nothing of it but names of commits, and writes only what it said before.

use crate::engine::finish::{Finish, Finisher};
use crate::engine::intent::Intent;
use crate::engine::opening::{Opening, do_runs_wait, open_pull};
use crate::engine::{Context, EngineError, pages, retry};
use crate::forge::{ForgeError, NewPull, PullEdit, PullQuery, PullRequest, PullState, Repository};
use crate::gate::{self, TrustFacts};
use crate::model::{Actor, Asked, BranchName, Mode, ObjectId, Policy, Reason};
use crate::plan::{self, Action, FeatureDecision, FeatureEnd, FeatureFacts, FeaturePull, FeatureWish, Verb};
use crate::render::{self, FeatureView};

/// Where a repository keeps the text that its own pull requests begin with, as GitHub looks for it.
const TEMPLATES: [&str; 3] =
    [".github/pull_request_template.md", "pull_request_template.md", "docs/pull_request_template.md"];
/// A template that is larger is none.
const MOST_TEMPLATE: usize = 32 << 10;

/// A branch that somebody pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The branch.
    pub branch: BranchName,
    /// Who pushed it; nobody where a person names the branch at a terminal.
    pub by: Option<Actor>,
}

/// What became of a pushed branch.
#[derive(Debug, Clone, PartialEq)]
pub struct Feature {
    /// What it goes into.
    pub base: BranchName,
    /// `created`, `adopted`, `updated`, `kept` or `left`; nothing for a dry run.
    pub state: Option<&'static str>,
    /// The pull request, where there is one.
    pub pull: Option<PullRequest>,
    /// Why it was left alone.
    pub reason: Option<Reason>,
    /// What happened, in whole sentences.
    pub message: String,
    /// What was done, or would be.
    pub actions: Vec<Action>,
    /// What the forge refused to add, in whole sentences.
    pub warnings: Vec<String>,
    /// Whether its workflow runs wait until a person approves them.
    pub runs_wait: bool,
    /// Whether trying again may help.
    pub retryable: bool,
}

impl Feature {
    fn new(base: &BranchName) -> Self {
        Self {
            base: base.clone(),
            state: None,
            pull: None,
            reason: None,
            message: String::new(),
            actions: Vec::new(),
            warnings: Vec::new(),
            runs_wait: false,
            retryable: false,
        }
    }

    fn left(mut self, reason: Reason) -> Self {
        (self.state, self.reason) = (Some("left"), Some(reason));
        reason.sentence().clone_into(&mut self.message);
        self
    }

    fn done(mut self, state: &'static str, pull: PullRequest) -> Self {
        self.message = format!("Pull request #{} {state}.", pull.number);
        (self.state, self.pull) = (Some(state), Some(pull));
        self
    }
}

/// Sees to the pull request of a pushed branch.
///
/// # Errors
/// When the forge cannot be read, or the run's record cannot be written.
pub async fn open(context: &Context<'_>, policy: &Policy, pushed: &Pushed) -> Result<Feature, EngineError> {
    let (forge, system, slug) = (context.forge, context.system, &policy.slug);
    let repository = retry(system, async || forge.repository(slug).await).await?;
    let base = policy.open_pr.base.clone().unwrap_or_else(|| repository.default_branch.clone());
    let branch = Branch { context, policy, pushed, repository, base };
    let (facts, pulls, ahead) = branch.look().await?;
    let decision = plan::decide_feature(&facts, &policy.open_pr.branches);
    branch.carry_out(decision, &pulls, &ahead).await
}

/// A pushed branch being looked after.
struct Branch<'a> {
    context: &'a Context<'a>,
    policy: &'a Policy,
    pushed: &'a Pushed,
    repository: Repository,
    base: BranchName,
}

/// What the branch has that its base has not.
#[derive(Default)]
struct Commits {
    /// First lines of messages, redacted, the oldest first.
    subjects: Vec<String>,
    total: u64,
}

impl Branch<'_> {
    async fn look(&self) -> Result<(FeatureFacts, Vec<PullRequest>, Commits), EngineError> {
        let (forge, system, slug) = (self.context.forge, self.context.system, &self.policy.slug);
        let name = &self.pushed.branch;
        let mut facts = FeatureFacts {
            branch: name.clone(),
            head: None,
            base: self.base.clone(),
            ahead: 0,
            pulls: Vec::new(),
            untrusted: None,
        };
        let nothing = (Vec::new(), Commits::default());
        if *name == self.base || !plan::is_feature_branch(name, &self.policy.open_pr.branches) {
            return Ok((facts, nothing.0, nothing.1));
        }
        facts.head = retry(system, async || forge.branch(slug, name).await).await?;
        let Some(head) = facts.head.clone() else { return Ok((facts, nothing.0, nothing.1)) };
        let query = PullQuery { head: Some(name.clone()), open_only: false };
        let read = async |page: Option<&str>| forge.pulls(slug, &query, page).await;
        let pulls = pages::all(system, usize::MAX, read).await.whole()?.items;
        facts.pulls = pulls.iter().map(feature_pull).collect();
        facts.untrusted = self.untrusted().await?;
        let commits = self.commits(&head).await?;
        facts.ahead = commits.total;
        Ok((facts, pulls, commits))
    }

    /// Says why whoever pushed may not cause work here, if so.
    async fn untrusted(&self) -> Result<Option<Reason>, EngineError> {
        let Some(by) = &self.pushed.by else { return Ok(None) };
        let (forge, system, slug) = (self.context.forge, self.context.system, &self.policy.slug);
        let permission = retry(system, async || forge.permission(slug, by).await).await.ok();
        let facts = TrustFacts { author: Some(by), permission, ..TrustFacts::default() };
        Ok(gate::trusted(&facts, self.policy).err())
    }

    async fn commits(&self, head: &ObjectId) -> Result<Commits, EngineError> {
        let (forge, system, slug) = (self.context.forge, self.context.system, &self.policy.slug);
        let Some(base) = retry(system, async || forge.branch(slug, &self.base).await).await? else {
            return Ok(Commits::default());
        };
        match retry(system, async || forge.ahead(slug, &base, head).await).await {
            Ok(ahead) => {
                let subject = |message: &str| message.lines().next().unwrap_or_default().to_owned();
                // Redacted before anything is made of it: a title has no room for remarks.
                let clean = |message: &str| self.context.redactor.redact(&subject(message)).into_string();
                let subjects = ahead.commits.iter().map(|commit| clean(&commit.message)).collect();
                Ok(Commits { subjects, total: ahead.total })
            }
            // A branch that shares nothing with its base can have no pull request.
            Err(ForgeError::NotFound(_)) => Ok(Commits::default()),
            Err(error) => Err(error.into()),
        }
    }

    async fn carry_out(
        &self,
        decision: FeatureDecision,
        pulls: &[PullRequest],
        commits: &Commits,
    ) -> Result<Feature, EngineError> {
        let subjects: Vec<&str> = commits.subjects.iter().map(String::as_str).collect();
        let title = plan::feature_title(&self.pushed.branch, &subjects);
        let own = match decision {
            FeatureDecision::Open if self.policy.open_pr.template_text.is_none() => self.own_template().await?,
            _ => None,
        };
        let view = FeatureView {
            branch: &self.pushed.branch,
            base: &self.base,
            title: &title,
            subjects: &subjects,
            total: commits.total,
            template: self.policy.open_pr.template_text.as_deref(),
            own: own.as_deref(),
            redactor: self.context.redactor,
        };
        let seen = match decision {
            FeatureDecision::Refresh(number) | FeatureDecision::Keep(number) => {
                pulls.iter().find(|pull| pull.number == number)
            }
            _ => None,
        };
        let body = match seen {
            Some(seen) => render::refreshed(&seen.body, &view),
            None => render::feature_body(&view).map_err(|error| EngineError::Render(error.to_string()))?,
        };
        let asked = Asked { reviewers: self.policy.open_pr.reviewers.clone(), ..Asked::default() };
        let wish = FeatureWish {
            repository: &self.policy.slug.to_string(),
            repository_id: self.repository.id,
            branch: &self.pushed.branch,
            base: &self.base,
            title: &title,
            body: &body,
            labels: &self.policy.open_pr.labels,
            asked: &asked,
        };
        let mut feature = Feature::new(&self.base);
        feature.actions = plan::feature_actions(decision, &wish, seen.map(|seen| seen.body.as_str()));
        if let FeatureDecision::Leave(reason) = decision {
            return Ok(feature.left(reason));
        }
        // A pull request is a change: what may be proposed only in a comment, or not at all, opens none.
        if self.context.run.dry_run || self.policy.mode < Mode::Draft {
            feature.reason = Some(Reason::Observe);
            Reason::Observe.sentence().clone_into(&mut feature.message);
            return Ok(feature);
        }
        match (decision, seen) {
            (FeatureDecision::Open, _) => self.open(feature, &wish).await,
            (FeatureDecision::Refresh(number), Some(seen)) if seen.body != body => {
                self.intend(Verb::EditPullRequest, &wish)?;
                let edit = PullEdit { title: None, body: Some(body.clone()) };
                self.context.forge.edit_pull(&self.policy.slug, number, &edit).await?;
                Ok(feature.done("updated", PullRequest { body: body.clone(), ..seen.clone() }))
            }
            (_, Some(seen)) => Ok(feature.done("kept", seen.clone())),
            (_, None) => Ok(feature.left(Reason::Gone)),
        }
    }

    async fn open(&self, mut feature: Feature, wish: &FeatureWish<'_>) -> Result<Feature, EngineError> {
        self.intend(Verb::CreatePullRequest, wish)?;
        let new = NewPull {
            title: wish.title.to_owned(),
            body: wish.body.to_owned(),
            head: wish.branch.clone(),
            base: wish.base.clone(),
            draft: self.policy.open_pr.draft || self.policy.mode == Mode::Draft,
        };
        let (state, pull) = match open_pull(self.context, &self.policy.slug, &new).await {
            Ok(Opening::Opened(pull)) => ("created", pull),
            Ok(Opening::Found(pull)) => ("adopted", pull),
            Ok(Opening::NothingAhead) => return Ok(feature.left(Reason::Empty)),
            Ok(Opening::NotPermitted(why)) => {
                let mut left = feature.left(Reason::AwaitingPr);
                left.message = format!("{} ({why})", Reason::AwaitingPr.sentence());
                return Ok(left);
            }
            Ok(Opening::Refused(why)) => {
                let mut left = feature.left(Reason::Denied);
                left.message = format!("The pull request was refused as invalid ({why}).");
                return Ok(left);
            }
            Err(error @ (ForgeError::Transient(_) | ForgeError::Ambiguous(_) | ForgeError::Conflict(_))) => {
                let mut left = feature.left(Reason::ForgeUnavailable);
                left.message = format!("{} ({error})", Reason::ForgeUnavailable.sentence());
                left.retryable = true;
                return Ok(left);
            }
            Err(error) => return Err(error.into()),
        };
        // What somebody else opened at the same time is theirs to dress.
        if state == "created" || render::is_ours(&pull.body) {
            let finisher =
                Finisher { context: self.context, slug: &self.policy.slug, labels: wish.labels, asked: wish.asked };
            let mut finish = Finish::default();
            if !wish.labels.is_empty() {
                finisher.label(pull.number, &mut finish).await;
            }
            finisher.ask(pull.number, &pull.asked, &mut finish).await;
            if finish.incomplete {
                feature.warnings.push("The labels or reviewers could not all be put on; add them by hand.".to_owned());
            }
            feature.warnings.extend(finish.warnings);
        }
        let mut done = feature.done(state, pull);
        // What somebody else opened, a person or an earlier run, is told of by whoever opened it.
        if state == "created" && do_runs_wait(self.context).await {
            done.runs_wait = true;
            // Not in the body, which would go on saying it after they were approved.
            let waiting =
                format!(" It was opened {}; the next push to the branch starts them as usual.", render::RUNS_WAIT);
            done.message.push_str(&waiting);
        }
        Ok(done)
    }

    /// Reads the text that pull requests of this repository begin with, from the base, where people put it.
    async fn own_template(&self) -> Result<Option<String>, EngineError> {
        let (forge, system, slug) = (self.context.forge, self.context.system, &self.policy.slug);
        let Some(base) = retry(system, async || forge.branch(slug, &self.base).await).await? else { return Ok(None) };
        let Ok(entries) = retry(system, async || forge.tree(slug, &base).await).await else { return Ok(None) };
        let named = |wanted: &&str| entries.iter().find(|entry| entry.path.eq_ignore_ascii_case(wanted));
        let Some(found) = TEMPLATES.iter().find_map(named) else { return Ok(None) };
        let Ok(bytes) = retry(system, async || forge.blob(slug, &found.id).await).await else { return Ok(None) };
        let text = String::from_utf8(bytes).ok().filter(|text| text.len() <= MOST_TEMPLATE);
        // Our markers mean something in a body; a template of theirs has none.
        Ok(text.filter(|text| !text.contains("<!-- homeostat:")))
    }

    /// Writes the intent into the journal before anything is written to the forge.
    fn intend(&self, verb: Verb, wish: &FeatureWish<'_>) -> Result<(), EngineError> {
        let intent = Intent {
            repo: wish.repository.to_owned(),
            verb: &verb.name(),
            branch: wish.branch.to_string(),
            key: wish.key(),
            content: wish.body,
        };
        self.context.intend(intent).map_err(EngineError::Journal)
    }
}

/// Reduces a pull request to what is decided by.
pub(crate) fn feature_pull(pull: &PullRequest) -> FeaturePull {
    let end = match pull.state {
        PullState::Open => FeatureEnd::Open,
        PullState::Merged => FeatureEnd::Merged,
        PullState::Closed => FeatureEnd::Closed,
    };
    FeaturePull { number: pull.number, end, head: pull.head_sha.clone(), ours: render::is_ours(&pull.body) }
}
