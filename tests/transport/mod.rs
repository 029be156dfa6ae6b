//! HTTP and WebSocket transports.

mod answers;
mod auth;
mod connections;
mod disconnect;
mod documents;
mod draining;
mod files;
mod framing;
mod graphiql;
mod health;
mod hostile;
mod http;
mod idle;
mod invites;
mod limits;
mod origins;
mod persisted;
mod refusals;
mod server;
mod sockets;
mod statements;
mod streams;

use reqwest::header::HeaderMap;
use reqwest::{Body, RequestBuilder};
use serde_json::Value;

use crate::support::TestApp;

/// Media type whose status tells whether the request was valid.
const GRAPHQL: &str = "application/graphql-response+json";

/// Any response.
struct Reply {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Reply {
    async fn to(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
        }
    }

    /// All values of a header; empty without one.
    fn header(&self, name: &str) -> String {
        let values = self.headers.get_all(name).iter();
        let values: Vec<_> = values.map(|value| value.to_str().unwrap()).collect();
        values.join(", ")
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    /// Code of the only error; the answer must have no data.
    fn refusal(&self) -> String {
        let body = self.json();
        assert!(body.get("data").is_none(), "{body}");
        let errors = body["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{body}");
        let error = &errors[0];
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{body}"
        );
        assert_eq!(
            error["extensions"]["requestId"].as_str(),
            Some(self.header("x-request-id").as_str()),
            "{body}"
        );
        error["extensions"]["code"].as_str().unwrap().to_owned()
    }
}

/// Sends a GET.
fn get(app: &TestApp, path: &str) -> RequestBuilder {
    reqwest::Client::new().get(app.url(path))
}

/// Sends a POST with the media type of JSON to the endpoint.
fn post(app: &TestApp, body: impl Into<Body>) -> RequestBuilder {
    reqwest::Client::new()
        .post(app.url("/graphql"))
        .header("content-type", "application/json")
        .body(body)
}

/// Repeats a text.
fn times(count: u64, text: impl Fn(u64) -> String) -> String {
    (0..count).map(text).collect::<Vec<_>>().join(" ")
}
