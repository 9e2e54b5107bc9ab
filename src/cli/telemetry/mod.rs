//! Traces over OTLP, for whoever collects them: what the standard `OTEL_*` variables ask for, and nothing without. Layer 5.
//!
//! Every text of a span is redacted, and no log line is sent. A collector that is away, slow or broken costs a run nothing
//! but one warning. The exporter itself is in programs built with the feature `otlp`.

pub(crate) mod asked;
pub(crate) mod parent;

#[cfg_attr(not(feature = "otlp"), path = "absent.rs")]
mod otlp;

use std::sync::OnceLock;

use tracing::Span;
use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;

use crate::forge::github::Proxies;
use crate::redact::Redactor;
use asked::Asked;
use parent::Parent;

/// Reads a variable of the environment.
pub(crate) type Get<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A layer over the spans of this program.
pub(crate) type Sink<S> = Box<dyn Layer<S> + Send + Sync>;

/// One trace holds all that a process does; jobs of one workflow share one where `TRACEPARENT` says so.
static TRACE: OnceLock<String> = OnceLock::new();

/// Returns the id of this process's trace, 32 hexadecimal digits: that of `TRACEPARENT`, or a random one.
pub(crate) fn trace_id(get: Get<'_>, random: &dyn Fn() -> [u8; 16]) -> String {
    let made = || match parent(get) {
        Some(parent) => parent.trace,
        None => random().iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    TRACE.get_or_init(made).clone()
}

fn parent(get: Get<'_>) -> Option<Parent> {
    Parent::parse(&get("TRACEPARENT")?)
}

/// The traces of this process.
#[derive(Debug, Default)]
pub(crate) struct Telemetry {
    traces: Option<otlp::Traces>,
}

impl Telemetry {
    /// Begins to collect where that is asked for, with means that nobody makes otherwise. Returns what takes the spans, and what a person has to be told.
    pub(crate) fn start<S>(
        get: Get<'_>,
        trace_id: &str,
        means: impl FnOnce() -> (Redactor, Option<Proxies>),
    ) -> (Self, Option<Sink<S>>, Option<String>)
    where
        S: tracing::Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        let begun = match Asked::read(get) {
            Asked::Nothing => return (Self::default(), None, None),
            Asked::Unfit(why) => Err(why),
            Asked::Traces => {
                let (redactor, proxies) = means();
                otlp::start(get, trace_id, redactor, proxies)
            }
        };
        match begun {
            Ok((traces, sink)) => (Self { traces: Some(traces) }, Some(sink), None),
            Err(why) => (Self::default(), None, Some(format!("No traces are sent: {why}."))),
        }
    }

    /// Makes a span the child of whatever started this process, where `TRACEPARENT` names it.
    pub(crate) fn adopt(&self, span: &Span, get: Get<'_>) {
        if let (Some(_), Some(parent)) = (&self.traces, parent(get)) {
            otlp::adopt(span, &parent);
        }
    }

    /// Sends what is left, for a short while; returns why not all of it arrived.
    pub(crate) fn finish(self) -> Option<String> {
        self.traces.and_then(otlp::Traces::finish)
    }
}
