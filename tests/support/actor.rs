//! People and services that use the server.

use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::ids::UserId;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Socket;

/// A person or a service, with or without a token.
#[derive(Clone)]
pub struct Actor {
    address: SocketAddr,
    token: Option<String>,
    user_id: Option<UserId>,
    client: reqwest::Client,
}

/// A GraphQL response.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Value,
}

impl Actor {
    pub fn new(address: SocketAddr, token: Option<String>, user_id: Option<UserId>) -> Self {
        Self::of(reqwest::Client::new(), address, token, user_id)
    }

    /// An actor who shares a client with others.
    pub fn of(
        client: reqwest::Client,
        address: SocketAddr,
        token: Option<String>,
        user_id: Option<UserId>,
    ) -> Self {
        Self {
            address,
            token,
            user_id,
            client,
        }
    }

    /// The same actor at another instance.
    pub fn at(&self, address: SocketAddr) -> Self {
        Self {
            address,
            ..self.clone()
        }
    }

    /// The user's id.
    pub fn id(&self) -> UserId {
        self.user_id.expect("a user")
    }

    /// The global id of the user's viewer.
    pub fn viewer_id(&self) -> String {
        viewer_id(self.id().0)
    }

    /// The bearer token.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Sends an operation.
    pub async fn ask(&self, query: &str, variables: Value) -> Answer {
        self.send(query, variables, &[]).await
    }

    /// Sends an operation with headers.
    pub async fn send(&self, query: &str, variables: Value, headers: &[(&str, &str)]) -> Answer {
        self.try_send(query, variables, headers).await.unwrap()
    }

    /// Sends an operation with headers to a server that may go away.
    pub async fn try_send(
        &self,
        query: &str,
        variables: Value,
        headers: &[(&str, &str)],
    ) -> reqwest::Result<Answer> {
        let mut request = self
            .client
            .post(format!("http://{}/graphql", self.address))
            .header("accept", "application/graphql-response+json")
            .json(&json!({"query": query, "variables": variables}));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        Ok(Answer {
            status,
            body: response.json().await?,
        })
    }

    /// Sends an operation that must succeed; returns its data.
    pub async fn get(&self, query: &str, variables: Value) -> Value {
        self.ask(query, variables).await.data()
    }

    /// Opens a socket, signed in.
    pub async fn socket(&self) -> Socket {
        Socket::open(self.address, self.token.as_deref()).await
    }
}

/// The global id of a user's viewer.
pub fn viewer_id(user: Uuid) -> String {
    URL_SAFE_NO_PAD.encode(format!("Viewer:{}", user.simple()))
}

impl Answer {
    /// The data of a response without errors.
    #[track_caller]
    pub fn data(self) -> Value {
        assert!(self.body.get("errors").is_none(), "errors: {}", self.body);
        self.body["data"].clone()
    }

    /// The code of the first error; empty without one.
    pub fn code(&self) -> &str {
        self.body["errors"][0]["extensions"]["code"]
            .as_str()
            .unwrap_or_default()
    }

    /// The reason of the first error; empty without one.
    pub fn reason(&self) -> &str {
        self.body["errors"][0]["extensions"]["reason"]
            .as_str()
            .unwrap_or_default()
    }

    /// The codes of the user errors of the only root field, where there is no other error.
    pub fn refusals(&self) -> Vec<&str> {
        assert!(self.body.get("errors").is_none(), "errors: {}", self.body);
        let payload = self.body["data"]
            .as_object()
            .and_then(|data| data.values().next());
        let errors = payload.and_then(|payload| payload["userErrors"].as_array());
        errors
            .into_iter()
            .flatten()
            .filter_map(|error| error["code"].as_str())
            .collect()
    }
}
