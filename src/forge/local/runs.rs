//! Workflow runs as they lie in the folder: `runs/<n>/run.yml`, a log file for each job, `<name>.zip` for what it left.
//! Layer 3.
//!
//! Only `workflow` is required. Without a list of jobs each `.log` file is a failed job named after the file, so that a
//! person can put a log there and be done.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::text::{Moment, quoted, scalar};
use super::{LocalStorage, files, number_in};
use crate::forge::rules::{JobRecord, RunRecord, Storage as _, actor, job_place};
use crate::forge::{Conclusion, ForgeError, ForgeResult, Step};
use crate::model::{ObjectId, RepoSlug};

/// What `run.yml` holds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RunFile {
    workflow: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    branch: Option<String>,
    #[serde(default)]
    commit: Option<ObjectId>,
    #[serde(default)]
    event: Option<String>,
    #[serde(default)]
    actor: Option<String>,
    #[serde(default)]
    fork: bool,
    #[serde(default)]
    attempt: Option<u32>,
    #[serde(default)]
    conclusion: Option<Conclusion>,
    #[serde(default)]
    created_at: Option<Moment>,
    #[serde(default)]
    completed_at: Option<Moment>,
    #[serde(default)]
    jobs: Vec<JobFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct JobFile {
    name: String,
    #[serde(default)]
    conclusion: Option<Conclusion>,
    #[serde(default)]
    runner_labels: Vec<String>,
    #[serde(default)]
    steps: Vec<StepFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StepFile {
    name: String,
    #[serde(default)]
    conclusion: Option<Conclusion>,
}

/// Returns the file name of a job's log: its name with everything that a file name should not hold made a dash.
fn log_name(job: &str) -> String {
    let safe = |c: char| if c.is_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' };
    format!("{}.log", job.chars().map(safe).collect::<String>())
}

impl LocalStorage {
    fn run_folder(&self, slug: &RepoSlug, number: u64) -> PathBuf {
        self.folder(slug).join("runs").join(number.to_string())
    }

    /// Reads every run, and says which could not be read.
    pub(super) async fn read_runs(&self, slug: &RepoSlug) -> ForgeResult<(BTreeMap<u64, RunRecord>, Vec<String>)> {
        let (mut runs, mut broken) = (BTreeMap::new(), Vec::new());
        for number in files::names(&self.folder(slug).join("runs"))?.iter().filter_map(|name| number_in(name)) {
            match self.read_run(slug, number).await {
                Ok(Some(run)) => {
                    runs.insert(number, run);
                }
                Ok(None) => {}
                Err(ForgeError::Invalid(why) | ForgeError::Denied(why) | ForgeError::Transient(why)) => {
                    broken.push(why);
                }
                Err(error) => return Err(error),
            }
        }
        Ok((runs, broken))
    }

    async fn read_run(&self, slug: &RepoSlug, number: u64) -> ForgeResult<Option<RunRecord>> {
        let folder = self.run_folder(slug, number);
        let path = folder.join("run.yml");
        let Some(file) = files::read(&path)? else { return Ok(None) };
        let wrong = |why: String| ForgeError::Invalid(format!("{}: {why}.", path.display()));
        let run: RunFile = serde_yaml::from_str(&file.text).map_err(|error| wrong(super::text::plain(&error)))?;
        let branch = match run.branch {
            Some(branch) => branch,
            None => self.repository(slug).await?.default_branch.to_string(),
        };
        let commit = match run.commit {
            Some(commit) => commit,
            None => self
                .refs(slug)
                .await?
                .remove(&branch)
                .ok_or_else(|| wrong(format!("there is no branch {branch}, and no commit is given")))?,
        };
        let conclusion = run.conclusion.unwrap_or(Conclusion::Failure);
        let jobs = if run.jobs.is_empty() {
            jobs_by_logs(&folder, conclusion)?
        } else {
            run.jobs.into_iter().map(|job| job.record(conclusion)).collect()
        };
        let created_at = run.created_at.map_or(file.born, |moment| moment.0);
        Ok(Some(RunRecord {
            name: run.name.unwrap_or_else(|| run.workflow.clone()),
            workflow: run.workflow,
            branch,
            commit,
            event: run.event.unwrap_or_else(|| "push".to_owned()),
            actor: Some(actor(run.actor.as_deref().unwrap_or(slug.owner()))),
            fork: run.fork,
            attempt: run.attempt.unwrap_or(1),
            conclusion,
            created_at,
            completed_at: run.completed_at.map_or(file.modified, |moment| moment.0).max(created_at),
            jobs,
        }))
    }

    /// Reads the end of a job's log.
    pub(super) async fn read_job_log(
        &self,
        slug: &RepoSlug,
        job: u64,
        limit: usize,
    ) -> ForgeResult<Option<(Vec<u8>, bool)>> {
        let (number, place) = job_place(job);
        let Some(run) = self.read_run(slug, number).await? else { return Ok(None) };
        let Some(job) = run.jobs.get(place) else { return Ok(None) };
        files::read_tail(&self.run_folder(slug, number).join(log_name(&job.name)), limit)
    }

    /// Writes a run: its logs first, so that a run that can be seen is whole.
    pub(super) fn write_run(&self, slug: &RepoSlug, number: u64, run: &RunRecord, logs: &[Vec<u8>]) -> ForgeResult<()> {
        let folder = self.run_folder(slug, number);
        for (job, log) in run.jobs.iter().zip(logs) {
            files::write(&folder.join(log_name(&job.name)), &String::from_utf8_lossy(log))?;
        }
        files::write(&folder.join("run.yml"), &write_run(run))
    }

    /// Lists the zips that lie beside a run, by name, with their sizes.
    pub(super) fn list_artifacts(&self, slug: &RepoSlug, run: u64) -> ForgeResult<Vec<(String, u64)>> {
        let folder = self.run_folder(slug, run);
        let mut found = Vec::new();
        for file in files::names(&folder)? {
            let Some(name) = file.strip_suffix(".zip") else { continue };
            if let Some(size) = files::size(&folder.join(&file))? {
                found.push((name.to_owned(), size));
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Reads a zip that lies beside a run.
    pub(super) fn read_artifact(&self, slug: &RepoSlug, run: u64, name: &str) -> ForgeResult<Option<Vec<u8>>> {
        let path = self.run_folder(slug, run).join(format!("{name}.zip"));
        Ok(files::read_tail(&path, usize::MAX)?.map(|(bytes, _)| bytes))
    }

    /// Writes a zip beside a run.
    pub(super) fn write_artifact(&self, slug: &RepoSlug, run: u64, name: &str, zip: &[u8]) -> ForgeResult<()> {
        files::write_bytes(&self.run_folder(slug, run).join(format!("{name}.zip")), zip)
    }
}

fn jobs_by_logs(folder: &Path, conclusion: Conclusion) -> ForgeResult<Vec<JobRecord>> {
    let names = files::names(folder)?;
    let job = |name: &String| {
        let name = name.strip_suffix(".log")?.to_owned();
        Some(JobRecord { name, conclusion, runner_labels: Vec::new(), steps: Vec::new() })
    };
    Ok(names.iter().filter_map(job).collect())
}

impl JobFile {
    fn record(self, run: Conclusion) -> JobRecord {
        let conclusion = self.conclusion.unwrap_or(run);
        let step = |(at, step): (usize, StepFile)| Step {
            number: u32::try_from(at + 1).unwrap_or(u32::MAX),
            name: step.name,
            conclusion: Some(step.conclusion.unwrap_or(Conclusion::Success)),
        };
        JobRecord {
            name: self.name,
            conclusion,
            runner_labels: self.runner_labels,
            steps: self.steps.into_iter().enumerate().map(step).collect(),
        }
    }
}

/// Writes `run.yml`; reading gives back the same record.
fn write_run(run: &RunRecord) -> String {
    use std::fmt::Write as _;
    let word = |conclusion: Conclusion| match serde_json::to_value(conclusion) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    };
    let mut out = String::new();
    let mut line = |key: &str, value: &str| {
        let _always_ok = writeln!(out, "{key}: {value}");
    };
    line("workflow", &scalar(&run.workflow));
    line("name", &scalar(&run.name));
    line("branch", &scalar(&run.branch));
    line("commit", &quoted(run.commit.as_str()));
    line("event", &scalar(&run.event));
    if let Some(actor) = &run.actor {
        line("actor", &scalar(&actor.login));
    }
    if run.fork {
        line("fork", "true");
    }
    line("attempt", &run.attempt.to_string());
    line("conclusion", &word(run.conclusion));
    line("created_at", &run.created_at.to_string());
    line("completed_at", &run.completed_at.to_string());
    line("jobs", if run.jobs.is_empty() { "[]" } else { "" });
    for job in &run.jobs {
        line("  - name", &scalar(&job.name));
        line("    conclusion", &word(job.conclusion));
        let labels: Vec<String> = job.runner_labels.iter().map(|label| scalar(label)).collect();
        line("    runner_labels", &format!("[{}]", labels.join(", ")));
        line("    steps", if job.steps.is_empty() { "[]" } else { "" });
        for step in &job.steps {
            line("      - name", &scalar(&step.name));
            line("        conclusion", &word(step.conclusion.unwrap_or(Conclusion::Neutral)));
        }
    }
    out
}
