//! Bodies that a request's handler did not read.
//!
//! hyper closes a connection with an unread body after the answer. A client that sends headers and body apart, or reuses
//! the connection, would see a broken connection in place of an answer.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use http_body::{Frame, SizeHint};
use parking_lot::Mutex;

/// Largest body that is read in vain.
const MAX_BYTES: usize = 64 * 1024;
/// Time to read it.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Reads what the handler left of a small body, and announces the end of the connection otherwise.
pub async fn drain(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    // The client waits with its body for a sign that it is wanted.
    let is_awaited = request.headers().contains_key(header::EXPECT);
    let unread = Unread::default();
    let kept = unread.clone();
    let request = request.map(|body| Body::new(Kept { body, unread: kept }));
    let mut response = next.run(request).await;
    let rest = unread.0.lock().take();
    if let Some(rest) = rest
        && response.status() != StatusCode::SWITCHING_PROTOCOLS
        && (is_awaited || !discard(rest).await)
    {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    response
}

/// Reads a body to its end. Returns whether it had one.
async fn discard(body: Body) -> bool {
    let is_small = body.size_hint().lower() <= u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
    let reading = tokio::time::timeout(TIMEOUT, to_bytes(body, MAX_BYTES));
    is_small && matches!(reading.await, Ok(Ok(_)))
}

/// The rest of a body whose reader stopped before its end.
#[derive(Clone, Default)]
struct Unread(Arc<Mutex<Option<Body>>>);

/// A body that is kept when it is dropped before its end.
struct Kept {
    body: Body,
    unread: Unread,
}

impl Drop for Kept {
    fn drop(&mut self) {
        if !self.body.is_end_stream() {
            *self.unread.0.lock() = Some(std::mem::take(&mut self.body));
        }
    }
}

impl HttpBody for Kept {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
