//! `cost`: what models cost, out of recorded events, and what a thousand fixes will cost. Layer 5.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::ai::{Asks, Mix, Price, PriceTable, Projection, project};
use crate::cli::args::{CostArgs, Global};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::Output;
use crate::cli::{runs, session};
use crate::config::{self, AiSettings, Flags, LoadInput, OwnPrice};
use crate::history::Past;
use crate::history::cost::{FamilySpent, Spent, Tally, tally};
use crate::model::{MicroUsd, Tier};
use crate::redact::strip_controls;
use crate::report::ExitClass;
use crate::system::System as _;
use crate::system::os::OsSystem;

/// The tiers that are reckoned with where none is configured: an example, and said to be one.
const EXAMPLE: [(Tier, &str, Option<&str>); 3] = [
    (Tier::Simple, "deepseek/deepseek-flash", None),
    (Tier::Medium, "deepseek/deepseek-flash", Some("openai/gpt-5.4-mini")),
    (Tier::Complex, "openai/gpt-5", None),
];

/// Families that are named by `--advise`.
const ADVISED: usize = 10;

/// Everything that is known of money.
#[derive(Debug, Serialize)]
struct CostReport {
    /// What was spent.
    recorded: Tally,
    /// A proposed fix, everything included.
    per_fix_microusd: Option<MicroUsd>,
    /// A merged fix, everything included.
    per_merged_microusd: Option<MicroUsd>,
    /// `recorded` where fixes were counted, `assumed` where they are reckoned from prices.
    basis: &'static str,
    /// A thousand fixes.
    per_thousand_microusd: MicroUsd,
    /// A year like the days that are recorded.
    per_year_microusd: Option<MicroUsd>,
    /// What the reckoning rests on.
    assumed: Projection,
    /// Whether the tiers are the configuration's own.
    configured: bool,
    /// The day of the built-in price table.
    prices_date: String,
    /// Whether that table is older than it should be.
    prices_old: bool,
    /// Families on which a pattern would save most.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    advice: Vec<FamilySpent>,
}

/// Carries the command out.
pub(crate) fn cost(args: &CostArgs, global: &Global, output: &Output) -> Outcome {
    let limit = args.max_per_1000.as_deref().map(str::parse::<MicroUsd>).transpose().map_err(Failure::config)?;
    let settings = match &args.config {
        Some(path) => settings(path)?,
        None => AiSettings::default(),
    };
    let pasts = runs::all(&args.artifacts)?;
    let report = report(args, &settings, &pasts)?;
    output.document(global.format, &report, &in_text(&report))?;
    match limit {
        Some(limit) if report.per_thousand_microusd > limit => Ok(ExitClass::Finding),
        _ => Ok(ExitClass::Ok),
    }
}

fn report(args: &CostArgs, settings: &AiSettings, pasts: &[Past]) -> Result<CostReport, Failure> {
    let own = settings.prices.iter().map(|(model, price)| (model.to_string(), price_of(price)));
    let table = PriceTable::built_in().overridden(own);
    let assumed = project(&asks(settings)?, mix(&args.mix)?, &table).map_err(|model| {
        Failure::config(format!(
            "{model} has no price; give it one under `ai.prices`, in dollars for a million tokens."
        ))
    })?;
    let recorded = tally(pasts);
    let per_fix = recorded.per_fix();
    let measured = per_fix.map(|cost| MicroUsd(cost.0.saturating_mul(1000)));
    let advice = if args.advise { recorded.families.iter().take(ADVISED).cloned().collect() } else { Vec::new() };
    Ok(CostReport {
        per_fix_microusd: per_fix,
        per_merged_microusd: recorded.per_merged(),
        basis: if measured.is_some() { "recorded" } else { "assumed" },
        per_thousand_microusd: measured.unwrap_or(assumed.per_thousand_microusd),
        per_year_microusd: per_year(&recorded),
        assumed,
        configured: !settings.tiers.is_empty(),
        prices_date: table.date().to_owned(),
        prices_old: table.is_old(OsSystem::new().now()),
        advice,
        recorded,
    })
}

/// Reads what a configuration says of models.
fn settings(path: &Path) -> Result<AiSettings, Failure> {
    let (env, text) = (session::environment(), session::read_capped(path, 1 << 20)?);
    let (name, beside) = (path.display().to_string(), session::FolderOf::file(path));
    let flags = Flags { mode: None, dry_run: false };
    let input = LoadInput { file_name: &name, text: &text, env: &env, flags: &flags, beside: &beside };
    Ok(config::load(&input).map_err(|problems| Failure::config(problems.to_string()))?.config.ai)
}

/// Returns which models are asked, by the configuration or by the example.
fn asks(settings: &AiSettings) -> Result<Vec<Asks>, Failure> {
    if settings.tiers.is_empty() {
        let broken = || Failure::internal("internal error: the example of tiers names no model".to_owned());
        let example = EXAMPLE.iter().map(|(tier, model, reviewer)| {
            let reviewer = reviewer.map(str::parse).transpose().map_err(|_| broken())?;
            Ok(Asks { tier: *tier, model: model.parse().map_err(|_| broken())?, reviewer })
        });
        return example.collect();
    }
    let own = settings.tiers.iter().map(|(tier, models)| Asks {
        tier: *tier,
        model: models.model.clone(),
        reviewer: models.reviewer.clone(),
    });
    Ok(own.collect())
}

fn price_of(own: &OwnPrice) -> Price {
    Price {
        input: own.input.0,
        output: own.output.0,
        cache_read: own.cache_read.unwrap_or(own.input).0,
        cache_write: own.cache_write.unwrap_or(own.input).0,
    }
}

/// Reads `70,25,5`.
fn mix(text: &str) -> Result<Mix, Failure> {
    let wrong = || Failure::config(format!("{text:?} is no mix; write three shares of a hundred, such as 70,25,5."));
    let shares: Vec<u64> =
        text.split(',').map(|part| part.trim().parse().map_err(|_| wrong())).collect::<Result<_, _>>()?;
    match shares.as_slice() {
        [simple, medium, complex] if simple.saturating_add(*medium).saturating_add(*complex) == 100 => {
            Ok(Mix { simple: *simple, medium: *medium, complex: *complex })
        }
        _ => Err(wrong()),
    }
}

/// Reckons a year from the days on which attempts ended.
fn per_year(recorded: &Tally) -> Option<MicroUsd> {
    let (first, last) = recorded.days.as_ref()?;
    let at = |day: &str| format!("{day}T00:00:00Z").parse::<crate::model::Timestamp>().ok();
    let days = at(last)?.since(at(first)?).as_secs() / 86_400 + 1;
    Some(MicroUsd(recorded.total.cost_microusd.0.saturating_mul(365) / days))
}

fn in_text(report: &CostReport) -> String {
    let mut lines = Vec::new();
    let recorded = &report.recorded;
    match &recorded.days {
        Some((first, last)) => {
            lines.push(format!("{first} to {last}: {} in {} run(s)", recorded.total.cost_microusd, recorded.runs));
            let tables = [
                ("repository", &recorded.by_repository),
                ("tier", &recorded.by_tier),
                ("model", &recorded.by_model),
                ("day", &recorded.by_day),
            ];
            for (name, rows) in tables {
                table(name, rows, &mut lines);
            }
            lines.push(String::new());
            lines.push(format!(
                "fixes proposed {}, of them {} for nothing; merged {}",
                recorded.total.fixes, recorded.zero_cost_fixes, recorded.merged
            ));
            let each = |what: &str, cost: Option<MicroUsd>| cost.map(|cost| format!("{what} {cost}"));
            let each = [
                each("a proposed fix", report.per_fix_microusd),
                each("a merged fix", report.per_merged_microusd),
                each("a year like this", report.per_year_microusd),
            ];
            lines.extend(each.into_iter().flatten());
        }
        None => lines.push("Nothing is recorded here; what follows is reckoned from prices.".to_owned()),
    }
    lines.push(String::new());
    lines.push(format!("A thousand fixes, {}: {}", report.basis, report.per_thousand_microusd));
    lines.push(String::new());
    let whose =
        if report.configured { "the configured tiers" } else { "an example of tiers, since none is configured" };
    lines.push(format!("By prices of {} and {whose}:", report.prices_date));
    for tier in &report.assumed.tiers {
        let tokens = crate::ai::assumed(tier.tier);
        let reviewer = tier.reviewer.as_ref().map(|name| format!(", reviewed by {name}")).unwrap_or_default();
        lines.push(format!(
            "  {:>3} of 100 {:<8} {} a fix by {}{reviewer}; {} tokens in, {} out assumed",
            tier.share,
            tier.tier.as_str(),
            tier.per_fix_microusd,
            tier.model,
            tokens.input,
            tokens.output
        ));
    }
    lines.push(format!("  a thousand in this mix {}", report.assumed.per_thousand_microusd));
    lines.push(format!("  a thousand all complex {}", report.assumed.all_complex_microusd));
    if report.prices_old {
        lines.push(format!("The price table is of {}; prices may have changed since.", report.prices_date));
    }
    if !report.advice.is_empty() {
        lines.push(String::new());
        lines.push("A pattern would save most here:".to_owned());
        lines.extend(report.advice.iter().map(|one| {
            let kind = strip_controls(&one.error_type);
            format!("  {}  {kind}: {} in {} attempt(s)", one.family, one.spent.cost_microusd, one.spent.attempts)
        }));
    }
    lines.join("\n")
}

fn table(name: &str, rows: &BTreeMap<String, Spent>, lines: &mut Vec<String>) {
    if rows.is_empty() {
        return;
    }
    let width = rows.keys().map(String::len).max().unwrap_or_default().max(name.len());
    lines.push(String::new());
    lines.push(format!("{name:<width$} {:>12} {:>9} {:>6} {:>12}", "cost", "attempts", "fixes", "tokens"));
    for (key, row) in rows {
        let key = strip_controls(key);
        let cost = row.cost_microusd.to_string();
        lines.push(format!("{key:<width$} {cost:>12} {:>9} {:>6} {:>12}", row.attempts, row.fixes, row.tokens.total()));
    }
}
