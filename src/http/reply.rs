//! Writes answers: body, media type and status.

use async_graphql::{Response as GraphqlResponse, Value};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::access::Principal;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::negotiate::Media;
use super::refusal::{Kind, Refusal};

/// A finished response as clients read it: without `data`, if nothing was executed.
#[derive(Debug)]
pub struct Body<'a>(pub &'a GraphqlResponse);

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let response = self.0;
        let mut map = serializer.serialize_map(None)?;
        if !response.errors.is_empty() {
            map.serialize_entry("errors", &response.errors)?;
        }
        if !is_request_error(response) {
            map.serialize_entry("data", &response.data)?;
        }
        if !response.extensions.is_empty() {
            map.serialize_entry("extensions", &response.extensions)?;
        }
        map.end()
    }
}

/// Whether nothing was executed: there are errors, no data, and none of the errors happened at a field.
#[must_use]
pub fn is_request_error(response: &GraphqlResponse) -> bool {
    response.data == Value::Null
        && !response.errors.is_empty()
        && response.errors.iter().all(|error| error.path.is_empty())
}

/// Writes what came of a request that was understood.
#[must_use]
pub fn answer(response: &GraphqlResponse, media: Media, principal: &Principal) -> Response {
    let status = match media {
        Media::GraphqlResponse if is_request_error(response) => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    };
    let mut answer = write(response, media, status);
    if *principal != Principal::Anonymous {
        answer.headers_mut().insert(
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, no-store"),
        );
    }
    answer
}

/// Writes why a request wasn't executed.
#[must_use]
pub fn refuse(refusal: Refusal, media: Media, request_id: &str) -> Response {
    let status = match (refusal.kind, media) {
        (Kind::Http(status), _) => status,
        (Kind::Malformed, Media::GraphqlResponse | Media::JsonByDefault)
        | (Kind::Request, Media::GraphqlResponse) => StatusCode::BAD_REQUEST,
        (Kind::Malformed, Media::Json) | (Kind::Request, Media::Json | Media::JsonByDefault) => {
            StatusCode::OK
        }
    };
    let mut answer = write(&refusal.into_response(request_id), media, status);
    let (name, value) = match status {
        StatusCode::METHOD_NOT_ALLOWED => (header::ALLOW, "POST"),
        StatusCode::UNAUTHORIZED => (header::WWW_AUTHENTICATE, "Bearer"),
        _ => return answer,
    };
    answer
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
    answer
}

fn write(response: &GraphqlResponse, media: Media, status: StatusCode) -> Response {
    let headers = [
        (header::CONTENT_TYPE, media.content_type()),
        (header::VARY, "accept, authorization"),
    ];
    match serde_json::to_vec(&Body(response)) {
        Ok(body) => (status, headers, body).into_response(),
        Err(error) => {
            tracing::error!(%error, "Can't write a response: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
