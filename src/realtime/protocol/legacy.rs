//! graphql-ws, the older subprotocol of the package subscriptions-transport-ws, long the default of Apollo's clients for
//! Kotlin and iOS.

use serde_json::{Value, json};

use super::{ClientMessage, Close, NOTHING, Raw, ServerMessage, init, line, subscribe};
use crate::http::reply::Body;

pub fn parse(raw: Raw) -> Result<ClientMessage, Close> {
    match (raw.kind.as_str(), raw.id, raw.payload) {
        ("connection_init", _, payload) => init(payload),
        ("connection_terminate", ..) => Ok(ClientMessage::Terminate),
        ("start", Some(id), Some(payload)) => subscribe(id, payload),
        ("stop", Some(id), _) => Ok(ClientMessage::Complete { id }),
        _ => Err(Close::MALFORMED),
    }
}

pub fn write(message: &ServerMessage<'_>) -> Option<String> {
    Some(match message {
        ServerMessage::Ack => line("connection_ack", None, NOTHING),
        ServerMessage::KeepAlive => line("ka", None, NOTHING),
        ServerMessage::Next(id, response) => line("data", Some(id), Some(Body(response))),
        // Clients expect one error; those for Kotlin accept only an object.
        ServerMessage::Error(id, errors) => line("error", Some(id), errors.first()),
        ServerMessage::Complete(id) | ServerMessage::Stopped(id) => {
            line("complete", Some(id), NOTHING)
        }
        ServerMessage::Closing(close) if close.is_client_error() => {
            line("connection_error", None, Some(refusal(*close)))
        }
        ServerMessage::Pong(_) | ServerMessage::Closing(_) => return None,
    })
}

fn refusal(close: Close) -> Value {
    json!({"message": close.reason, "extensions": {"closeCode": close.code}})
}

#[cfg(test)]
mod tests {
    use async_graphql::{Response, ServerError};

    use super::super::Subprotocol;
    use super::*;

    fn parse(text: &str) -> Result<ClientMessage, Close> {
        Subprotocol::Legacy.parse(text)
    }

    #[test]
    fn parses_messages() {
        let init =
            parse(r#"{"type":"connection_init","payload":{"authorization":"Bearer x","b":1}}"#);
        assert!(
            matches!(init, Ok(ClientMessage::Init(Some(bearer))) if bearer == "Bearer x"),
            "a token"
        );
        let start = r#"{"type":"start","id":"1","payload":{"query":"{a}","operationName":null}}"#;
        assert!(matches!(
            parse(start),
            Ok(ClientMessage::Subscribe { id, params: Ok(_) }) if id == "1"
        ));
        assert!(matches!(
            parse(r#"{"type":"stop","id":"1"}"#),
            Ok(ClientMessage::Complete { .. })
        ));
        assert!(matches!(
            parse(r#"{"type":"connection_terminate"}"#),
            Ok(ClientMessage::Terminate)
        ));
        for text in [
            "x",
            "{}",
            r#"{"type":"subscribe","id":"1","payload":{"query":"{a}"}}"#,
            r#"{"type":"ping"}"#,
            r#"{"type":"start","id":"1"}"#,
            r#"{"type":"start","payload":{"query":"{a}"}}"#,
            r#"{"type":"stop"}"#,
            r#"{"type":"connection_init","payload":7}"#,
        ] {
            assert_eq!(parse(text).map(drop), Err(Close::MALFORMED), "{text}");
        }
    }

    #[test]
    fn writes_messages() {
        let response = Response::new(true);
        let errors = [ServerError::new("no", None)];
        for (message, text) in [
            (ServerMessage::Ack, r#"{"type":"connection_ack"}"#),
            (ServerMessage::KeepAlive, r#"{"type":"ka"}"#),
            (
                ServerMessage::Next("1", &response),
                r#"{"type":"data","id":"1","payload":{"data":true}}"#,
            ),
            (
                ServerMessage::Error("1", &errors),
                r#"{"type":"error","id":"1","payload":{"message":"no"}}"#,
            ),
            (
                ServerMessage::Stopped("1"),
                r#"{"type":"complete","id":"1"}"#,
            ),
            (
                ServerMessage::Closing(Close::NO_INIT),
                r#"{"type":"connection_error","payload":{"extensions":{"closeCode":4408},"message":"connection_init did not come in time"}}"#,
            ),
        ] {
            assert_eq!(write(&message).as_deref(), Some(text));
        }
        assert_eq!(write(&ServerMessage::Closing(Close::RESTART)), None);
        assert_eq!(write(&ServerMessage::Pong(None)), None);
    }
}
