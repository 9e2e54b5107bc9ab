//! `eval`: the whole road from report to proven patch over a folder of cases, without a forge. Layer 5.

#![expect(clippy::disallowed_methods, reason = "a folder of cases is what this command reads")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};

use crate::budget::Ledger;
use crate::cli::args::{EvalArgs, Global, Place};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::fleet;
use crate::cli::output::Output;
use crate::cli::session::{self, Privilege};
use crate::config::{self, Flags, LoadInput};
use crate::engine::Means;
use crate::engine::attempt;
use crate::engine::fixers::{Fixer, NativeFixer, PatternFixer};
use crate::engine::{Attempted, Work};
use crate::forge::local::LocalForge;
use crate::gate::AttemptInputs;
use crate::guardrail;
use crate::model::{
    Actor, Allowance, FailureState, MicroUsd, ObjectId, Policy, Reason, RepoSlug, Report, ReportId, Source, Status,
    Tokens, sha256_hex,
};
use crate::report::ExitClass;
use crate::system::System as _;
use crate::system::os::OsSystem;
use crate::workspace::Workspace as _;
use crate::{fingerprint, intake};

/// What a file of a case may weigh.
const FILE_CAP: u64 = 1 << 20;

/// What `case.yml` says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    language: String,
    test_command: String,
    #[serde(default)]
    needs: Vec<String>,
    #[serde(default)]
    fixed_files: Vec<String>,
    #[serde(default)]
    labels: Vec<String>,
}

/// What came of one case.
#[derive(Debug, Serialize)]
struct CaseResult {
    id: String,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pattern: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<crate::model::EvidenceKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    diff: Option<String>,
    cost_microusd: MicroUsd,
    tokens: Tokens,
    seconds: f64,
}

/// All cases.
#[derive(Debug, Serialize)]
struct EvalReport {
    cases: Vec<CaseResult>,
    totals: BTreeMap<&'static str, u64>,
}

/// Carries the command out.
pub(crate) async fn eval(args: &EvalArgs, global: &Global, output: &Output) -> Outcome {
    let env = session::environment();
    let scratch = tempfile::Builder::new()
        .prefix("homeostat-eval-")
        .tempdir()
        .map_err(|e| Failure::internal(format!("No temporary folder can be made ({e}).")))?;
    let place = Place {
        config: args.config.clone().unwrap_or_default(),
        forge: format!("local:{}", scratch.path().display()),
        artifacts: scratch.path().join("artifacts"),
        mode: None,
        write: false,
        dry_run: false,
        intent: None,
        tags: Vec::new(),
    };
    let slug: RepoSlug = "eval/case".parse().map_err(|e| Failure::internal(format!("{e}")))?;
    let text = match &args.config {
        Some(path) => session::read_capped(path, 1 << 20)?,
        None => format!("version: 1\nrepositories:\n  - slug: {slug}\n").into_bytes(),
    };
    let file_name = args.config.as_ref().map_or_else(|| "built-in".to_owned(), |path| path.display().to_string());
    let flags = Flags { mode: None, dry_run: false };
    let beside = session::FolderOf::file(args.config.as_deref().unwrap_or(Path::new(".")));
    let input = LoadInput { file_name: &file_name, text: &text, env: &env, flags: &flags, beside: &beside };
    let loaded = config::load(&input).map_err(|problems| Failure::config(problems.to_string()))?;
    let folder = args.config.as_deref().and_then(Path::parent).unwrap_or(Path::new(".")).to_owned();
    let session = session::open_with(&place, Privilege::All, loaded, &folder, &env)?;
    let template = session.loaded.config.repositories.first().cloned().unwrap_or_else(|| Policy::built_in(slug));
    let forge = LocalForge::open(scratch.path(), Arc::new(|| OsSystem::new().now()))?;
    let ledger = Mutex::new(Ledger::new(session.loaded.config.budget.run, Allowance::Unlimited));
    let mut report = EvalReport { cases: Vec::new(), totals: BTreeMap::new() };
    for folder in case_folders(&args.cases, args.only.as_deref())? {
        let result = one(&folder, &template, &session, &forge, &ledger).await?;
        *report.totals.entry(result.status.as_str()).or_default() += 1;
        report.cases.push(result);
    }
    output.document(global.format, &report, &in_text(&report))?;
    Ok(ExitClass::Ok)
}

/// Lists the folders that are cases, sorted; loose files beside them are not.
fn case_folders(cases: &Path, only: Option<&str>) -> Result<Vec<PathBuf>, Failure> {
    let cannot = |e: std::io::Error| Failure::config(format!("{} cannot be read ({e}).", cases.display()));
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(cases).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.join("case.yml").is_file() && only.is_none_or(|part| name.contains(part)) {
            folders.push(path);
        }
    }
    folders.sort();
    if folders.is_empty() {
        return Err(Failure::config(format!(
            "{} has no case; a case is a folder with repo/, report.md and case.yml.",
            cases.display()
        )));
    }
    Ok(folders)
}

/// Takes one case down the whole road.
async fn one(
    folder: &Path,
    template: &Policy,
    session: &session::Session,
    forge: &LocalForge,
    ledger: &Mutex<Ledger>,
) -> Result<CaseResult, Failure> {
    let id = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let began = session.system.monotonic();
    let text = String::from_utf8_lossy(&session::read_capped(&folder.join("case.yml"), FILE_CAP)?).into_owned();
    let case: CaseFile = serde_yaml::from_str(&text)
        .map_err(|e| Failure::config(format!("{}: {e}", folder.join("case.yml").display())))?;
    let mut result = CaseResult {
        id: id.clone(),
        status: Status::Skipped,
        rule: None,
        message: None,
        source: None,
        pattern: None,
        evidence: None,
        diff: None,
        cost_microusd: MicroUsd::ZERO,
        tokens: Tokens::default(),
        seconds: 0.0,
    };
    if let Some(program) = fleet::missing_program(&case.needs) {
        result.message = Some(format!("{program} is not installed ({}).", case.language));
        return Ok(result);
    }
    let slug: RepoSlug =
        format!("eval/{id}").parse().map_err(|e| Failure::config(format!("{}: {e}", folder.display())))?;
    let files = tree_files(&folder.join("repo"))?;
    let base = fleet::make_repository(forge, &slug, &files, "The case as it was reported.").await?;
    let policy = case_policy(template, &slug, &case);
    let report = case_report(folder, &case)?;
    match work(report, &slug, &base, &policy) {
        Err(skip) => (result.rule, result.message) = (Some(skip.reason), Some(skip.message)),
        Ok(work) => {
            let now = session.system.now();
            let fixer = PatternFixer::new(&session.library, now);
            let fixers: [&dyn Fixer; 2] = [&NativeFixer, &fixer];
            let means = Means {
                policy: &policy,
                fixers: &fixers,
                run_id: &session.run.id,
                run_url: None,
                version: &session.run.version,
                now,
            };
            let checkout = session.workspace.open(&slug, &base).await;
            let checkout = checkout.map_err(|e| Failure::internal(format!("{id}: {e}")))?;
            let outcome = attempt::whole_road(&work, checkout.as_ref(), &means, ledger).await;
            (result.cost_microusd, result.tokens) = (outcome.cost, outcome.tokens);
            match outcome.attempted {
                Attempted::Proven(candidate) => {
                    result.status = Status::Fixed;
                    result.source = Some(candidate.source);
                    result.pattern.clone_from(&candidate.pattern);
                    result.evidence = Some(candidate.evidence.kind);
                    result.diff = outcome.proven.map(|patch| guardrail::Change::from_patch(&patch).to_diff());
                }
                Attempted::Settled(settled) => {
                    (result.status, result.rule) = (settled.status, Some(settled.reason));
                    result.message = Some(settled.message);
                }
            }
        }
    }
    result.seconds = session.system.monotonic().saturating_sub(began).as_secs_f64();
    Ok(result)
}

/// Returns the policy of a case: the given defaults, with what the case itself says.
fn case_policy(template: &Policy, slug: &RepoSlug, case: &CaseFile) -> Policy {
    let mut policy = template.clone();
    policy.slug = slug.clone();
    policy.commands.test = Some(case.test_command.clone());
    // A case says where its bug lies only for people; a fix elsewhere that proves itself is as good.
    let _ = &case.fixed_files;
    policy
}

fn case_report(folder: &Path, case: &CaseFile) -> Result<Report, Failure> {
    let text = String::from_utf8_lossy(&session::read_capped(&folder.join("report.md"), FILE_CAP)?).into_owned();
    let (title, body) = split_title(&text);
    Ok(Report {
        id: ReportId::Issue { number: 1 },
        url: folder.join("report.md").display().to_string(),
        title: title.into(),
        body: body.into(),
        author: None::<Actor>,
        labels: case.labels.clone(),
        created_at: crate::model::Timestamp::default(),
        reopened_at: None,
        updated_at: crate::model::Timestamp::default(),
    })
}

/// Splits a report's file: the first line is the title where it is written `# title`.
pub(crate) fn split_title(text: &str) -> (&str, &str) {
    match text.split_once('\n') {
        Some((first, rest)) if first.starts_with("# ") => (first.trim_start_matches("# ").trim(), rest),
        _ => ("", text),
    }
}

/// Makes work of a report, with empty state.
fn work(report: Report, slug: &RepoSlug, base: &ObjectId, policy: &Policy) -> Result<Work, intake::Skip> {
    let failure = intake::read_report(&report)?;
    let identity = fingerprint::identify(&failure);
    let body_hash = sha256_hex(report.body.as_str().as_bytes());
    let inputs = AttemptInputs::new(base.as_str(), &[], "", &policy.config_hash(), &body_hash);
    let state = FailureState::new(identity.fingerprint.clone(), identity.family.clone(), 1);
    Ok(Work {
        repository_id: 1,
        slug: slug.clone(),
        base_branch: "main".parse().expect("internal error: main is a legal branch"),
        base_sha: base.clone(),
        reports: vec![report.id.clone()],
        report,
        failure,
        fingerprint: identity.fingerprint,
        family: identity.family,
        episode: 1,
        regression: false,
        word: None,
        attempt: 1,
        inputs_specific: inputs.specific,
        inputs_baseline: inputs.baseline,
        replaces: None,
        state,
        related: Vec::new(),
    })
}

/// Reads every file below a folder, but for what a build left there.
fn tree_files(root: &Path) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let cannot = |path: &Path, e: std::io::Error| Failure::config(format!("{} cannot be read ({e}).", path.display()));
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(|e| cannot(&folder, e))? {
            let path = entry.map_err(|e| cannot(&folder, e))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if matches!(name.as_str(), "target" | "node_modules" | "__pycache__" | "build" | ".git") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = session::read_capped(&path, 64 << 20)?;
            let relative = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            files.push((relative, bytes));
        }
    }
    files.sort();
    Ok(files)
}

fn in_text(report: &EvalReport) -> String {
    let mut lines: Vec<String> = report
        .cases
        .iter()
        .map(|case| {
            let how = case.pattern.clone().or_else(|| case.rule.map(|rule| rule.to_string())).unwrap_or_default();
            format!("{:8} {:40} {how} ({:.1} s)", case.status.as_str(), case.id, case.seconds)
        })
        .collect();
    let totals: Vec<String> = report.totals.iter().map(|(status, n)| format!("{n} {status}")).collect();
    lines.push(totals.join(", "));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reports_first_line_is_its_title_only_where_it_says_so() {
        assert_eq!(split_title("# It broke\n\nbody"), ("It broke", "\nbody"));
        assert_eq!(split_title("no title\nbody"), ("", "no title\nbody"));
    }
}
