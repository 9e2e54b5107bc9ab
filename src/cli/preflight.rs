//! `preflight`: what a person runs before a pull request: guard, scan, lint and tests on the working tree's diff. Layer 5.
//!
//! The same rules, scanner, sandbox and judge as for a fix. Refuses to change anything: neither the working tree nor its
//! git folder is ever written to.

#![expect(clippy::disallowed_methods, reason = "faces look for files that people keep beside a checkout")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::actions::Runner;
use crate::cli::args::{Global, PreflightArgs};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::init;
use crate::cli::output::{Output, say};
use crate::cli::progress::Shown;
use crate::cli::session;
use crate::config::{Flags, Loaded};
use crate::engine::Progress as _;
use crate::engine::preflight::{Means, prove};
use crate::git::Git;
use crate::guardrail::{self, Change, TreeView};
use crate::model::{FileMode, FileState, Policy, Reason, RepoPath, RepoSlug, Ruling, Verdict};
use crate::redact::Redactor;
use crate::render::preflight::{BaseSaid, Judgement, NotRun, Preflight, Proof, SettingsSaid};
use crate::report::ExitClass;
use crate::workspace::git::{Base, GitWorkspace, WorkingChange, WorkingTree};
use crate::workspace::sandbox::{Host, Sandbox, SandboxExec};
use crate::workspace::{Checkout, WorkspaceError};

/// Where a configuration lies in a checkout.
const CONFIG: &str = ".homeostat/repos.yml";

/// Links of the base that rules may follow.
const MOST_LINKS: usize = 1_000;

/// Carries the command out.
pub(crate) async fn preflight(args: &PreflightArgs, global: &Global, output: &Output) -> Outcome {
    let env = session::environment();
    let redactor = Redactor::new(&session::secrets(&env));
    let progress = Shown::new(&Runner::from_env(&|name| env.get(name).cloned()), false);
    let workspace = workspace(&env);
    let tree = workspace.working_tree(&args.dir, excludes(&env).await.as_deref()).await.map_err(cannot)?;
    let (policy, settings) = settings(args, &tree, &env)?;
    let base = tree.base(args.base.as_deref(), policy.branch.as_ref()).await.map_err(cannot)?;
    let change = tree.change(&base).await.map_err(cannot)?;
    let checkout = tree.checkout(&base).await.map_err(cannot)?;
    let mut report = begin(&base, settings, &change);
    if !report.files.is_empty() {
        let diff = guarded(&change);
        let view = BaseView::of(checkout.as_ref(), &change).await.map_err(cannot)?;
        let means =
            guardrail::Means { tree: Some(&view), syntax: Some(guardrail::new_syntax_errors), known: Some(&redactor) };
        report.guard = guardrail::evaluate_with(&diff, &policy, means);
        report.secrets = guardrail::added_secrets(&diff, &redactor);
        let means = Means {
            checkout: checkout.as_ref(),
            policy: &policy,
            patch: &change.patch,
            redactor: &redactor,
            progress: &progress,
        };
        progress.stage("preflight", None);
        let proven = prove(means).await.map_err(|unusable| Failure::internal(unusable.message))?;
        (report.proof, report.projects) = (proven.proof, proven.projects);
        report.not_run.extend(proven.not_run);
        report.settings.said.extend(proven.said);
    }
    drop(progress);
    let report = report.judge();
    output.document(global.format, &report, &report.in_text())?;
    Ok(match report.verdict {
        Judgement::Refuse | Judgement::Fail => ExitClass::Finding,
        Judgement::Flag if global.strict => ExitClass::Finding,
        Judgement::Flag | Judgement::Pass => ExitClass::Ok,
    })
}

/// Makes the place that proofs run in; nothing is cloned, so nothing is located.
fn workspace(env: &BTreeMap<String, String>) -> GitWorkspace {
    let scratch = session::scratch_folder(env);
    let sandbox = Sandbox::new(SandboxExec::this_program(), Host::from_env());
    GitWorkspace::new(|_| String::new(), scratch.join("cache"), scratch.join("run"), sandbox)
}

#[expect(clippy::needless_pass_by_value, reason = "it is the function that maps an error away")]
fn cannot(error: WorkspaceError) -> Failure {
    match error {
        WorkspaceError::Machine(_) => Failure::internal(error.to_string()),
        WorkspaceError::SandboxTooWeak(_) => Failure::of(ExitClass::Refused, error.to_string()),
        WorkspaceError::Missing(_) | WorkspaceError::Mismatch(_) | WorkspaceError::DoesNotApply(_) => {
            Failure::config(error.to_string())
        }
    }
}

/// Finds the person's own list of ignored files, where git would.
async fn excludes(env: &BTreeMap<String, String>) -> Option<PathBuf> {
    let home = env.get("HOME").filter(|home| !home.is_empty()).map(PathBuf::from)?;
    let config = env.get("XDG_CONFIG_HOME").filter(|folder| !folder.is_empty());
    let config = config.map_or_else(|| home.join(".config"), PathBuf::from).join("git");
    for file in [home.join(".gitconfig"), config.join("config")] {
        if !file.is_file() {
            continue;
        }
        let named = file.display().to_string();
        let git = Git::new(&home).with_env("HOME", home.display().to_string());
        let args = ["config", "--file", &named, "--includes", "--type=path", "--get", "core.excludesFile"];
        if let Ok(path) = git.run_text(&args).await {
            return Some(PathBuf::from(path)).filter(|path| path.is_file());
        }
    }
    Some(config.join("ignore")).filter(|path| path.is_file())
}

/// Chooses the settings that hold, and says where they are from.
fn settings(
    args: &PreflightArgs,
    tree: &WorkingTree,
    env: &BTreeMap<String, String>,
) -> Result<(Policy, SettingsSaid), Failure> {
    let flags = Flags { mode: None, dry_run: true };
    let beside = tree.root().join(CONFIG);
    let remote = init::slug_of(tree.root());
    let file = args.config.clone().or_else(|| Some(beside).filter(|path| path.is_file()));
    let (loaded, from) = if let Some(path) = &file {
        (session::load(path, env, flags)?, path.display().to_string())
    } else {
        let slug = args.repo.clone().or_else(|| remote.clone());
        let slug: Result<RepoSlug, _> = slug.map_or_else(|| "local/checkout".parse(), Ok);
        let slug = slug.map_err(|e| Failure::internal(e.to_string()))?;
        let loaded = Loaded::built_in(&[slug], env, flags).map_err(|p| Failure::config(p.to_string()))?;
        (loaded, "built-in".to_owned())
    };
    for warning in &loaded.warnings {
        say(&format!("warning: {warning}"));
    }
    let policies = loaded.config.repositories;
    let wanted = args.repo.as_ref().or(if policies.len() > 1 { remote.as_ref() } else { None });
    let chosen = match (wanted, policies.as_slice()) {
        (Some(slug), _) => policies.iter().find(|policy| policy.slug == *slug),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    let Some(policy) = chosen.cloned() else {
        let names: Vec<String> = policies.iter().take(5).map(|policy| policy.slug.to_string()).collect();
        return Err(Failure::config(format!(
            "{from} does not say which repository this checkout is; name one of its {} with --repo ({}{}).",
            policies.len(),
            names.join(", "),
            if policies.len() > 5 { ", …" } else { "" }
        )));
    };
    let said = SettingsSaid { from, repository: policy.slug.to_string(), said: Vec::new() };
    Ok((policy, said))
}

/// Begins the report with what was compared.
fn begin(base: &Base, settings: SettingsSaid, change: &WorkingChange) -> Preflight {
    let mut files: Vec<String> = change.patch.changes().map(|(path, _)| path.to_string()).collect();
    files.extend(change.unsafe_paths.iter().cloned());
    let nested = change.nested.iter().map(|folder| NotRun {
        what: folder.clone(),
        why: "It is an untracked repository of its own, which is no part of this change.".to_owned(),
        unproven: false,
    });
    let odd = change.unsafe_paths.iter().map(|path| NotRun {
        what: path.clone(),
        why: "Its path is not legal everywhere, so the tests ran without it.".to_owned(),
        unproven: true,
    });
    Preflight {
        verdict: Judgement::Pass,
        base: BaseSaid { name: base.name.clone(), commit: base.commit.to_string(), why: base.why.to_owned() },
        settings,
        files,
        guard: Verdict {
            verdict: Ruling::Pass,
            violations: Vec::new(),
            not_checked: Vec::<Reason>::new(),
            measured: Vec::new(),
        },
        limits_of_fixes: Vec::new(),
        secrets: Vec::new(),
        proof: Proof::default(),
        projects: Vec::new(),
        not_run: nested.chain(odd).collect(),
    }
}

/// Returns the change as guardrails see it, files that no patch can carry included.
fn guarded(change: &WorkingChange) -> Change {
    let mut diff = Change::from_patch(&change.patch);
    let nothing = FileState::plain("");
    for path in &change.unsafe_paths {
        diff.files.push(guardrail::FileDiff::of_files(path.clone(), 1, None, Some(&nothing)));
    }
    diff
}

/// The base as rules ask for it: every path, and the files that matter to them.
struct BaseView {
    paths: Vec<RepoPath>,
    files: BTreeMap<RepoPath, FileState>,
}

impl BaseView {
    async fn of(checkout: &dyn Checkout, change: &WorkingChange) -> Result<Self, WorkspaceError> {
        let mut files: BTreeMap<RepoPath, FileState> =
            change.patch.changes().filter_map(|(path, change)| Some((path.clone(), change.before.clone()?))).collect();
        for link in checkout.files().iter().filter(|file| file.mode == FileMode::Symlink).take(MOST_LINKS) {
            files.extend(checkout.read(&link.path).await?.map(|state| (link.path.clone(), state)));
        }
        Ok(Self { paths: checkout.files().iter().map(|file| file.path.clone()).collect(), files })
    }
}

impl TreeView for BaseView {
    fn read(&self, path: &RepoPath) -> Option<FileState> {
        self.files.get(path).cloned()
    }

    fn paths(&self) -> Vec<RepoPath> {
        self.paths.clone()
    }
}
