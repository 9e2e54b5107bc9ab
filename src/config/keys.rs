//! The one table of keys: names, types, meanings. Checks, schema and reference are made from it. Layer 1.
//!
//! A key stands here as `Ready` together with the feature behind it and never before; one that is promised for later is
//! `NotYet`, so that whoever writes it learns that it is known.

/// What a key takes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Takes {
    /// The version of the format.
    Version,
    /// Text, kept as written; null unsets it.
    Text,
    /// A branch; null is the default branch.
    Branch,
    /// `owner/name`; null where the key may be unset.
    Slug,
    /// A folder inside a repository.
    Folder,
    /// A template for a title; null is the built-in one.
    Title,
    /// A file beside the configuration; null is none.
    TemplateFile,
    /// The name of a workflow's file; null is none.
    WorkflowFile,
    /// A whole number within bounds.
    Integer(u64, u64),
    /// A number from 0 to 1.
    Fraction,
    Switch,
    /// A length of time within bounds, in seconds.
    Duration(u64, u64),
    /// Bytes within bounds.
    Size(u64, u64),
    Money,
    /// One of these names; the second list is known, but not there yet.
    Choice(&'static [&'static str], &'static [&'static str]),
    Texts,
    Globs,
    Labels,
    /// Numeric ids of accounts.
    Ids,
    /// Names of environment variables.
    Variables,
    /// Values of environment variables by name.
    Environment,
    /// Folders with patterns.
    Libraries,
    /// `host:port` each.
    Services,
    /// A table of further keys.
    Table(&'static [Key]),
    /// A list of such tables.
    Tables(&'static [Key]),
    /// Such tables by name.
    Named(Names, &'static [Key]),
    /// The address of a server.
    Address,
    /// The name of an environment variable; null is the built-in one.
    Variable,
    /// `provider/name`; null where the key may be unset.
    Model,
    /// Dollars for a million tokens; what is free needs no price.
    Price,
    /// Any YAML; checked by a later version.
    Anything,
}

/// Which names the tables below a key may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// Names of the operator's own.
    Own,
    /// Models as `provider/name`.
    Models,
    /// The three tiers.
    Tiers,
}

/// Whether a key does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Ready,
    /// Accepted with a warning, so that a file can be written ahead.
    Unused,
    /// Known and refused.
    NotYet,
}

/// One key of the configuration.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) takes: Takes,
    pub(super) state: State,
    /// For the reference: what it does, in one line.
    pub(super) meaning: &'static str,
}

const fn key(name: &'static str, takes: Takes, meaning: &'static str) -> Key {
    Key { name, takes, state: State::Ready, meaning }
}

const fn later(name: &'static str, meaning: &'static str) -> Key {
    Key { name, takes: Takes::Anything, state: State::NotYet, meaning }
}

const MODES: Takes = Takes::Choice(&["observe", "approve", "draft", "ready", "auto"], &[]);
const NETWORKS: Takes = Takes::Choice(&["none", "registries", "all"], &[]);
const SETTING: Takes = Takes::Choice(&["refuse", "flag", "allow"], &[]);
const DAY: u64 = 86_400;
const KIB: u64 = 1 << 10;
const GIB: u64 = 1 << 30;

/// The keys at the top of the file.
pub(super) const TOP: &[Key] = &[
    key("version", Takes::Version, "The version of this format; always 1."),
    key("mode", MODES, "The ceiling for every repository: the lowest of all modes given is in force."),
    key("budget", Takes::Table(BUDGET), "Money in US dollars. 0 is none; `unlimited` has to be spelled."),
    key("run", Takes::Table(RUN), "Limits of one run over the whole fleet."),
    key("ai", Takes::Table(AI), "Models. This version reckons with them (`homeostat cost`) and asks none."),
    key("patterns", Takes::Table(PATTERNS), "Where fix patterns come from."),
    key("state", Takes::Table(STATE), "Where the state branch lies."),
    later("notify", "Who is told."),
    key("defaults", Takes::Table(REPOSITORY), "What every repository has that does not say otherwise."),
    key("repositories", Takes::Tables(REPOSITORY), "The repositories, in the order in which they are looked after."),
];

const BUDGET: &[Key] = &[
    key("run", Takes::Money, "In one run."),
    key("day", Takes::Money, "In one day, UTC by the forge's clock."),
    key("attempt", Takes::Money, "In one attempt."),
    key("author_day", Takes::Money, "For the reports of one author in one day."),
];

const RUN: &[Key] = &[
    key("deadline", Takes::Duration(1, DAY), "How long a run may take."),
    key("concurrency", Takes::Integer(1, 64), "Repositories worked on at once."),
    key("max_issues", Takes::Integer(1, 10_000), "Reports read in one repository."),
    key("max_prs_per_day", Takes::Integer(0, 10_000), "New pull requests of the fleet in one day."),
];

const AI: &[Key] = &[
    key(
        "providers",
        Takes::Named(Names::Own, PROVIDER),
        "Who provides models, by a name of your own. Keys come from the environment.",
    ),
    key("tiers", Takes::Named(Names::Tiers, TIER), "Which models each tier asks."),
    key("prices", Takes::Named(Names::Models, PRICE), "US dollars for a million tokens, over the built-in table."),
    Key {
        name: "privacy",
        takes: Takes::Anything,
        state: State::Unused,
        meaning: "Which provider may read what; nothing leaves the machine yet.",
    },
];

/// The keys of one provider.
pub(super) const PROVIDER: &[Key] = &[
    key(
        "kind",
        Takes::Choice(&["anthropic", "openai", "deepseek", "gemini", "github", "openrouter", "ollama"], &[]),
        "How it is spoken to; unset where its name is one of these.",
    ),
    key("base_url", Takes::Address, "Where it is; unset is the kind's own address."),
    key("key_env", Takes::Variable, "The variable with its key; unset is the kind's own."),
    key("allow_private", Takes::Switch, "Whether its address may be one of a private network."),
];

/// The keys of one tier.
pub(super) const TIER: &[Key] = &[
    key("model", Takes::Model, "The model that writes, as `provider/name`; required."),
    key("tries", Takes::Integer(1, 2), "How often it may try."),
    key("reviewer", Takes::Model, "The model that reviews; without one nobody does."),
];

/// The keys of one price.
pub(super) const PRICE: &[Key] = &[
    key("input", Takes::Price, "Of the prompt; required."),
    key("output", Takes::Price, "Of the answer, reasoning included; required."),
    key("cache_read", Takes::Price, "Of the prompt where the provider's cache had it; unset is as `input`."),
    key("cache_write", Takes::Price, "Of the prompt where it was written to that cache; unset is as `input`."),
];

const PATTERNS: &[Key] = &[
    key("builtin", Takes::Switch, "Whether the library shipped with the program is used."),
    key("libraries", Takes::Libraries, "Folders with further patterns, relative to the configuration file."),
];

const STATE: &[Key] = &[
    key("repository", Takes::Slug, "The repository with the state branch; unset is the operator's own."),
    key("branch", Takes::Branch, "The branch that keeps the state."),
    key("keep_events", Takes::Duration(DAY, 3650 * DAY), "How long events stay on the state branch."),
    key(
        "private",
        Takes::Choice(&["refuse", "opaque"], &[]),
        "What happens with targets that fewer people see than the state: refused, or worked on by `run` with ids, counters and money alone.",
    ),
];

/// The keys of a repository, which may also stand in `defaults`.
pub(super) const REPOSITORY: &[Key] = &[
    key("slug", Takes::Slug, "The repository as `owner/name`; the only required key, and not for `defaults`."),
    key("branch", Takes::Branch, "The base branch; unset is the default branch."),
    key("mode", MODES, "How far Homeostat may go here; the lowest of all modes given is in force."),
    key("trigger_labels", Takes::Labels, "Labels any of which makes an issue a report."),
    key("trust", Takes::Choice(&["triage", "write", "maintain"], &[]), "Who may cause work; unknown means no."),
    key("trusted_authors", Takes::Ids, "Numeric ids of people or bots trusted besides."),
    key("workflows", Takes::Table(WORKFLOWS), "Which failed workflow runs are reports."),
    key("path_filters", Takes::Table(FILTERS), "Which files a fix may touch; gitignore syntax, exclusion wins."),
    key("protected_paths", Takes::Table(PROTECTED), "Paths that no fix may touch, besides the built-in ones."),
    key("projects", Takes::Tables(PROJECT), "Projects of a monorepo, chosen by the failing file's folder."),
    key("setup_command", Takes::Text, "Prepares the base tree; unset is guessed from the lockfile."),
    key("setup_env", Takes::Variables, "Names of variables that the setup alone may see."),
    key("test_command", Takes::Text, "Runs all tests; unset is guessed from the manifest."),
    key("test_one_command", Takes::Text, "Runs the one test `{test}`; unset is guessed for common runners."),
    key("test_env", Takes::Environment, "Variables for every command."),
    key("lint_command", Takes::Text, "Lints; run before and after, worse after is a refusal."),
    key("typecheck_command", Takes::Text, "Checks types; run before and after, worse after is a refusal."),
    key("format_command", Takes::Text, "Formats; run on the changed files after a fix."),
    key(
        "evidence",
        Takes::Choice(&["any", "red-green"], &[]),
        "Which evidence is accepted; `any` opens weaker ones as drafts.",
    ),
    key("confidence_threshold", Takes::Fraction, "Ready at or above this confidence."),
    key("draft_threshold", Takes::Fraction, "A draft between this confidence and the other; nothing below."),
    key("max_prs_per_run", Takes::Integer(0, 1000), "New pull requests in one run."),
    key("max_open_prs", Takes::Integer(0, 1000), "Open pull requests at once."),
    key("limits", Takes::Table(LIMITS), "Hard limits."),
    key("sandbox", Takes::Table(SANDBOX), "Where the repository's commands run."),
    key("rules", Takes::Table(RULES), "What a breach of a configurable rule does."),
    later("tiers", "Models by tier."),
    key("labels", Takes::Labels, "Labels put on pull requests; none of them may be a trigger label."),
    key("pull_request", Takes::Table(PULL_REQUEST), "Whom pull requests ask, and how they look."),
    key(
        "dispatch_ci",
        Takes::WorkflowFile,
        "A workflow, by its file, to start by dispatch where the token's pull requests start none.",
    ),
    key("open_pr", Takes::Table(OPEN_PR), "Pull requests for pushed feature branches, by `homeostat open-pr`."),
    key("auto_merge", Takes::Table(AUTO_MERGE), "The forge's own auto-merge, in mode `auto` alone."),
    key("native_fixers", Takes::Table(NATIVE), "The repository's own tools as fixers."),
    later("shadow_from_people", "Learning from people's fixes."),
    key("tags", Takes::Texts, "Tags copied into events."),
];

const FILTERS: &[Key] = &[
    key("include", Takes::Globs, "Paths that a fix may touch."),
    key("exclude", Takes::Globs, "Paths that it may not touch."),
];

const WORKFLOWS: &[Key] = &[
    key("failed_runs", Takes::Switch, "Whether failed runs of the branch are reports."),
    key("include", Takes::Globs, "Workflows that count, by file or by name."),
    key("exclude", Takes::Globs, "Workflows that do not; exclusion wins."),
];

const NATIVE: &[Key] = &[
    key("formatters", Takes::Switch, "Whether a failure of formatting alone is mended by the repository's formatter."),
    later("linters", "Fixing linters."),
    key(
        "revert_first",
        Takes::Switch,
        "Whether `outcomes` proposes to take a merge of ours back, as a draft, where a workflow turned red with it.",
    ),
];

const PULL_REQUEST: &[Key] = &[
    key(
        "title",
        Takes::Title,
        "A template for the title, of at most 200 characters, with `error_type`, `file`, `fingerprint`, `number`, `pattern`.",
    ),
    key("template", Takes::TemplateFile, "A file beside the configuration with a template for the body."),
    key("reviewers", Takes::Texts, "People asked to review."),
    key("team_reviewers", Takes::Texts, "Teams asked to review, without their organisation."),
    key("assignees", Takes::Texts, "People assigned."),
    key("milestone", Takes::Text, "The title of an open milestone."),
];

const OPEN_PR: &[Key] = &[
    key("branches", Takes::Globs, "Branches that get one; `*` stops at a slash, `**` does not."),
    key("base", Takes::Branch, "What they go into; unset is the default branch."),
    key("draft", Takes::Switch, "Whether they open as drafts."),
    key("labels", Takes::Labels, "Labels put on, created where missing."),
    key(
        "template",
        Takes::TemplateFile,
        "A file beside the configuration with a template for the part that people fill in, with `base`, `branch`, `title`; unset is the repository's own pull request template, or a short checklist.",
    ),
    key("reviewers", Takes::Texts, "People asked to review."),
];

const AUTO_MERGE: &[Key] = &[
    key(
        "patterns",
        Takes::Texts,
        "Ids of patterns whose red-green, ready pull requests the forge may merge by itself.",
    ),
    key("method", Takes::Choice(&["squash", "merge", "rebase"], &[]), "How the forge merges."),
    key(
        "delete_branch",
        Takes::Switch,
        "Whether `outcomes` deletes the branch of a merged pull request of ours. One with a person's commit at its end stays.",
    ),
];

const PROTECTED: &[Key] = &[
    key("add", Takes::Globs, "Paths protected besides the built-in ones."),
    key("lift", Takes::Globs, "Paths whose built-in protection is lifted."),
];

/// The keys of one project of a monorepo.
pub(super) const PROJECT: &[Key] = &[
    key("path", Takes::Folder, "The project's folder; required."),
    key("setup_command", Takes::Text, "As for the repository, in this folder."),
    key("test_command", Takes::Text, "As for the repository, in this folder."),
    key("test_one_command", Takes::Text, "As for the repository, in this folder."),
    key("lint_command", Takes::Text, "As for the repository, in this folder."),
    key("typecheck_command", Takes::Text, "As for the repository, in this folder."),
    key("format_command", Takes::Text, "As for the repository, in this folder."),
];

const LIMITS: &[Key] = &[
    key("max_diff_lines", Takes::Integer(1, 100_000), "Added plus removed lines of a fix."),
    key("max_files", Takes::Integer(1, 10_000), "Files that a fix touches."),
    key("max_patch_bytes", Takes::Size(1, GIB), "Bytes of the diff."),
    key("max_file_bytes", Takes::Size(1, GIB), "Bytes of one touched file."),
    key("max_attempts", Takes::Integer(1, 100), "Attempts in one episode."),
    key("cooldown", Takes::Duration(0, 365 * DAY), "The wait after the first attempt; it doubles."),
    key("setup_timeout", Takes::Duration(1, DAY), "Time for the setup command."),
    key("test_timeout", Takes::Duration(1, DAY), "Time for one run of the test command."),
    key("test_memory", Takes::Size(16 * KIB * KIB, 1024 * GIB), "Data of each process, and of the tree as a whole."),
    key("test_processes", Takes::Integer(1, 1_000_000), "Processes at once."),
    key("test_output", Takes::Size(KIB, GIB), "Bytes of output kept."),
];

const SANDBOX: &[Key] = &[
    key("require", Takes::Choice(&["any", "landlock", "isolated"], &[]), "The weakest sandbox that will do."),
    key("network", NETWORKS, "The network of tests."),
    key("setup_network", NETWORKS, "The network of the setup."),
    key("services", Takes::Services, "Local services that tests need, as `host:port`."),
];

const RULES: &[Key] = &[
    key("dependency-added", SETTING, "A dependency is added."),
    key("test-weakened", SETTING, "Tests are deleted, skipped or weakened."),
    key("rewrite-ratio", SETTING, "Most of a file is rewritten."),
];

/// Returns where else a name is a key, as a person would write it, for one that stands in the wrong table.
pub(super) fn elsewhere(name: &str) -> Option<String> {
    fn find(keys: &[Key], above: &str, name: &str) -> Option<String> {
        keys.iter().find_map(|key| {
            let path = if above.is_empty() { key.name.to_owned() } else { format!("{above}.{}", key.name) };
            match key.takes {
                _ if key.name == name => Some(path),
                Takes::Table(inner) if key.name != "defaults" => find(inner, &path, name),
                Takes::Tables(inner) if key.name != "projects" => find(inner, &format!("{path}[]"), name),
                _ => None,
            }
        })
    }
    find(TOP, "", name)
}
