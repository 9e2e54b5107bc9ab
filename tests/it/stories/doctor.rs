//! `doctor` against the HTTP door, in the states in which people will start it.
//!
//! Each story sets the door up, looks once through the client that the program uses, and names what has to be said. What a
//! story does not speak of is held to one law: nothing is written unless `--fix` was given.

use std::sync::Arc;
use std::time::Duration;

use homeostat::config::Config;
use homeostat::doctor::{Finding, IDS, Severity};
use homeostat::engine::doctor::{Look, Looked, look};
use homeostat::forge::Conclusion;
use homeostat::forge::Forge;
use homeostat::forge::github::{Credentials, GithubForge};
use homeostat::forge::memory::MemoryForge;
use homeostat::forge::rules::{ManualClock, RunRecord};
use homeostat::model::{Machine, Mode, Policy, RepoSlug, SandboxLevel, Secret, Timestamp};
use homeostat::redact::Redactor;
use serde_json::{Value, json};

use super::StillSystem;
use crate::http::{Door, Setup, Token, client_with, rule};

const APP: &str = "acme/app";
const OPS: &str = "acme/ops";
const ORGANISATION_TOKEN: &str = "github_pat_of-the-test-forge";

/// A fleet of one repository with an operator's repository beside it, behind a door.
struct Clinic {
    forge: Arc<MemoryForge>,
    clock: ManualClock,
    door: Door,
    config: Config,
    credentials: Credentials,
    own: Option<&'static str>,
    operator: Option<&'static str>,
    public: bool,
}

fn slug(text: &str) -> RepoSlug {
    text.parse().expect("a slug")
}

impl Clinic {
    /// Makes one whose token is of a kind, and that is otherwise as a quiet repository is.
    async fn new(token: &str, is: Token) -> Self {
        let clock = ManualClock::at(Timestamp::from_millis(1_800_000_000_000));
        let forge = Arc::new(MemoryForge::new(clock.clock()));
        for name in [APP, OPS] {
            let files = [("Cargo.toml", "[package]\nname = \"app\"\nversion = \"0.1.0\"\n"), ("src/lib.rs", "\n")];
            forge.create_repository(&slug(name), &files).await.expect("a repository");
        }
        let door = Door::open(forge.clone(), clock.clone(), 30).await;
        door.set_token(token, Some(is));
        let mut config = Config::empty();
        config.repositories.push(Policy::built_in(slug(APP)));
        let credentials = Credentials::token(Secret::new(token.to_owned()));
        Self { forge, clock, door, config, credentials, own: Some(OPS), operator: Some(OPS), public: false }
    }

    /// Makes one with a fine-grained token.
    async fn fine_grained() -> Self {
        Self::new(ORGANISATION_TOKEN, Token::Personal("homeostat-bot".to_owned())).await
    }

    /// Makes one with a workflow's own token.
    async fn job() -> Self {
        Self::new("ghs_job", Token::Installation("github-actions[bot]".to_owned())).await
    }

    fn set_up(&self, change: impl FnOnce(&mut Setup)) {
        self.door.set_up(change);
    }

    fn client(&self) -> GithubForge {
        client_with(&self.door, self.clock.clone(), &[APP, OPS], self.credentials.clone(), None)
    }

    async fn look_with(&self, fix: bool, dry: bool) -> Looked {
        let client = self.client();
        let system = StillSystem(self.clock.clone());
        let machine = Machine {
            git: Ok((2, 47, 3)),
            git_minimum: (2, 38, 0),
            certificates: true,
            sandbox: Some(SandboxLevel::Landlock),
        };
        let sight = Look {
            forge: &client,
            settings: &client,
            system: &system,
            config: &self.config,
            only: None,
            own: self.own.map(slug),
            operator: self.operator.map(slug),
            workflow: None,
            machine,
            server: "https://github.com",
            public: self.public,
        };
        let looked = look(&sight, fix, dry).await;
        let writes = self.door.unclaimed();
        assert!(fix && !dry || writes.is_empty(), "looking writes nothing: {writes:?}");
        for finding in &looked.checkup.findings {
            assert!(IDS.contains(&finding.id), "{finding:?}");
            let unknown = finding.what.contains("could not be seen");
            assert!(!unknown || finding.severity > Severity::Ok, "unknown is never well: {finding:?}");
        }
        looked
    }

    async fn look(&self) -> Vec<Finding> {
        self.look_with(false, false).await.checkup.findings
    }
}

/// Finds what a check said, and requires how much it matters and words of it.
#[track_caller]
fn says<'a>(findings: &'a [Finding], id: &str, severity: Severity, words: &str) -> &'a Finding {
    let found = findings.iter().find(|one| one.id == id);
    let found = found.unwrap_or_else(|| panic!("{id} says nothing: {findings:#?}"));
    assert_eq!(found.severity, severity, "{found:?}");
    let all = format!("{} {}", found.what, found.mend.clone().unwrap_or_default());
    assert!(all.contains(words), "{id}: {words:?} is missing: {all}");
    found
}

fn problems(findings: &[Finding]) -> Vec<&str> {
    findings.iter().filter(|one| one.severity == Severity::Problem).map(|one| one.id).collect()
}

#[tokio::test]
async fn a_classic_token_without_its_scope_is_a_problem() {
    let clinic = Clinic::new("ghp_classic", Token::Personal("ada".to_owned())).await;
    clinic.set_up(|setup| setup.headers = vec![("x-oauth-scopes".to_owned(), "gist, read:org".to_owned())]);
    let findings = clinic.look().await;
    says(&findings, "token-kind", Severity::Warning, "acting as ada");
    says(&findings, "token-scopes", Severity::Problem, "gist, read:org; `repo` is missing");
    says(&findings, "token-expiry", Severity::Note, "never ends");
    clinic.set_up(|setup| setup.headers[0].1 = "repo, workflow".to_owned());
    says(&clinic.look().await, "token-scopes", Severity::Ok, "repo, workflow");
}

#[tokio::test]
async fn a_fine_grained_token_that_ends_in_three_days_is_a_warning() {
    let clinic = Clinic::fine_grained().await;
    let end = clinic.clock.now().after(Duration::from_hours(73)).to_string();
    let said = format!("{} {} UTC", &end[..10], &end[11..19]);
    clinic.set_up(|setup| setup.headers = vec![("github-authentication-token-expiration".to_owned(), said)]);
    let findings = clinic.look().await;
    says(&findings, "token-kind", Severity::Ok, "fine-grained");
    says(&findings, "token-expiry", Severity::Warning, "in 3 days");
    says(&findings, "token-may-write", Severity::Note, "could not be seen");
    says(&findings, "runs-started", Severity::Ok, "start workflows");
    assert!(problems(&findings).is_empty(), "{findings:#?}");
}

#[tokio::test]
async fn a_token_that_is_refused_is_said_once_and_first() {
    let mut clinic = Clinic::fine_grained().await;
    clinic.credentials = Credentials::token(Secret::new("github_pat_wrong".to_owned()));
    let findings = clinic.look().await;
    says(&findings, "token-refused", Severity::Problem, "Bad credentials");
    assert_eq!(findings.iter().filter(|one| one.place == "token").count(), 1);
    assert!(clinic.door.requests() <= 2, "a refused token is not sent again: {}", clinic.door.requests());
}

#[tokio::test]
async fn an_app_that_was_not_granted_enough_is_a_problem() {
    let mut clinic = Clinic::fine_grained().await;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/forge/github/test_key.txt");
    let key = std::fs::read_to_string(path).expect("a key that opens nothing");
    let key = key.trim();
    let pem = if key.contains("BEGIN") {
        key.to_owned()
    } else {
        format!("-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----\n")
    };
    clinic.credentials = Credentials::app("4711", &Secret::new(pem)).expect("a key");
    clinic.door.set_token("app", Some(Token::App("homeostat[bot]".to_owned())));
    let findings = clinic.look().await;
    says(&findings, "token-kind", Severity::Ok, "acting as homeostat[bot]");
    says(&findings, "token-may-write", Severity::Problem, "`issues: write`, `pull_requests: write`");
    says(&findings, "token-expiry", Severity::Ok, "made anew");
    let all = json!({"contents": "write", "issues": "write", "pull_requests": "write", "metadata": "read",
        "actions": "read", "checks": "read", "statuses": "read"});
    clinic.set_up(|setup| setup.granted = all);
    says(&clinic.look().await, "token-may-write", Severity::Ok, "everything");
}

#[tokio::test]
async fn a_workflows_own_token_reaches_one_repository_and_its_runs_wait() {
    let mut clinic = Clinic::job().await;
    let findings = clinic.look().await;
    says(&findings, "token-reach", Severity::Problem, "cannot reach acme/app");
    says(&findings, "runs-started", Severity::Warning, "wait until a person approves");
    clinic.own = Some(APP);
    let findings = clinic.look().await;
    says(&findings, "token-reach", Severity::Ok, "its own repository");
    assert!(problems(&findings).is_empty(), "{findings:#?}");
}

#[tokio::test]
async fn pull_requests_that_workflows_may_not_open_are_a_problem_for_a_workflows_own_token() {
    let mut clinic = Clinic::job().await;
    clinic.own = Some(APP);
    clinic.set_up(|setup| setup.workflows = (false, false));
    let findings = clinic.look().await;
    says(&findings, "pull-requests-permitted", Severity::Problem, "https://github.com/acme/app/settings/actions");
    // What takes the right to administer is not shown to such a token.
    clinic.set_up(|setup| setup.administers = false);
    let findings = clinic.look().await;
    let found = says(&findings, "pull-requests-permitted", Severity::Warning, "administration: read");
    assert!(found.mend.as_ref().is_some_and(|mend| mend.contains("gh api")), "{found:?}");
    says(&findings, "actions-enabled", Severity::Note, "could not be seen");
}

#[tokio::test]
async fn classic_protection_that_needs_approvals_is_read() {
    let clinic = Clinic::fine_grained().await;
    clinic.set_up(|setup| {
        setup.protection = Some(json!({
            "required_status_checks": {"strict": true, "contexts": ["test"], "checks": [{"context": "test", "app_id": null}]},
            "required_pull_request_reviews": {"dismiss_stale_reviews": true, "require_code_owner_reviews": true,
                "required_approving_review_count": 2},
            "required_conversation_resolution": {"enabled": true}, "allow_force_pushes": {"enabled": false},
        }));
    });
    let findings = clinic.look().await;
    says(&findings, "required-checks", Severity::Ok, "test");
    says(&findings, "required-approvals", Severity::Ok, "2 approval(s), owners of the code");
    says(&findings, "conversation-resolution", Severity::Note, "has to be resolved");
    says(&findings, "force-pushes", Severity::Ok, "forward");
    // The same where protection is not shown: what rulesets say of it is not everything.
    clinic.set_up(|setup| setup.administers = false);
    let findings = clinic.look().await;
    for id in ["required-checks", "required-approvals", "force-pushes", "signed-commits"] {
        says(&findings, id, Severity::Note, "could not be seen");
    }
}

#[tokio::test]
async fn a_ruleset_with_linear_history_and_signatures_is_a_problem_for_a_persons_token() {
    let clinic = Clinic::fine_grained().await;
    let rules = vec![
        rule("required_linear_history", Value::Null),
        rule("required_signatures", Value::Null),
        rule("non_fast_forward", Value::Null),
        rule(
            "required_status_checks",
            json!({"strict_required_status_checks_policy": false,
            "required_status_checks": [{"context": "build"}]}),
        ),
    ];
    clinic.set_up(|setup| setup.rules = rules);
    let findings = clinic.look().await;
    says(&findings, "linear-history", Severity::Ok, "requires a linear history");
    says(&findings, "signed-commits", Severity::Problem, "unsigned");
    says(&findings, "required-checks", Severity::Ok, "build");
    says(&findings, "own-branches", Severity::Ok, "");
    clinic.set_up(|setup| {
        setup.rules = Vec::new();
        setup.own_rules = vec![rule("creation", Value::Null)];
    });
    let findings = clinic.look().await;
    says(&findings, "own-branches", Severity::Problem, "homeostat/**");
    says(&findings, "force-pushes", Severity::Warning, "Block force pushes");
    says(&findings, "required-checks", Severity::Warning, "https://github.com/acme/app/settings/rules");
}

#[tokio::test]
async fn a_missing_environment_is_a_warning_and_reviewers_are_counted() {
    let clinic = Clinic::fine_grained().await;
    says(&clinic.look().await, "environment", Severity::Warning, "repos/acme/ops/environments/homeostat");
    clinic.set_up(|setup| setup.environment = Some(0));
    says(&clinic.look().await, "environment", Severity::Note, "asks no reviewer");
    clinic.set_up(|setup| setup.environment = Some(2));
    says(&clinic.look().await, "environment", Severity::Ok, "2 reviewer(s)");
}

#[tokio::test]
async fn missing_labels_are_made_once_with_fix_and_never_without() {
    let mut clinic = Clinic::fine_grained().await;
    let found = clinic.look().await;
    assert!(says(&found, "labels", Severity::Warning, "homeostat, robot, homeostat-fix").fixable);
    let dry = clinic.look_with(true, true).await;
    assert_eq!((dry.held_back, dry.checkup.fixed.len()), (9, 0));
    clinic.config.repositories[0].mode = Mode::Observe;
    let observed = clinic.look_with(true, false).await;
    assert_eq!((observed.held_back, observed.checkup.fixed.len()), (9, 0), "in mode observe nothing is written");
    clinic.config.repositories[0].mode = Mode::Ready;
    let fixed = clinic.look_with(true, false).await;
    assert_eq!(fixed.checkup.fixed.len(), 9, "{fixed:?}");
    says(&fixed.checkup.findings, "labels", Severity::Ok, "Every label");
    for _ in 0..9 {
        assert!(clinic.door.claim("POST", "/repos/acme/app/labels"));
    }
    let again = clinic.look_with(true, false).await;
    assert!(again.checkup.fixed.is_empty() && clinic.door.unclaimed().is_empty(), "{:?}", clinic.door.unclaimed());
    // One that somebody else makes in between is as good.
    let label =
        |name: &str| homeostat::forge::Label { name: name.into(), color: "000000".into(), description: String::new() };
    clinic.config.repositories[0].trigger_labels = vec!["fix-me".to_owned()];
    clinic.door.before("POST", "/labels", move |forge, _| async move {
        forge.create_label(&slug(APP), &label("fix-me")).await.expect("a label");
    });
    let raced = clinic.look_with(true, false).await;
    assert!(raced.checkup.fixed.is_empty() && raced.failed.is_empty(), "{raced:?}");
    says(&raced.checkup.findings, "labels", Severity::Ok, "Every label");
}

#[tokio::test]
async fn a_budget_of_requests_that_is_too_small_is_said_with_numbers() {
    let mut clinic = Clinic::fine_grained().await;
    clinic.set_up(|setup| setup.rate = (60, 60));
    says(&clinic.look().await, "rate-budget", Severity::Warning, "the token has 60 an hour");
    clinic.set_up(|setup| setup.rate = (5_000, 2));
    says(&clinic.look().await, "rate-budget", Severity::Warning, "2 of them left");
    let many = (0..3).map(|n| Policy::built_in(slug(&format!("acme/none-{n}"))));
    clinic.config.repositories.extend(many);
    clinic.set_up(|setup| setup.rate = (5, 5));
    says(&clinic.look().await, "rate-budget", Severity::Problem, "an App");
}

#[tokio::test]
async fn an_archived_repository_and_one_that_is_not_there_are_problems() {
    let mut clinic = Clinic::fine_grained().await;
    clinic.set_up(|setup| setup.repository = json!({"archived": true}));
    says(&clinic.look().await, "repository-archived", Severity::Problem, "gh repo unarchive acme/app");
    let fixed = clinic.look_with(true, false).await;
    assert!(fixed.checkup.fixed.is_empty() && clinic.door.unclaimed().is_empty(), "it takes no label");
    clinic.config.repositories[0] = Policy::built_in(slug("acme/nowhere"));
    let findings = clinic.look().await;
    says(&findings, "repository-seen", Severity::Problem, "https://github.com/acme/nowhere");
    let of_it: Vec<_> = findings.iter().filter(|one| one.place == "acme/nowhere").map(|one| one.id).collect();
    assert_eq!(of_it, ["repository-seen", "test-command"]);
}

#[tokio::test]
async fn a_token_that_is_shown_nothing_leaves_nothing_well_that_was_not_seen() {
    let clinic = Clinic::job().await;
    clinic.set_up(|setup| setup.reads = false);
    let findings = clinic.look().await;
    let unseen: Vec<_> =
        findings.iter().filter(|one| one.what.contains("could not be seen")).map(|one| one.id).collect();
    for id in [
        "base-branch",
        "actions-enabled",
        "workflow-permissions",
        "pull-requests-permitted",
        "required-checks",
        "required-approvals",
        "conversation-resolution",
        "force-pushes",
        "linear-history",
        "signed-commits",
        "own-branches",
        "labels",
        "environment",
        "schedule",
        "token-may-write",
    ] {
        assert!(unseen.contains(&id), "{id}: {findings:#?}");
    }
    let fixed = clinic.look_with(true, false).await;
    assert!(fixed.checkup.fixed.is_empty(), "labels that were not seen are not made");
}

#[tokio::test]
async fn a_page_and_a_terminal_show_the_same_in_words_that_were_read() {
    let clinic = Clinic::job().await;
    clinic.set_up(|setup| {
        setup.administers = false;
        setup.own_rules = vec![rule("branch_name_pattern", json!({"operator": "regex", "pattern": "^(a|b)/@all"}))];
    });
    let redactor = Redactor::new(&[]);
    let checkup = clinic.look_with(false, false).await.checkup.redacted(&redactor);
    insta::assert_snapshot!("doctor_terminal", checkup.in_text());
    insta::assert_snapshot!("doctor_summary", checkup.summary("0.0.0", &redactor));
}

#[tokio::test]
async fn the_schedule_is_late_or_failed_or_well() {
    let clinic = Clinic::fine_grained().await;
    says(&clinic.look().await, "schedule", Severity::Note, "No schedule");
    let head = clinic.forge.branch(&slug(OPS), &"main".parse().expect("a branch")).await.expect("refs").expect("main");
    let run = |workflow: &str, conclusion: Conclusion| RunRecord {
        workflow: workflow.to_owned(),
        name: "Homeostat".to_owned(),
        branch: "main".to_owned(),
        commit: head.clone(),
        event: "schedule".to_owned(),
        actor: None,
        fork: false,
        attempt: 1,
        conclusion,
        created_at: clinic.clock.now(),
        completed_at: clinic.clock.now(),
        jobs: Vec::new(),
    };
    clinic.forge.add_run(&slug(OPS), &run("nightly-build.yml", Conclusion::Success), &[]).await.expect("a run");
    says(&clinic.look().await, "schedule", Severity::Note, "No schedule");
    clinic
        .forge
        .add_run(&slug(OPS), &run("multi-repo-orchestrator.yml", Conclusion::Failure), &[])
        .await
        .expect("a run");
    says(&clinic.look().await, "schedule", Severity::Warning, "and failed");
    clinic.clock.advance(Duration::from_hours(24 * 5));
    says(
        &clinic.look().await,
        "schedule",
        Severity::Warning,
        "gh workflow enable multi-repo-orchestrator.yml --repo acme/ops",
    );
    clinic.forge.add_run(&slug(OPS), &run("homeostat.yml", Conclusion::Success), &[]).await.expect("a run");
    clinic.clock.advance(Duration::from_hours(2));
    says(&clinic.look().await, "schedule", Severity::Ok, "ended well");
}

#[tokio::test]
async fn v_107_in_actions_a_private_repository_is_a_number_and_its_findings_are_not_told() {
    let mut clinic = Clinic::fine_grained().await;
    clinic.forge.set_private(&slug(APP), true).expect("a repository");
    let open = clinic.look().await;
    says(&open, "private-target", Severity::Problem, "state.private");
    assert!(open.iter().any(|one| one.place == APP));
    clinic.public = true;
    let looked = clinic.look_with(false, false).await;
    let text = format!("{:?}", looked.checkup);
    assert!(!text.contains(APP) && !text.contains("acme-app"), "{text}");
    let page = looked.checkup.summary("0.0.0", &Redactor::new(&[]));
    assert!(page.contains("`repository ") && !page.contains(APP), "{page}");
}
