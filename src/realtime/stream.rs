//! One operation, told over HTTP for as long as it goes on.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::Poll;

use async_graphql::Response as GraphqlResponse;
use async_graphql::parser::types::OperationType;
use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt};
use resolvers::errors::{self, Code};
use serde::Serialize;
use tokio::time::{Instant, Interval};

use super::leaving::{self, every, instant_of, reached, refuse_while_draining, time_to_leave};
use super::places::{Holder, Place};
use super::{is_too_slow, multipart, sse};
use crate::http::caller::Client;
use crate::http::operation::{Asking, Operation};
use crate::http::refusal::Refusal;
use crate::http::reply::is_request_error;
use crate::http::{HttpState, panics};

/// How an operation is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Live {
    /// By server-sent events.
    EventStream,
    /// In parts.
    Multipart,
}

impl Live {
    fn name(self) -> &'static str {
        match self {
            Self::EventStream => "sse",
            Self::Multipart => "multipart",
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::EventStream => sse::CONTENT_TYPE,
            Self::Multipart => multipart::CONTENT_TYPE,
        }
    }

    fn open(self) -> &'static str {
        match self {
            Self::EventStream => sse::BEAT,
            Self::Multipart => multipart::OPEN,
        }
    }

    fn next(self, response: &GraphqlResponse) -> String {
        match self {
            Self::EventStream => sse::next(response),
            Self::Multipart => multipart::next(response),
        }
    }

    fn fault(self, response: &GraphqlResponse) -> String {
        match self {
            Self::EventStream => sse::next(response),
            Self::Multipart => multipart::fault(response),
        }
    }

    fn beat(self) -> &'static str {
        match self {
            Self::EventStream => sse::BEAT,
            Self::Multipart => multipart::BEAT,
        }
    }

    fn complete(self) -> &'static str {
        match self {
            Self::EventStream => sse::COMPLETE,
            Self::Multipart => multipart::COMPLETE,
        }
    }
}

/// Executes an operation and tells it, until it ends, its caller's token does, or the process.
///
/// What fails before it is executed is answered with its status: the first look at the engine's stream shows that.
pub async fn open(
    state: &HttpState,
    live: Live,
    operation: Operation,
    asking: Asking,
    client: Client,
    expires_at: Option<DateTime<Utc>>,
) -> Result<Opened, Refusal> {
    let request_id = asking.request_id.clone();
    let asking = Asking {
        transport: live.name(),
        ..asking
    };
    if operation.kind != OperationType::Subscription {
        operation.pay(state, &asking)?;
        let response = operation.execute(state, asking).await?;
        if is_request_error(&response) {
            return Ok(Opened::Failed(response));
        }
        let telling = Telling::once(live, response, request_id);
        return Ok(Opened::Stream(answer(live, telling)));
    }
    refuse_while_draining(state)?;
    let place = state
        .places
        .take(Holder::of(&asking.principal, client.address))?;
    operation.pay(state, &asking)?;
    let mut responses = operation.subscribe(state, asking);
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
    let deadline = expires_at.and_then(instant_of);
    let telling = Telling {
        live,
        responses,
        beats: every(state.settings.live.ping_every),
        deadline,
        leaving: async move { time_to_leave(&state).await }.boxed(),
        request_id,
        stage: Stage::New,
        open: Open::new(live),
        place: Some(place),
    };
    Ok(Opened::Stream(answer(live, telling)))
}

/// What became of an operation that was to be told.
#[derive(Debug)]
pub enum Opened {
    /// It is told.
    Stream(Response),
    /// It was not executed.
    Failed(GraphqlResponse),
}

fn answer(live: Live, telling: Telling) -> Response {
    let told = stream::unfold(Box::new(telling), |mut telling| async move {
        let text = telling.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(text)), telling))
    });
    let headers = [
        (header::CONTENT_TYPE, live.content_type()),
        (header::CACHE_CONTROL, "no-store"),
        (header::VARY, "accept, authorization"),
        // What nginx understands: to pass on at once.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::from_stream(told)).into_response()
}

/// An operation while it is told. Dropping it stops the operation.
struct Telling {
    live: Live,
    responses: BoxStream<'static, GraphqlResponse>,
    beats: Interval,
    deadline: Option<Instant>,
    leaving: Pin<Box<dyn Future<Output = ()> + Send>>,
    request_id: String,
    stage: Stage,
    open: Open,
    place: Option<Place>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    New,
    Open,
    Over,
}

impl Telling {
    /// What is known already needs no more than to be told.
    fn once(live: Live, response: GraphqlResponse, request_id: String) -> Self {
        Self {
            live,
            responses: stream::iter([response]).boxed(),
            beats: every(std::time::Duration::from_secs(3_600)),
            deadline: None,
            leaving: std::future::pending().boxed(),
            request_id,
            stage: Stage::New,
            open: Open::new(live),
            place: None,
        }
    }

    async fn next(&mut self) -> Option<String> {
        match self.stage {
            Stage::New => {
                self.stage = Stage::Open;
                return Some(self.live.open().to_owned());
            }
            Stage::Over => return None,
            Stage::Open => {}
        }
        let request_id = self.request_id.as_str();
        let (fault, why) = tokio::select! {
            // What ends it, ends it however much there is to tell.
            biased;
            () = reached(self.deadline) => {
                let message = "the bearer token has expired: get a new one";
                (errors::refused(Code::Unauthenticated, message, request_id), "expired")
            }
            () = self.leaving.as_mut() => {
                (errors::refused(Code::Unavailable, leaving::RESTARTS, request_id), "restart")
            }
            response = AssertUnwindSafe(self.responses.next()).catch_unwind() => match response {
                Ok(Some(response)) if is_too_slow(&response) => (response, "too slow"),
                Ok(Some(response)) => return Some(self.live.next(&response)),
                Ok(None) => {
                    self.end("complete");
                    return Some(self.live.complete().to_owned());
                }
                Err(panic) => {
                    panics::log(panic.as_ref(), request_id);
                    let code = Code::InternalServerError;
                    (errors::refused(code, panics::MASKED, request_id), "panic")
                }
            },
            _ = self.beats.tick() => return Some(self.live.beat().to_owned()),
        };
        self.end(why);
        Some(self.live.fault(&fault) + self.live.complete())
    }

    /// Stops the operation and frees its place, whenever the rest is read.
    fn end(&mut self, why: &'static str) {
        self.stage = Stage::Over;
        self.responses = stream::empty().boxed();
        self.place = None;
        self.open.why = why;
    }
}

/// Counts a stream while it is there, and why it ended.
struct Open {
    live: Live,
    why: &'static str,
}

impl Open {
    fn new(live: Live) -> Self {
        metrics::gauge!("http_streams", "transport" => live.name()).increment(1);
        Self {
            live,
            why: "by client",
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let transport = self.live.name();
        metrics::gauge!("http_streams", "transport" => transport).decrement(1);
        let labels = [("transport", transport), ("reason", self.why)];
        metrics::counter!("http_streams_ended_total", &labels).increment(1);
    }
}

/// What is told, as JSON.
pub fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| {
        tracing::error!(%error, "Can't write a response: {error}");
        r#"{"errors":[{"message":"the response can't be written"}]}"#.to_owned()
    })
}

#[cfg(test)]
mod tests {
    use async_graphql::{ErrorExtensionValues, ServerError};

    use super::*;

    #[tokio::test]
    async fn who_falls_behind_is_told_and_let_go() {
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("reason", "TOO_SLOW");
        let error = ServerError {
            extensions: Some(extensions),
            ..ServerError::new("slow", None)
        };
        let refused = r#"{"errors":[{"message":"slow","extensions":{"reason":"TOO_SLOW"}}]}"#;
        for (live, last) in [
            (
                Live::EventStream,
                format!("event: next\ndata: {refused}\n\nevent: complete\ndata:\n\n"),
            ),
            (
                Live::Multipart,
                format!(
                    "\r\ncontent-type: application/json\r\n\r\n{{\"payload\":null,{}\r\n--graphql--\r\n",
                    &refused[1..]
                ),
            ),
        ] {
            let slow = GraphqlResponse::from_errors(vec![error.clone()]);
            let responses = stream::iter([GraphqlResponse::new(1), slow]);
            let mut telling = Telling {
                responses: responses.chain(stream::pending()).boxed(),
                ..Telling::once(live, GraphqlResponse::new(1), "1".to_owned())
            };
            assert_eq!(telling.next().await.as_deref(), Some(live.open()));
            let one = live.next(&GraphqlResponse::new(1));
            assert_eq!(telling.next().await, Some(one));
            assert_eq!(telling.next().await, Some(last));
            assert_eq!(telling.next().await, None);
        }
    }
}
