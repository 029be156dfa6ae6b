//! A WebSocket client, of graphql-transport-ws unless another subprotocol is named.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::in_time;

/// An open socket.
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Socket {
    /// Opens a socket without sending a message.
    pub async fn connect(address: SocketAddr, headers: &[(&'static str, &str)]) -> Self {
        Self::connect_as("graphql-transport-ws", address, headers).await
    }

    /// Opens a socket of a subprotocol.
    pub async fn connect_as(
        protocol: &str,
        address: SocketAddr,
        headers: &[(&'static str, &str)],
    ) -> Self {
        let mut request = format!("ws://{address}/graphql")
            .into_client_request()
            .unwrap();
        let protocol = protocol.parse().unwrap();
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocol);
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let (stream, _) = connect_async(request).await.unwrap();
        Self { stream }
    }

    /// Opens a socket and signs in.
    pub async fn open(address: SocketAddr, token: Option<&str>) -> Self {
        let mut socket = Self::connect(address, &[]).await;
        let payload = token.map(|token| json!({"Authorization": format!("Bearer {token}")}));
        socket
            .say(json!({"type": "connection_init", "payload": payload}))
            .await;
        assert_eq!(socket.hear().await["type"], "connection_ack");
        socket
    }

    /// Opens a socket of a server that may go away, and signs in; none when it does.
    pub async fn try_open(address: SocketAddr, token: Option<&str>) -> Option<Self> {
        let mut request = format!("ws://{address}/graphql")
            .into_client_request()
            .unwrap();
        let protocol = "graphql-transport-ws".parse().unwrap();
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocol);
        let (mut stream, _) = connect_async(request).await.ok()?;
        let payload = token.map(|token| json!({"Authorization": format!("Bearer {token}")}));
        let init = json!({"type": "connection_init", "payload": payload}).to_string();
        stream.send(Message::text(init)).await.ok()?;
        let ack = stream.next().await?.ok()?;
        ack.is_text().then_some(Self { stream })
    }

    /// Starts an operation on a server that may go away.
    pub async fn try_subscribe(&mut self, id: &str, query: &str) {
        let message = json!({"id": id, "type": "subscribe", "payload": {"query": query}});
        // A closed socket is noticed by the wait for its end.
        let _ = self.stream.send(Message::text(message.to_string())).await;
    }

    /// Waits for the close frame or for another end of the wait; returns the code.
    pub async fn close_code_unless(&mut self, ended: impl Future<Output = ()>) -> Option<u16> {
        let mut ended = std::pin::pin!(ended);
        loop {
            tokio::select! {
                () = &mut ended => return None,
                message = self.stream.next() => match message {
                    Some(Ok(Message::Close(frame))) => return Some(frame.map_or(0, |frame| frame.code.into())),
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return Some(1006),
                },
            }
        }
    }

    /// Sends a message.
    pub async fn say(&mut self, message: Value) {
        self.say_text(&message.to_string()).await;
    }

    /// Sends a message as it is.
    pub async fn say_text(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.unwrap();
    }

    /// Sends a binary message.
    pub async fn say_bytes(&mut self, bytes: &'static [u8]) {
        self.stream.send(Message::binary(bytes)).await.unwrap();
    }

    /// Starts an operation.
    pub async fn subscribe(&mut self, id: &str, query: &str) {
        self.say(json!({"id": id, "type": "subscribe", "payload": {"query": query}}))
            .await;
    }

    /// Waits for the next message.
    pub async fn hear(&mut self) -> Value {
        loop {
            match self.next().await {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("heard {other:?}"),
            }
        }
    }

    /// Waits for the next message; none, if the socket is closed.
    pub async fn try_hear(&mut self) -> Option<Value> {
        loop {
            match self.next().await {
                Message::Text(text) => return Some(serde_json::from_str(&text).unwrap()),
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    /// Waits for the next event of a subscription; returns its data.
    pub async fn event(&mut self, id: &str) -> Value {
        let message = self.hear().await;
        assert_eq!(
            (&message["type"], &message["id"]),
            (&json!("next"), &json!(id)),
            "{message}"
        );
        assert!(message["payload"].get("errors").is_none(), "{message}");
        message["payload"]["data"].clone()
    }

    /// Waits for an event of a subscription that meets a condition; earlier ones are skipped, a hundred at most.
    pub async fn event_when(&mut self, id: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..100 {
            let event = self.event(id).await;
            if is_so(&event) {
                return event;
            }
        }
        panic!("no such event of {id} among a hundred");
    }

    /// Waits for a refused operation; returns the code of its error.
    pub async fn error(&mut self) -> String {
        let message = self.hear().await;
        let errors = match message["type"].as_str() {
            Some("error") => &message["payload"],
            _ => &message["payload"]["errors"],
        };
        let code = errors[0]["extensions"]["code"].as_str();
        code.unwrap_or_else(|| panic!("no error: {message}"))
            .to_owned()
    }

    /// Waits until the server has read all that was sent. Operations may still run.
    pub async fn settle(&mut self) {
        self.say(json!({"type": "ping"})).await;
        assert_eq!(self.hear().await["type"], "pong");
    }

    /// Waits for the close frame; returns its code.
    pub async fn close_code(&mut self) -> u16 {
        self.close().await.0
    }

    /// Waits for the close frame; returns its code and its reason, and answers it.
    pub async fn close(&mut self) -> (u16, String) {
        loop {
            if let Message::Close(frame) = self.next().await {
                self.stream.flush().await.ok();
                let frame = frame.map(|frame| (frame.code.into(), frame.reason.to_string()));
                return frame.unwrap_or_default();
            }
        }
    }

    async fn next(&mut self) -> Message {
        in_time("a message", self.stream.next())
            .await
            .expect("an open socket")
            .unwrap()
    }
}
