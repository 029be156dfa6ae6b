//! Files that never change while the process runs: compressed once, and shared by all answers.

use std::borrow::Cow;
use std::io::{Read, Write};

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use super::reply;

/// A shorter file is sent uncompressed.
const MIN_COMPRESSED_BYTES: usize = 1_024;

/// A file with its compressed form.
#[derive(Clone, Debug)]
pub struct StaticFile {
    content_type: &'static str,
    plain: Form,
    gzip: Option<Form>,
}

/// The bytes of one encoding, with their entity tag.
#[derive(Clone, Debug)]
struct Form {
    bytes: Bytes,
    tag: HeaderValue,
}

impl Form {
    fn new(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(&bytes));
        let tag = HeaderValue::try_from(format!("\"{digest}\""));
        Self {
            bytes,
            tag: tag.unwrap_or(HeaderValue::from_static("\"\"")),
        }
    }
}

impl StaticFile {
    /// Compresses a file.
    #[must_use]
    pub fn new(content_type: &'static str, plain: impl Into<Cow<'static, str>>) -> Self {
        let plain = match plain.into() {
            Cow::Borrowed(text) => Bytes::from_static(text.as_bytes()),
            Cow::Owned(text) => Bytes::from(text),
        };
        let gzip = (plain.len() >= MIN_COMPRESSED_BYTES)
            .then(|| compress(&plain))
            .and_then(Result::ok);
        Self {
            content_type,
            plain: Form::new(plain),
            gzip: gzip.map(Form::new),
        }
    }

    /// Decompresses a file that is part of the binary.
    pub fn of_gzip(content_type: &'static str, packed: &'static [u8]) -> std::io::Result<Self> {
        let mut plain = Vec::new();
        GzDecoder::new(packed).read_to_end(&mut plain)?;
        Ok(Self {
            content_type,
            plain: Form::new(plain),
            gzip: Some(Form::new(Bytes::from_static(packed))),
        })
    }

    /// The file in the form that the client accepts, or 304 if the client has it.
    #[must_use]
    pub fn answer(&self, request: &HeaderMap, cache_control: &'static str) -> Response {
        let gzip = self.gzip.as_ref().filter(|_| accepts_gzip(request));
        let form = gzip.unwrap_or(&self.plain);
        let caching = [
            (header::ETAG, form.tag.clone()),
            (
                header::CACHE_CONTROL,
                HeaderValue::from_static(cache_control),
            ),
            (header::VARY, HeaderValue::from_static("accept-encoding")),
        ];
        if reply::is_known(request, form.tag.to_str().unwrap_or_default()) {
            return (StatusCode::NOT_MODIFIED, caching).into_response();
        }
        let kind = [(header::CONTENT_TYPE, self.content_type)];
        let encoding = gzip.map(|_| [(header::CONTENT_ENCODING, "gzip")]);
        let response = (caching, kind, form.bytes.clone()).into_response();
        match encoding {
            Some(encoding) => (encoding, response).into_response(),
            None => response,
        }
    }
}

fn compress(plain: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain)?;
    encoder.finish()
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

    fn accepting(value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
        headers
    }

    #[test]
    fn negotiates_gzip() {
        for yes in ["gzip", "br;q=1, GZIP;q=0.5", "*", "*;q=0, gzip"] {
            assert!(accepts_gzip(&accepting(yes)), "{yes}");
        }
        for no in ["", "br", "identity", "gzip;q=0", "*, gzip;q=0", "*;q=0"] {
            assert!(!accepts_gzip(&accepting(no)), "{no}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }

    #[test]
    fn tags_each_form() {
        let file = StaticFile::new("text/plain", "a line\n".repeat(1_000));
        let tag = |request: &HeaderMap| file.answer(request, "no-cache").headers()["etag"].clone();
        let (plain, gzip) = (tag(&HeaderMap::new()), tag(&accepting("gzip")));
        assert_ne!(plain, gzip);
        let status = |tag: &HeaderValue, encodings| {
            let mut request = accepting(encodings);
            request.insert(header::IF_NONE_MATCH, tag.clone());
            file.answer(&request, "no-cache").status()
        };
        assert_eq!(status(&gzip, "gzip"), StatusCode::NOT_MODIFIED);
        assert_eq!(status(&plain, "br"), StatusCode::NOT_MODIFIED);
        assert_eq!(status(&plain, "gzip"), StatusCode::OK);
        let short = StaticFile::new("text/plain", "short");
        assert!(short.gzip.is_none());
    }
}
