//! One operation, or one event of a subscription: exported as a span if it is sampled, and logged if it is slow.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_graphql::parser::types::OperationType;
use async_graphql::{Response, Value};
use db::operation_trace::Record;
use futures_util::stream::{BoxStream, Stream, StreamExt};
use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;
use sha2::{Digest, Sha256};
use tracing::Instrument;

use super::Telemetry;
use super::names::{cut, name_of};
use super::traces::{ActiveSpan, EndedSpan, StartTime};
use crate::http::persisted::Document;
use crate::metrics::Counted;

/// Attributes of an operation for traces and logs. Variables are left out; the document appears as its hash.
#[derive(Debug)]
pub struct OperationInfo {
    kind: OperationType,
    name: Option<String>,
    label: String,
    document: Arc<Document>,
    cost: u64,
    transport: &'static str,
    request_id: String,
}

impl OperationInfo {
    /// The attributes of an operation with this cost.
    #[must_use]
    pub fn new(
        kind: OperationType,
        name: Option<&str>,
        document: Arc<Document>,
        cost: u64,
        transport: &'static str,
        request_id: &str,
    ) -> Arc<Self> {
        let name = name.map(|name| cut(name).to_owned());
        Arc::new(Self {
            kind,
            label: format!("{} {}", name_of(kind), name.as_deref().unwrap_or("unnamed")),
            name,
            document,
            cost,
            transport,
            request_id: request_id.to_owned(),
        })
    }

    fn document_hash(&self) -> String {
        let hash = self
            .document
            .hash
            .unwrap_or_else(|| Sha256::digest(&self.document.text).into());
        hex::encode(hash)
    }
}

/// Observes an operation that runs. Dropping it before the end means that the operation was cancelled.
#[derive(Debug)]
pub struct Recording {
    telemetry: Telemetry,
    info: Arc<OperationInfo>,
    span: Option<ActiveSpan>,
    record: Arc<Record>,
    started: StartTime,
    is_over: bool,
}

impl Telemetry {
    /// Starts to observe an operation. Its span is a child of the current request's span.
    #[must_use]
    pub fn operation(&self, info: Arc<OperationInfo>) -> Recording {
        let span = self.start_operation(&info.label);
        Recording::start(self, info, span)
    }

    /// Observes a subscription. Each event counts as an operation of its own.
    #[must_use]
    pub fn subscription(
        &self,
        info: Arc<OperationInfo>,
        field: &'static str,
        responses: BoxStream<'static, Response>,
    ) -> BoxStream<'static, Response> {
        // Sets the operation of the request's log line.
        let _ = self.start_operation(&info.label);
        let mut events = Events {
            current: Recording::start(self, Arc::clone(&info), None),
            log_span: log_span(&info, None),
            telemetry: self.clone(),
            info,
            field,
            responses,
            _open: Counted::by(metrics::gauge!("graphql_subscriptions_open", "field" => field)),
        };
        events.begin();
        events.boxed()
    }
}

impl Recording {
    fn start(telemetry: &Telemetry, info: Arc<OperationInfo>, span: Option<ActiveSpan>) -> Self {
        Self {
            telemetry: telemetry.clone(),
            info,
            record: record_for(span.as_ref()),
            span,
            started: StartTime::now(),
            is_over: false,
        }
    }

    /// Executes the operation.
    pub async fn observe(mut self, executing: impl Future<Output = Response>) -> Response {
        let log_span = log_span(&self.info, self.span.as_ref());
        let record = Arc::clone(&self.record);
        let response = record.follow(executing).instrument(log_span).await;
        self.end(outcome_of(&response));
        response
    }

    /// Discards what was recorded before the event started.
    fn restart(&mut self) {
        self.started = StartTime::now();
        if self.record.statements().0 > 0 {
            self.record = record_for(self.span.as_ref());
        }
    }

    fn end(&mut self, outcome: &'static str) {
        self.is_over = true;
        let (info, took) = (&*self.info, self.started.instant.elapsed());
        let is_slow = self
            .telemetry
            .slow_operation
            .is_some_and(|slow| took >= slow);
        if !is_slow && self.span.is_none() {
            return;
        }
        let document_hash = info.document_hash();
        let (statements, sql_time) = self.record.statements();
        if is_slow {
            let (ms, sql_ms) = (took.as_secs_f64() * 1000.0, sql_time.as_secs_f64() * 1000.0);
            let trace_id = self.span.as_ref().map(ActiveSpan::trace_id);
            tracing::warn!(
                operation = info.label,
                outcome,
                document_hash,
                cost = info.cost,
                statements,
                sql_ms,
                ms,
                transport = info.transport,
                request_id = info.request_id,
                trace_id,
                "Slow operation: {} took {ms:.0} ms, {sql_ms:.0} of them for {statements} statements",
                info.label,
            );
        }
        if let (Some(tracer), Some(span)) = (&self.telemetry.tracer, &self.span) {
            let mut attributes = vec![
                KeyValue::new("graphql.operation.type", name_of(info.kind)),
                KeyValue::new("graphql.document.hash", document_hash),
                KeyValue::new("goodgo.cost", i64::try_from(info.cost).unwrap_or(i64::MAX)),
                KeyValue::new("goodgo.transport", info.transport),
                KeyValue::new("goodgo.request_id", info.request_id.clone()),
                KeyValue::new("goodgo.outcome", outcome),
                KeyValue::new("goodgo.statements", i64::from(statements)),
            ];
            if let Some(name) = &info.name {
                attributes.push(KeyValue::new("graphql.operation.name", name.clone()));
            }
            let ended = EndedSpan {
                name: name_of(info.kind).into(),
                kind: SpanKind::Internal,
                started: self.started,
                attributes,
                is_failed: outcome != "ok",
            };
            tracer.end(span, ended, Some(&self.record));
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let is_waiting = self.info.kind == OperationType::Subscription && !self.record.is_busy();
        if !self.is_over && !is_waiting {
            self.end("cancelled");
        }
    }
}

/// Counts errors by their codes.
pub fn count_errors(response: &Response) {
    for error in &response.errors {
        let code = error
            .extensions
            .as_ref()
            .and_then(|extensions| extensions.get("code"));
        if let Some(Value::String(code)) = code {
            metrics::counter!("graphql_errors_total", "code" => code.clone()).increment(1);
        }
    }
}

fn outcome_of(response: &Response) -> &'static str {
    if response.is_ok() { "ok" } else { "error" }
}

pub(super) fn record_for(span: Option<&ActiveSpan>) -> Arc<Record> {
    if span.is_some() {
        Record::noting()
    } else {
        Record::counting()
    }
}

/// Fields of each log line during an operation.
fn log_span(info: &OperationInfo, span: Option<&ActiveSpan>) -> tracing::Span {
    let trace_id = span.map(ActiveSpan::trace_id);
    let (request_id, operation) = (&info.request_id, &info.label);
    tracing::info_span!("operation", request_id, operation, trace_id)
}

/// The events of a subscription.
struct Events {
    telemetry: Telemetry,
    info: Arc<OperationInfo>,
    field: &'static str,
    /// Dropped before `responses`, so that an event in progress counts as cancelled.
    current: Recording,
    responses: BoxStream<'static, Response>,
    log_span: tracing::Span,
    _open: Counted,
}

impl Events {
    /// Starts a trace for the next event. One trace for all events would never end.
    fn begin(&mut self) {
        let tracer = self.telemetry.tracer.as_ref();
        let span = tracer.and_then(|tracer| tracer.start_root());
        if span.is_some() {
            self.log_span = log_span(&self.info, span.as_ref());
        }
        self.current = Recording::start(&self.telemetry, Arc::clone(&self.info), span);
    }
}

impl Stream for Events {
    type Item = Response;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Response>> {
        let this = self.get_mut();
        // Without a running statement, no event was in progress: if this poll processes one, it starts now.
        if this.current.is_over {
            this.begin();
        } else if !this.current.record.is_busy() {
            this.current.restart();
        }
        let _entered = this.log_span.enter();
        let record = Arc::clone(&this.current.record);
        let polled = record.follow_once(|| this.responses.poll_next_unpin(context));
        if let Poll::Ready(Some(response)) = &polled {
            count_errors(response);
            metrics::counter!("graphql_subscription_events_total", "field" => this.field)
                .increment(1);
            this.current.end(outcome_of(response));
        }
        polled
    }
}
