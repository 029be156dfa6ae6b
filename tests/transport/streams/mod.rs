//! Streams over HTTP: server-sent events and multipart.

mod multipart;
mod sse;

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use crate::support::{Actor, TestApp, in_time};

pub const FOLLOW: &str = "subscription { minerUpdated { __typename } }";

/// Sends an operation that accepts a stream.
pub fn ask(app: &TestApp, actor: &Actor, accept: &str, query: &str) -> RequestBuilder {
    let request = reqwest::Client::new()
        .post(app.url("/graphql"))
        .header("accept", accept)
        // Streams are not compressed even if the client accepts it, because compression would delay events.
        .header("accept-encoding", "gzip, br, zstd")
        .json(&json!({"query": query}));
    match actor.token() {
        Some(token) => request.bearer_auth(token),
        None => request,
    }
}

/// Response that is read in chunks.
pub struct Stream {
    pub response: Response,
    unread: String,
}

impl Stream {
    pub async fn open(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        Self {
            response,
            unread: String::new(),
        }
    }

    /// Waits for the text before the next delimiter; none at the end.
    pub async fn until(&mut self, delimiter: &str) -> Option<String> {
        loop {
            if let Some((before, rest)) = self.unread.split_once(delimiter) {
                let (before, rest) = (before.to_owned(), rest.to_owned());
                self.unread = rest;
                return Some(before);
            }
            let chunk = in_time("more of the stream", self.response.chunk()).await;
            let chunk = chunk.unwrap()?;
            self.unread.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    pub fn header(&self, name: &str) -> &str {
        let value = self.response.headers().get(name);
        value
            .map(|value| value.to_str().unwrap())
            .unwrap_or_default()
    }

    /// Reads the rest.
    pub async fn rest(mut self) -> String {
        while let Some(chunk) = self.response.chunk().await.unwrap() {
            self.unread.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        self.unread
    }
}

/// Code of the only error.
pub fn code(response: &Value) -> &str {
    response["errors"][0]["extensions"]["code"]
        .as_str()
        .unwrap_or_default()
}
