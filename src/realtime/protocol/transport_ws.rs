//! graphql-transport-ws, the subprotocol of the package graphql-ws.

use serde_json::Value;

use super::{ClientMessage, Close, NOTHING, Raw, ServerMessage, init, line, subscribe};
use crate::http::reply::Body;

pub fn parse(raw: Raw) -> Result<ClientMessage, Close> {
    match (raw.kind.as_str(), raw.id, raw.payload) {
        ("connection_init", _, payload) => init(payload),
        ("ping", _, payload @ (None | Some(Value::Object(_)))) => Ok(ClientMessage::Ping(payload)),
        ("pong", _, None | Some(Value::Object(_))) => Ok(ClientMessage::Pong),
        ("complete", Some(id), _) => Ok(ClientMessage::Complete { id }),
        ("subscribe", Some(id), Some(payload)) => subscribe(id, payload),
        _ => Err(Close::MALFORMED),
    }
}

pub fn write(message: &ServerMessage<'_>) -> Option<String> {
    Some(match message {
        ServerMessage::Ack => line("connection_ack", None, NOTHING),
        ServerMessage::Pong(payload) => line("pong", None, payload.as_ref()),
        ServerMessage::Next(id, response) => line("next", Some(id), Some(Body(response))),
        ServerMessage::Error(id, errors) => line("error", Some(id), Some(errors)),
        ServerMessage::Complete(id) => line("complete", Some(id), NOTHING),
        // This subprotocol uses WebSocket pings and close frames, and doesn't confirm a client's `complete`.
        ServerMessage::KeepAlive | ServerMessage::Stopped(_) | ServerMessage::Closing(_) => {
            return None;
        }
    })
}

#[cfg(test)]
mod tests {
    use async_graphql::Response;

    use super::super::Subprotocol;
    use super::*;

    fn parse(text: &str) -> Result<ClientMessage, Close> {
        Subprotocol::TransportWs.parse(text)
    }

    #[test]
    fn parses_messages() {
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
            (
                r#"{"type":"connection_init","payload":{"headers":{"AUTHORIZATION":"Bearer z"}}}"#,
                Some("Bearer z"),
            ),
            (
                r#"{"type":"connection_init","payload":{"Headers":{"authorization":"Bearer z"},"authorization":"Bearer y"}}"#,
                Some("Bearer y"),
            ),
            (
                r#"{"type":"connection_init","payload":{"headers":{"authorization":"Bearer z"},"authorization":""}}"#,
                Some("Bearer z"),
            ),
            (
                r#"{"type":"connection_init","payload":{"headers":["Bearer z"]}}"#,
                None,
            ),
        ] {
            match parse(text) {
                Ok(ClientMessage::Init(parsed)) => assert_eq!(parsed.as_deref(), bearer, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        let subscribe =
            r#"{"type":"subscribe","id":"1","payload":{"query":"{a}","variables":null}}"#;
        assert!(matches!(
            parse(subscribe),
            Ok(ClientMessage::Subscribe { id, params: Ok(_) }) if id == "1"
        ));
        assert!(matches!(
            parse(r#"{"type":"pong"}"#),
            Ok(ClientMessage::Pong)
        ));
        assert!(matches!(
            parse(r#"{"type":"complete","id":"1"}"#),
            Ok(ClientMessage::Complete { .. })
        ));
    }

    #[test]
    fn refuses_operations_alone() {
        let subscribe = |id: &str, query: &str| {
            let text =
                format!(r#"{{"type":"subscribe","id":"{id}","payload":{{"query":"{query}"}}}}"#);
            match parse(&text) {
                Ok(ClientMessage::Subscribe { params, .. }) => params.map(drop).map_err(|_| ()),
                other => panic!("{text}: {other:?}"),
            }
        };
        assert_eq!(subscribe(&"x".repeat(1_024), "{a}"), Ok(()));
        assert_eq!(subscribe(&"x".repeat(1_025), "{a}"), Err(()));
        assert_eq!(subscribe("1", ""), Err(()));
    }

    #[test]
    fn closes_the_socket_on_invalid_messages() {
        for text in [
            "",
            "{",
            "[]",
            "7",
            "{}",
            r#"{"type":7}"#,
            r#"{"type":"start","id":"1","payload":{"query":"{a}"}}"#,
            r#"{"type":"connection_init","payload":[]}"#,
            r#"{"type":"subscribe","payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":"","payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":7,"payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":"1"}"#,
            r#"{"type":"subscribe","id":"1","payload":{}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{a}","variables":[]}}"#,
            r#"{"type":"complete"}"#,
            r#"{"type":"ping","payload":"x"}"#,
            r#"{"type":"connection_init","payload":{"Authorization":"Bearer x","authorization":"Bearer y"}}"#,
            r#"{"type":"connection_init","payload":{"headers":{"Authorization":"Bearer x","AUTHORIZATION":null}}}"#,
        ] {
            assert_eq!(parse(text).map(drop), Err(Close::MALFORMED), "{text}");
        }
        for odd in [
            r#"{"type":"connection_init","payload":{"Authorization":7}}"#,
            r#"{"type":"connection_init","payload":{"headers":{"Authorization":7}}}"#,
        ] {
            assert_eq!(parse(odd).map(drop), Err(Close::BAD_TOKEN), "{odd}");
        }
    }

    #[test]
    fn writes_messages() {
        let response = Response::new(true);
        for (message, text) in [
            (ServerMessage::Ack, r#"{"type":"connection_ack"}"#),
            (ServerMessage::Pong(None), r#"{"type":"pong"}"#),
            (
                ServerMessage::Next("1", &response),
                r#"{"type":"next","id":"1","payload":{"data":true}}"#,
            ),
            (
                ServerMessage::Error("1", &[]),
                r#"{"type":"error","id":"1","payload":[]}"#,
            ),
            (
                ServerMessage::Complete("1"),
                r#"{"type":"complete","id":"1"}"#,
            ),
        ] {
            assert_eq!(write(&message).as_deref(), Some(text));
        }
        assert_eq!(write(&ServerMessage::KeepAlive), None);
        assert_eq!(write(&ServerMessage::Closing(Close::EXPIRED)), None);
    }
}
