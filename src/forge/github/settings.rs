//! How tokens and repositories are set up on GitHub. Layer 3.
//!
//! Every question is one of its own and may be refused on its own: 403 and 404 mean that this token is not shown it, and
//! the answer says which permission would show it. Refuses to conclude from a missing answer, and to write.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::GithubForge;
use super::auth::TokenKind;
use super::classify::Operation;
use super::client::{Ask, decode};
use super::link::escape;
use super::shapes::{At, Named, User};
use super::transport::Incoming;
use crate::forge::settings::Settings;
use crate::forge::{ForgeError, ForgeResult, JOB_LOGIN};
use crate::model::{
    About, BranchName, BranchRules, Environment, Hosted, OperatorSetup, Rate, RepoSlug, RepositorySetup, ScheduledRun,
    Seen, Timestamp, TokenSetup, TokenSort, Unseen, WorkflowGrant,
};

/// The account that `GITHUB_TOKEN` of every workflow acts as.
/// The environment that `publish` stands in.
const ENVIRONMENT: &str = "homeostat";
/// Parts of the name of a workflow that is ours, where nobody says which it is.
const OUR_WORKFLOWS: [&str; 2] = ["homeostat", "orchestrator"];

/// Returns whether this machine has root certificates to know a server by: the question that the client itself asks.
pub fn has_root_certificates() -> bool {
    hyper_rustls::HttpsConnectorBuilder::new().with_native_roots().is_ok()
}

/// Says why an answer shows nothing; `takes` is what would show it.
fn unseen(error: &ForgeError, takes: &str) -> Unseen {
    Unseen::because(match error {
        ForgeError::Denied(why) if why.starts_with("bad-credentials") => "GitHub refuses the token.".to_owned(),
        ForgeError::Denied(_) | ForgeError::NotFound(_) => format!("GitHub does not show it to this token; {takes}."),
        ForgeError::RateLimited { until } => format!("the hour's requests are used up until {until}; look again then."),
        other => format!("the answer did not come ({other}); look again."),
    })
}

impl GithubForge {
    async fn look_at<T: DeserializeOwned>(&self, slug: &RepoSlug, path: &str, what: &str) -> ForgeResult<T> {
        let url = self.client.address.of(&format!("/repos/{slug}{path}"));
        self.client.ask(&Ask::read(url, format!("looking at {what} of {slug}")).of(slug)).await
    }

    async fn rate(&self) -> ForgeResult<(Rate, Incoming)> {
        let what = "asking for the limits";
        let owner = self.client.owners().next().unwrap_or_default().to_owned();
        let ask = Ask::read(self.client.address.of("/rate_limit"), what).for_owner(&owner);
        let answer = self.client.send(&ask).await?;
        let shape: RateAnswer = decode(Operation::Read, what, &answer)?;
        let reset = Timestamp::from_millis(shape.rate.reset.saturating_mul(1_000));
        Ok((Rate { limit: shape.rate.limit, remaining: shape.rate.remaining, reset }, answer))
    }

    async fn person(&self) -> ForgeResult<(String, Incoming)> {
        let what = "asking who this token is";
        let answer = self.client.send(&Ask::read(self.client.address.of("/user"), what)).await?;
        let user: User = decode(Operation::Read, what, &answer)?;
        Ok((user.login, answer))
    }

    async fn grants(&self, slug: &RepoSlug) -> Seen<BTreeMap<String, String>> {
        let what = "finding the App's installation";
        let url = self.client.address.of(&format!("/repos/{slug}/installation"));
        let answer = self.client.as_app(&Ask::read(url, what)).await;
        let shape = answer.and_then(|answer| decode::<Installation>(Operation::Read, what, &answer));
        shape.map(|shape| shape.permissions).map_err(|error| unseen(&error, "install the App for the repository"))
    }

    /// Classic protection. A branch that nothing protects is known without the right to see what protects others.
    async fn classic(&self, slug: &RepoSlug, branch: &BranchName, protected: bool) -> Seen<Option<BranchRules>> {
        if !protected {
            return Ok(None);
        }
        let path = format!("/branches/{}/protection", escape(branch.as_str()));
        match self.look_at::<Protection>(slug, &path, "the protection").await {
            Ok(shape) => Ok(Some(shape.rules())),
            Err(ForgeError::NotFound(why)) if why.to_ascii_lowercase().contains("not protected") => Ok(None),
            Err(error) => Err(unseen(&error, "that takes `administration: read`, which GITHUB_TOKEN never has")),
        }
    }

    async fn rulesets(&self, slug: &RepoSlug, branch: &BranchName) -> Seen<BranchRules> {
        let path = format!("/rules/branches/{}?per_page=100", escape(branch.as_str()));
        let rules = self.all::<Vec<Rule>, Rule>(slug, &path, |page| page).await;
        let rules =
            rules.map_err(|error| unseen(&error, "that takes `metadata: read`, or a server that has rulesets"))?;
        Ok(together(rules))
    }

    async fn label_names(&self, slug: &RepoSlug) -> Seen<Vec<String>> {
        let names = self.all(slug, "/labels?per_page=100", |page: Vec<Named>| page).await;
        let names = names.map_err(|error| unseen(&error, "that takes `issues: read`"))?;
        Ok(names.into_iter().map(|label| label.name).collect())
    }

    async fn about(&self, slug: &RepoSlug) -> Seen<About> {
        let shape: ForgeResult<Repository> = self.look_at(slug, "", "the settings").await;
        shape.and_then(Repository::about).map_err(|error| {
            unseen(
                &error,
                "it is not there, or the token was not given it (a fine-grained one and an App name repositories)",
            )
        })
    }

    async fn scheduled(&self, slug: &RepoSlug, workflow: Option<&str>) -> Seen<Option<ScheduledRun>> {
        let runs: ForgeResult<Runs> = self.look_at(slug, "/actions/runs?event=schedule&per_page=100", "the runs").await;
        let runs = runs.map_err(|error| unseen(&error, "that takes `actions: read`"))?;
        let file = |run: &Run| {
            let path = run.path.split('@').next().unwrap_or_default();
            path.rsplit('/').next().unwrap_or_default().to_owned()
        };
        let named = |run: &&Run| OUR_WORKFLOWS.iter().any(|part| file(run).contains(part));
        // A workflow for `doctor` alone may have a schedule too, which says nothing of the main job's.
        let newest = runs.workflow_runs.iter().filter(named).max_by_key(|run| run.created_at.0);
        let hinted = || runs.workflow_runs.iter().filter(|run| Some(file(run).as_str()) == workflow);
        let newest = newest.or_else(|| hinted().max_by_key(|run| run.created_at.0));
        Ok(newest.map(|run| ScheduledRun {
            workflow: run.path.clone(),
            at: run.created_at.0,
            good: (run.status.as_deref() == Some("completed")).then(|| run.conclusion.as_deref() == Some("success")),
        }))
    }
}

#[async_trait]
impl Settings for GithubForge {
    async fn token_setup(&self) -> Option<TokenSetup> {
        let credentials = self.client.credentials();
        let personal = credentials.fixed().is_some() && credentials.token_kind() == TokenKind::Personal;
        let who = if personal {
            self.person().await.map(|(login, answer)| (login, Some(answer)))
        } else {
            self.whoami().await.map(|actor| (actor.login, None))
        };
        let rate = self.rate().await;
        let refused = [who.as_ref().err(), rate.as_ref().err()].into_iter().flatten().find_map(|error| match error {
            ForgeError::Denied(why) if why.starts_with("bad-credentials") => Some(why.clone()),
            _ => None,
        });
        let answers = [who.as_ref().ok().and_then(|(_, answer)| answer.as_ref()), rate.as_ref().ok().map(|(_, a)| a)];
        let heads: Vec<&Incoming> = answers.into_iter().flatten().collect();
        let scopes = heads.iter().find_map(|answer| answer.header("x-oauth-scopes")).map(|text| {
            text.split(',').map(|scope| scope.trim().to_owned()).filter(|scope| !scope.is_empty()).collect()
        });
        let token = credentials.fixed().map(|token| token.expose().trim()).unwrap_or_default();
        let login = who.as_ref().map(|(login, _)| login.clone());
        let sort = match login.as_deref() {
            _ if credentials.fixed().is_none() => TokenSort::App,
            Ok(JOB_LOGIN) if !personal => TokenSort::Job,
            _ if !personal => TokenSort::App,
            _ if token.starts_with("github_pat_") => TokenSort::FineGrained,
            _ if token.starts_with("ghp_") || scopes.is_some() => TokenSort::Classic,
            _ => TokenSort::Other,
        };
        let expires = heads.iter().find_map(|answer| answer.header("github-authentication-token-expiration"));
        let expires = match expires {
            // What an App or a job has ends by itself and is made anew.
            _ if !personal => Ok(None),
            Some(text) => ends(text).map(Some).ok_or_else(|| {
                Unseen::because("GitHub says when the token ends in words that this version does not know.")
            }),
            None if heads.is_empty() => Err(Unseen::because("no answer came that would say it; look again.")),
            None => Ok(None),
        };
        Some(TokenSetup {
            sort,
            login: login.map_err(|error| unseen(error, "the token is good for nothing that says who it is")),
            refused,
            scopes,
            expires,
            rate: rate.map(|(rate, _)| rate).map_err(|error| unseen(&error, "this server has no limits to show")),
        })
    }

    async fn repository_setup(&self, slug: &RepoSlug, base: Option<&BranchName>, own: &BranchName) -> RepositorySetup {
        let about = match self.about(slug).await {
            Ok(about) => about,
            Err(why) => {
                let base_exists = Err(why.clone());
                return RepositorySetup { about: Err(why), base: base.cloned(), base_exists, hosted: None };
            }
        };
        let base = base.unwrap_or(&about.default_branch).clone();
        let path = format!("/branches/{}", escape(base.as_str()));
        let branch: ForgeResult<Branch> = self.look_at(slug, &path, "the base branch").await;
        let (base_exists, protected) = match &branch {
            Ok(branch) => (Ok(true), branch.protected),
            Err(ForgeError::NotFound(_)) => (Ok(false), false),
            Err(error) => (Err(unseen(error, "that takes `contents: read`")), true),
        };
        let grants = match self.client.credentials().fixed() {
            None => Some(self.grants(slug).await),
            Some(_) => None,
        };
        let administers = "that takes `administration: read`, which GITHUB_TOKEN never has";
        let actions: ForgeResult<Actions> = self.look_at(slug, "/actions/permissions", "the Actions settings").await;
        let workflows: ForgeResult<Workflows> =
            self.look_at(slug, "/actions/permissions/workflow", "what workflows may do").await;
        let hosted = Hosted {
            grants,
            actions: actions.map(|shape| shape.enabled).map_err(|error| unseen(&error, administers)),
            workflows: workflows.map(Workflows::grant).map_err(|error| unseen(&error, administers)),
            classic: self.classic(slug, &base, protected).await,
            rulesets: self.rulesets(slug, &base).await,
            own_branches: self.rulesets(slug, own).await,
            labels: self.label_names(slug).await,
        };
        RepositorySetup { about: Ok(about), base: Some(base), base_exists, hosted: Some(hosted) }
    }

    async fn operator_setup(&self, slug: &RepoSlug, workflow: Option<&str>) -> Option<OperatorSetup> {
        let about = match self.about(slug).await {
            Ok(about) => about,
            Err(why) => {
                return Some(OperatorSetup {
                    environment: Err(why.clone()),
                    scheduled: Err(why.clone()),
                    about: Err(why),
                });
            }
        };
        let path = format!("/environments/{ENVIRONMENT}");
        let environment = match self.look_at::<EnvironmentShape>(slug, &path, "the environment").await {
            Ok(shape) => Ok(Some(shape.environment())),
            Err(ForgeError::NotFound(_)) => Ok(None),
            Err(error) => Err(unseen(&error, "that takes `actions: read`")),
        };
        let scheduled = self.scheduled(slug, workflow).await;
        Some(OperatorSetup { about: Ok(about), environment, scheduled })
    }
}

/// Reads `2026-12-01 10:00:00 UTC`, or the same with `+0200`.
fn ends(text: &str) -> Option<Timestamp> {
    let mut parts = text.split_ascii_whitespace();
    let (day, time, zone) = (parts.next()?, parts.next()?, parts.next().unwrap_or("UTC"));
    let zone = match zone {
        "UTC" | "Z" => "Z".to_owned(),
        zone if zone.len() == 5 && zone.is_ascii() => format!("{}:{}", &zone[..3], &zone[3..]),
        zone => zone.to_owned(),
    };
    format!("{day}T{time}{zone}").parse().ok()
}

/// Puts every rule for one branch together: the strictest of each holds.
fn together(rules: Vec<Rule>) -> BranchRules {
    // Without a rule about it, a branch may be moved anywhere.
    let mut all = BranchRules { force_pushes: true, ..BranchRules::default() };
    for Rule { kind, parameters } in rules {
        match kind.as_str() {
            "required_status_checks" => {
                all.checks.extend(parameters.required_status_checks.into_iter().map(|check| check.context));
            }
            "pull_request" => {
                let asked = parameters.required_approving_review_count.unwrap_or_default();
                all.approvals = all.approvals.max(Some(asked));
                all.code_owners |= parameters.require_code_owner_review;
                all.conversations |= parameters.required_review_thread_resolution;
            }
            "required_linear_history" => all.linear = true,
            "required_signatures" => all.signatures = true,
            "non_fast_forward" => all.force_pushes = false,
            "creation" => all.no_creation = true,
            "branch_name_pattern" => {
                let not = if parameters.negate { "not " } else { "" };
                let how = parameters.operator.unwrap_or_default().replace('_', " ");
                all.name_pattern = Some(format!("{not}{how} {}", parameters.pattern.unwrap_or_default()));
            }
            _ => {}
        }
    }
    all.checks.sort();
    all.checks.dedup();
    all
}

#[derive(Debug, Deserialize)]
struct RateAnswer {
    rate: RateShape,
}

#[derive(Debug, Deserialize)]
struct RateShape {
    limit: u64,
    remaining: u64,
    reset: i64,
}

#[derive(Debug, Deserialize)]
struct Installation {
    #[serde(default)]
    permissions: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct Branch {
    #[serde(default)]
    protected: bool,
}

#[derive(Debug, Deserialize)]
struct Actions {
    enabled: bool,
}

#[derive(Debug, Deserialize)]
struct Workflows {
    default_workflow_permissions: String,
    can_approve_pull_request_reviews: bool,
}

impl Workflows {
    fn grant(self) -> WorkflowGrant {
        // One switch allows both, and GitHub names it after the other.
        let may_open = self.can_approve_pull_request_reviews;
        WorkflowGrant { write: self.default_workflow_permissions == "write", may_open }
    }
}

#[derive(Debug, Default, Deserialize)]
struct Switch {
    #[serde(default)]
    enabled: bool,
}

#[derive(Debug, Deserialize)]
struct Protection {
    required_status_checks: Option<Checks>,
    required_pull_request_reviews: Option<Reviews>,
    #[serde(default)]
    required_conversation_resolution: Switch,
    #[serde(default)]
    required_linear_history: Switch,
    #[serde(default)]
    required_signatures: Switch,
    #[serde(default)]
    allow_force_pushes: Switch,
}

#[derive(Debug, Deserialize)]
struct Checks {
    #[serde(default)]
    contexts: Vec<String>,
    #[serde(default)]
    checks: Vec<Check>,
}

#[derive(Debug, Deserialize)]
struct Check {
    context: String,
}

#[derive(Debug, Deserialize)]
struct Reviews {
    #[serde(default)]
    required_approving_review_count: u64,
    #[serde(default)]
    require_code_owner_reviews: bool,
}

impl Protection {
    fn rules(self) -> BranchRules {
        let checks = self.required_status_checks.map(|all| {
            let mut names: Vec<String> =
                all.contexts.into_iter().chain(all.checks.into_iter().map(|one| one.context)).collect();
            names.sort();
            names.dedup();
            names
        });
        let reviews = self.required_pull_request_reviews;
        BranchRules {
            checks: checks.unwrap_or_default(),
            approvals: reviews.as_ref().map(|reviews| reviews.required_approving_review_count),
            code_owners: reviews.is_some_and(|reviews| reviews.require_code_owner_reviews),
            conversations: self.required_conversation_resolution.enabled,
            linear: self.required_linear_history.enabled,
            signatures: self.required_signatures.enabled,
            force_pushes: self.allow_force_pushes.enabled,
            no_creation: false,
            name_pattern: None,
        }
    }
}

#[derive(Debug, Deserialize)]
struct Rule {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    parameters: Parameters,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Parameters {
    required_status_checks: Vec<Check>,
    required_approving_review_count: Option<u64>,
    require_code_owner_review: bool,
    required_review_thread_resolution: bool,
    operator: Option<String>,
    pattern: Option<String>,
    negate: bool,
}

#[derive(Debug, Deserialize)]
struct Status {
    status: Option<String>,
}

impl Status {
    fn is_on(&self) -> bool {
        self.status.as_deref() == Some("enabled")
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Security {
    secret_scanning: Option<Status>,
    secret_scanning_push_protection: Option<Status>,
}

#[derive(Debug, Deserialize)]
struct May {
    #[serde(default)]
    push: bool,
}

#[derive(Debug, Deserialize)]
struct Repository {
    id: u64,
    html_url: String,
    private: bool,
    #[serde(default)]
    archived: bool,
    #[serde(default = "yes")]
    has_issues: bool,
    default_branch: String,
    permissions: Option<May>,
    allow_auto_merge: Option<bool>,
    delete_branch_on_merge: Option<bool>,
    security_and_analysis: Option<Security>,
}

const fn yes() -> bool {
    true
}

impl Repository {
    fn about(self) -> ForgeResult<About> {
        let security = self.security_and_analysis;
        let security = security.as_ref();
        Ok(About {
            id: self.id,
            url: self.html_url,
            private: self.private,
            archived: self.archived,
            issues: self.has_issues,
            default_branch: super::shapes::branch(&self.default_branch)?,
            may_push: self.permissions.map(|may| may.push),
            auto_merge: self.allow_auto_merge,
            delete_branch: self.delete_branch_on_merge,
            secret_scanning: security.and_then(|all| all.secret_scanning.as_ref()).map(Status::is_on),
            push_protection: security.and_then(|all| all.secret_scanning_push_protection.as_ref()).map(Status::is_on),
        })
    }
}

#[derive(Debug, Deserialize)]
struct EnvironmentShape {
    #[serde(default)]
    protection_rules: Vec<EnvironmentRule>,
}

#[derive(Debug, Deserialize)]
struct EnvironmentRule {
    #[serde(default)]
    reviewers: Vec<serde::de::IgnoredAny>,
}

impl EnvironmentShape {
    fn environment(self) -> Environment {
        Environment { reviewers: self.protection_rules.iter().map(|rule| rule.reviewers.len()).sum() }
    }
}

#[derive(Debug, Deserialize)]
struct Runs {
    workflow_runs: Vec<Run>,
}

#[derive(Debug, Deserialize)]
struct Run {
    path: String,
    created_at: At,
    status: Option<String>,
    conclusion: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_token_is_read_in_every_spelling() {
        for text in ["2026-12-01 10:00:00 UTC", "2026-12-01 12:00:00 +0200", "2026-12-01 10:00:00"] {
            assert_eq!(ends(text), "2026-12-01T10:00:00Z".parse().ok(), "{text}");
        }
        for text in ["", "soon", "2026-12-01", "2026-12-01 10:00:00 éé"] {
            assert_eq!(ends(text), None, "{text}");
        }
    }

    #[test]
    fn the_strictest_rule_of_every_ruleset_holds_and_strange_ones_are_passed_over() {
        let rules: Vec<Rule> = serde_json::from_value(serde_json::json!([
            { "type": "pull_request", "parameters": { "required_approving_review_count": 2 } },
            { "type": "pull_request", "parameters": { "required_approving_review_count": 1,
                "required_review_thread_resolution": true, "require_code_owner_review": true } },
            { "type": "required_status_checks", "parameters": { "required_status_checks": [{ "context": "b" }, { "context": "a" }] } },
            { "type": "required_status_checks", "parameters": { "required_status_checks": [{ "context": "a" }] } },
            { "type": "branch_name_pattern", "parameters": { "operator": "starts_with", "pattern": "team/", "negate": false } },
            { "type": "non_fast_forward" }, { "type": "required_signatures" }, { "type": "of another year" },
        ]))
        .expect("rules");
        let all = together(rules);
        assert_eq!((all.approvals, all.conversations, all.code_owners), (Some(2), true, true));
        assert_eq!(all.checks, ["a", "b"]);
        assert!(all.signatures && !all.force_pushes && !all.linear && !all.no_creation);
        assert_eq!(all.name_pattern.as_deref(), Some("starts with team/"));
        assert!(together(Vec::new()).force_pushes, "nothing forbids it");
    }

    #[test]
    fn what_is_not_shown_says_what_would_show_it_and_bad_credentials_say_so() {
        let denied = unseen(&ForgeError::Denied("no".into()), "that takes `issues: read`");
        assert!(denied.because.contains("issues: read"));
        let wrong = unseen(&ForgeError::Denied("bad-credentials: x".into()), "anything");
        assert!(wrong.because.contains("refuses the token"));
    }
}
