//! A socket, from the handshake to its close code.

use std::pin::pin;
use std::sync::Arc;

use async_graphql::http::ALL_WEBSOCKET_PROTOCOLS;
use axum::extract::ws::{CloseFrame, Message, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use futures_util::{FutureExt, Sink, SinkExt, Stream, StreamExt};
use tokio::time::{self, Duration, Instant};

use super::connection_quota::{QuotaHolder, QuotaSlot};
use super::operations::{Caller, MAX_ANSWER_BYTES, Operations};
use super::protocol::{ClientMessage, Close, ServerMessage, Subprotocol};
use super::shutdown::{closing_time, instant_of, reached, refuse_while_draining, ticks_every};
use crate::auth::BadToken;
use crate::http::HttpState;
use crate::http::caller::Client;
use crate::http::rate::RateKey;
use crate::http::refusal::Refusal;
use crate::metrics::Counted;

/// Consecutive unanswered pings after which the socket is closed.
const MAX_UNANSWERED_PINGS: u8 = 2;

/// Timeout of the closing handshake.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// The read buffer. It holds most messages and stays allocated on idle sockets.
const READ_BUFFER_BYTES: usize = 2 * 1024;

/// The write buffer: one answer, because each is flushed before the next, and control frames.
const MAX_WRITE_BUFFER_BYTES: usize = MAX_ANSWER_BYTES + 64 * 1024;

/// Opens a socket or refuses it.
pub fn upgrade(
    state: HttpState,
    headers: &HeaderMap,
    client: Client,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Refusal> {
    refuse_while_draining(&state)?;
    if !state.settings.allowed_origins.allow_socket(headers) {
        let message = "this origin may not open sockets here";
        return Err(Refusal::http(StatusCode::FORBIDDEN, message));
    }
    let upgrade = upgrade.protocols(ALL_WEBSOCKET_PROTOCOLS);
    let Some(protocol) = upgrade.selected_protocol().and_then(Subprotocol::of) else {
        let message = "the subprotocol must be graphql-transport-ws or graphql-ws";
        return Err(Refusal::http(StatusCode::BAD_REQUEST, message));
    };
    let slot = state.connection_quota.wait(client.address);
    let handshake = HandshakeToken::of(headers);
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
            let serving = serve(socket, protocol, state, client, slot, handshake);
            tasks.track_future(serving.boxed())
        }))
}

/// The `Authorization` header of a handshake: its value, or that it can't be read.
#[derive(derive_more::Debug)]
#[debug("HandshakeToken")]
struct HandshakeToken(Result<Option<String>, BadToken>);

impl HandshakeToken {
    fn of(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        Self(match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => value
                .to_str()
                .map(|value| Some(value.to_owned()))
                .map_err(|_| BadToken),
            (Some(_), Some(_)) => Err(BadToken),
        })
    }
}

/// Serves a socket until it ends.
async fn serve<S>(
    mut socket: S,
    protocol: Subprotocol,
    state: Arc<HttpState>,
    client: Client,
    slot: QuotaSlot,
    handshake: HandshakeToken,
) where
    S: Stream<Item = Result<Message, axum::Error>> + Sink<Message, Error = axum::Error> + Unpin,
{
    let started_at = Instant::now();
    // Counts the socket while it is open, even if serving it panics.
    let open = Counted::by(metrics::gauge!("websocket_connections"));
    let mut session = Session {
        socket: &mut socket,
        protocol,
        state: &state,
        client,
        slot,
        handshake,
        caller: None,
        deadline: Some(started_at + state.settings.live.init_timeout),
        paused_until: None,
        unanswered_pings: 0,
        operations: Operations::new(protocol),
        is_draining: false,
    };
    let end = session.run().await;
    let Session {
        operations, slot, ..
    } = session;
    drop(operations);
    let (code, name) = match end {
        End::Close(close) => {
            close_socket(&mut socket, protocol, close).await;
            (close.code, close.name)
        }
        End::ByClient => {
            time::timeout(CLOSE_TIMEOUT, socket.close()).await.ok();
            (1000, "by client")
        }
        End::Lost => (1006, "lost"),
    };
    // The socket counts as open until the closing handshake is over.
    drop((slot, open));
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

/// Sends a close frame and waits until the client closes the connection, because otherwise the frame may be lost.
async fn close_socket<S>(socket: &mut S, protocol: Subprotocol, close: Close)
where
    S: Stream<Item = Result<Message, axum::Error>> + Sink<Message, Error = axum::Error> + Unpin,
{
    let frame = CloseFrame {
        code: close.code,
        reason: close.reason.into(),
    };
    let closing = async {
        if let Some(message) = protocol.write(&ServerMessage::Closing(close)) {
            socket.send(Message::Text(message.into())).await.ok();
        }
        if socket.send(Message::Close(Some(frame))).await.is_ok() {
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    time::timeout(CLOSE_TIMEOUT, closing).await.ok();
}

/// End of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, derive_more::From)]
enum End {
    /// The server closes it.
    #[from]
    Close(Close),
    /// The client closed it.
    ByClient,
    /// The connection was lost.
    Lost,
}

/// One socket while it is open.
struct Session<'a, S> {
    socket: &'a mut S,
    protocol: Subprotocol,
    state: &'a Arc<HttpState>,
    client: Client,
    slot: QuotaSlot,
    /// Counts if `connection_init` has no token.
    handshake: HandshakeToken,
    /// The caller, once authenticated.
    caller: Option<Caller>,
    /// The deadline of `connection_init`; after it, the expiry of the token.
    deadline: Option<Instant>,
    /// Until when no message is read, because the rate was exceeded.
    paused_until: Option<Instant>,
    unanswered_pings: u8,
    operations: Operations,
    /// Whether it is closed as soon as no operation runs.
    is_draining: bool,
}

impl<S> Session<'_, S>
where
    S: Stream<Item = Result<Message, axum::Error>> + Sink<Message, Error = axum::Error> + Unpin,
{
    async fn run(&mut self) -> End {
        let mut pings = ticks_every(self.state.settings.live.ping_every);
        let mut closing = pin!(closing_time(self.state));
        loop {
            let step = tokio::select! {
                // The ends of the socket come first, even if messages are ready.
                biased;
                () = reached(self.deadline) => Err(self.on_deadline().into()),
                () = self.slot.displaced() => Err(Close::TOO_MANY.into()),
                () = &mut closing, if !self.is_draining => {
                    self.is_draining = true;
                    self.operations.drain();
                    Ok(())
                }
                _ = pings.tick() => self.ping().await,
                () = reached(self.paused_until), if self.paused_until.is_some() => {
                    self.paused_until = None;
                    Ok(())
                }
                message = self.socket.next(), if self.paused_until.is_none() => self.on_message(message).await,
                output = self.operations.next() => match output {
                    Ok(text) => self.send_text(Some(text)).await,
                    Err(close) => Err(close.into()),
                },
            };
            if let Err(end) = step {
                return end;
            }
            if self.is_draining && self.operations.is_idle() {
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
        // A message costs as much as a request. The first message over the rate is answered, the next ones are not read.
        let charged = self.state.buckets.charge_request(&self.rate_key());
        if let Err(exceeded) = charged {
            let seconds = u64::from(exceeded.retry_after_seconds);
            self.paused_until = Some(Instant::now() + Duration::from_secs(seconds));
        }
        match self.protocol.parse(text)? {
            ClientMessage::Init(bearer) => self.init(bearer.as_deref()).await,
            ClientMessage::Ping(payload) => self.send_message(&ServerMessage::Pong(payload)).await,
            ClientMessage::Subscribe { id, params } => {
                let caller = self.caller.as_ref().ok_or(Close::NOT_ACKNOWLEDGED)?;
                let operations = &mut self.operations;
                let refusal = operations.start(self.state, caller, id, charged, params)?;
                self.send_text(refusal).await
            }
            ClientMessage::Complete { id } if self.operations.stop(&id) => {
                self.send_message(&ServerMessage::Stopped(&id)).await
            }
            ClientMessage::Complete { .. } | ClientMessage::Pong => Ok(()),
            ClientMessage::Terminate => Err(Close::TERMINATED.into()),
        }
    }

    async fn init(&mut self, bearer: Option<&str>) -> Result<(), End> {
        if self.caller.is_some() {
            return Err(Close::SECOND_INIT.into());
        }
        // The token of the handshake doesn't stay in memory.
        let of_handshake = std::mem::replace(&mut self.handshake.0, Ok(None));
        let of_handshake = match bearer {
            Some(_) => None,
            None => of_handshake.map_err(|_| Close::BAD_TOKEN)?,
        };
        let bearer = bearer.or(of_handshake.as_deref());
        let authenticated = self
            .state
            .authenticator
            .authenticate(bearer)
            .await
            .map_err(|_| Close::BAD_TOKEN)?;
        let holder = QuotaHolder::of(&authenticated.principal, self.client.address);
        self.slot.move_to(holder).map_err(|_| Close::TOO_MANY)?;
        self.deadline = authenticated.expires_at.and_then(instant_of);
        self.caller = Some(Caller {
            principal: authenticated.principal,
            client: self.client,
        });
        self.send_message(&ServerMessage::Ack).await?;
        self.send_message(&ServerMessage::KeepAlive).await
    }

    /// The bucket that messages are charged to.
    fn rate_key(&self) -> RateKey {
        match &self.caller {
            Some(caller) => RateKey::of(&caller.principal, self.client.address),
            None => RateKey::handshake(self.client.address),
        }
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
            self.send_message(&ServerMessage::KeepAlive).await?;
        }
        self.send(Message::Ping(axum::body::Bytes::new())).await
    }

    async fn send_message(&mut self, message: &ServerMessage<'_>) -> Result<(), End> {
        self.send_text(self.protocol.write(message)).await
    }

    async fn send_text(&mut self, text: Option<String>) -> Result<(), End> {
        match text {
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

/// The end that an error of the socket leads to: a close code for an invalid frame, else a lost connection. Only the text of the error is available, because its type belongs to a dependency of axum.
fn end_of(error: &axum::Error) -> End {
    let text = error.to_string();
    if text.contains("protocol error") && !text.contains("reset") {
        Close::BROKEN.into()
    } else if text.contains("too long") || text.contains("too big") {
        Close::TOO_BIG.into()
    } else if text.contains("UTF-8") {
        Close::NO_TEXT.into()
    } else {
        End::Lost
    }
}
