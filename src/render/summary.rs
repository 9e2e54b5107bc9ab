//! The step summary: what a run did, in one page. Layer 1.

use minijinja::context;

use crate::model::Source;
use crate::render::template::fill;
use crate::render::{RenderLine, RepositoryReport, RunReport, SummaryFacts, code_span};

const TEMPLATE: &str = include_str!("../../templates/summary.md.j2");
/// Lines of one list; the artifact has all.
const LIST: usize = 200;

/// Makes the summary; a broken template gives a minimal one, for a summary must not fail a run.
pub fn summary(report: &RunReport, facts: &SummaryFacts) -> String {
    fill(TEMPLATE, values(report, facts))
        .unwrap_or_else(|why| format!("{}\n\nThe summary could not be made ({why}).\n", head(report, facts)))
}

fn head(report: &RunReport, facts: &SummaryFacts) -> String {
    let run =
        facts.run_url.as_ref().map_or_else(|| code_span(&report.run_id), |url| format!("[{}]({url})", report.run_id));
    format!(
        "**Homeostat** {} · started {} · took {:.1} s · run {run} · `{}`{}",
        facts.version,
        facts.started_at,
        facts.seconds,
        facts.environment,
        if facts.dry_run { " · dry run, nothing was written" } else { "" }
    )
}

fn values(report: &RunReport, facts: &SummaryFacts) -> minijinja::Value {
    let count = |one: &RepositoryReport, states: &[&str]| {
        one.pull_requests.iter().filter(|pull| states.contains(&pull.state.as_str())).count() as u64
    };
    let source = |wanted: Source| {
        let pulls = report.repositories.iter().flat_map(|one| &one.pull_requests);
        pulls.filter(|pull| pull.source == Some(wanted)).count()
    };
    let lines = |line: &dyn Fn(&RepositoryReport) -> Vec<String>| -> Vec<String> {
        report.repositories.iter().flat_map(line).take(LIST).collect()
    };
    let backlog: std::collections::BTreeMap<&str, u64> =
        report.repositories.iter().flat_map(|one| &one.backlog).fold(Default::default(), |mut sum, (reason, n)| {
            *sum.entry(reason.as_str()).or_default() += n;
            sum
        });
    let oldest = facts.oldest_backlog.map(|at| format!("; the oldest since {at}")).unwrap_or_default();
    let backlog = if backlog.is_empty() {
        "nothing eligible was left.".to_owned()
    } else {
        let list: Vec<String> = backlog.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
        format!("{}{oldest}.", list.join(", "))
    };
    context! {
        head => head(report, facts),
        repositories => report.repositories.iter().map(|one| context! {
            slug => one.slug.clone(),
            issues => one.issues_processed,
            runs => one.runs_processed,
            created => count(one, &["created", "adopted"]),
            updated => count(one, &["updated"]),
            cooldowns => one.cooldowns,
            refusals => one.refusals.len(),
            cost => one.cost_microusd.to_string(),
            tokens => one.tokens.total(),
        }).collect::<Vec<_>>(),
        totals => context! {
            issues => report.repositories.iter().map(|one| one.issues_processed).sum::<u64>(),
            runs => report.repositories.iter().map(|one| one.runs_processed).sum::<u64>(),
            created => report.totals.prs_created,
            updated => report.totals.prs_updated,
            cooldowns => report.totals.cooldowns,
            refusals => report.totals.refusals,
            cost => format!("${}", report.totals.cost_usd),
            tokens => report.totals.tokens,
        },
        pulls => report.repositories.iter().flat_map(|one| one.pull_requests.iter().map(|pull| context! {
            slug => one.slug.clone(),
            link => match (&pull.number, &pull.url) {
                (Some(number), Some(url)) => format!("[#{number}]({url})"),
                _ => code_span(&pull.branch),
            },
            state => if pull.draft { format!("{}, draft", pull.state) } else { pull.state.clone() },
            source => pull.source.map_or("-", Source::as_str),
            evidence => pull.evidence.map_or("-", crate::model::EvidenceKind::as_str),
            fingerprint => pull.fingerprint.clone(),
        })).take(LIST).collect::<Vec<_>>(),
        sources => context! { native => source(Source::Native), pattern => source(Source::Pattern) },
        patterns => context! {
            total => report.totals.patterns_total,
            used => report.totals.patterns_used,
            zero_cost => report.totals.zero_cost_fixes,
        },
        limits => facts.limits.iter().map(|(name, used, limit)| vec![name.clone(), used.clone(), limit.clone()]).collect::<Vec<_>>(),
        refusals => lines(&|one| one.refusals.iter().map(|r| {
            RenderLine { slug: &one.slug, what: &r.fingerprint, code: r.rule.as_str(), message: &r.message }.to_string()
        }).collect()),
        skipped => lines(&|one| one.skipped.iter().map(|s| {
            RenderLine { slug: &one.slug, what: &s.report, code: s.reason.as_str(), message: &s.message }.to_string()
        }).collect()),
        errors => lines(&|one| one.error.iter().map(|e| format!("{}: {}", one.slug, code_span(e))).collect()),
        backlog => backlog,
        one_process => facts.one_process,
    }
}
