//! The step summary: what a run did, in one page. Layer 1.

use minijinja::context;

use crate::model::Source;
use crate::redact::Redactor;
use crate::render::quote::{Quoter, linked};
use crate::render::{RepositoryReport, RunReport, SummaryFacts};
use crate::template::fill;

const TEMPLATE: &str = include_str!("../../templates/summary.md.j2");
/// GitHub takes no summary beyond one MiB, and says so with an error (V-47).
const BYTES: usize = 900 << 10;
/// Rows and lines of each list, by how much room there is; the record has all.
const ROWS: [usize; 3] = [2_000, 200, 20];

/// Makes the summary; a broken template gives a minimal one, for a summary must not fail a run.
pub fn summary(report: &RunReport, facts: &SummaryFacts, redactor: &Redactor) -> String {
    let quote = Quoter::new(redactor, 1);
    let mut text = String::new();
    for rows in ROWS {
        text = fill("summary.md.j2", TEMPLATE, values(report, facts, &quote, rows)).unwrap_or_else(|why| {
            format!("{}\n\nThe summary could not be made ({why}).\n", head(report, facts, &quote))
        });
        if text.len() <= BYTES {
            break;
        }
    }
    text
}

fn head(report: &RunReport, facts: &SummaryFacts, quote: &Quoter<'_>) -> String {
    let id = quote.span(&report.run_id, 80);
    let run = facts.run_url.as_ref().map_or_else(|| id.clone(), |url| linked(&id, url));
    format!(
        "**Homeostat** {} · started {} · took {:.1} s · run {run} · configuration {} · {}{}",
        facts.version,
        facts.started_at,
        facts.seconds,
        quote.span(&facts.config_hash.chars().take(12).collect::<String>(), 12),
        quote.span(&facts.environment, 40),
        if facts.dry_run { " · **dry run, nothing was written**" } else { "" }
    )
}

/// Writes one line of a list: where, what about, why, in words.
fn line(quote: &Quoter<'_>, slug: &str, what: &str, code: &str, message: &str) -> String {
    format!("{} · {} · `{code}`: {}", quote.span(slug, 150), quote.span(what, 150), quote.prose(message, 600))
}

/// Keeps the first rows of a list and says how many are not shown.
fn shortened(mut all: Vec<String>, rows: usize) -> Vec<String> {
    let hidden = all.len().saturating_sub(rows);
    all.truncate(rows);
    if hidden > 0 {
        all.push(format!("… and {hidden} more, in the run's record"));
    }
    all
}

fn values(report: &RunReport, facts: &SummaryFacts, quote: &Quoter<'_>, rows: usize) -> minijinja::Value {
    let count = |one: &RepositoryReport, states: &[&str]| {
        one.pull_requests.iter().filter(|pull| states.contains(&pull.state.as_str())).count() as u64
    };
    let source = |wanted: Source| {
        let pulls = report.repositories.iter().flat_map(|one| &one.pull_requests);
        pulls.filter(|pull| pull.source == Some(wanted)).count()
    };
    let lines = |line: &dyn Fn(&RepositoryReport) -> Vec<String>| -> Vec<String> {
        shortened(report.repositories.iter().flat_map(line).collect(), rows)
    };
    let pulls = report.repositories.iter().map(|one| one.pull_requests.len()).sum::<usize>();
    let backlog: std::collections::BTreeMap<&str, u64> = report.repositories.iter().flat_map(|one| &one.backlog).fold(
        std::collections::BTreeMap::default(),
        |mut sum, (reason, n)| {
            *sum.entry(reason.as_str()).or_default() += n;
            sum
        },
    );
    let oldest = facts.oldest_backlog.map(|at| format!("; the oldest since {at}")).unwrap_or_default();
    let backlog = if backlog.is_empty() {
        "nothing eligible was left.".to_owned()
    } else {
        let list: Vec<String> = backlog.iter().map(|(reason, n)| format!("{n} {}", word(reason))).collect();
        format!("{}{oldest}.", list.join(", "))
    };
    context! {
        head => head(report, facts, quote),
        reasons => facts.reasons.as_ref().filter(|_| report.repositories.iter().any(has_reasons)),
        asked => report.asked.as_ref().map(|asked| {
            let command = asked.command.as_ref().map(|command| format!("`{}`", word(command)));
            format!("{}: {}", command.as_deref().unwrap_or("inert"), quote.prose(&asked.message, 2_000))
        }),
        hidden_repositories => report.repositories.len().saturating_sub(rows),
        hidden_pulls => pulls.saturating_sub(rows),
        repositories => report.repositories.iter().take(rows).map(|one| context! {
            slug => quote.cell(&one.slug, 150),
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
            cost => quote.prose_cell(&format!("${}", report.totals.cost_usd), 40),
            tokens => report.totals.tokens,
        },
        pulls => report.repositories.iter().flat_map(|one| one.pull_requests.iter().map(|pull| context! {
            slug => quote.cell(&one.slug, 150),
            link => match (&pull.number, &pull.url) {
                (Some(number), Some(url)) => linked(&format!("#{number}"), url),
                (Some(number), None) => format!("#{number}"),
                _ => quote.cell(&pull.branch, 150),
            },
            state => format!("{}{}", word(&pull.state), if pull.draft { ", draft" } else { "" }),
            source => pull.source.map_or("–", Source::as_str),
            evidence => pull.evidence.map_or("–", crate::model::EvidenceKind::as_str),
            // As much as the title of the pull request shows.
            fingerprint => quote.cell(&pull.fingerprint.chars().take(12).collect::<String>(), 12),
        })).take(rows).collect::<Vec<_>>(),
        sources => context! { native => source(Source::Native), pattern => source(Source::Pattern) },
        patterns => context! {
            total => report.totals.patterns_total,
            used => report.totals.patterns_used,
            zero_cost => report.totals.zero_cost_fixes,
        },
        limits => facts.limits.iter().map(|(name, used, limit)| {
            [name, used, limit].map(|text| quote.prose_cell(text, 120))
        }).collect::<Vec<_>>(),
        refusals => lines(&|one| one.refusals.iter().map(|r| {
            line(quote, &one.slug, &r.fingerprint, r.rule.as_str(), &r.message)
        }).collect()),
        skipped => lines(&|one| one.skipped.iter().map(|s| {
            line(quote, &one.slug, &s.report, s.reason.as_str(), &s.message)
        }).collect()),
        warnings => lines(&|one| one.pull_requests.iter().flat_map(|pull| pull.warnings.iter().map(|warning| {
            let number = pull.number.map_or_else(|| pull.branch.clone(), |number| format!("#{number}"));
            format!("{} · {}: {}", quote.span(&one.slug, 150), quote.span(&number, 150), quote.prose(warning, 600))
        })).collect()),
        runs_wait => waiting(report, quote, rows),
        errors => lines(&|one| one.error.iter().map(|e| {
            format!("{}: {}", quote.span(&one.slug, 150), quote.prose(e, 600))
        }).collect()),
        backlog => backlog,
        one_process => facts.one_process,
    }
}

/// Names the pull requests whose workflow runs wait for a person, the first few of them.
fn waiting(report: &RunReport, quote: &Quoter<'_>, rows: usize) -> Option<String> {
    let all: Vec<String> = report
        .repositories
        .iter()
        .flat_map(|one| one.pull_requests.iter().filter(|pull| pull.runs_wait).map(|pull| (&one.slug, pull.number)))
        .filter_map(|(slug, number)| number.map(|number| format!("{} #{number}", quote.span(slug, 150))))
        .collect();
    (!all.is_empty()).then(|| super::pull_request::listed(&all, rows, Clone::clone))
}

/// Keeps a word of ours to the letters that our words have.
fn word(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(60).collect()
}

/// Returns whether something of a repository is told with a reason.
fn has_reasons(one: &RepositoryReport) -> bool {
    !one.refusals.is_empty() || !one.skipped.is_empty()
}
