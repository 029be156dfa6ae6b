//! Charges requests for public paths to their address.

use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::access::Principal;

use super::HttpState;
use super::caller::Client;
use super::rate::{RateExceeded, RateKey};

/// Points of a page or a file: its bytes are ready.
const FILE_POINTS: u64 = 1;

/// Points of a QR code, which is drawn for each request.
const IMAGE_POINTS: u64 = 10;

/// Points of a statement, which reads many rows.
const STATEMENT_POINTS: u64 = 100;

/// Points of a probe or of the metrics.
const PROBE_POINTS: u64 = 1;

/// Charges a page or a file.
pub async fn charge_file(state: State<HttpState>, request: Request, next: Next) -> Response {
    charge(state, request, next, FILE_POINTS, of_anonymous).await
}

/// Charges a preflight request, which CORS answers before any other charge.
pub async fn charge_preflight(state: State<HttpState>, request: Request, next: Next) -> Response {
    if request.method() == Method::OPTIONS {
        charge(state, request, next, FILE_POINTS, of_anonymous).await
    } else {
        next.run(request).await
    }
}

/// Charges a QR code.
pub async fn charge_image(state: State<HttpState>, request: Request, next: Next) -> Response {
    charge(state, request, next, IMAGE_POINTS, of_anonymous).await
}

/// Charges a statement.
pub async fn charge_statement(state: State<HttpState>, request: Request, next: Next) -> Response {
    charge(state, request, next, STATEMENT_POINTS, of_anonymous).await
}

/// Charges a probe. Its bucket is separate, so that callers behind the address of a load balancer can't make it fail.
pub async fn charge_probe(state: State<HttpState>, request: Request, next: Next) -> Response {
    charge(state, request, next, PROBE_POINTS, |client| {
        RateKey::probe(client.address)
    })
    .await
}

fn of_anonymous(client: Client) -> RateKey {
    RateKey::of(&Principal::Anonymous, client.address)
}

async fn charge(
    State(state): State<HttpState>,
    request: Request,
    next: Next,
    points: u64,
    key: fn(Client) -> RateKey,
) -> Response {
    let (parts, body) = request.into_parts();
    let client = Client::of(&parts, state.settings.trusted_proxies);
    match state.buckets.charge(&key(client), points) {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(RateExceeded {
            retry_after_seconds,
        }) => {
            let headers = [
                (header::RETRY_AFTER, retry_after_seconds.to_string()),
                (header::CACHE_CONTROL, "no-store".to_owned()),
            ];
            let problem = format!("rate exceeded: try again in {retry_after_seconds} s");
            let body = axum::Json(serde_json::json!({"error": problem}));
            (StatusCode::TOO_MANY_REQUESTS, headers, body).into_response()
        }
    }
}
