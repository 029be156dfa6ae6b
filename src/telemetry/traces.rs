//! Traces: which are told, and how they reach a collector.
//!
//! Nothing is built while an operation runs but its record; its spans are made at its end, and only if it is sampled.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;
use axum::http::HeaderMap;
use db::Ids;
use db::record::{Action, Record};
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_otlp::{WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter, SpanLinks};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::auth::clock::instance_now;
use crate::config::TracesConfig;

/// Spans that may wait to be told; more are left out and counted.
const MAX_WAITING: usize = 8_192;
/// Spans that are told at once.
const BATCH: usize = 512;
/// How long spans wait for others to be told with.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a collector may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes what a configuration asks for.
pub fn start(config: &TracesConfig, ids: Ids) -> anyhow::Result<(Tracer, Exporter)> {
    let client = reqwest::Client::builder()
        .timeout(PATIENCE)
        .build()
        .context("traces can't be sent")?;
    let mut exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_endpoint(&config.endpoint)
        .with_timeout(PATIENCE)
        .build()
        .context("traces can't be sent")?;
    let resource = Resource::builder_empty()
        .with_service_name(config.service.clone())
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    exporter.set_resource(&resource);
    let (sender, receiver) = mpsc::unbounded_channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    let tracer = Tracer {
        ids,
        ratio: config.ratio,
        sender,
        waiting: Arc::clone(&waiting),
        scope: InstrumentationScope::builder("goodgo")
            .with_version(env!("CARGO_PKG_VERSION"))
            .build(),
    };
    let exporter = Exporter {
        exporter,
        receiver,
        waiting,
        is_failing: false,
    };
    Ok((tracer, exporter))
}

/// Decides what is told, and tells it. Clones share one queue.
#[derive(Clone, Debug)]
pub struct Tracer {
    ids: Ids,
    ratio: f64,
    sender: mpsc::UnboundedSender<Vec<SpanData>>,
    waiting: Arc<AtomicUsize>,
    scope: InstrumentationScope,
}

/// Where in which trace something is that will be told.
#[derive(Clone, Debug)]
pub struct Place {
    trace: TraceId,
    span: SpanId,
    parent: SpanId,
    is_remote: bool,
    state: TraceState,
}

/// A span that others are parts of.
pub struct Root {
    pub name: std::borrow::Cow<'static, str>,
    pub kind: SpanKind,
    pub started: Moment,
    pub attributes: Vec<KeyValue>,
    pub is_failed: bool,
}

/// When something began, by both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    pub instant: Instant,
    time: SystemTime,
}

impl Moment {
    /// Now.
    pub fn now() -> Self {
        Self {
            instant: Instant::now(),
            time: instance_now().into(),
        }
    }

    fn time_of(&self, instant: Instant) -> SystemTime {
        self.time + instant.saturating_duration_since(self.instant)
    }
}

impl Place {
    /// The trace's id, as logs have it.
    pub fn trace_id(&self) -> String {
        self.trace.to_string()
    }

    fn context(&self, span: SpanId) -> SpanContext {
        let flags = TraceFlags::SAMPLED;
        SpanContext::new(self.trace, span, flags, false, self.state.clone())
    }
}

impl Tracer {
    /// Continues the trace a request brings, or begins one; none if it isn't told.
    pub fn place_of(&self, headers: &HeaderMap) -> Option<Place> {
        if !headers.contains_key("traceparent") {
            return self.begin();
        }
        let context = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
        let span = context.span();
        let brought = span.span_context();
        if !brought.is_valid() {
            return self.begin();
        }
        brought.is_sampled().then(|| Place {
            trace: brought.trace_id(),
            span: self.span_id(),
            parent: brought.span_id(),
            is_remote: true,
            state: brought.trace_state().clone(),
        })
    }

    /// Begins a trace; none if it isn't told.
    pub fn begin(&self) -> Option<Place> {
        let trace = u128::from_be_bytes(self.ids.bytes());
        // As other samplers do it: the same part of all ids, wherever a trace passes.
        #[expect(
            clippy::cast_precision_loss,
            clippy::as_conversions,
            reason = "a share of all ids, to a rounding"
        )]
        let is_told = self.ratio >= 1.0
            || (((trace & u128::from(u64::MAX)) >> 1) as f64) < self.ratio * (1_u64 << 63) as f64;
        is_told.then(|| Place {
            trace: TraceId::from(trace.max(1)),
            span: self.span_id(),
            parent: SpanId::INVALID,
            is_remote: false,
            state: TraceState::default(),
        })
    }

    /// A part of what is told.
    pub fn part_of(&self, place: &Place) -> Place {
        Place {
            span: self.span_id(),
            parent: place.span,
            is_remote: false,
            ..place.clone()
        }
    }

    /// Tells a span that has just ended, and the steps that were its parts.
    pub fn tell(&self, place: &Place, root: Root, record: Option<&Record>) {
        let ended = Instant::now();
        let (steps, left_out) = record.map(Record::take_steps).unwrap_or_default();
        let count = steps.len() + 1;
        if self.waiting.fetch_add(count, Ordering::Relaxed) + count > MAX_WAITING {
            self.waiting.fetch_sub(count, Ordering::Relaxed);
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            metrics::counter!("goodgo_spans_dropped_total").increment(count);
            return;
        }
        let first = u64::from_be_bytes(place.span.to_bytes());
        let id_of = |place: usize| {
            let place = u64::try_from(place).unwrap_or_default();
            SpanId::from(first.wrapping_add(place + 1).max(1))
        };
        let mut spans = Vec::with_capacity(count);
        let started = root.started;
        let mut attributes = root.attributes;
        if left_out > 0 {
            attributes.push(KeyValue::new("goodgo.steps_left_out", i64::from(left_out)));
        }
        let blank = SpanData {
            span_context: place.context(place.span),
            parent_span_id: place.parent,
            parent_span_is_remote: place.is_remote,
            span_kind: root.kind,
            name: root.name,
            start_time: started.time,
            end_time: started.time_of(ended),
            attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: status(root.is_failed),
            instrumentation_scope: self.scope.clone(),
        };
        spans.push(blank);
        for (at, step) in steps.into_iter().enumerate() {
            let (name, kind, attributes) = describe(step.action);
            spans.push(SpanData {
                span_context: place.context(id_of(at)),
                parent_span_id: step.parent.map_or(place.span, id_of),
                parent_span_is_remote: false,
                span_kind: kind,
                name: name.into(),
                start_time: started.time_of(step.started),
                end_time: started.time_of(step.ended.unwrap_or(ended)),
                attributes,
                dropped_attributes_count: 0,
                events: SpanEvents::default(),
                links: SpanLinks::default(),
                status: status(step.is_failed),
                instrumentation_scope: self.scope.clone(),
            });
        }
        // Without an exporter any more the process ends, and nobody is told.
        let _ = self.sender.send(spans);
    }

    fn span_id(&self) -> SpanId {
        SpanId::from(u64::from_be_bytes(self.ids.bytes()).max(1))
    }
}

/// What went wrong stands in the log: the database's own words may repeat values.
fn status(is_failed: bool) -> Status {
    if is_failed {
        Status::error("")
    } else {
        Status::Unset
    }
}

fn describe(action: Action) -> (&'static str, SpanKind, Vec<KeyValue>) {
    match action {
        Action::Statement(text) => {
            let name = verb(&text);
            let attributes = vec![
                KeyValue::new("db.system.name", "postgresql"),
                KeyValue::new("db.query.text", text),
            ];
            (name, SpanKind::Client, attributes)
        }
        Action::Load { loader, keys } => {
            let keys = i64::try_from(keys).unwrap_or(i64::MAX);
            let attributes = vec![
                KeyValue::new("goodgo.loader", loader),
                KeyValue::new("goodgo.batch_size", keys),
            ];
            ("load", SpanKind::Internal, attributes)
        }
        Action::Write { name, attempts } => {
            let attributes = vec![
                KeyValue::new("goodgo.command", name),
                KeyValue::new("goodgo.attempts", i64::from(attempts)),
            ];
            ("write", SpanKind::Internal, attributes)
        }
    }
}

/// What a statement does, by its first word.
fn verb(text: &str) -> &'static str {
    const VERBS: [&str; 10] = [
        "SELECT",
        "INSERT",
        "UPDATE",
        "DELETE",
        "WITH",
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT",
        "RELEASE",
    ];
    let text = text.trim_start();
    let is_first = |verb: &&&str| {
        text.get(..verb.len())
            .is_some_and(|first| first.eq_ignore_ascii_case(verb))
    };
    VERBS.iter().find(is_first).copied().unwrap_or("SQL")
}

/// Tells a collector. Built with the tracer, run beside the server.
#[derive(Debug)]
pub struct Exporter {
    exporter: opentelemetry_otlp::SpanExporter,
    receiver: mpsc::UnboundedReceiver<Vec<SpanData>>,
    waiting: Arc<AtomicUsize>,
    is_failing: bool,
}

/// An exporter that runs.
#[derive(Debug)]
pub struct Exporting {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Exporter {
    /// Runs it.
    #[must_use]
    pub fn spawn(self) -> Exporting {
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(self.run(stopped));
        Exporting { stop, task }
    }

    async fn run(mut self, mut stopped: oneshot::Receiver<()>) {
        let mut is_stopped = false;
        while !is_stopped {
            let mut batch = Vec::new();
            let mut until = None;
            while batch.len() < BATCH && !is_stopped {
                tokio::select! {
                    spans = self.receiver.recv() => match spans {
                        Some(spans) => {
                            until.get_or_insert_with(|| tokio::time::Instant::now() + PAUSE);
                            batch.extend(spans);
                        }
                        None => is_stopped = true,
                    },
                    () = reached(until) => break,
                    _ = &mut stopped => is_stopped = true,
                }
            }
            self.tell(batch).await;
        }
        let mut rest = Vec::new();
        while let Ok(spans) = self.receiver.try_recv() {
            rest.extend(spans);
            if rest.len() >= BATCH {
                self.tell(std::mem::take(&mut rest)).await;
            }
        }
        self.tell(rest).await;
    }

    async fn tell(&mut self, batch: Vec<SpanData>) {
        if batch.is_empty() {
            return;
        }
        let count = batch.len();
        let told = self.exporter.export(batch).await;
        self.waiting.fetch_sub(count, Ordering::Relaxed);
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        match &told {
            Ok(()) => metrics::counter!("goodgo_spans_exported_total").increment(count),
            Err(_) => metrics::counter!("goodgo_spans_dropped_total").increment(count),
        }
        // A collector that is away is a line once, not once a second.
        match (told, std::mem::replace(&mut self.is_failing, false)) {
            (Err(error), was_failing) => {
                self.is_failing = true;
                if !was_failing {
                    tracing::warn!(%error, "Traces can't be told, and are dropped: {error}");
                }
            }
            (Ok(()), true) => tracing::info!("Traces are told again"),
            (Ok(()), false) => {}
        }
    }
}

impl Exporting {
    /// Tells what is left and ends, at the latest after so long.
    pub async fn stop(self, within: Duration) {
        let _ = self.stop.send(());
        let mut task = self.task;
        if tokio::time::timeout(within, &mut task).await.is_err() {
            task.abort();
            tracing::warn!("Some traces were not told: the collector takes too long");
        }
    }
}

async fn reached(until: Option<tokio::time::Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tracer(ratio: f64) -> Tracer {
        let config = TracesConfig {
            endpoint: "http://127.0.0.1:9/v1/traces".to_owned(),
            service: "test".to_owned(),
            ratio,
        };
        start(&config, Ids::seeded(1)).expect("a tracer").0
    }

    #[tokio::test]
    async fn as_many_traces_are_told_as_was_asked_for() {
        for (ratio, least, most) in [(0.0, 0, 0), (0.25, 200, 300), (1.0, 1_000, 1_000)] {
            let tracer = tracer(ratio);
            let told = (0..1_000).filter(|_| tracer.begin().is_some()).count();
            assert!((least..=most).contains(&told), "{ratio}: {told}");
        }
    }

    #[tokio::test]
    async fn a_trace_is_continued_as_its_beginning_decided() {
        let of = |tracer: &Tracer, text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("traceparent", text.parse().expect("a value"));
            tracer.place_of(&headers)
        };
        let sampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let place = of(&tracer(0.0), sampled).expect("a place");
        assert_eq!(place.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(place.parent.to_string(), "b7ad6b7169203331");
        let unsampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
        assert!(of(&tracer(1.0), unsampled).is_none());
        assert!(of(&tracer(1.0), "nonsense").is_some_and(|place| !place.is_remote));
    }

    #[test]
    fn statements_are_called_by_their_verb() {
        assert_eq!(verb(" select 1"), "SELECT");
        assert_eq!(verb("SÉLECT"), "SQL");
    }
}
