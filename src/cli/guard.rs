//! `guard`: the guardrails alone, on any diff. Layer 5.

#![expect(clippy::disallowed_methods, reason = "the base is a folder that the caller names")]

use std::path::{Path, PathBuf};

use crate::cli::annotate;
use crate::cli::args::{Global, GuardArgs};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::Output;
use crate::cli::session;
use crate::config::Flags;
use crate::guardrail::{self, Change, Means, TreeView, Undone};
use crate::model::{FileMode, FileState, Policy, Reason, RepoPath, Ruling, Verdict};
use crate::report::ExitClass;

/// What a diff may weigh.
const DIFF_CAP: u64 = 64 << 20;

/// Carries the command out.
pub(crate) fn guard(args: &GuardArgs, global: &Global, output: &Output) -> Outcome {
    let diff = session::read_bytes(&args.diff, DIFF_CAP)?;
    let policy = policy(args)?;
    let folder = args.base.as_ref().map(|root| Folder { root: root.clone() });
    if let Some(folder) = &folder
        && !folder.root.is_dir()
    {
        return Err(Failure::config(format!("--base {} is no folder.", folder.root.display())));
    }
    let tree = folder.as_ref().map(|folder| folder as &dyn TreeView);
    let verdict = judge(&diff, &policy, tree);
    output.document(global.format, &verdict, &in_text(&verdict))?;
    annotate::verdict(&verdict);
    Ok(match verdict.verdict {
        Ruling::Refuse => ExitClass::Finding,
        Ruling::Flag if global.strict => ExitClass::Finding,
        Ruling::Flag | Ruling::Pass => ExitClass::Ok,
    })
}

/// Judges the diff; a folder that holds the change already serves as well as one that does not.
fn judge(diff: &[u8], policy: &Policy, tree: Option<&dyn TreeView>) -> Verdict {
    let syntax = Some(guardrail::new_syntax_errors as guardrail::SyntaxCheck);
    let verdict = guardrail::judge_diff(diff, policy, Means { tree, syntax, known: None });
    let unfit = verdict.violations.iter().any(|violation| violation.rule == Reason::MalformedDiff);
    match (tree, Change::parse(diff)) {
        (Some(tree), Ok(change)) if unfit => {
            let Ok(undone) = Undone::new(&change, tree) else { return verdict };
            guardrail::judge_diff(diff, policy, Means { tree: Some(&undone), syntax, known: None })
        }
        _ => verdict,
    }
}

/// Returns the rules that hold: those of a configuration's repository, else the built-in ones.
fn policy(args: &GuardArgs) -> Result<Policy, Failure> {
    let Some(path) = &args.config else {
        let slug = "local/diff".parse().map_err(|e| Failure::internal(format!("{e}")))?;
        return Ok(Policy::built_in(slug));
    };
    let env = session::environment();
    let loaded = session::load(path, &env, Flags { mode: None, dry_run: false })?;
    let mut policies = loaded.config.repositories.into_iter();
    let chosen = match &args.repo {
        Some(slug) => policies.find(|policy| policy.slug == *slug),
        None => policies.next(),
    };
    chosen.ok_or_else(|| Failure::config(format!("{} has no such repository; name one with --repo.", path.display())))
}

/// A folder as the base of a diff; links are not followed.
struct Folder {
    root: PathBuf,
}

impl Folder {
    fn plain(path: &Path) -> Option<FileState> {
        let facts = std::fs::symlink_metadata(path).ok()?;
        if facts.file_type().is_symlink() {
            let target = std::fs::read_link(path).ok()?;
            let content = target.to_string_lossy().into_owned().into_bytes();
            return Some(FileState { mode: FileMode::Symlink, content });
        }
        let content = session::read_capped(path, DIFF_CAP).ok()?;
        Some(FileState { mode: mode(&facts), content })
    }
}

impl TreeView for Folder {
    fn read(&self, path: &RepoPath) -> Option<FileState> {
        Self::plain(&self.root.join(path.as_str()))
    }

    fn paths(&self) -> Vec<RepoPath> {
        let mut paths = Vec::new();
        let mut folders = vec![self.root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
                if is_folder && entry.file_name() != ".git" {
                    folders.push(path);
                } else if !is_folder {
                    let relative = path.strip_prefix(&self.root).unwrap_or(&path);
                    paths.extend(relative.to_string_lossy().replace('\\', "/").parse::<RepoPath>().ok());
                }
            }
        }
        paths.sort();
        paths
    }
}

#[cfg(unix)]
fn mode(facts: &std::fs::Metadata) -> FileMode {
    use std::os::unix::fs::PermissionsExt as _;
    if facts.permissions().mode() & 0o100 == 0 { FileMode::Plain } else { FileMode::Executable }
}

#[cfg(not(unix))]
fn mode(_facts: &std::fs::Metadata) -> FileMode {
    FileMode::Plain
}

fn in_text(verdict: &Verdict) -> String {
    let ruling = |ruling: Ruling| match ruling {
        Ruling::Pass => "pass",
        Ruling::Flag => "flag",
        Ruling::Refuse => "refuse",
    };
    let mut lines: Vec<String> = verdict
        .violations
        .iter()
        .map(|v| {
            let line = v.line.map(|line| format!(":{line}")).unwrap_or_default();
            let place = v.path.as_ref().map(|path| format!("{path}{line}: ")).unwrap_or_default();
            format!("{}: {place}{} [{}]", ruling(v.ruling), v.message, v.rule)
        })
        .collect();
    if !verdict.not_checked.is_empty() {
        let rules: Vec<&str> = verdict.not_checked.iter().map(|rule| rule.as_str()).collect();
        lines.push(format!("not checked, for want of the whole files: {}", rules.join(", ")));
    }
    lines.push(format!("verdict: {}", ruling(verdict.verdict)));
    lines.join("\n")
}
