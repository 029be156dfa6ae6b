//! One operation, streamed over HTTP.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::Poll;

use async_graphql::parser::types::OperationType;
use async_graphql::{Response as GraphqlResponse, Value};
use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt};
use resolvers::errors::{self, Code, TOO_SLOW};
use tokio::time::{Instant, Interval};

use super::connection_quota::{QuotaHolder, QuotaSlot};
use super::shutdown::{
    RESTART_MESSAGE, closing_time, instant_of, reached, refuse_while_draining, ticks_every,
};
use super::{multipart, sse};
use crate::http::negotiate::StreamFormat;
use crate::http::operation::{HttpCaller, Operation, RequestContext};
use crate::http::refusal::Refusal;
use crate::http::reply::is_request_error;
use crate::http::{HttpState, panics};
use crate::metrics::Counted;

/// Wire form of a stream format.
pub struct Wire {
    pub name: &'static str,
    pub content_type: &'static str,
    pub opening: &'static str,
    pub heartbeat: &'static str,
    pub complete: &'static str,
    pub next: fn(&GraphqlResponse) -> String,
    /// Writes the error that ends a stream.
    pub transport_error: fn(&GraphqlResponse) -> String,
}

impl StreamFormat {
    fn wire(self) -> &'static Wire {
        match self {
            Self::EventStream => &sse::WIRE,
            Self::Multipart => &multipart::WIRE,
        }
    }
}

/// Executes an operation as a stream, which ends with the operation, the token, or the process.
///
/// Errors before the execution are answered with a status. For a subscription the first poll of the engine's stream
/// reports them.
#[must_use]
pub fn open(
    state: &HttpState,
    format: StreamFormat,
    operation: Operation,
    mut caller: HttpCaller,
) -> BoxFuture<'_, Result<Opened, Refusal>> {
    let wire = format.wire();
    caller.context.transport = wire.name;
    if operation.kind == OperationType::Subscription {
        subscribe(state, wire, operation, caller).boxed()
    } else {
        execute(state, wire, operation, caller.context).boxed()
    }
}

async fn execute(
    state: &HttpState,
    wire: &'static Wire,
    operation: Operation,
    context: RequestContext,
) -> Result<Opened, Refusal> {
    let request_id = context.caller.request_id.clone();
    operation.charge(state, &context)?;
    let response = operation.execute(state, context).await?;
    if is_request_error(&response) {
        return Ok(Opened::Failed(response));
    }
    let responses = stream::iter([response]).boxed();
    let stream = OperationStream::new(wire, responses, request_id);
    Ok(Opened::Stream(stream.into_response()))
}

async fn subscribe(
    state: &HttpState,
    wire: &'static Wire,
    operation: Operation,
    caller: HttpCaller,
) -> Result<Opened, Refusal> {
    refuse_while_draining(state)?;
    let context = caller.context;
    let request_id = context.caller.request_id.clone();
    let slot = state.connection_quota.acquire(QuotaHolder::of(
        &context.caller.principal,
        caller.client.address,
    ))?;
    operation.charge(state, &context)?;
    let mut responses = operation.subscribe(state, context);
    let first = std::future::poll_fn(|context| Poll::Ready(responses.poll_next_unpin(context)));
    let responses = match first.await {
        Poll::Ready(Some(response)) if is_request_error(&response) => {
            return Ok(Opened::Failed(response));
        }
        Poll::Ready(Some(response)) => stream::iter([response]).chain(responses).boxed(),
        Poll::Ready(None) => stream::empty().boxed(),
        Poll::Pending => responses,
    };
    let state = state.clone();
    let stream = OperationStream {
        heartbeats: ticks_every(state.settings.live.ping_every),
        deadline: caller.expires_at.and_then(instant_of),
        closing: async move { closing_time(&state).await }.boxed(),
        slot: Some(slot),
        ..OperationStream::new(wire, responses, request_id)
    };
    Ok(Opened::Stream(stream.into_response()))
}

/// The result of opening a stream.
#[derive(Debug)]
pub enum Opened {
    /// The streaming answer.
    Stream(Response),
    /// The operation was not executed.
    Failed(GraphqlResponse),
}

/// The stream of an operation. Dropping it stops the operation.
struct OperationStream {
    wire: &'static Wire,
    responses: BoxStream<'static, GraphqlResponse>,
    heartbeats: Interval,
    deadline: Option<Instant>,
    closing: Pin<Box<dyn Future<Output = ()> + Send>>,
    request_id: String,
    stage: Stage,
    open: OpenStream,
    slot: Option<QuotaSlot>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    New,
    Open,
    Over,
}

impl OperationStream {
    /// A stream that nothing but its responses ends, without heartbeats.
    fn new(
        wire: &'static Wire,
        responses: BoxStream<'static, GraphqlResponse>,
        request_id: String,
    ) -> Self {
        Self {
            wire,
            responses,
            heartbeats: ticks_every(std::time::Duration::from_secs(3_600)),
            deadline: None,
            closing: std::future::pending().boxed(),
            request_id,
            stage: Stage::New,
            open: OpenStream::new(wire),
            slot: None,
        }
    }

    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, self.wire.content_type),
            (header::CACHE_CONTROL, "no-store"),
            (header::VARY, "accept, authorization"),
            // Disables buffering in nginx.
            (header::HeaderName::from_static("x-accel-buffering"), "no"),
        ];
        let chunks = stream::unfold(Box::new(self), |mut stream| async move {
            let text = stream.next().await?;
            Some((Ok::<_, Infallible>(Bytes::from(text)), stream))
        });
        (headers, Body::from_stream(chunks)).into_response()
    }

    async fn next(&mut self) -> Option<String> {
        match self.stage {
            Stage::New => {
                self.stage = Stage::Open;
                return Some(self.wire.opening.to_owned());
            }
            Stage::Over => return None,
            Stage::Open => {}
        }
        let request_id = self.request_id.as_str();
        let (error, reason) = tokio::select! {
            // The ends of the stream come first, even if responses are ready.
            biased;
            () = reached(self.deadline) => {
                let message = "the bearer token has expired: get a new one";
                (errors::refused(Code::Unauthenticated, message, request_id), "expired")
            }
            () = self.closing.as_mut() => {
                (errors::refused(Code::Unavailable, RESTART_MESSAGE, request_id), "restart")
            }
            response = AssertUnwindSafe(self.responses.next()).catch_unwind() => match response {
                Ok(Some(response)) if is_too_slow(&response) => (response, "too slow"),
                Ok(Some(response)) => return Some((self.wire.next)(&response)),
                Ok(None) => {
                    self.end("complete");
                    return Some(self.wire.complete.to_owned());
                }
                Err(panic) => {
                    panics::log(panic.as_ref(), request_id);
                    let code = Code::InternalServerError;
                    (errors::refused(code, panics::MASKED, request_id), "panic")
                }
            },
            _ = self.heartbeats.tick() => return Some(self.wire.heartbeat.to_owned()),
        };
        self.end(reason);
        Some((self.wire.transport_error)(&error) + self.wire.complete)
    }

    /// Stops the operation and releases its slot, before the client reads the rest.
    fn end(&mut self, reason: &'static str) {
        self.stage = Stage::Over;
        self.responses = stream::empty().boxed();
        self.slot = None;
        self.open.reason = reason;
    }
}

/// Counts a stream while it is open, and the reason of its end.
struct OpenStream {
    wire: &'static Wire,
    reason: &'static str,
    _open: Counted,
}

impl OpenStream {
    fn new(wire: &'static Wire) -> Self {
        Self {
            wire,
            reason: "by client",
            _open: Counted::by(metrics::gauge!("http_streams", "transport" => wire.name)),
        }
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let labels = [("transport", self.wire.name), ("reason", self.reason)];
        metrics::counter!("http_streams_ended_total", &labels).increment(1);
    }
}

/// Whether a response ends a subscription because its client reads too slowly.
pub fn is_too_slow(response: &GraphqlResponse) -> bool {
    let mut reasons = response
        .errors
        .iter()
        .filter_map(|error| error.extensions.as_ref()?.get("reason"));
    reasons.any(|reason| *reason == Value::from(TOO_SLOW))
}

#[cfg(test)]
mod tests {
    use async_graphql::{ErrorExtensionValues, ServerError};

    use super::*;

    #[tokio::test]
    async fn ends_the_stream_of_a_slow_subscriber() {
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("reason", "TOO_SLOW");
        let error = ServerError {
            extensions: Some(extensions),
            ..ServerError::new("slow", None)
        };
        let refused = r#"{"errors":[{"message":"slow","extensions":{"reason":"TOO_SLOW"}}]}"#;
        for (format, last) in [
            (
                StreamFormat::EventStream,
                format!("event: next\ndata: {refused}\n\nevent: complete\ndata:\n\n"),
            ),
            (
                StreamFormat::Multipart,
                format!(
                    "\r\ncontent-type: application/json\r\n\r\n{{\"payload\":null,{}\r\n--graphql--\r\n",
                    &refused[1..]
                ),
            ),
        ] {
            let wire = format.wire();
            let slow = GraphqlResponse::from_errors(vec![error.clone()]);
            let responses = stream::iter([GraphqlResponse::new(1), slow]);
            let responses = responses.chain(stream::pending()).boxed();
            let mut operation = OperationStream::new(wire, responses, "1".to_owned());
            assert_eq!(operation.next().await.as_deref(), Some(wire.opening));
            let one = (wire.next)(&GraphqlResponse::new(1));
            assert_eq!(operation.next().await, Some(one));
            assert_eq!(operation.next().await, Some(last));
            assert_eq!(operation.next().await, None);
        }
    }
}
