//! Fleets for the tests of checks: one that is set up well, one of which nothing was seen, one with everything wrong.

use std::time::Duration;

use super::{Facts, Target};
use crate::model::{
    About, BranchRules, Environment, Hosted, Machine, Mode, OperatorSetup, Policy, Rate, RepositorySetup, SandboxLevel,
    ScheduledRun, Timestamp, TokenSetup, TokenSort, Unseen, WorkflowGrant,
};

pub(super) fn now() -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000)
}

fn about(slug: &str, id: u64) -> About {
    About {
        id,
        url: format!("https://github.com/{slug}"),
        private: false,
        archived: false,
        issues: true,
        default_branch: "main".parse().expect("a branch"),
        may_push: Some(true),
        auto_merge: Some(true),
        delete_branch: Some(true),
        secret_scanning: Some(true),
        push_protection: Some(true),
    }
}

/// One repository, seen by an App, with everything in its place.
pub(super) fn facts() -> Facts {
    let policy = Policy::built_in("acme/app".parse().expect("a slug"));
    let granted = ["contents", "issues", "pull_requests"].map(|name| (name.to_owned(), "write".to_owned()));
    let read = ["metadata", "actions", "checks", "statuses"].map(|name| (name.to_owned(), "read".to_owned()));
    let labels = super::wanted_labels(&policy).into_iter().map(|label| label.name).collect();
    let hosted = Hosted {
        grants: Some(Ok(granted.into_iter().chain(read).collect())),
        actions: Ok(true),
        workflows: Ok(WorkflowGrant { write: false, may_open: false }),
        classic: Ok(None),
        rulesets: Ok(BranchRules { checks: vec!["ci".to_owned()], approvals: Some(1), ..BranchRules::default() }),
        own_branches: Ok(BranchRules { force_pushes: true, ..BranchRules::default() }),
        labels: Ok(labels),
    };
    let seen = RepositorySetup {
        about: Ok(about("acme/app", 1)),
        base: Some("main".parse().expect("a branch")),
        base_exists: Ok(true),
        hosted: Some(hosted),
    };
    let token = TokenSetup {
        sort: TokenSort::App,
        login: Ok("homeostat[bot]".to_owned()),
        refused: None,
        scopes: None,
        expires: Ok(None),
        rate: Ok(Rate { limit: 5_000, remaining: 4_000, reset: now().after(Duration::from_hours(1)) }),
    };
    let operator = OperatorSetup {
        about: Ok(about("acme/ops", 2)),
        environment: Ok(Some(Environment { reviewers: 1 })),
        scheduled: Ok(Some(ScheduledRun {
            workflow: ".github/workflows/homeostat.yml".to_owned(),
            at: now(),
            good: Some(true),
        })),
    };
    Facts {
        now: Ok(now().after(Duration::from_hours(2))),
        server: "https://github.com".to_owned(),
        machine: Machine {
            git: Ok((2, 47, 3)),
            git_minimum: (2, 38, 0),
            certificates: true,
            sandbox: Some(SandboxLevel::Landlock),
        },
        token: Some(token),
        own: Some("acme/ops".parse().expect("a slug")),
        operator: Some(("acme/ops".parse().expect("a slug"), operator)),
        max_issues: 50,
        opaque: false,
        targets: vec![Target { policy, seen, test_command: Ok(Some("cargo test".to_owned())) }],
    }
}

/// The same fleet, of which this token is shown nothing but the name.
pub(super) fn nothing_seen() -> Facts {
    let mut facts = facts();
    let no = || Unseen::because("GitHub does not show it to this token.");
    facts.now = Err(no());
    facts.machine.git = Err(no());
    if let Some(token) = &mut facts.token {
        (token.sort, token.login, token.expires, token.rate) = (TokenSort::Other, Err(no()), Err(no()), Err(no()));
    }
    if let Some((_, operator)) = &mut facts.operator {
        *operator = OperatorSetup { about: Err(no()), environment: Err(no()), scheduled: Err(no()) };
    }
    let target = &mut facts.targets[0];
    target.test_command = Err(no());
    target.seen.base_exists = Err(no());
    if let Ok(about) = &mut target.seen.about {
        (about.may_push, about.auto_merge, about.delete_branch) = (None, None, None);
        (about.secret_scanning, about.push_protection) = (None, None);
        about.archived = true;
        about.issues = false;
        about.private = true;
    }
    target.seen.hosted = Some(Hosted {
        grants: Some(Err(no())),
        actions: Err(no()),
        workflows: Err(no()),
        classic: Err(no()),
        rulesets: Err(no()),
        own_branches: Err(no()),
        labels: Err(no()),
    });
    facts.own = None;
    facts
}

/// The same fleet with every switch the wrong way.
pub(super) fn everything_wrong() -> Facts {
    let mut facts = facts();
    facts.machine =
        Machine { git: Ok((1, 8, 0)), git_minimum: (2, 38, 0), certificates: false, sandbox: Some(SandboxLevel::None) };
    if let Some(token) = &mut facts.token {
        token.sort = TokenSort::Classic;
        token.scopes = Some(Vec::new());
        token.expires = Ok(Some(now()));
        token.rate = Ok(Rate { limit: 1, remaining: 0, reset: now() });
    }
    if let Some((_, operator)) = &mut facts.operator {
        operator.environment = Ok(None);
        operator.scheduled = Ok(Some(ScheduledRun {
            workflow: ".github/workflows/homeostat.yml".to_owned(),
            at: Timestamp::from_millis(0),
            good: Some(false),
        }));
    }
    let target = &mut facts.targets[0];
    target.policy.mode = Mode::Auto;
    target.policy.workflows.failed_runs = false;
    target.policy.auto_merge.method = crate::model::MergeMethod::Merge;
    target.test_command = Ok(None);
    target.seen.base_exists = Ok(false);
    if let Ok(about) = &mut target.seen.about {
        (about.archived, about.private, about.issues) = (true, true, false);
        (about.may_push, about.auto_merge, about.delete_branch) = (Some(false), Some(false), Some(false));
        (about.secret_scanning, about.push_protection) = (Some(false), Some(false));
    }
    if let Some(hosted) = &mut target.seen.hosted {
        hosted.grants = None;
        hosted.actions = Ok(false);
        hosted.rulesets =
            Ok(BranchRules { force_pushes: true, linear: true, signatures: true, ..BranchRules::default() });
        hosted.own_branches = Ok(BranchRules { no_creation: true, ..BranchRules::default() });
        hosted.labels = Ok(Vec::new());
    }
    facts
}
