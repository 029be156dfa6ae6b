//! Logs, counts and traces requests, without query strings, headers and bodies.

use axum::extract::{Extension, MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::Instant;

use super::request_id::RequestId;
use crate::telemetry::Telemetry;
use crate::telemetry::requests::AnsweredRequest;

/// Characters of a path in the log: the longest of our own paths has fewer.
const MAX_PATH: usize = 200;
/// Characters of a method in the log.
const MAX_METHOD: usize = 20;

/// Logs, counts and traces a request.
pub async fn record(
    State(telemetry): State<Telemetry>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    request: Request,
    next: Next,
) -> Response {
    let started_at = Instant::now();
    let method = request.method().clone();
    let verb = shortened(method.as_str(), MAX_METHOD);
    let path = shortened(request.uri().path(), MAX_PATH);
    // The label is the router's pattern, because clients choose the path.
    let pattern = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unknown".to_owned(), |path| path.as_str().to_owned());
    let is_probe = is_probe(&pattern);
    let observed = if is_probe {
        Telemetry::probe()
    } else {
        telemetry.request(request.headers())
    };
    let response = observed.observe(next.run(request)).await;
    let status = response.status().as_u16();
    let elapsed = started_at.elapsed();
    let ms = elapsed.as_secs_f64() * 1000.0;
    if is_probe {
        tracing::debug!(method = verb, path, status, ms, %request_id, "{verb} {path} {status} in {ms:.1} ms");
    } else {
        let (operation, trace_id) = (observed.operation(), observed.trace_id());
        tracing::info!(method = verb, path, status, ms, %request_id, operation, trace_id, "{verb} {path} {status} in {ms:.1} ms");
    }
    let answered = AnsweredRequest {
        method: name_of(&method),
        route: &pattern,
        status,
        request_id: &request_id,
    };
    telemetry.answered(&observed, answered);
    let labels = [("method", answered.method.to_owned()), ("path", pattern)];
    metrics::histogram!("http_request_duration_seconds", &labels).record(elapsed.as_secs_f64());
    let [method, path] = labels;
    let labels = [method, path, ("status", status.to_string())];
    metrics::counter!("http_requests_total", &labels).increment(1);
    response
}

/// The start of a text that a client chose.
fn shortened(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

/// Whether a route is for health checks or metrics, whose requests are logged at debug level.
fn is_probe(pattern: &str) -> bool {
    pattern.starts_with("/health") || matches!(pattern, "/readyz" | "/metrics")
}

/// The label of a method. Clients can invent methods, too.
fn name_of(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortens_what_clients_choose() {
        assert_eq!(shortened("/graphql", 8), "/graphql");
        assert_eq!(shortened("/đường", 4), "/đườ…");
    }
}
