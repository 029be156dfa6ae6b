//! Traces: samples them and exports their spans to a collector.
//!
//! While an operation runs, only `db::operation_trace` collects steps. Spans are built when it ends, and only if it is sampled.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;
use axum::http::HeaderMap;
use db::operation_trace::{Action, Record};
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceState,
};
use opentelemetry::{Context, InstrumentationScope, KeyValue};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_otlp::{WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, IdGenerator, ParentBasedSampler, RandomIdGenerator,
    Sampler, SamplingDecision, ShouldSample, SpanData, SpanEvents, SpanExporter, SpanLinks,
    SpanProcessor,
};
use tokio::runtime::Handle;

use crate::auth::clock::instance_now;
use crate::config::TracesConfig;

/// Spans in the queue. A trace that doesn't fit is dropped as a whole and counted.
const MAX_QUEUED_SPANS: usize = 8_192;
/// Spans in one export.
const MAX_BATCH_SPANS: usize = 512;
/// Interval between two exports of incomplete batches.
const EXPORT_INTERVAL: Duration = Duration::from_secs(1);
/// Timeout of one export.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);

/// Samples traces and exports their spans.
#[derive(Debug)]
pub struct Tracer {
    ids: RandomIdGenerator,
    sampler: ParentBasedSampler,
    processor: BatchSpanProcessor,
    queued: Arc<AtomicUsize>,
    scope: InstrumentationScope,
}

/// A sampled span that has started.
#[derive(Clone, Debug)]
pub struct ActiveSpan {
    context: SpanContext,
    parent: SpanId,
    is_parent_remote: bool,
}

/// The contents of a span that ends now.
pub struct EndedSpan {
    pub name: std::borrow::Cow<'static, str>,
    pub kind: SpanKind,
    pub started: StartTime,
    pub attributes: Vec<KeyValue>,
    pub is_failed: bool,
}

/// The start of a span, by the monotonic clock and by the system clock.
#[derive(Clone, Copy, Debug)]
pub struct StartTime {
    pub instant: Instant,
    time: SystemTime,
}

impl StartTime {
    /// The current time.
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

impl ActiveSpan {
    /// The trace's id in hexadecimal, as logs show it.
    pub fn trace_id(&self) -> String {
        self.context.trace_id().to_string()
    }
}

impl Tracer {
    /// Starts the exporting thread. Must be called on the runtime that sends the requests to the collector.
    pub fn new(config: &TracesConfig) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .timeout(EXPORT_TIMEOUT)
            .build()
            .context("the HTTP client for traces can't be created")?;
        let mut exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_endpoint(&config.endpoint)
            .with_timeout(EXPORT_TIMEOUT)
            .build()
            .context("the exporter of traces can't be created")?;
        let resource = Resource::builder_empty()
            .with_service_name(config.service.clone())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        exporter.set_resource(&resource);
        let queued = Arc::new(AtomicUsize::new(0));
        let exporter = CountingExporter {
            exporter: Arc::new(exporter),
            runtime: Handle::current(),
            queued: Arc::clone(&queued),
            is_failing: Arc::default(),
        };
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(MAX_QUEUED_SPANS)
            .with_max_export_batch_size(MAX_BATCH_SPANS)
            .with_scheduled_delay(EXPORT_INTERVAL)
            .build();
        Ok(Self {
            ids: RandomIdGenerator::default(),
            sampler: Sampler::parent_based(Sampler::TraceIdRatioBased(config.ratio)),
            processor: BatchSpanProcessor::new(exporter, batches),
            queued,
            scope: InstrumentationScope::builder("goodgo")
                .with_version(env!("CARGO_PKG_VERSION"))
                .build(),
        })
    }

    /// Starts a span in the trace of a request's headers, or in a new one. Returns `None` unless it is sampled.
    pub fn start_request(&self, headers: &HeaderMap) -> Option<ActiveSpan> {
        let empty = Context::new();
        self.start_in(&if headers.contains_key("traceparent") {
            TraceContextPropagator::new().extract_with_context(&empty, &HeaderExtractor(headers))
        } else {
            empty
        })
    }

    /// Starts a span in a new trace. Returns `None` unless it is sampled.
    pub fn start_root(&self) -> Option<ActiveSpan> {
        self.start_in(&Context::new())
    }

    /// Starts a child of a sampled span.
    pub fn start_child(&self, parent: &ActiveSpan) -> Option<ActiveSpan> {
        self.start_in(&Context::new().with_remote_span_context(parent.context.clone()))
    }

    fn start_in(&self, context: &Context) -> Option<ActiveSpan> {
        let span = context.span();
        let parent = span.span_context();
        let trace = if parent.is_valid() {
            parent.trace_id()
        } else {
            self.ids.new_trace_id()
        };
        let kind = SpanKind::Internal;
        let sampled = self
            .sampler
            .should_sample(Some(context), trace, "", &kind, &[], &[]);
        let is_sampled = matches!(sampled.decision, SamplingDecision::RecordAndSample);
        is_sampled.then(|| ActiveSpan {
            context: SpanContext::new(
                trace,
                self.ids.new_span_id(),
                TraceFlags::SAMPLED,
                false,
                sampled.trace_state,
            ),
            parent: parent.span_id(),
            is_parent_remote: parent.is_valid() && parent.is_remote(),
        })
    }

    /// Ends a span, and exports it with the recorded steps as its descendants.
    pub fn end(&self, span: &ActiveSpan, mut ended: EndedSpan, record: Option<&Record>) {
        let now = Instant::now();
        let (steps, left_out) = record.map(Record::take_steps).unwrap_or_default();
        let count = steps.len() + 1;
        if self.queued.fetch_add(count, Ordering::Relaxed) + count > MAX_QUEUED_SPANS {
            self.queued.fetch_sub(count, Ordering::Relaxed);
            count_spans("goodgo_spans_dropped_total", count);
            return;
        }
        let started = ended.started;
        if left_out > 0 {
            let left_out = KeyValue::new("goodgo.steps_left_out", i64::from(left_out));
            ended.attributes.push(left_out);
        }
        self.process(span.clone(), ended, now);
        let ids: Vec<SpanId> = steps.iter().map(|_| self.ids.new_span_id()).collect();
        for (step, id) in steps.into_iter().zip(&ids) {
            let (name, kind, attributes) = describe(step.action);
            let parent = step.parent.and_then(|parent| ids.get(parent));
            let (trace, state) = (span.context.trace_id(), TraceState::default());
            let active = ActiveSpan {
                context: SpanContext::new(trace, *id, TraceFlags::SAMPLED, false, state),
                parent: parent.copied().unwrap_or(span.context.span_id()),
                is_parent_remote: false,
            };
            let ended = EndedSpan {
                name: name.into(),
                kind,
                started: StartTime {
                    instant: step.started,
                    time: started.time_of(step.started),
                },
                attributes,
                is_failed: step.is_failed,
            };
            self.process(active, ended, step.ended.unwrap_or(now));
        }
    }

    /// Hands a span over to the exporter.
    fn process(&self, span: ActiveSpan, ended: EndedSpan, end: Instant) {
        self.processor.on_end(SpanData {
            span_context: span.context,
            parent_span_id: span.parent,
            parent_span_is_remote: span.is_parent_remote,
            span_kind: ended.kind,
            name: ended.name,
            start_time: ended.started.time,
            end_time: ended.started.time_of(end),
            attributes: ended.attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            // Without text: the error is in the log, and messages of the database may contain values.
            status: if ended.is_failed {
                Status::error("")
            } else {
                Status::Unset
            },
            instrumentation_scope: self.scope.clone(),
        });
    }

    /// Exports the queue and ends the exporting thread. Blocks up to the timeout.
    pub fn shutdown(&self, timeout: Duration) {
        if let Err(error) = self.processor.shutdown_with_timeout(timeout) {
            tracing::warn!(%error, "Some traces were not exported: {error}");
        }
    }
}

/// Exports batches on the runtime, because the processor's thread has none, and counts the spans.
#[derive(Debug)]
struct CountingExporter {
    exporter: Arc<opentelemetry_otlp::SpanExporter>,
    runtime: Handle,
    queued: Arc<AtomicUsize>,
    is_failing: Arc<std::sync::atomic::AtomicBool>,
}

impl SpanExporter for CountingExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len();
        let exporter = Arc::clone(&self.exporter);
        let exporting = self
            .runtime
            .spawn(async move { exporter.export(batch).await });
        let exported = exporting
            .await
            .unwrap_or_else(|error| Err(OTelSdkError::InternalFailure(error.to_string())));
        self.queued.fetch_sub(count, Ordering::Relaxed);
        // Logs only changes: a collector that is away would fill the log.
        let was_failing = self.is_failing.swap(exported.is_err(), Ordering::Relaxed);
        match &exported {
            Ok(()) => {
                count_spans("goodgo_spans_exported_total", count);
                if was_failing {
                    tracing::info!("Traces are exported again");
                }
            }
            Err(error) => {
                count_spans("goodgo_spans_dropped_total", count);
                if !was_failing {
                    tracing::warn!(%error, "Traces can't be exported and are dropped: {error}");
                }
            }
        }
        exported
    }
}

fn count_spans(counter: &'static str, count: usize) {
    metrics::counter!(counter).increment(u64::try_from(count).unwrap_or(u64::MAX));
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
        Action::Write {
            name,
            attempts,
            ids,
        } => {
            let mut attributes = vec![
                KeyValue::new("goodgo.command", name),
                KeyValue::new("goodgo.attempts", i64::from(attempts)),
            ];
            let ids = ids.into_iter();
            attributes.extend(ids.map(|(name, id)| KeyValue::new(name, id.to_string())));
            ("write", SpanKind::Internal, attributes)
        }
    }
}

/// The first keyword of a statement.
fn verb(text: &str) -> &'static str {
    const VERBS: &str = "SELECT INSERT UPDATE DELETE WITH BEGIN COMMIT ROLLBACK SAVEPOINT RELEASE";
    let text = text.trim_start();
    let is_first = |verb: &&str| {
        text.get(..verb.len())
            .is_some_and(|first| first.eq_ignore_ascii_case(verb))
    };
    VERBS.split(' ').find(is_first).unwrap_or("SQL")
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
        Tracer::new(&config).expect("a tracer")
    }

    #[tokio::test]
    async fn follows_the_sampling_decision_of_the_parent() {
        let of = |tracer: &Tracer, text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("traceparent", text.parse().expect("a value"));
            tracer.start_request(&headers)
        };
        let sampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let never = tracer(0.0);
        let span = of(&never, sampled).expect("a span");
        assert_eq!(span.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(span.parent.to_string(), "b7ad6b7169203331");
        assert!(span.is_parent_remote);
        let child = never.start_child(&span).expect("a child");
        assert_eq!(child.trace_id(), span.trace_id());
        assert_eq!(child.parent, span.context.span_id());
        assert!(!child.is_parent_remote);
        assert!(never.start_root().is_none());
        let unsampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
        let always = tracer(1.0);
        assert!(of(&always, unsampled).is_none());
        assert!(of(&always, "nonsense").is_some_and(|span| !span.is_parent_remote));
        assert!(always.start_root().is_some());
    }

    #[test]
    fn names_statements_by_their_verb() {
        assert_eq!(verb(" select 1"), "SELECT");
        assert_eq!(verb("SÉLECT"), "SQL");
    }
}
