//! The schema and the metrics as text.

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use super::HttpState;

/// The schema in the schema definition language.
pub async fn schema(State(state): State<HttpState>, headers: HeaderMap) -> Response {
    state.sdl.answer(&headers, "no-cache")
}

/// The metrics in the format of Prometheus.
pub async fn metrics(State(state): State<HttpState>) -> Response {
    let kind = [
        (
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        ),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (kind, state.metrics.render()).into_response()
}
