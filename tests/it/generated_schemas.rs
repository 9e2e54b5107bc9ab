//! The published schemas are current, and what the program writes fits them; `HOMEOSTAT_BLESS=1` writes them anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use homeostat::event::{
    AttemptFinished, EVENT_SCHEMA, Event, EvidenceRef, Line, PullRef, Recovered, Refusal, ReportRef,
    RepositoryFinished, RunFinished, RunStarted, SandboxRef, Write, schemas,
};
use homeostat::model::{
    MANIFEST_SCHEMA, Manifest, MicroUsd, NetworkAccess, PullEnd, PullOutcome, Reason, ReportId, SandboxLevel, Settled,
    Source, Status, Tokens,
};
use homeostat::plan::{Action, Verb};
use serde_json::Value;

use crate::sample;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("shared/schemas")
}

fn by_name() -> BTreeMap<&'static str, Value> {
    schemas().into_iter().collect()
}

/// Asserts that a value fits a schema, and that it no longer does with one field too many.
fn assert_fits(name: &str, value: &Value) {
    let all = by_name();
    let validator = jsonschema::validator_for(all.get(name).expect("there is such a schema")).expect("a schema");
    let problems: Vec<String> =
        validator.iter_errors(value).map(|e| format!("{} at {}", e, e.instance_path())).collect();
    assert!(problems.is_empty(), "{name}: {}\n{value:#}", problems.join("\n"));
    let mut more = value.clone();
    more["unheard_of"] = Value::Null;
    assert!(!validator.is_valid(&more), "{name} takes any field");
}

/// One line of each type, as full and as empty as it can be.
pub(crate) fn lines() -> Vec<Line> {
    let candidate = sample::candidate();
    let full = AttemptFinished {
        repo: candidate.slug.to_string(),
        fingerprint: candidate.fingerprint.to_string(),
        family: candidate.family.to_string(),
        episode: 1,
        error_type: "ZeroDivisionError".to_owned(),
        report: ReportRef { kind: "issue".to_owned(), number: Some(7), url: candidate.report_url.clone() },
        lane: "code".to_owned(),
        kind: Some("runtime".to_owned()),
        status: Status::Fixed,
        rule: Some(Reason::DiffLines),
        reason: Some(Reason::DiffLines),
        started_at: candidate.started_at,
        completed_at: candidate.completed_at,
        attempt: 1,
        tier: Some("pattern".to_owned()),
        source: Some(Source::Pattern),
        provider: Some("p".to_owned()),
        model: Some("m".to_owned()),
        pattern: candidate.pattern.clone(),
        confidence: candidate.confidence,
        pr: Some(PullRef { number: 12, url: "u".to_owned(), state: "created".to_owned() }),
        branch: Some("homeostat/x".to_owned()),
        base_sha: candidate.base_sha.to_string(),
        tree: Some(candidate.tree.to_string()),
        candidate: Some("5f".repeat(32)),
        cost_microusd: MicroUsd(7),
        tokens: Tokens::default(),
        latency_ms: 120_000,
        evidence: Some(EvidenceRef {
            kind: candidate.evidence.kind,
            before: candidate.evidence.before,
            after: candidate.evidence.after,
            repetitions: 3,
        }),
        resources: Some(candidate.evidence.resources),
        sandbox: Some(SandboxRef { level: SandboxLevel::Landlock, network: NetworkAccess::None }),
        also_fixes: vec![sample::also().fingerprint.to_string()],
        logs: candidate.logs.clone(),
    };
    let bare = AttemptFinished {
        kind: None,
        status: Status::Unfixed,
        rule: None,
        reason: None,
        tier: None,
        source: None,
        provider: None,
        model: None,
        pattern: None,
        confidence: None,
        pr: None,
        branch: None,
        tree: None,
        candidate: None,
        evidence: None,
        resources: None,
        sandbox: None,
        ..full.clone()
    };
    let totals = serde_json::to_value(crate::render::fleet_report().totals).expect("totals serialise");
    let events = vec![
        Event::RunStarted(Box::new(RunStarted {
            triggered_by: "schedule".to_owned(),
            intent: Some("try it".to_owned()),
            tags: vec!["night".to_owned()],
            metadata: [("git".to_owned(), "2.39".to_owned())].into(),
            environment: "production".to_owned(),
            ..RunStarted::default()
        })),
        Event::AttemptFinished(Box::new(full)),
        Event::AttemptFinished(Box::new(bare)),
        Event::RepositoryFinished(Box::new(RepositoryFinished {
            repo: "acme/parcels".to_owned(),
            prs_created: vec![12],
            backlog: [("capped".to_owned(), 2)].into(),
            ..RepositoryFinished::default()
        })),
        Event::Refusal(Box::new(Refusal {
            repo: "acme/parcels".to_owned(),
            fingerprint: candidate.fingerprint.to_string(),
            rule: Reason::DiffLines,
            message: "Too long.".to_owned(),
        })),
        Event::Write(Box::new(Write {
            phase: "intent".to_owned(),
            repo: "acme/parcels".to_owned(),
            verb: "create-branch".to_owned(),
            branch: "homeostat/x".to_owned(),
            key: "k".to_owned(),
            digest: "d".to_owned(),
            result: None,
        })),
        Event::Outcome(Box::new(PullOutcome {
            repo: "acme/parcels".to_owned(),
            fingerprint: candidate.fingerprint.to_string(),
            episode: 1,
            outcome: PullEnd::Merged,
            number: 7,
            url: "https://github.com/acme/parcels/pull/7".to_owned(),
            branch: "homeostat/x".to_owned(),
            tree: "a".repeat(40),
            candidate: Some("d".to_owned()),
            source: None,
            pattern: None,
            at: sample::moment(2),
            by: Some("ann".to_owned()),
            words: None,
            commit: Some("b".repeat(40)),
            seconds_to_merge: Some(60),
            lines_on_top: Some(0),
        })),
        Event::Recovered(Box::new(Recovered {
            repo: "acme/parcels".to_owned(),
            fingerprint: candidate.fingerprint.to_string(),
            what: "The branch was there; the pull request was opened.".to_owned(),
        })),
        Event::RunFinished(Box::new(RunFinished { totals, exit_class: "ok".to_owned() })),
    ];
    events.into_iter().map(line).collect()
}

fn line(event: Event) -> Line {
    Line {
        schema: EVENT_SCHEMA.to_owned(),
        time: sample::moment(2),
        run_id: "20251009T085320Z-1a2b3c4d".to_owned(),
        trace_id: "ab".repeat(16),
        span_id: "cd".repeat(8),
        event,
    }
}

#[test]
fn the_published_schemas_are_current() {
    let bless = std::env::var_os("HOMEOSTAT_BLESS").is_some();
    let mut wanted = Vec::new();
    for (name, schema) in schemas() {
        let path = folder().join(format!("{name}.json"));
        let text = format!("{}\n", serde_json::to_string_pretty(&schema).expect("a schema serialises"));
        if bless {
            fs::write(&path, &text).expect("the schema can be written");
        }
        let found = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
        assert!(found == text, "shared/schemas/{name}.json is not current; run this test once with HOMEOSTAT_BLESS=1");
        wanted.push(format!("{name}.json"));
    }
    // Other generators own what is neither an event nor named here; an event without a type is a leftover.
    for entry in fs::read_dir(folder()).expect("the folder can be read").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(!name.starts_with("event-") || wanted.contains(&name), "{name} belongs to no type of event");
    }
}

#[test]
fn every_event_fits_the_schema_of_its_type_and_every_type_has_a_sample() {
    let mut seen = std::collections::BTreeSet::new();
    for line in lines() {
        let value: Value = serde_json::from_str(&line.to_json_line().expect("it serialises")).expect("it parses");
        let name = format!("event-{}", value["type"].as_str().unwrap_or_default());
        assert_fits(&name, &value);
        assert_eq!(serde_json::from_value::<Line>(value).expect("it is read back"), line);
        seen.insert(name);
    }
    let published: std::collections::BTreeSet<String> =
        by_name().into_keys().filter(|name| name.starts_with("event-")).map(str::to_owned).collect();
    assert_eq!(seen, published);
}

#[test]
fn a_state_a_candidate_a_manifest_a_verdict_and_a_report_fit_their_schemas() {
    let candidate = sample::candidate();
    assert_fits("state", &value(&sample::state()));
    let fresh = homeostat::model::FailureState::new(candidate.fingerprint.clone(), candidate.family.clone(), 1);
    assert_fits("state", &value(&fresh));
    assert_fits("candidate", &value(&candidate));
    assert_fits("verdict", &value(&sample::flagged()));
    assert_fits("preflight", &value(&sample::preflight()));
    let manifest = Manifest {
        schema: MANIFEST_SCHEMA.to_owned(),
        run_id: "r".to_owned(),
        digests: [(candidate.file_name(), "5f".repeat(32))].into(),
        settled: vec![Settled {
            slug: candidate.slug.clone(),
            repository_id: 99,
            fingerprint: candidate.fingerprint.clone(),
            report: ReportId::Run { workflow: "ci.yml".to_owned(), job: "test".to_owned() },
            status: Status::Unfixed,
            reason: Reason::NoFixer,
            message: Reason::NoFixer.sentence().to_owned(),
            counts: true,
            state_after: sample::state(),
            cost: MicroUsd::ZERO,
            tokens: Tokens::default(),
            started_at: sample::moment(0),
            completed_at: sample::moment(1),
            logs: Vec::new(),
        }],
        events: lines().iter().map(|line| serde_json::to_value(line).expect("it serialises")).collect(),
        ..Manifest::default()
    };
    assert_fits("manifest", &value(&manifest));
    let mut report = crate::render::fleet_report();
    report.actions = vec![Action {
        repository: "acme/parcels".to_owned(),
        verb: Verb::Leave,
        branch: "homeostat/x".to_owned(),
        key: "k".to_owned(),
        digest: "d".to_owned(),
        reason: Some(Reason::BaseMoved),
    }];
    assert_fits("run-report", &value(&report));
}

/// Anything that serialises, as a value.
fn value(it: &impl serde::Serialize) -> Value {
    serde_json::to_value(it).expect("it serialises")
}

#[test]
fn v_35_v_49_a_line_is_one_line_whatever_is_in_it() {
    let hostile = "a\nb\r\u{2028}c\u{2029}d\u{85}e\0f\u{1b}g\"}\n{\"type\":\"run.finished\"}";
    let line = line(Event::Refusal(Box::new(Refusal {
        repo: hostile.to_owned(),
        fingerprint: hostile.to_owned(),
        rule: Reason::DiffLines,
        message: format!("{hostile}{}", "\u{1f600}x".repeat(2 << 20)),
    })));
    let text = line.to_json_line().expect("it serialises");
    assert!(text.ends_with("}\n"));
    let body = text.trim_end_matches('\n');
    assert!(!body.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')));
    assert!(text.len() < 64 << 10, "{}", text.len());
    let value: Value = serde_json::from_str(&text).expect("it parses");
    assert_fits("event-refusal", &value);
    assert_eq!((value["type"].as_str(), value["repo"].as_str()), (Some("refusal"), Some(hostile)));
    assert!(value["message"].as_str().is_some_and(|message| message.ends_with("… (cut)")));
}

#[test]
fn v_49_a_number_that_is_none_never_reaches_a_line() {
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut line = lines().into_iter().find(|l| matches!(l.event, Event::AttemptFinished(_))).expect("a sample");
        if let Event::AttemptFinished(attempt) = &mut line.event {
            attempt.confidence = Some(number);
            if let (Some(evidence), Some(used)) = (&mut attempt.evidence, &mut attempt.resources) {
                (evidence.before.seconds, used.cpu_s, used.wall_s) = (number, number, number);
            }
        }
        let value: Value = serde_json::from_str(&line.to_json_line().expect("it serialises")).expect("it parses");
        assert_fits("event-attempt.finished", &value);
    }
}

#[test]
fn v_49_no_type_of_event_uses_a_name_of_every_line() {
    for line in lines() {
        let value = serde_json::to_value(&line.event).expect("it serialises");
        for common in ["schema", "time", "run_id", "trace_id", "span_id"] {
            assert!(value.get(common).is_none(), "{common} in {value}");
        }
    }
}

#[test]
fn the_reference_of_events_names_every_type_and_field() {
    fn names(schema: &Value, all: &Value, found: &mut Vec<String>) {
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            for (name, property) in properties {
                found.push(name.clone());
                names(property, all, found);
            }
        }
        for part in ["anyOf", "oneOf", "allOf"] {
            for one in schema.get(part).and_then(Value::as_array).into_iter().flatten() {
                names(one, all, found);
            }
        }
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            let target = all.pointer(target.trim_start_matches('#')).cloned().unwrap_or_default();
            names(&target, all, found);
        }
    }
    let text = fs::read_to_string(folder().join("../../docs/events.md")).expect("docs/events.md is there");
    let sections: BTreeMap<&str, &str> =
        text.split("\n## ").skip(1).filter_map(|section| section.split_once('\n')).collect();
    let common = sections.get("Every line").expect("docs/events.md has a section `Every line`");
    for (name, schema) in schemas() {
        let Some(kind) = name.strip_prefix("event-") else { continue };
        let section = sections.get(format!("`{kind}`").as_str());
        let section = section.unwrap_or_else(|| panic!("docs/events.md has no section for {kind}"));
        let mut fields = Vec::new();
        names(&schema, &schema, &mut fields);
        for field in fields {
            let written = format!("`{field}`");
            assert!(section.contains(&written) || common.contains(&written), "docs/events.md, {kind}: no {written}");
        }
    }
    for heading in sections.keys().filter(|heading| heading.starts_with('`')) {
        let name = format!("event-{}", heading.trim_matches('`'));
        assert!(by_name().contains_key(name.as_str()), "docs/events.md speaks of {heading}, which is no type");
    }
}
