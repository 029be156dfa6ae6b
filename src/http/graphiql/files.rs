//! The embedded files, decompressed once at first use.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::super::static_file::StaticFile;
use super::super::unknown_path;

/// A file of the binary.
struct Embedded {
    name: &'static str,
    file: LazyLock<Option<StaticFile>, Box<dyn FnOnce() -> Option<StaticFile> + Send>>,
}

/// Names and gzip-compressed contents; `build.rs` lists them.
static PACKED: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/graphiql.rs"));

static FILES: LazyLock<Vec<Embedded>> = LazyLock::new(|| {
    let files = PACKED.iter().map(|(name, packed)| Embedded {
        name,
        file: LazyLock::new(Box::new(|| unpack(name, packed))),
    });
    files.collect()
});

/// Allows only our own files. The editor needs inline styles; inline scripts are forbidden.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; worker-src 'self'; \
    font-src 'self' data:; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; \
    form-action 'none'";

/// The name of an asset contains a hash of its contents, so it never changes.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// The page.
pub async fn page(headers: HeaderMap) -> Response {
    let referrer = [(header::REFERRER_POLICY, "no-referrer")];
    (referrer, send("index.html", &headers, "no-cache")).into_response()
}

/// The licenses of the embedded packages.
pub async fn licenses(headers: HeaderMap) -> Response {
    send("licenses.md", &headers, "no-cache")
}

/// A script, a style or a font.
pub async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    send(&format!("assets/{name}"), &headers, IMMUTABLE)
}

fn send(name: &str, headers: &HeaderMap, cache_control: &'static str) -> Response {
    let Some(embedded) = FILES.iter().find(|embedded| embedded.name == name) else {
        return unknown_path();
    };
    let Some(file) = &*embedded.file else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    // A worker's policy comes from its own answer, so every file has the header.
    let policy = [(header::CONTENT_SECURITY_POLICY, POLICY)];
    (policy, file.answer(headers, cache_control)).into_response()
}

fn unpack(name: &str, packed: &'static [u8]) -> Option<StaticFile> {
    match StaticFile::of_gzip(content_type(name), packed) {
        Ok(file) => Some(file),
        Err(error) => {
            tracing::error!(name, %error, "{name} can't be decompressed: {error}");
            None
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decompresses_every_file() {
        for name in ["index.html", "licenses.md"] {
            assert!(FILES.iter().any(|embedded| embedded.name == name), "{name}");
        }
        for Embedded { name, file } in FILES.iter() {
            assert_ne!(content_type(name), "application/octet-stream", "{name}");
            assert!(file.is_some(), "{name}");
        }
    }
}
