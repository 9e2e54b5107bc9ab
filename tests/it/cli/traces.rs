//! Traces, as a collector that nobody of ours wrote decodes them; and collectors that are of no use.

#![expect(clippy::disallowed_types, reason = "a collector is a server that none of our clients is")]

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

use super::world::{World, ended};

/// One request that a collector took.
struct Taken {
    head: String,
    body: Vec<u8>,
}

/// Takes requests, and answers each with these bytes.
fn collector(answer: Vec<u8>) -> (String, Receiver<Taken>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let (sender, taken) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (sender, answer) = (sender.clone(), answer.clone());
            thread::spawn(move || {
                while let Some(one) = take(&stream, &answer) {
                    let _gone = sender.send(one);
                }
            });
        }
    });
    (address, taken)
}

fn take(stream: &TcpStream, answer: &[u8]) -> Option<Taken> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok())?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut stream = stream;
    stream.write_all(answer).ok()?;
    Some(Taken { head, body })
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn traced(world: &World, endpoint: &str) -> Command {
    let mut command = world.run_command(&["--format", "json"]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint).env("TRACEPARENT", PARENT);
    command.env("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20collectors-own-secret");
    command
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn value<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Value> {
    attributes.iter().find(|one| one.key == key)?.value.as_ref()?.value.as_ref()
}

fn text<'a>(attributes: &'a [KeyValue], key: &str) -> &'a str {
    match value(attributes, key) {
        Some(Value::StringValue(text)) => text,
        other => panic!("{key} is {other:?}"),
    }
}

#[test]
fn a_collector_gets_one_trace_of_everything_that_a_run_did_and_no_secret() {
    let world = World::new();
    let (address, taken) = collector(OK.to_vec());
    world.configure_command(&format!(": ghs_{} ; {}", "a1B2".repeat(9), world.test_command()), "");
    let mut command = traced(&world, &address);
    let actions = [
        ("GITHUB_SERVER_URL", "https://github.com"),
        ("GITHUB_REPOSITORY", "acme/ops"),
        ("GITHUB_RUN_ID", "4711"),
        ("GITHUB_WORKFLOW", "homeostat\u{1b}[2J"),
        ("GITHUB_ACTIONS", "true"),
    ];
    command.envs(actions).env("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test,vcs.provider.name=mine");
    let done = ended(command).ends_with(0);
    assert!(!done.stderr.contains("races"), "{}", done.stderr);
    assert_eq!(world.pulls("acme/shop").len(), 1);
    let requests: Vec<Taken> = taken.try_iter().collect();
    assert!(!requests.is_empty());
    let mut spans: Vec<Span> = Vec::new();
    for one in &requests {
        assert!(one.head.starts_with("POST /v1/traces "), "{}", one.head);
        assert!(one.head.to_lowercase().contains("authorization: bearer collectors-own-secret"), "{}", one.head);
        let raw = String::from_utf8_lossy(&one.body);
        assert!(!raw.contains("ghs_") && !raw.contains("collectors-own-secret") && !raw.contains("\u{1b}[2J"));
        let decoded = ExportTraceServiceRequest::decode(one.body.as_slice()).expect("a request for traces");
        for of_resource in decoded.resource_spans {
            let resource = of_resource.resource.expect("a resource").attributes;
            assert_eq!(text(&resource, "service.name"), "homeostat");
            assert_eq!(text(&resource, "cicd.pipeline.run.url.full"), "https://github.com/acme/ops/actions/runs/4711");
            assert_eq!(text(&resource, "vcs.repository.name"), "ops");
            assert_eq!(text(&resource, "vcs.provider.name"), "mine", "what a person sets wins");
            assert_eq!(text(&resource, "deployment.environment.name"), "test");
            spans.extend(of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    }
    assert!(spans.iter().all(|span| hex(&span.trace_id) == TRACE && span.events.is_empty()));
    let ids: BTreeSet<String> = spans.iter().map(|span| hex(&span.span_id)).collect();
    let roots: Vec<&Span> = spans.iter().filter(|span| !ids.contains(&hex(&span.parent_span_id))).collect();
    let [root] = roots.as_slice() else { panic!("one root: {roots:?}") };
    assert_eq!((root.name.as_str(), hex(&root.parent_span_id).as_str()), ("run", "00f067aa0ba902b7"));
    assert_eq!(text(&root.attributes, "homeostat.exit_class"), "ok");
    let above = |name: &str| -> BTreeSet<&str> {
        let of_name = spans.iter().filter(|span| span.name == name);
        let parents = of_name.filter_map(|span| spans.iter().find(|other| other.span_id == span.parent_span_id));
        parents.map(|parent| parent.name.as_str()).collect()
    };
    assert_eq!(above("failure").into_iter().collect::<Vec<_>>(), ["repository"]);
    assert_eq!(above("fixer").into_iter().collect::<Vec<_>>(), ["failure"]);
    assert!(above("test").contains("failure") && !above("forge").is_empty(), "{:?}", above("test"));
    let tests: Vec<&Span> = spans.iter().filter(|span| span.name == "test").collect();
    assert!(tests.iter().any(|span| value(&span.attributes, "process.exit.code") == Some(&Value::IntValue(0))));
    assert!(tests.iter().all(|span| text(&span.attributes, "command").contains("<SECRET_1>")), "{tests:?}");
    // The lines of the run name the same trace.
    assert!(world.events().iter().all(|event| event["trace_id"] == TRACE));
}

#[test]
fn a_collector_that_is_of_no_use_costs_one_warning() {
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let mut noise = b"HTTP/1.1 500 Oh No\r\ncontent-length: 10485760\r\n\r\n".to_vec();
    noise.resize(noise.len() + (10 << 20), b'x');
    let elsewhere = b"HTTP/1.1 307 Go\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n".to_vec();
    for (what, address) in [
        ("refuses", format!("http://{nobody}")),
        ("breaks", collector(noise).0),
        ("sends on", collector(elsewhere).0),
        ("is silent", collector(Vec::new()).0),
    ] {
        let world = World::new();
        let done = ended(traced(&world, &address)).ends_with(0);
        assert_eq!(world.pulls("acme/shop").len(), 1, "{what}");
        let warnings: Vec<&str> = done.stderr.lines().filter(|line| line.contains("traces")).collect();
        assert_eq!(warnings, ["warning: Not all traces arrived; the collector did not take them in time."], "{what}");
    }
}

#[test]
fn nothing_is_opened_that_was_not_asked_for() {
    let (address, taken) = collector(OK.to_vec());
    for (name, value, said) in [
        ("OTEL_SDK_DISABLED", "true", None),
        ("OTEL_TRACES_EXPORTER", "none", None),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", Some("the protocol grpc is not spoken")),
        ("OTEL_TRACES_SAMPLER", "always_off", None),
    ] {
        let world = World::new();
        let mut command = traced(&world, &address);
        command.env(name, value);
        let done = ended(command).ends_with(0);
        assert_eq!(done.stderr.contains("No traces are sent"), said.is_some(), "{name}: {}", done.stderr);
        assert!(said.is_none_or(|said| done.stderr.contains(said)), "{}", done.stderr);
    }
    assert_eq!(taken.try_iter().count(), 0);
}
