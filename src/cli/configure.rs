//! `config` and `init`: what holds, where it comes from, and a first file. Layer 5.

#![expect(clippy::disallowed_methods, reason = "faces read and write files, and pass bytes")]

use std::collections::BTreeMap;
use std::path::Path;

use crate::cli::args::{ConfigArgs, ConfigCommand, Format, Global, InitArgs};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::{Output, say};
use crate::cli::session;
use crate::config::{self, Flags, InitRepo, LoadInput, Loaded, guess};
use crate::model::RepoSlug;
use crate::report::ExitClass;

/// Files that a guess reads.
const MANIFEST_CAP: u64 = 1 << 20;
/// Files listed for a guess.
const MOST_FILES: usize = 20_000;

/// Carries `config` out.
pub(crate) fn config(command: &ConfigCommand, global: &Global, output: &Output) -> Outcome {
    match command {
        ConfigCommand::Schema => output.document(Format::Json, &config::schema(), "")?,
        ConfigCommand::Show(args) => {
            let loaded = read(args)?;
            output.document(global.format, &config::show_json(&loaded), &config::show(&loaded))?;
        }
        ConfigCommand::Check(args) => return check(args, global, output),
    }
    Ok(ExitClass::Ok)
}

fn read(args: &ConfigArgs) -> Result<Loaded, Failure> {
    session::load(&args.config, &session::environment(), Flags { mode: None, dry_run: false })
}

/// Says everything that is wrong with a configuration, also as JSON.
fn check(args: &ConfigArgs, global: &Global, output: &Output) -> Outcome {
    let text = session::read_capped(&args.config, config::MAX_BYTES as u64)?;
    let (file_name, env) = (args.config.display().to_string(), session::environment());
    let flags = Flags { mode: None, dry_run: false };
    let beside = session::FolderOf::file(&args.config);
    match config::load(&LoadInput { file_name: &file_name, text: &text, env: &env, flags: &flags, beside: &beside }) {
        Err(problems) => {
            output.document(global.format, &problems, &problems.to_string())?;
            Ok(ExitClass::Config)
        }
        Ok(loaded) => {
            for warning in &loaded.warnings {
                say(&format!("warning: {warning}"));
            }
            let count = loaded.config.repositories.len();
            let answer = serde_json::json!({ "problems": [], "warnings": loaded.warnings, "repositories": count });
            let plural = if count == 1 { "y" } else { "ies" };
            output.document(
                global.format,
                &answer,
                &format!("{file_name}: {count} repositor{plural}, no problems."),
            )?;
            let strict = global.strict && !loaded.warnings.is_empty();
            Ok(if strict { ExitClass::Config } else { ExitClass::Ok })
        }
    }
}

/// Carries `init` out: guesses from the folder, says what it guessed, and writes nothing over what is there.
pub(crate) fn init(args: &InitArgs, global: &Global, output: &Output) -> Outcome {
    if !args.dir.is_dir() {
        return Err(Failure::config(format!("--dir {} is no folder.", args.dir.display())));
    }
    let guessed = guessed(&args.dir);
    let here = slug_of(&args.dir);
    let slugs: Vec<RepoSlug> = match (args.repo.is_empty(), here) {
        (false, _) => args.repo.clone(),
        (true, Some(slug)) => vec![slug],
        (true, None) => {
            return Err(Failure::config(format!(
                "{} has no remote to tell which repository it is; name it with --repo owner/name.",
                args.dir.display()
            )));
        }
    };
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
    let text = config::first_config(&repos);
    let path = args.dir.join(".homeostat/repos.yml");
    if args.print {
        output.line(text.trim_end())?;
        return Ok(ExitClass::Ok);
    }
    write_new(&path, &text)?;
    let answer = serde_json::json!({ "written": path.display().to_string(), "guessed": guessed.said });
    let next =
        format!("Wrote {}. Look it over, then: homeostat config check --config {}", path.display(), path.display());
    output.document(global.format, &answer, &next)?;
    Ok(ExitClass::Ok)
}

/// Writes a file that must not be there yet.
fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    use std::io::Write as _;
    let cannot = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::AlreadyExists => Failure::config(format!(
            "{} is there already and was left as it is; use --print to see what would be written.",
            path.display()
        )),
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
