//! Answers: body, media type, status and caching.

use async_graphql::{Response as GraphqlResponse, Value};
use async_graphql_axum::GraphQLResponse;
use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::ser::{Serialize, SerializeMap, Serializer};
use sha2::{Digest, Sha256};

use super::negotiate::Media;
use super::refusal::{Kind, Refusal};

/// A response as the specification requires it: without `data` if nothing was executed.
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

/// Whether nothing was executed: there are errors, no data, and no error has a path.
#[must_use]
pub fn is_request_error(response: &GraphqlResponse) -> bool {
    response.data == Value::Null
        && !response.errors.is_empty()
        && response.errors.iter().all(|error| error.path.is_empty())
}

/// The answer to a request that was executed or failed validation. Answers for one caller and errors must not be cached.
#[must_use]
pub fn answer(response: GraphqlResponse, media: Media, is_public: bool) -> Response {
    let status = match media {
        Media::GraphqlResponse | Media::GraphqlResponseOrJson if is_request_error(&response) => {
            StatusCode::BAD_REQUEST
        }
        _ => StatusCode::OK,
    };
    let is_cacheable = is_public && response.is_ok();
    let mut answer = write(response, media, status);
    if !is_cacheable {
        answer
            .headers_mut()
            .insert(header::CACHE_CONTROL, NOT_CACHEABLE);
    }
    answer
}

/// The answer to a public query, for caches that revalidate it.
#[must_use]
pub fn answer_public(response: GraphqlResponse, media: Media, request: &HeaderMap) -> Response {
    let Ok(body) = serde_json::to_vec(&Body(&response)) else {
        return write(response, media, StatusCode::OK);
    };
    let tag = entity_tag(&body);
    let headers = [
        (header::CACHE_CONTROL, "public, no-cache"),
        (header::VARY, VARY),
    ];
    if is_known(request, &tag) {
        return (StatusCode::NOT_MODIFIED, headers, [(header::ETAG, tag)]).into_response();
    }
    let kind = [(header::CONTENT_TYPE, media.content_type())];
    (headers, kind, [(header::ETAG, tag)], body).into_response()
}

/// The entity tag of a body. It is weak, because the body may be compressed later.
#[must_use]
pub fn entity_tag(body: &[u8]) -> String {
    format!("W/\"{}\"", URL_SAFE_NO_PAD.encode(Sha256::digest(body)))
}

/// Whether the client has the current version.
#[must_use]
pub fn is_known(request: &HeaderMap, tag: &str) -> bool {
    let weak = tag.trim_start_matches("W/");
    request
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|known| known.trim().trim_start_matches("W/"))
        .any(|known| known == weak || known == "*")
}

/// Request headers that an answer depends on.
const VARY: &str = "accept, authorization";

/// Forbids caching.
const NOT_CACHEABLE: HeaderValue = HeaderValue::from_static("private, no-store");

/// The answer to a refused request. It must not be cached: a document unknown by its hash is sent with the next request.
#[must_use]
pub fn refuse(refusal: Refusal, media: Media, request_id: &str) -> Response {
    let media = match (refusal.kind, media) {
        (Kind::DocumentNeeded, Media::GraphqlResponseOrJson) => Media::Json,
        _ => media,
    };
    let status = match (refusal.kind, media) {
        (Kind::Http(status), _) => status,
        (Kind::Malformed, _) => StatusCode::BAD_REQUEST,
        (_, Media::Json) => StatusCode::OK,
        (Kind::TimedOut, _) => StatusCode::GATEWAY_TIMEOUT,
        (Kind::Request | Kind::DocumentNeeded, _) => StatusCode::BAD_REQUEST,
    };
    let retry_after = refusal.retry_after_seconds;
    let mut answer = write(refusal.into_response(request_id), media, status);
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, NOT_CACHEABLE);
    if let Some(seconds) = retry_after {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    let (name, value) = match status {
        StatusCode::METHOD_NOT_ALLOWED => (header::ALLOW, "POST"),
        StatusCode::UNAUTHORIZED => (header::WWW_AUTHENTICATE, "Bearer"),
        _ => return answer,
    };
    headers.insert(name, HeaderValue::from_static(value));
    answer
}

fn write(response: GraphqlResponse, media: Media, status: StatusCode) -> Response {
    // The library writes `data` for request errors, too.
    let mut answer = if is_request_error(&response) {
        Json(Body(&response)).into_response()
    } else {
        GraphQLResponse::from(response).into_response()
    };
    *answer.status_mut() = status;
    let headers = [
        (header::CONTENT_TYPE, media.content_type()),
        (header::VARY, VARY),
    ];
    (headers, answer).into_response()
}

/// Serializes a message of a stream or a socket.
pub fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| {
        tracing::error!(%error, "A response can't be serialized: {error}");
        r#"{"errors":[{"message":"the response can't be serialized"}]}"#.to_owned()
    })
}
