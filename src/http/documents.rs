//! The schema and the metrics as text.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::{HttpState, reply};

/// The schema in the schema definition language.
pub async fn schema(State(state): State<HttpState>, headers: HeaderMap) -> Response {
    let tag = reply::entity_tag(state.sdl.as_bytes());
    let is_known = reply::is_known(&headers, &tag);
    let caching = [
        (header::ETAG, tag),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
    ];
    if is_known {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    (caching, kind, state.sdl.to_string()).into_response()
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
