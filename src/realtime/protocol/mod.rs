//! What is said over a socket: one meaning, in two dialects.
//!
//! [`ClientMessage`] and [`ServerMessage`] are what client and server mean. `transport_ws` and `legacy` read and write
//! them in graphql-transport-ws and in the older graphql-ws.

mod legacy;
mod transport_ws;

use async_graphql::{Response, ServerError};
use axum::http::HeaderValue;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::http::params::{self, Asked};
use crate::http::refusal::{Kind, Refusal};

const MAX_ID_BYTES: usize = 128;

/// Why a socket is closed: the code is for programs, the reason for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close {
    /// The code.
    pub code: u16,
    /// What it is counted as.
    pub name: &'static str,
    /// The reason, short enough for a close frame.
    pub reason: &'static str,
}

impl Close {
    pub const TERMINATED: Self = Self::new(1000, "by client", "goodbye");
    pub const GONE: Self = Self::new(1001, "no pong", "no pong came back");
    pub const TOO_BIG: Self = Self::new(1009, "too big", "the message is too long");
    pub const RESTART: Self = Self::new(1012, "restart", "the server restarts: connect again");
    pub const TOO_SLOW: Self = Self::new(1013, "too slow", "too slow: reconnect and query");
    pub const TOO_MANY: Self = Self::new(
        1013,
        "too many",
        "too many sockets of this caller: close some, or use one for several operations",
    );
    pub const MALFORMED: Self = Self::new(
        4400,
        "malformed",
        "the message makes no sense in this subprotocol",
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

    /// Whether the client has done something wrong, about which it wants more than a close frame in the old dialect.
    fn is_refusal(self) -> bool {
        self.code >= 4000 || self == Self::TOO_MANY
    }
}

/// What a client says.
#[derive(Debug)]
pub enum ClientMessage {
    /// Who it is: the value of an `Authorization` header, if it sent one.
    Init(Option<String>),
    /// Whether we are there.
    Ping(Option<Value>),
    /// That it is there.
    Pong,
    /// What it wants executed.
    Subscribe {
        /// Its name for it.
        id: String,
        /// What it is, or why it can't be.
        request: Result<Box<Asked>, Refusal>,
    },
    /// What it doesn't want any more.
    Complete {
        /// Its name for it.
        id: String,
    },
    /// That it leaves.
    Terminate,
}

/// What we say.
#[derive(Debug)]
pub enum ServerMessage<'a> {
    /// We know who it is.
    Ack,
    /// We are there, as it asked.
    Pong(Option<Value>),
    /// We are there, although it didn't ask.
    KeepAlive,
    /// Something came of an operation.
    Next(&'a str, &'a Response),
    /// An operation was not executed, or broke down.
    Error(&'a str, &'a [ServerError]),
    /// Nothing more comes of an operation.
    Complete(&'a str),
    /// An operation was stopped as it wished.
    Stopped(&'a str),
    /// The socket is about to be closed.
    Farewell(Close),
}

/// How both say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// graphql-transport-ws, of the package graphql-ws.
    TransportWs,
    /// graphql-ws, of the package subscriptions-transport-ws.
    Legacy,
}

impl Dialect {
    /// The subprotocols' names, the better one first.
    pub const NAMES: [&'static str; 2] = [transport_ws::NAME, legacy::NAME];

    /// The dialect of a subprotocol.
    pub fn of(protocol: &HeaderValue) -> Option<Self> {
        match protocol.to_str().ok()? {
            transport_ws::NAME => Some(Self::TransportWs),
            legacy::NAME => Some(Self::Legacy),
            _ => None,
        }
    }

    /// Reads a message.
    pub fn read(self, text: &str) -> Result<ClientMessage, Close> {
        params::check_size(text).map_err(|_| Close::TOO_BIG)?;
        let mut raw: Raw = serde_json::from_str(text).map_err(|_| Close::MALFORMED)?;
        raw.id = raw
            .id
            .filter(|id| !id.is_empty() && id.len() <= MAX_ID_BYTES);
        match self {
            Self::TransportWs => transport_ws::read(raw),
            Self::Legacy => legacy::read(raw),
        }
    }

    /// Writes a message; none, if this dialect has no word for it.
    pub fn write(self, message: &ServerMessage<'_>) -> Option<String> {
        match self {
            Self::TransportWs => transport_ws::write(message),
            Self::Legacy => legacy::write(message),
        }
    }

    /// Whether an operation takes the place of a running one with the same id.
    pub fn replaces(self) -> bool {
        self == Self::Legacy
    }
}

/// A client's message before anybody knows what it means.
#[derive(Deserialize)]
struct Raw {
    #[serde(rename = "type")]
    kind: String,
    id: Option<String>,
    payload: Option<Value>,
}

/// The token in what a client says of itself.
fn init(payload: Option<Value>) -> Result<ClientMessage, Close> {
    match payload {
        None => Ok(ClientMessage::Init(None)),
        Some(Value::Object(payload)) => authorization(payload).map(ClientMessage::Init),
        Some(_) => Err(Close::MALFORMED),
    }
}

/// The token, under whichever case its name has; `null` is what clients send that have none.
fn authorization(payload: Map<String, Value>) -> Result<Option<String>, Close> {
    let value = payload
        .into_iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    match value {
        None | Some((_, Value::Null)) => Ok(None),
        Some((_, Value::String(bearer))) => Ok(Some(bearer)),
        Some(_) => Err(Close::BAD_TOKEN),
    }
}

/// An operation to start.
fn subscribe(id: String, payload: Value) -> Result<ClientMessage, Close> {
    match params::from_json(payload) {
        Err(refusal) if refusal.kind == Kind::Malformed => Err(Close::MALFORMED),
        request => Ok(ClientMessage::Subscribe {
            id,
            request: request.map(Box::new),
        }),
    }
}

/// A server's message.
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
        tracing::error!(%error, "Can't write a message: {error}");
        format!(r#"{{"type":"{kind}"}}"#)
    })
}
