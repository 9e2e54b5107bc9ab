//! What a repository is like, and what its settings let Homeostat do. Layer 1.

use super::{Check, Facts, Finding, Severity, Target, labels};
use crate::model::{About, Hosted, Mode, Policy, TokenSort};

/// Permissions without which nothing is published, and those that only some sources of reports need.
const NEEDED: [(&str, &str); 4] =
    [("contents", "write"), ("issues", "write"), ("pull_requests", "write"), ("metadata", "read")];
const USEFUL: [&str; 3] = ["actions", "checks", "statuses"];

/// What holds on every forge.
pub(super) fn checks(facts: &Facts, target: &Target) -> Vec<Finding> {
    let place = target.policy.slug.to_string();
    let mut all = vec![seen(facts, target, &place)];
    if let Ok(about) = &target.seen.about {
        all.extend(archived(facts, target, about, &place));
        if let Some(hosted) = &target.seen.hosted {
            all.push(may_write(facts, target, about, hosted, &place));
            all.push(reports(facts, target, about, &place));
        }
        all.push(base(target, &place));
    }
    all.push(test_command(target, &place));
    if let (Ok(about), Some(hosted)) = (&target.seen.about, &target.seen.hosted) {
        all.extend([
            actions(facts, target, hosted, &place),
            workflow_permissions(facts, target, hosted, &place),
            pull_requests(facts, target, hosted, about, &place),
        ]);
    }
    all
}

/// What only a hosted forge has, after the rules of branches.
pub(super) fn hosted_checks(facts: &Facts, target: &Target) -> Vec<Finding> {
    let place = target.policy.slug.to_string();
    let Ok(about) = &target.seen.about else { return Vec::new() };
    let mut all = vec![
        auto_merge(facts, target, about, &place),
        cleanup(facts, target, about, &place),
        scanning(facts, target, about, &place),
        push_protection(facts, target, about, &place),
    ];
    all.extend(labels::check(facts, target, &place));
    all
}

fn seen(facts: &Facts, target: &Target, place: &str) -> Finding {
    let check = Check { id: "repository-seen", place, why: "What cannot be read cannot be mended." };
    match &target.seen.about {
        Ok(about) if about.private => check.ok("The repository can be read; only members see it."),
        Ok(_) => check.ok("The repository can be read."),
        Err(why) if facts.token.is_none() => check.problem(
            format!("The repository could not be seen: {}", why.because),
            "Put a bare git repository there, or take it out of the configuration.",
        ),
        Err(why) => check.problem(
            format!("The repository could not be seen: {}", why.because),
            format!(
                "Look whether {}/{} is spelled as it is there, and give the token access to it.",
                facts.server, target.policy.slug
            ),
        ),
    }
}

fn archived(facts: &Facts, target: &Target, about: &About, place: &str) -> Option<Finding> {
    target.seen.hosted.as_ref()?;
    let check =
        Check { id: "repository-archived", place, why: "An archived repository takes no branch and no pull request." };
    Some(if about.archived {
        let mend = format!(
            "Take it out of the configuration, or unarchive it on {}, or with: `gh repo unarchive {}`.",
            facts.page(&target.policy.slug, "settings"),
            target.policy.slug
        );
        check.problem("The repository is archived.", mend)
    } else {
        check.ok("The repository is not archived.")
    })
}

fn may_write(facts: &Facts, target: &Target, about: &About, hosted: &Hosted, place: &str) -> Finding {
    let check =
        Check { id: "token-may-write", place, why: "A fix that cannot be pushed has cost its proof for nothing." };
    match &hosted.grants {
        Some(Err(why)) => return check.unknown("What the App was granted", why),
        Some(Ok(grants)) => {
            let has = |name: &str, wanted: &str| {
                grants.get(name).is_some_and(|level| level == wanted || level == "write" || level == "admin")
            };
            let mend = format!(
                "Set the permissions on the App's page, and accept them where it is installed: {}/settings/installations.",
                facts.server
            );
            let missing: Vec<String> = NEEDED
                .iter()
                .filter(|(name, level)| !has(name, level))
                .map(|(name, level)| format!("`{name}: {level}`"))
                .collect();
            if !missing.is_empty() {
                return check.problem(format!("The App was not granted {}.", missing.join(", ")), mend);
            }
            let less: Vec<String> =
                USEFUL.iter().filter(|name| !has(name, "read")).map(|name| format!("`{name}: read`")).collect();
            return if less.is_empty() {
                check.ok("The App was granted everything that it needs.")
            } else {
                let what = format!("The App was not granted {}; failed runs cannot be read without.", less.join(", "));
                check.warning(what, mend)
            };
        }
        None => {}
    }
    let sort = facts.token.as_ref().map(|token| token.sort);
    match (sort, about.may_push) {
        // What an installation's answer says here is not said of the job's own permissions.
        (Some(TokenSort::Job | TokenSort::App), _) => check.note(
            "What this token may write could not be seen: GitHub does not say; the workflow's `permissions` have to have \
             `contents`, `issues` and `pull-requests` to write.",
        ),
        (_, Some(false)) => check.problem(
            "The token's account may read and not push.",
            format!("Give the account the role Write on {}.", facts.page(&target.policy.slug, "settings/access")),
        ),
        (Some(TokenSort::FineGrained), Some(true)) => check.note(
            "The account may push; whether the token itself may could not be seen: GitHub does not say. It takes `contents`, \
             `issues` and `pull requests` to write.",
        ),
        (_, Some(true)) => check.ok("The token's account may push."),
        (_, None) => check.note("Whether the token may push could not be seen: the answer does not say."),
    }
}

fn reports(facts: &Facts, target: &Target, about: &About, place: &str) -> Finding {
    let check = Check { id: "reports", place, why: "Without issues nobody can ask for a fix with a label." };
    match (about.issues, target.policy.workflows.failed_runs) {
        (true, true) => check.ok("Issues and failed runs are reports."),
        (true, false) => check.ok("Issues are reports; failed runs are not, by configuration."),
        (false, true) => check.note("Issues are turned off; failed runs alone are reports."),
        (false, false) => check.warning(
            "Issues are turned off here, and failed runs by configuration: nothing is a report.",
            format!("Turn issues on on {}.", facts.page(&target.policy.slug, "settings")),
        ),
    }
}

fn base(target: &Target, place: &str) -> Finding {
    let check = Check { id: "base-branch", place, why: "Fixes are proven on it and go to it." };
    let name = target
        .seen
        .base
        .as_ref()
        .map_or_else(|| "The base branch".to_owned(), |base| format!("The base branch {base}"));
    match &target.seen.base_exists {
        Ok(true) => check.ok(format!("{name} is there.")),
        Ok(false) => check
            .problem(format!("{name} is not there."), "Set `branch` to one that is, or leave it out for the default."),
        Err(why) => check.unknown(&name, why),
    }
}

fn test_command(target: &Target, place: &str) -> Finding {
    let check = Check { id: "test-command", place, why: "Nothing is proven without one; the repository is skipped." };
    let say = "Set `test_command` for it in the configuration.";
    match (&target.policy.commands.test, &target.test_command) {
        (Some(_), _) => check.ok("The test command is configured."),
        (None, Ok(Some(_))) => check.ok("The test command was guessed from the manifest."),
        (None, Ok(None)) if target.policy.projects.iter().any(|project| project.commands.test.is_some()) => {
            check.ok("Projects have test commands; the root has none.")
        }
        (None, Ok(None)) => check.problem("There is no test command, and none could be guessed.", say),
        (None, Err(why)) => check.unknown("Whether a test command can be guessed", why),
    }
}

fn actions(facts: &Facts, target: &Target, hosted: &Hosted, place: &str) -> Finding {
    let check = Check {
        id: "actions-enabled",
        place,
        why: "Without workflows there are no failed runs to mend and no checks on pull requests.",
    };
    match &hosted.actions {
        Ok(true) => check.ok("Actions are enabled."),
        Ok(false) => check.warning(
            "Actions are disabled.",
            format!("Enable them on {}.", facts.page(&target.policy.slug, "settings/actions")),
        ),
        Err(why) => check.unknown("Whether Actions are enabled", why),
    }
}

/// Whether this is the repository whose workflow runs Homeostat with the workflow's own token.
fn is_own_job(facts: &Facts, policy: &Policy) -> bool {
    let own = facts.own.as_ref().is_some_and(|own| own.to_string().eq_ignore_ascii_case(&policy.slug.to_string()));
    own && facts.token.as_ref().is_some_and(|token| token.sort == TokenSort::Job)
}

fn workflow_permissions(facts: &Facts, target: &Target, hosted: &Hosted, place: &str) -> Finding {
    let check = Check {
        id: "workflow-permissions",
        place,
        why: "A workflow that names no `permissions` has these; one that does has what it names.",
    };
    match &hosted.workflows {
        Ok(grant) if !grant.write => check.ok(
            "By default workflows may only read, which is the safer setting; Homeostat's workflows name what they write.",
        ),
        Ok(_) if is_own_job(facts, &target.policy) => {
            check.ok("By default workflows may read and write, which Homeostat's own needs where it names nothing.")
        }
        Ok(_) => check.note(format!(
            "By default workflows may read and write; Homeostat does not need it, and {} can lower it.",
            facts.page(&target.policy.slug, "settings/actions")
        )),
        Err(why) => check.unknown("What workflows may do by default", why),
    }
}

fn pull_requests(facts: &Facts, target: &Target, hosted: &Hosted, about: &About, place: &str) -> Finding {
    let check = Check {
        id: "pull-requests-permitted",
        place,
        why: "Where GitHub permits a workflow's token no pull request, a fix stays on its branch.",
    };
    let slug = &target.policy.slug;
    let mend = format!(
        "Tick \"Allow GitHub Actions to create and approve pull requests\" on {}, or: `gh api --method PUT \
         repos/{slug}/actions/permissions/workflow -F can_approve_pull_request_reviews=true`.",
        facts.page(slug, "settings/actions")
    );
    let job = facts.token.as_ref().is_some_and(|token| token.sort == TokenSort::Job);
    match &hosted.workflows {
        _ if !job && about.may_push == Some(false) => check.note(
            "The setting for workflows does not matter for this token; whether it may open any hangs on its rights.",
        ),
        _ if !job => check.ok("The setting for workflows does not matter: the token is not a workflow's own."),
        Ok(grant) if grant.may_open => check.ok("Workflows may open pull requests."),
        Ok(_) => check.problem("Workflows may not open pull requests.", mend),
        Err(why) => {
            check.warning(format!("Whether workflows may open pull requests could not be seen: {}", why.because), mend)
        }
    }
}

fn auto_merge(facts: &Facts, target: &Target, about: &About, place: &str) -> Finding {
    let check =
        Check { id: "auto-merge", place, why: "Mode `auto` hands pull requests to the forge's own auto-merge." };
    let slug = &target.policy.slug;
    match (target.policy.mode, about.auto_merge) {
        (Mode::Auto, Some(false)) => check.problem(
            "Mode `auto` is configured, and the repository does not allow auto-merge.",
            format!(
                "Tick \"Allow auto-merge\" on {}, or: `gh repo edit {slug} --enable-auto-merge`.",
                facts.page(slug, "settings")
            ),
        ),
        (_, Some(true)) => check.ok("The repository allows auto-merge."),
        (_, Some(false)) => check.ok("The repository does not allow auto-merge, and the mode does not need it."),
        (_, None) => check
            .note("Whether the repository allows auto-merge could not be seen: GitHub shows it to those who may push."),
    }
}

fn cleanup(facts: &Facts, target: &Target, about: &About, place: &str) -> Finding {
    let check = Check { id: "branch-cleanup", place, why: "Merged branches that stay make lists long." };
    let slug = &target.policy.slug;
    match about.delete_branch {
        Some(true) => check.ok("Merged branches are deleted."),
        Some(false) => check.note(format!(
            "Merged branches stay; {} has \"Automatically delete head branches\", or: `gh repo edit {slug} \
             --delete-branch-on-merge`.",
            facts.page(slug, "settings")
        )),
        None => {
            check.note("Whether merged branches are deleted could not be seen: GitHub shows it to those who may push.")
        }
    }
}

fn scanning(facts: &Facts, target: &Target, about: &About, place: &str) -> Finding {
    let check = Check { id: "secret-scanning", place, why: "It finds what every other net let through." };
    switch(check, "Secret scanning", about.secret_scanning, about.private, facts, target)
}

fn push_protection(facts: &Facts, target: &Target, about: &About, place: &str) -> Finding {
    let check =
        Check { id: "push-protection", place, why: "It turns a pushed secret down before anybody can read it." };
    switch(check, "Push protection", about.push_protection, about.private, facts, target)
}

fn switch(check: Check<'_>, name: &str, on: Option<bool>, private: bool, facts: &Facts, target: &Target) -> Finding {
    let page = facts.page(&target.policy.slug, "settings/security_analysis");
    match (on, private) {
        (Some(true), _) => check.ok(format!("{name} is on.")),
        // Free of charge in public repositories alone.
        (Some(false), true) => check.note(format!("{name} is off; {page} has it, where the plan does.")),
        (Some(false), false) => {
            check.say(Severity::Warning, format!("{name} is off."), Some(format!("Turn it on on {page}.")))
        }
        (None, _) => check.note(format!("Whether {name} is on could not be seen: GitHub shows it to administrators.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::sample;
    use crate::model::{Unseen, WorkflowGrant};

    /// Judges the sample after a change, and returns the severity and words of one check.
    fn of(id: &str, change: impl FnOnce(&mut Facts)) -> (Severity, String) {
        let mut facts = sample::facts();
        change(&mut facts);
        let found = crate::doctor::examine(&facts).into_iter().find(|one| one.id == id && one.place == "acme/app");
        let found = found.unwrap_or_else(|| panic!("{id} says nothing"));
        (found.severity, format!("{} {}", found.what, found.mend.unwrap_or_default()))
    }

    fn about(facts: &mut Facts) -> &mut About {
        facts.targets[0].seen.about.as_mut().expect("it was seen")
    }

    fn hosted(facts: &mut Facts) -> &mut Hosted {
        facts.targets[0].seen.hosted.as_mut().expect("hosted")
    }

    fn sort(facts: &mut Facts, sort: TokenSort) {
        facts.token.as_mut().expect("a token").sort = sort;
    }

    #[test]
    fn an_archived_repository_is_a_problem() {
        let (severity, said) = of("repository-archived", |facts| about(facts).archived = true);
        assert_eq!(severity, Severity::Problem);
        assert!(said.contains("gh repo unarchive acme/app"), "{said}");
    }

    #[test]
    fn an_app_is_held_to_what_it_was_granted() {
        let granted = |all: &[(&str, &str)]| {
            let map = all.iter().map(|(name, level)| ((*name).to_owned(), (*level).to_owned())).collect();
            of("token-may-write", |facts| hosted(facts).grants = Some(Ok(map)))
        };
        let whole = [
            ("contents", "write"),
            ("issues", "write"),
            ("pull_requests", "write"),
            ("metadata", "read"),
            ("actions", "read"),
            ("checks", "write"),
            ("statuses", "read"),
        ];
        assert_eq!(granted(&whole).0, Severity::Ok);
        assert_eq!(granted(&whole[..4]).0, Severity::Warning);
        let (severity, said) = granted(&[("contents", "read"), ("metadata", "read")]);
        assert_eq!(severity, Severity::Problem);
        assert!(said.contains("`contents: write`") && said.contains("`pull_requests: write`"), "{said}");
        let unseen = of("token-may-write", |facts| hosted(facts).grants = Some(Err(Unseen::because("of rights."))));
        assert_eq!(unseen.0, Severity::Note);
    }

    #[test]
    fn an_account_that_may_not_push_is_a_problem_and_what_is_not_said_is_not_ok() {
        let push = |kind: TokenSort, may: Option<bool>| {
            of("token-may-write", |facts| {
                sort(facts, kind);
                hosted(facts).grants = None;
                about(facts).may_push = may;
            })
            .0
        };
        assert_eq!(push(TokenSort::Classic, Some(true)), Severity::Ok);
        assert_eq!(push(TokenSort::Classic, Some(false)), Severity::Problem);
        assert_eq!(push(TokenSort::FineGrained, Some(true)), Severity::Note);
        assert_eq!(push(TokenSort::Job, Some(true)), Severity::Note);
        assert_eq!(push(TokenSort::Classic, None), Severity::Note);
    }

    #[test]
    fn a_repository_without_any_source_of_reports_is_a_warning() {
        assert_eq!(of("reports", |facts| about(facts).issues = false).0, Severity::Note);
        let none = of("reports", |facts| {
            about(facts).issues = false;
            facts.targets[0].policy.workflows.failed_runs = false;
        });
        assert_eq!(none.0, Severity::Warning);
    }

    #[test]
    fn a_base_branch_that_is_not_there_and_a_missing_test_command_are_problems() {
        assert_eq!(of("base-branch", |facts| facts.targets[0].seen.base_exists = Ok(false)).0, Severity::Problem);
        let base = of("base-branch", |facts| facts.targets[0].seen.base_exists = Err(Unseen::because("of rights.")));
        assert_eq!(base.0, Severity::Note);
        let test = |found| of("test-command", |facts| facts.targets[0].test_command = found).0;
        assert_eq!(test(Ok(None)), Severity::Problem);
        assert_eq!(test(Err(Unseen::because("of rights."))), Severity::Note);
        let configured = of("test-command", |facts| {
            facts.targets[0].test_command = Ok(None);
            facts.targets[0].policy.commands.test = Some("make check".to_owned());
        });
        assert_eq!(configured.0, Severity::Ok);
    }

    #[test]
    fn actions_that_are_disabled_are_a_warning() {
        assert_eq!(of("actions-enabled", |facts| hosted(facts).actions = Ok(false)).0, Severity::Warning);
        let unseen = of("actions-enabled", |facts| hosted(facts).actions = Err(Unseen::because("of rights.")));
        assert_eq!(unseen.0, Severity::Note);
    }

    #[test]
    fn a_workflows_own_token_needs_the_permission_to_open_pull_requests() {
        let may = |kind: TokenSort, grant| {
            of("pull-requests-permitted", |facts| {
                sort(facts, kind);
                hosted(facts).workflows = grant;
            })
        };
        let not = Ok(WorkflowGrant { write: false, may_open: false });
        let (severity, said) = may(TokenSort::Job, not.clone());
        assert_eq!(severity, Severity::Problem);
        assert!(said.contains("https://github.com/acme/app/settings/actions") && said.contains("gh api"), "{said}");
        assert_eq!(may(TokenSort::App, not).0, Severity::Ok);
        assert_eq!(may(TokenSort::Job, Ok(WorkflowGrant { write: true, may_open: true })).0, Severity::Ok);
        assert_eq!(may(TokenSort::Job, Err(Unseen::because("of rights."))).0, Severity::Warning);
    }

    #[test]
    fn what_workflows_may_by_default_is_told_and_lowered() {
        let write = of("workflow-permissions", |facts| {
            hosted(facts).workflows = Ok(WorkflowGrant { write: true, may_open: true });
        });
        assert_eq!(write.0, Severity::Note);
        let own = of("workflow-permissions", |facts| {
            sort(facts, TokenSort::Job);
            facts.own = Some(facts.targets[0].policy.slug.clone());
            hosted(facts).workflows = Ok(WorkflowGrant { write: true, may_open: true });
        });
        assert_eq!(own.0, Severity::Ok);
    }

    #[test]
    fn auto_merge_is_needed_by_mode_auto_alone() {
        let merge = |mode: Mode, allowed: Option<bool>| {
            of("auto-merge", |facts| {
                facts.targets[0].policy.mode = mode;
                about(facts).auto_merge = allowed;
            })
            .0
        };
        assert_eq!(merge(Mode::Auto, Some(false)), Severity::Problem);
        assert_eq!(merge(Mode::Ready, Some(false)), Severity::Ok);
        assert_eq!(merge(Mode::Auto, Some(true)), Severity::Ok);
        assert_eq!(merge(Mode::Auto, None), Severity::Note);
    }

    #[test]
    fn nets_for_secrets_are_expected_of_public_repositories() {
        for id in ["secret-scanning", "push-protection"] {
            let off = |private: bool| {
                of(id, |facts| {
                    let about = about(facts);
                    (about.secret_scanning, about.push_protection) = (Some(false), Some(false));
                    about.private = private;
                })
                .0
            };
            assert_eq!((off(false), off(true)), (Severity::Warning, Severity::Note), "{id}");
        }
        assert_eq!(of("branch-cleanup", |facts| about(facts).delete_branch = Some(false)).0, Severity::Note);
    }
}
