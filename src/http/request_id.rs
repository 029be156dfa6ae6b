//! Request ids, for answers, errors and logs.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

use super::HttpState;

/// The header with the request id.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

const MAX_BYTES: usize = 128;

/// Generates a request id.
pub type NewRequestId = Arc<dyn Fn() -> String + Send + Sync>;

/// The id of a request, as an extension of the request.
#[derive(Clone, Debug)]
pub struct RequestId(pub Arc<str>);

/// Takes the request's own id if it is valid, else generates one, and adds it to the answer.
pub async fn assign(State(state): State<HttpState>, mut request: Request, next: Next) -> Response {
    let id: Arc<str> =
        valid_id(request.headers()).map_or_else(|| (state.new_request_id)().into(), Into::into);
    request.extensions_mut().insert(RequestId(Arc::clone(&id)));
    let mut response = next.run(request).await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

fn valid_id(headers: &HeaderMap) -> Option<&str> {
    let id = headers.get(HEADER)?.to_str().ok()?;
    let is_valid =
        !id.is_empty() && id.len() <= MAX_BYTES && id.bytes().all(|byte| byte.is_ascii_graphic());
    is_valid.then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_only_valid_ids() {
        let taken = |id: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, HeaderValue::from_bytes(id).unwrap());
            valid_id(&headers).map(str::to_owned)
        };
        assert_eq!(taken(b"a-1_{x}"), Some("a-1_{x}".into()));
        assert_eq!(taken(&[b'x'; 128]).map(|id| id.len()), Some(128));
        for bad in [&b""[..], b"a b", b"tab\there", b"\xff", &[b'x'; 129]] {
            assert_eq!(taken(bad), None);
        }
        assert_eq!(super::valid_id(&HeaderMap::new()), None);
    }
}
