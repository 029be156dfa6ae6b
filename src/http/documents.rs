//! Texts for tools: the schema, and what was counted.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::HttpState;

/// The schema as text, which browsers show and tools read.
pub async fn schema(State(state): State<HttpState>, headers: HeaderMap) -> Response {
    let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(state.sdl.as_bytes()));
    let tag = format!("\"{hash}\"");
    let is_known = is_known(&headers, &tag);
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

/// Whether whoever asks has what this tag names.
pub(super) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let tag = tag.trim_start_matches("W/");
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|known| known.trim().trim_start_matches("W/"))
        .any(|known| known == tag || known == "*")
}

/// What was counted, for Prometheus.
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
