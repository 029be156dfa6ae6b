//! The embedded files, sent in their compressed form.

use std::borrow::Cow;
use std::io::Read;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::read::GzDecoder;

use super::super::{reply, unknown_path};

/// Names and gzip-compressed contents; `build.rs` lists them.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/graphiql.rs"));

/// Allows only our own files. The editor needs inline styles; inline scripts are forbidden.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; worker-src 'self'; \
    font-src 'self' data:; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; \
    form-action 'none'";

/// The name of an asset contains a hash of its contents, so it never changes.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

static PAGE_TAG: LazyLock<String> = LazyLock::new(|| {
    let page = find("index.html").unwrap_or_default();
    reply::entity_tag(page)
});

/// The page.
pub async fn page(headers: HeaderMap) -> Response {
    let tag = PAGE_TAG.as_str();
    let caching = [(header::ETAG, tag), (header::CACHE_CONTROL, "no-cache")];
    if reply::is_known(&headers, tag) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    let referrer = [(header::REFERRER_POLICY, "no-referrer")];
    (caching, referrer, send("index.html", &headers)).into_response()
}

/// The licenses of the embedded packages.
pub async fn licenses(headers: HeaderMap) -> Response {
    let caching = [(header::CACHE_CONTROL, "no-cache")];
    (caching, send("licenses.md", &headers)).into_response()
}

/// A script, a style or a font.
pub async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let mut response = send(&format!("assets/{name}"), &headers);
    if response.status().is_success() {
        let immutable = HeaderValue::from_static(IMMUTABLE);
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, immutable);
    }
    response
}

fn send(name: &str, headers: &HeaderMap) -> Response {
    let Some(packed) = find(name) else {
        return unknown_path();
    };
    // A worker's policy comes from its own answer, so every file has the header.
    let headers_of_file = [
        (header::CONTENT_TYPE, content_type(name)),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::VARY, "accept-encoding"),
    ];
    if accepts_gzip(headers) {
        let encoding = [(header::CONTENT_ENCODING, "gzip")];
        return (headers_of_file, encoding, Cow::Borrowed(packed)).into_response();
    }
    let mut contents = Vec::new();
    match GzDecoder::new(packed).read_to_end(&mut contents) {
        Ok(_) => (headers_of_file, contents).into_response(),
        Err(error) => {
            tracing::error!(name, %error, "{name} can't be decompressed: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn find(name: &str) -> Option<&'static [u8]> {
    FILES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, packed)| *packed)
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, end)| end) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "md" => "text/plain; charset=utf-8",
        "ttf" => "font/ttf",
        _ => "application/octet-stream",
    }
}

/// Whether the client accepts gzip. Clients without the header get identity.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    let mut answer = None;
    for coding in accepted {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let is_refused = weight
            .trim()
            .strip_prefix("q=")
            .and_then(|q| q.parse::<f32>().ok())
            .is_some_and(|q| q <= 0.0);
        match name.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => return !is_refused,
            "*" => answer = Some(!is_refused),
            _ => {}
        }
    }
    answer.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negotiates_gzip() {
        let takes = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            accepts_gzip(&headers)
        };
        for yes in ["gzip", "br;q=1, GZIP;q=0.5", "*", "*;q=0, gzip"] {
            assert!(takes(yes), "{yes}");
        }
        for no in ["", "br", "identity", "gzip;q=0", "*, gzip;q=0", "*;q=0"] {
            assert!(!takes(no), "{no}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }

    #[test]
    fn decompresses_every_file() {
        assert!(find("index.html").is_some() && find("licenses.md").is_some());
        for (name, packed) in FILES {
            assert_ne!(content_type(name), "application/octet-stream", "{name}");
            let mut contents = Vec::new();
            GzDecoder::new(*packed).read_to_end(&mut contents).unwrap();
            assert!(!contents.is_empty(), "{name}");
        }
    }
}
