//! Server-sent events in the distinct-connections mode of the graphql-sse protocol.

use async_graphql::Response;

use crate::http::reply::{Body, json};

pub const CONTENT_TYPE: &str = "text/event-stream; charset=utf-8";

/// A comment, which clients ignore. It flushes the headers and keeps the connection open.
pub const HEARTBEAT: &str = ":\n\n";

/// Browsers dispatch an event only with a data field.
pub const COMPLETE: &str = "event: complete\ndata:\n\n";

pub fn next(response: &Response) -> String {
    format!("event: next\ndata: {}\n\n", json(&Body(response)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_an_event_in_one_line() {
        let response = Response::new("a\nb\r\u{2028}");
        assert_eq!(
            next(&response),
            "event: next\ndata: {\"data\":\"a\\nb\\r\u{2028}\"}\n\n"
        );
    }
}
