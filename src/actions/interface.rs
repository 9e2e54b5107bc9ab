//! What `action.yml` takes and gives: names, defaults and meanings, defined once. Layer 5.
//!
//! A test holds `action.yml` and the page about it to these tables, and another the program's own outputs. Nothing here
//! reads or writes anything.

/// One input of the action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Input {
    /// Its name.
    pub name: &'static str,
    /// What it is where nobody says.
    pub default: &'static str,
    /// What it means, in whole sentences.
    pub meaning: &'static str,
}

/// One output of the action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Given {
    /// Its name.
    pub name: &'static str,
    /// What it means, in whole sentences.
    pub meaning: &'static str,
}

const fn input(name: &'static str, default: &'static str, meaning: &'static str) -> Input {
    Input { name, default, meaning }
}

const fn given(name: &'static str, meaning: &'static str) -> Given {
    Given { name, meaning }
}

/// Every input, in the order of `action.yml`.
pub const INPUTS: &[Input] = &[
    input("config", "", "The configuration file. Without one, this repository is worked on under built-in settings."),
    input(
        "command",
        "run",
        "The command to run, such as run, reserve, propose, record, publish, open-pr, outcomes or doctor.",
    ),
    input("repository", "", "Only this repository of the configuration, as owner/name."),
    input(
        "issue",
        "",
        "Only this issue, by its number; needs repository. Passes over label and cooldown, never over opt-out or trust.",
    ),
    input("shard", "", "Which part of a reservation that was made with --shards propose works on."),
    input("dry-run", "false", "With true, everything is said and nothing is written, state included."),
    input("environment", "production", "The stage that the run is in, one of dev, test and production."),
    input(
        "mode",
        "",
        "The most that may happen, one of observe, approve, draft, ready and auto. It can only lower what is configured.",
    ),
    input(
        "args",
        "",
        "Further options. One line is split at blanks; of several lines each is one option, blanks and all. Nothing is expanded.",
    ),
    input(
        "token",
        "${{ github.token }}",
        "The token that reads and writes. That of the workflow reaches its own repository only.",
    ),
    input("app-id", "", "The number of an App to act as, instead of the token."),
    input("app-key", "", "The private key of that App, as PEM. It is never handed to propose."),
    input("read-token", "", "A token that can only read. Where it is given, propose gets this one and no other."),
    input("version", "", "The release to run. Without it, the one that this commit of the action names."),
    input("tags", "", "Tags for the run's record, separated by blanks, commas or lines."),
];

/// Every output, in the order of `action.yml`. One of a shard is its `digest` with the shard's number behind it.
pub const OUTPUTS: &[Given] = &[
    given("run-id", "The run's name in records, summaries and artifacts."),
    given("processed", "How many issues and failed workflow runs were looked at."),
    given("prs-created", "How many pull requests were opened or adopted."),
    given("prs-updated", "How many open pull requests got another patch."),
    given("cooldowns", "How many failures wait before they are tried again."),
    given("refusals", "How many fixes a guardrail refused."),
    given("cost-usd", "What models cost in this run, in US dollars."),
    given("tokens", "How many tokens of models were used."),
    given("budget-remaining", "What is left of the run's budget in US dollars, or unlimited."),
    given("patterns-total", "How many patterns the library holds."),
    given("patterns-used", "How many of them made a fix."),
    given("zero-cost-fixes", "How many fixes cost nothing."),
    given("backlog", "How many failures could have been worked on and were left for later."),
    given(
        "exit-class",
        "How the command ended, one of ok, finding, config, refused, retryable, budget and internal. It is there after a failure too.",
    ),
    given("artifact", "The path of the run's record, a file of JSON lines."),
    given("digest", "The SHA-256 of the manifest that propose left, for publish --digest."),
    given("shards", "The shards that have work, a JSON array for a matrix; only after reserve --shards."),
    given("repositories", "One JSON array, with an object of the same names for each repository."),
];
