//! The operations that run on one socket: a task each, and one bounded queue to the writer.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use domain::access::Principal;
use futures_util::{FutureExt, StreamExt};
use resolvers::errors::{self, Code};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::protocol::{Close, ServerMessage};
use crate::http::HttpState;
use crate::http::caller::Client;
use crate::http::operation::{Asking, Operation};
use crate::http::panics;
use crate::http::params::Asked;
use crate::http::rate::Payer;
use crate::http::refusal::Refusal;
use crate::http::reply::is_request_error;

/// How many messages may wait for a client that reads slowly, before its operations wait too.
const QUEUE: usize = 16;

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
    running: HashMap<Arc<str>, Running>,
    started: u64,
    sender: mpsc::Sender<Event>,
    receiver: mpsc::Receiver<Event>,
}

#[derive(Debug)]
struct Running {
    /// Tells it from an earlier one with the same id, of which a message may still wait.
    number: u64,
    task: AbortHandle,
}

/// A message of an operation, ready to be sent.
#[derive(Debug)]
pub struct Event {
    id: Arc<str>,
    number: u64,
    text: String,
    is_last: bool,
}

impl Default for Operations {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        Self {
            running: HashMap::new(),
            started: 0,
            sender,
            receiver,
        }
    }
}

impl Operations {
    /// Starts an operation.
    ///
    /// Refused alone: one that makes no sense, and one too many; the message says so. The socket ends over an id that
    /// is in use, as the protocol wants it.
    pub fn start(
        &mut self,
        state: &HttpState,
        caller: &Caller,
        id: String,
        request: Result<Box<Asked>, Refusal>,
    ) -> Result<Option<String>, Close> {
        if self.running.contains_key(id.as_str()) {
            return Err(Close::IN_USE);
        }
        let asking = Asking {
            principal: caller.principal.clone(),
            payer: Payer::of(&caller.principal, caller.client.address),
            request_id: (state.new_request_id)(),
            idempotency_key: None,
            language: caller.client.language,
            transport: "websocket",
        };
        let operation = match self.admit(state, &asking, request) {
            Ok(operation) => operation,
            Err(refusal) => {
                let response = refusal.into_response(&asking.request_id);
                return Ok(Some(ServerMessage::error(&id, &response).to_text()));
            }
        };
        self.started += 1;
        let id: Arc<str> = id.into();
        let speaker = Speaker {
            id: Arc::clone(&id),
            number: self.started,
            sender: self.sender.clone(),
        };
        let task = tokio::spawn(run(operation, state.clone(), asking, speaker)).abort_handle();
        let number = self.started;
        self.running.insert(id, Running { number, task });
        metrics::gauge!("websocket_operations").increment(1);
        Ok(None)
    }

    fn admit(
        &self,
        state: &HttpState,
        asking: &Asking,
        request: Result<Box<Asked>, Refusal>,
    ) -> Result<Operation, Refusal> {
        asking.arrive(state)?;
        let max = state.settings.sockets.max_operations;
        if self.running.len() >= max {
            let message = format!("more than {max} operations at once on this socket");
            return Err(Refusal::request(Code::LimitExceeded, message));
        }
        let operation = Operation::of(*request?, state)?;
        operation.pay(state, asking)?;
        Ok(operation)
    }

    /// Stops an operation; one that isn't there has just ended by itself.
    pub fn stop(&mut self, id: &str) {
        if let Some(running) = self.running.remove(id) {
            running.task.abort();
            metrics::gauge!("websocket_operations").decrement(1);
        }
    }

    /// Waits for the next message.
    pub async fn next(&mut self) -> String {
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
            if event.is_last {
                self.stop(&event.id);
            }
            return event.text;
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
    id: Arc<str>,
    number: u64,
    sender: mpsc::Sender<Event>,
}

impl Speaker {
    async fn say(&self, message: ServerMessage<'_>) {
        let event = Event {
            id: Arc::clone(&self.id),
            number: self.number,
            is_last: matches!(
                message,
                ServerMessage::Error { .. } | ServerMessage::Complete { .. }
            ),
            text: message.to_text(),
        };
        // With the receiver gone the socket is closed and nobody listens.
        self.sender.send(event).await.ok();
    }
}

async fn run(operation: Operation, state: HttpState, asking: Asking, speaker: Speaker) {
    let request_id = asking.request_id.clone();
    let running = AssertUnwindSafe(execute(operation, &state, asking, &speaker));
    if let Err(panic) = running.catch_unwind().await {
        panics::log(panic.as_ref(), &request_id);
        let response = errors::refused(Code::InternalServerError, panics::MASKED, &request_id);
        speaker
            .say(ServerMessage::error(&speaker.id, &response))
            .await;
    }
}

async fn execute(operation: Operation, state: &HttpState, asking: Asking, speaker: &Speaker) {
    let id = &speaker.id;
    let mut responses = match operation.kind {
        OperationType::Subscription => operation.subscribe(state, asking),
        OperationType::Query | OperationType::Mutation => {
            let request_id = asking.request_id.clone();
            let executed = operation.execute(state, asking).await;
            let response = executed.unwrap_or_else(|refusal| refusal.into_response(&request_id));
            futures_util::stream::once(async { response }).boxed()
        }
    };
    while let Some(response) = responses.next().await {
        if is_request_error(&response) {
            return speaker.say(ServerMessage::error(id, &response)).await;
        }
        speaker.say(ServerMessage::next(id, &response)).await;
    }
    speaker.say(ServerMessage::Complete { id }).await;
}
