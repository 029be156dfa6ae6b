//! Server-sent events in the distinct-connections mode of the graphql-sse protocol.

use async_graphql::Response;

use super::stream::Wire;
use crate::http::reply::{Body, json};

/// A comment, which clients ignore. It flushes the headers and keeps the connection open.
const HEARTBEAT: &str = ":\n\n";

pub const WIRE: Wire = Wire {
    name: "sse",
    content_type: "text/event-stream; charset=utf-8",
    opening: HEARTBEAT,
    heartbeat: HEARTBEAT,
    // Browsers dispatch an event only with a data field.
    complete: "event: complete\ndata:\n\n",
    next,
    transport_error: next,
};

fn next(response: &Response) -> String {
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
