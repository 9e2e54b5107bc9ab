//! The command line: one definition for parser, help and examples. Layer 5.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::PinnedAction;
use crate::engine::shards::MOST_SHARDS;
use crate::model::{BranchName, Mode, RepoSlug};

/// Turns reported failures into small, proven pull requests, each exactly once.
#[derive(Debug, Parser)]
#[command(name = "homeostat", version, propagate_version = true, max_term_width = 100)]
#[command(
    after_help = "Start here:\n  homeostat demo            a small fleet with real bugs, in a folder\n  homeostat init            a first configuration for the repository you stand in"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// How data is printed on standard output
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Show what happens inside (repeat for more)
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Turn warnings and flags into failures (guard, preflight, doctor, config check, pattern lint)
    #[arg(long, global = true)]
    pub(crate) strict: bool,
}

impl Command {
    /// Returns its name, for the root of a trace.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Demo(_) => "demo",
            Self::Run(_) => "run",
            Self::Reserve(_) => "reserve",
            Self::Propose(_) => "propose",
            Self::Record(_) => "record",
            Self::Publish(_) => "publish",
            Self::OpenPr(_) => "open-pr",
            Self::Outcomes(_) => "outcomes",
            Self::Doctor(_) => "doctor",
            Self::Runs(_) => "runs",
            Self::Cost(_) => "cost",
            Self::Completions(_) => "completions",
            Self::Man => "man",
            Self::Fingerprint(_) => "fingerprint",
            Self::Diagnose(_) => "diagnose",
            Self::Guard(_) => "guard",
            Self::Scan(_) => "scan",
            Self::Preflight(_) => "preflight",
            Self::Pattern(_) => "pattern",
            Self::Eval(_) => "eval",
            Self::Config(_) => "config",
            Self::Init(_) => "init",
        }
    }

    /// Returns whether somebody waits for a summary: the run, its four parts, and the demo.
    pub(crate) const fn is_part_of_a_run(&self) -> bool {
        matches!(
            self,
            Self::Demo(_)
                | Self::Run(_)
                | Self::Reserve(_)
                | Self::Propose(_)
                | Self::Record(_)
                | Self::Publish(_)
                | Self::OpenPr(_)
                | Self::Outcomes(_)
        )
    }
}

/// How data is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// One JSON document
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a small fleet of buggy repositories and run the main job over it; again, to see that nothing happens twice
    #[command(after_help = "Example:\n  homeostat demo --dir /tmp/fleet")]
    Demo(DemoArgs),
    /// The main job: find failures, fix what a pattern fits, prove it, open pull requests
    #[command(
        after_help = "Examples:\n  homeostat run --forge local:fleet --dry-run\n  homeostat run --forge local:fleet --repo demo/log-shipper --issue 1"
    )]
    Run(RunArgs),
    /// Read the forge, choose work and lease it (first of four privileges)
    #[command(
        after_help = "Examples:\n  homeostat reserve --forge local:fleet --out work\n  homeostat reserve --forge local:fleet --shards 4 --out work"
    )]
    Reserve(ReserveArgs),
    /// Run repository code and fixers over reserved work (second of four)
    #[command(
        after_help = "Examples:\n  homeostat propose --forge local:fleet --in work --out work\n  homeostat propose --forge local:fleet --in work --shard 2 --out parts/2"
    )]
    Propose(ProposeArgs),
    /// Settle what `propose` left on the state branch (third of four)
    #[command(
        after_help = "Examples:\n  homeostat record --forge local:fleet --in work\n  homeostat record --forge local:fleet --in work --in parts"
    )]
    Record(InArgs),
    /// Check every candidate again and publish it (last of four)
    #[command(
        after_help = "Examples:\n  homeostat publish --forge local:fleet --in work\n  homeostat publish --forge local:fleet --in work --in parts --digest sha256:… --digest sha256:…"
    )]
    Publish(InArgs),
    /// Open the pull request of a pushed feature branch once, and keep our part of its text current
    #[command(
        name = "open-pr",
        after_help = "Examples:\n  homeostat open-pr --branch feat/login --dry-run\n  homeostat open-pr                                in a workflow with `on: push`"
    )]
    OpenPr(OpenPrArgs),
    /// Read back what became of our pull requests; delete merged branches of ours
    #[command(
        after_help = "Examples:\n  homeostat outcomes --forge local:fleet\n  homeostat outcomes --repo owner/app --dry-run"
    )]
    Outcomes(OutcomesArgs),
    /// Say what of token, settings, rules and machine keeps Homeostat from its work, and how to mend it
    #[command(
        after_help = "Examples:\n  homeostat doctor --repo owner/app\n  homeostat doctor --fix --write           makes the labels that are missing"
    )]
    Doctor(DoctorArgs),
    /// Past runs: list them, show one, bring their records home
    #[command(
        subcommand,
        after_help = "Examples:\n  homeostat runs list\n  homeostat runs show latest\n  homeostat runs pull --since 7d"
    )]
    Runs(RunsCommand),
    /// What models cost: recorded by repository, tier, model and day, and reckoned for a thousand fixes
    #[command(
        after_help = "Examples:\n  homeostat cost --config .homeostat/repos.yml\n  homeostat runs pull --since 30d && homeostat cost --advise\n  homeostat cost --max-per-1000 9.28        exits 1 when a thousand fixes cost more"
    )]
    Cost(CostArgs),
    /// Print what a shell needs to complete commands and options
    #[command(
        after_help = "Example:\n  homeostat completions bash > ~/.local/share/bash-completion/completions/homeostat"
    )]
    Completions(CompletionsArgs),
    /// Print the manual page
    #[command(after_help = "Example:\n  homeostat man > homeostat.1")]
    Man,
    /// Explain how a report is grouped
    #[command(
        after_help = "Examples:\n  homeostat fingerprint report.md\n  homeostat fingerprint --batch < reports.jsonl"
    )]
    Fingerprint(FingerprintArgs),
    /// Show what is understood of a CI log: lane and kind, first error, failing tests, excerpt
    #[command(
        after_help = "Examples:\n  homeostat diagnose job.log\n  gh run view 42 --log-failed | homeostat diagnose - --format json\n  homeostat diagnose --batch logs --format json"
    )]
    Diagnose(DiagnoseArgs),
    /// Hold any diff to the guardrails
    #[command(after_help = "Example:\n  git diff | homeostat guard - --base .")]
    Guard(GuardArgs),
    /// Find secrets in files, by the same rules as redaction and the guardrail
    #[command(after_help = "Examples:\n  homeostat scan\n  git show | homeostat scan - --format json")]
    Scan(ScanArgs),
    /// Before a pull request: guard, scan, lint and tests on what the working tree holds
    #[command(
        after_help = "Examples:\n  homeostat preflight\n  homeostat preflight --base HEAD --format json   what is not committed yet"
    )]
    Preflight(PreflightArgs),
    /// The pattern library
    #[command(subcommand, after_help = "Example:\n  homeostat pattern search none attribute")]
    Pattern(PatternCommand),
    /// The whole road from report to proven patch over a folder of cases
    #[command(after_help = "Example:\n  homeostat eval --cases tests/cases --fixer pattern")]
    Eval(EvalArgs),
    /// Check, show or describe the configuration
    #[command(subcommand, after_help = "Example:\n  homeostat config check")]
    Config(ConfigCommand),
    /// Write a first configuration and workflow, with setup and test command guessed, or propose them
    #[command(
        after_help = "Examples:\n  homeostat init\n  homeostat init --repo owner/app --action owner/homeostat@COMMIT\n  homeostat init --repo owner/app --action owner/homeostat@COMMIT --pull-request --write\n  homeostat init --repo owner/app --repo owner/api --into owner/ops --pull-request"
    )]
    Init(InitArgs),
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Where the fleet lives
    #[arg(long, default_value = "artifacts/demo")]
    pub(crate) dir: PathBuf,
}

/// Where a run works and under what.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The configuration file
    #[arg(long, default_value = ".homeostat/repos.yml")]
    pub(crate) config: PathBuf,
    /// Where the repositories are: `github`, or `local:DIR` for a forge in a folder
    #[arg(long, default_value = "github")]
    pub(crate) forge: String,
    /// Where the run's record goes
    #[arg(long, default_value = "artifacts")]
    pub(crate) artifacts: PathBuf,
    /// The most that may happen: observe (nothing is written to targets), draft or ready
    #[arg(long, value_parser = parse_mode, value_name = "MODE")]
    pub(crate) mode: Option<Mode>,
    /// Write to GitHub from a terminal (a local forge is written to without asking)
    #[arg(long)]
    pub(crate) write: bool,
    /// Print what would happen and write nothing, state included
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Why this run was started, for its record
    #[arg(long)]
    pub(crate) intent: Option<String>,
    /// A tag for the run's record (repeatable)
    #[arg(long = "tag")]
    pub(crate) tags: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Only this repository
    #[arg(long)]
    pub(crate) repo: Option<RepoSlug>,
    /// Only this issue of it; passes over label and cooldown, never over opt-out or trust
    #[arg(long, requires = "repo")]
    pub(crate) issue: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct ReserveArgs {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Only this repository
    #[arg(long)]
    pub(crate) repo: Option<RepoSlug>,
    /// Divide the work into at most so many parts for jobs that run side by side, 32 at most
    #[arg(long, value_name = "N", value_parser = parse_shards)]
    pub(crate) shards: Option<u32>,
    /// Where `reservation.json` goes
    #[arg(long, default_value = "artifacts/work")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ProposeArgs {
    #[command(flatten)]
    pub(crate) place: Place,
    /// The folder with `reservation.json`, or one with that folder in it
    #[arg(long = "in", default_value = "artifacts/work")]
    pub(crate) input: PathBuf,
    /// The part to work on, where `reserve --shards` divided the work; counted from 1
    #[arg(long, value_name = "I", value_parser = parse_shards)]
    pub(crate) shard: Option<u32>,
    /// Where candidates and their manifest go
    #[arg(long, default_value = "artifacts/work")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct InArgs {
    #[command(flatten)]
    pub(crate) place: Place,
    /// A folder with `reservation.json`, or with candidates and their manifest, or with such folders in it (repeatable)
    #[arg(long = "in", value_name = "DIR", default_value = "artifacts/work")]
    pub(crate) input: Vec<PathBuf>,
    /// The SHA-256 of a manifest, as `propose` announced it (repeatable; each manifest must match one)
    #[arg(long, value_name = "SHA256")]
    pub(crate) digest: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct OpenPrArgs {
    #[command(flatten)]
    pub(crate) place: Place,
    /// The repository, where the configuration has several
    #[arg(long)]
    pub(crate) repo: Option<RepoSlug>,
    /// The branch; without it the one that the workflow's push event names
    #[arg(long)]
    pub(crate) branch: Option<BranchName>,
}

#[derive(Debug, Args)]
pub(crate) struct OutcomesArgs {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Only this repository
    #[arg(long)]
    pub(crate) repo: Option<RepoSlug>,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Only this repository; it needs no configuration
    #[arg(long)]
    pub(crate) repo: Option<RepoSlug>,
    /// Make the labels that are missing; nothing else is ever changed
    #[arg(long)]
    pub(crate) fix: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// List the runs whose record lies here, the newest first
    #[command(after_help = "Example:\n  homeostat runs list --format json")]
    List(RunsArgs),
    /// Show what one run did
    #[command(after_help = "Example:\n  homeostat runs show latest")]
    Show(ShowArgs),
    /// Print the summary of one run, as its page in Actions had it
    #[command(after_help = "Example:\n  homeostat runs summary latest > summary.md")]
    Summary(ShowArgs),
    /// Bring records home from the state branch and from artifacts; nothing is written there
    #[command(
        after_help = "Artifacts are taken from workflow runs of the default branch of the repository with the state branch,\nwhich takes a token that may read Actions there.\n\nExamples:\n  homeostat runs pull --since 24h\n  homeostat runs pull --since 30d --artifacts past && homeostat runs list --artifacts past"
    )]
    Pull(PullArgs),
}

#[derive(Debug, Args)]
pub(crate) struct RunsArgs {
    /// Where the records lie
    #[arg(long, default_value = "artifacts")]
    pub(crate) artifacts: PathBuf,
    /// How many are shown
    #[arg(long, default_value_t = 20)]
    pub(crate) limit: usize,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The run's id, a part of it that no other has, or `latest`
    pub(crate) run: String,
    /// Where the records lie
    #[arg(long, default_value = "artifacts")]
    pub(crate) artifacts: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct PullArgs {
    #[command(flatten)]
    pub(crate) place: Place,
    /// How far back
    #[arg(long, default_value = "30d")]
    pub(crate) since: String,
}

#[derive(Debug, Args)]
pub(crate) struct CostArgs {
    /// The configuration whose tiers and prices are reckoned with; without it an example
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
    /// Where the records lie
    #[arg(long, default_value = "artifacts")]
    pub(crate) artifacts: PathBuf,
    /// Of a hundred fixes by models, how many are simple, medium and complex
    #[arg(long, default_value = "70,25,5", value_name = "S,M,C")]
    pub(crate) mix: String,
    /// Exit with 1 when a thousand fixes cost more than this, in US dollars
    #[arg(long, value_name = "USD")]
    pub(crate) max_per_1000: Option<String>,
    /// Name the failure families on which a pattern would save most
    #[arg(long)]
    pub(crate) advise: bool,
}

#[derive(Debug, Args)]
pub(crate) struct FingerprintArgs {
    /// A report (`-` reads standard input); its first line may be `# title`
    #[arg(default_value = "-")]
    pub(crate) file: String,
    /// Read JSON lines `{"id","title"?,"body"?|"trace"?,"labels"?}` and answer one line each
    #[arg(long)]
    pub(crate) batch: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DiagnoseArgs {
    /// A log (`-` reads standard input); compressed where its name ends in `.gz`
    #[arg(default_value = "-")]
    pub(crate) file: String,
    /// Read every `*.log` and `*.log.gz` of a folder and answer each in the order of names, a line each with JSON
    #[arg(long, value_name = "DIR", conflicts_with = "file")]
    pub(crate) batch: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct GuardArgs {
    /// A diff (`-` reads standard input)
    #[arg(default_value = "-")]
    pub(crate) diff: String,
    /// The tree that the diff applies to, for rules that need whole files
    #[arg(long)]
    pub(crate) base: Option<PathBuf>,
    /// The configuration whose rules hold
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
    /// The repository of the configuration, where it has several
    #[arg(long)]
    pub(crate) repo: Option<RepoSlug>,
}

#[derive(Debug, Args)]
pub(crate) struct ScanArgs {
    /// A file, a folder (what git ignores in it is left out), or `-` for standard input
    #[arg(default_value = ".")]
    pub(crate) path: String,
}

#[derive(Debug, Args)]
pub(crate) struct PreflightArgs {
    /// The checkout, or a folder in it
    #[arg(long, default_value = ".")]
    pub(crate) dir: PathBuf,
    /// What to compare with, up to the commit that both have in common (`HEAD` for what is not committed); without it the
    /// configured branch, the remote's default, main or master
    #[arg(long)]
    pub(crate) base: Option<String>,
    /// The configuration whose settings hold; without it `.homeostat/repos.yml` of the checkout, or built-in settings
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
    /// The repository of the configuration, where it has several
    #[arg(long)]
    pub(crate) repo: Option<RepoSlug>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PatternCommand {
    /// List all patterns with their confidence
    #[command(after_help = "Example:\n  homeostat pattern list --format json")]
    List(LibraryArgs),
    /// Show patterns by id
    #[command(after_help = "Example:\n  homeostat pattern show go-nil-map-write")]
    Show(PatternArgs),
    /// Check patterns and replay their examples
    #[command(after_help = "Example:\n  homeostat pattern lint --library .homeostat/patterns")]
    Lint(LibraryArgs),
    /// Replay the examples of patterns, by id
    #[command(after_help = "Example:\n  homeostat pattern test py-key-error-get")]
    Test(PatternArgs),
    /// Find patterns by words
    #[command(after_help = "Example:\n  homeostat pattern search nil map")]
    Search(PatternArgs),
}

#[derive(Debug, Args)]
pub(crate) struct LibraryArgs {
    /// Folders of patterns in place of the built-in library
    #[arg(long = "library")]
    pub(crate) libraries: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct PatternArgs {
    /// Ids; for `search`, words
    #[arg(required = true)]
    pub(crate) names: Vec<String>,
    #[command(flatten)]
    pub(crate) library: LibraryArgs,
}

#[derive(Debug, Args)]
pub(crate) struct EvalArgs {
    /// The folder of cases
    #[arg(long)]
    pub(crate) cases: PathBuf,
    /// Which fixers take part
    #[arg(long, value_enum, default_value_t = FixerChoice::Pattern)]
    pub(crate) fixer: FixerChoice,
    /// A configuration whose `defaults` and `budget` hold
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
    /// Only cases whose id contains this
    #[arg(long)]
    pub(crate) only: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FixerChoice {
    /// The pattern library
    Pattern,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Say everything that is wrong with a configuration
    #[command(after_help = "Example:\n  homeostat config check --config .homeostat/repos.yml")]
    Check(ConfigArgs),
    /// Print the JSON Schema
    #[command(after_help = "Example:\n  homeostat config schema > repos.schema.json")]
    Schema,
    /// Print every effective value and where it comes from
    #[command(after_help = "Example:\n  MAX_FILES=3 homeostat config show")]
    Show(ConfigArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// The configuration file
    #[arg(long, default_value = ".homeostat/repos.yml")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// A repository (repeatable); without one, the folder's own remote tells
    #[arg(long)]
    pub(crate) repo: Vec<RepoSlug>,
    /// The folder to look at
    #[arg(long, default_value = ".")]
    pub(crate) dir: PathBuf,
    /// Print the files instead of writing them
    #[arg(long)]
    pub(crate) print: bool,
    /// Write a workflow too, with the action taken from this commit, as in owner/homeostat@COMMIT
    #[arg(long, value_name = "ACTION")]
    pub(crate) action: Option<PinnedAction>,
    /// Propose the files in a pull request, and make the labels, instead of writing into the folder
    #[arg(long)]
    pub(crate) pull_request: bool,
    /// The repository that holds configuration and workflow, where there are several
    #[arg(long, value_name = "OWNER/NAME", requires = "pull_request")]
    pub(crate) into: Option<RepoSlug>,
    /// Where the repositories are: `github`, or `local:DIR` for a forge in a folder
    #[arg(long, default_value = "github", requires = "pull_request")]
    pub(crate) forge: String,
    /// Where the run's record goes
    #[arg(long, default_value = "artifacts", requires = "pull_request")]
    pub(crate) artifacts: PathBuf,
    /// Write to GitHub from a terminal (a local forge is written to without asking)
    #[arg(long, requires = "pull_request")]
    pub(crate) write: bool,
    /// Print what would happen and write nothing
    #[arg(long, requires = "pull_request")]
    pub(crate) dry_run: bool,
}

fn parse_shards(text: &str) -> Result<u32, String> {
    match text.parse::<u32>() {
        Ok(number @ 1..=MOST_SHARDS) => Ok(number),
        Ok(0) => Err("shards count from 1".to_owned()),
        Ok(_) => Err(format!(
            "{MOST_SHARDS} is the most, since their digests travel in the outputs digest-1 to digest-{MOST_SHARDS}"
        )),
        Err(_) => Err("it is a whole number from 1 to 32".to_owned()),
    }
}

fn parse_mode(text: &str) -> Result<Mode, String> {
    text.parse::<Mode>()
}
