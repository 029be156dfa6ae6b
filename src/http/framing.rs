//! Refuses requests whose host or length a proxy may read otherwise than the server (RFC 9112).

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Refuses HTTP/1.1 without exactly one valid `Host`, a request target of another host, and transfer encodings other
/// than `chunked`.
pub async fn check(request: Request, next: Next) -> Response {
    let headers = request.headers();
    if request.version() == Version::HTTP_11 && !has_one_host(headers) {
        return refuse(
            StatusCode::BAD_REQUEST,
            "HTTP/1.1 requires one valid Host header",
        );
    }
    // The handlers read `Host`, and the target's host would replace it.
    let target = request.uri().authority().map(Authority::as_str);
    let host = headers.get(header::HOST).map(HeaderValue::as_bytes);
    if let (Some(target), Some(host)) = (target, host)
        && !target.as_bytes().eq_ignore_ascii_case(host)
    {
        return refuse(
            StatusCode::BAD_REQUEST,
            "the host of the request target and the Host header differ",
        );
    }
    if !is_only_chunked(headers) {
        return refuse(
            StatusCode::NOT_IMPLEMENTED,
            "the only supported transfer encoding is chunked",
        );
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
