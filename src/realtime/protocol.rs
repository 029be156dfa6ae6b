//! The messages of graphql-transport-ws.

use async_graphql::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::http::params::{self, Asked};
use crate::http::refusal::{Kind, Refusal};
use crate::http::reply::Body;

/// The subprotocol's name.
pub const NAME: &str = "graphql-transport-ws";

const MAX_ID_BYTES: usize = 128;

/// Why a socket is closed: the code is for programs, the reason for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close {
    /// The code.
    pub code: u16,
    /// The reason, short enough for a close frame.
    pub reason: &'static str,
}

impl Close {
    pub const GONE: Self = Self::new(1001, "no pong came back");
    pub const TOO_BIG: Self = Self::new(1009, "the message is too long");
    pub const RESTART: Self = Self::new(1012, "the server restarts: connect again");
    pub const MALFORMED: Self =
        Self::new(4400, "the message makes no sense in graphql-transport-ws");
    pub const BINARY: Self = Self::new(4400, "messages are text");
    pub const NOT_ACKNOWLEDGED: Self = Self::new(
        4401,
        "send connection_init first, and wait for connection_ack",
    );
    pub const BAD_TOKEN: Self = Self::new(4403, "the bearer token is not valid: get a new one");
    pub const EXPIRED: Self = Self::new(4403, "the bearer token has expired: get a new one");
    pub const NO_INIT: Self = Self::new(4408, "connection_init did not come in time");
    pub const IN_USE: Self = Self::new(4409, "an operation with this id is running");
    pub const SECOND_INIT: Self = Self::new(4429, "connection_init came twice");

    const fn new(code: u16, reason: &'static str) -> Self {
        Self { code, reason }
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
}

#[derive(Deserialize)]
struct Raw {
    #[serde(rename = "type")]
    kind: String,
    id: Option<String>,
    payload: Option<Value>,
}

impl ClientMessage {
    /// Reads a message.
    pub fn parse(text: &str) -> Result<Self, Close> {
        params::check_size(text).map_err(|_| Close::TOO_BIG)?;
        let raw: Raw = serde_json::from_str(text).map_err(|_| Close::MALFORMED)?;
        let id = raw
            .id
            .filter(|id| !id.is_empty() && id.len() <= MAX_ID_BYTES);
        match (raw.kind.as_str(), id, raw.payload) {
            ("connection_init", _, None) => Ok(Self::Init(None)),
            ("connection_init", _, Some(Value::Object(payload))) => {
                authorization(payload).map(Self::Init)
            }
            ("ping", _, payload @ (None | Some(Value::Object(_)))) => Ok(Self::Ping(payload)),
            ("pong", _, None | Some(Value::Object(_))) => Ok(Self::Pong),
            ("complete", Some(id), None) => Ok(Self::Complete { id }),
            ("subscribe", Some(id), Some(payload)) => match params::from_json(payload) {
                Err(refusal) if refusal.kind == Kind::Malformed => Err(Close::MALFORMED),
                request => Ok(Self::Subscribe {
                    id,
                    request: request.map(Box::new),
                }),
            },
            _ => Err(Close::MALFORMED),
        }
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

/// What we say.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage<'a> {
    /// We know who it is.
    ConnectionAck,
    /// We are there.
    Pong {
        /// What it asked with.
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<Value>,
    },
    /// Something came of an operation.
    Next {
        /// The client's name for it.
        id: &'a str,
        /// What.
        payload: Body<'a>,
    },
    /// An operation was not executed, or broke down.
    Error {
        /// The client's name for it.
        id: &'a str,
        /// Why.
        payload: &'a [async_graphql::ServerError],
    },
    /// Nothing more comes of an operation.
    Complete {
        /// The client's name for it.
        id: &'a str,
    },
}

impl<'a> ServerMessage<'a> {
    /// Tells a response.
    pub fn next(id: &'a str, response: &'a Response) -> Self {
        Self::Next {
            id,
            payload: Body(response),
        }
    }

    /// Tells why there is none.
    pub fn error(id: &'a str, response: &'a Response) -> Self {
        Self::Error {
            id,
            payload: &response.errors,
        }
    }

    /// The message as it is sent.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|error| {
            tracing::error!(%error, "Can't write a message: {error}");
            r#"{"type":"ping"}"#.to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read() {
        for (text, bearer) in [
            (r#"{"type":"connection_init"}"#, None),
            (r#"{"type":"connection_init","payload":null}"#, None),
            (
                r#"{"type":"connection_init","payload":{"Authorization":null}}"#,
                None,
            ),
            (
                r#"{"type":"connection_init","payload":{"Authorization":"Bearer x","a":1}}"#,
                Some("Bearer x"),
            ),
            (
                r#"{"type":"connection_init","payload":{"authorization":"Bearer y"}}"#,
                Some("Bearer y"),
            ),
        ] {
            match ClientMessage::parse(text) {
                Ok(ClientMessage::Init(read)) => assert_eq!(read.as_deref(), bearer, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        let subscribe =
            r#"{"type":"subscribe","id":"1","payload":{"query":"{a}","variables":null}}"#;
        assert!(matches!(
            ClientMessage::parse(subscribe),
            Ok(ClientMessage::Subscribe { id, request: Ok(_) }) if id == "1"
        ));
        assert!(matches!(
            ClientMessage::parse(r#"{"type":"pong"}"#),
            Ok(ClientMessage::Pong)
        ));
        assert!(matches!(
            ClientMessage::parse(r#"{"type":"complete","id":"1"}"#),
            Ok(ClientMessage::Complete { .. })
        ));
    }

    #[test]
    fn what_is_no_message_closes_the_socket() {
        let long = format!(r#"{{"type":"complete","id":"{}"}}"#, "x".repeat(129));
        for text in [
            "",
            "{",
            "[]",
            "7",
            "{}",
            r#"{"type":7}"#,
            r#"{"type":"start","id":"1"}"#,
            r#"{"type":"connection_init","payload":[]}"#,
            r#"{"type":"subscribe","payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":"","payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":7,"payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":"1"}"#,
            r#"{"type":"subscribe","id":"1","payload":{}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{a}","variables":[]}}"#,
            r#"{"type":"complete"}"#,
            r#"{"type":"ping","payload":"x"}"#,
            &long,
        ] {
            assert_eq!(
                ClientMessage::parse(text).map(drop),
                Err(Close::MALFORMED),
                "{text}"
            );
        }
        let odd = r#"{"type":"connection_init","payload":{"Authorization":7}}"#;
        assert_eq!(ClientMessage::parse(odd).map(drop), Err(Close::BAD_TOKEN));
    }

    #[test]
    fn messages_are_written() {
        assert_eq!(
            ServerMessage::ConnectionAck.to_text(),
            r#"{"type":"connection_ack"}"#
        );
        assert_eq!(
            ServerMessage::Pong { payload: None }.to_text(),
            r#"{"type":"pong"}"#
        );
        let response = Response::new(true);
        assert_eq!(
            ServerMessage::next("1", &response).to_text(),
            r#"{"type":"next","id":"1","payload":{"data":true}}"#
        );
        assert_eq!(
            ServerMessage::Complete { id: "1" }.to_text(),
            r#"{"type":"complete","id":"1"}"#
        );
    }
}
