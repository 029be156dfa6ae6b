//! One operation, or one event of a subscription: traced if it is sampled, and a line in the log if it is slow.

use std::fmt::Write;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_graphql::parser::types::OperationType;
use async_graphql::{Response, Value};
use db::record::Record;
use futures_util::stream::{BoxStream, Stream, StreamExt};
use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;
use sha2::{Digest, Sha256};
use tracing::Instrument;

use super::Telemetry;
use super::names::{cut, name_of};
use super::traces::{Moment, Place, Root};
use crate::http::persisted::Document;

/// What is told of an operation: never its variables, and its document only by its hash.
#[derive(Debug)]
pub struct Subject {
    kind: OperationType,
    name: Option<String>,
    label: String,
    document: Arc<Document>,
    cost: u64,
    transport: &'static str,
    request_id: String,
}

impl Subject {
    /// What is told of an operation.
    #[must_use]
    pub fn new(kind: OperationType, name: Option<&str>, document: Arc<Document>) -> Self {
        let name = name.map(|name| cut(name).to_owned());
        Self {
            kind,
            label: format!("{} {}", name_of(kind), name.as_deref().unwrap_or("unnamed")),
            name,
            document,
            cost: 0,
            transport: "http",
            request_id: String::new(),
        }
    }

    /// Adds what it costs, and how it came.
    #[must_use]
    pub fn asked(self, cost: u64, transport: &'static str, request_id: &str) -> Arc<Self> {
        Arc::new(Self {
            cost,
            transport,
            request_id: request_id.to_owned(),
            ..self
        })
    }

    fn document_hash(&self) -> String {
        let hash = self
            .document
            .hash
            .unwrap_or_else(|| Sha256::digest(&self.document.text).into());
        let mut text = String::with_capacity(64);
        for byte in hash {
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

/// An operation that runs. Dropped before its end, it was cancelled.
#[derive(Debug)]
pub struct Recording {
    telemetry: Telemetry,
    subject: Arc<Subject>,
    place: Option<Place>,
    record: Arc<Record>,
    started: Moment,
    is_over: bool,
}

impl Telemetry {
    /// Begins to follow an operation, as a part of the request that is answered here, if there is one.
    #[must_use]
    pub fn operation(&self, subject: Arc<Subject>) -> Recording {
        let place = self.place_of_operation(&subject.label);
        Recording::start(self, subject, place)
    }

    /// Follows a subscription: each event is an operation of its own.
    #[must_use]
    pub fn subscription(
        &self,
        subject: Arc<Subject>,
        field: &'static str,
        responses: BoxStream<'static, Response>,
    ) -> BoxStream<'static, Response> {
        // The request it came with may name it.
        let _ = self.place_of_operation(&subject.label);
        let mut events = Events {
            current: Recording::start(self, Arc::clone(&subject), None),
            span: span_of(&subject, None),
            telemetry: self.clone(),
            subject,
            field,
            responses,
            _open: Open::new(field),
        };
        events.begin();
        events.boxed()
    }
}

impl Recording {
    fn start(telemetry: &Telemetry, subject: Arc<Subject>, place: Option<Place>) -> Self {
        Self {
            telemetry: telemetry.clone(),
            subject,
            record: record_for(place.as_ref()),
            place,
            started: Moment::now(),
            is_over: false,
        }
    }

    /// Executes the operation.
    pub async fn observe(mut self, executing: impl Future<Output = Response>) -> Response {
        let span = span_of(&self.subject, self.place.as_ref());
        let record = Arc::clone(&self.record);
        let response = record.follow(executing).instrument(span).await;
        self.end(outcome_of(&response));
        response
    }

    /// Forgets what was before: nothing of the event that is about to come.
    fn restart(&mut self) {
        self.started = Moment::now();
        if self.record.statements().0 > 0 {
            self.record = record_for(self.place.as_ref());
        }
    }

    fn end(&mut self, outcome: &'static str) {
        self.is_over = true;
        let (subject, took) = (&*self.subject, self.started.instant.elapsed());
        let is_slow = self
            .telemetry
            .slow_operation
            .is_some_and(|slow| took >= slow);
        if !is_slow && self.place.is_none() {
            return;
        }
        let document_hash = subject.document_hash();
        let (statements, sql_time) = self.record.statements();
        if is_slow {
            let (ms, sql_ms) = (took.as_secs_f64() * 1000.0, sql_time.as_secs_f64() * 1000.0);
            let trace_id = self.place.as_ref().map(Place::trace_id);
            tracing::warn!(
                operation = subject.label,
                outcome,
                document_hash,
                cost = subject.cost,
                statements,
                sql_ms,
                ms,
                transport = subject.transport,
                request_id = subject.request_id,
                trace_id,
                "Slow operation: {} took {ms:.0} ms, {sql_ms:.0} of them for {statements} statements",
                subject.label,
            );
        }
        if let (Some(tracer), Some(place)) = (&self.telemetry.tracer, &self.place) {
            let mut attributes = vec![
                KeyValue::new("graphql.operation.type", name_of(subject.kind)),
                KeyValue::new("graphql.document.hash", document_hash),
                KeyValue::new(
                    "goodgo.cost",
                    i64::try_from(subject.cost).unwrap_or(i64::MAX),
                ),
                KeyValue::new("goodgo.transport", subject.transport),
                KeyValue::new("goodgo.request_id", subject.request_id.clone()),
                KeyValue::new("goodgo.outcome", outcome),
                KeyValue::new("goodgo.statements", i64::from(statements)),
            ];
            if let Some(name) = &subject.name {
                attributes.push(KeyValue::new("graphql.operation.name", name.clone()));
            }
            let root = Root {
                name: name_of(subject.kind).into(),
                kind: SpanKind::Internal,
                started: self.started,
                attributes,
                is_failed: outcome != "ok",
            };
            tracer.tell(place, root, Some(&self.record));
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let waits_for_an_event =
            self.subject.kind == OperationType::Subscription && !self.record.is_busy();
        if !self.is_over && !waits_for_an_event {
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

fn record_for(place: Option<&Place>) -> Arc<Record> {
    if place.is_some() {
        Record::noting()
    } else {
        Record::counting()
    }
}

/// What stands beside each line of the log that an operation causes.
fn span_of(subject: &Subject, place: Option<&Place>) -> tracing::Span {
    let trace_id = place.map(Place::trace_id);
    let (request_id, operation) = (&subject.request_id, &subject.label);
    tracing::info_span!("operation", request_id, operation, trace_id)
}

/// The events of a subscription.
struct Events {
    telemetry: Telemetry,
    subject: Arc<Subject>,
    field: &'static str,
    /// Dropped before what it records, of which it tells that it was cancelled.
    current: Recording,
    responses: BoxStream<'static, Response>,
    span: tracing::Span,
    _open: Open,
}

impl Events {
    /// The next event is in a trace of its own: one for all of them would never end.
    fn begin(&mut self) {
        let tracer = self.telemetry.tracer.as_ref();
        let place = tracer.and_then(|tracer| tracer.begin());
        if place.is_some() {
            self.span = span_of(&self.subject, place.as_ref());
        }
        self.current = Recording::start(&self.telemetry, Arc::clone(&self.subject), place);
    }
}

impl Stream for Events {
    type Item = Response;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Response>> {
        let this = self.get_mut();
        // With the database at rest, no event was being worked on: if one is now, it began just now.
        if this.current.is_over {
            this.begin();
        } else if !this.current.record.is_busy() {
            this.current.restart();
        }
        let _entered = this.span.enter();
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

/// Counts a subscription as long as it is open.
struct Open(&'static str);

impl Open {
    fn new(field: &'static str) -> Self {
        metrics::gauge!("graphql_subscriptions_open", "field" => field).increment(1);
        Self(field)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        metrics::gauge!("graphql_subscriptions_open", "field" => self.0).decrement(1);
    }
}
