//! A socket's life, from the handshake to its close code.

use std::pin::pin;
use std::sync::Arc;

use axum::extract::ws::{CloseFrame, Message, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use domain::access::Principal;
use futures_util::{FutureExt, Sink, SinkExt, Stream, StreamExt};
use resolvers::errors::Code;
use tokio::time::{self, Duration, Instant};

use super::leaving::{every, instant_of, reached, refuse_while_draining, time_to_leave};
use super::operations::{Caller, MAX_ANSWER_BYTES, Operations};
use super::places::{Holder, Place};
use super::protocol::{ClientMessage, Close, Dialect, ServerMessage};
use crate::http::HttpState;
use crate::http::caller::Client;
use crate::http::rate::Payer;
use crate::http::refusal::Refusal;

/// So many pings in a row without an answer, and nobody is there.
const MAX_UNANSWERED_PINGS: u8 = 2;

/// How long we wait for a client to see our close frame.
const GOODBYE: Duration = Duration::from_secs(2);

/// What is read at once: enough for most of what clients say, and what an idle socket holds on to.
const READ_BUFFER_BYTES: usize = 2 * 1024;

/// What may wait to be written: one answer, for each is flushed before the next, and frames that keep the socket.
const MAX_WRITE_BUFFER_BYTES: usize = MAX_ANSWER_BYTES + 64 * 1024;

/// Opens a socket, or says why not.
pub fn upgrade(
    state: HttpState,
    headers: &HeaderMap,
    client: Client,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Refusal> {
    refuse_while_draining(&state)?;
    if !state.settings.allowed_origins.allow_socket(headers) {
        let message = "this origin may not open sockets here";
        return Err(Refusal::http(
            StatusCode::FORBIDDEN,
            Code::Forbidden,
            message,
        ));
    }
    let upgrade = upgrade.protocols(Dialect::NAMES);
    let Some(dialect) = upgrade.selected_protocol().and_then(Dialect::of) else {
        let message = "the subprotocol must be graphql-transport-ws or graphql-ws";
        return Err(Refusal::http(
            StatusCode::BAD_REQUEST,
            Code::BadRequest,
            message,
        ));
    };
    // Until it says who it is, it is one of its address.
    let place = state
        .places
        .take(Holder::of(&Principal::Anonymous, client.address))?;
    let max_bytes = state.settings.live.max_message_bytes;
    let tasks = state.tasks.clone();
    let state = Arc::new(state);
    Ok(upgrade
        .max_message_size(max_bytes)
        .max_frame_size(max_bytes)
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(MAX_WRITE_BUFFER_BYTES)
        .on_upgrade(move |socket| {
            let serving = serve(socket, dialect, state, client, place);
            tasks.track_future(serving.boxed())
        }))
}

/// Serves a socket until it ends.
async fn serve<S>(
    mut socket: S,
    dialect: Dialect,
    state: Arc<HttpState>,
    client: Client,
    place: Place,
) where
    S: Stream<Item = Result<Message, axum::Error>> + Sink<Message, Error = axum::Error> + Unpin,
{
    let started_at = Instant::now();
    let open = Open::new();
    let mut session = Session::new(&mut socket, dialect, &state, client, place);
    let end = session.run().await;
    let Session {
        operations, place, ..
    } = session;
    drop(operations);
    let (code, name) = match end {
        End::Close(close) => {
            say_goodbye(&mut socket, dialect, close).await;
            (close.code, close.name)
        }
        End::ByClient => {
            time::timeout(GOODBYE, socket.close()).await.ok();
            (1000, "by client")
        }
        End::Lost => (1006, "lost"),
    };
    // As long as it takes to say goodbye, it is there.
    drop((place, open));
    let seconds = started_at.elapsed().as_secs_f64();
    let labels = [("code", code.to_string()), ("reason", name.to_owned())];
    metrics::counter!("websocket_closes_total", &labels).increment(1);
    tracing::info!(
        code,
        reason = name,
        seconds,
        "Socket closed with {code} ({name}) after {seconds:.1} s"
    );
}

/// Sends a close frame, and hangs up only after the client did: else the frame may never arrive.
async fn say_goodbye<S>(socket: &mut S, dialect: Dialect, close: Close)
where
    S: Stream<Item = Result<Message, axum::Error>> + Sink<Message, Error = axum::Error> + Unpin,
{
    let frame = CloseFrame {
        code: close.code,
        reason: close.reason.into(),
    };
    let goodbye = async {
        if let Some(farewell) = dialect.write(&ServerMessage::Farewell(close)) {
            socket.send(Message::Text(farewell.into())).await.ok();
        }
        if socket.send(Message::Close(Some(frame))).await.is_ok() {
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    time::timeout(GOODBYE, goodbye).await.ok();
}

/// Counts a socket while it is open, even if serving it panics.
struct Open;

impl Open {
    fn new() -> Self {
        metrics::gauge!("websocket_connections").increment(1);
        Self
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        metrics::gauge!("websocket_connections").decrement(1);
    }
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
    dialect: Dialect,
    state: &'a Arc<HttpState>,
    client: Client,
    place: Place,
    /// Who it is, once acknowledged.
    caller: Option<Caller>,
    /// When the client must have said who it is; after that, when its token expires.
    deadline: Option<Instant>,
    /// Until when nothing more is read, because it said too much.
    deaf_until: Option<Instant>,
    unanswered_pings: u8,
    operations: Operations,
    /// Whether it ends as soon as what answers once has answered.
    is_leaving: bool,
}

impl<'a, S> Session<'a, S>
where
    S: Stream<Item = Result<Message, axum::Error>> + Sink<Message, Error = axum::Error> + Unpin,
{
    fn new(
        socket: &'a mut S,
        dialect: Dialect,
        state: &'a Arc<HttpState>,
        client: Client,
        place: Place,
    ) -> Self {
        Self {
            socket,
            dialect,
            state,
            client,
            place,
            caller: None,
            deadline: Some(Instant::now() + state.settings.live.init_timeout),
            deaf_until: None,
            unanswered_pings: 0,
            operations: Operations::new(dialect),
            is_leaving: false,
        }
    }

    async fn run(&mut self) -> End {
        let mut pings = every(self.state.settings.live.ping_every);
        let mut leaving = pin!(time_to_leave(self.state));
        loop {
            let turn = tokio::select! {
                // What ends it comes first, however much there is to say and to hear.
                biased;
                () = reached(self.deadline) => Err(self.on_deadline().into()),
                () = &mut leaving, if !self.is_leaving => {
                    self.is_leaving = true;
                    self.operations.wind_up();
                    Ok(())
                }
                _ = pings.tick() => self.ping().await,
                () = reached(self.deaf_until), if self.deaf_until.is_some() => {
                    self.deaf_until = None;
                    Ok(())
                }
                message = self.socket.next(), if self.deaf_until.is_none() => self.on_message(message).await,
                said = self.operations.next() => match said {
                    Ok(text) => self.send(Message::Text(text.into())).await,
                    Err(close) => Err(close.into()),
                },
            };
            if let Err(end) = turn {
                return end;
            }
            if self.is_leaving && self.operations.is_idle() {
                return Close::RESTART.into();
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
        // Every message costs what a request costs. One too many is still answered; the next ones wait.
        let arrived = self.state.buckets.arrive(&self.payer());
        if let Err(too_much) = arrived {
            let seconds = u64::from(too_much.retry_after_seconds);
            self.deaf_until = Some(Instant::now() + Duration::from_secs(seconds));
        }
        match self.dialect.read(text)? {
            ClientMessage::Init(bearer) => self.init(bearer.as_deref()).await,
            ClientMessage::Ping(payload) => self.say(&ServerMessage::Pong(payload)).await,
            ClientMessage::Pong => Ok(()),
            ClientMessage::Subscribe { id, request } => {
                let caller = self.caller.as_ref().ok_or(Close::NOT_ACKNOWLEDGED)?;
                match self
                    .operations
                    .start(self.state, caller, id, arrived, request)?
                {
                    Some(refusal) => self.send(Message::Text(refusal.into())).await,
                    None => Ok(()),
                }
            }
            ClientMessage::Complete { id } => {
                if self.operations.stop(&id) {
                    self.say(&ServerMessage::Stopped(&id)).await
                } else {
                    Ok(())
                }
            }
            ClientMessage::Terminate => Err(Close::TERMINATED.into()),
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
        let holder = Holder::of(&authenticated.principal, self.client.address);
        self.place.move_to(holder).map_err(|_| Close::TOO_MANY)?;
        self.deadline = authenticated.expires_at.and_then(instant_of);
        self.caller = Some(Caller {
            principal: authenticated.principal,
            client: self.client,
        });
        self.say(&ServerMessage::Ack).await?;
        self.say(&ServerMessage::KeepAlive).await
    }

    /// Who pays for what it says.
    fn payer(&self) -> Payer {
        let principal = self.caller.as_ref().map(|caller| &caller.principal);
        Payer::of(
            principal.unwrap_or(&Principal::Anonymous),
            self.client.address,
        )
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
        if self.caller.is_some() {
            self.say(&ServerMessage::KeepAlive).await?;
        }
        self.send(Message::Ping(axum::body::Bytes::new())).await
    }

    async fn say(&mut self, message: &ServerMessage<'_>) -> Result<(), End> {
        match self.dialect.write(message) {
            Some(text) => self.send(Message::Text(text.into())).await,
            None => Ok(()),
        }
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        let timeout = self.state.settings.live.write_timeout;
        match time::timeout(timeout, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Lost),
            Err(_) => Err(Close::TOO_SLOW.into()),
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
