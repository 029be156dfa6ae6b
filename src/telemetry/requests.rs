//! One HTTP request: its place in a trace, and what the log says of it.

use std::sync::{Arc, OnceLock};

use axum::http::HeaderMap;
use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;

use super::Telemetry;
use super::traces::{Moment, Place, Root};

tokio::task_local! {
    static REQUEST: Arc<Noted>;
}

/// A request while it is answered.
#[derive(Debug)]
pub struct Noted {
    place: Option<Place>,
    started: Moment,
    operation: OnceLock<String>,
}

/// What came of a request.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// Its method, one of those that are told apart.
    pub method: &'static str,
    /// The pattern of its path.
    pub route: &'a str,
    /// The status of its answer.
    pub status: u16,
    /// Its id.
    pub request_id: &'a str,
}

impl Noted {
    /// The id of the trace it is in, if that is told.
    #[must_use]
    pub fn trace_id(&self) -> Option<String> {
        self.place.as_ref().map(Place::trace_id)
    }

    /// Which operation it brought.
    #[must_use]
    pub fn operation(&self) -> Option<&str> {
        self.operation.get().map(String::as_str)
    }

    /// Answers it: operations that are executed meanwhile are its parts.
    pub async fn follow<F: Future>(self: &Arc<Self>, answering: F) -> F::Output {
        REQUEST.scope(Arc::clone(self), answering).await
    }
}

impl Telemetry {
    /// Notes that a request came.
    #[must_use]
    pub fn request(&self, headers: &HeaderMap) -> Arc<Noted> {
        Arc::new(Noted {
            place: self
                .tracer
                .as_ref()
                .and_then(|tracer| tracer.place_of(headers)),
            started: Moment::now(),
            operation: OnceLock::new(),
        })
    }

    /// A request that nobody traces: machines that ask every few seconds.
    #[must_use]
    pub fn probe() -> Arc<Noted> {
        Arc::new(Noted {
            place: None,
            started: Moment::now(),
            operation: OnceLock::new(),
        })
    }

    /// Tells of a request that was answered.
    pub fn answered(&self, noted: &Noted, answered: Answered<'_>) {
        let (Some(tracer), Some(place)) = (&self.tracer, &noted.place) else {
            return;
        };
        let Answered {
            method,
            route,
            status,
            request_id,
        } = answered;
        let root = Root {
            name: format!("{method} {route}").into(),
            kind: SpanKind::Server,
            started: noted.started,
            attributes: vec![
                KeyValue::new("http.request.method", method),
                KeyValue::new("http.route", route.to_owned()),
                KeyValue::new("http.response.status_code", i64::from(status)),
                KeyValue::new("goodgo.request_id", request_id.to_owned()),
            ],
            is_failed: status >= 500,
        };
        tracer.tell(place, root, None);
    }

    /// Where an operation is that begins here: in its request's trace, or in one of its own; none if it isn't told.
    pub(super) fn place_of_operation(&self, label: &str) -> Option<Place> {
        let tracer = self.tracer.as_ref();
        REQUEST
            .try_with(|request| {
                request.operation.get_or_init(|| label.to_owned());
                let place = request.place.as_ref()?;
                Some(tracer?.part_of(place))
            })
            .unwrap_or_else(|_| tracer?.begin())
    }
}
