//! Parts of a `multipart/mixed` body, by Apollo's protocol for subscriptions over HTTP.
//!
//! Clients process a part when its closing delimiter has arrived. Each part is therefore written with the delimiter after
//! it.

use async_graphql::{Response, ServerError};
use serde::Serialize;

use super::stream::Wire;
use crate::http::reply::{Body, json};

/// The first delimiter, and a heartbeat.
const OPEN: &str = "\r\n--graphql\r\ncontent-type: application/json\r\n\r\n{}\r\n--graphql";

const HEARTBEAT: &str = "\r\ncontent-type: application/json\r\n\r\n{}\r\n--graphql";

const COMPLETE: &str = "--\r\n";

pub const WIRE: Wire = Wire {
    name: "multipart",
    content_type: "multipart/mixed;boundary=\"graphql\";subscriptionSpec=1.0",
    opening: OPEN,
    heartbeat: HEARTBEAT,
    complete: COMPLETE,
    next,
    transport_error,
};

#[derive(Serialize)]
struct Payload<'a> {
    payload: Option<Body<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ServerError],
}

fn next(response: &Response) -> String {
    part(&Payload {
        payload: Some(Body(response)),
        errors: &[],
    })
}

/// The error that ends the stream: one of the transport, not of the operation.
fn transport_error(response: &Response) -> String {
    part(&Payload {
        payload: None,
        errors: &response.errors,
    })
}

fn part(payload: &Payload<'_>) -> String {
    let json = json(payload);
    format!("\r\ncontent-type: application/json\r\n\r\n{json}\r\n--graphql")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_one_body() {
        let refused = Response::from_errors(vec![ServerError::new("no", None)]);
        let body = [
            OPEN,
            &next(&Response::new(1)),
            HEARTBEAT,
            &transport_error(&refused),
            COMPLETE,
        ]
        .concat();
        let parts: Vec<_> = body.split("\r\n--graphql").collect();
        let head = "\r\ncontent-type: application/json\r\n\r\n";
        assert_eq!(parts.len(), 6);
        assert_eq!((parts[0], parts[5]), ("", "--\r\n"));
        let contents: Vec<_> = parts[1..5]
            .iter()
            .map(|part| part.strip_prefix(head).expect("a head"))
            .collect();
        let fault = r#"{"payload":null,"errors":[{"message":"no"}]}"#;
        assert_eq!(contents, ["{}", r#"{"payload":{"data":1}}"#, "{}", fault]);
    }
}
