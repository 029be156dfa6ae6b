//! Answers 500 for a panic, and hides its text from clients.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use axum::extract::{Extension, Request};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt;

use super::negotiate::Media;
use super::refusal::Refusal;
use super::reply;
use super::request_id::RequestId;

/// The message for internal errors.
pub const MASKED: &str = "something went wrong on our side; name the request id when you report it";

/// Answers 500 for a handler that panicked.
pub async fn mask(
    Extension(RequestId(id)): Extension<RequestId>,
    request: Request,
    next: Next,
) -> Response {
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => {
            log(panic.as_ref(), &id);
            let refusal = Refusal::http(StatusCode::INTERNAL_SERVER_ERROR, MASKED);
            reply::refuse(refusal, Media::Json, &id)
        }
    }
}

/// Logs the text of a panic.
pub fn log(panic: &(dyn Any + Send), request_id: &str) {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no text");
    tracing::error!(request_id, panic = text, "A request panicked: {text}");
}
