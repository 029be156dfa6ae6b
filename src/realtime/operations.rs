//! The operations that run on one socket: a task each, and one bounded queue to the writer.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_graphql::Response;
use async_graphql::parser::types::OperationType;
use domain::access::Principal;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt};
use resolvers::errors::{self, Code};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::AbortHandle;

use super::is_too_slow;
use super::leaving::RESTARTS;
use super::protocol::{Close, Dialect, ServerMessage};
use crate::http::HttpState;
use crate::http::caller::Client;
use crate::http::operation::{Asking, Operation};
use crate::http::panics;
use crate::http::params::Asked;
use crate::http::rate::{Payer, TooMuch};
use crate::http::refusal::Refusal;
use crate::http::reply::is_request_error;

/// How many messages may wait for a client that reads slowly, before its operations wait too.
const QUEUE: usize = 4;

/// Queries and mutations of a socket that are executed at once; more wait for their turn.
const TURNS: usize = 4;

/// The longest answer that goes over a socket: what waits is kept in memory, and what is written from stays allocated.
pub const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// Who is at the other end of a socket.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who it is.
    pub principal: Principal,
    /// Where it is.
    pub client: Client,
}

/// The operations of one socket. Dropping it stops them, but for mutations, which run to their end unheard.
#[derive(Debug)]
pub struct Operations {
    dialect: Dialect,
    running: HashMap<Arc<str>, Running>,
    started: u64,
    /// Whether the socket is about to be closed: nothing new begins.
    is_closing: bool,
    /// Turns to execute what answers once.
    turns: Arc<Semaphore>,
    sender: mpsc::Sender<Event>,
    receiver: mpsc::Receiver<Event>,
}

#[derive(Debug)]
struct Running {
    /// Tells it from an earlier one with the same id, of which a message may still wait.
    number: u64,
    kind: OperationType,
    task: AbortHandle,
}

/// What an operation has to tell.
#[derive(Debug)]
struct Event {
    id: Arc<str>,
    number: u64,
    said: Said,
}

#[derive(Debug)]
enum Said {
    /// A message, ready to be sent.
    More(String),
    /// The last one.
    Last(String),
    /// That the socket has to end.
    Close(Close),
}

impl Operations {
    /// None yet.
    pub fn new(dialect: Dialect) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        Self {
            dialect,
            running: HashMap::new(),
            started: 0,
            is_closing: false,
            turns: Arc::new(Semaphore::new(TURNS)),
            sender,
            receiver,
        }
    }

    /// Starts an operation.
    ///
    /// Refused alone: one that makes no sense, and one too many; the message says so. The socket ends over an id that
    /// is in use, unless the dialect has it that the new one takes its place.
    pub fn start(
        &mut self,
        state: &Arc<HttpState>,
        caller: &Caller,
        id: String,
        arrived: Result<(), TooMuch>,
        request: Result<Box<Asked>, Refusal>,
    ) -> Result<Option<String>, Close> {
        if self.running.contains_key(id.as_str()) {
            if !self.dialect.replaces() {
                return Err(Close::IN_USE);
            }
            self.stop(&id);
        }
        let asking = Asking {
            principal: caller.principal.clone(),
            payer: Payer::of(&caller.principal, caller.client.address),
            request_id: (state.new_request_id)(),
            idempotency_key: None,
            language: caller.client.language,
            transport: "websocket",
        };
        let operation = match self.admit(state, &asking, arrived, request) {
            Ok(operation) => operation,
            Err(refusal) => {
                let response = refusal.into_response(&asking.request_id);
                return Ok(self
                    .dialect
                    .write(&ServerMessage::Error(&id, &response.errors)));
            }
        };
        let (kind, state) = (operation.kind, Arc::clone(state));
        let request_id = asking.request_id.clone();
        let turns = Arc::clone(&self.turns);
        self.begin(id, kind, request_id, |speaker| {
            run(operation, state, asking, speaker, turns)
        });
        Ok(None)
    }

    fn begin<F>(
        &mut self,
        id: String,
        kind: OperationType,
        request_id: String,
        run: impl FnOnce(Speaker) -> F,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        self.started += 1;
        let id: Arc<str> = id.into();
        let speaker = Speaker {
            dialect: self.dialect,
            id: Arc::clone(&id),
            number: self.started,
            request_id,
            sender: self.sender.clone(),
        };
        let running = Running {
            number: self.started,
            kind,
            task: tokio::spawn(run(speaker)).abort_handle(),
        };
        self.running.insert(id, running);
        metrics::gauge!("websocket_operations").increment(1);
    }

    fn admit(
        &self,
        state: &HttpState,
        asking: &Asking,
        arrived: Result<(), TooMuch>,
        request: Result<Box<Asked>, Refusal>,
    ) -> Result<Operation, Refusal> {
        arrived?;
        if self.is_closing {
            return Err(Refusal::request(Code::Unavailable, RESTARTS));
        }
        let max = state.settings.live.max_operations;
        if self.running.len() >= max {
            let message = format!("more than {max} operations at once on this socket");
            return Err(Refusal::request(Code::LimitExceeded, message));
        }
        let operation = Operation::of(*request?, state)?;
        operation.pay(state, asking)?;
        Ok(operation)
    }

    /// Stops an operation, and says whether there was one: it may have just ended by itself.
    pub fn stop(&mut self, id: &str) -> bool {
        let running = self.running.remove(id);
        if let Some(running) = &running {
            running.task.abort();
            metrics::gauge!("websocket_operations").decrement(1);
        }
        running.is_some()
    }

    /// Stops what would go on for ever, and begins nothing new: what answers once may still do so.
    pub fn wind_up(&mut self) {
        self.is_closing = true;
        let endless = self
            .running
            .iter()
            .filter(|(_, running)| running.kind == OperationType::Subscription)
            .map(|(id, _)| Arc::clone(id));
        for id in endless.collect::<Vec<_>>() {
            self.stop(&id);
        }
    }

    /// Whether nothing runs.
    pub fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    /// Waits for the next message, or for what ends the socket.
    pub async fn next(&mut self) -> Result<String, Close> {
        loop {
            // The sender beside it keeps the channel open.
            let Some(event) = self.receiver.recv().await else {
                return std::future::pending().await;
            };
            let is_current = self
                .running
                .get(&event.id)
                .is_some_and(|running| running.number == event.number);
            if !is_current {
                continue;
            }
            match event.said {
                Said::More(text) => return Ok(text),
                Said::Last(text) => {
                    self.stop(&event.id);
                    return Ok(text);
                }
                Said::Close(close) => return Err(close),
            }
        }
    }
}

impl Drop for Operations {
    fn drop(&mut self) {
        let ids: Vec<_> = self.running.keys().cloned().collect();
        for id in ids {
            self.stop(&id);
        }
    }
}

/// Speaks for one operation.
struct Speaker {
    dialect: Dialect,
    id: Arc<str>,
    number: u64,
    request_id: String,
    sender: mpsc::Sender<Event>,
}

impl Speaker {
    /// Writes a response; one that is too long becomes what ends the operation. What was read for it is free before
    /// anybody waits for the client.
    fn write(&self, response: Response) -> Result<Option<String>, Box<Response>> {
        let text = self
            .dialect
            .write(&ServerMessage::Next(&self.id, &response));
        drop(response);
        match text {
            Some(text) if text.len() > MAX_ANSWER_BYTES => {
                let message = format!(
                    "the answer is longer than {MAX_ANSWER_BYTES} bytes: ask for less, or by POST"
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

    async fn complete(&self) {
        self.last(ServerMessage::Complete(&self.id)).await;
    }

    async fn last(&self, message: ServerMessage<'_>) {
        if let Some(text) = self.dialect.write(&message) {
            self.say(Said::Last(text)).await;
        }
    }

    async fn say(&self, said: Said) {
        let event = Event {
            id: Arc::clone(&self.id),
            number: self.number,
            said,
        };
        // With the receiver gone the socket is closed and nobody listens.
        self.sender.send(event).await.ok();
    }
}

async fn run(
    operation: Operation,
    state: Arc<HttpState>,
    asking: Asking,
    speaker: Speaker,
    turns: Arc<Semaphore>,
) {
    let running = AssertUnwindSafe(execute(operation, state, asking, &speaker, &turns));
    if let Err(panic) = running.catch_unwind().await {
        let request_id = speaker.request_id.as_str();
        panics::log(panic.as_ref(), request_id);
        let response = errors::refused(Code::InternalServerError, panics::MASKED, request_id);
        speaker.error(&response).await;
    }
}

async fn execute(
    operation: Operation,
    state: Arc<HttpState>,
    asking: Asking,
    speaker: &Speaker,
    turns: &Semaphore,
) {
    // Until its answer is on its way: or a client that reads nothing could have us keep as many answers as it likes.
    let mut _turn = None;
    let responses = match operation.kind {
        OperationType::Subscription => operation.subscribe(&state, asking),
        OperationType::Query | OperationType::Mutation => {
            _turn = turns.acquire().await.ok();
            // In a box: those who wait for their turn need no room for it yet.
            let executed = operation.execute(&state, asking).boxed().await;
            let response =
                executed.unwrap_or_else(|refusal| refusal.into_response(&speaker.request_id));
            futures_util::stream::iter([response]).boxed()
        }
    };
    drop(state);
    tell(responses, speaker).await;
}

async fn tell(mut responses: BoxStream<'static, Response>, speaker: &Speaker) {
    while let Some(response) = responses.next().await {
        if is_too_slow(&response) {
            return speaker.say(Said::Close(Close::TOO_SLOW)).await;
        }
        if is_request_error(&response) {
            return speaker.error(&response).await;
        }
        match speaker.write(response) {
            Ok(Some(text)) => speaker.say(Said::More(text)).await,
            Ok(None) => {}
            Err(refused) => return speaker.error(&refused).await,
        }
    }
    speaker.complete().await;
}

#[cfg(test)]
mod tests {
    use async_graphql::{ErrorExtensionValues, ServerError};
    use futures_util::stream;

    use super::*;

    /// What the event bus says of who falls behind.
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

    /// Begins an operation with these answers.
    fn begin<const N: usize>(operations: &mut Operations, answers: [Response; N]) {
        let (id, request_id) = ("1".to_owned(), "r".to_owned());
        let kind = OperationType::Subscription;
        operations.begin(id, kind, request_id, async move |speaker| {
            tell(stream::iter(answers).boxed(), &speaker).await;
        });
    }

    #[tokio::test]
    async fn who_falls_behind_ends_its_socket() {
        let mut operations = Operations::new(Dialect::TransportWs);
        begin(&mut operations, [Response::new(1), too_slow()]);
        let first = r#"{"type":"next","id":"1","payload":{"data":1}}"#;
        assert_eq!(operations.next().await.as_deref(), Ok(first));
        assert_eq!(operations.next().await, Err(Close::TOO_SLOW));
    }

    #[tokio::test]
    async fn an_answer_that_is_too_long_is_refused() {
        let mut operations = Operations::new(Dialect::TransportWs);
        begin(
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
    async fn what_is_stopped_says_nothing_more() {
        let mut operations = Operations::new(Dialect::Legacy);
        for answer in [1, 2] {
            begin(&mut operations, [Response::new(answer)]);
            if answer == 1 {
                // It has spoken, and nobody listened yet.
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
