//! Server-sent events, as the distinct-connections mode of the graphql-sse protocol has them.

use async_graphql::Response;

use super::stream::json;
use crate::http::reply::Body;

pub const CONTENT_TYPE: &str = "text/event-stream; charset=utf-8";

/// A comment, which clients leave out: it brings the head to them, and shows that somebody is there.
pub const BEAT: &str = ":\n\n";

/// With an empty field of data, without which browsers would not tell.
pub const COMPLETE: &str = "event: complete\ndata:\n\n";

pub fn next(response: &Response) -> String {
    format!("event: next\ndata: {}\n\n", json(&Body(response)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_whatever_is_in_it() {
        let response = Response::new("a\nb\r\u{2028}");
        assert_eq!(
            next(&response),
            "event: next\ndata: {\"data\":\"a\\nb\\r\u{2028}\"}\n\n"
        );
    }
}
