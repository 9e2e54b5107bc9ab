//! Holds every request and every answer to GitHub's published description (`tests/data/openapi`).
//!
//! Refuses members of a query that the description does not know; members of bodies that it does not know pass, since the
//! description lets them.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::exchange::Request;

/// One operation of the description.
struct Operation {
    method: String,
    template: Vec<String>,
    raw: Value,
}

struct Description {
    operations: Vec<Operation>,
    definitions: Value,
    /// Compiled on first use: most tests use few.
    compiled: Mutex<HashMap<(usize, String), Arc<Validator>>>,
}

fn description() -> &'static Description {
    static ONCE: OnceLock<Description> = OnceLock::new();
    ONCE.get_or_init(|| {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/openapi/api.json");
        let text = std::fs::read(path).expect("the trimmed description");
        let mut all: Value = serde_json::from_slice(&text).expect("JSON");
        let definitions = all["$defs"].take();
        let operations = all["operations"].as_array().expect("a list").iter().map(|raw| Operation {
            method: raw["method"].as_str().expect("a method").to_owned(),
            template: raw["path"].as_str().expect("a path").split('/').skip(1).map(str::to_owned).collect(),
            raw: raw.clone(),
        });
        Description { operations: operations.collect(), definitions, compiled: Mutex::new(HashMap::new()) }
    })
}

/// Whether a path fits a template; a name at its end, and a range, may hold slashes.
fn fits(template: &[String], path: &[String]) -> bool {
    match (template.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((only, [])), Some(_)) if matches!(only.as_str(), "{ref}" | "{branch}" | "{basehead}" | "{path}") => true,
        (Some((one, template)), Some((part, path))) => (one.starts_with('{') || one == part) && fits(template, path),
        _ => false,
    }
}

impl Description {
    fn find(&self, request: &Request) -> Option<usize> {
        let mut path = request.segments.clone();
        if path.first().is_some_and(|first| first == "repositories") {
            // The same addresses under the repository's id.
            path.splice(0..2, ["repos".to_owned(), "owner".to_owned(), "repo".to_owned()]);
        }
        // A literal address before one with a name in its place, and a longer one before one whose end holds slashes.
        let mut found: Vec<usize> = (0..self.operations.len())
            .filter(|at| {
                let operation = &self.operations[*at];
                operation.method == request.method && fits(&operation.template, &path)
            })
            .collect();
        found.sort_by_key(|at| {
            let template = &self.operations[*at].template;
            (template.iter().filter(|part| part.starts_with('{')).count(), Reverse(template.len()))
        });
        found.first().copied()
    }

    fn judge(&self, operation: usize, what: &str, schema: &Value, body: &Value) -> Vec<String> {
        let key = (operation, what.to_owned());
        let known = self.compiled.lock().expect("no test panics here").get(&key).cloned();
        let validator = known.unwrap_or_else(|| {
            let mut whole = schema.as_object().cloned().unwrap_or_default();
            whole.insert("$defs".to_owned(), self.definitions.clone());
            let made = Arc::new(jsonschema::validator_for(&Value::Object(whole)).expect("a schema"));
            self.compiled.lock().expect("no test panics here").insert(key, made.clone());
            made
        });
        let wrong = validator.iter_errors(body).take(5);
        wrong.map(|error| format!("{what}: {} at {}", error, error.instance_path())).collect()
    }
}

/// Lists every operation by method and path, with something in the place of each name.
pub(super) fn operations() -> Vec<(String, String)> {
    let filled = |part: &String| match part.as_str() {
        "{owner}" | "{org}" | "{username}" => "owner".to_owned(),
        "{repo}" => "app".to_owned(),
        "{basehead}" => "main...main".to_owned(),
        "{ref}" => "heads/main".to_owned(),
        "{installation_id}" => "815".to_owned(),
        name if name.starts_with('{') => "1".to_owned(),
        part => part.to_owned(),
    };
    let path = |operation: &Operation| {
        operation.template.iter().map(filled).map(|part| format!("/{part}")).collect::<String>()
    };
    description().operations.iter().map(|operation| (operation.method.clone(), path(operation))).collect()
}

/// Says what of a request the description does not allow.
pub(super) fn judge_request(request: &Request) -> Vec<String> {
    let all = description();
    let Some(at) = all.find(request) else {
        return vec![format!("{} {} is no operation that the description knows", request.method, request.target)];
    };
    let raw = &all.operations[at].raw;
    let mut wrong = Vec::new();
    let known = raw["query"].as_object().cloned().unwrap_or_default();
    for (name, value) in &request.query {
        match known.get(name) {
            None => wrong.push(format!("the query has no member {name}")),
            Some(parameter) => {
                let value = match parameter["schema"]["type"].as_str() {
                    Some("integer") => value.parse::<i64>().map_or_else(|_| json!(value), |number| json!(number)),
                    Some("boolean") => value.parse::<bool>().map_or_else(|_| json!(value), |truth| json!(truth)),
                    _ => json!(value),
                };
                wrong.extend(all.judge(at, &format!("query {name}"), &parameter["schema"], &value));
            }
        }
    }
    for (name, parameter) in &known {
        if parameter["required"] == true && !request.query.contains_key(name) {
            wrong.push(format!("the query lacks {name}"));
        }
    }
    match (raw.get("request"), &request.body) {
        (Some(wanted), Some(body)) => {
            wrong.extend(all.judge(at, "request", &wanted["schema"], body));
            let named: Map<String, Value> = wanted["schema"]["properties"].as_object().cloned().unwrap_or_default();
            // What GitHub ignores in silence is a mistake of ours.
            let strange = body.as_object().into_iter().flatten().filter(|(name, _)| !named.contains_key(*name));
            if !named.is_empty() {
                wrong.extend(strange.map(|(name, _)| format!("the request's body has no member {name}")));
            }
        }
        (Some(wanted), None) if wanted["required"] == true => wrong.push("the request lacks its body".to_owned()),
        (None, Some(body)) if *body != json!({}) => wrong.push("the request has a body".to_owned()),
        _ => {}
    }
    wrong.into_iter().map(|why| format!("{} {}: {why}", request.method, request.target)).collect()
}

/// Says what of an answer the description does not allow.
pub(super) fn judge_answer(request: &Request, status: u16, body: Option<&Value>) -> Vec<String> {
    let all = description();
    let Some(at) = all.find(request) else { return Vec::new() };
    let responses = &all.operations[at].raw["responses"];
    let schema = match responses.get(status.to_string()) {
        Some(Value::Null) => return Vec::new(),
        Some(schema) => schema.clone(),
        // Errors that the description leaves out have its general shapes.
        None if status == 422 => json!({"$ref": "#/$defs/validation-error"}),
        None if status >= 400 => json!({"$ref": "#/$defs/basic-error"}),
        None if status == 304 => return Vec::new(),
        None => return vec![format!("{} {} is never answered with {status}", request.method, request.target)],
    };
    let body = body.cloned().unwrap_or_default();
    let wrong = all.judge(at, &format!("answer {status}"), &schema, &body);
    wrong.into_iter().map(|why| format!("{} {}: {why}", request.method, request.target)).collect()
}
