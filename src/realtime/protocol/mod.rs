//! The messages of sockets, in two subprotocols.
//!
//! [`ClientMessage`] and [`ServerMessage`] are independent of the subprotocol. `transport_ws` and `legacy` parse and write
//! them for graphql-transport-ws and the older graphql-ws.

mod legacy;
mod transport_ws;

use async_graphql::http::WebSocketProtocols;
use async_graphql::{Response, ServerError};
use axum::http::HeaderValue;
use resolvers::errors::Code;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::http::params::{self, Params};
use crate::http::refusal::{Kind, Refusal};
use crate::http::unique_json;

/// Longer ids of operations are refused.
const MAX_ID_BYTES: usize = 1_024;

/// A close code with its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close {
    /// The code.
    pub code: u16,
    /// The label in metrics.
    pub name: &'static str,
    /// The reason, at most 123 bytes.
    pub reason: &'static str,
}

impl Close {
    pub const TERMINATED: Self = Self::new(1000, "by client", "goodbye");
    pub const GONE: Self = Self::new(1001, "no pong", "no pong came back");
    pub const BROKEN: Self = Self::new(
        1002,
        "protocol error",
        "the frame is not valid in the WebSocket protocol",
    );
    pub const NO_TEXT: Self = Self::new(1007, "not UTF-8", "the message is not UTF-8");
    pub const TOO_BIG: Self = Self::new(1009, "too big", "the message is too long");
    pub const RESTART: Self = Self::new(1012, "restart", super::shutdown::RESTART_MESSAGE);
    pub const TOO_SLOW: Self = Self::new(1013, "too slow", "too slow: reconnect and query");
    pub const TOO_MANY: Self = Self::new(
        1013,
        "too many",
        "too many sockets of this caller: close some, or use one for several operations",
    );
    pub const MALFORMED: Self = Self::new(
        4400,
        "malformed",
        "the message is not valid in this subprotocol",
    );
    pub const BINARY: Self = Self::new(4400, "binary", "messages are text");
    pub const NOT_ACKNOWLEDGED: Self = Self::new(
        4401,
        "not acknowledged",
        "send connection_init first, and wait for connection_ack",
    );
    pub const BAD_TOKEN: Self = Self::new(
        4403,
        "bad token",
        "the bearer token is not valid: get a new one",
    );
    pub const EXPIRED: Self = Self::new(
        4403,
        "expired",
        "the bearer token has expired: get a new one",
    );
    pub const NO_INIT: Self = Self::new(4408, "no init", "connection_init did not come in time");
    pub const IN_USE: Self = Self::new(4409, "id in use", "an operation with this id is running");
    pub const SECOND_INIT: Self = Self::new(4429, "second init", "connection_init came twice");

    const fn new(code: u16, name: &'static str, reason: &'static str) -> Self {
        Self { code, name, reason }
    }

    /// Whether the client caused the close. The older subprotocol sends a message about that before the close frame.
    fn is_client_error(self) -> bool {
        self.code >= 4000 || self == Self::TOO_MANY
    }
}

/// A message of a client.
#[derive(Debug)]
pub enum ClientMessage {
    /// Authentication: a token like the value of an `Authorization` header, if the payload has one.
    Init(Option<String>),
    /// A ping.
    Ping(Option<Value>),
    /// A pong.
    Pong,
    /// An operation to execute.
    Subscribe {
        /// The id of the operation.
        id: String,
        /// The parameters, or why they are refused.
        params: Result<Box<Params>, Refusal>,
    },
    /// An operation to stop.
    Complete {
        /// The id of the operation.
        id: String,
    },
    /// The end of the connection.
    Terminate,
}

/// A message of the server.
#[derive(Debug)]
pub enum ServerMessage<'a> {
    /// The authentication succeeded.
    Ack,
    /// The answer to a ping.
    Pong(Option<Value>),
    /// A heartbeat.
    KeepAlive,
    /// A result of an operation.
    Next(&'a str, &'a Response),
    /// An operation was refused or failed.
    Error(&'a str, &'a [ServerError]),
    /// An operation ended.
    Complete(&'a str),
    /// An operation was stopped by the client.
    Stopped(&'a str),
    /// The socket is about to be closed.
    Closing(Close),
}

/// A subprotocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subprotocol {
    /// graphql-transport-ws, of the package graphql-ws.
    TransportWs,
    /// graphql-ws, of the package subscriptions-transport-ws.
    Legacy,
}

impl Subprotocol {
    /// The subprotocol with this name.
    pub fn of(name: &HeaderValue) -> Option<Self> {
        match name.to_str().ok()?.parse().ok()? {
            WebSocketProtocols::GraphQLWS => Some(Self::TransportWs),
            WebSocketProtocols::SubscriptionsTransportWS => Some(Self::Legacy),
        }
    }

    /// Parses a message.
    pub fn parse(self, text: &str) -> Result<ClientMessage, Close> {
        params::check_size(text).map_err(|_| Close::TOO_BIG)?;
        let mut raw: Raw = serde_json::from_str(text).map_err(|_| Close::MALFORMED)?;
        raw.id = raw.id.filter(|id| !id.is_empty());
        match self {
            Self::TransportWs => transport_ws::parse(raw),
            Self::Legacy => legacy::parse(raw),
        }
    }

    /// Writes a message. Returns `None` if the subprotocol has no such message.
    pub fn write(self, message: &ServerMessage<'_>) -> Option<String> {
        match self {
            Self::TransportWs => transport_ws::write(message),
            Self::Legacy => legacy::write(message),
        }
    }

    /// Whether an operation replaces a running one with the same id.
    pub fn allows_replacing(self) -> bool {
        self == Self::Legacy
    }
}

/// A client's message before it is interpreted.
#[derive(Deserialize)]
struct Raw {
    #[serde(rename = "type")]
    kind: String,
    id: Option<String>,
    #[serde(default, deserialize_with = "unique_json::optional")]
    payload: Option<Value>,
}

/// Parses the payload of `connection_init`.
fn init(payload: Option<Value>) -> Result<ClientMessage, Close> {
    match payload {
        None => Ok(ClientMessage::Init(None)),
        Some(Value::Object(payload)) => authorization(payload).map(ClientMessage::Init),
        Some(_) => Err(Close::MALFORMED),
    }
}

/// The token of the payload, or else of its `headers`, where some clients put it.
fn authorization(mut payload: Map<String, Value>) -> Result<Option<String>, Close> {
    let headers = take(&mut payload, "headers")?;
    match (bearer(payload)?, headers) {
        (None, Some(Value::Object(headers))) => bearer(headers),
        (bearer, _) => Ok(bearer),
    }
}

/// The token of a map. Clients without a token may send `null` or an empty text.
fn bearer(mut map: Map<String, Value>) -> Result<Option<String>, Close> {
    match take(&mut map, "authorization")? {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(bearer)) => Ok(Some(bearer).filter(|bearer| !bearer.trim().is_empty())),
        Some(_) => Err(Close::BAD_TOKEN),
    }
}

/// Takes the entry with a case-insensitive name, which may be given once.
fn take(map: &mut Map<String, Value>, name: &str) -> Result<Option<Value>, Close> {
    let mut found = map.keys().filter(|key| key.eq_ignore_ascii_case(name));
    let (found, another) = (found.next().cloned(), found.next());
    if another.is_some() {
        return Err(Close::MALFORMED);
    }
    Ok(found.and_then(|name| map.remove(&name)))
}

/// Parses the payload of an operation. A message without the fields of the subprotocol closes the socket; an operation
/// that can't be executed is an error of its own.
fn subscribe(id: String, payload: Value) -> Result<ClientMessage, Close> {
    let is_empty = payload.get("query").and_then(Value::as_str) == Some("");
    if id.len() > MAX_ID_BYTES {
        let message = format!("the id of an operation has at most {MAX_ID_BYTES} bytes");
        return Ok(ClientMessage::Subscribe {
            id,
            params: Err(Refusal::request(Code::BadRequest, message)),
        });
    }
    match params::from_json(payload) {
        Err(refusal) if refusal.kind == Kind::Malformed && !is_empty => Err(Close::MALFORMED),
        params => Ok(ClientMessage::Subscribe {
            id,
            params: params.map(Box::new),
        }),
    }
}

/// The JSON of a server's message.
#[derive(Serialize)]
struct Line<'a, P> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<P>,
}

const NOTHING: Option<()> = None;

fn line<P: Serialize>(kind: &'static str, id: Option<&str>, payload: Option<P>) -> String {
    serde_json::to_string(&Line { kind, id, payload }).unwrap_or_else(|error| {
        tracing::error!(%error, "A message can't be serialized: {error}");
        format!(r#"{{"type":"{kind}"}}"#)
    })
}
