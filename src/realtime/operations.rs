//! The running operations of a socket: one task each, and one bounded queue to the writer.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_graphql::Response;
use async_graphql::parser::types::OperationType;
use domain::access::Principal;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt};
use resolvers::errors::{self, Code};
use resolvers::request;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::task::AbortOnDropHandle;

use super::protocol::{Close, ServerMessage, Subprotocol};
use super::shutdown::RESTART_MESSAGE;
use super::stream::is_too_slow;
use crate::http::HttpState;
use crate::http::caller::Client;
use crate::http::operation::{Operation, RequestContext};
use crate::http::panics;
use crate::http::params::Params;
use crate::http::rate::{RateExceeded, RateKey, network};
use crate::http::refusal::Refusal;
use crate::http::reply::is_request_error;
use crate::metrics::Counted;

/// Messages queued for a slow reader. With a full queue its operations wait.
const QUEUE_LENGTH: usize = 4;

/// Queries and mutations that a socket executes at a time.
const MAX_CONCURRENT: usize = 4;

/// The longest answer over a socket. Queued answers and the write buffer stay in memory.
pub const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// The authenticated caller of a socket.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The principal.
    pub principal: Principal,
    /// Address and language.
    pub client: Client,
}

/// The operations of a socket. Dropping this cancels them, except mutations, which are completed without an answer.
#[derive(Debug)]
pub struct Operations {
    protocol: Subprotocol,
    running: HashMap<Arc<str>, Running>,
    started: u64,
    /// Whether the socket is about to be closed, so that no operation starts.
    is_closing: bool,
    /// Limits the concurrent queries and mutations.
    permits: Arc<Semaphore>,
    sender: mpsc::Sender<Output>,
    receiver: mpsc::Receiver<Output>,
}

#[derive(Debug)]
struct Running {
    /// Distinguishes it from an earlier operation with the same id, whose messages may still be queued.
    number: u64,
    kind: OperationType,
    _task: AbortOnDropHandle<()>,
    _open: Counted,
}

/// Output of an operation.
#[derive(Debug)]
struct Output {
    id: Arc<str>,
    number: u64,
    content: Content,
}

#[derive(Debug)]
enum Content {
    /// A message.
    Message(String),
    /// The last message.
    LastMessage(String),
    /// The socket has to be closed.
    Close(Close),
}

impl Operations {
    /// Starts without operations.
    pub fn new(protocol: Subprotocol) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE_LENGTH);
        Self {
            protocol,
            running: HashMap::new(),
            started: 0,
            is_closing: false,
            permits: Arc::new(Semaphore::new(MAX_CONCURRENT)),
            sender,
            receiver,
        }
    }

    /// Starts an operation.
    ///
    /// Returns a message if the operation is refused. Fails, so that the socket is closed, if the id is in use and the
    /// subprotocol doesn't allow replacing an operation.
    pub fn start(
        &mut self,
        state: &Arc<HttpState>,
        caller: &Caller,
        id: String,
        charged: Result<(), RateExceeded>,
        params: Result<Box<Params>, Refusal>,
    ) -> Result<Option<String>, Close> {
        if self.running.contains_key(id.as_str()) {
            if !self.protocol.allows_replacing() {
                return Err(Close::IN_USE);
            }
            self.stop(&id);
        }
        let context = RequestContext {
            caller: request::Caller {
                principal: caller.principal.clone(),
                network: network(caller.client.address),
                request_id: (state.new_request_id)(),
                idempotency_key: None,
                language: caller.client.language,
            },
            rate_key: RateKey::of(&caller.principal, caller.client.address),
            read_after: None,
            transport: "websocket",
        };
        let operation = match self.admit(state, &context, charged, params) {
            Ok(operation) => operation,
            Err(refusal) => {
                let response = refusal.into_response(&context.caller.request_id);
                return Ok(self
                    .protocol
                    .write(&ServerMessage::Error(&id, &response.errors)));
            }
        };
        let (kind, state) = (operation.kind, Arc::clone(state));
        let request_id = context.caller.request_id.clone();
        let permits = Arc::clone(&self.permits);
        self.spawn(id, kind, request_id, |sender| {
            run(operation, state, context, sender, permits)
        });
        Ok(None)
    }

    fn spawn<F>(
        &mut self,
        id: String,
        kind: OperationType,
        request_id: String,
        run: impl FnOnce(OutputSender) -> F,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        self.started += 1;
        let id: Arc<str> = id.into();
        let sender = OutputSender {
            protocol: self.protocol,
            id: Arc::clone(&id),
            number: self.started,
            request_id,
            queue: self.sender.clone(),
        };
        let running = Running {
            number: self.started,
            kind,
            _task: AbortOnDropHandle::new(tokio::spawn(run(sender))),
            _open: Counted::by(metrics::gauge!("websocket_operations")),
        };
        self.running.insert(id, running);
    }

    fn admit(
        &self,
        state: &HttpState,
        context: &RequestContext,
        charged: Result<(), RateExceeded>,
        params: Result<Box<Params>, Refusal>,
    ) -> Result<Operation, Refusal> {
        charged?;
        if self.is_closing {
            return Err(Refusal::request(Code::Unavailable, RESTART_MESSAGE));
        }
        let max = state.settings.live.max_operations;
        if self.running.len() >= max {
            let message = format!("this socket runs {max} operations, which is the maximum");
            return Err(Refusal::request(Code::LimitExceeded, message));
        }
        let operation = Operation::of(*params?, state)?;
        operation.charge(state, context)?;
        Ok(operation)
    }

    /// Stops an operation. Returns whether it was running; it may have just ended.
    pub fn stop(&mut self, id: &str) -> bool {
        self.running.remove(id).is_some()
    }

    /// Stops subscriptions and refuses new operations. Running queries and mutations are completed.
    pub fn drain(&mut self) {
        self.is_closing = true;
        self.running
            .retain(|_, running| running.kind != OperationType::Subscription);
    }

    /// Whether no operation runs.
    pub fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    /// Waits for the next message. Fails if the socket has to be closed.
    pub async fn next(&mut self) -> Result<String, Close> {
        loop {
            // Never closed, because `self` holds a sender.
            let Some(output) = self.receiver.recv().await else {
                return std::future::pending().await;
            };
            let is_current = self
                .running
                .get(&output.id)
                .is_some_and(|running| running.number == output.number);
            if !is_current {
                continue;
            }
            match output.content {
                Content::Message(text) => return Ok(text),
                Content::LastMessage(text) => {
                    self.stop(&output.id);
                    return Ok(text);
                }
                Content::Close(close) => return Err(close),
            }
        }
    }
}

/// Sends the output of one operation.
struct OutputSender {
    protocol: Subprotocol,
    id: Arc<str>,
    number: u64,
    request_id: String,
    queue: mpsc::Sender<Output>,
}

impl OutputSender {
    /// Serializes a response. Fails with the error for the client if it is too long. The response is dropped before
    /// anything waits for the client.
    fn write(&self, response: Response) -> Result<Option<String>, Box<Response>> {
        let text = self
            .protocol
            .write(&ServerMessage::Next(&self.id, &response));
        drop(response);
        match text {
            Some(text) if text.len() > MAX_ANSWER_BYTES => {
                let message = format!(
                    "the answer is longer than {MAX_ANSWER_BYTES} bytes: select less, or use POST"
                );
                let refused = errors::refused(Code::LimitExceeded, message, &self.request_id);
                Err(Box::new(refused))
            }
            text => Ok(text),
        }
    }

    async fn error(&self, response: &Response) {
        self.last(ServerMessage::Error(&self.id, &response.errors))
            .await;
    }

    async fn last(&self, message: ServerMessage<'_>) {
        if let Some(text) = self.protocol.write(&message) {
            self.send(Content::LastMessage(text)).await;
        }
    }

    async fn send(&self, content: Content) {
        let output = Output {
            id: Arc::clone(&self.id),
            number: self.number,
            content,
        };
        // Fails only if the socket is closed.
        self.queue.send(output).await.ok();
    }
}

async fn run(
    operation: Operation,
    state: Arc<HttpState>,
    context: RequestContext,
    sender: OutputSender,
    permits: Arc<Semaphore>,
) {
    let running = AssertUnwindSafe(execute(operation, state, context, &sender, &permits));
    if let Err(panic) = running.catch_unwind().await {
        let request_id = sender.request_id.as_str();
        panics::log(panic.as_ref(), request_id);
        let response = errors::refused(Code::InternalServerError, panics::MASKED, request_id);
        sender.error(&response).await;
    }
}

async fn execute(
    operation: Operation,
    state: Arc<HttpState>,
    context: RequestContext,
    sender: &OutputSender,
    permits: &Semaphore,
) {
    // Held until the answer is queued, so that a client that doesn't read can't accumulate answers.
    let mut _permit = None;
    let responses = match operation.kind {
        OperationType::Subscription => operation.subscribe(&state, context),
        OperationType::Query | OperationType::Mutation => {
            _permit = permits.acquire().await.ok();
            let executed = operation.execute(&state, context).await;
            let response =
                executed.unwrap_or_else(|refusal| refusal.into_response(&sender.request_id));
            futures_util::stream::iter([response]).boxed()
        }
    };
    drop(state);
    send_all(responses, sender).await;
}

async fn send_all(mut responses: BoxStream<'static, Response>, sender: &OutputSender) {
    while let Some(response) = responses.next().await {
        if is_too_slow(&response) {
            return sender.send(Content::Close(Close::TOO_SLOW)).await;
        }
        if is_request_error(&response) {
            return sender.error(&response).await;
        }
        match sender.write(response) {
            Ok(Some(text)) => sender.send(Content::Message(text)).await,
            Ok(None) => {}
            Err(refused) => return sender.error(&refused).await,
        }
    }
    sender.last(ServerMessage::Complete(&sender.id)).await;
}

#[cfg(test)]
mod tests {
    use async_graphql::{ErrorExtensionValues, ServerError};
    use futures_util::stream;

    use super::*;

    /// The error for a slow subscriber.
    fn too_slow() -> Response {
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", "LIMIT_EXCEEDED");
        extensions.set("reason", "TOO_SLOW");
        let error = ServerError {
            extensions: Some(extensions),
            ..ServerError::new("too slow", None)
        };
        Response::from_errors(vec![error])
    }

    /// Starts an operation with these answers.
    fn start<const N: usize>(operations: &mut Operations, answers: [Response; N]) {
        let (id, request_id) = ("1".to_owned(), "r".to_owned());
        let kind = OperationType::Subscription;
        operations.spawn(id, kind, request_id, async move |sender| {
            send_all(stream::iter(answers).boxed(), &sender).await;
        });
    }

    #[tokio::test]
    async fn closes_the_socket_of_a_slow_subscriber() {
        let mut operations = Operations::new(Subprotocol::TransportWs);
        start(&mut operations, [Response::new(1), too_slow()]);
        let first = r#"{"type":"next","id":"1","payload":{"data":1}}"#;
        assert_eq!(operations.next().await.as_deref(), Ok(first));
        assert_eq!(operations.next().await, Err(Close::TOO_SLOW));
    }

    #[tokio::test]
    async fn refuses_an_answer_that_is_too_long() {
        let mut operations = Operations::new(Subprotocol::TransportWs);
        start(
            &mut operations,
            [Response::new("x".repeat(MAX_ANSWER_BYTES))],
        );
        let refused = operations.next().await.expect("an error");
        assert!(
            refused.starts_with(r#"{"type":"error","id":"1","#),
            "{refused}"
        );
        assert!(refused.contains("LIMIT_EXCEEDED"), "{refused}");
        assert!(operations.is_idle());
    }

    #[tokio::test]
    async fn drops_queued_output_of_a_stopped_operation() {
        let mut operations = Operations::new(Subprotocol::Legacy);
        for answer in [1, 2] {
            start(&mut operations, [Response::new(answer)]);
            if answer == 1 {
                // Its output is queued and not read yet.
                while operations.receiver.len() < 2 {
                    tokio::task::yield_now().await;
                }
                assert!(operations.stop("1"));
            }
        }
        let next = operations.next().await;
        assert_eq!(
            next.as_deref(),
            Ok(r#"{"type":"data","id":"1","payload":{"data":2}}"#)
        );
        assert!(operations.next().await.is_ok() && operations.is_idle());
        assert!(!operations.stop("1"));
    }
}
