//! A socket's life, from the handshake to its close code.

use std::pin::pin;

use axum::extract::ws::{CloseFrame, Message, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use chrono::{DateTime, Utc};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use resolvers::errors::Code;
use tokio::time::{self, Duration, Instant, MissedTickBehavior};

use super::operations::{Caller, Operations};
use super::protocol::{self, ClientMessage, Close, ServerMessage};
use crate::auth::clock::instance_now;
use crate::http::HttpState;
use crate::http::caller::Client;
use crate::http::refusal::Refusal;

/// So many pings in a row without an answer, and nobody is there.
const MAX_UNANSWERED_PINGS: u8 = 2;

/// How long we wait for a client to see our close frame.
const GOODBYE: Duration = Duration::from_secs(2);

/// Opens a socket, or says why not.
pub fn upgrade(
    state: HttpState,
    headers: &HeaderMap,
    client: Client,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Refusal> {
    if *state.draining.borrow() {
        let message = "the server restarts: connect again";
        return Err(Refusal::http(
            StatusCode::SERVICE_UNAVAILABLE,
            Code::Unavailable,
            message,
        ));
    }
    if !state.settings.allowed_origins.allow_socket(headers) {
        let message = "this origin may not open sockets here";
        return Err(Refusal::http(
            StatusCode::FORBIDDEN,
            Code::Forbidden,
            message,
        ));
    }
    let upgrade = upgrade.protocols([protocol::NAME]);
    if upgrade.selected_protocol().is_none() {
        let message = "the subprotocol must be graphql-transport-ws";
        return Err(Refusal::http(
            StatusCode::BAD_REQUEST,
            Code::BadRequest,
            message,
        ));
    }
    let max_bytes = state.settings.sockets.max_message_bytes;
    let tasks = state.tasks.clone();
    Ok(upgrade
        .max_message_size(max_bytes)
        .max_frame_size(max_bytes)
        .on_upgrade(move |socket| tasks.track_future(serve(socket, state, client))))
}

/// Serves a socket until it ends.
async fn serve<S>(mut socket: S, state: HttpState, client: Client)
where
    S: Stream<Item = Result<Message, axum::Error>> + Sink<Message, Error = axum::Error> + Unpin,
{
    let started_at = Instant::now();
    metrics::gauge!("websocket_connections").increment(1);
    let mut session = Session::new(&mut socket, &state, client);
    let end = session.run().await;
    drop(session);
    metrics::gauge!("websocket_connections").decrement(1);
    let code = match end {
        End::Close(close) => {
            say_goodbye(&mut socket, close).await;
            close.code
        }
        End::ByClient => {
            time::timeout(GOODBYE, socket.close()).await.ok();
            1000
        }
        End::Lost => 1006,
    };
    let seconds = started_at.elapsed().as_secs_f64();
    metrics::counter!("websocket_closes_total", "code" => code.to_string()).increment(1);
    tracing::info!(
        code,
        seconds,
        "Socket closed with {code} after {seconds:.1} s"
    );
}

/// Sends a close frame, and hangs up only after the client did: else the frame may never arrive.
async fn say_goodbye<S>(socket: &mut S, close: Close)
where
    S: Stream<Item = Result<Message, axum::Error>> + Sink<Message, Error = axum::Error> + Unpin,
{
    let frame = CloseFrame {
        code: close.code,
        reason: close.reason.into(),
    };
    let goodbye = async {
        if socket.send(Message::Close(Some(frame))).await.is_ok() {
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    time::timeout(GOODBYE, goodbye).await.ok();
}

/// How a socket ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// We close it.
    Close(Close),
    /// The client closed it.
    ByClient,
    /// It is gone.
    Lost,
}

impl From<Close> for End {
    fn from(close: Close) -> Self {
        Self::Close(close)
    }
}

/// One socket while it is open.
struct Session<'a, S> {
    socket: &'a mut S,
    state: &'a HttpState,
    client: Client,
    /// Who it is, once acknowledged.
    caller: Option<Caller>,
    /// When the client must have said who it is; after that, when its token expires.
    deadline: Option<Instant>,
    unanswered_pings: u8,
    operations: Operations,
}

impl<'a, S> Session<'a, S>
where
    S: Stream<Item = Result<Message, axum::Error>> + Sink<Message, Error = axum::Error> + Unpin,
{
    fn new(socket: &'a mut S, state: &'a HttpState, client: Client) -> Self {
        Self {
            socket,
            state,
            client,
            caller: None,
            deadline: Some(Instant::now() + state.settings.sockets.init_timeout),
            unanswered_pings: 0,
            operations: Operations::default(),
        }
    }

    async fn run(&mut self) -> End {
        let ping_every = self.state.settings.sockets.ping_every;
        let mut pings = time::interval_at(Instant::now() + ping_every, ping_every);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut drained = pin!(drained(self.state));
        loop {
            let turn = tokio::select! {
                message = self.socket.next() => self.on_message(message).await,
                text = self.operations.next() => self.send(Message::Text(text.into())).await,
                () = reached(self.deadline) => Err(self.on_deadline().into()),
                _ = pings.tick() => self.ping().await,
                () = &mut drained => Err(Close::RESTART.into()),
            };
            if let Err(end) = turn {
                return end;
            }
        }
    }

    async fn on_message(
        &mut self,
        message: Option<Result<Message, axum::Error>>,
    ) -> Result<(), End> {
        let message = match message {
            None => return Err(End::Lost),
            Some(Err(error)) => return Err(end_of(&error)),
            Some(Ok(message)) => message,
        };
        self.unanswered_pings = 0;
        match message {
            Message::Text(text) => self.on_text(text.as_str()).await,
            Message::Binary(_) => Err(Close::BINARY.into()),
            Message::Close(_) => Err(End::ByClient),
            Message::Ping(_) | Message::Pong(_) => Ok(()),
        }
    }

    async fn on_text(&mut self, text: &str) -> Result<(), End> {
        match ClientMessage::parse(text)? {
            ClientMessage::Init(bearer) => self.init(bearer.as_deref()).await,
            ClientMessage::Ping(payload) => self.say(&ServerMessage::Pong { payload }).await,
            ClientMessage::Pong => Ok(()),
            ClientMessage::Subscribe { id, request } => {
                let caller = self.caller.as_ref().ok_or(Close::NOT_ACKNOWLEDGED)?;
                match self.operations.start(self.state, caller, id, request)? {
                    Some(refusal) => self.send(Message::Text(refusal.into())).await,
                    None => Ok(()),
                }
            }
            ClientMessage::Complete { id } => {
                self.operations.stop(&id);
                Ok(())
            }
        }
    }

    async fn init(&mut self, bearer: Option<&str>) -> Result<(), End> {
        if self.caller.is_some() {
            return Err(Close::SECOND_INIT.into());
        }
        let authenticated = self
            .state
            .authenticator
            .authenticate(bearer)
            .await
            .map_err(|_| Close::BAD_TOKEN)?;
        self.deadline = authenticated.expires_at.and_then(instant_of);
        self.caller = Some(Caller {
            principal: authenticated.principal,
            client: self.client,
        });
        self.say(&ServerMessage::ConnectionAck).await
    }

    fn on_deadline(&self) -> Close {
        if self.caller.is_some() {
            Close::EXPIRED
        } else {
            Close::NO_INIT
        }
    }

    async fn ping(&mut self) -> Result<(), End> {
        if self.unanswered_pings >= MAX_UNANSWERED_PINGS {
            return Err(Close::GONE.into());
        }
        self.unanswered_pings += 1;
        self.send(Message::Ping(axum::body::Bytes::new())).await
    }

    async fn say(&mut self, message: &ServerMessage<'_>) -> Result<(), End> {
        self.send(Message::Text(message.to_text().into())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        let timeout = self.state.settings.sockets.write_timeout;
        match time::timeout(timeout, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(End::Lost),
        }
    }
}

/// What an error of the socket means: too long a message and broken text deserve a word, a broken line can't be told.
/// It is told by its text, because its type is of a crate that only axum knows.
fn end_of(error: &axum::Error) -> End {
    let text = error.to_string();
    if text.contains("too long") || text.contains("too big") {
        Close::TOO_BIG.into()
    } else if text.contains("UTF-8") {
        Close::MALFORMED.into()
    } else {
        End::Lost
    }
}

async fn reached(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

async fn drained(state: &HttpState) {
    let mut draining = state.draining.clone();
    if draining.wait_for(|is_draining| *is_draining).await.is_err() {
        // Whoever would have told is gone.
        std::future::pending::<()>().await;
    }
}

/// When an expiry comes, by the clock that can't be set; none, if that is too far off to be told.
fn instant_of(expires_at: DateTime<Utc>) -> Option<Instant> {
    let left = (expires_at - instance_now()).to_std().unwrap_or_default();
    Instant::now().checked_add(left)
}
