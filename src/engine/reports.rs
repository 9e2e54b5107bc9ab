//! Reads the reports of one repository: issues, who wrote them, what people said about them since. Layer 4.
//!
//! It asks the forge only what a decision needs, and each thing once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::engine::{Context, Selection, pages, retry};
use crate::fingerprint;
use crate::forge::{Comment, ForgeError, Issue, IssueEvent, IssueEventKind, IssueQuery};
use crate::gate::{self, LabelEvent, TrustFacts, Word};
use crate::intake;
use crate::model::{Actor, Failure, ObjectId, Permission, Policy, Reason, Report, ReportId, sha256_hex};

/// Pages read of one list before it counts as endless.
const MAX_PAGES: usize = 200;

/// A report that was read and understood.
pub(crate) struct Understood {
    pub(crate) report: Report,
    pub(crate) failure: Failure,
    pub(crate) identity: fingerprint::Identity,
    /// The commit that a workflow ran; nothing for an issue.
    pub(crate) head: Option<ObjectId>,
}

/// Reads reports of one repository.
pub(crate) struct Reports<'a> {
    context: &'a Context<'a>,
    policy: &'a Policy,
    selection: &'a Selection,
    permissions: Mutex<BTreeMap<u64, Option<Permission>>>,
}

/// Issues found, and what of the list could not be read.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) issues: Vec<Issue>,
    /// The issue that was asked for and is not there.
    pub(crate) gone: Option<u64>,
    pub(crate) broken: BTreeSet<String>,
}

impl<'a> Reports<'a> {
    pub(crate) fn new(context: &'a Context<'a>, policy: &'a Policy, selection: &'a Selection) -> Self {
        Self { context, policy, selection, permissions: Mutex::default() }
    }

    /// Lists open issues with any trigger label, oldest first; or the one issue asked for.
    pub(crate) async fn issues(&self) -> Result<Found, ForgeError> {
        let (forge, slug) = (self.context.forge, &self.policy.slug);
        let mut all = Found::default();
        if let Some(number) = self.selection.issue {
            match self.issue(number).await {
                Ok(issue) => all.issues.push(issue),
                Err(ForgeError::NotFound(_)) => all.gone = Some(number),
                Err(error) => return Err(error),
            }
            return Ok(all);
        }
        let mut found: BTreeMap<u64, Issue> = BTreeMap::new();
        for label in &self.policy.trigger_labels {
            let query = IssueQuery { label: Some(label.clone()), open_only: true, since: None };
            let listed =
                pages::all(self.context.system, MAX_PAGES, async |page| forge.issues(slug, &query, page).await);
            let listed = listed.await.whole()?;
            found.extend(listed.items.into_iter().map(|issue| (issue.number, issue)));
            all.broken.extend(listed.broken);
        }
        found.retain(|_, issue| !issue.is_pull_request && issue.open);
        all.issues = found.into_values().collect();
        all.issues.sort_by_key(|issue| (issue.created_at, issue.number));
        all.issues.truncate(usize::try_from(self.context.config.run.max_issues).unwrap_or(usize::MAX));
        Ok(all)
    }

    /// Reads the issue that was asked for; a replica may not see yet what an event spoke of (F-15).
    async fn issue(&self, number: u64) -> Result<Issue, ForgeError> {
        let (forge, slug, system) = (self.context.forge, &self.policy.slug, self.context.system);
        let waits: &[u64] = if forge.lags() { &[1, 2, 4] } else { &[] };
        for seconds in waits {
            match retry(system, async || forge.issue(slug, number).await).await {
                Err(ForgeError::NotFound(_)) => system.sleep(Duration::from_secs(*seconds)).await,
                answer => return answer,
            }
        }
        retry(system, async || forge.issue(slug, number).await).await
    }

    /// Reads one issue: opt-out, trust, and what it says.
    pub(crate) async fn understand(
        &self,
        issue: &Issue,
        us: &Actor,
    ) -> Result<Result<Understood, (Reason, String)>, ForgeError> {
        let coded = |reason: Reason| Ok(Err((reason, reason.sentence().to_owned())));
        if issue.is_pull_request {
            return coded(Reason::NotAnIssue);
        }
        if let Some(reason) = gate::opted_out(&issue.labels) {
            return coded(reason);
        }
        if let Err(reason) = self.trust(issue, us).await? {
            return coded(reason);
        }
        let report = Report {
            id: ReportId::Issue { number: issue.number },
            url: issue.url.clone(),
            title: issue.title.as_str().into(),
            body: issue.body.as_str().into(),
            author: issue.author.clone(),
            labels: issue.labels.clone(),
            created_at: issue.created_at,
            reopened_at: None,
            updated_at: issue.updated_at,
        };
        Ok(match intake::read_report(&report) {
            Ok(failure) => {
                let identity = fingerprint::identify(&failure);
                Ok(Understood { report, failure, identity, head: None })
            }
            Err(skip) => Err((skip.reason, skip.message)),
        })
    }

    /// Decides whether the issue may cause work; asks the forge only what the decision needs.
    async fn trust(&self, issue: &Issue, us: &Actor) -> Result<Result<(), Reason>, ForgeError> {
        let Some(author) = &issue.author else { return Ok(Ok(())) };
        let permission = self.permission(author).await;
        let mut facts =
            TrustFacts { author: Some(author), permission, ourselves: Some(us.id), ..TrustFacts::default() };
        let first = gate::trusted(&facts, self.policy);
        if !matches!(first, Err(Reason::UntrustedAuthor | Reason::PermissionUnknown)) {
            return Ok(first);
        }
        for event in self.events(issue.number).await? {
            match event.kind {
                IssueEventKind::Labeled(label) => {
                    let permission = match &event.actor {
                        Some(actor) => self.permission(actor).await,
                        None => Some(Permission::Admin),
                    };
                    facts.labeled.push(LabelEvent {
                        label,
                        permission,
                        actor: event.actor.map(|a| a.id),
                        at: event.at,
                    });
                }
                IssueEventKind::Edited => facts.edited_at = facts.edited_at.max(Some(event.at)),
                _ => {}
            }
        }
        let judged = gate::trusted(&facts, self.policy);
        // Who may command vouches for the text that was there to be read, and for no other (V-03).
        let vouched = self.selection.asked.as_ref().and_then(|asked| asked.vouched.as_ref());
        Ok(match (judged, vouched) {
            (Err(Reason::UntrustedAuthor | Reason::PermissionUnknown), Some(hash)) => {
                let same = sha256_hex(issue.body.as_bytes()) == *hash;
                if same { Ok(()) } else { Err(Reason::ContentChanged) }
            }
            (judged, _) => judged,
        })
    }

    /// Asks once what an account may do; a failing look-up counts as not known (V-04).
    async fn permission(&self, actor: &Actor) -> Option<Permission> {
        let known = self.permissions.lock().unwrap_or_else(PoisonError::into_inner).get(&actor.id).copied();
        if let Some(known) = known {
            return known;
        }
        let forge = self.context.forge;
        let permission =
            retry(self.context.system, async || forge.permission(&self.policy.slug, actor).await).await.ok();
        self.permissions.lock().unwrap_or_else(PoisonError::into_inner).insert(actor.id, permission);
        permission
    }

    /// Collects words of people with write access about an issue, oldest first.
    pub(crate) async fn words(&self, number: u64, events: &[IssueEvent]) -> Result<Vec<Word>, ForgeError> {
        let mut words = Vec::new();
        for comment in self.comments(number).await? {
            let asks = gate::command(&comment.body) == Some(gate::Command::Retry);
            if asks && self.may_speak(comment.author.as_ref()).await {
                words.push(Word { id: format!("comment:{}", comment.id), at: comment.created_at });
            }
        }
        for event in events {
            let IssueEventKind::Labeled(label) = &event.kind else { continue };
            let trigger = self.policy.trigger_labels.iter().any(|t| t.eq_ignore_ascii_case(label));
            if trigger && self.may_speak(event.actor.as_ref()).await {
                words.push(Word { id: format!("event:{}", event.id), at: event.at });
            }
        }
        words.sort_by_key(|word| word.at);
        Ok(words)
    }

    /// Lists the digests of candidates that people with write access asked to publish.
    pub(crate) async fn approvals(&self, number: u64) -> Result<BTreeSet<String>, ForgeError> {
        let mut digests = BTreeSet::new();
        for comment in self.comments(number).await? {
            let Some(gate::Command::Approve { digest }) = gate::command(&comment.body) else { continue };
            if !digests.contains(&digest) && self.may_speak(comment.author.as_ref()).await {
                digests.insert(digest);
            }
        }
        Ok(digests)
    }

    /// Returns whether an account's word counts; without an account it is the owner's own forge.
    async fn may_speak(&self, actor: Option<&Actor>) -> bool {
        let Some(actor) = actor else { return true };
        gate::may_command(Some(actor), None, self.permission(actor).await, self.policy).is_ok()
    }

    /// Reads what happened to an issue.
    pub(crate) async fn events(&self, number: u64) -> Result<Vec<IssueEvent>, ForgeError> {
        let (forge, slug) = (self.context.forge, &self.policy.slug);
        let read = async |page: Option<&str>| forge.issue_events(slug, number, page).await;
        Ok(pages::once(pages::all(self.context.system, MAX_PAGES, read).await.whole()?.items, |one| one.id))
    }

    async fn comments(&self, number: u64) -> Result<Vec<Comment>, ForgeError> {
        let (forge, slug) = (self.context.forge, &self.policy.slug);
        let read = async |page: Option<&str>| forge.comments(slug, number, page).await;
        Ok(pages::once(pages::all(self.context.system, MAX_PAGES, read).await.whole()?.items, |one| one.id))
    }
}
