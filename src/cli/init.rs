//! `init`: a first configuration and a first workflow, as files or as a pull request. Layer 5.

#![expect(clippy::disallowed_methods, reason = "faces read and write files, and pass bytes")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tracing::Instrument as _;

use crate::cli::args::{Global, InitArgs, Place};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::{Output, say};
use crate::cli::record::RunRecord;
use crate::cli::run::{Facts, started};
use crate::cli::session::{self, Privilege, Session};
use crate::cli::workbench::Workbench;
use crate::config::{self, CONFIG_PATH, InitRepo, WORKFLOW_PATH, guess};
use crate::doctor::Severity;
use crate::engine::init::{Proposed, Wish, guess as guess_on_forge, propose};
use crate::engine::{Recorder as _, Veil, doctor};
use crate::event::{Event, RunFinished};
use crate::forge::Forge;
use crate::model::{Machine, Reason, RepoSlug};
use crate::plan::Action;
use crate::render::InitFile;
use crate::render::doctor::{Checkup, Fixed};
use crate::report::ExitClass;

/// Files that a guess reads.
const MANIFEST_CAP: u64 = 1 << 20;
/// Files listed for a guess.
const MOST_FILES: usize = 20_000;

/// What `init` prints after it wrote files.
#[derive(Debug, Serialize)]
struct Written {
    written: Vec<String>,
    guessed: Vec<String>,
    todo: Vec<String>,
}

/// What `init --pull-request` prints.
#[derive(Debug, Serialize)]
struct Document<'a> {
    run_id: &'a str,
    repository: String,
    /// `created`, `adopted`, `kept` or `left`; nothing where nothing was to be written.
    state: Option<&'a str>,
    number: Option<u64>,
    url: Option<&'a str>,
    /// The files that it adds, and those that are there and stay as they are.
    added: Vec<String>,
    there: Vec<String>,
    reason: Option<Reason>,
    message: &'a str,
    /// Labels that were made.
    labels: &'a [Fixed],
    /// What is left for a person.
    todo: &'a [String],
    actions: &'a [Action],
    writes: u64,
}

/// Carries the command out.
pub(crate) async fn init(args: &InitArgs, global: &Global, output: &Output) -> Outcome {
    if !args.dir.is_dir() {
        return Err(Failure::config(format!("--dir {} is no folder.", args.dir.display())));
    }
    let slugs: Vec<RepoSlug> = match (args.repo.is_empty(), slug_of(&args.dir)) {
        (false, _) => args.repo.clone(),
        (true, Some(slug)) => vec![slug],
        (true, None) => {
            return Err(Failure::config(format!(
                "{} has no remote to tell which repository it is; name it with --repo owner/name.",
                args.dir.display()
            )));
        }
    };
    if args.pull_request {
        on_the_forge(args, &slugs, global, output).await
    } else {
        as_files(args, slugs, global, output)
    }
}

/// Returns the files that set repositories up.
fn files(args: &InitArgs, repos: &[InitRepo]) -> Vec<InitFile> {
    let file = |path: &str, content: String, what: &'static str| InitFile {
        path: path.parse().expect("internal error: the path is legal"),
        content,
        what,
    };
    let mut files =
        vec![file(CONFIG_PATH, config::first_config(repos), "the configuration: repositories, tests, limits")];
    if let Some(action) = &args.action {
        let text = config::first_workflow(action, repos.len());
        files.push(file(WORKFLOW_PATH, text, "the workflow, with the action pinned to a commit"));
    }
    files
}

/// Says what is left for a person, a sentence each.
fn todos(args: &InitArgs, repos: &[InitRepo]) -> Vec<String> {
    let mut todos = Vec::new();
    let untested: Vec<String> =
        repos.iter().filter(|repo| repo.guessed.test.is_none()).take(5).map(|repo| repo.slug.to_string()).collect();
    if !untested.is_empty() {
        todos.push(format!("Set `test_command` in `{CONFIG_PATH}`; nothing says how to test {}.", untested.join(", ")));
    }
    if args.action.is_none() {
        todos.push(
            "Add a workflow: `homeostat init --action owner/homeostat@COMMIT` writes it, with the commit of a release."
                .to_owned(),
        );
    }
    todos.push(
        "In the settings under Actions, General, Workflow permissions: allow GitHub Actions to create pull requests."
            .to_owned(),
    );
    if repos.len() > 1 {
        todos.push(
            "Store the secrets `HOMEOSTAT_APP_ID` and `HOMEOSTAT_APP_KEY`: the token of a workflow reaches its own \
             repository alone."
                .to_owned(),
        );
    }
    if args.action.is_some() {
        todos.push(
            "Give the environment `homeostat` a required reviewer, if a person is to see each pull request before it \
             is opened."
                .to_owned(),
        );
    }
    todos.push("Run `homeostat doctor`: it says what else is missing, and how to mend it.".to_owned());
    todos
}

/// Writes files into the folder, and nothing over what is there.
fn as_files(args: &InitArgs, slugs: Vec<RepoSlug>, global: &Global, output: &Output) -> Outcome {
    let guessed = guessed(&args.dir);
    for said in &guessed.said {
        say(said);
    }
    let alone = slugs.len() == 1;
    let repos: Vec<InitRepo> = slugs
        .into_iter()
        .map(|slug| InitRepo {
            slug,
            branch: None,
            guessed: if alone { guessed.clone() } else { guess::Guessed::default() },
        })
        .collect();
    let files = files(args, &repos);
    if args.print {
        for (number, file) in files.iter().enumerate() {
            if number > 0 {
                output.line(&format!("\n# {}", file.path))?;
            }
            output.line(file.content.trim_end())?;
        }
        return Ok(ExitClass::Ok);
    }
    let paths: Vec<PathBuf> = files.iter().map(|file| args.dir.join(file.path.as_str())).collect();
    // All or nothing: half of it would look like the whole.
    if let Some(there) = paths.iter().find(|path| path.exists()) {
        return Err(is_there(there));
    }
    for (file, path) in files.iter().zip(&paths) {
        write_new(path, &file.content)?;
    }
    let written: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    let todo = todos(args, &repos);
    let mut next = vec![format!("Wrote {}.", written.join(" and "))];
    next.push(format!("Look it over, then: homeostat config check --config {}", written[0]));
    next.push(in_words(&todo));
    output.document(global.format, &Written { written, guessed: guessed.said, todo }, &next.join("\n"))?;
    Ok(ExitClass::Ok)
}

/// Proposes the files as a pull request, makes the labels, and says what else is missing.
async fn on_the_forge(args: &InitArgs, slugs: &[RepoSlug], global: &Global, output: &Output) -> Outcome {
    let into = match (&args.into, slugs) {
        (Some(into), _) => into.clone(),
        (None, [only]) => only.clone(),
        (None, _) => {
            return Err(Failure::config(
                "There are several repositories; say with --into owner/name which one holds configuration and workflow.",
            ));
        }
    };
    let place = Place {
        // What a checkout holds is not what is set up here.
        config: args.dir.join(CONFIG_PATH).join("none"),
        forge: args.forge.clone(),
        artifacts: args.artifacts.clone(),
        mode: None,
        write: args.write,
        dry_run: args.dry_run || args.print,
        intent: None,
        tags: Vec::new(),
    };
    let mut named = slugs.to_vec();
    if !named.contains(&into) {
        named.push(into.clone());
    }
    let session = session::open_for(&place, Privilege::Publish, &named)?;
    let span = tracing::info_span!("run", run_id = %session.run.id);
    drive(&session, args, slugs, &into, global, output).instrument(span).await
}

async fn drive(
    session: &Session,
    args: &InitArgs,
    slugs: &[RepoSlug],
    into: &RepoSlug,
    global: &Global,
    output: &Output,
) -> Outcome {
    let mut repositories = Vec::with_capacity(slugs.len());
    for slug in slugs {
        repositories.push(guess_on_forge(session.forge(), &session.system, slug).await?);
    }
    let (files, todos) = (files(args, &repositories), todos(args, &repositories));
    if args.print {
        for file in &files {
            output.line(&format!("# {}\n{}", file.path, file.content.trim_end()))?;
        }
        return Ok(ExitClass::Ok);
    }
    let record = RunRecord::open(&args.artifacts, &session.run.id, &session.system)?;
    let bench = Workbench::new(session, global.format, session.run.dry_run, Veil::default());
    let context = bench.context(&record);
    let journal = |event| record.record(event).map_err(Failure::internal);
    journal(started(session, &Facts { intent: None, tags: Vec::new() }, None))?;
    let wish = Wish { into, files, repositories: &repositories, todos: &todos };
    let proposed = propose(&context, &wish, session.loaded.config.mode).await?;
    let looked = doctor::look(&sight(session, &bench.forge, session::machine().await), true, session.run.dry_run).await;
    let writes = bench.finish().forge;
    let class = class_of(&proposed);
    let created = u64::from(proposed.state == Some("created"));
    let totals = serde_json::json!({ "processed": 1, "prs_created": created, "exit_class": class.as_str() });
    journal(Event::RunFinished(Box::new(RunFinished { totals, exit_class: class.as_str().to_owned() })))?;
    let checkup = looked.checkup.redacted(&session.redactor);
    for failure in &looked.failed {
        say(&format!("warning: {}", session.redactor.redact(failure).as_str()));
    }
    let document = document(session, into, &proposed, &checkup, &todos, writes);
    output.document(global.format, &document, &told(&document, &checkup))?;
    session.say_held_back();
    Ok(class)
}

/// What `doctor` looks at, for the labels and for what is left to do.
fn sight<'a>(session: &'a Session, forge: &'a dyn Forge, machine: Machine) -> doctor::Look<'a> {
    doctor::Look {
        forge,
        settings: session.settings(),
        system: &session.system,
        config: &session.loaded.config,
        only: None,
        own: None,
        operator: None,
        workflow: None,
        machine,
        server: "https://github.com",
        public: false,
    }
}

fn class_of(proposed: &Proposed) -> ExitClass {
    match proposed.reason {
        _ if proposed.retryable => ExitClass::Retryable,
        Some(Reason::AwaitingPr | Reason::Denied | Reason::ForeignBranch) => ExitClass::Refused,
        _ => ExitClass::Ok,
    }
}

fn document<'a>(
    session: &'a Session,
    into: &RepoSlug,
    proposed: &'a Proposed,
    checkup: &'a Checkup,
    todo: &'a [String],
    writes: u64,
) -> Document<'a> {
    Document {
        run_id: &session.run.id,
        repository: into.to_string(),
        state: proposed.state,
        number: proposed.pull.as_ref().map(|pull| pull.number),
        url: proposed.pull.as_ref().map(|pull| pull.url.as_str()),
        added: proposed.added.iter().map(ToString::to_string).collect(),
        there: proposed.there.iter().map(ToString::to_string).collect(),
        reason: proposed.reason,
        message: &proposed.message,
        labels: &checkup.fixed,
        todo,
        actions: &proposed.actions,
        writes,
    }
}

/// Tells it to people.
fn told(document: &Document<'_>, checkup: &Checkup) -> String {
    let mut lines = vec![format!("{}: {}", document.repository, document.message)];
    lines.extend(document.url.map(ToOwned::to_owned));
    lines.extend(document.added.iter().map(|path| format!("  adds {path}")));
    lines.extend(document.there.iter().map(|path| format!("  there already, left as it is: {path}")));
    lines.extend(document.labels.iter().map(|made| format!("  label {} made in {}", made.label, made.repository)));
    let problems = checkup.findings.iter().filter(|finding| finding.severity >= Severity::Warning);
    let mut todo = document.todo.to_vec();
    todo.extend(
        problems.map(|finding| {
            format!("{}: {} {}", finding.place, finding.what, finding.mend.as_deref().unwrap_or_default())
        }),
    );
    lines.push(in_words(&todo));
    lines.join("\n")
}

fn in_words(todos: &[String]) -> String {
    let mut lines = vec!["Left for a person:".to_owned()];
    lines.extend(todos.iter().map(|todo| format!("  - {}", todo.trim_end())));
    lines.join("\n")
}

fn is_there(path: &Path) -> Failure {
    Failure::config(format!(
        "{} is there already and was left as it is; use --print to see what would be written.",
        path.display()
    ))
}

/// Writes a file that must not be there yet.
fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    use std::io::Write as _;
    let cannot = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::AlreadyExists => is_there(path),
        _ => Failure::config(format!("{} cannot be written ({e}).", path.display())),
    };
    path.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(cannot)?;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(path).map_err(cannot)?;
    file.write_all(text.as_bytes()).map_err(cannot)
}

/// Guesses setup and test command from the files of a folder.
fn guessed(dir: &Path) -> guess::Guessed {
    let mut manifests = BTreeMap::new();
    let mut paths = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            let kind = entry.file_type().ok();
            if kind.is_some_and(|kind| kind.is_dir()) {
                if !matches!(name.as_str(), ".git" | "node_modules" | "target" | "vendor" | "dist") {
                    folders.push(path);
                }
                continue;
            }
            let relative = path.strip_prefix(dir).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            if folder == dir
                && let Ok(bytes) = session::read_capped(&path, MANIFEST_CAP)
            {
                manifests.insert(name, String::from_utf8_lossy(&bytes).into_owned());
            }
            paths.push(relative);
            if paths.len() >= MOST_FILES {
                return guess::commands(&manifests, &paths);
            }
        }
    }
    paths.sort();
    guess::commands(&manifests, &paths)
}

/// Reads which repository a checkout is from its remote's address.
pub(super) fn slug_of(dir: &Path) -> Option<RepoSlug> {
    let config = std::fs::read_to_string(dir.join(".git/config")).ok()?;
    let url = config.lines().find_map(|line| line.trim().strip_prefix("url = "))?;
    let path = url.trim_end_matches('/').trim_end_matches(".git");
    let mut parts = path.rsplit(['/', ':']);
    let (name, owner) = (parts.next()?, parts.next()?);
    format!("{owner}/{name}").parse().ok()
}
