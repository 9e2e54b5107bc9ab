//! Ties each key to its field: what is set there, and what stands there. Layer 1.
//!
//! Values were checked before; one that were not would leave its field as it is.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::config::check::{format_size, parse_size};
use crate::config::settings::{Budget, Config, OwnPrice, PrivateTargets, Provider, TierModels};
use crate::model::{
    Allowance, MicroUsd, Policy, Project, Reason, RepoPath, TestCommands, format_duration, parse_duration,
};

/// Fills a field from a checked value, where the value has the field's type.
fn fill<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

fn parsed<T: std::str::FromStr>(value: &Json) -> Option<T> {
    value.as_str()?.parse().ok()
}

/// Reads what may be unset by null; the outer `None` is a value of another type.
#[expect(clippy::option_option, reason = "a value that unsets a key is not a value that cannot be read")]
fn unsettable<T: std::str::FromStr>(value: &Json) -> Option<Option<T>> {
    if value.is_null() { Some(None) } else { parsed(value).map(Some) }
}

fn texts(value: &Json) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}

fn number<T: TryFrom<u64>>(value: &Json) -> Option<T> {
    T::try_from(value.as_u64()?).ok()
}

fn duration(value: &Json) -> Option<Duration> {
    parse_duration(value.as_str()?).ok()
}

fn size(value: &Json) -> Option<u64> {
    parse_size(value.as_str()?)
}

fn allowance(value: &Json) -> Option<Allowance> {
    match value.as_str()? {
        "unlimited" => Some(Allowance::Unlimited),
        text => text.parse().ok().map(Allowance::Cap),
    }
}

/// Writes an allowance as the configuration does.
pub(super) fn allowance_text(allowance: Allowance) -> Json {
    match allowance {
        Allowance::Cap(amount) => Json::from(amount.to_string().trim_start_matches('$')),
        Allowance::Unlimited => Json::from("unlimited"),
    }
}

fn project(value: &Json) -> Option<Project> {
    let mut commands = TestCommands::default();
    for (key, value) in value.as_object()? {
        set_command(&mut commands, key, value);
    }
    Some(Project { path: parsed(value.get("path")?)?, commands })
}

fn set_command(commands: &mut TestCommands, key: &str, value: &Json) -> bool {
    let field = match key {
        "setup_command" => &mut commands.setup,
        "test_command" => &mut commands.test,
        "test_one_command" => &mut commands.test_one,
        "lint_command" => &mut commands.lint,
        "typecheck_command" => &mut commands.typecheck,
        "format_command" => &mut commands.format,
        _ => return false,
    };
    fill(field, unsettable(value));
    true
}

/// Sets one key of a repository.
pub(super) fn set(policy: &mut Policy, key: &str, value: &Json) {
    if set_command(&mut policy.commands, key, value) {
        return;
    }
    let (limits, sandbox) = (&mut policy.limits, &mut policy.sandbox);
    match key {
        "branch" => fill(&mut policy.branch, unsettable(value)),
        "mode" => fill(&mut policy.mode, parsed(value)),
        "trigger_labels" => fill(&mut policy.trigger_labels, texts(value)),
        "trust" => fill(&mut policy.trust, parsed(value)),
        "trusted_authors" => {
            let ids = value.as_array().map(|ids| ids.iter().filter_map(Json::as_u64).collect());
            fill(&mut policy.trusted_authors, ids);
        }
        "path_filters.include" => fill(&mut policy.path_filters.include, texts(value)),
        "path_filters.exclude" => fill(&mut policy.path_filters.exclude, texts(value)),
        "protected_paths.add" => fill(&mut policy.protected_add, texts(value)),
        "protected_paths.lift" => fill(&mut policy.protected_lift, texts(value)),
        "projects" => {
            fill(&mut policy.projects, value.as_array().and_then(|all| all.iter().map(project).collect()));
        }
        "setup_env" => fill(&mut policy.setup_env, texts(value)),
        "test_env" => {
            let variables = value.as_object().and_then(|table| {
                table.iter().map(|(name, text)| Some((name.clone(), text.as_str()?.to_owned()))).collect()
            });
            fill(&mut policy.test_env, variables);
        }
        "evidence" => fill(&mut policy.evidence, parsed(value)),
        "confidence_threshold" => fill(&mut policy.confidence_threshold, value.as_f64()),
        "draft_threshold" => fill(&mut policy.draft_threshold, value.as_f64()),
        "max_prs_per_run" => fill(&mut policy.max_prs_per_run, number(value)),
        "max_open_prs" => fill(&mut policy.max_open_prs, number(value)),
        "limits.max_diff_lines" => fill(&mut limits.max_diff_lines, number(value)),
        "limits.max_files" => fill(&mut limits.max_files, number(value)),
        "limits.max_patch_bytes" => fill(&mut limits.max_patch_bytes, size(value)),
        "limits.max_file_bytes" => fill(&mut limits.max_file_bytes, size(value)),
        "limits.max_attempts" => fill(&mut limits.max_attempts, number(value)),
        "limits.cooldown" => fill(&mut limits.cooldown, duration(value)),
        "limits.setup_timeout" => fill(&mut limits.setup_timeout, duration(value)),
        "limits.test_timeout" => fill(&mut limits.test_timeout, duration(value)),
        "limits.test_memory" => fill(&mut limits.test_memory, size(value)),
        "limits.test_processes" => fill(&mut limits.test_processes, number(value)),
        "limits.test_output" => fill(&mut limits.test_output, size(value)),
        "sandbox.require" => fill(&mut sandbox.require, parsed(value)),
        "sandbox.network" => fill(&mut sandbox.network, parsed(value)),
        "sandbox.setup_network" => fill(&mut sandbox.setup_network, parsed(value)),
        "sandbox.services" => fill(&mut sandbox.services, texts(value)),
        "workflows.failed_runs" => fill(&mut policy.workflows.failed_runs, value.as_bool()),
        "workflows.include" => fill(&mut policy.workflows.include, texts(value)),
        "workflows.exclude" => fill(&mut policy.workflows.exclude, texts(value)),
        "native_fixers.formatters" => fill(&mut policy.native_fixers.formatters, value.as_bool()),
        "native_fixers.revert_first" => fill(&mut policy.native_fixers.revert_first, value.as_bool()),
        "pull_request.title" => fill(&mut policy.pull_request.title, unsettable(value)),
        "pull_request.template" => fill(&mut policy.pull_request.template, unsettable(value)),
        "pull_request.reviewers" => fill(&mut policy.pull_request.reviewers, texts(value)),
        "pull_request.team_reviewers" => fill(&mut policy.pull_request.team_reviewers, texts(value)),
        "pull_request.assignees" => fill(&mut policy.pull_request.assignees, texts(value)),
        "pull_request.milestone" => fill(&mut policy.pull_request.milestone, unsettable(value)),
        "open_pr.branches" => fill(&mut policy.open_pr.branches, texts(value)),
        "open_pr.base" => fill(&mut policy.open_pr.base, unsettable(value)),
        "open_pr.draft" => fill(&mut policy.open_pr.draft, value.as_bool()),
        "open_pr.labels" => fill(&mut policy.open_pr.labels, texts(value)),
        "open_pr.template" => fill(&mut policy.open_pr.template, unsettable(value)),
        "open_pr.reviewers" => fill(&mut policy.open_pr.reviewers, texts(value)),
        "auto_merge.patterns" => fill(&mut policy.auto_merge.patterns, texts(value)),
        "auto_merge.method" => fill(&mut policy.auto_merge.method, parsed(value)),
        "auto_merge.delete_branch" => fill(&mut policy.auto_merge.delete_branch, value.as_bool()),
        "labels" => fill(&mut policy.labels, texts(value)),
        "tags" => fill(&mut policy.tags, texts(value)),
        _ => {
            if let (Some(rule), Some(setting)) = (rule(key), parsed(value)) {
                policy.rules.insert(rule, setting);
            }
        }
    }
}

/// Returns the rule that a key sets.
fn rule(key: &str) -> Option<Reason> {
    let name = key.strip_prefix("rules.")?;
    Reason::ALL.iter().copied().find(|reason| reason.as_str() == name)
}

/// Returns what stands under one key of a repository, as the configuration would write it; `None` for no such key.
pub(super) fn get(policy: &Policy, key: &str) -> Option<Json> {
    let (commands, limits, sandbox) = (&policy.commands, &policy.limits, &policy.sandbox);
    Some(match key {
        "slug" => json!(policy.slug),
        "branch" => json!(policy.branch),
        "mode" => json!(policy.mode),
        "trigger_labels" => json!(policy.trigger_labels),
        "trust" => json!(policy.trust),
        "trusted_authors" => json!(policy.trusted_authors),
        "path_filters.include" => json!(policy.path_filters.include),
        "path_filters.exclude" => json!(policy.path_filters.exclude),
        "protected_paths.add" => json!(policy.protected_add),
        "protected_paths.lift" => json!(policy.protected_lift),
        "projects" => policy.projects.iter().map(|project| written_project(&project.path, &project.commands)).collect(),
        "setup_command" => json!(commands.setup),
        "setup_env" => json!(policy.setup_env),
        "test_command" => json!(commands.test),
        "test_one_command" => json!(commands.test_one),
        "test_env" => json!(policy.test_env),
        "lint_command" => json!(commands.lint),
        "typecheck_command" => json!(commands.typecheck),
        "format_command" => json!(commands.format),
        "evidence" => json!(policy.evidence),
        "confidence_threshold" => json!(policy.confidence_threshold),
        "draft_threshold" => json!(policy.draft_threshold),
        "max_prs_per_run" => json!(policy.max_prs_per_run),
        "max_open_prs" => json!(policy.max_open_prs),
        "limits.max_diff_lines" => json!(limits.max_diff_lines),
        "limits.max_files" => json!(limits.max_files),
        "limits.max_patch_bytes" => json!(format_size(limits.max_patch_bytes)),
        "limits.max_file_bytes" => json!(format_size(limits.max_file_bytes)),
        "limits.max_attempts" => json!(limits.max_attempts),
        "limits.cooldown" => json!(format_duration(limits.cooldown)),
        "limits.setup_timeout" => json!(format_duration(limits.setup_timeout)),
        "limits.test_timeout" => json!(format_duration(limits.test_timeout)),
        "limits.test_memory" => json!(format_size(limits.test_memory)),
        "limits.test_processes" => json!(limits.test_processes),
        "limits.test_output" => json!(format_size(limits.test_output)),
        "sandbox.require" => json!(sandbox.require),
        "sandbox.network" => json!(sandbox.network),
        "sandbox.setup_network" => json!(sandbox.setup_network),
        "sandbox.services" => json!(sandbox.services),
        "workflows.failed_runs" => json!(policy.workflows.failed_runs),
        "workflows.include" => json!(policy.workflows.include),
        "workflows.exclude" => json!(policy.workflows.exclude),
        "native_fixers.formatters" => json!(policy.native_fixers.formatters),
        "native_fixers.revert_first" => json!(policy.native_fixers.revert_first),
        "pull_request.title" => json!(policy.pull_request.title),
        "pull_request.template" => json!(policy.pull_request.template),
        "pull_request.reviewers" => json!(policy.pull_request.reviewers),
        "pull_request.team_reviewers" => json!(policy.pull_request.team_reviewers),
        "pull_request.assignees" => json!(policy.pull_request.assignees),
        "pull_request.milestone" => json!(policy.pull_request.milestone),
        "open_pr.branches" => json!(policy.open_pr.branches),
        "open_pr.base" => json!(policy.open_pr.base),
        "open_pr.draft" => json!(policy.open_pr.draft),
        "open_pr.labels" => json!(policy.open_pr.labels),
        "open_pr.template" => json!(policy.open_pr.template),
        "open_pr.reviewers" => json!(policy.open_pr.reviewers),
        "auto_merge.patterns" => json!(policy.auto_merge.patterns),
        "auto_merge.method" => json!(policy.auto_merge.method),
        "auto_merge.delete_branch" => json!(policy.auto_merge.delete_branch),
        "labels" => json!(policy.labels),
        "tags" => json!(policy.tags),
        _ => json!(policy.rule(rule(key)?)),
    })
}

fn written_project(path: &RepoPath, commands: &TestCommands) -> Json {
    let mut table = json!({ "path": path });
    let written = [
        ("setup_command", &commands.setup),
        ("test_command", &commands.test),
        ("test_one_command", &commands.test_one),
        ("lint_command", &commands.lint),
        ("typecheck_command", &commands.typecheck),
        ("format_command", &commands.format),
    ];
    for (key, command) in written {
        if let Some(command) = command {
            table[key] = json!(command);
        }
    }
    table
}

/// Reads tables by name.
fn named<K: std::str::FromStr + Ord, T>(
    value: &Json,
    read: impl Fn(&str, &Json) -> Option<T>,
) -> Option<BTreeMap<K, T>> {
    let tables = value.as_object()?.iter();
    // One that is wrong was reported; the others are checked on.
    Some(tables.filter_map(|(name, table)| Some((name.parse().ok()?, read(name, table)?))).collect())
}

fn provider(name: &str, table: &Json) -> Option<Provider> {
    let text = |key: &str| table.get(key).and_then(Json::as_str).map(str::to_owned);
    Some(Provider {
        kind: text("kind").unwrap_or_else(|| name.to_owned()).parse().ok()?,
        base_url: text("base_url"),
        key_env: text("key_env"),
        allow_private: table.get("allow_private").and_then(Json::as_bool).unwrap_or(false),
    })
}

fn tier_models(table: &Json) -> Option<TierModels> {
    Some(TierModels {
        model: parsed(table.get("model")?)?,
        tries: table.get("tries").and_then(number).unwrap_or(2),
        reviewer: table.get("reviewer").and_then(parsed),
    })
}

fn own_price(table: &Json) -> Option<OwnPrice> {
    let price = |key: &str| table.get(key).and_then(parsed);
    Some(OwnPrice {
        input: price("input")?,
        output: price("output")?,
        cache_read: price("cache_read"),
        cache_write: price("cache_write"),
    })
}

/// Writes a provider as the configuration does.
fn written_provider(provider: &Provider) -> Json {
    let mut table = json!({ "kind": provider.kind, "allow_private": provider.allow_private });
    for (key, text) in [("base_url", &provider.base_url), ("key_env", &provider.key_env)] {
        if let Some(text) = text {
            table[key] = json!(text);
        }
    }
    table
}

/// Writes a price as the configuration does.
fn written_price(price: &OwnPrice) -> Json {
    let dollars = |amount: MicroUsd| json!(amount.to_string().trim_start_matches('$'));
    let mut table = json!({ "input": dollars(price.input), "output": dollars(price.output) });
    for (key, amount) in [("cache_read", price.cache_read), ("cache_write", price.cache_write)] {
        if let Some(amount) = amount {
            table[key] = dollars(amount);
        }
    }
    table
}

/// Writes tables by name.
fn written_named<K: ToString, T>(tables: &BTreeMap<K, T>, write: impl Fn(&T) -> Json) -> Json {
    tables.iter().map(|(name, table)| (name.to_string(), write(table))).collect::<serde_json::Map<_, _>>().into()
}

/// Sets one key of the whole configuration.
pub(super) fn set_global(config: &mut Config, key: &str, value: &Json) {
    let Config { budget, run, ai, patterns, state, .. } = config;
    match key {
        "mode" => fill(&mut config.mode, parsed(value)),
        "budget.run" => fill(&mut budget.run, allowance(value)),
        "budget.day" => fill(&mut budget.day, allowance(value)),
        "budget.attempt" => fill(&mut budget.attempt, allowance(value)),
        "budget.author_day" => fill(&mut budget.author_day, allowance(value)),
        "run.deadline" => fill(&mut run.deadline, duration(value)),
        "run.concurrency" => fill(&mut run.concurrency, number(value)),
        "run.max_issues" => fill(&mut run.max_issues, number(value)),
        "run.max_prs_per_day" => fill(&mut run.max_prs_per_day, number(value)),
        "ai.providers" => fill(&mut ai.providers, named(value, provider)),
        "ai.tiers" => fill(&mut ai.tiers, named(value, |_, table| tier_models(table))),
        "ai.prices" => fill(&mut ai.prices, named(value, |_, table| own_price(table))),
        "patterns.builtin" => fill(&mut patterns.builtin, value.as_bool()),
        "patterns.libraries" => fill(&mut patterns.libraries, texts(value)),
        "state.repository" => fill(&mut state.repository, unsettable(value)),
        "state.branch" => fill(&mut state.branch, parsed(value)),
        "state.keep_events" => fill(&mut state.keep_events, duration(value)),
        "state.private" => {
            let private = match value.as_str() {
                Some("refuse") => Some(PrivateTargets::Refuse),
                Some("opaque") => Some(PrivateTargets::Opaque),
                _ => None,
            };
            fill(&mut state.private, private);
        }
        _ => {}
    }
}

/// Returns what stands under one key of the whole configuration; `None` for no such key.
pub(super) fn get_global(config: &Config, key: &str) -> Option<Json> {
    let Config { budget: Budget { run: per_run, day, attempt, author_day }, run, ai, patterns, state, .. } = config;
    Some(match key {
        "mode" => json!(config.mode),
        "budget.run" => allowance_text(*per_run),
        "budget.day" => allowance_text(*day),
        "budget.attempt" => allowance_text(*attempt),
        "budget.author_day" => allowance_text(*author_day),
        "run.deadline" => json!(format_duration(run.deadline)),
        "run.concurrency" => json!(run.concurrency),
        "run.max_issues" => json!(run.max_issues),
        "run.max_prs_per_day" => json!(run.max_prs_per_day),
        "ai.providers" => written_named(&ai.providers, written_provider),
        "ai.tiers" => written_named(&ai.tiers, |tier| json!(tier)),
        "ai.prices" => written_named(&ai.prices, written_price),
        "patterns.builtin" => json!(patterns.builtin),
        "patterns.libraries" => json!(patterns.libraries),
        "state.repository" => json!(state.repository),
        "state.branch" => json!(state.branch),
        "state.keep_events" => json!(format_duration(state.keep_events)),
        "state.private" => json!(state.private),
        _ => return None,
    })
}
