//! The exporter: spans go out redacted, in batches, by a thread that no run waits for. Layer 5.
//!
//! Refuses to follow redirects, to try again, to read more of an answer than a little, and to be waited for.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{RetryPolicy, SpanExporter, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, IdGenerator, RandomIdGenerator, SdkTracerProvider, Span, SpanData,
    SpanProcessor,
};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use super::parent::Parent;
use super::{Get, Sink};
use crate::forge::github::{Connector, Proxies, connector};
use crate::redact::{Redactor, strip_controls};

/// How long the end of a run may be held up.
const FLUSH: Duration = Duration::from_secs(2);
/// How long one request may take, whatever the variables say.
const LONGEST: Duration = Duration::from_secs(10);
/// Spans that wait for the thread; a run of a thousand repositories makes some ten thousand calls.
const QUEUE: usize = 16_384;
/// What a text of a span may have.
const TEXT_CAP: usize = 256;
/// What is read of an answer.
const ANSWER_CAP: usize = 64 << 10;

/// The traces of this process, on their way.
#[derive(Debug)]
pub(super) struct Traces {
    provider: SdkTracerProvider,
    failed: Arc<AtomicBool>,
}

impl Traces {
    /// Sends what is left, for a short while; returns why not all of it arrived.
    pub(super) fn finish(self) -> Option<String> {
        let ended = self.provider.shutdown_with_timeout(FLUSH);
        let failed = ended.is_err() || self.failed.load(Ordering::Relaxed);
        failed.then(|| "Not all traces arrived; the collector did not take them in time.".to_owned())
    }
}

/// Makes the exporter and what takes the spans.
pub(super) fn start<S>(
    get: Get<'_>,
    trace_id: &str,
    redactor: Redactor,
    proxies: Option<Proxies>,
) -> Result<(Traces, Sink<S>), String>
where
    S: tracing::Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let failed = Arc::new(AtomicBool::new(false));
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Post::new(patience(get), proxies, failed.clone())?)
        .with_retry_policy(RetryPolicy::disabled())
        .build()
        .map_err(|error| strip_controls(&redactor.redact(&error.to_string()).into_string()))?;
    let batches = BatchSpanProcessor::builder(exporter)
        .with_batch_config(BatchConfigBuilder::default().with_max_queue_size(QUEUE).build())
        .build();
    let redactor = Arc::new(redactor);
    let provider = SdkTracerProvider::builder()
        .with_resource(resource(get, &redactor))
        .with_id_generator(Ids { trace: TraceId::from_hex(trace_id).map_err(|error| error.to_string())? })
        .with_max_events_per_span(0)
        .with_max_attributes_per_span(32)
        .with_span_processor(Clean { redactor, next: batches })
        .build();
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("homeostat"))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_level(false)
        .with_target(false)
        // Log lines hold words of others, and are no part of a trace.
        .with_filter(filter_fn(|meta| meta.is_span() && meta.target().starts_with("homeostat")));
    Ok((Traces { provider, failed }, Box::new(layer)))
}

/// Makes a span the child of the one that started this process.
pub(super) fn adopt(span: &tracing::Span, parent: &Parent) {
    let (Ok(trace), Ok(id)) = (TraceId::from_hex(&parent.trace), SpanId::from_hex(&parent.span)) else { return };
    let flags = if parent.sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
    let of = SpanContext::new(trace, id, flags, true, TraceState::default());
    if span.set_parent(Context::new().with_remote_span_context(of)).is_err() {
        tracing::debug!("the span was begun already");
    }
}

/// Returns how long one request may take, as the variables say, within reason.
fn patience(get: Get<'_>) -> Duration {
    let names = ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"];
    let millis = names.into_iter().find_map(|name| get(name)?.trim().parse().ok());
    millis.map_or(LONGEST, Duration::from_millis).min(LONGEST)
}

/// Says what runs and where, by the conventions for CI and version control; a person's own attributes win.
fn resource(get: Get<'_>, redactor: &Redactor) -> Resource {
    let set = |name: &str| get(name).filter(|value| !value.is_empty());
    let own = set("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
    let is_named =
        set("OTEL_SERVICE_NAME").is_some() || own.split(',').any(|pair| pair.trim().starts_with("service.name="));
    let mut all = vec![("service.version", Some(env!("CARGO_PKG_VERSION").to_owned()))];
    if !is_named {
        all.push(("service.name", Some("homeostat".to_owned())));
    }
    if set("GITHUB_ACTIONS").is_some_and(|value| value == "true") {
        let (server, slug) = (set("GITHUB_SERVER_URL"), set("GITHUB_REPOSITORY"));
        let page = server.zip(slug.clone()).map(|(server, slug)| format!("{server}/{slug}"));
        let run = set("GITHUB_RUN_ID");
        let (owner, name) = slug.as_deref().and_then(|slug| slug.split_once('/')).unzip();
        all.extend([
            ("cicd.pipeline.name", set("GITHUB_WORKFLOW")),
            ("cicd.pipeline.task.name", set("GITHUB_JOB")),
            (
                "cicd.pipeline.run.url.full",
                page.as_ref().zip(run.as_ref()).map(|(page, run)| format!("{page}/actions/runs/{run}")),
            ),
            ("cicd.pipeline.run.id", run),
            ("vcs.provider.name", Some("github".to_owned())),
            ("vcs.repository.url.full", page),
            ("vcs.owner.name", owner.map(str::to_owned)),
            ("vcs.repository.name", name.map(str::to_owned)),
            ("vcs.ref.head.name", set("GITHUB_REF_NAME")),
            ("vcs.ref.head.revision", set("GITHUB_SHA")),
        ]);
    }
    let given =
        all.into_iter().filter(|(key, _)| !own.split(',').any(|pair| pair.trim().starts_with(&format!("{key}="))));
    let attributes = given.filter_map(|(key, value)| Some(KeyValue::new(key, clean(&value?, redactor))));
    Resource::builder().with_attributes(attributes).build()
}

/// One trace for one process.
#[derive(Debug)]
struct Ids {
    trace: TraceId,
}

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        self.trace
    }

    fn new_span_id(&self) -> SpanId {
        RandomIdGenerator::default().new_span_id()
    }
}

/// Lets spans go on once nothing in them is secret, unseen or long.
#[derive(Debug)]
struct Clean {
    redactor: Arc<Redactor>,
    next: BatchSpanProcessor,
}

impl SpanProcessor for Clean {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.next.on_start(span, context);
    }

    fn on_end(&self, mut span: SpanData) {
        for attribute in &mut span.attributes {
            attribute.value = match &attribute.value {
                Value::Bool(value) => Value::Bool(*value),
                Value::I64(value) => Value::I64(*value),
                Value::F64(value) => Value::F64(*value),
                other => Value::String(clean(&other.as_str(), &self.redactor).into()),
            };
        }
        self.next.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.next.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.next.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.next.set_resource(resource);
    }
}

fn clean(text: &str, redactor: &Redactor) -> String {
    let text = strip_controls(&redactor.redact(text).into_string());
    text[..text.floor_char_boundary(TEXT_CAP)].to_owned()
}

/// Sends requests as the forge's client does, on a runtime of its own: the thread that sends has none.
struct Post {
    runtime: Mutex<tokio::runtime::Runtime>,
    client: Client<Connector, Full<Bytes>>,
    patience: Duration,
    failed: Arc<AtomicBool>,
}

impl std::fmt::Debug for Post {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Post").field("patience", &self.patience).finish_non_exhaustive()
    }
}

impl Post {
    fn new(patience: Duration, proxies: Option<Proxies>, failed: Arc<AtomicBool>) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = Mutex::new(runtime.map_err(|error| error.to_string())?);
        let client = Client::builder(TokioExecutor::new()).build(connector(proxies)?);
        Ok(Self { runtime, client, patience, failed })
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.client.request(request.map(Full::new)).await?;
        let (head, body) = answer.into_parts();
        // Nothing in an answer is of use but its status.
        let body =
            Limited::new(body, ANSWER_CAP).collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        Ok(Response::from_parts(head, body))
    }
}

#[async_trait]
impl HttpClient for Post {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = runtime.block_on(async { tokio::time::timeout(self.patience, self.exchange(request)).await });
        let answer = answer.unwrap_or_else(|late| Err(late.into()));
        if !answer.as_ref().is_ok_and(|answer| answer.status().is_success()) {
            self.failed.store(true, Ordering::Relaxed);
        }
        answer
    }
}
