//! Writes answers: body, media type and status.

use async_graphql::{Response as GraphqlResponse, Value};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::ser::{Serialize, SerializeMap, Serializer};
use sha2::{Digest, Sha256};

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

/// Writes what came of a request that was understood. What one caller sees is nobody else's, and a failure may be over
/// the next time.
#[must_use]
pub fn answer(response: &GraphqlResponse, media: Media, is_public: bool) -> Response {
    let status = match media {
        Media::GraphqlResponse | Media::GraphqlResponseOrJson if is_request_error(response) => {
            StatusCode::BAD_REQUEST
        }
        _ => StatusCode::OK,
    };
    let mut answer = write(response, media, status);
    if !is_public || response.is_err() {
        answer
            .headers_mut()
            .insert(header::CACHE_CONTROL, NOT_TO_KEEP);
    }
    answer
}

/// Writes what everybody would read, for caches to keep, who ask whether it still holds.
#[must_use]
pub fn answer_public(response: &GraphqlResponse, media: Media, asked: &HeaderMap) -> Response {
    let Ok(body) = serde_json::to_vec(&Body(response)) else {
        return write(response, media, StatusCode::OK);
    };
    let tag = entity_tag(&body);
    let headers = [
        (header::CACHE_CONTROL, "public, no-cache"),
        (header::VARY, VARY),
    ];
    if is_known(asked, &tag) {
        return (StatusCode::NOT_MODIFIED, headers, [(header::ETAG, tag)]).into_response();
    }
    let kind = [(header::CONTENT_TYPE, media.content_type())];
    (headers, kind, [(header::ETAG, tag)], body).into_response()
}

/// The tag of a body, weak, because it may still be compressed.
#[must_use]
pub fn entity_tag(body: &[u8]) -> String {
    format!("W/\"{}\"", URL_SAFE_NO_PAD.encode(Sha256::digest(body)))
}

/// Whether the client has it already.
#[must_use]
pub fn is_known(asked: &HeaderMap, tag: &str) -> bool {
    let weak = tag.trim_start_matches("W/");
    asked
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|known| known.trim().trim_start_matches("W/"))
        .any(|known| known == weak || known == "*")
}

/// What an answer depends on.
const VARY: &str = "accept, authorization";

/// What no cache keeps.
const NOT_TO_KEEP: HeaderValue = HeaderValue::from_static("private, no-store");

/// Writes why a request wasn't executed. Nobody keeps it: a document asked for by its hash is unknown only once.
#[must_use]
pub fn refuse(refusal: Refusal, media: Media, request_id: &str) -> Response {
    let media = match (refusal.kind, media) {
        (Kind::Unsent, Media::GraphqlResponseOrJson) => Media::Json,
        _ => media,
    };
    let status = match (refusal.kind, media) {
        (Kind::Http(status), _) => status,
        (Kind::Malformed, _) => StatusCode::BAD_REQUEST,
        (_, Media::Json) => StatusCode::OK,
        (Kind::Late, _) => StatusCode::GATEWAY_TIMEOUT,
        (Kind::Request | Kind::Unsent, _) => StatusCode::BAD_REQUEST,
    };
    let retry_after = refusal.retry_after_seconds;
    let mut answer = write(&refusal.into_response(request_id), media, status);
    answer
        .headers_mut()
        .insert(header::CACHE_CONTROL, NOT_TO_KEEP);
    if let Some(seconds) = retry_after {
        answer
            .headers_mut()
            .insert(header::RETRY_AFTER, seconds.into());
    }
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
        (header::VARY, VARY),
    ];
    match serde_json::to_vec(&Body(response)) {
        Ok(body) => (status, headers, body).into_response(),
        Err(error) => {
            tracing::error!(%error, "Can't write a response: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
