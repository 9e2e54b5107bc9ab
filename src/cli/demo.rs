//! `demo`: a small fleet with real bugs in a folder, and the main job over it. Layer 5.

#![expect(clippy::disallowed_methods, reason = "making a folder is what this command is for")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use crate::cli::args::{DemoArgs, Format, Global, Place};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::{Output, say};
use crate::cli::run::{self, Errand, Facts};
use crate::cli::{fleet, session};
use crate::config::Flags;
use crate::engine::Selection;
use crate::forge::local::LocalForge;
use crate::system::System as _;
use crate::system::os::OsSystem;

/// The fleet's files, embedded by the build script: path below `templates/demo/`, bytes.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/demo_files.rs"));
/// The file that marks a folder as a demo's.
const MARK: &str = "homeostat.yml";

/// What `demo.yml` says of a repository.
#[derive(Debug, Deserialize)]
struct DemoEntry {
    slug: String,
    language: String,
    #[serde(default)]
    needs: Vec<String>,
    test_command: String,
    description: String,
}

/// Carries the command out.
pub(crate) async fn demo(args: &DemoArgs, global: &Global, output: &Output) -> Outcome {
    let dir = &args.dir;
    let config = dir.join(MARK);
    if config.is_file() {
        say(&format!("The fleet in {} is there already; running over it again.", dir.display()));
    } else {
        make(dir).await?;
    }
    let place = Place {
        config: config.clone(),
        forge: format!("local:{}", dir.display()),
        artifacts: dir.join("artifacts"),
        mode: None,
        write: false,
        dry_run: false,
        intent: None,
        tags: Vec::new(),
    };
    let env = session::environment();
    let loaded = session::load(&config, &env, Flags { mode: None, dry_run: false })?;
    let session = session::open_with(&place, session::Privilege::All, loaded, dir, &env)?;
    let facts = Facts { intent: Some("demo".to_owned()), tags: Vec::new() };
    let (report, class) =
        run::drive(&session, &place.artifacts, &Errand::Run(Selection::default()), &facts, global, output).await?;
    if global.format == Format::Text {
        say(&run::in_short(&report, false));
        say(&what_next(dir, &report));
    }
    Ok(class)
}

/// Makes the fleet: bare repositories, issues, failed runs, and a configuration.
async fn make(dir: &Path) -> Result<(), Failure> {
    let cannot = |e: std::io::Error| {
        Failure::config(format!("The fleet cannot be made in {} ({e}); name another folder with --dir.", dir.display()))
    };
    if dir.exists() && std::fs::read_dir(dir).map_err(cannot)?.next().is_some() {
        return Err(Failure::config(format!(
            "{} is not empty and has no {MARK}, so it is not a demo's; name another folder with --dir.",
            dir.display()
        )));
    }
    std::fs::create_dir_all(dir).map_err(cannot)?;
    let forge = LocalForge::open(dir, Arc::new(|| OsSystem::new().now()))?;
    let mut by_name: BTreeMap<&str, Vec<(&str, &[u8])>> = BTreeMap::new();
    for (path, bytes) in FILES {
        if let Some((name, rest)) = path.split_once('/') {
            by_name.entry(name).or_default().push((rest, bytes));
        }
    }
    let mut yaml = String::from("version: 1\nrepositories:\n");
    for (name, files) in by_name {
        let entry = files.iter().find(|(path, _)| *path == "demo.yml").map(|(_, bytes)| *bytes).unwrap_or_default();
        let entry: DemoEntry = serde_yaml::from_str(&String::from_utf8_lossy(entry))
            .map_err(|e| Failure::internal(format!("templates/demo/{name}/demo.yml: {e}")))?;
        if let Some(program) = fleet::missing_program(&entry.needs) {
            say(&format!("{}: skipped, since {program} is not installed ({}).", entry.slug, entry.language));
            continue;
        }
        let slug = entry.slug.parse().map_err(|e| Failure::internal(format!("{e}")))?;
        let tree: Vec<(String, Vec<u8>)> = files
            .iter()
            .filter_map(|(path, bytes)| Some((path.strip_prefix("repo/")?.to_owned(), bytes.to_vec())))
            .collect();
        fleet::make_repository(&forge, &slug, &tree, &entry.description).await?;
        // Issues, and failed workflow runs with their logs, as people would put them there.
        let folder = dir.join(slug.to_string());
        std::fs::create_dir_all(folder.join("issues")).map_err(cannot)?;
        for (path, bytes) in files.iter().filter(|(path, _)| path.starts_with("issues/") || path.starts_with("runs/")) {
            let file = folder.join(path);
            std::fs::create_dir_all(file.parent().unwrap_or(&folder)).map_err(cannot)?;
            std::fs::write(file, bytes).map_err(cannot)?;
        }
        let command = serde_json::to_string(&entry.test_command).unwrap_or_default();
        yaml.push_str(&format!("  - slug: {slug}\n    test_command: {command}\n"));
        say(&format!("{slug}: {} ({})", entry.description, entry.language));
    }
    std::fs::write(dir.join(MARK), yaml).map_err(cannot)
}

/// Says what is worth a look.
fn what_next(dir: &Path, report: &crate::render::RunReport) -> String {
    let dir = dir.display();
    let first = report.repositories.iter().find_map(|one| {
        one.pull_requests.first().and_then(|pull| Some((one.slug.clone(), pull.number?, pull.branch.clone())))
    });
    let mut lines = vec!["\nWhat to look at next:".to_owned()];
    if let Some((slug, number, branch)) = first {
        lines.push(format!("  a pull request   {dir}/{slug}/pulls/{number}.md"));
        lines.push(format!("  its change       git --git-dir {dir}/{slug}.git diff main...{branch}"));
    }
    lines.push(format!("  the summary      {dir}/artifacts/summary-{}.md", report.run_id));
    lines.push(format!("  every event      {dir}/artifacts/run-{}.jsonl", report.run_id));
    lines.push(format!("  the state        git --git-dir {dir}/.homeostat/state.git log --stat homeostat-state"));
    lines.push("  run it again     the same command: nothing is written twice".to_owned());
    lines.join("\n")
}
