//! One line in the log and one count for each request: never its query string, its headers or its body.

use axum::extract::{Extension, MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::Instant;

use super::request_id::RequestId;

/// Tells the recorder what is counted.
pub fn describe() {
    metrics::describe_counter!("http_requests_total", "Requests answered");
    metrics::describe_histogram!(
        "http_request_duration_seconds",
        metrics::Unit::Seconds,
        "Time to the first byte of an answer"
    );
    metrics::describe_counter!("graphql_operations_total", "GraphQL operations executed");
    metrics::describe_histogram!(
        "graphql_operation_duration_seconds",
        metrics::Unit::Seconds,
        "Time a query or a mutation took"
    );
}

/// Logs and counts a request.
pub async fn record(
    Extension(RequestId(request_id)): Extension<RequestId>,
    request: Request,
    next: Next,
) -> Response {
    let started_at = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    // Counted by the router's pattern: paths are the client's to invent.
    let pattern = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unknown".to_owned(), |path| path.as_str().to_owned());
    let response = next.run(request).await;
    let status = response.status().as_u16();
    let elapsed = started_at.elapsed();
    let ms = elapsed.as_secs_f64() * 1000.0;
    if is_probe(&pattern) {
        tracing::debug!(%method, path, status, ms, %request_id, "{method} {path} {status} in {ms:.1} ms");
    } else {
        tracing::info!(%method, path, status, ms, %request_id, "{method} {path} {status} in {ms:.1} ms");
    }
    let labels = [("method", name_of(&method).to_owned()), ("path", pattern)];
    metrics::histogram!("http_request_duration_seconds", &labels).record(elapsed.as_secs_f64());
    let [method, path] = labels;
    let labels = [method, path, ("status", status.to_string())];
    metrics::counter!("http_requests_total", &labels).increment(1);
    response
}

/// What machines ask every few seconds is not worth a line each.
fn is_probe(pattern: &str) -> bool {
    pattern.starts_with("/health") || matches!(pattern, "/readyz" | "/metrics")
}

/// Methods are the client's to invent too.
fn name_of(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
