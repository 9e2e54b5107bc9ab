//! What models cost so far, out of recorded events: by repository, tier, model and day, and for what came of it. Layer 1.
//!
//! Counts and sums only; nothing is estimated here. An attempt counts on the day on which it ended.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::history::Past;
use crate::model::{MicroUsd, PullEnd, Source, Status, Tokens};

/// One line of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Spent {
    /// Attempts that ended.
    pub attempts: u64,
    /// Of them, fixes that were proposed.
    pub fixes: u64,
    /// Money, in millionths of a dollar.
    pub cost_microusd: MicroUsd,
    /// Tokens.
    pub tokens: Tokens,
}

/// What one failure family cost, and how often it was fixed for money.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FamilySpent {
    /// The family.
    pub family: String,
    /// The error type last seen.
    pub error_type: String,
    /// What it took.
    #[serde(flatten)]
    pub spent: Spent,
}

/// What was spent, and for what.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Tally {
    /// Runs that were read.
    pub runs: u64,
    /// The first and the last day on which an attempt ended.
    pub days: Option<(String, String)>,
    /// Everything.
    pub total: Spent,
    /// Fixes that cost nothing.
    pub zero_cost_fixes: u64,
    /// Fixes that people merged.
    pub merged: u64,
    /// By repository.
    pub by_repository: BTreeMap<String, Spent>,
    /// By who made the patch, or how far the attempt went: `native`, `pattern`, or a model's tier.
    pub by_tier: BTreeMap<String, Spent>,
    /// By `provider/model`.
    pub by_model: BTreeMap<String, Spent>,
    /// By day, UTC.
    pub by_day: BTreeMap<String, Spent>,
    /// Families that cost money, the dearest first.
    pub families: Vec<FamilySpent>,
}

impl Tally {
    /// Returns what a proposed fix cost, failed attempts and free fixes included; none without a fix.
    pub fn per_fix(&self) -> Option<MicroUsd> {
        average(self.total.cost_microusd, self.total.fixes)
    }

    /// Returns what a merged fix cost, everything included; none without one.
    pub fn per_merged(&self) -> Option<MicroUsd> {
        average(self.total.cost_microusd, self.merged)
    }
}

/// Divides, rounded up.
fn average(cost: MicroUsd, count: u64) -> Option<MicroUsd> {
    (count > 0).then(|| MicroUsd(cost.0.div_ceil(count)))
}

/// Adds up past runs.
pub fn tally(pasts: &[Past]) -> Tally {
    let mut all = Tally { runs: pasts.len() as u64, ..Tally::default() };
    let mut families: BTreeMap<String, FamilySpent> = BTreeMap::new();
    let mut merged = BTreeSet::new();
    for attempt in pasts.iter().flat_map(|past| &past.attempts) {
        let fixed = attempt.status == Status::Fixed;
        let spent = Spent {
            attempts: 1,
            fixes: u64::from(fixed),
            cost_microusd: attempt.cost_microusd,
            tokens: attempt.tokens,
        };
        let tier = attempt.tier.clone().or_else(|| attempt.source.map(|source| source.to_string()));
        let model = attempt.provider.as_ref().zip(attempt.model.as_ref());
        let day = attempt.completed_at.day();
        all.total.add(&spent);
        all.by_repository.entry(attempt.repo.clone()).or_default().add(&spent);
        all.by_tier.entry(tier.unwrap_or_else(|| "none".to_owned())).or_default().add(&spent);
        if let Some((provider, model)) = model {
            all.by_model.entry(format!("{provider}/{model}")).or_default().add(&spent);
        }
        all.by_day.entry(day).or_default().add(&spent);
        let free = attempt.cost_microusd == MicroUsd::ZERO && attempt.source != Some(Source::Ai);
        all.zero_cost_fixes += u64::from(fixed && free);
        if !free {
            let family = families.entry(attempt.family.clone()).or_default();
            (family.family, family.error_type) = (attempt.family.clone(), attempt.error_type.clone());
            family.spent.add(&spent);
        }
    }
    for outcome in pasts.iter().flat_map(|past| &past.outcomes).filter(|one| one.outcome == PullEnd::Merged) {
        merged.insert((&outcome.repo, outcome.number));
    }
    all.merged = merged.len() as u64;
    all.days = all.by_day.keys().next().cloned().zip(all.by_day.keys().next_back().cloned());
    all.families = families.into_values().collect();
    all.families
        .sort_by(|a, b| b.spent.cost_microusd.cmp(&a.spent.cost_microusd).then_with(|| a.family.cmp(&b.family)));
    all
}

impl Spent {
    fn add(&mut self, other: &Self) {
        self.attempts += other.attempts;
        self.fixes += other.fixes;
        self.cost_microusd = self.cost_microusd.plus(other.cost_microusd);
        self.tokens = self.tokens.plus(other.tokens);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An attempt: repository, status, tier, source, model, cost.
    type Row<'a> = (&'a str, &'a str, &'a str, &'a str, Option<&'a str>, u64);

    /// Makes a run of attempts.
    fn past(attempts: &[Row<'_>]) -> Past {
        let lines: Vec<String> = attempts
            .iter()
            .map(|(repo, status, tier, source, model, cost)| {
                serde_json::json!({
                    "schema": "homeostat.event/1", "type": "attempt.finished", "time": "2026-01-02T03:04:05.000Z",
                    "run_id": "r", "trace_id": "t", "span_id": "s", "repo": repo, "fingerprint": "f", "family": "fam",
                    "episode": 1, "error_type": "KeyError", "report": { "kind": "issue", "number": 1, "url": "u" },
                    "lane": "code", "kind": null, "status": status, "rule": null, "reason": null,
                    "started_at": "2026-01-02T03:04:05.000Z", "completed_at": "2026-01-02T23:59:59.000Z", "attempt": 1,
                    "tier": tier, "source": source, "provider": model.map(|_| "house"), "model": model,
                    "pattern": null, "confidence": null, "pr": null, "branch": null, "base_sha": "a", "tree": null,
                    "candidate": null, "cost_microusd": cost,
                    "tokens": { "input": 10, "output": 1, "cache_read": 0, "cache_write": 0, "reasoning": 0 },
                    "latency_ms": 1, "evidence": null, "resources": null, "sandbox": null, "also_fixes": [], "logs": [],
                })
                .to_string()
            })
            .collect();
        let past = Past::read("r", &lines.join("\n"));
        assert_eq!((past.attempts.len(), past.unreadable + past.unknown), (attempts.len(), 0));
        past
    }

    #[test]
    fn what_was_spent_is_told_by_everything_that_a_bill_is_read_by() {
        let told = tally(&[
            past(&[
                ("a/b", "fixed", "pattern", "pattern", None, 0),
                ("a/b", "fixed", "simple", "ai", Some("small"), 2_000),
                ("a/c", "unfixed", "complex", "ai", Some("large"), 7_001),
            ]),
            past(&[("a/c", "fixed", "simple", "ai", Some("small"), 1_000)]),
        ]);
        assert_eq!((told.runs, told.total.attempts, told.total.fixes, told.zero_cost_fixes), (2, 4, 3, 1));
        assert_eq!((told.total.cost_microusd, told.per_fix()), (MicroUsd(10_001), Some(MicroUsd(3_334))));
        assert_eq!((told.merged, told.per_merged()), (0, None));
        assert_eq!(told.by_repository["a/c"].cost_microusd, MicroUsd(8_001));
        assert_eq!((told.by_tier["simple"].fixes, told.by_model["house/small"].attempts), (2, 2));
        assert_eq!(told.by_day.keys().collect::<Vec<_>>(), ["2026-01-02"]);
        assert_eq!((told.families.len(), told.families[0].spent.attempts), (1, 3));
    }

    #[test]
    fn nothing_recorded_is_nothing_spent() {
        let told = tally(&[]);
        assert_eq!((told.total.clone(), told.days.clone(), told.per_fix()), (Spent::default(), None, None));
    }
}
