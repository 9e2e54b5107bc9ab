//! What the token is, how long it lasts, how far it reaches and what it can afford. Layer 1.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Check, Facts, Finding, Severity};
use crate::model::{TokenSetup, TokenSort, format_duration};

const PLACE: &str = "token";
const DAY: Duration = Duration::from_hours(24);
/// A token that ends sooner is worth a word: people renew in working hours.
const SOON: Duration = Duration::from_hours(24 * 14);
/// Repositories of one question, the first look of a run (`docs/github.md`).
const AT_ONCE: u64 = 50;
/// Requests of an unchanged run besides: state branch, identity, time.
const AROUND: u64 = 5;
/// Requests of one report, and those of one pull request with four files and three labels (`docs/github.md`).
const REPORT: u64 = 4;
const PULL: u64 = 15;
/// Lists that are read of a repository in which something changed.
const LISTS: u64 = 8;
/// New reports of one repository on a busy day.
const BUSY: u64 = 10;

pub(super) fn checks(facts: &Facts) -> Vec<Finding> {
    let Some(token) = &facts.token else { return Vec::new() };
    if let Some(refused) = refused(token) {
        return vec![refused];
    }
    vec![
        kind(token),
        scopes(facts, token),
        expiry(facts, token),
        reach(facts, token),
        rate(facts, token),
        runs_started(facts, token),
    ]
}

fn refused(token: &TokenSetup) -> Option<Finding> {
    let check = Check { id: "token-refused", place: PLACE, why: "Nothing can be read or written without a token." };
    let why = token.refused.as_ref()?;
    let why = why.trim_start_matches("bad-credentials: ");
    Some(check.problem(
        format!("GitHub refuses the token ({why})."),
        "Make a new one and put it in place of the old: GITHUB_TOKEN, or HOMEOSTAT_APP_ID and HOMEOSTAT_APP_KEY.",
    ))
}

fn kind(token: &TokenSetup) -> Finding {
    let check = Check {
        id: "token-kind",
        place: PLACE,
        why: "The kind decides who signs commits, which repositories are reached and whether checks start.",
    };
    let who = match &token.login {
        Ok(login) => format!(", acting as {login}"),
        Err(_) => String::new(),
    };
    match token.sort {
        TokenSort::App => check.ok(format!("The token is an App's installation{who}; GitHub signs its commits.")),
        TokenSort::Job => check.ok(format!("The token is a workflow's own{who}; GitHub signs its commits.")),
        TokenSort::FineGrained => {
            check.ok(format!("The token is a fine-grained personal one{who}; its commits are that person's, unsigned."))
        }
        TokenSort::Classic => check.warning(
            format!("The token is a classic personal one{who}: it reaches everything that its person reaches."),
            "Use an App, or a fine-grained token for the fleet's repositories alone (contents, issues and pull requests to \
             write; actions, checks and statuses to read).",
        ),
        TokenSort::Other => {
            check.note(format!("What kind of token this is could not be seen{who}; it is taken for a person's."))
        }
    }
}

fn scopes(facts: &Facts, token: &TokenSetup) -> Finding {
    let check = Check {
        id: "token-scopes",
        place: PLACE,
        why: "A classic token without the scope can read and cannot publish.",
    };
    if token.sort == TokenSort::Other {
        return check.note("Whether the token has scopes could not be seen: its kind is not known.");
    }
    if token.sort != TokenSort::Classic {
        return check.ok("This kind of token has no scopes; what it may do is looked at for each repository.");
    }
    let Some(scopes) = &token.scopes else {
        return check.note("The scopes could not be seen: no answer named them.");
    };
    let private: Vec<String> = facts
        .targets
        .iter()
        .filter(|target| target.seen.about.as_ref().is_ok_and(|about| about.private))
        .map(|target| target.policy.slug.to_string())
        .collect();
    let has = |name: &str| scopes.iter().any(|scope| scope == name);
    let listed = if scopes.is_empty() { "none".to_owned() } else { scopes.join(", ") };
    let give = format!(
        "Give it the scope `repo` on {}/settings/tokens, or with: `gh auth refresh --scopes repo`.",
        facts.server
    );
    if has("repo") {
        check.ok(format!("The scopes are {listed}."))
    } else if !has("public_repo") {
        check.problem(format!("The scopes are {listed}; `repo` is missing."), give)
    } else if let Some(private) = private.first() {
        check.problem(format!("The scopes are {listed}, which cannot write to {private}; it is private."), give)
    } else {
        check.ok(format!("The scopes are {listed}, enough for public repositories."))
    }
}

fn expiry(facts: &Facts, token: &TokenSetup) -> Finding {
    let check =
        Check { id: "token-expiry", place: PLACE, why: "A schedule whose token ended fails until somebody notices." };
    let renew = "Make a new one before that and put it in place of the old; an App's tokens make themselves anew.";
    match (&token.expires, &facts.now) {
        (Err(why), _) => check.unknown("When the token ends", why),
        (Ok(None), _) if matches!(token.sort, TokenSort::App | TokenSort::Job) => {
            check.ok("The token is made anew by itself.")
        }
        (Ok(None), _) => check.note("The token never ends; one that is lost stays good until somebody revokes it."),
        (Ok(Some(end)), Err(why)) => {
            check.note(format!("The token ends at {end}; what time it is could not be seen: {}", why.because))
        }
        (Ok(Some(end)), Ok(now)) => {
            let left = end.since(*now);
            let days = left.as_secs() / DAY.as_secs();
            match left {
                left if left < DAY => check.problem(format!("The token ends at {end}, in less than a day."), renew),
                left if left < SOON => check.warning(format!("The token ends at {end}, in {days} days."), renew),
                _ => check.ok(format!("The token ends at {end}, in {days} days.")),
            }
        }
    }
}

fn reach(facts: &Facts, token: &TokenSetup) -> Finding {
    let check = Check {
        id: "token-reach",
        place: PLACE,
        why: "A workflow's own token reaches the repository of that workflow and no other.",
    };
    let own = facts.own.as_ref().map(|slug| slug.to_string().to_ascii_lowercase());
    let other = facts.targets.iter().find(|target| Some(target.policy.slug.to_string().to_ascii_lowercase()) != own);
    match (token.sort, other) {
        (TokenSort::Job, _) if own.is_none() => {
            check.note("Which repository this token is for could not be seen: GITHUB_REPOSITORY is not set.")
        }
        (TokenSort::Job, Some(other)) => check.problem(
            format!("GITHUB_TOKEN of a workflow cannot reach {}, which the configuration names.", other.policy.slug),
            "Give the run an App (HOMEOSTAT_APP_ID, HOMEOSTAT_APP_KEY) or a personal token in GITHUB_TOKEN.",
        ),
        (TokenSort::Job, None) => check.ok("The token is for its own repository, which is the whole fleet."),
        (TokenSort::Other, _) => {
            check.note("How far the token reaches could not be seen from its kind; each repository is looked at.")
        }
        _ => {
            let count = facts.targets.len();
            let plural = if count == 1 { "y" } else { "ies" };
            check.ok(format!("The token is of a kind that can reach {count} repositor{plural}; each is looked at."))
        }
    }
}

/// What runs cost, in requests: where nothing changed, and where much did.
fn costs(facts: &Facts) -> (u64, u64) {
    // An App has a budget for each owner, so that the largest part of the fleet decides.
    let mut owners: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let apart = facts.token.as_ref().is_some_and(|token| token.sort == TokenSort::App);
    for target in &facts.targets {
        let owner = if apart { target.policy.slug.owner().to_ascii_lowercase() } else { String::new() };
        owners.entry(owner).or_default().push(u64::from(target.policy.max_prs_per_run));
    }
    let reports = BUSY.min(u64::from(facts.max_issues));
    let cost = |pulls: &Vec<u64>| {
        let unchanged = (pulls.len() as u64).div_ceil(AT_ONCE) + AROUND;
        let busy: u64 = pulls.iter().map(|most| LISTS + reports * REPORT + most * PULL).sum();
        (unchanged, unchanged + busy)
    };
    owners.values().map(cost).max().unwrap_or((AROUND, AROUND))
}

fn rate(facts: &Facts, token: &TokenSetup) -> Finding {
    let check = Check {
        id: "rate-budget",
        place: PLACE,
        why: "A run that has no requests left ends early, and the next one goes on from there.",
    };
    let rate = match &token.rate {
        Ok(rate) => rate,
        Err(why) => return check.unknown("The budget of requests", why),
    };
    let (unchanged, busy) = costs(facts);
    let needs = format!(
        "A run in which nothing changed needs about {unchanged} requests, a busy one about {busy}; the token has {} an hour, \
         {} of them left until {}.",
        rate.limit, rate.remaining, rate.reset
    );
    let split = "Use an App, which has a budget for each owner, or split the fleet over several configurations.";
    if unchanged > rate.limit {
        check.problem(needs, split)
    } else if unchanged > rate.remaining {
        check.warning(needs, format!("Wait until {}, or find out what else uses this token.", rate.reset))
    } else if busy > rate.limit {
        check.warning(needs, format!("{split} Without that, a busy run is spread over several hours."))
    } else {
        check.ok(needs)
    }
}

fn runs_started(facts: &Facts, token: &TokenSetup) -> Finding {
    let check = Check {
        id: "runs-started",
        place: PLACE,
        why: "A pull request whose checks never ran tells its reviewer nothing.",
    };
    match token.sort {
        TokenSort::App | TokenSort::FineGrained | TokenSort::Classic => {
            check.ok("Pull requests made with this token start workflows like a person's.")
        }
        TokenSort::Other => check.note(
            "Whether pull requests made with this token start workflows could not be seen: its kind is not known.",
        ),
        TokenSort::Job => {
            let dispatched: BTreeSet<&str> =
                facts.targets.iter().filter_map(|target| target.policy.dispatch_ci.as_deref()).collect();
            let waits = "Workflow runs of pull requests made with GITHUB_TOKEN wait until a person approves them; on older \
                         servers they do not start at all.";
            if dispatched.is_empty() {
                check.warning(
                    waits,
                    "Press \"Approve workflows to run\" on each pull request; or give the run an App or a fine-grained token, \
                     whose pull requests start workflows by themselves.",
                )
            } else {
                let list: Vec<&str> = dispatched.into_iter().collect();
                check.say(Severity::Note, format!("{waits} `dispatch_ci` starts {} besides.", list.join(", ")), None)
            }
        }
    }
}

/// Says how long something took, in the largest whole unit.
pub(super) fn ago(span: Duration) -> String {
    match span.as_secs() {
        seconds if seconds >= 2 * 86_400 => format!("{} days", seconds / 86_400),
        seconds if seconds >= 2 * 3_600 => format!("{} hours", seconds / 3_600),
        seconds => format_duration(Duration::from_secs(seconds)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::sample;
    use crate::model::{Rate, Timestamp, Unseen};

    fn with(change: impl FnOnce(&mut TokenSetup)) -> (Facts, TokenSetup) {
        let mut facts = sample::facts();
        let mut token = facts.token.clone().expect("a token");
        change(&mut token);
        facts.token = Some(token.clone());
        (facts, token)
    }

    #[test]
    fn a_refused_token_is_the_only_thing_that_is_said_of_it() {
        let (facts, _) = with(|token| token.refused = Some("bad-credentials: Bad credentials".to_owned()));
        let all = checks(&facts);
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].id, all[0].severity), ("token-refused", Severity::Problem));
        assert!(!all[0].what.contains("bad-credentials"), "{}", all[0].what);
    }

    #[test]
    fn every_kind_of_token_is_named() {
        for (sort, severity) in [
            (TokenSort::App, Severity::Ok),
            (TokenSort::Job, Severity::Ok),
            (TokenSort::FineGrained, Severity::Ok),
            (TokenSort::Classic, Severity::Warning),
            (TokenSort::Other, Severity::Note),
        ] {
            let (_, token) = with(|token| token.sort = sort);
            assert_eq!(kind(&token).severity, severity, "{sort:?}");
        }
    }

    #[test]
    fn a_classic_token_needs_the_scope_that_its_repositories_need() {
        let classic = |given: Option<&[&str]>, private: bool| {
            let (mut facts, token) = with(|token| {
                token.sort = TokenSort::Classic;
                token.scopes = given.map(|all| all.iter().map(ToString::to_string).collect());
            });
            facts.targets[0].seen.about.as_mut().expect("it was seen").private = private;
            scopes(&facts, &token).severity
        };
        assert_eq!(classic(Some(&["repo"]), true), Severity::Ok);
        assert_eq!(classic(Some(&["public_repo"]), false), Severity::Ok);
        assert_eq!(classic(Some(&["public_repo"]), true), Severity::Problem);
        assert_eq!(classic(Some(&["gist"]), false), Severity::Problem);
        assert_eq!(classic(Some(&[]), false), Severity::Problem);
        assert_eq!(classic(None, false), Severity::Note);
    }

    #[test]
    fn the_end_of_a_token_is_told_in_time() {
        let at = |days: u64| {
            let (facts, token) = with(|token| {
                token.sort = TokenSort::FineGrained;
                token.expires = Ok(Some(sample::now().after(Duration::from_hours(24 * days))));
            });
            expiry(&facts, &token).severity
        };
        assert_eq!(
            (at(0), at(3), at(13), at(15)),
            (Severity::Problem, Severity::Warning, Severity::Warning, Severity::Ok)
        );
        let (facts, past) = with(|token| token.expires = Ok(Some(Timestamp::from_millis(0))));
        assert_eq!(expiry(&facts, &past).severity, Severity::Problem);
        let (facts, never) = with(|token| {
            token.sort = TokenSort::Classic;
            token.expires = Ok(None);
        });
        assert_eq!(expiry(&facts, &never).severity, Severity::Note);
        let (mut facts, unclear) = with(|token| token.expires = Err(Unseen::because("of words.")));
        assert_eq!(expiry(&facts, &unclear).severity, Severity::Note);
        facts.now = Err(Unseen::because("no clock."));
        let (_, token) = with(|token| token.expires = Ok(Some(sample::now())));
        assert_eq!(expiry(&facts, &token).severity, Severity::Note, "without a clock nobody knows");
    }

    #[test]
    fn a_workflows_own_token_reaches_its_own_repository_alone() {
        let (mut facts, token) = with(|token| token.sort = TokenSort::Job);
        assert_eq!(reach(&facts, &token).severity, Severity::Problem);
        facts.own = Some(facts.targets[0].policy.slug.clone());
        assert_eq!(reach(&facts, &token).severity, Severity::Ok);
        facts.own = None;
        assert_eq!(reach(&facts, &token).severity, Severity::Note);
        let (facts, app) = with(|token| token.sort = TokenSort::App);
        assert_eq!(reach(&facts, &app).severity, Severity::Ok);
    }

    #[test]
    fn the_budget_is_held_to_what_the_fleet_needs() {
        let rate_of = |limit: u64, remaining: u64, count: usize| {
            let (mut facts, token) = with(|token| {
                token.sort = TokenSort::FineGrained;
                token.rate = Ok(Rate { limit, remaining, reset: sample::now() });
            });
            let one = facts.targets[0].clone();
            facts.targets = std::iter::repeat_n(one, count).collect();
            rate(&facts, &token).severity
        };
        assert_eq!(rate_of(5_000, 5_000, 1), Severity::Ok);
        assert_eq!(rate_of(5_000, 5_000, 200), Severity::Warning, "a busy run of so many needs more than an hour has");
        assert_eq!(rate_of(5_000, 3, 1), Severity::Warning);
        assert_eq!(rate_of(5, 5, 1), Severity::Problem);
        let (facts, unclear) = with(|token| token.rate = Err(Unseen::because("it is not told.")));
        assert_eq!(rate(&facts, &unclear).severity, Severity::Note);
    }

    #[test]
    fn an_apps_budget_is_counted_for_each_owner() {
        let (mut facts, _) = with(|token| token.sort = TokenSort::App);
        let mut other = facts.targets[0].clone();
        other.policy.slug = "zeta/app".parse().expect("a slug");
        let one = costs(&facts);
        facts.targets.push(other);
        assert_eq!(costs(&facts), one, "each owner pays its own");
        facts.token.as_mut().expect("a token").sort = TokenSort::Classic;
        assert!(costs(&facts).1 > one.1);
    }

    #[test]
    fn a_workflows_own_token_starts_no_runs_and_it_is_said_what_to_do() {
        let (mut facts, token) = with(|token| token.sort = TokenSort::Job);
        let found = runs_started(&facts, &token);
        assert_eq!(found.severity, Severity::Warning);
        assert!(found.mend.is_some_and(|mend| mend.contains("Approve workflows")));
        facts.targets[0].policy.dispatch_ci = Some("ci.yml".to_owned());
        assert!(runs_started(&facts, &token).what.contains("ci.yml"));
        let (facts, app) = with(|token| token.sort = TokenSort::App);
        assert_eq!(runs_started(&facts, &app).severity, Severity::Ok);
    }

    #[test]
    fn spans_are_told_in_one_unit() {
        assert_eq!(ago(Duration::from_secs(90)), "90s");
        assert_eq!(ago(Duration::from_hours(5)), "5 hours");
        assert_eq!(ago(Duration::from_hours(70)), "2 days");
    }
}
