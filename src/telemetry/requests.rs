//! One HTTP request: its span, and the operation and trace id that its log line names.

use std::sync::{Arc, OnceLock};

use axum::http::HeaderMap;
use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;

use super::Telemetry;
use super::traces::{ActiveSpan, EndedSpan, StartTime};

tokio::task_local! {
    static REQUEST: Arc<ObservedRequest>;
}

/// A request that is being answered.
#[derive(Debug)]
pub struct ObservedRequest {
    span: Option<ActiveSpan>,
    started: StartTime,
    operation: OnceLock<String>,
}

/// Attributes of an answered request.
#[derive(Clone, Copy, Debug)]
pub struct AnsweredRequest<'a> {
    /// The method; unusual ones are `other`.
    pub method: &'static str,
    /// The route's path pattern.
    pub route: &'a str,
    /// The status of the answer.
    pub status: u16,
    /// The request id.
    pub request_id: &'a str,
}

impl ObservedRequest {
    fn new(span: Option<ActiveSpan>) -> Arc<Self> {
        Arc::new(Self {
            span,
            started: StartTime::now(),
            operation: OnceLock::new(),
        })
    }

    /// The trace's id, if the trace is sampled.
    #[must_use]
    pub fn trace_id(&self) -> Option<String> {
        self.span.as_ref().map(ActiveSpan::trace_id)
    }

    /// The label of the operation that the request contained.
    #[must_use]
    pub fn operation(&self) -> Option<&str> {
        self.operation.get().map(String::as_str)
    }

    /// Answers the request. Operations that are executed meanwhile become child spans.
    pub async fn observe<F: Future>(self: &Arc<Self>, answering: F) -> F::Output {
        REQUEST.scope(Arc::clone(self), answering).await
    }
}

impl Telemetry {
    /// Starts to observe a request.
    #[must_use]
    pub fn request(&self, headers: &HeaderMap) -> Arc<ObservedRequest> {
        let tracer = self.tracer.as_ref();
        ObservedRequest::new(tracer.and_then(|tracer| tracer.start_request(headers)))
    }

    /// Starts to observe a health check or a scrape, which is never traced.
    #[must_use]
    pub fn probe() -> Arc<ObservedRequest> {
        ObservedRequest::new(None)
    }

    /// Ends the span of an answered request.
    pub fn answered(&self, request: &ObservedRequest, answered: AnsweredRequest<'_>) {
        let (Some(tracer), Some(span)) = (&self.tracer, &request.span) else {
            return;
        };
        let ended = EndedSpan {
            name: format!("{} {}", answered.method, answered.route).into(),
            kind: SpanKind::Server,
            started: request.started,
            attributes: vec![
                KeyValue::new("http.request.method", answered.method),
                KeyValue::new("http.route", answered.route.to_owned()),
                KeyValue::new("http.response.status_code", i64::from(answered.status)),
                KeyValue::new("goodgo.request_id", answered.request_id.to_owned()),
            ],
            is_failed: answered.status >= 500,
        };
        tracer.end(span, ended, None);
    }

    /// Starts the span of an operation: a child of the current request's span, or the root of a trace. Returns `None`
    /// unless it is sampled.
    pub(super) fn start_operation(&self, label: &str) -> Option<ActiveSpan> {
        let tracer = self.tracer.as_ref();
        REQUEST
            .try_with(|request| {
                request.operation.get_or_init(|| label.to_owned());
                tracer?.start_child(request.span.as_ref()?)
            })
            .unwrap_or_else(|_| tracer?.start_root())
    }
}
