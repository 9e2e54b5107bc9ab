//! The published JSON Schemas, made from the types that are written: `shared/schemas/` cannot say anything else. Layer 1.
//!
//! Describes what this version writes, with every field it writes; a reader of old files is more patient.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::event::{
    AttemptFinished, EVENT_SCHEMA, Recovered, Refusal, RepositoryFinished, RunFinished, RunStarted, Write,
};
use crate::intake::log::DiagnosisDocument;
use crate::model::{
    CANDIDATE_SCHEMA, Candidate, FailureState, MANIFEST_SCHEMA, Manifest, PullOutcome, STATE_SCHEMA, Timestamp, Verdict,
};
use crate::redact::SecretPlace;
use crate::render::OutcomesReport;
use crate::render::RunReport;
use crate::render::doctor::Checkup;
use crate::render::preflight::Preflight;

/// Returns every published schema by the name of its file without `.json`.
pub fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        (
            "candidate",
            document::<Candidate>("A proven patch, as `propose` hands it to `publish`.", Some(CANDIDATE_SCHEMA)),
        ),
        ("diagnosis", document::<DiagnosisDocument>("What `diagnose --format json` says of a log.", None)),
        ("doctor", document::<Checkup>("What `doctor --format json` finds.", None)),
        ("event-attempt.finished", event::<AttemptFinished>("attempt.finished")),
        ("event-outcome", event::<PullOutcome>("outcome")),
        ("event-recovered", event::<Recovered>("recovered")),
        ("event-refusal", event::<Refusal>("refusal")),
        ("event-repository.finished", event::<RepositoryFinished>("repository.finished")),
        ("event-run.finished", event::<RunFinished>("run.finished")),
        ("event-run.started", event::<RunStarted>("run.started")),
        ("event-write", event::<Write>("write")),
        ("manifest", document::<Manifest>("What one `propose` left behind.", Some(MANIFEST_SCHEMA))),
        ("outcomes", document::<OutcomesReport>("What `outcomes --format json` says of our pull requests.", None)),
        ("preflight", document::<Preflight>("What `preflight --format json` says of a working tree.", None)),
        ("run-report", document::<RunReport>("Standard output of `run --format json`.", None)),
        ("scan", document::<Vec<SecretPlace>>("What `scan --format json` finds.", None)),
        (
            "state",
            document::<FailureState>(
                "The state of one failure, on the state branch and in a pull request.",
                Some(STATE_SCHEMA),
            ),
        ),
        ("verdict", document::<Verdict>("What `guard --format json` says of a change.", None)),
    ]
}

fn document<T: JsonSchema>(title: &str, name: Option<&str>) -> Value {
    let mut schema = closed::<T>();
    schema["title"] = title.into();
    if let Some(name) = name {
        schema["properties"]["schema"] = json!({ "const": name });
    }
    schema
}

/// One line of a run's record: the fields of every line, and those of its type.
fn event<T: JsonSchema>(kind: &str) -> Value {
    let mut schema = closed::<T>();
    schema["title"] = format!("One line of a run's record, of type `{kind}`.").into();
    let time = serde_json::to_value(schemars::schema_for!(Timestamp)).unwrap_or_default();
    let common = [
        ("schema", json!({ "const": EVENT_SCHEMA })),
        ("type", json!({ "const": kind })),
        ("time", json!({ "description": "When.", "type": "string", "format": time["format"] })),
        ("run_id", json!({ "description": "The run.", "type": "string" })),
        ("trace_id", json!({ "description": "The run's trace.", "type": "string", "pattern": "^[0-9a-f]{32}$" })),
        ("span_id", json!({ "description": "The span.", "type": "string", "pattern": "^[0-9a-f]{16}$" })),
    ];
    for (name, property) in common {
        schema["properties"][name] = property;
        if let Some(required) = schema["required"].as_array_mut() {
            required.push(name.into());
        }
    }
    schema
}

/// Makes the schema of what is written, in which no object has fields beside the named ones.
fn closed<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let schema = settings.into_generator().into_root_schema_for::<T>();
    let mut schema = serde_json::to_value(schema).unwrap_or_else(|_| Value::Object(Map::new()));
    close(&mut schema);
    schema
}

fn close(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(close),
        Value::Object(fields) => {
            if fields.get("properties").is_some_and(Value::is_object) && !fields.contains_key("additionalProperties") {
                fields.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
            fields.values_mut().for_each(close);
        }
        _ => {}
    }
}
