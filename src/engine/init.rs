//! Sets a repository up: proposes configuration and workflow in one pull request, once. Layer 4.
//!
//! It adds files and replaces none, runs no code, and merges nothing.

use crate::config::InitRepo;
use crate::engine::ground;
use crate::engine::intent::Intent;
use crate::engine::offer::Offer;
use crate::engine::opening::Opening;
use crate::engine::{Context, EngineError, pages, retry};
use crate::forge::{Forge, ForgeError, PullQuery, PullRequest, Repository, TreeChange};
use crate::model::{BranchName, FileMode, Mode, ObjectId, Reason, RepoPath, RepoSlug};
use crate::plan::{self, Action, InitDecision, InitFacts, Verb};
use crate::render::{self, InitFile, InitView};
use crate::system::System;

/// What to propose, and where.
#[derive(Debug)]
pub struct Wish<'a> {
    /// The repository that the files go into.
    pub into: &'a RepoSlug,
    /// The files.
    pub files: Vec<InitFile>,
    /// The repositories of the configuration, with what was guessed about each.
    pub repositories: &'a [InitRepo],
    /// What is left for a person, a sentence each.
    pub todos: &'a [String],
}

/// What became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposed {
    /// `created`, `adopted`, `kept` or `left`; nothing where nothing was to be written.
    pub state: Option<&'static str>,
    /// The pull request, where there is one.
    pub pull: Option<PullRequest>,
    /// The files that it adds.
    pub added: Vec<RepoPath>,
    /// The files that are there and stay as they are.
    pub there: Vec<RepoPath>,
    /// Why it was left alone.
    pub reason: Option<Reason>,
    /// What happened, in whole sentences.
    pub message: String,
    /// What was done, or would be.
    pub actions: Vec<Action>,
    /// Whether trying again may help.
    pub retryable: bool,
}

impl Proposed {
    fn left(mut self, reason: Reason, message: String) -> Self {
        (self.state, self.reason, self.message) = (Some("left"), Some(reason), message);
        self
    }

    fn done(mut self, state: &'static str, pull: PullRequest) -> Self {
        self.message = format!("Pull request #{} {state}.", pull.number);
        (self.state, self.pull) = (Some(state), Some(pull));
        self
    }
}

/// Guesses from a repository's files on the forge how it is set up and tested; nothing where it has no commit yet.
///
/// # Errors
/// When the forge cannot be read.
pub async fn guess(forge: &dyn Forge, system: &dyn System, slug: &RepoSlug) -> Result<InitRepo, EngineError> {
    let repository = retry(system, async || forge.repository(slug).await).await?;
    let guessed = ground::guessed(forge, system, slug, &repository.default_branch).await?;
    Ok(InitRepo { slug: slug.clone(), branch: None, guessed })
}

/// Proposes the files that the repository lacks.
///
/// # Errors
/// When the forge cannot be read, or the run's record cannot be written.
pub async fn propose(context: &Context<'_>, wish: &Wish<'_>, mode: Mode) -> Result<Proposed, EngineError> {
    let (forge, system) = (context.forge, context.system);
    let repository = retry(system, async || forge.repository(wish.into).await).await?;
    let base = repository.default_branch.clone();
    let Some(head) = retry(system, async || forge.branch(wish.into, &base).await).await? else {
        let why =
            format!("{} has no commit on {base} yet, and a pull request needs one; push a first commit.", wish.into);
        return Err(ForgeError::NotFound(why).into());
    };
    let proposal = Proposal { context, wish, branch: plan::init_branch(), repository, base, head };
    proposal.carry_out(mode).await
}

/// A proposal being made.
struct Proposal<'a> {
    context: &'a Context<'a>,
    wish: &'a Wish<'a>,
    branch: BranchName,
    repository: Repository,
    base: BranchName,
    head: ObjectId,
}

impl Proposal<'_> {
    async fn carry_out(&self, mode: Mode) -> Result<Proposed, EngineError> {
        let (forge, system, slug) = (self.context.forge, self.context.system, self.wish.into);
        let entries = retry(system, async || forge.tree(slug, &self.head).await).await?;
        // A name that differs in nothing but case is the same file to many people's machines.
        let is_there =
            |file: &&InitFile| entries.iter().any(|entry| entry.path.eq_ignore_ascii_case(file.path.as_str()));
        let (there, missing): (Vec<&InitFile>, Vec<&InitFile>) = self.wish.files.iter().partition(is_there);
        let branch = self.holds(&missing).await?;
        let query = PullQuery { head: Some(self.branch.clone()), open_only: false };
        let read = async |page: Option<&str>| forge.pulls(slug, &query, page).await;
        let pulls = pages::all(system, usize::MAX, read).await.whole()?.items;
        let facts = InitFacts {
            missing: missing.len(),
            branch,
            pulls: pulls.iter().map(crate::engine::feature::feature_pull).collect(),
        };
        let decision = plan::decide_init(&facts);
        let body = self.body(&missing)?;
        let key = plan::init_key(self.repository.id, &self.base);
        let content = missing.iter().map(|file| file.content.as_str()).collect::<String>();
        let paths = |files: &[&InitFile]| files.iter().map(|file| file.path.clone()).collect();
        let proposed = Proposed {
            state: None,
            pull: None,
            added: paths(&missing),
            there: paths(&there),
            reason: None,
            message: String::new(),
            actions: plan::init_actions(decision, &slug.to_string(), &key, &content),
            retryable: false,
        };
        match decision {
            InitDecision::Nothing => {
                let message = "Every file is there already, and was left as it is.".to_owned();
                return Ok(Proposed { state: Some("kept"), message, ..proposed });
            }
            InitDecision::Leave(reason) => {
                let message =
                    format!("{} Delete the branch {} to be asked again.", reason.sentence().trim_end(), self.branch);
                return Ok(proposed.left(reason, message));
            }
            InitDecision::Keep(number) => {
                let Some(pull) = pulls.iter().find(|pull| pull.number == number) else { return Ok(proposed) };
                return Ok(proposed.done("kept", pull.clone()));
            }
            InitDecision::Open | InitDecision::Adopt => {}
        }
        if self.context.run.dry_run || mode < Mode::Draft {
            let message = "Nothing was written.".to_owned();
            return Ok(Proposed { reason: Some(Reason::Observe), message, ..proposed });
        }
        if decision == InitDecision::Open {
            self.intend(Verb::CreateBranch, &key, &content)?;
            if let Err(error) = self.make_branch(&missing).await {
                return stopped(proposed, error);
            }
        }
        self.intend(Verb::CreatePullRequest, &key, &body)?;
        self.open(proposed, body).await
    }

    /// Says whether our branch holds the files as they would be written; nothing where there is no branch.
    async fn holds(&self, files: &[&InitFile]) -> Result<Option<bool>, EngineError> {
        let (forge, system, slug) = (self.context.forge, self.context.system, self.wish.into);
        let Some(head) = retry(system, async || forge.branch(slug, &self.branch).await).await? else { return Ok(None) };
        let entries = retry(system, async || forge.tree(slug, &head).await).await?;
        for file in files {
            let Some(entry) = entries.iter().find(|entry| entry.path == file.path.as_str()) else {
                return Ok(Some(false));
            };
            if retry(system, async || forge.blob(slug, &entry.id).await).await? != file.content.as_bytes() {
                return Ok(Some(false));
            }
        }
        Ok(Some(true))
    }

    fn body(&self, files: &[&InitFile]) -> Result<String, EngineError> {
        let view = InitView {
            files,
            repositories: self.wish.repositories,
            todos: self.wish.todos,
            redactor: self.context.redactor,
        };
        render::init_body(&view).map_err(|error| EngineError::Render(error.to_string()))
    }

    /// Stores the files, and makes the branch that holds them.
    async fn make_branch(&self, files: &[&InitFile]) -> Result<(), ForgeError> {
        let (forge, system, slug) = (self.context.forge, self.context.system, self.wish.into);
        let mut changes = Vec::with_capacity(files.len());
        for file in files {
            let blob = retry(system, async || forge.create_blob(slug, file.content.as_bytes()).await).await?;
            changes.push(TreeChange { path: file.path.clone(), entry: Some((FileMode::Plain, blob)) });
        }
        let names: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        let message = format!("{}\n\nAdds {}.\n", render::INIT_TITLE, names.join(" and "));
        self.offer(message).make_branch(&changes).await
    }

    async fn open(&self, proposed: Proposed, body: String) -> Result<Proposed, EngineError> {
        match self.offer(String::new()).open(render::INIT_TITLE.to_owned(), body, false).await {
            Ok(Opening::Opened(pull)) => Ok(proposed.done("created", pull)),
            Ok(Opening::Found(pull)) => Ok(proposed.done("adopted", pull)),
            Ok(Opening::NothingAhead) => Ok(proposed.left(Reason::Empty, Reason::Empty.sentence().to_owned())),
            Ok(Opening::NotPermitted(why)) => {
                let message = format!("{} ({why})", Reason::AwaitingPr.sentence());
                Ok(proposed.left(Reason::AwaitingPr, message))
            }
            Ok(Opening::Refused(why)) => {
                let message = format!("The pull request was refused as invalid ({why}).");
                Ok(proposed.left(Reason::Denied, message))
            }
            Err(error) => stopped(proposed, error),
        }
    }

    fn offer(&self, message: String) -> Offer<'_> {
        Offer {
            context: self.context,
            slug: self.wish.into,
            branch: &self.branch,
            base: &self.base,
            on: &self.head,
            message,
        }
    }

    /// Writes the intent into the journal before anything is written to the forge.
    fn intend(&self, verb: Verb, key: &str, content: &str) -> Result<(), EngineError> {
        let intent = Intent {
            repo: self.wish.into.to_string(),
            verb: &verb.name(),
            branch: self.branch.to_string(),
            key: key.to_owned(),
            content,
        };
        self.context.intend(intent).map_err(EngineError::Journal)
    }
}

/// Ends with what the next attempt goes on from, or with what a person has to mend.
fn stopped(proposed: Proposed, error: ForgeError) -> Result<Proposed, EngineError> {
    match error {
        ForgeError::Transient(_) | ForgeError::Ambiguous(_) | ForgeError::Conflict(_) => {
            let message = format!("{} ({error})", Reason::ForgeUnavailable.sentence());
            Ok(Proposed { retryable: true, ..proposed.left(Reason::ForgeUnavailable, message) })
        }
        // Whoever writes below `.github/workflows` needs a permission of its own.
        ForgeError::Denied(why) => {
            let message = format!(
                "The token may not write these files ({why}). A workflow file needs the permission Workflows, or the \
                 scope `workflow` of a classic token; without --action only the configuration is proposed."
            );
            Ok(proposed.left(Reason::Denied, message))
        }
        error => Err(error.into()),
    }
}
