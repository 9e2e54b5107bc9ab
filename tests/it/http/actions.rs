//! Workflow runs, their jobs, and logs and artifacts that lie on another host.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use homeostat::forge::rules::{RunRecord, Storage};
use homeostat::forge::{Artifact, Forge as _};
use serde_json::{Value, json};

use super::exchange::{Answer, Content, Handled, page_of, refusal};
use super::routes::Place;

impl Place<'_> {
    async fn all_runs(&self) -> Result<Vec<(u64, RunRecord)>, Answer> {
        let (runs, _) = self.hub.forge.storage().runs(&self.slug).await.map_err(refusal)?;
        let mut runs: Vec<(u64, RunRecord)> = runs.into_iter().collect();
        runs.sort_by_key(|(number, run)| Reverse((run.created_at, *number)));
        Ok(runs)
    }

    pub(super) async fn runs(&self) -> Handled {
        let query = &self.request.query;
        let fits = |run: &RunRecord| {
            query.get("branch").is_none_or(|branch| *branch == run.branch)
                && query.get("event").is_none_or(|event| *event == run.event)
                && query.get("head_sha").is_none_or(|sha| *sha == run.commit.as_str())
                && query.get("status").is_none_or(|status| {
                    status == "completed" || json!(run.conclusion).as_str() == Some(status.as_str())
                })
        };
        let all = self.all_runs().await?;
        let shown = all.iter().filter(|(_, run)| fits(run));
        let shown = shown.map(|(number, run)| self.hub.site.run(&self.slug, &self.record, *number, run)).collect();
        Ok(self.counted("workflow_runs", shown))
    }

    pub(super) async fn run(&self, number: u64) -> Handled {
        let run = self.find_run(number).await?;
        Ok(Answer::json(200, self.hub.site.run(&self.slug, &self.record, number, &run)))
    }

    pub(super) async fn dispatch(&self, file: &str) -> Handled {
        let name = self.request.text("ref").unwrap_or_default().trim_start_matches("refs/heads/").to_owned();
        let Ok(branch) = name.parse() else { return Err(Answer::error(422, &format!("No ref found for: {name}"))) };
        self.hub.forge.dispatch_workflow(&self.slug, file, &branch).await.map_err(refusal)?;
        Ok(Answer::nothing(204))
    }

    async fn find_run(&self, number: u64) -> Result<RunRecord, Answer> {
        let found = self.all_runs().await?.into_iter().find(|(other, _)| *other == number);
        found.map(|(_, run)| run).ok_or_else(Answer::not_found)
    }

    pub(super) async fn jobs(&self, number: u64) -> Handled {
        let run = self.find_run(number).await?;
        let jobs = (0..run.jobs.len()).map(|place| self.hub.site.job(&self.slug, number, place, &run)).collect();
        Ok(self.counted("jobs", jobs))
    }

    /// The statuses of a commit: workflows leave none.
    pub(super) fn status(&self, sha: &str) -> Answer {
        let root = self.hub.site.repo(&self.slug);
        Answer::json(
            200,
            json!({
                "state": "pending", "sha": sha, "total_count": 0, "statuses": [],
                "repository": self.hub.site.repository(&self.slug, &self.record),
                "commit_url": format!("{root}/commits/{sha}"), "url": format!("{root}/commits/{sha}/status"),
            }),
        )
    }

    /// The check runs of a commit: one for each job of its workflows' newest runs.
    pub(super) async fn check_runs(&self, sha: &str) -> Handled {
        let mut seen = BTreeSet::new();
        let mut all = Vec::new();
        for (number, run) in self.all_runs().await? {
            if run.commit.as_str() == sha && seen.insert(run.workflow.clone()) {
                all.extend((0..run.jobs.len()).map(|place| self.hub.site.check_run(&self.slug, number, place, &run)));
            }
        }
        Ok(self.counted("check_runs", all))
    }

    /// A list inside an object, with its whole count.
    fn counted(&self, name: &str, all: Vec<Value>) -> Answer {
        let count = all.len();
        let (items, answer) = page_of(self.request, &self.hub.site.api, self.record.id, self.hub.page_cap, all);
        Answer { body: Content::Json(json!({"total_count": count, name: items})), ..answer }
    }

    /// Answers with the address of the log, which is good for anybody who has it and refuses every other proof.
    pub(super) async fn logs(&self, job: u64) -> Handled {
        let found = self.hub.forge.storage().job_log(&self.slug, job, 0).await.map_err(refusal)?;
        found.ok_or_else(Answer::not_found)?;
        let place = format!("{}/logs/{}/{job}?sig=secret", self.hub.logs, self.slug);
        Ok(Answer::nothing(302).with("location", place))
    }

    pub(super) async fn artifacts(&self) -> Handled {
        let (all, _) = self.hub.forge.artifacts_of(&self.slug).await.map_err(refusal)?;
        let named = |artifact: &&Artifact| self.request.query.get("name").is_none_or(|name| *name == artifact.name);
        let shown = all.iter().filter(named);
        let shown = shown.map(|artifact| self.hub.site.artifact(&self.slug, &self.record, artifact)).collect();
        Ok(self.counted("artifacts", shown))
    }

    /// Answers with the address of the zip, as for a log; what ran out is said to be gone.
    pub(super) async fn artifact(&self, id: u64, format: &str) -> Handled {
        let (all, _) = self.hub.forge.artifacts_of(&self.slug).await.map_err(refusal)?;
        let found = all.iter().find(|one| one.id == id && format == "zip").ok_or_else(Answer::not_found)?;
        if found.expired {
            return Err(Answer::error(410, "Artifact has expired"));
        }
        let place = format!("{}/artifacts/{}/{id}?sig=secret", self.hub.logs, self.slug);
        Ok(Answer::nothing(302).with("location", place))
    }
}

/// Answers for the host that keeps logs and artifacts: the file to whoever has the address, 400 to whoever shows a token as well.
pub(super) async fn stored_log(
    forge: &homeostat::forge::memory::MemoryForge,
    request: &super::exchange::Request,
) -> Answer {
    if request.headers.contains_key("authorization") {
        return Answer {
            body: Content::Raw("application/xml", b"<Error><Code>InvalidAuthenticationInfo</Code></Error>".to_vec()),
            ..Answer::nothing(400)
        };
    }
    let parts: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    let [kind, owner, name, id] = parts.as_slice() else { return Answer::nothing(404) };
    let (Ok(slug), Ok(id)) = (format!("{owner}/{name}").parse(), id.parse()) else { return Answer::nothing(404) };
    if !request.query.contains_key("sig") {
        return Answer::nothing(403);
    }
    if *kind == "artifacts" {
        return match forge.artifact(&slug, id, usize::MAX).await {
            Ok(zip) => Answer { body: Content::Raw("zip", zip), ..Answer::nothing(200) },
            Err(_) => Answer::nothing(404),
        };
    }
    match forge.storage().job_log(&slug, id, usize::MAX).await {
        Ok(Some((bytes, _))) => ranged(request, &bytes),
        _ => Answer::nothing(404),
    }
}

/// Answers a part where a part was asked for, as blob storage does.
fn ranged(request: &super::exchange::Request, bytes: &[u8]) -> Answer {
    let whole = Answer { body: Content::Raw("text/plain", bytes.to_vec()), ..Answer::nothing(200) };
    let Some(range) = request.headers.get("range").and_then(|text| text.strip_prefix("bytes=")) else { return whole };
    let length = bytes.len();
    let (start, end) = match range.split_once('-') {
        // The last so many bytes.
        Some(("", last)) => (length.saturating_sub(last.parse().unwrap_or(length)), length),
        Some((start, "")) => (start.parse().unwrap_or(0), length),
        Some((start, end)) => (start.parse().unwrap_or(0), end.parse::<usize>().map_or(length, |end| end + 1)),
        None => return whole,
    };
    let end = end.min(length);
    if start >= end {
        return Answer::nothing(416).with("content-range", format!("bytes */{length}"));
    }
    let part = bytes[start..end].to_vec();
    Answer { body: Content::Raw("text/plain", part), ..Answer::nothing(206) }
        .with("content-range", format!("bytes {start}-{}/{length}", end - 1))
}
