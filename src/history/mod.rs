//! Past runs, read back from the lines that they left. Layer 1.
//!
//! A record may be torn at its end, or written by a later version: what cannot be read is counted, and never stops the rest.

pub mod archive;
pub mod cost;
mod join;

use serde::Serialize;

use crate::event::{
    AttemptFinished, Event, Line, Recovered, Refusal, RepositoryFinished, RunFinished, RunStarted, Write,
};
use crate::model::{MicroUsd, PullOutcome, Timestamp};
use crate::render::{PullReport, RefusalReport, RepositoryReport, RunReport, SummaryFacts, Totals};

pub use join::joined;

/// One past run.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Past {
    /// Its id.
    pub run_id: String,
    /// Its first line's time.
    pub started_at: Option<Timestamp>,
    /// Its last line's time.
    pub finished_at: Option<Timestamp>,
    /// How and why it was started.
    pub started: Option<RunStarted>,
    /// How it ended; nothing where the record does not go that far.
    pub finished: Option<RunFinished>,
    /// How its attempts ended.
    pub attempts: Vec<AttemptFinished>,
    /// Its repositories' metrics.
    pub repositories: Vec<RepositoryFinished>,
    /// What rules refused.
    pub refusals: Vec<Refusal>,
    /// What it meant to write, and what came of it.
    pub writes: Vec<Write>,
    /// What it found to have become of pull requests.
    pub outcomes: Vec<PullOutcome>,
    /// What it finished for others.
    pub recovered: Vec<Recovered>,
    /// Lines of a kind that this version does not know.
    pub unknown: u64,
    /// Lines that are no record at all.
    pub unreadable: u64,
}

impl Past {
    /// Reads a run's lines.
    pub fn read(run_id: &str, text: &str) -> Self {
        let mut past = Self { run_id: run_id.to_owned(), ..Self::default() };
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            match serde_json::from_str::<Line>(line) {
                Ok(line) => past.add(line),
                Err(_) if has_type(line) => past.unknown += 1,
                Err(_) => past.unreadable += 1,
            }
        }
        past
    }

    fn add(&mut self, line: Line) {
        self.started_at = Some(self.started_at.map_or(line.time, |at| at.min(line.time)));
        self.finished_at = Some(self.finished_at.map_or(line.time, |at| at.max(line.time)));
        // What its shards told stands here too: how they began and ended says nothing of the whole.
        let own = line.run_id == self.run_id;
        match line.event {
            Event::RunStarted(event) if own || self.started.is_none() => self.started = Some(*event),
            Event::RunFinished(event) if own => self.finished = Some(*event),
            Event::RunStarted(_) | Event::RunFinished(_) => {}
            Event::AttemptFinished(event) => self.attempts.push(*event),
            Event::RepositoryFinished(event) => self.repositories.push(*event),
            Event::Refusal(event) => self.refusals.push(*event),
            Event::Write(event) => self.writes.push(*event),
            Event::Outcome(event) => self.outcomes.push(*event),
            Event::Recovered(event) => self.recovered.push(*event),
        }
    }

    /// Returns how it ended; `unknown` where the record does not go that far.
    pub fn exit_class(&self) -> &str {
        self.finished.as_ref().map_or("unknown", |finished| finished.exit_class.as_str())
    }

    /// Returns the totals; what a record without an end cannot tell is counted from its attempts.
    pub fn totals(&self) -> Totals {
        let told = self.finished.as_ref().and_then(|end| serde_json::from_value::<Totals>(end.totals.clone()).ok());
        told.unwrap_or_else(|| {
            let states = |state: &str| self.pulls().filter(|pull| pull.state == state).count() as u64;
            Totals {
                processed: self.attempts.len() as u64,
                prs_created: states("created") + states("adopted"),
                prs_updated: states("updated"),
                cost_usd: self.cost().to_string(),
                exit_class: self.exit_class().to_owned(),
                ..Totals::default()
            }
        })
    }

    /// Returns what its attempts cost.
    pub fn cost(&self) -> MicroUsd {
        self.attempts.iter().fold(MicroUsd::ZERO, |sum, attempt| sum.plus(attempt.cost_microusd))
    }

    /// Lists the pull requests that it made, changed or kept.
    pub fn pulls(&self) -> impl Iterator<Item = &crate::event::PullRef> {
        self.attempts.iter().filter_map(|attempt| attempt.pr.as_ref())
    }

    /// Puts the run's report together again, as far as its lines tell.
    pub fn report(&self) -> RunReport {
        let repositories = self.repositories.iter().map(|one| self.repository(one)).collect();
        RunReport { run_id: self.run_id.clone(), repositories, totals: self.totals(), ..RunReport::default() }
    }

    fn repository(&self, one: &RepositoryFinished) -> RepositoryReport {
        let attempts = || self.attempts.iter().filter(|attempt| attempt.repo == one.repo);
        let pulls = attempts().filter_map(|attempt| {
            let pull = attempt.pr.as_ref()?;
            Some(PullReport {
                number: Some(pull.number),
                url: Some(pull.url.clone()),
                branch: attempt.branch.clone().unwrap_or_default(),
                fingerprint: attempt.fingerprint.clone(),
                episode: attempt.episode,
                state: pull.state.clone(),
                source: attempt.source,
                draft: false,
                evidence: attempt.evidence.as_ref().map(|evidence| evidence.kind),
                warnings: Vec::new(),
                runs_wait: false,
            })
        });
        let refusals = self.refusals.iter().filter(|refusal| refusal.repo == one.repo);
        RepositoryReport {
            slug: one.repo.clone(),
            issues_processed: attempts().filter(|attempt| attempt.report.kind == "issue").count() as u64,
            runs_processed: attempts().filter(|attempt| attempt.report.kind == "run").count() as u64,
            pull_requests: pulls.collect(),
            refusals: refusals
                .map(|refusal| RefusalReport {
                    fingerprint: refusal.fingerprint.clone(),
                    rule: refusal.rule,
                    message: refusal.message.clone(),
                })
                .collect(),
            cooldowns: one.cooldowns,
            backlog: one.backlog.clone(),
            tokens: one.tokens,
            patterns_used: one.patterns_used.clone(),
            zero_cost_fixes: one.zero_cost_fixes,
            cost_microusd: one.cost,
            error: (!one.errors.is_empty()).then(|| one.errors.join(" ")),
            ..RepositoryReport::default()
        }
    }

    /// Returns what a summary says of the run besides its report.
    pub fn facts(&self) -> SummaryFacts {
        let started_at = self.started_at.unwrap_or_default();
        SummaryFacts {
            started_at,
            seconds: self.finished_at.unwrap_or(started_at).since(started_at).as_secs_f64(),
            version: self.started.as_ref().map_or_else(|| "?".to_owned(), |start| start.version.clone()),
            environment: self.started.as_ref().map_or_else(|| "?".to_owned(), |start| start.environment.clone()),
            dry_run: self.started.as_ref().is_some_and(|start| start.dry_run),
            ..SummaryFacts::default()
        }
    }
}

/// Returns whether a line is a record, if of a kind that is not known here.
fn has_type(line: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(line).is_ok_and(|value| value.get("type").is_some())
}

/// Reads a run's id out of the name of its file, `run-<id>.jsonl` or `<id>.jsonl`.
pub fn run_id_of(name: &str) -> Option<&str> {
    let stem = name.strip_suffix(".jsonl")?;
    let id = stem.strip_prefix("run-").unwrap_or(stem);
    let legal = !id.is_empty() && id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    legal.then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(kind: &str, rest: &str) -> String {
        let id = ("0".repeat(32), "0".repeat(16));
        format!(
            r#"{{"schema":"homeostat.event/1","time":"2026-11-23T10:00:01.000Z","run_id":"r","trace_id":"{}","span_id":"{}","type":"{kind}"{rest}}}"#,
            id.0, id.1
        )
    }

    #[test]
    fn a_record_that_is_torn_or_newer_is_read_as_far_as_it_goes() {
        let finished = line("run.finished", r#","totals":{"processed":3},"exit_class":"ok""#);
        let text = format!("{}\n{finished}\n\n{{\"schema\":\"home", line("later.kind", r#","x":1"#));
        let past = Past::read("r", &text);
        assert_eq!((past.exit_class(), past.unknown, past.unreadable), ("ok", 1, 1));
        assert_eq!(past.started_at, past.finished_at);
        assert_eq!(Past::read("r", "").exit_class(), "unknown");
    }

    /// A run over two repositories: in one an issue fixed and a failed run refused, the other could not be read.
    fn told() -> Vec<String> {
        let tokens = r#"{"input":7,"output":0,"cache_read":0,"cache_write":0,"reasoning":0}"#;
        let attempt = |kind: &str, status: &str, cost: u64, rest: &str| {
            let report = format!(r#"{{"kind":"{kind}","number":null,"url":"u"}}"#);
            let at = "2026-11-23T10:00:00.000Z";
            line(
                "attempt.finished",
                &format!(
                    r#","repo":"acme/shop","fingerprint":"hf1:a","family":"hff1:a","episode":2,"error_type":"KeyError","report":{report},"lane":"code","kind":"test","status":"{status}","started_at":"{at}","completed_at":"{at}","attempt":1,"base_sha":"b","cost_microusd":{cost},"tokens":{tokens},"latency_ms":5,"also_fixes":[],"logs":[]{rest}"#
                ),
            )
        };
        let pull = r#","source":"pattern","branch":"homeostat/x","pr":{"number":4,"url":"p","state":"created"}"#;
        let repository = |repo: &str, cost: u64, errors: &str| {
            line(
                "repository.finished",
                &format!(
                    r#","repo":"{repo}","fingerprints_processed":[],"prs_created":[],"prs_updated":[],"cooldowns":1,"cost":{cost},"tokens":{tokens},"latency":9,"errors":{errors},"patterns_used":["py-key"],"zero_cost_fixes":1,"backlog":{{"cap":2}}"#
                ),
            )
        };
        let write = r#","phase":"done","repo":"acme/shop","verb":"create-branch","branch":"b","key":"k","digest":"d","result":null"#;
        vec![
            line(
                "run.started",
                r#","triggered_by":"schedule","intent":null,"parent_run_id":null,"tags":[],"metadata":{},"version":"9.8.7","config_hash":"c","environment":"production","dry_run":true"#,
            ),
            attempt("issue", "fixed", 30, pull),
            attempt("run", "refused", 12, r#","rule":"diff-files""#),
            line("refusal", r#","repo":"acme/shop","fingerprint":"hf1:a","rule":"diff-files","message":"Too many.""#),
            line("write", write),
            line("recovered", r#","repo":"acme/shop","fingerprint":"hf1:a","what":"A branch.""#),
            repository("acme/shop", 42, "[]"),
            repository("acme/api", 0, r#"["Not","there."]"#),
        ]
    }

    #[test]
    fn how_a_shard_began_and_ended_says_nothing_of_the_whole() {
        let of_shard = |line: String| line.replace(r#""run_id":"r""#, r#""run_id":"r-1""#);
        let started = told().remove(0);
        let end = |class: &str| line("run.finished", &format!(r#","totals":{{}},"exit_class":"{class}""#));
        let lines = [started.clone(), of_shard(started.replace("schedule", "other")), of_shard(end("budget"))];
        let past = Past::read("r", &lines.join("\n"));
        assert_eq!(past.started.as_ref().map(|start| start.triggered_by.as_str()), Some("schedule"));
        assert_eq!(past.exit_class(), "unknown");
        let past = Past::read("r", &[&lines[..], &[end("ok"), of_shard(end("budget"))]].concat().join("\n"));
        assert_eq!(past.exit_class(), "ok");
    }

    #[test]
    fn a_report_is_put_together_again_from_a_runs_lines() {
        let past = Past::read("r", &told().join("\n"));
        assert_eq!((past.unknown, past.unreadable), (0, 0));
        let report = past.report();
        let [shop, api] = report.repositories.as_slice() else { panic!("{report:?}") };
        assert_eq!((shop.issues_processed, shop.runs_processed, shop.cooldowns, shop.zero_cost_fixes), (1, 1, 1, 1));
        let [pull] = shop.pull_requests.as_slice() else { panic!("{shop:?}") };
        assert_eq!((pull.number, pull.branch.as_str(), pull.state.as_str()), (Some(4), "homeostat/x", "created"));
        assert_eq!((pull.episode, pull.source), (2, Some(crate::model::Source::Pattern)));
        let [refusal] = shop.refusals.as_slice() else { panic!("{shop:?}") };
        assert_eq!((refusal.rule, refusal.message.as_str()), (crate::model::Reason::DiffFiles, "Too many."));
        assert_eq!((shop.backlog.get("cap"), shop.error.as_deref()), (Some(&2), None));
        assert_eq!((api.pull_requests.len(), api.error.as_deref()), (0, Some("Not there.")));
        assert_eq!((past.writes.len(), past.recovered.len()), (1, 1));
    }

    #[test]
    fn totals_that_a_killed_run_never_wrote_are_counted_from_its_attempts() {
        let mut lines = told();
        let cut = Past::read("r", &lines.join("\n"));
        assert_eq!(cut.cost(), MicroUsd(42));
        let totals = cut.totals();
        assert_eq!((totals.processed, totals.prs_created, totals.prs_updated), (2, 1, 0));
        assert_eq!((totals.cost_usd, totals.exit_class.as_str()), (cut.cost().to_string(), "unknown"));
        let own = serde_json::to_string(&Totals { processed: 77, exit_class: "ok".to_owned(), ..Totals::default() });
        let own = own.expect("totals are JSON");
        lines.push(line("run.finished", &format!(r#","totals":{own},"exit_class":"ok""#)));
        assert_eq!(Past::read("r", &lines.join("\n")).totals().processed, 77, "its own word comes first");
    }

    #[test]
    fn a_summarys_facts_come_from_the_first_line() {
        let facts = Past::read("r", &told().join("\n")).facts();
        assert_eq!((facts.version.as_str(), facts.environment.as_str(), facts.dry_run), ("9.8.7", "production", true));
        let torn = Past::read("r", "").facts();
        assert_eq!((torn.version.as_str(), torn.environment.as_str(), torn.seconds), ("?", "?", 0.0));
    }

    #[test]
    fn a_run_is_known_by_the_name_of_its_file() {
        assert_eq!(run_id_of("run-20261123T100000Z-0a1b2c3d.jsonl"), Some("20261123T100000Z-0a1b2c3d"));
        assert_eq!(run_id_of("20261123T100000Z-0a1b2c3d.jsonl"), Some("20261123T100000Z-0a1b2c3d"));
        for other in ["summary-x.md", "run-.jsonl", "run-../x.jsonl", "manifest.json"] {
            assert_eq!(run_id_of(other), None, "{other}");
        }
    }
}
