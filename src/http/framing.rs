//! Refuses requests whose host or length a proxy may read otherwise than the server (RFC 9112).

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Refuses HTTP/1.1 without exactly one valid `Host`, and transfer encodings other than `chunked`. The host of the request
/// target, if it has one, takes the place of `Host`, which the handlers read (RFC 9112, 3.2.2).
pub async fn check(mut request: Request, next: Next) -> Response {
    let headers = request.headers();
    if request.version() == Version::HTTP_11 && !has_one_host(headers) {
        return refuse(
            StatusCode::BAD_REQUEST,
            "HTTP/1.1 requires one valid Host header",
        );
    }
    if !is_only_chunked(headers) {
        return refuse(
            StatusCode::NOT_IMPLEMENTED,
            "the only supported transfer encoding is chunked",
        );
    }
    let target = request.uri().authority().map(Authority::as_str);
    if let Some(Ok(host)) = target.map(HeaderValue::from_str) {
        request.headers_mut().insert(header::HOST, host);
    }
    next.run(request).await
}

fn has_one_host(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let is_host = |host: &Authority| !host.as_str().contains('@');
    host.is_empty() || Authority::try_from(host.as_bytes()).is_ok_and(|host| is_host(&host))
}

/// hyper answers 400 to a body whose last encoding is not `chunked`, because it has no end.
fn is_only_chunked(headers: &HeaderMap) -> bool {
    let mut encodings = headers
        .get_all(header::TRANSFER_ENCODING)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    match (encodings.next(), encodings.next()) {
        (None, _) => true,
        (Some(encoding), None) => encoding.trim_ascii().eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => false,
    }
}

fn refuse(status: StatusCode, problem: &str) -> Response {
    // The rest of the connection can't be read reliably either.
    let headers = [(header::CONNECTION, "close")];
    (
        status,
        headers,
        axum::Json(serde_json::json!({"error": problem})),
    )
        .into_response()
}
